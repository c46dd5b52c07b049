//! OCSF events of what changed.

use insta::assert_snapshot;
use kubeassay_report::Format;
use serde_json::{Value, json};

use super::{Comparison, Counts, compare, every_kind, nothing, poisoned, tally, word, written};
use crate::common::{failing, node, report, waived};
use crate::schema;

const SCHEMA: &str = include_str!("../schemas/ocsf-1.8.0-compliance-finding.json");

fn events(document: &str) -> Vec<Value> {
    let lines = document.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn ocsf(changes: &Comparison) -> Vec<Value> {
    events(&written(changes, Format::Ocsf, 80, false))
}

/// Returns how many changes of each kind the document has.
pub(crate) fn counts(document: &str) -> Counts {
    let events = events(document);
    let changes = events.iter().map(|event| &event["unmapped"]["change"]);
    let counts = tally(changes.filter(|change| !change.is_null()).map(word));
    let summary = events.last().unwrap()["unmapped"]["summary"].as_object();
    let told = summary.unwrap().iter();
    let told = told.map(|(kind, count)| (kind.replace('_', "-"), count.as_u64().unwrap()));
    let told = told.filter(|(kind, count)| kind != "unchanged" && *count > 0);
    let told: Counts = told
        .map(|(kind, count)| (kind, count.try_into().unwrap()))
        .collect();
    assert_eq!(counts, told);
    counts
}

/// The event of the change of a kind.
fn of(kind: &str) -> Value {
    let events = ocsf(&every_kind());
    let mut of_kind = events
        .iter()
        .filter(|event| event["unmapped"]["change"] == kind);
    of_kind.next().unwrap().clone()
}

#[test]
fn lines_as_they_are_written() {
    let events = ocsf(&every_kind());
    assert_snapshot!(
        "changes_ocsf",
        serde_json::to_string_pretty(&events).unwrap()
    );
    let events = ocsf(&nothing());
    assert_snapshot!(
        "changes_ocsf_none",
        serde_json::to_string_pretty(&events).unwrap()
    );
}

#[test]
fn every_line_is_what_the_schema_asks_for() {
    for changes in [every_kind(), nothing(), poisoned(" </x>\n")] {
        for event in ocsf(&changes) {
            schema::assert_valid(SCHEMA, &event);
            let class = event["class_uid"].as_u64().unwrap();
            let activity = event["activity_id"].as_u64().unwrap();
            assert_eq!(event["type_uid"], class * 100 + activity);
            assert_eq!(event["metadata"]["log_name"], "kubeassay.diff/v1");
        }
    }
}

#[test]
fn every_line_says_first_what_was_compared() {
    for event in ocsf(&every_kind()) {
        let tags = event["metadata"]["tags"].as_array().unwrap();
        let named = |name: &str| tags.iter().find(|tag| tag["name"] == name).unwrap();
        assert_eq!(named("old")["value"], "old.jsonl");
        assert_eq!(named("new")["value"], "new.jsonl");
    }
    let text = written(&every_kind(), Format::Ocsf, 80, false);
    for line in text.lines() {
        assert!(line.starts_with(r#"{"metadata":{"source":"live","product":{"#));
    }
}

#[test]
fn what_becomes_of_a_finding_is_its_activity_and_its_status() {
    for (kind, activity, status, compliance) in [
        ("new", "Create", "New", "Fail"),
        ("changed-verdict", "Update", "New", "Fail"),
        ("changed-value", "Update", "New", "Fail"),
        ("changed-origin", "Update", "New", "Fail"),
        (
            "no-longer-seen",
            "Close",
            "No Longer Seen",
            "No Longer Seen",
        ),
        ("waived", "Update", "Suppressed", "Fail"),
        ("fixed", "Close", "Resolved", "Pass"),
    ] {
        let event = of(kind);
        assert_eq!(event["activity_name"], activity, "{kind}");
        assert_eq!(event["status"], status, "{kind}");
        let checked = &event["compliance"];
        assert_eq!(checked["status"], compliance, "{kind}");
        assert_eq!(checked["checks"][0]["status"], compliance, "{kind}");
        let message = event["message"].as_str().unwrap();
        assert!(message.starts_with(&format!("{kind}: ")), "{message}");
    }
}

#[test]
fn what_is_no_longer_seen_says_nothing_of_now() {
    let event = of("no-longer-seen");
    assert_eq!(event["status_id"], 99);
    assert_eq!(event["compliance"]["status_id"], 99);
    assert_eq!(event["severity"], "Informational");
    for absent in ["evidences", "remediation"] {
        assert_eq!(event.get(absent), None, "{absent}");
    }
    assert_eq!(event["unmapped"].get("verdict"), None);
    assert_eq!(event["unmapped"]["old"]["verdict"], "fail");
}

#[test]
fn times_are_those_that_the_reports_know() {
    let mut old = report(vec![node("worker-1")], vec![failing("worker-1")]);
    let mut new = report(vec![node("worker-1")], vec![]);
    old.scanned.started = "2026-11-25T10:00:00Z".parse().unwrap();
    let [then, now] = [&old, &new].map(|report| report.scanned.started.as_millisecond());
    let times = |event: &Value| {
        assert_eq!(event["time"], now);
        let names = [
            "created_time",
            "modified_time",
            "last_seen_time",
            "first_seen_time",
        ];
        names.map(|name| event["finding_info"][name].as_i64())
    };
    let gone = &ocsf(&compare(&old, &new))[0];
    assert_eq!(times(gone), [Some(then), Some(now), Some(then), None]);
    new.findings = vec![waived("worker-1")];
    new.findings[0].id.clone_from(&old.findings[0].id);
    let accepted = &ocsf(&compare(&old, &new))[0];
    assert_eq!(accepted["unmapped"]["change"], "waived");
    assert_eq!(times(accepted), [Some(then), Some(now), Some(now), None]);
    old.findings.clear();
    new.findings = vec![failing("worker-1")];
    let found = &ocsf(&compare(&old, &new))[0];
    assert_eq!(times(found), [Some(now), None, Some(now), None]);
}

#[test]
fn what_does_not_apply_any_more_is_not_left_open() {
    let old = report(vec![node("worker-1")], vec![failing("worker-1")]);
    let mut new = old.clone();
    new.findings[0].verdict = kubeassay_core::Verdict::NotApplicable;
    let event = &ocsf(&compare(&old, &new))[0];
    assert_eq!(event["unmapped"]["change"], "changed-verdict");
    assert_eq!(event["status_id"], 99);
    assert_eq!(event["status"], "Not Applicable");
}

#[test]
fn the_last_line_is_about_the_comparison() {
    let events = ocsf(&every_kind());
    let last = events.last().unwrap();
    assert_eq!(last["finding_info"]["types"], json!(["comparison"]));
    assert_eq!(last["compliance"]["status_id"], 99);
    let nodes =
        |name: &str| json!({"count": 1, "nodes": [{"name": name, "id": format!("id-{name}")}]});
    assert_eq!(last["unmapped"]["nodes_came"], nodes("worker-3"));
    assert_eq!(last["unmapped"]["nodes_went"], nodes("worker-2"));
}

#[test]
fn doubts_are_told_and_nodes_beyond_those_that_have_room_are_counted() {
    let nodes = (0..102).map(|number| node(&format!("worker-{number}")));
    let old = report(vec![], vec![]);
    let mut new = report(nodes.collect(), vec![]);
    new.rules.digest = "other\nrules".to_owned();
    let changes = compare(&old, &new);
    let last = &ocsf(&changes)[0];
    schema::assert_valid(SCHEMA, last);
    assert_eq!(last["compliance"]["status_details"], json!(changes.doubts));
    assert_eq!(last["metadata"]["is_truncated"], true);
    let came = &last["unmapped"]["nodes_came"];
    assert_eq!(came["count"], 102);
    assert_eq!(came["nodes"].as_array().unwrap().len(), 100);
}
