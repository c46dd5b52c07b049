//! What the settings will be, over every version that the kubelet may be: one value where all agree, else unknown.

use kubeassay_config::kubelet::{Documents, When, resolve};
use kubeassay_config::resolution::Resolution;
use kubeassay_config::setting::Setting;
use kubeassay_core::facts::{Facts, ProcessFacts};
use kubeassay_core::{Bytes, Value};
use kubeassay_engine::Successor;

use crate::planner::PlannedKubelet;

/// How requests are authorized.
pub(super) const MODE: &str = "authorization.mode";
/// Whether who shows no credentials is somebody.
pub(super) const ANONYMOUS: &str = "authentication.anonymous.enabled";
/// Whether the API is asked about tokens.
pub(super) const TOKENS: &str = "authentication.webhook.enabled";
/// The authorities of client certificates.
pub(super) const CLIENT_CA: &str = "authentication.x509.clientCAFile";
/// Whether the kernel's settings have to be right already.
pub(super) const KERNEL_DEFAULTS: &str = "protectKernelDefaults";
/// The folder of static pods.
pub(super) const STATIC_PODS: &str = "staticPodPath";
/// The kubelet's credentials for the API server, and those that it gets them with.
pub(super) const KUBECONFIG: &str = "flags.kubeconfig";
pub(super) const BOOTSTRAP: &str = "flags.bootstrapKubeconfig";

/// A value, or a sentence that says why it is not known.
pub(crate) type Known = Result<Value, String>;

/// Returns what `successor` makes of a setting in every version that it may be.
pub(crate) fn setting(successor: &Successor, path: &str) -> Known {
    agreed(&successor.resolutions, path)
}

/// Returns the value that all of `resolutions` have.
fn agreed(resolutions: &[Resolution], path: &str) -> Known {
    let mut agreed: Option<Value> = None;
    for resolution in resolutions {
        let setting = resolution
            .setting(path)
            .ok_or_else(|| format!("{path} is no setting of {}", resolution.minor))?;
        let value = setting.value().ok_or_else(|| why_unknown(path, &setting))?;
        match &agreed {
            Some(other) if *other != value => {
                return Err(format!(
                    "{path} is {other} in one version that the kubelet may be and {value} in another; give its version with --kubernetes-version"
                ));
            }
            _ => agreed = Some(value),
        }
    }
    agreed.ok_or_else(|| "the kubelet's version is none that is known here".to_owned())
}

/// Says why a setting has no value.
pub(super) fn why_unknown(path: &str, setting: &Setting) -> String {
    match setting.unknown() {
        Some(unknown) => format!("{path} is not known: {}", unknown.reason),
        None => format!("{path} has one of several defaults, and which is not known"),
    }
}

/// Returns a path that a setting holds; empty where it is unset.
pub(super) fn path(successor: &Successor, name: &str) -> Result<Bytes, String> {
    let given = match setting(successor, name)? {
        Value::String(text) => text,
        Value::Null => Bytes::default(),
        _ => return Err(format!("{name} is no path that is shown here")),
    };
    if given.is_empty() {
        return Ok(given);
    }
    let absolute = kubeassay_config::absolute(&given, Some(&successor.next.cwd));
    absolute.ok_or_else(|| format!("{name} is {given}, and from which folder is not known"))
}

/// Returns whether a setting will be `wanted`; also where that is not known.
pub(super) fn may_be(kubelet: &PlannedKubelet, path: &str, wanted: &Value) -> bool {
    setting(&kubelet.after, path).map_or(true, |value| value == *wanted)
}

/// Returns whether a setting will be `wanted` and may not be so in the process that runs: also where only the start
/// makes it so, of files that changed since the process started.
pub(super) fn becomes(kubelet: &PlannedKubelet, facts: &Facts, path: &str, wanted: &Value) -> bool {
    may_be(kubelet, path, wanted) && running(kubelet, facts, path).as_ref() != Ok(wanted)
}

/// Returns what the running process made of a setting at its start.
fn running(kubelet: &PlannedKubelet, facts: &Facts, path: &str) -> Known {
    let process = process(kubelet, facts).ok_or("it does not run")?;
    let documents = Documents::new(process);
    let minors = kubelet.after.resolutions.iter().map(|one| one.minor);
    let started: Vec<Resolution> = minors
        .map(|minor| resolve(&documents, minor, When::Started))
        .collect();
    agreed(&started, path)
}

/// Returns the process that runs now.
fn process<'a>(kubelet: &PlannedKubelet, facts: &'a Facts) -> Option<&'a ProcessFacts> {
    let mut processes = facts.kubelets();
    processes.find(|process| Some(process.pid) == kubelet.pid)
}

/// Returns the value of a mode.
pub(super) fn webhook() -> Value {
    Value::string("Webhook")
}
