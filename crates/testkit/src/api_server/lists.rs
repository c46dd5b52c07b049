//! Lists of objects, in pages, and single objects.

use std::fmt::Write as _;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value as Json, json};

use super::access::Attributes;
use super::discovery::{accepted, not_acceptable};
use super::resources::Resource;
use super::wire::{Answer, Request};

/// The version of everything that is listed.
const RESOURCE_VERSION: &str = "812733";

/// Objects of one resource that are made when they are asked for, so that a hundred thousand take no memory.
///
/// They stand in the order of their keys, as etcd has them: by namespace and name.
pub trait Source: Send + Sync {
    /// Returns how many there are in a namespace, or in all.
    fn count(&self, namespace: Option<&str>) -> usize;

    /// Appends one of them to a list: JSON, without `apiVersion` and `kind`, as the items of lists are.
    fn item(&self, namespace: Option<&str>, index: usize, list: &mut String);

    /// Appends its metadata, a JSON object.
    fn metadata(&self, namespace: Option<&str>, index: usize, list: &mut String) {
        let mut item = String::new();
        self.item(namespace, index, &mut item);
        let item: Json = serde_json::from_str(&item).expect("an item is JSON");
        list.push_str(&item["metadata"].to_string());
    }
}

/// The objects of one resource that are served from a [`Source`].
#[derive(Clone)]
pub struct Lazy {
    /// The API group; empty for the core one.
    pub group: &'static str,
    /// The plural.
    pub plural: &'static str,
    /// The objects.
    pub source: Arc<dyn Source>,
}

/// An object that is kept.
pub(super) struct Kept {
    namespace: String,
    name: String,
    /// As it stands in lists.
    text: String,
    /// What a list leaves out of it: its version and its kind.
    kind: Json,
}

impl Kept {
    pub(super) fn of(resource: &Resource, mut object: Json) -> Self {
        let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
        let (namespace, name) = (
            text(&object["metadata"]["namespace"]),
            text(&object["metadata"]["name"]),
        );
        // What an API server adds to everything that it stores.
        if let Some(metadata) = object["metadata"].as_object_mut() {
            let place = match namespace.as_str() {
                "" => name.clone(),
                namespace => format!("{namespace}-{name}"),
            };
            for (key, value) in [
                ("uid", format!("uid-of-{place}")),
                ("resourceVersion", "1".to_owned()),
                ("creationTimestamp", "2026-11-20T08:00:00Z".to_owned()),
            ] {
                metadata.entry(key).or_insert_with(|| json!(value));
            }
            if resource.plural == "namespaces" && resource.group.is_empty() {
                let labels = metadata.entry("labels").or_insert_with(|| json!({}));
                if let Some(labels) = labels.as_object_mut() {
                    let own = labels.entry("kubernetes.io/metadata.name");
                    own.or_insert_with(|| json!(name));
                }
            }
        }
        let kind = json!({"apiVersion": object["apiVersion"], "kind": object["kind"]});
        if let Some(bare) = object.as_object_mut().filter(|_| !resource.custom) {
            bare.remove("apiVersion");
            bare.remove("kind");
        }
        Self {
            namespace,
            name,
            text: object.to_string(),
            kind,
        }
    }

    /// Keeps a node as it was captured.
    pub(super) fn node(name: &str, text: &str) -> Self {
        Self {
            namespace: String::new(),
            name: name.to_owned(),
            text: text.to_owned(),
            kind: json!({"apiVersion": "v1", "kind": "Node"}),
        }
    }

    /// Returns it as it is where it is asked for by itself.
    fn whole(&self) -> Json {
        let mut object: Json = serde_json::from_str(&self.text).expect("an object is JSON");
        if let (Some(object), Some(kind)) = (object.as_object_mut(), self.kind.as_object()) {
            object.extend(kind.clone());
        }
        object
    }

    /// Sorts as etcd does.
    pub(super) fn key(&self) -> (&str, &str) {
        (&self.namespace, &self.name)
    }
}

/// What one resource has.
pub(super) enum Objects {
    Kept(Vec<Kept>),
    Lazy(Arc<dyn Source>),
}

/// The objects that a request chose.
enum Chosen<'a> {
    Kept(Vec<&'a Kept>),
    Lazy(&'a dyn Source, Option<&'a str>),
}

impl Chosen<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Kept(objects) => objects.len(),
            Self::Lazy(source, namespace) => source.count(*namespace),
        }
    }

    fn write(&self, index: usize, metadata: bool, list: &mut String) {
        if !metadata {
            match self {
                Self::Kept(objects) => list.push_str(&objects[index].text),
                Self::Lazy(source, namespace) => source.item(*namespace, index, list),
            }
            return;
        }
        list.push_str(
            "{\"kind\":\"PartialObjectMetadata\",\"apiVersion\":\"meta.k8s.io/v1\",\"metadata\":",
        );
        match self {
            Self::Kept(objects) => list.push_str(&objects[index].whole()["metadata"].to_string()),
            Self::Lazy(source, namespace) => source.metadata(*namespace, index, list),
        }
        list.push('}');
    }
}

/// Returns an object that is kept, by the name and the namespace that are wanted.
pub(super) fn one(objects: Option<&Objects>, wanted: &Attributes) -> Option<Answer> {
    let Some(Objects::Kept(objects)) = objects else {
        return None;
    };
    let found = objects
        .iter()
        // A namespace is asked for by its own name, and is in none.
        .find(|one| {
            one.name == wanted.name
                && (one.namespace.is_empty() || one.namespace == wanted.namespace)
        })?;
    Some(Answer::json(200, found.whole().to_string()))
}

/// Returns the page of a list that a request asks for.
///
/// Of selectors the name of an object and a label that has to be there are understood; any other is remembered and
/// selects all.
pub(super) fn page(
    resource: &Resource,
    objects: Option<&Objects>,
    request: &Request,
    wanted: &Attributes,
) -> Answer {
    let mut forms = accepted(&request.accept).into_iter();
    let form = forms.find_map(|[kind, group, version]| {
        match (kind.as_str(), group.as_str(), version.as_str()) {
            ("", _, _) => Some(false),
            ("PartialObjectMetadataList", "meta.k8s.io", "v1") => Some(true),
            _ => None,
        }
    });
    let Some(metadata) = form else {
        return not_acceptable();
    };
    let namespace = Some(wanted.namespace.as_str()).filter(|name| !name.is_empty());
    let field = request.parameter("fieldSelector");
    let name = field.as_deref();
    let name = name.and_then(|text| text.strip_prefix("metadata.name="));
    let label = request.parameter("labelSelector");
    let key = label
        .as_deref()
        .filter(|text| !text.contains(['=', ',', '!', ' ']));
    let quoted = key.map(|key| format!("\"{key}\":"));
    let chosen = match objects {
        Some(Objects::Lazy(source)) => Chosen::Lazy(source.as_ref(), namespace),
        Some(Objects::Kept(objects)) => Chosen::Kept(
            objects
                .iter()
                .filter(|one| {
                    namespace.is_none_or(|namespace| one.namespace == namespace)
                        && name.is_none_or(|name| one.name == name)
                        && quoted.as_ref().is_none_or(|label| one.text.contains(label))
                })
                .collect(),
        ),
        None => Chosen::Kept(Vec::new()),
    };
    let from = match request.parameter("continue").map(|token| index(&token)) {
        None => 0,
        Some(Some(from)) => from,
        Some(None) => return Answer::refused(400, "continue key is not valid", &Json::Null),
    };
    let limit = request.parameter("limit").map(|text| text.parse());
    let limit = match limit {
        None | Some(Ok(0)) => usize::MAX,
        Some(Ok(limit)) => limit,
        Some(Err(_)) => return Answer::refused(400, "limit is no number", &Json::Null),
    };
    let count = chosen.len();
    let until = count.min(from.saturating_add(limit));
    let (kind, version) = if metadata {
        (
            "PartialObjectMetadata".to_owned(),
            "meta.k8s.io/v1".to_owned(),
        )
    } else {
        (resource.kind.clone(), resource.api_version())
    };
    let mut list = format!(
        "{{\"kind\":\"{kind}List\",\"apiVersion\":\"{version}\",\"metadata\":{{\"resourceVersion\":\"{RESOURCE_VERSION}\""
    );
    if until < count {
        write!(list, ",\"continue\":\"{}\"", token(until)).expect("a string");
        // The server counts no further where it had to choose.
        if field.is_none() && label.is_none() {
            write!(list, ",\"remainingItemCount\":{}", count - until).expect("a string");
        }
    }
    list.push_str("},\"items\":[");
    for index in from..until {
        if index > from {
            list.push(',');
        }
        chosen.write(index, metadata, &mut list);
    }
    list.push_str("]}");
    Answer::json(200, list)
}

/// Returns a token to continue at an object. Nobody but this is to know what it says.
fn token(index: usize) -> String {
    let said = json!({"v": "meta.k8s.io/v1", "rv": RESOURCE_VERSION, "start": index});
    URL_SAFE_NO_PAD.encode(said.to_string())
}

fn index(token: &str) -> Option<usize> {
    let said = URL_SAFE_NO_PAD.decode(token).ok()?;
    let said: Json = serde_json::from_slice(&said).ok()?;
    usize::try_from(said["start"].as_u64()?).ok()
}
