//! What the server wants of `--encryption-provider-config`
//! (`staging/src/k8s.io/apiserver/pkg/apis/apiserver/validation/validation_encryption.go`, and the rules among several
//! entries in `pkg/server/options/encryptionconfig/config.go`).
//!
//! In facts the keys are digests: of them only what their length tells for certain is checked.

use std::sync::Arc;

use super::{PROVIDERS, WILDCARDS};
use crate::components::document::{block, field, items, word};
use crate::node::{Content, Node};
use crate::refusal::Refusal;
use crate::secrets;
use crate::tables::Minor;
use crate::yaml::base64;

/// What a server has to know beyond the file.
#[derive(Clone, Copy)]
pub(super) struct Server {
    pub(super) minor: Minor,
    /// It reads the file again when it changes.
    pub(super) reloads: bool,
    /// Providers of the first version of KMS may be used; `None` where that is not known.
    pub(super) old_kms: Option<bool>,
}

/// A resource of a group; either may be `*`.
#[derive(Clone, PartialEq, Eq)]
struct Resource {
    group: String,
    name: String,
}

impl Resource {
    /// Splits the group off (`schema.ParseGroupResource`).
    fn of(text: &str) -> Self {
        let (name, group) = text.split_once('.').unwrap_or((text, ""));
        Self {
            group: group.to_owned(),
            name: name.to_owned(),
        }
    }

    fn is_all(&self) -> bool {
        self.group == "*" && self.name == "*"
    }

    /// Whether this one is meant by an entry for `other` as well.
    fn lies_in(&self, other: &Self) -> bool {
        other.is_all() || (other.name == "*" && other.group == self.group)
    }
}

/// Checks the whole file.
///
/// # Errors
///
/// The server's reason to end.
pub(super) fn check(root: &Node, server: Server) -> Result<(), Refusal> {
    let entries = items(root, "resources");
    if entries.is_empty() {
        let at = field(root, "resources").unwrap_or(root);
        return Err(refuse(
            at,
            "resources: Required value: at least one resources is required",
        ));
    }
    let mut names: Vec<String> = Vec::new();
    for (at, entry) in entries.iter().enumerate() {
        let path = format!("resources[{at}]");
        check_resources(entry, &format!("{path}.resources"), server.minor)?;
        let providers = items(entry, "providers");
        if providers.is_empty() {
            let reason = format!("{path}.providers: Required value: at least one is required");
            return Err(refuse(field(entry, "providers").unwrap_or(entry), &reason));
        }
        for (at, provider) in providers.iter().enumerate() {
            check_provider(
                provider,
                &format!("{path}.providers[{at}]"),
                &mut names,
                server,
            )?;
        }
    }
    check_order(entries, server.minor)
}

fn check_resources(entry: &Node, path: &str, minor: Minor) -> Result<(), Refusal> {
    let list = field(entry, "resources").unwrap_or(entry);
    let texts: Vec<(String, &Node)> = resources(entry);
    if texts.is_empty() {
        let reason = format!("{path}: Required value: at least one is required");
        return Err(refuse(list, &reason));
    }
    // Names were taken as they are before there were wildcards.
    if minor < WILDCARDS {
        return Ok(());
    }
    let parsed: Vec<Resource> = texts.iter().map(|(text, _)| Resource::of(text)).collect();
    for (at, one) in parsed.iter().enumerate() {
        let others = parsed.iter().enumerate().filter(|(other, _)| *other != at);
        for (_, other) in others {
            let fault = if one == other {
                "the same resource cannot be specified multiple times"
            } else if one.lies_in(other) {
                "using overlapping resources in the same resource list is not allowed as they will be masked"
            } else {
                continue;
            };
            return Err(refuse(list, &format!("{path}: Invalid value: {fault}")));
        }
    }
    for (at, ((text, node), parsed)) in texts.iter().zip(&parsed).enumerate() {
        let fault = if text.to_lowercase() != *text {
            "resource name should not contain capital letters"
        } else if text == "*" {
            "use '*.' to encrypt all the resources from core API group or *.* to encrypt all resources"
        } else if [
            "apiserveripinfo",
            "serviceipallocations",
            "servicenodeportallocations",
        ]
        .contains(&text.as_str())
        {
            "resources which do not have REST API/s cannot be encrypted"
        } else if parsed.group == "events.k8s.io" {
            "events are stored using the 'events' API group in etcd. Use 'events' instead"
        } else if parsed.group == "extensions" {
            "'extensions' group has been removed and cannot be used for encryption"
        } else if parsed.group == "*" && parsed.name != "*" {
            "encrypting the same resource across groups is not supported"
        } else {
            continue;
        };
        let reason = format!("{path}[{at}]: Invalid value: {text:?}: {fault}");
        return Err(refuse(node, &reason));
    }
    Ok(())
}

fn resources(entry: &Node) -> Vec<(String, &Node)> {
    let text = |node: &Node| match &node.content {
        Content::String(text) => text.to_string_lossy(),
        _ => String::new(),
    };
    let all = items(entry, "resources");
    all.iter().map(|node| (text(node), node)).collect()
}

/// Refuses an entry behind another one that means its resources too.
fn check_order(entries: &[Node], minor: Minor) -> Result<(), Refusal> {
    if minor < WILDCARDS {
        return Ok(());
    }
    let mut before: Vec<Resource> = Vec::new();
    for entry in entries {
        for (text, node) in resources(entry) {
            let one = Resource::of(&text);
            // Within an entry the same was looked for already.
            if before.iter().any(|other| one.lies_in(other)) {
                let reason = format!("resource {text:?} is masked by earlier rule");
                return Err(refuse(node, &reason));
            }
        }
        before.extend(resources(entry).iter().map(|(text, _)| Resource::of(text)));
    }
    Ok(())
}

fn check_provider(
    provider: &Node,
    path: &str,
    names: &mut Vec<String>,
    server: Server,
) -> Result<(), Refusal> {
    let found: Vec<(&str, &Node)> = PROVIDERS
        .iter()
        .filter_map(|name| Some((*name, block(provider, name)?)))
        .collect();
    match found.as_slice() {
        [] => Err(refuse(
            provider,
            &format!(
                "{path}: Invalid value: provider does not contain any of the expected providers"
            ),
        )),
        [("identity", _)] => Ok(()),
        [("kms", kms)] => check_kms(kms, &format!("{path}.kms"), names, server),
        [(name, keys)] => {
            let sizes: &[usize] = if *name == "secretbox" {
                &[32]
            } else {
                &[16, 24, 32]
            };
            check_keys(keys, &format!("{path}.{name}.keys"), sizes)
        }
        _ => Err(refuse(
            provider,
            &format!("{path}: Invalid value: more than one provider specified in a single element"),
        )),
    }
}

fn check_keys(provider: &Node, path: &str, sizes: &[usize]) -> Result<(), Refusal> {
    let keys = items(provider, "keys");
    if keys.is_empty() {
        let reason = format!("{path}: Required value: at least one keys is required");
        return Err(refuse(provider, &reason));
    }
    for (at, key) in keys.iter().enumerate() {
        let path = format!("{path}[{at}]");
        for name in ["name", "secret"] {
            if word(key, name).is_empty() {
                let reason =
                    format!("{path}.{name}: Required value: {name} is a mandatory field for a key");
                return Err(refuse(key, &reason));
            }
        }
        let secret = word(key, "secret");
        let at = field(key, "secret").unwrap_or(key);
        let fault = if let Some(length) = secrets::redacted_length(&secret) {
            // Four digits make at most three bytes; there may be line breaks among them, and so more digits than that.
            let least = sizes.first().copied().unwrap_or_default();
            (length / 4 * 3 < least).then(|| "secret is not of the expected length".to_owned())
        } else {
            match base64::decode(&secret) {
                None => Some("secrets must be base64 encoded".to_owned()),
                Some(bytes) if sizes.contains(&bytes.len()) => None,
                Some(bytes) => Some(format!(
                    "secret is not of the expected length, got {}, expected one of {sizes:?}",
                    bytes.len()
                )),
            }
        };
        if let Some(fault) = fault {
            let reason = format!("{path}.secret: Invalid value: \"REDACTED\": {fault}");
            return Err(refuse(at, &reason));
        }
    }
    Ok(())
}

fn check_kms(
    kms: &Node,
    path: &str,
    names: &mut Vec<String>,
    server: Server,
) -> Result<(), Refusal> {
    let refuse = |name: &str, reason: &str| {
        let at = field(kms, name).unwrap_or(kms);
        Err(refuse(at, &format!("{path}.{name}: {reason}")))
    };
    let version = match word(kms, "apiVersion") {
        version if version.is_empty() => "v1".to_owned(),
        version => version,
    };
    let name = word(kms, "name");
    if name.is_empty() {
        return refuse(
            "name",
            "Required value: name is a mandatory field for a provider",
        );
    }
    if version != "v1" && name.contains(':') {
        return refuse("name", "Invalid value: must not contain ':'");
    }
    if (server.reloads || version != "v1") && names.contains(&name) {
        return refuse("name", "Invalid value: duplicate KMS provider name");
    }
    names.push(name);
    if let Some(Content::String(text)) = field(kms, "timeout").map(|found| &found.content)
        && kubeassay_core::duration::parse(&text.to_string_lossy()).is_ok_and(|time| time <= 0)
    {
        return refuse(
            "timeout",
            "Invalid value: timeout should be a positive value",
        );
    }
    let endpoint = word(kms, "endpoint");
    if endpoint.is_empty() {
        return refuse(
            "endpoint",
            "Invalid value: endpoint is a mandatory field for a kms",
        );
    }
    let scheme = endpoint.split_once(':').map_or("", |(scheme, _)| scheme);
    if scheme.to_lowercase() != "unix" {
        let reason = format!(
            "Invalid value: unsupported scheme {scheme:?} for KMS provider, only unix is supported"
        );
        return refuse("endpoint", &reason);
    }
    match (
        version.as_str(),
        block(kms, "cachesize").map(|found| &found.content),
    ) {
        ("v1", Some(Content::Number(size))) if size.as_i64() == Some(0) => {
            return refuse(
                "cachesize",
                "Invalid value: cachesize should be a positive value",
            );
        }
        ("v1", _) | (_, None) => {}
        (_, Some(_)) => {
            return refuse(
                "cachesize",
                "Invalid value: cachesize is not supported in v2",
            );
        }
    }
    if !matches!(version.as_str(), "v1" | "v2") {
        return refuse("apiVersion", "Invalid value: only v1 and v2 are supported");
    }
    if version == "v1" && server.old_kms == Some(false) {
        return refuse(
            "apiVersion",
            "KMSv1 is deprecated; set --feature-gates=KMSv1=true to use it",
        );
    }
    Ok(())
}

fn refuse(at: &Node, reason: &str) -> Refusal {
    Refusal::new(
        format!("error while parsing file: {reason}"),
        Some(Arc::clone(&at.origin)),
    )
}
