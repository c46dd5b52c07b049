//! The API server (`cmd/kube-apiserver`).
//!
//! It has no configuration file for its flags; files of several kinds take the place of groups of them. What follows
//! from flags and files together is derived here, under `derived.…`.

mod admission;
mod audit;
mod authentication;
mod authorization;
mod encryption;
mod refusals;
mod shapes;
mod words;

use kubeassay_core::rule::SettingType;
use kubeassay_core::{Component, Value};

use super::builder::Builder;
use crate::refusal::Refusal;
use crate::resolution::Resolution;
use crate::setting::Setting;
use crate::sources::{Documents, When};
use crate::tables::Minor;

/// The digests of the public keys of the authorities that it verifies clients' certificates with.
const CLIENT_CA_KEYS: &str = "derived.clientCaKeys";
/// Whether it takes no TLS below 1.3, where lists of cipher suites say nothing.
const TLS13_ONLY: &str = "derived.tls13Only";
/// Whether it reaches its datastore over a network.
const EXTERNAL_ETCD: &str = "derived.externalEtcd";

/// Flags that name files and folders.
const PATHS: [&str; 37] = [
    "admission-control-config-file",
    "allow-metric-labels-manifest",
    "audit-log-path",
    "audit-policy-file",
    "audit-webhook-config-file",
    "authentication-config",
    "authentication-token-webhook-config-file",
    "authorization-config",
    "authorization-policy-file",
    "authorization-webhook-config-file",
    "cert-dir",
    "client-ca-file",
    "cloud-config",
    "egress-selector-config-file",
    "encryption-provider-config",
    "etcd-cafile",
    "etcd-certfile",
    "etcd-keyfile",
    "experimental-encryption-provider-config",
    "kubelet-certificate-authority",
    "kubelet-client-certificate",
    "kubelet-client-key",
    "log-dir",
    "log-file",
    "oidc-ca-file",
    "peer-ca-file",
    "proxy-client-cert-file",
    "proxy-client-key-file",
    "requestheader-client-ca-file",
    "service-account-key-file",
    "service-account-signing-key-file",
    "ssh-keyfile",
    "tls-cert-file",
    "tls-private-key-file",
    "tls-sni-cert-key",
    "token-auth-file",
    "tracing-config-file",
];

/// Resolves it in one version.
pub(super) fn resolve(documents: &Documents<'_>, minor: Minor, when: When) -> Resolution {
    let (mut builder, mut refusal) = Builder::new(
        Component::ApiServer,
        super::tables(Component::ApiServer),
        documents,
        minor,
        when,
    );
    let mut refuse = |reason: Option<Refusal>| {
        if refusal.is_none() {
            refusal = reason;
        }
    };
    let authorization = authorization::derive(&mut builder);
    refuse(authorization.refusal);
    refuse(authentication::derive(
        &mut builder,
        &authorization.modes,
        authorization.by_flag,
    ));
    refuse(admission::derive(&mut builder));
    refuse(encryption::derive(&mut builder));
    refuse(audit::derive(&mut builder));
    refuse(refusals::of_flags(&mut builder));
    let ca = builder.flag("client-ca-file");
    let keys = builder.public_keys(&ca);
    let tls13 = tls13_only(&builder);
    let external = external_etcd(&builder);
    builder.named.extend([
        (CLIENT_CA_KEYS, keys),
        (TLS13_ONLY, tls13),
        (EXTERNAL_ETCD, external),
    ]);
    builder.ask_metadata(&PATHS, &[]);
    builder.finish(refusal)
}

/// Returns the settings that are no flags.
pub(super) fn named() -> Vec<(&'static str, SettingType)> {
    let list = || SettingType::List(Box::new(SettingType::String));
    let mut named = vec![
        (CLIENT_CA_KEYS, list()),
        (TLS13_ONLY, SettingType::Bool),
        (EXTERNAL_ETCD, SettingType::Bool),
        (authorization::MODES, list()),
    ];
    named.extend(authentication::named());
    named.extend(admission::named());
    named.extend(encryption::named());
    named.extend(audit::named());
    named
}

fn tls13_only(builder: &Builder<'_>) -> Setting {
    let floor = builder.flag("tls-min-version");
    let only = floor.value() == Some(Value::string("VersionTLS13"));
    derived(Value::Bool(only), &floor)
}

/// k3s, `MicroK8s` and k0s may have kine or dqlite behind a socket of the node's own, where certificates have no part.
fn external_etcd(builder: &Builder<'_>) -> Setting {
    let servers = builder.flag("etcd-servers");
    let Some(Value::List(urls)) = servers.value() else {
        return servers;
    };
    let socket = |url: &Value| match url {
        Value::String(url) => url.as_slice().starts_with(b"unix:"),
        _ => false,
    };
    let local = !urls.is_empty() && urls.iter().all(socket);
    derived(Value::Bool(!local), &servers)
}

/// Returns a setting that follows from another one and stands where that stands.
fn derived(value: Value, from: &Setting) -> Setting {
    Setting {
        overrode: from.overrode.clone(),
        ..Setting::known(value, from.origin.clone())
    }
}

#[cfg(test)]
mod tests;
