//! The services of components other than the kubelet.
//!
//! No unit is looked through for them: they are told by the cgroups of what runs, and by the names that installers give
//! them, so that one that does not run is known as well.

use kubeassay_core::Component;
use kubeassay_core::facts::ProcessFacts;

use super::unit;

/// The names of services, as their installers call them: packages of etcd, containerd and CRI-O; the binaries of
/// Kubernetes set up by hand; the snaps of Charmed Kubernetes; distributions that hold components inside themselves
/// (k3s, RKE2, k0s, `MicroK8s`, `MicroShift`).
const NAMES: &[(&str, Component)] = &[
    ("etcd.service", Component::Etcd),
    ("snap.etcd.etcd.service", Component::Etcd),
    ("containerd.service", Component::ContainerRuntime),
    ("crio.service", Component::ContainerRuntime),
    (
        "snap.microk8s.daemon-containerd.service",
        Component::ContainerRuntime,
    ),
    ("kube-apiserver.service", Component::ApiServer),
    ("snap.kube-apiserver.daemon.service", Component::ApiServer),
    (
        "kube-controller-manager.service",
        Component::ControllerManager,
    ),
    (
        "snap.kube-controller-manager.daemon.service",
        Component::ControllerManager,
    ),
    ("kube-scheduler.service", Component::Scheduler),
    ("snap.kube-scheduler.daemon.service", Component::Scheduler),
    ("kube-proxy.service", Component::KubeProxy),
    ("snap.kube-proxy.daemon.service", Component::KubeProxy),
    ("k3s.service", Component::Distribution),
    ("k3s-agent.service", Component::Distribution),
    ("rke2-server.service", Component::Distribution),
    ("rke2-agent.service", Component::Distribution),
    ("k0scontroller.service", Component::Distribution),
    ("k0sworker.service", Component::Distribution),
    (
        "snap.microk8s.daemon-kubelite.service",
        Component::Distribution,
    ),
    ("microshift.service", Component::Distribution),
];

/// Returns the component that a service of this name starts, as installers call them.
pub(super) fn called(name: &[u8]) -> Option<Component> {
    let mut names = NAMES.iter();
    let found = names.find(|(known, _)| known.as_bytes() == name);
    found.map(|(_, component)| *component)
}

/// Returns the component that a service is about: of those that run in its cgroup a kubelet, which is what its next
/// start is worked out for, else a program that holds some inside itself, else the first.
///
/// What a distribution's service starts beside its own program are the distribution's.
pub(super) fn running_in<'a>(
    name: &[u8],
    processes: impl Iterator<Item = &'a ProcessFacts>,
) -> Option<Component> {
    let rank = |component: Component| match component {
        Component::Kubelet => 0,
        Component::Distribution => 1,
        _ => 2,
    };
    let inside = processes.filter(|process| unit(process) == Some(name));
    let components = inside.map(|process| process.component);
    // What is called like a distribution's is one, whatever else it started.
    let components = components.chain(called(name).filter(|it| *it == Component::Distribution));
    // Of what else runs in a cgroup, such as what a runtime started, it is what its name says.
    components.min_by_key(|component| (rank(*component), called(name) != Some(*component)))
}
