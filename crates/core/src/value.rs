//! The value of a setting, typed as the component types it.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::bytes::Bytes;
use crate::duration;
use crate::text;

/// One value. JSON holds it as its natural type; a duration as Go writes it (`4h0m0s`).
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Unset.
    Null,
    /// A boolean.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A floating point number.
    Float(f64),
    /// A string.
    String(Bytes),
    /// Nanoseconds.
    Duration(i64),
    /// A list.
    List(Vec<Self>),
    /// A map or an object.
    Map(BTreeMap<String, Self>),
    /// A secret: its digest and its length in bytes.
    Redacted {
        /// Lower-case hexadecimal SHA-256.
        sha256: String,
        /// Length of the secret in bytes.
        length: usize,
    },
}

impl Value {
    /// Returns a string value.
    pub fn string(text: impl Into<Bytes>) -> Self {
        Self::String(text.into())
    }
}

/// Shows the value to a person, foreign text escaped: `Webhook`, `10255`, `[a, b]`, `{k: v}`, `(unset)`.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("(unset)"),
            Self::Bool(value) => value.fmt(f),
            Self::Int(value) => value.fmt(f),
            Self::Float(value) => value.fmt(f),
            Self::String(text) if text.is_empty() => f.write_str("\"\""),
            Self::String(text) => text.fmt(f),
            Self::Duration(nanoseconds) => f.write_str(&duration::format(*nanoseconds)),
            Self::List(values) => {
                f.write_str("[")?;
                for (index, value) in values.iter().enumerate() {
                    write!(f, "{}{value}", if index == 0 { "" } else { ", " })?;
                }
                f.write_str("]")
            }
            Self::Map(entries) => {
                f.write_str("{")?;
                for (index, (key, value)) in entries.iter().enumerate() {
                    let comma = if index == 0 { "" } else { ", " };
                    write!(f, "{comma}{}: {value}", text::escape(key))?;
                }
                f.write_str("}")
            }
            Self::Redacted { sha256, length } => f.write_str(&redaction(sha256, *length)),
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Int(value) => serializer.serialize_i64(*value),
            Self::Float(value) => serializer.serialize_f64(*value),
            Self::String(value) => value.serialize(serializer),
            Self::Duration(nanoseconds) => {
                serializer.serialize_str(&duration::format(*nanoseconds))
            }
            Self::List(values) => values.serialize(serializer),
            Self::Map(values) => values.serialize(serializer),
            Self::Redacted { sha256, length } => {
                serializer.serialize_str(&redaction(sha256, *length))
            }
        }
    }
}

/// Reads back what was serialized, as far as its form tells: durations and secrets stay the strings they were written as,
/// which are shown and written as the same again.
impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Natural)
    }
}

struct Natural;

impl<'de> Visitor<'de> for Natural {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the value of a setting")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Int(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        #[expect(
            clippy::cast_precision_loss,
            reason = "no value that was written is so large; JSON itself promises no more"
        )]
        Ok(i64::try_from(value).map_or(Value::Float(value as f64), Value::Int))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::string(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(value) = values.next_element()? {
            list.push(value);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = BTreeMap::new();
        while let Some((key, value)) = entries.next_entry::<String, Value>()? {
            map.insert(key, value);
        }
        Ok(Bytes::from_encoded(&map).map_or(Value::Map(map), Value::String))
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Value {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Value".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "The value in its natural JSON type; a duration as Go writes it; a secret as `sha256:… (N bytes)`.",
        })
    }
}

/// Returns how a secret is shown: its digest and its length.
pub fn redaction(sha256: &str, length: usize) -> String {
    format!("sha256:{sha256} ({length} bytes)")
}
