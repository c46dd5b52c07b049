//! What is secret is in no output, whatever happens, and on no command line.

use kubeassay_testkit::kubelet::capture;

use crate::lab::{Lab, TOKEN, USER, node, program};

/// A secret in a kubelet's configuration.
const IN_CONFIG: &str = "c4n4ry-of-the-configuration";

#[test]
fn nothing_secret_is_shown() {
    let lab = Lab::new();
    let mut said: serde_json::Value =
        serde_json::from_slice(&capture("configz-cis-hardened.json")).unwrap();
    said["kubeletconfig"]["staticPodURLHeader"] = serde_json::json!({"Authorization": [IN_CONFIG]});
    let mut kubelet = lab.kubelet();
    kubelet.configz = said.to_string().into_bytes();
    kubelet.granted.insert((USER.to_owned(), "/configz"));
    let kubelet = kubelet.start();
    let mut server = lab.server(vec![node("node-1", kubelet.port)], false);
    server.kubelet_config = Some((
        "kubelet-config".to_owned(),
        format!(
            "kind: KubeletConfiguration\napiVersion: kubelet.config.k8s.io/v1beta1\nstaticPodURLHeader:\n  Authorization: [{IN_CONFIG}]\n"
        ),
    ));
    let server = server.start();
    // A credential plugin that hands out the token, and notes how it was called.
    let plugin = lab.write(
        "plugin",
        format!(
            "#!/bin/sh\necho \"$@\" > {}\ncat <<END\n{{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\",\"status\":{{\"token\":\"{TOKEN}\"}}}}\nEND\n",
            lab.at("called-with")
        ),
    );
    let mut mode = std::fs::metadata(&plugin).unwrap().permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut mode, 0o755);
    std::fs::set_permissions(&plugin, mode).unwrap();
    let exec = format!(
        "exec: {{apiVersion: client.authentication.k8s.io/v1, command: {plugin}, args: [give, it], interactiveMode: Never}}"
    );
    let body = |pem: &str| pem.lines().nth(1).unwrap().to_owned();
    let secrets = [
        TOKEN.to_owned(),
        IN_CONFIG.to_owned(),
        body(&lab.client.key_pem),
        body(&lab.client.pem),
        body(&lab.authority.pem()),
    ];
    for user in [
        format!("token: {TOKEN}"),
        "tokenFile: token".to_owned(),
        "client-certificate: me.crt, client-key: me.key".to_owned(),
        exec,
        format!("token: wrong-{TOKEN}"),
        format!("token: \"{TOKEN}\\n\\u0007{TOKEN}\""),
        // The wrong file in the wrong place.
        "client-certificate: me.key, client-key: me.crt".to_owned(),
        "client-certificate: token, client-key: token".to_owned(),
    ] {
        let config = lab.kubeconfig_of(server.address, &user);
        let file = lab.at("report");
        for format in ["table", "wide", "json", "jsonl", "yaml"] {
            let arguments = [
                "scan",
                "--verbose",
                "--cluster",
                "--kubeconfig",
                &config,
                "-o",
                format,
            ];
            let direct = program(&arguments).output().unwrap();
            let to_file = program(&arguments)
                .args(["--output-file", &file])
                .output()
                .unwrap();
            let written = std::fs::read(&file).unwrap_or_default();
            for (place, text) in [
                ("stdout", &direct.stdout),
                ("stderr", &direct.stderr),
                ("stdout beside a file", &to_file.stdout),
                ("stderr beside a file", &to_file.stderr),
                ("the file", &written),
            ] {
                let text = String::from_utf8_lossy(text);
                for secret in &secrets {
                    assert!(!text.contains(secret), "{user} {format}: {place}: {text}");
                }
            }
        }
    }
    let called = std::fs::read_to_string(lab.at("called-with")).unwrap();
    assert_eq!(called, "give it\n");
    // Something was asked, else nothing could have been shown.
    assert!(
        kubelet
            .seen()
            .requests
            .iter()
            .any(|request| request.path == "/configz")
    );
}
