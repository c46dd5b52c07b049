//! Paths as Go's `path/filepath` treats them on Linux: bytes, lexically.

use kubeassay_core::Bytes;

/// Returns `path` made absolute against `base`, as it is (the kernel resolves it); `None` where it is
/// relative and the base is not known.
pub fn absolute(path: &Bytes, base: Option<&Bytes>) -> Option<Bytes> {
    if path.as_slice().starts_with(b"/") {
        return Some(path.clone());
    }
    let base = base?.as_slice();
    let separator: &[u8] = if base.ends_with(b"/") { b"" } else { b"/" };
    Some(Bytes::from([base, separator, path.as_slice()].concat()))
}

/// Returns the shortest lexical equal of a path (`filepath.Clean`).
pub fn clean(path: &Bytes) -> Bytes {
    if is_clean(path.as_slice()) {
        return path.clone();
    }
    let rooted = path.as_slice().starts_with(b"/");
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in path.as_slice().split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." if parts.last().is_some_and(|last| *last != b"..") => {
                parts.pop();
            }
            b".." if rooted => {}
            _ => parts.push(part),
        }
    }
    let joined = parts.join(&b'/');
    Bytes::from(match (rooted, joined.is_empty()) {
        (true, _) => [b"/", joined.as_slice()].concat(),
        (false, true) => b".".to_vec(),
        (false, false) => joined,
    })
}

/// Returns whether an absolute path is its own shortest equal, as most are.
fn is_clean(path: &[u8]) -> bool {
    let below = path.strip_prefix(b"/");
    let is_name = |part: &[u8]| !matches!(part, b"" | b"." | b"..");
    below.is_some_and(|below| below.split(|byte| *byte == b'/').all(is_name))
}

/// Returns `directory` joined with `name`, cleaned (`filepath.Join`).
pub fn join(directory: &Bytes, name: &Bytes) -> Bytes {
    if directory.is_empty() {
        return clean(name);
    }
    clean(&Bytes::from(
        [directory.as_slice(), b"/", name.as_slice()].concat(),
    ))
}

/// Returns the folder a path lies in (`filepath.Dir`).
pub fn parent(path: &Bytes) -> Bytes {
    let end = path
        .as_slice()
        .iter()
        .rposition(|byte| *byte == b'/')
        .map_or(0, |at| at + 1);
    clean(&Bytes::from(path.as_slice().get(..end).unwrap_or_default()))
}

/// Returns whether a cleaned path is `folder` or lies below it.
pub fn is_below(path: &Bytes, folder: &Bytes) -> bool {
    let rest = path.as_slice().strip_prefix(folder.as_slice());
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
}

/// Returns the last component of a path.
pub fn name(path: &Bytes) -> &[u8] {
    path.as_slice()
        .rsplit(|byte| *byte == b'/')
        .find(|part| !part.is_empty())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use kubeassay_core::Bytes;

    use super::{absolute, clean, join, name, parent};

    #[test]
    fn paths_are_cleaned_as_go_cleans_them() {
        for (path, cleaned) in [
            ("/a/b/../c", "/a/c"),
            ("/../a//b/./", "/a/b"),
            ("a/../..", ".."),
            ("", "."),
            ("/", "/"),
            ("./x", "x"),
        ] {
            assert_eq!(clean(&Bytes::from(path)), cleaned, "{path}");
        }
        assert_eq!(join(&Bytes::from("/etc/k"), &Bytes::from("../x")), "/etc/x");
        assert_eq!(parent(&Bytes::from("/etc/k/c.yaml")), "/etc/k");
        assert_eq!(parent(&Bytes::from("c.yaml")), ".");
        assert_eq!(name(&Bytes::from("/etc/link.d/")), b"link.d");
        assert_eq!(
            absolute(&Bytes::from("x"), Some(&Bytes::from("/"))).unwrap(),
            "/x"
        );
        assert_eq!(absolute(&Bytes::from("x"), None), None);
    }
}
