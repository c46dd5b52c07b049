//! `OpenShift` and `MicroShift`.

use super::{Platform, Sign};

/// `OpenShift` 4: `templates` of openshift/machine-config-operator.
pub(super) static OPENSHIFT: Platform = Platform {
    id: "openshift",
    name: "OpenShift",
    base: None,
    signs: &[
        // The same name is a kubeconfig on a node of kubeadm.
        Sign::Argument("config", "/etc/kubernetes/kubelet.conf"),
        Sign::Argument("config-dir", "/etc/openshift/kubelet.conf.d"),
        Sign::System("rhcos"),
        Sign::Mark("node.openshift.io/os_id", "rhcos"),
        Sign::Named("Red Hat Enterprise Linux CoreOS"),
        Sign::File("/etc/machine-config-daemon/currentconfig"),
    ],
    paths: &[
        (
            "apiserver-manifest",
            &["/etc/kubernetes/static-pod-resources/kube-apiserver-pod-*/kube-apiserver-pod.yaml"],
        ),
        (
            "controller-manager-manifest",
            &[
                "/etc/kubernetes/static-pod-resources/kube-controller-manager-pod-*/kube-controller-manager-pod.yaml",
            ],
        ),
        (
            "scheduler-manifest",
            &["/etc/kubernetes/static-pod-resources/kube-scheduler-pod-*/kube-scheduler-pod.yaml"],
        ),
        (
            "etcd-manifest",
            &["/etc/kubernetes/manifests/etcd-pod.yaml"],
        ),
        (
            "cni-config",
            &["/etc/cni/net.d/*", "/etc/kubernetes/cni/net.d/*"],
        ),
        ("etcd-data", &["/var/lib/etcd/member"]),
        (
            "admin-kubeconfig",
            &[
                "/etc/kubernetes/static-pod-resources/kube-apiserver-certs/secrets/node-kubeconfigs/*.kubeconfig",
            ],
        ),
        (
            "scheduler-kubeconfig",
            &[
                "/etc/kubernetes/static-pod-resources/kube-scheduler-pod-*/configmaps/scheduler-kubeconfig/kubeconfig",
            ],
        ),
        (
            "controller-manager-kubeconfig",
            &[
                "/etc/kubernetes/static-pod-resources/kube-controller-manager-pod-*/configmaps/controller-manager-kubeconfig/kubeconfig",
            ],
        ),
        ("pki", &["/etc/kubernetes/static-pod-resources"]),
        ("kubelet-service", &["/etc/systemd/system/kubelet.service"]),
        ("kubelet-kubeconfig", &["/var/lib/kubelet/kubeconfig"]),
        ("kubelet-client-ca", &["/etc/kubernetes/kubelet-ca.crt"]),
        (
            "kubelet-config",
            &[
                "/etc/kubernetes/kubelet.conf",
                "/etc/openshift/kubelet.conf.d/*",
            ],
        ),
    ],
    absent: &[
        (
            "kube-proxy",
            "OVN-Kubernetes does the work of kube-proxy on this OpenShift node; none runs",
        ),
        (
            "kube-proxy-kubeconfig",
            "OVN-Kubernetes does the work of kube-proxy on this OpenShift node; none runs",
        ),
        (
            "kubelet-hostname-override",
            "OpenShift itself gives its kubelets the node's name, always",
        ),
    ],
    provider: None,
    judged: "kubelet, control plane, etcd and their files, as its operators write them",
};

/// `MicroShift`: `pkg/node/kubelet.go` and `pkg/config` of openshift/microshift.
pub(super) static MICROSHIFT: Platform = Platform {
    id: "microshift",
    name: "MicroShift",
    base: None,
    signs: &[
        Sign::Program("microshift"),
        Sign::Mark("node.kubernetes.io/instance-type", "rhde"),
        Sign::File("/etc/microshift"),
        Sign::File("/var/lib/microshift"),
    ],
    paths: &[
        ("etcd-data", &["/var/lib/microshift/etcd"]),
        (
            "admin-kubeconfig",
            &["/var/lib/microshift/resources/kubeadmin/kubeconfig"],
        ),
        (
            "scheduler-kubeconfig",
            &["/var/lib/microshift/resources/kube-scheduler/kubeconfig"],
        ),
        (
            "controller-manager-kubeconfig",
            &["/var/lib/microshift/resources/kube-controller-manager/kubeconfig"],
        ),
        ("pki", &["/var/lib/microshift/certs"]),
        (
            "kubelet-kubeconfig",
            &["/var/lib/microshift/resources/kubelet/kubeconfig"],
        ),
        (
            "kubelet-config",
            &["/var/lib/microshift/resources/kubelet/config/config.yaml"],
        ),
    ],
    absent: &[
        (
            "apiserver-manifest",
            "MicroShift runs the API server inside its own process; there is no manifest",
        ),
        (
            "controller-manager-manifest",
            "MicroShift runs the controller manager inside its own process; there is no manifest",
        ),
        (
            "scheduler-manifest",
            "MicroShift runs the scheduler inside its own process; there is no manifest",
        ),
        (
            "etcd-manifest",
            "MicroShift starts etcd itself (microshift-etcd); there is no manifest",
        ),
        (
            "kubelet-service",
            "MicroShift runs the kubelet inside its own process; no service of its own starts one",
        ),
        (
            "kube-proxy",
            "OVN-Kubernetes does the work of kube-proxy on this MicroShift node; none runs",
        ),
        (
            "kube-proxy-kubeconfig",
            "OVN-Kubernetes does the work of kube-proxy on this MicroShift node; none runs",
        ),
        (
            "kubelet-hostname-override",
            "MicroShift itself gives its kubelet the node's name, always",
        ),
    ],
    provider: None,
    judged: "what runs inside MicroShift (kubelet, API server, controller manager, scheduler), the etcd that it starts, and its files",
};
