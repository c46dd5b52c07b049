//! `kubeassay manifest apply`: the Job that carries a plan to its node.

use std::fs;

use kubeassay_core::plan::Plan;
use serde_json::{Value as Json, json};
use tempfile::TempDir;

use super::{plan, run};

/// Prints the manifest of a plan and returns the exit code, stdout and stderr.
fn printed(plan: &Json, more: &[&str]) -> (i32, String, String) {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("node.plan");
    fs::write(&file, plan.to_string()).unwrap();
    let path = file.to_str().unwrap();
    let apply = [
        "manifest",
        "apply",
        path,
        "--image",
        "example.org/kubeassay:1",
    ];
    run(&[&apply[..], more].concat())
}

fn documents(text: &str) -> Vec<Json> {
    let documents = text.split("---\n");
    documents
        .map(|document| serde_saphyr::from_str(document).unwrap())
        .collect()
}

fn manifest(plan: &Json, more: &[&str]) -> Vec<Json> {
    let (code, stdout, stderr) = printed(plan, more);
    assert_eq!((code, stderr.as_str()), (0, ""));
    documents(&stdout)
}

#[test]
fn a_plan_is_carried_like_this() {
    let mut plan = plan();
    // What changes with every rule and every version.
    plan["request"]["digest"] = json!("sha256:0");
    plan["tool"]["version"] = json!("0");
    let (code, stdout, stderr) = printed(&plan, &["--accept", "nodes-proxy"]);
    assert_eq!((code, stderr.as_str()), (0, ""));
    insta::assert_snapshot!(stdout);
}

#[test]
fn the_plan_arrives_as_it_was_and_the_job_has_no_more_than_it_needs() {
    let mut plan = plan();
    // YAML must not make anything else of it.
    plan["edits"][0]["hunks"][0]["above"] = json!([
        "\t- \"x\": 'y' # z\r\n",
        "\u{85}\u{2028}\u{feff}é\n",
        "---\n",
        "...\n"
    ]);
    for (more, old) in [(&[][..], false), (&["--kubernetes-version", "1.29"], true)] {
        let documents = manifest(&plan, more);
        let [namespace, secret, job] = documents.as_slice() else {
            panic!("{documents:?}");
        };
        assert_eq!(
            namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"],
            "privileged"
        );
        let carried = secret["stringData"]["node.plan"].as_str().unwrap();
        let carried: Plan = serde_json::from_str(carried).unwrap();
        assert_eq!(carried, serde_json::from_value(plan.clone()).unwrap());
        job_has_no_more_than_it_needs(job, secret["metadata"]["name"].as_str().unwrap(), old);
    }
}

fn job_has_no_more_than_it_needs(job: &Json, name: &str, old: bool) {
    assert_eq!(job["metadata"]["name"], name);
    assert_eq!(job["spec"]["backoffLimit"], 0);
    let template = &job["spec"]["template"];
    // Whoever fetches facts by the label of the pods that collect must not get this log.
    assert_eq!(
        template["metadata"]["labels"],
        json!({"app.kubernetes.io/name": "kubeassay-apply"})
    );
    let spec = &template["spec"];
    assert_eq!(spec["nodeName"], "worker-1");
    assert_eq!(spec["restartPolicy"], "Never");
    assert_eq!(spec["tolerations"], json!([{"operator": "Exists"}]));
    assert_eq!(spec["hostNetwork"], true);
    for refused in [
        "automountServiceAccountToken",
        "enableServiceLinks",
        "hostPID",
        "hostIPC",
    ] {
        assert_eq!(spec[refused], false, "{refused}");
    }
    assert_eq!(
        spec["volumes"],
        json!([
            {"name": "host", "hostPath": {"path": "/", "type": "Directory"}},
            {"name": "plan", "secret": {"secretName": name, "defaultMode": 0o400}},
        ])
    );
    let [container] = spec["containers"].as_array().unwrap().as_slice() else {
        panic!("{spec}");
    };
    assert_eq!(container["command"], json!(["kubeassay", "apply"]));
    assert_eq!(
        container["args"],
        json!(["--root=/host", "--timeout=60s", "/plan/node.plan"])
    );
    assert_eq!(
        container["volumeMounts"],
        json!([
            {"name": "host", "mountPath": "/host"},
            {"name": "plan", "mountPath": "/plan", "readOnly": true},
        ])
    );
    let mut security = json!({
        "runAsUser": 0,
        "runAsGroup": 0,
        "privileged": false,
        "allowPrivilegeEscalation": false,
        "readOnlyRootFilesystem": true,
        "capabilities": {
            "drop": ["ALL"],
            "add": ["DAC_READ_SEARCH", "SYS_PTRACE", "DAC_OVERRIDE", "CHOWN", "FOWNER", "FSETID"],
        },
        "seccompProfile": {"type": "RuntimeDefault"},
        "appArmorProfile": {"type": "Unconfined"},
        "seLinuxOptions": {"type": "spc_t"},
    });
    if old {
        security.as_object_mut().unwrap().remove("appArmorProfile");
        let annotation = "container.apparmor.security.beta.kubernetes.io/apply";
        assert_eq!(
            template["metadata"]["annotations"][annotation],
            "unconfined"
        );
    }
    assert_eq!(container["securityContext"], security);
}

/// A line that takes a right or gives one has a reason above it.
#[test]
fn every_privilege_has_its_reason_beside_it() {
    let (_, text, _) = printed(&plan(), &[]);
    let lines: Vec<&str> = text.lines().collect();
    for wanted in [
        "pod-security.kubernetes.io/enforce: privileged",
        "type: Opaque",
        "nodeName:",
        "- operator: Exists",
        "hostNetwork: true",
        "terminationGracePeriodSeconds:",
        "runAsUser: 0",
        "- DAC_READ_SEARCH",
        "- SYS_PTRACE",
        "- DAC_OVERRIDE",
        "- CHOWN",
        "- FOWNER",
        "- FSETID",
        "seLinuxOptions:",
        "- name: host\n          hostPath:",
        "- name: plan\n          secret:",
        "Unconfined",
    ] {
        let first = wanted.lines().next().unwrap();
        let at = lines.iter().enumerate().rev();
        let mut at = at.filter(|(_, line)| line.contains(first));
        let (at, _) = at.next().unwrap_or_else(|| panic!("{wanted}: {text}"));
        let is_comment = |at: usize| lines[at].trim_start().starts_with('#');
        assert!(is_comment(at - 1) || is_comment(at - 2), "{wanted}");
    }
}

#[test]
fn another_plan_is_another_job_and_the_same_one_the_same() {
    let name = |plan: &Json, more: &[&str]| {
        let documents = manifest(plan, more);
        let name = documents.last().unwrap()["metadata"]["name"].as_str();
        name.unwrap().to_owned()
    };
    let one = name(&plan(), &[]);
    assert!(one.starts_with("kubeassay-apply-worker-1-"), "{one}");
    assert_eq!(one, name(&plan(), &[]));
    let mut other = plan();
    other["edits"][0]["before"] = json!("cd".repeat(32));
    assert_ne!(one, name(&other, &[]));
    let long = format!("ip-{}.compute.internal", "1".repeat(70));
    assert!(name(&plan(), &["--node", &long]).len() <= 57);
    let documents = manifest(&plan(), &["--node", &long, "--no-namespace", "-n", "audit"]);
    assert_eq!(documents.len(), 2);
    assert_eq!(
        documents[1]["spec"]["template"]["spec"]["nodeName"],
        long.as_str()
    );
    assert_eq!(documents[1]["metadata"]["namespace"], "audit");
}

#[test]
fn what_no_cluster_would_take_is_refused() {
    let mut nothing = plan();
    nothing["edits"] = json!([]);
    nothing["restarts"] = json!([]);
    let mut odd = plan();
    odd["node"]["name"] = json!("Worker_1\"\n");
    let mut large = plan();
    large["edits"][0]["hunks"][0]["new"] = json!(["x".repeat(1 << 20)]);
    for (plan, more, said) in [
        (nothing, &[][..], "there is nothing to carry"),
        (odd, &[], "give the name of its Node object with --node"),
        (large, &[], "larger than a Secret may be"),
        (plan(), &["--node", "a b"], "is no node's name"),
        (plan(), &["--accept", "a b"], "is no check's name"),
        (plan(), &["-n", "kube-system"], "with --no-namespace"),
        (
            json!({"schema": "kubeassay.plan/v9"}),
            &[],
            "use the version that made it",
        ),
    ] {
        let (code, stdout, stderr) = printed(&plan, more);
        assert_eq!((code, stdout.as_str()), (64, ""), "{more:?}");
        assert!(stderr.contains(said), "{more:?}: {stderr}");
    }
}
