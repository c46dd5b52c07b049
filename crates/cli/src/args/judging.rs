//! Reading and judging: `scan`, `explain`, `collect`.

use std::path::PathBuf;

use clap::{ArgGroup, Args};
use kubeassay_core::rule::Benchmark;

use super::asking::ASKS;
use super::{
    BaselineArgs, ClusterArgs, EndpointArgs, GateArgs, HostArgs, OutputArgs, SignArgs, SubjectArgs,
    TextFormat, WaiverArgs,
};

pub(super) const SCAN_HELP: &str = "\
Examples:
  kubeassay scan                                    this node, every bundled rule
  kubeassay scan 4.2.2                              one control of CIS Kubernetes
  kubeassay scan cis-eks:3.2.2 disa-stig:V-242392   numbers of other frameworks
  kubeassay scan --root /host                       a host root mounted at /host
  kubeassay scan -o json --output-file report.json  the whole report as JSON
  kubeassay scan --facts A.json B.json DIR          judge facts taken elsewhere, any number of nodes
  kubeassay scan --fail-on fail                     exit 1 only for a fail
  kubeassay scan --baseline old.json --fail-on-new  exit 1 only for what the earlier report does not have
  kubeassay scan --waivers waivers.yaml             what somebody accepted counts as waived, not as a fail
  kubeassay scan --live                             ask the running kubelet too: /configz and a request to refuse
  kubeassay scan --live=probe --node-address 10.0.0.7   only the request to refuse: no credentials
  kubeassay scan --cluster -o jsonl                 every node of the cluster and its objects, through its API

Exit codes:
  0  compliant
  1  at least one fail
  2  nothing fails, but something is unknown, nothing was judged, or the scan is incomplete
  64 usage: a flag, rule or file that cannot be used
  70 internal error
  130 a second Ctrl-C; the first ends a scan of a cluster with what there is
";

pub(super) const EXPLAIN_HELP: &str = "\
Examples:
  kubeassay explain 4.2.2                          a rule's page, then this node's way to the value
  kubeassay explain kubelet.authorization.mode     any setting
  kubeassay explain kubelet.readOnlyPort --demo    on the recorded node
  kubeassay explain 4.2.2 --live                   and what the running kubelet says
";

pub(super) const COLLECT_HELP: &str = "\
Examples:
  kubeassay collect --output-file facts.json      read now …
  kubeassay scan --facts facts.json               … judge elsewhere, later
  kubeassay manifest collect --image IMAGE        the same on every node of a cluster
";

/// `kubeassay scan`.
#[derive(Args, Debug)]
#[command(group = ArgGroup::new(ASKS).multiple(true))]
pub(crate) struct Scan {
    /// Rules to judge: numbers (4.2.2, cis-eks:3.2.2), ids or aliases; all if none is named
    #[arg(value_name = "RULE")]
    pub(crate) rules: Vec<String>,
    #[command(flatten)]
    pub(crate) subject: SubjectArgs,
    #[command(flatten)]
    pub(crate) endpoint: EndpointArgs,
    #[command(flatten)]
    pub(crate) catalogue: CatalogueArgs,
    #[command(flatten)]
    pub(crate) site: SiteArgs,
    #[command(flatten)]
    pub(crate) waivers: WaiverArgs,
    /// Judge the controls of this benchmark alone, and show its numbers (cis-kubernetes@1.12); without it every rule is judged and the numbers are those of the node's version and platform
    #[arg(long, value_name = "NAME@VERSION")]
    pub(crate) benchmark: Option<Benchmark>,
    /// Count kubelets that run inside a workload as if they were the node's
    #[arg(long)]
    pub(crate) include_pods: bool,
    #[command(flatten)]
    pub(crate) gate: GateArgs,
    #[command(flatten)]
    pub(crate) baseline: BaselineArgs,
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(flatten)]
    pub(crate) sign: SignArgs,
}

/// `kubeassay explain`.
#[derive(Args, Debug)]
#[command(group = ArgGroup::new(ASKS).multiple(true))]
pub(crate) struct Explain {
    /// A rule (4.2.2, an id, an alias) or a setting (kubelet.authorization.mode)
    #[arg(value_name = "RULE|SETTING")]
    pub(crate) topic: String,
    #[command(flatten)]
    pub(crate) subject: SubjectArgs,
    #[command(flatten)]
    pub(crate) endpoint: EndpointArgs,
    #[command(flatten)]
    pub(crate) catalogue: CatalogueArgs,
    #[command(flatten)]
    pub(crate) site: SiteArgs,
    #[command(flatten)]
    pub(crate) waivers: WaiverArgs,
    /// Format of the explanation
    #[arg(short, long, value_enum, default_value_t = TextFormat::Table, value_name = "FORMAT")]
    pub(crate) output: TextFormat,
}

/// `kubeassay collect`.
#[derive(Args, Debug)]
pub(crate) struct Collect {
    #[command(flatten)]
    pub(crate) host: HostArgs,
    /// Write to this file (mode 0600, replaced in one step) instead of stdout
    #[arg(long, value_name = "FILE")]
    pub(crate) output_file: Option<PathBuf>,
    /// After writing, wait until ended by a signal: a container that ends would be started again
    #[arg(long)]
    pub(crate) hold: bool,
}

/// Which rules there are.
#[derive(Args, Debug)]
pub(crate) struct CatalogueArgs {
    /// Add rules from a page or a folder of pages
    #[arg(long = "rules", value_name = "PATH")]
    pub(crate) rule_paths: Vec<PathBuf>,
    /// Let added pages replace bundled rules of the same id
    #[arg(long)]
    pub(crate) replace_rules: bool,
}

/// What the site decided.
#[derive(Args, Debug)]
pub(crate) struct SiteArgs {
    /// Take the choices that rules leave to the site from this file (YAML: choices: {RULE: {NAME: VALUE}})
    #[arg(long, value_name = "FILE")]
    pub(crate) choices: Option<PathBuf>,
}
