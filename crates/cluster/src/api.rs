//! A client of the API server that knows the few requests that `rbac.rs` lists, and no others. It writes for `publish.rs`
//! alone.
//!
//! Connections are kept and used again. A request is tried again only where that helps: the server is busy (429, its
//! `Retry-After` is honoured), failed (5xx), or the connection broke. Redirects are never followed.

pub(crate) mod discovery;
mod documents;
mod error;
mod nodes;
mod objects;
mod pace;
mod paths;
mod rights;
mod sending;

use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use hyper::Method;
use hyper::header::HeaderValue;
use tokio::sync::OnceCell;

use crate::credentials::Connection;
use crate::http::{self, Timeouts, Wire};
use crate::identity::ClientIdentity;
use crate::names::Resolver;
use crate::rbac::KUBE_SYSTEM;
use crate::tls::{Clock, Verification, short};
pub(crate) use documents::{AccessReview, Address, Condition, Marks, NodeDocument, NodeList};
use documents::{Named, Version};
pub(crate) use error::{ApiError, said};
pub(crate) use nodes::{NodePage, page, proxied_configz_path};
pub(crate) use objects::{List, Page};
use pace::Pace;
pub(crate) use paths::is_subdomain;
pub(crate) use rights::allowed;
use sending::Ask;
pub(crate) use sending::understand;

/// The largest page of a list.
const LARGEST_PAGE: usize = 32 << 20;
/// The largest other document.
const LARGEST_DOCUMENT: usize = 4 << 20;
/// How often a request is made before its failure counts.
const ATTEMPTS: u32 = 5;
/// How often a server is asked of which it is to be told whether it answers.
const ATTEMPTS_TO_REACH: u32 = 2;
/// The form in which all is asked for that does not say otherwise.
const JSON: &str = "application/json";

/// An API server, and the connections to it.
pub(crate) struct Api {
    wire: Wire,
    connection: Connection,
    verification: Verification,
    resolver: Resolver,
    addresses: OnceCell<Vec<SocketAddr>>,
    identity: Mutex<Option<ClientIdentity>>,
    kept: Mutex<Vec<http::Connection>>,
    pace: Pace,
}

impl Api {
    /// Returns a client that asks at most `per_second` times a second.
    pub(crate) fn new(
        connection: Connection,
        user_agent: &str,
        timeouts: Timeouts,
        clock: Clock,
        per_second: u32,
    ) -> Self {
        let name = connection.server_name.clone();
        let name = name.unwrap_or_else(|| connection.server.peer.name());
        Self {
            wire: Wire {
                timeouts,
                user_agent: HeaderValue::try_from(user_agent)
                    .unwrap_or_else(|_| HeaderValue::from_static("kubeassay")),
                clock,
            },
            verification: Verification {
                authorities: Some(connection.authorities.clone()),
                names: vec![name],
                ..Verification::default()
            },
            resolver: Resolver::of_this_machine(),
            addresses: OnceCell::new(),
            identity: Mutex::new(connection.identity.clone()),
            kept: Mutex::new(Vec::new()),
            pace: Pace::new(per_second),
            connection,
        }
    }

    /// Returns as whom the server is asked.
    pub(crate) fn identity(&self) -> Option<ClientIdentity> {
        lock(&self.identity).clone()
    }

    /// Returns the address of a path of this server.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.connection.server)
    }

    /// Returns the server's version, such as `v1.34.2`.
    pub(crate) async fn version(&self) -> Result<Option<String>, ApiError> {
        let what = "read its version (get /version)";
        let version: Version = self.read(what, "/version", LARGEST_DOCUMENT).await?;
        Ok(version.git_version.map(|text| short(&text)))
    }

    /// Returns the UID of the namespace `kube-system`.
    pub(crate) async fn cluster_uid(&self) -> Result<Option<String>, ApiError> {
        let what = "read the namespace kube-system (get namespaces)";
        let path = format!("/api/v1/namespaces/{KUBE_SYSTEM}");
        let namespace: Named = self.read(what, &path, LARGEST_DOCUMENT).await?;
        let uid = namespace.metadata.and_then(|metadata| metadata.uid);
        Ok(uid.map(|uid| short(&uid)))
    }

    /// Asks for `/version` and returns the status, whatever it is; a server that does not answer is asked once more.
    pub(crate) async fn answers(&self) -> Result<u16, ApiError> {
        let ask = Ask {
            what: "answer at all (get /version)",
            path: "/version",
            accept: JSON,
            limit: LARGEST_DOCUMENT,
            attempts: ATTEMPTS_TO_REACH,
        };
        match self.send(Method::GET, None, ask).await {
            Ok(_) => Ok(200),
            Err(error) => error.status().ok_or(error),
        }
    }
}

/// Locks what is never held over an await; a poisoned lock holds nothing that could be half done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
