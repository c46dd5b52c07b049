//! The first look at every process: which directory it has, and which file it runs.
//!
//! Most processes of most machines are looked at no further, so that this is most of what a machine full of processes
//! costs. It is only the kernel's own work, which nobody can keep waiting, and every other process is looked at by another
//! thread where there is a second processor.

use std::os::fd::RawFd;
use std::sync::Arc;
use std::thread;

use kubeassay_core::facts::Trouble;
use rustix::fs::{Mode, OFlags, open};
use rustix::io::{Errno, fcntl_dupfd_cloexec};
use rustix::process::{Resource, getrlimit};
use rustix::thread::sched_getaffinity;

use crate::fs::Identity;
use crate::proc::{Proc, ProcessFiles};
use crate::processes::Executable;

/// How many processes are looked at before any of them is looked at further: each keeps a file open until then.
const AT_ONCE: usize = 256;
/// How many files may be open besides.
const BESIDES: usize = 64;
/// For fewer than these another thread costs more than it saves.
const WORTH_A_THREAD: usize = 32;

/// What is seen of a process at first.
pub(crate) struct FirstLook {
    pub(crate) files: Arc<ProcessFiles>,
    pub(crate) exe: Result<Executable, Trouble>,
    /// Which file it runs, where nobody but the kernel has to say so.
    pub(crate) identity: Option<Identity>,
}

/// What is seen of one, or why it has no directory.
type Seen = Result<FirstLook, Errno>;

/// Looks at each of `pids`, some at a time, and gives what was seen to `take`, in their order, until that says that it is
/// enough. Only with `identify` it is asked which file each runs.
pub(crate) fn at_each(
    proc: &Proc,
    pids: &[u32],
    identify: bool,
    mut take: impl FnMut(u32, Seen) -> bool,
) {
    let at_once = make_room(pids.len().min(AT_ONCE));
    for some in pids.chunks(at_once) {
        for (pid, seen) in some.iter().zip(at_some(proc, some, identify)) {
            if !take(*pid, seen) {
                return;
            }
        }
    }
}

fn at_some(proc: &Proc, pids: &[u32], identify: bool) -> Vec<Seen> {
    let look = |pids: &[u32]| -> Vec<Seen> {
        let each = pids.iter().map(|pid| at(proc, *pid, identify));
        each.collect()
    };
    if !proc.is_live() || pids.len() < WORTH_A_THREAD || !has_another_processor() {
        return look(pids);
    }
    let (here, there) = pids.split_at(pids.len() / 2);
    thread::scope(|scope| {
        let other = thread::Builder::new().spawn_scoped(scope, || look(there));
        let mut seen = look(here);
        match other.map(thread::ScopedJoinHandle::join) {
            Ok(Ok(rest)) => seen.extend(rest),
            // There is no other thread, or a fault of ours ended it.
            _ => seen.extend(look(there)),
        }
        seen
    })
}

/// Makes room for as many open files as `wanted` and some besides, and returns how many processes may be looked at: never none.
///
/// A table of files that grows while threads share it waits until no processor looks at the old one (`fs/file.c` of the
/// kernel, `expand_fdtable`): that can be longer than all else. Alone it grows at once.
fn make_room(wanted: usize) -> usize {
    let allowed = getrlimit(Resource::Nofile).current;
    let allowed = allowed.map_or(usize::MAX, |many| {
        usize::try_from(many).unwrap_or(usize::MAX)
    });
    let room = wanted.min(allowed.saturating_sub(BESIDES)).max(1);
    if let Ok(last) = RawFd::try_from(room + BESIDES)
        && let Ok(any) = open("/", OFlags::PATH | OFlags::CLOEXEC, Mode::empty())
    {
        // Where it may not be, the table grows later.
        drop(fcntl_dupfd_cloexec(&any, last - 1));
    }
    room
}

fn has_another_processor() -> bool {
    sched_getaffinity(None).is_ok_and(|processors| processors.count() > 1)
}

fn at(proc: &Proc, pid: u32, identify: bool) -> Seen {
    let files = proc.files_of(pid)?;
    Ok(FirstLook {
        exe: files.link("exe").map(Executable::said),
        identity: identify.then(|| files.identity_of_executable()).flatten(),
        files,
    })
}
