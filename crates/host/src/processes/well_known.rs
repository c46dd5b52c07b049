//! Processes that are passed over at a glance: on most machines most of them run the same few programs.

use kubeassay_core::facts::Trouble;

use super::{Executable, Survey};
use crate::fs::Identity;
use crate::programs::{self, base_name};

impl Survey<'_> {
    /// Returns whether a process runs a well-known program, without opening its directory.
    ///
    /// Its id may be given to another process between both looks. That one began after the ids were listed, so that it
    /// need not be seen.
    pub(super) fn runs_a_well_known(&mut self, pid: u32) -> bool {
        let proc = self.host.proc();
        if !proc.is_live() || self.namespaces.bounds().are_there() {
            return false;
        }
        let path = format!("{pid}/exe");
        let Some(status) = proc.status_behind(&path) else {
            return false;
        };
        let identity = status.identity;
        // What has one name on one mount goes by it in every process.
        let has_one_name = status.names == 1 && identity.mount.is_some();
        if has_one_name && self.well_known.contains(&identity) {
            return true;
        }
        let exe = proc.link(&path).map(Executable::said);
        let is_well_known = exe.is_ok() && self.is_well_known(&exe, Some(identity));
        if is_well_known && has_one_name {
            self.well_known.insert(identity);
        }
        is_well_known
    }

    /// Returns whether it runs a well-known program from a file that was looked at before and is no kubelet.
    /// Then it does not matter what it calls itself, and on most machines most processes run the same few.
    pub(super) fn is_well_known(
        &self,
        exe: &Result<Executable, Trouble>,
        identity: Option<Identity>,
    ) -> bool {
        let (Ok(exe), Some(identity)) = (exe, identity) else {
            return false;
        };
        programs::is_other(base_name(&exe.path))
            && self.known_path(identity).is_none()
            && self.binaries.is_known_to_be_none(identity)
    }
}
