//! The sources of a crate, where cargo has unpacked them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::lexer::Words;
use crate::crates::Package;

/// Folders at the top of a crate that are not linked into what uses it.
const NOT_LINKED: [&str; 4] = ["benches", "examples", "fuzz", "tests"];

/// Returns the files of a crate that have the keyword `unsafe`, with how often.
///
/// Every Rust file counts, also what is compiled for another target or another feature: a crate is trusted as a whole,
/// and a module that lies elsewhere than its neighbours is not missed.
pub(super) fn unsafe_files(package: &Package) -> Result<BTreeMap<PathBuf, usize>> {
    unsafe_files_below(package.folder(), package.build_script())
}

/// Returns the files with the keyword below the folder of a crate, except the one that only builds it.
fn unsafe_files_below(top: &Path, build_script: Option<&Path>) -> Result<BTreeMap<PathBuf, usize>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![top.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries =
            fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
        for entry in entries {
            let entry = entry?;
            let path = entry.path();
            let kind = entry.file_type()?;
            let skipped = folder == top && NOT_LINKED.iter().any(|name| entry.file_name() == *name);
            if kind.is_dir() && !skipped {
                folders.push(path);
            } else if kind.is_file()
                && path.extension().is_some_and(|extension| extension == "rs")
                && Some(path.as_path()) != build_script
            {
                let bytes =
                    fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
                // Rust is UTF-8; a file that is not is no source.
                let text = String::from_utf8_lossy(&bytes);
                let count = Words::new(&text).filter(|word| *word == "unsafe").count();
                if count > 0 {
                    found.insert(path, count);
                }
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::unsafe_files_below;

    #[test]
    fn files_that_are_linked_are_counted() {
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path();
        for (path, text) in [
            ("build.rs", "unsafe {}"),
            ("src/lib.rs", "unsafe { unsafe {} } // unsafe"),
            ("src/tests/deep.rs", "unsafe fn f() {}"),
            ("src/safe.rs", "\"unsafe\""),
            ("src/notes.txt", "unsafe"),
            ("tests/it.rs", "unsafe {}"),
        ] {
            let path = top.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let found: Vec<(String, usize)> = unsafe_files_below(top, Some(&top.join("build.rs")))
            .unwrap()
            .into_iter()
            .map(|(path, count)| (path.strip_prefix(top).unwrap().display().to_string(), count))
            .collect();
        assert_eq!(
            found,
            [
                ("src/lib.rs".to_owned(), 2),
                ("src/tests/deep.rs".to_owned(), 1)
            ]
        );
    }
}
