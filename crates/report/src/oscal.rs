//! OSCAL 1.1.3: assessment results, as auditors' and authorities' tools take them.
//!
//! A result for each node, one or more for the objects of the cluster, and one for the scan as a whole at the end, written as they
//! come: no more than one result is held. Members of an object of JSON have no order, so what is known only at the end
//! (times, objectives, the UUID of the document) stands at the end. UUIDs are made of what they name: the same report has
//! the same bytes. What goes where: docs/formats.md.

mod batch;
mod document;
mod finding;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use kubeassay_core::report::{Finding, Node, NodeStatus, Problem};
use kubeassay_core::text;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::describe::{node_parts, status_words};
use crate::stream::{Closing, Header, Render};
use crate::{RenderError, heading, inert, json};
use batch::{Batch, Controls, Subject};
use document::{
    AssessmentAssets, BackMatter, Component, ComponentStatus, Definitions, ImportPlan,
    InventoryItem, Metadata, Objective, Observation, Part, Platform, Property, Resource,
    ResultDefinitions, UsesComponent,
};
use finding::{Around, property};
use words::{control_id, markup, string, time, token, uuid, uuid_of};

/// The version of OSCAL that is written.
pub const VERSION: &str = "1.1.3";
/// So many rules are objectives; of more, those whose ids come first.
const MAX_RULES: usize = 10_000;
/// So many problems are told one by one.
const MAX_PROBLEMS: usize = 1_000;
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
    objectives: BTreeMap<String, Objective>,
    /// The controls of their rules.
    reviewed: Controls,
    /// The UUIDs of what results defined: none is there twice in a document.
    defined: BTreeSet<String>,
    /// Over all that was written: what the document's UUID is made of.
    hash: Sha256,
}

/// What all results of a scan say.
#[derive(Debug)]
struct Begun {
    header: Header,
    start: String,
    tool: String,
    assets: AssessmentAssets,
}

impl Begun {
    fn of(header: &Header) -> Self {
        let tool = uuid(&["tool", &header.tool.name, &header.tool.version]);
        let source = heading::source(header.scanned.source);
        let assets = AssessmentAssets {
            components: [Component {
                uuid: tool.clone(),
                kind: "software",
                title: markup(&header.tool.name),
                description: "judges the configuration that components of Kubernetes run with",
                props: [Property {
                    name: "version",
                    ns: None,
                    value: string(&header.tool.version),
                }],
                status: ComponentStatus {
                    state: "operational",
                },
            }],
            assessment_platforms: [Platform {
                uuid: uuid(&["platform", &tool, source]),
                title: format!("{}, source {source}", markup(&header.tool.name)),
                uses_components: [UsesComponent {
                    component_uuid: tool.clone(),
                }],
            }],
        };
        Self {
            header: header.clone(),
            start: time(header.scanned.started),
            tool,
            assets,
        }
    }

    fn around<'a>(&'a self, subject: &'a Subject) -> Around<'a> {
        let item = subject.item.as_ref();
        Around {
            started: self.header.scanned.started,
            start: &self.start,
            tool: &self.tool,
            item: item.map(|item| (item.uuid.as_str(), subject.name.as_str())),
        }
    }

    /// Returns what findings that belong to no node are about.
    fn cluster(&self) -> Subject {
        let cluster = self.header.scanned.cluster.as_ref();
        let server = cluster.map_or("the cluster", |cluster| &cluster.server);
        let uid = cluster.and_then(|cluster| cluster.uid.as_deref());
        let id = uid.unwrap_or(server);
        Subject {
            node: None,
            name: server.to_owned(),
            title: "objects of the cluster".to_owned(),
            description: markup(server),
            props: vec![property("scope", "cluster")],
            item: Some(InventoryItem {
                uuid: uuid(&["cluster", id]),
                description: format!("cluster {}", markup(server)),
                props: vec![asset(id)],
            }),
        }
    }
}

fn asset(id: &str) -> Property {
    Property {
        name: "asset-id",
        ns: None,
        value: string(id),
    }
}

/// Returns what the findings of a node are about.
fn of_node(node: &Node) -> Subject {
    let mut parts = node_parts(node);
    parts.push(status_words(node.status).to_owned());
    let mut props = vec![
        property("scope", "node"),
        property("node", &node.name),
        property("node-status", status_words(node.status)),
    ];
    let version = node.kubernetes_version.as_ref();
    let version = version.map(|version| property("kubernetes-version", &version.value));
    props.extend(version);
    let benchmark = node.benchmark.as_deref();
    props.extend(benchmark.map(|benchmark| property("benchmark", benchmark)));
    props.extend(
        node.cause
            .filter(|_| node.status != NodeStatus::Scanned)
            .map(|cause| property("cause", cause.as_str())),
    );
    Subject {
        node: Some(node.id.clone()),
        name: node.name.clone(),
        title: format!("node {}", markup(&node.name)),
        description: markup(&parts.join(", ")),
        props,
        item: Some(InventoryItem {
            uuid: uuid(&["node", &node.id]),
            description: format!("node {}", markup(&node.name)),
            props: vec![asset(&node.id), property("node", &node.name)],
        }),
    }
}

/// Returns what findings of a node are about that was not told of before.
fn of_id(id: &str) -> Subject {
    Subject {
        node: Some(id.to_owned()),
        name: id.to_owned(),
        title: format!("node {}", markup(id)),
        description: "known by its id alone".to_owned(),
        props: vec![property("scope", "node")],
        item: Some(InventoryItem {
            uuid: uuid(&["node", id]),
            description: format!("node {}", markup(id)),
            props: vec![asset(id)],
        }),
    }
}

/// Writes, and hashes what it writes.
struct Hashing<'a> {
    out: &'a mut dyn Write,
    hash: &'a mut Sha256,
}

impl Write for Hashing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.hash.update(bytes.get(..written).unwrap_or_default());
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl Oscal {
    /// Writes a result that is full, or whose findings ended.
    fn flush(&mut self, batch: &Batch, out: &mut dyn Write) -> Result<(), RenderError> {
        self.flush_until(batch, None, out)
    }

    fn flush_until(
        &mut self,
        batch: &Batch,
        end: Option<String>,
        out: &mut dyn Write,
    ) -> Result<(), RenderError> {
        let Some(begun) = &self.begun else {
            return Ok(());
        };
        let mut out = Hashing {
            out,
            hash: &mut self.hash,
        };
        let is_first = self.defined.insert(begun.tool.clone());
        if !is_first {
            out.write_all(b",")?;
        }
        let items = batch.subject.item.iter();
        let items = items.filter(|item| self.defined.insert(item.uuid.clone()));
        let definitions = ResultDefinitions {
            inventory_items: items.cloned().collect(),
            assessment_assets: is_first.then(|| begun.assets.clone()),
        };
        batch.write(&begun.start, end, definitions, &mut out)
    }

    /// Keeps what the rule of a finding asks for.
    fn note_rule(&mut self, finding: &Finding) {
        let id = token(&finding.rule);
        if self.objectives.contains_key(&id) {
            return;
        }
        if self.objectives.len() < MAX_RULES {
            for control in &finding.controls {
                self.reviewed.add(control);
            }
        }
        let controls = finding.controls.iter();
        let first = controls.clone().find_map(control_id);
        let mut props = vec![
            property("rule", &finding.rule),
            property("severity", finding.severity.as_str()),
        ];
        props.extend(controls.map(|control| {
            let value = format!("{}:{}", control.framework, control.control);
            property("control", &value)
        }));
        let prose = if finding.expected.is_empty() {
            &finding.title
        } else {
            &finding.expected
        };
        let objective = Objective {
            control_id: first.map_or_else(|| id.clone(), |first| first.id),
            props,
            parts: [Part {
                id: id.clone(),
                name: "assessment-objective",
                title: markup(&finding.title),
                prose: markup(prose),
            }],
        };
        self.objectives.insert(id, objective);
        if self.objectives.len() > MAX_RULES {
            self.objectives.pop_last();
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
            let subject = here.cloned().unwrap_or_else(|| match &finding.node {
                Some(id) => of_id(id),
                None => begun.cluster(),
            });
            let title = format!("{} (in workloads)", subject.title);
            let last = last.filter(|batch| batch.subject.node == finding.node);
            let next = last.map_or_else(|| Batch::new(Subject { title, ..subject }), Batch::next);
            self.in_pods.push(next);
        }
        if let Some(batch) = self.in_pods.last_mut() {
            let before = batch.size();
            let written = finding::write(finding, &begun.around(&batch.subject));
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
        batch.controls = self.reviewed.clone();
        for (index, problem) in closing.problems.iter().take(MAX_PROBLEMS).enumerate() {
            let around = begun.around(&batch.subject);
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
        uuid: uuid(&["problem", around.start, &index.to_string()]),
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
            href: format!("#{}", rules_uuid(header)),
            remarks: inert::code(&heading::line(header)),
        };
        self.begun = Some(Begun::of(header));
        let mut out = Hashing {
            out,
            hash: &mut self.hash,
        };
        out.write_all(b"{\"assessment-results\":{\"import-ap\":")?;
        json::write_line(&plan, &mut out)?;
        out.write_all(b",\"results\":[\n")?;
        Ok(())
    }

    fn node(&mut self, node: &Node, out: &mut dyn Write) -> Result<(), RenderError> {
        if let Some(batch) = self.batch.take() {
            self.flush(&batch, out)?;
        }
        self.batch = Some(Batch::new(of_node(node)));
        Ok(())
    }

    fn finding(&mut self, finding: &Finding, out: &mut dyn Write) -> Result<(), RenderError> {
        self.all += 1;
        self.note_rule(finding);
        let Some(begun) = self.begun.take() else {
            return Ok(());
        };
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
                    Batch::new(subject_of(&begun, finding))
                };
                (Some(batch), next)
            }
            Some(batch) => (None, batch),
            None => (None, Batch::new(subject_of(&begun, finding))),
        };
        let written = finding::write(finding, &begun.around(&batch.subject));
        let added = batch.add(finding, &written);
        self.begun = Some(begun);
        self.batch = Some(batch);
        if let Some(full) = full {
            self.flush(&full, out)?;
        }
        added
    }

    fn end(&mut self, closing: &Closing, out: &mut dyn Write) -> Result<(), RenderError> {
        if let Some(batch) = self.batch.take() {
            self.flush(&batch, out)?;
        }
        // A report does not say whether findings in workloads count, but its sum does.
        let counts = closing.summary.total() == self.all;
        let in_pods = std::mem::take(&mut self.in_pods);
        if counts {
            for batch in &in_pods {
                self.flush(batch, out)?;
            }
        }
        let Some(begun) = &self.begun else {
            return Ok(());
        };
        let scan = self.scan(begun, closing, counts)?;
        self.flush_until(&scan, Some(time(closing.finished)), out)?;
        let Some(begun) = self.begun.take() else {
            return Ok(());
        };
        let objectives = std::mem::take(&mut self.objectives);
        let facts = heading::facts(&begun.header);
        let props = facts.iter().map(|(name, value)| property(name, value));
        let metadata = Metadata {
            title: "Assessment results of kubeassay",
            last_modified: time(closing.finished),
            version: begun.start.clone(),
            oscal_version: VERSION,
            props: props.collect(),
        };
        let rules = &begun.header.rules;
        let back = BackMatter {
            resources: [Resource {
                uuid: rules_uuid(&begun.header),
                title: "the rules that were evaluated",
                description: format!("{} rules of kubeassay", rules.count),
                props: vec![property("rules-digest", &rules.digest)],
            }],
        };
        let mut hashing = Hashing {
            out,
            hash: &mut self.hash,
        };
        hashing.write_all(b"]")?;
        if !objectives.is_empty() {
            let definitions = Definitions {
                objectives_and_methods: objectives.into_values().collect(),
            };
            member("local-definitions", &definitions, &mut hashing)?;
        }
        member("metadata", &metadata, &mut hashing)?;
        member("back-matter", &back, &mut hashing)?;
        let uuid = uuid_of(&std::mem::take(&mut self.hash).finalize());
        writeln!(out, ",\"uuid\":\"{uuid}\"}}}}")?;
        out.flush()?;
        Ok(())
    }
}

fn member<T: Serialize>(name: &str, value: &T, out: &mut dyn Write) -> Result<(), RenderError> {
    write!(out, ",\"{name}\":")?;
    json::write_line(value, out)
}

fn subject_of(begun: &Begun, finding: &Finding) -> Subject {
    match &finding.node {
        Some(id) => of_id(id),
        None => begun.cluster(),
    }
}

/// Returns the UUID of what stands in the place of a plan: the rules.
fn rules_uuid(header: &Header) -> String {
    uuid(&["rules", &text::escape(&header.rules.digest)])
}
