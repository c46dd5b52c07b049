//! The rule by which a file is read: found first, and opened only if it is a regular file of an ordinary
//! file system and not too large.

use kubeassay_core::Cause;
use kubeassay_core::facts::{FileKind, Trouble};
use rustix::io::Errno;

use super::{Node, Opened, Status, trouble};

/// The most that is read of a configuration file.
pub(crate) const MOST_CONFIGURATION: usize = 4 << 20;

/// The content of a file and what it was like before it was read.
pub(crate) struct Content {
    pub(crate) bytes: Vec<u8>,
    pub(crate) status: Status,
}

/// Reads a regular file of at most `most` bytes. `name` is how it is spoken of.
pub(crate) fn regular(node: &dyn Node, name: &str, most: usize) -> Result<Content, Trouble> {
    let (bytes, status) = steady(node, name, |opened, status| {
        read_all(opened, status, name, most)
    })?;
    Ok(Content { bytes, status })
}

/// Reads something of a regular file, and returns it with what the file was like before.
///
/// A file that is being written is read once more; if it still changes, what was read is torn.
pub(crate) fn steady<T>(
    node: &dyn Node,
    name: &str,
    read: impl Fn(&dyn Opened, &Status) -> Result<T, Trouble>,
) -> Result<(T, Status), Trouble> {
    for _ in 0..2 {
        let opened = open_regular(node, name)?;
        let before = opened.status().map_err(|errno| trouble(errno, name))?;
        let content = read(opened.as_ref(), &before)?;
        let after = opened.status().map_err(|errno| trouble(errno, name))?;
        if before.raw_times == after.raw_times && before.size == after.size {
            return Ok((content, before));
        }
    }
    Err(Trouble {
        cause: Cause::Conflict,
        reason: format!("{name} kept changing while it was read"),
    })
}

/// Opens a file that is regular and lies on an ordinary file system.
pub(crate) fn open_regular(node: &dyn Node, name: &str) -> Result<Box<dyn Opened>, Trouble> {
    let status = node.status().map_err(|errno| trouble(errno, name))?;
    if status.kind != FileKind::Regular {
        return Err(not_regular(name, kind_in_words(status.kind)));
    }
    match node.kernel_file_system() {
        Ok(None) => {}
        Ok(Some(file_system)) => {
            return Err(not_regular(
                name,
                &format!("a file of the kernel's {file_system}"),
            ));
        }
        Err(errno) => return Err(trouble(errno, name)),
    }
    node.open().map_err(|errno| trouble(errno, name))
}

/// Returns the kind of a file in words.
pub(crate) const fn kind_in_words(kind: FileKind) -> &'static str {
    match kind {
        FileKind::Regular => "a regular file",
        FileKind::Directory => "a directory",
        FileKind::Symlink => "a symbolic link",
        FileKind::Fifo => "a FIFO",
        FileKind::Socket => "a socket",
        FileKind::CharacterDevice => "a character device",
        FileKind::BlockDevice => "a block device",
    }
}

fn read_all(
    opened: &dyn Opened,
    status: &Status,
    name: &str,
    most: usize,
) -> Result<Vec<u8>, Trouble> {
    let too_large = || Trouble {
        cause: Cause::TooLarge,
        reason: format!("{name} is larger than {most} bytes"),
    };
    let size = usize::try_from(status.size).map_err(|_| too_large())?;
    if size > most {
        return Err(too_large());
    }
    // One byte more than there should be shows that there is more.
    let mut bytes = vec![0; size.saturating_add(1)];
    let mut filled = 0;
    loop {
        if filled == bytes.len() {
            if filled > most {
                return Err(too_large());
            }
            let more = (16 << 10).min(most + 1 - filled);
            bytes.resize(filled + more, 0);
        }
        let offset = u64::try_from(filled).unwrap_or(u64::MAX);
        let room = bytes.get_mut(filled..).unwrap_or_default();
        match opened.read_at(room, offset) {
            Ok(0) => break,
            Ok(read) => filled = filled.saturating_add(read).min(bytes.len()),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(trouble(errno, name)),
        }
    }
    bytes.truncate(filled);
    if bytes.len() > most {
        return Err(too_large());
    }
    Ok(bytes)
}

fn not_regular(name: &str, kind: &str) -> Trouble {
    Trouble {
        cause: Cause::NotRegular,
        reason: format!("{name} is {kind}; only regular files are opened"),
    }
}
