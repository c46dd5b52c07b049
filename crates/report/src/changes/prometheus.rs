//! What changed, as numbers for the textfile folder of the node exporter.
//!
//! The metrics are other ones than a scan's, since both may lie in one folder, where the exporter takes no metric from two
//! files. Whatever is counted is there also where it is 0. What goes where: docs/formats.md.

use std::collections::BTreeMap;
use std::io::Write;

use kubeassay_core::changes::{ChangeKind, Compared};
use kubeassay_core::{Severity, text};

use super::{Comparison, Outline, by_kind, counts, line};
use crate::prometheus::{Page, RuleKey, Rules, label, seconds};
use crate::{RenderError, heading};

type Counts = BTreeMap<(ChangeKind, Severity), usize>;

pub(super) fn write(comparison: &Comparison, out: &mut dyn Write) -> Result<(), RenderError> {
    let mut page = Page::default();
    page.comment(&line(comparison));
    page.comment(&counts(comparison));
    for doubt in &comparison.doubts {
        page.comment(&text::escape(doubt));
    }
    compared(&mut page, comparison);
    changes(&mut page, comparison);
    rules(&mut page, comparison)?;
    page.write(out)
}

fn compared(page: &mut Page, comparison: &Comparison) {
    let Comparison { tool, old, new, .. } = comparison;
    let told = |side: &Compared| {
        let cluster = side.cluster.as_ref();
        let uid = cluster.and_then(|cluster| cluster.uid.as_deref());
        [
            label(&side.file),
            heading::source(side.source).to_owned(),
            label(&side.rules),
            label(cluster.map_or("", |cluster| &cluster.server)),
            label(uid.unwrap_or_default()),
        ]
    };
    let names = [
        [
            "old",
            "old_source",
            "old_rules_digest",
            "old_cluster",
            "old_cluster_uid",
        ],
        [
            "new",
            "new_source",
            "new_rules_digest",
            "new_cluster",
            "new_cluster_uid",
        ],
    ];
    let values = [told(old), told(new)];
    let version = label(&tool.version);
    let mut labels = vec![("version", version.as_str())];
    for (names, values) in names.iter().zip(&values) {
        labels.extend(names.iter().copied().zip(values.iter().map(String::as_str)));
    }
    page.metric(
        "kubeassay_diff_info",
        "What the last comparison compared, and with which version.",
    );
    page.sample(&labels, "1");
    for (word, side) in [("old", old), ("new", new)] {
        page.metric(
            &format!("kubeassay_diff_{word}_start_timestamp_seconds"),
            &format!("When the scan of the {word} side began."),
        );
        page.sample(&[], &seconds(side.started));
    }
    for (word, said, number) in [
        (
            "unchanged",
            "Findings that are as they were.",
            comparison.summary.unchanged,
        ),
        (
            "nodes_came",
            "Nodes that only the new side has.",
            comparison.nodes_came.len(),
        ),
        (
            "nodes_went",
            "Nodes that only the old side has.",
            comparison.nodes_went.len(),
        ),
        (
            "doubts",
            "What makes the comparison say less than it seems to; the comments at the head of the file say what it is.",
            comparison.doubts.len(),
        ),
    ] {
        page.metric(&format!("kubeassay_diff_{word}"), said);
        page.sample(&[], &number.to_string());
    }
}

fn changes(page: &mut Page, comparison: &Comparison) {
    let count = |counts_too: fn(&Outline) -> bool| {
        let mut counts = Counts::new();
        let outlines = comparison.changes.outlines().iter();
        for outline in outlines.filter(|outline| counts_too(outline)) {
            *counts.entry((outline.kind, outline.severity)).or_default() += 1;
        }
        counts
    };
    for (name, help, counts) in [
        (
            "kubeassay_diff_changes",
            "Findings that changed, by the kind of change and severity.",
            count(|_| true),
        ),
        (
            "kubeassay_diff_changes_open",
            "Those of them that need action now: they fail, are unknown or for a person to decide, and no waiver accepts them.",
            count(Outline::is_open),
        ),
    ] {
        page.metric(name, help);
        for (kind, _, _) in by_kind(&comparison.summary) {
            for severity in Severity::ALL {
                let number = counts.get(&(kind, *severity)).copied().unwrap_or_default();
                page.sample(
                    &[("change", kind.as_str()), ("severity", severity.as_str())],
                    &number.to_string(),
                );
            }
        }
    }
}

fn rules(page: &mut Page, comparison: &Comparison) -> Result<(), RenderError> {
    let mut rules = Rules::default();
    for change in comparison.changes.iter() {
        let change = change?;
        rules.add(
            RuleKey::of(&change.finding),
            &BTreeMap::from([(change.kind, 1)]),
        );
    }
    page.metric(
        "kubeassay_diff_rule_changes",
        "Findings of a rule that changed, on all nodes together; its first number is the label control.",
    );
    for (key, of_rule) in &rules.few {
        for (kind, number) in of_rule {
            page.sample(
                &[
                    ("rule", &key.rule),
                    ("control", &key.control),
                    ("severity", key.severity.as_str()),
                    ("change", kind.as_str()),
                ],
                &number.to_string(),
            );
        }
    }
    page.metric(
        "kubeassay_diff_rule_changes_left_out",
        "Changes of rules beyond those that have series of their own.",
    );
    page.sample(&[], &rules.left_out.to_string());
    Ok(())
}
