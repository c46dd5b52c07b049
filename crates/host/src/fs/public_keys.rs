//! The public keys of the certificates in a PEM file.
//!
//! A bundle of authorities holds certificates and nothing else. Where another block stands in it, a private key for one,
//! it is refused at that block's label, and not a byte of what the block holds is read. Go passes over such blocks, and
//! over what it does not take for a block (`AppendCertsFromPEM`, `pem.Decode`); here everything that is not plainly a list
//! of certificates is not understood, so that no key is named that the component does not trust.

use kubeassay_core::Cause;
use kubeassay_core::facts::Trouble;
use kubeassay_core::text::hexadecimal;
use sha2::{Digest as _, Sha256};

use super::certificate::{Next, Reader};
use super::der;
use super::read::steady;
use super::{Node, Opened, Status};

/// The most that is read of a bundle. The authorities of the whole web take a quarter of it.
const MOST: usize = 1 << 20;
/// How many certificates are read.
const MOST_CERTIFICATES: usize = 1000;

/// Public keys, and what their file was like before it was read.
pub(crate) struct PublicKeys {
    /// Hexadecimal SHA-256 of the `SubjectPublicKeyInfo` of each certificate, in their order.
    pub(crate) digests: Vec<String>,
    pub(crate) status: Status,
}

/// Reads the public keys of a regular file of certificates. `name` is how the file is spoken of.
pub(crate) fn all(node: &dyn Node, name: &str) -> Result<PublicKeys, Trouble> {
    let (digests, status) = steady(node, name, |opened, _| digests(opened, name))?;
    Ok(PublicKeys { digests, status })
}

fn digests(opened: &dyn Opened, name: &str) -> Result<Vec<String>, Trouble> {
    let mut reader = Reader::new(opened, name, MOST);
    let mut digests = Vec::new();
    loop {
        let first = digests.is_empty();
        match reader.next()? {
            Next::Block { before, body } => {
                // A block begins a line, and its lines are its own.
                let alone = (before.is_empty() && first || before.ends_with(b"\n"))
                    && (first || ends_line(&before))
                    && ends_line(&body)
                    && body.ends_with(b"\n");
                if !alone {
                    return Err(reader.not_understood(
                        "has a certificate that does not stand on lines of its own",
                    ));
                }
                if digests.len() >= MOST_CERTIFICATES {
                    return Err(Trouble {
                        cause: Cause::TooLarge,
                        reason: format!("{name} has more than {MOST_CERTIFICATES} certificates"),
                    });
                }
                let der = reader.decode(&body)?;
                let key = der::public_key_info(&der)
                    .ok_or_else(|| reader.not_understood("has a certificate that is none"))?;
                digests.push(hexadecimal(&Sha256::digest(key)));
            }
            Next::End { .. } if first => {
                return Err(reader.not_understood("holds no certificate"));
            }
            Next::End { rest } if rest.is_empty() || ends_line(&rest) || is_blank(&rest) => {
                return Ok(digests);
            }
            Next::End { .. } => {
                return Err(reader
                    .not_understood("has a certificate that does not stand on lines of its own"));
            }
        }
    }
}

/// Returns whether the line that `text` begins in ends with nothing more on it.
fn ends_line(text: &[u8]) -> bool {
    let line = text.iter().position(|byte| *byte == b'\n');
    line.and_then(|end| text.get(..end)).is_some_and(is_blank)
}

fn is_blank(text: &[u8]) -> bool {
    text.iter().all(u8::is_ascii_whitespace)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use kubeassay_core::Cause;
    use kubeassay_testkit::certificates::Authority;
    use proptest::prelude::*;
    use rustix::io::Errno;

    use super::{MOST, MOST_CERTIFICATES, Opened, Status, der, digests};

    /// Certificates of openssl 3.0: RSA, P-256, Ed25519, and one of version 1 with the key of the second.
    const AUTHORITIES: &str = include_str!("public_keys/authorities.pem");
    /// What `openssl x509 -pubkey | openssl pkey -pubin -outform der | sha256sum` says of them.
    const DIGESTS: [&str; 4] = [
        "e8d803f9c9d6bc29b4d34a59a34f4403a2563286d0fc631c969d4f4aea558e7d",
        "5d6cde8ecf8d38e837f371b7a01264c2fffdd197cfc78470ab4babb8278d67c4",
        "cdb77e36a3bab07d6a00d0c2787e51c11d9e7aaa648e40462318b3e54f7591db",
        "5d6cde8ecf8d38e837f371b7a01264c2fffdd197cfc78470ab4babb8278d67c4",
    ];
    const KEY: &str = "-----BEGIN EC PRIVATE KEY-----\nQ0FOQVJZ\n-----END EC PRIVATE KEY-----\n";

    /// A file that remembers how far it was read.
    struct Watched<'a>(&'a [u8], Cell<usize>);

    impl Opened for Watched<'_> {
        fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize, Errno> {
            let offset = usize::try_from(offset).unwrap();
            let rest = self.0.get(offset..).unwrap_or_default();
            let length = rest.len().min(buffer.len());
            buffer[..length].copy_from_slice(&rest[..length]);
            self.1.set(self.1.get().max(offset + buffer.len()));
            Ok(length)
        }

        fn status(&self) -> Result<Status, Errno> {
            Err(Errno::NOSYS)
        }
    }

    fn read(text: &str) -> (Result<Vec<String>, (Cause, String)>, usize) {
        let file = Watched(text.as_bytes(), Cell::new(0));
        let found = digests(&file, "ca.pem").map_err(|trouble| (trouble.cause, trouble.reason));
        (found, file.1.get())
    }

    /// Returns the certificates of the bundle one by one.
    fn certificates() -> Vec<&'static str> {
        let end = "-----END CERTIFICATE-----\n";
        AUTHORITIES.split_inclusive(end).collect()
    }

    #[test]
    fn keys_of_all_kinds_have_the_digests_that_openssl_gives_them() {
        let wanted: Vec<String> = DIGESTS.map(str::to_owned).to_vec();
        let certificates = certificates();
        assert_eq!(certificates.len(), DIGESTS.len());
        for bundle in [
            AUTHORITIES.to_owned(),
            AUTHORITIES.replace('\n', "\r\n"),
            AUTHORITIES.trim_end().to_owned(),
            certificates.join("\n# the next one\n\n"),
            format!("subject=CN = rsa-ca\n{AUTHORITIES}\n \n"),
        ] {
            assert_eq!(read(&bundle).0, Ok(wanted.clone()), "{bundle}");
        }
    }

    #[test]
    fn not_a_byte_of_a_key_is_read_and_nothing_is_kept_of_its_file() {
        let [first, ..] = certificates()[..] else {
            unreachable!()
        };
        for (before, behind) in [("", ""), (first, ""), (AUTHORITIES, first)] {
            let text = format!("{before}{KEY}{behind}");
            let (found, furthest) = read(&text);
            let (cause, reason) = found.unwrap_err();
            assert_eq!(cause, Cause::ParseError);
            assert!(
                reason.contains("a block that is no certificate"),
                "{reason}"
            );
            let label = before.len() + "-----BEGIN E".len();
            assert!(furthest <= label, "{furthest} of {label}");
        }
    }

    #[test]
    fn what_is_no_list_of_certificates_has_its_cause() {
        let first = certificates()[0];
        let many = first.repeat(MOST_CERTIFICATES + 1);
        let long = "x\n".repeat(MOST);
        let in_a_line = first.replace("-----BEGIN", "# -----BEGIN");
        let behind_it = first.replace("CERTIFICATE-----\n", "CERTIFICATE----- x\n");
        let headers = first.replacen("-----\n", "-----\nProc-Type: 4\n\n", 1);
        let cut = first.get(..400).unwrap();
        let empty = "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n";
        let none = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        for (text, cause, says) in [
            ("", Cause::ParseError, "holds no certificate"),
            ("hello\n", Cause::ParseError, "holds no certificate"),
            (cut, Cause::ParseError, "ends before"),
            (in_a_line.as_str(), Cause::ParseError, "lines of its own"),
            (behind_it.as_str(), Cause::ParseError, "lines of its own"),
            (headers.as_str(), Cause::ParseError, "no base64"),
            (empty, Cause::ParseError, "no base64"),
            (none, Cause::ParseError, "a certificate that is none"),
            (long.as_str(), Cause::TooLarge, "goes on behind"),
            (many.as_str(), Cause::TooLarge, ""),
        ] {
            let (found, furthest) = read(text);
            let (found, reason) = found.unwrap_err();
            assert_eq!(found, cause, "{reason}");
            assert!(
                reason.starts_with("ca.pem") && reason.contains(says),
                "{reason}"
            );
            assert!(furthest <= MOST);
        }
    }

    #[test]
    fn the_number_of_certificates_is_bounded() {
        let small = Authority::new("a").pem();
        let short = small.replace("\r\n", "\n");
        let most = MOST / short.len();
        let (found, _) = read(&short.repeat(most.min(MOST_CERTIFICATES)));
        assert_eq!(
            found.map(|keys| keys.len()),
            Ok(most.min(MOST_CERTIFICATES))
        );
        let (found, _) = read(&short.repeat(MOST_CERTIFICATES + 1));
        assert_eq!(found.unwrap_err().0, Cause::TooLarge);
    }

    #[test]
    fn what_stands_behind_a_certificate_makes_it_none() {
        let mut made = Authority::new("a").client("b").der;
        assert!(der::public_key_info(&made).is_some());
        made.push(0);
        assert_eq!(der::public_key_info(&made), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            der::public_key_info(&bytes);
        }

        #[test]
        fn a_bundle_with_other_bytes_in_it_is_read(at in 0_usize..4000, byte in 0_u8..0x80) {
            let mut text = AUTHORITIES.as_bytes().to_vec();
            if let Some(place) = text.get_mut(at) {
                *place = byte;
            }
            let text = String::from_utf8(text).unwrap();
            if let (Ok(found), _) = read(&text) {
                prop_assert!(found.len() <= DIGESTS.len());
            }
        }
    }
}
