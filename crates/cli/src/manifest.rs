//! The objects that make a cluster collect facts, or carry a plan to its node, as text for `kubectl apply`: a Job for each
//! node, or a `DaemonSet`. Every privilege has its reason beside it, for whoever has to admit the pod.
//!
//! Pure: the same request gives the same text. What a request may hold is decided where it is made
//! (`commands/manifest.rs`), so that no name has to be quoted here.

pub(crate) mod apply;
mod names;
mod pod;
pub(crate) mod rbac;

use kubeassay_config::tables::Minor;

pub(crate) use names::jobs;

/// The label by which `kubectl` finds everything of this.
const LABEL: &str = "app.kubernetes.io/name: kubeassay";
/// What the `DaemonSet` is called.
const DAEMON_SET: &str = "kubeassay-collect";
/// How long a finished Job and its log are kept.
const KEPT_SECONDS: u32 = 24 * 60 * 60;

/// What is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// The image that has `kubeassay` on its `PATH`.
    pub(crate) image: String,
    /// Where its pull secrets are.
    pub(crate) pull_secrets: Vec<String>,
    /// The namespace.
    pub(crate) namespace: String,
    /// Whether the namespace itself is to be made.
    pub(crate) make_namespace: bool,
    /// The cluster's version, which decides what fields there are.
    pub(crate) version: Minor,
    /// The `SELinux` type of the container.
    pub(crate) selinux_type: String,
    /// How many seconds reading a node may take.
    pub(crate) timeout_seconds: u64,
}

/// What runs the pods.
#[derive(Clone, Debug)]
pub(crate) enum Workload {
    /// On each of these nodes once: the Job's name and the node's.
    Jobs(Vec<(String, String)>),
    /// On every node, until it is deleted.
    DaemonSet,
}

/// Returns the documents, each ending with a line break.
pub(crate) fn text(request: &Request, workload: &Workload) -> String {
    let mut documents = Vec::new();
    if request.make_namespace {
        documents.push(namespace(request));
    }
    match workload {
        Workload::Jobs(jobs) => {
            documents.extend(jobs.iter().map(|(name, node)| job(request, name, node)));
        }
        Workload::DaemonSet => documents.push(daemon_set(request)),
    }
    format!("{}{}", head(request, workload), documents.join("---\n"))
}

fn head(request: &Request, workload: &Workload) -> String {
    let namespace = &request.namespace;
    let (what, ready) = match workload {
        Workload::Jobs(_) => (
            "A Job for each node reads it once and writes its facts to its log.",
            format!(
                "kubectl -n {namespace} wait --for=condition=complete job -l app.kubernetes.io/name=kubeassay"
            ),
        ),
        Workload::DaemonSet => (
            "A pod on each node reads it once, writes its facts to its log, and waits.",
            format!("kubectl -n {namespace} rollout status daemonset/{DAEMON_SET}"),
        ),
    };
    format!(
        "\
# {what}
# It writes nothing on the node, starts no process there and sends nothing over the network. Then:
#   {ready}
#   kubectl -n {namespace} logs -l app.kubernetes.io/name=kubeassay --tail=-1 > facts.json
#   kubeassay scan --facts facts.json
"
    )
}

fn namespace(request: &Request) -> String {
    format!(
        "\
apiVersion: v1
kind: Namespace
metadata:
  name: {}
  labels:
    {LABEL}
    # The pods mount the host's root folder and run as root. The Pod Security Standards \"baseline\" and
    # \"restricted\" refuse that everywhere else; this namespace is for nothing but them.
    pod-security.kubernetes.io/enforce: privileged
",
        request.namespace
    )
}

fn job(request: &Request, name: &str, node: &str) -> String {
    let pod = pod::template(request, Some(node));
    format!(
        "\
apiVersion: batch/v1
kind: Job
metadata:
  name: {name}
  namespace: {}
  labels:
    {LABEL}
spec:
  # What fails once fails again; the log says why.
  backoffLimit: 0
  # A node that takes no pod does not leave one waiting for ever.
  activeDeadlineSeconds: {}
  # The log goes with the Job: fetch the facts before.
  ttlSecondsAfterFinished: {KEPT_SECONDS}{pod}
",
        request.namespace,
        // Time to find a place and pull the image.
        request.timeout_seconds.saturating_add(600),
    )
}

fn daemon_set(request: &Request) -> String {
    let pod = pod::template(request, None);
    format!(
        "\
apiVersion: apps/v1
kind: DaemonSet
metadata:
  name: {DAEMON_SET}
  namespace: {}
  labels:
    {LABEL}
spec:
  selector:
    matchLabels:
      {LABEL}
  # Not available before the time limit of reading is over: then the log is whole.
  minReadySeconds: {}
  # Nothing depends on these pods: `kubectl rollout restart` reads all nodes again at once.
  updateStrategy:
    type: RollingUpdate
    rollingUpdate:
      maxUnavailable: 100%{pod}
",
        request.namespace,
        request.timeout_seconds.saturating_add(5),
    )
}
