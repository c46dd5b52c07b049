//! Secrets in the configuration of containerd and CRI-O, which is TOML.

use super::edits::{Edit, escaped, same_but_for, settled, without};
use super::signs::has_private_key;
use super::{WITHHELD, is_redacted, manifest, may_name_credential, redacted};
use crate::tree::{Node, Tree};

/// Keys at the top of the configuration of containerd (`cmd/containerd/server/config/config.go`) and CRI-O
/// (`pkg/config/config.go`). A text without any of them is not taken for theirs.
const TOP: [&str; 18] = [
    "version",
    "root",
    "state",
    "temp",
    "plugin_dir",
    "grpc",
    "ttrpc",
    "debug",
    "metrics",
    "disabled_plugins",
    "required_plugins",
    "plugins",
    "oom_score",
    "cgroup",
    "proxy_plugins",
    "stream_processors",
    "imports",
    "crio",
];

/// Returns the configuration of a runtime without its secrets; nothing where the text is no such configuration.
pub(super) fn redact(content: &[u8]) -> Option<Vec<u8>> {
    if !may_be(content) {
        return None;
    }
    let document = crate::toml::read(content).ok()?;
    let Tree::Map(entries) = &document.root.tree else {
        return None;
    };
    if !entries
        .iter()
        .any(|entry| TOP.contains(&entry.key.as_str()))
    {
        return None;
    }
    let mut edits = Vec::new();
    collect(&document.root, false, &mut edits);
    let edits = settled(edits);
    let kept = hide_comments(hide(content, &edits));
    let same = crate::toml::read(&kept)
        .is_ok_and(|after| same_but_for(&document.root, &after.root, &edits));
    Some(if same { kept } else { WITHHELD.to_vec() })
}

/// Returns whether the first line that says anything begins a table or an assignment: reading what is something else is
/// dear, and for nothing.
fn may_be(content: &[u8]) -> bool {
    let mut lines = content.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let first = lines.find(|line| !line.is_empty() && !line.starts_with(b"#"));
    first.is_some_and(|line| {
        let is_key = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.\"' \t".contains(byte);
        let after = line.iter().position(|byte| !is_key(byte));
        let after = after.and_then(|at| line.get(at));
        matches!(after, Some(b'=' | b'['))
    })
}

/// What the name of a key says of its value.
#[derive(PartialEq)]
enum Named {
    Plain,
    /// A key, or the path of one.
    Key,
    /// The path of a file or folder.
    Path,
    /// A secret, and so is all below.
    Secret,
}

fn named(key: &str) -> Named {
    let key = key.to_ascii_lowercase();
    let words: Vec<&str> = key
        .split(|character: char| !character.is_ascii_alphanumeric())
        .collect();
    let ends = |names: &[&str]| words.last().is_some_and(|last| names.contains(last));
    let has = |names: &[&str]| words.iter().any(|word| names.contains(word));
    if ends(&["file", "files", "path", "paths", "dir", "dirs"]) {
        Named::Path
    } else if has(&["auth", "auths", "header", "headers"])
        || may_name_credential(key.replace('_', "-").as_bytes())
        || key.contains("apikey")
    {
        Named::Secret
    } else if has(&["key", "keys"]) {
        Named::Key
    } else {
        Named::Plain
    }
}

fn collect(node: &Node, secret: bool, edits: &mut Vec<Edit>) {
    match &node.tree {
        Tree::Map(entries) => {
            for entry in entries {
                let value = &entry.value;
                let is_text = matches!(value.tree, Tree::String(_) | Tree::List(_));
                let secret = match named(&entry.key) {
                    Named::Plain => secret,
                    Named::Secret => true,
                    Named::Key => secret || (is_text && !are_files(value, true)),
                    Named::Path => secret && is_text && !are_files(value, false),
                };
                collect(value, secret, edits);
            }
        }
        Tree::List(nodes) => nodes.iter().for_each(|node| collect(node, secret, edits)),
        Tree::String(text) if text.is_empty() || is_redacted(text) => {}
        Tree::String(_) | Tree::Number(_) if secret => edits.push(Edit::whole(node)),
        Tree::String(text) => match text.split_once('=') {
            Some((name, value)) if manifest::is_secret_variable(name, value) => {
                let kept = format!("{name}={}", redacted(value.as_bytes()));
                edits.push(Edit::to(node, kept));
            }
            _ => edits.extend(manifest::within(node, text)),
        },
        Tree::Number(_) | Tree::Null | Tree::Bool(_) => {}
    }
}

/// Returns whether these are absolute paths. With a dot in each, where base64 must not be taken for one.
fn are_files(node: &Node, dotted: bool) -> bool {
    match &node.tree {
        Tree::String(text) => text.starts_with('/') && (!dotted || text.contains('.')),
        Tree::List(nodes) => nodes.iter().all(|node| are_files(node, dotted)),
        Tree::Null | Tree::Bool(_) | Tree::Number(_) | Tree::Map(_) => false,
    }
}

/// Returns the text with what stands at each edit replaced, in the quotes that stood there.
fn hide(content: &[u8], edits: &[Edit]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(content.len());
    let mut at = 0;
    for edit in edits {
        let (start, end) = edit.span;
        let (Some(before), Some(written)) = (content.get(at..start), content.get(start..end))
        else {
            continue;
        };
        kept.extend_from_slice(before);
        kept.extend_from_slice(&quoted(written, edit.becomes.as_deref()));
        at = end;
    }
    kept.extend_from_slice(content.get(at..).unwrap_or_default());
    kept
}

fn quoted(written: &[u8], becomes: Option<&str>) -> Vec<u8> {
    let (quote, length): (&str, usize) = match written {
        [b'"', b'"', b'"', ..] | [b'\'', b'\'', b'\'', ..] => ("\"\"\"", 3),
        [b'\'', ..] => ("'", 1),
        [b'"', ..] => ("\"", 1),
        _ => ("\"", 0),
    };
    let inside = written.get(length..written.len().saturating_sub(length));
    let text = match becomes {
        Some(text) => text.to_owned(),
        None => redacted(inside.unwrap_or_default()),
    };
    let text = match quote {
        "'" => text,
        _ => escaped(&text),
    };
    // A `\` at the end of a line takes the breaks that follow out of the text; the lines below keep their numbers.
    let breaks = written.split(|byte| *byte == b'\n').skip(1).count();
    let breaks = match breaks {
        0 => String::new(),
        breaks => format!("\\{}", "\n".repeat(breaks)),
    };
    format!("{quote}{text}{breaks}{quote}").into_bytes()
}

/// Returns the text with nothing in its comments, if one of them may hold a secret.
fn hide_comments(content: Vec<u8>) -> Vec<u8> {
    let found = comments(&content);
    let may_hold = |(start, end): &(usize, usize)| {
        let text = content.get(*start..*end).unwrap_or_default();
        let text = text.trim_ascii_start();
        let key = text.split(|byte| *byte == b'=').next().unwrap_or_default();
        let key = String::from_utf8_lossy(key);
        matches!(named(key.trim()), Named::Secret | Named::Key)
            || may_name_credential(text)
            || has_private_key(text)
    };
    if found.iter().any(may_hold) {
        without(&content, &found)
    } else {
        content
    }
}

/// Returns where the texts of comments stand, behind the `#`, in order. The text is TOML.
fn comments(content: &[u8]) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(rest) = content.get(at..).filter(|rest| !rest.is_empty()) {
        let quote: &[u8] = match rest {
            [b'#', ..] => {
                let length = rest
                    .iter()
                    .position(|byte| *byte == b'\n')
                    .unwrap_or(rest.len());
                let cr = usize::from(length > 1 && rest.get(length - 1) == Some(&b'\r'));
                found.push((at + 1, at + length - cr));
                at += length;
                continue;
            }
            [b'"', b'"', b'"', ..] => b"\"\"\"",
            [b'\'', b'\'', b'\'', ..] => b"'''",
            [b'"', ..] => b"\"",
            [b'\'', ..] => b"'",
            _ => {
                at += 1;
                continue;
            }
        };
        at += quote.len();
        while let Some(rest) = content.get(at..).filter(|rest| !rest.is_empty()) {
            if rest.starts_with(quote) {
                at += quote.len();
                // Up to two quotes more may stand before the three that end a text.
                while quote.len() == 3 && content.get(at) == quote.first() {
                    at += 1;
                }
                break;
            }
            let escape = quote.starts_with(b"\"") && rest.starts_with(b"\\");
            at += if escape { 2 } else { 1 };
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::secrets::redact_content;

    const TEXT: &str = r#"version = 2 # the newest
imports = ["/etc/containerd/conf.d/*.toml"]
# auth = "hunter2"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "k8s/pause:3.9" # password: hunter2
[plugins."io.containerd.grpc.v1.cri".cni]
  conf_dir = '/etc/cni/net.d'
[plugins."io.containerd.grpc.v1.cri".registry.configs."r.io".auth]
  username = "hunter2"
  password = 'hunter2'
  auth = """aHVudGVyMg
hunter2"""
  identitytoken = "hunter2"
[plugins."io.containerd.grpc.v1.cri".registry.configs."r.io".tls]
  ca_file = "/pki/ca.pem"
  key_file = "/pki/key.pem"
  tls_key = "/pki/tls.key"
[plugins."io.containerd.grpc.v1.cri".registry.headers]
  X = ["Bearer hunter2"]
[stream_processors.x]
  env = ["A=b", "PROXY_PASSWORD=hunter2"]
  key = "hunter2/hunter2"
  proxy = "http://u:hunter2@proxy:1"
  pin = {token = 20262026, ok = true}
[debug]
  level = "info"
"#;

    #[test]
    fn secrets_of_a_runtime_are_hidden_in_place() {
        let shown = String::from_utf8(redact_content(TEXT.as_bytes().to_vec())).unwrap();
        for secret in ["hunter2", "aHVudGVyMg", "20262026"] {
            assert!(!shown.contains(secret), "{shown}");
        }
        assert_eq!(
            redact_content(shown.clone().into_bytes()),
            shown.clone().into_bytes()
        );
        let (before, after): (Vec<&str>, Vec<&str>) =
            (TEXT.lines().collect(), shown.lines().collect());
        assert_eq!(before.len(), after.len(), "{shown}");
        for (before, after) in before.iter().zip(&after) {
            let comment = before.find('#');
            let touched = before.contains("hunter2")
                || before.contains("20262026")
                || before.contains("aHVu");
            if let Some(at) = comment {
                assert_eq!(*after, &before[..=at]);
            } else if !touched {
                assert_eq!(before, after);
            }
        }
        for kept in [
            "  password = 'sha256:",
            "  env = [\"A=b\", \"PROXY_PASSWORD=sha256:",
            "@proxy:1\"",
            "ok = true}",
        ] {
            assert!(shown.contains(kept), "{kept}: {shown}");
        }
    }

    #[test]
    fn what_holds_no_secret_stays_as_it_is() {
        for text in [
            "version = 3\r\n# a comment\r\n[grpc]\r\naddress = '/run/c.sock'\r\n",
            "[crio.image]\nglobal_auth_file = \"/var/lib/kubelet/config.json\"\n[crio.api]\nstream_tls_key = \"/a/key.pem\"\n",
            "[crio.network]\nnetwork_dir = \"/etc/cni/net.d/\"\n[plugins.x]\na = \"\"\"# no comment\n\"\"\"\"\n",
        ] {
            let shown = redact_content(text.as_bytes().to_vec());
            assert_eq!(String::from_utf8(shown).unwrap(), text);
        }
    }

    #[test]
    fn other_toml_is_withheld() {
        for text in [
            "[default]\nmine = \"hunter2\"\n",
            "a = \"hunter2\"\n",
            "version = \n[plugins]\npassword = \"hunter2\"\n",
        ] {
            assert_eq!(
                redact_content(text.as_bytes().to_vec()),
                crate::secrets::WITHHELD,
                "{text}"
            );
        }
    }
}
