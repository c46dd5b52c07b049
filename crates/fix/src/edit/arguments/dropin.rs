//! A drop-in in the place of a file that is not ours to edit.

use kubeassay_config::units::{NextStart, Written};
use kubeassay_core::Bytes;
use kubeassay_core::facts::{FileFacts, Need, NeedKind, ServiceFacts};

use super::splice::{self, Place, Text};
use super::{Rewritten, Spot, content};

/// The names of our drop-ins: the second where the first does not win.
const NAMES: [&str; 2] = ["90-kubeassay.conf", "zz-kubeassay.conf"];
/// Says at its top what a drop-in is.
const HEAD: &str = "# Written by kubeassay in the place of a file that belongs to a package.\n# `kubeassay transactions` lists what it changed, `kubeassay rollback` undoes it.\n";

/// Returns the drop-ins with which the arguments may be the wanted ones, the likeliest first.
pub(super) fn ways(
    service: &ServiceFacts,
    next: &NextStart,
    written: &Written,
    spot: &Spot,
    original: &[u8],
) -> Vec<Rewritten> {
    let assignments = match &spot.variable {
        Some(variable) => variables(next, spot, variable),
        None => commands(written, spot, original).unwrap_or_default(),
    };
    let mut ways = Vec::new();
    for name in NAMES {
        let unit = &service.unit;
        let path = Bytes::from(format!("/etc/systemd/system/{unit}.d/{name}"));
        let before = content(service, &path);
        // A link, such as one to /dev/null that masks our drop-in, is somebody's decision.
        if before.is_none() && is_there(service, &path) {
            return Vec::new();
        }
        for assignment in &assignments {
            let section = format!("[Service]\n{assignment}\n");
            let content = match before {
                None => [HEAD.as_bytes(), section.as_bytes()].concat(),
                Some(before) => {
                    let ends_line = before.ends_with(b"\n");
                    let gap = if ends_line { "\n" } else { "\n\n" };
                    let mut added = format!("{gap}{section}");
                    if before.windows(2).any(|pair| pair == b"\r\n") {
                        added = added.replace('\n', "\r\n");
                    }
                    [before, added.as_bytes()].concat()
                }
            };
            ways.push(Rewritten {
                path: path.clone(),
                content,
                is_new: before.is_none(),
            });
        }
    }
    ways
}

/// Returns assignments of the variable without the arguments that go.
fn variables(next: &NextStart, spot: &Spot, variable: &str) -> Vec<String> {
    let value = next.environment.get(variable).and_then(Bytes::as_str);
    let place = Place {
        line: 1,
        text: Text::Value,
        range: None,
    };
    let values = value.map(|value| splice::ways(value.as_bytes(), &place, &spot.old, &spot.new));
    let texts = values
        .into_iter()
        .flatten()
        .filter_map(|value| String::from_utf8(value).ok());
    texts
        .map(|value| {
            let escaped = value
                .replace('\\', "\\\\")
                .replace('"', "\\\"")
                .replace('%', "%%");
            format!("Environment=\"{variable}={}\"", escaped.trim())
        })
        .collect()
}

/// Returns commands with the arguments changed, each after one that takes back those before it: in one line, and in the
/// lines in which it is written, for a word may go on in the next line.
fn commands(written: &Written, spot: &Spot, original: &[u8]) -> Option<Vec<String>> {
    let range = spot.range.as_ref()?;
    let (begins, end) = (written.begins, written.words.last()?.end);
    let place = Place {
        line: 1,
        text: spot.text,
        range: Some(range.start.checked_sub(begins)?..range.end.checked_sub(begins)?),
    };
    let changed = splice::ways(original.get(begins..end)?, &place, &spot.old, &spot.new);
    let texts: Vec<String> = changed
        .into_iter()
        .filter_map(|text| String::from_utf8(text).ok())
        .map(|text| text.replace("\r\n", "\n"))
        .collect();
    let of = |command: &str| format!("ExecStart=\nExecStart={command}");
    let joined = texts.iter().map(|text| of(&joined(text)));
    let kept = texts.iter().map(|text| of(text.trim_end()));
    Some(joined.chain(kept).collect())
}

/// Returns whether something is at a path, or a link that leads nowhere.
fn is_there(service: &ServiceFacts, path: &Bytes) -> bool {
    let file = service.file(&Need {
        what: NeedKind::Content,
        path: path.clone(),
    });
    let is_there = |file: &FileFacts| file.kind.is_some() || !file.links.is_empty();
    file.is_some_and(is_there)
}

/// Returns the lines of a command as one, without the comments between them.
fn joined(command: &str) -> String {
    let lines = command.lines().enumerate();
    let lines =
        lines.filter(|(number, line)| *number == 0 || !line.trim_start().starts_with(['#', ';']));
    let parts: Vec<&str> = lines
        .map(|(_, line)| line.trim().trim_end_matches('\\').trim())
        .filter(|line| !line.is_empty())
        .collect();
    parts.join(" ")
}
