//! What could come next on a command line: flags and words of clap's, rules and settings of ours.

use clap::builder::{PossibleValue, PossibleValuesParser};
use clap::{Arg, Command, ValueHint};
use kubeassay_core::report::Control;
use kubeassay_core::rule::Schema as _;
use kubeassay_engine::schema::Components;

use crate::catalogue;

/// The framework whose numbers are offered: they are what people type.
const FRAMEWORK: &str = "cis-kubernetes";

/// Returns the command line with rules and settings where they may stand. It is for completion alone: it would refuse
/// rules that a user adds.
pub(crate) fn with_values(command: Command) -> Command {
    let (rules, settings) = (rules(), settings());
    named(command, &rules, &settings)
}

fn named(command: Command, rules: &[PossibleValue], settings: &[PossibleValue]) -> Command {
    let command = command.mut_args(|argument| {
        let names = argument.get_value_names().unwrap_or_default();
        match names.first().map(clap::builder::Str::as_str) {
            Some("RULE") => argument.value_parser(PossibleValuesParser::new(rules.to_vec())),
            Some("RULE|SETTING") => {
                let all = [rules, settings].concat();
                argument.value_parser(PossibleValuesParser::new(all))
            }
            Some("FILE" | "KEY" | "PUB" | "REPORT") => argument.value_hint(ValueHint::FilePath),
            Some("PATH") => argument.value_hint(ValueHint::AnyPath),
            _ => argument,
        }
    });
    command.mut_subcommands(|command| named(command, rules, settings))
}

/// Returns the numbers and ids of the bundled rules, each with the rule's title.
fn rules() -> Vec<PossibleValue> {
    let catalogue = catalogue::bundled();
    let mut values = Vec::new();
    for rule in catalogue.rules() {
        let numbers = rule.controls().iter().filter(|control| {
            let Control { framework, .. } = control;
            framework == FRAMEWORK
        });
        let mut names: Vec<String> = numbers.map(|control| control.control.clone()).collect();
        names.push(rule.id().to_owned());
        names.dedup();
        for name in names {
            values.push(word(name).help(rule.title().to_owned()));
        }
    }
    values.sort_by(|one, other| one.get_name().cmp(other.get_name()));
    values.dedup_by(|one, other| one.get_name() == other.get_name());
    values
}

/// Returns a word of ours as clap wants it. It is never given back: this is done once, in a program that ends then.
fn word(name: String) -> PossibleValue {
    PossibleValue::new(&*name.leak())
}

fn settings() -> Vec<PossibleValue> {
    Components.names().into_iter().map(word).collect()
}

/// Returns what could come in place of the last word, in the form that kubectl reads: a line for each, with its help after
/// a tab, and what the shell is to do with them after a colon (`cobra`'s directives: 4 is no files, 0 is files too).
pub(crate) fn candidates(command: &Command, words: &[String]) -> String {
    let (last, before) = words
        .split_last()
        .map_or(("", words), |(last, before)| (last.as_str(), before));
    let mut command = command;
    let mut waiting: Option<&Arg> = None;
    for word in before {
        if waiting.take().is_some() {
            continue;
        }
        if let Some(argument) = flag(command, word) {
            let takes = argument.get_action().takes_values();
            waiting = (takes && !word.contains('=')).then_some(argument);
        } else if let Some(below) = command.find_subcommand(word) {
            command = below;
        }
    }
    let mut lines: Vec<String> = Vec::new();
    let mut offer = |name: &str, help: Option<String>| {
        if name.starts_with(last) {
            let help = help.unwrap_or_default();
            let first = help.lines().next().unwrap_or_default();
            lines.push(format!("{name}\t{first}"));
        }
    };
    let values = |argument: &Arg| argument.get_possible_values();
    let mut files = false;
    if let Some(argument) = waiting {
        files = values(argument).is_empty();
        for value in values(argument) {
            offer(value.get_name(), value.get_help().map(ToString::to_string));
        }
    } else if last.starts_with('-') {
        for argument in command
            .get_arguments()
            .filter(|argument| !argument.is_hide_set())
        {
            if let Some(long) = argument.get_long() {
                let help = argument.get_help().map(ToString::to_string);
                offer(&format!("--{long}"), help);
            }
        }
    } else {
        for below in command
            .get_subcommands()
            .filter(|below| !below.is_hide_set())
        {
            offer(below.get_name(), below.get_about().map(ToString::to_string));
        }
        for argument in command.get_positionals() {
            files |= values(argument).is_empty();
            for value in values(argument) {
                offer(value.get_name(), value.get_help().map(ToString::to_string));
            }
        }
    }
    lines.push(format!(":{}", if files { 0 } else { 4 }));
    lines.join("\n") + "\n"
}

fn flag<'a>(command: &'a Command, word: &str) -> Option<&'a Arg> {
    let name = word.split('=').next().unwrap_or(word);
    let mut arguments = command.get_arguments();
    if let Some(long) = name.strip_prefix("--") {
        return arguments.find(|argument| argument.get_long() == Some(long));
    }
    let mut short = name.strip_prefix('-')?.chars();
    let short = short.next()?;
    arguments.find(|argument| argument.get_short() == Some(short))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugin::Called;

    #[test]
    fn what_could_come_next_is_told_as_kubectl_reads_it() {
        let mut command = with_values(Called::Completion.command());
        command.build();
        for (words, wanted, not_wanted) in [
            (&["sc"][..], "scan\t", "\nrules\t"),
            (&["scan", "4.2."], "4.2.2\t", "1.2.1\t"),
            (&["rules", ""], "coverage\t", "scan\t"),
            (&["rules", "show", "4.2.1"], "4.2.10\t", "4.2.2\t"),
            (
                &["explain", "kubelet.authorization."],
                "kubelet.authorization.mode\t",
                "kubelet.port",
            ),
            (&["scan", "--fail"], "--fail-on\t", "--rules\t"),
            (&["explain", "-o", "y"], "yaml\t", "json\t"),
            (&["--color", "ne"], "never\t", "scan\t"),
            (&["scan", "--root", ""], ":0\n", "4.2.2\t"),
            (&["scan", "4.2.2", "zzz"], ":4\n", "\t"),
        ] {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            let told = candidates(&command, &words);
            assert!(told.contains(wanted), "{words:?}: {told}");
            assert!(!told.contains(not_wanted), "{words:?}: {told}");
            assert!(told.ends_with(":4\n") || told.ends_with(":0\n"), "{told}");
        }
    }
}
