//! What a check can ask for: settings, their types, and who answers.
//!
//! The rules know neither hosts nor components. Whoever evaluates them brings [`Settings`] (the values,
//! or why there is none) and whoever lints them brings a [`Schema`] (which settings there are).

use std::fmt;

use crate::rule::functions::{parse_duration, parse_quantity};
use crate::value::Value;
use crate::verdict::Cause;

/// The answer to one read.
#[derive(Clone, Debug, PartialEq)]
pub enum Reading {
    /// The effective value.
    Value(Value),
    /// The value could not be told. Never stands for absence or a default.
    Unknown {
        /// Why.
        cause: Cause,
        /// One sentence for a person.
        reason: String,
    },
    /// There is no setting of that name.
    NoSuchSetting,
}

/// The effective settings that a check is evaluated against.
pub trait Settings: Sync {
    /// Reads a setting by its full name, such as `kubelet.authorization.mode`.
    ///
    /// A map (`kubelet.featureGates`) is one setting. A name that goes on below a setting
    /// (`kubelet.featureGates.X`) is [`Reading::NoSuchSetting`]: it is then read as a member of the map.
    fn read(&self, setting: &str) -> Reading;
}

/// Which settings there are, for [`lint`](super::Rule::lint).
pub trait Schema {
    /// Returns the type of a setting, by its full name.
    fn setting(&self, setting: &str) -> Option<SettingType>;
    /// Returns the full names of all settings.
    fn names(&self) -> Vec<String>;
    /// Returns the names of the components, such as `kubelet`, and of whatever else there is a finding for each of.
    fn components(&self) -> &[&str];
    /// Returns the roles of files that rules may be about, such as `pki-key`.
    fn roles(&self) -> &[&str] {
        &[]
    }
}

/// The type of a setting or of a choice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SettingType {
    /// A boolean.
    Bool,
    /// An integer.
    Int,
    /// A floating point number.
    Float,
    /// A string.
    String,
    /// A duration: an integer of nanoseconds in a check, a text as Go writes it in a page.
    Duration,
    /// A Kubernetes quantity: a string in a check, to be compared through `quantity(…)`.
    Quantity,
    /// A list.
    List(Box<Self>),
    /// A map with text keys.
    Map(Box<Self>),
    /// Anything.
    Any,
}

impl SettingType {
    /// Returns the type of a choice by the word that a page uses, such as `duration` or `list`.
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "bool" => Self::Bool,
            "int" => Self::Int,
            "float" => Self::Float,
            "string" => Self::String,
            "duration" => Self::Duration,
            "quantity" => Self::Quantity,
            "list" => Self::List(Box::new(Self::String)),
            _ => return None,
        })
    }

    /// Returns `value` as this type holds it, or what was expected instead.
    ///
    /// A text that stands for a duration becomes [`Value::Duration`].
    ///
    /// # Errors
    ///
    /// One sentence that says what the type wants.
    pub fn fit(&self, value: Value) -> Result<Value, String> {
        match (self, value) {
            (Self::Duration, Value::String(text)) => {
                parse_duration(&text.to_string_lossy()).map(Value::Duration)
            }
            (Self::Quantity, Value::String(text)) => {
                parse_quantity(&text.to_string_lossy()).map(|_| Value::String(text))
            }
            (Self::Quantity, Value::Int(number)) => Ok(Value::string(number.to_string())),
            (Self::Float, Value::Int(number)) => {
                #[expect(clippy::cast_precision_loss, reason = "what a page writes for a float")]
                let number = number as f64;
                Ok(Value::Float(number))
            }
            (Self::List(of), Value::List(values)) => values
                .into_iter()
                .map(|value| of.fit(value))
                .collect::<Result<_, _>>()
                .map(Value::List),
            (Self::Map(of), Value::Map(values)) => values
                .into_iter()
                .map(|(key, value)| Ok((key, of.fit(value)?)))
                .collect::<Result<_, _>>()
                .map(Value::Map),
            (Self::Bool, value @ Value::Bool(_))
            | (Self::Int, value @ Value::Int(_))
            | (Self::Float, value @ Value::Float(_))
            | (Self::String, value @ Value::String(_))
            | (Self::Duration, value @ Value::Duration(_))
            | (Self::Any, value) => Ok(value),
            (_, value) => Err(format!("expected {self}, found {}", kind_of(&value))),
        }
    }
}

impl fmt::Display for SettingType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool => f.write_str("a boolean"),
            Self::Int => f.write_str("an integer"),
            Self::Float => f.write_str("a number"),
            Self::String => f.write_str("a string"),
            Self::Duration => f.write_str("a duration"),
            Self::Quantity => f.write_str("a quantity"),
            Self::List(_) => f.write_str("a list"),
            Self::Map(_) => f.write_str("a map"),
            Self::Any => f.write_str("any value"),
        }
    }
}

/// Returns what kind of value it is, in words.
pub(crate) const fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Int(_) => "an integer",
        Value::Float(_) => "a number",
        Value::String(_) => "a string",
        Value::Duration(_) => "a duration",
        Value::List(_) => "a list",
        Value::Map(_) => "a map",
        Value::Redacted { .. } => "a secret",
    }
}

/// Returns the names of `known` that `word` may have been meant to be, best first, at most three.
pub fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let word = word.to_lowercase();
    let mut near: Vec<(usize, f64, &str)> = known
        .into_iter()
        .filter_map(|name| {
            let lower = name.to_lowercase();
            let similarity = strsim::jaro_winkler(&word, &lower);
            let distance = strsim::damerau_levenshtein(&word, &lower);
            let allowed = (word.chars().count() / 4).clamp(1, 6);
            (distance <= allowed || (similarity > 0.93 && distance <= 2 * allowed))
                .then_some((distance, similarity, name))
        })
        .collect();
    near.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.total_cmp(&a.1)).then(a.2.cmp(b.2)));
    near.dedup_by(|a, b| a.2 == b.2);
    near.into_iter()
        .take(3)
        .map(|(_, _, name)| name.to_owned())
        .collect()
}

/// Returns `did you mean …?` for the names, or nothing where there are none.
pub fn suggestion(names: &[String]) -> Option<String> {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.as_slice() {
        [] => None,
        [only] => Some(format!("did you mean {only}?")),
        [rest @ .., last] => Some(format!("did you mean {} or {last}?", rest.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::{SettingType, did_you_mean, suggestion};
    use crate::value::Value;

    #[test]
    fn values_of_a_page_fit_the_type_or_say_what_was_expected() {
        let list = SettingType::List(Box::new(SettingType::String));
        for (wanted, value, fits) in [
            (SettingType::Bool, Value::Bool(true), Ok(Value::Bool(true))),
            (
                SettingType::Duration,
                Value::string("4h"),
                Ok(Value::Duration(14_400_000_000_000)),
            ),
            (SettingType::Float, Value::Int(2), Ok(Value::Float(2.0))),
            (
                SettingType::Quantity,
                Value::string("100Mi"),
                Ok(Value::string("100Mi")),
            ),
            (
                SettingType::Int,
                Value::string("4"),
                Err("expected an integer, found a string"),
            ),
            (
                list,
                Value::List(vec![Value::Int(1)]),
                Err("expected a string, found an integer"),
            ),
        ] {
            assert_eq!(wanted.fit(value), fits.map_err(str::to_owned));
        }
        assert!(SettingType::Duration.fit(Value::string("4 h")).is_err());
    }

    #[test]
    fn near_names_are_suggested_and_far_ones_are_not() {
        let names = [
            "kubelet.authorization.mode",
            "kubelet.readOnlyPort",
            "kubelet.port",
        ];
        assert_eq!(
            did_you_mean("kubelet.authorisation.mode", names),
            ["kubelet.authorization.mode"]
        );
        assert_eq!(
            did_you_mean("kubelet.readonlyport", names),
            ["kubelet.readOnlyPort"]
        );
        assert!(did_you_mean("kubelet.maxPods", names).is_empty());
        assert_eq!(suggestion(&[]), None);
        let both = ["a".to_owned(), "b".to_owned()];
        assert_eq!(
            suggestion(&both).as_deref(),
            Some("did you mean `a` or `b`?")
        );
    }
}
