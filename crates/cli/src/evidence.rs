//! Signed evidence: keys and reports from files, attestations beside reports.

use std::ffi::OsString;
use std::io::{self, Read as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};
use kubeassay_attest::{MAX_KEY, Predicate, SigningKey, Statement, seal};
use kubeassay_core::facts::Source;
use kubeassay_report::stream::{Closing, Header};

use crate::output::Destination;

/// What is added to the name of a report for its attestation.
const SUFFIX: &str = ".dsse.json";

/// What others than the owner must not have on a key that signs.
const OTHERS: u32 = 0o077;

/// Signs reports, each in a file of its own.
pub(crate) struct Signer {
    key: SigningKey,
}

impl Signer {
    /// Reads the key, and tries out where the attestations of `reports` will be.
    ///
    /// # Errors
    ///
    /// Where the key cannot be used, no report goes to a file, or an attestation could not be written.
    pub(crate) fn new<'a>(
        key: &Path,
        reports: impl Iterator<Item = &'a Path>,
    ) -> anyhow::Result<Self> {
        let shown = key.display();
        let (file, mode) = open(key)?;
        if mode & OTHERS != 0 {
            bail!(
                "the key {shown} may be used by others than its owner (mode {:04o}): chmod 600 {shown}",
                mode & 0o7777
            );
        }
        let text = limited(file, key, MAX_KEY, "a key")?;
        let signer = Self {
            key: SigningKey::from_pem(&text).map_err(|error| anyhow!("the key {shown} {error}"))?,
        };
        let mut files = 0;
        for report in reports {
            files += 1;
            destination(report)?;
        }
        if files == 0 {
            bail!(
                "--sign signs files, and no format goes to one; name a file: -o json=report.json"
            );
        }
        Ok(signer)
    }

    /// Signs a report that was written, by its digest.
    ///
    /// # Errors
    ///
    /// Where the attestation cannot be written.
    pub(crate) fn sign(
        &self,
        report: &Path,
        digest: String,
        predicate: Predicate,
    ) -> anyhow::Result<()> {
        let name = report.file_name().unwrap_or_default().to_string_lossy();
        let statement = Statement::new(name.into_owned(), digest, predicate);
        destination(report)?.write(&seal(&statement, &self.key)?)
    }
}

fn destination(report: &Path) -> anyhow::Result<Destination> {
    Destination::new(Some(&attestation_of(report)), "kubeassay scan")
}

/// Returns where the attestation of a report is.
pub(crate) fn attestation_of(report: &Path) -> PathBuf {
    let mut name = OsString::from(report);
    name.push(SUFFIX);
    name.into()
}

/// Returns whether what is told of no machine: it was recorded or written by hand.
pub(crate) const fn is_recorded(source: Source) -> bool {
    matches!(source, Source::Captured | Source::Demo)
}

/// Refuses to sign what is evidence of nothing.
///
/// # Errors
///
/// Where the facts come from a captured host or the demonstration.
pub(crate) fn may_be_signed(source: Source) -> anyhow::Result<()> {
    if !is_recorded(source) {
        return Ok(());
    }
    let what = match source {
        Source::Demo => "the recorded node of --demo",
        _ => "a captured host",
    };
    bail!(
        "a report about {what} is not signed: anyone could have written what it was read from, so it is evidence of no machine; leave --sign out"
    )
}

/// Returns what is said of a report of `nodes` nodes.
pub(crate) fn predicate(header: &Header, closing: &Closing, nodes: usize) -> Predicate {
    Predicate {
        tool: header.tool.clone(),
        rule_digest: header.rules.digest.clone(),
        rules: header.rules.count,
        benchmark: header.rules.benchmark.clone(),
        source: header.scanned.source,
        started: header.scanned.started,
        finished: closing.finished,
        nodes,
        verdicts: closing.summary,
        complete: closing.complete,
        exit_code: closing.gate.exit_code,
    }
}

/// Opens a file of the user's, and returns it with its mode. A pipe is neither waited for nor read.
///
/// # Errors
///
/// Where it cannot be opened, or is no regular file.
pub(crate) fn open(path: &Path) -> anyhow::Result<(std::fs::File, u32)> {
    let shown = path.display();
    let nonblocking = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or(0);
    let file = std::fs::OpenOptions::new()
        .read(true)
        .custom_flags(nonblocking)
        .open(path)
        .with_context(|| format!("cannot read {shown}"))?;
    // Of what was opened: the name may mean another file by now.
    let found = file
        .metadata()
        .with_context(|| format!("cannot read {shown}"))?;
    if !found.is_file() {
        bail!("{shown} is not a regular file");
    }
    Ok((file, found.mode()))
}

/// Reads a whole file that is no larger than `most` bytes; `what` is what it should be.
///
/// # Errors
///
/// Where it cannot be read, or is larger.
pub(crate) fn limited(
    file: impl io::Read,
    path: &Path,
    most: usize,
    what: &str,
) -> anyhow::Result<Vec<u8>> {
    let shown = path.display();
    let mut content = Vec::new();
    file.take(most as u64 + 1)
        .read_to_end(&mut content)
        .with_context(|| format!("cannot read {shown}"))?;
    if content.len() > most {
        bail!("{shown} is larger than {what} is ({} KiB)", most / 1024);
    }
    Ok(content)
}
