//! Default values: from what the data says to the text of a `Constant`.

use std::collections::BTreeMap;

use super::data::{FieldKind, FlagKind, Plain};

/// The shape of a constant, for fields and flags alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Bool,
    Int { min: i64, max: i64 },
    Float,
    Text,
    Duration,
    List,
    Map,
}

impl Shape {
    const INT32: Self = Self::Int {
        min: i32::MIN as i64,
        max: i32::MAX as i64,
    };
    const INT64: Self = Self::Int {
        min: i64::MIN,
        max: i64::MAX,
    };

    /// Returns the shape of a field's default.
    pub(super) fn of_field(kind: FieldKind) -> Self {
        match kind {
            FieldKind::Bool => Self::Bool,
            FieldKind::Int32 => Self::INT32,
            FieldKind::Int64 => Self::INT64,
            FieldKind::Uint32 => Self::Int {
                min: 0,
                max: i64::from(u32::MAX),
            },
            FieldKind::Float64 => Self::Float,
            FieldKind::String | FieldKind::Quantity => Self::Text,
            FieldKind::Duration | FieldKind::TimeOrDuration => Self::Duration,
            FieldKind::StringList | FieldKind::Int32List | FieldKind::ObjectList => Self::List,
            FieldKind::StringMap | FieldKind::BoolMap | FieldKind::StringListMap => Self::Map,
        }
    }

    /// Returns the shape of a flag's default.
    pub(super) fn of_flag(kind: FlagKind) -> Self {
        match kind {
            FlagKind::Bool => Self::Bool,
            FlagKind::Int32 | FlagKind::Level => Self::INT32,
            FlagKind::Int64 | FlagKind::Int => Self::INT64,
            FlagKind::Uint64 => Self::Int {
                min: 0,
                max: i64::MAX,
            },
            FlagKind::Float64 => Self::Float,
            FlagKind::Duration => Self::Duration,
            FlagKind::String
            | FlagKind::Ip
            | FlagKind::IpPort
            | FlagKind::Quantity
            | FlagKind::Opaque
            | FlagKind::Version => Self::Text,
            FlagKind::StringSlice
            | FlagKind::StringArray
            | FlagKind::Taints
            | FlagKind::ReservedMemory => Self::List,
            FlagKind::StringMap
            | FlagKind::BoolMap
            | FlagKind::Gates
            | FlagKind::Thresholds
            | FlagKind::Multimap => Self::Map,
        }
    }

    /// Returns a value as the text of a `Constant`, or what is wrong with it.
    pub(super) fn constant(self, value: &Plain) -> Result<String, String> {
        Ok(match (self, value) {
            (_, Plain::Null) => "Constant::Null".to_owned(),
            (Self::Bool, Plain::Bool(value)) => format!("Constant::Bool({value})"),
            (Self::Int { min, max }, Plain::Int(value)) if (min..=max).contains(value) => {
                format!("Constant::Int({})", grouped(*value))
            }
            (Self::Float, Plain::Float(value)) => format!("Constant::Float({value:?})"),
            (Self::Text, Plain::Text(value)) => format!("Constant::Str({value:?})"),
            (Self::Duration, Plain::Text(value)) => {
                let nanoseconds =
                    nanoseconds(value).ok_or_else(|| format!("`{value}` is no Go duration"))?;
                format!("Constant::Duration({})", grouped(nanoseconds))
            }
            (Self::List, Plain::List(items)) => format!("Constant::List(&[{}])", texts(items)?),
            (Self::Map, Plain::Map(entries)) => format!("Constant::Map(&[{}])", pairs(entries)?),
            _ => return Err(format!("{value:?} is not of its type")),
        })
    }
}

fn texts(items: &[Plain]) -> Result<String, String> {
    let texts: Result<Vec<String>, String> = items.iter().map(text).collect();
    Ok(texts?.join(", "))
}

fn pairs(entries: &BTreeMap<String, Plain>) -> Result<String, String> {
    let pairs: Result<Vec<String>, String> = entries
        .iter()
        .map(|(key, value)| Ok(format!("({key:?}, {})", text(value)?)))
        .collect();
    Ok(pairs?.join(", "))
}

fn text(value: &Plain) -> Result<String, String> {
    match value {
        Plain::Text(text) => Ok(format!("{text:?}")),
        other => Err(format!("{other:?} is no text")),
    }
}

/// Returns a number with `_` between groups of three digits.
pub(crate) fn grouped(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('_');
        }
        text.push(digit);
    }
    if number < 0 { format!("-{text}") } else { text }
}

/// Returns the nanoseconds of a duration as Go prints it: `1h30m0s`, `100ms`, `0s`.
fn nanoseconds(text: &str) -> Option<i64> {
    let mut rest = text;
    let mut total = 0_i64;
    while !rest.is_empty() {
        let digits = rest.find(|letter: char| !letter.is_ascii_digit())?;
        let (number, tail) = rest.split_at_checked(digits)?;
        let letters = tail
            .find(|letter: char| letter.is_ascii_digit())
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at_checked(letters)?;
        let unit = match unit {
            "ns" => 1,
            "us" | "µs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            _ => return None,
        };
        total = number
            .parse::<i64>()
            .ok()?
            .checked_mul(unit)?
            .checked_add(total)?;
        rest = tail;
    }
    (!text.is_empty()).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_go_prints_them() {
        assert_eq!(nanoseconds("0s"), Some(0));
        assert_eq!(nanoseconds("100ms"), Some(100_000_000));
        assert_eq!(nanoseconds("1h30m0s"), Some(5_400_000_000_000));
        for wrong in ["", "5", "s", "5d", "1.5h", "-5s"] {
            assert_eq!(nanoseconds(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn long_numbers_are_grouped() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(-999), "-999");
        assert_eq!(grouped(1_000_000), "1_000_000");
        assert_eq!(grouped(i64::MIN), "-9_223_372_036_854_775_808");
    }

    #[test]
    fn a_value_of_another_type_is_refused() {
        assert!(Shape::Bool.constant(&Plain::Text("true".into())).is_err());
        assert!(Shape::INT32.constant(&Plain::Int(i64::MAX)).is_err());
        assert!(Shape::Duration.constant(&Plain::Text("5d".into())).is_err());
        assert_eq!(
            Shape::Duration.constant(&Plain::Text("1s".into())),
            Ok("Constant::Duration(1_000_000_000)".into())
        );
    }
}
