//! The databases of dpkg and apk.

use kubeassay_host::packages::{
    DpkgLayout, PackageVersion, apk_owner, apk_versions, dpkg_owns, dpkg_versions, upstream_version,
};

use crate::input::Parts;

const NAMES: [&str; 2] = ["kubelet", "kubernetes-node"];

/// Reads the first part as a database; the second is a path.
pub(crate) fn run(data: &[u8]) {
    let mut parts = Parts::new(data);
    let database = parts.next();
    let path = parts.next();
    let strict = dpkg_versions(database, DpkgLayout::Status, &NAMES);
    let lenient = dpkg_versions(database, DpkgLayout::StatusDirectory, &NAMES);
    for found in &strict {
        stands(database, found, b"Version:");
        assert!(
            lenient.contains(found),
            "what says that it is installed is installed: {found:?}"
        );
    }
    for found in &lenient {
        stands(database, found, b"Version:");
    }
    for found in apk_versions(database, &NAMES) {
        stands(database, &found, b"V:");
    }
    if let Some(owner) = apk_owner(database, path) {
        stands(database, &owner, b"V:");
        let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        let listed = database
            .split(|byte| *byte == b'\n')
            .any(|line| line.strip_prefix(b"R:") == Some(name));
        assert!(listed, "owns a file that it does not list: {owner:?}");
    }
    let line = database
        .split(|byte| *byte == b'\n')
        .any(|line| line == path);
    assert_eq!(dpkg_owns(database, path), line && !path.is_empty());
    upstream(&String::from_utf8_lossy(path));
}

/// Asserts that the line that is told holds the version, and that it is of a package that was asked for.
fn stands(database: &[u8], found: &PackageVersion, field: &[u8]) {
    let line = database
        .split(|byte| *byte == b'\n')
        .nth(found.line as usize - 1);
    let line = line.unwrap_or_else(|| panic!("on no line: {found:?}"));
    let same_case = line
        .get(..field.len())
        .is_some_and(|head| head.eq_ignore_ascii_case(field));
    assert!(
        same_case,
        "{found:?} is on another line: {:?}",
        String::from_utf8_lossy(line)
    );
    assert!(
        line[field.len()..].trim_ascii() == found.version.as_bytes()
            || line[field.len()..] == *found.version.as_bytes(),
        "{found:?}"
    );
    upstream(&found.version);
}

/// Asserts that an upstream version is `MAJOR.MINOR.PATCH`, stands in what it was read from, and is that of itself.
fn upstream(version: &str) {
    let Some(upstream) = upstream_version(version) else {
        return;
    };
    assert!(version.contains(&upstream), "{upstream} of {version}");
    let parts: Vec<&str> = upstream.split('.').collect();
    assert!(
        parts.len() == 3 && parts.iter().all(|part| part.parse::<u32>().is_ok()),
        "{upstream}"
    );
    assert_eq!(upstream_version(&upstream).as_deref(), Some(&*upstream));
    assert_eq!(
        upstream_version(&format!("1:{upstream}-1.1")).as_deref(),
        Some(&*upstream)
    );
}
