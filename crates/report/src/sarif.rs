//! SARIF 2.1.0, as GitHub's code scanning takes it: what needs action, with the file and line to change.
//!
//! It holds findings that fail or are unknown and are not accepted, each as one result; where there would be more than
//! [`MAX_RESULTS`], of which code scanning shows no more, findings of one rule with the same value are one result that
//! says how many nodes it stands for. What goes where: docs/formats.md. Limits and required properties: GitHub's page
//! "SARIF support for code scanning".

mod document;
mod location;

use std::collections::BTreeMap;
use std::io::Write;

use kubeassay_core::report::{Control, Finding, Node, NodeStatus, Problem};
use kubeassay_core::{Severity, Verdict, text};

use crate::describe::{describe_evidence, status_words, subject_parts};
use crate::open::{Gathered, Group, Joined, Open};
use crate::stream::{Closing, Header, Render, Scanning};
use crate::{Prose, RenderError, RuleProse, heading, inert, json};
use document::{
    AutomationDetails, Base, Configuration, Descriptor, Driver, GroupProperties, Help, Invocation,
    Log, Message, Notification, NotificationProperties, ResultProperties, RuleProperties, Run,
    RunProperties, SarifResult, Tool,
};

/// Code scanning shows so many results of a run.
pub const MAX_RESULTS: usize = 5_000;
/// Code scanning refuses a file with more rules.
const MAX_RULES: usize = 25_000;
/// A rule has no more tags: code scanning refuses a file with more.
const MAX_TAGS: usize = 20;
/// Code scanning takes so many characters of a description.
const MAX_DESCRIPTION: usize = 1_024;
/// So many problems are told one by one.
const MAX_PROBLEMS: usize = 1_000;

/// Writes a report as SARIF, once it is whole.
#[derive(Debug)]
pub struct Sarif {
    prose: Prose,
    header: Option<Header>,
    /// Names of nodes by their ids.
    names: BTreeMap<String, String>,
    /// Nodes that were not scanned whole: the first of them, and how many.
    missed: (Vec<String>, usize),
    rules: BTreeMap<String, Seen>,
    open: Open,
}

/// What findings say of their rule.
#[derive(Debug)]
struct Seen {
    title: String,
    severity: Severity,
    controls: Vec<Control>,
    expected: String,
    remediation: String,
}

impl Sarif {
    /// Returns what writes the rules' prose as their help.
    pub fn new(prose: &Prose) -> Self {
        Self {
            prose: prose.clone(),
            header: None,
            names: BTreeMap::new(),
            missed: (Vec::new(), 0),
            rules: BTreeMap::new(),
            open: Open::new(MAX_RESULTS, Joined::Not),
        }
    }

    fn name<'a>(&'a self, node: Option<&'a str>) -> &'a str {
        match node {
            Some(id) => self.names.get(id).map_or(id, String::as_str),
            None => "cluster",
        }
    }

    /// Returns the category that code scanning keeps results by, and behind it the time, which it may forget:
    /// `kubeassay/live/worker-1/2026-11-26T10:00:00Z`. A second file of the same category takes the place of the first,
    /// so that clusters, and nodes that are scanned one by one, have their own.
    fn category(&self, scanned: &Scanning) -> String {
        let cluster = scanned
            .cluster
            .as_ref()
            .and_then(|cluster| cluster.uid.as_deref());
        let mut names = self.names.values();
        let node = names.next().filter(|_| names.next().is_none());
        let of = cluster.or(node.map(String::as_str));
        let of = of
            .map(|of| format!("/{}", text::escape(of)))
            .unwrap_or_default();
        let source = heading::source(scanned.source);
        format!("kubeassay/{source}{of}/{}", scanned.started)
    }

    fn result(&self, group: &Group, index: &BTreeMap<&str, usize>) -> SarifResult {
        let finding = &group.finding;
        let node = text::escape(self.name(finding.node.as_deref()));
        let (location, related_locations) = location::of(finding, &node);
        let mut fingerprints = BTreeMap::new();
        let fingerprint = text::escape(&group.fingerprint());
        // The only one that code scanning looks at; its own have the number of an occurrence behind a colon.
        fingerprints.insert("primaryLocationLineHash", format!("{fingerprint}:1"));
        fingerprints.insert("kubeassayFinding/v1", fingerprint);
        SarifResult {
            rule_id: text::escape(&finding.rule),
            rule_index: index.get(finding.rule.as_str()).copied(),
            level: level(finding.verdict, finding.severity),
            message: Message::of(&message(group, &node)),
            locations: [location],
            related_locations,
            partial_fingerprints: fingerprints,
            baseline_state: group.state,
            occurrence_count: (group.joined != Joined::Not).then_some(group.findings),
            properties: ResultProperties {
                verdict: finding.verdict,
                cause: finding.cause,
                severity: finding.severity,
                horizon: finding.horizon,
                node: finding.node.as_ref().map(|_| node),
                subject: text::escape(&finding.subject.key),
                expected: text::escape(&finding.expected),
                actual: actual(finding),
                remediation: finding.remediation.clone(),
                fixable: finding.fix.possible,
                fix_how: finding.fix.how.as_deref().map(text::escape),
                group: (group.joined != Joined::Not).then(|| self.of_group(group)),
            },
        }
    }

    fn of_group(&self, group: &Group) -> GroupProperties {
        let places = group.places.iter().map(|(node, subject)| {
            let node = self.name(node.as_deref());
            text::escape(&format!("{node}: {subject}"))
        });
        GroupProperties {
            nodes: group.nodes(),
            findings: group.findings,
            same_value: group.joined == Joined::ByValue,
            first: places.collect(),
        }
    }

    fn notifications(
        &self,
        closing: &Closing,
        groups: &[Group],
        beyond: usize,
    ) -> Vec<Notification> {
        let mut told = Vec::new();
        let grouped: Vec<&Group> = groups
            .iter()
            .filter(|group| group.joined != Joined::Not)
            .collect();
        if !grouped.is_empty() {
            let findings: usize = grouped.iter().map(|group| group.findings).sum();
            told.push(plain(
                "note",
                &format!(
                    "{findings} findings need action, more than {MAX_RESULTS} results: they are grouped by rule and value into {} results, each with its number of nodes; the formats json, jsonl and csv have every finding",
                    grouped.len()
                ),
            ));
        }
        if beyond > 0 {
            told.push(plain(
                "error",
                &format!("{beyond} findings of more rules than there may be results are left out; the formats json, jsonl and csv have every finding"),
            ));
        }
        let (names, missed) = &self.missed;
        if *missed > 0 {
            let more = missed.saturating_sub(names.len());
            let more = if more > 0 {
                format!(" and {more} more")
            } else {
                String::new()
            };
            told.push(plain(
                "warning",
                &format!(
                    "{missed} of {} nodes were not scanned whole: {}{more}",
                    closing.coverage.nodes,
                    names.join(", ")
                ),
            ));
        }
        let problems = closing.problems.iter().take(MAX_PROBLEMS);
        told.extend(problems.map(|problem| self.problem(problem)));
        let rest = closing.problems.len().saturating_sub(MAX_PROBLEMS);
        if rest > 0 {
            told.push(plain(
                "warning",
                &format!("{rest} more problems are in the format json"),
            ));
        }
        if !closing.complete {
            told.push(plain("error", "not everything that was to be scanned was"));
        }
        told
    }

    fn problem(&self, problem: &Problem) -> Notification {
        let node = problem.node.as_deref();
        let node = node.map(|id| text::escape(self.name(Some(id))));
        let path = problem.path.as_ref().map(ToString::to_string);
        let words: Vec<&str> = node
            .iter()
            .chain(&path)
            .map(String::as_str)
            .chain([problem.reason.as_str()])
            .collect();
        Notification {
            level: "warning",
            message: Message::of(&words.join(": ")),
            properties: Some(NotificationProperties {
                cause: problem.cause,
                node,
                subject: problem.subject.as_deref().map(text::escape),
                path,
                affects: problem.affects.iter().map(|id| text::escape(id)).collect(),
            }),
        }
    }
}

impl Render for Sarif {
    fn header(&mut self, header: &Header, _: &mut dyn Write) -> Result<(), RenderError> {
        self.header = Some(header.clone());
        Ok(())
    }

    fn node(&mut self, node: &Node, _: &mut dyn Write) -> Result<(), RenderError> {
        self.names.insert(node.id.clone(), node.name.clone());
        if node.status != NodeStatus::Scanned {
            let (names, missed) = &mut self.missed;
            *missed += 1;
            if names.len() < MAX_TAGS {
                let status = status_words(node.status);
                names.push(format!("{} ({status})", text::escape(&node.name)));
            }
        }
        Ok(())
    }

    fn finding(&mut self, finding: &Finding, _: &mut dyn Write) -> Result<(), RenderError> {
        if self.rules.len() < MAX_RULES && !self.rules.contains_key(&finding.rule) {
            let seen = Seen {
                title: finding.title.clone(),
                severity: finding.severity,
                controls: finding.controls.clone(),
                expected: finding.expected.clone(),
                remediation: finding.remediation.clone(),
            };
            self.rules.insert(finding.rule.clone(), seen);
        }
        self.open.add(finding);
        Ok(())
    }

    fn end(&mut self, closing: &Closing, out: &mut dyn Write) -> Result<(), RenderError> {
        let Some(header) = self.header.take() else {
            return Ok(());
        };
        let open = std::mem::replace(&mut self.open, Open::new(MAX_RESULTS, Joined::Not));
        let Gathered { groups, beyond } = open.end(&closing.summary);
        let index: BTreeMap<&str, usize> = self.rules.keys().map(String::as_str).zip(0..).collect();
        let results = groups.iter().map(|group| self.result(group, &index));
        let results: Vec<SarifResult> = results.collect();
        let notifications = self.notifications(closing, &groups, beyond);
        let id = self.category(&header.scanned);
        let Header {
            schema: _,
            tool,
            scanned:
                Scanning {
                    started,
                    source,
                    cluster,
                    joined,
                },
            rules,
        } = header;
        let described = self
            .rules
            .iter()
            .map(|(id, seen)| describe(id, seen, self.prose.get(id)));
        let log = Log {
            schema: document::SCHEMA,
            version: "2.1.0",
            runs: [Run {
                properties: RunProperties {
                    source,
                    started,
                    finished: closing.finished,
                    cluster,
                    joined,
                    coverage: closing.coverage,
                    complete: closing.complete,
                    summary: closing.summary,
                    rules,
                    gate: closing.gate.clone(),
                    grouped: groups.iter().any(|group| group.joined != Joined::Not),
                },
                automation_details: AutomationDetails { id },
                tool: Tool {
                    driver: Driver {
                        name: tool.name,
                        semantic_version: is_semantic(&tool.version).then(|| tool.version.clone()),
                        version: tool.version,
                        rules: described.collect(),
                    },
                },
                invocations: [Invocation {
                    execution_successful: closing.complete,
                    exit_code: closing.gate.exit_code,
                    exit_code_description: text::escape(&closing.gate.reason),
                    start_time_utc: started,
                    end_time_utc: closing.finished,
                    tool_execution_notifications: notifications,
                }],
                original_uri_base_ids: bases(),
                column_kind: "unicodeCodePoints",
                results,
            }],
        };
        json::write(&log, out)?;
        out.flush()?;
        Ok(())
    }
}

/// Returns whether it is three numbers, which is all that we give.
fn is_semantic(version: &str) -> bool {
    let mut parts = version.split('.');
    let numbers = parts
        .by_ref()
        .take(3)
        .filter(|part| part.parse::<u32>().is_ok());
    numbers.count() == 3 && parts.next().is_none()
}

fn bases() -> BTreeMap<&'static str, Base> {
    let base = |text| Base {
        description: Message::of(text),
    };
    BTreeMap::from([
        (
            location::NODE,
            base("the root folder of the node that the logical location names"),
        ),
        (location::API, base("the objects of the cluster's API")),
    ])
}

/// Returns how code scanning marks a result. What is unknown is told one step more quietly, and never as nothing.
const fn level(verdict: Verdict, severity: Severity) -> &'static str {
    match (verdict, severity) {
        (Verdict::Fail, Severity::Critical | Severity::High) => "error",
        (Verdict::Fail, Severity::Medium) | (_, Severity::Critical | Severity::High) => "warning",
        _ => "note",
    }
}

/// Returns a number within the range that code scanning calls by the severity's word.
const fn security_severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "2.0",
    }
}

/// Returns the title of a result: what is wrong, of what, where.
fn message(group: &Group, node: &str) -> String {
    let finding = &group.finding;
    let what = if finding.reason.is_empty() {
        &finding.title
    } else {
        &finding.reason
    };
    let decided = match finding.verdict {
        Verdict::Unknown => "Not decided: ",
        _ => "",
    };
    // Without the process's number: a result is called the same after a restart.
    let mut subject = subject_parts(&finding.subject, true);
    subject.retain(|part| !part.starts_with("pid "));
    let subject = subject.join(", ");
    let place = match group.joined {
        Joined::Not => format!("{node}: {subject}"),
        Joined::ByValue | Joined::ByRule => {
            let values = match group.joined {
                Joined::ByRule => ", with different values",
                _ => "",
            };
            let nodes = group.nodes();
            let on = match nodes {
                0 => "in the cluster".to_owned(),
                1 => format!("on 1 node ({node})"),
                _ => format!("on {nodes} nodes, such as {node}"),
            };
            format!("{} findings {on}{values}", group.findings)
        }
    };
    let horizon = finding.horizon;
    format!("{decided}{what} [{place}; {horizon}]")
}

fn actual(finding: &Finding) -> Vec<String> {
    let evidence = finding.evidence.iter();
    let said = evidence.map(|evidence| {
        let (what, place) = describe_evidence(evidence, finding.verdict);
        text::escape(format!("{what} {place}").trim_end())
    });
    said.collect()
}

fn describe(id: &str, seen: &Seen, prose: Option<&RuleProse>) -> Descriptor {
    let (text, markdown) = help(seen, prose);
    let full = prose.map(|prose| first_paragraph(&prose.description));
    let full = full.filter(|full| !full.is_empty());
    let full = full.unwrap_or_else(|| {
        let said = [seen.title.as_str(), seen.expected.as_str()];
        let said: Vec<&str> = said.into_iter().filter(|text| !text.is_empty()).collect();
        said.join("; ")
    });
    let references = prose.map(|prose| prose.references.as_slice());
    let addresses = references.unwrap_or_default().iter();
    let mut addresses = addresses.filter_map(|one| one.split_whitespace().next());
    let mut tags = vec!["security".to_owned(), "kubernetes".to_owned()];
    for control in &seen.controls {
        let tag = text::escape(&format!("{}:{}", control.framework, control.control));
        if tags.len() < MAX_TAGS && !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    Descriptor {
        id: text::escape(id),
        short_description: Message::cut(&seen.title, MAX_DESCRIPTION),
        full_description: Message::cut(&full, MAX_DESCRIPTION),
        help: Help { text, markdown },
        help_uri: addresses
            .find(|address| address.starts_with("https://"))
            .map(text::escape),
        default_configuration: Configuration {
            level: level(Verdict::Fail, seen.severity),
        },
        properties: RuleProperties {
            tags,
            // A verdict is what the component does, or it is unknown.
            precision: "very-high",
            security_severity: security_severity(seen.severity),
            severity: seen.severity,
            controls: seen.controls.clone(),
        },
    }
}

/// Returns what a rule says, as text and as Markdown. The pages are Markdown that reads as text.
fn help(seen: &Seen, prose: Option<&RuleProse>) -> (String, String) {
    let Some(prose) = prose else {
        // What a finding says may be foreign.
        let remediation: Vec<String> = seen.remediation.lines().map(text::escape).collect();
        let mut parts = vec![text::escape(&seen.title)];
        if !seen.expected.is_empty() {
            parts.push(format!("Expected: {}", text::escape(&seen.expected)));
        }
        parts.push(remediation.join("\n"));
        let text = parts.join("\n\n");
        let markdown = inert::block(&text);
        return (text, markdown);
    };
    let sections = [
        ("Description", &prose.description),
        ("Rationale", &prose.rationale),
        ("Remediation", &prose.remediation),
        ("Impact", &prose.impact),
    ];
    let mut text = String::new();
    let mut markdown = String::new();
    for (name, section) in sections {
        if !section.is_empty() {
            text.extend([name, "\n\n", section, "\n\n"]);
            markdown.extend(["## ", name, "\n\n", section, "\n\n"]);
        }
    }
    if !prose.references.is_empty() {
        let list: Vec<String> = prose
            .references
            .iter()
            .map(|one| format!("- {one}"))
            .collect();
        let list = list.join("\n");
        text.extend(["References\n\n", &list, "\n"]);
        markdown.extend(["## References\n\n", &list, "\n"]);
    }
    (text, markdown)
}

/// Returns the first paragraph as one line.
fn first_paragraph(markdown: &str) -> String {
    let lines = markdown.lines().take_while(|line| !line.trim().is_empty());
    let lines: Vec<&str> = lines.map(str::trim).collect();
    lines.join(" ")
}

fn plain(level: &'static str, text: &str) -> Notification {
    Notification {
        level,
        message: Message::of(text),
        properties: None,
    }
}
