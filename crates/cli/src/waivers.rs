//! Files of waivers: those that the command line names, and no others.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};
use kubeassay_core::report::Report;
use kubeassay_core::rule::{Catalogue, Diagnostic, RenderStyle};
use kubeassay_report::waivers::{Document, MAX_FILE};

use crate::messages::Messages;
use crate::saved;

/// Reads files of waivers; their mistakes are reported, and nothing is judged with half of them.
///
/// # Errors
///
/// Where one cannot be read or has a mistake, or is named twice.
pub(crate) fn read(
    files: &[PathBuf],
    catalogue: &Catalogue,
    style: RenderStyle,
    messages: Messages,
) -> anyhow::Result<Vec<Document>> {
    let mut documents = Vec::with_capacity(files.len());
    let mut unused = Vec::new();
    for (path, read) in files.iter().zip(read_each(files, catalogue)?) {
        match read {
            Ok(document) => documents.push(document),
            Err(faults) => {
                for fault in &faults {
                    messages.verbatim(&fault.render(style));
                }
                unused.push(path.display().to_string());
            }
        }
    }
    if unused.is_empty() {
        return Ok(documents);
    }
    Err(anyhow!(
        "{} was not used; mend it and run again",
        unused.join(", ")
    ))
}

/// Reads files of waivers, each with its mistakes.
///
/// # Errors
///
/// Where one cannot be read, or is named twice.
pub(crate) fn read_each(
    files: &[PathBuf],
    catalogue: &Catalogue,
) -> anyhow::Result<Vec<Result<Document, Vec<Diagnostic>>>> {
    let mut named = BTreeSet::new();
    let mut all = Vec::with_capacity(files.len());
    for path in files {
        if !named.insert(path) {
            bail!("{} is named twice", path.display());
        }
        let bytes = bytes(path, MAX_FILE as u64, "a file of waivers")?;
        all.push(Document::read(&path.to_string_lossy(), &bytes, catalogue));
    }
    Ok(all)
}

/// Reads a report, with its findings of these rules; - is stdin.
///
/// # Errors
///
/// Where it cannot be read, is none, or was cut off.
pub(crate) fn report(path: &Path, rules: &BTreeSet<&str>) -> anyhow::Result<Report> {
    let mut report = saved::open(path)?;
    Ok(report.whole(|finding| rules.contains(finding.rule.as_str()))?)
}

/// Reads a regular file of at most so many bytes.
///
/// # Errors
///
/// Where it cannot be read, is larger, or is no regular file.
#[expect(
    clippy::disallowed_methods,
    reason = "waivers are the user's own files, not a host's"
)]
pub(crate) fn bytes(path: &Path, most: u64, what: &str) -> anyhow::Result<Vec<u8>> {
    let shown = path.display();
    let metadata = std::fs::metadata(path).with_context(|| format!("cannot read {shown}"))?;
    if !metadata.is_file() {
        bail!("{shown} is not a regular file");
    }
    if metadata.len() > most {
        bail!("{shown} is larger than {what} may be ({} KiB)", most / 1024);
    }
    std::fs::read(path).with_context(|| format!("cannot read {shown}"))
}
