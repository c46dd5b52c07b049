//! The table as the report comes: of what is settled it keeps numbers, of what is open what is on the page.
//!
//! A large cluster has a hundred thousand findings of some kilobytes each, of which the table counts most and shows few.

use std::io::Write;

use kubeassay_core::report::{Finding, Node};

use super::group::{Rank, rank};
use super::settled::Settled;
use super::{Extent, page};
use crate::describe::is_of_cluster;
use crate::stream::{Closing, Header, Parts, Render};
use crate::{RenderError, Style, waivers};

/// Writes the report in the extent [`Extent::Open`].
pub(crate) struct Lean {
    style: Style,
    header: Option<Header>,
    nodes: Vec<Node>,
    findings: Vec<Finding>,
    settled: Settled,
    /// The findings of one rule and subject, as far as they came.
    group: Vec<Finding>,
}

impl Lean {
    pub(crate) fn new(style: Style) -> Self {
        Self {
            style,
            header: None,
            nodes: Vec::new(),
            findings: Vec::new(),
            settled: Settled::default(),
            group: Vec::new(),
        }
    }

    /// Keeps the findings of one rule and subject, or counts them where nothing in them is open.
    fn flush(&mut self) {
        let mut ranks = self.group.iter().map(rank);
        // What somebody accepted is shown, and what is said of waivers.
        let mut shown = self
            .group
            .iter()
            .map(|finding| finding.waiver.is_some() || is_of_waivers(finding));
        if ranks.all(|rank| rank == Rank::Settled) && !shown.any(|shown| shown) {
            for finding in self.group.drain(..) {
                self.settled.add(&finding);
            }
        } else {
            self.findings.append(&mut self.group);
        }
    }
}

impl Render for Lean {
    fn header(&mut self, header: &Header, _: &mut dyn Write) -> Result<(), RenderError> {
        self.header = Some(header.clone());
        Ok(())
    }

    fn node(&mut self, node: &Node, _: &mut dyn Write) -> Result<(), RenderError> {
        self.flush();
        self.nodes.push(node.clone());
        Ok(())
    }

    fn finding(&mut self, finding: &Finding, _: &mut dyn Write) -> Result<(), RenderError> {
        let belongs = self.group.first().is_none_or(|first| {
            (&first.node, &first.rule, &first.subject.key)
                == (&finding.node, &finding.rule, &finding.subject.key)
        });
        if !belongs {
            self.flush();
        }
        self.group.push(reduced(finding));
        Ok(())
    }

    fn end(&mut self, closing: &Closing, out: &mut dyn Write) -> Result<(), RenderError> {
        self.flush();
        let Some(header) = self.header.take() else {
            return Ok(());
        };
        let parts = Parts {
            header,
            nodes: std::mem::take(&mut self.nodes),
            findings: std::mem::take(&mut self.findings),
            closing: closing.clone(),
        };
        let page = page(&parts.whole(), &self.settled, Extent::Open, self.style);
        out.write_all(page.as_bytes())?;
        Ok(())
    }
}

/// Returns a finding without what is not on the page.
fn reduced(finding: &Finding) -> Finding {
    // Objects of the cluster are told by rule, each with its reason alone.
    let of_cluster = is_of_cluster(finding);
    // By name: a field that is added must find its place.
    let Finding {
        id: _,
        rule,
        title,
        severity,
        controls,
        node,
        subject,
        horizon,
        verdict,
        cause,
        reason,
        expected,
        assumes,
        witnesses,
        evidence,
        waiver,
        baseline_state,
        fix,
        remediation,
    } = finding;
    // The page of a rule says what to do; of waivers there is none.
    let remediation = if is_of_waivers(finding) {
        remediation.clone()
    } else {
        String::new()
    };
    let evidence = if of_cluster { &[][..] } else { evidence };
    Finding {
        id: String::new(),
        rule: rule.clone(),
        title: title.clone(),
        severity: *severity,
        // The first is what it is called by.
        controls: controls.first().cloned().into_iter().collect(),
        node: node.clone(),
        subject: subject.clone(),
        horizon: *horizon,
        verdict: *verdict,
        cause: *cause,
        reason: reason.clone(),
        expected: expected.clone(),
        assumes: assumes.clone(),
        witnesses: witnesses.clone(),
        evidence: evidence.to_vec(),
        waiver: waiver.clone(),
        baseline_state: *baseline_state,
        fix: fix.clone(),
        remediation,
    }
}

fn is_of_waivers(finding: &Finding) -> bool {
    finding.subject.component == waivers::COMPONENT
}
