//! A report as it comes: a header, nodes with their findings, an end.
//!
//! A scan of many nodes hands every finding to every format at once and keeps none, so that a format needs the memory
//! of what it shows and no more. A report that exists is fed in the same way.

use std::collections::BTreeMap;
use std::io::Write;

use jiff::Timestamp;
use kubeassay_core::report::{
    Cluster, Coverage, Finding, Gate, Joined, Node, Problem, Report, Rules, Scanned, Source,
    Summary, Tool,
};
use serde::{Deserialize, Serialize};

use crate::RenderError;

/// Writes a report in one format, piece by piece: [`header`](Self::header), any number of [`node`](Self::node)s, each
/// followed by its [`finding`](Self::finding)s, the findings that belong to no node, [`end`](Self::end).
///
/// The findings of a node stand together, sorted; which node comes first is not said. What was written before an error
/// is no report.
pub trait Render {
    /// Takes what is known before the first finding.
    ///
    /// # Errors
    ///
    /// When `out` does not take it.
    fn header(&mut self, header: &Header, out: &mut dyn Write) -> Result<(), RenderError>;

    /// Takes a node; its findings follow.
    ///
    /// # Errors
    ///
    /// When `out` does not take it.
    fn node(&mut self, node: &Node, out: &mut dyn Write) -> Result<(), RenderError>;

    /// Takes a finding.
    ///
    /// # Errors
    ///
    /// When `out` does not take it.
    fn finding(&mut self, finding: &Finding, out: &mut dyn Write) -> Result<(), RenderError>;

    /// Takes what is known at the end, and writes what is left to write.
    ///
    /// # Errors
    ///
    /// When `out` does not take it.
    fn end(&mut self, closing: &Closing, out: &mut dyn Write) -> Result<(), RenderError>;
}

/// What is known when a scan begins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// The schema of the report.
    pub schema: String,
    /// Who wrote it.
    pub tool: Tool,
    /// What is scanned.
    pub scanned: Scanning,
    /// The rules that are evaluated.
    pub rules: Rules,
}

/// What is scanned, as far as it is known when a scan begins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scanning {
    /// When the scan began.
    pub started: Timestamp,
    /// Where the facts come from.
    pub source: Source,
    /// The cluster, if it is asked.
    pub cluster: Option<Cluster>,
    /// The reports that this one is joined from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub joined: Vec<Joined>,
}

/// What is known when it has ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Closing {
    /// When the scan ended.
    pub finished: Timestamp,
    /// How many nodes were reached.
    pub coverage: Coverage,
    /// What could not be read or understood.
    pub problems: Vec<Problem>,
    /// How many findings there are of each verdict.
    pub summary: Summary,
    /// What the exit code is, and why.
    pub gate: Gate,
    /// Whether everything that was to be scanned was.
    pub complete: bool,
}

/// A report taken apart.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Parts {
    pub(crate) header: Header,
    pub(crate) nodes: Vec<Node>,
    pub(crate) findings: Vec<Finding>,
    pub(crate) closing: Closing,
}

impl Parts {
    /// Takes a report apart.
    pub(crate) fn of(report: Report) -> Self {
        // By name: a field that is added to the report must find its place.
        let Report {
            schema,
            tool,
            scanned,
            rules,
            findings,
            problems,
            summary,
            gate,
            complete,
        } = report;
        let Scanned {
            started,
            finished,
            source,
            cluster,
            joined,
            nodes,
            coverage,
        } = scanned;
        Self {
            header: Header {
                schema,
                tool,
                scanned: Scanning {
                    started,
                    source,
                    cluster,
                    joined,
                },
                rules,
            },
            nodes,
            findings,
            closing: Closing {
                finished,
                coverage,
                problems,
                summary,
                gate,
                complete,
            },
        }
    }

    /// Puts it together again, sorted as the schema promises.
    pub(crate) fn whole(self) -> Report {
        let Self {
            header,
            mut nodes,
            mut findings,
            closing,
        } = self;
        findings.sort_by(|one, other| place(one).cmp(&place(other)));
        // Nodes of a cluster come as they answer; in a document they stand where they stood last time.
        nodes.sort_by(|one, other| (&one.name, &one.id).cmp(&(&other.name, &other.id)));
        Report {
            schema: header.schema,
            tool: header.tool,
            scanned: Scanned {
                started: header.scanned.started,
                finished: closing.finished,
                source: header.scanned.source,
                cluster: header.scanned.cluster,
                joined: header.scanned.joined,
                nodes,
                coverage: closing.coverage,
            },
            rules: header.rules,
            findings,
            problems: closing.problems,
            summary: closing.summary,
            gate: closing.gate,
            complete: closing.complete,
        }
    }
}

/// The order of findings in a report.
fn place(finding: &Finding) -> impl Ord + '_ {
    (
        &finding.node,
        &finding.rule,
        &finding.subject.key,
        finding.horizon,
    )
}

/// Feeds a report that exists to a format.
///
/// # Errors
///
/// When `out` does not take it.
pub fn feed(report: &Report, to: &mut dyn Render, out: &mut dyn Write) -> Result<(), RenderError> {
    let Parts {
        header,
        nodes,
        findings,
        closing,
    } = Parts::of(report.clone());
    to.header(&header, out)?;
    let mut of_node: BTreeMap<Option<&str>, Vec<&Finding>> = BTreeMap::new();
    for finding in &findings {
        of_node
            .entry(finding.node.as_deref())
            .or_default()
            .push(finding);
    }
    for node in &nodes {
        to.node(node, out)?;
        for finding in of_node.remove(&Some(node.id.as_str())).unwrap_or_default() {
            to.finding(finding, out)?;
        }
    }
    // What belongs to no node of the report: objects of the cluster.
    for finding in of_node.into_values().flatten() {
        to.finding(finding, out)?;
    }
    to.end(&closing, out)
}

/// Keeps a report whole, for formats that show first what matters most: never one that a fleet is written in.
pub(crate) struct Whole<F> {
    header: Option<Header>,
    nodes: Vec<Node>,
    findings: Vec<Finding>,
    write: F,
}

impl<F: FnMut(&Report, &mut dyn Write) -> Result<(), RenderError>> Whole<F> {
    /// Returns what calls `write` with the report, sorted as the schema promises, once it is whole.
    pub(crate) const fn new(write: F) -> Self {
        Self {
            header: None,
            nodes: Vec::new(),
            findings: Vec::new(),
            write,
        }
    }
}

impl<F: FnMut(&Report, &mut dyn Write) -> Result<(), RenderError>> Render for Whole<F> {
    fn header(&mut self, header: &Header, _: &mut dyn Write) -> Result<(), RenderError> {
        self.header = Some(header.clone());
        Ok(())
    }

    fn node(&mut self, node: &Node, _: &mut dyn Write) -> Result<(), RenderError> {
        self.nodes.push(node.clone());
        Ok(())
    }

    fn finding(&mut self, finding: &Finding, _: &mut dyn Write) -> Result<(), RenderError> {
        self.findings.push(finding.clone());
        Ok(())
    }

    fn end(&mut self, closing: &Closing, out: &mut dyn Write) -> Result<(), RenderError> {
        let Some(header) = self.header.take() else {
            return Ok(());
        };
        let parts = Parts {
            header,
            nodes: std::mem::take(&mut self.nodes),
            findings: std::mem::take(&mut self.findings),
            closing: closing.clone(),
        };
        (self.write)(&parts.whole(), out)
    }
}
