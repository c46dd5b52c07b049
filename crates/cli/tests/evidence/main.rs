//! Signed evidence as its users meet it: `scan --sign`, `verify`, and OpenSSL in place of `verify`.

#![expect(
    clippy::disallowed_methods,
    reason = "tests start programs and look at the files they wrote"
)]
#![expect(clippy::unwrap_used, reason = "what cannot be done fails the test")]

mod tampering;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value as Json;

/// Section 10 of RFC 8410.
const SECRET: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";
const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";

/// A folder with keys, and with facts that a machine gave.
struct Desk(tempfile::TempDir);

impl Desk {
    fn new() -> Self {
        let desk = Self(tempfile::tempdir().unwrap());
        desk.write("key.pem", SECRET.as_bytes());
        desk.mode("key.pem", 0o600);
        desk.write("pub.pem", PUBLIC.as_bytes());
        let recorded = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/demo.json");
        let recorded = fs::read_to_string(recorded).unwrap();
        desk.write("recorded.json", recorded.as_bytes());
        let live = recorded.replacen("\"captured\"", "\"live\"", 1);
        assert_ne!(live, recorded);
        desk.write("facts.json", live.as_bytes());
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, content: &[u8]) {
        fs::write(self.path(name), content).unwrap();
    }

    fn mode(&self, name: &str, mode: u32) {
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(mode)).unwrap();
    }

    fn run(&self, line: &str) -> (i32, String, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_kubeassay"))
            .args(line.split(' '))
            .current_dir(self.0.path())
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        (
            output.status.code().unwrap(),
            text(&output.stdout),
            text(&output.stderr),
        )
    }

    fn scan(&self) {
        let (code, _, stderr) =
            self.run("scan --facts facts.json --fail-on never --sign key.pem -o json=report.json -o table=report.txt");
        assert_eq!(code, 0, "{stderr}");
    }
}

#[test]
fn a_signed_report_is_verified_and_a_changed_one_is_not() {
    let desk = Desk::new();
    desk.scan();
    for report in ["report.json", "report.txt"] {
        let (code, stdout, stderr) = desk.run(&format!("verify {report} --key pub.pem"));
        assert_eq!((code, stderr.as_str()), (0, ""), "{stdout}");
        assert!(stdout.contains(&format!("verified  {report}")), "{stdout}");
        assert!(stdout.contains("1 node: "), "{stdout}");
    }
    let (_, stdout, _) = desk.run("verify report.json --key pub.pem -o json");
    let answer: Json = serde_json::from_str(&stdout).unwrap();
    let report: Json =
        serde_json::from_slice(&fs::read(desk.path("report.json")).unwrap()).unwrap();
    let said = answer.pointer("/statement/predicate").unwrap();
    for (of_statement, of_report) in [
        ("/rule_digest", "/rules/digest"),
        ("/rules", "/rules/count"),
        ("/verdicts", "/summary"),
        ("/tool", "/tool"),
        ("/source", "/scanned/source"),
        ("/started", "/scanned/started"),
        ("/finished", "/scanned/finished"),
        ("/nodes", "/scanned/coverage/nodes"),
        ("/exit_code", "/gate/exit_code"),
    ] {
        assert_eq!(
            said.pointer(of_statement),
            report.pointer(of_report),
            "{of_report}"
        );
        assert!(said.pointer(of_statement).is_some());
    }

    // One byte of the report; another report's attestation; another key.
    let mut changed = fs::read(desk.path("report.json")).unwrap();
    *changed.last_mut().unwrap() = b' ';
    desk.write("changed.json", &changed);
    let changed = "verify changed.json --attestation report.json.dsse.json --key pub.pem";
    let (code, stdout, _) = desk.run(changed);
    assert_eq!(code, 1);
    assert!(
        stdout.starts_with("not       verified: the report is not the one"),
        "{stdout}"
    );
    let (code, _, _) =
        desk.run("verify report.json --attestation report.txt.dsse.json --key pub.pem");
    assert_eq!(code, 1);
    let other = PUBLIC.replace("Gb9E", "Gb8E");
    desk.write("other.pem", other.as_bytes());
    let (code, stdout, _) = desk.run("verify report.json --key other.pem");
    assert_eq!(code, 1);
    assert!(stdout.contains("was not signed with this key"), "{stdout}");
}

#[test]
fn the_same_scan_gives_the_same_bytes() {
    let desk = Desk::new();
    desk.scan();
    let files = ["report.json", "report.json.dsse.json"];
    let first = files.map(|file| fs::read(desk.path(file)).unwrap());
    desk.scan();
    let second = files.map(|file| fs::read(desk.path(file)).unwrap());
    assert!(first == second);
}

#[test]
fn what_cannot_be_signed_or_verified_is_refused_before_scanning_with_the_mend() {
    let desk = Desk::new();
    desk.write("open.pem", SECRET.as_bytes());
    desk.mode("open.pem", 0o644);
    desk.write("large.pem", &vec![b'-'; 20_000]);
    desk.mode("large.pem", 0o600);
    desk.scan();
    let host = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/hosts/demo.yaml");
    let captured = format!(
        "scan --root {} --sign key.pem -o json=x.json",
        host.display()
    );
    for (line, says) in [
        (
            "scan --demo --sign key.pem -o json=x.json",
            "evidence of no machine",
        ),
        (captured.as_str(), "a captured host is not signed"),
        (
            "scan --facts recorded.json --sign key.pem -o json=x.json",
            "a captured host is not signed",
        ),
        (
            "scan --facts facts.json --sign key.pem",
            "-o json=report.json",
        ),
        (
            "scan --facts facts.json --sign key.pem -o json=x.json.dsse.json -o json=x.json",
            "take the place",
        ),
        (
            "scan --facts facts.json --sign open.pem -o json=x.json",
            "chmod 600 open.pem",
        ),
        (
            "scan --facts facts.json --sign pub.pem -o json=x.json",
            "chmod 600 pub.pem",
        ),
        (
            "scan --facts facts.json --sign large.pem -o json=x.json",
            "larger than a key",
        ),
        (
            "scan --facts facts.json --sign . -o json=x.json",
            "not a regular file",
        ),
        (
            "scan --facts facts.json --sign none.pem -o json=x.json",
            "cannot read none.pem",
        ),
        ("verify report.json --key key.pem", "-pubout"),
        (
            "verify report.json --key report.json.dsse.json",
            "no PEM block",
        ),
        (
            "verify report.json --attestation report.json --key pub.pem",
            "no DSSE envelope",
        ),
        ("verify facts.json --key pub.pem", "facts.json.dsse.json"),
        (
            "verify none.json --attestation report.json.dsse.json --key pub.pem",
            "cannot read none.json",
        ),
    ] {
        let (code, stdout, stderr) = desk.run(line);
        assert_eq!((code, stdout.as_str()), (64, ""), "{line}: {stderr}");
        assert!(stderr.contains(says), "{line}: {stderr}");
        assert!(
            !stderr.contains("MC4C") && !stderr.contains("Tuctv5"),
            "{stderr}"
        );
        assert!(!desk.path("x.json").exists(), "{line}");
    }
}

#[test]
fn what_is_rendered_is_signed_where_the_same_key_signed_what_it_is_rendered_from() {
    let desk = Desk::new();
    desk.scan();
    let render = "render report.json --fail-on never --sign key.pem -o csv=report.csv";
    let (code, _, stderr) = desk.run(render);
    assert_eq!(code, 0, "{stderr}");
    let (code, stdout, _) = desk.run("verify report.csv --key pub.pem -o json");
    assert_eq!(code, 0, "{stdout}");
    let answer: Json = serde_json::from_str(&stdout).unwrap();
    let (_, original, _) = desk.run("verify report.json --key pub.pem -o json");
    let original: Json = serde_json::from_str(&original).unwrap();
    let said = |answer: &Json, at: &str| {
        answer
            .pointer(&format!("/statement/predicate/{at}"))
            .cloned()
    };
    let digest = format!("sha256:{}", original["digest"].as_str().unwrap());
    assert_eq!(
        said(&answer, "rendered_from"),
        Some(serde_json::json!([digest]))
    );
    assert_eq!(said(&original, "rendered_from"), None);
    for at in [
        "tool",
        "rule_digest",
        "nodes",
        "verdicts",
        "source",
        "started",
    ] {
        assert_eq!(said(&answer, at), said(&original, at), "{at}");
    }
    let (_, page, _) = desk.run("verify report.csv --key pub.pem");
    assert!(page.contains(&format!("from      {digest}")), "{page}");

    // Everything else is refused, and no file written.
    fs::remove_file(desk.path("report.csv")).unwrap();
    let report = fs::read_to_string(desk.path("report.json")).unwrap();
    desk.write(
        "changed.json",
        report.replacen("fail", "pass", 1).as_bytes(),
    );
    let seal = fs::read(desk.path("report.json.dsse.json")).unwrap();
    desk.write("changed.json.dsse.json", &seal);
    desk.write("alone.json", report.as_bytes());
    for (reports, says) in [
        ("changed.json", "was changed since"),
        ("alone.json", "alone.json.dsse.json"),
        ("report.json alone.json", "alone.json is none"),
        ("report.txt.dsse.json", "report.txt.dsse.json is none"),
        ("-", "stdin"),
        (".", "not a regular file"),
    ] {
        let line = format!("render {reports} --sign key.pem -o csv=report.csv");
        let (code, _, stderr) = desk.run(&line);
        assert_eq!(code, 64, "{line}");
        assert!(stderr.contains(says), "{line}: {stderr}");
        assert!(!desk.path("report.csv").exists());
    }
    // A key of another's, in a report that it did not sign.
    let other = SECRET.replace("Tuctv5", "Tuctv6");
    fs::remove_file(desk.path("key.pem")).unwrap();
    desk.write("key.pem", other.as_bytes());
    desk.mode("key.pem", 0o600);
    let (code, _, stderr) = desk.run(render);
    assert_eq!(code, 64);
    assert!(stderr.contains("was not signed with this key"), "{stderr}");
}

/// An implementation that shares nothing with ours: OpenSSL makes the keys, and verifies what DSSE says is signed.
#[test]
fn openssl_makes_the_keys_and_verifies_the_signature() {
    let desk = Desk::new();
    let openssl = |arguments: &str| {
        let mut command = Command::new("openssl");
        command
            .args(arguments.split(' '))
            .current_dir(desk.0.path());
        command.output()
    };
    if openssl("version").is_err() {
        return;
    }
    let done = |arguments: &str| {
        let output = openssl(arguments).unwrap();
        assert!(output.status.success(), "{arguments}: {output:?}");
        output.stdout
    };
    fs::remove_file(desk.path("key.pem")).unwrap();
    done("genpkey -algorithm ed25519 -out key.pem");
    desk.mode("key.pem", 0o600);
    done("pkey -in key.pem -pubout -out pub.pem");
    desk.scan();
    let (code, stdout, _) = desk.run("verify report.json --key pub.pem");
    assert_eq!(code, 0, "{stdout}");

    let envelope = fs::read(desk.path("report.json.dsse.json")).unwrap();
    let envelope: Json = serde_json::from_slice(&envelope).unwrap();
    let text = |at: &str| envelope.pointer(at).unwrap().as_str().unwrap().to_owned();
    let decoded = |name: &str, text: &str| {
        desk.write("base64", text.as_bytes());
        done(&format!("base64 -d -A -in base64 -out {name}"));
        fs::read(desk.path(name)).unwrap()
    };
    let payload = decoded("payload", &text("/payload"));
    decoded("signature", &text("/signatures/0/sig"));
    let kind = text("/payloadType");
    let head = format!("DSSEv1 {} {kind} {} ", kind.len(), payload.len());
    desk.write("signed", &[head.as_bytes(), &payload].concat());
    done("pkeyutl -verify -rawin -pubin -inkey pub.pem -in signed -sigfile signature");

    // And the digest, and the name of the key.
    let digest = String::from_utf8(done("dgst -sha256 -r report.json")).unwrap();
    let statement: Json = serde_json::from_slice(&payload).unwrap();
    let said = statement.pointer("/subject/0/digest/sha256").unwrap();
    assert_eq!(said.as_str(), digest.split(' ').next());
    done("pkey -pubin -in pub.pem -outform DER -out pub.der");
    let id = String::from_utf8(done("dgst -sha256 -r pub.der")).unwrap();
    assert_eq!(
        Some(text("/signatures/0/keyid").as_str()),
        id.split(' ').next()
    );
    // A P-256 key is none of ours.
    done("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem");
    let (code, _, stderr) = desk.run("scan --facts facts.json --sign key.pem -o json=x.json");
    assert_eq!(code, 64);
    assert!(stderr.contains("no Ed25519 key"), "{stderr}");
}
