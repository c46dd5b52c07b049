//! The event of a finding, and what all events say: a scan and a comparison have a file each.

use jiff::Timestamp;
use kubeassay_core::report::{BaselineState, Cluster, Finding, Node, Tool};
use kubeassay_core::{Cause, OriginKind, Severity, Verdict};

use super::VERSION;
use super::event::{
    Activity, Analytic, Attack, Check, Compliance, Data, Event, EvidenceFile, Evidences,
    FindingInfo, Lost, Metadata, Product, Remediation, Resource, Status, Tag, Technique, Unmapped,
    UnmappedFinding,
};
use crate::describe::{
    control_label, describe_mending, describe_origin, describe_waiver, subject_parts,
};

/// So many pieces of evidence are told of a finding; where there are more, `metadata.is_truncated` says so.
pub(crate) const MAX_EVIDENCE: usize = 100;
/// The framework whose numbers are techniques of attackers, and nothing to comply with.
const ATTACK: &str = "attack";

/// What all events of a scan say.
#[derive(Debug)]
pub(crate) struct Scan {
    started: Timestamp,
    metadata: Metadata,
    /// The same, of an event that does not tell everything.
    truncated: Metadata,
    cluster: Option<Resource>,
}

/// Returns what an event says first. `facts` are what it is of; what has a field of its own is left out of the tags.
pub(crate) fn metadata(
    tool: &Tool,
    source: &'static str,
    schema: &str,
    facts: Vec<(&'static str, String)>,
) -> Metadata {
    Metadata {
        source,
        product: Product {
            name: tool.name.clone(),
            vendor_name: "kubeassay",
            version: tool.version.clone(),
        },
        version: VERSION,
        log_name: schema.to_owned(),
        tags: facts
            .into_iter()
            .filter(|(name, _)| !["tool", "version", "source"].contains(name))
            .map(|(name, value)| Tag { name, value })
            .collect(),
        is_truncated: false,
    }
}

impl Scan {
    pub(crate) fn new(metadata: Metadata, started: Timestamp, cluster: Option<&Cluster>) -> Self {
        let cluster = cluster.map(|cluster| Resource {
            uid: cluster.uid.clone(),
            name: cluster.server.clone(),
            kind: "Kubernetes cluster".to_owned(),
            version: cluster.version.clone(),
            role_id: RELATED,
        });
        Self {
            started,
            truncated: Metadata {
                is_truncated: true,
                ..metadata.clone()
            },
            metadata,
            cluster,
        }
    }

    /// Returns when it began.
    pub(crate) const fn started(&self) -> Timestamp {
        self.started
    }

    /// Returns what an event says first that does not tell everything.
    pub(crate) const fn truncated(&self) -> &Metadata {
        &self.truncated
    }

    pub(crate) fn event(
        &self,
        info: FindingInfo,
        compliance: Compliance,
        message: String,
    ) -> Event<'_> {
        let (activity_id, activity_name, type_uid, type_name) = Activity::Create.fields();
        Event {
            metadata: &self.metadata,
            message,
            class_uid: 2003,
            class_name: "Compliance Finding",
            category_uid: 2,
            category_name: "Findings",
            activity_id,
            activity_name,
            type_uid,
            type_name,
            time: self.started.as_millisecond(),
            severity_id: 0,
            severity: "Unknown",
            status_id: None,
            status: None,
            status_detail: None,
            finding_info: info,
            compliance,
            resources: self.cluster.iter().cloned().collect(),
            evidences: Vec::new(),
            remediation: None,
            unmapped: Unmapped::None,
        }
    }

    pub(crate) fn info(&self, kind: &'static str, uid: String, title: String) -> FindingInfo {
        FindingInfo {
            uid,
            title,
            desc: None,
            types: [kind],
            created_time: self.started.as_millisecond(),
            modified_time: None,
            last_seen_time: None,
            data_sources: [self.metadata.source],
            analytic: None,
            attacks: Vec::new(),
        }
    }

    /// Returns the event of a finding; `node` is the one that it is of.
    pub(crate) fn of_finding(&self, finding: &Finding, node: Option<&Resource>) -> Event<'_> {
        let info = FindingInfo {
            desc: said(&finding.reason),
            analytic: Some(Analytic {
                uid: finding.rule.clone(),
                name: finding.rule.clone(),
                type_id: 1,
                kind: "Rule",
            }),
            attacks: attacks(finding),
            ..self.info("finding", finding.id.clone(), finding.title.clone())
        };
        let mut event = self.event(info, compliance(finding), message(finding, node));
        (event.severity_id, event.severity) = match finding.verdict {
            Verdict::Pass | Verdict::NotApplicable => (1, "Informational"),
            Verdict::Fail | Verdict::Unknown | Verdict::Manual => severity(finding.severity),
        };
        if matches!(
            finding.baseline_state,
            Some(BaselineState::Unchanged | BaselineState::Updated)
        ) {
            event.set_activity(Activity::Update);
        }
        let state = match (&finding.waiver, finding.verdict) {
            (Some(_), _) => Some((3, "Suppressed")),
            (None, Verdict::Fail | Verdict::Unknown | Verdict::Manual) => Some((1, "New")),
            (None, Verdict::Pass | Verdict::NotApplicable) => None,
        };
        (event.status_id, event.status) = state.unzip();
        event.status_detail = finding.waiver.as_ref().map(describe_waiver);
        let mut resources = vec![subject(finding)];
        match (node, &finding.node) {
            (Some(node), _) => resources.push(node.clone()),
            (None, Some(id)) => resources.push(Resource {
                uid: Some(id.clone()),
                name: id.clone(),
                kind: NODE.to_owned(),
                version: None,
                role_id: RELATED,
            }),
            (None, None) => {}
        }
        resources.append(&mut event.resources);
        event.resources = resources;
        event.evidences = evidences(finding);
        if finding.evidence.len() > MAX_EVIDENCE {
            event.metadata = &self.truncated;
        }
        event.remediation = match finding.verdict {
            Verdict::Pass | Verdict::NotApplicable => None,
            Verdict::Fail | Verdict::Unknown | Verdict::Manual => said(&describe_mending(finding)),
        }
        .map(|desc| Remediation { desc });
        event.unmapped = Unmapped::Finding(Box::new(unmapped(finding)));
        event
    }
}

/// What a resource is to the finding.
pub(crate) const TARGET: u8 = 1;
const RELATED: u8 = 4;

const NODE: &str = "Kubernetes node";

/// Returns what the schema has no place for in a finding.
pub(crate) fn unmapped(finding: &Finding) -> UnmappedFinding {
    UnmappedFinding {
        verdict: finding.verdict,
        horizon: finding.horizon,
        in_pod: finding.subject.in_pod,
        assumes: finding.assumes.clone(),
        baseline_state: finding.baseline_state,
        waiver: finding.waiver.clone(),
        fixable: finding.fix.possible,
    }
}

pub(crate) fn resource(node: &Node) -> Resource {
    let version = node.kubernetes_version.as_ref();
    Resource {
        uid: Some(node.id.clone()),
        name: node.name.clone(),
        kind: NODE.to_owned(),
        version: version.map(|version| version.value.clone()),
        role_id: RELATED,
    }
}

/// Returns what was judged. Without the process's number: it is called the same after a restart.
fn subject(finding: &Finding) -> Resource {
    let of = finding.node.as_deref().unwrap_or("cluster");
    Resource {
        uid: Some(format!("{of}#{}", finding.subject.key)),
        name: subject_words(finding),
        kind: finding.subject.component.clone(),
        version: None,
        role_id: TARGET,
    }
}

fn subject_words(finding: &Finding) -> String {
    let mut parts = subject_parts(&finding.subject, true);
    parts.retain(|part| !part.starts_with("pid "));
    parts.join(", ")
}

fn message(finding: &Finding, node: Option<&Resource>) -> String {
    let what = if finding.reason.is_empty() {
        &finding.title
    } else {
        &finding.reason
    };
    let node = node.map(|node| node.name.as_str());
    let node = node.or(finding.node.as_deref()).unwrap_or("cluster");
    let subject = subject_words(finding);
    format!("{what} [{node}: {subject}; {}]", finding.horizon)
}

fn compliance(finding: &Finding) -> Compliance {
    let status = Status::of(finding.verdict);
    let controls = || {
        let controls = finding.controls.iter();
        controls.filter(|control| control.framework != ATTACK)
    };
    let mut standards: Vec<String> = Vec::new();
    for control in controls() {
        if !standards.contains(&control.framework) {
            standards.push(control.framework.clone());
        }
    }
    let (severity_id, severity) = severity(finding.severity);
    Compliance {
        control: Some(control_label(&finding.controls, &finding.rule)),
        requirements: controls()
            .map(|control| format!("{}:{}", control.framework, control.control))
            .collect(),
        desc: said(&finding.expected),
        status_code: finding.cause.map(Cause::as_str),
        status_details: said(&finding.reason).into_iter().collect(),
        checks: vec![Check {
            uid: finding.rule.clone(),
            name: finding.title.clone(),
            standards: standards.clone(),
            severity_id,
            severity,
            status_id: status.id(),
            status: status.as_str(),
        }],
        standards,
        ..Compliance::of(status)
    }
}

fn attacks(finding: &Finding) -> Vec<Attack> {
    let controls = finding.controls.iter();
    let techniques = controls.filter(|control| control.framework == ATTACK);
    techniques
        .map(|control| Attack {
            technique: Technique {
                uid: control.control.clone(),
                // Readers such as py-ocsf-models want a name; rules know the number alone.
                name: control.control.clone(),
            },
        })
        .collect()
}

const fn severity(severity: Severity) -> (u8, &'static str) {
    match severity {
        Severity::Critical => (5, "Critical"),
        Severity::High => (4, "High"),
        Severity::Medium => (3, "Medium"),
        Severity::Low => (2, "Low"),
    }
}

pub(crate) fn evidences(finding: &Finding) -> Vec<Evidences> {
    let evidence = finding.evidence.iter().take(MAX_EVIDENCE);
    evidence
        .map(|evidence| {
            let origin = &evidence.origin;
            let file = evidence.file.as_ref();
            let path = origin.path.as_deref().or(file);
            let path = path.filter(|_| origin.kind != OriginKind::Default);
            let path = path.map(ToString::to_string);
            let named = evidence.setting.clone();
            let named = named.or_else(|| file.map(ToString::to_string));
            let named = named.or_else(|| evidence.object.clone());
            Evidences {
                name: named.or_else(|| evidence.response.clone()),
                data: Data {
                    value: evidence.value.clone(),
                    witness: evidence.witness,
                    observed_at: evidence.observed_at,
                    origin: describe_origin(origin),
                    line: origin.line,
                    column: origin.column,
                    overrode: evidence
                        .overrode
                        .iter()
                        .map(|lost| Lost {
                            value: lost.value.clone(),
                            origin: describe_origin(&lost.origin),
                        })
                        .collect(),
                },
                file: path.map(|path| EvidenceFile {
                    name: path.rsplit('/').next().unwrap_or_default().to_owned(),
                    path,
                    // Of a text that was read we know that it was a file.
                    type_id: u8::from(origin.line.is_some()),
                }),
            }
        })
        .collect()
}

/// Returns the text, if there is one.
fn said(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}
