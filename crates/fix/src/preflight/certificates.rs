//! The certificates of a PEM file, byte by byte: what follows a certificate may be its key, and is not asked for.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Where any block begins.
const BEGIN: &[u8] = b"-----BEGIN ";
/// What follows where the block is a certificate.
const LABEL: &[u8] = b"CERTIFICATE-----";
/// Where the certificate ends.
const END: &[u8] = b"-----END CERTIFICATE-----";

/// Gives the next byte of a file; nothing at its end. The error is a part of a sentence about the file.
pub(super) trait Source {
    fn next(&mut self) -> Result<Option<u8>, String>;
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Certificates {
    /// The certificates (DER), in order.
    pub found: Vec<Vec<u8>>,
    /// Something else than a certificate follows, and nothing of it was read.
    pub stopped: bool,
}

/// Reads certificates until there are `most` of them, the file ends, or something else begins.
pub(super) fn read(source: &mut dyn Source, most: usize) -> Result<Certificates, String> {
    let mut certificates = Certificates::default();
    while certificates.found.len() < most {
        let Some(_between) = up_to(source, BEGIN)? else {
            return Ok(certificates);
        };
        for wanted in LABEL {
            if source.next()? != Some(*wanted) {
                certificates.stopped = true;
                return Ok(certificates);
            }
        }
        let Some(mut text) = up_to(source, END)? else {
            return Err("ends in the middle of a certificate".to_owned());
        };
        text.retain(|byte| !byte.is_ascii_whitespace());
        match STANDARD.decode(&text) {
            Ok(der) if !der.is_empty() => certificates.found.push(der),
            _ => return Err("has a certificate that is no base64".to_owned()),
        }
    }
    Ok(certificates)
}

/// Reads up to the end of `mark`, and returns what stands before it; nothing if the file ends first.
fn up_to(source: &mut dyn Source, mark: &[u8]) -> Result<Option<Vec<u8>>, String> {
    let mut text = Vec::new();
    while let Some(byte) = source.next()? {
        text.push(byte);
        if text.ends_with(mark) {
            text.truncate(text.len() - mark.len());
            return Ok(Some(text));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::{Certificates, Source, read};

    const KEY: &str = "-----BEGIN EC PRIVATE KEY-----\nQ0FOQVJZ\n-----END EC PRIVATE KEY-----\n";

    struct Text<'a>(&'a [u8], usize);

    impl Source for Text<'_> {
        fn next(&mut self) -> Result<Option<u8>, String> {
            let byte = self.0.get(self.1).copied();
            self.1 += usize::from(byte.is_some());
            Ok(byte)
        }
    }

    fn pem(der: &[u8]) -> String {
        let text = STANDARD.encode(der);
        format!("-----BEGIN CERTIFICATE-----\r\n{text}\r\n-----END CERTIFICATE-----")
    }

    #[test]
    fn nothing_behind_what_is_wanted_is_asked_for() {
        let (one, two) = (pem(b"one"), pem(b"two"));
        for (text, most, found, stopped, furthest) in [
            (format!("{one}\n{KEY}"), 1, vec!["one"], false, one.len()),
            (format!("{one}\n{two}\n"), 1, vec!["one"], false, one.len()),
            (
                format!("{one}\n{two}\n"),
                9,
                vec!["one", "two"],
                false,
                one.len() + two.len() + 2,
            ),
            (
                format!("{one}\n{KEY}{two}"),
                9,
                vec!["one"],
                true,
                one.len() + "\n-----BEGIN E".len(),
            ),
            (format!("{KEY}{one}"), 9, vec![], true, "-----BEGIN E".len()),
            (
                format!("subject=x\n{one}"),
                9,
                vec!["one"],
                false,
                10 + one.len(),
            ),
            (String::new(), 9, vec![], false, 0),
        ] {
            let mut source = Text(text.as_bytes(), 0);
            let expected = Certificates {
                found: found.iter().map(|der| der.as_bytes().to_vec()).collect(),
                stopped,
            };
            assert_eq!(read(&mut source, most), Ok(expected), "{text}");
            assert_eq!(source.1, furthest, "{text}");
        }
    }

    #[test]
    fn what_is_cut_or_no_base64_is_no_certificate() {
        let whole = pem(b"one");
        for text in [
            &whole[..whole.len() - 1],
            "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----",
        ] {
            assert!(read(&mut Text(text.as_bytes(), 0), 1).is_err(), "{text}");
        }
    }
}
