//! `kubeassay scan`: facts and rules to a report.

use kubeassay_core::facts::{ClusterFacts, Source};
use kubeassay_core::report::{Cluster, FailOn, Problem};
use kubeassay_core::rule::{Diagnostic, RenderStyle};
use kubeassay_core::{Bytes, Cause};
use kubeassay_engine::{Judge, Options};
use kubeassay_report::{Format, Style};

use crate::args::{FailOnArg, Global, ReportFormat, Scan};
use crate::asking::now;
use crate::exit::Exit;
use crate::messages::Messages;
use crate::nodes::Nodes;
use crate::output::Destination;
use crate::progress::Progress;
use crate::sink::Sink;
use crate::tool::tool;
use crate::{catalogue, hosts, output};

pub(crate) fn run(arguments: &Scan, global: &Global, messages: Messages) -> anyhow::Result<Exit> {
    let version = hosts::version(arguments.subject.kubernetes_version.as_deref())?;
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
    let benchmark = arguments.benchmark.as_ref();
    let rules = catalogue::of_benchmark(rules, benchmark)?;
    let rules = if arguments.cluster.nodes_only {
        catalogue::of_nodes(rules)?
    } else {
        rules
    };
    let choices = catalogue::site(&arguments.site, &catalogue, style, messages)?;
    // Without such a rule nobody has to grant what reading them takes.
    let objects = rules
        .iter()
        .any(|rule| kubeassay_engine::is_about_objects(rule));
    let mut nodes = Nodes::open(arguments, objects, global, messages)?;
    let source = nodes.source;
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
        cluster: nodes.cluster.as_ref().map(cluster),
        started: nodes.started,
        kubernetes_version: version,
        include_pods: arguments.include_pods,
        fail_on,
        min_coverage: arguments.min_coverage,
        rules: catalogue::describe(&catalogue, &rules, benchmark),
        problems: faults
            .iter()
            .filter(|fault| fault.is_error())
            .map(page_problem)
            .collect(),
        benchmark: benchmark.cloned(),
        choices,
    };
    let to_file = destination.is_file();
    let style = Style {
        width: layout.width,
        colour: layout.colour,
    };
    let mut sink = Sink::begin(format, style, destination, &options)?;
    let mut judge = Judge::new(&rules, &options);
    let mut finished = options.started;
    let mut progress = Progress::new(global);
    let expected = nodes.expected;
    if let Some(facts) = &nodes.cluster {
        sink.add(judge.cluster(facts))?;
    }
    while !sink.is_closed()
        && let Some(facts) = nodes.next()
    {
        let judged = match facts {
            Ok(facts) => {
                finished = finished.max(facts.finished);
                judge.node(&facts)
            }
            Err(problem) => judge.broke_off(&problem),
        };
        if let (Source::Cluster, Some(node)) = (source, &judged.node) {
            progress.count(node, expected, now());
        }
        sink.add(judged)?;
    }
    drop(progress);
    let gate = sink.finish(judge.finish(), &options, finished)?;
    if to_file {
        messages.note(&gate.reason);
    }
    Ok(Exit::Gate(gate.exit_code))
}

/// Returns what a report says of the cluster as a whole.
fn cluster(facts: &ClusterFacts) -> Cluster {
    Cluster {
        uid: facts.uid.clone(),
        server: facts.server.clone(),
        version: facts.version.clone(),
    }
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
