//! Keys: what makes two of them the same, and the strings they become.

use std::hash::{Hash, Hasher};

use super::number::format_key;
use super::resolve::Scalar;
use crate::json::append_mended;

/// A key as Go's library has it: `1`, `1.0` and `"1"` are three.
#[derive(Clone, Debug)]
pub(super) struct Key(Scalar);

impl From<Scalar> for Key {
    fn from(scalar: Scalar) -> Self {
        Self(scalar)
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Scalar::Float(one), Scalar::Float(other)) => bits(*one) == bits(*other),
            (one, other) => one == other,
        }
    }
}

impl Eq for Key {}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match &self.0 {
            Scalar::Null => {}
            Scalar::Bool(value) => value.hash(state),
            Scalar::Int(value) => value.hash(state),
            Scalar::Unsigned(value) => value.hash(state),
            Scalar::Float(value) => bits(*value).hash(state),
            Scalar::Text(text) => text.hash(state),
        }
    }
}

impl Key {
    /// Returns whether the key equals nothing, not even itself.
    pub(super) const fn is_nan(&self) -> bool {
        matches!(self.0, Scalar::Float(value) if value.is_nan())
    }

    /// Returns the string that the key becomes, or why it cannot become one.
    pub(super) fn to_json(&self) -> Result<String, String> {
        match &self.0 {
            Scalar::Null => Err("unsupported map key of type: %!s(<nil>), key: <nil>".to_owned()),
            Scalar::Bool(value) => Ok(value.to_string()),
            Scalar::Int(value) => Ok(value.to_string()),
            Scalar::Unsigned(value) => Err(format!(
                "unsupported map key of type: uint64, key: {value:#x}"
            )),
            Scalar::Float(value) => Ok(format_key(*value)),
            Scalar::Text(text) => Ok(mended(text)),
        }
    }

    /// Returns the key as it is shown.
    pub(super) fn shown(&self) -> String {
        match &self.0 {
            Scalar::Null => "null".to_owned(),
            Scalar::Unsigned(value) => value.to_string(),
            _ => self.to_json().unwrap_or_default(),
        }
    }
}

/// Returns what tells floats apart: zero is the same with either sign.
fn bits(value: f64) -> u64 {
    (value + 0.0).to_bits()
}

/// Makes text of bytes, as Go's JSON does.
pub(super) fn mended(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    append_mended(&mut text, bytes);
    text
}
