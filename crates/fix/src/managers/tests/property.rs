//! Whatever the settings, what is to be pasted reads back as exactly these.

use std::collections::BTreeMap;

use kubeassay_config::tree::{self, Tree};
use kubeassay_core::Value;
use proptest::prelude::*;
use serde_json::{Map, Value as Json, json};

use super::super::Management;
use super::super::wanted::{Wanted, yaml};
use super::nodes;

/// Where the configuration lies in the pastes that hold all of it.
const WHOLE: &[(&str, &[&str])] = &[
    ("kubeadm-config", &[]),
    ("k0s", &["spec", "workerProfiles", "0", "values"]),
    ("eks-nodeadm", &["spec", "kubelet", "config"]),
    ("openshift", &["spec", "kubeletConfig"]),
    ("microshift", &["kubelet"]),
    ("talos", &["machine", "kubelet", "extraConfig"]),
    ("flatcar", &[]),
    ("marker-ansible", &[]),
    ("nix", &[]),
];

fn read(node: &tree::Node) -> Json {
    match &node.tree {
        Tree::Null => Json::Null,
        Tree::Bool(value) => json!(value),
        Tree::Number(number) => serde_json::from_str(number.literal()).unwrap(),
        Tree::String(text) => json!(text),
        Tree::List(nodes) => nodes.iter().map(read).collect(),
        Tree::Map(entries) => entries
            .iter()
            .map(|entry| (entry.key.clone(), read(&entry.value)))
            .collect::<Map<_, _>>()
            .into(),
    }
}

fn parsed(text: &str) -> Json {
    let document = tree::read(text.as_bytes()).unwrap_or_else(|error| panic!("{error}\n{text}"));
    read(&document.root)
}

fn below(mut tree: Json, keys: &[&str]) -> Json {
    for key in keys {
        tree = match tree {
            Json::Array(mut items) => items.swap_remove(key.parse::<usize>().unwrap()),
            mut tree => tree[*key].take(),
        };
    }
    tree
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z/][A-Za-z0-9_./-]{0,8}",
        "(yes|No|on|off|y|n|null|~|true|1e3|0x1f|1:30|2020-01-01|<<|=|- a|a: b|#c|\\.inf|\\[|@x|%y|`z)",
        any::<String>(),
    ]
}

fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        text().prop_map(Value::string),
        (0i64..1_000_000_000_000).prop_map(Value::Duration),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    leaf().prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::List),
            prop::collection::btree_map(text(), inner, 0..3).prop_map(Value::Map),
        ]
    })
}

/// Fields that no manager refuses, and entries of maps.
fn path() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("tlsCipherSuites".to_owned()),
        Just("streamingConnectionIdleTimeout".to_owned()),
        Just("logging.format".to_owned()),
        Just("logging.options.json.splitStream".to_owned()),
        Just("containerLogMaxSize".to_owned()),
        "evictionHard\\.[a-z]{1,4}\\.available",
    ]
}

fn settings() -> impl Strategy<Value = BTreeMap<String, Value>> {
    prop::collection::btree_map(path(), value(), 1..5)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_tree_is_read_back(value in value(), indent in 0usize..5) {
        let Value::Map(map) = value else { return Ok(()) };
        let tree = super::super::wanted::json(&Value::Map(map));
        prop_assert_eq!(parsed(&yaml(&tree, indent)), tree);
    }

    #[test]
    fn pastes_hold_the_settings_and_nothing_else(settings in settings()) {
        let settings: Vec<(&str, &Value)> = settings.iter().map(|(path, value)| (path.as_str(), value)).collect();
        let wanted = Wanted(&settings).tree();
        for (name, node, path) in nodes() {
            let Some((_, keys)) = WHOLE.iter().find(|(known, _)| *known == name) else { continue };
            let (Management::Also { paste, .. } | Management::Instead { paste, .. }) = node.ask(path, &settings) else {
                panic!("{name}");
            };
            prop_assert_eq!(below(parsed(&paste.text), keys), wanted.clone(), "{}\n{}", name, paste.text);
        }
    }

    #[test]
    fn arguments_and_the_file_beside_them_hold_all(settings in settings()) {
        let settings: Vec<(&str, &Value)> = settings.iter().map(|(path, value)| (path.as_str(), value)).collect();
        let flags = Wanted(&settings).flags();
        prop_assert_eq!(flags.taken.len() + flags.rest.len(), settings.len());
        let rest = Wanted(&settings).only(&flags.rest);
        let (_, node, path) = nodes().into_iter().find(|(name, ..)| *name == "k3s-unit").unwrap();
        let Management::Instead { paste, .. } = node.ask(path, &settings) else { panic!() };
        let arguments = below(parsed(&paste.text), &["kubelet-arg"]);
        let mut expected: Vec<String> = flags.taken.iter().map(|(flag, value)| format!("{flag}={value}")).collect();
        if let Some((_, file)) = paste.text.split_once("\n---\n") {
            expected.push("config=/etc/rancher/k3s/kubelet.yaml".to_owned());
            let mut document = Wanted(&rest).tree();
            document["apiVersion"] = json!("kubelet.config.k8s.io/v1beta1");
            document["kind"] = json!("KubeletConfiguration");
            prop_assert_eq!(parsed(file), document);
        } else {
            prop_assert!(rest.is_empty());
        }
        prop_assert_eq!(arguments, json!(expected));
    }

    #[test]
    fn what_jq_merges_is_the_settings(settings in settings()) {
        let settings: Vec<(&str, &Value)> = settings.iter().map(|(path, value)| (path.as_str(), value)).collect();
        let (_, node, path) = nodes().into_iter().find(|(name, ..)| *name == "eks-al2").unwrap();
        let Management::Also { paste, .. } = node.ask(path, &settings) else { panic!() };
        let (_, document) = paste.text.split_once("<<'EOF'\n").unwrap();
        let (document, _) = document.split_once("\nEOF\n").unwrap();
        prop_assert_eq!(parsed(document), Wanted(&settings).tree());
    }
}
