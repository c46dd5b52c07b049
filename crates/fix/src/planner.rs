//! Facts, findings and rules to a plan.

use kubeassay_core::Bytes;
use kubeassay_core::facts::ServiceFacts;
use kubeassay_core::plan::Plan;
use kubeassay_engine::Successor;

/// A plan, and what it was worked out from: what preflight and verification look at.
#[derive(Clone, Debug)]
pub struct Planned {
    /// The plan; its preflight is still to be filled in.
    pub plan: Plan,
    /// The kubelets that change or start again.
    pub kubelets: Vec<PlannedKubelet>,
}

/// A kubelet that changes or starts again.
#[derive(Clone, Debug)]
pub struct PlannedKubelet {
    /// The subject's key.
    pub subject: String,
    /// The unit that starts it.
    pub unit: Bytes,
    /// Its process now; `None` where it does not run.
    pub pid: Option<u32>,
    /// The facts of its service as they will be.
    pub service: ServiceFacts,
    /// What the next start would be with the files as they are.
    pub before: Successor,
    /// What it will be with the files as they are planned.
    pub after: Successor,
    /// The paths of the settings that change, such as `authorization.mode`.
    pub settings: Vec<String>,
}
