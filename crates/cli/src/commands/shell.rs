//! `kubeassay completions` and `kubeassay man`: what shells and `man` are told of this command line.

use anyhow::{Context as _, anyhow};
use clap::Command;
use clap::builder::PossibleValue;
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
    let mut command = with_values(command);
    generate(shell, &mut command, PROGRAM, &mut script);
    if shell == Shell::Fish {
        let mut lines = String::new();
        words_of_fish(&command, &[], &mut lines);
        script.extend_from_slice(lines.as_bytes());
    }
    output::print(&script)?;
    Ok(Exit::Success)
}

/// Adds what stands in the place of an argument without a flag, which the generator leaves out for fish.
fn words_of_fish(command: &Command, path: &[&str], lines: &mut String) {
    for argument in command.get_positionals() {
        let values = argument.get_possible_values();
        let words: Vec<&str> = values.iter().map(PossibleValue::get_name).collect();
        if !words.is_empty() {
            let seen = path
                .iter()
                .map(|word| format!("__fish_seen_subcommand_from {word}"));
            let seen: Vec<String> = seen.collect();
            // Words are numbers, ids and paths of settings: none needs quotes.
            let (seen, words) = (seen.join("; and "), words.join(" "));
            lines.push_str("complete -c ");
            let line = [PROGRAM, " -n \"", &seen, "\" -f -a \"", &words, "\"\n"];
            lines.extend(line);
        }
    }
    for below in command.get_subcommands() {
        words_of_fish(below, &[path, &[below.get_name()]].concat(), lines);
    }
}

pub(crate) fn man(arguments: &Man, mut command: Command) -> anyhow::Result<Exit> {
    if let Some(folder) = &arguments.folder {
        clap_mangen::generate_to(command, folder)
            .with_context(|| format!("cannot write into {}", folder.display()))?;
        return Ok(Exit::Success);
    }
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
