//! What the findings of a result are about: a node, or the objects of a cluster.

use kubeassay_core::report::{Cluster, Node, NodeStatus};

use super::document::{InventoryItem, Property};
use super::finding::property;
use super::words::{markup, string, uuid};
use crate::describe::{node_parts, status_words};

/// What the findings of a result are about.
#[derive(Clone, Debug)]
pub(crate) struct Subject {
    /// The node's id; none for the cluster.
    pub(crate) node: Option<String>,
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) props: Vec<Property>,
    pub(crate) item: Option<InventoryItem>,
}

/// Returns what findings that belong to no node are about.
pub(crate) fn of_cluster(cluster: Option<&Cluster>) -> Subject {
    let server = cluster.map_or("the cluster", |cluster| &cluster.server);
    let uid = cluster.and_then(|cluster| cluster.uid.as_deref());
    let id = uid.unwrap_or(server);
    Subject {
        node: None,
        name: server.to_owned(),
        title: "objects of the cluster".to_owned(),
        description: markup(server),
        props: vec![property("scope", "cluster")],
        item: Some(InventoryItem {
            uuid: uuid(&["cluster", id]),
            description: format!("cluster {}", markup(server)),
            props: vec![asset(id)],
        }),
    }
}

fn asset(id: &str) -> Property {
    Property {
        name: "asset-id",
        ns: None,
        value: string(id),
    }
}

/// Returns what the findings of a node are about.
pub(crate) fn of_node(node: &Node) -> Subject {
    let mut parts = node_parts(node);
    parts.push(status_words(node.status).to_owned());
    let mut props = vec![
        property("scope", "node"),
        property("node", &node.name),
        property("node-status", status_words(node.status)),
    ];
    let version = node.kubernetes_version.as_ref();
    let version = version.map(|version| property("kubernetes-version", &version.value));
    props.extend(version);
    let benchmark = node.benchmark.as_deref();
    props.extend(benchmark.map(|benchmark| property("benchmark", benchmark)));
    props.extend(
        node.cause
            .filter(|_| node.status != NodeStatus::Scanned)
            .map(|cause| property("cause", cause.as_str())),
    );
    Subject {
        node: Some(node.id.clone()),
        name: node.name.clone(),
        title: format!("node {}", markup(&node.name)),
        description: markup(&parts.join(", ")),
        props,
        item: Some(InventoryItem {
            uuid: uuid(&["node", &node.id]),
            description: format!("node {}", markup(&node.name)),
            props: vec![asset(&node.id), property("node", &node.name)],
        }),
    }
}

/// Returns what findings of a node are about that was not told of before.
pub(crate) fn of_id(id: &str) -> Subject {
    Subject {
        node: Some(id.to_owned()),
        name: id.to_owned(),
        title: format!("node {}", markup(id)),
        description: "known by its id alone".to_owned(),
        props: vec![property("scope", "node")],
        item: Some(InventoryItem {
            uuid: uuid(&["node", id]),
            description: format!("node {}", markup(id)),
            props: vec![asset(id)],
        }),
    }
}
