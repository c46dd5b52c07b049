//! A transaction that is under way.

use std::rc::Rc;

use jiff::Timestamp;
use kubeassay_core::Bytes;
use kubeassay_core::plan::EditKind;
use kubeassay_core::transaction::{Outcome, Transaction};
use rustix::fs::Mode;
use rustix::io::Errno;

use super::attributes::Unkept;
use super::error::PUT_IN_PLACE;
use super::failpoint::Step;
use super::folder::{self, Folder, LARGEST_FILE, Regular, Root, Seen};
use super::journal::{Entry, Journal, Record};
use super::progress::{self, Progress};
use super::replace::{self, Exchanged};
use super::undo::{self, Restored};
use super::{Event, FileWrite, Lock, NeedsHands, TransactionError, Undone, id};

/// A transaction that is under way, or that is being undone. It keeps the lock that it was begun with.
#[derive(Debug)]
pub struct Running {
    pub(super) root: Rc<Root>,
    /// Its own folder, in the store.
    pub(super) folder: Folder,
    pub(super) journal: Journal,
    pub(super) progress: Progress,
    pub(super) _lock: Lock,
}

/// A file that was checked, and may be written.
struct Checked {
    /// The file as it is; `None` for one that is made.
    old: Option<Regular>,
    after: String,
}

impl Running {
    /// Returns its name.
    pub fn id(&self) -> &str {
        &self.progress.id
    }

    /// Returns the units that were, or may have been, started again.
    pub fn units(&self) -> &[Bytes] {
        &self.progress.units
    }

    /// Returns it as it is now.
    pub fn transaction(&self) -> Transaction {
        self.progress.transaction()
    }

    /// Puts a file in its place.
    ///
    /// The folders that are missing above a file that is made are made too. The old file lies beside the new one, hidden,
    /// until the transaction ends.
    ///
    /// # Errors
    ///
    /// Where it could not: the file is as before unless [`TransactionError::is_as_before`] says otherwise. Files that
    /// were written earlier stay written, and folders that were made stay: [`undo`](Self::undo) puts all back.
    pub fn write(&mut self, file: &FileWrite, now: Timestamp) -> Result<(), TransactionError> {
        let index = self.progress.files.len();
        let checked = self.check(file)?;
        if let Some(old) = &checked.old {
            self.back_up(index, &old.content)?;
        }
        let record = Record::Preparing {
            path: file.path.clone(),
            target: file.target.clone(),
            kind: file.kind,
            before: file.before.clone(),
            after: checked.after.clone(),
        };
        self.record(record, now)?;
        let Err(cause) = self.put(index, file, &checked, now) else {
            return Ok(());
        };
        match undo::file(self, index, now) {
            Restored::Hands(hands) => Err(TransactionError::NotAsBefore {
                cause: Box::new(cause),
                hands: vec![hands],
            }),
            Restored::Already | Restored::Now => {
                // Undoing looks at the disk: it need not be written down.
                let _ = self.append(
                    Record::Abandoned {
                        file: index,
                        reason: cause.to_string(),
                    },
                    now,
                );
                Err(cause)
            }
        }
    }

    fn check(&self, file: &FileWrite) -> Result<Checked, TransactionError> {
        let refused = |reason: &str| TransactionError::Refused {
            target: file.target.clone(),
            reason: reason.to_owned(),
        };
        let (folder, name) = folder::split(file.target.as_slice())
            .ok_or_else(|| refused("its path is none that can be written"))?;
        if !self.progress.is_unfinished()
            || self.progress.closing.is_some()
            || self.progress.attempts > 0
        {
            return Err(refused("the transaction is at its end"));
        }
        if self.progress.wrote(&file.target) {
            return Err(refused("this transaction wrote it already"));
        }
        if file.content.len() > LARGEST_FILE {
            return Err(refused(
                "its new content is larger than what is worked with",
            ));
        }
        let after = id::digest(&file.content);
        let system = |said| TransactionError::system("read", file.target.clone(), said);
        let old = match (file.kind, &file.before) {
            (EditKind::Change, Some(before)) if progress::is_digest(before) => {
                if *before == after {
                    return Err(refused("its new content is the old one"));
                }
                let seen = self
                    .root
                    .folder(folder)
                    .and_then(|folder| folder.look(name))
                    .map_err(system)?;
                Some(replace::check(seen, before).map_err(refused)?)
            }
            (EditKind::Create, None) => {
                let there = match self.root.folder(folder) {
                    Ok(folder) => folder.status(name).map_err(system)?.is_some(),
                    Err(Errno::NOENT) => false,
                    Err(said) => return Err(system(said)),
                };
                if there {
                    return Err(refused(
                        "it was not there when the plan was made: make the plan again",
                    ));
                }
                None
            }
            _ => {
                return Err(refused(
                    "the plan contradicts itself about whether it is there",
                ));
            }
        };
        Ok(Checked { old, after })
    }

    fn back_up(&self, index: usize, content: &[u8]) -> Result<(), TransactionError> {
        let name = Self::backup_name(index);
        let steps = [Step::BackupCreate, Step::BackupWrite, Step::BackupSync];
        // One may be left of a file that was refused under the same number.
        let left = self.folder.status(&name).and_then(|left| match left {
            Some(_) => self.folder.remove(&name, Step::LeftoverRemove),
            None => Ok(()),
        });
        left.and_then(|()| self.folder.write_new(&name, content, steps))
            .and_then(|()| self.folder.sync(Step::BackupFolderSync))
            .map_err(|said| TransactionError::system("write", self.folder.path_of(&name), said))
    }

    fn put(
        &mut self,
        index: usize,
        file: &FileWrite,
        checked: &Checked,
        now: Timestamp,
    ) -> Result<(), TransactionError> {
        let target = &file.target;
        let (folder, name) = folder::split(target.as_slice()).unwrap_or((b"/", b""));
        let system = |action: &'static str| {
            move |said| TransactionError::system(action, target.clone(), said)
        };
        let refused = |reason: &str| TransactionError::Refused {
            target: target.clone(),
            reason: reason.to_owned(),
        };
        if file.kind == EditKind::Create {
            self.make_folders(folder, now)?;
        }
        let folder = self
            .root
            .folder(folder)
            .map_err(system("open the folder of"))?;
        let staged = self.staged_name(index);
        replace::stage(&folder, &staged, &file.content, checked.old.as_ref()).map_err(
            |unkept| match unkept {
                Unkept::System(said) => {
                    TransactionError::system("write a file beside", target.clone(), said)
                }
                Unkept::Refused(reason) => refused(reason),
            },
        )?;
        self.record(Record::Placing { file: index }, now)?;
        if let Some(old) = &checked.old {
            let (device, inode) = (old.status.st_dev, old.status.st_ino);
            let is_expected = |seen: &Seen| {
                matches!(seen, Seen::File(file) if file.digest == old.digest
                    && (file.status.st_dev, file.status.st_ino) == (device, inode))
            };
            let steps = [Step::ReplaceExchange, Step::ReplaceBack];
            let exchanged = replace::exchange(&folder, &staged, name, steps, is_expected);
            if exchanged.map_err(system(PUT_IN_PLACE))? == Exchanged::PutBack {
                return Err(refused(
                    "somebody else wrote it just now: make the plan again",
                ));
            }
        } else {
            folder
                .place(&staged, name, Step::ReplacePlace)
                .map_err(system(PUT_IN_PLACE))?;
        }
        folder
            .sync(Step::ReplaceSync)
            .map_err(system("sync the folder of"))?;
        self.record(Record::Placed { file: index }, now)
    }

    /// Makes the folder at `path` and those above it, as far as they are missing.
    fn make_folders(&mut self, path: &[u8], now: Timestamp) -> Result<(), TransactionError> {
        let mut missing = Vec::new();
        let mut at = path;
        let mut above = loop {
            match (self.root.folder(at), folder::split(at)) {
                (Ok(folder), _) => break folder,
                (Err(Errno::NOENT), Some((parent, name))) => {
                    missing.push((at, name));
                    at = parent;
                }
                (Err(said), _) => return Err(TransactionError::system("open", at, said)),
            }
        };
        let permissions = Mode::RWXU | Mode::RGRP | Mode::XGRP | Mode::ROTH | Mode::XOTH;
        for (path, name) in missing.into_iter().rev() {
            self.record(
                Record::Folder {
                    path: Bytes::from(path),
                },
                now,
            )?;
            let made = above.make_folder(name, permissions, [Step::FolderMake, Step::FolderMode]);
            above = made
                .and_then(|made| above.sync(Step::FolderSync).map(|()| made))
                .map_err(|said| TransactionError::system("make", path, said))?;
        }
        Ok(())
    }

    /// Writes down a step that is not a file: what is about to be done before it is done.
    ///
    /// # Errors
    ///
    /// Where it could not be written down: the step must not be taken.
    pub fn note(&mut self, event: Event, now: Timestamp) -> Result<(), TransactionError> {
        self.record(Record::Noted { note: event }, now)
    }

    /// Puts every file back that is as this transaction wrote it, the last one first, and removes the folders that it made
    /// as far as they are empty. It goes by what is on the disk, and may be interrupted and repeated.
    ///
    /// What was undone names the units that have to be started again.
    ///
    /// # Errors
    ///
    /// [`NeedsHands`] where somebody else wrote a file since, or it could not be put back; all others are.
    pub fn undo(&mut self, now: Timestamp) -> Result<Undone, NeedsHands> {
        let mut undone = Undone {
            files: Vec::new(),
            reload: self.progress.reload,
            units: self.progress.units.clone(),
        };
        let was_decided = !self.progress.is_unfinished() || self.progress.closing.is_some();
        let attempt = self.progress.attempts.saturating_add(1);
        if let Err(error) = self.record(Record::Undoing { attempt }, now) {
            // What says that it is fixed must not be half undone. Otherwise it goes by the disk, whatever is written down.
            if was_decided {
                return Err(NeedsHands {
                    hands: vec![format!("nothing was put back: {error}")],
                    undone,
                });
            }
            self.progress.attempts = attempt;
        }
        let mut hands = Vec::new();
        for index in (0..self.progress.files.len()).rev() {
            match undo::file(self, index, now) {
                Restored::Already => {}
                Restored::Now => {
                    undone.files.extend(
                        self.progress
                            .files
                            .get(index)
                            .map(|file| file.target.clone()),
                    );
                }
                Restored::Hands(what) => hands.push(what),
            }
        }
        hands.extend(undo::folders(self));
        let _ = self.append(
            Record::Undone {
                hands: hands.clone(),
            },
            now,
        );
        if hands.is_empty() {
            Ok(undone)
        } else {
            Err(NeedsHands { hands, undone })
        }
    }

    /// Ends it.
    ///
    /// [`Outcome::Fixed`] is refused where a file is not as it was written, or where somebody wrote into the old one.
    ///
    /// # Errors
    ///
    /// Where that could not be written down: [`TransactionError::NotClosed`] where everything else is done, and the
    /// next [`Store::recover`](super::Store::recover) completes it; otherwise it is as unfinished as before.
    pub fn finish(
        mut self,
        outcome: Outcome,
        reason: &str,
        hands: Vec<String>,
        now: Timestamp,
    ) -> Result<Transaction, TransactionError> {
        if outcome == Outcome::Fixed {
            self.check_written()?;
            self.record(
                Record::Closing {
                    reason: reason.to_owned(),
                },
                now,
            )?;
            self.complete(now)?;
        } else {
            self.record(
                Record::Finished {
                    outcome,
                    reason: reason.to_owned(),
                    hands,
                },
                now,
            )?;
        }
        Ok(self.transaction())
    }

    /// Clears away what a transaction that came out as it was meant to left lying about, and ends it.
    pub(super) fn complete(&mut self, now: Timestamp) -> Result<(), TransactionError> {
        let reason = self.progress.closing.clone().unwrap_or_default();
        let end = Record::Finished {
            outcome: Outcome::Fixed,
            reason,
            hands: Vec::new(),
        };
        let cleared = self.clear().and_then(|()| self.record(end, now));
        cleared.map_err(|cause| TransactionError::NotClosed {
            id: self.progress.id.clone(),
            cause: cause.plain(),
        })
    }

    fn clear(&self) -> Result<(), TransactionError> {
        for (index, file) in self.progress.files.iter().enumerate() {
            let Some((folder, _)) = folder::split(file.target.as_slice()) else {
                continue;
            };
            let staged = self.staged_name(index);
            let cleared = self.root.folder(folder).and_then(|folder| {
                if folder.status(&staged)?.is_some() {
                    folder.remove(&staged, Step::LeftoverRemove)?;
                    folder.sync(Step::LeftoverSync)?;
                }
                Ok(())
            });
            match cleared {
                Ok(()) | Err(Errno::NOENT) => {}
                Err(said) => {
                    return Err(TransactionError::system(
                        "remove the old file beside",
                        file.target.clone(),
                        said,
                    ));
                }
            }
        }
        Ok(())
    }

    fn check_written(&self) -> Result<(), TransactionError> {
        for (index, file) in self
            .progress
            .files
            .iter()
            .enumerate()
            .filter(|(_, file)| !file.abandoned)
        {
            let system = |said| TransactionError::system("read", file.target.clone(), said);
            let (folder, name) = folder::split(file.target.as_slice()).unwrap_or((b"/", b""));
            let folder = self.root.folder(folder).map_err(system)?;
            let is_written = folder.look(name).map_err(system)?.is(&file.after);
            let old = folder.look(&self.staged_name(index)).map_err(system)?;
            if !is_written || !file.before.as_ref().is_none_or(|before| old.is(before)) {
                return Err(TransactionError::Refused {
                    target: file.target.clone(),
                    reason: "somebody else wrote it while the transaction was under way".to_owned(),
                });
            }
        }
        Ok(())
    }

    /// Writes a record down, and goes by it.
    pub(super) fn append(&mut self, record: Record, now: Timestamp) -> Result<(), Errno> {
        let entry = Entry { at: now, record };
        self.journal.append(&entry)?;
        self.progress.add(&entry).map_err(|_| Errno::INVAL)
    }

    fn record(&mut self, record: Record, now: Timestamp) -> Result<(), TransactionError> {
        let journal = self.folder.path_of(super::store::JOURNAL);
        self.append(record, now)
            .map_err(|said| TransactionError::system("write", journal, said))
    }

    /// Returns the name, in the folder of the target, of the new file until it is in its place, and of the old one from
    /// then on.
    pub(super) fn staged_name(&self, index: usize) -> Vec<u8> {
        format!(".kubeassay-{}-{index}", self.progress.id).into_bytes()
    }

    /// Returns the name, in the folder of the target, of a copy of the file as it was.
    pub(super) fn copy_name(&self, index: usize, attempt: u32) -> Vec<u8> {
        format!(".kubeassay-{}-{index}-undo-{attempt}", self.progress.id).into_bytes()
    }

    pub(super) fn backup_name(index: usize) -> Vec<u8> {
        format!("before-{index}").into_bytes()
    }

    /// Returns the path of the file as it was.
    pub(super) fn backup(&self, index: usize) -> Bytes {
        self.folder.path_of(&Self::backup_name(index))
    }
}
