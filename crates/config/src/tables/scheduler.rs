//! The flags of the scheduler.

use super::Tables;

/// The scheduler.
pub static SCHEDULER: Tables = Tables {
    flags: &[],
    fields: &[],
    by_internal_path: &[],
    locked_gates: &[],
};
