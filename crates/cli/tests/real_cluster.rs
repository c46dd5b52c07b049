//! A real control plane and kubelet, where `KUBEBUILDER_ASSETS` names a folder with `etcd`, `kube-apiserver` and
//! `kubelet`, and the tests run as root (a kubelet wants it); else they say that they are skipped.
//!
//! ```text
//! KUBEBUILDER_ASSETS=/path/to/assets cargo test -p kubeassay --test real_cluster
//! ```

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "tests start the program, write its files, say what they skip, and fail where something is not as it should be"
)]

use std::path::{Path, PathBuf};
use std::process::Command;

use assert_cmd::cargo::CommandCargoExt as _;
use kubeassay_testkit::namespaces;
use kubeassay_testkit::real_cluster::{self, NODE, RealCluster, Settings};
use serde_json::Value as Json;

const OPEN: Settings<'_> = Settings {
    mode: "AlwaysAllow",
    anonymous: true,
    more: "readOnlyPort: 0",
};
const CLOSED: Settings<'_> = Settings {
    mode: "Webhook",
    anonymous: false,
    more: "readOnlyPort: 0",
};
const MODE: &str = "kubelet-authorization-mode";
const ANONYMOUS: &str = "kubelet-anonymous-auth";
const AGREE: &str = "kubelet-witnesses-agree";

/// What a scan said, and its exit code.
struct Scan {
    report: Json,
    code: i32,
}

impl Scan {
    /// Scans with these arguments.
    fn run(arguments: &[&str]) -> Self {
        let output = Command::cargo_bin("kubeassay")
            .unwrap()
            .env_remove("KUBECONFIG")
            .env("HOME", "/nonexistent")
            .args(["scan", "-o", "json", MODE, ANONYMOUS, AGREE])
            .args(arguments)
            .output()
            .unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        let report = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{arguments:?}: {error}: {stderr}"));
        Self {
            report,
            code: output.status.code().unwrap(),
        }
    }

    /// Returns the finding of a rule on the kubelet with this process, or on the one without.
    fn finding(&self, rule: &str, horizon: &str, pid: Option<u32>) -> &Json {
        let mut findings = self.report["findings"].as_array().unwrap().iter();
        let found = findings.find(|finding| {
            finding["rule"] == rule
                && finding["horizon"] == horizon
                && finding["subject"]["pid"] == Json::from(pid)
        });
        found.unwrap_or_else(|| panic!("no finding {rule} {horizon} {pid:?}: {:#}", self.report))
    }

    /// Returns the verdict of a rule for `running`, and those of its witnesses: `fail disk=fail live=fail probe=fail`.
    fn verdict(&self, rule: &str, pid: Option<u32>) -> String {
        let finding = self.finding(rule, "running", pid);
        let mut said = finding["verdict"].as_str().unwrap().to_owned();
        for witness in finding["witnesses"].as_array().unwrap() {
            let (who, verdict) = (&witness["witness"], &witness["verdict"]);
            said = format!(
                "{said} {}={}",
                who.as_str().unwrap(),
                verdict.as_str().unwrap()
            );
        }
        said
    }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Returns the cluster of the test called `name`, on a machine of its own: no kubelet of another test is seen there.
fn cluster(name: &str) -> Option<RealCluster> {
    real_cluster::assets()?;
    if !is_root() {
        eprintln!("skipped: a kubelet wants to be started by root");
        return None;
    }
    if !namespaces::enter(name) {
        return None;
    }
    RealCluster::start()
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

/// Makes a token of the service account called `name` in the namespace kubeassay, and returns its file.
fn token(cluster: &RealCluster, name: &str, folder: &Path) -> PathBuf {
    let token = cluster.create(
        &format!("/api/v1/namespaces/kubeassay/serviceaccounts/{name}/token"),
        "application/json",
        r#"{"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","spec":{"expirationSeconds":3600}}"#,
    );
    let token: Json = serde_json::from_str(&token).unwrap();
    let file = folder.join(name);
    std::fs::write(&file, token["status"]["token"].as_str().unwrap()).unwrap();
    file
}

fn namespace(cluster: &RealCluster) {
    let object = r#"{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"kubeassay"}}"#;
    cluster.create("/api/v1/namespaces", "application/json", object);
}

#[test]
fn three_witnesses_follow_the_kubelet() {
    let Some(mut cluster) = cluster("three_witnesses_follow_the_kubelet") else {
        return;
    };
    cluster.start_kubelet(&OPEN);
    let admin = text(&cluster.kubeconfig("admin"));
    let live = ["--live", "--kubeconfig", &admin];
    let pid = cluster.pid();

    let open = Scan::run(&live);
    assert_eq!(
        open.verdict(MODE, pid),
        "fail disk=fail live=fail probe=fail"
    );
    assert_eq!(
        open.verdict(ANONYMOUS, pid),
        "fail disk=fail live=fail probe=fail"
    );
    assert_eq!(open.finding(AGREE, "running", pid)["verdict"], "pass");
    assert_eq!(open.code, 1);

    // The file is mended, and the kubelet does not know: it reads its files once.
    cluster.configure(&CLOSED);
    let edited = Scan::run(&live);
    assert_eq!(
        edited.verdict(MODE, pid),
        "fail disk=unknown live=fail probe=fail"
    );
    assert_eq!(edited.finding(MODE, "restart", pid)["verdict"], "pass");
    let disagree = edited.finding(AGREE, "running", pid);
    assert_eq!(disagree["verdict"], "fail", "{disagree:#}");
    let reason = disagree["reason"].as_str().unwrap();
    for part in [
        "authorization.mode",
        "AlwaysAllow",
        "Webhook",
        "kubelet.yaml",
    ] {
        assert!(reason.contains(part), "{part}: {reason}");
    }

    cluster.start_kubelet(&CLOSED);
    let pid = cluster.pid();
    let closed = Scan::run(&live);
    // Nobody is refused before anybody asks what the mode is.
    assert_eq!(
        closed.verdict(MODE, pid),
        "pass disk=pass live=pass probe=unknown"
    );
    assert_eq!(
        closed.verdict(ANONYMOUS, pid),
        "pass disk=pass live=pass probe=pass"
    );
    assert_eq!(closed.finding(AGREE, "running", pid)["verdict"], "pass");
    assert_ne!(closed.code, 1);
}

#[test]
fn the_whole_cluster_is_scanned_with_the_least_rights() {
    let Some(mut cluster) = cluster("the_whole_cluster_is_scanned_with_the_least_rights") else {
        return;
    };
    cluster.start_kubelet(&CLOSED);
    let admin = text(&cluster.kubeconfig("admin"));
    let whole = Scan::run(&[
        "--cluster",
        "--kubeconfig",
        &admin,
        "--min-coverage",
        "100%",
    ]);
    assert_eq!(
        whole.report["scanned"]["coverage"]["scanned"], 1,
        "{:#}",
        whole.report["scanned"]
    );
    assert_eq!(whole.report["scanned"]["nodes"][0]["name"], NODE);
    assert!(
        whole.verdict(MODE, None).starts_with("pass live=pass"),
        "{}",
        whole.verdict(MODE, None)
    );
    assert_ne!(whole.code, 1);

    // What is printed is enough, and no more than that: a token with it may be sent to nodes.
    let printed = Command::cargo_bin("kubeassay")
        .unwrap()
        .args(["manifest", "rbac", "--kubernetes-version", "1.36"])
        .output()
        .unwrap();
    namespace(&cluster);
    for object in String::from_utf8(printed.stdout).unwrap().split("\n---\n") {
        let kind = object
            .lines()
            .find_map(|line| line.strip_prefix("kind: "))
            .unwrap();
        let rbac = "/apis/rbac.authorization.k8s.io/v1";
        let place = object
            .lines()
            .find_map(|line| line.strip_prefix("  namespace: "))
            .unwrap_or_default();
        let path = match kind {
            "ServiceAccount" => "/api/v1/namespaces/kubeassay/serviceaccounts".to_owned(),
            "ClusterRole" => format!("{rbac}/clusterroles"),
            "ClusterRoleBinding" => format!("{rbac}/clusterrolebindings"),
            "Role" => format!("{rbac}/namespaces/{place}/roles"),
            "RoleBinding" => format!("{rbac}/namespaces/{place}/rolebindings"),
            other => panic!("a {other}: {object}"),
        };
        cluster.create(&path, "application/yaml", object);
    }
    let folder = tempfile::tempdir().unwrap();
    let file = token(&cluster, "kubeassay", folder.path());
    let nobody = text(&cluster.kubeconfig("nobody"));
    let with_token = [
        "--cluster",
        "--kubeconfig",
        &nobody,
        "--token-file",
        file.to_str().unwrap(),
    ];
    let least = Scan::run(&with_token);
    assert!(
        least.verdict(MODE, None).starts_with("pass live=pass"),
        "{}",
        least.verdict(MODE, None)
    );

    // A token of somebody who may do everything stays here.
    let admin_token = cluster.create(
        "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
        "application/json",
        r#"{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRoleBinding","metadata":{"name":"too-much"},
            "roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"cluster-admin"},
            "subjects":[{"kind":"ServiceAccount","name":"kubeassay","namespace":"kubeassay"}]}"#,
    );
    drop(admin_token);
    let powerful = Scan::run(&with_token);
    let live = &powerful.finding(MODE, "running", None)["witnesses"][0];
    assert_eq!(
        (&live["witness"], &live["cause"]),
        (&Json::from("live"), &Json::from("not-permitted"))
    );

    // Whom nobody vouches for is not believed.
    let other = kubeassay_testkit::certificates::Authority::new("other");
    let ca = folder.path().join("other.crt");
    std::fs::write(&ca, other.pem()).unwrap();
    let distrusted = Scan::run(&[
        "--cluster",
        "--kubeconfig",
        &admin,
        "--kubelet-ca",
        ca.to_str().unwrap(),
    ]);
    assert_eq!(
        distrusted.finding(MODE, "running", None)["cause"],
        "untrusted-certificate"
    );
    assert_eq!(distrusted.code, 2);
}

#[test]
fn a_request_without_credentials_tells_what_it_can() {
    let Some(mut cluster) = cluster("a_request_without_credentials_tells_what_it_can") else {
        return;
    };
    let address = format!("127.0.0.1:{}", cluster.kubelet);
    let ca = text(&cluster.authority());
    let probe = [
        "--live=probe",
        "--node-address",
        &address,
        "--kubelet-ca",
        &ca,
    ];
    for (settings, mode, anonymous) in [
        (OPEN, "fail probe=fail", "fail probe=fail"),
        (
            Settings {
                mode: "Webhook",
                ..OPEN
            },
            "pass probe=pass",
            "fail probe=fail",
        ),
        (CLOSED, "unknown probe=unknown", "pass probe=pass"),
    ] {
        cluster.start_kubelet(&settings);
        let scan = Scan::run(&probe);
        assert_eq!(scan.verdict(MODE, None), mode, "{settings:?}");
        assert_eq!(scan.verdict(ANONYMOUS, None), anonymous, "{settings:?}");
    }
}

#[test]
fn somebody_who_may_do_nothing_has_to_be_refused() {
    let Some(mut cluster) = cluster("somebody_who_may_do_nothing_has_to_be_refused") else {
        return;
    };
    namespace(&cluster);
    cluster.create(
        "/api/v1/namespaces/kubeassay/serviceaccounts",
        "application/json",
        r#"{"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"nothing"}}"#,
    );
    let folder = tempfile::tempdir().unwrap();
    let token = text(&token(&cluster, "nothing", folder.path()));
    let admin = text(&cluster.kubeconfig("admin"));
    let probe = [
        "--live=probe",
        "--kubeconfig",
        &admin,
        "--unprivileged-token-file",
        &token,
    ];
    for (mode, said) in [
        ("AlwaysAllow", "fail disk=fail probe=fail"),
        ("Webhook", "pass disk=pass probe=pass"),
    ] {
        cluster.start_kubelet(&Settings { mode, ..CLOSED });
        let scan = Scan::run(&probe);
        assert_eq!(scan.verdict(MODE, cluster.pid()), said, "{mode}");
    }
}
