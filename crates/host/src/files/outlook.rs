//! From where a process looks at its files: its root, its mounts, and whose they are.

use std::rc::Rc;
use std::sync::Arc;

use kubeassay_core::Cause;
use kubeassay_core::facts::{Trouble, View};

use super::{Scene, Sight, Whom};
use crate::aside::Aside;
use crate::fs::Handle;
use crate::fs::bounds::{Bounds, Care};
use crate::fs::walk::{self, Last};
use crate::host::Host;
use crate::namespaces::{HostNamespaces, MOST_MOUNTS};
use crate::proc::ProcessDirectory;
use crate::proc::mountinfo::{self, Answering};

/// What the kernel says of the view of a process, before anything in it is looked up.
pub(crate) struct Outlook<'a> {
    host: &'a Host,
    namespaces: &'a HostNamespaces,
    directory: &'a ProcessDirectory,
    /// Its table of mounts.
    table: Vec<u8>,
    /// Its mounts are those of the host's first process.
    shared: bool,
    /// It is the host's own, and no tenant's.
    own: bool,
    /// Its root is that of its mount namespace, and of ours.
    at_the_root: bool,
}

impl<'a> Outlook<'a> {
    /// Returns that of the process of `directory`.
    pub(crate) fn of(
        host: &'a Host,
        namespaces: &'a HostNamespaces,
        directory: &'a ProcessDirectory,
    ) -> Self {
        let table = directory.read("mountinfo", MOST_MOUNTS).unwrap_or_default();
        let uid = directory.status().ok().map(|status| status.uid);
        Self {
            shared: namespaces.shares_mounts(host.proc(), directory, &table),
            own: !directory.is_live() || namespaces.is_own(directory, uid),
            at_the_root: is_at_the_root(directory),
            host,
            namespaces,
            directory,
            table,
        }
    }

    /// Returns what the process sees from its `root`; without one, from where its recorded link leads.
    pub(crate) fn from(self, root: Result<Option<Handle>, Trouble>, aside: &Rc<Aside>) -> Sight {
        let Self {
            host,
            namespaces,
            directory,
            table,
            shared,
            own,
            at_the_root,
        } = self;
        let root = root.and_then(|root| match root {
            Some(root) => Ok(root),
            None => recorded_root(host, directory),
        });
        let (view, root) = match root {
            Ok(root) => (View::Own, Ok(root)),
            Err(_) if namespaces.is_host_view(host.proc(), &table) => {
                (View::Host, Ok(Arc::clone(host.root())))
            }
            Err(trouble) => (View::Denied, Err(trouble)),
        };
        let live = directory.is_live();
        let mounts = mountinfo::parse(&table);
        let bounds = match (live, own && at_the_root) {
            // What was recorded answers.
            (false, _) => Bounds::default(),
            (true, true) => Bounds::of_host(&mounts),
            (true, false) => Bounds::of_process(&mounts, namespaces.mounts()),
        };
        Sight {
            view,
            scene: Arc::new(Scene {
                root,
                mounts,
                bounds,
                shared,
                recorded: !live,
                seen: Arc::clone(aside.seen()),
            }),
            aside: Rc::clone(aside),
            whom: match own {
                _ if host.is_silent() => Whom::File,
                true => Whom::Kernel,
                false => Whom::Tenant(directory.whom()),
            },
        }
    }
}

fn recorded_root(host: &Host, directory: &ProcessDirectory) -> Result<Handle, Trouble> {
    let target = match directory.link("root") {
        Ok(target) => target,
        // A capture need not have it: then the whole tree is what the process sees.
        Err(trouble) if trouble.cause == Cause::Missing => b"/".to_vec(),
        Err(trouble) => return Err(trouble),
    };
    let care = Care {
        bounds: &Bounds::default(),
        allowed: Answering::Kernel,
    };
    let found = walk::find(host.root(), &target, Last::Follow, care);
    Ok(found.map_err(|lost| lost.trouble)?.node)
}

/// Returns whether the root of a process is that of its mount namespace, and of ours.
fn is_at_the_root(directory: &ProcessDirectory) -> bool {
    directory.link("root").is_ok_and(|root| root == b"/")
}
