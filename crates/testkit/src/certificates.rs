//! Certificates for tests: authorities, servers, clients, made when they are asked for.

#![expect(clippy::expect_used, reason = "it is only for tests")]

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, date_time_ymd,
};

/// The years in which certificates are valid unless a test wants otherwise.
const YEARS: (i32, i32) = (2020, 2100);

/// A certificate with its private key.
#[derive(Clone)]
pub struct Certified {
    /// The certificate.
    pub pem: String,
    /// Its private key.
    pub key_pem: String,
    /// The certificate in DER.
    pub der: Vec<u8>,
}

impl Certified {
    fn new(certificate: &rcgen::Certificate, key: &KeyPair) -> Self {
        Self {
            pem: certificate.pem(),
            key_pem: key.serialize_pem(),
            der: certificate.der().to_vec(),
        }
    }

    /// Returns the certificate of this one with the key of another: somebody who copied it.
    #[must_use]
    pub fn with_key_of(&self, other: &Self) -> Self {
        Self {
            key_pem: other.key_pem.clone(),
            ..self.clone()
        }
    }
}

/// Somebody who signs certificates.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    /// Returns a new authority called `name`.
    ///
    /// # Panics
    ///
    /// If the certificate cannot be made; so do all others here.
    pub fn new(name: &str) -> Self {
        Self::in_years(name, YEARS)
    }

    /// Returns a new authority that is valid from the first to the second of `years`.
    ///
    /// # Panics
    ///
    /// If the certificate cannot be made.
    pub fn in_years(name: &str, years: (i32, i32)) -> Self {
        let mut params = params(name, &[], years);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let issuer = CertifiedIssuer::self_signed(params, key());
        Self(issuer.expect("an authority"))
    }

    /// Returns its certificate.
    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// Returns a server's certificate for `names`: names of the DNS, and addresses.
    pub fn server(&self, names: &[&str]) -> Certified {
        self.server_in(names, YEARS)
    }

    /// Returns a server's certificate that is valid from the first to the second of `years`.
    pub fn server_in(&self, names: &[&str], years: (i32, i32)) -> Certified {
        let mut params = params("system:node:test", names, years);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.sign(&params)
    }

    /// Returns the certificate of a client called `user`.
    pub fn client(&self, user: &str) -> Certified {
        self.client_in(user, YEARS)
    }

    /// Returns the certificate of a client that is valid from the first to the second of `years`.
    pub fn client_in(&self, user: &str, years: (i32, i32)) -> Certified {
        let mut params = params(user, &[], years);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.sign(&params)
    }

    /// Returns the certificate of a client called `user` in the group `group`.
    pub fn member(&self, user: &str, group: &str) -> Certified {
        let mut params = params(user, &[], YEARS);
        let name = &mut params.distinguished_name;
        name.push(DnType::OrganizationName, group);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.sign(&params)
    }

    fn sign(&self, params: &CertificateParams) -> Certified {
        let key = key();
        let certificate = params.signed_by(&key, &self.0);
        Certified::new(&certificate.expect("a certificate"), &key)
    }
}

/// Returns a server's certificate that nobody but itself signed.
///
/// # Panics
///
/// If it cannot be made.
pub fn self_signed(names: &[&str]) -> Certified {
    let mut params = params("node@0", names, YEARS);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let key = key();
    let certificate = params.self_signed(&key);
    Certified::new(&certificate.expect("a certificate"), &key)
}

fn params(name: &str, names: &[&str], (from, to): (i32, i32)) -> CertificateParams {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(names).expect("names of a certificate");
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(from, 1, 1);
    params.not_after = date_time_ymd(to, 1, 1);
    params
}

/// Returns a new key on P-256, as kubelets and kubeadm make them.
fn key() -> KeyPair {
    KeyPair::generate().expect("a key")
}
