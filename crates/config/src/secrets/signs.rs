//! By what a text that nothing else is known of is taken for one that holds a secret: words, names of fields, and looks.

use std::sync::LazyLock;

use super::manifest;
use super::urls::passwords;
use crate::tables::kubelet::KUBELET;

/// Parts of a flag's name that promise a credential as its value.
pub(super) const CREDENTIAL_WORDS: [&str; 6] = [
    "password",
    "passwd",
    "secret",
    "token",
    "credential",
    "api-key",
];

/// Keys of a kubeconfig, which may be taken for the configuration: no field of the kubelet has such a name.
pub(super) const CREDENTIAL_KEYS: [&str; 14] = [
    "client-key-data",
    "client-certificate-data",
    "certificate-authority-data",
    "token",
    "password",
    "client-secret",
    "id-token",
    "refresh-token",
    "access-token",
    // k3s' and RKE2's own configuration.
    "agent-token",
    "datastore-endpoint",
    "vpn-auth",
    "etcd-s3-access-key",
    "etcd-s3-secret-key",
];

/// Returns whether a text that nothing is known of names a credential, or looks like one.
pub(crate) fn may_name_credential(text: &[u8]) -> bool {
    let lower = text.to_ascii_lowercase();
    let named = |word: &str| contains(&lower, word.as_bytes());
    CREDENTIAL_WORDS.into_iter().any(named) || promises_credential(text) || may_hold_secret(text)
}

pub(super) fn promises_credential(text: &[u8]) -> bool {
    let bearer = contains(text, b"Bearer ") || contains(text, b"bearer ");
    let token = text
        .split(|byte| !byte.is_ascii_alphanumeric() && !matches!(byte, b'_' | b'-' | b'.'))
        .any(|word| word.starts_with(b"eyJ") && word.split(|byte| *byte == b'.').count() == 3);
    bearer || token || passwords(text).next().is_some()
}

/// Returns whether the text names a secret field in any spelling or encoding, or holds a private key.
pub(super) fn may_hold_secret(content: &[u8]) -> bool {
    /// The names of secrets, without dashes and in lower case.
    static NAMES: LazyLock<Vec<String>> = LazyLock::new(|| {
        let fields = KUBELET.fields.iter().filter(|field| field.secret);
        let names = fields.map(|field| field.path).chain(CREDENTIAL_KEYS);
        let plain = names.map(|name| name.replace('-', "").to_ascii_lowercase());
        plain.collect()
    });
    let letters = letters(content);
    has_private_key(content) || NAMES.iter().any(|name| letters.contains(name))
}

/// Returns whether a text that cannot be read, or is not, may hold a secret of any kind.
pub(super) fn may_hold_any(content: &[u8]) -> bool {
    may_hold_secret(content)
        || promises_credential(content)
        || manifest::may_be_special(&letters(content))
}

pub(super) fn has_private_key(text: &[u8]) -> bool {
    contains(text, b"PRIVATE KEY-----")
}

/// Returns the ASCII letters of a text in lower case, whatever its encoding.
pub(super) fn letters(content: &[u8]) -> String {
    content
        .iter()
        .filter(|byte| byte.is_ascii_alphabetic())
        .map(|byte| char::from(byte.to_ascii_lowercase()))
        .collect()
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}
