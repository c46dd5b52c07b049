//! Kubernetes objects that are printed: `manifest`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::fixing::{MANIFEST_APPLY_HELP, ManifestApply};
use super::subject::parse_timeout;

pub(super) const MANIFEST_HELP: &str = "\
Examples:
  kubeassay manifest collect --image IMAGE | kubectl apply -f -
  kubeassay manifest apply node.plan --image IMAGE | kubectl apply --server-side -f -
  kubeassay manifest rbac | kubectl apply -f -
";

pub(super) const MANIFEST_COLLECT_HELP: &str = "\
Examples:
  kubeassay manifest collect --image IMAGE --node worker-1        a Job that reads one node
  kubectl get nodes -o name -l kubernetes.io/os=linux |
    kubeassay manifest collect --image IMAGE --nodes-from - |
    kubectl apply -f -                                            a Job for each node
  kubeassay manifest collect --image IMAGE                        a DaemonSet that reads every node

Then fetch the facts and judge them:
  kubectl -n kubeassay logs -l app.kubernetes.io/name=kubeassay --tail=-1 > facts.json
  kubeassay scan --facts facts.json
  kubectl delete namespace kubeassay
";

pub(super) const MANIFEST_RBAC_HELP: &str = "\
Examples:
  kubeassay manifest rbac                                   the least that a scan needs of this cluster's version
  kubeassay manifest rbac --kubernetes-version 1.32         … of another's
  kubeassay manifest rbac --via-proxy                       … to ask kubelets through the API server
  kubeassay manifest rbac --fix                             … and what kubeassay fix --live asks
  kubeassay manifest rbac --publish                         what kubeassay report publish takes, for an account of its own

Then scan with it:
  kubeassay manifest rbac | kubectl apply -f -
  kubectl -n kubeassay create token kubeassay > token
";

/// `kubeassay manifest`.
#[derive(Args, Debug)]
pub(crate) struct Manifest {
    #[command(subcommand)]
    pub(crate) command: ManifestCommand,
}

/// What the objects do.
#[derive(Debug, Subcommand)]
pub(crate) enum ManifestCommand {
    /// Collect facts: a Job for each node that is named, else a `DaemonSet`
    #[command(before_help = MANIFEST_COLLECT_HELP)]
    Collect(ManifestCollect),
    /// Carry a plan to its node: a Job that applies it there
    #[command(before_help = MANIFEST_APPLY_HELP)]
    Apply(ManifestApply),
    /// The least permissions that asking a cluster and its kubelets takes, with the reason for each
    #[command(before_help = MANIFEST_RBAC_HELP)]
    Rbac(ManifestRbac),
}

/// The pod of a manifest.
#[derive(Args, Debug)]
pub(crate) struct PodArgs {
    /// The image, with `kubeassay` on its PATH (docs/running.md shows how to get one)
    #[arg(long, value_name = "IMAGE")]
    pub(crate) image: String,
    /// A secret to pull the image with
    #[arg(long, value_name = "NAME")]
    pub(crate) image_pull_secret: Vec<String>,
    #[command(flatten)]
    pub(crate) namespace: NamespaceArgs,
    /// Leave the Namespace itself out; it must let privileged pods in (Pod Security Standards)
    #[arg(long)]
    pub(crate) no_namespace: bool,
    /// The cluster's version: below 1.30 an API server knows fewer fields
    #[arg(long, value_name = "VERSION")]
    pub(crate) kubernetes_version: Option<String>,
    /// The `SELinux` type that may reach the host's files
    #[arg(long, default_value = "spc_t", value_name = "TYPE")]
    pub(crate) selinux_type: String,
    /// Stop reading a node after this time (90s, 2m)
    #[arg(long, default_value = "60s", value_parser = parse_timeout, value_name = "TIME")]
    pub(crate) timeout: Duration,
}

/// `kubeassay manifest collect`.
#[derive(Args, Debug)]
pub(crate) struct ManifestCollect {
    #[command(flatten)]
    pub(crate) pod: PodArgs,
    /// A node to read, as its Node object is called
    #[arg(long, value_name = "NAME")]
    pub(crate) node: Vec<String>,
    /// Read the nodes' names from this file (- for stdin): a NAME or node/NAME a line
    #[arg(long, value_name = "FILE")]
    pub(crate) nodes_from: Option<PathBuf>,
}

/// `kubeassay manifest rbac`.
#[derive(Args, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag that users know by its name"
)]
pub(crate) struct ManifestRbac {
    #[command(flatten)]
    pub(crate) namespace: NamespaceArgs,
    /// The cluster's version: below 1.33 a kubelet knows fewer permissions. Without it the cluster is asked, if there is
    /// a kubeconfig
    #[arg(long, value_name = "VERSION")]
    pub(crate) kubernetes_version: Option<String>,
    /// The kubeconfig of that cluster (else $KUBECONFIG, else ~/.kube/config)
    #[arg(long, value_name = "FILE", conflicts_with = "kubernetes_version")]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// Its context
    #[arg(long, value_name = "NAME", conflicts_with = "kubernetes_version")]
    pub(crate) context: Option<String>,
    /// Let kubelets be asked through the API server: takes nodes/proxy, which is far more than reading
    #[arg(long)]
    pub(crate) via_proxy: bool,
    /// Also what `kubeassay fix --live` asks before it changes a kubelet: whether the API server may still use nodes/proxy
    #[arg(long)]
    pub(crate) fix: bool,
    /// Leave out what the rules about the cluster's objects take (RBAC, pods, namespaces), for scans with --nodes-only
    #[arg(long)]
    pub(crate) nodes_only: bool,
    /// What `kubeassay report publish` takes, and nothing of a scan's, for an account of its own
    #[arg(long, conflicts_with_all = ["kubernetes_version", "kubeconfig", "context", "via_proxy", "fix", "nodes_only"])]
    pub(crate) publish: bool,
}

/// Where objects are made.
#[derive(Args, Debug)]
pub(crate) struct NamespaceArgs {
    /// The namespace of the objects
    #[arg(short, long, default_value = "kubeassay", value_name = "NAME")]
    pub(crate) namespace: String,
}
