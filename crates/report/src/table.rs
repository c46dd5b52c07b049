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
mod settled;

use group::{Group, Nodes, Rank};
pub(crate) use lean::Lean;
use settled::Settled;

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
    let page = self::page(report, &Settled::default(), extent, style);
    out.write_all(page.as_bytes())?;
    Ok(())
}

/// Returns the page of a report, which has `settled` besides.
fn page(report: &Report, settled: &Settled, extent: Extent, style: Style) -> String {
    let mut page = Page::new(style);
    let nodes = Nodes::new(report);
    let all_counted = group::all_counted(report, settled);
    let groups = group::groups(report, &nodes, all_counted);
    findings(report, &groups, settled, extent, &nodes, &mut page);
    if groups
        .iter()
        .all(|group| !group.counted || group.rank() == Rank::Settled)
        && (groups.iter().any(|group| group.counted) || settled.counted(all_counted) > 0)
    {
        // What was accepted may be unknown as well, and is no pass.
        let said = if report.summary.waived > 0 {
            "Nothing fails or is unknown but what was accepted."
        } else {
            "Nothing fails, and nothing that was judged is unknown."
        };
        page.gap();
        page.line(Ink::Plain, said);
    }
    problems::nodes(report, &mut page);
    problems::problems(report, settled, extent, &nodes, &mut page);
    if extent == Extent::All {
        closing::platforms(report, &mut page);
    }
    let counted = closing::Counted::new(&groups, settled, all_counted);
    closing::closing(report, &counted, &mut page);
    page.into_text()
}

fn findings<'a>(
    report: &'a Report,
    groups: &[Group<'a>],
    settled: &'a Settled,
    extent: Extent,
    nodes: &Nodes<'a>,
    page: &mut Page,
) {
    let mut subjects: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for (node, component, keys) in settled.subjects() {
        let keys = keys.iter().map(String::as_str);
        subjects.entry((node, component)).or_default().extend(keys);
    }
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
