//! Owner, mode and extended attributes: the label of `SELinux`, ACL, and whatever else can be listed.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::{Gid, Mode, Uid, XattrFlags};
use rustix::io::Errno;

use super::failpoint::{Step, call};

/// The most that is kept of all attributes of a file; the kernel allows 64 KiB for the list and for each value.
const MOST: usize = 1 << 20;

/// Attributes that are signatures of the content: with another content the file could not be opened.
const SIGNATURES: [&[u8]; 2] = [b"security.ima", b"security.evm"];

/// Why the attributes are not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unkept {
    /// The system refused.
    System(Errno),
    /// It must not be.
    Refused(&'static str),
}

impl From<Errno> for Unkept {
    fn from(said: Errno) -> Self {
        Self::System(said)
    }
}

/// Gives the file `to` the owner, group, mode and extended attributes of the file `from`, and none besides.
pub(super) fn keep(from: impl AsFd, to: impl AsFd) -> Result<(), Unkept> {
    let (from, to) = (from.as_fd(), to.as_fd());
    let status = rustix::fs::fstat(from)?;
    let (owner, group) = (Uid::from_raw(status.st_uid), Gid::from_raw(status.st_gid));
    // Before the mode and the attributes: it takes away set-user-id and capabilities.
    call(Step::StageOwner, || {
        rustix::fs::fchown(to, Some(owner), Some(group))
    })?;
    call(Step::StageMode, || {
        rustix::fs::fchmod(to, Mode::from_raw_mode(status.st_mode))
    })?;
    let (wanted, there) = (extended(from)?, extended(to)?);
    if SIGNATURES.iter().any(|name| wanted.contains_key(*name)) {
        return Err(Unkept::Refused(
            "it carries a signature of its content (security.ima or security.evm), which a new content would break: \
             change it where it is signed",
        ));
    }
    for name in there.keys().filter(|name| !wanted.contains_key(*name)) {
        call(Step::StageStrip, || {
            rustix::fs::fremovexattr(to, name.as_slice())
        })?;
    }
    for (name, value) in &wanted {
        if there.get(name) != Some(value) {
            call(Step::StageAttribute, || {
                rustix::fs::fsetxattr(to, name.as_slice(), value, XattrFlags::empty())
            })?;
        }
    }
    Ok(())
}

/// Gives a file that is made its mode and owner: 0644, and root where we are.
pub(super) fn default(to: impl AsFd) -> Result<(), Unkept> {
    let to = to.as_fd();
    if rustix::process::geteuid().is_root() {
        call(Step::StageOwner, || {
            rustix::fs::fchown(to, Some(Uid::ROOT), Some(Gid::ROOT))
        })?;
    }
    let mode = Mode::RUSR | Mode::WUSR | Mode::RGRP | Mode::ROTH;
    call(Step::StageMode, || rustix::fs::fchmod(to, mode))?;
    Ok(())
}

/// Returns the extended attributes of a file; none where the file system has none.
fn extended(file: BorrowedFd<'_>) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, Errno> {
    let mut names = vec![0; 64 << 10];
    let length = match rustix::fs::flistxattr(file, names.as_mut_slice()) {
        Ok(length) => length,
        Err(Errno::OPNOTSUPP) => return Ok(BTreeMap::new()),
        Err(said) => return Err(said),
    };
    let mut attributes = BTreeMap::new();
    let mut size = 0;
    let names = names.get(..length).unwrap_or_default();
    for name in names
        .split(|byte| *byte == 0)
        .filter(|name| !name.is_empty())
    {
        let mut value = vec![0; 64 << 10];
        let length = rustix::fs::fgetxattr(file, name, value.as_mut_slice())?;
        value.truncate(length);
        size += name.len() + length;
        if size > MOST {
            return Err(Errno::TOOBIG);
        }
        attributes.insert(name.to_vec(), value);
    }
    Ok(attributes)
}
