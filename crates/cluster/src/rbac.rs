//! The least RBAC: every permission that kubeassay makes use of, by version, and why.
//!
//! Whatever `api.rs` and `kubelet.rs` ask for, and `publish.rs` writes, stands here, and nothing else; the stand-in API server of the tests
//! refuses what does not. How kubelets authorize their paths: `GetRequestAttributes` in
//! `pkg/kubelet/server/auth.go` of kubernetes/kubernetes.

mod objects;

use crate::publish::Resource;

/// The first minor whose kubelets authorize `/configz` by itself (`KubeletFineGrainedAuthz`, beta and on since 1.33);
/// before that it takes `nodes/proxy`.
pub const FINE_GRAINED_SINCE: u32 = 33;
/// The first minor whose kubeadm writes one `ConfigMap` for all versions (`UnversionedKubeletConfigMap`, on since 1.24).
const ONE_CONFIG_MAP_SINCE: u32 = 24;
/// The namespace of kubeadm's `ConfigMap`, and the one whose UID names a cluster.
pub const KUBE_SYSTEM: &str = "kube-system";
/// The namespace in which nothing of a site's should be.
const DEFAULT: &str = "default";
/// The `ConfigMap` of kubeadm.
const KUBELET_CONFIG: &str = "kubelet-config";

/// What is to be allowed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The minor of the cluster.
    pub minor: u32,
    /// Kubelets are asked through the API server instead of directly.
    pub via_proxy: bool,
    /// The API is asked about a node that is mended, too.
    pub mending: bool,
    /// The objects of the cluster are read, too.
    pub objects: bool,
}

/// Where a permission holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// In the whole cluster: a rule of a `ClusterRole`.
    Cluster,
    /// In the namespace [`KUBE_SYSTEM`]: a rule of a `Role`.
    KubeSystem,
    /// In the namespace `default`: a rule of a `Role`.
    Default,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 3] = [Self::Cluster, Self::KubeSystem, Self::Default];

    /// Returns the only namespace in which it holds.
    pub const fn namespace(self) -> Option<&'static str> {
        match self {
            Self::Cluster => None,
            Self::KubeSystem => Some(KUBE_SYSTEM),
            Self::Default => Some(DEFAULT),
        }
    }
}

/// What a permission is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Object {
    /// A resource of the API, with its subresource, such as `nodes/configz`.
    Resource {
        /// Its API group; empty for the core one.
        group: &'static str,
        /// What it is called.
        resource: &'static str,
        /// The only objects that it is for; all if none is named.
        names: Vec<String>,
    },
    /// A path that is no resource.
    Path(&'static str),
}

/// One permission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permission {
    /// Where it holds.
    pub scope: Scope,
    /// The verb.
    pub verb: &'static str,
    /// What for.
    pub object: Object,
    /// Why, in sentences for whoever has to grant it; a line each.
    pub reason: Vec<String>,
}

/// Returns every permission that is needed, each once.
pub fn permissions(plan: Plan) -> Vec<Permission> {
    let mut permissions = vec![
        Permission {
            scope: Scope::Cluster,
            verb: "list",
            object: core("nodes", &[]),
            reason: lines(&[
                "Which nodes there are, where their kubelets listen and of what version they are.",
            ]),
        },
        configz(plan),
        Permission {
            scope: Scope::Cluster,
            verb: "get",
            object: core("namespaces", &[KUBE_SYSTEM]),
            reason: lines(&["The UID of this namespace names the cluster in reports."]),
        },
        Permission {
            scope: Scope::Cluster,
            verb: "create",
            object: Object::Resource {
                group: "authorization.k8s.io",
                resource: "selfsubjectaccessreviews",
                names: Vec::new(),
            },
            reason: lines(&[
                "What its own credentials may do: a token that may do more than this is not sent to nodes. Nothing is",
                "stored. Everybody may do so by default (system:basic-user).",
            ]),
        },
        Permission {
            scope: Scope::Cluster,
            verb: "get",
            object: Object::Path("/version"),
            reason: lines(&[
                "The cluster's version. Everybody may read it by default (system:public-info-viewer).",
            ]),
        },
        Permission {
            scope: Scope::KubeSystem,
            verb: "get",
            object: Object::Resource {
                group: "",
                resource: "configmaps",
                names: config_maps(Some(plan.minor)),
            },
            reason: lines(&[
                "kubeadm's configuration for new and upgraded kubelets: the rebuild horizon.",
            ]),
        },
    ];
    if plan.mending {
        permissions.push(Permission {
            scope: Scope::Cluster,
            verb: "create",
            object: Object::Resource {
                group: "authorization.k8s.io",
                resource: "subjectaccessreviews",
                names: Vec::new(),
            },
            reason: lines(&[
                "Whether the API server may use nodes/proxy, before a kubelet begins to ask about it (kubeassay fix). It",
                "tells what anybody may do, and stores nothing.",
            ]),
        });
    }
    if plan.objects {
        permissions.extend(objects::permissions(plan.minor));
    }
    permissions
}

/// Returns every permission that publishing reports takes, each once. Whoever scans needs none of them: a token that may
/// write is never to be sent to nodes.
pub fn publishing() -> Vec<Permission> {
    let mut permissions = vec![
        Permission {
            scope: Scope::Cluster,
            verb: "get",
            object: core("nodes", &[]),
            reason: lines(&[
                "The UID of the node that a report is about, so that its object goes with it, and its machine id, so that it is",
                "no other's.",
            ]),
        },
        Permission {
            scope: Scope::Cluster,
            verb: "get",
            object: core("namespaces", &[KUBE_SYSTEM]),
            reason: lines(&[
                "The UID of this namespace names the cluster in reports: those of another are not written.",
            ]),
        },
    ];
    permissions.extend(Resource::ALL.map(|resource| Permission {
        scope: Scope::Cluster,
        verb: "get",
        object: Object::Path(resource.path()),
        reason: lines(&[
            "Which kind of report this cluster knows. Everybody may do so by default (system:discovery).",
        ]),
    }));
    for resource in Resource::ALL {
        for (verb, why) in [
            (
                "get",
                "What is there already: what a later scan said, or somebody else wrote, stays.",
            ),
            (
                "create",
                "The objects that are written, by server-side apply, which takes both of these. None is deleted.",
            ),
            (
                "patch",
                "The objects that are written, by server-side apply, which takes both of these. None is deleted.",
            ),
        ] {
            permissions.push(Permission {
                scope: Scope::Cluster,
                verb,
                object: Object::Resource {
                    group: resource.group(),
                    resource: resource.plural(),
                    names: Vec::new(),
                },
                reason: lines(&[why]),
            });
        }
    }
    permissions
}

/// What reading `/configz` takes.
fn configz(plan: Plan) -> Permission {
    let (resource, reason): (_, &[&str]) = if plan.via_proxy {
        (
            "nodes/proxy",
            &[
                "The kubelets' running configuration, through the API server (--via-proxy). The API server knows no",
                "finer permission for this. Beware: it is far more than reading. Whoever has it and reaches a node can",
                "run commands in every pod there, through a WebSocket that opens with GET.",
            ],
        )
    } else if plan.minor >= FINE_GRAINED_SINCE {
        (
            "nodes/configz",
            &[
                "The kubelets' running configuration, from the kubelets themselves. A kubelet older than 1.33 asks for",
                "nodes/proxy instead: print this for its version if there are such nodes.",
            ],
        )
    } else {
        (
            "nodes/proxy",
            &[
                "The kubelets' running configuration, from the kubelets themselves. Until 1.32 a kubelet knows no finer",
                "permission for this. Beware: it is far more than reading. Whoever has it and reaches a node can run",
                "commands in every pod there, through a WebSocket that opens with GET. For that reason kubeassay sends",
                "no token that has it to a node: bind it to the user of a client certificate, or scan --via-proxy.",
            ],
        )
    };
    Permission {
        scope: Scope::Cluster,
        verb: "get",
        object: core(resource, &[]),
        reason: lines(reason),
    }
}

/// Returns the names of the `ConfigMap`s in which kubeadm of a cluster of `minor` keeps its configuration of kubelets;
/// where the minor is not known, the one that has been in use since 1.24.
pub fn config_maps(minor: Option<u32>) -> Vec<String> {
    let mut names = vec![KUBELET_CONFIG.to_owned()];
    if let Some(minor) = minor.filter(|minor| *minor < ONE_CONFIG_MAP_SINCE) {
        names.push(format!("{KUBELET_CONFIG}-1.{minor}"));
    }
    names
}

/// A right that makes a token too dangerous to be sent to nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Harm {
    /// The verb.
    pub verb: &'static str,
    /// The resource of the core group.
    pub resource: &'static str,
    /// The subresource; empty if it is the resource itself.
    pub subresource: &'static str,
}

/// The rights that no token sent to a node may have, everywhere or in `kube-system`: every node that receives it can use
/// it. Each gives credentials, or a process on a node.
pub const HARMS: [Harm; 10] = [
    harm("get", "nodes", "proxy"),
    harm("create", "nodes", "proxy"),
    harm("get", "secrets", ""),
    harm("list", "secrets", ""),
    harm("create", "pods", "exec"),
    harm("get", "pods", "exec"),
    harm("watch", "secrets", ""),
    harm("create", "pods", ""),
    harm("create", "serviceaccounts", "token"),
    harm("impersonate", "users", ""),
];

/// What lets somebody read `/pods` of a kubelet; one of them is enough.
pub const READ_PODS: [Harm; 2] = [harm("get", "nodes", "pods"), harm("get", "nodes", "proxy")];

const fn harm(verb: &'static str, resource: &'static str, subresource: &'static str) -> Harm {
    Harm {
        verb,
        resource,
        subresource,
    }
}

fn core(resource: &'static str, names: &[&str]) -> Object {
    Object::Resource {
        group: "",
        resource,
        names: names.iter().map(|name| (*name).to_owned()).collect(),
    }
}

fn lines(lines: &[&str]) -> Vec<String> {
    lines.iter().map(|line| (*line).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::{Object, Plan, config_maps, permissions};

    #[test]
    fn asking_about_others_is_for_mending_alone() {
        for mending in [false, true] {
            let plan = Plan {
                minor: 36,
                via_proxy: false,
                mending,
                objects: false,
            };
            let asks = permissions(plan).iter().any(|permission| {
                matches!(permission.object, Object::Resource { resource, .. } if resource == "subjectaccessreviews")
            });
            assert_eq!(asks, mending);
        }
    }

    #[test]
    fn configz_takes_what_the_version_knows() {
        for (minor, via_proxy, expected) in [
            (36, false, "nodes/configz"),
            (33, false, "nodes/configz"),
            (32, false, "nodes/proxy"),
            (20, false, "nodes/proxy"),
            (36, true, "nodes/proxy"),
            (20, true, "nodes/proxy"),
        ] {
            let plan = Plan {
                minor,
                via_proxy,
                mending: false,
                objects: true,
            };
            let of_nodes: Vec<_> = permissions(plan)
                .into_iter()
                .filter_map(|permission| match permission.object {
                    Object::Resource { resource, .. } if resource.starts_with("nodes/") => {
                        Some((permission.verb, resource, permission.reason.concat()))
                    }
                    _ => None,
                })
                .collect();
            let [(verb, resource, reason)] = of_nodes.as_slice() else {
                panic!("{plan:?}: {of_nodes:?}");
            };
            assert_eq!((*verb, *resource), ("get", expected), "{plan:?}");
            assert_eq!(reason.contains("WebSocket"), expected == "nodes/proxy");
        }
    }

    #[test]
    fn kubeadm_kept_a_config_map_for_each_version_until_1_23() {
        assert_eq!(config_maps(Some(24)), ["kubelet-config"]);
        assert_eq!(config_maps(None), ["kubelet-config"]);
        assert_eq!(
            config_maps(Some(23)),
            ["kubelet-config", "kubelet-config-1.23"]
        );
    }
}
