//! `kubeassay scan`: facts and rules to a report.

use std::collections::BTreeMap;

use jiff::Timestamp;
use kubeassay_core::facts::Source;
use kubeassay_core::report::{FailOn, Problem};
use kubeassay_core::rule::{Diagnostic, RenderStyle};
use kubeassay_core::{Bytes, Cause};
use kubeassay_engine::{Judge, Options};
use kubeassay_report::{Format, Style};

use crate::args::{FailOnArg, Global, ReportFormat, Scan};
use crate::exit::Exit;
use crate::messages::Messages;
use crate::output::Destination;
use crate::sink::Sink;
use crate::tool::tool;
use crate::{catalogue, hosts, output};

pub(crate) fn run(arguments: &Scan, global: &Global, messages: Messages) -> anyhow::Result<Exit> {
    let version = hosts::version(&arguments.subject)?;
    let format = format(arguments.output);
    let command = format!("kubeassay scan -o {}", format.as_str());
    let destination = Destination::new(arguments.output_file.as_deref(), &command)?;
    let layout = output::layout(global, destination.is_file());
    let style = if layout.colour {
        RenderStyle::Colour
    } else {
        RenderStyle::Plain
    };
    let (catalogue, faults) = catalogue::load(&arguments.catalogue, style, messages)?;
    let rules = catalogue::select(&catalogue, &arguments.rules)?;
    let (facts, source) = hosts::facts(&arguments.subject, messages)?;
    let fail_on = match arguments.fail_on {
        Some(FailOnArg::Fail) => FailOn::Fail,
        Some(FailOnArg::Never) => FailOn::Never,
        // A demonstration fails nobody's pipeline.
        None if source == Source::Demo => FailOn::Never,
        Some(FailOnArg::Unknown) | None => FailOn::Unknown,
    };
    let starts = facts.iter().map(|facts| facts.started);
    let options = Options {
        tool: tool(),
        source,
        cluster: None,
        started: starts.min().unwrap_or(Timestamp::UNIX_EPOCH),
        kubernetes_version: version,
        include_pods: arguments.include_pods,
        fail_on,
        min_coverage: arguments.min_coverage,
        rules: catalogue::describe(&catalogue, &rules),
        problems: faults
            .iter()
            .filter(|fault| fault.is_error())
            .map(page_problem)
            .collect(),
        choices: BTreeMap::new(),
    };
    let to_file = destination.is_file();
    let style = Style {
        width: layout.width,
        colour: layout.colour,
    };
    let mut sink = Sink::begin(format, style, destination, &options)?;
    let mut judge = Judge::new(&rules, &options);
    let mut finished = options.started;
    for facts in facts {
        finished = finished.max(facts.finished);
        sink.add(judge.node(&facts))?;
        if sink.is_closed() {
            break;
        }
    }
    let gate = sink.finish(judge.finish(), &options, finished)?;
    if to_file {
        messages.note(&gate.reason);
    }
    Ok(Exit::Gate(gate.exit_code))
}

fn page_problem(fault: &Diagnostic) -> Problem {
    Problem {
        node: None,
        subject: None,
        cause: Cause::ParseError,
        path: Some(Bytes::from(fault.file.as_str())),
        reason: format!(
            "the rule page was left out: line {}, column {}: {}",
            fault.line, fault.column, fault.message
        ),
        affects: Vec::new(),
    }
}

const fn format(format: ReportFormat) -> Format {
    match format {
        ReportFormat::Table => Format::Table,
        ReportFormat::Wide => Format::Wide,
        ReportFormat::Json => Format::Json,
        ReportFormat::Jsonl => Format::Jsonl,
        ReportFormat::Yaml => Format::Yaml,
    }
}
