//! DSSE: a payload with its type, and signatures over both.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::canonical::{self, CanonicalError};
use crate::key::{SigningKey, VerifyingKey};
use crate::statement::Statement;

/// Larger envelopes are not read, in bytes: ours has about one KiB.
pub const MAX_ENVELOPE: usize = 1 << 20;

/// Envelopes with more signatures are not looked at: each takes the digest of the whole payload.
const MAX_SIGNATURES: usize = 16;

/// The type of an in-toto statement in an envelope.
const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    payload: String,
    payload_type: String,
    signatures: Vec<Signature>,
}

#[derive(Serialize, Deserialize)]
struct Signature {
    /// A hint and no more: it is not signed.
    #[serde(default)]
    keyid: Option<String>,
    sig: String,
}

/// Why an envelope proves nothing.
#[derive(Debug, Error)]
pub enum EnvelopeError {
    /// It is none.
    #[error("is no DSSE envelope: {0}")]
    Json(#[from] serde_json::Error),
    /// A part of it cannot be decoded.
    #[error("is no DSSE envelope: {0} is not base64")]
    Base64(&'static str),
    /// It holds something else than a statement.
    #[error("holds {0:?}, not {PAYLOAD_TYPE:?}")]
    PayloadType(String),
    /// Nobody signed it.
    #[error("has no signature")]
    Unsigned,
    /// So many sign nothing of ours.
    #[error("has {0} signatures; one is ours, and more than {MAX_SIGNATURES} are not looked at")]
    Crowded(usize),
    /// None of the signatures is the key's.
    #[error(
        "was not signed with this key, or was changed since; it names {named}, and the key is {key}"
    )]
    Signature {
        /// The keys that it names.
        named: String,
        /// The id of the key that was tried.
        key: String,
    },
}

/// Returns what is signed: the pre-authentication encoding of DSSE, version 1.
pub fn pre_authentication(kind: &str, payload: &[u8]) -> Vec<u8> {
    let head = format!("DSSEv1 {} {kind} {} ", kind.len(), payload.len());
    [head.as_bytes(), payload].concat()
}

/// Signs a statement. The same statement and key give the same bytes.
///
/// # Errors
///
/// Where the statement has no canonical form.
pub fn seal(statement: &Statement, key: &SigningKey) -> Result<Vec<u8>, CanonicalError> {
    let payload = canonical::to_string(statement)?;
    let signature = key.sign(&pre_authentication(PAYLOAD_TYPE, payload.as_bytes()));
    let envelope = Envelope {
        payload: STANDARD.encode(&payload),
        payload_type: PAYLOAD_TYPE.to_owned(),
        signatures: vec![Signature {
            keyid: Some(key.verifying().id()),
            sig: STANDARD.encode(signature),
        }],
    };
    let mut envelope = canonical::to_string(&envelope)?;
    envelope.push('\n');
    Ok(envelope.into_bytes())
}

/// Returns the payload of an envelope that `key` signed. Nothing of it is looked at before the signature holds.
///
/// # Errors
///
/// Where it is no envelope, or the signature does not hold.
pub fn open(envelope: &[u8], key: &VerifyingKey) -> Result<Vec<u8>, EnvelopeError> {
    let envelope: Envelope = serde_json::from_slice(envelope)?;
    let payload = decode(&envelope.payload).ok_or(EnvelopeError::Base64("payload"))?;
    match envelope.signatures.len() {
        0 => return Err(EnvelopeError::Unsigned),
        1..=MAX_SIGNATURES => {}
        number => return Err(EnvelopeError::Crowded(number)),
    }
    let signed = pre_authentication(&envelope.payload_type, &payload);
    let mut holds = false;
    for signature in &envelope.signatures {
        let bytes = decode(&signature.sig).ok_or(EnvelopeError::Base64("sig"))?;
        holds |= key.verifies(&signed, &bytes);
    }
    if !holds {
        let named = envelope.signatures.into_iter();
        let named: Vec<String> = named
            .map(|signature| signature.keyid.filter(|id| !id.is_empty()))
            .map(|id| id.unwrap_or_else(|| "no key".to_owned()))
            .collect();
        return Err(EnvelopeError::Signature {
            named: named.join(", "),
            key: key.id(),
        });
    }
    if envelope.payload_type != PAYLOAD_TYPE {
        return Err(EnvelopeError::PayloadType(envelope.payload_type));
    }
    Ok(payload)
}

/// DSSE lets a writer choose between the two alphabets of base64.
fn decode(text: &str) -> Option<Vec<u8>> {
    STANDARD
        .decode(text)
        .or_else(|_| URL_SAFE.decode(text))
        .ok()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{Predicate, StatementError};

    const SECRET: &[u8] = b"-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";

    fn key() -> SigningKey {
        SigningKey::from_pem(SECRET).unwrap()
    }

    fn statement() -> Statement {
        let predicate: Predicate = serde_json::from_value(json!({
            "tool": {"name": "kubeassay", "version": "0.1.0", "commit": null}, "rule_digest": "sha256:aa", "rules": 131,
            "benchmark": null, "source": "live", "started": "2026-11-26T10:00:00Z", "finished": "2026-11-26T10:00:02Z",
            "nodes": 1, "complete": true, "exit_code": 2,
            "verdicts": {"pass": 3, "fail": 0, "unknown": 1, "manual": 0, "not_applicable": 2, "waived": 0},
        }))
        .unwrap();
        Statement::new("report.json".to_owned(), "ab".repeat(32), predicate)
    }

    /// The example of the protocol's document.
    #[test]
    fn what_is_signed_is_what_the_protocol_says() {
        assert_eq!(
            pre_authentication("http://example.com/HelloWorld", b"hello world"),
            b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
        );
    }

    #[test]
    fn a_statement_comes_back_and_is_the_same_every_time() {
        let sealed = seal(&statement(), &key()).unwrap();
        assert_eq!(sealed, seal(&statement(), &key()).unwrap());
        let payload = open(&sealed, &key().verifying()).unwrap();
        let read = Statement::read(&payload).unwrap();
        assert_eq!(read, statement());
        assert_eq!(read.name_of(&"ab".repeat(32)), Some("report.json"));
        assert_eq!(read.name_of(&"AB".repeat(32)), None);
        assert_eq!(read.name_of(&"ac".repeat(32)), None);
        let text = String::from_utf8(payload).unwrap();
        assert!(
            text.starts_with(r#"{"_type":"https://in-toto.io/Statement/v1","predicate":{"benchmark":null,"complete":true,"#),
            "{text}"
        );
        assert!(text.ends_with(r#""predicateType":"urn:kubeassay:attestation:report:v1","subject":[{"digest":{"sha256":"abababababababababababababababababababababababababababababababab"},"name":"report.json"}]}"#), "{text}");
    }

    #[test]
    fn every_change_is_found() {
        let sealed: Value = serde_json::from_slice(&seal(&statement(), &key()).unwrap()).unwrap();
        let other = STANDARD.encode(
            STANDARD
                .decode(sealed["payload"].as_str().unwrap())
                .unwrap()
                .to_ascii_uppercase(),
        );
        let opened = |envelope: &Value| open(envelope.to_string().as_bytes(), &key().verifying());
        assert!(opened(&sealed).is_ok());
        for (field, value, says) in [
            ("payload", json!(other), "changed since"),
            ("payload", json!("e30"), "payload is not base64"),
            ("payloadType", json!("application/json"), "changed since"),
            ("signatures", json!([]), "no signature"),
            ("signatures", json!([null]), "no DSSE envelope"),
            (
                "signatures",
                json!(vec![json!({"sig": "AAAA"}); 17]),
                "has 17 signatures",
            ),
            ("payload", json!({}), "no DSSE envelope"),
            ("payloadType", json!(null), "no DSSE envelope"),
            (
                "payloadType",
                json!("application/vnd.in-toto+json\u{0}"),
                "changed since",
            ),
            ("signatures", json!([{"sig": "AAAA"}]), "it names no key"),
            ("signatures", json!([{"sig": "\u{0}"}]), "sig is not base64"),
            ("signatures", json!("x"), "no DSSE envelope"),
        ] {
            let mut changed = sealed.clone();
            changed[field] = value;
            let error = opened(&changed).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
        // The other alphabet of base64, a second signature and a lying key id change nothing.
        let mut relaxed = sealed.clone();
        let signature = relaxed["signatures"][0]["sig"].as_str().unwrap();
        let signature = signature.replace('+', "-").replace('/', "_");
        relaxed["signatures"] =
            json!([{"keyid": "x", "sig": "AAAA"}, {"keyid": "y", "sig": signature}]);
        assert!(opened(&relaxed).is_ok());
    }

    /// What the same key signed for another purpose is no evidence of a report.
    #[test]
    fn another_statement_of_the_same_key_is_told_apart() {
        let signed = |kind: &str, payload: &str| {
            let signature = key().sign(&pre_authentication(kind, payload.as_bytes()));
            let envelope = json!({"payload": STANDARD.encode(payload), "payloadType": kind, "signatures": [{"sig": STANDARD.encode(signature)}]});
            open(envelope.to_string().as_bytes(), &key().verifying())
        };
        let error = signed("text/plain", "hello").unwrap_err().to_string();
        assert!(error.contains("text/plain"), "{error}");
        let ours = canonical::to_string(&statement()).unwrap();
        let read = |payload: &str| {
            let payload = signed(PAYLOAD_TYPE, payload).unwrap();
            Statement::read(&payload)
        };
        assert_eq!(read(&ours).unwrap(), statement());
        // What the key signed and two readers could read in two ways, or means nothing that we mean.
        let digest = "ab".repeat(32);
        let form = "not in canonical JSON";
        let subject = "not about one report";
        for (from, to, says) in [
            (r#""exit_code":2"#, r#""exit_code":0,"exit_code":2"#, form),
            (r#""rules":131"#, r#""rules":131,"zz":1,"zz":2"#, form),
            (r#""complete":true"#, r#""complete": true"#, form),
            (r#""_type":"#, r#""\u005ftype":"#, form),
            (r#""nodes":1"#, r#""nodes":1.0"#, form),
            (
                r#""subject":["#,
                r#""subject":[{"digest":{"sha256":"00"},"name":"x"},"#,
                subject,
            ),
            (r#""sha256":"#, r#""sha512":"#, subject),
            (r#""sha256":"#, r#""sha1":"00","sha256":"#, subject),
            (&digest, &digest.to_ascii_uppercase(), subject),
            (&digest, &digest[2..], subject),
            (r#""source":"live""#, r#""source":"demo""#, "demonstration"),
            (r#""source":"live""#, r#""source":"captured""#, "captured"),
            (r#""source":"live""#, r#""source":"dream""#, "no in-toto"),
            (r#""exit_code":2"#, r#""exit_code":256"#, "no in-toto"),
            (r#""nodes":1,"#, "", "no in-toto"),
        ] {
            let changed = ours.replacen(from, to, 1);
            assert_ne!(changed, ours, "{from}");
            let error = read(&changed).unwrap_err().to_string();
            assert!(error.contains(says), "{to}: {error}");
        }
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        for (payload, says) in [
            ("", "no in-toto"),
            ("\u{feff}{}", "no in-toto"),
            (&ours[..ours.len() - 1], "no in-toto"),
            (deep.as_str(), "no in-toto"),
            (
                r#"{"_type":"https://in-toto.io/Statement/v0.1","predicateType":"x"}"#,
                "v0.1",
            ),
            (
                r#"{"_type":"https://in-toto.io/Statement/v1","predicateType":"https://slsa.dev/provenance/v1"}"#,
                "slsa",
            ),
            ("[]", "no in-toto statement"),
        ] {
            let error: StatementError = read(payload).unwrap_err();
            assert!(error.to_string().contains(says), "{error}");
        }
    }
}
