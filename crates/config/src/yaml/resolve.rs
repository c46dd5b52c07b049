//! What a scalar means: the rules of YAML 1.1 as the kubelet's library applies them, tags included.

use super::number::{self, Numeral};
use super::{base64, timestamp};

/// What a scalar means.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Scalar {
    Null,
    Bool(bool),
    Int(i64),
    /// An integer beyond the signed ones.
    Unsigned(u64),
    Float(f64),
    /// Text; of `!!binary`, any bytes.
    Text(Vec<u8>),
}

/// Returns what a scalar means, or why it means nothing.
///
/// `implicit`: it is plain without a tag, or has the tag `!`. Quoted text is text, unless its tag says otherwise; a
/// tag that is not YAML's own makes text of everything.
pub(super) fn resolve(tag: Option<&str>, text: &str, implicit: bool) -> Result<Scalar, String> {
    let as_text = || Scalar::Text(text.as_bytes().to_vec());
    let Some(tag) = tag.filter(|tag| !tag.is_empty()) else {
        return Ok(if implicit {
            resolve_plain(text)
        } else {
            as_text()
        });
    };
    let wanted = match tag.strip_prefix("tag:yaml.org,2002:") {
        Some("binary") => {
            let bytes = base64::decode(text).map(Scalar::Text);
            return bytes.ok_or_else(|| "!!binary value contains invalid base64 data".to_owned());
        }
        Some(name @ ("bool" | "int" | "float" | "null" | "timestamp")) => name,
        _ => return Ok(as_text()),
    };
    let is_timestamp = wanted == "timestamp" && timestamp::is_timestamp(text);
    let meaning = if is_timestamp {
        as_text()
    } else {
        resolve_plain(text)
    };
    let found = match &meaning {
        _ if is_timestamp => "timestamp",
        Scalar::Null => "null",
        Scalar::Bool(_) => "bool",
        Scalar::Int(_) | Scalar::Unsigned(_) => "int",
        Scalar::Float(_) => "float",
        Scalar::Text(_) => "str",
    };
    match meaning {
        #[expect(clippy::cast_precision_loss, reason = "Go converts it the same way")]
        Scalar::Int(value) if wanted == "float" => Ok(Scalar::Float(value as f64)),
        meaning if found == wanted => Ok(meaning),
        _ => Err(format!("cannot decode !!{found} `{text}` as a !!{wanted}")),
    }
}

/// Returns what a plain scalar without a tag means. Timestamps stay text.
fn resolve_plain(text: &str) -> Scalar {
    let word = match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            Some(Scalar::Bool(true))
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Some(Scalar::Bool(false))
        }
        "" | "~" | "null" | "Null" | "NULL" => Some(Scalar::Null),
        ".nan" | ".NaN" | ".NAN" => Some(Scalar::Float(f64::NAN)),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => {
            Some(Scalar::Float(f64::INFINITY))
        }
        "-.inf" | "-.Inf" | "-.INF" => Some(Scalar::Float(f64::NEG_INFINITY)),
        _ => None,
    };
    if let Some(word) = word {
        return word;
    }
    let numeral = match text.as_bytes().first() {
        Some(b'.') => number::parse_float(text).map(Numeral::Float),
        Some(b'+' | b'-' | b'0'..=b'9') => number::parse(text),
        _ => None,
    };
    match numeral {
        Some(Numeral::Int(value)) => Scalar::Int(value),
        Some(Numeral::Unsigned(value)) => Scalar::Unsigned(value),
        Some(Numeral::Float(value)) => Scalar::Float(value),
        None => Scalar::Text(text.as_bytes().to_vec()),
    }
}
