//! Client certificates that others show: whom they name, and who vouches for them, as a kubelet sees it
//! (`pkg/authentication/request/x509` of kubernetes/apiserver).
//!
//! Nothing is sent, and no private key plays a part.

mod der;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::{CertificateError, Error, RootCertStore};

use crate::tls::{provider, short};

/// The most authorities that a certificate is held against.
const MOST_AUTHORITIES: usize = 1000;

/// Whom a client certificate names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientName {
    /// The user: the common name of its subject, the last if there are several.
    pub user: String,
    /// The groups: the organizations of its subject.
    pub groups: Vec<String>,
}

/// Whether authorities vouch for a client certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Vouching {
    /// One of them does, now, and for a client.
    Signed,
    /// None of them signed it. Where it was signed through an authority between, its holder has to show that one too.
    NotSigned,
    /// They do not: a part of a sentence about "it".
    Refused(String),
    /// It could not be told: a sentence.
    Unknown(String),
}

/// Returns whom a certificate (DER) names.
///
/// # Errors
///
/// A part of a sentence about "it": it is not understood, or names nobody.
pub fn client_name(certificate: &[u8]) -> Result<ClientName, String> {
    let contents = der::read(certificate).ok_or("it is not understood")?;
    let no_text = "its subject has a name in an encoding that is not read here";
    let user = contents.common_names.into_iter().next_back();
    let user = user.unwrap_or_else(|| Some(String::new())).ok_or(no_text)?;
    if user.is_empty() {
        return Err("it names no user (no common name)".to_owned());
    }
    let groups: Option<Vec<String>> = contents.organizations.into_iter().collect();
    Ok(ClientName {
        user,
        groups: groups.ok_or(no_text)?,
    })
}

/// Returns whether one of `authorities` vouches for `certificate` (all DER) as a client's at `now`.
///
/// Other than where a server is verified, an authority that has expired vouches for nobody: so it is in Go.
pub fn vouching(certificate: &[u8], authorities: &[Vec<u8>], now: Timestamp) -> Vouching {
    let Some(contents) = der::read(certificate) else {
        return Vouching::Unknown("the certificate is not understood".to_owned());
    };
    if authorities.len() > MOST_AUTHORITIES {
        return Vouching::Unknown(format!(
            "there are more than {MOST_AUTHORITIES} authorities"
        ));
    }
    let second = now.as_second();
    if second < contents.valid.0 {
        return Vouching::Refused("it is not valid yet".to_owned());
    }
    if second > contents.valid.1 {
        return Vouching::Refused(format!("it has expired at {}", moment(contents.valid.1)));
    }
    let mut in_force = Vec::new();
    let mut others = Vec::new();
    for authority in authorities {
        let Some(contents) = der::read(authority) else {
            return Vouching::Unknown("one of the authorities is not understood".to_owned());
        };
        let valid = (contents.valid.0..=contents.valid.1).contains(&second);
        if valid && contents.may_sign {
            in_force.push(authority);
        } else {
            others.push(authority);
        }
    }
    match verify(certificate, &in_force, now) {
        Vouching::NotSigned if verify(certificate, &others, now) == Vouching::Signed => {
            Vouching::Refused(
                "the authority that signed it has expired, is not valid yet, or may not sign certificates"
                    .to_owned(),
            )
        }
        vouching => vouching,
    }
}

/// Verifies a certificate against authorities, whose own validity is not looked at.
fn verify(certificate: &[u8], authorities: &[&Vec<u8>], now: Timestamp) -> Vouching {
    if authorities.is_empty() {
        return Vouching::NotSigned;
    }
    let unknown = |error: &dyn std::fmt::Display| {
        Vouching::Unknown(format!(
            "the certificate cannot be verified here: {}",
            short(error)
        ))
    };
    let mut store = RootCertStore::empty();
    for authority in authorities {
        let authority = CertificateDer::from(authority.as_slice());
        if let Err(error) = store.add(authority) {
            return unknown(&error);
        }
    }
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(store), provider()).build();
    let verifier = match verifier {
        Ok(verifier) => verifier,
        Err(error) => return unknown(&error),
    };
    let since = u64::try_from(now.as_second()).unwrap_or(0);
    let now = UnixTime::since_unix_epoch(Duration::from_secs(since));
    let leaf = CertificateDer::from(certificate);
    match verifier.verify_client_cert(&leaf, &[], now) {
        Ok(_) => Vouching::Signed,
        Err(Error::InvalidCertificate(CertificateError::UnknownIssuer)) => Vouching::NotSigned,
        // Another certificate of an authority with the same name.
        Err(Error::InvalidCertificate(CertificateError::BadSignature)) => Vouching::Refused(
            "an authority of the name that signed it is there, with another key".to_owned(),
        ),
        Err(Error::InvalidCertificate(
            CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. },
        )) => Vouching::Refused("it is not meant for clients".to_owned()),
        Err(error) => unknown(&error),
    }
}

/// Shows a second since 1970.
fn moment(second: i64) -> String {
    Timestamp::from_second(second).map_or_else(|_| "a time".to_owned(), |at| at.to_string())
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use kubeassay_testkit::certificates::{Authority, self_signed};
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject as _;

    use super::{ClientName, Vouching, client_name, vouching};

    fn der(pem: &str) -> Vec<u8> {
        CertificateDer::from_pem_slice(pem.as_bytes())
            .unwrap()
            .to_vec()
    }

    #[test]
    fn a_certificate_names_a_user_and_groups() {
        let authority = Authority::new("kubernetes");
        for (certificate, groups) in [
            (authority.client("kube-apiserver-kubelet-client"), vec![]),
            (
                authority.member("kube-apiserver-kubelet-client", "kubeadm:cluster-admins"),
                vec!["kubeadm:cluster-admins".to_owned()],
            ),
        ] {
            let expected = ClientName {
                user: "kube-apiserver-kubelet-client".to_owned(),
                groups,
            };
            assert_eq!(client_name(&certificate.der), Ok(expected));
        }
        let refused = client_name(&authority.client("").der).unwrap_err();
        assert!(refused.contains("names no user"), "{refused}");
        assert!(client_name(b"0\x03abc").is_err());
    }

    #[test]
    fn who_vouches_is_told_as_a_kubelet_tells_it() {
        let now: Timestamp = "2026-11-26T00:00:00Z".parse().unwrap();
        let (old, new) = (Authority::new("kubernetes"), Authority::new("kubernetes"));
        let other = Authority::new("front-proxy");
        let expired = Authority::in_years("kubernetes", (2015, 2026));
        let early = Authority::in_years("kubernetes", (2027, 2037));
        let (old_der, other_der) = (der(&old.pem()), der(&other.pem()));
        let cases = [
            (
                "its authority",
                old.client("a").der,
                vec![old_der.clone()],
                Vouching::Signed,
            ),
            (
                "one of a bundle",
                old.client("a").der,
                vec![other_der.clone(), der(&expired.pem()), old_der.clone()],
                Vouching::Signed,
            ),
            (
                "another",
                old.client("a").der,
                vec![other_der],
                Vouching::NotSigned,
            ),
            ("none", old.client("a").der, vec![], Vouching::NotSigned),
            (
                "itself alone",
                self_signed(&["a"]).der,
                vec![old_der.clone()],
                refused("for clients"),
            ),
            (
                "one of the same name",
                new.client("a").der,
                vec![old_der.clone()],
                refused("with another key"),
            ),
            (
                "a server",
                old.server(&["a"]).der,
                vec![old_der.clone()],
                refused("for clients"),
            ),
            (
                "expired",
                old.client_in("a", (2020, 2026)).der,
                vec![old_der.clone()],
                refused("has expired at 2026-01-01T00:00:00Z"),
            ),
            (
                "not yet",
                old.client_in("a", (2027, 2030)).der,
                vec![old_der.clone()],
                refused("not valid yet"),
            ),
            (
                "an expired authority",
                expired.client("a").der,
                vec![der(&expired.pem())],
                refused("the authority that signed it has expired"),
            ),
            (
                "an authority of later",
                early.client("a").der,
                vec![der(&early.pem())],
                refused("not valid yet, or may not"),
            ),
            (
                "not understood",
                b"0\x03abc".to_vec(),
                vec![old_der],
                Vouching::Unknown("not understood".to_owned()),
            ),
        ];
        for (what, certificate, authorities, expected) in cases {
            let found = vouching(&certificate, &authorities, now);
            let holds = match (&found, &expected) {
                (Vouching::Refused(why), Vouching::Refused(part))
                | (Vouching::Unknown(why), Vouching::Unknown(part)) => why.contains(part.as_str()),
                _ => found == expected,
            };
            assert!(holds, "{what}: {found:?}");
        }
    }

    fn refused(why: &str) -> Vouching {
        Vouching::Refused(why.to_owned())
    }
}
