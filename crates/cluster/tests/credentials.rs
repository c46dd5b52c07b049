//! Credentials: where they are found, what comes first, and what is refused. No message holds a secret.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests write the user's files"
)]

use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use kubeassay_cluster::credentials::{
    Connection, CredentialError, Environment, Given, find, given_identity,
};
use kubeassay_cluster::identity::ClientIdentity;
use kubeassay_testkit::certificates::{Authority, Certified};
use tempfile::TempDir;

/// What is in every secret of these tests.
const CANARY: &str = "c4n4ry";

/// Folders of a user, with all that kubeconfigs may name.
struct Home {
    folder: TempDir,
    authority: Authority,
    client: Certified,
}

impl Home {
    fn new() -> Self {
        let authority = Authority::new("kubernetes");
        let client = authority.client("me");
        let home = Self {
            folder: TempDir::new().unwrap(),
            authority,
            client,
        };
        home.write("ca.crt", &home.authority.pem());
        home.write("me.crt", &home.client.pem);
        home.write("me.key", &home.client.key_pem);
        home.write(
            "both.pem",
            &format!("{}{}", home.client.pem, home.client.key_pem),
        );
        home.write("token", CANARY);
        home.write("empty", "\n");
        home
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file that nobody else may read.
    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    fn environment(&self, variables: &[(&str, &Path)]) -> Environment {
        let variables = variables
            .iter()
            .map(|(name, value)| (OsString::from(name), value.as_os_str().to_owned()));
        Environment::new(variables).with_service_account(self.path("pod"))
    }
}

fn config(server: &str, user: &str) -> String {
    format!(
        "current-context: lab\n\
         contexts: [{{name: lab, context: {{cluster: c, user: u}}}}, {{name: other, context: {{cluster: c}}}}]\n\
         clusters: [{{name: c, cluster: {{server: '{server}', certificate-authority: ca.crt}}}}]\n\
         users: [{{name: u, user: {{{user}}}}}]\n"
    )
}

fn seek(given: &Given, environment: &Environment) -> Result<Option<Connection>, CredentialError> {
    let found = find(given, environment, Timestamp::now());
    let shown = format!(
        "{found:?} {}",
        found
            .as_ref()
            .err()
            .map(ToString::to_string)
            .unwrap_or_default()
    );
    assert!(
        !shown.contains(CANARY) && !shown.contains("-----BEGIN"),
        "{shown}"
    );
    found
}

fn kind(connection: &Connection) -> &'static str {
    match connection.identity {
        Some(ClientIdentity::Certificate(_)) => "certificate",
        Some(ClientIdentity::Token(_)) => "token",
        None => "nobody",
    }
}

#[test]
fn what_is_given_comes_before_what_is_found() {
    let home = Home::new();
    let own = home.write(".kube/config", &config("https://own", "token: c4n4ry"));
    home.write(".kube/ca.crt", &home.authority.pem());
    let listed = home.write(
        "listed",
        &config("https://listed:6443/prefix/", "token: c4n4ry"),
    );
    home.write("pod/ca.crt", &home.authority.pem());
    home.write("pod/token", CANARY);
    let missing = home.path("missing");
    let list = OsString::from(format!(":{}:{}:", missing.display(), listed.display()));
    let in_pod = [
        ("KUBERNETES_SERVICE_HOST", Path::new("fd00::1")),
        ("KUBERNETES_SERVICE_PORT", Path::new("443")),
    ];
    let home_only = [("HOME", home.folder.path())];
    let all = [
        &[
            ("KUBECONFIG", Path::new(&list)),
            ("HOME", home.folder.path()),
        ][..],
        &in_pod,
    ]
    .concat();
    let all_but_list = [&home_only[..], &in_pod].concat();
    let given = |path: &Path| Given {
        kubeconfig: Some(path.to_owned()),
        ..Given::default()
    };
    for (given, environment, server, source) in [
        (given(&own), &all[..], "https://own:443", "context lab"),
        (
            Given::default(),
            &all,
            "https://listed:6443/prefix",
            "context lab",
        ),
        (
            Given::default(),
            &all_but_list,
            "https://own:443",
            "context lab",
        ),
        (
            Given::default(),
            &in_pod,
            "https://[fd00::1]:443",
            "the pod's own ServiceAccount",
        ),
        (
            Given {
                context: Some("other".to_owned()),
                ..Given::default()
            },
            &all,
            "https://listed:6443/prefix",
            "context other",
        ),
    ] {
        let found = seek(&given, &home.environment(environment))
            .unwrap()
            .unwrap();
        assert_eq!(
            (found.server.to_string().as_str(), found.source.as_str()),
            (server, source)
        );
        assert_eq!(
            kind(&found),
            if source == "context other" {
                "nobody"
            } else {
                "token"
            }
        );
        assert_eq!(found.warnings, [] as [&str; 0]);
    }
    assert!(
        seek(&Given::default(), &home.environment(&[]))
            .unwrap()
            .is_none()
    );
    // A kubeconfig that kubectl emptied is none.
    let empty = home.write("empty-config", "clusters: null\ncontexts: null\n");
    let environment = home.environment(&[("KUBECONFIG", &empty)]);
    assert!(seek(&Given::default(), &environment).unwrap().is_none());
}

#[test]
fn of_one_user_the_certificate_comes_first_and_what_was_given_before_all() {
    let home = Home::new();
    let plugin = home.write(
        "login",
        "#!/bin/sh\necho '{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",\"status\":{\"token\":\"c4n4ry\"}}'\n",
    );
    std::fs::set_permissions(&plugin, std::fs::Permissions::from_mode(0o700)).unwrap();
    let exec = "exec: {apiVersion: client.authentication.k8s.io/v1, command: ./login}";
    let certificate = "client-certificate: me.crt, client-key: me.key";
    let nothing = Given::default();
    let token = Given {
        token_file: Some(home.path("token")),
        ..Given::default()
    };
    let pem = Given {
        client_certificate: Some(home.path("both.pem")),
        ..Given::default()
    };
    for (user, given, expected) in [
        (
            format!("{certificate}, token: c4n4ry, {exec}"),
            &nothing,
            "certificate",
        ),
        (format!("tokenFile: token, {exec}"), &nothing, "token"),
        (exec.to_owned(), &nothing, "token"),
        (String::new(), &nothing, "nobody"),
        (certificate.to_owned(), &token, "token"),
        ("token: c4n4ry".to_owned(), &pem, "certificate"),
    ] {
        let path = home.write("config", &config("https://a", &user));
        let given = Given {
            kubeconfig: Some(path),
            ..given.clone()
        };
        let found = seek(&given, &home.environment(&[])).unwrap().unwrap();
        assert_eq!(kind(&found), expected, "{user}");
    }
    let (identity, from) = given_identity(&pem).unwrap().unwrap();
    assert!(matches!(identity, ClientIdentity::Certificate(_)));
    assert_eq!(from, "--client-certificate");
}

#[test]
fn what_cannot_be_used_is_said_and_never_passed_over() {
    let home = Home::new();
    let at = |name: &str| Some(home.path(name));
    let none = Given::default;
    for (server, user, given, expected) in [
        ("http://a", "", none(), "does not begin with https://"),
        ("a:6443", "", none(), "does not begin with https://"),
        ("https://u:c4n4ry@a", "", none(), "holds a user's name"),
        ("https://a:x", "", none(), "has a port that is none"),
        ("https://", "", none(), "has no host"),
        ("", "", none(), "is not there"),
        (
            "https://a",
            "tokenFile: missing, token: c4n4ry",
            none(),
            "missing: No such file",
        ),
        (
            "https://a",
            "tokenFile: empty",
            none(),
            "empty: the token is empty",
        ),
        (
            "https://a",
            "token: 'c4n4ry c4n4ry'",
            none(),
            "(token): the token has a character",
        ),
        (
            "https://a",
            "client-certificate: me.crt",
            none(),
            "there is no private key",
        ),
        (
            "https://a",
            "client-certificate: token, client-key: me.key",
            none(),
            "token: there is no certificate",
        ),
        (
            "https://a",
            "client-certificate: me.crt, client-key: ca.crt",
            none(),
            "there is no private key",
        ),
        (
            "https://a",
            "exec: {apiVersion: client.authentication.k8s.io/v1, command: ./no-such}",
            none(),
            "./no-such` cannot be started",
        ),
        (
            "https://a",
            "",
            Given {
                token_file: at("token"),
                client_certificate: at("both.pem"),
                ..none()
            },
            "two identities",
        ),
        (
            "https://a",
            "",
            Given {
                client_key: at("me.key"),
                ..none()
            },
            "--client-key is nothing without",
        ),
        (
            "https://a",
            "",
            Given {
                context: Some("x".to_owned()),
                ..none()
            },
            "no context `x` (there are: lab, other)",
        ),
    ] {
        let path = home.write("config", &config(server, user));
        let given = Given {
            kubeconfig: Some(path),
            ..given
        };
        let error = seek(&given, &home.environment(&[]))
            .unwrap_err()
            .to_string();
        assert!(error.contains(expected), "{server} {user}: {error}");
    }
}

#[test]
fn what_is_missing_is_named() {
    let home = Home::new();
    let none = Given::default;
    let no_authority = config("https://a", "").replace(", certificate-authority: ca.crt", "");
    let given = Given {
        kubeconfig: Some(home.write("config", &no_authority)),
        ..none()
    };
    let error = seek(&given, &home.environment(&[]))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("config:3:12 (certificate-authority): there is no certificate"),
        "{error}"
    );
    let given = Given {
        kubeconfig: Some(home.path("missing")),
        ..none()
    };
    assert!(matches!(
        seek(&given, &home.environment(&[])),
        Err(CredentialError::Read { .. })
    ));
    let given = Given {
        context: Some("lab".to_owned()),
        ..none()
    };
    let error = seek(&given, &home.environment(&[]))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("--context is nothing without a kubeconfig"),
        "{error}"
    );
}

#[test]
fn credentials_that_everybody_may_read_are_a_warning() {
    let home = Home::new();
    let path = home.write(
        "config",
        &config(
            "https://a",
            "client-certificate: me.crt, client-key: me.key",
        ),
    );
    for name in ["config", "me.key"] {
        std::fs::set_permissions(home.path(name), std::fs::Permissions::from_mode(0o644)).unwrap();
    }
    let given = Given {
        kubeconfig: Some(path),
        ..Given::default()
    };
    let found = seek(&given, &home.environment(&[])).unwrap().unwrap();
    assert_eq!(found.warnings.len(), 2, "{:?}", found.warnings);
    assert!(
        found
            .warnings
            .iter()
            .all(|warning| warning.contains("chmod 600"))
    );
}

/// Whoever writes a kubeconfig chooses the server that gets the credentials, and the program that is run.
#[test]
fn a_kubeconfig_that_everybody_may_write_runs_no_plugin() {
    let plugin = "exec: {apiVersion: client.authentication.k8s.io/v1, command: ./plugin}";
    let token = format!("token: {CANARY}");
    // The mode of the folder and of the file, and who may be fooled.
    for (folder, file, open) in [
        (0o755, 0o600, false),
        (0o1777, 0o600, false),
        (0o777, 0o600, true),
        (0o700, 0o602, true),
        (0o1777, 0o622, true),
    ] {
        let home = Home::new();
        home.write("f/ca.crt", &home.authority.pem());
        let ran = home.path("f/ran");
        let script = home.write("f/plugin", &format!("#!/bin/sh\n: > {}\n", ran.display()));
        std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o700)).unwrap();
        for (user, runs) in [(plugin, true), (token.as_str(), false)] {
            let path = home.write("f/config", &config("https://a", user));
            for (path, mode) in [(&home.path("f"), folder), (&path, file)] {
                std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
            }
            let given = Given {
                kubeconfig: Some(path),
                ..Given::default()
            };
            let found = seek(&given, &home.environment(&[]));
            match found {
                Ok(found) => {
                    let warnings = found.unwrap().warnings;
                    assert!(!runs, "the plugin prints nothing");
                    let warned = warnings.iter().any(|one| one.contains("chmod o-w"));
                    assert_eq!(warned, open, "{folder:o} {file:o}: {warnings:?}");
                }
                Err(error) => {
                    let refused = error.to_string().contains("is not run");
                    assert!(runs && refused == open, "{folder:o} {file:o}: {error}");
                }
            }
        }
        assert_eq!(ran.exists(), !open, "{folder:o} {file:o}");
    }
}

/// The environment of a pod says where its API server is; whoever turns that elsewhere gains no credentials, because the
/// certificate has to be for that name and of the cluster's own authority.
#[test]
fn a_pod_takes_no_address_that_is_none() {
    let home = Home::new();
    home.write("pod/ca.crt", &home.authority.pem());
    home.write("pod/token", CANARY);
    for (host, port, expected) in [
        ("10.0.0.1", "443", Ok("https://10.0.0.1:443")),
        ("fd00::1", "443", Ok("https://[fd00::1]:443")),
        ("a/b", "443", Err("")),
        ("user@a", "443", Err("")),
        ("a", "443/x?y", Err("")),
        ("[::1]x", "1", Err("")),
    ] {
        let environment = home.environment(&[
            ("KUBERNETES_SERVICE_HOST", Path::new(host)),
            ("KUBERNETES_SERVICE_PORT", Path::new(port)),
        ]);
        let found = seek(&Given::default(), &environment);
        let server = found.map(|found| found.unwrap().server.to_string());
        match (server, expected) {
            (Ok(server), Ok(expected)) => assert_eq!(server, expected),
            (Err(_), Err(_)) => {}
            (server, _) => panic!("{host} {port}: {server:?}"),
        }
    }
}
