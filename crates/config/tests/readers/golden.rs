//! What the kubelet's own libraries made of texts.
//!
//! `go-yaml.jsonl` has a text for each rule of YAML and JSON. What is expected was written down by
//! `sigs.k8s.io/yaml` 1.4.0, whose fork of yaml.v2 has the code of every kubelet from 1.20 to 1.36, and by Go's
//! `encoding/json`: `json` or `error`, and in `strict` what strict decoding said of it besides. Of errors about keys
//! the quoted Go values are left out. Go writes more escapes in JSON than it must; these are without.

use kubeassay_config::tree;
use serde::Deserialize;

use crate::show;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    text: Option<String>,
    hex: Option<String>,
    json: Option<String>,
    error: Option<String>,
    strict: Option<String>,
}

#[test]
fn texts_are_what_the_kubelets_libraries_make_of_them() {
    let mut wrong = Vec::new();
    for (number, line) in include_str!("go-yaml.jsonl").lines().enumerate() {
        let case: Case = serde_json::from_str(line).unwrap();
        let content = match (case.text, case.hex) {
            (Some(text), _) => text.into_bytes(),
            (None, hex) => bytes(&hex.unwrap()),
        };
        let read = tree::read(&content);
        let (json, error, strict) = match &read {
            Ok(document) => (
                Some(show::json(&document.root)),
                None,
                !document.duplicates.is_empty(),
            ),
            Err(error) => (None, Some(error.message.clone()), false),
        };
        let is_json = content.trim_ascii_start().starts_with(b"{");
        if json != case.json || error != case.error || !is_json && strict != case.strict.is_some() {
            wrong.push(format!("line {}: {line}\n  read: {read:?}", number + 1));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn bytes(hexadecimal: &str) -> Vec<u8> {
    let pairs = hexadecimal
        .as_bytes()
        .chunks(2)
        .map(|pair| std::str::from_utf8(pair).unwrap());
    pairs
        .map(|pair| u8::from_str_radix(pair, 16).unwrap())
        .collect()
}
