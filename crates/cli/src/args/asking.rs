//! Asking what runs: kubelets, and the API of a cluster.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// The options of which one must be there for anything to be asked.
pub(super) const ASKS: &str = "asks";

/// The heading of what concerns the endpoints of kubelets.
const LIVE: &str = "Asking kubelets";

/// How a running kubelet is asked.
#[derive(Args, Debug)]
pub(crate) struct LiveArgs {
    /// Ask the running kubelet too: its configuration, and requests that it must refuse
    #[arg(long, help_heading = LIVE, group = ASKS, value_enum, num_args = 0..=1, require_equals = true, default_missing_value = "all", value_name = "WHAT")]
    pub(crate) live: Option<LiveArg>,
    /// Take server and credentials from this kubeconfig, not from $KUBECONFIG, ~/.kube/config or a pod's own
    #[arg(long, help_heading = LIVE, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig
    #[arg(long, help_heading = LIVE, value_name = "NAME")]
    pub(crate) context: Option<String>,
    /// Ask with the bearer token in this file
    #[arg(long, help_heading = LIVE, value_name = "FILE", conflicts_with = "client_certificate")]
    pub(crate) token_file: Option<PathBuf>,
    /// Ask with this client certificate (PEM)
    #[arg(long, help_heading = LIVE, value_name = "FILE", requires = "client_key")]
    pub(crate) client_certificate: Option<PathBuf>,
    /// The key of the client certificate (PEM)
    #[arg(long, help_heading = LIVE, value_name = "FILE", requires = "client_certificate")]
    pub(crate) client_key: Option<PathBuf>,
    /// Ask as well with the bearer token in this file, of somebody whom every kubelet must refuse
    #[arg(long, help_heading = LIVE, value_name = "FILE", requires = ASKS)]
    pub(crate) unprivileged_token_file: Option<PathBuf>,
    /// Trust kubelets whose certificate one of these authorities signed (PEM)
    #[arg(long, help_heading = LIVE, value_name = "FILE")]
    pub(crate) kubelet_ca: Option<PathBuf>,
    /// Trust this certificate of a node's kubelet, by the SHA-256 of its DER
    #[arg(long, help_heading = LIVE, value_name = "NODE=SHA256")]
    pub(crate) kubelet_pin: Vec<String>,
    /// Ask for /configz through the API server, which takes the right to nodes/proxy: whoever has it can run commands in every pod
    #[arg(long, help_heading = LIVE, requires = ASKS)]
    pub(crate) via_proxy: bool,
}

/// The heading of what concerns whole clusters.
const CLUSTER: &str = "Scanning a cluster";

/// Which nodes of a cluster are scanned, and how hard.
#[derive(Args, Debug)]
pub(crate) struct ClusterArgs {
    /// Scan every node and the objects of the cluster through its API, and no host
    #[arg(long, help_heading = CLUSTER, group = ASKS, conflicts_with_all = ["root", "facts", "demo", "node_address"])]
    pub(crate) cluster: bool,
    /// Only nodes with these labels, as kubectl takes them (pool=a,zone!=b)
    #[arg(short = 'l', long, help_heading = CLUSTER, value_name = "LABELS", requires = "cluster")]
    pub(crate) selector: Option<String>,
    /// Leave out the rules about the cluster's objects (RBAC, pods, namespaces), and read none
    #[arg(long, help_heading = CLUSTER, requires = "cluster")]
    pub(crate) nodes_only: bool,
    /// How many nodes are asked at the same time
    #[arg(long, help_heading = CLUSTER, value_name = "NUMBER", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) concurrency: u16,
}

/// A kubelet in place of a host.
#[derive(Args, Debug)]
pub(crate) struct EndpointArgs {
    /// The kubelet to ask, in place of those of a host that is read (10.0.0.7, node-1.example:10250)
    #[arg(long, help_heading = LIVE, value_name = "HOST", requires = "live", conflicts_with = "root")]
    pub(crate) node_address: Option<String>,
}

/// What a running kubelet is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LiveArg {
    /// Both of the following
    All,
    /// Its configuration as it enforces it (/configz), with credentials
    Configz,
    /// A request that it must refuse, without credentials
    Probe,
}
