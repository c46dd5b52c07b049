//! The runs that are measured, and the files they need.
//!
//! Nothing of this machine comes in, so that what is counted is the same everywhere.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde_json::Value as Json;

use super::budget::Cost;
use crate::generate::root;

/// One run of the program.
pub(super) struct Scenario {
    pub(super) name: String,
    pub(super) arguments: Vec<String>,
}

/// How many rules are bundled.
const BUNDLED: usize = 15;
/// The numbers of rules that are judged, the bundled ones included.
const RULES: [usize; 3] = [BUNDLED, 10 * BUNDLED, 100 * BUNDLED];
/// The numbers of nodes in one report.
const NODES: [usize; 3] = [1, 10, 100];
/// The numbers of processes of a recorded host.
const PROCESSES: [usize; 2] = [300, 3_000];

/// Returns the scenarios whose instructions are counted, their files made in `folder`.
///
/// All but the reading of hosts: valgrind (3.19) has neither the `openat2` nor the `vdso` that it uses.
pub(super) fn counted(folder: &Path, binary: &Path) -> Result<Vec<Scenario>> {
    let mut scenarios = Vec::new();
    let mut add = |name: &str, arguments: &[&str]| {
        scenarios.push(Scenario {
            name: name.to_owned(),
            arguments: arguments
                .iter()
                .map(|argument| (*argument).to_owned())
                .collect(),
        });
    };
    add("version", &["version"]);
    add("rules list", &["rules", "list"]);
    add("scan, one rule", &["scan", "4.2.2", "--demo"]);
    add("scan, JSON", &["scan", "--demo", "-o", "json"]);
    add("fix, 15 rules", &["fix", "--all", "--demo"]);
    for count in RULES {
        let name = per("scan", count, "rules");
        if count == BUNDLED {
            add(&name, &["scan", "--demo"]);
            continue;
        }
        let pages = folder.join(format!("rules-{count}"));
        copy_rules(&pages, count)?;
        add(&name, &["scan", "--demo", "--rules", text(&pages)?]);
    }
    let recorded = facts(binary)?;
    for count in NODES {
        let documents = folder.join(format!("facts-{count}"));
        copy_nodes(&documents, &recorded, count)?;
        add(
            &per("scan", count, "nodes"),
            &["scan", "--facts", text(&documents)?],
        );
    }
    Ok(scenarios)
}

/// Returns the scenarios that read a host, laid out in `folder`: they are timed.
pub(super) fn hosts(folder: &Path) -> Result<Vec<Scenario>> {
    PROCESSES
        .into_iter()
        .map(|count| {
            let host = folder.join(format!("host-{count}"));
            lay_out(&host, count)?;
            Ok(Scenario {
                name: per("scan", count, "processes"),
                arguments: vec![
                    "scan".to_owned(),
                    "--root".to_owned(),
                    text(&host)?.to_owned(),
                ],
            })
        })
        .collect()
}

/// Returns what one more rule and one more node cost, from the scenarios that differ in nothing else.
pub(super) fn growth(measured: &[Cost]) -> Vec<String> {
    let of = |name: &str| {
        measured
            .iter()
            .find(|cost| cost.scenario == name)
            .map(|cost| cost.instructions)
    };
    let step = |kind: &str, pair: &[usize]| {
        let [from, to] = pair else { return None };
        let less = of(&per("scan", *from, kind))?;
        let more = of(&per("scan", *to, kind))?;
        let each = more.saturating_sub(less) / (to - from) as u64;
        Some(format!(
            "from {from} to {to} {kind}: {each} instructions each"
        ))
    };
    let steps = |kind: &'static str, counts: &'static [usize]| {
        counts.windows(2).filter_map(move |pair| step(kind, pair))
    };
    steps("rules", &RULES)
        .chain(steps("nodes", &NODES))
        .collect()
}

fn per(what: &str, count: usize, kind: &str) -> String {
    let kind = if count == 1 {
        kind.trim_end_matches('s')
    } else {
        kind
    };
    format!("{what}, {count} {kind}")
}

fn text(path: &Path) -> Result<&str> {
    path.to_str().context("the temporary folder is not UTF-8")
}

fn write(path: &Path, content: impl AsRef<[u8]>) -> Result<()> {
    let shown = path.display();
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("cannot make the folder of {shown}"))?;
    }
    fs::write(path, content).with_context(|| format!("cannot write {shown}"))
}

/// Copies the bundled pages under other ids until there are `count` rules with the bundled ones.
fn copy_rules(folder: &Path, count: usize) -> Result<()> {
    let source = root().join("rules/kubelet");
    let mut pages = Vec::new();
    for entry in fs::read_dir(&source)? {
        pages.push(fs::read_to_string(entry?.path())?);
    }
    pages.sort();
    let copies = pages.iter().cycle().take(count.saturating_sub(pages.len()));
    for (number, page) in copies.enumerate() {
        let lines: Vec<String> = page
            .lines()
            .map(|line| match line.strip_prefix("id: ") {
                Some(id) => format!("id: {id}-{number}"),
                None => line.to_owned(),
            })
            .collect();
        write(&folder.join(format!("{number:05}.md")), lines.join("\n"))?;
    }
    Ok(())
}

/// Returns the facts of the recorded node, without what tells its kubelet's version: every version it may be
/// is judged.
fn facts(binary: &Path) -> Result<Json> {
    let output = Command::new(binary)
        .args(["collect", "--root", "tests/hosts/demo.yaml"])
        .current_dir(root())
        .output()
        .context("cannot collect facts")?;
    if !output.status.success() {
        bail!(
            "collecting failed: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    let mut facts: Json = serde_json::from_slice(&output.stdout)?;
    let packages = facts
        .pointer_mut("/node/packages")
        .context("facts without packages")?;
    *packages = Json::Array(Vec::new());
    Ok(facts)
}

fn copy_nodes(folder: &Path, facts: &Json, count: usize) -> Result<()> {
    for number in 0..count {
        let mut facts = facts.clone();
        for name in ["/node/id", "/node/hostname"] {
            let name = facts
                .pointer_mut(name)
                .context("facts without a name of the node")?;
            *name = Json::String(format!("worker-{number}"));
        }
        write(&folder.join(format!("{number:05}.json")), facts.to_string())?;
    }
    Ok(())
}

/// The file of the kubelet on a host that is laid out.
pub(super) const CONFIG: &str = "apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication:
  anonymous: {enabled: false}
  webhook: {enabled: true}
  x509: {clientCAFile: /etc/kubernetes/pki/ca.crt}
authorization:
  mode: Webhook
cgroupDriver: systemd
clusterDNS:
- 10.96.0.10
clusterDomain: cluster.local
healthzPort: 10248
rotateCertificates: true
staticPodPath: /etc/kubernetes/manifests
";

/// The drop-ins beside it.
pub(super) const DROP_INS: [(&str, &str); 3] = [
    (
        "10-limits.conf",
        "podPidsLimit: 4096\nseccompDefault: true\n",
    ),
    ("50-logging.conf", "logging:\n  verbosity: 3\n"),
    ("90-debug.conf", "readOnlyPort: 10255\neventRecordQPS: 0\n"),
];

/// What every document of the kubelet begins with.
pub(super) const HEAD: &str =
    "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n";

const STATUS: &str = "Umask:\t0022\nState:\tS (sleeping)\nPPid:\t1\nUid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nThreads:\t1\n";
const MOUNTS: &str = "27 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n22 27 0:21 / /proc rw,nosuid,nodev,noexec,relatime shared:12 - proc proc rw\n";

/// Lays out a host with `count` processes, one of them a kubelet whose version cannot be told.
fn lay_out(host: &Path, count: usize) -> Result<()> {
    let files = [
        ("etc/hostname", "bench\n"),
        ("etc/machine-id", "3b1f0c2d4e5a6978a1b2c3d4e5f60718\n"),
        (
            "proc/stat",
            "cpu  120 0 80 9000 10 0 2 0 0 0\nbtime 1795154400\n",
        ),
        ("proc/sys/kernel/hostname", "bench\n"),
        ("var/lib/kubelet/config.yaml", CONFIG),
        ("etc/kubernetes/kubelet.conf", "kind: Config\n"),
        ("etc/kubernetes/pki/ca.crt", "(never read)\n"),
        ("usr/bin/kubelet", "(no program that tells its version)\n"),
        ("usr/bin/worker", ""),
    ];
    for (path, content) in files {
        write(&host.join(path), content)?;
    }
    for (name, said) in DROP_INS {
        let path = host.join("etc/kubernetes/kubelet.conf.d").join(name);
        write(&path, format!("{HEAD}{said}"))?;
    }
    for pid in 1..count {
        process(
            host,
            pid,
            "worker",
            &["/usr/bin/worker", "--verbose", "--number", &pid.to_string()],
        )?;
    }
    let arguments = [
        "/usr/bin/kubelet",
        "--kubeconfig=/etc/kubernetes/kubelet.conf",
        "--config=/var/lib/kubelet/config.yaml",
        "--config-dir=/etc/kubernetes/kubelet.conf.d",
        "--hostname-override=bench",
    ];
    process(host, count, "kubelet", &arguments)
}

fn process(host: &Path, pid: usize, name: &str, arguments: &[&str]) -> Result<()> {
    let folder = host.join(format!("proc/{pid}"));
    // Long after any file here was written: nothing is stale.
    let started = "20000000000";
    let stat = format!(
        "{pid} ({name}) S 1 {pid} {pid} 0 -1 4194560 5120 0 12 0 310 120 0 0 20 0 12 0 {started} 1377136640 20480 18446744073709551615 1 1 0 0 0 0 0 0 2143420159 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n"
    );
    let files = [
        ("cmdline", format!("{}\0", arguments.join("\0"))),
        ("comm", format!("{name}\n")),
        ("stat", stat),
        (
            "status",
            format!(
                "Name:\t{name}\nTgid:\t{pid}\nNgid:\t0\nPid:\t{pid}\nNStgid:\t{pid}\nNSpid:\t{pid}\n{STATUS}"
            ),
        ),
        ("cgroup", format!("0::/system.slice/{name}.service\n")),
        (
            "environ",
            "KUBELET_CONFIG_DROPIN_DIR_ALPHA=yes\0".to_owned(),
        ),
        ("mountinfo", MOUNTS.to_owned()),
    ];
    for (file, content) in files {
        write(&folder.join(file), content)?;
    }
    fs::create_dir_all(folder.join("ns"))?;
    let links = [
        ("exe", format!("/usr/bin/{name}")),
        ("root", "/".to_owned()),
        ("cwd", "/".to_owned()),
        ("ns/mnt", "mnt:[4026531841]".to_owned()),
        ("ns/net", "net:[4026531840]".to_owned()),
        ("ns/pid", "pid:[4026531836]".to_owned()),
        ("ns/user", "user:[4026531837]".to_owned()),
    ];
    for (link, target) in links {
        symlink(target, folder.join(link)).context("cannot link")?;
    }
    Ok(())
}
