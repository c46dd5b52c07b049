//! The names of transactions.

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

/// The longest name that is looked up.
const LONGEST: usize = 64;

/// Returns whether this may be the name of a transaction: never a path, never hidden.
pub(super) fn is_valid(id: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    !id.is_empty() && id.len() <= LONGEST && !id.starts_with('-') && id.bytes().all(allowed)
}

/// Returns the name of a transaction that begins at `started`: the moment, and six letters that tell it from another of
/// the same second. `salt` is anything that differs between the two.
pub(super) fn new(started: Timestamp, salt: &[u8]) -> String {
    let mut hash = Sha256::new();
    hash.update(started.as_nanosecond().to_le_bytes());
    hash.update(salt);
    let digest = hex(&hash.finalize());
    let letters = digest.get(..6).unwrap_or_default();
    format!("{}-{letters}", started.strftime("%Y%m%dT%H%M%SZ"))
}

/// Returns the moment in a name.
pub(super) fn started(id: &str) -> Option<Timestamp> {
    let (moment, _) = id.split_once('-')?;
    let time = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", moment).ok()?;
    time.to_zoned(jiff::tz::TimeZone::UTC)
        .ok()
        .map(|zoned| zoned.timestamp())
}

/// Returns bytes in hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            // Writing to a string does not fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// Returns the hexadecimal SHA-256 of a content.
pub(super) fn digest(content: &[u8]) -> String {
    hex(&Sha256::digest(content))
}

#[cfg(test)]
mod tests {
    use super::{is_valid, new, started};

    #[test]
    fn a_name_is_never_a_path() {
        let moment = "2026-11-26T01:30:00.5Z".parse().unwrap();
        let id = new(moment, b"a");
        assert!(
            id.starts_with("20261126T013000Z-") && id.len() == 23,
            "{id}"
        );
        assert_ne!(id, new(moment, b"b"));
        assert_eq!(started(&id), "2026-11-26T01:30:00Z".parse().ok());
        assert!(is_valid(&id));
        let long = "a".repeat(65);
        for id in [
            "", ".", "..", "a/b", "../x", ".new-x", "-x", "a b", "a\0", "é", &long,
        ] {
            assert!(!is_valid(id), "{id}");
            assert_eq!(started(id), None, "{id}");
        }
    }
}
