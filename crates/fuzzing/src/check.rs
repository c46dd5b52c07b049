//! A check: an expression of CEL over settings, some of them unknown.
//!
//! The property is the one that keeps a false pass out: what an expression comes to although settings are
//! unknown, it comes to whatever they are.

use std::collections::{BTreeMap, BTreeSet};

use kubeassay_core::rule::{
    Catalogue, Document, Evaluation, Outcome, Reading, Replacing, Rule, Schema as _, SettingType,
    Settings,
};
use kubeassay_core::{Cause, Value};
use kubeassay_engine::schema::Components;

use crate::input::{Choices, Parts};

/// How many times the unknown settings are given values.
const WORLDS: usize = 4;

/// Compiles the first part and evaluates it over settings that the second one chooses.
pub(crate) fn run(data: &[u8]) {
    let mut parts = Parts::new(data);
    let expression = parts.next_text();
    let mut choices = Choices::new(parts.next());
    let mut catalogue = Catalogue::default();
    let page = format!(
        "---\nid: fuzzed\ntitle: a fuzzed rule\nseverity: high\nsubject: kubelet\nexpected: anything\ncheck: {}\n---\n\n## Description\n\nA rule.\n",
        serde_json::to_string(&expression).expect("a text is JSON")
    );
    let document = Document {
        file: "fuzzed.md",
        bytes: page.as_bytes(),
    };
    let faults = catalogue.add(&[document], Replacing::Refused, &Components);
    let Some(rule) = catalogue.get("fuzzed") else {
        assert!(!faults.is_empty(), "refused without a word: {page}");
        return;
    };
    let Some(check) = rule.check() else { return };
    let mut partial = World::default();
    for name in check.names() {
        let Some(kind) = Components.setting(&name) else {
            continue;
        };
        if choices.one_in(2) {
            partial.unknown.insert(name.clone());
        } else {
            partial
                .known
                .insert(name.clone(), value(&kind, &mut choices));
        }
    }
    let with_unknown = evaluate(rule, &partial);
    assert_eq!(
        with_unknown,
        evaluate(rule, &partial),
        "the same settings, another outcome"
    );
    read_is_evidence(&with_unknown, &partial);
    for _ in 0..WORLDS {
        let mut whole = World {
            known: partial.known.clone(),
            unknown: BTreeSet::new(),
        };
        for name in &partial.unknown {
            let kind = Components.setting(name).expect("it had one before");
            whole.known.insert(name.clone(), value(&kind, &mut choices));
        }
        let outcome = evaluate(rule, &whole).outcome;
        assert!(
            !matches!(outcome, Outcome::Unknown(_)),
            "unknown though all is known: {expression}: {outcome:?}"
        );
        if matches!(with_unknown.outcome, Outcome::Holds | Outcome::Fails) {
            assert_eq!(
                with_unknown.outcome, outcome,
                "decided without {:?}, and another outcome with {:?}: {expression}",
                partial.unknown, whole.known
            );
        }
    }
}

/// Asserts that what made the outcome unknown was read and is unknown.
fn read_is_evidence(evaluation: &Evaluation, world: &World) {
    let read: BTreeSet<&String> = evaluation.read.iter().collect();
    assert_eq!(
        read.len(),
        evaluation.read.len(),
        "each setting is listed once"
    );
    if let Outcome::Unknown(unknown) = &evaluation.outcome {
        assert!(!unknown.is_empty(), "unknown, and nothing is");
        for setting in unknown {
            assert!(
                world.unknown.contains(&setting.setting),
                "{setting:?} is known"
            );
            assert!(read.contains(&setting.setting), "{setting:?} was not read");
        }
    }
}

fn evaluate(rule: &Rule, world: &World) -> Evaluation {
    rule.evaluate(world, &BTreeMap::new())
        .expect("the rule has a check")
}

/// Settings, some of them unknown.
#[derive(Default)]
struct World {
    known: BTreeMap<String, Value>,
    unknown: BTreeSet<String>,
}

impl Settings for World {
    fn read(&self, setting: &str) -> Reading {
        if self.unknown.contains(setting) {
            return Reading::Unknown {
                cause: Cause::Denied,
                reason: "it could not be read".to_owned(),
            };
        }
        self.known
            .get(setting)
            .cloned()
            .map_or(Reading::NoSuchSetting, Reading::Value)
    }
}

/// Returns a value of a type; a setting of any type may be unset.
fn value(kind: &SettingType, choices: &mut Choices<'_>) -> Value {
    let words = [
        "",
        "Webhook",
        "AlwaysAllow",
        "RotateKubeletServerCertificate",
        "10Mi",
        "*",
        "None",
    ];
    let numbers = [0, 1, -1, 10_255, 300_000_000_000, i64::MAX, i64::MIN];
    if choices.one_in(8) {
        return Value::Null;
    }
    match kind {
        SettingType::Bool => Value::Bool(choices.one_in(2)),
        SettingType::Int => Value::Int(numbers[choices.below(numbers.len())]),
        SettingType::Float => Value::Float([0.0, 0.5, -1.0, 1e300][choices.below(4)]),
        SettingType::String | SettingType::Any => Value::string(words[choices.below(words.len())]),
        SettingType::Duration => Value::Duration(numbers[choices.below(numbers.len())]),
        SettingType::Quantity => Value::string(["10Mi", "0", "1k", "1.5Gi"][choices.below(4)]),
        SettingType::List(of) => {
            Value::List((0..choices.below(4)).map(|_| value(of, choices)).collect())
        }
        SettingType::Map(of) => {
            let entries = (0..choices.below(4)).map(|_| {
                let key = words[choices.below(words.len())].to_owned();
                (key, value(of, choices))
            });
            Value::Map(entries.collect())
        }
    }
}
