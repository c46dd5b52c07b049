//! Documents of the API, as far as they are looked at: everything may be missing, and what else is there is passed over.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use kubeassay_core::facts::is_telling;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// More nodes than a page has, whatever its limit was. Empty ones are some hundred times larger in memory than in JSON.
pub(crate) const MOST_NODES_OF_A_PAGE: usize = 20_000;
/// No more addresses, conditions or taints of one node are kept.
const MOST_PARTS: usize = 256;

/// Keeps the first `N` and one more, by which it is told that there were too many; the rest is passed over.
struct First<T, const N: usize>(PhantomData<T>);

impl<'de, T: Deserialize<'de>, const N: usize> Visitor<'de> for First<T, N> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_unit<E>(self) -> Result<Vec<T>, E> {
        Ok(Vec::new())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<T>, A::Error> {
        let mut kept = Vec::new();
        while kept.len() <= N {
            match list.next_element()? {
                Some(one) => kept.push(one),
                None => return Ok(kept),
            }
        }
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(kept)
    }
}

/// Reads a list, or `null` for an empty one, and keeps no more than about `N` of it.
pub(super) fn first<'de, D: Deserializer<'de>, T: Deserialize<'de>, const N: usize>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    deserializer.deserialize_any(First::<T, N>(PhantomData))
}

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
    #[serde(default)]
    pub(crate) labels: Marks,
    #[serde(default)]
    pub(crate) annotations: Marks,
}

/// The labels or annotations that are looked at: `type`, and those that tell a platform.
#[derive(Default)]
pub(crate) struct Marks(pub(crate) BTreeMap<String, String>);

impl<'de> Deserialize<'de> for Marks {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Telling;

        impl<'de> Visitor<'de> for Telling {
            type Value = Marks;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map of texts")
            }

            fn visit_unit<E>(self) -> Result<Marks, E> {
                Ok(Marks::default())
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Marks, A::Error> {
                let mut kept = BTreeMap::new();
                while let Some(key) = map.next_key::<String>()? {
                    if kept.len() < MOST_PARTS && (key == "type" || is_telling(&key)) {
                        kept.insert(key, map.next_value()?);
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(Marks(kept))
            }
        }

        deserializer.deserialize_any(Telling)
    }
}

/// A `ConfigMap`.
#[derive(Deserialize)]
pub(crate) struct ConfigMap {
    pub(crate) data: Option<BTreeMap<String, String>>,
}

/// A `SelfSubjectAccessReview` or a `SubjectAccessReview`.
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
    #[serde(default, deserialize_with = "first::<_, _, MOST_NODES_OF_A_PAGE>")]
    pub(crate) items: Vec<NodeDocument>,
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
    #[serde(rename = "providerID")]
    pub(crate) provider_id: Option<String>,
    #[serde(default, deserialize_with = "first::<_, _, MOST_PARTS>")]
    pub(crate) taints: Vec<Taint>,
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
    #[serde(default, deserialize_with = "first::<_, _, MOST_PARTS>")]
    pub(crate) addresses: Vec<Address>,
    #[serde(default, deserialize_with = "first::<_, _, MOST_PARTS>")]
    pub(crate) conditions: Vec<Condition>,
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

/// One of its conditions.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Condition {
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
    pub(crate) status: Option<String>,
    pub(crate) last_heartbeat_time: Option<String>,
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
    pub(crate) os_image: Option<String>,
}
