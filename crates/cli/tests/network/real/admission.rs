//! What namespaces refuse, beside the real admission of pods.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::Real;
use crate::objects::findings;

/// The labels of namespaces: the level and its version.
const LEVELS: &[(&str, &str)] = &[
    ("", ""),
    ("privileged", ""),
    ("baseline", ""),
    ("baseline", "latest"),
    ("baseline", "v1.0"),
    ("baseline", "v1.24"),
    ("restricted", ""),
    ("restricted", "latest"),
    ("restricted", "v1.0"),
    ("restricted", "v1.7"),
    ("restricted", "v1.8"),
    ("restricted", "v1.18"),
    ("restricted", "v1.19"),
    ("restricted", "v1.21"),
    ("restricted", "v1.22"),
    ("restricted", "v1.24"),
    ("restricted", "v1.25"),
    ("restricted", "v1.34"),
    ("restricted", "v1.99"),
];

/// Returns a pod that every level takes.
fn good() -> Json {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "probe"}, "spec": {
        "automountServiceAccountToken": false,
        "securityContext": {"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [{"name": "c", "image": "i", "securityContext": {
            "allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}}}]}})
}

/// Where the security context of the only container stands.
const CONTAINER: &str = "/spec/containers/0/securityContext";

/// Returns what each rule forbids: pods that are good but for that.
fn bad() -> Vec<(&'static str, Json)> {
    let changed = |pointer: &str, value: Json| {
        let mut pod = good();
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        pod.pointer_mut(parent).unwrap()[key] = value;
        pod
    };
    let at = |key: &str| format!("{CONTAINER}/{key}");
    let privileged = json!({"privileged": true, "capabilities": {"drop": ["ALL"]}});
    let mut process = changed(&at("windowsOptions"), json!({"hostProcess": true}));
    process["spec"]["hostNetwork"] = json!(true);
    vec![
        ("pod-security-privileged", changed(CONTAINER, privileged)),
        (
            "pod-security-host-pid",
            changed("/spec/hostPID", json!(true)),
        ),
        (
            "pod-security-host-ipc",
            changed("/spec/hostIPC", json!(true)),
        ),
        (
            "pod-security-host-network",
            changed("/spec/hostNetwork", json!(true)),
        ),
        (
            "pod-security-privilege-escalation",
            changed(&at("allowPrivilegeEscalation"), Json::Null),
        ),
        (
            "pod-security-root",
            changed("/spec/securityContext/runAsNonRoot", Json::Null),
        ),
        (
            "pod-security-net-raw",
            changed(&at("capabilities"), json!({})),
        ),
        (
            "pod-security-capabilities",
            changed(&at("capabilities"), Json::Null),
        ),
        ("pod-security-host-process", process),
        (
            "pod-security-host-path",
            changed(
                "/spec/volumes",
                json!([{"name": "v", "hostPath": {"path": "/"}}]),
            ),
        ),
        (
            "pod-security-host-ports",
            changed(
                "/spec/containers/0/ports",
                json!([{"containerPort": 80, "hostPort": 80}]),
            ),
        ),
    ]
}

/// Where we say that the level of a namespace forbids something, the real admission refuses a pod with it, and takes it
/// everywhere else.
#[test]
fn what_levels_forbid_is_what_real_admission_refuses() {
    let Some(mut real) = Real::start() else {
        return;
    };
    for (number, (level, version)) in LEVELS.iter().enumerate() {
        let name = format!("level-{number:02}");
        let mut labels = json!({});
        for (label, value) in [("enforce", level), ("enforce-version", version)] {
            if !value.is_empty() {
                labels[format!("pod-security.kubernetes.io/{label}")] = json!(value);
            }
        }
        real.make(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}));
        real.make(&json!({"apiVersion": "v1", "kind": "ServiceAccount",
            "metadata": {"name": "default", "namespace": name}}));
    }
    let bad = bad();
    let rules: Vec<&str> = bad.iter().map(|(rule, _)| *rule).collect();
    let done = real.scan(&rules);
    let found: BTreeMap<(String, String), String> = findings(&done)
        .into_iter()
        .map(|[rule, subject, verdict, _]| ((rule, subject), verdict))
        .collect();
    let mut differing = Vec::new();
    let mut refusals = 0;
    for (number, level) in LEVELS.iter().enumerate() {
        let path = format!("/api/v1/namespaces/level-{number:02}/pods?dryRun=All");
        real.ask("POST", &path, &good());
        for (rule, pod) in &bad {
            let refused = match real.try_to("POST", &path, pod) {
                (201, _) => false,
                (403, answer)
                    if answer["message"]
                        .as_str()
                        .unwrap()
                        .contains("violates PodSecurity") =>
                {
                    true
                }
                other => panic!("{level:?}: {rule}: {other:?}"),
            };
            refusals += usize::from(refused);
            let ours = &found[&((*rule).to_owned(), format!("namespace/level-{number:02}"))];
            if refused != (ours == "pass") {
                differing.push(format!(
                    "{level:?}: {rule}: refused is {refused}, we say {ours}"
                ));
            }
        }
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
    // What the page of 5.2.7 says of pods with users of their own.
    let mut own_users = good();
    own_users["spec"]["securityContext"]["runAsNonRoot"] = Json::Null;
    own_users["spec"]["hostUsers"] = json!(false);
    let newest = LEVELS
        .iter()
        .position(|level| *level == ("restricted", "latest"));
    let older = LEVELS
        .iter()
        .position(|level| *level == ("restricted", "v1.34"));
    for (number, expected) in [(newest, 201), (older, 403)] {
        let path = format!(
            "/api/v1/namespaces/level-{:02}/pods?dryRun=All",
            number.unwrap()
        );
        assert_eq!(real.try_to("POST", &path, &own_users).0, expected);
    }
    assert!(refusals > 100, "{refusals}");
}
