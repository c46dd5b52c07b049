//! The first certificate of a PEM file, with a search in the whole text for a second opinion.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kubeassay_host::fuzzing::first_certificate;

/// The most that is read of such a file.
const MOST: usize = 64 << 10;

/// Reads an input as a file that gives all of it, seven bytes or one byte at once.
pub(crate) fn run(data: &[u8]) {
    let (read, furthest) = first_certificate(data, usize::MAX);
    for most in [1, 7] {
        let (again, further) = first_certificate(data, most);
        assert_eq!(again, read, "short reads make a difference");
        assert!(further <= furthest.max(data.len() + 64), "{further}");
    }
    assert!(furthest <= MOST, "{furthest} bytes were asked for");
    let (der, end) = by_search(data);
    if let Ok(read) = &read {
        assert_eq!(Some(read), der.as_ref());
        assert!(furthest <= end, "read behind the certificate");
    } else if end <= MOST {
        assert_eq!(der, None, "not read: {read:?}");
    }
    if let Err(trouble) = read {
        crate::secret_words::not_in(&trouble.reason, data);
    }
}

/// Returns the certificate, and where it ends.
fn by_search(data: &[u8]) -> (Option<Vec<u8>>, usize) {
    let begin = b"-----BEGIN ";
    let Some(at) = find(data, begin) else {
        return (None, data.len());
    };
    let rest = &data[at + begin.len()..];
    let Some(rest) = rest.strip_prefix(b"CERTIFICATE-----") else {
        return (None, data.len());
    };
    let Some(length) = find(rest, b"-----END CERTIFICATE-----") else {
        return (None, data.len());
    };
    let text: Vec<u8> = rest[..length]
        .iter()
        .copied()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    let end = data.len() - rest.len() + length + b"-----END CERTIFICATE-----".len();
    let der = STANDARD.decode(text).ok().filter(|der| !der.is_empty());
    (der, end)
}

fn find(data: &[u8], wanted: &[u8]) -> Option<usize> {
    data.windows(wanted.len()).position(|part| part == wanted)
}
