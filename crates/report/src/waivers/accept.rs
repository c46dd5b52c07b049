//! The values that a new waiver would accept, from a report.

use std::collections::BTreeMap;

use kubeassay_core::report::{Finding, Node, Report};
use kubeassay_core::{Value, Verdict};

use super::document::Scope;
use super::observed;

/// How many places are named of those that do not agree.
const NAMED: usize = 3;

/// What a report says that would be accepted.
#[derive(Clone, Debug, PartialEq)]
pub struct Accepted {
    /// The values, by setting, file or object.
    pub values: BTreeMap<String, Value>,
    /// How many findings have them.
    pub findings: usize,
}

/// Returns the values of the failing findings of these rules in this scope, which must all be the same.
///
/// # Errors
///
/// Why there is nothing to accept, with what to do: nothing fails, some of it is unknown, or the values differ.
pub fn accept(report: &Report, rules: &[String], scope: &Scope) -> Result<Accepted, String> {
    let nodes: BTreeMap<&str, &Node> = report
        .scanned
        .nodes
        .iter()
        .map(|node| (node.id.as_str(), node))
        .collect();
    let node_of = |finding: &Finding| {
        let id = finding.node.as_deref();
        id.and_then(|id| nodes.get(id)).copied()
    };
    let cluster = report.scanned.cluster.as_ref();
    let covered = report.findings.iter().filter(|finding| {
        rules.contains(&finding.rule)
            && scope.covers_node(node_of(finding), cluster)
            && scope.covers_subject(finding)
    });
    let covered: Vec<&Finding> = covered.collect();
    let of = |verdict| {
        let found = covered.iter().filter(move |one| one.verdict == verdict);
        found.copied().collect::<Vec<_>>()
    };
    let failing = of(Verdict::Fail);
    let place = |finding: &Finding| {
        let node = node_of(finding).map_or("the cluster", |node| node.name.as_str());
        format!("{} on {node} ({})", finding.subject.key, finding.horizon)
    };
    let places = |findings: &[&Finding]| {
        let named: Vec<String> = findings.iter().take(NAMED).map(|one| place(one)).collect();
        named.join(", ")
    };
    let unknown = of(Verdict::Unknown);
    if !unknown.is_empty() {
        return Err(format!(
            "{} findings are unknown in the report: {}; narrow the scope to what fails, or accept that it is unknown with --observed unknown",
            unknown.len(),
            places(&unknown)
        ));
    }
    let Some(first) = failing.first() else {
        return Err(if covered.is_empty() {
            "the report has no finding of this rule in this scope; look for it with: kubeassay scan RULE -o wide".to_owned()
        } else {
            "nothing fails there in the report, so that there is nothing to accept".to_owned()
        });
    };
    let values = observed::read(first);
    if values.is_empty() {
        return Err(format!(
            "the finding has no value that a waiver could hold to: {}; name one with --observed",
            place(first)
        ));
    }
    if let Some(other) = failing.iter().find(|one| observed::read(one) != values) {
        return Err(format!(
            "the values differ: {}; narrow it with --node, --subject or --horizon, and accept each by itself",
            places(&[*first, *other])
        ));
    }
    Ok(Accepted {
        values,
        findings: failing.len(),
    })
}
