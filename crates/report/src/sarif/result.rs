//! A result: what needs action, and where.

use std::collections::BTreeMap;

use kubeassay_core::report::{BaselineState, Finding};
use kubeassay_core::{Severity, Verdict, text};

use super::document::{GroupProperties, Message, ResultProperties, SarifResult};
use super::location;
use crate::describe::{describe_evidence, subject_parts};
use crate::open::{Group, Joined};

/// Returns the result that a group is. `places` are those of the rules in their list; `name` tells the name of a node
/// by its id.
pub(crate) fn of_group<'a>(
    group: &'a Group,
    places: &BTreeMap<&str, usize>,
    name: impl Fn(Option<&'a str>) -> &'a str,
) -> SarifResult {
    let finding = &group.finding;
    let node = text::escape(name(finding.node.as_deref()));
    let (location, related_locations) = location::of(finding, &node);
    let mut fingerprints = BTreeMap::new();
    let fingerprint = text::escape(&group.fingerprint());
    // The only one that code scanning looks at; its own have the number of an occurrence behind a colon.
    fingerprints.insert("primaryLocationLineHash", format!("{fingerprint}:1"));
    fingerprints.insert("kubeassayFinding/v1", fingerprint);
    SarifResult {
        rule_id: text::escape(&finding.rule),
        rule_index: places.get(finding.rule.as_str()).copied(),
        kind: None,
        level: level(finding.verdict, finding.severity),
        message: Message::of(&message(group, &node)),
        locations: [location],
        related_locations,
        partial_fingerprints: fingerprints,
        baseline_state: group.state.map(BaselineState::as_str),
        suppressions: Vec::new(),
        occurrence_count: (group.joined != Joined::Not).then_some(group.findings),
        properties: ResultProperties {
            verdict: finding.verdict,
            cause: finding.cause,
            severity: finding.severity,
            horizon: finding.horizon,
            node: finding.node.as_ref().map(|_| node),
            subject: text::escape(&finding.subject.key),
            expected: text::escape(&finding.expected),
            actual: actual(finding),
            remediation: finding.remediation.clone(),
            fixable: finding.fix.possible,
            fix_how: finding.fix.how.as_deref().map(text::escape),
            change: None,
            group: (group.joined != Joined::Not).then(|| stands_for(group, name)),
        },
    }
}

fn stands_for<'a>(group: &'a Group, name: impl Fn(Option<&'a str>) -> &'a str) -> GroupProperties {
    let places = group.places.iter().map(|(node, subject)| {
        let node = name(node.as_deref());
        text::escape(&format!("{node}: {subject}"))
    });
    GroupProperties {
        nodes: group.nodes(),
        findings: group.findings,
        same_value: group.joined == Joined::ByValue,
        first: places.collect(),
    }
}

/// Returns how code scanning marks a result. What is unknown is told one step more quietly, and never as nothing.
pub(super) const fn level(verdict: Verdict, severity: Severity) -> &'static str {
    match (verdict, severity) {
        (Verdict::Fail, Severity::Critical | Severity::High) => "error",
        (Verdict::Fail, Severity::Medium) | (_, Severity::Critical | Severity::High) => "warning",
        _ => "note",
    }
}

/// Returns the title of a result: what is wrong, of what, where.
fn message(group: &Group, node: &str) -> String {
    let finding = &group.finding;
    let what = if finding.reason.is_empty() {
        &finding.title
    } else {
        &finding.reason
    };
    let decided = match finding.verdict {
        Verdict::Unknown => "Not decided: ",
        _ => "",
    };
    // Without the process's number: a result is called the same after a restart.
    let mut subject = subject_parts(&finding.subject, true);
    subject.retain(|part| !part.starts_with("pid "));
    let subject = subject.join(", ");
    let place = match group.joined {
        Joined::Not => format!("{node}: {subject}"),
        Joined::ByValue | Joined::ByRule => {
            let values = match group.joined {
                Joined::ByRule => ", with different values",
                _ => "",
            };
            let nodes = group.nodes();
            let on = match nodes {
                0 => "in the cluster".to_owned(),
                1 => format!("on 1 node ({node})"),
                _ => format!("on {nodes} nodes, such as {node}"),
            };
            format!("{} findings {on}{values}", group.findings)
        }
    };
    let horizon = finding.horizon;
    format!("{decided}{what} [{place}; {horizon}]")
}

/// Returns what was read, in words.
pub(crate) fn actual(finding: &Finding) -> Vec<String> {
    let evidence = finding.evidence.iter();
    let said = evidence.map(|evidence| {
        let (what, place) = describe_evidence(evidence, finding.verdict);
        text::escape(format!("{what} {place}").trim_end())
    });
    said.collect()
}
