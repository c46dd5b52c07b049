//! etcd's command line, read the way Go's own `flag` package reads it (`flag.FlagSet.Parse`), and its environment.
//!
//! One dash or two are the same, `_` is no `-`, the first argument that is no flag ends the flags, and etcd ends where
//! any follow. `ETCD_NAME` says what `--name` would, if the flag is not given and the variable is not empty
//! (`pkg/flags/flag.go`).

use std::collections::BTreeMap;
use std::sync::Arc;

use kubeassay_core::{Bytes, Origin, OriginKind, Value};

use super::table::{ROWS, Row, row_of};
use crate::flags::{CommandLine, FlagValue, Occurrence, parse_value};
use crate::refusal::Refusal;
use crate::tables::FlagKind;

/// How the name of each variable of etcd begins.
const PREFIX: &str = "ETCD_";

/// Parses the arguments of etcd, program name first.
///
/// # Errors
///
/// etcd's own reason to end.
pub(super) fn parse(argv: &[Bytes]) -> Result<CommandLine, Refusal> {
    let mut line = CommandLine::default();
    let mut arguments = argv.iter().enumerate().skip(1);
    while let Some((index, argument)) = arguments.next() {
        let name = match argument.as_slice() {
            b"--" => {
                if let Some((index, stray)) = arguments.next() {
                    return Err(not_a_flag(index, stray));
                }
                break;
            }
            [b'-', b'-', name @ ..] | [b'-', name @ ..] if !name.is_empty() => name,
            _ => return Err(not_a_flag(index, argument)),
        };
        if matches!(name.first(), Some(b'-' | b'=')) {
            return Err(refuse(index, format!("bad flag syntax: {argument}")));
        }
        let (name, text) = match name.iter().position(|byte| *byte == b'=') {
            Some(at) => (
                name.get(..at).unwrap_or_default(),
                Some(Bytes::from(name.get(at + 1..).unwrap_or_default())),
            ),
            None => (name, None),
        };
        let shown = kubeassay_core::text::escape_bytes(name);
        let row = std::str::from_utf8(name).ok().and_then(row_of);
        let Some(row) = row else {
            let reason = format!("flag provided but not defined: -{shown}");
            return Err(refuse(index, reason));
        };
        let text = match (text, row.flag.bare) {
            (Some(text), _) => text,
            (None, Some(bare)) => Bytes::from(bare),
            (None, None) => match arguments.next() {
                Some((_, next)) => next.clone(),
                None => return Err(refuse(index, format!("flag needs an argument: -{shown}"))),
            },
        };
        let value = value_of(row, &text).map_err(|reason| {
            let reason = format!(
                "invalid value {:?} for flag -{shown}: {reason}",
                text.to_string()
            );
            refuse(index, reason)
        })?;
        let mut origin = Origin::flag(row.flag.name, position(index));
        origin.text = (!row.flag.secret).then(|| Arc::new(argument.clone()));
        give(&mut line, row, text, value, origin);
    }
    if let Some(asked) = line
        .last("version")
        .filter(|given| given.value == FlagValue::One(Value::Bool(true)))
    {
        let index = asked.origin.index.unwrap_or(0) as usize;
        return Err(refuse(index, "--version prints and ends".to_owned()));
    }
    Ok(line)
}

/// Adds to a command line what the environment says of flags that were not given.
///
/// # Errors
///
/// etcd's own reason to end: a value that does not parse.
pub(super) fn add_environment(
    line: &mut CommandLine,
    environment: &BTreeMap<String, Bytes>,
    origin_of: impl Fn(&str) -> Option<Arc<Origin>>,
) -> Result<(), Refusal> {
    let mut from_here = environment.range(PREFIX.to_owned()..);
    // Hardly any etcd is given one.
    if from_here
        .next()
        .is_none_or(|(name, _)| !name.starts_with(PREFIX))
    {
        return Ok(());
    }
    for row in ROWS {
        let variable = variable(row);
        let Some(text) = environment.get(&variable).filter(|text| !text.is_empty()) else {
            continue;
        };
        if line.given.contains_key(row.flag.name) || row.flag.name == "version" {
            continue;
        }
        let place = origin_of(&variable).map_or_else(
            || Origin::new(OriginKind::Environment),
            |place| Origin::clone(&place),
        );
        let origin = Origin {
            name: Some(Arc::from(row.flag.name)),
            variable: Some(Arc::from(variable.as_str())),
            ..place
        };
        let value = value_of(row, text).map_err(|reason| {
            let reason = format!(
                "invalid value {:?} for {variable}: {reason}",
                text.to_string()
            );
            Refusal::new(reason, Some(Arc::new(origin.clone())))
        })?;
        give(line, row, text.clone(), value, origin);
    }
    Ok(())
}

/// Returns the environment variable that says what a flag does (`pkg/flags/flag.go:FlagToEnv`).
pub(super) fn variable(row: &Row) -> String {
    format!("{PREFIX}{}", row.flag.name.to_uppercase().replace('-', "_"))
}

/// Adds one occurrence.
pub(super) fn give(
    line: &mut CommandLine,
    row: &'static Row,
    text: Bytes,
    value: Value,
    origin: Origin,
) {
    line.given
        .entry(row.flag.name)
        .or_default()
        .push(Occurrence {
            flag: &row.flag,
            text,
            value: FlagValue::One(value),
            origin: Arc::new(origin),
        });
}

/// Parses the text of a flag or variable. Lists are split at every comma and replace each other.
pub(super) fn value_of(row: &Row, text: &Bytes) -> Result<Value, String> {
    if row.is_urls() {
        return urls(text);
    }
    match row.flag.kind {
        FlagKind::StringSlice => Ok(Value::List(
            text.as_slice()
                .split(|byte| *byte == b',')
                .map(|element| Value::String(Bytes::from(element)))
                .collect(),
        )),
        kind => match parse_value(kind, text)? {
            FlagValue::One(value) => Ok(value),
            FlagValue::Elements(_) | FlagValue::Entries(_) => Err("no single value".to_owned()),
        },
    }
}

/// Reads a list of URLs as etcd does (`client/pkg/types/urls.go`): sorted, each once. An empty text is no URL, and is
/// let through for whoever gives it a meaning.
pub(super) fn urls(text: &Bytes) -> Result<Value, String> {
    if text.is_empty() {
        return Ok(Value::List(Vec::new()));
    }
    let text = text.to_string_lossy();
    let mut urls = text
        .split(',')
        .map(|url| url_of(url.trim()))
        .collect::<Result<Vec<_>, _>>()?;
    urls.sort();
    urls.dedup();
    Ok(Value::List(urls.into_iter().map(Value::string).collect()))
}

fn url_of(url: &str) -> Result<String, String> {
    let (scheme, rest) = url.split_once(':').unwrap_or(("", url));
    let scheme = scheme.to_ascii_lowercase();
    match scheme.as_str() {
        "http" | "https" => {
            let host = rest.strip_prefix("//").unwrap_or_default();
            if !host.contains(':') {
                return Err(format!(
                    "URL address does not have the form \"host:port\": {url}"
                ));
            }
            if host.contains('/') {
                return Err(format!("URL must not contain a path: {url}"));
            }
        }
        "unix" | "unixs" => {}
        _ => {
            return Err(format!(
                "URL scheme must be http, https, unix, or unixs: {url}"
            ));
        }
    }
    Ok(format!("{scheme}:{rest}"))
}

fn not_a_flag(index: usize, argument: &Bytes) -> Refusal {
    refuse(
        index,
        format!("{:?} is not a valid flag", argument.to_string()),
    )
}

fn refuse(index: usize, reason: String) -> Refusal {
    Refusal::new(
        reason,
        Some(Arc::new(Origin {
            index: Some(position(index)),
            ..Origin::new(OriginKind::Flag)
        })),
    )
}

fn position(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
