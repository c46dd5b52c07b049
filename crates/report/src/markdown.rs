//! Markdown for a comment on a pull request: the counts, what needs action with file and line, and the rest folded away.
//!
//! Short, whatever was scanned: findings of one rule with the same value are one entry, and what does not fit into
//! [`MAX_BYTES`] is counted. Foreign text is never markup, a mention or an address: see the module `inert`.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::io::Write;

use kubeassay_core::Verdict;
use kubeassay_core::report::{BaselineState, Finding, Node, NodeStatus};

use crate::describe::{
    control_label, describe_evidence, describe_origin, describe_overridden, status_words,
    subject_parts,
};
use crate::inert::{code, sentence, short};
use crate::open::{Gathered, Group, Joined, Open, PLACES};
use crate::stream::{Closing, Header, Render};
use crate::{RenderError, heading};

/// GitHub takes comments of 65,536 characters; who adds something of their own has room.
pub const MAX_BYTES: usize = 60_000;
/// A list of them takes no more bytes.
const LIST: usize = 4_000;
/// So many groups are kept.
const MAX_GROUPS: usize = 2_000;
/// So many problems, and nodes that were not scanned whole, are listed.
const MAX_LISTED: usize = 10;

/// Writes a report as Markdown, once it is whole.
#[derive(Debug)]
pub struct Markdown {
    head: String,
    /// Where the facts come from, and from how many reports, for the heading.
    source: String,
    names: BTreeMap<String, String>,
    /// Nodes that were not scanned whole: the first of them, and how many.
    missed: (Vec<String>, usize),
    open: Open,
}

impl Default for Markdown {
    fn default() -> Self {
        Self::new()
    }
}

impl Markdown {
    /// Returns what has seen nothing yet.
    pub fn new() -> Self {
        Self {
            head: String::new(),
            source: String::new(),
            names: BTreeMap::new(),
            missed: (Vec::new(), 0),
            open: Open::new(MAX_GROUPS, Joined::ByValue),
        }
    }

    fn name<'a>(&'a self, node: Option<&'a str>) -> &'a str {
        match node {
            Some(id) => self.names.get(id).map_or(id, String::as_str),
            None => "the cluster",
        }
    }

    /// Returns the entry of a group, and what is folded away below it.
    fn entry(&self, group: &Group) -> (String, String) {
        let finding = &group.finding;
        let control = code(&control_label(&finding.controls, &finding.rule));
        let state = match group.state {
            Some(BaselineState::New) => ", **new**",
            Some(BaselineState::Updated) => ", **changed**",
            Some(BaselineState::Unchanged) => ", known",
            None => "",
        };
        let mut entry = format!(
            "- {control} {} ({}{state})",
            short(&finding.title, sentence),
            finding.severity
        );
        let place = place(finding).map(|place| format!(": {}", short(&place, code)));
        entry.push_str(&place.unwrap_or_default());
        say(&mut entry, format_args!(" {}", self.whereabouts(group)));
        if !finding.reason.is_empty() {
            say(
                &mut entry,
                format_args!("<br>{}", short(&finding.reason, sentence)),
            );
        }
        entry.push('\n');

        let mut lines = Vec::new();
        if !finding.expected.is_empty() {
            lines.push(format!("expected: {}", short(&finding.expected, code)));
        }
        for evidence in finding.evidence.iter().take(PLACES) {
            let (what, place) = describe_evidence(evidence, finding.verdict);
            lines.push(format!(
                "found: {}",
                short(&format!("{what} {place}"), code)
            ));
            let overrode = evidence.overrode.iter().take(PLACES);
            lines.extend(overrode.map(|one| short(&describe_overridden(one), code)));
        }
        let horizon = finding.horizon;
        lines.push(format!("rule {}, {horizon}", short(&finding.rule, code)));
        if group.findings > 1 {
            for (node, subject) in &group.places {
                let node = short(self.name(node.as_deref()), code);
                lines.push(format!("{node}: {}", short(subject, code)));
            }
            let more = group.findings.saturating_sub(group.places.len());
            if more > 0 {
                lines.push(format!("and {more} more"));
            }
        }
        if let Some(how) = &finding.fix.how {
            lines.push(format!("where to mend it: {}", short(how, sentence)));
        }
        let remediation: Vec<&str> = finding.remediation.lines().take(PLACES).collect();
        if !remediation.is_empty() {
            let remediation = remediation.join(" ");
            lines.push(format!("what to do: {}", short(&remediation, sentence)));
        }
        let lines: Vec<String> = lines.iter().map(|line| format!("  - {line}\n")).collect();
        let folded = format!(
            "\n  <details><summary>evidence, and what to do</summary>\n\n{}\n  </details>\n\n",
            lines.concat()
        );
        (entry, folded)
    }

    fn whereabouts(&self, group: &Group) -> String {
        let finding = &group.finding;
        let name = short(self.name(finding.node.as_deref()), code);
        let values = match group.joined {
            Joined::ByRule => ", with different values",
            Joined::Not | Joined::ByValue => "",
        };
        match (group.nodes(), group.findings) {
            (_, 1) => {
                let mut subject = subject_parts(&finding.subject, true);
                subject.retain(|part| !part.starts_with("pid "));
                format!("on {name}, {}", short(&subject.join(", "), code))
            }
            (0, findings) => format!("{findings} times in the cluster{values}"),
            (1, findings) => format!("{findings} times on {name}{values}"),
            (nodes, findings) => {
                format!("{findings} times on {nodes} nodes, such as {name}{values}")
            }
        }
    }

    /// Writes what needs action into `room` bytes.
    fn findings(&self, groups: &[Group], beyond: usize, room: usize) -> String {
        let mut page = String::new();
        let mut left = 0;
        for (verdict, title) in [(Verdict::Fail, "Failing"), (Verdict::Unknown, "Unknown")] {
            let groups = groups
                .iter()
                .filter(|group| group.finding.verdict == verdict);
            for (index, group) in groups.enumerate() {
                let (mut entry, folded) = self.entry(group);
                if index == 0 {
                    entry = format!("\n### {title}\n\n{entry}");
                }
                if left > 0 || page.len() + entry.len() > room {
                    left += group.findings;
                    continue;
                }
                page.push_str(&entry);
                if page.len() + folded.len() <= room {
                    page.push_str(&folded);
                }
            }
        }
        left += beyond;
        if left > 0 {
            say(
                &mut page,
                format_args!(
                    "\n{left} more findings do not fit into a comment; the other formats have them.\n"
                ),
            );
        }
        page
    }

    /// Writes what was not scanned and not understood.
    fn rest(&self, closing: &Closing) -> String {
        let mut page = String::new();
        let (names, missed) = &self.missed;
        if *missed > 0 {
            let of = closing.coverage.nodes;
            say(
                &mut page,
                format_args!("\n**{missed} of {of} nodes were not scanned whole**:\n\n"),
            );
            list(names.iter().cloned(), *missed, &mut page);
        }
        if !closing.complete {
            page.push_str("\n**The scan is incomplete.**\n");
        }
        let count = closing.problems.len();
        if count > 0 {
            say(
                &mut page,
                format_args!(
                    "\n<details><summary>could not be read or understood: {count}</summary>\n\n"
                ),
            );
            let problems = closing.problems.iter().map(|problem| {
                let node = problem.node.as_deref().map(|id| self.name(Some(id)));
                let path = problem.path.as_ref().map(ToString::to_string);
                let places = node.into_iter().chain(path.as_deref());
                let places: Vec<String> = places.map(|place| short(place, code)).collect();
                format!("{}: {}", places.join(" "), short(&problem.reason, sentence))
            });
            list(problems, count, &mut page);
            page.push_str("\n</details>\n");
        }
        page
    }
}

/// Writes the first of `count` items as a list.
fn list(items: impl Iterator<Item = String>, count: usize, page: &mut String) {
    let mut listed = 0;
    let end = page.len() + LIST;
    for item in items.take(MAX_LISTED) {
        if page.len() + item.len() > end {
            break;
        }
        say(page, format_args!("- {item}\n"));
        listed += 1;
    }
    if count > listed {
        say(page, format_args!("- and {} more\n", count - listed));
    }
}

impl Render for Markdown {
    fn header(&mut self, header: &Header, _: &mut dyn Write) -> Result<(), RenderError> {
        heading::source(header.scanned.source).clone_into(&mut self.source);
        match header.scanned.joined.len() {
            0 => {}
            reports => say(
                &mut self.source,
                format_args!(", joined from {reports} reports"),
            ),
        }
        let facts = heading::facts(header);
        let facts = facts
            .iter()
            .filter(|(name, _)| !matches!(*name, "tool" | "source" | "joined-reports"));
        let said: Vec<String> = facts
            .map(|(name, value)| format!("{name} {}", short(value, code)))
            .collect();
        self.head = said.join(", ");
        Ok(())
    }

    fn node(&mut self, node: &Node, _: &mut dyn Write) -> Result<(), RenderError> {
        self.names.insert(node.id.clone(), node.name.clone());
        if node.status != NodeStatus::Scanned {
            let (names, missed) = &mut self.missed;
            *missed += 1;
            if names.len() < MAX_LISTED {
                let status = status_words(node.status);
                names.push(format!("{} ({status})", short(&node.name, code)));
            }
        }
        Ok(())
    }

    fn finding(&mut self, finding: &Finding, _: &mut dyn Write) -> Result<(), RenderError> {
        self.open.add(finding);
        Ok(())
    }

    fn end(&mut self, closing: &Closing, out: &mut dyn Write) -> Result<(), RenderError> {
        let again = Open::new(MAX_GROUPS, Joined::ByValue);
        let open = std::mem::replace(&mut self.open, again);
        let Gathered { groups, beyond } = open.end(&closing.summary);
        let summary = closing.summary;
        let mut page = format!(
            "## kubeassay (source {}): {} fail, {} unknown\n\n{}; {} of {} nodes scanned whole\n\n",
            self.source,
            summary.fail,
            summary.unknown,
            self.head,
            closing.coverage.scanned,
            closing.coverage.nodes
        );
        page.push_str(
            "| fail | unknown | manual | pass | not applicable | waived |\n|---:|---:|---:|---:|---:|---:|\n",
        );
        say(
            &mut page,
            format_args!(
                "| {} | {} | {} | {} | {} | {} |\n\n",
                summary.fail,
                summary.unknown,
                summary.manual,
                summary.pass,
                summary.not_applicable,
                summary.waived
            ),
        );
        say(
            &mut page,
            format_args!(
                "Exit code {}: {}\n",
                closing.gate.exit_code,
                short(&closing.gate.reason, sentence)
            ),
        );
        let rest = self.rest(closing);
        // With room for saying what did not fit.
        let room = MAX_BYTES.saturating_sub(page.len() + rest.len() + 200);
        page.push_str(&self.findings(&groups, beyond, room));
        page.push_str(&rest);
        out.write_all(page.as_bytes())?;
        out.flush()?;
        Ok(())
    }
}

/// Returns the file and line that a person opens; without one, what stands in its place.
fn place(finding: &Finding) -> Option<String> {
    let mut evidence = finding.evidence.iter();
    let in_file = evidence.find(|one| one.origin.path.is_some() && one.origin.line.is_some());
    let first = in_file.or(finding.evidence.first())?;
    let file = first.file.as_ref().filter(|_| first.origin.path.is_none());
    Some(file.map_or_else(|| describe_origin(&first.origin), ToString::to_string))
}

fn say(page: &mut String, words: fmt::Arguments<'_>) {
    let written = page.write_fmt(words);
    debug_assert!(written.is_ok(), "writing to a string cannot fail");
}
