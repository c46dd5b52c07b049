//! The components of a node other than its kubelets: which processes they are, and what they resolve to.

use std::borrow::Cow;

use kubeassay_config::components::resolve;
use kubeassay_config::kubelet::{Documents, When};
use kubeassay_config::resolution::Resolution;
use kubeassay_config::tables::Minor;
use kubeassay_config::units;
use kubeassay_core::facts::{Facts, Need, NodeFacts, ProcessFacts, ServiceFacts};
use kubeassay_core::report::{Subject, User};
use kubeassay_core::{Bytes, Cause, Component};

use crate::agreement::Agreement;
use crate::files;
use crate::instances::{Instance, Keys, Restart};
use crate::manifests::{self, Manifests, StaticPod};
use crate::{services, version};

/// The components that are looked for besides the kubelet, in the order in which they are judged.
pub(crate) const OTHERS: [Component; 6] = [
    Component::ApiServer,
    Component::ControllerManager,
    Component::Scheduler,
    Component::Etcd,
    Component::KubeProxy,
    Component::ContainerRuntime,
];

/// The components of a node.
pub(crate) struct Components<'a> {
    pub(crate) found: Vec<Instance<'a>>,
}

/// Returns the files that a process of another component than the kubelet reads and its facts do not hold yet, in any
/// version it may be.
pub(crate) fn needs(process: &ProcessFacts) -> Vec<Need> {
    let documents = Documents::new(process);
    let mut needs: Vec<Need> = Vec::new();
    let mut newest = None;
    for minor in minors(process) {
        let mut resolution = resolve(process.component, &documents, minor, When::Now);
        for need in std::mem::take(&mut resolution.needs) {
            if !needs.contains(&need) {
                needs.push(need);
            }
        }
        newest = Some(resolution);
    }
    // What it names is known once it has read all that it reads.
    if let (true, Some(newest)) = (needs.is_empty(), newest) {
        needs = files::needs_of_resolved(process, newest);
    }
    needs
}

/// Returns the minors that a process may be as far as it tells itself: what it reads hardly ever depends on them.
pub(crate) fn minors(process: &ProcessFacts) -> Vec<Minor> {
    let told = version::candidates(None, &NodeFacts::default(), Some(process));
    told.minors
        .into_iter()
        .filter(|minor| minor.is_known())
        .collect()
}

/// Finds and resolves the components of a node other than its kubelets, with its static pods as `manifests` has them. `said`
/// is the version that the user gave.
pub(crate) fn find<'a>(
    facts: &'a Facts,
    manifests: &Manifests,
    said: Option<Minor>,
) -> Components<'a> {
    let mut components = Components { found: Vec::new() };
    let mut pods = manifests.pods.clone();
    for component in OTHERS {
        let mut keys = Keys::default();
        let services: Vec<&ServiceFacts> = facts
            .services_of(component)
            .filter(|service| !units::is_masked(service))
            .collect();
        let starters = Starters::of(component, &services, &pods);
        let mut processes: Vec<&ProcessFacts> = facts.processes_of(component).collect();
        processes.sort_by_key(|process| (process.started.map(|started| started.at), process.pid));
        let of_no_service = processes
            .iter()
            .filter(|process| !process.in_pod() && services::of(process, facts).is_none());
        let single = of_no_service.count() == 1;
        let mut add = |mut instance: Instance<'a>| {
            keys.tell_apart(&mut instance.subject);
            components.found.push(instance);
        };
        for process in processes {
            let starter = match services::of(process, facts) {
                Some(service) => Some(Starter::Service(service)),
                None => manifests::take(&mut pods, process, single)
                    .map(|pod| Starter::Pod(Box::new(pod))),
            };
            let mut instance = of_process(process, facts, said, starter, &starters);
            // What starts it may be the manifest that was not understood.
            if !process.in_pod()
                && starters.names.is_empty()
                && let Some(unknown) = manifests.may_start(component)
            {
                instance.restart = Restart::Unknown(unknown.clone());
            }
            add(instance);
        }
        for pod in manifests::take_all(&mut pods, component) {
            add(of_manifest(pod, facts, said, &starters));
        }
        for service in services::idle(component, facts).filter(|one| services.contains(one)) {
            add(of_service(service, facts, said, &starters));
        }
    }
    components
}

/// Resolves a process.
fn of_process<'a>(
    process: &'a ProcessFacts,
    facts: &'a Facts,
    said: Option<Minor>,
    starter: Option<Starter<'a>>,
    starters: &Starters,
) -> Instance<'a> {
    let component = process.component;
    let version = version::candidates(said, &facts.node, Some(process));
    let documents = Documents::new(process);
    let known = version.minors.iter().filter(|minor| minor.is_known());
    let mut running: Vec<Resolution> = known
        .map(|minor| resolve(component, &documents, *minor, When::Started))
        .collect();
    // The process runs, so it is none of the versions that would refuse what it was given.
    if running.iter().any(|one| one.refusal.is_none()) {
        running.retain(|one| one.refusal.is_none());
    }
    let stale = running.iter().any(|resolution| {
        let mut layers = resolution.layers.iter();
        layers.any(|layer| {
            let unknown = layer.unknown.as_ref();
            unknown.is_some_and(|unknown| unknown.cause == Cause::Stale)
        })
    });
    let now = || {
        running
            .iter()
            .map(|one| resolve(component, &documents, one.minor, When::Now))
            .collect()
    };
    let restart = match starter {
        Some(Starter::Service(service)) => {
            let restart = services::next_start(service, Some((process, stale)), facts, said);
            assuming(restart, starters.beside(&service.unit))
        }
        Some(Starter::Pod(pod)) => {
            let beside = starters.beside(&pod.path);
            assuming(
                next_start(*pod, Some((process, stale)), facts, said),
                beside,
            )
        }
        None if stale => Restart::Arguments(now()),
        None => Restart::Same,
    };
    Instance {
        component,
        process: Some(process),
        subject: subject(process, &facts.node),
        version,
        running,
        restart,
        live: None,
        probe: None,
        agreement: Agreement::of_files(),
    }
}

/// Returns what a manifest would start and does not run.
fn of_manifest<'a>(
    pod: StaticPod,
    facts: &Facts,
    said: Option<Minor>,
    starters: &Starters,
) -> Instance<'a> {
    let component = pod.component;
    let version = version::candidates(said, &facts.node, pod.process().ok());
    let subject = Subject {
        key: component.as_str().to_owned(),
        object: None,
        ..nameless(component)
    };
    Instance {
        component,
        process: None,
        subject,
        version,
        running: Vec::new(),
        restart: {
            let beside = starters.beside(&pod.path);
            assuming(next_start(pod, None, facts, said), beside)
        },
        live: None,
        probe: None,
        agreement: Agreement::of_files(),
    }
}

/// Returns what a service would start and does not run.
fn of_service<'a>(
    service: &'a ServiceFacts,
    facts: &Facts,
    said: Option<Minor>,
    starters: &Starters,
) -> Instance<'a> {
    let component = service.component;
    let future = services::future(service, None, facts).ok();
    let process = future.as_ref().map(|(_, process)| process);
    let restart = services::next_start(service, None, facts, said);
    let enabled = format!("{} is enabled, or somebody starts it", service.unit);
    let assumed = std::iter::once(enabled).chain(starters.beside(&service.unit));
    Instance {
        component,
        process: None,
        subject: Subject {
            unit: Some(service.unit.clone()),
            ..nameless(component)
        },
        version: version::candidates(said, &facts.node, process),
        running: Vec::new(),
        restart: assuming(restart, assumed),
        live: None,
        probe: None,
        agreement: Agreement::of_files(),
    }
}

/// What starts a process.
enum Starter<'a> {
    Service(&'a ServiceFacts),
    Pod(Box<StaticPod>),
}

/// All that would start a component on a node: one of them as a rule.
struct Starters {
    component: Component,
    /// The services, then the manifests.
    names: Vec<Bytes>,
    /// There is one of each kind.
    both: bool,
}

impl Starters {
    fn of(component: Component, services: &[&ServiceFacts], pods: &[StaticPod]) -> Self {
        let pods = pods.iter().filter(|pod| pod.component == component);
        let pods: Vec<Bytes> = pods.map(|pod| pod.path.clone()).collect();
        let both = !services.is_empty() && !pods.is_empty();
        let names = services.iter().map(|service| service.unit.clone());
        let names = names.chain(pods).collect();
        Self {
            component,
            names,
            both,
        }
    }

    /// Returns what else would start the component beside `this`, a sentence each, where it is both a service and a
    /// static pod.
    fn beside(&self, this: &Bytes) -> Vec<String> {
        let others = self.names.iter().filter(|name| self.both && *name != this);
        let said = others.map(|other| {
            format!(
                "{this} starts the {}, though {other} would start one too",
                self.component
            )
        });
        said.collect()
    }
}

/// Adds what is taken for granted of a next start.
fn assuming(mut restart: Restart<'_>, more: impl IntoIterator<Item = String>) -> Restart<'_> {
    if let Restart::Service { assumes, .. } = &mut restart {
        assumes.extend(more);
    }
    restart
}

/// Resolves what a manifest will start; `before` is what runs, and whether a file changed since.
fn next_start<'a>(
    pod: StaticPod,
    before: Option<(&ProcessFacts, bool)>,
    facts: &Facts,
    said: Option<Minor>,
) -> Restart<'a> {
    let assumes = pod.assumes();
    let StaticPod {
        component,
        started,
        origins,
        ..
    } = pod;
    let mut future = match started {
        Ok(future) => future,
        Err(unknown) => return Restart::Unknown(unknown),
    };
    if let Some((process, stale)) = before {
        if future.executable.is_none() {
            future.executable.clone_from(&process.executable);
        }
        // What it was started with is what the manifest says: the kubelet starts it anew where that changes.
        if !stale && process.argv == future.argv && !changed(process, &future) {
            return Restart::Same;
        }
    }
    let version = version::candidates(said, &facts.node, Some(&future));
    let documents = Documents::of_service(&future, origins);
    let known = version.minors.iter().filter(|minor| minor.is_known());
    let mut resolutions: Vec<Resolution> = known
        .map(|minor| resolve(component, &documents, *minor, When::Now))
        .collect();
    if version.known.is_none() && resolutions.iter().any(|one| one.refusal.is_none()) {
        resolutions.retain(|one| one.refusal.is_none());
    }
    let manifests = facts.files.iter().filter(|file| file.content.is_some());
    let files: Vec<_> = manifests.chain(&future.files).cloned().collect();
    Restart::Service {
        resolutions,
        files: Cow::Owned(files),
        assumes,
        unsupported: version.unsupported,
    }
}

/// Returns whether a file that a process read is another one for what is started next.
fn changed(process: &ProcessFacts, future: &ProcessFacts) -> bool {
    process.files.iter().any(|file| {
        let Some(there) = future.file(&file.need) else {
            return false;
        };
        file.sha256 != there.sha256
    })
}

pub(crate) fn subject(process: &ProcessFacts, node: &NodeFacts) -> Subject {
    let component = process.component;
    let in_pod = process.in_pod();
    let name = component.as_str();
    Subject {
        key: if in_pod {
            format!("pod:{name}")
        } else {
            name.to_owned()
        },
        unit: process.unit.clone(),
        pid: Some(process.pid),
        exe: process.exe.clone(),
        cgroup: process.cgroup.clone(),
        user: process.uid.map(|id| User {
            id,
            name: node.users.get(&id).cloned(),
        }),
        in_pod,
        recognised_by: process.recognised_by.clone(),
        ..nameless(component)
    }
}

/// Returns a component of which no process is known.
pub(crate) fn nameless(component: Component) -> Subject {
    Subject {
        key: component.as_str().to_owned(),
        component: component.as_str().to_owned(),
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
