//! Flatcar: Ignition writes files at a node's first boot, and never again.
//!
//! <https://www.flatcar.org/docs/latest/provisioning/ignition/>. An edit below `/etc`, `/var` and `/opt` holds until the
//! node is made again: *also*.

use super::evidence::Seen;
use super::wanted::Wanted;
use super::{Management, also, fragment};

/// Needs the operating system.
pub(super) fn of(seen: &Seen<'_>, wanted: Wanted<'_>) -> Option<Management> {
    seen.os_is("flatcar").then(|| {
        also(
            "Ignition",
            format!("the node runs Flatcar, whose files come from Ignition when it is made: a new node has {} without the change", seen.path),
            format!("the contents of {} in the Butane or Ignition configuration that nodes are made with, in the place of what is there for the same settings", seen.path),
            fragment(seen, wanted),
        )
    })
}
