//! Secrets in arguments and configuration: replaced by their digest before they reach the facts.

use kubeassay_core::{Bytes, Value, value};
use sha2::{Digest as _, Sha256};

use crate::node::folds_to;
use crate::tables::FlagKind;
use crate::tables::kubelet::KUBELET;
use crate::tree::{self, Document, Node, Tree};

/// Parts of a flag's name that promise a credential as its value.
const CREDENTIAL_WORDS: [&str; 6] = [
    "password",
    "passwd",
    "secret",
    "token",
    "credential",
    "api-key",
];

/// Keys of a kubeconfig, which may be taken for the configuration: no field of the kubelet has such a name.
const CREDENTIAL_KEYS: [&str; 7] = [
    "client-key-data",
    "token",
    "password",
    "client-secret",
    "id-token",
    "refresh-token",
    "access-token",
];

/// Stands for a text that may hold credentials.
const WITHHELD: &[u8] = b"# withheld: this text cannot be understood and may hold credentials\n";

/// Returns the digest and the length of a secret; what is redacted already stays as it is.
pub(crate) fn redact(secret: &Bytes) -> Value {
    if let Some((sha256, length)) = secret.as_str().and_then(parse_redaction) {
        return Value::Redacted {
            sha256: sha256.to_owned(),
            length,
        };
    }
    Value::Redacted {
        sha256: hex(&Sha256::digest(secret.as_slice())),
        length: secret.len(),
    }
}

/// Returns bytes in lower-case hexadecimal.
fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |value: u8| {
        DIGITS
            .get(usize::from(value))
            .map_or('0', |digit| char::from(*digit))
    };
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 0xf)])
        .collect()
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
    let mut hide_next: Option<FlagKind> = None;
    // A flag that no kubelet has, but that promises a credential: of another program that looks like one.
    let mut named_credential = false;
    argv.into_iter()
        .map(|argument| {
            if let Some(kind) = hide_next.take() {
                return hide(kind, argument.as_slice());
            }
            if std::mem::take(&mut named_credential) && !argument.as_slice().starts_with(b"-") {
                return Bytes::from(redacted(argument.as_slice()));
            }
            let Some(long) = argument.as_slice().strip_prefix(b"--") else {
                return scrub(argument);
            };
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
                    hide_next = Some(flag.kind);
                    argument
                }
                (None, text)
                    if CREDENTIAL_WORDS
                        .iter()
                        .any(|word| name.to_lowercase().contains(word)) =>
                {
                    named_credential = text.is_none();
                    text.map_or_else(
                        || argument.clone(),
                        |text| prefixed(&argument, text, &Bytes::from(redacted(text))),
                    )
                }
                (Some(flag), Some(text))
                    if flag.kind == FlagKind::StringMap && promises_credential(text) =>
                {
                    prefixed(&argument, text, &hide_pairs(text, b'='))
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
    if kind == FlagKind::Multimap {
        hide_pairs(text, b':')
    } else {
        Bytes::from(redacted(text))
    }
}

/// Hides the values of pairs; what is no pair is replaced by something that is none either.
fn hide_pairs(text: &[u8], separator: u8) -> Bytes {
    let pairs: Vec<Vec<u8>> = text
        .split(|byte| *byte == b',')
        .map(
            |pair| match pair.iter().position(|byte| *byte == separator) {
                Some(at) => {
                    let (key, value) = pair.split_at(at + 1);
                    [key, redacted(value).as_bytes()].concat()
                }
                None if pair.is_empty() => Vec::new(),
                None => b"(withheld)".to_vec(),
            },
        )
        .collect();
    Bytes::from(pairs.join(&b','))
}

/// Hides an argument that itself looks like a credential: a bearer token, a JSON web token, a URL with a
/// password.
fn scrub(argument: Bytes) -> Bytes {
    let text = argument.as_slice();
    if !promises_credential(text) {
        return argument;
    }
    let value = text
        .iter()
        .position(|byte| *byte == b'=')
        .map_or(0, |at| at + 1);
    let (head, secret) = text.split_at(value);
    Bytes::from([head, redacted(secret).as_bytes()].concat())
}

fn promises_credential(text: &[u8]) -> bool {
    let bearer = contains(text, b"Bearer ") || contains(text, b"bearer ");
    let token = text
        .split(|byte| !byte.is_ascii_alphanumeric() && !matches!(byte, b'_' | b'-' | b'.'))
        .any(|word| word.starts_with(b"eyJ") && word.split(|byte| *byte == b'.').count() == 3);
    let password = text
        .windows(3)
        .position(|window| window == b"://")
        .is_some_and(|at| {
            let rest = text.get(at + 3..).unwrap_or_default();
            let authority = rest.split(|byte| *byte == b'/').next().unwrap_or_default();
            authority.contains(&b'@') && authority.contains(&b':')
        });
    bearer || token || password
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
        // Named as configuration, but it is a key, a password file or the like.
        Ok(document) if !is_configuration(&document.root) => return WITHHELD.to_vec(),
        Ok(document) => {
            if document.more_documents {
                let (_, end) = document.root.at.span;
                if may_hold_secret(content.get(end..).unwrap_or_default()) {
                    return first_document(&content, &document)
                        .map_or_else(|| WITHHELD.to_vec(), redact_content);
                }
            }
            collect_secrets(&document.root, &mut spans);
        }
        Err(_) if content.is_empty() => return content,
        Err(_) if may_hold_secret(&content) || !letters(&content).contains("kubelet") => {
            return WITHHELD.to_vec();
        }
        Err(_) => return content,
    }
    spans.sort_unstable();
    spans.dedup();
    let mut kept = content;
    for (start, end) in spans.into_iter().rev() {
        let Some(written) = kept.get(start..end) else {
            continue;
        };
        // The lines below keep their numbers.
        let breaks = written.split(|byte| *byte == b'\n').count() - 1;
        let replacement = format!("\"{}\"{}", redacted(written), "\n".repeat(breaks));
        let replacement = encode_like(&kept, &replacement);
        kept.splice(start..end, replacement);
    }
    kept
}

/// Returns whether a document looks like configuration: it has a kind, without which no kubelet takes it, or a
/// field of the kubelet.
fn is_configuration(root: &Node) -> bool {
    let field = |key: &str| {
        KUBELET
            .fields
            .iter()
            .any(|field| field.path.split('.').next() == Some(key))
    };
    match &root.tree {
        Tree::Map(entries) => entries
            .iter()
            .any(|entry| folds_to(&entry.key, "kind") || field(&entry.key)),
        Tree::Null => true,
        Tree::Bool(_) | Tree::Number(_) | Tree::String(_) | Tree::List(_) => false,
    }
}

/// Returns the text without what follows its first document, which is never read.
fn first_document(content: &[u8], document: &Document) -> Option<Vec<u8>> {
    let (_, end) = document.root.at.span;
    let rest = content.get(end..)?;
    let at = rest
        .windows(4)
        .position(|window| matches!(window, b"\n---" | b"\n..."))?;
    let kept = [content.get(..end + at + 4)?, b"\n".as_slice(), WITHHELD].concat();
    let same = tree::read(&kept).is_ok_and(|read| read.root == document.root);
    same.then_some(kept)
}

/// Collects where the strings below secret fields are written, wherever in the document those stand.
fn collect_secrets(root: &Node, spans: &mut Vec<(usize, usize)>) {
    match &root.tree {
        Tree::Map(entries) => {
            for entry in entries {
                let field = KUBELET
                    .fields
                    .iter()
                    .any(|field| field.secret && folds_to(&entry.key, field.path));
                let secret = field || CREDENTIAL_KEYS.contains(&entry.key.as_str());
                for node in std::iter::once(&entry.value).chain(&entry.shadowed) {
                    if secret {
                        strings_below(node, spans);
                    } else {
                        collect_secrets(node, spans);
                    }
                }
            }
        }
        Tree::List(nodes) => nodes.iter().for_each(|node| collect_secrets(node, spans)),
        Tree::Null | Tree::Bool(_) | Tree::Number(_) | Tree::String(_) => {}
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

/// Returns whether the text names a secret field in any spelling or encoding, or holds a private key.
fn may_hold_secret(content: &[u8]) -> bool {
    let letters = letters(content);
    let named = |key: &str| letters.contains(&key.replace('-', "").to_ascii_lowercase());
    let mut fields = KUBELET
        .fields
        .iter()
        .filter(|field| field.secret)
        .map(|field| field.path);
    contains(content, b"PRIVATE KEY-----") || named("client-key-data") || fields.any(named)
}

/// Returns the ASCII letters of a text in lower case, whatever its encoding.
fn letters(content: &[u8]) -> String {
    content
        .iter()
        .filter(|byte| byte.is_ascii_alphabetic())
        .map(|byte| char::from(byte.to_ascii_lowercase()))
        .collect()
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
            redact_arguments(argv.iter().map(|text| Bytes::from(*text)).collect())
                .iter()
                .map(ToString::to_string)
                .collect();
        let shown = shown.join(" ");
        assert!(
            !shown.contains("hunter2") && !shown.contains(jwt),
            "{shown}"
        );
        assert!(
            shown.contains("--manifest-url-header=Authorization:sha256:"),
            "{shown}"
        );
        assert!(shown.contains("--authentication-token-webhook=true --bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf"));
        // Doing it again changes nothing.
        let again = redact_arguments(vec![Bytes::from(format!(
            "--manifest-url-header=A:{}",
            redacted(b"x")
        ))]);
        assert_eq!(
            again,
            vec![Bytes::from(format!(
                "--manifest-url-header=A:{}",
                redacted(b"x")
            ))]
        );
    }

    #[test]
    fn secret_values_are_hidden_in_place() {
        let text = "kind: KubeletConfiguration\nstaticPodURLHeader:\n  Authorization: [\"Bearer hunter2\"]\nauthorization: {mode: Webhook}\n";
        let shown = String::from_utf8(redact_content(text.as_bytes().to_vec())).unwrap();
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(shown.contains("  Authorization: [\"sha256:"), "{shown}");
        assert!(
            shown.ends_with("\nauthorization: {mode: Webhook}\n"),
            "{shown}"
        );
        assert_eq!(
            redact_content(shown.clone().into_bytes()),
            shown.into_bytes()
        );
        let several = b"staticPodURLHeader: {A: [\"two\n  lines\"]}\nport: 1\n".to_vec();
        let shown = String::from_utf8(redact_content(several)).unwrap();
        assert_eq!(shown.lines().nth(2), Some("port: 1"), "{shown}");
        let broken = b"\tstaticPodURLHeader: hunter2".to_vec();
        assert!(
            !redact_content(broken)
                .windows(7)
                .any(|window| window == b"hunter2")
        );
    }

    #[test]
    fn what_is_hidden_parses_as_before() {
        let hidden = |argument: &str| redact_arguments(vec![Bytes::from(argument)])[0].to_string();
        let labels = hidden("--node-labels=a=1,b=eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJrIn0.c2ln");
        assert!(
            labels.starts_with("--node-labels=a=sha256:") && labels.contains(",b=sha256:"),
            "{labels}"
        );
        assert!(!hidden("--manifest-url-header=hunter2,").contains("hunter2"));
        // What is no pair and refused stays none.
        assert!(
            !hidden("--manifest-url-header=hunter2,")["--manifest-url-header=".len()..]
                .contains(':')
        );
    }

    #[test]
    fn credentials_of_other_programs_are_hidden() {
        let argv = [
            "kubelet",
            "--token",
            "hunter2",
            "--provider-id",
            "--my-token",
            "--authorization-mode=AlwaysAllow",
        ];
        let shown: Vec<String> =
            redact_arguments(argv.iter().map(|text| Bytes::from(*text)).collect())
                .iter()
                .map(ToString::to_string)
                .collect();
        let shown = shown.join(" ");
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(
            shown.ends_with("--provider-id --my-token --authorization-mode=AlwaysAllow"),
            "{shown}"
        );
    }

    #[test]
    fn what_is_no_configuration_is_not_kept() {
        let first = "kind: KubeletConfiguration\nauthorization: {mode: Webhook}\n";
        for text in [
            "-----BEGIN RSA PRIVATE KEY-----\nhunter2\n-----END RSA PRIVATE KEY-----\n",
            "root:$6$hunter2:19000:0:99999:7:::\nbin:*:19000:0:99999:7:::\n",
            "kind: Config\nusers:\n- name: admin\n  user: {token: hunter2, client-key-data: hunter2}\n",
            &format!("{first}---\nstaticPodURLHeader: {{A: [hunter2]}}\n"),
            &format!("{first}...\n---\n# staticPodURL: hunter2\nport: 1\n"),
        ] {
            let shown = String::from_utf8(redact_content(text.as_bytes().to_vec())).unwrap();
            assert!(!shown.contains("hunter2"), "{shown}");
            assert_eq!(text.starts_with(first), shown.starts_with(first), "{shown}");
        }
    }
}
