//! What cargo knows of each crate: licence, folder, what it is compiled to.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::Deserialize;

use super::{Id, Workspace, output};

/// Every crate of the workspace and of what it depends on.
pub(crate) type Packages = BTreeMap<Id, Package>;

/// A crate.
#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    /// Its name.
    name: String,
    /// Its version.
    version: String,
    /// How cargo names it in its messages.
    pub(crate) id: String,
    /// Its licences, as an SPDX expression or the older form with a slash.
    pub(crate) license: Option<String>,
    /// What it is, in a sentence or more.
    pub(crate) description: Option<String>,
    /// The registry it comes from; none for a member of the workspace.
    pub(crate) source: Option<String>,
    /// Where its manifest lies.
    manifest_path: PathBuf,
    /// What it is compiled to.
    targets: Vec<Target>,
}

/// One thing that a crate is compiled to.
#[derive(Debug, Deserialize)]
struct Target {
    /// `lib`, `bin`, `proc-macro`, `custom-build`, `test` …
    kind: Vec<String>,
    /// Its first file.
    src_path: PathBuf,
}

impl Package {
    /// Returns the folder of the crate.
    pub(crate) fn folder(&self) -> &Path {
        self.manifest_path.parent().unwrap_or(&self.manifest_path)
    }

    /// Tells whether it is a procedural macro.
    pub(crate) fn is_macro(&self) -> bool {
        self.first_file("proc-macro").is_some()
    }

    /// Returns its build script.
    pub(crate) fn build_script(&self) -> Option<&Path> {
        self.first_file("custom-build")
    }

    /// Returns the first file of the target of this kind.
    fn first_file(&self, kind: &str) -> Option<&Path> {
        self.targets
            .iter()
            .find(|target| target.kind.iter().any(|it| it == kind))
            .map(|target| target.src_path.as_path())
    }
}

/// What is read of `cargo metadata`.
#[derive(Deserialize)]
struct Metadata {
    /// Every crate.
    packages: Vec<Package>,
}

/// Asks cargo for the crates that are needed on any of `targets`; downloads those that are not here.
pub(crate) fn packages(workspace: &Workspace, targets: &[&str]) -> Result<Packages> {
    let mut command = workspace.cargo();
    command.args(["metadata", "--locked", "--format-version", "1"]);
    for target in targets {
        command.args(["--filter-platform", target]);
    }
    let text = output(&mut command)?;
    let metadata: Metadata = serde_json::from_str(&text).context("cannot read cargo metadata")?;
    Ok(metadata
        .packages
        .into_iter()
        .map(|package| {
            let id = Id {
                name: package.name.clone(),
                version: package.version.clone(),
            };
            (id, package)
        })
        .collect())
}
