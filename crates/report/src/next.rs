//! What to do next about a finding: one command or one sentence.

use kubeassay_core::report::{Finding, Node, Report, Source, WitnessFinding};
use kubeassay_core::{Bytes, Cause, Component, Horizon, Verdict, Witness};

use crate::describe::{control_label, is_of_cluster, shell_word};
use crate::waivers::COMPONENT;

/// Returns the next step for the findings of one rule and subject, which differ in their horizon.
pub(crate) fn next_step(findings: &[&Finding], report: &Report) -> Option<String> {
    let open = |verdict| {
        let found = |finding: &&&Finding| finding.verdict == verdict && finding.waiver.is_none();
        findings.iter().find(found)
    };
    let finding = open(Verdict::Fail).or_else(|| open(Verdict::Unknown))?;
    if finding.subject.component == COMPONENT {
        return Some(finding.remediation.clone());
    }
    let explain = explain(finding, report);
    let started = started(finding);
    let mend = mend(finding, report, &explain);
    let verdict_at = |horizon| {
        let at = findings.iter().find(|finding| finding.horizon == horizon);
        at.map(|finding| finding.verdict)
    };
    Some(
        match (verdict_at(Horizon::Running), verdict_at(Horizon::Restart)) {
            (Some(Verdict::Fail), Some(Verdict::Pass)) => format!(
                "restart {}: what is on disk now is as the rule wants it ({explain})",
                started.as_deref().unwrap_or("what reads it"),
            ),
            (Some(Verdict::Pass | Verdict::Unknown), Some(Verdict::Fail)) => format!(
                "mend it before {} restarts: {mend}",
                started.as_deref().unwrap_or("what reads it"),
            ),
            _ if finding.verdict == Verdict::Fail => mend,
            _ => finding.cause.map_or_else(
                || explain.clone(),
                |cause| for_unknown(cause, finding, report, &explain),
            ),
        },
    )
}

fn for_unknown(cause: Cause, finding: &Finding, report: &Report, explain: &str) -> String {
    let started = started(finding);
    let again = command("scan", finding, report, "");
    match cause {
        Cause::Denied if report.scanned.source == Source::Live => {
            format!("scan as root: sudo {again}")
        }
        Cause::Denied => "take the facts again as root, on the node itself".to_owned(),
        Cause::Missing => match started {
            Some(started) => {
                format!("find out where it went, put it back or restart {started}, then: {again}")
            }
            None => format!("find out where it lies or why it is not there, then: {again}"),
        },
        Cause::NotRegular | Cause::TooLarge | Cause::HiddenByMount => {
            format!("look at it by hand; what leads there: {explain}")
        }
        Cause::Blocked => format!("look at the file system it lies on, then: {again}"),
        Cause::Vanished => again,
        Cause::ParseError => format!("mend the text; where it breaks: {explain}"),
        Cause::WouldRefuse | Cause::Stale => match started {
            Some(started) => format!("once {started} has been restarted: {again}"),
            None => again,
        },
        Cause::VersionUnknown => {
            let option = " --kubernetes-version VERSION";
            let scan = command("scan", finding, report, option);
            format!("name the version: {scan}")
        }
        Cause::Unreachable if is_of_cluster(finding) => {
            format!("look at the way to the API server, then: {again}")
        }
        Cause::Unreachable => format!("look at the way to the node, then: {again}"),
        Cause::NotPermitted if is_of_cluster(finding) => {
            format!("grant what kubeassay manifest rbac prints, then: {again}")
        }
        Cause::UntrustedCertificate | Cause::NotPermitted => {
            format!("mend the credentials, then: {again}")
        }
        Cause::ProviderSide if finding.expected.is_empty() => {
            "ask the provider: only the provider can see it".to_owned()
        }
        Cause::ProviderSide => format!(
            "ask the provider, who alone can see it, whether this holds: {}",
            finding.expected
        ),
        Cause::NeedsChoice => format!("choose a value for the rule: {explain}"),
        Cause::Conflict | Cause::Unsupported => explain.to_owned(),
    }
}

/// Returns what is started again for a finding to come out otherwise: its component, or the service of the program that
/// it runs inside; nothing for what is no component, such as a file.
fn started(finding: &Finding) -> Option<String> {
    let subject = &finding.subject;
    let component = Component::parse(&subject.component)?;
    let of_program = |unit: &&Bytes| {
        let unit = unit.to_string();
        let own = unit.contains(component.as_str());
        unit.ends_with(".service") && !own && !subject.in_pod
    };
    Some(match subject.unit.as_ref().filter(of_program) {
        Some(unit) => unit.to_string(),
        None => format!("the {component}"),
    })
}

/// Returns the command that plans a fix, where the host is this machine and there is one; else what explains the finding.
fn mend(finding: &Finding, report: &Report, explain: &str) -> String {
    if !finding.fix.possible || report.scanned.source != Source::Live {
        return explain.to_owned();
    }
    let fix = rule_command("fix", finding, "");
    format!("{fix}, or to see why: {explain}")
}

/// Returns the command that shows how the value came about, and where it has to be given.
fn explain(finding: &Finding, report: &Report) -> String {
    if is_of_cluster(finding) {
        return rule_command("rules show", finding, "");
    }
    if let Some(object) = &finding.subject.object {
        let show = rule_command("rules show", finding, "");
        return format!("mend the {object}, which is what new nodes get: {show}");
    }
    let explain = command("explain", finding, report, "");
    match (report.scanned.source, node(finding, report)) {
        // What a file has to do with it is only seen where the file is.
        (Source::Cluster, Some(node)) => format!("on {}: {explain}", node.name),
        _ => explain,
    }
}

fn node<'a>(finding: &Finding, report: &'a Report) -> Option<&'a Node> {
    let mut nodes = report.scanned.nodes.iter();
    nodes.find(|node| Some(&node.id) == finding.node.as_ref())
}

/// Returns a command about the finding's rule.
fn rule_command(verb: &str, finding: &Finding, options: &str) -> String {
    let control = shell_word(&control_label(&finding.controls, &finding.rule));
    format!("kubeassay {verb} {control}{options}")
}

/// Returns a command about the finding's rule that reads the same node again.
fn command(verb: &str, finding: &Finding, report: &Report, option: &str) -> String {
    let node = node(finding, report);
    let root = node.and_then(|node| node.root.as_ref());
    let asked = |witness: &WitnessFinding| witness.witness != Witness::Disk;
    let live = if finding.witnesses.iter().any(asked) {
        " --live"
    } else {
        ""
    };
    let from = match (report.scanned.source, root) {
        (Source::Demo, _) => " --demo".to_owned(),
        (Source::Facts, _) => " --facts FILE".to_owned(),
        (Source::Cluster, _) if verb == "scan" => " --cluster".to_owned(),
        (Source::Cluster, _) => " --live".to_owned(),
        (Source::Endpoint, _) => {
            let host = node.map_or("HOST", |node| &node.name);
            format!(" --live --node-address {}", shell_word(host))
        }
        (_, Some(root)) => format!(" --root {}{live}", shell_word(&root.to_string())),
        (_, None) => live.to_owned(),
    };
    rule_command(verb, finding, &format!("{from}{option}"))
}
