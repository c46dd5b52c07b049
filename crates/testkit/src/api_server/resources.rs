//! The resources that an API server serves, and how it tells of them (discovery).
//!
//! The built-in ones are those of Kubernetes' own description of its API (`api/discovery` in kubernetes/kubernetes) that
//! are on by default, short names left out; any other comes with the `CustomResourceDefinition` among the objects.

use serde_json::Value as Json;

/// A resource of one version of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// The API group; empty for the core one.
    pub group: String,
    /// The version.
    pub version: String,
    /// The plural, as in paths.
    pub plural: String,
    /// The kind of its objects.
    pub kind: String,
    /// Whether its objects are in namespaces.
    pub namespaced: bool,
    /// What can be done with it.
    pub verbs: Vec<String>,
    /// Its subresources.
    pub subresources: Vec<String>,
    /// A `CustomResourceDefinition` brought it: items of lists carry their kind.
    pub custom: bool,
}

impl Resource {
    /// Returns the version as objects carry it: `v1`, `apps/v1`.
    pub(super) fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.clone()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// Returns the resources that a `CustomResourceDefinition` brings, one for each version that is served.
    pub(super) fn of_definition(object: &Json) -> Vec<Self> {
        let spec = &object["spec"];
        let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
        let versions = spec["versions"].as_array().into_iter().flatten();
        versions
            .filter(|version| version["served"] != false)
            .map(|version| Self {
                group: text(&spec["group"]),
                version: text(&version["name"]),
                plural: text(&spec["names"]["plural"]),
                kind: text(&spec["names"]["kind"]),
                namespaced: spec["scope"] == "Namespaced",
                verbs: ALL.iter().map(|verb| (*verb).to_owned()).collect(),
                subresources: Vec::new(),
                custom: true,
            })
            .collect()
    }
}

const ALL: &[&str] = &[
    "create",
    "delete",
    "deletecollection",
    "get",
    "list",
    "patch",
    "update",
    "watch",
];
const WITHOUT_COLLECTION: &[&str] = &[
    "create", "delete", "get", "list", "patch", "update", "watch",
];
const CREATE: &[&str] = &["create"];
const READ: &[&str] = &["get", "list"];

/// Since which minor it is served, group, version, plural, kind, whether it is in namespaces, verbs, subresources.
type Row = (
    u32,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    bool,
    &'static [&'static str],
    &'static [&'static str],
);

/// Groups stand in the order in which the server tells of them, the preferred version first.
#[rustfmt::skip]
const BUILT_IN: &[Row] = &[
    (0, "", "v1", "bindings", "Binding", true, CREATE, &[]),
    (0, "", "v1", "componentstatuses", "ComponentStatus", false, READ, &[]),
    (0, "", "v1", "configmaps", "ConfigMap", true, ALL, &[]),
    (0, "", "v1", "endpoints", "Endpoints", true, ALL, &[]),
    (0, "", "v1", "events", "Event", true, ALL, &[]),
    (0, "", "v1", "limitranges", "LimitRange", true, ALL, &[]),
    (0, "", "v1", "namespaces", "Namespace", false, WITHOUT_COLLECTION, &["finalize", "status"]),
    (0, "", "v1", "nodes", "Node", false, ALL, &["proxy", "status"]),
    (0, "", "v1", "persistentvolumeclaims", "PersistentVolumeClaim", true, ALL, &["status"]),
    (0, "", "v1", "persistentvolumes", "PersistentVolume", false, ALL, &["status"]),
    (0, "", "v1", "pods", "Pod", true, ALL, &["attach", "binding", "ephemeralcontainers", "eviction", "exec", "log", "portforward", "proxy", "resize", "status"]),
    (0, "", "v1", "podtemplates", "PodTemplate", true, ALL, &[]),
    (0, "", "v1", "replicationcontrollers", "ReplicationController", true, ALL, &["scale", "status"]),
    (0, "", "v1", "resourcequotas", "ResourceQuota", true, ALL, &["status"]),
    (0, "", "v1", "secrets", "Secret", true, ALL, &[]),
    (0, "", "v1", "serviceaccounts", "ServiceAccount", true, ALL, &["token"]),
    (0, "", "v1", "services", "Service", true, ALL, &["proxy", "status"]),
    (0, "apiregistration.k8s.io", "v1", "apiservices", "APIService", false, ALL, &["status"]),
    (0, "apps", "v1", "controllerrevisions", "ControllerRevision", true, ALL, &[]),
    (0, "apps", "v1", "daemonsets", "DaemonSet", true, ALL, &["status"]),
    (0, "apps", "v1", "deployments", "Deployment", true, ALL, &["scale", "status"]),
    (0, "apps", "v1", "replicasets", "ReplicaSet", true, ALL, &["scale", "status"]),
    (0, "apps", "v1", "statefulsets", "StatefulSet", true, ALL, &["scale", "status"]),
    (0, "events.k8s.io", "v1", "events", "Event", true, ALL, &[]),
    (28, "authentication.k8s.io", "v1", "selfsubjectreviews", "SelfSubjectReview", false, CREATE, &[]),
    (0, "authentication.k8s.io", "v1", "tokenreviews", "TokenReview", false, CREATE, &[]),
    (0, "authorization.k8s.io", "v1", "localsubjectaccessreviews", "LocalSubjectAccessReview", true, CREATE, &[]),
    (0, "authorization.k8s.io", "v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview", false, CREATE, &[]),
    (0, "authorization.k8s.io", "v1", "selfsubjectrulesreviews", "SelfSubjectRulesReview", false, CREATE, &[]),
    (0, "authorization.k8s.io", "v1", "subjectaccessreviews", "SubjectAccessReview", false, CREATE, &[]),
    (0, "autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler", true, ALL, &["status"]),
    (0, "autoscaling", "v1", "horizontalpodautoscalers", "HorizontalPodAutoscaler", true, ALL, &["status"]),
    (0, "batch", "v1", "cronjobs", "CronJob", true, ALL, &["status"]),
    (0, "batch", "v1", "jobs", "Job", true, ALL, &["status"]),
    (0, "certificates.k8s.io", "v1", "certificatesigningrequests", "CertificateSigningRequest", false, ALL, &["approval", "status"]),
    (0, "networking.k8s.io", "v1", "ingressclasses", "IngressClass", false, ALL, &[]),
    (0, "networking.k8s.io", "v1", "ingresses", "Ingress", true, ALL, &["status"]),
    (33, "networking.k8s.io", "v1", "ipaddresses", "IPAddress", false, ALL, &[]),
    (0, "networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy", true, ALL, &[]),
    (33, "networking.k8s.io", "v1", "servicecidrs", "ServiceCIDR", false, ALL, &["status"]),
    (0, "policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget", true, ALL, &["status"]),
    (0, "rbac.authorization.k8s.io", "v1", "clusterrolebindings", "ClusterRoleBinding", false, ALL, &[]),
    (0, "rbac.authorization.k8s.io", "v1", "clusterroles", "ClusterRole", false, ALL, &[]),
    (0, "rbac.authorization.k8s.io", "v1", "rolebindings", "RoleBinding", true, ALL, &[]),
    (0, "rbac.authorization.k8s.io", "v1", "roles", "Role", true, ALL, &[]),
    (0, "storage.k8s.io", "v1", "csidrivers", "CSIDriver", false, ALL, &[]),
    (0, "storage.k8s.io", "v1", "csinodes", "CSINode", false, ALL, &[]),
    (0, "storage.k8s.io", "v1", "csistoragecapacities", "CSIStorageCapacity", true, ALL, &[]),
    (0, "storage.k8s.io", "v1", "storageclasses", "StorageClass", false, ALL, &[]),
    (0, "storage.k8s.io", "v1", "volumeattachments", "VolumeAttachment", false, ALL, &["status"]),
    (34, "storage.k8s.io", "v1", "volumeattributesclasses", "VolumeAttributesClass", false, ALL, &[]),
    (36, "admissionregistration.k8s.io", "v1", "mutatingadmissionpolicies", "MutatingAdmissionPolicy", false, ALL, &[]),
    (36, "admissionregistration.k8s.io", "v1", "mutatingadmissionpolicybindings", "MutatingAdmissionPolicyBinding", false, ALL, &[]),
    (0, "admissionregistration.k8s.io", "v1", "mutatingwebhookconfigurations", "MutatingWebhookConfiguration", false, ALL, &[]),
    (30, "admissionregistration.k8s.io", "v1", "validatingadmissionpolicies", "ValidatingAdmissionPolicy", false, ALL, &["status"]),
    (30, "admissionregistration.k8s.io", "v1", "validatingadmissionpolicybindings", "ValidatingAdmissionPolicyBinding", false, ALL, &[]),
    (0, "admissionregistration.k8s.io", "v1", "validatingwebhookconfigurations", "ValidatingWebhookConfiguration", false, ALL, &[]),
    (0, "apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", false, ALL, &["status"]),
    (0, "scheduling.k8s.io", "v1", "priorityclasses", "PriorityClass", false, ALL, &[]),
    (0, "coordination.k8s.io", "v1", "leases", "Lease", true, ALL, &[]),
    (0, "node.k8s.io", "v1", "runtimeclasses", "RuntimeClass", false, ALL, &[]),
    (0, "discovery.k8s.io", "v1", "endpointslices", "EndpointSlice", true, ALL, &[]),
    (34, "resource.k8s.io", "v1", "deviceclasses", "DeviceClass", false, ALL, &[]),
    (34, "resource.k8s.io", "v1", "resourceclaims", "ResourceClaim", true, ALL, &["status"]),
    (34, "resource.k8s.io", "v1", "resourceclaimtemplates", "ResourceClaimTemplate", true, ALL, &[]),
    (34, "resource.k8s.io", "v1", "resourceslices", "ResourceSlice", false, ALL, &[]),
    (29, "flowcontrol.apiserver.k8s.io", "v1", "flowschemas", "FlowSchema", false, ALL, &["status"]),
    (29, "flowcontrol.apiserver.k8s.io", "v1", "prioritylevelconfigurations", "PriorityLevelConfiguration", false, ALL, &["status"]),
];

/// Returns the built-in resources of a minor.
pub(super) fn built_in(minor: u32) -> Vec<Resource> {
    let owned = |list: &[&str]| list.iter().map(|one| (*one).to_owned()).collect();
    BUILT_IN
        .iter()
        .filter(|row| row.0 <= minor)
        .map(
            |(_, group, version, plural, kind, namespaced, verbs, subresources)| Resource {
                group: (*group).to_owned(),
                version: (*version).to_owned(),
                plural: (*plural).to_owned(),
                kind: (*kind).to_owned(),
                namespaced: *namespaced,
                verbs: owned(verbs),
                subresources: owned(subresources),
                custom: false,
            },
        )
        .collect()
}
