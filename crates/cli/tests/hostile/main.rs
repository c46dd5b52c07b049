//! Hosts and tenants that mean no good: whatever they do, a scan ends in time with a report, passes nothing
//! that it did not read, opens nothing harmful, needs little memory, and says what is missing.
//!
//! Each case is a shell script that runs as the first process of a PID and a mount namespace of its own, makes
//! a real file system, starts real processes and then scans them with the program. Devices, mounts and
//! namespaces take root: without it the cases are skipped, and say so. `docs/reliability.md` has the tables.

#![expect(
    clippy::disallowed_methods,
    reason = "tests start programs and look at what they wrote"
)]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what cannot be done, or is not there, fails the test"
)]
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "says what came out, and what is skipped"
)]

mod documents;
mod environment;
mod files;
mod links;
mod processes;
mod races;
mod servers;
mod services;
mod support;
mod views;
