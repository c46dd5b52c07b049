//! One run of a program: its instructions, its peak of memory, its time.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail};

/// Fails, with what to do, where valgrind is missing.
pub(super) fn need_valgrind() -> Result<()> {
    let found = Command::new("valgrind")
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if found.is_ok_and(|status| status.success()) {
        return Ok(());
    }
    bail!(
        "valgrind is not installed, and it counts the instructions\n  Debian, Ubuntu: apt-get install valgrind\n  Fedora: dnf install valgrind\n  Alpine: apk add valgrind"
    )
}

/// Returns how many instructions a run takes, the loading of the program included.
pub(super) fn instructions(binary: &Path, arguments: &[String]) -> Result<u64> {
    let output = clean(&mut Command::new("valgrind"))
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(binary)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .output()
        .context("cannot run valgrind")?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !matches!(output.status.code(), Some(0..=2)) {
        bail!(
            "{} {} failed:\n{said}",
            binary.display(),
            arguments.join(" ")
        );
    }
    said.lines()
        .find_map(|line| line.split_once("Collected :")?.1.trim().parse().ok())
        .ok_or_else(|| anyhow!("callgrind counted nothing:\n{said}"))
}

/// Returns the most memory that a run had resident, where GNU time is there to tell.
pub(super) fn peak_kib(binary: &Path, arguments: &[String]) -> Result<Option<u64>> {
    let mut measured = Command::new("/usr/bin/time");
    let output = clean(&mut measured)
        .args(["-q", "-f", "%M"])
        .arg(binary)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .output();
    let Ok(output) = output else {
        return Ok(None);
    };
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.lines().last().unwrap_or_default();
    let peak = last.trim().parse();
    peak.map(Some)
        .with_context(|| format!("time said {last:?}"))
}

/// Returns how many threads and how many processes a run starts, where strace is there to tell.
pub(super) fn tasks(binary: &Path, arguments: &[String]) -> Result<Option<(usize, usize)>> {
    let folder = tempfile::tempdir()?;
    let log = folder.path().join("strace");
    let traced = Command::new("strace")
        .args(["-f", "-qq", "-e", "trace=clone,clone3,fork,vfork", "-o"])
        .args([&log, binary])
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if traced.is_err() {
        return Ok(None);
    }
    let said = std::fs::read_to_string(&log).context("strace wrote nothing")?;
    // A call that another task's interrupted is there twice: begun, and resumed.
    let started = |line: &&str| line.contains('(') && !line.contains("resumed>");
    let tasks = said.lines().filter(started);
    let (threads, processes): (Vec<&str>, Vec<&str>) =
        tasks.partition(|line| line.contains("CLONE_THREAD"));
    Ok(Some((threads.len(), processes.len())))
}

/// Runs a program and returns how long it took, from its start to its end.
pub(super) fn time(command: &mut Command) -> Result<Duration> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let start = Instant::now();
    let status = command.status().context("cannot run a program")?;
    let time = start.elapsed();
    if !matches!(status.code(), Some(0..=2)) {
        bail!("{command:?} ended with {status}");
    }
    Ok(time)
}

/// Sorts times and returns the first and the one in the middle.
pub(super) fn minimum_and_median(times: &mut [Duration]) -> (Duration, Duration) {
    times.sort_unstable();
    let at = |place: usize| times.get(place).copied().unwrap_or_default();
    (at(0), at(times.len() / 2))
}

/// Leaves no environment that differs from shell to shell: the loader walks over it.
fn clean(command: &mut Command) -> &mut Command {
    command.env_clear().env(
        "PATH",
        "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::minimum_and_median;

    #[test]
    fn of_an_odd_number_of_times_the_one_in_the_middle_is_the_median() {
        let mut times = [5, 1, 9].map(Duration::from_millis);
        let expected = (Duration::from_millis(1), Duration::from_millis(5));
        assert_eq!(minimum_and_median(&mut times), expected);
    }
}
