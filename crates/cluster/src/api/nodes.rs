//! Requests about nodes: the list of them, and what a kubelet says through the API server.

use hyper::Method;

use super::documents::{MOST_NODES_OF_A_PAGE, NodeDocument, NodeList};
use super::error::{ApiError, no_document};
use super::paths::encode;
use super::sending::{Ask, Reply};
use super::{Api, JSON, LARGEST_DOCUMENT, LARGEST_PAGE};
use crate::http::Failure;

/// How often a request through the API server to a kubelet is made: a node that is down stays down.
const ATTEMPTS_VIA_PROXY: u32 = 2;

/// One page of a list of nodes.
pub(crate) struct NodePage {
    /// The nodes.
    pub(crate) nodes: Vec<NodeDocument>,
    /// What to continue with; none: it was the last.
    pub(crate) next: Option<String>,
    /// How many come after it, where the server says so.
    pub(crate) remaining: Option<usize>,
}

impl Api {
    /// Returns the node of this name; nothing where there is none. Takes nothing but `list`.
    pub(crate) async fn node_called(&self, name: &str) -> Result<Option<NodeDocument>, ApiError> {
        let what = "list nodes";
        let selector = encode(&format!("metadata.name={name}"));
        let path = format!("/api/v1/nodes?limit=1&fieldSelector={selector}");
        let list: NodeList = self.read(what, &path, LARGEST_PAGE).await?;
        let mut nodes = page(list)?.nodes.into_iter();
        Ok(nodes.find(|node| {
            let metadata = node.metadata.as_ref();
            metadata.and_then(|metadata| metadata.name.as_deref()) == Some(name)
        }))
    }

    /// Returns a page of the nodes that `selector` selects.
    pub(crate) async fn nodes(
        &self,
        selector: Option<&str>,
        limit: usize,
        from: Option<&str>,
    ) -> Result<NodePage, ApiError> {
        let what = "list nodes";
        let mut path = format!("/api/v1/nodes?limit={limit}");
        for (name, value) in [("labelSelector", selector), ("continue", from)] {
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                path.extend(["&", name, "=", &encode(value)]);
            }
        }
        let list: NodeList = self.read(what, &path, LARGEST_PAGE).await?;
        page(list)
    }

    /// Returns what a kubelet's `/configz` says, through the API server.
    pub(crate) async fn proxied_configz(&self, node: &str) -> Result<Reply, ApiError> {
        self.send(
            Method::GET,
            None,
            Ask {
                what: "read /configz of a node through the API server (get nodes/proxy)",
                path: &proxied_configz_path(node),
                accept: JSON,
                limit: LARGEST_DOCUMENT,
                attempts: ATTEMPTS_VIA_PROXY,
            },
        )
        .await
    }
}

/// Returns the path of a kubelet's `/configz` through the API server.
pub(crate) fn proxied_configz_path(node: &str) -> String {
    format!("/api/v1/nodes/{}/proxy/configz", encode(node))
}

/// Takes from a list of nodes what matters.
pub(crate) fn page(list: NodeList) -> Result<NodePage, ApiError> {
    let what = "list nodes";
    if list.kind.as_deref() != Some("NodeList") {
        return Err(no_document(what));
    }
    if list.items.len() > MOST_NODES_OF_A_PAGE {
        let failure = Failure::BodyTooLarge(LARGEST_PAGE);
        let what = what.to_owned();
        return Err(ApiError::Failure { what, failure });
    }
    let metadata = list.metadata.unwrap_or_default();
    Ok(NodePage {
        nodes: list.items,
        next: metadata.next.filter(|next| !next.is_empty()),
        remaining: metadata
            .remaining_item_count
            .and_then(|count| usize::try_from(count).ok()),
    })
}
