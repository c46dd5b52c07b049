//! The components other than the kubelet: their effective configuration, rebuilt the way each of them does.
//!
//! All of them read flags as the kubelet does, with a list of their own for each version. A few read files in their
//! place or besides: what those say is a setting under its own name, and what follows from several of them is
//! `derived.…`. Where a file takes the place of a flag, the flag counts for nothing.

mod apiserver;
mod builder;
mod controller_manager;
mod document;
mod etcd;
#[cfg(test)]
mod fixture;
mod gates;
mod insecure;
mod kube_proxy;
mod runtime;
mod scheduler;
mod server;
mod serving;
mod strict;
#[cfg(test)]
mod tests;

use kubeassay_core::Component;
use kubeassay_core::rule::SettingType;

use crate::kubelet::{self, Asked};
use crate::resolution::Resolution;
use crate::sources::{Documents, When};
use crate::tables::{self, Minor, Tables};

/// Resolves the configuration of a process of `component` in one version.
///
/// Of a distribution's program nothing is resolved: what runs inside it is a process of its own to whoever asks
/// (see [`crate::embedded`]).
pub fn resolve(
    component: Component,
    documents: &Documents<'_>,
    minor: Minor,
    when: When,
) -> Resolution {
    match component {
        Component::Kubelet | Component::Distribution => kubelet::resolve(documents, minor, when),
        Component::ApiServer => apiserver::resolve(documents, minor, when),
        Component::ControllerManager => controller_manager::resolve(documents, minor, when),
        Component::Scheduler => scheduler::resolve(documents, minor, when),
        Component::Etcd => etcd::resolve(documents, minor, when),
        Component::KubeProxy => kube_proxy::resolve(documents, minor, when),
        Component::ContainerRuntime => runtime::resolve(documents, minor, when),
    }
}

/// Returns which files a process of `component` reads in one version beyond its facts.
pub fn ask(component: Component, documents: &Documents<'_>, minor: Minor, when: When) -> Asked {
    if component == Component::Kubelet {
        return kubelet::ask(documents, minor, when);
    }
    Asked::of(resolve(component, documents, minor, when))
}

/// Returns whether a variable of its environment is part of a component's configuration: those of etcd each set a flag
/// (`pkg/flags/flag.go`), CRI-O's say where its files lie (`internal/criocli`), a kubelet's where its drop-ins do.
pub fn reads_variable(component: Component, name: &str) -> bool {
    const CRIO: [&str; 3] = [
        "CONTAINER_CONFIG",
        "CONTAINER_CONFIG_DIR",
        "CONTAINER_CNI_CONFIG_DIR",
    ];
    match component {
        Component::Etcd => name.starts_with("ETCD_"),
        Component::ContainerRuntime => CRIO.contains(&name),
        _ => name == kubelet::DROP_IN_VARIABLE,
    }
}

/// Returns the flags and fields of a component.
pub const fn tables(component: Component) -> &'static Tables {
    match component {
        Component::Kubelet | Component::Distribution => &tables::kubelet::KUBELET,
        Component::ApiServer => &tables::apiserver::APISERVER,
        Component::ControllerManager => &tables::controller_manager::CONTROLLER_MANAGER,
        Component::Scheduler => &tables::scheduler::SCHEDULER,
        Component::KubeProxy => &tables::kube_proxy::KUBE_PROXY,
        Component::Etcd => &etcd::TABLES,
        Component::ContainerRuntime => &runtime::TABLES,
    }
}

/// Returns the settings of a component that are no flags, with their types: fields of its files, and what is derived.
/// Those of the kubelet are in its tables.
pub fn named(component: Component) -> Vec<(&'static str, SettingType)> {
    match component {
        Component::Kubelet | Component::Distribution => Vec::new(),
        Component::ApiServer => apiserver::named(),
        Component::ControllerManager => controller_manager::named(),
        Component::Scheduler => scheduler::named(),
        Component::Etcd => etcd::named(),
        Component::KubeProxy => kube_proxy::named(),
        Component::ContainerRuntime => runtime::named(),
    }
}
