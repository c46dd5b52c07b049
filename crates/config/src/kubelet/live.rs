//! What a running kubelet says of itself: the body of `/configz`.
//!
//! One object `{"kubeletconfig": {…}}` (`component-base/configz/configz.go:write`) that holds the v1beta1 type; from
//! 1.36 with `kind` and `apiVersion` in it. It was taken once, at the start, after file, drop-ins and flags. What
//! is zero is left out, so that an absent key is the zero value and never a default. Flags without a field are not
//! in it: they are those of the process, if one is known. `/flagz` shows flags before the file was read, and is never
//! used.

use std::collections::BTreeMap;
use std::sync::Arc;

use kubeassay_core::facts::ProcessFacts;
use kubeassay_core::{Bytes, Cause, Component, Origin, OriginKind, Value};

use super::{KubeletValues, serving};
use crate::flags;
use crate::node::{Content, Node, Source};
use crate::resolution::{Layer, Resolution, Values};
use crate::setting::{Setting, State, Unknown};
use crate::settings::{Names, Settings};
use crate::tables::kubelet::KUBELET;
use crate::tables::{FieldKind, Minor};
use crate::{json, path};

/// The modes that a kubelet starts with (`cmd/kubelet/app/auth.go:BuildAuthz`).
const MODES: [&str; 2] = ["AlwaysAllow", "Webhook"];

/// Returns what a kubelet of `minor` that gave `body` for `url` enforces; `process` is the one that was asked, where
/// it is known.
///
/// # Errors
///
/// Why the body says nothing: it is no JSON, cut off, or not what a kubelet gives.
pub fn live(
    body: &[u8],
    url: &str,
    minor: Minor,
    process: Option<&ProcessFacts>,
) -> Result<Resolution, Unknown> {
    let origin = Arc::new(Origin {
        url: Some(Arc::from(url)),
        ..Origin::new(OriginKind::Live)
    });
    let object = object(body, url, &origin)?;
    let mut settings = Settings::new(&KUBELET, minor);
    settings
        .decode(&object, Names::Exact)
        .map_err(|refusal| not_understood(url, &refusal.reason))?;
    for field in KUBELET
        .fields
        .iter()
        .filter(|field| field.presence.possibly(minor))
    {
        let zero = || match field.kind {
            FieldKind::StringMap | FieldKind::BoolMap | FieldKind::StringListMap => {
                State::Entries(BTreeMap::new())
            }
            kind => State::Known(kind.zero()),
        };
        let setting = settings.entry(field);
        if matches!(setting.state, State::Unset) {
            setting.state = zero();
        }
        place(setting, &origin);
    }
    let mode = settings.get("authorization.mode").and_then(Setting::value);
    if !MODES
        .map(Value::string)
        .iter()
        .any(|known| Some(known) == mode.as_ref())
    {
        return Err(not_understood(
            url,
            "it names no authorization mode that a kubelet runs with",
        ));
    }
    let line = process.and_then(|process| flags::parse(&process.argv, &KUBELET, minor).ok());
    let mut values = KubeletValues { settings, line };
    mark_own_certificate(&mut values, minor, &origin);
    Ok(Resolution {
        component: Component::Kubelet,
        minor,
        values: Values::Kubelet(Box::new(values)),
        refusal: None,
        layers: vec![Layer::new("/configz", OriginKind::Live, None)],
        notes: Vec::new(),
        needs: Vec::new(),
        stale: false,
    })
}

/// Returns why a flag without a field is not known: `/configz` holds fields alone.
pub(super) fn unsaid(flag: &str, minor: Minor) -> Setting {
    let unknown = Unknown {
        cause: Cause::Unsupported,
        reason: format!(
            "--{flag} has no field, so /configz does not say it; only the arguments on the node do"
        ),
        path: None,
    };
    Setting {
        state: State::Unknown(Arc::new(unknown)),
        ..Setting::unset(crate::settings::shared_default_origin(minor))
    }
}

/// Returns the object below `kubeletconfig`.
fn object(body: &[u8], url: &str, origin: &Origin) -> Result<Node, Unknown> {
    let document = json::read(body).map_err(|error| {
        let place = format!("{}:{}: {}", error.line, error.column, error.message);
        not_understood(url, &place)
    })?;
    if let Some(twice) = document.duplicates.first() {
        let reason = format!(
            "{}:{}: the key {:?} stands twice",
            twice.again.line, twice.again.column, twice.key
        );
        return Err(not_understood(url, &reason));
    }
    let source = Source {
        kind: origin.kind,
        path: Arc::new(Bytes::from(url)),
        digest: None,
    };
    let root = Node::from_tree(document.root, &source);
    let Content::Map(entries) = root.content else {
        return Err(not_understood(url, "1:1: it is no object"));
    };
    let found = entries
        .into_iter()
        .find(|entry| entry.key == "kubeletconfig")
        .map(|entry| entry.node);
    let Some(object) = found else {
        return Err(not_understood(url, "1:1: it has no key \"kubeletconfig\""));
    };
    let Content::Map(entries) = &object.content else {
        return Err(not_understood(url, "\"kubeletconfig\" is no object"));
    };
    for (key, wanted) in [
        ("kind", "KubeletConfiguration"),
        ("apiVersion", "kubelet.config.k8s.io/v1beta1"),
    ] {
        let said = entries.iter().find(|entry| entry.key == key);
        if said.is_some_and(|entry| entry.node.content != Content::String(Bytes::from(wanted))) {
            return Err(not_understood(url, &format!("its {key} is not {wanted}")));
        }
    }
    Ok(object)
}

fn not_understood(url: &str, reason: &str) -> Unknown {
    Unknown {
        cause: Cause::ParseError,
        reason: format!("what {url} answered is not a kubelet's configuration: {reason}"),
        path: None,
    }
}

/// Gives a setting, and the entries of a map, the one origin that they have.
fn place(setting: &mut Setting, origin: &Arc<Origin>) {
    setting.origin = Arc::clone(origin);
    setting.overrode.clear();
    if let State::Entries(entries) = &mut setting.state {
        for entry in entries.values_mut() {
            place(entry, origin);
        }
    }
}

/// Marks the certificate that the kubelet made itself: it shows it as if it had been configured, and only by its
/// place is it told apart. Whether one in another folder of a process that is not known is its own cannot be told.
fn mark_own_certificate(values: &mut KubeletValues, minor: Minor, origin: &Arc<Origin>) {
    let said = |path| match values.settings.get(path).and_then(Setting::value) {
        Some(Value::String(text)) => text,
        _ => Bytes::default(),
    };
    let (certificate, key) = (said("tlsCertFile"), said("tlsPrivateKeyFile"));
    let folder = path::parent(&certificate);
    if certificate != path::join(&folder, &Bytes::from("kubelet.crt"))
        || key != path::join(&folder, &Bytes::from("kubelet.key"))
    {
        return;
    }
    let Some(field) = KUBELET.field("tlsCertFile") else {
        return;
    };
    let own = serving::folder(values, minor);
    let known = own.is_some() || folder == serving::DEFAULT_FOLDER;
    let entry = values.settings.entry(field);
    if !known {
        let unknown = Unknown {
            cause: Cause::Unsupported,
            reason: format!(
                "{certificate} is where a kubelet with --cert-dir {folder} would put a certificate of its own, and /configz does not say --cert-dir"
            ),
            path: None,
        };
        entry.state = State::Unknown(Arc::new(unknown));
    } else if own.is_none_or(|own| own == folder) {
        entry.origin = Arc::new(Origin {
            name: Some(Arc::from(serving::SELF_SIGNED)),
            ..Origin::clone(origin)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the verdict on a body: a setting's value, or the reason of the error.
    fn said(body: &str, setting: &str) -> String {
        match live(body.as_bytes(), "https://n:10250/configz", Minor(36), None) {
            Ok(resolution) => {
                let setting = resolution.setting(setting).unwrap();
                setting.value().map_or_else(
                    || setting.unknown().unwrap().reason.clone(),
                    |value| value.to_string(),
                )
            }
            Err(unknown) => {
                assert_eq!(unknown.cause, Cause::ParseError);
                unknown.reason
            }
        }
    }

    #[test]
    fn what_is_absent_is_zero_and_what_is_no_answer_says_nothing() {
        let whole = r#"{"kubeletconfig":{"authorization":{"mode":"Webhook"},"featureGates":{"A":true},"syncFrequency":"1m0s"}}"#;
        for (body, setting, wanted) in [
            (whole, "authorization.mode", "Webhook"),
            (whole, "readOnlyPort", "0"),
            (whole, "eventRecordQPS", "0"),
            (whole, "authentication.anonymous.enabled", "false"),
            (whole, "featureGates.A", "true"),
            (whole, "gates.RotateKubeletServerCertificate", "true"),
            (
                whole,
                "flags.hostnameOverride",
                "--hostname-override has no field",
            ),
            (whole, "flags.seccompDefault", "/configz does not say it"),
            ("", "port", "1:1: "),
            ("{\"kubeletconfig\":{\"authorization\":", "port", "1:35: "),
            ("[]", "port", "it is no object"),
            ("{}", "port", "no key \"kubeletconfig\""),
            ("{\"kubeletconfig\":[]}", "port", "is no object"),
            ("{\"kubeletconfig\":{}}", "port", "no authorization mode"),
            (
                "{\"kubeletconfig\":{\"authorization\":{\"mode\":\"RBAC\"}}}",
                "port",
                "no authorization mode",
            ),
            (
                "{\"kubeletconfig\":{\"kind\":\"Pod\"}}",
                "port",
                "its kind is not",
            ),
            (
                "{\"kubeletconfig\":{\"port\":\"a\"}}",
                "port",
                "cannot unmarshal string",
            ),
            (
                "{\"kubeletconfig\":{\"port\":1,\"port\":2}}",
                "port",
                "stands twice",
            ),
            ("authorization-mode:AlwaysAllow", "port", "1:1: "),
        ] {
            let found = said(body, setting);
            assert!(found.contains(wanted), "{body} {setting}: {found}");
        }
    }

    #[test]
    fn a_certificate_of_its_own_is_told_by_its_place() {
        let body = |folder: &str| {
            format!(
                r#"{{"kubeletconfig":{{"authorization":{{"mode":"Webhook"}},"tlsCertFile":"{folder}/kubelet.crt","tlsPrivateKeyFile":"{folder}/kubelet.key"}}}}"#
            )
        };
        let derived = "derived.servingCertificate";
        assert_eq!(said(&body("/var/lib/kubelet/pki"), derived), "self-signed");
        assert!(said(&body("/srv/pki"), derived).contains("--cert-dir /srv/pki"));
        let argv = ["kubelet", "--cert-dir=/srv/pki"].map(Bytes::from).to_vec();
        let process = ProcessFacts::new(1, argv);
        for (folder, wanted) in [("/srv/pki", "self-signed"), ("/etc/pki", "configured")] {
            let resolution = live(body(folder).as_bytes(), "u", Minor(36), Some(&process)).unwrap();
            let setting = resolution.setting(derived).unwrap();
            assert_eq!(setting.value(), Some(Value::string(wanted)));
            assert_eq!(
                resolution.serving_certificate_paths(),
                [Bytes::from(format!("{folder}/kubelet.crt"))]
            );
        }
    }
}
