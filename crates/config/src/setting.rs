//! A setting with its provenance: value, origin, what it overrode.

use std::collections::BTreeMap;
use std::sync::Arc;

use kubeassay_core::facts::Trouble;
use kubeassay_core::report::Overridden;
use kubeassay_core::{Bytes, Cause, Origin, Value};

/// One setting of a component.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// What is known of its value.
    pub state: State,
    /// Where the value stands; shared, since most settings have the origin of many others.
    pub origin: Arc<Origin>,
    /// What it overrode, latest first: at most 32 places.
    pub overrode: Vec<Overridden>,
}

/// What is known of a setting's value.
#[derive(Clone, Debug, PartialEq)]
pub enum State {
    /// No layer has said anything yet, or what was said was removed.
    Unset,
    /// The value.
    Known(Value),
    /// The entries of a map, each with an origin of its own.
    Entries(BTreeMap<String, Setting>),
    /// Some entries of a map; whether it has others, and which, cannot be told.
    Part(BTreeMap<String, Setting>, Arc<Unknown>),
    /// One of several defaults: the facts do not tell which of them this version has.
    OneOf(Vec<Value>),
    /// It cannot be told. One file that was not read makes many settings unknown.
    Unknown(Arc<Unknown>),
}

/// Why a value cannot be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// The cause.
    pub cause: Cause,
    /// One sentence for a person.
    pub reason: String,
    /// The file it is about.
    pub path: Option<Bytes>,
}

impl Unknown {
    /// Returns what follows from a file that could not be read.
    pub fn unread(path: &Bytes, trouble: &Trouble) -> Self {
        Self {
            cause: trouble.cause,
            reason: trouble.reason.clone(),
            path: Some(path.clone()),
        }
    }
}

/// How many overridden values of a setting are kept, the newest first.
pub(crate) const MOST_OVERRIDDEN: usize = 32;

impl Setting {
    /// Returns a setting with a value.
    pub fn known(value: Value, origin: impl Into<Arc<Origin>>) -> Self {
        Self {
            state: State::Known(value),
            origin: origin.into(),
            overrode: Vec::new(),
        }
    }

    /// Returns a setting about which nothing was said.
    pub fn unset(origin: impl Into<Arc<Origin>>) -> Self {
        Self {
            state: State::Unset,
            origin: origin.into(),
            overrode: Vec::new(),
        }
    }

    /// Returns the value, if it is known.
    pub fn value(&self) -> Option<Value> {
        match &self.state {
            State::Unset => Some(Value::Null),
            State::Known(value) => Some(value.clone()),
            State::Entries(entries) => entries
                .iter()
                .map(|(key, entry)| Some((key.clone(), entry.value()?)))
                .collect::<Option<BTreeMap<_, _>>>()
                .map(Value::Map),
            State::Part(..) | State::OneOf(_) | State::Unknown(_) => None,
        }
    }

    /// Returns why the value cannot be told, if it cannot.
    pub fn unknown(&self) -> Option<&Unknown> {
        match &self.state {
            State::Unknown(unknown) | State::Part(_, unknown) => Some(unknown),
            State::Entries(entries) => entries.values().find_map(Self::unknown),
            State::Unset | State::Known(_) | State::OneOf(_) => None,
        }
    }

    /// Puts `next` in this setting's place; what was here before becomes what `next` overrode, as far back as
    /// anybody would read.
    pub fn replace(&mut self, mut next: Self) {
        let before = std::mem::replace(self, Self::unset(Arc::clone(&next.origin)));
        if !matches!(before.state, State::Unset) {
            let value = before.value().unwrap_or(Value::Null);
            next.overrode.push(Overridden {
                value,
                origin: Arc::unwrap_or_clone(before.origin),
            });
        }
        // A hundred thousand of the same flag would else be moved a hundred thousand times.
        let room = MOST_OVERRIDDEN.saturating_sub(next.overrode.len());
        next.overrode.extend(before.overrode.into_iter().take(room));
        *self = next;
    }

    /// Removes the value, leaving `origin` as the place that removed it.
    pub fn remove(&mut self, origin: Arc<Origin>) {
        let mut removed = Self::unset(Arc::clone(&origin));
        removed.overrode.push(Overridden {
            value: Value::Null,
            origin: Arc::unwrap_or_clone(origin),
        });
        self.replace(removed);
    }

    /// Returns whether the value is known and is the zero value of its type.
    pub fn is_zero(&self) -> bool {
        match &self.state {
            State::Unset => true,
            State::Known(value) => is_zero(value),
            State::Entries(entries) => entries.is_empty(),
            State::Part(..) | State::OneOf(_) | State::Unknown(_) => false,
        }
    }
}

/// Returns whether Go would call the value zero.
fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Int(value) | Value::Duration(value) => *value == 0,
        Value::Float(value) => *value == 0.0,
        Value::String(text) => text.is_empty(),
        Value::List(list) => list.is_empty(),
        Value::Map(map) => map.is_empty(),
        Value::Redacted { length, .. } => *length == 0,
    }
}

#[cfg(test)]
mod tests {
    use kubeassay_core::{Origin, Value};

    use super::{MOST_OVERRIDDEN, Setting};

    #[test]
    fn of_very_many_overridden_values_the_newest_are_kept() {
        let mut setting = Setting::known(Value::Int(0), Origin::flag("v", 0));
        for index in 1..=100_000 {
            setting.replace(Setting::known(
                Value::Int(index.into()),
                Origin::flag("v", index),
            ));
        }
        assert_eq!(setting.value(), Some(Value::Int(100_000)));
        assert_eq!(setting.overrode.len(), MOST_OVERRIDDEN);
        assert_eq!(setting.overrode[0].value, Value::Int(99_999));
    }
}
