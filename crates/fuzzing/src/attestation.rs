//! An attestation and the keys: an envelope from elsewhere, what a key signed, PEM.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kubeassay_attest::{
    SigningKey, Statement, VerifyingKey, canonical, open, pre_authentication, seal,
};
use serde_json::{Value, json};

/// Section 10.3 of RFC 8410: everybody has it.
const SECRET: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";

/// The only statement that the key signed before the fuzzer came: that of the input `sealed`.
const SIGNED: &str = r#"{"_type":"https://in-toto.io/Statement/v1","predicate":{"benchmark":null,"complete":true,"exit_code":2,"finished":"2026-11-26T10:00:02Z","nodes":1,"rule_digest":"sha256:aa","rules":131,"source":"live","started":"2026-11-26T10:00:00Z","tool":{"commit":null,"name":"kubeassay","version":"0.1.0"},"verdicts":{"fail":0,"manual":0,"not_applicable":2,"pass":3,"unknown":1,"waived":0}},"predicateType":"urn:kubeassay:attestation:report:v1","subject":[{"digest":{"sha256":"abababababababababababababababababababababababababababababababab"},"name":"report.json"}]}"#;

/// Reads an input as an envelope, as a statement and as a key.
pub(crate) fn run(data: &[u8]) {
    let key = SigningKey::from_pem(SECRET.as_bytes()).expect("the standard's key is one");
    if let Ok(payload) = open(data, &key.verifying()) {
        assert_eq!(
            payload,
            SIGNED.as_bytes(),
            "nothing opens but what the key signed"
        );
    }
    statement(data, &key);
    sealed(data, &key);
    pem(data);
}

/// What is read of a payload is all of it, in one way.
fn statement(data: &[u8], key: &SigningKey) {
    let Ok(statement) = Statement::read(data) else {
        return;
    };
    let value: Value = serde_json::from_slice(data).expect("a statement is JSON");
    let written = canonical::to_string(&value).expect("a statement has a canonical form");
    assert_eq!(written.as_bytes(), data, "read, and not canonical");
    let digest = value
        .pointer("/subject/0/digest/sha256")
        .and_then(Value::as_str)
        .expect("a statement has a digest");
    assert_eq!(
        statement.name_of(digest),
        value.pointer("/subject/0/name").and_then(Value::as_str)
    );
    assert_eq!(statement.name_of(&digest.replacen(|_| true, "g", 1)), None);
    assert_eq!(value.pointer("/subject/1"), None, "two reports in one");
    let envelope = seal(&statement, key).expect("what was read can be sealed");
    let payload = open(&envelope, &key.verifying()).expect("what was sealed can be opened");
    let again = Statement::read(&payload).expect("what was sealed is a statement");
    assert_eq!(again, statement);
}

/// What the key signs opens, and with one bit changed it does not.
fn sealed(data: &[u8], key: &SigningKey) {
    const KIND: &str = "application/vnd.in-toto+json";
    let signature = key.sign(&pre_authentication(KIND, data));
    let envelope = |payload: &[u8], signature: &[u8]| {
        let envelope = json!({"payload": STANDARD.encode(payload), "payloadType": KIND,
            "signatures": [{"sig": STANDARD.encode(signature)}]});
        open(envelope.to_string().as_bytes(), &key.verifying())
    };
    let opened = envelope(data, &signature).expect("what the key signed opens");
    assert_eq!(opened, data);
    // Where depends on the input, so that every place has its turn.
    let at = data.iter().fold(data.len(), |sum, byte| {
        sum * 31 % 65_521 + usize::from(*byte)
    });
    let flipped = |bytes: &[u8]| {
        let mut bytes = bytes.to_vec();
        let length = bytes.len();
        if let Some(byte) = bytes.get_mut(at / 8 % length.max(1)) {
            *byte ^= 1 << (at % 8);
        }
        bytes
    };
    assert!(
        envelope(data, &flipped(&signature)).is_err(),
        "another signature"
    );
    if !data.is_empty() {
        assert!(
            envelope(&flipped(data), &signature).is_err(),
            "another payload"
        );
    }
}

/// A key is of one kind, and what is said of none holds nothing of it.
fn pem(data: &[u8]) {
    let (signing, verifying) = (SigningKey::from_pem(data), VerifyingKey::from_pem(data));
    assert!(signing.is_err() || verifying.is_err(), "both keys in one");
    if let Ok(key) = &verifying {
        assert!(!key.verifies(b"a report", &[0; 64]), "zeros sign nothing");
        assert_eq!(key.id().len(), 64);
    }
    if let Ok(key) = &signing {
        let signature = key.sign(b"a report");
        assert!(key.verifying().verifies(b"a report", &signature));
    }
    let text = String::from_utf8_lossy(data);
    let bodies = text
        .lines()
        .filter(|line| line.len() >= 40 && !line.starts_with("-----"));
    let errors: Vec<String> = [signing.err(), verifying.err()]
        .into_iter()
        .flatten()
        .map(|error| error.to_string())
        .collect();
    for body in bodies {
        let told = errors.iter().any(|error| error.contains(body.trim()));
        assert!(!told, "a key in a message");
    }
}
