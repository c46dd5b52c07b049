//! The findings of rules about files: one for each file of the rule's role.

use kubeassay_core::facts::{Facts, Source};
use kubeassay_core::report::{Evidence, Finding, Subject};
use kubeassay_core::rule::{Evaluation, Outcome, Rule};
use kubeassay_core::{Bytes, Cause, Component, Origin, Value, Verdict, Witness};

use super::gather::{Gathered, RoleFile, gather};
use super::role::Role;
use super::view::FileView;
use super::{Configured, ROOT};
use crate::absent;
use crate::finding::{self, Context, decided, verdict_of};
use crate::instances::{Instance, Keys};
use crate::manifests::Manifests;
use crate::node;
use crate::platforms::Detected;
use crate::view::below;

/// Returns the findings of `rules`, which are about files, on a node with these static pods, whose components other than
/// kubelets are `instances`.
///
/// Where no host was read nothing is said: no file of it was looked at.
pub(crate) fn of(
    rules: &[&Rule],
    facts: &Facts,
    (manifests, configured): (&Manifests, &Configured),
    instances: &[Instance<'_>],
    detected: &Detected,
    context: &Context<'_>,
) -> Vec<Finding> {
    if rules.is_empty() || matches!(facts.source, Source::Cluster | Source::Endpoint) {
        return Vec::new();
    }
    let gathered = gather(facts, manifests, configured);
    let mut findings = Vec::new();
    for rule in rules {
        let Some(role) = rule.files().and_then(Role::parse) else {
            continue;
        };
        let mut keys = Keys::default();
        let before = findings.len();
        for file in gathered.files.iter().filter(|file| file.role == role) {
            let mut subject = subject(&file.path.to_string());
            keys.tell_apart(&mut subject);
            findings.push(of_file(rule, &subject, file, facts, context));
        }
        for gap in gathered.gaps.iter().filter(|gap| gap.role == role) {
            let unknown = &gap.unknown;
            let path = unknown.path.as_ref().map(Bytes::to_string);
            let mut subject = subject(&path.unwrap_or_else(|| role.as_str().to_owned()));
            keys.tell_apart(&mut subject);
            let verdict = (Verdict::Unknown, Some(unknown.cause));
            let reason = format!(
                "whether there is another {} is not known: {}",
                role.described(),
                unknown.reason
            );
            findings.push(decided(
                rule,
                &subject,
                verdict,
                reason,
                Vec::new(),
                context,
            ));
        }
        if findings.len() == before {
            let (verdict, cause, reason) = none(role, &gathered, facts, instances, detected);
            let subject = subject(role.as_str());
            findings.push(finding::without_settings(
                rule, &subject, verdict, cause, &reason, context,
            ));
        }
    }
    findings
}

fn subject(name: &str) -> Subject {
    Subject {
        key: format!("{ROOT}:{name}"),
        component: ROOT.to_owned(),
        ..crate::components::nameless(Component::Kubelet)
    }
}

/// Judges one file.
fn of_file(
    rule: &Rule,
    subject: &Subject,
    file: &RoleFile,
    facts: &Facts,
    context: &Context<'_>,
) -> Finding {
    let view = FileView {
        file,
        facts,
        node: context.view,
    };
    let Some(Evaluation { outcome, read }) = rule.evaluate(&view, context.chosen.of(rule)) else {
        let verdict = (Verdict::Manual, Some(Cause::Unsupported));
        let reason = "the page has no check; a person has to decide".to_owned();
        return decided(rule, subject, verdict, reason, Vec::new(), context);
    };
    let verdict = verdict_of(rule, &outcome);
    let reason = match outcome {
        Outcome::Holds | Outcome::Fails => said(file, &read, &view),
        Outcome::NotApplicable(reason) => reason,
        Outcome::Unknown(settings) => finding::unknown_reason(&settings),
        Outcome::NeedsChoice(name) => {
            format!("the site has to choose `{name}` before this can be decided")
        }
        Outcome::Faulty(reason) => format!("the rule's page is at fault: {reason}"),
    };
    let evidence = read
        .iter()
        .filter_map(|name| evidence(name, file, &view, context))
        .collect();
    decided(rule, subject, verdict, reason, evidence, context)
}

/// Returns `/etc/kubernetes/admin.conf has mode 0644`, for all that was read, and the links on the way.
fn said(file: &RoleFile, read: &[String], view: &FileView<'_>) -> String {
    let parts = read.iter().filter_map(|name| {
        let name = below(name, ROOT)?;
        let value = view.shown(name)?;
        Some(match name {
            "mode" => format!("has mode {value}"),
            "owner" => format!("belongs to {value}"),
            "type" => format!("is of type {value}"),
            name => format!("has {name} {value}"),
        })
    });
    let parts: Vec<String> = parts.collect();
    let by_way = file
        .status
        .links
        .iter()
        .map(|link| format!(", by way of the link {} to {}", link.path, link.target));
    let by_way: String = by_way.collect();
    format!("{} {}{by_way}", file.path, parts.join(" and "))
}

fn evidence(
    name: &str,
    file: &RoleFile,
    view: &FileView<'_>,
    context: &Context<'_>,
) -> Option<Evidence> {
    let of = |setting, path, value, origin| Evidence {
        setting,
        file: path,
        object: None,
        response: None,
        value,
        witness: Witness::Disk,
        observed_at: context.observed_at,
        origin,
        overrode: Vec::new(),
    };
    if let Some(path) = below(name, node::ROOT) {
        let setting = context.view.setting(path)?;
        let value = setting.value().unwrap_or(Value::Null);
        let origin = Origin::clone(&setting.origin);
        return Some(of(Some(name.to_owned()), None, value, origin));
    }
    let value = view.shown(below(name, ROOT)?).unwrap_or(Value::Null);
    let origin = Origin::clone(&file.origin);
    Some(of(None, Some(file.path.clone()), value, origin))
}

/// Returns what there is to say of a role of which no file was found.
fn none(
    role: Role,
    gathered: &Gathered,
    facts: &Facts,
    instances: &[Instance<'_>],
    detected: &Detected,
) -> (Verdict, Option<Cause>, String) {
    let component = role.component();
    let not_applicable = |reason: String| (Verdict::NotApplicable, None, reason);
    let platform = detected.platform;
    if let Some(reason) = platform.and_then(|platform| platform.absent(role.of_platforms())) {
        return not_applicable(reason.to_owned());
    }
    if let Some((_, reason)) = gathered.nothing.iter().find(|(of, _)| *of == role) {
        return not_applicable(reason.clone());
    }
    let own = || {
        instances
            .iter()
            .filter(|one| one.component == component && !one.subject.in_pod)
    };
    let present = match component {
        Component::Kubelet => {
            facts.kubelets().any(|process| !process.in_pod())
                || facts.services_of(component).next().is_some()
        }
        _ => own().next().is_some(),
    };
    let embedding = facts.node.distributions.iter().find(|one| one.running);
    if !present && instances.is_empty() && embedding.is_some() {
        let id = embedding.map_or("a distribution", |one| one.id.as_str());
        let reason = format!(
            "{id} runs here and brings its components inside a program of its own; {}",
            looked_for(role, gathered)
        );
        return (Verdict::Unknown, Some(Cause::Unsupported), reason);
    }
    if !present {
        return absent::why(component, facts, detected);
    }
    let service = own().find_map(|one| {
        let Some(process) = one.process else {
            return one.subject.unit.clone();
        };
        let in_pod = process
            .cgroup
            .as_ref()
            .is_some_and(|cgroup| cgroup.to_string_lossy().contains("kubepods"));
        process.unit.clone().filter(|_| !in_pod)
    });
    if let (true, Some(unit)) = (role.is_manifest(), service) {
        return not_applicable(format!(
            "{component} is started by {unit} and by no manifest of a static pod"
        ));
    }
    (
        Verdict::Unknown,
        Some(Cause::Missing),
        looked_for(role, gathered),
    )
}

/// Returns that no file of a role was found, and where it was looked for.
fn looked_for(role: Role, gathered: &Gathered) -> String {
    let looked = gathered.looked.iter().filter(|(of, _)| *of == role);
    let looked: Vec<String> = looked.map(|(_, path)| path.to_string()).collect();
    let described = role.described();
    if looked.is_empty() {
        return format!("no {described} was found, and nothing says where it would be");
    }
    format!(
        "no {described} was found; looked for: {}",
        looked.join(", ")
    )
}
