//! What is wrong with waivers, as diagnostics of their files.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use kubeassay_core::report::{Finding, Node, Report};
use kubeassay_core::rule::{Code, Diagnostic};

use super::apply::{Waiving, day_of, disagreement, too_broad};
use super::document::{Document, Entry};
use super::notice::{Kind, Notice};

/// Returns what is wrong with the waivers of these files at `now`, in the order of the files: what is over, too broad,
/// written twice or contradicts itself; and with a report what changed and what nothing needs.
pub fn lint(documents: &[Document], now: Timestamp, report: Option<&Report>) -> Vec<Diagnostic> {
    let mut waiving = Waiving::new(documents.to_vec(), now, None);
    if let Some(report) = report {
        waiving = Waiving::new(documents.to_vec(), now, report.scanned.cluster.clone());
        of_report(&mut waiving, report);
    }
    let mut notices = waiving.notices();
    let told: BTreeSet<(usize, Kind)> = notices.iter().map(|one| (one.entry, one.kind)).collect();
    let entries = waiving.entries();
    let today = day_of(now);
    for (index, entry) in entries.iter().enumerate() {
        let mut say = |kind, reason| {
            if !told.contains(&(index, kind)) {
                notices.push(Notice {
                    kind,
                    entry: index,
                    other: None,
                    reason,
                });
            }
        };
        if entry.is_over(today) && !told.contains(&(index, Kind::Unused)) {
            let reason = format!(
                "the waiver of {} by {} held until {}",
                entry.rule, entry.owner, entry.expires
            );
            say(Kind::Expired, reason);
        }
        if let Some(reason) = too_broad(entry, false, today) {
            say(Kind::TooBroad, reason);
        }
    }
    for twin in twins(entries) {
        if !told.contains(&(twin.entry, twin.kind)) {
            notices.push(twin);
        }
    }
    notices.sort_by_key(|notice| (notice.entry, notice.kind));
    let mut of_file: BTreeMap<&str, &Document> = BTreeMap::new();
    for document in documents {
        of_file.insert(&document.file, document);
    }
    let told = notices.iter().filter_map(|notice| {
        let entry = entries.get(notice.entry)?;
        let document = of_file.get(&*entry.file)?;
        let code: Code = notice.kind.code();
        let diagnostic = document.diagnostic(entry, code, notice.reason.clone());
        Some(diagnostic.help(notice.kind.help().to_owned()))
    });
    told.collect()
}

/// Lets the waivers cover the findings of a report, which itself stays as it is.
fn of_report(waiving: &mut Waiving, report: &Report) {
    let nodes = report.scanned.nodes.iter();
    let nodes: BTreeMap<&str, &Node> = nodes.map(|node| (node.id.as_str(), node)).collect();
    let mut of_node: BTreeMap<Option<&str>, Vec<Finding>> = BTreeMap::new();
    for finding in &report.findings {
        let node = finding.node.as_deref().filter(|id| nodes.contains_key(id));
        of_node.entry(node).or_default().push(finding.clone());
    }
    for (id, mut findings) in of_node {
        let node = id.and_then(|id| nodes.get(id)).copied();
        waiving.apply(node, &mut findings);
    }
}

/// Returns the waivers that have the rule, scope and values of an earlier one.
fn twins(entries: &[Entry]) -> Vec<Notice> {
    let mut known: BTreeMap<(&[String], String), Vec<usize>> = BTreeMap::new();
    let mut twins = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        // Debug shows every part of a scope, and a scope has no order of its own.
        let alike = (entry.rules.as_slice(), format!("{:?}", entry.scope));
        let earlier = known.entry(alike).or_default();
        let twin = earlier.iter().find_map(|other| {
            let other = entries.get(*other)?;
            (!other.observed.disagrees(&entry.observed)).then_some(other)
        });
        if let Some(other) = twin {
            let differ = disagreement(entry, other);
            let (kind, said) = if differ.is_empty() {
                (Kind::Unused, "says the same as".to_owned())
            } else {
                let differ = differ.join(" and ");
                (Kind::Contradicting, format!("disagrees on {differ} with"))
            };
            twins.push(Notice {
                kind,
                entry: index,
                other: None,
                reason: format!("the waiver of {} {said} {}", entry.rule, other.origin()),
            });
        }
        // A file of one waiver many times over is compared with the first of them.
        if earlier.len() < 16 {
            earlier.push(index);
        }
    }
    twins
}
