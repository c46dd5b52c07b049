//! Where judged nodes go: line by line as they come, or together into one report.

use jiff::Timestamp;
use kubeassay_core::report::{Gate, Problem};
use kubeassay_engine::{Ending, Judged, JudgedNode, Options};
use kubeassay_report::jsonl::{self, Header, JsonLines, Scanning};
use kubeassay_report::{Format, Style, render};

use crate::output::{Destination, Output};

/// Takes one judged node after the other.
pub(crate) enum Sink {
    /// Written at once, and forgotten.
    Lines {
        /// Where to.
        lines: Box<JsonLines<Output>>,
        /// What could not be read or understood, which is said at the end.
        problems: Vec<Problem>,
    },
    /// Kept, since other formats show first what matters most.
    Whole {
        /// What was found so far.
        judged: Judged,
        /// As what it will be written.
        format: Format,
        /// How it will look.
        style: Style,
        /// Where to.
        destination: Destination,
    },
}

impl Sink {
    /// Begins a report.
    ///
    /// # Errors
    ///
    /// Where the output takes nothing.
    pub(crate) fn begin(
        format: Format,
        style: Style,
        destination: Destination,
        options: &Options,
    ) -> anyhow::Result<Self> {
        if format != Format::Jsonl {
            return Ok(Self::Whole {
                judged: Judged::default(),
                format,
                style,
                destination,
            });
        }
        let header = Header {
            schema: kubeassay_core::report::SCHEMA,
            tool: &options.tool,
            scanned: Scanning {
                started: options.started,
                source: options.source,
                cluster: options.cluster.as_ref(),
            },
            rules: &options.rules,
        };
        Ok(Self::Lines {
            lines: Box::new(JsonLines::header(&header, destination.open()?)?),
            problems: options.problems.clone(),
        })
    }

    /// Takes what was found on a node, or on the cluster as a whole.
    ///
    /// # Errors
    ///
    /// Where the output does not take it.
    pub(crate) fn add(&mut self, node: JudgedNode) -> anyhow::Result<()> {
        match self {
            Self::Whole { judged, .. } => judged.add(node),
            Self::Lines { lines, problems } => {
                if let Some(node) = &node.node {
                    lines.node(node)?;
                }
                for finding in &node.findings {
                    lines.finding(finding)?;
                }
                problems.extend(node.problems);
            }
        }
        Ok(())
    }

    /// Returns whether nobody reads any more what is written.
    pub(crate) fn is_closed(&self) -> bool {
        match self {
            Self::Whole { .. } => false,
            Self::Lines { lines, .. } => lines.output().nobody_reads(),
        }
    }

    /// Ends the report, which ended at `finished`, and returns its gate.
    ///
    /// # Errors
    ///
    /// Where the output does not take it.
    pub(crate) fn finish(
        self,
        ending: Ending,
        options: &Options,
        finished: Timestamp,
    ) -> anyhow::Result<Gate> {
        let gate = ending.gate.clone();
        match self {
            Self::Whole {
                judged,
                format,
                style,
                destination,
            } => {
                let report = judged.report(ending, options, finished);
                let mut data = Vec::new();
                render(&report, format, style, &mut data)?;
                destination.write(&data)?;
            }
            Self::Lines { lines, problems } => {
                let last = jsonl::Ending {
                    finished,
                    coverage: ending.coverage,
                    problems: &problems,
                    summary: ending.summary,
                    gate: &ending.gate,
                    complete: ending.complete,
                };
                lines.finish(&last)?.finish()?;
            }
        }
        Ok(gate)
    }
}
