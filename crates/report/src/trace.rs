//! What is kept of a finding to compare it with another scan: a few numbers in place of a page.

use kubeassay_core::report::{Evidence, Finding};
use kubeassay_core::{Origin, Verdict};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::read::Part;

/// What is kept of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Trace {
    /// Its id, as a number.
    pub(crate) id: u128,
    /// A digest of the values that were read; where they stand plays no part.
    pub(crate) values: u64,
    /// A digest of where they stand.
    pub(crate) origins: u64,
    /// What was found.
    pub(crate) verdict: Verdict,
    /// It is accepted.
    pub(crate) waived: bool,
}

impl Trace {
    pub(crate) fn of(finding: &Finding) -> Self {
        let waived = finding.waiver.is_some();
        Self::new(&finding.id, finding.verdict, waived, &finding.evidence)
    }

    fn new(id: &str, verdict: Verdict, waived: bool, evidence: &[Evidence]) -> Self {
        Self {
            id: number(id),
            values: values(evidence),
            origins: digest(evidence.iter().map(origin).collect()),
            verdict,
            waived,
        }
    }

    /// Returns whether somebody has to do something about it.
    pub(crate) fn needs_action(self) -> bool {
        needs_action(self.verdict) && !self.waived
    }
}

/// What is read of a finding that is compared: the rest is passed over.
#[derive(Deserialize)]
pub(crate) struct Compared {
    pub(crate) id: String,
    node: Option<String>,
    pub(crate) verdict: Verdict,
    pub(crate) waiver: Option<IgnoredAny>,
    pub(crate) evidence: Vec<Evidence>,
}

impl Compared {
    pub(crate) fn trace(&self) -> Trace {
        Trace::new(
            &self.id,
            self.verdict,
            self.waiver.is_some(),
            &self.evidence,
        )
    }

    /// Returns whether somebody has to do something about it.
    pub(crate) fn needs_action(&self) -> bool {
        needs_action(self.verdict) && self.waiver.is_none()
    }
}

impl Part for Compared {
    fn node(&self) -> Option<&str> {
        self.node.as_deref()
    }

    fn of(finding: &Finding) -> Self {
        Self {
            id: finding.id.clone(),
            node: finding.node.clone(),
            verdict: finding.verdict,
            waiver: finding.waiver.is_some().then_some(IgnoredAny),
            evidence: finding.evidence.clone(),
        }
    }
}

/// Returns a digest of the values that were read; where they stand plays no part.
pub(crate) fn values(evidence: &[Evidence]) -> u64 {
    digest(evidence.iter().map(value).collect())
}

/// Returns whether somebody has to do something about a finding with this verdict that nobody accepted: mend it, find
/// out, or decide.
pub(crate) const fn needs_action(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Fail | Verdict::Unknown | Verdict::Manual)
}

/// Returns an id as a number: what kubeassay writes is one, in hexadecimal.
pub(crate) fn number(id: &str) -> u128 {
    let is_plain = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if id.len() == 32
        && id.bytes().all(is_plain)
        && let Ok(number) = u128::from_str_radix(id, 16)
    {
        return number;
    }
    let digest = Sha256::digest(id.as_bytes());
    let high = digest.iter().take(16);
    high.fold(0, |number, byte| number << 8 | u128::from(*byte))
}

/// What was read, and which value it had.
fn value(evidence: &Evidence) -> Vec<u8> {
    bytes(&(
        &evidence.setting,
        &evidence.file,
        &evidence.object,
        &evidence.response,
        evidence.witness,
        &evidence.value,
    ))
}

/// What was read, and where it stands. The index of an argument is left out: others may come before it.
fn origin(evidence: &Evidence) -> Vec<u8> {
    bytes(&(
        &evidence.setting,
        &evidence.file,
        &evidence.object,
        &evidence.response,
        evidence.witness,
        place(&evidence.origin),
    ))
}

/// Returns what tells one place from another.
pub(crate) fn place(origin: &Origin) -> impl Serialize + PartialEq + '_ {
    (
        origin.kind,
        &origin.path,
        origin.line,
        &origin.name,
        &origin.variable,
        &origin.version,
    )
}

fn bytes(value: &impl Serialize) -> Vec<u8> {
    // None of these has no form in JSON: a map has texts for keys.
    serde_json::to_vec(value).unwrap_or_default()
}

/// Returns a digest of the parts; the order in which a check reads says nothing.
fn digest(mut parts: Vec<Vec<u8>>) -> u64 {
    parts.sort_unstable();
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
        // No JSON holds this byte.
        hash.update([0xff]);
    }
    let digest = hash.finalize();
    let high = digest.iter().take(8);
    high.fold(0, |number, byte| number << 8 | u64::from(*byte))
}
