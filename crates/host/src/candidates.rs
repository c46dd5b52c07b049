//! Which of many processes that look like a component are read.
//!
//! Anybody can start ten thousand processes named kubelet. Each that is read costs an open directory, files
//! and time, so that they are bounded, and a tenant's cannot take the place of the node's own.

use kubeassay_core::Cause;
use kubeassay_core::facts::Problem;

use crate::processes::{Candidate, Standing};

/// How many of a standing are read of each component. A node has one kubelet, a machine full of virtual nodes dozens.
const fn most(standing: Standing) -> usize {
    match standing {
        Standing::Own | Standing::Apart => 64,
        Standing::Tenant => 16,
    }
}

/// Processes that may be a component, as many as will be read.
#[derive(Default)]
pub(crate) struct Candidates {
    kept: Vec<Candidate>,
    left_out: Vec<(Standing, usize)>,
}

impl Candidates {
    /// Keeps one, unless there are enough of its standing.
    pub(crate) fn add(&mut self, candidate: Candidate) {
        let standing = candidate.standing;
        let component = candidate.component;
        let alike = |kept: &&Candidate| kept.standing == standing && kept.component == component;
        let alike = self.kept.iter().filter(alike);
        if alike.count() < most(standing) {
            self.kept.push(candidate);
            return;
        }
        match self.left_out.iter_mut().find(|(of, _)| *of == standing) {
            Some((_, count)) => *count += 1,
            None => self.left_out.push((standing, 1)),
        }
    }

    /// Returns whether one that may be the node's own will not be read. A tenant's may be as many as they like.
    pub(crate) fn are_incomplete(&self) -> bool {
        let mut left_out = self.left_out.iter();
        left_out.any(|(standing, _)| *standing != Standing::Tenant)
    }

    /// Returns what there is to say of those that will not be read.
    pub(crate) fn problem(&self) -> Option<Problem> {
        let left_out: usize = self.left_out.iter().map(|(_, count)| count).sum();
        (left_out > 0).then(|| Problem {
            cause: Cause::TooLarge,
            path: Some("/proc".into()),
            reason: format!(
                "{} processes look like a component; {} of them were read, those first that are likeliest the node's own",
                self.kept.len() + left_out,
                self.kept.len()
            ),
        })
    }

    /// Returns those that will be read, the node's own first.
    pub(crate) fn in_order(mut self) -> impl Iterator<Item = Candidate> {
        self.kept.sort_by_key(|candidate| candidate.standing);
        self.kept.into_iter()
    }
}
