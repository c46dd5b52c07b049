//! `JUnit` XML of what changed.

use insta::assert_snapshot;
use kubeassay_core::report::Finding;
use kubeassay_report::Format;
use roxmltree::{Document, Node};

use super::{Comparison, Counts, compare, every_kind, nothing, poisoned, proof, tally, written};
use crate::common::{failing, in_pod, node, report};
use crate::suites::faults;

fn junit(changes: &Comparison) -> String {
    written(changes, Format::Junit, 80, false)
}

/// Returns how many changes of each kind the document has.
pub(crate) fn counts(document: &str) -> Counts {
    let document = Document::parse(document).unwrap();
    let cases: Vec<String> = cases(&document).map(|case| kind(&case)).collect();
    let counts = tally(cases.into_iter());
    let told = document.descendants().filter_map(|node| {
        let kind = node.attribute("name")?.strip_prefix("changes-")?;
        Some((kind.to_owned(), node.attribute("value")?.parse().ok()?))
    });
    let told: Counts = told.filter(|(_, count)| *count > 0).collect();
    assert_eq!(counts, told);
    counts
}

fn cases<'a, 'input>(
    document: &'a Document<'input>,
) -> impl Iterator<Item = Node<'a, 'input>> + use<'a, 'input> {
    let nodes = document.descendants();
    nodes.filter(|node| node.has_tag_name("testcase"))
}

/// Returns the kind of a case's change, which ends its name.
fn kind(case: &Node<'_, '_>) -> String {
    let name = case.attribute("name").unwrap();
    let (_, kind) = name.strip_suffix(')').unwrap().rsplit_once(" (").unwrap();
    kind.to_owned()
}

/// Returns the outcome of the case of a kind, and its message.
fn outcome<'a>(document: &'a Document<'_>, wanted: &str) -> (&'a str, &'a str) {
    let case = cases(document).find(|case| kind(case) == wanted).unwrap();
    case.first_element_child()
        .map_or(("passed", ""), |outcome| {
            let message = outcome.attribute("message").unwrap();
            (outcome.tag_name().name(), message)
        })
}

#[test]
fn document_as_it_is_written() {
    assert_snapshot!("changes_junit", junit(&every_kind()));
    assert_snapshot!("changes_junit_none", junit(&nothing()));
}

#[test]
fn it_is_what_both_schemas_ask_for() {
    for changes in [every_kind(), nothing(), poisoned(" <a  b> ")] {
        assert_eq!(faults(&junit(&changes)), [""; 0]);
    }
}

#[test]
fn no_foreign_text_acts() {
    for text in proof::corpus() {
        let document = junit(&poisoned(&text));
        proof::proof(Format::Junit, &document);
        assert_eq!(faults(&document), [""; 0]);
        // Also behind a title that is cut.
        assert!(counts(&document).values().sum::<usize>() > 0);
    }
}

#[test]
fn the_head_says_what_was_compared() {
    let text = junit(&every_kind());
    let second = text.lines().nth(1).unwrap();
    let head = "<!-- tool kubeassay, version 0.1.0, old old.jsonl, old-source live, ";
    assert!(second.starts_with(head), "{second}");
    assert!(second.contains(", new new.jsonl, "), "{second}");
}

#[test]
fn only_what_needs_action_now_is_a_failure_or_an_error() {
    let text = junit(&every_kind());
    let document = Document::parse(&text).unwrap();
    for (kind, wanted, head) in [
        ("new", "failure", "new: "),
        ("changed-verdict", "failure", "changed-verdict: "),
        ("changed-value", "failure", "changed-value: "),
        ("changed-origin", "failure", "changed-origin: "),
        ("no-longer-seen", "skipped", "no longer seen, was fail: "),
        ("waived", "skipped", "waived: fail, waived by "),
        ("fixed", "passed", ""),
    ] {
        let (outcome, message) = outcome(&document, kind);
        assert_eq!(outcome, wanted, "{kind}");
        assert!(message.starts_with(head), "{message}");
    }
}

/// Returns the names of the suites.
fn suites(text: &str) -> Vec<String> {
    let document = Document::parse(text).unwrap();
    let suites = document
        .descendants()
        .filter(|node| node.has_tag_name("testsuite"));
    suites
        .map(|suite| suite.attribute("name").unwrap().to_owned())
        .collect()
}

#[test]
fn a_suite_for_each_node_on_which_something_changed() {
    let text = junit(&every_kind());
    assert_eq!(suites(&text), ["worker-1", "worker-2", "worker-3", "diff"]);
    assert!(text.contains("<property name=\"node-status\" value=\"not in the newer report\"/>"));
    assert!(text.contains("<system-out>node came: worker-3\nnode went: worker-2</system-out>"));
}

#[test]
fn the_cluster_and_components_in_workloads_have_suites_of_their_own() {
    let of_cluster = Finding {
        node: None,
        id: "of-cluster".to_owned(),
        ..failing("worker-1")
    };
    let nodes = || vec![node("worker-1")];
    let findings = vec![failing("worker-1"), in_pod(failing("worker-1")), of_cluster];
    let changes = compare(&report(nodes(), vec![]), &report(nodes(), findings));
    assert_eq!(
        suites(&junit(&changes)),
        ["worker-1", "cluster", "worker-1 (in workloads)", "diff"]
    );
}

#[test]
fn doubts_are_told_and_nodes_beyond_those_that_have_room_are_counted() {
    let nodes = (0..1_002).map(|number| node(&format!("worker-{number}")));
    let old = report(vec![], vec![]);
    let mut new = report(nodes.collect(), vec![]);
    new.rules.digest = "other\n<rules>".to_owned();
    let text = junit(&compare(&old, &new));
    proof::proof(Format::Junit, &text);
    assert!(text.contains("2 more nodes that came are in the format json</system-out>"));
    assert!(text.contains("<system-err>they were judged by different rules"));
}
