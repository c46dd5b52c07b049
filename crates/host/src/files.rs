//! The files of one process, as it sees them.

mod outlook;

use std::rc::Rc;
use std::sync::Arc;

use kubeassay_core::facts::{Entry, FileFacts, FileKind, Need, NeedKind, Trouble, View};
use kubeassay_core::text::hexadecimal;
use kubeassay_core::{Bytes, Cause};
use rustix::io::Errno;
use sha2::{Digest as _, Sha256};

use crate::aside::Aside;
use crate::fs::bounds::{Bounds, Care};
use crate::fs::read::{self, MOST_CONFIGURATION};
use crate::fs::walk::{self, Found, Last, Lost, Way};
use crate::fs::{Handle, Identity, trouble};
use crate::fs::{certificate, public_keys};
use crate::host::Host;
use crate::namespaces::HostNamespaces;
use crate::proc::mountinfo::{self, Answering, Mount};
use crate::seen::{Key, Seen, What};

pub(crate) use outlook::Outlook;

/// The most entries of a directory that are listed.
const MOST_ENTRIES: usize = 1 << 16;

/// What a process sees of its files, and how they are read.
#[derive(Clone)]
pub(crate) struct Sight {
    /// How it was reached.
    pub(crate) view: View,
    scene: Arc<Scene>,
    aside: Rc<Aside>,
    whom: Whom,
}

/// Who has to answer for what a process sees.
#[derive(Clone)]
enum Whom {
    /// The kernel, but for mounts that say otherwise.
    Kernel,
    /// A tenant, who arranges what it sees, so that nothing is read without the second thread.
    Tenant(String),
    /// Each file for itself: a captured host has some that never answer.
    File,
}

/// The facts of a file without its content, and the content as it is on the host.
type Looked = (FileFacts, Option<Vec<u8>>);

/// What a process sees of its files, for whichever thread.
struct Scene {
    /// Its root; without one every file of it is denied.
    root: Result<Handle, Trouble>,
    mounts: Vec<Mount>,
    bounds: Bounds,
    /// Its mounts are those of the host's first process, where anybody may add one while it runs.
    shared: bool,
    recorded: bool,
    seen: Arc<Seen>,
}

impl Sight {
    /// Returns what the host sees, for files that are not of one process.
    pub(crate) fn of_host(host: &Host, namespaces: &HostNamespaces, aside: &Rc<Aside>) -> Self {
        Self {
            view: View::Host,
            scene: Arc::new(Scene {
                root: Ok(Arc::clone(host.root())),
                mounts: Vec::new(),
                bounds: namespaces.bounds().clone(),
                shared: false,
                recorded: !host.proc().is_live(),
                seen: Arc::clone(aside.seen()),
            }),
            aside: Rc::clone(aside),
            whom: Whom::Kernel,
        }
    }

    /// Returns why nothing of it can be seen.
    pub(crate) fn trouble(&self) -> Option<&Trouble> {
        self.scene.root.as_ref().err()
    }

    /// Returns the facts of the file that is needed, its content as `redact` leaves it.
    pub(crate) fn look(&self, need: Need, redact: impl FnOnce(Vec<u8>) -> Vec<u8>) -> FileFacts {
        self.look_along(need, redact, &mut Way::default())
    }

    /// Gives the facts of each of the files that are needed to `take`, in their order, as [`look`](Self::look) returns
    /// them, until that says that it is enough. Returns those that were not looked at.
    pub(crate) fn look_at_each(
        &self,
        needs: Vec<Need>,
        redact: impl Fn(Vec<u8>) -> Vec<u8>,
        take: &mut dyn FnMut(FileFacts) -> bool,
    ) -> Vec<Need> {
        let Whom::Tenant(tenant) = &self.whom else {
            let mut way = Way::default();
            let look = |need| self.look_along(need, &redact, &mut way);
            return look_until(needs, look, take);
        };
        let scene = Arc::clone(&self.scene);
        let asked = needs.clone();
        let mut answers = self.aside.each(tenant, move |answer| {
            let mut way = Way::default();
            let look = |need| scene.look(need, Answering::Server, &mut way);
            asked.into_iter().map(look).all(answer);
        });
        let look = |need: Need| {
            let looked = self.in_time(&need).and_then(|()| answers.next(&need.path));
            let looked = looked.and_then(|looked| looked.map_err(|lost: Lost| lost.trouble));
            facts_from(need, looked, &redact)
        };
        look_until(needs, look, take)
    }

    /// Looks from where the way to what was looked up before parts.
    fn look_along(
        &self,
        need: Need,
        redact: impl FnOnce(Vec<u8>) -> Vec<u8>,
        way: &mut Way,
    ) -> FileFacts {
        let looked = self.in_time(&need).and_then(|()| {
            if let Some(found) = self.at_once(need.path.as_slice()) {
                return Ok(self.scene.look_at(need.clone(), &found?));
            }
            let asked = need.clone();
            let what = need.path.to_string();
            self.with_care_along(way, &what, move |scene, allowed, way| {
                scene.look(asked.clone(), allowed, way)
            })
        });
        facts_from(need, looked, redact)
    }

    /// Refuses to look at anything once the time limit has passed.
    fn in_time(&self, need: &Need) -> Result<(), Trouble> {
        if self.aside.deadline().has_passed() {
            return Err(Trouble {
                cause: Cause::Blocked,
                reason: format!("{} was not read before the time limit", need.path),
            });
        }
        Ok(())
    }

    /// Returns the facts of a folder of the host whose entries are needed, found in one step where no link and no mount
    /// that might not answer is on the way.
    pub(crate) fn look_into(&self, need: Need) -> FileFacts {
        let path = need.path.as_slice();
        let found = match self.at_once(path.strip_suffix(b"/").unwrap_or(path)) {
            Some(Ok(found)) if found.status.kind == FileKind::Directory => found,
            Some(Err(_)) => {
                let missing = trouble(Errno::NOENT, &need.path);
                return FileFacts::unread(need, missing.cause, missing.reason);
            }
            _ => return self.look(need, |content| content),
        };
        let mut facts = facts_of(need, &found);
        facts.problem = self.scene.list(&found, &mut facts).err();
        facts
    }

    /// Reads a file of the host whose content is not part of the facts.
    pub(crate) fn read(&self, path: impl AsRef<[u8]>, most: usize) -> Result<Vec<u8>, Trouble> {
        let owned = path.as_ref().to_owned();
        self.with_care(
            &Bytes::from(path.as_ref()).to_string(),
            move |scene, allowed| match scene.read(&owned, most, allowed) {
                Err(lost) if lost.bar.is_some() => Err(lost),
                read => Ok(read.map_err(|lost| lost.trouble)),
            },
        )?
    }

    /// Finds a file, and says if another one is hidden at its place.
    pub(crate) fn find(&self, path: &[u8], final_link: Last) -> Result<Found, Trouble> {
        let owned = path.to_vec();
        let shown = Bytes::from(path);
        let found = self.with_care(&shown.to_string(), move |scene, allowed| {
            match scene.find(&owned, final_link, allowed) {
                Err(lost) if lost.bar.is_some() => Err(lost),
                found => Ok(found.map_err(|lost| lost.trouble)),
            }
        });
        found?
    }

    /// Finds a file that is likelier not there.
    pub(crate) fn find_if_there(&self, path: &[u8]) -> Result<Found, Trouble> {
        match self.at_once(path) {
            Some(found) => found,
            None => self.find(path, Last::Follow),
        }
    }

    /// Looks at the host's file at `path`, which is likelier not there.
    pub(crate) fn at<T: Send + 'static>(
        &self,
        path: &[u8],
        look: impl Fn(&Found) -> T + Send + 'static,
    ) -> Result<T, Trouble> {
        if let Some(found) = self.at_once(path) {
            return Ok(look(&found?));
        }
        let owned = path.to_vec();
        self.with_care(&Bytes::from(path).to_string(), move |scene, allowed| {
            let found = scene.find(&owned, Last::Follow, allowed)?;
            Ok(look(&found))
        })
    }

    /// Asks the kernel about a whole path before anything is walked, and returns what is there, or that nothing is. Without
    /// links on the way it cannot come to a mount that the path does not name; where there is one, the path is walked.
    fn at_once(&self, path: &[u8]) -> Option<Result<Found, Trouble>> {
        let found = walk::find_plain(self.plain(path)?, path)?;
        Some(found.map_err(|errno| trouble(errno, Bytes::from(path))))
    }

    /// Returns the root if the kernel may be asked about the whole of `path` below it: without links on the way.
    fn plain(&self, path: &[u8]) -> Option<&Handle> {
        let (Whom::Kernel, Ok(root)) = (&self.whom, &self.scene.root) else {
            return None;
        };
        let Scene { mounts, bounds, .. } = self.scene.as_ref();
        let plain = path.starts_with(b"/") && !path.windows(3).any(|part| part == b"/..");
        let simple = mounts.is_empty() && !bounds.checks_steps();
        if !plain || !simple || bounds.bar(path, Answering::Kernel).is_some() {
            return None;
        }
        Some(root)
    }

    /// Looks here if only the kernel has to answer, aside if a server or a tenant has to, and not at all where
    /// whoever waits could not be ended.
    fn with_care<T: Send + 'static>(
        &self,
        what: &str,
        look: impl Fn(&Scene, Answering) -> Result<T, Lost> + Send + 'static,
    ) -> Result<T, Trouble> {
        let look = move |scene: &Scene, allowed, _: &mut Way| look(scene, allowed);
        self.with_care_along(&mut Way::default(), what, look)
    }

    /// Looks likewise; here from where the way parts from the one before.
    fn with_care_along<T: Send + 'static>(
        &self,
        way: &mut Way,
        what: &str,
        look: impl Fn(&Scene, Answering, &mut Way) -> Result<T, Lost> + Send + 'static,
    ) -> Result<T, Trouble> {
        let whom = match &self.whom {
            Whom::Tenant(tenant) => tenant.clone(),
            Whom::File => what.to_owned(),
            Whom::Kernel => match look(&self.scene, Answering::Kernel, way) {
                Ok(seen) => return Ok(seen),
                Err(Lost { bar: Some(bar), .. }) if bar.answering == Answering::Server => {
                    bar.to_string()
                }
                Err(lost) => return Err(lost.trouble),
            },
        };
        let scene = Arc::clone(&self.scene);
        let seen = self.aside.run(&whom, what, move || {
            look(&scene, Answering::Server, &mut Way::default())
        });
        if matches!(self.whom, Whom::Kernel) {
            self.aside.rest();
        }
        seen?.map_err(|lost| lost.trouble)
    }
}

impl Scene {
    /// Returns the facts of the file that is needed, and its content as it is on the host.
    fn look(&self, need: Need, allowed: Answering, way: &mut Way) -> Result<Looked, Lost> {
        let final_link = match need.what {
            NeedKind::Listing => Last::Keep,
            NeedKind::Content
            | NeedKind::Presence
            | NeedKind::Certificate
            | NeedKind::PublicKeys
            | NeedKind::Metadata => Last::Follow,
        };
        let path = need.path.as_slice();
        let found = match need.what {
            // A certificate is read again and again while the process runs: the one that it sees now counts.
            NeedKind::Certificate | NeedKind::PublicKeys | NeedKind::Metadata => {
                self.walk(path, final_link, allowed, way)
            }
            _ => self.find_along(path, final_link, allowed, way),
        };
        let found = match found {
            Ok(found) => found,
            Err(lost) if lost.bar.is_some() => return Err(lost),
            Err(Lost { trouble, links, .. }) => {
                let mut facts = FileFacts::unread(need, trouble.cause, trouble.reason);
                facts.links = links;
                return Ok((facts, None));
            }
        };
        Ok(self.look_at(need, &found))
    }

    /// Returns the facts of a file that is needed and was found, and its content as it is on the host.
    fn look_at(&self, need: Need, found: &Found) -> Looked {
        let mut facts = facts_of(need, found);
        let outcome = match (facts.need.what, self.mounted_over(found)) {
            (NeedKind::Presence, _) => Ok(None),
            (NeedKind::Certificate, _) => self.certificate(found, &mut facts).map(|()| None),
            (NeedKind::PublicKeys, _) => self.public_keys(found, &mut facts).map(|()| None),
            (NeedKind::Metadata, _) => self.list(found, &mut facts).map(|()| None),
            (_, Some(trouble)) => Err(trouble),
            (NeedKind::Listing, None) => self.list(found, &mut facts).map(|()| None),
            (NeedKind::Content, None) => self.content(found, &mut facts).map(Some),
        };
        let content = outcome.unwrap_or_else(|trouble| {
            facts.problem = Some(trouble);
            None
        });
        (facts, content)
    }

    fn read(&self, path: &[u8], most: usize, allowed: Answering) -> Result<Vec<u8>, Lost> {
        let found = self.find(path, Last::Follow, allowed)?;
        let name = Bytes::from(path).to_string();
        let content = self
            .refuse_kernel_path(&found)
            .and_then(|()| read::regular(found.node.as_ref(), &name, most));
        match content {
            Ok(content) => Ok(content.bytes),
            Err(trouble) => Err(Lost {
                trouble,
                path: found.path,
                links: found.links,
                bar: None,
            }),
        }
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

    /// Finds a file as the process sees it now.
    fn walk(
        &self,
        path: &[u8],
        final_link: Last,
        allowed: Answering,
        way: &mut Way,
    ) -> Result<Found, Lost> {
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
            bar: None,
        })?;
        let care = Care {
            bounds: &self.bounds,
            allowed,
        };
        walk::find_along(root, path, final_link, care, way)
    }

    /// Finds a file unless another one may be hidden at its place.
    fn find(&self, path: &[u8], final_link: Last, allowed: Answering) -> Result<Found, Lost> {
        self.find_along(path, final_link, allowed, &mut Way::default())
    }

    /// Finds it from where the way to what was found before parts.
    fn find_along(
        &self,
        path: &[u8],
        final_link: Last,
        allowed: Answering,
        way: &mut Way,
    ) -> Result<Found, Lost> {
        let found = self.walk(path, final_link, allowed, way);
        // Neither a root that may not be opened nor a mount that is not asked was looked into.
        let looked = |lost: &Lost| self.root.is_ok() && lost.bar.is_none();
        if found.as_ref().is_err_and(|lost| !looked(lost)) {
            return found;
        }
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
            bar: None,
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
        let key = Key::of(&found.status, NeedKind::Listing);
        if let Some(What::Entries(entries)) = self.seen.get(&key) {
            facts.entries = Some(entries);
            return Ok(());
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
        let entries = What::Entries(entries);
        self.seen.put(key, &entries);
        if let What::Entries(entries) = entries {
            facts.entries = Some(entries);
        }
        Ok(())
    }

    fn content(&self, found: &Found, facts: &mut FileFacts) -> Result<Vec<u8>, Trouble> {
        self.refuse_kernel_path(found)?;
        let key = Key::of(&found.status, NeedKind::Content);
        let bytes = if let Some(What::Content(bytes)) = self.seen.get(&key) {
            bytes
        } else {
            let name = facts.need.path.to_string();
            let content = read::regular(found.node.as_ref(), &name, MOST_CONFIGURATION)?;
            // What was read is what was open, should it have changed since it was found.
            facts.size = Some(content.status.size);
            facts.modified = content.status.modified;
            facts.changed = content.status.changed;
            let key = Key::of(&content.status, NeedKind::Content);
            self.seen.put(key, &What::Content(content.bytes.clone()));
            content.bytes
        };
        facts.sha256 = Some(hexadecimal(&Sha256::digest(&bytes)));
        Ok(bytes)
    }

    fn certificate(&self, found: &Found, facts: &mut FileFacts) -> Result<(), Trouble> {
        self.refuse_kernel_path(found)?;
        let name = facts.need.path.to_string();
        let certificate = certificate::first(found.node.as_ref(), &name)?;
        facts.size = Some(certificate.status.size);
        facts.modified = certificate.status.modified;
        facts.changed = certificate.status.changed;
        facts.sha256 = Some(hexadecimal(&Sha256::digest(&certificate.der)));
        Ok(())
    }

    fn public_keys(&self, found: &Found, facts: &mut FileFacts) -> Result<(), Trouble> {
        self.refuse_kernel_path(found)?;
        let key = Key::of(&found.status, NeedKind::PublicKeys);
        if let Some(What::Digests(digests)) = self.seen.get(&key) {
            facts.public_keys = Some(digests);
            return Ok(());
        }
        let name = facts.need.path.to_string();
        let keys = public_keys::all(found.node.as_ref(), &name)?;
        facts.size = Some(keys.status.size);
        facts.modified = keys.status.modified;
        facts.changed = keys.status.changed;
        let key = Key::of(&keys.status, NeedKind::PublicKeys);
        self.seen.put(key, &What::Digests(keys.digests.clone()));
        facts.public_keys = Some(keys.digests);
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

/// Returns the executable of a process of a recorded procfs, where `exe` is a plain link that is looked up in
/// the process's own view.
pub(crate) fn recorded_executable(
    sight: &Sight,
    exe: &[u8],
) -> Result<(Handle, Identity), Trouble> {
    let found = sight.find(exe, Last::Follow)?;
    Ok((found.node, found.status.identity))
}

/// Looks at one file after the other until `take` says that it is enough, and returns those that were not looked at.
pub(crate) fn look_until(
    needs: Vec<Need>,
    mut look: impl FnMut(Need) -> FileFacts,
    take: &mut dyn FnMut(FileFacts) -> bool,
) -> Vec<Need> {
    let mut needs = needs.into_iter();
    while let Some(need) = needs.next()
        && take(look(need))
    {}
    needs.collect()
}

/// Returns the facts of a file with its content as `redact` leaves it, or with why nothing is known of it.
fn facts_from(
    need: Need,
    looked: Result<Looked, Trouble>,
    redact: impl FnOnce(Vec<u8>) -> Vec<u8>,
) -> FileFacts {
    match looked {
        Ok((facts, content)) => FileFacts {
            content: content.map(|content| redact(content).into()),
            ..facts
        },
        Err(trouble) => FileFacts::unread(need, trouble.cause, trouble.reason),
    }
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
        public_keys: None,
        content: None,
        entries: None,
        problem: None,
    }
}
