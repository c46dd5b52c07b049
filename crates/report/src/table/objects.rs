//! What is open of a cluster's objects: by rule, since one rule is mostly broken by many namespaces or holders alike.

use std::collections::BTreeMap;

use kubeassay_core::Verdict;
use kubeassay_core::report::{Finding, Report};

use super::block::{LABEL, title};
use crate::describe::{control_label, control_order, is_of_cluster, verdict_word};
use crate::ink::Ink;
use crate::next::next_step;
use crate::page::Page;

/// So many different reasons of one rule are shown; JSON has them all.
const REASONS: usize = 10;
/// So many objects with the same reason are named.
const NAMED: usize = 8;

/// The subjects, in the order of the page, and what they are called above their findings.
const SUBJECTS: [(&str, &str); 4] = [
    ("cluster", ""),
    ("namespace", "namespaces"),
    ("role", "roles"),
    ("holder", "holders of roles"),
];

/// Writes all that is open.
pub(super) fn open(report: &Report, page: &mut Page) {
    for (component, plural) in SUBJECTS {
        let mut blocks: BTreeMap<_, Vec<&Finding>> = BTreeMap::new();
        let found = report.findings.iter().filter(|finding| {
            is_of_cluster(finding)
                && finding.subject.component == component
                && finding.waiver.is_none()
                && matches!(finding.verdict, Verdict::Fail | Verdict::Unknown)
        });
        for finding in found {
            let order = control_order(&control_label(&finding.controls, &finding.rule));
            let fails_first = finding.verdict != Verdict::Fail;
            let key = (fails_first, order, finding.rule.as_str());
            blocks.entry(key).or_default().push(finding);
        }
        if blocks.is_empty() {
            continue;
        }
        page.gap();
        let head = ["the cluster", plural].into_iter();
        let head = head.filter(|part| !part.is_empty());
        let head: Vec<String> = head.map(str::to_owned).collect();
        page.parts(Ink::Strong, &head);
        for findings in blocks.values() {
            page.gap();
            block(report, findings, plural, page);
        }
    }
}

/// Writes the findings of one rule that have one verdict.
fn block(report: &Report, findings: &[&Finding], plural: &str, page: &mut Page) {
    let Some(first) = findings.first() else {
        return;
    };
    let many = match findings.len() {
        1 => String::new(),
        count => format!(", {count} {plural}"),
    };
    let control = control_label(&first.controls, &first.rule);
    let text = format!("{} ({}{many})", first.title, first.severity);
    let ink = Ink::of(first.verdict);
    title(ink, verdict_word(first.verdict), &control, &text, page);
    let mut label = "why";
    let mut why = |text: &str, page: &mut Page| {
        page.item(2, std::mem::take(&mut label), LABEL, (Ink::Plain, text));
    };
    let reasons = by_reason(findings);
    for (reason, names) in reasons.iter().take(REASONS) {
        let names = listed(names);
        if names.is_empty() {
            why(reason, page);
        } else {
            why(&format!("{names}: {reason}"), page);
        }
    }
    let more: usize = reasons
        .iter()
        .skip(REASONS)
        .map(|(_, names)| names.len())
        .sum();
    if more > 0 {
        why(&format!("and {more} more: -o wide"), page);
    }
    if first.verdict == Verdict::Fail && !first.expected.is_empty() {
        page.item(2, "want", LABEL, (Ink::Plain, &first.expected));
    }
    let mut assumed: Vec<&str> = Vec::new();
    for one in findings.iter().flat_map(|finding| &finding.assumes) {
        if !assumed.contains(&one.as_str()) {
            assumed.push(one);
        }
    }
    if !assumed.is_empty() {
        page.item(2, "assume", LABEL, (Ink::Dim, &assumed.join("; ")));
    }
    if let Some(next) = next_step(findings, report) {
        page.item(2, "next", LABEL, (Ink::Plain, &next));
    }
}

/// Returns the reasons in their order, each with the objects that it is said of.
fn by_reason<'a>(findings: &[&'a Finding]) -> Vec<(&'a str, Vec<&'a str>)> {
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    for finding in findings {
        let reason = finding.reason.as_str();
        let place = *places.entry(reason).or_insert_with(|| {
            reasons.push((reason, Vec::new()));
            reasons.len() - 1
        });
        let object = finding.subject.object.as_deref().unwrap_or_default();
        let name = object.strip_prefix("Namespace ").unwrap_or(object);
        if let Some((_, names)) = reasons.get_mut(place) {
            names.push(name);
        }
    }
    reasons
}

fn listed(names: &[&str]) -> String {
    let shown: Vec<&str> = names.iter().take(NAMED).copied().collect();
    let shown = shown.join(", ");
    match names.len().saturating_sub(NAMED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
