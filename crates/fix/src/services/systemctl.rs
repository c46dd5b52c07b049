//! systemd through the program `systemctl`, where neither bus nor systemd's own socket answers.
//!
//! No shell, an environment of its own, no questions asked, bounded output, and killed when its time is over.

use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use kubeassay_core::Bytes;
use kubeassay_core::text::escape;
use rustix::fs::{Access, AtFlags, CWD, MemfdFlags, accessat, memfd_create};

use super::{Deadline, JobEnd, ServiceError, Services, UnitState, service_name};

/// Where distributions put it.
const FOLDERS: [&str; 3] = ["usr/bin", "bin", "run/current-system/sw/bin"];

/// How long it may take to find out whether systemd answers at all.
const GREETING: Duration = Duration::from_secs(5);
/// How long it may take to answer.
const ANSWER: Duration = Duration::from_secs(25);
/// How long reading all units may take, as over D-Bus.
const RELOAD: Duration = Duration::from_mins(3);
/// How often is looked whether it ended.
const PAUSE: Duration = Duration::from_millis(10);
/// How long a killed one may take to be gone.
const LAST_WAIT: Duration = Duration::from_secs(1);
/// The most that it may print.
const LARGEST: u64 = 64 << 10;

/// The properties that a state is made of.
const PROPERTIES: &str = "--property=LoadState,ActiveState,SubState,Result,MainPID,NRestarts";

/// systemd, behind a program.
#[derive(Debug)]
pub struct Systemctl {
    program: PathBuf,
    way: String,
}

/// What it did.
struct Run {
    status: ExitStatus,
    /// What it printed, escaped.
    output: String,
    /// What it complained of, escaped, in one line.
    said: String,
}

impl Systemctl {
    /// Returns the one in the folders below `root` in which distributions have it, if there is one.
    pub fn below(root: &Path) -> Option<Self> {
        let programs = FOLDERS.iter().map(|folder| root.join(folder));
        let mut programs = programs.map(|folder| folder.join("systemctl"));
        let program =
            programs.find(|path| accessat(CWD, path, Access::EXEC_OK, AtFlags::EACCESS).is_ok())?;
        Some(Self::new(program))
    }

    /// Returns the program at a path.
    pub fn new(program: PathBuf) -> Self {
        let way = escape(&program.to_string_lossy());
        Self { program, way }
    }

    /// Returns whether systemd answers it.
    ///
    /// # Errors
    ///
    /// Where it does not.
    pub fn answers(&self) -> Result<(), ServiceError> {
        match self.run(&["show", "--property=Version"], &Deadline::within(GREETING))? {
            Some(run) if run.status.success() => Ok(()),
            Some(run) => Err(ServiceError::Unreachable(format!(
                "{}: {}",
                self.way, run.said
            ))),
            None => Err(ServiceError::Unreachable(format!(
                "{} did not end within {} s",
                self.way,
                GREETING.as_secs()
            ))),
        }
    }

    /// Runs it; nothing where it did not end in time.
    fn run(&self, arguments: &[&str], deadline: &Deadline) -> Result<Option<Run>, ServiceError> {
        let failed = |what: &str, error: &dyn std::fmt::Display| {
            ServiceError::Unreachable(format!("{} {what}: {error}", self.way))
        };
        // Files without a name instead of pipes: what it starts and leaves behind can hold nothing up.
        let file = |name: &str| memfd_create(name, MemfdFlags::CLOEXEC).map(File::from);
        let files = file("stdout").and_then(|output| Ok((output, file("stderr")?)));
        let (mut output, mut said) =
            files.map_err(|error| failed("has nowhere to print to", &error))?;
        let copy = |file: &File| file.try_clone().map(OwnedFd::from).map(Stdio::from);
        let copies = copy(&output).and_then(|output| Ok((output, copy(&said)?)));
        let (stdout, stderr) = copies.map_err(|error| failed("has nowhere to print to", &error))?;
        #[expect(
            clippy::disallowed_methods,
            reason = "the way to systemd where D-Bus does not answer; the plan names it"
        )]
        let mut command = Command::new(&self.program);
        command
            .args(["--no-ask-password", "--no-pager"])
            .args(arguments)
            .env_clear()
            // Ctrl-C in the terminal is for us, and what has begun comes to its end.
            .process_group(0)
            .env("LC_ALL", "C")
            .env("SYSTEMD_COLORS", "0")
            .env("SYSTEMD_PAGER", "")
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(stderr);
        let mut child = command
            .spawn()
            .map_err(|error| failed("cannot be started", &error))?;
        let too_much = |file: &File| file.metadata().is_ok_and(|facts| facts.len() > LARGEST);
        let status = loop {
            match child.try_wait() {
                Ok(Some(status)) => break Ok(status),
                Ok(None) if too_much(&output) || too_much(&said) => {
                    break Err(Some(failed("prints without end", &"it was stopped")));
                }
                Ok(None) if deadline.left().is_none() => break Err(None),
                Ok(None) => std::thread::sleep(PAUSE),
                Err(error) => break Err(Some(failed("cannot be waited for", &error))),
            }
        };
        let status = match status {
            Ok(status) => status,
            Err(trouble) => {
                end(&mut child);
                return trouble.map_or(Ok(None), Err);
            }
        };
        let read = |file: &mut File| {
            let mut bytes = Vec::new();
            file.rewind()?;
            file.take(LARGEST).read_to_end(&mut bytes)?;
            Ok::<_, std::io::Error>(bytes)
        };
        let printed = read(&mut output).and_then(|output| Ok((output, read(&mut said)?)));
        let (output, said) =
            printed.map_err(|error| failed("printed what cannot be read", &error))?;
        let lines = |bytes: &[u8]| -> Vec<String> {
            let text = String::from_utf8_lossy(bytes);
            text.lines().map(|line| escape(line.trim())).collect()
        };
        Ok(Some(Run {
            status,
            output: lines(&output).join("\n"),
            said: lines(&said).join(" "),
        }))
    }

    fn state_within(&self, unit: &str, deadline: &Deadline) -> Result<UnitState, ServiceError> {
        let run = self.run(&["show", PROPERTIES, "--", unit], deadline)?;
        let Some(run) = run else {
            return Err(ServiceError::TimedOut(format!(
                "systemd did not say how {unit} is in time: {} was stopped",
                self.way
            )));
        };
        if !run.status.success() {
            return Err(self.refused(&format!("say how {unit} is"), &run));
        }
        understand(&run.output).ok_or_else(|| {
            ServiceError::Unreachable(format!("{} does not say how {unit} is", self.way))
        })
    }

    /// Returns the error of a run that failed.
    fn refused(&self, wanted: &str, run: &Run) -> ServiceError {
        let Run { status, said, .. } = run;
        let why = if said.is_empty() {
            "it gives no reason"
        } else {
            said
        };
        ServiceError::Failed(format!(
            "systemd refused to {wanted}: {why} ({}: {status})",
            self.way
        ))
    }
}

/// Ends a program and takes note that it ended, if it does.
fn end(child: &mut Child) {
    child.kill().ok();
    let deadline = Deadline::within(LAST_WAIT);
    while matches!(child.try_wait(), Ok(None)) && deadline.left().is_some() {
        std::thread::sleep(PAUSE);
    }
}

/// Returns the state that `systemctl show` printed; nothing where a property is missing.
fn understand(output: &str) -> Option<UnitState> {
    let property = |name: &str| {
        let mut lines = output.lines();
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
    };
    Some(UnitState {
        load: property("LoadState")?.to_owned(),
        active: property("ActiveState")?.to_owned(),
        sub: property("SubState")?.to_owned(),
        result: property("Result")?.to_owned(),
        main_pid: property("MainPID")?.parse().ok()?,
        restarts: property("NRestarts")?.parse().ok()?,
    })
}

impl Services for Systemctl {
    fn way(&self) -> &str {
        &self.way
    }

    fn reload(&self) -> Result<(), ServiceError> {
        match self.run(&["daemon-reload"], &Deadline::within(RELOAD))? {
            Some(run) if run.status.success() => Ok(()),
            Some(run) => Err(self.refused("read its units again", &run)),
            None => Err(ServiceError::TimedOut(format!(
                "systemd did not read its units again within {} s",
                RELOAD.as_secs()
            ))),
        }
    }

    fn restart(&self, unit: &Bytes, limit: Duration) -> Result<(), ServiceError> {
        let unit = service_name(unit)?;
        let run = self.run(&["restart", "--", unit], &Deadline::within(limit))?;
        let ended = match run {
            Some(run) if run.status.success() => JobEnd::Done,
            // With 1 it says that the job failed; other numbers are those of LSB, such as 5 for a unit that is not there.
            Some(run) if run.status.code() == Some(1) && run.said.starts_with("Job for ") => {
                JobEnd::Failed("failed".to_owned())
            }
            Some(run) => return Err(self.refused(&format!("restart {unit}"), &run)),
            None => JobEnd::Pending,
        };
        ended.outcome(unit, limit, || {
            self.state_within(unit, &Deadline::within(ANSWER)).ok()
        })
    }

    fn state(&self, unit: &Bytes) -> Result<UnitState, ServiceError> {
        let unit = service_name(unit)?;
        self.state_within(unit, &Deadline::within(ANSWER))
    }
}

#[cfg(test)]
#[expect(
    clippy::disallowed_methods,
    reason = "writes a stand-in for the program, and looks how long a test waited"
)]
mod tests;
