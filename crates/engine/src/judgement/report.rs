//! What was found on all nodes becomes one report.

use jiff::Timestamp;
use kubeassay_core::report::{Ending, Finding, Node, Problem, Report, SCHEMA, Scanned};

use super::{JudgedNode, Options};

/// What was found on several nodes, to become one report.
#[derive(Clone, Debug, Default)]
pub struct Judged {
    nodes: Vec<Node>,
    findings: Vec<Finding>,
    problems: Vec<Problem>,
}

impl Judged {
    /// Adds what was found on a node.
    pub fn add(&mut self, judged: JudgedNode) {
        self.nodes.extend(judged.node);
        self.findings.extend(judged.findings);
        self.problems.extend(judged.problems);
    }

    /// Returns the report, which ended at `finished`.
    pub fn report(self, ending: Ending, options: &Options, finished: Timestamp) -> Report {
        let Self {
            nodes,
            mut findings,
            problems,
        } = self;
        findings.sort_by(|one, other| place(one).cmp(&place(other)));
        let Ending {
            coverage,
            summary,
            gate,
            complete,
        } = ending;
        Report {
            schema: SCHEMA.to_owned(),
            tool: options.tool.clone(),
            scanned: Scanned {
                started: options.started,
                finished,
                source: options.source,
                cluster: options.cluster.clone(),
                joined: Vec::new(),
                nodes,
                coverage,
            },
            rules: options.rules.clone(),
            findings,
            problems: options.problems.iter().cloned().chain(problems).collect(),
            summary,
            gate,
            complete,
        }
    }
}

/// The order of findings in a report.
pub(super) fn place(finding: &Finding) -> impl Ord + '_ {
    (
        &finding.node,
        &finding.rule,
        &finding.subject.key,
        finding.horizon,
    )
}
