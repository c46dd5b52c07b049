//! What is said of a report.

use std::collections::BTreeMap;

use jiff::Timestamp;
use kubeassay_core::facts::{Source, Tool};
use kubeassay_core::report::Summary;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

use crate::canonical;

/// The type of in-toto's statements.
const STATEMENT: &str = "https://in-toto.io/Statement/v1";

/// The type of what we say. A name, not an address; a change that readers could misunderstand gets another number.
pub const PREDICATE: &str = "urn:kubeassay:attestation:report:v1";

/// The digest that we give.
const SHA256: &str = "sha256";

/// An in-toto Statement v1 about one report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Statement {
    #[serde(rename = "_type")]
    kind: String,
    subject: Vec<Subject>,
    predicate_type: String,
    /// What is said of it.
    pub predicate: Predicate,
}

/// A file, by its bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Subject {
    name: String,
    digest: BTreeMap<String, String>,
}

/// What is said of a report, in the report's own words: enough to tell what was scanned by what, without opening it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Predicate {
    /// Who made the report.
    pub tool: Tool,
    /// `sha256:…` over the texts of all rules.
    pub rule_digest: String,
    /// How many rules were judged.
    pub rules: usize,
    /// The benchmark they were chosen by.
    pub benchmark: Option<String>,
    /// Where the facts came from.
    pub source: Source,
    /// When the scan began.
    pub started: Timestamp,
    /// When it ended.
    pub finished: Timestamp,
    /// How many nodes there are in it, also those that were not reached.
    pub nodes: usize,
    /// How many findings there are of each verdict.
    pub verdicts: Summary,
    /// Whether everything that was to be scanned was.
    pub complete: bool,
    /// The exit code of its gate.
    pub exit_code: u8,
    /// `sha256:…` of the signed reports that it was rendered from, in their order; none for what a scan wrote.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rendered_from: Vec<String>,
}

/// Why a payload, whose signature holds, says nothing of a report.
#[derive(Debug, Error)]
pub enum StatementError {
    /// It is no statement.
    #[error("what was signed is no in-toto statement about a kubeassay report: {0}")]
    Json(#[from] serde_json::Error),
    /// It is another version's, or about something else.
    #[error("what was signed is {found:?}; this kubeassay knows {known:?}")]
    Kind {
        /// The type it has.
        found: String,
        /// The type that is known.
        known: &'static str,
    },
    /// It is not in the one form that we write, in which nothing can be said twice or be hidden.
    #[error(
        "what was signed is not in canonical JSON, so that others may read another thing in it"
    )]
    Form,
    /// Not one report is meant by it, and by its SHA-256 alone.
    #[error("what was signed is not about one report by its SHA-256")]
    Subject,
    /// It is about what is evidence of no machine.
    #[error("what was signed says that its source is {0}, which is never signed by kubeassay")]
    Source(&'static str),
}

/// The first thing looked at, so that another kind of statement is told from a broken one.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    #[serde(rename = "_type")]
    kind: String,
    predicate_type: String,
}

impl Statement {
    /// States `predicate` of the report called `name`, whose bytes have the SHA-256 `digest` in hexadecimal digits.
    pub fn new(name: String, digest: String, predicate: Predicate) -> Self {
        Self {
            kind: STATEMENT.to_owned(),
            subject: vec![Subject {
                name,
                digest: BTreeMap::from([(SHA256.to_owned(), digest)]),
            }],
            predicate_type: PREDICATE.to_owned(),
            predicate,
        }
    }

    /// Reads a payload. What could be read in two ways is read in none.
    ///
    /// # Errors
    ///
    /// Where it is no statement about one report.
    pub fn read(payload: &[u8]) -> Result<Self, StatementError> {
        let head: Head = serde_json::from_slice(payload)?;
        for (found, known) in [(head.kind, STATEMENT), (head.predicate_type, PREDICATE)] {
            if found != known {
                return Err(StatementError::Kind { found, known });
            }
        }
        // A key that stands there twice is gone in the value, and with it the bytes are others.
        let value: Value = serde_json::from_slice(payload)?;
        let written = canonical::to_string(&value).map_err(|_| StatementError::Form)?;
        if written.as_bytes() != payload {
            return Err(StatementError::Form);
        }
        let statement: Self = serde_json::from_value(value)?;
        if statement.only().is_none() {
            return Err(StatementError::Subject);
        }
        match statement.predicate.source {
            Source::Captured => Err(StatementError::Source("a captured host")),
            Source::Demo => Err(StatementError::Source("the demonstration")),
            _ => Ok(statement),
        }
    }

    /// Returns the one report that is meant: its name, and its SHA-256 in lower-case hexadecimal digits.
    fn only(&self) -> Option<(&str, &str)> {
        let [Subject { name, digest }] = self.subject.as_slice() else {
            return None;
        };
        let known = digest.get(SHA256).filter(|_| digest.len() == 1)?;
        let digits = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        let whole = known.len() == 64 && known.as_bytes().iter().all(digits);
        whole.then_some((name, known))
    }

    /// Returns the name that the report with this SHA-256 (lower-case hexadecimal digits) had, if the statement is about it.
    pub fn name_of(&self, digest: &str) -> Option<&str> {
        let (name, known) = self.only()?;
        (known == digest).then_some(name)
    }
}
