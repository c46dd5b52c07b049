//! A captured host: one YAML file that says what reading a host gives, for tests.
//!
//! ```yaml
//! taken: 2026-11-20T12:00:00Z          # when the facts count as taken; without it, now
//! provenance:                          # where every path comes from; a host of this repository has it
//!   platform: kubeadm                  # the id of the platform that it is a node of
//!   paths:
//!     - {mark: documented, source: https://…, version: v1.36.2, of: [/etc/kubernetes/*, /usr/bin/kubelet]}
//! started: {1234: 2026-11-20T08:00:00Z} # start of a process, instead of what proc/1234/stat says
//! files:
//!   /etc/machine-id: {text: "0123…\n"}
//!   /usr/bin/kubelet: {text: "", mode: "0755", owner: "0:0"}
//!   /proc/1234/cmdline: {text: "/usr/bin/kubelet\0--config=/etc/k\0"}
//!   /proc/1234/exe: {link: /usr/bin/kubelet}
//!   /etc/secret: {text: "", error: denied}
//!   /dev/null: {type: character-device}
//!   /etc/kubernetes: {type: directory, modified: 2026-11-01T00:00:00Z, changed: 2026-11-01T00:00:00Z}
//! ```
//!
//! - `type` is `regular`, `directory`, `symlink`, `fifo`, `socket`, `character-device`, `block-device` or
//!   `hard-link` (to the path in `link`). It follows from `text` or `base64` (regular) and `link` (symlink)
//!   where it is left out. Directories above a path need not be named.
//! - `mode` is octal text; without it 0644, 0755 for directories, 0777 for links. `owner` is `uid:gid`.
//! - `modified` and `changed` are the file's times; without them they are unknown.
//! - `error` is what reading gives: `denied`, `vanished`, `blocks` (never answers) or `io`. A directory with
//!   an error gives it to whoever lists it or looks below it.
//! - `provenance` marks each path `observed` or `documented`, with the source and its version. It is no part of the
//!   facts.
//! - `entries` of several hosts can be shared: a YAML anchor and `<<` work.
//!
//! A faulty file is refused with line and column.

mod provenance;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use kubeassay_core::facts::FileKind;
use serde::Deserialize;

pub use provenance::{Mark, Marked, Provenance};

use provenance::RawProvenance;

/// A captured host, as its file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CapturedHost {
    /// When the facts count as taken.
    pub taken: Option<Timestamp>,
    /// Starts of processes that are not told by their `stat`.
    pub started: BTreeMap<u32, Timestamp>,
    /// Where its paths come from, where it says so.
    pub provenance: Option<Provenance>,
    /// The files by their absolute path.
    pub files: BTreeMap<String, CapturedFile>,
}

/// A file of a captured host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CapturedFile {
    /// What it is.
    pub what: What,
    /// Permission bits.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Last change of the content.
    pub modified: Option<Timestamp>,
    /// Last change of the inode.
    pub changed: Option<Timestamp>,
    /// What reading it gives instead of its content.
    pub error: Option<ReadError>,
}

/// What a file of a captured host is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A regular file with this content.
    Regular(Vec<u8>),
    /// A symbolic link that says this.
    Symlink(Vec<u8>),
    /// A further name of the file at this path.
    HardLink(String),
    /// A directory, FIFO, socket or device.
    Other(FileKind),
}

/// What reading a file of a captured host gives instead of its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReadError {
    /// Permission denied.
    Denied,
    /// The process that it belongs to has ended.
    Vanished,
    /// No answer, ever.
    Blocks,
    /// An input/output error.
    Io,
}

/// Why a captured host could not be read.
#[derive(Debug, thiserror::Error)]
pub enum CapturedError {
    /// The file itself could not be read.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// It is not the YAML that is wanted.
    #[error("not a captured host: {message}")]
    Malformed {
        /// What is wrong, with line and column.
        message: String,
    },
    /// It does not say of each path where it comes from.
    #[error("not a captured host: {message}")]
    Provenance {
        /// What is missing or wrong.
        message: String,
    },
    /// A file in it makes no sense.
    #[error("file {path}: {message}")]
    File {
        /// The file's path on the captured host.
        path: String,
        /// What is wrong with it.
        message: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawHost {
    #[serde(default)]
    taken: Option<Timestamp>,
    #[serde(default)]
    started: BTreeMap<u32, Timestamp>,
    #[serde(default)]
    provenance: Option<RawProvenance>,
    files: BTreeMap<String, RawFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    #[serde(default, rename = "type")]
    kind: Option<RawKind>,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    base64: Option<String>,
    #[serde(default)]
    link: Option<String>,
    #[serde(default)]
    mode: Option<String>,
    #[serde(default)]
    owner: Option<String>,
    #[serde(default)]
    modified: Option<Timestamp>,
    #[serde(default)]
    changed: Option<Timestamp>,
    #[serde(default)]
    error: Option<ReadError>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum RawKind {
    Regular,
    Directory,
    Symlink,
    HardLink,
    Fifo,
    Socket,
    CharacterDevice,
    BlockDevice,
}

impl CapturedHost {
    /// Reads the captured host in the file at `path`.
    ///
    /// # Errors
    ///
    /// Fails if the file cannot be read or is faulty.
    pub fn load(path: &Path) -> Result<Self, CapturedError> {
        #[expect(
            clippy::disallowed_methods,
            reason = "the file that the user named, not a file of a host"
        )]
        let text = std::fs::read_to_string(path).map_err(|source| CapturedError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&text)
    }

    /// Reads a captured host from its text.
    ///
    /// # Errors
    ///
    /// Fails at the first fault, with its line and column where it is one of the YAML.
    pub fn parse(text: &str) -> Result<Self, CapturedError> {
        let options = serde_saphyr::options! { strict_booleans: true };
        let raw: RawHost = serde_saphyr::from_str_with_options(text, options).map_err(|error| {
            CapturedError::Malformed {
                message: error.to_string(),
            }
        })?;
        let mut files = BTreeMap::new();
        for (path, file) in raw.files {
            let file = file.check(&path).map_err(|message| CapturedError::File {
                path: path.clone(),
                message,
            })?;
            files.insert(path, file);
        }
        let provenance = raw.provenance.map(Provenance::read).transpose();
        let provenance = provenance.map_err(|message| CapturedError::Provenance { message })?;
        Ok(Self {
            taken: raw.taken,
            started: raw.started,
            provenance,
            files,
        })
    }

    /// Returns where its paths come from, if every one is marked.
    ///
    /// # Errors
    ///
    /// Fails where it does not say, leaves a path out, or marks what is no path of it.
    pub fn whole_provenance(&self) -> Result<&Provenance, CapturedError> {
        let refused = |message| CapturedError::Provenance { message };
        let provenance = self.provenance.as_ref();
        let provenance = provenance.ok_or_else(|| {
            refused(
                "there is no `provenance`, which marks each path `observed` or `documented`"
                    .to_owned(),
            )
        })?;
        provenance.is_whole(self.files.keys()).map_err(refused)?;
        Ok(provenance)
    }
}

impl RawFile {
    fn check(self, path: &str) -> Result<CapturedFile, String> {
        let is_plain = |relative: &str| {
            let mut parts = relative.split('/');
            parts.all(|part| !matches!(part, "" | "." | ".."))
        };
        if !path.strip_prefix('/').is_some_and(is_plain) {
            return Err("a path is absolute, without `.`, `..` or empty parts".to_owned());
        }
        let content = match (self.text, self.base64) {
            (Some(_), Some(_)) => return Err("either `text` or `base64`".to_owned()),
            (Some(text), None) => Some(text.into_bytes()),
            (None, Some(encoded)) => {
                let packed: String = encoded.split_whitespace().collect();
                let bytes = STANDARD.decode(packed);
                Some(bytes.map_err(|error| format!("`base64` is not base64: {error}"))?)
            }
            (None, None) => None,
        };
        let kind = match (self.kind, &content, &self.link) {
            (Some(kind), _, _) => kind,
            (None, Some(_), None) => RawKind::Regular,
            (None, None, Some(_)) => RawKind::Symlink,
            (None, Some(_), Some(_)) => return Err("either `link` or a content".to_owned()),
            (None, None, None) => return Err("wants `text`, `base64`, `link` or `type`".to_owned()),
        };
        let what = match (kind, content, self.link) {
            (RawKind::Regular, content, None) => What::Regular(content.unwrap_or_default()),
            (RawKind::Symlink, None, Some(target)) => What::Symlink(target.into_bytes()),
            (RawKind::HardLink, None, Some(target)) => What::HardLink(target),
            (RawKind::Symlink | RawKind::HardLink, _, None) => {
                return Err("wants `link`, where it leads".to_owned());
            }
            (RawKind::Directory, None, None) => What::Other(FileKind::Directory),
            (RawKind::Fifo, None, None) => What::Other(FileKind::Fifo),
            (RawKind::Socket, None, None) => What::Other(FileKind::Socket),
            (RawKind::CharacterDevice, None, None) => What::Other(FileKind::CharacterDevice),
            (RawKind::BlockDevice, None, None) => What::Other(FileKind::BlockDevice),
            _ => return Err("a file of this type has no such content".to_owned()),
        };
        let usual = match what {
            What::Symlink(_) => 0o777,
            What::Other(FileKind::Directory) => 0o755,
            _ => 0o644,
        };
        let mode = match self.mode {
            None => usual,
            Some(text) => u32::from_str_radix(&text, 8)
                .ok()
                .filter(|mode| *mode <= 0o7777)
                .ok_or_else(|| format!("`mode: {text}` is not octal"))?,
        };
        let owner = self.owner.as_deref().unwrap_or("0:0");
        let (uid, gid) = owner
            .split_once(':')
            .and_then(|(uid, gid)| Some((uid.parse().ok()?, gid.parse().ok()?)))
            .ok_or_else(|| format!("`owner: {owner}` is not uid:gid"))?;
        Ok(CapturedFile {
            what,
            mode,
            uid,
            gid,
            modified: self.modified,
            changed: self.changed,
            error: self.error,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{CapturedHost, ReadError, What};

    #[test]
    fn a_file_says_what_it_is_by_what_it_has() {
        let host = CapturedHost::parse(
            "files:\n  /a: {text: \"x\\0y\"}\n  /b: {link: /a}\n  /c: {base64: /w==, mode: \"0600\", owner: \"1:2\"}\n  /d: {type: fifo, error: blocks}\n",
        )
        .unwrap();
        assert_eq!(host.files["/a"].what, What::Regular(b"x\0y".to_vec()));
        assert_eq!(host.files["/b"].what, What::Symlink(b"/a".to_vec()));
        assert_eq!(host.files["/c"].what, What::Regular(vec![0xff]));
        assert_eq!(
            (
                host.files["/c"].mode,
                host.files["/c"].uid,
                host.files["/c"].gid
            ),
            (0o600, 1, 2)
        );
        assert_eq!(host.files["/d"].error, Some(ReadError::Blocks));
    }

    #[test]
    fn faults_are_named_with_their_place() {
        for (text, wanted) in [
            ("files:\n  /a: {txt: x}\n", "line 2"),
            ("files:\n  /a: {text: x, link: y}\n", "either `link`"),
            ("files:\n  a: {text: x}\n", "absolute"),
            ("files:\n  /a/../b: {text: x}\n", "absolute"),
            ("files:\n  /a: {text: x, mode: rw}\n", "not octal"),
            ("files:\n  /a: {text: x, owner: root}\n", "uid:gid"),
            ("files:\n  /a: {}\n", "wants"),
            ("what: 1\nfiles: {}\n", "what"),
        ] {
            let error = CapturedHost::parse(text).unwrap_err().to_string();
            assert!(error.contains(wanted), "{text}: {error}");
        }
    }
}
