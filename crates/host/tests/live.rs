//! The machine that the tests run on, with processes of our own on it. No test needs root; where it is
//! there, more is tried.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "tests make the files and processes that are read, and say what they skip"
)]

mod support;

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use kubeassay_core::facts::{
    Facts, FileFacts, FileKind, Need, NeedKind, Problem, ProcessFacts, RecognisedBy, ServiceFacts,
    Source, View,
};
use kubeassay_core::{Bytes, Cause};
use kubeassay_host::{Guide, Host, HostError, collect};
use support::{file, need, options};
use tempfile::TempDir;

/// Always needs the same files.
struct Fixed(Vec<Need>);

impl Guide for Fixed {
    fn needs(&self, _: &ProcessFacts) -> Vec<Need> {
        self.0.clone()
    }

    fn needs_of_service(&self, _: &ServiceFacts) -> Vec<Need> {
        Vec::new()
    }

    fn needs_of_node(&self, _facts: &Facts) -> kubeassay_host::NodeNeeds {
        Box::new(|_| Vec::new())
    }

    fn unit_folders(&self) -> &'static [&'static str] {
        &[]
    }

    fn program_of_unit(&self, _: &[u8]) -> Option<Bytes> {
        None
    }

    fn executable_of_service(&self, _: &ServiceFacts) -> Option<Bytes> {
        None
    }

    fn redact_arguments(&self, argv: Vec<Bytes>) -> Vec<Bytes> {
        argv
    }

    fn redact_content(&self, content: Vec<u8>) -> Vec<u8> {
        content
    }

    fn redact_service(&self, _: &mut ServiceFacts) {}
}

/// A process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn facts_with(host: &Host, needs: Vec<Need>) -> Facts {
    collect(host, &Fixed(needs), &options(Duration::from_mins(2)))
}

fn live(needs: Vec<Need>) -> Facts {
    facts_with(&Host::open(None).unwrap(), needs)
}

/// Copies a program that only waits, under another name.
fn waiting_program(folder: &Path, name: &str) -> PathBuf {
    let path = folder.join(name);
    fs::copy("/bin/sleep", &path).unwrap();
    path
}

fn start(command: &mut Command) -> Running {
    command.stdin(Stdio::piped());
    let spawned = loop {
        match command.spawn() {
            // Another test's new process still holds the file open that we wrote, until it runs its own.
            Err(error) if error.kind() == ErrorKind::ExecutableFileBusy => {
                std::thread::sleep(Duration::from_millis(5));
            }
            spawned => break spawned.unwrap(),
        }
    };
    let running = Running(spawned);
    // Until it is the program that it will be: before that it is a copy of this one.
    let exe = format!("/proc/{}/exe", running.0.id());
    let own = fs::read_link("/proc/self/exe").unwrap();
    while fs::read_link(&exe).is_ok_and(|exe| exe == own) {
        std::thread::sleep(Duration::from_millis(5));
    }
    // The kernel gives it its name and arguments a moment after its executable; one that ended has neither.
    let cmdline = format!("/proc/{}/cmdline", running.0.id());
    while fs::read_link(&exe).is_ok() && fs::read(&cmdline).is_ok_and(|read| read.is_empty()) {
        std::thread::sleep(Duration::from_millis(1));
    }
    running
}

fn process<'a>(facts: &'a Facts, running: &Running) -> &'a ProcessFacts {
    let found = facts
        .processes
        .iter()
        .find(|process| process.pid == running.0.id());
    found.expect("the process is a candidate")
}

fn cause(file: &FileFacts) -> Option<Cause> {
    file.problem.as_ref().map(|problem| problem.cause)
}

#[test]
fn a_well_known_program_with_another_name_is_found_by_that() {
    let folder = TempDir::new().unwrap();
    let sleep = waiting_program(folder.path(), "sleep");
    let kubelet = folder.path().join("kubelet");
    let run = |path: &Path| start(Command::new(path).arg("600"));
    let passed_over = [run(&sleep), run(&sleep)];
    fs::hard_link(&sleep, &kubelet).unwrap();
    let renamed = run(&kubelet);
    let facts = live(Vec::new());
    let found = |running: &Running| facts.processes.iter().any(|one| one.pid == running.0.id());
    assert!(!passed_over.iter().any(found));
    assert_eq!(
        process(&facts, &renamed).recognised_by[0].by,
        RecognisedBy::ExeName
    );
}

#[test]
fn a_running_kubelet_is_found_with_what_it_reads() {
    let folder = TempDir::new().unwrap();
    let at = |path: &str| folder.path().join(path).to_str().unwrap().to_owned();
    let program = waiting_program(folder.path(), "kubelet");
    fs::write(at("c.yaml"), "mode: Webhook\n").unwrap();
    fs::create_dir(at("conf.d")).unwrap();
    fs::write(at("conf.d/10.conf"), "").unwrap();
    symlink("c.yaml", at("link.yaml")).unwrap();
    symlink("loop", at("loop")).unwrap();
    symlink("/dev/stdin", at("in")).unwrap();
    symlink("/proc/self/environ", at("environ")).unwrap();
    make_fifo(&at("fifo"));
    // More arguments than a page.
    let running = start(
        Command::new(&program)
            .arg("600")
            .args(vec!["0.000001"; 2000])
            .current_dir(folder.path())
            .env("KUBELET_CONFIG_DROPIN_DIR_ALPHA", "on")
            .env("SECRET", "x"),
    );
    let facts = live(vec![
        need(NeedKind::Content, &at("c.yaml")),
        need(NeedKind::Content, &at("link.yaml")),
        need(NeedKind::Content, &at("loop")),
        need(NeedKind::Content, &at("in")),
        need(NeedKind::Content, &at("environ")),
        need(NeedKind::Content, &at("fifo")),
        need(NeedKind::Content, &at("none")),
        need(NeedKind::Content, "/dev/null"),
        need(NeedKind::Presence, "/dev/null"),
        need(NeedKind::Listing, &at("conf.d")),
    ]);
    assert_eq!(facts.source, Source::Live);
    assert!(facts.node.process_table.seen > 1);
    let kubelet = process(&facts, &running);
    let by: Vec<RecognisedBy> = kubelet.recognised_by.iter().map(|seen| seen.by).collect();
    assert_eq!(
        by,
        [
            RecognisedBy::ExeName,
            RecognisedBy::Comm,
            RecognisedBy::Argv0
        ]
    );
    assert_eq!(kubelet.argv.len(), 2002);
    assert_eq!(kubelet.exe, Some(Bytes::from(program.to_str().unwrap())));
    assert!(!kubelet.exe_deleted);
    assert_eq!(
        kubelet.cwd,
        Some(Bytes::from(folder.path().to_str().unwrap()))
    );
    assert_eq!(kubelet.view, View::Own);
    let environment = kubelet.environment.as_ref().unwrap();
    assert_eq!(environment.len(), 1);
    assert_eq!(
        environment["KUBELET_CONFIG_DROPIN_DIR_ALPHA"],
        Bytes::from("on")
    );
    let started = kubelet.started.unwrap();
    assert!(started.error_ms < 1000);
    let age = facts.finished.duration_since(started.at).as_secs_f64();
    assert!((-0.1..120.0).contains(&age), "{age}");

    let config = file(kubelet, NeedKind::Content, &at("c.yaml"));
    assert_eq!(config.content, Some("mode: Webhook\n".into()));
    // It was written before the process was started; clocks and ticks included.
    let changed = config.last_change().unwrap();
    assert!(changed.duration_since(started.at).as_millis() <= i128::from(started.error_ms));
    assert!(changed.duration_since(started.at).as_secs() > -120);
    assert_eq!(
        file(kubelet, NeedKind::Content, &at("link.yaml"))
            .links
            .len(),
        1
    );
    for path in ["in", "environ", "fifo"] {
        assert_eq!(
            cause(file(kubelet, NeedKind::Content, &at(path))),
            Some(Cause::NotRegular),
            "{path}"
        );
    }
    for path in ["loop", "none"] {
        assert_eq!(
            cause(file(kubelet, NeedKind::Content, &at(path))),
            Some(Cause::Missing),
            "{path}"
        );
    }
    let device = file(kubelet, NeedKind::Presence, "/dev/null");
    assert_eq!(
        (device.kind, cause(device)),
        (Some(FileKind::CharacterDevice), None)
    );
    assert_eq!(
        cause(file(kubelet, NeedKind::Content, "/dev/null")),
        Some(Cause::NotRegular)
    );
    let listing = file(kubelet, NeedKind::Listing, &at("conf.d"));
    assert_eq!(listing.entries.as_ref().unwrap().len(), 1);
}

fn make_fifo(path: &str) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[test]
fn names_that_lie_are_seen_through() {
    let folder = TempDir::new().unwrap();
    let deleted = waiting_program(folder.path(), "kubelet");
    let replaced = start(Command::new(&deleted).arg("600"));
    fs::remove_file(&deleted).unwrap();
    // Another name for the program, the right one for the argument.
    let agent = waiting_program(folder.path(), "node-agent");
    let renamed = start(Command::new(&agent).arg0("/usr/bin/kubelet").arg("600"));
    // A script, and a well-known program with the right first argument.
    let script = folder.path().join("kubelet");
    fs::write(&script, "#!/bin/sh\nread line\n").unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let script = start(&mut Command::new(&script));
    let sleep = start(Command::new("/bin/sleep").arg0("kubelet").arg("600"));

    let facts = live(Vec::new());
    let replaced = process(&facts, &replaced);
    assert!(replaced.exe_deleted);
    assert!(
        replaced
            .exe
            .as_ref()
            .unwrap()
            .as_slice()
            .ends_with(b"/kubelet")
    );
    let renamed = process(&facts, &renamed);
    assert_eq!(renamed.recognised_by[0].by, RecognisedBy::Argv0);
    assert_eq!(renamed.comm, Some("node-agent".into()));
    for none in [&script, &sleep] {
        assert!(
            facts
                .processes
                .iter()
                .all(|process| process.pid != none.0.id())
        );
    }
}

#[test]
fn a_mounted_root_is_read_like_the_machine() {
    let folder = TempDir::new().unwrap();
    let program = waiting_program(folder.path(), "kubelet");
    let running = start(Command::new(&program).arg("600"));
    let path = folder.path().join("c.yaml");
    fs::write(&path, "x").unwrap();
    let host = Host::open(Some(Path::new("/proc/self/root"))).unwrap();
    assert_eq!(host.source(), Source::Root);
    let facts = facts_with(&host, vec![need(NeedKind::Content, path.to_str().unwrap())]);
    assert_eq!(facts.node.root, Some("/proc/self/root".into()));
    let kubelet = process(&facts, &running);
    assert_eq!(
        file(kubelet, NeedKind::Content, path.to_str().unwrap()).problem,
        None
    );
}

#[test]
fn processes_that_come_and_go_never_break_a_scan() {
    let folder = TempDir::new().unwrap();
    let program = waiting_program(folder.path(), "kubelet");
    let config = folder.path().join("c.yaml");
    fs::write(&config, "x").unwrap();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let _stop = StopsAtTheEnd(&stop);
        for _ in 0..3 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    drop(Command::new(&program).arg("0.002").status());
                }
            });
        }
        for _ in 0..40 {
            let facts = live(vec![need(NeedKind::Content, config.to_str().unwrap())]);
            // One that ended while it was read may have been started again unseen.
            let vanished = |problem: &Problem| problem.cause == Cause::Vanished;
            let unreadable = !facts.node.process_table.unreadable.is_empty();
            let said = facts.problems.iter().any(vanished) || unreadable;
            assert!(facts.complete || said);
            for problem in &facts.problems {
                assert!(
                    [Cause::Vanished, Cause::Denied].contains(&problem.cause),
                    "{problem:?}"
                );
            }
            let names = |process: &&ProcessFacts| {
                let exe = process.exe.as_ref().map(Bytes::to_string_lossy);
                exe.is_some_and(|exe| exe.starts_with(folder.path().to_str().unwrap()))
            };
            for process in facts.processes.iter().filter(names) {
                for file in &process.files {
                    assert!(
                        matches!(cause(file), None | Some(Cause::Vanished)),
                        "{file:?}"
                    );
                }
                for problem in &process.problems {
                    assert_eq!(problem.cause, Cause::Vanished, "{problem:?}");
                }
            }
        }
    });
}

/// Tells threads to stop, also where an assertion fails.
struct StopsAtTheEnd<'a>(&'a AtomicBool);

impl Drop for StopsAtTheEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn what_is_no_host_is_refused_with_the_reason() {
    let folder = TempDir::new().unwrap();
    let open = |path: &Path| Host::open(Some(path)).err().expect("no host");
    assert!(matches!(
        open(&folder.path().join("none")),
        HostError::Unreadable { .. }
    ));
    assert!(matches!(open(folder.path()), HostError::NoProc { .. }));
    fs::write(folder.path().join("proc"), "").unwrap();
    assert!(matches!(open(folder.path()), HostError::NoProc { .. }));
    fs::remove_file(folder.path().join("proc")).unwrap();
    fs::create_dir(folder.path().join("proc")).unwrap();
    assert!(matches!(open(folder.path()), HostError::EmptyProc { .. }));
    fs::create_dir(folder.path().join("proc/1")).unwrap();
    let host = Host::open(Some(folder.path())).unwrap();
    assert_eq!(host.source(), Source::Captured);
    let yaml = folder.path().join("host.yaml");
    fs::write(&yaml, "files: {/a: {txt: x}}\n").unwrap();
    assert!(matches!(open(&yaml), HostError::Captured { .. }));
}

/// Runs a shell script as root of a mount namespace of its own; none where that is not allowed. The script
/// ends by becoming `$1`.
fn in_mount_namespace(script: &str, program: &Path, folder: &Path) -> Option<Running> {
    let mut probe = Command::new("unshare");
    let probe = probe.args(["-m", "true"]).stderr(Stdio::null()).status();
    if !probe.is_ok_and(|status| status.success()) {
        eprintln!("skipped: no mount namespace without root");
        return None;
    }
    let mut command = Command::new("unshare");
    command.args(["-m", "--propagation", "private", "sh", "-ec", script, "sh"]);
    let running = start(command.arg(program).current_dir(folder));
    let comm = format!("/proc/{}/comm", running.0.id());
    let name = program.file_name().unwrap().to_str().unwrap();
    for _ in 0..400 {
        if fs::read_to_string(&comm).is_ok_and(|comm| comm.trim() == name) {
            return Some(running);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("the program did not start");
}

#[test]
fn a_file_is_read_in_the_mount_namespace_of_the_process() {
    let folder = TempDir::new().unwrap();
    let program = waiting_program(folder.path(), "kubelet");
    let path = folder.path().join("c.yaml");
    fs::write(&path, "host").unwrap();
    fs::write(folder.path().join("other"), "own").unwrap();
    let script = "mount --bind other c.yaml; exec \"$1\" 600";
    let Some(running) = in_mount_namespace(script, &program, folder.path()) else {
        return;
    };
    let facts = live(vec![need(NeedKind::Content, path.to_str().unwrap())]);
    let kubelet = process(&facts, &running);
    assert_ne!(kubelet.namespaces.mount, Some(true));
    let config = file(kubelet, NeedKind::Content, path.to_str().unwrap());
    assert_eq!(config.content, Some("own".into()));
}

#[test]
fn a_file_hidden_by_the_kubelets_own_mount_is_not_taken_for_it() {
    let folder = TempDir::new().unwrap();
    let program = waiting_program(folder.path(), "kubelet");
    let root_directory = folder.path().join("lib");
    fs::create_dir(&root_directory).unwrap();
    let path = root_directory.join("c.yaml");
    let beside = root_directory.join("beside.yaml");
    fs::write(&path, "underneath").unwrap();
    fs::write(&beside, "beside").unwrap();
    fs::write(folder.path().join("other"), "read").unwrap();
    let script = "mount --bind other lib/c.yaml; mount --bind lib lib; exec \"$1\" 600";
    let Some(running) = in_mount_namespace(script, &program, folder.path()) else {
        return;
    };
    let (path, beside) = (path.to_str().unwrap(), beside.to_str().unwrap());
    let facts = live(vec![
        need(NeedKind::Content, path),
        need(NeedKind::Content, beside),
        need(NeedKind::Listing, root_directory.to_str().unwrap()),
    ]);
    let kubelet = process(&facts, &running);
    assert_eq!(
        cause(file(kubelet, NeedKind::Content, path)),
        Some(Cause::HiddenByMount)
    );
    assert_eq!(cause(file(kubelet, NeedKind::Content, beside)), None);
}
