//! What becomes of findings: formats, files, and the gate.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::Args;
use kubeassay_core::report::{FailOn, MaxUnknown, Percent};
use kubeassay_report::Format;

/// The heading of what concerns the exit code.
const GATE: &str = "The exit code";

/// Where a report goes, and in which formats.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct OutputArgs {
    #[arg(short, long, alias = "format", help = of_output(), value_name = "FORMAT[=FILE]", value_parser = Wanted::from_str)]
    pub(crate) output: Vec<Wanted>,
    /// Write to this file instead of stdout
    #[arg(long, value_name = "FILE")]
    pub(crate) output_file: Option<PathBuf>,
}

/// Who answers for a report.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct SignArgs {
    /// Sign what every file of the report holds with this key (Ed25519, PKCS#8 in PEM), into FILE.dsse.json beside it; kubeassay verify checks it. What is rendered is signed where the same key signed all that it is rendered from
    #[arg(long, value_name = "KEY")]
    pub(crate) sign: Option<PathBuf>,
}

/// When the exit code is not 0.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct GateArgs {
    /// Which findings move the exit code: never, or fail, unknown or manual with the least severity that counts (fail:high,unknown:critical); unknown brings fail, and is the default
    #[arg(long, help_heading = GATE, value_name = "WHEN", value_parser = FailOn::from_str)]
    pub(crate) fail_on: Option<FailOn>,
    /// Exit 2 unless so many of the nodes were scanned whole (100%, 97.5%)
    #[arg(long, help_heading = GATE, value_name = "PERCENT")]
    pub(crate) min_coverage: Option<Percent>,
    /// Exit 2 if more findings are unknown than this (5, 2.5%), and only then
    #[arg(long, help_heading = GATE, value_name = "NUMBER|PERCENT", value_parser = MaxUnknown::from_str)]
    pub(crate) max_unknown: Option<MaxUnknown>,
}

/// What is known already.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct BaselineArgs {
    /// Say of each finding that needs action whether this earlier report has it (JSON, JSON lines or YAML): new, changed, unchanged
    #[arg(long, help_heading = GATE, value_name = "REPORT")]
    pub(crate) baseline: Option<PathBuf>,
    /// Only what is new or changed against the baseline moves the exit code
    #[arg(long, help_heading = GATE)]
    pub(crate) fail_on_new: bool,
}

/// A format that is wanted, and where to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// The format.
    pub(crate) format: Format,
    /// The file; stdout without one.
    pub(crate) file: Option<PathBuf>,
}

impl FromStr for Wanted {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some((word, file)) = text.split_once('=') {
            let format = Format::named(word).ok_or_else(|| no_format(word))?;
            if file.is_empty() {
                return Err(format!("name the file: {word}=FILE"));
            }
            let file = (file != "-").then(|| PathBuf::from(file));
            return Ok(Self { format, file });
        }
        if let Some(format) = Format::named(text) {
            return Ok(Self { format, file: None });
        }
        let file = Path::new(text);
        if file.extension().is_none() && !text.contains('/') {
            return Err(no_format(text));
        }
        Ok(Self {
            format: of_file(file)?,
            file: Some(file.to_owned()),
        })
    }
}

/// Returns the format that the extension of a file tells.
///
/// # Errors
///
/// Where it tells none, with the list of those that do.
pub(crate) fn of_file(file: &Path) -> Result<Format, String> {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let known = Format::ALL.iter().flat_map(|format| {
        let of_format = format.extensions().iter();
        of_format.map(|extension| (*extension, *format))
    });
    // Of `oscal.json` and `json` the longer one tells more.
    let told = known
        .filter(|(extension, _)| {
            name.strip_suffix(extension)
                .is_some_and(|stem| stem.ends_with('.') && stem.len() > 1)
        })
        .max_by_key(|(extension, _)| extension.len());
    told.map(|(_, format)| format).ok_or_else(|| {
        let all: Vec<String> = Format::ALL
            .iter()
            .flat_map(|format| format.extensions())
            .map(|extension| format!(".{extension}"))
            .collect();
        format!(
            "the extension of {} tells no format; those that do are {}; or write FORMAT={}",
            file.display(),
            all.join(", "),
            file.display()
        )
    })
}

/// Returns what `--help` says of `--output`, with every format that there is.
fn of_output() -> String {
    format!(
        "Format: {}; with the file it goes to if that is not stdout (sarif=out.sarif). A file alone tells its format by its extension. Files are replaced in one step, mode 0600, or 0644 where another program's user reads them (prometheus). May be given several times",
        formats()
    )
}

fn formats() -> String {
    let all: Vec<&str> = Format::ALL.iter().map(|format| format.as_str()).collect();
    all.join(", ")
}

fn no_format(word: &str) -> String {
    format!("{word:?} is no format; the formats are {}", formats())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_and_files_are_told_apart() {
        for (text, format, file) in [
            ("table", Format::Table, None),
            ("json=-", Format::Json, None),
            ("json=a=b", Format::Json, Some("a=b")),
            ("report.json", Format::Json, Some("report.json")),
            ("out/report.yml", Format::Yaml, Some("out/report.yml")),
            ("jsonl=report.txt", Format::Jsonl, Some("report.txt")),
            ("a.oscal.json", Format::Oscal, Some("a.oscal.json")),
            ("a.ocsf.json", Format::Ocsf, Some("a.ocsf.json")),
            ("oscal.json", Format::Json, Some("oscal.json")),
            ("node.prom", Format::Prometheus, Some("node.prom")),
        ] {
            let wanted: Wanted = text.parse().unwrap();
            assert_eq!(wanted.format, format, "{text}");
            assert_eq!(wanted.file, file.map(PathBuf::from), "{text}");
        }
        for text in [
            "",
            "xlsx",
            "report.xlsx",
            "json=",
            "xlsx=a.json",
            ".json",
            "a/b",
        ] {
            let refused = text.parse::<Wanted>().unwrap_err();
            let lists = refused.contains("jsonl") || refused.contains("=FILE");
            assert!(lists, "{text}: {refused}");
        }
    }
}
