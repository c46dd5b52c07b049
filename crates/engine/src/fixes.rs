//! Whether a finding could be fixed, and why not.

use kubeassay_core::report::{Fix, Subject};
use kubeassay_core::rule::{self, Rule};
use kubeassay_core::{Component, Horizon, Verdict};

use crate::platforms::{self, Platform};

/// How a subject was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// Its process or its service was, on the node.
    OnItsNode,
    /// Only what it, or the API, answered.
    OverTheNetwork,
}

/// Returns whether a finding of this verdict could be fixed.
///
/// Only what fails is fixed: what is unknown has to become known first.
pub(crate) fn of(
    rule: &Rule,
    subject: &Subject,
    horizon: Horizon,
    verdict: Verdict,
    seen: Seen,
    platform: Option<&Platform>,
) -> Fix {
    if verdict != Verdict::Fail {
        return Fix {
            possible: false,
            why_not: None,
            how: None,
        };
    }
    let why_not = why_not(rule, subject, horizon, seen);
    Fix {
        possible: why_not.is_none(),
        why_not,
        how: platform.and_then(|platform| how(platform, subject)),
    }
}

/// Returns where a platform wants a setting of a component of its own changed.
fn how(platform: &Platform, subject: &Subject) -> Option<String> {
    if subject.in_pod || subject.object.is_some() {
        return None;
    }
    let component = Component::parse(&subject.component)?;
    platforms::how(platform, component, subject.unit.as_ref())
}

/// Returns what is in the way of a fix. A decision comes first: it has to be taken whoever makes the change.
fn why_not(rule: &Rule, subject: &Subject, horizon: Horizon, seen: Seen) -> Option<String> {
    let said = match rule.fix() {
        Some(rule::Fix {
            decide: Some(decide),
            ..
        }) => return Some(decide.clone()),
        Some(fix) if !fix.set.is_empty() => None,
        _ => Some("the rule's page does not say which settings mend it".to_owned()),
    };
    said.or_else(|| {
        if let Some(object) = &subject.object {
            return Some(format!(
                "the {object} belongs to the cluster; only files of a node are changed"
            ));
        }
        if horizon == Horizon::Rebuild {
            return Some("it is about nodes that are not there yet".to_owned());
        }
        if subject.in_pod {
            return Some("it lives in a pod; change the workload that brings it".to_owned());
        }
        (seen == Seen::OverTheNetwork).then(|| {
            "it was only asked over the network; run kubeassay on its node, where its files are"
                .to_owned()
        })
    })
}

#[cfg(test)]
mod tests {
    use kubeassay_core::report::Subject;
    use kubeassay_core::rule::Catalogue;
    use kubeassay_core::{Horizon, Verdict};

    use super::{Seen, of};
    use crate::BUNDLED_RULES;

    const MODE: &str = "kubelet-authorization-mode";
    const CA: &str = "kubelet-client-ca-file";

    #[test]
    fn what_is_in_the_way_is_said() {
        let catalogue = Catalogue::prepared(&BUNDLED_RULES);
        let process = Subject {
            key: "/var/lib/kubelet".to_owned(),
            component: "kubelet".to_owned(),
            unit: None,
            pid: None,
            exe: None,
            cgroup: None,
            object: None,
            user: None,
            in_pod: false,
            recognised_by: Vec::new(),
        };
        let in_pod = Subject {
            in_pod: true,
            ..process.clone()
        };
        let object = Subject {
            object: Some("ConfigMap kube-system/kubelet-config".to_owned()),
            ..process.clone()
        };
        let (running, restart) = (Horizon::Running, Horizon::Restart);
        let (node, network) = (Seen::OnItsNode, Seen::OverTheNetwork);
        let fail = Verdict::Fail;
        for (rule, subject, horizon, verdict, seen, why_not) in [
            (MODE, &process, running, fail, node, ""),
            (MODE, &process, restart, fail, node, ""),
            (MODE, &process, running, Verdict::Pass, node, "(none)"),
            (MODE, &process, running, Verdict::Unknown, node, "(none)"),
            (MODE, &process, running, fail, network, "over the network"),
            (MODE, &in_pod, running, fail, node, "lives in a pod"),
            (
                MODE,
                &object,
                Horizon::Rebuild,
                fail,
                network,
                "kube-system/kubelet-config",
            ),
            (
                MODE,
                &process,
                Horizon::Rebuild,
                fail,
                node,
                "not there yet",
            ),
            (CA, &process, running, fail, node, "Which CA to name"),
            (
                CA,
                &object,
                Horizon::Rebuild,
                fail,
                network,
                "Which CA to name",
            ),
        ] {
            let rule = catalogue.get(rule).unwrap();
            let fix = of(rule, subject, horizon, verdict, seen, None);
            let case = format!("{} {horizon:?} {verdict:?} {seen:?}: {fix:?}", rule.id());
            assert_eq!(fix.possible, why_not.is_empty(), "{case}");
            match fix.why_not {
                Some(said) => assert!(said.contains(why_not), "{case}"),
                None => assert!(["", "(none)"].contains(&why_not), "{case}"),
            }
        }
    }
}
