//! k3s: its configuration files become flags in front of those of its command line (`pkg/configfilearg/parser.go`), and
//! each component is given the defaults of k3s, of which those that a user names are replaced (`GetArgs`,
//! `pkg/daemons/config/types.go`).
//!
//! k3s erases its own arguments as it starts (`pkg/cli/server/server.go`): they have to come from its service.

use std::collections::BTreeMap;
use std::sync::Arc;

use kubeassay_core::facts::{FileKind, ProcessFacts};
use kubeassay_core::{Bytes, Cause, Component, Origin, OriginKind};

use super::{Embedded, Inside, Release, content, files, origin_of};
use crate::node::{Content, Node};
use crate::path;
use crate::setting::Unknown;
use crate::sources::{Documents, Files, Listed, Loaded, When};

/// The configuration file where none is named (`pkg/configfilearg/defaultparser.go`).
const CONFIG: &str = "/etc/rancher/k3s/config.yaml";
/// Where its state lies (`pkg/datadir/datadir.go`).
const DATA: &str = "/var/lib/rancher/k3s";

/// What files say of each key, in the order in which the keys came.
type Values = Vec<(String, Vec<(Bytes, Arc<Origin>)>)>;

/// Flags of k3s, in the order in which they were given: the files' first.
#[derive(Default)]
struct Given {
    flags: Vec<(String, Bytes, Arc<Origin>)>,
    /// The files that were read.
    read: Vec<Bytes>,
}

impl Given {
    fn last(&self, name: &str) -> Option<&(String, Bytes, Arc<Origin>)> {
        self.flags.iter().rev().find(|(flag, _, _)| flag == name)
    }

    fn text(&self, name: &str) -> Option<String> {
        self.last(name).map(|(_, value, _)| value.to_string_lossy())
    }

    fn is_on(&self, name: &str) -> bool {
        self.text(name)
            .is_some_and(|text| matches!(text.as_str(), "true" | "1" | "t" | "T" | "TRUE" | "True"))
    }

    fn is_set(&self, name: &str) -> bool {
        self.text(name).is_some_and(|text| !text.is_empty())
    }
}

/// Returns what runs inside.
pub(super) fn components(
    process: &ProcessFacts,
    origins: &[Arc<Origin>],
    release: Release,
    when: When,
) -> Embedded {
    let documents = Documents::new(process);
    let mut files = files(&documents, when);
    let erased = process
        .argv
        .first()
        .is_some_and(|first| first.as_slice().contains(&b' '));
    let command = process
        .argv
        .iter()
        .position(|one| *one == "server" || *one == "agent");
    // Without the arguments the usual file is what can be asked for already.
    let argv: &[Bytes] = if erased { &[] } else { &process.argv };
    let given = read(&mut files, process, argv, origins, command.unwrap_or(0));
    let given = match given {
        Ok(given) => given,
        Err(unknown) => return Embedded::unknown(unknown, files.needs),
    };
    let title = process.argv.first().map(Bytes::to_string_lossy);
    let agent = match command.and_then(|at| process.argv.get(at)) {
        Some(command) => *command == "agent",
        None => title.is_some_and(|title| title.trim_end().ends_with(" agent")),
    };
    let data = given.text("data-dir").unwrap_or_else(|| DATA.to_owned());
    let node = K3sNode {
        given: &given,
        data: data.trim_end_matches('/').to_owned(),
        release,
        agent,
    };
    let etcd = match node.has_etcd(&mut files) {
        Ok(etcd) => etcd,
        Err(unknown) => return Embedded::unknown(unknown, files.needs),
    };
    let mut embedded = Embedded {
        inside: node.components(etcd),
        needs: files.needs,
        assumes: vec![
            "what k3s gives to the components inside it is what the source of its release says"
                .to_owned(),
        ],
        ..Embedded::default()
    };
    if given.is_set("datastore-endpoint") && !agent {
        // An etcd elsewhere and a database behind kine are reached in different ways.
        embedded
            .inside
            .retain(|one| one.component != Component::ApiServer);
        embedded.unknown = Some(Unknown {
            cause: Cause::Unsupported,
            reason: "the datastore of this k3s is given with its credentials, which are not kept: how the API server reaches it is not known".to_owned(),
            path: process.exe.clone(),
        });
    }
    if erased {
        embedded.unknown = Some(Unknown {
            cause: Cause::Unsupported,
            reason: "k3s erases its own arguments as it starts, and no service that says them was found unchanged since; what stands in its configuration file is not all".to_owned(),
            path: process.exe.clone(),
        });
        embedded.for_asking = true;
    } else if command.is_none() {
        embedded.inside.clear();
    }
    embedded
}

/// Reads the configuration files, then the arguments behind the command.
fn read<'a>(
    files: &mut Files<'a>,
    process: &'a ProcessFacts,
    argv: &[Bytes],
    origins: &[Arc<Origin>],
    command: usize,
) -> Result<Given, Unknown> {
    let line = arguments(argv, origins, command);
    let variable = process
        .environment
        .as_ref()
        .and_then(|all| all.get("K3S_CONFIG_FILE"));
    let named = line
        .last("config")
        .or_else(|| line.last("c"))
        .map(|(_, path, _)| path.clone());
    let main = variable
        .filter(|path| !path.is_empty())
        .cloned()
        .or(named)
        .unwrap_or_else(|| CONFIG.into());
    let mut values = Values::new();
    let mut paths = vec![main.clone()];
    let folder = Bytes::from(format!("{main}.d"));
    match files.list(&folder) {
        Listed::Entries(entries) => {
            for (name, kind) in entries {
                let text = name.as_slice().to_ascii_lowercase();
                let taken = text.ends_with(b".yaml") || text.ends_with(b".yml");
                if taken && kind != FileKind::Directory {
                    paths.push(path::join(&folder, &name));
                }
            }
        }
        Listed::Missing => {}
        Listed::Other => {
            return Err(Unknown {
                cause: Cause::NotRegular,
                reason: format!("{folder} is no folder"),
                path: Some(folder),
            });
        }
        Listed::Unknown(unknown) => {
            // What is missing from the main file is asked for in the same round.
            drop(content(files, process, &main));
            return Err(unknown);
        }
    }
    let mut read = Vec::new();
    for path in &paths {
        let Some(file) = content(files, process, path)? else {
            continue;
        };
        read.push(path.clone());
        if file.content.as_ref().is_none_or(Bytes::is_empty) {
            continue;
        }
        match files.load(path, OriginKind::File) {
            Loaded::Read(document) => add(&document.root, &mut values),
            Loaded::Unknown(unknown) => return Err(unknown),
            Loaded::Refused(refusal) => {
                return Err(Unknown {
                    cause: Cause::WouldRefuse,
                    reason: format!("{path}: {}", refusal.reason),
                    path: Some(path.clone()),
                });
            }
        }
    }
    let mut given = Given {
        read,
        ..Given::default()
    };
    for (name, all) in values {
        let all = all.into_iter();
        given
            .flags
            .extend(all.map(|(value, origin)| (name.clone(), value, origin)));
    }
    given.flags.extend(line.flags);
    Ok(given)
}

/// Adds what a file says: a key takes the place of what came before, `key+` is added to it.
fn add(root: &Node, values: &mut Values) {
    let Content::Map(entries) = &root.content else {
        return;
    };
    for entry in entries {
        let (key, appends) = match entry.key.strip_suffix('+') {
            Some(key) => (key, true),
            None => (entry.key.as_str(), false),
        };
        let new: Vec<(Bytes, Arc<Origin>)> = match &entry.node.content {
            Content::List(nodes) => nodes.iter().filter_map(scalar).collect(),
            _ => scalar(&entry.node).into_iter().collect(),
        };
        match values.iter_mut().find(|(name, _)| name == key) {
            Some((_, old)) if appends => old.extend(new),
            Some((_, old)) => *old = new,
            None => values.push((key.to_owned(), new)),
        }
    }
}

fn scalar(node: &Node) -> Option<(Bytes, Arc<Origin>)> {
    let text = match &node.content {
        Content::String(text) => text.clone(),
        Content::Bool(value) => value.to_string().into(),
        Content::Number(number) => number.literal().into(),
        Content::Null => Bytes::default(),
        _ => return None,
    };
    let origin = Arc::new(Origin {
        text: Some(Arc::new(text.clone())),
        ..Origin::clone(&node.origin)
    });
    Some((text, origin))
}

/// Reads the arguments behind the command. A flag whose value is not behind `=` takes the next argument, unless that is
/// a flag itself.
fn arguments(argv: &[Bytes], origins: &[Arc<Origin>], command: usize) -> Given {
    let mut given = Given::default();
    let mut at = command + 1;
    while let Some(argument) = argv.get(at) {
        let text = argument.to_string_lossy();
        let origin = origin_of(argv, origins, at);
        at += 1;
        let name = text.trim_start_matches('-');
        if name.len() == text.len() {
            continue;
        }
        if let Some((name, value)) = name.split_once('=') {
            given.flags.push((name.to_owned(), value.into(), origin));
            continue;
        }
        match argv.get(at) {
            Some(value) if !value.as_slice().starts_with(b"-") => {
                given.flags.push((name.to_owned(), value.clone(), origin));
                at += 1;
            }
            _ => given.flags.push((name.to_owned(), "true".into(), origin)),
        }
    }
    given
}

/// A node of k3s.
struct K3sNode<'a> {
    given: &'a Given,
    data: String,
    release: Release,
    agent: bool,
}

impl K3sNode<'_> {
    /// Returns whether etcd runs inside (`pkg/cluster/managed.go`): where the cluster was begun with it or this server
    /// joins others, and where it ran before.
    fn has_etcd(&self, files: &mut Files<'_>) -> Result<bool, Unknown> {
        let given = self.given;
        if self.agent || given.is_on("disable-etcd") || given.is_set("datastore-endpoint") {
            return Ok(false);
        }
        let joins = given.is_set("server") || given.is_set("s");
        if given.is_on("cluster-init") || joins {
            return Ok(true);
        }
        let folder = Bytes::from(format!("{}/server/db/etcd", self.data));
        match files.list(&folder) {
            Listed::Missing => Ok(false),
            Listed::Entries(_) | Listed::Other => Ok(true),
            Listed::Unknown(unknown) if unknown.cause == Cause::Stale => Ok(true),
            Listed::Unknown(unknown) => Err(unknown),
        }
    }

    fn components(&self, etcd: bool) -> Vec<Inside> {
        let mut inside = Vec::new();
        let given = self.given;
        let mut add = |component, defaults, extra: &str| {
            inside.push(self.inside(component, defaults, extra));
        };
        if !given.is_on("disable-agent") {
            add(Component::Kubelet, self.kubelet(), "kubelet-arg");
        }
        if !self.agent {
            if !given.is_on("disable-apiserver") {
                add(
                    Component::ApiServer,
                    self.api_server(etcd),
                    "kube-apiserver-arg",
                );
            }
            if !given.is_on("disable-controller-manager") {
                let extra = "kube-controller-manager-arg";
                add(
                    Component::ControllerManager,
                    self.controller_manager(),
                    extra,
                );
            }
            if !given.is_on("disable-scheduler") {
                add(Component::Scheduler, self.scheduler(), "kube-scheduler-arg");
            }
        }
        if etcd {
            let config = format!("{}/server/db/etcd/config", self.data);
            add(Component::Etcd, vec![("config-file", config)], "");
        }
        if !given.is_on("disable-agent") && !given.is_on("disable-kube-proxy") {
            add(Component::KubeProxy, self.kube_proxy(), "kube-proxy-arg");
        }
        inside
    }

    /// Merges what the user gives for a component with the defaults of k3s (`GetArgs`): the user's values replace a
    /// default, `name+` keeps it in front and `name-` behind; all are sorted by name.
    fn inside(&self, component: Component, defaults: Vec<(&str, String)>, extra: &str) -> Inside {
        let default = Arc::new(Origin {
            name: Some(format!("what k3s gives to {component}").into()),
            ..Origin::default_of(format!("k3s {}", self.release.minor))
        });
        let mut defaults: BTreeMap<String, String> = defaults
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        let mut merged: BTreeMap<String, Vec<(String, Arc<Origin>)>> = BTreeMap::new();
        let extras = self.given.flags.iter();
        for (_, text, origin) in extras.filter(|(name, _, _)| !extra.is_empty() && name == extra) {
            let text = text.to_string_lossy();
            let text = text.strip_prefix("--").unwrap_or(&text);
            let (name, value) = text.split_once('=').unwrap_or((text, "true"));
            let clean = name.trim_end_matches(['-', '+']);
            // k3s copies these into its own folder of drop-ins (`extractConfigArgs`).
            let own = component == Component::Kubelet && self.has_drop_ins();
            if own && matches!(clean, "config" | "config-dir") {
                continue;
            }
            let before = defaults
                .remove(clean)
                .map(|value| (value, Arc::clone(&default)));
            let slot = merged.entry(clean.to_owned()).or_default();
            let new = (value.to_owned(), Arc::clone(origin));
            if name.ends_with('+') {
                slot.extend(before);
                slot.push(new);
            } else if name.ends_with('-') {
                slot.insert(0, new);
                slot.extend(before);
            } else {
                slot.push(new);
            }
        }
        for (name, value) in defaults {
            merged.insert(name, vec![(value, Arc::clone(&default))]);
        }
        let mut inside = Inside {
            component,
            argv: vec![component.as_str().into()],
            origins: vec![default],
            read: self.given.read.clone(),
            files: Vec::new(),
        };
        for (name, values) in merged {
            for (value, origin) in values {
                inside.argv.push(format!("--{name}={value}").into());
                inside.origins.push(origin);
            }
        }
        inside
    }

    /// From 1.32 k3s writes what it decides into a drop-in (docs.k3s.io, installation/configuration).
    fn has_drop_ins(&self) -> bool {
        self.release.minor.0 >= 32
    }

    /// `kubeletArgsAndConfig` in `pkg/daemons/agent/agent_linux.go`, and `kubeletArgs` before there were drop-ins.
    fn kubelet(&self) -> Vec<(&'static str, String)> {
        let agent = format!("{}/agent", self.data);
        let mut all = vec![
            ("kubeconfig", format!("{agent}/kubelet.kubeconfig")),
            ("cloud-provider", "external".to_owned()),
            // The node's name, which only k3s knows.
            (
                "hostname-override",
                self.given
                    .text("node-name")
                    .unwrap_or_else(|| "(the node's name)".to_owned()),
            ),
        ];
        let closed = ("read-only-port", "0".to_owned());
        if self.has_drop_ins() {
            all.push(("config-dir", format!("{agent}/etc/kubelet.conf.d")));
            // k3s issue 12164: until 1.32.4 the port was left to the legacy default.
            let open =
                self.release.minor.0 == 32 && self.release.patch.is_some_and(|patch| patch < 4);
            if !open {
                all.push(closed);
            }
            return all;
        }
        all.push(closed);
        all.extend([
            ("authentication-token-webhook", "true".to_owned()),
            ("anonymous-auth", "false".to_owned()),
            ("authorization-mode", "Webhook".to_owned()),
            ("fail-swap-on", "false".to_owned()),
            ("healthz-bind-address", "127.0.0.1".to_owned()),
            ("client-ca-file", format!("{agent}/client-ca.crt")),
            ("tls-cert-file", format!("{agent}/serving-kubelet.crt")),
            (
                "tls-private-key-file",
                format!("{agent}/serving-kubelet.key"),
            ),
            ("pod-manifest-path", format!("{agent}/pod-manifests")),
        ]);
        if self.given.is_on("protect-kernel-defaults") {
            all.push(("protect-kernel-defaults", "true".to_owned()));
        }
        all
    }

    /// `apiServer` in `pkg/daemons/control/server.go`.
    fn api_server(&self, etcd: bool) -> Vec<(&'static str, String)> {
        let tls = format!("{}/server/tls", self.data);
        let mut all = vec![
            ("allow-privileged", "true".to_owned()),
            ("enable-bootstrap-token-auth", "true".to_owned()),
            ("storage-backend", "etcd3".to_owned()),
            (
                "service-account-signing-key-file",
                format!("{tls}/service.current.key"),
            ),
            ("service-account-key-file", format!("{tls}/service.key")),
            ("bind-address", "127.0.0.1".to_owned()),
            ("tls-cert-file", format!("{tls}/serving-kube-apiserver.crt")),
            (
                "tls-private-key-file",
                format!("{tls}/serving-kube-apiserver.key"),
            ),
            (
                "kubelet-certificate-authority",
                format!("{tls}/server-ca.crt"),
            ),
            (
                "kubelet-client-certificate",
                format!("{tls}/client-kube-apiserver.crt"),
            ),
            (
                "kubelet-client-key",
                format!("{tls}/client-kube-apiserver.key"),
            ),
            (
                "requestheader-client-ca-file",
                format!("{tls}/request-header-ca.crt"),
            ),
            ("client-ca-file", format!("{tls}/client-ca.crt")),
            ("enable-admission-plugins", "NodeRestriction".to_owned()),
            ("profiling", "false".to_owned()),
        ];
        let names = |flag: &str| {
            let mut flags = self.given.flags.iter();
            let prefix = format!("{flag}=");
            flags.any(|(name, value, _)| {
                let value = value.to_string_lossy();
                let value = value.strip_prefix("--").unwrap_or(&value);
                name == "kube-apiserver-arg" && value.starts_with(&prefix)
            })
        };
        if !names("authorization-config") {
            all.push(("authorization-mode", "Node,RBAC".to_owned()));
        }
        if !names("authentication-config") {
            all.push(("anonymous-auth", "false".to_owned()));
        }
        if self.given.is_on("secrets-encryption") {
            let file = format!("{}/server/cred/encryption-config.json", self.data);
            all.push(("encryption-provider-config", file));
        }
        if etcd {
            all.push(("etcd-servers", "https://127.0.0.1:2379".to_owned()));
            all.push(("etcd-cafile", format!("{tls}/etcd/server-ca.crt")));
            all.push(("etcd-certfile", format!("{tls}/etcd/client.crt")));
            all.push(("etcd-keyfile", format!("{tls}/etcd/client.key")));
        } else {
            all.push(("etcd-servers", "unix://kine.sock".to_owned()));
        }
        all
    }

    /// `controllerManager` in the same file.
    fn controller_manager(&self) -> Vec<(&'static str, String)> {
        let tls = format!("{}/server/tls", self.data);
        let kubeconfig = format!("{}/server/cred/controller.kubeconfig", self.data);
        vec![
            ("kubeconfig", kubeconfig),
            (
                "service-account-private-key-file",
                format!("{tls}/service.current.key"),
            ),
            ("root-ca-file", format!("{tls}/server-ca.crt")),
            ("profiling", "false".to_owned()),
            ("bind-address", "127.0.0.1".to_owned()),
            ("use-service-account-credentials", "true".to_owned()),
        ]
    }

    /// `scheduler` in the same file.
    fn scheduler(&self) -> Vec<(&'static str, String)> {
        let kubeconfig = format!("{}/server/cred/scheduler.kubeconfig", self.data);
        vec![
            ("kubeconfig", kubeconfig),
            ("profiling", "false".to_owned()),
            ("bind-address", "127.0.0.1".to_owned()),
        ]
    }

    /// `kubeProxyArgs` in `pkg/daemons/agent/agent_linux.go`.
    fn kube_proxy(&self) -> Vec<(&'static str, String)> {
        vec![
            ("proxy-mode", "iptables".to_owned()),
            ("healthz-bind-address", "127.0.0.1".to_owned()),
            (
                "kubeconfig",
                format!("{}/agent/kubeproxy.kubeconfig", self.data),
            ),
        ]
    }
}
