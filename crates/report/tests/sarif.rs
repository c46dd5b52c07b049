//! SARIF: against its schema, and against what code scanning asks for.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::expect_used,
    reason = "clippy takes helpers of tests for no tests"
)]

mod common;
#[path = "common/schema.rs"]
mod schema;

use common::{
    compliant, denied, empty, failing, fleet, node, one_node, problem, report, shown, with_prose,
};
use insta::assert_snapshot;
use kubeassay_core::report::{BaselineState, Control, Finding, Report};
use kubeassay_core::{Bytes, Origin, OriginKind, Severity, Value as Observed, Verdict};
use kubeassay_report::Format;
use serde_json::Value;

const SCHEMA: &str = include_str!("schemas/sarif-schema-2.1.0.json");

fn sarif(report: &Report) -> Value {
    let document: Value = serde_json::from_str(&shown(report, Format::Sarif, 80, false)).unwrap();
    schema::assert_valid(SCHEMA, &document);
    document["runs"][0].clone()
}

fn results(report: &Report) -> Vec<Value> {
    sarif(report)["results"].as_array().unwrap().clone()
}

#[test]
fn document_as_it_is_written() {
    let document = with_prose(&one_node(), Format::Sarif);
    schema::assert_valid(SCHEMA, &serde_json::from_str(&document).unwrap());
    assert_snapshot!("sarif", document);
}

#[test]
fn the_validator_finds_faults() {
    let good: Value = serde_json::from_str(&shown(&one_node(), Format::Sarif, 80, false)).unwrap();
    for (pointer, bad) in [
        ("/version", Value::from("3")),
        ("/runs/0/results/0/level", Value::from("critical")),
        (
            "/runs/0/results/0/locations/0/physicalLocation/region/startLine",
            Value::from(0),
        ),
        (
            "/runs/0/results/0/locations/0/physicalLocation/artifactLocation/uri",
            Value::from("a b"),
        ),
        ("/runs/0/invocations/0/executionSuccessful", Value::Null),
        (
            "/runs/0/invocations/0/startTimeUtc",
            Value::from("yesterday"),
        ),
        (
            "/runs/0/tool/driver",
            serde_json::json!({"nam": "kubeassay"}),
        ),
    ] {
        let mut document = good.clone();
        *document.pointer_mut(pointer).expect(pointer) = bad;
        let refused = std::panic::catch_unwind(|| schema::assert_valid(SCHEMA, &document));
        assert!(refused.is_err(), "{pointer}");
    }
}

/// GitHub, "SARIF support for code scanning": what is required, and how much of each there may be.
#[test]
fn code_scanning_takes_it() {
    for report in [one_node(), fleet(), compliant(), empty()] {
        let run = sarif(&report);
        for rule in run["tool"]["driver"]["rules"].as_array().unwrap() {
            for required in [
                "/id",
                "/shortDescription/text",
                "/fullDescription/text",
                "/help/text",
            ] {
                let text = rule.pointer(required).unwrap().as_str().unwrap();
                assert!(!text.is_empty(), "{required}: {rule}");
            }
            assert!(rule["properties"]["tags"].as_array().unwrap().len() <= 20);
            let severity: f64 = rule["properties"]["security-severity"]
                .as_str()
                .unwrap()
                .parse()
                .unwrap();
            assert!((0.1..=10.0).contains(&severity));
        }
        for result in run["results"].as_array().unwrap() {
            let rule = &run["tool"]["driver"]["rules"]
                [usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap()];
            assert_eq!(result["ruleId"], rule["id"]);
            assert!(["note", "warning", "error"].contains(&result["level"].as_str().unwrap()));
            let fingerprint = &result["partialFingerprints"]["primaryLocationLineHash"];
            assert!(fingerprint.as_str().unwrap().ends_with(":1"));
            let place = &result["locations"][0]["physicalLocation"];
            assert!(
                !place["artifactLocation"]["uri"]
                    .as_str()
                    .unwrap()
                    .starts_with('/')
            );
            for required in ["startLine", "startColumn", "endLine", "endColumn"] {
                assert!(place["region"][required].as_u64().unwrap() > 0, "{place}");
            }
        }
    }
}

#[test]
fn a_result_is_what_needs_action_and_nothing_else() {
    let run = sarif(&one_node());
    let verdicts: Vec<&str> = run["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|result| result["properties"]["verdict"].as_str().unwrap())
        .collect();
    assert_eq!(verdicts, ["fail", "unknown"]);
    assert_eq!(run["properties"]["summary"]["waived"], 1);
    // A component in a workload counts for nothing, unless that was asked for: then the sum has it.
    assert_eq!(results(&fleet()).len(), 4);
    let mut all = fleet();
    all.summary.fail += 1;
    assert_eq!(results(&all).len(), 5);
}

#[test]
fn the_first_thing_is_what_was_scanned() {
    let text = shown(&fleet(), Format::Sarif, 80, false);
    let head: Vec<&str> = text.lines().take(8).collect();
    assert!(
        head.iter()
            .any(|line| line.contains("\"source\": \"facts\"")),
        "{head:#?}"
    );
    let run = sarif(&fleet());
    let id = run["automationDetails"]["id"].as_str().unwrap();
    assert_eq!(id, "kubeassay/facts/2026-11-02T10:00:00Z");
    let invocation = &run["invocations"][0];
    assert_eq!(invocation["executionSuccessful"], false);
    assert_eq!(invocation["exitCode"], 1);
    let told = invocation["toolExecutionNotifications"].to_string();
    for said in [
        "worker-9 (not reached)",
        "permission denied",
        "not everything",
    ] {
        assert!(told.contains(said), "{said}: {told}");
    }
}

#[test]
fn places_are_files_objects_or_what_runs() {
    let with = |origin: Origin, object: Option<&str>| {
        let mut finding = failing("worker-1");
        finding.evidence[0].origin = origin;
        finding.subject.object = object.map(str::to_owned);
        let of = report(vec![node("worker-1")], vec![finding]);
        results(&of)[0]["locations"][0].clone()
    };
    let place = |location: &Value| {
        let place = &location["physicalLocation"];
        (
            place["artifactLocation"]["uriBaseId"]
                .as_str()
                .unwrap()
                .to_owned(),
            place["artifactLocation"]["uri"]
                .as_str()
                .unwrap()
                .to_owned(),
            place["region"]["startLine"].as_u64().unwrap(),
        )
    };
    let file = common::file(OriginKind::DropIn, "/etc/kubernetes/a b.conf", 7, 3);
    let object = Some("ConfigMap kube-system/kubelet-config");
    for (origin, object, wanted) in [
        (file, None, ("NODE", "etc/kubernetes/a%20b.conf", 7)),
        (
            Origin::flag("authorization-mode", 3),
            None,
            ("NODE", "usr/bin/kubelet", 1),
        ),
        (
            Origin::default_of("1.34"),
            None,
            ("NODE", "usr/bin/kubelet", 1),
        ),
        (
            Origin::new(OriginKind::Api),
            object,
            ("API", "ConfigMap/kube-system/kubelet-config", 1),
        ),
    ] {
        let location = with(origin, object);
        let (base, uri, line) = place(&location);
        assert_eq!((base.as_str(), uri.as_str(), line), wanted);
        let logical = &location["logicalLocations"][0];
        assert_eq!(logical["name"], "kubelet.authorization.mode");
        assert_eq!(
            logical["fullyQualifiedName"],
            "worker-1::/var/lib/kubelet::kubelet.authorization.mode"
        );
    }
}

#[test]
fn states_of_a_baseline_and_fingerprints_are_the_findings_own() {
    let finding = Finding {
        baseline_state: Some(BaselineState::Unchanged),
        ..failing("worker-1")
    };
    let id = finding.id.clone();
    let result = &results(&report(vec![node("worker-1")], vec![finding]))[0];
    assert_eq!(result["baselineState"], "unchanged");
    assert_eq!(
        result["partialFingerprints"]["kubeassayFinding/v1"],
        id.as_str()
    );
}

#[test]
fn many_controls_are_tags_as_far_as_they_may() {
    let control = |number| Control {
        framework: "nist-800-53".to_owned(),
        version: None,
        control: format!("AC-{number}"),
    };
    let finding = Finding {
        controls: (0..40).map(control).collect(),
        ..failing("worker-1")
    };
    let run = sarif(&report(vec![node("worker-1")], vec![finding]));
    let properties = &run["tool"]["driver"]["rules"][0]["properties"];
    assert_eq!(properties["tags"].as_array().unwrap().len(), 20);
    assert_eq!(properties["controls"].as_array().unwrap().len(), 40);
}

/// 3,000 nodes, each with one finding of a common value and one whose value is its own.
fn large(own_values: bool) -> Report {
    let names: Vec<String> = (0..3_000).map(|number| format!("n{number:04}")).collect();
    let mut findings = Vec::new();
    for name in &names {
        findings.push(failing(name));
        let mut other = denied(name);
        if own_values {
            other.evidence[0].value = Observed::string(name.as_str());
        }
        findings.push(other);
    }
    report(names.iter().map(|name| node(name)).collect(), findings)
}

#[test]
fn more_than_code_scanning_shows_is_grouped_and_said_to_be() {
    let run = sarif(&large(false));
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), 2);
    for result in results {
        assert_eq!(result["occurrenceCount"], 3_000);
        let group = &result["properties"]["group"];
        assert_eq!(
            (&group["nodes"], &group["sameValue"]),
            (&3_000.into(), &true.into())
        );
        assert_eq!(group["first"].as_array().unwrap().len(), 10);
        assert!(
            result["message"]["text"]
                .as_str()
                .unwrap()
                .contains("on 3000 nodes")
        );
    }
    let told = run["invocations"][0]["toolExecutionNotifications"].to_string();
    assert!(told.contains("6000 findings need action"), "{told}");
    assert_eq!(run["properties"]["grouped"], true);
    // Its print does not hang on who was first.
    let mut fewer = large(false);
    fewer.scanned.nodes.remove(0);
    fewer.findings.drain(0..2);
    let prints = |results: &[Value]| -> Vec<String> {
        let prints = results
            .iter()
            .map(|result| result["partialFingerprints"].to_string());
        prints.collect()
    };
    assert_eq!(
        prints(results),
        prints(sarif(&fewer)["results"].as_array().unwrap())
    );
}

#[test]
fn a_group_that_would_have_too_many_values_has_all_of_them() {
    // 3,001 groups fit; with as many values of the other rule they do not.
    assert_eq!(results(&large(true)).len(), 3_001);
    let mut both = large(true);
    for finding in &mut both.findings {
        let own = Observed::string(finding.id.as_str());
        finding.evidence[0].value = own;
    }
    let results = results(&both);
    assert_eq!(results.len(), 3_001);
    let joined: Vec<&Value> = results
        .iter()
        .filter(|result| result["properties"]["group"]["sameValue"] == false)
        .collect();
    assert_eq!(joined.len(), 1);
    assert_eq!(joined[0]["properties"]["group"]["nodes"], 3_000);
    assert!(
        joined[0]["message"]["text"]
            .as_str()
            .unwrap()
            .contains("different values")
    );
}

#[test]
fn more_rules_than_results_are_left_out_and_said_to_be() {
    let findings = (0..6_000).map(|number| Finding {
        rule: format!("rule-{number}"),
        ..failing("worker-1")
    });
    let run = sarif(&report(vec![node("worker-1")], findings.collect()));
    let results = run["results"].as_array().unwrap().len();
    assert!((5_000..=5_001).contains(&results), "{results}");
    let told = run["invocations"][0]["toolExecutionNotifications"].to_string();
    assert!(told.contains("999 findings of more rules"), "{told}");
}

#[test]
fn unknown_is_never_told_as_nothing() {
    for severity in Severity::ALL {
        for verdict in [Verdict::Fail, Verdict::Unknown] {
            let finding = Finding {
                severity: *severity,
                verdict,
                ..failing("worker-1")
            };
            let result = &results(&report(vec![node("worker-1")], vec![finding]))[0];
            assert_ne!(result["level"], "none");
            let text = result["message"]["text"].as_str().unwrap();
            assert_eq!(
                text.starts_with("Not decided: "),
                verdict == Verdict::Unknown
            );
        }
    }
}

#[test]
fn a_flood_of_problems_is_cut_and_said_to_be() {
    let mut report = one_node();
    report.problems = vec![problem("worker-1"); 5_000];
    report.problems[0].path = Some(Bytes::from("/x](https://evil.example)"));
    let told = sarif(&report)["invocations"][0]["toolExecutionNotifications"].clone();
    let told = told.as_array().unwrap();
    assert_eq!(told.len(), 1_001);
    assert!(
        told[1_000]["message"]["text"]
            .as_str()
            .unwrap()
            .starts_with("4000 more")
    );
    assert!(!told[0]["message"]["text"].as_str().unwrap().contains("]("));
}
