//! A node for each manager: who is taken for its owner, and what is to be pasted there.

mod property;

use jiff::Timestamp;
use kubeassay_config::kubelet::{Documents, When, resolve};
use kubeassay_config::tables::Minor;
use kubeassay_core::facts::{
    Entry, Facts, FileFacts, FileKind, Link, Need, NeedKind, Package, ProcessFacts, ServiceFacts,
    Source, Tool,
};
use kubeassay_core::rule::{Catalogue, Rule};
use kubeassay_core::{Bytes, Cause, Value};
use kubeassay_engine::BUNDLED_RULES;

use super::wanted::Wanted;
use super::{Management, of};

const CONFIG: &str = "/var/lib/kubelet/config.yaml";
const DOCUMENT: &str = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\nauthorization:\n  mode: AlwaysAllow\n";
const KUBEADM_DROPIN: &str = "/usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf";
/// As the packages of Kubernetes bring it, its comments too.
const KUBEADM_TEXT: &str = "# Note: This dropin only works with kubeadm and kubelet v1.11+\n[Service]\nEnvironment=\"KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml\"\n# This is a file that \"kubeadm init\" and \"kubeadm join\" generates at runtime\nEnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env\nEnvironmentFile=-/etc/default/kubelet\nExecStart=\nExecStart=/usr/bin/kubelet $KUBELET_CONFIG_ARGS $KUBELET_KUBEADM_ARGS $KUBELET_EXTRA_ARGS\n";

/// A node with one kubelet, as small as a case needs it.
#[derive(Clone, Default)]
pub(super) struct Node {
    os: &'static str,
    unit: &'static str,
    exe: &'static str,
    argv: &'static [&'static str],
    files: Vec<(&'static str, String)>,
    links: Vec<(&'static str, &'static str)>,
    version: &'static str,
    in_pod: bool,
}

impl Node {
    fn facts(&self) -> Facts {
        let unit = if self.unit.is_empty() {
            "kubelet.service"
        } else {
            self.unit
        };
        let mut service = ServiceFacts::new(Bytes::from(unit));
        service.started = vec![7];
        service.files = self
            .files
            .iter()
            .map(|(path, text)| self.file(path, text))
            .collect();
        let argv = self
            .argv
            .iter()
            .map(|argument| Bytes::from(*argument))
            .collect();
        let mut process = ProcessFacts::new(7, argv);
        process.exe = Some(Bytes::from(if self.exe.is_empty() {
            "/usr/bin/kubelet"
        } else {
            self.exe
        }));
        process.uid = Some(if self.in_pod { 100_000 } else { 0 });
        let tool = Tool {
            name: "kubeassay".to_owned(),
            version: String::new(),
            commit: None,
        };
        let mut facts = Facts::new(tool, Source::Captured, Timestamp::UNIX_EPOCH);
        facts.node.platform.id = Some(
            if self.os.is_empty() {
                "debian"
            } else {
                self.os
            }
            .to_owned(),
        );
        if !self.version.is_empty() {
            facts.node.packages.push(Package {
                name: "kubelet".to_owned(),
                version: self.version.to_owned(),
                upstream: self.version.to_owned(),
                path: Bytes::from("/var/lib/dpkg/status"),
                line: 1,
            });
        }
        facts.processes.push(process);
        facts.services.push(service);
        facts
    }

    fn file(&self, path: &str, text: &str) -> FileFacts {
        let need = Need {
            what: NeedKind::Content,
            path: Bytes::from(path),
        };
        let links = self.links.iter().filter(|(from, _)| *from == path);
        FileFacts {
            kind: Some(FileKind::Regular),
            content: Some(Bytes::from(text)),
            entries: None::<Vec<Entry>>,
            links: links
                .map(|(from, to)| Link {
                    path: Bytes::from(*from),
                    target: Bytes::from(*to),
                    modified: None,
                    changed: None,
                })
                .collect(),
            problem: None,
            ..FileFacts::unread(need, Cause::Missing, "")
        }
    }

    pub(super) fn ask(&self, path: &str, settings: &[(&str, &Value)]) -> Management {
        let facts = self.facts();
        of(&facts, &facts.services[0], &Bytes::from(path), settings)
    }
}

/// Nodes with the file that is asked for; a name each.
#[expect(clippy::too_many_lines, reason = "one table")]
pub(super) fn nodes() -> Vec<(&'static str, Node, &'static str)> {
    let config = |path: &'static str| vec![(path, DOCUMENT.to_owned())];
    let kubeadm = Node {
        files: vec![
            (KUBEADM_DROPIN, KUBEADM_TEXT.to_owned()),
            (CONFIG, DOCUMENT.to_owned()),
        ],
        version: "1.34.2",
        ..Node::default()
    };
    let unit = |unit| Node {
        unit,
        ..Node::default()
    };
    let os = |os| Node {
        os,
        ..Node::default()
    };
    let eks = Node {
        os: "amzn",
        argv: &[
            "/usr/bin/kubelet",
            "--config=/etc/kubernetes/kubelet/config.json",
            "--node-labels=eks.amazonaws.com/nodegroup=one,a=b",
        ],
        ..Node::default()
    };
    let marked = |comment: &str| Node {
        files: vec![(CONFIG, format!("# {comment}\n{DOCUMENT}"))],
        ..Node::default()
    };
    vec![
        ("kubeadm-config", kubeadm.clone(), CONFIG),
        (
            "kubeadm-1.23",
            Node { version: "1.23.17", ..kubeadm.clone() },
            CONFIG,
        ),
        ("kubeadm-flags", kubeadm.clone(), "/var/lib/kubelet/kubeadm-flags.env"),
        (
            "kubeadm-flags-1.30",
            Node { version: "1.30.4", ..kubeadm.clone() },
            "/var/lib/kubelet/kubeadm-flags.env",
        ),
        ("kubeadm-drop-in", kubeadm.clone(), "/etc/systemd/system/kubelet.service.d/10-kubeadm.conf"),
        (
            "kubeadm-by-argument",
            Node {
                argv: &["/usr/bin/kubelet", "--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf"],
                files: config(CONFIG),
                ..Node::default()
            },
            CONFIG,
        ),
        ("kubeadm-marked", {
            let mut node = kubeadm.clone();
            node.files[1].1 = format!("# Ansible managed\n{DOCUMENT}");
            node
        }, CONFIG),
        ("k3s-unit", unit("k3s.service"), CONFIG),
        ("k3s-own-drop-in", unit("k3s-agent.service"), "/var/lib/rancher/k3s/agent/etc/kubelet.conf.d/00-k3s-defaults.conf"),
        ("rke2", unit("rke2-server.service"), "/var/lib/rancher/rke2/agent/etc/kubelet.conf.d/00-rke2-defaults.conf"),
        ("microk8s", unit("snap.microk8s.daemon-kubelite.service"), "/var/snap/microk8s/current/args/kubelet"),
        ("k0s", unit("k0sworker.service"), "/run/k0s/kubelet/config.yaml"),
        (
            "kind",
            Node {
                files: vec![
                    (CONFIG, DOCUMENT.to_owned()),
                    ("/etc/systemd/system/kubelet.service.d/10-kubeadm.conf", KUBEADM_TEXT.to_owned()),
                    ("/etc/systemd/system/kubelet.service.d/11-kind.conf", "[Service]\nExecStartPre=/kind/bin/create-kubelet-cgroup-v2.sh\n".to_owned()),
                ],
                ..Node::default()
            },
            CONFIG,
        ),
        (
            "minikube",
            Node {
                exe: "/var/lib/minikube/binaries/v1.34.0/kubelet",
                files: config(CONFIG),
                ..Node::default()
            },
            CONFIG,
        ),
        (
            "kops",
            Node {
                files: vec![(
                    "/etc/sysconfig/kubelet",
                    "DAEMON_ARGS=\"--config=/var/lib/kubelet/kubelet.conf --v=2\"\n".to_owned(),
                )],
                ..Node::default()
            },
            "/var/lib/kubelet/kubelet.conf",
        ),
        ("none-kops-path-alone", Node { files: config("/var/lib/kubelet/kubelet.conf"), ..Node::default() }, "/var/lib/kubelet/kubelet.conf"),
        (
            "none-what-a-fix-wrote",
            Node {
                files: vec![(
                    "/etc/systemd/system/kubelet.service.d/90-kubeassay.conf",
                    "# Written by kubeassay in the place of a file that belongs to a package.\n# `kubeassay transactions` lists what it changed, `kubeassay rollback` undoes it.\n[Service]\n".to_owned(),
                )],
                ..Node::default()
            },
            "/etc/systemd/system/kubelet.service.d/90-kubeassay.conf",
        ),
        ("eks-nodeadm", eks.clone(), "/etc/kubernetes/kubelet/config.json"),
        ("eks-nodeadm-drop-in", eks.clone(), "/etc/kubernetes/kubelet/config.json.d/40-nodeadm.conf"),
        ("eks-environment", os("amzn"), "/etc/eks/kubelet/environment"),
        ("eks-unit", eks.clone(), "/etc/systemd/system/kubelet.service"),
        (
            "eks-al2",
            Node {
                os: "amzn",
                argv: &["/usr/bin/kubelet", "--config", "/etc/kubernetes/kubelet/kubelet-config.json"],
                ..Node::default()
            },
            "/etc/kubernetes/kubelet/kubelet-config.json",
        ),
        ("bottlerocket", os("bottlerocket"), "/etc/kubernetes/kubelet/config"),
        (
            "gke",
            Node {
                os: "cos",
                files: vec![("/etc/default/kubelet", "KUBELET_OPTS=\"--node-labels=cloud.google.com/gke-nodepool=pool-1,x=y --config /home/kubernetes/kubelet-config.yaml\"\n".to_owned())],
                ..Node::default()
            },
            "/home/kubernetes/kubelet-config.yaml",
        ),
        (
            "aks",
            Node {
                os: "azurelinux",
                argv: &["/opt/bin/kubelet", "--node-labels=agentpool=one,kubernetes.azure.com/cluster=MC_rg_c_westeurope"],
                ..Node::default()
            },
            "/etc/default/kubelet",
        ),
        ("openshift", os("rhcos"), "/etc/kubernetes/kubelet.conf"),
        (
            "openshift-rhel-master",
            Node {
                os: "rhel",
                argv: &["/usr/bin/kubelet", "--config=/etc/kubernetes/kubelet.conf", "--config-dir=/etc/openshift/kubelet.conf.d", "--node-labels=node-role.kubernetes.io/control-plane,node-role.kubernetes.io/master"],
                ..Node::default()
            },
            "/etc/kubernetes/kubelet.conf",
        ),
        ("microshift", unit("microshift.service"), "/var/lib/microshift/resources/kubelet/config/config.yaml"),
        ("talos", os("talos"), "/etc/kubernetes/kubelet.yaml"),
        ("flatcar", Node { os: "flatcar", files: config("/etc/kubernetes/kubelet.yaml"), ..Node::default() }, "/etc/kubernetes/kubelet.yaml"),
        ("marker-ansible", marked("{{ ansible_managed }}: Ansible managed"), CONFIG),
        ("marker-generator", marked("Code generated. DO NOT EDIT."), CONFIG),
        (
            "marker-environment",
            Node {
                files: vec![("/etc/default/kubelet", "\n# This file is managed by Puppet\u{1b}[31m\nKUBELET_EXTRA_ARGS=\n".to_owned())],
                ..Node::default()
            },
            "/etc/default/kubelet",
        ),
        (
            "nix",
            Node {
                files: config("/etc/kubernetes/kubelet.yaml"),
                links: vec![("/etc/kubernetes/kubelet.yaml", "/nix/store/0000-kubelet.yaml")],
                ..Node::default()
            },
            "/etc/kubernetes/kubelet.yaml",
        ),
        ("run", Node::default(), "/run/kubelet/config.yaml"),
        ("usr", Node::default(), "/usr/lib/systemd/system/kubelet.service"),
        // Nobody's, or the administrator's.
        ("none-config", Node { files: config(CONFIG), ..Node::default() }, CONFIG),
        ("none-extra-args", kubeadm.clone(), "/etc/default/kubelet"),
        ("none-sysconfig", kubeadm.clone(), "/etc/sysconfig/kubelet"),
        ("none-new-drop-in", kubeadm, "/etc/systemd/system/kubelet.service.d/90-kubeassay.conf"),
        ("none-k3s-own", unit("k3s.service"), "/var/lib/rancher/k3s/agent/etc/kubelet.conf.d/90-site.conf"),
        ("none-local", Node::default(), "/usr/local/etc/kubelet.yaml"),
        (
            "none-marker-far-down",
            Node {
                files: vec![(CONFIG, format!("{DOCUMENT}{}# DO NOT EDIT\n", "a: b\n".repeat(20)))],
                ..Node::default()
            },
            CONFIG,
        ),
        (
            "none-marker-no-comment",
            Node {
                files: vec![(CONFIG, format!("{DOCUMENT}note: generated by hand\n"))],
                ..Node::default()
            },
            CONFIG,
        ),
        (
            "none-label-of-a-pod",
            Node {
                argv: &["/usr/bin/kubelet", "--node-labels=kubernetes.azure.com/cluster=x,cloud.google.com/gke-nodepool=x"],
                files: config(CONFIG),
                in_pod: true,
                ..Node::default()
            },
            CONFIG,
        ),
        (
            "none-azure-by-hand",
            Node {
                argv: &["/usr/bin/kubelet", "--cloud-config=/etc/kubernetes/azure.json"],
                ..Node::default()
            },
            CONFIG,
        ),
    ]
}

/// Who has to be found; nobody for those whose name starts with `none`.
const OWNERS: &[(&str, &str, bool)] = &[
    ("kubeadm-marked", "Ansible", true),
    ("kubeadm", "kubeadm", false),
    ("k3s", "k3s", true),
    ("rke2", "rke2", true),
    ("microk8s", "microk8s", true),
    ("k0s", "k0s", true),
    ("kind", "kind", false),
    ("minikube", "minikube", false),
    ("eks-unit", "EKS", false),
    ("eks-al2", "EKS", false),
    ("eks", "EKS", true),
    ("bottlerocket", "Bottlerocket", true),
    ("kops", "kOps", true),
    ("gke", "GKE", true),
    ("aks", "AKS", true),
    ("openshift", "OpenShift", true),
    ("microshift", "MicroShift", true),
    ("talos", "Talos", true),
    ("flatcar", "Ignition", false),
    ("marker-ansible", "Ansible", true),
    ("marker-generator", "its generator", true),
    ("marker-environment", "Puppet", true),
    ("nix", "Nix", true),
    ("run", "whoever writes it at boot", true),
    ("usr", "the package or image that brings it", true),
];

#[test]
fn the_owner_of_each_file_is_found() {
    for (name, node, path) in nodes() {
        let found = node.ask(path, &[("authorization.mode", &Value::string("Webhook"))]);
        let owner = OWNERS.iter().find(|(start, ..)| name.starts_with(start));
        let seen = match &found {
            Management::None => None,
            Management::Also { manager, .. } => Some((*manager, false)),
            Management::Instead { manager, .. } => Some((*manager, true)),
        };
        let wanted = owner.map(|(_, manager, instead)| (*manager, *instead));
        assert_eq!(seen, wanted, "{name}: {found:?}");
        assert_eq!(wanted.is_none(), name.starts_with("none"), "{name}");
    }
}

#[test]
fn what_is_to_be_pasted_is_this() {
    let suites = Value::List(vec![
        Value::string("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"),
        Value::string("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),
    ]);
    let settings = [
        ("authorization.mode", &Value::string("Webhook")),
        ("tlsCipherSuites", &suites),
    ];
    for (name, node, path) in nodes() {
        let shown = match node.ask(path, &settings) {
            Management::None => continue,
            Management::Also {
                manager,
                reason,
                paste,
            } => {
                format!(
                    "{path}: also {manager}\n\n{reason}\n\ninto {}\n\n{}",
                    paste.into, paste.text
                )
            }
            Management::Instead {
                manager,
                reason,
                paste,
            } => {
                format!(
                    "{path}: instead {manager}\n\n{reason}\n\ninto {}\n\n{}",
                    paste.into, paste.text
                )
            }
        };
        insta::assert_snapshot!(name, shown);
    }
}

#[test]
fn other_names_and_settings_without_a_way_are_told() {
    let settings = [
        ("podPidsLimit", &Value::Int(4096)),
        ("readOnlyPort", &Value::Int(0)),
        ("seccompDefault", &Value::Bool(true)),
        ("eventRecordQPS", &Value::Int(50)),
        (
            "featureGates.RotateKubeletServerCertificate",
            &Value::Bool(true),
        ),
        (
            "streamingConnectionIdleTimeout",
            &Value::Duration(14_400_000_000_000),
        ),
    ];
    let mut shown = String::new();
    let told = [
        "kubeadm-flags",
        "k3s-unit",
        "microk8s",
        "minikube",
        "bottlerocket",
        "kops",
        "gke",
        "aks",
        "openshift",
        "talos",
        "marker-environment",
    ];
    for (name, node, path) in nodes().into_iter().filter(|(name, ..)| told.contains(name)) {
        let (Management::Also { paste, .. } | Management::Instead { paste, .. }) =
            node.ask(path, &settings)
        else {
            panic!("{name}");
        };
        shown.extend(["== ", name, "\n", &paste.text, "\n"]);
    }
    insta::assert_snapshot!("others", shown);
}

#[test]
fn settings_are_nested_as_a_kubelet_reads_them() {
    let catalogue = Catalogue::prepared(&BUNDLED_RULES);
    let mut settings: Vec<(String, Value)> = catalogue
        .rules()
        .filter_map(Rule::fix)
        .flat_map(|fix| fix.set.clone())
        .collect();
    assert!(settings.len() > 10);
    settings.push((
        "evictionHard.memory.available".to_owned(),
        Value::string("100Mi"),
    ));
    settings.push((
        "authentication.x509.clientCAFile".to_owned(),
        Value::string("/etc/ca.crt"),
    ));
    let wanted: Vec<(&str, &Value)> = settings
        .iter()
        .map(|(path, value)| (path.as_str(), value))
        .collect();
    let path = "/etc/kubernetes/kubelet.yaml";
    let node = Node::default();
    let text = Wanted(&wanted).document();
    let argv = ["/usr/bin/kubelet", "--config=/etc/kubernetes/kubelet.yaml"];
    let mut process = ProcessFacts::new(7, argv.map(Bytes::from).to_vec());
    process.files = vec![node.file(path, &text)];
    let documents = Documents::new(&process);
    let resolution = resolve(&documents, Minor(34), When::Now);
    for (path, value) in wanted {
        let setting = resolution.setting(path).unwrap();
        let found = setting.value().unwrap();
        assert_eq!(found.to_string(), value.to_string(), "{path}\n{text}");
    }
}

#[test]
fn a_relative_link_and_one_to_a_folder_count_by_where_they_lead() {
    let path = "/etc/default/kubelet";
    for (from, to) in [
        (path, "../../run/kubelet.env"),
        (path, "../../usr/share/kubelet.env"),
        ("/etc/default", "../run/default"),
        ("/etc/default", "/run"),
    ] {
        let mut facts = Node {
            files: vec![(path, "KUBELET_EXTRA_ARGS=\n".to_owned())],
            ..Node::default()
        }
        .facts();
        for file in &mut facts.services[0].files {
            file.links = vec![Link {
                path: Bytes::from(from),
                target: Bytes::from(to),
                modified: None,
                changed: None,
            }];
        }
        let found = of(&facts, &facts.services[0], &Bytes::from(path), &[]);
        assert!(matches!(found, Management::Instead { .. }), "{from} {to}");
    }
}
