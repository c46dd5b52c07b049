//! What the program may do: given up before a host is opened and before there is a second thread.
//!
//! A host is full of other people's bytes, and who runs a scan is root. So the first thing after the
//! command line is to keep only what reading needs: `CAP_DAC_READ_SEARCH`, to read files and search folders
//! of every user, and `CAP_SYS_PTRACE`, to look into processes of every user. What parses those bytes can
//! then write no file of another user, send no signal to one, mount, load or trace nothing, and never get
//! any of that back.

use std::fmt;
use std::io;

use kubeassay_core::facts::Reader;
use rustix::io::Errno;
use rustix::thread::{self, CapabilitySet, CapabilitySets};

/// What reading a host needs.
const TO_READ_A_HOST: CapabilitySet =
    CapabilitySet::DAC_READ_SEARCH.union(CapabilitySet::SYS_PTRACE);

/// What mending a node needs besides: no more than replacing a file and leaving it as it was takes.
///
/// - `CAP_DAC_OVERRIDE`: writes in folders whose permissions do not let root in, as in `/etc` with mode 0555, and makes
///   the new file beside one of whatever user.
/// - `CAP_CHOWN`: gives the new file the owner and group of the old one.
/// - `CAP_FOWNER`: sets mode, access control list and `SELinux` label of a file that is another's by then, and replaces it
///   in a folder in which only owners do (the sticky bit).
/// - `CAP_FSETID`: without it the kernel takes the set-group-ID bit from a file of a group that we are not in.
///
/// systemd wants none: it knows root by the user id of who connects, and so does `systemctl`, which gets no capability
/// (the bounding set is empty). Not kept either: `CAP_SYS_ADMIN` and `CAP_MAC_ADMIN`, which would let extended
/// attributes be written that no security module watches over (`security.ima`, or a label where `SELinux` is off); they
/// are root itself.
const TO_WRITE_A_HOST: CapabilitySet = TO_READ_A_HOST
    .union(CapabilitySet::DAC_OVERRIDE)
    .union(CapabilitySet::CHOWN)
    .union(CapabilitySet::FOWNER)
    .union(CapabilitySet::FSETID);

/// What a command keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    /// What reading a host and replacing files of it needs.
    Writing,
    /// What reading a host needs.
    Reading,
    /// Nothing: only the user's own files are read, or none.
    Nothing,
}

/// A step of giving up that the kernel refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    step: &'static str,
    errno: Errno,
}

impl fmt::Display for Refused {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let error = io::Error::from(self.errno);
        write!(
            out,
            "privileges were not given up ({}: {error}); going on with them",
            self.step
        )
    }
}

/// Gives up every privilege but those to `keep`, for good, and returns what the kernel refused.
///
/// Of what is kept only as much is there as was there before: nothing is gained, except that what was
/// permitted becomes effective. Holds for the calling thread and those that it starts.
pub(crate) fn give_up(keep: Keep) -> Vec<Refused> {
    let keep = match keep {
        Keep::Writing => TO_WRITE_A_HOST,
        Keep::Reading => TO_READ_A_HOST,
        Keep::Nothing => CapabilitySet::empty(),
    };
    let mut refused = Vec::new();
    let mut note = |step, outcome: Result<(), Errno>| {
        refused.extend(outcome.err().map(|errno| Refused { step, errno }));
    };
    // First, so that neither a set-user-ID program nor one with capabilities of its own gives any back.
    note("no_new_privs", thread::set_no_new_privs(true));
    empty_the_bounding_set();
    // Emptying the inheritable set empties this one too; before Linux 4.3 there is none.
    let _older_kernel = thread::clear_ambient_capability_set();
    note("capset", reduce_to(keep));
    refused
}

/// Removes all that may be removed from what a program that is started could get. None is started that needs any, and
/// `no_new_privs` says the same: so it matters little that it needs `CAP_SETPCAP`, which not everyone has.
fn empty_the_bounding_set() {
    for number in 0..u64::BITS {
        let one = CapabilitySet::from_bits_retain(1 << number);
        // A number that this kernel does not have ends the list.
        let Ok(is_in) = thread::capability_is_in_bounding_set(one) else {
            return;
        };
        if is_in && thread::remove_capability_from_bounding_set(one).is_err() {
            return;
        }
    }
}

fn reduce_to(keep: CapabilitySet) -> Result<(), Errno> {
    let before = thread::capabilities(None)?;
    let kept = before.permitted & keep;
    let wanted = CapabilitySets {
        effective: kept,
        permitted: kept,
        inheritable: CapabilitySet::empty(),
    };
    thread::set_capabilities(None, wanted)?;
    // A sandbox may say yes and do nothing.
    if thread::capabilities(None)? == wanted {
        Ok(())
    } else {
        Err(Errno::PERM)
    }
}

/// Returns what this program may do now, as it is written into facts; none where the kernel does not say.
pub(crate) fn reader() -> Option<Reader> {
    let effective = thread::capabilities(None).ok()?.effective;
    Some(Reader {
        uid: rustix::process::geteuid().as_raw(),
        dac_read_search: effective.contains(CapabilitySet::DAC_READ_SEARCH),
        sys_ptrace: effective.contains(CapabilitySet::SYS_PTRACE),
    })
}

/// Returns whether the program runs as root, which then is refused what root is used to.
pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Returns what to do about a file that root may not read any more, if that is what `error` is about.
pub(crate) fn mend(error: &anyhow::Error, keep: Option<Keep>) -> Option<&'static str> {
    let denied = error.chain().any(|cause| {
        let cause = cause.downcast_ref::<io::Error>();
        cause.is_some_and(|cause| cause.kind() == io::ErrorKind::PermissionDenied)
    });
    (denied && keep == Some(Keep::Nothing) && is_root()).then_some(
        "where no host is read, kubeassay gives up root's right to read the files of others; run it as the user whose file it is",
    )
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use rustix::thread::{self, CapabilitySet};

    use super::{Keep, TO_READ_A_HOST, TO_WRITE_A_HOST, give_up};
    use crate::args::Arguments;

    /// What is kept is kept of what was there: privileges are each thread's own.
    #[test]
    fn of_all_capabilities_those_are_left_that_are_needed() {
        let had = thread::capabilities(None).unwrap().permitted;
        for (keep, left) in [
            (Keep::Writing, TO_WRITE_A_HOST),
            (Keep::Reading, TO_READ_A_HOST),
            (Keep::Nothing, CapabilitySet::empty()),
        ] {
            let thread = std::thread::spawn(move || {
                assert_eq!(give_up(keep), []);
                let sets = thread::capabilities(None).unwrap();
                assert_eq!(sets.permitted, had & left, "{keep:?}");
                assert_eq!(sets.effective, had & left, "{keep:?}");
                assert_eq!(sets.inheritable, CapabilitySet::empty());
                assert!(thread::no_new_privs().unwrap());
                // What `systemctl` could get, where that could be taken away.
                if had.contains(CapabilitySet::SETPCAP) {
                    let all = |set| thread::capability_is_in_bounding_set(set);
                    assert!(!all(CapabilitySet::DAC_OVERRIDE).unwrap(), "{keep:?}");
                }
            });
            thread.join().unwrap();
        }
    }

    #[test]
    fn only_who_writes_keeps_what_writing_takes() {
        for (line, keep) in [
            ("fix 4.2.2", Some(Keep::Reading)),
            ("fix 4.2.2 --root /host", Some(Keep::Reading)),
            ("fix 4.2.2 --demo", Some(Keep::Nothing)),
            ("fix 4.2.2 --facts f", Some(Keep::Nothing)),
            ("fix 4.2.2 --apply", Some(Keep::Writing)),
            ("apply p", Some(Keep::Writing)),
            ("rollback", Some(Keep::Writing)),
            ("transactions", Some(Keep::Reading)),
            ("manifest apply p --image i", None),
            ("scan", Some(Keep::Reading)),
            ("scan --facts f", Some(Keep::Nothing)),
            ("scan --live --node-address n", Some(Keep::Nothing)),
            ("scan --cluster", Some(Keep::Nothing)),
            ("explain 4.2.2", Some(Keep::Reading)),
            ("explain 4.2.2 --demo", Some(Keep::Nothing)),
            ("collect", Some(Keep::Reading)),
        ] {
            let words = std::iter::once("kubeassay").chain(line.split(' '));
            let arguments = Arguments::try_parse_from(words).unwrap();
            assert_eq!(arguments.command.keep(), keep, "{line}");
        }
    }
}
