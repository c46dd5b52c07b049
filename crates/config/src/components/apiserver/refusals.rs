//! What the server checks of its flags before it serves, as far as they alone decide it (`Validate` in
//! `cmd/kube-apiserver/app/options`, `pkg/controlplane/apiserver/options`, `pkg/kubeapiserver/options` and
//! `staging/src/k8s.io/apiserver/pkg/server/options`).
//!
//! That a flag is missing without which nothing starts (`--etcd-servers`, `--service-account-issuer`, the keys of service
//! accounts) is not predicted: no server that runs lacks one, and whoever asks about a part of a command line gets an
//! answer about that part.

mod audit;
mod network;

use kubeassay_core::Value;

use crate::components::builder::Builder;
use crate::components::gates;
use crate::components::server::{self, Flags, MEASURED, plain};
use crate::refusal::Refusal;
use crate::tables::Minor;

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

/// Returns why the server does not start with its flags, if it does not.
pub(super) fn of_flags(builder: &mut Builder<'_>) -> Option<Refusal> {
    let flags = Flags(builder);
    server::refused(&flags)
        .or_else(|| general(&flags))
        .or_else(|| storage(&flags))
        .or_else(|| accounts(&flags))
        .or_else(|| network::refused(&flags))
        .or_else(|| audit::refused(&flags))
        .or_else(|| server::missing(builder, &OPENED))
}

/// Numbers that must not be negative.
const NOT_NEGATIVE: [&str; 8] = [
    "livez-grace-period",
    "max-requests-inflight",
    "max-mutating-requests-inflight",
    "request-timeout",
    "min-request-timeout",
    "storage-initialization-timeout",
    "shutdown-delay-duration",
    "shutdown-watch-termination-grace-period",
];

/// `ServerRunOptions`, `FeatureOptions`, and what belongs to nobody.
fn general(flags: &Flags<'_, '_>) -> Option<Refusal> {
    for name in NOT_NEGATIVE {
        if flags.number(name).is_some_and(|number| number < 0) {
            return Some(flags.refuse(name, format!("--{name} can not be negative value")));
        }
    }
    let requests = ["max-requests-inflight", "max-mutating-requests-inflight"];
    if flags.minor() >= Minor(29)
        && flags.is_on("enable-priority-and-fairness")
        && requests.iter().all(|name| flags.number(name) == Some(0))
    {
        let reason = "invalid configuration: MaxRequestsInFlight=0 and MaxMutatingRequestsInFlight=0; they must add up to something positive";
        return Some(flags.refuse("max-requests-inflight", reason));
    }
    if flags.minor() >= MEASURED && flags.number("request-timeout") == Some(0) {
        let reason = "--request-timeout is 0: every request of its own ends before it is answered";
        return Some(flags.refuse("request-timeout", reason));
    }
    if let Some(Value::Float(chance)) = flags.0.flag("goaway-chance").value()
        && !(0.0..=0.02).contains(&chance)
    {
        let reason = "--goaway-chance can not be less than 0 or greater than 0.02";
        return Some(flags.refuse("goaway-chance", reason));
    }
    runtime_config(flags).or_else(|| leases(flags))
}

/// `APIEnablementOptions`. Names of groups are not checked.
fn runtime_config(flags: &Flags<'_, '_>) -> Option<Refusal> {
    let name = "runtime-config";
    let Some(Value::Map(entries)) = flags.0.flag(name).value() else {
        return None;
    };
    if entries.len() == 1 && entries.get("api/all").map(plain).as_deref() == Some("false") {
        return Some(flags.refuse(name, "invalid runtime-config with only api/all=false"));
    }
    for (key, value) in &entries {
        let value = plain(value);
        let is_switch = value.is_empty() || crate::flags::is_bool(value.as_bytes());
        if !is_switch {
            let reason =
                format!("invalid value of {key}: {value}, err: strconv.ParseBool: invalid syntax");
            return Some(flags.refuse(name, reason));
        }
        if flags.minor() < MEASURED || value != "false" {
            continue;
        }
        if matches!(key.as_str(), "v1" | "api/v1") {
            return Some(flags.refuse(
                name,
                "panic: interface conversion: without v1 it does not get up",
            ));
        }
        let flow = ["flowcontrol.apiserver.k8s.io/v1", "api/ga", "api/all"];
        if flow.contains(&key.as_str()) && flags.is_on("enable-priority-and-fairness") {
            let reason = format!(
                "--runtime-config={key}=false conflicts with --enable-priority-and-fairness=true"
            );
            let first = flow.iter().find(|key| entries.contains_key(**key));
            if first == Some(&key.as_str()) {
                return Some(flags.refuse(name, reason));
            }
        }
    }
    None
}

fn leases(flags: &Flags<'_, '_>) -> Option<Refusal> {
    let of = |what: &str| format!("coordinated-leadership-{what}");
    for (longer, shorter) in [
        (of("lease-duration"), of("renew-deadline")),
        (of("renew-deadline"), of("retry-period")),
    ] {
        if let (Some(long), Some(short)) = (flags.number(&longer), flags.number(&shorter))
            && long <= short
        {
            let reason = format!("--{longer} must be greater than --{shorter}");
            return Some(flags.refuse(&longer, reason));
        }
    }
    None
}

/// `EtcdOptions`.
fn storage(flags: &Flags<'_, '_>) -> Option<Refusal> {
    let backend = "--storage-backend invalid, allowed values: etcd3; not";
    let media = "--storage-media-type invalid, allowed values: application/json, application/vnd.kubernetes.protobuf, application/yaml; not";
    let types = [
        "",
        "application/json",
        "application/vnd.kubernetes.protobuf",
        "application/yaml",
    ];
    if flags.minor() >= MEASURED {
        let name = "etcd-servers-overrides";
        let is_wrong = |one: &String| {
            let parts: Vec<&str> = one.split('#').collect();
            let [what, servers] = parts.as_slice() else {
                return true;
            };
            what.split('/').count() != 2 || servers.is_empty()
        };
        if flags.list(name).iter().any(is_wrong) {
            let reason =
                "--etcd-servers-overrides invalid, must be of format: group/resource#servers";
            return Some(flags.refuse(name, reason));
        }
        if let Some(refusal) = flags.one_of("storage-media-type", &types, media) {
            return Some(refusal);
        }
    }
    flags.one_of("storage-backend", &["", "etcd3"], backend)
}

/// `ServiceAccountAuthenticationOptions`.
fn accounts(flags: &Flags<'_, '_>) -> Option<Refusal> {
    const HOUR: i64 = 3_600_000_000_000;
    let name = "service-account-issuer";
    let issuers = flags.list(name);
    for (at, issuer) in issuers.iter().enumerate() {
        if issuer.is_empty() {
            return Some(
                flags.refuse(name, "service-account-issuer should not be an empty string"),
            );
        }
        if issuers.iter().take(at).any(|before| before == issuer) {
            let reason = format!("service-account-issuer {issuer:?} is already specified");
            return Some(flags.refuse(name, reason));
        }
    }
    let name = "service-account-max-token-expiration";
    // 2^32 seconds is the most.
    let range = HOUR..=(1 << 32) * 1_000_000_000;
    if flags
        .number(name)
        .is_some_and(|time| time != 0 && !range.contains(&time))
    {
        let reason =
            "the service-account-max-token-expiration must be between 1 hour and 2^32 seconds";
        return Some(flags.refuse(name, reason));
    }
    let name = "service-account-jwks-uri";
    let uri = flags.text(name);
    let scheme = uri.split_once(':').map_or("", |(scheme, _)| scheme);
    if !uri.is_empty() && !scheme.eq_ignore_ascii_case("https") {
        let reason = format!("service-account-jwks-uri requires https scheme, parsed as: {uri}");
        return Some(flags.refuse(name, reason));
    }
    let name = "requestheader-client-ca-file";
    let authority = flags.text(name);
    if !authority.is_empty()
        && authority == flags.text("client-ca-file")
        && flags.list("requestheader-allowed-names").is_empty()
    {
        let reason = "--requestheader-client-ca-file and --client-ca-file contain overlapping certificates; --requestheader-allowed-names must be specified";
        return Some(flags.refuse(name, reason));
    }
    peers(flags)
}

fn peers(flags: &Flags<'_, '_>) -> Option<Refusal> {
    if flags.text("peer-ca-file").is_empty() {
        return None;
    }
    match gates::enabled(flags.0, "UnknownVersionInteroperabilityProxy") {
        Some(false) => Some(flags.refuse(
            "peer-ca-file",
            "--peer-ca-file requires UnknownVersionInteroperabilityProxy feature to be turned on",
        )),
        Some(true) if flags.text("proxy-client-cert-file").is_empty() => Some(flags.refuse(
            "peer-ca-file",
            "error building peer proxy handler, proxy-cert-file not specified",
        )),
        _ => None,
    }
}
