//! The one form of a JSON document: RFC 8785, the JSON Canonicalization Scheme.
//!
//! No white space, keys sorted by their UTF-16 code units, numbers as ECMAScript writes them, strings with no more escapes
//! than JSON needs. Two documents that say the same have the same bytes, whoever wrote them.

use serde::Serialize;
use serde_json::{Number, Value};
use thiserror::Error;

/// The largest integer that every reader of JSON takes for itself: 2⁵³ − 1 (RFC 7493).
const LARGEST: u64 = (1 << 53) - 1;

/// Why a value has no canonical form.
#[derive(Debug, Error)]
pub enum CanonicalError {
    /// It has no form in JSON at all.
    #[error("cannot be written as JSON")]
    Json(#[from] serde_json::Error),
    /// A reader that knows only floating point would take the number for another.
    #[error(
        "{0} is beyond the integers that every reader of JSON knows (2^53 - 1); write it as a text"
    )]
    Integer(Number),
}

/// Returns the canonical form of a value, in UTF-8.
///
/// # Errors
///
/// Where it has none.
pub fn to_string<T: Serialize + ?Sized>(value: &T) -> Result<String, CanonicalError> {
    let mut out = String::new();
    write(&serde_json::to_value(value)?, &mut out)?;
    Ok(out)
}

fn write(value: &Value, out: &mut String) -> Result<(), CanonicalError> {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(number) => out.push_str(&numeral(number)?),
        // serde escapes what RFC 8785 wants escaped, in the same way, and nothing else.
        Value::String(text) => out.push_str(&serde_json::to_string(text)?),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write(item, out)?;
            }
            out.push(']');
        }
        Value::Object(entries) => {
            let mut entries: Vec<(&String, &Value)> = entries.iter().collect();
            entries.sort_by(|(one, _), (other, _)| one.encode_utf16().cmp(other.encode_utf16()));
            out.push('{');
            for (index, (key, value)) in entries.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                out.push_str(&serde_json::to_string(key)?);
                out.push(':');
                write(value, out)?;
            }
            out.push('}');
        }
    }
    Ok(())
}

/// Returns a number as ECMAScript's `Number::toString` writes it.
fn numeral(number: &Number) -> Result<String, CanonicalError> {
    let integer = number
        .as_u64()
        .or_else(|| number.as_i64().map(i64::unsigned_abs));
    if let Some(integer) = integer {
        return if integer <= LARGEST {
            Ok(number.to_string())
        } else {
            Err(CanonicalError::Integer(number.clone()))
        };
    }
    let shortest = number.to_string();
    Ok(number
        .as_f64()
        .map_or_else(|| shortest.clone(), |value| float(value, &shortest)))
}

/// Returns a floating point number, which is finite, with the fewest digits that mean it; `shortest` has them. Of two that
/// are equally near, JSON's writer takes the even one, as ECMAScript does and `{:e}` does not.
fn float(number: f64, shortest: &str) -> String {
    if number == 0.0 {
        return "0".to_owned();
    }
    let shortest = shortest.trim_start_matches('-');
    let (mantissa, exponent) = shortest.split_once('e').unwrap_or((shortest, "0"));
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = format!("{whole}{part}");
    let significant = all.trim_start_matches('0');
    let length = |text: &str| i32::try_from(text.len()).unwrap_or(i32::MAX);
    let before = length(whole) - (length(&all) - length(significant));
    let digits = significant.trim_end_matches('0');
    let count = length(digits);
    // Where the point stands, counted from the first digit.
    let point = exponent.parse::<i32>().unwrap_or(0) + before;
    let sign = if number < 0.0 { "-" } else { "" };
    let zeros = |number: i32| "0".repeat(usize::try_from(number).unwrap_or(0));
    let split = |at: i32| digits.split_at(usize::try_from(at).unwrap_or(0));
    let written = match point {
        _ if count <= point && point <= 21 => format!("{digits}{}", zeros(point - count)),
        1..=21 => {
            let (whole, part) = split(point);
            format!("{whole}.{part}")
        }
        -5..=0 => format!("0.{}{digits}", zeros(-point)),
        _ => {
            let (first, rest) = split(1);
            let dot = if rest.is_empty() { "" } else { "." };
            format!("{first}{dot}{rest}e{:+}", point - 1)
        }
    };
    format!("{sign}{written}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Appendix B of RFC 8785: the bits of a number, and how it is written.
    #[test]
    fn numbers_are_written_as_the_standard_wants() {
        for (bits, written) in [
            (0x0000_0000_0000_0000, "0"),
            (0x8000_0000_0000_0000, "0"),
            (0x0000_0000_0000_0001, "5e-324"),
            (0x8000_0000_0000_0001, "-5e-324"),
            (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
            (0xffef_ffff_ffff_ffff, "-1.7976931348623157e+308"),
            (0x4340_0000_0000_0000, "9007199254740992"),
            (0xc340_0000_0000_0000, "-9007199254740992"),
            (0x4430_0000_0000_0000, "295147905179352830000"),
            (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
            (0x44b5_2d02_c7e1_4af6, "1e+23"),
            (0x44b5_2d02_c7e1_4af7, "1.0000000000000001e+23"),
            (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
            (0x444b_1ae4_d6e2_ef4f, "999999999999999900000"),
            (0x444b_1ae4_d6e2_ef50, "1e+21"),
            (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"),
            (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
            (0x4314_3ff3_c1cb_0959, "1424953923781206.2"),
            (0x4012_0000_0000_0000, "4.5"),
            (0xc059_0000_0000_0000, "-100"),
            (0x41b3_de43_5555_5553, "333333333.3333332"),
            (0x41b3_de43_5555_5554, "333333333.33333325"),
            (0x41b3_de43_5555_5555, "333333333.3333333"),
            (0x41b3_de43_5555_5556, "333333333.3333334"),
            (0x41b3_de43_5555_5557, "333333333.33333343"),
        ] {
            assert_eq!(written_as(f64::from_bits(bits)), written, "{bits:x}");
        }
    }

    fn written_as(number: f64) -> String {
        float(number, &Number::from_f64(number).unwrap().to_string())
    }

    /// Section 3.2.3 of RFC 8785: the order of keys, and what is escaped.
    #[test]
    fn keys_are_sorted_by_their_utf_16_code_units() {
        let document: Value = serde_json::from_str(
            r#"{"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh",
            "1":"One","\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis"}"#,
        )
        .unwrap();
        assert_eq!(
            to_string(&document).unwrap(),
            "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\u{80}\":\"Control\",\"ö\":\"Latin Small Letter O With Diaeresis\",\"€\":\"Euro Sign\",\"😀\":\"Emoji: Grinning Face\",\"\u{fb33}\":\"Hebrew Letter Dalet With Dagesh\"}"
        );
        let text = "\u{20ac}$\u{f}\nA'B\"\\\\\"/\u{7f}";
        assert_eq!(
            to_string(text).unwrap(),
            "\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\u{7f}\""
        );
    }

    #[test]
    fn what_other_readers_would_take_for_another_number_is_refused() {
        assert_eq!(to_string(&LARGEST).unwrap(), "9007199254740991");
        assert_eq!(
            to_string(&-9_007_199_254_740_991_i64).unwrap(),
            "-9007199254740991"
        );
        for number in [LARGEST + 1, u64::MAX] {
            let refused = to_string(&number).unwrap_err().to_string();
            assert!(refused.contains("2^53"), "{refused}");
        }
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (-1_000_000_i64..1_000_000).prop_map(Value::from),
            any::<i32>().prop_map(|number| Value::from(f64::from(number) / 4096.0)),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                proptest::collection::btree_map(any::<String>(), inner, 0..6)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn the_form_does_not_depend_on_who_wrote_the_document(document in json()) {
            let once = to_string(&document).unwrap();
            let read: Value = serde_json::from_str(&once).unwrap();
            prop_assert_eq!(&to_string(&read).unwrap(), &once);
            let spaced: Value =
                serde_json::from_str(&serde_json::to_string_pretty(&document).unwrap()).unwrap();
            prop_assert_eq!(&to_string(&spaced).unwrap(), &once);
        }
    }
}
