//! The values that a waiver accepts, held against what a finding read.

use std::collections::BTreeMap;

use kubeassay_core::report::{Evidence, Finding};
use kubeassay_core::{Cause, Value, Verdict, duration};

/// What was accepted.
#[derive(Clone, Debug, PartialEq)]
pub enum Observed {
    /// These values, by setting, file or object; never empty.
    Values(BTreeMap<String, Wanted>),
    /// That it is not known.
    Unknown {
        /// For this cause alone.
        cause: Option<Cause>,
    },
}

/// One value that was accepted.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    /// The value as YAML has it.
    pub value: Value,
    /// A number as it was written: the mode `0644` is four digits to whoever copies it.
    pub written: Option<String>,
}

/// Whether a finding is as it was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Held {
    /// It is.
    As,
    /// It is not: what was accepted, and what is there now.
    Changed(String),
    /// Its value is not known, and the waiver accepts values.
    NotKnown,
}

impl Observed {
    /// Holds it against a finding that fails or is unknown.
    pub(super) fn held(&self, finding: &Finding) -> Held {
        match (self, finding.verdict) {
            (Self::Unknown { cause }, Verdict::Unknown) => match (cause, finding.cause) {
                (Some(wanted), found) if Some(*wanted) != found => {
                    let found = found.map_or("no cause", Cause::as_str);
                    Held::Changed(format!(
                        "it was accepted as unknown because of {wanted}, and is unknown because of {found}"
                    ))
                }
                _ => Held::As,
            },
            (Self::Unknown { .. }, verdict) => Held::Changed(format!(
                "it was accepted as unknown, and its verdict is {verdict} now: {}",
                finding.reason
            )),
            (Self::Values(_), Verdict::Unknown) => Held::NotKnown,
            (Self::Values(values), _) => {
                let found = read(finding);
                let differing = values.iter().find_map(|(key, wanted)| {
                    let accepted =
                        |now: &str| format!("{key} was accepted as {}, and {now}", wanted.value);
                    match found.get(key) {
                        None => Some(accepted("was not read for this finding")),
                        Some(value) if wanted.is(value) => None,
                        Some(value) => Some(accepted(&format!("is {value} now"))),
                    }
                });
                differing.map_or(Held::As, Held::Changed)
            }
        }
    }

    /// Returns whether both accept values of one and the same setting that differ.
    pub(super) fn disagrees(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Values(ours), Self::Values(theirs)) => ours.iter().any(|(key, wanted)| {
                let same = |one: &Wanted| one.is(&wanted.value) || wanted.is(&one.value);
                theirs.get(key).is_some_and(|one| !same(one))
            }),
            (Self::Unknown { cause: ours }, Self::Unknown { cause: theirs }) => {
                ours.is_some() && theirs.is_some() && ours != theirs
            }
            _ => true,
        }
    }
}

impl Wanted {
    /// Returns what was read from YAML or from a report.
    pub const fn new(value: Value, written: Option<String>) -> Self {
        Self { value, written }
    }

    /// Returns whether a value that was read is the one that was accepted, as JSON has both.
    fn is(&self, found: &Value) -> bool {
        let json = |value: &Value| serde_json::to_value(value).ok();
        let there = json(found);
        if there.is_some() && there == json(&self.value) {
            return true;
        }
        let text = there.as_ref().and_then(serde_json::Value::as_str);
        if text.is_some() && text == self.written.as_deref() {
            return true;
        }
        match (&self.value, found) {
            (Value::String(wanted), Value::Duration(found)) => {
                let wanted = std::str::from_utf8(wanted.as_slice()).ok();
                wanted.and_then(|text| duration::parse(text).ok()) == Some(*found)
            }
            _ => false,
        }
    }
}

/// Returns what a value of a finding is called, in `scan -o wide` and in a waiver: the setting, else the file, else the
/// object; nothing for the answer to a request.
pub fn key_of(evidence: &Evidence) -> Option<String> {
    let file = || evidence.file.as_ref().map(ToString::to_string);
    let setting = evidence.setting.clone();
    setting.or_else(file).or_else(|| evidence.object.clone())
}

/// Returns what a finding read, by what it is called; a list where several values are called the same.
pub(super) fn read(finding: &Finding) -> BTreeMap<String, Value> {
    let mut found: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
    for evidence in &finding.evidence {
        if let Some(key) = key_of(evidence) {
            let values = found.entry(key).or_default();
            if !values.contains(&&evidence.value) {
                values.push(&evidence.value);
            }
        }
    }
    let one = |values: Vec<&Value>| match values.as_slice() {
        [only] => (*only).clone(),
        several => Value::List(several.iter().map(|value| (*value).clone()).collect()),
    };
    found
        .into_iter()
        .map(|(key, values)| (key, one(values)))
        .collect()
}

#[cfg(test)]
mod tests {
    use kubeassay_core::Value;

    use super::Wanted;

    #[test]
    fn values_are_compared_as_json_and_as_people_copy_them() {
        let text = |text: &str| Value::string(text);
        let list = |texts: &[&str]| Value::List(texts.iter().map(|one| text(one)).collect());
        for (wanted, written, found, same) in [
            (text("AlwaysAllow"), None, text("AlwaysAllow"), true),
            (text("AlwaysAllow"), None, text("Webhook"), false),
            (Value::Int(10255), None, Value::Int(10255), true),
            (Value::Int(10255), Some("10255"), text("10255"), true),
            (Value::Int(644), Some("0644"), text("0644"), true),
            (Value::Int(644), Some("644"), text("0644"), false),
            (Value::Bool(false), None, Value::Bool(false), true),
            (Value::Bool(false), None, Value::Null, false),
            (Value::Null, None, Value::Null, true),
            (text(""), None, Value::Null, false),
            (text("4h"), None, Value::Duration(14_400_000_000_000), true),
            (
                text("4h0m0s"),
                None,
                Value::Duration(14_400_000_000_000),
                true,
            ),
            (text("5h"), None, Value::Duration(14_400_000_000_000), false),
            (text("4h0m0s"), None, text("4h0m0s"), true),
            (list(&["a", "b"]), None, list(&["a", "b"]), true),
            (list(&["b", "a"]), None, list(&["a", "b"]), false),
            (
                text("sha256:ab (3 bytes)"),
                None,
                Value::Redacted {
                    sha256: "ab".to_owned(),
                    length: 3,
                },
                true,
            ),
        ] {
            let wanted = Wanted::new(wanted, written.map(str::to_owned));
            assert_eq!(wanted.is(&found), same, "{wanted:?} {found:?}");
        }
    }
}
