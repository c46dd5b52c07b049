//! Webhooks, and validating admission policies with their bindings.

use super::{Builder, lists, wire};
use crate::facts::objects::{Admission, AdmissionBinding, Kind};

/// Products whose policies are about pods, by a word in the names of their webhooks and services.
const PRODUCTS: [(&str, &str); 9] = [
    ("kyverno", "kyverno"),
    ("gatekeeper", "gatekeeper"),
    ("kubewarden", "kubewarden"),
    ("polaris", "polaris"),
    ("jspolicy", "jspolicy"),
    ("neuvector", "neuvector"),
    ("stackrox", "stackrox"),
    ("policy.sigstore.dev", "sigstore policy-controller"),
    ("connaisseur", "connaisseur"),
];

impl Builder {
    pub(super) fn webhooks(&mut self, kind: Kind, item: &wire::Webhooks) {
        for webhook in &item.webhooks {
            let service = webhook.client_config.service.as_ref();
            let names = [
                item.metadata.name.as_str(),
                webhook.name.as_str(),
                service.map_or("", |service| service.name.as_str()),
                service.map_or("", |service| service.namespace.as_str()),
            ];
            let product = PRODUCTS
                .iter()
                .find(|(word, _)| names.iter().any(|name| name.contains(word)));
            let selects = webhook.object_selector.as_ref();
            let admission = Admission {
                kind,
                name: self.names.one(&item.metadata.name),
                webhook: Some(self.names.one(&webhook.name)),
                creates_pods: webhook.rules.iter().any(creates_pods),
                fails_closed: webhook.failure_policy.as_deref() != Some("Ignore"),
                namespaces: self.selector(webhook.namespace_selector.as_ref()),
                narrowed: !webhook.match_conditions.is_empty()
                    || selects.is_some_and(|selector| !selector.is_empty()),
                product: product.map(|(_, product)| *product),
            };
            self.charge(&admission, lists::of_selector(&admission.namespaces));
            self.inventory.admission.push(admission);
        }
    }

    pub(super) fn admission_policy(&mut self, item: &wire::AdmissionPolicy) {
        let constraints = item.spec.match_constraints.as_ref();
        let rules = constraints.map_or(&[][..], |it| &*it.resource_rules);
        let namespaces = constraints.and_then(|it| it.namespace_selector.as_ref());
        let admission = Admission {
            kind: Kind::AdmissionPolicies,
            name: self.names.one(&item.metadata.name),
            webhook: None,
            creates_pods: rules.iter().any(creates_pods),
            fails_closed: item.spec.failure_policy.as_deref() != Some("Ignore"),
            namespaces: self.selector(namespaces),
            narrowed: !item.spec.match_conditions.is_empty() || constraints.is_some_and(narrows),
            product: None,
        };
        self.charge(&admission, lists::of_selector(&admission.namespaces));
        self.inventory.admission.push(admission);
    }

    pub(super) fn admission_binding(&mut self, item: &wire::AdmissionBinding) {
        let resources = item.spec.match_resources.as_ref();
        let rules = resources.map_or(&[][..], |it| &*it.resource_rules);
        let namespaces = resources.and_then(|it| it.namespace_selector.as_ref());
        let binding = AdmissionBinding {
            name: self.names.one(&item.metadata.name),
            policy: self.names.one(&item.spec.policy_name),
            denies: item.spec.validation_actions.iter().any(|it| it == "Deny"),
            namespaces: self.selector(namespaces),
            narrowed: resources.is_some_and(narrows)
                || (!rules.is_empty() && !rules.iter().any(creates_pods)),
        };
        self.charge(&binding, lists::of_selector(&binding.namespaces));
        self.inventory.admission_bindings.push(binding);
    }
}

fn narrows(resources: &wire::MatchResources) -> bool {
    let selects = resources.object_selector.as_ref();
    !resources.exclude_resource_rules.is_empty()
        || selects.is_some_and(|selector| !selector.is_empty())
}

/// Returns whether a rule matches the creation of every pod (`rules.Matcher` of `k8s.io/apiserver`).
fn creates_pods(rule: &wire::AdmissionRule) -> bool {
    let any =
        |given: &[String], wanted: &[&str]| given.iter().any(|it| wanted.contains(&it.as_str()));
    any(&rule.api_groups, &["", "*"])
        && any(&rule.api_versions, &["v1", "*"])
        && any(&rule.resources, &["pods", "*", "*/*"])
        && any(&rule.operations, &["CREATE", "*"])
        && rule.resource_names.is_empty()
        && rule.scope.as_deref() != Some("Cluster")
}
