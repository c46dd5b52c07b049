//! `cargo xtask supply-chain`: which crates may use `unsafe` or run code while the binary is built.
//!
//! Both lists are written by hand, with a reason for each crate, and are compared with the sources that cargo has on
//! this machine: a crate that is not listed and one that is listed without need are both errors. Both targets that are
//! built for are looked at, so the lists do not depend on the machine.

mod lexer;
mod list;
mod sources;

use std::collections::BTreeMap;
use std::process::ExitCode;

use anyhow::{Context as _, Result};

use crate::crates::{Follow, Id, Package, Packages, TARGETS, Tree, Workspace, packages};
use crate::generate::root;
use list::List;

/// What a crate has that the lists are about: crate, and how it shows.
type Found = BTreeMap<String, String>;

/// Prints what was found in every crate.
pub(crate) fn show() -> Result<ExitCode> {
    let packages = packages(&Workspace::here(), &TARGETS)?;
    for (title, found) in [
        (
            "unsafe in crates that are linked",
            unsafe_crates(&packages)?,
        ),
        (
            "code that runs while it is built",
            build_time_crates(&packages)?,
        ),
    ] {
        println!("{title}: {}", found.len());
        for (name, how) in found {
            println!("  {name:24} {how}");
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Compares what was found with the lists.
pub(crate) fn check() -> Result<ExitCode> {
    let packages = packages(&Workspace::here(), &TARGETS)?;
    let mut faults = Vec::new();
    for (path, found) in [
        ("supply-chain/unsafe.yaml", unsafe_crates(&packages)?),
        (
            "supply-chain/build-time.yaml",
            build_time_crates(&packages)?,
        ),
    ] {
        let text = std::fs::read_to_string(root().join(path))
            .with_context(|| format!("cannot read {path}"))?;
        let list = List::parse(&text).with_context(|| format!("cannot read {path}"))?;
        faults.extend(list.faults(&found).map(|fault| format!("{path}: {fault}")));
    }
    for fault in &faults {
        eprintln!("{fault}");
    }
    Ok(if faults.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Returns the crates that are linked and whose sources have the keyword `unsafe`.
fn unsafe_crates(packages: &Packages) -> Result<Found> {
    let mut found = Found::new();
    for (id, package) in needed(packages, Follow::Linked)? {
        let files = sources::unsafe_files(package)
            .with_context(|| format!("cannot look at the sources of {id}"))?;
        if !files.is_empty() {
            let words: usize = files.values().sum();
            let files = files.len();
            found.insert(id.name, format!("{words} times, files: {files}"));
        }
    }
    Ok(found)
}

/// Returns the crates that run code of their own while the binary is built.
fn build_time_crates(packages: &Packages) -> Result<Found> {
    let mut found = Found::new();
    for (id, package) in needed(packages, Follow::Compiled)? {
        let how = match (package.build_script(), package.is_macro()) {
            (Some(_), true) => "build script, procedural macro",
            (Some(_), false) => "build script",
            (None, true) => "procedural macro",
            (None, false) => continue,
        };
        found.insert(id.name, how.to_owned());
    }
    Ok(found)
}

/// Returns the crates that are needed for any target.
fn needed(packages: &Packages, follow: Follow) -> Result<BTreeMap<Id, &Package>> {
    let mut needed = BTreeMap::new();
    for target in TARGETS {
        for (id, _) in Tree::ask(&Workspace::here(), target, follow)?.dependencies {
            let package = packages
                .get(&id)
                .with_context(|| format!("cargo metadata does not know {id}"))?;
            needed.insert(id, package);
        }
    }
    Ok(needed)
}
