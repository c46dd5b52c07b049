//! Why a component would not start.

use std::sync::Arc;

use kubeassay_core::{Cause, Origin};

/// A reason for which the component ends before it serves.
///
/// Only reasons that lie in what was given to it (command line, files, environment) are predicted; what
/// depends on its surroundings (kernel, network, other processes) says nothing against a process that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The reason, close to the component's own words.
    pub reason: String,
    /// Where it stands.
    pub origin: Option<Arc<Origin>>,
    /// `missing` for a file that is not there, else `would-refuse`.
    pub cause: Cause,
}

impl Refusal {
    /// Returns a refusal for `reason`, which stands at `origin`.
    pub fn new(reason: impl Into<String>, origin: Option<Arc<Origin>>) -> Self {
        Self {
            reason: reason.into(),
            origin,
            cause: Cause::WouldRefuse,
        }
    }

    /// Returns the refusal of a file that is not there.
    pub fn missing(reason: impl Into<String>, origin: Option<Arc<Origin>>) -> Self {
        Self {
            cause: Cause::Missing,
            ..Self::new(reason, origin)
        }
    }
}
