//! etcd (`server/etcdmain`, `server/embed`).

use kubeassay_core::Component;
use kubeassay_core::rule::SettingType;

use super::builder::Builder;
use crate::resolution::Resolution;
use crate::sources::{Documents, When};
use crate::tables::Minor;

/// No flag is known yet.
pub(super) static TABLES: crate::tables::Tables = crate::tables::Tables {
    flags: &[],
    fields: &[],
    by_internal_path: &[],
    locked_gates: &[],
};

/// Resolves it in one version.
pub(super) fn resolve(documents: &Documents<'_>, minor: Minor, when: When) -> Resolution {
    let (builder, refusal) = Builder::new(
        Component::Etcd,
        super::tables(Component::Etcd),
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
