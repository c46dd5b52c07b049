//! systemd: reading its units again, starting one again, looking how it is.

use std::time::Duration;

use kubeassay_core::Bytes;
use thiserror::Error;

/// The services of a node.
pub trait Services {
    /// Returns how systemd is asked, as a plan shows it: `D-Bus`, or the path of `systemctl`.
    fn way(&self) -> &str;

    /// Makes systemd read its unit files again.
    ///
    /// # Errors
    ///
    /// See [`ServiceError`].
    fn reload(&self) -> Result<(), ServiceError>;

    /// Starts a unit again, and waits at most `limit` until the job ended.
    ///
    /// # Errors
    ///
    /// See [`ServiceError`]; `Failed` with the job's result where it ended otherwise than `done`.
    fn restart(&self, unit: &Bytes, limit: Duration) -> Result<(), ServiceError>;

    /// Returns how a unit is.
    ///
    /// # Errors
    ///
    /// See [`ServiceError`].
    fn state(&self, unit: &Bytes) -> Result<UnitState, ServiceError>;
}

/// How a unit is (org.freedesktop.systemd1(5)).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnitState {
    /// `LoadState`: `loaded`, `not-found`, `masked`, …
    pub load: String,
    /// `ActiveState`: `active`, `activating`, `failed`, …
    pub active: String,
    /// `SubState`: `running`, `auto-restart`, …
    pub sub: String,
    /// `Result`: `success`, `exit-code`, `timeout`, …
    pub result: String,
    /// `MainPID`; 0 where nothing runs.
    pub main_pid: u32,
    /// `NRestarts`.
    pub restarts: u32,
}

/// Why systemd did not do it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ServiceError {
    /// It cannot be reached.
    #[error("systemd cannot be asked: {0}")]
    Unreachable(String),
    /// It refused, or the job failed.
    #[error("{0}")]
    Failed(String),
    /// It did not come to an end in time.
    #[error("{0}")]
    TimedOut(String),
}
