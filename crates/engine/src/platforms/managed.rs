//! Nodes of clusters whose control plane a provider runs.

use super::{Platform, Provider, Sign};

/// Amazon EKS, on Amazon Linux 2 (`bootstrap.sh`) and Amazon Linux 2023 (`nodeadm/internal/kubelet` of
/// awslabs/amazon-eks-ami).
pub(super) static EKS: Platform = Platform {
    id: "eks",
    name: "Amazon EKS",
    base: None,
    signs: &[
        Sign::Argument("config", "/etc/kubernetes/kubelet/config.json"),
        Sign::Argument("config", "/etc/kubernetes/kubelet/kubelet-config.json"),
        Sign::Version("-eks-"),
        Sign::Mark("eks.amazonaws.com/", "*"),
        Sign::File("/etc/eks"),
    ],
    paths: &[
        ("kubelet-service", &["/etc/systemd/system/kubelet.service"]),
        ("kubelet-kubeconfig", &["/var/lib/kubelet/kubeconfig"]),
        ("kubelet-client-ca", &["/etc/kubernetes/pki/ca.crt"]),
        (
            "kubelet-config",
            &[
                "/etc/kubernetes/kubelet/config.json",
                "/etc/kubernetes/kubelet/config.json.d/*",
                "/etc/kubernetes/kubelet/kubelet-config.json",
            ],
        ),
    ],
    absent: &[(
        "kube-proxy-kubeconfig",
        "EKS runs kube-proxy in a pod that takes its kubeconfig from a ConfigMap; there is no such file on the node",
    )],
    provider: Some(Provider {
        name: "AWS",
        reason: "AWS runs the control plane of an EKS cluster; no node shows how it is configured",
        link: "https://docs.aws.amazon.com/eks/latest/userguide/security.html",
        shows: "`aws eks describe-cluster --name CLUSTER` (`logging`, `encryptionConfig`, `resourcesVpcConfig`)",
    }),
    judged: "kubelet, kube-proxy and the node's files; the control plane is AWS's",
};

/// Bottlerocket: `packages/kubernetes-*` of bottlerocket-os/bottlerocket-core-kit.
pub(super) static BOTTLEROCKET: Platform = Platform {
    id: "bottlerocket",
    name: "Bottlerocket",
    base: Some(&EKS),
    signs: &[
        Sign::System("bottlerocket"),
        Sign::Argument("config", "/etc/kubernetes/kubelet/config"),
        Sign::Argument("kubeconfig", "/etc/kubernetes/kubelet/kubeconfig"),
        Sign::Named("Bottlerocket"),
    ],
    paths: &[
        (
            "kubelet-service",
            &["/etc/systemd/system/kubelet.service.d/exec-start.conf"],
        ),
        (
            "kubelet-kubeconfig",
            &["/etc/kubernetes/kubelet/kubeconfig"],
        ),
        ("kubelet-client-ca", &["/etc/kubernetes/pki/ca.crt"]),
        ("kubelet-config", &["/etc/kubernetes/kubelet/config"]),
    ],
    absent: &[(
        "kube-proxy-kubeconfig",
        "Bottlerocket brings no kube-proxy; where one runs it is a pod with its kubeconfig from a ConfigMap",
    )],
    provider: None,
    judged: "kubelet, kube-proxy and the node's files; the control plane is elsewhere",
};

/// Google Kubernetes Engine, on Container-Optimized OS: `cluster/gce` of Kubernetes, which its nodes descend from.
pub(super) static GKE: Platform = Platform {
    id: "gke",
    name: "Google Kubernetes Engine",
    base: None,
    signs: &[
        Sign::Argument("config", "/home/kubernetes/kubelet-config.yaml"),
        Sign::Executable("/home/kubernetes/bin"),
        Sign::Version("-gke."),
        Sign::Mark("cloud.google.com/gke-", "*"),
        Sign::File("/home/kubernetes/kubelet-config.yaml"),
    ],
    paths: &[
        ("kubelet-service", &["/etc/systemd/system/kubelet.service"]),
        ("kubelet-kubeconfig", &["/var/lib/kubelet/kubeconfig"]),
        (
            "kubelet-client-ca",
            &["/etc/srv/kubernetes/pki/ca-certificates.crt"],
        ),
        ("kubelet-config", &["/home/kubernetes/kubelet-config.yaml"]),
    ],
    absent: &[],
    provider: Some(Provider {
        name: "Google",
        reason: "Google runs the control plane of a GKE cluster; no node shows how it is configured",
        link: "https://cloud.google.com/kubernetes-engine/docs/concepts/shared-responsibility",
        shows: "`gcloud container clusters describe CLUSTER` (`loggingConfig`, `databaseEncryption`, `masterAuth`)",
    }),
    judged: "kubelet, kube-proxy and the node's files; the control plane is Google's",
};

/// Azure Kubernetes Service: `parts/linux/cloud-init/artifacts` of Azure/AgentBaker.
pub(super) static AKS: Platform = Platform {
    id: "aks",
    name: "Azure Kubernetes Service",
    base: None,
    signs: &[
        Sign::Argument("config", "/etc/default/kubeletconfig.json"),
        Sign::Argument("client-ca-file", "/etc/kubernetes/certs/ca.crt"),
        Sign::Argument("node-labels", "*kubernetes.azure.com/*"),
        Sign::Mark("kubernetes.azure.com/", "*"),
        Sign::File("/opt/azure/containers"),
    ],
    paths: &[
        (
            "kubelet-service",
            &[
                "/etc/systemd/system/kubelet.service",
                "/etc/systemd/system/kubelet.service.d/*",
            ],
        ),
        ("kubelet-kubeconfig", &["/var/lib/kubelet/kubeconfig"]),
        ("kubelet-client-ca", &["/etc/kubernetes/certs/ca.crt"]),
        (
            "kubelet-config",
            &["/etc/default/kubeletconfig.json", "/etc/default/kubelet"],
        ),
    ],
    absent: &[(
        "kube-proxy-kubeconfig",
        "AKS runs kube-proxy in a pod that takes its kubeconfig from a ConfigMap; there is no such file on the node",
    )],
    provider: Some(Provider {
        name: "Microsoft",
        reason: "Microsoft runs the control plane of an AKS cluster; no node shows how it is configured",
        link: "https://learn.microsoft.com/en-us/azure/aks/support-policies",
        shows: "`az aks show --name CLUSTER --resource-group GROUP` (`aadProfile`, `securityProfile`, `apiServerAccessProfile`)",
    }),
    judged: "kubelet, kube-proxy and the node's files; the control plane is Microsoft's",
};
