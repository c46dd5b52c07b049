//! A machine with a real systemd and a real D-Bus: an overlay of this machine's own root, booted by systemd-nspawn in a
//! second or two, without a network, and gone when it is dropped.
//!
//! A test is a process of this machine that looks into the other one: [`Machine::run`] runs a command in it (nsenter),
//! [`Machine::write`] and [`Machine::read`] reach its files, and its sockets lie below [`Machine::root`].
//!
//! ```no_run
//! use kubeassay_testkit::machine::Boot;
//!
//! # let kubeassay = std::path::Path::new("kubeassay");
//! let unit = "[Service]\nExecStart=/usr/bin/kubelet --config=/etc/kubelet.yaml\n";
//! let config = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n\
//!     authorization: {mode: AlwaysAllow}\n";
//! let boot = Boot::new()
//!     .file("/etc/systemd/system/kubelet.service", unit)
//!     .file("/etc/kubelet.yaml", config)
//!     .kubelet()
//!     .program("/usr/local/bin/kubeassay", kubeassay);
//! // It has said why, where it cannot boot.
//! let Some(machine) = boot.boot() else { return };
//! assert!(machine.run(&["systemctl", "start", "kubelet"]).status.success());
//! let fixed = machine.run(&["kubeassay", "fix", "4.2.2", "--kubernetes-version", "1.34", "--apply"]);
//! assert_eq!(fixed.status.code(), Some(0), "{}", machine.told(&fixed));
//! ```
//!
//! [`Boot::kubelet`] installs the running test itself as a [stand-in kubelet](crate::kubelet::service), so its `main`
//! has to begin with [`become_one_if_called`](crate::kubelet::service::become_one_if_called): `harness = false`.

#![expect(clippy::print_stderr, reason = "says why a test is skipped")]

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// How long it may take to boot, on a machine that does something else as well.
const BOOT: Duration = Duration::from_mins(1);
/// How long a machine may be there, whoever forgets it.
const LIFE: &str = "900";
/// How long a command may take.
const COMMAND: Duration = Duration::from_mins(2);
/// How often is looked whether something happened.
const PAUSE: Duration = Duration::from_millis(20);
/// How long it may take to go.
const END: Duration = Duration::from_secs(10);

/// What is started first: what every service needs, and the bus. Nothing else of this machine is.
const TARGET: &str = "\
    [Unit]\nDescription=What a test needs\nDefaultDependencies=no\nRequires=sysinit.target\n\
    Wants=dbus.socket dbus.service\nAfter=sysinit.target dbus.socket dbus.service\n";

/// The programs that it takes.
const NEEDED: [&str; 6] = [
    "mount",
    "umount",
    "nsenter",
    "timeout",
    "kill",
    "systemd-nspawn",
];

/// A machine that is to be booted.
#[derive(Default)]
pub struct Boot {
    files: Vec<(String, String)>,
    programs: Vec<(String, PathBuf)>,
}

impl Boot {
    /// Returns a machine as this one is, of which nothing is started.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a file; of content that begins with `-> ` a symbolic link is made. `/run` is made anew at boot: write there
    /// [afterwards](Machine::write).
    #[must_use]
    pub fn file(mut self, path: &str, content: &str) -> Self {
        self.files.push((path.to_owned(), content.to_owned()));
        self
    }

    /// Adds files.
    #[must_use]
    pub fn files(self, files: &[(&str, &str)]) -> Self {
        let add = |boot: Self, (path, content): &(&str, &str)| boot.file(path, content);
        files.iter().fold(self, add)
    }

    /// Adds a copy of a program of this machine.
    #[must_use]
    pub fn program(mut self, path: &str, program: &Path) -> Self {
        self.programs.push((path.to_owned(), program.to_owned()));
        self
    }

    /// Adds the running test as `/usr/bin/kubelet`.
    ///
    /// # Panics
    ///
    /// If nobody knows which program runs.
    #[must_use]
    pub fn kubelet(self) -> Self {
        let own = std::env::current_exe().unwrap_or_else(|error| panic!("who am I: {error}"));
        self.program("/usr/bin/kubelet", &own)
    }

    /// Boots it; nothing where that is not possible here, and says so.
    ///
    /// # Panics
    ///
    /// If it begins to boot and does not come to its end, and if a file cannot be written.
    pub fn boot(self) -> Option<Machine> {
        let is_root = fs::metadata("/proc/self").is_ok_and(|facts| facts.uid() == 0);
        let has = |program: &&str| run(Command::new(program).arg("--version"));
        // procps' `kill` says its version, the shells' own do not.
        if !is_root || !NEEDED.iter().all(has) {
            eprintln!("skipped: needs root and systemd-nspawn (package systemd-container)");
            return None;
        }
        let Some(overlay) = Overlay::new() else {
            eprintln!("skipped: no overlay can be mounted here");
            return None;
        };
        self.prepare(&overlay);
        let console = overlay.folder.path().join("console");
        let nspawn = nspawn(&overlay, &console);
        let mut machine = Machine {
            nspawn,
            leader: None,
            console,
            _overlay: overlay,
        };
        machine.wait_until_it_is_up().then_some(machine)
    }

    fn prepare(&self, overlay: &Overlay) {
        let root = overlay.root();
        put(&root, "/etc/systemd/system/kubeassay-test.target", TARGET);
        put(&root, "/etc/hostname", "node-1\n");
        for (path, content) in &self.files {
            put(&root, path, content);
        }
        for (path, program) in &self.programs {
            let to = below(&root, path);
            if let Some(folder) = to.parent() {
                fs::create_dir_all(folder).unwrap_or_else(|error| panic!("{path}: {error}"));
            }
            fs::copy(program, &to).unwrap_or_else(|error| panic!("{path}: {error}"));
            let mode = fs::Permissions::from_mode(0o755);
            fs::set_permissions(&to, mode).unwrap_or_else(|error| panic!("{path}: {error}"));
        }
    }
}

/// The file systems of a machine: unmounted when it is dropped.
struct Overlay {
    folder: TempDir,
}

impl Overlay {
    fn new() -> Option<Self> {
        let folder = TempDir::with_prefix("kubeassay-machine-").ok()?;
        for name in ["up", "work", "root"] {
            fs::create_dir(folder.path().join(name)).ok()?;
        }
        let at = |name: &str| folder.path().join(name).display().to_string();
        let options = format!("lowerdir=/,upperdir={},workdir={}", at("up"), at("work"));
        let mount = ["-t", "overlay", "overlay", "-o", &options, &at("root")];
        let mounted = run(Command::new("mount").args(mount));
        mounted.then_some(Self { folder })
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("root")
    }
}

impl Drop for Overlay {
    fn drop(&mut self) {
        run(Command::new("umount").arg("-l").arg(self.root()));
    }
}

fn nspawn(overlay: &Overlay, console: &Path) -> Child {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let machine = format!("--machine=kubeassay-{}-{count}", std::process::id());
    let output = fs::File::create(console).and_then(|file| Ok((file.try_clone()?, file)));
    let (stdout, stderr) = output.unwrap_or_else(|error| panic!("console: {error}"));
    let mut command = Command::new("timeout");
    command
        .args([
            "-k",
            "5",
            LIFE,
            "systemd-nspawn",
            "--quiet",
            "--register=no",
        ])
        .args(["--keep-unit", "--private-network", &machine, "-b", "-D"])
        .arg(overlay.root())
        .arg("systemd.unit=kubeassay-test.target")
        .stdin(Stdio::null())
        .stdout(stdout)
        .stderr(stderr);
    command
        .spawn()
        .unwrap_or_else(|error| panic!("timeout: {error}"))
}

/// A machine that runs.
pub struct Machine {
    nspawn: Child,
    /// Its first process, as this machine counts.
    leader: Option<u32>,
    console: PathBuf,
    _overlay: Overlay,
}

impl Machine {
    /// Returns whether it came up; says so where it cannot.
    fn wait_until_it_is_up(&mut self) -> bool {
        let began = Instant::now();
        loop {
            let ended = self.nspawn.try_wait().is_ok_and(|ended| ended.is_some());
            let said = fs::read_to_string(&self.console).unwrap_or_default();
            // What a sandbox forbids is no fault of the units.
            if ended && !said.contains("Welcome to") {
                eprintln!("skipped: systemd-nspawn does not boot here: {said}");
                return false;
            }
            assert!(
                !ended && began.elapsed() < BOOT,
                "the machine does not boot: {said}"
            );
            self.leader = self.leader.or_else(|| leader(self.nspawn.id()));
            if self.leader.is_some() {
                let target = ["systemctl", "is-active", "--quiet", "kubeassay-test.target"];
                if self.run(&target).status.success() {
                    return true;
                }
            }
            std::thread::sleep(PAUSE);
        }
    }

    fn leader(&self) -> String {
        self.leader
            .unwrap_or_else(|| panic!("it has no first process"))
            .to_string()
    }

    /// Returns its root as a folder of this machine, which sockets can be reached through as well. Absolute links in it
    /// lead to this machine's files.
    pub fn root(&self) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root", self.leader()))
    }

    /// Returns whether there is a bus in it.
    pub fn has_bus(&self) -> bool {
        let bus = ["systemctl", "is-active", "--quiet", "dbus.service"];
        self.run(&bus).status.success()
    }

    /// Runs a command in it, as its root.
    ///
    /// # Panics
    ///
    /// If it does not end within two minutes.
    pub fn run(&self, command: &[&str]) -> Output {
        let output = self.command(COMMAND, command).output();
        let output = output.unwrap_or_else(|error| panic!("timeout: {error}"));
        let in_time = output.status.code() != Some(124);
        assert!(in_time, "{command:?} hangs: {}", self.told(&output));
        output
    }

    /// Runs a command in it that has to succeed, and returns what it prints.
    ///
    /// # Panics
    ///
    /// If it fails.
    pub fn must(&self, command: &[&str]) -> String {
        let output = self.run(command);
        assert!(
            output.status.success(),
            "{command:?}: {}",
            self.told(&output)
        );
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Returns a command that runs in it as its root, for at most `limit`, to be started by whoever wants to look at it
    /// meanwhile or end it.
    pub fn command(&self, limit: Duration, command: &[&str]) -> Command {
        let limit = limit.as_secs_f64().to_string();
        let mut entering = Command::new("timeout");
        entering
            .args(["-k", "2", &limit, "nsenter", "-t", &self.leader()])
            .args(["-m", "-u", "-i", "-n", "-p", "-C", "--"])
            .args(command)
            .env_clear()
            .env(
                "PATH",
                "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            )
            .env("LC_ALL", "C.UTF-8")
            .env("HOME", "/root")
            .stdin(Stdio::null());
        entering
    }

    /// Writes a file; of content that begins with `-> ` a symbolic link is made.
    ///
    /// # Panics
    ///
    /// If it cannot be written.
    pub fn write(&self, path: &str, content: &str) {
        put(&self.root(), path, content);
    }

    /// Removes a file, if it is there.
    ///
    /// # Panics
    ///
    /// If it cannot be removed.
    pub fn remove(&self, path: &str) {
        match fs::remove_file(below(&self.root(), path)) {
            Err(error) if error.kind() != ErrorKind::NotFound => panic!("{path}: {error}"),
            _ => {}
        }
    }

    /// Returns the content of a file; nothing where there is none.
    ///
    /// # Panics
    ///
    /// If it cannot be read.
    pub fn read(&self, path: &str) -> Option<Vec<u8>> {
        match fs::read(below(&self.root(), path)) {
            Ok(content) => Some(content),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => panic!("{path}: {error}"),
        }
    }

    /// Returns what a command said, for the message of an assertion, with the last of the journal.
    pub fn told(&self, output: &Output) -> String {
        let journal = [
            "journalctl",
            "--no-pager",
            "-o",
            "short-monotonic",
            "-n",
            "40",
        ];
        let journal = self.command(Duration::from_secs(10), &journal).output();
        let journal = journal.map(|output| output.stdout).unwrap_or_default();
        let text = String::from_utf8_lossy;
        format!(
            "{}\n--- stdout\n{}--- stderr\n{}--- journal\n{}",
            output.status,
            text(&output.stdout),
            text(&output.stderr),
            text(&journal)
        )
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // Everything in it goes with its first process, and systemd-nspawn then.
        if let Some(leader) = self.leader {
            run(Command::new("kill").args(["-KILL", &leader.to_string()]));
        } else {
            run(Command::new("kill").arg(self.nspawn.id().to_string()));
        }
        let began = Instant::now();
        while matches!(self.nspawn.try_wait(), Ok(None)) {
            if began.elapsed() > END {
                self.nspawn.kill().ok();
            }
            std::thread::sleep(PAUSE);
        }
    }
}

/// Returns the first process of the machine that `timeout` started systemd-nspawn for, once it is systemd.
fn leader(timeout: u32) -> Option<u32> {
    children(timeout)
        .into_iter()
        .flat_map(children)
        .find(|child| {
            let executable = fs::read_link(format!("/proc/{child}/exe"));
            executable.is_ok_and(|path| path.file_name().is_some_and(|name| name == "systemd"))
        })
}

fn children(parent: u32) -> Vec<u32> {
    let listed = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children"));
    let listed = listed.unwrap_or_default();
    let ids = listed.split_whitespace();
    ids.filter_map(|id| id.parse().ok()).collect()
}

fn run(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}

fn below(root: &Path, path: &str) -> PathBuf {
    root.join(path.trim_start_matches('/'))
}

fn put(root: &Path, path: &str, content: &str) {
    let to = below(root, path);
    let written = match to.parent() {
        Some(folder) => fs::create_dir_all(folder),
        None => Ok(()),
    };
    let written = written.and_then(|()| match content.strip_prefix("-> ") {
        Some(target) => symlink(target, &to),
        None => fs::write(&to, content),
    });
    written.unwrap_or_else(|error| panic!("{path}: {error}"));
}
