//! What is asked about one node before and after it is changed: of the API as the user, of the API server that the
//! kubelet itself uses as nobody, and of the kubelet's `/healthz` as nobody.
//!
//! Errors are sentences for a person.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use hyper::header::HeaderValue;
use jiff::Timestamp;
use kubeassay_core::text::escape;

use crate::api::{Api, ApiError, Condition, NodeDocument};
use crate::credentials::{self, Connection};
use crate::fleet::PER_SECOND;
use crate::http::{Failure, Outgoing, Peer, Security, Wire};
use crate::kubeconfig::Kubeconfig;
use crate::kubelet::Access;
use crate::runtime::block_on;

/// The label of nodes of the control plane.
const CONTROL_PLANE: &str = "node-role.kubernetes.io/control-plane";
/// How many nodes one page of a list holds.
const PAGE: usize = 500;
/// No more pages of nodes of the control plane are read: nobody has as many.
const MOST_PAGES: usize = 20;

/// Asks whether a user with these groups may do `verb` on `nodes/proxy` (`SubjectAccessReview`).
///
/// Takes `create` on `subjectaccessreviews`.
///
/// # Errors
///
/// Why it could not be told.
pub fn may_use_nodes_proxy(
    connection: Connection,
    access: &Access,
    user: &str,
    groups: &[String],
    verb: &str,
) -> Result<bool, String> {
    let api = api(connection, access);
    let asked = block_on(async move { api.may_use_nodes_proxy(user, groups, verb).await });
    Ok(asked.map_err(|error| unaskable(&error))??)
}

/// Asks whether the condition `Ready` of the node called `node` is true, as its kubelet reported it at `since` or later:
/// what it reported before says nothing of a kubelet that started then.
///
/// The report has the time of the node's own clock, in seconds. Takes `list` on `nodes`: the list is narrowed to the one
/// node.
///
/// # Errors
///
/// Why it could not be told; so also where there is no such node.
pub fn is_ready(
    connection: Connection,
    access: &Access,
    node: &str,
    since: Timestamp,
) -> Result<bool, String> {
    let api = api(connection, access);
    let asked = block_on(async move { api.node_called(node).await });
    let found = asked.map_err(|error| unaskable(&error))??;
    let found = found.ok_or_else(|| format!("the API knows no node `{}`", escape(node)))?;
    let ready = ready(&found).ok_or_else(|| {
        format!(
            "the API does not say whether the node `{}` is Ready",
            escape(node)
        )
    })?;
    let reported = ready.last_heartbeat_time.as_ref();
    let reported: Option<Timestamp> = reported.and_then(|text| text.parse().ok());
    let later = reported.is_some_and(|at| at.as_second() >= since.as_second());
    Ok(later && is_true(ready))
}

/// Returns how many nodes of the control plane are `Ready` besides the one called `node`, by the label
/// `node-role.kubernetes.io/control-plane`.
///
/// Takes `list` on `nodes`.
///
/// # Errors
///
/// Why it could not be told; so also where `node` itself is none of them by that name, so that it could be one of the
/// others.
pub fn other_control_planes(
    connection: Connection,
    access: &Access,
    node: &str,
) -> Result<usize, String> {
    let api = api(connection, access);
    let listed = block_on(async move { labelled(&api).await });
    let nodes = listed.map_err(|error| unaskable(&error))??;
    let (own, others): (Vec<_>, Vec<_>) = nodes
        .into_iter()
        .partition(|(name, _)| name.as_deref() == Some(node));
    if own.is_empty() {
        return Err(format!(
            "the API knows no node `{}` with the label {CONTROL_PLANE}, so that this node may be any of those that have it",
            escape(node)
        ));
    }
    Ok(others.into_iter().filter(|(_, ready)| *ready).count())
}

/// Asks `GET /healthz` of a component that serves it without TLS; returns the status. The body is not read.
///
/// # Errors
///
/// Why there is no answer.
pub fn healthz(address: SocketAddr, access: &Access) -> Result<u16, String> {
    let peer = Peer {
        host: address.ip().to_string(),
        port: address.port(),
    };
    let asked = block_on(async move {
        let opened = wire(access).open(&peer, &[address], Security::Plain).await;
        let mut connection = opened?;
        let answer = connection.send(Outgoing::get("/healthz")).await?;
        Ok(answer.status())
    });
    asked
        .map_err(|error| unaskable(&error))?
        .map_err(|failure: Failure| failure.to_string())
}

/// Whether an API server answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// It does, with this status.
    Answered {
        /// Its address.
        server: String,
        /// The status.
        status: u16,
    },
    /// It does not: why.
    Silent {
        /// Its address.
        server: String,
        /// A sentence.
        why: String,
    },
    /// It could not be asked: a sentence.
    NotAsked(String),
}

/// Asks the API server that a node's kubeconfig names whether it answers, as nobody: any answer to `GET /version` will do.
///
/// Of the kubeconfig the address and the authority count. Its credentials are not used, and the files of its keys and
/// tokens not read: `read` is asked for the file of the authority alone, if it is one. `path` is where the kubeconfig
/// lies, for messages and relative paths.
pub fn reach(
    kubeconfig: &[u8],
    path: &Path,
    read: &dyn Fn(&Path) -> Result<Vec<u8>, String>,
    access: &Access,
) -> Reach {
    let connection = match server_of(kubeconfig, path, read) {
        Ok(connection) => connection,
        Err(why) => return Reach::NotAsked(why),
    };
    let server = connection.server.to_string();
    let api = api(connection, access);
    match block_on(async move { api.answers().await }) {
        Ok(Ok(status)) => Reach::Answered { server, status },
        Ok(Err(error)) => Reach::Silent {
            server,
            why: error.to_string(),
        },
        Err(error) => Reach::NotAsked(unaskable(&error)),
    }
}

/// Returns the server of a kubeconfig's current context, without anybody to ask as.
fn server_of(
    kubeconfig: &[u8],
    path: &Path,
    read: &dyn Fn(&Path) -> Result<Vec<u8>, String>,
) -> Result<Connection, String> {
    let shown = || escape(&path.to_string_lossy());
    let text = std::str::from_utf8(kubeconfig).map_err(|_| format!("{}: not UTF-8", shown()))?;
    let config = Kubeconfig::parse(text, path).map_err(|fault| fault.to_string())?;
    let cluster = config
        .current_cluster()
        .map_err(|error| error.to_string())?;
    let read = |file: &PathBuf| {
        read(file).map_err(|why| format!("{}: {why}", escape(&file.to_string_lossy())))
    };
    credentials::nobody_at(cluster, read)
}

impl From<ApiError> for String {
    fn from(error: ApiError) -> Self {
        error.to_string()
    }
}

fn api(connection: Connection, access: &Access) -> Api {
    Api::new(
        connection,
        &access.user_agent,
        access.timeouts,
        access.clock.clone(),
        PER_SECOND,
    )
}

fn wire(access: &Access) -> Wire {
    Wire {
        timeouts: access.timeouts,
        user_agent: HeaderValue::try_from(access.user_agent.as_str())
            .unwrap_or_else(|_| HeaderValue::from_static("kubeassay")),
        clock: access.clock.clone(),
    }
}

fn unaskable(error: &std::io::Error) -> String {
    format!("nothing can be asked from here: {error}")
}

/// Returns the name of every node of the control plane, and whether it is ready.
async fn labelled(api: &Api) -> Result<Vec<(Option<String>, bool)>, String> {
    let mut nodes = Vec::new();
    let mut next: Option<String> = None;
    for _ in 0..MOST_PAGES {
        let page = api
            .nodes(Some(CONTROL_PLANE), PAGE, next.as_deref())
            .await?;
        nodes.extend(page.nodes.into_iter().map(|node| {
            let is_ready = ready(&node).is_some_and(is_true);
            (node.metadata.and_then(|metadata| metadata.name), is_ready)
        }));
        next = page.next;
        if next.is_none() {
            return Ok(nodes);
        }
    }
    Err("the API server's list of nodes of the control plane does not end".to_owned())
}

/// Returns the node's condition `Ready`; nothing where there is none such.
fn ready(node: &NodeDocument) -> Option<&Condition> {
    let mut conditions = node.status.as_ref()?.conditions.iter();
    conditions.find(|condition| condition.kind.as_deref() == Some("Ready"))
}

fn is_true(condition: &Condition) -> bool {
    condition.status.as_deref() == Some("True")
}
