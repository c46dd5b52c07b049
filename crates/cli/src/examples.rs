//! Every command line on the project's pages, and in its own help, is one that the program takes.

use std::path::{Path, PathBuf};

use clap::error::ErrorKind;

use crate::plugin::Called;

/// What a shell has before a command, or what a page has before a shell's line.
const BEFORE: &[&str] = &[
    "-", "run:", "sudo", "if", "then", "do", "while", "!", "time",
];

/// Returns the pages: the README, CONTRIBUTING and what is below `docs`.
#[expect(
    clippy::disallowed_methods,
    reason = "tests read the project's own pages"
)]
fn pages() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).expect("a page can be read");
        (path, text)
    };
    let entries = std::fs::read_dir(root.join("docs")).expect("there are pages");
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.expect("there are pages").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect();
    paths.extend(["README.md", "CONTRIBUTING.md"].map(|name| root.join(name)));
    paths.sort();
    paths.into_iter().map(read).collect()
}

/// Returns a page's blocks of code, with continued lines joined, and its spans of code.
fn code(page: &str) -> (Vec<String>, Vec<String>) {
    let (mut lines, mut spans) = (Vec::new(), Vec::new());
    let (mut is_code, mut before) = (false, String::new());
    for line in page.lines() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        } else if is_code {
            match line.strip_suffix('\\') {
                Some(begun) => before.push_str(begun),
                None => lines.push(std::mem::take(&mut before) + line),
            }
        } else {
            spans.extend(line.split('`').skip(1).step_by(2).map(str::to_owned));
        }
    }
    (lines, spans)
}

/// Splits a line as a shell does: commands, each of words. Comments and redirections are left out.
fn commands(line: &str) -> Vec<Vec<String>> {
    let mut commands = vec![Vec::new()];
    let mut word: Option<String> = None;
    let (mut quote, mut skips) = (None, false);
    let mut characters = line.chars().peekable();
    let end = |word: &mut Option<String>, skips: &mut bool, commands: &mut Vec<Vec<String>>| {
        if let Some(word) = word.take() {
            match commands.last_mut() {
                Some(command) if !std::mem::take(skips) => command.push(word),
                _ => {}
            }
        }
    };
    while let Some(character) = characters.next() {
        match (quote, character) {
            (Some(begun), _) if character == begun => quote = None,
            (None, '\'' | '"') => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            (Some('"') | None, '\\') => word.get_or_insert_default().extend(characters.next()),
            (None, '#') if word.is_none() => break,
            (None, '|' | ';' | '&' | '(' | ')') => {
                end(&mut word, &mut skips, &mut commands);
                commands.push(Vec::new());
            }
            (None, '<' | '>') => {
                // `2>` names a stream, and is no word.
                word = word.filter(|word| word != "2");
                end(&mut word, &mut skips, &mut commands);
                skips = true;
                characters.next_if_eq(&'>');
            }
            (None, _) if character.is_whitespace() => end(&mut word, &mut skips, &mut commands),
            _ => word.get_or_insert_default().push(character),
        }
    }
    end(&mut word, &mut skips, &mut commands);
    commands
}

/// Returns the words of a command of ours, from the name of the program on.
fn ours(words: &[String]) -> Option<Vec<String>> {
    let mut words = words.iter().map(String::as_str).peekable();
    while let Some(word) = words.peek() {
        let is_variable = word.split_once('=').is_some_and(|(name, _)| {
            name.chars()
                .all(|one| one.is_ascii_uppercase() || one == '_')
        });
        if *word == "ssh" {
            words.next();
        } else if !BEFORE.contains(word) && !is_variable {
            break;
        }
        words.next();
    }
    let rest: Vec<&str> = words.collect();
    let (["kubectl", "assay", rest @ ..] | ["kubeassay", rest @ ..]) = rest.as_slice() else {
        return None;
    };
    let rest = rest.iter().map(|word| (*word).to_owned());
    Some(
        std::iter::once("kubeassay".to_owned())
            .chain(rest)
            .collect(),
    )
}

/// Says what is wrong with a command line. In a sentence it may be cut short: with `…`, or where more is wanted.
fn wrong(words: &[String], in_a_sentence: bool) -> Option<String> {
    let mut given: Vec<&String> = words.iter().collect();
    if let Some(at) = given
        .iter()
        .position(|word| *word == "…")
        .filter(|_| in_a_sentence)
    {
        given.truncate(at);
        // What it would have been the value of.
        given.pop_if(|word| word.starts_with("--"));
    }
    let error = Called::Itself.command().try_get_matches_from(given).err()?;
    let is_cut_short = matches!(
        error.kind(),
        ErrorKind::MissingRequiredArgument
            | ErrorKind::MissingSubcommand
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    );
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => None,
        _ if in_a_sentence && is_cut_short => None,
        _ => Some(error.to_string()),
    }
}

#[test]
fn every_command_line_on_the_pages_is_one() {
    let (mut wrongs, mut in_blocks, mut in_sentences) = (Vec::new(), 0, 0);
    for (path, page) in pages() {
        let (lines, spans) = code(&page);
        let of_kind = [(lines, false), (spans, true)];
        for (line, in_a_sentence) in of_kind
            .iter()
            .flat_map(|(lines, kind)| lines.iter().map(move |line| (line, *kind)))
        {
            for words in commands(line).iter().filter_map(|words| ours(words)) {
                *(if in_a_sentence {
                    &mut in_sentences
                } else {
                    &mut in_blocks
                }) += 1;
                if let Some(wrong) = wrong(&words, in_a_sentence) {
                    wrongs.push(format!("{}: {line}\n{wrong}", path.display()));
                }
            }
        }
    }
    assert!(wrongs.is_empty(), "{}", wrongs.join("\n"));
    // Where the pages are not read as they are written, hardly any would be found.
    assert!(
        in_blocks > 30 && in_sentences > 40,
        "{in_blocks} {in_sentences}"
    );
}

/// The examples stand above the flags, each behind two spaces, and what they do behind three.
#[test]
fn every_example_of_the_help_is_one() {
    fn of(command: &clap::Command, examples: &mut Vec<String>) {
        let help = command.get_before_help().map(ToString::to_string);
        let help = help.unwrap_or_default();
        let mut parts = help.split("\\\n");
        let mut typed = parts.next().unwrap_or_default().to_owned();
        typed.extend(parts.map(str::trim_start));
        let lines = typed.lines().filter_map(|line| line.strip_prefix("  "));
        let typed = lines.map(|line| line.split("  ").next().unwrap_or(line).to_owned());
        examples.extend(typed);
        for below in command.get_subcommands() {
            of(below, examples);
        }
    }
    let mut examples = Vec::new();
    of(&Called::Itself.command(), &mut examples);
    let mut number = 0;
    for line in examples {
        for words in commands(&line).iter().filter_map(|words| ours(words)) {
            number += 1;
            assert_eq!(wrong(&words, false), None, "{line}");
        }
    }
    assert!(number > 60, "{number}");
}

#[test]
fn lines_are_split_as_a_shell_splits_them() {
    for (line, split) in [
        ("sudo kubeassay fix 4.2.2   # plan", "kubeassay fix 4.2.2"),
        (
            "A=b kubeassay scan -o json > report.json",
            "kubeassay scan -o json",
        ),
        (
            "kubeassay manifest rbac | kubectl apply -f -",
            "kubeassay manifest rbac",
        ),
        (
            "- kubeassay scan --x 'a b' \"$C\"",
            "kubeassay scan --x a b $C",
        ),
        ("ssh node kubeassay scan 2> log", "kubeassay scan"),
        ("cd x && kubectl assay version", "kubeassay version"),
        ("ln -s kubeassay /usr/local/bin/kubectl-assay", ""),
        ("kubectl -n kubeassay logs x", ""),
        ("", ""),
    ] {
        let found: Vec<String> = commands(line)
            .iter()
            .filter_map(|words| ours(words))
            .map(|words| words.join(" "))
            .collect();
        assert_eq!(found.join("\n"), split, "{line}");
    }
}
