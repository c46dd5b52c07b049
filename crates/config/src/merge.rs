//! JSON merge patch (RFC 7386) on trees that keep the origin of every part.
//!
//! The kubelet merges drop-ins this way (`cmd/kubelet/app/server.go:mergeKubeletConfigurations`). A `null`
//! deletes: it leaves [`Content::Removed`] with its own origin, so that the default that comes back can
//! say who brought it back. The result is sorted by key in byte order, as Go marshals maps: the case-blind
//! decode that follows depends on that order.

use std::sync::Arc;

use kubeassay_core::Value;
use kubeassay_core::report::Overridden;

use crate::node::{Content, Entry, Node};

/// Returns `target` with `patch` applied.
pub fn merge_patch(target: Node, patch: Node) -> Node {
    let changes = match patch.content {
        Content::Map(changes) => changes,
        content => return replace(target, Node { content, ..patch }),
    };
    // A patch that is an object makes an object of whatever was there.
    let (mut entries, origin, replaced) = match target.content {
        Content::Map(entries) => (entries, target.origin, target.replaced),
        // What is not known stays so where the patch does not speak.
        Content::Unknown(unknown) => {
            return Node {
                content: Content::Unknown(unknown),
                ..target
            };
        }
        _ => (Vec::new(), patch.origin, target.replaced),
    };
    for change in changes {
        let at = entries.iter().position(|entry| entry.key == change.key);
        let before = at.map(|at| entries.remove(at));
        if let Some(node) = change_entry(before.map(|entry| entry.node), change.node) {
            entries.push(Entry {
                key: change.key,
                node,
                shadowed: Vec::new(),
            });
        }
    }
    entries.sort_by(|a, b| a.key.as_bytes().cmp(b.key.as_bytes()));
    Node {
        content: Content::Map(entries),
        origin,
        replaced,
    }
}

/// Returns what stands at a key after the patch said `change` there.
fn change_entry(before: Option<Node>, change: Node) -> Option<Node> {
    match (before, &change.content) {
        // Who hides behind an unread file cannot be deleted for sure: another spelling may remain.
        (
            Some(
                before @ Node {
                    content: Content::Unknown(_),
                    ..
                },
            ),
            Content::Null,
        ) => Some(before),
        (Some(before), Content::Null) => Some(replace(
            before,
            Node {
                content: Content::Removed,
                ..change
            },
        )),
        (None, Content::Null) => None,
        (Some(before), _) => Some(merge_patch(before, change)),
        (None, Content::Map(_)) => {
            let nothing = Node::new(Content::Map(Vec::new()), change.origin.clone());
            Some(merge_patch(nothing, change))
        }
        (None, _) => Some(change),
    }
}

fn replace(before: Node, mut after: Node) -> Node {
    let removed_before = matches!(before.content, Content::Removed);
    let value = if removed_before {
        Value::Null
    } else {
        before.to_value()
    };
    after.replaced.push(Overridden {
        value,
        origin: Arc::unwrap_or_clone(before.origin),
    });
    after.replaced.extend(before.replaced);
    after
}

#[cfg(test)]
mod tests {
    use kubeassay_core::{Bytes, Origin, OriginKind};
    use proptest::prelude::{Just, Strategy, any, prop_oneof, proptest};
    use serde_json::{Map, Value as Json};

    use super::{Content, Entry, Node, merge_patch};
    use crate::tree::Number;

    fn node(json: &Json) -> Node {
        let content = match json {
            Json::Null => Content::Null,
            Json::Bool(value) => Content::Bool(*value),
            Json::Number(number) => Content::Number(Number::from_literal(number.to_string())),
            Json::String(text) => Content::String(Bytes::from(text.as_str())),
            Json::Array(list) => Content::List(list.iter().map(node).collect()),
            Json::Object(map) => Content::Map(
                map.iter()
                    .map(|(key, value)| Entry {
                        key: key.clone(),
                        node: node(value),
                        shadowed: Vec::new(),
                    })
                    .collect(),
            ),
        };
        Node::new(content, Origin::new(OriginKind::File))
    }

    fn json(node: &Node) -> Option<Json> {
        Some(match &node.content {
            Content::Null => Json::Null,
            Content::Removed | Content::Unknown(_) => return None,
            Content::Bool(value) => Json::Bool(*value),
            Content::Number(number) => serde_json::from_str(number.literal()).unwrap(),
            Content::String(text) => Json::String(text.to_string_lossy()),
            Content::List(list) => Json::Array(list.iter().filter_map(json).collect()),
            Content::Map(entries) => Json::Object(
                entries
                    .iter()
                    .filter_map(|entry| Some((entry.key.clone(), json(&entry.node)?)))
                    .collect(),
            ),
        })
    }

    /// The algorithm of RFC 7386, section 2, as it stands there.
    fn reference(target: Option<Json>, patch: &Json) -> Json {
        let Json::Object(changes) = patch else {
            return patch.clone();
        };
        let mut target = match target {
            Some(Json::Object(map)) => map,
            _ => Map::new(),
        };
        for (key, value) in changes {
            if value.is_null() {
                target.remove(key);
            } else {
                let before = target.remove(key);
                target.insert(key.clone(), reference(before, value));
            }
        }
        Json::Object(target)
    }

    fn any_json() -> impl Strategy<Value = Json> {
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::Bool),
            any::<i32>().prop_map(|number| Json::Number(number.into())),
            "[a-c]{0,2}".prop_map(Json::String),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..3).prop_map(Json::Array),
                proptest::collection::btree_map("[abA]", inner, 0..4)
                    .prop_map(|map| Json::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn merging_equals_the_reference(target in any_json(), patch in any_json()) {
            let merged = merge_patch(node(&target), node(&patch));
            assert_eq!(json(&merged), Some(reference(Some(target), &patch)));
        }

        #[test]
        fn two_patches_equal_the_reference(target in any_json(), one in any_json(), two in any_json()) {
            let merged = merge_patch(merge_patch(node(&target), node(&one)), node(&two));
            assert_eq!(json(&merged), Some(reference(Some(reference(Some(target), &one)), &two)));
        }
    }
}
