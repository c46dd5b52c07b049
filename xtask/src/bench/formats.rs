//! What a format costs on a fleet: time, size and peak of memory, each format in a process of its own.

use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, bail};

use crate::generate::root;

/// The formats that a fleet is written in: `wide`, which keeps a whole report, is for a node.
const FORMATS: [&str; 12] = [
    "table",
    "json",
    "jsonl",
    "yaml",
    "sarif",
    "junit",
    "markdown",
    "csv",
    "html",
    "oscal",
    "ocsf",
    "prometheus",
];

/// Builds the example `fleet` as it would be released, and runs it for every format and size.
pub(super) fn run(sizes: &[usize]) -> Result<ExitCode> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args([
            "build",
            "--quiet",
            "--release",
            "--package",
            "kubeassay-report",
        ])
        .args(["--example", "fleet"])
        .current_dir(root())
        .status()
        .context("cannot run cargo")?;
    if !status.success() {
        bail!("the release build failed");
    }
    let fleet = super::target().join("release/examples/fleet");
    for size in sizes {
        for format in FORMATS {
            let status = Command::new(&fleet)
                .args([format, &size.to_string()])
                .status()
                .with_context(|| format!("cannot run {}", fleet.display()))?;
            if !status.success() {
                bail!("{format} failed");
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}
