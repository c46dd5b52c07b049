//! What is asked of a cluster's API: lists of objects, and resources of which only the number counts.
//!
//! Never Secrets, in no form. Resources and versions are those of `k8s.io/api` and of the projects that are named.

use super::Kind;

/// A list that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listing {
    /// The list.
    pub kind: Kind,
    /// Where all namespaces together are listed.
    pub path: &'static str,
    /// Its API group; empty for the core one.
    pub group: &'static str,
    /// Its resource.
    pub resource: &'static str,
    /// The kind of its objects, such as `Pod`.
    pub object: &'static str,
    /// Its objects are in namespaces.
    pub namespaced: bool,
    /// Nothing but the metadata of its objects is read, so that nothing else is asked for.
    pub metadata_only: bool,
    /// An API server that does not know it answers 404: there are none of it then. From all others it is an error.
    pub optional: bool,
}

const RBAC: &str = "rbac.authorization.k8s.io";
const ADMISSION: &str = "admissionregistration.k8s.io";

const fn of(
    kind: Kind,
    path: &'static str,
    group: &'static str,
    resource: &'static str,
    object: &'static str,
    namespaced: bool,
) -> Listing {
    Listing {
        kind,
        path,
        group,
        resource,
        object,
        namespaced,
        metadata_only: false,
        optional: false,
    }
}

/// Every list, one for each [`Kind`] but [`Kind::Resources`] (discovery) and [`Kind::InDefault`] ([`IN_DEFAULT`]).
pub const LISTS: &[Listing] = &[
    Listing {
        metadata_only: true,
        ..of(
            Kind::Namespaces,
            "/api/v1/namespaces",
            "",
            "namespaces",
            "Namespace",
            false,
        )
    },
    of(
        Kind::Roles,
        "/apis/rbac.authorization.k8s.io/v1/roles",
        RBAC,
        "roles",
        "Role",
        true,
    ),
    of(
        Kind::ClusterRoles,
        "/apis/rbac.authorization.k8s.io/v1/clusterroles",
        RBAC,
        "clusterroles",
        "ClusterRole",
        false,
    ),
    of(
        Kind::RoleBindings,
        "/apis/rbac.authorization.k8s.io/v1/rolebindings",
        RBAC,
        "rolebindings",
        "RoleBinding",
        true,
    ),
    of(
        Kind::ClusterRoleBindings,
        "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
        RBAC,
        "clusterrolebindings",
        "ClusterRoleBinding",
        false,
    ),
    of(
        Kind::ServiceAccounts,
        "/api/v1/serviceaccounts",
        "",
        "serviceaccounts",
        "ServiceAccount",
        true,
    ),
    of(Kind::Pods, "/api/v1/pods", "", "pods", "Pod", true),
    of(
        Kind::Deployments,
        "/apis/apps/v1/deployments",
        "apps",
        "deployments",
        "Deployment",
        true,
    ),
    of(
        Kind::StatefulSets,
        "/apis/apps/v1/statefulsets",
        "apps",
        "statefulsets",
        "StatefulSet",
        true,
    ),
    of(
        Kind::DaemonSets,
        "/apis/apps/v1/daemonsets",
        "apps",
        "daemonsets",
        "DaemonSet",
        true,
    ),
    of(
        Kind::ReplicaSets,
        "/apis/apps/v1/replicasets",
        "apps",
        "replicasets",
        "ReplicaSet",
        true,
    ),
    of(
        Kind::Jobs,
        "/apis/batch/v1/jobs",
        "batch",
        "jobs",
        "Job",
        true,
    ),
    of(
        Kind::CronJobs,
        "/apis/batch/v1/cronjobs",
        "batch",
        "cronjobs",
        "CronJob",
        true,
    ),
    of(
        Kind::NetworkPolicies,
        "/apis/networking.k8s.io/v1/networkpolicies",
        "networking.k8s.io",
        "networkpolicies",
        "NetworkPolicy",
        true,
    ),
    of(
        Kind::ValidatingWebhooks,
        "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations",
        ADMISSION,
        "validatingwebhookconfigurations",
        "ValidatingWebhookConfiguration",
        false,
    ),
    of(
        Kind::MutatingWebhooks,
        "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations",
        ADMISSION,
        "mutatingwebhookconfigurations",
        "MutatingWebhookConfiguration",
        false,
    ),
    // `v1` is there from 1.30; before, they were a beta that nobody served unless asked to.
    Listing {
        optional: true,
        ..of(
            Kind::AdmissionPolicies,
            "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies",
            ADMISSION,
            "validatingadmissionpolicies",
            "ValidatingAdmissionPolicy",
            false,
        )
    },
    Listing {
        optional: true,
        ..of(
            Kind::AdmissionPolicyBindings,
            "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings",
            ADMISSION,
            "validatingadmissionpolicybindings",
            "ValidatingAdmissionPolicyBinding",
            false,
        )
    },
    of(
        Kind::SigningRequests,
        "/apis/certificates.k8s.io/v1/certificatesigningrequests",
        "certificates.k8s.io",
        "certificatesigningrequests",
        "CertificateSigningRequest",
        false,
    ),
    of(Kind::Nodes, "/api/v1/nodes", "", "nodes", "Node", false),
];

impl Kind {
    /// Returns how it is listed; none for what is no one list.
    pub fn listing(self) -> Option<&'static Listing> {
        LISTS.iter().find(|listing| listing.kind == self)
    }
}

/// What a resource that is only counted says of the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Means {
    /// Its objects are policies for the network, which count like a `NetworkPolicy`.
    NetworkPolicy,
    /// An operator brings secrets from a store outside the cluster.
    SecretStore,
    /// Its objects say which signatures images need. The product whose webhook asks for them, where it is one.
    ImageVerifier(Option<&'static str>),
}

/// A resource whose objects are only counted, where the API serves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    /// Its API group.
    pub group: &'static str,
    /// Its versions, the newest first. All of them show the same objects: whichever is served may be asked.
    pub versions: &'static [&'static str],
    /// Its resource.
    pub resource: &'static str,
    /// Its objects are in no namespace.
    pub cluster_wide: bool,
    /// What it is counted for.
    pub means: Means,
}

impl Counted {
    /// Returns its name as it stands in [`Inventory::resources`](super::Inventory::resources): `plural.group`.
    pub fn name(&self) -> String {
        format!("{}.{}", self.resource, self.group)
    }

    /// Returns whether this is the name of it.
    pub fn is(&self, name: &str) -> bool {
        name.strip_prefix(self.resource)
            .and_then(|rest| rest.strip_prefix('.'))
            == Some(self.group)
    }
}

const fn counted(
    means: Means,
    resource: &'static str,
    group: &'static str,
    versions: &'static [&'static str],
    cluster_wide: bool,
) -> Counted {
    Counted {
        group,
        versions,
        resource,
        cluster_wide,
        means,
    }
}

const POLICY: Means = Means::NetworkPolicy;
const STORE: Means = Means::SecretStore;
const SIGSTORE: Means = Means::ImageVerifier(Some("sigstore policy-controller"));
const KYVERNO: Means = Means::ImageVerifier(Some("kyverno"));
const CONNAISSEUR: Means = Means::ImageVerifier(Some("connaisseur"));
const PLATFORM: Means = Means::ImageVerifier(None);

const CALICO: &str = "crd.projectcalico.org";
const CALICO_API: &str = "projectcalico.org";
const STANDARD: &str = "policy.networking.k8s.io";
const OPENSHIFT: &str = "config.openshift.io";

/// Every resource that is only counted: policies of CNIs (Cilium, Calico by its stored form and by its API server, the
/// network policy API of SIG network, Antrea), stores of secrets, and verifiers of images.
#[rustfmt::skip]
pub const COUNTED: &[Counted] = &[
    counted(POLICY, "ciliumnetworkpolicies", "cilium.io", &["v2"], false),
    counted(POLICY, "ciliumclusterwidenetworkpolicies", "cilium.io", &["v2"], true),
    counted(POLICY, "networkpolicies", CALICO, &["v1"], false),
    counted(POLICY, "globalnetworkpolicies", CALICO, &["v1"], true),
    counted(POLICY, "networkpolicies", CALICO_API, &["v3"], false),
    counted(POLICY, "globalnetworkpolicies", CALICO_API, &["v3"], true),
    counted(POLICY, "adminnetworkpolicies", STANDARD, &["v1alpha1"], true),
    counted(POLICY, "baselineadminnetworkpolicies", STANDARD, &["v1alpha1"], true),
    counted(POLICY, "clusternetworkpolicies", STANDARD, &["v1alpha2"], true),
    counted(POLICY, "networkpolicies", "crd.antrea.io", &["v1beta1", "v1alpha1"], false),
    counted(POLICY, "clusternetworkpolicies", "crd.antrea.io", &["v1beta1", "v1alpha1"], true),
    counted(STORE, "externalsecrets", "external-secrets.io", &["v1", "v1beta1"], false),
    counted(STORE, "clusterexternalsecrets", "external-secrets.io", &["v1", "v1beta1"], true),
    counted(STORE, "secretproviderclasses", "secrets-store.csi.x-k8s.io", &["v1"], false),
    counted(STORE, "vaultstaticsecrets", "secrets.hashicorp.com", &["v1beta1"], false),
    counted(STORE, "vaultdynamicsecrets", "secrets.hashicorp.com", &["v1beta1"], false),
    counted(STORE, "sealedsecrets", "bitnami.com", &["v1alpha1"], false),
    counted(STORE, "azurekeyvaultsecrets", "spv.no", &["v2beta1", "v1"], false),
    counted(STORE, "onepassworditems", "onepassword.com", &["v1"], false),
    counted(STORE, "infisicalsecrets", "secrets.infisical.com", &["v1alpha1"], false),
    counted(SIGSTORE, "clusterimagepolicies", "policy.sigstore.dev", &["v1beta1", "v1alpha1"], true),
    counted(KYVERNO, "imagevalidatingpolicies", "policies.kyverno.io", &["v1", "v1beta1", "v1alpha1"], true),
    counted(PLATFORM, "imagepolicies", OPENSHIFT, &["v1", "v1alpha1"], false),
    counted(PLATFORM, "clusterimagepolicies", OPENSHIFT, &["v1", "v1alpha1"], true),
    counted(CONNAISSEUR, "imagepolicies", "connaisseur.policy", &["v1"], false),
];

/// A kind of Kubernetes' own whose objects in the namespace `default` are listed, their metadata alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InDefault {
    /// The kind, such as `ConfigMap`.
    pub kind: &'static str,
    /// Its API group; empty for the core one.
    pub group: &'static str,
    /// Its versions, the newest first; whichever is served may be asked.
    pub versions: &'static [&'static str],
    /// Its resource.
    pub resource: &'static str,
    /// Not every API server serves it; there are none of it then.
    pub optional: bool,
}

impl InDefault {
    /// Returns where it is listed, in one of its versions.
    pub fn path(&self, version: &str) -> String {
        let root = if self.group.is_empty() {
            "/api"
        } else {
            "/apis/"
        };
        let group = self.group;
        format!(
            "{root}{group}/{version}/namespaces/default/{}",
            self.resource
        )
    }
}

const fn in_default(
    kind: &'static str,
    resource: &'static str,
    group: &'static str,
    versions: &'static [&'static str],
    optional: bool,
) -> InDefault {
    InDefault {
        kind,
        group,
        versions,
        resource,
        optional,
    }
}

/// Kinds that say what may happen in a namespace: they run nothing and nothing uses them, and other rules ask for them in
/// every namespace.
pub(crate) const GUARDS: [&str; 5] = [
    "LimitRange",
    "NetworkPolicy",
    "ResourceQuota",
    "Role",
    "RoleBinding",
];

/// Every namespaced kind of Kubernetes' own that can be listed, but Secrets, Events and those that guard it. Kinds of
/// custom resources are not asked for: no permissions that are printed beforehand could name them.
#[rustfmt::skip]
pub const IN_DEFAULT: &[InDefault] = &[
    in_default("ConfigMap", "configmaps", "", &["v1"], false),
    in_default("Endpoints", "endpoints", "", &["v1"], false),
    in_default("PersistentVolumeClaim", "persistentvolumeclaims", "", &["v1"], false),
    in_default("Pod", "pods", "", &["v1"], false),
    in_default("PodTemplate", "podtemplates", "", &["v1"], false),
    in_default("ReplicationController", "replicationcontrollers", "", &["v1"], false),
    in_default("Service", "services", "", &["v1"], false),
    in_default("ServiceAccount", "serviceaccounts", "", &["v1"], false),
    in_default("ControllerRevision", "controllerrevisions", "apps", &["v1"], false),
    in_default("DaemonSet", "daemonsets", "apps", &["v1"], false),
    in_default("Deployment", "deployments", "apps", &["v1"], false),
    in_default("ReplicaSet", "replicasets", "apps", &["v1"], false),
    in_default("StatefulSet", "statefulsets", "apps", &["v1"], false),
    in_default("HorizontalPodAutoscaler", "horizontalpodautoscalers", "autoscaling", &["v2", "v1"], false),
    in_default("CronJob", "cronjobs", "batch", &["v1"], false),
    in_default("Job", "jobs", "batch", &["v1"], false),
    in_default("Lease", "leases", "coordination.k8s.io", &["v1"], false),
    in_default("EndpointSlice", "endpointslices", "discovery.k8s.io", &["v1"], false),
    in_default("Ingress", "ingresses", "networking.k8s.io", &["v1"], false),
    in_default("PodDisruptionBudget", "poddisruptionbudgets", "policy", &["v1"], false),
    in_default("CSIStorageCapacity", "csistoragecapacities", "storage.k8s.io", &["v1"], false),
    in_default("ResourceClaim", "resourceclaims", "resource.k8s.io", &["v1", "v1beta2", "v1beta1"], true),
    in_default("ResourceClaimTemplate", "resourceclaimtemplates", "resource.k8s.io", &["v1", "v1beta2", "v1beta1"], true),
];
