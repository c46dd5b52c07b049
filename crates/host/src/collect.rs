//! Takes the facts of a host.
//!
//! Reading is done by a thread of its own, which keeps what it has where the caller can take it at any time:
//! a read that never returns ends with the time limit, not with the scan. What was being read then is
//! `blocked`, and the facts are incomplete.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kubeassay_core::Cause;
use kubeassay_core::facts::{
    Facts, FileFacts, Need, NodeFacts, Problem, ProcessFacts, SCHEMA, Tool,
};

use crate::clock::{self, Clocks, Deadline};
use crate::files::Sight;
use crate::guide::Guide;
use crate::host::Host;
use crate::inspect::{Progress, Setting};
use crate::moments::Beginning;
use crate::namespaces::HostNamespaces;
use crate::proc::stat;
use crate::processes::{SMALL, Survey};
use crate::{node, process_table};

/// `/proc/PID/ns/user` of the first user namespace of a kernel.
const FIRST_USER_NAMESPACE: &[u8] = b"user:[4026531837]";
/// `/proc/stat` has a number for each interrupt.
const LARGEST_STAT: usize = 4 << 20;

/// How facts are taken.
#[derive(Clone, Debug)]
pub struct Options {
    /// After this time what has been read so far is returned, as incomplete.
    pub timeout: Duration,
    /// Who takes them.
    pub tool: Tool,
}

/// Takes the facts of `host`.
///
/// Never fails and never hangs: what could not be read is in the facts.
pub fn collect(host: Host, guide: Arc<dyn Guide + Send + Sync>, options: &Options) -> Facts {
    let taken = host.taken();
    let started = taken.unwrap_or_else(clock::now);
    let shared = Arc::new(Shared {
        state: Mutex::new(State {
            facts: Facts {
                schema: SCHEMA.to_owned(),
                tool: options.tool.clone(),
                started,
                finished: started,
                source: host.source(),
                complete: false,
                node: NodeFacts {
                    root: host.folder_bytes(),
                    ..NodeFacts::default()
                },
                processes: Vec::new(),
                problems: Vec::new(),
            },
            reading: None,
        }),
    });
    let (done, finished) = mpsc::channel();
    let deadline = Deadline::after(options.timeout);
    let worker = {
        let shared = Arc::clone(&shared);
        move || {
            gather(&host, guide.as_ref(), deadline, &shared);
            // Nobody listens any more if the time is over.
            let _: Result<(), mpsc::SendError<()>> = done.send(());
        }
    };
    let spawned = std::thread::Builder::new()
        .name("collect".to_owned())
        .spawn(worker);
    let outcome = match spawned {
        Ok(_) => finished.recv_timeout(options.timeout),
        Err(error) => {
            shared.with(|state| {
                state.facts.problems.push(Problem {
                    cause: Cause::Denied,
                    path: None,
                    reason: format!("no thread to read the host with: {error}"),
                });
            });
            Ok(())
        }
    };
    shared.with(|state| state.close(outcome));
    let mut facts = shared.with(|state| state.facts.clone());
    facts.finished = taken.unwrap_or_else(clock::now);
    facts
}

/// What the thread has so far.
struct Shared {
    state: Mutex<State>,
}

struct State {
    facts: Facts,
    /// What is being read.
    reading: Option<Reading>,
}

enum Reading {
    /// Something of the node.
    Node(&'static str),
    /// Something of a process, before its files.
    Process(u32),
    /// A file of a process, whose facts so far are these.
    File(Box<ProcessFacts>, Option<Need>),
}

impl Shared {
    fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        // A thread that panicked while it held the lock has left whole facts: only pushes are made.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut state)
    }

    fn reading(&self, reading: Reading) {
        self.with(|state| state.reading = Some(reading));
    }
}

impl State {
    /// Adds what was being read when the time was over.
    fn close(&mut self, outcome: Result<(), RecvTimeoutError>) {
        let (cause, why) = match outcome {
            Ok(()) => return,
            Err(RecvTimeoutError::Timeout) => {
                (Cause::Blocked, "was not read before the time limit")
            }
            Err(RecvTimeoutError::Disconnected) => {
                (Cause::Unsupported, "could not be read: internal error")
            }
        };
        self.facts.complete = false;
        let mut problem = |path: String| {
            self.facts.problems.push(Problem {
                cause,
                reason: format!("{path} {why}"),
                path: Some(path.into()),
            });
        };
        match self.reading.take() {
            None => {}
            Some(Reading::Node(what)) => problem(what.to_owned()),
            Some(Reading::Process(pid)) => problem(format!("/proc/{pid}")),
            Some(Reading::File(mut facts, need)) => {
                if let Some(need) = need {
                    let reason = format!("{} {why}", need.path);
                    facts.files.push(FileFacts::unread(need, cause, reason));
                } else {
                    problem(format!("/proc/{}", facts.pid));
                }
                self.facts.processes.push(*facts);
            }
        }
    }
}

impl Progress for Shared {
    fn process(&self, facts: &ProcessFacts) {
        self.reading(Reading::File(Box::new(facts.clone()), None));
    }

    fn file(&self, need: &Need) {
        self.with(|state| {
            if let Some(Reading::File(_, reading)) = &mut state.reading {
                *reading = Some(need.clone());
            }
        });
    }

    fn read(&self, file: &FileFacts) {
        self.with(|state| {
            if let Some(Reading::File(facts, reading)) = &mut state.reading {
                facts.files.push(file.clone());
                *reading = None;
            }
        });
    }

    fn done(&self, facts: ProcessFacts) {
        self.with(|state| {
            state.reading = None;
            state.facts.processes.push(facts);
        });
    }
}

fn gather(host: &Host, guide: &dyn Guide, deadline: Deadline, shared: &Shared) {
    let sight = Sight::of_host(host);
    shared.reading(Reading::Node("the node's own files"));
    let beginning = beginning(host);
    let id = node::id(&sight);
    let hostname = node::hostname(host, &sight);
    let platform = node::platform(&sight);
    let table = process_table::look(host.proc());
    shared.with(|state| {
        let node = &mut state.facts.node;
        node.id = id;
        node.hostname = hostname;
        node.platform = platform;
        node.boot_time = beginning.boot_time();
        node.process_table = table.clone();
    });
    shared.reading(Reading::Node("the packages that are installed"));
    let packages = crate::binaries::packages(&sight);
    shared.with(|state| state.facts.node.packages = packages);

    shared.reading(Reading::Node("/proc"));
    let pids = match host.proc().processes() {
        Ok(pids) => pids,
        Err(trouble) => {
            shared.with(|state| {
                state.facts.problems.push(Problem {
                    cause: trouble.cause,
                    path: Some("/proc".into()),
                    reason: trouble.reason,
                });
            });
            Vec::new()
        }
    };
    let setting = Setting {
        host,
        guide,
        beginning,
        namespaces: HostNamespaces::read(host.proc()),
        uid_map: uid_map(host),
        deadline,
    };
    let mut survey = Survey::new(host, table);
    let mut complete = true;
    for pid in pids {
        if deadline.has_passed() {
            complete = false;
            break;
        }
        shared.reading(Reading::Process(pid));
        examine(&setting, &mut survey, pid, shared);
    }
    shared.reading(Reading::Node("the files of distributions"));
    let distributions = node::distributions(&sight, survey.embedding());
    shared.with(|state| {
        let node = &mut state.facts.node;
        node.process_table = survey.table().clone();
        node.distributions = distributions;
        state.facts.problems.extend(survey.problems());
        state.facts.complete = complete && !deadline.has_passed();
        state.reading = None;
    });
}

fn examine(setting: &Setting<'_>, survey: &mut Survey<'_>, pid: u32, shared: &Shared) {
    let Some(mut candidate) = survey.examine(pid) else {
        return;
    };
    match setting.inspect(&mut candidate, survey) {
        Ok((mut facts, sight)) => {
            shared.process(&facts);
            setting.read_files(&mut facts, &sight, shared);
            shared.done(facts);
        }
        // It was one, and it is no more: whatever comes in its place was not seen.
        Err(trouble) if trouble.cause == Cause::Vanished => shared.with(|state| {
            let seen = candidate.recognised_by.first();
            let seen = seen.map_or_else(String::new, |seen| format!(" ({})", seen.seen));
            state.facts.problems.push(Problem {
                cause: Cause::Vanished,
                path: Some(format!("/proc/{pid}").into()),
                reason: format!(
                    "process {pid}{seen} ended while it was read; if it was restarted, scan again"
                ),
            });
        }),
        Err(trouble) => survey.lost(pid, &trouble),
    }
    shared.with(|state| state.facts.node.process_table = survey.table().clone());
}

fn beginning(host: &Host) -> Beginning {
    let of_stat = || {
        let content = host.proc().read("stat", LARGEST_STAT).ok()?;
        stat::boot_second(&content).map(Beginning::BootSecond)
    };
    if host.proc().is_live() {
        return Beginning::Clocks(Clocks::read());
    }
    of_stat().unwrap_or(Beginning::Unknown)
}

/// Returns how users of our own namespace are numbered above it, unless it is the machine's first.
fn uid_map(host: &Host) -> Option<Vec<u8>> {
    let proc = host.proc();
    if !proc.is_live() {
        return None;
    }
    let own = proc.link("self/ns/user").ok();
    if own.is_none_or(|own| own == FIRST_USER_NAMESPACE) {
        return None;
    }
    proc.read("self/uid_map", SMALL).ok()
}
