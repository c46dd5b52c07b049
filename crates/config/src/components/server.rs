//! What all servers of the control plane check of their flags before they serve, as far as these alone decide it
//! (`k8s.io/component-base`, `k8s.io/apiserver/pkg/server/options`).

use std::sync::Arc;

use kubeassay_core::Value;

use super::builder::Builder;
use super::{gates, serving};
use crate::refusal::Refusal;
use crate::sources::Presence;
use crate::tables::Minor;

/// The minor of which this was measured, and not read in the sources of those before.
pub(super) const MEASURED: Minor = Minor(36);

/// Returns why a server does not start with the flags that all of them have, if it does not.
pub(super) fn refused(flags: &Flags<'_, '_>) -> Option<Refusal> {
    gates::refused(flags.0)
        .or_else(|| metrics(flags))
        .or_else(|| {
            let formats = ["", "text", "json"];
            let unsupported = "format: Invalid value: Unsupported log format";
            flags.one_of("logging-format", &formats, unsupported)
        })
        .or_else(|| versions(flags))
        .or_else(|| serving::refused(flags))
}

/// Returns whether it is an API server of `OpenShift`, which has admission plugins of its own.
pub(super) fn is_of_openshift(builder: &Builder<'_>) -> bool {
    let enabled = builder.flag("enable-admission-plugins");
    let own = |name: &Value| name.to_string().contains(".openshift.io/");
    matches!(enabled.value(), Some(Value::List(names)) if names.iter().any(own))
}

/// Returns why a server that elects a leader does not start (`client-go/tools/leaderelection`).
pub(super) fn election(flags: &Flags<'_, '_>) -> Option<Refusal> {
    if !flags.is_on("leader-elect") {
        return None;
    }
    let name = "leader-elect-resource-lock";
    let locks: &[&str] = if flags.minor() >= Minor(29) {
        &["leases"]
    } else {
        return None;
    };
    if let Some(refusal) = flags.one_of(
        name,
        locks,
        "resource lock must be \"leases\", the others are removed:",
    ) {
        return Some(refusal);
    }
    let name = "leader-elect-lease-duration";
    let longer = flags.number(name)?;
    let shorter = flags.number("leader-elect-renew-deadline")?;
    (longer <= shorter)
        .then(|| flags.refuse(name, "leaseDuration must be greater than renewDeadline"))
}

fn metrics(flags: &Flags<'_, '_>) -> Option<Refusal> {
    let name = "show-hidden-metrics-for-version";
    let shown = flags.text(name);
    let before = format!("1.{}", flags.minor().0.saturating_sub(1));
    (!shown.is_empty() && shown != before).then(|| {
        let reason = format!(
            "{name}: Invalid value: {shown:?}: must be omitted or have the value '{before}'; only the previous minor version is allowed"
        );
        flags.refuse(name, reason)
    })
}

/// Returns why a server does not start again: a file that a flag names is gone. Flags come with the one without which
/// their file is not opened, empty for none. Files are looked for, not into.
pub(super) fn missing(builder: &mut Builder<'_>, opened: &[(&str, &str)]) -> Option<Refusal> {
    let mut refusal = None;
    for (name, with) in opened {
        let is_used = with.is_empty() || builder.line.path(with).is_some();
        for path in builder.paths_of(name).into_iter().filter(|_| is_used) {
            // All are asked for, whatever comes of the first.
            let is_missing = builder.next_presence(&path) == Presence::Missing;
            if is_missing && refusal.is_none() {
                let reason = format!("--{name}: open {path}: no such file or directory");
                let given = builder.line.last(name);
                let origin = given.map(|given| Arc::clone(&given.origin));
                refusal = Some(Refusal::missing(reason, origin));
            }
        }
    }
    refusal
}

/// The flags of a server, for checks.
pub(super) struct Flags<'b, 'a>(pub(super) &'b Builder<'a>);

impl Flags<'_, '_> {
    pub(super) fn minor(&self) -> Minor {
        self.0.minor
    }

    pub(super) fn number(&self, name: &str) -> Option<i64> {
        match self.0.flag(name).value()? {
            Value::Int(number) | Value::Duration(number) => Some(number),
            _ => None,
        }
    }

    pub(super) fn is_on(&self, name: &str) -> bool {
        self.0.flag(name).value() == Some(Value::Bool(true))
    }

    /// Returns the text of a flag; empty where it has none.
    pub(super) fn text(&self, name: &str) -> String {
        match self.0.flag(name).value() {
            Some(Value::String(text)) => text.to_string_lossy(),
            _ => String::new(),
        }
    }

    pub(super) fn list(&self, name: &str) -> Vec<String> {
        match self.0.flag(name).value() {
            Some(Value::List(items)) => items.iter().map(plain).collect(),
            _ => Vec::new(),
        }
    }

    /// Returns a refusal that stands where the flag does.
    pub(super) fn refuse(&self, name: &str, reason: impl Into<String>) -> Refusal {
        Refusal::new(reason, Some(self.0.flag(name).origin))
    }

    /// Refuses a flag whose text is none of these.
    pub(super) fn one_of(&self, name: &str, known: &[&str], reason: &str) -> Option<Refusal> {
        let text = self.text(name);
        let is_known = known.contains(&text.as_str());
        let is_there = self.0.line.last(name).is_some();
        (is_there && !is_known).then(|| self.refuse(name, format!("{reason} {text:?}")))
    }
}

/// The versions that it is to pretend to be.
fn versions(flags: &Flags<'_, '_>) -> Option<Refusal> {
    if flags.minor() < MEASURED {
        return None;
    }
    for name in ["emulated-version", "min-compatibility-version"] {
        for said in flags.list(name) {
            let version = said.strip_prefix("kube=").unwrap_or(&said);
            let minor = version.strip_prefix("1.").and_then(|rest| {
                let rest = rest.split_once('.').map_or(rest, |(minor, _)| minor);
                rest.parse::<u8>().ok()
            });
            let newest = flags.minor().0;
            let oldest = newest.saturating_sub(3);
            if !minor.is_some_and(|minor| (oldest..=newest).contains(&minor)) {
                let reason = format!("{name} {said} is not between 1.{oldest} and 1.{newest}");
                return Some(flags.refuse(name, reason));
            }
        }
    }
    None
}

/// Returns a value without the quotes that are shown.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.to_string_lossy(),
        other => other.to_string(),
    }
}
