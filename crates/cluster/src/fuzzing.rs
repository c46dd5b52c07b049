//! What the fuzz targets feed: readers of foreign bytes that nobody else calls from outside. Pure.

use std::net::IpAddr;

use jiff::Timestamp;

use crate::api::{self, AccessReview, NodeList};
use crate::exec_plugin::{self, PluginProblem};
use crate::fleet;
use crate::identity::ClientIdentity;
use crate::kubeconfig::ExecVersion;
use crate::names;

/// Returns the addresses in a name server's answer to the question `id` for `name`.
pub fn addresses_in(id: u16, name: &str, v6: bool, answer: &[u8]) -> Option<Vec<IpAddr>> {
    names::addresses_in(id, name, v6, answer)
}

/// Reads what an exec plugin printed.
///
/// # Errors
///
/// If there are no credentials in it.
pub fn exec_credential(
    output: &[u8],
    version: ExecVersion,
    now: Timestamp,
) -> Result<ClientIdentity, PluginProblem> {
    exec_plugin::understand(output, version.as_str(), now)
}

/// A node of a list, as far as it is looked at.
#[derive(Debug)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// Where its kubelet may be.
    pub hosts: Vec<String>,
    /// The port of its kubelet.
    pub port: u16,
}

/// Reads a page of a list of nodes; the error is what a report would say.
///
/// # Errors
///
/// If it is none.
pub fn nodes(body: &[u8]) -> Result<Vec<Node>, String> {
    let list: NodeList = api::understand("list nodes", body).map_err(|error| error.to_string())?;
    let page = api::page(list).map_err(|error| error.to_string())?;
    Ok(page.nodes.into_iter().map(fleet::listed).collect())
}

/// Reads a document at `/api` or `/apis`, and returns the paths that are asked next.
pub fn discovery(body: &[u8]) -> Option<Vec<String>> {
    Some(api::discovery::root(body)?.paths)
}

/// Reads the document of one version of a group, and returns how many resources it has.
pub fn resources(body: &[u8]) -> Option<usize> {
    Some(api::discovery::version(body)?.resources?.len())
}

/// Reads the answer to a `SelfSubjectAccessReview`.
///
/// # Errors
///
/// If it is none.
pub fn access_review(body: &[u8]) -> Result<bool, String> {
    let review: AccessReview = api::understand("ask", body).map_err(|error| error.to_string())?;
    api::allowed("ask", review).map_err(|error| error.to_string())
}

/// Returns what is shown of a refusal of the API server.
pub fn said(body: &[u8]) -> String {
    api::said(body)
}
