//! Objects of openreports.io, read again.

use serde_json::Value;

/// Returns the objects of a file.
pub(crate) fn read(document: &str) -> Vec<Value> {
    let (first, rest) = document.split_once("\n---\n").unwrap();
    assert!(first.starts_with("# tool "), "{first}");
    assert_eq!(first.lines().count(), 1);
    let objects = rest.split("\n---\n");
    let objects = objects.map(|object| serde_saphyr::from_str::<Value>(object).unwrap());
    objects.collect()
}
