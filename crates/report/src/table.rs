//! The report for a person: what fails and what is not known, why, where and what next; then what could
//! not be read, then the counts, last the exit code.
//!
//! Two extents: [`Extent::Open`] shows what is open and counts the rest, [`Extent::All`] shows every
//! finding with its evidence.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use kubeassay_core::report::Report;

use crate::describe::{describe_user, subject_parts};
use crate::ink::Ink;
use crate::page::Page;
use crate::waivers::COMPONENT;
use crate::{RenderError, Style};

mod block;
mod closing;
mod group;
mod lean;
mod objects;
mod problems;

use group::{Group, Nodes, Rank};
pub(crate) use lean::Lean;

/// How much of the report is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Failures and unknowns, what was accepted, and what is wrong with waivers; the rest is counted.
    Open,
    /// Every finding.
    All,
}

/// Writes the report, whose findings are sorted.
///
/// # Errors
///
/// When `out` does not take it.
pub fn write(
    report: &Report,
    extent: Extent,
    style: Style,
    out: &mut dyn Write,
) -> Result<(), RenderError> {
    let mut page = Page::new(style);
    let nodes = Nodes::new(report);
    let groups = group::groups(report, &nodes);
    findings(report, &groups, extent, &nodes, &mut page);
    problems::nodes(report, &mut page);
    problems::problems(report, extent, &nodes, &mut page);
    if extent == Extent::All {
        closing::platforms(report, &mut page);
    }
    closing::closing(report, &groups, &mut page);
    out.write_all(page.into_text().as_bytes())?;
    Ok(())
}

fn findings<'a>(
    report: &'a Report,
    groups: &[Group<'a>],
    extent: Extent,
    nodes: &Nodes<'a>,
    page: &mut Page,
) {
    let mut subjects: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for group in groups {
        let (node, key) = group.place();
        let component = group.component();
        subjects.entry((node, component)).or_default().insert(key);
    }
    let mut place = None;
    let mut listing = false;
    for group in groups {
        let open = group.rank() != Rank::Settled;
        // The objects of the cluster follow, by rule; what was accepted of them is shown like everything else.
        let hidden = if open {
            group.is_of_cluster()
        } else {
            !group.is_of_waivers()
        };
        if extent == Extent::Open && hidden {
            continue;
        }
        if place != Some(group.place()) {
            place = Some(group.place());
            listing = false;
            let several = subjects
                .get(&(group.place().0, group.component()))
                .is_some_and(|keys| keys.len() > 1);
            page.gap();
            head(group, several, extent, nodes, page);
        }
        if !listing {
            page.gap();
        }
        listing = !open;
        if open {
            block::open(report, group, extent, page);
        } else {
            block::settled(group, extent, page);
        }
    }
    if extent == Extent::Open {
        objects::open(report, page);
    }
    let mut counted = groups.iter().filter(|group| group.counted).peekable();
    if counted.peek().is_some() && counted.all(|group| group.rank() == Rank::Settled) {
        // What was accepted may be unknown as well, and is no pass.
        let said = if report.summary.waived > 0 {
            "Nothing fails or is unknown but what was accepted."
        } else {
            "Nothing fails, and nothing that was judged is unknown."
        };
        page.gap();
        page.line(Ink::Plain, said);
    }
}

/// Writes whose findings follow.
fn head<'a>(group: &Group<'a>, with_key: bool, extent: Extent, nodes: &Nodes<'a>, page: &mut Page) {
    let Some(finding) = group.findings.first() else {
        return;
    };
    if finding.subject.component == COMPONENT {
        // Waivers belong to no node.
        let place = finding.subject.object.as_deref().unwrap_or_default();
        page.line(Ink::Strong, &format!("{COMPONENT} {place}"));
        return;
    }
    let mut parts = nodes.title(finding.node.as_deref());
    parts.extend(subject_parts(&finding.subject, with_key));
    if extent == Extent::All {
        parts.extend(finding.subject.user.as_ref().map(describe_user));
    }
    if finding.subject.in_pod {
        let counted = if group.counted {
            "in a pod"
        } else {
            "in a pod: not counted"
        };
        parts.push(counted.to_owned());
    }
    page.parts(Ink::Strong, &parts);
}
