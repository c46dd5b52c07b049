//! Durations as Go writes and reads them (`time.Duration.String`, `time.ParseDuration`).

use std::fmt::Write as _;

const MICROSECOND: u64 = 1_000;
const MILLISECOND: u64 = 1_000 * MICROSECOND;
const SECOND: u64 = 1_000 * MILLISECOND;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;

/// Returns a duration as Go writes it: `4h0m0s`, `1.5s`, `100ms`, `0s`.
pub fn format(nanoseconds: i64) -> String {
    let magnitude = nanoseconds.unsigned_abs();
    let mut text = String::new();
    if nanoseconds < 0 {
        text.push('-');
    }
    let written = if magnitude == 0 {
        text.write_str("0s")
    } else if magnitude < SECOND {
        let (unit, size) = match magnitude {
            0..MICROSECOND => ("ns", 1),
            MICROSECOND..MILLISECOND => ("µs", MICROSECOND),
            _ => ("ms", MILLISECOND),
        };
        write!(text, "{}{unit}", decimal(magnitude, size))
    } else {
        let (hours, minutes) = (magnitude / HOUR, magnitude / MINUTE % 60);
        let seconds = decimal(magnitude % MINUTE, SECOND);
        match (hours, minutes) {
            (0, 0) => write!(text, "{seconds}s"),
            (0, _) => write!(text, "{minutes}m{seconds}s"),
            _ => write!(text, "{hours}h{minutes}m{seconds}s"),
        }
    };
    debug_assert!(written.is_ok(), "writing to a string cannot fail");
    text
}

/// Returns `amount / size` in decimal, without trailing zeros; `size` is a power of ten.
fn decimal(amount: u64, size: u64) -> String {
    let (whole, fraction) = (amount / size, amount % size);
    if fraction == 0 {
        return whole.to_string();
    }
    let digits = size.ilog10() as usize;
    let fraction = format!("{fraction:0digits$}");
    format!("{whole}.{}", fraction.trim_end_matches('0'))
}

/// Reads a duration as Go does: `[-+]`, then numbers each with a unit (`1h30m`, `1.5s`), or a bare `0`.
///
/// # Errors
///
/// In Go's words: `invalid duration`, `missing unit in duration`, `unknown unit … in duration`.
pub fn parse(text: &str) -> Result<i64, String> {
    let invalid = || format!("time: invalid duration {text:?}");
    let (negative, mut rest) = match text.as_bytes().first() {
        Some(b'-') => (true, text.get(1..).unwrap_or_default()),
        Some(b'+') => (false, text.get(1..).unwrap_or_default()),
        _ => (false, text),
    };
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let (whole, after) = digits(rest);
        let (fraction, after) = match after.strip_prefix('.') {
            Some(after) => digits(after),
            None => ("", after),
        };
        if whole.is_empty() && fraction.is_empty() {
            return Err(invalid());
        }
        let end = after
            .find(|c: char| c == '.' || c.is_ascii_digit())
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        let size = match unit {
            "" => return Err(format!("time: missing unit in duration {text:?}")),
            "ns" => 1,
            "us" | "µs" | "μs" => MICROSECOND,
            "ms" => MILLISECOND,
            "s" => SECOND,
            "m" => MINUTE,
            "h" => HOUR,
            _ => return Err(format!("time: unknown unit {unit:?} in duration {text:?}")),
        };
        let whole: u64 = if whole.is_empty() {
            0
        } else {
            whole.parse().map_err(|_| invalid())?
        };
        total = whole
            .checked_mul(size)
            .and_then(|part| part.checked_add(fraction_of(fraction, size)))
            .and_then(|part| total.checked_add(part))
            .filter(|total| *total <= 1 << 63)
            .ok_or_else(invalid)?;
        rest = after;
    }
    if negative {
        return Ok(0_i64.checked_sub_unsigned(total).unwrap_or(i64::MIN));
    }
    i64::try_from(total).map_err(|_| invalid())
}

fn digits(text: &str) -> (&str, &str) {
    text.split_at(
        text.find(|c: char| !c.is_ascii_digit())
            .unwrap_or(text.len()),
    )
}

/// Returns `0.digits × size`, cut off to a whole number of nanoseconds.
fn fraction_of(digits: &str, size: u64) -> u64 {
    let mut scale = 1_u128;
    let mut amount = 0_u128;
    // Eighteen digits are finer than a nanosecond of any unit.
    for digit in digits.bytes().take(18) {
        amount = amount * 10 + u128::from(digit - b'0');
        scale *= 10;
    }
    u64::try_from(amount * u128::from(size) / scale).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::{format, parse};

    #[test]
    fn durations_are_written_and_read_as_go_does() {
        for (nanoseconds, text) in [
            (0, "0s"),
            (1, "1ns"),
            (1_100, "1.1µs"),
            (100_000_000, "100ms"),
            (1_500_000_000, "1.5s"),
            (-1_000_000_000, "-1s"),
            (300_000_000_000, "5m0s"),
            (14_400_000_000_000, "4h0m0s"),
            (i64::MIN, "-2562047h47m16.854775808s"),
        ] {
            assert_eq!(format(nanoseconds), text);
            assert_eq!(parse(text), Ok(nanoseconds));
        }
        assert_eq!(parse("1h30m"), Ok(5_400_000_000_000));
        assert_eq!(parse("0"), Ok(0));
        assert_eq!(parse("+5s"), Ok(5_000_000_000));
        assert_eq!(parse(".5s"), Ok(500_000_000));
    }

    #[test]
    fn what_go_refuses_is_refused() {
        for text in [
            "",
            "300",
            "1d",
            "s",
            "-",
            ".s",
            "1.s1",
            "5 m",
            "9223372036854775808ns",
            "1h-30m",
        ] {
            assert!(parse(text).is_err(), "{text:?}");
        }
        assert_eq!(
            parse("300").unwrap_err(),
            "time: missing unit in duration \"300\""
        );
    }

    proptest! {
        #[test]
        fn any_duration_survives(nanoseconds in any::<i64>()) {
            assert_eq!(parse(&format(nanoseconds)), Ok(nanoseconds));
        }

        #[test]
        fn any_text_is_answered(text in ".{0,40}") {
            let _answer = parse(&text);
        }
    }
}
