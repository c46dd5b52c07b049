//! Exec plugins: a program of the user's that gives credentials (`client.authentication.k8s.io`; "client-go credential
//! plugins" of the documentation).
//!
//! The only process that kubeassay starts for facts, and only because the user's own kubeconfig names it: no shell, a
//! time limit, bounded output. What it prints for credentials is shown to nobody.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use kubeassay_core::text::{escape, escape_bytes};
use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;
use tokio::time::timeout;

use crate::identity::{ClientIdentity, IdentityError, Secret};
use crate::kubeconfig::{Exec, Place};

/// The longest a plugin may take. Some open a browser and wait for a person.
const LONGEST: Duration = Duration::from_mins(1);
/// The most that is read of its output.
const LARGEST_OUTPUT: u64 = 1 << 20;
/// How long is waited for what is left of a plugin that ended, or was ended.
const LAST_WAIT: Duration = Duration::from_millis(200);
/// The most that is shown of what it says.
const LARGEST_SAYING: u64 = 16 << 10;

/// Why a plugin gave no credentials.
#[derive(Debug, thiserror::Error)]
#[error("{place}: the exec plugin `{}` {problem}{}", escape(&command.to_string_lossy()), quoted(said))]
pub struct PluginError {
    /// Where the kubeconfig names it.
    pub place: Place,
    /// The program.
    pub command: PathBuf,
    /// What is wrong.
    pub problem: PluginProblem,
    /// What it said on stderr, escaped.
    pub said: String,
}

/// What is wrong with a plugin; the end of a sentence that begins with it.
#[derive(Debug, thiserror::Error)]
pub enum PluginProblem {
    /// It wants to talk to a person.
    #[error(
        "needs a terminal (interactiveMode: Always), which it is not given here; log in first, or use another kind of credentials"
    )]
    NeedsTerminal,
    /// It cannot be started.
    #[error("cannot be started: {error}{}", hint(.install_hint.as_ref()))]
    Start {
        /// Why.
        error: io::Error,
        /// How to get it, by the kubeconfig.
        install_hint: Option<String>,
    },
    /// It ended with an error.
    #[error("failed with {0}")]
    Failed(ExitStatus),
    /// It took too long.
    #[error("did not end within {} s", .0.as_secs())]
    TooLong(Duration),
    /// It printed more than credentials are.
    #[error("printed more than {} KiB", LARGEST_OUTPUT >> 10)]
    TooMuch,
    /// Its output could not be read.
    #[error("cannot be read from: {0}")]
    Read(io::Error),
    /// What it printed is no `ExecCredential`.
    #[error("printed no ExecCredential (line {line}, column {column})")]
    NotJson {
        /// Line of its output.
        line: usize,
        /// Column.
        column: usize,
    },
    /// It speaks another version than the kubeconfig says.
    #[error("printed something else than an ExecCredential of {0}, as the kubeconfig says it does")]
    Version(&'static str),
    /// There are no credentials in it.
    #[error("gave neither a token nor a client certificate with its key")]
    Nothing,
    /// They are no longer good.
    #[error("gave credentials that expired at {0}")]
    Expired(Timestamp),
    /// They are no credentials.
    #[error("gave credentials that cannot be used: {0}")]
    Identity(#[from] IdentityError),
}

/// Returns what a plugin said, as the end of an error's message.
fn quoted(said: &str) -> String {
    if said.is_empty() {
        return String::new();
    }
    format!("; it said:\n{said}")
}

fn hint(hint: Option<&String>) -> String {
    hint.map_or_else(String::new, |hint| format!(" ({})", escape(hint)))
}

/// What a plugin gave.
#[derive(Debug)]
pub struct Given {
    /// The credentials.
    pub identity: ClientIdentity,
    /// What it said on stderr, escaped; empty if nothing.
    pub said: String,
}

/// The cluster that credentials are wanted for, as a plugin is told of it.
#[derive(Clone, Debug, Default, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct ForCluster {
    pub(crate) server: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tls_server_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) certificate_authority_data: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) config: Option<serde_json::Value>,
}

impl ForCluster {
    /// Adds the cluster's authority (PEM).
    pub(crate) fn with_authority(mut self, pem: &[u8]) -> Self {
        self.certificate_authority_data = Some(STANDARD.encode(pem));
        self
    }
}

/// Runs a plugin and returns what it gives. `environment` is kubeassay's own.
///
/// # Errors
///
/// If it cannot be started, fails, or gives nothing that can be used.
pub(crate) async fn run(
    exec: &Exec,
    environment: &[(OsString, OsString)],
    cluster: Option<ForCluster>,
    now: Timestamp,
) -> Result<Given, PluginError> {
    run_within(exec, environment, cluster, now, LONGEST).await
}

async fn run_within(
    exec: &Exec,
    environment: &[(OsString, OsString)],
    cluster: Option<ForCluster>,
    now: Timestamp,
    limit: Duration,
) -> Result<Given, PluginError> {
    let fail = |problem, said: &[u8]| PluginError {
        place: exec.place.clone(),
        command: exec.command.clone(),
        problem,
        said: escape_lines(said),
    };
    if exec.needs_terminal {
        return Err(fail(PluginProblem::NeedsTerminal, b""));
    }
    let spec = match cluster.filter(|_| exec.wants_cluster) {
        Some(cluster) => serde_json::json!({ "interactive": false, "cluster": cluster }),
        None => serde_json::json!({ "interactive": false }),
    };
    let info = serde_json::json!({
        "apiVersion": exec.version.as_str(),
        "kind": "ExecCredential",
        "spec": spec,
    });
    #[expect(
        clippy::disallowed_methods,
        reason = "the user's own kubeconfig says that credentials come from this program"
    )]
    let command = std::process::Command::new(program(exec, environment));
    let mut command = Command::from(command);
    command
        .args(exec.arguments.iter().map(Secret::expose))
        .env_clear()
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .envs(
            exec.environment
                .iter()
                .map(|(name, value)| (name, value.expose())),
        )
        .env("KUBERNETES_EXEC_INFO", info.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let mut child = command.spawn().map_err(|error| {
        let install_hint = exec.install_hint.clone();
        fail(
            PluginProblem::Start {
                error,
                install_hint,
            },
            b"",
        )
    })?;
    let stdout = tokio::spawn(read(child.stdout.take(), LARGEST_OUTPUT + 1, true));
    let stderr = tokio::spawn(read(child.stderr.take(), LARGEST_SAYING, false));
    let ended = timeout(limit, async {
        // Its output first: it does not end before that is read.
        let output = stdout.await.map_err(io::Error::other)??;
        if output.len() as u64 > LARGEST_OUTPUT {
            return Ok((output, None));
        }
        Ok((output, Some(child.wait().await?)))
    })
    .await;
    // One that is still there is ended, and not left behind as a zombie.
    if child.start_kill().is_ok() {
        let _ended = timeout(LAST_WAIT, child.wait()).await;
    }
    drop(child);
    // Whatever it started and left behind may hold on to it.
    let said = match timeout(LAST_WAIT, stderr).await {
        Ok(Ok(Ok(said))) => said,
        _ => Vec::new(),
    };
    let (output, status) = match ended {
        Ok(Ok(ended)) => ended,
        Ok(Err(error)) => return Err(fail(PluginProblem::Read(error), &said)),
        Err(_) => return Err(fail(PluginProblem::TooLong(limit), &said)),
    };
    // Whether it failed or not, what it printed for credentials is not shown because it said it as well.
    let said = without_secrets(said, &output);
    match status {
        None => return Err(fail(PluginProblem::TooMuch, &said)),
        Some(status) if !status.success() => {
            return Err(fail(PluginProblem::Failed(status), &said));
        }
        Some(_) => {}
    }
    match understand(&output, exec.version.as_str(), now) {
        Ok(identity) => Ok(Given {
            identity,
            said: escape_lines(&said),
        }),
        Err(problem) => Err(fail(problem, &said)),
    }
}

/// Returns the program to start. A bare name is looked up in the absolute folders of kubeassay's own `PATH`: as Go's
/// `exec.LookPath` does, a folder that depends on where we stand is passed over.
fn program(exec: &Exec, environment: &[(OsString, OsString)]) -> PathBuf {
    if exec.command.as_os_str().as_bytes().contains(&b'/') {
        return exec.command.clone();
    }
    let mut variables = environment.iter();
    let path = variables.find(|(name, _)| name == "PATH");
    let folders = path.map_or(&[][..], |(_, path)| path.as_bytes());
    folders
        .split(|byte| *byte == b':')
        .filter(|folder| folder.starts_with(b"/"))
        .map(|folder| Path::new(OsStr::from_bytes(folder)).join(&exec.command))
        .find(|program| is_program(program))
        // Not found: starting this says so.
        .unwrap_or_else(|| Path::new("/nonexistent").join(&exec.command))
}

#[expect(
    clippy::disallowed_methods,
    reason = "looks for the program that the user's own kubeconfig names"
)]
fn is_program(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|file| file.is_file() && file.mode() & 0o111 != 0)
}

/// Returns what was said with every secret that was printed replaced: the token, and every line of a key.
fn without_secrets(said: Vec<u8>, output: &[u8]) -> Vec<u8> {
    /// Shorter lines of a key are its padding.
    const SHORTEST: usize = 8;
    let Ok(printed) = serde_json::from_slice::<ExecCredential>(output) else {
        return said;
    };
    let status = printed.status.unwrap_or_default();
    let key = status.client_key_data.unwrap_or_default();
    let lines = key.lines().filter(|line| line.len() >= SHORTEST);
    let token = status.token.unwrap_or_default();
    let secrets = lines.chain(token.split_ascii_whitespace());
    let mut said = String::from_utf8_lossy(&said).into_owned();
    for secret in secrets {
        said = said.replace(secret, "(secret)");
    }
    said.into_bytes()
}

/// Reads up to `limit` bytes; the rest is left unread, or read and dropped.
async fn read(from: Option<impl AsyncRead + Unpin>, limit: u64, stop: bool) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    if let Some(mut from) = from {
        (&mut from).take(limit).read_to_end(&mut content).await?;
        if !stop {
            tokio::io::copy(&mut from, &mut tokio::io::sink()).await?;
        }
    }
    Ok(content)
}

/// Escapes what is said line by line.
fn escape_lines(said: &[u8]) -> String {
    let lines: Vec<String> = said
        .trim_ascii()
        .split(|byte| *byte == b'\n')
        .map(escape_bytes)
        .collect();
    lines.join("\n")
}

/// What a plugin prints.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ExecCredential {
    #[serde(default)]
    api_version: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    status: Option<Status>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Status {
    token: Option<String>,
    client_certificate_data: Option<String>,
    client_key_data: Option<String>,
    expiration_timestamp: Option<Timestamp>,
}

/// Takes the credentials from what was printed: the certificate if there is one, else the token.
pub(crate) fn understand(
    output: &[u8],
    version: &'static str,
    now: Timestamp,
) -> Result<ClientIdentity, PluginProblem> {
    let printed: ExecCredential =
        serde_json::from_slice(output).map_err(|error| PluginProblem::NotJson {
            line: error.line(),
            column: error.column(),
        })?;
    if printed.kind != "ExecCredential" || printed.api_version != version {
        return Err(PluginProblem::Version(version));
    }
    let status = printed.status.unwrap_or_default();
    if let Some(expired) = status.expiration_timestamp.filter(|end| *end <= now) {
        return Err(PluginProblem::Expired(expired));
    }
    let some = |text: Option<String>| text.filter(|text| !text.is_empty());
    let token = some(status.token);
    match (
        some(status.client_certificate_data),
        some(status.client_key_data),
        &token,
    ) {
        (Some(certificate), Some(key), _) => Ok(ClientIdentity::from_pem(
            certificate.as_bytes(),
            key.as_bytes(),
        )?),
        (None, None, Some(token)) => Ok(ClientIdentity::token(token.as_bytes())?),
        _ => Err(PluginProblem::Nothing),
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::PathBuf;
    use std::time::Duration;

    use jiff::Timestamp;
    use tempfile::TempDir;

    use super::{ForCluster, Given, PluginError, program, run_within};
    use crate::identity::{ClientIdentity, Secret};
    use crate::kubeconfig::{Exec, ExecVersion, Place};

    const CANARY: &str = "c4n4ry";

    fn exec(command: PathBuf) -> Exec {
        Exec {
            place: Place {
                file: PathBuf::from("/home/a/config"),
                line: 7,
                column: 11,
            },
            version: ExecVersion::V1,
            command,
            arguments: vec![Secret::new("one arg; exit 9"), Secret::new(CANARY)],
            environment: vec![("ADDED".to_owned(), Secret::new("yes"))],
            install_hint: Some("get it at example.org".to_owned()),
            needs_terminal: false,
            wants_cluster: true,
        }
    }

    /// Runs a script as the plugin.
    #[expect(
        clippy::disallowed_methods,
        reason = "writes the program that the test runs"
    )]
    fn run(script: &str) -> Result<Given, PluginError> {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("plugin");
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
        block(&exec(path))
    }

    fn block(exec: &Exec) -> Result<Given, PluginError> {
        let environment = [("PATH", "/usr/bin:/bin"), ("OWN", "kept")]
            .map(|(name, value)| (OsString::from(name), OsString::from(value)));
        let cluster = ForCluster {
            server: "https://a:6443".to_owned(),
            ..ForCluster::default()
        };
        let now = "2026-01-01T00:00:00Z".parse::<Timestamp>().unwrap();
        let work = run_within(
            exec,
            &environment,
            Some(cluster.with_authority(b"x")),
            now,
            Duration::from_secs(2),
        );
        crate::runtime::block_on(work).unwrap()
    }

    fn printing(status: &str) -> String {
        format!(
            "echo '{{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",\"status\":{status}}}'"
        )
    }

    #[test]
    fn a_plugin_is_told_what_it_may_know_and_gives_a_token() {
        let script = format!(
            "[ \"$1\" = 'one arg; exit 9' ] && [ $ADDED$OWN = yeskept ] || exit 3\n\
             case $KUBERNETES_EXEC_INFO in *'\"interactive\":false'*) ;; *) exit 4;; esac\n\
             case $KUBERNETES_EXEC_INFO in *'\"certificate-authority-data\":\"eA==\"'*) ;; *) exit 5;; esac\n\
             printf 'hello \\033[31m\\nsecond {CANARY}\\n' >&2\n{}",
            printing(&format!(
                "{{\"token\":\"{CANARY}\",\"expirationTimestamp\":\"2026-01-01T00:00:01Z\"}}"
            ))
        );
        let given = run(&script).unwrap();
        assert!(matches!(given.identity, ClientIdentity::Token(_)));
        assert_eq!(given.said, "hello \\x1b[31m\nsecond (secret)");
        assert!(!format!("{given:?}").contains(CANARY));
    }

    #[test]
    fn every_failure_says_what_is_wrong_and_no_secret() {
        for (script, expected) in [
            ("echo no login >&2; exit 1", "failed with exit status: 1"),
            ("kill -9 $$", "failed with signal: 9"),
            ("sleep 30", "did not end within 2 s"),
            ("head -c 3000000 /dev/zero", "printed more than 1024 KiB"),
            (
                "echo c4n4ry",
                "printed no ExecCredential (line 1, column 1)",
            ),
            (
                "echo '{\"kind\":\"ExecCredential\",\"apiVersion\":\"c4n4ry\"}'",
                "of client.authentication.k8s.io/v1, as",
            ),
            (&printing("null"), "neither a token nor"),
            (
                &printing("{\"clientCertificateData\":\"c4n4ry\"}"),
                "neither a token nor",
            ),
            (
                &printing("{\"clientCertificateData\":\"c4n4ry\",\"clientKeyData\":\"c4n4ry\"}"),
                "cannot be used: there is no certificate",
            ),
            (
                &printing(
                    "{\"token\":\"c4n4ry\",\"expirationTimestamp\":\"2025-12-31T00:00:00Z\"}",
                ),
                "expired at 2025-12-31T00:00:00Z",
            ),
            (
                &format!(
                    "echo c4n4ry >&2; {}; exit 1",
                    printing("{\"token\":\"c4n4ry\"}")
                ),
                "failed with exit status: 1; it said:\n(secret)",
            ),
            (
                &printing("{\"token\":\"c4n4ry c4n4ry\"}"),
                "cannot be used: the token has a character",
            ),
        ] {
            let error = run(script).unwrap_err();
            let shown = format!("{error} {error:?}");
            assert!(shown.contains(expected), "{script}: {shown}");
            assert!(
                shown.starts_with("/home/a/config:7:11: the exec plugin"),
                "{shown}"
            );
            assert!(!shown.contains(CANARY), "{shown}");
        }
        let error = run("echo no login >&2; exit 1").unwrap_err();
        assert_eq!(error.said, "no login");
        let error = block(&exec(PathBuf::from("no-such-plugin")))
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("cannot be started") && error.contains("get it at example.org"),
            "{error}"
        );
        // Where we stand is never looked in, whatever `PATH` says.
        let mut environment = vec![(OsString::from("PATH"), OsString::from(":.:src:/usr/bin"))];
        let found = |name, environment: &_| program(&exec(PathBuf::from(name)), environment);
        assert_eq!(found("env", &environment), PathBuf::from("/usr/bin/env"));
        for name in ["Cargo.toml", "lib.rs", "no-such-plugin"] {
            assert!(found(name, &environment).starts_with("/nonexistent"));
        }
        environment.clear();
        assert!(found("env", &environment).starts_with("/nonexistent"));
        let mut terminal = exec(PathBuf::from("true"));
        terminal.needs_terminal = true;
        let error = block(&terminal).unwrap_err().to_string();
        assert!(error.contains("needs a terminal"), "{error}");
    }
}
