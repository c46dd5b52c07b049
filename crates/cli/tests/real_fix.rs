//! `fix --apply`, `apply` and `rollback` with a real kubelet and API server, where `KUBEBUILDER_ASSETS` names a folder
//! with `etcd`, `kube-apiserver` and `kubelet`, and the tests run as root; else they say that they are skipped.
//!
//! ```text
//! KUBEBUILDER_ASSETS=/path/to/assets cargo test -p kubeassay --test real_fix
//! ```
//!
//! Each test is a machine of its own (`kubeassay_testkit::namespaces`), in which a stand-in takes the place of systemd
//! (`kubeassay_testkit::systemd`): it starts the kubelet as the unit files say. Where systemd-nspawn boots here, the same
//! tests run once more with a real systemd (`kubeassay_testkit::machine`).

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::unused_self,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "tests start the program, write its files, say what they skip, and fail where something is not as it should be"
)]

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use assert_cmd::cargo::CommandCargoExt as _;
use kubeassay_testkit::https::Https;
use kubeassay_testkit::machine::Boot;
use kubeassay_testkit::namespaces;
use kubeassay_testkit::real_cluster::{self, PROGRAMS, RealCluster, Settings};
use kubeassay_testkit::systemd::{self, SYSTEMCTL};
use serde_json::Value as Json;

/// Set in a machine with a real systemd.
const BOOTED: &str = "KUBEASSAY_TEST_BOOTED";
const UNIT: &str = "kubelet.service";
const FOLDER: &str = "/var/lib/kubelet";
const CONFIG: &str = "/var/lib/kubelet/config.yaml";
/// What runs before each start of the kubelet, and what it counts in.
const BEFORE: &str = "/var/lib/before-kubelet";
const STARTS: &str = "/var/lib/kubelet-starts";
const LOG: &str = "/var/lib/kubelet.log";
/// What stands behind the mode: nothing that an edit may touch.
const REMARK: &str = "# until the network team is ready";
/// What a node that is none of the control plane cannot tell.
const ACCEPTED: [&str; 4] = ["--accept", "client-ca", "--accept", "api-authorization"];
/// How long systemd and the kubelet may take to do what is waited for.
const PATIENCE: Duration = Duration::from_mins(1);

/// A node with a kubelet that everybody may use.
const OPEN: Settings<'_> = Settings {
    mode: "AlwaysAllow",
    anonymous: true,
    more: "readOnlyPort: 0",
};

/// A node of a test.
struct Node {
    cluster: RealCluster,
    admin: String,
    healthz: u16,
}

/// What the program said.
struct Run {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Run {
    /// Returns the document that it printed.
    fn json(&self) -> Json {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self}"))
    }

    /// Returns the transaction that it printed, which came out like this.
    fn transaction(&self, code: i32, outcome: &str) -> Json {
        assert_eq!(self.code, code, "{self}");
        let transaction = self.json();
        assert_eq!(transaction["outcome"], outcome, "{self}");
        transaction
    }
}

impl std::fmt::Display for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}\n{}\n{}", self.code, self.stdout, self.stderr)
    }
}

impl Node {
    /// Returns the node of the test called `name`, in a machine of its own; nothing outside of that.
    fn of(name: &str) -> Option<Self> {
        real_cluster::assets()?;
        if let Some(lacking) = systemd::lacking() {
            eprintln!("skipped: needs {lacking}");
            return None;
        }
        if std::env::var_os(BOOTED).is_none() {
            if !namespaces::enter(name) {
                return None;
            }
            systemd::stand_in(UNIT);
        }
        let cluster = RealCluster::start()?;
        cluster.prepare_node();
        std::fs::create_dir_all(FOLDER).unwrap();
        let healthz = TcpListener::bind("127.0.0.1:0").unwrap();
        let healthz = healthz.local_addr().unwrap().port();
        let node = Self {
            admin: cluster.kubeconfig("admin").display().to_string(),
            cluster,
            healthz,
        };
        node.before_start("");
        Some(node)
    }

    /// Has these lines of a shell run before each start of the kubelet.
    fn before_start(&self, lines: &str) {
        let script = format!("#!/bin/sh\necho >>{STARTS}\n{lines}\n");
        std::fs::write(BEFORE, script).unwrap();
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(BEFORE, mode).unwrap();
    }

    /// Returns a configuration of the kubelet.
    fn configuration(&self, settings: &Settings<'_>) -> String {
        let text = self.cluster.configuration(settings);
        let mode = format!("  mode: {}\n", settings.mode);
        assert!(text.contains(&mode) && text.contains("healthzPort: 0"));
        text.replace(&mode, &format!("  mode: {} {REMARK}\n", settings.mode))
            .replace("healthzPort: 0", &format!("healthzPort: {}", self.healthz))
    }

    /// Returns the command that starts a kubelet with the configuration.
    fn command(&self) -> String {
        let arguments = self
            .cluster
            .arguments(Path::new(CONFIG), Path::new(FOLDER))
            .join(" ");
        format!("{} {arguments}", self.cluster.kubelet_program().display())
    }

    /// Writes configuration and unit, and starts the kubelet.
    fn start(&self, configuration: &str, command: &str, drop_ins: &[(&str, &str)]) {
        std::fs::write(CONFIG, configuration).unwrap();
        let fragment = format!(
            "[Unit]\nDescription=kubelet\n\n[Service]\nExecStartPre={BEFORE}\nExecStart={command}\n\
             StandardOutput=append:{LOG}\nStandardError=append:{LOG}\nRestart=always\nRestartSec=1\n"
        );
        systemd::write_unit(UNIT, &fragment, drop_ins);
        // What changed within the error of a clock of the process's start might have changed after it.
        thread::sleep(Duration::from_millis(200));
        systemctl(&["daemon-reload"]);
        systemctl(&["restart", UNIT]);
    }

    /// Starts a kubelet with these settings, and waits until it serves; returns its configuration.
    fn start_with(&self, settings: &Settings<'_>) -> String {
        let configuration = self.configuration(settings);
        self.start(&configuration, &self.command(), &[]);
        self.cluster.wait_for_kubelet();
        self.cluster.wait_until_ready();
        configuration
    }

    /// Mends these rules.
    fn fix(&self, rules: &[&str]) -> Run {
        self.run(&[&["fix", "--apply", "--auto-approve"], rules, &ACCEPTED].concat())
    }

    /// Runs the program as somebody who may ask the API and the kubelet.
    fn run(&self, arguments: &[&str]) -> Run {
        let output = Command::cargo_bin("kubeassay")
            .unwrap()
            .env_remove("KUBECONFIG")
            .env("HOME", "/nonexistent")
            .args(arguments)
            .args(["--live", "--kubeconfig", &self.admin, "-o", "json"])
            .output()
            .unwrap();
        Run {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Returns what the kubelet itself says of a setting.
    fn configz(&self, pointer: &str) -> Json {
        let configz: Json = serde_json::from_str(&self.cluster.configz().unwrap()).unwrap();
        configz
            .pointer(&format!("/kubeletconfig/{pointer}"))
            .cloned()
            .unwrap_or(Json::Null)
    }

    /// Returns the status that somebody without credentials is answered with.
    fn anonymous(&self) -> u16 {
        let authority = std::fs::read_to_string(self.cluster.authority()).unwrap();
        let nobody = Https::anonymous(self.cluster.kubelet, &authority);
        nobody.get("/pods").unwrap().0
    }
}

/// Asks systemd, or the stand-in; returns what it says.
fn systemctl(arguments: &[&str]) -> String {
    let output = Command::new(SYSTEMCTL).args(arguments).output().unwrap();
    let said = [&output.stdout[..], &output.stderr[..]].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(output.status.success(), "{arguments:?}: {said}");
    said
}

/// Returns the kubelet's process.
fn pid() -> u32 {
    let said = systemctl(&["show", "--property=MainPID", UNIT]);
    let pid = said.trim().strip_prefix("MainPID=").unwrap();
    pid.parse().unwrap()
}

/// Returns how often the kubelet was started.
fn starts() -> usize {
    std::fs::read_to_string(STARTS).unwrap().lines().count()
}

fn config() -> String {
    std::fs::read_to_string(CONFIG).unwrap()
}

fn log() -> String {
    std::fs::read_to_string(LOG).unwrap()
}

fn wait(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(
            begun.elapsed() < PATIENCE,
            "{what} did not happen: {}",
            log()
        );
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn the_mode_is_mended_and_rolled_back() {
    let Some(node) = Node::of("the_mode_is_mended_and_rolled_back") else {
        return;
    };
    let before = node.start_with(&OPEN);
    let old = pid();
    assert_eq!(node.anonymous(), 200);

    let fixed = node.fix(&["4.2.2"]);
    let transaction = fixed.transaction(0, "fixed");
    let wanted = before.replace("  mode: AlwaysAllow ", "  mode: Webhook ");
    assert_eq!(config(), wanted, "{fixed}");
    let new = pid();
    assert!(new != 0 && new != old, "{old} {new}: {fixed}");
    assert_eq!(node.configz("authorization/mode"), "Webhook");
    assert_eq!(node.anonymous(), 403);
    assert_eq!(starts(), 2, "{fixed}");

    // Nothing is left to do.
    let again = node.fix(&["4.2.2"]);
    assert_eq!((again.code, starts(), pid()), (0, 2, new), "{again}");

    let id = transaction["id"].as_str().unwrap();
    let undone = node.run(&["rollback", id]);
    undone.transaction(0, "rolled-back");
    assert_eq!(config(), before);
    assert!(pid() != 0 && pid() != new);
    assert_eq!(node.configz("authorization/mode"), "AlwaysAllow");
    assert_eq!(node.anonymous(), 200);
    assert_eq!(starts(), 3, "{undone}");
}

#[test]
fn a_plan_is_applied_where_nothing_changed_since() {
    let Some(node) = Node::of("a_plan_is_applied_where_nothing_changed_since") else {
        return;
    };
    let before = node.start_with(&OPEN);
    let plan = "/var/lib/node.plan";
    let planned = node.run(&["fix", "4.2.2", "--output-file", plan, "--detailed-exitcode"]);
    assert_eq!(planned.code, 2, "{planned}");
    assert_eq!((config(), starts()), (before.clone(), 1));

    let document: Json = serde_json::from_slice(&std::fs::read(plan).unwrap()).unwrap();
    let by = document["restarts"][0]["by"].as_str().unwrap_or_default();
    let wanted = if std::env::var_os(BOOTED).is_some() {
        "D-Bus"
    } else {
        SYSTEMCTL
    };
    assert!(by.starts_with(wanted), "{by}");

    // Somebody else was here.
    let touched = before.replace(REMARK, "# until next week");
    std::fs::write(CONFIG, &touched).unwrap();
    let refused = node.run(&[&["apply", plan], &ACCEPTED[..]].concat());
    assert_eq!(refused.code, 1, "{refused}");
    assert_eq!((config(), starts()), (touched, 1), "{refused}");

    std::fs::write(CONFIG, &before).unwrap();
    let fixed = node.run(&[&["apply", plan], &ACCEPTED[..]].concat());
    fixed.transaction(0, "fixed");
    assert_eq!(
        config(),
        before.replace("  mode: AlwaysAllow ", "  mode: Webhook ")
    );
    assert_eq!(node.configz("authorization/mode"), "Webhook");
    assert_eq!(starts(), 2, "{fixed}");
}

#[test]
fn a_kubelet_without_a_kubeconfig_is_left_alone_and_would_not_start() {
    let Some(node) = Node::of("a_kubelet_without_a_kubeconfig_is_left_alone_and_would_not_start")
    else {
        return;
    };
    let configuration = node.configuration(&OPEN);
    let before = configuration.replace("webhook: {enabled: true}", "webhook: {enabled: false}");
    assert_ne!(before, configuration);
    let command = node.command();
    let words = command.split(' ');
    let words: Vec<&str> = words
        .filter(|word| !word.starts_with("--kubeconfig"))
        .collect();
    node.start(&before, &words.join(" "), &[]);
    wait("the kubelet", || node.cluster.configz().is_some());
    let old = pid();

    let plan = node.run(&["fix", "4.2.2"]);
    let document = plan.json();
    assert_eq!(document["edits"], Json::Array(Vec::new()), "{plan}");
    let predicted = "no client provided, cannot use webhook authorization";
    let reason = document["unfixed"][0]["reason"].as_str().unwrap();
    assert!(reason.contains(predicted), "{plan}");

    let applied = node.fix(&["4.2.2"]);
    assert!([0, 1].contains(&applied.code), "{applied}");
    assert_eq!(
        (config(), pid(), starts()),
        (before.clone(), old, 1),
        "{applied}"
    );

    // That is what would have come of it.
    let after = before.replace("  mode: AlwaysAllow ", "  mode: Webhook ");
    assert!(!log().contains(predicted));
    std::fs::write(CONFIG, &after).unwrap();
    systemctl(&["restart", UNIT]);
    wait("the refusal", || {
        log().contains(&format!("err=\"failed to run Kubelet: {predicted}\""))
    });
    systemctl(&["stop", UNIT]);
}

#[test]
fn a_kubelet_that_does_not_come_back_is_rolled_back() {
    let Some(node) = Node::of("a_kubelet_that_does_not_come_back_is_rolled_back") else {
        return;
    };
    let before = node.start_with(&OPEN);
    let old = pid();
    // What it needs is gone while it starts with the new file, and is there again for the old one.
    let kubeconfig = node.cluster.node_kubeconfig().display().to_string();
    node.before_start(&format!(
        "if grep -q 'mode: Webhook' {CONFIG}; then mv {kubeconfig} {kubeconfig}.away; \
         else mv {kubeconfig}.away {kubeconfig}; fi || true"
    ));
    let undone = node.fix(&["4.2.2"]);
    undone.transaction(3, "rolled-back");
    assert!(log().contains("invalid kubeconfig"), "{undone}");
    assert_eq!(config(), before, "{undone}");
    node.cluster.wait_for_kubelet();
    assert!(pid() != 0 && pid() != old);
    assert_eq!(node.configz("authorization/mode"), "AlwaysAllow");
    assert_eq!(node.anonymous(), 200);
}

#[test]
fn several_findings_cost_one_restart() {
    let Some(node) = Node::of("several_findings_cost_one_restart") else {
        return;
    };
    let before = node.start_with(&Settings {
        more: "readOnlyPort: 10255\nmakeIPTablesUtilChains: false",
        ..OPEN
    });
    let old = pid();
    let fixed = node.fix(&["4.2.1", "4.2.2", "4.2.4", "4.2.6"]);
    fixed.transaction(0, "fixed");
    assert_eq!(starts(), 2, "{fixed}");
    assert!(pid() != 0 && pid() != old);
    let after = config();
    assert_ne!(after, before);
    assert!(after.contains(REMARK), "{after}");
    assert_eq!(node.configz("authorization/mode"), "Webhook");
    assert_eq!(node.configz("authentication/anonymous/enabled"), false);
    assert_eq!(node.configz("makeIPTablesUtilChains"), true);
    assert_eq!(node.anonymous(), 401);
    // What is not there is zero.
    assert_eq!(node.configz("readOnlyPort"), Json::Null);
}

#[test]
fn a_flag_of_a_drop_in_is_mended_after_systemd_read_it_again() {
    let Some(node) = Node::of("a_flag_of_a_drop_in_is_mended_after_systemd_read_it_again") else {
        return;
    };
    let configuration = node.configuration(&Settings {
        mode: "Webhook",
        ..OPEN
    });
    let drop_in =
        "[Service]\nEnvironment=\"KUBELET_EXTRA_ARGS=--v=1 --authorization-mode=AlwaysAllow\"\n";
    let command = format!("{} $KUBELET_EXTRA_ARGS", node.command());
    node.start(&configuration, &command, &[("20-extra.conf", drop_in)]);
    node.cluster.wait_for_kubelet();
    node.cluster.wait_until_ready();
    assert_eq!(node.configz("authorization/mode"), "AlwaysAllow");

    let fixed = node.fix(&["4.2.2"]);
    fixed.transaction(0, "fixed");
    assert_eq!(node.configz("authorization/mode"), "Webhook");
    assert_eq!((config(), starts()), (configuration, 2), "{fixed}");
}

#[test]
fn the_api_server_must_be_able_to_use_the_kubelet_afterwards() {
    let Some(node) = Node::of("the_api_server_must_be_able_to_use_the_kubelet_afterwards") else {
        return;
    };
    let folder = "/var/lib/manifests";
    let manifest = |certificate: &Path| {
        let pki = certificate.parent().unwrap().display();
        let text = format!(
            "apiVersion: v1
kind: Pod
metadata: {{name: kube-apiserver, namespace: kube-system}}
spec:
  hostNetwork: true
  containers:
  - name: kube-apiserver
    image: kube-apiserver
    command: [kube-apiserver, --kubelet-client-certificate={}]
    volumeMounts: [{{name: pki, mountPath: {pki}, readOnly: true}}]
  volumes: [{{name: pki, hostPath: {{path: {pki}, type: Directory}}}}]
",
            certificate.display()
        );
        std::fs::create_dir_all(folder).unwrap();
        std::fs::write(format!("{folder}/kube-apiserver.yaml"), text).unwrap();
    };
    let fix = |accepted: &[&str]| {
        node.run(&[&["fix", "4.2.2", "--apply", "--auto-approve"], accepted].concat())
    };
    // The one that it has may do everything.
    manifest(&node.cluster.kubelet_client());
    let before = node.start_with(&Settings {
        more: &format!("readOnlyPort: 0\nstaticPodPath: {folder}"),
        ..OPEN
    });

    // With this one it would be refused: logs and exec would end.
    manifest(&node.cluster.certificate("nobody-special"));
    let all = ["client-ca", "api-authorization", "control-plane"];
    let all: Vec<&str> = all.into_iter().flat_map(|id| ["--accept", id]).collect();
    let refused = fix(&all);
    assert_eq!(refused.code, 1, "{refused}");
    assert!(
        refused.stderr.contains("blocked by api-authorization:"),
        "{refused}"
    );
    assert_eq!((config(), starts()), (before.clone(), 1));

    manifest(&node.cluster.kubelet_client());
    let alone = fix(&[]);
    assert_eq!(alone.code, 1, "{alone}");
    assert!(
        alone.stderr.contains("blocked by control-plane:"),
        "{alone}"
    );
    let fixed = fix(&["--accept", "control-plane"]);
    fixed.transaction(0, "fixed");
    assert_eq!(node.configz("authorization/mode"), "Webhook");
    assert_eq!(starts(), 2, "{fixed}");
}

#[test]
fn a_real_systemd_does_the_same() {
    const TESTS: [&str; 7] = [
        "the_mode_is_mended_and_rolled_back",
        "a_plan_is_applied_where_nothing_changed_since",
        "a_kubelet_without_a_kubeconfig_is_left_alone_and_would_not_start",
        "a_kubelet_that_does_not_come_back_is_rolled_back",
        "several_findings_cost_one_restart",
        "a_flag_of_a_drop_in_is_mended_after_systemd_read_it_again",
        "the_api_server_must_be_able_to_use_the_kubelet_afterwards",
    ];
    let Some(assets) = real_cluster::assets() else {
        return;
    };
    let kubeassay = Command::cargo_bin("kubeassay").unwrap();
    let mut boot = Boot::new()
        .program("/opt/test", &std::env::current_exe().unwrap())
        .program("/opt/kubeassay", Path::new(kubeassay.get_program()));
    for program in PROGRAMS {
        boot = boot.program(&format!("/opt/assets/{program}"), &assets.join(program));
    }
    // It has said why, where it cannot boot.
    let Some(machine) = boot.boot() else { return };
    // A kubelet wants one, and the kernel's own is kept from it.
    machine.must(&["ln", "-sf", "/dev/null", "/dev/kmsg"]);
    for test in TESTS {
        let tmpfs = [
            "mount",
            "-t",
            "tmpfs",
            "-o",
            "mode=0755",
            "tmpfs",
            "/var/lib",
        ];
        machine.must(&tmpfs);
        let environment = [
            &format!("{BOOTED}=1")[..],
            "KUBEBUILDER_ASSETS=/opt/assets",
            "CARGO_BIN_EXE_kubeassay=/opt/kubeassay",
            "TMPDIR=/var/lib",
        ];
        let arguments = ["/opt/test", "--exact", "--nocapture", test];
        let ran = machine.run(&[&["env"], &environment[..], &arguments].concat());
        let told = machine.told(&ran);
        assert!(
            ran.status.success() && told.contains("1 passed"),
            "{test}: {told}"
        );
        machine.run(&["systemctl", "stop", UNIT]);
        machine.run(&["umount", "-l", "/var/lib"]);
    }
}
