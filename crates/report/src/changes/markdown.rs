//! What changed, for a pull request: GitHub and GitLab show it.
//!
//! Foreign text is never markup, a mention or an address: see the module `inert`.

use std::io::Write;

use kubeassay_core::report::Finding;

use super::{Changed, Comparison, counts, in_words, whereabouts, word};
use crate::RenderError;
use crate::describe::{control_label, describe_source};
use crate::inert::{code, code_in_cell, sentence, sentence_in_cell, short};

/// Rows beyond so many are counted: a comment on a pull request may have 65,536 characters.
const MOST: usize = 100;

pub(super) fn write(changes: &Comparison, out: &mut dyn Write) -> Result<(), RenderError> {
    let (old, new) = (&changes.old, &changes.new);
    writeln!(
        out,
        "**kubeassay diff**: {} ({}, {:.0}) → {} ({}, {:.0})\n",
        short(&old.file, code),
        describe_source(old.source),
        old.started,
        short(&new.file, code),
        describe_source(new.source),
        new.started
    )?;
    writeln!(out, "{}\n", counts(changes))?;
    for doubt in &changes.doubts {
        writeln!(out, "- {}", short(doubt, sentence))?;
    }
    if !changes.doubts.is_empty() {
        writeln!(out)?;
    }
    for (word, nodes) in [("came", &changes.nodes_came), ("went", &changes.nodes_went)] {
        if !nodes.is_empty() {
            let names: Vec<String> = nodes
                .iter()
                .take(MOST)
                .map(|node| short(&node.name, code))
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
        row(&change?, changes, out)?;
    }
    let more = changes.changes.len().saturating_sub(MOST);
    if more > 0 {
        writeln!(out, "\n… and {more} more; `-o json` has them all")?;
    }
    Ok(())
}

fn row(change: &Changed, changes: &Comparison, out: &mut dyn Write) -> Result<(), RenderError> {
    let finding = &change.finding;
    let side = |side: Option<&Finding>| match side {
        Some(side) => short(&in_words(side), code_in_cell),
        None => "not there".to_owned(),
    };
    writeln!(
        out,
        "| {} | {} {} ({}) | {} | {} | {} |",
        word(change.kind),
        short(
            &control_label(&finding.controls, &finding.rule),
            code_in_cell
        ),
        short(&finding.title, sentence_in_cell),
        finding.severity,
        short(&whereabouts(finding, changes), code_in_cell),
        side(change.before()),
        side(change.now()),
    )?;
    Ok(())
}
