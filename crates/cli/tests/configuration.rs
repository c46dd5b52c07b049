//! The configuration and the program's other names, as users meet them.

#![expect(
    clippy::disallowed_methods,
    reason = "tests start programs and write the files they read"
)]
#![expect(clippy::unwrap_used, reason = "what cannot be done fails the test")]

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value as Json;

struct Desk(tempfile::TempDir);

impl Desk {
    fn new(configuration: &str) -> Self {
        let desk = Self(tempfile::tempdir().unwrap());
        desk.write("kubeassay.yaml", configuration);
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o644)).unwrap();
    }

    fn run_with(&self, variables: &[(&str, &str)], line: &str) -> (i32, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kubeassay"));
        command
            .args(line.split(' '))
            .envs(variables.iter().copied())
            .current_dir(self.0.path());
        output(command)
    }

    fn run(&self, line: &str) -> (i32, String, String) {
        self.run_with(&[], line)
    }
}

fn output(mut command: Command) -> (i32, String, String) {
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (
        output.status.code().unwrap(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

const OURS: &str = "gate:\n  fail-on: never\noutputs: [json=report.json]\nchoices:\n  kubelet-pod-pids-limit: {maximum: 4096}\n";

#[test]
fn a_flag_wins_over_a_variable_over_the_file_over_the_default() {
    let desk = Desk::new(OURS);
    let gate = |variables: &[(&str, &str)], line: &str| {
        let (_, _, stderr) = desk.run_with(variables, line);
        let report = fs::read(desk.path("report.json")).expect(&stderr);
        let report: Json = serde_json::from_slice(&report).unwrap();
        report
            .pointer("/gate/fail_on")
            .unwrap()
            .as_str()
            .unwrap()
            .to_owned()
    };
    let variable = [("KUBEASSAY_FAIL_ON", "manual")];
    assert_eq!(gate(&[], "scan 4.2.2 --demo"), "never");
    assert_eq!(gate(&variable, "scan 4.2.2 --demo"), "manual");
    assert_eq!(
        gate(&variable, "scan 4.2.2 --demo --fail-on fail:high"),
        "fail:high"
    );
    // An empty variable is none, and what follows `--` is no flag.
    assert_eq!(
        gate(&[("KUBEASSAY_FAIL_ON", "")], "scan --demo -- 4.2.2"),
        "never"
    );
    let (code, stdout, stderr) = desk.run_with(&variable, "config show --fail-on fail:high");
    assert_eq!((code, stderr.as_str()), (0, ""));
    let words: Vec<Vec<&str>> = stdout
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    for expected in [
        &["gate.fail-on", "fail:high", "--fail-on"][..],
        &["overrode", "manual", "$KUBEASSAY_FAIL_ON"],
        &["overrode", "never", "kubeassay.yaml:2"],
        &["overrode", "unknown", "default"],
        &["choices", "(in", "the", "file)", "kubeassay.yaml:4"],
        &["outputs", "json=report.json", "kubeassay.yaml:3"],
        &["waivers", "-", "default"],
    ] {
        assert!(
            words.iter().any(|line| line == expected),
            "{expected:?}\n{stdout}"
        );
    }
    let (_, stdout, _) = desk.run("config show -o json");
    let shown: Json = serde_json::from_str(&stdout).unwrap();
    let fail_on = shown
        .as_array()
        .unwrap()
        .iter()
        .find(|key| key.get("key").unwrap() == "gate.fail-on");
    assert_eq!(
        fail_on.unwrap(),
        &serde_json::json!({"key": "gate.fail-on", "value": ["never"], "origin": "kubeassay.yaml:2",
            "overrode": [{"value": ["unknown"], "origin": "default"}]})
    );
}

/// The example on the page is a configuration, and the page names every key with its variable.
#[test]
fn the_page_is_true() {
    let page = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
    let page = fs::read_to_string(page).unwrap();
    let example = page.split("```").nth(1).unwrap();
    let desk = Desk::new(example.strip_prefix("yaml\n").unwrap());
    let (code, stdout, stderr) = desk.run("config show -o json");
    assert_eq!((code, stderr.as_str()), (0, ""), "{stdout}");
    let shown: Json = serde_json::from_str(&stdout).unwrap();
    let shown = shown.as_array().unwrap();
    assert!(shown.len() > 15);
    for key in shown {
        let name = key.get("key").unwrap().as_str().unwrap();
        let row = format!("\n| `{name}` | `--");
        let row = page.split_once(&row).expect(name).1.lines().next().unwrap();
        let variable = row.split('`').rev().nth(1).unwrap();
        let words = name.replace(['.', '-'], "_").to_uppercase();
        let last = variable.strip_prefix("KUBEASSAY_").expect(variable);
        assert!(words.ends_with(last), "{name}: {variable}");
    }
}

/// A waiver and a baseline from the file do what the flags do, also where only one of two flags is typed.
#[test]
fn waivers_and_a_baseline_may_be_configured() {
    let desk = Desk::new("");
    desk.write("accepted.yaml", "waivers:\n  - rule: 4.2.2\n    observed: {kubelet.authorization.mode: AlwaysAllow}\n    reason: until the old agent is gone\n    owner: platform\n    created: 2026-11-01\n    expires: 2027-03-31\n");
    let scan = "scan 4.2.2 --demo --fail-on fail -o json=report.json";
    let (code, _, stderr) = desk.run("scan 4.2.2 --demo --fail-on fail -o json=base.json");
    assert_eq!(code, 1, "{stderr}");
    let scanned = |variables: &[(&str, &str)], line: &str| {
        let (code, _, stderr) = desk.run_with(variables, line);
        let report = fs::read(desk.path("report.json")).unwrap();
        let report: Json = serde_json::from_slice(&report).unwrap();
        let waived = report.pointer("/summary/waived").unwrap().as_u64().unwrap();
        let state = report.pointer("/findings/0/baseline_state").cloned();
        (code, waived, state.unwrap(), stderr)
    };
    let unchanged = Json::from("unchanged");
    let waivers = "waivers: accepted.yaml\n";
    let baseline = "baseline: base.json\ngate: {fail-on-new: true}\n";
    for (text, variables, line, (code, waived, state)) in [
        ("", &[][..], scan, (1, 0, Json::Null)),
        (waivers, &[], scan, (0, 1, Json::Null)),
        ("waivers: [accepted.yaml]\n", &[], scan, (0, 1, Json::Null)),
        (
            "",
            &[("KUBEASSAY_WAIVERS", "accepted.yaml")],
            scan,
            (0, 1, Json::Null),
        ),
        (baseline, &[], scan, (0, 0, unchanged.clone())),
        (
            baseline,
            &[("KUBEASSAY_FAIL_ON_NEW", "false")],
            scan,
            (1, 0, unchanged.clone()),
        ),
        (
            "baseline: base.json\n",
            &[],
            "scan 4.2.2 --demo --fail-on fail --fail-on-new -o json=report.json",
            (0, 0, unchanged.clone()),
        ),
        (
            baseline,
            &[],
            "render base.json -o json=report.json",
            (0, 0, unchanged.clone()),
        ),
    ] {
        desk.write("kubeassay.yaml", text);
        let found = scanned(variables, line);
        let told = format!("{text}{variables:?} {line}: {}", found.3);
        assert_eq!((found.0, found.1, found.2), (code, waived, state), "{told}");
    }
    // What a configured report overwrites is not what somebody renders.
    desk.write("kubeassay.yaml", "outputs: json=base.json\n");
    let before = fs::read(desk.path("base.json")).unwrap();
    let (_, table, _) = desk.run("render base.json");
    assert!(table.contains("4.2.2"), "{table}");
    assert!(fs::read(desk.path("base.json")).unwrap() == before);
    // A key of the configuration is none of a file of choices.
    desk.write("choices.yaml", "waivers: accepted.yaml\n");
    let (code, _, stderr) = desk.run("scan --demo --choices choices.yaml");
    assert_eq!(code, 64);
    assert!(stderr.contains("there is no key `waivers`"), "{stderr}");
    desk.write("kubeassay.yaml", waivers);
    let (_, _, stderr) = desk.run_with(&[("KUBEASSAY_FAIL_ON", "never")], scan);
    assert!(
        stderr.contains("configured: waivers (kubeassay.yaml:1)\n"),
        "{stderr}"
    );
    let (_, _, stderr) = desk.run_with(&[("KUBEASSAY_MAX_UNKNOWN", "3")], "-q scan --demo");
    assert_eq!(stderr, "");
    desk.write("kubeassay.yaml", "");
    let (code, _, stderr) = desk.run("scan --demo --fail-on-new");
    assert_eq!(code, 64);
    assert!(stderr.contains("--baseline"), "{stderr}");
}

#[test]
fn what_is_wrong_with_it_is_said_with_line_and_column() {
    for (text, line, says) in [
        ("gaet: {}\n", "scan --demo", "kubeassay.yaml:1:1"),
        ("gaet: {}\n", "config show", "did you mean `gate`?"),
        (
            "gate:\n  fail-on: sometimes\n",
            "scan --demo",
            "kubeassay.yaml:2:12",
        ),
        ("outputs: [xlsx]\n", "scan --demo", "the formats are"),
        (
            "choices:\n  nothing: {}\n",
            "scan --demo",
            "there is no rule `nothing`",
        ),
        ("cluster: {concurrency: 0}\n", "scan --demo", "1 to 1024"),
        (
            "",
            "scan --demo --config none.yaml",
            "cannot read none.yaml",
        ),
        ("", "scan --demo --config .", "not a regular file"),
    ] {
        let desk = Desk::new(text);
        let (code, stdout, stderr) = desk.run(line);
        assert_eq!((code, stdout.as_str()), (64, ""), "{text}{line}: {stderr}");
        assert!(stderr.contains(says), "{text}{line}: {stderr}");
        // What needs no configuration is not kept from working by it.
        assert_eq!(desk.run("version").0, 0);
    }
    let desk = Desk::new("");
    let (code, _, stderr) = desk.run_with(&[("KUBEASSAY_MAX_UNKNOWN", "some")], "scan --demo");
    assert_eq!(code, 64);
    assert!(stderr.contains("$KUBEASSAY_MAX_UNKNOWN"), "{stderr}");
}

#[test]
fn a_file_that_others_could_have_put_here_is_not_used_unless_it_is_named() {
    let desk = Desk::new(OURS);
    let never = |stdout: &str| stdout.contains("kubeassay.yaml:2");
    assert!(never(&desk.run("config show").1));
    fs::set_permissions(
        desk.path("kubeassay.yaml"),
        fs::Permissions::from_mode(0o666),
    )
    .unwrap();
    let (code, stdout, stderr) = desk.run("config show");
    assert_eq!(code, 0);
    assert!(
        !never(&stdout) && stderr.contains("others may write it (mode 0666)"),
        "{stderr}"
    );
    assert!(never(&desk.run("config show --config kubeassay.yaml").1));
    let variable = [("KUBEASSAY_CONFIG", "kubeassay.yaml")];
    assert!(never(&desk.run_with(&variable, "config show").1));

    // Whoever may write the folder could put another file in its place.
    desk.write("kubeassay.yaml", OURS);
    let folder = |mode: u32| {
        fs::set_permissions(desk.0.path(), fs::Permissions::from_mode(mode)).unwrap();
        desk.run("config show")
    };
    let (_, stdout, stderr) = folder(0o777);
    assert!(
        !never(&stdout) && stderr.contains("others may write its folder (mode 0777)"),
        "{stderr}"
    );
    assert!(never(&folder(0o1777).1));
    assert!(never(&folder(0o755).1));

    fs::rename(desk.path("kubeassay.yaml"), desk.path("other.yaml")).unwrap();
    symlink("other.yaml", desk.path("kubeassay.yaml")).unwrap();
    let (_, stdout, stderr) = desk.run("config show");
    assert!(
        !never(&stdout) && stderr.contains("is not used"),
        "{stderr}"
    );
    if rustix::process::geteuid().is_root() {
        fs::remove_file(desk.path("kubeassay.yaml")).unwrap();
        desk.write("kubeassay.yaml", OURS);
        std::os::unix::fs::chown(desk.path("kubeassay.yaml"), Some(1000), None).unwrap();
        let (_, stdout, stderr) = desk.run("config show");
        assert!(
            !never(&stdout) && stderr.contains("belongs to user 1000"),
            "{stderr}"
        );
    }
}

#[test]
fn kubectl_starts_it_by_its_other_names() {
    let desk = Desk::new("");
    let as_plugin = |name: &str, arguments: &[&str]| {
        let path = desk.path(name);
        if !path.exists() {
            symlink(env!("CARGO_BIN_EXE_kubeassay"), &path).unwrap();
        }
        let mut command = Command::new(path);
        command.args(arguments).current_dir(desk.0.path());
        output(command)
    };
    let (code, help, _) = as_plugin("kubectl-assay", &["scan", "--help"]);
    assert_eq!(code, 0);
    assert!(help.contains("Usage: kubectl assay scan"), "{help}");
    assert!(help.contains("  kubectl assay scan 4.2.2 "), "{help}");
    let (code, _, refused) = as_plugin("kubectl-assay", &["scam"]);
    assert_eq!(code, 64);
    assert!(refused.contains("Usage: kubectl assay"), "{refused}");
    let (code, told, _) = as_plugin("kubectl_complete-assay", &["scan", "4.2.1"]);
    assert_eq!(code, 0);
    assert!(
        told.contains("4.2.10\t") && told.ends_with(":4\n"),
        "{told}"
    );

    // kubectl itself, where it is there: it finds plugins by their names on the PATH.
    let mut kubectl = Command::new("kubectl");
    kubectl.args(["assay", "version"]).env(
        "PATH",
        format!("{}:/usr/bin:/bin:/usr/local/bin", desk.0.path().display()),
    );
    if let Ok(output) = kubectl.output() {
        assert!(output.status.success(), "{output:?}");
        assert!(
            String::from_utf8_lossy(&output.stdout).contains("kubeassay"),
            "{output:?}"
        );
    }
}

#[test]
fn shells_are_told_of_controls_and_settings() {
    let desk = Desk::new("");
    for shell in ["bash", "zsh", "fish"] {
        let (code, script, _) = desk.run(&format!("completions {shell}"));
        assert_eq!(code, 0);
        assert!(script.contains("4.2.2"), "{shell}");
        assert!(
            script.contains("kubelet.authorization.mode") || shell == "fish",
            "{shell}"
        );
        desk.write(shell, &script);
    }
    // What bash itself makes of it.
    let line = "source ./bash; COMP_WORDS=(kubeassay rules show 4.2.1); COMP_CWORD=3; _kubeassay kubeassay 4.2.1 show; echo \"${COMPREPLY[@]}\"";
    let mut bash = Command::new("bash");
    bash.args(["--norc", "-c", line]).current_dir(desk.0.path());
    let (code, told, stderr) = output(bash);
    assert_eq!(code, 0, "{stderr}");
    assert!(
        told.split_whitespace().any(|word| word == "4.2.10"),
        "{told}{stderr}"
    );
    // What zsh and fish make of it, where they are.
    let mut zsh = Command::new("zsh");
    zsh.args(["-f", "-n", "zsh"]).current_dir(desk.0.path());
    if let Ok(output) = zsh.output() {
        assert!(output.status.success(), "{output:?}");
    }
    let mut fish = Command::new("fish");
    let line = "source ./fish; complete -C 'kubeassay rules show 4.2.1'; complete -C 'kubeassay explain kubelet.authorization.m'";
    fish.args(["--no-config", "-c", line])
        .env("HOME", desk.0.path())
        .current_dir(desk.0.path());
    if let Ok(output) = fish.output() {
        let told = String::from_utf8_lossy(&output.stdout);
        for word in ["4.2.10", "kubelet.authorization.mode"] {
            assert!(told.lines().any(|line| line == word), "{output:?}");
        }
    }
    let (code, page, _) = desk.run("man scan");
    assert_eq!(code, 0);
    assert!(
        page.contains(".SH SYNOPSIS") && page.contains("fail\\-on"),
        "{page}"
    );
    // The examples and the exit codes, as they are laid out.
    assert!(
        page.contains("\n.SH EXAMPLES\n.nf\nkubeassay scan"),
        "{page}"
    );
    assert!(page.contains("\n.SH EXIT CODES\n.nf\n0 "), "{page}");
    assert_eq!(desk.run("man scam").0, 64);
    assert_eq!(desk.run("man --folder .").0, 0);
    assert!(desk.path("kubeassay-rules-list.1").exists());
    let render = fs::read_to_string(desk.path("kubeassay-render.1")).unwrap();
    assert!(
        render.contains(".fi\n.SH EXIT CODES\nthose of kubeassay scan"),
        "{render}"
    );
    // A reader of such pages finds nothing to complain of.
    let mut groff = Command::new("groff");
    groff
        .args(["-man", "-Tutf8", "-ww", "-z", "kubeassay-scan.1"])
        .current_dir(desk.0.path());
    if let Ok(output) = groff.output() {
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    }
}
