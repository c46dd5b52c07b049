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

use std::sync::{Arc, LazyLock};

use kubeassay_core::Origin;

use crate::setting::{Setting, State, Unknown};
use crate::tables::{Field, Minor, Tables};

pub(crate) use defaults::{default_state, one_of};

/// The settings of one component in one version.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    tables: &'static Tables,
    minor: Minor,
    /// By the number of the field; `None`: nothing was said yet.
    by_field: Vec<Option<Setting>>,
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
            by_field: vec![None; tables.fields.len()],
        }
    }

    pub(crate) fn get(&self, path: &str) -> Option<&Setting> {
        self.of(self.tables.field(path)?)
    }

    /// Returns the setting of `field`, if anything was said.
    pub(crate) fn of(&self, field: &Field) -> Option<&Setting> {
        self.by_field.get(usize::from(field.number))?.as_ref()
    }

    /// Returns every setting about which anything was said, sorted by path.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'static Field, &Setting)> {
        self.tables
            .fields
            .iter()
            .zip(&self.by_field)
            .filter_map(|(field, setting)| Some((field, setting.as_ref()?)))
    }

    /// Returns the setting of `field`, unset if nothing was said.
    pub(crate) fn entry(&mut self, field: &Field) -> &mut Setting {
        let minor = self.minor;
        self.slot(field)
            .get_or_insert_with(|| Setting::unset(shared_default_origin(minor)))
    }

    #[expect(
        clippy::indexing_slicing,
        reason = "a field's number is its place in its tables, and there is one slot for each"
    )]
    fn slot(&mut self, field: &Field) -> &mut Option<Setting> {
        &mut self.by_field[usize::from(field.number)]
    }

    /// Makes every setting unknown: a file that could have said anything was not read.
    pub(crate) fn forget(&mut self, unknown: &Unknown, origin: &Arc<Origin>) {
        let unknown = Arc::new(unknown.clone());
        for field in self.fields() {
            let setting = Setting {
                state: State::Unknown(Arc::clone(&unknown)),
                ..Setting::unset(Arc::clone(origin))
            };
            self.entry(field).replace(setting);
        }
    }

    /// Takes the settings of `before` for all that these say nothing about, or no longer.
    pub(crate) fn restore(&mut self, before: Self) {
        for (now, before) in self.by_field.iter_mut().zip(before.by_field) {
            let silent = now
                .as_ref()
                .is_none_or(|now| matches!(now.state, State::Unset));
            if silent && before.is_some() {
                *now = before;
            }
        }
    }

    /// Returns the fields from `path` on, in the order of their names.
    fn fields_from(
        &self,
        path: &str,
        names: Names,
    ) -> impl Iterator<Item = &'static Field> + use<> {
        let Tables {
            fields,
            by_internal_path,
            ..
        } = *self.tables;
        let internal = |place: usize| fields.get(usize::from(*by_internal_path.get(place)?));
        let before = |field: &Field| names.of(field) < path;
        let start = match names {
            Names::Internal => by_internal_path
                .partition_point(|number| fields.get(usize::from(*number)).is_some_and(before)),
            Names::Exact | Names::Folded => fields.partition_point(before),
        };
        (start..).map_while(move |place| match names {
            Names::Internal => internal(place),
            Names::Exact | Names::Folded => fields.get(place),
        })
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

/// Returns the origin of the defaults of a version, to be changed.
pub(crate) fn default_origin(minor: Minor) -> Origin {
    Origin::clone(&shared_default_origin(minor))
}

/// Returns the origin of the defaults of a version. Most settings have it.
pub(crate) fn shared_default_origin(minor: Minor) -> Arc<Origin> {
    static ORIGINS: LazyLock<Vec<Arc<Origin>>> = LazyLock::new(|| {
        Minor::all()
            .map(|minor| Arc::new(Origin::default_of(minor.to_string())))
            .collect()
    });
    let number = usize::from(minor.0.wrapping_sub(Minor::OLDEST.0));
    match ORIGINS.get(number) {
        Some(origin) => Arc::clone(origin),
        None => Arc::new(Origin::default_of(minor.to_string())),
    }
}
