//! What names and addresses have to look like.

/// Returns whether a text is a subdomain as RFC 1123 has it, in lower case
/// (`k8s.io/apimachinery/pkg/util/validation.IsDNS1123Subdomain`).
pub(super) fn is_subdomain(text: &str) -> bool {
    let label = |label: &str| {
        let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let ends = label.bytes().next().zip(label.bytes().next_back());
        ends.is_some_and(|(first, last)| good(first) && good(last))
            && label.bytes().all(|byte| good(byte) || byte == b'-')
    };
    text.len() <= 253 && text.split('.').all(label)
}

/// Returns what is wrong with the address of an issuer of tokens, if anything is (`validateURL` in
/// `staging/src/k8s.io/apiserver/pkg/apis/apiserver/validation/validation.go`).
pub(super) fn issuer_fault(url: &str) -> Option<&'static str> {
    let (before, fragment) = url.split_once('#').unwrap_or((url, ""));
    let (before, query) = before.split_once('?').unwrap_or((before, ""));
    let (scheme, rest) = before.split_once(':').unwrap_or(("", before));
    let host = rest.strip_prefix("//").unwrap_or_default();
    let host = host.split('/').next().unwrap_or_default();
    if !scheme.eq_ignore_ascii_case("https") {
        Some("URL scheme must be https")
    } else if host.contains('@') {
        Some("URL must not contain a username or password")
    } else if !query.is_empty() {
        Some("URL must not contain a query")
    } else if !fragment.is_empty() {
        Some("URL must not contain a fragment")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::{is_subdomain, issuer_fault};

    #[test]
    fn names_are_those_of_rfc_1123() {
        for (name, good) in [
            ("rbac", true),
            ("a.b-c.9", true),
            ("", false),
            ("RBAC", false),
            ("-a", false),
            ("a-", false),
            ("a..b", false),
            ("a_b", false),
        ] {
            assert_eq!(is_subdomain(name), good, "{name}");
        }
        assert!(!is_subdomain(&"a".repeat(254)));
    }

    #[test]
    fn issuers_are_plain_addresses() {
        for (url, fault) in [
            ("https://issuer.example", ""),
            ("HTTPS://issuer.example/a:b@c", ""),
            ("http://issuer.example", "scheme"),
            ("issuer.example", "scheme"),
            ("https://a@issuer.example", "username"),
            ("https://issuer.example?a=b", "query"),
            ("https://issuer.example/#a", "fragment"),
        ] {
            let found = issuer_fault(url).unwrap_or_default();
            assert!(
                found.contains(fault) && found.is_empty() == fault.is_empty(),
                "{url}: {found}"
            );
        }
    }
}
