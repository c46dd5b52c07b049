//! OCSF: every line against the schema of its class, and what it says of what a report knows.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "clippy takes helpers of tests for no tests"
)]

mod common;
#[path = "common/poison.rs"]
mod poison;
#[path = "common/schema.rs"]
mod schema;

use common::{compliant, empty, failing, fleet, node, one_node, report, shown};
use insta::assert_snapshot;
use kubeassay_core::report::{BaselineState, Control, Finding, Report};
use kubeassay_core::{Severity, Verdict};
use kubeassay_report::{Format, ocsf};
use poison::poisoned_report;
use serde_json::{Value, json};

const SCHEMA: &str = include_str!("schemas/ocsf-1.8.0-compliance-finding.json");

fn events(report: &Report) -> Vec<Value> {
    let text = shown(report, Format::Ocsf, 80, false);
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The event of a report's only finding.
fn of(finding: Finding) -> Value {
    let events = events(&report(vec![node("worker-1")], vec![finding]));
    assert_eq!(events.len(), 2);
    events[0].clone()
}

#[test]
fn lines_as_they_are_written() {
    let events = events(&one_node());
    assert_snapshot!("ocsf", serde_json::to_string_pretty(&events).unwrap());
}

#[test]
fn every_line_is_what_the_schema_asks_for() {
    for report in [
        one_node(),
        fleet(),
        compliant(),
        empty(),
        poisoned_report(" </x>\n"),
    ] {
        for event in events(&report) {
            schema::assert_valid(SCHEMA, &event);
            assert_eq!(event["metadata"]["version"], ocsf::VERSION);
            let class = event["class_uid"].as_u64().unwrap();
            let activity = event["activity_id"].as_u64().unwrap();
            assert_eq!(event["type_uid"], class * 100 + activity);
        }
    }
}

#[test]
#[should_panic(expected = "not in the schema")]
fn the_schema_knows_what_it_does_not_know() {
    let mut event = of(failing("worker-1"));
    event["compliance"]["verdict"] = json!("fail");
    schema::assert_valid(SCHEMA, &event);
}

#[test]
fn the_first_thing_in_a_line_is_what_was_scanned() {
    let text = shown(&fleet(), Format::Ocsf, 80, false);
    for line in text.lines() {
        assert!(line.starts_with(r#"{"metadata":{"source":"facts","product":{"#));
    }
}

#[test]
fn nothing_but_a_pass_is_a_pass() {
    for (verdict, id, word) in [
        (Verdict::Pass, 1, "Pass"),
        (Verdict::Fail, 3, "Fail"),
        (Verdict::Unknown, 0, "Unknown"),
        (Verdict::Manual, 99, "Manual"),
        (Verdict::NotApplicable, 99, "Not Applicable"),
    ] {
        let event = of(Finding {
            verdict,
            ..failing("worker-1")
        });
        for status in [&event["compliance"], &event["compliance"]["checks"][0]] {
            assert_eq!(status["status_id"], id, "{verdict}");
            assert_eq!(status["status"], word, "{verdict}");
        }
        assert_eq!(event["unmapped"]["verdict"], verdict.as_str());
    }
}

#[test]
fn what_is_waived_is_suppressed_and_keeps_its_verdict() {
    let events = events(&one_node());
    let waived = events.iter().find(|event| event["status_id"] == 3).unwrap();
    assert_eq!(waived["status"], "Suppressed");
    assert_eq!(waived["compliance"]["status"], "Fail");
    let detail = waived["status_detail"].as_str().unwrap();
    assert!(detail.starts_with("waived by "), "{detail}");
}

#[test]
fn severities_are_those_of_the_schema_and_a_pass_is_information() {
    for (severity, id, word) in [
        (Severity::Critical, 5, "Critical"),
        (Severity::High, 4, "High"),
        (Severity::Medium, 3, "Medium"),
        (Severity::Low, 2, "Low"),
    ] {
        let event = of(Finding {
            severity,
            ..failing("worker-1")
        });
        assert_eq!(
            (&event["severity_id"], &event["severity"]),
            (&json!(id), &json!(word))
        );
        let event = of(Finding {
            severity,
            verdict: Verdict::Pass,
            ..failing("worker-1")
        });
        assert_eq!(event["severity_id"], 1);
        assert_eq!(event["compliance"]["checks"][0]["severity_id"], id);
    }
}

#[test]
fn numbers_of_rules_are_requirements_and_techniques_attacks() {
    let control = |framework: &str, control: &str| Control {
        framework: framework.to_owned(),
        version: None,
        control: control.to_owned(),
    };
    let event = of(Finding {
        controls: vec![
            control("cis-kubernetes", "4.2.2"),
            control("nist-800-53", "AC-3"),
            control("nist-800-53", "CM-6(1)"),
            control("disa-stig", "V-242392"),
            control("attack", "T1078"),
        ],
        ..failing("worker-1")
    });
    let compliance = &event["compliance"];
    assert_eq!(compliance["control"], "4.2.2");
    assert_eq!(
        compliance["standards"],
        json!(["cis-kubernetes", "nist-800-53", "disa-stig"])
    );
    assert_eq!(
        compliance["requirements"],
        json!([
            "cis-kubernetes:4.2.2",
            "nist-800-53:AC-3",
            "nist-800-53:CM-6(1)",
            "disa-stig:V-242392"
        ])
    );
    assert_eq!(
        event["finding_info"]["attacks"],
        json!([{"technique": {"uid": "T1078", "name": "T1078"}}])
    );
    assert_eq!(
        event["finding_info"]["uid"],
        "worker-1-kubelet-authorization-mode"
    );
    let file = &event["evidences"][0]["file"];
    assert_eq!(file["name"], "config.yaml");
    assert_eq!(event["evidences"][0]["data"]["line"], 10);
}

#[test]
fn with_a_baseline_what_is_known_is_an_update() {
    for (state, activity) in [
        (BaselineState::New, 1),
        (BaselineState::Unchanged, 2),
        (BaselineState::Updated, 2),
    ] {
        let event = of(Finding {
            baseline_state: Some(state),
            ..failing("worker-1")
        });
        assert_eq!(event["activity_id"], activity);
        schema::assert_valid(SCHEMA, &event);
    }
}

#[test]
fn nodes_that_were_not_scanned_and_the_scan_itself_are_told() {
    let events = events(&fleet());
    let told: Vec<(&str, &str)> = events
        .iter()
        .filter(|event| event["finding_info"]["types"] != json!(["finding"]))
        .map(|event| {
            let status = event["compliance"]["status"].as_str().unwrap();
            (status, event["message"].as_str().unwrap())
        })
        .collect();
    assert_eq!(
        told,
        [
            ("Not Scanned", "worker-2: scanned in part"),
            ("Not Scanned", "worker-9: not reached"),
            (
                "Scan",
                "2 of 4 nodes scanned whole; 2 fail, 2 unknown, 0 manual, 2 pass, 0 not applicable, 0 waived; exit code 1: 2 failing"
            ),
        ]
    );
    let scan = &events.last().unwrap()["unmapped"];
    assert_eq!(scan["complete"], false);
    assert_eq!(scan["in_workloads_not_counted"], 1);
}
