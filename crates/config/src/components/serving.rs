//! `SecureServingOptions`: port, certificates, TLS (`staging/src/k8s.io/apiserver/pkg/server/options/serving.go`).

use kubeassay_core::Component;

use super::server::Flags;
use crate::ciphers::CIPHER_SUITES;
use crate::refusal::Refusal;

/// Suites of which HTTP/2 wants at least one below TLS 1.3 (`golang.org/x/net/http2`).
const HTTP2_SUITES: [&str; 2] = [
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
];

/// The versions of TLS by the names that Go gives them; without one it is 1.2.
const VERSIONS: [&str; 5] = [
    "",
    "VersionTLS10",
    "VersionTLS11",
    "VersionTLS12",
    "VersionTLS13",
];

/// The ways to exchange keys that Go 1.26 has, by their numbers (`crypto/tls.CurveID`).
const CURVES: [&str; 7] = ["23", "24", "25", "29", "4587", "4588", "4589"];

/// Returns why the server does not serve, if it does not.
pub(super) fn refused(flags: &Flags<'_, '_>) -> Option<Refusal> {
    let port = flags.number("secure-port");
    // Only the API server has to serve.
    let least = i64::from(flags.0.component == Component::ApiServer);
    if port.is_some_and(|port| !(least..=65_535).contains(&port)) {
        let reason = "--secure-port must be between 1 and 65535, inclusive";
        return Some(flags.refuse("secure-port", reason));
    }
    let pair = ["tls-cert-file", "tls-private-key-file"];
    let [certificate, key] = pair.map(|name| flags.text(name).is_empty());
    if certificate != key {
        let [certificate_flag, key_flag] = pair;
        let given = if key { certificate_flag } else { key_flag };
        return Some(flags.refuse(given, "missing filename for serving cert"));
    }
    let suites = flags.list("tls-cipher-suites");
    if let Some(unknown) = suites
        .iter()
        .find(|name| !CIPHER_SUITES.contains(&name.as_str()))
    {
        let reason = format!("Cipher suite {unknown} not supported or doesn't exist");
        return Some(flags.refuse("tls-cipher-suites", reason));
    }
    let floor = flags.text("tls-min-version");
    if !VERSIONS.contains(&floor.as_str()) {
        return Some(flags.refuse("tls-min-version", format!("unknown tls version {floor:?}")));
    }
    let has_http2 = floor == "VersionTLS13"
        || suites.is_empty()
        || flags.is_on("disable-http2-serving")
        || suites
            .iter()
            .any(|name| HTTP2_SUITES.contains(&name.as_str()));
    if !has_http2 {
        let reason = "error configuring http2: http2: TLSConfig.CipherSuites is missing an HTTP/2-required AES_128_GCM_SHA256 cipher";
        return Some(flags.refuse("tls-cipher-suites", reason));
    }
    let curves = flags.list("tls-curve-preferences");
    if let Some(curve) = curves
        .iter()
        .find(|curve| !CURVES.contains(&curve.as_str()))
    {
        let reason = match curve.parse::<i32>() {
            Ok(_) => format!("curve preference {curve} is not supported by the current Go version"),
            Err(_) => format!("invalid argument {curve:?} for \"--tls-curve-preferences\" flag"),
        };
        return Some(flags.refuse("tls-curve-preferences", reason));
    }
    let pairs = flags.list("tls-sni-cert-key");
    let is_pair = |text: &String| {
        let files = text.split(':').next().unwrap_or_default();
        files.split(',').filter(|file| !file.is_empty()).count() == 2
    };
    if let Some(wrong) = pairs.iter().find(|pair| !is_pair(pair)) {
        let reason = format!(
            "invalid argument {wrong:?} for \"--tls-sni-cert-key\" flag: expected comma separated certificate and key file paths"
        );
        return Some(flags.refuse("tls-sni-cert-key", reason));
    }
    None
}
