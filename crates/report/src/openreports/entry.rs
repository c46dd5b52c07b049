//! A finding as a result.

use std::collections::BTreeMap;

use kubeassay_core::report::{BaselineState, Finding};
use kubeassay_core::{Verdict, text};

use super::SOURCE;
use super::document::{Entry, Outcome, Reference, Seconds};
use crate::describe::{
    control_label, describe_evidence, describe_overridden, describe_waiver, subject_parts,
};
use crate::open::needs_action;

/// A text of a result has no more characters.
pub(crate) const LONGEST: usize = 1_000;
/// A name or a number has no more.
pub(crate) const SHORT: usize = 200;
/// So many things that were read are told.
const MOST_READ: usize = 8;

/// Returns what is said of a finding.
pub(crate) fn of(finding: &Finding, time: Seconds) -> Entry {
    let waived = finding.waiver.is_some();
    let decided = matches!(
        finding.verdict,
        Verdict::Pass | Verdict::Fail | Verdict::Unknown
    );
    let component = &finding.subject.component;
    Entry {
        policy: cut(&finding.rule, SHORT),
        rule: cut(&control_label(&finding.controls, &finding.rule), SHORT),
        result: outcome(finding.verdict, waived),
        severity: Some(finding.severity),
        category: (!component.is_empty()).then(|| cut(component, SHORT)),
        message: message(finding),
        scored: decided && !waived,
        source: SOURCE,
        timestamp: time,
        resources: finding
            .subject
            .object
            .as_deref()
            .and_then(resource)
            .into_iter()
            .collect(),
        properties: properties(finding),
    }
}

/// Returns what a verdict is called here. `error` is what could not be evaluated, so that an unknown is never taken for
/// a pass, nor for something that nobody meant to evaluate (`skip`).
pub(crate) const fn outcome(verdict: Verdict, waived: bool) -> Outcome {
    match verdict {
        _ if waived => Outcome::Skip,
        Verdict::Pass => Outcome::Pass,
        Verdict::Fail => Outcome::Fail,
        Verdict::Unknown => Outcome::Error,
        Verdict::Manual => Outcome::Warn,
        Verdict::NotApplicable => Outcome::Skip,
    }
}

fn message(finding: &Finding) -> String {
    let what = if finding.reason.is_empty() {
        &finding.title
    } else {
        &finding.reason
    };
    let said = match (&finding.waiver, finding.verdict) {
        (Some(waiver), verdict) => format!("{verdict}, {}; {what}", describe_waiver(waiver)),
        (None, Verdict::Unknown) => format!("Not decided: {what}"),
        (None, Verdict::Manual) => format!("For a person to decide: {what}"),
        (None, Verdict::NotApplicable) => format!("Does not apply: {what}"),
        (None, Verdict::Pass | Verdict::Fail) => what.clone(),
    };
    cut(&said, LONGEST)
}

fn properties(finding: &Finding) -> BTreeMap<&'static str, String> {
    // Without the process's number: a result is the same after a restart.
    let mut subject = subject_parts(&finding.subject, true);
    subject.retain(|part| !part.starts_with("pid "));
    let subject = subject.join(", ");
    let mut properties = BTreeMap::from([
        // Policy Reporter takes its id of a result from here, so that a finding is the same one in the next report.
        ("resultID", cut(&finding.id, SHORT)),
        ("verdict", finding.verdict.as_str().to_owned()),
        ("horizon", finding.horizon.as_str().to_owned()),
        ("subject", cut(&subject, SHORT)),
        ("title", cut(&finding.title, SHORT)),
    ]);
    let mut add = |name, value: &str, most| {
        if !value.is_empty() {
            properties.insert(name, cut(value, most));
        }
    };
    if finding.subject.in_pod {
        add("inWorkload", "true", SHORT);
    }
    if let Some(cause) = finding.cause {
        add("cause", cause.as_str(), SHORT);
    }
    if let Some(waiver) = &finding.waiver {
        add("waivedBy", &waiver.owner, SHORT);
        add(
            "waivedUntil",
            waiver.expires.as_deref().unwrap_or_default(),
            SHORT,
        );
    }
    if let Some(state) = finding.baseline_state {
        let state = match state {
            BaselineState::New => "new",
            BaselineState::Unchanged => "unchanged",
            BaselineState::Updated => "updated",
        };
        add("baselineState", state, SHORT);
    }
    // What passes, and what was accepted, is told in short: there is room for what needs action.
    if needs_action(finding) || finding.verdict == Verdict::Manual {
        add("expected", &finding.expected, LONGEST);
        add("actual", &actual(finding), LONGEST);
        add("remediation", &finding.remediation, LONGEST);
        if finding.fix.possible {
            add("fixable", "true", SHORT);
        }
    }
    properties
}

/// Returns what was read and from where, with what it overrode.
fn actual(finding: &Finding) -> String {
    let mut said = Vec::new();
    for evidence in finding.evidence.iter().take(MOST_READ) {
        let (what, place) = describe_evidence(evidence, finding.verdict);
        said.push(format!("{what} {place}").trim_end().to_owned());
        said.extend(evidence.overrode.first().map(describe_overridden));
    }
    let more = finding.evidence.len().saturating_sub(MOST_READ);
    if more > 0 {
        said.push(format!("and {more} more"));
    }
    said.join("; ")
}

/// Returns the object that is called `ConfigMap kube-system/kubelet-config`.
fn resource(object: &str) -> Option<Reference> {
    let (kind, name) = object.split_once(' ')?;
    let is_kind = !kind.is_empty() && kind.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !is_kind || name.is_empty() || name.contains(' ') {
        return None;
    }
    let (namespace, name) = match name.split_once('/') {
        Some((namespace, name)) => (Some(namespace), name),
        None => (None, name),
    };
    Some(Reference {
        api_version: None,
        kind: cut(kind, SHORT),
        namespace: namespace.map(|namespace| cut(namespace, SHORT)),
        name: cut(name, SHORT),
        uid: None,
    })
}

/// Returns foreign text as one line of what is seen, at most so many characters of it.
pub(crate) fn cut(foreign: &str, most: usize) -> String {
    // An escape is longer than what it stands for, so that no more of it can be needed.
    let end = foreign.char_indices().nth(most + 1).map(|(at, _)| at);
    let mut text = text::escape(
        foreign
            .get(..end.unwrap_or(foreign.len()))
            .unwrap_or(foreign),
    );
    if text.char_indices().nth(most).is_some() {
        let kept = text.char_indices().nth(most.saturating_sub(1));
        text.truncate(kept.map_or(0, |(at, _)| at));
        text.push('…');
    }
    text
}
