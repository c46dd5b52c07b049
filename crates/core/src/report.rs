//! The report: the findings of one scan, with what was scanned, by which version, with which rules.
//!
//! Schema `kubeassay.report/v1`; additive within v1. What has no content yet is null or empty.

mod gate;
mod percent;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::bytes::Bytes;
pub use crate::facts::{Source, Tool};
use crate::origin::Origin;
use crate::value::Value;
use crate::verdict::{Cause, Horizon, Severity, Verdict, Witness};

pub use gate::{Conclusion, Ending, FailOn, Gate, GateOptions, MaxUnknown, Tally};
pub use percent::Percent;

/// The schema of the report.
pub const SCHEMA: &str = "kubeassay.report/v1";

/// The findings of one scan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Report {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// Who wrote it.
    pub tool: Tool,
    /// What was scanned.
    pub scanned: Scanned,
    /// The rules that were evaluated.
    pub rules: Rules,
    /// The findings, sorted by node, rule, subject and horizon.
    pub findings: Vec<Finding>,
    /// What could not be read or understood.
    pub problems: Vec<Problem>,
    /// How many findings there are of each verdict.
    pub summary: Summary,
    /// What the exit code is, and why.
    pub gate: Gate,
    /// Whether everything that was to be scanned was.
    pub complete: bool,
}

/// What was scanned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Scanned {
    /// When the scan began.
    pub started: Timestamp,
    /// When it ended.
    pub finished: Timestamp,
    /// Where the facts came from.
    pub source: Source,
    /// The cluster, if it was asked.
    pub cluster: Option<Cluster>,
    /// The reports that this one was joined from; not there where it was not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub joined: Vec<Joined>,
    /// The nodes.
    pub nodes: Vec<Node>,
    /// How many nodes were reached.
    pub coverage: Coverage,
}

/// A cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Cluster {
    /// UID of the `kube-system` namespace; null where it could not be read.
    pub uid: Option<String>,
    /// The API server's address.
    pub server: String,
    /// The API server's version; null where it could not be read.
    pub version: Option<String>,
}

/// A report that became part of another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Joined {
    /// The file, as it was named.
    pub file: String,
    /// Where its facts came from.
    pub source: Source,
    /// When its scan began.
    pub started: Timestamp,
    /// When it ended; null where the report was cut off.
    pub finished: Option<Timestamp>,
    /// The cluster, if it was asked.
    pub cluster: Option<Cluster>,
    /// The version that wrote it.
    pub version: String,
    /// The digest of its rules.
    pub rules: String,
    /// How many nodes of it are in the joined report; what a later report says of a node replaces what this one said.
    pub nodes: usize,
}

/// A node that was scanned, or should have been.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Node {
    /// The node key: equal in every scan of the same machine.
    pub id: String,
    /// Its name.
    pub name: String,
    /// UID of the Node object, where the API was asked.
    pub uid: Option<String>,
    /// Its host name.
    pub hostname: Option<Bytes>,
    /// The folder it was read below; null for `/`.
    pub root: Option<Bytes>,
    /// Its operating system.
    pub platform: crate::facts::Platform,
    /// The platform that brings Kubernetes to it; null where that could not be told.
    pub distribution: Option<Distribution>,
    /// The version of its kubelet.
    pub kubernetes_version: Option<KubernetesVersion>,
    /// The benchmark whose numbers come first in its findings, such as `cis-kubernetes@1.12`: that which was asked for,
    /// else that of its version and platform.
    pub benchmark: Option<String>,
    /// How far it was scanned.
    pub status: NodeStatus,
    /// Why it was not scanned whole.
    pub cause: Option<Cause>,
    /// When its kernel started.
    pub boot_time: Option<Timestamp>,
}

/// How Kubernetes came to a node: kubeadm, k3s, Amazon EKS, …
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Distribution {
    /// Its id, such as `kubeadm`.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The files, arguments and processes that say so.
    pub evidence: Vec<Bytes>,
    /// Signs of others, which weigh less, each after the id of its platform: folders that were left behind.
    pub also: Vec<Bytes>,
    /// What is known of it comes from documentation and sources: no node of it was looked at when rules were written.
    pub documented: bool,
}

/// A version of Kubernetes and where it was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KubernetesVersion {
    /// The version, such as `1.34.2`; several, separated by `, `, where it could not be told apart.
    pub value: String,
    /// Where it was found: `option`, `package`, `build-information`, `variable`, `api` or `arguments`.
    pub origin: String,
}

/// How far a node was scanned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum NodeStatus {
    /// Whole.
    Scanned,
    /// In part.
    Partial,
    /// Not reached.
    Unreachable,
    /// Of a kind that this version cannot scan.
    Unsupported,
}

/// How many nodes were reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Coverage {
    /// All nodes.
    pub nodes: usize,
    /// Scanned whole.
    pub scanned: usize,
    /// Scanned in part.
    pub partial: usize,
    /// Not reached.
    pub unreachable: usize,
    /// Not supported.
    pub unsupported: usize,
}

/// The rules that were evaluated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Rules {
    /// How many.
    pub count: usize,
    /// `sha256:…` over all their texts.
    pub digest: String,
    /// The benchmark they were chosen by, if any, such as `cis-kubernetes@1.12`.
    pub benchmark: Option<String>,
    /// Ids of rules that came from outside the binary.
    pub added: Vec<String>,
    /// Ids of bundled rules that were replaced from outside.
    pub replaced: Vec<String>,
}

/// One verdict: rule × subject × horizon, with its evidence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Finding {
    /// 128 bits over rule, node key, subject key and horizon; the same in every scan.
    pub id: String,
    /// The rule's id.
    pub rule: String,
    /// The rule's title.
    pub title: String,
    /// How much a failure matters.
    pub severity: Severity,
    /// The numbers the rule is known by.
    pub controls: Vec<Control>,
    /// The node's id; null where the subject belongs to the cluster and to no node.
    pub node: Option<String>,
    /// What was judged.
    pub subject: Subject,
    /// When the value holds.
    pub horizon: Horizon,
    /// What was found.
    pub verdict: Verdict,
    /// Why the verdict is neither pass nor fail.
    pub cause: Option<Cause>,
    /// One sentence for a person.
    pub reason: String,
    /// What the rule wants.
    pub expected: String,
    /// What was taken for granted.
    pub assumes: Vec<String>,
    /// What each witness said.
    pub witnesses: Vec<WitnessFinding>,
    /// What the check read.
    pub evidence: Vec<Evidence>,
    /// The accepted deviation that covers it.
    pub waiver: Option<Waiver>,
    /// How it compares with the baseline; null where none was given, and where nothing needs action.
    #[serde(default)]
    pub baseline_state: Option<BaselineState>,
    /// Whether kubeassay could fix it.
    pub fix: Fix,
    /// What to do, in a few sentences.
    pub remediation: String,
}

/// A number a rule is known by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Control {
    /// The framework, such as `cis-kubernetes`.
    pub framework: String,
    /// The versions of it that the number holds for, such as `>=1.5`.
    pub version: Option<String>,
    /// The number.
    pub control: String,
}

/// What was judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Subject {
    /// What tells it from the others of the node, stable over restarts: for a kubelet its root directory.
    pub key: String,
    /// The component.
    pub component: String,
    /// The service unit.
    pub unit: Option<Bytes>,
    /// The process.
    pub pid: Option<u32>,
    /// Its executable.
    pub exe: Option<Bytes>,
    /// Its cgroup.
    pub cgroup: Option<Bytes>,
    /// The object of the API, such as `ConfigMap kube-system/kubelet-config`, where that was judged and no process.
    pub object: Option<String>,
    /// The user it runs as.
    pub user: Option<User>,
    /// It lives in a workload: it counts for nothing.
    pub in_pod: bool,
    /// Why the process was taken for the component.
    pub recognised_by: Vec<crate::facts::Recognition>,
}

/// A user of the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct User {
    /// Its id, as the host's user namespace sees it.
    pub id: u32,
    /// Its name there, by the host's own `/etc/passwd`.
    pub name: Option<Bytes>,
}

/// What one witness said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WitnessFinding {
    /// Who.
    pub witness: Witness,
    /// What it said.
    pub verdict: Verdict,
    /// Why it said neither pass nor fail.
    pub cause: Option<Cause>,
    /// When it was asked.
    pub observed_at: Timestamp,
    /// One sentence for a person.
    pub reason: String,
}

/// One thing that a check read. Exactly one of `setting`, `file`, `object`, `response` is set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Evidence {
    /// The setting's path, such as `kubelet.authorization.mode`.
    pub setting: Option<String>,
    /// The file.
    pub file: Option<Bytes>,
    /// The API object.
    pub object: Option<String>,
    /// The response to a request.
    pub response: Option<String>,
    /// The value; null where it is unset or not known.
    pub value: Value,
    /// Who said so.
    pub witness: Witness,
    /// When.
    pub observed_at: Timestamp,
    /// Where the value stands.
    pub origin: Origin,
    /// What it overrode, latest first.
    pub overrode: Vec<Overridden>,
}

/// A value that lost against a later layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Overridden {
    /// The value; null for one that was removed.
    pub value: Value,
    /// Where it stands.
    pub origin: Origin,
}

/// An accepted deviation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Waiver {
    /// Why it was accepted.
    pub reason: String,
    /// Who accepted it.
    pub owner: String,
    /// Where it was discussed, such as the number of a ticket or its address.
    #[serde(default)]
    pub ticket: Option<String>,
    /// When it was accepted (`2026-11-26`).
    #[serde(default)]
    pub created: Option<String>,
    /// The last day on which it holds (`2027-06-30`).
    pub expires: Option<String>,
    /// The file of waivers and the line where it begins, such as `waivers.yaml:12`.
    #[serde(default)]
    pub origin: Option<String>,
}

/// How a finding compares with a baseline, an earlier report; the words of SARIF's `baselineState`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum BaselineState {
    /// The baseline has no such finding, or had it with a verdict that needed no action.
    New,
    /// It had the same finding with the same values.
    Unchanged,
    /// It had the finding with other values.
    Updated,
}

impl BaselineState {
    /// Returns the word of the document.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Unchanged => "unchanged",
            Self::Updated => "updated",
        }
    }
}

/// Whether kubeassay could fix a finding, as far as the rule and the subject tell; who else writes the file is for the
/// plan to say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Fix {
    /// Whether it could.
    pub possible: bool,
    /// Why not, with what a person has to decide; null where it could, and where the verdict is not fail.
    pub why_not: Option<String>,
    /// Where the node's platform wants it changed, and what is restarted then; null where the platform was not told or
    /// says nothing of it, and where the verdict is not fail.
    pub how: Option<String>,
}

/// Something that could not be read or understood.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Problem {
    /// The node's id.
    pub node: Option<String>,
    /// The subject's key.
    pub subject: Option<String>,
    /// The cause.
    pub cause: Cause,
    /// The path or process it is about.
    pub path: Option<Bytes>,
    /// One sentence for a person.
    pub reason: String,
    /// Ids of the rules whose findings it touches; empty where it touches none or all.
    pub affects: Vec<String>,
}

/// How many findings there are of each verdict; each finding is counted once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Summary {
    /// As the rule wants it.
    pub pass: usize,
    /// Not as the rule wants it.
    pub fail: usize,
    /// Not decided.
    pub unknown: usize,
    /// For a person to decide.
    pub manual: usize,
    /// The rule does not apply.
    pub not_applicable: usize,
    /// Failing, and accepted.
    pub waived: usize,
}
