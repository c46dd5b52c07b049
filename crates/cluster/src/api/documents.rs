//! Documents of the API, as far as they are looked at: everything may be missing, and what else is there is passed over.

use std::collections::BTreeMap;

use serde::Deserialize;

/// `/version`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Version {
    pub(crate) git_version: Option<String>,
}

/// An object of which only the name counts.
#[derive(Deserialize)]
pub(crate) struct Named {
    pub(crate) metadata: Option<Metadata>,
}

/// What every object has.
#[derive(Default, Deserialize)]
pub(crate) struct Metadata {
    pub(crate) name: Option<String>,
    pub(crate) uid: Option<String>,
    pub(crate) labels: Option<Labels>,
}

/// The labels that are looked at.
#[derive(Default, Deserialize)]
pub(crate) struct Labels {
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
}

/// A `ConfigMap`.
#[derive(Deserialize)]
pub(crate) struct ConfigMap {
    pub(crate) data: Option<BTreeMap<String, String>>,
}

/// A `SelfSubjectAccessReview`.
#[derive(Deserialize)]
pub(crate) struct AccessReview {
    pub(crate) status: Option<AccessReviewStatus>,
}

/// Its answer.
#[derive(Deserialize)]
pub(crate) struct AccessReviewStatus {
    pub(crate) allowed: Option<bool>,
}

/// A refusal.
#[derive(Deserialize)]
pub(crate) struct Status {
    pub(crate) message: Option<String>,
}

/// A `NodeList`.
#[derive(Deserialize)]
pub(crate) struct NodeList {
    pub(crate) kind: Option<String>,
    pub(crate) metadata: Option<ListMetadata>,
    pub(crate) items: Option<Vec<NodeDocument>>,
}

/// What a list has.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListMetadata {
    #[serde(rename = "continue")]
    pub(crate) next: Option<String>,
    pub(crate) remaining_item_count: Option<u64>,
}

/// A `Node`.
#[derive(Default, Deserialize)]
pub(crate) struct NodeDocument {
    pub(crate) metadata: Option<Metadata>,
    pub(crate) spec: Option<NodeSpec>,
    pub(crate) status: Option<NodeStatus>,
}

/// Its spec.
#[derive(Default, Deserialize)]
pub(crate) struct NodeSpec {
    pub(crate) taints: Option<Vec<Taint>>,
}

/// One of its taints.
#[derive(Default, Deserialize)]
pub(crate) struct Taint {
    pub(crate) key: Option<String>,
}

/// Its status.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NodeStatus {
    pub(crate) addresses: Option<Vec<Address>>,
    pub(crate) daemon_endpoints: Option<DaemonEndpoints>,
    pub(crate) node_info: Option<NodeInfo>,
}

/// One of its addresses.
#[derive(Default, Deserialize)]
pub(crate) struct Address {
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
    pub(crate) address: Option<String>,
}

/// Where its daemons listen.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DaemonEndpoints {
    pub(crate) kubelet_endpoint: Option<DaemonEndpoint>,
}

/// Where one listens.
#[derive(Default, Deserialize)]
pub(crate) struct DaemonEndpoint {
    #[serde(rename = "Port")]
    pub(crate) port: Option<i64>,
}

/// What it says of itself.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NodeInfo {
    #[serde(rename = "machineID")]
    pub(crate) machine_id: Option<String>,
    pub(crate) kubelet_version: Option<String>,
    pub(crate) operating_system: Option<String>,
}
