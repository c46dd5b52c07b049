//! The files that the configuration of a component names.
//!
//! Where the effective configuration names one, that one counts, wherever an installer would have put it. What is on
//! disk now is what has an owner and a mode, so files are read as they are now.

use std::collections::BTreeMap;
use std::sync::Arc;

use kubeassay_config::components;
use kubeassay_config::kubelet::{Documents, When};
use kubeassay_config::path;
use kubeassay_config::resolution::Resolution;
use kubeassay_config::setting::Unknown;
use kubeassay_core::facts::{Facts, ProcessFacts};
use kubeassay_core::{Bytes, Cause, Component, Origin, OriginKind, Value};

use super::role::Role;
use crate::components::minors;

/// What the configuration of a component says of the files of a role.
#[derive(Clone, Debug)]
pub(super) enum Said {
    /// It names one: an absolute path as the component sees it.
    File(Named),
    /// It names none.
    Nothing(Role, String),
    /// Whether it names one, or which, cannot be told.
    Unknown(Role, Unknown),
}

/// A file that a component was told to use.
#[derive(Clone, Debug)]
pub(super) struct Named {
    pub(super) role: Role,
    /// Absolute, in the component's own view.
    pub(super) path: Bytes,
    /// Where it is named.
    pub(super) origin: Arc<Origin>,
}

/// Certificates that flags name.
const CERTIFICATES: [(Component, &[&str]); 4] = [
    (
        Component::ApiServer,
        &[
            "flags.clientCaFile",
            "flags.etcdCafile",
            "flags.etcdCertfile",
            "flags.kubeletCertificateAuthority",
            "flags.kubeletClientCertificate",
            "flags.oidcCaFile",
            "flags.peerCaFile",
            "flags.proxyClientCertFile",
            "flags.requestheaderClientCaFile",
            "flags.tlsCertFile",
        ],
    ),
    (
        Component::ControllerManager,
        &[
            "flags.clientCaFile",
            "flags.clusterSigningCertFile",
            "flags.clusterSigningKubeApiserverClientCertFile",
            "flags.clusterSigningKubeletClientCertFile",
            "flags.clusterSigningKubeletServingCertFile",
            "flags.clusterSigningLegacyUnknownCertFile",
            "flags.requestheaderClientCaFile",
            "flags.rootCaFile",
            "flags.tlsCertFile",
        ],
    ),
    (
        Component::Etcd,
        &[
            "flags.caFile",
            "flags.certFile",
            "flags.clientCertFile",
            "flags.peerCaFile",
            "flags.peerCertFile",
            "flags.peerClientCertFile",
            "flags.peerTrustedCaFile",
            "flags.trustedCaFile",
        ],
    ),
    (Component::Kubelet, &["tlsCertFile"]),
];

/// Private keys that flags name.
const KEYS: [(Component, &[&str]); 4] = [
    (
        Component::ApiServer,
        &[
            "flags.etcdKeyfile",
            "flags.kubeletClientKey",
            "flags.proxyClientKeyFile",
            "flags.serviceAccountSigningKeyFile",
            "flags.tlsPrivateKeyFile",
        ],
    ),
    (
        Component::ControllerManager,
        &[
            "flags.clusterSigningKeyFile",
            "flags.clusterSigningKubeApiserverClientKeyFile",
            "flags.clusterSigningKubeletClientKeyFile",
            "flags.clusterSigningKubeletServingKeyFile",
            "flags.clusterSigningLegacyUnknownKeyFile",
            "flags.serviceAccountPrivateKeyFile",
            "flags.tlsPrivateKeyFile",
        ],
    ),
    (
        Component::Etcd,
        &[
            "flags.clientKeyFile",
            "flags.keyFile",
            "flags.peerClientKeyFile",
            "flags.peerKeyFile",
        ],
    ),
    (Component::Kubelet, &["tlsPrivateKeyFile"]),
];

/// What may be a key or only the public half of one.
const EITHER: [(Component, &[&str]); 1] =
    [(Component::ApiServer, &["flags.serviceAccountKeyFile"])];

/// Returns what the configuration of `process` says of files, each argument from `origins` where they are known.
pub(super) fn of(process: &ProcessFacts, origins: Vec<Arc<Origin>>) -> Vec<Said> {
    resolved(process, origins).map_or_else(Vec::new, |resolution| by(process, resolution))
}

/// Returns what a process makes of its files now, in the newest version that it may be.
fn resolved(process: &ProcessFacts, origins: Vec<Arc<Origin>>) -> Option<Resolution> {
    let minor = minors(process).pop()?;
    let documents = Documents::of_service(process, origins);
    Some(components::resolve(
        process.component,
        &documents,
        minor,
        When::Now,
    ))
}

/// What the processes of a node say of its files, as their own files have it: worked out once, since a kubelet may be
/// told very much.
#[derive(Debug, Default)]
pub(crate) struct Configured {
    /// The folders of manifests of the node's own kubelets, and where each is named.
    pub(crate) manifest_folders: Vec<(Bytes, Arc<Origin>)>,
    /// Why it is not known whether a kubelet has one.
    pub(crate) manifest_folders_unknown: Vec<Unknown>,
    /// What each process says.
    said: BTreeMap<u32, Vec<Said>>,
}

impl Configured {
    /// Works out what the processes of a node say.
    pub(crate) fn of(facts: &Facts) -> Self {
        let mut configured = Self::default();
        let own = facts.processes.iter().filter(|process| !process.in_pod());
        for process in own.filter(|process| process.component != Component::Distribution) {
            let Some(resolution) = resolved(process, Vec::new()) else {
                continue;
            };
            if process.component == Component::Kubelet {
                configured.add_folder(&resolution);
            }
            configured.said.insert(process.pid, by(process, resolution));
        }
        configured
    }

    fn add_folder(&mut self, kubelet: &Resolution) {
        let Some(setting) = kubelet.setting("staticPodPath") else {
            return;
        };
        if let Some(unknown) = setting.unknown() {
            let reason = format!(
                "where the kubelet looks for static pods (staticPodPath) is not known: {}",
                unknown.reason
            );
            self.manifest_folders_unknown.push(Unknown {
                reason,
                ..unknown.clone()
            });
        }
        if let Some(Value::String(folder)) = setting.value()
            && folder.as_slice().starts_with(b"/")
            && !self
                .manifest_folders
                .iter()
                .any(|(known, _)| *known == folder)
        {
            self.manifest_folders
                .push((folder, Arc::clone(&setting.origin)));
        }
    }

    /// Returns what a process says; one that does not run yet is asked anew.
    pub(super) fn said_by(&self, process: &ProcessFacts, origins: Vec<Arc<Origin>>) -> Vec<Said> {
        match self.said.get(&process.pid) {
            Some(said) if process.pid != 0 => said.clone(),
            _ => of(process, origins),
        }
    }
}

/// Returns what a process that resolves to `resolution` says of files.
pub(super) fn by(process: &ProcessFacts, resolution: Resolution) -> Vec<Said> {
    let mut reader = Reader {
        process,
        resolution,
        said: Vec::new(),
    };
    match process.component {
        Component::Kubelet => reader.kubelet(),
        Component::Scheduler => reader.kubeconfig(Role::SchedulerKubeconfig, "the scheduler"),
        Component::ControllerManager => {
            reader.kubeconfig(Role::ControllerManagerKubeconfig, "the controller manager");
        }
        Component::KubeProxy => reader.kubeconfig(Role::KubeProxyKubeconfig, "kube-proxy"),
        Component::Etcd => {
            for setting in ["flags.dataDir", "flags.walDir"] {
                reader.files(&[Role::EtcdData], setting);
            }
        }
        Component::ContainerRuntime => {
            reader.files(&[Role::CniConfig], "derived.cniConfDirs");
        }
        Component::ApiServer | Component::Distribution => {}
    }
    reader.keys_and_certificates();
    reader.said
}

struct Reader<'a> {
    process: &'a ProcessFacts,
    resolution: Resolution,
    said: Vec<Said>,
}

impl Reader<'_> {
    fn kubelet(&mut self) {
        if !self.files(&[Role::KubeletKubeconfig], "flags.kubeconfig") {
            self.nothing(
                Role::KubeletKubeconfig,
                "the kubelet was given no --kubeconfig: it talks to no API server",
            );
        }
        let setting = "authentication.x509.clientCAFile";
        if !self.files(&[Role::KubeletClientCa], setting) {
            let reason = format!("the kubelet has no client CA ({setting} is empty)");
            self.nothing(Role::KubeletClientCa, reason);
        }
        self.configuration();
    }

    /// The file that `--config` names and every drop-in that is read.
    fn configuration(&mut self) {
        let given = self
            .resolution
            .setting("flags.config")
            .map(|setting| Arc::clone(&setting.origin));
        let mut files = Vec::new();
        let mut any = false;
        for layer in &self.resolution.layers {
            let Some(path) = &layer.path else { continue };
            let is_folder = layer.name == "--config-dir";
            any |= is_folder;
            match (layer.kind, &layer.unknown) {
                (OriginKind::DropIn, Some(unknown)) if is_folder => {
                    files.push(Said::Unknown(Role::KubeletConfig, unknown.clone()));
                }
                (OriginKind::File | OriginKind::DropIn, _) if !is_folder => {
                    let own = || {
                        Arc::new(Origin {
                            path: Some(Arc::new(path.clone())),
                            ..Origin::new(layer.kind)
                        })
                    };
                    let given = given.clone().filter(|_| layer.kind == OriginKind::File);
                    files.push(Said::File(Named {
                        role: Role::KubeletConfig,
                        path: path.clone(),
                        origin: given.unwrap_or_else(own),
                    }));
                }
                _ => {}
            }
        }
        if files.is_empty() {
            self.nothing(
                Role::KubeletConfig,
                if any {
                    "the kubelet was given no --config, and its --config-dir holds no drop-in"
                } else {
                    "the kubelet was given no --config: all of its configuration is in its arguments"
                },
            );
        }
        self.said.append(&mut files);
    }

    /// The kubeconfig of a client of the API server; that of a file takes the place of the flag.
    fn kubeconfig(&mut self, role: Role, whose: &str) {
        let of_file = "clientConnection.kubeconfig";
        let main = match self.resolution.setting(of_file) {
            Some(_) => of_file,
            None => "flags.kubeconfig",
        };
        let mut any = self.files(&[role], main);
        for flag in [
            "flags.authenticationKubeconfig",
            "flags.authorizationKubeconfig",
        ] {
            any |= self.files(&[role], flag);
        }
        if !any {
            let reason =
                format!("{whose} was given no kubeconfig: it uses what its pod gives it, or none");
            self.nothing(role, reason);
        }
    }

    fn keys_and_certificates(&mut self) {
        let component = self.process.component;
        let of = |table: &[(Component, &'static [&'static str])]| {
            let found = table.iter().find(|(of, _)| *of == component);
            found.map_or(&[][..], |(_, settings)| settings)
        };
        for (roles, settings) in [
            (&[Role::Pki, Role::PkiCertificate][..], of(&CERTIFICATES)),
            (&[Role::Pki, Role::PkiKey], of(&KEYS)),
            (&[Role::Pki], of(&EITHER)),
        ] {
            for setting in settings {
                self.files(roles, setting);
            }
        }
    }

    /// Adds the files that a setting names, and returns whether anything is to be said of them.
    fn files(&mut self, roles: &[Role], setting: &str) -> bool {
        let Some(found) = self.resolution.setting(setting) else {
            return false;
        };
        let origin = Arc::clone(&found.origin);
        let unknown = found.unknown().cloned();
        let value = found.value();
        drop(found);
        let paths = match (unknown, value) {
            (None, Some(Value::String(path))) => vec![path],
            (None, Some(Value::List(paths))) => paths
                .into_iter()
                .filter_map(|path| match path {
                    Value::String(path) => Some(path),
                    _ => None,
                })
                .collect(),
            (None, Some(_)) => Vec::new(),
            (unknown, _) => {
                let unknown = unknown.unwrap_or_else(|| Unknown {
                    cause: Cause::VersionUnknown,
                    reason: format!("{setting} depends on the version, which is not known"),
                    path: None,
                });
                for role in roles {
                    self.said.push(Said::Unknown(*role, unknown.clone()));
                }
                return true;
            }
        };
        let mut any = false;
        for given in paths.iter().filter(|path| !path.is_empty()) {
            any = true;
            let absolute = path::absolute(given, self.process.cwd.as_ref());
            for role in roles {
                self.said.push(match &absolute {
                    Some(absolute) => Said::File(Named {
                        role: *role,
                        path: path::clean(absolute),
                        origin: Arc::clone(&origin),
                    }),
                    None => Said::Unknown(
                        *role,
                        Unknown {
                            cause: Cause::Denied,
                            reason: format!(
                                "{given} is relative, and the working directory of process {} is not known",
                                self.process.pid
                            ),
                            path: Some(given.clone()),
                        },
                    ),
                });
            }
        }
        any
    }

    /// Says that no file of a role is named; where the component would not start with what is on disk now, that is not
    /// known.
    fn nothing(&mut self, role: Role, reason: impl Into<String>) {
        self.said.push(match &self.resolution.refusal {
            Some(refusal) => Said::Unknown(
                role,
                Unknown {
                    cause: refusal.cause,
                    reason: refusal.reason.clone(),
                    path: None,
                },
            ),
            None => Said::Nothing(role, reason.into()),
        });
    }
}
