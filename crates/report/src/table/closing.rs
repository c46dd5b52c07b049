//! The last lines: what was scanned, the counts, the exit code. What was not seen is never a zero here.

use std::collections::BTreeSet;

use kubeassay_core::report::{Finding, Report, Source};
use kubeassay_core::{Bytes, Horizon, Verdict};

use super::group::Group;
use super::settled::Settled;
use crate::describe::{describe_source, node_parts};
use crate::ink::Ink;
use crate::page::Page;

/// The findings that count, as far as the closing lines ask.
pub(super) struct Counted<'a> {
    findings: Vec<&'a Finding>,
    settled: &'a Settled,
    with_pods: bool,
    /// Nothing at all was found.
    nothing: bool,
}

impl<'a> Counted<'a> {
    pub(super) fn new(groups: &[Group<'a>], settled: &'a Settled, with_pods: bool) -> Self {
        let counted = groups.iter().filter(|group| group.counted);
        Self {
            findings: counted
                .flat_map(|group| group.findings.iter().copied())
                .collect(),
            settled,
            with_pods,
            nothing: groups.is_empty() && settled.count() == 0,
        }
    }

    fn is_empty(&self) -> bool {
        self.findings.is_empty() && self.settled.counted(self.with_pods) == 0
    }
}

/// Writes the closing lines.
pub(super) fn closing(report: &Report, counted: &Counted<'_>, page: &mut Page) {
    page.gap();
    page.parts(Ink::Dim, &scope(report));
    page.parts(Ink::Dim, &rules(report));
    if !report.rules.replaced.is_empty() {
        let text = format!(
            "bundled rules replaced: {}",
            report.rules.replaced.join(", ")
        );
        page.line(Ink::Doubt, &text);
    }
    if !report.rules.added.is_empty() {
        page.line(
            Ink::Plain,
            &format!("rules added: {}", report.rules.added.join(", ")),
        );
    }
    if let Some(coverage) = coverage(report) {
        page.parts(Ink::Plain, &coverage);
    }
    if counted.is_empty() {
        let why = if counted.nothing {
            ""
        } else {
            ": what was found lives in pods, which count for nothing"
        };
        page.line(Ink::Doubt, &format!("NOTHING WAS JUDGED{why}"));
    } else {
        page.parts(Ink::Strong, &counts(report, counted));
    }
    if !report.complete {
        page.line(
            Ink::Bad,
            "INCOMPLETE: the scan ended before everything was looked at",
        );
    }
    let ink = match report.gate.exit_code {
        0 => Ink::Good,
        1 => Ink::Bad,
        _ => Ink::Doubt,
    };
    page.line(
        ink,
        &format!("exit {}: {}", report.gate.exit_code, report.gate.reason),
    );
}

/// Writes what the platform of each node was told by.
pub(super) fn platforms(report: &Report, page: &mut Page) {
    let nodes = report.scanned.nodes.iter();
    let told = nodes.filter_map(|node| Some((node, node.distribution.as_ref()?)));
    for (at, (node, told)) in told.enumerate() {
        if at == 0 {
            page.gap();
        }
        let listed = |evidence: &[Bytes]| {
            let evidence: Vec<String> = evidence.iter().map(Bytes::to_string).collect();
            evidence.join(", ")
        };
        let also = match told.also.as_slice() {
            [] => String::new(),
            also => format!("; there are signs of others too: {}", listed(also)),
        };
        let text = format!(
            "{} is told to be {} by {}{also}",
            node.name,
            told.name,
            listed(&told.evidence)
        );
        page.line(Ink::Dim, &text);
    }
}

/// Returns what was scanned, whence and when.
fn scope(report: &Report) -> Vec<String> {
    let scanned = &report.scanned;
    let mut parts = match scanned.nodes.as_slice() {
        [] => vec!["no node".to_owned()],
        [node] => node_parts(node),
        nodes => vec![format!("{} nodes", nodes.len())],
    };
    if let Some(cluster) = &scanned.cluster {
        let uid = cluster.uid.as_ref();
        let uid = uid.map_or_else(String::new, |uid| format!(" ({uid})"));
        parts.push(format!("cluster {}{uid}", cluster.server));
    }
    parts.push(describe_source(scanned.source).to_owned());
    if !scanned.joined.is_empty() {
        parts.push(format!("joined from {} reports", scanned.joined.len()));
    }
    parts.push(format!("{:.0}", scanned.started));
    parts
}

fn rules(report: &Report) -> Vec<String> {
    let rules = &report.rules;
    let plural = if rules.count == 1 { "" } else { "s" };
    let benchmark = rules
        .benchmark
        .as_ref()
        .map(|name| format!(" of {name}"))
        .unwrap_or_default();
    let tool = &report.tool;
    let numbers = match rules.benchmark {
        Some(_) => None,
        None => numbers(report),
    };
    std::iter::once(format!("{} rule{plural}{benchmark}", rules.count))
        .chain(numbers)
        .chain(std::iter::once(format!("{} {}", tool.name, tool.version)))
        .collect()
}

/// Returns whose numbers the findings carry, by what was found on the nodes.
fn numbers(report: &Report) -> Option<String> {
    let nodes = report.scanned.nodes.iter();
    let benchmarks: BTreeSet<&str> = nodes.filter_map(|node| node.benchmark.as_deref()).collect();
    let benchmarks: Vec<&str> = benchmarks.into_iter().collect();
    (!benchmarks.is_empty()).then(|| format!("numbers of {}", benchmarks.join(", ")))
}

/// Returns how many nodes were reached, unless there was one and it was.
fn coverage(report: &Report) -> Option<Vec<String>> {
    let coverage = report.scanned.coverage;
    if coverage.nodes <= 1 && coverage.scanned == coverage.nodes && report.complete {
        return None;
    }
    let others = [
        (coverage.partial, "in part"),
        (coverage.unreachable, "not reached"),
        (coverage.unsupported, "not supported"),
    ];
    let first = format!("nodes: {} of {} scanned", coverage.scanned, coverage.nodes);
    let others = others.into_iter().filter(|(count, _)| *count > 0);
    let others = others.map(|(count, words)| format!("{count} {words}"));
    Some(std::iter::once(first).chain(others).collect())
}

fn counts(report: &Report, counted: &Counted<'_>) -> Vec<String> {
    let summary = report.summary;
    let mut parts = vec![
        format!("{} fail", summary.fail),
        format!("{} unknown", summary.unknown),
        format!("{} pass", summary.pass),
        format!("{} manual", summary.manual),
        format!("{} not applicable", summary.not_applicable),
    ];
    if summary.waived > 0 {
        parts.push(format!("{} waived", summary.waived));
    }
    let why_no_restart = match report.scanned.source {
        Source::Cluster | Source::Endpoint => " (no file was read)",
        _ => " (no change seen since the start)",
    };
    parts.push(later(Horizon::Restart, why_no_restart, counted));
    parts.push(later(Horizon::Rebuild, "", counted));
    parts
}

/// Returns what is known of a later horizon; nothing judged there is not the same as nothing wrong.
fn later(horizon: Horizon, why_not: &str, counted: &Counted<'_>) -> String {
    let at = |finding: &&&Finding| finding.horizon == horizon;
    let found: Vec<_> = counted.findings.iter().filter(at).collect();
    let judged = found.len() + counted.settled.judged(horizon, counted.with_pods);
    if judged == 0 {
        return format!("{horizon}: not judged{why_not}");
    }
    let count = |verdict| {
        found
            .iter()
            .filter(|finding| finding.verdict == verdict)
            .count()
    };
    let (fail, unknown) = (count(Verdict::Fail), count(Verdict::Unknown));
    format!("{horizon}: {judged} judged, {fail} fail, {unknown} unknown")
}
