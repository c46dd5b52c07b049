//! What is said of a component that a node does not have, or that cannot be seen from it.

use kubeassay_core::facts::{Facts, Source};
use kubeassay_core::report::Finding;
use kubeassay_core::rule::Rule;
use kubeassay_core::{Cause, Component, Verdict};

use crate::components::nameless;
use crate::finding::{self, Context};
use crate::manifests::Manifests;
use crate::platforms::{Detected, Provider};

/// Returns a finding for each of `rules`, which are about `component`, on a node where none was found.
///
/// Where no host was read nothing is said: what endpoints and the API answer tells nothing of these components.
pub(crate) fn of(
    component: Component,
    rules: &[&Rule],
    (facts, manifests): (&Facts, &Manifests),
    detected: &Detected,
    context: &Context<'_>,
) -> Vec<Finding> {
    if matches!(facts.source, Source::Cluster | Source::Endpoint) {
        return Vec::new();
    }
    let (mut verdict, mut cause, mut reason) = why(component, facts, detected);
    let platform = detected.platform;
    let never = platform.is_some_and(|platform| platform.absent(component.as_str()).is_some());
    if verdict == Verdict::NotApplicable
        && !never
        && let Some(unknown) = manifests.may_start(component)
    {
        verdict = Verdict::Unknown;
        cause = Some(unknown.cause);
        reason = format!(
            "no {component} runs on this node, but a static pod may start one: {}",
            unknown.reason
        );
    }
    rules
        .iter()
        .map(|rule| {
            let subject = nameless(component);
            finding::without_settings(rule, &subject, verdict, cause, &reason, context)
        })
        .collect()
}

/// Returns what is known of its not being there.
pub(crate) fn why(
    component: Component,
    facts: &Facts,
    detected: &Detected,
) -> (Verdict, Option<Cause>, String) {
    if let Some(provider) = detected.provider_side(component) {
        let Provider {
            name,
            reason,
            link,
            shows,
        } = provider;
        let reason =
            format!("{reason}; what {name} answers for: {link}; what {name} shows of it: {shows}");
        return (Verdict::Unknown, Some(Cause::ProviderSide), reason);
    }
    let platform = detected.platform;
    if let Some(reason) = platform.and_then(|platform| platform.absent(component.as_str())) {
        return (Verdict::NotApplicable, None, reason.to_owned());
    }
    let table = &facts.node.process_table;
    let unseen = |cause, reason: &str| (Verdict::Unknown, Some(cause), reason.to_owned());
    if table.own_namespace_only {
        return unseen(
            Cause::Denied,
            "the scan runs in a container and sees only the container's own processes; mount the host's root and run: kubeassay scan --root /host",
        );
    }
    if table.hides_others {
        return unseen(
            Cause::Denied,
            "/proc hides the processes of others (hidepid); run as root: sudo kubeassay scan",
        );
    }
    if let Some(unreadable) = table.unreadable.first() {
        return unseen(unreadable.cause, &unreadable.reason);
    }
    if !facts.complete {
        return unseen(
            Cause::Blocked,
            "the scan is incomplete, so that one may have been missed; see the problems of the report",
        );
    }
    let reason = format!(
        "no {component} runs on this node, and nothing that was found would start one; scan the nodes where it runs"
    );
    (Verdict::NotApplicable, None, reason)
}
