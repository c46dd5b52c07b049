//! A guide that knows as much of a kubelet as these tests need.

#![allow(dead_code, reason = "not every test file needs everything")]

use std::time::Duration;

use kubeassay_core::Bytes;
use kubeassay_core::facts::{Facts, FileFacts, Need, NeedKind, ProcessFacts, ServiceFacts, Tool};
use kubeassay_host::{Guide, Host, Options, collect};

/// Reads what `--config`, `--config-dir` and `--kubeconfig` name, and the `.conf` files of the directory.
pub(crate) struct Flags;

impl Guide for Flags {
    fn needs(&self, process: &ProcessFacts) -> Vec<Need> {
        let mut needs = Vec::new();
        for (index, argument) in process.argv.iter().enumerate() {
            let Some(text) = argument.as_str() else {
                continue;
            };
            let (name, value) = match text.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (
                    text,
                    process.argv.get(index + 1).map(Bytes::to_string_lossy),
                ),
            };
            let what = match name {
                "--config" => NeedKind::Content,
                "--config-dir" => NeedKind::Listing,
                "--kubeconfig" => NeedKind::Presence,
                _ => continue,
            };
            needs.push(need(what, &value.unwrap_or_default()));
        }
        for file in &process.files {
            for entry in file.entries.iter().flatten() {
                let name = entry.name.to_string_lossy();
                if name.strip_suffix(".conf").is_some() {
                    let folder = file.need.path.to_string_lossy();
                    needs.push(need(NeedKind::Content, &format!("{folder}/{name}")));
                }
            }
        }
        needs
    }

    fn needs_of_service(&self, _: &ServiceFacts) -> Vec<Need> {
        Vec::new()
    }

    fn redact_arguments(&self, argv: Vec<Bytes>) -> Vec<Bytes> {
        let redact = |argument: Bytes| match argument.as_str() {
            Some(text) if text.contains("secret") => "***".into(),
            _ => argument,
        };
        argv.into_iter().map(redact).collect()
    }

    fn redact_content(&self, content: Vec<u8>) -> Vec<u8> {
        if content.windows(6).any(|window| window == b"secret") {
            return b"***".to_vec();
        }
        content
    }

    fn redact_service(&self, _: &mut ServiceFacts) {}
}

pub(crate) fn need(what: NeedKind, path: &str) -> Need {
    Need {
        what,
        path: path.into(),
    }
}

pub(crate) fn options(timeout: Duration) -> Options {
    Options {
        timeout,
        tool: Tool {
            name: "kubeassay".to_owned(),
            version: "0.0.0".to_owned(),
            commit: None,
        },
    }
}

pub(crate) fn facts(host: &Host) -> Facts {
    collect(host, &Flags, &options(Duration::from_mins(1)))
}

/// Returns the only process.
pub(crate) fn only(facts: &Facts) -> &ProcessFacts {
    let [process] = facts.processes.as_slice() else {
        panic!(
            "{} processes: {:#?}",
            facts.processes.len(),
            facts.processes
        );
    };
    process
}

pub(crate) fn file<'a>(process: &'a ProcessFacts, what: NeedKind, path: &str) -> &'a FileFacts {
    process
        .file(&need(what, path))
        .unwrap_or_else(|| panic!("{path} is not in the facts"))
}
