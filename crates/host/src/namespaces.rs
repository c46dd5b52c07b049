//! Which namespaces of a process are the host's, and whose processes are a tenant's.

use std::collections::HashSet;

use kubeassay_core::facts::{Namespaces, Source};

use crate::fs::bounds::Bounds;
use crate::host::Host;
use crate::proc::mountinfo::{self, Mount};
use crate::proc::{Proc, ProcessDirectory};

/// The first namespaces of a kernel have fixed numbers (`include/linux/proc_ns.h`), so that they are known
/// where the first process's own links may not be read. Those of mounts and networks have none in older
/// kernels.
const FIRST_USER: &[u8] = b"user:[4026531837]";
const FIRST_PID: &[u8] = b"pid:[4026531836]";
/// The most of a table of mounts that is read: a busy node has tens of thousands.
pub(crate) const MOST_MOUNTS: usize = 32 << 20;

/// The namespaces of the first process of the process table: the host's.
pub(crate) struct HostNamespaces {
    mount: Option<Vec<u8>>,
    user: Option<Vec<u8>>,
    pid: Option<Vec<u8>>,
    network: Option<Vec<u8>>,
    /// Its table of mounts: ids in it are unique on a machine, so that whoever has the same one lives in the
    /// same mount namespace.
    table: Option<Vec<u8>>,
    mounts: Vec<Mount>,
    ids: HashSet<u64>,
    /// Where a walk from the host's root needs care.
    bounds: Bounds,
    /// Whether the host's root, as we reach it, is the first process's.
    ours: bool,
}

impl HostNamespaces {
    /// Reads them.
    pub(crate) fn read(host: &Host) -> Self {
        let proc = host.proc();
        let link = |name: &str| proc.link(&format!("1/ns/{name}")).ok();
        let table = proc.read("1/mountinfo", MOST_MOUNTS).ok();
        let mounts = mountinfo::parse(table.as_deref().unwrap_or_default());
        let (bounds, ours) = match host.source() {
            Source::Live => {
                let own = proc.read("self/mountinfo", MOST_MOUNTS).ok();
                let ours = own == table;
                let own = own.filter(|_| !ours).map(|own| mountinfo::parse(&own));
                (Bounds::of_host(own.as_deref().unwrap_or(&mounts)), ours)
            }
            Source::Root => (Bounds::of_host(&mounts), true),
            // What was recorded answers.
            _ => (Bounds::default(), true),
        };
        // Equal tables are those of one namespace: where the first process's link may not be read, ours says it.
        let is_ours = host.source() == Source::Live && ours && table.is_some();
        let own = || proc.link("self/ns/mnt").ok().filter(|_| is_ours);
        Self {
            mount: link("mnt").or_else(own),
            user: link("user"),
            pid: link("pid"),
            network: link("net"),
            table,
            ids: mounts.iter().map(|mount| mount.id).collect(),
            mounts,
            bounds,
            ours,
        }
    }

    /// Returns the mounts that the first process sees.
    pub(crate) fn mounts(&self) -> &[Mount] {
        &self.mounts
    }

    /// Returns whether a mount is one of the first process's.
    pub(crate) fn has_mount(&self, id: u64) -> bool {
        self.ids.contains(&id)
    }

    /// Returns where a walk from the host's root needs care.
    pub(crate) const fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    /// Returns whether a process of the user `uid` is the host's own and no tenant's: it runs as root, where the
    /// first process sees its files. Nobody else can change its memory, or what is mounted where it looks.
    pub(crate) fn is_own(&self, process: &ProcessDirectory, uid: Option<u32>) -> bool {
        let Some(host) = &self.mount else {
            return false;
        };
        // The first process is, even where its links may not be read.
        if process.pid == 1 {
            return true;
        }
        uid == Some(0) && process.link("ns/mnt").is_ok_and(|own| own == *host)
    }

    /// Returns whether a process has the network of the first process; nothing where it could not be told.
    pub(crate) fn shares_network(&self, process: &ProcessDirectory) -> Option<bool> {
        let host = self.network.as_deref()?;
        let own = process.link("ns/net").ok()?;
        Some(own == host)
    }

    /// Returns whether a process is known to live in another user namespace than the first process.
    pub(crate) fn is_of_other_users(&self, process: &ProcessDirectory) -> bool {
        let host = self.user.as_deref().unwrap_or(FIRST_USER);
        process.link("ns/user").is_ok_and(|own| own != host)
    }

    /// Returns whether a process has the mounts of the first process, of which `table` is what it sees.
    pub(crate) fn shares_mounts(
        &self,
        proc: &Proc,
        process: &ProcessDirectory,
        table: &[u8],
    ) -> bool {
        if let (Some(host), Ok(own)) = (&self.mount, process.link("ns/mnt")) {
            return own == *host;
        }
        self.sees_the_same(proc, table)
    }

    /// Returns whether a process with this table of mounts sees what the host's root shows us.
    pub(crate) fn is_host_view(&self, proc: &Proc, table: &[u8]) -> bool {
        self.ours && self.sees_the_same(proc, table)
    }

    /// Equal tables are those of one mount namespace and one root. Mounts come and go, so that a table that
    /// differs from the one read before is compared once more.
    fn sees_the_same(&self, proc: &Proc, table: &[u8]) -> bool {
        if table.is_empty() {
            return false;
        }
        self.table.as_deref() == Some(table)
            || proc
                .read("1/mountinfo", MOST_MOUNTS)
                .is_ok_and(|now| now == table)
    }

    /// Returns which namespaces of a process are the same.
    pub(crate) fn compare(&self, proc: &Proc, process: &ProcessDirectory) -> Namespaces {
        let compare = |name: &str, host: Option<&[u8]>, first: Option<&[u8]>| {
            let own = process.link(&format!("ns/{name}")).ok()?;
            match (host, first) {
                (Some(host), _) => Some(own == host),
                // In the kernel's first one is whoever is in no container at all.
                (None, Some(first)) if own == first => Some(true),
                (None, _) => None,
            }
        };
        let mount = compare("mnt", self.mount.as_deref(), None).or_else(|| {
            let own = process.read("mountinfo", MOST_MOUNTS).ok()?;
            // Another table can also be that of another root in the same namespace.
            self.sees_the_same(proc, &own).then_some(true)
        });
        Namespaces {
            mount,
            user: compare("user", self.user.as_deref(), Some(FIRST_USER)),
            pid: compare("pid", self.pid.as_deref(), Some(FIRST_PID)),
            network: compare("net", self.network.as_deref(), None),
        }
    }
}
