//! A validator for the part of JSON Schema (drafts 4, 7 and 2020-12) that the carried schemas use.
//!
//! A keyword that it does not know fails the test: nothing goes by unchecked.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use regex::Regex;
use serde_json::Value;

/// Panics with every fault of `instance`.
pub(crate) fn assert_valid(schema: &str, instance: &Value) {
    let schema = SCHEMAS.with_borrow_mut(|schemas| {
        let parsed = schemas
            .entry(schema.to_owned())
            .or_insert_with(|| Rc::new(serde_json::from_str(schema).unwrap()));
        Rc::clone(parsed)
    });
    let mut faults = Vec::new();
    check(&schema, &schema, instance, "", &mut faults);
    assert!(faults.is_empty(), "{faults:#?}");
}

fn is_valid(root: &Value, schema: &Value, instance: &Value) -> bool {
    let mut faults = Vec::new();
    check(root, schema, instance, "", &mut faults);
    faults.is_empty()
}

fn check(root: &Value, schema: &Value, instance: &Value, path: &str, faults: &mut Vec<String>) {
    if let Some(reference) = schema["$ref"].as_str() {
        let pointer = reference.strip_prefix('#').expect("a local reference");
        let target = root.pointer(pointer).expect("a definition");
        return check(root, target, instance, path, faults);
    }
    for (keyword, wanted) in schema.as_object().expect("a schema") {
        let holds = match keyword.as_str() {
            "$schema"
            | "$id"
            | "$comment"
            | "$defs"
            | "title"
            | "id"
            | "deprecated"
            | "description"
            | "default"
            | "definitions"
            | "additionalProperties" => true,
            "type" => is_of_type(wanted, instance),
            "const" => wanted == instance,
            "enum" => wanted.as_array().unwrap().contains(instance),
            "required" => wanted.as_array().unwrap().iter().all(|name| {
                let object = instance.as_object();
                object.is_none_or(|object| object.contains_key(name.as_str().unwrap()))
            }),
            "minimum" => instance
                .as_f64()
                .is_none_or(|number| number >= wanted.as_f64().unwrap()),
            "maximum" => instance
                .as_f64()
                .is_none_or(|number| number <= wanted.as_f64().unwrap()),
            "minItems" => instance
                .as_array()
                .is_none_or(|items| items.len() as u64 >= wanted.as_u64().unwrap()),
            "uniqueItems" => instance.as_array().is_none_or(|items| {
                let texts: BTreeSet<String> = items.iter().map(Value::to_string).collect();
                *wanted == Value::Bool(false) || texts.len() == items.len()
            }),
            "maxLength" => instance
                .as_str()
                .is_none_or(|text| text.chars().count() as u64 <= wanted.as_u64().unwrap()),
            "allOf" => {
                for one in wanted.as_array().unwrap() {
                    check(root, one, instance, path, faults);
                }
                true
            }
            "anyOf" => wanted
                .as_array()
                .unwrap()
                .iter()
                .any(|one| is_valid(root, one, instance)),
            "oneOf" => {
                let all = wanted.as_array().unwrap().iter();
                all.filter(|one| is_valid(root, one, instance)).count() == 1
            }
            "format" => instance
                .as_str()
                .is_none_or(|text| is_formatted(wanted.as_str().unwrap(), text)),
            "items" => {
                for (index, item) in instance.as_array().into_iter().flatten().enumerate() {
                    check(root, wanted, item, &format!("{path}/{index}"), faults);
                }
                true
            }
            "properties" => {
                properties(root, schema, instance, path, faults);
                true
            }
            "pattern" => instance
                .as_str()
                .is_none_or(|text| matches(wanted.as_str().unwrap(), text)),
            // Nothing that we write has one.
            "contentEncoding" => !instance.is_string(),
            unknown => panic!("the validator does not know the keyword {unknown}"),
        };
        if !holds {
            let instance: String = instance.to_string().chars().take(200).collect();
            faults.push(format!(
                "{path}: {keyword} {wanted} does not hold for {instance}"
            ));
        }
    }
    if schema.get("properties").is_none() {
        properties(root, schema, instance, path, faults);
    }
}

fn properties(
    root: &Value,
    schema: &Value,
    instance: &Value,
    path: &str,
    faults: &mut Vec<String>,
) {
    let others = schema.get("additionalProperties");
    for (name, value) in instance.as_object().into_iter().flatten() {
        let path = format!("{path}/{name}");
        match (
            schema
                .pointer("/properties")
                .and_then(|known| known.get(name)),
            others,
        ) {
            (Some(known), _) => check(root, known, value, &path, faults),
            (None, Some(Value::Bool(false))) => faults.push(format!("{path}: not in the schema")),
            (None, Some(others @ Value::Object(_))) => check(root, others, value, &path, faults),
            (None, _) => {}
        }
    }
}

fn is_of_type(wanted: &Value, instance: &Value) -> bool {
    if let Some(several) = wanted.as_array() {
        return several.iter().any(|one| is_of_type(one, instance));
    }
    match wanted.as_str().unwrap() {
        "object" => instance.is_object(),
        "array" => instance.is_array(),
        "string" => instance.is_string(),
        "boolean" => instance.is_boolean(),
        "integer" => instance.is_i64() || instance.is_u64(),
        "number" => instance.is_number(),
        "null" => instance.is_null(),
        unknown => panic!("no type: {unknown}"),
    }
}

thread_local! {
    static SCHEMAS: RefCell<HashMap<String, Rc<Value>>> = RefCell::default();
    static PATTERNS: RefCell<HashMap<String, Regex>> = RefCell::default();
}

fn matches(pattern: &str, text: &str) -> bool {
    PATTERNS.with_borrow_mut(|patterns| {
        let compiled = patterns
            .entry(pattern.to_owned())
            .or_insert_with(|| Regex::new(pattern).expect("a pattern"));
        compiled.is_match(text)
    })
}

fn is_formatted(format: &str, text: &str) -> bool {
    match format {
        "date-time" => text.parse::<jiff::Timestamp>().is_ok(),
        "uri" => text.contains(':') && is_uri(text),
        "uri-reference" => is_uri(text),
        unknown => panic!("the validator does not know the format {unknown}"),
    }
}

/// Whether the text has only what RFC 3986 lets stand in a reference.
fn is_uri(text: &str) -> bool {
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let fine = match byte {
            b'%' => {
                let mut digit = || bytes.next().is_some_and(|byte| byte.is_ascii_hexdigit());
                digit() && digit()
            }
            byte => byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=".contains(&byte),
        };
        if !fine {
            return false;
        }
    }
    true
}
