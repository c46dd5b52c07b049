//! Every input that was kept runs through its target: the corpora, and what once made one fail.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "reads the inputs that lie in the repository"
)]

use std::collections::BTreeSet;
use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use kubeassay_fuzzing::TARGETS;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz")
        .join(name)
}

/// Returns the names in a folder; none where there is no folder.
fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

fn target_names() -> BTreeSet<String> {
    TARGETS
        .iter()
        .map(|target| target.name.to_owned())
        .collect()
}

#[test]
fn every_target_has_its_file_and_its_corpus() {
    let files: BTreeSet<String> = TARGETS
        .iter()
        .map(|target| format!("{}.rs", target.name))
        .collect();
    assert_eq!(names(&folder("fuzz_targets")), files);
    let manifest = fs::read_to_string(folder("Cargo.toml")).unwrap();
    for target in TARGETS {
        assert!(
            manifest.contains(&format!("name = \"{}\"", target.name)),
            "{}",
            target.name
        );
        assert!(
            !names(&folder("corpus").join(target.name)).is_empty(),
            "{} has no corpus",
            target.name
        );
    }
    assert_eq!(
        names(&folder("corpus")),
        target_names(),
        "a corpus without a target"
    );
    let strays: Vec<String> = names(&folder("regressions"))
        .difference(&target_names())
        .cloned()
        .collect();
    assert!(strays.is_empty(), "inputs without a target: {strays:?}");
    let dictionaries = names(&folder("dictionaries"));
    let strays: Vec<&String> = dictionaries
        .iter()
        .filter(|name| {
            !name
                .strip_suffix(".dict")
                .is_some_and(|stem| target_names().contains(stem))
        })
        .collect();
    assert!(
        strays.is_empty(),
        "dictionaries without a target: {strays:?}"
    );
}

#[test]
fn every_property_holds_for_every_input_that_was_kept() {
    let mut failed = Vec::new();
    for target in TARGETS {
        for kind in ["corpus", "regressions"] {
            let inputs = folder(kind).join(target.name);
            for name in names(&inputs) {
                let input = fs::read(inputs.join(&name)).unwrap();
                if catch_unwind(|| (target.run)(&input)).is_err() {
                    failed.push(format!("fuzz/{kind}/{}/{name}", target.name));
                }
            }
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
