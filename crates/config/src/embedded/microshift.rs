//! `MicroShift`: one configuration, merged of `/etc/microshift/config.yaml` and the drop-ins beside it, of which it makes
//! what each component is given (`pkg/config`, `pkg/controllers`, `pkg/node` of openshift/microshift at 8e16b12fda5b, which
//! brings Kubernetes 1.36).
//!
//! What it writes below `/var/lib/microshift/resources` as it starts is what the components read; the next start writes
//! it again, whatever stands there.

mod api_server;
mod config;

use std::fmt::Write as _;
use std::sync::Arc;

use kubeassay_core::facts::{FileFacts, FileKind, Need, NeedKind, ProcessFacts};
use kubeassay_core::{Bytes, Cause, Component, Origin};

use super::{Embedded, Inside, Release, files};
use crate::setting::Unknown;
use crate::sources::{Documents, When};

use config::Config;

/// Where its state lies (`pkg/config/files.go`).
const DATA: &str = "/var/lib/microshift";
/// What stands for the node's name where only `MicroShift` knows it.
const NAME: &str = "(the node's name)";
/// So long after its start it writes what its components read, in seconds.
const WRITES: i64 = 300;

/// What a component is given, each with its place.
type Arguments = Vec<(&'static str, String, Arc<Origin>)>;

/// Returns what runs inside.
pub(super) fn components(process: &ProcessFacts, release: Release, when: When) -> Embedded {
    let documents = Documents::new(process);
    let mut files = files(&documents, when);
    let read = config::read(&mut files, process);
    let config = match read {
        Ok(config) => config,
        Err(unknown) => return Embedded::unknown(unknown, files.needs),
    };
    if process.argv.get(1).is_none_or(|command| *command != "run") {
        return Embedded {
            needs: files.needs,
            ..Embedded::default()
        };
    }
    let node = Node {
        config: &config,
        default: default(release),
        release,
        multi: process.argv.iter().any(|one| *one == "--multinode"),
    };
    let mut inside = vec![node.kubelet()];
    let mut unknown = None;
    match api_server::arguments(&node) {
        Ok(arguments) => {
            let mut server = node.inside(Component::ApiServer, arguments);
            server
                .files
                .push(Node::made(api_server::ADMISSION, api_server::admission()));
            inside.push(server);
        }
        Err(reason) => unknown = Some(reason),
    }
    inside.push(node.inside(Component::ControllerManager, node.controller_manager()));
    inside.push(node.inside(Component::Scheduler, node.scheduler()));
    inside.push(node.inside(Component::Etcd, node.etcd()));
    let mut assumes = vec![
        "what MicroShift gives to its components is what its sources at 8e16b12fda5b say"
            .to_owned(),
    ];
    if when == When::Now
        && let Some(changed) = config.changed_since(process)
    {
        assumes.push(format!(
            "{changed} changed since MicroShift started; of the files that it will write anew the lines are those that they will have"
        ));
        rewrite(&mut inside, &node, process);
    }
    Embedded {
        inside,
        unknown,
        needs: files.needs,
        assumes,
        ..Embedded::default()
    }
}

/// Puts what the next start writes in the place of what lies there.
fn rewrite(inside: &mut [Inside], node: &Node<'_>, process: &ProcessFacts) {
    for one in inside {
        match one.component {
            Component::Kubelet => one.files.push(Node::made(KUBELET, node.kubelet_file())),
            Component::ApiServer => {
                // Its text is a profile's, which is not known here.
                let need = content(api_server::AUDIT_POLICY);
                let known = process.file(&need).is_some();
                if known
                    && node
                        .config
                        .text(&["apiServer", "auditLog", "profile"])
                        .is_some()
                {
                    one.files.push(FileFacts::unread(
                        need,
                        Cause::Unsupported,
                        "MicroShift writes it again as it starts, from the profile in its configuration",
                    ));
                }
            }
            _ => {}
        }
    }
}

fn content(path: &str) -> Need {
    Need {
        what: NeedKind::Content,
        path: path.into(),
    }
}

/// The kubelet's file (`pkg/node/kubelet.go:writeConfig`).
const KUBELET: &str = "/var/lib/microshift/resources/kubelet/config/config.yaml";

fn default(release: Release) -> Arc<Origin> {
    Arc::new(Origin {
        name: Some("what MicroShift gives to its components".into()),
        ..Origin::default_of(format!("MicroShift with Kubernetes {}", release.minor))
    })
}

/// A node of `MicroShift`.
struct Node<'a> {
    config: &'a Config,
    default: Arc<Origin>,
    release: Release,
    multi: bool,
}

impl Node<'_> {
    fn own(
        &self,
        name: &'static str,
        value: impl Into<String>,
    ) -> (&'static str, String, Arc<Origin>) {
        (name, value.into(), Arc::clone(&self.default))
    }

    /// Returns an argument that the configuration may give.
    fn from(
        &self,
        name: &'static str,
        path: &[&str],
        usual: &str,
    ) -> (&'static str, String, Arc<Origin>) {
        match self.config.text(path) {
            Some((text, origin)) => (name, text, origin),
            None => self.own(name, usual),
        }
    }

    fn inside(&self, component: Component, arguments: Arguments) -> Inside {
        let mut inside = Inside {
            component,
            argv: vec![component.as_str().into()],
            origins: vec![Arc::clone(&self.default)],
            read: self.config.read.clone(),
            files: Vec::new(),
        };
        for (name, value, origin) in arguments {
            inside.argv.push(format!("--{name}={value}").into());
            inside.origins.push(origin);
        }
        inside
    }

    /// Returns a file that is made for a component as it starts.
    fn made(path: &str, text: String) -> FileFacts {
        FileFacts {
            kind: Some(FileKind::Regular),
            content: Some(text.into()),
            ..FileFacts::new(content(path))
        }
    }

    /// `configure` in `pkg/node/kubelet.go`.
    fn kubelet(&self) -> Inside {
        let kubeconfig = format!("{DATA}/resources/kubelet/kubeconfig");
        let mut arguments = vec![
            self.own("bootstrap-kubeconfig", kubeconfig.clone()),
            self.own("kubeconfig", kubeconfig),
            self.own("config", KUBELET),
            self.own("runtime-cgroups", "/system.slice/crio.service"),
            self.from("hostname-override", &["node", "hostnameOverride"], NAME),
        ];
        if let Some((address, origin)) = self.config.text(&["node", "nodeIP"]) {
            arguments.push(("node-ip", address, origin));
        }
        Inside {
            // What the user says of the kubelet is in the kubelet's file, which is a layer already.
            read: Vec::new(),
            ..self.inside(Component::Kubelet, arguments)
        }
    }

    /// Returns what the next start will write for the kubelet: a template of its own (`assets/core/kubelet.yaml`), and
    /// behind it what the user says below `kubelet`, as it stands there.
    fn kubelet_file(&self) -> String {
        let certificates = format!("{DATA}/certs");
        let serving = format!("{certificates}/kubelet-csr-signer-signer/csr-signer/kubelet-server");
        let suites = self.config.suites();
        let mut text = format!(
            "kind: KubeletConfiguration\n\
             apiVersion: kubelet.config.k8s.io/v1beta1\n\
             authentication: {{anonymous: {{enabled: false}}, x509: {{clientCAFile: {certificates}/ca-bundle/kubelet-ca.crt}}}}\n\
             cgroupDriver: systemd\n\
             cgroupsPerQOS: true\n\
             clusterDomain: cluster.local\n\
             containerLogMaxSize: 50Mi\n\
             containerRuntimeEndpoint: unix:///var/run/crio/crio.sock\n\
             enforceNodeAllocatable: []\n\
             failSwapOn: false\n\
             featureGates: {{APIPriorityAndFairness: true, DownwardAPIHugePages: true, PodSecurity: true, RotateKubeletServerCertificate: false}}\n\
             kubeAPIBurst: 100\n\
             kubeAPIQPS: 50\n\
             maxPods: 250\n\
             memorySwap: {{swapBehavior: NoSwap}}\n\
             nodeStatusReportFrequency: 5m\n\
             rotateCertificates: false\n\
             serializeImagePulls: false\n\
             serverTLSBootstrap: false\n\
             tlsCertFile: {serving}/server.crt\n\
             tlsCipherSuites: [{}]\n\
             tlsMinVersion: {}\n\
             tlsPrivateKeyFile: {serving}/server.key\n\
             volumePluginDir: {DATA}/kubelet-plugins/volume/exec\n",
            suites.0.join(","),
            self.config.tls_minimum().0,
        );
        for (key, value) in self.config.kubelet() {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{key}: {value}");
        }
        text
    }

    /// `configure` in `pkg/controllers/kube-controller-manager.go`, on top of
    /// `assets/controllers/kube-controller-manager/defaultconfig.yaml`.
    fn controller_manager(&self) -> Arguments {
        let kubeconfig = format!("{DATA}/resources/kube-controller-manager/kubeconfig");
        let certificates = format!("{DATA}/certs");
        let signer = format!("{certificates}/kubelet-csr-signer-signer/csr-signer");
        let serving = format!(
            "{certificates}/kube-apiserver-localhost-signer/kube-apiserver-localhost-serving"
        );
        let elects = if self.multi { "true" } else { "false" };
        let (suites, suites_origin) = self.config.suites();
        let (minimum, minimum_origin) = self.config.tls_minimum();
        let mut arguments: Arguments = [
            "*",
            "-ttl",
            "-bootstrapsigner",
            "-tokencleaner",
            "selinux-warning-controller",
        ]
        .into_iter()
        .map(|name| self.own("controllers", name))
        .collect();
        if self.release.minor.0 < 32 {
            // The opt-in came with 1.32.
            arguments.retain(|(_, name, _)| name != "selinux-warning-controller");
        }
        arguments.extend([
            self.own("enable-dynamic-provisioning", "true"),
            self.own("allocate-node-cidrs", "true"),
            self.own("use-service-account-credentials", "true"),
            self.own("leader-elect", elects),
            self.own("leader-elect-retry-period", "3s"),
            self.own("leader-elect-resource-lock", "leases"),
            self.own("leader-elect-renew-deadline", "12s"),
            self.own("cluster-signing-duration", "720h"),
            self.own("secure-port", "10257"),
            self.own("cert-dir", "/var/run/kubernetes"),
            self.own("kube-api-qps", "150"),
            self.own("kube-api-burst", "300"),
            self.own("kubeconfig", kubeconfig.clone()),
            self.own("authentication-kubeconfig", kubeconfig.clone()),
            self.own("authorization-kubeconfig", kubeconfig),
            self.own(
                "service-account-private-key-file",
                format!("{DATA}/resources/kube-apiserver/secrets/service-account-key/service-account.key"),
            ),
            self.own("root-ca-file", format!("{certificates}/ca-bundle/service-account-token-ca.crt")),
            self.own("cluster-signing-cert-file", format!("{signer}/ca.crt")),
            self.own("cluster-signing-key-file", format!("{signer}/ca.key")),
            self.own("tls-cert-file", format!("{serving}/server.crt")),
            self.own("tls-private-key-file", format!("{serving}/server.key")),
            (
                "tls-cipher-suites",
                suites.join(","),
                suites_origin.unwrap_or_else(|| Arc::clone(&self.default)),
            ),
            (
                "tls-min-version",
                minimum,
                minimum_origin.unwrap_or_else(|| Arc::clone(&self.default)),
            ),
        ]);
        arguments
    }

    /// `configure` in `pkg/controllers/kube-scheduler.go`, which writes its file.
    fn scheduler(&self) -> Arguments {
        let folder = format!("{DATA}/resources/kube-scheduler");
        let serving = format!(
            "{DATA}/certs/kube-apiserver-localhost-signer/kube-apiserver-localhost-serving"
        );
        vec![
            self.own("config", format!("{folder}/config/config.yaml")),
            self.own("authentication-kubeconfig", format!("{folder}/kubeconfig")),
            self.own("authorization-kubeconfig", format!("{folder}/kubeconfig")),
            self.own("tls-cert-file", format!("{serving}/server.crt")),
            self.own("tls-private-key-file", format!("{serving}/server.key")),
        ]
    }

    /// `configure` in `etcd/cmd/microshift-etcd/run.go`. It trusts an authority, and so wants certificates of clients and
    /// of peers.
    fn etcd(&self) -> Arguments {
        let signer = format!("{DATA}/certs/etcd-signer");
        let (minimum, origin) = self.config.tls_minimum();
        let origin = origin.unwrap_or_else(|| Arc::clone(&self.default));
        let minimum = if minimum == "VersionTLS13" {
            "TLS1.3"
        } else {
            "TLS1.2"
        };
        vec![
            self.from("name", &["node", "hostnameOverride"], NAME),
            self.own("data-dir", format!("{DATA}/etcd")),
            self.own("listen-client-urls", "https://0.0.0.0:2379"),
            self.own("listen-peer-urls", "https://0.0.0.0:2380"),
            self.own("initial-cluster-state", "new"),
            self.own("logger", "zap"),
            self.own("quota-backend-bytes", "8589934592"),
            self.own("cert-file", format!("{signer}/etcd-serving/peer.crt")),
            self.own("key-file", format!("{signer}/etcd-serving/peer.key")),
            self.own("trusted-ca-file", format!("{signer}/ca.crt")),
            self.own("peer-cert-file", format!("{signer}/etcd-peer/peer.crt")),
            self.own("peer-key-file", format!("{signer}/etcd-peer/peer.key")),
            self.own("peer-trusted-ca-file", format!("{signer}/ca.crt")),
            ("tls-min-version", minimum.to_owned(), origin),
        ]
    }
}

/// Returns whether a file changed after `MicroShift` had written what it hands over.
fn changed_after_writing(file: &FileFacts, process: &ProcessFacts, own: bool) -> bool {
    let (Some(started), Some(changed)) = (process.started, file.last_change()) else {
        return false;
    };
    let after = changed.as_second().saturating_sub(started.at.as_second());
    after >= if own { WRITES } else { 0 }
}

/// Returns why a value of the configuration keeps `MicroShift` from starting.
fn refused(reason: String, path: Option<Bytes>) -> Unknown {
    Unknown {
        cause: Cause::WouldRefuse,
        reason,
        path,
    }
}
