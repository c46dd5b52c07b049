//! What changed, as `JUnit` XML: a suite for each node on which something changed, a test case for each change.
//!
//! A change whose finding fails or is unknown now is a failure or an error, and nothing else is: what is no longer seen is
//! skipped, which is neither mended nor open. What goes where: docs/formats.md.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use kubeassay_core::changes::ChangeKind;
use kubeassay_core::report::Finding;

use super::{Changed, Comparison, by_kind, counts, facts, in_words, line};
use crate::RenderError;
use crate::junit::{CLUSTER, IN_WORKLOADS, Outcome, Suite, Suites, node_properties, said};

/// So many nodes that came, and as many that went, are named.
const MAX_NODES: usize = 1_000;

pub(super) fn write(comparison: &Comparison, out: &mut dyn Write) -> Result<(), RenderError> {
    let started = comparison.new.started;
    let mut suites = Suites::begin(facts(comparison), &line(comparison), started, out)?;
    let went = comparison.nodes_went.iter();
    let went: BTreeSet<&str> = went.map(|node| node.id.as_str()).collect();
    let mut places: BTreeMap<Place<'_>, Vec<&Changed>> = BTreeMap::new();
    for change in &comparison.changes {
        let place = Place::of(&change.finding, comparison);
        places.entry(place).or_default().push(change);
    }
    for (place, changes) in places {
        let mut suite = Suite::new(place.name);
        if place.in_pods {
            suite.name.push_str(IN_WORKLOADS);
        }
        suite.properties = match place.node {
            Some(id) if went.contains(id) => vec![
                ("node-id", id.to_owned()),
                ("node-status", "not in the newer report".to_owned()),
            ],
            node => node
                .and_then(|id| comparison.nodes.get(id))
                .map(node_properties)
                .unwrap_or_default(),
        };
        for change in changes {
            let kind = change.kind.as_str();
            suite.add(&change.finding, Some(kind), &outcome(change));
        }
        suites.write(&suite, &[], &[], out)?;
    }
    let (suite, nodes) = diff(comparison);
    suites.write(&suite, &nodes, &comparison.doubts, out)?;
    Suites::end(out)
}

/// What has a suite of its own, in their order: nodes, what belongs to none, and components in workloads apart as in a
/// scan.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Place<'a> {
    in_pods: bool,
    of_cluster: bool,
    name: &'a str,
    node: Option<&'a str>,
}

impl<'a> Place<'a> {
    fn of(finding: &'a Finding, comparison: &'a Comparison) -> Self {
        Self {
            in_pods: finding.subject.in_pod,
            of_cluster: finding.node.is_none(),
            name: comparison.node_of(finding).unwrap_or(CLUSTER),
            node: finding.node.as_deref(),
        }
    }
}

fn outcome(change: &Changed) -> Outcome {
    let Some(now) = change.new() else {
        let Finding { verdict, .. } = *change.finding;
        let said = said(&change.finding);
        return Outcome::Skipped {
            message: format!("no longer seen, was {verdict}: {said}"),
        };
    };
    let kind = change.kind.as_str();
    let before = change.old().map(in_words);
    let before = format!("before: {}", before.as_deref().unwrap_or("not there"));
    let mut outcome = Outcome::of(now);
    match &mut outcome {
        Outcome::Passed => {}
        Outcome::Failure {
            message, details, ..
        }
        | Outcome::Error {
            message, details, ..
        } => {
            *message = format!("{kind}: {message}");
            details.insert(0, before);
        }
        Outcome::Skipped { message } => *message = format!("{kind}: {message}; {before}"),
    }
    outcome
}

/// Returns the suite without a test that has what was counted, and the nodes that came and went in words.
fn diff(comparison: &Comparison) -> (Suite, Vec<String>) {
    let mut suite = Suite::new("diff");
    let kinds = by_kind(&comparison.summary);
    suite.properties = vec![("changes", counts(comparison))];
    suite
        .properties
        .extend(kinds.map(|(kind, count)| (property(kind), count.to_string())));
    let unchanged = comparison.summary.unchanged;
    suite.properties.push(("unchanged", unchanged.to_string()));
    let mut named = Vec::new();
    for (property, word, nodes) in [
        ("nodes-came", "came", &comparison.nodes_came),
        ("nodes-went", "went", &comparison.nodes_went),
    ] {
        suite.properties.push((property, nodes.len().to_string()));
        let first = nodes.iter().take(MAX_NODES);
        named.extend(first.map(|node| format!("node {word}: {}", node.name)));
        let rest = nodes.len().saturating_sub(MAX_NODES);
        if rest > 0 {
            named.push(format!(
                "{rest} more nodes that {word} are in the format json"
            ));
        }
    }
    (suite, named)
}

/// The facts have a `new` already: which file it is.
const fn property(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::New => "changes-new",
        ChangeKind::ChangedVerdict => "changes-changed-verdict",
        ChangeKind::ChangedValue => "changes-changed-value",
        ChangeKind::ChangedOrigin => "changes-changed-origin",
        ChangeKind::NoLongerSeen => "changes-no-longer-seen",
        ChangeKind::Waived => "changes-waived",
        ChangeKind::Fixed => "changes-fixed",
    }
}
