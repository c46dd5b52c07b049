//! The RBAC that an API server makes at its start, of a table.

use serde::Deserialize;
use serde_json::{Value as Json, json};

const VERSION: &str = "rbac.authorization.k8s.io/v1";
const GROUP: &str = "rbac.authorization.k8s.io";
const AGGREGATE: &str = "rbac.authorization.k8s.io/aggregate-to-";

/// The file.
#[derive(Deserialize)]
pub(super) struct Table {
    cluster_roles: Vec<Role>,
    roles: Vec<Role>,
    cluster_role_bindings: Vec<Binding>,
    role_bindings: Vec<Binding>,
}

#[derive(Deserialize)]
struct Role {
    name: String,
    namespace: Option<String>,
    /// The role whose rules it becomes a part of.
    joins: Option<String>,
    /// It is put together of those that join this.
    takes: Option<String>,
    #[serde(default)]
    rules: Vec<String>,
}

#[derive(Deserialize)]
struct Binding {
    name: String,
    namespace: Option<String>,
    role: String,
    #[serde(default)]
    to: Vec<String>,
}

/// Returns the objects.
pub(super) fn objects(table: &Table) -> Vec<Json> {
    let mut objects = Vec::new();
    for role in &table.cluster_roles {
        let mut object = object("ClusterRole", &role.name, None);
        if let Some(joined) = &role.joins {
            object["metadata"]["labels"][format!("{AGGREGATE}{joined}")] = json!("true");
        }
        if let Some(taken) = &role.takes {
            let labels = json!({format!("{AGGREGATE}{taken}"): "true"});
            object["aggregationRule"] = json!({"clusterRoleSelectors": [{"matchLabels": labels}]});
        }
        object["rules"] = rules(role, &table.cluster_roles);
        objects.push(object);
    }
    for role in &table.roles {
        let mut object = object("Role", &role.name, role.namespace.as_deref());
        object["rules"] = rules(role, &[]);
        objects.push(object);
    }
    for binding in table
        .cluster_role_bindings
        .iter()
        .chain(&table.role_bindings)
    {
        let place = binding.namespace.as_deref();
        let (kind, role) = match place {
            Some(_) => ("RoleBinding", "Role"),
            None => ("ClusterRoleBinding", "ClusterRole"),
        };
        let mut object = object(kind, &binding.name, place);
        object["roleRef"] = json!({"apiGroup": GROUP, "kind": role, "name": binding.role});
        if !binding.to.is_empty() {
            object["subjects"] = binding.to.iter().map(|text| subject(text)).collect();
        }
        objects.push(object);
    }
    objects
}

fn object(kind: &str, name: &str, namespace: Option<&str>) -> Json {
    let mut metadata = json!({
        "name": name, "labels": {"kubernetes.io/bootstrapping": "rbac-defaults"},
        "annotations": {"rbac.authorization.kubernetes.io/autoupdate": "true"},
    });
    if let Some(namespace) = namespace {
        metadata["namespace"] = json!(namespace);
    }
    json!({"apiVersion": VERSION, "kind": kind, "metadata": metadata})
}

/// The rules of a role, with those of the roles that join it.
fn rules(role: &Role, all: &[Role]) -> Json {
    let mut rules: Vec<Json> = role.rules.iter().map(|text| rule(text)).collect();
    if role.takes.is_some() {
        for other in all.iter().filter(|other| other.joins == role.takes) {
            rules.extend(
                self::rules(other, all)
                    .as_array()
                    .into_iter()
                    .flatten()
                    .cloned(),
            );
        }
    }
    json!(rules)
}

fn rule(text: &str) -> Json {
    let list = |text: &str| -> Vec<String> {
        let words = text.split(',');
        words
            .map(|word| {
                if word == "core" {
                    String::new()
                } else {
                    word.to_owned()
                }
            })
            .collect()
    };
    match text.split(' ').collect::<Vec<&str>>().as_slice() {
        [verbs, paths] => json!({"verbs": list(verbs), "nonResourceURLs": list(paths)}),
        [verbs, groups, resources] => {
            json!({"verbs": list(verbs), "apiGroups": list(groups), "resources": list(resources)})
        }
        [verbs, groups, resources, names] => {
            json!({"verbs": list(verbs), "apiGroups": list(groups), "resources": list(resources),
                "resourceNames": list(names)})
        }
        _ => panic!("no rule: {text}"),
    }
}

fn subject(text: &str) -> Json {
    match text.split_once(' ') {
        Some(("ServiceAccount", place)) => {
            let (namespace, name) = place.split_once('/').expect("NAMESPACE/NAME");
            json!({"kind": "ServiceAccount", "name": name, "namespace": namespace})
        }
        Some((kind, name)) => json!({"apiGroup": GROUP, "kind": kind, "name": name}),
        None => panic!("no subject: {text}"),
    }
}
