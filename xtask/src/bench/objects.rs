//! Scans of a large cluster with its objects: what reading a hundred thousand pods takes, judging them, and a report.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, bail};

use super::cluster::{Cost, DELAY, StandIns, measure, text};

/// Measures a cluster of so many pods, objects of RBAC, namespaces and nodes, with each kind of report.
pub(super) fn run(binary: &Path, size: &[usize]) -> Result<ExitCode> {
    let [pods, rbac, namespaces, nodes] = size else {
        bail!("give the numbers of pods, objects of RBAC, namespaces and nodes");
    };
    println!("{pods} pods, {rbac} objects of RBAC, {namespaces} namespaces, {nodes} nodes");
    let stand_ins = super::example("cluster", &["--release"])?;
    println!(
        "{:<20} {:>8} {:>8} {:>8} {:>9} {:>9} {:>8} {:>11} {:>10}",
        "report",
        "seconds",
        "CPU",
        "server",
        "peak MiB",
        "requests",
        "floor",
        "report MiB",
        "findings"
    );
    for format in ["jsonl", "table", "json"] {
        let folder = tempfile::tempdir()?;
        let crowd = [*pods, *rbac, *namespaces];
        let stand_ins = StandIns::start(&stand_ins, *nodes, DELAY, folder.path(), &crowd)?;
        let at = |name: &str| text(&folder.path().join(name));
        let (config, report) = (at("config"), at("report"));
        let before = stand_ins.cpu()?;
        let Cost { seconds, cpu, peak } = measure(
            binary,
            &[
                "scan",
                "--quiet",
                "--cluster",
                "--via-proxy",
                "--kubeconfig",
                &config,
                "-o",
                format,
                "--output-file",
                &report,
            ],
        )?;
        let served = stand_ins.cpu()? - before;
        let counted = stand_ins.end()?;
        // Pages of one list are asked for one after the other, whatever else is asked meanwhile.
        let delay: f64 = DELAY.parse()?;
        let longest = u32::try_from(counted.longest)?;
        let floor = f64::from(longest) * delay / 1_000.0;
        let written = fs::read_to_string(&report)?;
        let findings = match format {
            "jsonl" => written
                .matches("\n{\"kind\":\"finding\"")
                .count()
                .to_string(),
            _ => "-".to_owned(),
        };
        println!(
            "{format:<20} {seconds:>8.2} {cpu:>8.2} {served:>8.2} {:>9.1} {:>9} {floor:>8.2} {:>11.1} {findings:>10}",
            f64::from(peak) / 1_024.0,
            counted.requests,
            f64::from(u32::try_from(written.len())?) / f64::from(1 << 20),
        );
    }
    Ok(ExitCode::SUCCESS)
}
