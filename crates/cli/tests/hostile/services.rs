//! What may lie where the files of a service are expected.
//!
//! The folders of units are made anew on the stage, and the facts themselves are looked at: what could not be read is in
//! them, with its cause.

use serde_json::Value as Json;

use crate::support::act;

/// A folder of units of the stage's own, with a unit and an environment file of a kubelet that does not run.
const UNITS: &str = "mount -t tmpfs none /etc/systemd; mkdir -p /etc/systemd/system/kubelet.service.d
    u=/etc/systemd/system/kubelet.service; d=$u.d
    printf '[Service]\\nEnvironmentFile=%s/e\\nExecStart=/usr/bin/kubelet $A\\n' $PWD >$u; echo A=--v=2 >e\n";
/// Takes the facts.
const TAKE: &str = "\"$STAGE\" measure measured 60 \"$KUBEASSAY\" collect >report 2>errors";

/// Returns the cause for which the file whose path ends so was not read, and all facts.
fn cause_of(script: &str, path: &str) -> Option<(String, String)> {
    let outcome = act(&format!("{UNITS}{script}\n{TAKE}"))?;
    assert!(outcome.milliseconds < 20_000, "{script}: {outcome:?}");
    let facts = outcome.report();
    let services = facts["services"].as_array().unwrap();
    let is_kubelet = |service: &&Json| service["unit"] == "kubelet.service";
    let service = services.iter().find(is_kubelet);
    let mut files = service
        .into_iter()
        .flat_map(|service| service["files"].as_array().unwrap());
    let file = files.find(|file| file["need"]["path"].as_str().unwrap().ends_with(path));
    let problem = file.map_or(&Json::Null, |file| &file["problem"]);
    println!("{script}: {problem}");
    let cause = problem["cause"].as_str().unwrap_or("none").to_owned();
    Some((cause, facts.to_string()))
}

#[test]
fn what_is_no_file_or_too_large_is_never_read() {
    let unit = "system/kubelet.service";
    for (script, path, cause) in [
        (":", unit, "none"),
        (":", "/e", "none"),
        ("rm $u; mkfifo $u", unit, "not-regular"),
        ("rm $u; mknod $u c 1 5", unit, "not-regular"),
        ("rm $u; mkdir $u", unit, "not-regular"),
        ("truncate -s 1G $u", unit, "too-large"),
        ("rm e; ln -s /dev/zero e", "/e", "not-regular"),
        ("rm e; ln -s e e", "/e", "missing"),
        ("rm e; mkfifo e", "/e", "not-regular"),
        (
            "cd $d; seq 10000 | sed 's/$/.conf/' | xargs touch; cd - >/dev/null",
            unit,
            "too-large",
        ),
        (
            "export ASKED=$PWD/asked; mkdir m; rm e; ln -s m/config e; begin \"$STAGE\" fuse m deaf",
            "/e",
            "blocked",
        ),
    ] {
        let Some((found, facts)) = cause_of(script, path) else {
            return;
        };
        assert_eq!(found, cause, "{script}: {facts:.2000}");
    }
}

#[test]
fn a_folder_of_units_whose_server_is_dead_is_said_to_be() {
    let script =
        "export ASKED=$PWD/asked; umount /etc/systemd; begin \"$STAGE\" fuse /etc/systemd deaf";
    let Some((_, facts)) = cause_of(script, "none") else {
        return;
    };
    assert!(facts.contains("would not be seen"), "{facts:.2000}");
}

#[test]
fn no_secret_of_an_environment_file_is_in_the_facts() {
    for (script, path) in [
        ("echo 'TOKEN=CANARY-0123456789' >>e", "/e"),
        ("printf 'root:$6$CANARY-0123456789:19000:0:99999:7:::\\n' >e", "/e"),
        ("printf 'root:$6$CANARY-0123456789:19000:0:99999:7:::\\n' >s; mount --bind s /etc/shadow
            sed -i 's|^EnvironmentFile=.*|EnvironmentFile=/etc/shadow|' $u", "/etc/shadow"),
    ] {
        let Some((_, facts)) = cause_of(script, path) else {
            return;
        };
        assert!(facts.contains(&format!("{path}\"")), "{script}");
        let place = facts
            .find("CANARY")
            .map(|at| &facts[at.saturating_sub(300)..at + 6]);
        assert_eq!(place, None, "{script}");
    }
}
