//! Writes a report of a fleet that is made up as it goes, and says what that cost: `fleet FORMAT [NODES [FILE [scattered]]]`. Scattered, every third
//! finding passes, in no order: what is joined by node has the least in common.
//!
//! Nothing is kept but what the format keeps: 5,000 nodes with 130 findings each are the 650,000 of docs/performance.md.
//! `cargo xtask bench --formats` runs it for every format.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a developer's tool: it measures itself and talks to a terminal"
)]

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Instant;

use kubeassay_core::facts::Platform;
use kubeassay_core::report::{Conclusion, Coverage};
use kubeassay_core::report::{
    Control, Evidence, FailOn, Finding, Fix, GateOptions, KubernetesVersion, Node, NodeStatus,
    Overridden, Rules, SCHEMA, Source, Subject, Tally, Tool,
};
use kubeassay_core::{Cause, Horizon, Origin, OriginKind, Severity, Value, Verdict, Witness};
use kubeassay_report::stream::{Closing, Header, Scanning};
use kubeassay_report::{Format, Prose, Room, Style, renderer_within};

const RULES: usize = 130;

/// Counts what is written, and keeps it in a file if there is one.
#[derive(Default)]
struct Counter(u64, Option<std::fs::File>);

impl Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        if let Some(file) = &mut self.1 {
            file.write_all(bytes)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let word = arguments.next().expect("fleet FORMAT [NODES]");
    let format = Format::named(&word).expect("a format");
    let nodes: usize = arguments
        .next()
        .map_or(5_000, |nodes| nodes.parse().unwrap());
    let style = Style {
        width: 80,
        colour: false,
    };
    let file = arguments
        .next()
        .map(|file| std::fs::File::create(file).unwrap());
    let scattered = arguments.next().is_some();
    let before = Instant::now();
    let mut out = Counter(0, file);
    // As the command line has it.
    let room = Room::new(16 << 20, || Ok(Box::new(tempfile::tempfile()?)));
    let mut render = renderer_within(format, style, &Prose::default(), room);
    let mut tally = Tally::new(GateOptions::new(FailOn::UNKNOWN));
    render.header(&header(), &mut out).unwrap();
    let mut findings: Vec<Finding> = (0..RULES).map(finding).collect();
    for number in 0..nodes {
        let node = node(number);
        render.node(&node, &mut out).unwrap();
        for (rule, finding) in findings.iter_mut().enumerate() {
            finding.node = Some(node.id.clone());
            finding.id = format!("{number:016x}{rule:016x}");
            let passes = scattered && (number * 2_654_435_761 + rule * 40_503) % 1_009 < 336;
            let as_ever = finding.verdict;
            if passes {
                finding.verdict = Verdict::Pass;
            }
            tally.count(finding);
            render.finding(finding, &mut out).unwrap();
            finding.verdict = as_ever;
        }
    }
    let ending = tally.end(Conclusion {
        coverage: Coverage {
            nodes,
            scanned: nodes,
            ..Coverage::default()
        },
        complete: true,
        nothing: None,
    });
    let closing = Closing {
        finished: "2026-11-26T10:10:00Z".parse().unwrap(),
        coverage: ending.coverage,
        problems: Vec::new(),
        summary: ending.summary,
        gate: ending.gate,
        complete: ending.complete,
    };
    render.end(&closing, &mut out).unwrap();
    println!(
        "{word:<10} {:>8} findings {:>6} MB {:>7.2} s {:>5} MiB",
        nodes * RULES,
        out.0 / 1_000_000,
        before.elapsed().as_secs_f64(),
        peak_kib() / 1024
    );
}

/// Returns the peak of resident memory, as Linux tells it.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.unwrap().trim().trim_end_matches(" kB");
    number.parse().unwrap()
}

fn header() -> Header {
    Header {
        schema: SCHEMA.to_owned(),
        tool: Tool {
            name: "kubeassay".to_owned(),
            version: "0.1.0".to_owned(),
            commit: None,
        },
        scanned: Scanning {
            started: "2026-11-26T10:00:00Z".parse().unwrap(),
            source: Source::Facts,
            cluster: None,
            joined: Vec::new(),
        },
        rules: Rules {
            count: RULES,
            digest: "sha256:0".to_owned(),
            benchmark: Some("cis-kubernetes@1.12".to_owned()),
            added: Vec::new(),
            replaced: Vec::new(),
        },
    }
}

fn node(number: usize) -> Node {
    let name = format!("ip-10-0-{}-{}.internal", number / 256, number % 256);
    Node {
        id: format!("{number:032x}"),
        uid: None,
        hostname: Some(name.as_str().into()),
        name,
        root: None,
        platform: Platform {
            id: Some("debian".to_owned()),
            version: Some("12".to_owned()),
            evidence: vec!["/etc/os-release".into()],
        },
        distribution: None,
        kubernetes_version: Some(KubernetesVersion {
            value: "1.34.2".to_owned(),
            origin: "package".to_owned(),
        }),
        benchmark: Some("cis-kubernetes@1.12".to_owned()),
        status: NodeStatus::Scanned,
        cause: None,
        boot_time: None,
    }
}

/// A finding of the rule with this number: two in ten fail, one in ten is unknown.
fn finding(rule: usize) -> Finding {
    let (verdict, cause) = match rule % 10 {
        0 | 1 => (Verdict::Fail, None),
        2 => (Verdict::Unknown, Some(Cause::Stale)),
        3 => (Verdict::Manual, Some(Cause::NeedsChoice)),
        4 => (Verdict::NotApplicable, None),
        _ => (Verdict::Pass, None),
    };
    let path = Arc::new("/var/lib/kubelet/config.yaml".into());
    let control = |framework: &str| Control {
        framework: framework.to_owned(),
        version: Some(">=1.8".to_owned()),
        control: format!("4.2.{rule}"),
    };
    Finding {
        id: String::new(),
        rule: format!("kubelet-rule-number-{rule}"),
        title: "the kubelet asks the API server to authorize requests".to_owned(),
        severity: if rule.is_multiple_of(2) { Severity::High } else { Severity::Medium },
        controls: ["cis-kubernetes", "cis-eks", "cis-aks", "disa-stig"].map(control).to_vec(),
        node: None,
        subject: Subject {
            key: "/var/lib/kubelet".to_owned(),
            component: "kubelet".to_owned(),
            unit: Some("kubelet.service".into()),
            pid: Some(812),
            exe: Some("/usr/bin/kubelet".into()),
            cgroup: Some("/system.slice/kubelet.service".into()),
            object: None,
            user: None,
            in_pod: false,
            recognised_by: Vec::new(),
        },
        horizon: Horizon::Running,
        verdict,
        cause,
        reason: "authorization.mode is AlwaysAllow: every authenticated request may do everything".to_owned(),
        expected: "authorization.mode is Webhook".to_owned(),
        assumes: Vec::new(),
        witnesses: Vec::new(),
        evidence: vec![Evidence {
            setting: Some(format!("kubelet.setting.number{rule}")),
            file: None,
            object: None,
            response: None,
            value: Value::string("AlwaysAllow"),
            witness: Witness::Disk,
            observed_at: "2026-11-26T10:00:00Z".parse().unwrap(),
            origin: Origin::file(OriginKind::File, path, 10, 9),
            overrode: vec![Overridden {
                value: Value::string("Webhook"),
                origin: Origin::default_of("1.34"),
            }],
        }],
        waiver: None,
        baseline_state: None,
        fix: Fix {
            possible: verdict == Verdict::Fail,
            why_not: None,
            how: None,
        },
        remediation: "Set authorization.mode to Webhook in the file that --config names, and restart the kubelet.".to_owned(),
    }
}
