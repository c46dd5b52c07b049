//! The flags of the kube-proxy.

use super::Tables;

/// The kube-proxy.
pub static KUBE_PROXY: Tables = Tables {
    flags: &[],
    fields: &[],
    by_internal_path: &[],
    locked_gates: &[],
};
