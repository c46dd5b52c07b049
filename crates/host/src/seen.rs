//! What was read of files so far, so that none is read twice in one scan, through however many views it is seen: a pod's
//! mount of a host's file is that file.

use std::collections::HashMap;
use std::sync::Mutex;

use kubeassay_core::facts::{Entry, NeedKind};

use crate::fs::Status;

/// How many bytes are remembered of all files together.
const MOST_BYTES: usize = 4 << 20;
/// The largest content and the longest list that are remembered: a folder of systemd's units has some hundred entries.
const LARGEST: usize = 128 << 10;
/// What an entry or a digest takes beside its text.
const BYTES_OF_ONE: usize = 64;

/// What was read of a file. Nothing of a private key is ever among it: none is read.
#[derive(Clone)]
pub(crate) enum What {
    /// Its content.
    Content(Vec<u8>),
    /// The digests of its public keys.
    Digests(Vec<String>),
    /// Its entries.
    Entries(Vec<Entry>),
}

impl What {
    fn size(&self) -> usize {
        match self {
            Self::Content(content) => content.len(),
            Self::Digests(digests) => digests.iter().map(|one| one.len() + BYTES_OF_ONE).sum(),
            Self::Entries(entries) => {
                let sizes = entries
                    .iter()
                    .map(|one| one.name.as_slice().len() + BYTES_OF_ONE);
                sizes.sum()
            }
        }
    }
}

/// A file as it was, by the numbers that it cannot change and keep.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    device: u64,
    inode: u64,
    size: u64,
    times: ((i64, u32), (i64, u32)),
    what: NeedKind,
}

impl Key {
    /// Returns the key of what is needed of a file that has this status.
    pub(crate) const fn of(status: &Status, what: NeedKind) -> Self {
        // A directory is listed in one way, whatever for.
        let what = match what {
            NeedKind::Metadata => NeedKind::Listing,
            other => other,
        };
        Self {
            device: status.identity.device,
            inode: status.identity.inode,
            size: status.size,
            times: status.raw_times,
            what,
        }
    }
}

/// What was read so far. No lock is held while anything is read.
#[derive(Default)]
pub(crate) struct Seen(Mutex<Remembered>);

#[derive(Default)]
struct Remembered {
    files: HashMap<Key, What>,
    bytes: usize,
}

impl Seen {
    /// Returns what was read of a file, if it was read and is what it was then.
    pub(crate) fn get(&self, key: &Key) -> Option<What> {
        self.0.lock().ok()?.files.get(key).cloned()
    }

    /// Remembers what was read of a file.
    pub(crate) fn put(&self, key: Key, what: &What) {
        // Even what is empty takes its place.
        let size = what.size() + BYTES_OF_ONE;
        if size <= LARGEST
            && let Ok(mut seen) = self.0.lock()
            && seen.bytes + size <= MOST_BYTES
        {
            seen.bytes += size;
            seen.files.insert(key, what.clone());
        }
    }
}
