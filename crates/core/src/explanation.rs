//! How a component comes to the value of one setting: every layer, lowest first, and which one won.

use serde::Serialize;

use crate::origin::Origin;
use crate::report::Subject;
use crate::value::Value;

/// One setting of one subject, explained.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explanation {
    /// The setting, such as `kubelet.authorization.mode`.
    pub setting: String,
    /// Whose it is.
    pub subject: Subject,
    /// The versions that the subject may be and for which this holds.
    pub versions: Vec<String>,
    /// The layers, lowest first.
    pub layers: Vec<Layer>,
    /// The effective value; null where it is unset or not known.
    pub effective: Option<Value>,
    /// What follows from it, in one line.
    pub verdict_line: Option<String>,
    /// Anything else a person should know.
    pub notes: Vec<String>,
}

/// One layer, and what it says of the setting.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Layer {
    /// What it is: `defaults of 1.34`, `--config`, `drop-in`, `command line`.
    pub name: String,
    /// What became of it.
    pub state: LayerState,
    /// What it says.
    pub value: Option<Value>,
    /// Where it says so.
    pub origin: Option<Origin>,
    /// Anything a person should know of it.
    pub note: Option<String>,
}

/// What became of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LayerState {
    /// Its value is the effective one.
    Won,
    /// A later layer overrode its value.
    Overridden,
    /// It says nothing of the setting.
    Silent,
    /// It could not be read, or not as the process read it.
    Unread,
    /// It is not used.
    Absent,
}

impl LayerState {
    /// Returns the state's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Won => "won",
            Self::Overridden => "overridden",
            Self::Silent => "silent",
            Self::Unread => "unread",
            Self::Absent => "absent",
        }
    }
}
