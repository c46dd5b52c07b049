//! What there is beside pods and workloads: small objects, each written by its number.

use std::fmt::Write as _;

use super::{Size, mixed, namespace};
use crate::api_server::Source;

/// Writes an object by its number.
pub(super) type Write = fn(number: usize, list: &mut String);

/// Objects of one kind. The first `DEFAULT` of those in namespaces are in the namespace `default`.
pub(super) struct Simple {
    pub(super) count: Count,
    pub(super) write: Write,
}

/// How many there are.
#[derive(Clone, Copy)]
pub(super) enum Count {
    /// In no namespace.
    Cluster(usize),
    /// So many in each of so many namespaces.
    Each(usize, usize),
}

impl Source for Simple {
    fn count(&self, wanted: Option<&str>) -> usize {
        match (self.count, wanted) {
            (Count::Cluster(count), None) => count,
            (Count::Each(each, namespaces), None) => each * namespaces,
            (Count::Each(each, _), Some("default")) => each,
            (_, Some(_)) => 0,
        }
    }

    fn item(&self, _: Option<&str>, index: usize, list: &mut String) {
        // Those of `default`, the first namespace, come first.
        let number = match self.count {
            Count::Cluster(_) => index,
            Count::Each(each, _) => (index / each) << 8 | (index % each),
        };
        (self.write)(number, list);
    }
}

/// Returns what is served, by group and plural.
pub(super) fn of(size: Size, workloads: usize) -> Vec<(&'static str, &'static str, Count, Write)> {
    const RBAC: &str = "rbac.authorization.k8s.io";
    let each = |share: usize| (size.rbac * share / 100 / size.namespaces).max(1);
    let (roles, bindings) = (each(20), each(50));
    let rest = size.rbac - (roles + bindings) * size.namespaces;
    let cluster_roles = rest / 3;
    vec![
        (
            "",
            "namespaces",
            Count::Cluster(size.namespaces),
            a_namespace,
        ),
        (
            "",
            "serviceaccounts",
            Count::Each(3, size.namespaces),
            account,
        ),
        ("", "services", Count::Each(2, size.namespaces), service),
        (
            "",
            "configmaps",
            Count::Each(3, size.namespaces),
            config_map,
        ),
        (RBAC, "roles", Count::Each(roles, size.namespaces), role),
        (
            RBAC,
            "rolebindings",
            Count::Each(bindings, size.namespaces),
            binding,
        ),
        (
            RBAC,
            "clusterroles",
            Count::Cluster(cluster_roles),
            cluster_role,
        ),
        (
            RBAC,
            "clusterrolebindings",
            Count::Cluster(rest - cluster_roles),
            cluster_binding,
        ),
        (
            "networking.k8s.io",
            "networkpolicies",
            Count::Each(2, size.namespaces),
            policy,
        ),
        (
            "cilium.io",
            "ciliumnetworkpolicies",
            Count::Each(1, size.namespaces),
            other_policy,
        ),
        (
            "batch",
            "cronjobs",
            Count::Each(1, size.namespaces.min(workloads)),
            cron_job,
        ),
    ]
}

/// The namespace of a number, and its number therein.
fn place(number: usize) -> (String, usize) {
    (namespace(number >> 8), number & 0xff)
}

/// Writes the metadata of an object, managed fields included.
pub(super) fn metadata(
    namespace: Option<&str>,
    name: &str,
    manager: &str,
    more: &str,
    list: &mut String,
) {
    let place = namespace.map_or(String::new(), |name| format!("\"namespace\":\"{name}\","));
    let number = mixed(name.len() + namespace.map_or(0, str::len));
    write!(
        list,
        "{{\"name\":\"{name}\",{place}\"uid\":\"{number:08x}-6f1c-4d52-9a51-{number:012x}\",\"resourceVersion\":\"{number}\",\"creationTimestamp\":\"2026-05-04T09:12:44Z\",{more}\"managedFields\":[{{\"manager\":\"{manager}\",\"operation\":\"Apply\",\"apiVersion\":\"v1\",\"time\":\"2026-05-04T09:12:44Z\",\"fieldsType\":\"FieldsV1\",\"fieldsV1\":{{\"f:metadata\":{{\"f:labels\":{{\"f:app.kubernetes.io/instance\":{{}},\"f:app.kubernetes.io/managed-by\":{{}},\"f:app.kubernetes.io/name\":{{}},\"f:app.kubernetes.io/part-of\":{{}}}}}},\"f:rules\":{{}},\"f:subjects\":{{}}}}}}]}}"
    )
    .expect("a string");
}

fn a_namespace(number: usize, list: &mut String) {
    let name = namespace(number);
    // A third enforces nothing, as it is where nobody asks for it.
    let level = match number % 3 {
        0 => "",
        1 => "\"pod-security.kubernetes.io/enforce\":\"baseline\",",
        _ => {
            "\"pod-security.kubernetes.io/enforce\":\"restricted\",\"pod-security.kubernetes.io/warn\":\"restricted\","
        }
    };
    list.push_str("{\"metadata\":");
    let labels = format!(
        "\"labels\":{{{level}\"kubernetes.io/metadata.name\":\"{name}\",\"team\":\"t{}\"}},",
        number % 97
    );
    metadata(None, &name, "argocd-controller", &labels, list);
    list.push_str(",\"spec\":{\"finalizers\":[\"kubernetes\"]},\"status\":{\"phase\":\"Active\"}}");
}

fn account(number: usize, list: &mut String) {
    let (namespace, index) = place(number);
    let name = ["default", "runner", "web"][index];
    list.push_str("{\"metadata\":");
    metadata(Some(&namespace), name, "kube-controller-manager", "", list);
    list.push_str(if number.is_multiple_of(2) {
        ",\"automountServiceAccountToken\":false}"
    } else {
        "}"
    });
}

fn service(number: usize, list: &mut String) {
    let (namespace, index) = place(number);
    list.push_str("{\"metadata\":");
    metadata(
        Some(&namespace),
        &format!("web-{index}"),
        "argocd-controller",
        "",
        list,
    );
    list.push_str(",\"spec\":{\"clusterIP\":\"10.96.7.4\",\"ports\":[{\"port\":443,\"protocol\":\"TCP\"}],\"type\":\"ClusterIP\"}}");
}

fn config_map(number: usize, list: &mut String) {
    let (namespace, index) = place(number);
    let name = if index == 0 {
        "kube-root-ca.crt".to_owned()
    } else {
        format!("settings-{index}")
    };
    list.push_str("{\"metadata\":");
    metadata(Some(&namespace), &name, "argocd-controller", "", list);
    write!(
        list,
        ",\"data\":{{\"settings\":\"{}\"}}}}",
        "mode=production;".repeat(40)
    )
    .expect("a string");
}

fn rules(number: usize, list: &mut String) {
    let (verbs, group, resources) = match mixed(number) % 50 {
        0 => ("\"*\"", "*", "\"*\""),
        1 => ("\"create\",\"get\"", "", "\"pods\",\"pods/exec\""),
        2 => (
            "\"get\",\"list\",\"watch\"",
            "",
            "\"secrets\",\"configmaps\"",
        ),
        3 => ("\"create\"", "", "\"serviceaccounts/token\""),
        _ => (
            "\"get\",\"list\",\"watch\"",
            "apps",
            "\"deployments\",\"replicasets\",\"statefulsets\"",
        ),
    };
    write!(
        list,
        ",\"rules\":[{{\"verbs\":[{verbs}],\"apiGroups\":[\"{group}\"],\"resources\":[{resources}]}},{{\"verbs\":[\"get\",\"list\",\"watch\"],\"apiGroups\":[\"\"],\"resources\":[\"services\",\"endpoints\",\"pods\",\"events\"]}},{{\"verbs\":[\"create\",\"get\",\"update\"],\"apiGroups\":[\"coordination.k8s.io\"],\"resources\":[\"leases\"],\"resourceNames\":[\"lock-{number}\"]}}]}}"
    )
    .expect("a string");
}

fn role(number: usize, list: &mut String) {
    let (namespace, index) = place(number);
    list.push_str("{\"metadata\":");
    metadata(Some(&namespace), &format!("role-{index}"), "helm", "", list);
    rules(number, list);
}

fn cluster_role(number: usize, list: &mut String) {
    list.push_str("{\"metadata\":");
    // One in twenty joins a role of Kubernetes' own.
    let labels = if number.is_multiple_of(20) {
        "\"labels\":{\"rbac.authorization.k8s.io/aggregate-to-view\":\"true\"},"
    } else {
        ""
    };
    metadata(None, &format!("operator-{number:05}"), "helm", labels, list);
    rules(number, list);
}

fn binding(number: usize, list: &mut String) {
    let (namespace, index) = place(number);
    list.push_str("{\"metadata\":");
    metadata(
        Some(&namespace),
        &format!("binding-{index}"),
        "helm",
        "",
        list,
    );
    let (kind, role) = if index < 2 {
        ("Role", format!("role-{index}"))
    } else {
        (
            "ClusterRole",
            format!("operator-{:05}", mixed(number) % 1_000),
        )
    };
    write!(
        list,
        ",\"roleRef\":{{\"apiGroup\":\"rbac.authorization.k8s.io\",\"kind\":\"{kind}\",\"name\":\"{role}\"}},\"subjects\":[{{\"kind\":\"ServiceAccount\",\"name\":\"{}\",\"namespace\":\"{namespace}\"}},{{\"kind\":\"Group\",\"apiGroup\":\"rbac.authorization.k8s.io\",\"name\":\"team-{}\"}}]}}",
        ["runner", "web"][index % 2],
        number % 97,
    )
    .expect("a string");
}

fn cluster_binding(number: usize, list: &mut String) {
    list.push_str("{\"metadata\":");
    metadata(None, &format!("operator-{number:05}"), "helm", "", list);
    write!(
        list,
        ",\"roleRef\":{{\"apiGroup\":\"rbac.authorization.k8s.io\",\"kind\":\"ClusterRole\",\"name\":\"operator-{:05}\"}},\"subjects\":[{{\"kind\":\"ServiceAccount\",\"name\":\"web\",\"namespace\":\"{}\"}}]}}",
        mixed(number) % 2_000,
        namespace(2 + mixed(number) % 500),
    )
    .expect("a string");
}

fn policy(number: usize, list: &mut String) {
    let (namespace, index) = place(number);
    list.push_str("{\"metadata\":");
    metadata(
        Some(&namespace),
        &format!("policy-{index}"),
        "argocd-controller",
        "",
        list,
    );
    list.push_str(if index == 0 {
        ",\"spec\":{\"podSelector\":{},\"policyTypes\":[\"Ingress\",\"Egress\"]}}"
    } else {
        ",\"spec\":{\"podSelector\":{\"matchLabels\":{\"app\":\"web\"}},\"ingress\":[{\"from\":[{\"namespaceSelector\":{}}]}],\"policyTypes\":[\"Ingress\"]}}"
    });
}

/// One of a custom resource, whose items carry their kind.
fn other_policy(number: usize, list: &mut String) {
    let (namespace, _) = place(number);
    list.push_str(
        "{\"apiVersion\":\"cilium.io/v2\",\"kind\":\"CiliumNetworkPolicy\",\"metadata\":",
    );
    metadata(Some(&namespace), "web", "argocd-controller", "", list);
    list.push_str(",\"spec\":{\"endpointSelector\":{},\"ingress\":[{\"fromEndpoints\":[{}]}]}}");
}

fn cron_job(number: usize, list: &mut String) {
    let (namespace, _) = place(number);
    list.push_str("{\"metadata\":");
    metadata(Some(&namespace), "sweep", "argocd-controller", "", list);
    list.push_str(
        ",\"spec\":{\"schedule\":\"0 3 * * *\",\"jobTemplate\":{\"spec\":{\"template\":{\"spec\":",
    );
    super::pods::spec(number, "sweep", None, list);
    list.push_str("}}}}}");
}
