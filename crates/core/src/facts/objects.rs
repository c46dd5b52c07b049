//! Facts of the objects of a cluster, reduced to what rules read.
//!
//! Names are shared where they repeat, and pods of one owner that are alike are one record with a count, so that a
//! cluster with 100,000 pods fits. Secrets are never listed, not even their names: only the names by which pods refer
//! to them are here.

mod decode;
mod intern;
mod lists;
mod request;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Trouble;
use crate::verdict::{Cause, words};

pub use decode::{Builder, DecodeError, MAX_BYTES, MAX_ITEM, MAX_OBJECTS, Page, documents};
pub use lists::{COUNTED, Counted, IN_DEFAULT, InDefault, LISTS, Listing, Means};

/// A name that many records share.
pub type Name = Arc<str>;

/// The labels of an object.
pub type Labels = BTreeMap<Name, Name>;

words! {
    /// A list of objects that is asked for.
    Kind {
        /// `v1` Namespace.
        Namespaces = "namespaces",
        /// `rbac.authorization.k8s.io/v1` Role.
        Roles = "roles",
        /// `rbac.authorization.k8s.io/v1` `ClusterRole`.
        ClusterRoles = "clusterroles",
        /// `rbac.authorization.k8s.io/v1` `RoleBinding`.
        RoleBindings = "rolebindings",
        /// `rbac.authorization.k8s.io/v1` `ClusterRoleBinding`.
        ClusterRoleBindings = "clusterrolebindings",
        /// `v1` `ServiceAccount`.
        ServiceAccounts = "serviceaccounts",
        /// `v1` Pod.
        Pods = "pods",
        /// `apps/v1` Deployment.
        Deployments = "deployments",
        /// `apps/v1` `StatefulSet`.
        StatefulSets = "statefulsets",
        /// `apps/v1` `DaemonSet`.
        DaemonSets = "daemonsets",
        /// `apps/v1` `ReplicaSet`; those of a Deployment are left out.
        ReplicaSets = "replicasets",
        /// `batch/v1` Job; those of a `CronJob` are left out.
        Jobs = "jobs",
        /// `batch/v1` `CronJob`.
        CronJobs = "cronjobs",
        /// `networking.k8s.io/v1` `NetworkPolicy`.
        NetworkPolicies = "networkpolicies",
        /// `admissionregistration.k8s.io/v1` `ValidatingWebhookConfiguration`.
        ValidatingWebhooks = "validatingwebhookconfigurations",
        /// `admissionregistration.k8s.io/v1` `MutatingWebhookConfiguration`.
        MutatingWebhooks = "mutatingwebhookconfigurations",
        /// `admissionregistration.k8s.io/v1` `ValidatingAdmissionPolicy`.
        AdmissionPolicies = "validatingadmissionpolicies",
        /// `admissionregistration.k8s.io/v1` `ValidatingAdmissionPolicyBinding`.
        AdmissionPolicyBindings = "validatingadmissionpolicybindings",
        /// `certificates.k8s.io/v1` `CertificateSigningRequest`.
        SigningRequests = "certificatesigningrequests",
        /// The resources that the API serves (discovery).
        Resources = "resources",
        /// Metadata of every kind in the namespace `default`, Secrets and Events left out.
        InDefault = "objects in the namespace default",
        /// `v1` Node.
        Nodes = "nodes",
    }
}

/// What a cluster's API says of its objects.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Inventory {
    /// The lists that were asked for: read whole, or why not. A kind that is not here was not asked for.
    pub lists: BTreeMap<Kind, Result<(), Trouble>>,
    /// Sorted by name.
    pub namespaces: Vec<Namespace>,
    /// Roles and `ClusterRoles`, sorted by namespace and name.
    pub roles: Vec<Role>,
    /// Role bindings and cluster role bindings, sorted by namespace and name.
    pub bindings: Vec<Binding>,
    /// Sorted by namespace and name.
    pub service_accounts: Vec<ServiceAccount>,
    /// Pods, those of one owner that are alike in one record; sorted by namespace and owner.
    pub pods: Vec<Pods>,
    /// The pod templates of workloads, in the same form: the owner is the workload itself, and `copies` is 1.
    pub templates: Vec<Pods>,
    /// `NetworkPolicies` of Kubernetes' own.
    pub network_policies: Vec<NetworkPolicy>,
    /// The webhooks of admission, and validating admission policies.
    pub admission: Vec<Admission>,
    /// Bindings of validating admission policies.
    pub admission_bindings: Vec<AdmissionBinding>,
    /// Requests for certificates that are still kept.
    pub signing_requests: Vec<SigningRequest>,
    /// Every resource that the API serves, as `plural.group` (`externalsecrets.external-secrets.io`), or `plural` for
    /// those of the core group.
    pub resources: BTreeSet<Name>,
    /// How many objects there are of kinds whose content nobody reads: `plural.group` and namespace (none for
    /// cluster-wide ones) to a number. Policies of CNIs and policy engines, external secrets. A kind of which this
    /// was asked and none is there has an entry without a namespace and 0.
    pub counts: BTreeMap<(Name, Option<Name>), u32>,
    /// The resources (`plural.group`) that are served and that could not be counted whole, and why.
    pub uncounted: BTreeMap<Name, Trouble>,
    /// The objects in the namespace `default`, by kind and name, at most [`MAX_IN_DEFAULT`].
    pub in_default: BTreeSet<(Name, Name)>,
    /// How many more there are.
    pub in_default_more: u32,
    /// Sorted by name.
    pub nodes: Vec<Node>,
    /// The API servers that kubelets run from files, as far as their pods are listed, by name; at most [`MAX_API_SERVERS`].
    pub api_servers: Vec<ApiServer>,
}

/// How many API servers are kept.
pub const MAX_API_SERVERS: usize = 32;

/// An API server that a kubelet runs from a file, as its mirror pod tells.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ApiServer {
    /// The name of its pod.
    pub pod: Name,
    /// Those of its arguments that say what its admission plugins do. Others may be secrets and are not kept.
    pub arguments: Vec<Name>,
}

/// How many objects in the namespace `default` are kept.
pub const MAX_IN_DEFAULT: usize = 500;

/// How many of the pods of a record are named.
pub const MAX_EXAMPLES: usize = 3;

impl Inventory {
    /// Returns whether a list was read whole.
    ///
    /// # Errors
    ///
    /// Why it was not: what depends on it is not known.
    pub fn whole(&self, kind: Kind) -> Result<(), Trouble> {
        match self.lists.get(&kind) {
            Some(Ok(())) => Ok(()),
            Some(Err(trouble)) => Err(trouble.clone()),
            None => Err(Trouble {
                cause: Cause::Missing,
                reason: format!("{kind} were not asked for"),
            }),
        }
    }
}

/// A namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Namespace {
    /// Its name.
    pub name: Name,
    /// Its labels: those of pod security, and those by which webhooks and policies choose namespaces.
    pub labels: Labels,
}

/// A Role or a `ClusterRole`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// Its namespace; none for a `ClusterRole`.
    pub namespace: Option<Name>,
    /// Its name.
    pub name: Name,
    /// It carries `kubernetes.io/bootstrapping: rbac-defaults`: the API server ships it and brings it back.
    pub bootstrapping: bool,
    /// Its labels, of a `ClusterRole`: others are put together by them.
    pub labels: Labels,
    /// What it grants, in the order of the object.
    pub rules: Box<[PolicyRule]>,
    /// The labels of the `ClusterRoles` whose rules it takes over (`aggregationRule`).
    pub aggregates: Box<[Selector]>,
}

/// A rule of a role.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct PolicyRule {
    /// What may be done.
    pub verbs: Box<[Name]>,
    /// The API groups; the core one is empty.
    pub groups: Box<[Name]>,
    /// The resources, with `/subresource`.
    pub resources: Box<[Name]>,
    /// The only names that it is about; all where empty.
    pub names: Box<[Name]>,
    /// The paths that are no resources.
    pub urls: Box<[Name]>,
}

/// What labels have to say.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Selector {
    /// Labels that have to be as here (`matchLabels`).
    pub labels: Labels,
    /// `matchExpressions`.
    pub expressions: Box<[Requirement]>,
}

/// One of the `matchExpressions`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Requirement {
    /// The label.
    pub key: Name,
    /// `In`, `NotIn`, `Exists` or `DoesNotExist`.
    pub operator: Name,
    /// What it may be, or may not.
    pub values: Box<[Name]>,
}

impl Selector {
    /// Returns whether it asks for nothing, so that every object matches.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.expressions.is_empty()
    }

    /// Returns whether labels are as it wants them (apimachinery, `labels.Selector`). An operator that is not known
    /// matches nothing.
    pub fn matches(&self, labels: &Labels) -> bool {
        let said = |requirement: &Requirement| {
            let value = labels.get(&requirement.key);
            let listed = value.is_some_and(|value| requirement.values.contains(value));
            match &*requirement.operator {
                "In" => listed,
                "NotIn" => !listed,
                "Exists" => value.is_some(),
                "DoesNotExist" => value.is_none(),
                _ => false,
            }
        };
        self.labels
            .iter()
            .all(|(key, value)| labels.get(key) == Some(value))
            && self.expressions.iter().all(said)
    }
}

/// A `RoleBinding` or a `ClusterRoleBinding`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// Its namespace; none for a `ClusterRoleBinding`.
    pub namespace: Option<Name>,
    /// Its name.
    pub name: Name,
    /// It carries `kubernetes.io/bootstrapping: rbac-defaults`.
    pub bootstrapping: bool,
    /// Whether it is about a `ClusterRole`; else about a Role of its namespace.
    pub cluster_role: bool,
    /// The name of the role.
    pub role: Name,
    /// To whom it gives the role.
    pub subjects: Box<[Holder]>,
}

words! {
    /// What may hold a role.
    HolderKind {
        /// A user.
        User = "User",
        /// A group.
        Group = "Group",
        /// A service account.
        ServiceAccount = "ServiceAccount",
    }
}

/// Somebody to whom a role is bound.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Holder {
    /// What it is.
    pub kind: HolderKind,
    /// The namespace of a service account.
    pub namespace: Option<Name>,
    /// Its name.
    pub name: Name,
}

/// A service account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceAccount {
    /// Its namespace.
    pub namespace: Name,
    /// Its name.
    pub name: Name,
    /// `automountServiceAccountToken`; pods may say otherwise.
    pub automount: Option<bool>,
}

/// Pods that are alike: one of a kind, or those of one owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pods {
    /// What they are.
    pub pod: Pod,
    /// How many there are.
    pub copies: u32,
    /// The names of some, at most [`MAX_EXAMPLES`]; none for the template of a workload.
    pub examples: Box<[Box<str>]>,
}

/// A pod, reduced to what rules read.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a field of its own of the object"
)]
pub struct Pod {
    /// Its namespace.
    pub namespace: Name,
    /// The workload that it belongs to; none for a pod of its own.
    pub owner: Option<Owner>,
    /// A kubelet made it from a file (`kubernetes.io/config.mirror`): no admission was asked.
    pub mirror: bool,
    /// `hostPID`.
    pub host_pid: bool,
    /// `hostIPC`.
    pub host_ipc: bool,
    /// `hostNetwork`.
    pub host_network: bool,
    /// `serviceAccountName`, `default` where it is empty.
    pub service_account: Name,
    /// `automountServiceAccountToken`; what the service account says where it is unset.
    pub automount: Option<bool>,
    /// A token of its service account is mounted, as the admission plugin does it.
    pub token_volume: bool,
    /// `os.name` is `windows`.
    pub windows: bool,
    /// The pod's `securityContext`, which containers take over where they say nothing.
    pub security: PodSecurity,
    /// The paths of its `hostPath` volumes, sorted.
    pub host_paths: Box<[Name]>,
    /// The kinds of its volumes that `restricted` does not allow, such as `nfs`, sorted.
    pub other_volumes: Box<[Name]>,
    /// Its containers of every kind, in order: init, ordinary, ephemeral. Pods of other owners often have the same.
    pub containers: Arc<[Container]>,
}

/// What a pod belongs to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Owner {
    /// Such as `Deployment`.
    pub kind: Name,
    /// Its name.
    pub name: Name,
}

/// The `securityContext` of a pod.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct PodSecurity {
    /// It has one that is not empty.
    pub given: bool,
    /// `runAsNonRoot`.
    pub run_as_non_root: Option<bool>,
    /// `runAsUser`.
    pub run_as_user: Option<i64>,
    /// `seccompProfile.type`.
    pub seccomp: Option<Name>,
    /// `windowsOptions.hostProcess`.
    pub host_process: Option<bool>,
}

words! {
    /// When a container runs.
    Stage {
        /// Before the others, or beside them all along.
        Init = "init",
        /// An ordinary container.
        Ordinary = "container",
        /// Added to a running pod.
        Ephemeral = "ephemeral",
    }
}

/// A container of a pod.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Container {
    /// Its name.
    pub name: Name,
    /// When it runs.
    pub stage: Stage,
    /// Its image.
    pub image: Name,
    /// It has a `securityContext` that is not empty.
    pub security_given: bool,
    /// `privileged`; unset is false.
    pub privileged: bool,
    /// `allowPrivilegeEscalation`; unset means true.
    pub allow_privilege_escalation: Option<bool>,
    /// `runAsNonRoot`; the pod's where it is unset.
    pub run_as_non_root: Option<bool>,
    /// `runAsUser`; the pod's where it is unset.
    pub run_as_user: Option<i64>,
    /// `readOnlyRootFilesystem`; unset is false.
    pub read_only_root: bool,
    /// `capabilities.add`, without `CAP_`, in upper case, sorted.
    pub add: Box<[Name]>,
    /// `capabilities.drop`, in the same form.
    pub drop: Box<[Name]>,
    /// `seccompProfile.type`; the pod's where it is unset.
    pub seccomp: Option<Name>,
    /// `windowsOptions.hostProcess`; the pod's where it is unset.
    pub host_process: Option<bool>,
    /// Its ports on the host, 0 left out, sorted.
    pub host_ports: Box<[u16]>,
    /// The Secrets of which environment variables are made, as `name/key` (`env`) or `name` (`envFrom`), sorted: names
    /// only.
    pub secret_environment: Box<[Name]>,
}

/// A `NetworkPolicy`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one of the two directions, and what is said of it"
)]
pub struct NetworkPolicy {
    /// Its namespace.
    pub namespace: Name,
    /// Its name.
    pub name: Name,
    /// `podSelector` is empty: it is about every pod of the namespace.
    pub all_pods: bool,
    /// It is about what comes in.
    pub ingress: bool,
    /// It is about what goes out.
    pub egress: bool,
    /// Nothing may come in by it.
    pub denies_ingress: bool,
    /// Nothing may go out by it.
    pub denies_egress: bool,
}

/// A webhook, or a validating admission policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admission {
    /// [`Kind::ValidatingWebhooks`], [`Kind::MutatingWebhooks`] or [`Kind::AdmissionPolicies`].
    pub kind: Kind,
    /// The name of the configuration or policy.
    pub name: Name,
    /// The name of the webhook in it; none for a policy.
    pub webhook: Option<Name>,
    /// It is asked when a pod is created.
    pub creates_pods: bool,
    /// Where it does not answer, the request is refused (`failurePolicy`; unset is `Fail`).
    pub fails_closed: bool,
    /// The namespaces that it is asked for.
    pub namespaces: Selector,
    /// Pods may be left out by their own labels, by the scope of its rules or by conditions.
    pub narrowed: bool,
    /// The product that it seems to belong to, by its name, service and labels, such as `kyverno`.
    pub product: Option<&'static str>,
}

/// A binding of a validating admission policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdmissionBinding {
    /// Its name.
    pub name: Name,
    /// The policy.
    pub policy: Name,
    /// What the policy finds is refused (`Deny`), not only told.
    pub denies: bool,
    /// The namespaces that it holds for.
    pub namespaces: Selector,
    /// Pods may be left out by their own labels or by rules.
    pub narrowed: bool,
}

/// A request for a certificate. Nothing of its key is here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningRequest {
    /// Its name.
    pub name: Box<str>,
    /// `signerName`.
    pub signer: Name,
    /// It has the condition `Approved`.
    pub approved: bool,
    /// Who asked for it.
    pub username: Name,
    /// The common name that was asked for; null where the request could not be understood.
    pub common_name: Option<Box<str>>,
    /// The organisations that were asked for, which become groups.
    pub organisations: Box<[Box<str>]>,
    /// The request could not be understood, so that its names are not known.
    pub unreadable: bool,
}

/// A node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its name.
    pub name: Name,
    /// The version of its kubelet.
    pub kubelet_version: Name,
    /// `status.nodeInfo.containerRuntimeVersion`, such as `containerd://2.1.4`.
    pub runtime: Name,
    /// `status.nodeInfo.osImage`.
    pub os_image: Name,
    /// `spec.providerID` up to the second slash behind `:`, such as `aws:///eu-central-1a`.
    pub provider: Option<Name>,
    /// The labels that tell the platform.
    pub labels: Labels,
}

#[cfg(test)]
mod tests;
