//! Scans of whole clusters, which stand-ins in a process of their own play: what the program takes, and what they do.
//!
//! Time, CPU and memory of the program are GNU time's; CPU of the stand-ins is read from `/proc`. Every answer takes
//! 20 milliseconds, as one over a network may. Of objects there are none but the nodes; `objects.rs` has the others.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitCode, Stdio};

use anyhow::{Context as _, Result, bail};

/// How long every answer of the stand-ins takes, in milliseconds.
pub(super) const DELAY: &str = "20";
/// How many handshakes are shaken to tell what one costs.
const HANDSHAKES: &str = "2000";
/// Clock ticks a second in `/proc/PID/stat` (`USER_HZ`, 100 on every platform that kubelets run on).
const TICKS: f64 = 100.0;

/// Measures clusters of each of these sizes.
pub(super) fn run(binary: &Path, sizes: &[usize]) -> Result<ExitCode> {
    let stand_ins = super::example("cluster", &["--release"])?;
    let handshakes = Command::new(&stand_ins)
        .args(["handshakes", HANDSHAKES])
        .output()
        .context("cannot run the stand-ins")?;
    print!(
        "a handshake (TLS 1.3, P-256 on both sides): {}",
        String::from_utf8_lossy(&handshakes.stdout)
    );
    println!(
        "{:>6} {:<22} {:>8} {:>8} {:>8} {:>9} {:>12} {:>9}",
        "nodes", "way", "seconds", "CPU", "server", "peak MiB", "connections", "requests"
    );
    for size in sizes {
        for (way, more) in [
            ("through the API server", &["--via-proxy"][..]),
            ("directly", &[]),
        ] {
            let folder = tempfile::tempdir()?;
            let stand_ins = StandIns::start(&stand_ins, *size, DELAY, folder.path(), &[])?;
            let config = folder.path().join("config");
            let before = stand_ins.cpu()?;
            let mut scan = vec![
                "scan",
                "--quiet",
                "--cluster",
                "-o",
                "jsonl",
                "--kubeconfig",
            ];
            let (config, report) = (text(&config), text(&folder.path().join("report")));
            scan.extend([config.as_str(), "--output-file", &report]);
            scan.extend(more);
            let Cost { seconds, cpu, peak } = measure(binary, &scan)?;
            let served = stand_ins.cpu()? - before;
            let counted = fs::read_to_string(&report)?
                .lines()
                .filter(|line| line.starts_with("{\"kind\":\"node\""))
                .count();
            if counted != *size {
                bail!("{counted} of {size} nodes are in the report");
            }
            let Served {
                connections,
                requests,
                ..
            } = stand_ins.end()?;
            println!(
                "{size:>6} {way:<22} {seconds:>8.2} {cpu:>8.2} {served:>8.2} {:>9.1} {connections:>12} {requests:>9}",
                f64::from(peak) / 1024.0
            );
        }
    }
    one(binary, &stand_ins)?;
    Ok(ExitCode::SUCCESS)
}

/// Measures one kubelet that is asked at its address and answers at once, beside a recorded one that takes no asking.
fn one(binary: &Path, stand_ins: &Path) -> Result<()> {
    const RUNS: usize = 21;
    let folder = tempfile::tempdir()?;
    let stand_ins = StandIns::start(stand_ins, 1, "0", folder.path(), &[])?;
    let at = |name: &str| text(&folder.path().join(name));
    let (ca, chain, key) = (at("ca.crt"), at("me.crt"), at("me.key"));
    let live = [
        "--live",
        "--node-address",
        &stand_ins.kubelet,
        "--kubelet-ca",
        &ca,
        "--client-certificate",
        &chain,
        "--client-key",
        &key,
    ];
    for (name, arguments) in [
        ("scan --demo", &["--demo"][..]),
        ("scan --live --node-address", &live),
    ] {
        let mut times = Vec::new();
        for _ in 0..RUNS {
            times.push(super::measure::time(
                Command::new(binary).arg("scan").args(arguments),
            )?);
        }
        let (minimum, median) = super::measure::minimum_and_median(&mut times);
        println!(
            "{name}: minimum {}, median {}",
            super::shown(minimum),
            super::shown(median)
        );
    }
    let Served {
        connections,
        requests,
        ..
    } = stand_ins.end()?;
    println!(
        "for each of the {RUNS} runs with --live: {} connections, {} requests",
        connections / RUNS,
        requests / RUNS
    );
    Ok(())
}

/// What stand-ins counted.
pub(super) struct Served {
    connections: usize,
    /// How many requests there were.
    pub(super) requests: usize,
    /// How many pages the longest list had.
    pub(super) longest: usize,
}

/// What a run took.
pub(super) struct Cost {
    /// From its start to its end.
    pub(super) seconds: f64,
    /// Seconds of CPU, the system's for it included.
    pub(super) cpu: f64,
    /// The most memory it had resident, in KiB.
    pub(super) peak: u32,
}

pub(super) fn measure(binary: &Path, arguments: &[&str]) -> Result<Cost> {
    let output = Command::new("/usr/bin/time")
        .args(["-q", "-f", "%e %U %S %M"])
        .arg(binary)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .output()
        .context("GNU time is missing, and it tells time and memory")?;
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.lines().last().unwrap_or_default();
    let figures: Vec<f64> = last
        .split(' ')
        .filter_map(|word| word.parse().ok())
        .collect();
    let [seconds, user, system, _] = figures.as_slice() else {
        bail!("the scan failed: {said}");
    };
    if !matches!(output.status.code(), Some(0..=2)) {
        bail!("the scan ended with {}: {said}", output.status);
    }
    let peak = last.rsplit(' ').next().unwrap_or_default().parse()?;
    Ok(Cost {
        seconds: *seconds,
        cpu: user + system,
        peak,
    })
}

/// An API server and kubelets.
pub(super) struct StandIns {
    child: Child,
    output: BufReader<ChildStdout>,
    /// Where the kubelet is that all nodes share.
    kubelet: String,
}

impl StandIns {
    /// Starts them, with a kubeconfig in `folder`; `crowd` is how many pods, objects of RBAC and namespaces there are.
    pub(super) fn start(
        program: &Path,
        nodes: usize,
        delay: &str,
        folder: &Path,
        crowd: &[usize],
    ) -> Result<Self> {
        let mut child = Command::new(program)
            .args(["serve", &nodes.to_string(), delay])
            .arg(folder)
            .args(crowd.iter().map(ToString::to_string))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start the stand-ins")?;
        let output = child.stdout.take().context("no output of the stand-ins")?;
        let mut stand_ins = Self {
            child,
            output: BufReader::new(output),
            kubelet: String::new(),
        };
        stand_ins.kubelet = stand_ins.line()?;
        Ok(stand_ins)
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        Ok(line.trim().to_owned())
    }

    /// Returns the seconds of CPU so far.
    pub(super) fn cpu(&self) -> Result<f64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let (_, rest) = stat.rsplit_once(')').context("no process")?;
        let ticks = rest.split_whitespace().skip(11).take(2);
        let ticks: Vec<u32> = ticks.filter_map(|word| word.parse().ok()).collect();
        Ok(f64::from(ticks.iter().sum::<u32>()) / TICKS)
    }

    /// Ends them, and returns what they counted.
    pub(super) fn end(mut self) -> Result<Served> {
        drop(self.child.stdin.take());
        let line = self.line()?;
        let numbers: Result<Vec<usize>, _> = line.split(' ').map(str::parse).collect();
        let Ok([connections, requests, longest]) = numbers.as_deref() else {
            bail!("they counted nothing: {line}");
        };
        Ok(Served {
            connections: *connections,
            requests: *requests,
            longest: *longest,
        })
    }
}

impl Drop for StandIns {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

pub(super) fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
