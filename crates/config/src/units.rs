//! Services of systemd, read as systemd reads them: what the next start will make of the files on disk.
//!
//! Pure: [`ahead`] names the files, and says what they mean once they are there. What is read here is what systemd 240 and later
//! read alike; where they do not, or where the files alone do not tell, the next start is unknown.

mod command;
mod environment_file;
mod expansion;
mod files;
mod lines;
mod name;
mod redaction;
mod search;
mod service;
mod specifiers;
mod start;
mod words;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use kubeassay_core::facts::{Need, ServiceFacts};
use kubeassay_core::{Bytes, Cause, Origin};

use files::{Files, Stop};
use specifiers::Specifiers;

use crate::setting::Unknown;

/// What the next start of a service will be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextStart {
    /// The program and its arguments, each with the place it comes from.
    pub arguments: Vec<Argument>,
    /// The file that is executed; it need not be the first argument.
    pub executable: Bytes,
    /// The environment that the unit gives it; what systemd itself adds is left out.
    pub environment: BTreeMap<String, Bytes>,
    /// Where each variable of the environment stands.
    pub variables: BTreeMap<String, Arc<Origin>>,
    /// Its working directory.
    pub cwd: Bytes,
    /// What was taken for granted, one sentence each.
    pub assumes: Vec<String>,
}

/// One argument of the next start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Argument {
    /// Its text.
    pub text: Bytes,
    /// Where it stands: a line of a unit file, or of an environment file.
    pub origin: Arc<Origin>,
}

/// Where the command of the next start is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The unit file.
    pub path: Bytes,
    /// The line on which the command begins, from 1.
    pub line: u32,
    /// Where the command begins, prefixes such as `-` included: byte of the file.
    pub begins: usize,
    /// Its words, from byte to byte of the file, quotes included.
    pub words: Vec<Range<usize>>,
    /// Of each argument of the next start the word that it comes from; several where a variable has several.
    pub word_of: Vec<usize>,
}

/// What the files of a service say of its next start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ahead {
    /// What it will be.
    Start(NextStart),
    /// The files that tell it and are not in the facts yet, as the host sees them.
    ///
    /// Ask again with them in the facts: what they say may name others. It ends after a handful of rounds.
    Needs(Vec<Need>),
    /// Why it cannot be told: a file that could not be read, something systemd would refuse or that is not understood
    /// here, a unit that is masked.
    Unknown(Unknown),
}

/// Returns what the files of `service` say of its next start.
pub fn ahead(service: &ServiceFacts) -> Ahead {
    let mut files = Files::new(service);
    match start::resolve(&mut files, &service.unit) {
        Ok(resolved) => Ahead::Start(resolved.next),
        Err(Stop::Wanted) => Ahead::Needs(files.wanted),
        Err(Stop::Unknown(unknown)) => Ahead::Unknown(unknown),
    }
}

/// Returns the files that tell the next start of `service` and are not in its facts yet.
pub fn needs(service: &ServiceFacts) -> Vec<Need> {
    match ahead(service) {
        Ahead::Needs(needs) => needs,
        Ahead::Start(_) | Ahead::Unknown(_) => Vec::new(),
    }
}

/// Returns what the next start of `service` will be.
///
/// # Errors
///
/// Why it cannot be told, be it that files are not in the facts.
pub fn next_start(service: &ServiceFacts) -> Result<NextStart, Unknown> {
    match ahead(service) {
        Ahead::Start(next) => Ok(next),
        Ahead::Unknown(unknown) => Err(unknown),
        Ahead::Needs(_) => Err(Unknown {
            cause: Cause::Missing,
            reason: format!("not all files of {} are in the facts", service.unit),
            path: None,
        }),
    }
}

/// Returns whether a service is masked: systemd starts nothing of it, whatever else its files say.
pub fn is_masked(service: &ServiceFacts) -> bool {
    search::is_masked(&mut Files::new(service), &service.unit)
}

/// Returns where the command of the next start of `service` is written; nothing where that cannot be told.
pub fn written(service: &ServiceFacts) -> Option<Written> {
    let resolved = start::resolve(&mut Files::new(service), &service.unit).ok()?;
    let placed = resolved.command;
    let spans = placed.places.iter();
    Some(Written {
        path: Bytes::clone(&placed.spot.path),
        line: placed.spot.place.line,
        begins: placed.begins,
        words: spans.map(|(_, (start, end))| *start..*end).collect(),
        word_of: resolved.words,
    })
}

/// Replaces the secrets in the files of a service by their digest, once all of them are there: what
/// [`next_start`] says stays as it is, but for secrets in arguments.
///
/// Lines keep their numbers; columns behind something that was replaced are those of the text that is left. Content
/// that cannot be told from secrets is taken out, and why is said in its place.
pub fn redact(service: &mut ServiceFacts) {
    redaction::redact(service);
}

/// The folders in which systemd looks for the units of the system, the one that wins first.
pub const SEARCH_PATH: &[&str] = &search::FOLDERS;

/// Returns the program that the last command of one unit file names, as it stands there; nothing where the file has no
/// command or is not understood. Drop-ins may name another.
pub fn program(content: &[u8]) -> Option<Bytes> {
    let lines = lines::join(content).ok()?;
    let (assignments, _) = lines::assignments(&lines).ok()?;
    let mut program = None;
    for each in &assignments {
        if (each.section, each.key) == (Some(b"Service"), b"ExecStart") {
            let commands = command::read(each.value, &Specifiers { name: None });
            program = commands
                .ok()
                .and_then(|commands| commands.into_iter().next_back());
        }
    }
    program.map(|command| Bytes::from(command.program))
}

#[cfg(test)]
mod tests;
