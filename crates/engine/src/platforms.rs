//! The platforms that kubeassay knows: how each is told, where its files lie, what it lacks, and what its provider
//! keeps to itself.
//!
//! A platform only says where to look and what cannot be there. It never decides a verdict by itself: whatever is
//! found is judged, also where the platform is said not to have it.

mod basis;
mod changes;
mod description;
mod detect;
mod hosts;
mod managed;
mod others;
mod rancher;
mod redhat;
mod upstream;

#[cfg(test)]
mod tests;

use kubeassay_core::Component;

pub use basis::{KnownHost, Source};
pub(crate) use changes::how;
pub use description::{PlatformDescription, ProviderDescription, platforms};
pub(crate) use detect::{Detected, detect, needs};

/// What files of a node are for, as rules name it (`files:` of their pages).
pub(crate) const ROLES: [&str; 15] = [
    "apiserver-manifest",
    "controller-manager-manifest",
    "scheduler-manifest",
    "etcd-manifest",
    "cni-config",
    "etcd-data",
    "admin-kubeconfig",
    "scheduler-kubeconfig",
    "controller-manager-kubeconfig",
    "pki",
    "kubelet-service",
    "kube-proxy-kubeconfig",
    "kubelet-kubeconfig",
    "kubelet-client-ca",
    "kubelet-config",
];

/// Every platform, in the order in which they are listed for people.
pub(crate) static PLATFORMS: [&Platform; 14] = [
    &upstream::KUBEADM,
    &upstream::KIND,
    &upstream::MINIKUBE,
    &rancher::K3S,
    &rancher::RKE2,
    &others::MICROK8S,
    &others::K0S,
    &managed::EKS,
    &managed::BOTTLEROCKET,
    &managed::GKE,
    &managed::AKS,
    &redhat::OPENSHIFT,
    &redhat::MICROSHIFT,
    &others::TALOS,
];

/// A way in which Kubernetes comes to a node.
#[derive(Debug)]
pub(crate) struct Platform {
    /// Its id, such as `kubeadm`.
    pub(crate) id: &'static str,
    /// Its name, for people.
    pub(crate) name: &'static str,
    /// The platform that it is a variant of, and has its files where it does not say otherwise.
    base: Option<&'static Self>,
    /// What it is told by.
    signs: &'static [Sign],
    /// Where its files lie, by role.
    paths: &'static [(&'static str, &'static [&'static str])],
    /// What it does not have, by role, component or the id of a rule, and why not.
    absent: &'static [(&'static str, &'static str)],
    /// Who runs the control plane, where its nodes do not show it.
    provider: Option<Provider>,
    /// What of it is judged, in a few words.
    judged: &'static str,
}

/// Something that a platform is told by.
#[derive(Clone, Copy, Debug)]
enum Sign {
    /// The distribution's own program runs, by the id that it has in the facts.
    Program(&'static str),
    /// The kubelet's executable lies below this folder.
    Executable(&'static str),
    /// The kubelet was given this flag with this value; a star at an end of the value stands for anything.
    Argument(&'static str, &'static str),
    /// The version of the kubelet has this in it.
    Version(&'static str),
    /// The node's object has this label or annotation (or one that starts so, where it ends in `/` or `-`) with this
    /// value; a star stands for anything.
    Mark(&'static str, &'static str),
    /// The scheme of the node's `providerID`.
    Provider(&'static str),
    /// The name of the node's system starts so, by its object.
    Named(&'static str),
    /// `ID` of os-release, of a system that is for nothing else.
    System(&'static str),
    /// A file of the image that its nodes are made of: it tells a variant from what it is a variant of.
    Image(&'static str),
    /// A file that an installation leaves. It may be left over.
    File(&'static str),
}

/// Who runs a control plane that no node shows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Provider {
    /// Who it is.
    pub(crate) name: &'static str,
    /// Why nothing of it can be read.
    pub(crate) reason: &'static str,
    /// Where the provider says what it answers for.
    pub(crate) link: &'static str,
    /// What the provider itself shows of it: a command of its own, and what in its answer.
    pub(crate) shows: &'static str,
}

/// Returns the platform with this id.
pub(crate) fn named(id: &str) -> Option<&'static Platform> {
    PLATFORMS.into_iter().find(|platform| platform.id == id)
}

impl Platform {
    /// Returns where files of `role` lie, as absolute paths in which `*` stands for anything in one component; none
    /// where the platform has no such file or its place is not known.
    pub(crate) fn paths(&self, role: &str) -> &'static [&'static str] {
        let own = self.paths.iter().find(|(of, _)| *of == role);
        match (own, self.base) {
            (Some((_, paths)), _) => paths,
            (None, Some(base)) if self.absent(role).is_none() => base.paths(role),
            (None, None) if role == "cni-config" => &["/etc/cni/net.d/*"],
            (None, _) => &[],
        }
    }

    /// Returns why the platform does not have something: a role of files, a component, or what the rule of this id is
    /// about. What is found all the same is judged.
    pub(crate) fn absent(&self, what: &str) -> Option<&'static str> {
        let own = self.absent.iter().find(|(of, _)| *of == what);
        let said_otherwise = self.paths.iter().any(|(role, _)| *role == what);
        match (own, self.base) {
            (Some((_, reason)), _) => Some(reason),
            (None, Some(base)) if !said_otherwise => base.absent(what),
            (None, _) => None,
        }
    }

    /// Returns who runs a component that cannot be seen on any node.
    pub(crate) fn provider_side(&self, component: Component) -> Option<Provider> {
        self.provider.filter(|_| is_of_the_control_plane(component))
    }

    /// Returns whether all that is said of it comes from documentation and sources, and no node of it was looked at.
    pub(crate) fn is_documented(&self) -> bool {
        basis::is_documented(self.id)
    }

    /// Returns whether one of the two is a variant of the other, or they are the same.
    fn is_kin(&self, other: &Self) -> bool {
        let base_of = |one: &Self| one.base.map(|base| base.id);
        self.id == other.id || base_of(self) == Some(other.id) || base_of(other) == Some(self.id)
    }
}

/// Returns the component that files of `role` belong to; none for those of no single one.
pub(crate) fn component_of(role: &str) -> Option<Component> {
    Some(match role {
        "apiserver-manifest" | "admin-kubeconfig" | "pki" => Component::ApiServer,
        "controller-manager-manifest" | "controller-manager-kubeconfig" => {
            Component::ControllerManager
        }
        "scheduler-manifest" | "scheduler-kubeconfig" => Component::Scheduler,
        "etcd-manifest" | "etcd-data" => Component::Etcd,
        "kube-proxy-kubeconfig" => Component::KubeProxy,
        "kubelet-service" | "kubelet-kubeconfig" | "kubelet-client-ca" | "kubelet-config" => {
            Component::Kubelet
        }
        _ => return None,
    })
}

/// Returns whether a component is one of those that a provider runs.
const fn is_of_the_control_plane(component: Component) -> bool {
    matches!(
        component,
        Component::ApiServer
            | Component::ControllerManager
            | Component::Scheduler
            | Component::Etcd
    )
}
