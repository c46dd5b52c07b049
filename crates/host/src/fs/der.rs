//! As much of DER (X.690) as it takes to find the public key in a certificate (RFC 5280, 4.1).
//!
//! Every step goes forward in what was given, and nothing is built.

const INTEGER: u8 = 0x02;
const SEQUENCE: u8 = 0x30;
/// The version, tagged by its number.
const VERSION: u8 = 0xa0;

/// Returns the `SubjectPublicKeyInfo` of a certificate, tag and length included; nothing where `certificate` is none, or
/// something stands behind it, which Go refuses (`x509.ParseCertificate`).
pub(crate) fn public_key_info(certificate: &[u8]) -> Option<&[u8]> {
    let mut all = certificate;
    let mut whole = expect(&mut all, SEQUENCE)?;
    if !all.is_empty() {
        return None;
    }
    let mut fields = expect(&mut whole, SEQUENCE)?;
    if fields.first() == Some(&VERSION) {
        expect(&mut fields, VERSION)?;
    }
    expect(&mut fields, INTEGER)?;
    // The algorithm of the signature, the issuer, the validity, the subject.
    for _ in 0..4 {
        expect(&mut fields, SEQUENCE)?;
    }
    let before = fields;
    expect(&mut fields, SEQUENCE)?;
    before.get(..before.len() - fields.len())
}

/// Takes the next element of `rest`, which has to be of one kind, and returns its content.
fn expect<'a>(rest: &mut &'a [u8], wanted: u8) -> Option<&'a [u8]> {
    let (tag, behind) = rest.split_first()?;
    let (first, behind) = behind.split_first()?;
    let (length, behind) = match *first {
        short @ 0..=0x7f => (usize::from(short), behind),
        long @ 0x81..=0x83 => {
            let (bytes, behind) = behind.split_at_checked(usize::from(long & 0x7f))?;
            let length = bytes
                .iter()
                .fold(0, |length, byte| length << 8 | usize::from(*byte));
            // A length is as short as it can be.
            let shorter = bytes.first() == Some(&0) || length < 0x80;
            (!shorter).then_some((length, behind))?
        }
        _ => return None,
    };
    let (content, behind) = behind.split_at_checked(length)?;
    *rest = behind;
    (*tag == wanted).then_some(content)
}
