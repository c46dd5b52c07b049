//! Putting back what was there: from the journal and the disk alone, so that it does not matter which process was ended
//! where, and that it may be repeated.
//!
//! Nothing here needs room on the disk while the old file lies beside the new one, as it does until the transaction ends.

use jiff::Timestamp;
use kubeassay_core::Bytes;
use kubeassay_core::plan::EditKind;
use rustix::io::Errno;
use thiserror::Error;

use super::attributes::Unkept;
use super::failpoint::Step;
use super::folder::{self, Folder, Seen};
use super::journal::Record;
use super::progress::FileProgress;
use super::replace::{self, Exchanged};
use super::running::Running;

/// What was undone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Undone {
    /// The files that were put back now; those that were as before already are not among them.
    pub files: Vec<Bytes>,
    /// Whether systemd read its units again, or may have: it has to once more.
    pub reload: bool,
    /// The units that were started again, or may have been: they have to be once more.
    pub units: Vec<Bytes>,
}

/// Not everything could be put back.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("not everything could be put back: {}", .hands.join("; "))]
pub struct NeedsHands {
    /// What a person has to do, a sentence each.
    pub hands: Vec<String>,
    /// What was put back all the same.
    pub undone: Undone,
}

/// How a file is, after it was looked after.
#[derive(Debug)]
pub(super) enum Restored {
    /// As before, as it was already.
    Already,
    /// As before, now.
    Now,
    /// Neither, and why.
    Hands(String),
}

/// Why a file is not put back.
#[derive(Debug)]
enum Stuck {
    /// The system refused.
    System(Errno),
    /// In a sentence without an end.
    Because(String),
}

impl From<Errno> for Stuck {
    fn from(said: Errno) -> Self {
        Self::System(said)
    }
}

impl From<Unkept> for Stuck {
    fn from(unkept: Unkept) -> Self {
        match unkept {
            Unkept::System(said) => Self::System(said),
            Unkept::Refused(reason) => Self::Because(reason.to_owned()),
        }
    }
}

/// Puts the file with this number back where it is as the transaction wrote it, and removes what lies about.
pub(super) fn file(running: &mut Running, index: usize, now: Timestamp) -> Restored {
    let Some(file) = running.progress.files.get(index).cloned() else {
        return Restored::Already;
    };
    let restored = match opened(running, &file) {
        Ok(Some((folder, name))) => {
            let mut undoing = Undoing {
                file: &file,
                index,
                folder: &folder,
                name,
                running,
                now,
            };
            undoing.leftovers().and_then(|()| undoing.restore())
        }
        Ok(None) => Ok(Restored::Already),
        Err(said) => Err(said.into()),
    };
    restored.unwrap_or_else(|stuck| Restored::Hands(hands(running, index, &file, &stuck)))
}

/// Returns what a person has to do about a file.
fn hands(running: &Running, index: usize, file: &FileProgress, stuck: &Stuck) -> String {
    let target = &file.target;
    let why = match stuck {
        Stuck::System(said) => {
            // It may have been a last sync that failed.
            let now = opened(running, file).and_then(|opened| match opened {
                Some((folder, name)) => folder.look(name),
                None => Ok(Seen::Absent),
            });
            if now.is_ok_and(|now| file.is_before(&now)) {
                return format!(
                    "{target} is as before, but the system said: {said}; look at the disk (dmesg)"
                );
            }
            said.to_string()
        }
        Stuck::Because(reason) => reason.clone(),
    };
    match file.kind {
        EditKind::Create => format!(
            "{target} was made by this transaction and is left as it is ({why}): remove it where it is not needed"
        ),
        EditKind::Change => format!(
            "{target} is left as it is ({why}): the file as it was before is {}; compare the two, and put back what is \
             missing",
            running.backup(index)
        ),
    }
}

/// Returns the folder of a file and its name; `None` where the folder is not there, and with it neither a file that was
/// to be made.
fn opened<'a>(
    running: &Running,
    file: &'a FileProgress,
) -> Result<Option<(Folder, &'a [u8])>, Errno> {
    let (folder, name) = folder::split(file.target.as_slice()).ok_or(Errno::INVAL)?;
    match running.root.folder(folder) {
        Ok(folder) => Ok(Some((folder, name))),
        Err(Errno::NOENT) if file.kind == EditKind::Create || !file.placing || file.abandoned => {
            Ok(None)
        }
        Err(said) => Err(said),
    }
}

/// A file that is being put back.
struct Undoing<'a> {
    file: &'a FileProgress,
    index: usize,
    folder: &'a Folder,
    name: &'a [u8],
    running: &'a mut Running,
    now: Timestamp,
}

impl Undoing<'_> {
    fn is_ours(&self, seen: &Seen) -> bool {
        seen.is(&self.file.after)
            || self
                .file
                .before
                .as_ref()
                .is_some_and(|before| seen.is(before))
    }

    fn remove(&self, name: &[u8]) -> Result<(), Errno> {
        self.folder.remove(name, Step::LeftoverRemove)?;
        self.folder.sync(Step::LeftoverSync)
    }

    /// Removes the copies that earlier attempts to put it back left behind.
    fn leftovers(&mut self) -> Result<(), Stuck> {
        for attempt in 1..=self.running.progress.attempts {
            let copy = self.running.copy_name(self.index, attempt);
            let seen = self.folder.look(&copy)?;
            if seen.is_absent() {
                continue;
            }
            // Only a complete copy was ever put in a place. What stands for it now and is neither of ours was written by
            // somebody else while it was, and goes back.
            let was_complete = self.file.restoring.contains(&attempt);
            if was_complete && !self.is_ours(&seen) {
                let target = self.folder.look(self.name)?;
                if !self.file.is_before(&target) {
                    let copy = self.folder.path_of(&copy);
                    return Err(Stuck::Because(format!(
                        "somebody else wrote it twice; what was there first is {copy}"
                    )));
                }
                let steps = [Step::UndoBack, Step::UndoBack];
                let before = self.file.before.clone().unwrap_or_default();
                replace::exchange(self.folder, &copy, self.name, steps, |seen| {
                    seen.is(&before)
                })?;
                self.folder.sync(Step::ReplaceSync)?;
            }
            self.remove(&copy)?;
        }
        Ok(())
    }

    fn restore(&mut self) -> Result<Restored, Stuck> {
        let staged_name = self.running.staged_name(self.index);
        let staged = self.folder.look(&staged_name)?;
        if !self.file.placing || self.file.abandoned {
            // It may be cut short, and is nobody else's.
            if !staged.is_absent() {
                self.remove(&staged_name)?;
            }
            return Ok(Restored::Already);
        }
        let target = self.folder.look(self.name)?;
        match self.file.kind {
            EditKind::Change => self.restore_changed(&staged_name, &staged, &target),
            EditKind::Create => self.restore_created(&staged_name, &staged, &target),
        }
    }

    fn restore_changed(
        &mut self,
        staged_name: &[u8],
        staged: &Seen,
        target: &Seen,
    ) -> Result<Restored, Stuck> {
        let before = self.file.before.clone().unwrap_or_default();
        if target.is(&self.file.after) && !staged.is(&self.file.after) {
            if staged.is_absent() {
                return self.restore_from_backup(&before);
            }
            // The exchange took place. What came out goes back, be it the old file or what somebody else wrote just then.
            let steps = [Step::UndoExchange, Step::UndoBack];
            let after = &self.file.after;
            let done = replace::exchange(self.folder, staged_name, self.name, steps, |seen| {
                seen.is(after)
            })?;
            self.folder.sync(Step::ReplaceSync)?;
            if done == Exchanged::PutBack {
                let staged = self.folder.look(staged_name)?;
                return self.foreign(staged_name, &staged);
            }
            self.remove(staged_name)?;
            return Ok(Restored::Now);
        }
        if target.is(&self.file.after) {
            // Both are: it was somebody else who wrote the same, and it stays.
            self.remove(staged_name)?;
            return Ok(Restored::Already);
        }
        if target.is(&before) || staged.is(&self.file.after) {
            // Either it is as before, or ours never was in its place and somebody else wrote it.
            if staged.is_absent() {
                return Ok(Restored::Already);
            }
            if self.is_ours(staged) {
                self.remove(staged_name)?;
                return Ok(Restored::Already);
            }
        }
        if target.is(&before) && self.running.progress.attempts > 1 {
            // An earlier attempt put the old file in the place of what somebody else wrote just then, and was ended.
            let steps = [Step::UndoBack, Step::UndoBack];
            replace::exchange(self.folder, staged_name, self.name, steps, |seen| {
                seen.is(&before)
            })?;
            self.folder.sync(Step::ReplaceSync)?;
            self.remove(staged_name)?;
            return Err(Stuck::Because("somebody else wrote it since".to_owned()));
        }
        self.foreign(staged_name, staged)
    }

    /// Says that somebody else wrote the file since.
    fn foreign(&self, staged_name: &[u8], staged: &Seen) -> Result<Restored, Stuck> {
        if self.is_ours(staged) {
            self.remove(staged_name)?;
        } else if !staged.is_absent() {
            let staged = self.folder.path_of(staged_name);
            return Err(Stuck::Because(format!(
                "somebody else wrote it twice; what was there first is {staged}"
            )));
        }
        Err(Stuck::Because("somebody else wrote it since".to_owned()))
    }

    /// Puts a copy of the backup in its place, with the owner, mode and attributes that the file has now.
    fn restore_from_backup(&mut self, before: &str) -> Result<Restored, Stuck> {
        let backup = self
            .running
            .folder
            .look(&Running::backup_name(self.index))?;
        let Seen::File(backup) = backup else {
            return Err(Stuck::Because("its backup is gone".to_owned()));
        };
        if backup.digest != before {
            return Err(Stuck::Because("its backup is damaged".to_owned()));
        }
        let Seen::File(target) = self.folder.look(self.name)? else {
            return Err(Stuck::Because("somebody else wrote it since".to_owned()));
        };
        if target.status.st_nlink != 1 {
            return Err(Stuck::Because(
                "it has more than one name (hard links) now".to_owned(),
            ));
        }
        let attempt = self.running.progress.attempts.max(1);
        let copy = self.running.copy_name(self.index, attempt);
        let after = self.file.after.clone();
        let staged =
            replace::stage(self.folder, &copy, &backup.content, Some(&target)).map_err(Stuck::from);
        let record = Record::Restoring {
            file: self.index,
            attempt,
        };
        let staged =
            staged.and_then(|()| self.running.append(record, self.now).map_err(Stuck::System));
        if let Err(stuck) = staged {
            // Where this fails too, the next attempt does it.
            let _ = self.remove(&copy);
            return Err(stuck);
        }
        let inode = target.status.st_ino;
        let expected = |seen: &Seen| matches!(seen, Seen::File(file) if file.digest == after && file.status.st_ino == inode);
        let steps = [Step::UndoExchange, Step::UndoBack];
        let done = replace::exchange(self.folder, &copy, self.name, steps, expected)?;
        self.folder.sync(Step::ReplaceSync)?;
        self.remove(&copy)?;
        match done {
            Exchanged::Done => Ok(Restored::Now),
            Exchanged::PutBack => Err(Stuck::Because("somebody else wrote it just now".to_owned())),
        }
    }

    fn restore_created(
        &mut self,
        staged_name: &[u8],
        staged: &Seen,
        target: &Seen,
    ) -> Result<Restored, Stuck> {
        if !staged.is_absent() {
            if staged.is(&self.file.after) {
                // Either it was never in its place, or it was withdrawn already.
                self.remove(staged_name)?;
                return Ok(Restored::Already);
            }
            // It was withdrawn, and somebody else had written it by then.
            self.folder
                .place(staged_name, self.name, Step::UndoReturn)?;
            self.folder.sync(Step::ReplaceSync)?;
            return Err(Stuck::Because("somebody else wrote it since".to_owned()));
        }
        if target.is_absent() {
            return Ok(Restored::Already);
        }
        if !target.is(&self.file.after) {
            return Err(Stuck::Because("somebody else wrote it since".to_owned()));
        }
        self.folder
            .place(self.name, staged_name, Step::UndoWithdraw)?;
        if !self.folder.look(staged_name)?.is(&self.file.after) {
            self.folder
                .place(staged_name, self.name, Step::UndoReturn)?;
            self.folder.sync(Step::ReplaceSync)?;
            return Err(Stuck::Because("somebody else wrote it just now".to_owned()));
        }
        self.folder.sync(Step::ReplaceSync)?;
        self.remove(staged_name)?;
        Ok(Restored::Now)
    }
}

/// Removes the folders that the transaction made, as far as they are empty.
pub(super) fn folders(running: &Running) -> Vec<String> {
    let mut hands = Vec::new();
    for path in running.progress.folders.iter().rev() {
        let Some((parent, name)) = folder::split(path.as_slice()) else {
            continue;
        };
        let removed = running.root.folder(parent).and_then(|parent| {
            parent.remove_folder(name, Step::UndoFolder)?;
            // An empty folder that comes back after a power failure does no harm.
            let _ = parent.sync(Step::LeftoverSync);
            Ok(())
        });
        match removed {
            // Somebody else put something into it: it is theirs now.
            Ok(()) | Err(Errno::NOENT | Errno::NOTEMPTY | Errno::EXIST | Errno::NOTDIR) => {}
            Err(said) => hands.push(format!(
                "{path} was made by this transaction, and could not be removed ({said}): remove it"
            )),
        }
    }
    hands
}
