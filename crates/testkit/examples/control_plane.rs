//! A control plane in namespaces of its own, for `cargo xtask bench --control-plane`.
//!
//! ```text
//! control_plane inside PROGRAM ARGUMENT…   play the control plane, run the program beside it, end as it ends; only where
//!                                          namespaces were made for it
//! control_plane reads PROGRAM ARGUMENT…    run the program and print what it read outside /proc: how often, and what;
//!                                          nothing where strace is missing
//! ```

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "it is only for measuring"
)]

use std::path::Path;
use std::process::{Command, ExitCode};

use kubeassay_testkit::control_plane::ControlPlane;
use kubeassay_testkit::namespaces;
use kubeassay_testkit::trace::Trace;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["inside", program, arguments @ ..] => {
            namespaces::hide();
            let plane = ControlPlane::start();
            let status = Command::new(program).args(arguments).status();
            drop(plane);
            match status {
                Ok(status) if status.success() => ExitCode::SUCCESS,
                Ok(_) => ExitCode::FAILURE,
                Err(error) => panic!("{program}: {error}"),
            }
        }
        ["reads", program, arguments @ ..] => {
            let trace = Trace::of(Path::new(program), arguments).unwrap_or_default();
            for (path, times) in trace.files() {
                println!("{times} {path}");
            }
            ExitCode::SUCCESS
        }
        _ => panic!("inside PROGRAM ARGUMENT…, or reads PROGRAM ARGUMENT…"),
    }
}
