//! Reports in a real cluster: its definitions of resources, its server-side apply, its authorizer.

use kubeassay_report::openreports::MAX_BYTES;
use serde_json::{Value as Json, json};

use super::Real;
use crate::lab::program;
use crate::publish::{MONDAY, OPEN, POLICY, TUESDAY, report};

const USER: &str = "system:serviceaccount:kubeassay:kubeassay-publish";
const OPEN_REPORTS: &str = "/apis/openreports.io/v1alpha1/clusterreports";
const POLICY_REPORTS: &str = "/apis/wgpolicyk8s.io/v1alpha2/clusterpolicyreports";
const NAME: &str = "kubeassay-node-worker-1";

impl Real {
    /// Makes the account for publishing with what is printed, and nothing else.
    fn grant_publishing(&mut self) {
        let output = program(&["manifest", "rbac", "--publish"]).output();
        let printed = String::from_utf8(output.unwrap().stdout).unwrap();
        let documents: Vec<Json> = serde_saphyr::from_multiple(&printed).unwrap();
        for object in &documents {
            self.make(object);
        }
        let request = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
            "spec": {"expirationSeconds": 3600}});
        let path = "/api/v1/namespaces/kubeassay/serviceaccounts/kubeassay-publish/token";
        let answer = self.ask("POST", path, &request);
        let token = answer["status"]["token"].as_str().unwrap();
        std::fs::write(self.token.path(), token).unwrap();
    }

    /// Makes a node with this number as its machine id.
    fn node(&mut self, name: &str, machine: u16) -> Json {
        let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name},
            "status": {"nodeInfo": {"machineID": format!("{machine:032x}"), "systemUUID": "", "bootID": "",
                "kernelVersion": "", "osImage": "", "containerRuntimeVersion": "", "kubeletVersion": "",
                "kubeProxyVersion": "", "operatingSystem": "", "architecture": ""}}});
        self.ask("POST", "/api/v1/nodes", &node)
    }

    /// Installs a definition, and waits until it is served.
    fn install(&mut self, definition: &str, path: &str) {
        let definition: Json = serde_saphyr::from_str(definition).unwrap();
        self.make(&definition);
        let until = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while self.try_to("GET", path, &Json::Null).0 != 200 {
            assert!(std::time::Instant::now() < until, "{path}");
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
    }

    /// Publishes as that account: the exit code, and all that is said.
    fn publish(&self, report: &Json, more: &[&str]) -> (i32, String) {
        let nobody = self.cluster.kubeconfig("nobody");
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), report.to_string()).unwrap();
        let output = program(&["report", "publish"])
            .arg(file.path())
            .arg("--kubeconfig")
            .arg(nobody)
            .arg("--token-file")
            .arg(self.token.path())
            .args(more)
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        (
            output.status.code().unwrap(),
            String::from_utf8(said).unwrap(),
        )
    }
}

#[test]
fn reports_are_written_read_again_and_written_again() {
    let Some(mut real) = Real::start() else {
        return;
    };
    real.grant_publishing();
    let node = real.node("worker-1", 1);
    let system = real.ask("GET", "/api/v1/namespaces/kube-system", &Json::Null);
    let mut monday = report("worker-1", 1, MONDAY);
    monday["scanned"]["cluster"] =
        json!({"uid": system["metadata"]["uid"], "server": "https://a", "version": null});

    let (code, said) = real.publish(&monday, &[]);
    assert!(
        code == 64 && said.contains("has no resource for reports"),
        "{said}"
    );

    // The older kind alone; then both: what is there of the older one stays as it is.
    real.install(POLICY, POLICY_REPORTS);
    let (code, said) = real.publish(&monday, &["--dry-run=server"]);
    assert!(
        code == 0 && said.contains("created (server dry run)"),
        "{said}"
    );
    let one = format!("{POLICY_REPORTS}/{NAME}");
    assert_eq!(real.try_to("GET", &one, &Json::Null).0, 404);
    let (code, said) = real.publish(&monday, &[]);
    assert!(
        code == 0 && said.contains("clusterpolicyreport.wgpolicyk8s.io"),
        "{said}"
    );
    let old = real.ask("GET", &one, &Json::Null);
    real.install(OPEN, OPEN_REPORTS);
    let (code, said) = real.publish(&monday, &[]);
    assert!(
        code == 0 && said.contains("clusterreport.openreports.io"),
        "{said}"
    );
    let one = format!("{OPEN_REPORTS}/{NAME}");
    let new = real.ask("GET", &one, &Json::Null);
    // The server keeps all of it, under either definition.
    for key in ["scope", "summary", "results"] {
        assert_eq!(old[key], new[key], "{key}");
    }
    let client = program(&["report", "publish", "-", "--dry-run=client"])
        .stdin(tempfile_of(&monday))
        .output()
        .unwrap();
    let sent = String::from_utf8(client.stdout).unwrap();
    let sent: Json = serde_saphyr::from_str(sent.trim_start_matches("---\n")).unwrap();
    for key in ["source", "scope", "summary", "results"] {
        assert_eq!(sent[key], new[key], "{key}");
    }
    assert_eq!(
        sent["metadata"]["annotations"],
        new["metadata"]["annotations"]
    );
    assert_eq!(new["summary"]["fail"], monday["summary"]["fail"]);
    assert_eq!(
        new["metadata"]["ownerReferences"],
        json!([{"apiVersion": "v1", "kind": "Node", "name": "worker-1", "uid": node["metadata"]["uid"]}])
    );
    let managed = &new["metadata"]["managedFields"][0];
    assert_eq!(
        (&managed["manager"], &managed["operation"]),
        (&json!("kubeassay"), &json!("Apply"))
    );

    let tuesday = again_and_later(&mut real, &monday, &one);
    what_does_not_fit_is_counted(&mut real, &tuesday, &one);

    // The object of a node that is another machine is not touched, and nothing that was asked was refused.
    let other = report("worker-1", 2, "2026-11-25T10:00:00Z");
    let (code, said) = real.publish(&other, &[]);
    assert!(code == 1 && said.contains("another machine"), "{said}");
    let requests = real.cluster.requests_of(USER);
    assert!(requests.len() > 20, "{requests:#?}");
    for event in &requests {
        let decision = &event["annotations"]["authorization.k8s.io/decision"];
        assert_eq!(decision, "allow", "{event:#}");
    }
    // Whoever scans may not write.
    let scanner = real
        .cluster
        .requests_of("system:serviceaccount:kubeassay:kubeassay");
    assert!(scanner.is_empty());
}

/// Writes the same again, a later report, and one that comes too late; returns the later one.
fn again_and_later(real: &mut Real, monday: &Json, one: &str) -> Json {
    let version =
        |real: &mut Real| real.ask("GET", one, &Json::Null)["metadata"]["resourceVersion"].clone();
    let before = version(real);
    let (code, said) = real.publish(monday, &[]);
    assert!(code == 0 && said.contains("unchanged"), "{said}");
    assert_eq!(version(real), before);
    let mut tuesday = monday.clone();
    tuesday["scanned"]["started"] = json!(TUESDAY);
    let (code, said) = real.publish(&tuesday, &[]);
    assert!(code == 0 && said.contains("updated"), "{said}");
    let after = version(real);
    assert_ne!(after, before);
    let (code, said) = real.publish(monday, &[]);
    assert!(code == 1 && said.contains("of a later scan"), "{said}");
    assert_eq!(version(real), after);

    // A version that is not the one that is there is refused, which is how two that write at once are told apart.
    let stale = json!({"apiVersion": "openreports.io/v1alpha1", "kind": "ClusterReport",
        "metadata": {"name": NAME, "resourceVersion": before}});
    let target = format!("{one}?fieldManager=kubeassay&force=true");
    let kind = "application/apply-patch+yaml";
    let (status, answer) = real.cluster.ask("PATCH", &target, kind, &stale.to_string());
    assert_eq!(status, 409, "{answer}");
    tuesday
}

/// Far more than an object holds, and texts that are none.
fn what_does_not_fit_is_counted(real: &mut Real, tuesday: &Json, one: &str) {
    let mut large = tuesday.clone();
    let finding = large["findings"][0].clone();
    let text = "\u{0}\u{1b}[31m\u{202e}<script>\u{fffe}\u{1f600}\"\\".repeat(60);
    let many = (0..4_000).map(|number| {
        let mut finding = finding.clone();
        finding["id"] = json!(format!("{number:032x}"));
        finding["rule"] = json!(format!("rule-{number}"));
        for key in ["reason", "expected", "remediation"] {
            finding[key] = json!(text);
        }
        finding
    });
    large["findings"] = many.collect();
    let (code, said) = real.publish(&large, &[]);
    assert!(code == 0 && said.contains("updated"), "{said}");
    let kept = real.ask("GET", one, &Json::Null);
    let counted = kept["summary"].as_object().unwrap().values();
    assert_eq!(counted.filter_map(Json::as_u64).sum::<u64>(), 4_000);
    let left = kept["metadata"]["annotations"]["kubeassay/left-out"]
        .as_str()
        .unwrap();
    assert!(left.contains("of 4000 findings"), "{left}");
    assert!(
        kept.to_string().len() <= MAX_BYTES + (8 << 10),
        "{}",
        kept.to_string().len()
    );
}

fn tempfile_of(report: &Json) -> std::fs::File {
    use std::io::{Seek as _, Write as _};
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(report.to_string().as_bytes()).unwrap();
    file.rewind().unwrap();
    file
}

/// What a scan may do is not enough, and what is missing is named.
#[test]
fn the_account_of_a_scan_may_not_publish() {
    let Some(mut real) = Real::start() else {
        return;
    };
    real.install(OPEN, OPEN_REPORTS);
    let mut report = report("worker-1", 1, MONDAY);
    report["scanned"]["cluster"] = Json::Null;
    let (code, said) = real.publish(&report, &["--accept", "node"]);
    assert!(
        code == 1 && said.contains("may not get nodes (403)"),
        "{said}"
    );
    assert!(
        said.contains("`kubeassay manifest rbac --publish`"),
        "{said}"
    );
}

/// What docs/reports.md shows is taken by a real server, and its policy keeps the token of a node to that node's report.
#[test]
fn what_the_documentation_shows_is_taken_and_holds() {
    let Some(mut real) = Real::start() else {
        return;
    };
    real.grant_publishing();
    real.install(OPEN, OPEN_REPORTS);
    real.node("worker-1", 1);
    real.node("worker-2", 2);
    let page = include_str!("../../../../../docs/reports.md");
    let shown: Vec<&str> = page
        .split("```yaml\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect();
    assert_eq!(shown.len(), 3);
    let mut kinds = Vec::new();
    for text in shown {
        let documents: Vec<Json> = serde_saphyr::from_multiple(text).unwrap();
        for object in &documents {
            kinds.push(object["kind"].as_str().unwrap().to_owned());
            // What the server does not know would be dropped without a word.
            let path = super::collection(object);
            let path = path.replace("policys", "policies");
            let answer = real.try_to("POST", &format!("{path}?fieldValidation=Strict"), object);
            assert_eq!(answer.0, 201, "{}", answer.1);
        }
    }
    let wanted = [
        "DaemonSet",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
        "CronJob",
    ];
    assert_eq!(kinds, wanted);

    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "kubeassay"},
        "spec": {"nodeName": "worker-1", "serviceAccountName": "kubeassay-publish",
            "containers": [{"name": "c", "image": "i"}]}});
    let pod = real.ask("POST", "/api/v1/namespaces/kubeassay/pods", &pod);
    let bound =
        json!({"kind": "Pod", "apiVersion": "v1", "name": "p", "uid": pod["metadata"]["uid"]});
    let path = "/api/v1/namespaces/kubeassay/serviceaccounts/kubeassay-publish/token";
    let request = |bound: &Json| {
        let mut spec = json!({"expirationSeconds": 3600});
        if !bound.is_null() {
            spec["boundObjectRef"] = bound.clone();
        }
        json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec})
    };
    let of_pod = real.ask("POST", path, &request(&bound))["status"]["token"].clone();
    let of_nobody = real.ask("POST", path, &request(&Json::Null))["status"]["token"].clone();
    let own = report("worker-1", 1, MONDAY);
    let other = report("worker-2", 2, MONDAY);
    let with = |real: &Real, token: &Json, report: &Json| {
        std::fs::write(real.token.path(), token.as_str().unwrap()).unwrap();
        real.publish(report, &["--dry-run=server"])
    };
    // It takes the server some moments to know its policies.
    let until = std::time::Instant::now() + std::time::Duration::from_mins(1);
    while with(&real, &of_nobody, &other).0 == 0 {
        assert!(std::time::Instant::now() < until, "the policy does nothing");
        std::thread::sleep(std::time::Duration::from_millis(500));
    }
    let (code, said) = with(&real, &of_pod, &own);
    assert!(code == 0 && said.contains("created"), "{said}");
    for token in [&of_pod, &of_nobody] {
        let (code, said) = with(&real, token, &other);
        let part = "denied request: a node";
        assert!(code == 1 && said.contains(part), "{said}");
    }
}
