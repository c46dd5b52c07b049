//! Pods and the templates of workloads.

use std::sync::Arc;

use super::{Builder, lists, wire};
use crate::facts::objects::{Container, Kind, Name, Owner, Pod, PodSecurity, Pods, Stage};

/// Where the token of a pod's service account lies in it (`plugin/pkg/admission/serviceaccount`).
const TOKEN_PATH: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// The keys of a volume that the level `restricted` allows, and `hostPath`, which is told apart.
const USUAL_VOLUMES: [&str; 10] = [
    "name",
    "hostPath",
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
];

impl Builder {
    pub(super) fn pod(&mut self, item: &wire::Pod) {
        let meta = &item.metadata;
        let owner = self.owner(meta);
        let mut pod = self.pod_spec(&item.spec, meta.namespace(), owner);
        pod.mirror = meta.annotations.mirror.is_some();
        self.add_pod(pod, &meta.name);
    }

    pub(super) fn workload(&mut self, kind: Kind, item: &wire::Workload) {
        let word = kind.listing().map_or("", |listing| listing.object);
        let mut owners = item.metadata.owner_references.iter();
        let owned = owners.any(|owner| owner.controller);
        if !(owned && matches!(kind, Kind::ReplicaSets | Kind::Jobs)) {
            self.template(word, &item.metadata, &item.spec.template);
        }
    }

    pub(super) fn cron_job(&mut self, item: &wire::CronJob) {
        let template = &item.spec.job_template.spec.template;
        self.template("CronJob", &item.metadata, template);
    }

    fn template(&mut self, kind: &str, meta: &wire::Meta, template: &wire::Template) {
        let owner = Owner {
            kind: self.names.one(kind),
            name: self.names.one(&meta.name),
        };
        let pod = self.pod_spec(&template.spec, meta.namespace(), Some(owner));
        self.records = self.records.saturating_add(lists::weight(&pod));
        self.inventory.templates.push(Pods {
            pod,
            copies: 1,
            examples: Box::default(),
        });
    }

    /// Returns the workload that a pod belongs to: a `ReplicaSet` whose name ends in the hash that the pod carries is a
    /// Deployment's.
    fn owner(&mut self, meta: &wire::Meta) -> Option<Owner> {
        let owner = meta
            .owner_references
            .iter()
            .find(|owner| owner.controller)?;
        let hash = meta.labels.get("pod-template-hash");
        let deployment = hash
            .filter(|_| owner.kind == "ReplicaSet")
            .and_then(|hash| owner.name.strip_suffix(hash.as_str())?.strip_suffix('-'));
        let (kind, name) = match deployment {
            Some(name) => ("Deployment", name),
            None => (owner.kind.as_str(), owner.name.as_str()),
        };
        Some(Owner {
            kind: self.names.one(kind),
            name: self.names.one(name),
        })
    }

    fn pod_spec(&mut self, spec: &wire::PodSpec, namespace: &str, owner: Option<Owner>) -> Pod {
        let containers = [
            (Stage::Init, &spec.init_containers),
            (Stage::Ordinary, &spec.containers),
            (Stage::Ephemeral, &spec.ephemeral_containers),
        ];
        let containers = containers
            .into_iter()
            .flat_map(|(stage, containers)| containers.iter().map(move |one| (stage, one)))
            .map(|(stage, container)| self.container(stage, container))
            .collect();
        let containers = self.shared(containers);
        let security = spec.security_context.as_ref();
        let account = spec.service_account_name.as_deref();
        let account = account.filter(|name| !name.is_empty());
        let mut host_paths = Vec::new();
        let mut other_volumes = Vec::new();
        for (kind, volume) in spec.volumes.iter().flatten() {
            if kind == "hostPath" {
                let path = match volume {
                    wire::Volume::Source(source) => source.path.as_deref(),
                    _ => None,
                };
                host_paths.push(self.names.one(path.unwrap_or_default()));
            } else if !USUAL_VOLUMES.contains(&kind.as_str()) {
                other_volumes.push(self.names.one(kind));
            }
        }
        Pod {
            namespace: self.names.one(namespace),
            owner,
            mirror: false,
            host_pid: spec.host_pid,
            host_ipc: spec.host_ipc,
            host_network: spec.host_network,
            service_account: self.names.one(account.unwrap_or("default")),
            automount: spec.automount_service_account_token,
            token_volume: mounts_token(spec),
            windows: spec.os.name == "windows",
            security: PodSecurity {
                given: security.is_some_and(says_something),
                run_as_non_root: security.and_then(|it| it.run_as_non_root),
                run_as_user: security.and_then(|it| it.run_as_user),
                seccomp: self.seccomp(security),
                host_process: security.and_then(|it| it.windows_options.host_process),
            },
            host_paths: sorted(host_paths),
            other_volumes: sorted(other_volumes),
            containers,
        }
    }

    /// Returns the one copy of the containers of pods that have the same.
    fn shared(&mut self, containers: Vec<Container>) -> Arc<[Container]> {
        if let Some(known) = self.containers.get(containers.as_slice()) {
            return Arc::clone(known);
        }
        let containers: Arc<[Container]> = containers.into();
        self.shared = self
            .shared
            .saturating_add(lists::of_containers(&containers));
        self.containers.insert(Arc::clone(&containers));
        containers
    }

    fn container(&mut self, stage: Stage, item: &wire::Container) -> Container {
        let nothing = wire::SecurityContext::default();
        let security = item.security_context.as_ref().unwrap_or(&nothing);
        let keys = item.env.iter().filter_map(|variable| {
            let key = variable.value_from.as_ref()?.secret_key_ref.as_ref()?;
            Some(format!("{}/{}", key.name, key.key))
        });
        let whole = item
            .env_from
            .iter()
            .filter_map(|source| Some(source.secret_ref.as_ref()?.name.clone()));
        let secrets = keys.chain(whole).map(|name| self.names.one(&name));
        let secrets = sorted(secrets.collect());
        let ports = item.ports.iter();
        let mut ports: Vec<u16> = ports
            .filter_map(|port| u16::try_from(port.host_port).ok())
            .filter(|port| *port != 0)
            .collect();
        ports.sort_unstable();
        ports.dedup();
        Container {
            name: self.names.one(&item.name),
            stage,
            image: self.names.one(&item.image),
            security_given: says_something(security),
            privileged: security.privileged,
            allow_privilege_escalation: security.allow_privilege_escalation,
            run_as_non_root: security.run_as_non_root,
            run_as_user: security.run_as_user,
            read_only_root: security.read_only_root_filesystem,
            add: self.capabilities(&security.capabilities.add),
            drop: self.capabilities(&security.capabilities.drop),
            seccomp: self.seccomp(Some(security)),
            host_process: security.windows_options.host_process,
            host_ports: ports.into(),
            secret_environment: secrets,
        }
    }

    fn capabilities(&mut self, given: &[String]) -> Box<[Name]> {
        let names = given.iter().map(|one| {
            let upper = one.to_ascii_uppercase();
            self.names.one(upper.strip_prefix("CAP_").unwrap_or(&upper))
        });
        sorted(names.collect())
    }

    fn seccomp(&mut self, security: Option<&wire::SecurityContext>) -> Option<Name> {
        let profile = security?.seccomp_profile.as_ref()?;
        Some(self.names.one(&profile.kind))
    }
}

fn sorted(mut names: Vec<Name>) -> Box<[Name]> {
    names.sort();
    names.dedup();
    names.into()
}

/// Returns whether a security context sets anything at all.
fn says_something(context: &wire::SecurityContext) -> bool {
    context.privileged
        || context.read_only_root_filesystem
        || context.allow_privilege_escalation.is_some()
        || context.run_as_non_root.is_some()
        || context.run_as_user.is_some()
        || context.run_as_group.is_some()
        || context.fs_group.is_some()
        || context.seccomp_profile.is_some()
        || context.windows_options.host_process.is_some()
        || context.se_linux_options.is_some()
        || context.app_armor_profile.is_some()
        || context.proc_mount.is_some()
        || !context.capabilities.add.is_empty()
        || !context.capabilities.drop.is_empty()
        || !context.supplemental_groups.is_empty()
        || !context.sysctls.is_empty()
}

/// Returns whether a token for the API server is mounted where clients look for it, or projected without an audience
/// of its own.
fn mounts_token(spec: &wire::PodSpec) -> bool {
    let projected = spec.volumes.iter().flatten().any(|(_, volume)| {
        let wire::Volume::Source(source) = volume else {
            return false;
        };
        let mut tokens = source.sources.iter();
        tokens.any(|one| {
            let token = one.service_account_token.as_ref();
            token.is_some_and(|token| token.audience.as_deref().unwrap_or_default().is_empty())
        })
    });
    let containers = [
        &spec.init_containers,
        &spec.containers,
        &spec.ephemeral_containers,
    ];
    projected
        || containers
            .into_iter()
            .flatten()
            .flat_map(|container| &container.volume_mounts)
            .any(|mount| mount.mount_path.trim_end_matches('/') == TOKEN_PATH)
}
