//! Secrets in the content of a file: which kind of text it is, and where in it they are written.

use kubeassay_core::Bytes;

use super::configuration::is_configuration;
use super::edits::{Edit, encode_like, hide_spans, only_secrets_differ, settled, without};
use super::signs::{CREDENTIAL_KEYS, letters, may_hold_any, may_hold_secret};
use super::urls::has_password;
use super::{WITHHELD, is_redacted, manifest, redact_arguments, toml};
use crate::node::folds_to;
use crate::tables::kubelet::KUBELET;
use crate::text::Encoding;
use crate::tree::{self, Document, Node, Tree};

/// Replaces the secrets in a configuration file of any component by their digests: YAML, JSON, the TOML of the container
/// runtimes, or arguments line by line.
///
/// Everything else stays byte for byte, so that lines and columns keep their meaning. A text that cannot be
/// understood and may hold a secret is withheld as a whole.
pub fn redact_content(mut content: Vec<u8>) -> Vec<u8> {
    if let Some(redacted) = redact_argument_file(&content) {
        return redacted;
    }
    if let Some(redacted) = toml::redact(&content) {
        return redacted;
    }
    let mut edits = Vec::new();
    let special;
    match tree::read(&content) {
        // Named as configuration, but it is a key, a password file or the like.
        Ok(document) if !is_configuration(&document.root) => return WITHHELD.to_vec(),
        Ok(document) => {
            let (_, end) = document.root.at.span;
            special = manifest::special(&document.root);
            let rest = content.get(end..).unwrap_or_default();
            if document.more_documents && (special.is_some() || may_hold_any(rest)) {
                let Some(first) = first_document(&content, &document) else {
                    return WITHHELD.to_vec();
                };
                content = first;
            }
            let mut spans = Vec::new();
            collect_secrets(&document.root, &mut spans);
            edits.extend(spans.into_iter().map(Edit::at));
            manifest::collect(&document.root, &mut edits);
        }
        Err(_) if content.is_empty() => return content,
        Err(_) if may_hold_any(&content) || !letters(&content).contains("kubelet") => {
            return WITHHELD.to_vec();
        }
        Err(_) => return content,
    }
    let edits = settled(edits);
    let hidden = hide_spans(&content, &edits);
    let kept = match special {
        Some(kind) => match hide_all_comments(kind, hidden) {
            Some(kept) => kept,
            None => return WITHHELD.to_vec(),
        },
        None => hide_comments(hidden),
    };
    if kept == content || only_secrets_differ(&content, &kept, &edits) {
        kept
    } else {
        // A tag says what a scalar is, for example; hidden, it is no such thing.
        WITHHELD.to_vec()
    }
}

/// Returns a file of arguments, such as kubelite reads, with its secrets hidden; nothing where it is no such file: each
/// line of it begins a flag, is a comment, or empty.
fn redact_argument_file(content: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(content).ok()?;
    let lines = || text.split_inclusive('\n');
    let is_comment = |line: &str| line.trim_start().starts_with('#');
    let is_flag = |line: &str| line.trim_start().starts_with("--");
    let fits = |line: &str| is_flag(line) || is_comment(line) || line.trim().is_empty();
    if !lines().any(is_flag) || !lines().all(fits) {
        return None;
    }
    let mut kept = String::new();
    for line in lines() {
        if is_comment(line) && may_hold_secret(line.as_bytes()) {
            kept.push_str("# withheld\n");
            continue;
        }
        if !is_flag(line) {
            kept.push_str(line);
            continue;
        }
        let (body, end) = match line.strip_suffix('\n') {
            Some(body) => (body, "\n"),
            None => (line, ""),
        };
        let argv = std::iter::once("kubelite").chain(body.split(' '));
        let redacted = redact_arguments(argv.map(Bytes::from).collect());
        let words: Vec<String> = redacted
            .iter()
            .skip(1)
            .map(Bytes::to_string_lossy)
            .collect();
        kept.push_str(&words.join(" "));
        kept.push_str(end);
    }
    Some(kept.into_bytes())
}

/// Returns the text without what follows its first document, which is never read; comments right behind it are gone too.
fn first_document(content: &[u8], document: &Document) -> Option<Vec<u8>> {
    let (_, end) = document.root.at.span;
    let rest = [b"\n---\n", WITHHELD].concat();
    let rest = encode_like(content, &String::from_utf8_lossy(&rest));
    let kept = [content.get(..end)?, &rest].concat();
    let same =
        tree::read(&kept).is_ok_and(|read| read.root == document.root && read.more_documents);
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
                // `telemetry.proxy` of MicroShift.
                let proxy = folds_to(&entry.key, "proxy")
                    && matches!(&entry.value.tree, Tree::String(text) if has_password(text));
                let secret = field || proxy || CREDENTIAL_KEYS.contains(&entry.key.as_str());
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

pub(super) fn strings_below(node: &Node, spans: &mut Vec<(usize, usize)>) {
    match &node.tree {
        Tree::String(text) if !is_redacted(text) => spans.push(node.at.span),
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

/// Returns the text with nothing in the comments on lines of their own, if one of them names a secret: a setting that was
/// taken out of a file often stays in it so.
fn hide_comments(content: Vec<u8>) -> Vec<u8> {
    let is_comment = |line: &&[u8]| line.trim_ascii_start().starts_with(b"#");
    let lines = || content.split_inclusive(|byte| *byte == b'\n');
    let comments: Vec<&[u8]> = lines().filter(is_comment).collect();
    if !may_hold_secret(&comments.concat()) {
        return content;
    }
    let without = |line: &[u8]| {
        let hash = line.iter().position(|byte| *byte == b'#').unwrap_or(0);
        let end = match line {
            [.., b'\r', b'\n'] => b"\r\n".as_slice(),
            [.., b'\n'] => b"\n",
            _ => b"",
        };
        [line.get(..=hash).unwrap_or_default(), end].concat()
    };
    lines()
        .flat_map(|line| {
            if is_comment(&line) {
                without(line)
            } else {
                line.to_vec()
            }
        })
        .collect()
}

/// Returns the text with nothing in any comment, if one of them may hold a secret; nothing where it cannot be told where
/// they are.
fn hide_all_comments(kind: manifest::Special, content: Vec<u8>) -> Option<Vec<u8>> {
    if tree::is_json(&content) {
        return Some(content);
    }
    if !matches!(Encoding::of(&content), (Encoding::Utf8, _)) {
        return None;
    }
    let document = tree::read(&content).ok()?;
    let comments = manifest::comments(&content, &document.root);
    // What was withheld of further documents says so.
    let is_kept = |(start, end): &(usize, usize)| {
        let text = content.get(*start..*end).unwrap_or_default();
        text != WITHHELD.trim_ascii().get(1..).unwrap_or_default()
    };
    let comments: Vec<(usize, usize)> = comments.into_iter().filter(is_kept).collect();
    let mut texts = Vec::new();
    for (start, end) in &comments {
        texts.extend_from_slice(content.get(*start..*end).unwrap_or_default());
        texts.push(b'\n');
    }
    if manifest::in_comments(kind, &texts) {
        return Some(without(&content, &comments));
    }
    Some(content)
}

#[cfg(test)]
mod tests {
    use crate::secrets::{WITHHELD, redact_content};
    use crate::tree::Tree;

    #[test]
    fn what_a_kubelet_says_of_itself_is_kept_but_for_its_secrets() {
        let body = br#"{"kubeletconfig":{"staticPodURLHeader":{"Authorization":["Bearer abc"]},"port":10250}}"#;
        let kept = String::from_utf8(redact_content(body.to_vec())).unwrap();
        assert!(
            kept.starts_with(
                r#"{"kubeletconfig":{"staticPodURLHeader":{"Authorization":["sha256:"#
            )
        );
        assert!(
            kept.ends_with(r#"},"port":10250}}"#) && !kept.contains("abc"),
            "{kept}"
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
    fn what_cannot_be_hidden_in_place_is_withheld() {
        // Hidden, it would be no base64 and no number.
        for scalar in ["!!binary aHVudGVyMg==", "!!int 1234567"] {
            let text = format!("kind: K\nstaticPodURLHeader: {{A: [{scalar}]}}\n");
            assert_eq!(redact_content(text.into_bytes()), WITHHELD);
        }
        // Whatever ends a line, the lines below keep their numbers.
        for end in ["\n", "\r\n", "\r", "\u{85}", "\u{2028}"] {
            let text = format!(
                "kind: K{end}staticPodURLHeader: {{A: [two{end}  words]}}{end}port: 1{end}"
            );
            let shown = redact_content(text.into_bytes());
            let document = crate::tree::read(&shown).unwrap();
            let Tree::Map(entries) = document.root.tree else {
                panic!("no map")
            };
            assert_eq!(entries[2].key_at.line, 4, "{end:?}");
        }
        // However many there are.
        let many = format!(
            "kind: K\nstaticPodURLHeader: {{A: [{}]}}\n",
            "abc,".repeat(5_000)
        );
        let shown = redact_content(many.into_bytes());
        assert!(shown.len() > 5_000 * 80, "{}", shown.len());
        // What was taken out of a file and stays in it as a comment.
        let text = b"# port\nkind: K\n# staticPodURLHeader:\n  #  A: [hunter2]\r\nport: 1 # two\n"
            .to_vec();
        let shown = String::from_utf8(redact_content(text)).unwrap();
        assert_eq!(shown, "#\nkind: K\n#\n  #\r\nport: 1 # two\n");
        // Nobody knows what a text says that cannot be read.
        let broken = b"[kubelet\nusers: {token: hunter2".to_vec();
        assert_eq!(redact_content(broken), WITHHELD);
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
            // Once this had no end.
            &format!("{first}# staticPodURLHeader: hunter2\n---\nport: 1\n"),
        ] {
            let shown = String::from_utf8(redact_content(text.as_bytes().to_vec())).unwrap();
            assert!(!shown.contains("hunter2"), "{shown}");
            assert_eq!(text.starts_with(first), shown.starts_with(first), "{shown}");
        }
    }
}
