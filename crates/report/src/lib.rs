//! Renders a report: table, wide, JSON, JSON lines, YAML; and what `explain`, `rules list`, `fix` and `transactions`
//! print.
//!
//! Everything here is a pure function of what it is given: no clock, no environment, no question to the
//! terminal (its width and whether it shows colour are given), so that a report taken on another machine
//! a year ago renders as it did then. Text that came from a host is escaped on its way out: by the page
//! for people, by the writers of JSON and YAML for machines (losslessly there).
//!
//! - [`table`], [`json`], [`jsonl`], [`yaml`]: one file per format
//! - [`explain`]: how a setting came to its value, layer by layer
//! - [`list`]: the rules as a list
//! - [`plan`]: what a fix would do
//! - [`transaction`]: what a fix did
//! - [`describe`]: origins, subjects and controls in words

use std::borrow::Cow;
use std::io::{self, Write};

use kubeassay_core::report::{Finding, Report};
use thiserror::Error;

pub mod coverage;
pub mod describe;
mod diff;
pub mod explain;
mod ink;
pub mod json;
pub mod jsonl;
pub mod list;
mod next;
mod page;
pub mod plan;
pub mod platforms;
pub mod table;
pub mod transaction;
pub mod yaml;

pub use describe::describe_origin;
pub use jsonl::JsonLines;

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
}

impl Format {
    /// Every format.
    pub const ALL: &[Self] = &[Self::Table, Self::Wide, Self::Json, Self::Jsonl, Self::Yaml];

    /// Returns the word that `-o` takes.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Wide => "wide",
            Self::Json => "json",
            Self::Jsonl => "jsonl",
            Self::Yaml => "yaml",
        }
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

/// Writes `report` to `out`.
///
/// # Errors
///
/// When `out` does not take it.
pub fn render(
    report: &Report,
    format: Format,
    style: Style,
    out: &mut dyn Write,
) -> Result<(), RenderError> {
    let report = sorted(report);
    match format {
        Format::Table => table::write(&report, table::Extent::Open, style, out),
        Format::Wide => table::write(&report, table::Extent::All, style, out),
        Format::Json => json::write(report.as_ref(), out),
        Format::Jsonl => jsonl::write(&report, out),
        Format::Yaml => yaml::write(report.as_ref(), out),
    }
}

/// Returns the report with its findings in the order that the schema promises.
fn sorted(report: &Report) -> Cow<'_, Report> {
    if report
        .findings
        .is_sorted_by(|before, after| order(before) <= order(after))
    {
        return Cow::Borrowed(report);
    }
    let mut report = report.clone();
    report
        .findings
        .sort_by(|before, after| order(before).cmp(&order(after)));
    Cow::Owned(report)
}

fn order(finding: &Finding) -> impl Ord + '_ {
    (
        &finding.node,
        &finding.rule,
        &finding.subject.key,
        finding.horizon,
    )
}
