//! Reads a host into facts: the only crate that touches the operating system to read.
//!
//! A host is full of other people's files, and kubeassay runs as root: nothing is opened before it is known
//! to be a regular file, nothing is followed out of the view of the process whose file it is, nothing is
//! waited for without end, and no process is started.
//!
//! - [`Host`]: the live machine, a mounted root, a captured folder or a captured host
//! - [`captured`]: captured hosts, one file each
//! - [`collect`]: the way from a host to facts, with a [`Guide`] that knows what components read
//! - [`executable`], [`packages`]: what executables and package databases say of versions
//! - [`users`]: names of users and groups, from the host's own files
//! - [`proc`]: the texts of procfs

mod aside;
mod binaries;
mod candidates;
pub mod captured;
mod clock;
mod collect;
pub mod executable;
#[cfg(test)]
mod faults;
mod files;
mod fs;
#[doc(hidden)]
pub mod fuzzing;
mod guide;
mod host;
mod inspect;
mod moments;
mod namespaces;
mod node;
pub mod packages;
pub mod proc;
mod process_table;
mod processes;
mod programs;
mod seen;
mod services;
pub mod users;

pub use captured::{CapturedError, CapturedHost};
pub use collect::{Options, collect};
pub use guide::{Guide, NodeNeeds};
pub use host::{Host, HostError};
