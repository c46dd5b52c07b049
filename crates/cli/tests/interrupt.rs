//! Ctrl-C while a cluster is scanned and nobody reads the report.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "lays out what the program is run on, and waits for it"
)]

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use kubeassay_testkit::api_server::{ApiServer, Rule, nodes};
use kubeassay_testkit::certificates::Authority;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// Waits for the program to end, no longer than `limit`.
fn ended(child: &mut Child, limit: Duration) -> Option<std::process::ExitStatus> {
    let until = Instant::now() + limit;
    while Instant::now() < until {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status);
        }
        sleep(Duration::from_millis(20));
    }
    None
}

#[test]
fn the_second_interrupt_ends_the_program_also_where_nobody_reads() {
    let authority = Arc::new(Authority::new("kubernetes"));
    let certified = authority.server(&["127.0.0.1"]);
    let mut server = ApiServer::new(certified, Arc::clone(&authority), nodes(300));
    server.tokens.insert("t".to_owned(), "u".to_owned());
    let all = || vec!["*".to_owned()];
    let rule = Rule {
        verbs: all(),
        groups: all(),
        resources: all(),
        paths: all(),
        ..Rule::default()
    };
    server.rules.insert("u".to_owned(), vec![rule]);
    let running = server.start();
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("ca.crt"), authority.pem()).unwrap();
    let config = folder.path().join("config");
    let text = format!(
        "current-context: x\n\
         contexts: [{{name: x, context: {{cluster: c, user: u}}}}]\n\
         clusters: [{{name: c, cluster: {{server: 'https://{}', certificate-authority: ca.crt}}}}]\n\
         users: [{{name: u, user: {{token: t}}}}]\n",
        running.address
    );
    fs::write(&config, text).unwrap();
    for (format, signal) in [
        ("jsonl", Signal::INT),
        ("json", Signal::INT),
        ("json", Signal::TERM),
    ] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_kubeassay"))
            .args([
                "scan",
                "--cluster",
                "--via-proxy",
                "-o",
                format,
                "--kubeconfig",
            ])
            .arg(&config)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // Until the pipe is full: what is written as a whole is written once all nodes have answered.
        assert!(
            ended(&mut child, Duration::from_secs(4)).is_none(),
            "{format}"
        );
        let pid = Pid::from_child(&child);
        kill_process(pid, signal).unwrap();
        assert!(
            ended(&mut child, Duration::from_millis(300)).is_none(),
            "{format}: the first one ends with what there is"
        );
        kill_process(pid, signal).unwrap();
        let status = ended(&mut child, Duration::from_secs(5));
        if status.is_none() {
            child.kill().unwrap();
        }
        let status = status.unwrap();
        assert_eq!(
            (status.code(), status.signal()),
            (Some(130), None),
            "{format}"
        );
    }
}
