//! A cluster of stand-ins, the files that name it, and scans of it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use assert_cmd::cargo::CommandCargoExt as _;
use kubeassay_cluster::rbac::{Object, Plan, permissions};
use kubeassay_testkit::api_server::{ApiServer, Rule, Running, nodes};
use kubeassay_testkit::certificates::{Authority, Certified};
use kubeassay_testkit::kubelet::{Kubelet, StandIn};
use serde_json::Value as Json;
use tempfile::TempDir;

pub(crate) const MODE: &str = "kubelet-authorization-mode";
pub(crate) const ANONYMOUS: &str = "kubelet-anonymous-auth";
pub(crate) const READ_ONLY: &str = "kubelet-read-only-port";

/// The user of the client certificate and of the token.
pub(crate) const USER: &str = "system:serviceaccount:kubeassay:kubeassay";
/// The token, as it must never be seen.
pub(crate) const TOKEN: &str = "c4n4ry-of-the-token";

/// Who signs, who asks, and where their files are.
pub(crate) struct Lab {
    pub(crate) authority: Arc<Authority>,
    pub(crate) client: Certified,
    folder: TempDir,
}

impl Lab {
    pub(crate) fn new() -> Self {
        let authority = Arc::new(Authority::new("kubernetes"));
        let lab = Self {
            client: authority.client(USER),
            authority,
            folder: TempDir::new().unwrap(),
        };
        lab.write("ca.crt", lab.authority.pem());
        lab.write("me.crt", &lab.client.pem);
        lab.write("me.key", &lab.client.key_pem);
        lab.write("token", TOKEN);
        lab
    }

    /// Writes a file and returns its path.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        path.into_os_string().into_string().unwrap()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Returns a path as an argument.
    pub(crate) fn at(&self, name: &str) -> String {
        self.path(name).into_os_string().into_string().unwrap()
    }

    /// Returns a hardened kubelet of this cluster, where [`USER`] may read `/configz`.
    pub(crate) fn kubelet(&self) -> Kubelet {
        let mut kubelet = Kubelet::hardened(self.authority.server(&["127.0.0.1"]));
        let clients = [(self.client.der.clone(), USER.to_owned())];
        kubelet.clients = Some(clients.into());
        kubelet.tokens = Some([(TOKEN.to_owned(), USER.to_owned())].into());
        kubelet.granted.insert((USER.to_owned(), "/configz"));
        kubelet
    }

    /// Returns an API server with these nodes, where [`USER`] may do what is printed by `manifest rbac`.
    pub(crate) fn server(&self, nodes: Vec<(String, String)>, via_proxy: bool) -> ApiServer {
        let certified = self.authority.server(&["127.0.0.1", "localhost"]);
        let mut server = ApiServer::new(certified, Arc::clone(&self.authority), nodes);
        let client = (self.client.der.clone(), USER.to_owned());
        server.certificates.extend([client]);
        server.tokens.insert(TOKEN.to_owned(), USER.to_owned());
        let plan = Plan {
            minor: 36,
            via_proxy,
            mending: false,
            objects: true,
        };
        server.rules.insert(USER.to_owned(), printed(plan));
        server
    }

    /// Writes a kubeconfig for the server at this address, with the client certificate, and returns its path.
    pub(crate) fn kubeconfig(&self, address: SocketAddr) -> String {
        self.kubeconfig_of(address, "client-certificate: me.crt, client-key: me.key")
    }

    /// Writes one with this user.
    pub(crate) fn kubeconfig_of(&self, address: SocketAddr, user: &str) -> String {
        let config = format!(
            "current-context: lab\n\
             contexts: [{{name: lab, context: {{cluster: c, user: u}}}}]\n\
             clusters: [{{name: c, cluster: {{server: 'https://{address}', certificate-authority: ca.crt}}}}]\n\
             users: [{{name: u, user: {{{user}}}}}]\n"
        );
        self.write("config", config)
    }

    /// Scans the cluster behind this server, as JSON.
    pub(crate) fn scan_cluster(&self, server: &Running, more: &[&str]) -> Scan {
        let config = self.kubeconfig(server.address);
        let arguments = ["--cluster", "--kubeconfig", &config, "-o", "json"];
        scan(&[&arguments, more].concat())
    }

    /// Asks this kubelet, as JSON, trusting the cluster's authority.
    pub(crate) fn ask(&self, kubelet: &StandIn, more: &[&str]) -> Scan {
        let (address, ca) = (address(kubelet), self.at("ca.crt"));
        let arguments = [
            "--node-address",
            &address,
            "--kubelet-ca",
            &ca,
            "-o",
            "json",
        ];
        scan(&[&arguments, more].concat())
    }

    /// Returns the arguments that show the client certificate.
    pub(crate) fn certificate(&self) -> [String; 4] {
        let (chain, key) = (self.at("me.crt"), self.at("me.key"));
        [
            "--client-certificate".to_owned(),
            chain,
            "--client-key".to_owned(),
            key,
        ]
    }
}

/// Returns where a stand-in listens, as an argument.
pub(crate) fn address(kubelet: &StandIn) -> String {
    format!("127.0.0.1:{}", kubelet.port)
}

/// Returns the rules that `kubeassay manifest rbac` prints for a plan.
pub(crate) fn printed(plan: Plan) -> Vec<Rule> {
    let rules = permissions(plan).into_iter().map(|permission| {
        let rule = Rule {
            namespace: permission.scope.namespace().map(str::to_owned),
            verbs: vec![permission.verb.to_owned()],
            ..Rule::default()
        };
        match permission.object {
            Object::Resource {
                group,
                resource,
                names,
            } => Rule {
                groups: vec![group.to_owned()],
                resources: vec![resource.to_owned()],
                names,
                ..rule
            },
            Object::Path(path) => Rule {
                paths: vec![path.to_owned()],
                ..rule
            },
        }
    });
    rules.collect()
}

/// Returns a node of the captured kind whose kubelet is at this port of 127.0.0.1.
pub(crate) fn node(name: &str, port: u16) -> (String, String) {
    let (_, captured) = nodes(1).remove(0);
    let node = captured
        .replace("node-0", name)
        .replace("uid-0", &format!("uid-of-{name}"))
        .replace(&"0".repeat(32), &format!("{:032x}", u32::from(port)))
        .replace("10.0.0.0", "127.0.0.1")
        .replace("\"Port\":10250", &format!("\"Port\":{port}"));
    (name.to_owned(), node)
}

/// What a scan said.
pub(crate) struct Scan {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Returns the program, without the user's own credentials.
pub(crate) fn program(arguments: &[&str]) -> Command {
    let mut command = Command::cargo_bin("kubeassay").unwrap();
    command
        .env_remove("KUBECONFIG")
        .env("HOME", "/nonexistent")
        .args(arguments);
    command
}

/// Scans with these arguments.
pub(crate) fn scan(arguments: &[&str]) -> Scan {
    let output = program(&["scan"]).args(arguments).output().unwrap();
    Scan {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

impl Scan {
    pub(crate) fn report(&self) -> Json {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}{}", self.stdout, self.stderr))
    }

    /// Returns the verdict of a rule for `running`, its cause, and the verdicts of the witnesses: `unknown
    /// unreachable live=unknown probe=unknown`.
    pub(crate) fn verdict(&self, rule: &str) -> String {
        let report = self.report();
        let mut findings = report["findings"].as_array().unwrap().iter();
        let found =
            findings.find(|finding| finding["rule"] == rule && finding["horizon"] == "running");
        let finding = found.unwrap_or_else(|| panic!("no finding of {rule}: {report:#}"));
        let mut said = finding["verdict"].as_str().unwrap().to_owned();
        if let Some(cause) = finding["cause"].as_str() {
            said = format!("{said} {cause}");
        }
        for witness in finding["witnesses"].as_array().unwrap() {
            let word = |key: &str| witness[key].as_str().unwrap();
            said = format!("{said} {}={}", word("witness"), word("verdict"));
        }
        said
    }

    /// Returns the lines of a report as JSON lines.
    pub(crate) fn lines(&self) -> Vec<Json> {
        let lines = self.stdout.lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}
