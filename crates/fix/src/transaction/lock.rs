//! The lock of a host: one process at a time changes it.

use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::time::Duration;

use rustix::fs::{FlockOperation, OFlags};
use rustix::io::Errno;

use super::failpoint::{Step, call};
use super::folder::{Folder, Seen, write_all};

/// The name of the file, in the store.
const NAME: &[u8] = b"lock";

/// How often it is tried: whoever only looks whether it is taken has it for a moment.
const TRIES: u32 = 5;

/// Nobody else changes this host while it lives, or a transaction that was begun with it.
#[derive(Clone, Debug)]
pub struct Lock {
    /// The lock goes when the last descriptor of this file is closed.
    _file: Rc<OwnedFd>,
}

/// Why there is no lock.
#[derive(Debug)]
pub(super) enum Unlocked {
    /// Another process has it.
    Taken(Option<u32>),
    /// The system refused.
    System(Errno),
}

/// Takes the lock in a store.
pub(super) fn take(store: &Folder) -> Result<Lock, Unlocked> {
    let opened = call(Step::LockFile, || {
        store.open(NAME, OFlags::RDWR | OFlags::CREATE)
    });
    let file = opened.map_err(Unlocked::System)?;
    let mut tries = 0;
    loop {
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => break,
            Err(Errno::INTR) => {}
            Err(Errno::WOULDBLOCK) if tries < TRIES => {
                tries += 1;
                std::thread::sleep(Duration::from_millis(20));
            }
            Err(Errno::WOULDBLOCK) => return Err(Unlocked::Taken(holder(store))),
            Err(said) => return Err(Unlocked::System(said)),
        }
    }
    let process = format!("{}\n", rustix::process::getpid().as_raw_nonzero());
    call(Step::LockClear, || rustix::fs::ftruncate(&file, 0))
        .and_then(|()| call(Step::LockProcess, || write_all(&file, process.as_bytes())))
        .map_err(Unlocked::System)?;
    Ok(Lock {
        _file: Rc::new(file),
    })
}

/// Returns whether a process has the lock in a store; makes no file.
pub(super) fn is_taken(store: &Folder) -> Result<bool, Errno> {
    let file = match store.open(NAME, OFlags::RDONLY) {
        Ok(file) => file,
        Err(Errno::NOENT) => return Ok(false),
        Err(said) => return Err(said),
    };
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockShared) {
        Ok(()) => Ok(false),
        Err(Errno::WOULDBLOCK) => Ok(true),
        Err(said) => Err(said),
    }
}

/// Returns the process that wrote its number into the lock.
fn holder(store: &Folder) -> Option<u32> {
    match store.look_within(NAME, 64) {
        Ok(Seen::File(file)) => std::str::from_utf8(&file.content).ok()?.trim().parse().ok(),
        _ => None,
    }
}
