//! Secrets in arguments and configuration: replaced by their digest before they reach the facts.
//!
//! Here is what stands for a secret. `arguments` and `content` find them; `signs` and `urls` know what one looks like,
//! `configuration` which documents are taken for a configuration, `manifest` and `toml` where such documents have
//! secrets, and `edits` replaces them in place.

use kubeassay_core::text::hexadecimal;
use kubeassay_core::{Bytes, Value, value};
use sha2::{Digest as _, Sha256};

mod arguments;
mod configuration;
mod content;
mod edits;
mod manifest;
mod signs;
mod toml;
mod urls;

pub use arguments::redact_arguments;
pub use content::redact_content;
pub(crate) use signs::may_name_credential;

/// Stands for a text that may hold credentials.
pub(crate) const WITHHELD: &[u8] =
    b"# withheld: this text cannot be understood and may hold credentials\n";

/// Returns whether the text was withheld, because it may hold credentials.
pub(crate) fn is_withheld(text: &Bytes) -> bool {
    text.as_slice() == WITHHELD
}

/// Returns the digest and the length of a secret; what is redacted already stays as it is.
pub(crate) fn redact(secret: &Bytes) -> Value {
    if let Some((sha256, length)) = secret.as_str().and_then(parse_redaction) {
        return Value::Redacted {
            sha256: sha256.to_owned(),
            length,
        };
    }
    Value::Redacted {
        sha256: hexadecimal(&Sha256::digest(secret.as_slice())),
        length: secret.len(),
    }
}

/// Returns what stands for a secret in a text.
pub(crate) fn redacted(secret: &[u8]) -> String {
    match redact(&Bytes::from(secret)) {
        Value::Redacted { sha256, length } => value::redaction(&sha256, length),
        // `redact` returns nothing else.
        _ => String::new(),
    }
}

fn parse_redaction(text: &str) -> Option<(&str, usize)> {
    let (digest, length) = text.strip_prefix("sha256:")?.split_once(" (")?;
    let length = length.strip_suffix(" bytes)")?.parse().ok()?;
    let hexadecimal = digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
    hexadecimal.then_some((digest, length))
}

/// Returns whether a text stands for a secret.
pub(crate) fn is_redacted(text: &str) -> bool {
    parse_redaction(text).is_some()
}

/// Returns how many bytes a secret had for which this text stands, if it stands for one.
pub(crate) fn redacted_length(text: &str) -> Option<usize> {
    parse_redaction(text).map(|(_, length)| length)
}
