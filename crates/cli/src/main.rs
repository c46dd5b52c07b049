//! The command line `kubeassay`: arguments, exit codes, wiring.
//!
//! What a test would want to call lives in the libraries; here commands are put together and their data
//! is written out.

#![forbid(unsafe_code)]

mod args;
mod asking;
mod catalogue;
mod commands;
mod exit;
mod fixing;
mod hosts;
mod manifest;
mod messages;
mod nodes;
mod output;
mod plan_file;
mod privileges;
mod progress;
mod saved;
mod sink;
mod tool;
mod waivers;
mod world;

use std::process::ExitCode;

use clap::Parser as _;
use clap::error::ErrorKind;

use crate::args::{Arguments, Command, ReportCommand};
use crate::exit::Exit;
use crate::messages::Messages;

fn main() -> ExitCode {
    report_panics();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // clap's own code for a usage error is 2, which means something else here.
            let asked = matches!(
                error.kind(),
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
            );
            let printed = error.print();
            return if asked && printed.is_ok() {
                Exit::Success
            } else {
                Exit::Usage
            }
            .into();
        }
    };
    let messages = Messages::new(&arguments.global);
    let global = &arguments.global;
    let keep = arguments.command.keep();
    for refused in keep.map(privileges::give_up).unwrap_or_default() {
        messages.warning(&refused);
    }
    let outcome = match arguments.command {
        Command::Scan(scan) => commands::scan::run(&scan, global, messages),
        Command::Explain(explain) => commands::explain::run(&explain, global, messages),
        Command::Collect(collect) => commands::collect::run(&collect, messages),
        Command::Fix(fix) => commands::fix::run(&fix, global, messages),
        Command::Apply(apply) => commands::apply::run(&apply, global, messages),
        Command::Rollback(rollback) => commands::rollback::run(&rollback, global, messages),
        Command::Transactions(transactions) => {
            commands::transactions::run(&transactions, global, messages)
        }
        Command::Render(render) => commands::render::run(&render, global, messages),
        Command::Diff(diff) => commands::diff::run(&diff, global, messages),
        Command::Report(report) => match report.command {
            ReportCommand::Publish(publish) => commands::publish::run(&publish, messages),
        },
        Command::Manifest(manifest) => commands::manifest::run(&manifest.command, messages),
        Command::Rules(rules) => commands::rules::run(&rules.command, global, messages),
        Command::Waivers(waivers) => commands::waivers::run(&waivers.command, global, messages),
        Command::Version(version) => commands::version::run(&version, global),
    };
    match outcome {
        Ok(exit) => exit.into(),
        Err(error) => {
            messages.error(&error);
            if let Some(mend) = privileges::mend(&error, keep) {
                messages.hint(mend);
            }
            Exit::Usage.into()
        }
    }
}

/// Turns a panic into exit code 70 and a sentence that says what to do with it.
fn report_panics() {
    let default = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        default(panic);
        messages::internal_error();
        #[expect(
            clippy::exit,
            reason = "the only way to choose the exit code of a panic"
        )]
        std::process::exit(i32::from(Exit::Internal.code()));
    }));
}
