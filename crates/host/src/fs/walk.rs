//! Resolves a path inside a root, as the process that lives there would, and never leaves it.
//!
//! One component after the other, links read and not followed by the kernel, so that every link on the way
//! is known with its times. `..` goes back along the way that was come, so nothing above the root can be
//! reached, whatever is renamed meanwhile. Where the kernel has `openat2` its own resolution (inside the
//! root, no procfs links) has to find the same file; if it does not, somebody is changing the path.

use std::collections::VecDeque;
use std::sync::Arc;

use kubeassay_core::facts::{FileKind, Link, Trouble};
use kubeassay_core::{Bytes, Cause};
use rustix::io::Errno;

use super::bounds::{Care, Slow};
use super::{Handle, Links, Status, trouble};
use crate::proc::mountinfo::Answering;

/// As many links as the kernel follows (`MAXSYMLINKS`).
const MOST_LINKS: usize = 40;
/// The kernel's `PATH_MAX` without the final NUL.
const LONGEST_PATH: usize = 4095;
/// How often a path is resolved again because the kernel found another file.
const ATTEMPTS: usize = 4;

/// Whether a symbolic link in the last component is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Last {
    /// As `stat` and `open` do.
    Follow,
    /// As `lstat` does; a trailing slash follows all the same.
    Keep,
}

impl From<Last> for Links {
    fn from(last: Last) -> Self {
        match last {
            Last::Follow => Self::All,
            Last::Keep => Self::AllButLast,
        }
    }
}

/// A file that was found.
pub(crate) struct Found {
    pub(crate) node: Handle,
    pub(crate) status: Status,
    /// Where it really lies, links resolved, in the view of the root.
    pub(crate) path: Vec<u8>,
    pub(crate) links: Vec<Link>,
}

/// A file that was not found.
pub(crate) struct Lost {
    pub(crate) trouble: Trouble,
    /// Where it would lie, as far as the links could be resolved.
    pub(crate) path: Vec<u8>,
    pub(crate) links: Vec<Link>,
    /// The mount that was not entered for want of care.
    pub(crate) bar: Option<Box<Slow>>,
}

/// The directories on the way to what was looked up last, none of them a link, each with its name.
///
/// What lies beside it is found from there. That is for files that are looked up together: a directory that is replaced
/// meanwhile goes on being the one that it was.
#[derive(Default)]
pub(crate) struct Way(Vec<(Handle, Vec<u8>, FileKind)>);

/// Finds `path` below `root`.
pub(crate) fn find(root: &Handle, path: &[u8], last: Last, care: Care<'_>) -> Result<Found, Lost> {
    find_along(root, path, last, care, &mut Way::default())
}

/// Finds `path` below `root` from where the way to what was looked up before, below the same root, parts from its own.
pub(crate) fn find_along(
    root: &Handle,
    path: &[u8],
    last: Last,
    care: Care<'_>,
    trodden: &mut Way,
) -> Result<Found, Lost> {
    for attempt in 1..=ATTEMPTS {
        let before = std::mem::take(trodden);
        let mut walk = Walk::new(root, path, last, care, before);
        let walked = walk.run();
        *trodden = Way(walk.way);
        if let Err(Stopped::Refused(lost)) = walked {
            return Err(lost);
        }
        // Where anything may be mounted meanwhile the kernel would enter it without looking.
        let opinion = (!care.bounds.checks_steps())
            .then(|| root.resolve(path, last.into()))
            .flatten();
        let agreed = match (&walked, opinion) {
            (_, None) => true,
            // The kernel does not decide about `..` while anything is renamed anywhere; on a busy machine
            // that can last, and our own way needs no such care.
            (_, Some(Err(Errno::AGAIN))) => attempt == ATTEMPTS,
            (Ok(found), Some(Ok(identity))) => found.status.identity == identity,
            (walked, Some(opinion)) => walked.is_err() && opinion.is_err(),
        };
        if agreed {
            return walked.map_err(Stopped::into_lost);
        }
        // One of them may be what is no longer there.
        trodden.0.clear();
    }
    Err(Lost {
        trouble: Trouble {
            cause: Cause::Conflict,
            reason: format!(
                "{} leads to another file each time it is looked up: something is renaming it",
                Bytes::from(path)
            ),
        },
        path: path.to_vec(),
        links: Vec::new(),
        bar: None,
    })
}

/// Finds `path` below `root` in one step of the kernel's; nothing where it has to be walked: where a link is on the way or
/// at its end, where it is not plain, and where the kernel says anything else than that there is nothing.
pub(crate) fn find_plain(root: &Handle, path: &[u8]) -> Option<Result<Found, Errno>> {
    let node = match root.find_plain(path)? {
        Ok(node) if is_plain(path) && !is_our_own(path) => node,
        Err(Errno::NOENT) => return Some(Err(Errno::NOENT)),
        _ => return None,
    };
    let status = node.status().ok()?;
    (status.kind != FileKind::Symlink).then(|| {
        Ok(Found {
            node,
            status,
            path: path.to_vec(),
            links: Vec::new(),
        })
    })
}

/// Returns whether a path is an absolute one that names each directory on the way and nothing else.
fn is_plain(path: &[u8]) -> bool {
    let mut names = path
        .strip_prefix(b"/")
        .unwrap_or_default()
        .split(|byte| *byte == b'/');
    path.len() <= LONGEST_PATH && names.all(|name| !matches!(name, b"" | b"." | b".."))
}

enum Stopped {
    /// The file is not there or may not be reached.
    Failed(Lost),
    /// We would rather not look.
    Refused(Lost),
}

impl Stopped {
    fn into_lost(self) -> Lost {
        match self {
            Self::Failed(lost) | Self::Refused(lost) => lost,
        }
    }
}

struct Walk<'a> {
    asked: &'a [u8],
    last: Last,
    care: Care<'a>,
    root: &'a Handle,
    /// The way that was come: every directory with its name.
    way: Vec<(Handle, Vec<u8>, FileKind)>,
    /// What was come before, from where the way is the same.
    before: VecDeque<(Handle, Vec<u8>, FileKind)>,
    rest: VecDeque<Vec<u8>>,
    links: Vec<Link>,
}

impl<'a> Walk<'a> {
    fn new(root: &'a Handle, path: &'a [u8], last: Last, care: Care<'a>, before: Way) -> Self {
        Self {
            asked: path,
            last,
            care,
            root,
            way: Vec::new(),
            before: before.0.into(),
            rest: components(path).collect(),
            links: Vec::new(),
        }
    }

    fn run(&mut self) -> Result<Found, Stopped> {
        if self.asked.len() > LONGEST_PATH {
            return Err(self.failed(Errno::NAMETOOLONG, &[]));
        }
        if !self.asked.starts_with(b"/") || self.asked.contains(&0) {
            return Err(self.failed(Errno::NOENT, &[]));
        }
        self.check(b"/")?;
        let mut kind = FileKind::Directory;
        // Nothing where it was not looked at now.
        let mut status = None;
        if self.before.is_empty() {
            let root = self.here_status()?;
            kind = root.kind;
            status = Some(root);
        }
        while let Some(name) = self.rest.pop_front() {
            if kind != FileKind::Directory {
                return Err(self.failed(Errno::NOTDIR, &name));
            }
            match name.as_slice() {
                b"." => continue,
                b".." => {
                    self.way.pop();
                    self.before.clear();
                    status = None;
                    continue;
                }
                _ => {}
            }
            let ahead = self.path_with(&name);
            if is_our_own(&ahead) {
                return Err(self.refused(&name, OUR_OWN));
            }
            self.check(&ahead)?;
            if let Some(node) = self.come_before(&name) {
                self.way.push((node, name, kind));
                status = None;
                continue;
            }
            let found = self.here().child(&name);
            let node = found.map_err(|errno| self.failed(errno, &name))?;
            self.check_step(&node, &ahead)?;
            let seen = node.status().map_err(|errno| self.failed(errno, &name))?;
            let keep = self.rest.is_empty() && self.last == Last::Keep;
            if seen.kind == FileKind::Symlink && !keep {
                self.follow(&node, &seen, &name)?;
                status = None;
            } else {
                kind = seen.kind;
                self.way.push((node, name, kind));
                status = Some(seen);
            }
        }
        Ok(Found {
            status: match status {
                Some(status) => status,
                None => self.here_status()?,
            },
            node: Arc::clone(self.here()),
            path: self.path_with(&[]),
            links: std::mem::take(&mut self.links),
        })
    }

    /// Returns the directory `name` if it was the next one before, and more is to come behind it.
    fn come_before(&mut self, name: &[u8]) -> Option<Handle> {
        let next = self.before.pop_front();
        let same = next.filter(|(_, known, kind)| {
            known == name && *kind == FileKind::Directory && !self.rest.is_empty()
        });
        if same.is_none() {
            self.before.clear();
        }
        same.map(|(node, ..)| node)
    }

    /// Stops before a mount that is not to be asked, so that not even its root is looked up.
    fn check(&self, ahead: &[u8]) -> Result<(), Stopped> {
        match self.care.bounds.bar(ahead, self.care.allowed) {
            None => Ok(()),
            Some(slow) => Err(self.barred(slow.clone())),
        }
    }

    /// Stops on a mount that was made while we walk. Nothing was asked of it yet: finding the root of a mount
    /// is the kernel's own work.
    fn check_step(&self, node: &Handle, ahead: &[u8]) -> Result<(), Stopped> {
        if !self.care.bounds.checks_steps() {
            return Ok(());
        }
        let mount = node.mount().map_err(|errno| self.failed(errno, &[]))?;
        // Older kernels than Linux 5.8 do not say; the table has to do.
        let Some(id) = mount else { return Ok(()) };
        let answering = self.care.bounds.answering(id);
        if answering <= self.care.allowed {
            return Ok(());
        }
        Err(self.barred(Slow {
            point: ahead.to_vec(),
            file_system: b"a mount that was made meanwhile".to_vec(),
            answering,
        }))
    }

    fn barred(&self, slow: Slow) -> Stopped {
        let asked = Bytes::from(self.asked);
        let reason = match slow.answering {
            Answering::Program => format!(
                "{asked} is not read: it lies on {slow}, where a program may let whoever asks wait for ever"
            ),
            _ => format!("{asked} is not read: it lies on {slow}, where a server has to answer"),
        };
        Stopped::Refused(Lost {
            trouble: Trouble {
                cause: Cause::Blocked,
                reason,
            },
            path: self.meant(&[]),
            links: self.links.clone(),
            bar: Some(Box::new(slow)),
        })
    }

    fn follow(&mut self, link: &Handle, status: &Status, name: &[u8]) -> Result<(), Stopped> {
        if self.links.len() >= MOST_LINKS {
            return Err(self.failed(Errno::LOOP, name));
        }
        match link.kernel_file_system() {
            Ok(None) => {}
            Ok(Some(file_system)) => {
                let reason = format!("leads through a link of the kernel's {file_system}");
                return Err(self.refused(name, &reason));
            }
            Err(errno) => return Err(self.failed(errno, name)),
        }
        let target = match link.target() {
            Ok(target) => target,
            Err(errno) => return Err(self.failed(errno, name)),
        };
        self.links.push(Link {
            path: self.path_with(name).into(),
            target: target.as_slice().into(),
            modified: status.modified,
            changed: status.changed,
        });
        if target.is_empty() {
            return Err(self.failed(Errno::NOENT, name));
        }
        if target.starts_with(b"/") {
            self.way.clear();
        }
        self.before.clear();
        for component in components(&target).rev() {
            self.rest.push_front(component);
        }
        Ok(())
    }

    fn here(&self) -> &Handle {
        self.way.last().map_or(self.root, |(node, ..)| node)
    }

    fn here_status(&self) -> Result<Status, Stopped> {
        self.here()
            .status()
            .map_err(|errno| self.failed(errno, &[]))
    }

    fn path_with(&self, name: &[u8]) -> Vec<u8> {
        let names = self.way.iter().map(|(_, name, _)| name.as_slice());
        let mut path = Vec::new();
        for component in names.chain([name]).filter(|name| !name.is_empty()) {
            path.push(b'/');
            path.extend_from_slice(component);
        }
        if path.is_empty() {
            path.push(b'/');
        }
        path
    }

    /// The path that was meant: the way come, `name`, and what was left to go.
    fn meant(&self, name: &[u8]) -> Vec<u8> {
        let mut path = self.path_with(name);
        for component in &self.rest {
            match component.as_slice() {
                b"." => {}
                b".." => {
                    let parent = path.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
                    path.truncate(parent);
                }
                _ => {
                    if !path.ends_with(b"/") {
                        path.push(b'/');
                    }
                    path.extend_from_slice(component);
                }
            }
        }
        if path.is_empty() {
            path.push(b'/');
        }
        path
    }

    fn failed(&self, errno: Errno, name: &[u8]) -> Stopped {
        let path = self.meant(name);
        // A tree in which not even `/dev` is there still means ours.
        if is_our_own(&path) {
            return self.refused(name, OUR_OWN);
        }
        let at = Bytes::from(self.path_with(name));
        let asked = Bytes::from(self.asked);
        // Where only a part of the way is missing, or a link leads elsewhere, say which.
        let what = if at == asked || self.asked.len() > LONGEST_PATH {
            asked.to_string()
        } else {
            format!("{at} (on the way to {asked})")
        };
        Stopped::Failed(Lost {
            trouble: trouble(errno, what),
            path,
            links: self.links.clone(),
            bar: None,
        })
    }

    fn refused(&self, name: &[u8], reason: &str) -> Stopped {
        let at = Bytes::from(self.path_with(name));
        Stopped::Refused(Lost {
            trouble: Trouble {
                cause: Cause::NotRegular,
                reason: format!("{} is not opened: {at} {reason}", Bytes::from(self.asked)),
            },
            path: self.meant(name),
            links: self.links.clone(),
            bar: None,
        })
    }
}

const OUR_OWN: &str = "would be the reader's own, not the process's";

/// Returns whether a path means something else for whoever looks it up.
fn is_our_own(path: &[u8]) -> bool {
    let own = [
        "/proc/self",
        "/proc/thread-self",
        "/dev/fd",
        "/dev/stdin",
        "/dev/stdout",
        "/dev/stderr",
    ];
    own.iter().any(|own| {
        path.strip_prefix(own.as_bytes())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
    })
}

/// Splits a path; a slash at the end is one more component, `.`, because it asks for a directory.
fn components(path: &[u8]) -> impl DoubleEndedIterator<Item = Vec<u8>> + use<> {
    let mut components: Vec<Vec<u8>> = path
        .split(|byte| *byte == b'/')
        .filter(|component| !component.is_empty())
        .map(<[u8]>::to_vec)
        .collect();
    if path.ends_with(b"/") {
        components.push(b".".to_vec());
    }
    components.into_iter()
}
