//! What the kubelet checks before it serves, as far as its own configuration decides it.
//!
//! Sources: `cmd/kubelet/app/auth.go` (authentication, authorization), `server.go` (TLS, kubeconfig),
//! `pkg/kubelet/apis/config/validation/validation.go`. Only what is known is checked: a setting that could
//! not be read refuses nothing.

use std::sync::Arc;

use kubeassay_core::{Bytes, Origin, Value};

use super::{Resolver, gates};
use crate::ciphers::CIPHER_SUITES;
use crate::refusal::Refusal;
use crate::setting::{Setting, State};
use crate::sources::Presence;
use crate::tables::Minor;
use crate::tables::kubelet::KUBELET;

/// Suites of which HTTP/2 wants at least one below TLS 1.3 (`golang.org/x/net/http2`).
const HTTP2_SUITES: [&str; 2] = [
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
];

/// A field, its flag, and the range the kubelet wants it in.
const RANGES: [(&str, &str, i64, i64); 15] = [
    ("eventBurst", "--event-burst", 0, i64::MAX),
    ("eventRecordQPS", "--event-qps", 0, i64::MAX),
    ("healthzPort", "--healthz-port", 0, 65_535),
    (
        "imageGCHighThresholdPercent",
        "--image-gc-high-threshold",
        0,
        100,
    ),
    (
        "imageGCLowThresholdPercent",
        "--image-gc-low-threshold",
        0,
        100,
    ),
    ("kubeAPIBurst", "--kube-api-burst", 0, i64::MAX),
    ("maxOpenFiles", "--max-open-files", 0, i64::MAX),
    ("maxPods", "--max-pods", 0, i64::MAX),
    ("nodeLeaseDurationSeconds", "", 1, i64::MAX),
    ("oomScoreAdj", "--oom-score-adj", -1_000, 1_000),
    ("podsPerCore", "--pods-per-core", 0, i64::MAX),
    ("port", "--port", 1, 65_535),
    ("readOnlyPort", "--read-only-port", 0, 65_535),
    ("registryBurst", "--registry-burst", 0, i64::MAX),
    ("registryPullQPS", "--registry-qps", 0, i64::MAX),
];

impl Resolver<'_> {
    /// Refuses what the kubelet refuses, in its own order as far as that matters.
    pub(super) fn refusals(&mut self) -> Result<(), Refusal> {
        self.check_gates()?;
        self.check_validation()?;
        self.check_tls()?;
        self.check_kubeconfig()?;
        self.check_authentication()?;
        self.check_authorization()
    }

    fn known(&self, path: &str) -> Option<(Value, &Arc<Origin>)> {
        let setting = self.settings.get(path)?;
        Some((setting.value()?, &setting.origin))
    }

    fn is(&self, path: &str, wanted: bool) -> bool {
        matches!(self.known(path), Some((Value::Bool(value), _)) if value == wanted)
    }

    fn text(&self, path: &str) -> Option<(Bytes, Arc<Origin>)> {
        match self.known(path) {
            Some((Value::String(text), origin)) => Some((text, origin.clone())),
            Some((Value::Null, origin)) => Some((Bytes::default(), origin.clone())),
            _ => None,
        }
    }

    fn refuse(&self, path: &str, reason: String) -> Refusal {
        Refusal::new(
            reason,
            self.settings
                .get(path)
                .map(|setting| setting.origin.clone()),
        )
    }

    fn check_gates(&self) -> Result<(), Refusal> {
        let Some(Setting {
            state: State::Entries(entries) | State::Part(entries, _),
            ..
        }) = self.settings.get("featureGates")
        else {
            return Ok(());
        };
        for locked in KUBELET.locked_gates {
            let holds = locked.from <= self.minor && self.minor <= locked.to;
            let Some(entry) = entries.get(locked.name).filter(|_| holds) else {
                continue;
            };
            if entry.value() == Some(Value::Bool(!locked.value)) {
                let (name, value) = (locked.name, locked.value);
                let reason = format!(
                    "cannot set feature gate {name} to {}, feature is locked to {value}",
                    !value
                );
                return Err(Refusal::new(reason, Some(entry.origin.clone())));
            }
        }
        Ok(())
    }

    fn gate(&self, name: &str) -> Option<bool> {
        match gates::enabled(name, &self.settings, self.minor)?.value()? {
            Value::Bool(enabled) => Some(enabled),
            _ => None,
        }
    }

    fn check_validation(&self) -> Result<(), Refusal> {
        let invalid = |path: &str, reason: String| {
            Err(self.refuse(path, format!("invalid configuration: {reason}")))
        };
        for (path, flag, least, most) in RANGES {
            let Some((Value::Int(value), _)) = self.known(path) else {
                continue;
            };
            if !(least..=most).contains(&value) {
                return invalid(
                    path,
                    format!(
                        "{path} ({flag}) {value} must be between {least} and {most}, inclusive"
                    ),
                );
            }
        }
        if self.is("serverTLSBootstrap", true)
            && self.gate("RotateKubeletServerCertificate") == Some(false)
        {
            let reason =
                "serverTLSBootstrap true requires feature gate RotateKubeletServerCertificate";
            return invalid("serverTLSBootstrap", reason.to_owned());
        }
        if self.is("runOnce", true) {
            let reason = if self.minor >= Minor(32) {
                "runOnce (--runOnce) true, Runonce mode has been deprecated and should not be set"
            } else {
                "runOnce is true: it runs the pods it finds once, and ends"
            };
            return invalid("runOnce", reason.to_owned());
        }
        if self.is("enableSystemLogQuery", true) && self.is("enableSystemLogHandler", false) {
            let reason = "enableSystemLogHandler is required for enableSystemLogQuery";
            return invalid("enableSystemLogQuery", reason.to_owned());
        }
        if self.minor <= Minor(26)
            && self.is("seccompDefault", true)
            && self.gate("SeccompDefault") == Some(false)
        {
            let reason = "the SeccompDefault feature gate must be enabled in order to use the SeccompDefault configuration";
            return Err(self.refuse("seccompDefault", reason.to_owned()));
        }
        Ok(())
    }

    fn check_tls(&self) -> Result<(), Refusal> {
        let least = self.text("tlsMinVersion");
        let known = [
            &b""[..],
            b"VersionTLS10",
            b"VersionTLS11",
            b"VersionTLS12",
            b"VersionTLS13",
        ];
        if let Some((version, origin)) = &least
            && !known.contains(&version.as_slice())
        {
            let reason = format!("unknown tls version {:?}", version.to_string());
            return Err(Refusal::new(reason, Some(origin.clone())));
        }
        if let Some((Value::List(suites), origin)) = self.known("tlsCipherSuites") {
            let named = |name: &str| suites.contains(&Value::string(name));
            let unknown = suites.iter().find(|suite| {
                !matches!(suite, Value::String(text) if CIPHER_SUITES.iter().any(|name| *text == *name))
            });
            if let Some(suite) = unknown {
                let reason = format!("Cipher suite {suite} not supported or doesn't exist");
                return Err(Refusal::new(reason, Some(origin.clone())));
            }
            let tls13 = least
                .as_ref()
                .is_some_and(|(version, _)| *version == "VersionTLS13");
            if least.is_some()
                && !tls13
                && !suites.is_empty()
                && !HTTP2_SUITES.into_iter().any(named)
            {
                let reason = "http2: TLSConfig.CipherSuites is missing an HTTP/2-required AES_128_GCM_SHA256 cipher";
                return Err(Refusal::new(reason, Some(origin.clone())));
            }
        }
        // 1.36 keeps the port open and breaks every handshake instead.
        if self.minor <= Minor(35)
            && self.is("serverTLSBootstrap", false)
            && let (Some((certificate, origin)), Some((key, _))) =
                (self.text("tlsCertFile"), self.text("tlsPrivateKeyFile"))
            && certificate.is_empty() != key.is_empty()
        {
            let reason = "tlsCertFile and tlsPrivateKeyFile must be given together";
            return Err(Refusal::new(reason, Some(origin)));
        }
        Ok(())
    }

    /// A missing kubeconfig is forgiven where another one is there to bootstrap with.
    fn check_kubeconfig(&mut self) -> Result<(), Refusal> {
        let Some((path, origin)) = self.line.path("kubeconfig") else {
            return Ok(());
        };
        let (path, origin) = (path.clone(), origin.clone());
        let missing = self.files.presence(&path) == Presence::Missing;
        if missing && self.line.path("bootstrap-kubeconfig").is_none() {
            let reason = format!("invalid kubeconfig: stat {path}: no such file or directory");
            return Err(Refusal::missing(reason, Some(origin)));
        }
        Ok(())
    }

    fn check_authentication(&mut self) -> Result<(), Refusal> {
        if self.line.path("kubeconfig").is_none() && self.is("authentication.webhook.enabled", true)
        {
            let reason = "no client provided, cannot use webhook authentication";
            return Err(self.refuse("authentication.webhook.enabled", reason.to_owned()));
        }
        let Some((path, origin)) = self.text("authentication.x509.clientCAFile") else {
            return Ok(());
        };
        if !path.is_empty() && self.files.presence(&path) == Presence::Missing {
            let reason = format!(
                "unable to load client CA file {path}: open {path}: no such file or directory"
            );
            return Err(Refusal::missing(reason, Some(origin)));
        }
        Ok(())
    }

    fn check_authorization(&self) -> Result<(), Refusal> {
        let Some((mode, origin)) = self.text("authorization.mode") else {
            return Ok(());
        };
        let reason = match mode.as_slice() {
            b"AlwaysAllow" => return Ok(()),
            b"Webhook" if self.line.path("kubeconfig").is_some() => return Ok(()),
            b"Webhook" => "no client provided, cannot use webhook authorization".to_owned(),
            b"" => "no authorization mode specified".to_owned(),
            _ => format!("unknown authorization mode {mode}"),
        };
        Err(Refusal::new(reason, Some(origin)))
    }
}
