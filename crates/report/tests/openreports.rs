//! Objects of openreports.io: against the definitions of their resources, their bounds, what stands in them.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::expect_used,
    reason = "clippy takes helpers of tests for no tests"
)]

mod common;
#[path = "common/definitions.rs"]
mod definitions;
#[path = "common/objects.rs"]
mod objects;
#[path = "common/schema.rs"]
mod schema;

use std::collections::BTreeSet;

use common::{
    compliant, denied, empty, failing, fleet, manual, node, not_applicable, one_node, passing,
    report, shown, waived,
};
use insta::assert_snapshot;
use kubeassay_core::report::{Cluster, Finding, Report};
use kubeassay_core::{Severity, Verdict};
use kubeassay_report::Format;
use kubeassay_report::openreports::{Dialect, MAX_BYTES, Objects, Scan};
use kubeassay_report::stream::{Closing, Header, Scanning};
use serde_json::Value;

fn of(report: &Report) -> Vec<Value> {
    let objects = objects::read(&shown(report, Format::OpenReports, 80, false));
    objects.iter().for_each(definitions::assert_valid);
    objects
}

fn name(object: &Value) -> &str {
    object["metadata"]["name"].as_str().unwrap()
}

fn texts<'a>(object: &'a Value, key: &str) -> Vec<&'a str> {
    let results = object["results"].as_array().unwrap().iter();
    results.map(|one| one[key].as_str().unwrap()).collect()
}

#[test]
fn document_as_it_is_written() {
    let document = shown(&one_node(), Format::OpenReports, 80, false);
    of(&one_node());
    assert_snapshot!("openreports", document);
}

#[test]
fn the_validator_finds_faults() {
    let good = of(&one_node()).remove(0);
    for (pointer, bad) in [
        ("/results/0/result", Value::from("unknown")),
        ("/results/0/severity", Value::from("none")),
        ("/results/0/timestamp/seconds", Value::from("2026")),
        ("/results/0/properties/verdict", Value::from(1)),
        ("/summary/fail", Value::from("1")),
        ("/summary", serde_json::json!({"failed": 1})),
        ("/results/0", serde_json::json!({"result": "fail"})),
        ("/scope/kind", Value::from(1)),
    ] {
        let mut object = good.clone();
        *object.pointer_mut(pointer).expect(pointer) = bad;
        let refused = std::panic::catch_unwind(|| definitions::assert_valid(&object));
        assert!(refused.is_err(), "{pointer}");
    }
}

/// The same objects for a cluster that has the older definitions alone.
#[test]
fn both_kinds_hold_the_same() {
    for report in [one_node(), fleet(), compliant(), empty()] {
        let mut made = Vec::new();
        let mut objects = Objects::default();
        objects.scan(Scan::of(&header(&report)));
        for node in &report.scanned.nodes {
            made.extend(objects.node(node));
            let mut findings = report.findings.iter();
            while let Some(finding) =
                findings.find(|finding| finding.node.as_ref() == Some(&node.id))
            {
                objects.finding(finding);
            }
        }
        made.extend(objects.end(&closing(&report)));
        for made in made {
            let [new, old] = [Dialect::OpenReports, Dialect::PolicyReport]
                .map(|dialect| serde_json::to_value(made.object(dialect)).unwrap());
            definitions::assert_valid(&new);
            definitions::assert_valid(&old);
            for key in ["metadata", "scope", "summary", "results"] {
                assert_eq!(new[key], old[key], "{key}");
            }
            assert_eq!(new["source"], "kubeassay");
            assert!(old["source"].is_null());
        }
    }
}

fn header(report: &Report) -> Header {
    Header {
        schema: report.schema.clone(),
        tool: report.tool.clone(),
        scanned: Scanning {
            started: report.scanned.started,
            source: report.scanned.source,
            cluster: report.scanned.cluster.clone(),
            joined: Vec::new(),
        },
        rules: report.rules.clone(),
    }
}

fn closing(report: &Report) -> Closing {
    Closing {
        finished: report.scanned.finished,
        coverage: report.scanned.coverage,
        problems: report.problems.clone(),
        summary: report.summary,
        gate: report.gate.clone(),
        complete: report.complete,
    }
}

#[test]
fn verdicts_are_called_what_they_are() {
    let with = |finding: Finding| {
        let object = of(&report(vec![node("worker-1")], vec![finding])).remove(0);
        let result = &object["results"][0];
        (
            result["result"].as_str().unwrap().to_owned(),
            result["scored"].as_bool().unwrap(),
            result["message"].as_str().unwrap().to_owned(),
        )
    };
    let name = "worker-1";
    let unknown_waived = Finding {
        verdict: Verdict::Unknown,
        ..waived(name)
    };
    for (finding, result, scored, said) in [
        (passing(name), "pass", true, ""),
        (failing(name), "fail", true, ""),
        (denied(name), "error", true, "Not decided: "),
        (manual(name), "warn", false, "For a person to decide: "),
        (not_applicable(name), "skip", false, "Does not apply: "),
        (waived(name), "skip", false, "fail, waived by "),
        (unknown_waived, "skip", false, "unknown, waived by "),
    ] {
        let found = with(finding);
        assert_eq!((found.0.as_str(), found.1), (result, scored));
        assert!(found.2.starts_with(said), "{}", found.2);
    }
}

#[test]
fn the_first_line_and_every_object_say_what_was_scanned() {
    let document = shown(&fleet(), Format::OpenReports, 80, false);
    let first = document.lines().next().unwrap();
    assert!(
        first.contains("source facts") && first.contains("started 2026-"),
        "{first}"
    );
    for object in of(&fleet()) {
        let said = &object["metadata"]["annotations"];
        assert_eq!(said["kubeassay/source"], "facts");
        assert_eq!(said["kubeassay/scanned-at"], "2026-11-02T10:00:00Z");
    }
}

#[test]
fn a_node_that_was_not_looked_at_does_not_look_well() {
    let objects = of(&fleet());
    let names: Vec<&str> = objects.iter().map(name).collect();
    assert_eq!(
        names,
        [
            "kubeassay-node-worker-1",
            "kubeassay-node-worker-2",
            "kubeassay-node-worker-9",
            "kubeassay-node-worker-10"
        ]
    );
    let lost = &objects[2];
    assert_eq!(lost["results"][0]["result"], "error");
    assert_eq!(lost["results"][0]["rule"], "node-status");
    assert_eq!(
        lost["metadata"]["annotations"]["kubeassay/node-status"],
        "not reached"
    );
    assert_eq!(lost["summary"]["error"], 0);
    assert_eq!(objects[1]["results"][0]["rule"], "node-status");
    assert_eq!(texts(&objects[3], "result"), ["pass"]);
    // Nor a scan that found nothing to judge.
    let nothing = of(&empty());
    assert_eq!(nothing.len(), 1);
    assert_eq!(texts(&nothing[0], "result"), ["error"]);
}

#[test]
fn what_lives_in_workloads_is_there_where_it_counts() {
    let objects = of(&fleet());
    assert_eq!(
        objects[0]["metadata"]["annotations"]["kubeassay/in-workloads"],
        "1"
    );
    assert!(
        objects
            .iter()
            .all(|object| !object.to_string().contains("inWorkload"))
    );
    let mut all = fleet();
    all.summary.fail += 1;
    let objects = of(&all);
    assert_eq!(name(&objects[4]), "kubeassay-workloads-worker-1");
    assert_eq!(objects[4]["results"][0]["properties"]["inWorkload"], "true");
}

#[test]
fn what_belongs_to_no_node_goes_by_what_was_scanned() {
    let no_node = || Finding {
        node: None,
        ..failing("worker-1")
    };
    let server = || Cluster {
        uid: Some("u".to_owned()),
        server: "https://10.0.0.1:6443".to_owned(),
        version: None,
    };
    for (nodes, cluster, wanted) in [
        (vec!["a"], None, "kubeassay-scan-a"),
        (vec!["a", "b"], None, "kubeassay-scan"),
        (vec![], None, "kubeassay-scan"),
        (vec!["a"], Some(server()), "kubeassay-cluster"),
        (vec!["a", "b"], Some(server()), "kubeassay-cluster"),
    ] {
        let nodes = nodes.into_iter().map(node).collect();
        let mut report = report(nodes, vec![no_node()]);
        report.scanned.cluster = cluster;
        let objects = of(&report);
        assert_eq!(name(objects.last().unwrap()), wanted);
        assert!(!objects.last().unwrap()["metadata"]["annotations"]["kubeassay/gate"].is_null());
    }
    let mut of_object = report(vec![], vec![no_node()]);
    of_object.findings[0].subject.object = Some("ConfigMap kube-system/kubelet-config".to_owned());
    let resource = &of(&of_object)[0]["results"][0]["resources"][0];
    assert_eq!(
        (&resource["kind"], &resource["namespace"], &resource["name"]),
        (
            &"ConfigMap".into(),
            &"kube-system".into(),
            &"kubelet-config".into()
        )
    );
}

#[test]
fn names_are_names_and_none_is_there_twice() {
    let long = "n".repeat(300);
    let nodes = [
        "worker-1", "worker-1", "Worker-1", "a b/../c", "", "-", "\u{202e}", "host-x", "x", &long,
    ];
    let mut report = report(nodes.iter().map(|name| node(name)).collect(), vec![]);
    for (index, node) in report.scanned.nodes.iter_mut().enumerate() {
        node.id = format!("id-{index}");
    }
    let objects = of(&report);
    let names: BTreeSet<&str> = objects.iter().map(name).collect();
    assert_eq!(names.len(), nodes.len());
    assert!(names.contains("kubeassay-node-worker-1"));
    assert!(names.iter().all(|name| name.len() <= 253));
    // The same in the next scan.
    assert_eq!(names, of(&report).iter().map(name).collect());
}

/// Findings of one node, far beyond what an object holds.
fn many(count: usize) -> Report {
    let severities = [Severity::Low, Severity::Critical, Severity::Medium];
    let findings = (0..count).map(|number| {
        let text = "\u{e9}\"\\ <x> ".repeat(20 + number % 90);
        let base = match number % 4 {
            0 => passing("worker-1"),
            1 => denied("worker-1"),
            2 => manual("worker-1"),
            _ => failing("worker-1"),
        };
        Finding {
            id: format!("{number:032x}"),
            rule: format!("rule-{number}"),
            reason: text.clone(),
            expected: text.clone(),
            remediation: text,
            severity: severities[number % 3],
            ..base
        }
    });
    report(vec![node("worker-1")], findings.collect())
}

#[test]
fn an_object_is_cut_after_what_matters_most_and_says_so() {
    let report = many(4_000);
    let object = of(&report).remove(0);
    let size = serde_json::to_vec(&object).unwrap().len();
    assert!((MAX_BYTES / 4 * 3..=MAX_BYTES).contains(&size), "{size}");
    assert_eq!(object["summary"]["fail"], 1_000);
    assert_eq!(object["summary"]["error"], 1_000);
    let results = object["results"].as_array().unwrap();
    let (last, kept) = results.split_last().unwrap();
    assert!(
        kept.iter().all(|one| one["severity"] == "critical"),
        "{}",
        kept.len()
    );
    // Fails come before what is unknown.
    let words = texts(&object, "result");
    assert!(words[..kept.len()].is_sorted_by_key(|word| *word == "error"));
    assert_eq!(last["result"], "error");
    assert_eq!(last["rule"], "left-out");
    let said = last["message"].as_str().unwrap();
    let wanted = format!("{} of 4000 findings are counted", 4_000 - kept.len());
    assert!(
        said.starts_with(&wanted) && said.contains("-o json"),
        "{said}"
    );
    assert_eq!(
        object["metadata"]["annotations"]["kubeassay/left-out"],
        said
    );
    // Whatever order they come in.
    let mut other = report.clone();
    other.findings.reverse();
    assert_eq!(of(&other).remove(0), object);
}

#[test]
fn what_is_left_out_of_passes_needs_no_action() {
    let mut report = many(2_000);
    for finding in &mut report.findings {
        finding.verdict = Verdict::Pass;
        finding.cause = None;
    }
    report.summary = kubeassay_core::report::Summary {
        pass: 2_000,
        ..Default::default()
    };
    let object = of(&report).remove(0);
    let last = object["results"]
        .as_array()
        .unwrap()
        .last()
        .unwrap()
        .clone();
    assert_eq!(
        (&last["rule"], &last["result"]),
        (&"left-out".into(), &"skip".into())
    );
}
