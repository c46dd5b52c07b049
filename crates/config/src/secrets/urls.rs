//! Users and passwords in URLs.

use kubeassay_core::Bytes;

use super::{is_redacted, redacted};

/// Replaces the user and the password of each URL in the text.
pub(super) fn hide_passwords(text: &[u8]) -> Bytes {
    let mut kept = Vec::with_capacity(text.len());
    let mut at = 0;
    for (start, end) in passwords(text) {
        kept.extend_from_slice(text.get(at..start).unwrap_or_default());
        let secret = text.get(start..end).unwrap_or_default();
        kept.extend_from_slice(redacted(secret).as_bytes());
        at = end;
    }
    kept.extend_from_slice(text.get(at..).unwrap_or_default());
    Bytes::from(kept)
}

/// Returns where the users and passwords of URLs stand that are not hidden yet, in order.
pub(super) fn passwords(text: &[u8]) -> impl Iterator<Item = (usize, usize)> {
    let scheme = |(at, window): (usize, &[u8])| (window == b"://").then_some(at + 3);
    let starts = text.windows(3).enumerate().filter_map(scheme);
    starts.filter_map(|start| {
        let rest = text.get(start..)?;
        let authority = rest.split(|byte| *byte == b'/').next()?;
        let length = authority.iter().rposition(|byte| *byte == b'@')?;
        let secret = std::str::from_utf8(authority.get(..length)?);
        let is_hidden = secret.is_ok_and(is_redacted);
        (authority.contains(&b':') && !is_hidden).then_some((start, start + length))
    })
}

/// Returns whether a text is a URL with a user and a password, such as that of a proxy.
pub(super) fn has_password(text: &str) -> bool {
    let authority = text.split_once("://").map(|(_, rest)| rest);
    let authority = authority.and_then(|rest| rest.split(['/', '?', '#']).next());
    let user = authority.and_then(|authority| authority.rsplit_once('@'));
    user.is_some_and(|(user, _)| user.contains(':'))
}
