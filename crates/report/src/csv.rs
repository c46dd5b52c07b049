//! CSV (RFC 4180): a line for each finding, written as it comes.
//!
//! The first line is the header, as readers of CSV expect it: what was scanned stands in the first columns of every
//! line, so that files of several scans can be put one behind the other. A cell is one line, and no spreadsheet takes
//! one for a formula. What the columns hold: docs/formats.md.

use std::io::Write;

use kubeassay_core::report::{BaselineState, Finding, Node, Rules};
use kubeassay_core::{Value, Verdict, text};

use crate::describe::{control_label, describe_origin, status_words};
use crate::stream::{Closing, Header, Render};
use crate::{RenderError, heading};

/// The columns, in their order. New ones come last.
pub const COLUMNS: &[&str] = &[
    "source",
    "cluster",
    "cluster_uid",
    "started",
    "tool_version",
    "rules_digest",
    "node",
    "node_id",
    "node_status",
    "kubernetes_version",
    "finding",
    "control",
    "rule",
    "title",
    "severity",
    "verdict",
    "cause",
    "horizon",
    "component",
    "subject",
    "in_pod",
    "reason",
    "expected",
    "actual",
    "setting",
    "origin",
    "file",
    "line",
    "column",
    "waived",
    "waived_by",
    "waived_until",
    "waiver_reason",
    "baseline_state",
    "fixable",
    "remediation",
    "controls",
    "fix_how",
    "joined_reports",
];

/// How many columns say what was scanned, and how many where.
const OF_SCAN: usize = 6;
const OF_NODE: usize = 4;

/// Writes a report line by line.
#[derive(Debug, Default)]
pub struct Csv {
    /// The cells that every line begins with, as they are written.
    scan: String,
    /// From how many reports it was joined, the last cell of every line; empty where it was not.
    joined: String,
    /// The cells of the node whose findings come.
    node: String,
    /// Its id.
    id: Option<String>,
    /// None of its findings came yet: a node without any has a line of its own.
    waiting: bool,
    line: String,
}

impl Csv {
    fn push(&mut self, cell: &str) {
        push(&mut self.line, cell);
    }

    fn write(&mut self, out: &mut dyn Write) -> Result<(), RenderError> {
        self.line.push_str("\r\n");
        out.write_all(self.line.as_bytes())?;
        self.line.clear();
        Ok(())
    }

    /// Writes the node that has no finding: silence would say that it was never looked for.
    fn empty_node(&mut self, out: &mut dyn Write) -> Result<(), RenderError> {
        if !std::mem::take(&mut self.waiting) {
            return Ok(());
        }
        self.line.push_str(&self.scan);
        self.line.push_str(&self.node);
        for _ in COLUMNS.iter().skip(OF_SCAN + OF_NODE) {
            self.line.push(',');
        }
        self.line.push_str(&self.joined);
        self.write(out)
    }

    fn of_finding(&mut self, finding: &Finding) {
        self.push(&finding.id);
        self.push(&control_label(&finding.controls, &finding.rule));
        self.push(&finding.rule);
        self.push(&finding.title);
        self.push(finding.severity.as_str());
        self.push(finding.verdict.as_str());
        self.push(finding.cause.map_or("", |cause| cause.as_str()));
        self.push(finding.horizon.as_str());
        self.push(&finding.subject.component);
        self.push(&finding.subject.key);
        self.push(truth(finding.subject.in_pod));
        self.push(&finding.reason);
        self.push(&finding.expected);
        push_evidence(&mut self.line, finding);
        let waiver = finding.waiver.as_ref();
        self.push(truth(waiver.is_some()));
        self.push(waiver.map_or("", |waiver| &waiver.owner));
        let until = waiver.and_then(|waiver| waiver.expires.as_deref());
        self.push(until.unwrap_or_default());
        self.push(waiver.map_or("", |waiver| &waiver.reason));
        self.push(finding.baseline_state.map_or("", BaselineState::as_str));
        self.push(truth(finding.fix.possible));
        self.push(&finding.remediation);
        push_controls(&mut self.line, finding);
        self.push(finding.fix.how.as_deref().unwrap_or_default());
        self.line.push(',');
        self.line.push_str(&self.joined);
    }
}

impl Render for Csv {
    fn header(&mut self, header: &Header, out: &mut dyn Write) -> Result<(), RenderError> {
        writeln!(out, "{}\r", COLUMNS.join(","))?;
        let cluster = header.scanned.cluster.as_ref();
        let uid = cluster.and_then(|cluster| cluster.uid.as_deref());
        let Rules { digest, .. } = &header.rules;
        for cell in [
            heading::source(header.scanned.source),
            cluster.map_or("", |cluster| &cluster.server),
            uid.unwrap_or_default(),
            &header.scanned.started.to_string(),
            &header.tool.version,
            digest,
        ] {
            push(&mut self.scan, cell);
        }
        self.joined = match header.scanned.joined.len() {
            0 => String::new(),
            reports => reports.to_string(),
        };
        Ok(())
    }

    fn node(&mut self, node: &Node, out: &mut dyn Write) -> Result<(), RenderError> {
        self.empty_node(out)?;
        self.node.clear();
        let version = node.kubernetes_version.as_ref();
        for cell in [
            node.name.as_str(),
            &node.id,
            status_words(node.status),
            version.map_or("", |version| &version.value),
        ] {
            // The first of a line has no comma, and these are never first.
            self.node.push(',');
            push_cell(&mut self.node, cell);
        }
        self.id = Some(node.id.clone());
        self.waiting = true;
        Ok(())
    }

    fn finding(&mut self, finding: &Finding, out: &mut dyn Write) -> Result<(), RenderError> {
        self.line.push_str(&self.scan);
        if finding.node.is_some() && finding.node == self.id {
            self.waiting = false;
            self.line.push_str(&self.node);
        } else {
            // It belongs to the cluster, or to a node that the report does not have.
            let id = finding.node.as_deref().unwrap_or_default();
            for cell in ["", id, "", ""] {
                self.push(cell);
            }
        }
        self.of_finding(finding);
        self.write(out)
    }

    fn end(&mut self, _: &Closing, out: &mut dyn Write) -> Result<(), RenderError> {
        self.empty_node(out)?;
        out.flush()?;
        Ok(())
    }
}

/// Adds the numbers that a rule is known by, as one cell.
pub(crate) fn push_controls(line: &mut String, finding: &Finding) {
    let controls = finding.controls.iter();
    let controls: Vec<String> = controls
        .map(|control| format!("{}:{}", control.framework, control.control))
        .collect();
    push(line, &controls.join(" "));
}

/// Adds what was found: every value; then setting, origin, file, line and column of the first that stands in a file.
pub(crate) fn push_evidence(line: &mut String, finding: &Finding) {
    let named = |evidence: &kubeassay_core::report::Evidence| {
        let file = evidence.file.as_ref().map(ToString::to_string);
        let name = evidence.setting.clone().or(file);
        let name = name.or_else(|| evidence.object.clone());
        name.or_else(|| evidence.response.clone())
            .unwrap_or_default()
    };
    let values = finding.evidence.iter();
    let values: Vec<String> = values
        .map(|evidence| match (&evidence.value, finding.verdict) {
            (Value::Null, Verdict::Unknown) => format!("{}: not known", named(evidence)),
            (value, _) => format!("{}={value}", named(evidence)),
        })
        .collect();
    push(line, &values.join("; "));
    let in_file = finding
        .evidence
        .iter()
        .find(|evidence| evidence.origin.line.is_some());
    let first = in_file.or(finding.evidence.first());
    push(line, &first.map(named).unwrap_or_default());
    push(
        line,
        &first
            .map(|one| describe_origin(&one.origin))
            .unwrap_or_default(),
    );
    let path = first.and_then(|one| one.origin.path.as_deref().or(one.file.as_ref()));
    push(line, &path.map(ToString::to_string).unwrap_or_default());
    let number = |number: Option<u32>| number.map(|number| number.to_string());
    let origin = first.map(|one| &one.origin);
    let row = origin.and_then(|origin| number(origin.line));
    let column = origin.and_then(|origin| number(origin.column));
    push(line, &row.unwrap_or_default());
    push(line, &column.unwrap_or_default());
}

pub(crate) const fn truth(holds: bool) -> &'static str {
    if holds { "true" } else { "false" }
}

/// Adds a cell to a line.
pub(crate) fn push(line: &mut String, cell: &str) {
    if !line.is_empty() {
        line.push(',');
    }
    push_cell(line, cell);
}

/// Adds the text of a cell.
///
/// It is one line of characters that are seen. One that a spreadsheet would take for a formula, or for the mark itself,
/// has an apostrophe before it: who reads the file with a program takes one away from the head of a cell.
fn push_cell(line: &mut String, cell: &str) {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b" .:/_-;()[]{}=*+@%&".contains(&byte);
    if cell.bytes().all(plain) {
        push_safe(line, cell);
    } else {
        push_safe(line, &text::escape(cell));
    }
}

fn push_safe(line: &mut String, cell: &str) {
    // With the wide forms, which a spreadsheet may read as the narrow ones. A tab and an end of a line were escaped.
    const FORMULA: [char; 9] = [
        '=', '+', '-', '@', '\'', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}',
    ];
    let risky = cell.starts_with(FORMULA);
    let quoted = risky || cell.contains([',', '"']) || cell.starts_with(' ') || cell.ends_with(' ');
    if !quoted {
        line.push_str(cell);
        return;
    }
    line.push('"');
    if risky {
        line.push('\'');
    }
    line.push_str(&cell.replace('"', "\"\""));
    line.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_no_formulas() {
        for (cell, written) in [
            ("plain", "plain"),
            ("", ""),
            ("a,b", "\"a,b\""),
            ("say \"x\"", "\"say \"\"x\"\"\""),
            ("=1+1", "\"'=1+1\""),
            ("+1", "\"'+1\""),
            ("-1", "\"'-1\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("\t=1", "\\t=1"),
            ("\r=1", "\\r=1"),
            ("a\r\nb", "a\\r\\nb"),
            ("'quoted", "\"''quoted\""),
            ("\u{ff1d}1", "\"'\u{ff1d}1\""),
            ("\u{1b}[31m\u{202e}", "\\x1b[31m\\u{202e}"),
        ] {
            let mut line = String::new();
            push_cell(&mut line, cell);
            assert_eq!(line, written, "{cell:?}");
        }
    }
}
