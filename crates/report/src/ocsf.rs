//! OCSF 1.8.0: a Compliance Finding (class 2003) for each finding, as JSON lines, which is how lakes and collectors take
//! events: each line stands for itself, and a file may be cut, joined or sent on line by line.
//!
//! Besides, a node that was not scanned whole has an event, and the scan has one at the end, so that neither is missed where
//! there is no finding. Their compliance status is `Other` with a word of our own: who counts `Pass`, `Fail` and `Unknown`
//! has the counts of the report. What goes where: docs/formats.md.

mod event;

use std::io::Write;

use jiff::Timestamp;
use kubeassay_core::report::{BaselineState, Finding, Node, NodeStatus, Problem};
use kubeassay_core::{Cause, OriginKind, Severity, Verdict};

use crate::describe::{
    control_label, describe_mending, describe_origin, describe_waiver, status_words, subject_parts,
};
use crate::stream::{Closing, Header, Render};
use crate::{RenderError, heading, json};
use event::{
    Analytic, Attack, Check, Compliance, Data, Event, EvidenceFile, Evidences, FindingInfo, Lost,
    Metadata, Product, Remediation, Resource, Status, Tag, Technique, Unmapped, UnmappedFinding,
    UnmappedNode, UnmappedScan,
};

/// The version of the schema that the events are of.
pub const VERSION: &str = "1.8.0";
/// So many pieces of evidence are told of a finding; where there are more, `metadata.is_truncated` says so.
const MAX_EVIDENCE: usize = 100;
/// So much is held of components that live in workloads, which are many nowhere; of more, their number is told.
const MAX_HELD: usize = 64 << 20;
/// So many problems are told of a scan, one by one.
const MAX_PROBLEMS: usize = 100;
/// The framework whose numbers are techniques of attackers, and nothing to comply with.
const ATTACK: &str = "attack";

/// Writes a report event by event.
#[derive(Debug, Default)]
pub struct Ocsf {
    scan: Option<Scan>,
    /// The node whose findings come.
    node: Option<(String, Resource)>,
    all: usize,
    /// The lines of components that live in workloads: at the end it shows whether they count.
    in_pods: Vec<u8>,
    beyond: usize,
}

/// What all events of a scan say.
#[derive(Debug)]
struct Scan {
    started: Timestamp,
    metadata: Metadata,
    /// The same, of an event that does not tell everything.
    truncated: Metadata,
    cluster: Option<Resource>,
    benchmark: Option<String>,
}

impl Scan {
    fn of(header: &Header) -> Self {
        let metadata = Metadata {
            source: heading::source(header.scanned.source),
            product: Product {
                name: header.tool.name.clone(),
                vendor_name: "kubeassay",
                version: header.tool.version.clone(),
            },
            version: VERSION,
            log_name: header.schema.clone(),
            // What the fields above do not say.
            tags: heading::facts(header)
                .into_iter()
                .filter(|(name, _)| !["tool", "version", "source"].contains(name))
                .map(|(name, value)| Tag { name, value })
                .collect(),
            is_truncated: false,
        };
        let cluster = header.scanned.cluster.as_ref();
        let cluster = cluster.map(|cluster| Resource {
            uid: cluster.uid.clone(),
            name: cluster.server.clone(),
            kind: "Kubernetes cluster".to_owned(),
            version: cluster.version.clone(),
            role_id: RELATED,
        });
        Self {
            started: header.scanned.started,
            truncated: Metadata {
                is_truncated: true,
                ..metadata.clone()
            },
            metadata,
            cluster,
            benchmark: header.rules.benchmark.clone(),
        }
    }

    fn event(&self, info: FindingInfo, compliance: Compliance, message: String) -> Event<'_> {
        Event {
            metadata: &self.metadata,
            message,
            class_uid: 2003,
            class_name: "Compliance Finding",
            category_uid: 2,
            category_name: "Findings",
            activity_id: 1,
            activity_name: "Create",
            type_uid: 200_301,
            type_name: "Compliance Finding: Create",
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

    fn info(&self, kind: &'static str, uid: String, title: String) -> FindingInfo {
        FindingInfo {
            uid,
            title,
            desc: None,
            types: [kind],
            created_time: self.started.as_millisecond(),
            data_sources: [self.metadata.source],
            analytic: None,
            attacks: Vec::new(),
        }
    }
}

/// What a resource is to the finding.
const TARGET: u8 = 1;
const RELATED: u8 = 4;

impl Ocsf {
    fn of_finding<'a>(&self, scan: &'a Scan, finding: &Finding) -> Event<'a> {
        let node = self.node.as_ref();
        let node = node.filter(|(id, _)| finding.node.as_ref() == Some(id));
        let node = node.map(|(_, resource)| resource);
        let info = FindingInfo {
            desc: said(&finding.reason),
            analytic: Some(Analytic {
                uid: finding.rule.clone(),
                name: finding.rule.clone(),
                type_id: 1,
                kind: "Rule",
            }),
            attacks: attacks(finding),
            ..scan.info("finding", finding.id.clone(), finding.title.clone())
        };
        let mut event = scan.event(info, compliance(finding), message(finding, node));
        (event.severity_id, event.severity) = match finding.verdict {
            Verdict::Pass | Verdict::NotApplicable => (1, "Informational"),
            Verdict::Fail | Verdict::Unknown | Verdict::Manual => severity(finding.severity),
        };
        if matches!(
            finding.baseline_state,
            Some(BaselineState::Unchanged | BaselineState::Updated)
        ) {
            (event.activity_id, event.activity_name) = (2, "Update");
            (event.type_uid, event.type_name) = (200_302, "Compliance Finding: Update");
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
            event.metadata = &scan.truncated;
        }
        event.remediation = match finding.verdict {
            Verdict::Pass | Verdict::NotApplicable => None,
            Verdict::Fail | Verdict::Unknown | Verdict::Manual => said(&describe_mending(finding)),
        }
        .map(|desc| Remediation { desc });
        event.unmapped = Unmapped::Finding(Box::new(UnmappedFinding {
            verdict: finding.verdict,
            horizon: finding.horizon,
            in_pod: finding.subject.in_pod,
            assumes: finding.assumes.clone(),
            baseline_state: finding.baseline_state,
            waiver: finding.waiver.clone(),
            fixable: finding.fix.possible,
        }));
        event
    }
}

impl Render for Ocsf {
    fn header(&mut self, header: &Header, _: &mut dyn Write) -> Result<(), RenderError> {
        self.scan = Some(Scan::of(header));
        Ok(())
    }

    fn node(&mut self, node: &Node, out: &mut dyn Write) -> Result<(), RenderError> {
        let resource = resource(node);
        if node.status != NodeStatus::Scanned
            && let Some(scan) = &self.scan
        {
            let words = status_words(node.status);
            let title = "a node was not scanned whole".to_owned();
            let info = scan.info("node", format!("node-{}", node.id), title);
            let compliance = Compliance::of(Status::NotScanned);
            let message = format!("{}: {words}", node.name);
            let mut event = scan.event(info, compliance, message);
            event.compliance.status_code = node.cause.map(Cause::as_str);
            event.compliance.status_details = vec![words.to_owned()];
            event.resources.insert(
                0,
                Resource {
                    role_id: TARGET,
                    ..resource.clone()
                },
            );
            event.unmapped = Unmapped::Node(UnmappedNode {
                status: node.status,
                cause: node.cause,
            });
            json::write_line(&event, out)?;
        }
        self.node = Some((node.id.clone(), resource));
        Ok(())
    }

    fn finding(&mut self, finding: &Finding, out: &mut dyn Write) -> Result<(), RenderError> {
        self.all += 1;
        let Some(scan) = &self.scan else {
            return Ok(());
        };
        let event = self.of_finding(scan, finding);
        if finding.subject.in_pod {
            if self.in_pods.len() >= MAX_HELD {
                self.beyond += 1;
                return Ok(());
            }
            return json::write_line(&event, &mut self.in_pods);
        }
        json::write_line(&event, out)
    }

    fn end(&mut self, closing: &Closing, out: &mut dyn Write) -> Result<(), RenderError> {
        let Some(scan) = self.scan.take() else {
            return Ok(());
        };
        // A report does not say whether findings in workloads count, but its sum does.
        let summary = closing.summary;
        let count = summary.total() == self.all;
        if count {
            out.write_all(&self.in_pods)?;
        }
        let title = "what was scanned, and what came of it".to_owned();
        let info = scan.info("scan", format!("scan-{}", scan.started), title);
        let coverage = closing.coverage;
        let message = format!(
            "{} of {} nodes scanned whole; {} fail, {} unknown, {} manual, {} pass, {} not applicable, {} waived; exit code {}: {}",
            coverage.scanned,
            coverage.nodes,
            summary.fail,
            summary.unknown,
            summary.manual,
            summary.pass,
            summary.not_applicable,
            summary.waived,
            closing.gate.exit_code,
            closing.gate.reason,
        );
        let mut event = scan.event(info, Compliance::of(Status::Scan), message);
        event.compliance.standards = scan.benchmark.iter().cloned().collect();
        let problems = closing.problems.iter().take(MAX_PROBLEMS);
        event.compliance.status_details = problems.map(describe_problem).collect();
        if closing.problems.len() > MAX_PROBLEMS {
            event.metadata = &scan.truncated;
        }
        event.unmapped = Unmapped::Scan(UnmappedScan {
            finished: closing.finished,
            complete: closing.complete,
            coverage,
            summary,
            problems: closing.problems.len(),
            in_workloads_not_counted: self.all.saturating_sub(summary.total()),
            in_workloads_left_out: if count { self.beyond } else { 0 },
            exit_code: closing.gate.exit_code,
            exit_reason: closing.gate.reason.clone(),
        });
        json::write_line(&event, out)?;
        out.flush()?;
        Ok(())
    }
}

const NODE: &str = "Kubernetes node";

fn resource(node: &Node) -> Resource {
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

fn evidences(finding: &Finding) -> Vec<Evidences> {
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

fn describe_problem(problem: &Problem) -> String {
    let path = problem.path.as_ref().map(ToString::to_string);
    let words: Vec<&str> = problem
        .node
        .as_deref()
        .into_iter()
        .chain(path.as_deref())
        .chain([problem.reason.as_str()])
        .collect();
    words.join(": ")
}

/// Returns the text, if there is one.
fn said(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}
