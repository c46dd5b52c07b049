//! Who else writes a file: managers that would undo an edit, and what to give them instead or as well.
//!
//! Pure, from facts alone: marker comments, paths, packages, the operating system, labels that a provider gives its
//! nodes. A file that a manager writes is never fought.
//!
//! Each module says what evidence it needs, and where it is documented what its manager does. Who would overwrite an edit
//! comes before who would only not know of it; within that, who owns the whole node before who owns a file.

mod aks;
mod bottlerocket;
mod eks;
mod evidence;
mod gke;
mod ignition;
mod k0s;
mod kops;
mod kubeadm;
mod local;
mod marker;
mod microk8s;
mod openshift;
mod place;
mod rancher;
mod talos;
mod wanted;

use std::fmt::Write as _;

use kubeassay_core::facts::{Facts, ServiceFacts};
use kubeassay_core::plan::Paste;
use kubeassay_core::{Bytes, Value};

use evidence::Seen;
use wanted::{Wanted, left_out};

/// What a manager means for an edit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Management {
    /// Nobody else writes it, as far as the facts tell.
    None,
    /// It may be edited, and the change has to be made elsewhere too, or it does not last.
    Also {
        /// The manager, such as `kubeadm`.
        manager: &'static str,
        /// What it does, in a sentence.
        reason: String,
        /// What to change there.
        paste: Paste,
    },
    /// It must not be edited; this is the right way.
    Instead {
        /// The manager, such as `k3s`.
        manager: &'static str,
        /// Why, in a sentence, with the evidence.
        reason: String,
        /// What to change there.
        paste: Paste,
    },
}

/// Somebody who may write a file.
type Manager = fn(&Seen<'_>, Wanted<'_>) -> Option<Management>;

/// Everybody who is known, the first that answers counts.
const MANAGERS: &[Manager] = &[
    talos::of,
    bottlerocket::of,
    openshift::of,
    rancher::of,
    microk8s::of,
    k0s::of,
    kops::of,
    gke::of,
    aks::of,
    eks::of,
    marker::of,
    place::of,
    local::of,
    eks::until_replaced,
    kubeadm::of,
    ignition::of,
];

/// Returns who else writes the file at `path`, into which `settings` (path and value) would be put. The file need not be
/// there yet.
pub fn of(
    facts: &Facts,
    service: &ServiceFacts,
    path: &Bytes,
    settings: &[(&str, &Value)],
) -> Management {
    let seen = Seen {
        facts,
        service,
        path,
    };
    let wanted = Wanted(settings);
    MANAGERS
        .iter()
        .find_map(|manager| manager(&seen, wanted))
        .unwrap_or(Management::None)
}

fn also(manager: &'static str, reason: String, into: String, text: String) -> Management {
    Management::Also {
        manager,
        reason,
        paste: Paste { into, text },
    }
}

fn instead(manager: &'static str, reason: String, into: String, text: String) -> Management {
    Management::Instead {
        manager,
        reason,
        paste: Paste { into, text },
    }
}

/// Returns the settings as the file at hand would have them: arguments where it is of a unit or an environment file,
/// else lines of a configuration file.
fn fragment(seen: &Seen<'_>, wanted: Wanted<'_>) -> String {
    let path = seen.path.as_slice();
    let is_unit = path.starts_with(b"/etc/systemd/") || path.starts_with(b"/usr/lib/systemd/");
    let is_environment = path.starts_with(b"/etc/default/") || path.starts_with(b"/etc/sysconfig/");
    let flags = wanted.flags();
    let says_kind = seen
        .file()
        .and_then(|file| file.content.as_ref())
        .is_some_and(|content| {
            let kind = b"KubeletConfiguration";
            content
                .as_slice()
                .windows(kind.len())
                .any(|window| window == kind)
        });
    let takes_arguments =
        is_unit || is_environment || path.ends_with(b".env") || path.ends_with(b".service");
    if says_kind || !takes_arguments || flags.taken.is_empty() {
        return wanted.yaml(0);
    }
    let mut text = String::new();
    for (flag, value) in &flags.taken {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "--{flag}={value}");
    }
    text.push_str(&left_out(
        &flags.rest,
        "no flag sets these; they belong into the kubelet's configuration file",
    ));
    text
}

#[cfg(test)]
mod tests;
