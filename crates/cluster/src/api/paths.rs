//! What may stand in the path and query of a request.

use std::fmt::Write as _;

/// Returns whether `name` is a DNS subdomain (RFC 1123), as Kubernetes asks of a node: it can stand in a path as it is.
pub(crate) fn is_subdomain(name: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    name.len() <= 253
        && name.split('.').all(|label| {
            !label.is_empty()
                && label.bytes().all(inner)
                && !label.starts_with('-')
                && !label.ends_with('-')
        })
}

/// Encodes what is not unreserved in a URL (RFC 3986, 2.1).
pub(super) fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let written = write!(encoded, "%{byte:02X}");
            debug_assert!(written.is_ok(), "writing to a string cannot fail");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::encode;

    #[test]
    fn a_selector_can_hold_anything() {
        assert_eq!(
            encode("a=b,c in (d,é)"),
            "a%3Db%2Cc%20in%20%28d%2C%C3%A9%29"
        );
        assert_eq!(encode("node-1.example_x~"), "node-1.example_x~");
    }
}
