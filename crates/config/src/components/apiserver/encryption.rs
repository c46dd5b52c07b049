//! What secrets are written to etcd with: `--encryption-provider-config`
//! (`staging/src/k8s.io/apiserver/pkg/server/options/encryptionconfig`).

mod validation;

use std::sync::Arc;

use kubeassay_core::rule::SettingType;
use kubeassay_core::{Cause, Origin, OriginKind, Value};

use super::authorization::nothing;
use super::{derived, shapes};
use crate::components::builder::Builder;
use crate::components::document::{self, File, Form, Reload};
use crate::components::gates;
use crate::components::strict::Decoder;
use crate::node::{Content, Node};
use crate::refusal::Refusal;
use crate::setting::{Setting, Unknown};
use crate::tables::Minor;

use validation::Server;

/// The provider that secrets are written with; empty where nothing says so, and they are written as they are.
const PROVIDER: &str = "derived.secretsProvider";

/// The flag.
const FLAG: &str = "encryption-provider-config";

/// The first minor whose entries may hold wildcards.
const WILDCARDS: Minor = Minor(27);

/// The first minor that reads the file strictly.
const STRICT: Minor = Minor(31);

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
    let decoder = if builder.minor >= STRICT {
        Decoder::Strict
    } else {
        Decoder::Lenient
    };
    let form = Form {
        kinds: &[
            ("EncryptionConfiguration", &["apiserver.config.k8s.io/v1"]),
            // By a mistake in the documentation of old.
            ("EncryptionConfig", &["v1"]),
        ],
        fields: Some((&shapes::ENCRYPTION, decoder)),
    };
    let file = document::file_of(builder, FLAG, reload, form);
    let server = Server {
        minor: builder.minor,
        reloads: reload == Reload::Yes,
        old_kms: gates::enabled(builder, "KMSv1"),
    };
    let alone = reload == Reload::Yes && file.is_none() && builder.minor >= Minor(26);
    let alone = alone.then(|| {
        Refusal::new(
            "--encryption-provider-config-automatic-reload must be set with --encryption-provider-config",
            Some(reloads.origin),
        )
    });
    let old = builder
        .line
        .last(OLD_FLAG)
        .map(|given| Arc::clone(&given.origin));
    let (provider, refusal) = match file {
        _ if old.is_some() => (by_old_flag(old), None),
        None => (derived(Value::string(""), &builder.flag(FLAG)), alone),
        Some(File::Unknown(unknown, origin)) => (Builder::unknown(unknown, origin), None),
        Some(File::Refused(refusal)) => (nothing(&refusal), Some(refusal)),
        Some(File::Read(document)) => match validation::check(&document.root, server) {
            Ok(()) => (of_secrets(&document.root, builder.minor), None),
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
fn of_secrets(root: &Node, minor: Minor) -> Setting {
    for entry in document::items(root, "resources") {
        let covers = document::items(entry, "resources").iter().any(|resource| {
            let Content::String(name) = &resource.content else {
                return false;
            };
            // `*.` is every resource of the core group, `*.*` every resource; both since 1.27.
            let wild = minor >= WILDCARDS && (*name == "*." || *name == "*.*");
            *name == "secrets" || wild
        });
        let Some(first) = document::items(entry, "providers")
            .first()
            .filter(|_| covers)
        else {
            continue;
        };
        let known = PROVIDERS
            .iter()
            .find_map(|name| Some((name, document::block(first, name)?)));
        if let Some((name, at)) = known {
            // `identity: {}` stands where its entry begins.
            let at = if at.origin.line.is_some() { at } else { first };
            return Setting::known(Value::string(*name), Arc::clone(&at.origin));
        }
    }
    Setting::known(Value::string(""), Arc::clone(&root.origin))
}
