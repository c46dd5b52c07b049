//! The program itself and what it signed: `verify`, `config`, `completions`, `man`, `version`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use kubeassay_core::rule::Benchmark;

use super::{BaselineArgs, CatalogueArgs, GateArgs, SiteArgs, TextFormat, WaiverArgs};

pub(super) const VERIFY_HELP: &str = "\
Examples:
  openssl genpkey -algorithm ed25519 -out key.pem              a key …
  openssl pkey -in key.pem -pubout -out pub.pem                … and its public part
  kubeassay scan -o json=report.json --sign key.pem            makes report.json and report.json.dsse.json
  kubeassay verify report.json --key pub.pem

Exit codes:
  0  the report is the one that was signed with this key
  1  it is not: the signature is another key's, or report or attestation were changed since
  64 usage: a file that is missing or cannot be read, a key that is none
";

pub(super) const COMPLETIONS_HELP: &str = "\
Examples:
  kubeassay completions bash > /etc/bash_completion.d/kubeassay
  kubeassay completions zsh > \"${fpath[1]}/_kubeassay\"
  kubeassay completions fish > ~/.config/fish/completions/kubeassay.fish
  ln -s kubeassay /usr/local/bin/kubectl_complete-assay       for kubectl assay, by kubectl's own completion
";

pub(super) const MAN_HELP: &str = "\
Examples:
  kubeassay man | man -l -
  kubeassay man scan > /usr/local/share/man/man1/kubeassay-scan.1
";

/// `kubeassay verify`.
#[derive(Args, Debug)]
pub(crate) struct Verify {
    /// The report, in any format
    #[arg(value_name = "REPORT")]
    pub(crate) report: PathBuf,
    /// What was signed of it; without it REPORT.dsse.json
    #[arg(long, value_name = "FILE")]
    pub(crate) attestation: Option<PathBuf>,
    /// The public key of whoever must have signed it (Ed25519, PEM)
    #[arg(long, value_name = "PUB")]
    pub(crate) key: PathBuf,
    /// Format of what was said of the report
    #[arg(short, long, value_enum, default_value_t = TextFormat::Table, value_name = "FORMAT")]
    pub(crate) output: TextFormat,
}

/// `kubeassay config`.
#[derive(Args, Debug)]
pub(crate) struct Config {
    #[command(subcommand)]
    pub(crate) command: ConfigCommand,
}

/// What to do with the configuration.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Show every value with its origin and what it overrode; flags count as they would in a scan
    Show(Box<ConfigShow>),
}

/// `kubeassay config show`.
#[derive(Args, Debug)]
pub(crate) struct ConfigShow {
    /// As in a scan
    #[arg(long, value_name = "NAME@VERSION")]
    pub(crate) benchmark: Option<Benchmark>,
    #[command(flatten)]
    pub(crate) catalogue: CatalogueArgs,
    #[command(flatten)]
    pub(crate) site: SiteArgs,
    #[command(flatten)]
    pub(crate) waivers: WaiverArgs,
    #[command(flatten)]
    pub(crate) gate: GateArgs,
    #[command(flatten)]
    pub(crate) baseline: BaselineArgs,
    /// Format of the list
    #[arg(short, long, value_enum, default_value_t = TextFormat::Table, value_name = "FORMAT")]
    pub(crate) output: TextFormat,
}

/// `kubeassay completions`.
#[derive(Args, Debug)]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_enum, value_name = "SHELL")]
    pub(crate) shell: CompletionShell,
}

/// Shells whose scripts can be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CompletionShell {
    /// GNU bash
    Bash,
    /// The Z shell
    Zsh,
    /// fish
    Fish,
}

/// `kubeassay man`.
#[derive(Args, Debug)]
pub(crate) struct Man {
    /// The command of the page (rules show); without it the program's own
    #[arg(value_name = "COMMAND")]
    pub(crate) command: Vec<String>,
    /// Write every page into this folder, which must be there
    #[arg(long, value_name = "FOLDER", conflicts_with = "command")]
    pub(crate) folder: Option<PathBuf>,
}

/// `kubeassay version`.
#[derive(Args, Debug)]
pub(crate) struct Version {
    /// List the platforms that are known: what each is told by, what of it is judged, and how it is known
    #[arg(long)]
    pub(crate) platforms: bool,
    /// Format of the version
    #[arg(short, long, value_enum, default_value_t = TextFormat::Table, value_name = "FORMAT")]
    pub(crate) output: TextFormat,
}
