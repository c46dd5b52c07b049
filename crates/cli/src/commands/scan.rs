//! `kubeassay scan`: facts and rules to a report.

use std::collections::BTreeMap;

use kubeassay_core::facts::{Facts, Source};
use kubeassay_core::report::{FailOn, Problem, Report};
use kubeassay_core::rule::{Diagnostic, RenderStyle};
use kubeassay_core::{Bytes, Cause};
use kubeassay_engine::{Options, judge};
use kubeassay_report::{Format, Style, render};

use crate::args::{FailOnArg, Global, ReportFormat, Scan};
use crate::exit::Exit;
use crate::messages::Messages;
use crate::output::Destination;
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
    let options = Options {
        tool: tool(),
        source,
        started: moment(&facts, |facts| facts.started, Ord::min),
        finished: moment(&facts, |facts| facts.finished, Ord::max),
        kubernetes_version: version,
        include_pods: arguments.include_pods,
        fail_on,
        min_coverage: None,
        rules: catalogue::describe(&catalogue, &rules),
        problems: faults
            .iter()
            .filter(|fault| fault.is_error())
            .map(page_problem)
            .collect(),
        choices: BTreeMap::new(),
    };
    let report = judge(&facts, &rules, &options);
    write(&report, format, layout, &destination)?;
    if destination.is_file() {
        messages.note(&report.gate.reason);
    }
    Ok(Exit::Gate(report.gate.exit_code))
}

/// The first start or last end over all facts.
fn moment(
    facts: &[Facts],
    of: impl Fn(&Facts) -> jiff::Timestamp,
    choose: impl Fn(jiff::Timestamp, jiff::Timestamp) -> jiff::Timestamp,
) -> jiff::Timestamp {
    facts
        .iter()
        .map(of)
        .reduce(choose)
        .unwrap_or(jiff::Timestamp::UNIX_EPOCH)
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

fn write(
    report: &Report,
    format: Format,
    layout: output::Layout,
    destination: &Destination,
) -> anyhow::Result<()> {
    let style = Style {
        width: layout.width,
        colour: layout.colour,
    };
    let mut data = Vec::new();
    render(report, format, style, &mut data)?;
    destination.write(&data)
}
