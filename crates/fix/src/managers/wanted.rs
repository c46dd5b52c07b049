//! Settings and their values in the formats of the managers that take them.

use kubeassay_config::tables::kubelet::KUBELET;
use kubeassay_config::tables::{Flag, FlagKind, Minor, Target};
use kubeassay_core::Value;
use serde_json::{Map, Value as Json};

/// Settings (config paths such as `authorization.mode`) and the values that they are to get.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a>(pub(super) &'a [(&'a str, &'a Value)]);

/// What a manager takes, and what it does not.
pub(super) struct Taken<'a, T> {
    /// In the manager's own words.
    pub(super) taken: T,
    /// The settings that it has no word for.
    pub(super) rest: Vec<&'a str>,
}

impl<'a> Wanted<'a> {
    /// Returns the settings nested as a kubelet's configuration file has them.
    pub(super) fn tree(self) -> Json {
        self.tree_without(&[]).taken
    }

    /// Returns the settings nested, but for those whose first key is among `refused`.
    pub(super) fn tree_without(self, refused: &[&str]) -> Taken<'a, Json> {
        let mut tree = Json::Object(Map::new());
        let mut rest = Vec::new();
        for (path, value) in self.0 {
            let keys = keys(path);
            if keys.first().is_some_and(|first| refused.contains(first)) {
                rest.push(*path);
            } else {
                put(&mut tree, &keys, json(value));
            }
        }
        Taken { taken: tree, rest }
    }

    /// Returns the settings as flags without their dashes, such as `authorization-mode=Webhook`; those without a flag
    /// that every version has are the rest.
    pub(super) fn flags(self) -> Taken<'a, Vec<(&'static str, String)>> {
        let (mut flags, mut rest) = (Vec::new(), Vec::new());
        for (path, value) in self.0 {
            match flag(path, value) {
                Some(flag) => flags.push(flag),
                None => rest.push(*path),
            }
        }
        Taken { taken: flags, rest }
    }

    /// Returns the settings under names of the manager's own, as `translate` gives them.
    pub(super) fn translated(
        self,
        translate: impl Fn(&str, &Value) -> Option<(&'static str, Json)>,
    ) -> Taken<'a, Map<String, Json>> {
        let (mut taken, mut rest) = (Map::new(), Vec::new());
        for (path, value) in self.0 {
            match translate(path, value) {
                Some((name, value)) => {
                    put(taken.entry(name).or_insert(Json::Null), &[], value);
                }
                None => rest.push(*path),
            }
        }
        Taken { taken, rest }
    }

    /// Returns those of the settings that are among `paths`.
    pub(super) fn only(self, paths: &[&str]) -> Vec<(&'a str, &'a Value)> {
        let settings = self.0.iter().copied();
        settings.filter(|(path, _)| paths.contains(path)).collect()
    }

    /// Returns the settings as lines of YAML, indented by `indent` spaces.
    pub(super) fn yaml(self, indent: usize) -> String {
        yaml(&self.tree(), indent)
    }

    /// Returns a whole configuration file that holds nothing else.
    pub(super) fn document(self) -> String {
        let head = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n";
        format!("{head}{}", self.yaml(0))
    }
}

/// Returns a value in its natural JSON type, as a configuration file has it. What is not UTF-8 becomes U+FFFD.
pub(super) fn json(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(value) => Json::Bool(*value),
        Value::Int(value) => Json::from(*value),
        Value::Float(value) => Json::from(*value),
        Value::String(text) => Json::String(text.to_string_lossy()),
        Value::List(values) => values.iter().map(json).collect(),
        Value::Map(entries) => entries
            .iter()
            .map(|(key, value)| (key.clone(), json(value)))
            .collect::<Map<_, _>>()
            .into(),
        Value::Duration(_) | Value::Redacted { .. } => Json::String(value.to_string()),
    }
}

/// Returns the keys of a path. Below a field that is a map all the rest is one key, points included.
fn keys(path: &str) -> Vec<&str> {
    let is_field = KUBELET.field(path).is_some();
    let map = path
        .match_indices('.')
        .filter_map(|(at, _)| path.split_at_checked(at))
        .find(|(field, _)| !is_field && KUBELET.field(field).is_some());
    match map {
        Some((field, rest)) => {
            let mut keys: Vec<&str> = field.split('.').collect();
            keys.push(rest.trim_start_matches('.'));
            keys
        }
        None => path.split('.').collect(),
    }
}

fn put(at: &mut Json, keys: &[&str], value: Json) {
    let Some((key, below)) = keys.split_first() else {
        match (at, value) {
            (Json::Object(there), Json::Object(more)) => there.extend(more),
            (at, value) => *at = value,
        }
        return;
    };
    if !at.is_object() {
        *at = Json::Object(Map::new());
    }
    if let Json::Object(map) = at {
        put(map.entry(*key).or_insert(Json::Null), below, value);
    }
}

/// Returns the flag that sets a path in every version, and its text where that needs no quoting anywhere.
fn flag(path: &str, value: &Value) -> Option<(&'static str, String)> {
    // Of the flags that are maps only this one leaves the file's other entries as they are.
    let gate = path.strip_prefix("featureGates.");
    let field = gate.map_or(path, |_| "featureGates");
    let always = |flag: &&Flag| {
        flag.presence.certain == (Minor::OLDEST, Minor::NEWEST)
            && flag
                .targets
                .iter()
                .all(|(_, target)| matches!(target, Target::Field(of) if *of == field))
    };
    let flag = KUBELET.flags.iter().find(always)?;
    let text = match (flag.kind, value, gate) {
        (FlagKind::BoolMap, Value::Bool(value), Some(gate)) => format!("{gate}={value}"),
        (FlagKind::Bool, Value::Bool(value), None) => value.to_string(),
        (
            FlagKind::Int | FlagKind::Int32 | FlagKind::Int64 | FlagKind::Uint64,
            Value::Int(value),
            None,
        ) => value.to_string(),
        (FlagKind::Duration, Value::Duration(_), None) => value.to_string(),
        (
            FlagKind::String | FlagKind::Ip | FlagKind::Quantity | FlagKind::Duration,
            Value::String(text),
            None,
        ) => text.as_str()?.to_owned(),
        (FlagKind::StringSlice, Value::List(values), None) if !values.is_empty() => {
            let texts: Option<Vec<&str>> = values.iter().map(word).collect();
            texts?.join(",")
        }
        _ => return None,
    };
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    text.chars().all(is_plain).then_some((flag.name, text))
}

/// Returns an item of a list, if a comma-separated list can hold it as it is.
fn word(value: &Value) -> Option<&str> {
    match value {
        Value::String(text) => text.as_str().filter(|text| !text.contains(',')),
        _ => None,
    }
}

/// Returns a tree as lines of YAML, indented by `indent` spaces.
pub(super) fn yaml(tree: &Json, indent: usize) -> String {
    let mut lines = Vec::new();
    block(tree, indent, &mut lines);
    lines.push(String::new());
    lines.join("\n")
}

fn block(tree: &Json, indent: usize, lines: &mut Vec<String>) {
    let pad = " ".repeat(indent);
    let Json::Object(map) = tree else {
        lines.push(format!("{pad}{}", flow(tree)));
        return;
    };
    if map.is_empty() {
        lines.push(format!("{pad}{{}}"));
    }
    for (key, value) in map {
        let key = scalar(key);
        match value {
            Json::Object(below) if !below.is_empty() => {
                lines.push(format!("{pad}{key}:"));
                block(value, indent + 2, lines);
            }
            Json::Array(items) if !items.is_empty() => {
                lines.push(format!("{pad}{key}:"));
                for item in items {
                    lines.push(format!("{pad}  - {}", flow(item)));
                }
            }
            _ => lines.push(format!("{pad}{key}: {}", flow(value))),
        }
    }
}

/// Returns a value on one line.
fn flow(value: &Json) -> String {
    match value {
        Json::String(text) => scalar(text),
        Json::Array(items) => {
            let items: Vec<String> = items.iter().map(quoted_flow).collect();
            format!("[{}]", items.join(", "))
        }
        Json::Object(map) => {
            let entries: Vec<String> = map
                .iter()
                .map(|(key, value)| format!("{}: {}", quoted(key), quoted_flow(value)))
                .collect();
            format!("{{{}}}", entries.join(", "))
        }
        other => other.to_string(),
    }
}

/// Returns a value on one line within brackets, where more characters have a meaning.
fn quoted_flow(value: &Json) -> String {
    match value {
        Json::String(text) => quoted(text),
        other => flow(other),
    }
}

/// Returns a text as a YAML scalar that every version of YAML reads as that text.
pub(super) fn scalar(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    // Words of YAML 1.1 for booleans and null.
    let words = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];
    let starts = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/');
    if starts && text.chars().all(is_plain) && !words.contains(&text.to_ascii_lowercase().as_str())
    {
        text.to_owned()
    } else {
        quoted(text)
    }
}

fn quoted(text: &str) -> String {
    let inner: String = text.chars().map(escaped).collect();
    format!("\"{inner}\"")
}

/// Returns a character as it stands between double quotes.
fn escaped(c: char) -> String {
    let code = u32::from(c);
    match c {
        '"' | '\\' => format!("\\{c}"),
        ' '..='~' => c.to_string(),
        _ if code <= 0xff => format!("\\x{code:02x}"),
        _ if code <= 0xffff => format!("\\u{code:04x}"),
        _ => format!("\\U{code:08x}"),
    }
}

/// Returns comment lines that name what the text above them does not do, or nothing.
pub(super) fn left_out(rest: &[&str], why: &str) -> String {
    if rest.is_empty() {
        return String::new();
    }
    format!("# {why}: {}\n", rest.join(", "))
}
