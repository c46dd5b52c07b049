//! Files of the node, looked at below the folder that it is mounted at, with bounds; nothing leads out of that folder.

use std::os::fd::OwnedFd;
use std::path::Path;

use kubeassay_core::Bytes;
use rustix::fs::{
    AtFlags, CWD, Dir, FileType, IFlags, Mode, OFlags, ResolveFlags, StatVfsMountFlags, StatxFlags,
};
use rustix::io::Errno;

use super::certificates::{self, Certificates, Source};
use super::place::{FileSystem, Place};

/// The most that is read of a PEM file: a machine's whole store of authorities has a quarter of it.
const MOST_PEM: usize = 1 << 20;
/// The most entries of a folder that are looked at.
const MOST_ENTRIES: usize = 4096;
/// Found, never opened.
const FIND: OFlags = OFlags::PATH.union(OFlags::CLOEXEC);
/// A FIFO or a device that took the file's place must not block us, nor become our terminal.
const READ: OFlags = OFlags::RDONLY
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY)
    .union(OFlags::CLOEXEC);

/// Why a file was not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unread {
    /// It is not there.
    Missing,
    /// A part of a sentence about it: `may not be read`.
    Because(String),
}

/// The folder that the node is mounted at.
pub(crate) struct Root {
    descriptor: OwnedFd,
    /// It is the machine's own root, out of which nothing leads.
    is_whole: bool,
}

impl Root {
    pub(crate) fn open(path: &Path) -> Result<Self, String> {
        let flags = FIND | OFlags::DIRECTORY;
        let opened = rustix::fs::openat(CWD, path, flags, Mode::empty());
        Ok(Self {
            descriptor: opened
                .map_err(|errno| format!("the node's root cannot be opened: {errno}"))?,
            is_whole: path == Path::new("/"),
        })
    }

    /// Opens what lies at an absolute path, symbolic links followed below the root.
    fn open_at(&self, path: &Bytes, flags: OFlags) -> Result<OwnedFd, Errno> {
        let within = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        let path = path.as_slice();
        let opened = rustix::fs::openat2(&self.descriptor, path, flags, Mode::empty(), within);
        match opened {
            // Before Linux 5.6.
            Err(Errno::NOSYS) if self.is_whole => {
                rustix::fs::openat(CWD, path, flags, Mode::empty())
            }
            opened => opened,
        }
    }

    /// Opens a regular file; nothing else is ever opened.
    fn open_regular(&self, path: &Bytes) -> Result<OwnedFd, Unread> {
        let found = self.open_at(path, FIND).map_err(unread)?;
        let before = rustix::fs::fstat(&found).map_err(unread)?;
        if FileType::from_raw_mode(before.st_mode) != FileType::RegularFile {
            return Err(Unread::Because("is no regular file".to_owned()));
        }
        let opened = self.open_at(path, READ).map_err(unread)?;
        let now = rustix::fs::fstat(&opened).map_err(unread)?;
        if (now.st_dev, now.st_ino) != (before.st_dev, before.st_ino) {
            return Err(Unread::Because(
                "was replaced while it was opened".to_owned(),
            ));
        }
        Ok(opened)
    }

    /// Reads a regular file of at most `most` bytes.
    pub(crate) fn read(&self, path: &Bytes, most: usize) -> Result<Vec<u8>, Unread> {
        let opened = self.open_regular(path)?;
        let mut content = Vec::new();
        let mut buffer = [0; 16 << 10];
        loop {
            match rustix::io::read(&opened, &mut buffer[..]) {
                Err(Errno::INTR) => {}
                Err(errno) => return Err(unread(errno)),
                Ok(0) => return Ok(content),
                Ok(length) => content.extend_from_slice(buffer.get(..length).unwrap_or_default()),
            }
            if content.len() > most {
                return Err(Unread::Because(format!("has more than {most} bytes")));
            }
        }
    }

    /// Reads the first `most` certificates of a PEM file, and returns whether anything but them is in it: by its size,
    /// since nothing of what follows is read.
    pub(super) fn certificates(
        &self,
        path: &Bytes,
        most: usize,
    ) -> Result<(Certificates, bool), Unread> {
        let opened = self.open_regular(path)?;
        let size = rustix::fs::fstat(&opened).map_err(unread)?.st_size;
        let mut bytes = SingleBytes { opened, offset: 0 };
        let read = certificates::read(&mut bytes, most).map_err(Unread::Because)?;
        // A line end may follow.
        let rest = u64::try_from(size)
            .unwrap_or(0)
            .saturating_sub(bytes.offset);
        Ok((read, rest > 2))
    }

    /// Returns the names in a folder.
    pub(super) fn names(&self, path: &Bytes) -> Result<Vec<Bytes>, Unread> {
        let opened = self.open_at(path, READ | OFlags::DIRECTORY);
        let opened = opened.map_err(|errno| match errno {
            Errno::NOTDIR => Unread::Because("is no folder".to_owned()),
            errno => unread(errno),
        })?;
        let mut names = Vec::new();
        for entry in Dir::new(opened).map_err(unread)? {
            let entry = entry.map_err(unread)?;
            if names.len() >= MOST_ENTRIES {
                let why = format!("has more than {MOST_ENTRIES} entries");
                return Err(Unread::Because(why));
            }
            names.push(Bytes::from(entry.file_name().to_bytes()));
        }
        Ok(names)
    }

    /// Returns what is known of the place where `path` is to be written.
    pub(super) fn place(&self, path: &Bytes) -> Place {
        let (folder, found) = match self.nearest_folder(path) {
            Ok((folder, descriptor)) => {
                let found = self.look_at(path, &descriptor);
                (folder, found.map_err(|errno| said(errno).to_owned()))
            }
            Err(errno) => (path.clone(), Err(said(errno).to_owned())),
        };
        Place {
            path: path.clone(),
            folder,
            found,
        }
    }

    /// Returns the folder of `path`, or the nearest one on the way to it that is there.
    fn nearest_folder(&self, path: &Bytes) -> Result<(Bytes, OwnedFd), Errno> {
        let mut folder = path.clone();
        loop {
            let cut = folder.as_slice().iter().rposition(|byte| *byte == b'/');
            folder = match cut {
                Some(at) if at > 0 => folder.as_slice().get(..at).unwrap_or_default().into(),
                _ => Bytes::from("/"),
            };
            match self.open_at(&folder, FIND | OFlags::DIRECTORY) {
                Ok(opened) => return Ok((folder, opened)),
                Err(Errno::NOENT) if folder.as_slice() != b"/" => {}
                Err(errno) => return Err(errno),
            }
        }
    }

    fn look_at(&self, path: &Bytes, folder: &OwnedFd) -> Result<super::place::Found, Errno> {
        let space = rustix::fs::fstatvfs(folder)?;
        let status = rustix::fs::fstat(folder)?;
        let mount = mount(folder);
        let mut marked = marked(&reopen(folder)?)?;
        let mut size = None;
        let mut read_only = space.f_flag.contains(StatVfsMountFlags::RDONLY);
        let mut own_mount = false;
        match self.open_at(path, FIND) {
            Ok(file) => {
                let status = rustix::fs::fstat(&file)?;
                if FileType::from_raw_mode(status.st_mode) == FileType::RegularFile {
                    size = Some(u64::try_from(status.st_size).unwrap_or(0));
                    own_mount = mount.is_some() && self::mount(&file) != mount;
                    let flags = rustix::fs::fstatvfs(&file)?.f_flag;
                    read_only |= flags.contains(StatVfsMountFlags::RDONLY);
                    if let Ok(opened) = self.open_regular(path) {
                        marked |= self::marked(&opened)?;
                    }
                }
            }
            Err(Errno::NOENT) => {}
            Err(errno) => return Err(errno),
        }
        let magic = rustix::fs::fstatfs(folder)?.f_type;
        Ok(super::place::Found {
            device: status.st_dev,
            available: space.f_bavail.saturating_mul(space.f_frsize),
            inodes: (space.f_files > 0).then_some(space.f_favail),
            size,
            read_only,
            marked,
            own_mount,
            file_system: FileSystem::of(magic),
        })
    }
}

/// Opens a folder that was found, to ask for its flags.
fn reopen(folder: &OwnedFd) -> Result<OwnedFd, Errno> {
    rustix::fs::openat(folder, ".", READ | OFlags::DIRECTORY, Mode::empty())
}

/// Returns whether a file may not be changed by anybody (`FS_IOC_GETFLAGS`); not so where there is no such thing.
fn marked(opened: &OwnedFd) -> Result<bool, Errno> {
    match rustix::fs::ioctl_getflags(opened) {
        Ok(flags) => Ok(flags.intersects(IFlags::IMMUTABLE | IFlags::APPEND)),
        Err(Errno::NOTTY | Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => Ok(false),
        Err(errno) => Err(errno),
    }
}

/// Returns the number of the mount that a file lies on, where the kernel says it (Linux 5.8).
fn mount(found: &OwnedFd) -> Option<u64> {
    let flags = AtFlags::EMPTY_PATH | AtFlags::NO_AUTOMOUNT;
    let status = rustix::fs::statx(found, "", flags, StatxFlags::MNT_ID).ok()?;
    (status.stx_mask & StatxFlags::MNT_ID.bits() != 0).then_some(status.stx_mnt_id)
}

fn unread(errno: Errno) -> Unread {
    match errno {
        Errno::NOENT => Unread::Missing,
        errno => Unread::Because(said(errno).to_owned()),
    }
}

/// Says what went wrong, as a part of a sentence about a file.
fn said(errno: Errno) -> &'static str {
    match errno {
        Errno::NOENT => "is not there",
        Errno::ACCESS | Errno::PERM => "may not be read; run this as root",
        Errno::LOOP => "has too many symbolic links on the way, or one of procfs",
        Errno::NOTDIR => "has something on the way that is no folder",
        Errno::ISDIR => "is a folder",
        Errno::XDEV => "leads out of the node's root",
        Errno::NOSYS => "cannot be found safely by this kernel (openat2, Linux 5.6)",
        _ => "cannot be read",
    }
}

/// A file that is read byte by byte.
struct SingleBytes {
    opened: OwnedFd,
    offset: u64,
}

impl Source for SingleBytes {
    fn next(&mut self) -> Result<Option<u8>, String> {
        if self.offset >= MOST_PEM as u64 {
            return Err(format!(
                "has more than {MOST_PEM} bytes before its certificates end"
            ));
        }
        let mut byte = [0; 1];
        loop {
            match rustix::io::pread(&self.opened, &mut byte[..], self.offset) {
                Err(Errno::INTR) => {}
                Err(errno) => return Err(said(errno).to_owned()),
                Ok(0) => return Ok(None),
                Ok(_) => {
                    self.offset += 1;
                    return Ok(byte.first().copied());
                }
            }
        }
    }
}
