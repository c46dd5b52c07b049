//! What is watched: requests that make somebody more than they seem.

/// Requests of one group of the API, any of which is the capability.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grant {
    /// The setting of a holder that tells it.
    pub(crate) capability: &'static str,
    pub(crate) group: &'static str,
    /// With their subresource.
    pub(crate) resources: &'static [&'static str],
    pub(crate) verbs: &'static [&'static str],
    /// The request can be made in one namespace, so that a role binding can grant it.
    pub(crate) namespaced: bool,
}

impl Grant {
    /// Returns whether a creation is of something with a name already: a subresource, or a verb of RBAC's own.
    pub(crate) fn has_name(&self) -> bool {
        self.resources.iter().any(|resource| resource.contains('/'))
    }
}

const RBAC: &str = "rbac.authorization.k8s.io";
const CERTIFICATES: &str = "certificates.k8s.io";
const ADMISSION: &str = "admissionregistration.k8s.io";
const AUTHENTICATION: &str = "authentication.k8s.io";
const CHANGES: &[&str] = &["create", "update", "patch", "delete", "deletecollection"];
/// Pods are created of what these change to as well.
const CREATES: &[&str] = &["create", "update", "patch"];

const fn grant(
    capability: &'static str,
    group: &'static str,
    resources: &'static [&'static str],
    verbs: &'static [&'static str],
    namespaced: bool,
) -> Grant {
    Grant {
        capability,
        group,
        resources,
        verbs,
        namespaced,
    }
}

/// Every grant that is watched. `approveRequests` and `approveSigners` are the two halves of `approveCertificates`.
pub(crate) const CAPABILITIES: &[Grant] = &[
    // Everything: a copy of cluster-admin under another name; in one namespace it is everything there.
    grant("clusterAdmin", "*", &["*"], &["*"], false),
    grant(
        "readSecrets",
        "",
        &["secrets"],
        &["get", "list", "watch"],
        true,
    ),
    grant("createPods", "", &["pods"], &["create"], true),
    grant(
        "createWorkloads",
        "",
        &["replicationcontrollers"],
        CREATES,
        true,
    ),
    grant(
        "createWorkloads",
        "apps",
        &["deployments", "daemonsets", "statefulsets", "replicasets"],
        CREATES,
        true,
    ),
    grant(
        "createWorkloads",
        "batch",
        &["jobs", "cronjobs"],
        CREATES,
        true,
    ),
    // Binding a ClusterRole in a namespace is asked for in that namespace (`BindingAuthorized`).
    grant("bind", RBAC, &["roles", "clusterroles"], &["bind"], true),
    grant("escalate", RBAC, &["roles"], &["escalate"], true),
    grant("escalate", RBAC, &["clusterroles"], &["escalate"], false),
    grant(
        "impersonate",
        "",
        &["serviceaccounts"],
        &["impersonate"],
        true,
    ),
    grant(
        "impersonate",
        "",
        &["users", "groups"],
        &["impersonate"],
        false,
    ),
    grant(
        "impersonate",
        AUTHENTICATION,
        &["uids"],
        &["impersonate"],
        false,
    ),
    // Constrained impersonation (1.35 and later).
    grant(
        "impersonate",
        AUTHENTICATION,
        &["users", "groups", "nodes"],
        &[
            "impersonate:user-info",
            "impersonate:arbitrary-node",
            "impersonate:associated-node",
        ],
        false,
    ),
    grant(
        "impersonate",
        AUTHENTICATION,
        &["serviceaccounts"],
        &["impersonate:serviceaccount"],
        true,
    ),
    grant(
        "createPersistentVolumes",
        "",
        &["persistentvolumes"],
        &["create"],
        false,
    ),
    grant(
        "nodesProxy",
        "",
        &["nodes/proxy"],
        &["get", "create", "update", "patch", "delete"],
        false,
    ),
    grant(
        "approveRequests",
        CERTIFICATES,
        &["certificatesigningrequests/approval"],
        &["update", "patch"],
        false,
    ),
    grant(
        "approveSigners",
        CERTIFICATES,
        &["signers"],
        &["approve"],
        false,
    ),
    grant(
        "changeWebhooks",
        ADMISSION,
        &[
            "validatingwebhookconfigurations",
            "mutatingwebhookconfigurations",
        ],
        CHANGES,
        false,
    ),
    grant(
        "changeAdmissionPolicies",
        ADMISSION,
        &[
            "validatingadmissionpolicies",
            "validatingadmissionpolicybindings",
            "mutatingadmissionpolicies",
            "mutatingadmissionpolicybindings",
        ],
        CHANGES,
        false,
    ),
    grant(
        "mintTokens",
        "",
        &["serviceaccounts/token"],
        &["create"],
        true,
    ),
];
