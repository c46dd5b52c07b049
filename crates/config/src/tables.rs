//! The shape of the tables: every flag and every configuration field of a component, as static data.
//!
//! The contents are generated (`cargo xtask generate`) from `crates/config/data/*.yaml` into
//! `tables/kubelet.rs` and checked in, so that nothing of ours is parsed when the program starts.
//! Facts come from the Kubernetes source of each minor; where a minor was not read, the table says
//! so ([`Presence::possible`], several [`DefaultSpan`]s over one minor) instead of guessing.

use std::fmt;

pub mod apiserver;
pub mod controller_manager;
pub mod gates;
pub mod kube_proxy;
pub mod kubelet;
pub mod scheduler;

/// One minor release of Kubernetes: `Minor(34)` is 1.34.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Minor(pub u8);

impl Minor {
    /// The oldest minor the tables describe.
    pub const OLDEST: Self = Self(20);
    /// The newest minor the tables describe.
    pub const NEWEST: Self = Self(36);

    /// Returns every minor the tables describe, oldest first.
    pub fn all() -> impl DoubleEndedIterator<Item = Self> + Clone {
        (Self::OLDEST.0..=Self::NEWEST.0).map(Self)
    }

    /// Returns whether the tables describe this minor.
    pub const fn is_known(self) -> bool {
        self.0 >= Self::OLDEST.0 && self.0 <= Self::NEWEST.0
    }
}

impl fmt::Display for Minor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "1.{}", self.0)
    }
}

/// The minors in which something exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Presence {
    /// First and last minor in which it surely exists.
    pub certain: (Minor, Minor),
    /// First and last minor in which it may exist (a superset of `certain`; the facts do not name the
    /// minor in between).
    pub possible: (Minor, Minor),
}

impl Presence {
    /// Returns whether it surely exists in `minor`.
    pub const fn surely(&self, minor: Minor) -> bool {
        self.certain.0.0 <= minor.0 && minor.0 <= self.certain.1.0
    }

    /// Returns whether it may exist in `minor`.
    pub const fn possibly(&self, minor: Minor) -> bool {
        self.possible.0.0 <= minor.0 && minor.0 <= self.possible.1.0
    }
}

/// A default, as a constant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Constant {
    /// A nil pointer.
    Null,
    /// A boolean.
    Bool(bool),
    /// An integer of any width.
    Int(i64),
    /// A floating point number.
    Float(f64),
    /// A string (also quantities and addresses, as Go prints them).
    Str(&'static str),
    /// Nanoseconds.
    Duration(i64),
    /// A list of strings.
    List(&'static [&'static str]),
    /// A map of strings.
    Map(&'static [(&'static str, &'static str)]),
}

/// One default and the minors it holds in. Two spans that overlap mean that either may hold there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DefaultSpan {
    /// First minor.
    pub from: Minor,
    /// Last minor.
    pub to: Minor,
    /// The value.
    pub value: Constant,
}

/// The Go type of a configuration field, as far as decoding depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// `bool`
    Bool,
    /// `int32`
    Int32,
    /// `int64`
    Int64,
    /// `uint32`
    Uint32,
    /// `float64`
    Float64,
    /// `string` and named string types
    String,
    /// `metav1.Duration`: a Go duration in a string, nothing else
    Duration,
    /// `logsapi.TimeOrMetaDuration`: a Go duration in a string, or a number of nanoseconds
    TimeOrDuration,
    /// `resource.QuantityValue`: a quantity in a string, or a number
    Quantity,
    /// `[]string`
    StringList,
    /// `[]int32`
    Int32List,
    /// A list of objects whose inside is kept as it was written
    ObjectList,
    /// `map[string]string`
    StringMap,
    /// `map[string]bool`
    BoolMap,
    /// `map[string][]string`
    StringListMap,
}

/// One leaf field of a component's configuration.
#[derive(Clone, Copy, Debug, PartialEq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "a row of a table; each is a fact of its own"
)]
pub struct Field {
    /// Its place in [`Tables::fields`].
    pub number: u16,
    /// Its path in the component's own spelling: `authentication.anonymous.enabled`.
    pub path: &'static str,
    /// The path of the same field in the internal type, as `encoding/json` spells it when that type is
    /// marshalled (drop-ins of 1.29 to 1.31 are merged onto that): `Authentication.Anonymous.Enabled`.
    pub internal_path: &'static str,
    /// Its type.
    pub kind: FieldKind,
    /// Whether the versioned type holds a pointer: `null` and absence are one, and a zero is a value.
    pub pointer: bool,
    /// Whether a zero value written in a file is kept rather than replaced by the default.
    pub zero_kept: bool,
    /// Whether Go leaves the field out of JSON when it is zero.
    pub omitempty: bool,
    /// Where it exists.
    pub presence: Presence,
    /// Defaults with a configuration file.
    pub defaults: &'static [DefaultSpan],
    /// Defaults where no `--config` is given, if they differ; empty if not.
    pub legacy_defaults: &'static [DefaultSpan],
    /// Whether its value may be a secret: shown only as a digest.
    pub secret: bool,
}

/// How a flag's text is parsed (the `Type()` of its `pflag.Value`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlagKind {
    /// Go's `ParseBool`; may stand without a value
    Bool,
    /// 32-bit integer, base by prefix
    Int32,
    /// 64-bit integer, base by prefix
    Int64,
    /// Unsigned 64-bit integer, base by prefix
    Uint64,
    /// Platform integer, base by prefix
    Int,
    /// Floating point
    Float64,
    /// Any text
    String,
    /// Go duration
    Duration,
    /// An IP address
    Ip,
    /// A resource quantity
    Quantity,
    /// An IP address with or without a port, or nothing
    IpPort,
    /// Comma-separated list (CSV); the first occurrence replaces, further ones append
    StringSlice,
    /// A list of which each occurrence is one element, commas and all; the first replaces, further ones append
    StringArray,
    /// `key=value,…`; the first occurrence clears, further ones add
    StringMap,
    /// `key=true|false,…`
    BoolMap,
    /// Feature gates, `gate=true|false,…`; from 1.31 on also `component:gate=…`, where `kube:` says nothing more
    Gates,
    /// `key<=>value` pairs as eviction thresholds are written (`memory.available<100Mi`)
    Thresholds,
    /// `key:value,…` with several values per key
    Multimap,
    /// klog verbosity level
    Level,
    /// klog severity, module patterns, trace location: accepted, not interpreted
    Opaque,
    /// `--version[=true|false|raw|vX.Y.Z]`: prints and ends
    Version,
    /// Taints, `key=value:effect,…`
    Taints,
    /// `--reserved-memory`, `numa:type=quantity,…;…`
    ReservedMemory,
}

/// What a flag sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Something of its own, outside the configuration: read as `flags.<camelCase name>`.
    Own,
    /// A field of the configuration.
    Field(&'static str),
}

/// One flag of a component.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Flag {
    /// Its name with hyphens, without the leading dashes.
    pub name: &'static str,
    /// Its one-letter form.
    pub shorthand: Option<char>,
    /// The name it is read by in checks when it sets no field: `hostnameOverride`.
    pub setting: &'static str,
    /// How its text is parsed.
    pub kind: FlagKind,
    /// The value that it takes when it stands without `=`; `None`: it needs one.
    pub bare: Option<&'static str>,
    /// Where it exists.
    pub presence: Presence,
    /// What it sets, by minor; the first entry whose `from` is not newer than the minor, from the end.
    pub targets: &'static [(Minor, Target)],
    /// Its default when not given, for flags that set no field.
    pub defaults: &'static [DefaultSpan],
    /// Whether its value may be a secret.
    pub secret: bool,
}

impl Flag {
    /// Returns what the flag sets in `minor`.
    pub fn target(&self, minor: Minor) -> Target {
        self.targets
            .iter()
            .rev()
            .find(|(from, _)| *from <= minor)
            .map_or(Target::Own, |(_, target)| *target)
    }
}

/// A feature gate that is locked: setting it to the other value is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LockedGate {
    /// Its name.
    pub name: &'static str,
    /// The value it is locked to.
    pub value: bool,
    /// The minors in which it is known to be locked.
    pub from: Minor,
    /// Last minor in which it is known to be locked.
    pub to: Minor,
}

/// The tables of one component.
#[derive(Clone, Copy, Debug)]
pub struct Tables {
    /// Every flag, sorted by name.
    pub flags: &'static [Flag],
    /// Every leaf field, sorted by path.
    pub fields: &'static [Field],
    /// The numbers of the fields, sorted by internal path.
    pub by_internal_path: &'static [u16],
    /// The locked feature gates that are known.
    pub locked_gates: &'static [LockedGate],
}

impl Tables {
    /// Finds a flag by its normalised name.
    pub fn flag(&self, name: &str) -> Option<&'static Flag> {
        let at = self
            .flags
            .binary_search_by(|flag| flag.name.cmp(name))
            .ok()?;
        self.flags.get(at)
    }

    /// Finds a field by its path.
    pub fn field(&self, path: &str) -> Option<&'static Field> {
        let at = self
            .fields
            .binary_search_by(|field| field.path.cmp(path))
            .ok()?;
        self.fields.get(at)
    }
}

#[cfg(test)]
mod expected;

#[cfg(test)]
mod tests {
    use super::Field;
    use super::kubelet::KUBELET;

    #[test]
    fn fields_are_found_by_number_and_by_either_path() {
        let numbers: Vec<u16> = KUBELET.fields.iter().map(|field| field.number).collect();
        assert_eq!(numbers, (0..).take(numbers.len()).collect::<Vec<u16>>());
        assert!(KUBELET.fields.is_sorted_by(|a, b| a.path < b.path));
        let internal: Vec<&str> = KUBELET
            .by_internal_path
            .iter()
            .map(|number| KUBELET.fields[usize::from(*number)].internal_path)
            .collect();
        assert_eq!(internal.len(), KUBELET.fields.len());
        assert!(internal.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn no_two_fields_or_objects_differ_in_case_alone() {
        // What is decoded without regard to case is looked for with regard to it first.
        for path in [
            |field: &Field| field.path,
            |field: &Field| field.internal_path,
        ] {
            let mut parts: Vec<&str> = Vec::new();
            for field in KUBELET.fields.iter().map(path) {
                assert!(
                    field
                        .bytes()
                        .all(|b| b == b'.' || b.is_ascii_alphanumeric())
                );
                parts.push(field);
                parts.extend(field.match_indices('.').map(|(at, _)| &field[..at]));
            }
            parts.sort_unstable();
            parts.dedup();
            let mut folded: Vec<String> = parts.iter().map(|part| part.to_lowercase()).collect();
            folded.sort_unstable();
            folded.dedup();
            assert_eq!(folded.len(), parts.len());
        }
    }
}
