//! The plan: the edits that a fix would make to one node, and what speaks for and against making them.
//!
//! Schema `kubeassay.plan/v1`; additive within v1. A plan is a request, not an authority: whoever applies it makes it
//! again from fresh facts and does nothing unless every edit is the same.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::bytes::Bytes;
use crate::facts::{Source, Tool};
use crate::origin::Origin;
use crate::rule::SiteChoices;
use crate::verdict::Verdict;

/// The schema of the plan; a newer major is refused.
pub const SCHEMA: &str = "kubeassay.plan/v1";

/// What a fix would do to one node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Plan {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// Who made it.
    pub tool: Tool,
    /// When the facts that it was made from were taken.
    pub taken: Timestamp,
    /// Where they were taken.
    pub source: Source,
    /// The node.
    pub node: PlannedNode,
    /// What was asked for: enough to make the plan again.
    pub request: Request,
    /// What will be mended, in the order of the rules' ids.
    pub fixes: Vec<PlannedFix>,
    /// The files that will change, sorted by path.
    pub edits: Vec<Edit>,
    /// The services that will be started again.
    pub restarts: Vec<Restart>,
    /// What has to hold before anything is written.
    pub preflight: Vec<Preflight>,
    /// What stays as it is, and why.
    pub unfixed: Vec<Unfixed>,
    /// What has to be changed elsewhere too, or the change does not last.
    pub elsewhere: Vec<Elsewhere>,
}

/// The node of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PlannedNode {
    /// The node key: equal in every scan of the same machine.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Request {
    /// The ids of the rules, sorted.
    pub rules: Vec<String>,
    /// `sha256:…` over the texts of all rules.
    pub digest: String,
    /// The version that the user gave, such as `1.34`.
    #[serde(default)]
    pub kubernetes_version: Option<String>,
    /// The ids of the preflight checks that may stay unknown.
    #[serde(default)]
    pub accepted: Vec<String>,
    /// What the site decided of these rules, by their ids and the names of the choices.
    #[serde(default, skip_serializing_if = "SiteChoices::is_empty")]
    pub choices: SiteChoices,
}

/// A failing finding that will be mended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PlannedFix {
    /// The rule's id.
    pub rule: String,
    /// The rule's title.
    pub title: String,
    /// The number that the rule is best known by, such as `4.2.2`.
    pub control: Option<String>,
    /// The subject's key.
    pub subject: String,
    /// The verdict on what runs now.
    pub running: Verdict,
    /// The verdict on what the next start would make of the files as they are.
    pub restart: Verdict,
    /// The verdict on what the next start will make of the files as they are planned, worked out by resolving them.
    pub planned: Verdict,
    /// The settings that change; empty where a restart alone mends it.
    pub settings: Vec<SettingChange>,
}

/// A setting that changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SettingChange {
    /// Its path, such as `authorization.mode`.
    pub setting: String,
    /// What the next start would make of it now, in its natural JSON type; a duration as Go writes it.
    pub from: Value,
    /// Where that stands.
    pub from_origin: Origin,
    /// What it will make of it.
    pub to: Value,
    /// Where that will stand.
    pub to_origin: Origin,
}

/// How a file changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Edit {
    /// The file as the component or its unit names it.
    pub path: Bytes,
    /// The file that is written: `path` with its symbolic links followed.
    pub target: Bytes,
    /// Whether the file is there.
    pub kind: EditKind,
    /// Hexadecimal SHA-256 of the file as it is on the host; null for one that is made.
    pub before: Option<String>,
    /// The lines that change, from the top; for a file that is made one hunk that adds all of them.
    pub hunks: Vec<Hunk>,
}

/// Whether a file is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum EditKind {
    /// It is, and changes.
    Change,
    /// It is not, and is made: mode 0644, owned by root.
    Create,
}

/// Lines that change, with the lines around them. Lines keep their line ends; the last line of a file need have none.
///
/// A line that holds a secret is never among those that change, so that the lines are those of the file itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Hunk {
    /// The line of the file, from 1, at which `old` begins, or before which `new` is put.
    pub line: u32,
    /// Lines before, at most three: to show, and as facts have them.
    pub above: Vec<Bytes>,
    /// The lines that go.
    pub old: Vec<Bytes>,
    /// The lines that come.
    pub new: Vec<Bytes>,
    /// Lines behind, at most three: to show, and as facts have them.
    pub below: Vec<Bytes>,
}

/// A service that will be started again, after systemd has read its unit files again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Restart {
    /// The unit.
    pub unit: Bytes,
    /// The subject's key.
    pub subject: String,
    /// How systemd is asked: `D-Bus`, or the path of `systemctl`; null where it was not looked for.
    #[serde(default)]
    pub by: Option<String>,
}

/// How a preflight check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Readiness {
    /// It holds.
    Pass,
    /// It does not: nothing is written.
    Fail,
    /// It could not be told: nothing is written unless the user accepts that.
    Unknown,
}

impl Readiness {
    /// Returns the word as it is written in documents.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Unknown => "unknown",
        }
    }
}

/// Something that has to hold before anything is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Preflight {
    /// Its name, as `--accept` takes it.
    pub id: String,
    /// How it came out.
    pub readiness: Readiness,
    /// Why, in a sentence; where it does not hold, with what to do about it.
    pub reason: String,
    /// Whether the user accepts that it is unknown.
    #[serde(default)]
    pub accepted: bool,
}

impl Preflight {
    /// Returns whether it keeps anything from being written.
    pub const fn blocks(&self) -> bool {
        match self.readiness {
            Readiness::Pass => false,
            Readiness::Fail => true,
            Readiness::Unknown => !self.accepted,
        }
    }
}

/// A failing or unknown finding that the plan leaves as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Unfixed {
    /// The rule's id.
    pub rule: String,
    /// The rule's title.
    pub title: String,
    /// The number that the rule is best known by.
    pub control: Option<String>,
    /// The subject's key.
    pub subject: String,
    /// The verdict.
    pub verdict: Verdict,
    /// Why, in a sentence.
    pub reason: String,
    /// What to do instead, where there is something to paste.
    pub instead: Option<Paste>,
}

/// What has to be changed elsewhere, or the next upgrade, node or reconciliation undoes the plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Elsewhere {
    /// Who would undo it, such as `kubeadm`.
    pub manager: String,
    /// What it does, in a sentence.
    pub reason: String,
    /// What to change there.
    pub paste: Paste,
}

/// Something ready to paste.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Paste {
    /// Where it belongs, in a sentence.
    pub into: String,
    /// The text, a line or more.
    pub text: String,
}

impl Plan {
    /// Returns whether it would do anything.
    pub const fn has_changes(&self) -> bool {
        !self.edits.is_empty() || !self.restarts.is_empty()
    }

    /// Returns the checks that keep it from being applied.
    pub fn blocked_by(&self) -> impl Iterator<Item = &Preflight> {
        self.preflight.iter().filter(|check| check.blocks())
    }
}
