//! `JUnit` XML: against what its schemas ask for.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "clippy takes helpers of tests for no tests"
)]

mod common;
#[path = "common/poison.rs"]
mod poison;
#[path = "common/suites.rs"]
mod suites;

use common::{compliant, empty, failing, fleet, node, one_node, passing, report, shown};
use insta::assert_snapshot;
use kubeassay_core::report::{Finding, Report};
use kubeassay_report::Format;
use poison::poisoned_report;
use roxmltree::{Document, Node};
use suites::faults;

fn junit(report: &Report) -> String {
    shown(report, Format::Junit, 80, false)
}

#[test]
fn document_as_it_is_written() {
    assert_snapshot!("junit", junit(&one_node()));
}

#[test]
fn it_is_what_both_schemas_ask_for() {
    for report in [
        one_node(),
        fleet(),
        compliant(),
        empty(),
        poisoned_report(" <a  b> "),
    ] {
        assert_eq!(faults(&junit(&report)), [""; 0]);
    }
    let good = junit(&one_node());
    for (from, to) in [
        ("<testsuites>", "<testsuites name=\"x\">"),
        (" package=\"kubeassay\"", ""),
        ("<failure type=\"high\"", "<failure"),
        ("<system-out></system-out>", "<skipped/>"),
        ("name=\"worker-1\"", "name=\" worker-1\""),
    ] {
        assert!(good.contains(from), "{from}");
        assert_ne!(faults(&good.replace(from, to)), [""; 0], "{from}");
    }
}

#[test]
fn the_head_says_what_was_scanned() {
    let text = junit(&fleet());
    let second = text.lines().nth(1).unwrap();
    assert!(second.contains("source facts"), "{second}");
    let document = Document::parse(&text).unwrap();
    let suites: Vec<Node<'_, '_>> = document
        .descendants()
        .filter(|node| node.has_tag_name("testsuite"))
        .collect();
    for suite in &suites {
        let source = suite
            .descendants()
            .find(|node| node.attribute("name") == Some("source"));
        assert_eq!(source.unwrap().attribute("value"), Some("facts"));
    }
    let names: Vec<_> = suites
        .iter()
        .map(|suite| suite.attribute("name").unwrap())
        .collect();
    // Also one that was not reached: it has no test, and a property that says why.
    assert_eq!(
        names,
        ["worker-1", "worker-2", "worker-9", "worker-10", "scan"]
    );
    assert!(text.contains("<property name=\"node-status\" value=\"not reached\"/>"));
    assert!(text.contains("<property name=\"complete\" value=\"false\"/>"));
}

#[test]
fn components_in_workloads_have_suites_of_their_own_where_they_count() {
    let mut report = fleet();
    assert!(junit(&report).contains("name=\"in-workloads-not-counted\" value=\"1\""));
    report.summary.fail += 1;
    let text = junit(&report);
    assert!(
        text.contains("<testsuite name=\"worker-1 (in workloads)\""),
        "{text}"
    );
    assert_eq!(text.matches("<failure").count(), report.summary.fail);
}

#[test]
fn findings_of_the_cluster_have_a_suite_of_their_own() {
    let of_cluster = Finding {
        node: None,
        ..failing("worker-1")
    };
    let text = junit(&report(
        vec![node("worker-1")],
        vec![passing("worker-1"), of_cluster],
    ));
    assert!(text.contains("<testsuite name=\"cluster\""), "{text}");
}

#[test]
fn a_flood_is_cut_and_said_to_be() {
    let finding = Finding {
        reason: "&".repeat(1 << 18),
        ..failing("worker-1")
    };
    let text = junit(&report(vec![node("worker-1")], vec![finding]));
    assert!(text.len() < 1 << 17, "{}", text.len());
    assert!(text.contains("more characters"));
}
