//! What somebody does who wants to read `verified` and has no key. Nothing here may end with it, or with a panic.

use std::fs;
use std::process::Command;

use serde_json::{Value as Json, json};

use crate::{Desk, PUBLIC, SECRET};

/// Files that are shown to `verify`.
struct Attempt {
    what: &'static str,
    /// The report, if it is another than the one that was signed.
    report: Option<Vec<u8>>,
    /// The attestation, if it is another.
    attestation: Option<Vec<u8>>,
    /// The key, if it is another.
    key: Option<Vec<u8>>,
    /// The exit code, and what is said.
    ends: (i32, &'static str),
}

/// Another report.
fn report(what: &'static str, report: impl Into<Vec<u8>>) -> Attempt {
    Attempt {
        what,
        report: Some(report.into()),
        attestation: None,
        key: None,
        ends: (1, "the report is not the one that was signed"),
    }
}

/// Another attestation.
fn attestation(
    what: &'static str,
    attestation: impl Into<Vec<u8>>,
    ends: (i32, &'static str),
) -> Attempt {
    Attempt {
        what,
        report: None,
        attestation: Some(attestation.into()),
        key: None,
        ends,
    }
}

/// Another key.
fn key(what: &'static str, key: impl Into<Vec<u8>>, ends: (i32, &'static str)) -> Attempt {
    Attempt {
        what,
        report: None,
        attestation: None,
        key: Some(key.into()),
        ends,
    }
}

fn reports(signed: &[u8]) -> Vec<Attempt> {
    let mut last_byte = signed.to_vec();
    *last_byte.last_mut().unwrap() = b' ';
    // The same document: white space is part of what was signed.
    let same: Json = serde_json::from_slice(signed).unwrap();
    vec![
        report("a changed byte", last_byte),
        report("a byte more", [signed, b"\n"].concat()),
        report("other white space", serde_json::to_vec(&same).unwrap()),
        report("a report cut in two", signed.split_at(signed.len() / 2).0),
        report("an empty report", ""),
    ]
}

/// What was sealed with other values; no signature of ours is below them.
fn statements(sealed: &Json) -> Vec<Attempt> {
    const NOT: (i32, &str) = (1, "not signed with this key");
    let text = |at: &str| sealed.pointer(at).unwrap().as_str().unwrap().to_owned();
    let (payload, signature) = (text("/payload"), text("/signatures/0/sig"));
    let zeros = "A".repeat(signature.len() - 2) + "==";
    let with = |field: &str, value: Json| {
        let mut changed = sealed.clone();
        changed
            .as_object_mut()
            .unwrap()
            .insert(field.to_owned(), value);
        changed.to_string()
    };
    let signed = |signature: &str| with("signatures", json!([{"sig": signature}]));
    // What is signed names the type before the payload: neither can take a byte of the other.
    let longer = format!("application/vnd.in-toto+json {}", payload.len());
    let crowd = vec![json!({"sig": zeros}); 5000];
    vec![
        attestation(
            "another statement",
            with("payload", payload.replacen("ey", "fy", 1).into()),
            NOT,
        ),
        attestation("an empty statement", with("payload", "".into()), NOT),
        attestation(
            "a type of something else",
            with("payloadType", "application/json".into()),
            NOT,
        ),
        attestation(
            "a type that ends elsewhere",
            with("payloadType", longer.into()),
            NOT,
        ),
        attestation(
            "no signature",
            with("signatures", json!([])),
            (1, "no signature"),
        ),
        attestation("a signature of zeros", signed(&zeros), NOT),
        attestation("half a signature", signed(signature.split_at(44).0), NOT),
        attestation(
            "signatures without end",
            with("signatures", crowd.into()),
            (1, "5000 signatures"),
        ),
    ]
}

/// What is no envelope at all, or two in one.
fn envelopes(sealed: &str) -> Vec<Attempt> {
    const NONE: (i32, &str) = (64, "no DSSE envelope");
    const TWICE: (i32, &str) = (64, "duplicate field");
    let twice = |key: &str, value: &str| sealed.replacen('{', &format!("{{\"{key}\":{value},"), 1);
    vec![
        attestation("two payloads", twice("payload", "\"e30=\""), TWICE),
        attestation("two types", twice("payloadType", "\"text/plain\""), TWICE),
        attestation("two lists of signatures", twice("signatures", "[]"), TWICE),
        attestation(
            "half an attestation",
            sealed.split_at(sealed.len() / 2).0,
            NONE,
        ),
        attestation("an empty attestation", "", NONE),
        attestation("two attestations", sealed.repeat(2), NONE),
        attestation("depth", "[".repeat(500_000) + &"]".repeat(500_000), NONE),
        attestation("bytes that are no text", vec![0xff; 64], NONE),
        attestation(
            "a large attestation",
            vec![b' '; (1 << 20) + 1],
            (64, "larger than an attestation"),
        ),
    ]
}

fn keys() -> Vec<Attempt> {
    const NONE: (i32, &str) = (64, "no PEM block");
    let pem = |label: &str, body: &str| {
        format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n")
    };
    let zeros = "MCowBQYDK2VwAyEA".to_owned() + &"A".repeat(43) + "=";
    vec![
        key(
            "another key",
            PUBLIC.replace("Gb9E", "Gb8E"),
            (1, "not signed with this key"),
        ),
        key(
            "a key of zeros",
            pem("PUBLIC KEY", &zeros),
            (64, "anybody can forge"),
        ),
        key("garbage in PEM", pem("PUBLIC KEY", "!!!!"), NONE),
        key(
            "nothing in PEM",
            pem("PUBLIC KEY", ""),
            (64, "no Ed25519 key"),
        ),
        key("half a key", PUBLIC.split_at(PUBLIC.len() / 2).0, NONE),
        key("an empty key", "", NONE),
        key("two keys", PUBLIC.repeat(2), (64, "2 PEM blocks")),
        key("the private key", SECRET, (64, "-pubout")),
        key(
            "a certificate",
            pem("CERTIFICATE", "MCow"),
            (64, "CERTIFICATE"),
        ),
        key(
            "a label that speaks to terminals",
            pem("\u{1b}[2J", "MCow"),
            (64, "\\u{1b}"),
        ),
        key("a large key", vec![b'-'; 20_000], (64, "larger than a key")),
    ]
}

#[test]
fn nothing_that_was_tampered_with_is_verified() {
    let desk = Desk::new();
    desk.scan();
    let signed = fs::read(desk.path("report.json")).unwrap();
    let sealed = fs::read_to_string(desk.path("report.json.dsse.json")).unwrap();
    let attempts = [
        reports(&signed),
        statements(&serde_json::from_str(&sealed).unwrap()),
        envelopes(&sealed),
        keys(),
    ];
    for attempt in attempts.into_iter().flatten() {
        let Attempt { what, ends, .. } = attempt;
        desk.write("report.json", &attempt.report.unwrap_or(signed.clone()));
        let attestation = attempt.attestation.unwrap_or(sealed.clone().into());
        desk.write("report.json.dsse.json", &attestation);
        desk.write("its.pem", &attempt.key.unwrap_or(PUBLIC.into()));
        let (code, stdout, stderr) = desk.run("verify report.json --key its.pem");
        let told = format!("{what}: {stdout}{stderr}");
        assert_eq!(code, ends.0, "{told}");
        assert!(told.contains(ends.1), "{told}");
        assert!(
            !stdout.contains("verified  ") && !told.contains('\u{1b}'),
            "{told}"
        );
        let (code, stdout, _) = desk.run("verify report.json --key its.pem -o json");
        assert_eq!(code, ends.0, "{told}");
        assert!(!stdout.contains("\"verified\": true"), "{told}");
    }
    // What was not tampered with still is what it was.
    desk.write("report.json", &signed);
    desk.write("report.json.dsse.json", sealed.as_bytes());
    let (_, stdout, _) = desk.run("verify report.json --key pub.pem -o json");
    assert!(stdout.contains("\"verified\": true"), "{stdout}");
}

#[test]
fn no_pipe_is_waited_for_and_no_folder_read() {
    let desk = Desk::new();
    desk.scan();
    let made = Command::new("mkfifo").arg(desk.path("pipe")).status();
    assert!(made.unwrap().success());
    for line in [
        "verify report.json --key pipe",
        "verify pipe --attestation report.json.dsse.json --key pub.pem",
        "verify . --attestation report.json.dsse.json --key pub.pem",
        "verify report.json --attestation pipe --key pub.pem",
        "verify report.json --attestation . --key pub.pem",
        "scan --facts facts.json --sign pipe -o json=x.json",
    ] {
        let (code, _, stderr) = desk.run(line);
        assert_eq!(code, 64, "{line}");
        assert!(stderr.contains("not a regular file"), "{line}: {stderr}");
    }
}
