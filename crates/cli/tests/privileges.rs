//! What the program may do while it reads: less than whoever started it. Where root is not there, what
//! needs it is skipped, and says so.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "tests start the program, look at it and at its files, and say what they skip"
)]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value as Json;
use tempfile::TempDir;

/// `CAP_DAC_READ_SEARCH` and `CAP_SYS_PTRACE` in the masks of `/proc/PID/status`.
const TO_READ_A_HOST: u64 = 1 << 2 | 1 << 19;
/// `CAP_SETPCAP`: without it nobody changes what started programs could get.
const SETPCAP: u64 = 1 << 8;
/// Somebody who owns nothing.
const NOBODY: u32 = 65_534;

fn program() -> PathBuf {
    assert_cmd::cargo::cargo_bin("kubeassay")
}

fn kubeassay(arguments: &[&str]) -> Command {
    let mut command = Command::new(program());
    command
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    command
}

/// A host on which one read never answers.
fn blocked() -> String {
    let host = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hosts/blocked-config.yaml");
    host.to_str().unwrap().to_owned()
}

fn is_root() -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        eprintln!("skipped: not root");
    }
    root
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A program that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl Running {
    fn start(command: &mut Command) -> Self {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        Self(command.stderr(Stdio::piped()).spawn().unwrap())
    }

    fn is_over(&mut self) -> bool {
        self.0.try_wait().unwrap().is_some()
    }
}

/// What `/proc` says of a thread's privileges.
#[derive(Debug, PartialEq, Eq)]
struct Sets(BTreeMap<String, u64>);

impl Sets {
    fn of(status: &Path) -> Option<Self> {
        let content = fs::read_to_string(status).ok()?;
        let lines = content.lines().filter_map(|line| line.split_once(":\t"));
        let sets = lines.filter(|(key, _)| key.starts_with("Cap") || *key == "NoNewPrivs");
        let sets =
            sets.map(|(key, value)| (key.to_owned(), u64::from_str_radix(value, 16).unwrap()));
        Some(Self(sets.collect()))
    }

    /// What `keep` of our own privileges leaves.
    fn kept(keep: u64) -> Self {
        let mut sets = Self::of(Path::new("/proc/self/status")).unwrap().0;
        let left = sets["CapPrm"] & keep;
        if sets["CapEff"] & SETPCAP != 0 {
            sets.insert("CapBnd".to_owned(), 0);
        }
        for (set, left) in [
            ("CapPrm", left),
            ("CapEff", left),
            ("CapInh", 0),
            ("CapAmb", 0),
            ("NoNewPrivs", 1),
        ] {
            sets.insert(set.to_owned(), left);
        }
        Self(sets)
    }
}

/// Returns the privileges of every thread of a program, by the thread's name, once there are `threads`.
fn threads(running: &mut Running, threads: usize) -> BTreeMap<String, Sets> {
    let tasks = PathBuf::from(format!("/proc/{}/task", running.0.id()));
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(20) && !running.is_over() {
        std::thread::sleep(Duration::from_millis(20));
        let sets: BTreeMap<String, Sets> = fs::read_dir(&tasks)
            .into_iter()
            .flatten()
            .filter_map(|task| {
                let task = task.ok()?.path();
                let name = fs::read_to_string(task.join("comm")).ok()?;
                Some((name.trim().to_owned(), Sets::of(&task.join("status"))?))
            })
            .collect();
        let given_up = |sets: &Sets| sets.0["NoNewPrivs"] == 1 && sets.0["CapInh"] == 0;
        if sets.len() == threads && sets.values().all(given_up) {
            // Between two of its steps a program has not yet given up all of it.
            std::thread::sleep(Duration::from_millis(100));
            return fs::read_dir(&tasks)
                .unwrap()
                .map(|task| {
                    let task = task.unwrap().path();
                    let name = fs::read_to_string(task.join("comm")).unwrap();
                    let sets = Sets::of(&task.join("status")).unwrap();
                    (name.trim().to_owned(), sets)
                })
                .collect();
        }
    }
    panic!("the program did not come so far");
}

#[test]
fn a_host_is_read_with_two_capabilities_and_no_way_to_more() {
    let host = blocked();
    for command in [
        &["scan", "4.2.2"][..],
        &["collect"],
        &["explain", "authorization.mode"],
        &["fix", "4.2.2"],
    ] {
        let host = ["--root", &host, "--timeout", "20s"];
        let mut running = Running::start(&mut kubeassay(&[command, &host].concat()));
        let threads = threads(&mut running, 2);
        assert!(threads.contains_key("aside"), "{threads:?}");
        for (thread, sets) in threads {
            assert_eq!(sets, Sets::kept(TO_READ_A_HOST), "{command:?}: {thread}");
        }
    }
}

#[test]
fn what_needs_no_host_keeps_nothing() {
    let folder = TempDir::new().unwrap();
    // Two nodes are more than a pipe holds, so the program waits for us to read.
    for name in ["a.json", "b.json"] {
        let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/demo.json");
        fs::copy(document, folder.path().join(name)).unwrap();
    }
    let folder = folder.path().to_str().unwrap();
    let mut command = kubeassay(&["scan", "-o", "json", "--facts", folder]);
    let mut running = Running::start(&mut command);
    for (thread, sets) in threads(&mut running, 1) {
        assert_eq!(sets, Sets::kept(0), "{thread}");
    }
}

#[test]
fn a_folder_that_cannot_be_written_is_said_before_the_host_is_read() {
    if !is_root() {
        return;
    }
    let folder = TempDir::new().unwrap();
    chown(folder.path(), Some(NOBODY), None).unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let file = folder.path().join("r.json");
    let file = file.to_str().unwrap();
    for (command, instead) in [
        (
            &["scan", "-o", "json"][..],
            format!("kubeassay scan -o json > {file}"),
        ),
        (&["collect"], format!("kubeassay collect > {file}")),
    ] {
        let host = ["--output-file", file, "--root", &blocked()];
        let begin = Instant::now();
        let output = kubeassay(&[command, &host].concat()).output().unwrap();
        assert!(begin.elapsed() < Duration::from_secs(20));
        assert_eq!(output.status.code(), Some(64));
        let said = text(&output.stderr);
        assert!(
            said.contains("permission denied") && said.contains(&instead),
            "{said}"
        );
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn what_is_no_file_to_be_replaced_is_refused() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().to_str().unwrap();
    for (file, said) in [(path, "is a folder"), ("/dev/null", "is no regular file")] {
        let output = kubeassay(&["scan", "--demo", "--output-file", file])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(64));
        assert!(text(&output.stderr).contains(said));
    }
}

#[test]
fn a_file_that_cannot_be_replaced_in_the_end_is_kept_beside_it() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("facts.json");
    let arguments = [
        "collect",
        "--timeout",
        "1500ms",
        "--root",
        &blocked(),
        "--output-file",
        file.to_str().unwrap(),
    ];
    let mut running = Running::start(&mut kubeassay(&arguments));
    assert_eq!(threads(&mut running, 2).len(), 2);
    // Nothing of it is there while the host is read, so that nothing is left of a scan that is ended.
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    fs::create_dir(&file).unwrap();
    fs::write(file.join("full"), "").unwrap();
    let output = wait(running);
    assert_eq!(output.status.code(), Some(64));
    let said = text(&output.stderr);
    let kept = said.trim().rsplit(' ').next().unwrap();
    assert!(said.contains("cannot replace"), "{said}");
    let facts: Json = serde_json::from_slice(&fs::read(kept).unwrap()).unwrap();
    assert_eq!(facts["schema"], "kubeassay.facts/v1");
}

fn wait(mut running: Running) -> Output {
    let mut output = Output {
        status: running.0.wait().unwrap(),
        stdout: Vec::new(),
        stderr: Vec::new(),
    };
    let stderr = running.0.stderr.as_mut().unwrap();
    std::io::Read::read_to_end(stderr, &mut output.stderr).unwrap();
    output
}

#[test]
fn root_reads_what_belongs_to_others_where_it_reads_a_host() {
    if !is_root() {
        return;
    }
    let host = kubeassay_testkit::lay_out("kubeadm");
    let folder = TempDir::new().unwrap();
    let facts = folder.path().join("facts.json");
    fs::copy(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("src/demo.json"),
        &facts,
    )
    .unwrap();
    for private in [host.path(), folder.path(), &facts] {
        let mode = if private == facts { 0o600 } else { 0o700 };
        fs::set_permissions(private, fs::Permissions::from_mode(mode)).unwrap();
        chown(private, Some(NOBODY), None).unwrap();
    }
    let root = host.path().to_str().unwrap();
    let output = kubeassay(&["scan", "4.2.2", "--root", root])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    // Facts need no root, and so it is not used.
    let facts = facts.to_str().unwrap();
    let output = kubeassay(&["scan", "4.2.2", "--facts", facts])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(64));
    let said = text(&output.stderr);
    assert!(said.contains("hint: where no host is read"), "{said}");
}

#[test]
fn what_the_reader_lacked_is_said_once() {
    if !is_root() {
        return;
    }
    let folder = TempDir::new().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let copy = |from: &Path, name: &str| {
        let path = folder.path().join(name);
        fs::copy(from, &path).unwrap();
        path
    };
    let scanner = copy(&program(), "kubeassay");
    // A kubelet without arguments: it waits for what is never written.
    copy(Path::new("/bin/cat"), "kubelet");
    for (who, mend) in [
        (
            "--reuid=65534 --clear-groups",
            "run it as root (sudo kubeassay)",
        ),
        (
            "--bounding-set=-all --inh-caps=-all",
            "securityContext.capabilities.add",
        ),
    ] {
        // In a PID namespace of their own, so that no other process of this machine is seen.
        let script = format!(
            "sleep 60 | ./kubelet & sleep 0.5; exec setpriv {who} {} scan 4.2.2 -o json",
            scanner.display()
        );
        let output = Command::new("unshare")
            .args(["--pid", "--fork", "--mount-proc", "sh", "-c", &script])
            .current_dir(folder.path())
            .output()
            .unwrap();
        let said = text(&output.stderr);
        if output.stdout.is_empty() && said.contains("unshare failed") {
            eprintln!("skipped: no PID namespace");
            return;
        }
        let report: Json = serde_json::from_slice(&output.stdout).unwrap();
        assert!(report["findings"][0]["subject"]["pid"].is_u64(), "{who}");
        let problems = report["problems"].as_array().unwrap();
        let said: Vec<&str> = problems
            .iter()
            .map(|problem| problem["reason"].as_str().unwrap())
            .filter(|reason| reason.contains("kubeassay ran without"))
            .collect();
        let [said] = said.as_slice() else {
            panic!("{who}: {problems:?}");
        };
        assert!(
            said.starts_with("kubeassay ran without CAP_SYS_PTRACE: processes of other users"),
            "{said}"
        );
        assert!(said.contains(mend), "{said}");
    }
}

/// What a reader was refused, by the facts of captured hosts and of a reader that is made up.
#[test]
fn facts_say_what_their_reader_lacked() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("facts.json");
    let file = file.to_str().unwrap();
    let without = "kubeassay ran without";
    for (host, reader, said) in [
        (
            "denied-reads",
            (65_534, false, false),
            "kubeassay ran without CAP_DAC_READ_SEARCH: files",
        ),
        (
            "denied-reads",
            (0, true, true),
            "although kubeassay had CAP_DAC_READ_SEARCH, files",
        ),
        (
            "hidepid",
            (1000, false, false),
            "ran without CAP_SYS_PTRACE:",
        ),
        ("kubeadm", (1000, false, false), ""),
    ] {
        let root = kubeassay_testkit::host_path(host);
        let root = root.to_str().unwrap();
        let output = kubeassay(&["collect", "--root", root]).output().unwrap();
        let mut facts: Json = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(facts["reader"], Json::Null);
        let (uid, dac_read_search, sys_ptrace) = reader;
        facts["reader"] = serde_json::json!({
            "uid": uid,
            "dac_read_search": dac_read_search,
            "sys_ptrace": sys_ptrace,
        });
        fs::write(file, serde_json::to_vec(&facts).unwrap()).unwrap();
        let output = kubeassay(&["scan", "4.2.2", "-o", "json", "--facts", file]).output();
        let report: Json = serde_json::from_slice(&output.unwrap().stdout).unwrap();
        let problems = report["problems"].as_array().unwrap();
        let reasons = problems.iter().map(|one| one["reason"].as_str().unwrap());
        let about: Vec<&str> = reasons
            .filter(|reason| reason.contains(without) || reason.contains("although kubeassay"))
            .collect();
        match about.as_slice() {
            [] => assert_eq!(said, "", "{host}: {problems:?}"),
            [one] => assert!(!said.is_empty() && one.contains(said), "{host}: {one}"),
            many => panic!("{host}: said more than once: {many:?}"),
        }
    }
}
