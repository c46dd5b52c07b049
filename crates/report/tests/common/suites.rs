//! What the schemas of `JUnit` XML ask for.

use std::collections::BTreeMap;

use roxmltree::{Document, Node};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Element {
    required: Vec<String>,
    allowed: Vec<String>,
    children: Vec<String>,
    token: Vec<String>,
}

/// Returns what is wrong with a document.
pub(crate) fn faults(text: &str) -> Vec<String> {
    let schema: BTreeMap<String, Element> =
        serde_saphyr::from_str(include_str!("../schemas/junit.yaml")).unwrap();
    let document = Document::parse(text).unwrap();
    let mut faults = Vec::new();
    for element in document.descendants().filter(Node::is_element) {
        let name = element.tag_name().name();
        let Some(wanted) = schema.get(name) else {
            faults.push(format!("{name} is no element"));
            continue;
        };
        for required in &wanted.required {
            if !element.has_attribute(required.as_str()) {
                faults.push(format!("{name} has no {required}"));
            }
        }
        for attribute in element.attributes() {
            let has = |list: &[String]| list.iter().any(|one| one == attribute.name());
            if !has(&wanted.required) && !has(&wanted.allowed) {
                faults.push(format!("{name} has {}", attribute.name()));
            }
            let value = attribute.value();
            let token = value.split(' ').all(|word| !word.is_empty());
            if has(&wanted.token) && !token {
                faults.push(format!("{name} {}: no token: {value:?}", attribute.name()));
            }
        }
        let place = |child: &Node<'_, '_>| {
            let name = child.tag_name().name();
            wanted.children.iter().position(|one| one == name)
        };
        let places: Vec<_> = element
            .children()
            .filter(Node::is_element)
            .map(|child| place(&child))
            .collect();
        if places.contains(&None) || !places.is_sorted() {
            faults.push(format!("{name} has children out of order: {places:?}"));
        }
        if name == "testcase" && places.len() > 1 {
            faults.push("a test case has two outcomes".to_owned());
        }
    }
    faults
}
