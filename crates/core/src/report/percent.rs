//! Parts of a whole.

use serde::{Deserialize, Serialize};

/// A part of a whole, from 0 to 100 with at most two decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(with = "String"))]
#[serde(into = "String", try_from = "String")]
pub struct Percent {
    /// Hundredths of a percent.
    hundredths: u32,
}

impl Percent {
    /// Returns whether `part` of `whole` is as much as this; of nothing it is.
    pub const fn is_reached(self, part: usize, whole: usize) -> bool {
        part as u128 * 10_000 >= whole as u128 * self.hundredths as u128
    }

    /// Returns whether `part` of `whole` is more than this.
    pub const fn is_exceeded(self, part: usize, whole: usize) -> bool {
        part as u128 * 10_000 > whole as u128 * self.hundredths as u128
    }
}

impl std::str::FromStr for Percent {
    type Err = String;

    /// Reads `100%`, `97.5%` or `97.5`.
    fn from_str(text: &str) -> Result<Self, String> {
        let refused = || format!("{text:?} is not a percentage; write it as 100% or 97.5%");
        let number = text.strip_suffix('%').unwrap_or(text);
        let (whole, decimals) = number.split_once('.').unwrap_or((number, "0"));
        let digits =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(decimals) || whole.len() > 3 || decimals.len() > 2 {
            return Err(refused());
        }
        let whole: u32 = whole.parse().map_err(|_| refused())?;
        let decimals: u32 = format!("{decimals:0<2}").parse().map_err(|_| refused())?;
        let hundredths = whole * 100 + decimals;
        (hundredths <= 10_000)
            .then_some(Self { hundredths })
            .ok_or_else(refused)
    }
}

/// Shows it as it is read, without decimals that say nothing.
impl std::fmt::Display for Percent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (whole, decimals) = (self.hundredths / 100, self.hundredths % 100);
        match decimals {
            0 => write!(f, "{whole}%"),
            _ if decimals % 10 == 0 => write!(f, "{whole}.{}%", decimals / 10),
            _ => write!(f, "{whole}.{decimals:02}%"),
        }
    }
}

impl From<Percent> for String {
    fn from(percent: Percent) -> Self {
        percent.to_string()
    }
}

impl TryFrom<String> for Percent {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::Percent;

    #[test]
    fn percentages_are_read_and_shown_in_their_usual_form() {
        for (text, shown) in [
            ("100%", "100%"),
            ("97.5", "97.5%"),
            ("0%", "0%"),
            ("99.05%", "99.05%"),
            ("99.50%", "99.5%"),
        ] {
            assert_eq!(
                text.parse::<Percent>().map(|it| it.to_string()),
                Ok(shown.to_owned())
            );
        }
        for text in ["", "%", "101%", "100.01%", "1e2", "-1%", "99.999%", "a"] {
            assert!(text.parse::<Percent>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_part_reaches_a_percentage_exactly() {
        let percent: Percent = "99.9%".parse().unwrap();
        assert!(percent.is_reached(999, 1000) && !percent.is_reached(998, 1000));
        assert!(percent.is_reached(0, 0));
    }
}
