//! JSON lines: a header, a line for each node and behind it one for each of its findings, a last line.
//!
//! A scan of many nodes writes them as they come, so the header holds only what is known before the first
//! of them and the last line the rest: what was counted, what could not be read, how it ended. The findings
//! of a node stand together, sorted; which node comes first is not said. A file without its last line was
//! cut off, and is read as incomplete.

use std::collections::BTreeMap;
use std::io::Write;

use jiff::Timestamp;
use kubeassay_core::report::{
    Cluster, Coverage, Finding, Gate, Node, Problem, Report, Rules, Scanned, Source, Summary, Tool,
};
use serde::Serialize;

use crate::RenderError;
use crate::json::write_line;

/// Writes a report line by line: [`header`](Self::header), any number of [`node`](Self::node)s with their
/// [`finding`](Self::finding)s, [`finish`](Self::finish).
pub struct JsonLines<W> {
    out: W,
}

impl<W: Write> JsonLines<W> {
    /// Writes the first line: what is known before the first finding.
    ///
    /// # Errors
    ///
    /// When `out` does not take it.
    pub fn header(header: &Header<'_>, mut out: W) -> Result<Self, RenderError> {
        write_line(&Line::Header(header), &mut out)?;
        Ok(Self { out })
    }

    /// Writes one node; its findings follow.
    ///
    /// # Errors
    ///
    /// When the output does not take it.
    pub fn node(&mut self, node: &Node) -> Result<(), RenderError> {
        write_line(&Line::Node(node), &mut self.out)
    }

    /// Writes one finding.
    ///
    /// # Errors
    ///
    /// When the output does not take it.
    pub fn finding(&mut self, finding: &Finding) -> Result<(), RenderError> {
        write_line(&Line::Finding(finding), &mut self.out)
    }

    /// Returns where the lines go.
    pub const fn output(&self) -> &W {
        &self.out
    }

    /// Writes the last line, and returns where the lines went.
    ///
    /// # Errors
    ///
    /// When the output does not take it.
    pub fn finish(mut self, ending: &Ending<'_>) -> Result<W, RenderError> {
        write_line(&Line::Summary(ending), &mut self.out)?;
        self.out.flush()?;
        Ok(self.out)
    }
}

/// The first line.
#[derive(Clone, Debug, Serialize)]
pub struct Header<'a> {
    /// The schema of the report.
    pub schema: &'a str,
    /// Who wrote it.
    pub tool: &'a Tool,
    /// What is scanned.
    pub scanned: Scanning<'a>,
    /// The rules that are evaluated.
    pub rules: &'a Rules,
}

/// What is scanned, as far as it is known when a scan begins.
#[derive(Clone, Debug, Serialize)]
pub struct Scanning<'a> {
    /// When the scan began.
    pub started: Timestamp,
    /// Where the facts come from.
    pub source: Source,
    /// The cluster, if it is asked.
    pub cluster: Option<&'a Cluster>,
}

/// The last line.
#[derive(Clone, Debug, Serialize)]
pub struct Ending<'a> {
    /// When the scan ended.
    pub finished: Timestamp,
    /// How many nodes were reached.
    pub coverage: Coverage,
    /// What could not be read or understood.
    pub problems: &'a [Problem],
    /// How many findings there are of each verdict.
    pub summary: Summary,
    /// What the exit code is, and why.
    pub gate: &'a Gate,
    /// Whether everything that was to be scanned was.
    pub complete: bool,
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum Line<'a> {
    Header(&'a Header<'a>),
    Node(&'a Node),
    Finding(&'a Finding),
    Summary(&'a Ending<'a>),
}

/// Writes a whole report.
///
/// # Errors
///
/// When `out` does not take it.
pub fn write(report: &Report, out: &mut dyn Write) -> Result<(), RenderError> {
    // Taken apart by name: a field that is added to the report must find its line.
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
        nodes,
        coverage,
    } = scanned;
    let header = Header {
        schema,
        tool,
        scanned: Scanning {
            started: *started,
            source: *source,
            cluster: cluster.as_ref(),
        },
        rules,
    };
    let mut lines = JsonLines::header(&header, out)?;
    let mut of_node: BTreeMap<Option<&str>, Vec<&Finding>> = BTreeMap::new();
    for finding in findings {
        of_node
            .entry(finding.node.as_deref())
            .or_default()
            .push(finding);
    }
    for node in nodes {
        lines.node(node)?;
        for finding in of_node.remove(&Some(node.id.as_str())).unwrap_or_default() {
            lines.finding(finding)?;
        }
    }
    // What belongs to no node of the report: objects of the cluster.
    for finding in of_node.into_values().flatten() {
        lines.finding(finding)?;
    }
    lines.finish(&Ending {
        finished: *finished,
        coverage: *coverage,
        problems,
        summary: *summary,
        gate,
        complete: *complete,
    })?;
    Ok(())
}
