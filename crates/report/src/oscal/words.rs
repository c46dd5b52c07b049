//! The types of text that OSCAL knows: UUIDs, tokens, strings of one line, Markdown; and the ids of controls.

use jiff::Timestamp;
use kubeassay_core::report::Control;
use kubeassay_core::text;
use sha2::{Digest as _, Sha256};

use crate::inert;

/// The framework whose ids are those of NIST's own catalogs.
const NIST: &str = "nist-800-53";
/// The framework whose numbers are techniques of attackers, and no controls.
const ATTACK: &str = "attack";
/// The first and the last second that a time of OSCAL may be: its years have 19 or 2 at their head.
const TIMES: (i64, i64) = (-2_208_988_800, 32_503_679_999);

/// Returns a UUID made of `parts`, the same wherever it is made.
///
/// It is what version 5 is meant for, with SHA-256 in the place of SHA-1: OSCAL takes versions 4 and 5 and no other.
pub(crate) fn uuid(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    hash.update(b"kubeassay.oscal");
    for part in parts {
        // A byte that no text holds keeps `ab` + `c` from being `a` + `bc`.
        hash.update([0xff]);
        hash.update(part.as_bytes());
    }
    uuid_of(&hash.finalize())
}

/// Returns the UUID that a digest comes to.
pub(crate) fn uuid_of(digest: &[u8]) -> String {
    let bytes: Vec<u8> = digest.iter().copied().take(16).collect();
    let bytes = bytes
        .into_iter()
        .enumerate()
        .map(|(place, byte)| match place {
            6 => (byte & 0x0f) | 0x50,
            8 => (byte & 0x3f) | 0x80,
            _ => byte,
        });
    let bytes: Vec<u8> = bytes.collect();
    let digits = text::hexadecimal(&bytes);
    let mut uuid = String::with_capacity(36);
    for (place, digit) in digits.chars().enumerate() {
        if [8, 12, 16, 20].contains(&place) {
            uuid.push('-');
        }
        uuid.push(digit);
    }
    uuid
}

/// Returns a token: letters, digits and `.-_`, the first a letter or `_`. What else there is becomes `_`.
pub(crate) fn token(foreign: &str) -> String {
    let fine = |one: char| one.is_ascii_alphanumeric() || matches!(one, '.' | '-' | '_');
    let mut token: String = foreign
        .chars()
        .map(|one| if fine(one) { one } else { '_' })
        .collect();
    if !token.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_') {
        token.insert(0, '_');
    }
    token
}

/// Returns a string: one line without blanks around it, and never empty.
pub(crate) fn string(foreign: &str) -> String {
    let escaped = text::escape(foreign);
    match escaped.trim() {
        "" => "(empty)".to_owned(),
        trimmed => trimmed.to_owned(),
    }
}

/// Returns foreign text as Markdown that is nothing but that text.
pub(crate) fn markup(foreign: &str) -> String {
    // These would begin a list.
    if foreign.starts_with(|first: char| first == '-' || first.is_ascii_digit()) {
        return inert::code(foreign);
    }
    inert::sentence(foreign)
}

/// Returns a time as OSCAL takes it; one that it cannot say is the nearest that it can.
pub(crate) fn time(time: Timestamp) -> String {
    let (first, last) = TIMES;
    let clamped = time.as_second().clamp(first, last);
    if clamped == time.as_second() {
        return time.to_string();
    }
    Timestamp::from_second(clamped).map_or_else(|_| time.to_string(), |time| time.to_string())
}

/// A control as OSCAL names it: the id of a control, and of statements within it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ControlId {
    pub(crate) id: String,
    pub(crate) statement: Option<String>,
}

/// Returns the id of a control; none where the framework's numbers are no controls.
///
/// Those of NIST SP 800-53 are the ids of NIST's catalog in OSCAL: `CM-6(1)` is `cm-6.1`, and `CM-7b` the statement
/// `cm-7_smt.b`. Numbers of the others have their framework at their head (`cis-kubernetes-4.2.2`), but for those of
/// DISA's guides, which are of one kind everywhere (`V-242392`).
pub(crate) fn control_id(control: &Control) -> Option<ControlId> {
    let plain = |id: &str| {
        Some(ControlId {
            id: token(id),
            statement: None,
        })
    };
    match control.framework.as_str() {
        ATTACK => None,
        NIST => nist(&control.control).or_else(|| plain(&control.control.to_ascii_lowercase())),
        "disa-stig" => plain(&control.control),
        framework => plain(&format!("{framework}-{}", control.control)),
    }
}

fn nist(number: &str) -> Option<ControlId> {
    let lower = number.to_ascii_lowercase();
    let (family, rest) = lower.split_once('-')?;
    let end = rest.find(|one: char| !one.is_ascii_digit());
    let (base, mut rest) = rest.split_at(end.unwrap_or(rest.len()));
    if family.is_empty() || base.is_empty() || !family.bytes().all(|one| one.is_ascii_lowercase()) {
        return None;
    }
    let mut id = format!("{family}-{base}");
    let mut item = None;
    while !rest.is_empty() {
        // `(1)`, `(d)`, or a letter alone.
        let (inner, after) = match rest.strip_prefix('(') {
            Some(inside) => inside.split_once(')')?,
            None => (rest, ""),
        };
        let is = |kind: fn(&u8) -> bool| !inner.is_empty() && inner.bytes().all(|one| kind(&one));
        if item.is_none() && is(u8::is_ascii_digit) {
            id = format!("{id}.{inner}");
        } else if item.is_none() && inner.len() == 1 && is(u8::is_ascii_lowercase) {
            item = Some(inner.to_owned());
        } else {
            return None;
        }
        rest = after;
    }
    let statement = item.map(|item| format!("{id}_smt.{item}"));
    Some(ControlId { id, statement })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controls_have_the_ids_of_their_catalogs() {
        for (framework, number, id, statement) in [
            ("nist-800-53", "CM-6", "cm-6", None),
            ("nist-800-53", "CM-6(1)", "cm-6.1", None),
            ("nist-800-53", "CM-7b", "cm-7", Some("cm-7_smt.b")),
            ("nist-800-53", "IA-5(1)(d)", "ia-5.1", Some("ia-5.1_smt.d")),
            ("nist-800-53", "CM-6()", "cm-6__", None),
            ("nist-800-53", "6(1)", "_6_1_", None),
            ("disa-stig", "V-242392", "V-242392", None),
            ("cis-kubernetes", "4.2.2", "cis-kubernetes-4.2.2", None),
            ("<b>", "1 2", "_b_-1_2", None),
        ] {
            let control = Control {
                framework: framework.to_owned(),
                version: None,
                control: number.to_owned(),
            };
            let wanted = ControlId {
                id: id.to_owned(),
                statement: statement.map(str::to_owned),
            };
            assert_eq!(control_id(&control), Some(wanted), "{number}");
        }
        let technique = Control {
            framework: "attack".to_owned(),
            version: None,
            control: "T1078".to_owned(),
        };
        assert_eq!(control_id(&technique), None);
    }

    #[test]
    fn uuids_are_stable_and_tell_their_parts_apart() {
        assert_eq!(
            uuid(&["finding", "22c30ee61dc3e4c8f41e377ce998e417"]),
            uuid(&["finding", "22c30ee61dc3e4c8f41e377ce998e417"])
        );
        assert_ne!(uuid(&["ab", "c"]), uuid(&["a", "bc"]));
        assert_eq!(uuid_of(&[0xff; 32]), "ffffffff-ffff-5fff-bfff-ffffffffffff");
    }

    #[test]
    fn times_that_no_year_of_oscal_has_are_the_nearest() {
        for (given, written) in [
            ("2026-11-02T10:00:00.25Z", "2026-11-02T10:00:00.25Z"),
            ("0001-01-01T00:00:00Z", "1900-01-01T00:00:00Z"),
            ("9999-01-01T00:00:00Z", "2999-12-31T23:59:59Z"),
        ] {
            assert_eq!(time(given.parse().unwrap()), written);
        }
    }

    #[test]
    fn markdown_is_nothing_but_its_text() {
        for (foreign, written) in [
            ("the kubelet is strict", "the kubelet is strict"),
            ("- item", "`- item`"),
            ("1. item", "`1. item`"),
            ("<b>", "`<b>`"),
        ] {
            assert_eq!(markup(foreign), written);
        }
    }
}
