//! A finding as OSCAL tells it: what was observed, what follows from it, and what somebody accepted.

use jiff::Timestamp;
use jiff::civil::Date;
use kubeassay_core::report::{Evidence, Finding, Waiver};
use kubeassay_core::{Verdict, Witness};

use super::document::{
    Actor, NAMESPACE, Observation, Origin, OscalFinding, Property, RelatedObservation, RelatedRisk,
    RelevantEvidence, Risk, SubjectReference, Target, TargetStatus,
};
use super::words::{markup, string, time, token, uuid};
use crate::describe::{
    control_label, describe_evidence, describe_mending, describe_overridden, describe_waiver,
    subject_parts,
};
use crate::inert;

/// So many pieces of evidence are told of a finding; where there are more, the remarks say so.
const MAX_EVIDENCE: usize = 100;

/// A finding, as it is written.
pub(crate) struct Written {
    pub(crate) observation: Observation,
    /// None where the rule does not apply: there is nothing to be satisfied.
    pub(crate) finding: Option<OscalFinding>,
    pub(crate) risk: Option<Risk>,
}

/// What is said beside a finding.
#[derive(Clone, Copy)]
pub(crate) struct Around<'a> {
    pub(crate) started: Timestamp,
    /// What UUIDs are made of that no other run may have.
    pub(crate) key: &'a str,
    /// The UUID of the program.
    pub(crate) tool: &'a str,
    /// The UUID and the name of what was scanned.
    pub(crate) item: Option<(&'a str, &'a str)>,
}

impl Around<'_> {
    pub(crate) fn origins(&self) -> [Origin; 1] {
        [Origin {
            actors: [Actor {
                kind: "tool",
                actor_uuid: self.tool.to_owned(),
            }],
        }]
    }

    pub(crate) fn subjects(&self) -> Vec<SubjectReference> {
        let reference = self.item.map(|(uuid, name)| SubjectReference {
            subject_uuid: uuid.to_owned(),
            kind: "inventory-item",
            title: markup(name),
        });
        reference.into_iter().collect()
    }
}

/// Returns a property of ours; `name` is a token.
pub(crate) fn property(name: &'static str, value: &str) -> Property {
    Property {
        name,
        ns: Some(NAMESPACE),
        value: string(value),
    }
}

/// Returns the finding in OSCAL's words.
pub(crate) fn write(finding: &Finding, around: &Around<'_>) -> Written {
    let title = title(finding);
    let said = markup(said(finding));
    let accepted = finding.waiver.as_ref().map(describe_waiver);
    let accepted = accepted.map(|words| markup(&words));
    let status = status(finding, &said, accepted.as_deref());
    let observation_uuid = uuid(&["observation", around.key, &finding.id]);
    let related = || {
        [RelatedObservation {
            observation_uuid: observation_uuid.clone(),
        }]
    };
    let risk = finding.waiver.as_ref().map(|waiver| Risk {
        uuid: uuid(&["risk", &finding.id]),
        title: title.clone(),
        description: accepted.unwrap_or_default(),
        statement: markup(&waiver.reason),
        props: properties_of(waiver),
        status: "deviation-approved",
        deadline: waiver.expires.as_deref().and_then(end_of_day),
        related_observations: related(),
    });
    let concluded = status.map(|status| OscalFinding {
        uuid: uuid(&["finding", &finding.id]),
        title: title.clone(),
        description: said.clone(),
        props: vec![property("finding-id", &finding.id)],
        origins: around.origins(),
        remarks: match status.state {
            NOT_SATISFIED => Some(describe_mending(finding)).filter(|mending| !mending.is_empty()),
            _ => None,
        }
        .map(|mending| markup(&mending)),
        target: Target {
            kind: "objective-id",
            id: token(&finding.rule),
            status,
        },
        related_observations: related(),
        related_risks: risk
            .iter()
            .map(|risk| RelatedRisk {
                risk_uuid: risk.uuid.clone(),
            })
            .collect(),
    });
    Written {
        observation: observation(finding, around, observation_uuid, title, said),
        finding: concluded,
        risk,
    }
}

const SATISFIED: &str = "satisfied";
const NOT_SATISFIED: &str = "not-satisfied";

/// Returns whether the objective is satisfied. OSCAL knows yes and no: only a pass is a yes. What was not decided is a no with
/// the reason `other`, and what does not apply is neither.
fn status(finding: &Finding, said: &str, accepted: Option<&str>) -> Option<TargetStatus> {
    let (state, reason, words) = match finding.verdict {
        Verdict::Pass => (SATISFIED, "pass", None),
        Verdict::Fail => (NOT_SATISFIED, "fail", None),
        Verdict::Unknown => (NOT_SATISFIED, "other", Some("not decided")),
        Verdict::Manual => (NOT_SATISFIED, "other", Some("for a person to decide")),
        Verdict::NotApplicable => return None,
    };
    let words = words.map(|words| format!("{words}: {said}"));
    let remarks: Vec<String> = words
        .into_iter()
        .chain(accepted.map(str::to_owned))
        .collect();
    Some(TargetStatus {
        state,
        reason,
        remarks: (!remarks.is_empty()).then(|| remarks.join("; ")),
    })
}

fn observation(
    finding: &Finding,
    around: &Around<'_>,
    uuid: String,
    title: String,
    description: String,
) -> Observation {
    let probed = |witness| witness == Witness::Probe;
    let by_probe = finding.witnesses.iter().any(|one| probed(one.witness))
        || finding.evidence.iter().any(|one| probed(one.witness));
    let mut methods = vec!["EXAMINE"];
    if by_probe {
        methods.push("TEST");
    }
    let collected = finding.evidence.iter().map(|one| one.observed_at).max();
    let mut remarks: Vec<String> = Vec::new();
    if !finding.expected.is_empty() {
        remarks.push(format!("wanted: {}", markup(&finding.expected)));
    }
    let assumes = finding.assumes.iter();
    remarks.extend(assumes.map(|assumed| format!("taken for granted: {}", markup(assumed))));
    remarks.extend(left_out(finding));
    Observation {
        uuid,
        title,
        description,
        props: properties(finding),
        methods,
        types: vec!["control-objective"],
        origins: around.origins(),
        subjects: around.subjects(),
        relevant_evidence: read(finding).collect(),
        collected: time(collected.unwrap_or(around.started)),
        remarks: (!remarks.is_empty()).then(|| remarks.join("; ")),
    }
}

/// Returns what was read.
pub(crate) fn read(finding: &Finding) -> impl Iterator<Item = RelevantEvidence> {
    let evidence = finding.evidence.iter().take(MAX_EVIDENCE);
    evidence.map(|evidence| relevant(evidence, finding.verdict))
}

/// Returns how much was read beyond that, if there is more.
pub(crate) fn left_out(finding: &Finding) -> Option<String> {
    let more = finding.evidence.len().saturating_sub(MAX_EVIDENCE);
    (more > 0).then(|| format!("{more} more pieces of evidence are in the format json"))
}

fn properties(finding: &Finding) -> Vec<Property> {
    let mut subject = subject_parts(&finding.subject, true);
    subject.retain(|part| !part.starts_with("pid "));
    let mut props = vec![
        property("verdict", finding.verdict.as_str()),
        property("severity", finding.severity.as_str()),
        property("rule", &finding.rule),
        property("horizon", finding.horizon.as_str()),
        property("component", &finding.subject.component),
        property("subject", &subject.join(", ")),
    ];
    if let Some(cause) = finding.cause {
        props.push(property("cause", cause.as_str()));
    }
    if finding.subject.in_pod {
        props.push(property("in-workload", "true"));
    }
    if finding.waiver.is_some() {
        props.push(property("waived", "true"));
    }
    if let Some(state) = finding.baseline_state {
        props.push(property(
            "baseline-state",
            &format!("{state:?}").to_lowercase(),
        ));
    }
    props
}

fn relevant(evidence: &Evidence, verdict: Verdict) -> RelevantEvidence {
    let (what, place) = describe_evidence(evidence, verdict);
    let origin = &evidence.origin;
    let mut props = vec![property("witness", evidence.witness.as_str())];
    let path = origin.path.as_deref().or(evidence.file.as_ref());
    props.extend(path.map(|path| property("file", &path.to_string())));
    for (name, number) in [("line", origin.line), ("column", origin.column)] {
        props.extend(number.map(|number| property(name, &number.to_string())));
    }
    let overrode = evidence.overrode.iter();
    let overrode: Vec<String> = overrode
        .map(|lost| markup(&describe_overridden(lost)))
        .collect();
    RelevantEvidence {
        description: told(&what, &place),
        props,
        remarks: (!overrode.is_empty()).then(|| overrode.join("; ")),
    }
}

/// Returns what was read and where, as code between words of ours: `x = y` from `/z:1:2`.
fn told(what: &str, place: &str) -> String {
    let what = inert::code(what);
    match place.split_once(' ') {
        Some((word, place)) => format!("{what} {word} {}", inert::code(place)),
        None => what,
    }
}

fn properties_of(waiver: &Waiver) -> Vec<Property> {
    let mut props = vec![property("owner", &waiver.owner)];
    for (name, value) in [
        ("ticket", &waiver.ticket),
        ("created", &waiver.created),
        ("expires", &waiver.expires),
        ("waiver", &waiver.origin),
    ] {
        props.extend(value.as_deref().map(|value| property(name, value)));
    }
    props
}

/// Returns the last second of a day, if it is one that a time can say.
fn end_of_day(day: &str) -> Option<String> {
    let date: Date = day.parse().ok()?;
    let in_range = (1900..3000).contains(&date.year());
    in_range.then(|| format!("{date}T23:59:59Z"))
}

fn title(finding: &Finding) -> String {
    let label = control_label(&finding.controls, &finding.rule);
    let title = format!("{} ({label}, {})", finding.title, finding.horizon);
    markup(&title)
}

/// Returns why it is so, or else what it is.
pub(crate) fn said(finding: &Finding) -> &str {
    if finding.reason.is_empty() {
        &finding.title
    } else {
        &finding.reason
    }
}
