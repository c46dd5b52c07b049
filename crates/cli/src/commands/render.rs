//! `kubeassay render`: reports that exist, as one report in other formats.

use kubeassay_core::report::{FailOn, GateOptions, Source};
use kubeassay_core::rule::RenderStyle;
use kubeassay_engine::JudgedNode;
use kubeassay_report::join::Join;
use kubeassay_report::read::{Piece, Survey};

use crate::args::{Global, Render};
use crate::exit::Exit;
use crate::messages::Messages;
use crate::outputs::Outputs;
use crate::saved::{self, Saved};
use crate::sink::{Beginning, Sink};
use crate::tool::tool;
use crate::{catalogue, evidence, output};

pub(crate) fn run(arguments: &Render, global: &Global, messages: Messages) -> anyhow::Result<Exit> {
    let outputs = Outputs::new(
        &arguments.output,
        arguments.sign.sign.as_deref(),
        "kubeassay render REPORT",
    )?;
    let style = if output::layout_of_stderr(global).colour {
        RenderStyle::Colour
    } else {
        RenderStyle::Plain
    };
    // The report has the verdicts; the pages of the rules have the prose that some formats show.
    let (catalogue, _) = catalogue::load(&arguments.catalogue, style, messages)?;
    let mut reports = Vec::new();
    let mut rendered_from = Vec::new();
    for path in &arguments.reports {
        reports.push(match outputs.signer() {
            None => saved::open(path)?,
            Some(signer) => {
                let (copy, digest) = signer.own(path)?;
                rendered_from.push(digest);
                saved::of(&path.display().to_string(), copy)?
            }
        });
    }
    let surveys: Vec<(&str, &Survey)> = reports
        .iter()
        .map(|report| (report.name(), report.survey()))
        .collect();
    let mut join = Join::new(&surveys, &tool()).map_err(anyhow::Error::msg)?;
    for warning in &join.warnings {
        messages.warning(warning);
    }
    if outputs.are_signed() {
        evidence::may_be_signed(join.header.scanned.source)?;
    }
    let baseline = saved::baseline(&arguments.baseline)?;
    let gate = gate(arguments, &join);
    let beginning = Beginning {
        header: join.header.clone(),
        gate,
        problems: join.problems.clone(),
        rules: catalogue.rules().collect(),
        baseline,
        waiving: None,
        rendered_from,
    };
    let told = outputs.tell_people();
    let mut sink = Sink::begin(outputs, global, beginning, messages)?;
    for (index, report) in reports.iter_mut().enumerate() {
        if sink.is_closed() {
            break;
        }
        send(index, report, &mut join, &mut sink)?;
    }
    sink.compare_nodes(messages);
    let gate = sink.finish(join.conclude(), join.finished)?;
    if !told {
        messages.progress(&format!("exit {}: {}", gate.exit_code, gate.reason));
    }
    Ok(Exit::Gate(gate.exit_code))
}

/// Returns what the gate is asked: what the reports' own were, and what the command line says.
fn gate(arguments: &Render, join: &Join) -> GateOptions {
    let usual = match join.header.scanned.source {
        Source::Demo => FailOn::NEVER,
        _ => FailOn::UNKNOWN,
    };
    let own = join.gate.unwrap_or(GateOptions::new(usual));
    let asked = &arguments.gate;
    GateOptions {
        fail_on: asked.fail_on.unwrap_or(own.fail_on),
        min_coverage: asked.min_coverage.or(own.min_coverage),
        max_unknown: asked.max_unknown.or(own.max_unknown),
        only_new: own.only_new || arguments.baseline.fail_on_new,
        include_pods: own.include_pods || arguments.include_pods,
    }
}

/// Sends what a report says of its nodes, one after the other.
fn send(index: usize, report: &mut Saved, join: &mut Join, sink: &mut Sink) -> anyhow::Result<()> {
    let mut node = JudgedNode {
        node: None,
        findings: Vec::new(),
        problems: Vec::new(),
    };
    report.each(|piece| {
        match piece {
            Piece::Node(next) => {
                flush(&mut node, sink)?;
                if join.takes_node(index, &next) {
                    join.count(&next);
                    node.node = Some(*next);
                }
            }
            Piece::Finding(finding) => {
                if finding.node.is_none() {
                    flush(&mut node, sink)?;
                }
                node.findings.extend(join.finding(index, *finding));
                if node.node.is_none() {
                    flush(&mut node, sink)?;
                }
            }
        }
        Ok::<(), anyhow::Error>(())
    })?;
    flush(&mut node, sink)
}

/// Sends what was gathered, if anything was.
fn flush(node: &mut JudgedNode, sink: &mut Sink) -> anyhow::Result<()> {
    if node.node.is_none() && node.findings.is_empty() {
        return Ok(());
    }
    sink.add(JudgedNode {
        node: node.node.take(),
        findings: std::mem::take(&mut node.findings),
        problems: Vec::new(),
    })
}
