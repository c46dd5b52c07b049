//! Prometheus' text: against its documentation, and how many series there are.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "clippy takes helpers of tests for no tests"
)]

mod common;
#[path = "common/exposition.rs"]
mod exposition;

use std::collections::BTreeMap;

use common::{compliant, empty, failing, fleet, node, one_node, passing, report, shown};
use exposition::{Metric, Sample};
use insta::assert_snapshot;
use kubeassay_core::report::{Finding, Report};
use kubeassay_report::Format;
use kubeassay_report::prometheus::{MAX_NODES, MAX_RULES};

fn metrics(report: &Report) -> BTreeMap<String, Metric> {
    exposition::read(&shown(report, Format::Prometheus, 80, false))
}

fn samples<'a>(metric: &'a Metric, labels: &[(&str, &str)]) -> Vec<&'a Sample> {
    let samples = metric.samples.iter();
    let has = |sample: &&Sample| {
        let mut labels = labels.iter();
        labels.all(|(name, value)| sample.labels[*name] == *value)
    };
    samples.filter(has).collect()
}

/// Returns the value of the only sample with these labels.
fn value(metrics: &BTreeMap<String, Metric>, name: &str, labels: &[(&str, &str)]) -> String {
    let found = samples(&metrics[name], labels);
    assert_eq!(found.len(), 1, "{name}: {found:?}");
    found[0].value.clone()
}

#[test]
fn document_as_it_is_written() {
    assert_snapshot!(
        "prometheus",
        shown(&one_node(), Format::Prometheus, 80, false)
    );
}

#[test]
fn the_first_line_says_what_was_scanned() {
    let text = shown(&fleet(), Format::Prometheus, 80, false);
    let first = text.lines().next().unwrap();
    assert!(first.starts_with("# kubeassay: tool kubeassay, version 0.1.0, source facts"));
}

#[test]
fn what_an_alert_asks_for_is_always_there() {
    for report in [one_node(), fleet(), compliant(), empty()] {
        let metrics = metrics(&report);
        for (name, metric) in &metrics {
            assert!(name.starts_with("kubeassay_"), "{name}");
            assert_eq!(metric.kind, "gauge", "{name}");
            assert!(metric.help.ends_with('.'), "{name}: {}", metric.help);
            assert!(metric.samples.iter().all(|sample| sample.time.is_none()));
        }
        assert_eq!(metrics["kubeassay_findings"].samples.len(), 5 * 4 * 2);
        assert_eq!(metrics["kubeassay_nodes"].samples.len(), 4);
        let exit_code = value(&metrics, "kubeassay_gate_exit_code", &[]);
        assert_eq!(exit_code, report.gate.exit_code.to_string());
        let complete = value(&metrics, "kubeassay_scan_complete", &[]);
        assert_eq!(complete, if report.complete { "1" } else { "0" });
    }
    let of_one = metrics(&one_node());
    assert_eq!(
        value(&of_one, "kubeassay_scan_end_timestamp_seconds", &[]),
        "1793613601.500"
    );
    assert_eq!(
        value(&of_one, "kubeassay_scan_start_timestamp_seconds", &[]),
        "1793613600"
    );
    let status = |status| value(&metrics(&fleet()), "kubeassay_nodes", &[("status", status)]);
    assert_eq!(
        ["scanned", "partial", "unreachable"].map(status),
        ["2", "1", "1"]
    );
    // A rule that passes and a node that was not reached have the zeros with which an alert ends.
    let compliant = metrics(&compliant());
    let rule = [
        ("rule", "kubelet-read-only-port"),
        ("control", "4.2.4"),
        ("verdict", "fail"),
        ("waived", "false"),
    ];
    assert_eq!(value(&compliant, "kubeassay_rule_findings", &rule), "0");
    let node = [
        ("node", "worker-9"),
        ("verdict", "unknown"),
        ("waived", "false"),
    ];
    assert_eq!(
        value(&metrics(&fleet()), "kubeassay_node_findings", &node),
        "0"
    );
}

#[test]
fn what_is_waived_keeps_its_verdict_and_counts_apart() {
    let metrics = metrics(&one_node());
    let labels = |waived| {
        [
            ("verdict", "fail"),
            ("severity", "high"),
            ("waived", waived),
        ]
    };
    assert_eq!(value(&metrics, "kubeassay_findings", &labels("false")), "1");
    assert_eq!(value(&metrics, "kubeassay_findings", &labels("true")), "1");
}

#[test]
fn components_in_workloads_count_where_they_do() {
    let mut report = fleet();
    let failing = |report: &Report| {
        let labels = [
            ("node", "worker-1"),
            ("verdict", "fail"),
            ("waived", "false"),
        ];
        value(&metrics(report), "kubeassay_node_findings", &labels)
    };
    assert_eq!(failing(&report), "1");
    report.summary.fail += 1;
    assert_eq!(failing(&report), "2");
}

#[test]
fn series_are_bounded_whatever_was_scanned() {
    let rule = |number: usize| Finding {
        rule: format!("acme-{number:05}"),
        ..failing("worker-1")
    };
    let numbers = (0..MAX_RULES + 20).rev();
    let mut findings: Vec<Finding> = numbers.map(rule).collect();
    findings.push(rule(MAX_RULES + 19));
    let metrics_of_rules = metrics(&report(vec![node("worker-1")], findings));
    let of_rules = &metrics_of_rules["kubeassay_rule_findings"];
    let failing = samples(of_rules, &[("verdict", "fail")]);
    assert_eq!(failing.len(), MAX_RULES);
    // Those that come first by their names, each whole, in whatever order they came.
    let first = [("rule", "acme-00000"), ("verdict", "fail")];
    assert_eq!(samples(of_rules, &first)[0].value, "1");
    assert_eq!(
        value(&metrics_of_rules, "kubeassay_rule_findings_left_out", &[]),
        "21"
    );

    for (count, wanted, left_out) in [(MAX_NODES, MAX_NODES, "0"), (MAX_NODES + 1, 0, "1")] {
        let names: Vec<String> = (0..count).map(|number| format!("n{number}")).collect();
        let nodes = names.iter().map(|name| node(name)).collect();
        let findings = names.iter().map(|name| passing(name)).collect();
        let metrics = metrics(&report(nodes, findings));
        let of_nodes = samples(&metrics["kubeassay_node_findings"], &[("verdict", "fail")]);
        assert_eq!(of_nodes.len(), wanted);
        assert_eq!(
            value(&metrics, "kubeassay_node_findings_left_out", &[]),
            left_out
        );
        let all: usize = metrics.values().map(|metric| metric.samples.len()).sum();
        assert!(all < 1_000, "{all}");
    }
}

#[test]
fn nodes_of_one_name_share_their_series() {
    let mut twice = report(
        vec![node("worker-1"), node("worker-2")],
        vec![failing("worker-1"), failing("worker-2")],
    );
    for node in &mut twice.scanned.nodes {
        "same".clone_into(&mut node.name);
    }
    let labels = [("node", "same"), ("verdict", "fail"), ("waived", "false")];
    assert_eq!(
        value(&metrics(&twice), "kubeassay_node_findings", &labels),
        "2"
    );
}
