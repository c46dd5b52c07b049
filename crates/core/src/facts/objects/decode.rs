//! Objects of the API, decoded into the records of an inventory.
//!
//! What a cluster answers is JSON (pages of lists); the examples of rules are YAML documents. Both end in
//! [`Builder`], so that an object means one thing. A key that is not known is ignored, as the API server's own
//! clients do; what has another type than the API's is an error of that object: the others of its list are kept, and
//! the list counts as not read whole.

mod admission;
mod faults;
mod lists;
mod others;
mod page;
mod pods;
mod rbac;
mod static_pod;
mod wire;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value as Json;

use super::intern::Names;
use super::lists::GUARDS;
use super::{
    Container, Inventory, Kind, Labels, MAX_EXAMPLES, MAX_IN_DEFAULT, Name, Namespace, Pod, Pods,
    Selector, Trouble,
};
use crate::verdict::Cause;
use faults::{List, Tally};
use wire::Meta;

pub use lists::{MAX_BYTES, MAX_ITEM, MAX_OBJECTS};
pub use page::Page;

/// Why objects could not be understood: [`Cause::ParseError`], or [`Cause::TooLarge`] where they are more than is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError(pub Trouble);

impl DecodeError {
    fn parse(reason: String) -> Self {
        let cause = Cause::ParseError;
        Self(Trouble { cause, reason })
    }

    fn too_large(reason: String) -> Self {
        let cause = Cause::TooLarge;
        Self(Trouble { cause, reason })
    }
}

impl std::fmt::Display for DecodeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.reason)
    }
}

impl std::error::Error for DecodeError {}

/// Builds an inventory of objects as they come.
#[derive(Debug, Default)]
pub struct Builder {
    names: Names,
    inventory: Inventory,
    /// Boxed, since the map keeps room for as many keys again.
    pods: BTreeMap<Box<Pod>, (u32, Vec<Box<str>>)>,
    containers: BTreeSet<Arc<[Container]>>,
    /// How many bytes the containers take, about, names left out. Like names they stay when a list begins again.
    shared: usize,
    /// The objects in the namespace `default` that are not named, by kind.
    in_default_more: BTreeMap<Name, u32>,
    tallies: BTreeMap<List, Tally>,
    /// How many bytes the records take, about, names left out.
    records: usize,
}

impl Builder {
    /// Returns a builder that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one object that says its own kind. Kinds that no rule reads are only counted.
    ///
    /// # Errors
    ///
    /// Where it has no kind or is not of the form that its kind has.
    pub fn object(&mut self, object: &Json) -> Result<(), DecodeError> {
        fn of<'a, T: Deserialize<'a>>(object: &'a Json) -> Result<T, DecodeError> {
            T::deserialize(object).map_err(|error| wrong(&error))
        }
        let text = |key: &str| object.get(key).and_then(Json::as_str).unwrap_or_default();
        let (version, kind) = (text("apiVersion"), text("kind"));
        let group = version.split_once('/').map_or("", |(group, _)| group);
        let meta: Meta = of(object.get("metadata").unwrap_or(&Json::Null))?;
        if kind.is_empty() || version.is_empty() || meta.name.is_empty() {
            let reason = "an object needs `apiVersion`, `kind` and `metadata.name`";
            return Err(DecodeError::parse(reason.to_owned()));
        }
        match (group, kind) {
            ("", "Namespace") => self.namespace(&of(object)?),
            ("", "ServiceAccount") => self.service_account(&of(object)?),
            ("", "Pod") => {
                let pod: wire::Pod = of(object)?;
                self.pod(&pod);
                if static_pod::may_be_api_server(&pod) {
                    self.api_server(&of(object)?);
                }
            }
            ("", "Node") => self.node(&of(object)?),
            ("rbac.authorization.k8s.io", "Role") => self.role(&of(object)?, false),
            ("rbac.authorization.k8s.io", "ClusterRole") => self.role(&of(object)?, true),
            ("rbac.authorization.k8s.io", "RoleBinding") => self.binding(&of(object)?, false),
            ("rbac.authorization.k8s.io", "ClusterRoleBinding") => {
                self.binding(&of(object)?, true);
            }
            ("apps", "Deployment") => self.workload(Kind::Deployments, &of(object)?),
            ("apps", "StatefulSet") => self.workload(Kind::StatefulSets, &of(object)?),
            ("apps", "DaemonSet") => self.workload(Kind::DaemonSets, &of(object)?),
            ("apps", "ReplicaSet") => self.workload(Kind::ReplicaSets, &of(object)?),
            ("batch", "Job") => self.workload(Kind::Jobs, &of(object)?),
            ("batch", "CronJob") => self.cron_job(&of(object)?),
            ("networking.k8s.io", "NetworkPolicy") => self.network_policy(&of(object)?),
            ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration") => {
                self.webhooks(Kind::ValidatingWebhooks, &of(object)?);
            }
            ("admissionregistration.k8s.io", "MutatingWebhookConfiguration") => {
                self.webhooks(Kind::MutatingWebhooks, &of(object)?);
            }
            ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy") => {
                self.admission_policy(&of(object)?);
            }
            ("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding") => {
                self.admission_binding(&of(object)?);
            }
            ("certificates.k8s.io", "CertificateSigningRequest") => {
                self.signing_request(&of(object)?);
            }
            ("apiextensions.k8s.io", "CustomResourceDefinition") => self.resource(&meta.name),
            _ => {
                let resource = plural(kind, group);
                self.resource(&resource);
                self.count(&resource, meta.namespace.as_deref(), 1);
            }
        }
        if meta.namespace.as_deref() == Some("default") {
            self.in_default(kind, &meta.name);
        }
        Ok(())
    }

    /// Takes note of how a list came out. Without this the list counts as not asked for. A list of which objects could
    /// not be understood does not count as read whole, whatever is said here.
    pub fn listed(&mut self, kind: Kind, outcome: Result<(), Trouble>) {
        self.inventory.lists.insert(kind, outcome);
    }

    /// Adds a resource that the API serves: `plural.group`, or `plural` of the core group.
    pub fn resource(&mut self, resource: &str) {
        let resource = self.names.one(resource);
        self.inventory.resources.insert(resource);
    }

    /// Adds `number` to the objects of a resource (`plural.group`) in a namespace, or in none. Say 0 without a
    /// namespace where the list was read and empty.
    pub fn count(&mut self, resource: &str, namespace: Option<&str>, number: u32) {
        let key = (self.names.one(resource), self.names.some(namespace));
        let count = self.inventory.counts.entry(key).or_insert(0);
        *count = count.saturating_add(number);
    }

    /// Adds an object of the namespace `default`; one that only says what may happen there (`GUARDS`) is left out. Secrets
    /// and Events are not for here.
    pub fn in_default(&mut self, kind: &str, name: &str) {
        if GUARDS.contains(&kind) {
            return;
        }
        let key = (self.names.one(kind), self.names.one(name));
        let known = &mut self.inventory.in_default;
        if known.len() < MAX_IN_DEFAULT || known.contains(&key) {
            known.insert(key);
        } else {
            let more = self.in_default_more.entry(key.0).or_default();
            *more = more.saturating_add(1);
        }
    }

    /// Returns the inventory, in order.
    pub fn finish(self) -> Inventory {
        let kinds = Kind::ALL.iter();
        let faults = kinds.filter_map(|kind| Some((*kind, self.faults(*kind)?)));
        let faults: Vec<(Kind, Trouble)> = faults.collect();
        let Self {
            mut inventory,
            pods,
            in_default_more,
            ..
        } = self;
        for (kind, trouble) in faults {
            if let Some(outcome) = inventory.lists.get_mut(&kind)
                && outcome.is_ok()
            {
                *outcome = Err(trouble);
            }
        }
        let more = in_default_more.into_values();
        inventory.in_default_more = more.fold(0, u32::saturating_add);
        inventory.pods = pods
            .into_iter()
            .map(|(pod, (copies, examples))| Pods {
                pod: *pod,
                copies,
                examples: examples.into(),
            })
            .collect();
        inventory.templates.sort_by(|a, b| a.pod.cmp(&b.pod));
        inventory.namespaces.sort_by(|a, b| a.name.cmp(&b.name));
        let roles = &mut inventory.roles;
        roles.sort_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
        let bindings = &mut inventory.bindings;
        bindings.sort_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
        let accounts = &mut inventory.service_accounts;
        accounts.sort_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
        let policies = &mut inventory.network_policies;
        policies.sort_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
        let admission = &mut inventory.admission;
        admission.sort_by(|a, b| (a.kind, &a.name, &a.webhook).cmp(&(b.kind, &b.name, &b.webhook)));
        let bindings = &mut inventory.admission_bindings;
        bindings.sort_by(|a, b| a.name.cmp(&b.name));
        let requests = &mut inventory.signing_requests;
        requests.sort_by(|a, b| a.name.cmp(&b.name));
        inventory.api_servers.sort();
        inventory.nodes.sort_by(|a, b| a.name.cmp(&b.name));
        inventory
    }

    fn add_pod(&mut self, pod: Pod, name: &str) {
        let weight = lists::weight(&pod);
        let (copies, examples) = self.pods.entry(Box::new(pod)).or_default();
        if *copies == 0 {
            self.records = self.records.saturating_add(weight);
        }
        *copies = copies.saturating_add(1);
        if examples.len() < MAX_EXAMPLES {
            examples.reserve_exact(1);
            examples.push(Box::from(name));
            self.records = self.records.saturating_add(lists::EXAMPLE + name.len());
        }
    }

    /// Takes note of how much a record takes beside its names.
    fn charge<T>(&mut self, _record: &T, more: usize) {
        let bytes = size_of::<T>().saturating_add(more);
        self.records = self.records.saturating_add(bytes);
    }

    fn labels(&mut self, labels: &BTreeMap<String, String>) -> Labels {
        labels
            .iter()
            .map(|(key, value)| (self.names.one(key), self.names.one(value)))
            .collect()
    }

    fn selector(&mut self, selector: Option<&wire::Selector>) -> Selector {
        selector.map_or_else(Selector::default, |selector| Selector {
            labels: self.labels(&selector.match_labels),
            expressions: selector
                .match_expressions
                .iter()
                .map(|one| super::Requirement {
                    key: self.names.one(&one.key),
                    operator: self.names.one(&one.operator),
                    values: self.names.all(&one.values),
                })
                .collect(),
        })
    }

    fn namespace(&mut self, item: &wire::Bare) {
        let name = self.names.one(&item.metadata.name);
        let mut labels = self.labels(&item.metadata.labels);
        // The API server sets it on every namespace; documents written by hand lack it.
        let own = self.names.one("kubernetes.io/metadata.name");
        labels.insert(own, Name::clone(&name));
        let namespace = Namespace { name, labels };
        self.charge(&namespace, namespace.labels.len() * lists::LABEL);
        self.inventory.namespaces.push(namespace);
    }
}

/// Returns the inventory of YAML documents, every list of which was read whole; for the examples of rules. A
/// document `{denied: [pods, …]}` says which lists were refused.
///
/// # Errors
///
/// Where a document is no YAML or no object.
pub fn documents(text: &str) -> Result<Inventory, DecodeError> {
    #[derive(Deserialize)]
    struct Denied {
        denied: Vec<Kind>,
    }
    let budget = serde_saphyr::budget! { max_depth: 32, flow_nesting_limit: 32, max_nodes: 20_000, max_aliases: 100 };
    let options =
        serde_saphyr::options! { strict_booleans: true, with_snippet: false, budget: budget };
    let objects: Vec<Json> = serde_saphyr::from_multiple_with_options(text, options)
        .map_err(|error| DecodeError::parse(error.without_snippet().to_string()))?;
    let mut builder = Builder::new();
    for kind in Kind::ALL {
        builder.listed(*kind, Ok(()));
    }
    for object in objects {
        if object.get("denied").is_some() {
            let Denied { denied } = Denied::deserialize(&object).map_err(|error| wrong(&error))?;
            for kind in denied {
                let trouble = Trouble {
                    cause: Cause::NotPermitted,
                    reason: format!("{kind}: listing them was refused"),
                };
                builder.listed(kind, Err(trouble));
            }
        } else {
            builder.object(&object)?;
        }
    }
    Ok(builder.finish())
}

/// Returns the resource of a kind, as the API builds its plural where nobody says otherwise.
fn plural(kind: &str, group: &str) -> String {
    let kind = kind.to_lowercase();
    let plural = if let Some(stem) = kind.strip_suffix('y') {
        format!("{stem}ies")
    } else if kind.ends_with('s') {
        format!("{kind}es")
    } else {
        format!("{kind}s")
    };
    if group.is_empty() {
        plural
    } else {
        format!("{plural}.{group}")
    }
}

fn wrong(error: &serde_json::Error) -> DecodeError {
    // Documents are the rule's own: what the message quotes helps whoever writes them.
    let message: String = error.to_string().chars().take(200).collect();
    DecodeError::parse(format!("it is not what the API gives: {message}"))
}

#[cfg(test)]
mod tests;
