//! Numbers as Go's JSON writes and reads them.

/// A number as Go's `encoding/json` sees it: a literal, whose meaning depends on what it is decoded into.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Number {
    literal: String,
}

impl Number {
    /// Returns the number that a JSON literal writes. The literal is not checked; one that is no number is none for
    /// the `as_` methods either.
    pub fn from_literal(literal: impl Into<String>) -> Self {
        Self {
            literal: literal.into(),
        }
    }

    /// Returns the number that Go writes for `value`; nothing for infinities and what is no number, which Go refuses
    /// to write.
    pub fn from_f64(value: f64) -> Option<Self> {
        value.is_finite().then(|| Self {
            literal: format_float(value),
        })
    }

    /// Returns the literal.
    pub fn literal(&self) -> &str {
        &self.literal
    }

    /// Returns the number for a signed integer field: nothing where Go would refuse it. `10255.0` and `1e3` are no
    /// integers.
    pub fn as_i64(&self) -> Option<i64> {
        self.digits().and_then(|_| self.literal.parse().ok())
    }

    /// Returns the number for an unsigned integer field: nothing where Go would refuse it, which it does for `-0`.
    pub fn as_u64(&self) -> Option<u64> {
        self.digits()
            .filter(|_| !self.literal.starts_with('-'))
            .and_then(|_| self.literal.parse().ok())
    }

    /// Returns the number for a floating point field: nothing where Go would refuse it as too large.
    pub fn as_f64(&self) -> Option<f64> {
        let value: f64 = self.literal.parse().ok()?;
        value.is_finite().then_some(value)
    }

    /// Returns the number after a pass through an untyped Go value and back, as every value of a drop-in makes it:
    /// integers that fit 64 bits stay, all others become floating point, so that `10255.0` turns into `10255`.
    /// Nothing where Go refuses the number.
    pub fn untyped(&self) -> Option<Self> {
        match self.as_i64() {
            Some(value) => Some(Self {
                literal: value.to_string(),
            }),
            None => self.as_f64().and_then(Self::from_f64),
        }
    }

    fn digits(&self) -> Option<&str> {
        let digits = self.literal.strip_prefix('-').unwrap_or(&self.literal);
        (!digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())).then_some(digits)
    }
}

/// Writes a finite number as Go's `encoding/json` does: shortest, with an exponent below 1e-6 and from 1e21.
fn format_float(value: f64) -> String {
    let magnitude = value.abs();
    if magnitude != 0.0 && !(1e-6..1e21).contains(&magnitude) {
        let scientific = format!("{value:e}");
        match scientific.split_once('e') {
            Some((mantissa, exponent)) if !exponent.starts_with('-') => {
                format!("{mantissa}e+{exponent}")
            }
            _ => scientific,
        }
    } else {
        format!("{value}")
    }
}

#[cfg(test)]
mod tests {
    use super::Number;

    #[test]
    fn floats_are_written_as_go_writes_them() {
        for (value, expected) in [
            (10255.0, "10255"),
            (-0.0, "-0"),
            (0.1, "0.1"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (1.5e300, "1.5e+300"),
            (1e-6, "0.000001"),
            (1e-7, "1e-7"),
            (-1.25e-9, "-1.25e-9"),
            (18_446_744_073_709_551_616.0, "18446744073709552000"),
        ] {
            assert_eq!(Number::from_f64(value).unwrap().literal(), expected);
        }
        assert_eq!(Number::from_f64(f64::NAN), None);
        assert_eq!(Number::from_f64(f64::NEG_INFINITY), None);
    }

    #[test]
    fn integers_are_what_go_parses_as_integers() {
        for (literal, signed, unsigned, float) in [
            ("10255", Some(10255), Some(10255), Some(10255.0)),
            ("10255.0", None, None, Some(10255.0)),
            ("1e3", None, None, Some(1000.0)),
            ("-1", Some(-1), None, Some(-1.0)),
            ("-0", Some(0), None, Some(-0.0)),
            (
                "9223372036854775808",
                None,
                Some(1 << 63),
                Some(9_223_372_036_854_775_808.0),
            ),
            ("1e999", None, None, None),
        ] {
            let number = Number::from_literal(literal);
            assert_eq!(
                (number.as_i64(), number.as_u64(), number.as_f64()),
                (signed, unsigned, float),
                "{literal}"
            );
        }
    }

    #[test]
    fn drop_ins_turn_whole_floats_into_integers() {
        for (literal, expected) in [
            ("10255.0", Some("10255")),
            ("-0", Some("0")),
            ("1e3", Some("1000")),
            ("1e999", None),
        ] {
            let number = Number::from_literal(literal).untyped();
            assert_eq!(number.as_ref().map(Number::literal), expected, "{literal}");
        }
    }
}
