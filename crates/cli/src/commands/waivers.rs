//! `kubeassay waivers`: check, list and add accepted deviations.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{anyhow, bail};
use jiff::tz::TimeZone;
use kubeassay_core::Value;
use kubeassay_core::rule::yaml::Node;
use kubeassay_core::rule::{Diagnostic, RenderStyle, Rule};
use kubeassay_report::Style;
use kubeassay_report::waivers::{
    AddError, Draft, MAX_FILE, Pattern, Scope, accept, add, lint, rows, write_rows,
};

use crate::args::{Global, TextFormat, WaiversAdd, WaiversCommand, WaiversLint, WaiversList};
use crate::asking::now;
use crate::exit::Exit;
use crate::messages::Messages;
use crate::{catalogue, output, waivers};

pub(crate) fn run(
    command: &WaiversCommand,
    global: &Global,
    messages: Messages,
) -> anyhow::Result<Exit> {
    match command {
        WaiversCommand::Lint(arguments) => check(arguments, global, messages),
        WaiversCommand::List(arguments) => list(arguments, global, messages),
        WaiversCommand::Add(arguments) => write(arguments, global, messages),
    }
}

/// Says what is wrong with files of waivers.
fn check(arguments: &WaiversLint, global: &Global, messages: Messages) -> anyhow::Result<Exit> {
    let style = style(output::layout(global, false).colour);
    let (catalogue, _) = catalogue::load(&arguments.catalogue, style, messages)?;
    let mut documents = Vec::new();
    let mut faults: Vec<Diagnostic> = Vec::new();
    for read in waivers::read_each(&arguments.files, &catalogue)? {
        match read {
            Ok(document) => documents.push(document),
            Err(found) => faults.extend(found),
        }
    }
    let rules = documents.iter().flat_map(|document| &document.entries);
    let rules = rules.flat_map(|entry| &entry.rules).map(String::as_str);
    let rules: BTreeSet<&str> = rules.collect();
    let report = arguments.report.as_deref();
    let report = report.map(|path| waivers::report(path, &rules));
    let report = report.transpose()?;
    let count: usize = documents
        .iter()
        .map(|document| document.entries.len())
        .sum();
    faults.extend(lint(&documents, now(), report.as_ref()));
    let data = match arguments.output {
        TextFormat::Table => {
            let shown = faults.iter().map(|fault| fault.render(style) + "\n\n");
            let shown: String = shown.collect();
            let waivers = if count == 1 { "waiver" } else { "waivers" };
            let verdict = match faults.len() {
                0 => "no errors".to_owned(),
                1 => "1 error".to_owned(),
                several => format!("{several} errors"),
            };
            format!("{shown}{count} {waivers}, {verdict}\n").into_bytes()
        }
        format => super::safe_document(&faults, format)?,
    };
    output::print(&data)?;
    Ok(if faults.is_empty() {
        Exit::Success
    } else {
        Exit::Findings
    })
}

fn list(arguments: &WaiversList, global: &Global, messages: Messages) -> anyhow::Result<Exit> {
    let layout = output::layout(global, false);
    let diagnostics = style(output::layout_of_stderr(global).colour);
    let (catalogue, _) = catalogue::load(&arguments.catalogue, diagnostics, messages)?;
    let documents = waivers::read(&arguments.files, &catalogue, diagnostics, messages)?;
    let rows = rows(&documents, now());
    let mut data = Vec::new();
    match arguments.output {
        TextFormat::Table => {
            let style = Style {
                width: layout.width,
                colour: layout.colour,
            };
            write_rows(&rows, style, &mut data)?;
        }
        format => data = super::safe_document(&rows, format)?,
    }
    output::print(&data)?;
    Ok(Exit::Success)
}

/// Adds a waiver to a file.
fn write(arguments: &WaiversAdd, global: &Global, messages: Messages) -> anyhow::Result<Exit> {
    let diagnostics = style(output::layout_of_stderr(global).colour);
    let (catalogue, _) = catalogue::load(&arguments.catalogue, diagnostics, messages)?;
    let rules = catalogue::select(&catalogue, std::slice::from_ref(&arguments.rule))?;
    let today = now().to_zoned(TimeZone::UTC).date();
    if arguments.expires < today {
        bail!(
            "{} is over; name the last day the waiver holds",
            arguments.expires
        );
    }
    let scope = Scope {
        nodes: arguments.node.iter().map(Pattern::new).collect(),
        cluster: arguments.cluster.clone(),
        subject: arguments.subject.as_ref().map(Pattern::new),
        horizon: arguments.horizon,
    };
    let observed = match &arguments.from {
        Some(file) => {
            let report = waivers::report(file, &rules.iter().map(|rule| rule.id()).collect())?;
            let ids: Vec<String> = rules.iter().map(|rule| rule.id().to_owned()).collect();
            let accepted = accept(&report, &ids, &scope);
            let accepted = accepted
                .map_err(|reason| anyhow!("{} by {}: {reason}", arguments.rule, file.display()))?;
            Some(accepted.values)
        }
        None => values(arguments)?,
    };
    let titles: Vec<&str> = rules.iter().copied().map(Rule::title).collect();
    let draft = Draft {
        rule: arguments.rule.clone(),
        title: titles.join("; "),
        scope,
        observed,
        cause: arguments.cause,
        reason: arguments.reason.clone(),
        owner: arguments.owner.clone(),
        ticket: arguments.ticket.clone(),
        created: Some(today),
        expires: arguments.expires,
    };
    let shown = arguments.file.display();
    let there = if arguments.file.try_exists()? {
        Some(waivers::bytes(
            &arguments.file,
            MAX_FILE as u64,
            "a file of waivers",
        )?)
    } else {
        None
    };
    let name = arguments.file.to_string_lossy();
    let text = add(&name, there.as_deref(), &draft, &catalogue).map_err(|error| {
        if let AddError::Faulty(faults) = &error {
            for fault in faults {
                messages.verbatim(&fault.render(diagnostics));
            }
        }
        anyhow!("{shown}: {error}")
    })?;
    output::rewrite(&arguments.file, text.as_bytes())?;
    messages.progress(&format!(
        "added a waiver of {} to {shown}; it holds until {}",
        arguments.rule, arguments.expires
    ));
    Ok(Exit::Success)
}

/// Returns the values that the command line accepts; nothing where it accepts that something is unknown.
fn values(arguments: &WaiversAdd) -> anyhow::Result<Option<BTreeMap<String, Value>>> {
    if arguments.observed == ["unknown"] {
        return Ok(None);
    }
    if arguments.cause.is_some() {
        bail!("--cause says why something is unknown; it goes with --observed unknown");
    }
    let mut values = BTreeMap::new();
    for text in &arguments.observed {
        let Some((setting, value)) = text.split_once('=').filter(|(name, _)| !name.is_empty())
        else {
            bail!("--observed wants SETTING=VALUE, or unknown by itself, and not {text:?}");
        };
        if values.insert(setting.to_owned(), typed(value)).is_some() {
            bail!("--observed names {setting} twice");
        }
    }
    Ok(Some(values))
}

/// Returns the value that a word is to YAML; digits that YAML would write otherwise, such as a mode, are a text.
fn typed(text: &str) -> Value {
    match Node::parse(text, 0) {
        Ok(node) => {
            let value = node.value();
            match &node.written {
                Some(written) if *written != value.to_string() => Value::string(text),
                _ => value,
            }
        }
        Err(_) => Value::string(text),
    }
}

const fn style(colour: bool) -> RenderStyle {
    if colour {
        RenderStyle::Colour
    } else {
        RenderStyle::Plain
    }
}
