//! Where a result is: the file and line that a person opens, and the setting's own name.

use std::borrow::Cow;

use kubeassay_core::report::{Evidence, Finding};
use kubeassay_core::{Bytes, Origin, OriginKind, text};

use super::document::{
    ArtifactLocation, Location, LogicalLocation, Message, PhysicalLocation, Region,
};
use crate::describe::{describe_origin, describe_overridden};

/// What paths of a node are relative to. Which node it is stands in the logical location.
pub(super) const NODE: &str = "NODE";
/// What names of objects are relative to.
pub(super) const API: &str = "API";

/// A result has no more related locations: code scanning shows a hundred.
const MAX_RELATED: usize = 50;

/// Returns the place that has to be changed, as far as it is known; then what else was read, and what was overridden.
pub(super) fn of(finding: &Finding, node: &str) -> (Location, Vec<Location>) {
    let first = finding
        .evidence
        .iter()
        .position(|evidence| evidence.origin.path.is_some() && evidence.origin.line.is_some())
        .or_else(|| {
            let mut evidence = finding.evidence.iter();
            evidence.position(|one| one.origin.path.is_some() || one.file.is_some())
        })
        .unwrap_or(0);
    let place = |evidence: Option<&Evidence>| Location {
        id: None,
        physical: Some(physical(finding, evidence)),
        logical: vec![logical(finding, evidence, node)],
        message: evidence.map(|evidence| Message::of(&describe_origin(&evidence.origin))),
    };
    let primary = place(finding.evidence.get(first));
    let mut related = Vec::new();
    for (index, evidence) in finding.evidence.iter().enumerate() {
        if index != first {
            related.push(place(Some(evidence)));
        }
        for overridden in &evidence.overrode {
            let path = overridden.origin.path.as_ref();
            related.push(Location {
                id: None,
                physical: path.map(|path| in_file(path, &overridden.origin)),
                logical: vec![logical(finding, Some(evidence), node)],
                message: Some(Message::of(&describe_overridden(overridden))),
            });
        }
    }
    related.truncate(MAX_RELATED);
    for (location, id) in related.iter_mut().zip(1..) {
        location.id = Some(id);
    }
    (primary, related)
}

fn physical(finding: &Finding, evidence: Option<&Evidence>) -> PhysicalLocation {
    if let Some(evidence) = evidence {
        if let Some(path) = &evidence.origin.path {
            return in_file(path, &evidence.origin);
        }
        if let Some(path) = &evidence.file {
            return in_file(path, &evidence.origin);
        }
    }
    let of_evidence = evidence.and_then(|evidence| evidence.object.as_deref());
    let region = evidence.map_or_else(Region::whole, |evidence| region(&evidence.origin));
    if let Some(object) = of_evidence.or(finding.subject.object.as_deref()) {
        let name = object.replacen(' ', "/", 1);
        return artifact(&relative(name.as_bytes()), API, region);
    }
    // An argument or a default stands in no file: what runs with it is named in its place, since code scanning shows
    // nothing that has no file.
    let exe = finding.subject.exe.as_ref().map(Bytes::as_slice);
    let program = exe.unwrap_or(finding.subject.component.as_bytes());
    artifact(&relative(program), NODE, Region::whole())
}

fn in_file(path: &Bytes, origin: &Origin) -> PhysicalLocation {
    artifact(&relative(path.as_slice()), NODE, region(origin))
}

fn artifact(uri: &str, base: &'static str, region: Region) -> PhysicalLocation {
    // A relative reference must not be empty: code scanning would have no file.
    let uri = if uri.is_empty() { "unnamed" } else { uri };
    PhysicalLocation {
        artifact_location: ArtifactLocation {
            uri: uri.to_owned(),
            uri_base_id: base,
        },
        region,
    }
}

fn region(origin: &Origin) -> Region {
    let Some(line) = origin.line.filter(|line| *line > 0) else {
        return Region::whole();
    };
    let column = origin.column.filter(|column| *column > 0);
    let start = column.unwrap_or(1);
    let in_file = !matches!(origin.kind, OriginKind::Flag);
    let line_text = origin.text.as_ref().filter(|_| in_file);
    Region {
        start_line: line,
        start_column: start,
        end_line: line,
        end_column: start.saturating_add(u32::from(column.is_some())),
        snippet: line_text.map(|text| Message::of(&text.to_string())),
    }
}

fn logical(finding: &Finding, evidence: Option<&Evidence>, node: &str) -> LogicalLocation {
    let setting = evidence.and_then(|evidence| evidence.setting.as_deref());
    let object = finding.subject.object.as_deref();
    let (name, kind) = match (setting, object) {
        (Some(setting), _) => (setting, "setting"),
        (None, Some(object)) => (object, "object"),
        (None, None) => (finding.subject.component.as_str(), "component"),
    };
    let name = text::escape(name);
    let subject = text::escape(&finding.subject.key);
    LogicalLocation {
        fully_qualified_name: format!("{node}::{subject}::{name}"),
        name,
        kind,
    }
}

/// Returns the path as a relative reference (RFC 3986): what is not a letter, a digit or one of `-._~` between slashes
/// is percent-encoded byte by byte, so that nothing is lost and nothing is taken for a scheme, a host or a query.
fn relative(path: &[u8]) -> String {
    let mut segments: Vec<Cow<'_, str>> = Vec::new();
    for segment in path.split(|byte| *byte == b'/') {
        match segment {
            b"" | b"." => {}
            b".." => {
                segments.pop();
            }
            segment => segments.push(encoded(segment)),
        }
    }
    segments.join("/")
}

fn encoded(segment: &[u8]) -> Cow<'_, str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    match std::str::from_utf8(segment) {
        Ok(segment) if segment.bytes().all(plain) => Cow::Borrowed(segment),
        _ => {
            let mut encoded = String::with_capacity(segment.len() * 3);
            for byte in segment {
                if plain(*byte) {
                    encoded.push(char::from(*byte));
                } else {
                    encoded.push('%');
                    encoded.push_str(&text::hexadecimal(&[*byte]).to_ascii_uppercase());
                }
            }
            Cow::Owned(encoded)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_relative_references_that_lose_nothing() {
        for (path, uri) in [
            (
                &b"/var/lib/kubelet/config.yaml"[..],
                "var/lib/kubelet/config.yaml",
            ),
            (b"//host/../etc/./a b#?%.yaml", "etc/a%20b%23%3F%25.yaml"),
            (b"/../../src/main.rs", "src/main.rs"),
            (b"javascript:alert(1)", "javascript%3Aalert%281%29"),
            ("/größe/\u{202e}".as_bytes(), "gr%C3%B6%C3%9Fe/%E2%80%AE"),
            (b"/\xff\n", "%FF%0A"),
            (b"/", ""),
        ] {
            assert_eq!(relative(path), uri);
        }
    }
}
