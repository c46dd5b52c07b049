//! What changed, as OCSF events: one for each change, which is that of a scan with what becomes of the finding, and one at
//! the end for the comparison.
//!
//! What is fixed is closed as resolved. What is no longer seen is closed too, with a status of our own: it is no failure of
//! now, and nothing shows that anybody mended it. What goes where: docs/formats.md.

use std::io::Write;

use kubeassay_core::Verdict;
use kubeassay_core::changes::{ChangeKind, Compared, NodeName, SCHEMA};
use kubeassay_core::report::Finding;

use super::{Changed, Comparison, counts, facts};
use crate::ocsf::event::{
    Activity, Compliance, Event, Status, Unmapped, UnmappedChange, UnmappedComparison,
    UnmappedNodes, UnmappedOld,
};
use crate::ocsf::finding::{MAX_EVIDENCE, Scan, evidences, metadata, resource, unmapped};
use crate::trace::needs_action;
use crate::{RenderError, heading, json};

/// So many nodes that came, and as many that went, are named.
const MAX_NODES: usize = 100;

pub(super) fn write(comparison: &Comparison, out: &mut dyn Write) -> Result<(), RenderError> {
    let scan = |side: &Compared| {
        let source = heading::source(side.source);
        let metadata = metadata(&comparison.tool, source, SCHEMA, facts(comparison));
        Scan::new(metadata, side.started, side.cluster.as_ref())
    };
    let (old, new) = (scan(&comparison.old), scan(&comparison.new));
    for change in comparison.changes.iter() {
        json::write_line(&event(&change?, comparison, &old, &new), out)?;
    }
    json::write_line(&whole(comparison, &new), out)?;
    out.flush()?;
    Ok(())
}

fn event<'a>(
    change: &Changed,
    comparison: &Comparison,
    before: &'a Scan,
    now: &'a Scan,
) -> Event<'a> {
    let Changed { kind, finding, .. } = change;
    let node = finding.node.as_ref();
    let node = node.and_then(|id| comparison.nodes.get(id)).map(resource);
    let is_gone = *kind == ChangeKind::NoLongerSeen;
    let seen = if is_gone { before } else { now };
    let mut event = seen.of_finding(finding, node.as_ref());
    event.set_activity(match kind {
        ChangeKind::New => Activity::Create,
        ChangeKind::ChangedVerdict
        | ChangeKind::ChangedValue
        | ChangeKind::ChangedOrigin
        | ChangeKind::Waived => Activity::Update,
        ChangeKind::NoLongerSeen | ChangeKind::Fixed => Activity::Close,
    });
    let [then, time] = [before, now].map(|scan| scan.started().as_millisecond());
    event.time = time;
    event.finding_info.last_seen_time = Some(seen.started().as_millisecond());
    // When it was first seen, no report of two knows.
    if *kind != ChangeKind::New {
        event.finding_info.created_time = then;
        event.finding_info.modified_time = Some(time);
    }
    if is_gone {
        close(&mut event, finding);
    } else if change.before().is_some_and(|old| needs_action(old.verdict)) {
        // What was open in a lake does not stay so.
        let state = match finding.verdict {
            Verdict::Pass => Some((4, "Resolved")),
            Verdict::NotApplicable => Some((99, Status::NotApplicable.as_str())),
            Verdict::Fail | Verdict::Unknown | Verdict::Manual => None,
        };
        if state.is_some() {
            (event.status_id, event.status) = state.unzip();
        }
    }
    event.message.insert_str(0, &format!("{}: ", kind.as_str()));
    if change
        .before()
        .is_some_and(|old| old.evidence.len() > MAX_EVIDENCE)
    {
        event.metadata = seen.truncated();
    }
    event.unmapped = Unmapped::Change(Box::new(UnmappedChange {
        change: *kind,
        now: change.now().map(unmapped),
        old: change.before().map(|old| UnmappedOld {
            finding: unmapped(old),
            cause: old.cause,
            reason: old.reason.clone(),
            evidences: evidences(old),
        }),
    }));
    event
}

/// Makes the event of what was found one that says that it is not seen any more.
fn close(event: &mut Event<'_>, was: &Finding) {
    let words = format!("no longer seen, was {}: {}", was.verdict, was.reason);
    let status = Status::NoLongerSeen;
    (event.severity_id, event.severity) = (1, "Informational");
    (event.status_id, event.status) = (Some(status.id()), Some(status.as_str()));
    event.status_detail = Some("the newer report does not have it: that mends nothing".to_owned());
    event.compliance.set_status(status);
    event.compliance.status_code = None;
    event.compliance.status_details = vec![words.clone()];
    event.finding_info.desc = Some(words);
    event.evidences = Vec::new();
    event.remediation = None;
}

/// Returns the event of the comparison.
fn whole<'a>(comparison: &Comparison, scan: &'a Scan) -> Event<'a> {
    let (old, new) = (&comparison.old, &comparison.new);
    let title = "what was compared, and how much of it changed".to_owned();
    let uid = format!("diff-{}-{}", old.started, new.started);
    let info = scan.info("comparison", uid, title);
    let message = format!("{} to {}: {}", old.file, new.file, counts(comparison));
    let mut event = scan.event(info, Compliance::of(Status::Comparison), message);
    event
        .compliance
        .status_details
        .clone_from(&comparison.doubts);
    let (came, went) = (&comparison.nodes_came, &comparison.nodes_went);
    if came.len().max(went.len()) > MAX_NODES {
        event.metadata = scan.truncated();
    }
    let named = |nodes: &[NodeName]| UnmappedNodes {
        count: nodes.len(),
        nodes: nodes.iter().take(MAX_NODES).cloned().collect(),
    };
    event.unmapped = Unmapped::Comparison(Box::new(UnmappedComparison {
        old: old.clone(),
        new: new.clone(),
        nodes_came: named(came),
        nodes_went: named(went),
        summary: comparison.summary,
    }));
    event
}
