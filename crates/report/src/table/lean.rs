//! A report reduced to what [`Extent::Open`](super::Extent::Open) shows of it, as it comes.
//!
//! A large cluster has a hundred thousand findings of some kilobytes each, of which the table counts most and shows few.

use std::io::Write;

use kubeassay_core::report::{Finding, Fix, Node};

use super::group::{Rank, rank};
use crate::RenderError;
use crate::describe::is_of_cluster;
use crate::stream::{Closing, Header, Render};
use crate::waivers;

/// Passes a report on, without what nobody will see.
pub(crate) struct Lean<R> {
    to: R,
    /// The findings of one rule and subject, as far as they came.
    group: Vec<Finding>,
}

impl<R: Render> Lean<R> {
    pub(crate) const fn new(to: R) -> Self {
        Self {
            to,
            group: Vec::new(),
        }
    }

    /// Passes on the findings of one rule and subject; of those in which nothing is open no more than is counted.
    fn flush(&mut self, out: &mut dyn Write) -> Result<(), RenderError> {
        let mut ranks = self.group.iter().map(rank);
        // What somebody accepted is shown, and what is said of waivers.
        let mut shown = self
            .group
            .iter()
            .map(|finding| finding.waiver.is_some() || is_of_waivers(finding));
        let settled = ranks.all(|rank| rank == Rank::Settled) && !shown.any(|shown| shown);
        for mut finding in self.group.drain(..) {
            if settled {
                settle(&mut finding);
            }
            self.to.finding(&finding, out)?;
        }
        Ok(())
    }
}

impl<R: Render> Render for Lean<R> {
    fn header(&mut self, header: &Header, out: &mut dyn Write) -> Result<(), RenderError> {
        self.to.header(header, out)
    }

    fn node(&mut self, node: &Node, out: &mut dyn Write) -> Result<(), RenderError> {
        self.flush(out)?;
        self.to.node(node, out)
    }

    fn finding(&mut self, finding: &Finding, out: &mut dyn Write) -> Result<(), RenderError> {
        let belongs = self.group.first().is_none_or(|first| {
            (&first.node, &first.rule, &first.subject.key)
                == (&finding.node, &finding.rule, &finding.subject.key)
        });
        if !belongs {
            self.flush(out)?;
        }
        self.group.push(reduced(finding));
        Ok(())
    }

    fn end(&mut self, closing: &Closing, out: &mut dyn Write) -> Result<(), RenderError> {
        self.flush(out)?;
        self.to.end(closing, out)
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

/// Takes away what is not counted.
fn settle(finding: &mut Finding) {
    finding.title = String::new();
    finding.reason = String::new();
    finding.expected = String::new();
    finding.assumes = Vec::new();
    finding.witnesses = Vec::new();
    finding.evidence = Vec::new();
    finding.fix = Fix {
        possible: false,
        why_not: None,
        how: None,
    };
}
