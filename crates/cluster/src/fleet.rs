//! A whole cluster: every node of the API's list becomes facts, handed back one by one.
//!
//! A thread lists and asks; the caller takes what is ready. Nothing grows with the size of the cluster but the names of
//! nodes that were seen: pages are fetched when they are needed, so many kubelets are asked at a time, and whoever takes
//! facts slowly slows all of it down.

mod node;
mod objects;
mod one_question;
mod running;
mod stop;

use std::thread::JoinHandle;

use kubeassay_core::facts::{ClusterFacts, Facts, Problem, Tool, Trouble};
use kubeassay_core::verdict::Cause;
use tokio::sync::mpsc;

use crate::api::{Api, NodeDocument};
use crate::credentials::Connection;
use crate::interrupt;
use crate::kubelet::{Access, Questions};
use crate::runtime::block_on;
use node::Listed;
pub use one_question::{ask_through_the_api_server, may_read_pods, token_is_harmless, version};
use running::Fleet;
pub use stop::Stop;

/// How many kubelets are asked at a time unless something else is wanted.
pub const IN_FLIGHT: usize = 64;
/// How many requests a second the API server gets unless something else is wanted. It is meant to keep a scan from
/// being a burden, not to pace it: an API server takes some thousand such requests a second, and says so when it does
/// not (429).
pub const PER_SECOND: u32 = 2000;
/// How many facts wait for the one who takes them.
const READY: usize = 64;
/// How many words on how far lists are wait for the one who hears them.
const UNHEARD: usize = 16;

/// How a cluster is scanned.
#[derive(Clone, Debug)]
pub struct Options {
    /// Who writes the facts.
    pub tool: Tool,
    /// Which nodes, as a label selector; all without one.
    pub selector: Option<String>,
    /// What kubelets are asked. Through the API server there is no probe: it is the API server that the kubelet sees.
    pub questions: Questions,
    /// Kubelets are asked through the API server, which takes `nodes/proxy`.
    pub via_proxy: bool,
    /// With what kubelets are asked directly. Where it names no caller, the identity of the connection asks, and a token
    /// only if it is harmless; where it names no authorities, the cluster's; where it cannot look up names, the machine's
    /// own resolver does. Its times, clock, user agent and redaction hold for the API server too.
    pub access: Access,
    /// How many kubelets are asked at a time.
    pub in_flight: usize,
    /// How many requests a second the API server gets at most.
    pub per_second: u32,
    /// The objects of the cluster are read as well.
    pub objects: bool,
}

/// How far a list of objects is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What the objects are called, such as `pods`.
    pub what: String,
    /// How many were read.
    pub read: usize,
    /// How many follow, where the server says so.
    pub remaining: Option<u64>,
}

/// Why there is no scan at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FleetError {
    /// The API server gave no answer that can be used; without a list of nodes there is nothing to scan.
    #[error("{}", .0.reason)]
    NoAnswer(Trouble),
    /// It was stopped before there was anything to hand back.
    #[error("interrupted before the nodes were listed")]
    Interrupted,
    /// The thread could not be started, or ended early.
    #[error("cannot ask anything from here: {0}")]
    Runtime(String),
}

/// A scan under way.
#[derive(Debug)]
pub struct Scan {
    /// What the API says of the cluster as a whole.
    pub cluster: ClusterFacts,
    /// How many nodes there will be, where the server says so: it does not with a selector over several pages.
    pub expected: Option<usize>,
    /// The nodes.
    pub nodes: Nodes,
}

/// The facts of nodes, as they become ready. An error says that the list broke off: not all nodes are there.
#[derive(Debug)]
pub struct Nodes {
    ready: mpsc::Receiver<Result<Facts, Problem>>,
    thread: Option<JoinHandle<()>>,
}

impl Iterator for Nodes {
    type Item = Result<Facts, Problem>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.ready.blocking_recv();
        if next.is_none()
            && let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            return Some(Err(Problem {
                cause: Cause::Unreachable,
                path: None,
                reason: "asking ended early: a fault of kubeassay".to_owned(),
            }));
        }
        next
    }
}

/// What is known once the first page of nodes is there.
struct Begun {
    cluster: ClusterFacts,
    expected: Option<usize>,
}

/// What is told before a scan has begun.
enum Beginning {
    /// A list of objects goes on.
    Listed(Progress),
    /// There is something to hand back, or never will be.
    Begun(Box<Result<Begun, FleetError>>),
}

/// Begins to scan a cluster; returns when the first page of its nodes is there, and its objects if they are wanted.
/// `heard` is told how far those are.
///
/// # Errors
///
/// If nodes cannot be listed.
pub fn scan(
    connection: Connection,
    options: Options,
    stop: Stop,
    mut heard: impl FnMut(Progress),
) -> Result<Scan, FleetError> {
    interrupt::watch(&stop);
    let (begun, start) = std::sync::mpsc::sync_channel(UNHEARD);
    let (hand, ready) = mpsc::channel(READY);
    let work = move || {
        let failed = begun.clone();
        let ran = block_on(async move {
            // Whoever asked has gone if it cannot be told.
            let tell = |listed| {
                // Whoever is busy with the last ones does not need this one.
                let _unheard = begun.try_send(Beginning::Listed(listed));
            };
            match Fleet::begin(connection, options, stop, &tell).await {
                Ok((fleet, first)) => {
                    if begun.send(Beginning::Begun(Box::new(Ok(first)))).is_ok() {
                        fleet.run(&hand).await;
                    }
                }
                Err(error) => {
                    let _gone = begun.send(Beginning::Begun(Box::new(Err(error))));
                }
            }
        });
        if let Err(error) = ran {
            let error = FleetError::Runtime(error.to_string());
            let _gone = failed.send(Beginning::Begun(Box::new(Err(error))));
        }
    };
    let thread = std::thread::Builder::new()
        .name("fleet".to_owned())
        .spawn(work)
        .map_err(|error| FleetError::Runtime(error.to_string()))?;
    let ended = |_| FleetError::Runtime("asking ended early".to_owned());
    let Begun { cluster, expected } = loop {
        match start.recv().map_err(ended)? {
            Beginning::Listed(listed) => heard(listed),
            Beginning::Begun(begun) => break (*begun)?,
        }
    };
    Ok(Scan {
        cluster,
        expected,
        nodes: Nodes {
            ready,
            thread: Some(thread),
        },
    })
}

fn api(connection: Connection, access: &Access, per_second: u32) -> Api {
    Api::new(
        connection,
        &access.user_agent,
        access.timeouts,
        access.clock.clone(),
        per_second,
    )
}

/// Returns what is taken of a node's object. For the fuzz target.
pub(crate) fn listed(document: NodeDocument) -> crate::fuzzing::Node {
    let listed = Listed::new(document);
    crate::fuzzing::Node {
        hosts: listed.hosts,
        port: listed.port,
        name: listed.object.name,
    }
}

/// Returns the minor of a version such as `v1.34.2`.
pub(crate) fn minor(version: &str) -> Option<u32> {
    let rest = version.strip_prefix("v1.")?;
    let end = rest.find(|c: char| !c.is_ascii_digit());
    rest.get(..end.unwrap_or(rest.len()))?.parse().ok()
}
