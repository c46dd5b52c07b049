//! OCSF 1.8.0: a Compliance Finding (class 2003) for each finding, as JSON lines, which is how lakes and collectors take
//! events: each line stands for itself, and a file may be cut, joined or sent on line by line.
//!
//! Besides, a node that was not scanned whole has an event, and the scan has one at the end, so that neither is missed where
//! there is no finding. Their compliance status is `Other` with a word of our own: who counts `Pass`, `Fail` and `Unknown`
//! has the counts of the report. What goes where: docs/formats.md.

pub(crate) mod event;
pub(crate) mod finding;

use std::io::Write;

use kubeassay_core::Cause;
use kubeassay_core::report::{Finding, Node, NodeStatus, Problem};

use crate::describe::status_words;
use crate::stream::{Closing, Header, Render};
use crate::{RenderError, heading, json};
use event::{Compliance, Resource, Status, Unmapped, UnmappedNode, UnmappedScan};
use finding::{Scan, TARGET, metadata, resource};

/// The version of the schema that the events are of.
pub const VERSION: &str = "1.8.0";
/// So much is held of components that live in workloads, which are many nowhere; of more, their number is told.
const MAX_HELD: usize = 64 << 20;
/// So many problems are told of a scan, one by one.
const MAX_PROBLEMS: usize = 100;

/// Writes a report event by event.
#[derive(Debug, Default)]
pub struct Ocsf {
    scan: Option<Scan>,
    benchmark: Option<String>,
    /// The node whose findings come.
    node: Option<(String, Resource)>,
    all: usize,
    /// The lines of components that live in workloads: at the end it shows whether they count.
    in_pods: Vec<u8>,
    beyond: usize,
}

/// Returns what all events of a scan say.
fn of(header: &Header) -> Scan {
    let scanned = &header.scanned;
    let metadata = metadata(
        &header.tool,
        heading::source(scanned.source),
        &header.schema,
        heading::facts(header),
    );
    Scan::new(metadata, scanned.started, scanned.cluster.as_ref())
}

impl Render for Ocsf {
    fn header(&mut self, header: &Header, _: &mut dyn Write) -> Result<(), RenderError> {
        self.scan = Some(of(header));
        self.benchmark.clone_from(&header.rules.benchmark);
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
        let node = self.node.as_ref();
        let node = node.filter(|(id, _)| finding.node.as_ref() == Some(id));
        let event = scan.of_finding(finding, node.map(|(_, resource)| resource));
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
        let info = scan.info("scan", format!("scan-{}", scan.started()), title);
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
        event.compliance.standards = self.benchmark.take().into_iter().collect();
        let problems = closing.problems.iter().take(MAX_PROBLEMS);
        event.compliance.status_details = problems.map(describe_problem).collect();
        if closing.problems.len() > MAX_PROBLEMS {
            event.metadata = scan.truncated();
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
