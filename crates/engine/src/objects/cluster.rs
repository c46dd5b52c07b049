//! The settings of the cluster as a whole.

use std::collections::BTreeSet;

use kubeassay_core::Cause;
use kubeassay_core::facts::objects::{HolderKind, Inventory, Kind};

use super::namespaces::{Grants, is_system};
use super::network;
use super::rbac::{self, CLUSTER_ADMIN};
use super::settings::ObjectView;

const MASTERS: &str = "system:masters";
const BOOTSTRAPPERS: &str = "system:bootstrappers";
const BINDINGS: [Kind; 2] = [Kind::RoleBindings, Kind::ClusterRoleBindings];

/// The signer of client certificates for the API server.
const CLIENT: &str = "kubernetes.io/kube-apiserver-client";

/// What bootstrap tokens are for: roles of Kubernetes and of kubeadm by which a node joins.
const JOINING: [&str; 6] = [
    "system:node-bootstrapper",
    "system:certificates.k8s.io:certificatesigningrequests:nodeclient",
    "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient",
    "kubeadm:get-nodes",
    "kubeadm:kubelet-config",
    "kubeadm:nodes-kubeadm-config",
];

/// Resources of operators that bring secrets from a store outside the cluster.
const STORES: [&str; 9] = [
    "externalsecrets.external-secrets.io",
    "clusterexternalsecrets.external-secrets.io",
    "secretproviderclasses.secrets-store.csi.x-k8s.io",
    "vaultstaticsecrets.secrets.hashicorp.com",
    "vaultdynamicsecrets.secrets.hashicorp.com",
    "sealedsecrets.bitnami.com",
    "azurekeyvaultsecrets.spv.no",
    "onepassworditems.onepassword.com",
    "infisicalsecrets.secrets.infisical.com",
];

/// Resources that say which signatures images need, and the product whose webhook asks for them, where it is one.
const VERIFIERS: [(&str, Option<&str>); 5] = [
    (
        "clusterimagepolicies.policy.sigstore.dev",
        Some("sigstore policy-controller"),
    ),
    (
        "imagevalidatingpolicies.policies.kyverno.io",
        Some("kyverno"),
    ),
    ("imagepolicies.config.openshift.io", None),
    ("clusterimagepolicies.config.openshift.io", None),
    ("imagepolicies.connaisseur.sse", Some("connaisseur")),
];

/// What every namespace has, as kind and name, or this one of Kubernetes', of OpenShift's, or because what kubeassay prints
/// (`manifest rbac`) lets it be read.
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
            let served = STORES
                .iter()
                .filter(|it| inventory.resources.contains(**it));
            served.map(|it| with_count(inventory, it)).collect()
        },
    );
    view.list_of(
        "imageVerifiers",
        inventory,
        &[
            Kind::Resources,
            Kind::ValidatingWebhooks,
            Kind::MutatingWebhooks,
        ],
        || verifiers(inventory),
    );
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
    let requests = [Kind::SigningRequests];
    view.list_of("mastersBindings", inventory, &BINDINGS, || {
        let others = inventory.bindings.iter().filter(|binding| {
            let shipped = binding.namespace.is_none()
                && &*binding.name == CLUSTER_ADMIN
                && &*binding.role == CLUSTER_ADMIN;
            let mut subjects = binding.subjects.iter();
            !shipped && subjects.any(|it| it.kind == HolderKind::Group && &*it.name == MASTERS)
        });
        others
            .map(|binding| format!("{} gives {}", rbac::said(binding), binding.role))
            .collect()
    });
    let named = |wanted: &dyn Fn(&kubeassay_core::facts::objects::SigningRequest) -> bool| {
        let found = inventory.signing_requests.iter().filter(|it| wanted(it));
        found
            .map(|it| {
                let name = it
                    .common_name
                    .as_deref()
                    .unwrap_or("a name that could not be read");
                format!("CertificateSigningRequest {} for {name}", it.name)
            })
            .collect::<Vec<_>>()
    };
    view.list_of("mastersRequests", inventory, &requests, || {
        named(&|it| it.organisations.iter().any(|one| &**one == MASTERS))
    });
    view.list_of("userCertificates", inventory, &requests, || {
        named(&|it| {
            let name = it.common_name.as_deref();
            let of_component = name.is_some_and(|name| name.starts_with("system:"));
            &*it.signer == CLIENT && it.approved && !it.unreadable && !of_component
        })
    });
    view.list_of("boundUsers", inventory, &BINDINGS, || {
        let subjects = inventory.bindings.iter().flat_map(|it| &it.subjects);
        let users: BTreeSet<&str> = subjects
            .filter(|it| it.kind == HolderKind::User && !it.name.starts_with("system:"))
            .map(|it| &*it.name)
            .collect();
        users.into_iter().map(str::to_owned).collect()
    });
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
    view.list_of("bootstrapGrants", inventory, &BINDINGS, || {
        let others = inventory.bindings.iter().filter(|binding| {
            let joining = JOINING.contains(&&*binding.role);
            let mut subjects = binding.subjects.iter();
            !joining
                && subjects
                    .any(|it| it.kind == HolderKind::Group && it.name.starts_with(BOOTSTRAPPERS))
        });
        others
            .map(|binding| format!("{} gives {}", rbac::said(binding), binding.role))
            .collect()
    });
}

fn verifiers(inventory: &Inventory) -> Vec<String> {
    let closed = |product: &str| {
        inventory
            .admission
            .iter()
            .any(|it| it.product == Some(product) && it.creates_pods && it.fails_closed)
    };
    VERIFIERS
        .iter()
        .filter(|(resource, product)| {
            let some = total(inventory, resource) > 0;
            some && product.is_none_or(closed)
        })
        .map(|(resource, _)| (*resource).to_owned())
        .collect()
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
    match inventory.whole(Kind::InDefault) {
        Err(trouble) if found.is_empty() => {
            view.unknown("inDefault", trouble.cause, &trouble.reason);
        }
        _ => view.list("inDefault", found),
    }
}
