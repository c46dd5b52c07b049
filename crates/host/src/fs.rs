//! Trees of files, named without being opened.
//!
//! Everything is first a [`Node`]: a file that was found (on Linux an `O_PATH` descriptor), so that its type
//! is known before anything is opened. The same code walks the live machine, a mounted root, a captured
//! folder and a captured host in memory.

pub(crate) mod bounds;
pub(crate) mod certificate;
mod der;
pub(crate) mod disk;
pub(crate) mod memory;
pub(crate) mod public_keys;
pub(crate) mod read;
#[cfg(test)]
mod tests;
pub(crate) mod walk;

use std::sync::Arc;

use jiff::Timestamp;
use kubeassay_core::Cause;
use kubeassay_core::facts::{Entry, FileKind, Trouble};
use rustix::io::Errno;

/// A file that was found and not opened.
pub(crate) type Handle = Arc<dyn Node>;

/// A file of a host, found and not opened.
pub(crate) trait Node: Send + Sync {
    /// Finds an entry of this directory; a symbolic link is not followed. `name` is one component.
    fn child(&self, name: &[u8]) -> Result<Handle, Errno>;

    /// Returns what is known of it without opening it.
    fn status(&self) -> Result<Status, Errno>;

    /// Returns the id of the mount that it lies on, where the kernel says. Asks nobody but the kernel.
    fn mount(&self) -> Result<Option<u64>, Errno>;

    /// Returns what a symbolic link says.
    fn target(&self) -> Result<Vec<u8>, Errno>;

    /// Returns the name of the kernel file system that it lies on, if it does.
    fn kernel_file_system(&self) -> Result<Option<&'static str>, Errno>;

    /// Returns the entries of this directory in no order, or `None` if there are more than `limit`.
    fn entries(&self, limit: usize) -> Result<Option<Vec<Entry>>, Errno>;

    /// Opens it for reading. Only for what was found to be a regular file that is no kernel file.
    fn open(&self) -> Result<Box<dyn Opened>, Errno>;

    /// Returns what the kernel's own resolution finds below this directory, without leaving it; `None`
    /// where there is none to ask.
    fn resolve(&self, path: &[u8], links: Links) -> Option<Result<Identity, Errno>>;

    /// Finds what is at `path` below this directory in one step, with no link on the way (`ELOOP`); `None` where the
    /// kernel has no such step.
    fn find_plain(&self, _path: &[u8]) -> Option<Result<Handle, Errno>> {
        None
    }

    /// Reads the symbolic link at the relative `path`, whose last component is not followed.
    fn link_at(&self, path: &str) -> Result<Vec<u8>, Errno>;

    /// Finds what a link of a live procfs (`root`, `exe`) leads to, whatever namespace that is in.
    fn follow(&self, name: &str) -> Result<Handle, Errno>;

    /// Returns what is known of the file that a link of a live procfs leads to, as far as the kernel remembers.
    fn status_behind(&self, name: &str) -> Result<Status, Errno>;

    /// Reads up to `limit` bytes, and one more to show that there are more, of a file of a live procfs.
    fn read_kernel(&self, path: &str, limit: usize) -> Result<Vec<u8>, Errno>;

    /// Reads at most `limit` bytes of a file of a live procfs, at once: what one call of the kernel gives.
    fn read_kernel_start(&self, path: &str, limit: usize) -> Result<Vec<u8>, Errno>;
}

/// Which symbolic links the kernel's own resolution follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Links {
    /// All.
    All,
    /// All but one in the last component.
    AllButLast,
}

/// A regular file opened for reading.
pub(crate) trait Opened {
    /// Reads at `offset`; 0 is the end.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize, Errno>;

    /// Returns what is known of it now.
    fn status(&self) -> Result<Status, Errno>;
}

/// What is known of a file without opening it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Status {
    pub(crate) kind: FileKind,
    pub(crate) mode: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) size: u64,
    /// How many names it has; 0 where that is not said.
    pub(crate) names: u32,
    pub(crate) identity: Identity,
    /// Times as the kernel gave them, to see that a file changes while it is read.
    pub(crate) raw_times: ((i64, u32), (i64, u32)),
    /// Last change of the content, where this tree's times mean anything.
    pub(crate) modified: Option<Timestamp>,
    /// Last change of the inode, likewise.
    pub(crate) changed: Option<Timestamp>,
}

/// Which file it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Identity {
    pub(crate) device: u64,
    pub(crate) inode: u64,
    /// The mount it was reached through, where the kernel says (Linux 5.8).
    pub(crate) mount: Option<u64>,
}

impl Identity {
    /// Returns whether both are the same file, whatever mount they were reached through.
    pub(crate) const fn same_file(self, other: Self) -> bool {
        self.device == other.device && self.inode == other.inode
    }
}

/// Returns the cause that stands for `errno`.
///
/// A loop of links and a name that is too long are `missing`: nobody, the component included, can open
/// anything by such a name. An error of the device is `denied`: reading was refused, by whomever.
pub(crate) const fn cause(errno: Errno) -> Cause {
    match errno {
        Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::NAMETOOLONG => Cause::Missing,
        Errno::SRCH | Errno::STALE => Cause::Vanished,
        Errno::AGAIN | Errno::TIMEDOUT => Cause::Blocked,
        Errno::NXIO | Errno::NODEV | Errno::ISDIR => Cause::NotRegular,
        _ => Cause::Denied,
    }
}

/// Returns the trouble that `errno` is for `what`.
pub(crate) fn trouble(errno: Errno, what: impl std::fmt::Display) -> Trouble {
    let reason = match errno {
        Errno::NOENT => format!("{what} is not there"),
        Errno::NOTDIR => format!("a part of {what} is not a directory"),
        Errno::LOOP => format!("{what} is a loop of symbolic links"),
        Errno::NAMETOOLONG => format!("{what} is too long for a path"),
        Errno::ACCESS | Errno::PERM => format!("reading {what} was refused"),
        Errno::SRCH => format!("{what} went away while it was read"),
        Errno::AGAIN | Errno::TIMEDOUT => format!("{what} did not answer in time"),
        _ => format!("reading {what} failed: {errno}"),
    };
    Trouble {
        cause: cause(errno),
        reason,
    }
}
