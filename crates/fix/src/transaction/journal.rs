//! The records of a transaction, and how they are kept: one a line, each down to the disk before the step that it
//! announces is taken.
//!
//! A line is the SHA-256 (its first half) of the sum before it and of its record, and the record as JSON. So no line can
//! be missing, moved or changed unseen. What stands behind the last line end was being written when the process was
//! ended, so that its step was not taken: it counts for nothing.

use std::os::fd::OwnedFd;

use jiff::Timestamp;
use kubeassay_core::Bytes;
use kubeassay_core::facts::Tool;
use kubeassay_core::plan::{EditKind, PlannedNode};
use kubeassay_core::transaction::Outcome;
use rustix::fs::FallocateFlags;
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::Event;
use super::failpoint::{Step, call};
use super::id::hex;

/// The largest journal that is read.
pub(super) const LARGEST: usize = 4 << 20;

/// The longest record that is written: [`LARGEST`] has room for many.
const LONGEST: usize = 256 << 10;

/// How much of the disk is reserved, so that a transaction that began can be ended on a full one.
const RESERVED: u64 = 64 << 10;

/// How many bytes of the sum count.
const SUM: usize = 16;

/// Something that was done, or is about to be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "kebab-case")]
pub(super) enum Record {
    /// The transaction begins.
    Begun {
        /// Its name.
        id: String,
        /// Who applies it.
        tool: Tool,
        /// The node.
        node: PlannedNode,
        /// The rules.
        rules: Vec<String>,
        /// Hexadecimal SHA-256 of the plan.
        plan: String,
    },
    /// A file is about to be written; its backup is complete.
    Preparing {
        /// The file as it is called.
        path: Bytes,
        /// The file that is written.
        target: Bytes,
        /// Whether it is there.
        kind: EditKind,
        /// Digest before.
        before: Option<String>,
        /// Digest after.
        after: String,
    },
    /// A folder is about to be made.
    Folder {
        /// The folder.
        path: Bytes,
    },
    /// The new file is complete beside the old one, and about to be put in its place.
    Placing {
        /// Which file, from 0.
        file: usize,
    },
    /// It is in its place.
    Placed {
        /// Which file.
        file: usize,
    },
    /// It was not written after all: everything about it is as before.
    Abandoned {
        /// Which file.
        file: usize,
        /// Why.
        reason: String,
    },
    /// A step that is not a file.
    Noted {
        /// The step.
        note: Event,
    },
    /// All files are about to be put back.
    Undoing {
        /// For which time, from 1.
        attempt: u32,
    },
    /// A copy of the file as it was is complete beside the new one, and about to be put in its place.
    Restoring {
        /// Which file.
        file: usize,
        /// In which attempt.
        attempt: u32,
    },
    /// All files were put back, but for those that hands are needed for.
    Undone {
        /// What a person has to do.
        hands: Vec<String>,
    },
    /// Everything was done as it was meant to be; only what lies about is to be cleared away.
    Closing {
        /// Why.
        reason: String,
    },
    /// The transaction ended.
    Finished {
        /// How.
        outcome: Outcome,
        /// Why.
        reason: String,
        /// What a person has to do.
        hands: Vec<String>,
    },
}

/// A record, and when it was written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Entry {
    /// When.
    pub(super) at: Timestamp,
    /// What.
    #[serde(flatten)]
    pub(super) record: Record,
}

/// What was read of a journal.
#[derive(Debug, Default)]
pub(super) struct Contents {
    /// The records up to the first that cannot be relied on.
    pub(super) entries: Vec<Entry>,
    /// How many bytes they take.
    pub(super) length: usize,
    /// The sum of the last of them.
    pub(super) sum: String,
    /// What is wrong with the next one; `None` where there is none.
    pub(super) damage: Option<String>,
    /// Whether a line was cut short behind them.
    pub(super) torn: bool,
}

/// Reads a journal.
pub(super) fn read(journal: &[u8]) -> Contents {
    let mut contents = Contents::default();
    for line in journal.split_inclusive(|byte| *byte == b'\n') {
        let Some(text) = line.strip_suffix(b"\n") else {
            contents.torn = true;
            break;
        };
        match entry(text, &contents.sum) {
            Ok((entry, sum)) => {
                contents.entries.push(entry);
                contents.length += line.len();
                contents.sum = sum;
            }
            Err(reason) => {
                contents.damage = Some(format!("line {}: {reason}", contents.entries.len() + 1));
                break;
            }
        }
    }
    contents
}

/// Reads a line behind the one with the sum `previous`; returns its record and sum.
fn entry(line: &[u8], previous: &str) -> Result<(Entry, String), &'static str> {
    let (sum, rest) = line.split_at_checked(2 * SUM).ok_or("it is too short")?;
    let record = rest
        .strip_prefix(b" ")
        .ok_or("it is not of a sum and a record")?;
    let expected = sum_of(previous, record);
    if sum != expected.as_bytes() {
        return Err("its sum is another");
    }
    let entry = serde_json::from_slice(record)
        .map_err(|_| "it is not understood: it may be of a newer version")?;
    Ok((entry, expected))
}

/// Returns the line of an entry behind the one with the sum `previous`, and its sum.
pub(super) fn line(entry: &Entry, previous: &str) -> Option<(Vec<u8>, String)> {
    let record = serde_json::to_vec(entry)
        .ok()
        .filter(|record| record.len() <= LONGEST)?;
    Some(sealed(&record, previous))
}

/// Returns a line with its sum.
pub(super) fn sealed(record: &[u8], previous: &str) -> (Vec<u8>, String) {
    let sum = sum_of(previous, record);
    ([sum.as_bytes(), b" ", record, b"\n"].concat(), sum)
}

fn sum_of(previous: &str, record: &[u8]) -> String {
    let digest = Sha256::new()
        .chain_update(previous)
        .chain_update(record)
        .finalize();
    hex(digest.get(..SUM).unwrap_or_default())
}

/// A journal that is being written.
#[derive(Debug)]
pub(super) struct Journal {
    file: OwnedFd,
    length: usize,
    sum: String,
    /// Whether something may stand behind the last record.
    is_torn: bool,
}

impl Journal {
    /// Begins a journal in an empty file.
    pub(super) fn begin(file: OwnedFd) -> Result<Self, Errno> {
        reserve(&file)?;
        Ok(Self {
            file,
            length: 0,
            sum: String::new(),
            is_torn: false,
        })
    }

    /// Goes on with a journal that was read.
    pub(super) fn resume(file: OwnedFd, contents: &Contents) -> Self {
        Self {
            file,
            length: contents.length,
            sum: contents.sum.clone(),
            is_torn: contents.torn,
        }
    }

    /// Adds a record, down to the disk.
    ///
    /// # Errors
    ///
    /// Where it could not: then it is not there.
    pub(super) fn append(&mut self, entry: &Entry) -> Result<(), Errno> {
        self.cut()?;
        let (line, sum) = line(entry, &self.sum).ok_or(Errno::FBIG)?;
        if self.length + line.len() > LARGEST {
            return Err(Errno::FBIG);
        }
        self.is_torn = true;
        match self.write(&line) {
            Ok(()) => {
                self.length += line.len();
                self.sum = sum;
                self.is_torn = false;
                Ok(())
            }
            Err(said) => {
                // Where this fails too, the next record tries it again.
                let _ = self.cut();
                Err(said)
            }
        }
    }

    fn write(&self, line: &[u8]) -> Result<(), Errno> {
        // In two parts where tests end the process between them: a line cut short.
        let half = if cfg!(feature = "failpoints") {
            line.len() / 2
        } else {
            line.len()
        };
        let (first, rest) = line.split_at_checked(half).unwrap_or((line, &[]));
        call(Step::JournalWrite, || self.write_at(first, self.length))?;
        if !rest.is_empty() {
            call(Step::JournalRest, || {
                self.write_at(rest, self.length + first.len())
            })?;
        }
        call(Step::JournalSync, || rustix::fs::fsync(&self.file))
    }

    fn write_at(&self, mut content: &[u8], mut at: usize) -> Result<(), Errno> {
        while !content.is_empty() {
            let offset = u64::try_from(at).map_err(|_| Errno::FBIG)?;
            match rustix::io::pwrite(&self.file, content, offset) {
                Ok(0) => return Err(Errno::IO),
                Ok(length) => {
                    at += length;
                    content = content.get(length..).unwrap_or_default();
                }
                Err(Errno::INTR) => {}
                Err(said) => return Err(said),
            }
        }
        Ok(())
    }

    /// Takes away what stands behind the last record.
    fn cut(&mut self) -> Result<(), Errno> {
        if self.is_torn {
            let length = u64::try_from(self.length).map_err(|_| Errno::FBIG)?;
            call(Step::JournalCut, || {
                rustix::fs::ftruncate(&self.file, length)
            })?;
            self.is_torn = false;
            // Cutting gave back what was reserved; where it cannot be had again, a record says so itself.
            let _ = reserve(&self.file);
        }
        Ok(())
    }
}

/// Reserves room on the disk, where the file system can do that.
fn reserve(file: &OwnedFd) -> Result<(), Errno> {
    let reserved = call(Step::JournalReserve, || {
        rustix::fs::fallocate(file, FallocateFlags::KEEP_SIZE, 0, RESERVED)
    });
    match reserved {
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => Ok(()),
        reserved => reserved,
    }
}

#[cfg(test)]
mod tests {
    use super::{Entry, Event, Record, line, read};

    fn journal(notes: &[&str]) -> Vec<u8> {
        let mut journal = Vec::new();
        let mut sum = String::new();
        for what in notes {
            let note = Event::Said {
                what: (*what).to_owned(),
            };
            let at = "2026-11-26T01:30:00Z".parse().unwrap();
            let (line, next) = line(
                &Entry {
                    at,
                    record: Record::Noted { note },
                },
                &sum,
            )
            .unwrap();
            journal.extend(line);
            sum = next;
        }
        journal
    }

    #[test]
    fn what_was_cut_short_counts_for_nothing() {
        let (one, both) = (journal(&["one"]), journal(&["one", "two"]));
        for length in 0..=both.len() {
            let contents = read(&both[..length]);
            let whole = if length < one.len() {
                0
            } else if length < both.len() {
                1
            } else {
                2
            };
            assert_eq!(
                (contents.entries.len(), &contents.damage),
                (whole, &None),
                "{length}"
            );
            assert_eq!(
                contents.torn,
                ![0, one.len(), both.len()].contains(&length),
                "{length}"
            );
        }
    }

    #[test]
    fn what_was_changed_is_seen() {
        let journal = journal(&["one", "two", "three"]);
        for at in 0..journal.len() {
            let mut changed = journal.clone();
            changed[at] ^= 1;
            let contents = read(&changed);
            // The last line end is all that tells a complete line from one that was cut short.
            let seen = contents.damage.is_some() || (at == journal.len() - 1 && contents.torn);
            assert!(seen && contents.entries.len() < 3, "{at}: {contents:?}");
        }
    }

    #[test]
    fn a_line_that_is_missing_is_seen() {
        let journal = journal(&["one", "two", "three"]);
        let lines: Vec<&[u8]> = journal.split_inclusive(|byte| *byte == b'\n').collect();
        for (lines, whole) in [
            ([lines[0], lines[2]], 1),
            ([lines[1], lines[2]], 0),
            ([lines[1], lines[0]], 0),
        ] {
            let contents = read(&lines.concat());
            assert_eq!(contents.entries.len(), whole);
            assert_eq!(
                contents.damage,
                Some(format!("line {}: its sum is another", whole + 1))
            );
        }
    }
}
