//! What changed, for a pull request: GitHub and GitLab show it.
//!
//! Every text of a host is written so that it stays text: no link, no image, no mention of a person, no HTML.

use std::io::Write;

use kubeassay_core::changes::{Change, Changes};
use kubeassay_core::text;

use super::{counts, sentence, word};
use crate::RenderError;
use crate::describe::{control_label, describe_source, subject_parts};

/// Rows beyond so many are counted: a comment on a pull request may have 65,536 characters.
const MOST: usize = 100;

/// Longer texts are cut.
const LONGEST: usize = 300;

pub(super) fn write(changes: &Changes, out: &mut dyn Write) -> Result<(), RenderError> {
    let (old, new) = (&changes.old, &changes.new);
    writeln!(
        out,
        "**kubeassay diff**: {} ({}, {:.0}) → {} ({}, {:.0})\n",
        inert(&old.file),
        describe_source(old.source),
        old.started,
        inert(&new.file),
        describe_source(new.source),
        new.started
    )?;
    writeln!(out, "{}\n", counts(changes))?;
    for doubt in &changes.doubts {
        writeln!(out, "> {}\n", inert(doubt))?;
    }
    for (word, nodes) in [("came", &changes.nodes_came), ("went", &changes.nodes_went)] {
        if !nodes.is_empty() {
            let names: Vec<String> = nodes
                .iter()
                .take(MOST)
                .map(|node| inert(&node.name))
                .collect();
            writeln!(out, "Nodes {word}: {}\n", names.join(", "))?;
        }
    }
    if changes.changes.is_empty() {
        return Ok(());
    }
    writeln!(out, "| Change | Rule | Where | Before | Now |")?;
    writeln!(out, "|---|---|---|---|---|")?;
    for change in changes.changes.iter().take(MOST) {
        row(change, out)?;
    }
    let more = changes.changes.len().saturating_sub(MOST);
    if more > 0 {
        writeln!(out, "\n… and {more} more; `-o json` has them all")?;
    }
    Ok(())
}

fn row(change: &Change, out: &mut dyn Write) -> Result<(), RenderError> {
    let mut whose: Vec<String> = change.node.iter().map(|node| node.name.clone()).collect();
    whose.extend(subject_parts(&change.subject, true));
    whose.push(change.horizon.to_string());
    let side = |side: &Option<_>| {
        side.as_ref()
            .map_or_else(|| "not there".to_owned(), sentence)
    };
    writeln!(
        out,
        "| {} | {} {} ({}) | {} | {} | {} |",
        word(change.change),
        inert(&control_label(&change.controls, &change.rule)),
        inert(&change.title),
        change.severity,
        inert(&whose.join(" \u{b7} ")),
        inert(&side(&change.old)),
        inert(&side(&change.new)),
    )?;
    Ok(())
}

/// Returns text that Markdown shows as it is: what means something to it, to HTML or to a forge is a character
/// reference.
fn inert(raw: &str) -> String {
    let mut shown: String = raw.chars().take(LONGEST).collect();
    if shown.len() < raw.len() {
        shown.push('…');
    }
    let mut safe = String::with_capacity(shown.len());
    for character in text::escape(&shown).chars() {
        if character.is_alphanumeric() || " .,-=()/…\u{b7}".contains(character) {
            safe.push(character);
        } else {
            safe.extend(["&#", &u32::from(character).to_string(), ";"]);
        }
    }
    // An address would become a link.
    safe.replace("www.", "www&#46;")
}
