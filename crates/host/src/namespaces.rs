//! Which namespaces of a process are the host's.

use kubeassay_core::facts::Namespaces;

use crate::proc::{Proc, ProcessDirectory};

/// The first namespaces of a kernel have fixed numbers (`include/linux/proc_ns.h`), so that they are known
/// where the first process's own links may not be read. Those of mounts and networks have none in older
/// kernels.
const FIRST_USER: &[u8] = b"user:[4026531837]";
const FIRST_PID: &[u8] = b"pid:[4026531836]";

/// The namespaces of the first process of the process table: the host's.
pub(crate) struct HostNamespaces {
    mount: Option<Vec<u8>>,
    user: Option<Vec<u8>>,
    pid: Option<Vec<u8>>,
    network: Option<Vec<u8>>,
    /// Its table of mounts: ids in it are unique on a machine, so that whoever has the same one lives in the
    /// same mount namespace.
    mounts: Option<Vec<u8>>,
}

impl HostNamespaces {
    /// Reads them.
    pub(crate) fn read(proc: &Proc) -> Self {
        let link = |name: &str| proc.link(&format!("1/ns/{name}")).ok();
        Self {
            mount: link("mnt"),
            user: link("user"),
            pid: link("pid"),
            network: link("net"),
            mounts: proc.read("1/mountinfo", 32 << 20).ok(),
        }
    }

    /// Returns which namespaces of a process are the same.
    pub(crate) fn compare(&self, process: &ProcessDirectory) -> Namespaces {
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
            let own = process.read("mountinfo", 32 << 20).ok()?;
            let host = self.mounts.as_ref().filter(|host| !host.is_empty())?;
            // Another table can also be that of another root in the same namespace.
            (own == *host).then_some(true)
        });
        Namespaces {
            mount,
            user: compare("user", self.user.as_deref(), Some(FIRST_USER)),
            pid: compare("pid", self.pid.as_deref(), Some(FIRST_PID)),
            network: compare("net", self.network.as_deref(), None),
        }
    }
}
