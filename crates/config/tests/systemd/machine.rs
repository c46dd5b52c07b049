//! What a machine with a real systemd makes of units.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use kubeassay_testkit::machine::Boot;
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

/// Where the probe writes.
const OUT: &str = "/probe-out";

/// Boots a machine with these files, starts the units, and returns what became of each; nothing where that is not
/// possible here, and says so.
pub(crate) fn boot(files: &[(&str, &str)], units: &[&str]) -> Option<BTreeMap<String, Seen>> {
    let folder = tempfile::tempdir().unwrap();
    let Some(probe) = probe(folder.path()) else {
        eprintln!("skipped: needs a C compiler");
        return None;
    };
    // `/run` is made anew when the machine boots.
    let (late, early): (Vec<_>, Vec<_>) = files
        .iter()
        .partition(|(path, _)| path.starts_with("/run/"));
    let mut boot = Boot::new().files(&early).file(&format!("{OUT}/README"), "");
    for unit in units {
        for folder in ["/opt/probe", "/usr/local/bin"] {
            boot = boot.program(&format!("{folder}/{}", name(unit)), &probe);
        }
    }
    let machine = boot.boot()?;
    for (path, content) in late {
        machine.write(path, content);
    }
    machine.must(&["systemctl", "daemon-reload"]);
    let mut shown = BTreeMap::new();
    for unit in units {
        let show = [
            "systemctl",
            "show",
            "-p",
            "LoadState,FragmentPath,DropInPaths",
            unit,
        ];
        shown.insert(*unit, machine.must(&show));
        // What is not to start does not.
        machine.run(&["timeout", "5", "systemctl", "start", unit]);
    }
    // The last of them may not be done yet.
    std::thread::sleep(Duration::from_secs(1));
    let seen = shown.iter().map(|(unit, shown)| {
        let read = |what: &str| machine.read(&format!("{OUT}/{}.{what}", name(unit)));
        ((*unit).to_owned(), seen(shown, read))
    });
    Some(seen.collect())
}

/// Returns the program of a unit.
fn name(unit: &str) -> &str {
    unit.strip_suffix(".service").unwrap()
}

/// Compiles the probe; nothing where nobody can.
fn probe(folder: &Path) -> Option<PathBuf> {
    let (source, program) = (folder.join("probe.c"), folder.join("probe"));
    fs::write(&source, PROBE).unwrap();
    let mut cc = Command::new("cc");
    cc.arg("-O1").arg("-o").arg(&program).arg(&source);
    let compiled = cc.status().ok()?;
    assert!(compiled.success(), "cc");
    Some(program)
}

/// Returns a path as it is where `/lib` is a link to `/usr/lib`.
fn merged(path: &str) -> String {
    if path.starts_with("/lib/") {
        format!("/usr{path}")
    } else {
        path.to_owned()
    }
}

fn seen(shown: &str, read: impl Fn(&str) -> Option<Vec<u8>>) -> Seen {
    let mut seen = Seen::default();
    for line in shown.lines() {
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
        let content = read(what)?;
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
