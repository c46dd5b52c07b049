//! What users type about waivers.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand};
use jiff::civil::Date;
use kubeassay_core::{Cause, Horizon};

use super::{CatalogueArgs, TextFormat};

/// The examples and exit codes of `kubeassay waivers`.
pub(super) const WAIVERS_HELP: &str = "\
Examples:
  kubeassay waivers add 4.2.2 --file waivers.yaml --node worker-1 --from report.json \\
    --owner platform --reason 'until the old agent is gone' --expires 2027-03-31
  kubeassay waivers lint waivers.yaml --report report.json   what is over, changed, unused, too broad
  kubeassay waivers list waivers.yaml                        who accepted what, until when
  kubeassay scan --waivers waivers.yaml                      scan with them

Exit codes:
  0  done; lint: nothing is wrong
  1  lint: something is wrong with a waiver
  64 usage: a flag, rule or file that cannot be used
  70 internal error
";

const ADD_HELP: &str = "\
Examples:
  kubeassay waivers add 4.2.2 --file waivers.yaml --node worker-1 --from report.json --owner platform \\
    --reason 'until the old agent is gone' --expires 2027-03-31 --ticket OPS-1183
  kubeassay waivers add 4.2.2 --file waivers.yaml --node 'gpu-*' --observed kubelet.authorization.mode=AlwaysAllow \\
    --owner platform --reason 'lab nodes' --expires 2027-03-31
  kubeassay waivers add 1.2.1 --file waivers.yaml --observed unknown --cause provider-side \\
    --owner security --reason 'the provider attests it' --expires 2027-03-31
";

/// Which deviations were accepted.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct WaiverArgs {
    /// Accept the deviations in this file of waivers (docs/waivers.md). May be given several times; none is looked for on the host that is scanned
    #[arg(long, value_name = "FILE")]
    pub(crate) waivers: Vec<PathBuf>,
}

/// `kubeassay waivers`.
#[derive(Args, Debug)]
pub(crate) struct Waivers {
    #[command(subcommand)]
    pub(crate) command: WaiversCommand,
}

/// What to do with waivers.
#[derive(Debug, Subcommand)]
pub(crate) enum WaiversCommand {
    /// Check files of waivers: mistakes, and what is expired, too broad or contradicting; with a report what changed and what is unused
    Lint(WaiversLint),
    /// List waivers: who accepted what, until when
    List(WaiversList),
    /// Add a waiver to a file, which is made if there is none; what is in it stays as it is
    #[command(before_help = ADD_HELP)]
    Add(Box<WaiversAdd>),
}

/// `kubeassay waivers lint`.
#[derive(Args, Debug)]
pub(crate) struct WaiversLint {
    /// Files of waivers
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// Hold them against the findings of this report (JSON, JSON lines or YAML)
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) catalogue: CatalogueArgs,
    /// Format of the diagnostics
    #[arg(short, long, value_enum, default_value_t = TextFormat::Table, value_name = "FORMAT")]
    pub(crate) output: TextFormat,
}

/// `kubeassay waivers list`.
#[derive(Args, Debug)]
pub(crate) struct WaiversList {
    /// Files of waivers
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) catalogue: CatalogueArgs,
    /// Format of the list
    #[arg(short, long, value_enum, default_value_t = TextFormat::Table, value_name = "FORMAT")]
    pub(crate) output: TextFormat,
}

/// `kubeassay waivers add`.
#[derive(Args, Debug)]
#[command(group = ArgGroup::new("accepts").required(true))]
pub(crate) struct WaiversAdd {
    /// The rule: a number (4.2.2, cis-eks:3.2.2), an id or an alias
    #[arg(value_name = "RULE")]
    pub(crate) rule: String,
    /// The file to add it to
    #[arg(long, value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// A node that it covers, * for any run of characters; every node without one
    #[arg(long, value_name = "NAME")]
    pub(crate) node: Vec<String>,
    /// The cluster that it covers: the UID of kube-system, or the API server's address
    #[arg(long, value_name = "UID|SERVER")]
    pub(crate) cluster: Option<String>,
    /// The subject that it covers: its key (/var/lib/kubelet), object (Namespace shop) or file, * for any run of characters
    #[arg(long, value_name = "SUBJECT")]
    pub(crate) subject: Option<String>,
    /// The only horizon that it covers: running, restart or rebuild
    #[arg(long, value_name = "HORIZON", value_parser = horizon)]
    pub(crate) horizon: Option<Horizon>,
    /// A value that is accepted, as scan -o wide shows it (kubelet.authorization.mode=AlwaysAllow); or the word unknown
    #[arg(long, value_name = "SETTING=VALUE", group = "accepts")]
    pub(crate) observed: Vec<String>,
    /// With --observed unknown: only for this cause
    #[arg(long, value_name = "CAUSE", value_parser = cause, requires = "observed")]
    pub(crate) cause: Option<Cause>,
    /// Accept the values that this report (JSON, JSON lines or YAML) has for the rule in the scope
    #[arg(long, value_name = "FILE", group = "accepts")]
    pub(crate) from: Option<PathBuf>,
    /// Who accepts it
    #[arg(long, value_name = "NAME")]
    pub(crate) owner: String,
    /// Why it is accepted
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
    /// The last day it holds, in UTC (2027-03-31)
    #[arg(long, value_name = "DAY", value_parser = day)]
    pub(crate) expires: Date,
    /// Where it was discussed
    #[arg(long, value_name = "TICKET")]
    pub(crate) ticket: Option<String>,
    #[command(flatten)]
    pub(crate) catalogue: CatalogueArgs,
}

fn horizon(text: &str) -> Result<Horizon, String> {
    let known = Horizon::ALL.iter().find(|one| one.as_str() == text);
    known.copied().ok_or_else(|| {
        let words: Vec<&str> = Horizon::ALL.iter().map(|one| one.as_str()).collect();
        format!("{text:?} is no horizon; it is one of {}", words.join(", "))
    })
}

fn cause(text: &str) -> Result<Cause, String> {
    let known = Cause::ALL.iter().find(|one| one.as_str() == text);
    known.copied().ok_or_else(|| {
        let words: Vec<&str> = Cause::ALL.iter().map(|one| one.as_str()).collect();
        format!("{text:?} is no cause; it is one of {}", words.join(", "))
    })
}

fn day(text: &str) -> Result<Date, String> {
    let day = text.parse::<Date>().ok();
    day.filter(|day| day.to_string() == text)
        .ok_or_else(|| format!("{text:?} is no day; write it as 2027-03-31"))
}
