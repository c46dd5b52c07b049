//! Redaction of a configuration file: no secret survives, and nothing else changes.

use kubeassay_config::secrets::redact_content;
use kubeassay_config::tables::kubelet::KUBELET;
use kubeassay_config::toml;
use kubeassay_config::tree::{self, Node, Tree};

/// How a text begins that was withheld as a whole, or the part that was.
const WITHHELD: &[u8] = b"# withheld: ";

/// The shortest secret whose bytes are looked for: shorter ones may be in a digest by chance.
const SHORTEST: usize = 5;

/// The keys of a kubeconfig that hold secrets.
const CREDENTIALS: [&str; 7] = [
    "client-key-data",
    "token",
    "password",
    "client-secret",
    "id-token",
    "refresh-token",
    "access-token",
];

/// Redacts an input.
pub(crate) fn run(data: &[u8]) {
    let redacted = redact_content(data.to_vec());
    assert_eq!(
        redact_content(redacted.clone()),
        redacted,
        "redacting again changes it: {:?}",
        String::from_utf8_lossy(&redacted)
    );
    match tree::read(data) {
        // The configuration of a runtime, which is TOML.
        Err(_) if toml::read(data).is_ok() && toml::read(&redacted).is_ok() => {}
        Err(_) => {
            let kept = redacted == data;
            assert!(
                kept || redacted.starts_with(WITHHELD),
                "a text that cannot be read was changed in part"
            );
            assert!(
                !kept || !names_a_secret(data),
                "a text that cannot be read and may hold a secret was kept"
            );
        }
        Ok(document) => {
            if redacted.starts_with(WITHHELD) {
                return;
            }
            let mut secrets = Vec::new();
            find(&document.root, false, &mut secrets);
            let after = tree::read(&redacted).unwrap_or_else(|error| {
                panic!(
                    "{error}: cannot be read any more: {:?}",
                    String::from_utf8_lossy(&redacted)
                )
            });
            compare(&document.root, &after.root, &secrets);
            let comments = redacted
                .split_inclusive(|byte| *byte == b'\n')
                .filter(|line| line.trim_ascii_start().starts_with(b"#"));
            let comments: Vec<u8> = comments.flatten().copied().collect();
            assert!(!names_a_secret(&comments), "a comment may hold a secret");
            nothing_survives(data, &redacted, &secrets);
            assert!(
                !document.more_documents || after.more_documents || contains(&redacted, WITHHELD),
                "further documents are gone without a word"
            );
        }
    }
}

/// Whether a text of whatever encoding names a field that holds secrets, or holds a private key.
fn names_a_secret(data: &[u8]) -> bool {
    let letters: String = data
        .iter()
        .filter(|byte| byte.is_ascii_alphabetic())
        .map(|byte| char::from(byte.to_ascii_lowercase()))
        .collect();
    let named = secret_fields()
        .chain(CREDENTIALS)
        .any(|name| letters.contains(&name.replace('-', "").to_lowercase()));
    named || contains(data, b"PRIVATE KEY-----")
}

fn secret_fields() -> impl Iterator<Item = &'static str> {
    KUBELET
        .fields
        .iter()
        .filter(|field| field.secret)
        .map(|field| field.path)
}

/// Whether a key holds secrets: a field of the kubelet, spelled as Go's JSON may take it, or one of a kubeconfig.
fn is_secret(key: &str) -> bool {
    let folded = key.replace('\u{17f}', "s").replace('\u{212a}', "k");
    secret_fields().any(|field| field.eq_ignore_ascii_case(&folded)) || CREDENTIALS.contains(&key)
}

/// Collects where secrets are written. A secret may be shared through an alias; it is one wherever it is used.
fn find(node: &Node, below: bool, spans: &mut Vec<(usize, usize)>) {
    match &node.tree {
        Tree::String(text) => {
            if below && !is_redaction(text) {
                spans.push(node.at.span);
            }
        }
        Tree::Number(_) => {
            if below {
                spans.push(node.at.span);
            }
        }
        Tree::List(nodes) => nodes.iter().for_each(|node| find(node, below, spans)),
        Tree::Map(entries) => {
            for entry in entries {
                let below = below || is_secret(&entry.key);
                entry
                    .shadowed
                    .iter()
                    .for_each(|node| find(node, below, spans));
                find(&entry.value, below, spans);
            }
        }
        Tree::Null | Tree::Bool(_) => {}
    }
}

fn is_redaction(text: &str) -> bool {
    text.strip_prefix("sha256:")
        .is_some_and(|rest| rest.len() > 64 && rest.ends_with(" bytes)"))
}

/// Asserts that what is no secret is the same, in the same lines.
fn compare(before: &Node, after: &Node, secrets: &[(usize, usize)]) {
    assert_eq!(
        before.at.line, after.at.line,
        "in another line: {before:?} {after:?}"
    );
    if secrets.contains(&before.at.span) && !matches!(before.tree, Tree::List(_) | Tree::Map(_)) {
        let hidden = matches!(&after.tree, Tree::String(text) if is_redaction(text));
        assert!(hidden, "a secret is left: {before:?} {after:?}");
        return;
    }
    match (&before.tree, &after.tree) {
        (Tree::List(before), Tree::List(after)) => {
            assert_eq!(before.len(), after.len(), "a list of another length");
            before
                .iter()
                .zip(after)
                .for_each(|(before, after)| compare(before, after, secrets));
        }
        (Tree::Map(before), Tree::Map(after)) => {
            let keys = |entries: &[tree::Entry]| {
                entries
                    .iter()
                    .map(|entry| entry.key.clone())
                    .collect::<Vec<_>>()
            };
            assert_eq!(keys(before), keys(after), "other keys");
            for (before, after) in before.iter().zip(after) {
                compare(&before.value, &after.value, secrets);
                assert_eq!(before.shadowed.len(), after.shadowed.len(), "{before:?}");
                for (before, after) in before.shadowed.iter().zip(&after.shadowed) {
                    compare(before, after, secrets);
                }
            }
        }
        // A URL with a password, a variable or an argument whose name promises a secret.
        (_, Tree::String(text)) if text.contains("sha256:") && text.contains(" bytes)") => {}
        (one, other) => assert_eq!(one, other, "what is no secret changed"),
    }
}

/// Asserts that the bytes of a secret are nowhere in what is left, unless they are elsewhere in the text too.
fn nothing_survives(data: &[u8], redacted: &[u8], secrets: &[(usize, usize)]) {
    let mut spans = secrets.to_vec();
    spans.sort_unstable();
    spans.dedup();
    let mut elsewhere = Vec::new();
    let mut at = 0;
    for (start, end) in &spans {
        elsewhere.extend_from_slice(data.get(at..*start).unwrap_or_default());
        elsewhere.push(b'\n');
        at = *end;
    }
    elsewhere.extend_from_slice(data.get(at..).unwrap_or_default());
    for (start, end) in spans {
        let secret = &data[start..end];
        let hexadecimal = secret.iter().all(u8::is_ascii_hexdigit);
        if secret.len() >= SHORTEST
            && !hexadecimal
            && !contains(&elsewhere, secret)
            && !shows(secret)
        {
            assert!(
                !contains(redacted, secret),
                "a secret survives: {:?}",
                String::from_utf8_lossy(secret)
            );
        }
    }
}

/// Whether a text is part of how a secret is shown.
fn shows(secret: &[u8]) -> bool {
    // In UTF-16 every other byte of it is zero.
    let text = String::from_utf8_lossy(secret).replace('\0', "");
    "\"sha256: ( bytes)\"".contains(text.trim_matches('"'))
        || text.contains("bytes")
        || text.contains("sha256")
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}
