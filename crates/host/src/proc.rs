//! A procfs: the live one, or one recorded as plain files.
//!
//! Everything about one process is read through one open directory, so that a process id that is given to
//! another process meanwhile cannot mix two: the directory of the first then answers nothing more.
//!
//! Most of it the kernel answers at once. The arguments and the environment lie in the memory of the process,
//! and the kernel waits where that does (for a page that `userfaultfd` has to fill, for a lock that a thread
//! holds while it waits for a file server): of a process that may be a tenant's they are read aside.

pub mod cgroup;
pub mod cmdline;
pub mod mountinfo;
pub mod stat;
pub mod status;

use std::rc::Rc;
use std::sync::Arc;

use kubeassay_core::Cause;
use kubeassay_core::facts::{FileKind, Trouble};
use rustix::io::Errno;

use crate::aside::Aside;
use crate::fs::{Handle, Identity, Status, read, trouble};

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
            files: Arc::new(ProcessFiles {
                pid,
                directory,
                live: self.live,
            }),
            aside: None,
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

    /// Returns what is known of the file that a link of a live procfs leads to, where the kernel answers for it.
    pub(crate) fn status_behind(&self, path: &str) -> Option<Status> {
        self.directory.status_behind(path).ok()
    }
}

/// The directory of one process.
#[derive(Clone)]
pub(crate) struct ProcessDirectory {
    pub(crate) pid: u32,
    files: Arc<ProcessFiles>,
    /// Where is read what may never answer; without one it is read like all else.
    aside: Option<Rc<Aside>>,
}

/// What is read of it, by whichever thread.
struct ProcessFiles {
    pid: u32,
    directory: Handle,
    live: bool,
}

impl ProcessDirectory {
    /// Has what may never answer read aside from now on.
    pub(crate) fn set_aside(&mut self, aside: Rc<Aside>) {
        self.aside = Some(aside);
    }

    /// Returns where is read what may never answer, if not here.
    pub(crate) const fn aside(&self) -> Option<&Rc<Aside>> {
        self.aside.as_ref()
    }

    /// Returns whether it is one of a live procfs.
    pub(crate) fn is_live(&self) -> bool {
        self.files.live
    }

    /// Returns the path of a file in it, as it is spoken of.
    pub(crate) fn path(&self, name: &str) -> String {
        self.files.path(name)
    }

    /// Returns what is known of the directory: it belongs to the effective user of the process.
    pub(crate) fn status(&self) -> Result<Status, Trouble> {
        let status = self.files.directory.status();
        status.map_err(|errno| {
            self.files
                .gone(trouble(errno, format!("/proc/{}", self.pid)))
        })
    }

    /// Reads one of its files, of at most `most` bytes.
    pub(crate) fn read(&self, name: &'static str, most: usize) -> Result<Vec<u8>, Trouble> {
        match &self.aside {
            Some(aside) if lies_in_memory(name) => {
                self.ask(aside, name, move |files| files.read(name, most))?
            }
            _ => self.files.read(name, most),
        }
    }

    /// Reads the first bytes of one of its files, `most` or fewer, at once.
    pub(crate) fn read_start(&self, name: &'static str, most: usize) -> Result<Vec<u8>, Trouble> {
        match &self.aside {
            Some(aside) if lies_in_memory(name) => {
                self.ask(aside, name, move |files| files.read_start(name, most))?
            }
            _ => self.files.read_start(name, most),
        }
    }

    /// Reads one of its links. A live kernel thread has no `exe`: that is `missing`, as is everything of a
    /// process that has ended.
    pub(crate) fn link(&self, name: &str) -> Result<Vec<u8>, Trouble> {
        let target = self.files.directory.link_at(name);
        target.map_err(|errno| trouble(errno, self.path(name)))
    }

    /// Finds what one of its links leads to, in whatever namespace, and which file it is; only on a live
    /// procfs.
    pub(crate) fn follow(&self, name: &'static str) -> Result<(Handle, Status), Trouble> {
        match &self.aside {
            Some(aside) => self.ask(aside, name, move |files| files.follow(name))?,
            None => self.files.follow(name),
        }
    }

    /// Returns which file its executable is; only on a live procfs, and only where the kernel answers for it.
    pub(crate) fn identity_of_executable(&self) -> Option<Identity> {
        let status = self.files.directory.status_behind("exe");
        status.ok().map(|status| status.identity)
    }

    /// Returns the first bytes of its command line and which file its executable is.
    pub(crate) fn glance(&self, most: usize) -> Glance {
        let Some(aside) = &self.aside else {
            return self.files.glance(most);
        };
        let glance = self.ask(aside, "cmdline", move |files| files.glance(most));
        glance.unwrap_or_else(|trouble| Glance {
            arguments: Err(trouble.clone()),
            executable: Err(trouble),
        })
    }

    /// Returns the first bytes of its command line, and what `look` says of its executable, if that is still the file
    /// `expected`.
    pub(crate) fn glance_at<T: Send + 'static>(
        &self,
        aside: &Aside,
        most: usize,
        expected: Identity,
        look: impl FnOnce(&Handle) -> T + Send + 'static,
    ) -> (Result<Vec<u8>, Trouble>, Option<T>) {
        let mut errand = aside.errand(&self.whom());
        let files = Arc::clone(&self.files);
        let mut arguments = errand.add(move || files.read_start("cmdline", most));
        let files = Arc::clone(&self.files);
        let mut looked = errand.add(move || {
            // A process can become another program at any time.
            let (node, status) = files.follow("exe").ok()?;
            (status.identity == expected).then(|| look(&node))
        });
        errand.begin();
        let arguments = arguments.next(self.path("cmdline")).flatten();
        (arguments, looked.next(self.path("exe")).ok().flatten())
    }

    /// Reads all that lies in its memory, and finds its root on the way.
    pub(crate) fn read_memory(&self, arguments: usize, environment: usize) -> Memory {
        let Some(aside) = &self.aside else {
            let files = &self.files;
            return Memory {
                arguments: files.read("cmdline", arguments),
                environment: files.read("environ", environment),
                root: files.root(),
                arguments_now: files.read("cmdline", arguments),
            };
        };
        let mut errand = aside.errand(&self.whom());
        let mut add = |name, most| {
            let files = Arc::clone(&self.files);
            errand.add(move || files.read(name, most))
        };
        let mut before = add("cmdline", arguments);
        let mut variables = add("environ", environment);
        let files = Arc::clone(&self.files);
        let mut root = errand.add(move || files.root());
        let files = Arc::clone(&self.files);
        let mut after = errand.add(move || files.read("cmdline", arguments));
        errand.begin();
        Memory {
            arguments: before.next(self.path("cmdline")).flatten(),
            environment: variables.next(self.path("environ")).flatten(),
            root: root.next(self.path("root")).flatten(),
            arguments_now: after.next(self.path("cmdline")).flatten(),
        }
    }

    fn ask<T: Send + 'static>(
        &self,
        aside: &Aside,
        name: &str,
        job: impl FnOnce(&ProcessFiles) -> T + Send + 'static,
    ) -> Result<T, Trouble> {
        let files = Arc::clone(&self.files);
        aside.run(&self.whom(), self.path(name), move || job(&files))
    }

    /// Returns the process as somebody who is asked.
    pub(crate) fn whom(&self) -> String {
        format!("process {}", self.pid)
    }
}

/// What is looked at of every process.
pub(crate) struct Glance {
    /// The first bytes of its command line.
    pub(crate) arguments: Result<Vec<u8>, Trouble>,
    /// Which file its executable is; only on a live procfs.
    pub(crate) executable: Result<Identity, Trouble>,
}

/// What a process keeps to itself: for each part it may be the process that has to answer.
pub(crate) struct Memory {
    /// Its arguments, before all else was read.
    pub(crate) arguments: Result<Vec<u8>, Trouble>,
    /// Its environment.
    pub(crate) environment: Result<Vec<u8>, Trouble>,
    /// Its root directory; nothing on a recorded procfs, where that is a plain link.
    pub(crate) root: Result<Option<Handle>, Trouble>,
    /// Its arguments, after all else was read.
    pub(crate) arguments_now: Result<Vec<u8>, Trouble>,
}

impl ProcessFiles {
    fn path(&self, name: &str) -> String {
        format!("/proc/{}/{name}", self.pid)
    }

    fn read(&self, name: &str, most: usize) -> Result<Vec<u8>, Trouble> {
        let content = read_file(&self.directory, self.live, name, &self.path(name), most);
        content.map_err(|trouble| self.gone(trouble))
    }

    fn read_start(&self, name: &str, most: usize) -> Result<Vec<u8>, Trouble> {
        if !self.live {
            return self.read(name, read::MOST_CONFIGURATION);
        }
        let content = self.directory.read_kernel_start(name, most);
        content.map_err(|errno| self.gone(trouble(errno, self.path(name))))
    }

    fn follow(&self, name: &str) -> Result<(Handle, Status), Trouble> {
        let found = self.directory.follow(name).and_then(|node| {
            let status = node.status()?;
            Ok((node, status))
        });
        found.map_err(|errno| self.gone(trouble(errno, self.path(name))))
    }

    fn root(&self) -> Result<Option<Handle>, Trouble> {
        if !self.live {
            return Ok(None);
        }
        let (root, status) = self.follow("root")?;
        if status.kind != FileKind::Directory {
            return Err(Trouble {
                cause: Cause::NotRegular,
                reason: format!("{} is no directory", self.path("root")),
            });
        }
        Ok(Some(root))
    }

    fn glance(&self, most: usize) -> Glance {
        let executable = self.directory.status_behind("exe");
        Glance {
            arguments: self.read_start("cmdline", most),
            executable: executable
                .map(|status| status.identity)
                .map_err(|errno| self.gone(trouble(errno, self.path("exe")))),
        }
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

/// Returns whether a file of a process is read from its memory (`fs/proc/base.c` of the kernel).
fn lies_in_memory(name: &str) -> bool {
    matches!(name, "cmdline" | "environ")
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
