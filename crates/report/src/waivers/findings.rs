//! Findings about waivers.

use std::sync::Arc;

use jiff::Timestamp;
use kubeassay_core::report::{Evidence, Finding, Fix, Subject};
use kubeassay_core::{
    Bytes, Cause, Horizon, Origin, OriginKind, Value, Verdict, Witness, finding_id,
};

use super::document::Entry;
use super::notice::{Kind, Notice};

/// The component of findings about waivers.
pub const COMPONENT: &str = "waiver";

/// The rules of findings about waivers: they have no page, and no waiver covers them.
pub const RULES: [&str; 5] = [
    Kind::Expired.rule(),
    Kind::Changed.rule(),
    Kind::Unused.rule(),
    Kind::TooBroad.rule(),
    Kind::Contradicting.rule(),
];

/// Returns the finding of a notice. It belongs to no node, as a waiver does; the reason names those it is about.
pub(super) fn of(notice: &Notice, entries: &[Entry], observed_at: Timestamp) -> Option<Finding> {
    let entry = entries.get(notice.entry)?;
    let other = notice.other.and_then(|index| entries.get(index));
    let kind = notice.kind;
    let key = match other {
        Some(other) => format!("{} {}", entry.key, other.key),
        None => entry.key.clone(),
    };
    let evidence = |entry: &Entry| {
        let path = Bytes::from(&*entry.file);
        Evidence {
            setting: None,
            file: Some(path.clone()),
            object: None,
            response: None,
            value: Value::string(format!("{} until {}", entry.rule, entry.expires)),
            witness: Witness::Disk,
            observed_at,
            origin: Origin::file(OriginKind::File, Arc::new(path), entry.line, entry.column),
            overrode: Vec::new(),
        }
    };
    let verdict = kind.verdict();
    Some(Finding {
        id: finding_id(kind.rule(), "", &key, Horizon::Running),
        rule: kind.rule().to_owned(),
        title: kind.title().to_owned(),
        severity: kind.severity(),
        controls: Vec::new(),
        node: None,
        subject: Subject {
            key,
            component: COMPONENT.to_owned(),
            unit: None,
            pid: None,
            exe: None,
            cgroup: None,
            object: Some(entry.origin()),
            user: None,
            in_pod: false,
            recognised_by: Vec::new(),
        },
        horizon: Horizon::Running,
        verdict,
        // Whether it is still wanted is for its owner to say.
        cause: (verdict == Verdict::Manual).then_some(Cause::NeedsChoice),
        reason: notice.reason.clone(),
        expected: kind.expected().to_owned(),
        assumes: Vec::new(),
        witnesses: Vec::new(),
        evidence: std::iter::once(entry).chain(other).map(evidence).collect(),
        waiver: None,
        baseline_state: None,
        fix: Fix {
            possible: false,
            why_not: (verdict == Verdict::Fail)
                .then(|| "a waiver is for its owner to change".to_owned()),
            how: None,
        },
        remediation: kind.remediation().to_owned(),
    })
}
