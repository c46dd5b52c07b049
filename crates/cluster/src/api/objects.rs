//! Requests for other objects: lists as the server gives them, single objects, kubeadm's `ConfigMap`s; and the one that
//! writes.

use hyper::Method;
use kubeassay_core::bytes::Bytes;
use kubeassay_core::facts::{ObjectFacts, Trouble};
use kubeassay_core::verdict::Cause;
use serde::de::DeserializeOwned;

use super::documents::ConfigMap;
use super::error::ApiError;
use super::paths::encode;
use super::sending::{Ask, understand};
use super::{ATTEMPTS, Api, JSON, LARGEST_DOCUMENT, LARGEST_PAGE};
use crate::rbac::{self, KUBE_SYSTEM};

/// Of objects the metadata alone (the Kubernetes API's "Metadata-only fetches"). A server that cannot leave out the rest
/// refuses (406): what was not asked for does not come.
const METADATA: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";

/// A list of objects.
#[derive(Clone, Debug, Default)]
pub(crate) struct List {
    /// What is wanted: `list deployments.apps`.
    pub(crate) what: String,
    /// Its path.
    pub(crate) path: String,
    /// Nothing but the metadata of its objects is wanted.
    pub(crate) metadata: bool,
}

/// Which page of a list is wanted.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    /// How many objects it may hold.
    pub(crate) limit: usize,
    /// What the page before said to continue with.
    pub(crate) from: Option<String>,
}

impl Api {
    /// Returns a page of a list as the server gives it, at most `limit` objects.
    pub(crate) async fn list(&self, list: &List, page: &Page) -> Result<Vec<u8>, ApiError> {
        let mut path = format!("{}?limit={}", list.path, page.limit);
        if let Some(from) = &page.from {
            path.extend(["&continue=", &encode(from)]);
        }
        let ask = Ask {
            what: &list.what,
            path: &path,
            accept: if list.metadata { METADATA } else { JSON },
            limit: LARGEST_PAGE,
            attempts: ATTEMPTS,
        };
        Ok(self.send(Method::GET, None, ask).await?.body)
    }

    /// Returns an object, or as much of it as is understood; nothing where there is none.
    pub(crate) async fn object<T: DeserializeOwned>(
        &self,
        what: &str,
        path: &str,
    ) -> Result<Option<T>, ApiError> {
        match self.read(what, path, LARGEST_DOCUMENT).await {
            Ok(object) => Ok(Some(object)),
            Err(error) if error.status() == Some(404) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes a whole object by server-side apply, and returns what is understood of it as it is then. `path` names the
    /// manager.
    pub(crate) async fn apply<T: DeserializeOwned>(
        &self,
        what: &str,
        path: &str,
        object: Vec<u8>,
    ) -> Result<T, ApiError> {
        let ask = Ask {
            what,
            path,
            accept: JSON,
            limit: LARGEST_DOCUMENT,
            attempts: ATTEMPTS,
        };
        // Trying again does no harm: it is the same object.
        let reply = self.send(Method::PATCH, Some(object), ask).await?;
        understand(what, &reply.body)
    }

    /// Returns kubeadm's `ConfigMap`s for kubelets of a cluster of `minor`. One that is not there is none: the cluster
    /// is not kubeadm's.
    pub(crate) async fn kubelet_config(
        &self,
        minor: Option<u32>,
        redact: &(dyn Fn(Vec<u8>) -> Vec<u8> + Send + Sync),
    ) -> Vec<ObjectFacts> {
        /// The key that holds a `KubeletConfiguration`.
        const KEY: &str = "kubelet";
        let what = "read kubeadm's kubelet-config (get configmaps in kube-system)";
        let mut objects = Vec::new();
        for name in rbac::config_maps(minor) {
            let path = format!(
                "/api/v1/namespaces/{KUBE_SYSTEM}/configmaps/{}",
                encode(&name)
            );
            let read: Result<ConfigMap, _> = self.read(what, &path, LARGEST_DOCUMENT).await;
            let (content, problem) = match read {
                Ok(map) => {
                    if let Some(text) = map.data.unwrap_or_default().remove(KEY) {
                        (Some(Bytes::from(redact(text.into_bytes()))), None)
                    } else {
                        let reason =
                            format!("the ConfigMap {KUBE_SYSTEM}/{name} has no key `{KEY}`");
                        let cause = Cause::Missing;
                        (None, Some(Trouble { cause, reason }))
                    }
                }
                Err(error) if error.status() == Some(404) => continue,
                Err(error) => (None, Some(error.trouble())),
            };
            objects.push(ObjectFacts {
                kind: "ConfigMap".to_owned(),
                namespace: KUBE_SYSTEM.to_owned(),
                name,
                key: KEY.to_owned(),
                content,
                problem,
            });
        }
        objects
    }
}
