//! Arguments of a service: in the command of its unit, in a variable of the unit, or in an environment file.
//!
//! Where an argument stands is known to the line, and how it may be written there is known too well: quotes, escapes,
//! specifiers, continued lines. So the ways in which it could be taken out or changed are tried one after the other
//! (`splice.rs`), and the one is taken whose next start is exactly the one that is wanted: the proof is the reader's.

mod dropin;
mod splice;

use std::ops::Range;

use kubeassay_config::units::{self, Argument, NextStart, Written};
use kubeassay_core::facts::{Need, NeedKind, ServiceFacts};
use kubeassay_core::{Bytes, OriginKind};

use super::Refused;
use crate::overlay;
use splice::{Place, Text};

/// What is to become of the arguments of the next start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The `count` arguments from `index` become `with`; nothing where they go. Index 0 is the program and stays.
    Replace {
        /// The first argument.
        index: usize,
        /// How many: a flag with its value as an argument of its own is two.
        count: usize,
        /// What comes in their place.
        with: Vec<Bytes>,
    },
    /// These come behind all others.
    Append(Vec<Bytes>),
}

/// A file with its new content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rewritten {
    /// The file as the unit names it; for one that is made a drop-in in `/etc/systemd/system/UNIT.d/`.
    pub path: Bytes,
    /// Its new content.
    pub content: Vec<u8>,
    /// Whether it is made.
    pub is_new: bool,
}

/// Folders whose files belong to packages, or are made anew at every boot.
const NOT_OURS: [&str; 4] = ["/usr/", "/lib/", "/run/", "/nix/"];

/// Returns the file that has to change so that the next start of `service` has its arguments changed by `change`, and
/// differs in nothing else. It is proven by reading the service again.
///
/// # Errors
///
/// Where the next start cannot be told, and where no way is found whose next start is exactly that.
pub fn rewrite(service: &ServiceFacts, change: &Change) -> Result<Rewritten, Refused> {
    let next = units::next_start(service).map_err(|unknown| Refused::new(unknown.reason))?;
    let written = units::written(service)
        .ok_or_else(|| Refused::new("where the command stands is not known"))?;
    let spot = Spot::of(&next, &written, change)?;
    let content = content(service, &spot.path)
        .ok_or_else(|| Refused::new(format!("{} is not among what was read", spot.path)))?;
    let wanted = Wanted {
        arguments: changed(&next, change),
        variable: spot.variable.clone(),
        next: &next,
    };
    let is_ours = NOT_OURS
        .iter()
        .all(|folder| !spot.path.as_slice().starts_with(folder.as_bytes()));
    let found = if is_ours {
        let place = Place {
            line: spot.line,
            text: spot.text,
            range: spot.range.clone(),
        };
        let mut ways = splice::ways(content, &place, &spot.old, &spot.new);
        ways.find_map(|way| {
            let rewritten = Rewritten {
                path: spot.path.clone(),
                content: way,
                is_new: false,
            };
            wanted.proves(service, &rewritten).then_some(rewritten)
        })
    } else {
        let mut ways = dropin::ways(service, &next, &written, &spot, content).into_iter();
        ways.find(|rewritten| wanted.proves(service, rewritten))
    };
    found.ok_or_else(|| {
        let old: Vec<String> = spot.old.iter().map(ToString::to_string).collect();
        let what = if old.is_empty() {
            "the command".to_owned()
        } else {
            old.join(" ")
        };
        let elsewhere = if is_ours {
            "change it by hand"
        } else {
            "it is a package's or made anew at every boot: change it by hand in a drop-in (systemctl edit)"
        };
        Refused::at(
            spot.line,
            format!(
                "{}:{}: no way was found to change {what} here that changes nothing else; {elsewhere}",
                spot.path, spot.line
            ),
        )
    })
}

/// Where something is to be changed.
struct Spot {
    /// The file, and the line of what is changed.
    path: Bytes,
    line: u32,
    /// What kind of text it stands in.
    text: Text,
    /// From byte to byte of the file, where that is known: words of a command, or the end of its last.
    range: Option<Range<usize>>,
    /// The variable whose value it is a part of.
    variable: Option<String>,
    /// The arguments that go, and those that come.
    old: Vec<Bytes>,
    new: Vec<Bytes>,
}

impl Spot {
    fn of(next: &NextStart, written: &Written, change: &Change) -> Result<Self, Refused> {
        let (touched, new, words): (&[Argument], &[Bytes], _) = match change {
            Change::Replace { index, count, with } => {
                let end = index.saturating_add(*count);
                let touched = next.arguments.get(*index..end).unwrap_or_default();
                if *index == 0 || touched.is_empty() {
                    return Err(Refused::new("there is no such argument"));
                }
                (touched, with, written.word_of.get(*index..end))
            }
            Change::Append(with) => return Self::behind(written, with),
        };
        let Some((first, rest)) = touched.split_first() else {
            return Err(Refused::new("there is no command"));
        };
        let origin = first.origin.as_ref();
        let (Some(path), Some(line)) = (origin.path.as_deref(), origin.line) else {
            return Err(Refused::new(format!(
                "where {} stands is not known",
                first.text
            )));
        };
        let of_place = |argument: &Argument| {
            let origin = argument.origin.as_ref();
            (origin.path.clone(), origin.variable.clone())
        };
        if let Some(other) = rest.iter().find(|one| of_place(one) != of_place(first)) {
            return Err(Refused::at(
                line,
                format!(
                    "{path}:{line}: {} stands here, and its value {} elsewhere; write both in one place first",
                    first.text, other.text
                ),
            ));
        }
        let text = match origin.kind {
            OriginKind::Environment => Text::Value,
            _ => Text::Command,
        };
        let range = words
            .filter(|_| text == Text::Command)
            // What stands between them stays: a variable that is empty now need not be later.
            .filter(|words| words.is_sorted_by(|one, next| one + 1 == *next))
            .and_then(|words| Some((*words.first()?, *words.last()?)))
            .and_then(|(first, last)| {
                Some(written.words.get(first)?.start..written.words.get(last)?.end)
            });
        Ok(Self {
            path: path.clone(),
            line,
            text,
            range,
            variable: origin.variable.as_deref().map(str::to_owned),
            old: touched.iter().map(|one| one.text.clone()).collect(),
            new: new.to_vec(),
        })
    }

    /// Returns the place behind the last word of the command.
    fn behind(written: &Written, new: &[Bytes]) -> Result<Self, Refused> {
        let last = written.words.last();
        let end = last.ok_or_else(|| Refused::new("there is no command"))?.end;
        Ok(Self {
            path: written.path.clone(),
            line: written.line,
            text: Text::Command,
            range: Some(end..end),
            variable: None,
            old: Vec::new(),
            new: new.to_vec(),
        })
    }
}

/// Returns the content of a file.
fn content<'a>(service: &'a ServiceFacts, path: &Bytes) -> Option<&'a [u8]> {
    let file = service.file(&Need {
        what: NeedKind::Content,
        path: path.clone(),
    })?;
    let content = file.content.as_ref().filter(|_| file.problem.is_none())?;
    Some(content.as_slice())
}

/// Returns the arguments as they are to be.
fn changed(next: &NextStart, change: &Change) -> Vec<Bytes> {
    let mut arguments: Vec<Bytes> = next.arguments.iter().map(|one| one.text.clone()).collect();
    match change {
        Change::Replace { index, count, with } => {
            let end = index.saturating_add(*count).min(arguments.len());
            let start = (*index).min(end);
            arguments.splice(start..end, with.iter().cloned());
        }
        Change::Append(with) => arguments.extend(with.iter().cloned()),
    }
    arguments
}

/// The next start that is wanted.
struct Wanted<'a> {
    arguments: Vec<Bytes>,
    /// The variable whose value may differ.
    variable: Option<String>,
    next: &'a NextStart,
}

impl Wanted<'_> {
    /// Returns whether the next start is this one once a file was rewritten.
    fn proves(&self, service: &ServiceFacts, rewritten: &Rewritten) -> bool {
        let service = overlay::with_file(service, &rewritten.path, &rewritten.content);
        let Ok(next) = units::next_start(&service) else {
            return false;
        };
        let arguments = next.arguments.iter().map(|argument| &argument.text);
        let environment = |next: &NextStart| {
            let mut environment = next.environment.clone();
            if let Some(variable) = &self.variable {
                environment.remove(variable);
            }
            environment
        };
        arguments.eq(&self.arguments)
            && next.executable == self.next.executable
            && next.cwd == self.next.cwd
            && next.assumes.len() <= self.next.assumes.len()
            && environment(&next) == environment(self.next)
    }
}
