//! `kubeassay explain`: a rule's page, then how a host comes to the values it is about.

use anyhow::anyhow;
use kubeassay_core::Component;
use kubeassay_core::explanation::Explanation;
use kubeassay_core::facts::Facts;
use kubeassay_core::report::{FailOn, Finding, GateOptions, Node, Report};
use kubeassay_core::rule::{RenderStyle, Rule, Schema as _, did_you_mean, suggestion};
use kubeassay_engine::schema::Components;
use kubeassay_engine::{Options, judge};
use kubeassay_report::Style;
use kubeassay_report::describe::describe_waiver;
use kubeassay_report::explain;
use kubeassay_report::waivers::{Document, Waiving};
use serde::Serialize;

use crate::args::{Explain, Global, TextFormat};
use crate::asking::now;
use crate::exit::Exit;
use crate::messages::Messages;
use crate::tool::tool;
use crate::{catalogue, hosts, output, waivers};

/// What `explain -o json` says.
#[derive(Serialize)]
struct Explained<'a> {
    rule: Option<&'a str>,
    page: Option<&'a str>,
    settings: Vec<Explanation>,
}

pub(crate) fn run(
    arguments: &Explain,
    global: &Global,
    messages: Messages,
) -> anyhow::Result<Exit> {
    let layout = output::layout(global, false);
    let diagnostics = if layout.colour {
        RenderStyle::Colour
    } else {
        RenderStyle::Plain
    };
    let (catalogue, _) = catalogue::load(&arguments.catalogue, diagnostics, messages)?;
    let topic = std::slice::from_ref(&arguments.topic);
    let (rules, settings) = if let Some(setting) = setting(&arguments.topic) {
        (Vec::new(), vec![setting])
    } else {
        let rules = catalogue
            .select(topic)
            .map_err(|unknown| not_found(&arguments.topic, &unknown.to_string()))?;
        let settings = settings_of(&rules);
        (rules, settings)
    };
    let version = hosts::version(arguments.subject.kubernetes_version.as_deref())?;
    let (facts, source) = hosts::facts(
        &arguments.subject,
        arguments.endpoint.node_address.as_deref(),
        messages,
    )?;
    let accepted = waivers::read(
        &arguments.waivers.waivers,
        &catalogue,
        diagnostics,
        messages,
    )?;
    let mut report = judge(
        &facts,
        &rules,
        &Options {
            tool: tool(),
            source,
            cluster: None,
            started: jiff::Timestamp::UNIX_EPOCH,
            kubernetes_version: version,
            gate: GateOptions {
                include_pods: true,
                ..GateOptions::new(FailOn::NEVER)
            },
            rules: catalogue::describe(&catalogue, &rules, None),
            problems: Vec::new(),
            benchmark: None,
            choices: catalogue::site(&arguments.site, global, &catalogue, diagnostics, messages)?,
        },
    );
    waive(&mut report, accepted);
    let explain_all = |facts: &Facts| -> Vec<Explanation> {
        settings
            .iter()
            .flat_map(|setting| kubeassay_engine::explain(setting, facts, version))
            .collect()
    };
    let mut explanations: Vec<Explanation> = facts.iter().flat_map(explain_all).collect();
    for explanation in &mut explanations {
        explanation.verdict_line = verdict_line(&report, explanation);
    }
    let text = match arguments.output {
        TextFormat::Table => {
            let style = Style {
                width: layout.width,
                colour: layout.colour,
            };
            for_people(&rules, &explanations, &report, style)?
        }
        format => super::document(
            &Explained {
                rule: rules.first().map(|rule| rule.id()),
                page: rules.first().map(|rule| rule.text()),
                settings: explanations,
            },
            format,
        )?,
    };
    output::print(&text)?;
    Ok(Exit::Success)
}

fn for_people(
    rules: &[&Rule],
    explanations: &[Explanation],
    report: &Report,
    style: Style,
) -> anyhow::Result<Vec<u8>> {
    let mut data = Vec::new();
    for rule in rules {
        let page = rule.text();
        // The front matter is for programs; a reader wants the title and the sections.
        data.extend_from_slice(format!("# {}\n", rule.title()).as_bytes());
        let body = page.split_once("\n---").map_or(page, |(_, body)| body);
        data.extend_from_slice(body.trim_start_matches('-').as_bytes());
        data.push(b'\n');
    }
    for explanation in explanations {
        explain::write(explanation, style, &mut data)?;
        data.push(b'\n');
    }
    if explanations.is_empty() {
        let reason = kubeassay_core::text::escape(&report.gate.reason);
        data.extend_from_slice(format!("{reason}\n").as_bytes());
    }
    Ok(data)
}

/// Returns the full name of a setting, if the topic is one; `authorization.mode` is the kubelet's.
fn setting(topic: &str) -> Option<String> {
    let known = |name: &str| Components.setting(name).is_some() || below_a_map(name);
    [topic.to_owned(), format!("kubelet.{topic}")]
        .into_iter()
        .find(|name| known(name))
}

/// Returns whether the name is that of an entry of a map, such as `kubelet.featureGates.X`.
fn below_a_map(name: &str) -> bool {
    use kubeassay_core::rule::SettingType;
    name.match_indices('.').any(|(at, _)| {
        let map = name.get(..at).unwrap_or_default();
        matches!(Components.setting(map), Some(SettingType::Map(_)))
    })
}

/// Returns the settings that the checks of the rules name.
fn settings_of(rules: &[&Rule]) -> Vec<String> {
    let checks = rules.iter().flat_map(|rule| {
        rule.check()
            .into_iter()
            .chain(rule.applies().map(|(check, _)| check))
    });
    let mut names: Vec<String> = Vec::new();
    for name in checks.flat_map(kubeassay_core::rule::Check::names) {
        let root = name.split('.').next();
        let of_component = Component::ALL.iter().any(|one| Some(one.root()) == root);
        if of_component && !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

fn not_found(topic: &str, as_rule: &str) -> anyhow::Error {
    let names = Components.names();
    let wanted = topic.to_lowercase();
    let ends = |name: &&String| name.to_lowercase().ends_with(&format!(".{wanted}"));
    let mut near: Vec<String> = names.iter().filter(ends).take(3).cloned().collect();
    if near.is_empty() {
        let full = if topic.starts_with("kubelet.") {
            topic.to_owned()
        } else {
            format!("kubelet.{topic}")
        };
        near = did_you_mean(&full, names.iter().map(String::as_str));
    }
    match suggestion(&near) {
        Some(suggestion) => anyhow!("there is no rule or setting `{topic}`; {suggestion}"),
        None => anyhow!("{as_rule}; a setting is written as kubelet.authorization.mode"),
    }
}

/// Covers the findings of a report with waivers as they hold today.
fn waive(report: &mut Report, accepted: Vec<Document>) {
    let mut waiving = Waiving::new(accepted, now(), None);
    let nodes = std::mem::take(&mut report.scanned.nodes);
    for finding in &mut report.findings {
        let of_finding = |node: &&Node| Some(&node.id) == finding.node.as_ref();
        let node = nodes.iter().find(of_finding);
        waiving.apply(node, std::slice::from_mut(finding));
    }
    report.scanned.nodes = nodes;
}

/// Returns what the rules say of the subject that an explanation is about.
fn verdict_line(report: &Report, explanation: &Explanation) -> Option<String> {
    let about = |finding: &&Finding| finding.subject == explanation.subject;
    let lines: Vec<String> = report
        .findings
        .iter()
        .filter(about)
        .map(|finding| {
            let waived = finding.waiver.as_ref().map(describe_waiver);
            let waived = waived.map_or_else(String::new, |waived| format!(", {waived}"));
            format!(
                "{} {} ({}): {}{waived}",
                finding.verdict, finding.rule, finding.horizon, finding.reason
            )
        })
        .collect();
    (!lines.is_empty()).then(|| lines.join("; "))
}
