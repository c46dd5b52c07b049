//! The services that start a kubelet, or would.
//!
//! Which those are is told cheaply: by the cgroups of the kubelets that run, and by names in systemd's search path.
//! Only where that leaves a kubelet without a service are the units themselves looked through. What the files of a
//! service mean, and which they are, the guide knows.

use std::collections::{BTreeSet, HashSet};

use kubeassay_core::facts::{
    Facts, FileFacts, Need, NeedKind, Problem, ProcessFacts, ServiceFacts, Trouble,
};
use kubeassay_core::{Bytes, Cause, Component};

use crate::collect::late;
use crate::files::Sight;
use crate::inspect::Setting;
use crate::proc::cgroup;
use crate::processes::Survey;
use crate::programs::{KUBELET, base_name};

/// How many units are looked through for one that starts a kubelet.
const MOST_UNITS: usize = 4096;
/// The largest unit that is looked through. Real ones are a few kilobytes.
const LARGEST_UNIT: usize = 64 << 10;
/// How many services are kept.
const MOST_SERVICES: usize = 64;
/// How the name of a service ends.
const SERVICE: &[u8] = b".service";

/// Reads the services of the host into `facts`, whose processes are already there.
pub(crate) fn read(
    setting: &Setting<'_>,
    survey: &mut Survey<'_>,
    sight: &Sight,
    facts: &mut Facts,
) {
    let search = Search {
        setting,
        sight,
        programs: programs(&facts.processes),
    };
    let mut problems = Vec::new();
    let folders = list_folders(setting, sight);
    let mut names = search.names(survey, &facts.processes, &folders, &mut problems);
    if names.len() > MOST_SERVICES {
        problems.push(Problem {
            cause: Cause::TooLarge,
            path: None,
            reason: format!(
                "{} services may start a kubelet; the first {MOST_SERVICES} were read",
                names.len()
            ),
        });
        names.truncate(MOST_SERVICES);
    }
    for name in names {
        if setting.deadline.has_passed() {
            problems.push(late(&format!("the service {name}")));
            break;
        }
        let mut service = ServiceFacts::new(name);
        let of_unit = |process: &&ProcessFacts| {
            is_own(process) && unit(process) == Some(service.unit.as_slice())
        };
        if let Some(process) = facts.processes.iter().find(of_unit) {
            service.component = process.component;
        }
        setting.read_service(&mut service, survey, sight, |need| {
            let listed = folders.iter().find(|folder| folder.listing.need == need);
            match listed {
                Some(folder) => folder.listing.clone(),
                None => sight.look(need, |content| content),
            }
        });
        service.started = started(&service, setting, &facts.processes);
        setting.guide.redact_service(&mut service);
        facts.services.push(service);
        survey.aside().rest();
    }
    facts
        .services
        .sort_by(|one, other| one.unit.cmp(&other.unit));
    facts.problems.extend(problems);
}

/// Returns whether a process is a kubelet of the host itself, or a program that one runs inside of: in no pod, and in no container with mounts of its own.
fn is_own(process: &ProcessFacts) -> bool {
    let apart = process.namespaces.mount == Some(false) && unit(process).is_none();
    let starts = matches!(
        process.component,
        Component::Kubelet | Component::Distribution
    );
    starts && !process.in_pod() && !apart
}

/// Returns the service of the host's own systemd that a process belongs to.
fn unit(process: &ProcessFacts) -> Option<&[u8]> {
    cgroup::system_unit(process.cgroup.as_ref()?.as_slice())
}

/// Returns the executables of the host's own kubelets.
fn programs(processes: &[ProcessFacts]) -> HashSet<Bytes> {
    let own = processes.iter().filter(|process| is_own(process));
    own.filter_map(|process| process.exe.clone()).collect()
}

/// Returns the processes that `service` started: those in its cgroup, and those in no service's that run what it
/// starts.
fn started(service: &ServiceFacts, setting: &Setting<'_>, processes: &[ProcessFacts]) -> Vec<u32> {
    let executable = setting.guide.executable_of_service(service);
    let own = processes.iter().filter(|process| is_own(process));
    let by_it = own.filter(|process| match unit(process) {
        Some(unit) => unit == service.unit.as_slice(),
        None => executable.is_some() && process.exe == executable,
    });
    by_it.map(|process| process.pid).collect()
}

/// What services are looked for with.
struct Search<'a> {
    setting: &'a Setting<'a>,
    sight: &'a Sight,
    /// The executables of the kubelets that run.
    programs: HashSet<Bytes>,
}

/// A folder of units, listed once for all services.
struct Folder {
    path: &'static str,
    /// What a service that needs its entries is given.
    listing: FileFacts,
}

impl Folder {
    /// Returns the names of the services in it, sorted.
    fn services(&self) -> impl Iterator<Item = &Bytes> {
        let entries = self.listing.entries.iter().flatten();
        let names = entries.map(|entry| &entry.name);
        names.filter(|name| is_service(name))
    }
}

/// Lists the folders in which systemd looks for units, those that win first.
fn list_folders(setting: &Setting<'_>, sight: &Sight) -> Vec<Folder> {
    let folders = setting.guide.unit_folders().iter();
    let list = |path: &&'static str| Folder {
        path,
        listing: sight.look_into(Need {
            what: NeedKind::Listing,
            path: format!("{path}/").into(),
        }),
    };
    folders.map(list).collect()
}

impl Search<'_> {
    /// Returns the names of the services that start a kubelet, or would: those of running ones first.
    fn names(
        &self,
        survey: &Survey<'_>,
        processes: &[ProcessFacts],
        folders: &[Folder],
        problems: &mut Vec<Problem>,
    ) -> Vec<Bytes> {
        let own = || processes.iter().filter(|process| is_own(process));
        let mut names: Vec<Bytes> = Vec::new();
        let mut add = |name: Bytes| {
            if !names.contains(&name) {
                names.push(name);
            }
        };
        own().filter_map(unit).for_each(|name| add(name.into()));
        Self::unlisted(folders, problems);
        let without = own().any(|process| unit(process).is_none())
            || (own().next().is_none() && survey.knows_a_kubelet());
        for name in services_called_kubelet(folders) {
            add(name);
        }
        for name in self.starting_kubelets(folders, without, problems) {
            add(name);
        }
        names
    }

    /// Says which folders could not be listed.
    fn unlisted(folders: &[Folder], problems: &mut Vec<Problem>) {
        for folder in folders {
            if let Some(trouble) = &folder.listing.problem
                && trouble.cause != Cause::Missing
            {
                problems.push(Problem {
                    cause: trouble.cause,
                    path: Some(folder.path.into()),
                    reason: format!(
                        "{}; a service there that starts a kubelet would not be seen",
                        trouble.reason
                    ),
                });
            }
        }
    }

    /// Looks through units for those whose program is a kubelet: all of them, or only those with a kubelet in their
    /// name.
    ///
    /// What a drop-in makes of a unit is not looked at.
    fn starting_kubelets(
        &self,
        folders: &[Folder],
        all: bool,
        problems: &mut Vec<Problem>,
    ) -> Vec<Bytes> {
        let mut found = Vec::new();
        let mut unread: Vec<Trouble> = Vec::new();
        // A unit hides all others of its name further down.
        let mut seen: HashSet<&Bytes> = HashSet::new();
        let units = folders.iter().flat_map(|folder| {
            let services = folder.services();
            services.map(|name| (folder.path, name))
        });
        for (folder, name) in units {
            let wanted = (all || contains(name.as_slice(), KUBELET)) && !is_called_kubelet(name);
            if !wanted || !seen.insert(name) {
                continue;
            }
            if let Some((cause, why)) = self.stop(seen.len()) {
                let reason = format!("some of the units in {folder} were not read: {why}");
                unread.push(Trouble { cause, reason });
                break;
            }
            match self.program(folder, name) {
                Ok(Some(program)) if self.is_kubelet(&program) => found.push(name.clone()),
                Ok(_) => {}
                Err(trouble) => unread.push(trouble),
            }
        }
        if let Some(Trouble { cause, reason }) = unread.first() {
            let more = match unread.len() {
                1 => String::new(),
                many => format!(" (and {} more)", many - 1),
            };
            problems.push(Problem {
                cause: *cause,
                path: None,
                reason: format!(
                    "{reason}{more}; a service that starts a kubelet may not have been seen"
                ),
            });
        }
        found
    }

    /// Returns why no more units are looked through, if so.
    fn stop(&self, looked_at: usize) -> Option<(Cause, String)> {
        if self.setting.deadline.has_passed() {
            return Some((Cause::Blocked, "the time limit was reached".to_owned()));
        }
        let many = looked_at > MOST_UNITS;
        many.then(|| (Cause::TooLarge, format!("there are more than {MOST_UNITS}")))
    }

    /// Returns the program that a unit starts; nothing if there is no unit or it is masked.
    fn program(&self, folder: &str, name: &Bytes) -> Result<Option<Bytes>, Trouble> {
        let path = [folder.as_bytes(), name.as_slice()].join(&b'/');
        match self.sight.read(&path, LARGEST_UNIT) {
            Ok(fragment) => Ok(self.setting.guide.program_of_unit(&fragment)),
            // A link to /dev/null masks a unit, and what is no file is a unit to nobody.
            Err(trouble) if matches!(trouble.cause, Cause::Missing | Cause::NotRegular) => Ok(None),
            Err(trouble) => Err(trouble),
        }
    }

    fn is_kubelet(&self, program: &Bytes) -> bool {
        base_name(program.as_slice()) == KUBELET || self.programs.contains(program)
    }
}

/// Returns the services that are a kubelet's by their name.
fn services_called_kubelet(folders: &[Folder]) -> BTreeSet<Bytes> {
    let services = folders.iter().flat_map(Folder::services);
    services
        .filter(|name| is_called_kubelet(name))
        .cloned()
        .collect()
}

/// Returns whether it is the name of a service; one with nothing behind its `@` is only a template.
fn is_service(name: &Bytes) -> bool {
    let stem = name.as_slice().strip_suffix(SERVICE);
    stem.is_some_and(|stem| !stem.is_empty() && !stem.ends_with(b"@"))
}

/// Returns whether a service is called as kubelets' are: `kubelet`, an instance of it, or the service of a snap
/// (`snap.kubelet-eks.daemon`).
fn is_called_kubelet(name: &Bytes) -> bool {
    let name = name.as_slice();
    name == b"kubelet.service" || name.starts_with(b"kubelet@") || name.starts_with(b"snap.kubelet")
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}
