//! Discovery: what an API server says of the resources that it serves, in all groups at once (since 1.26, `v2beta1`;
//! `v2` since 1.30) and in the older documents, one for each version of a group.

use serde_json::{Value as Json, json};

use super::resources::Resource;
use super::wire::Answer;

/// The kind of the documents that tell of all groups at once.
const ALL_AT_ONCE: &str = "APIGroupDiscoveryList";

/// What a server knows of telling all groups at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Discovery {
    /// `apidiscovery.k8s.io/v2`, and `v2beta1`.
    #[default]
    V2,
    /// `apidiscovery.k8s.io/v2beta1`: 1.26 to 1.29.
    V2Beta1,
    /// Nothing: the server is older, or it was switched off.
    Old,
}

/// A version of a group of which the server knows nothing at the time: the aggregated API server behind it is down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stale {
    /// The group.
    pub group: &'static str,
    /// The version.
    pub version: &'static str,
}

/// The entries of an `Accept` header that can be served, in order: the parameters `as`, `g` and `v`; all empty for
/// plain JSON.
pub(super) fn accepted(accept: &str) -> Vec<[String; 3]> {
    let entries = accept.split(',').filter_map(|entry| {
        let mut words = entry.split(';').map(str::trim);
        let media = words.next().unwrap_or_default();
        if !["application/json", "application/*", "*/*", ""].contains(&media) {
            return None;
        }
        let words: Vec<(&str, &str)> = words.filter_map(|word| word.split_once('=')).collect();
        let value = |name: &str| {
            let mut pairs = words.iter();
            let found = pairs.find(|(key, _)| *key == name);
            found.map_or(String::new(), |(_, value)| (*value).to_owned())
        };
        Some([value("as"), value("g"), value("v")])
    });
    entries.collect()
}

/// Returns the refusal where nothing that is accepted can be given.
pub(super) fn not_acceptable() -> Answer {
    let said = "only the following media types are accepted: application/json";
    Answer::refused(406, said, &json!({}))
}

/// Returns the answer to a path of discovery; none: it is no such path, or of nothing that is served.
pub(super) fn answer(
    path: &str,
    accept: &str,
    resources: &[Resource],
    known: Discovery,
    stale: &[Stale],
) -> Option<Answer> {
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    if let ["api" | "apis"] = parts.as_slice() {
        let core = path.trim_matches('/') == "api";
        for [kind, group, version] in accepted(accept) {
            match (kind.as_str(), group.as_str(), version.as_str(), known) {
                ("", _, _, _) => {
                    return Some(Answer::json(200, root(core, resources, stale).to_string()));
                }
                (ALL_AT_ONCE, "apidiscovery.k8s.io", "v2", Discovery::V2) => {
                    return Some(at_once(core, resources, stale, "v2"));
                }
                (
                    ALL_AT_ONCE,
                    "apidiscovery.k8s.io",
                    "v2beta1",
                    Discovery::V2 | Discovery::V2Beta1,
                ) => {
                    return Some(at_once(core, resources, stale, "v2beta1"));
                }
                _ => {}
            }
        }
        return Some(not_acceptable());
    }
    if !accepted(accept).iter().any(|[kind, _, _]| kind.is_empty()) {
        return Some(not_acceptable());
    }
    let document = match parts.as_slice() {
        ["api", version] => list("", version, resources)?,
        ["apis", group] => {
            let mut document = groups(resources, stale)
                .into_iter()
                .find(|one| one["name"] == *group)?;
            document["kind"] = json!("APIGroup");
            document["apiVersion"] = json!("v1");
            document
        }
        ["apis", group, version] => {
            if stale
                .iter()
                .any(|one| (one.group, one.version) == (*group, *version))
            {
                // The aggregator says so in plain text (`serviceUnavailableHandler` of kube-aggregator's proxy).
                return Some(Answer {
                    status: 503,
                    media: "text/plain; charset=utf-8",
                    body: b"service unavailable\n".to_vec(),
                });
            }
            list(group, version, resources)?
        }
        _ => return None,
    };
    Some(Answer::json(200, document.to_string()))
}

/// The versions of each group, in order.
fn versions<'a>(resources: &'a [Resource], stale: &'a [Stale]) -> Vec<(&'a str, Vec<&'a str>)> {
    let mut found: Vec<(&str, Vec<&str>)> = Vec::new();
    let served = resources
        .iter()
        .map(|one| (one.group.as_str(), one.version.as_str()));
    for (group, version) in served.chain(stale.iter().map(|one| (one.group, one.version))) {
        match found.iter_mut().find(|(known, _)| *known == group) {
            Some((_, versions)) if versions.contains(&version) => {}
            Some((_, versions)) => versions.push(version),
            None => found.push((group, vec![version])),
        }
    }
    found
}

/// The documents at `/api` and `/apis`, as they were before.
fn root(core: bool, resources: &[Resource], stale: &[Stale]) -> Json {
    if core {
        json!({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": [
            {"clientCIDR": "0.0.0.0/0", "serverAddress": "10.0.0.1:6443"}]})
    } else {
        json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups(resources, stale)})
    }
}

fn groups(resources: &[Resource], stale: &[Stale]) -> Vec<Json> {
    let all = versions(resources, stale).into_iter();
    let named = all.filter(|(group, _)| !group.is_empty());
    let groups = named.map(|(group, versions)| {
        let versions: Vec<Json> = versions
            .iter()
            .map(
                |version| json!({"groupVersion": format!("{group}/{version}"), "version": version}),
            )
            .collect();
        json!({"name": group, "versions": versions, "preferredVersion": versions.first()})
    });
    groups.collect()
}

/// The document of one version of a group.
fn list(group: &str, version: &str, resources: &[Resource]) -> Option<Json> {
    let mut entries = Vec::new();
    let of_it = resources.iter();
    let of_it = of_it.filter(|one| one.group == group && one.version == version);
    for one in of_it {
        entries.push(json!({
            "name": one.plural, "singularName": one.kind.to_lowercase(), "namespaced": one.namespaced,
            "kind": one.kind, "verbs": one.verbs,
        }));
        for subresource in &one.subresources {
            entries.push(json!({
                "name": format!("{}/{subresource}", one.plural), "singularName": "",
                "namespaced": one.namespaced, "kind": one.kind, "verbs": ["get", "patch", "update"],
            }));
        }
    }
    let whole = match group {
        "" => version.to_owned(),
        group => format!("{group}/{version}"),
    };
    (!entries.is_empty()).then(|| {
        json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": whole, "resources": entries})
    })
}

/// The document that tells of all groups at once, or of the core one.
fn at_once(core: bool, resources: &[Resource], stale: &[Stale], form: &str) -> Answer {
    let all = versions(resources, stale).into_iter();
    let chosen = all.filter(|(group, _)| group.is_empty() == core);
    let items: Vec<Json> = chosen
        .map(|(group, versions)| {
            let versions: Vec<Json> = versions
                .into_iter()
                .map(|version| of_version(group, version, resources, stale))
                .collect();
            let metadata = if core {
                json!({})
            } else {
                json!({"name": group})
            };
            json!({"metadata": metadata, "versions": versions})
        })
        .collect();
    let version = format!("apidiscovery.k8s.io/{form}");
    let document =
        json!({"kind": ALL_AT_ONCE, "apiVersion": version, "metadata": {}, "items": items});
    Answer {
        status: 200,
        media: if form == "v2" {
            "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
        } else {
            "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList"
        },
        body: document.to_string().into_bytes(),
    }
}

fn of_version(group: &str, version: &str, resources: &[Resource], stale: &[Stale]) -> Json {
    if stale
        .iter()
        .any(|one| (one.group, one.version) == (group, version))
    {
        return json!({"version": version, "freshness": "Stale"});
    }
    let of_it = resources.iter();
    let of_it = of_it.filter(|one| one.group == group && one.version == version);
    let resources: Vec<Json> = of_it
        .map(|one| {
            let kind = json!({"group": one.group, "version": one.version, "kind": one.kind});
            let below = one.subresources.iter().map(|subresource| {
                json!({"subresource": subresource, "responseKind": kind, "verbs": ["get", "patch", "update"]})
            });
            let mut entry = json!({
                "resource": one.plural, "responseKind": kind,
                "scope": if one.namespaced { "Namespaced" } else { "Cluster" },
                "singularResource": one.kind.to_lowercase(), "verbs": one.verbs,
            });
            if !one.subresources.is_empty() {
                entry["subresources"] = below.collect();
            }
            entry
        })
        .collect();
    json!({"version": version, "resources": resources, "freshness": "Current"})
}
