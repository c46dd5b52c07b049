//! A stand-in for systemd, for one service, behind a program in the place of `systemctl`; in [namespaces] of its own.
//!
//! As with systemd, the unit is what it was when its files were last read, and `restart` is done once the process was
//! started, whatever becomes of it; one that ends is started again a second later.
//!
//! [namespaces]: crate::namespaces

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::namespaces::mount;

/// The program whose place it takes.
pub const SYSTEMCTL: &str = "/usr/bin/systemctl";
/// Its own program, which is mounted there.
const PROGRAM: &str = "/run/stand-in-systemctl";
/// Where unit files are written.
const UNITS: &str = "/etc/systemd/system";
/// How often is looked whether somebody asks, or the process ended.
const PAUSE: Duration = Duration::from_millis(10);
/// `RestartSec=`.
const RESTART: Duration = Duration::from_secs(1);
/// `TimeoutStopSec=`.
const STOP: Duration = Duration::from_secs(20);

/// Returns what this machine lacks for the stand-in, if something.
pub fn lacking() -> Option<&'static str> {
    if !rustix::process::geteuid().is_root() {
        return Some("root");
    }
    let files = [SYSTEMCTL, "/bin/bash", UNITS];
    let all = files.iter().all(|path| Path::new(path).exists());
    (!all).then_some("bash, and a machine with systemd's files")
}

/// Takes the place of `systemctl` for the service called `unit`, which does not run yet, until this process ends.
///
/// # Panics
///
/// If that is not possible.
pub fn stand_in(unit: &str) {
    let listener =
        TcpListener::bind("127.0.0.1:0").unwrap_or_else(|error| panic!("no port: {error}"));
    let address = listener.local_addr();
    let address = address.unwrap_or_else(|error| panic!("no port: {error}"));
    // A shell, so that it is a program that needs nothing of ours.
    let script = format!(
        "#!/bin/bash
exec 3<>/dev/tcp/127.0.0.1/{} || exit 125
printf '%s\\n' \"$*\" >&3
read -r code <&3
if [ \"$code\" = 0 ]; then cat <&3; else cat <&3 >&2; fi
exit \"$code\"
",
        address.port()
    );
    write(PROGRAM, &script);
    let mode = fs::Permissions::from_mode(0o755);
    fs::set_permissions(PROGRAM, mode).unwrap_or_else(|error| panic!("{PROGRAM}: {error}"));
    mount(&["--bind", PROGRAM, SYSTEMCTL]);
    let mut systemd = Systemd {
        unit: unit.to_owned(),
        loaded: None,
        child: None,
        due: None,
        restarts: 0,
        result: "success",
    };
    listener
        .set_nonblocking(true)
        .unwrap_or_else(|error| panic!("no port: {error}"));
    thread::spawn(move || {
        loop {
            systemd.look();
            match listener.accept() {
                Ok((stream, _)) => systemd.answer(stream),
                Err(_) => thread::sleep(PAUSE),
            }
        }
    });
}

/// The stand-in.
struct Systemd {
    unit: String,
    loaded: Option<Service>,
    child: Option<Child>,
    /// When a process that ended is started again.
    due: Option<Instant>,
    /// `NRestarts`.
    restarts: u32,
    /// `Result`.
    result: &'static str,
}

/// A service as its files said when they were last read, as far as tests write them.
struct Service {
    /// `ExecStartPre=`: a program without arguments.
    before: Option<String>,
    /// `ExecStart=`, with variables that are words of their own.
    arguments: Vec<String>,
    /// `StandardOutput=append:PATH`, for what it complains of too.
    log: Option<String>,
}

impl Service {
    /// Reads the fragment and its drop-ins; nothing where they start nothing.
    fn read(unit: &str) -> Option<Self> {
        let mut files = vec![format!("{UNITS}/{unit}")];
        if let Ok(entries) = fs::read_dir(format!("{UNITS}/{unit}.d")) {
            let paths = entries.flatten().map(|entry| entry.path());
            let mut paths: Vec<_> = paths.map(|path| path.display().to_string()).collect();
            paths.retain(|path| Path::new(path).extension().is_some_and(|it| it == "conf"));
            paths.sort();
            files.extend(paths);
        }
        let mut settings: BTreeMap<String, String> = BTreeMap::new();
        let mut variables: BTreeMap<String, String> = BTreeMap::new();
        for text in files
            .iter()
            .filter_map(|file| fs::read_to_string(file).ok())
        {
            for (key, value) in text.lines().filter_map(|line| line.split_once('=')) {
                if key == "Environment" {
                    let value = value.trim_matches('"');
                    let (name, value) = value.split_once('=').unwrap_or((value, ""));
                    variables.insert(name.to_owned(), value.to_owned());
                } else {
                    settings.insert(key.to_owned(), value.to_owned());
                }
            }
        }
        let command = settings.get("ExecStart").filter(|it| !it.is_empty())?;
        let mut arguments = Vec::new();
        for word in command.split_whitespace() {
            match word.strip_prefix('$') {
                Some(name) => {
                    let value = variables.get(name).map(String::as_str).unwrap_or_default();
                    arguments.extend(value.split_whitespace().map(str::to_owned));
                }
                None => arguments.push(word.to_owned()),
            }
        }
        let log = settings.get("StandardOutput");
        Some(Self {
            before: settings.get("ExecStartPre").cloned(),
            arguments,
            log: log
                .and_then(|log| log.strip_prefix("append:"))
                .map(str::to_owned),
        })
    }

    fn start(&self) -> std::io::Result<Child> {
        if let Some(program) = &self.before {
            let status = Command::new(program).status()?;
            if !status.success() {
                return Err(std::io::Error::other(format!("{program}: {status}")));
            }
        }
        let (program, arguments) = self
            .arguments
            .split_first()
            .ok_or(std::io::ErrorKind::NotFound)?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir("/")
            .stdin(Stdio::null());
        if let Some(log) = &self.log {
            let log = fs::File::options().create(true).append(true).open(log)?;
            command.stdout(log.try_clone()?).stderr(log);
        }
        command.spawn()
    }
}

impl Systemd {
    /// Looks whether the process ended, and starts it again when it is time.
    fn look(&mut self) {
        let ended = self.child.as_mut().and_then(|child| child.try_wait().ok());
        if let Some(Some(status)) = ended {
            self.child = None;
            self.ended(status.success());
        }
        if self.due.is_some_and(|due| due <= Instant::now()) {
            self.restarts += 1;
            self.start();
        }
    }

    fn ended(&mut self, well: bool) {
        self.result = if well { "success" } else { "exit-code" };
        self.due = Some(Instant::now() + RESTART);
    }

    fn stop(&mut self) {
        self.due = None;
        let Some(mut child) = self.child.take() else {
            return;
        };
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        pid.map(|pid| kill_process(pid, Signal::TERM));
        let begun = Instant::now();
        while matches!(child.try_wait(), Ok(None)) && begun.elapsed() < STOP {
            thread::sleep(PAUSE);
        }
        drop(child.kill());
        drop(child.wait());
    }

    fn start(&mut self) {
        self.due = None;
        self.result = "success";
        let Some(service) = &self.loaded else {
            self.result = "resources";
            return;
        };
        match service.start() {
            Ok(child) => self.child = Some(child),
            Err(_) => self.ended(false),
        }
    }

    /// Answers one run of the program: a line with the exit code, and what it prints.
    fn answer(&mut self, stream: TcpStream) {
        drop(stream.set_nonblocking(false));
        drop(stream.set_read_timeout(Some(Duration::from_secs(5))));
        let mut question = String::new();
        let mut reader = BufReader::new(stream);
        if reader.read_line(&mut question).is_err() {
            return;
        }
        let options = ["--no-ask-password", "--no-pager", "--"];
        let words = question.split_whitespace();
        let words: Vec<&str> = words.filter(|word| !options.contains(word)).collect();
        let (code, printed) = self.does(&words);
        let mut stream = reader.into_inner();
        // Who does not wait for the answer has it no more.
        drop(write!(stream, "{code}\n{printed}"));
    }

    fn does(&mut self, words: &[&str]) -> (i32, String) {
        let done = (0, String::new());
        match words {
            ["daemon-reload"] => {
                self.loaded = Service::read(&self.unit);
                done
            }
            ["stop", unit] if *unit == self.unit => {
                self.stop();
                done
            }
            ["restart", unit] if *unit == self.unit => {
                self.stop();
                self.restarts = 0;
                self.start();
                match self.result {
                    "success" => done,
                    result => (1, format!("Job for {unit} failed: {result}.\n")),
                }
            }
            ["show", properties] => (0, self.show(properties)),
            ["show", properties, unit] if *unit == self.unit => (0, self.show(properties)),
            other => (1, format!("what should be done with {other:?}?\n")),
        }
    }

    /// Returns the lines of `--property=A,B`.
    fn show(&self, properties: &str) -> String {
        let wanted = properties.strip_prefix("--property=").unwrap_or_default();
        let (active, sub) = match (&self.child, &self.due) {
            (Some(_), _) => ("active", "running"),
            (None, Some(_)) => ("activating", "auto-restart"),
            (None, None) => ("inactive", "dead"),
        };
        let mut lines = String::new();
        for name in wanted.split(',') {
            let value = match name {
                "Version" => "252".to_owned(),
                "LoadState" if self.loaded.is_some() => "loaded".to_owned(),
                "LoadState" => "not-found".to_owned(),
                "ActiveState" => active.to_owned(),
                "SubState" => sub.to_owned(),
                "Result" => self.result.to_owned(),
                "MainPID" => self.child.as_ref().map_or(0, Child::id).to_string(),
                "NRestarts" => self.restarts.to_string(),
                _ => continue,
            };
            let written = writeln!(lines, "{name}={value}");
            debug_assert!(written.is_ok(), "writing to a string cannot fail");
        }
        lines
    }
}

/// Writes the files of a unit, whole: the fragment, and drop-ins by their names.
///
/// # Panics
///
/// If one of them cannot be written.
pub fn write_unit(unit: &str, fragment: &str, drop_ins: &[(&str, &str)]) {
    write(&format!("{UNITS}/{unit}"), fragment);
    let folder = format!("{UNITS}/{unit}.d");
    drop(fs::remove_dir_all(&folder));
    for (name, text) in drop_ins {
        fs::create_dir_all(&folder).unwrap_or_else(|error| panic!("{folder}: {error}"));
        write(&format!("{folder}/{name}"), text);
    }
}

fn write(path: &str, text: &str) {
    fs::write(path, text).unwrap_or_else(|error| panic!("{path}: {error}"));
}
