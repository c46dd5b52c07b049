//! Digests of what is shipped.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

/// Returns the SHA-256 of some bytes, in hexadecimal.
pub(super) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .fold(String::with_capacity(64), |mut hex, byte| {
            // Writing to a string cannot fail.
            let _: Result<(), std::fmt::Error> = write!(hex, "{byte:02x}");
            hex
        })
}

/// Returns `SHA256SUMS` of some files, as `sha256sum --check` reads it.
pub(super) fn sums<'a>(files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> String {
    let lines = files
        .into_iter()
        .map(|(name, bytes)| [&sha256(bytes), "  ", name, "\n"].concat());
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::{sha256, sums};

    #[test]
    fn digests_are_those_of_the_standard() {
        assert_eq!(
            sha256(b"abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn sums_have_one_line_for_a_file() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(
            sums([("a", &b""[..]), ("b.tar", b"")]),
            format!("{empty}  a\n{empty}  b.tar\n")
        );
    }
}
