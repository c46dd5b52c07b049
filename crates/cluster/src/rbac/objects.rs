//! What it takes to read the objects of a cluster: the lists of `core::facts::objects`, and why each.

use kubeassay_core::facts::objects::{COUNTED, IN_DEFAULT, Kind, LISTS, Means};

use super::{Object, Permission, Scope, lines};

/// The first minor whose API server tells all resources at once (`AggregatedDiscoveryEndpoint`, beta and on since 1.27).
const AGGREGATED_SINCE: u32 = 27;

/// Returns all of it, those of the cluster first.
pub(super) fn permissions(minor: u32) -> Vec<Permission> {
    let mut permissions: Vec<Permission> = LISTS
        .iter()
        // They are listed for their own sake.
        .filter(|listing| listing.kind != Kind::Nodes)
        .map(|listing| {
            let why = why(listing.kind);
            list(Scope::Cluster, listing.group, listing.resource, why)
        })
        .collect();
    // By group within each purpose: one rule for each.
    let order = |means: &Means| match means {
        Means::NetworkPolicy => 0,
        Means::SecretStore => 1,
        Means::ImageVerifier(_) => 2,
    };
    let mut counted: Vec<_> = COUNTED.iter().collect();
    counted.sort_by_key(|one| order(&one.means));
    permissions.extend(counted.into_iter().map(|one| {
        let why = match one.means {
            Means::NetworkPolicy => COUNT_POLICIES,
            Means::SecretStore => COUNT_STORES,
            Means::ImageVerifier(_) => COUNT_VERIFIERS,
        };
        list(Scope::Cluster, one.group, one.resource, why)
    }));
    let mut paths = vec!["/api", "/apis"];
    if minor < AGGREGATED_SINCE {
        paths.extend(["/api/v1", "/apis/*"]);
    }
    permissions.extend(paths.into_iter().map(|path| Permission {
        scope: Scope::Cluster,
        verb: "get",
        object: Object::Path(path),
        reason: lines(DISCOVERY),
    }));
    // What the cluster's role lists everywhere need not be granted for one namespace again.
    let everywhere = |group: &str, resource: &str| {
        LISTS
            .iter()
            .any(|it| (it.group, it.resource) == (group, resource))
    };
    permissions.extend(
        IN_DEFAULT
            .iter()
            .filter(|one| !everywhere(one.group, one.resource))
            .map(|one| list(Scope::Default, one.group, one.resource, OF_DEFAULT)),
    );
    permissions
}

fn list(
    scope: Scope,
    group: &'static str,
    resource: &'static str,
    why: &'static [&'static str],
) -> Permission {
    Permission {
        scope,
        verb: "list",
        object: Object::Resource {
            group,
            resource,
            names: Vec::new(),
        },
        reason: lines(why),
    }
}

const COUNT_POLICIES: &[&str] = &[
    "How many policies for the network there are of other makers' kinds, by namespace. Only metadata is asked for.",
];
const COUNT_STORES: &[&str] = &[
    "Whether secrets come from a store outside the cluster: how many such objects there are. Only metadata is asked",
    "for. They name secrets, and hold none in clear text.",
];
const COUNT_VERIFIERS: &[&str] = &[
    "Whether signatures of images are asked for: how many such policies there are. Only metadata is asked for.",
];
const DISCOVERY: &[&str] = &[
    "Which kinds there are, so that nothing is asked for that is not. No object can be read by it. Everybody may do so",
    "by default (system:discovery).",
];
const OF_DEFAULT: &[&str] = &[
    "What lies in the namespace default, where nothing of a site's should. Names alone are asked for, but RBAC knows no",
    "permission for that: whoever has this may read the objects there, and what a ConfigMap there says.",
];

/// Why a list is read.
const fn why(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Namespaces => &[
            "Which namespaces there are, and which level of pod security their labels enforce. Only metadata is asked for.",
        ],
        Kind::Roles | Kind::ClusterRoles | Kind::RoleBindings | Kind::ClusterRoleBindings => {
            &["Who may do what. Nothing here is secret, but it tells whom to attack."]
        }
        Kind::ServiceAccounts => &[
            "Which accounts there are, and whether pods have their tokens mounted unasked. No token can be read by it.",
        ],
        Kind::Pods => &[
            "How pods are kept apart from their node and from each other. Beware: whoever has this may read the values of",
            "environment variables and the arguments of every pod. kubeassay drops them as they come.",
        ],
        Kind::Deployments
        | Kind::StatefulSets
        | Kind::DaemonSets
        | Kind::ReplicaSets
        | Kind::Jobs
        | Kind::CronJobs => &[
            "The same of what pods are made from, whether or not one runs now. Beware of the same.",
        ],
        Kind::NetworkPolicies => &["Which namespaces have a policy for the network."],
        Kind::ValidatingWebhooks
        | Kind::MutatingWebhooks
        | Kind::AdmissionPolicies
        | Kind::AdmissionPolicyBindings => {
            &["What refuses pods before they run, and for which namespaces."]
        }
        Kind::SigningRequests => &[
            "Who was given a certificate of a client, which nobody can take back. Certificates are in it, keys are not.",
        ],
        Kind::Resources | Kind::InDefault | Kind::Nodes => &[],
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::{Object, Plan, Scope, permissions};

    fn plan(minor: u32, objects: bool) -> Plan {
        Plan {
            minor,
            via_proxy: false,
            mending: false,
            objects,
        }
    }

    #[test]
    fn nothing_is_granted_that_need_not_be() {
        for minor in [20, 26, 27, 36] {
            let mut seen = BTreeSet::new();
            for permission in permissions(plan(minor, true)) {
                assert!(!permission.reason.concat().is_empty(), "{permission:?}");
                let name = match &permission.object {
                    Object::Resource {
                        group,
                        resource,
                        names,
                    } => {
                        for word in [group, resource] {
                            assert!(!word.contains('*'), "{permission:?}");
                        }
                        assert!(!["secrets", "events"].contains(resource), "{permission:?}");
                        format!("{group} {resource} {names:?}")
                    }
                    // Whatever is there is no object: those are resources, of which another rule decides.
                    Object::Path(path) => {
                        assert!(!path.contains('*') || (minor < 27 && *path == "/apis/*"));
                        (*path).to_owned()
                    }
                };
                let place = (permission.scope == Scope::Default, permission.verb, name);
                assert!(seen.insert(place), "twice: {permission:?}");
            }
        }
    }

    #[test]
    fn nodes_alone_take_none_of_it() {
        let nodes = permissions(plan(36, false));
        assert!(nodes.iter().all(|one| one.scope != Scope::Default));
        let lists: Vec<_> = nodes.iter().filter(|one| one.verb == "list").collect();
        assert_eq!(lists.len(), 1, "{lists:?}");
        // And what is for objects does not take anything away.
        let all = permissions(plan(36, true));
        assert!(nodes.iter().all(|one| all.contains(one)));
    }
}
