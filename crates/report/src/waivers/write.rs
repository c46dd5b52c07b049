//! Writes a waiver into a file, below what is there.

use std::collections::BTreeMap;
use std::fmt;

use jiff::civil::Date;
use kubeassay_core::rule::{Catalogue, Diagnostic};
use kubeassay_core::{Cause, Value};

use super::document::{Document, Entry, Scope};
use super::observed::Observed;
use super::pattern::Pattern;
use crate::yaml;

/// How a new file begins.
const HEADER: &str = "\
# Waivers: deviations that somebody accepted, with the values that were accepted, why, by whom and until when.
# What a waiver covers keeps its verdict and is counted as waived. Once a value changes or the last day is over, it counts
# again. Used by: kubeassay scan --waivers FILE. Checked by: kubeassay waivers lint FILE.
waivers:
";

/// How far in the entries of a new list stand.
const INDENT: usize = 2;

/// A waiver to be written.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// The rule, as `scan` takes it.
    pub rule: String,
    /// Its title, for the comment above it.
    pub title: String,
    /// What it covers.
    pub scope: Scope,
    /// The values that it accepts; none where it accepts that something is unknown.
    pub observed: Option<BTreeMap<String, Value>>,
    /// The cause for which it may be unknown.
    pub cause: Option<Cause>,
    /// Why it was accepted.
    pub reason: String,
    /// Who accepted it.
    pub owner: String,
    /// Where it was discussed.
    pub ticket: Option<String>,
    /// When it was accepted.
    pub created: Option<Date>,
    /// The last day on which it holds.
    pub expires: Date,
}

/// Why a waiver was not added.
#[derive(Clone, Debug, PartialEq)]
pub enum AddError {
    /// The file that is there has mistakes, or the waiver itself has: these.
    Faulty(Vec<Diagnostic>),
    /// The list in the file is written in a way that nothing can be put below; this is the entry.
    Form(String),
}

impl fmt::Display for AddError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Faulty(_) => f.write_str("it has mistakes; nothing was written"),
            Self::Form(entry) => write!(
                f,
                "its list is not written line by line, so that nothing can be added below it; nothing was written. This is the entry:\n{entry}"
            ),
        }
    }
}

impl std::error::Error for AddError {}

/// Returns the text of `file` with one more waiver in it; `there` is what it holds, nothing if there is no such file.
///
/// What is there stays as it is, to the byte. The result was read again, and says what it said and the draft.
///
/// # Errors
///
/// See [`AddError`].
pub fn add(
    file: &str,
    there: Option<&[u8]>,
    draft: &Draft,
    rules: &Catalogue,
) -> Result<String, AddError> {
    let there = there.unwrap_or_default();
    let before = Document::read(file, there, rules).map_err(AddError::Faulty)?;
    let mut text = before.text.clone();
    if text.is_empty() {
        text.push_str(HEADER);
    } else if !text.ends_with('\n') {
        text.push('\n');
    }
    let indent = before
        .entries
        .last()
        .map_or(Some(INDENT), |last| indent(&text, last));
    let entry = entry(draft, indent.unwrap_or(INDENT));
    let mut faults = None;
    // A file with comments alone has no list yet.
    for between in ["", "waivers:\n"] {
        let candidate = format!("{text}{between}{entry}");
        match Document::read(file, candidate.as_bytes(), rules) {
            Ok(after) if says(&after, &before, draft) => return Ok(candidate),
            Ok(_) => {}
            Err(found) => faults = faults.or(Some((found, candidate))),
        }
    }
    // Where the mistake is in the entry itself, it says more than that it does not fit.
    let alone = format!("{HEADER}{}", self::entry(draft, INDENT));
    match Document::read(file, alone.as_bytes(), rules) {
        Err(found) => Err(AddError::Faulty(found)),
        Ok(_) => Err(AddError::Form(self::entry(draft, INDENT))),
    }
}

/// Returns whether a document holds what it held, and the draft.
fn says(after: &Document, before: &Document, draft: &Draft) -> bool {
    let Some((last, others)) = after.entries.split_last() else {
        return false;
    };
    let accepts = match (&last.observed, &draft.observed) {
        (Observed::Values(values), Some(wanted)) => values.keys().eq(wanted.keys()),
        (Observed::Unknown { cause }, None) => *cause == draft.cause,
        _ => false,
    };
    others == before.entries.as_slice()
        && last.scope == draft.scope
        && last.owner == draft.owner.trim()
        && last.reason == draft.reason.trim()
        && last.expires == draft.expires
        && accepts
}

/// Returns the column of the dash before an entry, where only blanks stand before it.
fn indent(text: &str, entry: &Entry) -> Option<usize> {
    let before = text.get(..entry.span.start)?.trim_end();
    let before = before.strip_suffix('-')?;
    let line = before.rsplit('\n').next().unwrap_or_default();
    line.bytes().all(|byte| byte == b' ').then_some(line.len())
}

/// Returns the lines of an entry whose dash stands `indent` columns in.
fn entry(draft: &Draft, indent: usize) -> String {
    let mut lines: Vec<String> = Vec::new();
    let title = kubeassay_core::text::escape(&draft.title);
    lines.push(format!("# {title}"));
    lines.push(format!("- rule: {}", word(&draft.rule)));
    scope(&draft.scope, &mut lines);
    lines.push("  # What was accepted. Where it changes, the waiver no longer holds.".to_owned());
    if let Some(values) = &draft.observed {
        lines.push("  observed:".to_owned());
        for (key, value) in values {
            lines.push(format!("    {}: {}", yaml::string(key), flow(value)));
        }
    } else {
        lines.push("  observed: unknown".to_owned());
        if let Some(cause) = draft.cause {
            lines.push(format!("  cause: {cause}"));
        }
    }
    lines.push(format!("  reason: {}", yaml::string(draft.reason.trim())));
    lines.push(format!("  owner: {}", yaml::string(draft.owner.trim())));
    if let Some(ticket) = &draft.ticket {
        lines.push(format!("  ticket: {}", yaml::string(ticket.trim())));
    }
    if let Some(created) = draft.created {
        lines.push(format!("  created: {created}"));
    }
    lines.push("  # The last day it holds (UTC).".to_owned());
    lines.push(format!("  expires: {}", draft.expires));
    let margin = " ".repeat(indent);
    let mut text = String::new();
    for line in lines {
        text.push_str(&margin);
        text.push_str(&line);
        text.push('\n');
    }
    text
}

fn scope(scope: &Scope, lines: &mut Vec<String>) {
    let Scope {
        nodes,
        cluster,
        subject,
        horizon,
    } = scope;
    if scope.is_open() && horizon.is_none() {
        return;
    }
    lines.push("  # What it covers; everything that is named has to match.".to_owned());
    lines.push("  scope:".to_owned());
    if !nodes.is_empty() {
        let names: Vec<String> = nodes.iter().map(|one| yaml::string(one.as_str())).collect();
        lines.push(format!("    nodes: [{}]", names.join(", ")));
    }
    if let Some(cluster) = cluster {
        lines.push(format!("    cluster: {}", yaml::string(cluster)));
    }
    if let Some(subject) = subject.as_ref().map(Pattern::as_str) {
        lines.push(format!("    subject: {}", yaml::string(subject)));
    }
    if let Some(horizon) = horizon {
        lines.push(format!("    horizon: {horizon}"));
    }
}

/// Returns a rule as it is typed: numbers of three parts are no numbers to YAML.
fn word(rule: &str) -> String {
    let parts: Vec<&str> = rule.split('.').collect();
    let digits = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if parts.len() > 2 && parts.iter().all(digits) {
        rule.to_owned()
    } else {
        yaml::string(rule)
    }
}

/// Returns a value on one line.
fn flow(value: &Value) -> String {
    serde_json::to_value(value)
        .map_or_else(|_| yaml::string(&value.to_string()), |value| inline(&value))
}

fn inline(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => yaml::string(text),
        serde_json::Value::Array(values) => {
            let values: Vec<String> = values.iter().map(inline).collect();
            format!("[{}]", values.join(", "))
        }
        serde_json::Value::Object(entries) => {
            let entries = entries.iter();
            let entries: Vec<String> = entries
                .map(|(key, value)| format!("{}: {}", yaml::string(key), inline(value)))
                .collect();
            format!("{{{}}}", entries.join(", "))
        }
        plain => plain.to_string(),
    }
}
