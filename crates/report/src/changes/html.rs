//! What changed, as a page: the page of a report with what was before beside what is now. Style, program, policy and what
//! bounds it are those of the module `html`.
//!
//! Changes of one kind and rule that show the same are one entry with the nodes on which it changed so.

mod kinds;
mod nodes;
mod rules;
mod unit;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use kubeassay_core::changes::{ChangeKind, Compared};
use kubeassay_core::report::Source;

use super::{Changed, Comparison, by_kind, counts, line};
use crate::describe::describe_source;
use crate::html::escape::{count, html, number, put, short};
use crate::html::gather::Gathering;
use crate::html::identity::Facts;
use crate::html::status::Status;
use crate::html::{SEVERITIES, frame};
use crate::{Prose, RenderError, heading};
use kinds::{Counts, chip, heads, label, meaning};
use nodes::Nodes;
use rules::Writer;
use unit::Together;

pub(super) fn write(
    comparison: &Comparison,
    prose: &Prose,
    out: &mut dyn Write,
) -> Result<(), RenderError> {
    let nodes = Nodes::of(comparison);
    let gathering = gather(comparison, &nodes)?;
    let there = by_kind(&comparison.summary)
        .into_iter()
        .filter(|(.., count)| *count > 0);
    let page = Page {
        comparison,
        nodes: &nodes,
        columns: there.map(|(kind, ..)| kind).collect(),
    };
    let mut text = String::new();
    page.begin(&mut text);
    page.summary(&mut text);
    page.changes(&gathering, &mut text);
    out.write_all(text.as_bytes())?;
    let mut rules = Writer::new(&gathering, &nodes, prose);
    let beyond = rules.write(|rule| out.write_all(rule.as_bytes()))?;
    text.clear();
    page.end(beyond + gathering.beyond, &mut text);
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(())
}

/// Gathers the changes: those of one rule and subject on one node stand one behind the other.
fn gather(comparison: &Comparison, nodes: &Nodes<'_>) -> Result<Gathering, RenderError> {
    let mut gathering = Gathering::default();
    let mut add = |changes: &[Changed]| {
        let Some(first) = changes.first() else {
            return;
        };
        let node = first.finding.node.as_deref();
        let together = Together {
            changes,
            node_is_in_both: nodes.is_in_both(node),
        };
        gathering.add(&together, nodes.place(node));
    };
    let mut pending: Vec<Changed> = Vec::new();
    for change in comparison.changes.iter() {
        let change = change?;
        if !pending
            .last()
            .is_some_and(|last| go_together(last, &change))
        {
            add(&pending);
            pending.clear();
        }
        pending.push(change);
    }
    add(&pending);
    Ok(gathering)
}

/// Returns whether two changes are of one rule and subject on one node, at different horizons.
fn go_together(one: &Changed, next: &Changed) -> bool {
    let (last, finding) = (&one.finding, &next.finding);
    one.kind == next.kind
        && (&last.rule, &last.node) == (&finding.rule, &finding.node)
        && last.subject.key == finding.subject.key
        && last.subject.in_pod == finding.subject.in_pod
        && last.horizon < finding.horizon
}

/// What is known when the page is written.
struct Page<'a> {
    comparison: &'a Comparison,
    nodes: &'a Nodes<'a>,
    /// The kinds that there are.
    columns: Vec<ChangeKind>,
}

impl Page<'_> {
    /// Returns what was compared: the node's name, or how many there are.
    fn of(&self) -> String {
        let cluster = self.comparison.new.cluster.as_ref();
        match (self.nodes.all(), self.nodes.names().first()) {
            (1, Some(name)) => short(name),
            (0, _) => cluster.map_or_else(|| "no node".to_owned(), |one| short(&one.server)),
            (several, _) => count(several, "node"),
        }
    }

    fn begin(&self, page: &mut String) {
        let Comparison { tool, old, new, .. } = self.comparison;
        let day: String = new.started.to_string().chars().take(10).collect();
        let title = format!("{day} \u{b7} kubeassay: what changed on {}", self.of());
        frame::head(&line(self.comparison), tool, &title, page);
        page.push_str("<body>\n<a class=\"skip\" href=\"#findings\">Skip to the changes</a>\n");
        put(
            page,
            format_args!(
                "<header>\n<p class=\"tool\">kubeassay comparison: what changed on</p>\n<h1>{}</h1>\n",
                self.of()
            ),
        );
        page.push_str("<div class=\"columns compared\">\n");
        for (name, compared) in [("Before", old), ("Now", new)] {
            put(page, format_args!("<section><h2>{name}</h2>\n"));
            side(compared, page);
            page.push_str("</section>\n");
        }
        page.push_str("</div>\n<nav aria-label=\"Parts of the page\"><ul><li><a href=\"#summary\">Summary</a></li><li><a href=\"#findings\">Changes</a></li>");
        if self.nodes.are_many() {
            page.push_str("<li><a href=\"#nodes\">Nodes</a></li>");
        }
        page.push_str("</ul></nav>\n</header>\n<main>\n");
    }

    fn summary(&self, page: &mut String) {
        let comparison = self.comparison;
        page.push_str("<section id=\"summary\" aria-labelledby=\"summary-head\"><h2 id=\"summary-head\">Summary</h2>\n");
        if [&comparison.old, &comparison.new]
            .into_iter()
            .any(|side| side.source == Source::Demo)
        {
            page.push_str("<p class=\"banner\"><b>Demonstration.</b> A recorded node that comes with the program is compared, not this machine.</p>\n");
        }
        for doubt in &comparison.doubts {
            put(
                page,
                format_args!(
                    "<p class=\"banner\"><b>To be taken with care</b>: {}.</p>\n",
                    short(doubt)
                ),
            );
        }
        page.push_str("<ul class=\"tiles kinds\">");
        for (kind, _, of_kind) in by_kind(&comparison.summary) {
            let none = if of_kind == 0 { " none" } else { "" };
            put(
                page,
                format_args!(
                    "<li><a class=\"tile{none}\" href=\"#change={word}\"><b id=\"count-{word}\">{}</b> {} <small>{}</small></a></li>",
                    number(of_kind),
                    chip(kind),
                    meaning(kind),
                    word = kind.as_str()
                ),
            );
        }
        page.push_str("</ul>\n");
        self.said(page);
        nodes::came_and_went(comparison, page);
        self.by_severity(page);
        self.nodes.summary(&self.columns, page);
        page.push_str("</section>\n");
    }

    /// Writes the counts in words, and how many need action as they are now.
    fn said(&self, page: &mut String) {
        let now = self.comparison.changes.outlines().iter();
        let open = now.filter(|change| change.is_open()).count();
        let words = counts(self.comparison);
        let open = match (self.comparison.changes.len(), open) {
            (0, _) => String::new(),
            (_, 0) => " <b>None of what changed needs action now</b>.".to_owned(),
            (_, 1) => " <b>1 of what changed needs action now</b>: it fails, is unknown or waits for a decision.".to_owned(),
            (_, several) => format!(
                " <b>{} of what changed need action now</b>: they fail, are unknown or wait for a decision.",
                number(several)
            ),
        };
        put(
            page,
            format_args!("<p class=\"gate\">{}.{open}</p>\n", html(&words)),
        );
    }

    fn by_severity(&self, page: &mut String) {
        let mut severities: BTreeMap<_, Counts> = BTreeMap::new();
        for change in self.comparison.changes.outlines() {
            let counts = severities.entry(change.severity).or_default();
            counts.add(change.kind);
        }
        if severities.is_empty() {
            return;
        }
        page.push_str("<section aria-labelledby=\"by-severity\"><h3 id=\"by-severity\">By severity</h3>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-labelledby=\"by-severity\"><table><thead><tr><th scope=\"col\">Severity</th>");
        heads(&self.columns, page);
        page.push_str("</tr></thead><tbody>\n");
        for (severity, counts) in severities {
            put(
                page,
                format_args!(
                    "<tr><th scope=\"row\" data-filter=\"severity={severity}\"><span class=\"severity {severity}\">{severity}</span></th>"
                ),
            );
            counts.cells(&self.columns, page);
            page.push_str("</tr>\n");
        }
        page.push_str("</tbody></table></div></section>\n");
    }

    fn changes(&self, gathering: &Gathering, page: &mut String) {
        let changes = self.comparison.changes.outlines();
        page.push_str("<section id=\"findings\" aria-labelledby=\"findings-head\"><h2 id=\"findings-head\">Changes</h2>\n");
        frame::controls("Changes", page);
        let kinds = self.columns.iter();
        let labels: Vec<_> = kinds.map(|kind| (kind.as_str(), label(*kind))).collect();
        let kinds = labels.iter().map(|(word, label)| (*word, label.as_str()));
        frame::boxes("Change", "change", kinds, page);
        let now: BTreeSet<Status> = changes
            .iter()
            .filter_map(|change| change.now)
            .map(|(verdict, is_accepted)| Status::by(verdict, is_accepted))
            .collect();
        let now = now.iter().map(|status| (status.word(), status.label()));
        let is_gone = self.columns.contains(&ChangeKind::NoLongerSeen);
        let gone = is_gone.then_some(("gone", "not there"));
        frame::boxes("Now", "verdict", now.chain(gone), page);
        let there: BTreeSet<_> = changes.iter().map(|change| change.severity).collect();
        let severities = SEVERITIES.iter().filter(|one| there.contains(one));
        let severities = severities.map(|severity| (severity.as_str(), severity.as_str()));
        frame::boxes("Severity", "severity", severities, page);
        frame::end_of_controls(self.nodes.changed(), page);
        // A rule may stand below several kinds.
        let rules: BTreeSet<&str> = gathering.rules.keys().map(|(_, id)| id.as_str()).collect();
        put(
            page,
            format_args!(
                "<p id=\"shown\" role=\"status\" aria-live=\"polite\">{} of {}.</p>\n<noscript><p class=\"note\">Search and filters need JavaScript; everything else is here without it.</p></noscript>\n<div id=\"rules\" data-one=\"change\">\n",
                count(changes.len(), "change"),
                count(rules.len(), "rule")
            ),
        );
    }

    fn end(&self, beyond: usize, page: &mut String) {
        page.push_str("</div>\n<p id=\"nothing\" hidden=\"\">Nothing matches. <button type=\"button\" id=\"clear-too\">Show all</button></p>\n");
        if self.comparison.changes.is_empty() {
            page.push_str("<p>No finding changed.</p>\n");
        }
        if beyond > 0 {
            put(
                page,
                format_args!(
                    "<p class=\"banner\">{} have no room on the page and are not here; the formats json, jsonl and csv have them.</p>\n",
                    count(beyond, "change")
                ),
            );
        }
        page.push_str("</section>\n");
        self.nodes.section(&self.columns, page);
        let tool = &self.comparison.tool;
        let what = format!(
            "Written by {} {} from two reports; times are in UTC. The same changes, each with the id of its finding, are in the formats <code>json</code> and <code>jsonl</code>.",
            short(&tool.name),
            short(&tool.version)
        );
        frame::end(&what, page);
    }
}

/// Writes one side of the comparison.
fn side(compared: &Compared, page: &mut String) {
    let Compared {
        file,
        source,
        started,
        cluster,
        rules,
        nodes,
        findings,
        complete,
    } = compared;
    let mut facts = Facts::begin(page);
    facts.code("Report", file);
    facts.text(
        "Source",
        &format!("{}: {}", heading::source(*source), describe_source(*source)),
    );
    facts.text("Began", &started.to_string());
    if let Some(cluster) = cluster {
        facts.text("Cluster", &cluster.server);
    }
    facts.code("Digest of the rules", rules);
    let cut = if *complete {
        ""
    } else {
        ", <strong class=\"missed\">incomplete</strong>"
    };
    facts.markup(
        "Holds",
        &format!(
            "{}, {}{cut}",
            count(*nodes, "node"),
            count(*findings, "finding")
        ),
    );
    facts.end();
}
