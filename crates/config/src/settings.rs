//! All settings of a component's configuration: decoding into them, defaulting, writing them back.
//!
//! The decoder follows Go's `encoding/json` on the component's versioned type; what it refuses, the
//! component refuses. Facts of the fields are in the tables.

use std::collections::BTreeMap;
use std::sync::Arc;

use kubeassay_core::report::Overridden;
use kubeassay_core::{Bytes, Origin, Value, duration};

use crate::node::{Content, Entry, Node, folds_to};
use crate::refusal::Refusal;
use crate::setting::{Setting, State, Unknown};
use crate::tables::{Constant, DefaultSpan, Field, FieldKind, FlagKind, Minor, Tables};
use crate::tree::Number;

/// The settings of one component in one version, by path.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    tables: &'static Tables,
    minor: Minor,
    by_path: BTreeMap<&'static str, Setting>,
}

/// By which names a decoder knows the fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Names {
    /// The API's names, exactly: the main file.
    Exact,
    /// The API's names without regard to case: drop-ins from 1.32.
    Folded,
    /// The names of the internal Go type without regard to case: drop-ins of 1.29 to 1.31.
    Internal,
}

/// Which defaults are applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Defaults {
    /// Those of a configuration file (`v1beta1/defaults.go`, `server.go:loadConfigFile`).
    File,
    /// Those of a component without a configuration file (`options.go:applyLegacyDefaults`).
    Legacy,
    /// Those that come back after drop-ins were merged (`v1beta1/defaults.go` alone).
    Again,
}

impl Settings {
    /// Returns settings about which nothing was said yet.
    pub(crate) fn new(tables: &'static Tables, minor: Minor) -> Self {
        Self {
            tables,
            minor,
            by_path: BTreeMap::new(),
        }
    }

    pub(crate) fn get(&self, path: &str) -> Option<&Setting> {
        self.by_path.get(path)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'static str, &Setting)> {
        self.by_path.iter().map(|(path, setting)| (*path, setting))
    }

    pub(crate) fn into_inner(self) -> BTreeMap<&'static str, Setting> {
        self.by_path
    }

    /// Returns the setting at the path of `field`, unset if nothing was said.
    pub(crate) fn entry(&mut self, field: &Field) -> &mut Setting {
        let minor = self.minor;
        self.by_path
            .entry(field.path)
            .or_insert_with(|| Setting::unset(default_origin(minor)))
    }

    /// Makes every setting unknown: a file that could have said anything was not read.
    pub(crate) fn forget(&mut self, unknown: &Unknown, origin: &Origin) {
        for field in self.fields() {
            let setting = Setting {
                state: State::Unknown(unknown.clone()),
                ..Setting::unset(origin.clone())
            };
            self.entry(field).replace(setting);
        }
    }

    /// Takes the settings of `before` for all that these say nothing about, or no longer.
    pub(crate) fn restore(&mut self, before: Self) {
        for (path, setting) in before.by_path {
            let now = self.by_path.get(path);
            if now.is_none_or(|now| matches!(now.state, State::Unset)) {
                self.by_path.insert(path, setting);
            }
        }
    }

    fn fields(&self) -> impl Iterator<Item = &'static Field> + use<> {
        let minor = self.minor;
        self.tables
            .fields
            .iter()
            .filter(move |field| field.presence.possibly(minor))
    }

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
        let Some(child) = self.child(prefix, &entry.key, names) else {
            return Ok(());
        };
        for shadow in &entry.shadowed {
            self.shadow(&child, shadow, names);
        }
        match self.leaf(&child, names) {
            Some(field) => {
                let setting = decode_leaf(
                    field,
                    self.by_path.remove(field.path),
                    &entry.node,
                    self.minor,
                )?;
                self.by_path.insert(field.path, setting);
                Ok(())
            }
            None => self.decode_at(&child, &entry.node, names),
        }
    }

    /// Notes values that lost within their own document, so that what won can show them.
    fn shadow(&mut self, path: &str, node: &Node, names: Names) {
        if let Some(field) = self.leaf(path, names) {
            let overridden = Overridden {
                value: node.to_value(),
                origin: node.origin.clone(),
            };
            self.entry(field).overrode.insert(0, overridden);
        } else if let Content::Map(entries) = &node.content {
            for entry in entries {
                if let Some(child) = self.child(path, &entry.key, names) {
                    self.shadow(&child, &entry.node, names);
                }
            }
        }
    }

    /// Returns the full name of the child of `prefix` that Go's decoder would take `key` for.
    fn child(&self, prefix: &str, key: &str, names: Names) -> Option<String> {
        let name = self.fields().find_map(|field| {
            let (name, _) = split_below(names.of(field), prefix)?;
            (name == key || (names != Names::Exact && folds_to(key, name))).then_some(name)
        })?;
        Some(if prefix.is_empty() {
            name.to_owned()
        } else {
            format!("{prefix}.{name}")
        })
    }

    fn leaf(&self, path: &str, names: Names) -> Option<&'static Field> {
        self.fields().find(|field| names.of(field) == path)
    }

    fn each_below(&mut self, prefix: &str, names: Names, act: impl Fn(&mut Setting, &Field)) {
        for field in self.fields() {
            if split_below(names.of(field), prefix).is_some() {
                act(self.entry(field), field);
            }
        }
    }

    /// Fills in what nobody said, and zero values that cannot be told from silence.
    pub(crate) fn apply_defaults(&mut self, defaults: Defaults) {
        // Derived from other fields, before those get defaults of their own.
        self.default_report_frequency();
        for field in self.fields() {
            if defaults == Defaults::Again
                && field.path == "evictionHard"
                && self.minor >= Minor(26)
            {
                continue;
            }
            let spans = match defaults {
                Defaults::Legacy if !field.legacy_defaults.is_empty() => field.legacy_defaults,
                _ => field.defaults,
            };
            let legacy = defaults == Defaults::Legacy && !field.legacy_defaults.is_empty();
            let Some(state) = default_state(field, spans, self.minor) else {
                continue;
            };
            let origin = Origin {
                name: legacy.then(|| Arc::from("no --config")),
                ..default_origin(self.minor)
            };
            let setting = self.entry(field);
            let silent =
                matches!(setting.state, State::Unset) || (!field.zero_kept && setting.is_zero());
            let negative = field.path == "podPidsLimit"
                && matches!(setting.state, State::Known(Value::Int(limit)) if limit < 0);
            if silent || negative {
                setting.replace(Setting {
                    state,
                    ..Setting::unset(origin)
                });
            }
        }
        self.default_serialized_pulls();
    }

    /// `nodeStatusReportFrequency` follows `nodeStatusUpdateFrequency` where only that one is set
    /// (`v1beta1/defaults.go`).
    fn default_report_frequency(&mut self) {
        let said = |path| self.get(path).filter(|setting| !setting.is_zero());
        let (None, Some(update)) = (
            said("nodeStatusReportFrequency"),
            said("nodeStatusUpdateFrequency"),
        ) else {
            return;
        };
        let report = Setting {
            overrode: Vec::new(),
            ..update.clone()
        };
        if let Some(field) = self.tables.field("nodeStatusReportFrequency") {
            self.entry(field).replace(report);
        }
    }

    /// `serializeImagePulls` is off by default where several pulls are allowed at once (1.27 and later).
    fn default_serialized_pulls(&mut self) {
        let parallel = matches!(
            self.get("maxParallelImagePulls")
                .map(|setting| &setting.state),
            Some(State::Known(Value::Int(2..)))
        );
        let Some(field) = self.tables.field("serializeImagePulls") else {
            return;
        };
        if self.minor >= Minor(27) && parallel {
            let setting = self.entry(field);
            if setting.origin.kind == kubeassay_core::OriginKind::Default {
                setting.state = State::Known(Value::Bool(false));
            }
        }
    }

    /// Returns the settings as Go would marshal them: a document under the names of `names`, zero values of
    /// `omitempty` fields left out (internal names: none is left out).
    pub(crate) fn marshal(&self, names: Names) -> Node {
        let mut root = Node::new(Content::Map(Vec::new()), default_origin(self.minor));
        for field in self.fields() {
            let Some(setting) = self.get(field.path) else {
                continue;
            };
            let unset = matches!(setting.state, State::Unset);
            let empty = setting.is_zero() && (unset || !field.pointer);
            if unset || (names != Names::Internal && field.omitempty && empty) {
                // A removed value still tells whoever comes back in its place.
                continue;
            }
            insert(&mut root, names.of(field), to_node(setting));
        }
        sort(&mut root);
        root
    }
}

impl Names {
    const fn of(self, field: &Field) -> &'static str {
        match self {
            Self::Exact | Self::Folded => field.path,
            Self::Internal => field.internal_path,
        }
    }
}

/// Returns the next segment of `path` below `prefix`, and whether it is the last.
fn split_below<'a>(path: &'a str, prefix: &str) -> Option<(&'a str, bool)> {
    let rest = if prefix.is_empty() {
        path
    } else {
        path.strip_prefix(prefix)?.strip_prefix('.')?
    };
    Some(
        rest.split_once('.')
            .map_or((rest, true), |(name, _)| (name, false)),
    )
}

pub(crate) fn default_origin(minor: Minor) -> Origin {
    Origin::default_of(minor.to_string())
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
    let mut setting = before.unwrap_or_else(|| Setting::unset(default_origin(minor)));
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

/// Returns the default of a field in a minor; `None` where it has none.
pub(crate) fn default_state(field: &Field, spans: &[DefaultSpan], minor: Minor) -> Option<State> {
    let mut candidates: Vec<State> = Vec::new();
    for span in spans
        .iter()
        .filter(|span| span.from <= minor && minor <= span.to)
    {
        let state = constant(field, &span.value, minor);
        if !candidates.contains(&state) {
            candidates.push(state);
        }
    }
    match candidates.len() {
        0 => None,
        1 => candidates.pop(),
        _ => {
            let value = |state: State| {
                Setting {
                    state,
                    ..Setting::unset(default_origin(minor))
                }
                .value()
            };
            Some(State::OneOf(
                candidates.into_iter().filter_map(value).collect(),
            ))
        }
    }
}

fn constant(field: &Field, value: &Constant, minor: Minor) -> State {
    match value {
        Constant::Null => State::Unset,
        Constant::Map(entries) => State::Entries(
            entries
                .iter()
                .map(|(key, value)| {
                    (
                        (*key).to_owned(),
                        Setting::known(Value::string(*value), default_origin(minor)),
                    )
                })
                .collect(),
        ),
        Constant::List(list)
            if matches!(field.kind, FieldKind::BoolMap | FieldKind::StringMap)
                && list.is_empty() =>
        {
            State::Entries(BTreeMap::new())
        }
        other => State::Known(other.to_value()),
    }
}

impl Constant {
    /// Returns the constant as a value.
    pub fn to_value(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(*value),
            Self::Int(value) => Value::Int(*value),
            Self::Float(value) => Value::Float(*value),
            Self::Str(text) => Value::string(*text),
            Self::Duration(value) => Value::Duration(*value),
            Self::List(list) => Value::List(list.iter().map(|text| Value::string(*text)).collect()),
            Self::Map(map) => Value::Map(
                map.iter()
                    .map(|(key, value)| ((*key).to_owned(), Value::string(*value)))
                    .collect(),
            ),
        }
    }
}

impl FieldKind {
    /// Returns whether Go's type can be nil without being a pointer.
    const fn is_nilable(self) -> bool {
        matches!(
            self,
            Self::StringList
                | Self::Int32List
                | Self::ObjectList
                | Self::StringMap
                | Self::BoolMap
                | Self::StringListMap
        )
    }

    /// Returns the zero value of the type.
    pub(crate) fn zero(self) -> Value {
        match self {
            Self::Bool => Value::Bool(false),
            Self::Int32 | Self::Int64 | Self::Uint32 => Value::Int(0),
            Self::Float64 => Value::Float(0.0),
            Self::String => Value::string(""),
            Self::Quantity => Value::string("0"),
            Self::Duration | Self::TimeOrDuration => Value::Duration(0),
            Self::StringList | Self::Int32List | Self::ObjectList => Value::List(Vec::new()),
            Self::StringMap | Self::BoolMap | Self::StringListMap => Value::Map(BTreeMap::new()),
        }
    }

    /// Returns the Go type's name, for messages.
    const fn go_type(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Int32 => "int32",
            Self::Int64 => "int64",
            Self::Uint32 => "uint32",
            Self::Float64 => "float64",
            Self::String | Self::Duration | Self::TimeOrDuration | Self::Quantity => "string",
            Self::StringList => "[]string",
            Self::Int32List => "[]int32",
            Self::ObjectList => "[]object",
            Self::StringMap => "map[string]string",
            Self::BoolMap => "map[string]bool",
            Self::StringListMap => "map[string][]string",
        }
    }
}

impl FlagKind {
    /// Returns the zero value of the type.
    pub(crate) fn zero(self) -> Value {
        match self {
            Self::Bool => Value::Bool(false),
            Self::Int32 | Self::Int64 | Self::Uint64 | Self::Int | Self::Level => Value::Int(0),
            Self::Float64 => Value::Float(0.0),
            Self::Duration => Value::Duration(0),
            Self::StringSlice => Value::List(Vec::new()),
            Self::StringMap | Self::BoolMap | Self::Thresholds | Self::Multimap => {
                Value::Map(BTreeMap::new())
            }
            Self::String
            | Self::Ip
            | Self::Quantity
            | Self::Opaque
            | Self::Version
            | Self::Taints
            | Self::ReservedMemory => Value::string(""),
        }
    }
}

/// Writes a setting as Go marshals it.
fn to_node(setting: &Setting) -> Node {
    let content = match &setting.state {
        State::Unset => Content::Null,
        State::Known(value) => to_content(value, &setting.origin),
        State::Entries(entries) => Content::Map(
            entries
                .iter()
                .map(|(key, entry)| Entry {
                    key: key.clone(),
                    node: to_node(entry),
                    shadowed: Vec::new(),
                })
                .collect(),
        ),
        State::OneOf(values) => Content::Unknown(one_of(values)),
        State::Part(_, unknown) | State::Unknown(unknown) => Content::Unknown(unknown.clone()),
    };
    Node {
        content,
        origin: setting.origin.clone(),
        replaced: setting.overrode.clone(),
    }
}

/// Returns why a default that is one of several is not known.
pub(crate) fn one_of(values: &[Value]) -> Unknown {
    let shown: Vec<String> = values.iter().map(ToString::to_string).collect();
    Unknown {
        cause: kubeassay_core::Cause::VersionUnknown,
        reason: format!(
            "the default in this version is not known for sure: {}",
            shown.join(" or ")
        ),
        path: None,
    }
}

fn to_content(value: &Value, origin: &Origin) -> Content {
    match value {
        Value::Null => Content::Null,
        Value::Bool(value) => Content::Bool(*value),
        Value::Int(value) => Content::Number(Number::from_literal(value.to_string())),
        Value::Float(value) => Content::Number(Number::from_literal(value.to_string())),
        Value::String(text) => Content::String(text.clone()),
        Value::Duration(value) => Content::String(Bytes::from(duration::format(*value))),
        Value::List(list) => Content::List(
            list.iter()
                .map(|value| Node::new(to_content(value, origin), origin.clone()))
                .collect(),
        ),
        Value::Map(map) => Content::Map(
            map.iter()
                .map(|(key, value)| Entry {
                    key: key.clone(),
                    node: Node::new(to_content(value, origin), origin.clone()),
                    shadowed: Vec::new(),
                })
                .collect(),
        ),
        Value::Redacted { sha256, length } => Content::String(Bytes::from(
            kubeassay_core::value::redaction(sha256, *length),
        )),
    }
}

fn insert(root: &mut Node, path: &str, node: Node) {
    let Content::Map(entries) = &mut root.content else {
        return;
    };
    let Some((name, rest)) = path.split_once('.') else {
        entries.push(Entry {
            key: path.to_owned(),
            node,
            shadowed: Vec::new(),
        });
        return;
    };
    if !entries.iter().any(|entry| entry.key == name) {
        let object = Node::new(Content::Map(Vec::new()), root.origin.clone());
        entries.push(Entry {
            key: name.to_owned(),
            node: object,
            shadowed: Vec::new(),
        });
    }
    if let Some(entry) = entries.iter_mut().find(|entry| entry.key == name) {
        insert(&mut entry.node, rest, node);
    }
}

fn sort(node: &mut Node) {
    if let Content::Map(entries) = &mut node.content {
        entries.sort_by(|a, b| a.key.as_bytes().cmp(b.key.as_bytes()));
        for entry in entries {
            sort(&mut entry.node);
        }
    }
}
