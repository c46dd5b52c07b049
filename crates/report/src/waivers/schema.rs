//! The JSON Schema of a file of waivers, for editors.

use kubeassay_core::{Cause, Horizon};
use serde_json::{Value, json};

use super::document::MAX_WAIVERS;
use super::reader::{KEYS, REQUIRED};

/// Returns the schema. It allows what the reader reads, as far as a schema can say it: which rules there are it does not.
pub fn schema() -> Value {
    let words = |all: Vec<&str>| json!({ "enum": all });
    let text =
        |description: &str| json!({ "type": ["string", "number"], "description": description });
    let day = |description: &str| json!({ "type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$", "description": description });
    let horizons: Vec<&str> = Horizon::ALL.iter().map(|one| one.as_str()).collect();
    let causes: Vec<&str> = Cause::ALL.iter().map(|one| one.as_str()).collect();
    let name = json!({ "type": ["string", "number"] });
    let scope = json!({
        "type": ["object", "null"],
        "additionalProperties": false,
        "description": "What it covers; everything that is named has to match.",
        "properties": {
            "nodes": {
                "description": "Names or ids of nodes, * for any run of characters.",
                "anyOf": [name, { "type": "array", "minItems": 1, "items": name }]
            },
            "cluster": text("The UID of the kube-system namespace, or the address of the API server."),
            "subject": text("The key of the subject (/var/lib/kubelet), its object (Namespace shop) or its file, * for any run of characters."),
            "horizon": words(horizons),
        }
    });
    let observed = json!({
        "description": "What was accepted. Where it changes, the waiver no longer holds.",
        "anyOf": [
            { "const": "unknown" },
            { "type": "object", "minProperties": 1, "description": "Values by setting, file or object, as scan -o wide shows them." }
        ]
    });
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "kubeassay waivers",
        "description": "Deviations that somebody accepted; read by kubeassay scan --waivers FILE.",
        "type": ["object", "null"],
        "additionalProperties": false,
        "properties": {
            "waivers": {
                "type": ["array", "null"],
                "maxItems": MAX_WAIVERS,
                "items": {
                    "type": "object",
                    "additionalProperties": false,
                    "required": KEYS.iter().take(REQUIRED).collect::<Vec<_>>(),
                    "properties": {
                        "rule": text("The rule: a number (4.2.2, cis-eks:3.2.2), an id or an alias."),
                        "scope": scope,
                        "observed": observed,
                        "cause": words(causes),
                        "reason": text("Why it was accepted."),
                        "owner": text("Who accepted it."),
                        "ticket": text("Where it was discussed."),
                        "created": day("When it was accepted."),
                        "expires": day("The last day on which it holds, in UTC."),
                    }
                }
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::schema;
    use crate::waivers::reader::{KEYS, SCOPE_KEYS};

    #[test]
    fn the_schema_knows_the_keys_that_the_reader_knows() {
        let schema = schema();
        let of = |pointer: &str| -> BTreeSet<String> {
            let found = schema.pointer(pointer).unwrap().as_object().unwrap();
            found.keys().cloned().collect()
        };
        let known = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect();
        let entry = "/properties/waivers/items/properties";
        assert_eq!(of(entry), known(KEYS));
        assert_eq!(of(&format!("{entry}/scope/properties")), known(SCOPE_KEYS));
    }
}
