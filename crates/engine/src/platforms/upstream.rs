//! kubeadm, and what is built on it.

use super::{Platform, Sign};

/// kubeadm: `cmd/kubeadm/app/constants/constants.go`, and `10-kubeadm.conf` of the packages.
pub(super) static KUBEADM: Platform = Platform {
    id: "kubeadm",
    name: "kubeadm",
    base: None,
    signs: &[
        Sign::Argument("kubeconfig", "/etc/kubernetes/kubelet.conf"),
        Sign::Argument(
            "bootstrap-kubeconfig",
            "/etc/kubernetes/bootstrap-kubelet.conf",
        ),
        Sign::Mark("kubeadm.alpha.kubernetes.io/cri-socket", "*"),
        Sign::File("/var/lib/kubelet/kubeadm-flags.env"),
    ],
    paths: &[
        (
            "apiserver-manifest",
            &["/etc/kubernetes/manifests/kube-apiserver.yaml"],
        ),
        (
            "controller-manager-manifest",
            &["/etc/kubernetes/manifests/kube-controller-manager.yaml"],
        ),
        (
            "scheduler-manifest",
            &["/etc/kubernetes/manifests/kube-scheduler.yaml"],
        ),
        ("etcd-manifest", &["/etc/kubernetes/manifests/etcd.yaml"]),
        ("etcd-data", &["/var/lib/etcd"]),
        (
            "admin-kubeconfig",
            &[
                "/etc/kubernetes/admin.conf",
                "/etc/kubernetes/super-admin.conf",
            ],
        ),
        ("scheduler-kubeconfig", &["/etc/kubernetes/scheduler.conf"]),
        (
            "controller-manager-kubeconfig",
            &["/etc/kubernetes/controller-manager.conf"],
        ),
        ("pki", &["/etc/kubernetes/pki"]),
        (
            "kubelet-service",
            &[
                "/etc/systemd/system/kubelet.service",
                "/etc/systemd/system/kubelet.service.d/10-kubeadm.conf",
                "/usr/lib/systemd/system/kubelet.service",
                "/usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf",
                "/lib/systemd/system/kubelet.service",
            ],
        ),
        ("kubelet-kubeconfig", &["/etc/kubernetes/kubelet.conf"]),
        ("kubelet-client-ca", &["/etc/kubernetes/pki/ca.crt"]),
        ("kubelet-config", &["/var/lib/kubelet/config.yaml"]),
    ],
    absent: &[(
        "kube-proxy-kubeconfig",
        "kubeadm runs kube-proxy in a pod that takes its kubeconfig from a ConfigMap; there is no such file on the node",
    )],
    provider: None,
    judged: "kubelet, control plane, etcd, kube-proxy and their files",
};

/// kind: `images/base/files` and `pkg/cluster/internal/kubeadm/config.go` of kubernetes-sigs/kind.
pub(super) static KIND: Platform = Platform {
    id: "kind",
    name: "kind",
    base: Some(&KUBEADM),
    signs: &[
        Sign::Argument("provider-id", "kind://*"),
        Sign::Provider("kind"),
        Sign::Image("/kind/product_name"),
        Sign::Image("/kind/bin/create-kubelet-cgroup-v2.sh"),
    ],
    paths: &[(
        "kubelet-service",
        &[
            "/etc/systemd/system/kubelet.service",
            "/etc/systemd/system/kubelet.service.d/10-kubeadm.conf",
            "/etc/systemd/system/kubelet.service.d/11-kind.conf",
        ],
    )],
    absent: &[],
    provider: None,
    judged: "kubelet, control plane, etcd, kube-proxy and their files, in each node's container",
};

/// minikube: `pkg/minikube/vmpath/constants.go` and `pkg/minikube/bootstrapper` of kubernetes/minikube.
pub(super) static MINIKUBE: Platform = Platform {
    id: "minikube",
    name: "minikube",
    base: Some(&KUBEADM),
    signs: &[
        Sign::Executable("/var/lib/minikube/binaries"),
        Sign::Mark("minikube.k8s.io/", "*"),
        Sign::File("/var/lib/minikube"),
    ],
    paths: &[
        ("etcd-data", &["/var/lib/minikube/etcd"]),
        ("pki", &["/var/lib/minikube/certs"]),
        (
            "kubelet-service",
            &[
                "/lib/systemd/system/kubelet.service",
                "/etc/systemd/system/kubelet.service.d/10-kubeadm.conf",
            ],
        ),
        ("kubelet-client-ca", &["/var/lib/minikube/certs/ca.crt"]),
    ],
    absent: &[],
    provider: None,
    judged: "kubelet, control plane, etcd, kube-proxy and their files, inside its machine",
};
