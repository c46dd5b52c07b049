//! A procfs: the live one, or one recorded as plain files.
//!
//! Everything about one process is read through one open directory, so that a process id that is given to
//! another process meanwhile cannot mix two: the directory of the first then answers nothing more.

pub(crate) mod cgroup;
pub(crate) mod cmdline;
pub(crate) mod mountinfo;
pub(crate) mod stat;
pub(crate) mod status;

use kubeassay_core::Cause;
use kubeassay_core::facts::Trouble;
use rustix::io::Errno;

use crate::fs::{Handle, read, trouble};

/// The most entries of `/proc` that are listed: more than any kernel has process ids (`PID_MAX_LIMIT`).
const MOST_PROCESSES: usize = 4 << 20;

/// A procfs.
pub(crate) struct Proc {
    directory: Handle,
    live: bool,
}

impl Proc {
    /// Returns the procfs at `directory`, which is `live` or recorded.
    pub(crate) const fn new(directory: Handle, live: bool) -> Self {
        Self { directory, live }
    }

    /// Returns whether it is a live one.
    pub(crate) const fn is_live(&self) -> bool {
        self.live
    }

    /// Returns the directory itself.
    pub(crate) fn directory(&self) -> &Handle {
        &self.directory
    }

    /// Returns the ids of all processes that it shows, in order.
    pub(crate) fn processes(&self) -> Result<Vec<u32>, Trouble> {
        let entries = self
            .directory
            .entries(MOST_PROCESSES)
            .map_err(|errno| trouble(errno, "/proc"))?
            .unwrap_or_default();
        let mut ids: Vec<u32> = entries
            .iter()
            .filter_map(|entry| entry.name.as_str()?.parse().ok())
            .collect();
        ids.sort_unstable();
        Ok(ids)
    }

    /// Finds a process.
    pub(crate) fn process(&self, pid: u32) -> Result<ProcessDirectory, Errno> {
        let directory = self.directory.child(pid.to_string().as_bytes())?;
        Ok(ProcessDirectory {
            pid,
            directory,
            live: self.live,
        })
    }

    /// Reads a file that is not of one process, or of our own.
    pub(crate) fn read(&self, path: &str, most: usize) -> Result<Vec<u8>, Trouble> {
        read_file(
            &self.directory,
            self.live,
            path,
            &format!("/proc/{path}"),
            most,
        )
    }

    /// Reads a link that is not of one process, or of our own.
    pub(crate) fn link(&self, path: &str) -> Result<Vec<u8>, Trouble> {
        let link = self.directory.link_at(path);
        link.map_err(|errno| trouble(errno, format!("/proc/{path}")))
    }
}

/// The directory of one process.
pub(crate) struct ProcessDirectory {
    pub(crate) pid: u32,
    directory: Handle,
    live: bool,
}

impl ProcessDirectory {
    /// Returns whether it is one of a live procfs.
    pub(crate) const fn is_live(&self) -> bool {
        self.live
    }

    /// Returns the path of a file in it, as it is spoken of.
    pub(crate) fn path(&self, name: &str) -> String {
        format!("/proc/{}/{name}", self.pid)
    }

    /// Reads one of its files, of at most `most` bytes.
    pub(crate) fn read(&self, name: &str, most: usize) -> Result<Vec<u8>, Trouble> {
        let content = read_file(&self.directory, self.live, name, &self.path(name), most);
        content.map_err(|trouble| self.gone(trouble))
    }

    /// Reads the first `most` bytes of one of its files.
    pub(crate) fn read_start(&self, name: &str, most: usize) -> Result<Vec<u8>, Trouble> {
        if !self.live {
            return self.read(name, read::MOST_CONFIGURATION);
        }
        let content = self.directory.read_kernel(name, most);
        content.map_err(|errno| self.gone(trouble(errno, self.path(name))))
    }

    /// Reads one of its links. A live kernel thread has no `exe`: that is `missing`, as is everything of a
    /// process that has ended.
    pub(crate) fn link(&self, name: &str) -> Result<Vec<u8>, Trouble> {
        let target = self.directory.link_at(name);
        target.map_err(|errno| trouble(errno, self.path(name)))
    }

    /// Finds what one of its links leads to, in whatever namespace; only on a live procfs.
    pub(crate) fn follow(&self, name: &str) -> Result<Handle, Trouble> {
        let found = self.directory.follow(name);
        found.map_err(|errno| self.gone(trouble(errno, self.path(name))))
    }

    /// A file that every process has is not missing but gone, with its process.
    fn gone(&self, trouble: Trouble) -> Trouble {
        if self.live && trouble.cause == Cause::Missing {
            return Trouble {
                cause: Cause::Vanished,
                reason: format!("process {} ended while it was read", self.pid),
            };
        }
        trouble
    }
}

fn read_file(
    directory: &Handle,
    live: bool,
    path: &str,
    name: &str,
    most: usize,
) -> Result<Vec<u8>, Trouble> {
    if live {
        let content = directory
            .read_kernel(path, most)
            .map_err(|errno| trouble(errno, name))?;
        if content.len() > most {
            return Err(Trouble {
                cause: Cause::TooLarge,
                reason: format!("{name} is larger than {most} bytes"),
            });
        }
        return Ok(content);
    }
    let mut node = directory.clone();
    for part in path.split('/') {
        node = node
            .child(part.as_bytes())
            .map_err(|errno| trouble(errno, name))?;
    }
    Ok(read::regular(node.as_ref(), name, most)?.bytes)
}
