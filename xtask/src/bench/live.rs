//! Scans of this machine beside `ps -ef`, with idle processes and a stand-in for a kubelet.
//!
//! The two are run in turns, so that whatever else the machine does meets both. The idle processes are copies of
//! one shell that wait to read from a pipe of ours (about 0.1 MiB each): when this program ends, however it ends,
//! the pipe closes and they are gone.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::control_plane::Files;
use super::scenarios::{CONFIG, DROP_INS, HEAD};
use super::{measure, shown};

/// How often each of the two is run.
const PAIRS: usize = 21;
/// More processes are not started: most systems have room for 32768 at once.
const MOST: usize = 30_000;

/// Measures with each of the numbers of processes.
pub(super) fn run(binary: &Path, crowds: &[usize]) -> Result<ExitCode> {
    let folder = tempfile::tempdir()?;
    let kubelet = StandIn::start(folder.path())?;
    println!(
        "kubelet: a stand-in with a file and {} drop-ins, process {}",
        DROP_INS.len(),
        kubelet.0.id()
    );
    for count in crowds {
        let crowd = Crowd::start(*count)?;
        println!("\n{count} more processes, {} in all", processes()?);
        compare(binary, None)?;
        drop(crowd);
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs `ps -ef` and a scan in turns, reads `files` plainly where there are any, and prints what each takes.
pub(super) fn compare(binary: &Path, files: Option<&Files>) -> Result<()> {
    let mut ps = Command::new("ps");
    ps.arg("-ef");
    let mut scan = Command::new(binary);
    scan.arg("scan");
    for _ in 0..2 {
        measure::time(&mut ps)?;
        measure::time(&mut scan)?;
    }
    let (mut listed, mut scanned, mut read) = (Vec::new(), Vec::new(), Vec::new());
    let mut ratios = Vec::new();
    for _ in 0..PAIRS {
        let (a, b) = (measure::time(&mut ps)?, measure::time(&mut scan)?);
        let plain = files.map(Files::read).unwrap_or_default();
        ratios.push(b.as_secs_f64() / (a + plain).as_secs_f64());
        listed.push(a);
        scanned.push(b);
        read.push(plain);
    }
    for (name, program, argument, times) in [
        ("ps -ef", Path::new("/usr/bin/ps"), "-ef", &mut listed),
        ("kubeassay scan", binary, "scan", &mut scanned),
    ] {
        let arguments = [argument.to_owned()];
        let (minimum, median) = measure::minimum_and_median(times);
        let peak = measure::peak_kib(program, &arguments)?.map_or_else(
            || "not told (GNU time is missing)".to_owned(),
            |kib| format!("{kib} KiB"),
        );
        let tasks = measure::tasks(program, &arguments)?.map_or_else(
            || "not told (strace is missing)".to_owned(),
            |(threads, processes)| format!("{threads} and {processes}"),
        );
        println!(
            "{name:<16} minimum {}, median {}; peak of memory {peak}; threads and processes started {tasks}",
            shown(minimum),
            shown(median)
        );
    }
    if let Some(files) = files {
        let (minimum, median) = measure::minimum_and_median(&mut read);
        println!(
            "a plain loop     minimum {}, median {} for the {} files that a scan reads; it counts with ps -ef",
            shown(minimum),
            shown(median),
            files.len()
        );
    }
    let pairs: Vec<String> = ratios.iter().map(|ratio| format!("{ratio:.2}")).collect();
    println!("ratio            {}", pairs.join(" "));
    ratios.sort_by(f64::total_cmp);
    let median = ratios.get(ratios.len() / 2).copied().unwrap_or_default();
    println!("                 median {median:.2}");
    Ok(())
}

/// Returns how many processes there are.
pub(super) fn processes() -> Result<usize> {
    let entries = fs::read_dir("/proc").context("there is no /proc")?;
    let is_process = |entry: &fs::DirEntry| {
        entry
            .file_name()
            .as_encoded_bytes()
            .iter()
            .all(u8::is_ascii_digit)
    };
    Ok(entries.filter_map(Result::ok).filter(is_process).count())
}

/// A program that is called as a kubelet is, and waits.
struct StandIn(Child, Option<PathBuf>);

/// Where the unified hierarchy of cgroups may be mounted.
const HIERARCHIES: [&str; 2] = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"];

/// Puts a process where systemd would have started it, as it is on a node, if that can be done; returns the cgroup.
fn into_a_unit(pid: u32) -> Option<PathBuf> {
    let mut hierarchies = HIERARCHIES.iter().map(Path::new);
    let root = hierarchies.find(|root| root.join("cgroup.procs").exists())?;
    let unit = root.join("system.slice/kubelet.service");
    fs::create_dir_all(&unit).ok()?;
    fs::write(unit.join("cgroup.procs"), pid.to_string()).ok()?;
    Some(unit)
}

impl StandIn {
    /// Makes the program and its files below `folder`, and starts it.
    fn start(folder: &Path) -> Result<Self> {
        let program = compile(folder)?;
        let at = |name: &str| folder.join(name);
        let file = |name: &str, content: String| {
            fs::write(at(name), content).with_context(|| format!("cannot write {name}"))
        };
        let authority = at("ca.crt");
        let config = CONFIG.replace("/etc/kubernetes/pki/ca.crt", &authority.to_string_lossy());
        file("config.yaml", config)?;
        file("kubeconfig", "kind: Config\n".to_owned())?;
        file("ca.crt", "(never read)\n".to_owned())?;
        fs::create_dir(at("drop-ins"))?;
        for (name, said) in DROP_INS {
            file(&format!("drop-ins/{name}"), format!("{HEAD}{said}"))?;
        }
        // A file that is as old as the process may have changed after its start; the clock of starts is coarse.
        std::thread::sleep(Duration::from_secs(2));
        let argument = |flag: &str, name: &str| format!("--{flag}={}", at(name).display());
        let child = Command::new(program)
            .arg(argument("config", "config.yaml"))
            .arg(argument("config-dir", "drop-ins"))
            .arg(argument("kubeconfig", "kubeconfig"))
            .env("KUBELET_CONFIG_DROPIN_DIR_ALPHA", "yes")
            .stdin(Stdio::piped())
            .spawn()
            .context("cannot start the stand-in")?;
        let unit = into_a_unit(child.id());
        Ok(Self(child, unit))
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
        if let Some(unit) = &self.1 {
            drop(fs::remove_dir(unit));
        }
    }
}

/// Compiles a program that takes any arguments and waits until its input ends.
fn compile(folder: &Path) -> Result<PathBuf> {
    const SOURCE: &str = "fn main() { drop(std::io::stdin().read_line(&mut String::new())); }\n";
    let (source, program) = (folder.join("stand_in.rs"), folder.join("kubelet"));
    fs::write(&source, SOURCE)?;
    let compiler = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let status = Command::new(compiler)
        .args(["-C", "opt-level=1", "-C", "strip=symbols", "-o"])
        .args([&program, &source])
        .status()
        .context("cannot run rustc")?;
    if !status.success() {
        bail!("the stand-in for a kubelet could not be compiled");
    }
    Ok(program)
}

/// Idle processes.
pub(super) struct Crowd(Child);

impl Crowd {
    /// Starts `count` of them and waits until all are there.
    pub(super) fn start(count: usize) -> Result<Self> {
        const SCRIPT: &str = r#"
            exec 3<&0
            i=0
            while [ "$i" -lt "$0" ]; do
                read -r line <&3 &
                i=$((i + 1))
            done
            echo ready
            wait
        "#;
        if count > MOST {
            bail!("{count} processes are more than the {MOST} that are started at most");
        }
        let mut child = Command::new("sh")
            .args(["-c", SCRIPT, &count.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot run sh")?;
        let output = child.stdout.take().context("no output of sh")?;
        let crowd = Self(child);
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        if line.trim() != "ready" {
            bail!("the system does not let {count} more processes start");
        }
        Ok(crowd)
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        // What they wait to read from ends, and with it they do.
        drop(self.0.stdin.take());
        drop(self.0.wait());
    }
}
