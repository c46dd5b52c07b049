//! The stand-in kubelet as a process: started by this very program under another name.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test, which starts processes that serve on loopback"
)]

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use kubeassay_testkit::certificates::Authority;
use kubeassay_testkit::https::Https;
use kubeassay_testkit::kubelet::service::{KNOBS, KNOBS_VARIABLE, become_one_if_called};
use kubeassay_testkit::machine::Boot;
use libtest_mimic::{Arguments, Trial};
use serde_json::Value;
use tempfile::TempDir;

fn main() {
    become_one_if_called();
    let tests: [(&str, fn()); 7] = [
        ("it_is_what_its_files_say", it_is_what_its_files_say),
        ("flags_and_drop_ins_count", flags_and_drop_ins_count),
        (
            "it_refuses_what_a_kubelet_refuses",
            it_refuses_what_a_kubelet_refuses,
        ),
        (
            "it_makes_one_certificate_and_keeps_it",
            it_makes_one_certificate_and_keeps_it,
        ),
        (
            "it_knows_the_token_that_it_is_told",
            it_knows_the_token_that_it_is_told,
        ),
        ("it_goes_wrong_as_it_is_told", it_goes_wrong_as_it_is_told),
        ("a_systemd_starts_it", a_systemd_starts_it),
    ];
    let trials = tests.map(|(name, test)| {
        Trial::test(name, move || {
            test();
            Ok(())
        })
    });
    libtest_mimic::run(&Arguments::from_args(), trials.into()).exit();
}

const HEAD: &str = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n";

/// How long anything may take.
const LIMIT: Duration = Duration::from_secs(20);

/// A kubelet, and the folder with its files.
struct Running {
    folder: TempDir,
    child: Child,
    port: u16,
    healthz: u16,
}

fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap().port()
}

/// Starts one on loopback: with this configuration besides its ports, these flags, and this going wrong.
fn start(config: &str, flags: &[&str], knobs: &str) -> Running {
    start_in(tempfile::tempdir().unwrap(), config, flags, knobs)
}

fn start_in(folder: TempDir, config: &str, flags: &[&str], knobs: &str) -> Running {
    let (port, healthz) = (free_port(), free_port());
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let config =
        format!("{HEAD}address: 127.0.0.1\nport: {port}\nhealthzPort: {healthz}\n{config}");
    fs::write(at("config.yaml"), config).unwrap();
    fs::write(at("knobs"), knobs).unwrap();
    let flags = flags.iter().map(|flag| flag.replace('%', &at("")));
    let child = Command::new(std::env::current_exe().unwrap())
        .arg0("/usr/bin/kubelet")
        .args([
            format!("--config={}", at("config.yaml")),
            format!("--cert-dir={}", at("pki")),
        ])
        .args(flags)
        .env(KNOBS_VARIABLE, at("knobs"))
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn();
    Running {
        child: child.unwrap(),
        folder,
        port,
        healthz,
    }
}

impl Running {
    /// Waits until it ended, and returns with what and what it said.
    fn end(&mut self) -> (Option<i32>, String) {
        let began = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(began.elapsed() < LIMIT, "it does not end");
            std::thread::sleep(Duration::from_millis(5));
        };
        let mut said = String::new();
        let mut stderr = self.child.stderr.take().unwrap();
        stderr.read_to_string(&mut said).unwrap();
        (status.code(), said)
    }

    /// Returns what `/healthz` says: the status and the body.
    fn healthz(&self) -> Option<(u16, String)> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.healthz)).ok()?;
        stream
            .write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            .ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
    }

    /// Waits until it serves.
    fn wait(&mut self) {
        let began = Instant::now();
        while self.healthz() != Some((200, "ok".to_owned())) {
            let ended = self.child.try_wait().unwrap().is_some();
            assert!(!ended, "it ended: {:?}", self.end());
            assert!(began.elapsed() < LIMIT, "it does not serve");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until it serves, and returns a client without credentials that are good for anything.
    fn client(&mut self) -> Https {
        self.wait();
        let own = fs::read_to_string(self.folder.path().join("pki/kubelet.crt")).unwrap();
        let nobody = Authority::new("nobody").client("nobody");
        Https::new(self.port, &own, &nobody.pem, &nobody.key_pem)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Returns what `/configz` says of it, which it lets everybody see.
fn configz(running: &mut Running) -> Value {
    let (status, body) = running.client().get("/configz").unwrap();
    assert_eq!(status, 200, "{body}");
    serde_json::from_str::<Value>(&body).unwrap()["kubeletconfig"].take()
}

const OPEN: &str = "authentication: {anonymous: {enabled: true}, webhook: {enabled: false}}\n\
    authorization: {mode: AlwaysAllow}\n";

fn it_is_what_its_files_say() {
    let kubeconfig: &[&str] = &["--kubeconfig=%/config.yaml"];
    for (anonymous, mode, flags, status) in [
        (true, "AlwaysAllow", &[][..], 200),
        (true, "Webhook", kubeconfig, 403),
        (false, "Webhook", kubeconfig, 401),
        (false, "AlwaysAllow", kubeconfig, 401),
    ] {
        let config = format!(
            "authentication: {{anonymous: {{enabled: {anonymous}}}, webhook: {{enabled: false}}}}\n\
             authorization: {{mode: {mode}}}\n"
        );
        let mut running = start(&config, flags, "");
        let client = running.client();
        for path in ["/pods", "/configz"] {
            let (found, body) = client.get(path).unwrap();
            assert_eq!(found, status, "{config}{path}: {body}");
        }
        assert_eq!(client.get("/nosuch").unwrap().0, 404);
    }
}

fn flags_and_drop_ins_count() {
    let mut running = start(
        &format!("{OPEN}eventRecordQPS: 7\n"),
        &["--event-qps=9"],
        "",
    );
    let said = configz(&mut running);
    assert_eq!(said["eventRecordQPS"], 9);
    assert_eq!(said["authorization"]["mode"], "AlwaysAllow");
    assert_eq!(said["streamingConnectionIdleTimeout"], "4h0m0s");
    assert_eq!(said["readOnlyPort"], Value::Null);
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("drop-ins")).unwrap();
    let drop_in = format!("{HEAD}eventRecordQPS: 11\n");
    fs::write(folder.path().join("drop-ins/10.conf"), drop_in).unwrap();
    let mut running = start_in(folder, OPEN, &["--config-dir=%/drop-ins"], "");
    assert_eq!(configz(&mut running)["eventRecordQPS"], 11);
}

fn it_refuses_what_a_kubelet_refuses() {
    for (config, flags, knobs, told) in [
        (
            "authorization: {mode: Webhook}\n",
            &[][..],
            "",
            "no client provided",
        ),
        (
            OPEN,
            &["--no-such-flag"],
            "",
            "unknown flag: --no-such-flag",
        ),
        (OPEN, &["--config=%/nothing.yaml"], "", "nothing.yaml"),
        (
            OPEN,
            &["--config-dir=%"],
            "version 1.20",
            "unknown flag: --config-dir",
        ),
        (OPEN, &[], "refuse", "it was told to"),
    ] {
        let (status, said) = start(config, flags, knobs).end();
        assert_eq!(status, Some(1), "{said}");
        assert!(
            said.contains("failed to run Kubelet: ") && said.contains(told),
            "{said}"
        );
    }
}

fn it_makes_one_certificate_and_keeps_it() {
    let folder = tempfile::tempdir().unwrap();
    let pki = format!("--cert-dir={}", folder.path().display());
    let kept = || fs::read(folder.path().join("kubelet.crt")).unwrap();
    let mut first = start(OPEN, &[&pki], "");
    first.wait();
    let made = kept();
    drop(first);
    start(OPEN, &[&pki], "").wait();
    assert_eq!(kept(), made);
}

fn it_knows_the_token_that_it_is_told() {
    let closed = "authentication: {anonymous: {enabled: false}, webhook: {enabled: true}}\n";
    let flags = ["--kubeconfig=%/config.yaml", "--authorization-mode=Webhook"];
    let mut running = start(closed, &flags, "token let-me-in\n");
    running.wait();
    for (token, status) in [("let-me-in", 200), ("let-me-out", 401)] {
        let head = format!("application/json\r\nAuthorization: Bearer {token}");
        let (found, body) = running.client().ask("GET", "/configz", &head, "").unwrap();
        assert_eq!(found, status, "{body}");
    }
}

fn it_goes_wrong_as_it_is_told() {
    assert_eq!(start(OPEN, &[], "crash 0.1").end().0, Some(2));
    let mut slow = start(OPEN, &[], "slow-healthz 0.3");
    let began = Instant::now();
    slow.wait();
    assert!(began.elapsed() >= Duration::from_millis(300));
    let silent = start(OPEN, &[], "no-healthz");
    let unhealthy = start(OPEN, &[], "unhealthy\n");
    let began = Instant::now();
    while unhealthy.healthz().is_none_or(|(status, _)| status != 500) {
        assert!(began.elapsed() < LIMIT);
    }
    assert_eq!(silent.healthz(), None);
    let terminate = |running: &Running| {
        let id = running.child.id().to_string();
        Command::new("kill").args(["-TERM", &id]).status().unwrap();
    };
    let mut deaf = start(OPEN, &[], "deaf");
    deaf.wait();
    terminate(&deaf);
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(deaf.child.try_wait().unwrap(), None);
    terminate(&unhealthy);
    let mut unhealthy = unhealthy;
    assert_eq!(unhealthy.end().0, None);
}

fn a_systemd_starts_it() {
    let unit = "[Service]\nExecStart=/usr/bin/kubelet --config=/etc/kubelet.yaml $MORE\n\
        EnvironmentFile=-/etc/default/kubelet\n";
    let boot = Boot::new()
        .file("/etc/systemd/system/kubelet.service", unit)
        .file("/etc/kubelet.yaml", &format!("{HEAD}{OPEN}"))
        .kubelet();
    let Some(machine) = boot.boot() else { return };
    let until = |what: &str| {
        let again =
            format!("for i in $(seq 200); do {what} && exit; sleep 0.1; done 2>/dev/null; exit 1");
        machine.must(&["bash", "-c", &again])
    };
    let connect = |port: u16| format!("exec 3<>/dev/tcp/127.0.0.1/{port}");
    machine.must(&["systemctl", "start", "kubelet.service"]);
    let ask = format!(
        "{} && printf 'GET /healthz HTTP/1.0\\r\\n\\r\\n' >&3 && cat <&3",
        connect(10_248)
    );
    let healthz = until(&ask);
    assert!(healthz.ends_with("\r\n\r\nok"), "{healthz}");
    machine.write(
        "/etc/default/kubelet",
        "MORE=--authorization-mode=Webhook\n",
    );
    machine.must(&["systemctl", "restart", "kubelet.service"]);
    until("systemctl is-failed kubelet");
    machine.write("/etc/default/kubelet", "");
    machine.write(KNOBS, "no-healthz\n");
    machine.must(&["systemctl", "restart", "kubelet.service"]);
    until(&format!("({})", connect(10_250)));
    let healthz = machine.run(&["bash", "-c", &connect(10_248)]);
    assert!(!healthz.status.success());
    assert_eq!(
        machine.must(&["systemctl", "is-active", "kubelet"]),
        "active\n"
    );
}
