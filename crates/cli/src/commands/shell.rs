//! `kubeassay completions` and `kubeassay man`: what shells and `man` are told of this command line.

use std::path::Path;

use anyhow::{Context as _, anyhow};
use clap::Command;
use clap::builder::PossibleValue;
use clap_complete::{Shell, generate};

use crate::args::{CompletionShell, Completions, Man};
use crate::completion::with_values;
use crate::exit::Exit;
use crate::output;

/// The heading of the exit codes where they are those of another command, and all in one line.
const EXIT_CODES: &str = "Exit codes";

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
    command.build();
    if let Some(folder) = &arguments.folder {
        write_pages(&command, folder)?;
        return Ok(Exit::Success);
    }
    let mut shown = &command;
    for word in &arguments.command {
        let below = shown.find_subcommand(word);
        shown = below
            .ok_or_else(|| anyhow!("there is no command {word:?}; kubeassay --help lists them"))?;
    }
    output::print(&page(shown)?)?;
    Ok(Exit::Success)
}

/// Writes the page of a command and of every one below it.
#[expect(
    clippy::disallowed_methods,
    reason = "the folder is the user's own, not a host's"
)]
fn write_pages(command: &Command, folder: &Path) -> anyhow::Result<()> {
    let name = command.get_display_name().unwrap_or(command.get_name());
    let path = folder.join(format!("{name}.1"));
    std::fs::write(&path, page(command)?)
        .with_context(|| format!("cannot write {}", path.display()))?;
    let mut below = command.get_subcommands().filter(|one| !one.is_hide_set());
    below.try_for_each(|below| write_pages(below, folder))
}

/// Returns the page of a command: what clap knows of it, and the examples and exit codes, which stand above the help.
fn page(command: &Command) -> anyhow::Result<Vec<u8>> {
    let mut data = Vec::new();
    clap_mangen::Man::new(command.clone())
        .render(&mut data)
        .context("cannot make the page")?;
    let help = command.get_before_help().map(ToString::to_string);
    let mut is_laid_out = false;
    for line in help.unwrap_or_default().lines() {
        let heading = line
            .strip_suffix(':')
            .filter(|line| !line.starts_with(char::is_whitespace));
        let mut end = || {
            if std::mem::take(&mut is_laid_out) {
                ".fi\n"
            } else {
                ""
            }
        };
        let written = if let Some(heading) = heading {
            format!("{}.SH {}\n.nf\n", end(), roff(&heading.to_uppercase()))
        } else if let Some((heading, text)) = line
            .split_once(": ")
            .filter(|(heading, _)| *heading == EXIT_CODES)
        {
            format!(
                "{}.SH {}\n{}\n",
                end(),
                roff(&heading.to_uppercase()),
                roff(text)
            )
        } else {
            roff(line.strip_prefix("  ").unwrap_or(line)) + "\n"
        };
        is_laid_out |= heading.is_some();
        data.extend_from_slice(written.as_bytes());
    }
    if is_laid_out {
        data.extend_from_slice(b".fi\n");
    }
    Ok(data)
}

/// Returns a line of text as roff shows it as it is.
fn roff(line: &str) -> String {
    let text = line.replace('\\', "\\e").replace('-', "\\-");
    // At the beginning of a line these are commands.
    if text.starts_with(['.', '\'']) {
        format!("\\&{text}")
    } else {
        text
    }
}
