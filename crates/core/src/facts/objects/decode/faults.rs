//! Objects that could not be understood: how many, and of the first few which and why.

use serde::Deserialize;

use super::Trouble;
use crate::facts::objects::Kind;
use crate::verdict::Cause;

/// How many of a list are named.
const MAX_NAMED: usize = 3;

/// How much of a name is shown. Names of objects have at most 253 characters.
const MAX_SHOWN: usize = 300;

/// How long a reason may be.
const MAX_REASON: usize = 200;

/// A list, whoever asks for it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum List {
    /// One of [`LISTS`](crate::facts::objects::LISTS).
    Of(Kind),
    /// A resource that is only counted.
    Counted(Box<str>),
    /// A kind in the namespace `default`.
    InDefault(Box<str>),
}

/// What was seen of a list so far.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// How many items there were.
    pub(super) seen: usize,
    /// How many bytes its records take, about.
    pub(super) held: usize,
    bad: usize,
    named: Vec<String>,
}

impl Tally {
    /// Takes note of an item that could not be understood.
    pub(super) fn fault(&mut self, item: &str, reason: &str) {
        self.bad = self.bad.saturating_add(1);
        if self.named.len() < MAX_NAMED {
            let who = who(item).unwrap_or_else(|| format!("item {}", self.seen));
            self.named.push(format!("{who}: {reason}"));
        }
    }

    /// Returns how many could not be understood.
    pub(super) const fn bad(&self) -> usize {
        self.bad
    }
}

/// Returns the trouble of a list that was read in parts, called `what`.
pub(super) fn trouble<'a>(what: &str, tallies: impl Iterator<Item = &'a Tally>) -> Option<Trouble> {
    let (mut seen, mut bad, mut named) = (0_usize, 0_usize, Vec::new());
    for tally in tallies {
        seen = seen.saturating_add(tally.seen);
        bad = bad.saturating_add(tally.bad);
        named.extend(&tally.named);
    }
    named.truncate(MAX_NAMED);
    if bad == 0 {
        return None;
    }
    let mut reason = format!("{bad} of {seen} {what} could not be understood: ");
    for (number, one) in named.iter().enumerate() {
        if number > 0 {
            reason.push_str("; ");
        }
        reason.push_str(one);
    }
    let more = bad.saturating_sub(named.len());
    if more > 0 {
        reason = format!("{reason}; and {more} more");
    }
    Some(Trouble {
        cause: Cause::ParseError,
        reason,
    })
}

/// Returns the name of an object that is not understood otherwise.
fn who(item: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Whose {
        metadata: Names,
    }
    #[derive(Deserialize)]
    struct Names {
        name: String,
        #[serde(default)]
        namespace: Option<String>,
    }
    let Whose { metadata } = serde_json::from_str(item).ok()?;
    let name = Some(shown(&metadata.name)).filter(|name| !name.is_empty())?;
    Some(match metadata.namespace.filter(|it| !it.is_empty()) {
        Some(namespace) => format!("{}/{name}", shown(&namespace)),
        None => name,
    })
}

/// Returns a text of the cluster's as it may stand in a sentence.
pub(super) fn shown(text: &str) -> String {
    let plain = text.chars().filter(|one| !one.is_control());
    plain.take(MAX_SHOWN).collect()
}

/// Returns why a text was not understood, without anything of the text: serde quotes the value that it did not expect,
/// and that may be a secret which stands where none belongs.
pub(super) fn said(error: &serde_json::Error) -> String {
    let whole = error.to_string();
    // What was there is quoted; what was expected is our own word, and so is all of a message without a quotation.
    let message = match (whole.find(['"', '`']), whole.rfind(", expected ")) {
        (Some(start), Some(expected)) if start < expected => {
            let (found, wanted) = (whole.get(..start), whole.get(expected..));
            format!(
                "{}{}",
                found.unwrap_or_default().trim_end(),
                wanted.unwrap_or_default()
            )
        }
        _ => whole,
    };
    message.chars().take(MAX_REASON).collect()
}
