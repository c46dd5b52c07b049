//! What changed, as objects of openreports.io: one for each node on which something did, and one for the comparison as a
//! whole, which holds what belongs to no node.
//!
//! They have names, a source and a label of their own: to apply them never takes the place of what a scan said, and
//! dashboards that count by source count nothing twice.

use std::collections::BTreeMap;
use std::io::Write;

use kubeassay_core::changes::{ChangeKind, NodeName};

use super::by_node::by_node;
use super::{Changed, Comparison, Outline, counts, facts, in_words, line};
use crate::openreports::document::{
    Counts, Dialect, Entry, Metadata, Object, Outcome, Reference, Seconds,
};
use crate::openreports::entry::{self, LONGEST, SHORT, cut};
use crate::openreports::gather::{Gather, rank};
use crate::openreports::names::{Names, Of};
use crate::openreports::{self, MAX_BYTES};
use crate::{RenderError, yaml};

/// So much of an object is for what is no change.
const HEAD: usize = 64 << 10;
/// Who writes the objects; what is no change has it in place of a rule too.
const SOURCE: &str = "kubeassay-diff";
/// The label that all of them have.
const LABEL: (&str, &str) = ("app.kubernetes.io/managed-by", SOURCE);
/// The object of the comparison as a whole; nodes have `node-` or `host-` in the place of its last word.
const WHOLE: &str = "kubeassay-diff-comparison";
/// So many nodes that came or went are named, with so many characters of their names.
const NAMED: usize = 10;
const NAME: usize = 80;

/// What a change is counted as.
type Counted = (ChangeKind, Outcome);

/// Writes what changed as YAML documents, one for each object.
pub(super) fn write(comparison: &Comparison, out: &mut dyn Write) -> Result<(), RenderError> {
    writeln!(out, "# {}", line(comparison))?;
    let mut names = Names::default();
    let mut rest = Vec::new();
    for (node, changes) in by_node(comparison) {
        match node {
            Some(id) => put(&of_node(id, &changes, comparison, &mut names)?, out)?,
            None => rest = changes,
        }
    }
    put(&whole(&rest, comparison)?, out)?;
    out.flush()?;
    Ok(())
}

fn put(object: &Object, out: &mut dyn Write) -> Result<(), RenderError> {
    writeln!(out, "---")?;
    yaml::write(object, out)
}

/// Returns the object of a node.
fn of_node(
    id: &str,
    changes: &[&Outline],
    comparison: &Comparison,
    names: &mut Names,
) -> Result<Object, RenderError> {
    let node = comparison.nodes.get(id);
    let name = node.map_or(id, |node| &node.name);
    let mut annotations = annotations(comparison);
    annotations.insert(
        "kubeassay/node-id".to_owned(),
        cut(id, openreports::LONGEST),
    );
    if let Some(moved) = comparison.moved(id) {
        annotations.insert("kubeassay/node-change".to_owned(), moved.to_owned());
    }
    let scope = Reference {
        api_version: Some("v1"),
        kind: "Node".to_owned(),
        namespace: None,
        name: cut(name, openreports::LONGEST),
        uid: node
            .and_then(|node| node.uid.as_ref())
            .map(|uid| cut(uid, openreports::LONGEST)),
    };
    Ok(Object {
        scope: Some(scope),
        ..object(
            names.give(Of::Diff, id, name),
            annotations,
            Vec::new(),
            changes,
            comparison,
        )?
    })
}

/// Returns the object of the comparison as a whole.
fn whole(changes: &[&Outline], comparison: &Comparison) -> Result<Object, RenderError> {
    let time = Seconds::from(comparison.new.started);
    let mut annotations = annotations(comparison);
    annotations.insert("kubeassay/comparison".to_owned(), counts(comparison));
    let doubts = comparison.doubts.iter();
    let mut first: Vec<Entry> = doubts
        .map(|doubt| note("doubt", Outcome::Warn, cut(doubt, LONGEST), time))
        .collect();
    let went = named("went, which mends nothing", &comparison.nodes_went);
    first.extend(went.map(|said| note("nodes-went", Outcome::Warn, said, time)));
    let came = named("came", &comparison.nodes_came);
    first.extend(came.map(|said| note("nodes-came", Outcome::Skip, said, time)));
    object(WHOLE.to_owned(), annotations, first, changes, comparison)
}

/// Returns which nodes came or went, if any did.
fn named(what: &str, nodes: &[NodeName]) -> Option<String> {
    let mut names: Vec<String> = nodes
        .iter()
        .take(NAMED)
        .map(|node| cut(&node.name, NAME))
        .collect();
    let more = nodes.len().saturating_sub(NAMED);
    if more > 0 {
        names.push(format!("and {more} more"));
    }
    let number = match nodes.len() {
        0 => return None,
        1 => "1 node".to_owned(),
        several => format!("{several} nodes"),
    };
    Some(format!("{number} {what}: {}", names.join(", ")))
}

/// Returns what is said of the comparison in each object.
fn annotations(comparison: &Comparison) -> BTreeMap<String, String> {
    let facts = facts(comparison).into_iter();
    let mut annotations: BTreeMap<String, String> = facts
        .map(|(name, value)| {
            (
                format!("kubeassay/{name}"),
                cut(&value, openreports::LONGEST),
            )
        })
        .collect();
    if !comparison.doubts.is_empty() {
        let doubts = comparison.doubts.join("; ");
        annotations.insert(
            "kubeassay/doubts".to_owned(),
            cut(&doubts, openreports::LONGEST),
        );
    }
    annotations
}

/// Returns an object; `results` are those that are no changes.
fn object(
    name: String,
    mut annotations: BTreeMap<String, String>,
    mut results: Vec<Entry>,
    changes: &[&Outline],
    comparison: &Comparison,
) -> Result<Object, RenderError> {
    let time = Seconds::from(comparison.new.started);
    let mut found = Gather::new(MAX_BYTES - HEAD);
    for outline in changes {
        let change = comparison.changes.read(outline)?;
        let rank = change.now().map_or(u8::MAX, rank);
        let entry = of(&change, time);
        let counted = (change.kind, entry.result);
        found.add(counted, rank, &change.finding, || entry);
    }
    if found.len() > 0 {
        annotations.insert("kubeassay/changes".to_owned(), words(&found.came));
    }
    let summary = summary(&found.came);
    let left: usize = found.left.values().sum();
    let left_out = (left > 0).then(|| {
        let said = format!(
            "{left} of {} changes are counted in the summary and left out of this object, which has room for {} KiB ({}); kubeassay diff -o json has all of them",
            found.len(),
            MAX_BYTES >> 10,
            words(&found.left)
        );
        annotations.insert("kubeassay/left-out".to_owned(), said.clone());
        // Of what needs action nothing may be left out quietly.
        let mut outcomes = found.left.keys().map(|(_, outcome)| outcome);
        let result = if outcomes.any(|one| matches!(one, Outcome::Fail | Outcome::Error)) {
            Outcome::Error
        } else {
            Outcome::Skip
        };
        note("left-out", result, said, time)
    });
    results.extend(found.entries());
    results.extend(left_out);
    Ok(Object {
        api_version: Dialect::OpenReports.api_version(),
        kind: Dialect::OpenReports.kind(),
        metadata: Metadata {
            name,
            labels: BTreeMap::from([LABEL]),
            annotations,
        },
        source: Some(SOURCE),
        scope: None,
        summary,
        results,
    })
}

/// Returns what is said of a change: what a scan says of what is found now, and what was before.
fn of(change: &Changed, time: Seconds) -> Entry {
    let finding = &change.finding;
    let mut entry = entry::of(finding, time);
    let kind = change.kind.as_str();
    entry.source = SOURCE;
    entry.message = match change.now() {
        Some(_) => cut(&format!("{kind}: {}", entry.message), LONGEST),
        None => cut(
            &format!(
                "{kind}: its node or its subject is not there any more, which mends nothing; before: {}: {}",
                finding.verdict, entry.message
            ),
            LONGEST,
        ),
    };
    if change.now().is_none() {
        // Nothing is said of now: it neither fails nor passes, and there is nothing to mend.
        entry.result = Outcome::Skip;
        entry.scored = false;
        let lasting = ["horizon", "subject", "title", "inWorkload"];
        entry.properties.retain(|name, _| lasting.contains(name));
    }
    let side = |side: Option<_>| side.map_or("not there".to_owned(), in_words);
    entry.properties.extend([
        ("change", kind.to_owned()),
        ("before", cut(&side(change.before()), LONGEST)),
        ("now", cut(&side(change.now()), LONGEST)),
        ("findingID", cut(&finding.id, SHORT)),
        // Not that of the finding: Policy Reporter takes it for its own, and a scan's report has it.
        ("resultID", cut(&format!("diff-{}", finding.id), SHORT)),
    ]);
    let verdict = change.before().map(|old| old.verdict.as_str().to_owned());
    entry
        .properties
        .extend(verdict.map(|verdict| ("oldVerdict", verdict)));
    entry
}

/// Returns a result that is no change, and is not counted.
fn note(rule: &str, result: Outcome, message: String, time: Seconds) -> Entry {
    Entry {
        policy: SOURCE.to_owned(),
        rule: rule.to_owned(),
        result,
        severity: None,
        category: None,
        message,
        scored: false,
        source: SOURCE,
        timestamp: time,
        resources: Vec::new(),
        properties: BTreeMap::new(),
    }
}

fn summary(counts: &BTreeMap<Counted, usize>) -> Counts {
    let mut summary = Counts::default();
    for ((_, outcome), number) in counts {
        *match outcome {
            Outcome::Pass => &mut summary.pass,
            Outcome::Fail => &mut summary.fail,
            Outcome::Warn => &mut summary.warn,
            Outcome::Error => &mut summary.error,
            Outcome::Skip => &mut summary.skip,
        } += number;
    }
    summary
}

/// Returns counts by the kind of change: `new 2, fixed 1`.
fn words(counts: &BTreeMap<Counted, usize>) -> String {
    let mut kinds: BTreeMap<ChangeKind, usize> = BTreeMap::new();
    for ((kind, _), number) in counts {
        *kinds.entry(*kind).or_default() += number;
    }
    let said = kinds
        .iter()
        .map(|(kind, number)| format!("{} {number}", kind.as_str()));
    said.collect::<Vec<_>>().join(", ")
}
