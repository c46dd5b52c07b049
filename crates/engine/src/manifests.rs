//! Static pods of a node: which components the kubelets' folders of manifests will start.

use std::collections::BTreeMap;
use std::sync::Arc;

use kubeassay_config::components::ask;
use kubeassay_config::kubelet::{Documents, When};
use kubeassay_config::manifests::{Container, containers};
use kubeassay_config::setting::Unknown;
use kubeassay_core::facts::{
    ExecutableFacts, Facts, FileFacts, FileKind, Need, NeedKind, ProcessFacts,
};
use kubeassay_core::{Bytes, Cause, Component, Origin};

use crate::components::minors;
use crate::files::Configured;

/// How often files may name further files.
const ROUNDS: usize = 16;

/// A component that a manifest starts.
#[derive(Clone, Debug)]
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

/// The static pods of a node, worked out once: what a kubelet makes of its files may be much.
#[derive(Debug)]
pub(crate) struct Manifests {
    /// The folders of manifests of the node's own kubelets, and where each is named.
    pub(crate) folders: Vec<(Bytes, Arc<Origin>)>,
    /// The containers that start a component, each with its manifest.
    pub(crate) containers: Vec<(Bytes, Container)>,
    /// What the manifests start.
    pub(crate) pods: Vec<StaticPod>,
    /// Why it cannot be told what else they start: of manifests that may be any component's, and of folders.
    pub(crate) unclear: Vec<Unknown>,
    /// Manifests, and files that what they start will read, that are not in the facts yet.
    pub(crate) needs: Vec<Need>,
}

/// What was made of each manifest so far. Facts only grow while a node is read, so that what was worked out once holds.
#[derive(Debug, Default)]
pub(crate) struct Progress(BTreeMap<Bytes, Result<Vec<Starting>, Unknown>>);

/// A container whose files are looked for.
#[derive(Debug)]
struct Starting {
    container: Container,
    process: ProcessFacts,
    /// The files that it will read and that were not in the facts when they were looked for last; nothing before.
    missing: Option<Vec<Need>>,
}

impl Manifests {
    /// Works out the static pods of a node.
    pub(crate) fn of(facts: &Facts, configured: &Configured) -> Self {
        Self::further(&mut Progress::default(), facts, configured)
    }

    /// Works them out with what was worked out before, of the same node with fewer files.
    pub(crate) fn further(progress: &mut Progress, facts: &Facts, configured: &Configured) -> Self {
        let folders = configured.manifest_folders.clone();
        let files = files(&folders, facts);
        let mut manifests = Self {
            needs: folders
                .iter()
                .map(|(folder, _)| need(NeedKind::Listing, folder.clone()))
                .chain(
                    files
                        .iter()
                        .map(|path| need(NeedKind::Content, path.clone())),
                )
                .filter(|need| facts.file(need).is_none())
                .collect(),
            unclear: {
                let unknown = configured.manifest_folders_unknown.iter().cloned();
                unknown.chain(unlisted(&folders, facts)).collect()
            },
            folders,
            containers: Vec::new(),
            pods: Vec::new(),
        };
        let mut guesses = Vec::new();
        for path in files {
            let Some(file) = facts.file(&need(NeedKind::Content, path.clone())) else {
                continue;
            };
            match progress
                .0
                .entry(path)
                .or_insert_with_key(|path| started(path, file))
            {
                Ok(starting) => starting.iter_mut().for_each(|one| {
                    one.look_further(facts);
                    manifests.add(&file.need.path, one);
                }),
                Err(unknown) => match guessed(unknown.clone()) {
                    Ok(pod) => guesses.push(pod),
                    Err(unknown) => manifests.unclear.push(unknown),
                },
            }
        }
        manifests.pods.append(&mut guesses);
        manifests
    }

    fn add(&mut self, path: &Bytes, starting: &Starting) {
        for need in starting.missing.iter().flatten() {
            if !self.needs.contains(need) {
                self.needs.push(need.clone());
            }
        }
        self.pods.push(StaticPod {
            component: starting.container.component,
            path: path.clone(),
            started: Ok(starting.process.clone()),
            origins: starting.container.origins.clone(),
        });
        self.containers
            .push((path.clone(), starting.container.clone()));
    }

    /// Returns why it cannot be told whether a static pod starts a component; `None` where that can be told.
    ///
    /// The runtime of containers is none: it is what starts them.
    pub(crate) fn may_start(&self, component: Component) -> Option<&Unknown> {
        let first = self.unclear.first();
        first.filter(|_| component != Component::ContainerRuntime)
    }
}

/// Returns whose next start it is that cannot be told, by the name of the manifest; the reason as it is where that names no
/// component.
fn guessed(unknown: Unknown) -> Result<StaticPod, Unknown> {
    let path = unknown.path.clone().unwrap_or_default();
    let called = path.to_string_lossy();
    let called = called.rsplit('/').next().unwrap_or_default();
    let mut all = Component::ALL.iter();
    match all.find(|component| called.contains(component.as_str())) {
        Some(component) => Ok(StaticPod {
            component: *component,
            path,
            started: Err(unknown),
            origins: Vec::new(),
        }),
        None => Err(unknown),
    }
}

/// Returns why folders of manifests could not be listed. Of one that is not there nothing is started.
fn unlisted(folders: &[(Bytes, Arc<Origin>)], facts: &Facts) -> Vec<Unknown> {
    let troubles = folders.iter().filter_map(|(folder, _)| {
        let listing = facts.file(&need(NeedKind::Listing, folder.clone()))?;
        let trouble = listing.problem.as_ref()?;
        (trouble.cause != Cause::Missing).then(|| Unknown::unread(folder, trouble))
    });
    troubles.collect()
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

/// Returns the manifests that the folders list.
fn files(folders: &[(Bytes, Arc<Origin>)], facts: &Facts) -> Vec<Bytes> {
    let mut files = Vec::new();
    for (folder, _) in folders {
        let Some(listing) = facts.file(&need(NeedKind::Listing, folder.clone())) else {
            continue;
        };
        for entry in listing.entries.iter().flatten() {
            let taken = matches!(entry.kind, FileKind::Regular | FileKind::Symlink);
            if taken && !entry.name.as_slice().starts_with(b".") {
                files.push(below(folder, &entry.name));
            }
        }
    }
    files
}

/// Returns the containers that a manifest starts.
///
/// # Errors
///
/// Why that cannot be told.
fn started(path: &Bytes, file: &FileFacts) -> Result<Vec<Starting>, Unknown> {
    match (&file.content, &file.problem) {
        (Some(content), None) => {
            let containers = containers(content.as_slice(), path)?;
            Ok(containers.into_iter().map(Starting::of).collect())
        }
        // The kubelet passes over what leads nowhere or to something else than a file
        // (`pkg/kubelet/config/file_linux.go`, `file.go`).
        (_, Some(trouble)) if matches!(trouble.cause, Cause::Missing | Cause::NotRegular) => {
            Ok(Vec::new())
        }
        (_, Some(trouble)) => Err(Unknown::unread(path, trouble)),
        (None, None) => Ok(Vec::new()),
    }
}

impl Starting {
    /// Returns the process that a container will be, none of whose files was looked for.
    fn of(container: Container) -> Self {
        let process = ProcessFacts {
            component: container.component,
            exe: container.argv.first().cloned(),
            cwd: Some(container.cwd.clone().unwrap_or_else(|| Bytes::from("/"))),
            environment: Some(container.environment.clone()),
            uid: Some(0),
            executable: container.image.as_deref().and_then(tagged),
            ..ProcessFacts::new(0, container.argv.clone())
        };
        Self {
            container,
            process,
            missing: None,
        }
    }

    /// Gives the process the files that it reads as they lie on the host now, and notes those that are not in the facts
    /// yet.
    fn look_further(&mut self, facts: &Facts) {
        let news = |missing: &Vec<Need>| missing.iter().any(|need| facts.file(need).is_some());
        if !self.missing.as_ref().is_none_or(news) {
            return;
        }
        let mut missing = Vec::new();
        for _ in 0..ROUNDS {
            missing.clear();
            let mut progress = false;
            for inside in self.asked() {
                let Some(path) = self.container.on_the_host(&inside.path) else {
                    let reason = format!(
                        "{} comes from the image of the container {}, which is not read",
                        inside.path, self.container.name
                    );
                    let unread = FileFacts::unread(inside, Cause::Unsupported, reason);
                    self.process.files.push(unread);
                    progress = true;
                    continue;
                };
                let outside = need(inside.what, path);
                match facts.file(&outside) {
                    Some(file) => {
                        self.process.files.push(FileFacts {
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
        self.missing = Some(missing);
    }

    /// Returns what it reads beyond its facts, in any version that it may be.
    fn asked(&self) -> Vec<Need> {
        let documents = Documents::new(&self.process);
        let mut asked: Vec<Need> = Vec::new();
        for minor in minors(&self.process) {
            let component = self.container.component;
            for need in ask(component, &documents, minor, When::Now).needs {
                if !asked.contains(&need) {
                    asked.push(need);
                }
            }
        }
        asked
    }
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

#[cfg(test)]
mod tests;
