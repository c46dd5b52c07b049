//! Findings that belong together: one rule and subject, at its horizons.

use std::collections::{BTreeMap, BTreeSet};

use kubeassay_core::Verdict;
use kubeassay_core::report::{Finding, Node, Report};

use super::settled::Settled;
use crate::describe::{control_label, control_order, is_of_cluster};
use crate::waivers::COMPONENT;

/// The findings of one rule and subject, in the order of their horizons; never empty.
pub(super) struct Group<'a> {
    pub(super) findings: Vec<&'a Finding>,
    /// Whether they are in the summary.
    pub(super) counted: bool,
}

/// What a group comes to, most pressing first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    /// One fails.
    Fails,
    /// None fails; one is not known.
    Unknown,
    /// Neither, or accepted.
    Settled,
}

/// Returns what a finding comes to.
pub(super) fn rank(finding: &Finding) -> Rank {
    match (&finding.waiver, finding.verdict) {
        (Some(_), _) | (None, Verdict::Pass | Verdict::Manual | Verdict::NotApplicable) => {
            Rank::Settled
        }
        (None, Verdict::Fail) => Rank::Fails,
        (None, Verdict::Unknown) => Rank::Unknown,
    }
}

impl<'a> Group<'a> {
    pub(super) fn rank(&self) -> Rank {
        let ranks = self.findings.iter().map(|finding| rank(finding));
        ranks.min().unwrap_or(Rank::Settled)
    }

    /// Returns whether something in it was accepted, or it is about a waiver: what people decided is always shown.
    pub(super) fn is_of_waivers(&self) -> bool {
        self.component() == COMPONENT || self.findings.iter().any(|one| one.waiver.is_some())
    }

    /// Returns whether it is about objects of the cluster.
    pub(super) fn is_of_cluster(&self) -> bool {
        self.findings.iter().any(|finding| is_of_cluster(finding))
    }

    /// Returns the component that was judged.
    pub(super) fn component(&self) -> &'a str {
        let finding = self.findings.first();
        finding.map_or("", |finding| finding.subject.component.as_str())
    }

    /// Returns the node's id, if it is about a node, and the subject's key.
    pub(super) fn place(&self) -> (Option<&'a str>, &'a str) {
        let first = self.findings.first();
        first.map_or((None, ""), |finding| {
            (finding.node.as_deref(), &finding.subject.key)
        })
    }

    pub(super) fn control(&self) -> String {
        let first = self.findings.first();
        first.map_or_else(String::new, |finding| {
            control_label(&finding.controls, &finding.rule)
        })
    }
}

/// The nodes, by their ids.
pub(super) struct Nodes<'a> {
    nodes: BTreeMap<&'a str, &'a Node>,
    /// Names that several have: nodes of different clusters.
    several: BTreeSet<&'a str>,
}

impl<'a> Nodes<'a> {
    pub(super) fn new(report: &'a Report) -> Self {
        let nodes = report.scanned.nodes.iter();
        let nodes: BTreeMap<&str, &Node> = nodes.map(|node| (node.id.as_str(), node)).collect();
        let mut names = BTreeSet::new();
        let several = nodes.values().map(|node| node.name.as_str());
        let several = several.filter(|name| !names.insert(*name)).collect();
        Self { nodes, several }
    }

    /// Returns the name of the node with this id, or the id where the report has no such node; without an id,
    /// the cluster's.
    pub(super) fn name(&self, id: Option<&'a str>) -> &'a str {
        let Some(id) = id else {
            return "the cluster";
        };
        self.nodes.get(id).map_or(id, |node| &node.name)
    }

    /// Returns the node's name, its id where another has the same name, and its version where there are several nodes.
    pub(super) fn title(&self, id: Option<&'a str>) -> Vec<String> {
        let node = id.and_then(|id| self.nodes.get(id));
        let node = node.filter(|_| self.nodes.len() > 1);
        let twin = node.filter(|node| self.several.contains(node.name.as_str()));
        let twin = twin.map(|node| format!("id {}", node.id));
        let version = node.and_then(|node| node.kubernetes_version.as_ref());
        let version = version.map(|version| format!("Kubernetes {}", version.value));
        std::iter::once(self.name(id).to_owned())
            .chain(twin)
            .chain(version)
            .collect()
    }
}

/// Returns whether findings in workloads count: the report does not say it, but its sum does.
pub(super) fn all_counted(report: &Report, settled: &Settled) -> bool {
    report.summary.total() == report.findings.len() + settled.count()
}

/// Returns the report's groups: by node name; on a node those that count first; then by subject, rank
/// and control.
pub(super) fn groups<'a>(
    report: &'a Report,
    nodes: &Nodes<'a>,
    all_counted: bool,
) -> Vec<Group<'a>> {
    let together = |one: &Finding, other: &Finding| {
        (&one.node, &one.rule, &one.subject.key) == (&other.node, &other.rule, &other.subject.key)
    };
    let groups = report.findings.chunk_by(together).map(|findings| Group {
        findings: findings.iter().collect(),
        counted: all_counted || !findings.iter().any(|finding| finding.subject.in_pod),
    });
    let mut groups: Vec<_> = groups.collect();
    groups.sort_by_cached_key(|group| {
        let (node, key) = group.place();
        let place = (nodes.name(node), node, !group.counted, key);
        (place, group.rank(), control_order(&group.control()))
    });
    groups
}
