//! What was read of files so far, so that none is read twice in one scan, through however many views it is seen: a pod's
//! mount of a host's file is that file.

use std::collections::HashMap;
use std::sync::Mutex;

use kubeassay_core::facts::{Entry, NeedKind};

use crate::fs::Status;

/// How many files are remembered.
const MOST_FILES: usize = 512;
/// The largest content and the longest list that are remembered: together not more than a few MiB.
const LARGEST: usize = 16 << 10;

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
            Self::Digests(digests) => digests.iter().map(String::len).sum(),
            Self::Entries(entries) => entries.len() * 64,
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
pub(crate) struct Seen(Mutex<HashMap<Key, What>>);

impl Seen {
    /// Returns what was read of a file, if it was read and is what it was then.
    pub(crate) fn get(&self, key: &Key) -> Option<What> {
        self.0.lock().ok()?.get(key).cloned()
    }

    /// Remembers what was read of a file.
    pub(crate) fn put(&self, key: Key, what: &What) {
        if what.size() <= LARGEST
            && let Ok(mut seen) = self.0.lock()
            && seen.len() < MOST_FILES
        {
            seen.insert(key, what.clone());
        }
    }
}
