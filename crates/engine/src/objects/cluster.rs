//! The settings of the cluster as a whole.

use std::collections::BTreeSet;

use kubeassay_core::Cause;
use kubeassay_core::facts::objects::{
    Binding, COUNTED, Counted, HolderKind, Inventory, Kind, Means, SigningRequest,
};

use super::namespaces::{Grants, is_system};
use super::network;
use super::rbac::{self, CLUSTER_ADMIN};
use super::settings::{self, ObjectView, whole};

const MASTERS: &str = "system:masters";
const BOOTSTRAPPERS: &str = "system:bootstrappers";
const BINDINGS: [Kind; 2] = [Kind::RoleBindings, Kind::ClusterRoleBindings];

/// The signer of client certificates for the API server.
const CLIENT: &str = "kubernetes.io/kube-apiserver-client";

/// What bootstrap tokens are for: roles of Kubernetes and of kubeadm by which a node joins.
const JOINING: [&str; 7] = [
    "system:node-bootstrapper",
    "system:certificates.k8s.io:certificatesigningrequests:nodeclient",
    "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient",
    "kubeadm:get-nodes",
    "kubeadm:kubelet-config",
    "kubeadm:nodes-kubeadm-config",
    // kubeadm's addon kube-proxy: a joining node reads its ConfigMap.
    "kube-proxy",
];

/// What every namespace has, as kind and name, or this one of Kubernetes', of `OpenShift`'s, or because what kubeassay
/// prints (`manifest rbac`) lets it be read.
const OF_DEFAULT: [(&str, &str); 8] = [
    ("Service", "kubernetes"),
    ("Endpoints", "kubernetes"),
    ("EndpointSlice", "kubernetes"),
    ("ServiceAccount", "default"),
    ("ConfigMap", "kube-root-ca.crt"),
    ("ConfigMap", "openshift-service-ca.crt"),
    ("Role", "kubeassay"),
    ("RoleBinding", "kubeassay"),
];

/// Returns the settings of the cluster.
pub(crate) fn view(inventory: &Inventory) -> ObjectView {
    let mut view = ObjectView::new("cluster");
    people(&mut view, inventory);
    tokens(&mut view, inventory);
    network::enforcers(&mut view, inventory);
    view.list_of(
        "externalSecretStores",
        inventory,
        &[Kind::Resources],
        || {
            let stores = COUNTED.iter().filter(|it| it.means == Means::SecretStore);
            let names = stores.map(Counted::name);
            let served = names.filter(|it| inventory.resources.contains(it.as_str()));
            served.map(|it| with_count(inventory, &it)).collect()
        },
    );
    verifiers(&mut view, inventory);
    view.unknown(
        "imagePolicyWebhook",
        Cause::Unsupported,
        "whether the API server has the plugin ImagePolicyWebhook is told by a scan of its node",
    );
    view.list_of("populatedNamespaces", inventory, &[Kind::Pods], || {
        let names = inventory.pods.iter().map(|pods| &*pods.pod.namespace);
        let names: BTreeSet<&str> = names.filter(|name| !is_system(name)).collect();
        names.into_iter().map(str::to_owned).collect()
    });
    in_default(&mut view, inventory);
    view
}

fn people(view: &mut ObjectView, inventory: &Inventory) {
    let bindings = inventory.bindings.iter().filter(|binding| {
        let shipped = binding.namespace.is_none()
            && &*binding.name == CLUSTER_ADMIN
            && &*binding.role == CLUSTER_ADMIN;
        let mut subjects = binding.subjects.iter();
        !shipped && subjects.any(|it| it.kind == HolderKind::Group && &*it.name == MASTERS)
    });
    let bindings = bindings.map(gives).collect();
    view.found("mastersBindings", inventory, &BINDINGS, bindings);
    requests(
        view,
        inventory,
        "mastersRequests",
        |_| true,
        |it| it.organisations.iter().any(|one| &**one == MASTERS),
    );
    requests(
        view,
        inventory,
        "userCertificates",
        |it| &*it.signer == CLIENT && it.approved,
        |it| {
            let name = it.common_name.as_deref();
            !name.is_some_and(|name| name.starts_with("system:"))
        },
    );
    view.list_of("boundUsers", inventory, &BINDINGS, || {
        let subjects = inventory.bindings.iter().flat_map(|it| &it.subjects);
        let users: BTreeSet<&str> = subjects
            .filter(|it| it.kind == HolderKind::User && !it.name.starts_with("system:"))
            .map(|it| &*it.name)
            .collect();
        users.into_iter().map(str::to_owned).collect()
    });
}

/// Sets a list of requests for certificates, of those in `among` that name somebody as `named` says. One whose names
/// could not be understood may name anybody.
fn requests(
    view: &mut ObjectView,
    inventory: &Inventory,
    name: &'static str,
    among: impl Fn(&SigningRequest) -> bool,
    named: impl Fn(&SigningRequest) -> bool,
) {
    let all = inventory.signing_requests.iter().filter(|it| among(it));
    let (unreadable, readable): (Vec<_>, Vec<_>) = all.partition(|it| it.unreadable);
    let found = readable.into_iter().filter(|it| named(it));
    let found: Vec<String> = found
        .map(|it| {
            let common = it.common_name.as_deref().unwrap_or("no common name");
            format!("CertificateSigningRequest {} for {common}", it.name)
        })
        .collect();
    match unreadable.first() {
        Some(it) if found.is_empty() => {
            let reason = format!(
                "CertificateSigningRequest {}: whom it names could not be understood",
                it.name
            );
            view.unknown(name, Cause::ParseError, &reason);
        }
        _ => view.found(name, inventory, &[Kind::SigningRequests], found),
    }
}

fn gives(binding: &Binding) -> String {
    format!("{} gives {}", rbac::said(binding), binding.role)
}

fn tokens(view: &mut ObjectView, inventory: &Inventory) {
    let kinds = [
        Kind::RoleBindings,
        Kind::ClusterRoleBindings,
        Kind::Roles,
        Kind::ClusterRoles,
        Kind::Pods,
    ];
    view.list_of("podlessAccounts", inventory, &kinds, || {
        let pods = inventory.pods.iter().map(|pods| &pods.pod);
        let running: BTreeSet<(&str, &str)> = pods
            .map(|pod| (&*pod.namespace, &*pod.service_account))
            .collect();
        let grants = Grants::of(inventory);
        let idle = grants.accounts();
        let idle = idle.filter(|key| !is_system(key.0) && !running.contains(*key));
        idle.map(|(namespace, name)| format!("{namespace}/{name}"))
            .collect()
    });
    let others = inventory.bindings.iter().filter(|binding| {
        let joining = JOINING.contains(&&*binding.role);
        let mut subjects = binding.subjects.iter();
        !joining
            && subjects.any(|it| it.kind == HolderKind::Group && it.name.starts_with(BOOTSTRAPPERS))
    });
    let others = others.map(gives).collect();
    view.found("bootstrapGrants", inventory, &BINDINGS, others);
}

fn verifiers(view: &mut ObjectView, inventory: &Inventory) {
    const NAME: &str = "imageVerifiers";
    let closed = |product: &str| {
        inventory
            .admission
            .iter()
            .any(|it| it.product == Some(product) && it.creates_pods && it.fails_closed)
    };
    let (mut found, mut uncounted) = (Vec::new(), None);
    for one in COUNTED {
        let Means::ImageVerifier(product) = one.means else {
            continue;
        };
        uncounted = uncounted.or_else(|| settings::uncounted(inventory, one));
        let name = one.name();
        if total(inventory, &name) > 0 && product.is_none_or(closed) {
            found.push(name);
        }
    }
    let kinds = [
        Kind::Resources,
        Kind::ValidatingWebhooks,
        Kind::MutatingWebhooks,
    ];
    // The site may trust one that was not seen.
    match uncounted.map_or_else(|| whole(inventory, &kinds), Err) {
        Ok(()) => view.list(NAME, found),
        Err((cause, reason)) => view.unknown(NAME, cause, &reason),
    }
}

fn total(inventory: &Inventory, resource: &str) -> u32 {
    let of = inventory.counts.iter();
    of.filter(|((known, _), _)| &**known == resource)
        .fold(0, |total, (_, count)| total.saturating_add(*count))
}

fn with_count(inventory: &Inventory, resource: &str) -> String {
    match total(inventory, resource) {
        0 => resource.to_owned(),
        count => format!("{count} {resource}"),
    }
}

fn in_default(view: &mut ObjectView, inventory: &Inventory) {
    view.assume(
        "inDefault",
        "no Secret lies there: Secrets are never listed, not even their names".to_owned(),
    );
    view.assume(
        "inDefault",
        "no custom resource lies there: kinds of Kubernetes' own alone are asked for".to_owned(),
    );
    let objects = inventory.in_default.iter();
    let mut found: Vec<String> = objects
        .filter(|(kind, name)| {
            !OF_DEFAULT.contains(&(kind, name)) && !matches!(&**kind, "Event" | "Secret")
        })
        .map(|(kind, name)| format!("{kind} {name}"))
        .collect();
    if inventory.in_default_more > 0 {
        found.push(format!("{} that are not named", inventory.in_default_more));
    }
    view.found("inDefault", inventory, &[Kind::InDefault], found);
}
