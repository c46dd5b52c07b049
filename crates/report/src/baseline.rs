//! The baseline: an earlier report, of which findings that need action are known by id and values.
//!
//! A finding needs action where it fails, is unknown or is for a person to decide, and nobody accepted it. Of those the
//! baseline keeps two numbers each, so that 650,000 of them take some 20 MiB.

use std::collections::BTreeSet;
use std::io::{Read, Seek};

use kubeassay_core::Verdict;
use kubeassay_core::report::{BaselineState, Cluster, Evidence, Finding, Node};

use crate::read::{PieceOf, ReadError, ReportFile};
use crate::stream::Header;
use crate::trace::{Compared, needs_action, number, values};

/// What an earlier report knew.
#[derive(Clone, Debug)]
pub struct Baseline {
    file: String,
    rules: String,
    cluster: Option<Cluster>,
    whole: bool,
    nodes: BTreeSet<String>,
    /// Id and values, sorted.
    known: Vec<(u128, u64)>,
}

impl Baseline {
    /// Reads what a report knew.
    ///
    /// # Errors
    ///
    /// Where it cannot be read.
    pub fn read<R: Read + Seek>(report: &mut ReportFile<R>) -> Result<Self, ReadError> {
        let mut known = Vec::new();
        report.each_of(|piece: PieceOf<Compared>| {
            if let PieceOf::Finding(finding) = piece
                && finding.needs_action()
            {
                let told = told(finding.verdict, &finding.evidence);
                known.push((number(&finding.id), told));
            }
            Ok::<(), ReadError>(())
        })?;
        known.sort_unstable();
        let survey = report.survey();
        Ok(Self {
            file: report.name().to_owned(),
            rules: survey.header.rules.digest.clone(),
            cluster: survey.header.scanned.cluster.clone(),
            whole: survey.closing.as_ref().is_some_and(|end| end.complete),
            nodes: survey.nodes.iter().map(|node| node.id.clone()).collect(),
            known,
        })
    }

    /// Returns how a finding compares with it; `None` where nothing needs action.
    pub fn state(&self, finding: &Finding) -> Option<BaselineState> {
        if !needs_action(finding.verdict) || finding.waiver.is_some() {
            return None;
        }
        let number = number(&finding.id);
        let from = self.known.partition_point(|(id, _)| *id < number);
        let of_id = self.known.get(from..).unwrap_or_default();
        // Several have one id where a node is in a report twice.
        let mut of_id = of_id.iter().take_while(|(id, _)| *id == number).peekable();
        if of_id.peek().is_none() {
            return Some(BaselineState::New);
        }
        let values = told(finding.verdict, &finding.evidence);
        let same = of_id.any(|(_, known)| *known == values);
        Some(if same {
            BaselineState::Unchanged
        } else {
            BaselineState::Updated
        })
    }

    /// Returns what may make the comparison with a report say less than it seems to, one sentence each.
    pub fn doubts(&self, header: &Header) -> Vec<String> {
        let file = &self.file;
        let mut doubts = Vec::new();
        if self.rules != header.rules.digest {
            doubts.push(format!(
                "the baseline {file} was judged by other rules ({}, now {}): what only they find is new",
                self.rules, header.rules.digest
            ));
        }
        if let (Some(before), Some(now)) = (&self.cluster, &header.scanned.cluster) {
            let other = match (&before.uid, &now.uid) {
                (Some(before), Some(now)) => before != now,
                _ => before.server != now.server,
            };
            if other {
                doubts.push(format!(
                    "the baseline {file} is of another cluster ({}, now {}); take one of this cluster",
                    before.server, now.server
                ));
            }
        }
        if !self.whole {
            doubts.push(format!(
                "the baseline {file} is incomplete: what it did not see is new"
            ));
        }
        doubts
    }

    /// Returns whether the baseline has this node.
    pub fn has(&self, node: &Node) -> bool {
        self.nodes.contains(&node.id)
    }

    /// Returns what messages call it.
    pub fn file(&self) -> &str {
        &self.file
    }
}

/// The values and the verdict in one number: unknown before and failing now is other news.
fn told(verdict: Verdict, evidence: &[Evidence]) -> u64 {
    values(evidence).rotate_left(3) ^ verdict as u64
}
