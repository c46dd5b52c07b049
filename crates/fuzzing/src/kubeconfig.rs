//! Kubeconfigs: read, merged and chosen from.

use std::path::Path;

use kubeassay_cluster::kubeconfig::{Choice, ChoiceError, Fault, Kubeconfig};
use serde_json::Value;

use crate::secret_words;

/// What no kubeconfig of a fuzzer names.
const NOBODY: &str = "no such context";

/// Where secrets stand in a user's entry.
const SECRETS: [&str; 12] = [
    "token",
    "password",
    "username",
    "client-key-data",
    "client-certificate-data",
    "as",
    "as-uid",
    "args",
    "value",
    "server",
    "proxy-url",
    "extension",
];

/// Reads an input as one kubeconfig, or as two with a NUL between.
pub(crate) fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let (one, two) = text.split_once('\0').unwrap_or((text, ""));
    let one = read(one, "/a/one");
    let two = read(two, "/b/two");
    let mut secrets = Vec::new();
    for text in text.split('\0') {
        let options = serde_saphyr::options! { strict_booleans: true };
        if let Ok(value) = serde_saphyr::from_str_with_options::<Value>(text, options) {
            find(&value, false, &mut secrets);
        }
    }
    // What stands elsewhere as well, such as a name, may be shown.
    secrets.retain(|secret| secret.len() >= 6 && text.matches(secret.as_str()).count() == 1);
    let (Some(one), Some(two)) = (one, two) else {
        return;
    };
    hides(&secrets, &format!("{one:?}{two:?}"));
    let mut merged = one.clone();
    merged.merge(two);
    assert!(merged.has_contexts() || !one.has_contexts());
    let Err(ChoiceError::UnknownContext { known, .. }) = merged.choose(Some(NOBODY)) else {
        panic!("there is no such context");
    };
    for name in known.iter().map(Some).chain([None]) {
        let name = name.map(String::as_str);
        match merged.choose(name) {
            Ok(choice) => {
                hides(&secrets, &format!("{choice:?}"));
                assert!(name.is_none_or(|name| name == choice.context));
            }
            Err(error) => {
                hides(&secrets, &format!("{error} {error:?}"));
                if let ChoiceError::Fault(fault) = error {
                    holds(&fault, "/a/one", "/b/two");
                }
            }
        }
        // What the first file has whole, no later one changes.
        if let Ok(Choice {
            context,
            cluster,
            user,
        }) = one.choose(name)
        {
            let again = merged.choose(name).expect("the first file has it");
            assert_eq!(again.context, context);
            assert_eq!(again.cluster.place, cluster.place);
            assert_eq!(
                again.user.map(|user| user.place),
                user.map(|user| user.place)
            );
        }
    }
}

fn read(text: &str, file: &str) -> Option<Kubeconfig> {
    match Kubeconfig::parse(text, Path::new(file)) {
        Ok(config) => Some(config),
        Err(fault) => {
            holds(&fault, file, file);
            // A lone carriage return ends a line of YAML too, and so do three of Unicode's characters in YAML 1.1.
            let ends = ['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}'];
            let lines = u64::try_from(text.split(ends).count()).expect("a short text");
            assert!(fault.place.line <= lines, "{fault}");
            secret_words::not_in(&fault.message, text.as_bytes());
            None
        }
    }
}

/// Asserts that a fault names a place, and shows nothing raw.
fn holds(fault: &Fault, file: &str, or: &str) {
    let place = &fault.place;
    let known = [file, or].iter().any(|file| place.file == Path::new(file));
    assert!(known && place.line > 0 && place.column > 0, "{fault:?}");
    assert!(
        !fault.to_string().chars().any(char::is_control),
        "{fault:?}"
    );
}

fn hides(secrets: &[String], shown: &str) {
    for secret in secrets {
        assert!(!shown.contains(secret.as_str()), "{secret:?}: {shown}");
    }
}

/// Collects the texts at places that hold secrets.
fn find(value: &Value, secret: bool, secrets: &mut Vec<String>) {
    match value {
        Value::String(text) if secret => secrets.push(text.clone()),
        Value::Array(list) => list.iter().for_each(|one| find(one, secret, secrets)),
        Value::Object(map) => {
            for (key, one) in map {
                find(one, secret || SECRETS.contains(&key.as_str()), secrets);
            }
        }
        _ => {}
    }
}
