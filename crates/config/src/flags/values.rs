//! What the occurrences of a flag come to.

use std::collections::BTreeMap;
use std::sync::Arc;

use kubeassay_core::report::Overridden;
use kubeassay_core::{Origin, OriginKind, Value};

use super::{CommandLine, FlagValue, Occurrence};
use crate::setting::{MOST_OVERRIDDEN, Setting, State};
use crate::settings::shared_default_origin;
use crate::tables::{DefaultSpan, Flag, Minor};

/// Returns the value of a flag that sets no field.
pub(crate) fn own(line: &CommandLine, flag: &Flag, minor: Minor) -> Setting {
    let mut setting = default_of(flag, minor);
    if let Some(occurrences) = line.given.get(flag.name) {
        apply(&mut setting, occurrences, false);
    }
    setting
}

fn default_of(flag: &Flag, minor: Minor) -> Setting {
    let holds = |span: &&DefaultSpan| span.from <= minor && minor <= span.to;
    let mut values: Vec<Value> = flag
        .defaults
        .iter()
        .filter(holds)
        .map(|span| span.value.to_value())
        .collect();
    values.dedup();
    let state = match values.len() {
        0 => State::OneOf(Vec::new()),
        1 => values.pop().map_or(State::Unset, State::Known),
        _ => State::OneOf(values),
    };
    Setting {
        state,
        ..Setting::unset(shared_default_origin(minor))
    }
}

/// Applies the occurrences of a flag to a setting, in their order; `keep` adds to a map what it does not hold yet.
pub(crate) fn apply(setting: &mut Setting, occurrences: &[Occurrence], keep: bool) {
    let mut first_of_map = !keep;
    let mut first_of_list = true;
    // Of single values only the last one counts; no more of the others than would be kept are tried.
    let counts = match occurrences.last().map(|last| &last.value) {
        Some(FlagValue::One(_)) => MOST_OVERRIDDEN + 1,
        _ => occurrences.len(),
    };
    let counting = occurrences.get(occurrences.len().saturating_sub(counts)..);
    for Occurrence {
        flag,
        text,
        value,
        origin,
    } in counting.unwrap_or_default()
    {
        match value {
            FlagValue::One(value) => {
                let value = if flag.secret {
                    crate::secrets::redact(text)
                } else {
                    value.clone()
                };
                setting.replace(Setting::known(value, origin.clone()));
            }
            FlagValue::Elements(elements) => {
                let elements = elements
                    .iter()
                    .map(|element| Value::String(element.clone()));
                match &mut setting.state {
                    State::Known(Value::List(list)) if !first_of_list => {
                        list.extend(elements);
                        setting.origin = origin.clone();
                    }
                    _ => setting.replace(Setting::known(
                        Value::List(elements.collect()),
                        origin.clone(),
                    )),
                }
                first_of_list = false;
            }
            FlagValue::Entries(entries) => {
                if keep && let State::Unknown(unknown) = &setting.state {
                    setting.state = State::Part(BTreeMap::new(), unknown.clone());
                } else if first_of_map
                    || !matches!(setting.state, State::Entries(_) | State::Part(..))
                {
                    let state = State::Entries(BTreeMap::new());
                    setting.replace(Setting {
                        state,
                        ..Setting::unset(origin.clone())
                    });
                    first_of_map = false;
                }
                add_entries(setting, entries, flag, origin);
            }
        }
    }
}

fn add_entries(
    setting: &mut Setting,
    entries: &[(String, Value)],
    flag: &Flag,
    origin: &Arc<Origin>,
) {
    let (map, partial) = match &mut setting.state {
        State::Entries(map) => (map, false),
        State::Part(map, _) => (map, true),
        _ => return,
    };
    for (key, value) in entries {
        let value = match value {
            Value::String(text) if flag.secret => crate::secrets::redact(text),
            value => value.clone(),
        };
        let next = Setting::known(value, origin.clone());
        match map.get_mut(key) {
            Some(entry) => entry.replace(next),
            None => {
                map.insert(key.clone(), next);
            }
        }
    }
    // Of a map that is known in part the origin is that of what is not known.
    if !partial && setting.origin != *origin {
        let before = std::mem::replace(&mut setting.origin, origin.clone());
        if !matches!(
            before.kind,
            OriginKind::Flag | OriginKind::Unit | OriginKind::Environment
        ) {
            setting.overrode.insert(
                0,
                Overridden {
                    value: Value::Null,
                    origin: Arc::unwrap_or_clone(before),
                },
            );
        }
    }
}
