//! Reports that exist.

use std::path::{Path, PathBuf};

use clap::Args;
use kubeassay_report::changes::ChangesFormat;

use super::{BaselineArgs, CatalogueArgs, GateArgs, OutputArgs, SiteArgs};

pub(super) const RENDER_HELP: &str = "\
Examples:
  kubeassay render report.json                          as a table
  kubeassay render report.jsonl -o report.json          one format as another
  kubeassay render node-*.json -o fleet.json            several reports as one; the later scan of a node counts
  kubeassay render report.json --baseline old.json --fail-on-new   the gate again, for what is new
  ssh node kubeassay scan -o jsonl | kubeassay render - from stdin

Exit codes: those of kubeassay scan, worked out anew for what is rendered
";

/// `kubeassay render`.
#[derive(Args, Debug)]
pub(crate) struct Render {
    /// Reports as JSON, JSON lines or YAML; - for stdin
    #[arg(value_name = "REPORT", required = true)]
    pub(crate) reports: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) catalogue: CatalogueArgs,
    /// Count kubelets that run inside a workload as if they were the node's
    #[arg(long)]
    pub(crate) include_pods: bool,
    #[command(flatten)]
    pub(crate) gate: GateArgs,
    #[command(flatten)]
    pub(crate) baseline: BaselineArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

pub(super) const DIFF_HELP: &str = "\
Examples:
  kubeassay diff old.json new.json                      what is new, fixed, changed, or no longer seen
  kubeassay diff old.json new.json --detailed-exitcode  exit 2 where something changed
  kubeassay diff monday/ today/ -o markdown             facts, judged by the same rules first
  kubeassay diff old.jsonl new.jsonl -o table -o json=changes.json

Exit codes:
  0  compared; with --detailed-exitcode: nothing changed
  2  with --detailed-exitcode: something changed
  64 usage: a flag or file that cannot be used
  70 internal error
";

/// `kubeassay diff`.
#[derive(Args, Debug)]
pub(crate) struct Diff {
    /// What was before: a report, facts, or a folder of facts; - for a report on stdin
    #[arg(value_name = "OLD")]
    pub(crate) old: PathBuf,
    /// What is now
    #[arg(value_name = "NEW")]
    pub(crate) new: PathBuf,
    #[command(flatten)]
    pub(crate) catalogue: CatalogueArgs,
    #[command(flatten)]
    pub(crate) site: SiteArgs,
    /// Exit 2 where something changed, 0 where nothing did
    #[arg(long)]
    pub(crate) detailed_exitcode: bool,
    /// Format (table, wide, json, jsonl, yaml, markdown), with the file it goes to if that is not stdout; a file alone tells its format by its extension. May be given several times
    #[arg(short, long, alias = "format", value_name = "FORMAT[=FILE]", value_parser = wanted)]
    pub(crate) output: Vec<(ChangesFormat, Option<PathBuf>)>,
}

/// Reads a format, a format with a file, or a file that tells its format.
fn wanted(text: &str) -> Result<(ChangesFormat, Option<PathBuf>), String> {
    let named = |word: &str| {
        let mut all = ChangesFormat::ALL.iter();
        all.find(|format| format.as_str() == word).copied()
    };
    if let Some(format) = named(text) {
        return Ok((format, None));
    }
    if let Some((word, file)) = text.split_once('=')
        && let Some(format) = named(word)
    {
        if file.is_empty() {
            return Err(format!("name the file: {word}=FILE"));
        }
        return Ok((format, (file != "-").then(|| PathBuf::from(file))));
    }
    let extension = Path::new(text).extension().unwrap_or_default();
    let mut all = ChangesFormat::ALL.iter();
    let told = all.find(|format| format.extensions().iter().any(|one| extension == *one));
    told.map(|format| (*format, Some(PathBuf::from(text))))
        .ok_or_else(|| {
            let all: Vec<&str> = ChangesFormat::ALL.iter().map(|one| one.as_str()).collect();
            format!(
                "{text:?} is no format of what changed; those are {}",
                all.join(", ")
            )
        })
}
