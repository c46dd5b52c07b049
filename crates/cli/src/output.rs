//! Where data goes: stdout, or a file that is replaced in one step.

use std::io::{self, BufWriter, IsTerminal as _, Write as _};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};
use kubeassay_attest::hex;
use kubeassay_report::Room;
use kubeassay_report::spool::Scratch;
use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;

use crate::args::{Colour, Global};
use crate::privileges;

/// Width of the text where the output is no terminal.
const DEFAULT_WIDTH: usize = 80;

/// How text for people is laid out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    pub(crate) width: usize,
    pub(crate) colour: bool,
}

/// Decides on colour and width for stdout, or for a file.
pub(crate) fn layout(global: &Global, to_file: bool) -> Layout {
    let stdout = io::stdout();
    let terminal = (!to_file && stdout.is_terminal()).then_some(stdout.as_fd());
    layout_on(terminal, global)
}

/// Decides on colour and width for stderr.
pub(crate) fn layout_of_stderr(global: &Global) -> Layout {
    let stderr = io::stderr();
    let terminal = stderr.is_terminal().then_some(stderr.as_fd());
    layout_on(terminal, global)
}

fn layout_on(terminal: Option<BorrowedFd<'_>>, global: &Global) -> Layout {
    let colour = match global.color {
        Colour::Always => true,
        Colour::Never => false,
        Colour::Auto => terminal.is_some() && colour_is_welcome(),
    };
    let size = terminal.and_then(|terminal| rustix::termios::tcgetwinsize(terminal).ok());
    let width = size
        .map(|size| usize::from(size.ws_col))
        .filter(|width| *width > 0);
    Layout {
        width: width.unwrap_or(DEFAULT_WIDTH),
        colour,
    }
}

/// Returns whether neither `NO_COLOR` nor a dumb terminal speaks against colour.
#[expect(
    clippy::disallowed_methods,
    reason = "this is where the environment is read"
)]
fn colour_is_welcome() -> bool {
    let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    !no_colour && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// Where the data of a command goes.
#[derive(Debug)]
pub(crate) enum Destination {
    /// To stdout.
    Stdout,
    /// To a file, which is replaced in one step.
    File(PathBuf),
}

impl Destination {
    /// Returns the place that the user named, tried out: what cannot be written is said before a host is
    /// read, not after. `command` is the command line that writes the same to stdout.
    ///
    /// # Errors
    ///
    /// Fails where the file cannot be written, or would have to be followed or written into.
    pub(crate) fn new(file: Option<&Path>, command: &str) -> anyhow::Result<Self> {
        let Some(file) = file.filter(|file| *file != Path::new("-")) else {
            return Ok(Self::Stdout);
        };
        refuse_unless_replaceable(file, command)?;
        // Gone again at once: a scan that is ended from outside leaves nothing behind.
        draft(file)
            .and_then(NamedTempFile::close)
            .map_err(|error| refused(file, &error, command))?;
        Ok(Self::File(file.to_owned()))
    }

    /// Returns whether it is a file.
    pub(crate) const fn is_file(&self) -> bool {
        matches!(self, Self::File(_))
    }

    /// Returns where what has no place yet in its document waits: a fleet's findings in a file without a name, in the
    /// folder of the output, where there is room for a document anyway.
    pub(crate) fn room(&self) -> Room {
        /// A report of some dozen nodes.
        const MEMORY: usize = 16 << 20;
        let folder = match self {
            Self::Stdout => None,
            Self::File(file) => Some(folder_of(file).to_owned()),
        };
        Room::new(MEMORY, move || {
            let file = match folder {
                Some(folder) => tempfile::tempfile_in(folder),
                None => tempfile::tempfile(),
            };
            file.map(|file| Box::new(file) as Box<dyn Scratch>)
        })
    }

    /// Writes data there.
    ///
    /// # Errors
    ///
    /// Fails where that is not possible. What was written of a file that cannot be replaced is kept.
    pub(crate) fn write(&self, data: &[u8]) -> anyhow::Result<()> {
        match self {
            Self::Stdout => print(data),
            Self::File(file) => replace(file, data),
        }
    }

    /// Returns what takes data piece by piece, for these readers. A file is begun when there is something to be in it: who ends the program
    /// before leaves nothing behind.
    pub(crate) fn open(self, readers: Readers) -> Output {
        let target = match self {
            Self::Stdout => Target::Stdout(io::stdout()),
            Self::File(file) => Target::File(file),
        };
        Output {
            target,
            readers,
            digest: None,
            nobody_reads: false,
        }
    }
}

/// Takes data piece by piece; [`finish`](Self::finish) puts a file in its place.
pub(crate) struct Output {
    target: Target,
    readers: Readers,
    /// Of what was written so far, where that is wanted.
    digest: Option<Sha256>,
    nobody_reads: bool,
}

/// Who may read a file that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readers {
    /// Who ran the program: reports name what is weak.
    Owner,
    /// Every user of the machine.
    All,
}

enum Target {
    Stdout(io::Stdout),
    /// Nothing is written yet.
    File(PathBuf),
    Draft(BufWriter<NamedTempFile>, PathBuf),
}

impl Output {
    /// Returns what is written to, for a message.
    pub(crate) fn name(&self) -> String {
        match &self.target {
            Target::Stdout(_) => "to stdout".to_owned(),
            Target::File(file) | Target::Draft(_, file) => file.display().to_string(),
        }
    }

    /// Returns the file that is written, unless it is stdout.
    pub(crate) fn file(&self) -> Option<&Path> {
        match &self.target {
            Target::Stdout(_) => None,
            Target::File(file) | Target::Draft(_, file) => Some(file),
        }
    }

    /// Returns the output, which keeps count of the digest of what it takes.
    pub(crate) fn digesting(mut self) -> Self {
        self.digest = Some(Sha256::new());
        self
    }

    /// Returns the SHA-256 of all that was written, in hexadecimal digits, if it was kept count of.
    pub(crate) fn digest(&self) -> Option<String> {
        Some(hex(&self.digest.clone()?.finalize()))
    }

    /// Returns whether the reader closed the pipe: it has seen what it wanted, and the rest is for nobody.
    pub(crate) const fn nobody_reads(&self) -> bool {
        self.nobody_reads
    }

    /// Ends the output.
    ///
    /// # Errors
    ///
    /// Fails where a file cannot be replaced; what was to be in it is kept.
    pub(crate) fn finish(mut self) -> anyhow::Result<()> {
        // Also where nothing was written: an empty file is what was asked for.
        let begun = self.begin().and_then(|()| self.flush());
        begun.with_context(|| format!("cannot write {}", self.name()))?;
        match self.target {
            Target::Stdout(_) | Target::File(_) => Ok(()),
            Target::Draft(draft, file) => {
                let draft = draft.into_inner().map_err(io::IntoInnerError::into_error);
                let draft = draft.and_then(|draft| self.readers.let_in(draft));
                let shown = file.display();
                persist(
                    draft.with_context(|| format!("cannot write {shown}"))?,
                    &file,
                )
            }
        }
    }
}

impl Readers {
    fn let_in(self, draft: NamedTempFile) -> io::Result<NamedTempFile> {
        if self == Self::All {
            let mode = std::fs::Permissions::from_mode(0o644);
            draft.as_file().set_permissions(mode)?;
        }
        Ok(draft)
    }
}

impl Output {
    /// Begins the file, if that was not done.
    fn begin(&mut self) -> io::Result<()> {
        if let Target::File(file) = &self.target {
            self.target = Target::Draft(BufWriter::new(draft(file)?), file.clone());
        }
        Ok(())
    }
}

impl io::Write for Output {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.begin()?;
        let written = match &mut self.target {
            Target::Stdout(stdout) => stdout.write(data),
            Target::File(_) => Ok(0),
            Target::Draft(draft, _) => draft.write(data),
        };
        if let (Some(digest), Ok(length)) = (&mut self.digest, &written) {
            digest.update(data.get(..*length).unwrap_or_default());
        }
        match written {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.nobody_reads = true;
                Ok(data.len())
            }
            written => written,
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = match &mut self.target {
            Target::Stdout(stdout) => stdout.flush(),
            Target::File(_) => Ok(()),
            Target::Draft(draft, _) => draft.flush(),
        };
        match flushed {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.nobody_reads = true;
                Ok(())
            }
            flushed => flushed,
        }
    }
}

/// Writes data to stdout.
///
/// A reader that closes the pipe has seen what it wanted: that is no error.
pub(crate) fn print(data: &[u8]) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(data).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result.context("cannot write to stdout"),
    }
}

/// Replaces a file that people keep, such as one of waivers, in one step. It keeps its mode; a new one everybody may read.
///
/// # Errors
///
/// Fails where that is not possible; see [`Destination::new`].
#[expect(
    clippy::disallowed_methods,
    reason = "the output file is the user's own, not a host's"
)]
pub(crate) fn rewrite(file: &Path, data: &[u8]) -> anyhow::Result<()> {
    let shown = file.display();
    refuse_unless_replaceable(file, "kubeassay waivers add")?;
    let mode = std::fs::symlink_metadata(file).map_or(0o644, |found| found.mode() & 0o777);
    let mut draft =
        draft(file).with_context(|| format!("cannot write in {}", folder_of(file).display()))?;
    draft
        .write_all(data)
        .and_then(|()| {
            let mode = std::fs::Permissions::from_mode(mode);
            draft.as_file().set_permissions(mode)
        })
        .with_context(|| format!("cannot write {shown}"))?;
    persist(draft, file)
}

/// Refuses what a rename could not replace, or should not: a symbolic link is neither followed nor
/// replaced, and a device would be gone.
#[expect(
    clippy::disallowed_methods,
    reason = "the output file is the user's own, not a host's"
)]
fn refuse_unless_replaceable(file: &Path, command: &str) -> anyhow::Result<()> {
    let shown = file.display();
    let found = match std::fs::symlink_metadata(file) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(refused(file, &error, command)),
    };
    if found.is_symlink() {
        bail!("{shown} is a symbolic link; name the file itself");
    }
    if found.is_dir() {
        bail!("{shown} is a folder; name a file in it");
    }
    if !found.is_file() {
        bail!("{shown} is no regular file; to write into it: {command} > {shown}");
    }
    // In a folder such as /tmp only the owner replaces a file, and root gave up to be everyone.
    let us = rustix::process::geteuid().as_raw();
    let folder = std::fs::metadata(folder_of(file));
    let sticky = |folder: &std::fs::Metadata| folder.mode() & STICKY != 0 && folder.uid() != us;
    if found.uid() != us && folder.as_ref().is_ok_and(sticky) {
        bail!(
            "{shown} is another user's, and {} lets only the owner replace it; name another file",
            folder_of(file).display()
        );
    }
    Ok(())
}

/// The bit of a folder in which only the owner of a file replaces it.
const STICKY: u32 = 0o1000;

fn folder_of(file: &Path) -> &Path {
    file.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

/// Makes the file that will take the place of `file`. Mode 0600, since reports name what is weak.
fn draft(file: &Path) -> io::Result<NamedTempFile> {
    tempfile::Builder::new()
        .prefix(".kubeassay-")
        .tempfile_in(folder_of(file))
}

/// Returns why no draft can be made, and what to do instead.
fn refused(file: &Path, error: &io::Error, command: &str) -> anyhow::Error {
    let folder = folder_of(file).display();
    if error.kind() == io::ErrorKind::PermissionDenied && privileges::is_root() {
        return anyhow!(
            "cannot write in {folder}: permission denied; kubeassay keeps no rights but those to read, so root writes only where the folder's permissions let its own user; name another folder, or let the shell make the file: {command} > {}",
            file.display()
        );
    }
    anyhow!("cannot write in {folder}: {error}")
}

/// Replaces a file in one step: readers see the old or the new one, whole.
fn replace(file: &Path, data: &[u8]) -> anyhow::Result<()> {
    let shown = file.display();
    let mut draft =
        draft(file).with_context(|| format!("cannot write in {}", folder_of(file).display()))?;
    draft
        .write_all(data)
        .with_context(|| format!("cannot write {shown}"))?;
    persist(draft, file)
}

/// Puts a draft that is written in the place of its file.
fn persist(draft: NamedTempFile, file: &Path) -> anyhow::Result<()> {
    let shown = file.display();
    draft
        .as_file()
        .sync_all()
        .with_context(|| format!("cannot write {shown}"))?;
    let Err(refused) = draft.persist(file) else {
        return Ok(());
    };
    let error = refused.error;
    // What took minutes to make is not thrown away.
    let (_, kept) = refused
        .file
        .keep()
        .with_context(|| format!("cannot replace {shown}: {error}"))?;
    bail!(
        "cannot replace {shown}: {error}; what was to be in it is in {}",
        kept.display()
    )
}
