//! Renders a report: table, wide, JSON, JSON lines, YAML, SARIF, `JUnit`, Markdown, CSV, HTML, OSCAL, OCSF, Prometheus'
//! text; and what `explain`, `rules list`, `fix` and `transactions` print.
//!
//! Everything here is a pure function of what it is given: no clock, no environment, no question to the
//! terminal (its width and whether it shows colour are given), so that a report taken on another machine
//! a year ago renders as it did then. Text that came from a host is escaped on its way out: by the page
//! for people, by the writers of JSON and YAML for machines (losslessly there).
//!
//! - [`stream`]: a report as it comes, piece by piece
//! - [`spool`]: where findings wait that have no place in their document yet
//! - [`read`]: a report that exists
//! - [`baseline`]: what an earlier report knew
//! - [`join`]: several reports as one
//! - [`changes`]: what changed between two reports
//! - [`table`], [`json`], [`jsonl`], [`yaml`], [`sarif`], [`junit`], [`markdown`], [`csv`], [`html`], [`oscal`],
//!   [`ocsf`], [`prometheus`]: one file per format
//! - [`prose`]: what the pages of rules say, which is not in the report
//! - [`explain`]: how a setting came to its value, layer by layer
//! - [`list`]: the rules as a list
//! - [`plan`]: what a fix would do
//! - [`transaction`]: what a fix did
//! - [`waivers`]: accepted deviations: read, applied, checked, written
//! - [`describe`]: origins, subjects and controls in words

use std::fmt;
use std::io::{self, Write};

use kubeassay_core::report::Report;
use thiserror::Error;

pub mod baseline;
pub mod changes;
pub mod coverage;
pub mod csv;
pub mod describe;
mod diff;
mod document;
pub mod explain;
mod heading;
pub mod html;
mod inert;
mod ink;
pub mod join;
pub mod json;
pub mod jsonl;
pub mod junit;
pub mod list;
pub mod markdown;
mod next;
pub mod ocsf;
mod open;
pub mod oscal;
mod page;
pub mod plan;
pub mod platforms;
pub mod prometheus;
pub mod prose;
pub mod read;
pub mod sarif;
pub mod spool;
pub mod stream;
pub mod table;
mod trace;
pub mod transaction;
pub mod waivers;
pub mod yaml;

pub use csv::Csv;
pub use describe::describe_origin;
use document::{Document, Notation};
pub use html::Html;
pub use jsonl::JsonLines;
pub use junit::Junit;
pub use markdown::Markdown;
pub use ocsf::Ocsf;
pub use oscal::Oscal;
pub use prometheus::Prometheus;
pub use prose::{Prose, RuleProse};
pub use sarif::Sarif;
pub use spool::Room;
pub use stream::Render;
use stream::Whole;

/// A format of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people: failures and unknowns, why, where, what next.
    Table,
    /// For people: every finding with its evidence.
    Wide,
    /// One document.
    Json,
    /// One line per finding, between a header and a last line.
    Jsonl,
    /// The document of [`Format::Json`], as YAML.
    Yaml,
    /// SARIF 2.1.0: what needs action, for code scanning.
    Sarif,
    /// `JUnit` XML: a test case for each finding.
    Junit,
    /// Markdown, short enough for a comment on a pull request.
    Markdown,
    /// CSV: a line for each finding.
    Csv,
    /// HTML: one file with everything, for people who keep it.
    Html,
    /// OSCAL assessment results.
    Oscal,
    /// OCSF Compliance Findings: an event for each finding, as JSON lines.
    Ocsf,
    /// Prometheus' text format: numbers, for the node exporter's textfile folder.
    Prometheus,
}

impl Format {
    /// Every format.
    pub const ALL: &[Self] = &[
        Self::Table,
        Self::Wide,
        Self::Json,
        Self::Jsonl,
        Self::Yaml,
        Self::Sarif,
        Self::Junit,
        Self::Markdown,
        Self::Csv,
        Self::Html,
        Self::Oscal,
        Self::Ocsf,
        Self::Prometheus,
    ];

    /// Returns the word that `-o` takes.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Wide => "wide",
            Self::Json => "json",
            Self::Jsonl => "jsonl",
            Self::Yaml => "yaml",
            Self::Sarif => "sarif",
            Self::Junit => "junit",
            Self::Markdown => "markdown",
            Self::Csv => "csv",
            Self::Html => "html",
            Self::Oscal => "oscal",
            Self::Ocsf => "ocsf",
            Self::Prometheus => "prometheus",
        }
    }

    /// Returns the format of this word.
    pub fn named(word: &str) -> Option<Self> {
        let mut all = Self::ALL.iter();
        all.find(|format| format.as_str() == word).copied()
    }

    /// Returns the extensions of files that tell this format, without the dot.
    pub const fn extensions(self) -> &'static [&'static str] {
        match self {
            Self::Table => &["txt"],
            // That of a table.
            Self::Wide => &[],
            Self::Json => &["json"],
            Self::Jsonl => &["jsonl", "ndjson"],
            Self::Yaml => &["yaml", "yml"],
            Self::Sarif => &["sarif"],
            Self::Junit => &["xml"],
            Self::Markdown => &["md"],
            Self::Csv => &["csv"],
            Self::Html => &["html"],
            Self::Oscal => &["oscal.json"],
            Self::Ocsf => &["ocsf.json"],
            Self::Prometheus => &["prom"],
        }
    }

    /// Returns whether it shows what the pages of rules say, beside the report.
    pub const fn shows_prose(self) -> bool {
        match self {
            Self::Sarif | Self::Html => true,
            Self::Table
            | Self::Wide
            | Self::Json
            | Self::Jsonl
            | Self::Yaml
            | Self::Junit
            | Self::Markdown
            | Self::Csv
            | Self::Oscal
            | Self::Ocsf
            | Self::Prometheus => false,
        }
    }

    /// Returns whether it is laid out for people at a terminal.
    pub const fn is_for_people(self) -> bool {
        matches!(self, Self::Table | Self::Wide)
    }

    /// Returns whether another user of the machine is to read its file: the node exporter runs as its own. What is in such
    /// a file are numbers, which whoever scrapes gets to see.
    pub const fn is_for_everybody(self) -> bool {
        matches!(self, Self::Prometheus)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What the reader's terminal can show. Says nothing to the formats for machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Columns.
    pub width: usize,
    /// Whether to colour. The words are the same without.
    pub colour: bool,
}

/// Why a report could not be rendered.
#[derive(Debug, Error)]
pub enum RenderError {
    /// The output did not take it.
    #[error("cannot write the output")]
    Write {
        /// What the output said.
        #[from]
        source: io::Error,
    },
    /// What waits for its place in the document could not be kept.
    #[error("cannot keep the findings in a temporary file")]
    Keep {
        /// What the file said.
        source: io::Error,
    },
    /// It has no form in JSON.
    #[error("cannot serialize the output")]
    Serialize {
        /// What the serializer said.
        #[from]
        source: serde_json::Error,
    },
}

/// Returns what writes a report in `format`. `prose` is what the pages of its rules say; formats that
/// [show none](Format::shows_prose) do not look at it. A document of JSON or YAML is held in memory.
pub fn renderer(format: Format, style: Style, prose: &Prose) -> Box<dyn Render> {
    renderer_within(format, style, prose, Room::MEMORY)
}

/// As [`renderer`]; findings that wait for their place in a document wait in `room`.
pub fn renderer_within(format: Format, style: Style, prose: &Prose, room: Room) -> Box<dyn Render> {
    match format {
        Format::Table => Box::new(table::Lean::new(style)),
        Format::Wide => Box::new(Whole::new(move |report, out| {
            table::write(report, table::Extent::All, style, out)
        })),
        Format::Json => Box::new(Document::new(Notation::Json, room)),
        Format::Jsonl => Box::new(JsonLines),
        Format::Yaml => Box::new(Document::new(Notation::Yaml, room)),
        Format::Sarif => Box::new(Sarif::new(prose)),
        Format::Junit => Box::new(Junit::new()),
        Format::Markdown => Box::new(Markdown::new()),
        Format::Csv => Box::new(Csv::default()),
        Format::Html => Box::new(Html::new(prose)),
        Format::Oscal => Box::new(Oscal::default()),
        Format::Ocsf => Box::new(Ocsf::default()),
        Format::Prometheus => Box::new(Prometheus::default()),
    }
}

/// Writes `report` to `out`.
///
/// # Errors
///
/// When `out` does not take it.
pub fn render(
    report: &Report,
    format: Format,
    style: Style,
    prose: &Prose,
    out: &mut dyn Write,
) -> Result<(), RenderError> {
    stream::feed(report, &mut *renderer(format, style, prose), out)
}
