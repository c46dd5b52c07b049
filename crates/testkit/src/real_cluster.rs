//! A real control plane and kubelet on loopback, for tests that `KUBEBUILDER_ASSETS` makes possible.
//!
//! The variable names a folder with `etcd`, `kube-apiserver` and `kubelet`, as the test tools of the ecosystem want it.
//! Nothing else of a cluster is there: no scheduler, no controllers, and a stand-in for the container runtime, with which
//! no pod ever runs; the node becomes ready where that is asked for, which neither `/configz` nor authorization minds.

use std::fmt::Write as _;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value as Json;
use tempfile::TempDir;

use crate::certificates::{Authority, Certified};
use crate::cri::{self, Runtime};
use crate::https::{Https, Session};

/// What `KUBEBUILDER_ASSETS` must hold.
pub const PROGRAMS: [&str; 3] = ["etcd", "kube-apiserver", "kubelet"];
/// How long a component may take to answer.
const PATIENCE: Duration = Duration::from_secs(90);
/// The name of the node.
pub const NODE: &str = "node-1";

/// Every request once, when it was answered.
const AUDIT: &str = "apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived, ResponseStarted]
rules: [{level: Metadata}]
";

/// A running cluster; it ends when it is dropped.
pub struct RealCluster {
    assets: PathBuf,
    folder: TempDir,
    authority: Authority,
    /// The port of the API server.
    pub api: u16,
    /// The port of the kubelet.
    pub kubelet: u16,
    admin: Https,
    servers: Vec<Running>,
    node: Option<Running>,
}

/// What a kubelet is configured for.
#[derive(Clone, Copy, Debug)]
pub struct Settings<'a> {
    /// `authorization.mode`.
    pub mode: &'a str,
    /// `authentication.anonymous.enabled`.
    pub anonymous: bool,
    /// More of its configuration: lines of YAML at the top level.
    pub more: &'a str,
}

/// A process that ends with this value.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl RealCluster {
    /// Starts etcd and an API server; without assets says so on stderr and returns nothing.
    ///
    /// # Panics
    ///
    /// If the folder lacks one of the programs, or they do not come up.
    pub fn start() -> Option<Self> {
        let assets = assets()?;
        for program in PROGRAMS {
            let path = assets.join(program);
            assert!(path.exists(), "{} is missing", path.display());
        }
        let folder = TempDir::new().unwrap_or_else(|error| panic!("no temporary folder: {error}"));
        let authority = Authority::new("kubernetes");
        let [etcd, api, kubelet] = free_ports();
        let admin = authority.member("admin", "system:masters");
        let mut cluster = Self {
            assets,
            folder,
            api,
            kubelet,
            admin: Https::new(api, &authority.pem(), &admin.pem, &admin.key_pem),
            authority,
            servers: Vec::new(),
            node: None,
        };
        cluster.write("ca.crt", &cluster.authority.pem());
        cluster.issued("admin", &admin);
        cluster.start_etcd(etcd);
        cluster.start_api_server(etcd);
        Some(cluster)
    }

    fn start_etcd(&mut self, port: u16) {
        let mut etcd = self.program("etcd");
        etcd.arg(format!("--data-dir={}", self.path("etcd").display()))
            .arg(format!("--listen-client-urls=http://127.0.0.1:{port}"))
            .arg(format!("--advertise-client-urls=http://127.0.0.1:{port}"))
            .arg("--listen-peer-urls=http://127.0.0.1:0")
            .arg("--unsafe-no-fsync");
        self.spawn(etcd, "etcd");
    }

    fn start_api_server(&mut self, etcd: u16) {
        self.write("audit.yaml", AUDIT);
        let server = self.authority.server(&["127.0.0.1", "localhost"]);
        self.issued("apiserver", &server);
        let kubelet_client = self
            .authority
            .member("kube-apiserver-kubelet-client", "system:masters");
        self.issued("kubelet-client", &kubelet_client);
        let path = |name: &str| self.path(name).display().to_string();
        let mut program = self.program("kube-apiserver");
        program
            .arg(format!("--etcd-servers=http://127.0.0.1:{etcd}"))
            .args(["--bind-address=127.0.0.1", "--advertise-address=127.0.0.1"])
            .arg("--endpoint-reconciler-type=none")
            .arg(format!("--secure-port={}", self.api))
            .arg(format!("--tls-cert-file={}", path("apiserver.crt")))
            .arg(format!("--tls-private-key-file={}", path("apiserver.key")))
            .arg(format!("--client-ca-file={}", path("ca.crt")))
            .arg("--service-cluster-ip-range=10.0.0.0/24")
            .arg("--service-account-issuer=https://kubernetes.default.svc")
            .arg(format!(
                "--service-account-key-file={}",
                path("apiserver.crt")
            ))
            .arg(format!(
                "--service-account-signing-key-file={}",
                path("apiserver.key")
            ))
            .args([
                "--authorization-mode=Node,RBAC",
                "--anonymous-auth=true",
                "--allow-privileged=true",
            ])
            .arg(format!("--audit-policy-file={}", path("audit.yaml")))
            .arg(format!("--audit-log-path={}", path("audit.log")))
            .arg(format!(
                "--kubelet-client-certificate={}",
                path("kubelet-client.crt")
            ))
            .arg(format!(
                "--kubelet-client-key={}",
                path("kubelet-client.key")
            ))
            .arg(format!(
                "--kubelet-certificate-authority={}",
                path("ca.crt")
            ));
        self.spawn(program, "kube-apiserver");
        self.wait("the API server", || {
            self.admin
                .get("/readyz")
                .is_ok_and(|(status, _)| status == 200)
        });
        // Made by a controller of its own some moments later.
        self.wait("the namespace kube-system", || {
            let path = "/api/v1/namespaces/kube-system";
            self.admin.get(path).is_ok_and(|(status, _)| status == 200)
        });
    }

    /// Starts the kubelet, or starts it again, and waits until it serves and its node is known.
    ///
    /// # Panics
    ///
    /// If it does not come up.
    pub fn start_kubelet(&mut self, settings: &Settings<'_>) {
        self.node = None;
        // A kubelet whose node is ready does more, outside of its folder too: not on a machine that is somebody's.
        self.prepare(Runtime::NotReady);
        self.configure(settings);
        // What changed within the error of a clock of the process's start might have changed after it.
        thread::sleep(Duration::from_millis(200));
        let mut program = self.program("kubelet");
        program.args(self.arguments(&self.kubelet_config(), &self.path("kubelet")));
        self.node = Some(Running(self.run(program, "kubelet")));
        self.wait_for_kubelet();
    }

    /// Waits until the kubelet serves and its node is known.
    ///
    /// # Panics
    ///
    /// If it does not come up.
    pub fn wait_for_kubelet(&self) {
        self.wait("the kubelet", || self.configz().is_some());
        self.wait("the node", || {
            self.node()
                .is_some_and(|node| node.contains("kubeletEndpoint") && node.contains("\"Port\""))
        });
    }

    /// Waits until the node is `Ready`, which it is once its kubelet has started everything.
    ///
    /// # Panics
    ///
    /// If it does not become so.
    pub fn wait_until_ready(&self) {
        self.wait("the node's readiness", || {
            self.node()
                .is_some_and(|node| node.contains("KubeletReady"))
        });
    }

    /// Returns what the kubelet says of its configuration, as JSON; nothing where it does not answer.
    pub fn configz(&self) -> Option<String> {
        let admin = Https::new(
            self.kubelet,
            &self.authority.pem(),
            &self.read("admin.crt"),
            &self.read("admin.key"),
        );
        let answer = admin.get("/configz").ok()?;
        (answer.0 == 200).then_some(answer.1)
    }

    /// Returns the Node object, as JSON; nothing where there is none.
    fn node(&self) -> Option<String> {
        let answer = self.admin.get(&format!("/api/v1/nodes/{NODE}")).ok()?;
        (answer.0 == 200).then_some(answer.1)
    }

    /// Makes what a kubelet needs for its node to become ready: a container runtime, certificates, a kubeconfig.
    ///
    /// Such a kubelet writes below `/var/lib/kubelet` and changes the network's rules, so this is for a machine of its
    /// own: see [`namespaces`](crate::namespaces) and [`machine`](crate::machine).
    pub fn prepare_node(&self) {
        self.prepare(Runtime::Ready);
    }

    fn prepare(&self, state: Runtime) {
        let runtime = self.path("cri.sock");
        if runtime.exists() {
            return;
        }
        cri::serve(&runtime, state);
        let server = self.authority.server(&["127.0.0.1", "localhost", NODE]);
        self.issued("kubelet-server", &server);
        let user = format!("system:node:{NODE}");
        let client = self.authority.member(&user, "system:nodes");
        self.issued("node", &client);
        self.kubeconfig_of("node");
    }

    /// Returns the path of the kubelet's program.
    pub fn kubelet_program(&self) -> PathBuf {
        self.assets.join("kubelet")
    }

    /// Returns the path of the kubeconfig of the node's kubelet.
    pub fn node_kubeconfig(&self) -> PathBuf {
        self.path("node.kubeconfig")
    }

    /// Returns the arguments of a kubelet with this configuration that keeps what it has in the folder `root`.
    pub fn arguments(&self, config: &Path, root: &Path) -> Vec<String> {
        vec![
            format!("--config={}", config.display()),
            format!("--kubeconfig={}", self.node_kubeconfig().display()),
            format!("--hostname-override={NODE}"),
            format!("--root-dir={}", root.display()),
        ]
    }

    /// Writes the kubelet's configuration without starting it again.
    pub fn configure(&self, settings: &Settings<'_>) {
        self.write("kubelet.yaml", &self.configuration(settings));
    }

    /// Returns the kubelet's configuration.
    pub fn configuration(&self, settings: &Settings<'_>) -> String {
        let Settings {
            mode,
            anonymous,
            more,
        } = settings;
        let path = |name: &str| self.path(name).display().to_string();
        let mut text = String::new();
        let written = write!(
            text,
            "apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
port: {port}
healthzPort: 0
tlsCertFile: {certificate}
tlsPrivateKeyFile: {key}
containerRuntimeEndpoint: unix://{runtime}
cgroupsPerQOS: false
enforceNodeAllocatable: []
failCgroupV1: false
failSwapOn: false
resolvConf: ''
podLogsDir: {logs}
authentication:
  anonymous: {{enabled: {anonymous}}}
  webhook: {{enabled: true}}
  x509: {{clientCAFile: {authority}}}
authorization:
  mode: {mode}
{more}
",
            authority = path("ca.crt"),
            port = self.kubelet,
            certificate = path("kubelet-server.crt"),
            key = path("kubelet-server.key"),
            runtime = path("cri.sock"),
            logs = path("pod-logs"),
        );
        debug_assert!(written.is_ok(), "writing to a string cannot fail");
        text
    }

    /// Returns the path of the kubelet's configuration.
    pub fn kubelet_config(&self) -> PathBuf {
        self.path("kubelet.yaml")
    }

    /// Returns the path of the certificate that the API server shows to kubelets.
    pub fn kubelet_client(&self) -> PathBuf {
        self.path("kubelet-client.crt")
    }

    /// Makes a certificate for a user, and returns its path.
    pub fn certificate(&self, user: &str) -> PathBuf {
        self.issued(user, &self.authority.client(user));
        self.path(&format!("{user}.crt"))
    }

    /// Returns the path of the certificate of the cluster's authority.
    pub fn authority(&self) -> PathBuf {
        self.path("ca.crt")
    }

    /// Returns the id of the kubelet's process.
    pub fn pid(&self) -> Option<u32> {
        self.node.as_ref().map(|node| node.0.id())
    }

    /// Returns the path of a kubeconfig whose user is called `name`.
    pub fn kubeconfig(&self, name: &str) -> PathBuf {
        let issued = self.authority.client(name);
        if name != "admin" {
            self.issued(name, &issued);
        }
        self.kubeconfig_of(name)
    }

    /// Makes an object of the API, from JSON or YAML.
    ///
    /// # Panics
    ///
    /// If the API server refuses it.
    pub fn create(&self, path: &str, kind: &str, object: &str) -> String {
        match self.ask("POST", path, kind, object) {
            (200..=299, body) => body,
            other => panic!("{path}: {other:?}\n{object}"),
        }
    }

    /// Returns status and body of what the API server answers its administrator.
    ///
    /// # Panics
    ///
    /// If it does not answer.
    pub fn ask(&self, method: &str, path: &str, kind: &str, object: &str) -> (u16, String) {
        let answer = self.admin.ask(method, path, kind, object);
        answer.unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// Returns a connection to the API server as its administrator.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub fn administrator(&self) -> Session {
        let session = self.admin.session();
        session.unwrap_or_else(|error| panic!("no connection: {error}"))
    }

    /// Returns the requests of a user, as the API server's audit log has them.
    ///
    /// # Panics
    ///
    /// If it is no log.
    pub fn requests_of(&self, user: &str) -> Vec<Json> {
        let log = self.read("audit.log");
        let events = log.lines().map(|line| {
            serde_json::from_str::<Json>(line).unwrap_or_else(|error| panic!("{error}: {line}"))
        });
        let by =
            |event: &Json| event.pointer("/user/username").and_then(Json::as_str) == Some(user);
        events.filter(by).collect()
    }

    fn kubeconfig_of(&self, name: &str) -> PathBuf {
        let text = format!(
            "apiVersion: v1
kind: Config
current-context: test
clusters: [{{name: test, cluster: {{server: 'https://127.0.0.1:{api}', certificate-authority: ca.crt}}}}]
contexts: [{{name: test, context: {{cluster: test, user: {name}}}}}]
users: [{{name: {name}, user: {{client-certificate: {name}.crt, client-key: {name}.key}}}}]
",
            api = self.api
        );
        let file = format!("{name}.kubeconfig");
        self.write(&file, &text);
        self.path(&file)
    }

    fn issued(&self, name: &str, issued: &Certified) {
        self.write(&format!("{name}.crt"), &issued.pem);
        self.write(&format!("{name}.key"), &issued.key_pem);
    }

    fn program(&self, name: &str) -> Command {
        Command::new(self.assets.join(name))
    }

    fn spawn(&mut self, command: Command, name: &str) {
        let child = self.run(command, name);
        self.servers.push(Running(child));
    }

    fn run(&self, mut command: Command, name: &str) -> Child {
        let log = fs::File::options()
            .create(true)
            .append(true)
            .open(self.path(&format!("{name}.log")))
            .unwrap_or_else(|error| panic!("no log for {name}: {error}"));
        let copy = log
            .try_clone()
            .unwrap_or_else(|error| panic!("no log for {name}: {error}"));
        command
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(copy)
            .spawn()
            .unwrap_or_else(|error| panic!("{name} does not start: {error}"))
    }

    fn wait(&self, what: &str, is_there: impl Fn() -> bool) {
        let begun = Instant::now();
        while !is_there() {
            assert!(
                begun.elapsed() < PATIENCE && !self.has_ended(),
                "{what} did not come up:\n{}",
                self.logs()
            );
            thread::sleep(Duration::from_millis(100));
        }
    }

    /// Returns whether one of the processes has ended by itself.
    fn has_ended(&self) -> bool {
        let all = self.servers.iter().chain(&self.node);
        let state =
            |running: &Running| fs::read_to_string(format!("/proc/{}/stat", running.0.id()));
        let mut states = all.map(state);
        states.any(|stat| stat.is_ok_and(|stat| stat.contains(") Z ")))
    }

    /// Returns the last lines of every log.
    fn logs(&self) -> String {
        let names = ["etcd.log", "kube-apiserver.log", "kubelet.log"];
        let ends = names
            .iter()
            .filter(|name| self.path(name).exists())
            .map(|name| {
                let text = self.read(name);
                let lines: Vec<&str> = text.lines().collect();
                let end = lines.len().saturating_sub(6);
                format!(
                    "{name}:\n{}\n",
                    lines.get(end..).unwrap_or_default().join("\n")
                )
            });
        ends.collect()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::write(&path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }

    fn read(&self, name: &str) -> String {
        let path: &Path = &self.path(name);
        fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }
}

impl Drop for RealCluster {
    fn drop(&mut self) {
        self.node = None;
        // It mounts its root folder onto itself.
        let mounted = self.path("kubelet");
        drop(
            Command::new("umount")
                .arg("-l")
                .arg(mounted)
                .stderr(Stdio::null())
                .status(),
        );
        while let Some(server) = self.servers.pop() {
            drop(server);
        }
    }
}

/// Returns the folder with the programs; where there is none says so on stderr.
#[expect(clippy::print_stderr, reason = "a test that does not run says so")]
pub fn assets() -> Option<PathBuf> {
    let assets = std::env::var_os("KUBEBUILDER_ASSETS").map(PathBuf::from);
    if assets.is_none() {
        eprintln!(
            "skipped: KUBEBUILDER_ASSETS names no folder with etcd, kube-apiserver and kubelet"
        );
    }
    assets
}

/// Returns ports that are free now.
fn free_ports<const N: usize>() -> [u16; N] {
    let listeners = [(); N].map(|()| {
        TcpListener::bind("127.0.0.1:0").unwrap_or_else(|error| panic!("no port: {error}"))
    });
    listeners.map(|listener| {
        let address = listener.local_addr();
        address
            .unwrap_or_else(|error| panic!("no port: {error}"))
            .port()
    })
}
