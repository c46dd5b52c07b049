//! What is kept of findings until the page is written: those of one rule that show the same are one entry.
//!
//! Entries are joined further where there are too many: first by value wherever that stands, then by verdict alone. A fleet
//! so takes the memory of its distinct evidence, and eight bytes for each finding to say where it was found.
//! What changed is gathered in the same way: see [`Unit`].

use std::collections::{BTreeMap, HashMap};

use kubeassay_core::changes::ChangeKind;
use kubeassay_core::report::{Control, Evidence, Finding};
use kubeassay_core::{Severity, Verdict};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::finding::{Drawn, draw};
use super::status::{Status, Tally};
use crate::describe::subject_parts;

/// So many rules have their place; the findings of others are counted.
const MAX_RULES: usize = 3_000;
/// A rule has no more entries, if they are of several nodes.
const MAX_ENTRIES: usize = 60;
/// A rule has no more entries, of however few nodes.
const MAX_ENTRIES_OF_NODE: usize = 500;
/// What is drawn takes no more bytes.
const MAX_BYTES: usize = 10 << 20;
/// So many subjects are called by their name.
const MAX_SUBJECTS: usize = 50_000;

/// The number of what has none.
pub(crate) const NONE: u32 = u32::MAX;

/// How much the findings of an entry have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Common {
    /// All that is shown of them.
    Everything,
    /// Verdict, cause and values.
    Values,
    /// The verdict.
    Verdict,
}

/// Where a finding was found: the number of its node and of its subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) node: u32,
    pub(crate) subject: u32,
}

/// Findings that are shown as one.
#[derive(Debug)]
pub(crate) struct Entry {
    /// The statuses and verdicts at their horizons.
    pub(crate) verdicts: Vec<(Status, Verdict)>,
    /// What each was before, of changes.
    pub(crate) before: Vec<Option<(Status, Verdict)>>,
    pub(crate) common: Common,
    pub(crate) drawn: Drawn,
    /// Whether there was no room to draw it.
    pub(crate) bare: bool,
    pub(crate) in_pod: bool,
    /// How they compare with the baseline: a word, or nothing.
    pub(crate) baseline: &'static str,
    pub(crate) places: Vec<Place>,
    keys: [Key; 3],
}

impl Entry {
    /// Returns the worst that it comes to.
    pub(crate) fn worst(&self) -> Status {
        let worst = self.verdicts.iter().map(|(status, _)| *status).min();
        worst.unwrap_or(Status::NotApplicable)
    }

    fn bytes(&self) -> usize {
        self.drawn.head.len() + self.drawn.body.len() + self.drawn.alone.len()
    }
}

/// A digest of what entries have in common.
pub(crate) type Key = [u8; 32];

/// What is shown together: findings of one rule and subject at their horizons, as they are or as they changed.
pub(crate) trait Unit {
    /// Returns the findings, which are one at least.
    fn findings(&self) -> impl Iterator<Item = &Finding>;

    /// Returns what kind of change they are, if they are changes: each kind has its own list of rules.
    fn kind(&self) -> Option<ChangeKind> {
        None
    }

    /// Returns what each was before, where that is shown; nothing of one that was not there.
    fn before(&self) -> Vec<Option<(Status, Verdict)>> {
        Vec::new()
    }

    fn draw(&self) -> Drawn;

    /// Returns a digest of what those have in common that are shown as one.
    fn key(&self, common: Common) -> Key;
}

impl Unit for [Finding] {
    fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.iter()
    }

    fn draw(&self) -> Drawn {
        draw(self)
    }

    fn key(&self, common: Common) -> Key {
        let mut digest = Sha256::new();
        for finding in self {
            hash_finding(finding, common, &mut digest);
        }
        digest.finalize().into()
    }
}

/// The kind of change, if what is gathered are changes, and the id of a rule.
pub(crate) type Of = (Option<ChangeKind>, String);

/// A rule and its entries.
#[derive(Debug)]
pub(crate) struct OfRule {
    pub(crate) title: String,
    pub(crate) severity: Severity,
    pub(crate) controls: Vec<Control>,
    pub(crate) expected: String,
    pub(crate) remediation: String,
    pub(crate) tally: Tally,
    pub(crate) entries: Vec<Entry>,
    index: HashMap<Key, usize>,
    common: Common,
    /// The first node, and whether there are others.
    node: (u32, bool),
    bytes: usize,
}

/// Gathers findings.
#[derive(Debug, Default)]
pub(crate) struct Gathering {
    pub(crate) rules: BTreeMap<Of, OfRule>,
    pub(crate) subjects: Vec<String>,
    subject_numbers: HashMap<String, u32>,
    bytes: usize,
    /// Nothing is left to join.
    tight: bool,
    /// Findings of more rules than have a place.
    pub(crate) beyond: usize,
}

impl Gathering {
    /// Takes the findings of one rule and subject on the node with this number.
    pub(crate) fn add(&mut self, unit: &(impl Unit + ?Sized), node: u32) {
        let Some(first) = unit.findings().next() else {
            return;
        };
        let of = (unit.kind(), first.rule.clone());
        if !self.rules.contains_key(&of) {
            if self.rules.len() >= MAX_RULES {
                self.beyond += unit.findings().count();
                return;
            }
            self.rules.insert(of.clone(), OfRule::new(first, node));
        }
        let place = Place {
            node,
            subject: self.subject(first),
        };
        let room = MAX_BYTES.saturating_sub(self.bytes);
        let Some(rule) = self.rules.get_mut(&of) else {
            return;
        };
        let before = rule.bytes;
        rule.add(unit, place, room);
        self.bytes = self.bytes + rule.bytes - before;
        if self.bytes > MAX_BYTES / 4 * 3 && !self.tight {
            self.shrink();
        }
    }

    fn subject(&mut self, finding: &Finding) -> u32 {
        let mut parts = subject_parts(&finding.subject, true);
        parts.retain(|part| !part.starts_with("pid "));
        let name = parts.join(", ");
        if let Some(number) = self.subject_numbers.get(&name) {
            return *number;
        }
        if self.subjects.len() >= MAX_SUBJECTS {
            return NONE;
        }
        let number = u32::try_from(self.subjects.len()).unwrap_or(NONE);
        self.subjects.push(name.clone());
        self.subject_numbers.insert(name, number);
        number
    }

    /// Joins the entries of the rule that takes most, as long as that gains something.
    fn shrink(&mut self) {
        let open = self.rules.values_mut();
        let open = open.filter(|rule| rule.common < Common::Verdict && rule.entries.len() > 1);
        let Some(rule) = open.max_by_key(|rule| rule.bytes) else {
            self.tight = true;
            return;
        };
        let before = rule.bytes;
        rule.join();
        self.bytes -= before - rule.bytes;
    }
}

impl OfRule {
    fn new(finding: &Finding, node: u32) -> Self {
        Self {
            title: finding.title.clone(),
            severity: finding.severity,
            controls: finding.controls.clone(),
            expected: finding.expected.clone(),
            remediation: finding.remediation.clone(),
            tally: Tally::default(),
            entries: Vec::new(),
            index: HashMap::new(),
            common: Common::Everything,
            node: (node, false),
            bytes: 0,
        }
    }

    fn add(&mut self, unit: &(impl Unit + ?Sized), place: Place, room: usize) {
        self.node.1 |= place.node != self.node.0;
        for finding in unit.findings() {
            self.tally.add(Status::of(finding), finding.subject.in_pod);
        }
        let key = unit.key(self.common);
        if let Some(entry) = self
            .index
            .get(&key)
            .and_then(|at| self.entries.get_mut(*at))
        {
            entry.places.push(place);
            return;
        }
        let limit = if self.node.1 {
            MAX_ENTRIES
        } else {
            MAX_ENTRIES_OF_NODE
        };
        if self.entries.len() >= limit && self.common < Common::Verdict {
            self.join();
            self.add_again(unit, place, room);
            return;
        }
        let drawn = if room == 0 {
            Drawn::default()
        } else {
            unit.draw()
        };
        let entry = Entry {
            verdicts: unit.findings().map(said).collect(),
            before: unit.before(),
            common: self.common,
            drawn,
            bare: room == 0,
            in_pod: unit.findings().any(|finding| finding.subject.in_pod),
            baseline: unit.findings().find_map(baseline).unwrap_or_default(),
            places: vec![place],
            keys: [Common::Everything, Common::Values, Common::Verdict].map(|common| {
                // It is never joined by more again.
                if common <= self.common {
                    key
                } else {
                    unit.key(common)
                }
            }),
        };
        self.bytes += entry.bytes();
        self.index.insert(key, self.entries.len());
        self.entries.push(entry);
    }

    /// Adds what was counted already.
    fn add_again(&mut self, unit: &(impl Unit + ?Sized), place: Place, room: usize) {
        let tally = self.tally;
        self.add(unit, place, room);
        self.tally = tally;
    }

    /// Joins the entries by less than before.
    fn join(&mut self) {
        self.common = match self.common {
            Common::Everything => Common::Values,
            Common::Values | Common::Verdict => Common::Verdict,
        };
        self.index.clear();
        self.bytes = 0;
        for mut entry in std::mem::take(&mut self.entries) {
            let [everything, values, verdict] = entry.keys;
            let key = match self.common {
                Common::Everything => everything,
                Common::Values => values,
                Common::Verdict => verdict,
            };
            if let Some(one) = self
                .index
                .get(&key)
                .and_then(|at| self.entries.get_mut(*at))
            {
                one.common = self.common;
                one.places.append(&mut entry.places);
            } else {
                self.bytes += entry.bytes();
                self.index.insert(key, self.entries.len());
                self.entries.push(entry);
            }
        }
    }
}

/// Returns how a finding compares with the baseline.
fn baseline(finding: &Finding) -> Option<&'static str> {
    use kubeassay_core::report::BaselineState;
    Some(match finding.baseline_state? {
        BaselineState::New => "new",
        BaselineState::Updated => "changed",
        BaselineState::Unchanged => "known",
    })
}

/// Returns what a finding comes to, and its verdict.
pub(crate) fn said(finding: &Finding) -> (Status, Verdict) {
    (Status::of(finding), finding.verdict)
}

/// Adds what findings have in common that are shown as one.
pub(crate) fn hash_finding(finding: &Finding, common: Common, digest: &mut Sha256) {
    let always = (
        finding.horizon,
        finding.verdict,
        finding.subject.in_pod,
        &finding.baseline_state,
        finding.waiver.is_some(),
    );
    hash(&always, digest);
    if common <= Common::Values {
        hash(&(finding.cause, &finding.waiver), digest);
        // Whatever file or object holds it.
        for Evidence {
            setting,
            response,
            value,
            ..
        } in &finding.evidence
        {
            hash(&(setting, response, value), digest);
        }
    }
    if common == Common::Everything {
        hash(
            &(
                &finding.reason,
                &finding.expected,
                &finding.assumes,
                &finding.fix,
            ),
            digest,
        );
        for one in &finding.witnesses {
            hash(&(one.witness, one.verdict, one.cause, &one.reason), digest);
        }
        for Evidence {
            file,
            object,
            witness,
            origin,
            overrode,
            ..
        } in &finding.evidence
        {
            hash(&(file, object, witness), digest);
            for origin in std::iter::once(origin).chain(overrode.iter().map(|layer| &layer.origin))
            {
                // Without the digest of the file: another line of it may differ.
                let place = (
                    &origin.path,
                    origin.line,
                    origin.column,
                    origin.index,
                    &origin.via,
                );
                hash(
                    &(
                        origin.kind,
                        place,
                        &origin.name,
                        &origin.variable,
                        &origin.version,
                        &origin.url,
                        &origin.text,
                    ),
                    digest,
                );
            }
            for layer in overrode {
                hash(&(&layer.value,), digest);
            }
        }
    }
}

pub(crate) fn hash(value: &impl Serialize, digest: &mut Sha256) {
    struct Into<'a>(&'a mut Sha256);
    impl std::io::Write for Into<'_> {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.update(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let written = serde_json::to_writer(Into(digest), value);
    debug_assert!(written.is_ok(), "what a report holds has a form in JSON");
}
