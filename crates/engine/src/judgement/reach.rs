//! How far a node was scanned, and why nothing of it was judged.

use kubeassay_core::facts::{Facts, Problem as FactsProblem, Request, Response, Source};
use kubeassay_core::report::{Coverage, NodeStatus};
use kubeassay_core::{Cause, Component};

use super::problems::advised;
use crate::instances::Instance;
use crate::kubelets::Kubelets;

/// Distributions whose kubelet is no process of its own.
const EMBEDDING: [&str; 3] = ["k3s", "microk8s", "microshift"];

/// Why nothing was judged on a node.
pub(super) struct Nothing {
    pub(super) cause: Cause,
    /// One sentence, with what to do next.
    pub(super) reason: String,
    /// A kubelet must be there and was not seen, so every rule is unknown; else there is none.
    pub(super) unseen: bool,
}

/// Returns how far a node was scanned, and why not farther.
pub(super) fn reached(
    facts: &Facts,
    kubelets: &Kubelets<'_>,
    nothing: Option<&Nothing>,
) -> (NodeStatus, Option<Cause>) {
    let unreadable = &facts.node.process_table.unreadable;
    let partial = !facts.complete || kubelets.undecided || !unreadable.is_empty();
    match nothing {
        Some(Nothing {
            unseen: true,
            cause,
            ..
        }) => {
            let status = match cause {
                Cause::Unsupported => NodeStatus::Unsupported,
                _ => NodeStatus::Partial,
            };
            (status, Some(*cause))
        }
        _ if is_of_the_network(facts) => answered(facts),
        _ if !facts.complete => (NodeStatus::Partial, Some(why_incomplete(facts))),
        _ if partial => {
            let unreadable = unreadable.first();
            let cause = unreadable.map_or(Cause::ParseError, |unreadable| unreadable.cause);
            (NodeStatus::Partial, Some(cause))
        }
        _ => (NodeStatus::Scanned, None),
    }
}

/// Returns whether nothing but endpoints was asked.
fn is_of_the_network(facts: &Facts) -> bool {
    matches!(facts.source, Source::Cluster | Source::Endpoint)
}

/// Returns how far a node was scanned of which only endpoints were asked.
fn answered(facts: &Facts) -> (NodeStatus, Option<Cause>) {
    let responses = || {
        facts
            .endpoints
            .iter()
            .flat_map(|endpoint| &endpoint.responses)
    };
    let of_configz = |response: &&Response| response.request == Request::Configz;
    // The read-only port had better not answer.
    let of_probe = |response: &&Response| response.request == Request::Pods;
    let lacking = responses()
        .filter(|response| of_configz(response) || of_probe(response))
        .find_map(|response| response.problem.as_ref());
    let asked = responses().next().is_some();
    match lacking {
        None if asked && facts.complete => (NodeStatus::Scanned, None),
        None => (NodeStatus::Unreachable, Some(Cause::Unreachable)),
        Some(trouble) => {
            let reached = responses().any(|response| response.status.is_some());
            let status = if reached {
                NodeStatus::Partial
            } else {
                NodeStatus::Unreachable
            };
            (status, Some(trouble.cause))
        }
    }
}

pub(super) const fn count_node(coverage: &mut Coverage, status: NodeStatus) {
    coverage.nodes += 1;
    let slot = match status {
        NodeStatus::Scanned => &mut coverage.scanned,
        NodeStatus::Partial => &mut coverage.partial,
        NodeStatus::Unreachable => &mut coverage.unreachable,
        NodeStatus::Unsupported => &mut coverage.unsupported,
    };
    *slot += 1;
}

/// Returns why not all was read: what was said last of what makes facts incomplete, or the time limit.
fn why_incomplete(facts: &Facts) -> Cause {
    let causes = facts.problems.iter().map(|problem| problem.cause);
    let known = [Cause::Vanished, Cause::TooLarge, Cause::Blocked];
    let mut causes = causes.filter(|cause| known.contains(cause));
    // What runs could not be listed.
    let table =
        |problem: &&FactsProblem| problem.path.as_ref().is_some_and(|path| *path == "/proc");
    let table = facts.problems.iter().find(table);
    let of_table = table.map_or(Cause::Blocked, |problem| problem.cause);
    causes.next_back().unwrap_or(of_table)
}

/// Returns why nothing of this node was judged, if nothing was.
pub(super) fn nothing(
    facts: &Facts,
    kubelets: &Kubelets<'_>,
    include_pods: bool,
) -> Option<Nothing> {
    let object = facts.node.object.as_ref();
    if let Some(reason) = object.and_then(|object| object.unsupported.as_ref()) {
        return Some(Nothing {
            cause: Cause::Unsupported,
            reason: format!("this node cannot be scanned: {reason}"),
            unseen: true,
        });
    }
    let judged = kubelets
        .found
        .iter()
        .any(|kubelet| !kubelet.is_idle() && (include_pods || !kubelet.subject.in_pod));
    if !judged && is_of_the_network(facts) {
        let first = facts.problems.first();
        return Some(Nothing {
            cause: first.map_or(Cause::Unreachable, |problem| problem.cause),
            reason: first.map_or_else(
                || "the node was not reached: nothing of it was asked".to_owned(),
                |problem| problem.reason.clone(),
            ),
            unseen: true,
        });
    }
    let table = &facts.node.process_table;
    // Where a kubelet was found, only one that is part of another program can be missing.
    let running = facts.node.distributions.iter().find(|distribution| {
        let inside = |kubelet: &Instance<'_>| {
            let process = kubelet.process;
            process.is_some_and(|process| process.component == Component::Distribution)
        };
        let embeds = EMBEDDING.contains(&distribution.id.as_str());
        let resolved = kubelets.found.iter().any(inside);
        distribution.running && (!judged || (embeds && !resolved))
    });
    if judged && running.is_none() {
        return None;
    }
    let unseen = |cause, reason: String| {
        Some(Nothing {
            cause,
            reason,
            unseen: true,
        })
    };
    if let Some(distribution) =
        running.or_else(|| facts.node.distributions.first().filter(|_| !judged))
    {
        let id = &distribution.id;
        return unseen(
            Cause::Unsupported,
            format!(
                "{id} is here and brings a kubelet of its own, which this version cannot judge where it is part of another program or does not run; ask the kubelet itself: kubectl get --raw /api/v1/nodes/NODE/proxy/configz"
            ),
        );
    }
    if table.own_namespace_only {
        return unseen(
            Cause::Denied,
            "the scan runs in a container and sees only the container's own processes; mount the host's root and run: kubeassay scan --root /host".to_owned(),
        );
    }
    if table.hides_others {
        return unseen(
            Cause::Denied,
            "/proc hides the processes of others (hidepid), and no kubelet was seen; run as root: sudo kubeassay scan".to_owned(),
        );
    }
    if let Some(unreadable) = table.unreadable.first() {
        return unseen(
            unreadable.cause,
            advised(unreadable, "run as root: sudo kubeassay scan"),
        );
    }
    if kubelets.undecided {
        let reason = kubelets
            .problems
            .first()
            .map_or_else(String::new, |problem| problem.reason.clone());
        return unseen(Cause::ParseError, reason);
    }
    if !facts.complete {
        return unseen(
            Cause::Blocked,
            "the time limit was reached before a kubelet was seen; give it more: kubeassay scan --timeout 5m".to_owned(),
        );
    }
    // What a service would start is judged for that.
    if kubelets.found.iter().any(Instance::is_idle) {
        return None;
    }
    let reason = if kubelets.found.is_empty() {
        "nothing was judged: there is no kubelet on this host; try kubeassay scan --demo, or name a host with --root"
    } else {
        "nothing was judged: the only kubelets here run inside workloads; count them with --include-pods"
    };
    Some(Nothing {
        cause: Cause::Missing,
        reason: reason.to_owned(),
        unseen: false,
    })
}
