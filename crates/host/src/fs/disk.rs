//! Files of the machine itself, each an `O_PATH` descriptor until it is known to be safe to open.

use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd};
use std::sync::Arc;

use jiff::Timestamp;
use kubeassay_core::facts::{Entry, FileKind};
use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, ResolveFlags, StatxFlags};
use rustix::io::Errno;

use super::{Handle, Identity, Links, Node, Opened, Status};

/// Found, never opened; what a link points to is not even found.
const FIND: OFlags = OFlags::PATH.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// A FIFO or a device that took the file's place must not block us, nor become our terminal.
const READ: OFlags = OFlags::RDONLY
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY)
    .union(OFlags::CLOEXEC);

/// File systems of the kernel, whose files are no configuration and whose reading can have effects.
/// Magic numbers from the kernel's `include/uapi/linux/magic.h`.
const KERNEL_FILE_SYSTEMS: &[(u32, &str)] = &[
    (0x0000_9fa0, "proc"),
    (0x6265_6572, "sysfs"),
    (0x0027_e0eb, "cgroup"),
    (0x6367_7270, "cgroup2"),
    (0x6462_6720, "debugfs"),
    (0x7472_6163, "tracefs"),
    (0x7363_6673, "securityfs"),
    (0xf97c_ff8c, "selinuxfs"),
    (0x4341_5d53, "smackfs"),
    (0x5a3c_69f0, "apparmorfs"),
    (0xcafe_4a11, "bpf"),
    (0x6165_676c, "pstore"),
    (0xde5e_81e4, "efivarfs"),
    (0x6265_6570, "configfs"),
    (0x4249_4e4d, "binfmt_misc"),
    (0x6e73_6673, "nsfs"),
    (0x534f_434b, "sockfs"),
    (0x5049_5045, "pipefs"),
    (0x0904_1934, "anon_inode"),
    (0x1980_0202, "mqueue"),
    (0x0000_1cd1, "devpts"),
    (0x6573_5543, "fusectl"),
    (0x6759_6969, "rpc_pipefs"),
    (0x6e66_7364, "nfsd"),
    (0x0000_0187, "autofs"),
    (0x0765_5821, "resctrl"),
    (0xabba_1974, "xenfs"),
    (0x0000_9fa2, "usbdevfs"),
    (0x0000_9fa1, "openpromfs"),
];

/// Which times of a tree mean anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Times {
    /// All: it is the host's own file system.
    Trusted,
    /// Only when a regular file's content changed: the tree is a copy, made by tools that keep that.
    ModifiedOfFiles,
}

/// How a tree is read.
#[derive(Debug)]
pub(crate) struct Ways {
    /// Which times mean anything.
    pub(crate) times: Times,
    /// Whether `openat2` may be asked.
    pub(crate) openat2: bool,
    /// `/proc/self/fd`, through which exactly the file that was found is opened. Without it, it is opened
    /// by name once more, and compared.
    pub(crate) descriptors: Option<OwnedFd>,
}

impl Ways {
    /// Finds out what this kernel offers.
    pub(crate) fn of_this_kernel(times: Times) -> Self {
        Self {
            times,
            openat2: has_openat2(),
            descriptors: own_descriptors(),
        }
    }
}

/// A file of the machine.
pub(crate) struct DiskNode {
    descriptor: Arc<OwnedFd>,
    /// Where it was found, to open it without a procfs of our own.
    place: Option<Place>,
    ways: Arc<Ways>,
}

struct Place {
    directory: Arc<OwnedFd>,
    name: Vec<u8>,
    /// It is what a procfs link leads to, not the link.
    followed: bool,
}

impl DiskNode {
    /// Finds the directory at `path` of this process's own view. It is what the user named, so links in
    /// it are followed.
    pub(crate) fn root(path: &std::path::Path, ways: Ways) -> Result<Self, Errno> {
        let flags = OFlags::PATH | OFlags::CLOEXEC | OFlags::DIRECTORY;
        let descriptor = rustix::fs::openat(CWD, path, flags, Mode::empty())?;
        Ok(Self {
            descriptor: Arc::new(descriptor),
            place: None,
            ways: Arc::new(ways),
        })
    }

    fn found(&self, descriptor: OwnedFd, name: &[u8], followed: bool) -> Handle {
        Arc::new(Self {
            descriptor: Arc::new(descriptor),
            place: Some(Place {
                directory: Arc::clone(&self.descriptor),
                name: name.to_vec(),
                followed,
            }),
            ways: Arc::clone(&self.ways),
        })
    }

    fn open_kernel(&self, path: &str) -> Result<OwnedFd, Errno> {
        let flags = READ | OFlags::NOFOLLOW;
        rustix::fs::openat(&self.descriptor, path, flags, Mode::empty())
    }

    fn reopen(&self) -> Result<OwnedFd, Errno> {
        if let Some(descriptors) = &self.ways.descriptors {
            let name = self.descriptor.as_raw_fd().to_string();
            return rustix::fs::openat(descriptors, name, READ, Mode::empty());
        }
        let place = self.place.as_ref().ok_or(Errno::ACCESS)?;
        let mut flags = READ;
        if !place.followed {
            flags |= OFlags::NOFOLLOW;
        }
        rustix::fs::openat(
            &place.directory,
            place.name.as_slice(),
            flags,
            Mode::empty(),
        )
    }
}

impl Node for DiskNode {
    fn child(&self, name: &[u8]) -> Result<Handle, Errno> {
        let descriptor = rustix::fs::openat(&self.descriptor, name, FIND, Mode::empty())?;
        Ok(self.found(descriptor, name, false))
    }

    fn status(&self) -> Result<Status, Errno> {
        // What a procfs link led to was not looked up by name, so that no file server was asked so far;
        // what the kernel has in its cache is enough to say what kind of file it is.
        let followed = self.place.as_ref().is_some_and(|place| place.followed);
        let sync = if followed {
            AtFlags::STATX_DONT_SYNC
        } else {
            AtFlags::empty()
        };
        status_of(self.descriptor.as_fd(), self.ways.times, sync)
    }

    fn mount(&self) -> Result<Option<u64>, Errno> {
        let flags = AtFlags::EMPTY_PATH | AtFlags::NO_AUTOMOUNT | AtFlags::STATX_DONT_SYNC;
        match rustix::fs::statx(&self.descriptor, "", flags, StatxFlags::MNT_ID) {
            Ok(status) => {
                let known = status.stx_mask & StatxFlags::MNT_ID.bits() != 0;
                Ok(known.then_some(status.stx_mnt_id))
            }
            Err(Errno::NOSYS) => Ok(None),
            Err(errno) => Err(errno),
        }
    }

    fn target(&self) -> Result<Vec<u8>, Errno> {
        let target = rustix::fs::readlinkat(&self.descriptor, "", Vec::new())?;
        Ok(target.into_bytes())
    }

    fn kernel_file_system(&self) -> Result<Option<&'static str>, Errno> {
        kernel_file_system(self.descriptor.as_fd())
    }

    fn entries(&self, limit: usize) -> Result<Option<Vec<Entry>>, Errno> {
        let flags = READ | OFlags::DIRECTORY | OFlags::NOFOLLOW;
        let opened = rustix::fs::openat(&self.descriptor, ".", flags, Mode::empty())?;
        let mut entries = Vec::new();
        for entry in Dir::new(opened)? {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if name == b"." || name == b".." {
                continue;
            }
            if entries.len() >= limit {
                return Ok(None);
            }
            let kind = match kind_of(entry.file_type()) {
                Some(kind) => kind,
                // Some file systems do not say; one that goes away meanwhile is no entry any more.
                None => match self.child(name).and_then(|child| child.status()) {
                    Ok(status) => status.kind,
                    Err(Errno::NOENT) => continue,
                    Err(errno) => return Err(errno),
                },
            };
            entries.push(Entry {
                name: name.into(),
                kind,
            });
        }
        Ok(Some(entries))
    }

    fn open(&self) -> Result<Box<dyn Opened>, Errno> {
        let opened = self.reopen()?;
        let found = self.status()?;
        let now = status_of(opened.as_fd(), self.ways.times, AtFlags::empty())?;
        if !found.identity.same_file(now.identity) || now.kind != FileKind::Regular {
            return Err(Errno::STALE);
        }
        Ok(Box::new(OpenedFile {
            descriptor: opened,
            times: self.ways.times,
        }))
    }

    fn resolve(&self, path: &[u8], links: Links) -> Option<Result<Identity, Errno>> {
        if !self.ways.openat2 {
            return None;
        }
        let mut flags = OFlags::PATH | OFlags::CLOEXEC;
        if links != Links::All {
            flags |= OFlags::NOFOLLOW;
        }
        let within = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        let found = rustix::fs::openat2(&self.descriptor, path, flags, Mode::empty(), within);
        match found {
            Ok(descriptor) => {
                let status = status_of(descriptor.as_fd(), self.ways.times, AtFlags::empty());
                Some(status.map(|status| status.identity))
            }
            Err(Errno::NOSYS) => None,
            Err(errno) => Some(Err(errno)),
        }
    }

    fn find_plain(&self, path: &[u8]) -> Option<Result<Handle, Errno>> {
        if !self.ways.openat2 {
            return None;
        }
        let flags = OFlags::PATH | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let within =
            ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS | ResolveFlags::NO_SYMLINKS;
        let found = rustix::fs::openat2(&self.descriptor, path, flags, Mode::empty(), within);
        match found {
            Err(Errno::NOSYS) => None,
            found => Some(found.map(|descriptor| self.found(descriptor, path, false))),
        }
    }

    fn link_at(&self, path: &str) -> Result<Vec<u8>, Errno> {
        let target = rustix::fs::readlinkat(&self.descriptor, path, Vec::new())?;
        Ok(target.into_bytes())
    }

    fn follow(&self, name: &str) -> Result<Handle, Errno> {
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        let descriptor = rustix::fs::openat(&self.descriptor, name, flags, Mode::empty())?;
        Ok(self.found(descriptor, name.as_bytes(), true))
    }

    fn status_behind(&self, name: &str) -> Result<Status, Errno> {
        let sync = AtFlags::STATX_DONT_SYNC;
        status_at(self.descriptor.as_fd(), name, self.ways.times, sync)
    }

    fn read_kernel_start(&self, path: &str, limit: usize) -> Result<Vec<u8>, Errno> {
        let opened = self.open_kernel(path)?;
        let mut content = Vec::with_capacity(limit);
        loop {
            match rustix::io::read(&opened, rustix::buffer::spare_capacity(&mut content)) {
                Err(Errno::INTR) => {}
                Err(errno) => return Err(errno),
                Ok(_) => break,
            }
        }
        content.truncate(limit);
        Ok(content)
    }

    fn read_kernel(&self, path: &str, limit: usize) -> Result<Vec<u8>, Errno> {
        let opened = self.open_kernel(path)?;
        let mut content = Vec::new();
        let mut buffer = [0_u8; 4096];
        while content.len() <= limit {
            let read = match rustix::io::read(&opened, &mut buffer[..]) {
                Ok(read) => read,
                Err(Errno::INTR) => continue,
                Err(errno) => return Err(errno),
            };
            let Some(part) = buffer.get(..read).filter(|part| !part.is_empty()) else {
                break;
            };
            content.extend_from_slice(part);
        }
        content.truncate(limit.saturating_add(1));
        Ok(content)
    }
}

struct OpenedFile {
    descriptor: OwnedFd,
    times: Times,
}

impl Opened for OpenedFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize, Errno> {
        loop {
            match rustix::io::pread(&self.descriptor, &mut *buffer, offset) {
                Err(Errno::INTR) => {}
                read => return read,
            }
        }
    }

    fn status(&self) -> Result<Status, Errno> {
        status_of(self.descriptor.as_fd(), self.times, AtFlags::empty())
    }
}

/// Returns whether `directory` is (on) a live procfs.
pub(crate) fn is_live_procfs(directory: &dyn Node) -> Result<bool, Errno> {
    Ok(directory.kernel_file_system()? == Some("proc"))
}

fn kernel_file_system(descriptor: BorrowedFd<'_>) -> Result<Option<&'static str>, Errno> {
    let status = rustix::fs::fstatfs(descriptor)?;
    // The field's type differs between machines; the magic numbers are 32 bits.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "magic numbers are 32 bits on every machine"
    )]
    let magic = status.f_type as u32;
    let known = KERNEL_FILE_SYSTEMS.iter().find(|known| known.0 == magic);
    Ok(known.map(|known| known.1))
}

fn status_of(descriptor: BorrowedFd<'_>, times: Times, sync: AtFlags) -> Result<Status, Errno> {
    status_at(descriptor, "", times, AtFlags::EMPTY_PATH | sync)
}

fn status_at(
    directory: BorrowedFd<'_>,
    name: &str,
    times: Times,
    flags: AtFlags,
) -> Result<Status, Errno> {
    let mask = StatxFlags::BASIC_STATS | StatxFlags::MNT_ID;
    let extended = flags | AtFlags::NO_AUTOMOUNT;
    let (mode, uid, gid, size, names, identity, modified, changed) =
        match rustix::fs::statx(directory, name, extended, mask) {
            Ok(status) => {
                let device = rustix::fs::makedev(status.stx_dev_major, status.stx_dev_minor);
                let has_mount = status.stx_mask & StatxFlags::MNT_ID.bits() != 0;
                let identity = Identity {
                    device,
                    inode: status.stx_ino,
                    mount: has_mount.then_some(status.stx_mnt_id),
                };
                (
                    u32::from(status.stx_mode),
                    status.stx_uid,
                    status.stx_gid,
                    status.stx_size,
                    status.stx_nlink,
                    identity,
                    (status.stx_mtime.tv_sec, status.stx_mtime.tv_nsec),
                    (status.stx_ctime.tv_sec, status.stx_ctime.tv_nsec),
                )
            }
            Err(Errno::NOSYS) => {
                let plain = flags & AtFlags::EMPTY_PATH;
                let status = rustix::fs::statat(directory, name, plain)?;
                let identity = Identity {
                    device: status.st_dev,
                    inode: status.st_ino,
                    mount: None,
                };
                (
                    status.st_mode,
                    status.st_uid,
                    status.st_gid,
                    u64::try_from(status.st_size).unwrap_or(0),
                    0,
                    identity,
                    (status.st_mtime, nanoseconds(status.st_mtime_nsec)),
                    (status.st_ctime, nanoseconds(status.st_ctime_nsec)),
                )
            }
            Err(errno) => return Err(errno),
        };
    let kind = kind_of(FileType::from_raw_mode(mode)).ok_or(Errno::NODEV)?;
    let trusted = times == Times::Trusted;
    let modified_counts = trusted || kind == FileKind::Regular;
    Ok(Status {
        kind,
        mode: mode & 0o7777,
        uid,
        gid,
        size,
        names,
        identity,
        raw_times: (modified, changed),
        modified: timestamp(modified).filter(|_| modified_counts),
        changed: timestamp(changed).filter(|_| trusted),
    })
}

fn nanoseconds(value: impl TryInto<u32>) -> u32 {
    value.try_into().unwrap_or(0)
}

fn timestamp((seconds, nanoseconds): (i64, u32)) -> Option<Timestamp> {
    Timestamp::new(seconds, i32::try_from(nanoseconds).ok()?).ok()
}

const fn kind_of(kind: FileType) -> Option<FileKind> {
    match kind {
        FileType::RegularFile => Some(FileKind::Regular),
        FileType::Directory => Some(FileKind::Directory),
        FileType::Symlink => Some(FileKind::Symlink),
        FileType::Fifo => Some(FileKind::Fifo),
        FileType::Socket => Some(FileKind::Socket),
        FileType::CharacterDevice => Some(FileKind::CharacterDevice),
        FileType::BlockDevice => Some(FileKind::BlockDevice),
        FileType::Unknown => None,
    }
}

/// Linux 5.6 has it; a seccomp filter may still forbid it.
fn has_openat2() -> bool {
    let within = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    rustix::fs::openat2(CWD, ".", FIND, Mode::empty(), within).is_ok()
}

fn own_descriptors() -> Option<OwnedFd> {
    let flags = OFlags::PATH | OFlags::CLOEXEC | OFlags::DIRECTORY;
    let directory = rustix::fs::openat(CWD, "/proc/self/fd", flags, Mode::empty()).ok()?;
    let file_system = kernel_file_system(directory.as_fd()).ok()?;
    (file_system == Some("proc")).then_some(directory)
}
