//! The least RBAC as text for `kubectl apply`: a `ServiceAccount`, and the roles that are bound to it, with the
//! reason above each rule.
//!
//! Pure. What the rules are is decided by `kubeassay_cluster::rbac`, beside the code that makes use of them.

use kubeassay_cluster::rbac::{KUBE_SYSTEM, Object, Permission, Plan, Scope, permissions};
use kubeassay_config::tables::Minor;

use super::LABEL;

/// What every object is called.
const NAME: &str = "kubeassay";
/// The API group of roles.
const GROUP: &str = "rbac.authorization.k8s.io";

/// What is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// The namespace of the `ServiceAccount`.
    pub(crate) namespace: String,
    /// The cluster's version, which decides what a kubelet asks for.
    pub(crate) version: Minor,
    /// Kubelets are asked through the API server.
    pub(crate) via_proxy: bool,
    /// The API is asked about a node that is mended, too.
    pub(crate) mending: bool,
}

/// Returns the documents, each ending with a line break.
pub(crate) fn text(request: &Request) -> String {
    let Request {
        namespace,
        version,
        via_proxy,
        mending,
    } = request;
    let plan = Plan {
        minor: u32::from(version.0),
        via_proxy: *via_proxy,
        mending: *mending,
    };
    let permissions = permissions(plan);
    let of_scope = |scope| permissions.iter().filter(move |one| one.scope == scope);
    let documents = [
        format!(
            "\
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {NAME}
  namespace: {namespace}
  labels:
    {LABEL}
# Its token is asked for when it is needed (kubectl create token); no pod has it mounted unasked.
automountServiceAccountToken: false
"
        ),
        role("ClusterRole", None, of_scope(Scope::Cluster)),
        binding("ClusterRole", None, namespace),
        role("Role", Some(KUBE_SYSTEM), of_scope(Scope::KubeSystem)),
        binding("Role", Some(KUBE_SYSTEM), namespace),
    ];
    format!(
        "\
# All that kubeassay may ask of this cluster's API server and kubelets, and why. For Kubernetes {version}.
# Nothing in it lists or reads secrets, or changes anything. The namespace {namespace} has to be there.
#   kubectl -n {namespace} create token {NAME} > token
{}",
        documents.join("---\n")
    )
}

/// Returns the `metadata` of a role or binding.
fn metadata(namespace: Option<&str>) -> String {
    let namespace = namespace.map_or_else(String::new, |name| format!("  namespace: {name}\n"));
    format!(
        "\
metadata:
  name: {NAME}
{namespace}  labels:
    {LABEL}
"
    )
}

fn role<'a>(
    kind: &str,
    namespace: Option<&str>,
    permissions: impl Iterator<Item = &'a Permission>,
) -> String {
    let rules: String = permissions.map(rule).collect();
    let metadata = metadata(namespace);
    format!("apiVersion: {GROUP}/v1\nkind: {kind}\n{metadata}rules:\n{rules}")
}

fn rule(permission: &Permission) -> String {
    let reason = permission.reason.join("\n  # ");
    let object = match &permission.object {
        Object::Resource {
            group,
            resource,
            names,
        } => {
            let names = if names.is_empty() {
                String::new()
            } else {
                format!("    resourceNames: [{}]\n", names.join(", "))
            };
            format!("apiGroups: [\"{group}\"]\n    resources: [{resource}]\n{names}")
        }
        Object::Path(path) => format!("nonResourceURLs: [{path}]\n"),
    };
    format!(
        "  # {reason}\n  - {object}    verbs: [{}]\n",
        permission.verb
    )
}

fn binding(kind: &str, namespace: Option<&str>, of_account: &str) -> String {
    let metadata = metadata(namespace);
    format!(
        "\
apiVersion: {GROUP}/v1
kind: {kind}Binding
{metadata}roleRef:
  apiGroup: {GROUP}
  kind: {kind}
  name: {NAME}
subjects:
  - kind: ServiceAccount
    name: {NAME}
    namespace: {of_account}
"
    )
}
