//! What changed as one document of the schema `kubeassay.diff/v1`, JSON or YAML, and its parts.

use std::io::{BufWriter, Write};

use kubeassay_core::changes::{Change, ChangeSummary, Compared, NodeName, SCHEMA, Side};
use kubeassay_core::report::{Finding, Tool};
use serde::Serialize;

use super::{Changed, Comparison};
use crate::RenderError;
use crate::document::Notation;

/// What stands before the changes, as [`Changes`](kubeassay_core::changes::Changes) has it.
#[derive(Serialize)]
pub(super) struct Before<'a> {
    pub(super) schema: &'static str,
    pub(super) tool: &'a Tool,
    pub(super) old: &'a Compared,
    pub(super) new: &'a Compared,
    pub(super) doubts: &'a [String],
    pub(super) nodes_came: &'a [NodeName],
    pub(super) nodes_went: &'a [NodeName],
}

/// What stands behind them.
#[derive(Serialize)]
struct Behind {
    summary: ChangeSummary,
}

/// Writes it.
pub(super) fn write(
    comparison: &Comparison,
    notation: Notation,
    out: &mut dyn Write,
) -> Result<(), RenderError> {
    let behind = Behind {
        summary: comparison.summary,
    };
    // What is written on a terminal's own stream goes out with every line.
    let mut out = BufWriter::with_capacity(64 << 10, out);
    notation.write_list(
        &before(comparison),
        "changes",
        &behind,
        |take| {
            for change in comparison.changes.iter() {
                take(&notation.item(&of(&change?, comparison))?)?;
            }
            Ok(())
        },
        &mut out,
    )?;
    out.flush()?;
    Ok(())
}

/// Returns what stands before the changes.
pub(super) fn before(comparison: &Comparison) -> Before<'_> {
    Before {
        schema: SCHEMA,
        tool: &comparison.tool,
        old: &comparison.old,
        new: &comparison.new,
        doubts: &comparison.doubts,
        nodes_came: &comparison.nodes_came,
        nodes_went: &comparison.nodes_went,
    }
}

/// Returns a change as it stands in the document.
pub(super) fn of(change: &Changed, comparison: &Comparison) -> Change {
    let finding = &change.finding;
    Change {
        change: change.kind,
        id: finding.id.clone(),
        rule: finding.rule.clone(),
        title: finding.title.clone(),
        severity: finding.severity,
        controls: finding.controls.clone(),
        node: finding.node.as_ref().map(|id| NodeName {
            name: comparison.name(Some(id)).to_owned(),
            id: id.clone(),
        }),
        subject: finding.subject.clone(),
        horizon: finding.horizon,
        old: change.before().map(side),
        new: change.now().map(side),
    }
}

fn side(finding: &Finding) -> Side {
    Side {
        verdict: finding.verdict,
        cause: finding.cause,
        reason: finding.reason.clone(),
        waiver: finding.waiver.clone(),
        evidence: finding.evidence.clone(),
    }
}
