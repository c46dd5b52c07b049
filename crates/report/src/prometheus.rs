//! The text format of Prometheus (exposition format 0.0.4), for the textfile folder of the node exporter: numbers of a scan
//! that ended. Who scrapes reads a file; nothing is scanned then.
//!
//! Every metric is a gauge about the last scan, without a time stamp of its own (the node exporter refuses those), and
//! whatever is counted is there also where it is 0, so that an alert never looks for a series that is absent. How many
//! series there are is bounded: findings are counted by verdict, severity and waiver, by rule, and by node where there are
//! not too many; never one by one. What goes where: docs/formats.md.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write;

use jiff::Timestamp;
use kubeassay_core::report::{Finding, Node};
use kubeassay_core::{Severity, Verdict, text};

use crate::describe::control_label;
use crate::stream::{Closing, Header, Render};
use crate::{RenderError, heading};

/// So many rules have series of their own; of more, those whose ids come first.
pub const MAX_RULES: usize = 500;
/// Nodes have series of their own where there are no more than this.
pub const MAX_NODES: usize = 200;
/// A label has so many characters at most.
const MAX_LABEL: usize = 128;

/// Writes the numbers of a report once it has ended.
#[derive(Debug, Default)]
pub struct Prometheus {
    header: Option<Header>,
    counted: Counts,
    /// Findings of components that live in workloads: at the end it shows whether they count.
    in_pods: Counts,
    all: usize,
    /// The id and the label of the node whose findings come.
    node: Option<(String, String)>,
}

/// How many findings there are of what.
#[derive(Debug, Default)]
struct Counts {
    /// By verdict, severity and whether they are waived.
    totals: BTreeMap<(Verdict, Severity, bool), usize>,
    rules: Rules<(Verdict, bool)>,
    nodes: Nodes,
}

/// What tells one rule's series from another's, as it is written. A rule that nodes know by different numbers, or joined
/// reports by different severities, has several.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RuleKey {
    pub(crate) rule: String,
    pub(crate) control: String,
    pub(crate) severity: Severity,
}

impl RuleKey {
    pub(crate) fn of(finding: &Finding) -> Self {
        Self {
            rule: label(&finding.rule),
            control: label(&control_label(&finding.controls, "")),
            severity: finding.severity,
        }
    }
}

/// What is counted of rules, by what else tells series apart; not of more rules than have room.
#[derive(Debug)]
pub(crate) struct Rules<K> {
    pub(crate) few: BTreeMap<RuleKey, BTreeMap<K, usize>>,
    pub(crate) left_out: usize,
}

impl<K> Default for Rules<K> {
    fn default() -> Self {
        Self {
            few: BTreeMap::new(),
            left_out: 0,
        }
    }
}

impl<K: Copy + Ord> Rules<K> {
    /// Counts findings of a rule. Which rules are kept does not hang on their order: the last one only ever comes down, so
    /// that one which was left out once never comes back with a part of its findings.
    pub(crate) fn add(&mut self, key: RuleKey, findings: &BTreeMap<K, usize>) {
        let number = findings.values().sum::<usize>();
        if self.few.len() == MAX_RULES && !self.few.contains_key(&key) {
            let comes_last = self.few.keys().next_back().is_none_or(|last| key > *last);
            if comes_last {
                self.left_out += number;
                return;
            }
            if let Some((_, gone)) = self.few.pop_last() {
                self.left_out += gone.values().sum::<usize>();
            }
        }
        let counts = self.few.entry(key).or_default();
        for (of, number) in findings {
            *counts.entry(*of).or_default() += number;
        }
    }
}

/// By verdict and whether they are waived.
type PerVerdict = BTreeMap<(Verdict, bool), usize>;

/// The findings of nodes, by the names of these; none where there are too many.
#[derive(Debug, Default)]
struct Nodes {
    few: BTreeMap<String, PerVerdict>,
    too_many: bool,
}

impl Nodes {
    fn add(&mut self, node: &str) -> Option<&mut PerVerdict> {
        let is_new = !self.few.contains_key(node);
        if is_new && self.few.len() == MAX_NODES {
            self.too_many = true;
            self.few.clear();
        }
        if self.too_many {
            return None;
        }
        Some(self.few.entry(node.to_owned()).or_default())
    }
}

impl Counts {
    fn add(&mut self, finding: &Finding, node: Option<&str>) {
        let waived = finding.waiver.is_some();
        let Finding {
            verdict, severity, ..
        } = *finding;
        *self.totals.entry((verdict, severity, waived)).or_default() += 1;
        let key = RuleKey::of(finding);
        self.rules
            .add(key, &PerVerdict::from([((verdict, waived), 1)]));
        if let Some(counts) = node.and_then(|node| self.nodes.add(node)) {
            *counts.entry((verdict, waived)).or_default() += 1;
        }
    }

    /// Adds what was counted apart.
    fn join(&mut self, other: Self) {
        for (key, number) in other.totals {
            *self.totals.entry(key).or_default() += number;
        }
        for (key, findings) in other.rules.few {
            self.rules.add(key, &findings);
        }
        self.rules.left_out += other.rules.left_out;
        for (node, findings) in other.nodes.few {
            let Some(counts) = self.nodes.add(&node) else {
                continue;
            };
            for (key, number) in findings {
                *counts.entry(key).or_default() += number;
            }
        }
    }
}

impl Render for Prometheus {
    fn header(&mut self, header: &Header, _: &mut dyn Write) -> Result<(), RenderError> {
        self.header = Some(header.clone());
        Ok(())
    }

    fn node(&mut self, node: &Node, _: &mut dyn Write) -> Result<(), RenderError> {
        let name = label(&node.name);
        // A node without findings has its zeros.
        self.counted.nodes.add(&name);
        self.node = Some((node.id.clone(), name));
        Ok(())
    }

    fn finding(&mut self, finding: &Finding, _: &mut dyn Write) -> Result<(), RenderError> {
        self.all += 1;
        let node = self.node.as_ref();
        let node = node.filter(|(id, _)| finding.node.as_ref() == Some(id));
        let node = node.map(|(_, name)| name.as_str());
        if finding.subject.in_pod {
            self.in_pods.add(finding, node);
        } else {
            self.counted.add(finding, node);
        }
        Ok(())
    }

    fn end(&mut self, closing: &Closing, out: &mut dyn Write) -> Result<(), RenderError> {
        let Some(header) = self.header.take() else {
            return Ok(());
        };
        let mut counts = std::mem::take(&mut self.counted);
        // A report does not say whether findings in workloads count, but its sum does.
        let in_pods = std::mem::take(&mut self.in_pods);
        if closing.summary.total() == self.all {
            counts.join(in_pods);
        }
        let mut page = Page::default();
        page.comment(&heading::line(&header));
        page.comment(&format!(
            "exit code {}: {}",
            closing.gate.exit_code,
            text::escape(&closing.gate.reason)
        ));
        scan(&mut page, &header, closing);
        findings(&mut page, &counts);
        page.write(out)
    }
}

fn scan(page: &mut Page, header: &Header, closing: &Closing) {
    let cluster = header.scanned.cluster.as_ref();
    let uid = cluster.and_then(|cluster| cluster.uid.as_deref());
    page.metric(
        "kubeassay_scan_info",
        "What the last scan read, with which version and rules.",
    );
    page.sample(
        &[
            ("source", heading::source(header.scanned.source)),
            ("version", &label(&header.tool.version)),
            (
                "benchmark",
                &label(header.rules.benchmark.as_deref().unwrap_or_default()),
            ),
            ("rules_digest", &label(&header.rules.digest)),
            (
                "cluster",
                &label(cluster.map_or("", |cluster| &cluster.server)),
            ),
            ("cluster_uid", &label(uid.unwrap_or_default())),
        ],
        "1",
    );
    let time = [
        ("start", "began", header.scanned.started),
        ("end", "ended", closing.finished),
    ];
    for (word, said, time) in time {
        page.metric(
            &format!("kubeassay_scan_{word}_timestamp_seconds"),
            &format!("When the last scan {said}."),
        );
        page.sample(&[], &seconds(time));
    }
    page.metric(
        "kubeassay_scan_complete",
        "Whether everything that was to be scanned was (1) or not (0).",
    );
    page.sample(&[], if closing.complete { "1" } else { "0" });
    page.metric(
        "kubeassay_gate_exit_code",
        "The exit code: 0 nothing needs action, 1 something fails, 2 something is unknown or was not scanned.",
    );
    page.sample(&[], &closing.gate.exit_code.to_string());
    page.metric("kubeassay_nodes", "Nodes, by how far they were scanned.");
    let coverage = closing.coverage;
    for (status, number) in [
        ("scanned", coverage.scanned),
        ("partial", coverage.partial),
        ("unreachable", coverage.unreachable),
        ("unsupported", coverage.unsupported),
    ] {
        page.sample(&[("status", status)], &number.to_string());
    }
    page.metric("kubeassay_rules", "Rules that were evaluated.");
    page.sample(&[], &header.rules.count.to_string());
    page.metric(
        "kubeassay_problems",
        "What could not be read or understood.",
    );
    page.sample(&[], &closing.problems.len().to_string());
}

fn findings(page: &mut Page, counts: &Counts) {
    page.metric(
        "kubeassay_findings",
        "Findings that count, by verdict, severity and whether a waiver accepts them.",
    );
    for verdict in Verdict::ALL {
        for severity in Severity::ALL {
            for waived in [false, true] {
                let number = counts.totals.get(&(*verdict, *severity, waived));
                page.sample(
                    &[
                        ("verdict", verdict.as_str()),
                        ("severity", severity.as_str()),
                        ("waived", truth(waived)),
                    ],
                    &number.copied().unwrap_or_default().to_string(),
                );
            }
        }
    }
    page.metric(
        "kubeassay_rule_findings",
        "Findings of a rule, on all nodes together; its first number is the label control.",
    );
    for (key, of_rule) in &counts.rules.few {
        let RuleKey {
            rule,
            control,
            severity,
        } = key;
        for ((verdict, waived), number) in with_zeros(of_rule) {
            page.sample(
                &[
                    ("rule", rule),
                    ("control", control),
                    ("severity", severity.as_str()),
                    ("verdict", verdict.as_str()),
                    ("waived", truth(waived)),
                ],
                &number.to_string(),
            );
        }
    }
    page.metric(
        "kubeassay_rule_findings_left_out",
        "Findings of rules beyond those that have series of their own.",
    );
    page.sample(&[], &counts.rules.left_out.to_string());
    page.metric(
        "kubeassay_node_findings",
        "Findings of a node; none of any node where there are many nodes.",
    );
    for (node, of_node) in &counts.nodes.few {
        for ((verdict, waived), number) in with_zeros(of_node) {
            page.sample(
                &[
                    ("node", node),
                    ("verdict", verdict.as_str()),
                    ("waived", truth(waived)),
                ],
                &number.to_string(),
            );
        }
    }
    page.metric(
        "kubeassay_node_findings_left_out",
        "Whether nodes have no series of their own, being too many (1).",
    );
    page.sample(&[], if counts.nodes.too_many { "1" } else { "0" });
}

/// Returns the numbers, with those of what needs action also where they are 0: an alert that ends has a value to end with.
fn with_zeros(counts: &PerVerdict) -> PerVerdict {
    let mut all = PerVerdict::from([((Verdict::Fail, false), 0), ((Verdict::Unknown, false), 0)]);
    all.extend(counts);
    all
}

const fn truth(holds: bool) -> &'static str {
    if holds { "true" } else { "false" }
}

pub(crate) fn seconds(time: Timestamp) -> String {
    let milliseconds = time.as_millisecond();
    let (whole, rest) = (
        milliseconds.div_euclid(1_000),
        milliseconds.rem_euclid(1_000),
    );
    // A rest is counted up from below; times before 1970 are nobody's.
    match rest {
        0 => whole.to_string(),
        rest => format!("{whole}.{rest:03}"),
    }
}

/// Returns foreign text as one line of characters that are seen, cut to what a label takes.
pub(crate) fn label(foreign: &str) -> String {
    let escaped = text::escape(foreign);
    match escaped.char_indices().nth(MAX_LABEL) {
        None => escaped,
        Some((end, _)) => {
            let (kept, _) = escaped.split_at(end);
            format!("{kept}\u{2026}")
        }
    }
}

/// The text as it is written, with the metric whose samples come.
#[derive(Default)]
pub(crate) struct Page(String, String);

impl Page {
    /// Writes a line that no reader takes for more: it begins with neither `HELP` nor `TYPE`.
    pub(crate) fn comment(&mut self, line: &str) {
        self.0.extend(["# kubeassay: ", line, "\n"]);
    }

    /// Begins a metric; `help` is ours and holds nothing to escape.
    pub(crate) fn metric(&mut self, name: &str, help: &str) {
        let Self(text, current) = self;
        name.clone_into(current);
        text.extend(["# HELP ", name, " ", help, "\n"]);
        text.extend(["# TYPE ", name, " gauge\n"]);
    }

    pub(crate) fn sample(&mut self, labels: &[(&str, &str)], value: &str) {
        let Self(text, metric) = self;
        text.push_str(metric);
        for (index, (name, value)) in labels.iter().enumerate() {
            text.push(if index == 0 { '{' } else { ',' });
            text.extend([name, "=\""]);
            for character in value.chars() {
                match character {
                    '\\' => text.push_str("\\\\"),
                    '"' => text.push_str("\\\""),
                    '\n' => text.push_str("\\n"),
                    character => text.push(character),
                }
            }
            text.push('"');
        }
        if !labels.is_empty() {
            text.push('}');
        }
        let written = writeln!(text, " {value}");
        debug_assert!(written.is_ok(), "writing to a string cannot fail");
    }

    pub(crate) fn write(&self, out: &mut dyn Write) -> Result<(), RenderError> {
        out.write_all(self.0.as_bytes())?;
        out.flush()?;
        Ok(())
    }
}
