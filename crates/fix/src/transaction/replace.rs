//! Putting a file in the place of another: exchanged in one step, looked at, and exchanged back where it was another one.

use rustix::fs::FileType;
use rustix::io::Errno;

use super::attributes::{self, Unkept};
use super::failpoint::{Step, call};
use super::folder::{Folder, Regular, Seen, write_all};

/// How often two files are exchanged back while somebody else goes on writing.
const ROUNDS: usize = 8;

/// How an exchange came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exchanged {
    /// What was staged is in its place, and what came out is what had to come out.
    Done,
    /// Something else came out, which somebody else wrote meanwhile: it is in its place again.
    PutBack,
}

/// Writes a file beside the one that it is to replace, complete and down to the disk: like `like`, or as a file that is
/// made.
pub(super) fn stage(
    folder: &Folder,
    name: &[u8],
    content: &[u8],
    like: Option<&Regular>,
) -> Result<(), Unkept> {
    let file = folder.create(name, Step::StageCreate)?;
    call(Step::StageWrite, || write_all(&file, content))?;
    match like {
        Some(like) => attributes::keep(&like.descriptor, &file)?,
        None => attributes::default(&file)?,
    }
    Ok(call(Step::StageSync, || rustix::fs::fsync(&file))?)
}

/// Exchanges `staged` and `name`; `is_expected` says whether it is the right file that came out.
///
/// # Errors
///
/// As the system says; then what is where has to be looked at.
pub(super) fn exchange(
    folder: &Folder,
    staged: &[u8],
    name: &[u8],
    steps: [Step; 2],
    is_expected: impl Fn(&Seen) -> bool,
) -> Result<Exchanged, Errno> {
    let [there, back] = steps;
    let mut put_in = inode(folder, staged)?;
    folder.exchange(staged, name, there)?;
    if is_expected(&folder.look(staged)?) {
        return Ok(Exchanged::Done);
    }
    for _ in 0..ROUNDS {
        let putting_in = inode(folder, staged)?;
        folder.exchange(staged, name, back)?;
        // Unless what was put in comes out, somebody wrote once more, and that has to go back.
        if inode(folder, staged)? == put_in {
            return Ok(Exchanged::PutBack);
        }
        put_in = putting_in;
    }
    Err(Errno::AGAIN)
}

/// Returns which file a name is.
fn inode(folder: &Folder, name: &[u8]) -> Result<u64, Errno> {
    folder
        .status(name)?
        .map(|status| status.st_ino)
        .ok_or(Errno::NOENT)
}

/// Returns the file that is to be written, as it is now.
///
/// # Errors
///
/// Why it is not written, in a sentence without an end.
pub(super) fn check(seen: Seen, before: &str) -> Result<Regular, &'static str> {
    match seen {
        Seen::Absent => Err("it is gone since the plan was made: make the plan again"),
        Seen::Other(reason) => Err(reason),
        Seen::File(file) if file.status.st_nlink != 1 => Err(
            "it has more than one name (hard links), and the others would keep the old content: write it by hand",
        ),
        Seen::File(file) if file.digest != before => {
            Err("somebody else changed it since the plan was made: make the plan again")
        }
        Seen::File(file) => {
            debug_assert_eq!(
                FileType::from_raw_mode(file.status.st_mode),
                FileType::RegularFile
            );
            Ok(file)
        }
    }
}
