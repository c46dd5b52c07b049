//! What a user types to mean a rule: a number, a framework and a number, an id, an alias.

use std::collections::BTreeSet;
use std::fmt;

use super::Rule;
use super::setting::{did_you_mean, suggestion};

/// The framework that a bare number belongs to, on every platform.
pub(crate) const HOME: &str = "cis-kubernetes";

/// A word that means no rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownSelector {
    /// As it was typed.
    pub word: String,
    /// What may have been meant, best first.
    pub suggestions: Vec<String>,
}

impl fmt::Display for UnknownSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there is no rule `{}`", crate::text::escape(&self.word))?;
        match suggestion(&self.suggestions) {
            Some(suggestion) => write!(f, "; {suggestion}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for UnknownSelector {}

/// Returns the rules that `word` means, or what may have been meant.
pub(crate) fn find<'a>(word: &str, rules: &[&'a Rule]) -> Result<Vec<&'a Rule>, UnknownSelector> {
    let word = word.trim();
    let matching = |fits: &dyn Fn(&Rule) -> bool| -> Vec<&'a Rule> {
        rules.iter().copied().filter(|rule| fits(rule)).collect()
    };
    let number = numbered(word);
    let by_name = |name: &str| {
        matching(&|rule| rule.id == name || rule.aliases.iter().any(|alias| alias == name))
    };
    let mut found = by_name(word);
    if let Some((framework, number)) = number {
        found.extend(matching(&|rule| {
            rule.controls.iter().any(|control| {
                control.framework.eq_ignore_ascii_case(framework)
                    && control.control.eq_ignore_ascii_case(number)
            })
        }));
    }
    if found.is_empty() {
        found = matching(&|rule| rule.id.eq_ignore_ascii_case(word));
    }
    if !found.is_empty() {
        return Ok(found);
    }
    let suggestions = match number {
        Some((framework, number)) => near_numbers(framework, number, rules),
        None => near_names(word, rules),
    };
    Err(UnknownSelector {
        word: word.to_owned(),
        suggestions,
    })
}

/// Returns the framework and the number, if that is what the word looks like.
fn numbered(word: &str) -> Option<(&str, &str)> {
    if let Some((framework, number)) = word.split_once(':') {
        return Some((framework, number));
    }
    let mut parts = word.split('.');
    parts
        .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
        .then_some((HOME, word))
}

fn written(framework: &str, number: &str) -> String {
    if framework == HOME {
        number.to_owned()
    } else {
        format!("{framework}:{number}")
    }
}

/// Returns the numbers of that framework that come closest; of another framework if it is not known.
fn near_numbers(framework: &str, number: &str, rules: &[&Rule]) -> Vec<String> {
    let known: BTreeSet<(&str, &str)> = rules
        .iter()
        .flat_map(|rule| &rule.controls)
        .map(|control| (control.framework.as_str(), control.control.as_str()))
        .collect();
    let frameworks: BTreeSet<&str> = known.iter().map(|(framework, _)| *framework).collect();
    let lower = framework.to_lowercase();
    let Some(framework) = frameworks.get(lower.as_str()) else {
        let mut near: Vec<String> = did_you_mean(framework, frameworks.iter().copied())
            .into_iter()
            .map(|near| match known.get(&(near.as_str(), number)) {
                Some(_) => written(&near, number),
                None => format!("{near}:…"),
            })
            .collect();
        for (framework, number) in known.iter().filter(|(_, known)| *known == number) {
            let written = written(framework, number);
            if !near.contains(&written) {
                near.push(written);
            }
        }
        near.truncate(3);
        return near;
    };
    let wanted = parts(number);
    let mut near: Vec<(usize, u64, Vec<Part>, &str)> = known
        .iter()
        .filter(|(of, _)| of == framework)
        .map(|(_, number)| {
            let parts = parts(number);
            let shared = parts
                .iter()
                .zip(&wanted)
                .take_while(|(a, b)| a == b)
                .count();
            let distance = |(a, b): (&Part, &Part)| a.distance(b);
            let first = parts.iter().zip(&wanted).nth(shared).map_or(0, distance);
            (usize::MAX - shared, first, parts, *number)
        })
        .collect();
    near.sort_unstable();
    near.into_iter()
        .take(3)
        .map(|(.., number)| written(framework, number))
        .collect()
}

/// One part of a number: `V` and `242392` of `V-242392`.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Number(u64),
    Word(String),
}

impl Part {
    const fn distance(&self, other: &Self) -> u64 {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => a.abs_diff(*b),
            _ => u64::MAX,
        }
    }
}

fn parts(number: &str) -> Vec<Part> {
    number
        .split(['.', '-', '(', ')'])
        .map(|part| {
            part.parse()
                .map_or_else(|_| Part::Word(part.to_lowercase()), Part::Number)
        })
        .collect()
}

fn near_names(word: &str, rules: &[&Rule]) -> Vec<String> {
    let lower = word.to_lowercase();
    let bare = rules
        .iter()
        .flat_map(|rule| &rule.controls)
        .filter(|control| control.control.eq_ignore_ascii_case(word))
        .map(|control| written(&control.framework, &control.control));
    let names = || {
        let aliases = rules.iter().flat_map(|rule| &rule.aliases);
        rules
            .iter()
            .map(|rule| rule.id.as_str())
            .chain(aliases.map(String::as_str))
    };
    let mut near: Vec<String> = bare.chain(did_you_mean(word, names())).collect();
    if lower.len() >= 3 {
        near.extend(
            names()
                .filter(|name| name.contains(&lower))
                .map(str::to_owned),
        );
    }
    let mut seen = BTreeSet::new();
    near.retain(|name| seen.insert(name.clone()));
    near.truncate(3);
    near
}
