//! Whether the kubelet would start with it, and whether systemd would start the kubelet.

use kubeassay_config::refusal::Refusal;
use kubeassay_config::resolution::Resolution;
use kubeassay_config::tables::Minor;
use kubeassay_core::facts::{FileFacts, NeedKind};
use kubeassay_core::{Cause, Value};

use super::after::{self, KERNEL_DEFAULTS};
use super::{Looked, Outcome, Unread};

/// The settings that a kubelet's refusals depend on (`crates/config/src/kubelet/refusals.rs`).
pub(super) const DECIDING: [&str; 30] = [
    "featureGates",
    "eventBurst",
    "eventRecordQPS",
    "healthzPort",
    "imageGCHighThresholdPercent",
    "imageGCLowThresholdPercent",
    "kubeAPIBurst",
    "maxOpenFiles",
    "maxPods",
    "nodeLeaseDurationSeconds",
    "oomScoreAdj",
    "podsPerCore",
    "port",
    "readOnlyPort",
    "registryBurst",
    "registryPullQPS",
    "serverTLSBootstrap",
    "runOnce",
    "enableSystemLogQuery",
    "enableSystemLogHandler",
    "seccompDefault",
    "tlsMinVersion",
    "tlsCipherSuites",
    "tlsCertFile",
    "tlsPrivateKeyFile",
    "flags.kubeconfig",
    "flags.bootstrapKubeconfig",
    "authentication.webhook.enabled",
    "authentication.x509.clientCAFile",
    "authorization.mode",
];

/// What a kubelet with `protectKernelDefaults` wants of the kernel, exactly (`setupKernelTunables` of
/// `pkg/kubelet/cm/container_manager_linux.go`).
pub(super) const KERNEL: [(&str, &str, &str); 6] = [
    (
        "vm.overcommit_memory",
        "/proc/sys/vm/overcommit_memory",
        "1",
    ),
    ("vm.panic_on_oom", "/proc/sys/vm/panic_on_oom", "0"),
    ("kernel.panic", "/proc/sys/kernel/panic", "10"),
    (
        "kernel.panic_on_oops",
        "/proc/sys/kernel/panic_on_oops",
        "1",
    ),
    (
        "kernel.keys.root_maxkeys",
        "/proc/sys/kernel/keys/root_maxkeys",
        "1000000",
    ),
    (
        "kernel.keys.root_maxbytes",
        "/proc/sys/kernel/keys/root_maxbytes",
        "25000000",
    ),
];

/// Tells whether the kubelet of any version that it may be would refuse.
pub(super) fn would_start(looked: Looked<'_>) -> Outcome {
    let after = &looked.kubelet.after;
    if after.resolutions.is_empty() {
        let reason =
            "the kubelet's version is none that is known here; give it with --kubernetes-version";
        return Outcome::unknown(reason.to_owned());
    }
    let mut refusals = after.resolutions.iter().filter_map(|resolution| {
        let refusal = resolution.refusal.as_ref()?;
        Some((resolution.minor, refusal))
    });
    if let Some((minor, refusal)) = refusals.next() {
        return Outcome::fail(format!(
            "a kubelet of {minor} would not start: {}{}; mend that first",
            kubeassay_core::text::escape(&refusal.reason),
            standing(refusal)
        ));
    }
    let unknown = after.resolutions.iter().find_map(undecided);
    if let Some(why) = unknown.or_else(|| unseen_file(&looked.kubelet.service.files)) {
        return Outcome::unknown(format!(
            "whether the kubelet would start cannot be told: {why}"
        ));
    }
    let minors: Vec<Minor> = after.resolutions.iter().map(|one| one.minor).collect();
    let versions = match minors.as_slice() {
        [only] => only.to_string(),
        [first, .., last] => format!("{first} to {last}"),
        [] => String::new(),
    };
    let assumes = after.next.assumes.join("; ");
    let assumes = if assumes.is_empty() {
        assumes
    } else {
        format!("; taken for granted: {assumes}")
    };
    Outcome::pass(format!(
        "a kubelet of {versions} would start with it, as far as its arguments and files decide{assumes}"
    ))
}

/// Returns where a refusal stands, to be put behind it.
fn standing(refusal: &Refusal) -> String {
    let Some(origin) = &refusal.origin else {
        return String::new();
    };
    match (&origin.path, origin.line, &origin.name) {
        (Some(path), Some(line), _) => format!(" ({path}:{line})"),
        (Some(path), None, _) => format!(" ({path})"),
        (None, _, Some(name)) => format!(" (--{})", kubeassay_core::text::escape(name)),
        (None, _, None) => String::new(),
    }
}

/// Returns why a refusal cannot be ruled out.
fn undecided(resolution: &Resolution) -> Option<String> {
    let mut layers = resolution.layers.iter();
    if let Some(unknown) = layers.find_map(|layer| layer.unknown.as_ref()) {
        return Some(unknown.reason.clone());
    }
    DECIDING.into_iter().find_map(|path| {
        let setting = resolution.setting(path)?;
        let known = setting.value().is_some();
        (!known).then(|| after::why_unknown(path, &setting))
    })
}

/// Returns which of the files that only have to be there could not be looked for.
fn unseen_file(files: &[FileFacts]) -> Option<String> {
    files.iter().find_map(|file| {
        let trouble = file.problem.as_ref()?;
        let counts = file.need.what == NeedKind::Presence && trouble.cause != Cause::Missing;
        counts.then(|| format!("{}: {}", file.need.path, trouble.reason))
    })
}

/// Tells whether systemd has the unit, and may start it.
pub(super) fn unit(looked: Looked<'_>) -> Outcome {
    let unit = &looked.kubelet.unit;
    let state = match &looked.seen.unit {
        None => {
            return Outcome::unknown(format!("how systemd has {unit} was not looked at"));
        }
        Some(Err(error)) => {
            return Outcome::unknown(format!(
                "how systemd has {unit} cannot be told: {}; run this as root where systemd can be reached",
                kubeassay_core::text::escape(&error.to_string())
            ));
        }
        Some(Ok(state)) => state,
    };
    let load = kubeassay_core::text::escape(&state.load);
    match load.as_str() {
        "loaded" => Outcome::pass(format!("systemd has loaded {unit}")),
        "masked" => Outcome::fail(format!(
            "{unit} is masked: systemd would not start it; `systemctl unmask {unit}` if it should"
        )),
        "not-found" => Outcome::fail(format!(
            "systemd knows no {unit}; `systemctl daemon-reload` if its file is new"
        )),
        _ => Outcome::fail(format!(
            "systemd has {unit} as `{load}`; `systemctl status {unit}` says why"
        )),
    }
}

/// Tells whether the kernel is as a kubelet wants it that does not set it itself.
pub(super) fn kernel_defaults(looked: Looked<'_>) -> Option<Outcome> {
    let protects = after::setting(&looked.kubelet.after, KERNEL_DEFAULTS);
    let settings = &looked.kubelet.settings;
    match protects {
        Ok(Value::Bool(true)) => {}
        Ok(_) => {
            let changes = settings.iter().any(|path| path == KERNEL_DEFAULTS);
            let reason =
                format!("{KERNEL_DEFAULTS} will be off: the kubelet sets what it wants itself");
            return changes.then(|| Outcome::pass(reason));
        }
        Err(why) => {
            return Some(Outcome::unknown(format!(
                "whether the kubelet checks the kernel's settings cannot be told: {why}"
            )));
        }
    }
    let mut differ = Vec::new();
    for (name, _, wanted) in KERNEL {
        let mut seen = looked.seen.kernel.iter();
        match seen.find(|(seen, _)| *seen == name) {
            Some((_, Ok(text))) if text.trim_ascii() == wanted => {}
            Some((_, Ok(text))) => {
                let is = kubeassay_core::text::escape(text.trim_ascii());
                differ.push(format!("{name} is {is} and not {wanted}"));
            }
            Some((_, Err(Unread::Because(why)))) => {
                return Some(Outcome::unknown(format!(
                    "what {name} is cannot be told: its file {why}"
                )));
            }
            Some((_, Err(Unread::Missing))) | None => {
                return Some(Outcome::unknown(format!(
                    "what {name} is cannot be told: /proc/sys of the node is not there"
                )));
            }
        }
    }
    if differ.is_empty() {
        return Some(Outcome::pass(format!(
            "the kernel's settings are as a kubelet with {KERNEL_DEFAULTS} wants them"
        )));
    }
    Some(Outcome::fail(format!(
        "with {KERNEL_DEFAULTS} the kubelet would not start: {}; set them with sysctl, and in /etc/sysctl.d so that they last",
        differ.join(", ")
    )))
}
