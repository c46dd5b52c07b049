//! The part of SARIF 2.1.0 that is written, named as the standard names it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use kubeassay_core::changes::ChangeKind;
use kubeassay_core::report::{Cluster, Control, Coverage, Gate, Joined, Rules, Source, Summary};
use kubeassay_core::{Cause, Horizon, Severity, Verdict, text};
use serde::Serialize;

/// Where the schema is published.
const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

#[derive(Serialize)]
pub(crate) struct Log<P> {
    #[serde(rename = "$schema")]
    pub(crate) schema: &'static str,
    pub(crate) version: &'static str,
    pub(crate) runs: [Run<P>; 1],
}

impl<P> Log<P> {
    /// Returns the document that has this run and no other.
    pub(crate) const fn of(run: Run<P>) -> Self {
        Self {
            schema: SCHEMA,
            version: "2.1.0",
            runs: [run],
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Run<P> {
    /// What was read, and what came of it.
    pub(crate) properties: P,
    pub(crate) automation_details: AutomationDetails,
    pub(crate) tool: Tool,
    pub(crate) invocations: [Invocation; 1],
    pub(crate) original_uri_base_ids: BTreeMap<&'static str, Base>,
    pub(crate) column_kind: &'static str,
    pub(crate) results: Vec<SarifResult>,
}

/// What was scanned, and what came of it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RunProperties {
    pub(crate) source: Source,
    pub(crate) started: Timestamp,
    pub(crate) finished: Timestamp,
    pub(crate) cluster: Option<Cluster>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) joined: Vec<Joined>,
    pub(crate) coverage: Coverage,
    pub(crate) complete: bool,
    pub(crate) summary: Summary,
    pub(crate) rules: Rules,
    pub(crate) gate: Gate,
    /// Whether results stand for several findings.
    pub(crate) grouped: bool,
}

#[derive(Serialize)]
pub(crate) struct AutomationDetails {
    pub(crate) id: String,
}

#[derive(Serialize)]
pub(crate) struct Tool {
    pub(crate) driver: Driver,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Driver {
    pub(crate) name: String,
    pub(crate) version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) semantic_version: Option<String>,
    pub(crate) rules: Vec<Descriptor>,
}

/// A rule.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Descriptor {
    pub(crate) id: String,
    pub(crate) short_description: Message,
    pub(crate) full_description: Message,
    pub(crate) help: Help,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) help_uri: Option<String>,
    pub(crate) default_configuration: Configuration,
    pub(crate) properties: RuleProperties,
}

#[derive(Serialize)]
pub(crate) struct Help {
    pub(crate) text: String,
    pub(crate) markdown: String,
}

#[derive(Serialize)]
pub(crate) struct Configuration {
    pub(crate) level: &'static str,
}

#[derive(Serialize)]
pub(crate) struct RuleProperties {
    pub(crate) tags: Vec<String>,
    pub(crate) precision: &'static str,
    #[serde(rename = "security-severity")]
    pub(crate) security_severity: &'static str,
    pub(crate) severity: Severity,
    pub(crate) controls: Vec<Control>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Invocation {
    pub(crate) execution_successful: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) exit_code: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) exit_code_description: Option<String>,
    pub(crate) start_time_utc: Timestamp,
    pub(crate) end_time_utc: Timestamp,
    pub(crate) tool_execution_notifications: Vec<Notification>,
}

#[derive(Serialize)]
pub(crate) struct Notification {
    pub(crate) level: &'static str,
    pub(crate) message: Message,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) properties: Option<NotificationProperties>,
}

#[derive(Serialize)]
pub(crate) struct NotificationProperties {
    pub(crate) cause: Cause,
    pub(crate) node: Option<String>,
    pub(crate) subject: Option<String>,
    pub(crate) path: Option<String>,
    pub(crate) affects: Vec<String>,
}

#[derive(Serialize)]
pub(crate) struct Base {
    pub(crate) description: Message,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SarifResult {
    pub(crate) rule_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rule_index: Option<usize>,
    /// What kind of result it is that is no failure of now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) kind: Option<&'static str>,
    pub(crate) level: &'static str,
    pub(crate) message: Message,
    pub(crate) locations: [Location; 1],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) related_locations: Vec<Location>,
    pub(crate) partial_fingerprints: BTreeMap<&'static str, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) baseline_state: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) suppressions: Vec<Suppression>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) occurrence_count: Option<usize>,
    pub(crate) properties: ResultProperties,
}

/// Who accepted a result.
#[derive(Serialize)]
pub(crate) struct Suppression {
    pub(crate) kind: &'static str,
    pub(crate) status: &'static str,
    pub(crate) justification: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ResultProperties {
    pub(crate) verdict: Verdict,
    pub(crate) cause: Option<Cause>,
    pub(crate) severity: Severity,
    pub(crate) horizon: Horizon,
    pub(crate) node: Option<String>,
    pub(crate) subject: String,
    pub(crate) expected: String,
    pub(crate) actual: Vec<String>,
    pub(crate) remediation: String,
    pub(crate) fixable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) fix_how: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) change: Option<ChangeProperties>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) group: Option<GroupProperties>,
}

/// How a finding changed.
#[derive(Serialize)]
pub(crate) struct ChangeProperties {
    pub(crate) kind: ChangeKind,
    /// What was found before; null where it was not there.
    pub(crate) old: Option<SideProperties>,
    /// What is found now; null where it is not there any more.
    pub(crate) new: Option<SideProperties>,
}

/// What was found in one of two reports.
#[derive(Serialize)]
pub(crate) struct SideProperties {
    pub(crate) verdict: Verdict,
    pub(crate) cause: Option<Cause>,
    pub(crate) reason: String,
    pub(crate) actual: Vec<String>,
}

/// What a result stands for that is not one finding.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GroupProperties {
    /// How many nodes have such a finding.
    pub(crate) nodes: usize,
    /// How many findings they are.
    pub(crate) findings: usize,
    /// Whether all of them have the same value.
    pub(crate) same_value: bool,
    /// The first few of the nodes and subjects.
    pub(crate) first: Vec<String>,
}

#[derive(Serialize)]
pub(crate) struct Location {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<u32>,
    #[serde(rename = "physicalLocation", skip_serializing_if = "Option::is_none")]
    pub(crate) physical: Option<PhysicalLocation>,
    #[serde(rename = "logicalLocations")]
    pub(crate) logical: Vec<LogicalLocation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) message: Option<Message>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PhysicalLocation {
    pub(crate) artifact_location: ArtifactLocation,
    pub(crate) region: Region,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ArtifactLocation {
    pub(crate) uri: String,
    pub(crate) uri_base_id: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Region {
    pub(crate) start_line: u32,
    pub(crate) start_column: u32,
    pub(crate) end_line: u32,
    pub(crate) end_column: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) snippet: Option<Message>,
}

impl Region {
    /// The head of a file of which no line is known; code scanning asks for a line.
    pub(crate) const fn whole() -> Self {
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
pub(crate) struct LogicalLocation {
    pub(crate) name: String,
    pub(crate) fully_qualified_name: String,
    pub(crate) kind: &'static str,
}

/// A text without markup.
#[derive(Clone, Serialize)]
pub(crate) struct Message {
    pub(crate) text: String,
}

impl Message {
    /// Returns foreign text that stands for itself: it has no link, no placeholder, no character that is not seen.
    pub(crate) fn of(foreign: &str) -> Self {
        Self {
            text: inert(&text::escape(foreign)),
        }
    }

    /// Returns at most `most` characters of it: code scanning takes no more of some texts.
    pub(crate) fn cut(foreign: &str, most: usize) -> Self {
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
