//! Text that came from a host: bytes that are usually UTF-8, and sometimes are not.
//!
//! Linux arguments, paths and environment values are bytes. They are kept as they are; JSON holds them
//! as a string where they are UTF-8 and as `{"base64": "…"}` where they are not.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::text;
use crate::value::Value;

/// Bytes of a host, most of the time UTF-8 text.
///
/// `Display` shows them with control characters, bidirectional marks and invalid UTF-8 escaped.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Bytes(Vec<u8>);

impl Bytes {
    /// Returns the bytes.
    pub fn as_slice(&self) -> &[u8] {
        &self.0
    }

    /// Returns the text, if the bytes are UTF-8.
    pub fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    /// Returns the text, with U+FFFD in place of what is not UTF-8.
    pub fn to_string_lossy(&self) -> String {
        String::from_utf8_lossy(&self.0).into_owned()
    }

    /// Returns whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns how many there are.
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns the bytes themselves.
    pub fn into_vec(self) -> Vec<u8> {
        self.0
    }
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "b\"{self}\"")
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&text::escape_bytes(&self.0))
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl From<&[u8]> for Bytes {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }
}

impl From<&str> for Bytes {
    fn from(text: &str) -> Self {
        Self(text.as_bytes().to_vec())
    }
}

impl From<String> for Bytes {
    fn from(text: String) -> Self {
        Self(text.into_bytes())
    }
}

impl PartialEq<str> for Bytes {
    fn eq(&self, other: &str) -> bool {
        self.0 == other.as_bytes()
    }
}

impl PartialEq<&str> for Bytes {
    fn eq(&self, other: &&str) -> bool {
        self.0 == other.as_bytes()
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.as_str() {
            Some(text) => serializer.serialize_str(text),
            None => Encoded {
                base64: STANDARD.encode(&self.0),
            }
            .serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Text(String),
            Encoded(Encoded),
        }
        match Form::deserialize(deserializer)? {
            Form::Text(text) => Ok(Self(text.into_bytes())),
            Form::Encoded(encoded) => STANDARD
                .decode(encoded.base64)
                .map(Self)
                .map_err(|error| D::Error::custom(format!("not base64: {error}"))),
        }
    }
}

impl Bytes {
    /// Returns the bytes that a map stands for, if it is how bytes that are not UTF-8 are written.
    pub(crate) fn from_encoded(map: &BTreeMap<String, Value>) -> Option<Self> {
        let Value::String(base64) = map.get("base64").filter(|_| map.len() == 1)? else {
            return None;
        };
        let bytes = STANDARD.decode(&base64.0).ok()?;
        // Text is never written so: it is a map that has such a key.
        std::str::from_utf8(&bytes).is_err().then_some(Self(bytes))
    }
}

#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct Encoded {
    base64: String,
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Bytes {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Bytes".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let encoded = generator.subschema_for::<Encoded>();
        schemars::json_schema!({
            "description": "Text; bytes that are not UTF-8 are an object with their base64.",
            "anyOf": [{"type": "string"}, encoded],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Bytes;

    #[test]
    fn bytes_that_are_not_utf8_survive_json() {
        for bytes in [
            &b"--config=/etc/k"[..],
            b"\xff\xfe",
            b"",
            "ſ\u{202e}".as_bytes(),
        ] {
            let before = Bytes::from(bytes);
            let json = serde_json::to_string(&before).unwrap();
            assert_eq!(
                serde_json::from_str::<Bytes>(&json).unwrap(),
                before,
                "{json}"
            );
        }
        assert_eq!(
            serde_json::to_string(&Bytes::from(&b"\xff"[..])).unwrap(),
            r#"{"base64":"/w=="}"#
        );
    }
}
