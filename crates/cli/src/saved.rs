//! Reports that exist: files of the user's own, or what comes on stdin.

use std::fs::File;
use std::io::{self, Seek as _};
use std::path::Path;

use anyhow::{Context as _, bail};
use kubeassay_report::baseline::Baseline;
use kubeassay_report::read::{Limits, ReportFile};

use crate::args::BaselineArgs;

/// A report in a file.
pub(crate) type Saved = ReportFile<File>;

/// Opens a report; `-` is stdin.
///
/// # Errors
///
/// Where it cannot be read, or is no report.
pub(crate) fn open(path: &Path) -> anyhow::Result<Saved> {
    let (name, file) = file(path)?;
    of(&name, file)
}

/// Opens the report in a file that messages call `name`.
///
/// # Errors
///
/// Where it cannot be read, or is no report.
pub(crate) fn of(name: &str, file: File) -> anyhow::Result<Saved> {
    Ok(ReportFile::open(name, file, Limits::USUAL)?)
}

/// Returns the file and what messages call it.
///
/// # Errors
///
/// Where it cannot be opened.
#[expect(
    clippy::disallowed_methods,
    reason = "reports are the user's own files, not a host's"
)]
pub(crate) fn file(path: &Path) -> anyhow::Result<(String, File)> {
    if path == Path::new("-") {
        let file = spooled(io::stdin().lock()).context("cannot read stdin")?;
        return Ok(("stdin".to_owned(), file));
    }
    let shown = path.display().to_string();
    let cannot = || format!("cannot read {shown}");
    let file = File::open(path).with_context(cannot)?;
    let metadata = file.metadata().with_context(cannot)?;
    if metadata.is_dir() {
        bail!("{shown} is a folder; name the files in it");
    }
    if metadata.is_file() {
        return Ok((shown, file));
    }
    // Such as a pipe of the shell: what is gone through twice has to be kept.
    let file = spooled(file).with_context(cannot)?;
    Ok((shown, file))
}

/// Copies what can be read once into a file that has no name.
fn spooled(mut from: impl io::Read) -> io::Result<File> {
    let mut file = tempfile::tempfile()?;
    io::copy(&mut from, &mut file)?;
    file.rewind()?;
    Ok(file)
}

/// Reads the baseline.
///
/// # Errors
///
/// Where it cannot be read, is no report, or there is none and something is asked of it.
pub(crate) fn baseline(arguments: &BaselineArgs) -> anyhow::Result<Option<Baseline>> {
    let Some(path) = &arguments.baseline else {
        // Not left to the parser of the command line: the baseline may come from the configuration.
        if arguments.fail_on_new {
            bail!("--fail-on-new compares with an earlier report; name it: --baseline REPORT");
        }
        return Ok(None);
    };
    let mut report = open(path).context("--baseline")?;
    Ok(Some(Baseline::read(&mut report).context("--baseline")?))
}
