//! Objects of openreports.io and wgpolicyk8s.io against the definitions of their resources.

use std::sync::LazyLock;

use kubeassay_report::openreports::MAX_BYTES;
use serde_json::Value;

use crate::schema;

static OPEN_REPORTS: LazyLock<String> = LazyLock::new(|| {
    let text = include_str!("../schemas/openreports.io_clusterreports.yaml");
    definition(text, "v1alpha1")
});
static POLICY_REPORTS: LazyLock<String> = LazyLock::new(|| {
    let text = include_str!("../schemas/wgpolicyk8s.io_clusterpolicyreports.yaml");
    definition(text, "v1alpha2")
});

/// Returns the schema of a version, in which what it does not name may not be: an API server would drop it.
fn definition(text: &str, version: &str) -> String {
    let definition: Value = serde_saphyr::from_str(text).unwrap();
    let mut versions = definition["spec"]["versions"].as_array().unwrap().iter();
    let version = versions.find(|one| one["name"] == version).unwrap();
    assert_eq!(version["served"], true);
    let mut schema = version["schema"]["openAPIV3Schema"].clone();
    close(&mut schema);
    schema.to_string()
}

fn close(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            if object.contains_key("properties") && !object.contains_key("additionalProperties") {
                object.insert("additionalProperties".to_owned(), Value::Bool(false));
            }
            object.values_mut().for_each(close);
        }
        Value::Array(all) => all.iter_mut().for_each(close),
        _ => {}
    }
}

/// Panics where an API server would refuse the object, or drop something of it.
pub(crate) fn assert_valid(object: &Value) {
    let (schema, kind) = match object["apiVersion"].as_str().unwrap() {
        "openreports.io/v1alpha1" => (OPEN_REPORTS.as_str(), "ClusterReport"),
        "wgpolicyk8s.io/v1alpha2" => (POLICY_REPORTS.as_str(), "ClusterPolicyReport"),
        other => panic!("{other}"),
    };
    assert_eq!(object["kind"], kind);
    schema::assert_valid(schema, object);
    assert!(serde_json::to_vec(object).unwrap().len() <= MAX_BYTES);
    let metadata = &object["metadata"];
    assert!(kubeassay_report::openreports::is_name(
        metadata["name"].as_str().unwrap()
    ));
    for key in ["labels", "annotations"] {
        for value in metadata[key].as_object().unwrap().values() {
            assert!(value.is_string(), "{value}");
        }
    }
}
