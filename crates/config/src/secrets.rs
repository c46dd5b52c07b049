//! Secrets in arguments and configuration: replaced by their digest before they reach the facts.

use std::sync::LazyLock;

use kubeassay_core::text::hexadecimal;
use kubeassay_core::{Bytes, Component, Value, value};
use sha2::{Digest as _, Sha256};

use crate::components;
use crate::flags;
use crate::node::folds_to;
use crate::tables::kubelet::KUBELET;
use crate::tables::{Flag, FlagKind};
use crate::text::{self, Encoding};
use crate::tree::{self, Document, Node, Tree};

mod manifest;
mod toml;

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
const CREDENTIAL_KEYS: [&str; 14] = [
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

/// Keys by which the configuration of k3s and RKE2 is known, besides those that end in `-arg`.
const RANCHER_KEYS: [&str; 12] = [
    "data-dir",
    "write-kubeconfig-mode",
    "cluster-init",
    "server",
    "disable",
    "tls-san",
    "node-label",
    "node-taint",
    "node-name",
    "protect-kernel-defaults",
    "secrets-encryption",
    "selinux",
];

/// Keys by which the configuration of `MicroShift` is known (`Config` in its `pkg/config/config.go`).
const MICROSHIFT_KEYS: [&str; 13] = [
    "apiServer",
    "clusterToCluster",
    "debugging",
    "dns",
    "etcd",
    "genericDevicePlugin",
    "ingress",
    "kubelet",
    "manifests",
    "network",
    "node",
    "storage",
    "telemetry",
];

/// Stands for a text that may hold credentials.
pub(crate) const WITHHELD: &[u8] =
    b"# withheld: this text cannot be understood and may hold credentials\n";

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

fn parse_redaction(text: &str) -> Option<(&str, usize)> {
    let (digest, length) = text.strip_prefix("sha256:")?.split_once(" (")?;
    let length = length.strip_suffix(" bytes)")?.parse().ok()?;
    let hexadecimal = digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
    hexadecimal.then_some((digest, length))
}

/// Returns how many bytes a secret had for which this text stands, if it stands for one.
pub(crate) fn redacted_length(text: &str) -> Option<usize> {
    parse_redaction(text).map(|(_, length)| length)
}

/// Returns what stands for a secret in a text.
pub(crate) fn redacted(secret: &[u8]) -> String {
    match redact(&Bytes::from(secret)) {
        Value::Redacted { sha256, length } => value::redaction(&sha256, length),
        // `redact` returns nothing else.
        _ => String::new(),
    }
}

/// Replaces the secrets among the arguments of a component by their digests; of a URL with a user and a password only
/// these.
///
/// Which argument is the value of which flag differs by component and version; where it may be a secret in any of them
/// it is hidden. What a component accepts or refuses it still does.
pub fn redact_arguments(argv: Vec<Bytes>) -> Vec<Bytes> {
    let mut redaction = Redaction::default();
    argv.into_iter()
        .enumerate()
        .map(|(index, argument)| {
            let redacted = redaction.argument(&argument);
            if index == 0 {
                // The program's own name is no flag, whatever it looks like.
                redaction = Redaction::default();
            }
            redacted
        })
        .collect()
}

/// What the arguments so far say of the next one.
#[derive(Default)]
struct Redaction {
    /// The flag whose value it is, in every component and version that has that flag.
    value_of: Option<&'static Flag>,
    /// A flag that no component has, but that promises a credential, came before: of another program that looks like one.
    named_credential: bool,
}

impl Redaction {
    /// Returns the argument without its secrets.
    fn argument(&mut self, argument: &Bytes) -> Bytes {
        let value_of = self.value_of.take();
        let named = std::mem::take(&mut self.named_credential);
        if let Some(flag) = value_of.filter(|flag| flag.secret) {
            return hide(flag.kind, argument.as_slice());
        }
        if named && !argument.as_slice().starts_with(b"-") {
            return Bytes::from(redacted(argument.as_slice()));
        }
        // Of another program it may be a flag all the same.
        let as_flag = self.flag(argument);
        match value_of {
            Some(flag) => hide_within(flag.kind, argument, &as_flag),
            None => as_flag,
        }
    }

    /// Returns the argument, taken for a flag if it looks like one, without its secrets.
    fn flag(&mut self, argument: &Bytes) -> Bytes {
        // etcd, and other programs with Go's own flags, take one dash for two.
        let long = match argument.as_slice() {
            [b'-', b'-', long @ ..] => long,
            [b'-', first, second, ..] if first.is_ascii_alphabetic() && *second != b'=' => {
                argument.as_slice().get(1..).unwrap_or_default()
            }
            _ => return scrub(argument),
        };
        let (name, text) = match long.iter().position(|byte| *byte == b'=') {
            Some(at) => (long.get(..at).unwrap_or_default(), long.get(at + 1..)),
            None => (long, None),
        };
        let name = String::from_utf8_lossy(name).replace('_', "-");
        let promising = CREDENTIAL_WORDS
            .iter()
            .any(|word| name.to_lowercase().contains(word));
        match (flag(&name), text) {
            (Some(flag), Some(text)) => {
                let text = Bytes::from(text);
                let hidden = if flag.secret {
                    hide(flag.kind, text.as_slice())
                } else {
                    hide_within(flag.kind, &text, &scrub(&text))
                };
                prefixed(argument, text.as_slice(), &hidden)
            }
            (Some(flag), None) => {
                self.value_of = Some(flag).filter(|flag| flag.bare.is_none());
                argument.clone()
            }
            (None, Some(text)) if promising => {
                prefixed(argument, text, &Bytes::from(redacted(text)))
            }
            (None, None) if promising => {
                self.named_credential = true;
                argument.clone()
            }
            (None, _) => scrub(argument),
        }
    }
}

/// Returns the flag of that name, of the first component that hides its value, else of the first that has it. No two
/// of them differ in whether it needs a value.
fn flag(name: &str) -> Option<&'static Flag> {
    let flags = || {
        let components = Component::ALL.iter();
        components.filter_map(|component| components::tables(*component).flag(name))
    };
    flags().find(|flag| flag.secret).or_else(|| flags().next())
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
        hide_pairs(text, b':', |_| false)
    } else {
        Bytes::from(redacted(text))
    }
}

/// Returns the value of a flag that is no secret, where `hidden` is what is left of it when it is taken for an argument
/// of its own: it parses as a value of this kind if `text` does, and only then.
fn hide_within(kind: FlagKind, text: &Bytes, hidden: &Bytes) -> Bytes {
    if text == hidden {
        return hidden.clone();
    }
    match kind {
        FlagKind::BoolMap | FlagKind::Gates => hide_pairs(text.as_slice(), b'=', flags::is_bool),
        FlagKind::StringMap => hide_pairs(text.as_slice(), b'=', |_| false),
        FlagKind::Thresholds => hide_pairs(text.as_slice(), b'<', |_| false),
        FlagKind::Multimap => hide_pairs(text.as_slice(), b':', |_| false),
        // A quote that does not end is no list.
        FlagKind::StringSlice if !flags::is_list(text) => Bytes::from("\"(withheld)"),
        FlagKind::String | FlagKind::StringSlice | FlagKind::StringArray => {
            let kept = hide_passwords(text.as_slice());
            if promises_credential(kept.as_slice()) || flags::is_list(text) != flags::is_list(&kept)
            {
                return Bytes::from(redacted(text.as_slice()));
            }
            kept
        }
        _ => Bytes::from(redacted(text.as_slice())),
    }
}

/// Replaces the user and the password of each URL in the text.
fn hide_passwords(text: &[u8]) -> Bytes {
    let mut kept = Vec::with_capacity(text.len());
    let mut at = 0;
    for (start, end) in passwords(text) {
        kept.extend_from_slice(text.get(at..start).unwrap_or_default());
        let secret = text.get(start..end).unwrap_or_default();
        kept.extend_from_slice(redacted(secret).as_bytes());
        at = end;
    }
    kept.extend_from_slice(text.get(at..).unwrap_or_default());
    Bytes::from(kept)
}

/// Returns where the users and passwords of URLs stand that are not hidden yet, in order.
fn passwords(text: &[u8]) -> impl Iterator<Item = (usize, usize)> {
    let scheme = |(at, window): (usize, &[u8])| (window == b"://").then_some(at + 3);
    let starts = text.windows(3).enumerate().filter_map(scheme);
    starts.filter_map(|start| {
        let rest = text.get(start..)?;
        let authority = rest.split(|byte| *byte == b'/').next()?;
        let length = authority.iter().rposition(|byte| *byte == b'@')?;
        let secret = std::str::from_utf8(authority.get(..length)?);
        let is_hidden = secret.is_ok_and(|secret| parse_redaction(secret).is_some());
        (authority.contains(&b':') && !is_hidden).then_some((start, start + length))
    })
}

/// Hides the values of pairs, but for those that `is_kept` knows to be harmless, and keys that look like credentials; what
/// is no pair is replaced by something that is none either.
fn hide_pairs(text: &[u8], separator: u8, is_kept: impl Fn(&[u8]) -> bool) -> Bytes {
    let pairs: Vec<Vec<u8>> = text
        .split(|byte| *byte == b',')
        .map(
            |pair| match pair.iter().position(|byte| *byte == separator) {
                Some(at) => {
                    let (key, value) = pair.split_at(at + 1);
                    let name = pair.get(..at).unwrap_or_default();
                    let key = if promises_credential(name) {
                        [hide_key(name).as_slice(), &[separator]].concat()
                    } else {
                        key.to_vec()
                    };
                    let value = if is_kept(value.trim_ascii()) {
                        value.to_vec()
                    } else {
                        redacted(value).into_bytes()
                    };
                    [key, value].concat()
                }
                None if pair.is_empty() => Vec::new(),
                None => b"(withheld)".to_vec(),
            },
        )
        .collect();
    Bytes::from(pairs.join(&b','))
}

/// Hides the key of a pair; of a feature gate it stays told whether and of which component it is.
fn hide_key(name: &[u8]) -> Vec<u8> {
    let (component, gate) = match name.iter().position(|byte| *byte == b':') {
        Some(at) => (name.get(..at), name.get(at + 1..).unwrap_or_default()),
        None => (None, name),
    };
    let prefix: &[u8] = match component.map(<[u8]>::trim_ascii) {
        None => b"",
        Some(b"") => b":",
        Some(b"kube") => b"kube:",
        Some(_) => b"withheld:",
    };
    [prefix, redacted(gate).as_bytes()].concat()
}

/// Returns whether a text stands for a secret.
pub(crate) fn is_redacted(text: &str) -> bool {
    parse_redaction(text).is_some()
}

/// Hides an argument that itself looks like a credential: a bearer token, a JSON web token, a URL with a
/// password.
fn scrub(argument: &Bytes) -> Bytes {
    let text = argument.as_slice();
    if !promises_credential(text) {
        return argument.clone();
    }
    let value = text
        .iter()
        .position(|byte| *byte == b'=')
        .map_or(0, |at| at + 1);
    let (head, secret) = text.split_at(value);
    Bytes::from([head, redacted(secret).as_bytes()].concat())
}

/// Returns whether a text that nothing is known of names a credential, or looks like one.
pub(crate) fn may_name_credential(text: &[u8]) -> bool {
    let lower = text.to_ascii_lowercase();
    let named = |word: &str| contains(&lower, word.as_bytes());
    CREDENTIAL_WORDS.into_iter().any(named) || promises_credential(text) || may_hold_secret(text)
}

fn promises_credential(text: &[u8]) -> bool {
    let bearer = contains(text, b"Bearer ") || contains(text, b"bearer ");
    let token = text
        .split(|byte| !byte.is_ascii_alphanumeric() && !matches!(byte, b'_' | b'-' | b'.'))
        .any(|word| word.starts_with(b"eyJ") && word.split(|byte| *byte == b'.').count() == 3);
    bearer || token || passwords(text).next().is_some()
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

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

/// A scalar that is replaced.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Edit {
    /// Where it is written, in bytes.
    span: (usize, usize),
    /// What it says then; nothing: its digest.
    becomes: Option<String>,
}

impl Edit {
    fn at(span: (usize, usize)) -> Self {
        Self {
            span,
            becomes: None,
        }
    }

    fn whole(node: &Node) -> Self {
        Self::at(node.at.span)
    }

    fn to(node: &Node, becomes: String) -> Self {
        Self {
            span: node.at.span,
            becomes: Some(becomes),
        }
    }
}

/// Returns the edits in order, each scalar once: one that is to become different things becomes its digest.
fn settled(mut edits: Vec<Edit>) -> Vec<Edit> {
    edits.sort_unstable();
    edits.dedup();
    edits.dedup_by(|again, first| {
        let same = again.span == first.span;
        if same {
            first.becomes = None;
        }
        same
    });
    edits
}

/// Returns a text as it stands between double quotes in JSON, YAML and TOML.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '"' | '\\' => escaped.extend(['\\', character]),
            '\n' => escaped.push_str("\\n"),
            '\t' => escaped.push_str("\\t"),
            character if u32::from(character) < 0x10000 && !(' '..='~').contains(&character) => {
                escaped.extend(format!("\\u{:04x}", u32::from(character)).chars());
            }
            character => escaped.push(character),
        }
    }
    escaped
}

/// Returns the text without what stands at `spans`, which are in order.
fn without(content: &[u8], spans: &[(usize, usize)]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(content.len());
    let mut at = 0;
    for (start, end) in spans {
        kept.extend_from_slice(content.get(at..*start).unwrap_or_default());
        at = *end;
    }
    kept.extend_from_slice(content.get(at..).unwrap_or_default());
    kept
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

/// Returns the text with each of the edits made, which are in order.
fn hide_spans(content: &[u8], edits: &[Edit]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(content.len());
    let mut at = 0;
    for Edit { span, becomes } in edits {
        let (start, end) = *span;
        let (Some(before), Some(written)) = (content.get(at..start), content.get(start..end))
        else {
            continue;
        };
        kept.extend_from_slice(before);
        // The lines below keep their numbers.
        let breaks = "\n".repeat(breaks(content, written));
        let text = match becomes {
            Some(text) => escaped(text),
            None => redacted(written),
        };
        let replacement = format!("\"{text}\"{breaks}");
        kept.extend_from_slice(&encode_like(content, &replacement));
        at = end;
    }
    kept.extend_from_slice(content.get(at..).unwrap_or_default());
    kept
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

/// Returns how many lines end in a part of a text, as the reader of the text counts them.
fn breaks(content: &[u8], written: &[u8]) -> usize {
    // A string of JSON ends on the line it begins on, even with a separator of lines in it.
    if tree::is_json(content) {
        return 0;
    }
    let mark: &[u8] = match Encoding::of(content) {
        (Encoding::Utf8, _) => &[],
        (_, length) => content.get(..length).unwrap_or_default(),
    };
    let characters = text::decode(&[mark, written].concat()).characters;
    let ends = |(index, character): (usize, &char)| match character {
        '\r' => characters.get(index + 1) != Some(&'\n'),
        character => matches!(character, '\n' | '\u{85}' | '\u{2028}' | '\u{2029}'),
    };
    characters
        .iter()
        .enumerate()
        .filter(|each| ends(*each))
        .count()
}

/// Returns whether two texts say the same in the same lines, but for what the edits replace, which are in order.
fn only_secrets_differ(before: &[u8], after: &[u8], edits: &[Edit]) -> bool {
    match (tree::read(before), tree::read(after)) {
        (Ok(before), Ok(after)) => {
            before.more_documents == after.more_documents
                && same_but_for(&before.root, &after.root, edits)
        }
        _ => false,
    }
}

fn same_but_for(before: &Node, after: &Node, edits: &[Edit]) -> bool {
    let found = edits.binary_search_by(|edit| edit.span.cmp(&before.at.span));
    let edit = found.ok().and_then(|at| edits.get(at));
    let same = match (&before.tree, &after.tree) {
        (Tree::List(before), Tree::List(after)) => {
            before.len() == after.len()
                && before
                    .iter()
                    .zip(after)
                    .all(|(before, after)| same_but_for(before, after, edits))
        }
        (Tree::Map(before), Tree::Map(after)) => {
            before.len() == after.len()
                && before.iter().zip(after).all(|(before, after)| {
                    before.key == after.key
                        && before.shadowed.len() == after.shadowed.len()
                        && before
                            .shadowed
                            .iter()
                            .chain([&before.value])
                            .zip(after.shadowed.iter().chain([&after.value]))
                            .all(|(before, after)| same_but_for(before, after, edits))
                })
        }
        (Tree::String(_) | Tree::Number(_), Tree::String(text)) if edit.is_some() => {
            match edit.and_then(|edit| edit.becomes.as_ref()) {
                Some(becomes) => becomes == text,
                None => parse_redaction(text).is_some(),
            }
        }
        (before, after) => before == after,
    };
    same && before.at.line == after.at.line
}

/// The one key of a `/configz`.
const CONFIGZ: &str = "kubeletconfig";

/// Returns whether a document looks like configuration: it has a kind, without which no kubelet takes it, or a
/// field of the kubelet; or it is what a running kubelet says of itself.
fn is_configuration(root: &Node) -> bool {
    let field = |key: &str| {
        KUBELET
            .fields
            .iter()
            .any(|field| field.path.split('.').next() == Some(key))
    };
    match &root.tree {
        Tree::Map(entries) => entries.iter().any(|entry| {
            folds_to(&entry.key, "kind")
                || entry.key == CONFIGZ
                || field(&entry.key)
                || is_ranchers(&entry.key)
                || is_etcds(&entry.key)
                || MICROSHIFT_KEYS.iter().any(|key| folds_to(&entry.key, key))
        }),
        Tree::Null => true,
        Tree::Bool(_) | Tree::Number(_) | Tree::String(_) | Tree::List(_) => false,
    }
}

/// Returns whether a key is one of the configuration of k3s.
fn is_ranchers(key: &str) -> bool {
    let key = key.strip_suffix('+').unwrap_or(key);
    key.ends_with("-arg") || key.starts_with("disable-") || RANCHER_KEYS.contains(&key)
}

/// Returns whether a key is one that only etcd's configuration has.
fn is_etcds(key: &str) -> bool {
    let flag = || components::tables(Component::Etcd).flag(key);
    key.ends_with("-transport-security") || (key.contains('-') && flag().is_some())
}

/// Returns whether the text was withheld, because it may hold credentials.
pub(crate) fn is_withheld(text: &Bytes) -> bool {
    text.as_slice() == WITHHELD
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

/// Returns whether a text is a URL with a user and a password, such as that of a proxy.
fn has_password(text: &str) -> bool {
    let authority = text.split_once("://").map(|(_, rest)| rest);
    let authority = authority.and_then(|rest| rest.split(['/', '?', '#']).next());
    let user = authority.and_then(|authority| authority.rsplit_once('@'));
    user.is_some_and(|(user, _)| user.contains(':'))
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

fn has_private_key(text: &[u8]) -> bool {
    contains(text, b"PRIVATE KEY-----")
}

/// Returns whether a text that cannot be read, or is not, may hold a secret of any kind.
fn may_hold_any(content: &[u8]) -> bool {
    may_hold_secret(content)
        || promises_credential(content)
        || manifest::may_be_special(&letters(content))
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
    use crate::tree::Tree;

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
    fn flags_of_any_component_are_read_for_what_they_are() {
        let hidden = |argument: &str| redact_arguments(vec![Bytes::from("k"), argument.into()]);
        // Their names promise a credential, but they are paths, times and switches.
        for kept in [
            "--token-auth-file=/etc/kubernetes/tokens.csv",
            "--service-account-key-file=/etc/kubernetes/pki/sa.pub",
            "--enable-bootstrap-token-auth=true",
            "--use-service-account-credentials=true",
            "--legacy-service-account-token-clean-up-period=1h",
            "--etcd-servers=https://127.0.0.1:2379,unix://kine.sock",
            "--service-account-issuer=https://kubernetes.default.svc",
        ] {
            assert_eq!(hidden(kept)[1], kept, "{kept}");
        }
        let servers =
            "--etcd-servers=https://root:hunter2@a:2379,https://b:2379,https://u:hunter2@c:1";
        let shown = hidden(servers);
        assert_eq!(
            shown[1],
            *format!(
                "--etcd-servers=https://{}@a:2379,https://b:2379,https://{}@c:1",
                redacted(b"root:hunter2"),
                redacted(b"u:hunter2")
            )
        );
        assert_eq!(redact_arguments(shown.clone()), shown);
        let apart = redact_arguments(
            ["k", "--etcd-servers", "https://root:hunter2@a:2379"]
                .map(Bytes::from)
                .to_vec(),
        );
        assert_eq!(
            apart[2],
            *format!("https://{}@a:2379", redacted(b"root:hunter2"))
        );
        // What it replaces must stay a list.
        for odd in [
            "--etcd-servers=\"https://a:hunter2\",c@h",
            "--etcd-servers=https://a:Bearer hunter2@h",
        ] {
            let shown = hidden(odd)[1].to_string();
            assert!(!shown.contains("hunter2"), "{shown}");
        }
    }

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
            assert_eq!(redact_content(text.into_bytes()), super::WITHHELD);
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
        assert_eq!(redact_content(broken), super::WITHHELD);
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
        // A gate is on or off, and stays so.
        let gates = hidden("--feature-gates=Bearer x=true,A=false");
        assert!(
            gates.starts_with("--feature-gates=sha256:") && gates.ends_with("=true,A=false"),
            "{gates}"
        );
        // A list that is none stays none, and one that is one stays one.
        assert_eq!(
            hidden("--cluster-dns=Bearer \"x"),
            "--cluster-dns=\"(withheld)"
        );
        assert!(hidden("--cluster-dns=Bearer x").starts_with("--cluster-dns=sha256:"));
        // What is no pair and refused stays none.
        assert!(
            !hidden("--manifest-url-header=hunter2,")["--manifest-url-header=".len()..]
                .contains(':')
        );
    }

    #[test]
    fn the_value_of_a_flag_may_stand_in_the_next_argument() {
        let hidden = |argv: &[&str]| -> Vec<String> {
            redact_arguments(argv.iter().map(|text| Bytes::from(*text)).collect())
                .iter()
                .map(ToString::to_string)
                .collect()
        };
        let gates = hidden(&["kubelet", "--feature-gates", "Bearer x=true"]);
        assert!(
            gates[2].ends_with("=true") && !gates[2].contains("Bearer"),
            "{gates:?}"
        );
        // The program's own name is no flag.
        let named = ["--manifest-url-header", "--provider-id=x"];
        assert_eq!(hidden(&named), named);
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
            // Once this had no end.
            &format!("{first}# staticPodURLHeader: hunter2\n---\nport: 1\n"),
        ] {
            let shown = String::from_utf8(redact_content(text.as_bytes().to_vec())).unwrap();
            assert!(!shown.contains("hunter2"), "{shown}");
            assert_eq!(text.starts_with(first), shown.starts_with(first), "{shown}");
        }
    }
}
