//! A report as one document, JSON or YAML: what [`json::write`] and [`yaml::write`] would make of the whole of it, byte
//! by byte, with its findings [waiting](crate::spool) outside of memory until it is known what stands before them.

use std::io::{BufWriter, Write};

use kubeassay_core::report::{Finding, Gate, Node, Problem, Report, Rules, Scanned, Summary, Tool};
use serde::Serialize;

use crate::spool::{Room, Spool};
use crate::stream::{Closing, Header, Parts, Render};
use crate::{RenderError, json, yaml};

/// How a document is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Notation {
    Json,
    Yaml,
}

/// Writes a report as one document.
pub(crate) struct Document {
    notation: Notation,
    header: Option<Header>,
    nodes: Vec<Node>,
    findings: Spool,
}

/// What stands before the findings, as [`Report`] has it.
#[derive(Serialize)]
struct Before<'a> {
    schema: &'a str,
    tool: &'a Tool,
    scanned: &'a Scanned,
    rules: &'a Rules,
}

/// What stands behind them.
#[derive(Serialize)]
struct Behind<'a> {
    problems: &'a [Problem],
    summary: &'a Summary,
    gate: &'a Gate,
    complete: bool,
}

impl Document {
    pub(crate) const fn new(notation: Notation, room: Room) -> Self {
        Self {
            notation,
            header: None,
            nodes: Vec::new(),
            findings: Spool::new(room),
        }
    }

    fn write(
        self,
        header: Header,
        closing: Closing,
        out: &mut dyn Write,
    ) -> Result<(), RenderError> {
        let Self {
            notation,
            nodes,
            findings,
            ..
        } = self;
        let parts = Parts {
            header,
            nodes,
            findings: Vec::new(),
            closing,
        };
        // By name: a field that is added to the report must find its place.
        let Report {
            schema,
            tool,
            scanned,
            rules,
            findings: _,
            problems,
            summary,
            gate,
            complete,
        } = parts.whole();
        let before = Before {
            schema: &schema,
            tool: &tool,
            scanned: &scanned,
            rules: &rules,
        };
        let behind = Behind {
            problems: &problems,
            summary: &summary,
            gate: &gate,
            complete,
        };
        notation.write_list(
            &before,
            "findings",
            &behind,
            |take| findings.each(take),
            out,
        )
    }
}

/// Takes the text of one item of a list after the other.
type Take<'a> = dyn FnMut(&[u8]) -> Result<(), RenderError> + 'a;

impl Notation {
    /// Returns an item as it stands in the list of them.
    pub(crate) fn item<T: Serialize>(self, item: &T) -> Result<Vec<u8>, RenderError> {
        match self {
            Self::Json => {
                let text = json::indented(item)?;
                Ok(text.replace('\n', "\n    ").into_bytes())
            }
            Self::Yaml => yaml::emitted(&[item]),
        }
    }

    /// Writes a document: the fields of `before`, the list `name` whose [items](Self::item) `each` hands on, and the fields
    /// of `behind`.
    pub(crate) fn write_list<B: Serialize, E: Serialize>(
        self,
        before: &B,
        name: &str,
        behind: &E,
        each: impl FnOnce(&mut Take<'_>) -> Result<(), RenderError>,
        out: &mut dyn Write,
    ) -> Result<(), RenderError> {
        match self {
            Self::Json => {
                let text = json::indented(before)?;
                let open = text.strip_suffix("\n}").unwrap_or_default();
                write!(out, "{open},\n  \"{name}\": [")?;
                let mut next = "\n    ";
                each(&mut |text| {
                    out.write_all(next.as_bytes())?;
                    out.write_all(text)?;
                    next = ",\n    ";
                    Ok(())
                })?;
                let text = json::indented(behind)?;
                let rest = text.strip_prefix('{').unwrap_or_default();
                let close = if next.starts_with(',') { "\n  ]" } else { "]" };
                writeln!(out, "{close},{rest}")?;
                Ok(())
            }
            Self::Yaml => {
                yaml::write(before, out)?;
                write!(out, "{name}:")?;
                let mut next = "\n";
                each(&mut |text| {
                    out.write_all(next.as_bytes())?;
                    out.write_all(text)?;
                    next = "";
                    Ok(())
                })?;
                if !next.is_empty() {
                    out.write_all(b" []\n")?;
                }
                yaml::write(behind, out)
            }
        }
    }
}

impl Render for Document {
    fn header(&mut self, header: &Header, _: &mut dyn Write) -> Result<(), RenderError> {
        self.header = Some(header.clone());
        Ok(())
    }

    fn node(&mut self, node: &Node, _: &mut dyn Write) -> Result<(), RenderError> {
        self.nodes.push(node.clone());
        Ok(())
    }

    fn finding(&mut self, finding: &Finding, _: &mut dyn Write) -> Result<(), RenderError> {
        let text = self.notation.item(finding)?;
        self.findings.push(finding, &text)
    }

    fn end(&mut self, closing: &Closing, out: &mut dyn Write) -> Result<(), RenderError> {
        let Some(header) = self.header.take() else {
            return Ok(());
        };
        let whole = Self {
            notation: self.notation,
            header: None,
            nodes: std::mem::take(&mut self.nodes),
            findings: std::mem::replace(&mut self.findings, Spool::new(Room::MEMORY)),
        };
        // What is written on a terminal's own stream goes out with every line.
        let mut out = BufWriter::with_capacity(64 << 10, out);
        whole.write(header, closing.clone(), &mut out)?;
        out.flush()?;
        Ok(())
    }
}
