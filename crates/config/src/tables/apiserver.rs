//! The flags of the API server.

use super::Tables;

/// The API server.
pub static APISERVER: Tables = Tables {
    flags: &[],
    fields: &[],
    by_internal_path: &[],
    locked_gates: &[],
};
