//! Where a value came from.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::bytes::Bytes;

/// The kind of place a value came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum OriginKind {
    /// Compiled into the component.
    Default,
    /// The main configuration file.
    File,
    /// A drop-in of the configuration directory.
    DropIn,
    /// A command line argument of the process.
    Flag,
    /// A command line argument that a service unit takes from an environment variable.
    Environment,
    /// A command line argument in a service unit.
    Unit,
    /// A command line argument in the manifest of a static pod.
    Manifest,
    /// The component's live configuration.
    Live,
    /// An object of the Kubernetes API.
    Api,
}

/// A position in the same file that a value passed through: an alias or a merge key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Place {
    /// Line, from 1.
    pub line: u32,
    /// Column in code points, from 1.
    pub column: u32,
}

/// The exact place a value came from. Fields that do not apply to the kind are null.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Origin {
    /// The kind of place.
    pub kind: OriginKind,
    /// The file, as the component sees it.
    #[serde(default)]
    pub path: Option<Arc<Bytes>>,
    /// Line in the file, from 1.
    #[serde(default)]
    pub line: Option<u32>,
    /// Column in code points, from 1.
    #[serde(default)]
    pub column: Option<u32>,
    /// Index of the argument in the process's argv; 0 is the program.
    #[serde(default)]
    pub index: Option<u32>,
    /// Name of the flag or API object.
    #[serde(default)]
    pub name: Option<Arc<str>>,
    /// The environment variable that the argument comes from.
    #[serde(default)]
    pub variable: Option<Arc<str>>,
    /// Version whose default it is, such as `1.34`.
    #[serde(default)]
    pub version: Option<Arc<str>>,
    /// Endpoint that was asked.
    #[serde(default)]
    pub url: Option<Arc<str>>,
    /// `sha256:…` of the file's content.
    #[serde(default)]
    pub digest: Option<Arc<str>>,
    /// The line or argument itself, where it holds no secret.
    #[serde(default)]
    pub text: Option<Arc<Bytes>>,
    /// Where an alias or a merge key brought it in, outermost first.
    #[serde(default)]
    pub via: Vec<Place>,
}

impl Origin {
    /// Returns an origin of `kind` that says nothing else.
    pub const fn new(kind: OriginKind) -> Self {
        Self {
            kind,
            path: None,
            line: None,
            column: None,
            index: None,
            name: None,
            variable: None,
            version: None,
            url: None,
            digest: None,
            text: None,
            via: Vec::new(),
        }
    }

    /// Returns the compiled-in default of `version`.
    pub fn default_of(version: impl Into<Arc<str>>) -> Self {
        Self {
            version: Some(version.into()),
            ..Self::new(OriginKind::Default)
        }
    }

    /// Returns the argument at `index` that gave the flag `name`.
    pub fn flag(name: impl Into<Arc<str>>, index: u32) -> Self {
        Self {
            name: Some(name.into()),
            index: Some(index),
            ..Self::new(OriginKind::Flag)
        }
    }

    /// Returns a place in a file; `kind` is [`OriginKind::File`] or [`OriginKind::DropIn`].
    pub fn file(kind: OriginKind, path: Arc<Bytes>, line: u32, column: u32) -> Self {
        Self {
            path: Some(path),
            line: Some(line),
            column: Some(column),
            ..Self::new(kind)
        }
    }
}
