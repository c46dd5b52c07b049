//! A host that runs, below a root of its own: a folder with a procfs of a PID namespace in which nothing else runs, so that
//! whether a kubelet runs there is unknown.

use std::fs;
use std::io::Write as _;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use serde_json::{Value as Json, json};
use tempfile::TempDir;

use super::{is_root, program};

/// A host without kubelets.
struct Rooted(TempDir);

impl Rooted {
    /// Lays it out; nothing where namespaces cannot be made.
    fn new() -> Option<Self> {
        if !is_root() {
            return None;
        }
        let folder = TempDir::new().unwrap();
        for part in ["proc", "etc", "var/lib"] {
            fs::create_dir_all(folder.path().join(part)).unwrap();
        }
        fs::write(folder.path().join("etc/hostname"), "worker-1\n").unwrap();
        fs::write(
            folder.path().join("etc/machine-id"),
            "0123456789abcdef0123456789abcdef\n",
        )
        .unwrap();
        let host = Self(folder);
        let (code, _, stderr) = host.run(&["version"]);
        if code != 0 {
            eprintln!("skipped: no namespaces: {stderr}");
            return None;
        }
        Some(host)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Installs a kubelet that is not started: the next start of its service has no limit on processes.
    fn with_a_kubelet(self) -> Self {
        for part in ["etc/systemd/system", "usr/bin", "run/dbus"] {
            fs::create_dir_all(self.path().join(part)).unwrap();
        }
        fs::copy("/bin/cat", self.path().join("usr/bin/kubelet")).unwrap();
        fs::write(self.unit(), UNIT).unwrap();
        self
    }

    fn unit(&self) -> std::path::PathBuf {
        self.path().join("etc/systemd/system/kubelet.service")
    }

    /// Returns the program as it runs where the host runs.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("unshare");
        command
            .args(["--pid", "--mount", "--fork", "sh", "-c"])
            .arg("mount -t proc proc \"$1/proc\" && shift && exec \"$@\"")
            .arg("sh")
            .arg(self.path())
            .arg(program())
            .args(arguments);
        command
    }

    /// Runs the program where the host runs.
    fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        match self.command(arguments).stdin(Stdio::null()).output() {
            Ok(output) => told(&output),
            Err(_) => (127, String::new(), "unshare is not installed".to_owned()),
        }
    }

    /// Runs a command on the host at a terminal at which somebody types `answer`, once asked; nothing where there are no
    /// terminals. What it says is on stdout.
    fn at_a_terminal(&self, arguments: &[&str], answer: &str) -> Option<(i32, String, String)> {
        let root = self.path().to_str().unwrap();
        let command = self.command(&[arguments, &["--root", root]].concat());
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        let words: Vec<String> = words
            .map(|word| format!("'{}'", word.to_str().unwrap()))
            .collect();
        let spawned = Command::new("script")
            .args(["-qefc", &words.join(" "), "/dev/null"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let Ok(mut child) = spawned else {
            eprintln!("skipped: needs script (package bsdutils)");
            return None;
        };
        // A terminal keeps what is typed until it is read.
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(answer.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        drop(stdin);
        Some(told(&output))
    }

    /// Runs a command on the host.
    fn on_it(&self, arguments: &[&str]) -> (i32, String, String) {
        let root = self.path().to_str().unwrap();
        self.run(&[arguments, &["--root", root]].concat())
    }
}

fn told(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (
        output.status.code().unwrap(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

/// The unit of a kubelet, as it is and as it is planned.
const UNIT: &str = "[Service]\nExecStart=/usr/bin/kubelet\n";
const LIMITED: &str = "ExecStart=/usr/bin/kubelet --pod-max-pids=4096";

/// What limits the processes of pods; no systemd is there to be asked.
const FIX: [&str; 4] = ["fix", "4.2.13", "--kubernetes-version", "1.34"];

#[test]
fn a_host_on_which_nothing_can_be_mended_is_left_alone() {
    let Some(host) = Rooted::new() else {
        return;
    };
    let file = host.path().join("node.plan");
    let plan = file.to_str().unwrap();
    let (code, stdout, stderr) = host.on_it(&["fix", "--all", "--output-file", plan]);
    assert_eq!((code, stdout.as_str()), (0, ""), "{stderr}");
    assert!(stderr.contains("Nothing to change"), "{stderr}");
    let (code, stdout, stderr) = host.on_it(&["apply", plan]);
    assert_eq!((code, stdout.as_str()), (0, ""), "{stderr}");
    assert!(stderr.contains("nothing to do"), "{stderr}");
    // Nobody has to be asked where there is nothing to do.
    let (code, stdout, stderr) = host.on_it(&["fix", "--all", "--apply"]);
    assert_eq!((code, stderr.as_str()), (0, ""));
    assert!(stdout.contains("Nothing to change"), "{stdout}");
    let (code, stdout, stderr) = host.on_it(&["rollback"]);
    assert_eq!((code, stdout.as_str()), (0, ""), "{stderr}");
    assert!(
        stderr.contains("there is no transaction to undo"),
        "{stderr}"
    );
    let (code, stdout, stderr) = host.on_it(&["rollback", "20261126T013000Z-4f2a9c"]);
    assert_eq!((code, stdout.as_str()), (1, ""));
    assert!(stderr.contains("there is no transaction"), "{stderr}");
    let (code, stdout, _) = host.on_it(&["transactions"]);
    assert_eq!(
        (code, stdout.as_str()),
        (0, "No transaction: kubeassay changed nothing here.\n")
    );
}

#[test]
fn a_plan_of_another_node_or_of_another_time_is_refused() {
    let Some(host) = Rooted::new() else {
        return;
    };
    let file = host.path().join("node.plan");
    let path = file.to_str().unwrap();
    let (code, _, stderr) = host.on_it(&["fix", "--all", "--output-file", path]);
    assert_eq!(code, 0, "{stderr}");
    let made: Json = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    let mut elsewhere = made.clone();
    elsewhere["node"]["id"] = json!("another");
    let mut forged = made;
    forged["restarts"] = json!([
        {"unit": "sshd.service", "subject": "/var/lib/kubelet", "by": null}
    ]);
    for (plan, said) in [
        (elsewhere, "the plan is for the node"),
        (forged, "plan again"),
    ] {
        fs::write(&file, plan.to_string()).unwrap();
        let (code, stdout, stderr) = host.on_it(&["apply", path]);
        assert_eq!((code, stdout.as_str()), (1, ""), "{stderr}");
        assert!(stderr.contains(said), "{stderr}");
    }
}

#[test]
fn nothing_is_written_unless_somebody_says_yes() {
    let Some(host) = Rooted::new() else {
        return;
    };
    let host = host.with_a_kubelet();
    let before = |what: &str| {
        assert_eq!(fs::read_to_string(host.unit()).unwrap(), UNIT, "{what}");
        assert!(!host.path().join("var/lib/kubeassay").exists(), "{what}");
    };
    let (code, stdout, stderr) = host.on_it(&FIX);
    assert_eq!((code, stderr.as_str()), (0, ""));
    assert!(stdout.contains(&format!("+{LIMITED}\n")), "{stdout}");
    assert!(
        stdout.contains("To go on without knowing: --accept"),
        "{stdout}"
    );
    before("a plan");
    // Without systemd, the state of the unit is not known.
    let apply = [&FIX[..], &["--apply"]].concat();
    let (code, stdout, stderr) = host.on_it(&[&apply[..], &["--auto-approve"]].concat());
    assert_eq!((code, stdout.as_str()), (1, ""));
    assert!(
        stderr.ends_with("error: blocked by unit: nothing was written\n"),
        "{stderr}"
    );
    before("blocked");
    let accepted = [&apply[..], &["--accept", "unit", "--accept", "unti"]].concat();
    let (code, stdout, stderr) = host.on_it(&accepted);
    assert_eq!((code, stdout.as_str()), (1, ""));
    assert!(
        stderr.contains("there is no terminal: nothing was written"),
        "{stderr}"
    );
    assert!(
        stderr.contains("--accept unti: there is no such check here"),
        "{stderr}"
    );
    before("nobody to ask");
    for answer in ["no\n", "y\n", "YES\n", "yes please\n", "\n", "\u{4}"] {
        let Some((code, said, _)) = host.at_a_terminal(&accepted, answer) else {
            return;
        };
        assert_eq!(code, 1, "{answer:?}: {said}");
        assert!(said.contains("Only \"yes\" is accepted: "), "{said}");
        assert!(said.contains("not approved: nothing was written"), "{said}");
        before(answer);
    }
    let (code, said, _) = host.at_a_terminal(&accepted, "yes\n").unwrap();
    // systemd does not take the new unit, and nothing can be started again.
    assert_eq!(code, 4, "{said}");
    assert!(said.contains("NEEDS HANDS"), "{said}");
    assert_eq!(fs::read_to_string(host.unit()).unwrap(), UNIT);
    let (code, list, _) = host.on_it(&["transactions", "-o", "json"]);
    let list: Json = serde_json::from_str(&list).unwrap();
    assert_eq!((code, &list[0]["outcome"]), (0, &json!("needs-hands")));
    let id = list[0]["id"].as_str().unwrap();
    let (code, shown, _) = host.on_it(&["transactions", "show", id]);
    assert_eq!(code, 0);
    let undo = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    let root = host.path().to_str().unwrap();
    assert!(
        undo.contains(&format!("kubeassay rollback --root {root} {id}")),
        "{shown}"
    );
    let slip = id.replace('Z', "z");
    let (code, _, stderr) = host.on_it(&["transactions", "show", &slip]);
    assert_eq!(code, 1);
    assert!(stderr.contains(&format!("did you mean `{id}`")), "{stderr}");
}

#[test]
fn a_plan_is_applied_as_it_is_or_not_at_all() {
    let Some(host) = Rooted::new() else {
        return;
    };
    let host = host.with_a_kubelet();
    let file = host.path().join("node.plan");
    let path = file.to_str().unwrap();
    let keep = [&FIX[..], &["--output-file", path, "--detailed-exitcode"]].concat();
    let (code, stdout, stderr) = host.on_it(&keep);
    assert_eq!((code, stdout.as_str()), (2, ""), "{stderr}");
    let said = stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        said.contains(&format!("kubeassay apply {path} --root")),
        "{stderr}"
    );
    let made = fs::read_to_string(&file).unwrap();
    let apply = ["apply", path, "--accept", "unit"];
    let refused = |said: &str| {
        let now = fs::read_to_string(host.unit()).unwrap();
        let (code, stdout, stderr) = host.on_it(&apply);
        assert_eq!((code, stdout.as_str()), (1, ""), "{stderr}");
        assert!(stderr.contains(said), "{said}: {stderr}");
        assert_eq!(fs::read_to_string(host.unit()).unwrap(), now);
    };
    // Whoever wants something else written.
    fs::write(
        &file,
        made.replace("--pod-max-pids=4096", "--pod-max-pids=4097"),
    )
    .unwrap();
    refused("plan again");
    fs::write(
        &file,
        made.replace("/etc/systemd/system/", "/etc/systemd/user/"),
    )
    .unwrap();
    refused("plan again");
    fs::write(&file, &made).unwrap();
    // Whoever edits the unit in between.
    fs::write(host.unit(), format!("# mine\n{UNIT}")).unwrap();
    refused("plan again");
    fs::write(host.unit(), UNIT).unwrap();
    let (code, stdout, stderr) = host.on_it(&["apply", path]);
    assert_eq!((code, stdout.as_str()), (1, ""), "{stderr}");
    assert!(stderr.contains("unit (unknown)"), "{stderr}");
    // Nobody holds it back any more.
    let (code, stdout, stderr) = host.on_it(&[&apply[..], &["-o", "yaml"]].concat());
    assert_eq!(code, 4, "{stderr}");
    let transaction: Json = serde_saphyr::from_str(&stdout).unwrap();
    assert_eq!(transaction["schema"], "kubeassay.transaction/v1");
    assert!(
        stderr.contains("kubeassay: writing /etc/systemd"),
        "{stderr}"
    );
    assert_eq!(fs::read_to_string(host.unit()).unwrap(), UNIT);
}

#[test]
fn an_interrupt_ends_nothing_in_the_middle() {
    let Some(host) = Rooted::new() else {
        return;
    };
    let host = host.with_a_kubelet();
    let file = host.path().join("node.plan");
    let path = file.to_str().unwrap();
    let (code, _, stderr) = host.on_it(&[&FIX[..], &["--output-file", path]].concat());
    assert_eq!(code, 0, "{stderr}");
    // A bus that takes every question and answers none: some seconds in which to be interrupted.
    let bus = UnixListener::bind(host.path().join("run/dbus/system_bus_socket")).unwrap();
    let root = host.path().to_str().unwrap();
    let mut child = host
        .command(&["apply", path, "--accept", "unit", "--root", root])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let children = format!("/proc/{0}/task/{0}/children", child.id());
    let pid = || {
        fs::read_to_string(&children)
            .ok()?
            .trim()
            .parse::<i32>()
            .ok()
    };
    let begin = Instant::now();
    let mut interrupted = 0;
    while begin.elapsed() < Duration::from_secs(30) && child.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(20));
        let Some(pid) = pid().filter(|pid| catches_interrupts(*pid)) else {
            continue;
        };
        let pid = Pid::from_raw(pid).unwrap();
        for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
            interrupted += i32::from(kill_process(pid, signal).is_ok());
        }
        std::thread::sleep(Duration::from_secs(1));
    }
    let output = child.wait_with_output().unwrap();
    drop(bus);
    let (code, stdout, stderr) = told(&output);
    assert!(interrupted >= 3, "{stdout}{stderr}");
    assert_eq!(code, 4, "{stdout}{stderr}");
    assert!(stderr.contains("interrupted, and not ended"), "{stderr}");
    assert_eq!(fs::read_to_string(host.unit()).unwrap(), UNIT);
}

/// Returns whether a process has a way of its own to take SIGINT, SIGTERM and SIGHUP.
fn catches_interrupts(pid: i32) -> bool {
    /// The bits of signals 1, 2 and 15.
    const ALL: u64 = 1 | 1 << 1 | 1 << 14;
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    caught.is_some_and(|mask| u64::from_str_radix(mask.trim(), 16).unwrap() & ALL == ALL)
}
