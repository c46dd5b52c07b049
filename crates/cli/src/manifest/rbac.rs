//! The least RBAC as text for `kubectl apply`: a `ServiceAccount`, and the roles that are bound to it, with the
//! reason above each rule.
//!
//! Pure. What the rules are is decided by `kubeassay_cluster::rbac`, beside the code that makes use of them.

use kubeassay_cluster::rbac::{Object, Permission, Plan, Scope, permissions, publishing};
use kubeassay_config::tables::Minor;

use super::LABEL;

/// What every object is called.
const NAME: &str = "kubeassay";
/// What those are called that are for publishing.
const PUBLISHER: &str = "kubeassay-publish";
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
    /// The objects of the cluster are read, too.
    pub(crate) objects: bool,
}

/// Returns the documents, each ending with a line break.
pub(crate) fn text(request: &Request) -> String {
    let Request {
        namespace,
        version,
        via_proxy,
        mending,
        objects,
    } = request;
    let plan = Plan {
        minor: u32::from(version.0),
        via_proxy: *via_proxy,
        mending: *mending,
        objects: *objects,
    };
    let permissions = permissions(plan);
    let documents = documents(NAME, namespace, &permissions);
    format!(
        "\
# All that kubeassay may ask of this cluster's API server and kubelets, and why. For Kubernetes {version}.
# Nothing in it lists or reads secrets, or changes anything. The namespace {namespace} has to be there.
{}#   kubectl -n {namespace} create token {NAME} > token
{}",
        if *objects {
            "\
# A token is sent to the kubelets, and who is root of a node can use what it receives: bind this to the user of a client
# certificate where nodes do not trust each other, or scan nodes with what --nodes-only prints and objects with --live=probe.
"
        } else {
            ""
        },
        documents.join("---\n")
    )
}

/// Returns the documents that grant what publishing reports takes, and nothing else.
pub(crate) fn text_to_publish(namespace: &str) -> String {
    format!(
        "\
# All that kubeassay report publish may do in this cluster, and why. It is an account of its own: the token of a scan is sent to
# nodes, and one that may write must not be. Nothing but reports is written, and nothing is deleted. Of the two kinds of
# report one is enough; a rule for a kind that is not installed grants nothing.
# The namespace {namespace} has to be there.
#   kubectl -n {namespace} create token {PUBLISHER} > token
{}",
        documents(PUBLISHER, namespace, &publishing()).join("---\n")
    )
}

/// Returns an account of this name with its roles and their bindings.
fn documents(name: &str, namespace: &str, permissions: &[Permission]) -> Vec<String> {
    let mut documents = vec![format!(
        "\
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {name}
  namespace: {namespace}
  labels:
    {LABEL}
# Its token is asked for when it is needed (kubectl create token); no pod has it mounted unasked.
automountServiceAccountToken: false
"
    )];
    for scope in Scope::ALL {
        let of_scope: Vec<&Permission> = permissions
            .iter()
            .filter(|one| one.scope == scope)
            .collect();
        if of_scope.is_empty() {
            continue;
        }
        let place = scope.namespace();
        let kind = if place.is_none() {
            "ClusterRole"
        } else {
            "Role"
        };
        documents.push(role(name, kind, place, &of_scope));
        documents.push(binding(name, kind, place, namespace));
    }
    documents
}

/// Returns the `metadata` of a role or binding.
fn metadata(name: &str, namespace: Option<&str>) -> String {
    let namespace = namespace.map_or_else(String::new, |name| format!("  namespace: {name}\n"));
    format!(
        "\
metadata:
  name: {name}
{namespace}  labels:
    {LABEL}
"
    )
}

fn role(name: &str, kind: &str, namespace: Option<&str>, permissions: &[&Permission]) -> String {
    let mut rules = String::new();
    let mut reason: &[String] = &[];
    for alike in permissions.chunk_by(|one, other| belong_together(one, other)) {
        let Some(first) = alike.first() else {
            continue;
        };
        let why = if first.reason == reason {
            "As above.".to_owned()
        } else {
            first.reason.join("\n  # ")
        };
        reason = &first.reason;
        rules.push_str(&rule(first, &why, alike));
    }
    let metadata = metadata(name, namespace);
    format!("apiVersion: {GROUP}/v1\nkind: {kind}\n{metadata}rules:\n{rules}")
}

/// Returns whether two permissions are one rule: they differ in the resource or the path alone.
fn belong_together(one: &Permission, other: &Permission) -> bool {
    let objects = match (&one.object, &other.object) {
        (
            Object::Resource { group, names, .. },
            Object::Resource {
                group: other_group,
                names: other_names,
                ..
            },
        ) => (group, names) == (other_group, other_names),
        (Object::Path(_), Object::Path(_)) => true,
        _ => false,
    };
    objects && (one.verb, &one.reason) == (other.verb, &other.reason)
}

/// Returns one rule for permissions that belong together.
fn rule(first: &Permission, why: &str, alike: &[&Permission]) -> String {
    let all = alike.iter().map(|one| match &one.object {
        Object::Resource { resource, .. } => *resource,
        Object::Path(path) => *path,
    });
    let all: Vec<String> = all.map(plain).collect();
    let all = all.join(", ");
    let object = match &first.object {
        Object::Resource { group, names, .. } => {
            let names = if names.is_empty() {
                String::new()
            } else {
                format!("    resourceNames: [{}]\n", names.join(", "))
            };
            format!("apiGroups: [\"{group}\"]\n    resources: [{all}]\n{names}")
        }
        Object::Path(_) => format!("nonResourceURLs: [{all}]\n"),
    };
    format!("  # {why}\n  - {object}    verbs: [{}]\n", first.verb)
}

/// Returns a word as YAML takes it.
fn plain(word: &str) -> String {
    if word.contains('*') {
        format!("\"{word}\"")
    } else {
        word.to_owned()
    }
}

fn binding(name: &str, kind: &str, namespace: Option<&str>, of_account: &str) -> String {
    let metadata = metadata(name, namespace);
    format!(
        "\
apiVersion: {GROUP}/v1
kind: {kind}Binding
{metadata}roleRef:
  apiGroup: {GROUP}
  kind: {kind}
  name: {name}
subjects:
  - kind: ServiceAccount
    name: {name}
    namespace: {of_account}
"
    )
}
