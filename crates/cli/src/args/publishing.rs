//! Writing reports through a cluster's API.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

pub(super) const REPORT_HELP: &str = "\
Examples:
  kubeassay report publish report.json                  write it into the cluster, an object for each node
";

pub(super) const PUBLISH_HELP: &str = "\
Examples:
  kubeassay report publish report.json                  write it into the cluster, an object for each node
  kubeassay report publish node-*.json                  several reports; the later scan of a node counts
  kubeassay report publish report.json --dry-run=client print the objects, ask nobody
  kubeassay report publish report.json --dry-run=server let the API server check them, and keep nothing
  kubeassay scan -o json | kubeassay report publish - --node worker-1   a node that calls itself something else
  kubeassay manifest rbac --publish | kubectl apply -f -   what it takes

Exit codes:
  0  every object was written, or is there as it is
  1  some were not: of an older scan, of another node, not allowed, refused by the API server; each with its reason
  64 usage: a flag or file that cannot be used, a report that is not to be published, no cluster that knows reports
  70 internal error
";

/// `kubeassay report`.
#[derive(Args, Debug)]
pub(crate) struct Report {
    #[command(subcommand)]
    pub(crate) command: ReportCommand,
}

/// What to do with reports.
#[derive(Debug, Subcommand)]
pub(crate) enum ReportCommand {
    /// Write reports into a cluster: one small object for each node (openreports.io, else wgpolicyk8s.io)
    #[command(before_help = PUBLISH_HELP)]
    Publish(Box<Publish>),
}

/// `kubeassay report publish`.
#[derive(Args, Debug)]
pub(crate) struct Publish {
    /// Reports as JSON, JSON lines or YAML; - for stdin
    #[arg(value_name = "REPORT", required = true)]
    pub(crate) reports: Vec<PathBuf>,
    /// Write nothing: client prints the objects and asks nobody, server lets the API server do all but keep them
    #[arg(long, value_enum, default_value_t = DryRun::None, value_name = "WHERE")]
    pub(crate) dry_run: DryRun,
    /// Write all the same what is of a captured host, of a node that the cluster does not have (or has as another machine), or older than what is there
    #[arg(long, value_enum, value_name = "WHAT")]
    pub(crate) accept: Vec<Accept>,
    /// The node, where its Node object is not called as the report names the node; for the report of one node
    #[arg(long, value_name = "NAME")]
    pub(crate) node: Option<String>,
    /// Take server and credentials from this kubeconfig, not from $KUBECONFIG, ~/.kube/config or a pod's own
    #[arg(long, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig
    #[arg(long, value_name = "NAME")]
    pub(crate) context: Option<String>,
    /// Write with the bearer token in this file
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
}

impl Publish {
    /// Returns whether this was accepted.
    pub(crate) fn accepts(&self, what: Accept) -> bool {
        self.accept.contains(&what)
    }
}

/// Where a dry run ends, in kubectl's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DryRun {
    /// Nowhere: objects are written
    None,
    /// The objects are printed
    Client,
    /// The API server does all but keep them
    Server,
}

/// What is written only where that was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Accept {
    /// The report of a captured host: nobody's machine, or somebody else's
    Captured,
    /// A node that the cluster does not have, or has as another machine; nothing owns its object then
    Node,
    /// What is older than what is there
    Older,
}
