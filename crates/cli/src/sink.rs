//! Where judged nodes go: to every format that was asked for, and into the counts that decide the exit code.

use std::path::Path;

use jiff::Timestamp;
use kubeassay_core::report::{Conclusion, Gate, GateOptions, Problem, Tally};
use kubeassay_core::rule::Rule;
use kubeassay_engine::{JudgedNode, Options};
use kubeassay_report::baseline::Baseline;
use kubeassay_report::stream::{Closing, Header, Scanning};
use kubeassay_report::waivers::Waiving;
use kubeassay_report::{Render, RenderError, renderer_within};

use crate::args::Global;
use crate::evidence::{self, Signer};
use crate::messages::Messages;
use crate::output::Output;
use crate::outputs::{Outputs, Place};

/// Takes one judged node after the other.
pub(crate) struct Sink {
    sending: Vec<Sending>,
    signing: Option<Signing>,
    /// What covers findings before anything else sees them; none for a report that exists, which has its waivers.
    waiving: Option<Waiving>,
    tally: Tally,
    problems: Vec<Problem>,
    baseline: Option<Baseline>,
    nodes: usize,
    unknown_to_baseline: usize,
}

/// What is known when a report begins.
pub(crate) struct Beginning<'a> {
    /// What is said before the first finding.
    pub(crate) header: Header,
    /// What the gate is asked.
    pub(crate) gate: GateOptions,
    /// What could not be read before the first node.
    pub(crate) problems: Vec<Problem>,
    /// The rules whose prose is shown.
    pub(crate) rules: Vec<&'a Rule>,
    /// What an earlier report knew.
    pub(crate) baseline: Option<Baseline>,
    /// What covers findings; none for a report that exists.
    pub(crate) waiving: Option<Waiving>,
    /// The SHA-256 of each signed report that it is rendered from.
    pub(crate) rendered_from: Vec<String>,
}

impl<'a> Beginning<'a> {
    /// Returns what is known when a scan begins.
    pub(crate) fn of_scan(
        options: &Options,
        rules: &[&'a Rule],
        baseline: Option<Baseline>,
        waiving: Waiving,
    ) -> Self {
        let header = Header {
            schema: kubeassay_core::report::SCHEMA.to_owned(),
            tool: options.tool.clone(),
            scanned: Scanning {
                started: options.started,
                source: options.source,
                cluster: options.cluster.clone(),
                joined: Vec::new(),
            },
            rules: options.rules.clone(),
        };
        Self {
            header,
            gate: options.gate,
            problems: options.problems.clone(),
            rules: rules.to_vec(),
            baseline,
            waiving: Some(waiving),
            rendered_from: Vec::new(),
        }
    }
}

struct Sending {
    render: Box<dyn Render>,
    output: Output,
}

/// What is signed at the end.
struct Signing {
    signer: Signer,
    header: Header,
    nodes: usize,
    rendered_from: Vec<String>,
}

impl Sink {
    /// Begins a report; says what makes its baseline less than it seems to be.
    ///
    /// # Errors
    ///
    /// Where an output takes nothing.
    pub(crate) fn begin(
        outputs: Outputs,
        global: &Global,
        beginning: Beginning<'_>,
        messages: Messages,
    ) -> anyhow::Result<Self> {
        let Beginning {
            header,
            gate,
            problems,
            rules,
            baseline,
            waiving,
            rendered_from,
        } = beginning;
        let doubts = baseline
            .iter()
            .flat_map(|baseline| baseline.doubts(&header));
        for doubt in doubts {
            messages.warning(&doubt);
        }
        let prose = outputs.prose(rules);
        let (signer, places) = outputs.open(global);
        let mut sending = Vec::with_capacity(places.len());
        for place in places {
            let Place {
                format,
                style,
                room,
                mut output,
            } = place;
            let mut render = renderer_within(format, style, &prose, room);
            let begun = render.header(&header, &mut output);
            begun.map_err(|error| refused(&output, error))?;
            sending.push(Sending { render, output });
        }
        Ok(Self {
            sending,
            signing: signer.map(|signer| Signing {
                signer,
                header,
                nodes: 0,
                rendered_from,
            }),
            tally: Tally::new(gate),
            problems,
            baseline,
            nodes: 0,
            unknown_to_baseline: 0,
            waiving,
        })
    }

    /// Takes what was found on a node, or on the cluster as a whole.
    ///
    /// # Errors
    ///
    /// Where an output does not take it.
    pub(crate) fn add(&mut self, mut node: JudgedNode) -> anyhow::Result<()> {
        if let Some(waiving) = &mut self.waiving {
            waiving.apply(node.node.as_ref(), &mut node.findings);
        }
        self.send(node)
    }

    fn send(&mut self, mut node: JudgedNode) -> anyhow::Result<()> {
        if let Some(baseline) = &self.baseline {
            for finding in &mut node.findings {
                finding.baseline_state = baseline.state(finding);
            }
            if let Some(node) = &node.node {
                self.nodes += 1;
                self.unknown_to_baseline += usize::from(!baseline.has(node));
            }
        }
        for Sending { render, output } in &mut self.sending {
            let mut written = Ok(());
            if let Some(node) = &node.node {
                written = render.node(node, output);
            }
            for finding in &node.findings {
                written = written.and_then(|()| render.finding(finding, output));
            }
            written.map_err(|error| refused(output, error))?;
        }
        if let (Some(signing), Some(_)) = (&mut self.signing, &node.node) {
            signing.nodes += 1;
        }
        for finding in &node.findings {
            self.tally.count(finding);
        }
        self.problems.extend(node.problems);
        Ok(())
    }

    /// Says which nodes the baseline does not have: all they need is new.
    pub(crate) fn compare_nodes(&self, messages: Messages) {
        let Some(baseline) = self
            .baseline
            .as_ref()
            .filter(|_| self.unknown_to_baseline > 0)
        else {
            return;
        };
        messages.warning(&format!(
            "{} of {} nodes are not in the baseline {}: whatever needs action on them is new",
            self.unknown_to_baseline,
            self.nodes,
            baseline.file()
        ));
    }

    /// Returns whether nobody reads any more what is written.
    pub(crate) fn is_closed(&self) -> bool {
        let mut sending = self.sending.iter();
        sending.all(|sending| sending.output.nobody_reads())
    }

    /// Ends the report, which ended at `finished`, and returns its gate.
    ///
    /// # Errors
    ///
    /// Where an output does not take it; the others are written.
    pub(crate) fn finish(
        mut self,
        conclusion: Conclusion,
        finished: Timestamp,
    ) -> anyhow::Result<Gate> {
        // What is wrong with waivers is known once everything was judged.
        if let Some(waiving) = self.waiving.take() {
            self.send(JudgedNode {
                node: None,
                findings: waiving.findings(),
                problems: Vec::new(),
            })?;
        }
        let ending = self.tally.end(conclusion);
        let closing = Closing {
            finished,
            coverage: ending.coverage,
            problems: self.problems,
            summary: ending.summary,
            gate: ending.gate,
            complete: ending.complete,
        };
        let predicate = self.signing.as_ref().map(|signing| {
            let Signing {
                header,
                nodes,
                rendered_from,
                ..
            } = signing;
            evidence::predicate(header, &closing, *nodes, rendered_from)
        });
        let mut first = Ok(());
        for Sending {
            mut render,
            mut output,
        } in self.sending
        {
            let rendered = render.end(&closing, &mut output);
            let (name, digest) = (output.file().map(Path::to_owned), output.digest());
            let mut written = rendered
                .map_err(|error| refused(&output, error))
                .and_then(|()| output.finish());
            if let (Some(signing), Some(predicate), Some(name), Some(digest)) =
                (&self.signing, &predicate, name, digest)
            {
                let sign = || signing.signer.sign(&name, digest, predicate.clone());
                written = written.and_then(|()| sign());
            }
            first = first.and(written);
        }
        first.map(|()| closing.gate)
    }
}

/// Returns why a report cannot be written, with the place.
fn refused(output: &Output, error: RenderError) -> anyhow::Error {
    match error {
        RenderError::Write { source } => {
            anyhow::Error::new(source).context(format!("cannot write {}", output.name()))
        }
        RenderError::Keep { .. } | RenderError::Serialize { .. } => error.into(),
    }
}
