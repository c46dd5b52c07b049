//! Measures again what `crates/config/tests/truth/apiserver-1.36.json` says of an API server of 1.36, where
//! `KUBEBUILDER_ASSETS` names a folder with `etcd` and `kube-apiserver`; else the test says that it is skipped. All of it
//! takes a quarter of an hour: `KUBEASSAY_CASES` names a part of the cases by what their ids hold.
//!
//! ```text
//! KUBEBUILDER_ASSETS=/path/to/assets KUBEASSAY_CASES=authn cargo test -p kubeassay --test real_api_server
//! ```

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests start programs, write their files, say what they skip, and fail where something is not as it should be"
)]

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use kubeassay_testkit::certificates::Authority;
use kubeassay_testkit::https::Https;
use kubeassay_testkit::real_cluster;
use serde_json::Value as Json;
use tempfile::TempDir;

const TRUTH: &str = include_str!("../../config/tests/truth/apiserver-1.36.json");
/// How long a server may take to start or to end.
const PATIENCE: Duration = Duration::from_secs(90);
/// How long a server has to serve that never says that it is ready.
const LONG_ENOUGH: Duration = Duration::from_secs(8);

/// Cases that a build with patches of its own answers in another way than upstream.
const BY_BUILD: [&str; 3] = ["gate-unknown", "gate-twice", "gate-structured-off"];

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl Running {
    fn start(program: &Path, arguments: &[String], log: &Path) -> Self {
        let log = fs::File::create(log).unwrap();
        let child = Command::new(program)
            .args(arguments)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn();
        Self(child.unwrap())
    }

    fn has_ended(&mut self) -> bool {
        self.0.try_wait().unwrap().is_some()
    }
}

struct Laboratory {
    folder: TempDir,
    port: u16,
    etcd: u16,
    admin: Https,
    somebody: Https,
    anonymous: Https,
    _etcd: Running,
}

impl Laboratory {
    fn open(assets: &Path) -> Self {
        let folder = TempDir::new().unwrap();
        let pki = folder.path().join("pki");
        fs::create_dir(&pki).unwrap();
        let write = |name: &str, text: &str| fs::write(pki.join(name), text).unwrap();
        let (authority, other) = (Authority::new("ca"), Authority::new("front-proxy-ca"));
        let server = authority.server(&["127.0.0.1", "localhost"]);
        let admin = authority.member("admin", "system:masters");
        let somebody = authority.client("somebody");
        let proxy = other.client("front-proxy-client");
        write("ca.crt", &authority.pem());
        write("front-proxy-ca.crt", &other.pem());
        write("front-proxy-client.crt", &proxy.pem);
        write("apiserver.crt", &server.pem);
        write("apiserver.key", &server.key_pem);
        // A certificate is a public key too.
        write("sa.pub", &server.pem);
        write("sa.key", &server.key_pem);
        let (port, etcd) = (free_port(), free_port());
        let url = format!("http://127.0.0.1:{etcd}");
        let arguments = [
            format!("--data-dir={}", folder.path().join("etcd").display()),
            format!("--listen-client-urls={url}"),
            format!("--advertise-client-urls={url}"),
            "--listen-peer-urls=http://127.0.0.1:0".to_owned(),
            "--unsafe-no-fsync".to_owned(),
        ];
        let log = folder.path().join("etcd.log");
        let running = Running::start(&assets.join("etcd"), &arguments, &log);
        let authority = authority.pem();
        Self {
            port,
            etcd,
            admin: Https::new(port, &authority, &admin.pem, &admin.key_pem),
            somebody: Https::new(port, &authority, &somebody.pem, &somebody.key_pem),
            anonymous: Https::anonymous(port, &authority),
            folder,
            _etcd: running,
        }
    }

    /// Returns a text of a case as it is said on this machine.
    fn here(&self, text: &str) -> String {
        text.replace("/lab/", &format!("{}/", self.folder.path().display()))
            .replace("127.0.0.1:2379", &format!("127.0.0.1:{}", self.etcd))
            .replace(
                "--secure-port=6443",
                &format!("--secure-port={}", self.port),
            )
    }

    /// Runs a case, and returns how it differs from what was recorded.
    fn differs(&self, assets: &Path, base: &[String], case: &Json) -> Option<String> {
        let folder = self.folder.path().join("case");
        drop(fs::remove_dir_all(&folder));
        fs::create_dir(&folder).unwrap();
        for (path, text) in case["files"].as_object().into_iter().flatten() {
            fs::write(self.here(path), self.here(text.as_str().unwrap())).unwrap();
        }
        let without = texts(&case["without"]);
        let stays = |argument: &&String| {
            let name = argument.trim_start_matches('-').split('=').next();
            !without.iter().any(|gone| Some(gone.as_str()) == name)
        };
        let given = base
            .iter()
            .filter(stays)
            .cloned()
            .chain(texts(&case["args"]));
        // Each has an etcd of its own.
        let prefix = format!("--etcd-prefix=/{}", case["id"].as_str().unwrap());
        let arguments: Vec<String> = std::iter::once(prefix)
            .chain(given.map(|argument| self.here(&argument)))
            .collect();
        let log = self.folder.path().join("kube-apiserver.log");
        let mut server = Running::start(&assets.join("kube-apiserver"), &arguments, &log);
        let outcome = &case["outcome"];
        let started = self.wait(&mut server);
        if Json::Bool(started) != outcome["started"] {
            let text = fs::read_to_string(&log).unwrap();
            let lines: Vec<&str> = text.lines().rev().take(3).collect();
            return Some(format!("started: {started}\n{}", lines.join("\n")));
        }
        let answers = outcome["anonymous"].as_object().into_iter().flatten();
        let answers = answers.map(|(path, wanted)| (&self.anonymous, path.as_str(), wanted));
        let somebody = (&self.somebody, "/api/v1/secrets", &outcome["somebody"]);
        let mut all = answers
            .chain([somebody])
            .filter(|(_, _, wanted)| !wanted.is_null());
        all.find_map(|(client, path, wanted)| {
            let found = Self::status(client, path, wanted);
            (Json::from(found) != *wanted).then(|| format!("{path}: {found:?}, not {wanted}"))
        })
    }

    /// Returns the status of an answer, asking again for a while where it is not the one that is wanted: roles are known
    /// some moments after the server calls itself ready.
    fn status(client: &Https, path: &str, wanted: &Json) -> Option<u16> {
        let mut found = None;
        for _ in 0..20 {
            found = client.get(path).ok().map(|(status, _)| status);
            if Json::from(found) == *wanted {
                break;
            }
            sleep(Duration::from_millis(500));
        }
        found
    }

    /// Waits until the server is ready or has ended.
    fn wait(&self, server: &mut Running) -> bool {
        let (begun, mut listening) = (Instant::now(), None);
        while begun.elapsed() < PATIENCE {
            if server.has_ended() {
                return false;
            }
            let status = self.admin.get("/readyz").ok().map(|(status, _)| status);
            if status == Some(200) {
                // What fails a moment later failed all the same.
                sleep(Duration::from_secs(1));
                return !server.has_ended();
            }
            // It knows nobody, or its certificate is one that nobody knows; what answers with errors may yet end.
            let is_strange = matches!(status, None | Some(401 | 403));
            if is_strange && TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                let since = *listening.get_or_insert_with(Instant::now);
                if since.elapsed() > LONG_ENOUGH {
                    return true;
                }
            }
            sleep(Duration::from_millis(200));
        }
        false
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

fn texts(list: &Json) -> Vec<String> {
    let all = list.as_array().into_iter().flatten();
    all.map(|text| text.as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_real_api_server_does_what_was_recorded() {
    let Some(assets) = real_cluster::assets() else {
        return;
    };
    let wanted = std::env::var("KUBEASSAY_CASES").unwrap_or_default();
    let truth: Json = serde_json::from_str(TRUTH).unwrap();
    let base = texts(&truth["base"]);
    let laboratory = Laboratory::open(&assets);
    let (mut count, mut faults) = (0, Vec::new());
    for case in truth["cases"].as_array().unwrap() {
        let id = case["id"].as_str().unwrap();
        if !id.contains(&wanted) || BY_BUILD.contains(&id) {
            continue;
        }
        count += 1;
        if let Some(difference) = laboratory.differs(&assets, &base, case) {
            faults.push(format!("{id}: {difference}"));
        }
    }
    eprintln!("{count} cases were measured");
    assert!(
        faults.is_empty(),
        "{} differ\n{}",
        faults.len(),
        faults.join("\n")
    );
    assert!(count > 0, "no case is called {wanted}");
}
