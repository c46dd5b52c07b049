//! The command line `kubeassay`: arguments, exit codes, wiring.
//!
//! What a test would want to call lives in the libraries; here commands are put together and their data
//! is written out.

#![forbid(unsafe_code)]

mod args;
mod asking;
mod catalogue;
mod commands;
mod completion;
mod configuration;
mod evidence;
#[cfg(test)]
mod examples;
mod exit;
mod fixing;
mod hosts;
mod manifest;
mod messages;
mod nodes;
mod output;
mod outputs;
mod plan_file;
mod plugin;
mod privileges;
mod progress;
mod saved;
mod sink;
mod tool;
mod waivers;
mod world;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{ArgMatches, FromArgMatches as _};
use kubeassay_core::rule::RenderStyle;

use crate::args::{Arguments, Command, ReportCommand};
use crate::exit::Exit;
use crate::messages::Messages;
use crate::plugin::Called;

fn main() -> ExitCode {
    report_panics();
    let words: Vec<OsString> = std::env::args_os().collect();
    let called = Called::by(words.first());
    if called == Called::Completion {
        return complete(called, &words);
    }
    let mut command = called.command();
    let (mut arguments, mut matches) = match parse(&mut command, words.clone()) {
        Ok(parsed) => parsed,
        Err(code) => return code,
    };
    let global = arguments.global.clone();
    let messages = Messages::new(&global);
    let style = if output::layout_of_stderr(&global).colour {
        RenderStyle::Colour
    } else {
        RenderStyle::Plain
    };
    let named = global.config.as_deref();
    let configured = configuration::applied(&command, &matches, named, words, style, messages);
    let configured = match configured {
        Ok(configured) => configured,
        Err(error) => {
            messages.error(&error);
            return Exit::Usage.into();
        }
    };
    if let Some(configured) = configured {
        (arguments, matches) = match parse(&mut command, configured.words) {
            Ok(parsed) => parsed,
            Err(code) => return code,
        };
        arguments.global.choices_are_configured = configured.choices_are_configured;
    }
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
        Command::Verify(verify) => commands::verify::run(&verify),
        Command::Config(config) => {
            let args::ConfigCommand::Show(show) = &config.command;
            let below = |word: &str, at: Option<&clap::Command>| {
                at.and_then(|command| command.find_subcommand(word))
                    .cloned()
            };
            let command = below("show", below("config", Some(&command)).as_ref());
            let said = matches.subcommand_matches("config");
            let said = said.and_then(|said| said.subcommand_matches("show"));
            commands::config::show(show, command.as_ref(), said, global, style, messages)
        }
        Command::Completions(completions) => {
            commands::shell::completions(&completions, called.command())
        }
        Command::Man(man) => commands::shell::man(&man, called.command()),
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

/// Reads the command line; an error is printed, and its exit code returned.
fn parse(
    command: &mut clap::Command,
    words: Vec<OsString>,
) -> Result<(Arguments, ArgMatches), ExitCode> {
    let parsed = command.try_get_matches_from_mut(words);
    let parsed = parsed.and_then(|matches| Ok((Arguments::from_arg_matches(&matches)?, matches)));
    parsed.map_err(|error| {
        // clap's own code for a usage error is 2, which means something else here.
        let asked = matches!(
            error.kind(),
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
        );
        let printed = error.print();
        let exit = if asked && printed.is_ok() {
            Exit::Success
        } else {
            Exit::Usage
        };
        exit.into()
    })
}

/// Says what could come next, for kubectl.
fn complete(called: Called, words: &[OsString]) -> ExitCode {
    let mut command = completion::with_values(called.command());
    command.build();
    let words = words.iter().skip(1);
    let words: Vec<String> = words
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let told = completion::candidates(&command, &words);
    match output::print(told.as_bytes()) {
        Ok(()) => Exit::Success.into(),
        Err(_) => Exit::Usage.into(),
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
