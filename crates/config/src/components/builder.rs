//! What all components of flags share: command line, files that flags name, and what comes of both.

use std::collections::BTreeMap;
use std::sync::Arc;

use kubeassay_core::{Bytes, Cause, Component, Origin, OriginKind, Value};

use crate::flags::{self, CommandLine};
use crate::refusal::Refusal;
use crate::resolution::{FlagValues, Layer, Note, Resolution, Values};
use crate::setting::{Setting, State, Unknown};
use crate::settings::shared_default_origin;
use crate::sources::{Documents, Files, Loaded, Presence, When};
use crate::tables::{Minor, Tables};

/// A flag whose values are pairs of files.
const PAIRS: &str = "tls-sni-cert-key";

/// Works out the settings of one component.
pub(super) struct Builder<'a> {
    pub(super) component: Component,
    pub(super) tables: &'static Tables,
    pub(super) minor: Minor,
    pub(super) documents: &'a Documents<'a>,
    pub(super) files: Files<'a>,
    pub(super) line: CommandLine,
    /// What is no flag, by its path.
    pub(super) named: BTreeMap<&'static str, Setting>,
    /// What flags come to where the command line is not all that counts, by the name in checks.
    pub(super) effective: BTreeMap<&'static str, Setting>,
    pub(super) layers: Vec<Layer>,
    pub(super) notes: Vec<Note>,
}

impl<'a> Builder<'a> {
    /// Reads the command line by `tables`; with an empty one, and the reason, where the component refuses it.
    pub(super) fn new(
        component: Component,
        tables: &'static Tables,
        documents: &'a Documents<'a>,
        minor: Minor,
        when: When,
    ) -> (Self, Option<Refusal>) {
        let line = flags::parse_of(component, &documents.process.argv, tables, minor);
        Self::with(component, tables, documents, (minor, when), line)
    }

    /// The same, of a command line that was read already.
    pub(super) fn with(
        component: Component,
        tables: &'static Tables,
        documents: &'a Documents<'a>,
        (minor, when): (Minor, When),
        line: Result<CommandLine, Refusal>,
    ) -> (Self, Option<Refusal>) {
        let files = Files::new(documents, when);
        let (line, refusal) = match line {
            Ok(mut line) => {
                line.come_from(files.origins());
                (line, None)
            }
            Err(refusal) => (CommandLine::default(), Some(refusal)),
        };
        let builder = Self {
            component,
            tables,
            minor,
            documents,
            files,
            line,
            named: BTreeMap::new(),
            effective: BTreeMap::new(),
            layers: vec![
                Layer::new(format!("defaults of {minor}"), OriginKind::Default, None),
                Layer::new("command line", OriginKind::Flag, None),
            ],
            notes: Vec::new(),
        };
        (builder, refusal)
    }

    /// Returns the effective value of a flag, its default if it was not given; unset where this version has none of
    /// that name.
    pub(super) fn flag(&self, name: &str) -> Setting {
        let flag = self
            .tables
            .flag(name)
            .filter(|flag| flag.presence.possibly(self.minor));
        match flag {
            Some(flag) => flags::own(&self.line, flag, self.minor),
            None => Setting::unset(shared_default_origin(self.minor)),
        }
    }

    /// Reads the file that a flag names and adds it as a layer; `None` where the flag is not given.
    pub(super) fn file_of(&mut self, flag: &str) -> Option<(Bytes, Loaded)> {
        let (given, _) = self.line.path(flag)?;
        let given = given.clone();
        Some(self.file_at(&given, &format!("--{flag}")))
    }

    /// Reads the configuration file at `given`, relative to the working directory, and adds it as a layer `name`.
    pub(super) fn file_at(&mut self, given: &Bytes, name: &str) -> (Bytes, Loaded) {
        let (path, loaded) = if let Some(path) = self.files.absolute(given) {
            let path = crate::path::clean(&path);
            let loaded = self.files.load(&path, OriginKind::File);
            (path, loaded)
        } else {
            let unknown = Unknown {
                cause: Cause::Denied,
                reason: format!(
                    "{given} is relative, and the working directory of process {} could not be read",
                    self.documents.process.pid
                ),
                path: Some(given.clone()),
            };
            (given.clone(), Loaded::Unknown(unknown))
        };
        let unknown = match &loaded {
            Loaded::Unknown(unknown) => Some(unknown.clone()),
            Loaded::Read(_) | Loaded::Refused(_) => None,
        };
        self.layers.push(Layer {
            unknown,
            ..Layer::new(name, OriginKind::File, Some(path.clone()))
        });
        (path, loaded)
    }

    /// Reads a configuration file as it is now, whatever it was at the start.
    pub(super) fn file_now(&mut self, path: &Bytes) -> Loaded {
        let mut files = Files::new(self.documents, When::Now);
        let loaded = files.load(path, OriginKind::File);
        self.files.needs.append(&mut files.needs);
        loaded
    }

    /// Notes that a file changed and was read again by the component.
    pub(super) fn read_again(&mut self, path: &Bytes) {
        for layer in &mut self.layers {
            if layer.path.as_ref() == Some(path) {
                layer.unknown = None;
                layer.note = Some("changed since the start, and read again then".to_owned());
            }
        }
    }

    /// Returns the digests of the public keys of all certificates in the file that a setting names; none where it names
    /// none.
    pub(super) fn public_keys(&mut self, file: &Setting) -> Setting {
        let origin = Arc::clone(&file.origin);
        let path = match file.value() {
            Some(Value::String(path)) if !path.is_empty() => path,
            Some(_) => return Setting::known(Value::List(Vec::new()), origin),
            None => return file.clone(),
        };
        match self.files.public_keys(&path) {
            Ok(keys) => {
                let keys = keys.into_iter().map(Value::string).collect();
                Setting::known(Value::List(keys), origin)
            }
            Err(unknown) => Self::unknown(unknown, origin),
        }
    }

    /// Returns the paths that a flag names: one, or several where it may be given more than once.
    pub(super) fn paths_of(&self, flag: &str) -> Vec<Bytes> {
        let texts: Vec<Bytes> = match self.flag(flag).value() {
            Some(Value::String(path)) => vec![path],
            Some(Value::List(items)) => items
                .into_iter()
                .filter_map(|item| match item {
                    Value::String(path) => Some(path),
                    _ => None,
                })
                .collect(),
            _ => Vec::new(),
        };
        let paths: Vec<Bytes> = if flag == PAIRS {
            // A certificate and its key, and behind a colon the names that they are for.
            let pairs = texts.iter().map(Bytes::to_string_lossy);
            let files = pairs.flat_map(|pair| {
                let files = pair.split(':').next().unwrap_or_default();
                files.split(',').map(Bytes::from).collect::<Vec<_>>()
            });
            files.collect()
        } else {
            texts
        };
        paths.into_iter().filter(|path| !path.is_empty()).collect()
    }

    /// Tells whether the next start will find the file at `path`. A running process found it at its start, whatever
    /// became of it.
    pub(super) fn next_presence(&mut self, path: &Bytes) -> Presence {
        let presence = self.files.presence_by_metadata(path);
        if presence == Presence::Missing && self.files.is_about_the_start() {
            self.files.stale = true;
            return Presence::Unknown;
        }
        presence
    }

    /// Asks for mode and owner of the files that flags and other settings name.
    pub(super) fn ask_metadata(&mut self, flags: &[&str], named: &[&str]) {
        let by_name = named
            .iter()
            .filter_map(|name| match self.named.get(name)?.value() {
                Some(Value::String(path)) if !path.is_empty() => Some(path),
                _ => None,
            });
        let by_flag = flags.iter().flat_map(|name| self.paths_of(name));
        let paths: Vec<Bytes> = by_flag.chain(by_name).collect();
        for path in paths {
            self.files.ask_metadata(&path);
        }
    }

    /// Returns a setting that cannot be told.
    pub(super) fn unknown(unknown: Unknown, origin: Arc<Origin>) -> Setting {
        Setting {
            state: State::Unknown(Arc::new(unknown)),
            ..Setting::unset(origin)
        }
    }

    /// Returns what was worked out.
    pub(super) fn finish(self, refusal: Option<Refusal>) -> Resolution {
        let mut needs = self.files.needs;
        needs.dedup();
        Resolution {
            component: self.component,
            minor: self.minor,
            values: Values::Flags(Box::new(FlagValues {
                tables: self.tables,
                line: self.line,
                named: self.named,
                effective: self.effective,
            })),
            refusal,
            layers: self.layers,
            notes: self.notes,
            needs,
            stale: self.files.stale,
        }
    }
}
