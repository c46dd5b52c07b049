//! Why there is no answer: one word for each, its cause, and a sentence.

use std::io;
use std::time::Duration;

use kubeassay_core::facts::Trouble;
use kubeassay_core::text::escape;
use kubeassay_core::verdict::Cause;
use rustls::{AlertDescription, InvalidMessage};

use super::{MAX_HEAD, MAX_HEADERS};
use crate::tls::{Fingerprint, Verifier, short};

/// Why there is no answer, or none that can be used. Each is a sentence about the one who was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Failure {
    /// Nobody listens there.
    #[error("connection refused: nothing listens at {0}")]
    Refused(String),
    /// There is no way there, or something on it refuses.
    #[error("no connection to {address}: {why}")]
    NoConnection {
        /// Where.
        address: String,
        /// What the operating system says.
        why: String,
    },
    /// Nobody answered the attempt to connect.
    #[error("no connection to {address} within {} ms: nothing answers there, or a firewall drops what is sent", .limit.as_millis())]
    ConnectTimeout {
        /// Where.
        address: String,
        /// How long was waited.
        limit: Duration,
    },
    /// There is no address to connect to.
    #[error("`{}` has no address", escape(.0))]
    NoAddress(String),
    /// The certificate is not trusted.
    #[error("the certificate that was shown (SHA-256 {shown}) is not trusted: {why}")]
    Untrusted {
        /// What was shown.
        shown: Fingerprint,
        /// Why it is not trusted.
        why: String,
    },
    /// It answers, but not with TLS.
    #[error("the port answers, but not with TLS: it is plain HTTP, or another protocol")]
    NotTls,
    /// The TLS handshake failed.
    #[error("the TLS handshake failed: {why}")]
    Handshake {
        /// What was shown before that, if anything.
        shown: Option<Fingerprint>,
        /// Why.
        why: String,
    },
    /// The TLS handshake took too long.
    #[error("the TLS handshake did not end within {} ms", .0.as_millis())]
    HandshakeTimeout(Duration),
    /// The connection ended without an answer.
    #[error("the connection was closed before there was an answer")]
    Closed,
    /// What came back is not HTTP.
    #[error("what came back is not HTTP/1.1")]
    NotHttp,
    /// The head of the answer is larger than anything that is read.
    #[error("the head of the answer is larger than {} KiB, or has more than {MAX_HEADERS} fields", MAX_HEAD >> 10)]
    HeadTooLarge,
    /// The answer took too long.
    #[error("no whole answer within {} ms", .0.as_millis())]
    Timeout(Duration),
    /// The body is too large.
    #[error("the body of the answer is larger than {0} bytes")]
    BodyTooLarge(usize),
    /// The body ended too early.
    #[error("the connection was closed in the middle of the answer's body")]
    BodyCut,
    /// A token was to be sent to a server that is not trusted.
    #[error("a token is never sent over a connection whose other side is not verified")]
    Unverified,
    /// The request itself could not be made.
    #[error("the request cannot be sent: {0}")]
    Request(&'static str),
}

impl Failure {
    /// Returns the cause that a verdict carries for it.
    pub(crate) const fn cause(&self) -> Cause {
        match self {
            Self::Untrusted { .. } => Cause::UntrustedCertificate,
            Self::HeadTooLarge | Self::BodyTooLarge(_) => Cause::TooLarge,
            Self::NotHttp => Cause::ParseError,
            Self::BodyCut => Cause::Vanished,
            Self::Unverified => Cause::NotPermitted,
            _ => Cause::Unreachable,
        }
    }

    /// Returns it as it stands in facts.
    pub(crate) fn trouble(&self) -> Trouble {
        Trouble {
            cause: self.cause(),
            reason: self.to_string(),
        }
    }

    /// Returns what the server showed, where the handshake came that far.
    pub(crate) const fn shown(&self) -> Option<Fingerprint> {
        match self {
            Self::Untrusted { shown, .. } => Some(*shown),
            Self::Handshake { shown, .. } => *shown,
            _ => None,
        }
    }
}

/// Says why a handshake failed.
pub(super) fn broken(error: &io::Error, verifier: &Verifier) -> Failure {
    let shown = verifier.shown();
    if let Some(shown) = shown
        && let Err(why) = &shown.trust
    {
        return Failure::Untrusted {
            shown: shown.certificate,
            why: why.clone(),
        };
    }
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    let why = match inner {
        Some(rustls::Error::InvalidMessage(
            InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion,
        )) if shown.is_none() => return Failure::NotTls,
        Some(rustls::Error::AlertReceived(AlertDescription::InternalError)) => {
            "the server ends it with `internal error`: so does a kubelet that has no certificate to serve yet \
             (`serverTLSBootstrap` and no signed request), or whose certificate has no key"
                .to_owned()
        }
        Some(rustls::Error::AlertReceived(alert)) => {
            format!("the server ends it with `{}`", short(&format!("{alert:?}")))
        }
        Some(rustls::Error::NoCertificatesPresented) => {
            "the server showed no certificate".to_owned()
        }
        Some(rustls::Error::PeerIncompatible(_)) => {
            "the server speaks no version or cipher of TLS that is spoken here".to_owned()
        }
        Some(rustls::Error::InvalidCertificate(_)) => {
            "the server did not prove that it has the private key of its certificate".to_owned()
        }
        Some(other) => short(other),
        None if error.kind() == io::ErrorKind::UnexpectedEof
            || error.kind() == io::ErrorKind::ConnectionReset =>
        {
            "the connection was closed in the middle of it".to_owned()
        }
        None => short(error),
    };
    Failure::Handshake {
        shown: shown.map(|shown| shown.certificate),
        why,
    }
}
