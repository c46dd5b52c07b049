//! Finds the version of Kubernetes among the string variables of a program without symbols.
//!
//! A Go string is a pointer and a length. A package-level variable of that type lies in `.data` (not in
//! `.noptrdata`: it has a pointer; not in `.data.rel.ro`: it can be assigned to), its text in a segment
//! that cannot be written. So every pair of words in `.data` that points to a constant text reading
//! `v1.N.P` is a candidate. These are few, as most libraries keep their version in a constant, which has no
//! variable, or without the `v`: in some thirty real programs (kubelet 1.20, kubectl 1.20 to 1.36, etcd, containerd,
//! docker, kind, terraform …) there was no other than that of Kubernetes.
//!
//! Two things that the linker does for `-X` set the variable that Kubernetes' build fills in
//! (`k8s.io/component-base/version.gitVersion`, and `k8s.io/client-go/pkg/version.gitVersion` with the same
//! value) apart from all others (`addstrdata` in Go's `cmd/link/internal/ld/data.go`):
//!
//! - The text becomes a symbol of its own that ends with a NUL byte, which the packed texts of the source
//!   code never do (but on s390x, where they are padded to even lengths: there nothing counts as
//!   stamped). Seen with Go 1.15 to 1.27. Such a text is *stamped*, and outweighs all others.
//! - A build that does not stamp leaves the text of the source code,
//!   `v0.0.0-master+$Format:%H$` (or a commit in place of `$…$` in sources that `git archive` wrote). Where that
//!   stands and nothing is stamped, no other variable can be the version.

use std::collections::BTreeSet;

use super::{
    ExecutableError, MAX_SUFFIX,
    elf::{EM_S390, Elf, Fields},
    kubernetes_minor,
};

/// A kubelet's takes 200 KiB: tables without pointers lie elsewhere. (The largest seen is 12 MiB, in Terraform's AWS
/// provider.)
const MAX_DATA: u64 = 16 << 20;
/// How many pairs of words may look like a short constant string; a kubelet has 2,000.
const MAX_STRINGS: usize = 1 << 18;
/// How many different versions may be found before the file is given up; real programs have one.
const MAX_VERSIONS: usize = 16;
/// How much of the constants is read at once.
const WINDOW: u64 = 64 << 10;
/// How often. A kubelet takes 20 windows.
const MAX_WINDOWS: u64 = 1024;
const UNSTAMPED: &[u8] = b"v0.0.0-master+";
const WORD: usize = 8;
const MIN_LENGTH: u64 = "v1.2.3".len() as u64;
const MAX_LENGTH: u64 = ("v1.222.333+".len() + MAX_SUFFIX) as u64;

/// The versions that string variables hold.
#[derive(Debug, Default)]
pub(super) struct VersionVariables {
    /// Those that the linker filled in.
    pub(super) stamped: BTreeSet<String>,
    /// Those that the source code filled in.
    pub(super) others: BTreeSet<String>,
    /// Whether a version variable of Kubernetes is as it is in the source code.
    pub(super) unstamped: bool,
}

/// A constant text that a variable points to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Text {
    offset: u64,
    length: u64,
}

/// Finds the string variables that hold a version of Kubernetes.
pub(super) fn version_variables(elf: &Elf<'_>) -> Result<VersionVariables, ExecutableError> {
    let mut found = VersionVariables::default();
    let Some(section) = elf.section(".data") else {
        return Ok(found);
    };
    let mut data = elf.content(&section, MAX_DATA, "variables")?;
    elf.relocate(section.address, &mut data)?;
    let texts = short_texts(elf, section.address, &data)?;
    drop(data);

    let mut window = Vec::new();
    let mut window_start = 0_u64;
    let mut windows = 0;
    for text in texts {
        // The texts are in order of their offsets: each window is read once.
        let ends_within = |window: &Vec<u8>| {
            text.offset.saturating_add(text.length)
                < window_start.saturating_add(window.len() as u64)
        };
        if !ends_within(&window) {
            windows += 1;
            if windows > MAX_WINDOWS {
                let (size, limit) = (windows * WINDOW, MAX_WINDOWS * WINDOW);
                return Err(ExecutableError::TooLarge {
                    part: "constants",
                    size,
                    limit,
                });
            }
            window_start = text.offset;
            window = elf.window(window_start, WINDOW, "constants")?;
        }
        let Some(bytes) = usize::try_from(text.offset - window_start)
            .ok()
            .and_then(|at| window.get(at..))
        else {
            continue;
        };
        let Some((bytes, next)) = usize::try_from(text.length)
            .ok()
            .and_then(|length| bytes.split_at_checked(length))
        else {
            continue;
        };
        found.add(bytes, elf.machine != EM_S390 && next.first() == Some(&0))?;
    }
    Ok(found)
}

impl VersionVariables {
    /// Returns the versions of which one is that of the program, if it is among them at all.
    pub(super) fn most_telling(self) -> BTreeSet<String> {
        if !self.stamped.is_empty() {
            self.stamped
        } else if self.unstamped {
            BTreeSet::new()
        } else {
            self.others
        }
    }

    fn add(&mut self, text: &[u8], stamped: bool) -> Result<(), ExecutableError> {
        if text.starts_with(UNSTAMPED) {
            self.unstamped = true;
        } else if kubernetes_minor(text).is_some() {
            let versions = if stamped {
                &mut self.stamped
            } else {
                &mut self.others
            };
            versions.insert(String::from_utf8_lossy(text).into_owned());
            let (size, limit) = (versions.len() as u64, MAX_VERSIONS as u64);
            if size > limit {
                return Err(ExecutableError::TooLarge {
                    part: "version variables",
                    size,
                    limit,
                });
            }
        }
        Ok(())
    }
}

/// Returns the constant texts of a fitting length that pairs of words in `data` describe, ordered, each once.
fn short_texts(elf: &Elf<'_>, address: u64, data: &[u8]) -> Result<Vec<Text>, ExecutableError> {
    let unaligned = address.wrapping_neg() % WORD as u64;
    let aligned = usize::try_from(unaligned)
        .ok()
        .and_then(|unaligned| data.get(unaligned..));
    let words = aligned.unwrap_or_default().chunks_exact(WORD);
    let mut texts = Vec::new();
    let mut pointer = 0;
    for word in words.filter_map(|word| Fields::new(word, elf.order).u64(0)) {
        let length = word;
        if (MIN_LENGTH..=MAX_LENGTH).contains(&length)
            && let Some(offset) = elf.constant_offset_of(pointer, length)
        {
            if texts.len() == MAX_STRINGS {
                let (size, limit) = (texts.len() as u64 + 1, MAX_STRINGS as u64);
                return Err(ExecutableError::TooLarge {
                    part: "string variables",
                    size,
                    limit,
                });
            }
            texts.push(Text { offset, length });
        }
        pointer = word;
    }
    texts.sort_unstable();
    texts.dedup();
    Ok(texts)
}
