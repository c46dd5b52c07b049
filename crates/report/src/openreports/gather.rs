//! The findings of one object: as many as there is room for, what needs action first; the rest is counted.

use std::collections::BTreeMap;

use kubeassay_core::report::Finding;
use kubeassay_core::{Horizon, Severity, Verdict};

use super::document::Entry;
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

/// Gathers findings; they are counted by `K`.
#[derive(Debug)]
pub(crate) struct Gather<K> {
    /// Bytes of JSON.
    room: usize,
    used: usize,
    kept: BTreeMap<Place, Kept<K>>,
    /// The first that there was no room for: nothing behind it is kept, so that what is kept is the head of the list,
    /// whatever order it came in.
    first_left: Option<Place>,
    /// How many came.
    all: usize,
    /// All that came.
    pub(crate) came: BTreeMap<K, usize>,
    /// What was left out.
    pub(crate) left: BTreeMap<K, usize>,
}

#[derive(Debug)]
struct Kept<K> {
    entry: Entry,
    bytes: usize,
    kind: K,
}

impl<K: Copy + Ord> Gather<K> {
    /// Returns what has room for so many bytes of JSON.
    pub(crate) fn new(room: usize) -> Self {
        Self {
            room,
            used: 0,
            kept: BTreeMap::new(),
            first_left: None,
            all: 0,
            came: BTreeMap::new(),
            left: BTreeMap::new(),
        }
    }

    /// Returns how many came.
    pub(crate) const fn len(&self) -> usize {
        self.all
    }

    /// Returns how many bytes of JSON are kept.
    pub(crate) const fn used(&self) -> usize {
        self.used
    }

    /// Takes a finding that is counted as `kind`; those of a lower rank come first. `entry` makes what is kept of it.
    pub(crate) fn add(
        &mut self,
        kind: K,
        rank: u8,
        finding: &Finding,
        entry: impl FnOnce() -> Entry,
    ) {
        *self.came.entry(kind).or_default() += 1;
        let place = (
            rank,
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
            *self.left.entry(kind).or_default() += 1;
            return;
        }
        let entry = entry();
        // With the comma behind it.
        let bytes = serde_json::to_vec(&entry).map_or(usize::MAX, |json| json.len() + 1);
        self.used = self.used.saturating_add(bytes);
        let kept = Kept { entry, bytes, kind };
        self.kept.insert(place, kept);
        while self.used > self.room
            && let Some((place, kept)) = self.kept.pop_last()
        {
            self.used -= kept.bytes;
            *self.left.entry(kept.kind).or_default() += 1;
            self.first_left = Some(place);
        }
    }

    /// Lets everything go but its count.
    pub(crate) fn forget(&mut self) {
        for (place, kept) in std::mem::take(&mut self.kept).into_iter().rev() {
            *self.left.entry(kept.kind).or_default() += 1;
            self.first_left = Some(place);
        }
        self.used = 0;
        self.room = 0;
    }

    /// Returns what is kept, in its order.
    pub(crate) fn entries(self) -> impl Iterator<Item = Entry> {
        self.kept.into_values().map(|kept| kept.entry)
    }
}

/// What needs action comes first, then what a person has to decide, what somebody accepted, and the rest.
pub(crate) fn rank(finding: &Finding) -> u8 {
    match finding.verdict {
        _ if needs_action(finding) => 0,
        Verdict::Manual => 1,
        _ if finding.waiver.is_some() => 2,
        Verdict::NotApplicable => 4,
        _ => 3,
    }
}
