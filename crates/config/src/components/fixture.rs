//! Processes of any component for tests: arguments, environment, files.

use std::collections::BTreeMap;

use kubeassay_core::facts::{
    Entry, ExecutableFacts, FileFacts, FileKind, Moment, Need, NeedKind, ProcessFacts,
};
use kubeassay_core::{Bytes, Cause, Component, Value};

use super::{ask, resolve};
use crate::resolution::Resolution;
use crate::sources::{Documents, When};
use crate::tables::Minor;

/// Stands for a file that may not be read.
pub(super) const DENIED: &str = "\0denied";

/// A process of a component, to be resolved.
pub(super) struct Process<'a> {
    pub(super) component: Component,
    pub(super) minor: u8,
    pub(super) argv: Vec<String>,
    /// `None`: it could not be read.
    pub(super) environment: Option<BTreeMap<String, Bytes>>,
    /// Their text by path. Of a file of certificates it is the digests of its keys, separated by spaces.
    pub(super) files: &'a [(&'a str, &'a str)],
    /// What its executable says of its version.
    pub(super) version: Option<&'a str>,
}

impl<'a> Process<'a> {
    /// Returns a process with these arguments, its program's name first, and no environment or files.
    pub(super) fn new(component: Component, argv: &[&str]) -> Self {
        Self {
            component,
            minor: Minor::NEWEST.0,
            argv: argv.iter().copied().map(str::to_owned).collect(),
            environment: Some(BTreeMap::new()),
            files: &[],
            version: None,
        }
    }

    pub(super) fn minor(self, minor: u8) -> Self {
        Self { minor, ..self }
    }

    pub(super) fn version(self, version: &'a str) -> Self {
        Self {
            version: Some(version),
            ..self
        }
    }

    pub(super) fn files(self, files: &'a [(&'a str, &'a str)]) -> Self {
        Self { files, ..self }
    }

    pub(super) fn environment(self, variables: &[(&str, &str)]) -> Self {
        let variables = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Bytes::from(*value)));
        Self {
            environment: Some(variables.collect()),
            ..self
        }
    }

    fn facts(&self) -> ProcessFacts {
        let argv = self
            .argv
            .iter()
            .map(|argument| Bytes::from(argument.as_str()));
        ProcessFacts {
            component: self.component,
            cwd: Some(Bytes::from("/")),
            environment: self.environment.clone(),
            started: Some(Moment {
                at: "1970-01-01T00:00:00Z".parse().unwrap(),
                error_ms: 0,
            }),
            executable: self.version.map(|version| ExecutableFacts {
                versions: vec![version.to_owned()],
                ..ExecutableFacts::default()
            }),
            ..ProcessFacts::new(1, argv.collect())
        }
    }

    /// Resolves it, every file that it asks for answered; asking asks for the same files.
    pub(super) fn resolve(&self) -> Resolution {
        let mut facts = self.facts();
        loop {
            let documents = Documents::new(&facts);
            let resolution = resolve(self.component, &documents, Minor(self.minor), When::Started);
            let asked = ask(self.component, &documents, Minor(self.minor), When::Started);
            assert_eq!(asked.needs, resolution.needs);
            if resolution.needs.is_empty() {
                return resolution;
            }
            let answers = resolution.needs.into_iter().map(|need| self.answer(need));
            facts.files.extend(answers);
        }
    }

    /// Returns the paths whose mode and owner it asks for.
    pub(super) fn metadata(&self) -> Vec<String> {
        let mut facts = self.facts();
        loop {
            let asked = ask(
                self.component,
                &Documents::new(&facts),
                Minor(self.minor),
                When::Started,
            );
            if asked.needs.is_empty() {
                let files = facts.files.iter().map(|file| &file.need);
                return files
                    .filter(|need| need.what == NeedKind::Metadata)
                    .map(|need| need.path.to_string())
                    .collect();
            }
            facts
                .files
                .extend(asked.needs.into_iter().map(|need| self.answer(need)));
        }
    }

    fn answer(&self, need: Need) -> FileFacts {
        let path = need.path.to_string();
        let text = self
            .files
            .iter()
            .find(|(name, _)| *name == path)
            .map(|(_, text)| *text);
        let found = FileFacts {
            kind: Some(FileKind::Regular),
            ..FileFacts::new(need.clone())
        };
        let below = format!("{}/", path.trim_end_matches('/'));
        let entries: Vec<Entry> = self
            .files
            .iter()
            .filter_map(|(name, _)| name.strip_prefix(&below))
            .map(|name| Entry {
                name: Bytes::from(name),
                kind: FileKind::Regular,
            })
            .collect();
        match (need.what, text) {
            (_, Some(DENIED)) => {
                FileFacts::unread(need, Cause::Denied, format!("{path}: permission denied"))
            }
            (NeedKind::Content, Some(text)) => FileFacts {
                content: Some(Bytes::from(text)),
                ..found
            },
            (NeedKind::PublicKeys, Some(text)) => FileFacts {
                public_keys: Some(text.split_whitespace().map(str::to_owned).collect()),
                ..found
            },
            (NeedKind::Listing, None) if !entries.is_empty() => FileFacts {
                kind: Some(FileKind::Directory),
                entries: Some(entries),
                ..found
            },
            (NeedKind::Content | NeedKind::PublicKeys | NeedKind::Listing, None) => {
                FileFacts::unread(
                    need,
                    Cause::Missing,
                    format!("{path}: no such file or directory"),
                )
            }
            _ => found,
        }
    }
}

/// Returns the setting for a person: its value, `?CAUSE` where it is not known.
pub(super) fn shown(resolution: &Resolution, setting: &str) -> String {
    let setting = resolution.whole(setting).unwrap();
    match (setting.value(), setting.unknown()) {
        (Some(value), _) => value.to_string(),
        (None, Some(unknown)) => format!("?{}", unknown.cause.as_str()),
        (None, None) => "?default".to_owned(),
    }
}

/// Returns the value of a setting, which must be known, of a process that starts.
pub(super) fn value(resolution: &Resolution, setting: &str) -> Value {
    assert_eq!(resolution.refusal, None);
    let found = resolution.whole(setting).unwrap();
    found
        .value()
        .unwrap_or_else(|| panic!("{setting}: {found:?}"))
}
