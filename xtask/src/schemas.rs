//! The JSON Schemas of the documents that kubeassay writes, and of those that people write for it.

use anyhow::Result;
use kubeassay_core::Severity;
use kubeassay_core::changes::Changes;
use kubeassay_core::configuration::{KEYS, KeyKind};
use kubeassay_core::facts::Facts;
use kubeassay_core::plan::Plan;
use kubeassay_core::report::Report;
use kubeassay_core::rule::{Assessment, Decides};
use kubeassay_core::transaction::Transaction;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

/// Returns `docs/schemas/report.v1.json`.
pub(crate) fn report() -> Result<String> {
    schema::<Report>("kubeassay.report/v1")
}

/// Returns `docs/schemas/diff.v1.json`.
pub(crate) fn diff() -> Result<String> {
    schema::<Changes>("kubeassay.diff/v1")
}

/// Returns `docs/schemas/facts.v1.json`.
pub(crate) fn facts() -> Result<String> {
    schema::<Facts>("kubeassay.facts/v1")
}

/// Returns `docs/schemas/plan.v1.json`.
pub(crate) fn plan() -> Result<String> {
    schema::<Plan>("kubeassay.plan/v1")
}

/// Returns `docs/schemas/transaction.v1.json`.
pub(crate) fn transaction() -> Result<String> {
    schema::<Transaction>("kubeassay.transaction/v1")
}

/// Returns `docs/schemas/config.v1.json`, from the one list of keys.
pub(crate) fn config() -> Result<String> {
    let mut properties = Map::new();
    for key in KEYS {
        let mut schema = match key.kind {
            // YAML makes a number of `5`.
            KeyKind::Text => json!({"type": ["string", "number"]}),
            KeyKind::Path => json!({"type": "string"}),
            KeyKind::Paths | KeyKind::Texts => json!({
                "oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]
            }),
            KeyKind::Switch => json!({"type": "boolean"}),
            KeyKind::Choices => json!({
                "oneOf": [{"type": "string"}, {"type": "object", "additionalProperties": {"type": "object"}}]
            }),
        };
        describe(&mut schema, key.description);
        match key.path.split_once('.') {
            None => {
                properties.insert(key.path.to_owned(), schema);
            }
            Some((map, name)) => {
                let map = properties.entry(map).or_insert_with(
                    || json!({"type": "object", "additionalProperties": false, "properties": {}}),
                );
                if let Some(below) = map.get_mut("properties").and_then(Value::as_object_mut) {
                    below.insert(name.to_owned(), schema);
                }
            }
        }
    }
    document(&json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "kubeassay.yaml",
        "description": "What a site configures in place of flags; see docs/configuration.md.",
        "type": ["object", "null"],
        "additionalProperties": false,
        "properties": properties,
    }))
}

/// Returns `docs/schemas/rule.v1.json`: the front matter of a rule page. What the program checks beyond it (that settings
/// exist, that types fit) is `rules lint`'s.
pub(crate) fn rule() -> Result<String> {
    let text = json!({"type": "string"});
    // YAML makes a number of `5.10`; the page's reader takes it as it is written.
    let number = json!({"type": ["string", "number"]});
    let texts = json!({"type": "array", "items": {"type": "string"}});
    let control = json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["framework", "control"],
        "properties": {"framework": text, "versions": {"type": "string"}, "control": number},
    });
    let choice = json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["name", "type"],
        "properties": {"name": text, "type": text, "default": {}, "description": text},
    });
    let fix = json!({
        "type": "object",
        "additionalProperties": false,
        "minProperties": 1,
        "maxProperties": 1,
        "properties": {"set": {"type": "object"}, "decide": text},
    });
    document(&json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "kubeassay rule page, front matter",
        "description": "The keys of a bundled page; see docs/rules.md. Pages from elsewhere may have others.",
        "type": "object",
        "additionalProperties": false,
        "required": [
            "id", "title", "framework", "control", "controls", "severity", "subject", "check", "expected"
        ],
        "dependentRequired": {"applies": ["applies-reason"], "applies-reason": ["applies"]},
        "properties": {
            "id": {"type": "string", "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$"},
            "title": text,
            "framework": text,
            "control": number,
            "controls": {"type": "array", "items": control},
            "aliases": texts,
            "severity": {"enum": Severity::ALL.iter().map(|one| one.as_str()).collect::<Vec<_>>()},
            "level": {"enum": [1, 2]},
            "assessment": {"enum": Assessment::ALL.iter().map(|one| one.as_str()).collect::<Vec<_>>()},
            "subject": text,
            "files": text,
            "decides": {"enum": Decides::ALL.iter().map(|one| one.as_str()).collect::<Vec<_>>()},
            "check": text,
            "applies": text,
            "applies-reason": text,
            "expected": text,
            "choices": {"type": "array", "items": choice},
            "fix": fix,
            "rule_category": {}, "scope": {}, "source": {}, "security": {}, "kind": {}, "type": {}, "disable_edit": {},
        },
    }))
}

/// Returns `docs/schemas/waivers.v1.json`: what people write, so that its reader says what is allowed.
pub(crate) fn waivers() -> Result<String> {
    document(&kubeassay_report::waivers::schema())
}

fn describe(schema: &mut Value, description: &str) {
    if let Some(schema) = schema.as_object_mut() {
        schema.insert("description".to_owned(), description.into());
    }
}

fn document(schema: &Value) -> Result<String> {
    let mut text = serde_json::to_string_pretty(schema)?;
    text.push('\n');
    Ok(text)
}

fn schema<T: JsonSchema>(title: &str) -> Result<String> {
    // Documents are what is written, so a field that may be absent when read is still always there.
    let generator = SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator();
    let mut schema = generator.into_root_schema_for::<T>();
    schema.insert("title".to_owned(), title.into());
    let mut text = serde_json::to_string_pretty(&schema)?;
    text.push('\n');
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use kubeassay_core::rule::yaml::Node;

    use super::*;

    /// Returns the keys of each bundled page.
    fn pages(folder: &Path, pages: &mut Vec<(String, BTreeSet<String>)>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                self::pages(&path, pages);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                let text = std::fs::read_to_string(&path).unwrap();
                let Some(front) = text.strip_prefix("---\n") else {
                    continue;
                };
                let front = front.split("\n---\n").next().unwrap();
                let front = Node::parse(front, 0).unwrap();
                let keys = front.entries().unwrap().iter();
                let keys = keys.map(|entry| entry.key.clone()).collect();
                pages.push((path.display().to_string(), keys));
            }
        }
    }

    /// The schema of pages is written by hand; what the reader takes must not be a mistake in an editor.
    #[test]
    fn every_page_has_the_keys_of_its_schema() {
        let schema: Value = serde_json::from_str(&rule().unwrap()).unwrap();
        let known = schema["properties"].as_object().unwrap();
        let required = schema["required"].as_array().unwrap();
        let mut all = Vec::new();
        pages(&crate::generate::root().join("rules"), &mut all);
        assert!(all.len() > 100, "{}", all.len());
        for (page, keys) in all {
            let strange: Vec<&String> = keys
                .iter()
                .filter(|key| !known.contains_key(*key))
                .collect();
            assert!(strange.is_empty(), "{page}: {strange:?}");
            let missing = required
                .iter()
                .filter(|key| !keys.contains(key.as_str().unwrap()));
            assert_eq!(missing.count(), 0, "{page}");
        }
    }

    #[test]
    fn the_schema_of_the_configuration_has_every_key() {
        let schema: Value = serde_json::from_str(&config().unwrap()).unwrap();
        for key in KEYS {
            let place = format!(
                "/properties/{}/description",
                key.path.replace('.', "/properties/")
            );
            assert_eq!(
                schema.pointer(&place),
                Some(&key.description.into()),
                "{}",
                key.path
            );
        }
    }
}
