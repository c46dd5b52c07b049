//! The files of a service as far as they are in its facts, and those that are wanted still.

use std::collections::BTreeSet;

use kubeassay_core::facts::{Entry, FileFacts, FileKind, Link, Need, NeedKind, ServiceFacts};
use kubeassay_core::{Bytes, Cause};

use super::lines::Fault;
use crate::setting::Unknown;

/// Why reading does not go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// Something is not in the facts yet.
    Wanted,
    /// What the service will start cannot be told.
    Unknown(Unknown),
}

impl Stop {
    /// Returns that it cannot be told, because of the file at `path`.
    pub(super) fn because(cause: Cause, path: &Bytes, reason: impl Into<String>) -> Self {
        Self::Unknown(Unknown {
            cause,
            reason: reason.into(),
            path: Some(path.clone()),
        })
    }

    /// Returns that a line of the file at `path` is not understood.
    pub(super) fn fault(path: &Bytes, fault: &Fault) -> Self {
        let cause = if fault.refused {
            Cause::WouldRefuse
        } else {
            Cause::Unsupported
        };
        Self::because(
            cause,
            path,
            format!("{path}:{}: {}", fault.line, fault.what),
        )
    }
}

/// What is at a path.
#[derive(Clone, Copy, Debug)]
pub(super) enum Found<'a> {
    /// Nothing.
    Missing,
    /// A device, such as `/dev/null`: read as an empty file.
    Device,
    /// A file with this content.
    Content(&'a [u8]),
}

/// The files of one service.
pub(super) struct Files<'a> {
    service: &'a ServiceFacts,
    /// What is not in the facts yet.
    pub(super) wanted: Vec<Need>,
    /// The files whose content belongs to the service itself.
    pub(super) own: Vec<Bytes>,
    /// The names that were looked for in the search path: what else its folders hold says nothing of the service.
    pub(super) names: BTreeSet<Vec<u8>>,
}

impl<'a> Files<'a> {
    pub(super) const fn new(service: &'a ServiceFacts) -> Self {
        Self {
            service,
            wanted: Vec::new(),
            own: Vec::new(),
            names: BTreeSet::new(),
        }
    }

    /// Asks for a file; what is in the facts is returned, the rest is wanted.
    fn look_up(&mut self, what: NeedKind, path: &Bytes) -> Result<&'a FileFacts, Stop> {
        let need = Need {
            what,
            path: path.clone(),
        };
        if let Some(facts) = self.service.file(&need) {
            return Ok(facts);
        }
        if !self.wanted.contains(&need) {
            self.wanted.push(need);
        }
        Err(Stop::Wanted)
    }

    /// Asks for several files at once.
    pub(super) fn ask<'p>(
        &mut self,
        what: NeedKind,
        paths: impl IntoIterator<Item = &'p Bytes>,
    ) -> Result<(), Stop> {
        for path in paths {
            drop(self.look_up(what, path));
        }
        if self.wanted.is_empty() {
            Ok(())
        } else {
            Err(Stop::Wanted)
        }
    }

    /// Returns the entries of a folder, links to it followed; none where there is no folder.
    pub(super) fn list(&mut self, folder: &Bytes) -> Result<&'a [Entry], Stop> {
        let facts = self.look_up(NeedKind::Listing, folder)?;
        match &facts.problem {
            Some(trouble) if trouble.cause == Cause::Missing => Ok(&[]),
            Some(trouble) => Err(Stop::Unknown(Unknown::unread(folder, trouble))),
            None => Ok(facts.entries.as_deref().unwrap_or_default()),
        }
    }

    /// Returns what is at a path, links followed.
    pub(super) fn read(&mut self, path: &Bytes) -> Result<Found<'a>, Stop> {
        let facts = self.look_up(NeedKind::Content, path)?;
        if !self.own.contains(path) {
            self.own.push(path.clone());
        }
        match (&facts.problem, facts.kind) {
            // A root that is mounted, or a copy, need not have the device that hides a unit.
            (Some(trouble), None) if trouble.cause == Cause::Missing && ends_in_null(facts) => {
                Ok(Found::Device)
            }
            // With a type it was there, and its content was withheld.
            (Some(trouble), None) if trouble.cause == Cause::Missing => Ok(Found::Missing),
            (Some(trouble), Some(FileKind::CharacterDevice))
                if trouble.cause == Cause::NotRegular =>
            {
                Ok(Found::Device)
            }
            (Some(trouble), _) => Err(Stop::Unknown(Unknown::unread(path, trouble))),
            (None, _) => Ok(Found::Content(
                facts.content.as_ref().map_or(&b""[..], Bytes::as_slice),
            )),
        }
    }

    /// Returns what is known of the file at a path without reading it; nothing where it is not there.
    pub(super) fn presence(&mut self, path: &Bytes) -> Result<Option<&'a FileFacts>, Stop> {
        let facts = self.look_up(NeedKind::Presence, path)?;
        match &facts.problem {
            None => Ok(Some(facts)),
            Some(trouble) if trouble.cause == Cause::Missing => Ok(None),
            Some(trouble) => Err(Stop::Unknown(Unknown::unread(path, trouble))),
        }
    }

    /// Returns the links that were followed on the way to a path, and whether something is at their end.
    pub(super) fn links(
        &mut self,
        path: &Bytes,
    ) -> Result<(&'a [Link], Option<&'a FileFacts>), Stop> {
        let facts = self.look_up(NeedKind::Presence, path)?;
        match &facts.problem {
            None => Ok((&facts.links, Some(facts))),
            Some(trouble)
                if trouble.cause == Cause::Missing || trouble.cause == Cause::NotRegular =>
            {
                Ok((&facts.links, None))
            }
            Some(trouble) => Err(Stop::Unknown(Unknown::unread(path, trouble))),
        }
    }
}

/// Returns whether the last link that was followed leads to `/dev/null`.
fn ends_in_null(facts: &FileFacts) -> bool {
    let last = facts.links.last();
    last.is_some_and(|link| link.target == "/dev/null")
}
