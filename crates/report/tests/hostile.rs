//! What a tenant of the host wrote never reaches the reader's terminal as it is.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "clippy takes helpers of tests for no tests"
)]

mod common;

use std::sync::Arc;

use common::{evidence, failing, in_pod, node, passing, problem, report, shown, stale_pair};
use kubeassay_core::explanation::{Explanation, Layer, LayerState};
use kubeassay_core::report::{Cluster, Finding, Overridden, Report, User, Waiver};
use kubeassay_core::{Bytes, Cause, Origin, OriginKind, Place, Severity, Value, Verdict};
use kubeassay_report::list::{RuleRow, write_rules};
use kubeassay_report::{Format, Style, explain};
use proptest::prelude::{Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};
use proptest::test_runner::TestCaseError;

/// Every text of a finding, replaced.
fn poisoned(mut finding: Finding, text: &str) -> Finding {
    let bytes = || Arc::new(Bytes::from(text));
    let origin = |kind| Origin {
        path: Some(bytes()),
        name: Some(text.into()),
        version: Some(text.into()),
        url: Some(text.into()),
        text: Some(bytes()),
        via: vec![Place { line: 1, column: 2 }],
        ..Origin::new(kind)
    };
    let kinds = [
        OriginKind::Default,
        OriginKind::File,
        OriginKind::DropIn,
        OriginKind::Flag,
        OriginKind::Environment,
        OriginKind::Unit,
        OriginKind::Live,
        OriginKind::Api,
    ];
    let poison = || {
        let entry = [(text.to_owned(), Value::string(text))];
        Value::List(vec![Value::string(text), Value::Map(entry.into())])
    };
    finding.evidence = kinds
        .map(|kind| evidence(text, poison(), origin(kind)))
        .to_vec();
    finding.evidence[0].overrode = vec![Overridden {
        value: poison(),
        origin: origin(OriginKind::File),
    }];
    finding.evidence[1].setting = None;
    finding.evidence[1].file = Some(Bytes::from(text));
    for control in &mut finding.controls {
        text.clone_into(&mut control.framework);
        text.clone_into(&mut control.control);
    }
    let texts = [
        &mut finding.rule,
        &mut finding.title,
        &mut finding.reason,
        &mut finding.expected,
        &mut finding.remediation,
        &mut finding.subject.key,
        &mut finding.subject.component,
    ];
    for field in texts {
        text.clone_into(field);
    }
    finding.assumes = vec![text.to_owned()];
    finding.subject.unit = Some(Bytes::from(text));
    finding.subject.user = Some(User {
        id: 0,
        name: Some(Bytes::from(text)),
    });
    finding
}

fn poisoned_report(text: &str) -> Report {
    let [running, restart] = stale_pair("worker-1");
    let waiver = Waiver {
        reason: text.to_owned(),
        owner: text.to_owned(),
        ticket: Some(text.to_owned()),
        created: Some(text.to_owned()),
        expires: Some(text.to_owned()),
        origin: Some(text.to_owned()),
    };
    let findings = [
        failing("worker-1"),
        Finding {
            cause: Some(Cause::Missing),
            ..running
        },
        restart,
        in_pod(failing("worker-1")),
        passing("worker-1"),
        Finding {
            verdict: Verdict::Manual,
            ..passing("worker-2")
        },
        Finding {
            waiver: Some(waiver),
            ..failing("worker-2")
        },
    ];
    let findings = findings.map(|finding| poisoned(finding, text)).to_vec();
    let mut report = report(vec![node("worker-1"), node("worker-2")], findings);
    for node in &mut report.scanned.nodes {
        text.clone_into(&mut node.name);
        node.root = Some(Bytes::from(text));
        node.platform.id = Some(text.to_owned());
        text.clone_into(&mut node.kubernetes_version.as_mut().unwrap().value);
        node.status = kubeassay_core::report::NodeStatus::Partial;
    }
    report.scanned.cluster = Some(Cluster {
        uid: Some(text.to_owned()),
        server: text.to_owned(),
        version: Some(text.to_owned()),
    });
    report.problems = vec![problem("worker-1")];
    text.clone_into(&mut report.problems[0].reason);
    report.problems[0].path = Some(Bytes::from(text));
    report.problems[0].affects = vec![text.to_owned()];
    report.rules.benchmark = Some(text.to_owned());
    report.rules.added = vec![text.to_owned()];
    report.rules.replaced = vec![text.to_owned()];
    text.clone_into(&mut report.gate.reason);
    report
}

fn explained(text: &str, colour: bool) -> String {
    let finding = poisoned(failing("worker-1"), text);
    let layers = finding.evidence.iter().map(|evidence| Layer {
        name: text.to_owned(),
        state: LayerState::Won,
        value: Some(evidence.value.clone()),
        origin: Some(evidence.origin.clone()),
        note: Some(text.to_owned()),
    });
    let explanation = Explanation {
        setting: text.to_owned(),
        layers: layers.collect(),
        subject: finding.subject,
        versions: vec![text.to_owned()],
        effective: Some(Value::string(text)),
        verdict_line: Some(text.to_owned()),
        notes: vec![text.to_owned()],
    };
    let mut out = Vec::new();
    explain::write(&explanation, Style { width: 60, colour }, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn listed(text: &str, colour: bool) -> String {
    let row = RuleRow {
        id: text.to_owned(),
        control: Some(text.to_owned()),
        severity: Severity::High,
        title: text.to_owned(),
    };
    let mut out = Vec::new();
    write_rules(&[row], Style { width: 60, colour }, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// Everything for people, with this text wherever foreign text may stand.
fn pages(text: &str, colour: bool) -> [String; 4] {
    let report = poisoned_report(text);
    [
        shown(&report, Format::Table, 60, colour),
        shown(&report, Format::Wide, 60, colour),
        explained(text, colour),
        listed(text, colour),
    ]
}

/// Fails unless the page is lines of what a terminal shows as it is written.
fn is_harmless(page: &str) -> Result<(), TestCaseError> {
    for line in page.lines() {
        prop_assert_eq!(kubeassay_core::text::escape(line), line);
    }
    Ok(())
}

fn foreign() -> impl Strategy<Value = String> {
    let nasty = "[a-z \\n\\r\\t\\x00\\x07\\x08\\x1b\\[\\]m;31\u{9b}\u{85}\u{200b}\u{202e}\u{2028}\u{e0041}日]{0,40}";
    prop_oneof![any::<String>(), nasty]
}

proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(32))]

    #[test]
    fn nothing_raw_without_colour(text in foreign()) {
        for page in pages(&text, false) {
            is_harmless(&page)?;
        }
    }

    #[test]
    fn only_our_own_escapes_with_colour(text in foreign()) {
        for (page, plain) in pages(&text, true).iter().zip(pages(&text, false)) {
            let mut rest = page.clone();
            for ours in ["\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[32m", "\x1b[33m"] {
                rest = rest.replace(ours, "");
            }
            prop_assert!(!rest.contains('\x1b'), "{rest:?}");
            prop_assert_eq!(rest, plain);
        }
    }
}

#[test]
fn a_flood_is_cut_and_said_to_be() {
    for page in pages(&"x".repeat(1 << 18), false) {
        assert!(page.len() < 1 << 18, "{}", page.len());
        assert!(page.contains("more characters"), "{page}");
    }
}
