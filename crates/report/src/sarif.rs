//! SARIF 2.1.0, as GitHub's code scanning takes it: what needs action, with the file and line to change.
//!
//! It holds findings that fail or are unknown and are not accepted, each as one result; where there would be more than
//! [`MAX_RESULTS`], of which code scanning shows no more, findings of one rule with the same value are one result that
//! says how many nodes it stands for. What goes where: docs/formats.md. Limits and required properties: GitHub's page
//! "SARIF support for code scanning".

pub(crate) mod document;
mod location;
pub(crate) mod result;
pub(crate) mod rules;

use std::collections::BTreeMap;
use std::io::Write;

use kubeassay_core::report::{self, Finding, Node, NodeStatus, Problem};
use kubeassay_core::text;

use crate::describe::status_words;
use crate::open::{Gathered, Group, Joined, Open};
use crate::stream::{Closing, Header, Render, Scanning};
use crate::{Prose, RenderError, heading, json};
use document::{
    AutomationDetails, Base, Descriptor, Driver, Invocation, Log, Message, Notification,
    NotificationProperties, Run, RunProperties, SarifResult, Tool,
};
use rules::Rules;

/// Code scanning shows so many results of a run.
pub const MAX_RESULTS: usize = 5_000;
/// So many problems are told one by one.
const MAX_PROBLEMS: usize = 1_000;
/// So many nodes that were not scanned whole are named.
const MAX_MISSED: usize = 20;

/// Writes a report as SARIF, once it is whole.
#[derive(Debug)]
pub struct Sarif {
    prose: Prose,
    header: Option<Header>,
    /// Names of nodes by their ids.
    names: BTreeMap<String, String>,
    /// Nodes that were not scanned whole: the first of them, and how many.
    missed: (Vec<String>, usize),
    rules: Rules,
    open: Open,
}

impl Sarif {
    /// Returns what writes the rules' prose as their help.
    pub fn new(prose: &Prose) -> Self {
        Self {
            prose: prose.clone(),
            header: None,
            names: BTreeMap::new(),
            missed: (Vec::new(), 0),
            rules: Rules::default(),
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
            if names.len() < MAX_MISSED {
                let status = status_words(node.status);
                names.push(format!("{} ({status})", text::escape(&node.name)));
            }
        }
        Ok(())
    }

    fn finding(&mut self, finding: &Finding, _: &mut dyn Write) -> Result<(), RenderError> {
        self.rules.see(finding);
        self.open.add(finding);
        Ok(())
    }

    fn end(&mut self, closing: &Closing, out: &mut dyn Write) -> Result<(), RenderError> {
        let Some(header) = self.header.take() else {
            return Ok(());
        };
        let open = std::mem::replace(&mut self.open, Open::new(MAX_RESULTS, Joined::Not));
        let Gathered { groups, beyond } = open.end(&closing.summary);
        let places = self.rules.places();
        let results = groups
            .iter()
            .map(|group| result::of_group(group, &places, |id| self.name(id)));
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
        let log = Log::of(Run {
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
            tool: tool_with(tool, self.rules.described(&self.prose)),
            invocations: [Invocation {
                execution_successful: closing.complete,
                exit_code: Some(closing.gate.exit_code),
                exit_code_description: Some(text::escape(&closing.gate.reason)),
                start_time_utc: started,
                end_time_utc: closing.finished,
                tool_execution_notifications: notifications,
            }],
            original_uri_base_ids: bases(),
            column_kind: "unicodeCodePoints",
            results,
        });
        json::write(&log, out)?;
        out.flush()?;
        Ok(())
    }
}

/// Returns who wrote it, with the rules.
pub(crate) fn tool_with(tool: report::Tool, rules: Vec<Descriptor>) -> Tool {
    Tool {
        driver: Driver {
            name: tool.name,
            semantic_version: is_semantic(&tool.version).then(|| tool.version.clone()),
            version: tool.version,
            rules,
        },
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

/// Returns what paths are relative to.
pub(crate) fn bases() -> BTreeMap<&'static str, Base> {
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

/// Returns a notification that says no more than this.
pub(crate) fn plain(level: &'static str, text: &str) -> Notification {
    Notification {
        level,
        message: Message::of(text),
        properties: None,
    }
}
