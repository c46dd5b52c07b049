//! What checks may read of the objects of a cluster, by subject.

use std::collections::BTreeMap;

use kubeassay_core::facts::objects::{Counted, Inventory, Kind};
use kubeassay_core::rule::{Reading, SettingType, Settings};
use kubeassay_core::{Cause, Value};

/// How many entries of a list are named; the rest is one more entry that says how many.
const MAX_NAMED: usize = 20;

/// What a setting holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    Bool,
    Text,
    List,
}

use Type::{Bool, List, Text};

/// A subject of rules about objects, and its settings.
pub(crate) struct SubjectSettings {
    pub(crate) subject: &'static str,
    /// The first word of its settings in checks: `namespace` is a reserved word of CEL.
    pub(crate) root: &'static str,
    pub(crate) settings: &'static [(&'static str, Type)],
}

/// Every subject.
pub(crate) const SUBJECTS: [SubjectSettings; 4] = [
    SubjectSettings {
        subject: "cluster",
        root: "cluster",
        settings: &[
            // Bindings of the group system:masters beyond the one that is shipped.
            ("mastersBindings", List),
            // Requests for certificates that name the group system:masters.
            ("mastersRequests", List),
            // Approved requests for client certificates of people.
            ("userCertificates", List),
            // Users that a role is bound to and that are no component's.
            ("boundUsers", List),
            // Service accounts that hold a role and that no pod runs as.
            ("podlessAccounts", List),
            // Bindings that let bootstrap tokens do more than join a node.
            ("bootstrapGrants", List),
            // What enforces network policies, as far as it was seen.
            ("policyEnforcers", List),
            // Resources of stores of secrets outside the cluster.
            ("externalSecretStores", List),
            // What verifies where images come from before pods are admitted.
            ("imageVerifiers", List),
            // Whether the API server has ImagePolicyWebhook, which its own API does not tell.
            ("imagePolicyWebhook", Bool),
            // Namespaces of the site with pods in them.
            ("populatedNamespaces", List),
            // Objects in the namespace `default`.
            ("inDefault", List),
        ],
    },
    SubjectSettings {
        subject: "namespace",
        root: "ns",
        settings: &[
            ("name", Text),
            // It belongs to Kubernetes or to the platform.
            ("system", Bool),
            // The level of pod security that is enforced: `privileged`, `baseline` or `restricted`.
            ("enforce", Text),
            // The level in its version makes containers drop all capabilities.
            ("enforceDropsCapabilities", Bool),
            // The level in its version keeps containers from gaining privileges.
            ("enforceForbidsEscalation", Bool),
            // Policies about pods that refuse: webhooks of policy engines, validating admission policies.
            ("podPolicies", List),
            // The same, and webhooks of which it is not known what they are for.
            ("admission", List),
            ("privilegedPods", List),
            ("hostPIDPods", List),
            ("hostIPCPods", List),
            ("hostNetworkPods", List),
            ("escalatingPods", List),
            ("rootPods", List),
            ("netRawPods", List),
            ("capabilityPods", List),
            ("hostProcessPods", List),
            ("hostPathPods", List),
            ("hostPortPods", List),
            ("secretEnvironment", List),
            ("unconfinedPods", List),
            ("profilelessPods", List),
            // Whether the kubelets apply RuntimeDefault by themselves, which the API does not tell.
            ("seccompDefault", Bool),
            // Containers for which neither they nor their pod set anything.
            ("bareContainers", List),
            // Fields of security contexts that some container lacks.
            ("missingFields", List),
            // The service account `default` has its token mounted unless a pod says otherwise.
            ("defaultAccountMounts", Bool),
            ("defaultAccountPods", List),
            ("defaultAccountGrants", List),
            // Pods with the token of an account that may do nothing.
            ("needlessTokenPods", List),
            // The other accounts whose token pods mount, as `namespace/name`.
            ("tokenAccounts", List),
            ("networkPolicies", List),
            ("defaultDeny", Bool),
        ],
    },
    SubjectSettings {
        subject: "role",
        root: "role",
        settings: &[
            ("name", Text),
            ("namespace", Text),
            ("shipped", Bool),
            ("wildcards", List),
        ],
    },
    SubjectSettings {
        subject: "holder",
        root: "holder",
        settings: &[
            // As choices name it: `User NAME`, `Group NAME`, `ServiceAccount NAMESPACE/NAME`.
            ("id", Text),
            ("kind", Text),
            ("name", Text),
            ("namespace", Text),
            // It holds what it holds because Kubernetes ships it so.
            ("shipped", Bool),
            // Anybody, or every pod that does not say otherwise.
            ("everyone", Bool),
            ("clusterAdmin", List),
            ("readSecrets", List),
            ("createPods", List),
            ("createWorkloads", List),
            ("bind", List),
            ("escalate", List),
            ("impersonate", List),
            ("createPersistentVolumes", List),
            ("nodesProxy", List),
            ("approveCertificates", List),
            ("changeWebhooks", List),
            ("changeAdmissionPolicies", List),
            ("mintTokens", List),
        ],
    },
];

/// Returns whether settings of objects start with this word.
pub(crate) fn is_root(root: &str) -> bool {
    SUBJECTS.iter().any(|of| of.root == root)
}

/// Returns the type of a setting of objects, by its full name.
pub(crate) fn kind_of(setting: &str) -> Option<SettingType> {
    let (root, path) = setting.split_once('.')?;
    let of = SUBJECTS.iter().find(|one| one.root == root)?;
    let (_, kind) = of.settings.iter().find(|(name, _)| *name == path)?;
    Some(match kind {
        Bool => SettingType::Bool,
        Text => SettingType::String,
        List => SettingType::List(Box::new(SettingType::String)),
    })
}

/// Returns the full names of all settings of objects.
pub(crate) fn names() -> impl Iterator<Item = String> {
    SUBJECTS.iter().flat_map(|of| {
        let names = of.settings.iter();
        names.map(move |(name, _)| format!("{}.{name}", of.root))
    })
}

/// The settings of one subject.
#[derive(Clone, Debug)]
pub(crate) struct ObjectView {
    root: &'static str,
    values: BTreeMap<&'static str, Reading>,
    /// What was taken for granted, by the setting that it is about.
    assumes: Vec<(&'static str, String)>,
}

impl ObjectView {
    pub(crate) const fn new(root: &'static str) -> Self {
        Self {
            root,
            values: BTreeMap::new(),
            assumes: Vec::new(),
        }
    }

    pub(crate) fn flag(&mut self, name: &'static str, value: bool) {
        self.values.insert(name, Reading::Value(Value::Bool(value)));
    }

    pub(crate) fn text(&mut self, name: &'static str, value: &str) {
        self.values
            .insert(name, Reading::Value(Value::string(value)));
    }

    /// Sets a list, of which only so many entries are named.
    pub(crate) fn list(&mut self, name: &'static str, entries: Vec<String>) {
        let more = entries.len().saturating_sub(MAX_NAMED);
        let mut values: Vec<Value> = entries
            .into_iter()
            .take(MAX_NAMED)
            .map(Value::string)
            .collect();
        if more > 0 {
            values.push(Value::string(format!("and {more} more")));
        }
        self.values
            .insert(name, Reading::Value(Value::List(values)));
    }

    pub(crate) fn unknown(&mut self, name: &'static str, cause: Cause, reason: &str) {
        let reason = reason.to_owned();
        self.values.insert(name, Reading::Unknown { cause, reason });
    }

    /// Sets a list of which every entry has to be known: unknown where one of the lists of objects that it depends on
    /// was not read whole.
    pub(crate) fn list_of(
        &mut self,
        name: &'static str,
        inventory: &Inventory,
        kinds: &[Kind],
        entries: impl FnOnce() -> Vec<String>,
    ) {
        match whole(inventory, kinds) {
            Ok(()) => self.list(name, entries()),
            Err((cause, reason)) => self.unknown(name, cause, &reason),
        }
    }

    /// Sets a list of which each entry counts by itself, whatever else there may be: what checks only ask to be empty.
    /// Where one of the lists of objects was not read whole, the entries that were found stand, with one more that says
    /// so; without any, the list is unknown.
    pub(crate) fn found(
        &mut self,
        name: &'static str,
        inventory: &Inventory,
        kinds: &[Kind],
        mut entries: Vec<String>,
    ) {
        match whole(inventory, kinds) {
            Err((cause, reason)) if entries.is_empty() => self.unknown(name, cause, &reason),
            Err((_, reason)) => {
                let more = entries.len().saturating_sub(MAX_NAMED - 1);
                entries.truncate(MAX_NAMED - 1);
                entries.push(match more {
                    0 => format!("and maybe others: {reason}"),
                    more => format!("and {more} more, and maybe others: {reason}"),
                });
                self.list(name, entries);
            }
            Ok(()) => self.list(name, entries),
        }
    }

    pub(crate) fn assume(&mut self, about: &'static str, what: String) {
        self.assumes.push((about, what));
    }

    /// Returns what was taken for granted of the settings that were read, each once.
    pub(crate) fn assumed(&self, read: &[String]) -> Vec<String> {
        let mut assumed: Vec<String> = Vec::new();
        for (about, what) in &self.assumes {
            let concerns = read.iter().any(|name| self.own(name) == Some(*about));
            if concerns && !assumed.contains(what) {
                assumed.push(what.clone());
            }
        }
        assumed
    }

    /// Returns the value of a setting that is known.
    pub(crate) fn value(&self, setting: &str) -> Option<&Value> {
        match self.values.get(self.own(setting)?)? {
            Reading::Value(value) => Some(value),
            _ => None,
        }
    }

    /// Returns whether a setting is a list with entries, or not known.
    pub(crate) fn holds(&self, name: &str) -> bool {
        match self.values.get(name) {
            Some(Reading::Value(Value::List(entries))) => !entries.is_empty(),
            Some(Reading::Unknown { .. }) => true,
            _ => false,
        }
    }

    fn own<'a>(&self, setting: &'a str) -> Option<&'a str> {
        setting.strip_prefix(self.root)?.strip_prefix('.')
    }
}

impl Settings for ObjectView {
    fn read(&self, setting: &str) -> Reading {
        self.own(setting)
            .and_then(|name| self.values.get(name))
            .cloned()
            .unwrap_or(Reading::NoSuchSetting)
    }
}

/// Returns whether all of several lists were read whole, else why the first of them was not.
pub(crate) fn whole(inventory: &Inventory, kinds: &[Kind]) -> Result<(), (Cause, String)> {
    for kind in kinds {
        if let Err(trouble) = inventory.whole(*kind) {
            return Err((trouble.cause, trouble.reason));
        }
    }
    Ok(())
}

/// Returns why the objects of a resource were not counted whole, where the API serves it.
pub(crate) fn uncounted(inventory: &Inventory, resource: &Counted) -> Option<(Cause, String)> {
    let name = inventory.resources.iter().find(|name| resource.is(name))?;
    if let Some(trouble) = inventory.uncounted.get(name) {
        return Some((trouble.cause, trouble.reason.clone()));
    }
    let mut counted = inventory.counts.keys();
    if counted.any(|(known, _)| known == name) {
        return None;
    }
    let reason = format!("{name} are served and could not be counted");
    Some((Cause::NotPermitted, reason))
}
