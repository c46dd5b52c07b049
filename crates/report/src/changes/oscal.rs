//! What changed, as assessment results of OSCAL: a result for each node on which something did, one or more for the objects
//! of the cluster, and one for the comparison as a whole at the end.
//!
//! A change is an observation of its own, and what is found now is concluded from it as in a scan. From what is no longer
//! seen nothing is: OSCAL knows satisfied and not satisfied, and neither is known of what is gone.

use std::io::Write;

use kubeassay_core::changes::{ChangeKind, Compared, NodeName};
use kubeassay_core::report::Finding;

use super::by_node::by_node;
use super::{Changed, Comparison, by_kind, counts, facts, line};
use crate::oscal::batch::Batch;
use crate::oscal::document::{
    BackMatter, ImportPlan, Metadata, Observation, Property, RelevantEvidence, Resource,
};
use crate::oscal::finding::{self, Around, Written, left_out, property, read, said};
use crate::oscal::run::Run;
use crate::oscal::subject::{Subject, of_cluster, of_id, of_node};
use crate::oscal::words::{markup, time, uuid};
use crate::oscal::writer::Writer;
use crate::oscal::{MAX_PROBLEMS, VERSION, rules_uuid};
use crate::{RenderError, heading, inert};

/// Writes what changed.
pub(super) fn write(comparison: &Comparison, out: &mut dyn Write) -> Result<(), RenderError> {
    let (old, new) = (&comparison.old, &comparison.new);
    let plan = ImportPlan {
        href: format!("#{}", rules_uuid(&new.rules)),
        remarks: inert::code(&line(comparison)),
    };
    // Of both scans there is evidence; whoever compares them may have them the other way round.
    let run = Run::new(
        &comparison.tool,
        old.started.min(new.started),
        key(comparison),
        ["diff", "comparison of two reports"],
    );
    let mut writer = Writer::begin(run, &plan, out)?;
    for (node, changes) in by_node(comparison) {
        let mut batch = Batch::new(subject(node, comparison));
        for outline in changes {
            let change = comparison.changes.read(outline)?;
            writer.note_rule(&change.finding);
            if batch.is_full() {
                writer.result(&batch, None, out)?;
                batch = batch.next();
            }
            let written = written(&change, comparison, writer.run.around(&batch.subject));
            batch.add(&change.finding, &written)?;
        }
        writer.result(&batch, None, out)?;
    }
    let whole = whole(comparison, &writer)?;
    writer.result(&whole, None, out)?;
    let facts = facts(comparison);
    let props = facts.iter().map(|(name, value)| property(name, value));
    let metadata = Metadata {
        title: "What changed between two assessments of kubeassay",
        last_modified: time(new.started),
        version: time(new.started),
        oscal_version: VERSION,
        props: props.collect(),
    };
    writer.end(&metadata, &rules(comparison), out)
}

/// Returns what tells one comparison from another, wherever their files are.
fn key(comparison: &Comparison) -> String {
    let mut facts = facts(comparison);
    facts.retain(|(name, _)| !["tool", "version", "old", "new"].contains(name));
    let facts: Vec<String> = facts
        .iter()
        .map(|(name, value)| format!("{name} {value}"))
        .collect();
    format!("diff {}", facts.join("\n"))
}

/// Returns the rules of both sides, once where they are the same.
fn rules(comparison: &Comparison) -> BackMatter {
    let of = |side: &Compared, title: &'static str| Resource {
        uuid: rules_uuid(&side.rules),
        title,
        description: "rules of kubeassay".to_owned(),
        props: vec![property("rules-digest", &side.rules)],
    };
    let (old, new) = (&comparison.old, &comparison.new);
    let mut resources = vec![of(new, "the rules that were evaluated")];
    if rules_uuid(&old.rules) != rules_uuid(&new.rules) {
        resources.push(of(old, "the rules that were evaluated before"));
    }
    BackMatter { resources }
}

/// Returns what was compared with what, for people.
fn compared(comparison: &Comparison) -> String {
    let of = |side: &Compared| {
        let source = heading::source(side.source);
        let started = inert::code(&side.started.to_string());
        format!("{} ({source}, {started})", inert::code(&side.file))
    };
    let (old, new) = (of(&comparison.old), of(&comparison.new));
    format!("what changed from {old} to {new}")
}

/// Returns what changes of a node are about, or of what belongs to none.
fn subject(node: Option<&str>, comparison: &Comparison) -> Subject {
    let known = node.and_then(|id| comparison.nodes.get(id));
    let mut subject = match (known, node) {
        (Some(node), _) => of_node(node),
        (None, Some(id)) => of_id(id),
        (None, None) => {
            let (old, new) = (&comparison.old.cluster, &comparison.new.cluster);
            of_cluster(new.as_ref().or(old.as_ref()))
        }
    };
    let moved = node.and_then(|id| comparison.moved(id));
    subject.title = format!("what changed: {}", subject.title);
    subject.description = format!("{}: {}", compared(comparison), subject.description);
    if let Some(moved) = moved {
        subject.description = format!("{}; the node {moved}", subject.description);
        subject.props.push(property("node-change", moved));
    }
    let (old, new) = (comparison.old.started, comparison.new.started);
    subject.props.extend([
        property("old-started", &old.to_string()),
        property("new-started", &new.to_string()),
    ]);
    subject
}

/// Returns a change in OSCAL's words.
fn written(change: &Changed, comparison: &Comparison, around: Around<'_>) -> Written {
    let is_gone = change.kind == ChangeKind::NoLongerSeen;
    let side = if is_gone {
        &comparison.old
    } else {
        &comparison.new
    };
    let around = Around {
        started: side.started,
        ..around
    };
    let Written {
        mut observation,
        finding,
        risk,
    } = finding::write(&change.finding, &around);
    let kind = change.kind.as_str();
    observation.title = format!("{kind}: {}", observation.title);
    observation.description = if is_gone {
        format!(
            "{kind}: its node or its subject is not there any more, which mends nothing; before: {}",
            before(&change.finding)
        )
    } else {
        format!("{kind}: {}", observation.description)
    };
    let mut props = vec![property("change", kind)];
    if is_gone {
        // What was, and is not said of now.
        let known = ["verdict", "cause"];
        let known = |prop: &Property| known.contains(&prop.name);
        observation.props.retain(|prop| !known(prop));
        observation.types = vec!["historic"];
        observation.relevant_evidence = of_side("old", &change.finding).collect();
    } else {
        observation.relevant_evidence = of_side("new", &change.finding).collect();
        if let Some(old) = change.before() {
            observation.relevant_evidence.extend(of_side("old", old));
            let mut said = vec![format!("before: {}", before(old))];
            said.extend(left_out(old));
            let remarks = observation.remarks.take();
            observation.remarks = Some(
                remarks
                    .into_iter()
                    .chain(said)
                    .collect::<Vec<_>>()
                    .join("; "),
            );
        }
    }
    if let Some(old) = change.before() {
        props.push(property("old-verdict", old.verdict.as_str()));
        props.extend(old.cause.map(|cause| property("old-cause", cause.as_str())));
        props.extend(old.waiver.as_ref().map(|_| property("old-waived", "true")));
    }
    observation.props.splice(0..0, props);
    let finding = finding.filter(|_| !is_gone).map(|mut finding| {
        finding.title.clone_from(&observation.title);
        finding.description.clone_from(&observation.description);
        finding.props.push(property("change", kind));
        finding
    });
    Written {
        observation,
        finding,
        risk,
    }
}

/// Returns what was found before, as Markdown.
fn before(old: &Finding) -> String {
    format!("{}: {}", old.verdict, markup(said(old)))
}

/// Returns what was read, with the side on which it was.
fn of_side(side: &'static str, finding: &Finding) -> impl Iterator<Item = RelevantEvidence> {
    read(finding).map(move |mut evidence| {
        evidence.props.push(property("side", side));
        evidence
    })
}

/// Returns the result that says what the comparison came to.
fn whole(comparison: &Comparison, writer: &Writer) -> Result<Batch, RenderError> {
    let (old, new) = (&comparison.old, &comparison.new);
    let (came, went) = (&comparison.nodes_came, &comparison.nodes_went);
    let untold = |nodes: &[NodeName]| nodes.len().saturating_sub(MAX_PROBLEMS);
    let numbers = [
        ("unchanged", comparison.summary.unchanged),
        ("nodes-came", came.len()),
        ("nodes-went", went.len()),
        ("nodes-left-out", untold(came) + untold(went)),
        ("doubts", comparison.doubts.len()),
        ("old-nodes", old.nodes),
        ("old-findings", old.findings),
        ("new-nodes", new.nodes),
        ("new-findings", new.findings),
    ];
    let kinds = by_kind(&comparison.summary).map(|(_, name, number)| (name, number));
    let numbers = kinds.into_iter().chain(numbers);
    let numbers = numbers.map(|(name, number)| property(name, &number.to_string()));
    let mut props = vec![property("scope", "diff")];
    props.extend(numbers);
    props.extend([
        property("old-complete", &old.complete.to_string()),
        property("new-complete", &new.complete.to_string()),
    ]);
    let mut batch = Batch::new(Subject {
        node: None,
        name: String::new(),
        title: "the comparison as a whole".to_owned(),
        description: format!("{}: {}", compared(comparison), counts(comparison)),
        props,
        item: None,
    });
    batch.controls = writer.reviewed.clone();
    let around = writer.run.around(&batch.subject);
    let seen = |of: &str, index: usize, title: &str, description: String, props| Observation {
        uuid: uuid(&[of, around.key, &index.to_string()]),
        title: title.to_owned(),
        description,
        props,
        methods: vec!["EXAMINE"],
        types: Vec::new(),
        origins: around.origins(),
        subjects: Vec::new(),
        relevant_evidence: Vec::new(),
        collected: time(new.started),
        remarks: None,
    };
    let mut observations = Vec::new();
    for (index, doubt) in comparison.doubts.iter().enumerate() {
        let title = "what the comparison does not say";
        let props = vec![property("doubt", doubt)];
        observations.push(seen("doubt", index, title, markup(doubt), props));
    }
    for (moved, title, nodes) in [
        ("came", "a node came", came),
        ("went", "a node went, which mends nothing", went),
    ] {
        for (index, node) in nodes.iter().take(MAX_PROBLEMS).enumerate() {
            let props = vec![
                property("node-change", moved),
                property("node", &node.name),
                property("node-id", &node.id),
            ];
            let said = format!("node {}", markup(&node.name));
            observations.push(seen(moved, index, title, said, props));
        }
    }
    for observation in &observations {
        batch.observe(observation)?;
    }
    Ok(batch)
}
