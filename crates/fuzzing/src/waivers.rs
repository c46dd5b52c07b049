//! A file of waivers: read, linted, listed, held against findings, added to.

use std::sync::LazyLock;

use jiff::Timestamp;
use kubeassay_core::report::{Evidence, Finding, Fix, Subject};
use kubeassay_core::rule::Catalogue;
use kubeassay_core::{Cause, Horizon, Origin, OriginKind, Severity, Value, Verdict, Witness, text};
use kubeassay_engine::BUNDLED_RULES;
use kubeassay_report::Style;
use kubeassay_report::waivers::{
    AddError, Document, Draft, Scope, Waiving, add, lint, rows, write_rows,
};

use crate::rule_page::is_told;

/// The rule of the findings.
const RULE: &str = "kubelet-authorization-mode";

/// The rules that are part of kubeassay.
static BUNDLED: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::prepared(&BUNDLED_RULES));

/// Reads an input as a file of waivers.
pub(crate) fn run(data: &[u8]) {
    let document = match Document::read("waivers.yaml", data, &BUNDLED) {
        Ok(document) => document,
        Err(faults) => {
            assert!(!faults.is_empty(), "refused without a reason");
            for fault in &faults {
                is_told(data, fault);
            }
            return;
        }
    };
    for entry in &document.entries {
        assert!(
            !entry.rules.is_empty() && !entry.reason.is_empty() && !entry.owner.is_empty(),
            "a waiver has a rule, a reason and an owner: {entry:?}"
        );
    }
    let mut page = Vec::new();
    let style = Style {
        width: 80,
        colour: false,
    };
    let documents = std::slice::from_ref(&document);
    write_rows(&rows(documents, now()), style, &mut page).expect("a vector takes everything");
    for line in String::from_utf8_lossy(&page).lines() {
        assert_eq!(text::escape(line), line, "raw in a list");
    }
    drop(lint(documents, now(), None));
    covers(&document);
    grows(data, &document);
}

/// Asserts that waivers change nothing of findings but whether they are waived, and the same each time.
fn covers(document: &Document) {
    let verdicts = [
        Verdict::Pass,
        Verdict::Fail,
        Verdict::Unknown,
        Verdict::Manual,
        Verdict::NotApplicable,
    ];
    let before = verdicts.map(finding);
    let mut once = before.clone();
    let mut waiving = Waiving::new(vec![document.clone()], now(), None);
    waiving.apply(None, &mut once);
    let mut twice = once.clone();
    waiving.apply(None, &mut twice);
    assert_eq!(once, twice, "applied twice is applied once");
    for (before, mut after) in before.into_iter().zip(once) {
        let waived = after.waiver.take().is_some();
        assert_eq!(before, after, "a waiver changes nothing else");
        let may = matches!(before.verdict, Verdict::Fail | Verdict::Unknown);
        assert!(may || !waived, "{} is waived", before.verdict);
    }
    assert!(
        waiving.findings().iter().all(|one| one.waiver.is_none()),
        "what is said of waivers is not waived"
    );
}

/// Asserts that a file to which a waiver is added says what it said.
fn grows(data: &[u8], document: &Document) {
    let draft = Draft {
        rule: "4.2.2".to_owned(),
        title: "a title".to_owned(),
        scope: Scope::default(),
        observed: None,
        cause: None,
        reason: "r".to_owned(),
        owner: "o".to_owned(),
        ticket: None,
        created: None,
        expires: jiff::civil::Date::MAX,
    };
    match add("waivers.yaml", Some(data), &draft, &BUNDLED) {
        Ok(text) => {
            assert!(text.as_bytes().starts_with(data), "what is there stays");
            let grown = Document::read("waivers.yaml", text.as_bytes(), &BUNDLED)
                .expect("what was written can be read");
            assert_eq!(grown.entries.len(), document.entries.len() + 1);
            assert!(grown.entries.starts_with(&document.entries));
        }
        Err(AddError::Form(_)) => {}
        Err(AddError::Faulty(faults)) => {
            assert!(faults.is_empty(), "a file that was read has no faults");
        }
    }
}

fn now() -> Timestamp {
    Timestamp::UNIX_EPOCH
}

fn finding(verdict: Verdict) -> Finding {
    Finding {
        id: String::new(),
        rule: RULE.to_owned(),
        title: String::new(),
        severity: Severity::High,
        controls: Vec::new(),
        node: None,
        subject: Subject {
            key: "/var/lib/kubelet".to_owned(),
            component: "kubelet".to_owned(),
            unit: None,
            pid: None,
            exe: None,
            cgroup: None,
            object: None,
            user: None,
            in_pod: false,
            recognised_by: Vec::new(),
        },
        horizon: Horizon::Running,
        verdict,
        cause: (verdict == Verdict::Unknown).then_some(Cause::Denied),
        reason: String::new(),
        expected: String::new(),
        assumes: Vec::new(),
        witnesses: Vec::new(),
        evidence: vec![Evidence {
            setting: Some("kubelet.authorization.mode".to_owned()),
            file: None,
            object: None,
            response: None,
            value: Value::string("AlwaysAllow"),
            witness: Witness::Disk,
            observed_at: now(),
            origin: Origin::new(OriginKind::Default),
            overrode: Vec::new(),
        }],
        waiver: None,
        baseline_state: None,
        fix: Fix {
            possible: false,
            why_not: None,
            how: None,
        },
        remediation: String::new(),
    }
}
