//! Scans of clusters that end early: nobody reads, or somebody interrupts.

use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use kubeassay_testkit::api_server::nodes;
use kubeassay_testkit::kubelet::Fault;
use rustix::process::{Pid, Signal, kill_process};

use crate::lab::{Lab, node, program};

/// Longer than any of these scans takes once it is to end.
const SOON: Duration = Duration::from_secs(5);

fn interrupt(child: &Child) {
    kill_process(Pid::from_child(child), Signal::INT).unwrap();
}

#[test]
fn a_scan_ends_once_nobody_reads() {
    let lab = Lab::new();
    let mut server = lab.server(nodes(2000), true);
    server.delay = Duration::from_millis(20);
    let server = server.start();
    let config = lab.kubeconfig(server.address);
    let mut child = program(&[
        "scan",
        "--cluster",
        "--kubeconfig",
        &config,
        "--via-proxy",
        "-o",
        "jsonl",
    ])
    .stdout(Stdio::piped())
    .stderr(Stdio::piped())
    .spawn()
    .unwrap();
    let mut line = String::new();
    let mut reader = BufReader::with_capacity(64, child.stdout.take().unwrap());
    reader.read_line(&mut line).unwrap();
    assert!(line.contains("\"kind\":\"header\""), "{line}");
    drop(reader);
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.signal().is_none() && output.status.code() != Some(70),
        "{:?}",
        output.status
    );
    assert!(!stderr.contains("error"), "{stderr}");
    assert!(
        server.requests().len() < 1500,
        "{}",
        server.requests().len()
    );
}

#[test]
fn an_interrupt_leaves_a_partial_report() {
    let lab = Lab::new();
    let fast = lab.kubelet().start();
    let mut slow = lab.kubelet();
    slow.fault = Some(Fault::Slow);
    let slow = slow.start();
    let server = lab
        .server(
            vec![node("fast", fast.port), node("slow", slow.port)],
            false,
        )
        .start();
    let config = lab.kubeconfig(server.address);
    let mut child = program(&[
        "scan",
        "--cluster",
        "--kubeconfig",
        &config,
        "4.2.2",
        "-o",
        "jsonl",
    ])
    .stdout(Stdio::piped())
    .spawn()
    .unwrap();
    // The one that answers is there; the other is being waited for.
    let mut reader = BufReader::new(child.stdout.take().unwrap());
    let mut said = String::new();
    while !said.contains("\"kind\":\"node\"") {
        assert!(reader.read_line(&mut said).unwrap() > 0, "{said}");
    }
    let begun = Instant::now();
    interrupt(&child);
    reader.read_to_string(&mut said).unwrap();
    let status = child.wait().unwrap();
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    assert_eq!(status.code(), Some(2), "{said}");
    let last = said.lines().last().unwrap();
    assert!(
        last.contains("\"kind\":\"summary\"") && last.contains("\"complete\":false"),
        "{last}"
    );
    assert!(
        said.contains("interrupted before this node had answered"),
        "{said}"
    );
}

/// Nobody reads what is written, so that the first interrupt cannot end it.
#[test]
fn a_second_interrupt_ends_the_program_at_once() {
    let lab = Lab::new();
    let server = lab.server(nodes(1000), true).start();
    let config = lab.kubeconfig(server.address);
    let arguments = [
        "scan",
        "--cluster",
        "--kubeconfig",
        &config,
        "--via-proxy",
        "-o",
        "jsonl",
    ];
    let mut child = program(&arguments).stdout(Stdio::piped()).spawn().unwrap();
    let mut reader = BufReader::with_capacity(64, child.stdout.take().unwrap());
    reader.read_line(&mut String::new()).unwrap();
    interrupt(&child);
    // It is looked for twenty times a second.
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(child.try_wait().unwrap(), None);
    interrupt(&child);
    assert_eq!(child.wait().unwrap().code(), Some(130));
}
