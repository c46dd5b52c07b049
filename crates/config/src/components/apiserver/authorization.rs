//! Who decides what requests may do: `--authorization-config` or `--authorization-mode`
//! (`pkg/kubeapiserver/options/authorization.go`).

mod file;

use std::sync::Arc;

use kubeassay_core::{Origin, OriginKind, Value};

use super::{derived, shapes};
use crate::components::builder::Builder;
use crate::components::document::{self, File, Form, Reload};
use crate::components::strict::Decoder;
use crate::components::{gates, server};
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
    let form = Form {
        kinds: &[(
            "AuthorizationConfiguration",
            &versions(&VERSIONS, builder.minor),
        )],
        fields: Some((&shapes::AUTHORIZATION, Decoder::Strict)),
    };
    let file = document::file_of(builder, "authorization-config", reload, form);
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
    let refusal = refused_modes(builder, &given, &flag);
    Authorization {
        modes,
        by_flag: true,
        refusal,
    }
}

/// Returns why the server does not start with these modes (`BuiltInAuthorizationOptions.Validate`).
fn refused_modes(builder: &Builder<'_>, given: &[Value], flag: &Setting) -> Option<Refusal> {
    let refuse = |reason: String| Some(Refusal::new(reason, Some(Arc::clone(&flag.origin))));
    let modes: Vec<String> = given.iter().map(ToString::to_string).collect();
    let has = |mode: &str| modes.iter().any(|one| one == mode);
    let of_openshift = server::is_of_openshift(builder);
    let is_known =
        |mode: &str| KNOWN.contains(&mode) || (of_openshift && OF_OPENSHIFT.contains(&mode));
    if let Some(mode) = modes.iter().find(|mode| !is_known(mode)) {
        return refuse(format!("authorization-mode {mode:?} is not a valid mode"));
    }
    for (mode, flag, file) in [
        ("ABAC", "authorization-policy-file", "policy"),
        ("Webhook", "authorization-webhook-config-file", "config"),
    ] {
        match (has(mode), builder.line.path(flag)) {
            (true, None) => {
                return refuse(format!(
                    "authorization-mode {mode}'s authorization {file} file not passed"
                ));
            }
            (false, Some((_, origin))) => {
                let reason = format!("cannot specify --{flag} without mode {mode}");
                return Some(Refusal::new(reason, Some(Arc::clone(origin))));
            }
            _ => {}
        }
    }
    let mut others = modes.iter().enumerate();
    if others.any(|(at, mode)| modes.iter().take(at).any(|before| before == mode)) {
        return refuse(format!(
            "authorization-mode {modes:?} has mode specified more than once"
        ));
    }
    let version = builder.flag("authorization-webhook-version");
    let known = ["v1", "v1beta1"].map(Value::string);
    match version.value() {
        Some(value) if has("Webhook") && !known.contains(&value) => Some(Refusal::new(
            format!(
                "unsupported webhook authorizer version {:?}, supported versions are \"v1\", \"v1beta1\"",
                value.to_string()
            ),
            Some(version.origin),
        )),
        _ => None,
    }
}

fn of_file(builder: &mut Builder<'_>, file: File) -> Authorization {
    let flag = builder.flag("authorization-mode");
    let given = builder.line.last("authorization-mode").is_some()
        || builder
            .line
            .given
            .keys()
            .any(|name| name.starts_with("authorization-webhook-"));
    // The gate of 1.29, which was off, is gone by now.
    let gate = "StructuredAuthorizationConfiguration";
    let is_off = builder.minor == Minor(29) && !gates::asks_for_alpha(builder, gate);
    let is_off = is_off.then(|| {
        let given = builder.line.last("authorization-config");
        let reason = format!("--authorization-config cannot be used without enabling {gate}");
        Refusal::new(reason, given.map(|given| Arc::clone(&given.origin)))
    });
    let both = given.then(|| {
        Refusal::new(
            "--authorization-config can not be specified when --authorization-mode or --authorization-webhook-* flags are defined",
            Some(Arc::clone(&flag.origin)),
        )
    });
    let (modes, refusal) = match file {
        File::Read(document) => match file::authorizers(builder, &document.root) {
            Ok(modes) => (modes, None),
            Err(refusal) => (nothing(&refusal), Some(refusal)),
        },
        File::Unknown(unknown, origin) => (Builder::unknown(unknown, origin), None),
        File::Refused(refusal) => (nothing(&refusal), Some(refusal)),
    };
    Authorization {
        modes,
        by_flag: false,
        refusal: is_off.or(both).or(refusal),
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
