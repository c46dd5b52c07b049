//! Files without which the next start fails. They are looked for, not into.

use kubeassay_core::{Bytes, Value};

use super::origin;
use crate::components::builder::Builder;
use crate::refusal::Refusal;
use crate::sources::Presence;

/// Flags whose file is opened at the start, with the flag without which it is not: empty for none.
const OPENED: [(&str, &str); 23] = [
    ("client-ca-file", ""),
    ("requestheader-client-ca-file", ""),
    ("tls-cert-file", ""),
    ("tls-private-key-file", ""),
    ("tls-sni-cert-key", ""),
    ("token-auth-file", ""),
    ("service-account-key-file", ""),
    ("service-account-signing-key-file", "service-account-issuer"),
    ("oidc-ca-file", "oidc-issuer-url"),
    ("authorization-policy-file", ""),
    ("authorization-webhook-config-file", ""),
    ("authentication-token-webhook-config-file", ""),
    ("audit-webhook-config-file", "audit-policy-file"),
    ("egress-selector-config-file", ""),
    ("tracing-config-file", ""),
    ("etcd-cafile", ""),
    ("etcd-certfile", ""),
    ("etcd-keyfile", ""),
    ("kubelet-certificate-authority", ""),
    ("kubelet-client-certificate", ""),
    ("kubelet-client-key", ""),
    ("proxy-client-cert-file", "proxy-client-key-file"),
    ("proxy-client-key-file", "proxy-client-cert-file"),
];

/// Returns why the server does not start again: a file that it opens is gone.
pub(super) fn missing(builder: &mut Builder<'_>) -> Option<Refusal> {
    let mut refusal = None;
    for (name, with) in OPENED {
        let is_used = with.is_empty() || builder.line.path(with).is_some();
        for path in paths(builder, name).into_iter().filter(|_| is_used) {
            // All are asked for, whatever comes of the first.
            let is_missing = builder.next_presence(&path) == Presence::Missing;
            if is_missing && refusal.is_none() {
                let reason = format!("--{name}: open {path}: no such file or directory");
                refusal = Some(Refusal::missing(reason, origin(builder, name)));
            }
        }
    }
    refusal
}

/// Returns the files that a flag names.
fn paths(builder: &Builder<'_>, name: &str) -> Vec<Bytes> {
    let values = match builder.flag(name).value() {
        Some(Value::List(items)) => items,
        Some(value) => vec![value],
        None => Vec::new(),
    };
    let texts = values.into_iter().filter_map(|value| match value {
        Value::String(text) => Some(text),
        _ => None,
    });
    let paths: Vec<Bytes> = if name == "tls-sni-cert-key" {
        // The files of a pair, and behind a colon the names that it is for.
        let pairs = texts.map(|text| text.to_string_lossy());
        let files = pairs.flat_map(|pair| {
            let files = pair.split(':').next().unwrap_or_default();
            files.split(',').map(Bytes::from).collect::<Vec<_>>()
        });
        files.collect()
    } else {
        texts.collect()
    };
    paths.into_iter().filter(|path| !path.is_empty()).collect()
}
