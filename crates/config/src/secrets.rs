//! Secrets in arguments and configuration: replaced by their digest before they reach the facts.

use kubeassay_core::{Bytes, Value, value};
use sha2::{Digest as _, Sha256};

use crate::node::folds_to;
use crate::tables::kubelet::KUBELET;
use crate::tables::{Flag, FlagKind};
use crate::tree::{self, Node, Tree};

/// Parts of a flag's name that promise a credential as its value.
const CREDENTIAL_WORDS: [&str; 6] = ["password", "passwd", "secret", "token", "credential", "api-key"];

/// Returns the digest and the length of a secret; what is redacted already stays as it is.
pub(crate) fn redact(secret: &Bytes) -> Value {
    if let Some((sha256, length)) = secret.as_str().and_then(parse_redaction) {
        return Value::Redacted { sha256: sha256.to_owned(), length };
    }
    Value::Redacted { sha256: hex(&Sha256::digest(secret.as_slice())), length: secret.len() }
}

/// Returns bytes in lower-case hexadecimal.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn parse_redaction(text: &str) -> Option<(&str, usize)> {
    let (digest, length) = text.strip_prefix("sha256:")?.split_once(" (")?;
    let length = length.strip_suffix(" bytes)")?.parse().ok()?;
    let hexadecimal = digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
    hexadecimal.then_some((digest, length))
}

fn redacted(secret: &[u8]) -> String {
    match redact(&Bytes::from(secret)) {
        Value::Redacted { sha256, length } => value::redaction(&sha256, length),
        // `redact` returns nothing else.
        _ => String::new(),
    }
}

/// Replaces the secrets among the arguments of a kubelet by their digests.
///
/// Which argument is the value of which flag differs by version; where it may be a secret in any of them
/// it is hidden.
pub fn redact_arguments(argv: Vec<Bytes>) -> Vec<Bytes> {
    let mut hide_next: Option<&'static Flag> = None;
    argv.into_iter()
        .map(|argument| {
            if let Some(flag) = hide_next.take() {
                return hide(flag.kind, argument.as_slice());
            }
            let Some(long) = argument.as_slice().strip_prefix(b"--") else { return scrub(argument) };
            let (name, text) = match long.iter().position(|byte| *byte == b'=') {
                Some(at) => (long.get(..at).unwrap_or_default(), long.get(at + 1..)),
                None => (long, None),
            };
            let name = String::from_utf8_lossy(name).replace('_', "-");
            match (KUBELET.flag(&name), text) {
                (Some(flag), Some(text)) if flag.secret => {
                    prefixed(&argument, text, &hide(flag.kind, text))
                }
                (Some(flag), None) if flag.secret => {
                    hide_next = Some(flag);
                    argument
                }
                (None, Some(text)) if CREDENTIAL_WORDS.iter().any(|word| name.to_lowercase().contains(word)) => {
                    prefixed(&argument, text, &Bytes::from(redacted(text)))
                }
                _ => scrub(argument),
            }
        })
        .collect()
}

/// Returns the argument with its value `text` replaced.
fn prefixed(argument: &Bytes, text: &[u8], replacement: &Bytes) -> Bytes {
    let kept = argument.len() - text.len();
    let head = argument.as_slice().get(..kept).unwrap_or_default();
    Bytes::from([head, replacement.as_slice()].concat())
}

/// Hides the value of a secret flag; of `key:value` pairs the keys stay, so that the text still parses.
fn hide(kind: FlagKind, text: &[u8]) -> Bytes {
    if kind != FlagKind::Multimap {
        return Bytes::from(redacted(text));
    }
    let pairs: Vec<Vec<u8>> = text
        .split(|byte| *byte == b',')
        .map(|pair| match pair.iter().position(|byte| *byte == b':') {
            Some(at) => {
                let (key, value) = pair.split_at(at + 1);
                [key, redacted(value).as_bytes()].concat()
            }
            None => redacted(pair).into_bytes(),
        })
        .collect();
    Bytes::from(pairs.join(&b','))
}

/// Hides an argument that itself looks like a credential: a bearer token, a JSON web token, a URL with a
/// password.
fn scrub(argument: Bytes) -> Bytes {
    let text = argument.as_slice();
    let bearer = contains(text, b"Bearer ") || contains(text, b"bearer ");
    let token = text
        .split(|byte| !byte.is_ascii_alphanumeric() && !matches!(byte, b'_' | b'-' | b'.'))
        .any(|word| word.starts_with(b"eyJ") && word.iter().filter(|byte| **byte == b'.').count() == 2);
    let password = text.windows(3).position(|window| window == b"://").is_some_and(|at| {
        let rest = text.get(at + 3..).unwrap_or_default();
        let authority = rest.split(|byte| *byte == b'/').next().unwrap_or_default();
        authority.contains(&b'@') && authority.contains(&b':')
    });
    if !(bearer || token || password) {
        return argument;
    }
    let value = text.iter().position(|byte| *byte == b'=').map_or(0, |at| at + 1);
    let (head, secret) = text.split_at(value);
    Bytes::from([head, redacted(secret).as_bytes()].concat())
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// Replaces the secrets in a kubelet's configuration file by their digests.
///
/// Everything else stays byte for byte, so that lines and columns keep their meaning. A text that cannot be
/// understood and may hold a secret is withheld as a whole.
pub fn redact_content(content: Vec<u8>) -> Vec<u8> {
    let mut spans = Vec::new();
    match tree::read(&content) {
        Ok(document) => collect_secrets(&document.root, &mut spans),
        Err(_) if may_hold_secret(&content) => {
            return b"# withheld: this text cannot be understood and may hold credentials\n".to_vec();
        }
        Err(_) => return content,
    }
    spans.sort_unstable();
    spans.dedup();
    let mut kept = content;
    for (start, end) in spans.into_iter().rev() {
        let Some(written) = kept.get(start..end) else { continue };
        let replacement = format!("\"{}\"", redacted(written));
        let replacement = encode_like(&kept, &replacement);
        kept.splice(start..end, replacement);
    }
    kept
}

/// Collects where the strings below secret fields are written.
fn collect_secrets(root: &Node, spans: &mut Vec<(usize, usize)>) {
    let Tree::Map(entries) = &root.tree else { return };
    for entry in entries {
        let secret = KUBELET.fields.iter().any(|field| field.secret && folds_to(&entry.key, field.path));
        if secret {
            for node in std::iter::once(&entry.value).chain(&entry.shadowed) {
                strings_below(node, spans);
            }
        }
    }
}

fn strings_below(node: &Node, spans: &mut Vec<(usize, usize)>) {
    match &node.tree {
        Tree::String(text) if parse_redaction(text).is_none() => spans.push(node.at.span),
        Tree::List(nodes) => nodes.iter().for_each(|node| strings_below(node, spans)),
        Tree::Map(entries) => {
            for entry in entries {
                for node in std::iter::once(&entry.value).chain(&entry.shadowed) {
                    strings_below(node, spans);
                }
            }
        }
        Tree::Number(_) => spans.push(node.at.span),
        Tree::String(_) | Tree::Null | Tree::Bool(_) => {}
    }
}

/// Returns whether the text names a secret field in any spelling or encoding.
fn may_hold_secret(content: &[u8]) -> bool {
    let letters: String = content
        .iter()
        .filter(|byte| byte.is_ascii_alphabetic())
        .map(|byte| char::from(byte.to_ascii_lowercase()))
        .collect();
    KUBELET
        .fields
        .iter()
        .filter(|field| field.secret)
        .any(|field| letters.contains(&field.path.to_ascii_lowercase()))
}

/// Encodes text as the file is encoded, told by its byte order mark.
fn encode_like(content: &[u8], text: &str) -> Vec<u8> {
    match content {
        [0xff, 0xfe, ..] => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        [0xfe, 0xff, ..] => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        _ => text.as_bytes().to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use kubeassay_core::Bytes;

    use super::{redact_arguments, redact_content, redacted};

    #[test]
    fn secret_arguments_are_hidden_and_nothing_else() {
        let jwt = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJrIn0.c2ln";
        let argv = [
            "kubelet",
            "--manifest-url-header=Authorization:hunter2,X:y",
            "--manifest_url_header",
            "A:hunter2",
            "--authentication-token-webhook=true",
            "--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf",
            "--some-password=hunter2",
            &format!("--node-labels=a={jwt}"),
        ];
        let shown: Vec<String> =
            redact_arguments(argv.iter().map(|text| Bytes::from(*text)).collect()).iter().map(ToString::to_string).collect();
        let shown = shown.join(" ");
        assert!(!shown.contains("hunter2") && !shown.contains(jwt), "{shown}");
        assert!(shown.contains("--manifest-url-header=Authorization:sha256:"), "{shown}");
        assert!(shown.contains("--authentication-token-webhook=true --bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf"));
        // Doing it again changes nothing.
        let again = redact_arguments(vec![Bytes::from(format!("--manifest-url-header=A:{}", redacted(b"x")))]);
        assert_eq!(again, vec![Bytes::from(format!("--manifest-url-header=A:{}", redacted(b"x")))]);
    }

    #[test]
    fn secret_values_are_hidden_in_place() {
        let text = "kind: KubeletConfiguration\nstaticPodURLHeader:\n  Authorization: [\"Bearer hunter2\"]\nauthorization: {mode: Webhook}\n";
        let shown = String::from_utf8(redact_content(text.as_bytes().to_vec())).unwrap();
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(shown.contains("  Authorization: [\"sha256:"), "{shown}");
        assert!(shown.ends_with("\nauthorization: {mode: Webhook}\n"), "{shown}");
        assert_eq!(redact_content(shown.clone().into_bytes()), shown.into_bytes());
        let broken = b"\tstaticPodURLHeader: hunter2".to_vec();
        assert!(!redact_content(broken).windows(7).any(|window| window == b"hunter2"));
    }
}
