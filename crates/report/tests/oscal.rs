//! OSCAL: against NIST's schema, its references, and what it says of what a report knows.

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

use std::collections::BTreeSet;

use common::{compliant, empty, failing, fleet, node, one_node, passing, report, shown};
use insta::assert_snapshot;
use kubeassay_core::report::{Control, Finding, Report, Waiver};
use kubeassay_core::{Severity, Verdict};
use kubeassay_report::Format;
use poison::poisoned_report;
use serde_json::{Value, json};

const SCHEMA: &str = include_str!("schemas/oscal-1.1.3-assessment-results.json");

fn text(report: &Report) -> String {
    shown(report, Format::Oscal, 80, false)
}

fn document(report: &Report) -> Value {
    let document: Value = serde_json::from_str(&text(report)).unwrap();
    document["assessment-results"].clone()
}

fn results(report: &Report) -> Vec<Value> {
    document(report)["results"].as_array().unwrap().clone()
}

fn items(result: &Value, name: &str) -> Vec<Value> {
    result[name].as_array().cloned().unwrap_or_default()
}

fn prop<'a>(of: &'a Value, name: &str) -> Option<&'a str> {
    let mut props = of["props"].as_array().unwrap().iter();
    let prop = props.find(|prop| prop["name"] == name)?;
    prop["value"].as_str()
}

#[test]
fn document_as_it_is_written() {
    assert_snapshot!("oscal", text(&one_node()));
}

#[test]
fn it_is_what_the_schema_of_nist_asks_for() {
    for report in [
        one_node(),
        fleet(),
        compliant(),
        empty(),
        poisoned_report(" </x>\n"),
    ] {
        schema::assert_valid(SCHEMA, &serde_json::from_str(&text(&report)).unwrap());
    }
    let good = text(&one_node());
    for (from, to) in [
        ("\"not-satisfied\"", "\"unknown\""),
        ("\"oscal-version\"", "\"oscal-versions\""),
        (
            "\"start\":\"2026-11-02T10:00:00Z\"",
            "\"start\":\"2026-11-02T10:00:00\"",
        ),
        ("\"name\":\"verdict\"", "\"name\":\"the verdict\""),
        ("\"value\":\"high\"", "\"value\":\" high\""),
    ] {
        assert!(good.contains(from), "{from}");
        let bad: Value = serde_json::from_str(&good.replace(from, to)).unwrap();
        let judged = std::panic::catch_unwind(|| schema::assert_valid(SCHEMA, &bad));
        assert!(judged.is_err(), "{to}");
    }
}

#[test]
fn the_first_thing_is_what_was_scanned() {
    let text = text(&fleet());
    let first = text.lines().next().unwrap();
    assert!(
        first.starts_with("{\"assessment-results\":{\"import-ap\":"),
        "{first}"
    );
    assert!(first.contains("source facts,"), "{first}");
}

#[test]
fn whatever_is_referred_to_is_there_once() {
    let large = {
        let mut of_cluster: Vec<Finding> = (0..4_500)
            .map(|number| Finding {
                id: format!("c{number}"),
                node: None,
                ..failing("cluster")
            })
            .collect();
        of_cluster.push(passing("worker-1"));
        report(vec![node("worker-1")], of_cluster)
    };
    for mut report in [one_node(), fleet(), compliant(), empty(), large] {
        for (number, finding) in report.findings.iter_mut().enumerate() {
            finding.id = number.to_string();
        }
        let document = document(&report);
        let mut uuids = BTreeSet::new();
        let mut note = |uuid: &Value| {
            let uuid = uuid.as_str().unwrap().to_owned();
            assert!(uuids.insert(uuid.clone()), "{uuid} is there twice");
        };
        note(&document["uuid"]);
        let resource = &document["back-matter"]["resources"][0]["uuid"];
        note(resource);
        let href = format!("#{}", resource.as_str().unwrap());
        assert_eq!(document["import-ap"]["href"], href);
        let objectives = items(&document["local-definitions"], "objectives-and-methods");
        let objectives: Vec<&Value> = objectives
            .iter()
            .map(|objective| &objective["parts"][0]["id"])
            .collect();
        let (mut tools, mut known) = (Vec::new(), Vec::new());
        for result in document["results"].as_array().unwrap() {
            note(&result["uuid"]);
            let definitions = &result["local-definitions"];
            // What is defined stands in the first result that refers to it.
            let assets = &definitions["assessment-assets"];
            for name in ["components", "assessment-platforms"] {
                for asset in items(assets, name) {
                    note(&asset["uuid"]);
                    tools.push(asset["uuid"].clone());
                }
            }
            for item in items(definitions, "inventory-items") {
                note(&item["uuid"]);
                known.push(item["uuid"].clone());
            }
            let reviewed: Vec<Value> = items(&result["reviewed-controls"], "control-selections")
                .iter()
                .flat_map(|selection| items(selection, "include-controls"))
                .collect();
            let observations = items(result, "observations");
            let risks = items(result, "risks");
            for item in observations.iter().chain(&risks) {
                note(&item["uuid"]);
            }
            for observation in &observations {
                assert!(tools.contains(&observation["origins"][0]["actors"][0]["actor-uuid"]));
                for subject in items(observation, "subjects") {
                    assert!(known.contains(&subject["subject-uuid"]));
                }
            }
            let findings = items(result, "findings");
            assert!(findings.is_empty() || !reviewed.is_empty());
            assert!(findings.len() <= 2_000);
            let uuids_of = |items: &[Value]| -> BTreeSet<String> {
                let uuids = items.iter().map(|item| item["uuid"].as_str().unwrap());
                uuids.map(str::to_owned).collect()
            };
            let (observed, accepted) = (uuids_of(&observations), uuids_of(&risks));
            for finding in findings {
                note(&finding["uuid"]);
                assert!(objectives.contains(&&finding["target"]["target-id"]));
                let observation = &finding["related-observations"][0]["observation-uuid"];
                assert!(observed.contains(observation.as_str().unwrap()));
                for risk in items(&finding, "related-risks") {
                    assert!(accepted.contains(risk["risk-uuid"].as_str().unwrap()));
                }
            }
        }
    }
}

#[test]
fn only_a_pass_is_satisfied() {
    for (verdict, wanted) in [
        (Verdict::Pass, Some(("satisfied", "pass"))),
        (Verdict::Fail, Some(("not-satisfied", "fail"))),
        (Verdict::Unknown, Some(("not-satisfied", "other"))),
        (Verdict::Manual, Some(("not-satisfied", "other"))),
        (Verdict::NotApplicable, None),
    ] {
        for waived in [false, true] {
            let finding = Finding {
                verdict,
                waiver: waived.then(|| Waiver {
                    reason: "the old agent needs it".to_owned(),
                    owner: "platform".to_owned(),
                    ticket: None,
                    created: None,
                    expires: Some("2027-06-30".to_owned()),
                    origin: None,
                }),
                ..failing("worker-1")
            };
            let results = results(&report(vec![node("worker-1")], vec![finding]));
            let findings = items(&results[0], "findings");
            let status = findings.first().map(|finding| &finding["target"]["status"]);
            let status = status.map(|status| {
                let text = |name: &str| status[name].as_str().unwrap();
                (text("state"), text("reason"))
            });
            assert_eq!(status, wanted, "{verdict}, waived: {waived}");
            let observation = &items(&results[0], "observations")[0];
            assert_eq!(prop(observation, "verdict"), Some(verdict.as_str()));
            assert_eq!(prop(observation, "waived"), waived.then_some("true"));
            let risks = items(&results[0], "risks");
            assert_eq!(risks.len(), usize::from(waived));
            for risk in risks {
                assert_eq!(risk["status"], "deviation-approved");
                assert_eq!(risk["deadline"], "2027-06-30T23:59:59Z");
            }
        }
    }
}

#[test]
fn evidence_has_the_file_and_the_line() {
    let results = results(&report(vec![node("worker-1")], vec![failing("worker-1")]));
    let evidence = &items(&results[0], "observations")[0]["relevant-evidence"][0];
    assert_eq!(prop(evidence, "file"), Some("/var/lib/kubelet/config.yaml"));
    assert_eq!(prop(evidence, "line"), Some("10"));
    assert_eq!(prop(evidence, "witness"), Some("disk"));
    let description = evidence["description"].as_str().unwrap();
    assert!(
        description.contains("authorization.mode = AlwaysAllow` from `/var"),
        "{description}"
    );
    let remarks = evidence["remarks"].as_str().unwrap();
    assert!(remarks.contains("overrode Webhook"), "{remarks}");
}

#[test]
fn reviewed_controls_have_the_ids_of_their_catalogs() {
    let control = |framework: &str, control: &str| Control {
        framework: framework.to_owned(),
        version: None,
        control: control.to_owned(),
    };
    let finding = Finding {
        controls: vec![
            control("cis-kubernetes", "4.2.2"),
            control("nist-800-53", "CM-6(1)"),
            control("nist-800-53", "CM-7b"),
            control("disa-stig", "V-242392"),
            control("attack", "T1078"),
        ],
        severity: Severity::Critical,
        ..failing("worker-1")
    };
    let document = document(&report(vec![node("worker-1")], vec![finding]));
    assert_eq!(
        document["results"][0]["reviewed-controls"]["control-selections"],
        json!([
            {"description": "cis-kubernetes", "include-controls": [{"control-id": "cis-kubernetes-4.2.2"}]},
            {"description": "disa-stig", "include-controls": [{"control-id": "V-242392"}]},
            {"description": "nist-800-53", "include-controls": [
                {"control-id": "cm-6.1"},
                {"control-id": "cm-7", "statement-ids": ["cm-7_smt.b"]},
            ]},
        ])
    );
    let objective = &document["local-definitions"]["objectives-and-methods"][0];
    assert_eq!(objective["control-id"], "cis-kubernetes-4.2.2");
    assert_eq!(prop(objective, "severity"), Some("critical"));
}

#[test]
fn nodes_that_were_not_reached_and_the_scan_have_results() {
    let results = results(&fleet());
    let titles: Vec<&str> = results
        .iter()
        .map(|result| result["title"].as_str().unwrap())
        .collect();
    assert_eq!(
        titles,
        [
            "node worker-1",
            "node worker-2",
            "node worker-9",
            "node worker-10",
            "the scan as a whole"
        ]
    );
    assert_eq!(prop(&results[2], "node-status"), Some("not reached"));
    let reviewed = &results[2]["reviewed-controls"]["control-selections"];
    assert_eq!(
        *reviewed,
        json!([{
            "description": "no control was reviewed",
            "include-controls": [{"control-id": "none"}],
        }])
    );
    let scan = &results[4];
    assert_eq!(prop(scan, "complete"), Some("false"));
    assert_eq!(prop(scan, "nodes-not-reached"), Some("1"));
    assert_eq!(prop(scan, "in-workloads-not-counted"), Some("1"));
    assert_eq!(scan["end"], "2026-11-02T10:00:01.5Z");
    // What could not be read is seen, and nothing follows from it.
    assert_eq!(items(scan, "observations").len(), 1);
    assert_eq!(scan["findings"], Value::Null);
}

#[test]
fn the_same_report_has_the_same_bytes_and_findings_keep_their_names() {
    assert_eq!(text(&fleet()), text(&fleet()));
    let mut later = fleet();
    later.scanned.started = "2026-11-03T10:00:00Z".parse().unwrap();
    let (one, other) = (document(&fleet()), document(&later));
    assert_ne!(one["uuid"], other["uuid"]);
    let uuid = |document: &Value, name: &str| document["results"][0][name][0]["uuid"].clone();
    assert_eq!(uuid(&one, "findings"), uuid(&other, "findings"));
    assert_ne!(uuid(&one, "observations"), uuid(&other, "observations"));
}
