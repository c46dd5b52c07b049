//! The files of one process, as it sees them.

use std::sync::Arc;

use kubeassay_core::facts::{Entry, FileFacts, FileKind, Need, NeedKind, Trouble, View};
use kubeassay_core::{Bytes, Cause};
use sha2::{Digest as _, Sha256};

use crate::fs::read::{self, MOST_CONFIGURATION};
use crate::fs::walk::{self, Found, Last, Lost};
use crate::fs::{Handle, Identity, trouble};
use crate::guide::Guide;
use crate::host::Host;
use crate::proc::ProcessDirectory;
use crate::proc::mountinfo::{self, Mount};

/// The most entries of a directory that are listed.
const MOST_ENTRIES: usize = 1 << 16;
/// The most of a table of mounts that is read: a busy node has tens of thousands.
const MOST_MOUNTS: usize = 32 << 20;

/// What a process sees of its files.
pub(crate) struct Sight {
    /// How it was reached.
    pub(crate) view: View,
    /// Its root; without one every file of it is denied.
    root: Result<Handle, Trouble>,
    mounts: Vec<Mount>,
    /// Its mounts are those of the host's first process, where anybody may add one while it runs.
    shared: bool,
    recorded: bool,
}

impl Sight {
    /// Returns what the process of `directory` sees.
    pub(crate) fn of(host: &Host, directory: &ProcessDirectory) -> Self {
        let table = directory.read("mountinfo", MOST_MOUNTS);
        let shared = is_host_view(host, table.as_deref().ok());
        let (view, root) = match root_of(host, directory) {
            Ok(root) => (View::Own, Ok(root)),
            Err(_) if shared => (View::Host, Ok(Arc::clone(host.root()))),
            Err(trouble) => (View::Denied, Err(trouble)),
        };
        Self {
            view,
            root,
            mounts: mountinfo::parse(&table.unwrap_or_default()),
            shared,
            recorded: !host.proc().is_live(),
        }
    }

    /// Returns what the host sees, for files that are not of one process.
    pub(crate) fn of_host(host: &Host) -> Self {
        Self {
            view: View::Host,
            root: Ok(Arc::clone(host.root())),
            mounts: Vec::new(),
            shared: false,
            recorded: !host.proc().is_live(),
        }
    }

    /// Returns why nothing of it can be seen.
    pub(crate) fn trouble(&self) -> Option<&Trouble> {
        self.root.as_ref().err()
    }

    /// Returns the facts of the file that is needed.
    pub(crate) fn look(&self, need: Need, guide: &dyn Guide) -> FileFacts {
        let final_link = match need.what {
            NeedKind::Listing => Last::Keep,
            NeedKind::Content | NeedKind::Presence => Last::Follow,
        };
        let found = match self.find(need.path.as_slice(), final_link) {
            Ok(found) => found,
            Err(Lost { trouble, links, .. }) => {
                let mut facts = FileFacts::unread(need, trouble.cause, trouble.reason);
                facts.links = links;
                return facts;
            }
        };
        let mut facts = facts_of(need, &found);
        let outcome = match (facts.need.what, self.mounted_over(&found)) {
            (NeedKind::Presence, _) => Ok(()),
            (_, Some(trouble)) => Err(trouble),
            (NeedKind::Listing, None) => self.list(&found, &mut facts),
            (NeedKind::Content, None) => self.content(&found, &mut facts, guide),
        };
        facts.problem = outcome.err();
        facts
    }

    /// Returns why a file or folder that is a mount of its own may not be what the process read.
    ///
    /// Among the host's mounts one may have been added over it while the process ran, and no table says when.
    /// In a namespace of its own a process has the mounts that it was started with.
    fn mounted_over(&self, found: &Found) -> Option<Trouble> {
        let own = self.mounts.iter().any(|mount| mount.point == found.path);
        (self.shared && own).then(|| Trouble {
            cause: Cause::HiddenByMount,
            reason: format!(
                "{} is a mount of its own; whether it was mounted before or after the process started cannot be told",
                Bytes::from(found.path.as_slice())
            ),
        })
    }

    /// Reads a file of the host whose content is not part of the facts.
    pub(crate) fn read(&self, path: &str, most: usize) -> Result<Vec<u8>, Trouble> {
        let found = self
            .find(path.as_bytes(), Last::Follow)
            .map_err(|lost| lost.trouble)?;
        self.refuse_kernel_path(&found)?;
        Ok(read::regular(found.node.as_ref(), path, most)?.bytes)
    }

    /// Finds a file, and says if another one is hidden at its place.
    pub(crate) fn find(&self, path: &[u8], final_link: Last) -> Result<Found, Lost> {
        let root = self.root.as_ref().map_err(|trouble| Lost {
            trouble: Trouble {
                cause: match trouble.cause {
                    Cause::Vanished => Cause::Vanished,
                    _ => Cause::Denied,
                },
                reason: format!(
                    "{} cannot be looked up: {}",
                    Bytes::from(path),
                    trouble.reason
                ),
            },
            path: path.to_vec(),
            links: Vec::new(),
        })?;
        let found = walk::find(root, path, final_link);
        let (real_path, mount) = match &found {
            Ok(found) => (&found.path, found.status.identity.mount),
            Err(lost) => (&lost.path, None),
        };
        let Some(hidden) = mountinfo::hidden(&self.mounts, real_path, mount) else {
            return found;
        };
        Err(Lost {
            trouble: Trouble {
                cause: Cause::HiddenByMount,
                reason: format!(
                    "{} may be another file than the process read: a later mount covers the one at {}",
                    Bytes::from(path),
                    Bytes::from(hidden.point.as_slice())
                ),
            },
            path: real_path.clone(),
            links: found.map_or_else(|lost| lost.links, |found| found.links),
        })
    }

    fn list(&self, found: &Found, facts: &mut FileFacts) -> Result<(), Trouble> {
        if found.status.kind != FileKind::Directory {
            return Ok(());
        }
        if let Some(hidden) = mountinfo::hidden_in(&self.mounts, &found.path) {
            return Err(Trouble {
                cause: Cause::HiddenByMount,
                reason: format!(
                    "{} may hold other files than the process read: a later mount covers the one at {}",
                    facts.need.path,
                    Bytes::from(hidden.point.as_slice())
                ),
            });
        }
        let name = facts.need.path.to_string();
        let mut entries: Vec<Entry> = found
            .node
            .entries(MOST_ENTRIES)
            .map_err(|errno| trouble(errno, &name))?
            .ok_or_else(|| Trouble {
                cause: Cause::TooLarge,
                reason: format!("{name} has more than {MOST_ENTRIES} entries"),
            })?;
        entries.sort_by(|one, other| one.name.cmp(&other.name));
        facts.entries = Some(entries);
        Ok(())
    }

    fn content(
        &self,
        found: &Found,
        facts: &mut FileFacts,
        guide: &dyn Guide,
    ) -> Result<(), Trouble> {
        self.refuse_kernel_path(found)?;
        let name = facts.need.path.to_string();
        let content = read::regular(found.node.as_ref(), &name, MOST_CONFIGURATION)?;
        // What was read is what was open, should it have changed since it was found.
        facts.size = Some(content.status.size);
        facts.modified = content.status.modified;
        facts.changed = content.status.changed;
        facts.sha256 = Some(hexadecimal(&Sha256::digest(&content.bytes)));
        facts.content = Some(guide.redact_content(content.bytes).into());
        Ok(())
    }

    /// In a recorded tree the kernel's files are told by where they lie.
    fn refuse_kernel_path(&self, found: &Found) -> Result<(), Trouble> {
        let path = found.path.as_slice();
        let is_kernel = ["/proc", "/sys"].iter().any(|folder| {
            path.strip_prefix(folder.as_bytes())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
        });
        if self.recorded && is_kernel {
            return Err(Trouble {
                cause: Cause::NotRegular,
                reason: format!("{} is a file of the kernel", Bytes::from(path)),
            });
        }
        Ok(())
    }
}

/// Writes bytes in hexadecimal.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let written = write!(text, "{byte:02x}");
        debug_assert!(written.is_ok(), "writing to a string cannot fail");
        text
    })
}

/// Returns which file the executable of a process is, and the file. On a recorded procfs `exe` is a plain
/// link, looked up in the process's own view.
pub(crate) fn executable(
    directory: &ProcessDirectory,
    sight: Option<&Sight>,
    exe: &[u8],
) -> Result<(Handle, Identity), Trouble> {
    let node = match sight {
        Some(sight) if !directory.is_live() => {
            let found = sight.find(exe, Last::Follow).map_err(|lost| lost.trouble)?;
            found.node
        }
        _ => directory.follow("exe")?,
    };
    let status = node
        .status()
        .map_err(|errno| trouble(errno, directory.path("exe")))?;
    Ok((node, status.identity))
}

fn facts_of(need: Need, found: &Found) -> FileFacts {
    let status = &found.status;
    FileFacts {
        need,
        kind: Some(status.kind),
        mode: Some(status.mode),
        uid: Some(status.uid),
        gid: Some(status.gid),
        size: Some(status.size),
        modified: status.modified,
        changed: status.changed,
        links: found.links.clone(),
        sha256: None,
        content: None,
        entries: None,
        problem: None,
    }
}

fn root_of(host: &Host, directory: &ProcessDirectory) -> Result<Handle, Trouble> {
    if directory.is_live() {
        let root = directory.follow("root")?;
        let kind = root.status().map(|status| status.kind);
        return match kind {
            Ok(FileKind::Directory) => Ok(root),
            Ok(_) => Err(Trouble {
                cause: Cause::NotRegular,
                reason: format!("{} is no directory", directory.path("root")),
            }),
            Err(errno) => Err(trouble(errno, directory.path("root"))),
        };
    }
    let target = match directory.link("root") {
        Ok(target) => target,
        // A capture need not have it: then the whole tree is what the process sees.
        Err(trouble) if trouble.cause == Cause::Missing => b"/".to_vec(),
        Err(trouble) => return Err(trouble),
    };
    let found = walk::find(host.root(), &target, Last::Follow).map_err(|lost| lost.trouble)?;
    Ok(found.node)
}

/// Returns whether a process with this table of mounts sees what the host's root shows.
///
/// Mount ids are unique on a machine, so that equal tables are those of one mount namespace and one root.
fn is_host_view(host: &Host, table: Option<&[u8]>) -> bool {
    let Some(table) = table.filter(|table| !table.is_empty()) else {
        return false;
    };
    let proc = host.proc();
    let first = proc.read("1/mountinfo", MOST_MOUNTS);
    let same = |other: Result<Vec<u8>, Trouble>| other.is_ok_and(|other| other == table);
    if !same(first) {
        return false;
    }
    // Our own `/` is the host's only if we live where the first process does.
    match host.source() {
        kubeassay_core::facts::Source::Live => same(proc.read("self/mountinfo", MOST_MOUNTS)),
        _ => true,
    }
}
