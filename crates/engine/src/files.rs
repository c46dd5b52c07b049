//! Files of a node, by what each is for: which they are, and what rules say of them.
//!
//! First counts what the components are configured to use, as their effective configuration says it; then where the
//! platform puts such files. The mode on disk now is what holds, so all findings are about now.

mod findings;
mod gather;
mod look;
mod named;
mod role;
mod view;

pub(crate) use findings::of;
pub(crate) use named::Configured;
pub(crate) use role::Role;
pub(crate) use view::named as settings;

use kubeassay_config::resolution::Resolution;
use kubeassay_core::facts::{Facts, Need, NeedKind, ProcessFacts};

use crate::manifests::Manifests;

/// The subject of rules about files, and the name that a file's settings start with in a check.
pub(crate) const ROOT: &str = "file";

/// Returns the files of the node that rules about files want to see and that are not in the facts yet.
pub(crate) fn needs(facts: &Facts, manifests: &Manifests, configured: &Configured) -> Vec<Need> {
    let mut needs = gather::gather(facts, manifests, configured).needs;
    let mut known = std::collections::BTreeSet::new();
    needs.retain(|need| known.insert(need.path.clone()));
    needs
}

/// Returns the files that the configuration of a process names and of which its facts do not say what they are like.
pub(crate) fn needs_of_process(process: &ProcessFacts) -> Vec<Need> {
    unlooked(process, named::of(process, Vec::new()))
}

/// Returns the same of a process that resolves to `newest` now, in the newest version that it may be.
pub(crate) fn needs_of_resolved(process: &ProcessFacts, newest: Resolution) -> Vec<Need> {
    unlooked(process, named::by(process, newest))
}

fn unlooked(process: &ProcessFacts, said: Vec<named::Said>) -> Vec<Need> {
    let mut needs: Vec<Need> = Vec::new();
    for said in said {
        let named::Said::File(file) = said else {
            continue;
        };
        let need = Need {
            what: NeedKind::Metadata,
            path: file.path,
        };
        if look::in_view(&process.files, &need.path).is_none() && !needs.contains(&need) {
            needs.push(need);
        }
    }
    needs
}

#[cfg(test)]
mod tests;
