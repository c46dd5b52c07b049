//! A large cluster whose objects are made when they are asked for: a hundred thousand pods take no memory.
//!
//! Everything follows from its size, so that each run is the same. Workloads of one to 200 pods in every namespace, four
//! `DaemonSets` with a pod on each node, three replica sets a Deployment; most are harmless, and every kind of carelessness
//! is somewhere. Objects are as large as those of clusters are: a pod has 4 to 8 KB, its managed fields included.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "it is only for measuring"
)]

mod objects;
mod pods;

use std::sync::Arc;

use serde_json::{Value as Json, json};

use crate::api_server::{Lazy, Source};
use objects::Simple;
use pods::{ForNodes, Pods, Sets, Templates, Workload};

/// How large it is.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Nodes.
    pub nodes: usize,
    /// Pods, those of `DaemonSets` included: one on each node, four times, where there are that many.
    pub pods: usize,
    /// Roles and bindings of all kinds together.
    pub rbac: usize,
    /// Namespaces.
    pub namespaces: usize,
}

/// The `DaemonSets`.
const AGENTS: [&str; 4] = ["cilium", "kube-proxy", "log-shipper", "node-exporter"];

/// Returns what [`ApiServer::lazy`](crate::api_server::ApiServer::lazy) takes.
pub fn lists(size: Size) -> Vec<Lazy> {
    let nodes = if size.pods >= size.nodes * AGENTS.len() {
        size.nodes
    } else {
        0
    };
    let workloads = workloads(size.pods - nodes * AGENTS.len(), size.namespaces);
    let workloads = Arc::new(workloads);
    let mut lists = Vec::new();
    let mut add = |group: &'static str, plural: &'static str, source: Arc<dyn Source>| {
        lists.push(Lazy {
            group,
            plural,
            source,
        });
    };
    add(
        "",
        "pods",
        Arc::new(Pods::new(Arc::clone(&workloads), nodes)),
    );
    add(
        "apps",
        "deployments",
        Arc::new(Templates(Arc::clone(&workloads))),
    );
    add(
        "apps",
        "replicasets",
        Arc::new(Sets(Arc::clone(&workloads))),
    );
    add("apps", "daemonsets", Arc::new(ForNodes));
    for (group, plural, count, write) in objects::of(size, workloads.len()) {
        add(group, plural, Arc::new(Simple { count, write }));
    }
    lists
}

/// Returns what has to be among [`ApiServer::objects`](crate::api_server::ApiServer::objects) for them.
pub fn objects() -> Vec<Json> {
    vec![json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "ciliumnetworkpolicies.cilium.io"},
        "spec": {
            "group": "cilium.io", "scope": "Namespaced",
            "names": {"kind": "CiliumNetworkPolicy", "plural": "ciliumnetworkpolicies"},
            "versions": [{"name": "v2", "served": true, "storage": true}],
        },
    })]
}

/// Shares pods out over namespaces.
fn workloads(pods: usize, namespaces: usize) -> Vec<Workload> {
    /// Most workloads are small, and a few have most of the pods.
    const REPLICAS: [usize; 20] = [
        1, 1, 1, 1, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 4, 5, 6, 10, 40, 200,
    ];
    let mut shared: Vec<Workload> = Vec::new();
    let mut first = 0;
    while first < pods {
        let number = shared.len();
        let replicas = REPLICAS[mixed(number) % REPLICAS.len()].min(pods - first);
        shared.push(Workload {
            namespace: 0,
            number,
            first,
            replicas,
        });
        first += replicas;
    }
    // In the order of namespaces, as etcd has them.
    let count = shared.len();
    for workload in &mut shared {
        workload.namespace = workload.number * namespaces / count;
    }
    shared
}

/// Returns the name of a namespace: the ones that every cluster has come first.
fn namespace(number: usize) -> String {
    match number {
        0 => "default".to_owned(),
        1 => "kube-system".to_owned(),
        other => format!("team-{other:05}"),
    }
}

/// Returns a number that looks like chance and always is the same (the finalizer of `splitmix64`).
fn mixed(number: usize) -> usize {
    let mut value = (number as u64).wrapping_add(0x9e37_79b9_7f4a_7c15);
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    usize::try_from((value ^ (value >> 31)) >> 16).expect("48 bits")
}

#[cfg(test)]
mod tests {
    use serde_json::Value as Json;

    use super::{Size, lists};

    #[test]
    fn a_crowd_is_as_large_as_it_is_asked_for() {
        let size = Size {
            nodes: 50,
            pods: 600,
            rbac: 200,
            namespaces: 20,
        };
        let lists = lists(size);
        let (mut rbac, mut pods) = (0, 0);
        for list in &lists {
            let count = list.source.count(None);
            match list.group {
                "rbac.authorization.k8s.io" => rbac += count,
                "" if list.plural == "pods" => pods = count,
                _ => {}
            }
            let mut keys = Vec::new();
            for index in 0..count {
                let mut text = String::new();
                list.source.item(None, index, &mut text);
                let item: Json = serde_json::from_str(&text)
                    .unwrap_or_else(|error| panic!("{} {index}: {error}: {text}", list.plural));
                let text_of = |key: &str| {
                    item["metadata"][key]
                        .as_str()
                        .unwrap_or_default()
                        .to_owned()
                };
                keys.push((text_of("namespace"), text_of("name")));
                if list.plural == "pods" {
                    assert!(
                        (3_500..8_500).contains(&text.len()),
                        "{}: {text}",
                        text.len()
                    );
                }
                let mut metadata = String::new();
                list.source.metadata(None, index, &mut metadata);
                let metadata: Json = serde_json::from_str(&metadata).unwrap();
                assert_eq!(metadata["name"], item["metadata"]["name"]);
            }
            let known = keys.len();
            keys.sort_unstable();
            keys.dedup();
            assert_eq!(keys.len(), known, "two of one name among {}", list.plural);
            // The objects of one namespace are those that say so.
            let default = list.source.count(Some("default"));
            let said = keys
                .iter()
                .filter(|(namespace, _)| namespace == "default")
                .count();
            assert_eq!(default, said, "{}", list.plural);
        }
        assert_eq!((pods, rbac), (600, 200));
    }
}
