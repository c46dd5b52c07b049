//! What a Go executable says of itself: its main package and the Kubernetes version it was built from.
//!
//! The file is read with positioned reads and never run: it may belong to a tenant, and a kubelet that
//! is run is a kubelet. Every size and offset in it is a claim; each is checked against the file and
//! against a limit before anything is allocated, so that the cost of a hostile file is bounded: about
//! 25 MiB of memory, and 240 MiB read in all. A real kubelet takes less than 1 MiB of
//! memory, 2 MiB read (13 MiB if it is position-independent) and a few milliseconds.
//! The ELF reader is our own because the few fixed layouts that are needed here (file header,
//! segments, sections, relocations with addends) are less code than bounding a general parser that
//! hands out whole sections.
//!
//! # Where the version is looked for
//!
//! 1. **Build information** that `go build` leaves in every program since Go 1.13 (`debug/buildinfo`): the
//!    value of `-X …/version.gitVersion=` in the recorded `-ldflags`, the version of the module
//!    `k8s.io/kubernetes` where that is the main module, or where it was compiled in as a dependency
//!    (with its replacement, if it was replaced).
//! 2. **String variables** in `.data`. Official builds are made with
//!    `-trimpath -ldflags "-s -w -X k8s.io/component-base/version.gitVersion=v1.34.2"`: without symbols, and
//!    since Go 1.18 `-trimpath` keeps the flags out of the build information
//!    (<https://go.dev/issue/52372>). What is left is the variable itself, see the module `variables`.
//!
//! Where these disagree, all are returned, see [`VersionFinding`]: nothing is guessed.

mod build_information;
mod elf;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod variables;

use std::{collections::BTreeSet, io};

pub use build_information::{BuildInformation, Module, build_information};

/// Positioned reads of an executable.
///
/// The implementor has opened the file and holds it: all reads must be of the same file.
pub trait ReadAt {
    /// Returns the size of the file in bytes.
    fn size(&self) -> u64;

    /// Reads bytes from `offset` on into `buffer` and returns how many: fewer than asked for are
    /// allowed, none means the end of the file.
    ///
    /// # Errors
    ///
    /// Fails when the bytes cannot be read.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;
}

impl ReadAt for &[u8] {
    fn size(&self) -> u64 {
        self.len() as u64
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let rest = usize::try_from(offset)
            .ok()
            .and_then(|offset| self.get(offset..));
        let mut rest = rest.unwrap_or_default();
        io::Read::read(&mut rest, buffer)
    }
}

impl ReadAt for Vec<u8> {
    fn size(&self) -> u64 {
        self.len() as u64
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.as_slice().read_at(offset, buffer)
    }
}

/// What an executable says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Executable {
    /// What `go build` left in it.
    pub build: BuildInformation,
    /// The version of Kubernetes it was built from.
    pub version: VersionFinding,
}

/// The Kubernetes version of an executable, as far as the executable tells it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VersionFinding {
    /// The different versions that stand where one is looked for, in byte order and with their leading `v`:
    /// `v1.34.2`, `v1.32.4-gke.1106006`. With more than one minor among them the version is not known,
    /// nor that it is one of them.
    pub versions: Vec<String>,
    /// Where they stand; nothing if there are none.
    pub found_by: Option<FoundBy>,
}

impl VersionFinding {
    /// Returns the minor, where the executable tells exactly one: 34 for `v1.34.2`.
    pub fn minor(&self) -> Option<u16> {
        let mut minors = self
            .versions
            .iter()
            .map(|version| kubernetes_minor(version.as_bytes()));
        let first = minors.next().flatten()?;
        minors.all(|minor| minor == Some(first)).then_some(first)
    }

    fn of(versions: BTreeSet<String>, found_by: FoundBy) -> Self {
        let found_by = (!versions.is_empty()).then_some(found_by);
        Self {
            versions: versions.into_iter().collect(),
            found_by,
        }
    }
}

/// Where in an executable its versions stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FoundBy {
    /// In the build information: the linker's flags, or the version of the module `k8s.io/kubernetes`.
    BuildInformation,
    /// In string variables.
    Variable,
}

impl FoundBy {
    /// Returns the name of the place in facts and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BuildInformation => "build-information",
            Self::Variable => "variable",
        }
    }
}

/// Why an executable does not tell what it is.
#[derive(Debug, thiserror::Error)]
pub enum ExecutableError {
    /// The file does not begin as an ELF file does.
    #[error("not an ELF file")]
    NotElf,
    /// The file is no Go program, or was made by something else than Go's linker.
    #[error("no Go program: it has no build information")]
    NotGo,
    /// The file is of a kind that is not read.
    #[error("{0} are not supported")]
    Unsupported(&'static str),
    /// The file ends before something that its headers promise.
    #[error("the file ends before the end of its {part}")]
    Truncated {
        /// What is missing.
        part: &'static str,
    },
    /// The file contradicts its own format.
    #[error("malformed {part}")]
    Malformed {
        /// What cannot be read.
        part: &'static str,
    },
    /// Something in the file is larger than any real one, and is not read.
    #[error("the {part} ask for {size}, more than the limit of {limit}")]
    TooLarge {
        /// What is too large.
        part: &'static str,
        /// How large it is, in bytes or entries.
        size: u64,
        /// How much of it would be read.
        limit: u64,
    },
    /// Reading failed.
    #[error("cannot read at offset {offset}")]
    Unreadable {
        /// Where the read began.
        offset: u64,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
}

/// Reads all that an executable says of itself.
///
/// To find the kubelets among many programs use [`build_information`], which is much cheaper, and ask
/// only those for their version.
///
/// # Errors
///
/// Fails when the file is no Go program or cannot be read, see [`ExecutableError`].
pub fn read(file: &dyn ReadAt) -> Result<Executable, ExecutableError> {
    let build = build_information(file)?;
    let version = kubernetes_version(file, &build)?;
    Ok(Executable { build, version })
}

/// Returns the Kubernetes version of a program whose build information has been read.
///
/// # Errors
///
/// Fails when the file cannot be read, see [`ExecutableError`].
pub fn kubernetes_version(
    file: &dyn ReadAt,
    build: &BuildInformation,
) -> Result<VersionFinding, ExecutableError> {
    let module = build
        .kubernetes_module
        .as_ref()
        .map(|module| &module.version);
    let named = build.stamped_version.iter().chain(module);
    let named: BTreeSet<_> = named
        .filter(|version| kubernetes_minor(version.as_bytes()).is_some())
        .cloned()
        .collect();
    if !named.is_empty() {
        return Ok(VersionFinding::of(named, FoundBy::BuildInformation));
    }
    let variables = variables::version_variables(&elf::Elf::parse(file)?)?;
    Ok(VersionFinding::of(
        variables.most_telling(),
        FoundBy::Variable,
    ))
}

/// Returns the minor of a text that reads `v1.N.P`, with or without a suffix, as a version of Kubernetes does.
///
/// Only the minors 20 to 99 count: of older ones we have no tables, and the versions that other libraries
/// keep in variables are nearly all below.
fn kubernetes_minor(text: &[u8]) -> Option<u16> {
    let (minor, rest) = number(text.strip_prefix(b"v1.")?)?;
    let (_patch, suffix) = number(rest.strip_prefix(b".")?)?;
    let suffixed = match suffix.split_first() {
        None => true,
        Some((b'-' | b'+', rest)) => {
            rest.len() <= MAX_SUFFIX
                && rest
                    .iter()
                    .all(|byte| byte.is_ascii_alphanumeric() || b".+-".contains(byte))
        }
        Some(_) => false,
    };
    (suffixed && (20..=99).contains(&minor)).then_some(minor)
}

/// How many bytes may follow the `-` or `+` after the patch number of a version.
const MAX_SUFFIX: usize = 64;

/// Splits a number of one to three digits off the front of a text.
fn number(text: &[u8]) -> Option<(u16, &[u8])> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if !(1..=3).contains(&digits) {
        return None;
    }
    let (digits, rest) = text.split_at_checked(digits)?;
    let number = digits
        .iter()
        .fold(0, |number, digit| number * 10 + u16::from(digit - b'0'));
    Some((number, rest))
}
