//! What a component makes of its command line and files: its effective configuration.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use kubeassay_core::facts::Need;
use kubeassay_core::{Bytes, Cause, Component, Origin, OriginKind, Value};

use crate::flags::{self, CommandLine};
use crate::kubelet::KubeletValues;
use crate::refusal::Refusal;
use crate::setting::{Setting, State, Unknown};
use crate::settings::default_origin;
use crate::tables::{Minor, Tables};

/// What a component makes of its command line and files in one version.
#[derive(Clone, Debug)]
pub struct Resolution {
    /// The component.
    pub component: Component,
    /// The version of Kubernetes; of a component with versions of its own the newest, which says nothing.
    pub minor: Minor,
    pub(crate) values: Values,
    /// Why this component would not start; the settings are then those it got to.
    pub refusal: Option<Refusal>,
    /// What was read, lowest layer first.
    pub layers: Vec<Layer>,
    /// Remarks that change no value.
    pub notes: Vec<Note>,
    /// Files that the facts do not hold yet.
    pub needs: Vec<Need>,
    /// Whether a file may have changed since the process started; if not, [`When::Now`](crate::kubelet::When) gives
    /// the same.
    pub stale: bool,
}

/// One source of settings.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// What it is, for a person.
    pub name: String,
    /// The kind of origin that its settings have.
    pub kind: OriginKind,
    /// Its file or folder.
    pub path: Option<Bytes>,
    /// Why it could not be read, or not as it was.
    pub unknown: Option<Unknown>,
    /// Anything a person should know of it.
    pub note: Option<String>,
}

impl Layer {
    /// Returns a layer about which there is nothing to say but where it is.
    pub(crate) fn new(name: impl Into<String>, kind: OriginKind, path: Option<Bytes>) -> Self {
        Self {
            name: name.into(),
            kind,
            path,
            unknown: None,
            note: None,
        }
    }
}

/// A remark that changes no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Its cause.
    pub cause: Cause,
    /// The file it is about.
    pub path: Option<Bytes>,
    /// One sentence for a person.
    pub reason: String,
}

/// The settings of a resolution.
#[derive(Clone, Debug)]
pub(crate) enum Values {
    /// Those of a kubelet: some two hundred fields, and flags without one.
    Kubelet(Box<KubeletValues>),
    /// Those of a component of flags, with a few settings that have a name of their own.
    Flags(Box<FlagValues>),
}

/// The settings of a component of flags.
#[derive(Clone, Debug)]
pub(crate) struct FlagValues {
    /// Its flags.
    pub(crate) tables: &'static Tables,
    /// Its command line.
    pub(crate) line: CommandLine,
    /// Fields of its configuration file and what is derived, by their path: they come before flags of that name.
    pub(crate) named: BTreeMap<&'static str, Setting>,
    /// What flags come to where the command line is not all that counts, by their name in checks.
    pub(crate) effective: BTreeMap<&'static str, Setting>,
}

impl Resolution {
    /// Returns a setting: `authorization.mode`, `flags.hostnameOverride`, `gates.NAME`,
    /// `derived.servingCertificate`, or one entry of a map such as `featureGates.NAME`.
    pub fn setting(&self, path: &str) -> Option<Cow<'_, Setting>> {
        if let Some(setting) = self.whole(path) {
            return Some(setting);
        }
        // Names have no points in them beyond those of their path: the longest path is the map's.
        let (map, key) = path
            .match_indices('.')
            .find_map(|(at, _)| Some((self.whole(path.get(..at)?)?, path.get(at + 1..)?)))?;
        match &map.state {
            State::Entries(entries) => entries.get(key).cloned().map(Cow::Owned),
            State::Part(entries, _) => Some(match entries.get(key) {
                Some(entry) => Cow::Owned(entry.clone()),
                None => map,
            }),
            _ => None,
        }
    }

    /// Returns a setting that is not an entry of a map.
    pub fn whole(&self, path: &str) -> Option<Cow<'_, Setting>> {
        match &self.values {
            Values::Kubelet(values) => values.whole(path, self.minor),
            Values::Flags(values) => values.whole(path, self.minor),
        }
    }
}

impl FlagValues {
    /// Returns a setting that is not an entry of a map.
    fn whole(&self, path: &str, minor: Minor) -> Option<Cow<'_, Setting>> {
        if let Some(setting) = self.named.get(path) {
            return Some(Cow::Borrowed(setting));
        }
        let name = path.strip_prefix("flags.")?;
        if let Some(setting) = self.effective.get(name) {
            return Some(Cow::Borrowed(setting));
        }
        let flag = self.tables.flags.iter().find(|flag| flag.setting == name)?;
        Some(Cow::Owned(if flag.presence.possibly(minor) {
            flags::own(&self.line, flag, minor)
        } else {
            absent(flag.kind.zero(), minor)
        }))
    }
}

/// Returns what a version does that has no such setting: what it would do with the zero value.
pub(crate) fn absent(zero: Value, minor: Minor) -> Setting {
    Setting::known(
        zero,
        Origin {
            name: Some(Arc::from("there is no such setting")),
            ..default_origin(minor)
        },
    )
}
