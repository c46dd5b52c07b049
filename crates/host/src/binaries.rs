//! What the executables of processes say of themselves, each file looked at once.

use std::collections::HashMap;
use std::rc::Rc;

use kubeassay_core::facts::{ExecutableFacts, Package, Trouble};
use kubeassay_core::{Bytes, Cause, Component};
use rustix::io::Errno;

use crate::aside::Aside;
use crate::executable::{self, BuildInformation, ExecutableError, ReadAt};
use crate::files::Sight;
use crate::fs::walk::Last;
use crate::fs::{Handle, Identity, Opened, read, trouble};
use crate::namespaces::MOST_MOUNTS;
use crate::packages::{self, DpkgLayout};
use crate::proc::ProcessDirectory;
use crate::proc::mountinfo::{self, Answering, Mount};
use crate::programs;

/// How many different executables are looked at. A node has a few hundred.
const MOST_BINARIES: usize = 8192;

/// How many executables are asked for their version as soon as they turn out to be a component. Anybody can have many;
/// those of the processes that are read are asked all the same.
const MOST_ASKED_AT_ONCE: usize = 32;

/// Executables by the file that they are.
pub(crate) struct Binaries {
    packages: HashMap<(u64, u64), Option<String>>,
    facts: HashMap<(u64, u64), ExecutableFacts>,
    /// Who answers for mounts, by their id.
    mounts: HashMap<u64, Answering>,
    aside: Rc<Aside>,
}

impl Binaries {
    /// Returns a reader of executables that knows the host's mounts.
    pub(crate) fn new(mounts: &[Mount], aside: &Rc<Aside>) -> Self {
        let mut binaries = Self {
            packages: HashMap::new(),
            facts: HashMap::new(),
            mounts: HashMap::new(),
            aside: Rc::clone(aside),
        };
        binaries.learn(mounts);
        binaries
    }

    fn learn(&mut self, mounts: &[Mount]) {
        for mount in mounts {
            self.mounts.insert(mount.id, mount.answering());
        }
    }

    /// Returns who answers for a file that a process runs, without asking for the file.
    ///
    /// A file whose mount nobody lists may lie on a file system that was unmounted under its users; only
    /// what the kernel keeps in memory is known to be harmless then.
    fn answering(&mut self, directory: &ProcessDirectory, identity: Identity) -> Answering {
        if !directory.is_live() {
            return Answering::Kernel;
        }
        let Some(id) = identity.mount else {
            // Before Linux 5.8: anonymous devices are those of file systems without a disk.
            let has_disk = rustix::fs::major(identity.device) != 0;
            return if has_disk {
                Answering::Kernel
            } else {
                Answering::Program
            };
        };
        if !self.mounts.contains_key(&id)
            && let Ok(table) = directory.read("mountinfo", MOST_MOUNTS)
        {
            self.learn(&mountinfo::parse(&table));
        }
        if let Some(answering) = self.mounts.get(&id) {
            return *answering;
        }
        let in_memory = directory
            .link("exe")
            .is_ok_and(|path| path.starts_with(b"/memfd:"));
        if in_memory {
            Answering::Kernel
        } else {
            Answering::Program
        }
    }

    /// Reads an executable here if only the kernel has to answer, aside if a server or a tenant has to, and
    /// not at all where whoever waits could not be ended.
    fn read<T: Send + 'static>(
        &mut self,
        directory: &ProcessDirectory,
        node: &Handle,
        identity: Identity,
        read: impl FnOnce(&Handle) -> T + Send + 'static,
    ) -> Result<T, Trouble> {
        let name = directory.path("exe");
        match (self.answering(directory, identity), directory.aside()) {
            (Answering::Program, _) => Err(Trouble {
                cause: Cause::Blocked,
                reason: format!(
                    "{name} lies where a program may let whoever asks wait for ever (FUSE, 9p, or a mount that no table lists); it is not read"
                ),
            }),
            (Answering::Kernel, None) => Ok(read(node)),
            _ => {
                let node = Handle::clone(node);
                self.aside.run(&directory.whom(), name, move || read(&node))
            }
        }
    }

    /// Returns whether an executable was looked at and is no kubelet.
    pub(crate) fn is_known_to_be_none(&self, identity: Identity) -> bool {
        let package = self.packages.get(&(identity.device, identity.inode));
        package.is_some_and(|package| package.as_deref().and_then(programs::of_package).is_none())
    }

    /// Returns the main package of an executable, which is only looked for if it is not known yet.
    pub(crate) fn main_package(
        &mut self,
        directory: &ProcessDirectory,
        identity: Identity,
        find: impl FnOnce() -> Result<(Handle, Identity), Trouble>,
    ) -> Option<String> {
        let key = (identity.device, identity.inode);
        if let Some(known) = self.packages.get(&key) {
            return known.clone();
        }
        if self.packages.len() >= MOST_BINARIES {
            return None;
        }
        // A process can become another program at any time.
        let (node, found) = find().ok()?;
        if !found.same_file(identity) {
            return None;
        }
        let ask = self.question(directory);
        let said = self.read(directory, &node, found, ask);
        self.keep(identity, said.ok());
        self.packages.get(&key).cloned().flatten()
    }

    /// Returns what looks at an executable that is not known yet, wherever it is done; nothing where it is not to be
    /// looked at.
    pub(crate) fn look(
        &mut self,
        directory: &ProcessDirectory,
        identity: Identity,
    ) -> Option<impl FnOnce(&Handle) -> Said + Send + use<>> {
        let key = (identity.device, identity.inode);
        if self.packages.contains_key(&key)
            || self.packages.len() >= MOST_BINARIES
            || self.answering(directory, identity) == Answering::Program
        {
            return None;
        }
        Some(self.question(directory))
    }

    fn question(
        &self,
        directory: &ProcessDirectory,
    ) -> impl FnOnce(&Handle) -> Said + Send + use<> {
        let name = directory.path("exe");
        let with_version = self.facts.len() < MOST_ASKED_AT_ONCE;
        move |node| Said::by(node, &name, with_version)
    }

    /// Keeps what an executable said.
    ///
    /// What one process keeps from being read is no knowledge: another may run the same file.
    pub(crate) fn keep(&mut self, identity: Identity, said: Option<Said>) {
        let Some(Said { package, facts }) = said else {
            return;
        };
        let key = (identity.device, identity.inode);
        self.packages.insert(key, package);
        if let Some(facts) = facts {
            self.facts.insert(key, facts);
        }
    }

    /// Returns what an executable said of itself, if it was asked before.
    pub(crate) fn known_facts(&self, identity: Identity) -> Option<ExecutableFacts> {
        let known = self.facts.get(&(identity.device, identity.inode));
        known.cloned()
    }

    /// Returns all that an executable says of itself.
    pub(crate) fn facts(
        &mut self,
        directory: &ProcessDirectory,
        node: &Handle,
        identity: Identity,
    ) -> ExecutableFacts {
        let key = (identity.device, identity.inode);
        if let Some(known) = self.facts.get(&key) {
            return known.clone();
        }
        let name = directory.path("exe");
        let facts = self.read(
            directory,
            node,
            identity,
            move |node| match read::open_regular(node.as_ref(), &name) {
                Ok(opened) => read_facts(opened, &name),
                Err(trouble) => unread(trouble),
            },
        );
        let facts = facts.unwrap_or_else(unread);
        self.facts.insert(key, facts.clone());
        facts
    }

    /// Returns all that an executable of the host says of itself, by its path: mostly one that a process runs.
    pub(crate) fn facts_at(&mut self, path: &Bytes, sight: &Sight) -> ExecutableFacts {
        let identity = match sight.find(path.as_slice(), Last::Follow) {
            Ok(found) => found.status.identity,
            Err(trouble) => return unread(trouble),
        };
        // What one process kept from being read may well be read by its path.
        let known = self.facts.get(&(identity.device, identity.inode));
        if let Some(known) = known.filter(|known| known.problem.is_none()) {
            return known.clone();
        }
        let name = path.to_string();
        let facts = sight.at(path.as_slice(), move |found| {
            match read::open_regular(found.node.as_ref(), &name) {
                Ok(opened) => read_facts(opened, &name),
                Err(trouble) => unread(trouble),
            }
        });
        facts.unwrap_or_else(unread)
    }
}

/// What an executable says that was looked at to see whether it is a component.
pub(crate) struct Said {
    /// Its main package, if it is a Go program.
    package: Option<String>,
    /// All that it says, where it is a component of which that will be asked.
    facts: Option<ExecutableFacts>,
}

impl Said {
    /// Asks the executable `node`, which is spoken of as `name`; a component for its version too, while it is open.
    fn by(node: &Handle, name: &str, with_version: bool) -> Self {
        let open = || {
            let opened = read::open_regular(node.as_ref(), "an executable").ok()?;
            let file = Positioned::of(opened).ok()?;
            let build = executable::build_information(&file).ok()?;
            Some((file, build))
        };
        let Some((file, build)) = open() else {
            return Self {
                package: None,
                facts: None,
            };
        };
        let package = build.main_package.clone();
        let program = package.as_deref().and_then(programs::of_package);
        let counts =
            program.is_some_and(|program| program.component != Component::ContainerRuntime);
        Self {
            package,
            facts: (with_version && counts).then(|| facts_of(&file, build, name)),
        }
    }
}

/// An executable that was opened, for the reader of executables.
struct Positioned {
    opened: Box<dyn Opened>,
    size: u64,
}

impl Positioned {
    fn of(opened: Box<dyn Opened>) -> Result<Self, Errno> {
        let size = opened.status()?.size;
        Ok(Self { opened, size })
    }
}

impl ReadAt for Positioned {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> std::io::Result<usize> {
        Ok(self.opened.read_at(buffer, offset)?)
    }
}

fn read_facts(opened: Box<dyn Opened>, name: &str) -> ExecutableFacts {
    let file = match Positioned::of(opened) {
        Ok(file) => file,
        Err(errno) => return unread(trouble(errno, name)),
    };
    match executable::build_information(&file) {
        Ok(build) => facts_of(&file, build, name),
        Err(error) => unread(not_understood(&error, name)),
    }
}

fn not_understood(error: &ExecutableError, name: &str) -> Trouble {
    Trouble {
        cause: match error {
            ExecutableError::Unreadable { .. } => Cause::Denied,
            ExecutableError::TooLarge { .. } => Cause::TooLarge,
            _ => Cause::ParseError,
        },
        reason: format!("{name}: {error}"),
    }
}

fn facts_of(file: &Positioned, build: BuildInformation, name: &str) -> ExecutableFacts {
    let (finding, problem) = match executable::kubernetes_version(file, &build) {
        // More than one minor: it need not be any of them.
        Ok(finding) if finding.minor().is_none() && !finding.versions.is_empty() => {
            let problem = Trouble {
                cause: Cause::Conflict,
                reason: format!(
                    "{name} names versions of several minors: {}",
                    finding.versions.join(", ")
                ),
            };
            (None, Some(problem))
        }
        Ok(finding) => (Some(finding), None),
        Err(error) => (None, Some(not_understood(&error, name))),
    };
    let found_by = finding.as_ref().and_then(|finding| finding.found_by);
    ExecutableFacts {
        go_version: Some(build.go_version).filter(|version| !version.is_empty()),
        main_package: build.main_package,
        versions: finding.map(|finding| finding.versions).unwrap_or_default(),
        found_by: found_by.map(|found_by| found_by.as_str().to_owned()),
        problem,
    }
}

/// Returns the facts of an executable that could not be read.
pub(crate) fn unread(trouble: Trouble) -> ExecutableFacts {
    ExecutableFacts {
        problem: Some(trouble),
        ..ExecutableFacts::default()
    }
}

/// Where packages put a kubelet.
pub(crate) const PACKAGED_KUBELET: &str = "/usr/bin/kubelet";
/// Packages that bring a kubelet.
const PACKAGES: &[&str] = &[
    "kubelet",
    "kubernetes-node",
    "kubernetes",
    "kubernetes-kubelet",
];
/// Package databases hold a page for each package.
const LARGEST_DATABASE: usize = 64 << 20;

/// Returns the packages that bring a component, from the package databases that are texts.
pub(crate) fn packages(sight: &Sight) -> Vec<Package> {
    let mut found = Vec::new();
    let mut add = |path: &str, versions: Vec<packages::PackageVersion>| {
        found.extend(versions.into_iter().filter_map(|version| {
            Some(Package {
                upstream: packages::upstream_version(&version.version)?,
                name: version.package,
                version: version.version,
                path: path.into(),
                line: version.line,
            })
        }));
    };
    let dpkg = "/var/lib/dpkg/status";
    if let Ok(content) = sight.read(dpkg, LARGEST_DATABASE) {
        add(
            dpkg,
            packages::dpkg_versions(&content, DpkgLayout::Status, PACKAGES),
        );
    }
    for package in PACKAGES {
        let path = format!("/var/lib/dpkg/status.d/{package}");
        if let Ok(content) = sight.read(&path, LARGEST_DATABASE) {
            let layout = DpkgLayout::StatusDirectory;
            add(&path, packages::dpkg_versions(&content, layout, PACKAGES));
        }
    }
    for apk in ["/lib/apk/db/installed", "/usr/lib/apk/db/installed"] {
        if let Ok(content) = sight.read(apk, LARGEST_DATABASE) {
            let versions = packages::apk_versions(&content, PACKAGES);
            if !versions.is_empty() {
                add(apk, versions);
                // Both paths are one file where `/lib` is a link.
                break;
            }
        }
    }
    found
}
