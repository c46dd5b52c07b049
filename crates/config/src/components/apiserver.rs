//! The API server (`cmd/kube-apiserver`).

use kubeassay_core::Component;
use kubeassay_core::rule::SettingType;

use super::builder::Builder;
use crate::resolution::Resolution;
use crate::sources::{Documents, When};
use crate::tables::Minor;

/// Resolves it in one version.
pub(super) fn resolve(documents: &Documents<'_>, minor: Minor, when: When) -> Resolution {
    let (builder, refusal) = Builder::new(
        Component::ApiServer,
        super::tables(Component::ApiServer),
        documents,
        minor,
        when,
    );
    builder.finish(refusal)
}

/// Returns the settings that are no flags.
pub(super) fn named() -> Vec<(&'static str, SettingType)> {
    Vec::new()
}
