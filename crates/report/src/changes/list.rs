//! The changes in their order, outside of memory: of two reports of a fleet everything may have changed.
//!
//! Findings wait as text; in memory stands what is counted and sorted by. Who goes through the list has one change at a
//! time.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::rc::Rc;

use kubeassay_core::changes::ChangeKind;
use kubeassay_core::report::{Finding, Node};
use kubeassay_core::{Horizon, Severity, Verdict};

use super::Changed;
use crate::RenderError;
use crate::spool::{Room, Scratch, Texts, kept};
use crate::trace::{needs_action, number};

/// The changes, those that need action first.
pub struct ChangeList {
    outlines: Vec<Outline>,
    texts: RefCell<Box<dyn Scratch>>,
}

/// What is known of a change before its findings are read.
#[derive(Clone, Debug)]
pub struct Outline {
    /// What kind of change it is.
    pub kind: ChangeKind,
    /// How much a failure matters.
    pub severity: Severity,
    /// The id of its node.
    pub node: Option<Rc<str>>,
    /// It is about a component in a workload.
    pub in_pod: bool,
    /// The verdict as it was before, and whether that was accepted; `None` where it was not there.
    pub was: Option<(Verdict, bool)>,
    /// The same as it is now; `None` where it is not there any more.
    pub now: Option<(Verdict, bool)>,
    /// The number that the finding's id is.
    pub(super) id: u128,
    finding: Span,
    before: Option<Span>,
}

impl Outline {
    /// Returns whether somebody has to do something about it as it is now.
    pub fn is_open(&self) -> bool {
        self.now
            .is_some_and(|(verdict, is_accepted)| needs_action(verdict) && !is_accepted)
    }
}

/// Where a text stands.
#[derive(Clone, Copy, Debug)]
struct Span {
    at: u64,
    length: usize,
}

impl ChangeList {
    /// Returns how many there are.
    pub const fn len(&self) -> usize {
        self.outlines.len()
    }

    /// Returns whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.outlines.is_empty()
    }

    /// Returns what is known of each without reading it.
    pub fn outlines(&self) -> &[Outline] {
        &self.outlines
    }

    /// Reads one after the other.
    ///
    /// # Errors
    ///
    /// Where the file that keeps them does not give one back.
    pub fn iter(&self) -> impl Iterator<Item = Result<Changed, RenderError>> {
        self.outlines.iter().map(|outline| self.read(outline))
    }

    /// Reads the change of an outline.
    pub(super) fn read(&self, outline: &Outline) -> Result<Changed, RenderError> {
        let before = outline.before.map(|span| self.finding(span));
        Ok(Changed {
            kind: outline.kind,
            finding: self.finding(outline.finding)?,
            before: before.transpose()?,
        })
    }

    fn finding(&self, span: Span) -> Result<Box<Finding>, RenderError> {
        let mut texts = self.texts.borrow_mut();
        texts.seek(SeekFrom::Start(span.at)).map_err(kept)?;
        let mut text = vec![0; span.length];
        texts.read_exact(&mut text).map_err(kept)?;
        Ok(serde_json::from_slice(&text)?)
    }
}

impl fmt::Debug for ChangeList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.outlines).finish()
    }
}

/// Takes changes in any order.
pub(super) struct Gather {
    texts: Texts,
    taken: Vec<(Outline, Place)>,
    /// Every word that changes are sorted by, once.
    words: BTreeSet<Rc<str>>,
}

fn said(finding: &Finding) -> (Verdict, bool) {
    (finding.verdict, finding.waiver.is_some())
}

/// What a change is sorted by behind its kind and severity; its node's name stands before the node.
struct Place {
    rule: Rc<str>,
    subject: Rc<str>,
    horizon: Horizon,
}

impl Gather {
    /// Returns one that has none; the findings wait in `room`.
    pub(super) const fn new(room: Room) -> Self {
        Self {
            texts: Texts::new(room),
            taken: Vec::new(),
            words: BTreeSet::new(),
        }
    }

    /// Returns how many there are.
    pub(super) const fn len(&self) -> usize {
        self.taken.len()
    }

    /// Takes a change with the finding as it is now, or as it was where it is no longer seen.
    pub(super) fn add(&mut self, kind: ChangeKind, finding: &Finding) -> Result<(), RenderError> {
        let is_there = kind != ChangeKind::NoLongerSeen;
        let outline = Outline {
            kind,
            severity: finding.severity,
            node: finding.node.as_deref().map(|id| self.word(id)),
            in_pod: finding.subject.in_pod,
            was: (!is_there).then(|| said(finding)),
            now: is_there.then(|| said(finding)),
            id: number(&finding.id),
            finding: self.keep(finding)?,
            before: None,
        };
        let place = Place {
            rule: self.word(&finding.rule),
            subject: self.word(&finding.subject.key),
            horizon: finding.horizon,
        };
        self.taken.push((outline, place));
        Ok(())
    }

    /// Takes the finding as it was before, of the change that came as this one.
    pub(super) fn add_before(
        &mut self,
        index: usize,
        finding: &Finding,
    ) -> Result<(), RenderError> {
        let span = self.keep(finding)?;
        if let Some((outline, _)) = self.taken.get_mut(index) {
            outline.before = Some(span);
            outline.was = Some(said(finding));
        }
        Ok(())
    }

    fn keep(&mut self, finding: &Finding) -> Result<Span, RenderError> {
        let text = serde_json::to_vec(finding)?;
        let at = self.texts.length();
        self.texts.push(&text)?;
        Ok(Span {
            at,
            length: text.len(),
        })
    }

    fn word(&mut self, text: &str) -> Rc<str> {
        if let Some(known) = self.words.get(text) {
            return Rc::clone(known);
        }
        let word = Rc::from(text);
        self.words.insert(Rc::clone(&word));
        word
    }

    /// Returns what was taken.
    pub(super) fn outlines(&self) -> impl Iterator<Item = &Outline> {
        self.taken.iter().map(|(outline, _)| outline)
    }

    /// Returns them in order. `nodes` are those that they are on, by their ids.
    pub(super) fn sorted(
        mut self,
        nodes: &BTreeMap<String, Node>,
    ) -> Result<ChangeList, RenderError> {
        let names: BTreeMap<&str, Rc<str>> = nodes
            .iter()
            .map(|(id, node)| (id.as_str(), Rc::from(node.name.as_str())))
            .collect();
        self.taken.sort_by_cached_key(|(outline, place)| {
            let id = outline.node.as_ref();
            let name = id.map(|id| Rc::clone(names.get(&**id).unwrap_or(id)));
            (
                (outline.kind, outline.severity),
                Rc::clone(&place.rule),
                (name, id.cloned()),
                Rc::clone(&place.subject),
                place.horizon,
            )
        });
        let taken = self.taken.into_iter();
        Ok(ChangeList {
            outlines: taken.map(|(outline, _)| outline).collect(),
            texts: RefCell::new(self.texts.into_scratch()?),
        })
    }
}
