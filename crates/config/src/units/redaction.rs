//! Secrets in the files of a service: replaced where they stand, so that lines keep their numbers.

use std::collections::BTreeMap;

use kubeassay_core::facts::{NeedKind, ServiceFacts, Trouble};
use kubeassay_core::{Bytes, Cause, Component};

use super::environment_file;
use super::files::{Files, Stop};
use super::lines::{self, Assignment, Line};
use super::search;
use super::service::{Spot, is_variable};
use super::start::{self, Resolved};
use super::words::{self, Grammar};
use super::{NextStart, command};
use crate::components::reads_variable;
use crate::secrets::{self, redact_arguments};

/// A part of a file, from byte to byte, and what stands there instead.
type Replacement = (usize, usize, Vec<u8>);

/// Replaces the secrets in the files of a service.
pub(super) fn redact(service: &mut ServiceFacts) {
    let mut files = Files::new(service);
    let resolved = start::resolve(&mut files, &service.unit);
    let own = std::mem::take(&mut files.own);
    let names = std::mem::take(&mut files.names);
    for file in &mut service.files {
        // Which other units a node has is nothing of this one.
        if file.need.what == NeedKind::Listing
            && search::is_folder(&file.need.path)
            && let Some(entries) = &mut file.entries
        {
            entries.retain(|entry| names.contains(entry.name.as_slice()));
        }
        if file.need.what == NeedKind::Content
            && !own.contains(&file.need.path)
            && let Some(content) = file.content.take()
        {
            file.content = Some(secrets::redact_content(content.into_vec()).into());
        }
    }
    let trouble = match resolved {
        Ok(resolved) => match rewritten(service, &resolved) {
            Some(files) => {
                service.files = files;
                return;
            }
            None => Trouble {
                cause: Cause::Unsupported,
                reason: format!(
                    "secrets in the files of {} cannot be told from the rest, so the files are withheld; keep secrets out of them",
                    service.unit
                ),
            },
        },
        Err(Stop::Unknown(unknown)) => Trouble {
            cause: unknown.cause,
            reason: unknown.reason,
        },
        Err(Stop::Wanted) => Trouble {
            cause: Cause::Missing,
            reason: format!(
                "not all files of {} were read, so the rest is withheld",
                service.unit
            ),
        },
    };
    for file in &mut service.files {
        let is_own = file.need.what == NeedKind::Content && own.contains(&file.need.path);
        // An empty file says something by being empty.
        if is_own
            && file
                .content
                .as_ref()
                .is_some_and(|content| !content.is_empty())
        {
            file.content = None;
            file.problem = Some(trouble.clone());
        }
    }
}

/// Returns the files without secrets; nothing where the next start would not be the same.
fn rewritten(
    service: &ServiceFacts,
    resolved: &Resolved,
) -> Option<Vec<kubeassay_core::facts::FileFacts>> {
    let plan = Plan::of(resolved, service.component)?;
    let mut redacted = service.clone();
    for file in &mut redacted.files {
        let path = &file.need.path;
        let (NeedKind::Content, Some(content)) = (file.need.what, &file.content) else {
            continue;
        };
        let replacements = if resolved.units.contains(path) {
            unit(path, content.as_slice(), &plan)?
        } else if resolved.environment_files.contains(path) {
            environment(path, content.as_slice(), &plan)?
        } else {
            continue;
        };
        file.content = Some(replace(content.as_slice(), replacements)?.into());
    }
    let after = super::next_start(&redacted).ok()?;
    is_same(&after, &plan).then_some(redacted.files)
}

/// Returns whether the next start is the same, but for the arguments that were redacted.
fn is_same(after: &NextStart, plan: &Plan<'_>) -> bool {
    let before = &plan.resolved.next;
    let mut configuring = before
        .environment
        .iter()
        .filter(|(name, _)| reads_variable(plan.component, name));
    let kept = |(name, value): (&String, &Bytes)| {
        let wanted = plan.configuring(name.as_bytes(), value.as_slice());
        after.environment.get(name).map(Bytes::as_slice) == Some(wanted.as_slice())
    };
    configuring.all(kept)
        && after.executable == before.executable
        && after.cwd == before.cwd
        && after.assumes == before.assumes
        && after.environment.keys().eq(before.environment.keys())
        && after
            .arguments
            .iter()
            .map(|argument| &argument.text)
            .eq(&plan.arguments)
}

/// What is to be replaced.
struct Plan<'r> {
    resolved: &'r Resolved,
    /// What the service starts.
    component: Component,
    /// The arguments without secrets.
    arguments: Vec<Bytes>,
    /// New texts of words of the command.
    words: BTreeMap<usize, Bytes>,
    /// New values of variables that the command expands.
    values: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl<'r> Plan<'r> {
    fn of(resolved: &'r Resolved, component: Component) -> Option<Self> {
        let texts = resolved
            .next
            .arguments
            .iter()
            .map(|argument| argument.text.clone());
        let arguments = redact_arguments(texts.collect());
        let mut plan = Plan {
            resolved,
            component,
            words: BTreeMap::new(),
            values: BTreeMap::new(),
            arguments,
        };
        let mut of_words: BTreeMap<usize, Vec<(&Bytes, &Bytes)>> = BTreeMap::new();
        for ((argument, new), word) in resolved
            .next
            .arguments
            .iter()
            .zip(&plan.arguments)
            .zip(&resolved.words)
        {
            of_words
                .entry(*word)
                .or_default()
                .push((&argument.text, new));
        }
        let mut words = BTreeMap::new();
        for (word, pairs) in of_words {
            if pairs.iter().all(|(old, new)| old == new) {
                continue;
            }
            let text = &resolved.command.command.words.get(word)?.text;
            let variable = resolved
                .command
                .command
                .expands
                .then(|| text.strip_prefix(b"$"))
                .flatten();
            if let Some(name) = variable.filter(|name| is_variable(name)) {
                let value: Vec<Vec<u8>> = pairs
                    .iter()
                    .map(|(_, new)| value_word(new.as_slice()))
                    .collect();
                plan.values.insert(name.to_vec(), value.join(&b' '));
            } else {
                let (_, new) = pairs.first()?;
                words.insert(word, (*new).clone());
            }
        }
        plan.words = words;
        Some(plan)
    }

    /// Returns the new value of a variable that is assigned at a place; nothing where it stays.
    fn value(
        &self,
        name: &[u8],
        value: &[u8],
        path: &Bytes,
        line: u32,
        column: Option<u32>,
    ) -> Option<Vec<u8>> {
        let counts = |spot: &Spot| {
            *spot.path == *path
                && spot.place.line == line
                && column.is_none_or(|column| spot.place.column == column)
        };
        // A word that is replaced as a whole expands nothing any more.
        let mut uses = self.resolved.uses.iter();
        let is_used = uses.any(|(word, used)| used == name && !self.words.contains_key(word));
        if is_used && self.resolved.expanded.get(name).is_some_and(counts) {
            return self.values.get(name).cloned();
        }
        if std::str::from_utf8(name).is_ok_and(|name| reads_variable(self.component, name)) {
            let kept = self.configuring(name, value);
            return (kept != value).then_some(kept);
        }
        let digest = secrets::redacted(value).into_bytes();
        (digest != value).then_some(digest)
    }
}

impl Plan<'_> {
    /// Returns what stays of a variable that is part of the configuration: all but secrets. One of etcd says what its
    /// flag would, and may hold what that may.
    fn configuring(&self, name: &[u8], value: &[u8]) -> Vec<u8> {
        // What the command expands was looked through as an argument.
        if self.values.contains_key(name) || self.component != Component::Etcd {
            return self
                .values
                .get(name)
                .map_or_else(|| value.to_vec(), Clone::clone);
        }
        let name = String::from_utf8_lossy(name.strip_prefix(b"ETCD_").unwrap_or(name));
        let head = format!("--{}=", name.to_ascii_lowercase().replace('_', "-"));
        let argument = Bytes::from([head.as_bytes(), value].concat());
        let hidden = redact_arguments(vec![Bytes::from("etcd"), argument]);
        let hidden = hidden.last().map_or(&b""[..], Bytes::as_slice);
        hidden.get(head.len()..).unwrap_or_default().to_vec()
    }
}

/// Returns a word of a variable's value, in quotes where it needs them.
fn value_word(word: &[u8]) -> Vec<u8> {
    let plain = |byte: &u8| !b" \t\r\n'\"\\".contains(byte);
    if !word.is_empty() && word.iter().all(plain) {
        return word.to_vec();
    }
    let mut quoted = vec![b'"'];
    for byte in word {
        if matches!(byte, b'"' | b'\\') {
            quoted.push(b'\\');
        }
        quoted.push(*byte);
    }
    quoted.push(b'"');
    quoted
}

/// Returns a word in quotes as a unit file has it, specifiers and variables escaped.
fn unit_word(word: &[u8], expands: bool) -> Vec<u8> {
    let mut escaped = Vec::with_capacity(word.len());
    for byte in word {
        escaped.push(*byte);
        if *byte == b'%' || (*byte == b'$' && expands) {
            escaped.push(*byte);
        }
    }
    words::quote(&escaped)
}

fn unit(path: &Bytes, content: &[u8], plan: &Plan<'_>) -> Option<Vec<Replacement>> {
    let joined = lines::join(content).ok()?;
    let (assignments, strays) = lines::assignments(&joined).ok()?;
    let mut replacements = comments(content, &joined);
    for line in strays {
        if secrets::may_name_credential(&line.text) {
            blank(content, line, 0, b"#", &mut replacements);
        }
    }
    for assignment in &assignments {
        match (assignment.section, assignment.key) {
            (Some(b"Service"), b"ExecStart") => {
                arguments(path, assignment, plan, &mut replacements);
            }
            (Some(b"Service"), b"Environment") => {
                variables(path, assignment, plan, &mut replacements)?;
            }
            (
                Some(b"Service"),
                b"EnvironmentFile" | b"WorkingDirectory" | b"PassEnvironment" | b"UnsetEnvironment"
                | b"Type",
            ) => {}
            (_, key) => {
                let names = secrets::may_name_credential(key)
                    || secrets::may_name_credential(assignment.value);
                if names && !assignment.value.is_empty() {
                    let digest = secrets::redacted(assignment.value);
                    blank(
                        content,
                        assignment.line,
                        assignment.at,
                        digest.as_bytes(),
                        &mut replacements,
                    );
                }
            }
        }
    }
    Some(replacements)
}

/// Replaces the comments of a unit file that may hold secrets.
fn comments(content: &[u8], joined: &[Line]) -> Vec<Replacement> {
    let of_lines: Vec<usize> = joined
        .iter()
        .flat_map(Line::starts)
        .map(|(source, _)| source)
        .collect();
    let mut replacements = Vec::new();
    let mut at = 0;
    for raw in content.split_inclusive(|byte| *byte == b'\n') {
        let text = raw.trim_ascii();
        if of_lines.binary_search(&at).is_err()
            && matches!(text, [b'#' | b';', _, ..])
            && secrets::may_name_credential(text)
        {
            let start = at + raw.len() - raw.trim_ascii_start().len();
            replacements.push((start + 1, start + text.len(), Vec::new()));
        }
        at += raw.len();
    }
    replacements
}

/// Replaces what a line says from `at` on; the lines that continue it become comments.
fn blank(
    content: &[u8],
    line: &Line,
    at: usize,
    instead: &[u8],
    replacements: &mut Vec<Replacement>,
) {
    let first = line.source(at);
    let end_of = |source: usize| {
        let rest = content.get(source..).unwrap_or_default();
        source
            + rest
                .iter()
                .position(|byte| matches!(byte, b'\n' | b'\r'))
                .unwrap_or(rest.len())
    };
    replacements.push((first, end_of(first), instead.to_vec()));
    for (source, _) in line.starts().filter(|(source, _)| *source > first) {
        replacements.push((source, end_of(source), b"#".to_vec()));
    }
}

fn arguments(
    path: &Bytes,
    assignment: &Assignment<'_>,
    plan: &Plan<'_>,
    replacements: &mut Vec<Replacement>,
) {
    let placed = &plan.resolved.command;
    let spot = &placed.spot;
    if *spot.path == *path && spot.place == assignment.line.place(assignment.at) {
        for (word, new) in &plan.words {
            if let Some((_, (start, end))) = placed.places.get(*word) {
                replacements.push((
                    *start,
                    *end,
                    unit_word(new.as_slice(), placed.command.expands),
                ));
            }
        }
        return;
    }
    for command in command::read(assignment.value, &plan.resolved.specifiers).unwrap_or_default() {
        let texts: Vec<Bytes> = command
            .words
            .iter()
            .map(|word| Bytes::from(word.text.as_slice()))
            .collect();
        for (word, new) in command.words.iter().zip(redact_arguments(texts)) {
            if word.text != new.as_slice() {
                let (start, end) = (assignment.at + word.start, assignment.at + word.end);
                let line = assignment.line;
                replacements.push((
                    line.source(start),
                    line.source(end - 1) + 1,
                    unit_word(new.as_slice(), command.expands),
                ));
            }
        }
    }
}

fn variables(
    path: &Bytes,
    assignment: &Assignment<'_>,
    plan: &Plan<'_>,
    replacements: &mut Vec<Replacement>,
) -> Option<()> {
    for word in words::split(assignment.value, Grammar::Strict).ok()? {
        let text = plan.resolved.specifiers.expand(&word.text).ok()?;
        let (start, end) = (assignment.at + word.start, assignment.at + word.end);
        let place = assignment.line.place(start);
        let at = text.iter().position(|byte| *byte == b'=');
        let new = match at.and_then(|at| Some((text.get(..at)?, text.get(at + 1..)?))) {
            Some((name, value)) => plan
                .value(name, value, path, place.line, Some(place.column))
                .map(|new| [name, b"=", new.as_slice()].concat()),
            None => Some(secrets::redacted(&text).into_bytes()),
        };
        if let Some(new) = new {
            let line = assignment.line;
            replacements.push((
                line.source(start),
                line.source(end - 1) + 1,
                unit_word(&new, false),
            ));
        }
    }
    Some(())
}

fn environment(path: &Bytes, content: &[u8], plan: &Plan<'_>) -> Option<Vec<Replacement>> {
    let found = environment_file::read(content).ok()?;
    let mut replacements = Vec::new();
    for (start, end) in found.others {
        let text = content.get(start..end)?;
        // A line that assigns nothing is none of an environment file: it may be another file altogether, such as
        // `/etc/shadow`.
        let is_comment = matches!(text.first(), Some(b'#' | b';'));
        let is_foreign = !is_comment && !text.trim_ascii().is_empty();
        if is_foreign || secrets::may_name_credential(text) {
            let kept: &[u8] = if text.ends_with(b"\\") { b"#\\" } else { b"#" };
            replacements.push((start, end, kept.to_vec()));
        }
    }
    for setting in found.settings {
        // What is no variable is not passed on, so it may be anything: the last line of a key ends in `=` too.
        if !is_variable(&setting.name) {
            let (_, end) = setting.span;
            let text = content.get(setting.begins..end)?;
            let lines = text.split(|byte| *byte == b'\n').map(|_| &b"#"[..]);
            let comments: Vec<&[u8]> = lines.collect();
            replacements.push((setting.begins, end, comments.join(&b'\n')));
            continue;
        }
        if let Some(new) = plan.value(&setting.name, &setting.value, path, setting.line, None) {
            let (start, end) = setting.span;
            replacements.push((start, end, environment_file::quote(&new)));
        }
    }
    Some(replacements)
}

/// Returns a text with parts of it replaced; as many lines as before, if that can be.
fn replace(content: &[u8], mut replacements: Vec<Replacement>) -> Option<Vec<u8>> {
    replacements.sort();
    let breaks = |text: &[u8]| text.split(|byte| *byte == b'\n').count();
    let mut replaced = Vec::with_capacity(content.len());
    let mut at = 0;
    for (start, end, new) in replacements {
        replaced.extend_from_slice(content.get(at..start)?);
        replaced.extend_from_slice(&new);
        let missing = breaks(content.get(start..end)?).checked_sub(breaks(&new))?;
        for _ in 0..missing {
            replaced.extend_from_slice(b"\\\n");
        }
        at = end;
    }
    replaced.extend_from_slice(content.get(at..)?);
    Some(replaced)
}
