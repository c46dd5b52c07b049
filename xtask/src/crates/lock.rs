//! The checksums of `Cargo.lock`.
//!
//! cargo writes that file, always in the same shape, so it is read line by line and everything else is an error.

use std::collections::BTreeMap;

use anyhow::{Result, bail};

use super::Id;

/// Returns the SHA-256 of every crate that comes from a registry, from the text of `Cargo.lock`.
pub(crate) fn checksums(text: &str) -> Result<BTreeMap<Id, String>> {
    let mut checksums = BTreeMap::new();
    for block in text.split("[[package]]").skip(1) {
        let (mut name, mut version, mut checksum) = (None, None, None);
        for line in block.lines() {
            let Some((key, value)) = line.split_once(" = ") else {
                continue;
            };
            let slot = match key {
                "name" => &mut name,
                "version" => &mut version,
                "checksum" => &mut checksum,
                _ => continue,
            };
            *slot = value
                .strip_prefix('"')
                .and_then(|value| value.strip_suffix('"'));
        }
        let (Some(name), Some(version)) = (name, version) else {
            bail!("Cargo.lock has a package without a name or a version:{block}");
        };
        let Some(checksum) = checksum else {
            continue;
        };
        if checksum.len() != 64 || !checksum.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            bail!("the checksum of {name} {version} in Cargo.lock is not a SHA-256");
        }
        let id = Id {
            name: name.to_owned(),
            version: version.to_owned(),
        };
        checksums.insert(id, checksum.to_owned());
    }
    Ok(checksums)
}

#[cfg(test)]
mod tests {
    use super::checksums;

    #[test]
    fn checksums_are_those_of_crates_from_a_registry() {
        let sum = "0".repeat(64);
        let text = format!(
            "version = 4\n\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\n\
             source = \"registry+https://github.com/rust-lang/crates.io-index\"\n\
             checksum = \"{sum}\"\ndependencies = [\n \"b\",\n]\n\n\
             [[package]]\nname = \"b\"\nversion = \"0.1.0\"\n"
        );
        let found: Vec<String> = checksums(&text)
            .unwrap()
            .into_iter()
            .map(|(id, sum)| format!("{id} {sum}"))
            .collect();
        assert_eq!(found, [format!("a@1.0.0 {sum}")]);
    }

    #[test]
    fn lock_that_cannot_be_understood_is_an_error() {
        for block in [
            "name = \"a\"",
            "version = \"1\"",
            "name = a\nversion = \"1\"",
            "name = \"a\"\nversion = \"1\"\nchecksum = \"12\"",
        ] {
            assert!(
                checksums(&format!("[[package]]\n{block}\n")).is_err(),
                "{block}"
            );
        }
    }
}
