//! As much of DER (X.690) as it takes to find in a certificate (RFC 5280, 4.1) whom it names, when it is valid and
//! whether it may sign others.
//!
//! Every step goes forward in what was given, and nothing is built but texts of the subject.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

const BOOLEAN: u8 = 0x01;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const IDENTIFIER: u8 = 0x06;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
/// The fields of a certificate that are tagged by their number: version and extensions.
const VERSION: u8 = 0xa0;
const EXTENSIONS: u8 = 0xa3;

/// Kinds of strings whose bytes are UTF-8: `UTF8String`, `NumericString`, `PrintableString`, `IA5String`.
const TEXTS: [u8; 4] = [0x0c, 0x12, 0x13, 0x16];

/// 2.5.4.3 and 2.5.4.10 (RFC 5280, appendix A.1).
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const ORGANIZATION: &[u8] = &[0x55, 0x04, 0x0a];
/// 2.5.29.19 and 2.5.29.15 (RFC 5280, 4.2.1).
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];
const KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x0f];
/// The bit of `KeyUsage` for signing certificates, in its first byte.
const KEY_CERT_SIGN: u8 = 0b0000_0100;

/// What a certificate says, as far as it is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Contents {
    /// The common names and the organizations of its subject, in order; `None` in the place of one that is no text.
    pub(super) common_names: Vec<Option<String>>,
    pub(super) organizations: Vec<Option<String>>,
    /// The first and the last second, since 1970.
    pub(super) valid: (i64, i64),
    /// Whether Go lets it sign others (`Certificate.CheckSignatureFrom` of crypto/x509).
    pub(super) may_sign: bool,
}

/// What is left to read.
#[derive(Clone, Copy)]
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    /// Takes the next element: its tag and its content.
    fn take(&mut self) -> Option<(u8, &'a [u8])> {
        let (tag, rest) = self.0.split_first()?;
        let (first, rest) = rest.split_first()?;
        // Tags of several bytes have no place in certificates.
        if tag & 0x1f == 0x1f {
            return None;
        }
        let (length, rest) = match *first {
            short @ 0..=0x7f => (usize::from(short), rest),
            long @ 0x81..=0x84 => {
                let (bytes, rest) = rest.split_at_checked(usize::from(long & 0x7f))?;
                let length = bytes.iter().try_fold(0_usize, |length, byte| {
                    length.checked_mul(256)?.checked_add(usize::from(*byte))
                })?;
                (length, rest)
            }
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((*tag, content))
    }

    /// Takes the next element, which has to be of one kind.
    fn expect(&mut self, wanted: u8) -> Option<&'a [u8]> {
        let (tag, content) = self.take()?;
        (tag == wanted).then_some(content)
    }

    /// Takes the next element if it is of one kind.
    fn optional(&mut self, wanted: u8) -> Option<&'a [u8]> {
        let mut ahead = *self;
        let content = ahead.expect(wanted)?;
        *self = ahead;
        Some(content)
    }
}

/// Reads a certificate; nothing where it is none that is understood.
pub(super) fn read(certificate: &[u8]) -> Option<Contents> {
    let mut whole = Der(Der(certificate).expect(SEQUENCE)?);
    let mut fields = Der(whole.expect(SEQUENCE)?);
    let version = match fields.optional(VERSION) {
        Some(version) => Der(version).expect(INTEGER)?.last().copied()?,
        None => 0,
    };
    fields.expect(INTEGER)?;
    fields.expect(SEQUENCE)?;
    fields.expect(SEQUENCE)?;
    let mut validity = Der(fields.expect(SEQUENCE)?);
    let valid = (time(validity.take()?)?, time(validity.take()?)?);
    let subject = fields.expect(SEQUENCE)?;
    fields.expect(SEQUENCE)?;
    let mut extensions = None;
    while let Some((tag, content)) = fields.take() {
        if tag == EXTENSIONS {
            extensions = Some(Der(content).expect(SEQUENCE)?);
        }
    }
    let mut contents = Contents {
        common_names: Vec::new(),
        organizations: Vec::new(),
        valid,
        may_sign: may_sign(version, extensions.unwrap_or_default())?,
    };
    name(subject, &mut contents)?;
    Some(contents)
}

/// Reads a `Name` (RFC 5280, 4.1.2.4).
fn name(name: &[u8], contents: &mut Contents) -> Option<()> {
    let mut name = Der(name);
    while !name.0.is_empty() {
        let mut parts = Der(name.expect(SET)?);
        while !parts.0.is_empty() {
            let mut part = Der(parts.expect(SEQUENCE)?);
            let kind = part.expect(IDENTIFIER)?;
            let (tag, value) = part.take()?;
            let list = match kind {
                COMMON_NAME => &mut contents.common_names,
                ORGANIZATION => &mut contents.organizations,
                _ => continue,
            };
            let text = std::str::from_utf8(value).ok();
            let text = text.filter(|_| TEXTS.contains(&tag));
            list.push(text.map(str::to_owned));
        }
    }
    Some(())
}

/// Returns whether a certificate of this version (0 is v1) may sign others by its extensions.
fn may_sign(version: u8, extensions: &[u8]) -> Option<bool> {
    let (mut authority, mut usage) = (version < 2, true);
    let mut extensions = Der(extensions);
    while !extensions.0.is_empty() {
        let mut extension = Der(extensions.expect(SEQUENCE)?);
        let kind = extension.expect(IDENTIFIER)?;
        extension.optional(BOOLEAN);
        let value = extension.expect(OCTET_STRING)?;
        match kind {
            BASIC_CONSTRAINTS => {
                let mut constraints = Der(Der(value).expect(SEQUENCE)?);
                let is_authority = constraints.optional(BOOLEAN);
                authority = is_authority.is_some_and(|value| value.first() == Some(&0xff));
            }
            KEY_USAGE => {
                let bits = Der(value).expect(BIT_STRING)?;
                let first = bits.get(1).copied().unwrap_or(0);
                // None at all counts as no restriction.
                usage = bits.iter().skip(1).all(|byte| *byte == 0) || first & KEY_CERT_SIGN != 0;
            }
            _ => {}
        }
    }
    Some(authority && usage)
}

/// Reads a `Time` (RFC 5280, 4.1.2.5).
fn time((tag, text): (u8, &[u8])) -> Option<i64> {
    let digits = text.strip_suffix(b"Z")?;
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let (year, rest) = digits.split_at_checked(match tag {
        UTC_TIME => 2,
        GENERALIZED_TIME => 4,
        _ => return None,
    })?;
    let year = match (tag, number(year)?) {
        (UTC_TIME, year @ 0..=49) => 2000 + year,
        (UTC_TIME, year) => 1900 + year,
        (_, year) => year,
    };
    let mut fields = rest
        .chunks(2)
        .map(|field| i8::try_from(number(field)?).ok());
    let mut field = || fields.next().flatten();
    let (month, day, hour, minute, second) = (field()?, field()?, field()?, field()?, field()?);
    if rest.len() != 10 {
        return None;
    }
    let at = DateTime::new(year, month, day, hour, minute, second, 0).ok()?;
    // The last day of the year 9999 stands for "never", and is later than any time here.
    let at = at.to_zoned(TimeZone::UTC);
    Some(at.map_or(i64::MAX, |at| at.timestamp().as_second()))
}

/// Reads at most four digits.
fn number(digits: &[u8]) -> Option<i16> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use kubeassay_testkit::certificates::Authority;
    use proptest::prelude::*;

    use super::{GENERALIZED_TIME, UTC_TIME, may_sign, read, time};

    #[test]
    fn times_are_read_in_both_forms_and_nothing_else_is() {
        for (tag, text, expected) in [
            (UTC_TIME, "700101000000Z", Some(0)),
            (UTC_TIME, "491231235959Z", Some(2_524_607_999)),
            (UTC_TIME, "500101000000Z", Some(-631_152_000)),
            (GENERALIZED_TIME, "20500101000000Z", Some(2_524_608_000)),
            (GENERALIZED_TIME, "99991231235959Z", Some(i64::MAX)),
            (UTC_TIME, "20500101000000Z", None),
            (GENERALIZED_TIME, "500101000000Z", None),
            (UTC_TIME, "7001010000Z", None),
            (UTC_TIME, "700101000000", None),
            (UTC_TIME, "701301000000Z", None),
            (UTC_TIME, "70010100000+Z", None),
            (0x13, "700101000000Z", None),
        ] {
            assert_eq!(time((tag, text.as_bytes())), expected, "{text}");
        }
    }

    #[test]
    fn who_may_sign_is_told_as_go_tells_it() {
        let constraints = |value: &[u8]| extension(&[0x55, 0x1d, 0x13], value);
        let usage = |byte: u8| extension(&[0x55, 0x1d, 0x0f], &[0x03, 2, 0, byte]);
        let (yes, no) = ([0x30, 3, 1, 1, 0xff], [0x30, 0]);
        for (version, extensions, expected) in [
            (0, vec![], true),
            (2, vec![], false),
            (2, constraints(&yes), true),
            (2, constraints(&no), false),
            (2, [constraints(&yes), usage(0b110)].concat(), true),
            (2, [constraints(&yes), usage(0x80)].concat(), false),
            (2, [constraints(&yes), usage(0)].concat(), true),
        ] {
            assert_eq!(
                may_sign(version, &extensions),
                Some(expected),
                "{extensions:?}"
            );
        }
    }

    /// Returns an extension that is no critical one.
    fn extension(kind: &[u8], value: &[u8]) -> Vec<u8> {
        let element = |tag: u8, content: &[u8]| {
            let length = u8::try_from(content.len()).unwrap();
            [&[tag, length], content].concat()
        };
        element(0x30, &[element(0x06, kind), element(0x04, value)].concat())
    }

    proptest! {
        #[test]
        fn nothing_that_is_read_ends_it(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            read(&bytes);
        }

        #[test]
        fn a_certificate_with_other_bytes_in_it_does_not_end_it(at in 0_usize..600, byte: u8, length in 0_usize..600) {
            let mut der = certificate().to_vec();
            prop_assert!(read(&der).is_some());
            if let Some(place) = der.get_mut(at) {
                *place = byte;
            }
            der.truncate(length);
            read(&der);
        }
    }

    /// Returns one certificate: it takes a while to make it.
    fn certificate() -> &'static [u8] {
        static MADE: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
        MADE.get_or_init(|| Authority::new("ca").member("somebody", "group").der)
    }
}
