//! What a release is made with, as far as it is linked into the program.
//!
//! Besides crates, a static program has Rust's std, glibc and the runtime of the C compiler in it. When one of them is
//! found faulty, a release has to be made anew, so they are told and listed.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::crates::{TARGETS, output};

/// The tools that are used.
pub(super) struct Toolchain {
    /// The target that is built for: that of this machine, with glibc.
    pub(super) target: &'static str,
    /// The processor, as Rust names it.
    pub(super) processor: &'static str,
    /// The version of rustc and its std.
    pub(super) rust: String,
    /// The commit of rustc, which its std names in paths.
    pub(super) rust_commit: String,
    /// Where rustc keeps its std.
    pub(super) sysroot: PathBuf,
    /// The version of glibc with that of its package: `2.36`, `2.36-9+deb12u14`.
    pub(super) glibc: (String, String),
    /// The version of GCC.
    pub(super) gcc: String,
}

impl Toolchain {
    /// Asks the tools of this machine.
    pub(super) fn ask() -> Result<Self> {
        let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let version = output(Command::new(&rustc).arg("-vV"))?;
        let field = |key: &str| {
            version
                .lines()
                .find_map(|line| line.strip_prefix(key))
                .map(|value| value.trim().to_owned())
                .with_context(|| format!("rustc -vV does not say {key}"))
        };
        let sysroot = output(Command::new(&rustc).args(["--print", "sysroot"]))?;
        let processor = std::env::consts::ARCH;
        let Some(target) = TARGETS
            .into_iter()
            .find(|target| target.split('-').next() == Some(processor))
        else {
            bail!("no release is made on {processor}");
        };
        // rustc links with `cc`, so that one says which libraries are used.
        let libc = output(Command::new("cc").arg("-print-file-name=libc.a"))?;
        let libc = Path::new(libc.trim());
        let bytes = std::fs::read(libc)
            .with_context(|| format!("cannot read the static glibc {}", libc.display()))?;
        Ok(Self {
            target,
            processor,
            rust: field("release:")?,
            rust_commit: field("commit-hash:")?,
            sysroot: PathBuf::from(sysroot.trim()),
            glibc: glibc_version(&bytes).context("libc.a does not say its version")?,
            gcc: output(Command::new("cc").arg("-dumpfullversion"))?
                .trim()
                .to_owned(),
        })
    }
}

/// Returns the version of glibc, and that of its package, from the sentence that is in every glibc.
fn glibc_version(archive: &[u8]) -> Option<(String, String)> {
    const SENTENCE: &[u8] = b"GNU C Library (";
    let start = archive
        .windows(SENTENCE.len())
        .position(|window| window == SENTENCE)?;
    let text = archive.get(start + SENTENCE.len()..)?;
    let line = text.split(|byte| *byte == b'\n').next()?;
    let line = std::str::from_utf8(line).ok()?;
    let (package, rest) = line.split_once(')')?;
    let version = rest.split_once(" version ")?.1.trim_end_matches('.');
    let package = package
        .split_whitespace()
        .last()
        .filter(|word| word.starts_with(version));
    Some((version.to_owned(), package.unwrap_or(version).to_owned()))
}

#[cfg(test)]
mod tests {
    use super::glibc_version;

    #[test]
    fn version_of_glibc_is_read_from_its_sentence() {
        for (text, expected) in [
            (
                "\0GNU C Library (Debian GLIBC 2.36-9+deb12u14) stable release version 2.36.\nCopyright",
                Some(("2.36", "2.36-9+deb12u14")),
            ),
            (
                "GNU C Library (Ubuntu GLIBC 2.39-0ubuntu8.3) stable release version 2.39.\n",
                Some(("2.39", "2.39-0ubuntu8.3")),
            ),
            (
                "GNU C Library (GNU libc) stable release version 2.41.\n",
                Some(("2.41", "2.41")),
            ),
            ("GNU C Library", None),
            ("", None),
        ] {
            let found = glibc_version(text.as_bytes());
            let found = found
                .as_ref()
                .map(|(version, package)| (version.as_str(), package.as_str()));
            assert_eq!(found, expected, "{text}");
        }
    }
}
