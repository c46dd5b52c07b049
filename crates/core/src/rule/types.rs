//! The types of an expression, as far as they can be told without values.
//!
//! Wrong only where no value could ever make it right: `==` between a number and a text is simply false in
//! CEL, so that a check with one would pass or fail for ever without anybody noticing.

use std::fmt;

use super::setting::SettingType;

/// The type of a part of an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    Any,
    Null,
    Bool,
    /// A number that is no duration; a literal one may be compared with a duration only if it is zero.
    Number {
        zero: bool,
    },
    /// Nanoseconds.
    Duration,
    /// A text whose order is not that of the amounts it stands for.
    Quantity,
    String,
    List(Box<Self>),
    Map(Box<Self>),
}

impl Type {
    /// Returns the type that a setting has in an expression.
    pub(crate) fn of(setting: &SettingType) -> Self {
        match setting {
            SettingType::Bool => Self::Bool,
            SettingType::Int | SettingType::Float => Self::Number { zero: false },
            SettingType::String => Self::String,
            SettingType::Quantity => Self::Quantity,
            SettingType::Duration => Self::Duration,
            SettingType::List(of) => Self::List(Box::new(Self::of(of))),
            SettingType::Map(of) => Self::Map(Box::new(Self::of(of))),
            SettingType::Any => Self::Any,
        }
    }

    /// Returns whether values of both types can be equal.
    pub(crate) fn meets(&self, other: &Self) -> bool {
        match (self, other) {
            // A setting that is unset is null, whatever its type.
            (Self::Any | Self::Null, _)
            | (_, Self::Any | Self::Null)
            | (Self::Bool, Self::Bool)
            | (Self::Number { .. }, Self::Number { .. })
            | (Self::Duration, Self::Duration | Self::Number { zero: true })
            | (Self::Number { zero: true }, Self::Duration)
            | (Self::String | Self::Quantity, Self::String | Self::Quantity) => true,
            (Self::List(a), Self::List(b)) | (Self::Map(a), Self::Map(b)) => a.meets(b),
            _ => false,
        }
    }

    /// Returns the type that holds values of both.
    pub(crate) fn join(self, other: Self) -> Self {
        match (self, other) {
            (a, b) if a == b => a,
            (Self::Number { .. }, Self::Number { .. }) => Self::Number { zero: false },
            _ => Self::Any,
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Any => "any value",
            Self::Null => "null",
            Self::Bool => "a boolean",
            Self::Number { .. } => "a number",
            Self::Duration => "a duration",
            Self::Quantity => "a quantity",
            Self::String => "a string",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
        })
    }
}
