//! Signed evidence: a detached statement of what a report was when it was made, and by whose key.
//!
//! The statement is an [in-toto Statement v1](https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md) in a
//! [DSSE envelope](https://github.com/secure-systems-lab/dsse/blob/master/envelope.md), signed with Ed25519: what `cosign`
//! and the in-toto tools take. The report's own bytes are not touched, so that every reader of reports takes it as before.
//!
//! Everything here is a pure function of bytes: reading keys, reports and envelopes is the caller's.
//!
//! - [`Statement`]: what is said of a report
//! - [`SigningKey`], [`VerifyingKey`]: the keys, from PEM
//! - [`seal`], [`open`]: a statement to an envelope, and back once its signature holds
//! - [`canonical`]: the one form of a JSON document (RFC 8785)

#![forbid(unsafe_code)]

pub mod canonical;
mod envelope;
mod key;
mod pem;
mod statement;

pub use envelope::{EnvelopeError, MAX_ENVELOPE, open, pre_authentication, seal};
pub use key::{KeyError, MAX_KEY, SigningKey, VerifyingKey};
pub use statement::{PREDICATE, Predicate, Statement, StatementError};

/// Returns bytes as lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    let digit = |four: u8| char::from_digit(u32::from(four), 16).unwrap_or_default();
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}
