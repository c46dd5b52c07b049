//! `MicroK8s`, k0s and Talos.

use super::{Platform, Sign};

/// `MicroK8s`: `microk8s-resources/default-args` and `microk8s-resources/wrappers` of canonical/microk8s.
pub(super) static MICROK8S: Platform = Platform {
    id: "microk8s",
    name: "MicroK8s",
    base: None,
    signs: &[
        Sign::Program("microk8s"),
        Sign::Mark("microk8s.io/cluster", "true"),
        Sign::File("/var/snap/microk8s/current"),
        Sign::File("/snap/microk8s/current"),
    ],
    paths: &[
        (
            "apiserver-manifest",
            &["/var/snap/microk8s/current/args/kube-apiserver"],
        ),
        (
            "controller-manager-manifest",
            &["/var/snap/microk8s/current/args/kube-controller-manager"],
        ),
        (
            "scheduler-manifest",
            &["/var/snap/microk8s/current/args/kube-scheduler"],
        ),
        (
            "etcd-manifest",
            &[
                "/var/snap/microk8s/current/args/k8s-dqlite",
                "/var/snap/microk8s/current/args/etcd",
            ],
        ),
        (
            "cni-config",
            &["/var/snap/microk8s/current/args/cni-network/*"],
        ),
        (
            "etcd-data",
            &["/var/snap/microk8s/current/var/kubernetes/backend"],
        ),
        (
            "admin-kubeconfig",
            &["/var/snap/microk8s/current/credentials/client.config"],
        ),
        (
            "scheduler-kubeconfig",
            &["/var/snap/microk8s/current/credentials/scheduler.config"],
        ),
        (
            "controller-manager-kubeconfig",
            &["/var/snap/microk8s/current/credentials/controller.config"],
        ),
        ("pki", &["/var/snap/microk8s/current/certs"]),
        (
            "kubelet-service",
            &["/etc/systemd/system/snap.microk8s.daemon-kubelite.service"],
        ),
        (
            "kube-proxy-kubeconfig",
            &["/var/snap/microk8s/current/credentials/proxy.config"],
        ),
        (
            "kubelet-kubeconfig",
            &["/var/snap/microk8s/current/credentials/kubelet.config"],
        ),
        (
            "kubelet-client-ca",
            &["/var/snap/microk8s/current/certs/ca.crt"],
        ),
        (
            "kubelet-config",
            &["/var/snap/microk8s/current/args/kubelet"],
        ),
    ],
    absent: &[(
        "etcd",
        "MicroK8s keeps its state in dqlite, which answers on a local socket; no etcd runs",
    )],
    provider: None,
    judged: "what runs inside kubelite (kubelet, API server, controller manager, scheduler, kube-proxy), and its files",
};

/// k0s: `pkg/config/cfgvars.go` and `pkg/component` of k0sproject/k0s.
pub(super) static K0S: Platform = Platform {
    id: "k0s",
    name: "k0s",
    base: None,
    signs: &[
        Sign::Program("k0s"),
        Sign::Executable("/var/lib/k0s/bin"),
        Sign::Argument("config", "/run/k0s/kubelet/config.yaml"),
        Sign::Version("+k0s"),
        Sign::Mark("node.k0sproject.io/", "*"),
        Sign::File("/etc/k0s"),
        Sign::File("/var/lib/k0s"),
    ],
    paths: &[
        ("etcd-data", &["/var/lib/k0s/etcd"]),
        ("admin-kubeconfig", &["/var/lib/k0s/pki/admin.conf"]),
        ("scheduler-kubeconfig", &["/var/lib/k0s/pki/scheduler.conf"]),
        (
            "controller-manager-kubeconfig",
            &["/var/lib/k0s/pki/ccm.conf"],
        ),
        ("pki", &["/var/lib/k0s/pki"]),
        ("kubelet-kubeconfig", &["/var/lib/k0s/kubelet.conf"]),
        ("kubelet-client-ca", &["/run/k0s/kubelet/ca.crt"]),
        ("kubelet-config", &["/run/k0s/kubelet/config.yaml"]),
    ],
    absent: &[
        (
            "apiserver-manifest",
            "k0s starts the API server as a process of its own; there is no manifest",
        ),
        (
            "controller-manager-manifest",
            "k0s starts the controller manager as a process of its own; there is no manifest",
        ),
        (
            "scheduler-manifest",
            "k0s starts the scheduler as a process of its own; there is no manifest",
        ),
        (
            "etcd-manifest",
            "k0s starts etcd as a process of its own; there is no manifest",
        ),
        (
            "kubelet-service",
            "k0s starts the kubelet itself; no service of its own starts one",
        ),
        (
            "kube-proxy-kubeconfig",
            "k0s runs kube-proxy in a pod that takes its kubeconfig from a ConfigMap; there is no such file on the node",
        ),
        (
            "kubelet-hostname-override",
            "k0s itself gives its kubelet the node's name, always",
        ),
    ],
    provider: None,
    judged: "kubelet, control plane, etcd, kube-proxy and their files",
};

/// Talos Linux: `internal/app/machined/pkg/controllers/k8s` and `pkg/machinery/constants` of siderolabs/talos.
pub(super) static TALOS: Platform = Platform {
    id: "talos",
    name: "Talos Linux",
    base: None,
    signs: &[
        Sign::System("talos"),
        Sign::Argument("kubeconfig", "/etc/kubernetes/kubeconfig-kubelet"),
        Sign::Named("Talos"),
    ],
    paths: &[
        ("etcd-data", &["/var/lib/etcd"]),
        (
            "scheduler-kubeconfig",
            &["/system/secrets/kubernetes/kube-scheduler/kubeconfig"],
        ),
        (
            "controller-manager-kubeconfig",
            &["/system/secrets/kubernetes/kube-controller-manager/kubeconfig"],
        ),
        ("pki", &["/system/secrets"]),
        (
            "kubelet-kubeconfig",
            &["/etc/kubernetes/kubeconfig-kubelet"],
        ),
        ("kubelet-client-ca", &["/etc/kubernetes/pki/ca.crt"]),
        ("kubelet-config", &["/etc/kubernetes/kubelet.yaml"]),
    ],
    absent: &[
        (
            "apiserver-manifest",
            "Talos hands static pods to the kubelet over HTTP; there is no manifest on disk",
        ),
        (
            "controller-manager-manifest",
            "Talos hands static pods to the kubelet over HTTP; there is no manifest on disk",
        ),
        (
            "scheduler-manifest",
            "Talos hands static pods to the kubelet over HTTP; there is no manifest on disk",
        ),
        (
            "etcd-manifest",
            "Talos runs etcd as a service of its own; there is no manifest",
        ),
        (
            "admin-kubeconfig",
            "Talos gives administrators their kubeconfig over its API; there is none on the node",
        ),
        (
            "kubelet-service",
            "Talos has no systemd; machined starts the kubelet",
        ),
        (
            "kube-proxy-kubeconfig",
            "Talos runs kube-proxy in a pod that takes its kubeconfig from a ConfigMap; there is no such file on the node",
        ),
        (
            "kubelet-hostname-override",
            "Talos itself gives its kubelet the node's name, always",
        ),
    ],
    provider: None,
    judged: "kubelet, control plane, etcd, kube-proxy and their files",
};
