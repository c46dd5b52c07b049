//! A drop-in in the place of a file that is not ours to edit.

use kubeassay_config::units::NextStart;
use kubeassay_core::Bytes;
use kubeassay_core::facts::ServiceFacts;

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
    spot: &Spot,
    original: &[u8],
) -> Vec<Rewritten> {
    let assignments = match &spot.variable {
        Some(variable) => variables(next, spot, variable),
        None => commands(spot, original),
    };
    let mut ways = Vec::new();
    for name in NAMES {
        let unit = &service.unit;
        let path = Bytes::from(format!("/etc/systemd/system/{unit}.d/{name}"));
        let before = content(service, &path);
        for assignment in &assignments {
            let section = format!("[Service]\n{assignment}\n");
            let content = match before {
                None => [HEAD.as_bytes(), section.as_bytes()].concat(),
                Some(before) => {
                    let gap: &[u8] = if before.ends_with(b"\n") {
                        b"\n"
                    } else {
                        b"\n\n"
                    };
                    [before, gap, section.as_bytes()].concat()
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
        column: 1,
        text: Text::Value,
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

/// Returns commands with the arguments changed, each after one that takes back those before it.
fn commands(spot: &Spot, original: &[u8]) -> Vec<String> {
    let place = Place {
        line: spot.line,
        column: spot.column,
        text: spot.text,
    };
    let changed = splice::ways(original, &place, &spot.old, &spot.new);
    let texts = changed.iter().filter_map(|content| {
        let region = splice::region(content, spot.line);
        let command = std::str::from_utf8(content.get(region)?).ok()?;
        let (_, command) = command.split_once('=')?;
        Some(format!("ExecStart=\nExecStart={}", joined(command)))
    });
    texts.collect()
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
