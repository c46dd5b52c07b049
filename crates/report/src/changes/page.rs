//! What changed, for people at a terminal.

use std::io::Write;

use kubeassay_core::changes::{ChangeKind, Compared, NodeName};
use kubeassay_core::report::Finding;

use super::{Changed, Comparison, counts, in_words, whereabouts, word};
use crate::describe::{control_label, describe_evidence, describe_waiver};
use crate::ink::Ink;
use crate::page::{Page, width};
use crate::{RenderError, Style};

/// Columns of the labels: `before` and a space.
const LABEL: usize = 7;

/// Changes beyond so many are counted: a page has an end.
const MOST: usize = 1000;

/// Writes what changed; `wide`: with everything that was read.
pub(super) fn write(
    changes: &Comparison,
    wide: bool,
    style: Style,
    out: &mut dyn Write,
) -> Result<(), RenderError> {
    let mut page = Page::new(style);
    for (label, compared) in [("old", &changes.old), ("new", &changes.new)] {
        page.item(0, label, LABEL, (Ink::Plain, &scope(compared)));
    }
    for doubt in &changes.doubts {
        page.item(0, "note", LABEL, (Ink::Doubt, doubt));
    }
    for (word, nodes) in [("CAME", &changes.nodes_came), ("WENT", &changes.nodes_went)] {
        if !nodes.is_empty() {
            page.gap();
            page.line(Ink::Strong, &format!("NODES {word}  {}", names(nodes)));
        }
    }
    for change in changes.changes.iter().take(MOST) {
        page.gap();
        one(&change?, changes, wide, &mut page);
    }
    let more = changes.changes.len().saturating_sub(MOST);
    if more > 0 {
        page.gap();
        page.line(
            Ink::Dim,
            &format!("… and {more} more; -o json has them all"),
        );
    }
    page.gap();
    let ink = if changes.is_empty() {
        Ink::Good
    } else {
        Ink::Strong
    };
    page.line(ink, &counts(changes));
    out.write_all(page.into_text().as_bytes())?;
    Ok(())
}

/// Returns what was compared, in words.
fn scope(compared: &Compared) -> String {
    let Compared {
        file,
        started,
        nodes,
        findings,
        ..
    } = compared;
    let source = crate::describe::describe_source(compared.source);
    let plural = |count: &usize| if *count == 1 { "" } else { "s" };
    format!(
        "{file}: {nodes} node{}, {findings} finding{}, {source}, {started:.0}",
        plural(nodes),
        plural(findings)
    )
}

fn names(nodes: &[NodeName]) -> String {
    const SHOWN: usize = 20;
    let names: Vec<&str> = nodes
        .iter()
        .take(SHOWN)
        .map(|node| node.name.as_str())
        .collect();
    let more = nodes.len().saturating_sub(SHOWN);
    if more > 0 {
        format!("{}, and {more} more", names.join(", "))
    } else {
        names.join(", ")
    }
}

fn one(change: &Changed, changes: &Comparison, wide: bool, page: &mut Page) {
    let finding = &change.finding;
    let ink = match change.kind {
        ChangeKind::New => Ink::Bad,
        ChangeKind::Fixed => Ink::Good,
        ChangeKind::Waived => Ink::Dim,
        _ => Ink::Doubt,
    };
    let control = control_label(&finding.controls, &finding.rule);
    let prefix = [
        (ink, word(change.kind)),
        (Ink::Plain, "  "),
        (Ink::Strong, control.as_str()),
        (Ink::Plain, "  "),
    ];
    let hanging = prefix.iter().map(|(_, part)| width(part)).sum();
    let title = format!("{} ({})", finding.title, finding.severity);
    page.hang(&prefix, (Ink::Plain, &title), hanging);
    page.item(2, "at", LABEL, (Ink::Dim, &whereabouts(finding, changes)));
    for (label, side) in [("before", change.before()), ("now", change.now())] {
        match side {
            Some(side) if wide => all(label, side, page),
            Some(side) => page.item(2, label, LABEL, (Ink::Plain, &in_words(side))),
            None => page.item(2, label, LABEL, (Ink::Dim, "not there")),
        }
    }
}

/// Writes everything that was read.
fn all(label: &str, side: &Finding, page: &mut Page) {
    let verdict = crate::describe::verdict_word(side.verdict);
    let said = match side.reason.as_str() {
        "" => verdict.to_owned(),
        reason => format!("{verdict}: {reason}"),
    };
    page.item(2, label, LABEL, (Ink::Plain, &said));
    if let Some(waiver) = &side.waiver {
        page.item(2, "", LABEL, (Ink::Dim, &describe_waiver(waiver)));
    }
    for evidence in &side.evidence {
        let (what, place) = describe_evidence(evidence, side.verdict);
        page.item(2, "", LABEL, (Ink::Plain, &what));
        if !place.is_empty() {
            page.item(4, "", LABEL, (Ink::Dim, &place));
        }
    }
}
