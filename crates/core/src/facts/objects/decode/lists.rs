//! Lists of the API, page by page, and what bounds them.

use serde::de::DeserializeOwned;

use super::faults::{self, List, Tally};
use super::page::{Envelope, Page};
use super::wire::{self, Item};
use super::{Builder, DecodeError, Kind, Trouble, static_pod};
use crate::facts::objects::{Container, Listing, Name, Pod, PolicyRule, Requirement, Selector};

/// How many objects of a list are read. Kubernetes is built for 150,000 pods.
pub const MAX_OBJECTS: usize = 500_000;

/// How many bytes of records and names are kept of all lists together.
pub const MAX_BYTES: usize = 160 << 20;

/// How long one object may be. Etcd keeps none of more than 1.5 MiB, which JSON makes longer.
pub const MAX_ITEM: usize = 4 << 20;

/// What a label takes beside its texts, and the names of an example.
pub(super) const LABEL: usize = 48;
pub(super) const EXAMPLE: usize = 32;

/// Returns how much a pod takes beside its names and containers, and its place in the map.
pub(super) fn weight(pod: &Pod) -> usize {
    let own = pod.host_paths.len() + pod.other_volumes.len();
    size_of::<Pod>() + 96 + own * size_of::<Name>()
}

/// Returns how much containers take beside their names.
pub(super) fn of_containers(containers: &[Container]) -> usize {
    let each = containers.iter().map(|one| {
        let names = one.add.len() + one.drop.len() + one.secret_environment.len();
        size_of::<Container>() + names * size_of::<Name>() + size_of_val(&*one.host_ports)
    });
    each.fold(2 * size_of::<Name>(), usize::saturating_add)
}

pub(super) fn of_rule(rule: &PolicyRule) -> usize {
    let lists = [
        &rule.verbs,
        &rule.groups,
        &rule.resources,
        &rule.names,
        &rule.urls,
    ];
    let names = lists.into_iter().map(|list| size_of_val(&**list));
    names.fold(size_of::<PolicyRule>(), usize::saturating_add)
}

pub(super) fn of_selector(selector: &Selector) -> usize {
    let each = selector.expressions.iter();
    let each = each.map(|one| size_of::<Requirement>() + size_of_val(&*one.values));
    let labels = selector.labels.len() * LABEL;
    each.fold(size_of::<Selector>() + labels, usize::saturating_add)
}

impl Builder {
    /// Adds the items of one page of a list as the API answers it. Items do not carry their own kind there. An item
    /// that cannot be understood is left out and counted; [`faults`](Self::faults) tells of all of them.
    ///
    /// [`Kind::Resources`] has no pages of this form; see [`resource`](Self::resource). Of [`Kind::InDefault`] each
    /// kind is a list of its own: [`default_page`](Self::default_page).
    ///
    /// # Errors
    ///
    /// Where the text is no such list; nothing of the page is added then. Where there is no more room, with the cause
    /// `TooLarge`; the items before are added.
    pub fn page(&mut self, kind: Kind, text: &[u8]) -> Result<Page, DecodeError> {
        let Some(listing) = kind.listing() else {
            let reason = format!("{kind} do not come as one list");
            return Err(DecodeError::parse(reason));
        };
        let envelope = Envelope::read(text, |said| {
            let own = said.strip_suffix("List") == Some(listing.object);
            own || (listing.metadata_only && said == "PartialObjectMetadataList")
        })?;
        self.items(List::Of(kind), &envelope, |builder, item| {
            builder.item(listing, item)
        })
    }

    /// Adds one page of a list of a resource that is only counted (`plural.group`): the number of its objects by
    /// namespace. Nothing but their metadata is looked at.
    ///
    /// # Errors
    ///
    /// As those of [`page`](Self::page).
    pub fn counted(&mut self, resource: &str, text: &[u8]) -> Result<Page, DecodeError> {
        let envelope = Envelope::read(text, |said| said.ends_with("List"))?;
        self.count(resource, None, 0);
        let list = List::Counted(Box::from(resource));
        let page = self.items(list.clone(), &envelope, |builder, item| {
            let object: wire::Bare = of(item, false)?;
            let namespace = object.metadata.namespace.as_deref();
            builder.count(resource, namespace.filter(|name| !name.is_empty()), 1);
            Ok(())
        })?;
        if let Some(trouble) = faults::trouble(resource, self.tallies.get(&list).into_iter()) {
            self.uncounted(resource, trouble);
        }
        Ok(page)
    }

    /// Takes note of why a resource (`plural.group`) that is served could not be counted whole.
    pub fn uncounted(&mut self, resource: &str, why: Trouble) {
        let resource = self.names.one(resource);
        self.inventory.uncounted.insert(resource, why);
    }

    /// Adds one page of a list of the objects of one kind in the namespace `default`. Nothing but their metadata is
    /// looked at.
    ///
    /// # Errors
    ///
    /// As those of [`page`](Self::page).
    pub fn default_page(&mut self, kind: &str, text: &[u8]) -> Result<Page, DecodeError> {
        let envelope = Envelope::read(text, |said| said.ends_with("List"))?;
        let list = List::InDefault(Box::from(kind));
        self.items(list, &envelope, |builder, item| {
            let object: wire::Bare = of(item, false)?;
            builder.in_default(kind, &object.metadata.name);
            Ok(())
        })
    }

    /// Returns why a list was not understood whole, naming the first objects of it that were not; nothing where all
    /// of what came was.
    pub fn faults(&self, kind: Kind) -> Option<Trouble> {
        let tallies = self.tallies.iter().filter(|(list, _)| match list {
            List::Of(of) => *of == kind,
            List::InDefault(_) => kind == Kind::InDefault,
            List::Counted(_) => false,
        });
        faults::trouble(kind.as_str(), tallies.map(|(_, tally)| tally))
    }

    /// Takes back what was read of a list, which begins again.
    pub fn forget(&mut self, kind: Kind) {
        let inventory = &mut self.inventory;
        match kind {
            Kind::Namespaces => inventory.namespaces.clear(),
            Kind::Roles => inventory.roles.retain(|it| it.namespace.is_none()),
            Kind::ClusterRoles => inventory.roles.retain(|it| it.namespace.is_some()),
            Kind::RoleBindings => inventory.bindings.retain(|it| it.namespace.is_none()),
            Kind::ClusterRoleBindings => inventory.bindings.retain(|it| it.namespace.is_some()),
            Kind::ServiceAccounts => inventory.service_accounts.clear(),
            Kind::Pods => {
                self.pods.clear();
                self.inventory.api_servers.clear();
            }
            Kind::Deployments
            | Kind::StatefulSets
            | Kind::DaemonSets
            | Kind::ReplicaSets
            | Kind::Jobs
            | Kind::CronJobs => {
                let object = kind.listing().map(|listing| listing.object);
                inventory.templates.retain(|it| {
                    let owner = it.pod.owner.as_ref();
                    owner.map(|owner| &*owner.kind) != object
                });
            }
            Kind::NetworkPolicies => inventory.network_policies.clear(),
            Kind::ValidatingWebhooks | Kind::MutatingWebhooks | Kind::AdmissionPolicies => {
                inventory.admission.retain(|it| it.kind != kind);
            }
            Kind::AdmissionPolicyBindings => inventory.admission_bindings.clear(),
            Kind::SigningRequests => inventory.signing_requests.clear(),
            Kind::Resources => inventory.resources.clear(),
            Kind::InDefault => {
                inventory.in_default.clear();
                self.in_default_more.clear();
            }
            Kind::Nodes => inventory.nodes.clear(),
        }
        let of = |list: &List| match list {
            List::Of(of) => *of == kind,
            List::InDefault(_) => kind == Kind::InDefault,
            List::Counted(_) => false,
        };
        self.drop_tallies(of);
    }

    /// Takes back what was counted of a resource, whose list begins again.
    pub fn forget_counted(&mut self, resource: &str) {
        let counts = &mut self.inventory.counts;
        counts.retain(|(known, _), _| &**known != resource);
        self.inventory.uncounted.remove(resource);
        self.drop_tallies(|list| matches!(list, List::Counted(known) if **known == *resource));
    }

    /// Takes back what was read of a kind in the namespace `default`, whose list begins again.
    pub fn forget_default(&mut self, kind: &str) {
        let known = &mut self.inventory.in_default;
        known.retain(|(one, _)| &**one != kind);
        self.in_default_more.remove(kind);
        self.drop_tallies(|list| matches!(list, List::InDefault(known) if **known == *kind));
    }

    fn drop_tallies(&mut self, of: impl Fn(&List) -> bool) {
        let records = &mut self.records;
        self.tallies.retain(|list, tally| {
            let mine = of(list);
            if mine {
                *records = records.saturating_sub(tally.held);
            }
            !mine
        });
    }

    /// Hands the items of a page on, and keeps count.
    fn items(
        &mut self,
        list: List,
        envelope: &Envelope<'_>,
        mut add: impl FnMut(&mut Self, &str) -> Result<(), String>,
    ) -> Result<Page, DecodeError> {
        let before = self.records;
        let mut tally = self.tallies.remove(&list).unwrap_or_default();
        let (seen, bad) = (tally.seen, tally.bad());
        let read = envelope.each(|item| {
            self.room(&tally)?;
            tally.seen = tally.seen.saturating_add(1);
            let added = if item.len() > MAX_ITEM {
                Err(format!("it is longer than {MAX_ITEM} bytes"))
            } else {
                add(self, item)
            };
            if let Err(reason) = added {
                tally.fault(item, &reason);
            }
            Ok(())
        });
        let held = self.records.saturating_sub(before);
        tally.held = tally.held.saturating_add(held);
        let page = Page {
            items: tally.seen.saturating_sub(seen),
            faults: tally.bad().saturating_sub(bad),
            ..envelope.page()
        };
        self.tallies.insert(list, tally);
        read.map(|()| page)
    }

    /// Returns whether there is room for one more object.
    fn room(&self, tally: &Tally) -> Result<(), DecodeError> {
        if tally.seen >= MAX_OBJECTS {
            let reason = format!("there are more than the {MAX_OBJECTS} objects that are read");
            return Err(DecodeError::too_large(reason));
        }
        let shared = self.names.bytes().saturating_add(self.shared);
        if shared.saturating_add(self.records) > MAX_BYTES {
            let mebibytes = MAX_BYTES >> 20;
            let reason =
                format!("the objects of the cluster take more than {mebibytes} MiB together");
            return Err(DecodeError::too_large(reason));
        }
        Ok(())
    }

    fn item(&mut self, listing: &Listing, item: &str) -> Result<(), String> {
        let (kind, namespaced) = (listing.kind, listing.namespaced);
        match kind {
            Kind::Namespaces => self.namespace(&of(item, namespaced)?),
            Kind::Roles => self.role(&of(item, namespaced)?, false),
            Kind::ClusterRoles => self.role(&of(item, namespaced)?, true),
            Kind::RoleBindings => self.binding(&of(item, namespaced)?, false),
            Kind::ClusterRoleBindings => self.binding(&of(item, namespaced)?, true),
            Kind::ServiceAccounts => self.service_account(&of(item, namespaced)?),
            Kind::Pods => {
                let pod: wire::Pod = of(item, namespaced)?;
                self.pod(&pod);
                // Of no other pod it is read what it runs.
                if static_pod::may_be_api_server(&pod) {
                    self.api_server(&of(item, namespaced)?);
                }
            }
            Kind::Deployments
            | Kind::StatefulSets
            | Kind::DaemonSets
            | Kind::ReplicaSets
            | Kind::Jobs => self.workload(kind, &of(item, namespaced)?),
            Kind::CronJobs => self.cron_job(&of(item, namespaced)?),
            Kind::NetworkPolicies => self.network_policy(&of(item, namespaced)?),
            Kind::ValidatingWebhooks | Kind::MutatingWebhooks => {
                self.webhooks(kind, &of(item, namespaced)?);
            }
            Kind::AdmissionPolicies => self.admission_policy(&of(item, namespaced)?),
            Kind::AdmissionPolicyBindings => self.admission_binding(&of(item, namespaced)?),
            Kind::SigningRequests => self.signing_request(&of(item, namespaced)?),
            Kind::Nodes => self.node(&of(item, namespaced)?),
            Kind::Resources | Kind::InDefault => {}
        }
        Ok(())
    }
}

/// Reads an object of a list. Whatever else may be missing, an API server gives every object its name, and its
/// namespace where it is in one.
fn of<T: DeserializeOwned + Item>(item: &str, namespaced: bool) -> Result<T, String> {
    let object: T = serde_json::from_str(item).map_err(|error| faults::said(&error))?;
    let meta = object.meta();
    if meta.name.is_empty() {
        return Err("it has no name".to_owned());
    }
    if namespaced && meta.namespace.as_deref().unwrap_or_default().is_empty() {
        return Err("it has no namespace".to_owned());
    }
    Ok(object)
}
