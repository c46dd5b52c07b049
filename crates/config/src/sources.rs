//! The files a component reads, found in the facts of its process.
//!
//! What the facts do not hold yet becomes a [`Need`]: collecting asks again until nothing new is named, so
//! one piece of code decides what is read and what it means.

mod parsed;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use kubeassay_core::facts::{FileFacts, FileKind, Need, NeedKind, ProcessFacts};
use kubeassay_core::{Bytes, Cause, Component, Origin, OriginKind};

use crate::node::Source;
use crate::path;
use crate::refusal::Refusal;
use crate::secrets;
use crate::setting::Unknown;
use crate::tree::{self, ReadErrorKind};

use parsed::{Language, Parsed};

pub(crate) use parsed::Document;

/// At which moment the files are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// As the running process read them at its start: what changed since is not known.
    Started,
    /// As they are now: what the next start will read.
    Now,
}

/// What the configuration files of one process say. Each is parsed once, in however many versions it is resolved.
#[derive(Debug)]
pub struct Documents<'a> {
    pub(crate) process: &'a ProcessFacts,
    /// Where each argument comes from, for a process that does not run yet.
    origins: Vec<Arc<Origin>>,
    /// Where variables of its environment come from, for the like.
    variables: BTreeMap<String, Arc<Origin>>,
    parsed: RefCell<BTreeMap<Bytes, Parsed>>,
}

impl<'a> Documents<'a> {
    /// Returns the documents of a process, none of them parsed yet.
    pub const fn new(process: &'a ProcessFacts) -> Self {
        Self {
            process,
            origins: Vec::new(),
            variables: BTreeMap::new(),
            parsed: RefCell::new(BTreeMap::new()),
        }
    }

    /// Returns the documents of a process that a service will start, whose arguments come from `origins`.
    pub const fn of_service(process: &'a ProcessFacts, origins: Vec<Arc<Origin>>) -> Self {
        Self {
            process,
            origins,
            variables: BTreeMap::new(),
            parsed: RefCell::new(BTreeMap::new()),
        }
    }

    /// Says where the variables of the process come from.
    #[must_use]
    pub fn with_variables(self, variables: BTreeMap<String, Arc<Origin>>) -> Self {
        Self { variables, ..self }
    }

    /// Returns where a variable comes from, as far as that is known.
    pub(crate) fn origin_of(&self, variable: &str) -> Option<&Arc<Origin>> {
        self.variables.get(variable)
    }

    /// Returns what the file at `source` says, which holds `content`.
    fn parse(&self, source: &Source, content: &[u8]) -> Parsed {
        let parse = || {
            parsed::remembered(
                Language::of(self.process.component, content),
                source,
                content,
            )
        };
        let mut parsed = self.parsed.borrow_mut();
        match parsed.get(&*source.path) {
            // The main file may lie among the drop-ins, where it is another layer.
            Some(Ok(known)) if known.root.origin.kind != source.kind => parse(),
            Some(known) => known.clone(),
            None => {
                let new = parse();
                parsed.insert(Bytes::clone(&source.path), new.clone());
                new
            }
        }
    }
}

/// Reads the files of one process and notes what is missing from the facts.
pub(crate) struct Files<'a> {
    documents: &'a Documents<'a>,
    process: &'a ProcessFacts,
    when: When,
    pub(crate) needs: Vec<Need>,
    /// The content of a file, or of a folder, is not in the facts yet.
    pub(crate) unread: bool,
    /// Something may have changed since the process started, and was not looked at.
    pub(crate) stale: bool,
}

/// What became of a configuration file.
pub(crate) enum Loaded {
    /// It was read.
    Read(Rc<Document>),
    /// It could not be read, or not as it was.
    Unknown(Unknown),
    /// The component refuses it.
    Refused(Refusal),
}

/// What became of a directory.
pub(crate) enum Listed {
    /// Its entries, sorted by name.
    Entries(Vec<(Bytes, FileKind)>),
    /// It is no directory (a symbolic link counts as none).
    Other,
    /// It is not there.
    Missing,
    /// It could not be read, or not as it was.
    Unknown(Unknown),
}

/// Whether a file is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    Present,
    Missing,
    Unknown,
}

impl<'a> Files<'a> {
    pub(crate) const fn new(documents: &'a Documents<'a>, when: When) -> Self {
        Self {
            documents,
            process: documents.process,
            when,
            needs: Vec::new(),
            unread: false,
            stale: false,
        }
    }

    /// Returns whether the files are looked at as the running process read them.
    pub(crate) fn is_about_the_start(&self) -> bool {
        self.when == When::Started
    }

    /// Returns where each argument comes from; none where the process itself has them.
    pub(crate) fn origins(&self) -> &[Arc<Origin>] {
        &self.documents.origins
    }

    /// Returns `path` made absolute against the working directory of the process.
    pub(crate) fn absolute(&self, path: &Bytes) -> Option<Bytes> {
        path::absolute(path, self.process.cwd.as_ref())
    }

    fn look_up(&mut self, what: NeedKind, path: &Bytes) -> Result<&'a FileFacts, Unknown> {
        let need = Need {
            what,
            path: path.clone(),
        };
        if let Some(facts) = self.process.file(&need) {
            return Ok(facts);
        }
        self.unread |= what != NeedKind::Presence;
        self.needs.push(need);
        Err(Unknown {
            cause: Cause::Missing,
            reason: format!("{path} is not in the facts"),
            path: Some(path.clone()),
        })
    }

    /// Returns why what is on disk now may not be what the process read.
    fn stale(&mut self, facts: &FileFacts) -> Option<Unknown> {
        if self.when == When::Now {
            return None;
        }
        let unknown = self.changed_since(facts);
        self.stale |= unknown.is_some();
        unknown
    }

    fn changed_since(&self, facts: &FileFacts) -> Option<Unknown> {
        let path = &facts.need.path;
        let Some(started) = self.process.started else {
            return Some(Unknown {
                cause: Cause::Stale,
                reason: format!(
                    "when the process started is not known, so {path} may have changed since"
                ),
                path: Some(path.clone()),
            });
        };
        let changed = facts.last_change()?;
        let error = i64::from(started.error_ms);
        let later_by = changed
            .as_millisecond()
            .saturating_sub(started.at.as_millisecond());
        if later_by.saturating_add(error) < 0 {
            return None;
        }
        let reason = if later_by > error {
            format!(
                "{path} changed at {changed:.0}, {} after the process started; what it said at the start is not known",
                kubeassay_core::duration::format(later_by.saturating_mul(1_000_000)),
            )
        } else {
            format!(
                "{path} changed at {changed:.0}, too close to the start of the process (within {error} ms) to tell which came first"
            )
        };
        Some(Unknown {
            cause: Cause::Stale,
            reason,
            path: Some(path.clone()),
        })
    }

    /// Returns why the folders on the way may not be those that the process went through.
    ///
    /// A folder that is renamed brings along files older than the process. Renaming changes the folder's inode
    /// and none of its entries, so that its ctime is later than its mtime; as does a change of its mode, which
    /// cannot be told apart. A link to it counts here although it counts for the file too: who swaps a folder for
    /// a link all the time shows the file in the one and, a moment later, the other. What lies in or above the kubelet's root directory is left out: that is a mount
    /// of its own, which cannot be renamed, and the kubelet sets modes there itself.
    pub(crate) fn moved_folder(&mut self, path: &Bytes, root: &Bytes) -> Option<Unknown> {
        if self.when == When::Now {
            return None;
        }
        let started = self.process.started?;
        let mut folder = path::parent(path);
        while folder != "/" && folder != "." {
            let own = path::is_below(&folder, root) || path::is_below(root, &folder);
            let facts = if own {
                None
            } else {
                self.look_up(NeedKind::Presence, &folder).ok()
            };
            if let Some(trouble) = facts.and_then(|facts| facts.problem.as_ref())
                && self.was_found(path)
            {
                return Some(Unknown {
                    cause: Cause::Conflict,
                    reason: format!(
                        "{path} was found although the folder {folder} on the way to it was not: {}",
                        trouble.reason
                    ),
                    path: Some(folder),
                });
            }
            if let Some(changed) = facts.and_then(FileFacts::last_move) {
                let later_by = changed
                    .as_millisecond()
                    .saturating_sub(started.at.as_millisecond());
                if later_by.saturating_add(i64::from(started.error_ms)) >= 0 {
                    self.stale = true;
                    return Some(Unknown {
                        cause: Cause::Stale,
                        reason: format!(
                            "the folder {folder} was renamed, linked anew, or its mode or owner set, at {changed:.0}, after the process started; whether {path} is the file that it read is not known"
                        ),
                        path: Some(folder),
                    });
                }
            }
            folder = path::parent(&folder);
        }
        None
    }

    /// Returns whether the facts hold anything that was found at `path`.
    fn was_found(&self, path: &Bytes) -> bool {
        let mut files = self.process.files.iter();
        files.any(|file| file.need.path == *path && file.problem.is_none())
    }

    /// Reads and parses the configuration file at the absolute `path`.
    pub(crate) fn load(&mut self, path: &Bytes, kind: OriginKind) -> Loaded {
        let facts = match self.look_up(NeedKind::Content, path) {
            Ok(facts) => facts,
            Err(unknown) => return Loaded::Unknown(unknown),
        };
        let digest = facts
            .sha256
            .as_ref()
            .map(|digest| Arc::from(format!("sha256:{digest}")));
        let source = Source {
            kind,
            path: Arc::new(path.clone()),
            digest,
        };
        if let Some(trouble) = &facts.problem {
            let origin = Some(source.whole());
            return match (trouble.cause, facts.kind) {
                (Cause::Missing, _) => Loaded::Refused(Refusal::missing(
                    format!("open {path}: no such file or directory"),
                    origin,
                )),
                (_, Some(FileKind::Directory)) => {
                    Loaded::Refused(Refusal::new(format!("read {path}: is a directory"), origin))
                }
                _ => Loaded::Unknown(Unknown::unread(path, trouble)),
            };
        }
        if let Some(unknown) = self.stale(facts) {
            return Loaded::Unknown(unknown);
        }
        let content = facts.content.as_ref().map_or(&b""[..], Bytes::as_slice);
        // A kubelet refuses that text, as it would refuse what stood there.
        let is_kubelet = self.process.component == Component::Kubelet;
        if content == secrets::WITHHELD && !is_kubelet {
            return Loaded::Unknown(Unknown {
                cause: Cause::Unsupported,
                reason: format!("{path} may hold credentials, so its text is not in the facts"),
                path: Some(path.clone()),
            });
        }
        if content.is_empty() && is_kubelet {
            let reason = format!("kubelet config file {:?} was empty", path.to_string());
            return Loaded::Refused(Refusal::new(reason, Some(source.whole())));
        }
        match self.documents.parse(&source, content) {
            Ok(document) => Loaded::Read(document),
            Err(error)
                if matches!(error.kind, ReadErrorKind::TooLarge | ReadErrorKind::TooDeep) =>
            {
                Loaded::Unknown(Unknown {
                    cause: Cause::TooLarge,
                    reason: format!("{path}:{}:{}: {}", error.line, error.column, error.message),
                    path: Some(path.clone()),
                })
            }
            Err(error) => {
                let mark = tree::Mark {
                    line: error.line,
                    column: error.column,
                    ..tree::Mark::default()
                };
                let reason = format!("failed to decode: {}", error.message);
                Loaded::Refused(Refusal::new(reason, Some(source.origin(&mark))))
            }
        }
    }

    /// Notes the content of the file at the absolute `path` as a need where it is not in the facts.
    pub(crate) fn ask(&mut self, path: &Bytes) {
        drop(self.look_up(NeedKind::Content, path));
    }

    /// Notes type, mode and owner of what lies at `path` as a need, where they are not in the facts.
    pub(crate) fn ask_metadata(&mut self, path: &Bytes) {
        if let Some(path) = self.absolute(path) {
            drop(self.look_up(NeedKind::Metadata, &path::clean(&path)));
        }
    }

    /// Returns the digests of the public keys of all certificates in the file at `path`.
    pub(crate) fn public_keys(&mut self, path: &Bytes) -> Result<Vec<String>, Unknown> {
        let path = self.absolute(path).ok_or_else(|| Unknown {
            cause: Cause::Denied,
            reason: format!(
                "{path} is relative, and the working directory of process {} could not be read",
                self.process.pid
            ),
            path: Some(path.clone()),
        })?;
        let path = path::clean(&path);
        let facts = self.look_up(NeedKind::PublicKeys, &path)?;
        if let Some(trouble) = &facts.problem {
            return Err(Unknown::unread(&path, trouble));
        }
        if let Some(unknown) = self.stale(facts) {
            return Err(unknown);
        }
        facts.public_keys.clone().ok_or_else(|| Unknown {
            cause: Cause::Unsupported,
            reason: format!("the public keys in {path} were not read"),
            path: Some(path.clone()),
        })
    }

    /// Lists the directory at the absolute `path`, not following a symbolic link.
    pub(crate) fn list(&mut self, path: &Bytes) -> Listed {
        let facts = match self.look_up(NeedKind::Listing, path) {
            Ok(facts) => facts,
            Err(unknown) => return Listed::Unknown(unknown),
        };
        if let Some(trouble) = &facts.problem {
            return match trouble.cause {
                Cause::Missing => Listed::Missing,
                _ => Listed::Unknown(Unknown::unread(path, trouble)),
            };
        }
        if let Some(unknown) = self.stale(facts) {
            return Listed::Unknown(unknown);
        }
        match (&facts.entries, facts.kind) {
            (Some(entries), Some(FileKind::Directory)) => {
                let mut entries: Vec<_> = entries
                    .iter()
                    .map(|entry| (entry.name.clone(), entry.kind))
                    .collect();
                entries.sort();
                Listed::Entries(entries)
            }
            _ => Listed::Other,
        }
    }

    /// Tells whether the file at `path` is there.
    pub(crate) fn presence(&mut self, path: &Bytes) -> Presence {
        match self.absolute(path) {
            Some(path) => self.presence_by(NeedKind::Presence, &path),
            None => Presence::Unknown,
        }
    }

    /// Tells whether the file at `path` is there, of which mode and owner are asked for too.
    pub(crate) fn presence_by_metadata(&mut self, path: &Bytes) -> Presence {
        match self.absolute(path) {
            Some(path) => self.presence_by(NeedKind::Metadata, &path::clean(&path)),
            None => Presence::Unknown,
        }
    }

    fn presence_by(&mut self, what: NeedKind, path: &Bytes) -> Presence {
        match self.look_up(what, path) {
            Err(_) => Presence::Unknown,
            Ok(facts) => match &facts.problem {
                None => Presence::Present,
                Some(trouble) if trouble.cause == Cause::Missing => Presence::Missing,
                Some(_) => Presence::Unknown,
            },
        }
    }
}
