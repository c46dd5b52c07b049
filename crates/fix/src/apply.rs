//! Applying a plan: made again, checked, written, started, verified, or undone.
//!
//! STAND-IN of the branch fix-cli: the real one comes from main, and takes the place of this file at the merge.

use std::path::Path;

use kubeassay_core::plan::Plan;
use kubeassay_core::transaction::Transaction;
use thiserror::Error;

use crate::planner::Asked;
use crate::verify::Limits;
use crate::world::World;

/// Why nothing was done.
#[derive(Debug, Error)]
#[error("{0}")]
pub struct ApplyError(pub String);

/// Applies a plan.
///
/// # Errors
///
/// Always, here.
pub fn apply(
    plan: &Plan,
    asked: &Asked<'_>,
    root: &Path,
    limits: Limits,
    world: &dyn World,
) -> Result<Transaction, ApplyError> {
    let _ = (plan, asked, root, limits, world);
    Err(ApplyError("plans are not applied yet".to_owned()))
}

/// Undoes a transaction.
///
/// # Errors
///
/// Always, here.
pub fn rollback(
    root: &Path,
    id: Option<&str>,
    asked: &Asked<'_>,
    limits: Limits,
    world: &dyn World,
) -> Result<Transaction, ApplyError> {
    let _ = (root, id, asked, limits, world);
    Err(ApplyError("transactions are not undone yet".to_owned()))
}

/// Returns the transactions of the host below `root`, the last one first.
pub fn transactions(root: &Path) -> Vec<Transaction> {
    let _ = root;
    Vec::new()
}
