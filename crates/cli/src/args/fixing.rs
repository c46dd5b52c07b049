//! What users type to have a node mended: `fix`, `apply`, `rollback`, `transactions`, `manifest apply`.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand};

use super::asking::ASKS;
use super::{CatalogueArgs, HostArgs, LiveArgs, PodArgs, SiteArgs, SubjectArgs, TextFormat};
use crate::privileges::Keep;

/// The examples and exit codes of `kubeassay fix`.
pub(super) const FIX_HELP: &str = "\
Examples:
  kubeassay fix 4.2.2                              the plan for one control: nothing is written
  kubeassay fix --all                              for every rule that fails
  kubeassay fix --all --output-file node.plan      keep the plan, for kubeassay apply
  kubeassay fix 4.2.2 --apply                      print the plan, ask, apply it, verify
  kubeassay fix 4.2.2 --apply --auto-approve       without asking
  kubeassay fix 4.2.2 --demo                       on the recorded node inside this program

Exit codes:
  0  done, or nothing to do
  1  an error, or refused: everything is as before
  2  with --detailed-exitcode: the plan has changes
  3  rolled back: everything is as before, and the service was restarted
  4  the node needs hands
  64 usage: a flag, rule or file that cannot be used
  70 internal error
";

/// The examples and exit codes of `kubeassay apply`.
pub(super) const APPLY_HELP: &str = "\
Examples:
  kubeassay fix --all --output-file node.plan      make a plan, read it, …
  kubeassay apply node.plan                        … and do that and nothing else
  kubeassay apply node.plan --accept nodes-proxy   although this check could not be decided
  kubeassay apply --root /host /plan/node.plan     in a pod; kubeassay manifest apply prints it

Exit codes:
  0  done, or nothing to do
  1  an error, or refused: everything is as before
  3  rolled back: everything is as before, and the service was restarted
  4  the node needs hands
  64 usage: a flag that cannot be used
  70 internal error
";

/// The examples and exit codes of `kubeassay rollback`.
pub(super) const ROLLBACK_HELP: &str = "\
Examples:
  kubeassay rollback                               undo the last transaction
  kubeassay rollback 20261126T013000Z-4f2a9c       undo this one

Exit codes:
  0  done: the files are as before the transaction, and the service was restarted; or nothing to do
  1  an error, or refused: nothing was written
  4  the node needs hands
  64 usage: a flag that cannot be used
  70 internal error
";

/// The examples and exit codes of `kubeassay transactions`.
pub(super) const TRANSACTIONS_HELP: &str = "\
Examples:
  kubeassay transactions                               what was applied here
  kubeassay transactions show 20261126T013000Z-4f2a9c  one with its steps, and what to do

Exit codes:
  0  done
  1  an error: there is no such transaction, or it is not for this user to read
  64 usage: a flag that cannot be used
  70 internal error
";

/// The examples of `kubeassay manifest apply`.
pub(super) const MANIFEST_APPLY_HELP: &str = "\
Examples:
  kubeassay manifest apply node.plan --image IMAGE | kubectl apply --server-side -f -

Then see how it came out:
  kubectl -n kubeassay wait --for=condition=complete job -l app.kubernetes.io/name=kubeassay-apply --timeout=30m
  kubectl -n kubeassay logs -l app.kubernetes.io/name=kubeassay-apply --tail=-1
";

/// `kubeassay fix`.
#[derive(Args, Debug)]
#[command(group = ArgGroup::new(ASKS).multiple(true))]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag that users know by its name"
)]
pub(crate) struct Fix {
    /// Rules whose failures are to be mended: numbers (4.2.2, cis-eks:3.2.2), ids or aliases
    #[arg(value_name = "RULE", conflicts_with = "all")]
    pub(crate) rules: Vec<String>,
    /// Mend every failure that can be mended without a human decision
    #[arg(long)]
    pub(crate) all: bool,
    /// Apply the plan at once, after asking; only to a host that runs, as root
    #[arg(long, conflicts_with_all = ["facts", "demo"])]
    pub(crate) apply: bool,
    /// Do not ask before the plan is applied
    #[arg(long, requires = "apply")]
    pub(crate) auto_approve: bool,
    /// Go on although this check of what has to hold first could not be decided
    #[arg(long, value_name = "ID")]
    pub(crate) accept: Vec<String>,
    /// Exit 2 where the plan has changes
    #[arg(long, conflicts_with = "apply")]
    pub(crate) detailed_exitcode: bool,
    #[command(flatten)]
    pub(crate) subject: SubjectArgs,
    #[command(flatten)]
    pub(crate) catalogue: CatalogueArgs,
    #[command(flatten)]
    pub(crate) site: SiteArgs,
    /// Format of the plan; with --apply, of how it came out
    #[arg(short, long, value_enum, default_value_t = TextFormat::Table, value_name = "FORMAT")]
    pub(crate) output: TextFormat,
    /// Write the plan for kubeassay apply to this file (JSON, mode 0600, replaced in one step), and show it on stderr
    #[arg(long, value_name = "FILE", conflicts_with = "apply")]
    pub(crate) output_file: Option<PathBuf>,
}

impl Fix {
    /// Returns what it keeps of root's privileges: only who writes keeps those to write.
    pub(super) fn keep(&self) -> Keep {
        match (self.apply, self.subject.reads_a_host()) {
            (true, _) => Keep::Writing,
            (false, true) => Keep::Reading,
            (false, false) => Keep::Nothing,
        }
    }
}

/// `kubeassay apply`.
#[derive(Args, Debug)]
#[command(group = ArgGroup::new(ASKS).multiple(true))]
pub(crate) struct Apply {
    /// The plan, in a file and folders that nobody but root can write
    #[arg(value_name = "PLAN")]
    pub(crate) plan: PathBuf,
    /// Go on although this check of what has to hold first could not be decided; adds to those of the plan
    #[arg(long, value_name = "ID")]
    pub(crate) accept: Vec<String>,
    #[command(flatten)]
    pub(crate) node: NodeArgs,
    /// Format of how it came out
    #[arg(short, long, value_enum, default_value_t = TextFormat::Table, value_name = "FORMAT")]
    pub(crate) output: TextFormat,
}

/// The node that is written, and how it is looked at.
#[derive(Args, Debug)]
pub(crate) struct NodeArgs {
    #[command(flatten)]
    pub(crate) host: HostArgs,
    #[command(flatten)]
    pub(crate) catalogue: CatalogueArgs,
    #[command(flatten)]
    pub(crate) live: LiveArgs,
}

/// `kubeassay rollback`.
#[derive(Args, Debug)]
#[command(group = ArgGroup::new(ASKS).multiple(true))]
pub(crate) struct Rollback {
    /// The transaction; the last one where none is named
    #[arg(value_name = "ID")]
    pub(crate) id: Option<String>,
    /// The kubelet's version, where it cannot be told from the host (1.34 or v1.34.2)
    #[arg(long, value_name = "VERSION")]
    pub(crate) kubernetes_version: Option<String>,
    #[command(flatten)]
    pub(crate) node: NodeArgs,
    /// Format of how it came out
    #[arg(short, long, value_enum, default_value_t = TextFormat::Table, value_name = "FORMAT")]
    pub(crate) output: TextFormat,
}

/// `kubeassay transactions`.
#[derive(Args, Debug)]
pub(crate) struct Transactions {
    #[command(subcommand)]
    pub(crate) command: Option<TransactionsCommand>,
    /// A mounted host root
    #[arg(long, global = true, value_name = "PATH")]
    pub(crate) root: Option<PathBuf>,
    /// Format of the transactions
    #[arg(short, long, global = true, value_enum, default_value_t = TextFormat::Table, value_name = "FORMAT")]
    pub(crate) output: TextFormat,
}

/// What to do with transactions, other than to list them.
#[derive(Debug, Subcommand)]
pub(crate) enum TransactionsCommand {
    /// Show one: its files, its steps, what was looked at, what is left to do
    Show {
        /// Its name, as the list gives it
        #[arg(value_name = "ID")]
        id: String,
    },
}

/// `kubeassay manifest apply`.
#[derive(Args, Debug)]
pub(crate) struct ManifestApply {
    /// The plan, as kubeassay fix --output-file writes it
    #[arg(value_name = "PLAN")]
    pub(crate) plan: PathBuf,
    /// The node, where its Node object is not called as the plan names the node
    #[arg(long, value_name = "NAME")]
    pub(crate) node: Option<String>,
    /// Go on although this check of what has to hold first could not be decided; adds to those of the plan
    #[arg(long, value_name = "ID")]
    pub(crate) accept: Vec<String>,
    #[command(flatten)]
    pub(crate) pod: PodArgs,
}
