//! What a cluster is asked to run: the text as people read it, and what it promises, document by document.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests start the program, look into what it printed, and say what they skip"
)]

use std::io::Read as _;
use std::process::{Command as Process, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use assert_cmd::Command;
use kubeassay_testkit::api_server::{ApiServer, Rule};
use kubeassay_testkit::certificates::Authority;
use serde_json::{Value as Json, json};

const IMAGE: [&str; 4] = ["manifest", "collect", "--image", "example.org/kubeassay:1"];

/// Runs a command with `input` on stdin and returns its exit code, stdout and stderr.
fn run(arguments: &[&str], input: &str) -> (i32, String, String) {
    let output = Command::cargo_bin("kubeassay")
        .unwrap()
        .args(arguments)
        .write_stdin(input)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (
        output.status.code().unwrap(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

fn manifest(more: &[&str], input: &str) -> String {
    let (code, text, said) = run(&[&IMAGE, more].concat(), input);
    assert_eq!((code, said.as_str()), (0, ""));
    text
}

fn documents(text: &str) -> Vec<Json> {
    let documents = text.split("---\n");
    documents
        .map(|document| serde_saphyr::from_str(document).unwrap())
        .collect()
}

fn kinds(documents: &[Json]) -> Vec<&str> {
    let kinds = documents.iter();
    kinds.map(|one| one["kind"].as_str().unwrap()).collect()
}

#[test]
fn jobs_are_printed_like_this() {
    insta::assert_snapshot!(manifest(&["--node", "worker-1"], ""));
}

#[test]
fn a_daemon_set_is_printed_like_this() {
    insta::assert_snapshot!(manifest(
        &["--no-namespace", "--image-pull-secret", "registry"],
        ""
    ));
}

/// What is promised of every pod, in whatever way it is asked for.
#[test]
fn a_pod_has_no_more_than_it_needs() {
    for (more, input) in [
        (&["--node", "a"][..], ""),
        (&[], ""),
        (&["--nodes-from", "-"], "node/a\nnode/b\n"),
        (&["--kubernetes-version", "1.29"], ""),
        (&["--kubernetes-version", "1.29", "--node", "a"], ""),
    ] {
        let old = more.contains(&"1.29");
        let documents = documents(&manifest(more, input));
        let (namespace, workloads) = documents.split_first().unwrap();
        assert_eq!(
            namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"],
            "privileged"
        );
        assert!(!workloads.is_empty());
        for workload in workloads {
            assert_eq!(workload["metadata"]["namespace"], "kubeassay");
            pod_has_no_more_than_it_needs(&workload["spec"]["template"], old);
        }
    }
}

fn pod_has_no_more_than_it_needs(template: &Json, old: bool) {
    let spec = &template["spec"];
    for refused in [
        "automountServiceAccountToken",
        "enableServiceLinks",
        "hostPID",
        "hostNetwork",
        "hostIPC",
    ] {
        assert_eq!(spec[refused], false, "{refused}");
    }
    assert_eq!(spec["dnsPolicy"], "Default");
    assert_eq!(spec["tolerations"], json!([{"operator": "Exists"}]));
    assert_eq!(spec["nodeSelector"], json!({"kubernetes.io/os": "linux"}));
    assert_eq!(
        spec["volumes"],
        json!([{"name": "host", "hostPath": {"path": "/", "type": "Directory"}}])
    );
    for absent in [
        "initContainers",
        "priorityClassName",
        "serviceAccountName",
        "securityContext",
    ] {
        assert!(spec.get(absent).is_none(), "{absent}");
    }
    let [container] = spec["containers"].as_array().unwrap().as_slice() else {
        panic!("{spec}");
    };
    assert_eq!(container["command"], json!(["kubeassay", "collect"]));
    let mut security = json!({
        "runAsUser": 0,
        "runAsGroup": 0,
        "privileged": false,
        "allowPrivilegeEscalation": false,
        "readOnlyRootFilesystem": true,
        "capabilities": {"drop": ["ALL"], "add": ["DAC_READ_SEARCH", "SYS_PTRACE"]},
        "seccompProfile": {"type": "RuntimeDefault"},
        "appArmorProfile": {"type": "Unconfined"},
        "seLinuxOptions": {"type": "spc_t"},
    });
    let mut mount = json!({
        "name": "host",
        "mountPath": "/host",
        "readOnly": true,
        "recursiveReadOnly": "IfPossible",
    });
    let annotation = "container.apparmor.security.beta.kubernetes.io/collect";
    let annotation = &template["metadata"]["annotations"][annotation];
    if old {
        // Until 1.29 the API server refuses fields that it does not know.
        assert_eq!(annotation, "unconfined");
        security.as_object_mut().unwrap().remove("appArmorProfile");
        mount.as_object_mut().unwrap().remove("recursiveReadOnly");
    } else {
        assert_eq!(annotation, &Json::Null);
    }
    assert_eq!(container["securityContext"], security);
    assert_eq!(container["volumeMounts"], json!([mount]));
    for kind in ["requests", "limits"] {
        let limit = &container["resources"][kind];
        assert!(limit["cpu"].is_string() && limit["memory"].is_string());
    }
}

/// A line that takes a right or gives one has a reason above it.
#[test]
fn every_privilege_has_its_reason_beside_it() {
    for more in [&["--node", "a"][..], &["--kubernetes-version", "1.29"]] {
        let text = manifest(more, "");
        let lines: Vec<&str> = text.lines().collect();
        for wanted in [
            "pod-security.kubernetes.io/enforce: privileged",
            "- operator: Exists",
            "runAsUser: 0",
            "- DAC_READ_SEARCH",
            "- SYS_PTRACE",
            "seLinuxOptions:",
            "- name: host\n          hostPath:",
            "nconfined",
        ] {
            let first = wanted.lines().next().unwrap();
            let at = lines.iter().enumerate().rev();
            let mut at = at.filter(|(_, line)| line.contains(first));
            let (at, _) = at.next().unwrap_or_else(|| panic!("{wanted}: {text}"));
            // The reason stands above the key that the value belongs to.
            let above = lines[at - 1].trim_start().starts_with('#')
                || lines[at - 2].trim_start().starts_with('#');
            assert!(above, "{wanted}");
        }
    }
}

#[test]
fn a_job_ends_and_a_daemon_set_waits() {
    let jobs = documents(&manifest(
        &["--node", "node/worker-1", "--timeout", "90500ms"],
        "",
    ));
    assert_eq!(kinds(&jobs), ["Namespace", "Job"]);
    let job = &jobs[1]["spec"];
    assert_eq!(job["backoffLimit"], 0);
    assert_eq!(job["activeDeadlineSeconds"], 691);
    assert_eq!(job["ttlSecondsAfterFinished"], 86_400);
    let pod = &job["template"]["spec"];
    assert_eq!(pod["restartPolicy"], "Never");
    assert_eq!(
        pod["containers"][0]["args"],
        json!(["--root=/host", "--timeout=91s", "--quiet"])
    );
    let terms = &pod["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"];
    assert_eq!(
        terms["nodeSelectorTerms"],
        json!([{"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["worker-1"]}]}])
    );

    let all = documents(&manifest(&["--no-namespace", "-n", "audit"], ""));
    assert_eq!(kinds(&all), ["DaemonSet"]);
    assert_eq!(all[0]["metadata"]["namespace"], "audit");
    let set = &all[0]["spec"];
    assert_eq!(set["minReadySeconds"], 65);
    assert_eq!(
        set["selector"]["matchLabels"],
        set["template"]["metadata"]["labels"]
    );
    let pod = &set["template"]["spec"];
    assert_eq!(pod["restartPolicy"], "Always");
    assert_eq!(pod["terminationGracePeriodSeconds"], 1);
    assert_eq!(
        pod["containers"][0]["args"],
        json!(["--root=/host", "--timeout=60s", "--quiet", "--hold"])
    );
    // Its privileges are somebody else's to give there.
    manifest(&["--no-namespace", "-n", "kube-system"], "");
    // The arguments are ones that the program takes.
    let (code, _, said) = run(
        &[
            "collect",
            "--root=/nonexistent",
            "--timeout=60s",
            "--quiet",
            "--hold",
        ],
        "",
    );
    assert_eq!(code, 64);
    assert!(said.contains("/nonexistent"), "{said}");
}

#[test]
fn nodes_come_from_kubectl_as_it_prints_them() {
    let long = format!("ip-{}.compute.internal", "1".repeat(70));
    let list = format!("# by hand\nnode/worker-1\n\nworker-2\nnode/worker-1\nnode/{long}\n");
    let documents = documents(&manifest(&["--nodes-from", "-", "--node", "first"], &list));
    let names: Vec<&str> = documents[1..]
        .iter()
        .map(|job| job["metadata"]["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names[..3],
        [
            "kubeassay-first",
            "kubeassay-worker-1",
            "kubeassay-worker-2"
        ]
    );
    assert_eq!(names.len(), 4);
    // A label holds 63 bytes, and a pod's name is longer by six.
    assert!(names[3].len() <= 57 && names[3].starts_with("kubeassay-ip-111"));
}

#[test]
fn what_no_cluster_would_take_is_refused() {
    for (more, input, said) in [
        (&["--nodes-from", "-"][..], "", "there is no node in stdin"),
        (
            &["--nodes-from", "-"],
            "\n#x\n",
            "there is no node in stdin",
        ),
        (
            &["--nodes-from", "-"],
            "node/a\nnode/B\n",
            "stdin, line 2: \"node/B\" is no node's name",
        ),
        (
            &["--nodes-from", "/nonexistent"],
            "",
            "cannot read /nonexistent",
        ),
        (&["--node", "a b"], "", "is no node's name"),
        (&["--node", "a\"]\nx: y"], "", "is no node's name"),
        (&["--node", "a..b"], "", "is no node's name"),
        (&["-n", "a.b"], "", "is no namespace's name"),
        (&["-n", ""], "", "is no namespace's name"),
        (&["-n", "kube-system"], "", "with --no-namespace"),
        (&["-n", "default"], "", "with --no-namespace"),
        (&["--selinux-type", "a: b"], "", "is no SELinux type"),
        (&["--image-pull-secret", "A"], "", "is no secret's name"),
        (
            &["--kubernetes-version", "34"],
            "",
            "write it as 1.34 or v1.34.2",
        ),
    ] {
        let (code, stdout, stderr) = run(&[&IMAGE, more].concat(), input);
        assert_eq!((code, stdout.as_str()), (64, ""), "{more:?}");
        assert!(stderr.contains(said), "{more:?}: {stderr}");
    }
    let (code, _, stderr) = run(&["manifest", "collect", "--image", "a\"b"], "");
    assert_eq!(code, 64);
    assert!(stderr.contains("is no image"), "{stderr}");
    let (code, _, stderr) = run(&["manifest", "collect"], "");
    assert_eq!(code, 64);
    assert!(stderr.contains("--image <IMAGE>"), "{stderr}");
}

/// What `kubectl logs -l …` prints of several pods.
#[test]
fn facts_of_several_nodes_behind_each_other_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("facts.json");
    let file = file.to_str().unwrap();
    let one = std::fs::read_to_string("src/demo.json").unwrap();
    let scan = ["scan", "4.2.2", "-o", "json", "--facts", file];
    std::fs::write(file, format!("{one}{one}\n\n")).unwrap();
    let (_, stdout, _) = run(&scan, "");
    let report: Json = serde_json::from_str(&stdout).unwrap();
    assert_eq!(report["scanned"]["coverage"]["nodes"], 2);
    let half = &one[..one.len() / 2];
    for (text, said) in [
        (format!("{one}{half}"), "is not a JSON document"),
        (format!("{one}error: no host\n"), "is not a JSON document"),
        (String::new(), "it is empty"),
        (format!("{one}{{}}"), "has no schema"),
    ] {
        std::fs::write(file, text).unwrap();
        let (code, stdout, stderr) = run(&scan, "");
        assert_eq!((code, stdout.as_str()), (64, ""));
        assert!(stderr.contains(said), "{stderr}");
    }
}

/// Starts `collect --hold` behind `before`, waits for all of its facts, and returns it.
fn holding(before: &[&str]) -> std::process::Child {
    let program = assert_cmd::cargo::cargo_bin("kubeassay");
    let mut command: Vec<&str> = before.to_vec();
    command.extend([
        program.to_str().unwrap(),
        "collect",
        "--quiet",
        "--hold",
        "--root",
        "../../tests/hosts/demo.yaml",
    ]);
    let mut child = Process::new(command[0])
        .args(&command[1..])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut facts = Vec::new();
    let mut stdout = child.stdout.take().unwrap();
    let mut buffer = [0; 4096];
    while serde_json::from_slice::<Json>(&facts).is_err() {
        let read = stdout.read(&mut buffer).unwrap();
        assert!(read > 0, "the facts are whole before it ends");
        facts.extend_from_slice(&buffer[..read]);
    }
    // It has said all that it says, and does not end.
    std::thread::sleep(Duration::from_millis(300));
    assert!(child.try_wait().unwrap().is_none());
    child
}

fn signal(pid: u32, signal: rustix::process::Signal) {
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    rustix::process::kill_process(pid, signal).unwrap();
}

fn ends_soon(child: &mut std::process::Child) -> bool {
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(5) {
        if child.try_wait().unwrap().is_some() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    false
}

#[test]
fn holding_ends_with_a_signal() {
    let mut child = holding(&[]);
    let status = format!("/proc/{}/status", child.id());
    let status = std::fs::read_to_string(status).unwrap();
    assert!(
        status.contains("CapPrm:\t0000000000000000\n"),
        "nothing is kept for waiting: {status}"
    );
    signal(child.id(), rustix::process::Signal::TERM);
    assert!(ends_soon(&mut child));
}

/// Why the pods' grace period is short: the first process of a container does not hear SIGTERM.
#[test]
fn holding_as_the_first_process_of_a_container_ends_with_sigkill() {
    let mut probe = Process::new("unshare");
    let probe = probe.args(["--fork", "--pid", "--kill-child", "true"]);
    if !probe
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
    {
        eprintln!("skipped: no PID namespace without root");
        return;
    }
    let mut child = holding(&["unshare", "--fork", "--pid", "--kill-child"]);
    let children = format!("/proc/{0}/task/{0}/children", child.id());
    let children = std::fs::read_to_string(children).unwrap();
    let first: u32 = children.trim().parse().unwrap();
    signal(first, rustix::process::Signal::TERM);
    std::thread::sleep(Duration::from_millis(300));
    assert!(child.try_wait().unwrap().is_none());
    signal(first, rustix::process::Signal::KILL);
    assert!(ends_soon(&mut child));
}

fn rbac(more: &[&str]) -> String {
    let (code, text, said) = run(&[&["manifest", "rbac"], more].concat(), "");
    assert_eq!((code, said.as_str()), (0, ""));
    text
}

#[test]
fn the_least_permissions_are_printed_like_this() {
    insta::assert_snapshot!(rbac(&["--kubernetes-version", "1.36"]));
    insta::assert_snapshot!(rbac(&["--kubernetes-version", "1.22", "-n", "audit"]));
    insta::assert_snapshot!(rbac(&[
        "--kubernetes-version",
        "1.36",
        "--via-proxy",
        "--nodes-only"
    ]));
}

/// Whatever the version, nothing is granted that reads secrets, changes anything or is for everything.
#[test]
fn no_permission_is_wide() {
    const OF_NODES: [&str; 5] = [
        "ServiceAccount",
        "ClusterRole",
        "ClusterRoleBinding",
        "Role",
        "RoleBinding",
    ];
    for version in ["1.20", "1.26", "1.32", "1.33", "1.36"] {
        for more in [
            &[][..],
            &["--via-proxy"],
            &["--nodes-only"],
            &["--nodes-only", "--via-proxy"],
        ] {
            let text = rbac(&[&["--kubernetes-version", version], more].concat());
            let documents = documents(&text);
            let mut expected = OF_NODES.to_vec();
            if !more.contains(&"--nodes-only") {
                // Those of the namespace `default`.
                expected.extend(["Role", "RoleBinding"]);
            }
            assert_eq!(kinds(&documents), expected);
            let roles = documents.iter().filter(|one| one.get("rules").is_some());
            let granted = roles.flat_map(|role| {
                let place = role["metadata"]["namespace"].as_str().unwrap_or("");
                let list = role["rules"].as_array().unwrap().iter();
                list.map(move |rule| (place, rule))
            });
            for (place, rule) in granted {
                // How servers before 1.27 tell what they serve; no object is there.
                let discovery = ["1.20", "1.26"].contains(&version)
                    && rule["nonResourceURLs"] == json!(["/api", "/apis", "/api/v1", "/apis/*"]);
                assert!(discovery || !rule.to_string().contains('*'), "{rule}");
                let about = |name: &str| {
                    let resources = rule["resources"].as_array().into_iter().flatten();
                    resources.into_iter().any(|one| one == name)
                };
                assert!(!about("secrets") && !about("events"), "{rule}");
                let (get, list) = (json!(["get"]), json!(["list"]));
                let reviews = rule["resources"] == json!(["selfsubjectaccessreviews"]);
                let creates = rule["verbs"] == json!(["create"]) && reviews;
                let reads = rule["verbs"] == get || rule["verbs"] == list;
                assert!(reads || creates, "{rule}");
                // What is named is read by name, but for the labels of namespaces and the names in `default`.
                let named = rule["resourceNames"].is_array();
                if about("configmaps") {
                    assert!(
                        named || (rule["verbs"] == list && place == "default"),
                        "{rule}"
                    );
                }
                if about("namespaces") {
                    assert_eq!(named, rule["verbs"] == get, "{rule}");
                }
            }
            let lines: Vec<&str> = text.lines().collect();
            for (at, line) in lines.iter().enumerate() {
                if line.starts_with("  - apiGroups") || line.starts_with("  - nonResource") {
                    assert!(lines[at - 1].starts_with("  # "), "{line}");
                }
            }
        }
    }
    let (code, _, stderr) = run(&["manifest", "rbac", "-n", "A b"], "");
    assert_eq!(code, 64, "{stderr}");
}

/// The rules of printed roles, as an authorizer takes them.
fn rules(text: &str) -> Vec<Rule> {
    let texts = |value: &Json| {
        let list = value.as_array().into_iter().flatten();
        list.map(|text| text.as_str().unwrap().to_owned()).collect()
    };
    let documents = documents(text);
    let roles = documents.iter().filter(|one| one.get("rules").is_some());
    roles
        .flat_map(|role| {
            let namespace = role["metadata"]["namespace"].as_str().map(str::to_owned);
            let list = role["rules"].as_array().unwrap().iter();
            list.map(move |rule| Rule {
                namespace: namespace.clone(),
                verbs: texts(&rule["verbs"]),
                groups: texts(&rule["apiGroups"]),
                resources: texts(&rule["resources"]),
                names: texts(&rule["resourceNames"]),
                paths: texts(&rule["nonResourceURLs"]),
            })
        })
        .collect()
}

/// Without a version the cluster is asked, with no more than what is printed.
#[test]
fn the_version_is_the_clusters() {
    let printed = rbac(&["--kubernetes-version", "1.36"]);
    let authority = Arc::new(Authority::new("kubernetes"));
    let certified = authority.server(&["127.0.0.1"]);
    let mut server = ApiServer::new(certified, Arc::clone(&authority), Vec::new());
    server.version = "v1.31.4-eks-1".to_owned();
    server.tokens.insert("c4n4ry".to_owned(), "me".to_owned());
    server.rules.insert("me".to_owned(), rules(&printed));
    let server = server.start();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("ca.crt"), authority.pem()).unwrap();
    let config = folder.path().join("config");
    let write = |token: &str| {
        let text = format!(
            "current-context: a\ncontexts: [{{name: a, context: {{cluster: a, user: a}}}}]\nclusters: [{{name: a, cluster: {{server: 'https://{}', certificate-authority: ca.crt}}}}]\nusers: [{{name: a, user: {{token: {token}}}}}]\n",
            server.address
        );
        std::fs::write(&config, text).unwrap();
    };
    let config = config.to_str().unwrap();
    let given = ["manifest", "rbac", "--quiet", "--kubeconfig", config];
    write("c4n4ry");
    let (code, text, said) = run(&given, "");
    assert_eq!((code, said.as_str()), (0, ""));
    assert!(text.contains("For Kubernetes 1.31.") && text.contains("nodes/proxy"));
    // What was given has to be of use; what was only found is a warning.
    write("another-c4n4ry");
    let (code, _, said) = run(&given, "");
    assert!(code != 0 && said.contains("(401)"), "{said}");
    assert!(!said.contains("c4n4ry"), "{said}");
    let output = Command::cargo_bin("kubeassay")
        .unwrap()
        .args(["manifest", "rbac"])
        .env("KUBECONFIG", config)
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        output.status.success() && said.contains("version is not known"),
        "{said}"
    );
    assert!(
        String::from_utf8(output.stdout)
            .unwrap()
            .contains("For Kubernetes 1.36.")
    );
}
