//! What has to hold before anything is written.
//!
//! [`observe`] looks at the node and asks the API; [`checks`] is pure and says what follows from it. A check that does
//! not concern a plan is left out; what was not looked at, or could not be, is unknown and never a pass.
//!
//! Why each is asked, and what turning `AlwaysAllow` into `Webhook` takes: `pkg/kubelet/server/auth.go` and
//! `cmd/kubelet/app/auth.go` of kubernetes/kubernetes, and the documentation's "Kubelet authentication/authorization".

mod access;
mod after;
mod below;
mod certificates;
#[cfg(test)]
pub(crate) mod fixture;
mod manifest;
mod node;
mod observe;
mod place;
mod start;
#[cfg(test)]
mod tests;

use kubeassay_core::Bytes;
use kubeassay_core::facts::Facts;
use kubeassay_core::plan::{Preflight, Readiness};

use crate::planner::{Planned, PlannedKubelet};
use crate::services::{ServiceError, UnitState};
use crate::world::{ClientName, Reach, Vouching};

pub(crate) use after::setting;
pub(crate) use below::Root;
pub use below::Unread;
pub use certificates::Certificates;
pub use observe::observe;
pub use place::{FileSystem, Found, Place};

/// The ids of all checks, in the order in which they are shown; `--accept` takes them.
pub const IDS: [&str; 11] = [
    "would-start",
    "unit",
    "kubeconfig",
    "client-ca",
    "token-webhook",
    "api-authorization",
    "kernel-defaults",
    "disk-space",
    "writable",
    "control-plane",
    "lock",
];

/// What was looked at.
#[derive(Clone, Debug, Default)]
pub struct Observations {
    /// What concerns each kubelet, in their order.
    pub kubelets: Vec<KubeletSeen>,
    /// Where each edit is written, in their order.
    pub edits: Vec<Place>,
    /// Where the journal is written.
    pub journal: Option<Place>,
    /// Whether somebody else is in the middle of a change. [`observe`] leaves that to whoever knows the journal.
    pub lock: Lock,
}

/// What was looked at for one kubelet. What was not looked at is `None`.
#[derive(Clone, Debug, Default)]
pub struct KubeletSeen {
    /// How systemd has its unit.
    pub unit: Option<Result<UnitState, ServiceError>>,
    /// Its kubeconfig.
    pub kubeconfig: Option<KubeconfigSeen>,
    /// What its client CA file holds.
    pub authorities: Option<Result<Certificates, Unread>>,
    /// The API server that it starts as a static pod.
    pub api_server: Option<ApiServerSeen>,
    /// Whether that API server may do each of [`VERBS`] on `nodes/proxy`; `None` where the API may not be asked.
    pub may: Option<Vec<(&'static str, Result<bool, String>)>>,
    /// The kernel's settings, as they are: name, and text or why not.
    pub kernel: Vec<(&'static str, Result<String, Unread>)>,
    /// How many others of the control plane are ready; `None` where the API may not be asked.
    pub others: Option<Result<usize, String>>,
}

/// What the API server does on `nodes/proxy`: `get` for logs, `create` for exec.
pub const VERBS: [&str; 2] = ["get", "create"];

/// What was seen of a kubeconfig.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KubeconfigSeen {
    /// It was not read.
    Unread(Unread),
    /// It is there, and the network may not be asked.
    There,
    /// The API server that it names was asked.
    Asked(Reach),
}

/// What was seen of the API server of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApiServerSeen {
    /// The node has no static pod of one.
    None,
    /// Whether there is one is not known: a sentence.
    Unknown(String),
    /// There is one.
    Here {
        /// Its manifest.
        manifest: Bytes,
        /// The certificate that it shows to kubelets; none where it shows none. The error is a sentence.
        client: Result<Option<ClientSeen>, String>,
    },
}

/// What was seen of the certificate that an API server shows to kubelets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientSeen {
    /// Its file.
    pub path: Bytes,
    /// Whom it names; the error is a part of a sentence about it.
    pub name: Result<ClientName, String>,
    /// Whether the authorities of the kubelet vouch for it; none where those were not read.
    pub vouching: Option<Vouching>,
    /// Nothing follows it in its file: no authority between.
    pub alone: bool,
}

/// Whether somebody else is in the middle of a change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Lock {
    /// It was not looked at.
    #[default]
    NotLookedAt,
    /// Nobody is.
    Free,
    /// Somebody is, or was and did not end it: a sentence.
    Held(String),
}

/// How a check came out, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Outcome {
    readiness: Readiness,
    /// A sentence; where it is not a pass, with what to do.
    reason: String,
}

impl Outcome {
    const fn pass(reason: String) -> Self {
        let readiness = Readiness::Pass;
        Self { readiness, reason }
    }

    const fn fail(reason: String) -> Self {
        let readiness = Readiness::Fail;
        Self { readiness, reason }
    }

    const fn unknown(reason: String) -> Self {
        let readiness = Readiness::Unknown;
        Self { readiness, reason }
    }
}

/// Returns the outcome that counts: the first that fails, else the first that is unknown, else the first.
fn worst(outcomes: impl IntoIterator<Item = Outcome>) -> Option<Outcome> {
    let rank = |outcome: &Outcome| match outcome.readiness {
        Readiness::Fail => 0,
        Readiness::Unknown => 1,
        Readiness::Pass => 2,
    };
    outcomes.into_iter().min_by_key(rank)
}

/// A kubelet of a plan with what was seen of it.
#[derive(Clone, Copy)]
struct Looked<'a> {
    kubelet: &'a PlannedKubelet,
    seen: &'a KubeletSeen,
    facts: &'a Facts,
}

/// Returns every check that concerns `planned`, in the order of [`IDS`]; `accepted` are the ids of those that may stay
/// unknown.
pub fn checks(
    planned: &Planned,
    facts: &Facts,
    seen: &Observations,
    accepted: &[String],
) -> Vec<Preflight> {
    if !planned.plan.has_changes() {
        return Vec::new();
    }
    let nothing = KubeletSeen::default();
    let kubelets: Vec<Looked<'_>> = planned
        .kubelets
        .iter()
        .enumerate()
        .map(|(index, kubelet)| Looked {
            kubelet,
            seen: seen.kubelets.get(index).unwrap_or(&nothing),
            facts,
        })
        .collect();
    let several = kubelets.len() > 1;
    let each = |check: fn(Looked<'_>) -> Option<Outcome>| {
        let outcomes = kubelets.iter().filter_map(|looked| {
            let mut outcome = check(*looked)?;
            if several {
                let subject = kubeassay_core::text::escape(&looked.kubelet.subject);
                outcome.reason = format!("kubelet {subject}: {}", outcome.reason);
            }
            Some(outcome)
        });
        worst(outcomes)
    };
    let (plan, edits, journal) = (&planned.plan, &seen.edits, seen.journal.as_ref());
    let outcomes = [
        each(|looked| Some(start::would_start(looked))),
        each(|looked| Some(start::unit(looked))),
        each(access::kubeconfig),
        each(access::client_ca),
        each(access::token_webhook),
        each(access::api_authorization),
        each(start::kernel_defaults),
        Some(place::room(plan, edits, journal)),
        Some(place::writable(plan, edits, journal)),
        each(node::control_plane),
        Some(node::lock(&seen.lock)),
    ];
    IDS.into_iter()
        .zip(outcomes)
        .filter_map(|(id, outcome)| {
            let Outcome { readiness, reason } = outcome?;
            let accepted = accepted.iter().any(|accepted| accepted == id);
            Some(Preflight {
                id: id.to_owned(),
                readiness,
                reason,
                accepted: accepted && readiness == Readiness::Unknown,
            })
        })
        .collect()
}
