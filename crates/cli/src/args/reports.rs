//! Reports that exist.

use std::path::PathBuf;

use clap::Args;

use super::{BaselineArgs, CatalogueArgs, GateArgs, OutputArgs, SignArgs, SiteArgs};

pub(super) const RENDER_HELP: &str = "\
Examples:
  kubeassay render report.json                          as a table
  kubeassay render report.jsonl -o report.json          one format as another
  kubeassay render node-*.json -o fleet.json            several reports as one; the later scan of a node counts
  kubeassay render report.json --baseline old.json --fail-on-new   the gate again, for what is new
  ssh node kubeassay scan -o jsonl | kubeassay render - from stdin

Exit codes: those of kubeassay scan, worked out anew for what is rendered
";

/// `kubeassay render`.
#[derive(Args, Debug)]
pub(crate) struct Render {
    /// Reports as JSON, JSON lines or YAML; - for stdin
    #[arg(value_name = "REPORT", required = true)]
    pub(crate) reports: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) catalogue: CatalogueArgs,
    /// Count kubelets that run inside a workload as if they were the node's
    #[arg(long)]
    pub(crate) include_pods: bool,
    #[command(flatten)]
    pub(crate) gate: GateArgs,
    #[command(flatten)]
    pub(crate) baseline: BaselineArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(flatten)]
    pub(crate) sign: SignArgs,
}

pub(super) const DIFF_HELP: &str = "\
Examples:
  kubeassay diff old.json new.json                      what is new, fixed, changed, or no longer seen
  kubeassay diff old.json new.json --detailed-exitcode  exit 2 where something changed
  kubeassay diff monday/ today/ -o markdown             facts, judged by the same rules first
  kubeassay diff old.jsonl new.jsonl -o table -o changes.html -o sarif=changes.sarif

Exit codes:
  0  compared; with --detailed-exitcode: nothing changed
  2  with --detailed-exitcode: something changed
  64 usage: a flag or file that cannot be used
  70 internal error
";

/// `kubeassay diff`.
#[derive(Args, Debug)]
pub(crate) struct Diff {
    /// What was before: a report, facts, or a folder of facts; - for a report on stdin
    #[arg(value_name = "OLD")]
    pub(crate) old: PathBuf,
    /// What is now
    #[arg(value_name = "NEW")]
    pub(crate) new: PathBuf,
    #[command(flatten)]
    pub(crate) catalogue: CatalogueArgs,
    #[command(flatten)]
    pub(crate) site: SiteArgs,
    /// Exit 2 where something changed, 0 where nothing did
    #[arg(long)]
    pub(crate) detailed_exitcode: bool,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}
