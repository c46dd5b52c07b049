//! `kubeassay scan`: facts and rules to a report.

use kubeassay_core::facts::{ClusterFacts, Source};
use kubeassay_core::report::{Cluster, FailOn, GateOptions, Problem};
use kubeassay_core::rule::{Catalogue, Diagnostic, RenderStyle};
use kubeassay_core::{Bytes, Cause};
use kubeassay_engine::{Judge, Options};
use kubeassay_report::waivers::Waiving;

use crate::args::{Global, Scan};
use crate::asking::now;
use crate::exit::Exit;
use crate::messages::Messages;
use crate::nodes::Nodes;
use crate::outputs::Outputs;
use crate::progress::Progress;
use crate::sink::{Beginning, Sink};
use crate::tool::tool;
use crate::{catalogue, evidence, hosts, output, saved, waivers};

pub(crate) fn run(arguments: &Scan, global: &Global, messages: Messages) -> anyhow::Result<Exit> {
    let version = hosts::version(arguments.subject.kubernetes_version.as_deref())?;
    let outputs = Outputs::new(
        &arguments.output,
        arguments.sign.sign.as_deref(),
        "kubeassay scan",
    )?;
    if outputs.are_signed() {
        evidence::may_be_signed(hosts::source_of(&arguments.subject)?)?;
    }
    let style = if output::layout_of_stderr(global).colour {
        RenderStyle::Colour
    } else {
        RenderStyle::Plain
    };
    let (catalogue, faults) = catalogue::load(&arguments.catalogue, style, messages)?;
    // It is needed until the end; taking it apart then would be work for nobody.
    let catalogue: &Catalogue = Box::leak(Box::new(catalogue));
    let rules = catalogue::select(catalogue, &arguments.rules)?;
    let benchmark = arguments.benchmark.as_ref();
    let rules = catalogue::of_benchmark(rules, benchmark)?;
    let rules = if arguments.cluster.nodes_only {
        catalogue::of_nodes(rules)?
    } else {
        rules
    };
    let choices = catalogue::site(&arguments.site, global, catalogue, style, messages)?;
    let accepted = waivers::read(&arguments.waivers.waivers, catalogue, style, messages)?;
    // Without such a rule nobody has to grant what reading them takes.
    let objects = rules
        .iter()
        .any(|rule| kubeassay_engine::is_about_objects(rule));
    let baseline = saved::baseline(&arguments.baseline)?;
    let mut nodes = Nodes::open(arguments, objects, global, messages)?;
    let source = nodes.source;
    if let (true, Some(recorded)) = (outputs.are_signed(), nodes.recorded) {
        evidence::may_be_signed(recorded)?;
    }
    let usual = match source {
        // A demonstration fails nobody's pipeline.
        Source::Demo => FailOn::NEVER,
        _ => FailOn::UNKNOWN,
    };
    let options = Options {
        tool: tool(),
        source,
        cluster: nodes.cluster.as_ref().map(cluster),
        started: nodes.started,
        kubernetes_version: version,
        gate: GateOptions {
            fail_on: arguments.gate.fail_on.unwrap_or(usual),
            min_coverage: arguments.gate.min_coverage,
            max_unknown: arguments.gate.max_unknown,
            only_new: arguments.baseline.fail_on_new,
            include_pods: arguments.include_pods,
        },
        rules: catalogue::describe(catalogue, &rules, benchmark),
        problems: faults
            .iter()
            .filter(|fault| fault.is_error())
            .map(page_problem)
            .collect(),
        benchmark: benchmark.cloned(),
        choices,
    };
    let told = outputs.tell_people();
    let waiving = Waiving::new(accepted, options.started, options.cluster.clone());
    let beginning = Beginning::of_scan(&options, &rules, baseline, waiving);
    let mut sink = Sink::begin(outputs, global, beginning, messages)?;
    let mut judge = Judge::new(&rules, &options);
    let mut finished = options.started;
    let mut progress = Progress::new(global);
    let expected = nodes.expected;
    if let Some(facts) = &nodes.cluster {
        let mut added = Ok(());
        judge.cluster(facts, &mut |judged| {
            if added.is_ok() {
                added = sink.add(judged);
            }
        });
        added?;
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
    sink.compare_nodes(messages);
    let gate = sink.finish(judge.finish(), finished)?;
    if !told {
        messages.progress(&format!("exit {}: {}", gate.exit_code, gate.reason));
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
