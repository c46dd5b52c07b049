//! `JUnit` XML: a suite for each node and one for the cluster, a test case for each finding.
//!
//! A node's findings stand together, so that no more than one node is kept and a fleet takes no more memory than a node.
//! Written so that both the schema of Apache Ant's tasks and that of Jenkins' xUnit plugin hold: neither knows
//! attributes of `testsuites` that the other lacks, so what was scanned stands in a comment on the second line and in
//! the properties of every suite. What goes where: docs/formats.md.

mod document;

use std::collections::BTreeMap;
use std::io::Write;

use kubeassay_core::Verdict;
use kubeassay_core::report::{Finding, Node};

use crate::describe::{
    describe_evidence, describe_overridden, node_parts, status_words, subject_parts,
};
use crate::stream::{Closing, Header, Render};
use crate::{RenderError, heading};
pub(crate) use document::{Outcome, Suite, Suites};

/// So many problems are told one by one.
const MAX_PROBLEMS: usize = 1_000;
/// What the name of a suite of components in workloads ends with.
pub(crate) const IN_WORKLOADS: &str = " (in workloads)";

/// Writes a report as `JUnit` XML.
#[derive(Debug, Default)]
pub struct Junit {
    suites: Suites,
    /// The suite whose findings come, with the node's id.
    suite: Option<(Option<String>, Suite)>,
    /// Findings of components in workloads: only the end tells whether they count.
    in_pods: Vec<(Option<String>, Suite)>,
    /// Names of nodes by their ids.
    names: BTreeMap<String, String>,
    /// Every finding that came.
    all: usize,
}

impl Junit {
    /// Returns what has written nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    fn new_suite(&self, node: Option<&str>) -> Suite {
        let name = node.map_or("cluster", |id| {
            self.names.get(id).map_or(id, String::as_str)
        });
        Suite::new(name)
    }

    /// Writes the suite whose findings came.
    fn flush(&mut self, out: &mut dyn Write) -> Result<(), RenderError> {
        match self.suite.take() {
            Some((_, suite)) => self.suites.write(&suite, &[], &[], out),
            None => Ok(()),
        }
    }

    /// Writes what was counted and what could not be read: a suite without a test.
    fn scan(&mut self, closing: &Closing, out: &mut dyn Write) -> Result<(), RenderError> {
        let mut problems = Vec::new();
        for problem in closing.problems.iter().take(MAX_PROBLEMS) {
            let node = problem.node.as_deref();
            let node = node.map(|id| self.names.get(id).map_or(id, String::as_str));
            let path = problem.path.as_ref().map(ToString::to_string);
            let words: Vec<&str> = node
                .into_iter()
                .chain(path.as_deref())
                .chain([problem.reason.as_str()])
                .collect();
            problems.push(words.join(": "));
        }
        let rest = closing.problems.len().saturating_sub(MAX_PROBLEMS);
        if rest > 0 {
            problems.push(format!("{rest} more problems are in the format json"));
        }
        let summary = closing.summary;
        let mut suite = Suite::new("scan");
        suite.properties = vec![
            ("finished", closing.finished.to_string()),
            ("complete", closing.complete.to_string()),
            ("exit-code", closing.gate.exit_code.to_string()),
            ("exit-reason", closing.gate.reason.clone()),
            ("nodes", closing.coverage.nodes.to_string()),
            ("nodes-scanned", closing.coverage.scanned.to_string()),
            ("pass", summary.pass.to_string()),
            ("fail", summary.fail.to_string()),
            ("unknown", summary.unknown.to_string()),
            ("manual", summary.manual.to_string()),
            ("not-applicable", summary.not_applicable.to_string()),
            ("waived", summary.waived.to_string()),
            (
                "in-workloads-not-counted",
                self.all.saturating_sub(summary.total()).to_string(),
            ),
        ];
        self.suites.write(&suite, &[], &problems, out)
    }
}

impl Render for Junit {
    fn header(&mut self, header: &Header, out: &mut dyn Write) -> Result<(), RenderError> {
        let started = header.scanned.started;
        self.suites = Suites::begin(heading::facts(header), &heading::line(header), started, out)?;
        Ok(())
    }

    fn node(&mut self, node: &Node, out: &mut dyn Write) -> Result<(), RenderError> {
        self.flush(out)?;
        self.names.insert(node.id.clone(), node.name.clone());
        let mut suite = self.new_suite(Some(&node.id));
        suite.properties = node_properties(node);
        self.suite = Some((Some(node.id.clone()), suite));
        Ok(())
    }

    fn finding(&mut self, finding: &Finding, out: &mut dyn Write) -> Result<(), RenderError> {
        self.all += 1;
        let outcome = Outcome::of(finding);
        let is_of = |last: Option<&(Option<String>, Suite)>| {
            last.is_some_and(|(node, _)| *node == finding.node)
        };
        if finding.subject.in_pod {
            if !is_of(self.in_pods.last()) {
                let mut suite = self.new_suite(finding.node.as_deref());
                suite.name.push_str(IN_WORKLOADS);
                self.in_pods.push((finding.node.clone(), suite));
            }
            if let Some((_, suite)) = self.in_pods.last_mut() {
                suite.add(finding, None, &outcome);
            }
            return Ok(());
        }
        if !is_of(self.suite.as_ref()) {
            self.flush(out)?;
            let suite = self.new_suite(finding.node.as_deref());
            self.suite = Some((finding.node.clone(), suite));
        }
        if let Some((_, suite)) = &mut self.suite {
            suite.add(finding, None, &outcome);
        }
        Ok(())
    }

    fn end(&mut self, closing: &Closing, out: &mut dyn Write) -> Result<(), RenderError> {
        self.flush(out)?;
        // A report does not say whether findings in workloads count, but its sum does.
        let in_pods = std::mem::take(&mut self.in_pods);
        if closing.summary.total() == self.all {
            for (_, suite) in in_pods {
                self.suites.write(&suite, &[], &[], out)?;
            }
        }
        self.scan(closing, out)?;
        Suites::end(out)
    }
}

impl Outcome {
    /// Returns what comes of a finding.
    pub(crate) fn of(finding: &Finding) -> Self {
        let message = said(finding);
        match (&finding.waiver, finding.verdict) {
            (None, Verdict::Pass) => Self::Passed,
            (None, Verdict::Fail) => Self::Failure {
                kind: finding.severity.as_str(),
                message,
                details: details(finding),
            },
            (None, Verdict::Unknown) => Self::Error {
                kind: finding.cause.map_or("unknown", |cause| cause.as_str()),
                message,
                details: details(finding),
            },
            (None, Verdict::Manual | Verdict::NotApplicable) => Self::Skipped {
                message: format!("{}: {message}", finding.verdict),
            },
            (Some(waiver), verdict) => {
                let until = waiver.expires.as_deref();
                let until = until.map(|day| format!(" until {day}")).unwrap_or_default();
                Self::Skipped {
                    message: format!(
                        "{verdict}, waived by {}{until}: {}",
                        waiver.owner, waiver.reason
                    ),
                }
            }
        }
    }
}

/// Returns what is told of a node.
pub(crate) fn node_properties(node: &Node) -> Vec<(&'static str, String)> {
    let mut properties = vec![
        ("node-id", node.id.clone()),
        ("node-status", status_words(node.status).to_owned()),
        ("node", node_parts(node).join(", ")),
    ];
    let benchmark = node.benchmark.clone();
    properties.extend(benchmark.map(|benchmark| ("node-benchmark", benchmark)));
    properties
}

/// Returns why it is so, or else what it is.
pub(crate) fn said(finding: &Finding) -> String {
    if finding.reason.is_empty() {
        finding.title.clone()
    } else {
        finding.reason.clone()
    }
}

/// Returns what a person needs to mend it, line by line.
fn details(finding: &Finding) -> Vec<String> {
    let mut lines = Vec::new();
    let subject = subject_parts(&finding.subject, true).join(", ");
    lines.push(format!("of: {subject}"));
    if !finding.expected.is_empty() {
        lines.push(format!("expected: {}", finding.expected));
    }
    for evidence in &finding.evidence {
        let (what, place) = describe_evidence(evidence, finding.verdict);
        lines.push(format!("{what} {place}"));
        let overrode = evidence.overrode.iter();
        lines.extend(overrode.map(|one| format!("  {}", describe_overridden(one))));
    }
    let assumes = finding.assumes.iter();
    lines.extend(assumes.map(|assumed| format!("assumed: {assumed}")));
    if let Some(state) = finding.baseline_state {
        lines.push(format!("against the baseline: {state:?}").to_lowercase());
    }
    let how = finding.fix.how.iter();
    lines.extend(how.map(|how| format!("mend: {how}")));
    let remediation = finding.remediation.lines();
    lines.extend(remediation.map(str::to_owned));
    lines.push(format!("finding: {}", finding.id));
    lines
}
