//! Markdown for a comment on a pull request.

mod common;
#[path = "common/marks.rs"]
mod marks;

use common::{compliant, empty, failing, fleet, node, one_node, problem, report, shown};
use insta::assert_snapshot;
use kubeassay_core::report::{BaselineState, Finding, NodeStatus, Report};
use kubeassay_core::{Bytes, Value};
use kubeassay_report::{Format, markdown};

fn page(report: &Report) -> String {
    shown(report, Format::Markdown, 80, false)
}

#[test]
fn pages_as_they_are_written() {
    assert_snapshot!("markdown", page(&one_node()));
    assert_snapshot!("markdown_fleet", page(&fleet()));
    assert_snapshot!("markdown_compliant", page(&compliant()));
    assert_snapshot!("markdown_empty", page(&empty()));
}

#[test]
fn one_entry_stands_for_a_value_on_many_nodes() {
    let names: Vec<String> = (0..3_000).map(|number| format!("n{number:04}")).collect();
    let findings = names.iter().map(|name| failing(name)).collect();
    let page = page(&report(
        names.iter().map(|name| node(name)).collect(),
        findings,
    ));
    assert!(
        page.contains("3000 times on 3000 nodes, such as `n0000`"),
        "{page}"
    );
    assert!(page.contains("and 2990 more"), "{page}");
    assert!(page.len() < 3_000, "{}", page.len());
}

#[test]
fn however_much_there_is_it_fits_into_a_comment() {
    let long = "@\u{202e}<".repeat(500);
    let names: Vec<String> = (0..900).map(|number| format!("{long}{number}")).collect();
    let mut findings = Vec::new();
    let mut nodes = Vec::new();
    for name in &names {
        let mut finding = Finding {
            rule: format!("{name}-rule"),
            reason: long.clone(),
            ..failing(name)
        };
        finding.evidence[0].value = Value::string(name.as_str());
        findings.push(finding);
        let mut node = node(name);
        node.status = NodeStatus::Partial;
        nodes.push(node);
    }
    let mut report = report(nodes, findings);
    report.problems = vec![problem("worker-1"); 900];
    for problem in &mut report.problems {
        problem.reason.clone_from(&long);
        problem.path = Some(Bytes::from(long.as_str()));
    }
    report.rules.added = vec![long.clone(); 100];
    report.gate.reason = long;
    let page = page(&report);
    assert!(page.len() <= markdown::MAX_BYTES, "{}", page.len());
    assert!(page.contains("more findings do not fit"), "{page}");
    drop(marks::read(&page));
    assert_eq!(
        page.matches("<details>").count(),
        page.matches("</details>").count()
    );
}

#[test]
fn what_is_new_is_marked() {
    for (state, mark) in [
        (BaselineState::New, "high, **new**"),
        (BaselineState::Updated, "high, **changed**"),
        (BaselineState::Unchanged, "high, known"),
    ] {
        let finding = Finding {
            baseline_state: Some(state),
            ..failing("worker-1")
        };
        let page = page(&report(vec![node("worker-1")], vec![finding]));
        assert!(page.contains(mark), "{page}");
    }
}
