//! `kubeassay fix`, `apply` and `rollback` in a machine with a real systemd, on a stand-in kubelet that honours its
//! configuration: what is written and started again, what is undone, and what is refused.
//!
//! ```text
//! cargo test -p kubeassay --test fix_machine
//! ```
//!
//! Needs root and systemd-nspawn, else says that it is skipped. Each scenario begins with the node as it was laid out.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "tests fail where something is not as it should be, and say how far they are"
)]

use std::path::Path;
use std::process::Output;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use kubeassay_testkit::certificates::Authority;
use kubeassay_testkit::kubelet::service::{KNOBS, become_one_if_called};
use kubeassay_testkit::machine::{Boot, Machine};

const CONFIG: &str = "/var/lib/kubelet/config.yaml";
const UNIT: &str = "/etc/systemd/system/kubelet.service";
const DROP_IN: &str = "/etc/systemd/system/kubelet.service.d/10-site.conf";
const EXTRA: &str = "/etc/default/kubelet";
const PLAN: &str = "/root/node.plan";

const OF_UNIT: &str = "[Service]\nEnvironmentFile=-/etc/default/kubelet\nExecStart=/usr/bin/kubelet --kubeconfig=/etc/kubernetes/kubelet.conf --config=/var/lib/kubelet/config.yaml $KUBELET_EXTRA_ARGS\nTimeoutStartSec=4\nTimeoutStopSec=4\n";

/// What nobody can tell in a machine without a network.
const ACCEPTED: [&str; 3] = ["kubeconfig", "client-ca", "api-authorization"];

/// What happens on a node.
type Scenario = (&'static str, fn(&Node<'_>));

const SCENARIOS: [Scenario; 15] = [
    ("what was cut short is undone by the next run", cut_short),
    ("planning writes nothing", planning_writes_nothing),
    (
        "a fix is applied, seen to hold, and rolled back",
        applied_and_rolled_back,
    ),
    (
        "a plan in a file is applied, and nothing else",
        a_plan_in_a_file,
    ),
    ("a plan is applied from within a pod", a_plan_in_a_pod),
    ("several findings are one restart", several_findings),
    (
        "a flag of a package's unit is taken out in a drop-in",
        a_drop_in_is_made,
    ),
    (
        "what does not start with it is rolled back",
        rolled_back_at_start,
    ),
    (
        "a start that does not end is rolled back",
        rolled_back_hanging,
    ),
    (
        "what is never well with it is rolled back",
        rolled_back_unwell,
    ),
    (
        "a program that gives the flag again is seen through",
        flag_given_again,
    ),
    (
        "a file that every start writes again is not taken for mended",
        file_written_again,
    ),
    ("what does not run again needs hands", needs_hands),
    (
        "a unit that somebody edited since is left alone",
        edited_since,
    ),
    ("a plan that somebody changed is refused", tampered),
];

/// Each scenario waits most of its time, so that several machines go on at once.
const MACHINES: usize = 4;

fn main() {
    become_one_if_called();
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..MACHINES {
            scope.spawn(|| go_through(&next));
        }
    });
}

/// Boots a machine, and goes through the scenarios that no other has begun.
fn go_through(next: &AtomicUsize) {
    let authority = Authority::new("kubernetes").pem();
    let boot = Boot::new()
        .file("/etc/kubernetes/pki/ca.crt", &authority)
        .file(
            "/etc/kubernetes/kubelet.conf",
            "apiVersion: v1\nkind: Config\n",
        )
        .file(UNIT, OF_UNIT)
        .file(CONFIG, &config("AlwaysAllow"))
        .kubelet()
        .program(
            "/usr/bin/kubeassay",
            Path::new(env!("CARGO_BIN_EXE_kubeassay")),
        );
    let Some(machine) = boot.boot() else { return };
    while let Some((name, scenario)) = SCENARIOS.get(next.fetch_add(1, Ordering::Relaxed)) {
        let node = Node { machine: &machine };
        node.lay_out();
        scenario(&node);
        println!("test {name} ... ok");
    }
}

fn config(mode: &str) -> String {
    format!(
        "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\nauthentication:\n  anonymous:\n    enabled: false\n  webhook:\n    enabled: true\n  x509:\n    clientCAFile: /etc/kubernetes/pki/ca.crt\nauthorization:\n  mode: {mode}  # who asks\nrotateCertificates: true\n"
    )
}

/// The machine as a node.
struct Node<'a> {
    machine: &'a Machine,
}

impl Node<'_> {
    /// Puts everything back as it was, and starts the kubelet.
    fn lay_out(&self) {
        self.ok(&["systemctl", "stop", "kubelet.service"]);
        self.ok(&[
            "rm",
            "-rf",
            "/var/lib/kubeassay",
            "/etc/systemd/system/kubelet.service.d",
            EXTRA,
            KNOBS,
            PLAN,
        ]);
        self.machine.write(UNIT, OF_UNIT);
        self.machine.write(CONFIG, &config("AlwaysAllow"));
        self.start();
    }

    fn start(&self) {
        self.ok(&["systemctl", "daemon-reload"]);
        self.ok(&["systemctl", "reset-failed"]);
        self.ok(&["systemctl", "restart", "kubelet.service"]);
    }

    /// Runs a command that has to succeed.
    fn ok(&self, command: &[&str]) -> String {
        let output = self.machine.run(command);
        assert!(
            output.status.success(),
            "{command:?}: {}",
            self.machine.told(&output)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs kubeassay, which has to end with this code.
    fn kubeassay(&self, code: i32, arguments: &[&str]) -> Output {
        let output = self.machine.run(&[&["kubeassay"], arguments].concat());
        assert_eq!(
            output.status.code(),
            Some(code),
            "{arguments:?}: {}",
            self.machine.told(&output)
        );
        output
    }

    fn text(&self, path: &str) -> String {
        String::from_utf8(self.machine.read(path).unwrap()).unwrap()
    }

    /// Mends some rules at once.
    fn fix(&self, code: i32, rules: &[&str]) -> Output {
        let mut arguments = vec![
            "fix",
            "--apply",
            "--auto-approve",
            "--kubernetes-version",
            "1.34",
        ];
        for id in ACCEPTED {
            arguments.extend(["--accept", id]);
        }
        arguments.extend(rules);
        self.kubeassay(code, &arguments)
    }

    /// Writes a plan for control 4.2.2 into a file.
    fn plan(&self) {
        let mut arguments = vec![
            "fix",
            "4.2.2",
            "--kubernetes-version",
            "1.34",
            "--output-file",
            PLAN,
        ];
        for id in ACCEPTED {
            arguments.extend(["--accept", id]);
        }
        self.kubeassay(0, &arguments);
    }

    fn scan(&self) -> i32 {
        let scan = ["kubeassay", "scan", "4.2.2", "--kubernetes-version", "1.34"];
        self.machine.run(&scan).status.code().unwrap()
    }

    /// Returns the process of the kubelet, and how it is.
    fn kubelet(&self) -> (String, String) {
        let show = |what| {
            self.ok(&[
                "systemctl",
                "show",
                "--value",
                "-p",
                what,
                "kubelet.service",
            ])
        };
        (
            show("MainPID").trim().to_owned(),
            show("ActiveState").trim().to_owned(),
        )
    }

    /// Returns every file that a fix might write, with its mode, owner and content, a line each.
    fn files(&self) -> Vec<String> {
        let script = "{ find /etc/systemd/system /etc/default /etc/kubernetes; find /var/lib/kubelet -maxdepth 1 -type f; } | LC_ALL=C sort | while read f; do test -f \"$f\" && s=$(sha256sum < \"$f\") || s=; stat -c \"%n %F %a %u %g $s\" \"$f\"; done";
        self.ok(&["sh", "-c", script])
            .lines()
            .map(str::to_owned)
            .collect()
    }

    /// Makes every start go wrong while the configuration says Webhook.
    fn with_webhook(&self, script: &str) {
        let text = format!(
            "[Service]\nExecStartPre=/bin/sh -c 'if grep -q Webhook {CONFIG}; then {script}; else rm -f {KNOBS}; fi'\n"
        );
        self.machine.write(DROP_IN, &text);
        self.start();
    }

    /// Asserts that the node is as before, and that its kubelet runs.
    fn is_as(&self, before: &[String]) {
        self.has_files(before);
        assert_eq!(self.kubelet().1, "active");
        assert_eq!(self.scan(), 1);
    }

    /// Asserts that every file is as before.
    fn has_files(&self, before: &[String]) {
        let now = self.files();
        let other = |line: &&String| !before.contains(line) || !now.contains(line);
        let differing: Vec<&String> = before.iter().chain(&now).filter(other).collect();
        assert!(differing.is_empty(), "{differing:#?}");
    }

    fn outcome(&self) -> String {
        let list = self.ok(&["kubeassay", "transactions", "-o", "json"]);
        let list: serde_json::Value = serde_json::from_str(&list).unwrap();
        let first = list
            .as_array()
            .or_else(|| list["transactions"].as_array())
            .unwrap();
        first[0]["outcome"].as_str().unwrap().to_owned()
    }
}

fn planning_writes_nothing(node: &Node<'_>) {
    let before = node.files();
    let plan = ["fix", "4.2.2", "--kubernetes-version", "1.34"];
    node.kubeassay(0, &plan);
    node.kubeassay(2, &[&plan[..], &["--detailed-exitcode"]].concat());
    node.has_files(&before);
    assert!(
        !node
            .machine
            .run(&["test", "-e", "/var/lib/kubeassay"])
            .status
            .success()
    );
    // Without a word on what could not be told, nothing is applied either.
    node.kubeassay(1, &[&plan[..], &["--apply", "--auto-approve"]].concat());
    node.is_as(&before);
}

fn applied_and_rolled_back(node: &Node<'_>) {
    let before = node.files();
    let (old, _) = node.kubelet();
    node.fix(0, &["4.2.2"]);
    assert_eq!(node.text(CONFIG), config("Webhook"));
    let (new, state) = node.kubelet();
    assert!(new != old && state == "active");
    assert_eq!(node.scan(), 0);
    assert_eq!(node.outcome(), "fixed");
    node.fix(0, &["4.2.2"]);
    assert_eq!(
        node.kubelet().0,
        new,
        "nothing to do, and yet it was started again"
    );
    node.kubeassay(0, &["rollback"]);
    node.is_as(&before);
}

fn a_plan_in_a_file(node: &Node<'_>) {
    node.plan();
    let before = node.files();
    node.kubeassay(0, &["apply", PLAN]);
    assert_eq!(node.scan(), 0);
    assert_ne!(node.files(), before);
    // A second time it is not what would be planned.
    node.kubeassay(1, &["apply", PLAN]);
}

/// As the Job of `kubeassay manifest apply` does it: the host at `/host`, its network, processes of its own, and of
/// root's capabilities those that the manifest names.
fn a_plan_in_a_pod(node: &Node<'_>) {
    node.plan();
    let capabilities = "-all,+dac_read_search,+sys_ptrace,+dac_override,+chown,+fowner,+fsetid";
    let script = format!(
        "mkdir -p /host && mount --rbind / /host && exec unshare --pid --fork --mount-proc setpriv --bounding-set {capabilities} --inh-caps -all kubeassay apply --root=/host {PLAN}"
    );
    let applied = node
        .machine
        .run(&["unshare", "--mount", "sh", "-c", &script]);
    assert!(applied.status.success(), "{}", node.machine.told(&applied));
    assert_eq!(node.scan(), 0);
    assert_eq!(node.outcome(), "fixed");
}

fn several_findings(node: &Node<'_>) {
    node.machine.write(
        EXTRA,
        "KUBELET_EXTRA_ARGS=--read-only-port=10255 --make-iptables-util-chains=false\n",
    );
    node.start();
    node.ok(&["sh", "-c", "echo 0 > /run/starts"]);
    let count =
        "[Service]\nExecStartPre=/bin/sh -c 'echo $(( $(cat /run/starts) + 1 )) > /run/starts'\n";
    node.machine.write(DROP_IN, &count.replace("$(", "$$("));
    node.ok(&["systemctl", "daemon-reload"]);
    node.fix(0, &["4.2.2", "4.2.4", "4.2.6"]);
    assert_eq!(node.ok(&["cat", "/run/starts"]).trim(), "1");
    assert_eq!(node.text(EXTRA), "KUBELET_EXTRA_ARGS=\n");
}

fn a_drop_in_is_made(node: &Node<'_>) {
    node.machine.write(CONFIG, &config("Webhook"));
    node.ok(&["rm", UNIT]);
    let packaged = "/usr/lib/systemd/system/kubelet.service";
    node.machine.write(
        packaged,
        &OF_UNIT.replace(" $KUBELET", " --authorization-mode=AlwaysAllow $KUBELET"),
    );
    node.start();
    let before = node.files();
    node.fix(0, &["4.2.2"]);
    assert_eq!(node.scan(), 0);
    node.ok(&[
        "test",
        "-f",
        "/etc/systemd/system/kubelet.service.d/90-kubeassay.conf",
    ]);
    node.kubeassay(0, &["rollback"]);
    node.is_as(&before);
    node.ok(&["rm", packaged]);
}

fn rolled_back_at_start(node: &Node<'_>) {
    node.with_webhook("exit 1");
    let before = node.files();
    node.fix(3, &["4.2.2"]);
    node.is_as(&before);
    assert_eq!(node.outcome(), "rolled-back");
}

fn rolled_back_hanging(node: &Node<'_>) {
    node.with_webhook("sleep 600");
    let before = node.files();
    node.fix(3, &["4.2.2"]);
    node.is_as(&before);
}

fn rolled_back_unwell(node: &Node<'_>) {
    node.with_webhook(&format!("echo no-healthz > {KNOBS}"));
    let before = node.files();
    node.fix(3, &["4.2.2"]);
    node.is_as(&before);
}

/// The unit starts a script, and no file that is read says what it adds.
fn flag_given_again(node: &Node<'_>) {
    let script = "/usr/local/bin/start-kubelet";
    node.machine.write(
        script,
        "#!/bin/sh\nexec /usr/bin/kubelet \"$@\" --authorization-mode=AlwaysAllow\n",
    );
    node.ok(&["chmod", "0755", script]);
    node.machine
        .write(UNIT, &OF_UNIT.replace("/usr/bin/kubelet", script));
    node.machine.write(CONFIG, &config("Webhook"));
    node.start();
    let before = node.files();
    assert_eq!(node.scan(), 1);
    let output = node.machine.run(&[
        "kubeassay",
        "fix",
        "4.2.2",
        "--apply",
        "--auto-approve",
        "--kubernetes-version",
        "1.34",
        "--accept",
        "kubeconfig",
        "--accept",
        "client-ca",
        "--accept",
        "api-authorization",
    ]);
    let said = node.machine.told(&output);
    // What a script adds to a command line is not known, so that no plan is made that might not hold.
    assert!(said.contains("Nothing to change; 1 not fixable"), "{said}");
    node.is_as(&before);
    node.machine.remove(script);
}

/// What comes back are the very bytes from before.
fn file_written_again(node: &Node<'_>) {
    let text = format!(
        "[Service]\nExecStartPre=/bin/sed -i 's/mode: Webhook/mode: AlwaysAllow/' {CONFIG}\n"
    );
    node.machine.write(DROP_IN, &text);
    node.start();
    node.fix(3, &["4.2.2"]);
    assert_eq!(node.text(CONFIG), config("AlwaysAllow"));
}

fn needs_hands(node: &Node<'_>) {
    let before = node.files();
    node.machine.write(KNOBS, "refuse\n");
    let output = node.fix(4, &["4.2.2"]);
    let said = node.machine.told(&output);
    assert!(said.contains("systemctl status kubelet.service"), "{said}");
    node.has_files(&before);
    assert_eq!(node.outcome(), "needs-hands");
}

fn edited_since(node: &Node<'_>) {
    node.plan();
    node.machine.write(
        DROP_IN,
        "[Service]\nEnvironment=KUBELET_EXTRA_ARGS=--authorization-mode=AlwaysAllow\n",
    );
    let before = node.files();
    let (process, _) = node.kubelet();
    node.kubeassay(1, &["apply", PLAN]);
    assert_eq!((node.files(), node.kubelet().0), (before, process));
}

fn tampered(node: &Node<'_>) {
    let edits = [
        "s#/var/lib/kubelet/config.yaml#/etc/shadow#g",
        "s#mode: Webhook#mode: AlwaysAllow#",
        "s#kubelet.service#sshd.service#g",
    ];
    for edit in edits {
        node.plan();
        let before = node.files();
        node.ok(&["sed", "-i", edit, PLAN]);
        node.kubeassay(1, &["apply", PLAN]);
        node.is_as(&before);
    }
    node.plan();
    node.ok(&["chmod", "0666", PLAN]);
    let before = node.files();
    let refused = node.machine.run(&["kubeassay", "apply", PLAN]);
    assert_eq!(
        refused.status.code(),
        Some(1),
        "{}",
        node.machine.told(&refused)
    );
    node.is_as(&before);
}

fn cut_short(node: &Node<'_>) {
    // Before anything is in its place, right after, and when everything is but the end of the journal.
    for point in [
        "replace.exchange",
        "replace.exchange.done",
        "leftover.remove",
    ] {
        node.lay_out();
        node.plan();
        let before = node.files();
        let armed = format!("KUBEASSAY_FAILPOINT={point}");
        let killed = node
            .machine
            .run(&["env", &armed, "kubeassay", "apply", PLAN]);
        assert!(
            !killed.status.success(),
            "{point}: {}",
            node.machine.told(&killed)
        );
        let undone = node.machine.run(&["kubeassay", "rollback"]);
        assert!(
            undone.status.success(),
            "{point}: {}",
            node.machine.told(&undone)
        );
        node.is_as(&before);
        let again = node.machine.run(&["kubeassay", "rollback"]);
        assert_eq!(
            again.status.code(),
            Some(0),
            "{point}: {}",
            node.machine.told(&again)
        );
    }
}
