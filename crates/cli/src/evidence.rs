//! Signed evidence: keys and reports from files, attestations beside reports.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};
use kubeassay_attest::{
    MAX_ENVELOPE, MAX_KEY, Predicate, SigningKey, Statement, hex, open as open_envelope, seal,
};
use kubeassay_core::facts::Source;
use kubeassay_report::stream::{Closing, Header};
use sha2::{Digest as _, Sha256};

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

    /// Returns a copy of a report that this key signed, and the report's SHA-256: what is rendered from it may be signed
    /// again, and nobody changes the copy between both.
    ///
    /// # Errors
    ///
    /// Where it was not signed with this key, or was changed since.
    pub(crate) fn own(&self, report: &Path) -> anyhow::Result<(File, String)> {
        let shown = report.display();
        if report == Path::new("-") {
            bail!(
                "--sign signs what is rendered from reports that the same key signed, and there is no attestation beside stdin; name the file"
            );
        }
        let (mut file, _) = open(report)?;
        let cannot = || format!("cannot read {shown}");
        let mut copy = Digesting::new(tempfile::tempfile().with_context(cannot)?);
        io::copy(&mut file, &mut copy).with_context(cannot)?;
        let (mut copy, digest) = copy.end();
        copy.rewind().with_context(cannot)?;
        let doubt = match self.doubt(report, &digest) {
            Ok(None) => return Ok((copy, digest)),
            Ok(Some(doubt)) => anyhow!(doubt),
            Err(error) => error,
        };
        Err(doubt.context(format!(
            "--sign signs what is rendered from reports that the same key signed, and {shown} is none; leave --sign out"
        )))
    }

    /// Returns why this key did not sign the report with this digest.
    fn doubt(&self, report: &Path, digest: &str) -> anyhow::Result<Option<String>> {
        let attestation = attestation_of(report);
        let shown = attestation.display();
        let (file, _) = open(&attestation)?;
        let envelope = limited(file, &attestation, MAX_ENVELOPE, "an attestation")?;
        let payload = open_envelope(&envelope, &self.key.verifying())
            .map_err(|error| anyhow!("{shown} {error}"))?;
        let statement = Statement::read(&payload).map_err(|error| anyhow!("{shown}: {error}"))?;
        let known = statement.name_of(digest);
        Ok(known
            .is_none()
            .then(|| format!("{shown} is of another report, or this one was changed since")))
    }
}

/// Passes on what is written, and keeps count of its SHA-256.
pub(crate) struct Digesting<W> {
    to: W,
    digest: Sha256,
}

impl<W: io::Write> Digesting<W> {
    /// Returns what writes to `to`.
    pub(crate) fn new(to: W) -> Self {
        Self {
            to,
            digest: Sha256::new(),
        }
    }

    /// Returns where it was written, and the SHA-256 in lower-case hexadecimal digits.
    pub(crate) fn end(self) -> (W, String) {
        (self.to, hex(&self.digest.finalize()))
    }
}

impl<W: io::Write> io::Write for Digesting<W> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let length = self.to.write(data)?;
        self.digest.update(data.get(..length).unwrap_or_default());
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
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

/// Returns what is said of a report of `nodes` nodes, rendered from the reports with these digests if from any.
pub(crate) fn predicate(
    header: &Header,
    closing: &Closing,
    nodes: usize,
    rendered_from: &[String],
) -> Predicate {
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
        rendered_from: rendered_from
            .iter()
            .map(|digest| format!("sha256:{digest}"))
            .collect(),
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
