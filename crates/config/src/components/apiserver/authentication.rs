//! Who requests are from: `--authentication-config` and the flags whose place it takes
//! (`pkg/kubeapiserver/options/authentication.go`).

mod jwt;

use std::sync::Arc;

use kubeassay_core::Value;
use kubeassay_core::rule::SettingType;

use super::authorization::{nothing, versions};
use super::words::issuer_fault;
use super::{derived, shapes};
use crate::components::builder::Builder;
use crate::components::document::{self, File, Form, Reload};
use crate::components::gates;
use crate::components::strict::Decoder;
use crate::node::{Content, Node};
use crate::refusal::Refusal;
use crate::setting::Setting;
use crate::tables::Minor;

/// Whether requests of nobody are let in at all.
const ANONYMOUS: &str = "derived.anonymousAuth";
/// The paths that they are limited to; empty where they are not.
const PATHS: &str = "derived.anonymousPaths";
/// The issuers of tokens of people, other than service accounts.
const ISSUERS: &str = "derived.jwtIssuers";

/// The versions of the file, with the first minor that reads them.
const VERSIONS: [(&str, u8); 3] = [
    ("apiserver.config.k8s.io/v1alpha1", 29),
    ("apiserver.config.k8s.io/v1beta1", 30),
    ("apiserver.config.k8s.io/v1", 34),
];

/// How tokens may be signed.
const ALGORITHMS: [&str; 9] = [
    "RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "PS256", "PS384", "PS512",
];

/// Returns the settings that are derived here.
pub(super) fn named() -> [(&'static str, SettingType); 3] {
    let list = || SettingType::List(Box::new(SettingType::String));
    [
        (ANONYMOUS, SettingType::Bool),
        (PATHS, list()),
        (ISSUERS, list()),
    ]
}

/// Derives them. `modes` are the authorizers, which come from the flag or not.
pub(super) fn derive(builder: &mut Builder<'_>, modes: &Setting, by_flag: bool) -> Option<Refusal> {
    let form = Form {
        kinds: &[(
            "AuthenticationConfiguration",
            &versions(&VERSIONS, builder.minor),
        )],
        fields: Some((&shapes::AUTHENTICATION, Decoder::Strict)),
    };
    let file = document::file_of(builder, "authentication-config", Reload::No, form);
    let flag = builder.flag("anonymous-auth");
    let issuer = builder.flag("oidc-issuer-url");
    let none = |from: &Setting| derived(Value::List(Vec::new()), from);
    // Of a changed file the server takes new issuers, and no new block `anonymous`: neither is told apart here.
    let mut by_its_flag = true;
    let mut by_block = false;
    let (mut anonymous, paths, issuers, refusal) = match file {
        None => {
            let issuers = match issuer.value() {
                Some(Value::String(url)) if !url.is_empty() => {
                    derived(Value::List(vec![Value::String(url)]), &issuer)
                }
                Some(_) => none(&issuer),
                None => issuer,
            };
            (flag.clone(), none(&flag), issuers, None)
        }
        Some(File::Unknown(unknown, origin)) => {
            by_its_flag = false;
            let unknown = || Builder::unknown(unknown.clone(), Arc::clone(&origin));
            (unknown(), unknown(), unknown(), None)
        }
        Some(File::Refused(refusal)) => {
            by_its_flag = false;
            let unknown = nothing(&refusal);
            (unknown.clone(), unknown.clone(), unknown, Some(refusal))
        }
        Some(File::Read(document)) => {
            let root = &document.root;
            let issuers = issuers(root);
            let checked = jwt::check(root, &own_issuers(builder)).and_then(|()| block(root));
            match checked {
                Ok(None) => (flag.clone(), none(&flag), issuers, None),
                Ok(Some((enabled, paths))) => {
                    by_its_flag = false;
                    by_block = true;
                    let both = builder.line.last("anonymous-auth").map(|given| {
                        Refusal::new(
                            "anonymous: Forbidden: --anonymous-auth flag cannot be set when anonymous field is configured in authentication configuration file",
                            Some(Arc::clone(&given.origin)),
                        )
                    });
                    (enabled, paths, issuers, both)
                }
                Err(refusal) => {
                    by_its_flag = false;
                    let unknown = nothing(&refusal);
                    (unknown.clone(), unknown, issuers, Some(refusal))
                }
            }
        }
    };
    // What may do everything must not be nobody: the server takes the flag away itself then, and not what the file
    // says (`ApplyAuthorization`).
    let all = Value::string("AlwaysAllow");
    let allows_all = matches!(modes.value(), Some(Value::List(modes)) if modes.contains(&all));
    if by_its_flag && by_flag && allows_all && anonymous.value() != Some(Value::Bool(false)) {
        anonymous = derived(Value::Bool(false), modes);
    }
    builder
        .named
        .extend([(ANONYMOUS, anonymous), (PATHS, paths), (ISSUERS, issuers)]);
    let gate = |name: &str, reason: &str| {
        let given = builder.line.last("authentication-config")?;
        (gates::enabled(builder, name) == Some(false))
            .then(|| Refusal::new(reason, Some(Arc::clone(&given.origin))))
    };
    let structured = gate(
        "StructuredAuthenticationConfiguration",
        "set --feature-gates=StructuredAuthenticationConfiguration=true to use authentication-config file",
    );
    let limits = by_block.then(|| {
        gate(
            "AnonymousAuthConfigurableEndpoints",
            "anonymous is not supported when AnonymousAuthConfigurableEndpoints feature gate is disabled",
        )
    });
    structured
        .or_else(|| oidc_flags(builder))
        .or(limits.flatten())
        .or(refusal)
}

/// Returns the issuers of the server's own tokens.
fn own_issuers(builder: &Builder<'_>) -> Vec<String> {
    match builder.flag("service-account-issuer").value() {
        Some(Value::List(issuers)) => issuers.iter().map(ToString::to_string).collect(),
        _ => Vec::new(),
    }
}

/// Returns why the server does not start with its flags `--oidc-*` (`validateOIDCOptions`).
fn oidc_flags(builder: &Builder<'_>) -> Option<Refusal> {
    let mut given = builder.line.given.iter();
    let given = given.find(|(name, _)| name.starts_with("oidc-"));
    let given = given.and_then(|(_, occurrences)| occurrences.last());
    let origin = given.map(|given| Arc::clone(&given.origin))?;
    let refuse = |reason: &str| Some(Refusal::new(reason, Some(Arc::clone(&origin))));
    if builder.line.path("authentication-config").is_some() {
        return refuse("authentication-config file and oidc-* flags are mutually exclusive");
    }
    let url = builder
        .line
        .path("oidc-issuer-url")
        .map(|(url, _)| url.to_string_lossy());
    let client = builder.line.path("oidc-client-id").is_some();
    // Up to 1.29 the other flags say nothing without these two.
    let whole = if builder.minor >= Minor(30) {
        url.is_some() && client
    } else {
        url.is_some() == client
    };
    if !whole {
        return refuse(
            "oidc-issuer-url and oidc-client-id must be specified together when any oidc-* flags are set",
        );
    }
    let url = url?;
    if let Some(fault) = issuer_fault(&url) {
        let reason = format!(
            "invalid authentication configuration: jwt[0].issuer.url: Invalid value: {url:?}: {fault}"
        );
        return refuse(&reason);
    }
    let algorithms = builder.flag("oidc-signing-algs");
    let Some(Value::List(names)) = algorithms.value() else {
        return None;
    };
    let unknown = names
        .into_iter()
        .find(|name| !ALGORITHMS.map(Value::string).contains(name))?;
    let reason = format!("oidc: unsupported signing alg: \"{unknown}\"");
    Some(Refusal::new(reason, Some(algorithms.origin)))
}

/// Reads the block `anonymous`: whether it lets requests in, and the paths that it limits them to.
fn block(root: &Node) -> Result<Option<(Setting, Setting)>, Refusal> {
    let Some(block) = document::field(root, "anonymous") else {
        return Ok(None);
    };
    if matches!(block.content, Content::Null) {
        return Ok(None);
    }
    let enabled = document::boolean(block, "enabled")?
        .unwrap_or_else(|| Setting::known(Value::Bool(false), Arc::clone(&block.origin)));
    let mut paths = Vec::new();
    let mut origin = Arc::clone(&enabled.origin);
    if let Some(conditions) = document::field(block, "conditions")
        && let Content::List(items) = &conditions.content
        && !items.is_empty()
    {
        if enabled.value() == Some(Value::Bool(false)) {
            let reason = "invalid authentication configuration: anonymous.conditions: Invalid value: enabled should be set to true when conditions are defined";
            return Err(Refusal::new(reason, Some(Arc::clone(&conditions.origin))));
        }
        origin = Arc::clone(&conditions.origin);
        for item in items {
            let path = document::text(item, "path")?;
            paths.extend(path.and_then(|path| path.value()));
        }
    }
    Ok(Some((enabled, Setting::known(Value::List(paths), origin))))
}

fn issuers(root: &Node) -> Setting {
    let list = document::field(root, "jwt");
    let items = match list.map(|list| &list.content) {
        Some(Content::List(items)) => items.as_slice(),
        _ => &[],
    };
    let urls = items.iter().filter_map(|item| {
        let url = document::text(item, "issuer.url").ok()??;
        url.value()
    });
    let origin = list.map_or_else(|| Arc::clone(&root.origin), |list| Arc::clone(&list.origin));
    Setting::known(Value::List(urls.collect()), origin)
}
