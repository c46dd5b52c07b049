//! What changed, as SARIF: against its schema, and against what its readers take for open.

use insta::assert_snapshot;
use kubeassay_core::Verdict;
use kubeassay_core::report::Finding;
use kubeassay_report::Format;
use kubeassay_report::changes::Comparison;
use serde_json::Value;

use super::common::{failing, manual, node, passing, report};
use super::{Counts, compare, every_kind, schema, written};

const SCHEMA: &str = include_str!("../schemas/sarif-schema-2.1.0.json");

/// Returns how many changes of each kind the document says there are.
pub(crate) fn counts(document: &str) -> Counts {
    let log: Value = serde_json::from_str(document).unwrap();
    let changes = log["runs"][0]["properties"]["changes"].as_object().unwrap();
    let kinds = changes.iter().filter(|(kind, _)| *kind != "unchanged");
    let counted = kinds.map(|(kind, number)| {
        let number = usize::try_from(number.as_u64().unwrap()).unwrap();
        (kind.replace('_', "-"), number)
    });
    counted.filter(|(_, number)| *number > 0).collect()
}

fn run(comparison: &Comparison) -> Value {
    let document = written(comparison, Format::Sarif, 80, false);
    let log: Value = serde_json::from_str(&document).unwrap();
    schema::assert_valid(SCHEMA, &log);
    log["runs"][0].clone()
}

fn results(comparison: &Comparison) -> Vec<Value> {
    run(comparison)["results"].as_array().unwrap().clone()
}

fn notifications(comparison: &Comparison) -> Vec<String> {
    let run = run(comparison);
    let told = &run["invocations"][0]["toolExecutionNotifications"];
    let told = told.as_array().unwrap().iter();
    told.map(|one| one["message"]["text"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn document_as_it_is_written() {
    assert_snapshot!(
        "changes_sarif",
        written(&every_kind(), Format::Sarif, 80, false)
    );
}

#[test]
fn what_needs_no_action_now_is_no_failure() {
    let shown: Vec<[String; 4]> = results(&every_kind())
        .iter()
        .map(|result| {
            let word = |value: &Value| value.as_str().unwrap_or("-").to_owned();
            [
                word(&result["properties"]["change"]["kind"]),
                word(&result["baselineState"]),
                word(&result["kind"]),
                word(&result["level"]),
            ]
        })
        .collect();
    let shown: Vec<[&str; 4]> = shown
        .iter()
        .map(|words| [0, 1, 2, 3].map(|at| words[at].as_str()))
        .collect();
    assert_eq!(
        shown,
        [
            ["new", "new", "-", "error"],
            ["changed-verdict", "updated", "-", "error"],
            ["changed-value", "updated", "-", "error"],
            ["changed-origin", "updated", "-", "error"],
            ["no-longer-seen", "absent", "notApplicable", "none"],
            ["waived", "updated", "informational", "none"],
            ["fixed", "absent", "pass", "none"],
        ]
    );
    let results = results(&every_kind());
    let accepted = &results[5]["suppressions"][0];
    assert_eq!(accepted["status"], "accepted");
    for (result, head) in results.iter().zip([
        "New: ",
        "Another verdict (was UNKNOWN: ",
        "Another value (was FAIL: kubelet.readOnlyPort = 10255",
        "Another origin (was FAIL: ",
        "No longer seen, which mends nothing: ",
        "Accepted: ",
        "Fixed (now PASS: ",
    ]) {
        let message = result["message"]["text"].as_str().unwrap();
        assert!(message.starts_with(head), "{message}");
    }
}

/// A finding whose verdict changes, and what its result says of now.
#[test]
fn whatever_becomes_of_a_finding_its_result_says_it() {
    for (was, is, wanted) in [
        (Verdict::Pass, Verdict::Fail, Some(("new", "fail", "error"))),
        (
            Verdict::Fail,
            Verdict::Unknown,
            Some(("updated", "fail", "warning")),
        ),
        (
            Verdict::Fail,
            Verdict::Manual,
            Some(("absent", "review", "none")),
        ),
        (
            Verdict::Unknown,
            Verdict::NotApplicable,
            Some(("absent", "notApplicable", "none")),
        ),
        (
            Verdict::Unknown,
            Verdict::Pass,
            Some(("absent", "pass", "none")),
        ),
        (Verdict::Pass, Verdict::Manual, None),
        (Verdict::Manual, Verdict::Pass, None),
    ] {
        let of = |verdict| {
            let finding = Finding {
                verdict,
                ..failing("worker-1")
            };
            report(vec![node("worker-1")], vec![finding])
        };
        let comparison = compare(&of(was), &of(is));
        assert_eq!(comparison.changes.len(), 1);
        let results = results(&comparison);
        let found = results.first().map(|result| {
            let kind = result["kind"].as_str().unwrap_or("fail");
            (
                result["baselineState"].as_str().unwrap(),
                kind,
                result["level"].as_str().unwrap(),
            )
        });
        assert_eq!(found, wanted, "{was} {is}");
        let said = notifications(&comparison).join("\n");
        assert_eq!(
            said.contains("1 change is no result"),
            wanted.is_none(),
            "{said}"
        );
    }
}

#[test]
fn more_than_viewers_show_is_grouped_and_said_to_be() {
    let names: Vec<String> = (0..3_000).map(|number| format!("n{number:04}")).collect();
    let nodes = || names.iter().map(|name| node(name)).collect();
    let old = names
        .iter()
        .map(|name| failing(name))
        .chain(names.iter().map(|name| manual(name)));
    let new = names.iter().flat_map(|name| {
        let decided = Finding {
            verdict: Verdict::Fail,
            ..manual(name)
        };
        [passing(name), decided]
    });
    let comparison = compare(
        &report(nodes(), old.collect()),
        &report(nodes(), new.collect()),
    );
    let results = results(&comparison);
    let counted: Vec<(&str, u64)> = results
        .iter()
        .map(|result| {
            (
                result["properties"]["change"]["kind"].as_str().unwrap(),
                result["occurrenceCount"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        counted,
        [("changed-verdict", 3_000), ("no-longer-seen", 3_000)]
    );
    let said = notifications(&comparison).join("\n");
    assert!(said.contains("more than 5000 changes"), "{said}");
}
