//! The command line: what users type, and the help they read.

mod fixing;
mod publishing;
mod reporting;
mod reports;
mod waivers;

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};

use kubeassay_core::rule::Benchmark;

use crate::privileges::Keep;

pub(crate) use fixing::{Apply, Fix, ManifestApply, Rollback, Transactions, TransactionsCommand};
pub(crate) use publishing::{Accept, DryRun, Publish, Report, ReportCommand};
pub(crate) use reporting::{BaselineArgs, GateArgs, OutputArgs, SignArgs, Wanted, of_file};
pub(crate) use reports::{Diff, Render};
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

const SCAN_HELP: &str = "\
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

const EXPLAIN_HELP: &str = "\
Examples:
  kubeassay explain 4.2.2                          a rule's page, then this node's way to the value
  kubeassay explain kubelet.authorization.mode     any setting
  kubeassay explain kubelet.readOnlyPort --demo    on the recorded node
  kubeassay explain 4.2.2 --live                   and what the running kubelet says
";

const COLLECT_HELP: &str = "\
Examples:
  kubeassay collect --output-file facts.json      read now …
  kubeassay scan --facts facts.json               … judge elsewhere, later
  kubeassay manifest collect --image IMAGE        the same on every node of a cluster
";

const MANIFEST_HELP: &str = "\
Examples:
  kubeassay manifest collect --image IMAGE | kubectl apply -f -
  kubeassay manifest apply node.plan --image IMAGE | kubectl apply --server-side -f -
  kubeassay manifest rbac | kubectl apply -f -
";

const MANIFEST_COLLECT_HELP: &str = "\
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

const MANIFEST_RBAC_HELP: &str = "\
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

const RULES_HELP: &str = "\
Examples:
  kubeassay rules list                  every rule, with its number
  kubeassay rules show 4.2.2            one rule's page
  kubeassay rules lint my-rules/        check rule pages as a compiler would
";

const COMPLETIONS_HELP: &str = "\
Examples:
  kubeassay completions bash > /etc/bash_completion.d/kubeassay
  kubeassay completions zsh > \"${fpath[1]}/_kubeassay\"
  kubeassay completions fish > ~/.config/fish/completions/kubeassay.fish
  ln -s kubeassay /usr/local/bin/kubectl_complete-assay       for kubectl assay, by kubectl's own completion
";

const MAN_HELP: &str = "\
Examples:
  kubeassay man | man -l -
  kubeassay man scan > /usr/local/share/man/man1/kubeassay-scan.1
";

const VERIFY_HELP: &str = "\
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
    #[command(before_help = SCAN_HELP)]
    Scan(Box<Scan>),
    /// Show a rule or a setting, and how a host comes to its value
    #[command(before_help = EXPLAIN_HELP)]
    Explain(Box<Explain>),
    /// Read a host into a facts document, without judging it
    #[command(before_help = COLLECT_HELP)]
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
    #[command(before_help = MANIFEST_HELP)]
    Manifest(Manifest),
    /// List, show and check rule documents
    #[command(before_help = RULES_HELP)]
    Rules(Rules),
    /// Check that a report is the one that was signed, and show what was said of it
    #[command(before_help = VERIFY_HELP)]
    Verify(Verify),
    /// Show what is configured, and where each value comes from
    Config(Config),
    /// Print a script that completes commands, flags, control numbers and settings in a shell
    #[command(before_help = COMPLETIONS_HELP)]
    Completions(Completions),
    /// Print a page of the manual
    #[command(before_help = MAN_HELP)]
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

/// What is judged, and how it is read.
#[derive(Args, Debug)]
pub(crate) struct SubjectArgs {
    #[command(flatten)]
    pub(crate) host: HostArgs,
    /// Facts documents, or folders of them, instead of a host
    #[arg(long, num_args = 1.., value_name = "PATH", conflicts_with_all = ["root", "demo", "live"])]
    pub(crate) facts: Vec<PathBuf>,
    /// The recorded node inside this program
    #[arg(long, conflicts_with_all = ["root", "live"])]
    pub(crate) demo: bool,
    /// The kubelet's version, where it cannot be told from the host (1.34 or v1.34.2)
    #[arg(long, value_name = "VERSION")]
    pub(crate) kubernetes_version: Option<String>,
    #[command(flatten)]
    pub(crate) live: LiveArgs,
}

/// The options of which one must be there for anything to be asked.
const ASKS: &str = "asks";

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

impl SubjectArgs {
    fn keep(&self, endpoint: &EndpointArgs) -> Keep {
        if self.reads_a_host() && endpoint.node_address.is_none() {
            Keep::Reading
        } else {
            Keep::Nothing
        }
    }

    /// Returns whether a host is read, as long as no kubelet takes its place.
    pub(crate) fn reads_a_host(&self) -> bool {
        !self.demo && self.facts.is_empty()
    }
}

/// The host and the time that may be spent on it.
#[derive(Args, Debug)]
pub(crate) struct HostArgs {
    /// A mounted host root, a folder with a recorded `proc`, or a captured host (.yaml)
    #[arg(long, value_name = "PATH")]
    pub(crate) root: Option<PathBuf>,
    /// Stop reading after this time and report what there is (90s, 2m)
    #[arg(long, default_value = "60s", value_parser = parse_timeout, value_name = "TIME")]
    pub(crate) timeout: Duration,
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
    #[command(before_help = fixing::MANIFEST_APPLY_HELP)]
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

/// `kubeassay rules`.
#[derive(Args, Debug)]
pub(crate) struct Rules {
    #[command(subcommand)]
    pub(crate) command: RulesCommand,
}

/// What to do with rules.
#[derive(Debug, Subcommand)]
pub(crate) enum RulesCommand {
    /// List every rule
    List {
        #[command(flatten)]
        catalogue: CatalogueArgs,
        /// Format of the list
        #[arg(short, long, value_enum, default_value_t = TextFormat::Table, value_name = "FORMAT")]
        output: TextFormat,
    },
    /// Show a rule's page
    Show {
        /// A number, an id or an alias
        #[arg(value_name = "RULE")]
        rule: String,
        #[command(flatten)]
        catalogue: CatalogueArgs,
        /// Format of the page
        #[arg(short, long, value_enum, default_value_t = TextFormat::Table, value_name = "FORMAT")]
        output: TextFormat,
    },
    /// Show how far the rules decide each section of a benchmark
    Coverage {
        /// The benchmark (cis-kubernetes@1.12, cis-eks, disa-stig)
        #[arg(long, value_name = "NAME@VERSION", default_value = "cis-kubernetes")]
        benchmark: Benchmark,
        #[command(flatten)]
        catalogue: CatalogueArgs,
        /// Format of the matrix
        #[arg(short, long, value_enum, default_value_t = TextFormat::Table, value_name = "FORMAT")]
        output: TextFormat,
    },
    /// Check rule pages as a compiler would
    Lint {
        /// Pages, or folders of pages
        #[arg(value_name = "PATH", required = true)]
        paths: Vec<PathBuf>,
        /// Format of the diagnostics
        #[arg(short, long, value_enum, default_value_t = TextFormat::Table, value_name = "FORMAT")]
        output: TextFormat,
    },
}

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

fn parse_timeout(text: &str) -> Result<Duration, String> {
    let nanoseconds = kubeassay_core::duration::parse(text).map_err(|_| {
        format!("{text:?} is not a time; write it with its unit, such as 90s or 2m")
    })?;
    u64::try_from(nanoseconds)
        .ok()
        .filter(|nanoseconds| *nanoseconds > 0)
        .map(Duration::from_nanos)
        .ok_or_else(|| "the time must be longer than nothing".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_well_formed() {
        super::Arguments::command().debug_assert();
    }
}
