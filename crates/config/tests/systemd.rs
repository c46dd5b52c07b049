//! Services as a real systemd starts them: the record of it always, and where root has systemd-nspawn, systemd itself.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test, which boots a machine in a folder of its own and reads what that wrote"
)]

#[path = "systemd/cases.rs"]
mod cases;
#[path = "systemd/host.rs"]
mod host;
#[path = "systemd/machine.rs"]
mod machine;

use std::collections::BTreeMap;

use cases::{Expected, FILES, UNITS};
use kubeassay_config::units::{Argument, NextStart, needs, next_start, redact};
use machine::Seen;

/// Returns the record: what systemd 252 made of every unit.
fn record() -> BTreeMap<String, Seen> {
    serde_json::from_str(include_str!("systemd/record.json")).unwrap()
}

/// Returns the program that a unit starts.
fn program(unit: &str) -> &str {
    unit.strip_suffix(".service").unwrap()
}

#[test]
fn what_is_told_is_what_systemd_did() {
    let record = record();
    let programs: Vec<String> = UNITS
        .iter()
        .map(|(unit, _)| format!("/usr/local/bin/{}", program(unit)))
        .collect();
    let mut files = FILES.to_vec();
    files.extend(programs.iter().map(|path| (path.as_str(), "program")));
    files.push(("/opt/env", "a folder"));
    let mut wrong = Vec::new();
    for (unit, expected) in UNITS {
        let checked = std::panic::catch_unwind(|| {
            let seen = &record[*unit];
            let service = host::facts(unit, &files, needs);
            for path in seen.drop_ins.iter().chain(&seen.fragment) {
                let read = service
                    .files
                    .iter()
                    .any(|file| file.need.path == path.as_str());
                assert!(
                    read || seen.arguments.is_none(),
                    "{unit}: {path} was not read"
                );
            }
            match (next_start(&service), expected) {
                (Ok(next), Expected::Told) => {
                    let arguments: Vec<String> = next
                        .arguments
                        .iter()
                        .map(|argument| argument.text.to_string_lossy())
                        .collect();
                    assert_eq!(Some(&arguments), seen.arguments.as_ref(), "{unit}");
                    assert_eq!(Some(next.cwd.to_string_lossy()), seen.cwd, "{unit}");
                    assert_eq!(
                        Some(next.executable.to_string_lossy()),
                        seen.executable,
                        "{unit}"
                    );
                    let mut redacted = service.clone();
                    redact(&mut redacted);
                    let after = next_start(&redacted).unwrap();
                    let lines = |next: &NextStart| -> Vec<_> {
                        let arguments = next.arguments.iter();
                        let line = |argument: &Argument| {
                            (
                                argument.text.clone(),
                                argument.origin.path.clone(),
                                argument.origin.line,
                            )
                        };
                        arguments.map(line).collect()
                    };
                    assert_eq!(lines(&after), lines(&next), "{unit}");
                    for (name, value) in &next.environment {
                        assert_eq!(
                            seen.environment.get(name),
                            Some(&value.to_string_lossy()),
                            "{unit} {name}"
                        );
                    }
                }
                (Err(unknown), Expected::Refused) => {
                    assert_eq!(seen.arguments, None, "{unit}: {unknown:?}");
                }
                (Err(unknown), Expected::Undecided) => {
                    assert!(unknown.reason.contains(':'), "{unit}: {unknown:?}");
                }
                (next, _) => panic!("{unit}: {next:?}, systemd: {seen:?}"),
            }
        });
        if checked.is_err() {
            wrong.push(*unit);
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn systemd_still_does_what_is_recorded() {
    let Some(seen) = machine::boot(
        FILES,
        &UNITS.iter().map(|(unit, _)| *unit).collect::<Vec<_>>(),
    ) else {
        return;
    };
    let new = serde_json::to_string_pretty(&seen).unwrap() + "\n";
    if std::env::var_os("KUBEASSAY_RECORD").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/systemd/record.json");
        std::fs::write(path, new).unwrap();
        return;
    }
    for (unit, recorded) in record() {
        assert_eq!(seen.get(&unit), Some(&recorded), "{unit}");
    }
}
