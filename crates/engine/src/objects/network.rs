//! Network policies of all kinds, and what enforces them.

use std::collections::BTreeMap;

use kubeassay_core::Cause;
use kubeassay_core::facts::objects::{COUNTED, Counted, Inventory, Kind, Means};

use super::settings::{self, ObjectView};

/// Policies that are no `NetworkPolicy` and count like one.
fn others() -> impl Iterator<Item = &'static Counted> {
    let policies = COUNTED.iter();
    policies.filter(|one| one.means == Means::NetworkPolicy)
}

/// The policies of other kinds, by namespace; those of the whole cluster under an empty name.
pub(crate) fn other_policies(inventory: &Inventory) -> BTreeMap<&str, Vec<String>> {
    let mut found: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for ((resource, namespace), count) in &inventory.counts {
        let known = others().find(|one| one.is(resource));
        let place = match (known.map(|one| one.cluster_wide), namespace) {
            (Some(true), _) => "",
            (Some(false), Some(namespace)) => namespace,
            _ => continue,
        };
        if *count > 0 {
            let said = format!("{count} {resource}");
            found.entry(place).or_default().push(said);
        }
    }
    found
}

/// Returns why it is not known whether there are policies of other kinds, where one is served and was not counted whole.
pub(crate) fn uncounted(inventory: &Inventory) -> Option<(Cause, String)> {
    if let Err(trouble) = inventory.whole(Kind::Resources) {
        return Some((trouble.cause, trouble.reason));
    }
    others().find_map(|one| settings::uncounted(inventory, one))
}

/// Agents that enforce policies, by the name of their container or a part of its image.
const ENFORCERS: [(&str, &str); 11] = [
    ("calico-node", "Calico"),
    ("calico/node", "Calico"),
    ("cilium-agent", "Cilium"),
    ("antrea-agent", "Antrea"),
    ("kube-router", "kube-router"),
    ("weave-npc", "Weave Net"),
    ("ovnkube", "OVN-Kubernetes"),
    ("ovn-kubernetes", "OVN-Kubernetes"),
    ("azure-npm", "Azure NPM"),
    ("anetd", "GKE Dataplane V2"),
    ("kube-ovn", "Kube-OVN"),
];

/// Agents of which the API does not tell whether they enforce policies.
const MAYBE: [(&str, &str); 2] = [
    (
        "aws-network-policy-agent",
        "Amazon VPC CNI enforces policies where its agent is switched on, which its arguments tell",
    ),
    (
        "kindnet",
        "kindnet enforces policies from kind 0.24 on, which its image does not tell",
    ),
];

/// Networks that move packets and know no policies.
const WITHOUT: [(&str, &str); 2] = [("flannel", "flannel"), ("kubenet", "kubenet")];

/// Works out what enforces network policies.
pub(crate) fn enforcers(view: &mut ObjectView, inventory: &Inventory) {
    const NAME: &str = "policyEnforcers";
    let agents = |known: &'static [(&'static str, &'static str)]| {
        let mut found: Vec<(&'static str, String)> = Vec::new();
        let templates = inventory.templates.iter().map(|pods| &pods.pod);
        for pod in templates {
            let Some(owner) = pod.owner.as_ref().filter(|it| &*it.kind == "DaemonSet") else {
                continue;
            };
            let each = pod.containers.iter();
            let named = each.filter_map(|one| {
                let mut known = known.iter();
                known.find(|(word, _)| one.name.contains(word) || one.image.contains(word))
            });
            for (_, what) in named {
                let said = format!("{what} (DaemonSet {}/{})", pod.namespace, owner.name);
                if !found.iter().any(|(_, known)| *known == said) {
                    found.push((what, said));
                }
            }
        }
        found
    };
    let enforcing = agents(&ENFORCERS);
    if !enforcing.is_empty() {
        view.assume(
            NAME,
            "the agent that was seen is the network of every node, and works: only a denied connection proves it".to_owned(),
        );
        view.list(NAME, enforcing.into_iter().map(|(_, said)| said).collect());
        return;
    }
    if let Err(trouble) = inventory.whole(Kind::DaemonSets) {
        view.unknown(NAME, trouble.cause, &trouble.reason);
        return;
    }
    if let Some((why, _)) = agents(&MAYBE).first() {
        view.unknown(NAME, Cause::Unsupported, why);
        return;
    }
    let k3s = |version: &str| version.contains("+k3s");
    if inventory
        .nodes
        .iter()
        .any(|node| k3s(&node.kubelet_version))
    {
        let why = "k3s enforces policies itself unless it was started with --disable-network-policy, which only its node tells";
        view.unknown(NAME, Cause::Unsupported, why);
        return;
    }
    if let Err(trouble) = inventory.whole(Kind::Nodes) {
        view.unknown(NAME, trouble.cause, &trouble.reason);
    } else if agents(&WITHOUT).is_empty() {
        let why = "no DaemonSet is that of a network that is known";
        view.unknown(NAME, Cause::Unsupported, why);
    } else {
        view.list(NAME, Vec::new());
    }
}
