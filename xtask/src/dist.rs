//! `cargo xtask dist`: everything that a release consists of, into `target/dist`.
//!
//! The program is one static file. It is looked at before it is stripped and fails the chore where it could load code
//! of the host or wait for a connection; then image, bill of materials and checksums are made from it. All of it is
//! the same, byte for byte, wherever and whenever it is made from one commit with one toolchain: `--check` shows that
//! by making everything twice, side by side.

mod build;
mod digest;
mod elf;
mod inspect;
mod oci;
mod sbom;
mod stamp;
mod strip;
mod tar;
#[cfg(test)]
mod testing;
mod toolchain;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::thread;

use anyhow::{Context as _, Result, bail, ensure};

use crate::crates::{BINARY, Follow, Tree, Workspace, checksums, output, packages};
use crate::generate::root;
use build::{Built, Place, build, folders};
use digest::{sha256, sums};
use elf::Elf;
use oci::Image;
use sbom::Sbom;
use stamp::Stamp;
use strip::strip;
use tar::Tar;
use toolchain::Toolchain;

/// The program must be smaller: it is copied to every node.
const LIMIT: usize = 20 << 20;
/// The folder of a release, from the root of the workspace.
const FOLDER: &str = "target/dist";
/// The program.
const PROGRAM: &str = "kubeassay";

/// A file of a release: name, contents.
type Output = (&'static str, Vec<u8>);

/// Makes a release.
pub(crate) fn make() -> Result<ExitCode> {
    let outputs = release(&here(), &Toolchain::ask()?, &stamp()?)?;
    write(&outputs)?;
    Ok(ExitCode::SUCCESS)
}

/// Makes a release and returns its program: what is shipped is what is measured.
pub(crate) fn program() -> Result<PathBuf> {
    make()?;
    Ok(root().join(FOLDER).join(PROGRAM))
}

/// Makes a release, and once more from a copy of the sources in another folder; compares the two.
pub(crate) fn check() -> Result<ExitCode> {
    let (toolchain, stamp) = (Toolchain::ask()?, stamp()?);
    let (here, folder) = (here(), tempfile::tempdir());
    let folder = folder.context("cannot make a folder for the second build")?;
    let target_folder = root().join("target/dist-again");
    if target_folder.exists() {
        fs::remove_dir_all(&target_folder)
            .with_context(|| format!("cannot remove {}", target_folder.display()))?;
    }
    let elsewhere = Place {
        workspace: copy(folder.path())?,
        target_folder,
    };
    println!("once more in {}", elsewhere.workspace.folder.display());
    // Both have the same crates unpacked, each behind a lock of its own: nothing may be left to unpack.
    packages(&here.workspace, &[toolchain.target])?;
    // Most of a build is the linker's work on one core, so two side by side cost little more time than one.
    let (once, again) = thread::scope(|scope| {
        let again = scope.spawn(|| release(&elsewhere, &toolchain, &stamp));
        let once = release(&here, &toolchain, &stamp);
        let again = again.join();
        let again = again.unwrap_or_else(|_| bail!("the second build ended with a panic"));
        (once, again)
    });
    let (once, again) = (once?, again?);
    write(&once)?;

    let mut same = true;
    for ((name, first), (_, second)) in once.iter().zip(&again) {
        if first == second {
            println!("same       {name}");
        } else {
            same = false;
            let at = first.iter().zip(second).take_while(|(a, b)| a == b).count();
            println!("different  {name}, from byte {at}");
        }
    }
    Ok(if same {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Returns the place of the usual build: this folder, and a target folder that other builds leave alone.
fn here() -> Place {
    Place {
        workspace: Workspace::here(),
        target_folder: root().join("target/dist-build"),
    }
}

/// Returns the stamp of this folder, and says where it names no commit.
fn stamp() -> Result<Stamp> {
    let stamp = Stamp::ask()?;
    if stamp.commit.is_none() {
        println!("there are changes that no commit has: the release names none");
    }
    Ok(stamp)
}

/// Makes the files of a release.
fn release(place: &Place, toolchain: &Toolchain, stamp: &Stamp) -> Result<Vec<Output>> {
    let workspace = &place.workspace;
    let packages = packages(workspace, &[toolchain.target])?;
    let tree = Tree::ask(workspace, toolchain.target, Follow::Linked)?;
    let lock = workspace.folder.join("Cargo.lock");
    let lock =
        fs::read_to_string(&lock).with_context(|| format!("cannot read {}", lock.display()))?;
    let package = packages
        .get(&tree.root)
        .with_context(|| format!("cargo metadata does not know {BINARY}"))?;

    let built = build(place, &packages, toolchain, stamp)?;
    compare(&tree, &built)?;
    let hidden: Vec<String> = folders(place, &packages, toolchain)
        .into_iter()
        .map(|(folder, _)| folder.display().to_string())
        .collect();
    let program = inspected(&built.program, &hidden)?;
    let list = Sbom {
        tree: &tree,
        packages: &packages,
        checksums: &checksums(&lock)?,
        program: &program,
        created: &stamp.created,
        toolchain,
    };
    let list = list.json()?;
    let image = Image {
        program: &program,
        processor: toolchain.processor,
        time: stamp.time,
        created: &stamp.created,
        version: &tree.root.version,
        commit: stamp.commit.as_deref(),
        licence: package.license.as_deref().unwrap_or_default(),
        description: package.description.as_deref().unwrap_or_default(),
    };
    let image = image.archive()?;
    let pages = pages(&program, stamp.time)?;
    let mut outputs = vec![
        (PROGRAM, program),
        ("kubeassay.cdx.json", list.into_bytes()),
        ("kubeassay.oci.tar", image),
        ("kubeassay.man.tar", pages),
    ];
    let sums = sums(
        outputs
            .iter()
            .map(|(name, bytes)| (*name, bytes.as_slice())),
    );
    outputs.push(("SHA256SUMS", sums.into_bytes()));
    Ok(outputs)
}

/// Returns an archive with the pages of the manual, which the program itself writes.
fn pages(program: &[u8], time: u64) -> Result<Vec<u8>> {
    let folder = tempfile::tempdir().context("cannot make a folder for the manual")?;
    let (path, man1) = (folder.path().join(PROGRAM), folder.path().join("man1"));
    fs::write(&path, program).context("cannot write the program")?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755))
        .context("cannot make the program executable")?;
    fs::create_dir(&man1).context("cannot make the folder of the manual")?;
    output(Command::new(&path).args(["man", "--folder"]).arg(&man1))?;
    let mut names: Vec<String> = fs::read_dir(&man1)?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<Result<_>>()?;
    names.sort();
    let mut archive = Tar::new(time);
    archive.folder("man1")?;
    for name in names {
        let page = fs::read(man1.join(&name)).with_context(|| format!("cannot read {name}"))?;
        archive.file(&format!("man1/{name}"), 0o644, &page)?;
    }
    Ok(archive.finish())
}

/// Fails where another set of crates was compiled than the bill of materials is made from.
fn compare(tree: &Tree, built: &Built) -> Result<()> {
    let listed = tree.dependencies.keys().collect();
    let compiled: BTreeSet<_> = built.crates.iter().collect();
    if let Some(id) = compiled.symmetric_difference(&listed).next() {
        bail!("cargo tree and cargo build disagree whether {id} is linked");
    }
    Ok(())
}

/// Looks at a program as the linker left it, and returns it stripped.
fn inspected(program: &[u8], hidden: &[String]) -> Result<Vec<u8>> {
    let elf = Elf::parse(program)?;
    inspect::symbols(&elf)?;
    inspect::segments(&elf)?;
    let program = strip(&elf)?;
    inspect::segments(&Elf::parse(&program)?)?;
    inspect::folders(&program, hidden)?;
    ensure!(
        program.len() < LIMIT,
        "the program has {} bytes; it must have fewer than {LIMIT}",
        program.len()
    );
    Ok(program)
}

/// Writes a release, prints what it consists of, and starts the program once.
fn write(outputs: &[Output]) -> Result<()> {
    let folder = root().join(FOLDER);
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    for (name, bytes) in outputs {
        let path = folder.join(name);
        fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
        println!("{:>9}  {}  {FOLDER}/{name}", bytes.len(), sha256(bytes));
    }
    let program = folder.join(PROGRAM);
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755))
        .with_context(|| format!("cannot make {} executable", program.display()))?;
    // A glibc before 2.36 does not know relocations as they are packed, and would crash here.
    print!("{}", output(Command::new(&program).arg("version"))?);
    Ok(())
}

/// Copies the workspace into a folder, with a cargo home of its own that has the same crates unpacked.
fn copy(folder: &Path) -> Result<Workspace> {
    // A name with a blank and of another length, so that nothing depends on either.
    let workspace = Workspace {
        folder: folder.join("a copy of the sources"),
        cargo_home: Some(folder.join("cargo")),
    };
    for file in stamp::files()? {
        let (from, to) = (root().join(&file), workspace.folder.join(&file));
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent)
                .with_context(|| format!("cannot create {}", parent.display()))?;
        }
        // What git knows and is deleted here is no part of this build either.
        if from.is_file() {
            fs::copy(&from, &to).with_context(|| format!("cannot copy {file}"))?;
        }
    }
    let home = cargo_home()?;
    fs::create_dir_all(folder.join("cargo")).context("cannot create a cargo home")?;
    for name in ["registry", "config.toml"] {
        if home.join(name).exists() {
            symlink(home.join(name), folder.join("cargo").join(name))
                .with_context(|| format!("cannot link {name} of the cargo home"))?;
        }
    }
    Ok(workspace)
}

/// Returns the user's cargo home.
fn cargo_home() -> Result<PathBuf> {
    let home = std::env::var_os("CARGO_HOME").filter(|home| !home.is_empty());
    match (home, std::env::var_os("HOME")) {
        (Some(home), _) => Ok(home.into()),
        (None, Some(home)) => Ok(Path::new(&home).join(".cargo")),
        (None, None) => bail!("neither CARGO_HOME nor HOME is set"),
    }
}

#[cfg(test)]
mod tests {
    use super::testing::{program, program_of};
    use super::{LIMIT, inspected};

    #[test]
    fn program_is_stripped_only_after_it_was_looked_at() {
        let good = inspected(&program(&[("main", true)]), &[]).unwrap();
        assert!(!good.windows(5).any(|window| window == b"main\0"));
        let fault = inspected(&program(&[("getpwnam_r", true)]), &[]).unwrap_err();
        assert!(fault.to_string().contains("getpwnam_r"), "{fault}");
        // What was stripped before cannot be looked at.
        let fault = inspected(&good, &[]).unwrap_err();
        assert_eq!(fault.to_string(), "there is no symbol table");
    }

    #[test]
    fn program_that_is_too_large_is_refused() {
        let fault = inspected(&program_of(&vec![0; LIMIT], &[]), &[]).unwrap_err();
        assert!(
            fault
                .to_string()
                .contains("it must have fewer than 20971520"),
            "{fault}"
        );
    }

    #[test]
    fn folder_counts_where_it_is_shipped_and_not_where_it_is_stripped() {
        let hidden = ["where it was built".to_owned()];
        inspected(&program(&[]), &hidden).unwrap();
        assert!(inspected(&program_of(hidden[0].as_bytes(), &[]), &hidden).is_err());
    }
}
