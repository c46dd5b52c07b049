//! `MicroK8s`: the kubelet within kubelite, its arguments in a file of the snap, one a line.
//!
//! <https://microk8s.io/docs/configuring-services>. The file is meant to be edited, but it is no unit, environment file or
//! configuration of a kubelet, so that it is left to a person.

use std::fmt::Write as _;

use super::evidence::Seen;
use super::wanted::{Wanted, left_out};
use super::{Management, instead};

/// Needs the unit of the snap, or a path below its folders.
pub(super) fn of(seen: &Seen<'_>, wanted: Wanted<'_>) -> Option<Management> {
    let is_below = seen.is_below("/var/snap/microk8s/") || seen.is_below("/snap/microk8s/");
    if !is_below && !seen.service.unit.as_slice().starts_with(b"snap.microk8s.") {
        return None;
    }
    let flags = wanted.flags();
    let mut text = String::new();
    for (flag, value) in &flags.taken {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "--{flag}={value}");
    }
    text.push_str(&left_out(
        &flags.rest,
        "no flag sets these, and MicroK8s gives its kubelet no configuration file",
    ));
    let evidence = if is_below {
        seen.path
    } else {
        &seen.service.unit
    };
    Some(instead(
        "microk8s",
        format!("the kubelet is a part of MicroK8s ({evidence}), which takes its arguments from a file of its own"),
        "/var/snap/microk8s/current/args/kubelet, in the place of lines with these flags; then `snap restart microk8s.daemon-kubelite`".to_owned(),
        text,
    ))
}
