//! A copy of a service's facts on which settings are changed, one after the other, where the next start takes them from.

use std::collections::BTreeMap;

use kubeassay_config::flags::{self, FlagValue, Occurrence};
use kubeassay_config::resolution::Resolution;
use kubeassay_config::setting::Setting;
use kubeassay_config::tables::kubelet::KUBELET;
use kubeassay_config::tables::{FlagKind, Target};
use kubeassay_core::facts::{Facts, ServiceFacts};
use kubeassay_core::plan::{Edit, Paste};
use kubeassay_core::rule::Rule;
use kubeassay_core::{Bytes, Origin, OriginKind, Value, Verdict};
use kubeassay_engine::{Successor, successor};

use super::{Asked, edits, judged, proof};
use crate::edit::arguments::{self, Change};
use crate::edit::document;
use crate::managers::{self, Management};
use crate::overlay;

/// How often one setting may be followed to another place: a flag that is given so many times, one below the other.
const MOST_PLACES: usize = 32;

/// Why a rule is left as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stuck {
    /// A sentence.
    pub(super) reason: String,
    /// What to do instead.
    pub(super) instead: Option<Paste>,
}

impl Stuck {
    pub(super) fn new(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            instead: None,
        }
    }
}

/// A service as it will be.
#[derive(Clone)]
pub(super) struct Draft<'a> {
    facts: &'a Facts,
    asked: &'a Asked<'a>,
    /// The service as it is.
    original: &'a ServiceFacts,
    /// As it will be.
    pub(super) service: ServiceFacts,
    /// Its next start with the files as they will be.
    pub(super) next: Successor,
    /// The settings that change.
    pub(super) settings: Vec<String>,
    /// The settings that were changed in a file, by its path.
    pub(super) managed: BTreeMap<Bytes, Vec<(String, Value)>>,
    /// The files that change.
    written: Vec<Bytes>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(
        facts: &'a Facts,
        service: &'a ServiceFacts,
        next: Successor,
        asked: &'a Asked<'a>,
    ) -> Self {
        Self {
            facts,
            asked,
            original: service,
            service: with_version(service, facts),
            next,
            settings: Vec::new(),
            managed: BTreeMap::new(),
            written: Vec::new(),
        }
    }

    /// Returns the verdict of a rule on the next start.
    pub(super) fn verdict(&self, rule: &Rule) -> Verdict {
        judged::next_start(self.facts, &self.service, rule, self.asked).0
    }

    /// Returns the edits that make of the service as it is the one that it will be.
    pub(super) fn edits(&self) -> Vec<Edit> {
        let paths = self.written.iter();
        let edits = paths.filter_map(|path| edits::of(self.original, &self.service, path));
        edits.collect()
    }

    /// Changes settings until the rule passes on the next start, and proves that nothing else differs.
    pub(super) fn mend(&mut self, rule: &Rule, settings: &[(String, Value)]) -> Result<(), Stuck> {
        let before = self.next.clone();
        for (setting, wanted) in settings {
            if self.verdict(rule) == Verdict::Pass {
                break;
            }
            self.reach(setting, wanted, rule)?;
        }
        let (verdict, reason) = judged::next_start(self.facts, &self.service, rule, self.asked);
        if verdict != Verdict::Pass {
            return Err(Stuck::new(format!(
                "with {} the next start would still not pass: {reason}",
                shown(settings)
            )));
        }
        let planned: Vec<String> = settings.iter().map(|(path, _)| path.clone()).collect();
        let others = proof::others(&before, &self.next, &planned).map_err(Stuck::new)?;
        if !others.is_empty() {
            let others: Vec<String> = others.into_iter().collect();
            return Err(Stuck::new(format!(
                "no edit was found that changes nothing else: {} would change too",
                others.join(", ")
            )));
        }
        if let Some(line) = self
            .edits()
            .iter()
            .find_map(|edit| edits::redacted_line(edit).map(|line| format!("{}:{line}", edit.path)))
        {
            return Err(Stuck::new(format!(
                "{line} holds a secret beside the setting, and secrets are not read; put the secret on a line of its own, or change the line by hand"
            )));
        }
        self.settings.extend(planned);
        Ok(())
    }

    /// Changes one setting where the next start takes it from, again and again until it has the value or its rule
    /// passes: what is removed uncovers what it overrode.
    fn reach(&mut self, setting: &str, wanted: &Value, rule: &Rule) -> Result<(), Stuck> {
        for _ in 0..MOST_PLACES {
            let Some((resolution, found)) = self.differing(setting, wanted)? else {
                return Ok(());
            };
            let origin = found.origin.as_ref();
            match origin.kind {
                OriginKind::Flag | OriginKind::Unit | OriginKind::Environment => {
                    self.change_argument(&resolution, origin, setting, wanted)?;
                }
                OriginKind::File | OriginKind::DropIn => {
                    let path = origin.path.as_deref();
                    let path = path.ok_or_else(|| {
                        Stuck::new(format!("where {setting} stands is not known"))
                    })?;
                    self.change_document(&path.clone(), setting, wanted)?;
                }
                OriginKind::Default => self.add(&resolution, setting, wanted)?,
                OriginKind::Live | OriginKind::Api | OriginKind::Manifest => {
                    return Err(Stuck::new(format!(
                        "{setting} does not come from a file that a fix may change"
                    )));
                }
            }
            if self.verdict(rule) == Verdict::Pass {
                return Ok(());
            }
        }
        Err(Stuck::new(format!(
            "{setting} stands in more than {MOST_PLACES} places, one below the other"
        )))
    }

    /// Returns the setting in the first version in which the next start has not the wanted value.
    fn differing(
        &self,
        setting: &str,
        wanted: &Value,
    ) -> Result<Option<(Resolution, Setting)>, Stuck> {
        for resolution in &self.next.resolutions {
            let Some(found) = resolution.setting(setting) else {
                if map_of(setting).is_none() {
                    return Err(Stuck::new(format!(
                        "{} has no setting {setting}",
                        resolution.minor
                    )));
                }
                // A map without the entry: nobody gives it.
                let nobody = Setting::unset(Origin::default_of(resolution.minor.to_string()));
                return Ok(Some((resolution.clone(), nobody)));
            };
            match found.value() {
                Some(value) if value.to_string() == wanted.to_string() => {}
                Some(_) => return Ok(Some((resolution.clone(), found.into_owned()))),
                None => {
                    let reason = found.unknown().map_or_else(
                        || "its default differs by version".to_owned(),
                        |unknown| unknown.reason.clone(),
                    );
                    return Err(Stuck::new(format!(
                        "what the next start makes of {setting} is not known: {reason}"
                    )));
                }
            }
        }
        Ok(None)
    }

    /// Changes an argument: one that contradicts the file is removed, and where no file is read it gets the value.
    fn change_argument(
        &mut self,
        resolution: &Resolution,
        origin: &Origin,
        setting: &str,
        wanted: &Value,
    ) -> Result<(), Stuck> {
        let argv: Vec<Bytes> = self.argv();
        let line = flags::parse(&argv, &KUBELET, resolution.minor)
            .map_err(|refusal| Stuck::new(refusal.reason))?;
        let occurrence = origin
            .name
            .as_deref()
            .and_then(|name| line.given.get(name))
            .and_then(|all| {
                all.iter()
                    .rev()
                    .find(|one| one.origin.index == origin.index)
            })
            .ok_or_else(|| {
                Stuck::new(format!(
                    "the argument that gives {setting} was not found again"
                ))
            })?;
        let index = usize::try_from(occurrence.origin.index.unwrap_or(0)).unwrap_or(0);
        let argument = argv.get(index).map_or(&b""[..], Bytes::as_slice);
        let is_joined = argument.contains(&b'=');
        let count = if is_joined || occurrence.flag.bare.is_some() {
            1
        } else {
            2
        };
        let with = match without_entry(occurrence, setting) {
            Some(rest) if rest.is_empty() => Vec::new(),
            Some(rest) => vec![given(occurrence.flag.name, &rest)],
            None if reads_a_file(resolution) => Vec::new(),
            None => vec![given(occurrence.flag.name, &flag_text(wanted))],
        };
        self.rewrite(&Change::Replace { index, count, with }, setting, wanted)
    }

    /// Adds a setting that nobody gives: to the main file, to the last drop-in where one covers the file, or as an
    /// argument where no file is read.
    fn add(&mut self, resolution: &Resolution, setting: &str, wanted: &Value) -> Result<(), Stuck> {
        if !reads_a_file(resolution) {
            let flag = KUBELET.flags.iter().find(|flag| {
                flag.presence.possibly(resolution.minor)
                    && matches!(flag.target(resolution.minor), Target::Field(path) if path == setting)
            });
            let flag = flag.ok_or_else(|| {
                Stuck::new(format!("this kubelet reads no file (--config), and no flag gives {setting}; give it a file"))
            })?;
            let argument = given(flag.name, &flag_text(wanted));
            return self.rewrite(&Change::Append(vec![argument]), setting, wanted);
        }
        let layers = resolution.layers.iter();
        let files = layers.filter(|layer| {
            matches!(layer.kind, OriginKind::File | OriginKind::DropIn) && layer.unknown.is_none()
        });
        let paths: Vec<Bytes> = files.filter_map(|layer| layer.path.clone()).collect();
        let main = paths.first().cloned();
        let last = paths
            .last()
            .filter(|last| paths.first() != Some(*last))
            .cloned();
        let mut first_reason = None;
        for path in main.into_iter().chain(last) {
            let before = self.clone();
            let changed = self.change_document(&path, setting, wanted);
            if changed.is_ok() && self.differing(setting, wanted)?.is_none() {
                return Ok(());
            }
            let reason = changed.err().unwrap_or_else(|| {
                Stuck::new(format!(
                    "{setting} in {path} is overridden by what nobody wrote down: another default"
                ))
            });
            first_reason.get_or_insert(reason);
            *self = before;
        }
        Err(first_reason.unwrap_or_else(|| Stuck::new("no file of this kubelet could be read")))
    }

    /// Sets a setting in a configuration file.
    fn change_document(
        &mut self,
        path: &Bytes,
        setting: &str,
        wanted: &Value,
    ) -> Result<(), Stuck> {
        self.ask_managers(path, setting, wanted)?;
        let file = edits::file(&self.service, path).filter(|file| file.problem.is_none());
        let content = file.and_then(|file| file.content.as_ref());
        let content =
            content.ok_or_else(|| Stuck::new(format!("{path} is not among what was read")))?;
        let keys: Vec<&str> = match map_of(setting) {
            Some((map, key)) => vec![map, key],
            None => setting.split('.').collect(),
        };
        let changed = document::set(content.as_slice(), &keys, wanted).map_err(|refused| {
            let place = refused
                .line
                .map_or_else(|| path.to_string(), |line| format!("{path}:{line}"));
            Stuck::new(format!("{place}: {}", refused.reason))
        })?;
        self.write(path, &changed, setting, wanted)
    }

    /// Changes the arguments of the service.
    fn rewrite(&mut self, change: &Change, setting: &str, wanted: &Value) -> Result<(), Stuck> {
        let rewritten = arguments::rewrite(&self.service, change)?;
        self.ask_managers(&rewritten.path, setting, wanted)?;
        self.write(&rewritten.path, &rewritten.content, setting, wanted)
    }

    /// Returns an error where somebody else writes the file.
    fn ask_managers(&self, path: &Bytes, setting: &str, wanted: &Value) -> Result<(), Stuck> {
        match managers::of(self.facts, &self.service, path, &[(setting, wanted)]) {
            Management::None | Management::Also { .. } => Ok(()),
            Management::Instead { reason, paste, .. } => Err(Stuck {
                reason,
                instead: Some(paste),
            }),
        }
    }

    fn write(
        &mut self,
        path: &Bytes,
        content: &[u8],
        setting: &str,
        wanted: &Value,
    ) -> Result<(), Stuck> {
        let unchanged = edits::file(&self.service, path)
            .and_then(|file| file.content.as_ref())
            .is_some_and(|before| before.as_slice() == content);
        if unchanged {
            return Err(Stuck::new(format!(
                "{path} says {setting} already, and the next start does not take it from there"
            )));
        }
        self.service = overlay::with_file(&self.service, path, content);
        self.next = successor(&self.service, self.facts, self.asked.said).map_err(|unknown| {
            Stuck::new(format!(
                "what the next start would be afterwards cannot be told: {}",
                unknown.reason
            ))
        })?;
        if !self.written.contains(path) {
            self.written.push(path.clone());
        }
        let managed = self.managed.entry(path.clone()).or_default();
        managed.retain(|(path, _)| path != setting);
        managed.push((setting.to_owned(), wanted.clone()));
        Ok(())
    }

    fn argv(&self) -> Vec<Bytes> {
        let arguments = self.next.next.arguments.iter();
        arguments.map(|argument| argument.text.clone()).collect()
    }
}

/// Returns a service that knows the version of its executable, where only its process does.
fn with_version(service: &ServiceFacts, facts: &Facts) -> ServiceFacts {
    let mut service = service.clone();
    if service.executable.is_none() {
        let mut started = facts.kubelets();
        let before = started.find(|process| service.started.contains(&process.pid));
        service.executable = before.and_then(|process| process.executable.clone());
    }
    service
}

/// Returns the map and the key, where a setting is an entry of a map; the key may have points in it.
fn map_of(setting: &str) -> Option<(&str, &str)> {
    let parts = setting.split_once('.');
    parts.filter(|(map, _)| KUBELET.field(map).is_some())
}

/// Returns whether the kubelet reads a configuration file.
fn reads_a_file(resolution: &Resolution) -> bool {
    let mut layers = resolution.layers.iter();
    layers.any(|layer| layer.kind == OriginKind::File)
}

/// Returns the flag's text without the entry that `setting` names, where the flag gives a map.
fn without_entry(occurrence: &Occurrence, setting: &str) -> Option<String> {
    let FlagValue::Entries(entries) = &occurrence.value else {
        return None;
    };
    if !matches!(
        occurrence.flag.kind,
        FlagKind::BoolMap | FlagKind::StringMap
    ) {
        return None;
    }
    let (_, key) = map_of(setting)?;
    let rest = entries.iter().filter(|(entry, _)| entry != key);
    let rest: Vec<String> = rest
        .map(|(entry, value)| format!("{entry}={value}"))
        .collect();
    Some(rest.join(","))
}

/// Returns an argument that gives a flag.
fn given(name: &str, text: &str) -> Bytes {
    Bytes::from(format!("--{name}={text}"))
}

/// Returns a value as a flag takes it.
fn flag_text(value: &Value) -> String {
    match value {
        Value::List(values) => {
            let values: Vec<String> = values.iter().map(Value::to_string).collect();
            values.join(",")
        }
        value => value.to_string(),
    }
}

/// Returns settings in a few words.
fn shown(settings: &[(String, Value)]) -> String {
    let settings: Vec<String> = settings
        .iter()
        .map(|(path, value)| format!("{path}: {value}"))
        .collect();
    settings.join(", ")
}
