//! The flags of the controller manager.

use super::Tables;

/// The controller manager.
pub static CONTROLLER_MANAGER: Tables = Tables {
    flags: &[],
    fields: &[],
    by_internal_path: &[],
    locked_gates: &[],
};
