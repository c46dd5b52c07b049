//! Folders and files below the root of the host.
//!
//! A folder is opened once and everything in it is named relative to it, so that a renamed parent changes nothing. No
//! symbolic link leads out of the root.

use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use kubeassay_core::Bytes;
use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, RenameFlags, ResolveFlags, Stat};
use rustix::io::Errno;

use super::failpoint::{Step, call};
use super::id;

/// The largest file that is written, kept or put back.
pub(super) const LARGEST_FILE: usize = 16 << 20;

/// How a folder is opened: to be read and synced, not only found.
const FOLDER: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::CLOEXEC);

/// How often a search is begun again that a renamed folder interrupted.
const SEARCHES: usize = 32;

/// The root of the host.
#[derive(Debug)]
pub(super) struct Root {
    descriptor: OwnedFd,
    /// Whether it is the root of this process: then links lead nowhere else.
    is_own: bool,
    /// Whether the kernel resolves within a root (Linux 5.6; a seccomp filter may forbid it).
    openat2: bool,
}

impl Root {
    pub(super) fn open(path: &Path) -> Result<Self, Errno> {
        let descriptor = rustix::fs::openat(CWD, path, FOLDER, Mode::empty())?;
        let within = ResolveFlags::IN_ROOT;
        let openat2 = rustix::fs::openat2(&descriptor, ".", FOLDER, Mode::empty(), within).is_ok();
        Ok(Self {
            descriptor,
            is_own: path == Path::new("/"),
            openat2,
        })
    }

    /// Returns the root as a kernel without `openat2` makes us search in it.
    #[cfg(test)]
    pub(super) fn without_openat2(mut self) -> Self {
        self.openat2 = false;
        self
    }

    /// Opens a folder of the host.
    ///
    /// A link on the way is followed within the root. Where the kernel cannot do that and the root is not our own, a link
    /// on the way is an error (`ELOOP` or `ENOTDIR`).
    pub(super) fn folder(&self, path: &[u8]) -> Result<Folder, Errno> {
        let relative = path.strip_prefix(b"/").unwrap_or(path);
        let relative = if relative.is_empty() {
            &b"."[..]
        } else {
            relative
        };
        let descriptor = if self.openat2 {
            self.search(relative)?
        } else if self.is_own {
            rustix::fs::openat(&self.descriptor, relative, FOLDER, Mode::empty())?
        } else {
            let mut at = rustix::fs::openat(&self.descriptor, ".", FOLDER, Mode::empty())?;
            for part in relative
                .split(|byte| *byte == b'/')
                .filter(|part| !part.is_empty())
            {
                if part == b".." {
                    return Err(Errno::LOOP);
                }
                at = rustix::fs::openat(&at, part, FOLDER | OFlags::NOFOLLOW, Mode::empty())?;
            }
            at
        };
        Ok(Folder {
            descriptor,
            path: Bytes::from(path),
        })
    }

    fn search(&self, path: &[u8]) -> Result<OwnedFd, Errno> {
        let within = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        for _ in 0..SEARCHES {
            match rustix::fs::openat2(&self.descriptor, path, FOLDER, Mode::empty(), within) {
                Err(Errno::AGAIN | Errno::INTR) => {}
                found => return found,
            }
        }
        Err(Errno::AGAIN)
    }
}

/// A folder of the host.
#[derive(Debug)]
pub(super) struct Folder {
    descriptor: OwnedFd,
    path: Bytes,
}

/// What is at a name.
#[derive(Debug)]
pub(super) enum Seen {
    /// Nothing.
    Absent,
    /// A file.
    File(Regular),
    /// What is no file that can be worked with; why.
    Other(&'static str),
}

/// A file that was read.
#[derive(Debug)]
pub(super) struct Regular {
    /// It, open for reading.
    pub(super) descriptor: OwnedFd,
    /// What it is.
    pub(super) status: Stat,
    /// Its bytes.
    pub(super) content: Vec<u8>,
    /// Their hexadecimal SHA-256.
    pub(super) digest: String,
}

impl Seen {
    /// Returns whether it is a file with this digest.
    pub(super) fn is(&self, digest: &str) -> bool {
        matches!(self, Self::File(file) if file.digest == digest)
    }

    /// Returns whether nothing is there.
    pub(super) const fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }
}

impl Folder {
    /// Returns the path on the host of a name in it.
    pub(super) fn path_of(&self, name: &[u8]) -> Bytes {
        let mut path = self.path.as_slice().to_vec();
        if !path.ends_with(b"/") {
            path.push(b'/');
        }
        path.extend_from_slice(name);
        Bytes::from(path)
    }

    /// Returns what a name is, links not followed.
    pub(super) fn status(&self, name: &[u8]) -> Result<Option<Stat>, Errno> {
        match rustix::fs::statat(&self.descriptor, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(status) => Ok(Some(status)),
            Err(Errno::NOENT) => Ok(None),
            Err(said) => Err(said),
        }
    }

    /// Returns what it is itself.
    pub(super) fn own_status(&self) -> Result<Stat, Errno> {
        rustix::fs::fstat(&self.descriptor)
    }

    /// Reads a file; nothing but a regular file is opened.
    pub(super) fn look(&self, name: &[u8]) -> Result<Seen, Errno> {
        self.look_within(name, LARGEST_FILE)
    }

    /// Reads a file of at most `largest` bytes.
    pub(super) fn look_within(&self, name: &[u8], largest: usize) -> Result<Seen, Errno> {
        let Some(status) = self.status(name)? else {
            return Ok(Seen::Absent);
        };
        match FileType::from_raw_mode(status.st_mode) {
            FileType::RegularFile => {}
            FileType::Symlink => return Ok(Seen::Other("it is a symbolic link")),
            FileType::Directory => return Ok(Seen::Other("it is a folder")),
            _ => return Ok(Seen::Other("it is no regular file")),
        }
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let descriptor = match rustix::fs::openat(&self.descriptor, name, flags, Mode::empty()) {
            Ok(descriptor) => descriptor,
            Err(Errno::NOENT) => return Ok(Seen::Absent),
            Err(Errno::LOOP) => return Ok(Seen::Other("it is a symbolic link")),
            Err(said) => return Err(said),
        };
        let status = rustix::fs::fstat(&descriptor)?;
        if FileType::from_raw_mode(status.st_mode) != FileType::RegularFile {
            return Ok(Seen::Other("it is no regular file"));
        }
        let Some(content) = read(&descriptor, largest)? else {
            return Ok(Seen::Other("it is larger than what is worked with"));
        };
        let digest = id::digest(&content);
        Ok(Seen::File(Regular {
            descriptor,
            status,
            content,
            digest,
        }))
    }

    /// Makes a file that was not there, for its owner alone.
    pub(super) fn create(&self, name: &[u8], step: Step) -> Result<OwnedFd, Errno> {
        let flags =
            OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        call(step, || {
            rustix::fs::openat(&self.descriptor, name, flags, Mode::RUSR | Mode::WUSR)
        })
    }

    /// Opens a file to write it, and makes it where `create` says so.
    pub(super) fn open(&self, name: &[u8], flags: OFlags) -> Result<OwnedFd, Errno> {
        let flags = flags | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        rustix::fs::openat(&self.descriptor, name, flags, Mode::RUSR | Mode::WUSR)
    }

    /// Writes a file that was not there, down to the disk; the folder is not synced.
    pub(super) fn write_new(
        &self,
        name: &[u8],
        content: &[u8],
        steps: [Step; 3],
    ) -> Result<(), Errno> {
        let [create, write, sync] = steps;
        let file = self.create(name, create)?;
        call(write, || write_all(&file, content))?;
        call(sync, || rustix::fs::fsync(&file))
    }

    /// Makes a folder.
    pub(super) fn make_folder(
        &self,
        name: &[u8],
        mode: Mode,
        steps: [Step; 2],
    ) -> Result<Self, Errno> {
        let [make, set] = steps;
        call(make, || rustix::fs::mkdirat(&self.descriptor, name, mode))?;
        let folder = self.folder(name)?;
        // What the process's umask took away.
        call(set, || rustix::fs::fchmod(&folder.descriptor, mode))?;
        Ok(folder)
    }

    /// Sets its mode.
    pub(super) fn set_mode(&self, mode: Mode, step: Step) -> Result<(), Errno> {
        call(step, || rustix::fs::fchmod(&self.descriptor, mode))
    }

    /// Opens a folder in it; no link.
    pub(super) fn folder(&self, name: &[u8]) -> Result<Self, Errno> {
        let flags = FOLDER | OFlags::NOFOLLOW;
        let descriptor = rustix::fs::openat(&self.descriptor, name, flags, Mode::empty())?;
        Ok(Self {
            descriptor,
            path: self.path_of(name),
        })
    }

    /// Makes what was done in it last.
    pub(super) fn sync(&self, step: Step) -> Result<(), Errno> {
        call(step, || rustix::fs::fsync(&self.descriptor))
    }

    /// Exchanges two names, in one step.
    pub(super) fn exchange(&self, one: &[u8], other: &[u8], step: Step) -> Result<(), Errno> {
        self.rename(one, other, RenameFlags::EXCHANGE, step)
    }

    /// Gives a file another name, which nothing has.
    pub(super) fn place(&self, from: &[u8], to: &[u8], step: Step) -> Result<(), Errno> {
        self.rename(from, to, RenameFlags::NOREPLACE, step)
    }

    fn rename(&self, from: &[u8], to: &[u8], flags: RenameFlags, step: Step) -> Result<(), Errno> {
        call(step, || {
            rustix::fs::renameat_with(&self.descriptor, from, &self.descriptor, to, flags)
        })
    }

    /// Removes a file; one that is not there is no error.
    pub(super) fn remove(&self, name: &[u8], step: Step) -> Result<(), Errno> {
        let removed = call(step, || {
            rustix::fs::unlinkat(&self.descriptor, name, AtFlags::empty())
        });
        if removed == Err(Errno::NOENT) {
            Ok(())
        } else {
            removed
        }
    }

    /// Removes an empty folder in it.
    pub(super) fn remove_folder(&self, name: &[u8], step: Step) -> Result<(), Errno> {
        call(step, || {
            rustix::fs::unlinkat(&self.descriptor, name, AtFlags::REMOVEDIR)
        })
    }

    /// Returns the names in it, at most `most`.
    pub(super) fn names(&self, most: usize) -> Result<Vec<Vec<u8>>, Errno> {
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.descriptor)? {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if name != b"." && name != b".." {
                if names.len() == most {
                    return Err(Errno::OVERFLOW);
                }
                names.push(name.to_vec());
            }
        }
        Ok(names)
    }
}

/// Reads a file from its beginning; `None` where it is larger than `largest`.
fn read(file: &OwnedFd, largest: usize) -> Result<Option<Vec<u8>>, Errno> {
    let mut content = Vec::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        let offset = u64::try_from(content.len()).unwrap_or(u64::MAX);
        match rustix::io::pread(file, buffer.as_mut_slice(), offset) {
            Ok(0) => return Ok(Some(content)),
            Ok(length) => content.extend_from_slice(buffer.get(..length).unwrap_or_default()),
            Err(Errno::INTR) => {}
            Err(said) => return Err(said),
        }
        if content.len() > largest {
            return Ok(None);
        }
    }
}

/// Writes all of `content` to the end of a file.
pub(super) fn write_all(file: &OwnedFd, mut content: &[u8]) -> Result<(), Errno> {
    while !content.is_empty() {
        match rustix::io::write(file, content) {
            Ok(0) => return Err(Errno::IO),
            Ok(length) => content = content.get(length..).unwrap_or_default(),
            Err(Errno::INTR) => {}
            Err(said) => return Err(said),
        }
    }
    Ok(())
}

/// Returns the folder and the name of an absolute path; `None` where it is none, or has a part that is empty, `.` or `..`.
pub(super) fn split(path: &[u8]) -> Option<(&[u8], &[u8])> {
    let relative = path.strip_prefix(b"/")?;
    let sound =
        |part: &[u8]| !part.is_empty() && part.len() <= 255 && part != b"." && part != b"..";
    let all_sound =
        path.len() < 4096 && !path.contains(&0) && relative.split(|byte| *byte == b'/').all(sound);
    let end = path
        .iter()
        .rposition(|byte| *byte == b'/')
        .filter(|_| all_sound)?;
    let folder = path.get(..end)?;
    let folder = if folder.is_empty() { &b"/"[..] } else { folder };
    Some((folder, path.get(end + 1..)?))
}

/// Returns a path, shown.
pub(super) fn shown(path: &Path) -> Bytes {
    Bytes::from(OsStr::as_bytes(path.as_os_str()))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use rustix::io::Errno;

    use super::{Root, split};

    #[test]
    fn a_path_is_taken_apart() {
        type Parts = Option<(&'static [u8], &'static [u8])>;
        let cases: &[(&[u8], Parts)] = &[
            (b"/a/b", Some((b"/a", b"b"))),
            (b"/a", Some((b"/", b"a"))),
            (b"a/b", None),
            (b"/", None),
            (b"", None),
            (b"/a/../b", None),
            (b"/a//b", None),
            (b"/a/.", None),
            (b"/a/b/", None),
            (b"/a/b\0c", None),
        ];
        for (path, expected) in cases {
            assert_eq!(split(path), *expected, "{path:?}");
        }
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "reads what it wrote")]
    fn no_link_leads_out_of_the_root() {
        let outside = tempfile::tempdir().unwrap();
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(outside.path().join("etc")).unwrap();
        fs::create_dir(root.path().join("etc")).unwrap();
        symlink(outside.path(), root.path().join("out")).unwrap();
        symlink("../../../..", root.path().join("up")).unwrap();
        symlink("/etc", root.path().join("in")).unwrap();
        let opened = Root::open(root.path()).unwrap();
        let inside = fs::metadata(root.path().join("etc")).unwrap();
        let is_inside = |path: &[u8]| {
            use std::os::unix::fs::MetadataExt as _;
            opened
                .folder(path)
                .map(|folder| folder.own_status().unwrap().st_ino == inside.ino())
        };
        assert_eq!(is_inside(b"/etc"), Ok(true));
        if opened.openat2 {
            assert_eq!(is_inside(b"/in"), Ok(true));
            assert_eq!(is_inside(b"/up/etc"), Ok(true));
            assert_eq!(is_inside(b"/out/etc"), Err(Errno::NOENT));
        }
        let opened = Root::open(root.path()).unwrap().without_openat2();
        assert!(opened.folder(b"/etc").is_ok() && opened.folder(b"/").is_ok());
        for path in [&b"/in"[..], b"/up/etc", b"/out/etc", b"/etc/../etc"] {
            assert!(opened.folder(path).is_err(), "{path:?}");
        }
    }
}
