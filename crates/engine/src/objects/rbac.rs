//! RBAC as the API server's authorizer decides it: who holds what, through which binding, role and rule.
//!
//! Sources: `plugin/pkg/auth/authorizer/rbac` and `pkg/apis/rbac/v1/evaluation_helpers.go` of Kubernetes. A role binding
//! grants in its namespace alone, whatever its role says, so that it never grants anything on cluster-wide resources.

use std::collections::{BTreeMap, BTreeSet};

use kubeassay_core::facts::objects::{Binding, Holder, Inventory, PolicyRule, Role};

use super::capabilities::{CAPABILITIES, Grant};

/// The cluster role that may do everything.
pub(crate) const CLUSTER_ADMIN: &str = "cluster-admin";

/// How somebody comes to hold something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Path {
    /// In words: binding, role, rule.
    pub(crate) said: String,
    /// The binding carries the label of what Kubernetes ships.
    pub(crate) shipped: bool,
}

/// What one holder holds, by capability.
pub(crate) type Held = BTreeMap<&'static str, Vec<Path>>;

/// Who holds what.
pub(crate) fn holders(inventory: &Inventory) -> BTreeMap<&Holder, Held> {
    let roles = Roles::of(inventory);
    let mut holders: BTreeMap<&Holder, Held> = BTreeMap::new();
    for binding in &inventory.bindings {
        let held = roles.held_through(binding);
        if held.is_empty() {
            continue;
        }
        for subject in &binding.subjects {
            let mine = holders.entry(subject).or_default();
            for (capability, paths) in &held {
                let known = mine.entry(*capability).or_default();
                known.extend(paths.iter().cloned());
            }
        }
    }
    for held in holders.values_mut() {
        approve(held);
    }
    holders.retain(|_, held| !held.is_empty());
    holders
}

/// Approving takes both halves: the update of a request's approval, and `approve` on its signer
/// (`plugin/pkg/admission/certificates/approval`).
fn approve(held: &mut Held) {
    let (request, signer) = (
        held.remove("approveRequests").unwrap_or_default(),
        held.remove("approveSigners").unwrap_or_default(),
    );
    if !request.is_empty() && !signer.is_empty() {
        held.insert("approveCertificates", [request, signer].concat());
    }
}

/// The roles, and what each grants, worked out once.
pub(crate) struct Roles<'a> {
    by_name: BTreeMap<(Option<&'a str>, &'a str), &'a Role>,
    granted: BTreeMap<(Option<&'a str>, &'a str), Vec<Granted<'a>>>,
}

/// A capability that a role grants.
struct Granted<'a> {
    capability: &'static str,
    /// Whether it also holds where the role is bound in one namespace.
    in_namespace: bool,
    /// The role whose rule it is, where that was taken over by aggregation.
    from: Option<&'a str>,
    /// The number of the rule, from 1.
    rule: usize,
    /// The only names that it is about.
    names: String,
}

impl<'a> Roles<'a> {
    pub(crate) fn of(inventory: &'a Inventory) -> Self {
        let mut roles = Self {
            by_name: inventory
                .roles
                .iter()
                .map(|role| ((role.namespace.as_deref(), &*role.name), role))
                .collect(),
            granted: BTreeMap::new(),
        };
        let cluster_roles: Vec<&Role> = inventory
            .roles
            .iter()
            .filter(|role| role.namespace.is_none())
            .collect();
        let bound: BTreeSet<_> = inventory.bindings.iter().map(role_of).collect();
        for key in bound {
            if let Some(role) = roles.by_name.get(&key) {
                let granted = granted(&rules(role, &cluster_roles));
                roles.granted.insert(key, granted);
            }
        }
        roles
    }

    /// Returns the role of a binding, where it is there.
    pub(crate) fn get(&self, binding: &Binding) -> Option<&'a Role> {
        self.by_name.get(&role_of(binding)).copied()
    }

    /// Returns what a binding gives to each of its subjects.
    fn held_through(&self, binding: &'a Binding) -> Held {
        let mut held = Held::new();
        let granted = self.granted.get(&role_of(binding)).map_or(&[][..], |it| it);
        let shipped = binding.bootstrapping;
        let binding_said = said(binding);
        let role_kind = if binding.cluster_role {
            "ClusterRole"
        } else {
            "Role"
        };
        let mut add = |capability, detail: String| {
            let said = format!("{binding_said} gives {role_kind} {}{detail}", binding.role);
            held.entry(capability)
                .or_default()
                .push(Path { said, shipped });
        };
        if binding.cluster_role && &*binding.role == CLUSTER_ADMIN {
            add("clusterAdmin", String::new());
        }
        for one in granted {
            if binding.namespace.is_some() && !one.in_namespace {
                continue;
            }
            // What the name says is not said again for each of its rules.
            if one.capability == "clusterAdmin" && &*binding.role == CLUSTER_ADMIN {
                continue;
            }
            let from = one
                .from
                .map_or_else(String::new, |from| format!(" (from {from})"));
            let rule = one.rule;
            add(one.capability, format!("{from}, rule {rule}{}", one.names));
        }
        held
    }
}

/// Returns `ClusterRoleBinding NAME`, or `RoleBinding NAMESPACE/NAME`.
pub(crate) fn said(binding: &Binding) -> String {
    match &binding.namespace {
        Some(namespace) => format!("RoleBinding {namespace}/{}", binding.name),
        None => format!("ClusterRoleBinding {}", binding.name),
    }
}

fn role_of(binding: &Binding) -> (Option<&str>, &str) {
    let namespace = binding.namespace.as_deref();
    (namespace.filter(|_| !binding.cluster_role), &binding.role)
}

/// A rule, the role that it stands in where that is another, and its number there.
struct Ruled<'a> {
    rule: &'a PolicyRule,
    from: Option<&'a str>,
    number: usize,
}

/// Returns the rules of a role, each once: those of the roles that it is put together of, its own, and what is left of
/// aggregated ones between them.
///
/// The API server writes the rules of an aggregated role itself (`clusterroleaggregation`), a moment later and over as
/// many steps as roles are aggregated of aggregated ones.
fn rules<'a>(role: &'a Role, cluster_roles: &[&'a Role]) -> Vec<Ruled<'a>> {
    let (mut sources, mut between): (Vec<&Role>, Vec<&Role>) = (Vec::new(), Vec::new());
    let mut seen: BTreeSet<&str> = BTreeSet::from([&*role.name]);
    let mut open = vec![role];
    while let Some(next) = open.pop() {
        if next.aggregates.is_empty() {
            continue;
        }
        for other in cluster_roles {
            let chosen = next.aggregates.iter().any(|one| one.matches(&other.labels));
            if !chosen || !seen.insert(&other.name) {
                continue;
            }
            open.push(other);
            // Of an aggregated role the rules are mostly those of others, and told of these.
            if other.aggregates.is_empty() {
                sources.push(other);
            } else {
                between.push(other);
            }
        }
    }
    let mut found: Vec<Ruled<'a>> = Vec::new();
    let mut known: BTreeSet<&PolicyRule> = BTreeSet::new();
    for source in sources.into_iter().chain([role]).chain(between) {
        let from = (source.name != role.name).then_some(&*source.name);
        for (rule, number) in source.rules.iter().zip(1..) {
            if known.insert(rule) {
                found.push(Ruled { rule, from, number });
            }
        }
    }
    found
}

fn granted<'a>(rules: &[Ruled<'a>]) -> Vec<Granted<'a>> {
    let mut found = Vec::new();
    for ruled in rules {
        for grant in CAPABILITIES {
            if grants(ruled.rule, grant) {
                let names: Vec<&str> = ruled.rule.names.iter().map(AsRef::as_ref).collect();
                let names = if names.is_empty() {
                    String::new()
                } else {
                    format!(", only {}", names.join(", "))
                };
                found.push(Granted {
                    capability: grant.capability,
                    in_namespace: grant.namespaced,
                    from: ruled.from,
                    rule: ruled.number,
                    names,
                });
            }
        }
    }
    // One rule may grant a capability by several of its resources, of which one may be of a namespace.
    found.dedup_by(|next: &mut Granted<'_>, kept| {
        let same =
            next.capability == kept.capability && next.rule == kept.rule && next.from == kept.from;
        kept.in_namespace |= same && next.in_namespace;
        same
    });
    found
}

/// Returns whether a rule lets any of a grant's verbs happen to any of its resources.
fn grants(rule: &PolicyRule, grant: &Grant) -> bool {
    let verb = |verb: &str| {
        let given = rule.verbs.iter().any(|one| &**one == "*" || &**one == verb);
        // A request that creates has no name yet, so that a rule with names does not match it; a subresource has its
        // parent's.
        let nameless = verb == "deletecollection" || (verb == "create" && !grant.has_name());
        given && (rule.names.is_empty() || !nameless)
    };
    let group = rule
        .groups
        .iter()
        .any(|one| &**one == "*" || &**one == grant.group);
    let resource = |wanted: &str| {
        rule.resources.iter().any(|one| {
            let one = &**one;
            let sub = wanted.split_once('/').map(|(_, sub)| sub);
            one == "*" || one == wanted || (sub.is_some() && one.strip_prefix("*/") == sub)
        })
    };
    if grant.capability == "clusterAdmin" {
        let all =
            |names: &[kubeassay_core::facts::objects::Name]| names.iter().any(|it| &**it == "*");
        return all(&rule.verbs)
            && all(&rule.groups)
            && all(&rule.resources)
            && rule.names.is_empty();
    }
    group
        && grant.verbs.iter().any(|wanted| verb(wanted))
        && grant.resources.iter().any(|wanted| resource(wanted))
}

/// Returns whether a role grants anything at all.
pub(crate) fn grants_anything(role: &Role) -> bool {
    !role.aggregates.is_empty()
        || role.rules.iter().any(|rule| {
            !(rule.verbs.is_empty() || (rule.resources.is_empty() && rule.urls.is_empty()))
        })
}

/// Returns the wildcards of a role, by rule.
pub(crate) fn wildcards(role: &Role) -> Vec<String> {
    let mut found = Vec::new();
    for (rule, number) in role.rules.iter().zip(1..) {
        let lists = [
            ("verbs", &rule.verbs),
            ("apiGroups", &rule.groups),
            ("resources", &rule.resources),
            ("nonResourceURLs", &rule.urls),
        ];
        for (name, list) in lists {
            // `*/scale` and `/metrics/*` are wildcards as well.
            if let Some(wild) = list.iter().find(|one| one.contains('*')) {
                found.push(format!("rule {number}: {wild:?} in {name}"));
            }
        }
    }
    found
}
