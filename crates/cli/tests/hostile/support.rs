//! The stage on which a host is hostile: a shell script in namespaces of its own, and what a scan made of it.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use serde_json::Value as Json;

/// The most time of a processor that a scan may take, in milliseconds. Generous: tests are not optimised.
const MOST_WORK: u64 = 45_000;
/// The most memory that a scan may need at its peak, in KiB.
const MOST_MEMORY: u64 = 160 << 10;
/// After this the script and everything that it started is killed. On a busy machine a scan may wait for a processor
/// many times as long as it has one; a scan by itself is killed before (`$LIMIT` of the stage).
const PATIENCE: Duration = Duration::from_mins(10);

const PRELUDE: &str = include_str!("stage/prelude.sh");
const PROGRAMS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/hostile/stage");

/// How a scan went.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Its exit code; -1 if it had to be killed, 128 and more for a signal.
    pub(crate) code: i32,
    /// How long it took.
    pub(crate) milliseconds: u64,
    /// For how many milliseconds it had a processor, which a busy machine changes little; 0 if it was killed.
    pub(crate) worked: u64,
    /// Its peak memory.
    pub(crate) peak_kib: u64,
    /// How often the file that was watched was opened.
    pub(crate) opens: u64,
    /// What it wrote to stdout.
    pub(crate) output: Vec<u8>,
    /// What it wrote to stderr.
    pub(crate) errors: String,
    /// What the script itself said.
    pub(crate) said: String,
}

impl Outcome {
    /// Returns the report; a scan without one fails the test.
    pub(crate) fn report(&self) -> Json {
        serde_json::from_slice(&self.output)
            .unwrap_or_else(|error| panic!("no report ({error}): {self:#?}"))
    }

    /// Returns the verdicts, each with its horizon and cause.
    pub(crate) fn verdicts(&self) -> Vec<String> {
        let report = self.report();
        let findings = report["findings"].as_array().unwrap();
        let word = |finding: &Json, key: &str| finding[key].as_str().unwrap_or("").to_owned();
        findings
            .iter()
            .map(|finding| {
                let words = ["horizon", "verdict", "cause"].map(|key| word(finding, key));
                words.join(" ").trim_end().to_owned()
            })
            .collect()
    }

    /// Returns everything that the report says of what could not be read, as one text.
    pub(crate) fn problems(&self) -> String {
        let report = self.report();
        let problems = report["problems"].as_array().unwrap();
        let reasons = problems
            .iter()
            .map(|problem| format!("{}: {}", problem["cause"], problem["reason"]));
        reasons.collect::<Vec<_>>().join("\n")
    }

    /// Fails the test unless the scan ended by itself, with bounded work and memory, and with an exit code
    /// of a report.
    pub(crate) fn held(self, case: &str) -> Self {
        assert!((0..=2).contains(&self.code), "{case}: {self:#?}");
        assert!(self.worked < MOST_WORK, "{case}: {self:#?}");
        assert!(self.peak_kib < MOST_MEMORY, "{case}: {self:#?}");
        assert_eq!(self.code, self.report()["gate"]["exit_code"], "{case}");
        self
    }
}

/// Acts out `script` and returns how its scan went; nothing where that is not allowed, said once.
pub(crate) fn act(script: &str) -> Option<Outcome> {
    let stage = stage()?;
    let folder = tempfile::tempdir().unwrap();
    // Other users than root work in it as well.
    let everybody = std::os::unix::fs::PermissionsExt::from_mode(0o777);
    fs::set_permissions(folder.path(), everybody).unwrap();
    let said = fs::File::create(folder.path().join("said")).unwrap();
    let mut command = in_namespaces();
    command
        .args(["sh", "-c", &format!("{PRELUDE}\n{script}")])
        .current_dir(folder.path())
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .env("STAGE", stage)
        .env("KUBEASSAY", under_test())
        .stdin(Stdio::null())
        .stdout(said.try_clone().unwrap())
        .stderr(said);
    let mut running = command.spawn().unwrap();
    let started = Instant::now();
    let ended = loop {
        if let Some(status) = running.try_wait().unwrap() {
            break Some(status);
        }
        if started.elapsed() > PATIENCE {
            // What is in the namespaces ends with it.
            running.kill().unwrap();
            break None;
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    let text = |name: &str| {
        let bytes = fs::read(folder.path().join(name)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let said = text("said");
    assert!(
        ended.is_some_and(|status| status.success()),
        "{ended:?}: {said}\n{script}"
    );
    let measured = text("measured");
    let numbers: Vec<i64> = measured
        .split_whitespace()
        .map(|word| word.parse().unwrap())
        .collect();
    let [code, milliseconds, worked, peak_kib, opens] = numbers[..] else {
        panic!("the script did not scan: {said}");
    };
    Some(Outcome {
        code: i32::try_from(code).unwrap(),
        milliseconds: u64::try_from(milliseconds).unwrap(),
        worked: u64::try_from(worked).unwrap(),
        peak_kib: u64::try_from(peak_kib).unwrap(),
        opens: u64::try_from(opens).unwrap(),
        output: fs::read(folder.path().join("report")).unwrap_or_default(),
        errors: text("errors"),
        said,
    })
}

/// The program under test: the one built with the tests, or `$KUBEASSAY`, such as one from a release.
fn under_test() -> OsString {
    std::env::var_os("KUBEASSAY").unwrap_or_else(|| env!("CARGO_BIN_EXE_kubeassay").into())
}

/// The command that runs another as the first process of namespaces that end with it.
fn in_namespaces() -> Command {
    let mut command = Command::new("unshare");
    command.args(["--mount", "--pid", "--ipc", "--fork", "--kill-child"]);
    command
}

/// Returns the program of the stage; nothing, and says so, where there can be no stage.
fn stage() -> Option<&'static Path> {
    static STAGE: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    match STAGE.get_or_init(build) {
        Ok(stage) => Some(stage),
        Err(reason) => {
            let must = std::env::var_os("CI").is_some_and(|value| value == "true") && is_root();
            assert!(!must, "CI as root skips nothing: {reason}");
            eprintln!("skipped: {reason}");
            None
        }
    }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Compiles the program of the stage with the C compiler that cargo itself links with.
fn build() -> Result<PathBuf, String> {
    if !is_root() {
        return Err("devices, mounts and namespaces take root".to_owned());
    }
    let allowed = in_namespaces().arg("true").output();
    let allowed = allowed.map_err(|error| format!("no unshare(1) of util-linux: {error}"))?;
    if !allowed.status.success() {
        return Err(String::from_utf8_lossy(&allowed.stderr).trim().to_owned());
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let draft = tempfile::Builder::new()
        .tempfile_in(folder)
        .unwrap()
        .into_temp_path();
    let sources = ["main", "tenant", "files", "server", "runner"];
    let compiled = Command::new("cc")
        .args(["-Wall", "-Wextra", "-Werror", "-O1", "-pthread", "-o"])
        .arg(&draft)
        .args(sources.map(|source| format!("{PROGRAMS}/{source}.c")))
        .output()
        .map_err(|error| format!("no C compiler: {error}"))?;
    assert!(
        compiled.status.success(),
        "{}",
        String::from_utf8_lossy(&compiled.stderr)
    );
    let program = folder.join("stage");
    draft.persist(&program).unwrap();
    Ok(program)
}

/// A case of a table: what it is called, its script, the verdicts of 4.2.2 and the exit code.
pub(crate) type Case<'a> = (&'a str, &'a str, &'a [&'a str], i32);

/// Acts out a table of cases; all of them are tried before the test fails.
pub(crate) fn act_all(cases: &[Case<'_>], also: impl Fn(&str, &Outcome)) {
    let wrong: Vec<&str> = cases
        .iter()
        .filter_map(|&(name, script, verdicts, code)| {
            let case = || {
                let Some(outcome) = act(script) else { return };
                let outcome = outcome.held(name);
                println!(
                    "{name}: {:?}, exit code {}, {} ms of work in {} ms, {} KiB",
                    outcome.verdicts(),
                    outcome.code,
                    outcome.worked,
                    outcome.milliseconds,
                    outcome.peak_kib
                );
                assert_eq!(
                    outcome.verdicts(),
                    verdicts,
                    "{name}\n{}",
                    outcome.problems()
                );
                assert_eq!(outcome.code, code, "{name}");
                also(name, &outcome);
            };
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(case))
                .err()
                .map(|_| name)
        })
        .collect();
    assert!(wrong.is_empty(), "these cases failed: {wrong:#?}");
}
