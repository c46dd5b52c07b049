//! Where facts are taken: the live machine, a mounted root, a captured folder or a captured host.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use kubeassay_core::Bytes;
use kubeassay_core::facts::{FileKind, Source};
use rustix::io::Errno;

use crate::captured::{CapturedError, CapturedHost, ReadError};
use crate::fs::disk::{DiskNode, Times, Ways, is_live_procfs};
use crate::fs::{Handle, Node as _, memory};
use crate::proc::Proc;

/// A host that facts can be taken from.
pub struct Host {
    source: Source,
    /// The folder below which it is read; none for the machine itself and for a captured host.
    folder: Option<PathBuf>,
    root: Handle,
    proc: Arc<Proc>,
    taken: Option<Timestamp>,
    started: BTreeMap<u32, Timestamp>,
    /// It was captured with files that never answer.
    silent: bool,
}

/// Why a host could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// There is nothing at the path, or it may not be read.
    #[error("cannot open {}", path.display())]
    Unreadable {
        /// The path.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// It is a directory without `proc`.
    #[error("{} has no `proc` directory, so nothing that runs there can be seen", path.display())]
    NoProc {
        /// The directory.
        path: PathBuf,
    },
    /// Its `proc` is an empty directory: nothing is mounted there.
    #[error("`proc` in {} is empty: no procfs is mounted there (in a container, mount the host's `/` with its sub-mounts, or its `/proc` too)", path.display())]
    EmptyProc {
        /// The directory.
        path: PathBuf,
    },
    /// It is a file that is no captured host.
    #[error("{}", path.display())]
    Captured {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: CapturedError,
    },
}

impl Host {
    /// Opens the host at `root`; without one, or for `/`, the machine that kubeassay runs on.
    ///
    /// A directory is a mounted root if its `proc` is a live procfs, else a captured folder. A file is a
    /// captured host.
    ///
    /// # Errors
    ///
    /// Fails if there is no host at `root` that could be looked at, see [`HostError`].
    pub fn open(root: Option<&Path>) -> Result<Self, HostError> {
        let folder = root.filter(|path| *path != Path::new("/"));
        let path = folder.unwrap_or(Path::new("/"));
        let ways = Ways::of_this_kernel(Times::Trusted);
        let root = match DiskNode::root(path, ways) {
            Ok(root) => root,
            Err(Errno::NOTDIR) => return Self::captured(path),
            Err(errno) => return Err(unreadable(path, errno)),
        };
        let no_proc = || HostError::NoProc {
            path: path.to_owned(),
        };
        let proc = match root.child(b"proc") {
            Ok(proc) => proc,
            Err(Errno::NOENT) => return Err(no_proc()),
            Err(errno) => return Err(unreadable(path, errno)),
        };
        let status = proc.status().map_err(|errno| unreadable(path, errno))?;
        if status.kind != FileKind::Directory {
            return Err(no_proc());
        }
        let live = is_live_procfs(proc.as_ref()).map_err(|errno| unreadable(path, errno))?;
        let source = match (live, folder) {
            (true, None) => Source::Live,
            (true, Some(_)) => Source::Root,
            (false, None) => return Err(no_proc()),
            (false, Some(_)) => return Self::folder(path),
        };
        Ok(Self {
            source,
            folder: folder.map(Path::to_owned),
            root: Arc::new(root),
            proc: Arc::new(Proc::new(proc, true)),
            taken: None,
            started: BTreeMap::new(),
            silent: false,
        })
    }

    /// Returns the captured host that `captured` describes.
    ///
    /// # Errors
    ///
    /// Fails if it has no `/proc`.
    pub fn from_captured(captured: &CapturedHost) -> Result<Self, HostError> {
        Self::in_memory(captured, Path::new("captured host"))
    }

    fn captured(path: &Path) -> Result<Self, HostError> {
        let captured = CapturedHost::load(path).map_err(|source| HostError::Captured {
            path: path.to_owned(),
            source,
        })?;
        Self::in_memory(&captured, path)
    }

    fn in_memory(captured: &CapturedHost, path: &Path) -> Result<Self, HostError> {
        let root = memory::root(captured);
        let proc = root.child(b"proc").map_err(|_| HostError::NoProc {
            path: path.to_owned(),
        })?;
        Ok(Self {
            source: Source::Captured,
            folder: None,
            root,
            proc: Arc::new(Proc::new(proc, false)),
            taken: captured.taken,
            started: captured.started.clone(),
            silent: captured
                .files
                .values()
                .any(|file| file.error == Some(ReadError::Blocks)),
        })
    }

    /// A folder with a recorded `proc`: a copy, whose times are those of the copy.
    fn folder(path: &Path) -> Result<Self, HostError> {
        let ways = Ways::of_this_kernel(Times::ModifiedOfFiles);
        let refused = |errno| unreadable(path, errno);
        let root = DiskNode::root(path, ways).map_err(refused)?;
        let proc = root.child(b"proc").map_err(refused)?;
        let entries = proc.entries(1).map_err(refused)?;
        if entries.is_some_and(|entries| entries.is_empty()) {
            return Err(HostError::EmptyProc {
                path: path.to_owned(),
            });
        }
        Ok(Self {
            source: Source::Captured,
            folder: Some(path.to_owned()),
            root: Arc::new(root),
            proc: Arc::new(Proc::new(proc, false)),
            taken: None,
            started: BTreeMap::new(),
            silent: false,
        })
    }

    /// Returns the host of these trees, of which `proc` is live.
    #[cfg(test)]
    pub(crate) fn of_trees(
        source: Source,
        root: Handle,
        proc: Handle,
        taken: Option<Timestamp>,
    ) -> Self {
        Self {
            source,
            folder: None,
            root,
            proc: Arc::new(Proc::new(proc, true)),
            taken,
            started: BTreeMap::new(),
            silent: false,
        }
    }

    /// Returns what kind of host it is.
    pub const fn source(&self) -> Source {
        self.source
    }

    /// Returns the folder below which it is read.
    pub(crate) fn folder_bytes(&self) -> Option<Bytes> {
        let folder = self.folder.as_deref()?;
        Some(folder.as_os_str().as_encoded_bytes().into())
    }

    pub(crate) const fn root(&self) -> &Handle {
        &self.root
    }

    pub(crate) fn proc(&self) -> &Proc {
        &self.proc
    }

    /// Returns whether it was captured with files that never answer.
    pub(crate) const fn is_silent(&self) -> bool {
        self.silent
    }

    /// Returns when it was captured, if it says so.
    pub(crate) const fn taken(&self) -> Option<Timestamp> {
        self.taken
    }

    /// Returns when a process started, if the captured host says so.
    pub(crate) fn recorded_start(&self, pid: u32) -> Option<Timestamp> {
        self.started.get(&pid).copied()
    }
}

fn unreadable(path: &Path, errno: Errno) -> HostError {
    HostError::Unreadable {
        path: path.to_owned(),
        source: errno.into(),
    }
}
