//! The files of the API server: what they come to is one of the things that there are, or is not known at all, and keys
//! that were hidden change nothing of it.

use kubeassay_config::components::resolve;
use kubeassay_config::kubelet::{Documents, When};
use kubeassay_config::resolution::Resolution;
use kubeassay_config::secrets::redact_content;
use kubeassay_config::tables::Minor;
use kubeassay_core::facts::{FileFacts, FileKind, NeedKind, ProcessFacts};
use kubeassay_core::{Bytes, Component, Value};

/// How a text begins that was withheld as a whole.
const WITHHELD: &[u8] = b"# withheld: ";

/// What a setting may be that a file decides.
enum Domain {
    /// One of these.
    Word(&'static [&'static str]),
    /// A list of these, not empty.
    Words(&'static [&'static str]),
    /// A map to these.
    Levels(&'static [&'static str]),
    Switch,
    Number,
}

/// A flag that names a file, further flags, and what the file decides.
type Kind = (
    &'static str,
    &'static [&'static str],
    &'static [(&'static str, Domain)],
);

const KINDS: [Kind; 5] = [
    (
        "--authorization-config=/f",
        &[],
        &[(
            "derived.authorizationModes",
            Domain::Words(&[
                "AlwaysAllow",
                "AlwaysDeny",
                "ABAC",
                "Webhook",
                "RBAC",
                "Node",
            ]),
        )],
    ),
    (
        "--authentication-config=/f",
        &["--authorization-mode=RBAC"],
        &[("derived.anonymousAuth", Domain::Switch)],
    ),
    (
        "--admission-control-config-file=/f",
        &["--enable-admission-plugins=EventRateLimit,ImagePolicyWebhook"],
        &[
            ("derived.eventRateLimits", Domain::Number),
            (
                "derived.podSecurityEnforce",
                Domain::Word(&["privileged", "baseline", "restricted"]),
            ),
            ("derived.imagePolicyDefaultAllow", Domain::Switch),
        ],
    ),
    (
        "--encryption-provider-config=/f",
        &[],
        &[(
            "derived.secretsProvider",
            Domain::Word(&["", "identity", "aescbc", "aesgcm", "secretbox", "kms"]),
        )],
    ),
    (
        "--audit-policy-file=/f",
        &[],
        &[(
            "derived.auditLevels",
            Domain::Levels(&["None", "Metadata", "Request", "RequestResponse"]),
        )],
    ),
];

/// Reads an input as each of the files, in three versions.
pub(crate) fn run(data: &[u8]) {
    let hidden = redact_content(data.to_vec());
    let is_hidden = hidden != data && !hidden.starts_with(WITHHELD);
    for (flag, others, settings) in KINDS {
        for minor in [23, 30, 36] {
            let resolution = resolved(minor, flag, others, data);
            for (name, domain) in settings {
                check(&resolution, name, domain);
            }
            if is_hidden {
                compare(
                    &resolution,
                    &resolved(minor, flag, others, &hidden),
                    settings,
                );
            }
        }
    }
}

/// What is refused is not known; else it is what it may be.
fn check(resolution: &Resolution, name: &str, domain: &Domain) {
    let value = resolution.whole(name).expect("it is derived").value();
    let Some(value) = value else {
        assert!(
            resolution.refusal.is_some(),
            "{name} is not known, and nobody says why"
        );
        return;
    };
    let is_one_of = |known: &[&str], value: &Value| match value {
        Value::String(text) => known.iter().any(|word| *text == **word),
        _ => false,
    };
    let fits = match (domain, &value) {
        (Domain::Word(known), value) => is_one_of(known, value),
        (Domain::Words(known), Value::List(items)) => {
            let webhook = Value::string("Webhook");
            let once = |at: usize, item: &Value| *item == webhook || !items[..at].contains(item);
            !items.is_empty()
                && items
                    .iter()
                    .enumerate()
                    .all(|(at, item)| is_one_of(known, item) && once(at, item))
        }
        (Domain::Levels(known), Value::Map(levels)) => {
            levels.values().all(|level| is_one_of(known, level))
        }
        (Domain::Switch, value) => matches!(value, Value::Bool(_) | Value::Null),
        (Domain::Number, Value::Int(number)) => *number >= 0,
        _ => false,
    };
    assert!(fits, "{name}: {value}");
}

/// Of a key that was hidden nothing is told but that it is there, so that one of the wrong length may pass.
fn compare(plain: &Resolution, hidden: &Resolution, settings: &[(&str, Domain)]) {
    if plain.refusal.is_some() {
        return;
    }
    assert_eq!(
        hidden.refusal, None,
        "with its keys hidden it would not start"
    );
    for (name, _) in settings {
        let value = |resolution: &Resolution| resolution.whole(name).and_then(|one| one.value());
        assert_eq!(value(plain), value(hidden), "{name}");
    }
}

fn resolved(minor: u8, flag: &str, others: &[&str], text: &[u8]) -> Resolution {
    let argv = ["kube-apiserver", flag]
        .into_iter()
        .chain(others.iter().copied());
    let mut process = ProcessFacts {
        component: Component::ApiServer,
        cwd: Some(Bytes::from("/")),
        ..ProcessFacts::new(1, argv.map(Bytes::from).collect())
    };
    loop {
        let documents = Documents::new(&process);
        let resolution = resolve(Component::ApiServer, &documents, Minor(minor), When::Now);
        if resolution.needs.is_empty() {
            return resolution;
        }
        // Files that it names hold the same.
        process
            .files
            .extend(resolution.needs.into_iter().map(|need| FileFacts {
                kind: Some(FileKind::Regular),
                content: (need.what == NeedKind::Content).then(|| Bytes::from(text)),
                public_keys: (need.what == NeedKind::PublicKeys).then(Vec::new),
                ..FileFacts::new(need)
            }));
    }
}
