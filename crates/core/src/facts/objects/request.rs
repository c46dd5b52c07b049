//! Whom a request for a certificate names: as much of PKCS #10 (RFC 2986, section 4) as that takes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const INTEGER: u8 = 0x02;
const IDENTIFIER: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
/// Kinds of strings whose bytes are UTF-8: `UTF8String`, `NumericString`, `PrintableString`, `IA5String`.
const TEXTS: [u8; 4] = [0x0c, 0x12, 0x13, 0x16];
/// 2.5.4.3 and 2.5.4.10 (RFC 5280, appendix A.1).
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const ORGANIZATION: &[u8] = &[0x55, 0x04, 0x0a];

/// The names that a request asks for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) common_name: Option<Box<str>>,
    pub(super) organisations: Vec<Box<str>>,
}

/// Reads `spec.request` of a `CertificateSigningRequest`: base64 of PEM. Nothing where it cannot be understood.
pub(super) fn named(request: &str) -> Option<Named> {
    let pem = STANDARD.decode(request).ok()?;
    let pem = std::str::from_utf8(&pem).ok()?;
    // `NEW CERTIFICATE REQUEST` is the older word for the same.
    let (_, rest) = pem.split_once("CERTIFICATE REQUEST-----")?;
    let (body, _) = rest.split_once("-----END")?;
    let body: String = body.split_ascii_whitespace().collect();
    let der = STANDARD.decode(body).ok()?;
    let (content, _) = expect(&der, SEQUENCE)?;
    let (information, _) = expect(content, SEQUENCE)?;
    let (_version, rest) = expect(information, INTEGER)?;
    let (mut name, _) = expect(rest, SEQUENCE)?;
    let mut named = Named::default();
    while !name.is_empty() {
        let (mut set, rest) = expect(name, SET)?;
        while !set.is_empty() {
            let (attribute, others) = expect(set, SEQUENCE)?;
            let (kind, value) = expect(attribute, IDENTIFIER)?;
            if kind == COMMON_NAME || kind == ORGANIZATION {
                let (tag, text, _) = element(value)?;
                let text = TEXTS.contains(&tag).then(|| std::str::from_utf8(text));
                let text = Box::from(text?.ok()?);
                if kind == ORGANIZATION {
                    named.organisations.push(text);
                } else {
                    // Go keeps the last one (crypto/x509/pkix, `FillFromRDNSequence`).
                    named.common_name = Some(text);
                }
            }
            set = others;
        }
        name = rest;
    }
    Some(named)
}

/// Returns the content of the next element, which has to be of one kind, and what follows it.
fn expect(der: &[u8], wanted: u8) -> Option<(&[u8], &[u8])> {
    let (tag, content, rest) = element(der)?;
    (tag == wanted).then_some((content, rest))
}

/// Returns the tag and content of the next element, and what follows it.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match *first {
        short @ 0..=0x7f => (usize::from(short), rest),
        long @ 0x81..=0x83 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(long & 0x7f))?;
            let length = bytes.iter().fold(0_usize, |length, byte| {
                length.wrapping_mul(256) + usize::from(*byte)
            });
            (length, rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}
