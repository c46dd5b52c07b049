//! What changed between two reports.
//!
//! Each is gone through twice at most: of the old one a few numbers are kept for each finding, and findings that changed
//! wait [outside of memory](ChangeList). One file per format; those that are laid out as a report is take its parts from
//! the format of the report.

use std::collections::BTreeMap;
use std::io::Write;

use kubeassay_core::changes::{ChangeKind, ChangeSummary, Compared, NodeName};
use kubeassay_core::report::{Finding, Node, Tool};
use kubeassay_core::text;

use crate::describe::subject_parts;
use crate::document::Notation;
use crate::{Format, Prose, RenderError, Style, heading};

mod by_node;
mod compare;
mod csv;
mod document;
mod html;
mod jsonl;
mod junit;
mod list;
mod markdown;
mod ocsf;
mod openreports;
mod oscal;
mod page;
mod prometheus;
mod sarif;

pub use compare::{CompareError, compare};
pub use csv::COLUMNS;
pub use list::{ChangeList, Outline};

/// What changed between two reports, with the findings whole: every format is written from it.
#[derive(Debug)]
pub struct Comparison {
    /// Who compared them.
    pub tool: Tool,
    /// What was before.
    pub old: Compared,
    /// What is now.
    pub new: Compared,
    /// What makes the comparison say less than it seems to, one sentence each: other rules, another cluster.
    pub doubts: Vec<String>,
    /// Nodes that only the new one has, sorted.
    pub nodes_came: Vec<NodeName>,
    /// Nodes that only the old one has, sorted.
    pub nodes_went: Vec<NodeName>,
    /// The changes, those that need action first.
    pub changes: ChangeList,
    /// How many there are of each kind.
    pub summary: ChangeSummary,
    /// The nodes on which something changed, by their ids; as they are now, where they are still there.
    nodes: BTreeMap<String, Node>,
}

/// A finding that changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Changed {
    /// What kind of change it is.
    pub kind: ChangeKind,
    /// The finding as it is now; where it is no longer seen, as it was.
    pub finding: Box<Finding>,
    /// The finding as it was, where it is there now too.
    before: Option<Box<Finding>>,
}

impl Changed {
    /// Returns what was found before; `None` where it was not there.
    pub fn before(&self) -> Option<&Finding> {
        match self.kind {
            ChangeKind::NoLongerSeen => Some(&self.finding),
            _ => self.before.as_deref(),
        }
    }

    /// Returns what is found now; `None` where it is not there any more.
    pub fn now(&self) -> Option<&Finding> {
        (self.kind != ChangeKind::NoLongerSeen).then_some(&self.finding)
    }
}

impl Comparison {
    /// Returns whether nothing changed.
    pub const fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.nodes_came.is_empty() && self.nodes_went.is_empty()
    }

    /// Returns whether a node is only in one of both: it `came` or `went`.
    fn moved(&self, id: &str) -> Option<&'static str> {
        let place = (self.name(Some(id)), id);
        let is_in = |nodes: &[NodeName]| {
            let found = nodes.binary_search_by(|one| (&*one.name, &*one.id).cmp(&place));
            found.is_ok()
        };
        match (is_in(&self.nodes_went), is_in(&self.nodes_came)) {
            (true, _) => Some("went"),
            (false, true) => Some("came"),
            (false, false) => None,
        }
    }

    /// Returns the name of a finding's node: its id, where no report tells the name.
    fn node_of<'a>(&'a self, finding: &'a Finding) -> Option<&'a str> {
        let id = finding.node.as_deref()?;
        Some(self.name(Some(id)))
    }

    /// Returns the name of a node by its id, or of what belongs to none.
    fn name<'a>(&'a self, node: Option<&'a str>) -> &'a str {
        match node {
            Some(id) => self.nodes.get(id).map_or(id, |node| &node.name),
            None => "cluster",
        }
    }
}

/// Writes what changed in `format`. `prose` is what the pages of rules say; formats that
/// [show none](Format::shows_prose) do not look at it.
///
/// # Errors
///
/// When `out` does not take it.
pub fn write(
    comparison: &Comparison,
    format: Format,
    style: Style,
    prose: &Prose,
    out: &mut dyn Write,
) -> Result<(), RenderError> {
    match format {
        Format::Table => page::write(comparison, false, style, out),
        Format::Wide => page::write(comparison, true, style, out),
        Format::Json => document::write(comparison, Notation::Json, out),
        Format::Jsonl => jsonl::write(comparison, out),
        Format::Yaml => document::write(comparison, Notation::Yaml, out),
        Format::Sarif => sarif::write(comparison, prose, out),
        Format::Junit => junit::write(comparison, out),
        Format::Markdown => markdown::write(comparison, out),
        Format::Csv => csv::write(comparison, out),
        Format::Html => html::write(comparison, prose, out),
        Format::Oscal => oscal::write(comparison, out),
        Format::Ocsf => ocsf::write(comparison, out),
        Format::OpenReports => openreports::write(comparison, out),
        Format::Prometheus => prometheus::write(comparison, out),
    }
}

/// Returns the kind of change in words for people.
const fn word(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::New => "NEW",
        ChangeKind::ChangedVerdict => "OTHER VERDICT",
        ChangeKind::ChangedValue => "OTHER VALUE",
        ChangeKind::ChangedOrigin => "OTHER ORIGIN",
        ChangeKind::NoLongerSeen => "NO LONGER SEEN",
        ChangeKind::Waived => "WAIVED",
        ChangeKind::Fixed => "FIXED",
    }
}

/// Returns what a change is about: node, subject, horizon. A process's number says nothing after a restart.
fn whereabouts(finding: &Finding, comparison: &Comparison) -> String {
    let node = comparison.node_of(finding);
    let mut parts: Vec<String> = node.map(str::to_owned).into_iter().collect();
    parts.extend(subject_parts(&finding.subject, true));
    parts.retain(|part| !part.starts_with("pid "));
    parts.push(finding.horizon.to_string());
    parts.join(" \u{b7} ")
}

/// Returns what was compared, as names and values, before anything else in every format for machines; foreign text in it
/// is escaped.
fn facts(comparison: &Comparison) -> Vec<(&'static str, String)> {
    let Comparison { tool, old, new, .. } = comparison;
    let mut facts = vec![
        ("tool", text::escape(&tool.name)),
        ("version", text::escape(&tool.version)),
    ];
    let names = [
        [
            "old",
            "old-source",
            "old-started",
            "old-rules-digest",
            "old-cluster",
        ],
        [
            "new",
            "new-source",
            "new-started",
            "new-rules-digest",
            "new-cluster",
        ],
    ];
    for ([file, source, started, rules, cluster], side) in names.into_iter().zip([old, new]) {
        facts.extend([
            (file, text::escape(&side.file)),
            (source, heading::source(side.source).to_owned()),
            (started, side.started.to_string()),
            (rules, text::escape(&side.rules)),
        ]);
        let server = side.cluster.as_ref().map(|cluster| &cluster.server);
        facts.extend(server.map(|server| (cluster, text::escape(server))));
    }
    facts
}

/// Returns them as one line: `tool kubeassay, version 0.1.0, old monday.json, old-source live, …`.
fn line(comparison: &Comparison) -> String {
    let facts = facts(comparison);
    let said: Vec<String> = facts
        .iter()
        .map(|(name, value)| format!("{name} {value}"))
        .collect();
    said.join(", ")
}

/// Returns the counts in words, the last line for people.
fn counts(changes: &Comparison) -> String {
    let ChangeSummary {
        new,
        changed_verdict,
        changed_value,
        changed_origin,
        no_longer_seen,
        waived,
        fixed,
        unchanged,
    } = changes.summary;
    let rest = match unchanged {
        1 => "1 finding is as it was".to_owned(),
        several => format!("{several} findings are as they were"),
    };
    if changes.is_empty() {
        return format!("nothing changed; {rest}");
    }
    let nodes = |count| if count == 1 { "node" } else { "nodes" };
    let (came, went) = (changes.nodes_came.len(), changes.nodes_went.len());
    let (nodes_came, nodes_went) = (
        format!("{} came", nodes(came)),
        format!("{} went", nodes(went)),
    );
    let parts = [
        (new, "new"),
        (changed_verdict, "with another verdict"),
        (changed_value, "with another value"),
        (changed_origin, "with another origin"),
        (no_longer_seen, "no longer seen"),
        (waived, "waived"),
        (fixed, "fixed"),
        (came, &nodes_came),
        (went, &nodes_went),
    ];
    let parts = parts.iter().filter(|(count, _)| *count > 0);
    let parts: Vec<String> = parts
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    format!("{}; {rest}", parts.join(", "))
}

/// Returns how many changes there are of each kind, with the name of a property: [`facts`] have a `new` already, the file.
const fn by_kind(summary: &ChangeSummary) -> [(ChangeKind, &'static str, usize); 7] {
    // By name: a kind that is added must find its place.
    let ChangeSummary {
        new,
        changed_verdict,
        changed_value,
        changed_origin,
        no_longer_seen,
        waived,
        fixed,
        unchanged: _,
    } = *summary;
    [
        (ChangeKind::New, "changes-new", new),
        (
            ChangeKind::ChangedVerdict,
            "changes-changed-verdict",
            changed_verdict,
        ),
        (
            ChangeKind::ChangedValue,
            "changes-changed-value",
            changed_value,
        ),
        (
            ChangeKind::ChangedOrigin,
            "changes-changed-origin",
            changed_origin,
        ),
        (
            ChangeKind::NoLongerSeen,
            "changes-no-longer-seen",
            no_longer_seen,
        ),
        (ChangeKind::Waived, "changes-waived", waived),
        (ChangeKind::Fixed, "changes-fixed", fixed),
    ]
}

/// Returns what was found, in words: `PASS: authorization.mode = Webhook (from …)`.
fn in_words(side: &Finding) -> String {
    let verdict = crate::describe::verdict_word(side.verdict);
    let waived = side.waiver.as_ref().map_or("", |_| " (accepted)");
    let values: Vec<String> = side
        .evidence
        .iter()
        .take(SHOWN)
        .map(|one| {
            let (what, place) = crate::describe::describe_evidence(one, side.verdict);
            if place.is_empty() {
                what
            } else {
                // `not known,` has its comma for what follows without brackets.
                format!("{} ({place})", what.trim_end_matches(','))
            }
        })
        .collect();
    let more = side.evidence.len().saturating_sub(values.len());
    let more = if more > 0 {
        format!(", and {more} more")
    } else {
        String::new()
    };
    if values.is_empty() {
        format!("{verdict}{waived}: {}", side.reason)
    } else {
        format!("{verdict}{waived}: {}{more}", values.join("; "))
    }
}

/// Values beyond so many are left to `wide`.
const SHOWN: usize = 3;
