//! The entries of the data files, as a person writes them. The files' own headers explain the keys.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_saphyr::Spanned;

use super::{NEWEST, OLDEST};

/// A value as YAML has it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub(super) enum Plain {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    List(Vec<Self>),
    Map(BTreeMap<String, Self>),
}

/// A minor, or a pair of minors where the facts leave the exact one open.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Bound {
    Exact(u8),
    Between(u8, u8),
}

/// A default: the same for all minors, or by minor.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Default {
    Spans(Vec<Span>),
    Always(Plain),
}

/// A default in some minors.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Span {
    pub(super) from: u8,
    pub(super) to: u8,
    /// Missing and `null` are told apart: a pointer's default can be null.
    #[serde(default, deserialize_with = "present")]
    pub(super) value: Option<Plain>,
    #[serde(default)]
    pub(super) unknown: bool,
}

fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Plain>, D::Error> {
    Plain::deserialize(deserializer).map(Some)
}

/// What a flag sets: one field, or something else from minor to minor.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Sets {
    Field(String),
    ByMinor(Vec<SetsFrom>),
}

/// What a flag sets from a minor on; no field: nothing but itself.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SetsFrom {
    pub(super) from: u8,
    pub(super) field: Option<String>,
}

/// The types of configuration fields, named as in `kubeassay_config::tables::FieldKind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum FieldKind {
    Bool,
    Int32,
    Int64,
    Uint32,
    Float64,
    String,
    Duration,
    TimeOrDuration,
    Quantity,
    StringList,
    Int32List,
    ObjectList,
    StringMap,
    BoolMap,
    StringListMap,
}

/// The types of flags, named as in `kubeassay_config::tables::FlagKind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum FlagKind {
    Bool,
    Int32,
    Int64,
    Uint64,
    Int,
    Float64,
    String,
    Duration,
    Ip,
    Quantity,
    IpPort,
    StringSlice,
    StringArray,
    StringMap,
    BoolMap,
    Gates,
    Thresholds,
    Multimap,
    Level,
    Opaque,
    Version,
    Taints,
    ReservedMemory,
}

/// A configuration field.
#[expect(
    clippy::struct_excessive_bools,
    reason = "four independent keys of an entry"
)]
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Field {
    pub(super) path: Spanned<String>,
    pub(super) internal: String,
    #[serde(rename = "type")]
    pub(super) kind: FieldKind,
    #[serde(default)]
    pub(super) pointer: bool,
    #[serde(default = "yes")]
    pub(super) zero_kept: bool,
    #[serde(default = "yes")]
    pub(super) omitempty: bool,
    pub(super) since: Option<Bound>,
    pub(super) until: Option<Bound>,
    pub(super) default: Default,
    pub(super) legacy_default: Option<Default>,
    #[serde(default)]
    pub(super) secret: bool,
}

/// A flag.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Flag {
    pub(super) name: Spanned<String>,
    pub(super) shorthand: Option<char>,
    #[serde(rename = "type")]
    pub(super) kind: FlagKind,
    pub(super) bare: Option<String>,
    pub(super) since: Option<Bound>,
    pub(super) until: Option<Bound>,
    pub(super) sets: Option<Sets>,
    pub(super) default: Option<Default>,
    #[serde(default)]
    pub(super) secret: bool,
}

/// A locked feature gate.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Gate {
    pub(super) name: Spanned<String>,
    pub(super) value: bool,
    pub(super) from: u8,
    pub(super) to: u8,
}

/// Where something exists: first and last minor, surely and possibly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Presence {
    pub(super) certain: (u8, u8),
    pub(super) possible: (u8, u8),
}

impl Presence {
    /// Reads `since` (possible, certain) and `until` (certain, possible).
    pub(super) fn new(since: Option<Bound>, until: Option<Bound>) -> Self {
        let (first_possible, first_certain) = since.map_or((OLDEST, OLDEST), Bound::pair);
        let (last_certain, last_possible) = until.map_or((NEWEST, NEWEST), Bound::pair);
        Self {
            certain: (first_certain, last_certain),
            possible: (first_possible, last_possible),
        }
    }

    /// Returns every minor in which it may exist.
    pub(super) fn possible_minors(self) -> std::ops::RangeInclusive<u8> {
        self.possible.0..=self.possible.1
    }
}

impl Bound {
    fn pair(self) -> (u8, u8) {
        match self {
            Self::Exact(minor) => (minor, minor),
            Self::Between(earlier, later) => (earlier, later),
        }
    }
}

impl Default {
    /// Returns the spans in these minors, among them the ones that say "unknown".
    pub(super) fn spans(&self, (from, to): (u8, u8)) -> Vec<Span> {
        let value = match self {
            // An empty list fits both shapes; it is the value.
            Self::Spans(spans) if spans.is_empty() => Plain::List(Vec::new()),
            Self::Spans(spans) => return spans.clone(),
            Self::Always(value) => value.clone(),
        };
        vec![Span {
            from,
            to,
            value: Some(value),
            unknown: false,
        }]
    }
}

impl Field {
    pub(super) fn presence(&self) -> Presence {
        Presence::new(self.since, self.until)
    }

    /// Returns whether `encoding/json` leaves it out when it is zero: it never finds a struct empty.
    pub(super) fn left_out_when_zero(&self) -> bool {
        let is_struct = matches!(
            self.kind,
            FieldKind::Duration | FieldKind::TimeOrDuration | FieldKind::Quantity
        );
        self.omitempty && (self.pointer || !is_struct)
    }
}

impl Flag {
    pub(super) fn presence(&self) -> Presence {
        Presence::new(self.since, self.until)
    }

    /// Returns what it sets from which minor on; `None` is the flag itself.
    pub(super) fn targets(&self) -> Vec<(u8, Option<&str>)> {
        match &self.sets {
            None => vec![(OLDEST, None)],
            Some(Sets::Field(field)) => vec![(OLDEST, Some(field))],
            Some(Sets::ByMinor(steps)) => steps
                .iter()
                .map(|step| (step.from, step.field.as_deref()))
                .collect(),
        }
    }

    /// Returns what it sets in one minor.
    pub(super) fn target(&self, minor: u8) -> Option<&str> {
        self.targets()
            .into_iter()
            .rev()
            .find(|(from, _)| *from <= minor)
            .and_then(|(_, field)| field)
    }

    /// Returns the minors of its life in which it sets no field, from the first to the last.
    pub(super) fn own_minors(&self) -> Option<(u8, u8)> {
        let mut own = self
            .presence()
            .possible_minors()
            .filter(|minor| self.target(*minor).is_none());
        let first = own.next()?;
        Some((first, own.next_back().unwrap_or(first)))
    }

    /// Returns the value it takes without `=`.
    pub(super) fn bare(&self) -> Option<&str> {
        match (&self.bare, self.kind) {
            (Some(bare), _) => Some(bare),
            (None, FlagKind::Bool | FlagKind::Version) => Some("true"),
            (None, _) => None,
        }
    }

    /// Returns the name that checks read it by: `hostname-override` is `hostnameOverride`.
    pub(super) fn setting(&self) -> String {
        let mut setting = String::new();
        for (index, word) in self.name.value.split('-').enumerate() {
            let mut letters = word.chars();
            match letters.next() {
                Some(first) if index > 0 => setting.extend(first.to_uppercase()),
                Some(first) => setting.push(first),
                None => {}
            }
            setting.push_str(letters.as_str());
        }
        setting
    }
}

fn yes() -> bool {
    true
}
