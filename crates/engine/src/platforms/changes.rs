//! Where each platform wants a component's settings changed, and what has to be restarted then.
//!
//! Sources: kubeadm, `Reconfiguring a kubeadm cluster` (kubernetes.io); kind, `kubeadmConfigPatches` (kind.sigs.k8s.io);
//! minikube, `--extra-config` (minikube.sigs.k8s.io); k3s and RKE2, `installation/configuration` of their documentation;
//! `MicroK8s`, `Configuring services`; k0s, `Configuration options` and `Worker profiles`; EKS, nodeadm; Bottlerocket,
//! `settings.kubernetes`; GKE, `Customize node system configuration`; AKS, `Customize node configuration`; `OpenShift`,
//! `KubeletConfig` and the `APIServer` object; `MicroShift`, `howto_config.md`; Talos, the machine configuration reference.

use kubeassay_core::{Bytes, Component};

use super::Platform;

/// Returns where a platform wants a component's settings changed; nothing where nobody but the provider can.
///
/// `unit` is the service that the component belongs to, where that is known.
pub(crate) fn how(
    platform: &Platform,
    component: Component,
    unit: Option<&Bytes>,
) -> Option<String> {
    let name = component.as_str();
    let restart = |usual: &str| {
        let unit = unit.map_or_else(|| usual.to_owned(), Bytes::to_string);
        format!("`systemctl restart {unit}`")
    };
    let by_flag = is_started_by_flags(component);
    Some(match platform.id {
        "kubeadm" => return kubeadm(component),
        "kind" => "`kubeadmConfigPatches` in the configuration that the cluster is made of, and make it anew".to_owned(),
        "minikube" => format!(
            "`minikube start --extra-config={}.NAME=VALUE`",
            name.strip_prefix("kube-").filter(|_| component != Component::KubeProxy).unwrap_or(name)
        ),
        id @ ("k3s" | "rke2") if by_flag => {
            let usual = match (id, component) {
                ("k3s", _) => "k3s",
                (_, Component::Kubelet | Component::KubeProxy) => "rke2-agent` or `systemctl restart rke2-server",
                _ => "rke2-server",
            };
            format!(
                "`{name}-arg` in /etc/rancher/{id}/config.yaml, a list of NAME=VALUE; then {}",
                restart(usual)
            )
        }
        "microk8s" if by_flag && component != Component::Etcd => format!(
            "--NAME=VALUE in /var/snap/microk8s/current/args/{name}; then {}",
            restart("snap.microk8s.daemon-kubelite")
        ),
        "k0s" => return k0s(component),
        "eks" => return eks(component),
        "bottlerocket" if component == Component::Kubelet => {
            "`apiclient set kubernetes.NAME=VALUE`, and `[settings.kubernetes]` in the node's user data, or the next node has it not; Bottlerocket restarts the kubelet".to_owned()
        }
        "gke" if component == Component::Kubelet => {
            "`gcloud container node-pools update --system-config-from-file=FILE` for what GKE lets be set; it makes the nodes anew".to_owned()
        }
        "aks" if component == Component::Kubelet => {
            "`az aks nodepool add --kubelet-config FILE` for what AKS lets be set: a node pool has it from its beginning".to_owned()
        }
        "openshift" => return openshift(component),
        "microshift" => return microshift(component),
        "talos" => return talos(component),
        _ => return None,
    })
}

/// Returns whether a component of its own is one that distributions give flags to.
const fn is_started_by_flags(component: Component) -> bool {
    !matches!(
        component,
        Component::ContainerRuntime | Component::Distribution
    )
}

fn kubeadm(component: Component) -> Option<String> {
    let manifest = match component {
        Component::Kubelet => {
            return Some("/var/lib/kubelet/config.yaml, then `systemctl restart kubelet`; and the ConfigMap kube-system/kubelet-config, or `kubeadm upgrade node` takes it back".to_owned());
        }
        Component::KubeProxy => {
            return Some("`config.conf` in the ConfigMap kube-system/kube-proxy, then `kubectl -n kube-system rollout restart daemonset/kube-proxy`".to_owned());
        }
        Component::ApiServer
        | Component::ControllerManager
        | Component::Scheduler
        | Component::Etcd => component.as_str(),
        _ => return None,
    };
    Some(format!(
        "the arguments in /etc/kubernetes/manifests/{manifest}.yaml, whose pod the kubelet starts anew; and `ClusterConfiguration` in the ConfigMap kube-system/kubeadm-config, or `kubeadm upgrade` takes it back"
    ))
}

fn k0s(component: Component) -> Option<String> {
    let field = match component {
        Component::ApiServer => "spec.api.extraArgs",
        Component::ControllerManager => "spec.controllerManager.extraArgs",
        Component::Scheduler => "spec.scheduler.extraArgs",
        Component::Etcd => "spec.storage.etcd.extraArgs",
        Component::KubeProxy => "spec.network.kubeProxy",
        Component::Kubelet => {
            return Some("a profile below `spec.workerProfiles` in /etc/k0s/k0s.yaml of the controllers, named by `k0s worker --profile`; then `systemctl restart k0scontroller`, and `systemctl restart k0sworker` on the nodes".to_owned());
        }
        _ => return None,
    };
    Some(format!(
        "`{field}` in /etc/k0s/k0s.yaml of the controllers; then `systemctl restart k0scontroller`"
    ))
}

fn eks(component: Component) -> Option<String> {
    Some(match component {
        Component::Kubelet => {
            "`spec.kubelet.config` of the NodeConfig in the user data of the node group's launch template (on Amazon Linux 2: `--kubelet-extra-args` of bootstrap.sh there), then a new version of the template and `aws eks update-nodegroup-version`".to_owned()
        }
        Component::KubeProxy => {
            "the add-on's configuration: `aws eks update-addon --addon-name kube-proxy --configuration-values`; without the add-on the ConfigMap kube-system/kube-proxy-config".to_owned()
        }
        _ => return None,
    })
}

fn openshift(component: Component) -> Option<String> {
    Some(match component {
        Component::Kubelet => {
            "a KubeletConfig for the node's MachineConfigPool (`oc apply -f FILE`); its operator drains and restarts the pool's nodes one after the other".to_owned()
        }
        Component::ApiServer => {
            "the APIServer object (`oc edit apiserver cluster`), as far as it has a field for this; the operator writes the manifest, and starts new pods".to_owned()
        }
        Component::Scheduler => {
            "the Scheduler object (`oc edit scheduler cluster`), as far as it has a field for this; the operator writes the manifest, and starts new pods".to_owned()
        }
        Component::ControllerManager | Component::Etcd => {
            "nothing on the node: the operator of the component writes its manifest, and takes back what somebody else changes".to_owned()
        }
        _ => return None,
    })
}

fn microshift(component: Component) -> Option<String> {
    Some(match component {
        Component::Kubelet => {
            "below `kubelet` in /etc/microshift/config.yaml, or in a file of /etc/microshift/config.d whose name ends in .yaml; then `systemctl restart microshift`".to_owned()
        }
        Component::ApiServer => {
            "below `apiServer` in /etc/microshift/config.yaml, as far as it has a field for this (`auditLog`, `tls`, `namedCertificates`, `featureGates`); the rest is compiled in; then `systemctl restart microshift`".to_owned()
        }
        Component::ControllerManager | Component::Scheduler | Component::Etcd => {
            "MicroShift takes nothing for it but `apiServer.tls` in /etc/microshift/config.yaml; the rest is compiled in".to_owned()
        }
        _ => return None,
    })
}

fn talos(component: Component) -> Option<String> {
    let field = match component {
        Component::Kubelet => "machine.kubelet.extraConfig",
        Component::ApiServer => "cluster.apiServer.extraArgs",
        Component::ControllerManager => "cluster.controllerManager.extraArgs",
        Component::Scheduler => "cluster.scheduler.extraArgs",
        Component::Etcd => "cluster.etcd.extraArgs",
        Component::KubeProxy => "cluster.proxy.extraArgs",
        _ => return None,
    };
    Some(format!(
        "`{field}` in the machine configuration: `talosctl patch machineconfig`, which restarts what it has to"
    ))
}

#[cfg(test)]
mod tests {
    use kubeassay_core::{Bytes, Component};

    use super::how;
    use crate::platforms::{PLATFORMS, named};

    #[test]
    fn every_platform_says_where_its_own_components_are_changed() {
        use Component::{ApiServer, ControllerManager, Etcd, KubeProxy, Kubelet, Scheduler};
        let unit = Bytes::from("k3s-agent.service");
        for (platform, component, unit, said) in [
            (
                "k3s",
                Kubelet,
                None,
                "`kubelet-arg` in /etc/rancher/k3s/config.yaml",
            ),
            (
                "k3s",
                Kubelet,
                Some(&unit),
                "`systemctl restart k3s-agent.service`",
            ),
            (
                "k3s",
                ApiServer,
                None,
                "`kube-apiserver-arg` in /etc/rancher/k3s/config.yaml",
            ),
            (
                "k3s",
                ControllerManager,
                None,
                "`kube-controller-manager-arg`",
            ),
            ("k3s", Scheduler, None, "`kube-scheduler-arg`"),
            ("k3s", Etcd, None, "`etcd-arg`"),
            (
                "rke2",
                Kubelet,
                None,
                "`kubelet-arg` in /etc/rancher/rke2/config.yaml",
            ),
            ("rke2", ApiServer, None, "`systemctl restart rke2-server`"),
            (
                "rke2",
                ControllerManager,
                None,
                "`kube-controller-manager-arg`",
            ),
            ("rke2", Scheduler, None, "`kube-scheduler-arg`"),
            ("rke2", KubeProxy, None, "`kube-proxy-arg`"),
            ("eks", Kubelet, None, "NodeConfig"),
            ("eks", KubeProxy, None, "aws eks update-addon"),
            ("openshift", Kubelet, None, "KubeletConfig"),
            ("openshift", ApiServer, None, "oc edit apiserver cluster"),
            ("openshift", ControllerManager, None, "the operator"),
            ("openshift", Scheduler, None, "oc edit scheduler cluster"),
            ("openshift", Etcd, None, "the operator"),
            (
                "microk8s",
                ApiServer,
                None,
                "/var/snap/microk8s/current/args/kube-apiserver",
            ),
            ("minikube", ApiServer, None, "--extra-config=apiserver.NAME"),
            (
                "minikube",
                KubeProxy,
                None,
                "--extra-config=kube-proxy.NAME",
            ),
            (
                "microshift",
                Kubelet,
                None,
                "below `kubelet` in /etc/microshift/config.yaml",
            ),
            ("talos", ApiServer, None, "cluster.apiServer.extraArgs"),
            ("k0s", Scheduler, None, "spec.scheduler.extraArgs"),
        ] {
            let found = how(named(platform).unwrap(), component, unit);
            let found = found.unwrap_or_else(|| panic!("{platform}: {component}"));
            assert!(found.contains(said), "{platform}: {component}: {found}");
        }
    }

    #[test]
    fn nobody_is_sent_to_what_the_platform_does_not_have() {
        for platform in PLATFORMS {
            for &component in Component::ALL {
                let found = how(platform, component, None);
                if platform.provider_side(component).is_some() {
                    assert_eq!(found, None, "{}: {component}", platform.id);
                }
                let manifest = found
                    .as_ref()
                    .is_some_and(|one| one.contains("/manifests/"));
                assert!(!manifest || platform.id == "kubeadm", "{found:?}");
                if component == Component::Kubelet {
                    assert!(found.is_some(), "{}", platform.id);
                }
            }
        }
    }
}
