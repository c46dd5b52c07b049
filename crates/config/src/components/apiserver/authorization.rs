//! Who decides what requests may do: `--authorization-config` or `--authorization-mode`
//! (`pkg/kubeapiserver/options/authorization.go`).

use std::sync::Arc;

use kubeassay_core::{Origin, OriginKind, Value};

use super::derived;
use crate::components::builder::Builder;
use crate::components::document::{self, File, Reload};
use crate::node::{Content, Node};
use crate::refusal::Refusal;
use crate::setting::{Setting, Unknown};
use crate::tables::Minor;

/// The types of the authorizers, in the order in which they are asked.
pub(super) const MODES: &str = "derived.authorizationModes";

/// The modes that there are.
const KNOWN: [&str; 6] = [
    "AlwaysAllow",
    "AlwaysDeny",
    "ABAC",
    "Webhook",
    "RBAC",
    "Node",
];

/// Those that `OpenShift`'s server has beside them (`pkg/kubeapiserver/authorizer/modes/patch.go` of
/// openshift/kubernetes).
const OF_OPENSHIFT: [&str; 3] = ["MinimumKubeletVersion", "Scope", "SystemMasters"];

/// The versions of the file, with the first minor that reads them
/// (`staging/src/k8s.io/apiserver/pkg/apis/apiserver`).
const VERSIONS: [(&str, u8); 3] = [
    ("apiserver.config.k8s.io/v1alpha1", 29),
    ("apiserver.config.k8s.io/v1beta1", 30),
    ("apiserver.config.k8s.io/v1", 32),
];

/// What was worked out.
pub(super) struct Authorization {
    pub(super) modes: Setting,
    /// The modes come from the flag or its default.
    pub(super) by_flag: bool,
    pub(super) refusal: Option<Refusal>,
}

/// Derives [`MODES`].
pub(super) fn derive(builder: &mut Builder<'_>) -> Authorization {
    // Read again since 1.30 (`pkg/kubeapiserver/authorizer/reload.go`).
    let reload = if builder.minor >= Minor(30) {
        Reload::Yes
    } else {
        Reload::No
    };
    let versions = versions(&VERSIONS, builder.minor);
    let kind = "AuthorizationConfiguration";
    let file = document::file_of(builder, "authorization-config", reload, kind, &versions);
    let found = match file {
        Some(file) => of_file(builder, file),
        None => of_flag(builder),
    };
    builder.named.insert(MODES, found.modes.clone());
    found
}

/// Returns the versions of a kind of file that a minor reads.
pub(super) fn versions(known: &[(&'static str, u8)], minor: Minor) -> Vec<&'static str> {
    let read = known.iter().filter(|(_, first)| *first <= minor.0);
    read.map(|(version, _)| *version).collect()
}

fn of_flag(builder: &Builder<'_>) -> Authorization {
    let flag = builder.flag("authorization-mode");
    let given = match flag.value() {
        Some(Value::List(modes)) => modes,
        _ => Vec::new(),
    };
    // The flag is empty by default from 1.29 on, and completed to this all the same.
    let modes = if given.is_empty() {
        derived(Value::List(vec![Value::string("AlwaysAllow")]), &flag)
    } else {
        flag.clone()
    };
    let refusal = given.iter().find_map(|mode| {
        let text = mode.to_string();
        let known = KNOWN.contains(&text.as_str())
            || OF_OPENSHIFT.contains(&text.as_str()) && is_of_openshift(builder);
        (!known).then(|| {
            let reason = format!("authorization-mode {text:?} is not a valid mode");
            Refusal::new(reason, Some(Arc::clone(&flag.origin)))
        })
    });
    Authorization {
        modes,
        by_flag: true,
        refusal,
    }
}

/// Returns whether it is a server of `OpenShift`, which has admission plugins of its own.
fn is_of_openshift(builder: &Builder<'_>) -> bool {
    let enabled = builder.flag("enable-admission-plugins");
    let own = |name: &Value| name.to_string().contains(".openshift.io/");
    matches!(enabled.value(), Some(Value::List(names)) if names.iter().any(own))
}

fn of_file(builder: &Builder<'_>, file: File) -> Authorization {
    let flag = builder.flag("authorization-mode");
    let given = builder.line.last("authorization-mode").is_some()
        || builder
            .line
            .given
            .keys()
            .any(|name| name.starts_with("authorization-webhook-"));
    let both = given.then(|| {
        Refusal::new(
            "--authorization-config can not be specified when --authorization-mode or --authorization-webhook-* flags are defined",
            Some(Arc::clone(&flag.origin)),
        )
    });
    let (modes, refusal) = match file {
        File::Read(document) => match types(&document.root) {
            Ok(modes) => (modes, None),
            Err(refusal) => (nothing(&refusal), Some(refusal)),
        },
        File::Unknown(unknown, origin) => (Builder::unknown(unknown, origin), None),
        File::Refused(refusal) => (nothing(&refusal), Some(refusal)),
    };
    Authorization {
        modes,
        by_flag: false,
        refusal: both.or(refusal),
    }
}

/// Returns what is not known because the file is refused.
pub(super) fn nothing(refusal: &Refusal) -> Setting {
    let origin = refusal
        .origin
        .clone()
        .unwrap_or_else(|| Arc::new(Origin::new(OriginKind::File)));
    let unknown = Unknown {
        cause: refusal.cause,
        reason: refusal.reason.clone(),
        path: origin.path.as_deref().cloned(),
    };
    Builder::unknown(unknown, origin)
}

fn types(root: &Node) -> Result<Setting, Refusal> {
    let refuse = |reason: String, at: &Node| Refusal::new(reason, Some(Arc::clone(&at.origin)));
    let Some(list) = document::field(root, "authorizers") else {
        return Err(refuse("authorizers: Required value".to_owned(), root));
    };
    let Content::List(authorizers) = &list.content else {
        return Err(refuse("authorizers is no list".to_owned(), list));
    };
    if authorizers.is_empty() {
        let reason = "authorizers: Required value: at least one authorization mode must be defined";
        return Err(refuse(reason.to_owned(), list));
    }
    let mut types = Vec::new();
    let mut origin = Arc::clone(&list.origin);
    for authorizer in authorizers {
        let found = document::field(authorizer, "type");
        let Some(Node {
            content: Content::String(text),
            origin: at,
            ..
        }) = found
        else {
            return Err(refuse(
                "authorizers[].type: Required value".to_owned(),
                authorizer,
            ));
        };
        if !KNOWN.iter().any(|known| *text == **known) {
            let reason = format!("authorizers[].type: Unsupported value: {text}");
            return Err(refuse(reason, authorizer));
        }
        // The one that lets everything through is what people look for.
        if *text == "AlwaysAllow" || types.is_empty() {
            origin = Arc::clone(at);
        }
        types.push(Value::String(text.clone()));
    }
    Ok(Setting::known(Value::List(types), origin))
}
