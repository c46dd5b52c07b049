//! The settings of those who hold roles.

use kubeassay_core::facts::objects::{Holder, HolderKind, Inventory, Kind};

use super::namespaces::is_system;
use super::rbac::{self, Held};
use super::settings::ObjectView;

/// The lists that say who may do what.
pub(crate) const KINDS: [Kind; 4] = [
    Kind::Roles,
    Kind::ClusterRoles,
    Kind::RoleBindings,
    Kind::ClusterRoleBindings,
];

/// The settings of a holder that are no capability.
const ABOUT: [&str; 6] = ["id", "kind", "name", "namespace", "shipped", "everyone"];

/// Returns the holder as choices name it.
pub(crate) fn id(holder: &Holder) -> String {
    match &holder.namespace {
        Some(namespace) => format!("{} {namespace}/{}", holder.kind, holder.name),
        None => format!("{} {}", holder.kind, holder.name),
    }
}

/// Returns the holders of anything that is watched, with their settings.
pub(crate) fn views(inventory: &Inventory) -> Vec<(&Holder, ObjectView)> {
    rbac::holders(inventory)
        .into_iter()
        .map(|(holder, held)| (holder, view(holder, held)))
        .collect()
}

/// Returns the settings of somebody who holds nothing.
pub(crate) fn nobody() -> ObjectView {
    let nobody = Holder {
        kind: HolderKind::User,
        namespace: None,
        name: "".into(),
    };
    view(&nobody, Held::new())
}

fn view(holder: &Holder, held: Held) -> ObjectView {
    let mut view = ObjectView::new("holder");
    view.text("id", &id(holder));
    view.text("kind", holder.kind.as_str());
    view.text("name", &holder.name);
    view.text("namespace", holder.namespace.as_deref().unwrap_or_default());
    view.flag("everyone", is_everyone(holder));
    view.flag("shipped", is_shipped(holder, &held));
    let mut held = held;
    let names = super::settings::SUBJECTS
        .iter()
        .filter(|of| of.subject == "holder")
        .flat_map(|of| of.settings);
    for (name, _) in names.filter(|(name, _)| !ABOUT.contains(name)) {
        let paths = held.remove(name).unwrap_or_default();
        view.list(name, paths.into_iter().map(|path| path.said).collect());
    }
    view
}

/// Returns whether it is anybody at all, or every pod that asks for nothing: what these may do nobody was chosen for.
fn is_everyone(holder: &Holder) -> bool {
    match holder.kind {
        HolderKind::User => &*holder.name == "system:anonymous",
        HolderKind::Group => {
            ["system:authenticated", "system:unauthenticated"].contains(&&*holder.name)
                || &*holder.name == "system:serviceaccounts"
                || holder.name.starts_with("system:serviceaccounts:")
        }
        HolderKind::ServiceAccount => &*holder.name == "default",
    }
}

/// Returns whether a holder is one of Kubernetes' own, or holds all it holds because Kubernetes ships it so.
///
/// The API server's own groups and users, service accounts of the namespaces of Kubernetes and of the platform, and
/// kubeadm's group of administrators.
fn is_shipped(holder: &Holder, held: &Held) -> bool {
    let mut paths = held.values().flatten();
    let shipped = paths.all(|path| path.shipped);
    if is_everyone(holder) {
        return false;
    }
    match holder.kind {
        HolderKind::User => {
            // A user of that form is a service account under its long name.
            let account = holder.name.strip_prefix("system:serviceaccount:");
            account.map_or_else(
                || holder.name.starts_with("system:"),
                |account| is_system(account.split(':').next().unwrap_or_default()),
            )
        }
        HolderKind::Group => match &*holder.name {
            "system:masters" | "system:nodes" | "kubeadm:cluster-admins" => true,
            name => name.starts_with("system:") && shipped,
        },
        HolderKind::ServiceAccount => holder.namespace.as_deref().is_some_and(is_system),
    }
}
