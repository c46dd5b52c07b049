//! Objects of the API, decoded into the records of an inventory.
//!
//! What a cluster answers is JSON (pages of lists); the examples of rules are YAML documents. Both end in
//! [`Builder`], so that an object means one thing. A key that is not known is ignored, as the API server's own
//! clients do; what has another type than the API's is an error of that object, and with it of its list.

mod admission;
mod pods;
mod rbac;
mod wire;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use super::intern::Names;
use super::{
    Inventory, Kind, Labels, MAX_EXAMPLES, MAX_IN_DEFAULT, Name, Namespace, NetworkPolicy, Node,
    Pod, Pods, Selector, SigningRequest, Trouble, request,
};
use crate::facts::is_telling;
use crate::verdict::Cause;
use wire::Meta;

/// Why objects could not be understood: one sentence for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError(pub String);

impl std::fmt::Display for DecodeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for DecodeError {}

/// What a page of a list says beside its items.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// How many items it had.
    pub items: usize,
    /// `metadata.continue`: what to ask the next page with; none on the last.
    pub next: Option<String>,
}

#[derive(Deserialize)]
#[serde(bound = "T: DeserializeOwned")]
struct List<T> {
    #[serde(default)]
    metadata: ListMeta,
    #[serde(default = "Vec::new", deserialize_with = "wire::nullable")]
    items: Vec<T>,
}

#[derive(Default, Deserialize)]
struct ListMeta {
    #[serde(default, rename = "continue")]
    next: Option<String>,
}

/// Builds an inventory of objects as they come.
#[derive(Debug, Default)]
pub struct Builder {
    names: Names,
    inventory: Inventory,
    pods: BTreeMap<Pod, (u32, Vec<Box<str>>)>,
}

impl Builder {
    /// Returns a builder that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the items of one page of a list as the API answers it. Items do not carry their own kind there.
    ///
    /// [`Kind::Resources`] has no pages of this form; see [`resource`](Self::resource). Of [`Kind::InDefault`] the
    /// caller says the kind: [`in_default`](Self::in_default).
    ///
    /// # Errors
    ///
    /// Where the text is no such list; nothing of the page is added then.
    pub fn page(&mut self, kind: Kind, text: &[u8]) -> Result<Page, DecodeError> {
        fn add<T: DeserializeOwned>(
            text: &[u8],
            mut each: impl FnMut(T),
        ) -> Result<Page, DecodeError> {
            let list: List<T> = serde_json::from_slice(text).map_err(|error| wrong(&error))?;
            let items = list.items.len();
            list.items.into_iter().for_each(&mut each);
            let next = list.metadata.next.filter(|next| !next.is_empty());
            Ok(Page { items, next })
        }
        match kind {
            Kind::Namespaces => add(text, |item| self.namespace(&item)),
            Kind::Roles => add(text, |item| self.role(&item, false)),
            Kind::ClusterRoles => add(text, |item| self.role(&item, true)),
            Kind::RoleBindings => add(text, |item| self.binding(&item, false)),
            Kind::ClusterRoleBindings => add(text, |item| self.binding(&item, true)),
            Kind::ServiceAccounts => add(text, |item| self.service_account(&item)),
            Kind::Pods => add(text, |item| self.pod(&item)),
            Kind::Deployments
            | Kind::StatefulSets
            | Kind::DaemonSets
            | Kind::ReplicaSets
            | Kind::Jobs => add(text, |item| self.workload(kind, &item)),
            Kind::CronJobs => add(text, |item| self.cron_job(&item)),
            Kind::NetworkPolicies => add(text, |item| self.network_policy(&item)),
            Kind::ValidatingWebhooks | Kind::MutatingWebhooks => {
                add(text, |item| self.webhooks(kind, &item))
            }
            Kind::AdmissionPolicies => add(text, |item| self.admission_policy(&item)),
            Kind::AdmissionPolicyBindings => add(text, |item| self.admission_binding(&item)),
            Kind::SigningRequests => add(text, |item| self.signing_request(&item)),
            Kind::Nodes => add(text, |item| self.node(&item)),
            Kind::Resources | Kind::InDefault => {
                Err(DecodeError(format!("{kind} do not come as one list")))
            }
        }
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
            return Err(DecodeError(reason.to_owned()));
        }
        match (group, kind) {
            ("", "Namespace") => self.namespace(&of(object)?),
            ("", "ServiceAccount") => self.service_account(&of(object)?),
            ("", "Pod") => self.pod(&of(object)?),
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

    /// Takes note of how a list came out. Without this the list counts as not asked for.
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

    /// Adds an object of the namespace `default`. Secrets and Events are not for here.
    pub fn in_default(&mut self, kind: &str, name: &str) {
        let key = (self.names.one(kind), self.names.one(name));
        let known = &mut self.inventory.in_default;
        if known.len() < MAX_IN_DEFAULT || known.contains(&key) {
            known.insert(key);
        } else {
            let more = &mut self.inventory.in_default_more;
            *more = more.saturating_add(1);
        }
    }

    /// Takes note of the level that the API server enforces where a namespace says nothing.
    pub fn pod_security_default(&mut self, level: &str) {
        self.inventory.pod_security_default = Some(self.names.one(level));
    }

    /// Returns the inventory, in order.
    pub fn finish(self) -> Inventory {
        let Self {
            mut inventory,
            pods,
            ..
        } = self;
        inventory.pods = pods
            .into_iter()
            .map(|(pod, (copies, examples))| Pods {
                pod,
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
        inventory.nodes.sort_by(|a, b| a.name.cmp(&b.name));
        inventory
    }

    fn add_pod(&mut self, pod: Pod, name: &str) {
        let (copies, examples) = self.pods.entry(pod).or_default();
        *copies = copies.saturating_add(1);
        if examples.len() < MAX_EXAMPLES {
            examples.push(Box::from(name));
        }
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
        self.inventory.namespaces.push(Namespace { name, labels });
    }

    fn network_policy(&mut self, item: &wire::NetworkPolicy) {
        let spec = &item.spec;
        let named = |direction: &str| spec.policy_types.iter().any(|one| one == direction);
        // Where no types are given, it is about what comes in, and about what goes out if it has rules for that
        // (`SetDefaults_NetworkPolicy`).
        let silent = spec.policy_types.is_empty();
        let ingress = silent || named("Ingress");
        let egress = named("Egress") || (silent && !spec.egress.is_empty());
        let policy = NetworkPolicy {
            namespace: self.names.one(item.metadata.namespace()),
            name: self.names.one(&item.metadata.name),
            all_pods: spec
                .pod_selector
                .as_ref()
                .is_none_or(wire::Selector::is_empty),
            ingress,
            egress,
            denies_ingress: ingress && spec.ingress.is_empty(),
            denies_egress: egress && spec.egress.is_empty(),
        };
        self.inventory.network_policies.push(policy);
    }

    fn signing_request(&mut self, item: &wire::SigningRequest) {
        let named = request::named(&item.spec.request);
        let unreadable = named.is_none();
        let named = named.unwrap_or_default();
        let condition = |word: &str| item.status.conditions.iter().any(|one| one.kind == word);
        let request = SigningRequest {
            name: Box::from(item.metadata.name.as_str()),
            signer: self.names.one(&item.spec.signer_name),
            approved: condition("Approved") && !condition("Denied"),
            username: self.names.one(&item.spec.username),
            common_name: named.common_name,
            organisations: named.organisations.into(),
            unreadable,
        };
        self.inventory.signing_requests.push(request);
    }

    fn node(&mut self, item: &wire::Node) {
        let labels = item.metadata.labels.iter();
        let telling = labels.filter(|(key, _)| is_telling(key));
        let labels = telling
            .map(|(key, value)| (self.names.one(key), self.names.one(value)))
            .collect();
        let info = &item.status.node_info;
        let provider = item.spec.provider_id.as_deref();
        // What follows is the machine's own name.
        let provider = provider.map(|id| id.rsplit_once('/').map_or(id, |(start, _)| start));
        let node = Node {
            name: self.names.one(&item.metadata.name),
            kubelet_version: self.names.one(&info.kubelet_version),
            runtime: self.names.one(&info.container_runtime_version),
            os_image: self.names.one(&info.os_image),
            provider: self.names.some(provider),
            labels,
        };
        self.inventory.nodes.push(node);
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
        .map_err(|error| DecodeError(error.without_snippet().to_string()))?;
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
    // The message of a wrong value may quote it; no value that could be a secret is read here.
    let message: String = error.to_string().chars().take(200).collect();
    DecodeError(format!("it is not what the API gives: {message}"))
}
