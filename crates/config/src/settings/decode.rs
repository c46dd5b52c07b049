//! Decoding a document, as Go's `encoding/json` fills the component's versioned type: what it refuses, the
//! component refuses.

use std::collections::BTreeMap;

use kubeassay_core::report::Overridden;
use kubeassay_core::{Origin, Value, duration};

use super::{Names, Settings, shared_default_origin};
use crate::node::{Content, Entry, Node, folds_to};
use crate::refusal::Refusal;
use crate::setting::{Setting, State};
use crate::tables::{Field, FieldKind, Minor};
use crate::tree::Number;

impl Settings {
    /// Decodes a document into these settings, over what they already say.
    pub(crate) fn decode(&mut self, document: &Node, names: Names) -> Result<(), Refusal> {
        self.decode_at("", document, names)
    }

    /// Decodes the object at `prefix` (a path in the spelling of `names`).
    fn decode_at(&mut self, prefix: &str, node: &Node, names: Names) -> Result<(), Refusal> {
        match &node.content {
            Content::Map(entries) => entries
                .iter()
                .try_for_each(|entry| self.decode_entry(prefix, entry, names)),
            // `null` leaves a struct as it is; a removed one is empty.
            Content::Null => Ok(()),
            Content::Removed | Content::Unknown(_) => {
                self.each_below(prefix, names, |setting, _| spread(setting, node));
                Ok(())
            }
            _ => Err(mismatch(prefix, "object", node)),
        }
    }

    fn decode_entry(&mut self, prefix: &str, entry: &Entry, names: Names) -> Result<(), Refusal> {
        let Some((child, leaf)) = self.child(prefix, &entry.key, names) else {
            return Ok(());
        };
        for shadow in &entry.shadowed {
            self.shadow(&child, leaf, shadow, names);
        }
        match leaf {
            Some(field) => {
                let before = self.slot(field).take();
                let setting = decode_leaf(field, before, &entry.node, self.minor)?;
                *self.slot(field) = Some(setting);
                Ok(())
            }
            None => self.decode_at(&child, &entry.node, names),
        }
    }

    /// Notes values that lost within their own document, so that what won can show them.
    fn shadow(&mut self, path: &str, leaf: Option<&'static Field>, node: &Node, names: Names) {
        if let Some(field) = leaf {
            let overridden = Overridden {
                value: node.to_value(),
                origin: Origin::clone(&node.origin),
            };
            self.entry(field).overrode.insert(0, overridden);
        } else if let Content::Map(entries) = &node.content {
            for entry in entries {
                if let Some((child, leaf)) = self.child(path, &entry.key, names) {
                    self.shadow(&child, leaf, &entry.node, names);
                }
            }
        }
    }

    /// Returns the full name of the child of `prefix` that Go's decoder would take `key` for, and its field
    /// if it is one.
    fn child(
        &self,
        prefix: &str,
        key: &str,
        names: Names,
    ) -> Option<(String, Option<&'static Field>)> {
        let join = |name: &str| {
            if prefix.is_empty() {
                name.to_owned()
            } else {
                format!("{prefix}.{name}")
            }
        };
        // Almost every key is spelled as its field is, and no two fields differ in case alone. A key with a
        // point in it is no path.
        if !key.is_empty() && !key.contains('.') {
            let path = join(key);
            if let Some(leaf) = self.at_or_below(&path, names) {
                return Some((path, leaf));
            }
        }
        // These two say what the document is; no field is called like that.
        if names == Names::Exact || matches!(key, "kind" | "apiVersion") {
            return None;
        }
        let name = self.fields().find_map(|field| {
            let name = segment_below(names.of(field), prefix)?;
            folds_to(key, name).then_some(name)
        })?;
        let path = join(name);
        let leaf = self.at_or_below(&path, names)?;
        Some((path, leaf))
    }

    /// Returns whether there are fields at `path` or below it: the field where it is one.
    #[expect(
        clippy::option_option,
        reason = "nothing, an object or a field: each is a case of its own"
    )]
    fn at_or_below(&self, path: &str, names: Names) -> Option<Option<&'static Field>> {
        let first = self
            .fields_from(path, names)
            .take_while(|field| {
                let rest = names.of(field).strip_prefix(path);
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            })
            .find(|field| field.presence.possibly(self.minor))?;
        Some((names.of(first) == path).then_some(first))
    }

    fn each_below(&mut self, prefix: &str, names: Names, act: impl Fn(&mut Setting, &Field)) {
        for field in self.fields() {
            if segment_below(names.of(field), prefix).is_some() {
                act(self.entry(field), field);
            }
        }
    }
}

/// Returns the next segment of `path` below `prefix`.
fn segment_below<'a>(path: &'a str, prefix: &str) -> Option<&'a str> {
    let rest = if prefix.is_empty() {
        path
    } else {
        path.strip_prefix(prefix)?.strip_prefix('.')?
    };
    rest.split('.').next()
}

/// Makes one setting removed or unknown because something above it is.
fn spread(setting: &mut Setting, node: &Node) {
    match &node.content {
        Content::Unknown(unknown) => {
            let state = State::Unknown(unknown.clone());
            setting.replace(Setting {
                state,
                ..Setting::unset(node.origin.clone())
            });
        }
        _ => setting.remove(node.origin.clone()),
    }
    setting.overrode.extend(
        node.replaced
            .iter()
            .filter(|past| !matches!(past.value, Value::Map(_)))
            .cloned(),
    );
}

/// Decodes the value of one field.
fn decode_leaf(
    field: &Field,
    before: Option<Setting>,
    node: &Node,
    minor: Minor,
) -> Result<Setting, Refusal> {
    let mut setting = before.unwrap_or_else(|| Setting::unset(shared_default_origin(minor)));
    let wrong = |wanted| mismatch(field.path, wanted, node);
    let known = |value| Ok(State::Known(value));
    let state = match (&node.content, field.kind) {
        (Content::Unknown(unknown), _) => Ok(State::Unknown(unknown.clone())),
        (Content::Removed, _) => Ok(State::Unset),
        (Content::Null, FieldKind::Duration) if !field.pointer => Err(Refusal::new(
            "failed to decode: time: invalid duration \"\"",
            Some(node.origin.clone()),
        )),
        // `null` makes pointers, lists and maps nil and leaves anything else as it is.
        (Content::Null, kind) if field.pointer || kind.is_nilable() => Ok(State::Unset),
        (Content::Null, _) => return Ok(setting),
        (Content::Bool(value), FieldKind::Bool) => known(Value::Bool(*value)),
        (Content::Number(number), FieldKind::Int32) => {
            integer(number, i32::MIN.into(), i32::MAX.into())
                .map_or_else(|| Err(wrong("int32")), known)
        }
        (Content::Number(number), FieldKind::Int64) => {
            integer(number, i64::MIN, i64::MAX).map_or_else(|| Err(wrong("int64")), known)
        }
        (Content::Number(number), FieldKind::Uint32) => {
            integer(number, 0, u32::MAX.into()).map_or_else(|| Err(wrong("uint32")), known)
        }
        (Content::Number(number), FieldKind::Float64) => number
            .as_f64()
            .map_or_else(|| Err(wrong("float64")), |value| known(Value::Float(value))),
        (Content::Number(number), FieldKind::TimeOrDuration) => number.as_i64().map_or_else(
            || Err(wrong("int64")),
            |value| known(Value::Duration(value)),
        ),
        (Content::Number(number), FieldKind::Quantity) => known(Value::string(number.literal())),
        (Content::String(text), FieldKind::String | FieldKind::Quantity) => {
            known(Value::String(text.clone()))
        }
        (Content::String(text), FieldKind::Duration | FieldKind::TimeOrDuration) => {
            match duration::parse(&text.to_string_lossy()) {
                Ok(value) => known(Value::Duration(value)),
                Err(reason) => Err(Refusal::new(
                    format!("failed to decode: {reason}"),
                    Some(node.origin.clone()),
                )),
            }
        }
        (Content::List(nodes), FieldKind::StringList) => {
            strings(nodes, field).map(|list| State::Known(Value::List(list)))
        }
        (Content::List(_), FieldKind::ObjectList | FieldKind::Int32List) => known(node.to_value()),
        (
            Content::Map(entries),
            FieldKind::StringMap | FieldKind::BoolMap | FieldKind::StringListMap,
        ) => {
            let (map, rest) = match std::mem::replace(&mut setting.state, State::Unset) {
                State::Entries(map) => (map, None),
                // What an unread file put into the map stays there.
                State::Part(map, unknown) => (map, Some(unknown)),
                State::Unknown(unknown) => (BTreeMap::new(), Some(unknown)),
                _ => (BTreeMap::new(), None),
            };
            let map = decode_entries(field, map, entries)?;
            Ok(match rest {
                Some(unknown) => State::Part(map, unknown),
                None => State::Entries(map),
            })
        }
        (_, kind) => Err(wrong(kind.go_type())),
    }?;
    let was_map = matches!(state, State::Entries(_) | State::Part(..));
    let next = Setting {
        state,
        origin: node.origin.clone(),
        overrode: node.replaced.clone(),
    };
    if matches!(node.content, Content::Removed) {
        setting.remove(node.origin.clone());
        setting.overrode.extend(node.replaced.clone());
    } else if was_map {
        // A map that was decoded into before was added to, not replaced.
        setting = Setting {
            overrode: [next.overrode, setting.overrode].concat(),
            ..next
        };
    } else {
        setting.replace(next);
    }
    Ok(setting)
}

fn integer(number: &Number, least: i64, most: i64) -> Option<Value> {
    number
        .as_i64()
        .filter(|number| (least..=most).contains(number))
        .map(Value::Int)
}

fn strings(nodes: &[Node], field: &Field) -> Result<Vec<Value>, Refusal> {
    nodes
        .iter()
        .map(|node| match &node.content {
            Content::String(text) => Ok(Value::String(text.clone())),
            Content::Null => Ok(Value::string("")),
            _ => Err(mismatch(field.path, "string", node)),
        })
        .collect()
}

fn decode_entries(
    field: &Field,
    mut map: BTreeMap<String, Setting>,
    entries: &[Entry],
) -> Result<BTreeMap<String, Setting>, Refusal> {
    for entry in entries {
        let node = &entry.node;
        let value = match (&node.content, field.kind) {
            (Content::Removed, _) => {
                map.remove(&entry.key);
                continue;
            }
            (Content::Unknown(unknown), _) => {
                let state = State::Unknown(unknown.clone());
                map.insert(
                    entry.key.clone(),
                    Setting {
                        state,
                        ..Setting::unset(node.origin.clone())
                    },
                );
                continue;
            }
            (Content::String(text), FieldKind::StringMap) => Value::String(text.clone()),
            (Content::Null, FieldKind::StringMap) => Value::string(""),
            (Content::Bool(value), FieldKind::BoolMap) => Value::Bool(*value),
            (Content::Null, FieldKind::BoolMap) => Value::Bool(false),
            (Content::List(nodes), FieldKind::StringListMap) => Value::List(strings(nodes, field)?),
            (Content::Null, FieldKind::StringListMap) => Value::Null,
            (_, kind) => return Err(mismatch(field.path, kind.go_type(), node)),
        };
        let mut next = Setting::known(value, node.origin.clone());
        next.overrode.clone_from(&node.replaced);
        match map.get_mut(&entry.key) {
            Some(setting) => setting.replace(next),
            None => {
                map.insert(entry.key.clone(), next);
            }
        }
    }
    Ok(map)
}

/// Returns the refusal for a value of the wrong type, in the words of Go's decoder.
fn mismatch(path: &str, wanted: &str, node: &Node) -> Refusal {
    Refusal::new(
        format!(
            "failed to decode: json: cannot unmarshal {} into Go struct field KubeletConfiguration.{path} of type {wanted}",
            node.go_kind(),
        ),
        Some(node.origin.clone()),
    )
}
