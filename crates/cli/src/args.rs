//! The command line: what users type, and the help they read.

mod asking;
mod fixing;
mod judging;
mod manifests;
mod program;
mod publishing;
mod reporting;
mod reports;
mod rules;
mod subject;
mod waivers;

use std::path::PathBuf;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::privileges::Keep;

pub(crate) use asking::{ClusterArgs, EndpointArgs, LiveArg, LiveArgs};
pub(crate) use fixing::{Apply, Fix, ManifestApply, Rollback, Transactions, TransactionsCommand};
pub(crate) use judging::{CatalogueArgs, Collect, Explain, Scan, SiteArgs};
pub(crate) use manifests::{
    Manifest, ManifestCollect, ManifestCommand, ManifestRbac, NamespaceArgs, PodArgs,
};
pub(crate) use program::{
    CompletionShell, Completions, Config, ConfigCommand, ConfigShow, Man, Verify, Version,
};
pub(crate) use publishing::{Accept, DryRun, Publish, Report, ReportCommand};
pub(crate) use reporting::{BaselineArgs, GateArgs, OutputArgs, SignArgs, Wanted, of_file};
pub(crate) use reports::{Diff, Render};
pub(crate) use rules::{Rules, RulesCommand};
pub(crate) use subject::{HostArgs, SubjectArgs};
pub(crate) use waivers::{
    WaiverArgs, Waivers, WaiversAdd, WaiversCommand, WaiversLint, WaiversList,
};

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

const TOP_HELP: &str = "\
Examples:
  kubeassay scan --demo                 judge a recorded node, to see what a report looks like
  kubeassay scan                        judge this node: every kubelet, every bundled rule
  kubeassay scan 4.2.2 --root /host     one control, on a mounted host root or a captured host
  kubeassay explain 4.2.2               how this node comes to its value, layer by layer
  kubeassay fix 4.2.2                   what would mend it, as a plan; nothing is written
";

/// Kubernetes compliance verdicts that equal what the real component does, with the line of configuration
/// that made it so.
#[derive(Debug, Parser)]
#[command(name = "kubeassay", version, styles = STYLES, before_help = TOP_HELP, disable_help_subcommand = true)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The heading of the options that every command has.
const GLOBAL: &str = "Options of every command";

/// Options of every command.
#[derive(Args, Clone, Debug)]
pub(crate) struct Global {
    /// When to use colour
    #[arg(long, global = true, help_heading = GLOBAL, value_enum, default_value_t = Colour::Auto, value_name = "WHEN")]
    pub(crate) color: Colour,
    /// Print nothing but data and errors
    #[arg(short, long, global = true, help_heading = GLOBAL, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Say on stderr what is done
    #[arg(short, long, global = true, help_heading = GLOBAL)]
    pub(crate) verbose: bool,
    #[arg(
        long,
        global = true,
        help = "Take what flags do not say from this file, not from $KUBEASSAY_CONFIG, /etc/kubeassay/kubeassay.yaml or ./kubeassay.yaml",
        help_heading = GLOBAL,
        value_name = "FILE"
    )]
    pub(crate) config: Option<PathBuf>,
    /// Whether the file of choices is the configuration, which has other keys too.
    #[arg(skip)]
    pub(crate) choices_are_configured: bool,
}

/// When colour is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Colour {
    /// Where the output is a terminal and `NO_COLOR` is not set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Judge a host, or facts that were collected before
    #[command(before_help = judging::SCAN_HELP)]
    Scan(Box<Scan>),
    /// Show a rule or a setting, and how a host comes to its value
    #[command(before_help = judging::EXPLAIN_HELP)]
    Explain(Box<Explain>),
    /// Read a host into a facts document, without judging it
    #[command(before_help = judging::COLLECT_HELP)]
    Collect(Collect),
    /// Print what would mend a node: files, restarts, what has to hold first. Writes nothing without --apply
    #[command(before_help = fixing::FIX_HELP)]
    Fix(Box<Fix>),
    /// Do what a plan says, on the node that it is for, and nothing else
    #[command(before_help = fixing::APPLY_HELP)]
    Apply(Box<Apply>),
    /// Undo what was applied
    #[command(before_help = fixing::ROLLBACK_HELP)]
    Rollback(Box<Rollback>),
    /// List what was applied here, and show how it came out
    #[command(before_help = fixing::TRANSACTIONS_HELP)]
    Transactions(Transactions),
    /// Show reports that exist in other formats, and join several into one
    #[command(before_help = reports::RENDER_HELP)]
    Render(Box<Render>),
    /// Show what changed between two reports, or between facts judged by the same rules
    #[command(before_help = reports::DIFF_HELP)]
    Diff(Box<Diff>),
    /// Write reports into a cluster, where dashboards find them
    #[command(before_help = publishing::REPORT_HELP)]
    Report(Report),
    /// Print Kubernetes objects that collect facts in a cluster, or carry a plan to its node
    #[command(before_help = manifests::MANIFEST_HELP)]
    Manifest(Manifest),
    /// List, show and check rule documents
    #[command(before_help = rules::RULES_HELP)]
    Rules(Rules),
    /// Check that a report is the one that was signed, and show what was said of it
    #[command(before_help = program::VERIFY_HELP)]
    Verify(Verify),
    /// Show what is configured, and where each value comes from
    Config(Config),
    /// Print a script that completes commands, flags, control numbers and settings in a shell
    #[command(before_help = program::COMPLETIONS_HELP)]
    Completions(Completions),
    /// Print a page of the manual
    #[command(before_help = program::MAN_HELP)]
    Man(Man),
    /// Check, list and add waivers: deviations that somebody accepted, with values, reason, owner and last day
    #[command(before_help = waivers::WAIVERS_HELP)]
    Waivers(Waivers),
    /// Print the version
    Version(Version),
}

impl Command {
    /// Returns what the command keeps of root's privileges; `None` where it has no use for the question,
    /// because nothing but the command line and the user's own files is read.
    pub(crate) fn keep(&self) -> Option<Keep> {
        match self {
            Self::Scan(scan) if scan.cluster.cluster => Some(Keep::Nothing),
            Self::Scan(scan) => Some(scan.subject.keep(&scan.endpoint)),
            Self::Explain(explain) => Some(explain.subject.keep(&explain.endpoint)),
            Self::Fix(fix) => Some(fix.keep()),
            Self::Apply(_) | Self::Rollback(_) => Some(Keep::Writing),
            Self::Collect(_) | Self::Transactions(_) => Some(Keep::Reading),
            Self::Manifest(manifest) => match manifest.command {
                ManifestCommand::Collect(_) | ManifestCommand::Apply(_) => None,
                ManifestCommand::Rbac(_) => Some(Keep::Nothing),
            },
            Self::Report(_) => Some(Keep::Nothing),
            Self::Render(_)
            | Self::Diff(_)
            | Self::Rules(_)
            | Self::Waivers(_)
            | Self::Verify(_)
            | Self::Config(_)
            | Self::Completions(_)
            | Self::Man(_)
            | Self::Version(_) => None,
        }
    }
}

/// Formats of everything else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TextFormat {
    /// For people
    Table,
    /// JSON
    Json,
    /// YAML
    Yaml,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_well_formed() {
        super::Arguments::command().debug_assert();
    }
}
