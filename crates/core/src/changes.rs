//! What changed between two reports, or two sets of facts judged by the same rules.
//!
//! Schema `kubeassay.diff/v1`; additive within v1.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::report::{Cluster, Control, Evidence, Source, Subject, Tool, Waiver};
use crate::verdict::{Cause, Horizon, Severity, Verdict};

/// The schema of the document.
pub const SCHEMA: &str = "kubeassay.diff/v1";

/// What changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Changes {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// Who compared them.
    pub tool: Tool,
    /// What was before.
    pub old: Compared,
    /// What is now.
    pub new: Compared,
    /// What makes the comparison say less than it seems to, one sentence each: other rules, another cluster.
    pub doubts: Vec<String>,
    /// Nodes that only the new one has.
    pub nodes_came: Vec<NodeName>,
    /// Nodes that only the old one has.
    pub nodes_went: Vec<NodeName>,
    /// The changes, those that need action first.
    pub changes: Vec<Change>,
    /// How many there are of each kind.
    pub summary: ChangeSummary,
}

/// One side of a comparison.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Compared {
    /// The file, as it was named.
    pub file: String,
    /// Where its facts came from.
    pub source: Source,
    /// When its scan began.
    pub started: Timestamp,
    /// The cluster, if it was asked.
    pub cluster: Option<Cluster>,
    /// The digest of its rules.
    pub rules: String,
    /// How many nodes it has.
    pub nodes: usize,
    /// How many findings it has.
    pub findings: usize,
    /// Whether everything that was to be scanned was.
    pub complete: bool,
}

/// A node by its id and its name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NodeName {
    /// Its name.
    pub name: String,
    /// The node key.
    pub id: String,
}

/// What kind of change it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ChangeKind {
    /// It needs action now, and did not before or was not there.
    New,
    /// The verdict is another one, and it is neither new nor fixed.
    ChangedVerdict,
    /// The verdict is the same, with other values.
    ChangedValue,
    /// Verdict and values are the same, and the values stand elsewhere.
    ChangedOrigin,
    /// It needed action, and its subject or its node is not there any more: that mends nothing.
    NoLongerSeen,
    /// It needed action, and somebody accepted it.
    Waived,
    /// It needed action, and passes.
    Fixed,
}

impl ChangeKind {
    /// Returns the word of the document.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::ChangedVerdict => "changed-verdict",
            Self::ChangedValue => "changed-value",
            Self::ChangedOrigin => "changed-origin",
            Self::NoLongerSeen => "no-longer-seen",
            Self::Waived => "waived",
            Self::Fixed => "fixed",
        }
    }
}

/// How a finding changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Change {
    /// What kind of change it is.
    pub change: ChangeKind,
    /// The finding's id, the same in both reports.
    pub id: String,
    /// The rule's id.
    pub rule: String,
    /// The rule's title.
    pub title: String,
    /// How much a failure matters.
    pub severity: Severity,
    /// The numbers the rule is known by.
    pub controls: Vec<Control>,
    /// The node; null where the subject belongs to none.
    pub node: Option<NodeName>,
    /// What was judged.
    pub subject: Subject,
    /// When the value holds.
    pub horizon: Horizon,
    /// What was found before; null where the finding was not there.
    pub old: Option<Side>,
    /// What is found now; null where it is not there any more.
    pub new: Option<Side>,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Side {
    /// The verdict.
    pub verdict: Verdict,
    /// Why it is neither pass nor fail.
    pub cause: Option<Cause>,
    /// One sentence for a person.
    pub reason: String,
    /// The accepted deviation that covers it.
    pub waiver: Option<Waiver>,
    /// What the check read.
    pub evidence: Vec<Evidence>,
}

/// How many changes there are of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ChangeSummary {
    /// Need action now, and did not before.
    pub new: usize,
    /// Have another verdict.
    pub changed_verdict: usize,
    /// Have other values.
    pub changed_value: usize,
    /// Have the same values from elsewhere.
    pub changed_origin: usize,
    /// Are not there any more.
    pub no_longer_seen: usize,
    /// Were accepted.
    pub waived: usize,
    /// Pass now.
    pub fixed: usize,
    /// Are as they were.
    pub unchanged: usize,
}

impl Changes {
    /// Returns whether nothing changed.
    pub const fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.nodes_came.is_empty() && self.nodes_went.is_empty()
    }
}
