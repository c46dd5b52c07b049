//! The functions of a check that CEL has not: durations and quantities, which are compared as numbers, and modes.
//!
//! `duration("4h")` is nanoseconds as Go reads them; `quantity("100Mi")` is the whole number that
//! `resource.Quantity.Value()` gives (rounded away from zero). The notation of choices and fixes too.
//! `within(mode, "0600")` holds where a file's mode allows nothing beyond these bits.

use cel::ExecutionError;
use cel::common::types::{CelBool, CelInt, CelString};
use cel::common::value::CowVal;

use crate::duration;

/// The bits of a mode that `chmod` sets: permissions, set-user-ID, set-group-ID and sticky.
pub(crate) const MODE_BITS: i64 = 0o7777;

/// The most digits that are read of a number; more is no value of a setting.
const DIGITS: usize = 22;

/// Reads a duration as Go's `time.ParseDuration` does, in nanoseconds.
///
/// # Errors
///
/// One sentence that says what is wrong with the text.
pub fn parse_duration(text: &str) -> Result<i64, String> {
    duration::parse(text).map_err(|_| {
        format!(
            "`{}` is no duration; write it like `4h`, `1h30m` or `250ms`",
            shown(text)
        )
    })
}

/// Reads a Kubernetes quantity as a whole number, rounded away from zero.
///
/// # Errors
///
/// One sentence that says what is wrong with the text.
pub fn parse_quantity(text: &str) -> Result<i64, String> {
    let refused = || {
        format!(
            "`{}` is no quantity; write it like `100Mi`, `1.5G` or `500m`",
            shown(text)
        )
    };
    let (negative, rest) = split_sign(text);
    let number = rest
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(rest.len());
    let (number, suffix) = rest.split_at(number);
    let (digits, places) = decimal(number).ok_or_else(refused)?;
    let (binary, decimal_exponent) = scale(suffix).ok_or_else(refused)?;
    let exponent = decimal_exponent - i32::try_from(places).map_err(|_| refused())?;
    let too_large = || format!("`{}` is larger than a quantity can be", shown(text));
    let scaled = digits.checked_mul(1_i128 << binary).ok_or_else(too_large)?;
    let whole = if exponent < 0 {
        let divisor = 10_i128.checked_pow(exponent.unsigned_abs());
        divisor.map_or(i128::from(scaled != 0), |divisor| {
            scaled / divisor + i128::from(scaled % divisor != 0)
        })
    } else {
        10_i128
            .checked_pow(exponent.unsigned_abs())
            .and_then(|factor| scaled.checked_mul(factor))
            .ok_or_else(too_large)?
    };
    i64::try_from(if negative { -whole } else { whole }).map_err(|_| too_large())
}

/// Reads the mode of a file as `chmod` does: octal digits.
///
/// # Errors
///
/// One sentence that says what is wrong with the text.
pub fn parse_mode(text: &str) -> Result<u32, String> {
    let digits = text.len() <= 5 && text.bytes().all(|byte| matches!(byte, b'0'..=b'7'));
    u32::from_str_radix(text, 8)
        .ok()
        .filter(|mode| digits && i64::from(*mode) <= MODE_BITS)
        .ok_or_else(|| {
            format!(
                "`{}` is no mode of a file; write it in octal digits, like `0600`",
                shown(text)
            )
        })
}

/// Returns the power of two and the power of ten that a quantity's suffix stands for.
fn scale(suffix: &str) -> Option<(u32, i32)> {
    Some(match suffix {
        "" => (0, 0),
        "Ki" => (10, 0),
        "Mi" => (20, 0),
        "Gi" => (30, 0),
        "Ti" => (40, 0),
        "Pi" => (50, 0),
        "Ei" => (60, 0),
        "n" => (0, -9),
        "u" => (0, -6),
        "m" => (0, -3),
        "k" => (0, 3),
        "M" => (0, 6),
        "G" => (0, 9),
        "T" => (0, 12),
        "P" => (0, 15),
        "E" => (0, 18),
        _ => {
            let exponent = suffix.strip_prefix(['e', 'E'])?;
            let (negative, digits) = split_sign(exponent);
            if digits.is_empty() || digits.len() > 4 || !digits.bytes().all(|b| b.is_ascii_digit())
            {
                return None;
            }
            let exponent: i32 = digits.parse().ok()?;
            (0, if negative { -exponent } else { exponent })
        }
    })
}

/// Returns the digits of a number as one integer, and how many of them stand after the point.
fn decimal(number: &str) -> Option<(i128, u32)> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || digits.len() > DIGITS || fraction.contains('.') {
        return None;
    }
    Some((digits.parse().ok()?, u32::try_from(fraction.len()).ok()?))
}

/// Returns whether a text starts with a minus, and what follows its sign.
fn split_sign(text: &str) -> (bool, &str) {
    text.strip_prefix('-').map_or_else(
        || (false, text.strip_prefix('+').unwrap_or(text)),
        |rest| (true, rest),
    )
}

/// Returns the text made safe to show, and no longer than a line bears.
fn shown(text: &str) -> String {
    let short: String = text.chars().take(60).collect();
    crate::text::escape(&short)
}

/// `duration(string) -> int` in a check.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the signature of an overload"
)]
pub(crate) fn duration<'b, 'v>(
    args: Vec<CowVal<'b, 'v>>,
) -> Result<CowVal<'b, 'v>, ExecutionError> {
    call("duration", parse_duration, &args)
}

/// `quantity(string) -> int` in a check.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the signature of an overload"
)]
pub(crate) fn quantity<'b, 'v>(
    args: Vec<CowVal<'b, 'v>>,
) -> Result<CowVal<'b, 'v>, ExecutionError> {
    call("quantity", parse_quantity, &args)
}

/// `within(int, string) -> bool` in a check: a mode has no bit that the other has not.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the signature of an overload"
)]
pub(crate) fn within<'b, 'v>(args: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let [mode, most] = args.as_slice() else {
        return Err(ExecutionError::missing_argument_or_target());
    };
    let mode = mode.downcast_ref::<CelInt>();
    let most = most.downcast_ref::<CelString>();
    let (Some(mode), Some(most)) = (mode, most) else {
        return Err(ExecutionError::missing_argument_or_target());
    };
    let most = parse_mode(most.inner())
        .map_err(|error| ExecutionError::function_error("within", error))?;
    let beyond = mode.inner() & MODE_BITS & !i64::from(most);
    Ok(CowVal::owned(CelBool::from(beyond == 0)))
}

fn call<'b, 'v>(
    name: &str,
    parse: fn(&str) -> Result<i64, String>,
    args: &[CowVal<'_, '_>],
) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let text = args.first().and_then(|arg| arg.downcast_ref::<CelString>());
    let text = text.ok_or_else(ExecutionError::missing_argument_or_target)?;
    let number =
        parse(text.inner()).map_err(|error| ExecutionError::function_error(name, error))?;
    Ok(CowVal::owned(CelInt::from(number)))
}

#[cfg(test)]
mod tests {
    use super::{parse_duration, parse_mode, parse_quantity};

    #[test]
    fn durations_are_read_as_go_reads_them() {
        for (text, nanoseconds) in [
            ("0", Some(0)),
            ("+0", Some(0)),
            ("4h", Some(14_400_000_000_000)),
            ("1h30m", Some(5_400_000_000_000)),
            ("-1.5s", Some(-1_500_000_000)),
            (".5s", Some(500_000_000)),
            ("1.s", Some(1_000_000_000)),
            ("1µs", Some(1_000)),
            ("1μs", Some(1_000)),
            ("0.1ns", Some(0)),
            ("2562047h47m16.854775807s", Some(i64::MAX)),
            ("-2562047h47m16.854775808s", Some(i64::MIN)),
            ("2562047h47m16.854775808s", None),
            ("", None),
            ("-", None),
            ("4", None),
            ("h", None),
            (".s", None),
            ("1.2.3s", None),
            ("4 h", None),
            ("4d", None),
            ("99999999999999999999999999999999999h", None),
        ] {
            assert_eq!(parse_duration(text).ok(), nanoseconds, "{text}");
        }
    }

    #[test]
    fn quantities_are_whole_numbers_rounded_away_from_zero() {
        for (text, value) in [
            ("0", Some(0)),
            ("100Mi", Some(104_857_600)),
            ("10Gi", Some(10_737_418_240)),
            ("1.5Gi", Some(1_610_612_736)),
            ("1k", Some(1_000)),
            ("500m", Some(1)),
            ("1500m", Some(2)),
            ("-1500m", Some(-2)),
            ("1n", Some(1)),
            ("100u", Some(1)),
            ("1e3", Some(1_000)),
            ("1E3", Some(1_000)),
            ("1E", Some(1_000_000_000_000_000_000)),
            ("15e-1", Some(2)),
            ("1e-999", Some(1)),
            ("0e-999", Some(0)),
            ("7Ei", Some(8_070_450_532_247_928_832)),
            ("8Ei", None),
            ("1e999", None),
            ("", None),
            ("Mi", None),
            ("1 Mi", None),
            ("1mi", None),
            ("1e", None),
            ("1e99999", None),
            ("--1", None),
        ] {
            assert_eq!(parse_quantity(text).ok(), value, "{text}");
        }
    }

    #[test]
    fn modes_are_octal_digits_and_nothing_else() {
        for (text, mode) in [
            ("0600", Some(0o600)),
            ("644", Some(0o644)),
            ("0", Some(0)),
            ("07777", Some(0o7777)),
            ("10000", None),
            ("000600", None),
            ("", None),
            ("0o600", None),
            ("+600", None),
            ("0680", None),
            ("u=rw", None),
        ] {
            assert_eq!(parse_mode(text).ok(), mode, "{text}");
        }
    }
}
