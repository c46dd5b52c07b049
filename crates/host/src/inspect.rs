//! Everything about one process that may be a component.

use std::cell::Cell;
use std::collections::{BTreeMap, HashSet};

use kubeassay_core::facts::{
    Facts, FileFacts, Moment, Need, NeedKind, Problem, ProcessFacts, ServiceFacts, Trouble,
};
use kubeassay_core::{Bytes, Cause, Component};

use crate::clock::Deadline;
use crate::files::{Outlook, Sight, look_until};
use crate::guide::Guide;
use crate::host::Host;
use crate::moments::Beginning;
use crate::proc::{Memory, ProcessDirectory, cgroup, cmdline, stat, status};
use crate::processes::{Candidate, Executable, SMALL, Survey};

/// The longest command line that is read: what Linux allows for a single argument (`MAX_ARG_STRLEN`). Those
/// of kubelets are some kilobytes; each byte is worth a thousand once seventeen versions have read it.
const LONGEST_ARGUMENTS: usize = 128 << 10;
/// How many arguments are read.
const MOST_ARGUMENTS: usize = 4096;
/// The largest environment that is read: it shares that limit, yet raised limits are more common here.
const LARGEST_ENVIRONMENT: usize = 8 << 20;
/// How often the files that a process or service reads are asked for.
const MOST_ROUNDS: usize = 64;
/// How many files of one process or service are read.
const MOST_FILES: usize = 4096;
/// How much of configuration is kept of all processes together, names in directories too, so that facts stay a document.
pub(crate) const MOST_CONFIGURATION_IN_ALL: usize = 16 << 20;
/// What an entry of a directory takes beside its name.
const BYTES_OF_AN_ENTRY: usize = 32;
/// How often a process that becomes another program while it is read is read again.
const ATTEMPTS: usize = 3;

/// What is the same for all processes of a host.
pub(crate) struct Setting<'a> {
    pub(crate) host: &'a Host,
    pub(crate) guide: &'a dyn Guide,
    pub(crate) beginning: Beginning,
    /// How users of our own namespace are numbered in the host's, if that is another.
    pub(crate) uid_map: Option<Vec<u8>>,
    pub(crate) deadline: Deadline,
    /// How much more configuration is kept.
    pub(crate) room: Cell<usize>,
}

/// A process that was read.
struct Read {
    facts: ProcessFacts,
    sight: Sight,
    /// Its arguments as they are.
    arguments: Vec<u8>,
    /// The same once all else was read.
    arguments_now: Result<Vec<u8>, Trouble>,
}

impl Setting<'_> {
    /// Reads all about `candidate` but its files.
    pub(crate) fn inspect(
        &self,
        candidate: &mut Candidate,
        survey: &mut Survey<'_>,
    ) -> Result<(ProcessFacts, Sight), Trouble> {
        for _ in 0..ATTEMPTS {
            let Read {
                mut facts,
                sight,
                arguments,
                arguments_now,
            } = self.read_process(candidate, survey)?;
            // A process can become another program at any time, and what was read would be of two.
            let exe_now = Executable::of(&candidate.directory);
            match arguments_now {
                Ok(now)
                    if now == arguments && exe_now.ok() == candidate.exe.as_ref().ok().cloned() =>
                {
                    return Ok((facts, sight));
                }
                Ok(_) => candidate.exe = Executable::of(&candidate.directory),
                Err(trouble) => {
                    facts
                        .problems
                        .push(problem(trouble, &candidate.directory, None));
                    return Ok((facts, sight));
                }
            }
        }
        Err(Trouble {
            cause: Cause::Conflict,
            reason: format!(
                "process {} changed its program or arguments each time it was read",
                candidate.directory.pid
            ),
        })
    }

    /// Reads a process, and last what lies in its memory: becoming another program changes that or its executable, and what
    /// was read before (its start, user, cgroup, folder and mounts) only as the executable changes too.
    fn read_process(
        &self,
        candidate: &Candidate,
        survey: &mut Survey<'_>,
    ) -> Result<Read, Trouble> {
        let directory = &candidate.directory;
        let mut problems = Vec::new();
        let mut note = |trouble: Trouble, name: &str| {
            problems.push(problem(trouble, directory, Some(name)));
        };
        let exe = match &candidate.exe {
            Ok(exe) => Some(exe.clone()),
            Err(trouble) => {
                note(trouble.clone(), "exe");
                None
            }
        };
        let started = match self.started(directory) {
            Ok(started) => started,
            Err(trouble) => {
                note(trouble, "stat");
                None
            }
        };
        let uid = match directory.read("status", SMALL) {
            Ok(content) => self.uid(&content),
            Err(trouble) => {
                note(trouble, "status");
                None
            }
        };
        let cgroup = match directory.read("cgroup", SMALL) {
            Ok(content) => cgroup::parse(&content),
            Err(trouble) => {
                note(trouble, "cgroup");
                None
            }
        };
        let cwd = match working_directory(directory) {
            Ok(cwd) => cwd,
            Err(trouble) => {
                note(trouble, "cwd");
                None
            }
        };
        let namespaces = survey.namespaces().compare(self.host.proc(), directory);
        let outlook = Outlook::of(self.host, survey.namespaces(), directory);
        // Which release of a runtime it is decides nothing.
        let executable = match candidate.component {
            Component::ContainerRuntime => None,
            _ => survey.executable_facts(candidate),
        };
        let Memory {
            arguments,
            environment,
            root,
            arguments_now,
        } = directory.read_memory(LONGEST_ARGUMENTS, LARGEST_ENVIRONMENT);
        let arguments = arguments?;
        let argv = argv(directory, &arguments)?;
        let environment = match environment {
            Ok(content) => {
                let found = cmdline::environment(&content, candidate.component);
                Some(self.without_secrets(found))
            }
            Err(trouble) => {
                note(trouble, "environ");
                None
            }
        };
        let sight = outlook.from(root, survey.aside());
        if let Some(trouble) = sight.trouble() {
            note(trouble.clone(), "root");
        }
        let facts = ProcessFacts {
            pid: directory.pid,
            component: candidate.component,
            recognised_by: candidate.recognised_by.clone(),
            exe_deleted: exe.as_ref().is_some_and(|exe| exe.deleted),
            exe: exe.map(|exe| exe.path.into()),
            comm: candidate.comm.clone(),
            argv: self.guide.redact_arguments(argv),
            cwd,
            environment,
            started,
            uid,
            unit: cgroup.as_deref().and_then(cgroup::unit).map(Bytes::from),
            cgroup: cgroup.map(Bytes::from),
            namespaces,
            view: sight.view,
            files: Vec::new(),
            executable,
            problems,
        };
        Ok(Read {
            facts,
            sight,
            arguments,
            arguments_now,
        })
    }

    /// Returns the variables without secrets. One of etcd says what its flag would, and may hold what that may.
    fn without_secrets(&self, found: BTreeMap<String, Bytes>) -> BTreeMap<String, Bytes> {
        let hidden = |(name, value): (String, Bytes)| {
            let flag = name.strip_prefix("ETCD_").unwrap_or(&name);
            let head = format!("--{}=", flag.to_ascii_lowercase().replace('_', "-"));
            let argument = Bytes::from([head.as_bytes(), value.as_slice()].concat());
            let argv = self.guide.redact_arguments(vec!["etcd".into(), argument]);
            let kept = argv.last().map_or(&b""[..], Bytes::as_slice);
            let kept = kept.get(head.len()..).unwrap_or_default();
            (name, Bytes::from(kept))
        };
        found.into_iter().map(hidden).collect()
    }

    fn started(&self, directory: &ProcessDirectory) -> Result<Option<Moment>, Trouble> {
        if let Some(at) = self.host.recorded_start(directory.pid) {
            return Ok(Some(Moment { at, error_ms: 20 }));
        }
        let stat = stat::parse(&directory.read("stat", SMALL)?);
        Ok(stat.and_then(|stat| self.beginning.moment(stat.start_ticks)))
    }

    fn uid(&self, content: &[u8]) -> Option<u32> {
        let uid = status::parse(content).effective_uid?;
        match &self.uid_map {
            None => Some(uid),
            Some(map) => status::map_uid(map, uid),
        }
    }

    /// Reads the files of a process, as far as the guide names them and the time allows.
    pub(crate) fn read_files(&self, facts: &mut ProcessFacts, sight: &Sight) {
        let redact = |content| self.guide.redact_content(content);
        let needs = |process: &mut ProcessFacts| self.guide.needs(process);
        self.read_named(facts, needs, |needs, take| {
            sight.look_at_each(needs, redact, take)
        });
    }

    /// Reads the files of a service likewise, and what its executable says. Secrets are still in them: what files are
    /// named may depend on every byte. `look` returns a file, secrets and all.
    pub(crate) fn read_service(
        &self,
        facts: &mut ServiceFacts,
        survey: &mut Survey<'_>,
        sight: &Sight,
        look: impl Fn(Need) -> FileFacts,
    ) {
        let needs = |service: &mut ServiceFacts| {
            // Which release of a runtime it is decides nothing.
            if service.executable.is_none()
                && service.component != Component::ContainerRuntime
                && let Some(path) = self.guide.executable_of_service(service)
                && !self.deadline.has_passed()
            {
                service.executable = Some(survey.executable_at(&path, sight));
            }
            self.guide.needs_of_service(service)
        };
        self.read_named(facts, needs, |needs, take| look_until(needs, &look, take));
    }

    /// Reads the files of the node that are no single process's.
    pub(crate) fn read_node(&self, facts: &mut Facts, sight: &Sight) {
        let redact = |content| self.guide.redact_content(content);
        let mut needs_of_node = self.guide.needs_of_node(facts);
        let needs = |facts: &mut Facts| needs_of_node(facts);
        self.read_named(facts, needs, |needs, take| {
            sight.look_at_each(needs, redact, take)
        });
    }

    /// Reads files until nothing new is named.
    fn read_named<T: Reads>(
        &self,
        facts: &mut T,
        mut needs: impl FnMut(&mut T) -> Vec<Need>,
        look: impl Fn(Vec<Need>, &mut dyn FnMut(FileFacts) -> bool) -> Vec<Need>,
    ) {
        let mut known: HashSet<Need> = HashSet::new();
        for _ in 0..MOST_ROUNDS {
            let mut needs = needs(facts);
            needs.retain(|need| known.insert(need.clone()));
            if needs.is_empty() {
                return;
            }
            let room = MOST_FILES.saturating_sub(facts.files().len());
            let beyond = needs.get(room).cloned();
            needs.truncate(room);
            while !needs.is_empty() {
                let had_room = self.room.get() > 0;
                let (wanted, unwanted) = needs.into_iter().partition(|need| self.wants(need));
                let unread = |need| no_room(FileFacts::unread(need, Cause::TooLarge, ""));
                facts.files().extend(Vec::into_iter(unwanted).map(unread));
                // Once there is no room left, it is asked again what is read at all.
                needs = look(wanted, &mut |file| {
                    facts.files().push(self.keep(file));
                    !had_room || self.room.get() > 0
                });
            }
            if let Some(need) = beyond {
                let reason = format!("{} reads more than {MOST_FILES} files", facts.name());
                facts.problems().push(Problem {
                    cause: Cause::TooLarge,
                    path: Some(need.path),
                    reason,
                });
                return;
            }
        }
        let reason = format!(
            "the files of {} name further files more than {MOST_ROUNDS} times over",
            facts.name()
        );
        facts.problems().push(Problem {
            cause: Cause::TooLarge,
            path: None,
            reason,
        });
    }
}

/// Whatever reads files that name further files.
trait Reads {
    /// What it is called in a sentence.
    fn name(&self) -> String;

    /// Its files.
    fn files(&mut self) -> &mut Vec<FileFacts>;

    /// What could not be read of it, beyond single files.
    fn problems(&mut self) -> &mut Vec<Problem>;
}

impl Reads for ProcessFacts {
    fn name(&self) -> String {
        format!("process {}", self.pid)
    }

    fn files(&mut self) -> &mut Vec<FileFacts> {
        &mut self.files
    }

    fn problems(&mut self) -> &mut Vec<Problem> {
        &mut self.problems
    }
}

impl Reads for Facts {
    fn name(&self) -> String {
        "the node".to_owned()
    }

    fn files(&mut self) -> &mut Vec<FileFacts> {
        &mut self.files
    }

    fn problems(&mut self) -> &mut Vec<Problem> {
        &mut self.problems
    }
}

impl Reads for ServiceFacts {
    fn name(&self) -> String {
        format!("the service {}", self.unit)
    }

    fn files(&mut self) -> &mut Vec<FileFacts> {
        &mut self.files
    }

    fn problems(&mut self) -> &mut Vec<Problem> {
        &mut self.problems
    }
}

impl Setting<'_> {
    /// Returns whether a file is read: where there is no room for what is in it that would be for nothing.
    fn wants(&self, need: &Need) -> bool {
        need.what != NeedKind::Content || self.room.get() > 0
    }

    /// Returns a file as it is if there is room for its content or entries; else there is none for any other.
    fn keep(&self, file: FileFacts) -> FileFacts {
        let content = file.content.as_ref();
        let content = content.map_or(0, |content| content.as_slice().len());
        let entries = file.entries.iter().flatten();
        let entries = entries.map(|entry| entry.name.as_slice().len() + BYTES_OF_AN_ENTRY);
        let size = content.saturating_add(entries.sum());
        if let Some(room) = self.room.get().checked_sub(size) {
            self.room.set(room);
            return file;
        }
        self.room.set(0);
        no_room(file)
    }
}

/// Returns a file without its content and entries, for want of room.
fn no_room(mut file: FileFacts) -> FileFacts {
    file.content = None;
    file.entries = None;
    file.problem = Some(Trouble {
        cause: Cause::TooLarge,
        reason: format!(
            "{} is not kept: all configuration together is larger than {} MiB",
            file.need.path,
            MOST_CONFIGURATION_IN_ALL >> 20
        ),
    });
    file
}

/// Returns the working directory in the process's own view: what the kernel says, without the path of the
/// process's root. Nothing if it was deleted or lies outside the root.
fn working_directory(directory: &ProcessDirectory) -> Result<Option<Bytes>, Trouble> {
    // A capture need not have either.
    let optional = |link: Result<Vec<u8>, Trouble>| match link {
        Ok(target) => Ok(Some(target)),
        Err(trouble) if trouble.cause != Cause::Missing => Err(trouble),
        Err(_) if !directory.is_live() => Ok(None),
        Err(_) => Err(vanished(directory)),
    };
    let Some(here) = optional(directory.link("cwd"))? else {
        return Ok(None);
    };
    if !here.starts_with(b"/") || here.ends_with(b" (deleted)") {
        return Ok(None);
    }
    let root = optional(directory.link("root"))?.unwrap_or_else(|| b"/".to_vec());
    let root = root.strip_suffix(b"/").unwrap_or(&root);
    let below = here.strip_prefix(root);
    Ok(match below.map(|below| (below, below.first())) {
        Some((_, None)) => Some("/".into()),
        Some((below, Some(b'/'))) => Some(below.into()),
        _ => None,
    })
}

/// Returns the arguments of a process, of which there are some and not too many.
fn argv(directory: &ProcessDirectory, arguments: &[u8]) -> Result<Vec<Bytes>, Trouble> {
    let argv = cmdline::arguments(arguments);
    if argv.is_empty() {
        // What has ended has no executable either, as long as its parent does not notice.
        let exe = Executable::of(directory);
        if directory.is_live() && exe.is_err_and(|trouble| trouble.cause == Cause::Missing) {
            return Err(vanished(directory));
        }
        return Err(Trouble {
            cause: Cause::Missing,
            reason: format!("process {} has no arguments", directory.pid),
        });
    }
    if argv.len() > MOST_ARGUMENTS {
        return Err(Trouble {
            cause: Cause::TooLarge,
            reason: format!(
                "process {} has more than {MOST_ARGUMENTS} arguments",
                directory.pid
            ),
        });
    }
    Ok(argv)
}

fn vanished(directory: &ProcessDirectory) -> Trouble {
    Trouble {
        cause: Cause::Vanished,
        reason: format!("process {} ended while it was read", directory.pid),
    }
}

fn problem(trouble: Trouble, directory: &ProcessDirectory, name: Option<&str>) -> Problem {
    let path = name.map_or_else(
        || format!("/proc/{}", directory.pid),
        |name| directory.path(name),
    );
    Problem {
        cause: trouble.cause,
        path: Some(path.into()),
        reason: trouble.reason,
    }
}
