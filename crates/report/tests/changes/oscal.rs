//! OSCAL: against NIST's schema, its references, and what it says of what changed.

use std::collections::BTreeSet;

use insta::assert_snapshot;
use kubeassay_core::Verdict;
use kubeassay_core::report::{Cluster, Finding};
use kubeassay_report::Format;
use kubeassay_report::changes::Comparison;
use serde_json::Value;

use super::common::{denied, failing, node, passing, report};
use super::{Counts, compare, every_kind, nothing, paragraph, proof, tally, word, written};

fn text(comparison: &Comparison) -> String {
    written(comparison, Format::Oscal, 80, false)
}

fn results(document: &str) -> Vec<Value> {
    let document: Value = serde_json::from_str(document).unwrap();
    let results = &document["assessment-results"]["results"];
    results.as_array().unwrap().clone()
}

fn items(of: &Value, name: &str) -> Vec<Value> {
    of[name].as_array().cloned().unwrap_or_default()
}

fn prop<'a>(of: &'a Value, name: &str) -> Option<&'a str> {
    let mut props = of["props"].as_array().unwrap().iter();
    let prop = props.find(|prop| prop["name"] == name)?;
    prop["value"].as_str()
}

/// What was observed of changes, with what was concluded from it.
fn observed(document: &str) -> Vec<(Value, Option<Value>)> {
    let mut all = Vec::new();
    for result in results(document) {
        let findings = items(&result, "findings");
        for observation in items(&result, "observations") {
            if prop(&observation, "change").is_none() {
                continue;
            }
            let concluded = findings.iter().find(|finding| {
                finding["related-observations"][0]["observation-uuid"] == observation["uuid"]
            });
            all.push((observation, concluded.cloned()));
        }
    }
    all
}

/// Returns how many changes of each kind the document has.
pub(crate) fn counts(document: &str) -> Counts {
    let all = observed(document);
    let changes = all.iter();
    let told = tally(changes.map(|(one, _)| prop(one, "change").unwrap().to_owned()));
    // As the last result says.
    let results = results(document);
    let whole = results.last().unwrap();
    let summed: Counts = whole["props"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|prop| {
            let kind = prop["name"].as_str()?.strip_prefix("changes-")?;
            let number: usize = prop["value"].as_str()?.parse().unwrap();
            (number > 0).then(|| (kind.to_owned(), number))
        })
        .collect();
    assert_eq!(summed, told);
    told
}

#[test]
fn document_as_it_is_written() {
    assert_snapshot!("changes_oscal", text(&every_kind()));
    assert_snapshot!("changes_oscal_none", text(&nothing()));
}

#[test]
fn the_first_thing_is_what_was_compared() {
    let document = text(&every_kind());
    let first = document.lines().next().unwrap();
    assert!(
        first.starts_with("{\"assessment-results\":{\"import-ap\":"),
        "{first}"
    );
    assert!(
        first.contains("old old.jsonl, old-source live, old-started 2026-11-02T10:00:00Z")
            && first.contains("new new.jsonl, new-source live"),
        "{first}"
    );
    let whole = results(&document).pop().unwrap();
    let said = paragraph::plain(whole["description"].as_str().unwrap());
    let wanted = "what changed from old.jsonl (live, 2026-11-02T10:00:00Z) to new.jsonl (live, 2026-11-02T10:00:00Z): 1 new, ";
    assert!(said.starts_with(wanted), "{said}");
}

#[test]
fn only_what_is_found_now_is_concluded() {
    let document = text(&every_kind());
    let mut kinds = Vec::new();
    for (observation, concluded) in observed(&document) {
        let kind = prop(&observation, "change").unwrap().to_owned();
        let status = concluded.as_ref().map(|finding| {
            assert_eq!(prop(finding, "change"), Some(kind.as_str()));
            assert_eq!(finding["description"], observation["description"]);
            let status = &finding["target"]["status"];
            (word(&status["state"]), word(&status["reason"]))
        });
        let no = Some(("not-satisfied".to_owned(), "fail".to_owned()));
        let description = word(&observation["description"]);
        assert!(description.starts_with(&format!("{kind}: ")));
        match kind.as_str() {
            "no-longer-seen" => {
                assert_eq!(status, None);
                assert_eq!(prop(&observation, "verdict"), None);
                assert_eq!(observation["types"][0], "historic");
                assert!(description.contains("mends nothing; before: fail: "));
            }
            "fixed" => {
                let yes = ("satisfied".to_owned(), "pass".to_owned());
                assert_eq!(status, Some(yes));
                let remarks = word(&observation["remarks"]);
                assert!(remarks.contains("before: fail: "), "{remarks}");
            }
            "waived" => {
                assert_eq!(status, no);
                assert_eq!(items(&concluded.unwrap(), "related-risks").len(), 1);
            }
            _ => assert_eq!(status, no, "{kind}"),
        }
        let before = (kind != "new").then_some(prop(&observation, "old-verdict"));
        assert_ne!(before, Some(None), "{kind}");
        kinds.push(kind);
    }
    assert_eq!(kinds.len(), 7);
}

#[test]
fn what_is_unknown_now_is_no_yes_and_what_does_not_apply_is_neither() {
    let with = |verdict: Verdict| {
        let now = Finding {
            verdict,
            ..failing("worker-1")
        };
        let nodes = || vec![node("worker-1")];
        let comparison = compare(
            &report(nodes(), vec![failing("worker-1")]),
            &report(nodes(), vec![now]),
        );
        let (observation, concluded) = observed(&text(&comparison)).remove(0);
        assert_eq!(prop(&observation, "verdict"), Some(verdict.as_str()));
        assert_eq!(prop(&observation, "old-verdict"), Some("fail"));
        let status = concluded.map(|finding| finding["target"]["status"].clone());
        status.map(|status| (word(&status["state"]), word(&status["reason"])))
    };
    let no = ("not-satisfied".to_owned(), "other".to_owned());
    assert_eq!(with(Verdict::Unknown), Some(no.clone()));
    assert_eq!(with(Verdict::Manual), Some(no));
    assert_eq!(with(Verdict::NotApplicable), None);
}

#[test]
fn both_sides_are_evidence() {
    let document = text(&every_kind());
    let all = observed(&document);
    let of = |kind: &str| {
        let mut changes = all.iter();
        let (one, _) = changes
            .find(|(one, _)| prop(one, "change") == Some(kind))
            .unwrap();
        let evidence = items(one, "relevant-evidence");
        let told = evidence.iter().map(|evidence| {
            let side = prop(evidence, "side").unwrap().to_owned();
            (side, word(&evidence["description"]))
        });
        told.collect::<Vec<_>>()
    };
    let value = of("changed-value");
    assert!(
        value[0].0 == "new" && value[0].1.contains("10256"),
        "{value:?}"
    );
    assert!(
        value[1].0 == "old" && value[1].1.contains("10255"),
        "{value:?}"
    );
    assert!(of("no-longer-seen").iter().all(|(side, _)| side == "old"));
}

/// Changes of several parts: many of the cluster's objects, and of a node that no report tells of.
fn large() -> Comparison {
    let of_cluster = |number: usize| Finding {
        id: format!("{number:032x}"),
        node: None,
        ..failing("cluster")
    };
    let mut old = report(vec![node("worker-1")], (0..10).map(of_cluster).collect());
    let mut new = report(
        vec![node("worker-2")],
        (100..4_600).map(of_cluster).collect(),
    );
    old.findings.push(failing("worker-1"));
    new.findings.push(denied("worker-2"));
    for (report, digest) in [(&mut old, "sha256:before"), (&mut new, "sha256:now")] {
        digest.clone_into(&mut report.rules.digest);
        report.scanned.cluster = Some(Cluster {
            uid: None,
            server: format!("https://{digest}.example"),
            version: None,
        });
    }
    compare(&old, &new)
}

#[test]
fn whatever_is_referred_to_is_there_once() {
    for comparison in [every_kind(), nothing(), large()] {
        let document = text(&comparison);
        proof::proof(Format::Oscal, &document);
        let document: Value = serde_json::from_str(&document).unwrap();
        let document = &document["assessment-results"];
        let mut uuids = BTreeSet::new();
        every_uuid(document, &mut |uuid| {
            assert!(uuids.insert(uuid.to_owned()), "{uuid} is there twice");
        });
        let mut referred = Vec::new();
        every_reference(document, &mut |uuid| referred.push(uuid.to_owned()));
        assert!(!referred.is_empty());
        for uuid in referred {
            assert!(uuids.contains(&uuid), "{uuid} is nowhere");
        }
        let objectives = items(&document["local-definitions"], "objectives-and-methods");
        let objectives: Vec<&Value> = objectives
            .iter()
            .map(|objective| &objective["parts"][0]["id"])
            .collect();
        for result in items(document, "results") {
            let findings = items(&result, "findings");
            assert!(findings.len() <= 2_000);
            for finding in findings {
                assert!(objectives.contains(&&finding["target"]["target-id"]));
            }
        }
    }
}

fn every_uuid(value: &Value, take: &mut impl FnMut(&str)) {
    walk(value, &mut |name, text| {
        if name == "uuid" {
            take(text);
        }
    });
}

fn every_reference(value: &Value, take: &mut impl FnMut(&str)) {
    walk(value, &mut |name, text| {
        if name.ends_with("-uuid") {
            take(text);
        } else if name == "href" {
            take(text.strip_prefix('#').unwrap());
        }
    });
}

fn walk(value: &Value, take: &mut impl FnMut(&str, &str)) {
    match value {
        Value::Array(all) => all.iter().for_each(|one| walk(one, take)),
        Value::Object(members) => {
            for (name, member) in members {
                match member.as_str() {
                    Some(text) => take(name, text),
                    None => walk(member, take),
                }
            }
        }
        _ => {}
    }
}

#[test]
fn the_last_result_tells_of_nodes_and_doubts() {
    let document = text(&large());
    let results = results(&document);
    let titles: Vec<String> = results.iter().map(|one| word(&one["title"])).collect();
    assert_eq!(
        titles,
        [
            "what changed: node worker-1",
            "what changed: node worker-2",
            "what changed: objects of the cluster",
            "what changed: objects of the cluster (part 2)",
            "what changed: objects of the cluster (part 3)",
            "the comparison as a whole"
        ]
    );
    assert_eq!(prop(&results[0], "node-change"), Some("went"));
    assert_eq!(prop(&results[1], "node-change"), Some("came"));
    let whole = results.last().unwrap();
    let seen = items(whole, "observations");
    assert_eq!(whole["findings"], Value::Null);
    assert_eq!(
        seen.iter()
            .filter(|one| prop(one, "doubt").is_some())
            .count(),
        2
    );
    assert_eq!(
        seen.iter()
            .filter_map(|one| prop(one, "node-change"))
            .collect::<Vec<_>>(),
        ["came", "went"]
    );
    assert_eq!(prop(whole, "changes-new"), Some("4501"));
    let document: Value = serde_json::from_str(&document).unwrap();
    let rules = items(&document["assessment-results"]["back-matter"], "resources");
    assert_eq!(rules.len(), 2);
}

#[test]
fn findings_are_called_as_in_a_scan_and_observations_are_not() {
    let nodes = || vec![node("worker-1")];
    let now = report(nodes(), vec![failing("worker-1")]);
    let comparison = compare(&report(nodes(), vec![passing("worker-1")]), &now);
    let scan = super::shown(&now, Format::Oscal, 80, false);
    let (of_scan, of_diff) = (results(&scan), results(&text(&comparison)));
    let uuid = |results: &[Value], what: &str| results[0][what][0]["uuid"].clone();
    assert_eq!(uuid(&of_scan, "findings"), uuid(&of_diff, "findings"));
    assert_ne!(
        uuid(&of_scan, "observations"),
        uuid(&of_diff, "observations")
    );
    assert_ne!(of_scan[0]["uuid"], of_diff[0]["uuid"]);
}
