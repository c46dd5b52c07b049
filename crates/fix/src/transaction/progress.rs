//! How far a transaction came, from its records. Pure.

use jiff::Timestamp;
use kubeassay_core::Bytes;
use kubeassay_core::facts::Tool;
use kubeassay_core::plan::{EditKind, PlannedNode};
use kubeassay_core::transaction::{
    Outcome, SCHEMA, Step, Transaction, TransactionFile, Verification,
};

use super::folder::{self, Seen};
use super::journal::{Entry, Record};
use super::{Event, id};

/// How far a file came.
#[derive(Clone, Debug)]
pub(super) struct FileProgress {
    /// The file.
    pub(super) target: Bytes,
    /// Whether it was there.
    pub(super) kind: EditKind,
    /// Its digest before.
    pub(super) before: Option<String>,
    /// Its digest after.
    pub(super) after: String,
    /// Whether the new file is complete beside it, and may be in its place.
    pub(super) placing: bool,
    /// Whether it was not written after all.
    pub(super) abandoned: bool,
    /// The attempts in which a copy of the file as it was is complete beside it, and may be in its place.
    pub(super) restoring: Vec<u32>,
}

impl FileProgress {
    /// Returns whether this is the file as it was before.
    pub(super) fn is_before(&self, seen: &Seen) -> bool {
        self.before
            .as_ref()
            .map_or(seen.is_absent(), |before| seen.is(before))
    }
}

/// How far a transaction came.
#[derive(Clone, Debug)]
pub(super) struct Progress {
    /// Its name.
    pub(super) id: String,
    /// When it began.
    pub(super) started: Timestamp,
    tool: Tool,
    node: PlannedNode,
    rules: Vec<String>,
    /// Its files, in the order in which they were written.
    pub(super) files: Vec<FileProgress>,
    /// The folders that were made, or may have been, outer ones first.
    pub(super) folders: Vec<Bytes>,
    /// How often it was undone, or begun to be.
    pub(super) attempts: u32,
    /// Whether systemd read its units again, or may have.
    pub(super) reload: bool,
    /// The units that were started again, or may have been.
    pub(super) units: Vec<Bytes>,
    /// Why it came out as it was meant to, where only clearing away was left.
    pub(super) closing: Option<String>,
    /// How it ended, and when.
    pub(super) finished: Option<(Timestamp, Outcome, String, Vec<String>)>,
    steps: Vec<Step>,
    checks: Vec<Verification>,
}

impl Progress {
    /// Returns how far the transaction called `id` came.
    ///
    /// # Errors
    ///
    /// In a few words, where these cannot be the records of one: with what was understood before.
    pub(super) fn of(id: &str, entries: &[Entry]) -> Result<Self, (Option<Box<Self>>, String)> {
        let (first, rest) = entries
            .split_first()
            .ok_or_else(|| (None, "it has no record".to_owned()))?;
        let mut progress = Self::begun(id, first).ok_or_else(|| {
            (
                None,
                "line 1: it does not begin this transaction".to_owned(),
            )
        })?;
        for (index, entry) in rest.iter().enumerate() {
            if let Err(reason) = progress.add(entry) {
                return Err((
                    Some(Box::new(progress)),
                    format!("line {}: {reason}", index + 2),
                ));
            }
        }
        Ok(progress)
    }

    fn begun(name: &str, entry: &Entry) -> Option<Self> {
        let Record::Begun {
            id,
            tool,
            node,
            rules,
            ..
        } = &entry.record
        else {
            return None;
        };
        let mut progress = Self::unknown(name);
        progress.started = entry.at;
        progress.tool = tool.clone();
        progress.node = node.clone();
        progress.rules.clone_from(rules);
        progress.said(entry.at, "the transaction began");
        (id == name).then_some(progress)
    }

    /// Returns a transaction of which nothing is known but its name.
    pub(super) fn unknown(name: &str) -> Self {
        Self {
            id: name.to_owned(),
            started: id::started(name).unwrap_or(Timestamp::UNIX_EPOCH),
            tool: Tool {
                name: "kubeassay".to_owned(),
                version: String::new(),
                commit: None,
            },
            node: PlannedNode {
                id: String::new(),
                name: String::new(),
            },
            rules: Vec::new(),
            files: Vec::new(),
            folders: Vec::new(),
            attempts: 0,
            reload: false,
            units: Vec::new(),
            closing: None,
            finished: None,
            steps: Vec::new(),
            checks: Vec::new(),
        }
    }

    fn said(&mut self, at: Timestamp, what: impl Into<String>) {
        self.steps.push(Step {
            at,
            what: what.into(),
        });
    }

    fn file(&mut self, index: usize) -> Result<&mut FileProgress, &'static str> {
        self.files
            .get_mut(index)
            .ok_or("it is about a file that is none of the transaction's")
    }

    /// Adds a record.
    ///
    /// # Errors
    ///
    /// In a few words, where it cannot be the next one.
    pub(super) fn add(&mut self, entry: &Entry) -> Result<(), &'static str> {
        let at = entry.at;
        match &entry.record {
            Record::Begun { .. } => return Err("it begins another transaction"),
            Record::Preparing {
                target,
                kind,
                before,
                after,
                ..
            } => {
                if folder::split(target.as_slice()).is_none() {
                    return Err("its file is no absolute path");
                }
                if !is_digest(after)
                    || before
                        .as_ref()
                        .is_some_and(|before| !is_digest(before) || before == after)
                    || before.is_some() != (*kind == EditKind::Change)
                {
                    return Err("its digests cannot be");
                }
                self.files.push(FileProgress {
                    target: target.clone(),
                    kind: *kind,
                    before: before.clone(),
                    after: after.clone(),
                    placing: false,
                    abandoned: false,
                    restoring: Vec::new(),
                });
                self.said(at, format!("{target} is about to be written"));
            }
            Record::Folder { path } => {
                if folder::split(path.as_slice()).is_none() {
                    return Err("its folder is no absolute path");
                }
                self.folders.push(path.clone());
                self.said(at, format!("{path} is about to be made"));
            }
            Record::Placing { file } => self.file(*file)?.placing = true,
            Record::Placed { file } => {
                let target = self.file(*file)?.target.clone();
                self.said(at, format!("{target} is written"));
            }
            Record::Abandoned { file, reason } => {
                let file = self.file(*file)?;
                file.abandoned = true;
                let target = file.target.clone();
                self.said(at, format!("{target} is as before: {reason}"));
            }
            Record::Noted { note } => self.noted(at, note),
            Record::Undoing { attempt } => {
                self.attempts = self.attempts.max(*attempt);
                self.closing = None;
                self.finished = None;
                self.said(at, "the files are about to be put back");
            }
            Record::Restoring { file, attempt } => {
                self.attempts = self.attempts.max(*attempt);
                let file = self.file(*file)?;
                file.restoring.push(*attempt);
                let target = file.target.clone();
                self.said(at, format!("{target} is about to be put back"));
            }
            Record::Undone { hands } if hands.is_empty() => {
                self.said(at, "every file is as before");
            }
            Record::Undone { .. } => self.said(at, "not every file is as before"),
            Record::Closing { reason } => self.closing = Some(reason.clone()),
            Record::Finished {
                outcome,
                reason,
                hands,
            } => {
                self.finished = Some((at, *outcome, reason.clone(), hands.clone()));
                self.said(at, format!("the transaction ended: {}", outcome.as_str()));
            }
        }
        Ok(())
    }

    fn noted(&mut self, at: Timestamp, note: &Event) {
        let what = match note {
            Event::Reloading => {
                self.reload = true;
                "systemd is about to read its units again".to_owned()
            }
            Event::Reloaded => "systemd read its units again".to_owned(),
            Event::Restarting { unit } => {
                if !self.units.contains(unit) {
                    self.units.push(unit.clone());
                }
                format!("{unit} is about to be started again")
            }
            Event::Restarted { unit } => format!("{unit} was started again"),
            Event::Verified { checks } => {
                self.checks.clone_from(checks);
                "it was verified".to_owned()
            }
            Event::RollingBack { reason } => format!("rolling back: {reason}"),
            Event::Said { what } => what.clone(),
        };
        self.said(at, what);
    }

    /// Returns whether it is under way, or was cut short.
    pub(super) const fn is_unfinished(&self) -> bool {
        self.finished.is_none()
    }

    /// Returns whether a file of it may be as it wrote it.
    pub(super) fn wrote(&self, target: &Bytes) -> bool {
        let undone = matches!(
            self.finished,
            Some((_, Outcome::RolledBack | Outcome::Refused, ..))
        );
        let wrote = |file: &FileProgress| !file.abandoned && file.target == *target;
        !undone && self.files.iter().any(wrote)
    }

    /// Returns it as people and programs see it.
    pub(super) fn transaction(&self) -> Transaction {
        let (finished, outcome, reason, hands) =
            if let Some((at, outcome, reason, hands)) = &self.finished {
                (Some(*at), *outcome, reason.clone(), hands.clone())
            } else {
                let reason = "it is under way, or was cut short: `kubeassay rollback` undoes it";
                (None, Outcome::Unfinished, reason.to_owned(), Vec::new())
            };
        let written = self.files.iter().filter(|file| !file.abandoned);
        Transaction {
            schema: SCHEMA.to_owned(),
            id: self.id.clone(),
            tool: self.tool.clone(),
            started: self.started,
            finished,
            node: self.node.clone(),
            rules: self.rules.clone(),
            outcome,
            reason,
            hands,
            files: written
                .map(|file| TransactionFile {
                    target: file.target.clone(),
                    kind: file.kind,
                    before: file.before.clone(),
                    after: file.after.clone(),
                })
                .collect(),
            units: self.units.clone(),
            steps: self.steps.clone(),
            checks: self.checks.clone(),
        }
    }

    /// Returns a transaction whose journal is damaged, as people and programs see it.
    pub(super) fn damaged(&self, reason: &str, folder: &Bytes) -> Transaction {
        Transaction {
            outcome: Outcome::NeedsHands,
            finished: None,
            reason: format!("its journal is damaged: {reason}"),
            hands: vec![format!(
                "compare the host's files with those in {folder}, put back what is missing, then move that folder away"
            )],
            ..self.transaction()
        }
    }
}

/// Returns whether this is a SHA-256 in hexadecimal.
pub(super) fn is_digest(text: &str) -> bool {
    text.len() == 64
        && text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f'))
}
