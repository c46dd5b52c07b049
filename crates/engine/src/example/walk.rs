//! A walk over all bundled rules: each can pass and fail, by one setting turned over; each is unknown where nothing is
//! known, and where a setting that decides is not; and what each says of a component that was given nothing.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use kubeassay_core::rule::{
    Catalogue, Check, ExampleHost, Outcome, Reading, Rule, Schema as _, SettingType, Settings,
};
use kubeassay_core::{Bytes, Cause, Component, Value};

use super::{facts, options};
use crate::BUNDLED_RULES;
use crate::judgement::Judge;
use crate::schema::Components;

/// How many assignments are tried for a rule.
const MOST: usize = 200_000;

/// Settings that have these values; those that are not named are not known.
#[derive(Clone)]
struct Given(BTreeMap<String, Value>);

impl Settings for Given {
    fn read(&self, setting: &str) -> Reading {
        match self.0.get(setting) {
            Some(value) => Reading::Value(value.clone()),
            None if Components.setting(setting).is_some() => Reading::Unknown {
                cause: Cause::Denied,
                reason: "it was not read".to_owned(),
            },
            None => Reading::NoSuchSetting,
        }
    }
}

/// Returns the texts in quotes and the numbers that stand in an expression.
fn literals(check: &Check) -> (Vec<String>, Vec<i64>) {
    let source = check.source();
    let mut texts = Vec::new();
    let mut rest = source;
    while let Some(start) = rest.find(['"', '\'']) {
        let quote = &rest[start..=start];
        let after = &rest[start + 1..];
        let Some(end) = after.find(quote) else { break };
        texts.push(after[..end].to_owned());
        rest = &after[end + 1..];
    }
    let words = source.split(|c: char| !c.is_ascii_alphanumeric() && c != '.' && c != '_');
    let numbers = words.filter_map(|word| word.parse().ok());
    (texts, numbers.collect())
}

/// Returns values of a type that an expression with these literals may tell apart.
fn candidates(kind: &SettingType, texts: &[String], numbers: &[i64]) -> Vec<Value> {
    let words = || texts.iter().map(|text| Value::string(text.as_str()));
    match kind {
        SettingType::Bool => vec![Value::Bool(true), Value::Bool(false)],
        SettingType::Int => {
            let modes = texts
                .iter()
                .filter_map(|text| i64::from_str_radix(text, 8).ok());
            let around = numbers
                .iter()
                .copied()
                .chain(modes)
                .flat_map(|n| [n - 1, n, n + 1]);
            around.chain([0, -1, 0o7777]).map(Value::Int).collect()
        }
        SettingType::Duration => {
            let named = texts
                .iter()
                .filter_map(|text| kubeassay_core::rule::parse_duration(text).ok());
            let around = named.flat_map(|n| [n - 1, n, n + 1]);
            around.chain([0, 1]).map(Value::Duration).collect()
        }
        SettingType::List(_) => {
            let all: Vec<Value> = words().collect();
            let each = words().map(|word| Value::List(vec![word]));
            let other = Value::List(vec![Value::string("other")]);
            [Value::List(Vec::new()), Value::List(all), other]
                .into_iter()
                .chain(each)
                .collect()
        }
        SettingType::Map(_) => {
            let keys: Vec<&String> = texts.iter().collect();
            let all_of = |value: &Value| {
                let entries = keys.iter().map(|key| ((*key).clone(), value.clone()));
                Value::Map(entries.collect())
            };
            let values = words().chain([Value::Bool(true), Value::Bool(false)]);
            let filled: Vec<Value> = values.map(|value| all_of(&value)).collect();
            [Value::Map(BTreeMap::new())]
                .into_iter()
                .chain(filled)
                .collect()
        }
        SettingType::String | SettingType::Quantity => {
            let shaped = ["", "other", "0.0.0.0", "127.0.0.1", "10Mi"].map(Value::string);
            words().chain(shaped).collect()
        }
        SettingType::Float => vec![Value::Float(0.0), Value::Float(1.0)],
        SettingType::Any => vec![Value::Null, Value::string("other")],
    }
}

/// What a rule's expressions read, each with the values that are tried.
struct Space {
    settings: Vec<(String, Vec<Value>)>,
    choices: Vec<(String, Vec<Value>)>,
}

impl Space {
    fn of(rule: &Rule) -> Self {
        let checks: Vec<&Check> = rule
            .check()
            .into_iter()
            .chain(rule.applies().map(|(check, _)| check))
            .collect();
        let (mut texts, mut numbers) = (Vec::new(), Vec::new());
        for check in &checks {
            let (more_texts, more_numbers) = literals(check);
            texts.extend(more_texts);
            numbers.extend(more_numbers);
        }
        // Names of entries that an expression selects are keys too.
        let names: Vec<String> = checks.iter().flat_map(|check| check.names()).collect();
        let mut settings: Vec<(String, SettingType)> = Vec::new();
        for name in &names {
            let mut whole = name.as_str();
            let kind = loop {
                match (Components.setting(whole), whole.rsplit_once('.')) {
                    (Some(kind), _) => break Some(kind),
                    (None, Some((shorter, key))) => {
                        texts.push(key.to_owned());
                        whole = shorter;
                    }
                    (None, None) => break None,
                }
            };
            if let Some(kind) = kind
                && !settings.iter().any(|(known, _)| known == whole)
            {
                settings.push((whole.to_owned(), kind));
            }
        }
        let tried = |kind: &SettingType| {
            let mut values: Vec<Value> = Vec::new();
            for value in candidates(kind, &texts, &numbers) {
                if !values.contains(&value) {
                    values.push(value);
                }
            }
            values
        };
        let choices = rule.choices().iter().map(|choice| {
            let mut values = tried(&choice.kind);
            values.splice(0..0, choice.default.clone());
            (choice.name.clone(), values)
        });
        Self {
            choices: choices.collect(),
            settings: settings
                .iter()
                .map(|(name, kind)| (name.clone(), tried(kind)))
                .collect(),
        }
    }

    /// Returns the assignment of this number, if there are so many: settings and choices.
    fn assignment(&self, mut number: usize) -> Option<(Given, BTreeMap<String, Value>)> {
        let mut given = BTreeMap::new();
        let mut chosen = BTreeMap::new();
        let settings = self.settings.iter().map(|one| (one, true));
        let choices = self.choices.iter().map(|one| (one, false));
        for ((name, values), setting) in settings.chain(choices) {
            let value = values[number % values.len()].clone();
            number /= values.len();
            if setting {
                given.insert(name.clone(), value);
            } else {
                chosen.insert(name.clone(), value);
            }
        }
        (number == 0).then_some((Given(given), chosen))
    }
}

/// Returns what is wrong with a rule, if anything is.
fn fault(rule: &Rule) -> Option<String> {
    let space = Space::of(rule);
    let judge = |given: &Given, chosen: &BTreeMap<String, Value>| {
        rule.evaluate(given, chosen)
            .map(|evaluation| evaluation.outcome)
    };
    let nothing = judge(&Given(BTreeMap::new()), &BTreeMap::new());
    if matches!(nothing, Some(Outcome::Holds | Outcome::Fails)) {
        return Some(format!("of nothing it says {nothing:?}"));
    }
    let mut turned = false;
    let mut unread = false;
    for number in 0..MOST {
        let Some((given, chosen)) = space.assignment(number) else {
            break;
        };
        if judge(&given, &chosen) != Some(Outcome::Holds) {
            continue;
        }
        for (name, values) in &space.settings {
            let mut other = given.clone();
            turned |= values.iter().any(|value| {
                other.0.insert(name.clone(), value.clone());
                judge(&other, &chosen) == Some(Outcome::Fails)
            });
            let mut without = given.clone();
            without.0.remove(name);
            match judge(&without, &chosen) {
                Some(Outcome::Unknown(_)) => unread = true,
                Some(Outcome::Fails) => return Some(format!("{name} not read fails")),
                _ => {}
            }
        }
        if turned && unread {
            return None;
        }
    }
    Some(format!("turned over: {turned}, unread: {unread}"))
}

/// Rules that compare what witnesses said have no settings of their own that could be turned over here.
const COMPARING: [&str; 1] = ["kubelet-witnesses-agree"];

/// Rules that the site alone decides: what was found is shown, and turns nothing over.
const CHOSEN: [&str; 1] = ["secrets-external-store"];

#[test]
fn every_rule_turns_over_with_a_setting_and_knows_nothing_of_what_was_not_read() {
    let catalogue = Catalogue::prepared(&BUNDLED_RULES);
    let rules = catalogue
        .rules()
        .filter(|rule| !COMPARING.contains(&rule.id()) && !CHOSEN.contains(&rule.id()));
    let faults: Vec<String> = rules
        .filter_map(|rule| Some(format!("{}: {}", rule.id(), fault(rule)?)))
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// What was given nothing has the defaults of its version: looked through by hand, so that none passes on nothing but
/// where the default is right.
#[test]
fn what_each_rule_says_of_a_component_that_was_given_nothing() {
    let catalogue = Catalogue::prepared(&BUNDLED_RULES);
    let mut text = String::new();
    for rule in catalogue.rules() {
        let Some(component) = rule.subject().and_then(Component::parse) else {
            continue;
        };
        let mut verdicts = Vec::new();
        for version in [20, 28, 36] {
            let mut host = ExampleHost::kubeadm("");
            host.files.clear();
            host.argv = vec![component.as_str().to_owned()];
            let mut facts = facts(&host);
            for process in &mut facts.processes {
                process.exe = Some(Bytes::from(component.as_str()));
            }
            let options = options(Some(kubeassay_config::tables::Minor(version)));
            let rules = [rule];
            let judged = Judge::new(&rules, &options).node(&facts);
            let finding = judged.findings.first();
            verdicts.push(finding.map_or("-", |finding| finding.verdict.as_str()));
        }
        verdicts.dedup();
        let _ = writeln!(text, "{:55} {}", rule.id(), verdicts.join(" -> "));
    }
    insta::assert_snapshot!(text);
}
