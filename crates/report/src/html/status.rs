//! What a finding comes to on the page, and how many there are of each.

use kubeassay_core::Verdict;
use kubeassay_core::report::{Finding, Summary};

/// What a finding comes to, what needs a person first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Status {
    Fail,
    Unknown,
    Manual,
    Waived,
    Pass,
    NotApplicable,
}

impl Status {
    pub(crate) const ALL: [Self; 6] = [
        Self::Fail,
        Self::Unknown,
        Self::Manual,
        Self::Waived,
        Self::Pass,
        Self::NotApplicable,
    ];

    pub(crate) const fn of(finding: &Finding) -> Self {
        Self::by(finding.verdict, finding.waiver.is_some())
    }

    /// Returns that of a verdict which somebody accepted, or nobody.
    pub(crate) const fn by(verdict: Verdict, is_accepted: bool) -> Self {
        match verdict {
            _ if is_accepted => Self::Waived,
            Verdict::Fail => Self::Fail,
            Verdict::Unknown => Self::Unknown,
            Verdict::Manual => Self::Manual,
            Verdict::Pass => Self::Pass,
            Verdict::NotApplicable => Self::NotApplicable,
        }
    }

    /// Returns the word as it is in documents; it is a class of the page's style too.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Unknown => "unknown",
            Self::Manual => "manual",
            Self::Waived => "waived",
            Self::Pass => "pass",
            Self::NotApplicable => "not-applicable",
        }
    }

    /// Returns the word as people read it.
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::NotApplicable => "not applicable",
            _ => self.word(),
        }
    }

    /// Returns what heads the rules of which this is the worst.
    pub(crate) const fn heading(self) -> &'static str {
        match self {
            Self::Fail => "Something fails",
            Self::Unknown => "Something is unknown",
            Self::Manual => "A person has to decide",
            Self::Waived => "Accepted deviations",
            Self::Pass => "As they should be",
            Self::NotApplicable => "Not applicable here",
        }
    }

    const fn place(self) -> usize {
        self as usize
    }
}

/// How many there are of each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts([usize; 6]);

impl Counts {
    pub(crate) fn add(&mut self, status: Status, count: usize) {
        if let Some(number) = self.0.get_mut(status.place()) {
            *number += count;
        }
    }

    pub(crate) fn of(&self, status: Status) -> usize {
        self.0.get(status.place()).copied().unwrap_or_default()
    }

    pub(crate) fn total(&self) -> usize {
        self.0.iter().sum()
    }

    pub(crate) fn plus(mut self, other: &Self) -> Self {
        for status in Status::ALL {
            self.add(status, other.of(status));
        }
        self
    }
}

impl From<&Summary> for Counts {
    fn from(summary: &Summary) -> Self {
        let Summary {
            pass,
            fail,
            unknown,
            manual,
            not_applicable,
            waived,
        } = *summary;
        Self([fail, unknown, manual, waived, pass, not_applicable])
    }
}

/// Counts, those of components in workloads apart: only the end tells whether they count.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    counted: Counts,
    in_pods: Counts,
}

impl Tally {
    pub(crate) fn add(&mut self, status: Status, in_pod: bool) {
        let counts = if in_pod {
            &mut self.in_pods
        } else {
            &mut self.counted
        };
        counts.add(status, 1);
    }

    /// Returns what counts.
    pub(crate) fn counts(&self, with_pods: bool) -> Counts {
        if with_pods {
            self.counted.plus(&self.in_pods)
        } else {
            self.counted
        }
    }

    /// Returns how many there are, whether they count or not.
    pub(crate) fn all(&self) -> usize {
        self.counted.total() + self.in_pods.total()
    }
}
