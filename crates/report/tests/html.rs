//! The page of a report: what is in it, what joins findings, what bounds it. How it behaves in a browser: crates/cli/tests/html.rs.

#![expect(
    clippy::unwrap_used,
    reason = "clippy takes helpers of tests for no tests"
)]

mod common;
#[path = "common/pages.rs"]
mod pages;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common::{
    compliant, empty, failing, fleet, node, one_node, passing, problem, report, shown, stale_pair,
    with_prose,
};
use insta::assert_snapshot;
use kubeassay_core::report::{BaselineState, Finding, NodeStatus, Report, Waiver};
use kubeassay_core::{Bytes, Value};
use kubeassay_report::Format;
use sha2::{Digest as _, Sha256};

fn page(report: &Report) -> String {
    shown(report, Format::Html, 80, false)
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("n{number:04}")).collect()
}

/// A report in which the node at each number has the finding that is made for it.
fn of_nodes(count: usize, finding: impl Fn(usize, &str) -> Finding) -> Report {
    let names = names(count);
    let findings = names.iter().enumerate();
    let findings = findings
        .map(|(number, name)| finding(number, name))
        .collect();
    report(names.iter().map(|name| node(name)).collect(), findings)
}

fn entries(page: &str) -> usize {
    page.matches("<div class=\"entry ").count()
}

/// Returns a page without its style and program, and without the policy that has their digests.
fn structure(page: &str) -> String {
    let xml = pages::xml(page);
    let lines = xml.lines();
    let kept = lines.filter(|line| !line.contains("Content-Security-Policy"));
    kept.collect::<Vec<_>>().join("\n")
}

#[test]
fn pages_as_they_are_written() {
    assert_snapshot!("html", structure(&with_prose(&one_node(), Format::Html)));
    assert_snapshot!("html_fleet", structure(&page(&fleet())));
    assert_snapshot!("html_empty", structure(&page(&empty())));
}

#[test]
fn the_policy_allows_what_is_in_the_page_and_nothing_else() {
    let page = page(&compliant());
    let inside = |element: &str| {
        let (_, behind) = page.split_once(&format!("<{element}>")).unwrap();
        let (inside, _) = behind.split_once(&format!("</{element}>")).unwrap();
        STANDARD.encode(Sha256::digest(inside.as_bytes()))
    };
    let policy = format!(
        "content=\"default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; img-src data:; base-uri 'none'; form-action 'none'\"",
        inside("style"),
        inside("script")
    );
    assert!(page.contains(&policy), "{policy}");
    assert_eq!(page.matches("<script").count(), 1);
    assert_eq!(page.matches("<style").count(), 1);
}

#[test]
fn what_is_the_same_on_many_nodes_is_one_entry() {
    // Every third node has another value.
    let report = of_nodes(300, |number, name| {
        let mut finding = failing(name);
        if number % 3 == 0 {
            finding.evidence[0].value = Value::string("Other");
        }
        finding.subject.pid = Some(u32::try_from(number).unwrap());
        finding
    });
    let page = page(&report);
    assert_eq!(entries(&page), 2);
    assert!(page.contains("On 200 of 300 nodes."), "{page}");
    assert!(page.contains("2, 3, 5, 6, 8, 9"), "{page}");
    assert!(!page.contains("The values"), "{page}");
}

#[test]
fn too_many_places_and_values_are_joined_and_said_to_be() {
    // The same value in another place on each node: joined by value.
    let places = of_nodes(100, |number, name| Finding {
        reason: format!("line {number}"),
        ..failing(name)
    });
    let text = page(&places);
    assert_eq!(entries(&text), 1);
    assert!(
        text.contains("The values are the same; where they stand may differ."),
        "{text}"
    );
    assert!(text.contains("On all 100 nodes."), "{text}");
    // Another value on each node: joined by verdict.
    let values = of_nodes(100, |number, name| {
        let mut finding = if number % 2 == 0 {
            failing(name)
        } else {
            passing(name)
        };
        "kubelet-read-only-port".clone_into(&mut finding.rule);
        finding.evidence[0].value = Value::Int(i64::try_from(number).unwrap());
        finding
    });
    let text = page(&values);
    assert_eq!(entries(&text), 2);
    assert_eq!(text.matches("The values differ.").count(), 2, "{text}");
    assert_eq!(text.matches("On 50 of 100 nodes.").count(), 2, "{text}");
    // On one node each keeps its own.
    let mut one = report(vec![node("a")], Vec::new());
    one.findings = (0..100)
        .map(|number| {
            let mut finding = failing("a");
            finding.subject.key = format!("/file/{number}");
            finding.evidence[0].value = Value::Int(number);
            finding
        })
        .collect();
    one.summary.fail = 100;
    assert_eq!(entries(&page(&one)), 100);
}

#[test]
fn objects_of_a_cluster_are_told_by_their_names() {
    let mut report = report(vec![node("a"), node("b")], vec![failing("a")]);
    let objects = (0..700).map(|number| {
        let mut finding = Finding {
            node: None,
            rule: "roles-without-wildcards".to_owned(),
            reason: format!("the role allows {} too much", number % 70),
            ..failing("a")
        };
        "role".clone_into(&mut finding.subject.component);
        finding.subject.key = format!("Role x/{number}");
        finding.subject.object = Some(format!("Role x/{number}"));
        finding
    });
    report.findings.extend(objects);
    report.summary.fail = 701;
    let page = page(&report);
    // As many entries as there are reasons, each with its roles; nothing is said of nodes.
    assert_eq!(entries(&page), 1 + 70);
    assert!(
        page.contains("<summary>10 subjects</summary><ul><li>Role x/0, kubelet.service</li>"),
        "{page}"
    );
    let on_nodes = page.matches("<p>On ").count() - page.matches("<p>On this platform").count();
    assert_eq!(on_nodes, 1, "{page}");
}

#[test]
fn horizons_waivers_and_baseline_are_told() {
    let [running, restart] = stale_pair("worker-1");
    let waiver = Waiver {
        reason: "the old agent needs it".to_owned(),
        owner: "platform".to_owned(),
        ticket: Some("OPS-1183".to_owned()),
        created: Some("2026-11-26".to_owned()),
        expires: Some("2027-03-31".to_owned()),
        origin: Some("waivers.yaml:12".to_owned()),
    };
    let accepted = Finding {
        waiver: Some(waiver),
        ..failing("worker-1")
    };
    let new = Finding {
        baseline_state: Some(BaselineState::New),
        subject: kubeassay_core::report::Subject {
            key: "/var/lib/other".to_owned(),
            ..failing("worker-1").subject
        },
        ..failing("worker-1")
    };
    let mut nodes = vec![node("worker-1"), node("worker-2")];
    nodes[1].status = NodeStatus::Unreachable;
    let page = page(&report(nodes, vec![running, restart, accepted, new]));
    for told in [
        "now, as the process runs",
        "after the next restart",
        "<strong>Accepted by platform until 2027-03-31</strong>; the verdict stays <b>fail</b>",
        "Ticket OPS-1183, since 2026-11-26, written in waivers.yaml:12",
        "waived (fail)",
        "<b>new</b>: the baseline does not have it",
        "data-baseline=\"new\"",
        "name=\"baseline\" value=\"new\"",
        "<b>1 of 2 nodes were not scanned whole.</b>",
        "<strong class=\"missed\">not reached</strong>",
    ] {
        assert!(page.contains(told), "{told}: {page}");
    }
}

#[test]
fn whatever_there_is_it_fits_into_its_bounds_and_says_what_did_not() {
    let long = "<\u{202e}".repeat(4_000);
    let value = "&\u{202e}".repeat(100);
    let mut findings = Vec::new();
    for number in 0..3_100 {
        let mut finding = Finding {
            rule: format!("rule-{number:04}"),
            ..failing("a")
        };
        if number < 300 {
            let evidence = finding.evidence[0].clone();
            finding.evidence = vec![evidence; 60];
            for evidence in &mut finding.evidence {
                evidence.value = Value::string(value.as_str());
            }
        }
        if number == 0 {
            finding.reason.clone_from(&long);
        }
        findings.push(finding);
    }
    let nodes = names(300).into_iter().map(|name| {
        let mut node = node(&name);
        node.platform.id = Some(long.clone());
        node
    });
    let nodes = nodes.collect();
    let mut report = report(nodes, findings);
    report.problems = vec![problem("n0000"); 900];
    for problem in &mut report.problems {
        problem.reason.clone_from(&long);
        problem.path = Some(Bytes::from(long.as_str()));
        problem.affects = vec![long.clone(); 20];
    }
    report.rules.added = vec![long; 300];
    let page = page(&report);
    assert!(page.len() < 25 << 20, "{}", page.len());
    for told in [
        "There was no room for its evidence; the formats json and jsonl have it.",
        "findings of rules that have no room on the page are not here",
        "more characters)",
        "more: they are in the formats json and jsonl.",
        "more, which the format json has.",
    ] {
        assert!(page.contains(told), "{told}");
    }
}
