//! The part of a Compliance Finding that we write; names and numbers are those of the schema.

use jiff::Timestamp;
use kubeassay_core::report::{BaselineState, Coverage, NodeStatus, Summary, Waiver};
use kubeassay_core::{Cause, Horizon, Value, Verdict, Witness};
use serde::Serialize;

/// An event. What says what was scanned comes first.
#[derive(Debug, Serialize)]
pub(super) struct Event<'a> {
    pub(super) metadata: &'a Metadata,
    pub(super) message: String,
    pub(super) class_uid: u32,
    pub(super) class_name: &'static str,
    pub(super) category_uid: u32,
    pub(super) category_name: &'static str,
    pub(super) activity_id: u8,
    pub(super) activity_name: &'static str,
    pub(super) type_uid: u32,
    pub(super) type_name: &'static str,
    /// Milliseconds since 1970, as all times of the schema.
    pub(super) time: i64,
    pub(super) severity_id: u8,
    pub(super) severity: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) status_id: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) status_detail: Option<String>,
    pub(super) finding_info: FindingInfo,
    pub(super) compliance: Compliance,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) resources: Vec<Resource>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) evidences: Vec<Evidences>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) remediation: Option<Remediation>,
    #[serde(skip_serializing_if = "Unmapped::is_none")]
    pub(super) unmapped: Unmapped,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Metadata {
    pub(super) source: &'static str,
    pub(super) product: Product,
    pub(super) version: &'static str,
    pub(super) log_name: String,
    pub(super) tags: Vec<Tag>,
    #[serde(skip_serializing_if = "is_false")]
    pub(super) is_truncated: bool,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Product {
    pub(super) name: String,
    pub(super) vendor_name: &'static str,
    pub(super) version: String,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Tag {
    pub(super) name: &'static str,
    pub(super) value: String,
}

#[derive(Debug, Serialize)]
pub(super) struct FindingInfo {
    pub(super) uid: String,
    pub(super) title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) desc: Option<String>,
    pub(super) types: [&'static str; 1],
    pub(super) created_time: i64,
    pub(super) data_sources: [&'static str; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) analytic: Option<Analytic>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) attacks: Vec<Attack>,
}

#[derive(Debug, Serialize)]
pub(super) struct Analytic {
    pub(super) uid: String,
    pub(super) name: String,
    pub(super) type_id: u8,
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
}

#[derive(Debug, Serialize)]
pub(super) struct Attack {
    pub(super) technique: Technique,
}

#[derive(Debug, Serialize)]
pub(super) struct Technique {
    pub(super) uid: String,
    pub(super) name: String,
}

#[derive(Debug, Serialize)]
pub(super) struct Compliance {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) control: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) standards: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) requirements: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) desc: Option<String>,
    pub(super) status_id: u8,
    pub(super) status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) status_code: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) status_details: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) checks: Vec<Check>,
}

impl Compliance {
    pub(super) const fn of(status: Status) -> Self {
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
}

/// The status of a check. The schema has a number for the first three; the others are `Other`, with a word of ours.
#[derive(Clone, Copy, Debug)]
pub(super) enum Status {
    Pass,
    Fail,
    /// Never anything that could be taken for a pass.
    Unknown,
    Manual,
    NotApplicable,
    NotScanned,
    Scan,
}

impl Status {
    pub(super) const fn of(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Pass => Self::Pass,
            Verdict::Fail => Self::Fail,
            Verdict::Unknown => Self::Unknown,
            Verdict::Manual => Self::Manual,
            Verdict::NotApplicable => Self::NotApplicable,
        }
    }

    pub(super) const fn id(self) -> u8 {
        match self {
            Self::Unknown => 0,
            Self::Pass => 1,
            Self::Fail => 3,
            Self::Manual | Self::NotApplicable | Self::NotScanned | Self::Scan => 99,
        }
    }

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "Unknown",
            Self::Pass => "Pass",
            Self::Fail => "Fail",
            Self::Manual => "Manual",
            Self::NotApplicable => "Not Applicable",
            Self::NotScanned => "Not Scanned",
            Self::Scan => "Scan",
        }
    }
}

#[derive(Debug, Serialize)]
pub(super) struct Check {
    pub(super) uid: String,
    pub(super) name: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) standards: Vec<String>,
    pub(super) severity_id: u8,
    pub(super) severity: &'static str,
    pub(super) status_id: u8,
    pub(super) status: &'static str,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Resource {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) uid: Option<String>,
    pub(super) name: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<String>,
    pub(super) role_id: u8,
}

#[derive(Debug, Serialize)]
pub(super) struct Evidences {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    pub(super) data: Data,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) file: Option<EvidenceFile>,
}

/// The schema leaves open what is in it.
#[derive(Debug, Serialize)]
pub(super) struct Data {
    pub(super) value: Value,
    pub(super) witness: Witness,
    pub(super) observed_at: Timestamp,
    pub(super) origin: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) line: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) column: Option<u32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) overrode: Vec<Lost>,
}

#[derive(Debug, Serialize)]
pub(super) struct Lost {
    pub(super) value: Value,
    pub(super) origin: String,
}

#[derive(Debug, Serialize)]
pub(super) struct EvidenceFile {
    pub(super) name: String,
    pub(super) path: String,
    pub(super) type_id: u8,
}

#[derive(Debug, Serialize)]
pub(super) struct Remediation {
    pub(super) desc: String,
}

/// What the schema has no place for.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Unmapped {
    None,
    Finding(Box<UnmappedFinding>),
    Node(UnmappedNode),
    Scan(UnmappedScan),
}

impl Unmapped {
    const fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }
}

#[derive(Debug, Serialize)]
pub(super) struct UnmappedFinding {
    pub(super) verdict: Verdict,
    pub(super) horizon: Horizon,
    #[serde(skip_serializing_if = "is_false")]
    pub(super) in_pod: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) assumes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) baseline_state: Option<BaselineState>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) waiver: Option<Waiver>,
    pub(super) fixable: bool,
}

#[derive(Debug, Serialize)]
pub(super) struct UnmappedNode {
    pub(super) status: NodeStatus,
    pub(super) cause: Option<Cause>,
}

#[derive(Debug, Serialize)]
pub(super) struct UnmappedScan {
    pub(super) finished: Timestamp,
    pub(super) complete: bool,
    pub(super) coverage: Coverage,
    pub(super) summary: Summary,
    pub(super) problems: usize,
    pub(super) in_workloads_not_counted: usize,
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) in_workloads_left_out: usize,
    pub(super) exit_code: u8,
    pub(super) exit_reason: String,
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
