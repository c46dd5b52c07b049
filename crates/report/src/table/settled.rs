//! What the page says of findings that it does not show: how many there are, and of what.

use std::collections::BTreeMap;

use kubeassay_core::Horizon;
use kubeassay_core::report::Finding;

use crate::describe::control_label;

/// Findings in which nothing is open, as numbers.
#[derive(Debug, Default)]
pub(super) struct Settled {
    /// By horizon, those in workloads apart: they may count for nothing.
    on_nodes: BTreeMap<Horizon, usize>,
    in_pods: BTreeMap<Horizon, usize>,
    /// By node and component the first two subjects: more than one is all that is asked.
    subjects: BTreeMap<(Option<String>, String), Vec<String>>,
    /// What a rule is called.
    labels: BTreeMap<String, String>,
}

impl Settled {
    pub(super) fn add(&mut self, finding: &Finding) {
        let counts = if finding.subject.in_pod {
            &mut self.in_pods
        } else {
            &mut self.on_nodes
        };
        *counts.entry(finding.horizon).or_default() += 1;
        let place = (finding.node.clone(), finding.subject.component.clone());
        let subjects = self.subjects.entry(place).or_default();
        if subjects.len() < 2 && !subjects.contains(&finding.subject.key) {
            subjects.push(finding.subject.key.clone());
        }
        if !self.labels.contains_key(&finding.rule) {
            let label = control_label(&finding.controls, &finding.rule);
            self.labels.insert(finding.rule.clone(), label);
        }
    }

    /// Returns how many there are.
    pub(super) fn count(&self) -> usize {
        self.counted(true)
    }

    /// Returns how many there are that count, with those in workloads or without.
    pub(super) fn counted(&self, with_pods: bool) -> usize {
        let in_pods = self.in_pods.values().filter(|_| with_pods);
        self.on_nodes.values().chain(in_pods).sum()
    }

    /// Returns how many of those that count are of a horizon.
    pub(super) fn judged(&self, horizon: Horizon, with_pods: bool) -> usize {
        let in_pods = self.in_pods.get(&horizon).filter(|_| with_pods);
        let on_nodes = self.on_nodes.get(&horizon);
        on_nodes.into_iter().chain(in_pods).sum()
    }

    /// Returns the first subjects of each component of a node.
    pub(super) fn subjects(&self) -> impl Iterator<Item = (Option<&str>, &str, &[String])> {
        self.subjects
            .iter()
            .map(|((node, component), keys)| (node.as_deref(), component.as_str(), &**keys))
    }

    /// Returns what the rules of these findings are called.
    pub(super) fn labels(&self) -> impl Iterator<Item = (&String, &String)> {
        self.labels.iter()
    }
}
