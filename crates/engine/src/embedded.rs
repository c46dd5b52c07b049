//! Components that run inside a distribution's own program: each becomes an instance, as if it were a process.

use std::borrow::Cow;
use std::sync::Arc;

use kubeassay_config::components::{ask, resolve};
use kubeassay_config::embedded::{self, Embedded, Inside, Release};
use kubeassay_config::kubelet::{Documents, When};
use kubeassay_config::resolution::Resolution;
use kubeassay_config::setting::Unknown;
use kubeassay_config::tables::Minor;
use kubeassay_config::units;
use kubeassay_core::facts::{Facts, FileFacts, Need, NodeFacts, ProcessFacts, ServiceFacts};
use kubeassay_core::report::Subject;
use kubeassay_core::{Bytes, Cause, Component, Origin};

use crate::agreement::Agreement;
use crate::components::subject;
use crate::instances::{Instance, Restart};
use crate::services;
use crate::version::{self, Candidates};

/// What may run inside a distribution's program.
const INSIDE: [Component; 6] = [
    Component::Kubelet,
    Component::ApiServer,
    Component::ControllerManager,
    Component::Scheduler,
    Component::Etcd,
    Component::KubeProxy,
];

/// For so long after its start a program writes the files that it hands to what runs inside, in seconds.
const WRITES_ITS_OWN: i64 = 300;

/// The components inside programs of a node.
#[derive(Default)]
pub(crate) struct Insiders<'a> {
    /// Those that were worked out.
    pub(crate) found: Vec<Instance<'a>>,
    /// Those that may be there and could not be, and why.
    pub(crate) unseen: Vec<(Subject, Component, Unknown)>,
}

impl<'a> Insiders<'a> {
    /// Takes out the kubelets, then the others.
    pub(crate) fn split(&mut self) -> (Vec<Instance<'a>>, Vec<Instance<'a>>) {
        let found = std::mem::take(&mut self.found).into_iter();
        found.partition(|one| one.component == Component::Kubelet)
    }

    /// Returns whether it is not known what a component inside is given.
    pub(crate) fn hides(&self, component: Component) -> bool {
        self.unseen.iter().any(|(_, of, _)| *of == component)
    }
}

/// A program with its arguments, each with the place it comes from.
struct Started {
    process: ProcessFacts,
    origins: Vec<Arc<Origin>>,
    assumes: Vec<String>,
}

/// Returns the files that a distribution's program and what runs inside it read, as far as the facts do not hold them.
pub(crate) fn needs(process: &ProcessFacts) -> Vec<Need> {
    let mut needs: Vec<Need> = Vec::new();
    for release in releases(&versions(None, &NodeFacts::default(), process), process) {
        let embedded = embedded::components(process, &[], release, When::Now);
        let of_inside = embedded.inside.iter().flat_map(|inside| {
            let future = within(process, inside, When::Now);
            let documents = Documents::of_service(&future, inside.origins.clone());
            ask(inside.component, &documents, release.minor, When::Now).needs
        });
        for need in embedded.needs.into_iter().chain(of_inside) {
            if !needs.contains(&need) && process.file(&need).is_none() {
                needs.push(need);
            }
        }
    }
    needs
}

/// Finds what runs inside the distributions' programs of a node. `said` is the version that the user gave.
pub(crate) fn find(facts: &Facts, said: Option<Minor>) -> Insiders<'_> {
    let mut insiders = Insiders::default();
    let own = facts.processes_of(Component::Distribution);
    for process in own.filter(|process| !process.in_pod() && embeds(process)) {
        let version = versions(said, &facts.node, process);
        let now = start(process, facts, When::Started);
        let next = start(process, facts, When::Now);
        for component in INSIDE {
            let running = work_out(component, &now, &version, When::Started);
            let subject = subject_of(process, component, facts);
            match running {
                Ok(None) => {}
                Err(unknown) => insiders.unseen.push((subject, component, unknown)),
                Ok(Some((running, _))) => {
                    let restart = match work_out(component, &next, &version, When::Now) {
                        Ok(Some((resolutions, assumed))) => Restart::Service {
                            resolutions,
                            files: Cow::Borrowed(&process.files),
                            assumes: assumed,
                            unsupported: version.unsupported.clone(),
                        },
                        Ok(None) => Restart::Unknown(Unknown {
                            cause: Cause::Missing,
                            reason: format!("the next start will have no {component} inside"),
                            path: None,
                        }),
                        Err(unknown) => Restart::Unknown(unknown),
                    };
                    insiders.found.push(Instance {
                        component,
                        process: Some(process),
                        subject,
                        version: version.clone(),
                        running,
                        restart,
                        live: None,
                        probe: None,
                        agreement: Agreement::of_files(),
                    });
                }
            }
        }
    }
    insiders
}

/// Returns whether components run inside a program; those of RKE2 and k0s start them as processes.
fn embeds(process: &ProcessFacts) -> bool {
    let path = process.exe.as_ref().or(process.argv.first());
    let name = path.map(Bytes::to_string_lossy).unwrap_or_default();
    let name = name.rsplit('/').next().unwrap_or_default();
    !["rke2", "k0s"].iter().any(|other| name.starts_with(other))
}

/// Returns the program's own files that say what a component inside is given, in the order in which they are read.
pub(crate) fn read_by(process: &ProcessFacts, component: Component) -> Vec<Bytes> {
    let version = versions(None, &NodeFacts::default(), process);
    let release = releases(&version, process).into_iter().next();
    let embedded = release.map(|release| embedded::components(process, &[], release, When::Now));
    let mut inside = embedded.into_iter().flat_map(|embedded| embedded.inside);
    let inside = inside.find(|one| one.component == component);
    inside.map(|inside| inside.read).unwrap_or_default()
}

fn subject_of(process: &ProcessFacts, component: Component, facts: &Facts) -> Subject {
    let name = component.as_str();
    Subject {
        key: name.to_owned(),
        component: name.to_owned(),
        ..subject(process, &facts.node)
    }
}

/// Returns how a program was started, or will be. Where it erased its arguments they are those of its service, if that
/// is as it was then.
fn start(process: &ProcessFacts, facts: &Facts, when: When) -> Result<Started, Unknown> {
    let as_it_is = || Started {
        process: process.clone(),
        origins: Vec::new(),
        assumes: Vec::new(),
    };
    let first = process.argv.first();
    let erased = first.is_some_and(|first| first.as_slice().contains(&b' '));
    if !erased {
        let mut started = as_it_is();
        if when == When::Now {
            started.assumes.push("same arguments as now".to_owned());
        }
        return Ok(started);
    }
    let mut services = facts.services.iter();
    let service = services
        .find(|one| one.started.contains(&process.pid) || process.unit.as_ref() == Some(&one.unit));
    let Some(service) = service else {
        return Ok(as_it_is());
    };
    if when == When::Started {
        unchanged(service, process)?;
    }
    let next = units::next_start(service)?;
    let future = services::process(service, &next);
    let mut files = process.files.clone();
    let known =
        |files: &[FileFacts], one: &FileFacts| files.iter().any(|file| file.need == one.need);
    for file in &service.files {
        if !known(&files, file) {
            files.push(file.clone());
        }
    }
    Ok(Started {
        process: ProcessFacts {
            argv: future.argv,
            files,
            ..process.clone()
        },
        origins: next
            .arguments
            .iter()
            .map(|one| Arc::clone(&one.origin))
            .collect(),
        assumes: next.assumes,
    })
}

/// Returns why what a service says now may not be what it said as the process started.
fn unchanged(service: &ServiceFacts, process: &ProcessFacts) -> Result<(), Unknown> {
    let Some(started) = process.started else {
        return Ok(());
    };
    let later = |file: &&FileFacts| {
        let of_unit = file
            .need
            .path
            .as_slice()
            .windows(9)
            .any(|part| part == b"/systemd/")
            || file.need.path.as_slice().ends_with(b".env");
        of_unit
            && file
                .last_change()
                .is_some_and(|changed| changed >= started.at)
    };
    match service.files.iter().find(later) {
        None => Ok(()),
        Some(file) => Err(Unknown {
            cause: Cause::Stale,
            reason: format!(
                "process {} erased its arguments, and {} changed after it started",
                process.pid, file.need.path
            ),
            path: Some(file.need.path.clone()),
        }),
    }
}

/// What a component inside makes of what it is given, in each version that the program may be, and what was taken for
/// granted; nothing where none of them has it.
type WorkedOut = Option<(Vec<Resolution>, Vec<String>)>;

/// Works out a component inside.
fn work_out(
    component: Component,
    started: &Result<Started, Unknown>,
    version: &Candidates,
    when: When,
) -> Result<WorkedOut, Unknown> {
    let started = started.as_ref().map_err(Clone::clone)?;
    let mut resolutions = Vec::new();
    let mut assumes = started.assumes.clone();
    for release in releases(version, &started.process) {
        let embedded = embedded::components(&started.process, &started.origins, release, when);
        let Embedded {
            inside,
            unknown,
            for_asking,
            assumes: granted,
            ..
        } = embedded;
        let inside = inside.into_iter().find(|one| one.component == component);
        match (inside, unknown) {
            (Some(inside), unknown) if unknown.is_none() || !for_asking => {
                let future = within(&started.process, &inside, when);
                let documents = Documents::of_service(&future, inside.origins);
                resolutions.push(resolve(component, &documents, release.minor, when));
            }
            (_, Some(unknown)) => return Err(unknown),
            (_, None) => {}
        }
        for one in granted {
            if !assumes.contains(&one) {
                assumes.push(one);
            }
        }
    }
    // It runs, so it is none of the versions that would refuse what it is given.
    if resolutions.iter().any(|one| one.refusal.is_none()) {
        resolutions.retain(|one| one.refusal.is_none());
    }
    Ok((!resolutions.is_empty()).then_some((resolutions, assumes)))
}

/// Returns the process that a component inside would be.
fn within(process: &ProcessFacts, inside: &Inside, when: When) -> ProcessFacts {
    let mut process = ProcessFacts {
        component: inside.component,
        argv: inside.argv.clone(),
        ..process.clone()
    };
    for made in &inside.files {
        process.files.retain(|file| file.need != made.need);
        process.files.push(made.clone());
    }
    if when == When::Started
        && let Some(started) = process.started
    {
        for file in &mut process.files {
            if !is_its_own(&file.need.path) {
                continue;
            }
            // What the program wrote as it started is what it handed over.
            let last = file.last_change();
            let after = last.map(|last| last.as_second().saturating_sub(started.at.as_second()));
            if after.is_some_and(|after| (0..=WRITES_ITS_OWN).contains(&after)) {
                file.modified = None;
                file.changed = None;
            }
        }
    }
    process
}

/// Returns whether the program itself writes a file as it starts: k3s (`writeKubeletConfig` in
/// `pkg/daemons/agent/agent.go`), and `MicroShift` all of its `resources` (`pkg/node/kubelet.go`,
/// `pkg/controllers/kube-scheduler.go`).
fn is_its_own(path: &Bytes) -> bool {
    let path = path.as_slice();
    path.ends_with(b"/kubelet.conf.d/00-k3s-defaults.conf")
        || path.ends_with(b"/agent/etc/kubelet.conf.d")
        || path.ends_with(b"/server/db/etcd/config")
        || path.starts_with(b"/var/lib/microshift/resources/")
}

/// Returns the versions that a program may be; the API's word for the node's kubelet is about the one inside.
fn versions(said: Option<Minor>, node: &NodeFacts, process: &ProcessFacts) -> Candidates {
    let kubelet = ProcessFacts {
        component: Component::Kubelet,
        ..process.clone()
    };
    version::candidates(said, node, Some(&kubelet))
}

fn releases(version: &Candidates, process: &ProcessFacts) -> Vec<Release> {
    let executable = process.executable.as_ref();
    let known = version.known.iter().map(|known| known.value.clone());
    let told: Vec<String> = executable
        .map(|executable| executable.versions.clone())
        .unwrap_or_default()
        .into_iter()
        .chain(known)
        .collect();
    let minors = version.minors.iter().filter(|minor| minor.is_known());
    minors
        .flat_map(|minor| {
            let prefix = format!("{minor}.");
            let patch = told.iter().find_map(|text| {
                let text = text.strip_prefix('v').unwrap_or(text);
                let digits = text.strip_prefix(&prefix)?;
                let end = digits.find(|c: char| !c.is_ascii_digit());
                digits.get(..end.unwrap_or(digits.len()))?.parse().ok()
            });
            // k3s changed within this minor; where the patch is not known it may be before or after.
            let both = minor.0 == 32 && patch.is_none();
            let patches = if both {
                vec![Some(3), Some(4)]
            } else {
                vec![patch]
            };
            let of = |patch| Release {
                minor: *minor,
                patch,
            };
            patches.into_iter().map(of).collect::<Vec<_>>()
        })
        .collect()
}
