//! Reads reports that exist: JSON, JSON lines and YAML, told by their content.
//!
//! A report is a file from elsewhere, and may be of any size: JSON and JSON lines are read piece by piece, so that a
//! report of 650,000 findings needs the memory of its nodes and of one finding. It is gone through twice: once for
//! what is said of it as a whole ([`Survey`]), once for its findings. Everything has a limit ([`Limits`]), and every
//! error names file, line, column and the mend. Fields that this version does not know are passed over, since the
//! schema is additive.

use std::collections::BTreeSet;
use std::fmt;
use std::io::{Read, Seek};

use kubeassay_core::report::{Finding, Node, Report, SCHEMA};

use crate::stream::{Closing, Header, Parts};
use serde::de::DeserializeOwned;

mod json;
mod lines;
mod pieces;
mod yaml;

use pieces::Pieces;

/// What is not read, because no report is so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a YAML report, which is held whole.
    pub yaml: usize,
    /// Bytes of one finding, or of one line.
    pub element: usize,
    /// Bytes of what else a JSON report holds under one key: nodes, problems.
    pub part: usize,
    /// Nodes.
    pub nodes: usize,
    /// Findings.
    pub findings: usize,
}

impl Limits {
    /// Far beyond the reports of the largest clusters.
    pub const USUAL: Self = Self {
        yaml: 64 << 20,
        element: 16 << 20,
        part: 256 << 20,
        nodes: 200_000,
        findings: 50_000_000,
    };
}

/// How a report is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// One JSON document.
    Json,
    /// JSON lines.
    Lines,
    /// One YAML document.
    Yaml,
}

/// What is said of a report as a whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Survey {
    /// What was known when it began.
    pub header: Header,
    /// Its nodes, in its own order.
    pub nodes: Vec<Node>,
    /// What was known when it ended; `None` for JSON lines that were cut off.
    pub closing: Option<Closing>,
}

/// One piece of a report, or what is read of it.
#[derive(Clone, Debug, PartialEq)]
pub enum PieceOf<F> {
    /// A node; its findings follow.
    Node(Box<Node>),
    /// A finding.
    Finding(Box<F>),
}

/// One piece of a report.
pub type Piece = PieceOf<Finding>;

/// What is read of a finding: all of it, or what is compared.
pub(crate) trait Part: DeserializeOwned {
    /// Returns the id of its node.
    fn node(&self) -> Option<&str>;

    /// Returns the same of a finding that is there.
    fn of(finding: &Finding) -> Self;
}

impl Part for Finding {
    fn node(&self) -> Option<&str> {
        self.node.as_deref()
    }

    fn of(finding: &Finding) -> Self {
        finding.clone()
    }
}

/// Why a report could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ReadError {
    /// The file, or what stands for it in messages.
    pub file: String,
    /// Line and column (in bytes), from 1; `None` where the file as a whole is meant.
    pub at: Option<(usize, usize)>,
    /// What is wrong and what mends it.
    pub message: String,
    /// What kind of error it is.
    pub kind: ReadErrorKind,
}

/// What kind of error it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadErrorKind {
    /// It could not be read.
    Io,
    /// It is broken.
    Broken,
    /// It is of another schema.
    Schema,
    /// It holds facts.
    Facts,
    /// It is beyond a limit.
    TooLarge,
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// What a message repeats of the file is cut here.
        const LONGEST: usize = 600;
        f.write_str(&self.file)?;
        if let Some((line, column)) = self.at {
            write!(f, ": line {line}, column {column}")?;
        }
        let message: String = self.message.chars().take(LONGEST).collect();
        write!(f, ": {message}")
    }
}

/// A report that is read from `R`.
#[derive(Debug)]
pub struct ReportFile<R> {
    name: String,
    source: R,
    limits: Limits,
    survey: Survey,
    body: Body,
}

/// Where the findings are.
#[derive(Debug)]
enum Body {
    Json(json::Place),
    Lines,
    Yaml(Vec<Finding>),
}

impl<R: Read + Seek> ReportFile<R> {
    /// Opens a report, and reads what it says of itself as a whole. `name` is what messages call it.
    ///
    /// # Errors
    ///
    /// Where it cannot be read, is no report, or is beyond a limit.
    pub fn open(name: &str, mut source: R, limits: Limits) -> Result<Self, ReadError> {
        let mut pieces = Pieces::new(name, &mut source);
        let (survey, body) = match tell(&mut pieces)? {
            Written::Json => {
                let (survey, place) = json::survey(&mut pieces, limits)?;
                (survey, Body::Json(place))
            }
            Written::Lines => (lines::survey(&mut pieces, limits)?, Body::Lines),
            Written::Yaml => {
                let (survey, findings) = yaml::read(&mut pieces, limits)?;
                (survey, Body::Yaml(findings))
            }
        };
        Ok(Self {
            name: name.to_owned(),
            source,
            limits,
            survey,
            body,
        })
    }

    /// Returns what messages call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns what is said of it as a whole.
    pub const fn survey(&self) -> &Survey {
        &self.survey
    }

    /// Returns how it is written.
    pub const fn written(&self) -> Written {
        match &self.body {
            Body::Json(_) => Written::Json,
            Body::Lines => Written::Lines,
            Body::Yaml(_) => Written::Yaml,
        }
    }

    /// Reads it whole, with those of its findings that `keep` names: of a fleet's report, a few. Its counts stay those of
    /// all of them.
    ///
    /// # Errors
    ///
    /// Where what remains cannot be read, and where it was cut off.
    pub fn whole(&mut self, keep: impl Fn(&Finding) -> bool) -> Result<Report, ReadError> {
        let mut findings = Vec::new();
        self.each(|piece| {
            if let Piece::Finding(finding) = piece
                && keep(&finding)
            {
                findings.push(*finding);
            }
            Ok::<(), ReadError>(())
        })?;
        let Survey {
            header,
            nodes,
            closing,
        } = self.survey.clone();
        let closing = closing.ok_or_else(|| ReadError {
            file: self.name.clone(),
            at: None,
            message: "it was cut off: it has no last line, and what is missing is not known; make it again"
                .to_owned(),
            kind: ReadErrorKind::Broken,
        })?;
        let parts = Parts {
            header,
            nodes,
            findings,
            closing,
        };
        Ok(parts.whole())
    }

    /// Hands on node after node, each followed by its findings, and what belongs to no node; may be called again.
    ///
    /// # Errors
    ///
    /// Those of `take`, and where what remains cannot be read.
    pub fn each<E: From<ReadError>>(
        &mut self,
        take: impl FnMut(Piece) -> Result<(), E>,
    ) -> Result<(), E> {
        self.each_of(take)
    }

    /// As [`each`](Self::each), with no more of a finding than is asked for.
    pub(crate) fn each_of<F: Part, E: From<ReadError>>(
        &mut self,
        mut take: impl FnMut(PieceOf<F>) -> Result<(), E>,
    ) -> Result<(), E> {
        let nodes = &self.survey.nodes;
        match &self.body {
            Body::Json(place) => {
                let mut pieces = Pieces::new(&self.name, &mut self.source);
                let mut order = Order::new(nodes);
                json::findings(&mut pieces, *place, self.limits, |finding, pieces| {
                    order.finding(finding, &mut take, |said| pieces.broken(said).into())
                })?;
                order.rest(&mut take)
            }
            Body::Lines => {
                let mut pieces = Pieces::new(&self.name, &mut self.source);
                pieces.rewind()?;
                let whole = self.survey.closing.is_some();
                lines::each(&mut pieces, self.limits, whole, take)
            }
            Body::Yaml(findings) => {
                let mut order = Order::new(nodes);
                for finding in findings {
                    let error = |said| {
                        E::from(ReadError {
                            file: self.name.clone(),
                            at: None,
                            message: said,
                            kind: ReadErrorKind::Broken,
                        })
                    };
                    order.finding(F::of(finding), &mut take, error)?;
                }
                order.rest(&mut take)
            }
        }
    }
}

/// Tells how a report is written, and stands at its beginning again.
fn tell<R: Read + Seek>(pieces: &mut Pieces<'_, R>) -> Result<Written, ReadError> {
    let start = pieces.start()?;
    let text = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&start);
    let text = text.trim_ascii_start();
    if start.starts_with(b"\x1f\x8b") {
        let said = "it is compressed; unpack it first, such as with gunzip";
        return Err(pieces.of_file(ReadErrorKind::Broken, said));
    }
    if text.is_empty() {
        let said = "it is empty; make a report with kubeassay scan -o json";
        return Err(pieces.of_file(ReadErrorKind::Broken, said));
    }
    let Some(object) = text.strip_prefix(b"{") else {
        return Ok(Written::Yaml);
    };
    // The keys of a line may have been sorted: this one is still first.
    let lines = object.trim_ascii_start().starts_with(b"\"kind\"");
    Ok(if lines { Written::Lines } else { Written::Json })
}

/// Refuses what is no report of this schema.
fn check_schema(schema: Option<&str>) -> Result<(), (ReadErrorKind, String)> {
    match schema {
        Some(SCHEMA) => Ok(()),
        Some(other) if other.starts_with("kubeassay.report/") => Err((
            ReadErrorKind::Schema,
            format!(
                "its schema is {other}, and this kubeassay reads {SCHEMA}; use the version that wrote it, or a newer one"
            ),
        )),
        Some(other) if other.starts_with("kubeassay.facts/") => Err((
            ReadErrorKind::Facts,
            "it holds facts, not a report; judge them first: kubeassay scan --facts FILE -o report.json"
                .to_owned(),
        )),
        Some(other) if other.starts_with("kubeassay.diff/") => Err((
            ReadErrorKind::Schema,
            "it says what changed between two reports, and is not one; give the newer of the two".to_owned(),
        )),
        Some(other) => Err((
            ReadErrorKind::Schema,
            format!("its schema is {other}, not {SCHEMA}; make a report with kubeassay scan -o json"),
        )),
        None => Err((
            ReadErrorKind::Schema,
            format!("it has no schema, so it is no report ({SCHEMA}); make one with kubeassay scan -o json"),
        )),
    }
}

/// Hands on each node of a document before its findings, which stand together there.
struct Order<'a> {
    nodes: &'a [Node],
    /// The nodes that were handed on.
    begun: BTreeSet<&'a str>,
    current: Option<&'a str>,
}

impl<'a> Order<'a> {
    const fn new(nodes: &'a [Node]) -> Self {
        Self {
            nodes,
            begun: BTreeSet::new(),
            current: None,
        }
    }

    fn finding<F: Part, E>(
        &mut self,
        finding: F,
        take: &mut impl FnMut(PieceOf<F>) -> Result<(), E>,
        error: impl FnOnce(String) -> E,
    ) -> Result<(), E> {
        if let Some(id) = finding.node()
            && self.current != Some(id)
        {
            // Several have the same id where a node is in the report twice.
            let mut of_node = self.nodes.iter().filter(|node| node.id == id).peekable();
            if let Some(first) = of_node.peek() {
                if !self.begun.insert(&first.id) {
                    return Err(error(format!(
                        "the findings of node {id} do not stand together; sort them by node, as kubeassay writes them"
                    )));
                }
                self.current = Some(&first.id);
            }
            for node in of_node {
                take(PieceOf::Node(Box::new(node.clone())))?;
            }
        }
        take(PieceOf::Finding(Box::new(finding)))
    }

    /// Hands on the nodes that have no findings.
    fn rest<F, E>(&self, take: &mut impl FnMut(PieceOf<F>) -> Result<(), E>) -> Result<(), E> {
        let left = self
            .nodes
            .iter()
            .filter(|node| !self.begun.contains(node.id.as_str()));
        for node in left {
            take(PieceOf::Node(Box::new(node.clone())))?;
        }
        Ok(())
    }
}
