//! Tables of what checks come to: absorption, evidence, faults.

use std::collections::BTreeMap;

use super::{Check, Choices, Evaluation, Outcome};
use crate::rule::fixtures::Known;
use crate::rule::front_matter::Choice;
use crate::rule::setting::SettingType;
use crate::value::Value;

/// `t`, `f`: booleans; `u`, `v`: unknown; the rest by their type.
fn settings() -> Known {
    let gates = BTreeMap::from([
        ("On".to_owned(), Value::Bool(true)),
        ("a.b/c".to_owned(), Value::Int(1)),
    ]);
    let list = Value::List(vec![Value::string("x"), Value::string("y")]);
    Known::new(
        [
            ("kubelet.t", Value::Bool(true)),
            ("kubelet.f", Value::Bool(false)),
            ("kubelet.port", Value::Int(0)),
            ("kubelet.a.mode", Value::string("Webhook")),
            ("kubelet.timeout", Value::Duration(14_400_000_000_000)),
            ("kubelet.size", Value::string("10Mi")),
            ("kubelet.none", Value::Null),
            ("kubelet.list", list),
            ("kubelet.gates", Value::Map(gates)),
            (
                "kubelet.secret",
                Value::Redacted {
                    sha256: "ab".to_owned(),
                    length: 2,
                },
            ),
            ("kubelet.float", Value::Float(0.5)),
        ],
        &["kubelet.u", "kubelet.v"],
    )
}

fn choices() -> Vec<Choice> {
    let choice = |name: &str, default| Choice {
        name: name.to_owned(),
        kind: SettingType::Any,
        default,
        description: String::new(),
    };
    vec![
        choice("floor", Some(Value::Duration(1))),
        choice("open", None),
        choice("chosen", Some(Value::Int(1))),
    ]
}

fn evaluate(source: &str) -> Evaluation {
    let chosen = BTreeMap::from([("chosen".to_owned(), Value::Int(2))]);
    let choices = Choices {
        declared: &choices(),
        chosen: &chosen,
    };
    Check::compile(source)
        .unwrap()
        .evaluate(&settings(), choices)
}

/// Returns the outcome in a word or two.
fn outcome(source: &str) -> String {
    match evaluate(source).outcome {
        Outcome::Holds => "holds".to_owned(),
        Outcome::Fails => "fails".to_owned(),
        Outcome::NotApplicable(_) => "not applicable".to_owned(),
        Outcome::Unknown(unknown) => {
            let names: Vec<&str> = unknown.iter().map(|it| it.setting.as_str()).collect();
            format!("unknown {}", names.join(" "))
        }
        Outcome::NeedsChoice(name) => format!("choice {name}"),
        Outcome::Faulty(reason) => format!("faulty: {reason}"),
    }
}

#[test]
fn an_unknown_setting_is_absorbed_only_where_the_other_side_decides() {
    for (source, expected) in [
        ("kubelet.u", "unknown kubelet.u"),
        ("!kubelet.u", "unknown kubelet.u"),
        ("kubelet.u == 1", "unknown kubelet.u"),
        ("kubelet.u == null", "unknown kubelet.u"),
        ("kubelet.u != null", "unknown kubelet.u"),
        ("kubelet.u == kubelet.u", "unknown kubelet.u"),
        ("kubelet.u == kubelet.v", "unknown kubelet.u"),
        ("has(kubelet.u.x)", "unknown kubelet.u"),
        ("kubelet.u.x", "unknown kubelet.u"),
        (r#""x" in kubelet.u"#, "unknown kubelet.u"),
        ("kubelet.u in kubelet.list", "unknown kubelet.u"),
        ("kubelet.u.all(x, true)", "unknown kubelet.u"),
        ("kubelet.u.exists(x, false)", "unknown kubelet.u"),
        ("size(kubelet.u) == 0", "unknown kubelet.u"),
        ("[kubelet.u] == []", "unknown kubelet.u"),
        ("{'a': kubelet.u} == {}", "unknown kubelet.u"),
        // Both orders of && and ||.
        ("kubelet.u && kubelet.f", "fails"),
        ("kubelet.f && kubelet.u", "fails"),
        ("kubelet.u && kubelet.t", "unknown kubelet.u"),
        ("kubelet.t && kubelet.u", "unknown kubelet.u"),
        ("kubelet.u || kubelet.t", "holds"),
        ("kubelet.t || kubelet.u", "holds"),
        ("kubelet.u || kubelet.f", "unknown kubelet.u"),
        ("kubelet.f || kubelet.u", "unknown kubelet.u"),
        ("kubelet.u && kubelet.v", "unknown kubelet.u kubelet.v"),
        ("kubelet.v || kubelet.u", "unknown kubelet.v kubelet.u"),
        ("kubelet.u && kubelet.u", "unknown kubelet.u"),
        ("!(kubelet.u && kubelet.f)", "holds"),
        ("!(kubelet.u || kubelet.t)", "fails"),
        (
            "kubelet.u == 1 && kubelet.v == 2 && kubelet.port == 1",
            "fails",
        ),
        (
            "kubelet.u == 1 || kubelet.v == 2 || kubelet.port == 0",
            "holds",
        ),
        // What was absorbed is not named.
        ("(kubelet.u || kubelet.t) && kubelet.v", "unknown kubelet.v"),
        ("kubelet.v && (kubelet.u || kubelet.t)", "unknown kubelet.v"),
        ("(kubelet.u && kubelet.f) || kubelet.v", "unknown kubelet.v"),
        // `?:` needs its condition, and reads one branch.
        ("kubelet.u ? true : true", "unknown kubelet.u"),
        ("kubelet.t ? kubelet.port == 0 : kubelet.u", "holds"),
        ("kubelet.f ? kubelet.u : kubelet.port == 1", "fails"),
        ("(kubelet.t ? 0 : kubelet.u) == 0", "holds"),
        ("kubelet.t ? kubelet.u : true", "unknown kubelet.u"),
        // Comprehensions: one element decides, wherever it stands.
        ("['x', 'y'].all(e, kubelet.u == e)", "unknown kubelet.u"),
        (
            "kubelet.list.exists(e, e == 'x' || kubelet.u == e)",
            "holds",
        ),
        (
            "kubelet.list.exists(e, kubelet.u == e || e == 'y')",
            "holds",
        ),
        (
            "kubelet.list.exists(e, e == 'z' || kubelet.u == e)",
            "unknown kubelet.u",
        ),
        ("kubelet.list.all(e, e == 'x' && kubelet.u == e)", "fails"),
        ("kubelet.list.all(e, kubelet.u == e && e == 'y')", "fails"),
        (
            "kubelet.list.all(e, e != 'z' && kubelet.u == e)",
            "unknown kubelet.u",
        ),
        (
            "kubelet.list.all(e, (e == 'x' ? kubelet.u : false) == true)",
            "fails",
        ),
        (
            "kubelet.list.exists(e, (e == 'x' ? kubelet.u : true) == true)",
            "holds",
        ),
        (
            "kubelet.list.exists_one(e, kubelet.u == e)",
            "unknown kubelet.u",
        ),
        (
            "kubelet.list.filter(e, kubelet.u == e).size() == 0",
            "unknown kubelet.u",
        ),
        (
            "kubelet.list.map(e, kubelet.u).size() == 2",
            "unknown kubelet.u",
        ),
        ("[].all(e, kubelet.u == e)", "holds"),
        // Inside an operand of a comparison the same holds.
        ("(kubelet.u && kubelet.f) == false", "holds"),
        ("(kubelet.u || kubelet.f) == false", "unknown kubelet.u"),
        ("(kubelet.u || kubelet.t) == kubelet.v", "unknown kubelet.v"),
    ] {
        assert_eq!(outcome(source), expected, "{source}");
    }
}

#[test]
fn values_are_what_cel_makes_of_them() {
    for (source, expected) in [
        ("kubelet.t", "holds"),
        ("kubelet.port == 0", "holds"),
        ("kubelet.port != 0", "fails"),
        (r#"kubelet.a.mode != "AlwaysAllow""#, "holds"),
        (r#"kubelet["a"].mode == "Webhook""#, "holds"),
        (r#"kubelet.a["mode"].startsWith("Web")"#, "holds"),
        (r#"kubelet.timeout == duration("4h")"#, "holds"),
        (
            r#"kubelet.timeout > duration("5m") && kubelet.timeout != 0"#,
            "holds",
        ),
        (r#"quantity(kubelet.size) == quantity("10Mi")"#, "holds"),
        (r#"quantity(kubelet.size) >= quantity("100Mi")"#, "fails"),
        ("kubelet.none == null", "holds"),
        ("kubelet.none == 0", "fails"),
        ("kubelet.float < 1.0", "holds"),
        (r#"kubelet.list == ["x", "y"]"#, "holds"),
        (r#"kubelet.list[1] == "y" && "x" in kubelet.list"#, "holds"),
        ("kubelet.gates.On", "holds"),
        ("has(kubelet.gates.On) && kubelet.gates.On", "holds"),
        ("has(kubelet.gates.Off)", "fails"),
        (r#""On" in kubelet.gates && kubelet.gates["On"]"#, "holds"),
        (r#"kubelet.gates["a.b/c"] == 1"#, "holds"),
        ("kubelet.gates.exists(name, name == 'On')", "holds"),
        (r#"kubelet.list.all(e, e.matches("^[xy]$"))"#, "holds"),
        ("[1, 2].all(kubelet, kubelet > 0)", "holds"),
        ("type(kubelet.port) == int", "holds"),
        // Choices: default, chosen, open.
        ("choices.floor == 1", "holds"),
        ("choices.chosen == 2", "holds"),
        ("choices.open == 1", "choice open"),
        ("choices.open == 1 || kubelet.t", "holds"),
        ("choices.open == 1 && kubelet.u", "unknown kubelet.u"),
        ("kubelet.u && choices.open == 1", "unknown kubelet.u"),
        // A secret's value was never taken.
        ("kubelet.secret == ''", "unknown kubelet.secret"),
    ] {
        assert_eq!(outcome(source), expected, "{source}");
    }
}

#[test]
fn any_other_error_is_a_fault_of_the_page() {
    for (source, expected) in [
        (
            "kubelet.port",
            "the expression must be true or false, but a part of it is of type int",
        ),
        (
            "kubelet.port && true",
            "the expression must be true or false, but a part of it is of type int",
        ),
        ("kubelet.nope == 1", "there is no setting `kubelet.nope`"),
        ("kubelet.a == 1", "there is no setting `kubelet.a`"),
        ("has(kubelet.a.mode)", "there is no setting `kubelet.a`"),
        (
            "kubelet == 1",
            "`kubelet` is not a setting: name one below it",
        ),
        ("etcd.x == 1", "there is no setting `etcd.x`"),
        (
            "kubelet.port.x == 1",
            "`x` is asked of a value that is not a map",
        ),
        (
            "kubelet.gates.Off",
            "the map has no entry `Off`; ask with `has(…)` or `in` first",
        ),
        ("kubelet.none < 1", "`<` cannot be applied to null and int"),
        ("choices.nope", "the page declares no choice `nope`"),
        ("kubelet.list[7] == ''", ""),
        ("1 / kubelet.port == 1", ""),
        ("9223372036854775807 + 1 == 0", ""),
        ("nope(1)", ""),
        ("kubelet.list.matches('x')", ""),
        ("kubelet.a.mode.matches('(')", ""),
        (
            "duration('4 h') == 1",
            "`4 h` is no duration; write it like `4h`, `1h30m` or `250ms`",
        ),
        (
            "quantity('x') == 1",
            "`x` is no quantity; write it like `100Mi`, `1.5G` or `500m`",
        ),
        // A fault is not hidden behind an unknown setting, in whatever order.
        (
            "kubelet.u && kubelet.nope",
            "there is no setting `kubelet.nope`",
        ),
        (
            "kubelet.nope && kubelet.u",
            "there is no setting `kubelet.nope`",
        ),
        ("kubelet.u || 1 / 0 == 1", ""),
    ] {
        let outcome = outcome(source);
        assert!(outcome.starts_with("faulty: "), "{source}: {outcome}");
        assert!(outcome.ends_with(expected), "{source}: {outcome}");
    }
}

#[test]
fn the_evidence_is_what_this_evaluation_read() {
    for (source, read) in [
        ("kubelet.t || kubelet.u", vec!["kubelet.t"]),
        ("kubelet.u || kubelet.t", vec!["kubelet.u", "kubelet.t"]),
        (
            "kubelet.t && kubelet.port == 0 && kubelet.t",
            vec!["kubelet.t", "kubelet.port"],
        ),
        (
            "kubelet.f ? kubelet.u : kubelet.port == 0",
            vec!["kubelet.f", "kubelet.port"],
        ),
        (
            "has(kubelet.gates.Off) && kubelet.gates.Off",
            vec!["kubelet.gates"],
        ),
        ("kubelet.gates.On", vec!["kubelet.gates"]),
        ("[1, 2, 3].all(x, x > kubelet.port)", vec!["kubelet.port"]),
        ("[].all(x, x > kubelet.port)", vec![]),
        ("choices.floor == 1", vec![]),
        ("kubelet.nope == 1", vec![]),
    ] {
        assert_eq!(evaluate(source).read, read, "{source}");
    }
}

#[test]
fn a_check_can_be_shared_between_threads() {
    const fn shared<T: Send + Sync>() {}
    shared::<Check>();
    shared::<crate::rule::Rule>();
    shared::<crate::rule::Catalogue>();
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(512))]

    #[test]
    fn no_text_makes_a_check_panic(source in "\\PC{0,80}") {
        if let Ok(check) = Check::compile(&source) {
            drop(check.evaluate(&settings(), Choices { declared: &choices(), chosen: &BTreeMap::new() }));
        }
    }

    #[test]
    fn no_words_of_cel_make_a_check_panic(words in proptest::collection::vec(proptest::sample::select(vec![
        "kubelet", ".", "u", "t", "list", "gates", "port", "[", "]", "(", ")", "{", "}", ",", ":", "?", "&&", "||",
        "!", "==", "<", "+", "-", "*", "/", "%", "in", "1", "0", "-9223372036854775808", "9223372036854775807", "1.5",
        "1u", "'x'", "b'x'", "null", "true", "all", "exists", "map", "has", "x", "size", "matches", "duration",
        "quantity", "type", "int", "uint", "choices", "open", "@", "`", "\"", "\n", "//", "é",
    ]), 0..40)) {
        let source = words.join(" ");
        if let Ok(check) = Check::compile(&source) {
            drop(check.evaluate(&settings(), Choices { declared: &choices(), chosen: &BTreeMap::new() }));
            drop(check.expression().unwrap().places());
        }
    }

    /// Random logic over true, false and unknown agrees with three-valued logic.
    #[test]
    fn logic_is_kleenes(words in proptest::collection::vec(0..6_usize, 1..24)) {
        let (source, expected) = logic(&mut words.iter().copied(), 0);
        let outcome = evaluate(&source).outcome;
        match expected {
            Some(true) => proptest::prop_assert_eq!(outcome, Outcome::Holds),
            Some(false) => proptest::prop_assert_eq!(outcome, Outcome::Fails),
            None => proptest::prop_assert!(matches!(outcome, Outcome::Unknown(_)), "{}: {:?}", source, outcome),
        }
    }
}

fn logic(words: &mut impl Iterator<Item = usize>, depth: usize) -> (String, Option<bool>) {
    let deep = depth > 6;
    match words.next().map(|word| if deep { word % 3 } else { word }) {
        None | Some(0) => ("kubelet.u".to_owned(), None),
        Some(1) => ("kubelet.t".to_owned(), Some(true)),
        Some(2) => ("kubelet.f".to_owned(), Some(false)),
        Some(3) => {
            let (source, value) = logic(words, depth + 1);
            (format!("!({source})"), value.map(|value| !value))
        }
        Some(word) => {
            let ((left, a), (right, b)) = (logic(words, depth + 1), logic(words, depth + 1));
            let (operator, deciding) = if word == 4 {
                ("&&", false)
            } else {
                ("||", true)
            };
            let value = match (a, b) {
                (Some(a), _) if a == deciding => Some(deciding),
                (_, Some(b)) if b == deciding => Some(deciding),
                (Some(_), Some(_)) => Some(!deciding),
                _ => None,
            };
            (format!("({left} {operator} {right})"), value)
        }
    }
}
