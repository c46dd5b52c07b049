//! Secrets among the arguments of a component.

use kubeassay_core::{Bytes, Component};

use super::redacted;
use super::signs::{CREDENTIAL_WORDS, promises_credential};
use super::urls::hide_passwords;
use crate::components;
use crate::flags;
use crate::tables::{Flag, FlagKind};

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

#[cfg(test)]
mod tests {
    use kubeassay_core::Bytes;

    use crate::secrets::{redact_arguments, redacted};

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
}
