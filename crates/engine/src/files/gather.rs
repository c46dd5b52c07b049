//! Which files play which role on a node.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use kubeassay_config::manifests::Container;
use kubeassay_config::path;
use kubeassay_config::setting::Unknown;
use kubeassay_config::units;
use kubeassay_core::facts::{Facts, FileKind, Need, NeedKind, ProcessFacts, ServiceFacts};
use kubeassay_core::{Bytes, Cause, Component, Origin, OriginKind};

use super::look::{Host, Status, Unlisted, best, in_view, real};
use super::named::{Configured, Said};
use super::role::Role;
use crate::components::OTHERS;
use crate::manifests::{Manifests, StaticPod};
use crate::platforms::{self, Platform};
use crate::services;

/// Where files lie on a node whose platform is not known: where Kubernetes' own installer puts them.
const USUAL: &str = "kubeadm";

/// Where the plugins of the network keep their leases.
const NETWORKS: &str = "/var/lib/cni/networks/*/*";

/// A file that plays a role.
#[derive(Clone, Debug)]
pub(super) struct RoleFile {
    pub(super) role: Role,
    /// On the host; as its component sees it where that cannot be told.
    pub(super) path: Bytes,
    pub(super) status: Status,
    /// What made it play the role.
    pub(super) origin: Arc<Origin>,
}

/// Files of a role that may be there and were not seen.
#[derive(Clone, Debug)]
pub(super) struct Gap {
    pub(super) role: Role,
    pub(super) unknown: Unknown,
}

/// The files of a node that play a role.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    pub(super) files: Vec<RoleFile>,
    pub(super) gaps: Vec<Gap>,
    /// Why a component uses no file of a role.
    pub(super) nothing: Vec<(Role, String)>,
    /// Where files of a role were looked for and not found.
    pub(super) looked: Vec<(Role, Bytes)>,
    /// Files of the host that are not in the facts yet.
    pub(super) needs: Vec<Need>,
    seen: BTreeSet<(Role, Bytes)>,
}

/// Returns the files of a node that play a role.
pub(super) fn gather(facts: &Facts, manifests: &Manifests, configured: &Configured) -> Gathered {
    let mut host = Host::new(&facts.files);
    let mut gathered = Gathered::default();
    gathered.manifests(facts, manifests);
    let containers = manifests.containers.as_slice();
    let mut control_plane = false;
    for process in own_kubelets(facts) {
        let said = configured.said_by(&process, Vec::new());
        gathered.components_files(&process, said, containers, &mut host);
    }
    for component in OTHERS {
        let mut any = false;
        for process in facts.processes_of(component) {
            if !process.in_pod() {
                any = true;
                let said = configured.said_by(process, Vec::new());
                gathered.components_files(process, said, containers, &mut host);
            }
        }
        let pods = manifests.pods.iter();
        for pod in pods.filter(|pod| pod.component == component) {
            if let (Ok(process), false) = (&pod.started, any) {
                let said = configured.said_by(process, pod.origins.clone());
                gathered.components_files(process, said, containers, &mut host);
            }
            any = true;
        }
        if !any {
            for service in services::idle(component, facts) {
                if let Ok((next, process)) = services::future(service, None, facts) {
                    let said = configured.said_by(&process, services::origins(&next));
                    gathered.components_files(&process, said, &[], &mut host);
                    any = true;
                }
            }
        }
        control_plane |= any
            && matches!(
                component,
                Component::ApiServer | Component::ControllerManager | Component::Etcd
            );
    }
    if !control_plane {
        // A kubelet's own certificate is none of the control plane's.
        gathered.files.retain(|file| !file.role.is_pki());
        gathered.gaps.retain(|gap| !gap.role.is_pki());
    }
    for service in facts.services_of(Component::Kubelet) {
        gathered.unit_files(service);
    }
    let detected = platforms::detect(facts).platform;
    // What runs inside a distribution's program has its keys where the platform puts them.
    let mut programs = facts.processes_of(Component::Distribution);
    control_plane |= programs.any(|process| !process.in_pod());
    if let Some(platform) = detected.or_else(|| platforms::named(USUAL)) {
        gathered.of_platform(platform, control_plane, &mut host);
    }
    gathered.needs = host.needs;
    gathered
}

/// Returns the node's own kubelets, or those that its services would start where none runs.
fn own_kubelets(facts: &Facts) -> Vec<Cow<'_, ProcessFacts>> {
    let own = facts.kubelets().filter(|process| !process.in_pod());
    let own: Vec<Cow<'_, ProcessFacts>> = own.map(Cow::Borrowed).collect();
    if !own.is_empty() {
        return own;
    }
    let services = facts.services_of(Component::Kubelet);
    let next = services.filter_map(|service| {
        let next = units::next_start(service).ok()?;
        Some(Cow::Owned(services::process(service, &next)))
    });
    next.collect()
}

impl Gathered {
    /// Adds a file unless it is known in this role already: files are told apart by where they really lie.
    fn add(&mut self, role: Role, path: Bytes, status: Status, origin: Arc<Origin>) {
        let real = real(&path, &status.links);
        if self.seen.insert((role, real)) {
            self.files.push(RoleFile {
                role,
                path,
                status,
                origin,
            });
        }
    }

    fn has(&self, role: Role) -> bool {
        self.files.iter().any(|file| file.role == role)
            || self.gaps.iter().any(|gap| gap.role == role)
    }

    /// Adds the manifests that the kubelets' folders list, by what they start.
    fn manifests(&mut self, facts: &Facts, manifests: &Manifests) {
        let folders = &manifests.folders;
        let origin_of = |path: &Bytes| {
            let folder = path::parent(path);
            let found = folders.iter().find(|(of, _)| path::clean(of) == folder);
            found.map_or_else(
                || at(OriginKind::File, path),
                |(_, origin)| Arc::clone(origin),
            )
        };
        for StaticPod {
            component, path, ..
        } in &manifests.pods
        {
            let Some(role) = Role::of_manifest(*component) else {
                continue;
            };
            let files = facts.files.iter();
            let found = best(files.filter(|file| file.need.path == *path));
            if let Some(file) = found {
                self.add(role, path.clone(), Status::of(file), origin_of(path));
            } else {
                // Not even its mode is known.
                let trouble = facts.files.iter().find(|file| file.need.path == *path);
                let trouble = trouble.and_then(|file| file.problem.clone());
                let status = Status {
                    trouble,
                    ..Status::default()
                };
                self.add(role, path.clone(), status, origin_of(path));
            }
        }
        for (folder, _) in folders {
            let need = Need {
                what: NeedKind::Listing,
                path: folder.clone(),
            };
            let trouble = facts.file(&need).and_then(|file| file.problem.as_ref());
            if let Some(trouble) = trouble.filter(|trouble| trouble.cause != Cause::Missing) {
                for component in OTHERS {
                    if let Some(role) = Role::of_manifest(component) {
                        let unknown = Unknown::unread(folder, trouble);
                        self.gaps.push(Gap { role, unknown });
                    }
                }
            }
        }
    }

    /// Adds what the configuration of a component names, where it lies on the host if that can be told.
    fn components_files(
        &mut self,
        process: &ProcessFacts,
        all: Vec<Said>,
        containers: &[(Bytes, Container)],
        host: &mut Host<'_>,
    ) {
        let container = container_of(process, containers);
        for said in all {
            match said {
                Said::Nothing(role, reason) => self.nothing.push((role, reason)),
                Said::Unknown(role, unknown) => self.gaps.push(Gap { role, unknown }),
                Said::File(file) => {
                    let outside = container.and_then(|one| one.on_the_host(&file.path));
                    let inside_only = outside.is_none()
                        && (container.is_some() || process.namespaces.mount == Some(false));
                    if file.role == Role::KubeProxyKubeconfig && inside_only {
                        let reason = format!(
                            "kube-proxy takes its kubeconfig {} from inside its pod; there is no such file on the node",
                            file.path
                        );
                        self.nothing.push((file.role, reason));
                        continue;
                    }
                    let path = outside.unwrap_or_else(|| file.path.clone());
                    if file.role == Role::CniConfig {
                        let pattern = format!("{}/*", path.to_string_lossy());
                        self.matching(file.role, &pattern, &file.origin, host);
                        self.nothing.push((
                            file.role,
                            format!("{path}, where the runtime looks for it, holds none"),
                        ));
                        continue;
                    }
                    let status = in_view(&process.files, &file.path);
                    let status = status.or_else(|| {
                        (!inside_only)
                            .then(|| host.at(&path).map(Status::of))
                            .flatten()
                    });
                    match status {
                        Some(status) => self.add(file.role, path, status, file.origin),
                        None => self.gaps.push(Gap {
                            role: file.role,
                            unknown: Unknown {
                                cause: Cause::Missing,
                                reason: format!("{path} is not in the facts; take them again"),
                                path: Some(path),
                            },
                        }),
                    }
                }
            }
        }
    }

    /// Adds the unit file of a service and its drop-ins, but none that are for all services.
    fn unit_files(&mut self, service: &ServiceFacts) {
        let unit = service.unit.as_slice();
        let folder = [unit, b".d"].concat();
        for file in &service.files {
            let is_there = file
                .problem
                .as_ref()
                .is_none_or(|trouble| trouble.cause != Cause::Missing);
            let parent = path::parent(&file.need.path);
            let own = path::name(&file.need.path) == unit
                || (path::name(&parent) == folder.as_slice()
                    && file.need.path.as_slice().ends_with(b".conf"));
            if file.need.what == NeedKind::Content
                && own
                && is_there
                && file.kind != Some(FileKind::CharacterDevice)
            {
                let origin = at(OriginKind::Unit, &file.need.path);
                self.add(
                    Role::KubeletService,
                    file.need.path.clone(),
                    Status::of(file),
                    origin,
                );
            }
        }
    }

    /// Adds what lies where the platform puts it. What a component names goes first, but for the roles of which there
    /// are more files than anybody names.
    fn of_platform(&mut self, platform: &Platform, control_plane: bool, host: &mut Host<'_>) {
        for role in Role::ALL {
            let paths = platform.paths(role.of_platforms());
            if role.is_pki() {
                for path in paths.iter().filter(|_| control_plane) {
                    self.tree(role, &Bytes::from(*path), host);
                }
                continue;
            }
            if self.has(role) && role != Role::AdminKubeconfig {
                continue;
            }
            let networks = (role == Role::CniConfig).then_some(NETWORKS);
            for pattern in paths.iter().copied().chain(networks) {
                let origin = at(OriginKind::File, &Bytes::from(pattern));
                self.matching(role, pattern, &origin, host);
            }
        }
    }

    fn matching(&mut self, role: Role, pattern: &str, origin: &Arc<Origin>, host: &mut Host<'_>) {
        let (paths, unlisted) = host.matching(pattern);
        self.unlisted(role, unlisted);
        let exact = !pattern.contains('*');
        if !exact {
            self.looked.push((role, Bytes::from(pattern)));
        }
        for path in paths {
            let Some(file) = host.at(&path) else { continue };
            let status = Status::of(file);
            if exact && status.is_missing() {
                self.looked.push((role, path));
            } else if exact || status.kind != Some(FileKind::Directory) {
                let origin = if exact {
                    at(OriginKind::File, &path)
                } else {
                    Arc::clone(origin)
                };
                self.add(role, path, status, origin);
            }
        }
    }

    /// Adds what of the folder at `root` plays a role.
    fn tree(&mut self, role: Role, root: &Bytes, host: &mut Host<'_>) {
        let roots = host.matching(&root.to_string_lossy()).0;
        for root in roots {
            let (paths, unlisted) = host.below(&root);
            self.unlisted(role, unlisted);
            for path in paths {
                let Some(file) = host.at(&path) else { continue };
                let status = Status::of(file);
                if path == root && status.is_missing() {
                    self.looked.push((role, path));
                    continue;
                }
                let name = path::name(&path);
                let is_key = name.ends_with(b".key") || name.ends_with(b"-key.pem");
                let is_file = status.kind.is_none() || status.kind == Some(FileKind::Regular);
                let plays = match role {
                    Role::PkiKey => is_file && is_key,
                    Role::PkiCertificate => is_file && name.ends_with(b".crt"),
                    _ => true,
                };
                if plays {
                    self.add(role, path.clone(), status, at(OriginKind::File, &path));
                }
            }
        }
    }

    fn unlisted(&mut self, role: Role, unlisted: Vec<Unlisted>) {
        for Unlisted { path, trouble } in unlisted {
            let unknown = Unknown::unread(&path, &trouble);
            self.gaps.push(Gap { role, unknown });
        }
    }
}

/// Returns the container of a static pod that a process runs in: the one with its arguments, else the only one that
/// starts such a component.
fn container_of<'a>(
    process: &ProcessFacts,
    containers: &'a [(Bytes, Container)],
) -> Option<&'a Container> {
    if process.namespaces.mount == Some(true) || process.component == Component::Kubelet {
        return None;
    }
    let alike = || {
        containers
            .iter()
            .map(|(_, container)| container)
            .filter(|container| container.component == process.component)
    };
    alike()
        .find(|container| container.argv == process.argv)
        .or_else(|| alike().next().filter(|_| alike().count() == 1))
}

fn at(kind: OriginKind, path: &Bytes) -> Arc<Origin> {
    Arc::new(Origin {
        path: Some(Arc::new(path.clone())),
        ..Origin::new(kind)
    })
}
