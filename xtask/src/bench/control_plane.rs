//! Scans of a control plane that this machine plays in namespaces of its own, beside `ps -ef` and a plain reading of the
//! files that a scan reads.
//!
//! The stand-in (an example of the testkit) makes the files and starts the components there, and then this program once
//! more, which measures. Nothing of it is seen outside, and all of it ends with the first process inside.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::live::{Crowd, compare, processes};

/// Directories and files of the kernel are no files that a loop could read.
const NO_FILES: [&str; 3] = ["/proc/", "/sys/", "/dev/"];
/// Begins what is run: programs and libraries, of which a scan reads headers alone.
const ELF: &[u8] = b"\x7fELF";
/// What the loader reads before the program is there.
const LOADER: &str = "/etc/ld.so.cache";

/// Makes the namespaces, and measures in them with each of the numbers of processes.
pub(super) fn run(binary: &Path, crowds: &[usize]) -> Result<ExitCode> {
    // It only waits while something is measured, so that it need not be fast.
    let player = super::example("control_plane", &[])?;
    let own = std::env::current_exe().context("this program has no path")?;
    let status = Command::new("unshare")
        .args(["--mount", "--propagation", "private", "--cgroup", "--net"])
        .args(["--pid", "--fork", "--kill-child", "--mount-proc"])
        .arg(&player)
        .arg("inside")
        .arg(own)
        .args(["bench", "--binary"])
        .arg(binary)
        .arg("--beside")
        .arg(&player)
        .args(crowds.iter().map(ToString::to_string))
        .stdin(Stdio::null())
        .status()
        .context("cannot run unshare (util-linux)")?;
    if !status.success() {
        bail!(
            "the control plane could not be measured; it needs root, util-linux, iproute2 and overlayfs"
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// Measures on the machine as it is, with each of the numbers of processes besides.
pub(super) fn beside(binary: &Path, player: &Path, crowds: &[usize]) -> Result<ExitCode> {
    let files = Files::of(binary, player)?;
    for count in crowds {
        let crowd = Crowd::start(*count)?;
        println!("\n{count} more processes, {} in all", processes()?);
        compare(binary, Some(&files))?;
        drop(crowd);
    }
    Ok(ExitCode::SUCCESS)
}

/// What a scan reads: regular files that are neither the kernel's nor programs.
pub(super) struct Files(Vec<PathBuf>);

impl Files {
    /// Has a scan traced; says which files it read more than once.
    fn of(binary: &Path, player: &Path) -> Result<Self> {
        let output = Command::new(player)
            .arg("reads")
            .arg(binary)
            .arg("scan")
            .output()
            .context("cannot run the stand-in")?;
        let said = String::from_utf8(output.stdout).context("strace said no text")?;
        let mut files = Vec::new();
        for (times, path) in said.lines().filter_map(|line| line.split_once(' ')) {
            let path = Path::new(path);
            if path == Path::new(LOADER) || NO_FILES.iter().any(|folder| path.starts_with(folder)) {
                continue;
            }
            if is_readable(path) {
                files.push(path.to_owned());
                if times != "1" {
                    println!("read {times} times: {}", path.display());
                }
            }
        }
        if files.is_empty() {
            bail!("nothing tells what a scan reads: is strace installed?");
        }
        Ok(Self(files))
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Reads each of them once, as simply as it can be done, and returns how long that took.
    ///
    /// What lies in a container's root alone is passed over: that makes the loop cheaper, and the comparison harder.
    pub(super) fn read(&self) -> Duration {
        let mut sink = std::io::sink();
        let mut bytes = Vec::with_capacity(1 << 16);
        let start = Instant::now();
        for path in &self.0 {
            bytes.clear();
            let read = File::open(path).and_then(|mut file| file.read_to_end(&mut bytes));
            drop(read.and_then(|_| sink.write_all(&bytes)));
        }
        start.elapsed()
    }
}

/// Returns whether it is a regular file that is no program.
fn is_readable(path: &Path) -> bool {
    let mut head = [0; ELF.len()];
    let mut is_program = || {
        let read = File::open(path).and_then(|mut file| file.read_exact(&mut head));
        read.is_ok() && head == ELF
    };
    path.is_file() && !is_program()
}
