//! Static pods of a node: which components the kubelets' folders of manifests will start.

use std::sync::Arc;

use kubeassay_config::components::ask;
use kubeassay_config::kubelet::{Documents, When, resolve};
use kubeassay_config::manifests::{Container, containers};
use kubeassay_config::setting::Unknown;
use kubeassay_core::facts::{
    ExecutableFacts, Facts, FileFacts, FileKind, Need, NeedKind, Problem, ProcessFacts,
};
use kubeassay_core::{Bytes, Cause, Component, Origin, Value};

use crate::components::minors;

/// How often files may name further files.
const ROUNDS: usize = 16;

/// A component that a manifest starts.
#[derive(Debug)]
pub(crate) struct StaticPod {
    /// Which one.
    pub(crate) component: Component,
    /// The manifest.
    pub(crate) path: Bytes,
    /// The process that it will be, or why that cannot be told.
    pub(crate) started: Result<ProcessFacts, Unknown>,
    /// Where each of its arguments stands.
    pub(crate) origins: Vec<Arc<Origin>>,
}

impl StaticPod {
    /// Returns the process that it will be.
    pub(crate) fn process(&self) -> Result<&ProcessFacts, &Unknown> {
        self.started.as_ref()
    }

    /// Returns what is taken for granted of its next start.
    pub(crate) fn assumes(&self) -> Vec<String> {
        vec![format!(
            "the kubelet starts the static pod of {} as it stands there",
            self.path
        )]
    }
}

/// Returns the manifests, and the files that what they start will read, that are not in the facts yet.
pub(crate) fn needs(facts: &Facts) -> Vec<Need> {
    let mut needs = Vec::new();
    let mut add = |need: Need| {
        if facts.file(&need).is_none() && !needs.contains(&need) {
            needs.push(need);
        }
    };
    for (folder, _) in folders(facts) {
        add(need(NeedKind::Listing, folder));
    }
    for path in files(facts) {
        add(need(NeedKind::Content, path));
    }
    for (path, container) in started(facts).0 {
        drop(path);
        let (_, missing) = process(&container, facts);
        missing.into_iter().for_each(&mut add);
    }
    needs
}

/// Returns what the manifests start, and what could not be read of them.
pub(crate) fn pods(facts: &Facts) -> (Vec<StaticPod>, Vec<Problem>) {
    let (found, unknown) = started(facts);
    let mut pods: Vec<StaticPod> = found
        .into_iter()
        .map(|(path, container)| {
            let (process, _) = process(&container, facts);
            StaticPod {
                component: container.component,
                path,
                started: Ok(process),
                origins: container.origins,
            }
        })
        .collect();
    let mut problems = Vec::new();
    for unknown in unknown {
        problems.push(Problem {
            cause: unknown.cause,
            path: unknown.path.clone(),
            reason: unknown.reason.clone(),
        });
        // What it starts is not known; by its name it can be guessed whose next start that is.
        let Some(path) = &unknown.path else {
            continue;
        };
        let called = path.to_string_lossy();
        let called = called.rsplit('/').next().unwrap_or_default();
        let guessed = Component::ALL
            .iter()
            .find(|component| called.contains(component.as_str()));
        if let Some(component) = guessed {
            pods.push(StaticPod {
                component: *component,
                path: path.clone(),
                started: Err(unknown),
                origins: Vec::new(),
            });
        }
    }
    (pods, problems)
}

/// Takes out of `pods` the one that started `process`: the one with its arguments, else, if it is the `single` process
/// of its component, the only one of that component.
pub(crate) fn take(
    pods: &mut Vec<StaticPod>,
    process: &ProcessFacts,
    single: bool,
) -> Option<StaticPod> {
    if process.in_pod() {
        return None;
    }
    let alike = |pod: &&StaticPod| pod.component == process.component;
    let same = |pod: &StaticPod| {
        let started = pod.started.as_ref();
        pod.component == process.component && started.is_ok_and(|one| one.argv == process.argv)
    };
    let only = single && pods.iter().filter(alike).count() == 1;
    let at = pods.iter().position(same).or_else(|| {
        let mut places = pods
            .iter()
            .position(|pod| pod.component == process.component);
        places.take().filter(|_| only)
    })?;
    Some(pods.remove(at))
}

/// Takes out of `pods` those of a component.
pub(crate) fn take_all(pods: &mut Vec<StaticPod>, component: Component) -> Vec<StaticPod> {
    let (taken, rest) = std::mem::take(pods)
        .into_iter()
        .partition(|pod| pod.component == component);
    *pods = rest;
    taken
}

/// Returns the folders of manifests of the node's own kubelets, as their files say now, and where each is named.
pub(crate) fn folders(facts: &Facts) -> Vec<(Bytes, Arc<Origin>)> {
    let mut folders: Vec<(Bytes, Arc<Origin>)> = Vec::new();
    for kubelet in facts.kubelets().filter(|process| !process.in_pod()) {
        let Some(minor) = minors(kubelet).pop() else {
            continue;
        };
        let resolution = resolve(&Documents::new(kubelet), minor, When::Now);
        let Some(setting) = resolution.setting("staticPodPath") else {
            continue;
        };
        if let Some(Value::String(folder)) = setting.value()
            && folder.as_slice().starts_with(b"/")
            && !folders.iter().any(|(known, _)| *known == folder)
        {
            folders.push((folder, Arc::clone(&setting.origin)));
        }
    }
    folders
}

/// Returns the manifests that the folders list.
fn files(facts: &Facts) -> Vec<Bytes> {
    let mut files = Vec::new();
    for (folder, _) in folders(facts) {
        let Some(listing) = facts.file(&need(NeedKind::Listing, folder.clone())) else {
            continue;
        };
        for entry in listing.entries.iter().flatten() {
            let taken = matches!(entry.kind, FileKind::Regular | FileKind::Symlink);
            if taken && !entry.name.as_slice().starts_with(b".") {
                files.push(below(&folder, &entry.name));
            }
        }
    }
    files
}

/// Returns the containers that the manifests start, each with its manifest.
pub(crate) fn containers_of(facts: &Facts) -> Vec<(Bytes, Container)> {
    started(facts).0
}

/// Returns the manifests that start a component; one that could not be read by what its name says.
pub(crate) fn files_of_components(facts: &Facts) -> Vec<(Component, Bytes)> {
    let (pods, _) = pods(facts);
    pods.into_iter()
        .map(|pod| (pod.component, pod.path))
        .collect()
}

/// Returns the containers that the manifests start, each with its manifest, and what could not be told.
fn started(facts: &Facts) -> (Vec<(Bytes, Container)>, Vec<Unknown>) {
    let mut found = Vec::new();
    let mut unknown = Vec::new();
    for path in files(facts) {
        let Some(file) = facts.file(&need(NeedKind::Content, path.clone())) else {
            continue;
        };
        match (&file.content, &file.problem) {
            (Some(content), None) => match containers(content.as_slice(), &path) {
                Ok(containers) => {
                    found.extend(containers.into_iter().map(|one| (path.clone(), one)));
                }
                Err(reason) => unknown.push(reason),
            },
            (_, Some(trouble)) => unknown.push(Unknown::unread(&path, trouble)),
            (None, None) => {}
        }
    }
    (found, unknown)
}

/// Returns the process that a container will be, with the files that it reads as they lie on the host now, and those
/// that are not in the facts yet.
fn process(container: &Container, facts: &Facts) -> (ProcessFacts, Vec<Need>) {
    let mut process = ProcessFacts {
        component: container.component,
        exe: container.argv.first().cloned(),
        cwd: Some(container.cwd.clone().unwrap_or_else(|| Bytes::from("/"))),
        environment: Some(container.environment.clone()),
        uid: Some(0),
        executable: container.image.as_deref().and_then(tagged),
        ..ProcessFacts::new(0, container.argv.clone())
    };
    let mut missing = Vec::new();
    for _ in 0..ROUNDS {
        let asked: Vec<Need> = {
            let documents = Documents::new(&process);
            let minors = minors(&process);
            let all = minors
                .into_iter()
                .flat_map(|minor| ask(container.component, &documents, minor, When::Now).needs);
            let mut asked: Vec<Need> = Vec::new();
            for need in all {
                if !asked.contains(&need) {
                    asked.push(need);
                }
            }
            asked
        };
        missing.clear();
        let mut progress = false;
        for inside in asked {
            let Some(path) = container.on_the_host(&inside.path) else {
                let reason = format!(
                    "{} comes from the image of the container {}, which is not read",
                    inside.path, container.name
                );
                let unread = FileFacts::unread(inside, Cause::Unsupported, reason);
                process.files.push(unread);
                progress = true;
                continue;
            };
            let outside = need(inside.what, path);
            match facts.file(&outside) {
                Some(file) => {
                    process.files.push(FileFacts {
                        need: inside,
                        ..file.clone()
                    });
                    progress = true;
                }
                None => missing.push(outside),
            }
        }
        if !progress {
            break;
        }
    }
    (process, missing)
}

/// Returns what the tag of an image says of the version of what is in it.
fn tagged(image: &str) -> Option<ExecutableFacts> {
    let image = image.split('@').next().unwrap_or(image);
    let (_, tag) = image.rsplit_once(':')?;
    let version = tag.strip_prefix('v')?;
    let numbers = version.split(['-', '+', '_']).next()?;
    let parts: Vec<&str> = numbers.split('.').collect();
    let plain = parts.len() == 3 && parts.iter().all(|part| part.parse::<u16>().is_ok());
    plain.then(|| ExecutableFacts {
        versions: vec![numbers.to_owned()],
        found_by: Some("image".to_owned()),
        ..ExecutableFacts::default()
    })
}

fn below(folder: &Bytes, name: &Bytes) -> Bytes {
    let folder = folder.as_slice();
    let folder = folder.strip_suffix(b"/").unwrap_or(folder);
    Bytes::from([folder, name.as_slice()].join(&b'/'))
}

const fn need(what: NeedKind, path: Bytes) -> Need {
    Need { what, path }
}
