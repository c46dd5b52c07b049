//! Takes the facts of a host.
//!
//! One thread reads, and a second one only what may never answer ([`Aside`]): each such read ends after two
//! seconds, and nothing more is begun once the time limit has passed. What could not be read is in the facts,
//! with its cause.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use kubeassay_core::Cause;
use kubeassay_core::facts::{Facts, Problem, ProcessFacts, Tool};

use crate::aside::Aside;
use crate::candidates::Candidates;
use crate::clock::{self, Clocks, Deadline};
use crate::files::Sight;
use crate::guide::Guide;
use crate::host::Host;
use crate::inspect::{MOST_CONFIGURATION_IN_ALL, Setting};
use crate::moments::Beginning;
use crate::namespaces::HostNamespaces;
use crate::proc::stat;
use crate::processes::{Candidate, SMALL, Standing, Survey};
use crate::{binaries, node, process_table, services, users};

/// `/proc/PID/ns/user` of the first user namespace of a kernel.
const FIRST_USER_NAMESPACE: &[u8] = b"user:[4026531837]";
/// `/proc/stat` has a number for each interrupt.
const LARGEST_STAT: usize = 4 << 20;

/// A line for each user or group.
const LARGEST_USERS: usize = 16 << 20;

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
pub fn collect(host: &Host, guide: &dyn Guide, options: &Options) -> Facts {
    let taken = host.taken();
    let started = taken.unwrap_or_else(clock::now);
    let mut facts = Facts::new(options.tool.clone(), host.source(), started);
    facts.node.root = host.folder_bytes();
    gather(host, guide, Deadline::after(options.timeout), &mut facts);
    facts.finished = taken.unwrap_or_else(clock::now);
    facts
}

fn gather(host: &Host, guide: &dyn Guide, deadline: Deadline, facts: &mut Facts) {
    let aside = Rc::new(Aside::new(deadline));
    let namespaces = HostNamespaces::read(host);
    let sight = Sight::of_host(host, &namespaces, &aside);
    let setting = Setting {
        host,
        guide,
        beginning: beginning(host),
        uid_map: uid_map(host),
        deadline,
        room: Cell::new(MOST_CONFIGURATION_IN_ALL),
    };
    facts.node.id = node::id(&sight);
    facts.node.hostname = node::hostname(host, &sight);
    facts.node.platform = node::platform(&sight);
    facts.node.boot_time = setting.beginning.boot_time();

    let table = process_table::look(host.proc());
    let mut survey = Survey::new(host, &namespaces, &aside, table);
    // Without the file that packages bring, their databases say nothing of what runs.
    if survey.knows(binaries::PACKAGED_KUBELET) {
        facts.node.packages = binaries::packages(&sight);
    }
    let mut candidates = Candidates::default();
    let table = processes(host, facts);
    // Where nobody knows what runs, nothing is known not to.
    let mut all = table.is_some();
    for pid in table.unwrap_or_default() {
        if deadline.has_passed() {
            facts.problems.push(late("/proc"));
            break;
        }
        if let Some(candidate) = survey.examine(pid) {
            candidates.add(candidate);
        }
    }
    facts.problems.extend(candidates.problem());
    all &= !candidates.are_incomplete();
    for candidate in candidates.in_order() {
        let standing = candidate.standing;
        match examine(&setting, &mut survey, candidate) {
            Ok(process) => facts.processes.push(process),
            Err(problem) => {
                // A tenant's may come and go as they like.
                all &= standing == Standing::Tenant;
                facts.problems.extend(problem);
            }
        }
    }
    aside.rest();
    facts.processes.sort_by_key(|process| process.pid);
    // What a tenant's kubelet filled must not be missing for the node's own services.
    setting.room.set(MOST_CONFIGURATION_IN_ALL);
    services::read(&setting, &mut survey, &sight, facts);
    setting.read_node(facts, &sight);
    let text = |path| sight.read(path, LARGEST_USERS).unwrap_or_default();
    users::name(facts, &text("/etc/passwd"), &text("/etc/group"));
    facts.node.distributions = node::distributions(&sight, survey.embedding());
    facts.problems.extend(survey.take_problems());
    facts.node.process_table = survey.into_table();
    facts.complete = all && !deadline.has_passed();
}

/// Returns the ids of all processes, if they can be told.
fn processes(host: &Host, facts: &mut Facts) -> Option<Vec<u32>> {
    let listed = host.proc().processes();
    listed
        .map_err(|trouble| {
            facts.problems.push(Problem {
                cause: trouble.cause,
                path: Some("/proc".into()),
                reason: trouble.reason,
            });
        })
        .ok()
}

/// Returns the facts of a process, or what there is to say of it if it could not be read.
fn examine(
    setting: &Setting<'_>,
    survey: &mut Survey<'_>,
    mut candidate: Candidate,
) -> Result<ProcessFacts, Option<Problem>> {
    let pid = candidate.directory.pid;
    if setting.deadline.has_passed() {
        return Err(Some(late(&format!("/proc/{pid}"))));
    }
    match setting.inspect(&mut candidate, survey) {
        Ok((mut facts, sight)) => {
            setting.read_files(&mut facts, &sight);
            Ok(facts)
        }
        // It was one, and it is no more: whatever comes in its place was not seen.
        Err(trouble) if trouble.cause == Cause::Vanished => Err(Some(vanished(&candidate))),
        Err(trouble) => {
            survey.lost(&candidate, &trouble);
            Err(None)
        }
    }
}

fn vanished(candidate: &Candidate) -> Problem {
    let pid = candidate.directory.pid;
    let seen = candidate.recognised_by.first();
    let seen = seen.map_or_else(String::new, |seen| format!(" ({})", seen.seen));
    Problem {
        cause: Cause::Vanished,
        path: Some(format!("/proc/{pid}").into()),
        reason: format!(
            "process {pid}{seen} ended while it was read; if it was restarted, scan again"
        ),
    }
}

/// Returns that something was not read in time.
pub(crate) fn late(path: &str) -> Problem {
    Problem {
        cause: Cause::Blocked,
        path: Some(path.into()),
        reason: format!("{path} was not read before the time limit"),
    }
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
