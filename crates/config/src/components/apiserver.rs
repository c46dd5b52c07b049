//! The API server (`cmd/kube-apiserver`).

use kubeassay_core::Component;
use kubeassay_core::rule::SettingType;

use super::builder::Builder;
use crate::resolution::Resolution;
use crate::sources::{Documents, When};
use crate::tables::Minor;

/// The digests of the public keys of the authorities that it verifies clients' certificates with.
const CLIENT_CA_KEYS: &str = "derived.clientCaKeys";

/// Resolves it in one version.
pub(super) fn resolve(documents: &Documents<'_>, minor: Minor, when: When) -> Resolution {
    let (mut builder, refusal) = Builder::new(
        Component::ApiServer,
        super::tables(Component::ApiServer),
        documents,
        minor,
        when,
    );
    let ca = builder.flag("client-ca-file");
    let keys = builder.public_keys(&ca);
    builder.named.insert(CLIENT_CA_KEYS, keys);
    builder.finish(refusal)
}

/// Returns the settings that are no flags.
pub(super) fn named() -> Vec<(&'static str, SettingType)> {
    let keys = SettingType::List(Box::new(SettingType::String));
    vec![(CLIENT_CA_KEYS, keys)]
}
