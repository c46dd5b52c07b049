//! Verdicts on facts, and on the next start of a service alone.

use jiff::Timestamp;
use kubeassay_core::Horizon;
use kubeassay_core::Verdict;
use kubeassay_core::facts::{Facts, ServiceFacts, Source};
use kubeassay_core::report::{FailOn, Finding, GateOptions, Rules};
use kubeassay_core::rule::Rule;
use kubeassay_engine::{Judge, Options};

use super::Asked;

/// What was found on a node.
pub(super) struct Judged {
    pub(super) node_id: String,
    pub(super) node_name: String,
    pub(super) findings: Vec<Finding>,
}

impl Judged {
    /// Judges facts by the rules that are asked for.
    pub(super) fn of(facts: &Facts, asked: &Asked<'_>) -> Self {
        let options = options(facts.source, facts.started, asked);
        let judged = Judge::new(asked.rules, &options).node(facts);
        let node = judged.node.as_ref();
        Self {
            node_id: node.map_or_else(String::new, |node| node.id.clone()),
            node_name: node.map_or_else(String::new, |node| node.name.clone()),
            findings: judged.findings,
        }
    }
}

/// Returns the verdict of a rule on the next start of `service`, and why.
pub(super) fn next_start(
    facts: &Facts,
    service: &ServiceFacts,
    rule: &Rule,
    asked: &Asked<'_>,
) -> (Verdict, String) {
    // A service that does not run is judged for its next start, and nothing else is on this node.
    let mut alone = Facts {
        services: vec![service.clone()],
        node: facts.node.clone(),
        finished: facts.finished,
        reader: facts.reader,
        complete: true,
        ..Facts::new(facts.tool.clone(), facts.source, facts.started)
    };
    alone.node.distributions.clear();
    let options = options(facts.source, facts.started, asked);
    let rules = [rule];
    let judged = Judge::new(&rules, &options).node(&alone);
    let mut findings = judged.findings.into_iter();
    let finding = findings.find(|finding| finding.horizon == Horizon::Restart);
    finding.map_or_else(
        || (Verdict::Unknown, "its next start is not judged".to_owned()),
        |finding| (finding.verdict, finding.reason),
    )
}

/// Returns by what facts are judged that were taken from `source` at `started`.
pub(crate) fn options(source: Source, started: Timestamp, asked: &Asked<'_>) -> Options {
    Options {
        tool: asked.tool.clone(),
        source,
        cluster: None,
        started,
        kubernetes_version: asked.said,
        gate: GateOptions::new(FailOn::NEVER),
        rules: Rules {
            count: asked.rules.len(),
            digest: asked.digest.clone(),
            benchmark: None,
            added: Vec::new(),
            replaced: Vec::new(),
        },
        problems: Vec::new(),
        benchmark: None,
        choices: asked.choices.clone(),
    }
}
