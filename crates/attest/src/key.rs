//! Ed25519 keys as `openssl genpkey -algorithm ed25519` and `openssl pkey -pubout` write them.

use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::hex;
use crate::pem::{self, Block};

/// Larger files are no Ed25519 keys, in bytes.
pub const MAX_KEY: usize = 16 << 10;

/// What stands before the 32 bytes of an Ed25519 key in a `SubjectPublicKeyInfo` (RFC 8410, section 4).
const SPKI: [u8; 12] = [
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
];

/// Bytes of an Ed25519 public key.
const LENGTH: usize = 32;

/// Why a key cannot be used. Says nothing of what is in the file but its label.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum KeyError {
    /// There is no whole PEM block in it.
    #[error("holds no PEM block; `openssl genpkey -algorithm ed25519` makes a key")]
    NotPem,
    /// It needs a passphrase, which nobody could be asked for.
    #[error(
        "is encrypted; take the passphrase off into a file that only its owner can read: (umask 077; openssl pkey -in KEY -out PLAIN)"
    )]
    Encrypted,
    /// A public key where a private one is needed.
    #[error("holds a public key; signing takes the private one (PKCS#8)")]
    PublicToSign,
    /// A private key where a public one is needed.
    #[error(
        "holds a private key, which belongs with whoever signs; verifying takes the public one: openssl pkey -in KEY -pubout -out PUB.pem"
    )]
    PrivateToVerify,
    /// Something else in PEM.
    #[error("holds {0:?} and not {1:?}")]
    Label(String, &'static str),
    /// Which of them is meant is not told.
    #[error("holds {0} PEM blocks; one key belongs in one file")]
    Several(usize),
    /// A public key that signatures of anybody fit.
    #[error(
        "holds a key of which anybody can forge signatures, such as one of zeros; ask for the right one"
    )]
    Weak,
    /// A key of another kind.
    #[error("holds no Ed25519 key; `openssl genpkey -algorithm ed25519` makes one")]
    Algorithm,
}

/// The public keys, in all their forms, that are points of a small order: what they verify, anybody can sign. The bit of
/// the sign, the highest of all, is 0 here. (Solved from RFC 8032's curve; their orders are 4, 1, 8, 8, 2, and 4 and 1 once
/// more, with the prime added.)
const WEAK: [[u8; LENGTH]; 7] = [
    [0; LENGTH],
    ends(1, 0, 0),
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98,
        0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53,
        0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67,
        0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac,
        0x03, 0x7a,
    ],
    ends(0xec, 0xff, 0x7f),
    ends(0xed, 0xff, 0x7f),
    ends(0xee, 0xff, 0x7f),
];

/// Returns a number whose bytes are `between` but for the first and the last.
const fn ends(first: u8, between: u8, last: u8) -> [u8; LENGTH] {
    let mut bytes = [between; LENGTH];
    let [head, .., tail] = &mut bytes;
    *head = first;
    *tail = last;
    bytes
}

/// Returns the one block of a file with a key.
fn only(text: &[u8]) -> Result<Block, KeyError> {
    match pem::count(text) {
        0 | 1 => pem::first(text).ok_or(KeyError::NotPem),
        several => Err(KeyError::Several(several)),
    }
}

const PRIVATE: &str = "PRIVATE KEY";
const PUBLIC: &str = "PUBLIC KEY";

/// A key that signs.
pub struct SigningKey(Ed25519KeyPair);

/// Shows who could verify, and nothing of the key.
impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("SigningKey")
            .field(&self.verifying().id())
            .finish()
    }
}

impl SigningKey {
    /// Reads a private key: PKCS#8 in PEM.
    ///
    /// # Errors
    ///
    /// Where it is none of Ed25519.
    pub fn from_pem(text: &[u8]) -> Result<Self, KeyError> {
        let Block { label, der } = only(text)?;
        match label.as_str() {
            PRIVATE => {}
            "ENCRYPTED PRIVATE KEY" => return Err(KeyError::Encrypted),
            PUBLIC => return Err(KeyError::PublicToSign),
            _ => return Err(KeyError::Label(label, PRIVATE)),
        }
        // OpenSSL writes version 1, without the public key; ring derives it.
        Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der)
            .map(Self)
            .map_err(|_| KeyError::Algorithm)
    }

    /// Signs a message: 64 bytes (RFC 8032), the same for the same message.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.0.sign(message).as_ref().to_vec()
    }

    /// Returns the key that verifies what this one signs.
    pub fn verifying(&self) -> VerifyingKey {
        VerifyingKey(self.0.public_key().as_ref().to_vec())
    }
}

/// A key that verifies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyingKey(Vec<u8>);

impl VerifyingKey {
    /// Reads a public key: a `SubjectPublicKeyInfo` in PEM.
    ///
    /// # Errors
    ///
    /// Where it is none of Ed25519.
    pub fn from_pem(text: &[u8]) -> Result<Self, KeyError> {
        let Block { label, der } = only(text)?;
        if label.ends_with(PRIVATE) {
            return Err(KeyError::PrivateToVerify);
        }
        if label != PUBLIC {
            return Err(KeyError::Label(label, PUBLIC));
        }
        let key = der.strip_prefix(&SPKI).ok_or(KeyError::Algorithm)?;
        let key: [u8; LENGTH] = key.try_into().map_err(|_| KeyError::Algorithm)?;
        let mut unsigned = key;
        if let Some(last) = unsigned.last_mut() {
            *last &= 0x7f;
        }
        if WEAK.contains(&unsigned) {
            return Err(KeyError::Weak);
        }
        Ok(Self(key.to_vec()))
    }

    /// Returns whether `signature` is this key's for `message`.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let key = UnparsedPublicKey::new(&ED25519, &self.0);
        key.verify(message, signature).is_ok()
    }

    /// Returns what the key is called in envelopes: the SHA-256 of its `SubjectPublicKeyInfo` (DER), in hexadecimal digits.
    /// `openssl pkey -pubin -in PUB.pem -outform DER | sha256sum` shows the same.
    pub fn id(&self) -> String {
        let digest = Sha256::new().chain_update(SPKI).chain_update(&self.0);
        hex(&digest.finalize())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Section 10 of RFC 8410.
    const SECRET: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";
    const OPEN: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";

    #[test]
    fn keys_of_the_standard_belong_together() {
        let secret = SigningKey::from_pem(SECRET.as_bytes()).unwrap();
        let open = VerifyingKey::from_pem(OPEN.as_bytes()).unwrap();
        assert_eq!(secret.verifying(), open);
        let signature = secret.sign(b"message");
        assert!(open.verifies(b"message", &signature));
        assert!(!open.verifies(b"messagf", &signature));
        assert!(!open.verifies(b"message", &signature[1..]));
        assert!(!format!("{secret:?}").contains("Tuctv5"), "{secret:?}");
        // With carriage returns and something above it, as mail programs leave them.
        let mailed = format!("hello\r\n{}", OPEN.replace('\n', "\r\n"));
        assert_eq!(VerifyingKey::from_pem(mailed.as_bytes()).unwrap(), open);
    }

    /// Two files that look like keys and belong to nobody: with them the signature beside is good for every fourth message
    /// or so, whoever wrote it.
    #[test]
    fn keys_that_fit_signatures_of_anybody_are_refused() {
        use base64::Engine as _;
        let pem = |key: &[u8]| {
            let der = base64::engine::general_purpose::STANDARD.encode([&SPKI, key].concat());
            format!("-----BEGIN PUBLIC KEY-----\n{der}\n-----END PUBLIC KEY-----\n")
        };
        for key in WEAK {
            let mut mirrored = key;
            mirrored[31] |= 0x80;
            for key in [key, mirrored] {
                let read = VerifyingKey::from_pem(pem(&key).as_bytes());
                assert_eq!(read.unwrap_err(), KeyError::Weak, "{key:02x?}");
            }
        }
        // Why: R = the neutral element and S = 0 sign for the key that is the neutral element.
        let neutral = WEAK[1];
        let forged = [neutral, [0; LENGTH]].concat();
        assert!(VerifyingKey(neutral.to_vec()).verifies(b"anything", &forged));
    }

    #[test]
    fn what_is_no_such_key_is_refused_with_the_mend_and_without_its_bytes() {
        let labelled = |label: &str| {
            format!(
                "-----BEGIN {label}-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5\n-----END {label}-----\n"
            )
        };
        let as_private = |text: &str| SigningKey::from_pem(text.as_bytes()).unwrap_err();
        let as_public = |text: &str| VerifyingKey::from_pem(text.as_bytes()).unwrap_err();
        assert_eq!(as_private(OPEN), KeyError::PublicToSign);
        assert_eq!(as_public(SECRET), KeyError::PrivateToVerify);
        assert_eq!(
            as_private(&labelled("ENCRYPTED PRIVATE KEY")),
            KeyError::Encrypted
        );
        assert_eq!(
            as_public(&labelled("RSA PRIVATE KEY")),
            KeyError::PrivateToVerify
        );
        assert_eq!(as_private(&labelled("PRIVATE KEY")), KeyError::Algorithm);
        assert_eq!(as_public(&labelled("PUBLIC KEY")), KeyError::Algorithm);
        assert_eq!(
            as_public(&labelled("CERTIFICATE")),
            KeyError::Label("CERTIFICATE".to_owned(), PUBLIC)
        );
        for text in [
            "",
            "ssh-ed25519 AAAA",
            &SECRET[..60],
            "-----BEGIN PRIVATE KEY-----\n!\n-----END PRIVATE KEY-----",
        ] {
            assert_eq!(as_private(text), KeyError::NotPem, "{text}");
            assert_eq!(as_public(text), KeyError::NotPem, "{text}");
        }
        assert_eq!(as_private(&SECRET.repeat(2)), KeyError::Several(2));
        assert_eq!(as_public(&format!("{OPEN}{SECRET}")), KeyError::Several(2));
        for error in [as_private(&labelled("PRIVATE KEY")), as_public(SECRET)] {
            assert!(!error.to_string().contains("MC4C"), "{error}");
        }
    }
}
