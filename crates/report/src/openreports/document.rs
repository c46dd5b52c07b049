//! The objects as they are written: `ClusterReport` of openreports.io/v1alpha1, and `ClusterPolicyReport` of
//! wgpolicyk8s.io/v1alpha2, which has the same fields but for its own `source`.

use std::collections::BTreeMap;

use kubeassay_core::Severity;
use kubeassay_core::report::Summary;
use serde::Serialize;

/// Which custom resource an object is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// `ClusterReport` of openreports.io/v1alpha1.
    OpenReports,
    /// `ClusterPolicyReport` of wgpolicyk8s.io/v1alpha2, which came before it.
    PolicyReport,
}

impl Dialect {
    /// Returns group and version.
    pub const fn api_version(self) -> &'static str {
        match self {
            Self::OpenReports => "openreports.io/v1alpha1",
            Self::PolicyReport => "wgpolicyk8s.io/v1alpha2",
        }
    }

    /// Returns the kind.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::OpenReports => "ClusterReport",
            Self::PolicyReport => "ClusterPolicyReport",
        }
    }
}

/// One object.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Object {
    /// Group and version.
    pub api_version: &'static str,
    /// The kind.
    pub kind: &'static str,
    /// Its name, and what was scanned.
    pub metadata: Metadata,
    /// Who writes it; not there in the older kind, where each result says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<&'static str>,
    /// The node.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<Reference>,
    /// How many findings there are of each result, whether they are among the results or not.
    pub summary: Counts,
    /// The findings, those that need action first.
    pub results: Vec<Entry>,
}

/// What every object has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Metadata {
    /// Its name.
    pub name: String,
    /// Labels.
    pub labels: BTreeMap<&'static str, &'static str>,
    /// What was scanned, when, by which rules.
    pub annotations: BTreeMap<String, String>,
}

/// An object that is spoken of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Reference {
    /// Group and version, where they are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_version: Option<&'static str>,
    /// The kind.
    pub kind: String,
    /// The namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The name.
    pub name: String,
    /// Its UID, where the API was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
}

/// What a result says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// A pass.
    Pass,
    /// A fail that nobody accepted.
    Fail,
    /// For a person to decide.
    Warn,
    /// Not decided.
    Error,
    /// Does not apply, or was accepted.
    Skip,
}

/// How many findings there are of each result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Passes.
    pub pass: usize,
    /// Fails.
    pub fail: usize,
    /// Manual.
    pub warn: usize,
    /// Unknown.
    pub error: usize,
    /// Not applicable, or waived.
    pub skip: usize,
}

impl From<Summary> for Counts {
    fn from(summary: Summary) -> Self {
        Self {
            pass: summary.pass,
            fail: summary.fail,
            warn: summary.manual,
            error: summary.unknown,
            skip: summary.not_applicable + summary.waived,
        }
    }
}

/// One result.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Entry {
    /// The rule's id.
    pub policy: String,
    /// The number that it is best known by.
    pub rule: String,
    /// What was found.
    pub result: Outcome,
    /// How much a failure matters; none of what is no finding.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// The component.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// One sentence for a person.
    pub message: String,
    /// Whether it is for the program to decide and nobody accepted it.
    pub scored: bool,
    /// Who says so.
    pub source: &'static str,
    /// When the scan began.
    pub timestamp: Seconds,
    /// The object of the API that it is about.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<Reference>,
    /// What else there is to know.
    pub properties: BTreeMap<&'static str, String>,
}

/// A time as these objects have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Seconds {
    /// Since 1970.
    pub seconds: i64,
    /// Of the second that began.
    pub nanos: i32,
}

impl From<jiff::Timestamp> for Seconds {
    fn from(time: jiff::Timestamp) -> Self {
        let nanos = time.as_nanosecond();
        // Within the years of a timestamp, which are fewer than 64 bits of seconds.
        let seconds = i64::try_from(nanos.div_euclid(1_000_000_000)).unwrap_or_default();
        let nanos = i32::try_from(nanos.rem_euclid(1_000_000_000)).unwrap_or_default();
        Self { seconds, nanos }
    }
}
