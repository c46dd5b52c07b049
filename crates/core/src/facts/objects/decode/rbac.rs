//! Roles, bindings and service accounts.

use super::{Builder, lists, wire};
use crate::facts::objects::{
    Binding, Holder, HolderKind, Labels, Name, PolicyRule, Role, Selector, ServiceAccount,
};

/// The label of what the API server ships.
const BOOTSTRAPPING: &str = "kubernetes.io/bootstrapping";

impl Builder {
    pub(super) fn role(&mut self, item: &wire::Role, cluster: bool) {
        let rules = item
            .rules
            .iter()
            .map(|rule| PolicyRule {
                verbs: self.names.all(&rule.verbs),
                groups: self.names.all(&rule.api_groups),
                resources: self.names.all(&rule.resources),
                names: self.names.all(&rule.resource_names),
                urls: self.names.all(&rule.non_resource_urls),
            })
            .collect::<Box<[PolicyRule]>>();
        let aggregation = item.aggregation_rule.as_ref();
        let selectors = aggregation.map_or(&[][..], |rule| &*rule.cluster_role_selectors);
        let aggregates = selectors
            .iter()
            .map(|selector| self.selector(Some(selector)))
            .collect::<Box<[Selector]>>();
        let labels = if cluster {
            self.labels(&item.metadata.labels)
        } else {
            Labels::new()
        };
        let role = Role {
            namespace: self.namespace_of(&item.metadata, cluster),
            name: self.names.one(&item.metadata.name),
            bootstrapping: shipped(&item.metadata),
            labels,
            rules,
            aggregates,
        };
        let of_rules = role.rules.iter().map(lists::of_rule);
        let of_aggregates = role.aggregates.iter().map(lists::of_selector);
        let more = of_rules.chain(of_aggregates);
        let more = more.fold(role.labels.len() * lists::LABEL, usize::saturating_add);
        self.charge(&role, more);
        self.inventory.roles.push(role);
    }

    pub(super) fn binding(&mut self, item: &wire::Binding, cluster: bool) {
        let subjects = item
            .subjects
            .iter()
            .filter_map(|subject| {
                let kind = HolderKind::ALL
                    .iter()
                    .find(|kind| kind.as_str() == subject.kind)?;
                // A service account without a namespace is one of the binding's own (`appliesTo` of the authorizer).
                let namespace = subject.namespace.as_deref().filter(|name| !name.is_empty());
                let namespace = (*kind == HolderKind::ServiceAccount)
                    .then(|| namespace.unwrap_or_else(|| item.metadata.namespace()));
                Some(Holder {
                    kind: *kind,
                    namespace: self.names.some(namespace),
                    name: self.names.one(&subject.name),
                })
            })
            .collect();
        let binding = Binding {
            namespace: self.namespace_of(&item.metadata, cluster),
            name: self.names.one(&item.metadata.name),
            bootstrapping: shipped(&item.metadata),
            cluster_role: cluster || item.role_ref.kind == "ClusterRole",
            role: self.names.one(&item.role_ref.name),
            subjects,
        };
        self.charge(&binding, size_of_val(&*binding.subjects));
        self.inventory.bindings.push(binding);
    }

    pub(super) fn service_account(&mut self, item: &wire::ServiceAccount) {
        let account = ServiceAccount {
            namespace: self.names.one(item.metadata.namespace()),
            name: self.names.one(&item.metadata.name),
            automount: item.automount_service_account_token,
        };
        self.charge(&account, 0);
        self.inventory.service_accounts.push(account);
    }

    fn namespace_of(&mut self, meta: &wire::Meta, cluster: bool) -> Option<Name> {
        (!cluster).then(|| self.names.one(meta.namespace()))
    }
}

fn shipped(meta: &wire::Meta) -> bool {
    meta.labels.get(BOOTSTRAPPING).map(String::as_str) == Some("rbac-defaults")
}
