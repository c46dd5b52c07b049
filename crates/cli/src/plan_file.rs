//! Plans in files: a plan that root applies must have been written by nobody but root.
//!
//! The path is walked folder by folder on open descriptors, symbolic links followed, so that what was checked is what is
//! read: every folder on the way, every link and the file itself belong to root, and nobody else may write them. A folder
//! that all may write, and in which only owners replace their files (`/tmp`, and the volume of a Secret), is let through.

use std::ffi::{OsStr, OsString};
use std::io::Read as _;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};
use kubeassay_core::plan::{Plan, SCHEMA};
use rustix::fs::{FileType, Mode, OFlags, RawMode, Stat};
use rustix::io::Errno;

/// Larger plans are not read: a plan holds the lines that change, not the files.
const LARGEST: u64 = 16 << 20;

/// As many symbolic links as the kernel follows in one path.
const MOST_LINKS: usize = 40;

/// What nobody but the owner has: the right to write.
const WRITABLE_BY_OTHERS: RawMode = 0o022;

/// The bit of a folder in which only the owner of a file replaces it.
const STICKY: RawMode = 0o1000;

/// Whose files are trusted.
const ROOT: u32 = 0;

/// Reads a plan that root is to apply.
///
/// # Errors
///
/// Where anyone but root could have written it, or it is no plan.
pub(crate) fn read_trusted(path: &Path) -> anyhow::Result<Plan> {
    let shown = path.display();
    let file = open_trusted(path).with_context(|| format!("the plan {shown} is not taken"))?;
    let content = content(std::fs::File::from(file), path)?;
    parse(&content, path)
}

/// Reads a plan that is only carried elsewhere, where it is looked at more closely.
///
/// # Errors
///
/// Where it cannot be read, or is no plan.
#[expect(
    clippy::disallowed_methods,
    reason = "a plan is the user's own file, not a host's"
)]
pub(crate) fn read(path: &Path) -> anyhow::Result<Plan> {
    let shown = path.display();
    let is_file = std::fs::metadata(path).map(|metadata| metadata.is_file());
    if !is_file.with_context(|| format!("cannot read {shown}"))? {
        bail!("{shown} is not a regular file");
    }
    let file = std::fs::File::open(path).with_context(|| format!("cannot read {shown}"))?;
    parse(&content(file, path)?, path)
}

fn content(file: std::fs::File, path: &Path) -> anyhow::Result<Vec<u8>> {
    let shown = path.display();
    let mut content = Vec::new();
    file.take(LARGEST + 1)
        .read_to_end(&mut content)
        .with_context(|| format!("cannot read {shown}"))?;
    if u64::try_from(content.len()).is_ok_and(|length| length > LARGEST) {
        bail!("{shown} is larger than a plan is ({} MiB)", LARGEST >> 20);
    }
    Ok(content)
}

/// The first thing looked at, so that a newer plan is told from a broken one.
#[derive(serde::Deserialize)]
struct Head {
    schema: Option<String>,
}

fn parse(content: &[u8], path: &Path) -> anyhow::Result<Plan> {
    let shown = path.display();
    let head: Head = serde_json::from_slice(content)
        .with_context(|| format!("{shown} is not a JSON document, or not all of it is there"))?;
    match head.schema.as_deref() {
        Some(SCHEMA) => {
            serde_json::from_slice(content).with_context(|| format!("{shown} is not a plan"))
        }
        Some(other) if other.starts_with("kubeassay.plan/") => bail!(
            "{shown} has the schema {other:?}, and this kubeassay applies {SCHEMA}; use the version that made it, or make the plan again"
        ),
        Some(other) => bail!(
            "{shown} has the schema {other:?}, not {SCHEMA}; kubeassay fix --output-file makes plans"
        ),
        None => bail!("{shown} has no schema; kubeassay fix --output-file makes plans"),
    }
}

/// A folder on the way, open.
struct Folder {
    fd: OwnedFd,
    path: PathBuf,
}

impl Folder {
    /// Returns the folder, if nobody but root can change which file a name in it means.
    fn checked(fd: OwnedFd, path: PathBuf) -> anyhow::Result<Self> {
        let found = rustix::fs::fstat(&fd)?;
        let shown = path.display();
        if found.st_uid != ROOT {
            bail!(
                "its folder {shown} belongs to user {}, who could put another plan there; move it to a folder of root's, such as /root",
                found.st_uid
            );
        }
        let mode = found.st_mode & 0o7777;
        if mode & WRITABLE_BY_OTHERS != 0 && mode & STICKY == 0 {
            bail!(
                "its folder {shown} may be written by others (mode {mode:04o}), who could put another plan there; move it to a folder of root's, such as /root"
            );
        }
        Ok(Self { fd, path })
    }

    /// Looks up `name`, without following it.
    fn find(&self, name: &OsStr) -> Result<(OwnedFd, Stat), Errno> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(&self.fd, name, flags, Mode::empty())?;
        let found = rustix::fs::fstat(&fd)?;
        Ok((fd, found))
    }
}

fn open_trusted(path: &Path) -> anyhow::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root = || -> anyhow::Result<Folder> {
        let fd = rustix::fs::open("/", flags, Mode::empty())?;
        Folder::checked(fd, PathBuf::from("/"))
    };
    let mut folders = vec![root()?];
    let mut names = names(path)?;
    let mut links = 0;
    while let Some(name) = names.pop() {
        if name == ".." {
            if folders.len() > 1 {
                folders.pop();
            }
            continue;
        }
        let folder = folders.last().context("there is no folder")?;
        let place = folder.path.join(&name);
        let shown = place.display();
        let (fd, found) = folder
            .find(&name)
            .with_context(|| format!("cannot look up {shown}"))?;
        match FileType::from_raw_mode(found.st_mode) {
            FileType::Directory => folders.push(Folder::checked(fd, place)?),
            FileType::Symlink => {
                links += 1;
                if links > MOST_LINKS {
                    bail!("{shown}: too many symbolic links");
                }
                if found.st_uid != ROOT {
                    bail!(
                        "the symbolic link {shown} belongs to user {}, not to root",
                        found.st_uid
                    );
                }
                let target = rustix::fs::readlinkat(fd.as_fd(), "", Vec::new())
                    .with_context(|| format!("cannot read the symbolic link {shown}"))?;
                let target = PathBuf::from(OsStr::from_bytes(target.as_bytes()));
                if target.is_absolute() {
                    folders = vec![root()?];
                }
                names.extend(components(&target));
            }
            FileType::RegularFile if names.is_empty() => return opened(folder, &name, &found),
            FileType::RegularFile => bail!("{shown} is not a folder"),
            _ => bail!("{shown} is not a regular file"),
        }
    }
    bail!("{} is a folder", path.display())
}

/// Returns the names on the way from the root folder, the first one last.
fn names(path: &Path) -> anyhow::Result<Vec<OsString>> {
    let mut names = components(path);
    if path.is_relative() {
        let here = rustix::process::getcwd(Vec::new()).context("where this is")?;
        names.extend(components(Path::new(OsStr::from_bytes(here.as_bytes()))));
    }
    Ok(names)
}

fn components(path: &Path) -> Vec<OsString> {
    let parts = path.components().rev();
    parts
        .filter_map(|part| match part {
            Component::Normal(name) => Some(name.to_owned()),
            Component::ParentDir => Some(OsString::from("..")),
            Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
        })
        .collect()
}

/// Opens the file that was found.
fn opened(folder: &Folder, name: &OsStr, found: &Stat) -> anyhow::Result<OwnedFd> {
    if found.st_uid != ROOT {
        bail!(
            "it belongs to user {}, and a plan that root applies must be root's; read it, then: chown root",
            found.st_uid
        );
    }
    let mode = found.st_mode & 0o7777;
    if mode & WRITABLE_BY_OTHERS != 0 {
        bail!("it may be written by others (mode {mode:04o}); read it, then: chmod go-w");
    }
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let fd = rustix::fs::openat(&folder.fd, name, flags, Mode::empty())?;
    let again = rustix::fs::fstat(&fd)?;
    if (again.st_dev, again.st_ino) != (found.st_dev, found.st_ino) {
        return Err(anyhow!("it was replaced while it was looked at"));
    }
    Ok(fd)
}
