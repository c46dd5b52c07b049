//! An audit policy, and what it makes of a request: the first rule that matches decides
//! (`staging/src/k8s.io/apiserver/pkg/audit/policy/checker.go`).

use std::sync::Arc;

use kubeassay_core::Origin;

use crate::components::document;
use crate::node::{Content, Node};
use crate::refusal::Refusal;
use crate::setting::Setting;

/// How much of a request is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    None,
    Metadata,
    Request,
    RequestResponse,
}

impl Level {
    const ALL: [Self; 4] = [
        Self::None,
        Self::Metadata,
        Self::Request,
        Self::RequestResponse,
    ];

    /// Returns the word that policies use.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Metadata => "Metadata",
            Self::Request => "Request",
            Self::RequestResponse => "RequestResponse",
        }
    }
}

/// A policy.
pub(super) struct Policy {
    rules: Vec<PolicyRule>,
}

struct PolicyRule {
    level: Level,
    users: Vec<String>,
    groups: Vec<String>,
    verbs: Vec<String>,
    namespaces: Vec<String>,
    resources: Vec<GroupResources>,
    urls: Vec<String>,
    origin: Arc<Origin>,
}

struct GroupResources {
    group: String,
    resources: Vec<String>,
    names: Vec<String>,
}

/// A kind of request that an auditor asks for.
struct Watched {
    name: &'static str,
    group: &'static str,
    resource: &'static str,
    subresource: &'static str,
    verbs: &'static [&'static str],
    namespaced: bool,
    /// Its body is a secret itself, so that more than metadata is too much.
    exact: bool,
}

const ALL_VERBS: &[&str] = &[
    "get",
    "list",
    "watch",
    "create",
    "update",
    "patch",
    "delete",
    "deletecollection",
];
const CHANGES: &[&str] = &["create", "update", "patch", "delete"];
/// Who may open a stream gets it by either verb.
const STREAMS: &[&str] = &["create", "get"];

/// The requests that are looked at: each of their verbs, by an ordinary user in an ordinary namespace and by an
/// administrator.
const WATCHED: [Watched; 11] = [
    watched("secrets", "", "secrets", "", ALL_VERBS, true, true),
    watched("configmaps", "", "configmaps", "", ALL_VERBS, true, true),
    watched(
        "tokenreviews",
        "authentication.k8s.io",
        "tokenreviews",
        "",
        &["create"],
        false,
        true,
    ),
    watched("pods", "", "pods", "", CHANGES, true, false),
    watched(
        "deployments",
        "apps",
        "deployments",
        "",
        CHANGES,
        true,
        false,
    ),
    watched("exec", "", "pods", "exec", STREAMS, true, false),
    watched(
        "portforward",
        "",
        "pods",
        "portforward",
        STREAMS,
        true,
        false,
    ),
    watched("podsProxy", "", "pods", "proxy", STREAMS, true, false),
    watched(
        "servicesProxy",
        "",
        "services",
        "proxy",
        STREAMS,
        true,
        false,
    ),
    watched(
        "certificateSigningRequests",
        "certificates.k8s.io",
        "certificatesigningrequests",
        "",
        CHANGES,
        false,
        false,
    ),
    watched(
        "serviceAccountTokens",
        "",
        "serviceaccounts",
        "token",
        &["create"],
        true,
        false,
    ),
];

const fn watched(
    name: &'static str,
    group: &'static str,
    resource: &'static str,
    subresource: &'static str,
    verbs: &'static [&'static str],
    namespaced: bool,
    exact: bool,
) -> Watched {
    Watched {
        name,
        group,
        resource,
        subresource,
        verbs,
        namespaced,
        exact,
    }
}

/// Who asks: a name and groups.
const PEOPLE: [(&str, &[&str]); 2] = [
    ("somebody", &["system:authenticated"]),
    (
        "kubernetes-admin",
        &["system:masters", "system:authenticated"],
    ),
];

/// An ordinary namespace.
const NAMESPACE: &str = "some-namespace";

impl Policy {
    /// Reads a policy.
    ///
    /// # Errors
    ///
    /// The server's reason to end.
    pub(super) fn read(root: &Node) -> Result<Self, Refusal> {
        let refuse = |reason: &str, at: &Node| Refusal::new(reason, Some(Arc::clone(&at.origin)));
        let omitted = texts(root, "omitStages")?;
        let list = document::field(root, "rules");
        let items = match list.map(|list| &list.content) {
            Some(Content::List(items)) if !items.is_empty() => items,
            _ => return Err(refuse("loaded illegal policy with 0 rules", root)),
        };
        let rules = items.iter().map(|item| rule(item, &omitted));
        Ok(Self {
            rules: rules.collect::<Result<_, _>>()?,
        })
    }

    /// Returns the level of every watched kind of request, and where the rule stands that decides it; none where no
    /// rule matches. Of several requests of a kind the lowest counts; where more than metadata would be too much, the
    /// highest, if it is more.
    pub(super) fn levels(
        &self,
    ) -> impl Iterator<Item = (&'static str, Level, Option<Arc<Origin>>)> + '_ {
        WATCHED.iter().map(|watched| {
            let verbs = watched.verbs.iter();
            let decided: Vec<(Level, Option<&PolicyRule>)> = verbs
                .flat_map(|verb| PEOPLE.iter().map(move |person| (verb, person)))
                .map(|(verb, (user, groups))| {
                    let mut rules = self.rules.iter();
                    let rule = rules.find(|rule| rule.matches(watched, verb, user, groups));
                    (rule.map_or(Level::None, |rule| rule.level), rule)
                })
                .collect();
            let lowest = decided.iter().min_by_key(|(level, _)| *level);
            let highest = decided.iter().max_by_key(|(level, _)| *level);
            let highest = highest.filter(|(level, _)| watched.exact && *level > Level::Metadata);
            let (level, rule) = highest.or(lowest).copied().unwrap_or((Level::None, None));
            (
                watched.name,
                level,
                rule.map(|rule| Arc::clone(&rule.origin)),
            )
        })
    }
}

fn rule(item: &Node, omitted: &[String]) -> Result<PolicyRule, Refusal> {
    let refuse = |reason: String| Refusal::new(reason, Some(Arc::clone(&item.origin)));
    let level = document::text(item, "level")?;
    let word = level
        .as_ref()
        .and_then(Setting::value)
        .map(|level| level.to_string());
    let word = word.unwrap_or_default();
    let level = Level::ALL.into_iter().find(|level| level.as_str() == word);
    let level = level.ok_or_else(|| refuse(format!("level: Unsupported value: {word:?}")))?;
    let own = texts(item, "omitStages")?;
    let left_out = |stage: &str| omitted.iter().chain(&own).any(|omitted| omitted == stage);
    // Bodies are there at the end alone; what is left out at the beginning too is as good as not recorded.
    let level = match (left_out("ResponseComplete"), left_out("RequestReceived")) {
        (true, true) => Level::None,
        (true, false) => level.min(Level::Metadata),
        (false, _) => level,
    };
    let mut resources = Vec::new();
    if let Some(list) = document::field(item, "resources")
        && let Content::List(groups) = &list.content
    {
        for group in groups {
            let name = document::text(group, "group")?.and_then(|name| name.value());
            resources.push(GroupResources {
                group: name.map_or_else(String::new, |name| name.to_string()),
                resources: texts(group, "resources")?,
                names: texts(group, "resourceNames")?,
            });
        }
    }
    Ok(PolicyRule {
        level,
        users: texts(item, "users")?,
        groups: texts(item, "userGroups")?,
        verbs: texts(item, "verbs")?,
        namespaces: texts(item, "namespaces")?,
        resources,
        urls: texts(item, "nonResourceURLs")?,
        origin: Arc::clone(&item.origin),
    })
}

fn texts(node: &Node, key: &str) -> Result<Vec<String>, Refusal> {
    let refuse = |at: &Node| {
        let reason = format!("{key} is no list of texts");
        Refusal::new(reason, Some(Arc::clone(&at.origin)))
    };
    let Some(found) = document::field(node, key) else {
        return Ok(Vec::new());
    };
    match &found.content {
        Content::Null => Ok(Vec::new()),
        Content::List(items) => items
            .iter()
            .map(|item| match &item.content {
                Content::String(text) => Ok(text.to_string_lossy()),
                _ => Err(refuse(item)),
            })
            .collect(),
        _ => Err(refuse(found)),
    }
}

impl PolicyRule {
    fn matches(&self, request: &Watched, verb: &str, user: &str, groups: &[&str]) -> bool {
        let among = |list: &[String], word: &str| list.iter().any(|one| one == word);
        if !self.users.is_empty() && !among(&self.users, user) {
            return false;
        }
        if !self.groups.is_empty() && !groups.iter().any(|group| among(&self.groups, group)) {
            return false;
        }
        if !self.verbs.is_empty() && !among(&self.verbs, verb) {
            return false;
        }
        if self.namespaces.is_empty() && self.resources.is_empty() {
            return self.urls.is_empty();
        }
        let namespace = if request.namespaced { NAMESPACE } else { "" };
        if !self.namespaces.is_empty() && !among(&self.namespaces, namespace) {
            return false;
        }
        self.resources.is_empty() || self.resources.iter().any(|one| one.matches(request))
    }
}

impl GroupResources {
    fn matches(&self, request: &Watched) -> bool {
        if self.group != "*" && self.group != request.group {
            return false;
        }
        if self.resources.is_empty() {
            return true;
        }
        // Objects that are named are some; the others of their kind are not recorded by this rule.
        self.names.is_empty()
            && self.resources.iter().any(|resource| {
                let (kind, below) = resource
                    .split_once('/')
                    .map_or((resource.as_str(), None), |(kind, below)| {
                        (kind, Some(below))
                    });
                match below {
                    None if kind == "*" => true,
                    None => kind == request.resource && request.subresource.is_empty(),
                    Some("*") => kind == request.resource,
                    Some(below) => {
                        below == request.subresource
                            && !below.is_empty()
                            && (kind == "*" || kind == request.resource)
                    }
                }
            })
    }
}
