//! The services of a node: what their next start makes of a component's configuration.

use std::borrow::Cow;
use std::sync::Arc;

use kubeassay_config::components::{reads_variable, resolve};
use kubeassay_config::kubelet::{Documents, When};
use kubeassay_config::path;
use kubeassay_config::resolution::Resolution;
use kubeassay_config::setting::Unknown;
use kubeassay_config::tables::Minor;
use kubeassay_config::units::{self, Ahead, NextStart};
use kubeassay_core::facts::{
    ExecutableFacts, Facts, FileFacts, Need, NeedKind, ProcessFacts, ServiceFacts, Trouble,
};
use kubeassay_core::{Bytes, Cause, Component};

use crate::instances::{Instance, Restart};
use crate::kubelets;
use crate::version::{self, Candidates};

/// Returns the files that say what `service` will start, and those that what it starts will read, as far as they are
/// not in its facts yet.
pub fn needs_of_service(service: &ServiceFacts) -> Vec<Need> {
    match units::ahead(service) {
        Ahead::Needs(needs) => needs,
        Ahead::Start(next) => kubelets::needs(&process(service, &next)),
        Ahead::Unknown(_) => Vec::new(),
    }
}

/// Returns the process that the next start will be: what it will read is what the service's facts hold.
pub(crate) fn process(service: &ServiceFacts, next: &NextStart) -> ProcessFacts {
    let argv = next.arguments.iter().map(|argument| argument.text.clone());
    ProcessFacts {
        component: service.component,
        exe: Some(next.executable.clone()),
        cwd: Some(next.cwd.clone()),
        environment: Some(next.environment.clone()),
        unit: Some(service.unit.clone()),
        executable: service.executable.clone(),
        files: service.files.clone(),
        ..ProcessFacts::new(0, argv.collect())
    }
}

/// Returns the service that started a process, if anything is known of it.
///
/// What a distribution's own service starts is not said by its unit, so that is none.
pub(crate) fn of<'a>(process: &ProcessFacts, facts: &'a Facts) -> Option<&'a ServiceFacts> {
    let mut services = facts.services_of(process.component);
    let started = services.find(|service| service.started.contains(&process.pid));
    let service = started.or_else(|| {
        let mut services = facts.services_of(process.component);
        services.find(|service| process.unit.as_ref() == Some(&service.unit))
    });
    service.filter(|service| is_found(service))
}

/// Returns the services that would start a component and of which nothing runs.
pub(crate) fn idle(component: Component, facts: &Facts) -> impl Iterator<Item = &ServiceFacts> {
    facts.services_of(component).filter(move |service| {
        let mut processes = facts.processes_of(component);
        !processes.any(|process| {
            service.started.contains(&process.pid) || process.unit.as_ref() == Some(&service.unit)
        })
    })
}

/// Returns whether any file of the service was found; of a unit that is a mere name in a cgroup nothing is known.
fn is_found(service: &ServiceFacts) -> bool {
    let mut files = service.files.iter();
    files.any(|file| {
        let missing = |problem: &Trouble| problem.cause == Cause::Missing;
        // With a type it was there, and its content was withheld because another file is missing.
        let there = file.kind.is_some() || !file.problem.as_ref().is_some_and(missing);
        file.need.what == NeedKind::Content && there
    })
}

/// Returns what a service will start, and the process that it will be; `before` is what it started.
///
/// # Errors
///
/// Why it cannot be told.
pub(crate) fn future(
    service: &ServiceFacts,
    before: Option<&ProcessFacts>,
    facts: &Facts,
) -> Result<(NextStart, ProcessFacts), Unknown> {
    let next = units::next_start(service)?;
    check_program(service, &next, facts)?;
    let mut future = process(service, &next);
    if future.executable.is_none() {
        future.executable = before.and_then(|process| process.executable.clone());
    }
    Ok((next, future))
}

/// Refuses a program that is not known to be the component: of what a script, a shell or the command of a container
/// runtime starts in turn, its own arguments say nothing.
fn check_program(service: &ServiceFacts, next: &NextStart, facts: &Facts) -> Result<(), Unknown> {
    let component = service.component;
    let name = path::name(&next.executable);
    let called = match component {
        Component::ContainerRuntime => [&b"containerd"[..], b"crio"].contains(&name),
        _ => component.as_str().as_bytes() == name,
    };
    let built = service.executable.as_ref();
    let known = called
        || built.is_some_and(|built| is_built_from(built, component))
        || facts.processes_of(component).any(|process| {
            // What a tenant calls its programs says nothing of the host's.
            let own = !process.in_pod() && process.namespaces.mount != Some(false);
            own && process.exe.as_ref() == Some(&next.executable)
        });
    if known {
        return Ok(());
    }
    let origin = next.arguments.first().map(|argument| &argument.origin);
    let place = origin.and_then(|origin| Some((origin.path.clone()?, origin.line?)));
    let place = place.map_or_else(
        || service.unit.to_string(),
        |(path, line)| format!("{path}:{line}"),
    );
    Err(Unknown {
        cause: Cause::Unsupported,
        reason: format!(
            "{place}: it starts {}, and what that does to start the {component} is not looked into",
            next.executable
        ),
        path: origin.and_then(|origin| Some(Bytes::clone(origin.path.as_ref()?))),
    })
}

/// Returns whether a program's main package is the component's.
fn is_built_from(built: &ExecutableFacts, component: Component) -> bool {
    let Some(package) = &built.main_package else {
        return false;
    };
    match component {
        Component::Etcd => package.starts_with("go.etcd.io/etcd"),
        _ => package.strip_prefix("k8s.io/kubernetes/cmd/") == Some(component.as_str()),
    }
}

/// Resolves what a service will start; `before` is what it started, and whether a file changed since.
pub(crate) fn next_start<'a>(
    service: &'a ServiceFacts,
    before: Option<(&ProcessFacts, bool)>,
    facts: &Facts,
    said: Option<Minor>,
) -> Restart<'a> {
    let (next, future) = match future(service, before.map(|(process, _)| process), facts) {
        Ok(future) => future,
        Err(unknown) => return Restart::Unknown(unknown),
    };
    // What is as it was need not be worked out again.
    if let Some((process, false)) = before
        && is_as_it_started(process, &future)
    {
        return Restart::Same;
    }
    let version = version::candidates(said, &facts.node, Some(&future));
    let resolutions = resolve_next(&future, &next, &version);
    Restart::Service {
        resolutions,
        files: Cow::Borrowed(&service.files),
        assumes: next.assumes,
        unsupported: version.unsupported,
    }
}

/// Works out what its service will start, also where that is what runs: for who wants to see how it comes about.
pub(crate) fn work_out_the_next_start<'a>(
    instance: &mut Instance<'a>,
    facts: &'a Facts,
    said: Option<Minor>,
) {
    if let (Restart::Same, Some(process)) = (&instance.restart, instance.process)
        && process.component == instance.component
        && let Some(service) = of(process, facts)
    {
        instance.restart = next_start(service, Some((process, true)), facts, said);
    }
}

/// Resolves what `next` will be as a process in every version that it may be.
pub(crate) fn resolve_next(
    future: &ProcessFacts,
    next: &NextStart,
    version: &Candidates,
) -> Vec<Resolution> {
    let documents =
        Documents::of_service(future, origins(next)).with_variables(next.variables.clone());
    let known = version.minors.iter().filter(|minor| minor.is_known());
    let mut resolutions: Vec<Resolution> = known
        .map(|minor| resolve(future.component, &documents, *minor, When::Now))
        .collect();
    // Where the version is not known, a version that would refuse is not the likelier one; where it is, it stays.
    if version.known.is_none() && resolutions.iter().any(|one| one.refusal.is_none()) {
        resolutions.retain(|one| one.refusal.is_none());
    }
    resolutions
}

/// Returns where each argument of the next start comes from.
pub(crate) fn origins(next: &NextStart) -> Vec<Arc<kubeassay_core::Origin>> {
    let origins = next.arguments.iter().map(|one| Arc::clone(&one.origin));
    origins.collect()
}

/// Returns whether the next start is what `process` was started with: program, arguments, and files as they are.
fn is_as_it_started(process: &ProcessFacts, future: &ProcessFacts) -> bool {
    let of = |process: &ProcessFacts| {
        let component = process.component;
        let variables = process.environment.as_ref().map(|all| {
            let mut kept = all.clone();
            kept.retain(|name, _| reads_variable(component, name));
            kept
        });
        let executable = process.executable.as_ref();
        let versions = executable.map(|executable| executable.versions.clone());
        let ProcessFacts { exe, argv, cwd, .. } = process;
        (exe.clone(), argv.clone(), cwd.clone(), versions, variables)
    };
    let same = |file: &FileFacts| {
        let there = future.file(&file.need);
        there.is_some_and(|there| {
            let of = |file: &FileFacts| {
                let cause = file.problem.as_ref().map(|problem| problem.cause);
                (file.sha256.clone(), file.entries.clone(), cause)
            };
            of(file) == of(there)
        })
    };
    // What lies on the way is looked at for the process alone: it is about what changed since.
    let mut files = process.files.iter();
    !process.exe_deleted
        && of(process) == of(future)
        && files.all(|file| file.need.what == NeedKind::Presence || same(file))
}
