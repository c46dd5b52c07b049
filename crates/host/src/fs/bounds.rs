//! Where a walk must not go without care: mounts for which not the kernel alone answers.
//!
//! They are told by the table of mounts before anything is looked up in them. In a mount namespace that is
//! not the host's, more may be mounted while we walk; there each step is checked once more by the id of the
//! mount that it led to, which asks nobody.

use std::collections::HashMap;

use kubeassay_core::Bytes;

use crate::proc::mountinfo::{Answering, Mount, below};

/// The mounts of one view of files.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bounds {
    slow: Vec<Slow>,
    /// Who answers, by the mount's id; only where mounts may appear while we walk.
    by_id: Option<HashMap<u64, Answering>>,
}

/// A mount for which not the kernel alone answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Slow {
    pub(crate) point: Vec<u8>,
    pub(crate) file_system: Vec<u8>,
    pub(crate) answering: Answering,
}

impl std::fmt::Display for Slow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (kind, at) = (self.file_system.as_slice(), self.point.as_slice());
        write!(f, "{} at {}", Bytes::from(kind), Bytes::from(at))
    }
}

/// What a walk has to keep to.
#[derive(Clone, Copy)]
pub(crate) struct Care<'a> {
    pub(crate) bounds: &'a Bounds,
    /// Whose mounts may be entered.
    pub(crate) allowed: Answering,
}

impl Bounds {
    /// Returns those of the host's own view.
    ///
    /// Its root has to answer for everything that runs here, kubeassay among it, so that it is asked even
    /// where a program answers for it (a node in a rootless container).
    pub(crate) fn of_host(mounts: &[Mount]) -> Self {
        let mut bounds = Self::of(mounts, mounts);
        for slow in &mut bounds.slow {
            if slow.point == b"/" {
                slow.answering = Answering::Server;
            }
        }
        bounds
    }

    /// Returns those of a process's own view, where more may be mounted at any time.
    pub(crate) fn of_process(mounts: &[Mount], of_host: &[Mount]) -> Self {
        let mut bounds = Self::of(mounts, of_host);
        let ids = of_host.iter().chain(mounts);
        bounds.by_id = Some(
            ids.map(|mount| (mount.id, answering(mount, of_host)))
                .collect(),
        );
        bounds
    }

    fn of(mounts: &[Mount], of_host: &[Mount]) -> Self {
        let slow = mounts.iter().filter_map(|mount| {
            let answering = answering(mount, of_host);
            (answering != Answering::Kernel).then(|| Slow {
                point: mount.point.clone(),
                file_system: mount.file_system.clone(),
                answering,
            })
        });
        Self {
            slow: slow.collect(),
            by_id: None,
        }
    }

    /// Returns whether any file of another process, its memory included, may lie where a server or a program
    /// has to answer for it. Mere automount points hold no files.
    pub(crate) fn are_there(&self) -> bool {
        self.slow.iter().any(|slow| slow.file_system != b"autofs")
    }

    /// Returns the mount at or above `path` that is the worst to ask, if one is worse than allowed.
    ///
    /// Also one that is covered by another mount: whether it is cannot always be told, and the second thread
    /// costs little.
    pub(crate) fn bar(&self, path: &[u8], allowed: Answering) -> Option<&Slow> {
        self.slow
            .iter()
            .filter(|slow| slow.answering > allowed && below(path, &slow.point).is_some())
            .max_by_key(|slow| slow.answering)
    }

    /// Returns whether steps are to be checked by the mounts that they lead to.
    pub(crate) const fn checks_steps(&self) -> bool {
        self.by_id.is_some()
    }

    /// Returns who answers for the mount of this id: a program, where nobody knows it.
    pub(crate) fn answering(&self, id: u64) -> Answering {
        let known = self.by_id.as_ref().and_then(|by_id| by_id.get(&id));
        known.copied().unwrap_or(Answering::Program)
    }
}

/// Returns who answers for a mount: for an overlay, whoever answers for the worst of its layers, as far as
/// the host's table tells where they lie.
fn answering(mount: &Mount, of_host: &[Mount]) -> Answering {
    let layers = mount.layers().flat_map(|layer| {
        let lies_on = |on: &&Mount| {
            on.id != mount.id && on.point != b"/" && below(layer, &on.point).is_some()
        };
        of_host.iter().filter(lies_on).map(Mount::answering)
    });
    layers
        .chain([mount.answering()])
        .max()
        .unwrap_or(Answering::Server)
}

#[cfg(test)]
mod tests {
    use super::Bounds;
    use crate::proc::mountinfo::{Answering, parse};

    const TABLE: &[u8] = b"27 1 8:1 / / rw - ext4 /dev/sda1 rw\n28 27 0:3 / /n rw - nfs4 s:/ rw\n29 28 0:4 / /n/f rw - fuse.sshfs s rw\n30 27 0:5 / /boot rw - autofs systemd-1 rw\n31 27 0:6 / /o rw - overlay o rw,lowerdir=/l:/n/f/x\n32 27 0:7 / /p rw - overlay o rw,lowerdir=/l\n";

    #[test]
    fn the_worst_on_the_way_bars_it() {
        let bounds = Bounds::of_host(&parse(TABLE));
        for (path, inline, aside) in [
            ("/etc/k", None, None),
            ("/n", Some("/n"), None),
            ("/n/c", Some("/n"), None),
            ("/nn/c", None, None),
            ("/n/f/c", Some("/n/f"), Some("/n/f")),
            ("/boot/c", Some("/boot"), None),
            ("/o/c", Some("/o"), Some("/o")),
            ("/p/c", None, None),
        ] {
            let bar = |allowed| {
                let slow = bounds.bar(path.as_bytes(), allowed);
                slow.map(|slow| String::from_utf8_lossy(&slow.point).into_owned())
            };
            assert_eq!(bar(Answering::Kernel).as_deref(), inline, "{path}");
            assert_eq!(bar(Answering::Server).as_deref(), aside, "{path}");
        }
        assert!(bounds.are_there());
        let automount = parse(b"30 27 0:5 / /boot rw - autofs systemd-1 rw\n");
        assert!(!Bounds::of_host(&automount).are_there());
    }

    #[test]
    fn the_hosts_own_root_is_asked_whoever_answers_and_no_other() {
        let table = parse(b"27 1 0:9 / / rw - fuse.fuse-overlayfs f rw\n");
        assert!(
            Bounds::of_host(&table)
                .bar(b"/etc", Answering::Server)
                .is_none()
        );
        assert!(
            Bounds::of_process(&table, &[])
                .bar(b"/etc", Answering::Server)
                .is_some()
        );
    }

    #[test]
    fn a_mount_that_no_table_lists_is_not_asked() {
        let bounds = Bounds::of_process(&parse(TABLE), &[]);
        let found = [27, 28, 29, 99].map(|id| bounds.answering(id));
        let wanted = [
            Answering::Kernel,
            Answering::Server,
            Answering::Program,
            Answering::Program,
        ];
        assert_eq!(found, wanted);
    }
}
