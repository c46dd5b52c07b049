//! All settings of a component's configuration: decoding into them, defaulting, writing them back.
//!
//! - `decode`: a document into settings, as Go's `encoding/json` fills the component's versioned type
//! - `defaults`: what nobody said
//! - `marshal`: settings back into a document, the base that drop-ins are merged onto
//! - `kinds`: what the types of fields and flags mean

mod decode;
mod defaults;
mod kinds;
mod marshal;

use std::collections::BTreeMap;

use kubeassay_core::Origin;

use crate::setting::{Setting, State, Unknown};
use crate::tables::{Field, Minor, Tables};

pub(crate) use defaults::{default_state, one_of};

/// The settings of one component in one version, by path.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    tables: &'static Tables,
    minor: Minor,
    by_path: BTreeMap<&'static str, Setting>,
}

/// By which names a decoder knows the fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Names {
    /// The API's names, exactly: the main file.
    Exact,
    /// The API's names without regard to case: drop-ins from 1.32.
    Folded,
    /// The names of the internal Go type without regard to case: drop-ins of 1.29 to 1.31.
    Internal,
}

/// Which defaults are applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Defaults {
    /// Those of a configuration file (`v1beta1/defaults.go`, `server.go:loadConfigFile`).
    File,
    /// Those of a component without a configuration file (`options.go:applyLegacyDefaults`).
    Legacy,
    /// Those that come back after drop-ins were merged (`v1beta1/defaults.go` alone).
    Again,
}

impl Settings {
    /// Returns settings about which nothing was said yet.
    pub(crate) fn new(tables: &'static Tables, minor: Minor) -> Self {
        Self {
            tables,
            minor,
            by_path: BTreeMap::new(),
        }
    }

    pub(crate) fn get(&self, path: &str) -> Option<&Setting> {
        self.by_path.get(path)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'static str, &Setting)> {
        self.by_path.iter().map(|(path, setting)| (*path, setting))
    }

    pub(crate) fn into_inner(self) -> BTreeMap<&'static str, Setting> {
        self.by_path
    }

    /// Returns the setting at the path of `field`, unset if nothing was said.
    pub(crate) fn entry(&mut self, field: &Field) -> &mut Setting {
        let minor = self.minor;
        self.by_path
            .entry(field.path)
            .or_insert_with(|| Setting::unset(default_origin(minor)))
    }

    /// Makes every setting unknown: a file that could have said anything was not read.
    pub(crate) fn forget(&mut self, unknown: &Unknown, origin: &Origin) {
        for field in self.fields() {
            let setting = Setting {
                state: State::Unknown(unknown.clone()),
                ..Setting::unset(origin.clone())
            };
            self.entry(field).replace(setting);
        }
    }

    /// Takes the settings of `before` for all that these say nothing about, or no longer.
    pub(crate) fn restore(&mut self, before: Self) {
        for (path, setting) in before.by_path {
            let now = self.by_path.get(path);
            if now.is_none_or(|now| matches!(now.state, State::Unset)) {
                self.by_path.insert(path, setting);
            }
        }
    }

    fn fields(&self) -> impl Iterator<Item = &'static Field> + use<> {
        let minor = self.minor;
        self.tables
            .fields
            .iter()
            .filter(move |field| field.presence.possibly(minor))
    }
}

impl Names {
    const fn of(self, field: &Field) -> &'static str {
        match self {
            Self::Exact | Self::Folded => field.path,
            Self::Internal => field.internal_path,
        }
    }
}

pub(crate) fn default_origin(minor: Minor) -> Origin {
    Origin::default_of(minor.to_string())
}
