//! Timestamps, which stay text: all that matters is whether `!!timestamp` may stand before one.

/// Returns whether Go's library takes the text for a timestamp: a date, or a date and a time of day.
pub(super) fn is_timestamp(text: &str) -> bool {
    let Some((year, rest)) = digits(text, 4, 4) else {
        return false;
    };
    let Some((month, rest)) = rest.strip_prefix('-').and_then(|rest| digits(rest, 1, 2)) else {
        return false;
    };
    let Some((day, rest)) = rest.strip_prefix('-').and_then(|rest| digits(rest, 1, 2)) else {
        return false;
    };
    is_date(year, month, day)
        && match rest.split_at_checked(1) {
            None => rest.is_empty(),
            Some((" ", rest)) => time_of_day(rest.trim_start_matches(' ')) == Some(""),
            Some(("T" | "t", rest)) => time_of_day(rest).is_some_and(is_zone),
            Some(_) => false,
        }
}

/// Splits off a number of so many digits.
fn digits(text: &str, least: usize, most: usize) -> Option<(u32, &str)> {
    let length = text
        .bytes()
        .take(most)
        .take_while(u8::is_ascii_digit)
        .count();
    let (number, rest) = text.split_at_checked(length).filter(|_| length >= least)?;
    Some((number.parse().ok()?, rest))
}

fn is_date(year: u32, month: u32, day: u32) -> bool {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if is_leap => 29,
        2 => 28,
        _ => 0,
    };
    (1..=days).contains(&day)
}

/// Returns what follows a time of day.
fn time_of_day(text: &str) -> Option<&str> {
    let (hour, rest) = digits(text, 1, 2)?;
    let (minute, rest) = digits(rest.strip_prefix(':')?, 1, 2)?;
    let (second, rest) = digits(rest.strip_prefix(':')?, 1, 2)?;
    let rest = match rest.strip_prefix(['.', ',']) {
        Some(fraction) if fraction.starts_with(|next: char| next.is_ascii_digit()) => {
            fraction.trim_start_matches(|next: char| next.is_ascii_digit())
        }
        _ => rest,
    };
    (hour < 24 && minute < 60 && second < 60).then_some(rest)
}

/// Returns whether the text is a time zone of RFC 3339.
fn is_zone(text: &str) -> bool {
    let offset = || {
        let (hours, rest) = digits(text.strip_prefix(['+', '-'])?, 2, 2)?;
        let (minutes, rest) = digits(rest.strip_prefix(':')?, 2, 2)?;
        Some(rest.is_empty() && hours <= 24 && minutes <= 60)
    };
    text == "Z" || offset().unwrap_or(false)
}
