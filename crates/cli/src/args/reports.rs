//! Reports that exist.

use std::path::PathBuf;

use clap::Args;

use super::{BaselineArgs, CatalogueArgs, GateArgs, OutputArgs};

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
}
