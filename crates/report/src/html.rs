//! HTML: what an auditor keeps. One file that asks for nothing: style, program and pictures are in it, a policy in its head
//! allows these and no other, and without the program everything can be read as well.
//!
//! Findings of one rule that show the same are one entry with the nodes on which it was found, so that a fleet has room in
//! a page; where something has none, the page says how much and which format has it. What goes where: docs/formats.md.

pub(crate) mod about;
#[cfg(test)]
mod contrast;
pub(crate) mod entry;
pub(crate) mod escape;
pub(crate) mod finding;
pub(crate) mod frame;
pub(crate) mod gather;
pub(crate) mod identity;
mod nodes;
mod picture;
mod prose;
mod ranges;
mod rules;
pub(crate) mod status;

pub(crate) use rules::SEVERITIES;

use std::collections::BTreeMap;
use std::io::Write;

use kubeassay_core::facts::Source;
use kubeassay_core::report::{Finding, Node};

use crate::describe::describe_source;
use crate::stream::{Closing, Header, Render};
use crate::{Prose, RenderError, heading};
use escape::{count, html, number, put, short};
use gather::Gathering;
use nodes::{Nodes, Sorted};
use rules::{Section, Writer};
use status::{Counts, Status, Tally};

/// Writes a report as HTML, once it is whole.
#[derive(Debug)]
pub struct Html {
    prose: Prose,
    header: Option<Header>,
    nodes: Nodes,
    /// The names of nodes by their ids, of those that have problems: only the end tells which.
    names: BTreeMap<String, String>,
    /// Findings of one rule and subject, which come one behind the other.
    pending: Vec<Finding>,
    gathering: Gathering,
    /// Of findings in workloads only the end tells whether they count.
    tally: Tally,
    with_baseline: bool,
}

impl Html {
    /// Returns what writes the rules' prose beside their findings.
    pub fn new(prose: &Prose) -> Self {
        Self {
            prose: prose.clone(),
            header: None,
            nodes: Nodes::default(),
            names: BTreeMap::new(),
            pending: Vec::new(),
            gathering: Gathering::default(),
            tally: Tally::default(),
            with_baseline: false,
        }
    }

    fn flush(&mut self) {
        if self.pending.is_empty() {
            return;
        }
        let node = self.nodes.count(&self.pending);
        self.gathering.add(self.pending.as_slice(), node);
        self.pending.clear();
    }
}

impl Render for Html {
    fn header(&mut self, header: &Header, _: &mut dyn Write) -> Result<(), RenderError> {
        self.header = Some(header.clone());
        Ok(())
    }

    fn node(&mut self, node: &Node, _: &mut dyn Write) -> Result<(), RenderError> {
        self.flush();
        self.nodes.add(node);
        self.names.insert(node.id.clone(), node.name.clone());
        Ok(())
    }

    fn finding(&mut self, finding: &Finding, _: &mut dyn Write) -> Result<(), RenderError> {
        self.tally.add(Status::of(finding), finding.subject.in_pod);
        self.with_baseline |= finding.baseline_state.is_some();
        let together = self.pending.last().is_some_and(|last| {
            last.horizon < finding.horizon
                && (&last.node, &last.rule) == (&finding.node, &finding.rule)
                && (&last.subject.key, last.subject.in_pod)
                    == (&finding.subject.key, finding.subject.in_pod)
        });
        if !together {
            self.flush();
        }
        self.pending.push(finding.clone());
        Ok(())
    }

    fn end(&mut self, closing: &Closing, out: &mut dyn Write) -> Result<(), RenderError> {
        self.flush();
        let Some(header) = self.header.take() else {
            return Ok(());
        };
        let with_pods = self.tally.all() == closing.summary.total();
        let mut nodes = std::mem::take(&mut self.nodes);
        let first = nodes.first.take();
        let page = Page {
            header: &header,
            closing,
            nodes: &nodes.sort(with_pods),
            gathering: &std::mem::take(&mut self.gathering),
            uncounted: self.tally.all().saturating_sub(closing.summary.total()),
            with_pods,
            with_baseline: self.with_baseline,
        };
        let node = first.as_ref().filter(|_| page.nodes.len() == 1);
        let mut text = String::new();
        page.head(&mut text);
        page.begin(node, &mut text);
        page.summary(&mut text);
        page.findings(&mut text);
        out.write_all(text.as_bytes())?;
        let mut rules = Writer::new(page.gathering, page.nodes, &self.prose, with_pods);
        let beyond = rules.write(|rule| out.write_all(rule.as_bytes()))?;
        text.clear();
        page.end_of_findings(beyond + page.gathering.beyond, &mut text);
        page.nodes.section(&mut text);
        identity::problems(
            closing,
            |id| self.names.get(id).map_or(id, String::as_str),
            &mut text,
        );
        identity::section(&header, closing, node, &mut text);
        page.end(&mut text);
        out.write_all(text.as_bytes())?;
        out.flush()?;
        Ok(())
    }
}

/// What is known when the page is written.
struct Page<'a> {
    header: &'a Header,
    closing: &'a Closing,
    nodes: &'a Sorted,
    gathering: &'a Gathering,
    /// Findings that count for nothing.
    uncounted: usize,
    with_pods: bool,
    with_baseline: bool,
}

impl Page<'_> {
    /// Returns what the report is of: the node's name, or how many there are.
    fn of(&self) -> String {
        match self.nodes.len() {
            1 => short(self.nodes.name(1)),
            0 => self
                .header
                .scanned
                .cluster
                .as_ref()
                .map_or_else(|| "no node".to_owned(), |cluster| short(&cluster.server)),
            several => count(several, "node"),
        }
    }

    fn head(&self, page: &mut String) {
        let title = format!(
            "{} \u{b7} kubeassay report of {} \u{b7} source {}",
            day(self.header),
            self.of(),
            heading::source(self.header.scanned.source)
        );
        let line = heading::line(self.header);
        frame::head(&line, &self.header.tool, &title, page);
    }

    fn begin(&self, node: Option<&Node>, page: &mut String) {
        page.push_str("<body>\n<a class=\"skip\" href=\"#findings\">Skip to the findings</a>\n");
        page.push_str(picture::PATTERNS);
        let header = self.header;
        let source = header.scanned.source;
        put(
            page,
            format_args!(
                "<header>\n<p class=\"tool\">kubeassay compliance report</p>\n<h1>{}</h1>\n<p class=\"line\"><b>source {}</b>: {}",
                self.of(),
                heading::source(source),
                describe_source(source)
            ),
        );
        if let Some(node) = node {
            let parts: Vec<String> = crate::describe::node_parts(node)
                .iter()
                .skip(1)
                .map(|part| short(part))
                .collect();
            if !parts.is_empty() {
                put(page, format_args!(" \u{b7} {}", parts.join(" \u{b7} ")));
            }
        }
        if let Some(cluster) = &header.scanned.cluster {
            put(
                page,
                format_args!(" \u{b7} cluster {}", short(&cluster.server)),
            );
        }
        put(
            page,
            format_args!(
                " \u{b7} {} \u{b7} kubeassay {} \u{b7} {} rules, <code>{}</code></p>\n",
                html(&header.scanned.started.to_string()),
                short(&header.tool.version),
                number(header.rules.count),
                short(&header.rules.digest)
            ),
        );
        page.push_str("<nav aria-label=\"Parts of the report\"><ul><li><a href=\"#summary\">Summary</a></li><li><a href=\"#findings\">Findings</a></li>");
        if self.nodes.len() > 30 {
            page.push_str("<li><a href=\"#nodes\">Nodes</a></li>");
        }
        put(
            page,
            format_args!(
                "<li><a href=\"#problems\">Problems <small>{}</small></a></li><li><a href=\"#scan\">The scan</a></li></ul></nav>\n</header>\n<main>\n",
                number(self.closing.problems.len())
            ),
        );
    }

    fn summary(&self, page: &mut String) {
        let closing = self.closing;
        page.push_str("<section id=\"summary\" aria-labelledby=\"summary-head\"><h2 id=\"summary-head\">Summary</h2>\n");
        if self.header.scanned.source == Source::Demo {
            page.push_str("<p class=\"banner\"><b>Demonstration.</b> This is a recorded node that comes with the program, not this machine.</p>\n");
        }
        if !closing.complete {
            page.push_str("<p class=\"banner\"><b>Incomplete.</b> Not everything that was to be scanned was: what is not here is not known.</p>\n");
        }
        let missed = closing
            .coverage
            .nodes
            .saturating_sub(closing.coverage.scanned);
        if missed > 0 {
            put(
                page,
                format_args!(
                    "<p class=\"banner\"><b>{} of {} were not scanned whole.</b> The list of nodes says which, and why.</p>\n",
                    number(missed),
                    count(closing.coverage.nodes, "node")
                ),
            );
        }
        let counts = Counts::from(&closing.summary);
        page.push_str("<ul class=\"tiles\">");
        for status in Status::ALL {
            let of_status = counts.of(status);
            let none = if of_status == 0 { " none" } else { "" };
            put(
                page,
                format_args!(
                    "<li><a class=\"tile {word}{none}\" href=\"#verdict={word}\"><b id=\"count-{word}\">{}</b> <span class=\"chip {word}\">{}</span></a></li>",
                    number(of_status),
                    status.label(),
                    word = status.word()
                ),
            );
        }
        put(page, format_args!("</ul>\n{}\n", picture::bar(&counts)));
        put(
            page,
            format_args!(
                "<p class=\"gate\"><b>Exit code {}</b>: {} <span class=\"note\">(<code>--fail-on {}</code>)</span></p>\n",
                closing.gate.exit_code,
                short(&closing.gate.reason),
                closing.gate.fail_on
            ),
        );
        page.push_str("<div class=\"columns\">\n");
        self.by_section(page);
        self.by_severity(page);
        page.push_str("</div>\n");
        self.nodes.picture(page);
        page.push_str("</section>\n");
    }

    fn by_section(&self, page: &mut String) {
        let columns = picture::columns(&Counts::from(&self.closing.summary));
        let mut sections: BTreeMap<_, (Section, Counts)> = BTreeMap::new();
        for rule in self.gathering.rules.values() {
            let section = Section::of(rule);
            let (_, counts) = sections
                .entry(section.order())
                .or_insert_with(|| (section, Counts::default()));
            *counts = counts.plus(&rule.tally.counts(self.with_pods));
        }
        page.push_str("<section aria-labelledby=\"by-section\"><h3 id=\"by-section\">By section of the benchmark</h3>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-labelledby=\"by-section\"><table><thead>");
        picture::heads("Section", &columns, page);
        page.push_str("</thead><tbody>\n");
        let sections = sections
            .into_values()
            .filter(|(_, counts)| counts.total() > 0);
        for (section, counts) in sections.take(200) {
            put(
                page,
                format_args!(
                    "<tr><th scope=\"row\" data-filter=\"section={}\">{}</th>",
                    short(&section.key),
                    short(&section.name())
                ),
            );
            picture::cells(&counts, true, &columns, page);
            page.push_str("</tr>\n");
        }
        page.push_str("</tbody></table></div></section>\n");
    }

    fn by_severity(&self, page: &mut String) {
        let columns = picture::columns(&Counts::from(&self.closing.summary));
        page.push_str("<section aria-labelledby=\"by-severity\"><h3 id=\"by-severity\">By severity</h3>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-labelledby=\"by-severity\"><table><thead>");
        picture::heads("Severity", &columns, page);
        page.push_str("</thead><tbody>\n");
        for severity in SEVERITIES {
            let rules = self
                .gathering
                .rules
                .values()
                .filter(|rule| rule.severity == *severity);
            let counts = rules.fold(Counts::default(), |counts, rule| {
                counts.plus(&rule.tally.counts(self.with_pods))
            });
            if counts.total() > 0 {
                put(
                    page,
                    format_args!(
                        "<tr><th scope=\"row\" data-filter=\"severity={severity}\"><span class=\"severity {severity}\">{severity}</span></th>"
                    ),
                );
                picture::cells(&counts, true, &columns, page);
                page.push_str("</tr>\n");
            }
        }
        page.push_str("</tbody></table></div></section>\n");
    }

    fn findings(&self, page: &mut String) {
        page.push_str("<section id=\"findings\" aria-labelledby=\"findings-head\"><h2 id=\"findings-head\">Findings</h2>\n");
        frame::controls("Findings", page);
        let counts = Counts::from(&self.closing.summary);
        let there = Status::ALL
            .into_iter()
            .filter(|status| counts.of(*status) > 0);
        let verdicts = there.map(|status| (status.word(), status.label()));
        frame::boxes("Verdict", "verdict", verdicts, page);
        let rules = &self.gathering.rules;
        let there = SEVERITIES
            .iter()
            .filter(|severity| rules.values().any(|rule| rule.severity == **severity));
        let severities = there.map(|severity| (severity.as_str(), severity.as_str()));
        frame::boxes("Severity", "severity", severities, page);
        if self.with_baseline {
            let words = ["new", "changed", "known"].map(|word| (word, word));
            frame::boxes("Baseline", "baseline", words, page);
        }
        page.push_str("<div class=\"field\"><label for=\"section\">Section</label><select id=\"section\"><option value=\"\">all</option></select></div>\n");
        frame::end_of_controls(self.nodes.len(), page);
        let rules = self.gathering.rules.len();
        put(
            page,
            format_args!(
                "<p id=\"shown\" role=\"status\" aria-live=\"polite\">{} of {}",
                count(self.closing.summary.total(), "finding"),
                count(rules, "rule")
            ),
        );
        page.push_str(".</p>\n<noscript><p class=\"note\">Search and filters need JavaScript; everything else is here without it.</p></noscript>\n");
        if self.uncounted > 0 {
            put(
                page,
                format_args!(
                    "<p class=\"note\">{} of components in pods are shown and not counted.</p>\n",
                    count(self.uncounted, "finding")
                ),
            );
        }
        page.push_str("<div id=\"rules\">\n");
    }

    fn end_of_findings(&self, beyond: usize, page: &mut String) {
        page.push_str("</div>\n<p id=\"nothing\" hidden=\"\">Nothing matches. <button type=\"button\" id=\"clear-too\">Show all</button></p>\n");
        if self.gathering.rules.is_empty() {
            page.push_str("<p>There are no findings.</p>\n");
        }
        if beyond > 0 {
            put(
                page,
                format_args!(
                    "<p class=\"banner\">{} of rules that have no room on the page are not here; the formats json, jsonl and csv have them.</p>\n",
                    count(beyond, "finding")
                ),
            );
        }
        page.push_str("</section>\n");
    }

    fn end(&self, page: &mut String) {
        let what = format!(
            "Written by {} {} from one scan; times are in UTC. The same findings, each with its id, are in the formats <code>json</code> and <code>jsonl</code>.",
            short(&self.header.tool.name),
            short(&self.header.tool.version)
        );
        frame::end(&what, page);
    }
}

/// Returns the day of the scan: `2026-11-26`.
fn day(header: &Header) -> String {
    header
        .scanned
        .started
        .to_string()
        .chars()
        .take(10)
        .collect()
}
