//! The certificate the kubelet serves with: configured, asked for from the cluster, or made by itself.

use std::sync::Arc;

use kubeassay_core::{Bytes, Origin, Value};

use super::{KubeletValues, Resolver};
use crate::resolution::{Resolution, Values};
use crate::setting::{Setting, State};
use crate::settings::{Settings, default_origin};
use crate::tables::Minor;
use crate::tables::kubelet::KUBELET;
use crate::{flags, path};

/// Marks an origin: the kubelet makes the certificate itself.
pub(super) const SELF_SIGNED: &str = "self-signed";

/// The setting that says which of them it is.
pub(super) const CERTIFICATE: &str = "derived.servingCertificate";

impl Resolver<'_> {
    /// Without certificate, key and bootstrap the kubelet signs one itself under `--cert-dir` and sets the
    /// paths (`server.go:InitializeTLS`): `/configz` shows them as if they had been configured.
    pub(super) fn fill_serving_certificate(&mut self) {
        let silent = |path| self.settings.get(path).is_none_or(Setting::is_zero);
        let alone = ["serverTLSBootstrap", "tlsCertFile", "tlsPrivateKeyFile"]
            .into_iter()
            .all(silent);
        let folder = KUBELET
            .flag("cert-dir")
            .map(|flag| self.own_flag(flag).value());
        let (true, Some(Some(Value::String(folder)))) = (alone, folder) else {
            return;
        };
        for (path, name) in [
            ("tlsCertFile", "kubelet.crt"),
            ("tlsPrivateKeyFile", "kubelet.key"),
        ] {
            let Some(field) = KUBELET.field(path) else {
                continue;
            };
            let origin = Origin {
                name: Some(Arc::from(SELF_SIGNED)),
                ..default_origin(self.minor)
            };
            let value = Value::String(path::join(&folder, &Bytes::from(name)));
            self.settings
                .entry(field)
                .replace(Setting::known(value, origin));
        }
    }
}

/// Where a kubelet keeps its certificates that was given no `--cert-dir` (`cmd/kubelet/app/options/options.go`).
pub(super) const DEFAULT_FOLDER: &str = "/var/lib/kubelet/pki";

/// Returns `--cert-dir`, if the arguments are known.
pub(super) fn folder(values: &KubeletValues, minor: Minor) -> Option<Bytes> {
    let flag = KUBELET.flag("cert-dir")?;
    match flags::own(values.line.as_ref()?, flag, minor).value() {
        Some(Value::String(folder)) => Some(folder),
        _ => None,
    }
}

impl Resolution {
    /// Returns the files whose first certificate the kubelet may serve, likeliest first: `tlsCertFile`, else under
    /// `--cert-dir` the one that the cluster issued, else its own. With `serverTLSBootstrap` the issued one comes
    /// before `tlsCertFile` (`pkg/kubelet/certificate/kubelet.go:NewKubeletServerCertificateManager`). None where it is
    /// no kubelet.
    pub fn serving_certificate_paths(&self) -> Vec<Bytes> {
        let Values::Kubelet(values) = &self.values else {
            return Vec::new();
        };
        let folder = folder(values, self.minor).unwrap_or_else(|| Bytes::from(DEFAULT_FOLDER));
        let below = |name: &str| path::join(&folder, &Bytes::from(name));
        let issued = below("kubelet-server-current.pem");
        let value = |path| values.settings.get(path).and_then(Setting::value);
        let bootstrap = value("serverTLSBootstrap") == Some(Value::Bool(true));
        match value("tlsCertFile") {
            Some(Value::String(configured)) if !configured.is_empty() && bootstrap => {
                vec![issued, configured]
            }
            Some(Value::String(configured)) if !configured.is_empty() => vec![configured],
            _ => vec![issued, below("kubelet.crt")],
        }
    }
}

/// Returns [`CERTIFICATE`]: `configured`, `bootstrap` or `self-signed`.
pub(super) fn certificate(settings: &Settings) -> Option<Setting> {
    let certificate = settings.get("tlsCertFile")?;
    let key = settings.get("tlsPrivateKeyFile")?;
    let bootstrap = settings.get("serverTLSBootstrap")?;
    let known = |word: &str, from: &Setting| Setting {
        state: State::Known(Value::string(word)),
        origin: from.origin.clone(),
        overrode: from.overrode.clone(),
    };
    Some(match (bootstrap.value(), certificate.value()) {
        (None, _) => bootstrap.clone(),
        (_, None) => certificate.clone(),
        // Without either the kubelet makes one itself.
        (Some(Value::Bool(false)), _) if certificate.is_zero() && key.value().is_none() => {
            key.clone()
        }
        (Some(Value::Bool(true)), _) => known("bootstrap", bootstrap),
        _ if certificate.origin.name.as_deref() == Some(SELF_SIGNED) => {
            known(SELF_SIGNED, certificate)
        }
        _ => known("configured", certificate),
    })
}
