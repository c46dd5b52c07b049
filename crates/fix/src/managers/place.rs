//! Places that no edit outlasts: stores of images, what a package brings, what is made at each boot.
//!
//! <https://www.freedesktop.org/software/systemd/man/latest/file-hierarchy.html> for `/usr` and `/run`,
//! <https://nixos.org/manual/nix/stable/store/> for the store. A link counts by where it leads.

use kubeassay_core::Bytes;

use super::evidence::Seen;
use super::wanted::Wanted;
use super::{Management, fragment, instead};
use crate::overlay::lies_at;

const PLACES: &[(&str, &str, &str, &str)] = &[
    (
        "/nix/store/",
        "Nix",
        "the store of Nix is never written but by Nix",
        "the NixOS configuration that this file is built from (services.kubernetes.kubelet); then `nixos-rebuild switch`",
    ),
    (
        "/gnu/store/",
        "Guix",
        "the store of Guix is never written but by Guix",
        "the system configuration that this file is built from; then `guix system reconfigure`",
    ),
    (
        "/run/",
        "whoever writes it at boot",
        "what lies below /run is gone with the next boot, and somebody writes it again",
        "what this file is made from at boot; then restart the service",
    ),
    (
        "/usr/",
        "the package or image that brings it",
        "what lies below /usr belongs to a package or to an image that nobody edits",
        "a file below /etc that stands above it: a drop-in of the unit, or one in a folder that --config-dir names; then restart the service",
    ),
];

/// Needs the path, or where the links lead that were followed on the way to it. `/usr/local` is the administrator's.
pub(super) fn of(seen: &Seen<'_>, wanted: Wanted<'_>) -> Option<Management> {
    let target = seen.file().map(|file| lies_at(seen.path, &file.links));
    let found = |path: &Bytes| {
        let path = path.as_slice();
        let mut places = PLACES.iter();
        places.find(|(place, ..)| {
            path.starts_with(place.as_bytes()) && !path.starts_with(b"/usr/local/")
        })
    };
    let (place, at) = [Some(seen.path), target.as_ref()]
        .into_iter()
        .flatten()
        .find_map(|path| Some((found(path)?, path)))?;
    let (_, manager, why, into) = place;
    let leads = if at == seen.path {
        String::new()
    } else {
        format!(" leads to {at}:")
    };
    let joined = if leads.is_empty() {
        ":"
    } else {
        leads.as_str()
    };
    Some(instead(
        manager,
        format!("{}{joined} {why}", seen.path),
        (*into).to_owned(),
        fragment(seen, wanted),
    ))
}
