//! Who may do what: requests as an authorizer sees them, and the rules of RBAC that allow them.

use serde_json::{Value as Json, json};

use super::wire::{Answer, Request, parameter};

/// The group of reviews.
const REVIEWS: &str = "authorization.k8s.io";

/// A rule of RBAC: everything that it names is allowed.
#[derive(Clone, Debug, Default)]
pub struct Rule {
    /// The only namespace that it holds in; none: everywhere.
    pub namespace: Option<String>,
    /// Verbs.
    pub verbs: Vec<String>,
    /// API groups.
    pub groups: Vec<String>,
    /// Resources, with their subresources; `*/sub` is that subresource of all.
    pub resources: Vec<String>,
    /// The only objects that it is for; none: all.
    pub names: Vec<String>,
    /// Paths that are no resources; `*` at the end stands for whatever comes.
    pub paths: Vec<String>,
}

/// What a request wants, as an authorizer sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Attributes {
    pub(super) verb: String,
    pub(super) namespace: String,
    pub(super) group: String,
    pub(super) version: String,
    /// With its subresource; empty: it is for a path that is no resource.
    pub(super) resource: String,
    pub(super) name: String,
    pub(super) path: String,
}

impl Rule {
    /// Returns whether it allows a request (`VerbMatches` and those beside it in
    /// `pkg/apis/rbac/v1/evaluation_helpers.go` of kubernetes/kubernetes).
    pub(super) fn allows(&self, wanted: &Attributes) -> bool {
        let has =
            |list: &[String], one: &str| list.iter().any(|entry| entry == one || entry == "*");
        if !has(&self.verbs, &wanted.verb) {
            return false;
        }
        if wanted.resource.is_empty() {
            let matches = |path: &String| {
                *path == wanted.path
                    || path
                        .strip_suffix('*')
                        .is_some_and(|start| wanted.path.starts_with(start))
            };
            return self.namespace.is_none() && self.paths.iter().any(matches);
        }
        let of_all = wanted.resource.split_once('/');
        let of_all = of_all.map(|(_, subresource)| format!("*/{subresource}"));
        let place = self.namespace.as_ref();
        place.is_none_or(|namespace| *namespace == wanted.namespace)
            && has(&self.groups, &wanted.group)
            && (has(&self.resources, &wanted.resource)
                || of_all.is_some_and(|name| self.resources.contains(&name)))
            && (self.names.is_empty() || self.names.contains(&wanted.name))
    }
}

impl Attributes {
    /// Returns what a request wants (`RequestInfoFactory` in `k8s.io/apiserver/pkg/endpoints/request`), as far as it is
    /// asked for here.
    pub(super) fn of(method: &str, target: &str) -> Self {
        let path = target.split('?').next().unwrap_or("");
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        let (group, version, rest) = match parts.as_slice() {
            ["api", version, rest @ ..] if !rest.is_empty() => ("", *version, rest),
            ["apis", group, version, rest @ ..] if !rest.is_empty() => (*group, *version, rest),
            _ => {
                return Self {
                    verb: method.to_ascii_lowercase(),
                    path: path.to_owned(),
                    ..Self::default()
                };
            }
        };
        let (namespace, rest) = match rest {
            ["namespaces", namespace] | ["namespaces", namespace, "status" | "finalize"] => {
                (*namespace, rest)
            }
            ["namespaces", namespace, rest @ ..] => (*namespace, rest),
            _ => ("", rest),
        };
        let resource = match rest {
            [resource, _, subresource, ..] => format!("{resource}/{subresource}"),
            [resource, ..] => (*resource).to_owned(),
            [] => String::new(),
        };
        let mut name = rest.get(1).copied().unwrap_or_default().to_owned();
        let verb = match (method, name.is_empty()) {
            ("GET", true) if parameter(target, "watch").is_some_and(|told| told != "false") => {
                "watch"
            }
            ("GET", true) => "list",
            ("GET", false) => "get",
            ("POST", _) => "create",
            ("PUT", _) => "update",
            ("PATCH", _) => "patch",
            ("DELETE", true) => "deletecollection",
            ("DELETE", false) => "delete",
            _ => "other",
        };
        if verb == "list"
            && let Some(selector) = parameter(target, "fieldSelector")
            && let Some(only) = selector.strip_prefix("metadata.name=")
        {
            only.clone_into(&mut name);
        }
        Self {
            verb: verb.to_owned(),
            namespace: namespace.to_owned(),
            group: group.to_owned(),
            version: version.to_owned(),
            resource,
            name,
            path: path.to_owned(),
        }
    }

    /// Returns the resource without its subresource.
    fn kind(&self) -> &str {
        self.resource.split('/').next().unwrap_or_default()
    }

    /// Returns the refusal of a user who may not do it (`ForbiddenMessage` and `forbidden` in
    /// `k8s.io/apiserver/pkg/endpoints/handlers/responsewriters`).
    pub(super) fn forbidden(&self, user: &str) -> Answer {
        let Self {
            verb,
            namespace,
            group,
            resource,
            name,
            path,
            ..
        } = self;
        if resource.is_empty() {
            let said = format!("forbidden: User \"{user}\" cannot {verb} path \"{path}\"");
            return Answer::refused(403, &said, &json!({}));
        }
        let whole = match group.as_str() {
            "" => self.kind().to_owned(),
            group => format!("{}.{group}", self.kind()),
        };
        let whole = match name.as_str() {
            "" => whole,
            name => format!("{whole} \"{name}\""),
        };
        let place = match namespace.as_str() {
            "" => "at the cluster scope".to_owned(),
            namespace => format!("in the namespace \"{namespace}\""),
        };
        let said = format!(
            "{whole} is forbidden: User \"{user}\" cannot {verb} resource \"{resource}\" in API group \"{group}\" {place}"
        );
        Answer::refused(403, &said, &self.details())
    }

    /// Returns the refusal for an object that is not there.
    pub(super) fn not_found(&self) -> Answer {
        let whole = match self.group.as_str() {
            "" => self.kind().to_owned(),
            group => format!("{}.{group}", self.kind()),
        };
        let said = format!("{whole} \"{}\" not found", self.name);
        Answer::refused(404, &said, &self.details())
    }

    fn details(&self) -> Json {
        let mut details = json!({"kind": self.kind()});
        for (key, value) in [("name", &self.name), ("group", &self.group)] {
            if !value.is_empty() {
                details[key] = json!(value);
            }
        }
        details
    }
}

/// What a `SelfSubjectAccessReview` or a `SubjectAccessReview` asks.
pub(super) struct Review {
    pub(super) about: Attributes,
    /// The user and the groups of a `SubjectAccessReview`.
    pub(super) subjects: Vec<String>,
}

impl Review {
    /// # Panics
    ///
    /// If the body is no review.
    pub(super) fn of(request: &Request) -> Self {
        let review: Json = serde_json::from_slice(&request.body).expect("a review");
        let version = review["apiVersion"].as_str().unwrap_or_default();
        assert!(version.starts_with(REVIEWS), "{review}");
        let spec = &review["spec"];
        let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
        let asked = &spec["resourceAttributes"];
        let resource = match (text(&asked["resource"]), text(&asked["subresource"])) {
            (resource, subresource) if subresource.is_empty() => resource,
            (resource, subresource) => format!("{resource}/{subresource}"),
        };
        let other = &spec["nonResourceAttributes"];
        let about = Attributes {
            verb: text(if other.is_null() {
                &asked["verb"]
            } else {
                &other["verb"]
            }),
            namespace: text(&asked["namespace"]),
            group: text(&asked["group"]),
            version: text(&asked["version"]),
            resource,
            name: text(&asked["name"]),
            path: text(&other["path"]),
        };
        let groups = spec["groups"].as_array().into_iter().flatten().map(text);
        Self {
            about,
            subjects: groups.chain([text(&spec["user"])]).collect(),
        }
    }
}
