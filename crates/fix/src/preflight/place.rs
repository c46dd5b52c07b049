//! Whether there is room where something is written, and whether it can be written there.

use std::collections::BTreeMap;

use kubeassay_core::Bytes;
use kubeassay_core::plan::{Edit, EditKind, Plan};

use super::{Outcome, worst};

/// What is left free on every file system.
const SPARE: u64 = 1 << 20;
/// How many files a transaction makes besides a new content and a backup of each file.
const OWN_FILES: u64 = 8;

/// A place where something is to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file, or the folder of the journal.
    pub path: Bytes,
    /// The nearest folder on the way to it that is there.
    pub folder: Bytes,
    /// What was found; the error is a part of a sentence about the folder.
    pub found: Result<Found, String>,
}

/// What was found at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The file system.
    pub device: u64,
    /// How many bytes are free for anybody.
    pub available: u64,
    /// How many files can still be made; none where the file system does not count them.
    pub inodes: Option<u64>,
    /// The file's size; none where it is not there, or is no regular file.
    pub size: Option<u64>,
    /// It is mounted read-only.
    pub read_only: bool,
    /// The file or its folder is immutable, or may only be appended to.
    pub marked: bool,
    /// The file is a mount of its own.
    pub own_mount: bool,
    /// The kind of file system of the folder.
    pub file_system: FileSystem,
}

/// A kind of file system, as far as it matters for exchanging files (`RENAME_EXCHANGE` of renameat2(2)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileSystem {
    /// One on which files can be exchanged.
    Exchanges,
    /// Another one, by its number.
    Other(u32),
}

/// Those whose `rename` takes `RENAME_EXCHANGE` in every kernel that is still maintained, by the magic numbers of the
/// kernel's `include/uapi/linux/magic.h`: ext2 to ext4, XFS, Btrfs, F2FS, tmpfs, overlayfs, bcachefs.
const EXCHANGING: [u32; 7] = [
    0xef53,
    0x5846_5342,
    0x9123_683e,
    0xf2f5_2010,
    0x0102_1994,
    0x794c_7630,
    0xca45_1a4e,
];

impl FileSystem {
    /// Returns what the number of a file system means (statfs(2)).
    pub(super) fn of(magic: impl TryInto<i64>) -> Self {
        // The field's type differs between machines; the numbers have 32 bits.
        let number = magic.try_into().unwrap_or(0) & i64::from(u32::MAX);
        let number = u32::try_from(number).unwrap_or(0);
        if EXCHANGING.contains(&number) {
            Self::Exchanges
        } else {
            Self::Other(number)
        }
    }
}

/// What a file system is to hold.
#[derive(Default)]
struct Wanted {
    bytes: u64,
    files: u64,
}

/// Tells whether every file system that is written to has room: for the new content of a file in its folder, and for
/// that and what it replaces in the journal.
pub(super) fn room(plan: &Plan, edits: &[Place], journal: Option<&Place>) -> Outcome {
    let Some(journal) = journal.filter(|_| edits.len() == plan.edits.len()) else {
        return not_looked_at();
    };
    let mut devices: BTreeMap<u64, (Wanted, &Place, &Found)> = BTreeMap::new();
    let mut kept = Wanted {
        bytes: 0,
        files: OWN_FILES,
    };
    let mut wants = Vec::new();
    for (edit, place) in plan.edits.iter().zip(edits) {
        let before = match &place.found {
            Ok(found) => found.size.unwrap_or(0),
            Err(_) => 0,
        };
        let after = size_after(edit, before);
        kept.bytes = kept.bytes.saturating_add(before.saturating_add(after));
        kept.files += 2;
        let wanted = Wanted {
            bytes: after,
            // A folder may have to be made.
            files: 2,
        };
        wants.push((place, wanted));
    }
    wants.push((journal, kept));
    for (place, wanted) in wants {
        let found = match &place.found {
            Ok(found) => found,
            Err(why) => {
                return Outcome::unknown(format!(
                    "how much room there is at {} is not known: {} {why}",
                    place.path, place.folder
                ));
            }
        };
        let (sum, ..) = devices
            .entry(found.device)
            .or_insert((Wanted::default(), place, found));
        sum.bytes = sum.bytes.saturating_add(wanted.bytes);
        sum.files += wanted.files;
    }
    let outcomes = devices.into_values().map(|(wanted, place, found)| {
        let bytes = wanted.bytes.saturating_add(SPARE);
        let folder = &place.folder;
        if found.available < bytes {
            return Outcome::fail(format!(
                "the file system of {folder} has {} KiB free, and {} KiB are needed; free some",
                found.available >> 10,
                bytes.div_ceil(1024)
            ));
        }
        match found.inodes {
            Some(inodes) if inodes < wanted.files => Outcome::fail(format!(
                "the file system of {folder} has room for {inodes} files (inodes), and {} are needed; remove some",
                wanted.files
            )),
            _ => Outcome::pass("there is room for what is written and its backups".to_owned()),
        }
    });
    worst(outcomes).unwrap_or_else(not_looked_at)
}

/// Returns how large a file of `before` bytes will be.
fn size_after(edit: &Edit, before: u64) -> u64 {
    let sum = |lines: &[Bytes]| -> u64 { lines.iter().map(|line| line.len() as u64).sum() };
    let gone: u64 = edit.hunks.iter().map(|hunk| sum(&hunk.old)).sum();
    let come: u64 = edit.hunks.iter().map(|hunk| sum(&hunk.new)).sum();
    before.saturating_sub(gone).saturating_add(come)
}

/// Tells whether every file can be replaced, and the journal be written.
pub(super) fn writable(plan: &Plan, edits: &[Place], journal: Option<&Place>) -> Outcome {
    let Some(journal) = journal.filter(|_| edits.len() == plan.edits.len()) else {
        return not_looked_at();
    };
    let edited = plan.edits.iter().zip(edits);
    let edited = edited.map(|(edit, place)| one_writable(Some(edit.kind), place));
    worst(edited.chain([one_writable(None, journal)])).unwrap_or_else(not_looked_at)
}

/// Tells whether one file can be replaced or made; without a kind, whether the folder can be written to.
fn one_writable(kind: Option<EditKind>, place: &Place) -> Outcome {
    let Place { path, folder, .. } = place;
    let found = match &place.found {
        Ok(found) => found,
        Err(why) => {
            return Outcome::unknown(format!(
                "whether {path} can be written is not known: it, or a folder on the way to it, {why}"
            ));
        }
    };
    if found.read_only {
        return Outcome::fail(format!(
            "{path} lies on a file system that is mounted read-only; the system may be one whose settings are changed elsewhere"
        ));
    }
    if found.marked {
        return Outcome::fail(format!(
            "{path} or its folder is immutable or may only be appended to; somebody did that on purpose: ask them, then `chattr -i -a`"
        ));
    }
    match kind {
        Some(EditKind::Change) if found.size.is_none() => {
            return Outcome::fail(format!(
                "{path} is no regular file, or is gone; make the plan again"
            ));
        }
        Some(EditKind::Change) if found.own_mount => {
            return Outcome::fail(format!(
                "{path} is a mount of its own, which cannot be replaced; change the file that is mounted there"
            ));
        }
        Some(EditKind::Change) => {}
        Some(EditKind::Create) if found.size.is_some() => {
            return Outcome::fail(format!("{path} is there meanwhile; make the plan again"));
        }
        Some(EditKind::Create) | None => return Outcome::pass(ABLE.to_owned()),
    }
    match found.file_system {
        FileSystem::Exchanges => Outcome::pass(ABLE.to_owned()),
        FileSystem::Other(number) => Outcome::unknown(format!(
            "whether two files can be exchanged in one step on the file system of {folder} (number {number:#x}) is not known; accept it with --accept writable: where they cannot, nothing is changed"
        )),
    }
}

/// What is said where everything can be written.
const ABLE: &str = "every file that is written lies on a file system that is mounted writable, and none is immutable";

fn not_looked_at() -> Outcome {
    Outcome::unknown("where it would be written was not looked at".to_owned())
}
