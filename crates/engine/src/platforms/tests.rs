use std::collections::BTreeSet;

use jiff::Timestamp;
use kubeassay_core::facts::{
    Distribution, Facts, FileFacts, NodeObject, ProcessFacts, Source, Tool,
};
use kubeassay_core::{Bytes, Cause, Component};

use super::{PLATFORMS, ROLES, component_of, detect, needs};

/// What a test says of a node.
#[derive(Default)]
struct Case {
    argv: &'static [&'static str],
    exe: &'static str,
    programs: &'static [&'static str],
    system: &'static str,
    version: &'static str,
    files: &'static [&'static str],
}

fn facts(case: &Case) -> Facts {
    let tool = Tool {
        name: "kubeassay".to_owned(),
        version: "0".to_owned(),
        commit: None,
    };
    let mut facts = Facts::new(tool, Source::Captured, Timestamp::UNIX_EPOCH);
    if !case.argv.is_empty() {
        let argv = case.argv.iter().map(|one| Bytes::from(*one)).collect();
        let mut process = ProcessFacts::new(1, argv);
        process.exe = (!case.exe.is_empty()).then(|| case.exe.into());
        facts.processes.push(process);
    }
    for id in case.programs {
        facts.node.distributions.push(Distribution {
            id: (*id).to_owned(),
            evidence: vec![format!("process 9 ({id})").into()],
            running: true,
        });
    }
    facts.node.platform.id = (!case.system.is_empty()).then(|| case.system.to_owned());
    facts.node.object = (!case.version.is_empty()).then(|| NodeObject {
        kubelet_version: Some(case.version.to_owned()),
        ..NodeObject::default()
    });
    for need in needs(&facts) {
        let there = case.files.iter().any(|path| need.path == *path);
        facts.files.push(if there {
            FileFacts::new(need)
        } else {
            FileFacts::unread(need, Cause::Missing, "not there")
        });
    }
    assert_eq!(needs(&facts), [], "nothing new is named");
    facts
}

const KUBEADM: &[&str] = &[
    "/usr/bin/kubelet",
    "--kubeconfig=/etc/kubernetes/kubelet.conf",
    "--config=/var/lib/kubelet/config.yaml",
];

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn what_runs_tells_the_platform() {
    let of = |argv| Case {
        argv,
        ..Case::default()
    };
    let program = |programs| Case {
        programs,
        ..Case::default()
    };
    let version = |version| Case {
        version,
        ..Case::default()
    };
    for (case, wanted) in [
        (of(KUBEADM), "kubeadm"),
        (
            of(&[
                "kubelet",
                "--kubeconfig",
                "/etc/kubernetes/kubelet.conf",
                "--provider-id=kind://docker/kind/kind-worker",
            ]),
            "kind",
        ),
        (
            Case {
                exe: "/var/lib/minikube/binaries/v1.34.0/kubelet",
                ..of(KUBEADM)
            },
            "minikube",
        ),
        (program(&["k3s"]), "k3s"),
        (version("v1.34.1+k3s1"), "k3s"),
        (
            Case {
                exe: "/var/lib/rancher/rke2/data/v1.34.1-rke2r1-abc/bin/kubelet",
                programs: &["rke2"],
                ..of(&[
                    "kubelet",
                    "--config-dir=/data/rke2/agent/etc/kubelet.conf.d",
                ])
            },
            "rke2",
        ),
        (version("v1.34.1+rke2r1"), "rke2"),
        (program(&["microk8s"]), "microk8s"),
        (
            of(&["kubelet", "--config=/run/k0s/kubelet/config.yaml"]),
            "k0s",
        ),
        (
            of(&["kubelet", "--config=/etc/kubernetes/kubelet/config.json"]),
            "eks",
        ),
        (
            of(&[
                "kubelet",
                "--config",
                "/etc/kubernetes/kubelet/kubelet-config.json",
            ]),
            "eks",
        ),
        (version("v1.34.1-eks-1a2b3c4"), "eks"),
        (
            Case {
                system: "bottlerocket",
                version: "v1.34.1-eks-1a2b3c4",
                ..of(&["kubelet", "--config", "/etc/kubernetes/kubelet/config"])
            },
            "bottlerocket",
        ),
        (
            of(&["kubelet", "--config=/home/kubernetes/kubelet-config.yaml"]),
            "gke",
        ),
        (version("v1.34.1-gke.1234"), "gke"),
        (
            of(&[
                "kubelet",
                "--node_labels=a=b,kubernetes.azure.com/cluster=x",
            ]),
            "aks",
        ),
        (
            of(&["kubelet", "--config=/etc/kubernetes/kubelet.conf"]),
            "openshift",
        ),
        (program(&["microshift"]), "microshift"),
        (
            Case {
                system: "talos",
                ..of(&["kubelet", "--config=/etc/kubernetes/kubelet.yaml"])
            },
            "talos",
        ),
    ] {
        let detected = detect(&facts(&case));
        assert_eq!(
            detected.platform.map(|one| one.id),
            Some(wanted),
            "{detected:?}"
        );
        assert!(
            !detected.evidence.is_empty() && detected.problem().is_none(),
            "{wanted}"
        );
    }
}

/// Of a node that was only asked over the network there is its object, and nothing else.
#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn the_object_of_a_node_tells_its_platform() {
    type Said<'a> = (&'a str, &'a str, &'a str, &'a [(&'a str, &'a str)]);
    let eks: &[(&str, &str)] = &[("eks.amazonaws.com/nodegroup", "workers")];
    let cases: &[(Said<'_>, Option<&str>)] = &[
        (("v1.34.1-eks-1a2b3c4", "", "aws", &[]), Some("eks")),
        (("v1.34.1", "Amazon Linux 2023", "aws", eks), Some("eks")),
        (
            (
                "v1.34.1-eks-1",
                "Bottlerocket OS 1.26.1 (aws-k8s-1.34)",
                "aws",
                eks,
            ),
            Some("bottlerocket"),
        ),
        (("v1.34.1-gke.1", "", "gce", &[]), Some("gke")),
        (
            (
                "v1.34.1",
                "",
                "gce",
                &[("cloud.google.com/gke-nodepool", "a")],
            ),
            Some("gke"),
        ),
        (
            (
                "v1.34.1",
                "Ubuntu 24.04",
                "azure",
                &[("kubernetes.azure.com/cluster", "mc")],
            ),
            Some("aks"),
        ),
        (("v1.34.1+k3s1", "", "k3s", &[]), Some("k3s")),
        (("v1.34.1+rke2r1", "", "rke2", &[]), Some("rke2")),
        (("v1.34.1+k0s", "", "", &[]), Some("k0s")),
        (
            ("v1.34.1", "", "", &[("microk8s.io/cluster", "true")]),
            Some("microk8s"),
        ),
        (
            (
                "v1.34.1",
                "",
                "kind",
                &[("kubeadm.alpha.kubernetes.io/cri-socket", "unix:///x")],
            ),
            Some("kind"),
        ),
        (
            (
                "v1.34.1",
                "",
                "",
                &[
                    ("kubeadm.alpha.kubernetes.io/cri-socket", "unix:///x"),
                    ("minikube.k8s.io/version", "v1.37.0"),
                ],
            ),
            Some("minikube"),
        ),
        (
            (
                "v1.34.1",
                "",
                "",
                &[("kubeadm.alpha.kubernetes.io/cri-socket", "unix:///x")],
            ),
            Some("kubeadm"),
        ),
        (
            (
                "v1.33.5",
                "",
                "aws",
                &[("node.openshift.io/os_id", "rhcos")],
            ),
            Some("openshift"),
        ),
        (
            (
                "v1.36.2",
                "",
                "",
                &[
                    ("node.openshift.io/os_id", "rhel"),
                    ("node.kubernetes.io/instance-type", "rhde"),
                ],
            ),
            Some("microshift"),
        ),
        (("v1.34.1", "Talos (v1.11.0)", "", &[]), Some("talos")),
        // A machine of AWS, a system of Google's and a size of a machine are no platform.
        (
            ("v1.34.1", "Container-Optimized OS from Google", "aws", &[]),
            None,
        ),
        (
            (
                "v1.34.1",
                "",
                "",
                &[("node.kubernetes.io/instance-type", "m5.large")],
            ),
            None,
        ),
        (("v1.34.1+k3s1", "Talos (v1.11.0)", "", &[]), None),
    ];
    for ((version, system, provider, marks), wanted) in cases {
        let mut facts = facts(&Case::default());
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let marks = marks.iter();
        facts.node.object = Some(NodeObject {
            kubelet_version: text(version),
            os_image: text(system),
            provider: text(provider),
            marks: marks
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect(),
            ..NodeObject::default()
        });
        let detected = detect(&facts);
        assert_eq!(detected.platform.map(|one| one.id), *wanted, "{detected:?}");
        assert_eq!(
            !detected.evidence.is_empty(),
            wanted.is_some(),
            "{detected:?}"
        );
    }
}

#[test]
fn what_was_left_behind_does_not_take_the_place_of_what_runs() {
    let left = Case {
        argv: KUBEADM,
        files: &[
            "/etc/rancher/k3s",
            "/var/lib/rancher/k3s",
            "/var/lib/minikube",
        ],
        ..Case::default()
    };
    let detected = detect(&facts(&left));
    assert_eq!(detected.platform.map(|one| one.id), Some("kubeadm"));
    let also: Vec<&str> = detected.also.iter().map(|(one, _)| one.id).collect();
    assert_eq!(
        also,
        ["k3s"],
        "a variant of the platform is no contradiction"
    );
    let said = detected.distribution().unwrap();
    assert_eq!(
        said.also,
        ["k3s: /etc/rancher/k3s", "k3s: /var/lib/rancher/k3s"].map(Bytes::from)
    );
}

#[test]
fn the_image_of_a_node_tells_a_variant_only_where_its_base_runs() {
    let image = &["/kind/product_name"];
    let of = |argv| Case {
        argv,
        files: image,
        ..Case::default()
    };
    let told = |case: &Case| detect(&facts(case)).platform.map(|one| one.id);
    assert_eq!(told(&of(KUBEADM)), Some("kind"));
    assert_eq!(
        told(&of(&["kubelet", "--config=/run/k0s/kubelet/config.yaml"])),
        Some("k0s")
    );
}

#[test]
fn what_cannot_be_told_is_not_guessed() {
    let both = Case {
        argv: KUBEADM,
        programs: &["k3s"],
        ..Case::default()
    };
    let detected = detect(&facts(&both));
    assert!(detected.platform.is_none());
    let problem = detected.problem().unwrap();
    assert_eq!(problem.cause, Cause::Conflict);
    assert!(
        problem.reason.contains("kubeadm") && problem.reason.contains("k3s"),
        "{}",
        problem.reason
    );
    let plain = Case {
        argv: &["kubelet", "--v=2"],
        files: &["/etc/rancher/k3s"],
        ..Case::default()
    };
    let detected = detect(&facts(&plain));
    assert!(detected.platform.is_none() && detected.problem().is_none());
    assert!(detect(&facts(&Case::default())).platform.is_none());
}

#[test]
fn where_nothing_runs_files_tell() {
    let stopped = Case {
        files: &["/etc/rancher/k3s"],
        ..Case::default()
    };
    assert_eq!(
        detect(&facts(&stopped)).platform.map(|one| one.id),
        Some("k3s")
    );
}

#[test]
fn a_provider_answers_for_the_control_plane_and_for_nothing_else() {
    let eks = Case {
        system: "bottlerocket",
        version: "v1.34.1-eks-1",
        ..Case::default()
    };
    let own = Case {
        system: "bottlerocket",
        ..Case::default()
    };
    for (case, provided) in [(&eks, true), (&own, false)] {
        let detected = detect(&facts(case));
        assert_eq!(detected.platform.map(|one| one.id), Some("bottlerocket"));
        assert_eq!(detected.provider_side(Component::Etcd).is_some(), provided);
        assert!(detected.provider_side(Component::Kubelet).is_none());
    }
}

#[test]
fn the_table_is_whole() {
    let mut ids = BTreeSet::new();
    for platform in PLATFORMS {
        assert!(ids.insert(platform.id), "{}", platform.id);
        assert!(
            platform.base.is_none_or(|base| base.base.is_none()),
            "{}",
            platform.id
        );
        let roles = platform.paths.iter().map(|(role, _)| *role);
        let known = |what: &str| ROLES.contains(&what);
        assert!(roles.clone().all(known), "{}", platform.id);
        for (what, _) in platform.absent {
            let rule = what.starts_with("kubelet-hostname");
            assert!(
                known(what) || Component::parse(what).is_some() || rule,
                "{what}"
            );
        }
        for path in ROLES.iter().flat_map(|role| platform.paths(role)) {
            assert!(path.starts_with('/') && !path.ends_with('/'), "{path}");
        }
        // Every role is somewhere, lacking, the provider's, or of a component that has it in no fixed place.
        for role in ROLES {
            let control_plane = component_of(role).is_some_and(super::is_of_the_control_plane);
            let told = !platform.paths(role).is_empty()
                || platform.absent(role).is_some()
                || (control_plane && platform.provider.is_some());
            let untold = [
                ("bottlerocket", control_plane),
                ("gke", role == "kube-proxy-kubeconfig"),
                ("microshift", role == "kubelet-client-ca"),
            ];
            let excused = untold
                .iter()
                .any(|(id, which)| *id == platform.id && *which);
            assert!(told || excused, "{}: {role}", platform.id);
        }
    }
}
