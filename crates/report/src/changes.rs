//! What changed between two reports.
//!
//! Each is gone through twice at most: of the old one a few numbers are kept for each finding, and only findings that
//! changed are held whole.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Seek, Write};

use kubeassay_core::Verdict;
use kubeassay_core::changes::{
    Change, ChangeKind, ChangeSummary, Changes, Compared, NodeName, SCHEMA, Side,
};
use kubeassay_core::report::{Finding, Node, Tool};

use crate::describe::subject_parts;
use crate::read::{Piece, PieceOf, ReadError, ReportFile, Survey};
use crate::trace::{self, Trace, needs_action, number};
use crate::{RenderError, Style, json, yaml};

mod markdown;
mod page;

/// A format of what changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChangesFormat {
    /// For people: what changed and how.
    Table,
    /// For people: with everything that was read.
    Wide,
    /// One document.
    Json,
    /// One line per change, between a first line with what was compared and a last one with the counts.
    Jsonl,
    /// The document of [`ChangesFormat::Json`], as YAML.
    Yaml,
    /// For a pull request.
    Markdown,
}

impl ChangesFormat {
    /// Every format.
    pub const ALL: &[Self] = &[
        Self::Table,
        Self::Wide,
        Self::Json,
        Self::Jsonl,
        Self::Yaml,
        Self::Markdown,
    ];

    /// Returns the word that `-o` takes.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Wide => "wide",
            Self::Json => "json",
            Self::Jsonl => "jsonl",
            Self::Yaml => "yaml",
            Self::Markdown => "markdown",
        }
    }

    /// Returns the extensions of files that tell this format, without the dot.
    pub const fn extensions(self) -> &'static [&'static str] {
        match self {
            Self::Table => &["txt"],
            Self::Wide => &[],
            Self::Json => &["json"],
            Self::Jsonl => &["jsonl", "ndjson"],
            Self::Yaml => &["yaml", "yml"],
            Self::Markdown => &["md"],
        }
    }
}

/// Compares two reports. `tool` is who compares them.
///
/// # Errors
///
/// Where one of them cannot be read.
pub fn compare<R: Read + Seek, S: Read + Seek>(
    old: &mut ReportFile<R>,
    new: &mut ReportFile<S>,
    tool: Tool,
) -> Result<Changes, ReadError> {
    let mut traces = Vec::new();
    old.each_of(|piece: PieceOf<trace::Compared>| {
        if let PieceOf::Finding(finding) = piece {
            traces.push(finding.trace());
        }
        Ok::<(), ReadError>(())
    })?;
    traces.sort_unstable_by_key(|trace| trace.id);
    let mut seen = vec![false; traces.len()];
    let mut summary = ChangeSummary::default();
    let mut changes = Vec::new();
    // Ids of findings whose old side is wanted, with the place of their change.
    let mut wanted: BTreeMap<u128, usize> = BTreeMap::new();
    let names = names(new.survey());
    let mut findings = 0;
    new.each(|piece| {
        let Piece::Finding(finding) = piece else {
            return Ok(());
        };
        findings += 1;
        let trace = Trace::of(&finding);
        let before = find(&traces, &mut seen, trace.id);
        match kind(before, trace) {
            None => summary.unchanged += 1,
            Some(kind) => {
                if before.is_some() {
                    wanted.insert(trace.id, changes.len());
                }
                let name = finding.node.as_ref().and_then(|id| names.get(id));
                let mut change = change(kind, &finding, name);
                change.new = Some(side(*finding));
                changes.push(change);
            }
        }
        Ok::<(), ReadError>(())
    })?;
    let gone = traces.iter().zip(&seen);
    let gone = gone.filter(|(trace, seen)| !**seen && trace.needs_action());
    let gone: BTreeSet<u128> = gone.map(|(trace, _)| trace.id).collect();
    if !wanted.is_empty() || !gone.is_empty() {
        let names = self::names(old.survey());
        old.each(|piece| {
            let Piece::Finding(finding) = piece else {
                return Ok(());
            };
            let id = number(&finding.id);
            if let Some(place) = wanted.remove(&id) {
                if let Some(change) = changes.get_mut(place) {
                    change.old = Some(side(*finding));
                }
            } else if gone.contains(&id) {
                let name = finding.node.as_ref().and_then(|id| names.get(id));
                let mut change = change(ChangeKind::NoLongerSeen, &finding, name);
                change.old = Some(side(*finding));
                changes.push(change);
            }
            Ok::<(), ReadError>(())
        })?;
    }
    for change in &changes {
        *match change.change {
            ChangeKind::New => &mut summary.new,
            ChangeKind::ChangedVerdict => &mut summary.changed_verdict,
            ChangeKind::ChangedValue => &mut summary.changed_value,
            ChangeKind::ChangedOrigin => &mut summary.changed_origin,
            ChangeKind::NoLongerSeen => &mut summary.no_longer_seen,
            ChangeKind::Waived => &mut summary.waived,
            ChangeKind::Fixed => &mut summary.fixed,
        } += 1;
    }
    changes.sort_by(|one, other| place(one).cmp(&place(other)));
    Ok(Changes {
        schema: SCHEMA.to_owned(),
        tool,
        doubts: doubts(old, new),
        nodes_came: only_in(new.survey(), old.survey()),
        nodes_went: only_in(old.survey(), new.survey()),
        old: compared(old.name(), old.survey(), traces.len()),
        new: compared(new.name(), new.survey(), findings),
        changes,
        summary,
    })
}

/// Returns what was kept of the finding with this id, and marks it as seen.
fn find(traces: &[Trace], seen: &mut [bool], id: u128) -> Option<Trace> {
    let from = traces.partition_point(|trace| trace.id < id);
    let of_id = traces.iter().enumerate().skip(from);
    // Several have one id where a node is in a report twice.
    let mut of_id = of_id.take_while(|(_, trace)| trace.id == id);
    of_id.find_map(|(index, trace)| {
        let mark = seen.get_mut(index)?;
        (!std::mem::replace(mark, true)).then_some(*trace)
    })
}

/// Returns what kind of change it is; `None` where there is none, or nothing to do about what was not there before.
fn kind(before: Option<Trace>, now: Trace) -> Option<ChangeKind> {
    let Some(before) = before else {
        return now.needs_action().then_some(ChangeKind::New);
    };
    let (needed, needs) = (before.needs_action(), now.needs_action());
    if needs && !needed {
        return Some(ChangeKind::New);
    }
    if needed && !needs {
        return Some(if now.waived && needs_action(now.verdict) {
            ChangeKind::Waived
        } else if now.verdict == Verdict::Pass {
            ChangeKind::Fixed
        } else {
            ChangeKind::ChangedVerdict
        });
    }
    if before.verdict != now.verdict {
        Some(ChangeKind::ChangedVerdict)
    } else if before.values != now.values {
        Some(ChangeKind::ChangedValue)
    } else if before.origins != now.origins {
        Some(ChangeKind::ChangedOrigin)
    } else {
        None
    }
}

fn change(kind: ChangeKind, finding: &Finding, name: Option<&NodeName>) -> Change {
    Change {
        change: kind,
        id: finding.id.clone(),
        rule: finding.rule.clone(),
        title: finding.title.clone(),
        severity: finding.severity,
        controls: finding.controls.clone(),
        node: name.cloned().or_else(|| {
            let id = finding.node.clone()?;
            Some(NodeName {
                name: id.clone(),
                id,
            })
        }),
        subject: finding.subject.clone(),
        horizon: finding.horizon,
        old: None,
        new: None,
    }
}

fn side(finding: Finding) -> Side {
    Side {
        verdict: finding.verdict,
        cause: finding.cause,
        reason: finding.reason,
        waiver: finding.waiver,
        evidence: finding.evidence,
    }
}

/// The order of changes: what needs action first.
fn place(change: &Change) -> impl Ord + '_ {
    (
        change.change,
        change.severity,
        &change.rule,
        &change.node,
        &change.subject.key,
        change.horizon,
    )
}

fn name(node: &Node) -> NodeName {
    NodeName {
        name: node.name.clone(),
        id: node.id.clone(),
    }
}

fn names(survey: &Survey) -> BTreeMap<String, NodeName> {
    let nodes = survey.nodes.iter();
    nodes.map(|node| (node.id.clone(), name(node))).collect()
}

fn only_in(side: &Survey, other: &Survey) -> Vec<NodeName> {
    let known: BTreeSet<&str> = other.nodes.iter().map(|node| node.id.as_str()).collect();
    let only = side
        .nodes
        .iter()
        .filter(|node| !known.contains(node.id.as_str()));
    let only: BTreeSet<NodeName> = only.map(name).collect();
    only.into_iter().collect()
}

fn compared(file: &str, survey: &Survey, findings: usize) -> Compared {
    let scanned = &survey.header.scanned;
    Compared {
        file: file.to_owned(),
        source: scanned.source,
        started: scanned.started,
        cluster: scanned.cluster.clone(),
        rules: survey.header.rules.digest.clone(),
        nodes: survey.nodes.len(),
        findings,
        complete: survey.closing.as_ref().is_some_and(|end| end.complete),
    }
}

fn doubts<R, S>(old: &ReportFile<R>, new: &ReportFile<S>) -> Vec<String>
where
    R: Read + Seek,
    S: Read + Seek,
{
    let mut doubts = Vec::new();
    let (before, now) = (&old.survey().header, &new.survey().header);
    if before.rules.digest != now.rules.digest {
        doubts.push(format!(
            "they were judged by different rules ({}, {}): a change may be the rules'; compare the facts instead, which are judged by the same",
            before.rules.digest, now.rules.digest
        ));
    }
    if let (Some(before), Some(now)) = (&before.scanned.cluster, &now.scanned.cluster)
        && before.uid.as_ref().unwrap_or(&before.server) != now.uid.as_ref().unwrap_or(&now.server)
    {
        doubts.push(format!(
            "they are of different clusters ({}, {})",
            before.server, now.server
        ));
    }
    for (name, survey) in [(old.name(), old.survey()), (new.name(), new.survey())] {
        if !survey.closing.as_ref().is_some_and(|end| end.complete) {
            doubts.push(format!("{name} is incomplete"));
        }
    }
    doubts
}

/// Writes what changed in `format`.
///
/// # Errors
///
/// When `out` does not take it.
pub fn write(
    changes: &Changes,
    format: ChangesFormat,
    style: Style,
    out: &mut dyn Write,
) -> Result<(), RenderError> {
    match format {
        ChangesFormat::Table => page::write(changes, false, style, out),
        ChangesFormat::Wide => page::write(changes, true, style, out),
        ChangesFormat::Json => json::write(changes, out),
        ChangesFormat::Jsonl => lines(changes, out),
        ChangesFormat::Yaml => yaml::write(changes, out),
        ChangesFormat::Markdown => markdown::write(changes, out),
    }
}

/// Writes a line for each change, between what was compared and the counts.
fn lines(changes: &Changes, out: &mut dyn Write) -> Result<(), RenderError> {
    let Changes {
        schema,
        tool,
        old,
        new,
        doubts,
        nodes_came,
        nodes_went,
        changes,
        summary,
    } = changes;
    json::write_line(
        &serde_json::json!({
            "kind": "header", "schema": schema, "tool": tool, "old": old, "new": new, "doubts": doubts,
            "nodes_came": nodes_came, "nodes_went": nodes_went,
        }),
        out,
    )?;
    for change in changes {
        let mut line = serde_json::to_value(change)?;
        if let Some(object) = line.as_object_mut() {
            object.insert("kind".to_owned(), "change".into());
        }
        json::write_line(&line, out)?;
    }
    json::write_line(
        &serde_json::json!({"kind": "summary", "summary": summary}),
        out,
    )
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
fn whereabouts(change: &Change) -> String {
    let mut parts: Vec<String> = change.node.iter().map(|node| node.name.clone()).collect();
    parts.extend(subject_parts(&change.subject, true));
    parts.retain(|part| !part.starts_with("pid "));
    parts.push(change.horizon.to_string());
    parts.join(" \u{b7} ")
}

/// Returns the counts in words, the last line for people.
fn counts(changes: &Changes) -> String {
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

/// Returns the values of a side in words: `PASS: authorization.mode = Webhook (from …)`.
fn in_words(side: &Side) -> String {
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
