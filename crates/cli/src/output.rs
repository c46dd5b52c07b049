//! Where data goes: stdout, or a file that is replaced in one step.

use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;

use anyhow::{Context as _, bail};

use crate::args::{Colour, Global};

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
    let terminal = !to_file && io::stdout().is_terminal();
    let colour = match global.color {
        Colour::Always => true,
        Colour::Never => false,
        Colour::Auto => terminal && colour_is_welcome(),
    };
    let size = terminal
        .then(|| rustix::termios::tcgetwinsize(io::stdout()).ok())
        .flatten();
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

/// Writes data to `file`, or to stdout where none is named.
///
/// A reader that closes the pipe has seen what it wanted: that is no error.
pub(crate) fn write(data: &[u8], file: Option<&Path>) -> anyhow::Result<()> {
    match file {
        Some(file) if file != Path::new("-") => replace(file, data),
        _ => {
            let mut stdout = io::stdout().lock();
            match stdout.write_all(data).and_then(|()| stdout.flush()) {
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
                result => result.context("cannot write to stdout"),
            }
        }
    }
}

/// Replaces a file in one step: readers see the old or the new one, whole. Mode 0600, since reports name
/// what is weak. A symbolic link is refused rather than followed or replaced.
fn replace(file: &Path, data: &[u8]) -> anyhow::Result<()> {
    let shown = file.display();
    if file.is_symlink() {
        bail!("{shown} is a symbolic link; name the file itself");
    }
    let folder = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let mut draft = tempfile::Builder::new()
        .prefix(".kubeassay-")
        .tempfile_in(folder)
        .with_context(|| format!("cannot write in {}", folder.display()))?;
    draft
        .write_all(data)
        .with_context(|| format!("cannot write {shown}"))?;
    draft
        .as_file()
        .sync_all()
        .with_context(|| format!("cannot write {shown}"))?;
    draft
        .persist(file)
        .map_err(|error| error.error)
        .with_context(|| format!("cannot write {shown}"))?;
    Ok(())
}
