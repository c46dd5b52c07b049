//! Finds what changed.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Seek};

use kubeassay_core::Verdict;
use kubeassay_core::changes::{ChangeKind, ChangeSummary, Compared, NodeName};
use kubeassay_core::report::{Node, Tool};
use thiserror::Error;

use super::Comparison;
use super::list::Gather;
use crate::RenderError;
use crate::read::{Piece, PieceOf, ReadError, ReportFile, Survey};
use crate::spool::Room;
use crate::trace::{self, Trace, needs_action, number};

/// Why two reports could not be compared.
#[derive(Debug, Error)]
pub enum CompareError {
    /// One of them cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// What changed cannot be kept.
    #[error(transparent)]
    Keep(#[from] RenderError),
}

/// Compares two reports. `tool` is who compares them; what changed waits in `room`.
///
/// # Errors
///
/// Where one of them cannot be read, or what changed cannot be kept.
pub fn compare<R: Read + Seek, S: Read + Seek>(
    old: &mut ReportFile<R>,
    new: &mut ReportFile<S>,
    tool: Tool,
    room: Room,
) -> Result<Comparison, CompareError> {
    let mut traces = Vec::new();
    old.each_of(|piece: PieceOf<trace::Compared>| {
        if let PieceOf::Finding(finding) = piece {
            traces.push(finding.trace());
        }
        Ok::<(), ReadError>(())
    })?;
    // Several have one id where a node is in a report twice: they stay in their order, by which they are told apart.
    traces.sort_by_key(|trace: &Trace| trace.id);
    let mut seen = vec![false; traces.len()];
    let mut summary = ChangeSummary::default();
    let mut changes = Gather::new(room);
    // Findings whose old side is wanted, by their id and which of that id they are, with the place of their change.
    let mut wanted: BTreeMap<(u128, usize), usize> = BTreeMap::new();
    let mut findings = 0;
    new.each(|piece| {
        let Piece::Finding(finding) = piece else {
            return Ok(());
        };
        findings += 1;
        let trace = Trace::of(&finding);
        let before = find(&traces, &mut seen, trace.id);
        match kind(before.map(|(trace, _)| trace), trace) {
            None => summary.unchanged += 1,
            Some(kind) => {
                if let Some((_, which)) = before {
                    wanted.insert((trace.id, which), changes.len());
                }
                changes.add(kind, &finding)?;
            }
        }
        Ok::<(), CompareError>(())
    })?;
    let gone = numbered(&traces).zip(&seen);
    let gone = gone.filter(|((trace, _), seen)| !**seen && trace.needs_action());
    let gone: BTreeSet<(u128, usize)> = gone.map(|((trace, which), _)| (trace.id, which)).collect();
    let several = numbered(&traces).filter(|(_, which)| *which > 0);
    let mut several: BTreeMap<u128, usize> = several.map(|(trace, _)| (trace.id, 0)).collect();
    if !wanted.is_empty() || !gone.is_empty() {
        old.each(|piece| {
            let Piece::Finding(finding) = piece else {
                return Ok(());
            };
            let id = number(&finding.id);
            let which = several.get_mut(&id).map_or(0, |count| {
                *count += 1;
                *count - 1
            });
            let id = (id, which);
            if let Some(place) = wanted.remove(&id) {
                changes.add_before(place, &finding)?;
            } else if gone.contains(&id) {
                changes.add(ChangeKind::NoLongerSeen, &finding)?;
            }
            Ok::<(), CompareError>(())
        })?;
    }
    for change in changes.outlines() {
        *match change.kind {
            ChangeKind::New => &mut summary.new,
            ChangeKind::ChangedVerdict => &mut summary.changed_verdict,
            ChangeKind::ChangedValue => &mut summary.changed_value,
            ChangeKind::ChangedOrigin => &mut summary.changed_origin,
            ChangeKind::NoLongerSeen => &mut summary.no_longer_seen,
            ChangeKind::Waived => &mut summary.waived,
            ChangeKind::Fixed => &mut summary.fixed,
        } += 1;
    }
    let nodes = nodes(&changes, old.survey(), new.survey());
    Ok(Comparison {
        tool,
        doubts: doubts(old, new),
        nodes_came: only_in(new.survey(), old.survey()),
        nodes_went: only_in(old.survey(), new.survey()),
        old: compared(old.name(), old.survey(), traces.len()),
        new: compared(new.name(), new.survey(), findings),
        changes: changes.sorted(&nodes)?,
        summary,
        nodes,
    })
}

/// Returns each with which of its id it is, from 0.
fn numbered(traces: &[Trace]) -> impl Iterator<Item = (&Trace, usize)> {
    let of_id = traces.chunk_by(|one, next| one.id == next.id);
    of_id.flat_map(|of_id| of_id.iter().zip(0..))
}

/// Returns what was kept of the next finding with this id and which of these it is, and marks it as seen.
fn find(traces: &[Trace], seen: &mut [bool], id: u128) -> Option<(Trace, usize)> {
    let from = traces.partition_point(|trace| trace.id < id);
    let of_id = traces.iter().enumerate().skip(from);
    let mut of_id = of_id.take_while(|(_, trace)| trace.id == id);
    of_id.find_map(|(index, trace)| {
        let mark = seen.get_mut(index)?;
        (!std::mem::replace(mark, true)).then_some((*trace, index - from))
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

/// Returns the nodes on which something changed, by their ids; as they are now, where they are still there.
fn nodes(changes: &Gather, old: &Survey, new: &Survey) -> BTreeMap<String, Node> {
    let ids = changes.outlines().filter_map(|one| one.node.as_deref());
    let ids: BTreeSet<&str> = ids.collect();
    let all = old.nodes.iter().chain(&new.nodes);
    all.filter(|node| ids.contains(node.id.as_str()))
        .map(|node| (node.id.clone(), node.clone()))
        .collect()
}

fn name(node: &Node) -> NodeName {
    NodeName {
        name: node.name.clone(),
        id: node.id.clone(),
    }
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
