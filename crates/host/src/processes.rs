//! Which processes may be a component, and why.

mod well_known;

use std::collections::{BTreeMap, HashSet};
use std::rc::Rc;

use kubeassay_core::facts::{
    ExecutableFacts, Problem, ProcessTable, RecognisedBy, Recognition, Trouble, Unreadable,
};
use kubeassay_core::{Bytes, Cause, Component};

use crate::aside::Aside;
use crate::binaries::{self, Binaries};
use crate::files::{self, Outlook, Sight};
use crate::fs::{Handle, Identity};
use crate::host::Host;
use crate::namespaces::HostNamespaces;
use crate::proc::{Glance, ProcessDirectory, cgroup, cmdline, stat};
use crate::programs::{self, EMBEDDINGS, base_name};

/// As much of a command line as the first argument is looked for in.
const START_OF_ARGUMENTS: usize = 4096;
/// The most of a small file of `/proc`.
pub(crate) const SMALL: usize = 1 << 16;
/// The name of a process is 15 bytes and a newline.
const LONGEST_COMM: usize = 64;
/// How many processes that could not be read are named one by one.
const MOST_UNREADABLE: usize = 1000;
/// The same of tenants' processes.
const MOST_TENANTS_UNREAD: usize = 16;
/// What the kernel writes behind the path of an executable that is no more at its path.
const DELETED: &[u8] = b" (deleted)";

/// A process that may be a component.
pub(crate) struct Candidate {
    pub(crate) directory: ProcessDirectory,
    pub(crate) component: Component,
    pub(crate) recognised_by: Vec<Recognition>,
    pub(crate) exe: Result<Executable, Trouble>,
    pub(crate) comm: Option<Bytes>,
    pub(crate) standing: Standing,
}

/// Whose a process is, as far as that is told at a glance; what is likeliest the node's own comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Standing {
    /// Root's, where the first process sees its files.
    Own,
    /// Root's of some namespace, and in no pod's cgroup.
    Apart,
    /// A tenant's, or nobody knows.
    Tenant,
}

/// What `/proc/PID/exe` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Executable {
    pub(crate) path: Vec<u8>,
    pub(crate) deleted: bool,
}

impl Executable {
    /// Reads what the link of a process says.
    pub(crate) fn of(directory: &ProcessDirectory) -> Result<Self, Trouble> {
        directory.link("exe").map(Self::said)
    }

    fn said(link: Vec<u8>) -> Self {
        match link.strip_suffix(DELETED) {
            Some(path) => Self {
                path: path.to_vec(),
                deleted: true,
            },
            None => Self {
                path: link,
                deleted: false,
            },
        }
    }
}

/// Looks at one process after the other and keeps what is learnt on the way.
pub(crate) struct Survey<'a> {
    host: &'a Host,
    namespaces: &'a HostNamespaces,
    aside: &'a Rc<Aside>,
    /// Kubelets at known paths.
    kubelets: Vec<(Identity, &'static str)>,
    kubelets_elsewhere: Vec<(Identity, Bytes)>,
    binaries: Binaries,
    /// Files of well-known programs that have no other name.
    well_known: HashSet<Identity>,
    /// Processes of distributions that embed their kubelet.
    embedding: BTreeMap<&'static str, Vec<Bytes>>,
    /// How many executables could not be looked at.
    unexamined: usize,
    /// How many processes of tenants could not be read: they are told, and count for nothing.
    tenants_unread: usize,
    problems: Vec<Problem>,
    table: ProcessTable,
}

impl<'a> Survey<'a> {
    /// Prepares to look at the processes of `host`, of which `table` says how much is shown.
    pub(crate) fn new(
        host: &'a Host,
        namespaces: &'a HostNamespaces,
        aside: &'a Rc<Aside>,
        table: ProcessTable,
    ) -> Self {
        let mut survey = Self {
            host,
            namespaces,
            aside,
            kubelets: Vec::new(),
            kubelets_elsewhere: Vec::new(),
            binaries: Binaries::new(namespaces.mounts(), aside),
            well_known: HashSet::new(),
            embedding: BTreeMap::new(),
            unexamined: 0,
            tenants_unread: 0,
            problems: Vec::new(),
            table,
        };
        survey.find_kubelets();
        survey
    }

    /// Looks for the files of kubelets at the paths where they are known to be installed.
    fn find_kubelets(&mut self) {
        let sight = Sight::of_host(self.host, self.namespaces, self.aside);
        for path in programs::KUBELET_PATHS {
            if let Ok(found) = sight.find_if_there(path.as_bytes()) {
                self.kubelets.push((found.status.identity, path));
            }
        }
        for (folder, rest) in programs::VERSIONED_KUBELET_PATHS {
            let Ok(found) = sight.find_if_there(folder.as_bytes()) else {
                continue;
            };
            // A few versions at most; a folder that is full of something else is not searched.
            for entry in found.node.entries(64).ok().flatten().unwrap_or_default() {
                let path = [folder.as_bytes(), entry.name.as_slice(), rest.as_bytes()].join(&b'/');
                if let Ok(found) = sight.find_if_there(&path) {
                    self.kubelets_elsewhere
                        .push((found.status.identity, path.into()));
                }
            }
        }
    }

    /// Returns whether there is a kubelet at one of the known paths.
    pub(crate) fn knows(&self, path: &str) -> bool {
        self.kubelets.iter().any(|(_, known)| *known == path)
    }

    /// Returns whether there is a kubelet at any of the known paths.
    pub(crate) fn knows_a_kubelet(&self) -> bool {
        !self.kubelets.is_empty() || !self.kubelets_elsewhere.is_empty()
    }

    /// Looks at the process `pid` and returns it if it may be a component.
    pub(crate) fn examine(&mut self, pid: u32) -> Option<Candidate> {
        if self.runs_a_well_known(pid) {
            self.table.seen = self.table.seen.saturating_add(1);
            return None;
        }
        let mut directory = match self.host.proc().process(pid) {
            Ok(directory) => directory,
            Err(errno) => {
                let trouble = crate::fs::trouble(errno, format!("/proc/{pid}"));
                self.unread(pid, &trouble, None, Component::Kubelet, Standing::Own);
                return None;
            }
        };
        self.table.seen = self.table.seen.saturating_add(1);
        let exe = Executable::of(&directory);
        if directory.is_live() && exe.as_ref().is_err_and(is_over) && has_no_memory(&directory) {
            return None;
        }
        let identity = self.identity_of_executable(&directory);
        if self.is_well_known(&exe, identity) {
            return None;
        }
        // Once it has ended its directory belongs to root, but then nothing else of it can be read.
        let uid = directory.status().ok().map(|status| status.uid);
        if directory.is_live() && !self.answers_at_once(&directory, uid, identity) {
            directory.set_aside(Rc::clone(self.aside));
        }
        let comm = directory.read_start("comm", LONGEST_COMM).map(|mut comm| {
            if comm.ends_with(b"\n") {
                comm.pop();
            }
            comm
        });
        let Glance {
            arguments,
            executable,
        } = self.glance(&exe, &directory, identity);
        if is_gone(&exe, &comm, &arguments) {
            return None;
        }
        if arguments.as_ref().is_ok_and(Vec::is_empty) && is_no_program(&exe, &directory) {
            return None;
        }
        let first = arguments.as_ref().map(|content| cmdline::first(content));
        let names = Names {
            exe: exe.as_ref().ok().map(|exe| exe.path.as_slice()),
            comm: comm.as_deref().ok(),
            argv0: first.ok(),
        };
        self.note_embedding(pid, &names, &directory);
        let recognised = self.recognise(&names, &exe, executable.as_ref().ok(), &directory);
        let Some((component, recognised_by)) = recognised else {
            self.note_unexamined(pid, &names, executable.as_ref().err(), &arguments);
            return None;
        };
        let standing = self.standing(component, uid, &directory);
        if let Err(trouble) = &arguments {
            let name = names.comm.or(names.exe.map(base_name));
            self.unread(pid, trouble, name, component, standing);
            return None;
        }
        Some(Candidate {
            standing,
            directory,
            component,
            recognised_by,
            exe,
            comm: comm.ok().map(Bytes::from),
        })
    }

    /// Returns which file a live process runs, unless a server might have to say so.
    fn identity_of_executable(&self, directory: &ProcessDirectory) -> Option<Identity> {
        let at_once = directory.is_live() && !self.namespaces.bounds().are_there();
        at_once
            .then(|| directory.identity_of_executable())
            .flatten()
    }

    /// Returns whether nobody but the kernel has to answer for the memory of a process: it is root's, and what
    /// it runs lies on a mount of the host's own, which no process in a container reaches; or, where that does
    /// not tell, it lives in the host's mount namespace.
    fn answers_at_once(
        &self,
        directory: &ProcessDirectory,
        uid: Option<u32>,
        identity: Option<Identity>,
    ) -> bool {
        if self.namespaces.bounds().are_there() {
            return false;
        }
        let mount = identity.and_then(|identity| identity.mount);
        let on_the_host = mount.is_some_and(|mount| self.namespaces.has_mount(mount));
        (on_the_host && uid == Some(0)) || self.namespaces.is_own(directory, uid)
    }

    fn glance(
        &mut self,
        exe: &Result<Executable, Trouble>,
        directory: &ProcessDirectory,
        identity: Option<Identity>,
    ) -> Glance {
        if let Some(identity) = identity {
            return Glance {
                arguments: self.arguments(directory, identity),
                executable: Ok(identity),
            };
        }
        if directory.is_live() {
            return directory.glance(START_OF_ARGUMENTS);
        }
        let executable = exe.as_ref().map_err(Clone::clone).and_then(|exe| {
            find_executable(self.host, self.namespaces, self.aside, exe, directory)
        });
        Glance {
            arguments: directory.read_start("cmdline", START_OF_ARGUMENTS),
            executable: executable.map(|(_, identity)| identity),
        }
    }

    /// Returns the first bytes of the command line. Where it is asked for aside, so is what the executable says.
    fn arguments(
        &mut self,
        directory: &ProcessDirectory,
        identity: Identity,
    ) -> Result<Vec<u8>, Trouble> {
        let aside = directory.aside();
        match aside.and_then(|aside| Some((aside, self.binaries.look(directory, identity)?))) {
            Some((aside, look)) => {
                let (arguments, said) =
                    directory.glance_at(aside, START_OF_ARGUMENTS, identity, look);
                self.binaries.keep(identity, said);
                arguments
            }
            None => directory.read_start("cmdline", START_OF_ARGUMENTS),
        }
    }

    /// Returns which component a process may be, and why, strongest first: what its executable says goes before what
    /// it is called by.
    fn recognise(
        &mut self,
        names: &Names<'_>,
        exe: &Result<Executable, Trouble>,
        executable: Option<&Identity>,
        directory: &ProcessDirectory,
    ) -> Option<(Component, Vec<Recognition>)> {
        let mut found: Vec<(Component, Recognition)> = Vec::new();
        let mut add = |component, by, seen: &[u8]| {
            let seen = seen.into();
            found.push((component, Recognition { by, seen }));
        };
        if let (Ok(exe), Some(identity)) = (exe, executable) {
            let (host, namespaces, aside) = (self.host, self.namespaces, self.aside);
            let find = || find_executable(host, namespaces, aside, exe, directory);
            let package = self.binaries.main_package(directory, *identity, find);
            if let Some(package) = package.as_deref()
                && let Some(program) = programs::of_package(package)
            {
                let by = RecognisedBy::BuildInformation;
                add(program.component, by, package.as_bytes());
            }
            if let Some(path) = self.known_path(*identity) {
                add(Component::Kubelet, RecognisedBy::Inode, path);
            }
        }
        // A shell that runs a script called kubelet, an editor that has one open: not by their names.
        let program = names.exe.map(base_name).or(names.comm);
        if found.is_empty() && program.is_some_and(programs::is_other) {
            return None;
        }
        let mut add = |component, by, seen: &[u8]| {
            let seen = seen.into();
            found.push((component, Recognition { by, seen }));
        };
        // One executable of k3s is containerd, kubectl and others as well, by what it is called; it calls itself
        // `/usr/local/bin/k3s server`, all in its first argument.
        let by_its_call = names.exe.is_some_and(|exe| base_name(exe) == b"k3s");
        let first_word =
            |argv0: &'_ [u8]| argv0.split(|byte| *byte == b' ').next().map(<[u8]>::to_vec);
        let argv0 = names.argv0.and_then(first_word);
        let argv0 = argv0.as_deref().map(base_name);
        if let Some(exe) = names.exe.filter(|_| !by_its_call)
            && let Some(program) = programs::of_name(base_name(exe))
        {
            add(program.component, RecognisedBy::ExeName, exe);
        }
        if let Some(comm) = names.comm
            && let Some(program) = programs::of_comm(comm)
            && !(by_its_call && argv0.is_some_and(|argv0| programs::of_name(argv0).is_none()))
        {
            add(program.component, RecognisedBy::Comm, comm);
        }
        if let (Some(argv0), Some(seen)) = (argv0, names.argv0)
            && let Some(program) = programs::of_name(argv0)
        {
            add(program.component, RecognisedBy::Argv0, seen);
        }
        let component = match found.first() {
            Some(_) if by_its_call => found.last().map(|(component, _)| *component)?,
            Some((component, _)) => *component,
            None => return None,
        };
        let recognised_by = found
            .into_iter()
            .filter(|(of, _)| *of == component)
            .map(|(_, recognition)| recognition);
        Some((component, recognised_by.collect()))
    }

    /// Returns whose a process is. Where that cannot be told, it may be the node's.
    fn standing(
        &self,
        component: Component,
        uid: Option<u32>,
        directory: &ProcessDirectory,
    ) -> Standing {
        let namespaces = self.namespaces;
        let in_pod = || {
            let content = directory.read("cgroup", SMALL).ok();
            let path = content.and_then(|content| cgroup::parse(&content));
            path.is_some_and(|path| cgroup::is_pod(&path))
        };
        let of_others = match component {
            Component::Kubelet => uid.is_some_and(|uid| uid != 0) || in_pod(),
            // The others live in pods of the node's own, which have its network, and some as users of their own.
            _ => in_pod() && namespaces.shares_network(directory) == Some(false),
        };
        if of_others || namespaces.is_of_other_users(directory) {
            Standing::Tenant
        } else if namespaces.is_own(directory, uid) {
            Standing::Own
        } else {
            Standing::Apart
        }
    }

    fn known_path(&self, identity: Identity) -> Option<&[u8]> {
        let known = self
            .kubelets
            .iter()
            .find(|(known, _)| known.same_file(identity))
            .map(|(_, path)| path.as_bytes());
        known.or_else(|| {
            self.kubelets_elsewhere
                .iter()
                .find(|(known, _)| known.same_file(identity))
                .map(|(_, path)| path.as_slice())
        })
    }

    /// Keeps in mind a process of a distribution that embeds its kubelet, unless it is one in a pod: a
    /// virtual cluster is not this node.
    fn note_embedding(&mut self, pid: u32, names: &Names<'_>, directory: &ProcessDirectory) {
        let exe = names.exe.map(base_name);
        let Some((id, name)) = EMBEDDINGS.iter().find_map(|embedding| {
            let is_called = |called: Option<&[u8]>| {
                let mut known = embedding.processes.iter();
                known.find(|name| called == Some(name.as_bytes()))
            };
            let name = is_called(names.comm).or_else(|| is_called(exe))?;
            Some((embedding.id, name))
        }) else {
            return;
        };
        let cgroup = directory.read("cgroup", SMALL).ok();
        let cgroup = cgroup.and_then(|content| cgroup::parse(&content));
        if cgroup.is_some_and(|path| cgroup::is_pod(&path)) {
            return;
        }
        let evidence = format!("process {pid} ({name})");
        self.embedding.entry(id).or_default().push(evidence.into());
    }

    /// A process that is none by its names may still be a kubelet by its executable; where that cannot be
    /// looked at, it is counted, and named only if its names could not be read either.
    fn note_unexamined(
        &mut self,
        pid: u32,
        names: &Names<'_>,
        executable: Option<&Trouble>,
        arguments: &Result<Vec<u8>, Trouble>,
    ) {
        let Some(trouble) = executable else {
            return;
        };
        if matches!(trouble.cause, Cause::Missing | Cause::Vanished) {
            return;
        }
        if names.comm.is_none() && arguments.is_err() {
            self.unread(pid, trouble, None, Component::Kubelet, Standing::Own);
        } else if !names.comm.is_some_and(programs::is_other) {
            self.unexamined += 1;
        }
    }

    fn unread(
        &mut self,
        pid: u32,
        trouble: &Trouble,
        comm: Option<&[u8]>,
        component: Component,
        standing: Standing,
    ) {
        // What ended before anything was seen of it was none of our business; and where all others are
        // hidden, that is said once.
        let nobody = trouble.cause == Cause::Vanished || trouble.cause == Cause::Missing;
        if comm.is_none() && (nobody || self.table.hides_others) {
            return;
        }
        let name = comm.map_or_else(String::new, |comm| format!(" ({})", Bytes::from(comm)));
        if standing == Standing::Tenant {
            self.tenants_unread += 1;
            if self.tenants_unread <= MOST_TENANTS_UNREAD {
                self.problems.push(Problem {
                    cause: trouble.cause,
                    path: Some(format!("/proc/{pid}").into()),
                    reason: format!(
                        "process {pid}{name} calls itself a {component}, and is a tenant's: {}",
                        trouble.reason
                    ),
                });
            }
        } else if self.table.unreadable.len() < MOST_UNREADABLE {
            self.table.unreadable.push(Unreadable {
                pid,
                cause: trouble.cause,
                reason: format!(
                    "process {pid}{name} may be a {component}: {}",
                    trouble.reason
                ),
            });
        }
    }

    /// Notes that a candidate could not be read after all.
    pub(crate) fn lost(&mut self, candidate: &Candidate, trouble: &Trouble) {
        let pid = candidate.directory.pid;
        let Candidate {
            component,
            standing,
            ..
        } = candidate;
        let name = Some(component.as_str().as_bytes());
        self.unread(pid, trouble, name, *component, *standing);
    }

    /// Returns what its executable says of a candidate.
    pub(crate) fn executable_facts(&mut self, candidate: &Candidate) -> Option<ExecutableFacts> {
        let exe = candidate.exe.as_ref().ok()?;
        let directory = &candidate.directory;
        let identity = self.identity_of_executable(directory);
        if let Some(known) = identity.and_then(|identity| self.binaries.known_facts(identity)) {
            return Some(known);
        }
        let executable = find_executable(self.host, self.namespaces, self.aside, exe, directory);
        Some(match executable {
            Ok((node, identity)) => self.binaries.facts(directory, &node, identity),
            Err(trouble) => binaries::unread(trouble),
        })
    }

    /// Returns what the file at `path` of the host says of itself, as an executable.
    pub(crate) fn executable_at(&mut self, path: &Bytes, sight: &Sight) -> ExecutableFacts {
        self.binaries.facts_at(path, sight)
    }

    /// Returns what is known of the host's namespaces.
    pub(crate) const fn namespaces(&self) -> &'a HostNamespaces {
        self.namespaces
    }

    /// Returns where is read what may never answer.
    pub(crate) const fn aside(&self) -> &'a Rc<Aside> {
        self.aside
    }

    /// Returns what was seen of the process table.
    pub(crate) fn into_table(self) -> ProcessTable {
        self.table
    }

    /// Returns what was learnt of distributions that run.
    pub(crate) const fn embedding(&self) -> &BTreeMap<&'static str, Vec<Bytes>> {
        &self.embedding
    }

    /// Returns what there is to say beyond single processes of the node itself.
    pub(crate) fn take_problems(&mut self) -> Vec<Problem> {
        let mut problems = std::mem::take(&mut self.problems);
        if self.tenants_unread > MOST_TENANTS_UNREAD {
            problems.push(Problem {
                cause: Cause::TooLarge,
                path: Some("/proc".into()),
                reason: format!(
                    "{} more processes of tenants call themselves components and could not be read",
                    self.tenants_unread - MOST_TENANTS_UNREAD
                ),
            });
        }
        if self.unexamined > 0 && !self.table.hides_others {
            problems.push(Problem {
                cause: Cause::Denied,
                path: None,
                reason: format!(
                    "of processes whose executable could not be examined there {}; a kubelet under another name would not be seen",
                    match self.unexamined {
                        1 => "is 1".to_owned(),
                        many => format!("are {many}"),
                    }
                ),
            });
        }
        problems
    }
}

/// The names that a process goes by; none where they could not be read.
struct Names<'a> {
    exe: Option<&'a [u8]>,
    comm: Option<&'a [u8]>,
    argv0: Option<&'a [u8]>,
}

/// Finds the executable of a process: on a recorded procfs its link is a plain one.
fn find_executable(
    host: &Host,
    namespaces: &HostNamespaces,
    aside: &Rc<Aside>,
    exe: &Executable,
    directory: &ProcessDirectory,
) -> Result<(Handle, Identity), Trouble> {
    if directory.is_live() {
        let found = directory.follow("exe");
        return found.map(|(node, status)| (node, status.identity));
    }
    let sight = Outlook::of(host, namespaces, directory).from(Ok(None), aside);
    files::recorded_executable(&sight, &exe.path)
}

/// Returns whether the process ended before anything was learnt of it.
fn is_gone(
    exe: &Result<Executable, Trouble>,
    comm: &Result<Vec<u8>, Trouble>,
    arguments: &Result<Vec<u8>, Trouble>,
) -> bool {
    exe.as_ref().is_err_and(is_over)
        && comm.as_ref().is_err_and(is_over)
        && arguments.as_ref().is_err_and(is_over)
}

fn is_over(trouble: &Trouble) -> bool {
    matches!(trouble.cause, Cause::Vanished | Cause::Missing)
}

/// Returns whether a process without an executable has no arguments either: a kernel thread, or one that has
/// ended. Neither has memory, so that nobody can keep us waiting for it.
fn has_no_memory(directory: &ProcessDirectory) -> bool {
    match directory.read_start("cmdline", 1) {
        Ok(arguments) => arguments.is_empty(),
        Err(trouble) => is_over(&trouble),
    }
}

/// Returns whether a process without arguments is a kernel thread or has ended.
fn is_no_program(exe: &Result<Executable, Trouble>, directory: &ProcessDirectory) -> bool {
    match exe {
        Ok(_) => false,
        Err(trouble) if trouble.cause == Cause::Missing => true,
        Err(_) => directory
            .read("stat", SMALL)
            .ok()
            .and_then(|content| stat::parse(&content))
            .is_some_and(|stat| stat.kernel_thread || stat.ended),
    }
}
