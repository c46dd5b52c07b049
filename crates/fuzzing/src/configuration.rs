//! A `kubeassay.yaml`: its keys, their values, and the choices that stand in it.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use kubeassay_core::configuration::{Given, Key, KeyKind, read};
use kubeassay_core::rule::{Catalogue, SiteChoices};
use kubeassay_engine::BUNDLED_RULES;
use serde_json::Value;

use crate::rule_page::is_told;

/// The rules that are part of kubeassay.
static BUNDLED: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::prepared(&BUNDLED_RULES));

/// Reads an input as a configuration.
pub(crate) fn run(data: &[u8]) {
    let choices = SiteChoices::read_configured("kubeassay.yaml", data, &BUNDLED);
    for fault in choices.as_ref().err().into_iter().flatten() {
        is_told(data, fault);
    }
    let given = match read("kubeassay.yaml", data, &check) {
        Ok(given) => given,
        Err(faults) => {
            assert!(!faults.is_empty(), "refused without a reason");
            for fault in &faults {
                is_told(data, fault);
            }
            return;
        }
    };
    let lines = data.split(|byte| *byte == b'\n').count();
    let mut keys = BTreeSet::new();
    for one in &given {
        assert!(keys.insert(one.key.path), "{} is given twice", one.key.path);
        assert!((1..=lines).contains(&one.line), "{one:?} of {lines}");
        is_of_its_kind(one);
    }
    if !keys.contains("choices") {
        assert_eq!(
            choices,
            Ok(SiteChoices::default()),
            "without choices nothing is decided, and nothing is wrong with them"
        );
    }
    is_what_others_read(data, &given);
}

/// What the command line would say of a text; here one text is refused, so that both ways are taken.
fn check(_: &Key, text: &str) -> Result<(), String> {
    match text {
        "" | "refused" => Err("is refused".to_owned()),
        _ => Ok(()),
    }
}

fn is_of_its_kind(one: &Given) {
    let Some(values) = &one.values else {
        assert_eq!(one.key.kind, KeyKind::Choices, "{one:?} has no value");
        return;
    };
    match one.key.kind {
        KeyKind::Paths | KeyKind::Texts => {}
        KeyKind::Switch => assert!(
            matches!(values.as_slice(), [text] if text == "true" || text == "false"),
            "{one:?}"
        ),
        KeyKind::Text | KeyKind::Path | KeyKind::Choices => assert_eq!(values.len(), 1, "{one:?}"),
    }
    let taken = values
        .iter()
        .all(|text| !text.is_empty() && text != "refused");
    assert!(taken, "{one:?} was refused");
}

/// Compares texts with what a reader sees who knows nothing of places. Numbers are left out: ours keeps them as written.
fn is_what_others_read(data: &[u8], given: &[Given]) {
    // With the booleans of YAML 1.2: `yes` is a text.
    let options = serde_saphyr::options! { strict_booleans: true };
    let text = String::from_utf8_lossy(data);
    let read = serde_saphyr::from_str_with_options::<Value>(&text, options);
    let Ok(Value::Object(document)) = read else {
        return;
    };
    let document = Value::Object(document);
    for one in given {
        let mut there = Some(&document);
        for name in one.key.path.split('.') {
            there = there.and_then(|map| map.get(name));
        }
        let there = there.expect("what is given stands there");
        let texts: Vec<&Value> = match there {
            Value::Array(items) => items.iter().collect(),
            Value::Object(_) => continue,
            one => vec![one],
        };
        let values = one.values.as_deref().unwrap_or_default();
        assert_eq!(values.len(), texts.len(), "{one:?} is {there}");
        for (ours, theirs) in values.iter().zip(texts) {
            match theirs {
                Value::String(theirs) => assert_eq!(ours, theirs),
                Value::Bool(theirs) => assert_eq!(*ours, theirs.to_string()),
                _ => {}
            }
        }
    }
}
