//! Writes objects of reports through the API: the only thing that kubeassay ever writes there.
//!
//! Each is one server-side apply of a whole object by its own manager, so that writing it again changes nothing and what is
//! no longer said goes away. What is there is looked at first: an object of a newer scan stays, one that somebody else wrote
//! stays, and a node's object belongs to the Node of the very machine that was scanned, with which it goes.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::sync::Arc;

use jiff::Timestamp;
use kubeassay_core::facts::Trouble;
use kubeassay_core::node_id;
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

use crate::api::{Api, ApiError, NodeDocument};
use crate::credentials::Connection;
use crate::kubelet::Access;
use crate::tls::short;

/// The manager of what is written.
pub const MANAGER: &str = "kubeassay";
/// How many objects are written at a time.
const IN_FLIGHT: usize = 16;
/// How many requests a second the API server gets: each of these ends in etcd.
const PER_SECOND: u32 = 200;
/// How often an object is looked at anew that somebody changed meanwhile.
const ATTEMPTS: u32 = 5;
/// The length of a node key that is made of a machine id.
const ID_LENGTH: usize = 32;

/// The resources that reports can be written as, the preferred one first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    /// `clusterreports.openreports.io`.
    OpenReports,
    /// `clusterpolicyreports.wgpolicyk8s.io`.
    PolicyReports,
}

impl Resource {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::OpenReports, Self::PolicyReports];

    /// Returns the API group.
    pub const fn group(self) -> &'static str {
        match self {
            Self::OpenReports => "openreports.io",
            Self::PolicyReports => "wgpolicyk8s.io",
        }
    }

    /// Returns what it is called in paths.
    pub const fn plural(self) -> &'static str {
        match self {
            Self::OpenReports => "clusterreports",
            Self::PolicyReports => "clusterpolicyreports",
        }
    }

    /// Returns the path of the version's discovery, behind which the objects are.
    pub const fn path(self) -> &'static str {
        match self {
            Self::OpenReports => "/apis/openreports.io/v1alpha1",
            Self::PolicyReports => "/apis/wgpolicyk8s.io/v1alpha2",
        }
    }
}

/// How objects are written.
#[derive(Clone, Debug)]
pub struct Options {
    /// The annotation that says when the scan began.
    pub scanned_at: &'static str,
    /// The server is to do all but keep it.
    pub dry_run: bool,
    /// Also what is about a node that the cluster does not have, or has as another machine.
    pub any_node: bool,
    /// Also over what a newer scan said.
    pub over_newer: bool,
}

/// The node that an object is about.
#[derive(Clone, Debug)]
pub struct OfNode {
    /// The name of its Node object.
    pub name: String,
    /// The node key.
    pub id: String,
    /// UID of the Node object, where the scan knew it.
    pub uid: Option<String>,
}

/// An object to write.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Its name: a DNS subdomain.
    pub name: String,
    /// The object with `apiVersion`, `kind` and `metadata`, without owner.
    pub object: Map<String, Json>,
    /// When its scan began.
    pub scanned: Timestamp,
    /// The node that it is about.
    pub node: Option<OfNode>,
}

/// What became of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// It was not there before.
    Created,
    /// It was there with another content.
    Updated,
    /// It was there as it is.
    Unchanged,
}

impl Written {
    /// Returns the word for people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Unchanged => "unchanged",
        }
    }
}

/// Why an object was not written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Refused {
    /// One sentence for a person, with the mend.
    pub reason: String,
    /// The next one would fare no better: the credentials do not allow it.
    pub for_all: bool,
}

/// An object that was tried.
#[derive(Clone, Debug)]
pub struct Published {
    /// Its name.
    pub name: String,
    /// What became of it.
    pub outcome: Result<Written, Refused>,
}

/// Why nothing can be written at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// The API server gave no answer that can be used.
    #[error("{}", .0.reason)]
    NoAnswer(Trouble),
    /// It knows none of the resources.
    #[error(
        "this cluster has no resource for reports: install the definitions of OpenReports (clusterreports.openreports.io, https://github.com/openreports/reports-api), or those of the older clusterpolicyreports.wgpolicyk8s.io in version v1alpha2"
    )]
    NoResource,
    /// Nothing can be asked from here.
    #[error("cannot ask anything from here: {0}")]
    Runtime(String),
}

impl From<io::Error> for PublishError {
    fn from(error: io::Error) -> Self {
        Self::Runtime(error.to_string())
    }
}

/// Writes objects, some at a time.
#[derive(Debug)]
pub struct Publisher {
    // Before the runtime, on which its tasks and connections live.
    running: JoinSet<Published>,
    way: Arc<Way>,
    runtime: Runtime,
}

/// What every object needs.
struct Way {
    api: Api,
    resource: Resource,
    options: Options,
}

impl std::fmt::Debug for Way {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Way")
            .field("resource", &self.resource)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl Publisher {
    /// Asks which of the resources there is.
    ///
    /// # Errors
    ///
    /// If there is none, or nothing can be asked.
    pub fn open(
        connection: Connection,
        access: &Access,
        options: Options,
    ) -> Result<Self, PublishError> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let api = Api::new(
            connection,
            &access.user_agent,
            access.timeouts,
            access.clock.clone(),
            PER_SECOND,
        );
        let resource = runtime.block_on(resource(&api))?;
        Ok(Self {
            running: JoinSet::new(),
            way: Arc::new(Way {
                api,
                resource,
                options,
            }),
            runtime,
        })
    }

    /// Returns as what objects are written.
    pub fn resource(&self) -> Resource {
        self.way.resource
    }

    /// Returns the UID by which reports name the cluster.
    ///
    /// # Errors
    ///
    /// If the API server does not say.
    pub fn cluster_uid(&self) -> Result<Option<String>, PublishError> {
        let asked = self.runtime.block_on(self.way.api.cluster_uid());
        asked.map_err(|error| no_answer(&error))
    }

    /// Begins to write an object, once there is room for it. Returns what came to an end.
    pub fn put(&mut self, wanted: Wanted) -> Vec<Published> {
        let Self {
            running,
            way,
            runtime,
        } = self;
        let way = Arc::clone(way);
        let _guard = runtime.enter();
        running.spawn(async move {
            Published {
                name: wanted.name.clone(),
                outcome: way.write(&wanted).await,
            }
        });
        let mut ended = Vec::new();
        runtime.block_on(async {
            while running.len() >= IN_FLIGHT
                && let Some(one) = running.join_next().await
            {
                // A task ends without its answer only where the program itself is at fault, which says so.
                ended.extend(one);
            }
        });
        ended
    }

    /// Waits for what is left.
    pub fn wait(&mut self) -> Vec<Published> {
        let running = &mut self.running;
        self.runtime.block_on(async {
            let mut ended = Vec::new();
            while let Some(one) = running.join_next().await {
                ended.extend(one);
            }
            ended
        })
    }
}

/// Returns the first resource that is served.
async fn resource(api: &Api) -> Result<Resource, PublishError> {
    for resource in Resource::ALL {
        match api.resources(resource.path()).await {
            Ok(served) => {
                let mut names = served.resources.iter().flatten();
                if names.any(|name| name == resource.plural()) {
                    return Ok(resource);
                }
            }
            Err(error) if error.status() == Some(404) => {}
            Err(error) => return Err(no_answer(&error)),
        }
    }
    Err(PublishError::NoResource)
}

impl Way {
    async fn write(&self, wanted: &Wanted) -> Result<Written, Refused> {
        let owner = match &wanted.node {
            Some(node) => self.owner(node).await?,
            None => None,
        };
        let Self {
            api,
            resource,
            options,
        } = self;
        let kind = format!("{}.{}", resource.plural(), resource.group());
        let path = format!("{}/{}/{}", resource.path(), resource.plural(), wanted.name);
        let mut attempt = 1;
        loop {
            let what = format!("get {kind}");
            let before: Option<Stored> = api.object(&what, &path).await.map_err(refused)?;
            if let Some(before) = &before {
                self.may_replace(before, wanted, &kind)?;
            }
            let before = before.and_then(|before| before.metadata.resource_version);
            let object = complete(&wanted.object, owner.as_ref(), before.as_deref());
            let dry = if options.dry_run { "&dryRun=All" } else { "" };
            let target = format!("{path}?fieldManager={MANAGER}&force=true{dry}");
            let what = format!("patch {kind}");
            match api.apply::<Stored>(&what, &target, object).await {
                Ok(after) => {
                    return Ok(match before {
                        None => Written::Created,
                        Some(before)
                            if after.metadata.resource_version.as_ref() == Some(&before) =>
                        {
                            Written::Unchanged
                        }
                        Some(_) => Written::Updated,
                    });
                }
                // Somebody wrote it since it was looked at: it is looked at again.
                Err(error) if error.status() == Some(409) && attempt < ATTEMPTS => attempt += 1,
                Err(error) => return Err(refused(error)),
            }
        }
    }

    /// Refuses to replace what a newer scan said, and what kubeassay did not write.
    fn may_replace(&self, before: &Stored, wanted: &Wanted, kind: &str) -> Result<(), Refused> {
        let Options {
            scanned_at,
            over_newer,
            ..
        } = &self.options;
        let name = &wanted.name;
        let annotations = before.metadata.annotations.as_ref();
        let said = annotations.and_then(|all| all.get(*scanned_at)?.as_deref());
        let Some(time) = said.and_then(|said| said.parse::<Timestamp>().ok()) else {
            return Err(Refused::one(format!(
                "there is an object of this name that kubeassay did not write (no time in its annotation {scanned_at}); if nobody needs it: kubectl delete {kind} {name}"
            )));
        };
        if time > wanted.scanned && !over_newer {
            return Err(Refused::one(format!(
                "what is there is of a later scan ({time}, this one of {}); --accept older writes it all the same",
                wanted.scanned
            )));
        }
        Ok(())
    }

    /// Returns the Node that an object is to go with: the one of the machine that was scanned.
    async fn owner(&self, node: &OfNode) -> Result<Option<Json>, Refused> {
        let name = &node.name;
        let unsure = |why: String| {
            if self.options.any_node {
                return Ok(None);
            }
            Err(Refused::one(format!(
                "{why}; is this the cluster that was scanned? --node NAME names the Node of a report of one node, --accept node writes it all the same"
            )))
        };
        let shown = short(name);
        if !crate::api::is_subdomain(name) {
            return unsure(format!("{shown:?} is no node's name"));
        }
        let found: Option<NodeDocument> = {
            let path = format!("/api/v1/nodes/{name}");
            let found = self.api.object("get nodes", &path).await;
            found.map_err(refused)?
        };
        let Some(found) = found else {
            return unsure(format!("the cluster has no node called {shown}"));
        };
        let uid = found.metadata.and_then(|metadata| metadata.uid);
        let Some(uid) = uid.filter(|uid| !uid.is_empty()) else {
            return unsure(format!(
                "the API server does not say the UID of node {shown}"
            ));
        };
        let info = found.status.and_then(|status| status.node_info);
        let machine = info.and_then(|info| node_id(&info.machine_id?));
        let is_key =
            node.id.len() == ID_LENGTH && node.id.bytes().all(|byte| byte.is_ascii_hexdigit());
        let same = match (&node.uid, machine) {
            (Some(scanned), _) => *scanned == uid,
            (None, Some(machine)) if is_key => node.id == machine,
            // Neither says which machine it is: then its name counts.
            (None, _) => true,
        };
        if !same {
            return unsure(format!(
                "the node that is called {shown} in the cluster is another machine than the one that was scanned"
            ));
        }
        // Without blockOwnerDeletion, which would take the right to nodes/finalizers.
        Ok(Some(
            json!({"apiVersion": "v1", "kind": "Node", "name": name, "uid": uid}),
        ))
    }
}

impl Refused {
    const fn one(reason: String) -> Self {
        Self {
            reason,
            for_all: false,
        }
    }
}

/// Returns an object as it is sent.
fn complete(object: &Map<String, Json>, owner: Option<&Json>, version: Option<&str>) -> Vec<u8> {
    let mut object = object.clone();
    let metadata = object.entry("metadata").or_insert_with(|| json!({}));
    if let Some(metadata) = metadata.as_object_mut() {
        if let Some(owner) = owner {
            metadata.insert("ownerReferences".to_owned(), json!([owner]));
        }
        // The server refuses it (409) where the object is no longer the one that was looked at.
        if let Some(version) = version {
            metadata.insert("resourceVersion".to_owned(), json!(version));
        }
    }
    for_yaml(&Json::Object(object).to_string()).into_bytes()
}

/// Returns JSON as a reader of YAML takes it, which is what reads the body of a server-side apply. Go's refuses characters
/// that YAML has no room for (`isPrintable` in its `readerc.go`), and knows no surrogates: what is left of such characters
/// in JSON stands in strings, and below U+10000.
fn for_yaml(json: &str) -> String {
    let fits = |character: char| matches!(character, '\n' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{fefe}' | '\u{ff00}'..='\u{fffd}' | '\u{10000}'..);
    let mut text = String::with_capacity(json.len());
    for character in json.chars() {
        if fits(character) {
            text.push(character);
        } else {
            let written = write!(text, "\\u{:04x}", u32::from(character));
            debug_assert!(written.is_ok(), "writing to a string cannot fail");
        }
    }
    text
}

/// Says why the API server did not take an object. What it takes to publish is granted apart from what a scan takes.
fn refused(error: ApiError) -> Refused {
    match error {
        ApiError::Status { status, what, said } if matches!(status, 401 | 403) => {
            let said = if said.is_empty() {
                said
            } else {
                format!(": {said}")
            };
            let mend = if status == 403 {
                "`kubeassay manifest rbac --publish` prints what to grant"
            } else {
                "they may have expired, or be for another cluster"
            };
            Refused {
                reason: format!("these credentials may not {what} ({status}){said}; {mend}"),
                for_all: true,
            }
        }
        ApiError::Status {
            status: 413,
            what,
            said,
        } => Refused::one(format!(
            "the API server takes no object of this size (413, to {what}); a proxy or a webhook before it may have a limit of its own; it says {said:?}"
        )),
        error => Refused {
            // Without a connection there is none for the next.
            for_all: error.status().is_none(),
            reason: error.to_string(),
        },
    }
}

fn no_answer(error: &ApiError) -> PublishError {
    let mut trouble = error.trouble();
    if error.status() == Some(403) {
        trouble.reason = refused(error.clone()).reason;
    }
    PublishError::NoAnswer(trouble)
}

/// An object as far as it is looked at.
#[derive(Deserialize)]
struct Stored {
    metadata: StoredMetadata,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StoredMetadata {
    resource_version: Option<String>,
    #[serde(default)]
    annotations: Option<BTreeMap<String, Option<String>>>,
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::{complete, for_yaml};

    #[test]
    fn every_character_is_the_same_to_a_reader_of_yaml() {
        let all: String = ('\0'..=char::MAX).step_by(1).take(0x1_1000).collect();
        let object = json!({"a": all, "metadata": {"name": "n"}});
        let sent = for_yaml(&object.to_string());
        assert_eq!(serde_json::from_str::<Json>(&sent).unwrap(), object);
        let refused = |character: char| matches!(u32::from(character), 0..=9 | 11..=0x1f | 0x7f..=0x84 | 0x86..=0x9f | 0xfeff | 0xfffe | 0xffff);
        assert!(!sent.contains(refused));
    }

    #[test]
    fn owner_and_version_are_added_and_nothing_else_is_changed() {
        let Json::Object(object) = json!({"kind": "K", "metadata": {"name": "n"}, "results": [1]})
        else {
            panic!();
        };
        let read = |owner: Option<&Json>, version| -> Json {
            serde_json::from_slice(&complete(&object, owner, version)).unwrap()
        };
        assert_eq!(read(None, None), Json::Object(object.clone()));
        let owner = json!({"kind": "Node"});
        let wanted = json!({"kind": "K", "metadata": {"name": "n", "ownerReferences": [{"kind": "Node"}],
            "resourceVersion": "7"}, "results": [1]});
        assert_eq!(read(Some(&owner), Some("7")), wanted);
    }
}
