//! What changed, as `JUnit` XML: a suite for each node on which something changed, a test case for each change.
//!
//! A change whose finding fails or is unknown now is a failure or an error, and nothing else is: what is no longer seen is
//! skipped, which is neither mended nor open. What goes where: docs/formats.md.

use std::collections::BTreeSet;
use std::io::Write;

use kubeassay_core::report::Finding;

use super::by_node::by_node;
use super::{Changed, Comparison, by_kind, counts, facts, in_words, line};
use crate::RenderError;
use crate::junit::{IN_WORKLOADS, Outcome, Suite, Suites, node_properties, said};

/// So many nodes that came, and as many that went, are named.
const MAX_NODES: usize = 1_000;

pub(super) fn write(comparison: &Comparison, out: &mut dyn Write) -> Result<(), RenderError> {
    let started = comparison.new.started;
    let mut suites = Suites::begin(facts(comparison), &line(comparison), started, out)?;
    let went = comparison.nodes_went.iter();
    let went: BTreeSet<&str> = went.map(|node| node.id.as_str()).collect();
    let nodes = by_node(comparison);
    // Components in workloads stand apart, and last, as in a scan.
    for in_pods in [false, true] {
        for (node, changes) in &nodes {
            let changes = changes.iter();
            let mut changes = changes
                .filter(|outline| outline.in_pod == in_pods)
                .peekable();
            if changes.peek().is_none() {
                continue;
            }
            let mut suite = Suite::new(comparison.name(*node));
            if in_pods {
                suite.name.push_str(IN_WORKLOADS);
            }
            suite.properties = match *node {
                Some(id) if went.contains(id) => vec![
                    ("node-id", id.to_owned()),
                    ("node-status", "not in the newer report".to_owned()),
                ],
                node => node
                    .and_then(|id| comparison.nodes.get(id))
                    .map(node_properties)
                    .unwrap_or_default(),
            };
            for outline in changes {
                let change = comparison.changes.read(outline)?;
                let kind = change.kind.as_str();
                suite.add(&change.finding, Some(kind), &outcome(&change));
            }
            suites.write(&suite, &[], &[], out)?;
        }
    }
    let (suite, nodes) = diff(comparison);
    suites.write(&suite, &nodes, &comparison.doubts, out)?;
    Suites::end(out)
}

fn outcome(change: &Changed) -> Outcome {
    let Some(now) = change.now() else {
        let Finding { verdict, .. } = *change.finding;
        let said = said(&change.finding);
        return Outcome::Skipped {
            message: format!("no longer seen, was {verdict}: {said}"),
        };
    };
    let kind = change.kind.as_str();
    let before = change.before().map(in_words);
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
    let kinds = kinds.map(|(_, property, count)| (property, count.to_string()));
    suite.properties.extend(kinds);
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
