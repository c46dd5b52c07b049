//! Which documents look like the configuration of a component: whatever else is named as one may be a key, a file of
//! passwords or the like.

use kubeassay_core::Component;

use crate::components;
use crate::node::folds_to;
use crate::tables::kubelet::KUBELET;
use crate::tree::{Node, Tree};

/// Keys by which the configuration of k3s and RKE2 is known, besides those that end in `-arg`.
const RANCHER_KEYS: [&str; 12] = [
    "data-dir",
    "write-kubeconfig-mode",
    "cluster-init",
    "server",
    "disable",
    "tls-san",
    "node-label",
    "node-taint",
    "node-name",
    "protect-kernel-defaults",
    "secrets-encryption",
    "selinux",
];

/// Keys by which the configuration of `MicroShift` is known (`Config` in its `pkg/config/config.go`).
const MICROSHIFT_KEYS: [&str; 13] = [
    "apiServer",
    "clusterToCluster",
    "debugging",
    "dns",
    "etcd",
    "genericDevicePlugin",
    "ingress",
    "kubelet",
    "manifests",
    "network",
    "node",
    "storage",
    "telemetry",
];

/// The one key of a `/configz`.
const CONFIGZ: &str = "kubeletconfig";

/// Returns whether a document looks like configuration: it has a kind, without which no kubelet takes it, or a
/// field of the kubelet; or it is what a running kubelet says of itself.
pub(super) fn is_configuration(root: &Node) -> bool {
    let field = |key: &str| {
        KUBELET
            .fields
            .iter()
            .any(|field| field.path.split('.').next() == Some(key))
    };
    match &root.tree {
        Tree::Map(entries) => entries.iter().any(|entry| {
            folds_to(&entry.key, "kind")
                || entry.key == CONFIGZ
                || field(&entry.key)
                || is_ranchers(&entry.key)
                || is_etcds(&entry.key)
                || MICROSHIFT_KEYS.iter().any(|key| folds_to(&entry.key, key))
        }),
        Tree::Null => true,
        Tree::Bool(_) | Tree::Number(_) | Tree::String(_) | Tree::List(_) => false,
    }
}

/// Returns whether a key is one of the configuration of k3s.
fn is_ranchers(key: &str) -> bool {
    let key = key.strip_suffix('+').unwrap_or(key);
    key.ends_with("-arg") || key.starts_with("disable-") || RANCHER_KEYS.contains(&key)
}

/// Returns whether a key is one that only etcd's configuration has.
fn is_etcds(key: &str) -> bool {
    let flag = || components::tables(Component::Etcd).flag(key);
    key.ends_with("-transport-security") || (key.contains('-') && flag().is_some())
}
