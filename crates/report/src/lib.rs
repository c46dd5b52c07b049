//! Renders a report: table, wide, JSON, JSON lines, YAML, SARIF, `JUnit`, Markdown, CSV, objects of openreports.io; and what `explain`, `rules list`, `fix` and `transactions`
//! print.
//!
//! Everything here is a pure function of what it is given: no clock, no environment, no question to the
//! terminal (its width and whether it shows colour are given), so that a report taken on another machine
//! a year ago renders as it did then. Text that came from a host is escaped on its way out: by the page
//! for people, by the writers of JSON and YAML for machines (losslessly there).
//!
//! - [`stream`]: a report as it comes, piece by piece
//! - [`read`]: a report that exists
//! - [`baseline`]: what an earlier report knew
//! - [`join`]: several reports as one
//! - [`changes`]: what changed between two reports
//! - [`table`], [`json`], [`jsonl`], [`yaml`], [`sarif`], [`junit`], [`markdown`], [`csv`],
//!   [`openreports`]: one file per format
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
pub mod explain;
mod heading;
mod inert;
mod ink;
pub mod join;
pub mod json;
pub mod jsonl;
pub mod junit;
pub mod list;
pub mod markdown;
mod next;
mod open;
pub mod openreports;
mod page;
pub mod plan;
pub mod platforms;
pub mod prose;
pub mod read;
pub mod sarif;
pub mod stream;
pub mod table;
mod trace;
pub mod transaction;
pub mod waivers;
pub mod yaml;

pub use csv::Csv;
pub use describe::describe_origin;
pub use jsonl::JsonLines;
pub use junit::Junit;
pub use markdown::Markdown;
pub use openreports::OpenReports;
pub use prose::{Prose, RuleProse};
pub use sarif::Sarif;
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
    /// Objects of openreports.io, one for each node, of bounded size.
    OpenReports,
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
        Self::OpenReports,
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
            Self::OpenReports => "openreports",
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
            Self::OpenReports => &["openreports.yaml"],
        }
    }

    /// Returns whether it shows what the pages of rules say, beside the report.
    pub const fn shows_prose(self) -> bool {
        match self {
            Self::Sarif => true,
            Self::Table
            | Self::Wide
            | Self::Json
            | Self::Jsonl
            | Self::Yaml
            | Self::Junit
            | Self::Markdown
            | Self::Csv
            | Self::OpenReports => false,
        }
    }

    /// Returns whether it is laid out for people at a terminal.
    pub const fn is_for_people(self) -> bool {
        matches!(self, Self::Table | Self::Wide)
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
    /// It has no form in JSON.
    #[error("cannot serialize the output")]
    Serialize {
        /// What the serializer said.
        #[from]
        source: serde_json::Error,
    },
}

/// Returns what writes a report in `format`. `prose` is what the pages of its rules say; formats that
/// [show none](Format::shows_prose) do not look at it.
pub fn renderer(format: Format, style: Style, prose: &Prose) -> Box<dyn Render> {
    match format {
        Format::Table => Box::new(table::Lean::new(Whole::new(move |report, out| {
            table::write(report, table::Extent::Open, style, out)
        }))),
        Format::Wide => Box::new(Whole::new(move |report, out| {
            table::write(report, table::Extent::All, style, out)
        })),
        Format::Json => Box::new(Whole::new(|report, out| json::write(report, out))),
        Format::Jsonl => Box::new(JsonLines),
        Format::Yaml => Box::new(Whole::new(|report, out| yaml::write(report, out))),
        Format::Sarif => Box::new(Sarif::new(prose)),
        Format::Junit => Box::new(Junit::new()),
        Format::Markdown => Box::new(Markdown::new()),
        Format::Csv => Box::new(Csv::default()),
        Format::OpenReports => Box::new(OpenReports::default()),
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
