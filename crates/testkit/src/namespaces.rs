//! A machine of its own for a test: namespaces in which the test is the first process, and can put what it likes where
//! a node has its services, without anybody outside seeing it.
//!
//! The test program starts itself once more through `unshare`(1). All that was started inside ends with that process,
//! and all that was mounted is gone with it.

use std::fs;
use std::path::Path;
use std::process::Command;

/// Set inside; the name of the test.
const INSIDE: &str = "KUBEASSAY_TEST_INSIDE";
/// Makes of an empty network one of a machine with an address (of RFC 5737) that a kubelet takes for its node's.
const NETWORK: &str =
    "ip link set dev lo up && ip address add 192.0.2.2/32 dev lo && ip route add default dev lo";
/// Where a machine has its name servers.
const NAME_SERVERS: &str = "/etc/resolv.conf";
/// Folders that begin empty. Systemd's of this machine might have a kubelet; sockets of systemd and D-Bus lie in
/// `/run`, and `/var/lib` is where kubelets and kubeassay keep what they have.
const EMPTY: [&str; 5] = [
    "/run",
    "/var/lib",
    "/etc/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
];

/// Returns whether this is the run of the test called `name` inside; else does that run, and afterwards the test is
/// over. Where there can be no such run, says so on stderr.
///
/// # Panics
///
/// If the run inside fails.
#[expect(
    clippy::print_stderr,
    reason = "a test that does not run says so, and what it said inside is said outside"
)]
pub fn enter(name: &str) -> bool {
    if std::env::var_os(INSIDE).is_some_and(|inside| inside == name) {
        hide();
        return true;
    }
    let unshare = || {
        let mut command = Command::new("unshare");
        command
            .args(["--mount", "--propagation", "private", "--cgroup", "--net"])
            .args(["--pid", "--fork", "--kill-child", "--mount-proc"]);
        command
    };
    let probe = unshare().args(["sh", "-c", NETWORK]).output();
    if !probe.is_ok_and(|output| output.status.success()) {
        eprintln!(
            "skipped: needs unshare(1) of util-linux, ip(8) of iproute2, and a machine that lets them"
        );
        return false;
    }
    let program = std::env::current_exe()
        .unwrap_or_else(|error| panic!("no program to start once more: {error}"));
    let output = unshare()
        .arg(program)
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env(INSIDE, name)
        .env("TMPDIR", "/var/lib")
        .output()
        .unwrap_or_else(|error| panic!("unshare: {error}"));
    let said = [&output.stdout[..], &output.stderr[..]].map(String::from_utf8_lossy);
    // That no test has this name would be a success too.
    assert!(
        output.status.success() && said[0].contains("test result: ok. 1 passed"),
        "{name}, inside: {}\n{}{}",
        output.status,
        said[0],
        said[1]
    );
    eprint!("{}", said[1]);
    false
}

/// Gives this process, which has to be in namespaces of its own, a network and the empty folders of a fresh machine.
///
/// # Panics
///
/// If it may not.
pub fn hide() {
    call("sh", &["-c", NETWORK]);
    for folder in EMPTY.iter().filter(|folder| Path::new(folder).is_dir()) {
        mount(&["-t", "tmpfs", "-o", "mode=0755", "tmpfs", folder]);
    }
    // Nobody answers there, and not to be answered takes long.
    if Path::new(NAME_SERVERS).exists() {
        mount(&["--bind", "/dev/null", NAME_SERVERS]);
    }
    // As systemd says that it is there (sd_booted(3)).
    let said = fs::create_dir_all("/run/systemd/system");
    said.unwrap_or_else(|error| panic!("/run/systemd/system: {error}"));
}

/// Calls `mount`(8).
///
/// # Panics
///
/// If it fails.
pub fn mount(arguments: &[&str]) {
    call("mount", arguments);
}

fn call(program: &str, arguments: &[&str]) {
    let output = Command::new(program).args(arguments).output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}"));
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}
