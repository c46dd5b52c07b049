//! Findings that wait for their place in a document: a document has them sorted, and they come as nodes answer.
//!
//! Each waits as the text that will stand in the document: in memory as long as they are few, then in a file. What is
//! sorted already, such as the findings of a node, is one run; the runs are merged at the end. So what is held grows
//! with nodes, and not with findings.

mod texts;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::{self, BufReader, Read as _, Seek as _, SeekFrom};

use kubeassay_core::Horizon;
use kubeassay_core::report::Finding;

use crate::RenderError;
pub use texts::{Room, Scratch};
pub(crate) use texts::{Texts, kept};

/// How much is read at once, in bytes.
const CHUNK: usize = 64 << 10;

/// Takes findings in any order and gives them back sorted by node, rule, subject and horizon; equal ones as they came.
pub(crate) struct Spool {
    texts: Texts,
    runs: Vec<Run>,
    last: Place,
}

/// Records of one node that stand sorted behind one another.
struct Run {
    node: Option<String>,
    at: u64,
    count: usize,
}

/// What a finding is sorted by among those of its node.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    rule: Vec<u8>,
    subject: Vec<u8>,
    horizon: u8,
}

impl Place {
    fn of(finding: &Finding) -> Self {
        Self {
            rule: finding.rule.as_bytes().to_vec(),
            subject: finding.subject.key.as_bytes().to_vec(),
            horizon: match finding.horizon {
                Horizon::Running => 0,
                Horizon::Restart => 1,
                Horizon::Rebuild => 2,
            },
        }
    }
}

impl Spool {
    pub(crate) const fn new(room: Room) -> Self {
        Self {
            texts: Texts::new(room),
            runs: Vec::new(),
            last: Place {
                rule: Vec::new(),
                subject: Vec::new(),
                horizon: 0,
            },
        }
    }

    /// Takes a finding, which will stand in the document as `text`.
    pub(crate) fn push(&mut self, finding: &Finding, text: &[u8]) -> Result<(), RenderError> {
        let place = Place::of(finding);
        let at = self.texts.length();
        let parts = [place.rule.as_slice(), &place.subject, text];
        for part in parts {
            self.texts.push(&(part.len() as u64).to_le_bytes())?;
        }
        self.texts.push(&[place.horizon])?;
        for part in parts {
            self.texts.push(part)?;
        }
        match self.runs.last_mut() {
            Some(run) if run.node == finding.node && self.last <= place => run.count += 1,
            _ => self.runs.push(Run {
                node: finding.node.clone(),
                at,
                count: 1,
            }),
        }
        self.last = place;
        Ok(())
    }

    /// Hands on the texts, sorted.
    pub(crate) fn each(
        self,
        mut take: impl FnMut(&[u8]) -> Result<(), RenderError>,
    ) -> Result<(), RenderError> {
        let mut records = Records {
            source: BufReader::with_capacity(CHUNK, self.texts.into_scratch()?),
            at: None,
        };
        let mut runs = self.runs;
        // Of equal ones what came first stays first.
        runs.sort_by(|one, other| one.node.cmp(&other.node));
        let mut text = Vec::new();
        for of_node in runs.chunk_by(|one, other| one.node == other.node) {
            let mut heads = BinaryHeap::new();
            for (index, run) in of_node.iter().enumerate() {
                let head = records.head(run.at).map_err(kept)?;
                heads.push(Reverse((head, index, run.count)));
            }
            while let Some(Reverse((head, index, left))) = heads.pop() {
                let next = records.text(&head, &mut text).map_err(kept)?;
                take(&text)?;
                if left > 1 {
                    let head = records.head(next).map_err(kept)?;
                    heads.push(Reverse((head, index, left - 1)));
                }
            }
        }
        Ok(())
    }
}

/// What stands before the text of a finding.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Head {
    place: Place,
    /// Where the text begins.
    at: u64,
    length: u64,
}

struct Records {
    source: BufReader<Box<dyn Scratch>>,
    /// Where it stands, if that is known.
    at: Option<u64>,
}

impl Records {
    fn go_to(&mut self, at: u64) -> io::Result<()> {
        let from = self.at.replace(at);
        let step = from.and_then(|from| at.checked_signed_diff(from));
        match step {
            Some(0) => Ok(()),
            // Keeps what was read ahead, if that is where it goes.
            Some(step) => self.source.seek_relative(step),
            None => self.source.seek(SeekFrom::Start(at)).map(|_| ()),
        }
    }

    fn read(&mut self, length: u64, into: &mut Vec<u8>) -> io::Result<()> {
        into.clear();
        let read = self.source.by_ref().take(length).read_to_end(into)? as u64;
        self.at = self.at.map(|at| at + read);
        if read < length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }

    fn number(&mut self) -> io::Result<u64> {
        let mut bytes = [0; 8];
        self.source.read_exact(&mut bytes)?;
        self.at = self.at.map(|at| at + 8);
        Ok(u64::from_le_bytes(bytes))
    }

    /// Returns what stands before a text.
    fn head(&mut self, at: u64) -> io::Result<Head> {
        self.go_to(at)?;
        let [rule, subject, length] = [self.number()?, self.number()?, self.number()?];
        let mut place = Place::default();
        let mut horizon = Vec::new();
        self.read(1, &mut horizon)?;
        place.horizon = horizon.first().copied().unwrap_or_default();
        self.read(rule, &mut place.rule)?;
        self.read(subject, &mut place.subject)?;
        Ok(Head {
            place,
            at: self.at.unwrap_or_default(),
            length,
        })
    }

    /// Reads a text, and returns where the next record begins.
    fn text(&mut self, head: &Head, into: &mut Vec<u8>) -> io::Result<u64> {
        self.go_to(head.at)?;
        self.read(head.length, into)?;
        Ok(head.at + head.length)
    }
}
