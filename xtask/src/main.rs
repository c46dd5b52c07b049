//! `cargo xtask`: chores of the workspace that take more than one command.
//!
//! This file only picks the chore and turns its outcome into an exit code: 0 done, 1 something is
//! stale or went wrong, 2 wrong use.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a developer's tool: it reads and writes the working copy and talks to a terminal"
)]

use std::process::ExitCode;

mod bench;
mod coverage;
mod crates;
mod dist;
mod generate;
mod provenance;
mod rules;
mod schemas;
mod supply_chain;
mod tables;

const USAGE: &str = "\
cargo xtask <chore>

chores:
  generate          write every file that is checked in but derived
  generate --check  write nothing; name the stale ones and exit 1 if there are any
  dist              make target/dist: static binary, OCI image, SBOM, checksums
  dist --check      make them twice, in two folders; exit 1 if one byte differs
  supply-chain      show which crates use `unsafe` or run code while they are built
  supply-chain --check
                    compare that with supply-chain/*.yaml; exit 1 if they differ
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match arguments.as_slice() {
        ["generate"] => generate::write(),
        ["generate", "--check"] => generate::check(),
        ["bench", rest @ ..] if let Some(outcome) = bench::run(rest) => outcome,
        ["dist"] => dist::make(),
        ["dist", "--check"] => dist::check(),
        ["supply-chain"] => supply_chain::show(),
        ["supply-chain", "--check"] => supply_chain::check(),
        ["help" | "--help" | "-h"] => {
            print!("{USAGE}{}", bench::USAGE);
            return ExitCode::SUCCESS;
        }
        _ => {
            eprint!("{USAGE}{}", bench::USAGE);
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
