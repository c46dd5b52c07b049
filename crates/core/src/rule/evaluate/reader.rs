//! Reads of one evaluation: settings and choices in, values or our own errors out.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use cel::ExecutionError;
use cel::common::types::Type;
use cel::common::value::{CowVal, StaticVal, Val};
use cel::context::VariableResolver;
use cel::objects::{Key, Map};

use super::super::check::{Choices, UnknownSetting};
use super::super::expression::{Expression, READ, Route, route_number};
use super::super::setting::{Reading, Settings};
use super::{CHOICES, Undecided, describe};
use crate::text;
use crate::value::Value;
use crate::verdict::Cause;

/// Answers the reads of one evaluation.
pub(super) struct Reader<'a> {
    expression: &'a Expression,
    settings: &'a dyn Settings,
    choices: Choices<'a>,
    log: Mutex<Log>,
}

/// What was read, and which reads gave no value.
#[derive(Default)]
struct Log {
    read: Vec<String>,
    raised: Vec<Undecided>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(
        expression: &'a Expression,
        settings: &'a dyn Settings,
        choices: Choices<'a>,
    ) -> Self {
        Self {
            expression,
            settings,
            choices,
            log: Mutex::default(),
        }
    }

    /// Returns the names of the settings that were read.
    pub(super) fn into_read(self) -> Vec<String> {
        self.log
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
            .read
    }

    fn read(&self, route: &Route) -> Result<cel::Value, Undecided> {
        match route.segments.as_slice() {
            [root, name, rest @ ..] if root == CHOICES => member(self.choice(name)?, rest),
            [root] => Err(Undecided::fault(format!(
                "`{root}` is not a setting: name one below it"
            ))),
            segments => self.setting(segments),
        }
    }

    fn choice(&self, name: &str) -> Result<cel::Value, Undecided> {
        let declared = self
            .choices
            .declared
            .iter()
            .find(|choice| choice.name == name);
        let declared = declared.ok_or_else(|| {
            Undecided::fault(format!(
                "the page declares no choice `{}`",
                text::escape(name)
            ))
        })?;
        let value = self.choices.chosen.get(name).or(declared.default.as_ref());
        let needed = || Undecided {
            choice: Some(name.to_owned()),
            ..Undecided::default()
        };
        convert(value.ok_or_else(needed)?).map_err(|reason| {
            Undecided::fault(format!("the choice `{}` {reason}", text::escape(name)))
        })
    }

    /// Reads the longest part of the chain that is a setting; the rest are members of its value.
    fn setting(&self, segments: &[String]) -> Result<cel::Value, Undecided> {
        for length in (2..=segments.len()).rev() {
            let (name, rest) = segments.split_at_checked(length).unwrap_or((segments, &[]));
            let name = name.join(".");
            let reading = self.settings.read(&name);
            if reading == Reading::NoSuchSetting {
                continue;
            }
            self.log(|log| {
                if !log.read.contains(&name) {
                    log.read.push(name.clone());
                }
            });
            let unknown = |cause, reason| Undecided {
                unknown: vec![UnknownSetting {
                    setting: name.clone(),
                    cause,
                    reason,
                }],
                ..Undecided::default()
            };
            return match reading {
                Reading::Value(value) => {
                    let value = convert(&value)
                        .map_err(|reason| unknown(Cause::Unsupported, reason.to_owned()))?;
                    member(value, rest)
                }
                Reading::Unknown { cause, reason } => Err(unknown(cause, reason)),
                Reading::NoSuchSetting => continue,
            };
        }
        Err(Undecided::fault(format!(
            "there is no setting `{}`",
            text::escape(&segments.join("."))
        )))
    }

    /// Returns what an error of the evaluator means: one that we raised, or a fault of the page.
    pub(super) fn undecided(&self, error: &ExecutionError) -> Undecided {
        if let ExecutionError::FunctionError { function, message } = error
            && function == READ
            && let Ok(number) = message.parse::<usize>()
            && let Some(raised) = self.log(|log| log.raised.get(number).cloned())
        {
            return raised;
        }
        Undecided::fault(describe(error))
    }

    fn log<T>(&self, with: impl FnOnce(&mut Log) -> T) -> T {
        with(&mut self.log.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl VariableResolver for Reader<'_> {
    fn resolve<'b>(&'b self, variable: &str) -> Option<CowVal<'b, 'b>> {
        let route = self.expression.routes.get(route_number(variable)?)?;
        let read = self.read(route).and_then(|value| {
            Box::<dyn Val>::try_from(value).map_err(|error| Undecided::fault(error.to_string()))
        });
        Some(match read {
            Ok(value) => CowVal::Owned(value),
            Err(undecided) => CowVal::owned(self.log(|log| {
                log.raised.push(undecided);
                Raised(log.raised.len() - 1)
            })),
        })
    }
}

/// The value that stands for a read without a value until [`raise`] makes an error of it. No expression ever sees it.
#[derive(Clone, Copy, Debug)]
struct Raised(usize);

static RAISED: Type = Type::new_unspecified_type("kubeassay.raised");

impl Val for Raised {
    fn get_type(&self) -> &Type {
        &RAISED
    }

    fn cel_type() -> &'static Type {
        &RAISED
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v> {
        Box::new(*self)
    }

    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

impl StaticVal for Raised {}

/// `@read`: gives back its argument, or raises what it stands for.
pub(super) fn raise<'b, 'v>(args: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let value = args
        .into_iter()
        .next()
        .ok_or_else(ExecutionError::missing_argument_or_target)?;
    match value.downcast_ref::<Raised>() {
        Some(Raised(number)) => Err(ExecutionError::function_error(READ, number)),
        None => Ok(value),
    }
}

/// Returns the member of a value at the end of `rest`.
fn member(value: cel::Value, rest: &[String]) -> Result<cel::Value, Undecided> {
    rest.iter().try_fold(value, |value, name| match &value {
        cel::Value::Map(map) => map
            .map
            .get(&Key::from(name.clone()))
            .cloned()
            .ok_or_else(|| {
                let name = text::escape(name);
                Undecided::fault(format!(
                    "the map has no entry `{name}`; ask with `has(…)` or `in` first"
                ))
            }),
        _ => Err(Undecided::fault(format!(
            "`{}` is asked of a value that is not a map",
            text::escape(name)
        ))),
    })
}

/// Returns a value as CEL holds it, or why it cannot.
fn convert(value: &Value) -> Result<cel::Value, &'static str> {
    Ok(match value {
        Value::Null => cel::Value::Null,
        Value::Bool(value) => cel::Value::Bool(*value),
        Value::Int(value) | Value::Duration(value) => cel::Value::Int(*value),
        Value::Float(value) => cel::Value::Float(*value),
        Value::String(value) => cel::Value::String(Arc::new(value.to_string_lossy())),
        Value::List(values) => cel::Value::List(Arc::new(
            values.iter().map(convert).collect::<Result<_, _>>()?,
        )),
        Value::Map(values) => {
            let entries: Result<BTreeMap<Key, cel::Value>, &'static str> = values
                .iter()
                .map(|(key, value)| Ok((Key::from(key.clone()), convert(value)?)))
                .collect();
            let map = Arc::new(entries?.into_iter().collect());
            cel::Value::Map(Map { map })
        }
        Value::Redacted { .. } => return Err("is a secret, of which only a digest was taken"),
    })
}
