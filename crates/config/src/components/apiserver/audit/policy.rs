//! An audit policy, and what it makes of a request: the first rule that matches decides
//! (`staging/src/k8s.io/apiserver/pkg/audit/policy/checker.go`).

use std::sync::Arc;

use kubeassay_core::Origin;

use crate::components::apiserver::words;
use crate::components::document;
use crate::node::{Content, Node};
use crate::refusal::Refusal;

/// How much of a request is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    None,
    Metadata,
    Request,
    RequestResponse,
}

impl Watched {
    /// Returns whether the server calls the request long-running (`cmd/kube-apiserver/app/options`).
    fn takes_long(&self, verb: &str) -> bool {
        verb == "watch" || matches!(self.subresource, "exec" | "portforward" | "proxy")
    }
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
    /// What is recorded of a request, and of one that takes long (`WATCH`, streams).
    short: Level,
    long: Level,
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
        check_stages(root, "", &omitted)?;
        let items = document::items(root, "rules").iter().enumerate();
        let rules = items.map(|(at, item)| rule(item, at, &omitted));
        let rules: Vec<PolicyRule> = rules.collect::<Result<_, _>>()?;
        if rules.is_empty() {
            return Err(refuse("loaded illegal policy with 0 rules", root));
        }
        Ok(Self { rules })
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
                    let level = |rule: &PolicyRule| {
                        if watched.takes_long(verb) {
                            rule.long
                        } else {
                            rule.short
                        }
                    };
                    (rule.map_or(Level::None, level), rule)
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

fn rule(item: &Node, index: usize, omitted: &[String]) -> Result<PolicyRule, Refusal> {
    let path = format!("rules[{index}]");
    let refuse = |reason: String| Refusal::new(reason, Some(Arc::clone(&item.origin)));
    let word = document::word(item, "level");
    if word.is_empty() {
        return Err(refuse(format!("{path}.level: Required value")));
    }
    let level = Level::ALL.into_iter().find(|level| level.as_str() == word);
    let level =
        level.ok_or_else(|| refuse(format!("{path}.level: Unsupported value: {word:?}")))?;
    let own = texts(item, "omitStages")?;
    check_stages(item, &format!("{path}."), &own)?;
    check_urls(item, &path)?;
    let left_out = |stage: &str| omitted.iter().chain(&own).any(|omitted| omitted == stage);
    let recorded = |last: &str| match (left_out(last), left_out("RequestReceived")) {
        (true, true) => Level::None,
        // Bodies are there at the end alone.
        (true, false) => level.min(Level::Metadata),
        (false, _) => level,
    };
    let short = recorded("ResponseComplete");
    // What takes long is recorded when it begins as well, with the body that was sent.
    let long = short.max(recorded("ResponseStarted"));
    let mut resources = Vec::new();
    if let Some(list) = document::field(item, "resources")
        && let Content::List(groups) = &list.content
    {
        for group in groups {
            let one = GroupResources {
                group: document::word(group, "group"),
                resources: texts(group, "resources")?,
                names: texts(group, "resourceNames")?,
            };
            check_group(group, &path, &one)?;
            resources.push(one);
        }
    }
    Ok(PolicyRule {
        short,
        long,
        users: texts(item, "users")?,
        groups: texts(item, "userGroups")?,
        verbs: texts(item, "verbs")?,
        namespaces: texts(item, "namespaces")?,
        resources,
        urls: texts(item, "nonResourceURLs")?,
        origin: Arc::clone(&item.origin),
    })
}

/// The stages of a request.
const STAGES: [&str; 4] = [
    "RequestReceived",
    "ResponseStarted",
    "ResponseComplete",
    "Panic",
];

fn check_stages(node: &Node, path: &str, stages: &[String]) -> Result<(), Refusal> {
    let wrong = stages
        .iter()
        .find(|stage| !STAGES.contains(&stage.as_str()));
    match wrong {
        Some(stage) => {
            let allowed = STAGES.join(",");
            let reason =
                format!("{path}omitStages: Invalid value: {stage:?}: allowed stages are {allowed}");
            let at = document::field(node, "omitStages").unwrap_or(node);
            Err(Refusal::new(reason, Some(Arc::clone(&at.origin))))
        }
        None => Ok(()),
    }
}

fn check_urls(item: &Node, path: &str) -> Result<(), Refusal> {
    let urls = texts(item, "nonResourceURLs")?;
    let both = !urls.is_empty()
        && ["resources", "namespaces"]
            .into_iter()
            .any(|key| !document::items(item, key).is_empty());
    let last = |url: &str| url.chars().count().saturating_sub(1);
    let fault = if both {
        Some("rules cannot apply to both regular resources and non-resource URLs")
    } else {
        urls.iter().filter(|url| *url != "*").find_map(|url| {
            if !url.starts_with('/') {
                Some("non-resource URL rules must begin with a '/' character")
            } else if url
                .chars()
                .take(last(url))
                .any(|character| character == '*')
            {
                Some("non-resource URL wildcards '*' must be the final character of the rule")
            } else {
                None
            }
        })
    };
    match fault {
        Some(fault) => {
            let reason = format!("{path}.nonResourceURLs: Invalid value: {fault}");
            let at = document::field(item, "nonResourceURLs").unwrap_or(item);
            Err(Refusal::new(reason, Some(Arc::clone(&at.origin))))
        }
        None => Ok(()),
    }
}

fn check_group(at: &Node, path: &str, one: &GroupResources) -> Result<(), Refusal> {
    let group = one.group.as_str();
    let reason = if !group.is_empty() && group != "*" && !words::is_subdomain(group) {
        format!(
            "{path}.resources.group: Invalid value: {group:?}: a lowercase RFC 1123 subdomain is needed"
        )
    } else if !one.names.is_empty() && one.resources.is_empty() {
        format!(
            "{path}.resources.resourceNames: Invalid value: using resourceNames requires at least one resource"
        )
    } else {
        return Ok(());
    };
    Err(Refusal::new(reason, Some(Arc::clone(&at.origin))))
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
