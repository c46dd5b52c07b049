//! systemd: reading its units again, starting one again, looking how it is.
//!
//! Every question has a time in which it must be answered, so that neither a bus nor a systemd that hangs holds
//! anything up.

mod dbus;
mod systemctl;

use std::path::Path;
use std::time::{Duration, Instant};

use kubeassay_core::Bytes;
use thiserror::Error;

pub use dbus::DBus;
pub use systemctl::Systemctl;

pub(crate) use dbus::message;

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
    /// A job that replaced another one, as a restart does after one that hung, is this one's alone. That it is done
    /// says for a service of `Type=simple` that its process was started, not that it did not end at once: look at the
    /// [`state`](Self::state).
    ///
    /// # Errors
    ///
    /// See [`ServiceError`]; `Failed` with the job's result where it ended otherwise than `done`. Where it is
    /// `TimedOut`, the job is still systemd's to do.
    fn restart(&self, unit: &Bytes, limit: Duration) -> Result<(), ServiceError>;

    /// Returns how a unit is; one that systemd does not know is loaded, and its `load` says what came of that.
    ///
    /// # Errors
    ///
    /// See [`ServiceError`].
    fn state(&self, unit: &Bytes) -> Result<UnitState, ServiceError>;
}

/// How a unit is (org.freedesktop.systemd1(5)). Words are escaped where that is needed.
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
    /// `MainPID`; 0 where nothing runs. It is the number that systemd knows the process by.
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

/// Returns the systemd of the node below `root`, which is `/` or, in a pod, where the node's root is mounted: over
/// D-Bus where it answers there, else through `systemctl`, which can only be run on `/`.
///
/// # Errors
///
/// `Unreachable`, with every way that was tried and what to do.
pub fn systemd(root: &Path) -> Result<Box<dyn Services>, ServiceError> {
    let mut tried = Vec::new();
    for (way, found) in [
        ("the system's bus", DBus::on_bus(root)),
        ("systemd's own socket", DBus::on_own_socket(root)),
    ] {
        match found {
            Ok(systemd) => return Ok(Box::new(systemd)),
            Err(ServiceError::Unreachable(reason)) => tried.push(format!("{way}: {reason}")),
            Err(error) => tried.push(format!("{way}: {error}")),
        }
    }
    if root == Path::new("/") {
        match Systemctl::below(root) {
            Some(systemctl) => match systemctl.answers() {
                Ok(()) => return Ok(Box::new(systemctl)),
                Err(error) => tried.push(error.to_string()),
            },
            None => tried.push("there is no systemctl".to_owned()),
        }
        tried.push("run this as root on a node whose services systemd starts".to_owned());
    } else {
        tried.push(format!(
            "run this as root on the node itself, or mount its whole root, with /run, at {}",
            kubeassay_core::text::escape(&root.to_string_lossy())
        ));
    }
    Err(ServiceError::Unreachable(tried.join("; ")))
}

/// A moment until which something must have come to its end.
struct Deadline(Option<Instant>);

impl Deadline {
    /// Returns the moment that is `limit` away.
    #[expect(
        clippy::disallowed_methods,
        reason = "a limit of systemd's answers, not a time that anybody is told"
    )]
    fn within(limit: Duration) -> Self {
        // A limit beyond the end of the clock is none.
        Self(Instant::now().checked_add(limit))
    }

    /// Returns how much time is left, at least a millisecond; nothing where it is over.
    #[expect(
        clippy::disallowed_methods,
        reason = "a limit of systemd's answers, not a time that anybody is told"
    )]
    fn left(&self) -> Option<Duration> {
        let Some(end) = self.0 else {
            return Some(Duration::from_hours(1));
        };
        let left = end.checked_duration_since(Instant::now())?;
        (!left.is_zero()).then(|| left.max(Duration::from_millis(1)))
    }
}

/// How a job ended.
#[derive(Clone, Debug, PartialEq, Eq)]
enum JobEnd {
    /// It was done.
    Done,
    /// It was not; the result.
    Failed(String),
    /// It did not end in time.
    Pending,
}

impl JobEnd {
    /// Returns the end of a job by its result: `done`, `failed`, `timeout`, `dependency`, `canceled`, `skipped`, ….
    fn of(result: &str) -> Self {
        if result == "done" {
            Self::Done
        } else {
            Self::Failed(kubeassay_core::text::escape(result))
        }
    }

    /// Returns what that means for the restart of `unit`; `state` looks how it is.
    fn outcome(
        self,
        unit: &str,
        limit: Duration,
        state: impl FnOnce() -> Option<UnitState>,
    ) -> Result<(), ServiceError> {
        if self == Self::Done {
            return Ok(());
        }
        let is = state().map_or_else(String::new, |state| {
            format!(
                "; it is {} ({}), with the result {}",
                state.active, state.sub, state.result
            )
        });
        Err(match self {
            Self::Failed(result) => ServiceError::Failed(format!(
                "systemd did not restart {unit}: the job ended as {result}{is}; `journalctl -u {unit}` says why"
            )),
            _ => ServiceError::TimedOut(format!(
                "systemd did not restart {unit} within {} s{is}; the job is still queued: see `systemctl list-jobs`",
                limit.as_secs()
            )),
        })
    }
}

/// The longest name of a unit (systemd.unit(5)).
const LONGEST_NAME: usize = 255;

/// Returns the name of a service, of which nothing can be taken for an option, a pattern or a path.
fn service_name(unit: &Bytes) -> Result<&str, ServiceError> {
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b":_.\\@-".contains(byte);
    let name = unit.as_str().filter(|name| {
        name.len() <= LONGEST_NAME
            && name.as_bytes().iter().all(allowed)
            && name
                .strip_suffix(".service")
                .is_some_and(|stem| !stem.is_empty())
    });
    name.ok_or_else(|| ServiceError::Failed(format!("{unit} is not the name of a service")))
}

#[cfg(test)]
mod tests;
