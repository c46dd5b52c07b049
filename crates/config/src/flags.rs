//! A component's command line, read the way pflag reads it, with the component's own list of flags.
//!
//! Only that list tells which argument is a flag and which is the value of the flag before it:
//! `--provider-id --authorization-mode=Webhook` sets the provider id. Rules as in
//! `github.com/spf13/pflag` (`FlagSet.Parse`) and `cmd/kubelet/app/server.go` (no stray arguments).

mod values;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use kubeassay_core::{Bytes, Component, Origin, OriginKind, Value, duration};

use crate::refusal::Refusal;
use crate::tables::{Flag, FlagKind, Minor, Tables};

pub(crate) use values::{apply, own};

/// A command line that the component accepts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CommandLine {
    /// The flags that were given, by name, each with its occurrences in order.
    pub given: BTreeMap<&'static str, Vec<Occurrence>>,
}

/// One occurrence of a flag.
#[derive(Clone, Debug, PartialEq)]
pub struct Occurrence {
    /// The flag.
    pub flag: &'static Flag,
    /// Its text.
    pub text: Bytes,
    /// The text, parsed.
    pub value: FlagValue,
    /// Which argument it is.
    pub origin: Arc<Origin>,
}

/// The parsed text of a flag.
#[derive(Clone, Debug, PartialEq)]
pub enum FlagValue {
    /// One value; the last occurrence wins.
    One(Value),
    /// Elements of a list; the first occurrence replaces, further ones append.
    Elements(Vec<Bytes>),
    /// Entries of a map; the first occurrence clears, further ones add.
    Entries(Vec<(String, Value)>),
}

impl CommandLine {
    /// Says of each flag where its argument comes from: the unit or environment file that gives it, at the same
    /// index in `origins`.
    pub(crate) fn come_from(&mut self, origins: &[Arc<Origin>]) {
        for occurrence in self.given.values_mut().flatten() {
            let index = occurrence.origin.index.unwrap_or(0);
            if let Some(origin) = origins.get(index as usize) {
                occurrence.origin = Arc::new(Origin {
                    name: occurrence.origin.name.clone(),
                    index: Some(index),
                    text: origin.text.clone().filter(|_| !occurrence.flag.secret),
                    ..Origin::clone(origin)
                });
            }
        }
    }

    /// Returns the text of the last occurrence of the flag `name`.
    pub fn last(&self, name: &str) -> Option<&Occurrence> {
        self.given.get(name)?.last()
    }

    /// Returns the text of the last occurrence of a flag, if that text is not empty.
    pub fn path(&self, name: &str) -> Option<(&Bytes, &Arc<Origin>)> {
        let occurrence = self.last(name)?;
        (!occurrence.text.is_empty()).then_some((&occurrence.text, &occurrence.origin))
    }
}

/// Parses the arguments of a kubelet, program name first.
///
/// # Errors
///
/// The kubelet's own reason to refuse the command line in this minor.
pub fn parse(argv: &[Bytes], tables: &Tables, minor: Minor) -> Result<CommandLine, Refusal> {
    parse_of(Component::Kubelet, argv, tables, minor)
}

/// Parses the arguments of a component, program name first.
///
/// None takes a stray argument; but where the kubelet refuses any, the others overlook those that are empty (`Args` of
/// their commands, `cmd/kube-apiserver/app/server.go` and its siblings).
///
/// # Errors
///
/// The component's own reason to refuse the command line in this minor.
pub fn parse_of(
    component: Component,
    argv: &[Bytes],
    tables: &Tables,
    minor: Minor,
) -> Result<CommandLine, Refusal> {
    let mut parser = Parser {
        component,
        arguments: argv.iter().enumerate(),
        tables,
        minor,
        line: CommandLine::default(),
    };
    // The program's own name.
    parser.arguments.next();
    parser.run()
}

/// From which minor on a gate may stand behind the name of its component (`component-base/featuregate/registry.go`).
const PREFIXED_GATES: Minor = Minor(31);

struct Parser<'a> {
    component: Component,
    arguments: std::iter::Enumerate<std::slice::Iter<'a, Bytes>>,
    tables: &'a Tables,
    minor: Minor,
    line: CommandLine,
}

impl Parser<'_> {
    fn run(mut self) -> Result<CommandLine, Refusal> {
        let mut stray: Option<(usize, &[u8])> = None;
        let is_kubelet = self.component == Component::Kubelet;
        let counts = |argument: &Bytes| is_kubelet || !argument.is_empty();
        while let Some((index, argument)) = self.arguments.next() {
            match argument.as_slice() {
                b"--" => {
                    let next = self.arguments.find(|(_, next)| counts(next));
                    stray = stray.or(next.map(|(index, next)| (index, next.as_slice())));
                    break;
                }
                [b'-', b'-', long @ ..] => self.long(index, argument, long)?,
                [b'-', short @ ..] if !short.is_empty() => self.short(index, argument, short)?,
                other if counts(argument) => stray = stray.or(Some((index, other))),
                _ => {}
            }
        }
        if let Some((index, argument)) = stray {
            let shown = kubeassay_core::text::escape_bytes(argument);
            return Err(refuse(
                index,
                if is_kubelet {
                    format!("unknown command {shown}")
                } else {
                    let component = self.component.as_str();
                    format!("{component} does not take any arguments, got {shown}")
                },
            ));
        }
        self.check_gates()?;
        for name in ["help", "version"] {
            // `--version=v1.34.2` only sets the version that is reported.
            let asked = |text: &Bytes| {
                !matches!(
                    text.as_slice(),
                    b"false" | b"False" | b"FALSE" | b"F" | b"f" | b"0" | [b'v', b'0'..=b'9', ..]
                )
            };
            if let Some(occurrence) = self.line.last(name).filter(|given| asked(&given.text)) {
                let index = occurrence.origin.index.unwrap_or(0) as usize;
                return Err(refuse(index, format!("--{name} prints and ends")));
            }
        }
        Ok(self.line)
    }

    fn long(&mut self, index: usize, argument: &Bytes, long: &[u8]) -> Result<(), Refusal> {
        if matches!(long.first(), None | Some(b'-' | b'=')) {
            return Err(self.failed_parse(index, &format!("bad flag syntax: {argument}")));
        }
        let (name, text) = match long.iter().position(|byte| *byte == b'=') {
            Some(at) => {
                let (name, text) = long.split_at(at);
                (name, Some(Bytes::from(text.get(1..).unwrap_or_default())))
            }
            None => (long, None),
        };
        let flag = self.find(name).ok_or_else(|| {
            let name = kubeassay_core::text::escape_bytes(name);
            self.failed_parse(index, &format!("unknown flag: --{name}"))
        })?;
        let text = match (text, flag.bare) {
            (Some(text), _) => text,
            (None, Some(bare)) => Bytes::from(bare),
            (None, None) => match self.arguments.next() {
                Some((_, next)) => next.clone(),
                None => {
                    return Err(self
                        .failed_parse(index, &format!("flag needs an argument: --{}", flag.name)));
                }
            },
        };
        self.set(index, argument, flag, text)
    }

    fn short(&mut self, index: usize, argument: &Bytes, letters: &[u8]) -> Result<(), Refusal> {
        let mut rest = letters;
        while let [letter, after @ ..] = rest {
            let letter = char::from(*letter);
            let flag =
                self.tables.flags.iter().find(|flag| {
                    flag.shorthand == Some(letter) && flag.presence.possibly(self.minor)
                });
            let flag = flag.ok_or_else(|| {
                self.failed_parse(
                    index,
                    &format!("unknown shorthand flag: '{letter}' in {argument}"),
                )
            })?;
            let text = match (after, flag.bare) {
                ([b'=', text @ ..], _) if !text.is_empty() => {
                    rest = &[];
                    Bytes::from(text)
                }
                (_, Some(bare)) => {
                    rest = after;
                    Bytes::from(bare)
                }
                ([], None) => {
                    rest = &[];
                    let Some((_, next)) = self.arguments.next() else {
                        let reason = format!("flag needs an argument: '{letter}' in {argument}");
                        return Err(self.failed_parse(index, &reason));
                    };
                    next.clone()
                }
                (text, None) => {
                    rest = &[];
                    Bytes::from(text)
                }
            };
            self.set(index, argument, flag, text)?;
        }
        Ok(())
    }

    /// Refuses gates with and without `kube:` side by side, and those of a component that is not there
    /// (`component-base/compatibility/registry.go:Set`).
    fn check_gates(&self) -> Result<(), Refusal> {
        let occurrences = self.line.given.values().flatten();
        let mut prefixed = None;
        for occurrence in occurrences.filter(|given| given.flag.kind == FlagKind::Gates) {
            let index = occurrence.origin.index.unwrap_or(0) as usize;
            let text = occurrence.text.to_string_lossy();
            for pair in text.split(',').filter(|pair| !pair.is_empty()) {
                let name = pair.split('=').next().unwrap_or_default();
                let component = component_of(name).map(|(component, _)| component.trim());
                if component.is_some() && self.minor < PREFIXED_GATES {
                    let reason = format!("unrecognized feature gate: {name}");
                    return Err(refuse(index, reason));
                }
                if let Some(component) = component.filter(|name| !matches!(*name, "" | "kube")) {
                    let reason = format!("component not registered: {component}");
                    return Err(refuse(index, reason));
                }
                let is_kube = component == Some("kube");
                if *prefixed.get_or_insert(is_kube) != is_kube {
                    let reason = "set kube feature gates with default empty prefix or kube: prefix consistently";
                    return Err(refuse(index, reason.to_owned()));
                }
            }
        }
        Ok(())
    }

    fn failed_parse(&self, index: usize, reason: &str) -> Refusal {
        let reason = if self.component == Component::Kubelet {
            format!("failed to parse kubelet flag: {reason}")
        } else {
            reason.to_owned()
        };
        refuse(index, reason)
    }

    /// Finds a flag by the name on the command line, where `_` equals `-`
    /// (`component-base/cli/flag/flags.go:WordSepNormalizeFunc`).
    fn find(&self, name: &[u8]) -> Option<&'static Flag> {
        let name = std::str::from_utf8(name).ok()?.replace('_', "-");
        self.tables
            .flag(&name)
            .filter(|flag| flag.presence.possibly(self.minor))
    }

    fn set(
        &mut self,
        index: usize,
        argument: &Bytes,
        flag: &'static Flag,
        text: Bytes,
    ) -> Result<(), Refusal> {
        let value = parse_value(flag.kind, &text).map_err(|reason| {
            let shown = format!("{text}");
            self.failed_parse(
                index,
                &format!(
                    "invalid argument {shown:?} for \"--{}\" flag: {reason}",
                    flag.name
                ),
            )
        })?;
        let position = u32::try_from(index).unwrap_or(u32::MAX);
        let mut origin = Origin::flag(flag.name, position);
        // A secret is only ever shown as its digest; the argument itself is not repeated.
        origin.text = (!flag.secret).then(|| Arc::new(argument.clone()));
        self.line
            .given
            .entry(flag.name)
            .or_default()
            .push(Occurrence {
                flag,
                text,
                value,
                origin: Arc::new(origin),
            });
        Ok(())
    }
}

fn refuse(index: usize, reason: String) -> Refusal {
    let position = u32::try_from(index).unwrap_or(u32::MAX);
    Refusal::new(
        reason,
        Some(Arc::new(Origin {
            index: Some(position),
            ..Origin::new(OriginKind::Flag)
        })),
    )
}

/// Parses a flag's text as its `pflag.Value` does.
pub(crate) fn parse_value(kind: FlagKind, text: &Bytes) -> Result<FlagValue, String> {
    let utf8 = text.as_str();
    let one = |value: Value| Ok(FlagValue::One(value));
    match kind {
        FlagKind::Bool => match boolean(text.as_slice()) {
            Some(value) => one(Value::Bool(value)),
            None => Err(format!("strconv.ParseBool: parsing {:?}: invalid syntax", text.to_string_lossy())),
        },
        FlagKind::Int32 | FlagKind::Level => integer(utf8, i64::from(i32::MIN), i64::from(i32::MAX)).and_then(one),
        FlagKind::Int64 | FlagKind::Int => integer(utf8, i64::MIN, i64::MAX).and_then(one),
        FlagKind::Uint64 => integer(utf8, 0, i64::MAX).and_then(one),
        FlagKind::Float64 => utf8
            .and_then(|text| text.parse().ok())
            .map(|value| FlagValue::One(Value::Float(value)))
            .ok_or_else(|| "invalid syntax".to_owned()),
        FlagKind::Duration => duration::parse(&text.to_string_lossy()).and_then(|value| one(Value::Duration(value))),
        FlagKind::Ip => match utf8.map(str::trim) {
            Some("") => one(Value::string("")),
            Some(address) if sloppy(address).parse::<IpAddr>().is_ok() => one(Value::string(address)),
            _ => Err(format!("failed to parse IP: {:?}", text.to_string_lossy())),
        },
        FlagKind::IpPort if is_address_and_port(text) => one(Value::String(text.clone())),
        FlagKind::IpPort => Err(format!("{:?} is not in a valid format (ip or ip:port)", text.to_string_lossy())),
        FlagKind::StringSlice => elements(text).map(FlagValue::Elements),
        FlagKind::StringArray => Ok(FlagValue::Elements(vec![text.clone()])),
        FlagKind::StringMap => entries(text, '=').map(FlagValue::Entries),
        FlagKind::Thresholds => entries(text, '<').map(FlagValue::Entries),
        FlagKind::Multimap => entries(text, ':').map(FlagValue::Entries),
        FlagKind::BoolMap | FlagKind::Gates => entries(text, '=')?
            .into_iter()
            .map(|(key, value)| (gate_name(kind, key), value))
            .map(|(key, value)| match (parse_value(FlagKind::Bool, &as_bytes(&value)), value) {
                (Ok(FlagValue::One(flag)), _) => Ok((key, flag)),
                (_, value) => {
                    let text = as_bytes(&value);
                    Err(format!("invalid value of {key}={text}, err: strconv.ParseBool: parsing \"{text}\": invalid syntax"))
                }
            })
            .collect::<Result<_, _>>()
            .map(FlagValue::Entries),
        FlagKind::String
        | FlagKind::Quantity
        | FlagKind::Opaque
        | FlagKind::Version
        | FlagKind::Taints
        | FlagKind::ReservedMemory => one(Value::String(text.clone())),
    }
}

/// Splits the component off the name of a gate. A name that was hidden is not split: the digest has its own colon.
fn component_of(name: &str) -> Option<(&str, &str)> {
    let split = name.split_once(':');
    split.filter(|_| !crate::secrets::is_redacted(name.trim()))
}

/// Returns the name of a gate without the component it belongs to, which can only be `kube` or nothing.
fn gate_name(kind: FlagKind, key: String) -> String {
    match component_of(&key) {
        Some((_, gate)) if kind == FlagKind::Gates => gate.trim().to_owned(),
        _ => key,
    }
}

/// Returns whether kube-proxy takes the text for an address, or an address and a port; or for nothing
/// (`pkg/util/flag/flags.go:IPPortVar`).
fn is_address_and_port(text: &Bytes) -> bool {
    let Some(text) = text.as_str() else {
        return false;
    };
    let is_address = |text: &str| sloppy(text).parse::<IpAddr>().is_ok();
    let split = match text.strip_prefix('[') {
        Some(rest) => rest.split_once("]:"),
        None => text
            .rsplit_once(':')
            .filter(|(host, _)| !host.contains(':')),
    };
    text.is_empty()
        || is_address(text)
        || split.is_some_and(|(host, port)| {
            is_address(host) && !port.starts_with('+') && port.parse::<u16>().is_ok()
        })
}

/// Reads a boolean as `strconv.ParseBool`.
const fn boolean(text: &[u8]) -> Option<bool> {
    match text {
        b"1" | b"t" | b"T" | b"true" | b"TRUE" | b"True" => Some(true),
        b"0" | b"f" | b"F" | b"false" | b"FALSE" | b"False" => Some(false),
        _ => None,
    }
}

/// Returns whether Go reads the text as a boolean.
pub(crate) const fn is_bool(text: &[u8]) -> bool {
    boolean(text).is_some()
}

/// Returns whether pflag reads the text as a list.
pub(crate) fn is_list(text: &Bytes) -> bool {
    elements(text).is_ok()
}

/// Drops leading zeros of the parts of an IPv4 address: Kubernetes takes them for decimal
/// (`k8s.io/utils/net.ParseIPSloppy`).
pub(crate) fn sloppy(address: &str) -> String {
    if address.contains(':') {
        return address.to_owned();
    }
    let parts = address.split('.').map(|part| {
        let digits = part.trim_start_matches('0');
        if digits.is_empty() && !part.is_empty() {
            "0"
        } else {
            digits
        }
    });
    parts.collect::<Vec<_>>().join(".")
}

fn as_bytes(value: &Value) -> Bytes {
    match value {
        Value::String(text) => text.clone(),
        _ => Bytes::default(),
    }
}

/// Reads an integer as `strconv.ParseInt(text, 0, …)`: sign, base by prefix, `_` between digits.
fn integer(text: Option<&str>, least: i64, most: i64) -> Result<Value, String> {
    let text = text.ok_or_else(|| "invalid syntax".to_owned())?;
    let syntax = || format!("strconv.ParseInt: parsing {text:?}: invalid syntax");
    let number = go_integer(text).ok_or_else(syntax)?;
    i64::try_from(number)
        .ok()
        .filter(|number| (least..=most).contains(number))
        .map(Value::Int)
        .ok_or_else(|| format!("strconv.ParseInt: parsing {text:?}: value out of range"))
}

/// Returns the integer that Go reads with base 0; anything beyond 64 bits saturates far out of range.
fn go_integer(text: &str) -> Option<i128> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, text.get(1..)?),
        b'+' => (false, text.get(1..)?),
        _ => (false, text),
    };
    let lower = digits.to_ascii_lowercase();
    let (radix, body, prefixed) = match lower.as_bytes() {
        [b'0', b'x', ..] => (16, lower.get(2..)?, true),
        [b'0', b'b', ..] => (2, lower.get(2..)?, true),
        [b'0', b'o', ..] => (8, lower.get(2..)?, true),
        [b'0', _, ..] => (8, lower.get(1..)?, true),
        _ => (10, lower.as_str(), false),
    };
    // Underscores stand only between digits, or between the prefix and a digit.
    let misplaced =
        body.ends_with('_') || body.contains("__") || (body.starts_with('_') && !prefixed);
    let body = body.replace('_', "");
    if misplaced || body.is_empty() || !body.chars().all(|digit| digit.is_digit(radix)) {
        return None;
    }
    let magnitude = i128::from_str_radix(&body, radix).unwrap_or(i128::MAX);
    Some(if negative { -magnitude } else { magnitude })
}

/// Splits a list as pflag's `stringSlice` does: the first record of CSV, as Go's `encoding/csv` reads it.
fn elements(text: &Bytes) -> Result<Vec<Bytes>, String> {
    let mut elements = Vec::new();
    if text.is_empty() {
        return Ok(elements);
    }
    // Lines with their ends; those that are empty are no records.
    let mut lines = text.as_slice().split_inclusive(|byte| *byte == b'\n');
    let first = lines
        .by_ref()
        .map(csv_line)
        .find(|line| !line.is_empty() && line != b"\n");
    let mut line = first.ok_or("EOF")?;
    let mut at = 0;
    loop {
        let rest = line.get(at..).unwrap_or_default();
        if rest.first() != Some(&b'"') {
            let end = rest.iter().position(|byte| *byte == b',');
            let element = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
            let element = if end.is_none() {
                element.strip_suffix(b"\n").unwrap_or(element)
            } else {
                element
            };
            if element.contains(&b'"') {
                return Err("parse error: bare \" in non-quoted-field".to_owned());
            }
            elements.push(Bytes::from(element));
            match end {
                Some(end) => at += end + 1,
                None => return Ok(elements),
            }
            continue;
        }
        let mut element = Vec::new();
        at += 1;
        loop {
            match line.get(at..).unwrap_or_default() {
                [b'"', b'"', ..] => {
                    element.push(b'"');
                    at += 2;
                }
                [b'"', b',', ..] => {
                    at += 2;
                    elements.push(Bytes::from(element));
                    break;
                }
                [b'"'] | [b'"', b'\n'] => {
                    elements.push(Bytes::from(element));
                    return Ok(elements);
                }
                [b'"', ..] => return Err(QUOTE.to_owned()),
                [byte, ..] => {
                    element.push(*byte);
                    at += 1;
                }
                // A quoted element goes on over the ends of lines.
                [] => {
                    line = csv_line(lines.next().ok_or(QUOTE)?);
                    at = 0;
                }
            }
        }
    }
}

const QUOTE: &str = "parse error: extraneous or missing \" in quoted-field";

/// Returns a line as Go's CSV reader sees it: CR LF is LF, and a CR before the end of the text is dropped.
fn csv_line(line: &[u8]) -> Vec<u8> {
    match line {
        [before @ .., b'\r', b'\n'] => [before, b"\n"].concat(),
        [before @ .., b'\r'] => before.to_vec(),
        line => line.to_vec(),
    }
}

/// Splits a map as `component-base/cli/flag/map_string_string.go` and its siblings do.
fn entries(text: &Bytes, separator: char) -> Result<Vec<(String, Value)>, String> {
    let text = text.to_string_lossy();
    text.split(',')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair
                .split_once(separator)
                .ok_or_else(|| format!("malformed pair, expect string{separator}string"))?;
            Ok((key.trim().to_owned(), Value::string(value.trim())))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use kubeassay_core::{Bytes, Value};
    use proptest::prelude::{any, prop, proptest};

    use super::{CommandLine, FlagValue, parse};
    use crate::refusal::Refusal;
    use crate::tables::Minor;
    use crate::tables::kubelet::KUBELET;

    fn parse_at(minor: u8, arguments: &[&str]) -> Result<CommandLine, Refusal> {
        let argv: Vec<Bytes> = std::iter::once("kubelet")
            .chain(arguments.iter().copied())
            .map(Bytes::from)
            .collect();
        parse(&argv, &KUBELET, Minor(minor))
    }

    fn mode(arguments: &[&str]) -> Option<String> {
        parse_at(36, arguments)
            .ok()?
            .last("authorization-mode")
            .map(|given| given.text.to_string())
    }

    #[test]
    fn the_last_spelling_wins() {
        for (arguments, expected) in [
            (&["--authorization-mode=Webhook"][..], Some("Webhook")),
            (&["--authorization_mode", "Webhook"], Some("Webhook")),
            (
                &[
                    "--authorization-mode=AlwaysAllow",
                    "--authorization_mode=Webhook",
                ],
                Some("Webhook"),
            ),
            (&["--provider-id", "--authorization-mode=Webhook"], None),
            (
                &["--anonymous-auth", "--authorization-mode=Webhook"],
                Some("Webhook"),
            ),
            (&["-v", "4", "--authorization-mode", ""], Some("")),
            (&["-v4", "--authorization-mode=a=b"], Some("a=b")),
        ] {
            assert_eq!(mode(arguments).as_deref(), expected, "{arguments:?}");
        }
    }

    #[test]
    fn what_pflag_refuses_is_refused() {
        for (arguments, reason) in [
            (
                &["-authorization-mode=AlwaysAllow"][..],
                "unknown shorthand flag: 'a' in -authorization-mode=AlwaysAllow",
            ),
            (
                &["--authorization-mod=Webhook"],
                "unknown flag: --authorization-mod",
            ),
            (
                &["--Authorization-Mode=Webhook"],
                "unknown flag: --Authorization-Mode",
            ),
            (
                &["--", "--authorization-mode=Webhook"],
                "unknown command --authorization-mode=Webhook",
            ),
            (&["--anonymous-auth", "false"], "unknown command false"),
            (
                &["––authorization-mode=Webhook"],
                "unknown command ––authorization-mode=Webhook",
            ),
            (
                &["--anonymous-auth=no"],
                "invalid argument \"no\" for \"--anonymous-auth\" flag",
            ),
            (
                &["--read-only-port=x"],
                "invalid argument \"x\" for \"--read-only-port\" flag",
            ),
            (
                &["--streaming-connection-idle-timeout=300"],
                "missing unit in duration",
            ),
            (&["--config"], "flag needs an argument: --config"),
            (&["--network-plugin=cni"], "unknown flag: --network-plugin"),
            (&["--=x"], "bad flag syntax: --=x"),
            (&["--help"], "--help prints and ends"),
        ] {
            let refusal = parse_at(36, arguments).unwrap_err();
            assert!(
                refusal.reason.contains(reason),
                "{arguments:?}: {}",
                refusal.reason
            );
        }
    }

    #[test]
    fn lists_and_maps_are_split_as_go_splits_them() {
        let value = |argument: &str| {
            let line = parse_at(36, &[argument]).unwrap();
            line.given.values().next().unwrap()[0].value.clone()
        };
        let list =
            |texts: &[&str]| FlagValue::Elements(texts.iter().copied().map(Bytes::from).collect());
        assert_eq!(value("--cluster-dns=a,b"), list(&["a", "b"]));
        assert_eq!(value("--cluster-dns=\"a,b\",c"), list(&["a,b", "c"]));
        // The first record that is not empty, as encoding/csv reads it; a quoted element may go over lines.
        assert_eq!(value("--cluster-dns=\n\r\na,b\r\nc"), list(&["a", "b"]));
        assert_eq!(value("--cluster-dns=\"a\nb\",c\r"), list(&["a\nb", "c"]));
        assert_eq!(value("--cluster-dns=\"a\"\nb"), list(&["a"]));
        for refused in ["\n", "\r", "\"a", "\"a\"b", "a\"b"] {
            assert!(
                parse_at(36, &[&format!("--cluster-dns={refused}")]).is_err(),
                "{refused:?}"
            );
        }
        assert_eq!(value("--tls-cipher-suites="), list(&[]));
        assert_eq!(
            value("--eviction-hard=memory.available<7Mi, nodefs.available<10%"),
            FlagValue::Entries(vec![
                ("memory.available".to_owned(), Value::string("7Mi")),
                ("nodefs.available".to_owned(), Value::string("10%")),
            ])
        );
        assert_eq!(
            value("--feature-gates=A=true,B=f"),
            FlagValue::Entries(vec![
                ("A".to_owned(), Value::Bool(true)),
                ("B".to_owned(), Value::Bool(false)),
            ])
        );
    }

    proptest! {
        #[test]
        fn any_command_line_is_answered(
            minor in 20_u8..=36,
            argv in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 0..8),
        ) {
            let argv: Vec<Bytes> = argv.into_iter().map(Bytes::from).collect();
            let _answer = parse(&argv, &KUBELET, Minor(minor));
        }

        /// Whatever stands before it, the last well-formed occurrence decides.
        #[test]
        fn the_last_occurrence_wins(modes in prop::collection::vec("[A-Za-z]{1,8}", 1..6)) {
            let arguments: Vec<String> = modes.iter().enumerate().map(|(index, mode)| match index % 2 {
                0 => format!("--authorization-mode={mode}"),
                _ => format!("--authorization_mode={mode}"),
            }).collect();
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            assert_eq!(mode(&arguments).as_ref(), modes.last());
        }
    }
}
