//! Facts of a cluster as a whole: what its API says beyond single nodes.

use super::objects::Inventory;
use super::{Problem, Trouble};
use crate::bytes::Bytes;

/// A cluster, as its API server describes it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClusterFacts {
    /// UID of the `kube-system` namespace, which names the cluster for as long as it lives; null where it could not
    /// be read.
    pub uid: Option<String>,
    /// The API server's address.
    pub server: String,
    /// The API server's version, such as `v1.34.2`.
    pub version: Option<String>,
    /// Objects that hold configuration for nodes that are built anew.
    pub objects: Vec<ObjectFacts>,
    /// The cluster's objects, as far as rules are about them; null where they were not asked for.
    pub inventory: Option<Inventory>,
    /// What could not be read, beyond single objects and nodes.
    pub problems: Vec<Problem>,
}

/// An object of the API that holds a component's configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct ObjectFacts {
    /// Its kind, such as `ConfigMap`.
    pub kind: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The key of its data that holds the configuration.
    pub key: String,
    /// What stands there, secrets replaced by their digest; null where it could not be read.
    pub content: Option<Bytes>,
    /// Why it could not be read.
    pub problem: Option<Trouble>,
}
