//! The crates that the binary is made of, as cargo resolves them for one target.
//!
//! `cargo tree` is asked, not the graph in `cargo metadata`: that one joins the features that any member of the
//! workspace asks for, and names crates that this very chore uses but the binary does not have.

mod lock;
mod metadata;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};

use crate::generate::root;
pub(crate) use lock::checksums;
pub(crate) use metadata::{Package, Packages, packages};

/// The package whose binary is shipped.
pub(crate) const BINARY: &str = "kubeassay";

/// The targets that a binary may be made for.
pub(crate) const TARGETS: [&str; 2] = ["aarch64-unknown-linux-gnu", "x86_64-unknown-linux-gnu"];

/// A copy of the workspace, and the cargo home that its dependencies are unpacked in.
pub(crate) struct Workspace {
    /// Where the copy lies.
    pub(crate) folder: PathBuf,
    /// The cargo home; the user's where none is given.
    pub(crate) cargo_home: Option<PathBuf>,
}

impl Workspace {
    /// Returns the workspace that this program was built from.
    pub(crate) fn here() -> Self {
        Self {
            folder: root().to_owned(),
            cargo_home: None,
        }
    }

    /// Returns cargo, the one that runs this, in the workspace.
    pub(crate) fn cargo(&self) -> Command {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
        let mut command = Command::new(cargo);
        command.current_dir(&self.folder);
        if let Some(home) = &self.cargo_home {
            command.env("CARGO_HOME", home);
        }
        command
    }
}

/// What tells one crate from another: there is one source of crates only (`deny.toml`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Id {
    /// Its name.
    pub(crate) name: String,
    /// Its version.
    pub(crate) version: String,
}

impl fmt::Display for Id {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}@{}", self.name, self.version)
    }
}

/// The dependencies that are followed.
#[derive(Clone, Copy)]
pub(crate) enum Follow {
    /// What is linked into the binary: no procedural macros, no build scripts' dependencies.
    Linked,
    /// What has to be compiled for it: procedural macros and build scripts' dependencies too.
    Compiled,
}

/// A crate and everything it depends on.
#[derive(Debug)]
pub(crate) struct Tree {
    /// The crate that was asked for.
    pub(crate) root: Id,
    /// Every crate, the root among them, with those that it depends on directly.
    pub(crate) dependencies: BTreeMap<Id, BTreeSet<Id>>,
}

impl Tree {
    /// Asks cargo for the crates of the binary.
    pub(crate) fn ask(workspace: &Workspace, target: &str, follow: Follow) -> Result<Self> {
        let edges = match follow {
            Follow::Linked => "normal,no-proc-macro",
            Follow::Compiled => "normal,build",
        };
        let text = output(workspace.cargo().args([
            "tree",
            "--locked",
            "--package",
            BINARY,
            "--target",
            target,
            "--edges",
            edges,
            "--prefix",
            "depth",
            "--format",
            " {p}",
        ]))?;
        Self::parse(&text)
    }

    /// Reads what `cargo tree --prefix depth --format ' {p}'` prints.
    fn parse(text: &str) -> Result<Self> {
        let mut dependencies: BTreeMap<Id, BTreeSet<Id>> = BTreeMap::new();
        let mut above: Vec<Id> = Vec::new();
        // A heading such as `[build-dependencies]` says what follows, not that something is there.
        for line in text
            .lines()
            .filter(|line| !line.trim().is_empty() && !line.starts_with('['))
        {
            let mut words = line.split_whitespace();
            let (Some(depth), Some(name), Some(version)) =
                (words.next(), words.next(), words.next())
            else {
                bail!("cannot read this line of cargo tree: {line}");
            };
            let depth: usize = depth
                .parse()
                .with_context(|| format!("this line of cargo tree has no depth: {line}"))?;
            let id = Id {
                name: name.to_owned(),
                version: version.strip_prefix('v').unwrap_or(version).to_owned(),
            };
            ensure!(
                depth <= above.len(),
                "a level is missing in cargo tree before: {line}"
            );
            above.truncate(depth);
            if let Some(parent) = above.last() {
                dependencies
                    .entry(parent.clone())
                    .or_default()
                    .insert(id.clone());
            }
            dependencies.entry(id.clone()).or_default();
            above.push(id);
        }
        let root = above
            .into_iter()
            .next()
            .context("cargo tree printed nothing")?;
        Ok(Self { root, dependencies })
    }
}

/// Runs a command and returns what it printed; what it says on standard error is passed on.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let done = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot run {name}"))?;
    ensure!(done.status.success(), "{name} failed: {}", done.status);
    String::from_utf8(done.stdout)
        .with_context(|| format!("{name} printed something other than text"))
}

#[cfg(test)]
mod tests {
    use super::Tree;

    #[test]
    fn tree_keeps_every_edge_of_a_crate_that_is_shown_twice() {
        let tree = Tree::parse(
            "0 kubeassay v0.1.0 (/w/crates/cli)\n\
             1 anstream v1.0.0\n\
             2 utf8parse v0.2.2\n\
             1 serde v1.0.229\n\
             [build-dependencies]\n\
             2 utf8parse v0.2.2 (*)\n\
             1 heck v0.5.0 (proc-macro)\n",
        )
        .unwrap();
        assert_eq!(tree.root.to_string(), "kubeassay@0.1.0");
        let edges: Vec<String> = tree
            .dependencies
            .iter()
            .flat_map(|(from, to)| to.iter().map(move |to| format!("{from} {to}")))
            .collect();
        assert_eq!(
            edges,
            [
                "anstream@1.0.0 utf8parse@0.2.2",
                "kubeassay@0.1.0 anstream@1.0.0",
                "kubeassay@0.1.0 heck@0.5.0",
                "kubeassay@0.1.0 serde@1.0.229",
                "serde@1.0.229 utf8parse@0.2.2",
            ]
        );
        assert_eq!(tree.dependencies.len(), 5);
    }

    #[test]
    fn tree_that_cannot_be_read_is_an_error() {
        for text in ["", "kubeassay v0.1.0", "0 kubeassay", "0 a v1\n2 b v1"] {
            assert!(Tree::parse(text).is_err(), "{text}");
        }
    }
}
