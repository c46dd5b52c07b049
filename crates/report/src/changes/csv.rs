//! What changed as CSV (RFC 4180): a line for each change, and one for each node that came or went; where nothing changed,
//! one that says so.
//!
//! As in the CSV of a report what was compared stands in the first columns of every line, and cells are safe for
//! spreadsheets. What the columns hold: docs/formats.md.

use std::io::Write;

use kubeassay_core::changes::{Compared, NodeName};
use kubeassay_core::report::Finding;

use super::{Changed, Comparison};
use crate::csv::{push, push_controls, push_evidence, truth};
use crate::describe::control_label;
use crate::{RenderError, heading};

/// The columns, in their order. New ones come last.
pub const COLUMNS: &[&str] = &[
    "old_report",
    "old_source",
    "old_started",
    "old_rules_digest",
    "new_report",
    "new_source",
    "new_started",
    "new_rules_digest",
    "cluster",
    "tool_version",
    "change",
    "node",
    "node_id",
    "finding",
    "control",
    "rule",
    "title",
    "severity",
    "horizon",
    "component",
    "subject",
    "in_pod",
    "old_verdict",
    "old_cause",
    "old_reason",
    "old_waived_by",
    "old_waived_until",
    "old_actual",
    "old_setting",
    "old_origin",
    "old_file",
    "old_line",
    "old_column",
    "new_verdict",
    "new_cause",
    "new_reason",
    "new_waived_by",
    "new_waived_until",
    "new_actual",
    "new_setting",
    "new_origin",
    "new_file",
    "new_line",
    "new_column",
    "expected",
    "fixable",
    "fix_how",
    "remediation",
    "controls",
];

/// The columns behind those that name what was compared, the change and its node.
const OF_FINDING: usize = 13;
/// The columns of one side.
const OF_SIDE: usize = 11;

/// Writes what changed line by line.
pub(super) fn write(comparison: &Comparison, out: &mut dyn Write) -> Result<(), RenderError> {
    writeln!(out, "{}\r", COLUMNS.join(","))?;
    let scope = scope(comparison);
    for change in comparison.changes.iter() {
        let change = change?;
        let finding = &change.finding;
        let mut line = begin(
            &scope,
            [
                change.kind.as_str(),
                comparison.node_of(finding).unwrap_or_default(),
                finding.node.as_deref().unwrap_or_default(),
            ],
        );
        push_change(&mut line, &change);
        writeln!(out, "{line}\r")?;
    }
    let nodes = [
        ("node-came", &comparison.nodes_came),
        ("node-went", &comparison.nodes_went),
    ];
    for (change, nodes) in nodes {
        for NodeName { name, id } in nodes {
            write_bare(&scope, [change, name, id], out)?;
        }
    }
    if comparison.is_empty() {
        write_bare(&scope, ["none", "", ""], out)?;
    }
    out.flush()?;
    Ok(())
}

/// Returns the cells that every line begins with: what was compared, and by whom.
fn scope(comparison: &Comparison) -> String {
    let mut cells = String::new();
    let sides = [&comparison.old, &comparison.new];
    for Compared {
        file,
        source,
        started,
        rules,
        ..
    } in sides
    {
        push(&mut cells, file);
        push(&mut cells, heading::source(*source));
        push(&mut cells, &started.to_string());
        push(&mut cells, rules);
    }
    let mut clusters = sides.iter().rev().filter_map(|side| side.cluster.as_ref());
    let cluster = clusters.next().map_or("", |cluster| &cluster.server);
    push(&mut cells, cluster);
    push(&mut cells, &comparison.tool.version);
    cells
}

/// Returns the head of a line: what was compared; the change, its node and that node's id.
fn begin(scope: &str, cells: [&str; 3]) -> String {
    let mut line = scope.to_owned();
    for cell in cells {
        push(&mut line, cell);
    }
    line
}

/// Writes a line that is about no finding.
fn write_bare(scope: &str, cells: [&str; 3], out: &mut dyn Write) -> Result<(), RenderError> {
    let mut line = begin(scope, cells);
    let rest = COLUMNS.len().saturating_sub(OF_FINDING);
    line.extend(std::iter::repeat_n(',', rest));
    writeln!(out, "{line}\r")?;
    Ok(())
}

fn push_change(line: &mut String, change: &Changed) {
    let finding = &change.finding;
    for cell in [
        finding.id.as_str(),
        &control_label(&finding.controls, &finding.rule),
        &finding.rule,
        &finding.title,
        finding.severity.as_str(),
        finding.horizon.as_str(),
        &finding.subject.component,
        &finding.subject.key,
        truth(finding.subject.in_pod),
    ] {
        push(line, cell);
    }
    push_side(line, change.before());
    push_side(line, change.now());
    // What is not there any more is mended by nobody.
    let fix = change.now().map(|new| &new.fix);
    let how = fix.and_then(|fix| fix.how.as_deref());
    for cell in [
        finding.expected.as_str(),
        truth(fix.is_some_and(|fix| fix.possible)),
        how.unwrap_or_default(),
        &finding.remediation,
    ] {
        push(line, cell);
    }
    push_controls(line, finding);
}

/// Adds what was found on one side; empty cells where it was not there.
fn push_side(line: &mut String, finding: Option<&Finding>) {
    let Some(finding) = finding else {
        line.extend(std::iter::repeat_n(',', OF_SIDE));
        return;
    };
    let waiver = finding.waiver.as_ref();
    let until = waiver.and_then(|waiver| waiver.expires.as_deref());
    for cell in [
        finding.verdict.as_str(),
        finding.cause.map_or("", |cause| cause.as_str()),
        &finding.reason,
        waiver.map_or("", |waiver| &waiver.owner),
        until.unwrap_or_default(),
    ] {
        push(line, cell);
    }
    push_evidence(line, finding);
}
