//! Network policies, requests for certificates, and nodes.

use super::{Builder, lists, wire};
use crate::facts::is_telling;
use crate::facts::objects::{NetworkPolicy, Node, SigningRequest, request};

impl Builder {
    pub(super) fn network_policy(&mut self, item: &wire::NetworkPolicy) {
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
        self.charge(&policy, 0);
        self.inventory.network_policies.push(policy);
    }

    pub(super) fn signing_request(&mut self, item: &wire::SigningRequest) {
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
        let texts = request.organisations.iter().map(|one| 32 + one.len());
        let texts = texts.fold(request.name.len(), usize::saturating_add);
        let common = request.common_name.as_ref().map_or(0, |name| name.len());
        self.charge(&request, texts.saturating_add(common));
        self.inventory.signing_requests.push(request);
    }

    pub(super) fn node(&mut self, item: &wire::Node) {
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
        self.charge(&node, node.labels.len() * lists::LABEL);
        self.inventory.nodes.push(node);
    }
}
