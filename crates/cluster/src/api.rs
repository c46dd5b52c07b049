//! A client of the API server that knows the few requests that `rbac.rs` lists, and no others. It writes for `publish.rs`
//! alone.
//!
//! Connections are kept and used again. A request is tried again only where that helps: the server is busy (429, its
//! `Retry-After` is honoured), failed (5xx), or the connection broke. Redirects are never followed.

pub(crate) mod discovery;
mod documents;
mod pace;

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper::Method;
use hyper::header::{HeaderValue, RETRY_AFTER};
use kubeassay_core::bytes::Bytes;
use kubeassay_core::facts::{ObjectFacts, Trouble, Trust};
use kubeassay_core::verdict::Cause;
use serde::de::DeserializeOwned;
use tokio::sync::OnceCell;
use tokio::time::sleep;

use crate::credentials::Connection;
use crate::http::{self, Failure, Outgoing, Security, Timeouts, Wire};
use crate::identity::{ClientIdentity, Token};
use crate::names::{NameError, Resolver};
use crate::rbac::{self, HARMS, Harm, KUBE_SYSTEM, READ_PODS};
use crate::tls::{Clock, Fingerprint, Verification, short};
pub(crate) use documents::{AccessReview, Address, Condition, Marks, NodeDocument, NodeList};
use documents::{ConfigMap, MOST_NODES_OF_A_PAGE, Named, Status, Version};
use pace::Pace;
pub(crate) use pace::jitter;

/// The largest page of a list.
const LARGEST_PAGE: usize = 32 << 20;
/// The largest other document.
const LARGEST_DOCUMENT: usize = 4 << 20;
/// The largest document of discovery: that of a cluster with some thousand custom resources.
const LARGEST_DISCOVERY: usize = 8 << 20;
/// The most that is read of the reason for a refusal.
const LARGEST_REFUSAL: usize = 64 << 10;
/// How often a request is made before its failure counts.
const ATTEMPTS: u32 = 5;
/// How often a request through the API server to a kubelet is made: a node that is down stays down.
const ATTEMPTS_VIA_PROXY: u32 = 2;
/// How often a server is asked of which it is to be told whether it answers.
const ATTEMPTS_TO_REACH: u32 = 2;
/// The form in which all is asked for that does not say otherwise.
const JSON: &str = "application/json";
/// Of objects the metadata alone (the Kubernetes API's "Metadata-only fetches"). A server that cannot leave out the rest
/// refuses (406): what was not asked for does not come.
const METADATA: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
/// What there is of a group in one document, since 1.26 in its earlier form; an older server gives the list of groups.
const DISCOVERY: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";
/// The longest that a server may make us wait before the next attempt.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(30);
/// The wait before the second attempt; it doubles.
const FIRST_WAIT: Duration = Duration::from_millis(250);

/// Why the API server gave no answer that can be used.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum ApiError {
    /// Its name has no address.
    #[error("the API server is not found: {0}")]
    Name(#[from] NameError),
    /// There was no answer.
    #[error("the API server gives no answer to a request to {what}: {failure}")]
    Failure {
        /// What was wanted.
        what: String,
        /// Why.
        failure: Failure,
    },
    /// It answered otherwise than with what was wanted.
    #[error("{}", refusal(*status, what, said))]
    Status {
        /// The status.
        status: u16,
        /// What was wanted.
        what: String,
        /// What it says about it, escaped and bounded; may be empty.
        said: String,
    },
    /// What it sent is not what was asked for.
    #[error(
        "what the API server sent for a request to {what} is not understood (line {line}, column {column})"
    )]
    Document {
        /// What was wanted.
        what: String,
        /// Line.
        line: usize,
        /// Column.
        column: usize,
    },
}

impl ApiError {
    /// Returns it as it stands in facts.
    pub(crate) fn trouble(&self) -> Trouble {
        let cause = match self {
            Self::Name(_) => Cause::Unreachable,
            Self::Failure { failure, .. } => failure.cause(),
            Self::Document { .. } => Cause::ParseError,
            Self::Status { status, .. } => match status {
                401 | 403 => Cause::NotPermitted,
                404 => Cause::Missing,
                410 => Cause::Vanished,
                _ => Cause::Unreachable,
            },
        };
        let reason = self.to_string();
        Trouble { cause, reason }
    }

    /// Returns whether the answer was larger than may be.
    pub(crate) const fn is_too_large(&self) -> bool {
        matches!(
            self,
            Self::Failure {
                failure: Failure::BodyTooLarge(_),
                ..
            }
        )
    }

    /// Returns the status, if there was an answer.
    pub(crate) const fn status(&self) -> Option<u16> {
        match self {
            Self::Status { status, .. } => Some(*status),
            _ => None,
        }
    }
}

/// Says what a status means, and the mend.
fn refusal(status: u16, what: &str, said: &str) -> String {
    let said = if said.is_empty() {
        String::new()
    } else {
        format!(": {said}")
    };
    match status {
        300..=399 => format!(
            "what should be the API server answers a request to {what} with a redirect ({status}), which is never followed; give the API server's own address"
        ),
        401 => format!(
            "the API server does not take these credentials ({status}){said}; they may have expired, or be for another cluster"
        ),
        403 => format!(
            "these credentials may not {what} ({status}){said}; `kubeassay manifest rbac` prints what to grant"
        ),
        404 => format!("there is nothing where the API server should {what} ({status}){said}"),
        410 => format!("the API server's list expired while it was read ({status}){said}"),
        429 => format!("the API server is too busy to {what} ({status}){said}; try again later"),
        _ => format!("the API server fails to {what} ({status}){said}"),
    }
}

/// What is asked for.
#[derive(Clone, Copy, Debug)]
struct Ask<'a> {
    /// What is wanted, as a verb with its object: `list nodes`.
    what: &'a str,
    /// Path and query, beginning with `/`.
    path: &'a str,
    /// In what form the answer is wanted (`Accept`).
    accept: &'static str,
    /// The largest answer.
    limit: usize,
    /// How often it is tried.
    attempts: u32,
}

/// An answer with status 200 or 201.
pub(crate) struct Reply {
    /// The body.
    pub(crate) body: Vec<u8>,
    /// What the API server showed and why it was trusted.
    pub(crate) trusted: Option<(Fingerprint, Trust)>,
}

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

/// One page of a list of nodes.
pub(crate) struct NodePage {
    /// The nodes.
    pub(crate) nodes: Vec<NodeDocument>,
    /// What to continue with; none: it was the last.
    pub(crate) next: Option<String>,
    /// How many come after it, where the server says so.
    pub(crate) remaining: Option<usize>,
}

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

    /// Returns what there is at a path of discovery: all groups at once, where the server knows that form.
    pub(crate) async fn discovery(&self, path: &str) -> Result<discovery::Root, ApiError> {
        let what = format!("tell its resources (get {path})");
        let body = self.discover(&what, path).await?;
        discovery::root(&body).ok_or_else(|| no_document(&what))
    }

    /// Returns what one version of a group serves, by its path.
    pub(crate) async fn resources(&self, path: &str) -> Result<discovery::GroupVersion, ApiError> {
        let what = format!("tell its resources (get {path})");
        let body = self.discover(&what, path).await?;
        discovery::version(&body).ok_or_else(|| no_document(&what))
    }

    async fn discover(&self, what: &str, path: &str) -> Result<Vec<u8>, ApiError> {
        let ask = Ask {
            what,
            path,
            accept: DISCOVERY,
            limit: LARGEST_DISCOVERY,
            attempts: ATTEMPTS,
        };
        Ok(self.send(Method::GET, None, ask).await?.body)
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

    /// Asks whether the token may be sent to nodes, and returns the one that all answers are about.
    ///
    /// # Errors
    ///
    /// Why it must not be sent; so also where the answer is in doubt.
    pub(crate) async fn harmless_token(&self) -> Result<Token, Trouble> {
        // Where it is renewed meanwhile, some answers are about the old one, and it is asked once more.
        for _ in 0..2 {
            let before = self.identity();
            self.token_is_harmless().await?;
            if let (Some(ClientIdentity::Token(before)), Some(ClientIdentity::Token(now))) =
                (before, self.identity())
                && before == now
            {
                return Ok(now);
            }
        }
        Err(Trouble {
            cause: Cause::NotPermitted,
            reason:
                "the token is not sent to nodes: it was renewed while it was asked what it may do"
                    .to_owned(),
        })
    }

    /// Asks whether none of [`HARMS`] is granted, anywhere that is asked about.
    async fn token_is_harmless(&self) -> Result<(), Trouble> {
        let refused = |reason: String| Trouble {
            cause: Cause::NotPermitted,
            reason,
        };
        for harm in &HARMS {
            // Nodes have no namespace; for the others, everywhere, and where the secrets of the cluster itself are.
            let namespaces: &[&str] = if harm.resource == "nodes" {
                &[""]
            } else {
                &["", KUBE_SYSTEM]
            };
            for namespace in namespaces {
                let name = name_of(harm);
                match self.may(harm, namespace).await {
                    Ok(false) => {}
                    Ok(true) => {
                        return Err(refused(format!(
                            "the token is not sent to nodes: it may {} {name}, and every node that receives it could use it for that; use a client certificate, a token with nothing but what `kubeassay manifest rbac` prints, or --via-proxy",
                            harm.verb
                        )));
                    }
                    Err(error) => {
                        return Err(refused(format!(
                            "the token is not sent to nodes: whether it may {} {name} is not known: {error}",
                            harm.verb
                        )));
                    }
                }
            }
        }
        Ok(())
    }

    /// Asks whether these credentials may read `/pods` of a kubelet: `nodes/pods` from 1.33, `nodes/proxy` in any version.
    pub(crate) async fn may_read_pods(&self) -> Result<bool, ApiError> {
        for right in &READ_PODS {
            if self.may(right, "").await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Asks whether somebody may do `verb` on `nodes/proxy` (`SubjectAccessReview`).
    pub(crate) async fn may_use_nodes_proxy(
        &self,
        user: &str,
        groups: &[String],
        verb: &str,
    ) -> Result<bool, ApiError> {
        let what = "ask what somebody else may do (create subjectaccessreviews)";
        // Whoever authenticates has this group as well (`WithAuthentication` and `AuthenticatedGroupAdder` of
        // kubernetes/apiserver); a review takes the groups as they are given.
        let mut groups: Vec<&str> = groups.iter().map(String::as_str).collect();
        groups.push("system:authenticated");
        let review = serde_json::json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {
                "user": user,
                "groups": groups,
                "resourceAttributes": {
                    "verb": verb,
                    "group": "",
                    "resource": "nodes",
                    "subresource": "proxy",
                },
            },
        });
        let path = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
        self.review(what, path, &review).await
    }

    /// Asks whether these credentials have a right (`SelfSubjectAccessReview`).
    async fn may(&self, harm: &Harm, namespace: &str) -> Result<bool, ApiError> {
        let what = "ask what these credentials may do (create selfsubjectaccessreviews)";
        let review = serde_json::json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": { "resourceAttributes": {
                "namespace": namespace,
                "verb": harm.verb,
                "group": "",
                "resource": harm.resource,
                "subresource": harm.subresource,
            }},
        });
        let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
        self.review(what, path, &review).await
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

    /// Asks for a review.
    async fn review(
        &self,
        what: &str,
        path: &str,
        review: &serde_json::Value,
    ) -> Result<bool, ApiError> {
        let ask = Ask {
            what,
            path,
            accept: JSON,
            limit: LARGEST_DOCUMENT,
            attempts: ATTEMPTS,
        };
        let json = review.to_string().into_bytes();
        let reply = self.send(Method::POST, Some(json), ask).await?;
        allowed(what, understand(what, &reply.body)?)
    }

    async fn read<T: DeserializeOwned>(
        &self,
        what: &str,
        path: &str,
        limit: usize,
    ) -> Result<T, ApiError> {
        let ask = Ask {
            what,
            path,
            accept: JSON,
            limit,
            attempts: ATTEMPTS,
        };
        let reply = self.send(Method::GET, None, ask).await?;
        understand(what, &reply.body)
    }

    /// Sends a request until it is answered or trying again helps no more.
    async fn send(
        &self,
        method: Method,
        json: Option<Vec<u8>>,
        ask: Ask<'_>,
    ) -> Result<Reply, ApiError> {
        let mut attempt = 1;
        let mut token_was_read = false;
        loop {
            self.pace.wait().await;
            let (error, wait) = match self.once(&method, json.clone(), ask).await {
                Ok(reply) => return Ok(reply),
                Err(fault) => fault,
            };
            let expired = error.status() == Some(401) && !token_was_read;
            if expired && let Some(identity) = self.connection.read_token_again() {
                token_was_read = true;
                *lock(&self.identity) = Some(identity);
                continue;
            }
            let Some(wait) = wait.filter(|_| attempt < ask.attempts) else {
                return Err(error);
            };
            let doubled = FIRST_WAIT.saturating_mul(1 << (attempt - 1).min(8));
            sleep(wait.max(jitter(doubled))).await;
            attempt += 1;
        }
    }

    /// Sends a request once. Beside the error stands how long to wait at least before it is worth another attempt;
    /// nothing: it is not.
    async fn once(
        &self,
        method: &Method,
        json: Option<Vec<u8>>,
        ask: Ask<'_>,
    ) -> Result<Reply, (ApiError, Option<Duration>)> {
        let Ask { what, limit, .. } = ask;
        let lost = |failure: Failure| {
            // What a second attempt may mend.
            let again = matches!(
                failure,
                Failure::Refused(_)
                    | Failure::NoConnection { .. }
                    | Failure::ConnectTimeout { .. }
                    | Failure::HandshakeTimeout(_)
                    | Failure::Closed
                    | Failure::BodyCut
                    | Failure::Timeout(_)
            );
            let wait = again.then_some(Duration::ZERO);
            (
                ApiError::Failure {
                    what: what.to_owned(),
                    failure,
                },
                wait,
            )
        };
        let identity = self.identity();
        let (certificate, token) = match &identity {
            Some(ClientIdentity::Certificate(certificate)) => (Some(certificate), None),
            Some(ClientIdentity::Token(token)) => (None, Some(token)),
            None => (None, None),
        };
        let path = format!("{}{}", self.connection.server.prefix, ask.path);
        // A kept connection may have been closed by the other side meanwhile; then a new one is made at once.
        let mut kept = self.take_kept();
        loop {
            let was_kept = kept.is_some();
            let mut connection = if let Some(connection) = kept.take() {
                connection
            } else {
                let addresses = self.addresses().await.map_err(|error| (error, None))?;
                let security = Security::Tls {
                    verification: &self.verification,
                    certificate,
                };
                let peer = &self.connection.server.peer;
                let opened = self.wire.open(peer, addresses, security).await;
                opened.map_err(lost)?
            };
            let outgoing = Outgoing {
                method: method.clone(),
                path: &path,
                accept: ask.accept,
                token,
                json: json.clone(),
            };
            let trusted = connection.trusted();
            let answer = match connection.send(outgoing).await {
                Ok(answer) => answer,
                Err(Failure::Closed) if was_kept => continue,
                Err(failure) => return Err(lost(failure)),
            };
            let status = answer.status();
            if matches!(status, 200 | 201) {
                let body = answer.body(limit).await.map_err(lost)?;
                self.keep(connection);
                return Ok(Reply { body, trusted });
            }
            let wait = match status {
                429 => Some(retry_after(answer.header(RETRY_AFTER))),
                500 | 502..=504 => Some(
                    answer
                        .header(RETRY_AFTER)
                        .map_or(Duration::ZERO, |after| retry_after(Some(after))),
                ),
                _ => None,
            };
            let said = match answer.body(LARGEST_REFUSAL).await {
                Ok(body) => {
                    self.keep(connection);
                    said(&body)
                }
                Err(_) => String::new(),
            };
            let what = what.to_owned();
            return Err((ApiError::Status { status, what, said }, wait));
        }
    }

    fn take_kept(&self) -> Option<http::Connection> {
        let mut kept = lock(&self.kept);
        while let Some(connection) = kept.pop() {
            if connection.is_reusable() {
                return Some(connection);
            }
        }
        None
    }

    fn keep(&self, connection: http::Connection) {
        if connection.is_reusable() {
            lock(&self.kept).push(connection);
        }
    }

    /// Looks up the server once.
    async fn addresses(&self) -> Result<&[SocketAddr], ApiError> {
        let peer = &self.connection.server.peer;
        let look_up = || async {
            let found = self.resolver.resolve(&peer.host).await?;
            let addresses = found.into_iter().map(|ip| SocketAddr::new(ip, peer.port));
            Ok::<_, NameError>(addresses.collect::<Vec<_>>())
        };
        Ok(self.addresses.get_or_try_init(look_up).await?)
    }
}

/// Returns the path of a kubelet's `/configz` through the API server.
pub(crate) fn proxied_configz_path(node: &str) -> String {
    format!("/api/v1/nodes/{}/proxy/configz", encode(node))
}

/// Locks what is never held over an await; a poisoned lock holds nothing that could be half done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn name_of(harm: &Harm) -> String {
    match harm.subresource {
        "" => harm.resource.to_owned(),
        subresource => format!("{}/{subresource}", harm.resource),
    }
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

/// Takes the answer from a review; one that does not say is none.
pub(crate) fn allowed(what: &str, review: AccessReview) -> Result<bool, ApiError> {
    let allowed = review.status.and_then(|status| status.allowed);
    allowed.ok_or_else(|| no_document(what))
}

/// What is not the document that was asked for at all.
fn no_document(what: &str) -> ApiError {
    ApiError::Document {
        what: what.to_owned(),
        line: 1,
        column: 1,
    }
}

pub(crate) fn understand<T: DeserializeOwned>(what: &str, body: &[u8]) -> Result<T, ApiError> {
    serde_json::from_slice(body).map_err(|error| ApiError::Document {
        what: what.to_owned(),
        line: error.line(),
        column: error.column(),
    })
}

/// Reads `Retry-After` in seconds (RFC 9110, 10.2.3), bounded; a second where it is not there or a date.
fn retry_after(value: Option<&str>) -> Duration {
    let seconds = value
        .and_then(|value| value.trim().parse().ok())
        .unwrap_or(1);
    Duration::from_secs(seconds).min(LONGEST_RETRY_AFTER)
}

/// Returns what a `Status` of the API says, or the line that a kubelet answers through it.
pub(crate) fn said(body: &[u8]) -> String {
    let text = match serde_json::from_slice::<Status>(body) {
        Ok(status) => status.message.unwrap_or_default(),
        Err(_) => String::from_utf8_lossy(body)
            .lines()
            .next()
            .unwrap_or("")
            .to_owned(),
    };
    short(&text)
}

/// Returns whether `name` is a DNS subdomain (RFC 1123), as Kubernetes asks of a node: it can stand in a path as it is.
pub(crate) fn is_subdomain(name: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    name.len() <= 253
        && name.split('.').all(|label| {
            !label.is_empty()
                && label.bytes().all(inner)
                && !label.starts_with('-')
                && !label.ends_with('-')
        })
}

/// Encodes what is not unreserved in a URL (RFC 3986, 2.1).
fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let written = write!(encoded, "%{byte:02X}");
            debug_assert!(written.is_ok(), "writing to a string cannot fail");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{encode, retry_after, said};

    #[test]
    fn a_selector_can_hold_anything() {
        assert_eq!(
            encode("a=b,c in (d,é)"),
            "a%3Db%2Cc%20in%20%28d%2C%C3%A9%29"
        );
        assert_eq!(encode("node-1.example_x~"), "node-1.example_x~");
    }

    #[test]
    fn a_server_cannot_make_us_wait_for_ever() {
        for (value, seconds) in [
            (None, 1),
            (Some("3"), 3),
            (Some("99999999"), 30),
            (Some("Fri"), 1),
        ] {
            assert_eq!(
                retry_after(value),
                Duration::from_secs(seconds),
                "{value:?}"
            );
        }
    }

    #[test]
    fn what_a_server_says_is_shown_safely() {
        assert_eq!(
            said(br#"{"kind":"Status","message":"no \u001b[31m"}"#),
            "no \\x1b[31m"
        );
        assert_eq!(said(b"Forbidden (user=a)\nmore"), "Forbidden (user=a)");
        assert!(said(&[b'a'; 10_000]).len() < 1000);
    }
}
