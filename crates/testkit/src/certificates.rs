//! Certificates for tests: authorities, and what they sign.

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose,
};

/// An authority that signs certificates of servers and clients.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

/// A certificate with its private key.
#[derive(Clone)]
pub struct Issued {
    /// The certificate as PEM.
    pub chain: String,
    /// Its private key as PEM (PKCS #8).
    pub key: String,
    /// The certificate as DER.
    pub der: Vec<u8>,
}

impl Authority {
    /// Returns a new authority called `name`, with a key of its own.
    ///
    /// # Panics
    ///
    /// If there can be no key or certificate.
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name = named(name, None);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![
            KeyUsagePurpose::KeyCertSign,
            KeyUsagePurpose::DigitalSignature,
        ];
        let key = key();
        let certificate = params.self_signed(&key);
        let certificate = certificate.unwrap_or_else(|error| panic!("no authority: {error}"));
        Self {
            pem: certificate.pem(),
            issuer: Issuer::new(params, key),
        }
    }

    /// Returns its own certificate as PEM.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// Returns the certificate of a server of these names and addresses.
    ///
    /// # Panics
    ///
    /// If there can be none.
    pub fn server(&self, names: &[&str]) -> Issued {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let params = CertificateParams::new(names);
        let mut params = params.unwrap_or_else(|error| panic!("no names: {error}"));
        params.distinguished_name = named("server", None);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.issue(params)
    }

    /// Returns the certificate of a client: its user is the common name, its group the organization.
    ///
    /// # Panics
    ///
    /// If there can be none.
    pub fn client(&self, user: &str, group: Option<&str>) -> Issued {
        let mut params = CertificateParams::default();
        params.distinguished_name = named(user, group);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.issue(params)
    }

    /// Returns the certificate that `params` describe.
    ///
    /// # Panics
    ///
    /// If there can be none.
    pub fn issue(&self, mut params: CertificateParams) -> Issued {
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        let key = key();
        let certificate = params.signed_by(&key, &self.issuer);
        let certificate = certificate.unwrap_or_else(|error| panic!("no certificate: {error}"));
        Issued {
            chain: certificate.pem(),
            der: certificate.der().to_vec(),
            key: key.serialize_pem(),
        }
    }
}

fn key() -> KeyPair {
    KeyPair::generate().unwrap_or_else(|error| panic!("no key: {error}"))
}

fn named(name: &str, organization: Option<&str>) -> DistinguishedName {
    let mut named = DistinguishedName::new();
    named.push(DnType::CommonName, name);
    if let Some(organization) = organization {
        named.push(DnType::OrganizationName, organization);
    }
    named
}
