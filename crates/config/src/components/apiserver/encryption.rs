//! What secrets are written to etcd with: `--encryption-provider-config`
//! (`staging/src/k8s.io/apiserver/pkg/server/options/encryptionconfig`).

use std::sync::Arc;

use kubeassay_core::rule::SettingType;
use kubeassay_core::{Cause, Origin, OriginKind, Value};

use super::authorization::nothing;
use super::derived;
use crate::components::builder::Builder;
use crate::components::document::{self, File, Reload};
use crate::node::{Content, Node};
use crate::refusal::Refusal;
use crate::setting::{Setting, Unknown};
use crate::tables::Minor;

/// The provider that secrets are written with; empty where nothing says so, and they are written as they are.
const PROVIDER: &str = "derived.secretsProvider";

/// The flag.
const FLAG: &str = "encryption-provider-config";

/// The first minor whose entries may hold wildcards.
const WILDCARDS: Minor = Minor(27);

/// The old name of the flag, which sets the same up to 1.23.
const OLD_FLAG: &str = "experimental-encryption-provider-config";

/// The providers that there are.
const PROVIDERS: [&str; 5] = ["aesgcm", "aescbc", "secretbox", "identity", "kms"];

/// Returns the setting that is derived here.
pub(super) fn named() -> [(&'static str, SettingType); 1] {
    [(PROVIDER, SettingType::String)]
}

/// Derives it.
pub(super) fn derive(builder: &mut Builder<'_>) -> Option<Refusal> {
    let reloads = builder.flag("encryption-provider-config-automatic-reload");
    let reload = if reloads.value() == Some(Value::Bool(true)) {
        Reload::Yes
    } else {
        Reload::No
    };
    let versions = ["apiserver.config.k8s.io/v1"];
    let file = document::file_of(builder, FLAG, reload, "EncryptionConfiguration", &versions);
    let old = builder
        .line
        .last(OLD_FLAG)
        .map(|given| Arc::clone(&given.origin));
    let (provider, refusal) = match file {
        _ if old.is_some() => (by_old_flag(old), None),
        None => (derived(Value::string(""), &builder.flag(FLAG)), None),
        Some(File::Unknown(unknown, origin)) => (Builder::unknown(unknown, origin), None),
        Some(File::Refused(refusal)) => (nothing(&refusal), Some(refusal)),
        Some(File::Read(document)) => match of_secrets(&document.root, builder.minor) {
            Ok(provider) => (provider, None),
            Err(refusal) => (nothing(&refusal), Some(refusal)),
        },
    };
    builder.named.insert(PROVIDER, provider);
    refusal
}

/// Returns that what an old flag names is not known: of it and the new one the last counts.
fn by_old_flag(origin: Option<Arc<Origin>>) -> Setting {
    let unknown = Unknown {
        cause: Cause::Unsupported,
        reason: format!("--{OLD_FLAG} is not followed; give the file with --{FLAG}"),
        path: None,
    };
    let origin = origin.unwrap_or_else(|| Arc::new(Origin::new(OriginKind::Flag)));
    Builder::unknown(unknown, origin)
}

/// Returns the first provider of the first entry that is about secrets: writes are done with it, the others are for
/// reading what was written before.
fn of_secrets(root: &Node, minor: Minor) -> Result<Setting, Refusal> {
    let refuse = |reason: &str, at: &Node| Refusal::new(reason, Some(Arc::clone(&at.origin)));
    let entries = match document::field(root, "resources") {
        Some(list) => items(list).ok_or_else(|| refuse("resources is no list", list))?,
        None => return Err(refuse("resources: Required value", root)),
    };
    for entry in entries {
        let covers = document::field(entry, "resources").and_then(items);
        let covers = covers.unwrap_or_default().iter().any(|resource| {
            let Content::String(name) = &resource.content else {
                return false;
            };
            // `*.` is every resource of the core group, `*.*` every resource; both since 1.27.
            let wild = minor >= WILDCARDS && (*name == "*." || *name == "*.*");
            *name == "secrets" || wild
        });
        if !covers {
            continue;
        }
        let providers = document::field(entry, "providers").and_then(items);
        let Some(first) = providers.and_then(<[Node]>::first) else {
            return Err(refuse("providers: Required value", entry));
        };
        let known = PROVIDERS
            .iter()
            .find_map(|name| Some((name, document::field(first, name)?)));
        return match known {
            Some((name, at)) => Ok(Setting::known(
                Value::string(*name),
                // `identity: {}` stands where its entry begins.
                Arc::clone(if at.origin.line.is_some() {
                    &at.origin
                } else {
                    &first.origin
                }),
            )),
            None => Err(refuse("the first provider is none that is known", first)),
        };
    }
    Ok(Setting::known(Value::string(""), Arc::clone(&root.origin)))
}

fn items(node: &Node) -> Option<&[Node]> {
    match &node.content {
        Content::List(items) => Some(items),
        _ => None,
    }
}
