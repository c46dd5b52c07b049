//! `JUnit` XML: a suite for each node and one for the cluster, a test case for each finding.
//!
//! A node's findings stand together, so that no more than one node is kept and a fleet takes no more memory than a node.
//! Written so that both the schema of Apache Ant's tasks and that of Jenkins' xUnit plugin hold: neither knows
//! attributes of `testsuites` that the other lacks, so what was scanned stands in a comment on the second line and in
//! the properties of every suite. What goes where: docs/formats.md.

use std::collections::BTreeMap;
use std::io::Write;

use kubeassay_core::report::{Finding, Node};
use kubeassay_core::{Verdict, text};

use crate::describe::{
    control_label, describe_evidence, describe_overridden, node_parts, status_words, subject_parts,
};
use crate::stream::{Closing, Header, Render};
use crate::{RenderError, heading};

/// A text has no more characters: what reads `JUnit` shows it whole.
const LONGEST: usize = 8_192;
/// So many problems are told one by one.
const MAX_PROBLEMS: usize = 1_000;

/// Writes a report as `JUnit` XML.
#[derive(Debug, Default)]
pub struct Junit {
    facts: Vec<(&'static str, String)>,
    /// `2026-11-26T10:00:00`: the schema of Ant allows no zone. It is in UTC.
    timestamp: String,
    /// The suite whose findings come.
    suite: Option<Suite>,
    /// Findings of components in workloads: only the end tells whether they count.
    in_pods: Vec<Suite>,
    /// Names of nodes by their ids.
    names: BTreeMap<String, String>,
    /// Every finding that came.
    all: usize,
    suites: usize,
}

/// What is written of one node.
#[derive(Debug)]
struct Suite {
    /// The node's id.
    node: Option<String>,
    name: String,
    properties: Vec<(&'static str, String)>,
    cases: String,
    counts: Counts,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    tests: usize,
    failures: usize,
    errors: usize,
    skipped: usize,
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
        Suite {
            node: node.map(str::to_owned),
            name: name.to_owned(),
            properties: Vec::new(),
            cases: String::new(),
            counts: Counts::default(),
        }
    }

    /// Writes the suite whose findings came.
    fn flush(&mut self, out: &mut dyn Write) -> Result<(), RenderError> {
        match self.suite.take() {
            Some(suite) => self.write(&suite, "", out),
            None => Ok(()),
        }
    }

    fn write(&mut self, suite: &Suite, err: &str, out: &mut dyn Write) -> Result<(), RenderError> {
        let name = token(&suite.name);
        let Counts {
            tests,
            failures,
            errors,
            skipped,
        } = suite.counts;
        writeln!(
            out,
            "<testsuite name=\"{name}\" package=\"kubeassay\" id=\"{}\" timestamp=\"{}\" hostname=\"{name}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"{skipped}\" time=\"0\">",
            self.suites, self.timestamp
        )?;
        self.suites += 1;
        writeln!(out, "<properties>")?;
        for (name, value) in self.facts.iter().chain(&suite.properties) {
            writeln!(
                out,
                "<property name=\"{name}\" value=\"{}\"/>",
                attribute(value)
            )?;
        }
        writeln!(out, "</properties>")?;
        out.write_all(suite.cases.as_bytes())?;
        writeln!(out, "<system-out></system-out>")?;
        writeln!(out, "<system-err>{err}</system-err>")?;
        writeln!(out, "</testsuite>")?;
        Ok(())
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
            problems.push(element(&words.join(": ")));
        }
        let rest = closing.problems.len().saturating_sub(MAX_PROBLEMS);
        if rest > 0 {
            problems.push(format!("{rest} more problems are in the format json"));
        }
        let summary = closing.summary;
        let mut suite = self.new_suite(None);
        "scan".clone_into(&mut suite.name);
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
        self.write(&suite, &problems.join("\n"), out)
    }
}

impl Render for Junit {
    fn header(&mut self, header: &Header, out: &mut dyn Write) -> Result<(), RenderError> {
        self.facts = heading::facts(header);
        let started = header.scanned.started.to_string();
        self.timestamp = started.chars().take("2026-11-26T10:00:00".len()).collect();
        writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
        let mut line = element(&heading::line(header));
        // Nothing in a comment may look like its end.
        while line.contains("--") {
            line = line.replace("--", "- -");
        }
        writeln!(out, "<!-- {line} -->")?;
        writeln!(out, "<testsuites>")?;
        Ok(())
    }

    fn node(&mut self, node: &Node, out: &mut dyn Write) -> Result<(), RenderError> {
        self.flush(out)?;
        self.names.insert(node.id.clone(), node.name.clone());
        let mut suite = self.new_suite(Some(&node.id));
        suite.properties = vec![
            ("node-id", node.id.clone()),
            ("node-status", status_words(node.status).to_owned()),
            ("node", node_parts(node).join(", ")),
        ];
        if let Some(benchmark) = &node.benchmark {
            suite.properties.push(("node-benchmark", benchmark.clone()));
        }
        self.suite = Some(suite);
        Ok(())
    }

    fn finding(&mut self, finding: &Finding, out: &mut dyn Write) -> Result<(), RenderError> {
        self.all += 1;
        if finding.subject.in_pod {
            let node = finding.node.as_deref();
            if self
                .in_pods
                .last()
                .is_none_or(|suite| suite.node.as_deref() != node)
            {
                let mut suite = self.new_suite(node);
                suite.name.push_str(" (in workloads)");
                self.in_pods.push(suite);
            }
            if let Some(suite) = self.in_pods.last_mut() {
                suite.add(finding);
            }
            return Ok(());
        }
        if self
            .suite
            .as_ref()
            .is_none_or(|suite| suite.node != finding.node)
        {
            self.flush(out)?;
            self.suite = Some(self.new_suite(finding.node.as_deref()));
        }
        if let Some(suite) = &mut self.suite {
            suite.add(finding);
        }
        Ok(())
    }

    fn end(&mut self, closing: &Closing, out: &mut dyn Write) -> Result<(), RenderError> {
        self.flush(out)?;
        // A report does not say whether findings in workloads count, but its sum does.
        let in_pods = std::mem::take(&mut self.in_pods);
        if closing.summary.total() == self.all {
            for suite in in_pods {
                self.write(&suite, "", out)?;
            }
        }
        self.scan(closing, out)?;
        writeln!(out, "</testsuites>")?;
        out.flush()?;
        Ok(())
    }
}

impl Suite {
    fn add(&mut self, finding: &Finding) {
        self.counts.tests += 1;
        let control = control_label(&finding.controls, &finding.rule);
        let place = finding
            .subject
            .object
            .as_deref()
            .unwrap_or(&finding.subject.key);
        let name = format!(
            "{control} {} ({place}) [{}]",
            finding.title, finding.horizon
        );
        let class = format!("{}.{}", finding.subject.component, finding.rule);
        self.cases.extend([
            "<testcase classname=\"",
            &token(&class),
            "\" name=\"",
            &token(&name),
            "\" time=\"0\"",
        ]);
        let message = said(finding);
        match (&finding.waiver, finding.verdict) {
            (None, Verdict::Pass) => self.cases.push_str("/>\n"),
            (None, Verdict::Fail) => {
                self.counts.failures += 1;
                let kind = finding.severity.as_str();
                self.outcome("failure", kind, &message, &details(finding));
            }
            (None, Verdict::Unknown) => {
                self.counts.errors += 1;
                let kind = finding.cause.map_or("unknown", |cause| cause.as_str());
                self.outcome("error", kind, &message, &details(finding));
            }
            (None, Verdict::Manual | Verdict::NotApplicable) => {
                self.counts.skipped += 1;
                let message = format!("{}: {message}", finding.verdict);
                self.skipped(&message);
            }
            (Some(waiver), verdict) => {
                self.counts.skipped += 1;
                let until = waiver.expires.as_deref();
                let until = until.map(|day| format!(" until {day}")).unwrap_or_default();
                let message = format!(
                    "{verdict}, waived by {}{until}: {}",
                    waiver.owner, waiver.reason
                );
                self.skipped(&message);
            }
        }
    }

    fn outcome(&mut self, element_name: &str, kind: &str, message: &str, details: &str) {
        self.cases.extend([
            "><",
            element_name,
            " type=\"",
            kind,
            "\" message=\"",
            &attribute(message),
            "\">",
            details,
            "</",
            element_name,
            "></testcase>\n",
        ]);
    }

    fn skipped(&mut self, message: &str) {
        self.cases.extend([
            "><skipped message=\"",
            &attribute(message),
            "\"/></testcase>\n",
        ]);
    }
}

/// Returns why it is so, or else what it is.
fn said(finding: &Finding) -> String {
    if finding.reason.is_empty() {
        finding.title.clone()
    } else {
        finding.reason.clone()
    }
}

/// Returns what a person needs to mend it, line by line, as the text of an element.
fn details(finding: &Finding) -> String {
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
    let lines: Vec<String> = lines.iter().map(|line| element(line)).collect();
    lines.join("\n")
}

/// Returns the text of an element: one line, escaped.
fn element(foreign: &str) -> String {
    let (text, more) = cut(foreign);
    let mut written = String::with_capacity(text.len());
    for character in text::escape(text).chars() {
        match character {
            '&' => written.push_str("&amp;"),
            '<' => written.push_str("&lt;"),
            '>' => written.push_str("&gt;"),
            '"' => written.push_str("&quot;"),
            // What XML 1.0 does not allow and escaping left: everything else of that kind is a control.
            '\u{fffe}' => written.push_str("\\u{fffe}"),
            '\u{ffff}' => written.push_str("\\u{ffff}"),
            character => written.push(character),
        }
    }
    if more > 0 {
        written.extend(["… (", &more.to_string(), " more characters)"]);
    }
    written
}

/// Returns the value of an attribute.
fn attribute(foreign: &str) -> String {
    element(foreign)
}

/// Returns the value of an attribute that has single blanks between words and none around them, and is not empty.
fn token(foreign: &str) -> String {
    let words: Vec<&str> = foreign.split(' ').filter(|word| !word.is_empty()).collect();
    match words.as_slice() {
        [] => "unnamed".to_owned(),
        words => element(&words.join(" ")),
    }
}

fn cut(text: &str) -> (&str, usize) {
    match text.char_indices().nth(LONGEST) {
        None => (text, 0),
        Some((end, _)) => {
            let (kept, rest) = text.split_at(end);
            (kept, rest.chars().count())
        }
    }
}
