//! Discovery: which resources an API server serves, in which versions.
//!
//! Servers since 1.27 tell all at once (`APIGroupDiscoveryList`, `k8s.io/api/apidiscovery`), others in one document for
//! each version of a group (`APIVersions`, `APIGroupList`, `APIResourceList` of `k8s.io/apimachinery/pkg/apis/meta/v1`).
//! What is asked is bounded by the size of a document, so that lists need no bounds of their own.

use hyper::Method;
use serde::Deserialize;

use super::documents::first;
use super::error::{ApiError, no_document};
use super::sending::Ask;
use super::{ATTEMPTS, Api};

/// The largest document of discovery: that of a cluster with some thousand custom resources.
const LARGEST_DISCOVERY: usize = 8 << 20;
/// What there is of a group in one document, since 1.26 in its earlier form; an older server gives the list of groups.
const DISCOVERY: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";

/// As many as there are.
const ALL: usize = usize::MAX;

/// What there is at `/api` or `/apis`, whichever form it has.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Root {
    /// What the versions of groups serve.
    pub(crate) versions: Vec<GroupVersion>,
    /// The paths of the documents that tell the rest.
    pub(crate) paths: Vec<String>,
}

/// What one version of a group serves.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct GroupVersion {
    /// The group; empty for the core one.
    pub(crate) group: String,
    /// The version.
    pub(crate) version: String,
    /// Its resources; none where the server does not know at the time: another server is behind it, and that one does
    /// not answer.
    pub(crate) resources: Option<Vec<String>>,
}

impl Api {
    /// Returns what there is at a path of discovery: all groups at once, where the server knows that form.
    pub(crate) async fn discovery(&self, path: &str) -> Result<Root, ApiError> {
        let what = format!("tell its resources (get {path})");
        let body = self.discover(&what, path).await?;
        root(&body).ok_or_else(|| no_document(&what))
    }

    /// Returns what one version of a group serves, by its path.
    pub(crate) async fn resources(&self, path: &str) -> Result<GroupVersion, ApiError> {
        let what = format!("tell its resources (get {path})");
        let body = self.discover(&what, path).await?;
        version(&body).ok_or_else(|| no_document(&what))
    }

    async fn discover(&self, what: &str, path: &str) -> Result<Vec<u8>, ApiError> {
        let ask = Ask {
            what,
            path,
            accept: DISCOVERY,
            limit: LARGEST_DISCOVERY,
            attempts: ATTEMPTS,
        };
        Ok(self.send(Method::GET, None, ask).await?.body)
    }
}

#[derive(Deserialize)]
struct RootDocument {
    kind: Option<String>,
    #[serde(default, deserialize_with = "first::<_, _, ALL>")]
    items: Vec<Group>,
    #[serde(default, deserialize_with = "first::<_, _, ALL>")]
    groups: Vec<OldGroup>,
    /// Those of the core group, in the old form.
    #[serde(default, deserialize_with = "first::<_, _, ALL>")]
    versions: Vec<String>,
}

#[derive(Deserialize)]
struct Group {
    #[serde(default)]
    metadata: GroupMetadata,
    #[serde(default, deserialize_with = "first::<_, _, ALL>")]
    versions: Vec<ServedVersion>,
}

#[derive(Default, Deserialize)]
struct GroupMetadata {
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
struct ServedVersion {
    #[serde(default, rename = "version")]
    name: String,
    #[serde(default)]
    freshness: String,
    #[serde(default, deserialize_with = "first::<_, _, ALL>")]
    resources: Vec<Resource>,
}

#[derive(Deserialize)]
struct Resource {
    #[serde(default)]
    resource: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OldGroup {
    #[serde(default, deserialize_with = "first::<_, _, ALL>")]
    versions: Vec<OldVersion>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OldVersion {
    #[serde(default)]
    group_version: String,
}

/// An `APIResourceList`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResourceList {
    group_version: String,
    #[serde(default, deserialize_with = "first::<_, _, ALL>")]
    resources: Vec<OldResource>,
}

#[derive(Deserialize)]
struct OldResource {
    #[serde(default)]
    name: String,
}

/// Reads the document at `/api` or `/apis`; nothing where it is none.
pub(crate) fn root(body: &[u8]) -> Option<Root> {
    let document: RootDocument = serde_json::from_slice(body).ok()?;
    let mut root = Root::default();
    match document.kind.as_deref() {
        Some("APIGroupDiscoveryList") => {
            for group in document.items {
                for version in group.versions {
                    let resources = version.resources.into_iter().map(|one| one.resource);
                    root.versions.push(GroupVersion {
                        group: group.metadata.name.clone(),
                        version: version.name,
                        resources: (version.freshness != "Stale").then(|| resources.collect()),
                    });
                }
            }
        }
        Some("APIVersions") => {
            let versions = document.versions.iter().filter(|one| is_word(one));
            root.paths = versions.map(|one| format!("/api/{one}")).collect();
        }
        Some("APIGroupList") => {
            let versions = document.groups.iter().flat_map(|group| &group.versions);
            let versions = versions.filter_map(|one| one.group_version.split_once('/'));
            let versions = versions.filter(|(group, version)| is_word(group) && is_word(version));
            root.paths = versions
                .map(|(group, version)| format!("/apis/{group}/{version}"))
                .collect();
        }
        _ => return None,
    }
    Some(root)
}

/// Reads the document of one version of a group; nothing where it is none.
pub(crate) fn version(body: &[u8]) -> Option<GroupVersion> {
    let list: ResourceList = serde_json::from_slice(body).ok()?;
    let whole = list.group_version;
    let (group, version) = whole.split_once('/').unwrap_or(("", &whole));
    let names = list.resources.into_iter().map(|one| one.name);
    // `pods/log` is a part of `pods`.
    let names = names.filter(|name| !name.contains('/'));
    Some(GroupVersion {
        group: group.to_owned(),
        version: version.to_owned(),
        resources: Some(names.collect()),
    })
}

/// Returns whether a text can be one step of a path as it is: groups and versions are DNS subdomains and labels. No
/// server can make a path of objects of one of discovery.
pub(crate) fn is_word(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-.".contains(&byte);
    text.starts_with(|first: char| first.is_ascii_alphanumeric()) && text.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::{GroupVersion, root, version};

    #[test]
    fn all_forms_say_the_same() {
        let at_once = br#"{"kind":"APIGroupDiscoveryList","items":[
            {"metadata":{"name":"apps"},"versions":[
                {"version":"v1","freshness":"Current","resources":[{"resource":"deployments","subresources":[{"subresource":"scale"}]}]}]},
            {"metadata":{"name":"metrics.k8s.io"},"versions":[{"version":"v1beta1","freshness":"Stale"}]}]}"#;
        let apps = || GroupVersion {
            group: "apps".to_owned(),
            version: "v1".to_owned(),
            resources: Some(vec!["deployments".to_owned()]),
        };
        let stale = GroupVersion {
            group: "metrics.k8s.io".to_owned(),
            version: "v1beta1".to_owned(),
            resources: None,
        };
        assert_eq!(root(at_once).unwrap().versions, [apps(), stale]);
        let groups = br#"{"kind":"APIGroupList","groups":[{"name":"apps","versions":[{"groupVersion":"apps/v1","version":"v1"},
            {"groupVersion":"apps/../../api/v1/secrets"},{"groupVersion":"apps/v1/secrets"},{"groupVersion":"../v1"},{"groupVersion":"a?b"},{}]}]}"#;
        assert_eq!(root(groups).unwrap().paths, ["/apis/apps/v1"]);
        let list = br#"{"kind":"APIResourceList","groupVersion":"apps/v1","resources":[{"name":"deployments"},{"name":"deployments/scale"}]}"#;
        assert_eq!(version(list).unwrap(), apps());
        let core = br#"{"kind":"APIVersions","versions":["v1","v1/secrets","..",""]}"#;
        assert_eq!(root(core).unwrap().paths, ["/api/v1"]);
        let core = br#"{"groupVersion":"v1","resources":[{"name":"pods"}]}"#;
        assert_eq!(version(core).unwrap().group, "");
    }

    #[test]
    fn what_is_no_discovery_is_none() {
        for body in [
            "",
            "[]",
            "{}",
            "null",
            r#"{"kind":"PodList","items":[]}"#,
            r#"{"kind":"APIGroupDiscoveryList","items":{}}"#,
        ] {
            assert_eq!(root(body.as_bytes()), None, "{body}");
            assert_eq!(version(body.as_bytes()), None, "{body}");
        }
        let empty = br#"{"kind":"APIGroupDiscoveryList","items":null}"#;
        assert_eq!(root(empty), Some(super::Root::default()));
    }
}
