//! Defaults: what holds where nobody said anything, and where a zero cannot be told from silence.

use std::collections::BTreeMap;
use std::sync::Arc;

use kubeassay_core::{Origin, Value};

use super::{Defaults, Settings, default_origin, shared_default_origin};
use crate::setting::{Setting, State, Unknown};
use crate::tables::{Constant, DefaultSpan, Field, FieldKind, Minor};

impl Settings {
    /// Fills in what nobody said, and zero values that cannot be told from silence.
    pub(crate) fn apply_defaults(&mut self, defaults: Defaults) {
        // Derived from other fields, before those get defaults of their own.
        self.default_report_frequency();
        for field in self.fields() {
            if defaults == Defaults::Again
                && field.path == "evictionHard"
                && self.minor >= Minor(26)
            {
                continue;
            }
            let silent = self.of(field).is_none_or(|setting| {
                let negative = field.path == "podPidsLimit"
                    && matches!(setting.state, State::Known(Value::Int(limit)) if limit < 0);
                matches!(setting.state, State::Unset)
                    || (!field.zero_kept && setting.is_zero())
                    || negative
            });
            let legacy = defaults == Defaults::Legacy && !field.legacy_defaults.is_empty();
            let spans = if legacy {
                field.legacy_defaults
            } else {
                field.defaults
            };
            if silent && let Some(state) = default_state(field, spans, self.minor) {
                let origin = if legacy {
                    Arc::new(Origin {
                        name: Some(Arc::from("no --config")),
                        ..default_origin(self.minor)
                    })
                } else {
                    shared_default_origin(self.minor)
                };
                self.entry(field).replace(Setting {
                    state,
                    ..Setting::unset(origin)
                });
            }
        }
        self.default_serialized_pulls();
    }

    /// `nodeStatusReportFrequency` follows `nodeStatusUpdateFrequency` where only that one is set
    /// (`v1beta1/defaults.go`).
    fn default_report_frequency(&mut self) {
        let said = |path| self.get(path).filter(|setting| !setting.is_zero());
        let (None, Some(update)) = (
            said("nodeStatusReportFrequency"),
            said("nodeStatusUpdateFrequency"),
        ) else {
            return;
        };
        let report = Setting {
            overrode: Vec::new(),
            ..update.clone()
        };
        if let Some(field) = self.tables.field("nodeStatusReportFrequency") {
            self.entry(field).replace(report);
        }
    }

    /// `serializeImagePulls` is off by default where several pulls are allowed at once (1.27 and later).
    fn default_serialized_pulls(&mut self) {
        let parallel = matches!(
            self.get("maxParallelImagePulls")
                .map(|setting| &setting.state),
            Some(State::Known(Value::Int(2..)))
        );
        let Some(field) = self.tables.field("serializeImagePulls") else {
            return;
        };
        if self.minor >= Minor(27) && parallel {
            let setting = self.entry(field);
            if setting.origin.kind == kubeassay_core::OriginKind::Default {
                setting.state = State::Known(Value::Bool(false));
            }
        }
    }
}

/// Returns the default of a field in a minor; `None` where it has none.
pub(crate) fn default_state(field: &Field, spans: &[DefaultSpan], minor: Minor) -> Option<State> {
    let mut candidates: Vec<State> = Vec::new();
    for span in spans
        .iter()
        .filter(|span| span.from <= minor && minor <= span.to)
    {
        let state = constant(field, &span.value, minor);
        if !candidates.contains(&state) {
            candidates.push(state);
        }
    }
    match candidates.len() {
        0 => None,
        1 => candidates.pop(),
        _ => {
            let value = |state: State| {
                Setting {
                    state,
                    ..Setting::unset(shared_default_origin(minor))
                }
                .value()
            };
            Some(State::OneOf(
                candidates.into_iter().filter_map(value).collect(),
            ))
        }
    }
}

fn constant(field: &Field, value: &Constant, minor: Minor) -> State {
    match value {
        Constant::Null => State::Unset,
        Constant::Map(entries) => State::Entries(
            entries
                .iter()
                .map(|(key, value)| {
                    (
                        (*key).to_owned(),
                        Setting::known(Value::string(*value), shared_default_origin(minor)),
                    )
                })
                .collect(),
        ),
        Constant::List(list)
            if matches!(field.kind, FieldKind::BoolMap | FieldKind::StringMap)
                && list.is_empty() =>
        {
            State::Entries(BTreeMap::new())
        }
        other => State::Known(other.to_value()),
    }
}

impl Constant {
    /// Returns the constant as a value.
    pub fn to_value(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(*value),
            Self::Int(value) => Value::Int(*value),
            Self::Float(value) => Value::Float(*value),
            Self::Str(text) => Value::string(*text),
            Self::Duration(value) => Value::Duration(*value),
            Self::List(list) => Value::List(list.iter().map(|text| Value::string(*text)).collect()),
            Self::Map(map) => Value::Map(
                map.iter()
                    .map(|(key, value)| ((*key).to_owned(), Value::string(*value)))
                    .collect(),
            ),
        }
    }
}

/// Returns why a default that is one of several is not known.
pub(crate) fn one_of(values: &[Value]) -> Unknown {
    let shown: Vec<String> = values.iter().map(ToString::to_string).collect();
    Unknown {
        cause: kubeassay_core::Cause::VersionUnknown,
        reason: format!(
            "the default in this version is not known for sure: {}",
            shown.join(" or ")
        ),
        path: None,
    }
}
