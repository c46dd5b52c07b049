//! `cargo xtask bench`: what the program costs, in figures that can be held.
//!
//! Instructions, counted by callgrind, wobble by less than a per cent where time wobbles by half: so they are what
//! is held, with the peak of memory and the size of the program, against `benches/budget.yaml`. Time is measured
//! where it is asked for: `--time`, `--live` against `ps -ef` on this machine, and `--cluster` over stand-ins.

mod budget;
mod cluster;
mod control_plane;
mod formats;
mod live;
mod measure;
mod objects;
mod reports;
mod scenarios;

use std::iter::Peekable;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::slice::Iter;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::generate::root;
use budget::{Budget, Cost};
use scenarios::Scenario;

pub(crate) const USAGE: &str = "\
  bench             count the instructions of every scenario, and show them beside the budget
  bench --check     the same, and exit 1 if one is beyond its budget
  bench --save      make what is measured the budget
  bench --time      measure time instead, 21 runs each
  bench --live [N…] measure scans of this machine, with N more processes (300 and 3000), against ps -ef
  bench --control-plane [N…] the same for a whole control plane that this machine plays in namespaces of its own (300), and
    against a plain reading of its files; needs root
  bench --cluster [N…] measure scans of clusters of N nodes (100, 1000 and 5000) over stand-ins of API server and kubelets
  bench --cluster objects [PODS RBAC NAMESPACES NODES] measure the reading of a cluster's objects (100000, 20000, 2000 and 5000)
  bench --reports [N…] measure reading, joining and comparing reports of N nodes (5000) with 130 findings each
    each also with --binary PATH: a program that was built before, instead of what `dist` makes now
  bench --formats [N] measure every format of a report on N nodes (5000) with 130 findings each
";

/// What is asked of a run.
enum Task {
    Show,
    Check,
    Save,
    Time,
    Live(Vec<usize>),
    ControlPlane(Vec<usize>),
    /// What [`ControlPlane`](Self::ControlPlane) runs in its namespaces, with the program that plays it.
    Beside(PathBuf, Vec<usize>),
    Cluster(Vec<usize>),
    Objects(Vec<usize>),
    Reports(Vec<usize>),
    Formats(Vec<usize>),
}

/// Runs the chore with the arguments behind its name; `None`: they cannot be understood.
pub(crate) fn run(arguments: &[&str]) -> Option<Result<ExitCode>> {
    let mut task = Task::Show;
    let mut binary = None;
    let mut rest = arguments.iter().peekable();
    while let Some(argument) = rest.next() {
        match *argument {
            "--check" => task = Task::Check,
            "--save" => task = Task::Save,
            "--time" => task = Task::Time,
            "--live" => task = Task::Live(numbers(&mut rest, &[300, 3_000])),
            "--cluster" if rest.next_if(|next| **next == "objects").is_some() => {
                task = Task::Objects(numbers(&mut rest, &[100_000, 20_000, 2_000, 5_000]));
            }
            "--control-plane" => task = Task::ControlPlane(numbers(&mut rest, &[300])),
            "--beside" => {
                let player = PathBuf::from(rest.next()?);
                task = Task::Beside(player, numbers(&mut rest, &[300]));
            }
            "--cluster" => task = Task::Cluster(numbers(&mut rest, &[100, 1_000, 5_000])),
            "--reports" => task = Task::Reports(numbers(&mut rest, &[5_000])),
            "--formats" => task = Task::Formats(numbers(&mut rest, &[5_000])),
            "--binary" => binary = Some(PathBuf::from(rest.next()?)),
            _ => return None,
        }
    }
    Some(perform(&task, binary))
}

/// Takes the numbers that come next; where there are none, the usual ones.
fn numbers(rest: &mut Peekable<Iter<'_, &str>>, usual: &[usize]) -> Vec<usize> {
    let mut numbers = Vec::new();
    while let Some(number) = rest.peek().and_then(|next| next.parse().ok()) {
        numbers.push(number);
        rest.next();
    }
    if numbers.is_empty() {
        numbers.extend(usual);
    }
    numbers
}

fn perform(task: &Task, binary: Option<PathBuf>) -> Result<ExitCode> {
    if let Task::Formats(sizes) = task {
        return formats::run(sizes);
    }
    let binary = binary.map_or_else(crate::dist::program, Ok)?;
    let binary = binary
        .canonicalize()
        .with_context(|| format!("there is no {}", binary.display()))?;
    match task {
        // Measured above, without the program.
        Task::Formats(_) => Ok(ExitCode::SUCCESS),
        Task::Live(crowds) => live::run(&binary, crowds),
        Task::ControlPlane(crowds) => control_plane::run(&binary, crowds),
        Task::Beside(player, crowds) => control_plane::beside(&binary, player, crowds),
        Task::Cluster(sizes) => cluster::run(&binary, sizes),
        Task::Objects(size) => objects::run(&binary, size),
        Task::Reports(sizes) => reports::run(&binary, sizes),
        Task::Time => {
            let folder = tempfile::tempdir()?;
            let mut scenarios = scenarios::counted(folder.path(), &binary)?;
            scenarios.extend(scenarios::hosts(folder.path())?);
            time(&binary, &scenarios)
        }
        Task::Show | Task::Check | Task::Save => {
            measure::need_valgrind()?;
            let folder = tempfile::tempdir()?;
            let measured = costs(&binary, &scenarios::counted(folder.path(), &binary)?)?;
            match task {
                Task::Save => {
                    Budget::load()?.save(&measured)?;
                    println!("wrote {}", budget::PATH);
                    Ok(ExitCode::SUCCESS)
                }
                _ => compare(&measured, matches!(task, Task::Check)),
            }
        }
    }
}

/// Builds an example of the testkit, with further arguments to cargo, and returns it.
fn example(name: &str, arguments: &[&str]) -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["build", "--quiet", "--package", "kubeassay-testkit"])
        .args(["--example", name])
        .args(arguments)
        .current_dir(root())
        .status()
        .context("cannot run cargo")?;
    if !status.success() {
        bail!("the stand-in {name} could not be built");
    }
    let profile = if arguments.contains(&"--release") {
        "release"
    } else {
        "debug"
    };
    Ok(target().join(profile).join("examples").join(name))
}

/// Returns the folder of what cargo makes.
fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

fn costs(binary: &Path, scenarios: &[Scenario]) -> Result<Vec<Cost>> {
    let mut costs = Vec::new();
    for scenario in scenarios {
        costs.push(Cost {
            scenario: scenario.name.clone(),
            instructions: measure::instructions(binary, &scenario.arguments)?,
            peak_kib: measure::peak_kib(binary, &scenario.arguments)?,
        });
    }
    costs.push(Cost::of_size(std::fs::metadata(binary)?.len()));
    Ok(costs)
}

/// Prints what was measured beside the budget, and names what grew too much.
fn compare(measured: &[Cost], strict: bool) -> Result<ExitCode> {
    let budget = Budget::load()?;
    println!(
        "{:<34} {:>13} {:>9} {:>9}",
        "scenario", "instructions", "change", "peak KiB"
    );
    for cost in measured {
        let change = budget.change(cost);
        println!(
            "{:<34} {:>13} {:>9} {:>9}",
            cost.scenario,
            cost.instructions.to_string(),
            change.map_or_else(|| "new".to_owned(), |change| format!("{change:+.1} %")),
            cost.peak_kib
                .map_or_else(|| "-".to_owned(), |peak| peak.to_string()),
        );
    }
    for line in scenarios::growth(measured) {
        println!("{line}");
    }
    let faults = budget.faults(measured);
    for fault in &faults {
        eprintln!("over budget: {fault}");
    }
    if strict && !faults.is_empty() {
        eprintln!(
            "{} of {} figures are over budget; make it cheaper, or say in the commit why it is worth it and run: cargo xtask bench --save",
            faults.len(),
            measured.len()
        );
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

fn time(binary: &Path, scenarios: &[Scenario]) -> Result<ExitCode> {
    const RUNS: usize = 21;
    println!("{:<34} {:>10} {:>10}", "scenario", "minimum", "median");
    for scenario in scenarios {
        let mut times = Vec::new();
        for _ in 0..RUNS {
            times.push(measure::time(
                Command::new(binary).args(&scenario.arguments),
            )?);
        }
        let (minimum, median) = measure::minimum_and_median(&mut times);
        println!(
            "{:<34} {:>10} {:>10}",
            scenario.name,
            shown(minimum),
            shown(median)
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns a time as `12.34 ms`.
fn shown(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1_000.0)
}
