//! What the documentation tells people to set up, set up as it says: in a machine with a real systemd.
//!
//! Needs root and systemd-nspawn, else says that it is skipped.

#![expect(
    clippy::expect_used,
    reason = "tests fail where something is not as it should be, and say how far they are"
)]

use std::path::Path;

use assert_cmd::cargo::cargo_bin;
use kubeassay_testkit::machine::Boot;

const FORMATS: &str = include_str!("../../../docs/formats.md");
const FOLDER: &str = "/var/lib/prometheus/node-exporter";

/// Returns the block of code that stands behind `named`.
fn block(named: &str) -> &'static str {
    let (_, behind) = FORMATS.split_once(named).expect("its name");
    let (_, block) = behind.split_once("```ini\n").expect("a block");
    let (block, _) = block.split_once("```").expect("its end");
    block
}

#[test]
fn numbers_for_the_node_exporter_are_written_by_a_timer() {
    let service = "/etc/systemd/system/kubeassay.service";
    let timer = "/etc/systemd/system/kubeassay.timer";
    let program: &Path = &cargo_bin("kubeassay");
    let boot = Boot::new()
        .file(service, block(service))
        .file(timer, block(timer))
        .file(&format!("{FOLDER}/.keep"), "")
        .program("/usr/local/bin/kubeassay", program);
    let Some(machine) = boot.boot() else { return };
    machine.must(&["systemctl", "daemon-reload"]);
    machine.must(&["systemctl", "enable", "--now", "kubeassay.timer"]);
    let next = machine.must(&["systemctl", "list-timers", "--no-legend", "kubeassay.timer"]);
    assert!(next.contains("kubeassay.service"), "{next}");
    // Also where something fails or is unknown, which is for the alerts to say.
    machine.must(&["systemctl", "start", "kubeassay.service"]);
    let file = format!("{FOLDER}/kubeassay.prom");
    let read = machine.run(&[
        "setpriv",
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
        "cat",
        &file,
    ]);
    assert!(read.status.success(), "{}", machine.told(&read));
    let text = String::from_utf8_lossy(&read.stdout);
    let first = text.lines().next().unwrap_or_default();
    assert!(first.contains(", source live, "), "{first}");
    assert!(text.contains("\nkubeassay_gate_exit_code 2\n"), "{text}");
    let left = machine.must(&["ls", "-A", FOLDER]);
    assert_eq!(left, ".keep\nkubeassay.prom\n");
}
