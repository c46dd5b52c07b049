//! A guide that knows as much of a kubelet as these tests need.

#![allow(dead_code, reason = "not every test file needs everything")]

use std::time::Duration;

use kubeassay_core::Bytes;
use kubeassay_core::facts::{Facts, FileFacts, Need, NeedKind, ProcessFacts, ServiceFacts, Tool};
use kubeassay_host::{Guide, Host, Options, collect};

/// Reads what `--config`, `--config-dir`, `--kubeconfig` and `--tls-cert-file` name, and the `.conf` files of the
/// directory; of services the unit, its drop-ins and what `EnvironmentFile=` names.
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
                "--tls-cert-file" => NeedKind::Certificate,
                _ => continue,
            };
            needs.push(need(what, &value.unwrap_or_default()));
        }
        needs.extend(dropins(&process.files));
        needs
    }

    fn needs_of_service(&self, service: &ServiceFacts) -> Vec<Need> {
        let mut needs = Vec::new();
        for folder in UNIT_FOLDERS {
            let unit = format!("{folder}/{}", service.unit);
            needs.push(need(NeedKind::Content, &unit));
            needs.push(need(NeedKind::Listing, &format!("{unit}.d")));
        }
        needs.extend(dropins(&service.files));
        for path in values(service, "EnvironmentFile=") {
            needs.push(need(NeedKind::Content, path.trim_start_matches('-')));
        }
        needs
    }

    fn needs_of_node(&self, _facts: &kubeassay_core::facts::Facts) -> Vec<Need> {
        Vec::new()
    }

    fn unit_folders(&self) -> &'static [&'static str] {
        UNIT_FOLDERS
    }

    fn program_of_unit(&self, fragment: &[u8]) -> Option<Bytes> {
        let text = String::from_utf8_lossy(fragment).into_owned();
        let value = text
            .lines()
            .find_map(|line| line.strip_prefix("ExecStart="))?;
        Some(value.split(' ').next()?.into())
    }

    fn executable_of_service(&self, service: &ServiceFacts) -> Option<Bytes> {
        let last = values(service, "ExecStart=").pop()?;
        Some(last.split(' ').next()?.into())
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

    fn redact_service(&self, service: &mut ServiceFacts) {
        for file in &mut service.files {
            let content = file.content.take();
            file.content =
                content.map(|content| self.redact_content(content.as_slice().to_vec()).into());
        }
    }
}

/// Where units are looked for, those that win first.
const UNIT_FOLDERS: &[&str] = &[
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
];

/// The `.conf` files of the folders that were listed.
fn dropins(files: &[FileFacts]) -> Vec<Need> {
    let mut needs = Vec::new();
    for file in files {
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

/// What the lines of a service's files say that begin so.
fn values(service: &ServiceFacts, start: &str) -> Vec<String> {
    let contents = service
        .files
        .iter()
        .filter_map(|file| file.content.as_ref());
    let texts: Vec<String> = contents.map(Bytes::to_string_lossy).collect();
    let lines = texts.iter().flat_map(|text| text.lines());
    let said = lines.filter_map(|line| line.strip_prefix(start));
    said.filter(|value| !value.is_empty())
        .map(str::to_owned)
        .collect()
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

/// Returns the only kubelet.
pub(crate) fn only(facts: &Facts) -> &ProcessFacts {
    let kubelets: Vec<&ProcessFacts> = facts.kubelets().collect();
    let [process] = kubelets.as_slice() else {
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
