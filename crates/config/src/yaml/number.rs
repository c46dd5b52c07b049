//! The numerals of YAML 1.1, as far as Go's library knows them: no base 60, but octal with a mere leading zero.

/// What a numeral means.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Numeral {
    Int(i64),
    /// An integer beyond the signed ones.
    Unsigned(u64),
    Float(f64),
}

/// Returns what a text that begins with a sign or a digit means, if it is a numeral. Underscores may stand anywhere.
pub(super) fn parse(text: &str) -> Option<Numeral> {
    let plain = text.replace('_', "");
    let (sign, digits) = split_sign(&plain);
    let (radix, number) = prefixed(digits);
    if let Some(value) = integer(sign, number, radix) {
        return Some(value);
    }
    if is_decimal(digits) {
        return plain
            .parse()
            .ok()
            .filter(|value: &f64| value.is_finite())
            .map(Numeral::Float);
    }
    // The library tries the digits behind `0b` once more as they are, so that a sign may stand there too.
    let number = plain.strip_prefix("0b")?;
    let (sign, digits) = split_sign(number);
    integer(sign, digits, 2)
}

/// Returns the float of a text that begins with a point. Underscores may stand between digits.
pub(super) fn parse_float(text: &str) -> Option<f64> {
    let misplaced = text.ends_with('_')
        || text.as_bytes().windows(3).any(|around| match around {
            [before, b'_', after] => !(before.is_ascii_digit() && after.is_ascii_digit()),
            _ => false,
        });
    let plain = text.replace('_', "");
    if misplaced || !is_decimal(&plain) {
        return None;
    }
    plain.parse().ok().filter(|value: &f64| value.is_finite())
}

/// Splits the sign off.
fn split_sign(text: &str) -> (Option<char>, &str) {
    match text.strip_prefix(['+', '-']) {
        Some(rest) => (text.chars().next(), rest),
        None => (None, text),
    }
}

/// Splits off what tells the base.
fn prefixed(digits: &str) -> (u32, &str) {
    let mut characters = digits.chars();
    match (characters.next(), characters.next()) {
        (Some('0'), Some('b' | 'B')) => (2, characters.as_str()),
        (Some('0'), Some('o' | 'O')) => (8, characters.as_str()),
        (Some('0'), Some('x' | 'X')) => (16, characters.as_str()),
        (Some('0'), Some(_)) => (8, digits),
        _ => (10, digits),
    }
}

/// Returns the integer that these digits make; none with a sign beyond the signed ones.
fn integer(sign: Option<char>, digits: &str, radix: u32) -> Option<Numeral> {
    // The standard library would take a second sign.
    if digits.starts_with(['+', '-']) {
        return None;
    }
    let magnitude = u64::from_str_radix(digits, radix).ok()?;
    match (sign, i64::try_from(magnitude)) {
        (Some('-'), _) => 0_i64.checked_sub_unsigned(magnitude).map(Numeral::Int),
        (_, Ok(value)) => Some(Numeral::Int(value)),
        (None, Err(_)) => Some(Numeral::Unsigned(magnitude)),
        (Some(_), Err(_)) => None,
    }
}

/// Returns whether the text is a decimal number without sign, with or without a fraction and an exponent.
fn is_decimal(text: &str) -> bool {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(split_sign(exponent).1)),
        None => (text, None),
    };
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let mantissa_ok = match mantissa.split_once('.') {
        Some((whole, fraction)) => {
            all_digits(whole) && all_digits(fraction) && !(whole.is_empty() && fraction.is_empty())
        }
        None => !mantissa.is_empty() && all_digits(mantissa),
    };
    mantissa_ok && exponent.is_none_or(|exponent| !exponent.is_empty() && all_digits(exponent))
}

/// Writes a float that is a map's key as Go's library does: in single precision, with an exponent from 1e6 on.
pub(super) fn format_key(value: f64) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "Go converts it the same way"
    )]
    let value = value as f32;
    if value.is_nan() {
        return ".nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { ".inf" } else { "-.inf" }.to_owned();
    }
    let scientific = format!("{value:e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else {
        return scientific;
    };
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..6).contains(&exponent) {
        return format!("{value}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.unsigned_abs())
}
