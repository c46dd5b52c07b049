//! TLS: whom we talk to, and what we show of ourselves.
//!
//! A server is trusted for one of three reasons ([`Trust`]), and none of them is "because it answered". Whatever the
//! reason, the handshake's signature is verified, so that the server has the private key of what it showed. The
//! client certificate is offered only in connections that were made for it, and only after the server is trusted:
//! TLS sends it after the server's part of the handshake.

use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, OnceLock};

use jiff::Timestamp;
use kubeassay_core::facts::Trust;
use kubeassay_core::text::escape;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::sign::SingleCertAndKey;
use rustls::time_provider::TimeProvider;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};
use sha2::{Digest as _, Sha256};

use crate::identity::ClientCertificate;

/// Tells the time: the clock is read where the program starts, and handed down.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The most authorities of one file; a machine's whole store has a few hundred.
const MAX_AUTHORITIES: usize = 1000;

/// The longest text of authorities that is looked at.
const MAX_PEM: usize = 4 << 20;

/// The longest a reason of the TLS library may be; some list all the names of a certificate.
const MAX_REASON: usize = 200;

/// Returns the one provider of cryptography: ring.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    Arc::clone(PROVIDER.get_or_init(|| Arc::new(rustls::crypto::ring::default_provider())))
}

/// The SHA-256 of a certificate's DER.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Returns the fingerprint of a certificate.
    pub fn of(certificate: &[u8]) -> Self {
        Self(Sha256::digest(certificate).into())
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is no SHA-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a SHA-256: 64 hexadecimal digits, with or without colons between the bytes")]
pub struct NoFingerprint;

impl FromStr for Fingerprint {
    type Err = NoFingerprint;

    /// Reads 64 hexadecimal digits, or pairs of them with colons between, as openssl-x509(1) prints them.
    fn from_str(text: &str) -> Result<Self, NoFingerprint> {
        let mut digits = Vec::with_capacity(64);
        for (index, byte) in text.bytes().enumerate() {
            match char::from(byte).to_digit(16) {
                Some(digit) if digits.len() < 64 => digits.push(u8::try_from(digit).unwrap_or(0)),
                None if byte == b':' && text.len() == 95 && index % 3 == 2 => {}
                _ => return Err(NoFingerprint),
            }
        }
        let bytes: Vec<u8> = digits
            .chunks_exact(2)
            .map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit))
            .collect();
        bytes.try_into().map(Self).map_err(|_| NoFingerprint)
    }
}

/// The authorities cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthoritiesError {
    /// It is not PEM, or far too long.
    #[error("its certificates cannot be read: not PEM, or more than {MAX_AUTHORITIES}")]
    Unreadable,
    /// There is none.
    #[error("there is no certificate in it (a PEM block `CERTIFICATE`)")]
    None,
    /// One of them is no certificate.
    #[error("certificate {0} in it cannot be read")]
    Certificate(usize),
}

/// Authorities whose signature on a certificate is trusted.
#[derive(Clone)]
pub struct Authorities(Arc<WebPkiServerVerifier>);

impl Authorities {
    /// Reads authorities from PEM.
    ///
    /// # Errors
    ///
    /// If there is none, or one of them cannot be read.
    pub fn from_pem(pem: &[u8]) -> Result<Self, AuthoritiesError> {
        if pem.len() > MAX_PEM {
            return Err(AuthoritiesError::Unreadable);
        }
        let mut store = RootCertStore::empty();
        for (index, certificate) in CertificateDer::pem_slice_iter(pem).enumerate() {
            let certificate = certificate.map_err(|_| AuthoritiesError::Unreadable)?;
            if index >= MAX_AUTHORITIES {
                return Err(AuthoritiesError::Unreadable);
            }
            let added = store.add(certificate);
            added.map_err(|_| AuthoritiesError::Certificate(index + 1))?;
        }
        WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider())
            .build()
            .map(Self)
            .map_err(|_| AuthoritiesError::None)
    }
}

impl fmt::Debug for Authorities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authorities")
    }
}

/// What a server's certificate is held against: it is enough that one of them agrees.
#[derive(Clone, Debug, Default)]
pub(crate) struct Verification {
    /// What the process serves by its own configuration, as read on the node, and the file it was read from.
    pub(crate) served: Option<(Fingerprint, String)>,
    /// What was given for this node.
    pub(crate) pin: Option<Fingerprint>,
    /// Who may have signed it.
    pub(crate) authorities: Option<Authorities>,
    /// The names it may be for where an authority signed it: what was dialled, and what the node is called.
    pub(crate) names: Vec<String>,
}

impl Verification {
    /// Returns why the certificate is trusted.
    ///
    /// # Errors
    ///
    /// Why it is not: a part of a sentence about "it".
    fn judge(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<Trust, String> {
        let shown = Fingerprint::of(leaf);
        let mut why = Vec::new();
        if let Some((served, path)) = &self.served {
            if *served == shown {
                return Ok(Trust::Served);
            }
            let path = escape(path);
            why.push(format!(
                "it is not the one in `{path}`, which this kubelet serves by its own configuration"
            ));
        }
        if let Some(pin) = self.pin {
            if pin == shown {
                return Ok(Trust::Pin);
            }
            why.push("it is not the one that was pinned for this node".to_owned());
        }
        if let Some(Authorities(verifier)) = &self.authorities {
            let mut refused = "there is no name to hold it against".to_owned();
            for name in &self.names {
                let Ok(server) = ServerName::try_from(name.as_str()) else {
                    continue;
                };
                match verifier.verify_server_cert(leaf, intermediates, &server, &[], now) {
                    Ok(_) => return Ok(Trust::Authority),
                    Err(error) => refused = refusal(&error, &self.names),
                }
            }
            why.push(refused);
        }
        if why.is_empty() {
            why.push("nothing is known to hold it against".to_owned());
        }
        Err(why.join("; "))
    }
}

/// Says why the authorities do not vouch for a certificate.
fn refusal(error: &Error, names: &[String]) -> String {
    match error {
        Error::InvalidCertificate(
            CertificateError::Expired | CertificateError::ExpiredContext { .. },
        ) => "it has expired".to_owned(),
        Error::InvalidCertificate(
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. },
        ) => "it is not valid yet".to_owned(),
        Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
            "none of the authorities that were given signed it".to_owned()
        }
        Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => format!("it is not for {}", escape(&names.join(" or "))),
        Error::InvalidCertificate(
            CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. },
        ) => "it is not meant for servers".to_owned(),
        other => short(other),
    }
}

/// Returns a message of the TLS library, escaped and no longer than a line.
pub(crate) fn short(error: &dyn fmt::Display) -> String {
    let text = error.to_string();
    let mut cut: String = text.chars().take(MAX_REASON).collect();
    if cut.len() < text.len() {
        cut.push('…');
    }
    escape(&cut)
}

/// What a server showed, and what became of it.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    /// The fingerprint of its certificate.
    pub(crate) certificate: Fingerprint,
    /// Why it is trusted, or why not.
    pub(crate) trust: Result<Trust, String>,
}

/// Verifies one connection's certificate and remembers what was shown.
#[derive(Debug)]
pub(crate) struct Verifier {
    verification: Verification,
    shown: OnceLock<Shown>,
}

impl Verifier {
    /// Returns what the server showed; nothing before the handshake, or if it showed nothing.
    pub(crate) fn shown(&self) -> Option<&Shown> {
        self.shown.get()
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let shown = self.shown.get_or_init(|| Shown {
            certificate: Fingerprint::of(leaf),
            trust: self.verification.judge(leaf, intermediates, now),
        });
        // A connection has one handshake (rustls does not renegotiate); a second certificate is not the judged one.
        if shown.trust.is_ok() && shown.certificate == Fingerprint::of(leaf) {
            return Ok(ServerCertVerified::assertion());
        }
        Err(CertificateError::ApplicationVerificationFailure.into())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = provider().signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, &algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = provider().signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, &algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider()
            .signature_verification_algorithms
            .supported_schemes()
    }
}

/// The handed-down clock, as rustls asks for it.
struct Time(Clock);

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Time")
    }
}

impl TimeProvider for Time {
    fn current_time(&self) -> Option<UnixTime> {
        let since = (self.0)().as_second().try_into().ok()?;
        Some(UnixTime::since_unix_epoch(std::time::Duration::from_secs(
            since,
        )))
    }
}

/// Returns the configuration of one connection, and the verifier that remembers what was shown in it.
///
/// TLS 1.2 and 1.3, HTTP/1.1 alone, no resumption: every connection proves the server anew.
///
/// # Errors
///
/// Never with the provider that is built in; rustls cannot know that.
pub(crate) fn configuration(
    verification: &Verification,
    certificate: Option<&ClientCertificate>,
    clock: &Clock,
) -> Result<(ClientConfig, Arc<Verifier>), Error> {
    let verifier = Arc::new(Verifier {
        verification: verification.clone(),
        shown: OnceLock::new(),
    });
    let time = Arc::new(Time(Arc::clone(clock)));
    let builder = ClientConfig::builder_with_details(provider(), time)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::<Verifier>::clone(&verifier));
    let mut config = match certificate {
        Some(certificate) => builder
            .with_client_cert_resolver(Arc::new(SingleCertAndKey::from(certificate.certified()))),
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.resumption = Resumption::disabled();
    Ok((config, verifier))
}

#[cfg(test)]
mod tests {
    use super::{Authorities, AuthoritiesError, Fingerprint, NoFingerprint};

    #[test]
    fn a_fingerprint_is_read_as_it_is_shown_and_as_openssl_shows_it() {
        let shown = Fingerprint::of(b"a certificate").to_string();
        let pairs: Vec<String> = shown
            .as_bytes()
            .chunks(2)
            .map(|pair| String::from_utf8_lossy(pair).to_uppercase())
            .collect();
        let colons = pairs.join(":");
        for text in [&shown, &shown.to_uppercase(), &colons] {
            let read: Fingerprint = text.parse().unwrap();
            assert_eq!(read.to_string(), shown, "{text}");
        }
        for text in [
            "",
            &shown[1..],
            &format!("{shown}0"),
            &format!("sha256:{shown}"),
            &format!(" {shown}"),
            &colons.replacen(':', "-", 1),
            &colons[..94],
            &format!("{}:", &colons[..94]),
            &":".repeat(95),
            &shown.replacen(|digit: char| digit.is_ascii(), "g", 1),
            &"ä".repeat(32),
        ] {
            assert_eq!(text.parse::<Fingerprint>(), Err(NoFingerprint), "{text}");
        }
    }

    #[test]
    fn authorities_that_cannot_be_used_are_refused() {
        let block =
            |body| format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n");
        for (pem, expected) in [
            (String::new(), AuthoritiesError::None),
            ("no PEM at all".to_owned(), AuthoritiesError::None),
            (block("!!!!"), AuthoritiesError::Unreadable),
            (block("AAAA"), AuthoritiesError::Certificate(1)),
        ] {
            assert_eq!(
                Authorities::from_pem(pem.as_bytes()).unwrap_err(),
                expected,
                "{pem}"
            );
        }
    }
}
