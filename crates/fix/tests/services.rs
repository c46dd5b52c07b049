//! A real systemd, asked in every way that there is. Where root has systemd-nspawn; some seconds.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test, which writes into a machine of its own"
)]

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use kubeassay_core::Bytes;
use kubeassay_fix::services::{DBus, ServiceError, Services, Systemctl, UnitState, systemd};
use kubeassay_testkit::machine::{Boot, Machine};

const UNITS: [(&str, &str); 6] = [
    ("sound", "ExecStart=/bin/sleep 601"),
    ("refuses", "Type=oneshot\nExecStart=/bin/false"),
    ("crashes", "ExecStart=/bin/sh -c 'exit 3'"),
    ("hangs", "Type=oneshot\nExecStart=/bin/sleep 602"),
    (
        "stubborn",
        "TimeoutStopSec=1\nExecStart=/bin/sh -c 'trap \"\" TERM; while :; do /bin/sleep 1; done'",
    ),
    ("dependent", "ExecStart=/bin/sleep 603"),
];

const LIMIT: Duration = Duration::from_secs(30);
const SHORT: Duration = Duration::from_millis(300);

fn boot(own: &Path) -> Option<Machine> {
    let mut boot = Boot::new()
        .file("/etc/systemd/system/masked.service", "-> /dev/null")
        .program("/opt/test", own);
    for (name, service) in UNITS {
        let needs = if name == "dependent" {
            "[Unit]\nRequires=refuses.service\nAfter=refuses.service\n"
        } else {
            ""
        };
        let path = format!("/etc/systemd/system/{name}.service");
        boot = boot.file(&path, &format!("{needs}[Service]\n{service}\n"));
    }
    boot.boot()
}

fn unit(name: &str) -> Bytes {
    Bytes::from(format!("{name}.service").as_str())
}

fn words(state: &UnitState) -> [&str; 4] {
    [&state.load, &state.active, &state.sub, &state.result]
}

/// Asserts that a process of the machine, by the number that its systemd knows it by, has these arguments. A service is
/// started before its process is the program.
fn assert_arguments(root: &Path, pid: u32, wanted: &str) {
    let began = Instant::now();
    loop {
        let arguments = fs::read_to_string(root.join(format!("proc/{pid}/cmdline"))).unwrap();
        let arguments = arguments.replace('\0', " ");
        if arguments == wanted {
            return;
        }
        assert!(began.elapsed() < LIMIT, "{arguments}");
    }
}

#[test]
fn a_real_systemd_is_understood_in_every_way() {
    let own = std::env::current_exe().unwrap();
    let Some(machine) = boot(&own) else { return };
    let inside = |test| {
        let arguments = ["/opt/test", "--exact", "--ignored", "--nocapture", test];
        let output = machine.run(&arguments);
        let told = machine.told(&output);
        assert!(
            output.status.success() && told.contains("1 passed"),
            "{told}"
        );
    };
    inside("its_program_and_its_own_socket");
    if !machine.has_bus() {
        eprintln!("skipped: the machine has no bus (package dbus)");
        return;
    }
    inside("its_bus");
    // As in a pod that sees the node's root in a folder.
    let root = machine.root();
    let on_bus = systemd(&root).unwrap();
    does_all(&root, on_bus.as_ref());
    machine.must(&["systemctl", "stop", "dbus.socket", "dbus.service"]);
    inside("without_a_bus");
    let gone = on_bus.state(&unit("sound"));
    assert!(
        matches!(gone, Err(ServiceError::Unreachable(_))),
        "{gone:?}"
    );
}

#[test]
#[ignore = "runs in the machine"]
fn its_program_and_its_own_socket() {
    let root = Path::new("/");
    let systemctl = Systemctl::below(root).unwrap();
    systemctl.answers().unwrap();
    assert_eq!(systemctl.way(), "/usr/bin/systemctl");
    does_all(root, &systemctl);
    does_all(root, &DBus::on_own_socket(root).unwrap());
}

#[test]
#[ignore = "runs in the machine"]
fn its_bus() {
    let root = Path::new("/");
    let on_bus = systemd(root).unwrap();
    assert_eq!(on_bus.way(), "D-Bus");
    does_all(root, on_bus.as_ref());
}

#[test]
#[ignore = "runs in the machine"]
fn without_a_bus() {
    let systemd = systemd(Path::new("/")).unwrap();
    let way = "D-Bus, on systemd's own socket (/run/systemd/private)";
    assert_eq!(systemd.way(), way);
    let state = systemd.state(&unit("sound")).unwrap();
    assert_eq!(words(&state), ["loaded", "active", "running", "success"]);
}

fn does_all(root: &Path, systemd: &dyn Services) {
    eprintln!("{}", systemd.way());
    restarts(root, systemd);
    reads_again(root, systemd);
    fails(systemd);
    hangs(systemd);
    is_not_there(systemd);
}

fn restarts(root: &Path, systemd: &dyn Services) {
    let sound = unit("sound");
    systemd.restart(&sound, LIMIT).unwrap();
    let first = systemd.state(&sound).unwrap();
    assert_eq!(words(&first), ["loaded", "active", "running", "success"]);
    assert_eq!(first.restarts, 0);
    assert_arguments(root, first.main_pid, "/bin/sleep 601 ");
    systemd.restart(&sound, LIMIT).unwrap();
    let second = systemd.state(&sound).unwrap();
    assert_ne!(second.main_pid, first.main_pid);
    assert_ne!(second.main_pid, 0);
}

fn reads_again(root: &Path, systemd: &dyn Services) {
    let sound = unit("sound");
    let path = root.join("etc/systemd/system/sound.service.d/10-test.conf");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, "[Service]\nExecStart=\nExecStart=/bin/sleep 699\n").unwrap();
    systemd.reload().unwrap();
    systemd.restart(&sound, LIMIT).unwrap();
    let state = systemd.state(&sound).unwrap();
    assert_arguments(root, state.main_pid, "/bin/sleep 699 ");
    fs::remove_file(path).unwrap();
    systemd.reload().unwrap();
}

fn fails(systemd: &dyn Services) {
    let said = |name: &str| match systemd.restart(&unit(name), LIMIT) {
        Err(ServiceError::Failed(said)) => said,
        other => panic!("{name}: {other:?}"),
    };
    let refuses = "systemd did not restart refuses.service: the job ended as failed; it is failed (failed), with the \
        result exit-code; `journalctl -u refuses.service` says why";
    assert_eq!(said("refuses"), refuses);
    let dependent = said("dependent");
    assert!(dependent.contains("dependency"), "{dependent}");
    // To systemd a process that was started is a service that was, unless its type says otherwise.
    let crashes = unit("crashes");
    systemd.restart(&crashes, LIMIT).unwrap();
    let began = Instant::now();
    let state = loop {
        let state = systemd.state(&crashes).unwrap();
        if state.active == "failed" || began.elapsed() > LIMIT {
            break state;
        }
    };
    assert_eq!(words(&state), ["loaded", "failed", "failed", "exit-code"]);
    assert_eq!(state.main_pid, 0);
}

fn hangs(systemd: &dyn Services) {
    let stubborn = unit("stubborn");
    systemd.restart(&stubborn, LIMIT).unwrap();
    // So that its shell is deaf by now.
    std::thread::sleep(Duration::from_millis(200));
    for (name, active, sub) in [
        ("hangs", "activating", "start"),
        ("stubborn", "deactivating", "stop-sigterm"),
    ] {
        let began = Instant::now();
        let hung = systemd.restart(&unit(name), SHORT);
        let took = began.elapsed();
        let Err(ServiceError::TimedOut(said)) = hung else {
            panic!("{name}: {hung:?}");
        };
        let told =
            format!("within 0 s; it is {active} ({sub}), with the result success; the job is");
        assert!(said.contains(&told), "{said}");
        assert!(
            took >= SHORT && took < SHORT + Duration::from_secs(3),
            "{took:?}"
        );
        let state = systemd.state(&unit(name)).unwrap();
        assert_eq!(words(&state), ["loaded", active, sub, "success"]);
    }
}

fn is_not_there(systemd: &dyn Services) {
    for (name, load, told) in [
        ("masked", "masked", "Unit masked.service is masked"),
        ("unknown", "not-found", "Unit unknown.service not found"),
    ] {
        let state = systemd.state(&unit(name)).unwrap();
        assert_eq!(words(&state), [load, "inactive", "dead", "success"]);
        match systemd.restart(&unit(name), LIMIT) {
            Err(ServiceError::Failed(said)) => {
                let refused = format!("systemd refused to restart {name}.service: ");
                assert!(said.starts_with(&refused) && said.contains(told), "{said}");
            }
            other => panic!("{name}: {other:?}"),
        }
    }
}
