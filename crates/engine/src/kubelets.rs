//! The kubelets of a node: which processes they are, and what their configuration resolves to.

use std::collections::BTreeMap;

use kubeassay_config::flags;
use kubeassay_config::kubelet::{Documents, Resolution, When, ask, resolve};
use kubeassay_config::tables::Minor;
use kubeassay_config::tables::kubelet::KUBELET;
use kubeassay_core::facts::{Facts, Need, NodeFacts, Problem, ProcessFacts};
use kubeassay_core::report::{Subject, User};
use kubeassay_core::{Cause, Value};

use crate::version::{self, Candidates};

/// One kubelet of a node.
pub(crate) struct Kubelet<'a> {
    pub(crate) process: &'a ProcessFacts,
    pub(crate) subject: Subject,
    pub(crate) version: Candidates,
    /// What the process made of its files at its start, for each version it may be.
    pub(crate) running: Vec<Resolution>,
    /// What it would make of them now; only where a file changed since.
    pub(crate) restart: Option<Vec<Resolution>>,
}

/// The kubelets of a node, and the processes that were taken for one and are none.
pub(crate) struct Kubelets<'a> {
    pub(crate) found: Vec<Kubelet<'a>>,
    pub(crate) problems: Vec<Problem>,
    /// A process of the node itself may be a kubelet and could not be judged.
    pub(crate) undecided: bool,
}

/// Returns the files that `process` reads and its facts do not hold yet, in any version it may be.
pub fn needs(process: &ProcessFacts) -> Vec<Need> {
    let documents = Documents::new(process);
    let mut needs: Vec<Need> = Vec::new();
    for minor in Minor::all() {
        let started = ask(&documents, minor, When::Started);
        let now = started
            .stale
            .then(|| ask(&documents, minor, When::Now).needs);
        for need in started.needs.into_iter().chain(now.unwrap_or_default()) {
            if !needs.contains(&need) {
                needs.push(need);
            }
        }
    }
    needs
}

/// Finds and resolves the kubelets of a node. `said` is the version that the user gave.
pub(crate) fn find(facts: &Facts, said: Option<Minor>) -> Kubelets<'_> {
    let mut found = Vec::new();
    let kubelets = each(facts, said, |kubelet| found.push(kubelet));
    Kubelets { found, ..kubelets }
}

/// Finds and resolves the kubelets of a node one after the other, in the order of their start, and gives each
/// away: what one resolves to in all its versions is large, if somebody means it to be.
pub(crate) fn each<'a>(
    facts: &'a Facts,
    said: Option<Minor>,
    mut take: impl FnMut(Kubelet<'a>),
) -> Kubelets<'a> {
    let mut kubelets = Kubelets {
        found: Vec::new(),
        problems: Vec::new(),
        undecided: false,
    };
    let mut keys = Keys::default();
    let mut processes: Vec<&ProcessFacts> = facts.processes.iter().collect();
    processes.sort_by_key(|process| (process.started.map(|started| started.at), process.pid));
    for process in processes {
        if let Err(reason) = accepted_by_some_version(process) {
            let program = version::program(process);
            kubelets.undecided |= !process.in_pod();
            kubelets.problems.push(Problem {
                cause: Cause::ParseError,
                path: process.exe.clone(),
                reason: format!(
                    "process {} ({program}) looks like a kubelet, but no kubelet from {} to {} accepts its arguments: {reason}",
                    process.pid,
                    Minor::OLDEST,
                    Minor::NEWEST,
                ),
            });
            continue;
        }
        let mut kubelet = resolve_kubelet(process, facts, said);
        keys.tell_apart(&mut kubelet.subject);
        take(kubelet);
    }
    kubelets
}

impl Kubelet<'_> {
    /// Forgets what it resolves to, but for what it made of its files in the newest version.
    pub(crate) fn forget(&mut self) {
        self.restart = None;
        self.running.drain(..self.running.len().saturating_sub(1));
    }
}

/// Returns the newest version's reason where no version takes the arguments.
fn accepted_by_some_version(process: &ProcessFacts) -> Result<(), String> {
    let mut reason = "it has none".to_owned();
    if process.argv.is_empty() {
        return Err(reason);
    }
    for minor in Minor::all() {
        match flags::parse(&process.argv, &KUBELET, minor) {
            Ok(_) => return Ok(()),
            Err(refusal) => reason = refusal.reason,
        }
    }
    Err(reason)
}

fn resolve_kubelet<'a>(
    process: &'a ProcessFacts,
    facts: &Facts,
    said: Option<Minor>,
) -> Kubelet<'a> {
    let version = version::candidates(said, &facts.node, process);
    let documents = Documents::new(process);
    let known = || {
        version
            .minors
            .iter()
            .copied()
            .filter(|minor| minor.is_known())
    };
    let mut running: Vec<Resolution> = known()
        .map(|minor| resolve(&documents, minor, When::Started))
        .collect();
    // The process runs, so it is none of the versions that would refuse what it was given.
    if running
        .iter()
        .any(|resolution| resolution.refusal.is_none())
    {
        running.retain(|resolution| resolution.refusal.is_none());
    }
    let changed = running.iter().any(|resolution| {
        let stale = resolution
            .layers
            .iter()
            .filter_map(|layer| layer.unknown.as_ref());
        let missing = resolution
            .refusal
            .as_ref()
            .is_some_and(|refusal| refusal.cause == Cause::Missing);
        missing
            || stale
                .into_iter()
                .any(|unknown| unknown.cause == Cause::Stale)
    });
    let restart = changed.then(|| {
        running
            .iter()
            .map(|resolution| resolve(&documents, resolution.minor, When::Now))
            .collect()
    });
    let subject = subject(process, &facts.node, running.first());
    Kubelet {
        process,
        subject,
        version,
        running,
        restart,
    }
}

fn subject(process: &ProcessFacts, node: &NodeFacts, resolution: Option<&Resolution>) -> Subject {
    let root = resolution.and_then(|resolution| resolution.setting("flags.rootDir"));
    let root = match root.and_then(|root| root.value()) {
        Some(Value::String(path)) => path.to_string_lossy(),
        _ => DEFAULT_ROOT.to_owned(),
    };
    let in_pod = process.in_pod();
    Subject {
        key: if in_pod { format!("pod:{root}") } else { root },
        component: "kubelet".to_owned(),
        unit: process.unit.clone(),
        pid: Some(process.pid),
        exe: process.exe.clone(),
        cgroup: process.cgroup.clone(),
        object: None,
        user: process.uid.map(|id| User {
            id,
            name: node.users.get(&id).cloned(),
        }),
        in_pod,
        recognised_by: process.recognised_by.clone(),
    }
}

/// The root directory of a kubelet that names none (`cmd/kubelet/app/options/options.go`).
pub(crate) const DEFAULT_ROOT: &str = "/var/lib/kubelet";

/// The keys of a node's subjects.
#[derive(Default)]
struct Keys {
    seen: BTreeMap<String, usize>,
}

impl Keys {
    /// Numbers subjects that share a key, in the order in which they come, so that every key is its own.
    fn tell_apart(&mut self, subject: &mut Subject) {
        let count = self.seen.entry(subject.key.clone()).or_insert(0);
        *count += 1;
        if *count > 1 {
            subject.key = format!("{}#{count}", subject.key);
        }
    }
}
