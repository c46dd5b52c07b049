//! The part of SARIF 2.1.0 that is written, named as the standard names it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use kubeassay_core::report::{
    BaselineState, Cluster, Control, Coverage, Gate, Joined, Rules, Source, Summary,
};
use kubeassay_core::{Cause, Horizon, Severity, Verdict, text};
use serde::Serialize;

/// Where the schema is published.
pub(super) const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

#[derive(Serialize)]
pub(super) struct Log {
    #[serde(rename = "$schema")]
    pub(super) schema: &'static str,
    pub(super) version: &'static str,
    pub(super) runs: [Run; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Run {
    pub(super) properties: RunProperties,
    pub(super) automation_details: AutomationDetails,
    pub(super) tool: Tool,
    pub(super) invocations: [Invocation; 1],
    pub(super) original_uri_base_ids: BTreeMap<&'static str, Base>,
    pub(super) column_kind: &'static str,
    pub(super) results: Vec<SarifResult>,
}

/// What was scanned, and what came of it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RunProperties {
    pub(super) source: Source,
    pub(super) started: Timestamp,
    pub(super) finished: Timestamp,
    pub(super) cluster: Option<Cluster>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) joined: Vec<Joined>,
    pub(super) coverage: Coverage,
    pub(super) complete: bool,
    pub(super) summary: Summary,
    pub(super) rules: Rules,
    pub(super) gate: Gate,
    /// Whether results stand for several findings.
    pub(super) grouped: bool,
}

#[derive(Serialize)]
pub(super) struct AutomationDetails {
    pub(super) id: String,
}

#[derive(Serialize)]
pub(super) struct Tool {
    pub(super) driver: Driver,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Driver {
    pub(super) name: String,
    pub(super) version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) semantic_version: Option<String>,
    pub(super) rules: Vec<Descriptor>,
}

/// A rule.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Descriptor {
    pub(super) id: String,
    pub(super) short_description: Message,
    pub(super) full_description: Message,
    pub(super) help: Help,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) help_uri: Option<String>,
    pub(super) default_configuration: Configuration,
    pub(super) properties: RuleProperties,
}

#[derive(Serialize)]
pub(super) struct Help {
    pub(super) text: String,
    pub(super) markdown: String,
}

#[derive(Serialize)]
pub(super) struct Configuration {
    pub(super) level: &'static str,
}

#[derive(Serialize)]
pub(super) struct RuleProperties {
    pub(super) tags: Vec<String>,
    pub(super) precision: &'static str,
    #[serde(rename = "security-severity")]
    pub(super) security_severity: &'static str,
    pub(super) severity: Severity,
    pub(super) controls: Vec<Control>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Invocation {
    pub(super) execution_successful: bool,
    pub(super) exit_code: u8,
    pub(super) exit_code_description: String,
    pub(super) start_time_utc: Timestamp,
    pub(super) end_time_utc: Timestamp,
    pub(super) tool_execution_notifications: Vec<Notification>,
}

#[derive(Serialize)]
pub(super) struct Notification {
    pub(super) level: &'static str,
    pub(super) message: Message,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) properties: Option<NotificationProperties>,
}

#[derive(Serialize)]
pub(super) struct NotificationProperties {
    pub(super) cause: Cause,
    pub(super) node: Option<String>,
    pub(super) subject: Option<String>,
    pub(super) path: Option<String>,
    pub(super) affects: Vec<String>,
}

#[derive(Serialize)]
pub(super) struct Base {
    pub(super) description: Message,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SarifResult {
    pub(super) rule_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rule_index: Option<usize>,
    pub(super) level: &'static str,
    pub(super) message: Message,
    pub(super) locations: [Location; 1],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) related_locations: Vec<Location>,
    pub(super) partial_fingerprints: BTreeMap<&'static str, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) baseline_state: Option<BaselineState>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) occurrence_count: Option<usize>,
    pub(super) properties: ResultProperties,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ResultProperties {
    pub(super) verdict: Verdict,
    pub(super) cause: Option<Cause>,
    pub(super) severity: Severity,
    pub(super) horizon: Horizon,
    pub(super) node: Option<String>,
    pub(super) subject: String,
    pub(super) expected: String,
    pub(super) actual: Vec<String>,
    pub(super) remediation: String,
    pub(super) fixable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) fix_how: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) group: Option<GroupProperties>,
}

/// What a result stands for that is not one finding.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GroupProperties {
    /// How many nodes have such a finding.
    pub(super) nodes: usize,
    /// How many findings they are.
    pub(super) findings: usize,
    /// Whether all of them have the same value.
    pub(super) same_value: bool,
    /// The first few of the nodes and subjects.
    pub(super) first: Vec<String>,
}

#[derive(Serialize)]
pub(super) struct Location {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<u32>,
    #[serde(rename = "physicalLocation", skip_serializing_if = "Option::is_none")]
    pub(super) physical: Option<PhysicalLocation>,
    #[serde(rename = "logicalLocations")]
    pub(super) logical: Vec<LogicalLocation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) message: Option<Message>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PhysicalLocation {
    pub(super) artifact_location: ArtifactLocation,
    pub(super) region: Region,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ArtifactLocation {
    pub(super) uri: String,
    pub(super) uri_base_id: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Region {
    pub(super) start_line: u32,
    pub(super) start_column: u32,
    pub(super) end_line: u32,
    pub(super) end_column: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) snippet: Option<Message>,
}

impl Region {
    /// The head of a file of which no line is known; code scanning asks for a line.
    pub(super) const fn whole() -> Self {
        Self {
            start_line: 1,
            start_column: 1,
            end_line: 1,
            end_column: 1,
            snippet: None,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LogicalLocation {
    pub(super) name: String,
    pub(super) fully_qualified_name: String,
    pub(super) kind: &'static str,
}

/// A text without markup.
#[derive(Clone, Serialize)]
pub(super) struct Message {
    pub(super) text: String,
}

impl Message {
    /// Returns foreign text that stands for itself: it has no link, no placeholder, no character that is not seen.
    pub(super) fn of(foreign: &str) -> Self {
        Self {
            text: inert(&text::escape(foreign)),
        }
    }

    /// Returns at most `most` characters of it: code scanning takes no more of some texts.
    pub(super) fn cut(foreign: &str, most: usize) -> Self {
        let mut message = Self::of(foreign);
        if let Some((end, _)) = message.text.char_indices().nth(most) {
            let kept = message.text.char_indices().nth(most.saturating_sub(1));
            message.text.truncate(kept.map_or(end, |(at, _)| at));
            message.text.push('…');
        }
        message
    }
}

/// Breaks what a reader of plain messages takes for an embedded link (`[text](address)`, SARIF 3.11.6) or for a
/// placeholder (`{0}`, 3.11.5).
fn inert(text: &str) -> String {
    let mut inert = text.replace("](", "] (");
    for digit in '0'..='9' {
        let placeholder = format!("{{{digit}");
        if inert.contains(&placeholder) {
            inert = inert.replace(&placeholder, &format!("{{ {digit}"));
        }
    }
    inert
}
