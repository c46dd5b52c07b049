//! k3s and RKE2: one program that brings its kubelet and writes the kubelet's files again at each start.
//!
//! Arguments for the kubelet stand in `/etc/rancher/NAME/config.yaml` as `kubelet-arg`
//! (<https://docs.k3s.io/installation/configuration>, <https://docs.rke2.io/install/configuration>). From 1.32 there is a
//! folder of drop-ins too, in which only files with the names of the program's own are written again; others are the
//! administrator's. `kubelet-arg: config=FILE` is taken by every version.

use std::fmt::Write as _;

use super::evidence::Seen;
use super::wanted::{Wanted, scalar};
use super::{Management, instead};

struct Program {
    name: &'static str,
    units: &'static [&'static str],
}

const PROGRAMS: &[Program] = &[
    Program {
        name: "k3s",
        units: &["k3s.service", "k3s-agent.service"],
    },
    Program {
        name: "rke2",
        units: &["rke2-server.service", "rke2-agent.service"],
    },
];

/// Needs the unit of the program, or a path below its folders.
pub(super) fn of(seen: &Seen<'_>, wanted: Wanted<'_>) -> Option<Management> {
    PROGRAMS
        .iter()
        .find_map(|program| one(program, seen, wanted))
}

fn one(program: &Program, seen: &Seen<'_>, wanted: Wanted<'_>) -> Option<Management> {
    let Program { name, units } = program;
    let folders = [
        format!("/var/lib/rancher/{name}/"),
        format!("/etc/rancher/{name}/"),
    ];
    let is_below = folders.iter().any(|folder| seen.is_below(folder));
    if !is_below && !seen.unit_is(units) {
        return None;
    }
    let dropins = format!("/var/lib/rancher/{name}/agent/etc/kubelet.conf.d/");
    let own = ["00-", "10-cli", "20-cli"];
    if seen.is_below(&dropins)
        && !own
            .iter()
            .any(|start| seen.is_below(&format!("{dropins}{start}")))
    {
        return None;
    }
    let flags = wanted.flags();
    let mut text = "kubelet-arg:\n".to_owned();
    for (flag, value) in &flags.taken {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  - {}", scalar(&format!("{flag}={value}")));
    }
    let file = format!("/etc/rancher/{name}/kubelet.yaml");
    let mut also_file = String::new();
    if !flags.rest.is_empty() {
        let _ = writeln!(text, "  - config={file}");
        also_file =
            format!("; no flag sets the rest, so make {file} of what follows the line `---`");
        let rest = wanted.only(&flags.rest);
        let _ = write!(text, "---\n{}", Wanted(&rest).document());
    }
    let why = if is_below {
        format!("{} belongs to {name}", seen.path)
    } else {
        format!("{} starts the kubelet within {name}", seen.service.unit)
    };
    Some(instead(
        name,
        format!("{why}, which writes the kubelet's files and arguments again at each start"),
        format!(
            "/etc/rancher/{name}/config.yaml, beside the entries that `kubelet-arg` has already{also_file}; then `systemctl restart {}`",
            if seen.unit_is(units) {
                seen.service.unit.to_string()
            } else {
                units.join("` or `systemctl restart ")
            }
        ),
        text,
    ))
}
