//! etcd (`server/etcdmain`, `server/embed`).
//!
//! Where a configuration file is given, by `--config-file` or from 3.4 on by `ETCD_CONFIG_FILE`, nothing else counts.
//! Else a flag comes before its variable `ETCD_…`, and the default last. Whatever layer gave it, a setting is read under
//! the name of its flag.

mod arguments;
mod derived;
mod file;
mod table;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kubeassay_core::{Bytes, Cause, Component, Origin, OriginKind, Value};

use super::builder::Builder;
use crate::flags::{self, CommandLine, FlagValue, Occurrence};
use crate::refusal::Refusal;
use crate::resolution::{Layer, Note, Resolution};
use crate::setting::{Setting, State, Unknown};
use crate::settings::shared_default_origin;
use crate::sources::{Documents, Loaded, When};
use crate::tables::Minor;

use table::{ROWS, Release, Row};

pub(super) use derived::named;
pub(super) use table::TABLES;

/// Flags that name a file or a folder of etcd's own.
const PATHS: [&str; 14] = [
    "config-file",
    "data-dir",
    "wal-dir",
    "cert-file",
    "key-file",
    "client-cert-file",
    "client-key-file",
    "trusted-ca-file",
    "client-crl-file",
    "peer-cert-file",
    "peer-key-file",
    "peer-client-cert-file",
    "peer-client-key-file",
    "peer-trusted-ca-file",
];

/// Resolves it. Kubernetes' `minor` says nothing of etcd, which has releases of its own.
pub(super) fn resolve(documents: &Documents<'_>, minor: Minor, when: When) -> Resolution {
    let line = arguments::parse(&documents.process.argv);
    let (mut builder, refusal) =
        Builder::with(Component::Etcd, &TABLES, documents, (minor, when), line);
    let mut resolver = Resolver {
        releases: releases(documents),
        refusal,
        told: BTreeMap::new(),
        builder: &mut builder,
    };
    resolver.narrow();
    resolver.run();
    let Resolver { refusal, told, .. } = resolver;
    builder.effective = told;
    builder.finish(refusal)
}

/// Returns the releases that the executable may be; all where it does not say.
fn releases(documents: &Documents<'_>) -> Vec<Release> {
    let executable = documents.process.executable.as_ref();
    let said: BTreeSet<Release> = executable
        .iter()
        .flat_map(|executable| &executable.versions)
        .filter_map(|version| {
            let rest = version.trim_start_matches('v').strip_prefix("3.")?;
            let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
            let minor: u8 = digits.parse().ok()?;
            // What is newer than the table is read as the newest in it.
            let release = Release(minor).min(Release::NEWEST);
            (release >= Release::OLDEST).then_some(release)
        })
        .collect();
    if said.is_empty() {
        Release::all().collect()
    } else {
        said.into_iter().collect()
    }
}

/// Where a release takes its settings from.
enum Source {
    /// From flags and variables, as if flags had given all.
    Line(CommandLine),
    /// From its configuration file.
    File(file::Said),
    /// From something that could not be read.
    Unknown(Unknown, Arc<Origin>),
}

struct Resolver<'a, 'd> {
    /// The releases that it may be, oldest first; never none.
    releases: Vec<Release>,
    refusal: Option<Refusal>,
    /// What each flag comes to, by the name in checks.
    told: BTreeMap<&'static str, Setting>,
    builder: &'a mut Builder<'d>,
}

impl<'d> Resolver<'_, 'd> {
    fn environment(&self) -> Option<&'d BTreeMap<String, Bytes>> {
        self.builder.documents.process.environment.as_ref()
    }

    /// Leaves of the releases those that would start with this command line and environment.
    fn narrow(&mut self) {
        let given = self.builder.line.given.values().flatten();
        let given: Vec<(&'static Row, Arc<Origin>)> = given
            .filter_map(|given| Some((table::row_of(given.flag.name)?, Arc::clone(&given.origin))))
            .collect();
        for (row, origin) in &given {
            let reason = || format!("flag provided but not defined: -{}", row.flag.name);
            self.keep(|release| row.is_in(release), origin, reason);
        }
        if self.builder.line.path("config-file").is_some() {
            return;
        }
        let Some(environment) = self.environment() else {
            return;
        };
        let by_variable = environment
            .get(CONFIG_FILE)
            .is_some_and(|path| !path.is_empty());
        for (row, origin) in &given {
            let variable = arguments::variable(row);
            // From 3.4 on it ends where a flag shadows a variable, be it empty; a file makes both count for nothing.
            if environment.contains_key(&variable) && !by_variable {
                let reason = || {
                    format!(
                        "conflicting environment variable {variable} is shadowed by corresponding command-line flag"
                    )
                };
                self.keep(|release| release == Release::OLDEST, origin, reason);
            }
        }
    }

    /// Keeps the releases for which `holds`; where none is left the process would end, for `reason`.
    fn keep(
        &mut self,
        holds: impl Fn(Release) -> bool,
        origin: &Arc<Origin>,
        reason: impl Fn() -> String,
    ) {
        let kept: Vec<Release> = self
            .releases
            .iter()
            .copied()
            .filter(|release| holds(*release))
            .collect();
        if kept.is_empty() {
            self.refuse(Refusal::new(reason(), Some(Arc::clone(origin))));
        } else {
            self.releases = kept;
        }
    }

    fn refuse(&mut self, refusal: Refusal) {
        if self.refusal.is_none() {
            self.refusal = Some(refusal);
        }
    }

    /// Works out every setting, in each release that it may be.
    fn run(&mut self) {
        let (by_flag, by_variable) = self.config_files();
        let line = self.line();
        let origin = self.default_origin();
        self.builder.layers = vec![
            Layer::new(self.default_name(), OriginKind::Default, None),
            Layer::new("environment", OriginKind::Environment, None),
            Layer::new("command line", OriginKind::Flag, None),
        ];
        let file = match (&by_flag, &by_variable) {
            (Some(path), _) => Some(self.load(path, "--config-file")),
            (None, Some(path)) => Some(self.load(path, CONFIG_FILE)),
            (None, None) => None,
        };
        let mut views = Vec::new();
        for release in self.releases.clone() {
            let source = match &file {
                Some(file) if by_flag.is_some() || release > Release::OLDEST => file,
                _ => &line,
            };
            let minor = self.builder.minor;
            let settle = |row: &Row| {
                let known = row.is_in(release);
                known.then(|| settle(row, source, release, minor, &origin))
            };
            let settings = ROWS.iter().map(settle).collect();
            views.push(derived::View::new(release, settings, &origin));
        }
        let named = self.derive(&views);
        self.tell(&views, &origin);
        self.builder.named = named;
        self.ask();
    }

    /// Returns the configuration file that the flag names, and the one that the variable does.
    fn config_files(&self) -> (Option<Bytes>, Option<Bytes>) {
        let by_flag = self
            .builder
            .line
            .path("config-file")
            .map(|(path, _)| path.clone());
        let variable = self
            .environment()
            .and_then(|environment| environment.get(CONFIG_FILE));
        let newer = self
            .releases
            .iter()
            .any(|release| *release > Release::OLDEST);
        let by_variable = variable.filter(|path| newer && !path.is_empty()).cloned();
        (by_flag, by_variable)
    }

    /// Returns what flags and variables say together.
    fn line(&mut self) -> Source {
        let mut line = self.builder.line.clone();
        let Some(environment) = self.environment() else {
            let pid = self.builder.documents.process.pid;
            let unknown = Unknown {
                cause: Cause::Denied,
                reason: format!(
                    "the environment of process {pid} could not be read, and a variable ETCD_CONFIG_FILE makes flags count for nothing"
                ),
                path: None,
            };
            let origin = Arc::new(Origin::new(OriginKind::Environment));
            return Source::Unknown(unknown, origin);
        };
        let documents = self.builder.documents;
        let given = self.builder.line.path("config-file").is_some();
        if !given
            && let Err(refusal) = arguments::add_environment(&mut line, environment, |name| {
                documents.origin_of(name).cloned()
            })
        {
            let by_file = environment
                .get(CONFIG_FILE)
                .is_some_and(|path| !path.is_empty());
            if !by_file {
                self.refuse(refusal);
            }
        }
        Source::Line(line)
    }

    /// Reads the configuration file.
    fn load(&mut self, path: &Bytes, name: &str) -> Source {
        let (path, loaded) = self.builder.file_at(path, name);
        let origin = Arc::new(Origin {
            path: Some(Arc::new(path)),
            ..Origin::new(OriginKind::File)
        });
        let read = match loaded {
            Loaded::Read(document) => file::read(&document.root),
            Loaded::Refused(refusal) => Err(refusal),
            Loaded::Unknown(unknown) => return Source::Unknown(unknown, origin),
        };
        match read {
            Ok(said) => Source::File(said),
            Err(refusal) => {
                self.refuse(refusal);
                Source::File(file::Said::default())
            }
        }
    }

    /// Returns the releases it may be, in words.
    fn default_name(&self) -> String {
        format!("defaults of {}", self.shown())
    }

    fn shown(&self) -> String {
        match (self.releases.first(), self.releases.last()) {
            (Some(first), Some(last)) if first != last => {
                format!("etcd 3.{} to 3.{}", first.0, last.0)
            }
            (Some(one), _) => format!("etcd 3.{}", one.0),
            (None, _) => "etcd".to_owned(),
        }
    }

    fn default_origin(&self) -> Arc<Origin> {
        Arc::new(Origin::default_of(self.shown()))
    }

    /// Keeps what every release reads alike; the rest is unknown.
    fn tell(&mut self, views: &[derived::View], origin: &Arc<Origin>) {
        let told = ROWS.iter().enumerate().map(|(at, row)| {
            let alike = join(views.iter().filter_map(|view| {
                let setting = view.settings.get(at)?.as_ref()?;
                Some((view.release, setting))
            }));
            let setting =
                alike.unwrap_or_else(|| Setting::known(row.flag.kind.zero(), Arc::clone(origin)));
            (row.flag.setting, setting)
        });
        self.told = told.collect();
    }

    /// Works out what follows from the settings of each release.
    fn derive(&mut self, views: &[derived::View]) -> BTreeMap<&'static str, Setting> {
        let each: Vec<(Release, BTreeMap<&'static str, Setting>)> = views
            .iter()
            .map(|view| (view.release, view.derive(&mut self.builder.files)))
            .collect();
        named()
            .into_iter()
            .filter_map(|(name, _)| {
                let of = each
                    .iter()
                    .filter_map(|(release, settings)| Some((*release, settings.get(name)?)));
                Some((name, join(of)?))
            })
            .collect()
    }

    /// Asks for mode and owner of the files and folders that it uses.
    fn ask(&mut self) {
        for name in PATHS {
            let Some(row) = table::row_of(name) else {
                continue;
            };
            if let Some(Some(Value::String(path))) =
                self.told.get(row.flag.setting).map(Setting::value)
                && !path.is_empty()
            {
                self.builder.files.ask_metadata(&path);
            }
        }
        let note = notes(self);
        self.builder.notes.extend(note);
    }
}

/// The variable that names a configuration file, from 3.4 on.
const CONFIG_FILE: &str = "ETCD_CONFIG_FILE";

/// Says of every flag and variable that it counts for nothing, where that is so.
fn notes(resolver: &Resolver<'_, '_>) -> Option<Note> {
    let (by_flag, by_variable) = resolver.config_files();
    let path = by_flag.or(by_variable)?;
    let others = resolver
        .builder
        .line
        .given
        .keys()
        .any(|name| *name != "config-file");
    others.then(|| Note {
        cause: Cause::Conflict,
        reason: format!("etcd is given the configuration file {path}, so its other flags and variables count for nothing"),
        path: Some(path),
    })
}

/// Returns what a row comes to in one release.
fn settle(
    row: &Row,
    source: &Source,
    release: Release,
    minor: Minor,
    origin: &Arc<Origin>,
) -> Setting {
    let line = match source {
        Source::Line(line) => line,
        Source::File(said) => {
            if let Some((_, at)) = said.beyond.iter().find(|(name, _)| *name == row.flag.name) {
                let unknown = Unknown {
                    cause: Cause::Unsupported,
                    reason: format!(
                        "the configuration file gives {} by the name of a field in etcd's own source",
                        row.flag.name
                    ),
                    path: at.path.as_deref().cloned(),
                };
                return Builder::unknown(unknown, Arc::clone(at));
            }
            &said.line
        }
        Source::Unknown(unknown, at) => return Builder::unknown(unknown.clone(), Arc::clone(at)),
    };
    let mut setting = flags::own(&CommandLine::default(), &row.flag, minor);
    setting.origin = Arc::clone(origin);
    if let Some(occurrences) = line.given.get(row.flag.name) {
        if row.is_urls() {
            apply_urls(&mut setting, occurrences, release);
        } else {
            flags::apply(&mut setting, occurrences, false);
        }
    }
    setting
}

/// Applies the occurrences of a list of URLs. From 3.4 on an empty one, and one that is an element of the list so far,
/// changes nothing (`pkg/flags/unique_urls.go`).
fn apply_urls(setting: &mut Setting, occurrences: &[Occurrence], release: Release) {
    for (
        at,
        Occurrence {
            text,
            value,
            origin,
            ..
        },
    ) in occurrences.iter().enumerate()
    {
        let FlagValue::One(value) = value else {
            continue;
        };
        let there = match &setting.state {
            State::Known(Value::List(list)) => list.contains(&Value::String(text.clone())),
            _ => false,
        };
        if text.is_empty() || (release > Release::OLDEST && at > 0 && there) {
            continue;
        }
        setting.replace(Setting::known(value.clone(), Arc::clone(origin)));
    }
}

/// Returns the setting that all releases have, an unknown one where they differ, nothing where none has it.
fn join<'a>(each: impl Iterator<Item = (Release, &'a Setting)>) -> Option<Setting> {
    let mut joined: Option<(Release, &Setting)> = None;
    for (release, setting) in each {
        match &joined {
            None => joined = Some((release, setting)),
            // What is newest comes last, and is what is shown.
            Some((_, before)) if before.state == setting.state => joined = Some((release, setting)),
            Some((before, other)) => {
                let shown = |setting: &Setting| {
                    setting
                        .value()
                        .map_or_else(|| "not known".to_owned(), |value| value.to_string())
                };
                let unknown = Unknown {
                    cause: Cause::VersionUnknown,
                    reason: format!(
                        "it is {} in etcd 3.{} and {} in 3.{}, and which release this is could not be told",
                        shown(other),
                        before.0,
                        shown(setting),
                        release.0
                    ),
                    path: None,
                };
                return Some(Builder::unknown(
                    unknown,
                    shared_default_origin(Minor::NEWEST),
                ));
            }
        }
    }
    joined.map(|(_, setting)| setting.clone())
}
