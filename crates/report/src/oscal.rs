//! OSCAL 1.1.3: assessment results, as auditors' and authorities' tools take them.
//!
//! A result for each node, one or more for the objects of the cluster, and one for the scan as a whole at the end, written as they
//! come: no more than one result is held. Members of an object of JSON have no order, so what is known only at the end
//! (times, objectives, the UUID of the document) stands at the end. UUIDs are made of what they name: the same report has
//! the same bytes. What goes where: docs/formats.md.

pub(crate) mod batch;
pub(crate) mod document;
pub(crate) mod finding;
pub(crate) mod run;
pub(crate) mod subject;
pub(crate) mod words;
pub(crate) mod writer;

use std::io::Write;

use kubeassay_core::report::{Finding, Node, Problem};
use kubeassay_core::text;

use crate::stream::{Closing, Header, Render};
use crate::{RenderError, heading, inert};
use batch::Batch;
use document::{BackMatter, ImportPlan, Metadata, Observation, Resource};
use finding::{Around, property};
use run::Run;
use subject::{Subject, of_cluster, of_id, of_node};
use words::{markup, time, uuid};
use writer::Writer;

/// The version of OSCAL that is written.
pub const VERSION: &str = "1.1.3";
/// So many problems are told one by one.
pub(crate) const MAX_PROBLEMS: usize = 1_000;
/// So much is held of components that live in workloads, which are many nowhere; of more, their number is told.
const MAX_HELD: usize = 64 << 20;

/// Writes a report result by result.
#[derive(Debug, Default)]
pub struct Oscal {
    begun: Option<Begun>,
    /// The result that is filled.
    batch: Option<Batch>,
    /// Results of components that live in workloads: at the end it shows whether they count.
    in_pods: Vec<Batch>,
    /// How many bytes of them are held, and how many findings are not.
    held: usize,
    beyond: usize,
    all: usize,
}

/// A document of a scan that was begun.
#[derive(Debug)]
struct Begun {
    header: Header,
    writer: Writer,
}

impl Begun {
    /// Returns what a finding is about that stands behind none of its node.
    fn subject_of(&self, finding: &Finding) -> Subject {
        match &finding.node {
            Some(id) => of_id(id),
            None => of_cluster(self.header.scanned.cluster.as_ref()),
        }
    }
}

impl Oscal {
    /// Writes the result whose findings ended.
    fn flush(&mut self, out: &mut dyn Write) -> Result<(), RenderError> {
        match (self.batch.take(), &mut self.begun) {
            (Some(batch), Some(begun)) => begun.writer.result(&batch, None, out),
            _ => Ok(()),
        }
    }

    fn add_in_pod(&mut self, begun: &Begun, finding: &Finding) -> Result<(), RenderError> {
        if self.held >= MAX_HELD {
            self.beyond += 1;
            return Ok(());
        }
        let last = self.in_pods.last();
        if last.is_none_or(|batch| batch.subject.node != finding.node || batch.is_full()) {
            let here = self.batch.as_ref().map(|batch| &batch.subject);
            let here = here.filter(|subject| subject.node == finding.node);
            let subject = here.cloned();
            let subject = subject.unwrap_or_else(|| begun.subject_of(finding));
            let title = format!("{} (in workloads)", subject.title);
            let last = last.filter(|batch| batch.subject.node == finding.node);
            let next = last.map_or_else(|| Batch::new(Subject { title, ..subject }), Batch::next);
            self.in_pods.push(next);
        }
        if let Some(batch) = self.in_pods.last_mut() {
            let before = batch.size();
            let written = finding::write(finding, &begun.writer.run.around(&batch.subject));
            batch.add(finding, &written)?;
            self.held += batch.size() - before;
        }
        Ok(())
    }

    /// Returns the result that says what came of the scan as a whole.
    fn scan(&self, begun: &Begun, closing: &Closing, counts: bool) -> Result<Batch, RenderError> {
        let summary = closing.summary;
        let coverage = closing.coverage;
        let number = |name: &'static str, number: usize| property(name, &number.to_string());
        let mut props = vec![
            property("scope", "scan"),
            property("complete", &closing.complete.to_string()),
            property("exit-code", &closing.gate.exit_code.to_string()),
            property("exit-reason", &closing.gate.reason),
            number("nodes", coverage.nodes),
            number("nodes-scanned", coverage.scanned),
            number("nodes-scanned-in-part", coverage.partial),
            number("nodes-not-reached", coverage.unreachable),
            number("nodes-not-supported", coverage.unsupported),
            number("pass", summary.pass),
            number("fail", summary.fail),
            number("unknown", summary.unknown),
            number("manual", summary.manual),
            number("not-applicable", summary.not_applicable),
            number("waived", summary.waived),
            number("problems", closing.problems.len()),
            number(
                "in-workloads-not-counted",
                self.all.saturating_sub(summary.total()),
            ),
        ];
        if counts && self.beyond > 0 {
            props.push(number("in-workloads-left-out", self.beyond));
        }
        let mut batch = Batch::new(Subject {
            node: None,
            name: String::new(),
            title: "the scan as a whole".to_owned(),
            description: format!(
                "{} of {} nodes were scanned whole; exit code {}: {}",
                coverage.scanned,
                coverage.nodes,
                closing.gate.exit_code,
                inert::sentence(&closing.gate.reason)
            ),
            props,
            item: None,
        });
        batch.controls = begun.writer.reviewed.clone();
        for (index, problem) in closing.problems.iter().take(MAX_PROBLEMS).enumerate() {
            let around = begun.writer.run.around(&batch.subject);
            let observation = of_problem(problem, index, closing, &around);
            batch.observe(&observation)?;
        }
        Ok(batch)
    }
}

fn of_problem(
    problem: &Problem,
    index: usize,
    closing: &Closing,
    around: &Around<'_>,
) -> Observation {
    let path = problem.path.as_ref().map(ToString::to_string);
    let mut props = vec![property("cause", problem.cause.as_str())];
    for (name, value) in [
        ("node-id", problem.node.as_deref()),
        ("subject", problem.subject.as_deref()),
        ("file", path.as_deref()),
    ] {
        props.extend(value.map(|value| property(name, value)));
    }
    Observation {
        uuid: uuid(&["problem", around.key, &index.to_string()]),
        title: "could not be read or understood".to_owned(),
        description: markup(&problem.reason),
        props,
        methods: vec!["EXAMINE"],
        types: Vec::new(),
        origins: around.origins(),
        subjects: Vec::new(),
        relevant_evidence: Vec::new(),
        collected: time(closing.finished),
        remarks: None,
    }
}

impl Render for Oscal {
    fn header(&mut self, header: &Header, out: &mut dyn Write) -> Result<(), RenderError> {
        let plan = ImportPlan {
            href: format!("#{}", rules_uuid(&header.rules.digest)),
            remarks: inert::code(&heading::line(header)),
        };
        let source = heading::source(header.scanned.source);
        let started = header.scanned.started;
        let platform = [source, &format!("source {source}")];
        let run = Run::new(&header.tool, started, time(started), platform);
        self.begun = Some(Begun {
            header: header.clone(),
            writer: Writer::begin(run, &plan, out)?,
        });
        Ok(())
    }

    fn node(&mut self, node: &Node, out: &mut dyn Write) -> Result<(), RenderError> {
        self.flush(out)?;
        self.batch = Some(Batch::new(of_node(node)));
        Ok(())
    }

    fn finding(&mut self, finding: &Finding, out: &mut dyn Write) -> Result<(), RenderError> {
        self.all += 1;
        let Some(mut begun) = self.begun.take() else {
            return Ok(());
        };
        begun.writer.note_rule(finding);
        if finding.subject.in_pod {
            let added = self.add_in_pod(&begun, finding);
            self.begun = Some(begun);
            return added;
        }
        let batch = self.batch.take();
        let (full, mut batch) = match batch {
            Some(batch) if batch.subject.node != finding.node || batch.is_full() => {
                let next = if batch.subject.node == finding.node {
                    batch.next()
                } else {
                    Batch::new(begun.subject_of(finding))
                };
                (Some(batch), next)
            }
            Some(batch) => (None, batch),
            None => (None, Batch::new(begun.subject_of(finding))),
        };
        let written = finding::write(finding, &begun.writer.run.around(&batch.subject));
        batch.add(finding, &written)?;
        if let Some(full) = full {
            begun.writer.result(&full, None, out)?;
        }
        self.begun = Some(begun);
        self.batch = Some(batch);
        Ok(())
    }

    fn end(&mut self, closing: &Closing, out: &mut dyn Write) -> Result<(), RenderError> {
        self.flush(out)?;
        let Some(mut begun) = self.begun.take() else {
            return Ok(());
        };
        // A report does not say whether findings in workloads count, but its sum does.
        let counts = closing.summary.total() == self.all;
        let in_pods = std::mem::take(&mut self.in_pods);
        if counts {
            for batch in &in_pods {
                begun.writer.result(batch, None, out)?;
            }
        }
        let scan = self.scan(&begun, closing, counts)?;
        let finished = time(closing.finished);
        begun.writer.result(&scan, Some(finished.clone()), out)?;
        let Begun { header, writer } = begun;
        let facts = heading::facts(&header);
        let props = facts.iter().map(|(name, value)| property(name, value));
        let metadata = Metadata {
            title: "Assessment results of kubeassay",
            last_modified: finished,
            version: writer.run.start.clone(),
            oscal_version: VERSION,
            props: props.collect(),
        };
        let rules = &header.rules;
        let back = BackMatter {
            resources: vec![Resource {
                uuid: rules_uuid(&rules.digest),
                title: "the rules that were evaluated",
                description: format!("{} rules of kubeassay", rules.count),
                props: vec![property("rules-digest", &rules.digest)],
            }],
        };
        writer.end(&metadata, &back, out)
    }
}

/// Returns the UUID of what stands in the place of a plan: the rules.
pub(crate) fn rules_uuid(digest: &str) -> String {
    uuid(&["rules", &text::escape(digest)])
}
