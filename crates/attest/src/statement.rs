//! What is said of a report.

use jiff::Timestamp;
use kubeassay_core::facts::{Source, Tool};
use kubeassay_core::report::Summary;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use thiserror::Error;

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

    /// Reads a payload.
    ///
    /// # Errors
    ///
    /// Where it is no statement about a report.
    pub fn read(payload: &[u8]) -> Result<Self, StatementError> {
        let head: Head = serde_json::from_slice(payload)?;
        for (found, known) in [(head.kind, STATEMENT), (head.predicate_type, PREDICATE)] {
            if found != known {
                return Err(StatementError::Kind { found, known });
            }
        }
        Ok(serde_json::from_slice(payload)?)
    }

    /// Returns the name that the report with this SHA-256 had, if the statement is about it.
    pub fn name_of(&self, digest: &str) -> Option<&str> {
        let mut subjects = self.subject.iter();
        let subject = subjects.find(|subject| {
            let known = subject.digest.get(SHA256);
            known.is_some_and(|known| known.eq_ignore_ascii_case(digest))
        });
        subject.map(|subject| subject.name.as_str())
    }
}
