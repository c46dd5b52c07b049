//! What to do next about a finding: one command or one sentence.

use kubeassay_core::report::{Finding, Report, Source};
use kubeassay_core::{Cause, Horizon, Verdict};

use crate::describe::control_label;

/// Returns the next step for the findings of one rule and subject, which differ in their horizon.
pub(crate) fn next_step(findings: &[&Finding], report: &Report) -> Option<String> {
    let open = |verdict| {
        let found = |finding: &&&Finding| finding.verdict == verdict && finding.waiver.is_none();
        findings.iter().find(found)
    };
    let finding = open(Verdict::Fail).or_else(|| open(Verdict::Unknown))?;
    let component = &finding.subject.component;
    let explain = command("explain", finding, report, "");
    let verdict_at = |horizon| {
        let at = findings.iter().find(|finding| finding.horizon == horizon);
        at.map(|finding| finding.verdict)
    };
    Some(
        match (verdict_at(Horizon::Running), verdict_at(Horizon::Restart)) {
            (Some(Verdict::Fail), Some(Verdict::Pass)) => format!(
                "restart the {component}: what is on disk now is as the rule wants it ({explain})"
            ),
            (Some(Verdict::Pass | Verdict::Unknown), Some(Verdict::Fail)) => {
                format!("mend it before the {component} restarts: {explain}")
            }
            _ if finding.verdict == Verdict::Fail => explain,
            _ => finding.cause.map_or_else(
                || explain.clone(),
                |cause| for_unknown(cause, finding, report, &explain),
            ),
        },
    )
}

fn for_unknown(cause: Cause, finding: &Finding, report: &Report, explain: &str) -> String {
    let component = &finding.subject.component;
    let again = command("scan", finding, report, "");
    match cause {
        Cause::Denied if report.scanned.source == Source::Live => {
            format!("scan as root: sudo {again}")
        }
        Cause::Denied => "take the facts again as root, on the node itself".to_owned(),
        Cause::Missing => {
            format!("find out where it went, put it back or restart the {component}, then: {again}")
        }
        Cause::NotRegular | Cause::TooLarge | Cause::HiddenByMount => {
            format!("look at it by hand; what leads there: {explain}")
        }
        Cause::Blocked => format!("look at the file system it lies on, then: {again}"),
        Cause::Vanished => again,
        Cause::ParseError => format!("mend the text; where it breaks: {explain}"),
        Cause::WouldRefuse | Cause::Stale => {
            format!("once the {component} has been restarted: {again}")
        }
        Cause::VersionUnknown => {
            let option = " --kubernetes-version VERSION";
            let scan = command("scan", finding, report, option);
            format!("name the version: {scan}")
        }
        Cause::Unreachable => format!("look at the way to the node, then: {again}"),
        Cause::UntrustedCertificate | Cause::NotPermitted => {
            format!("mend the credentials, then: {again}")
        }
        Cause::ProviderSide => "ask the provider: only the provider can see it".to_owned(),
        Cause::NeedsChoice => format!("choose a value for the rule: {explain}"),
        Cause::Conflict | Cause::Unsupported => explain.to_owned(),
    }
}

/// Returns a command about the finding's rule that reads the same node again.
fn command(verb: &str, finding: &Finding, report: &Report, option: &str) -> String {
    let control = shell_word(&control_label(&finding.controls, &finding.rule));
    let root = report
        .scanned
        .nodes
        .iter()
        .find(|node| Some(&node.id) == finding.node.as_ref())
        .and_then(|node| node.root.as_ref());
    let from = match (report.scanned.source, root) {
        (Source::Demo, _) => " --demo".to_owned(),
        (Source::Facts, _) => " --facts FILE".to_owned(),
        (Source::Cluster | Source::Endpoint, _) => " --live".to_owned(),
        (_, Some(root)) => format!(" --root {}", shell_word(&root.to_string())),
        (_, None) => String::new(),
    };
    format!("kubeassay {verb} {control}{from}{option}")
}

/// Returns `word` quoted if a shell would read something else than a word in it.
fn shell_word(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:/@=+,".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}
