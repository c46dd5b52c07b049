use std::path::{Path, PathBuf};

use super::{Choice, ExecVersion, Kubeconfig, Material};

/// What is in every secret of these tests.
const CANARY: &str = "c4n4ry";

/// A kubeconfig in which `cluster` and `user` are filled in.
fn with(cluster: &str, user: &str) -> String {
    format!(
        "\
apiVersion: v1
kind: Config
current-context: one
contexts:
- name: one
  context: {{cluster: c, user: u}}
clusters:
- name: c
  cluster: {{{cluster}}}
users:
- name: u
  user: {{{user}}}
"
    )
}

fn choose(text: &str) -> Result<Choice, String> {
    let config = Kubeconfig::parse(text, Path::new("/home/a/config"));
    let config = config.map_err(|fault| fault.to_string())?;
    config.choose(None).map_err(|error| error.to_string())
}

#[test]
fn what_is_supported_is_read() {
    let choice = choose(&with(
        "server: 'https://10.0.0.1:6443', certificate-authority: pki/ca.crt, tls-server-name: api, extensions: [{name: x}]",
        "client-certificate: /abs/me.crt, client-certificate-data: eA, client-key-data: a2V5, token: c4n4ry, tokenFile: t",
    ))
    .unwrap();
    assert_eq!(choice.context, "one");
    assert_eq!(
        choice.cluster.server.as_deref(),
        Some("https://10.0.0.1:6443")
    );
    assert_eq!(choice.cluster.server_name.as_deref(), Some("api"));
    assert_eq!(
        choice.cluster.authority,
        Some(Material::File(PathBuf::from("/home/a/pki/ca.crt")))
    );
    let user = choice.user.unwrap();
    assert!(matches!(&user.certificate, Some(Material::Data(data)) if data.expose() == "x"));
    assert!(matches!(&user.key, Some(Material::Data(data)) if data.expose() == "key"));
    assert_eq!(user.token_file, Some(PathBuf::from("/home/a/t")));
    assert_eq!(user.token.as_ref().unwrap().expose(), CANARY);
    assert!(!format!("{user:?}").contains(CANARY));
}

#[test]
fn plugins_are_read() {
    let choice = choose(&with(
        "server: 'https://a'",
        "exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: bin/login, args: [c4n4ry], env: [{name: A, value: c4n4ry}], interactiveMode: IfAvailable, provideClusterInfo: true}",
    ))
    .unwrap();
    let exec = choice.user.unwrap().exec.unwrap();
    assert_eq!(exec.version, ExecVersion::V1Beta1);
    assert_eq!(exec.command, PathBuf::from("/home/a/bin/login"));
    assert!(!exec.needs_terminal && exec.wants_cluster);
    assert_eq!(exec.arguments[0].expose(), CANARY);
    assert_eq!(
        (
            exec.environment[0].0.as_str(),
            exec.environment[0].1.expose()
        ),
        ("A", CANARY)
    );
    assert!(!format!("{exec:?}").contains(CANARY));
}

#[test]
fn faults_have_their_place_and_no_secret() {
    let server = "server: 'https://a'";
    let mut faults = Vec::new();
    for (text, expected) in [
        (with(server, "token: [c4n4ry"), ":12:17: "),
        (
            with(server, "token: {a: c4n4ry}"),
            ":12:17: expected string scalar",
        ),
        (
            with(server, "client-key-data: c4n4ry!"),
            ":12:27: this is no PEM text in base64",
        ),
        (
            with(server, "username: a, password: c4n4ry"),
            ":12:20: username and password are not supported",
        ),
        (
            with(server, "auth-provider: {name: gcp, config: {t: c4n4ry}}"),
            ":12:25: auth-provider is not supported",
        ),
        (
            with(server, "as: c4n4ry"),
            ":12:14: acting as somebody else",
        ),
        (
            with(server, "as-groups: [c4n4ry]"),
            ":12:21: acting as somebody else",
        ),
        (
            with(
                server,
                "exec: {apiVersion: client.authentication.k8s.io/v1alpha1, command: c4n4ry}",
            ),
            ":12:29: the exec plugin's apiVersion",
        ),
        (
            with(server, "exec: {command: c4n4ry}"),
            ":12:16: the exec plugin's apiVersion",
        ),
        (
            with(
                server,
                "exec: {apiVersion: client.authentication.k8s.io/v1}",
            ),
            ":12:16: the exec plugin has no command",
        ),
        (
            with(
                server,
                "exec: {apiVersion: client.authentication.k8s.io/v1, command: a, interactiveMode: c4n4ry}",
            ),
            ":12:91: interactiveMode is neither",
        ),
        (
            with("insecure-skip-tls-verify: true", ""),
            ":9:39: insecure-skip-tls-verify is not supported",
        ),
        (
            with("insecure-skip-tls-verify: yes", ""),
            ":9:39: invalid boolean",
        ),
        (
            with("proxy-url: 'http://u:c4n4ry@p'", ""),
            ":9:24: proxy-url is not supported",
        ),
        ("kind: Secret\n".to_owned(), ":1:7: this is no kubeconfig"),
        (
            "users: [{user: {token: c4n4ry}}]\n".to_owned(),
            ":1:9: this entry has no name",
        ),
        (
            "users: c4n4ry\n".to_owned(),
            ":1:8: expected sequence start",
        ),
        (
            with(server, "").replace("user: u}", "user: v}"),
            ":5:3: there is no user `v`",
        ),
        (
            with(server, "").replace("cluster: c,", ""),
            ":5:3: the context names no cluster",
        ),
        (
            with(server, "").replace("current-context: one", ""),
            "name one with --context (there are: one)",
        ),
        (
            with(server, "").replace("current-context: one", "current-context: two"),
            "no context `two` (there are: one)",
        ),
        (String::new(), "no context is chosen"),
    ] {
        let error = choose(&text).unwrap_err();
        assert!(!error.contains(CANARY), "{error}");
        if !error.contains(expected) {
            faults.push(format!("{expected} is not in {error}"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn what_nobody_chooses_may_be_unsupported() {
    let text = with("server: 'https://a'", "").replace(
        "users:\n",
        "users:\n- name: other\n  user: {password: x, exec: {apiVersion: v1alpha1}}\n",
    );
    assert!(choose(&text).is_ok());
    // kubectl writes lists without entries as null.
    assert!(choose("clusters: null\nusers: null\ncontexts: null\n").is_err());
}

#[test]
fn of_several_files_the_first_counts() {
    let parse = |text: &str, file: &str| Kubeconfig::parse(text, Path::new(file)).unwrap();
    let mut merged = parse(
        "users: [{name: u, user: {token: first}}]\ncontexts: [{name: one, context: {cluster: c, user: u}}]\n",
        "/1/config",
    );
    merged.merge(parse(
        &with(
            "server: 'https://second', certificate-authority: ca",
            "client-certificate: c, client-key: k",
        ),
        "/2/config",
    ));
    merged.merge(parse(
        &with("server: 'https://third'", "").replace("current-context: one", "current-context: x"),
        "/3/config",
    ));
    let choice = merged.choose(None).unwrap();
    assert_eq!(choice.cluster.server.as_deref(), Some("https://second"));
    assert_eq!(
        choice.cluster.authority,
        Some(Material::File(PathBuf::from("/2/ca")))
    );
    // The entry is taken whole: nothing of the second is added to it.
    let user = choice.user.unwrap();
    assert_eq!(user.token.unwrap().expose(), "first");
    assert_eq!(user.certificate, None);
}
