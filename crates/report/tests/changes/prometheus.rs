//! Prometheus' text of what changed.

use std::collections::BTreeSet;

use insta::assert_snapshot;
use kubeassay_core::Severity;
use kubeassay_report::Format;
use kubeassay_report::prometheus::MAX_RULES;

use super::{Comparison, Counts, compare, every_kind, nothing, proof, written};
use crate::common::{failing, fleet, node, one_node, report, shown};
use crate::exposition::{self, Sample};

fn prometheus(changes: &Comparison) -> String {
    written(changes, Format::Prometheus, 80, false)
}

/// Returns how many changes of each kind the document has.
pub(crate) fn counts(document: &str) -> Counts {
    let metrics = exposition::read(document);
    let total = |name: &str| {
        let mut counts = Counts::new();
        for sample in &metrics[name].samples {
            *counts.entry(sample.labels["change"].clone()).or_default() += number(sample);
        }
        counts.retain(|_, count| *count > 0);
        counts
    };
    let counts = total("kubeassay_diff_changes");
    assert_eq!(counts, total("kubeassay_diff_rule_changes"));
    counts
}

fn number(sample: &Sample) -> usize {
    sample.value.parse().unwrap()
}

#[test]
fn document_as_it_is_written() {
    assert_snapshot!("changes_prometheus", prometheus(&every_kind()));
    assert_snapshot!("changes_prometheus_none", prometheus(&nothing()));
}

#[test]
fn the_first_line_says_what_was_compared() {
    let text = prometheus(&every_kind());
    let head = "# kubeassay: tool kubeassay, version 0.1.0, old old.jsonl, old-source live, ";
    assert!(text.starts_with(head), "{text}");
}

#[test]
fn the_metrics_are_none_of_a_scan() {
    let names = |text: &str| exposition::read(text).into_keys().collect::<BTreeSet<_>>();
    let of_changes = names(&prometheus(&every_kind()));
    for report in [one_node(), fleet()] {
        let of_scan = names(&shown(&report, Format::Prometheus, 80, false));
        assert!(of_changes.is_disjoint(&of_scan));
        assert!(
            of_scan
                .iter()
                .all(|name| !name.starts_with("kubeassay_diff_"))
        );
    }
    assert!(
        of_changes
            .iter()
            .all(|name| name.starts_with("kubeassay_diff_"))
    );
}

#[test]
fn what_an_alert_asks_for_is_always_there() {
    for changes in [every_kind(), nothing()] {
        let metrics = exposition::read(&prometheus(&changes));
        for name in ["kubeassay_diff_changes", "kubeassay_diff_changes_open"] {
            assert_eq!(metrics[name].samples.len(), 7 * Severity::ALL.len());
        }
        for (name, metric) in &metrics {
            assert!(metric.help.ends_with('.'), "{name}: {}", metric.help);
        }
    }
}

#[test]
fn only_what_needs_action_now_is_open() {
    let metrics = exposition::read(&prometheus(&every_kind()));
    for sample in &metrics["kubeassay_diff_changes_open"].samples {
        let kind = sample.labels["change"].as_str();
        let closed = ["no-longer-seen", "waived", "fixed"].contains(&kind);
        assert!(!closed || number(sample) == 0, "{sample:?}");
    }
    let open = metrics["kubeassay_diff_changes_open"].samples.iter();
    let all = every_kind().changes.len();
    assert_eq!(open.map(number).sum::<usize>(), all - 3);
}

#[test]
fn rules_beyond_those_that_have_room_are_counted() {
    let findings = (0..MAX_RULES + 3).map(|number| {
        let mut finding = failing("worker-1");
        finding.rule = format!("kubelet-{number}");
        finding.id = format!("finding-{number}");
        finding
    });
    let new = report(vec![node("worker-1")], findings.collect());
    let old = report(vec![node("worker-1")], vec![]);
    let metrics = exposition::read(&prometheus(&compare(&old, &new)));
    assert_eq!(
        metrics["kubeassay_diff_rule_changes"].samples.len(),
        MAX_RULES
    );
    let left_out = &metrics["kubeassay_diff_rule_changes_left_out"].samples[0];
    assert_eq!(number(left_out), 3);
}

#[test]
fn doubts_are_counted_and_told() {
    let old = report(vec![node("worker-1")], vec![]);
    let mut new = old.clone();
    new.rules.digest = "other\nkubeassay_up 1".to_owned();
    let text = prometheus(&compare(&old, &new));
    proof::proof(Format::Prometheus, &text);
    assert!(text.contains("\n# kubeassay: they were judged by different rules"));
    assert!(text.contains("\nkubeassay_diff_doubts 1\n"));
}
