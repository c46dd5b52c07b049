//! A command line: its arguments, the flags that every version makes of them, and their redaction.

use kubeassay_config::components;
use kubeassay_config::flags::{self, CommandLine, FlagValue};
use kubeassay_config::refusal::Refusal;
use kubeassay_config::secrets::redact_arguments;
use kubeassay_config::tables::{FlagKind, Minor};
use kubeassay_core::{Bytes, Component, Value};
use kubeassay_host::proc::cmdline;

/// Reads an input as `/proc/PID/cmdline`.
pub(crate) fn run(data: &[u8]) {
    let argv = cmdline::arguments(data);
    let joined: Vec<u8> = argv
        .iter()
        .flat_map(|argument| [argument.as_slice(), b"\0"].concat())
        .collect();
    assert!(
        joined == data || joined == [data, b"\0"].concat(),
        "arguments are lost or changed"
    );
    assert_eq!(
        cmdline::first(data),
        argv.first().map_or(&b""[..], Bytes::as_slice)
    );

    let redacted = redact_arguments(argv.clone());
    assert_eq!(redacted.len(), argv.len(), "redaction moves arguments");
    assert_eq!(
        redact_arguments(redacted.clone()),
        redacted,
        "redacting again changes them"
    );
    for component in Component::ALL {
        for minor in Minor::all() {
            of(*component, minor, &argv, &redacted);
        }
    }
}

/// Asserts what holds of one component in one version, before and after its secrets are hidden.
fn of(component: Component, minor: Minor, argv: &[Bytes], redacted: &[Bytes]) {
    let tables = components::tables(component);
    let line = flags::parse_of(component, argv, tables, minor);
    match &line {
        Ok(line) => accepted(argv, line),
        Err(refusal) => refused(argv, refusal),
    }
    let after = flags::parse_of(component, redacted, tables, minor);
    assert_eq!(
        line.is_ok(),
        after.is_ok(),
        "redaction decides whether {minor:?} of {component:?} accepts {argv:?}: {redacted:?}"
    );
    if let (Ok(line), Ok(after)) = (&line, &after) {
        hides_secrets_only(line, after);
        one_argument_each(component, line, minor);
    }
}

fn accepted(argv: &[Bytes], line: &CommandLine) {
    for (name, occurrences) in &line.given {
        let mut before = 0;
        for occurrence in occurrences {
            assert_eq!(occurrence.flag.name, *name);
            let index = occurrence
                .origin
                .index
                .expect("a flag stands in an argument");
            assert!(
                index > 0 && (index as usize) < argv.len(),
                "argument {index} of {}",
                argv.len()
            );
            assert!(index >= before, "occurrences out of order");
            before = index;
            let given = &argv[index as usize];
            let text = occurrence.origin.text.as_deref();
            if occurrence.flag.secret {
                assert_eq!(text, None, "a secret is shown as origin");
            } else {
                assert_eq!(text, Some(given), "another argument is shown");
            }
            // The value stands in the argument itself, in the next one, or is what the bare flag means.
            let value = occurrence.text.as_slice();
            let bare = occurrence
                .flag
                .bare
                .is_some_and(|bare| bare.as_bytes() == value);
            let next = argv
                .get(index as usize + 1)
                .is_some_and(|next| next == &occurrence.text);
            assert!(
                bare || next || given.as_slice().ends_with(value),
                "a value that nobody wrote: {occurrence:?}"
            );
        }
    }
}

fn refused(argv: &[Bytes], refusal: &Refusal) {
    assert!(!refusal.reason.is_empty());
    let origin = refusal.origin.as_ref().expect("an argument is at fault");
    let index = origin.index.expect("an argument has an index") as usize;
    assert!(index < argv.len(), "argument {index} of {}", argv.len());
}

/// Asserts that redaction changes the values of flags that hold secrets, and of others only where they look
/// like credentials.
fn hides_secrets_only(line: &CommandLine, after: &CommandLine) {
    let names = |line: &CommandLine| line.given.keys().copied().collect::<Vec<_>>();
    assert_eq!(
        names(line),
        names(after),
        "redaction changes which flags are given"
    );
    for (name, occurrences) in &line.given {
        let redacted = &after.given[name];
        assert_eq!(occurrences.len(), redacted.len());
        for (occurrence, redacted) in occurrences.iter().zip(redacted) {
            if !occurrence.flag.secret {
                let same = occurrence.text == redacted.text
                    || contains(redacted.text.as_slice(), b"sha256:")
                    || contains(redacted.text.as_slice(), b"(withheld)");
                assert!(
                    same,
                    "what is no secret changed: {occurrence:?} {redacted:?}"
                );
            } else if occurrence.flag.kind == FlagKind::Multimap {
                let (FlagValue::Entries(before), FlagValue::Entries(after)) =
                    (&occurrence.value, &redacted.value)
                else {
                    panic!("a map is a map");
                };
                assert_eq!(before.len(), after.len());
                for ((key, _), (same, value)) in before.iter().zip(after) {
                    assert_eq!(key, same);
                    let Value::String(value) = value else {
                        panic!("values are text")
                    };
                    assert!(
                        value.as_slice().starts_with(b"sha256:"),
                        "a secret is left: {value:?}"
                    );
                }
            } else {
                assert!(
                    redacted.text.as_slice().starts_with(b"sha256:"),
                    "a secret is left: {redacted:?}"
                );
            }
        }
    }
}

/// Asserts that the same flags mean the same when each is written as one argument, which leaves nothing to tell
/// apart: a second opinion on which argument is the value of which flag.
fn one_argument_each(component: Component, line: &CommandLine, minor: Minor) {
    let mut argv = vec![Bytes::from(component.as_str())];
    for (name, occurrences) in &line.given {
        for occurrence in occurrences {
            argv.push(Bytes::from(
                [b"--", name.as_bytes(), b"=", occurrence.text.as_slice()].concat(),
            ));
        }
    }
    let again = flags::parse_of(component, &argv, components::tables(component), minor)
        .unwrap_or_else(|refusal| panic!("{refusal:?}: {argv:?}"));
    assert_eq!(again.given.len(), line.given.len());
    for (name, occurrences) in &line.given {
        let values = |line: &[flags::Occurrence]| {
            line.iter()
                .map(|occurrence| format!("{:?}", occurrence.value))
                .collect::<Vec<_>>()
        };
        assert_eq!(values(occurrences), values(&again.given[name]), "--{name}");
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}
