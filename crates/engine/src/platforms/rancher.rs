//! k3s and RKE2.

use super::{Platform, Sign};

/// What both say of a kubelet's service and name.
const NO_SERVICE_OF_K3S: &str =
    "k3s runs the kubelet inside its own process; no service of its own starts one";

/// k3s: `pkg/daemons` and `pkg/agent/config` of k3s-io/k3s, and docs.k3s.io.
pub(super) static K3S: Platform = Platform {
    id: "k3s",
    name: "k3s",
    base: None,
    signs: &[
        Sign::Program("k3s"),
        Sign::Version("+k3s"),
        Sign::Provider("k3s"),
        Sign::Mark("node.kubernetes.io/instance-type", "k3s"),
        Sign::File("/etc/rancher/k3s"),
        Sign::File("/var/lib/rancher/k3s"),
    ],
    paths: &[
        (
            "cni-config",
            &["/var/lib/rancher/k3s/agent/etc/cni/net.d/*"],
        ),
        ("etcd-data", &["/var/lib/rancher/k3s/server/db/etcd"]),
        (
            "admin-kubeconfig",
            &[
                "/var/lib/rancher/k3s/server/cred/admin.kubeconfig",
                "/etc/rancher/k3s/k3s.yaml",
            ],
        ),
        (
            "scheduler-kubeconfig",
            &["/var/lib/rancher/k3s/server/cred/scheduler.kubeconfig"],
        ),
        (
            "controller-manager-kubeconfig",
            &["/var/lib/rancher/k3s/server/cred/controller.kubeconfig"],
        ),
        ("pki", &["/var/lib/rancher/k3s/server/tls"]),
        (
            "kube-proxy-kubeconfig",
            &["/var/lib/rancher/k3s/agent/kubeproxy.kubeconfig"],
        ),
        (
            "kubelet-kubeconfig",
            &["/var/lib/rancher/k3s/agent/kubelet.kubeconfig"],
        ),
        (
            "kubelet-client-ca",
            &["/var/lib/rancher/k3s/agent/client-ca.crt"],
        ),
        (
            "kubelet-config",
            &["/var/lib/rancher/k3s/agent/etc/kubelet.conf.d/*"],
        ),
    ],
    absent: &[
        (
            "apiserver-manifest",
            "k3s runs the API server inside its own process; there is no manifest",
        ),
        (
            "controller-manager-manifest",
            "k3s runs the controller manager inside its own process; there is no manifest",
        ),
        (
            "scheduler-manifest",
            "k3s runs the scheduler inside its own process; there is no manifest",
        ),
        (
            "etcd-manifest",
            "k3s runs etcd, where it does, inside its own process; there is no manifest",
        ),
        (
            "etcd",
            "this k3s runs no etcd: its state is in SQLite, or in a datastore elsewhere",
        ),
        (
            "etcd-data",
            "this k3s runs no etcd: its state is in SQLite, or in a datastore elsewhere",
        ),
        ("kubelet-service", NO_SERVICE_OF_K3S),
        (
            "kubelet-hostname-override",
            "k3s itself gives its kubelet the node's name, always",
        ),
    ],
    provider: None,
    judged: "what runs inside k3s (kubelet, API server, controller manager, scheduler, kube-proxy), and its files",
};

/// RKE2: `pkg/executor/staticpod` of rancher/rke2, and docs.rke2.io.
pub(super) static RKE2: Platform = Platform {
    id: "rke2",
    name: "RKE2",
    base: None,
    signs: &[
        Sign::Program("rke2"),
        Sign::Executable("/var/lib/rancher/rke2/data"),
        Sign::Argument("config-dir", "*/rke2/agent/etc/kubelet.conf.d"),
        Sign::Argument("kubeconfig", "*/rke2/agent/kubelet.kubeconfig"),
        Sign::Version("+rke2r"),
        Sign::Provider("rke2"),
        Sign::Mark("node.kubernetes.io/instance-type", "rke2"),
        Sign::File("/etc/rancher/rke2"),
        Sign::File("/var/lib/rancher/rke2"),
    ],
    paths: &[
        (
            "apiserver-manifest",
            &["/var/lib/rancher/rke2/agent/pod-manifests/kube-apiserver.yaml"],
        ),
        (
            "controller-manager-manifest",
            &["/var/lib/rancher/rke2/agent/pod-manifests/kube-controller-manager.yaml"],
        ),
        (
            "scheduler-manifest",
            &["/var/lib/rancher/rke2/agent/pod-manifests/kube-scheduler.yaml"],
        ),
        (
            "etcd-manifest",
            &["/var/lib/rancher/rke2/agent/pod-manifests/etcd.yaml"],
        ),
        ("etcd-data", &["/var/lib/rancher/rke2/server/db/etcd"]),
        (
            "admin-kubeconfig",
            &[
                "/var/lib/rancher/rke2/server/cred/admin.kubeconfig",
                "/etc/rancher/rke2/rke2.yaml",
            ],
        ),
        (
            "scheduler-kubeconfig",
            &["/var/lib/rancher/rke2/server/cred/scheduler.kubeconfig"],
        ),
        (
            "controller-manager-kubeconfig",
            &["/var/lib/rancher/rke2/server/cred/controller.kubeconfig"],
        ),
        ("pki", &["/var/lib/rancher/rke2/server/tls"]),
        (
            "kube-proxy-kubeconfig",
            &["/var/lib/rancher/rke2/agent/kubeproxy.kubeconfig"],
        ),
        (
            "kubelet-kubeconfig",
            &["/var/lib/rancher/rke2/agent/kubelet.kubeconfig"],
        ),
        (
            "kubelet-client-ca",
            &["/var/lib/rancher/rke2/agent/client-ca.crt"],
        ),
        (
            "kubelet-config",
            &["/var/lib/rancher/rke2/agent/etc/kubelet.conf.d/*"],
        ),
    ],
    absent: &[
        (
            "kubelet-service",
            "RKE2 starts the kubelet itself; no service of its own starts one",
        ),
        (
            "kubelet-hostname-override",
            "RKE2 itself gives its kubelet the node's name, always",
        ),
    ],
    provider: None,
    judged: "kubelet, control plane, etcd, kube-proxy and their files",
};
