//! `kubeassay completions` and `kubeassay man`: what shells and `man` are told of this command line.

use anyhow::{Context as _, anyhow};
use clap::Command;
use clap_complete::{Shell, generate};

use crate::args::{CompletionShell, Completions, Man};
use crate::completion::with_values;
use crate::exit::Exit;
use crate::output;

/// The name of the program.
const PROGRAM: &str = "kubeassay";

pub(crate) fn completions(arguments: &Completions, command: Command) -> anyhow::Result<Exit> {
    let shell = match arguments.shell {
        CompletionShell::Bash => Shell::Bash,
        CompletionShell::Zsh => Shell::Zsh,
        CompletionShell::Fish => Shell::Fish,
    };
    let mut script = Vec::new();
    generate(shell, &mut with_values(command), PROGRAM, &mut script);
    output::print(&script)?;
    Ok(Exit::Success)
}

pub(crate) fn man(arguments: &Man, mut command: Command) -> anyhow::Result<Exit> {
    command.build();
    let mut page = &command;
    for word in &arguments.command {
        let below = page.find_subcommand(word);
        page = below
            .ok_or_else(|| anyhow!("there is no command {word:?}; kubeassay --help lists them"))?;
    }
    let mut data = Vec::new();
    clap_mangen::Man::new(page.clone())
        .render(&mut data)
        .context("cannot make the page")?;
    output::print(&data)?;
    Ok(Exit::Success)
}
