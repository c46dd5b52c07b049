//! The part of a Compliance Finding that we write; names and numbers are those of the schema.

use jiff::Timestamp;
use kubeassay_core::changes::{ChangeKind, ChangeSummary, Compared, NodeName};
use kubeassay_core::report::{BaselineState, Coverage, NodeStatus, Summary, Waiver};
use kubeassay_core::{Cause, Horizon, Value, Verdict, Witness};
use serde::Serialize;

/// An event. What says what was scanned comes first.
#[derive(Debug, Serialize)]
pub(crate) struct Event<'a> {
    pub(crate) metadata: &'a Metadata,
    pub(crate) message: String,
    pub(crate) class_uid: u32,
    pub(crate) class_name: &'static str,
    pub(crate) category_uid: u32,
    pub(crate) category_name: &'static str,
    pub(crate) activity_id: u8,
    pub(crate) activity_name: &'static str,
    pub(crate) type_uid: u32,
    pub(crate) type_name: &'static str,
    /// Milliseconds since 1970, as all times of the schema.
    pub(crate) time: i64,
    pub(crate) severity_id: u8,
    pub(crate) severity: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status_id: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status_detail: Option<String>,
    pub(crate) finding_info: FindingInfo,
    pub(crate) compliance: Compliance,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) resources: Vec<Resource>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) evidences: Vec<Evidences>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) remediation: Option<Remediation>,
    #[serde(skip_serializing_if = "Unmapped::is_none")]
    pub(crate) unmapped: Unmapped,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Metadata {
    pub(crate) source: &'static str,
    pub(crate) product: Product,
    pub(crate) version: &'static str,
    pub(crate) log_name: String,
    pub(crate) tags: Vec<Tag>,
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) is_truncated: bool,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Product {
    pub(crate) name: String,
    pub(crate) vendor_name: &'static str,
    pub(crate) version: String,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Tag {
    pub(crate) name: &'static str,
    pub(crate) value: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct FindingInfo {
    pub(crate) uid: String,
    pub(crate) title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) desc: Option<String>,
    pub(crate) types: [&'static str; 1],
    pub(crate) created_time: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) modified_time: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) last_seen_time: Option<i64>,
    pub(crate) data_sources: [&'static str; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) analytic: Option<Analytic>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) attacks: Vec<Attack>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Analytic {
    pub(crate) uid: String,
    pub(crate) name: String,
    pub(crate) type_id: u8,
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
}

#[derive(Debug, Serialize)]
pub(crate) struct Attack {
    pub(crate) technique: Technique,
}

#[derive(Debug, Serialize)]
pub(crate) struct Technique {
    pub(crate) uid: String,
    pub(crate) name: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct Compliance {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) control: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) standards: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) requirements: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) desc: Option<String>,
    pub(crate) status_id: u8,
    pub(crate) status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status_code: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) status_details: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) checks: Vec<Check>,
}

impl Compliance {
    pub(crate) const fn of(status: Status) -> Self {
        Self {
            control: None,
            standards: Vec::new(),
            requirements: Vec::new(),
            desc: None,
            status_id: status.id(),
            status: status.as_str(),
            status_code: None,
            status_details: Vec::new(),
            checks: Vec::new(),
        }
    }

    /// Puts another status in the place of the one that it has.
    pub(crate) fn set_status(&mut self, status: Status) {
        (self.status_id, self.status) = (status.id(), status.as_str());
        for check in &mut self.checks {
            (check.status_id, check.status) = (status.id(), status.as_str());
        }
    }
}

/// The status of a check. The schema has a number for the first three; the others are `Other`, with a word of ours.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Status {
    Pass,
    Fail,
    /// Never anything that could be taken for a pass.
    Unknown,
    Manual,
    NotApplicable,
    NotScanned,
    Scan,
    NoLongerSeen,
    Comparison,
}

impl Status {
    pub(crate) const fn of(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Pass => Self::Pass,
            Verdict::Fail => Self::Fail,
            Verdict::Unknown => Self::Unknown,
            Verdict::Manual => Self::Manual,
            Verdict::NotApplicable => Self::NotApplicable,
        }
    }

    pub(crate) const fn id(self) -> u8 {
        match self {
            Self::Unknown => 0,
            Self::Pass => 1,
            Self::Fail => 3,
            Self::Manual
            | Self::NotApplicable
            | Self::NotScanned
            | Self::Scan
            | Self::NoLongerSeen
            | Self::Comparison => 99,
        }
    }

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "Unknown",
            Self::Pass => "Pass",
            Self::Fail => "Fail",
            Self::Manual => "Manual",
            Self::NotApplicable => "Not Applicable",
            Self::NotScanned => "Not Scanned",
            Self::Scan => "Scan",
            Self::NoLongerSeen => "No Longer Seen",
            Self::Comparison => "Comparison",
        }
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct Check {
    pub(crate) uid: String,
    pub(crate) name: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) standards: Vec<String>,
    pub(crate) severity_id: u8,
    pub(crate) severity: &'static str,
    pub(crate) status_id: u8,
    pub(crate) status: &'static str,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Resource {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) uid: Option<String>,
    pub(crate) name: String,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<String>,
    pub(crate) role_id: u8,
}

#[derive(Debug, Serialize)]
pub(crate) struct Evidences {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    pub(crate) data: Data,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) file: Option<EvidenceFile>,
}

/// The schema leaves open what is in it.
#[derive(Debug, Serialize)]
pub(crate) struct Data {
    pub(crate) value: Value,
    pub(crate) witness: Witness,
    pub(crate) observed_at: Timestamp,
    pub(crate) origin: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) line: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) column: Option<u32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) overrode: Vec<Lost>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Lost {
    pub(crate) value: Value,
    pub(crate) origin: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct EvidenceFile {
    pub(crate) name: String,
    pub(crate) path: String,
    pub(crate) type_id: u8,
}

#[derive(Debug, Serialize)]
pub(crate) struct Remediation {
    pub(crate) desc: String,
}

/// What becomes of a finding.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Activity {
    Create,
    Update,
    Close,
}

impl Activity {
    /// Returns its number and name, and those of the event's type.
    pub(crate) const fn fields(self) -> (u8, &'static str, u32, &'static str) {
        match self {
            Self::Create => (1, "Create", 200_301, "Compliance Finding: Create"),
            Self::Update => (2, "Update", 200_302, "Compliance Finding: Update"),
            Self::Close => (3, "Close", 200_303, "Compliance Finding: Close"),
        }
    }
}

impl Event<'_> {
    /// Says what becomes of the finding.
    pub(crate) const fn set_activity(&mut self, activity: Activity) {
        (
            self.activity_id,
            self.activity_name,
            self.type_uid,
            self.type_name,
        ) = activity.fields();
    }
}

/// What the schema has no place for.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Unmapped {
    None,
    Finding(Box<UnmappedFinding>),
    Node(UnmappedNode),
    Scan(UnmappedScan),
    Change(Box<UnmappedChange>),
    Comparison(Box<UnmappedComparison>),
}

impl Unmapped {
    const fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct UnmappedFinding {
    pub(crate) verdict: Verdict,
    pub(crate) horizon: Horizon,
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) in_pod: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) assumes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) baseline_state: Option<BaselineState>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) waiver: Option<Waiver>,
    pub(crate) fixable: bool,
}

#[derive(Debug, Serialize)]
pub(crate) struct UnmappedNode {
    pub(crate) status: NodeStatus,
    pub(crate) cause: Option<Cause>,
}

#[derive(Debug, Serialize)]
pub(crate) struct UnmappedScan {
    pub(crate) finished: Timestamp,
    pub(crate) complete: bool,
    pub(crate) coverage: Coverage,
    pub(crate) summary: Summary,
    pub(crate) problems: usize,
    pub(crate) in_workloads_not_counted: usize,
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) in_workloads_left_out: usize,
    pub(crate) exit_code: u8,
    pub(crate) exit_reason: String,
}

/// How a finding changed.
#[derive(Debug, Serialize)]
pub(crate) struct UnmappedChange {
    pub(crate) change: ChangeKind,
    /// The finding as it is now, where it is there.
    #[serde(flatten)]
    pub(crate) now: Option<UnmappedFinding>,
    /// What was found before, where it was there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) old: Option<UnmappedOld>,
}

#[derive(Debug, Serialize)]
pub(crate) struct UnmappedOld {
    #[serde(flatten)]
    pub(crate) finding: UnmappedFinding,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cause: Option<Cause>,
    pub(crate) reason: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) evidences: Vec<Evidences>,
}

/// What was compared, and how much of it changed.
#[derive(Debug, Serialize)]
pub(crate) struct UnmappedComparison {
    pub(crate) old: Compared,
    pub(crate) new: Compared,
    pub(crate) nodes_came: UnmappedNodes,
    pub(crate) nodes_went: UnmappedNodes,
    pub(crate) summary: ChangeSummary,
}

#[derive(Debug, Serialize)]
pub(crate) struct UnmappedNodes {
    pub(crate) count: usize,
    /// The first of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) nodes: Vec<NodeName>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes what it asks about by reference"
)]
const fn is_zero(number: &usize) -> bool {
    *number == 0
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes what it asks about by reference"
)]
const fn is_false(holds: &bool) -> bool {
    !*holds
}
