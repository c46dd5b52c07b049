//! Asks one kubelet: what it says of itself (`/configz`), and what it refuses (`/pods`).
//!
//! What comes back are facts: statuses, and why there is none. What a status means for a setting is not decided here.
//! Only GET is used, and of all bodies only that of a `/configz` that was answered with 200 is read.

mod answer;
mod asking;

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;

use kubeassay_core::facts::{EndpointFacts, Identity, Request, Response, Trouble, Via};
use kubeassay_core::verdict::Cause;
use tokio::task::JoinSet;

use crate::http::{Peer, Timeouts};
use crate::identity::ClientIdentity;
use crate::runtime::block_on;
use crate::tls::{Authorities, Clock, Fingerprint};
pub(crate) use answer::is_object;
use asking::Asking;

/// Where a kubelet listens unless it is told otherwise (`port` of its configuration).
pub const PORT: u16 = 10250;

/// Where it answers everybody without TLS, if it does (`readOnlyPort`; the default without a configuration file).
pub const READ_ONLY_PORT: u16 = 10255;

/// How many kubelets are asked at the same time unless something else is wanted.
const IN_FLIGHT: usize = 32;

/// A kubelet to ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The node's name: pins are given by it, and the certificate may be for it. None where it is not known.
    pub node: Option<String>,
    /// The process that is asked; none from outside the node.
    pub pid: Option<u32>,
    /// A name or an address; an IPv6 address with or without brackets.
    pub host: String,
    /// Its port with TLS.
    pub port: u16,
    /// Its port without; none if that one is not to be tried.
    pub read_only_port: Option<u16>,
    /// The certificate that the process serves by its own configuration; none where it was not read. Where there is
    /// one, no authority's signature will do in its place.
    pub served: Option<Served>,
    /// Why it is not asked; it is handed back with this.
    pub not_asked: Option<Trouble>,
}

impl Target {
    /// Returns the kubelet that listens on its usual ports at `host`.
    pub fn new(host: impl Into<String>) -> Self {
        Self {
            node: None,
            pid: None,
            host: host.into(),
            port: PORT,
            read_only_port: Some(READ_ONLY_PORT),
            served: None,
            not_asked: None,
        }
    }
}

/// A certificate that was read on the node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Served {
    /// Its digest.
    pub fingerprint: Fingerprint,
    /// The file.
    pub path: String,
}

/// What is to be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Questions {
    /// What the kubelet says of itself.
    pub configz: bool,
    /// What it refuses.
    pub probe: bool,
}

/// Somebody to ask as.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The credentials.
    pub identity: ClientIdentity,
    /// Whether a token may be sent to nodes, or why not: every node that receives it can use it against the API
    /// server. Plays no part for a certificate, whose key stays here.
    pub token_allowed: Result<(), Trouble>,
}

impl Caller {
    /// Returns a caller whose token, if it is one, is not sent to nodes: nobody asked yet what it may do.
    pub fn new(identity: ClientIdentity) -> Self {
        let reason = "a node that receives a token can use it, and what this one may do was not asked; it is not \
                      sent: use a client certificate, or a token with nothing but what `kubeassay manifest rbac` prints";
        Self {
            identity,
            token_allowed: Err(Trouble {
                cause: Cause::NotPermitted,
                reason: reason.to_owned(),
            }),
        }
    }
}

/// Looks up the addresses of a name; the error is a sentence for a person.
pub type Resolve = Arc<
    dyn Fn(String) -> Pin<Box<dyn Future<Output = Result<Vec<IpAddr>, String>> + Send>>
        + Send
        + Sync,
>;

/// Replaces the secrets in a `/configz` by their digests.
pub type Redact = Arc<dyn Fn(Vec<u8>) -> Vec<u8> + Send + Sync>;

/// With what kubelets are asked: the same for all of them.
#[derive(Clone)]
pub struct Access {
    /// As whom `/configz` is read.
    pub caller: Option<Caller>,
    /// Somebody who should be refused, asked beside nobody.
    pub unprivileged: Option<Caller>,
    /// Whether the cluster's RBAC grants that one `/pods` all the same; none where it was not asked.
    pub unprivileged_granted: Option<bool>,
    /// Who signs the certificates of kubelets.
    pub authorities: Option<Authorities>,
    /// Certificates that were given, by the node's name.
    pub pins: BTreeMap<String, Fingerprint>,
    /// How long is waited.
    pub timeouts: Timeouts,
    /// What the header `User-Agent` says.
    pub user_agent: String,
    /// What keeps secrets out of facts.
    pub redact: Redact,
    /// How names are looked up; without it only addresses can be asked.
    pub resolve: Option<Resolve>,
    /// The time.
    pub clock: Clock,
    /// How many kubelets are asked at the same time by [`ask_kubelets`].
    pub in_flight: usize,
}

impl Access {
    /// Returns access without any credentials and without anybody to trust.
    pub fn new(user_agent: impl Into<String>, clock: Clock, redact: Redact) -> Self {
        Self {
            caller: None,
            unprivileged: None,
            unprivileged_granted: None,
            authorities: None,
            pins: BTreeMap::new(),
            timeouts: Timeouts::default(),
            user_agent: user_agent.into(),
            redact,
            resolve: None,
            clock,
            in_flight: IN_FLIGHT,
        }
    }
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access")
            .field("caller", &self.caller)
            .field("unprivileged", &self.unprivileged)
            .field("unprivileged_granted", &self.unprivileged_granted)
            .field("authorities", &self.authorities)
            .field("pins", &self.pins)
            .field("timeouts", &self.timeouts)
            .field("user_agent", &self.user_agent)
            .field("in_flight", &self.in_flight)
            .finish_non_exhaustive()
    }
}

/// Asks kubelets, several at a time, and returns what each answered, in the order of `targets`.
pub fn ask_kubelets(
    targets: &[Target],
    questions: Questions,
    access: &Arc<Access>,
) -> Vec<EndpointFacts> {
    match block_on(ask_all(targets, questions, access)) {
        Ok(facts) => facts,
        Err(error) => {
            let trouble = Trouble {
                cause: Cause::Unreachable,
                reason: format!("no connection can be made from here: {error}"),
            };
            let unasked = |target| unasked(target, questions, access, &trouble);
            targets.iter().map(unasked).collect()
        }
    }
}

/// Asks all kubelets, `in_flight` at a time.
async fn ask_all(
    targets: &[Target],
    questions: Questions,
    access: &Arc<Access>,
) -> Vec<EndpointFacts> {
    let mut facts: Vec<Option<EndpointFacts>> = targets.iter().map(|_| None).collect();
    let mut waiting = targets.iter().enumerate();
    let mut running = JoinSet::new();
    loop {
        while running.len() < access.in_flight.max(1)
            && let Some((index, target)) = waiting.next()
        {
            let (target, access) = (target.clone(), Arc::clone(access));
            running.spawn(async move { (index, ask(&target, questions, &access).await) });
        }
        match running.join_next().await {
            Some(Ok((index, answered))) => {
                if let Some(slot) = facts.get_mut(index) {
                    *slot = Some(answered);
                }
            }
            // A task ends early only if it panics; what it would have said is filled in below.
            Some(Err(_)) => {}
            None => break,
        }
    }
    let lost = Trouble {
        cause: Cause::Unreachable,
        reason: "asking ended early: a fault of kubeassay".to_owned(),
    };
    targets
        .iter()
        .zip(facts)
        .map(|(target, facts)| facts.unwrap_or_else(|| unasked(target, questions, access, &lost)))
        .collect()
}

/// Asks one kubelet.
///
/// At most two requests for each witness: `/configz` once; `/pods` as nobody and as the unprivileged identity; and
/// `/pods` of the read-only port. A connection that cannot be made is not tried again: what was still to be asked
/// gets the same problem.
pub(crate) async fn ask(target: &Target, questions: Questions, access: &Access) -> EndpointFacts {
    if let Some(trouble) = &target.not_asked {
        return unasked(target, questions, access, trouble);
    }
    let mut asking = Asking::new(target, access).await;
    let kept = if questions.configz {
        asking.configz().await
    } else {
        None
    };
    if questions.probe {
        asking.probe_as_nobody(kept).await;
        asking.probe_as_unprivileged().await;
        asking.probe_read_only().await;
    }
    asking.into_facts()
}

/// Returns the facts of a kubelet of which nothing is known yet.
fn blank(target: &Target) -> EndpointFacts {
    EndpointFacts {
        pid: target.pid,
        address: peer(target).authority(),
        via: Via::Direct,
        certificate: None,
        trusted: None,
        responses: Vec::new(),
    }
}

/// Returns the facts of a kubelet that was not asked, with the reason in each answer that is missing.
fn unasked(
    target: &Target,
    questions: Questions,
    access: &Access,
    trouble: &Trouble,
) -> EndpointFacts {
    let mut facts = blank(target);
    let wanted = [
        (questions.configz, Request::Configz, "/configz"),
        (questions.probe, Request::Pods, "/pods"),
    ];
    for (_, request, path) in wanted.into_iter().filter(|(wanted, ..)| *wanted) {
        facts.responses.push(Response {
            request,
            identity: Identity::Nobody,
            url: format!("https://{}{path}", facts.address),
            asked: (access.clock)(),
            status: None,
            granted: None,
            content: None,
            problem: Some(trouble.clone()),
        });
    }
    facts
}

/// Returns who is asked on the port with TLS.
fn peer(target: &Target) -> Peer {
    Peer {
        host: target.host.clone(),
        port: target.port,
    }
}
