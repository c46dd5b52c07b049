//! A machine with a real systemd: an overlay of this machine's own root, booted by systemd-nspawn for some seconds.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::{Deserialize, Serialize};

/// What systemd made of a unit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seen {
    pub(crate) load_state: String,
    pub(crate) fragment: Option<String>,
    pub(crate) drop_ins: Vec<String>,
    /// The program's arguments; null where it was not started.
    pub(crate) arguments: Option<Vec<String>>,
    pub(crate) executable: Option<String>,
    pub(crate) cwd: Option<String>,
    /// Its environment, without what systemd adds.
    pub(crate) environment: BTreeMap<String, String>,
}

/// Writes down how it was started, in a folder called like itself.
const PROBE: &str = r#"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
extern char **environ;
static void list(const char *to, const char *what, char **items) {
    char path[8192], done[8192];
    snprintf(path, sizeof path, "%s.%s.part", to, what);
    snprintf(done, sizeof done, "%s.%s", to, what);
    FILE *f = fopen(path, "w");
    if (!f) exit(3);
    for (; *items; items++) fwrite(*items, 1, strlen(*items) + 1, f);
    fclose(f);
    rename(path, done);
}
int main(int argc, char **argv) {
    char exe[4096] = {0}, cwd[4096] = {0}, to[4200];
    if (readlink("/proc/self/exe", exe, sizeof exe - 1) < 0 || !getcwd(cwd, sizeof cwd)) return 2;
    snprintf(to, sizeof to, "/probe-out/%s", strrchr(exe, '/') + 1);
    char *where[] = {exe, cwd, NULL};
    list(to, "where", where);
    list(to, "env", environ);
    list(to, "args", argv);
    return argc < 0;
}
"#;

/// Variables that systemd itself sets.
const OWN: [&str; 7] = [
    "PATH",
    "LANG",
    "INVOCATION_ID",
    "SYSTEMD_EXEC_PID",
    "JOURNAL_STREAM",
    "NOTIFY_SOCKET",
    "container",
];

/// The folder of one machine; taken down when it is dropped.
struct Overlay(PathBuf);

impl Overlay {
    fn new() -> Option<Self> {
        let folder = std::env::temp_dir().join(format!("kubeassay-systemd-{}", std::process::id()));
        for name in ["up", "work", "root", "out"] {
            fs::create_dir_all(folder.join(name)).unwrap();
        }
        let overlay = Self(folder);
        let at = |name: &str| overlay.0.join(name).display().to_string();
        let options = format!("lowerdir=/,upperdir={},workdir={}", at("up"), at("work"));
        let mounted = run(Command::new("mount").args([
            "-t",
            "overlay",
            "overlay",
            "-o",
            &options,
            &at("root"),
        ]));
        mounted.then_some(overlay)
    }

    fn root(&self) -> PathBuf {
        self.0.join("root")
    }
}

impl Drop for Overlay {
    fn drop(&mut self) {
        run(Command::new("umount").arg("-l").arg(self.root()));
        drop(fs::remove_dir_all(&self.0));
    }
}

fn run(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}

/// Boots a machine with these files, starts the units, and returns what became of each; nothing where that is not
/// possible here, and says so.
pub(crate) fn boot(files: &[(&str, &str)], units: &[&str]) -> Option<BTreeMap<String, Seen>> {
    let is_root = fs::metadata("/proc/self")
        .is_ok_and(|facts| std::os::unix::fs::MetadataExt::uid(&facts) == 0);
    if !is_root
        || !["systemd-nspawn", "cc"]
            .iter()
            .all(|program| run(Command::new(program).arg("--version")))
    {
        eprintln!(
            "skipped: needs root, a C compiler and systemd-nspawn (package systemd-container)"
        );
        return None;
    }
    let Some(overlay) = Overlay::new() else {
        eprintln!("skipped: no overlay can be mounted here");
        return None;
    };
    prepare(&overlay, files, units);
    let bind = format!("--bind={}:/probe-out", overlay.0.join("out").display());
    let mut nspawn = Command::new("timeout");
    nspawn.args([
        "-k",
        "5",
        "90",
        "systemd-nspawn",
        "--register=no",
        "--keep-unit",
        "--quiet",
        "--private-network",
    ]);
    nspawn
        .args(["-b", "-D"])
        .arg(overlay.root())
        .arg(&bind)
        .arg("systemd.unit=kubeassay-probe.service");
    let output = nspawn.output().expect("timeout(1)");
    let out = overlay.0.join("out");
    if !out.join("done").exists() {
        let said = String::from_utf8_lossy(&output.stdout);
        // What a sandbox forbids is no fault of the units.
        assert!(
            !said.contains("Welcome to"),
            "systemd did not come to its end: {said}"
        );
        eprintln!(
            "skipped: systemd-nspawn does not boot here: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        return None;
    }
    Some(
        units
            .iter()
            .map(|unit| ((*unit).to_owned(), seen(&out, unit)))
            .collect(),
    )
}

fn prepare(overlay: &Overlay, files: &[(&str, &str)], units: &[&str]) {
    let root = overlay.root();
    let below = |path: &str| root.join(path.trim_start_matches('/'));
    // `/run` is made anew when the machine boots.
    let mut late = "";
    for (path, content) in files {
        let kept = path
            .strip_prefix("/run/")
            .map(|rest| format!("/opt/run/{rest}"));
        let to = below(kept.as_deref().unwrap_or(path));
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        match content.strip_prefix("-> ") {
            Some(target) => symlink(target, &to).unwrap(),
            None => fs::write(&to, content).unwrap(),
        }
        if kept.is_some() {
            late = "cp -a /opt/run/. /run/\n";
        }
    }
    let source = overlay.0.join("probe.c");
    let program = overlay.0.join("probe");
    fs::write(&source, PROBE).unwrap();
    assert!(
        run(Command::new("cc")
            .arg("-O1")
            .arg("-o")
            .arg(&program)
            .arg(&source)),
        "cc"
    );
    let mut script = format!("#!/bin/sh\n{late}systemctl daemon-reload\n");
    for unit in units {
        let name = unit.strip_suffix(".service").unwrap();
        for folder in ["/opt/probe", "/usr/local/bin"] {
            fs::create_dir_all(below(folder)).unwrap();
            let to = below(folder).join(name);
            fs::copy(&program, &to).unwrap();
            fs::set_permissions(&to, fs::Permissions::from_mode(0o755)).unwrap();
        }
        write!(
            script,
            "systemctl show -p LoadState -p FragmentPath -p DropInPaths '{unit}' >'/probe-out/{name}.show'\ntimeout 5 systemctl start '{unit}' >/dev/null 2>&1\n"
        )
        .unwrap();
    }
    script += "sleep 1\ntouch /probe-out/done\nsystemctl --force --force poweroff\n";
    let to = below("/opt/kubeassay-probe");
    fs::write(&to, script).unwrap();
    fs::set_permissions(&to, fs::Permissions::from_mode(0o755)).unwrap();
    let unit =
        "[Unit]\nDefaultDependencies=no\n[Service]\nType=oneshot\nExecStart=/opt/kubeassay-probe\n";
    fs::write(below("/etc/systemd/system/kubeassay-probe.service"), unit).unwrap();
}

/// Returns a path as it is where `/lib` is a link to `/usr/lib`.
fn merged(path: &str) -> String {
    if path.starts_with("/lib/") {
        format!("/usr{path}")
    } else {
        path.to_owned()
    }
}

fn seen(out: &Path, unit: &str) -> Seen {
    let name = unit.strip_suffix(".service").unwrap();
    let mut seen = Seen::default();
    for line in fs::read_to_string(out.join(format!("{name}.show")))
        .unwrap()
        .lines()
    {
        match line.split_once('=') {
            Some(("LoadState", value)) => value.clone_into(&mut seen.load_state),
            Some(("FragmentPath", value)) if !value.is_empty() => {
                seen.fragment = Some(merged(value));
            }
            Some(("DropInPaths", value)) => {
                seen.drop_ins = value.split_whitespace().map(merged).collect();
            }
            _ => {}
        }
    }
    let list = |what: &str| {
        let content = fs::read(out.join(format!("{name}.{what}"))).ok()?;
        let items = content.split_inclusive(|byte| *byte == 0);
        Some(
            items
                .map(|item| {
                    String::from_utf8_lossy(item.strip_suffix(b"\0").unwrap_or(item)).into_owned()
                })
                .collect::<Vec<_>>(),
        )
    };
    seen.arguments = list("args");
    if let Some([executable, cwd]) = list("where").as_deref() {
        seen.executable = Some(executable.clone());
        seen.cwd = Some(cwd.clone());
    }
    for variable in list("env").unwrap_or_default() {
        if let Some((name, value)) = variable.split_once('=')
            && !OWN.contains(&name)
        {
            seen.environment.insert(name.to_owned(), value.to_owned());
        }
    }
    seen
}
