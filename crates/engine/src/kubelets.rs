//! The kubelets of a node: which processes they are, and what their configuration resolves to.

use kubeassay_config::flags;
use kubeassay_config::kubelet::{Asked, Documents, When, ask, ask_for_configuration, resolve};
use kubeassay_config::resolution::Resolution;
use kubeassay_config::tables::Minor;
use kubeassay_config::tables::kubelet::KUBELET;
use kubeassay_core::facts::{
    EndpointFacts, Facts, FileFacts, Need, NeedKind, NodeFacts, Problem, ProcessFacts, ServiceFacts,
};
use kubeassay_core::report::{Subject, User};
use kubeassay_core::{Cause, Component, Value};

use crate::agreement::Agreement;
use crate::components;
use crate::files;
use crate::instances::{Instance, Keys, Restart};
use crate::services;
use crate::version;
use crate::witnesses::{Live, Probe};

/// The kubelets of a node, and the processes that were taken for one and are none.
pub(crate) struct Kubelets<'a> {
    pub(crate) found: Vec<Instance<'a>>,
    pub(crate) problems: Vec<Problem>,
    /// A process of the node itself may be a kubelet and could not be judged.
    pub(crate) undecided: bool,
}

/// Returns the files that `process` reads and its facts do not hold yet, in any version it may be.
pub fn needs(process: &ProcessFacts) -> Vec<Need> {
    if process.component == Component::Distribution {
        return crate::embedded::needs(process);
    }
    if process.component != Component::Kubelet {
        return components::needs(process);
    }
    // What its files are like is asked last.
    let asked = |file: &FileFacts| file.need.what == NeedKind::Metadata;
    if process.files.iter().any(asked) {
        return Vec::new();
    }
    let documents = Documents::new(process);
    let told = components::minors(process);
    let (mut needs, refused) = needs_of(&documents, &told, ask);
    if needs.is_empty() {
        // Whoever judges may say another version than the process does; where none of those would start it is another one,
        // and whatever that reads counts.
        let others: Vec<Minor> = Minor::all().filter(|minor| !told.contains(minor)).collect();
        let asked = if refused { ask } else { ask_for_configuration };
        (needs, _) = needs_of(&documents, &others, asked);
    }
    // What is configured is known by then.
    if needs.is_empty() {
        needs = files::needs_of_process(process);
    }
    needs
}

/// Returns the files that a kubelet reads in any of these versions and that are not in its facts yet, as far as it is `asked`,
/// and whether none of them would start.
fn needs_of(
    documents: &Documents<'_>,
    minors: &[Minor],
    asked: fn(&Documents<'_>, Minor, When) -> Asked,
) -> (Vec<Need>, bool) {
    let mut needs: Vec<Need> = Vec::new();
    let mut refused = true;
    for minor in minors {
        let started = asked(documents, *minor, When::Started);
        refused &= started.refused;
        let now = started
            .stale
            .then(|| asked(documents, *minor, When::Now).needs);
        for need in started.needs.into_iter().chain(now.unwrap_or_default()) {
            if !needs.contains(&need) {
                needs.push(need);
            }
        }
    }
    (needs, refused)
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
    mut take: impl FnMut(Instance<'a>),
) -> Kubelets<'a> {
    let mut kubelets = Kubelets {
        found: Vec::new(),
        problems: Vec::new(),
        undecided: false,
    };
    let mut keys = Keys::default();
    let mut processes: Vec<&ProcessFacts> = facts.kubelets().collect();
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
    for service in services::idle(Component::Kubelet, facts) {
        let mut kubelet = idle_kubelet(service, facts, said);
        keys.tell_apart(&mut kubelet.subject);
        take(kubelet);
    }
    if facts.kubelets().next().is_none() && !facts.endpoints.is_empty() {
        take(remote_kubelet(facts, said));
    }
    kubelets
}

/// Returns the version of the node's first own kubelet, where it is known.
pub(crate) fn version(facts: &Facts, said: Option<Minor>) -> Option<Minor> {
    let mut own = facts.kubelets().filter(|process| !process.in_pod());
    let candidates = version::candidates(said, &facts.node, own.next());
    let known = candidates.known.is_some();
    candidates.minors.last().copied().filter(|_| known)
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
    facts: &'a Facts,
    said: Option<Minor>,
) -> Instance<'a> {
    let version = version::candidates(said, &facts.node, Some(process));
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
    let restart = match services::of(process, facts) {
        Some(service) => services::next_start(service, Some((process, changed)), facts, said),
        None if changed => Restart::Arguments(
            running
                .iter()
                .map(|resolution| resolve(&documents, resolution.minor, When::Now))
                .collect(),
        ),
        None => Restart::Same,
    };
    let subject = subject(process, &facts.node, running.first());
    let minors: Vec<Minor> = running.iter().map(|resolution| resolution.minor).collect();
    let endpoints = endpoints_of(process, facts);
    let live = Live::of(&endpoints, &minors, Some(process));
    let probe = Probe::of(&endpoints);
    let agreement = if live.is_some() || probe.is_some() {
        let now: Vec<Resolution> = minors
            .iter()
            .map(|minor| resolve(&documents, *minor, When::Now))
            .collect();
        let (live, probe) = (live.as_ref(), probe.as_ref());
        Agreement::of(Some(process), &now, facts.finished, live, probe)
    } else {
        Agreement::of_files()
    };
    Instance {
        component: Component::Kubelet,
        process: Some(process),
        subject,
        version,
        live,
        probe,
        agreement,
        running,
        restart,
    }
}

/// Returns the endpoints of a process; those that name none belong to the node's single kubelet.
fn endpoints_of<'a>(process: &ProcessFacts, facts: &'a Facts) -> Vec<&'a EndpointFacts> {
    let own = facts.kubelets().filter(|process| !process.in_pod());
    let single = own.count() == 1 && !process.in_pod();
    facts
        .endpoints
        .iter()
        .filter(|endpoint| match endpoint.pid {
            Some(pid) => pid == process.pid,
            None => single,
        })
        .collect()
}

/// Returns the kubelet that a service would start and that does not run.
fn idle_kubelet<'a>(service: &'a ServiceFacts, facts: &Facts, said: Option<Minor>) -> Instance<'a> {
    let restart = services::next_start(service, None, facts, said);
    let first = match &restart {
        Restart::Service { resolutions, .. } => resolutions.first(),
        _ => None,
    };
    let subject = Subject {
        key: root_of(first),
        unit: Some(service.unit.clone()),
        ..remote_subject()
    };
    Instance {
        component: Component::Kubelet,
        process: None,
        subject,
        version: version::candidates(said, &facts.node, None),
        running: Vec::new(),
        restart,
        live: None,
        probe: None,
        agreement: Agreement::of_files(),
    }
}

/// Returns the kubelet of a node on which no process was looked at.
fn remote_kubelet<'a>(facts: &Facts, said: Option<Minor>) -> Instance<'a> {
    let version = version::candidates(said, &facts.node, None);
    let known = version.minors.iter().copied();
    let known: Vec<Minor> = known.filter(|minor| minor.is_known()).collect();
    let endpoints: Vec<&EndpointFacts> = facts.endpoints.iter().collect();
    let (live, probe) = (Live::of(&endpoints, &known, None), Probe::of(&endpoints));
    Instance {
        component: Component::Kubelet,
        process: None,
        subject: remote_subject(),
        agreement: Agreement::of(None, &[], facts.finished, live.as_ref(), probe.as_ref()),
        live,
        probe,
        version,
        running: Vec::new(),
        restart: Restart::Same,
    }
}

/// Returns a kubelet of which no process is known.
pub(crate) fn remote_subject() -> Subject {
    Subject {
        key: DEFAULT_ROOT.to_owned(),
        component: "kubelet".to_owned(),
        unit: None,
        pid: None,
        exe: None,
        cgroup: None,
        object: None,
        user: None,
        in_pod: false,
        recognised_by: Vec::new(),
    }
}

/// Returns the root directory that a kubelet was given.
fn root_of(resolution: Option<&Resolution>) -> String {
    let root = resolution.and_then(|resolution| resolution.setting("flags.rootDir"));
    match root.and_then(|root| root.value()) {
        Some(Value::String(path)) => path.to_string_lossy(),
        _ => DEFAULT_ROOT.to_owned(),
    }
}

fn subject(process: &ProcessFacts, node: &NodeFacts, resolution: Option<&Resolution>) -> Subject {
    let root = root_of(resolution);
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

#[cfg(test)]
mod tests {
    use kubeassay_core::facts::{ExecutableFacts, NeedKind, ProcessFacts};

    use super::needs;

    /// The versions that a kubelet is not known to be are asked for all that they read where those that it is known to be
    /// would not start.
    #[test]
    fn whoever_may_run_all_the_same_is_asked_for_everything() {
        let presence = |argv: &[&str]| {
            let argv = argv.iter().map(|argument| (*argument).into()).collect();
            let process = ProcessFacts {
                executable: Some(ExecutableFacts {
                    versions: vec!["1.34.2".to_owned()],
                    ..ExecutableFacts::default()
                }),
                ..ProcessFacts::new(1, argv)
            };
            let mut needs = needs(&process).into_iter();
            needs.any(|need| need.what == NeedKind::Presence && need.path == "/k")
        };
        assert!(presence(&["kubelet", "--kubeconfig=/k"]));
        // 1.34 has no such flag, 1.22 has.
        assert!(presence(&[
            "kubelet",
            "--network-plugin=cni",
            "--kubeconfig=/k"
        ]));
        assert!(!presence(&[
            "kubelet",
            "--no-version-has-this",
            "--kubeconfig=/k"
        ]));
    }
}
