//! Objects of openreports.io: against the definition of their resource, their names, and what they say of what changed.

use std::collections::BTreeSet;
use std::io::Cursor;

use insta::assert_snapshot;
use kubeassay_core::Verdict;
use kubeassay_core::report::{Finding, Report};
use kubeassay_report::Format;
use kubeassay_report::changes::Comparison;
use kubeassay_report::openreports::MAX_BYTES;
use kubeassay_report::read::{Limits, ReportFile};
use serde_json::{Value, json};

use super::common::{compliant, denied, failing, fleet, node, one_node, passing, report, shown};
use super::{Counts, compare, definitions, every_kind, nothing, objects, tally, word, written};

fn text(comparison: &Comparison) -> String {
    written(comparison, Format::OpenReports, 80, false)
}

fn of(comparison: &Comparison) -> Vec<Value> {
    let objects = objects::read(&text(comparison));
    objects.iter().for_each(definitions::assert_valid);
    objects
}

fn results(object: &Value) -> Vec<Value> {
    object["results"].as_array().unwrap().clone()
}

/// The results that are changes.
fn changes(object: &Value) -> Vec<Value> {
    let mut results = results(object);
    results.retain(|one| one["policy"] != "kubeassay-diff");
    results
}

fn names(objects: &[Value]) -> Vec<&str> {
    let objects = objects.iter();
    objects
        .map(|object| object["metadata"]["name"].as_str().unwrap())
        .collect()
}

/// Returns how many changes of each kind the document has.
pub(crate) fn counts(document: &str) -> Counts {
    let objects = objects::read(document);
    let results = objects.iter().flat_map(changes);
    let told = tally(results.map(|one| word(&one["properties"]["change"])));
    // As the objects say themselves.
    let mut summed = Counts::new();
    for object in &objects {
        let said = &object["metadata"]["annotations"]["kubeassay/changes"];
        for part in said.as_str().into_iter().flat_map(|said| said.split(", ")) {
            let (kind, number) = part.rsplit_once(' ').unwrap();
            *summed.entry(kind.to_owned()).or_default() += number.parse::<usize>().unwrap();
        }
    }
    assert_eq!(summed, told);
    told
}

#[test]
fn document_as_it_is_written() {
    assert_snapshot!("changes_openreports", text(&every_kind()));
    assert_snapshot!("changes_openreports_none", text(&nothing()));
}

#[test]
fn the_first_line_and_every_object_say_what_was_compared() {
    let document = text(&every_kind());
    let first = document.lines().next().unwrap();
    assert!(
        first.contains("old old.jsonl, old-source live, old-started 2026-")
            && first.contains("new new.jsonl, new-source live, new-started 2026-"),
        "{first}"
    );
    for object in of(&every_kind()) {
        let said = &object["metadata"]["annotations"];
        assert_eq!(said["kubeassay/old"], "old.jsonl");
        assert_eq!(said["kubeassay/new"], "new.jsonl");
        assert_eq!(said["kubeassay/new-started"], "2026-11-02T10:00:00Z");
        assert_eq!(
            said["kubeassay/scanned-at"],
            Value::Null,
            "publish goes by it"
        );
    }
}

#[test]
fn only_what_fails_now_fails() {
    let all: Vec<Value> = of(&every_kind()).iter().flat_map(changes).collect();
    assert_eq!(all.len(), 7);
    for change in all {
        let kind = word(&change["properties"]["change"]);
        let message = word(&change["message"]);
        assert!(message.starts_with(&format!("{kind}: ")), "{message}");
        let result = match kind.as_str() {
            "fixed" => "pass",
            "waived" | "no-longer-seen" => "skip",
            _ => "fail",
        };
        assert_eq!(change["result"], result, "{kind}");
        assert_eq!(change["scored"], result != "skip", "{kind}");
        let of = |name: &str| change["properties"][name].clone();
        if kind == "no-longer-seen" {
            assert!(message.contains("mends nothing; before: fail: "));
            for now in ["verdict", "actual", "remediation", "expected"] {
                assert_eq!(of(now), Value::Null, "{now}");
            }
            assert_eq!(of("now"), "not there");
        }
        if kind == "new" {
            assert_eq!(of("before"), "not there");
            assert_eq!(of("oldVerdict"), Value::Null);
        } else {
            assert_ne!(of("oldVerdict"), Value::Null, "{kind}");
        }
        if kind == "changed-value" {
            assert!(word(&of("before")).contains("readOnlyPort = 10255"));
            assert!(word(&of("now")).contains("readOnlyPort = 10256"));
        }
    }
}

#[test]
fn each_verdict_of_now_is_called_as_in_a_scan() {
    for (verdict, wanted) in [
        (Verdict::Unknown, "error"),
        (Verdict::Manual, "warn"),
        (Verdict::NotApplicable, "skip"),
        (Verdict::Pass, "pass"),
    ] {
        let now = Finding {
            verdict,
            ..failing("worker-1")
        };
        let nodes = || vec![node("worker-1")];
        let comparison = compare(
            &report(nodes(), vec![failing("worker-1")]),
            &report(nodes(), vec![now]),
        );
        let object = of(&comparison).remove(0);
        assert_eq!(object["results"][0]["result"], wanted);
        assert_eq!(object["summary"][wanted], 1);
    }
}

#[test]
fn nothing_of_it_is_taken_for_a_scan() {
    let of_scan = |report: &Report| objects::read(&shown(report, Format::OpenReports, 80, false));
    let scans: Vec<Value> = [one_node(), fleet(), compliant()]
        .iter()
        .flat_map(of_scan)
        .collect();
    let known: BTreeSet<&str> = names(&scans).into_iter().collect();
    let ids: BTreeSet<String> = scans
        .iter()
        .flat_map(results)
        .map(|one| one["properties"]["resultID"].to_string())
        .collect();
    let comparison = compare(&fleet(), &one_node());
    assert!(!comparison.changes.is_empty());
    for comparison in [comparison, every_kind(), nothing()] {
        let objects = of(&comparison);
        for name in names(&objects) {
            assert!(name.starts_with("kubeassay-diff-"), "{name}");
            assert!(!known.contains(name));
        }
        for object in &objects {
            assert_eq!(object["source"], "kubeassay-diff");
            assert_eq!(
                object["metadata"]["labels"],
                json!({"app.kubernetes.io/managed-by": "kubeassay-diff"})
            );
            for change in changes(object) {
                assert_eq!(change["source"], "kubeassay-diff");
                assert!(!ids.contains(&change["properties"]["resultID"].to_string()));
            }
        }
    }
    for name in known {
        assert!(!name.starts_with("kubeassay-diff"), "{name}");
    }
}

#[test]
fn names_are_those_of_nodes_where_they_can_be_and_none_is_there_twice() {
    let long = "n".repeat(300);
    let nodes = [
        "worker-1",
        "worker-1",
        "Worker-1",
        "a b/../c",
        "",
        "-",
        "\u{202e}",
        "comparison",
        "host-x",
        "x",
        &long,
    ];
    let mut new = report(nodes.map(node).to_vec(), vec![]);
    for (index, node) in new.scanned.nodes.iter_mut().enumerate() {
        node.id = format!("id-{index}");
    }
    new.findings = (0..nodes.len())
        .map(|index| Finding {
            id: format!("{index:032x}"),
            node: Some(format!("id-{index}")),
            ..failing("worker-1")
        })
        .collect();
    let comparison = compare(&report(vec![], vec![]), &new);
    let objects = of(&comparison);
    let all = names(&objects);
    let apart: BTreeSet<&str> = all.iter().copied().collect();
    assert_eq!(apart.len(), nodes.len() + 1);
    assert_eq!(all.last(), Some(&"kubeassay-diff-comparison"));
    assert!(apart.contains("kubeassay-diff-node-worker-1"));
    assert!(apart.contains("kubeassay-diff-node-comparison"));
    assert!(apart.iter().all(|name| name.len() <= 253));
    assert_eq!(all, names(&of(&comparison)));
}

#[test]
fn the_last_object_tells_of_nodes_and_doubts_and_what_belongs_to_no_node() {
    let mut old = report(
        (0..12)
            .map(|number| node(&format!("gone-{number:02}")))
            .collect(),
        vec![],
    );
    let of_cluster = Finding {
        node: None,
        ..failing("cluster")
    };
    let new = report(vec![node("worker-1")], vec![denied("worker-1"), of_cluster]);
    "sha256:before".clone_into(&mut old.rules.digest);
    let objects = of(&compare(&old, &new));
    assert_eq!(
        names(&objects),
        ["kubeassay-diff-node-worker-1", "kubeassay-diff-comparison"]
    );
    let said = &objects[0]["metadata"]["annotations"];
    assert_eq!(said["kubeassay/node-change"], "came");
    assert!(word(&said["kubeassay/doubts"]).contains("different rules"));
    assert_eq!(objects[0]["scope"]["name"], "worker-1");
    let whole = &objects[1];
    let told: Vec<(String, String)> = results(whole)
        .iter()
        .map(|one| (word(&one["rule"]), word(&one["result"])))
        .collect();
    let told: Vec<(&str, &str)> = told
        .iter()
        .map(|(rule, result)| (rule.as_str(), result.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            ("doubt", "warn"),
            ("nodes-went", "warn"),
            ("nodes-came", "skip"),
            ("4.2.2", "fail")
        ]
    );
    assert_eq!(
        whole["results"][1]["message"],
        "12 nodes went, which mends nothing: gone-00, gone-01, gone-02, gone-03, gone-04, gone-05, gone-06, gone-07, gone-08, gone-09, and 2 more"
    );
    // What is no change is not counted.
    assert_eq!(
        whole["summary"],
        json!({"pass": 0, "fail": 1, "warn": 0, "error": 0, "skip": 0})
    );
    assert_eq!(whole["scope"], Value::Null);
}

/// Changes of one node, far beyond what an object holds; every other one is mended.
fn many(count: usize, is_open: bool) -> Comparison {
    let with = |verdict: fn(usize) -> Verdict| {
        let findings = (0..count).map(|number| {
            let text = "\u{e9}\"\\ <x> ".repeat(20 + number % 90);
            Finding {
                id: format!("{number:032x}"),
                rule: format!("rule-{number}"),
                reason: text.clone(),
                expected: text.clone(),
                remediation: text,
                verdict: verdict(number),
                ..passing("worker-1")
            }
        });
        report(vec![node("worker-1")], findings.collect())
    };
    let half = |number: usize| match number % 2 {
        0 => Verdict::Fail,
        _ => Verdict::Pass,
    };
    let other = |number: usize| match number % 2 {
        0 => Verdict::Pass,
        _ => Verdict::Fail,
    };
    if is_open {
        compare(&with(half), &with(other))
    } else {
        compare(&with(|_| Verdict::Fail), &with(|_| Verdict::Pass))
    }
}

#[test]
fn an_object_is_cut_after_what_needs_action_and_says_so() {
    for (is_open, result, said) in [(true, "error", "new "), (false, "skip", "fixed ")] {
        let object = of(&many(2_000, is_open)).remove(0);
        let size = serde_json::to_vec(&object).unwrap().len();
        assert!((MAX_BYTES / 2..=MAX_BYTES).contains(&size), "{size}");
        let kept = changes(&object);
        let last = results(&object).pop().unwrap();
        assert_eq!(
            (&last["rule"], &last["result"]),
            (&"left-out".into(), &result.into())
        );
        let message = word(&last["message"]);
        let wanted = format!("{} of 2000 changes are counted", 2_000 - kept.len());
        assert!(message.starts_with(&wanted), "{message}");
        assert!(
            message.contains(said) && message.contains("diff -o json"),
            "{message}"
        );
        let annotations = &object["metadata"]["annotations"];
        assert_eq!(annotations["kubeassay/left-out"], message);
        if is_open {
            assert!(kept.iter().all(|one| one["result"] == "fail"));
            assert_eq!(object["summary"]["fail"], 1_000);
            assert_eq!(annotations["kubeassay/changes"], "new 1000, fixed 1000");
        } else {
            assert_eq!(object["summary"]["pass"], 2_000);
        }
    }
}

/// `kubeassay report publish` takes reports and nothing else.
#[test]
fn what_changed_is_no_report_that_could_be_published() {
    for (format, wanted) in [
        (Format::Json, "it says what changed between two reports"),
        (Format::Jsonl, "it says what changed between two reports"),
        (Format::Yaml, "it says what changed between two reports"),
        (Format::OpenReports, "neither JSON nor a YAML report"),
        (Format::Oscal, "has no schema"),
    ] {
        let document = written(&every_kind(), format, 80, false);
        let opened = ReportFile::open("diff", Cursor::new(document.into_bytes()), Limits::USUAL);
        let refused = opened.err().unwrap().to_string();
        assert!(refused.contains(wanted), "{format}: {refused}");
    }
}
