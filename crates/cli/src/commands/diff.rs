//! `kubeassay diff`: what changed between two reports, or two sets of facts judged by the same rules.

use std::io::{Seek as _, Write as _};
use std::path::Path;

use anyhow::{Context as _, bail};
use kubeassay_core::facts::Source;
use kubeassay_core::report::{FailOn, GateOptions, SCHEMA};
use kubeassay_core::rule::RenderStyle;
use kubeassay_engine::{Judge, Options};
use kubeassay_report::changes;
use kubeassay_report::read::{Limits, ReadErrorKind, ReportFile};
use kubeassay_report::stream::{Closing, Header, Scanning};
use kubeassay_report::{JsonLines, Render as _};

use crate::args::{Diff, Global};
use crate::exit::Exit;
use crate::messages::Messages;
use crate::output::Destination;
use crate::outputs::{Outputs, Place};
use crate::saved::{self, Saved};
use crate::tool::tool;
use crate::{catalogue, hosts, output};

pub(crate) fn run(arguments: &Diff, global: &Global, messages: Messages) -> anyhow::Result<Exit> {
    let outputs = Outputs::new(&arguments.output, None, "kubeassay diff OLD NEW")?;
    if arguments.old == arguments.new {
        bail!("both are {}; name two reports", arguments.old.display());
    }
    let style = if output::layout_of_stderr(global).colour {
        RenderStyle::Colour
    } else {
        RenderStyle::Plain
    };
    let (catalogue, _) = catalogue::load(&arguments.catalogue, style, messages)?;
    let choices = catalogue::site(&arguments.site, global, &catalogue, style, messages)?;
    let rules = catalogue::select(&catalogue, &[])?;
    let options = Options {
        tool: tool(),
        source: Source::Facts,
        cluster: None,
        started: jiff::Timestamp::UNIX_EPOCH,
        kubernetes_version: None,
        gate: GateOptions::new(FailOn::NEVER),
        rules: catalogue::describe(&catalogue, &rules, None),
        problems: Vec::new(),
        benchmark: None,
        choices,
    };
    let judged = |path: &Path| open(path, |path| judge(path, &rules, &options));
    let mut old = judged(&arguments.old)?;
    let mut new = judged(&arguments.new)?;
    let comparison = changes::compare(&mut old, &mut new, tool(), Destination::Stdout.room())?;
    for doubt in &comparison.doubts {
        messages.warning(doubt);
    }
    let prose = outputs.prose(rules.iter().copied());
    let (_, places) = outputs.open(global);
    for place in places {
        let Place {
            format,
            style,
            mut output,
            ..
        } = place;
        let written = changes::write(&comparison, format, style, &prose, &mut output);
        written.with_context(|| format!("cannot write {}", output.name()))?;
        output.finish()?;
    }
    Ok(if arguments.detailed_exitcode && !comparison.is_empty() {
        Exit::Changes
    } else {
        Exit::Success
    })
}

/// Opens a report, or what `judge` makes of facts.
fn open(path: &Path, judge: impl FnOnce(&Path) -> anyhow::Result<Saved>) -> anyhow::Result<Saved> {
    if is_folder(path) {
        return judge(path);
    }
    let (name, file) = saved::file(path)?;
    match ReportFile::open(&name, file, Limits::USUAL) {
        Err(error) if error.kind == ReadErrorKind::Facts && path != Path::new("-") => judge(path),
        opened => Ok(opened?),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "reports and facts are the user's own files, not a host's"
)]
fn is_folder(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|metadata| metadata.is_dir())
}

/// Judges facts into a report that has no name.
fn judge(
    path: &Path,
    rules: &[&kubeassay_core::rule::Rule],
    options: &Options,
) -> anyhow::Result<Saved> {
    let facts = hosts::documents(path)?;
    let starts = facts.iter().map(|facts| facts.started).min();
    let options = Options {
        started: starts.unwrap_or(options.started),
        ..options.clone()
    };
    let shown = path.display().to_string();
    let file = tempfile::tempfile().context("cannot keep what is judged")?;
    let mut out = std::io::BufWriter::new(file);
    let mut lines = JsonLines;
    let header = Header {
        schema: SCHEMA.to_owned(),
        tool: options.tool.clone(),
        scanned: Scanning {
            started: options.started,
            source: options.source,
            cluster: None,
            joined: Vec::new(),
        },
        rules: options.rules.clone(),
    };
    lines.header(&header, &mut out)?;
    let mut judge = Judge::new(rules, &options);
    let mut tally = kubeassay_core::report::Tally::new(options.gate);
    let mut finished = options.started;
    let mut problems = options.problems.clone();
    for facts in &facts {
        finished = finished.max(facts.finished);
        let judged = judge.node(facts);
        if let Some(node) = &judged.node {
            lines.node(node, &mut out)?;
        }
        for finding in &judged.findings {
            tally.count(finding);
            lines.finding(finding, &mut out)?;
        }
        problems.extend(judged.problems);
    }
    let ending = tally.end(judge.finish());
    let closing = Closing {
        finished,
        coverage: ending.coverage,
        problems,
        summary: ending.summary,
        gate: ending.gate,
        complete: ending.complete,
    };
    lines.end(&closing, &mut out)?;
    out.flush()?;
    let mut file = out
        .into_inner()
        .map_err(std::io::IntoInnerError::into_error)?;
    file.rewind()?;
    Ok(ReportFile::open(&shown, file, Limits::USUAL)?)
}
