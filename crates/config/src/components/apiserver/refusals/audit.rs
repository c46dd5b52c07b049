//! `AuditOptions`: nothing is checked of a backend that is not used.

use crate::components::server::Flags;
use crate::refusal::Refusal;
use crate::tables::Minor;

/// When records are written.
const MODES: [&str; 3] = ["batch", "blocking", "blocking-strict"];

/// The versions that records may have.
const VERSIONS: [&str; 3] = [
    "audit.k8s.io/v1",
    "audit.k8s.io/v1beta1",
    "audit.k8s.io/v1alpha1",
];

/// Returns why the server does not start with its flags of the audit log, if it does not.
pub(super) fn refused(flags: &Flags<'_, '_>) -> Option<Refusal> {
    if !flags.text("audit-log-path").is_empty() {
        let refusal = backend(flags, "log");
        if refusal.is_some() {
            return refusal;
        }
        let formats = ["legacy", "json"];
        let unknown = "invalid audit log format, allowed formats are \"legacy,json\"; not";
        if let Some(refusal) = flags.one_of("audit-log-format", &formats, unknown) {
            return Some(refusal);
        }
        for name in [
            "audit-log-maxage",
            "audit-log-maxbackup",
            "audit-log-maxsize",
        ] {
            if flags.number(name).is_some_and(|number| number < 0) {
                return Some(flags.refuse(name, format!("--{name} can't be a negative number")));
            }
        }
    }
    if flags.text("audit-webhook-config-file").is_empty() {
        return None;
    }
    backend(flags, "webhook")
}

fn backend(flags: &Flags<'_, '_>, plugin: &str) -> Option<Refusal> {
    let of = |what: &str| format!("audit-{plugin}-{what}");
    let unknown = format!(
        "invalid audit {plugin} mode, allowed modes are \"batch,blocking,blocking-strict\"; not"
    );
    let mode = flags.one_of(&of("mode"), &MODES, &unknown);
    if mode.is_some() {
        return mode;
    }
    let not_positive = |name: &str| flags.number(name).is_some_and(|number| number <= 0);
    if flags.text(&of("mode")) == "batch" {
        let mut names = vec!["batch-buffer-size", "batch-max-size"];
        if flags.is_on(&of("batch-throttle-enable")) {
            names.push("batch-throttle-burst");
        }
        if let Some(name) = names.into_iter().map(of).find(|name| not_positive(name)) {
            return Some(flags.refuse(&name, format!("--{name}: must be a positive number")));
        }
    }
    let (event, batch) = (of("truncate-max-event-size"), of("truncate-max-batch-size"));
    if not_positive(&event) {
        let reason =
            format!("invalid audit truncate {plugin} max event size, must be a positive number");
        return Some(flags.refuse(&event, reason));
    }
    if let (Some(event), Some(whole)) = (flags.number(&event), flags.number(&batch))
        && whole < event
    {
        let reason = format!(
            "invalid audit truncate {plugin} max batch size {whole}, must be greater than max event size ({event})"
        );
        return Some(flags.refuse(&batch, reason));
    }
    let count = if flags.minor() < Minor(24) {
        VERSIONS.len()
    } else {
        1
    };
    let known = VERSIONS.get(..count).unwrap_or_default();
    flags.one_of(
        &of("version"),
        known,
        "invalid group version, allowed is audit.k8s.io/v1; not",
    )
}
