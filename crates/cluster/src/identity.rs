//! Credentials: as whom a request is made, and what keeps them out of everything that is shown.
//!
//! Nothing here prints what it holds: `Debug` and `Display` say what kind of thing it is, and errors say what is
//! wrong with it in words of our own, never with a piece of the text.

use std::fmt;
use std::sync::Arc;

use hyper::header::HeaderValue;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use crate::tls::provider;

/// The longest token that is sent. The servers of Go take heads of up to 1 MiB; real tokens have a few KiB.
const MAX_TOKEN: usize = 64 << 10;

/// The longest PEM text that is looked at.
const MAX_PEM: usize = 1 << 20;

/// The longest certificate chain that is sent.
const MAX_CHAIN: usize = 16;

/// A text that is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Box<str>);

impl Secret {
    /// Returns a secret that holds `text`.
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// Returns the text itself: for whoever sends it, and nobody else.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// Why a credential cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// There is no certificate in the PEM text.
    #[error("there is no certificate in it (a PEM block `CERTIFICATE`)")]
    NoCertificate,
    /// The certificates cannot be read.
    #[error("its certificates cannot be read: not PEM, or more than {MAX_CHAIN}")]
    Certificates,
    /// There is no private key in the PEM text.
    #[error(
        "there is no private key in it that can be used (a PEM block `PRIVATE KEY`, not encrypted)"
    )]
    NoKey,
    /// The private key cannot be used.
    #[error(
        "its private key is of no kind that can be used: RSA of 2048 bits and more, P-256, P-384 and Ed25519 can"
    )]
    Key,
    /// Certificate and private key do not belong together.
    #[error("its certificate and its private key do not belong together")]
    Apart,
    /// The text is far too long.
    #[error("it is longer than any credential")]
    TooLong,
    /// The token is empty.
    #[error("the token is empty")]
    NoToken,
    /// The token has a character that cannot be sent in a header.
    #[error(
        "the token has a character at position {0} that no token has: a blank, a control character, or none of ASCII"
    )]
    Token(usize),
}

/// As whom a request is made.
#[derive(Clone)]
pub enum ClientIdentity {
    /// A client certificate with its private key.
    Certificate(ClientCertificate),
    /// A bearer token.
    Token(Token),
}

impl ClientIdentity {
    /// Reads a certificate chain and its private key from PEM; both may stand in the same text.
    ///
    /// # Errors
    ///
    /// If one of them is missing or cannot be used.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, IdentityError> {
        ClientCertificate::from_pem(chain, key).map(Self::Certificate)
    }

    /// Reads a bearer token, as it stands in a file.
    ///
    /// # Errors
    ///
    /// If it is empty, or is none that can be sent.
    pub fn token(bytes: &[u8]) -> Result<Self, IdentityError> {
        Token::new(bytes).map(Self::Token)
    }
}

impl fmt::Debug for ClientIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for ClientIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Certificate(_) => "a client certificate",
            Self::Token(_) => "a bearer token",
        })
    }
}

/// A client certificate with its private key, ready to sign.
#[derive(Clone)]
pub struct ClientCertificate(Arc<CertifiedKey>);

impl ClientCertificate {
    /// Reads a certificate chain and its private key from PEM.
    ///
    /// # Errors
    ///
    /// If one of them is missing or cannot be used.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, IdentityError> {
        if chain.len() > MAX_PEM || key.len() > MAX_PEM {
            return Err(IdentityError::TooLong);
        }
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(chain)
            .take(MAX_CHAIN + 1)
            .collect::<Result<_, _>>()
            .map_err(|_| IdentityError::Certificates)?;
        if chain.is_empty() {
            return Err(IdentityError::NoCertificate);
        }
        if chain.len() > MAX_CHAIN {
            return Err(IdentityError::Certificates);
        }
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| IdentityError::NoKey)?;
        match CertifiedKey::from_der(chain, key, &provider()) {
            Ok(certified) => Ok(Self(Arc::new(certified))),
            Err(rustls::Error::InconsistentKeys(_)) => Err(IdentityError::Apart),
            Err(rustls::Error::InvalidCertificate(_)) => Err(IdentityError::Certificates),
            Err(_) => Err(IdentityError::Key),
        }
    }

    /// Returns chain and key for a handshake.
    pub(crate) fn certified(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.0)
    }
}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientCertificate")
    }
}

/// A bearer token that can stand in a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token(Secret);

impl Token {
    /// Reads a token; blanks and line ends around it are dropped, as those who read `--token-file` do.
    ///
    /// # Errors
    ///
    /// If it is empty, too long, or has characters other than the visible ones of ASCII (RFC 6750 allows fewer;
    /// what can be sent without meaning something else is left to the server).
    pub fn new(bytes: &[u8]) -> Result<Self, IdentityError> {
        let token = bytes.trim_ascii();
        if token.is_empty() {
            return Err(IdentityError::NoToken);
        }
        if token.len() > MAX_TOKEN {
            return Err(IdentityError::TooLong);
        }
        if let Some(at) = token.iter().position(|byte| !byte.is_ascii_graphic()) {
            return Err(IdentityError::Token(at + 1));
        }
        let text: String = token.iter().copied().map(char::from).collect();
        Ok(Self(Secret::new(text)))
    }

    /// Returns the value of the header `Authorization`, which hyper does not show either.
    ///
    /// `None` cannot happen: the token was checked when it was read.
    pub(crate) fn authorization(&self) -> Option<HeaderValue> {
        let mut value = HeaderValue::try_from(format!("Bearer {}", self.0.expose())).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::{IdentityError, MAX_TOKEN, Token};

    #[test]
    fn a_token_is_trimmed_and_can_be_sent() {
        let long = "x".repeat(MAX_TOKEN + 1);
        let cases: [(&[u8], Result<&str, IdentityError>); 10] = [
            (b"abc.def-_~+/=", Ok("Bearer abc.def-_~+/=")),
            (b" abc\r\n", Ok("Bearer abc")),
            (b"", Err(IdentityError::NoToken)),
            (b"\n \t", Err(IdentityError::NoToken)),
            (b"a b", Err(IdentityError::Token(2))),
            (b"a\r\nX-Other: 1", Err(IdentityError::Token(2))),
            (b"ab\0", Err(IdentityError::Token(3))),
            (b"\x7f", Err(IdentityError::Token(1))),
            ("\u{feff}abc".as_bytes(), Err(IdentityError::Token(1))),
            (long.as_bytes(), Err(IdentityError::TooLong)),
        ];
        for (bytes, expected) in cases {
            let sent = Token::new(bytes).map(|token| token.authorization().unwrap());
            let sent = sent.map(|value| value.to_str().unwrap().to_owned());
            assert_eq!(sent, expected.map(str::to_owned), "{bytes:?}");
        }
    }
}
