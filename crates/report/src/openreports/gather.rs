//! The findings of one object: as many as there is room for, what needs action first; the rest is counted.

use std::collections::BTreeMap;

use kubeassay_core::report::{Finding, Summary};
use kubeassay_core::{Horizon, Severity, Verdict};

use super::document::{Entry, Seconds};
use super::entry;
use crate::describe::{control_label, control_order};
use crate::open::needs_action;

/// Where a finding stands among the others; the last part tells those apart that have the same id.
type Place = (
    u8,
    Severity,
    Verdict,
    Vec<(u64, String)>,
    String,
    String,
    Horizon,
    usize,
);

/// Gathers findings.
#[derive(Debug)]
pub(super) struct Gather {
    /// Bytes of JSON.
    room: usize,
    used: usize,
    kept: BTreeMap<Place, Kept>,
    /// The first that there was no room for: nothing behind it is kept, so that what is kept is the head of the list,
    /// whatever order it came in.
    first_left: Option<Place>,
    /// How many came.
    all: usize,
    /// All that came, by verdict.
    pub(super) summary: Summary,
    /// What was left out, by verdict.
    pub(super) left: Summary,
}

#[derive(Debug)]
struct Kept {
    entry: Entry,
    bytes: usize,
    verdict: Verdict,
    waived: bool,
}

impl Gather {
    /// Returns what has room for so many bytes of JSON.
    pub(super) fn new(room: usize) -> Self {
        Self {
            room,
            used: 0,
            kept: BTreeMap::new(),
            first_left: None,
            all: 0,
            summary: Summary::default(),
            left: Summary::default(),
        }
    }

    /// Returns how many came.
    pub(super) const fn len(&self) -> usize {
        self.all
    }

    /// Returns how many bytes of JSON are kept.
    pub(super) const fn used(&self) -> usize {
        self.used
    }

    /// Takes a finding.
    pub(super) fn add(&mut self, finding: &Finding, time: Seconds) {
        let waived = finding.waiver.is_some();
        count(&mut self.summary, finding.verdict, waived);
        let place = (
            rank(finding),
            finding.severity,
            finding.verdict,
            control_order(&control_label(&finding.controls, &finding.rule)),
            finding.rule.clone(),
            finding.subject.key.clone(),
            finding.horizon,
            self.all,
        );
        self.all += 1;
        if self
            .first_left
            .as_ref()
            .is_some_and(|first| place >= *first)
        {
            count(&mut self.left, finding.verdict, waived);
            return;
        }
        let entry = entry::of(finding, time);
        // With the comma behind it.
        let bytes = serde_json::to_vec(&entry).map_or(usize::MAX, |json| json.len() + 1);
        self.used = self.used.saturating_add(bytes);
        let kept = Kept {
            entry,
            bytes,
            verdict: finding.verdict,
            waived,
        };
        self.kept.insert(place, kept);
        while self.used > self.room
            && let Some((place, kept)) = self.kept.pop_last()
        {
            self.used -= kept.bytes;
            count(&mut self.left, kept.verdict, kept.waived);
            self.first_left = Some(place);
        }
    }

    /// Lets everything go but its count.
    pub(super) fn forget(&mut self) {
        for (place, kept) in std::mem::take(&mut self.kept).into_iter().rev() {
            count(&mut self.left, kept.verdict, kept.waived);
            self.first_left = Some(place);
        }
        self.used = 0;
        self.room = 0;
    }

    /// Returns what is kept, in its order.
    pub(super) fn entries(self) -> impl Iterator<Item = Entry> {
        self.kept.into_values().map(|kept| kept.entry)
    }
}

/// What needs action comes first, then what a person has to decide, what somebody accepted, and the rest.
fn rank(finding: &Finding) -> u8 {
    match finding.verdict {
        _ if needs_action(finding) => 0,
        Verdict::Manual => 1,
        _ if finding.waiver.is_some() => 2,
        Verdict::NotApplicable => 4,
        _ => 3,
    }
}

fn count(summary: &mut Summary, verdict: Verdict, waived: bool) {
    let Summary {
        pass,
        fail,
        unknown,
        manual,
        not_applicable,
        waived: accepted,
    } = summary;
    *match verdict {
        _ if waived => accepted,
        Verdict::Pass => pass,
        Verdict::Fail => fail,
        Verdict::Unknown => unknown,
        Verdict::Manual => manual,
        Verdict::NotApplicable => not_applicable,
    } += 1;
}
