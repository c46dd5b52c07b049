//! What controllers and admission make of objects that were applied: replica sets, jobs, pods, the service accounts
//! `default`, tokens.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::NODES;

/// Returns the objects with all that is made of them.
pub(super) fn work(mut objects: Vec<Json>) -> Vec<Json> {
    let named = |objects: &[Json], kind: &str| -> Vec<String> {
        let found = objects.iter().filter(|one| one["kind"] == kind);
        found.map(|one| text(&one["metadata"]["name"])).collect()
    };
    for namespace in named(&objects, "Namespace") {
        // Every namespace gets them (the controllers `serviceaccount` and `root-ca-certificate-publisher`).
        account(&mut objects, &namespace, "default");
        objects.push(json!({"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "kube-root-ca.crt", "namespace": namespace}, "data": {"ca.crt": ""}}));
    }
    // Each controller has an account of its own, which is made when it starts.
    let subjects = objects.iter().filter(|one| {
        let name = text(&one["metadata"]["name"]);
        one["kind"] == "ClusterRoleBinding" && name.starts_with("system:controller:")
    });
    let subjects: Vec<Json> = subjects
        .flat_map(|one| one["subjects"].as_array().cloned().unwrap_or_default())
        .collect();
    for subject in subjects {
        account(
            &mut objects,
            &text(&subject["namespace"]),
            &text(&subject["name"]),
        );
    }
    let mounts: BTreeMap<(String, String), Json> = objects
        .iter()
        .filter(|one| one["kind"] == "ServiceAccount")
        .map(|one| {
            let key = (
                text(&one["metadata"]["namespace"]),
                text(&one["metadata"]["name"]),
            );
            (key, one["automountServiceAccountToken"].clone())
        })
        .collect();
    let mut made = Vec::new();
    for object in &objects {
        made.extend(of(object));
    }
    objects.extend(made);
    for pod in objects.iter_mut().filter(|one| one["kind"] == "Pod") {
        admit(pod, &mounts);
    }
    objects
}

fn text(value: &Json) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn account(objects: &mut Vec<Json>, namespace: &str, name: &str) {
    let there = objects.iter().any(|one| {
        one["kind"] == "ServiceAccount"
            && one["metadata"]["namespace"] == namespace
            && one["metadata"]["name"] == name
    });
    if !there {
        objects.push(json!({"apiVersion": "v1", "kind": "ServiceAccount",
            "metadata": {"name": name, "namespace": namespace}}));
    }
}

/// Returns what is made of a workload.
fn of(object: &Json) -> Vec<Json> {
    let spec = &object["spec"];
    let replicas = usize::try_from(spec["replicas"].as_u64().unwrap_or(1)).unwrap_or(1);
    match object["kind"].as_str().unwrap_or_default() {
        "Deployment" => {
            let mut set = owned(object, "apps/v1", "ReplicaSet", "6c9f5d8b7");
            set["spec"] = json!({"replicas": replicas, "selector": spec["selector"], "template": spec["template"]});
            let labels = set["spec"]["template"]["metadata"]["labels"].as_object_mut();
            if let Some(labels) = labels {
                labels.insert("pod-template-hash".to_owned(), json!("6c9f5d8b7"));
            }
            let pods = (0..replicas).map(|index| pod(&set, &format!("x{index}k7q"), index));
            let mut made: Vec<Json> = pods.collect();
            made.push(set);
            made
        }
        "DaemonSet" => (0..NODES)
            .map(|index| pod(object, &format!("d{index}w2z"), index))
            .collect(),
        "StatefulSet" => (0..replicas)
            .map(|index| pod(object, &index.to_string(), index))
            .collect(),
        "CronJob" => {
            let mut job = owned(object, "batch/v1", "Job", "29401560");
            job["spec"] = spec["jobTemplate"]["spec"].clone();
            let mut pod = pod(&job, "v5b2n", 0);
            pod["status"]["phase"] = json!("Succeeded");
            vec![pod, job]
        }
        _ => Vec::new(),
    }
}

fn owned(owner: &Json, version: &str, kind: &str, suffix: &str) -> Json {
    let metadata = &owner["metadata"];
    let name = format!("{}-{suffix}", text(&metadata["name"]));
    json!({
        "apiVersion": version, "kind": kind,
        "metadata": {"name": name, "namespace": metadata["namespace"], "ownerReferences": [{
            "apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": metadata["name"],
            "uid": format!("uid-of-{}-{}", text(&metadata["namespace"]), text(&metadata["name"])),
            "controller": true, "blockOwnerDeletion": true,
        }]},
    })
}

fn pod(owner: &Json, suffix: &str, node: usize) -> Json {
    let template = &owner["spec"]["template"];
    let mut pod = owned(owner, "v1", "Pod", suffix);
    pod["metadata"]["labels"] = template["metadata"]["labels"].clone();
    pod["spec"] = template["spec"].clone();
    pod["spec"]["nodeName"] = json!(format!("node-{}", node % NODES));
    pod["status"] = json!({"phase": "Running", "qosClass": "BestEffort"});
    pod
}

/// Sets what admission sets: the account, and a token unless the pod or the account say otherwise. A pod that a kubelet
/// made itself passes it by.
fn admit(pod: &mut Json, mounts: &BTreeMap<(String, String), Json>) {
    let mirror = pod["metadata"]["annotations"]
        .get("kubernetes.io/config.mirror")
        .is_some();
    if mirror {
        return;
    }
    let name = match text(&pod["spec"]["serviceAccountName"]) {
        name if name.is_empty() => "default".to_owned(),
        name => name,
    };
    let account = mounts.get(&(text(&pod["metadata"]["namespace"]), name.clone()));
    let says = |value: Option<&Json>| value.and_then(Json::as_bool);
    let mounted = says(pod["spec"].get("automountServiceAccountToken")).or(says(account));
    pod["spec"]["serviceAccountName"] = json!(name);
    if mounted == Some(false) {
        return;
    }
    let volume = json!({"name": "kube-api-access-8xv4t", "projected": {"defaultMode": 420, "sources": [
        {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": {"fieldPath": "metadata.namespace"}}]}},
    ]}});
    if let Some(volumes) = pod["spec"]["volumes"].as_array_mut() {
        volumes.push(volume);
    } else {
        pod["spec"]["volumes"] = json!([volume]);
    }
    let mount = json!({"name": "kube-api-access-8xv4t", "readOnly": true,
        "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"});
    for kind in ["initContainers", "containers"] {
        for container in pod["spec"][kind].as_array_mut().into_iter().flatten() {
            match container["volumeMounts"].as_array_mut() {
                Some(mounts) => mounts.push(mount.clone()),
                None => container["volumeMounts"] = json!([mount]),
            }
        }
    }
}
