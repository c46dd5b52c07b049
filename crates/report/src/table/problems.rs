//! What was not seen: nodes that were not scanned whole, and what could not be read or understood.

use std::collections::BTreeMap;

use kubeassay_core::report::{NodeStatus, Problem, Report};

use super::Extent;
use super::group::Nodes;
use super::settled::Settled;
use crate::describe::{control_label, control_order, status_words};
use crate::ink::Ink;
use crate::page::{Page, width};

/// Problems beyond so many are left to `wide`.
const SHOWN: usize = 10;

/// Writes the nodes that were not scanned whole.
pub(super) fn nodes(report: &Report, page: &mut Page) {
    let nodes = &report.scanned.nodes;
    let missed: Vec<_> = nodes
        .iter()
        .filter(|node| node.status != NodeStatus::Scanned)
        .collect();
    if missed.is_empty() {
        return;
    }
    page.gap();
    page.line(
        Ink::Strong,
        &format!("Not scanned whole: {} of {}", missed.len(), nodes.len()),
    );
    for node in missed {
        let cause = node
            .cause
            .map(|cause| format!(" ({cause})"))
            .unwrap_or_default();
        let text = format!("{}: {}{cause}", node.name, status_words(node.status));
        page.item(2, "", 0, (Ink::Doubt, &text));
    }
}

/// Writes what could not be read or understood.
pub(super) fn problems<'a>(
    report: &'a Report,
    settled: &Settled,
    extent: Extent,
    nodes: &Nodes<'a>,
    page: &mut Page,
) {
    let problems = &report.problems;
    if problems.is_empty() {
        return;
    }
    page.gap();
    page.line(
        Ink::Strong,
        &format!("Could not be read or understood: {}", problems.len()),
    );
    let of_settled = settled.labels().map(|(rule, label)| (rule, label.clone()));
    let labels: BTreeMap<_, _> = report
        .findings
        .iter()
        .map(|finding| {
            (
                &finding.rule,
                control_label(&finding.controls, &finding.rule),
            )
        })
        .chain(of_settled)
        .collect();
    let shown = if extent == Extent::All {
        problems.len()
    } else {
        SHOWN
    };
    for problem in problems.iter().take(shown) {
        let cause = problem.cause.as_str();
        let prefix = [(Ink::Plain, "  "), (Ink::Doubt, cause), (Ink::Plain, "  ")];
        let hanging = width(cause) + 4;
        page.hang(
            &prefix,
            (Ink::Plain, &sentence(report, problem, nodes)),
            hanging,
        );
        let mut affected: Vec<_> = problem
            .affects
            .iter()
            .map(|rule| labels.get(rule).unwrap_or(rule))
            .collect();
        affected.sort_by_cached_key(|label| control_order(label));
        affected.dedup();
        if !affected.is_empty() {
            let list: Vec<_> = affected.iter().map(|label| label.as_str()).collect();
            let text = format!("affects {}", list.join(", "));
            page.hang(
                &[(Ink::Plain, &" ".repeat(hanging))],
                (Ink::Dim, &text),
                hanging,
            );
        }
    }
    if problems.len() > shown {
        let more = format!("{} more: -o wide", problems.len() - shown);
        page.item(2, "", 0, (Ink::Dim, &more));
    }
}

/// Returns node, path and reason, none of them twice.
fn sentence<'a>(report: &Report, problem: &'a Problem, nodes: &Nodes<'a>) -> String {
    let mut parts = Vec::new();
    if report.scanned.nodes.len() > 1
        && let Some(node) = &problem.node
    {
        parts.push(nodes.name(Some(node)).to_owned());
    }
    if let Some(path) = problem.path.as_ref().map(ToString::to_string)
        && !problem.reason.contains(&path)
    {
        parts.push(path);
    }
    parts.push(problem.reason.clone());
    parts.join(": ")
}
