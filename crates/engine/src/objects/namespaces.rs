//! The settings of namespaces.

use std::collections::{BTreeMap, BTreeSet};

use kubeassay_config::tables::Minor;
use kubeassay_core::Cause;
use kubeassay_core::facts::objects::{
    Admission, Container, HolderKind, Inventory, Kind, Name, Namespace, NetworkPolicy, Pod, Pods,
    ServiceAccount,
};

use super::enforcement::Enforcement;
use super::rbac::{self, Roles};
use super::settings::{ObjectView, whole};
use super::{network, pods};

/// Namespaces that Kubernetes or a platform owns: whole names, and starts.
const SYSTEM: [&str; 6] = [
    "kube-system",
    "kube-public",
    "kube-node-lease",
    "calico-system",
    "tigera-operator",
    "local-path-storage",
];
const SYSTEM_STARTS: [&str; 6] = ["openshift-", "cattle-", "gke-", "gmp-", "aks-", "cilium-"];

/// Returns whether a namespace belongs to Kubernetes or to the platform.
pub(crate) fn is_system(name: &str) -> bool {
    SYSTEM.contains(&name)
        || name == "openshift"
        || SYSTEM_STARTS.iter().any(|start| name.starts_with(start))
}

/// What follows from the level of pod security that is enforced.
const ENFORCED: [&str; 3] = [
    "enforce",
    "enforceDropsCapabilities",
    "enforceForbidsEscalation",
];

/// What is looked up for every namespace, put in order once.
pub(crate) struct Lookup<'a> {
    inventory: &'a Inventory,
    enforcement: Enforcement<'a>,
    pods: BTreeMap<&'a str, Vec<&'a Pods>>,
    templates: BTreeMap<&'a str, Vec<&'a Pods>>,
    accounts: BTreeMap<(&'a str, &'a str), &'a ServiceAccount>,
    policies: BTreeMap<&'a str, Vec<&'a NetworkPolicy>>,
    other_policies: BTreeMap<&'a str, Vec<String>>,
    uncounted: Option<(Cause, String)>,
    grants: Grants<'a>,
}

/// The bindings that grant anything, by the accounts that they are about.
pub(crate) struct Grants<'a> {
    /// Of one account.
    accounts: BTreeMap<(&'a str, &'a str), Vec<String>>,
    /// Of all accounts of a namespace; those of the whole cluster under an empty name.
    groups: BTreeMap<&'a str, Vec<String>>,
}

impl<'a> Grants<'a> {
    /// Reads the bindings. What Kubernetes ships for every service account (discovery) is no grant.
    pub(crate) fn of(inventory: &'a Inventory) -> Self {
        let roles = Roles::of(inventory);
        let mut grants = Self {
            accounts: BTreeMap::new(),
            groups: BTreeMap::new(),
        };
        for binding in &inventory.bindings {
            // A role that is not there grants nothing, and one without rules neither.
            if !roles.get(binding).is_some_and(rbac::grants_anything) {
                continue;
            }
            let said = || format!("{} gives {}", rbac::said(binding), binding.role);
            for subject in &binding.subjects {
                match (subject.kind, &subject.namespace) {
                    (HolderKind::ServiceAccount, Some(namespace)) => {
                        let key = (&**namespace, &*subject.name);
                        self::push(&mut grants.accounts, key, said());
                    }
                    (HolderKind::Group, _) if !binding.bootstrapping => {
                        let rest = subject.name.strip_prefix("system:serviceaccounts");
                        let of = rest.and_then(|rest| {
                            if rest.is_empty() {
                                Some("")
                            } else {
                                rest.strip_prefix(':')
                            }
                        });
                        if let Some(of) = of {
                            self::push(&mut grants.groups, of, said());
                        }
                    }
                    _ => {}
                }
            }
        }
        grants
    }

    /// Returns what is granted to an account, itself or as one of all.
    pub(crate) fn to(&self, namespace: &str, name: &str) -> Vec<String> {
        self.lists(namespace, name).flatten().cloned().collect()
    }

    /// Returns whether anything is: cheaper than saying what.
    pub(crate) fn any_to(&self, namespace: &str, name: &str) -> bool {
        self.lists(namespace, name).any(|list| !list.is_empty())
    }

    fn lists<'s>(
        &'s self,
        namespace: &'s str,
        name: &'s str,
    ) -> impl Iterator<Item = &'s Vec<String>> {
        let own = self.accounts.get(&(namespace, name));
        let lists = [own, self.groups.get(namespace), self.groups.get("")];
        lists.into_iter().flatten()
    }

    /// Returns the accounts that are bound by name.
    pub(crate) fn accounts(&self) -> impl Iterator<Item = &(&'a str, &'a str)> {
        self.accounts.keys()
    }
}

fn push<K: Ord, V>(map: &mut BTreeMap<K, Vec<V>>, key: K, value: V) {
    map.entry(key).or_default().push(value);
}

const RBAC: [Kind; 4] = [
    Kind::Roles,
    Kind::ClusterRoles,
    Kind::RoleBindings,
    Kind::ClusterRoleBindings,
];

/// Whether a pod asks for something.
type Asks = fn(&Pod) -> bool;

/// What is wrong with a container, in words.
type Wrong = fn(&Pod, &Container) -> Option<String>;

impl<'a> Lookup<'a> {
    /// Returns what there is of each. `minor` is the version of the API servers.
    pub(crate) fn of(inventory: &'a Inventory, minor: Option<Minor>) -> Self {
        let mut lookup = Self {
            inventory,
            enforcement: Enforcement::of(inventory, minor),
            pods: BTreeMap::new(),
            templates: BTreeMap::new(),
            accounts: BTreeMap::new(),
            policies: BTreeMap::new(),
            other_policies: network::other_policies(inventory),
            uncounted: network::uncounted(inventory),
            grants: Grants::of(inventory),
        };
        for pods in &inventory.pods {
            push(&mut lookup.pods, &*pods.pod.namespace, pods);
        }
        for pods in &inventory.templates {
            push(&mut lookup.templates, &*pods.pod.namespace, pods);
        }
        for account in &inventory.service_accounts {
            let key = (&*account.namespace, &*account.name);
            lookup.accounts.insert(key, account);
        }
        for policy in &inventory.network_policies {
            push(&mut lookup.policies, &*policy.namespace, policy);
        }
        lookup
    }

    /// Returns the settings of a namespace.
    pub(crate) fn view(&self, namespace: &Namespace) -> ObjectView {
        let mut view = ObjectView::new("ns");
        view.text("name", &namespace.name);
        view.flag("system", is_system(&namespace.name));
        self.admission(&mut view, namespace);
        self.pods(&mut view, &namespace.name);
        self.accounts(&mut view, &namespace.name);
        self.network(&mut view, &namespace.name);
        view
    }

    fn admission(&self, view: &mut ObjectView, namespace: &Namespace) {
        let inventory = self.inventory;
        let assume = |view: &mut ObjectView, what: String| {
            for about in ENFORCED {
                view.assume(about, what.clone());
            }
        };
        let label = |name: &str| {
            let key = format!("pod-security.kubernetes.io/{name}");
            namespace.labels.get(key.as_str()).map(AsRef::as_ref)
        };
        let level = match (label("enforce"), self.enforcement) {
            (_, Enforcement::Off(_)) | (None, _) => "privileged",
            (Some(level @ ("privileged" | "baseline" | "restricted")), _) => level,
            // A level that is none is taken for the strictest (`ParseLevel` of pod-security-admission).
            (Some(_), _) => "restricted",
        };
        let assumed = match label("enforce") {
            None => self.enforcement.without_label(),
            Some("privileged") => None,
            Some(_) => self.enforcement.with_label(),
        };
        if let Some(assumed) = assumed {
            assume(view, assumed);
        }
        view.text("enforce", level);
        let minor = label("enforce-version")
            .and_then(|version| version.strip_prefix("v1."))
            .and_then(|minor| minor.parse::<u32>().ok());
        // `restricted` wants ALL dropped from 1.22 (`capabilities_restricted`).
        let drops = level == "restricted" && minor.is_none_or(|minor| minor >= 22);
        view.flag("enforceDropsCapabilities", drops);
        // And forbids privilege escalation from 1.8 (`allowPrivilegeEscalation`).
        let forbids = level == "restricted" && minor.is_none_or(|minor| minor >= 8);
        view.flag("enforceForbidsEscalation", forbids);
        if let Some(why) = self.enforcement.untold()
            && label("enforce") != Some("privileged")
        {
            for name in ENFORCED {
                view.unknown(name, Cause::Unsupported, &why);
            }
        }
        let kinds = [
            Kind::ValidatingWebhooks,
            Kind::AdmissionPolicies,
            Kind::AdmissionPolicyBindings,
        ];
        view.list_of("podPolicies", inventory, &kinds, || {
            self.policies(namespace, false)
        });
        view.list_of("admission", inventory, &kinds, || {
            self.policies(namespace, true)
        });
    }

    /// Returns what is asked before a pod of the namespace is created, and refuses where it does not answer.
    fn policies(&self, namespace: &Namespace, all: bool) -> Vec<String> {
        let inventory = self.inventory;
        let mut found = Vec::new();
        for one in &inventory.admission {
            let asked = one.creates_pods
                && one.fails_closed
                && !one.narrowed
                && one.namespaces.matches(&namespace.labels);
            if !asked {
                continue;
            }
            match (one.kind, one.product, &one.webhook) {
                (Kind::ValidatingWebhooks, Some(product), Some(webhook)) => {
                    found.push(format!("{product}: {webhook}"));
                }
                (Kind::ValidatingWebhooks, None, Some(webhook)) if all => {
                    found.push(webhook.to_string());
                }
                (Kind::AdmissionPolicies, ..) if self.denies(one, namespace) => {
                    found.push(format!("ValidatingAdmissionPolicy {}", one.name));
                }
                _ => {}
            }
        }
        if inventory
            .resources
            .contains("securitycontextconstraints.security.openshift.io")
        {
            found.push("SecurityContextConstraints of OpenShift".to_owned());
        }
        found
    }

    fn denies(&self, policy: &Admission, namespace: &Namespace) -> bool {
        self.inventory.admission_bindings.iter().any(|binding| {
            binding.policy == policy.name
                && binding.denies
                && !binding.narrowed
                && binding.namespaces.matches(&namespace.labels)
        })
    }

    fn pods(&self, view: &mut ObjectView, namespace: &str) {
        let inventory = self.inventory;
        let pods = self.pods.get(namespace).map_or(&[][..], |pods| pods);
        let templates = self.templates.get(namespace).map_or(&[][..], |pods| pods);
        let of_pods = [Kind::Pods];
        let by_container: [(&'static str, Wrong); 9] = [
            ("privilegedPods", pods::privileged),
            ("escalatingPods", pods::escalates),
            ("rootPods", pods::root),
            ("netRawPods", pods::net_raw),
            ("capabilityPods", pods::capabilities),
            ("hostProcessPods", pods::host_process),
            ("hostPortPods", pods::host_ports),
            ("unconfinedPods", pods::unconfined),
            ("profilelessPods", pods::profileless),
        ];
        for (name, wrong) in by_container {
            view.found(name, inventory, &of_pods, pods::containers(pods, wrong));
        }
        let by_pod: [(&'static str, Asks); 3] = [
            ("hostPIDPods", |pod| pod.host_pid),
            ("hostIPCPods", |pod| pod.host_ipc),
            ("hostNetworkPods", |pod| pod.host_network),
        ];
        for (name, wrong) in by_pod {
            view.found(name, inventory, &of_pods, pods::which(pods, wrong));
        }
        let host_paths = pods.iter().filter(|pods| !pods.pod.host_paths.is_empty());
        let host_paths = host_paths
            .map(|pods| format!("{}: {}", pods::said(pods), pods.pod.host_paths.join(", ")))
            .collect();
        view.found("hostPathPods", inventory, &of_pods, host_paths);
        let bare = pods::containers(pods, pods::bare);
        view.found("bareContainers", inventory, &of_pods, bare);
        // Sites may say which fields they do without, so that one that is missing says nothing of the others.
        view.list_of("missingFields", inventory, &of_pods, || {
            pods::missing_fields(pods)
        });
        view.unknown(
            "seccompDefault",
            Cause::Unsupported,
            "whether a kubelet gives RuntimeDefault to containers that name no profile is told by the rule kubelet-seccomp-default on its node",
        );
        let workloads = [
            Kind::Pods,
            Kind::Deployments,
            Kind::StatefulSets,
            Kind::DaemonSets,
            Kind::ReplicaSets,
            Kind::Jobs,
            Kind::CronJobs,
        ];
        let secret_environment = || {
            let wrong = pods::secret_environment;
            let mut found: BTreeSet<String> =
                pods::containers(templates, wrong).into_iter().collect();
            // A pod of a workload that is named already says nothing more.
            let owners: BTreeSet<_> = templates.iter().map(|it| &it.pod.owner).collect();
            let others: Vec<&Pods> = pods
                .iter()
                .copied()
                .filter(|it| it.pod.owner.is_none() || !owners.contains(&it.pod.owner))
                .collect();
            found.extend(pods::containers(&others, wrong));
            found.into_iter().collect::<Vec<_>>()
        };
        view.found(
            "secretEnvironment",
            inventory,
            &workloads,
            secret_environment(),
        );
    }

    /// Returns whether the token of its account is known to be mounted in a pod: the pod's word counts before the
    /// account's, and an account that was not seen may have said no. Pods that a kubelet makes from files have none.
    fn mounts_token(&self, pods: &Pods) -> bool {
        let pod = &pods.pod;
        let account = self.accounts.get(&(&*pod.namespace, &*pod.service_account));
        let unsaid = match account {
            Some(account) => account.automount.unwrap_or(true),
            None => self.inventory.whole(Kind::ServiceAccounts).is_ok(),
        };
        !pod.mirror && (pod.token_volume || pod.automount.unwrap_or(unsaid))
    }

    fn accounts(&self, view: &mut ObjectView, namespace: &str) {
        let inventory = self.inventory;
        let account = self.accounts.get(&(namespace, "default"));
        match (account, inventory.whole(Kind::ServiceAccounts)) {
            (Some(account), _) => {
                view.flag("defaultAccountMounts", account.automount != Some(false));
            }
            // Without an account nothing runs as it; the controller makes it anew.
            (None, Ok(())) => view.flag("defaultAccountMounts", false),
            (None, Err(trouble)) => {
                view.unknown("defaultAccountMounts", trouble.cause, &trouble.reason);
            }
        }
        let pods = self.pods.get(namespace).map_or(&[][..], |pods| pods);
        let mounting: Vec<&Pods> = pods
            .iter()
            .copied()
            .filter(|pods| self.mounts_token(pods))
            .collect();
        let of_pods = [Kind::Pods, Kind::ServiceAccounts];
        let as_default = pods::which(&mounting, |pod| &*pod.service_account == "default");
        view.found("defaultAccountPods", inventory, &of_pods, as_default);
        let grants = self.grants.to(namespace, "default");
        view.found("defaultAccountGrants", inventory, &RBAC, grants);
        let all = [&of_pods[..], &RBAC].concat();
        let granted = |name: &Name| self.grants.any_to(namespace, name);
        match whole(inventory, &RBAC) {
            Ok(()) => {
                let needless = pods::which(&mounting, |pod| !granted(&pod.service_account));
                view.found("needlessTokenPods", inventory, &of_pods, needless);
            }
            // Whatever was not seen may grant something.
            Err((cause, reason)) => view.unknown("needlessTokenPods", cause, &reason),
        }
        view.list_of("tokenAccounts", inventory, &all, || {
            let names: BTreeSet<&Name> = mounting
                .iter()
                .map(|pods| &pods.pod.service_account)
                .filter(|name| granted(name))
                .collect();
            let names = names.into_iter();
            names.map(|name| format!("{namespace}/{name}")).collect()
        });
    }

    fn network(&self, view: &mut ObjectView, namespace: &str) {
        let inventory = self.inventory;
        let policies = self.policies.get(namespace).map_or(&[][..], |it| it);
        let mut found: Vec<String> = policies
            .iter()
            .map(|policy| format!("NetworkPolicy {}", policy.name))
            .collect();
        for place in [namespace, ""] {
            found.extend(
                self.other_policies
                    .get(place)
                    .into_iter()
                    .flatten()
                    .cloned(),
            );
        }
        // Every pod is chosen, and nothing comes in but by other policies.
        let deny = policies
            .iter()
            .any(|policy| policy.all_pods && policy.denies_ingress);
        match (inventory.whole(Kind::NetworkPolicies), found.is_empty()) {
            (Err(trouble), true) => {
                view.unknown("networkPolicies", trouble.cause, &trouble.reason);
            }
            (Ok(()), true) => match &self.uncounted {
                Some((cause, reason)) => view.unknown("networkPolicies", *cause, reason),
                None => view.list("networkPolicies", found),
            },
            (_, false) => view.list("networkPolicies", found),
        }
        match inventory.whole(Kind::NetworkPolicies) {
            Err(trouble) if !deny => view.unknown("defaultDeny", trouble.cause, &trouble.reason),
            _ => view.flag("defaultDeny", deny),
        }
    }
}
