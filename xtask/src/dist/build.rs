//! Builds the program: static, and with nothing in it that depends on where it was built.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use super::stamp::Stamp;
use super::toolchain::Toolchain;
use crate::crates::{BINARY, Id, Packages, Workspace};

/// The profile of `Cargo.toml` that is built.
const PROFILE: &str = "dist";

/// Settings of the environment that would make another program of the same sources.
const FOREIGN: [&str; 5] = [
    "RUSTFLAGS",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_BUILD_RUSTFLAGS",
    "CARGO_BUILD_INCREMENTAL",
    "CARGO_INCREMENTAL",
];
/// How the names of more of them start.
const FOREIGN_STARTS: [&str; 2] = ["CARGO_PROFILE_", "CARGO_TARGET_"];

/// A program as the linker left it.
pub(super) struct Built {
    /// The program, with its symbol table.
    pub(super) program: Vec<u8>,
    /// The crates that were compiled for the target.
    pub(super) crates: BTreeSet<Id>,
}

/// Where a program is built.
pub(super) struct Place {
    /// The sources.
    pub(super) workspace: Workspace,
    /// The folder for what cargo makes.
    pub(super) target_folder: PathBuf,
}

/// What one message of cargo says, as far as it is read.
#[derive(Deserialize)]
struct Message {
    /// What the message is about.
    reason: String,
    /// The crate that was compiled.
    package_id: Option<String>,
    /// The files that were made.
    #[serde(default)]
    filenames: Vec<PathBuf>,
    /// The program that was made.
    executable: Option<PathBuf>,
}

/// Builds the program.
pub(super) fn build(
    place: &Place,
    packages: &Packages,
    toolchain: &Toolchain,
    stamp: &Stamp,
) -> Result<Built> {
    let mut cargo = place.workspace.cargo();
    for (name, _) in std::env::vars_os() {
        let foreign = name.to_str().is_some_and(|name| {
            FOREIGN.contains(&name) || FOREIGN_STARTS.iter().any(|start| name.starts_with(start))
        });
        if foreign {
            cargo.env_remove(name);
        }
    }
    match &stamp.commit {
        Some(commit) => cargo.env("KUBEASSAY_COMMIT", commit),
        None => cargo.env_remove("KUBEASSAY_COMMIT"),
    };
    let done = cargo
        .env("SOURCE_DATE_EPOCH", stamp.time.to_string())
        .env("CARGO_ENCODED_RUSTFLAGS", flags(place, packages, toolchain))
        .args([
            "build",
            "--locked",
            "--package",
            BINARY,
            "--profile",
            PROFILE,
        ])
        .args(["--target", toolchain.target])
        .args([
            "--message-format",
            "json-render-diagnostics",
            "--target-dir",
        ])
        .arg(&place.target_folder)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("cannot run cargo")?;
    ensure!(done.status.success(), "cargo build failed: {}", done.status);
    let messages = String::from_utf8(done.stdout)?;
    built(
        &messages,
        &place.target_folder.join(toolchain.target),
        packages,
    )
}

/// Reads the messages of cargo: what was compiled for the target, and where the program is.
fn built(messages: &str, made_for_target: &Path, packages: &Packages) -> Result<Built> {
    let mut crates = BTreeSet::new();
    let mut program = None;
    for line in messages.lines() {
        let message: Message =
            serde_json::from_str(line).context("cannot read a message of cargo")?;
        let for_target = message
            .filenames
            .iter()
            .any(|file| file.starts_with(made_for_target));
        if message.reason != "compiler-artifact" || !for_target {
            continue;
        }
        let package_id = message
            .package_id
            .context("cargo compiled something nameless")?;
        let (id, _) = packages
            .iter()
            .find(|(_, package)| package.id == package_id)
            .with_context(|| format!("cargo metadata does not know {package_id}"))?;
        crates.insert(id.clone());
        program = program.or(message.executable);
    }
    let path = program.context("cargo says of no program that it was made")?;
    let program =
        std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(Built { program, crates })
}

/// Returns what rustc is told besides the profile, as `CARGO_ENCODED_RUSTFLAGS` has it.
fn flags(place: &Place, packages: &Packages, toolchain: &Toolchain) -> OsString {
    let mut flags: Vec<OsString> = [
        "-Ctarget-feature=+crt-static",
        // No identity of its own: SHA256SUMS tells the file, and the linker would count in what is stripped.
        "-Clink-arg=-Wl,--build-id=none",
        // Static programs still load anywhere, so pointers are corrected at start: 24 bytes each otherwise.
        "-Clink-arg=-Wl,-z,pack-relative-relocs",
    ]
    .map(OsString::from)
    .into();
    for (folder, name) in folders(place, packages, toolchain) {
        let mut flag = OsString::from("--remap-path-prefix=");
        flag.push(folder);
        flag.push("=");
        flag.push(name);
        flags.push(flag);
    }
    flags.join(&OsString::from("\u{1f}"))
}

/// Returns the folders of this machine that the compiler sees, each with the name it gets in the program.
///
/// The later one counts where two fit.
pub(super) fn folders(
    place: &Place,
    packages: &Packages,
    toolchain: &Toolchain,
) -> Vec<(PathBuf, String)> {
    let registries: BTreeSet<&Path> = packages
        .values()
        .filter(|package| package.source.is_some())
        .filter_map(|package| package.folder().parent())
        .collect();
    let std = format!("/rustc/{}", toolchain.rust_commit);
    let mut folders = vec![
        (place.workspace.folder.clone(), "/kubeassay".to_owned()),
        (toolchain.sysroot.join("lib/rustlib/src/rust"), std),
    ];
    folders.extend(
        registries
            .into_iter()
            .map(|folder| (folder.to_owned(), "/crates".to_owned())),
    );
    folders.push((place.target_folder.clone(), "/target".to_owned()));
    folders
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::json;

    use super::built;
    use crate::crates::{Id, Package, Packages};

    /// Returns crates `a` and `b` as cargo metadata has them.
    fn packages() -> Packages {
        ["a", "b"]
            .into_iter()
            .map(|name| {
                let package: Package = serde_json::from_value(json!({
                    "name": name, "version": "1.0.0", "id": format!("registry+x#{name}@1.0.0"),
                    "license": null, "description": null, "source": null,
                    "manifest_path": format!("/crates/{name}/Cargo.toml"), "targets": [],
                }))
                .unwrap();
                let id = Id {
                    name: name.to_owned(),
                    version: "1.0.0".to_owned(),
                };
                (id, package)
            })
            .collect()
    }

    #[test]
    fn crates_are_those_compiled_for_the_target() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("triple/dist/a");
        std::fs::create_dir_all(program.parent().unwrap()).unwrap();
        std::fs::write(&program, "program").unwrap();
        let messages = [
            json!({"reason": "build-script-executed", "package_id": "registry+x#b@1.0.0"}),
            json!({"reason": "compiler-artifact", "package_id": "registry+x#b@1.0.0",
                "filenames": [folder.path().join("dist/deps/libb.so")], "executable": null}),
            json!({"reason": "compiler-artifact", "package_id": "registry+x#a@1.0.0",
                "filenames": [&program], "executable": &program}),
            json!({"reason": "build-finished", "success": true}),
        ]
        .map(|message| message.to_string())
        .join("\n");
        let made_for_target = folder.path().join("triple");
        let built = built(&messages, &made_for_target, &packages()).unwrap();
        assert_eq!(built.program, b"program");
        let crates: Vec<String> = built.crates.iter().map(ToString::to_string).collect();
        assert_eq!(crates, ["a@1.0.0"]);
    }

    #[test]
    fn build_without_a_program_or_with_a_strange_crate_is_an_error() {
        let strange = json!({"reason": "compiler-artifact", "package_id": "c", "filenames": ["/t/libc.rlib"]});
        for messages in ["", "no JSON", &strange.to_string()] {
            assert!(
                built(messages, Path::new("/t"), &packages()).is_err(),
                "{messages}"
            );
        }
    }
}
