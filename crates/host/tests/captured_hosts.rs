//! What is taken of each captured host, as a file and as a folder.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "helpers of tests; the clock shows that nothing hangs"
)]

mod support;

use std::time::Duration;

use kubeassay_core::facts::{Facts, FileKind, NeedKind, RecognisedBy, Source, View};
use kubeassay_core::{Bytes, Cause, Component};
use kubeassay_host::{CapturedHost, Host, collect};
use kubeassay_testkit::{captured, host_names, lay_out};
use support::{facts, file, need, only, options};

const CONFIG: &str = "/var/lib/kubelet/config.yaml";

fn parsed(text: &str) -> Host {
    Host::from_captured(&CapturedHost::parse(text).unwrap()).unwrap()
}

#[test]
fn every_captured_host_is_read_to_the_end() {
    for name in host_names() {
        let facts = facts(&captured(&name));
        assert!(facts.complete, "{name}");
        assert_eq!(facts.source, Source::Captured, "{name}");
        assert_eq!(facts.problems, [], "{name}");
        assert!(
            facts.node.id.is_some() && facts.node.hostname.is_some(),
            "{name}"
        );
        assert!(!facts.node.process_table.own_namespace_only, "{name}");
        assert_eq!(facts.node.process_table.hides_others, name == "hidepid");
    }
}

#[test]
fn every_captured_host_says_where_its_paths_come_from() {
    for name in host_names() {
        let host = CapturedHost::load(&kubeassay_testkit::host_path(&name)).unwrap();
        let provenance = host.whole_provenance();
        let provenance = provenance.unwrap_or_else(|error| panic!("{name}: {error}"));
        for path in host.files.keys() {
            let marked = provenance.of(path).unwrap();
            assert!(
                marked.source.starts_with("https://") && !marked.version.is_empty(),
                "{name}: {path}: {}",
                marked.source
            );
        }
    }
}

#[test]
fn a_folder_gives_the_same_facts_as_the_file_but_for_times() {
    for name in host_names() {
        if name == "denied-reads" {
            continue;
        }
        let folder = lay_out(&name);
        let mut of_file = facts(&captured(&name));
        let mut of_folder = facts(&Host::open(Some(folder.path())).unwrap());
        assert!(of_folder.complete);
        let root = folder.path().as_os_str().as_encoded_bytes();
        assert_eq!(of_folder.node.root, Some(Bytes::from(root)));
        of_folder.node.root = None;
        assert_eq!(of_file.node, of_folder.node, "{name}");
        for facts in [&mut of_file, &mut of_folder] {
            let of_processes = facts.processes.iter_mut().map(|process| &mut process.files);
            let of_services = facts.services.iter_mut().map(|service| &mut service.files);
            for files in of_processes.chain(of_services) {
                for file in files {
                    // Only root could have given them away.
                    (file.uid, file.gid) = (None, None);
                    file.changed = None;
                    for link in &mut file.links {
                        (link.modified, link.changed) = (None, None);
                    }
                    // The kernel says at once that a file is missing, and not which part of its path.
                    let problem = file.problem.as_mut();
                    if let Some(problem) = problem.filter(|trouble| trouble.cause == Cause::Missing)
                    {
                        problem.reason.clear();
                    }
                    if file.kind != Some(FileKind::Regular) {
                        (file.modified, file.size) = (None, None);
                    }
                }
            }
        }
        assert_eq!(of_file.processes, of_folder.processes, "{name}");
        assert_eq!(of_file.services, of_folder.services, "{name}");
    }
}

/// Among the host's mounts nobody can tell when one was made; in a namespace of its own the process started
/// with those it has.
#[test]
fn a_file_that_is_a_mount_of_the_host_is_not_taken_for_what_was_read() {
    let text = std::fs::read_to_string(kubeassay_testkit::host_path("kubeadm")).unwrap();
    let last = "rw,nsdelegate,memory_recursiveprot\n";
    let own = "      96 27 8:1 /var/lib/kubelet /var/lib/kubelet rw,relatime shared:1 - ext4 /dev/sda1 rw\n";
    let over =
        format!("{last}      97 27 8:1 /other {CONFIG} rw,relatime shared:1 - ext4 /dev/sda1 rw\n");
    assert!(text.contains(last) && text.contains(own));
    let shared = text.replace(own, "").replace(last, &over);
    let (before, kubelet) = shared.split_once("\n  /proc/1234/").unwrap();
    let kubelet = kubelet.replace("mnt:[4026531841]", "mnt:[4026532000]");
    let alone = format!("{}\n  /proc/1234/{kubelet}", before.replace(&over, last));
    for (host, problem) in [(shared, Some(Cause::HiddenByMount)), (alone, None)] {
        let facts = facts(&parsed(&host));
        let config = file(only(&facts), NeedKind::Content, CONFIG);
        assert_eq!(
            config.problem.as_ref().map(|problem| problem.cause),
            problem
        );
    }
}

#[test]
fn kubeadm_is_one_kubelet_of_the_host() {
    let facts = facts(&captured("kubeadm"));
    let node = &facts.node;
    assert_eq!(node.hostname, Some("node-1".into()));
    assert_eq!(node.platform.id.as_deref(), Some("debian"));
    assert_eq!(node.platform.version.as_deref(), Some("12"));
    assert_eq!(node.boot_time.unwrap().to_string(), "2026-11-20T06:00:00Z");
    assert_eq!(node.process_table.seen, 4);
    assert_eq!(node.distributions, []);
    assert_eq!(facts.started.to_string(), "2026-11-20T12:00:00Z");

    let kubelet = only(&facts);
    let by: Vec<RecognisedBy> = kubelet.recognised_by.iter().map(|seen| seen.by).collect();
    assert_eq!(
        by,
        [
            RecognisedBy::Inode,
            RecognisedBy::ExeName,
            RecognisedBy::Comm,
            RecognisedBy::Argv0
        ]
    );
    assert!(!kubelet.in_pod());
    assert_eq!(kubelet.pid, 1234);
    assert_eq!(kubelet.uid, Some(0));
    assert_eq!(kubelet.view, View::Own);
    assert_eq!(kubelet.unit, Some("kubelet.service".into()));
    assert_eq!(kubelet.cwd, Some("/".into()));
    assert_eq!(kubelet.argv.len(), 5);
    assert_eq!(kubelet.environment.as_ref().unwrap().len(), 0);
    let namespaces = kubelet.namespaces;
    for namespace in [
        namespaces.mount,
        namespaces.user,
        namespaces.pid,
        namespaces.network,
    ] {
        assert_eq!(namespace, Some(true));
    }
    let started = kubelet.started.unwrap();
    assert_eq!(started.at.to_string(), "2026-11-20T06:00:42Z");

    let config = file(kubelet, NeedKind::Content, CONFIG);
    assert_eq!(config.problem, None);
    assert!(
        config
            .content
            .as_ref()
            .unwrap()
            .to_string_lossy()
            .contains("mode: Webhook")
    );
    assert_eq!(config.mode, Some(0o644));
    assert!(config.last_change().unwrap() < started.at);
    let kubeconfig = file(kubelet, NeedKind::Presence, "/etc/kubernetes/kubelet.conf");
    assert_eq!(
        (kubeconfig.kind, &kubeconfig.content),
        (Some(FileKind::Regular), &None)
    );
}

#[test]
fn both_kubelets_are_found_with_their_own_files() {
    let facts = facts(&captured("two-kubelets"));
    let pids: Vec<u32> = facts.kubelets().map(|process| process.pid).collect();
    assert_eq!(pids, [1234, 2345]);
    let second = file(
        facts.kubelets().nth(1).unwrap(),
        NeedKind::Content,
        "/etc/kubernetes/kubelet-b.yaml",
    );
    assert!(second.content.is_some());
}

#[test]
fn a_kubelet_in_a_container_is_read_in_its_own_root() {
    let facts = facts(&captured("container-kubelet"));
    let kubelet = only(&facts);
    assert_eq!(kubelet.view, View::Own);
    assert_eq!(kubelet.namespaces.mount, Some(false));
    assert_eq!(kubelet.namespaces.network, Some(true));
    assert_eq!(kubelet.cwd, Some("/".into()));
    assert!(!kubelet.in_pod());
    let config = file(kubelet, NeedKind::Content, "/etc/kubernetes/kubelet.yaml");
    assert!(
        config
            .content
            .as_ref()
            .unwrap()
            .to_string_lossy()
            .contains("AlwaysAllow")
    );
}

#[test]
fn a_denied_file_is_a_problem_and_no_content() {
    let facts = facts(&captured("denied-reads"));
    let config = file(only(&facts), NeedKind::Content, CONFIG);
    assert_eq!(config.problem.as_ref().unwrap().cause, Cause::Denied);
    assert_eq!((&config.content, &config.sha256), (&None, &None));
}

#[test]
fn a_process_in_a_pod_is_marked_and_never_mistaken() {
    let alone = facts(&captured("impostor-in-pod"));
    let impostor = only(&alone);
    assert!(impostor.in_pod());
    assert_eq!(impostor.namespaces.pid, Some(false));
    // It is not the same file as a kubelet of the host, though at the same path in its own view.
    let by: Vec<RecognisedBy> = impostor.recognised_by.iter().map(|seen| seen.by).collect();
    assert_eq!(
        by,
        [
            RecognisedBy::ExeName,
            RecognisedBy::Comm,
            RecognisedBy::Argv0
        ]
    );

    let beside = facts(&captured("impostor-beside-real"));
    let marks: Vec<bool> = beside
        .kubelets()
        .map(kubeassay_core::facts::ProcessFacts::in_pod)
        .collect();
    assert_eq!(marks, [false, true]);
}

#[test]
fn an_editor_of_a_file_called_kubelet_is_no_kubelet() {
    let facts = facts(&captured("no-kubernetes"));
    assert_eq!(facts.processes, []);
    assert_eq!(facts.node.process_table.unreadable, []);
    assert_eq!(facts.node.distributions, []);
}

#[test]
fn k3s_is_named_with_its_process_and_files() {
    let facts = facts(&captured("k3s"));
    let found = facts.processes.iter().map(|one| (one.pid, one.component));
    assert_eq!(
        found.collect::<Vec<_>>(),
        [
            (900, Component::Distribution),
            (955, Component::ContainerRuntime)
        ]
    );
    let [k3s] = facts.node.distributions.as_slice() else {
        panic!("{:?}", facts.node.distributions);
    };
    assert_eq!((k3s.id.as_str(), k3s.running), ("k3s", true));
    let evidence: Vec<String> = k3s.evidence.iter().map(Bytes::to_string).collect();
    assert_eq!(
        evidence,
        [
            "process 900 (k3s-server)",
            "/usr/local/bin/k3s",
            "/etc/rancher/k3s",
            "/var/lib/rancher/k3s"
        ]
    );
}

#[test]
fn a_later_change_shows_in_the_times() {
    let facts = facts(&captured("stale-config"));
    let kubelet = only(&facts);
    let config = file(kubelet, NeedKind::Content, CONFIG);
    assert!(config.last_change().unwrap() > kubelet.started.unwrap().at);
}

#[test]
fn a_read_that_did_not_answer_is_blocked_and_the_rest_is_read() {
    let facts = facts(&parsed(
        "files:\n  /proc/7/comm: {text: \"kubelet\\n\"}\n  /proc/7/cmdline: {text: \"kubelet\\0--kubeconfig=/k\\0--config=/slow\\0--config-dir=/d\\0\"}\n  /k: {text: x}\n  /slow: {text: x, error: blocks}\n  /proc/8: {type: directory, error: blocks}\n",
    ));
    assert!(facts.complete);
    let kubelet = only(&facts);
    assert_eq!(file(kubelet, NeedKind::Presence, "/k").problem, None);
    for (what, path, cause) in [
        (NeedKind::Content, "/slow", Cause::Blocked),
        (NeedKind::Listing, "/d", Cause::Missing),
    ] {
        let problem = file(kubelet, what, path).problem.as_ref().unwrap();
        assert_eq!(problem.cause, cause, "{path}");
    }
    // The same where it is a process itself that does not answer.
    let unreadable = &facts.node.process_table.unreadable[0];
    assert_eq!((unreadable.pid, unreadable.cause), (8, Cause::Blocked));
}

#[test]
fn nothing_is_begun_after_the_time_limit() {
    let host = parsed("files:\n  /proc/7/comm: {text: \"kubelet\\n\"}\n");
    let facts = collect(&host, &support::Flags, &options(Duration::from_nanos(1)));
    assert!(!facts.complete);
    assert_eq!(facts.processes, []);
    assert_eq!(facts.problems[0].cause, Cause::Blocked);
    assert_eq!(facts.problems[0].path, Some("/proc".into()));
}

#[test]
fn what_may_be_a_kubelet_and_cannot_be_read_is_named() {
    let facts = facts(&parsed(
        "files:
  /proc/1/comm: {text: \"systemd\\n\"}
  /proc/1/cmdline: {text: \"/sbin/init\\0\"}
  /proc/1/exe: {link: /x, error: denied}
  /proc/10: {type: directory, error: denied}
  /proc/11/comm: {text: \"kubelet\\n\"}
  /proc/11/cmdline: {text: \"\", error: denied}
  /proc/11/exe: {link: /usr/bin/kubelet, error: denied}
  /proc/12/comm: {text: \"node-agent\\n\"}
  /proc/12/cmdline: {text: \"/usr/bin/kubelet\\0--config=/c\\0\"}
  /proc/12/exe: {link: /usr/bin/node-agent, error: denied}
  /proc/12/root: {link: /, error: denied}
  /proc/13/comm: {text: \"bash\\n\"}
  /proc/13/cmdline: {text: \"bash\\0\"}
  /proc/13/exe: {link: /usr/bin/bash, error: denied}
  /proc/14/comm: {text: \"nginx\\n\"}
  /proc/14/cmdline: {text: \"nginx\\0\"}
  /proc/14/exe: {link: /usr/bin/nginx, error: denied}
  /proc/15: {type: directory, error: vanished}
  /proc/17/comm: {text: \"envoy\\n\"}
  /proc/17/cmdline: {text: \"envoy\\0\"}
  /proc/17/exe: {link: /usr/bin/envoy, error: denied}
  /proc/16/comm: {text: \"kubelet\\n\"}
  /proc/16/cmdline: {text: \"\"}
  /c: {text: x}
",
    ));
    let unreadable: Vec<(u32, Cause)> = facts
        .node
        .process_table
        .unreadable
        .iter()
        .map(|process| (process.pid, process.cause))
        .collect();
    assert_eq!(unreadable, [(10, Cause::Denied), (11, Cause::Denied)]);
    // nginx and envoy may be anything; systemd and bash are known, the last one is a zombie.
    assert_eq!(facts.problems.len(), 1);
    assert!(
        facts.problems[0].reason.contains("there are 2"),
        "{}",
        facts.problems[0].reason
    );

    let kubelet = only(&facts);
    assert_eq!(kubelet.pid, 12);
    assert_eq!(kubelet.recognised_by[0].by, RecognisedBy::Argv0);
    assert_eq!(kubelet.view, View::Denied);
    let config = file(kubelet, NeedKind::Content, "/c");
    assert_eq!(config.problem.as_ref().unwrap().cause, Cause::Denied);
    assert!(kubelet.problems.iter().any(
        |problem| problem.cause == Cause::Denied && problem.path == Some("/proc/12/exe".into())
    ));
}

#[test]
fn the_hosts_root_stands_in_only_for_who_has_the_hosts_mounts() {
    let table = "27 1 8:1 / / rw - ext4 /dev/sda1 rw\\n";
    let other = "527 1 8:1 / / rw - ext4 /dev/sda1 rw\\n";
    for (mounts, view) in [(table, View::Host), (other, View::Denied)] {
        let facts = facts(&parsed(&format!(
            "files:
  /proc/1/mountinfo: {{text: \"{table}\"}}
  /proc/7/comm: {{text: kubelet}}
  /proc/7/cmdline: {{text: \"kubelet\\0--config=/c\\0\"}}
  /proc/7/mountinfo: {{text: \"{mounts}\"}}
  /proc/7/root: {{link: /, error: denied}}
  /c: {{text: x}}
"
        )));
        let kubelet = only(&facts);
        assert_eq!(kubelet.view, view);
        let read = file(kubelet, NeedKind::Content, "/c").content.is_some();
        assert_eq!(read, view == View::Host);
        // The same ids are those of the same namespace, though its link could not be read.
        assert_eq!(
            kubelet.namespaces.mount,
            (view == View::Host).then_some(true)
        );
    }
}

#[test]
fn a_kubelet_that_ends_while_it_is_read_is_said() {
    let facts = facts(&parsed(
        "files:
  /proc/7/comm: {text: kubelet}
  /proc/7/cmdline: {text: \"kubelet\\0\"}
  /proc/7/mountinfo: {text: \"\", error: vanished}
  /proc/7/stat: {text: \"\", error: vanished}
  /proc/7/root: {link: /, error: vanished}
  /proc/8: {type: directory, error: vanished}
",
    ));
    let kubelet = only(&facts);
    assert!(
        kubelet
            .problems
            .iter()
            .any(|problem| problem.cause == Cause::Vanished)
    );
    assert_eq!(facts.node.process_table.unreadable, []);
}

#[test]
fn arguments_and_contents_are_redacted_and_the_digest_is_of_the_original() {
    let facts = facts(&parsed(
        "files:
  /proc/7/comm: {text: kubelet}
  /proc/7/cmdline: {text: \"kubelet\\0--config=/c\\0--x=secret\\0\\0\"}
  /c: {text: my secret}
",
    ));
    let kubelet = only(&facts);
    assert_eq!(
        kubelet.argv,
        ["kubelet", "--config=/c", "***", ""].map(Bytes::from)
    );
    let config = file(kubelet, NeedKind::Content, "/c");
    assert_eq!(config.content, Some("***".into()));
    // printf 'my secret' | sha256sum
    assert_eq!(
        config.sha256.as_deref(),
        Some("b9d1d013f600ec1bf16bae6a3634cad15dcc490c9f2835764201a41a1d70de44")
    );
}

#[test]
fn a_chroot_is_taken_off_the_working_directory() {
    for (cwd, wanted) in [
        ("/srv/c/work", Some("/work")),
        ("/srv/c", Some("/")),
        ("/srv/cd", None),
        ("/elsewhere", None),
        ("/srv/c/work (deleted)", None),
    ] {
        let facts = facts(&parsed(&format!(
            "files:
  /proc/7/comm: {{text: kubelet}}
  /proc/7/cmdline: {{text: \"kubelet\\0\"}}
  /proc/7/cwd: {{link: \"{cwd}\"}}
  /proc/7/root: {{link: /srv/c}}
  /srv/c/x: {{text: x}}
"
        )));
        assert_eq!(only(&facts).cwd, wanted.map(Bytes::from), "{cwd}");
    }
}

#[test]
fn a_mount_that_covers_the_file_is_seen_and_the_kubelets_own_is_not() {
    let root = "27 1 0:40 / / rw - overlay o rw\\n";
    let own = "90 27 0:40 /var/lib/kubelet /var/lib/kubelet rw - overlay o rw\\n";
    let bound = "60 27 8:1 /o.yaml /var/lib/kubelet/config.yaml rw - ext4 /dev/sda1 rw\\n";
    for (mounts, cause) in [
        (format!("{root}{own}"), None),
        (format!("{root}{bound}{own}"), Some(Cause::HiddenByMount)),
    ] {
        let facts = facts(&parsed(&format!(
            "files:
  /proc/7/comm: {{text: kubelet}}
  /proc/7/cmdline: {{text: \"kubelet\\0--config={CONFIG}\\0\"}}
  /proc/7/mountinfo: {{text: \"{mounts}\"}}
  {CONFIG}: {{text: x}}
"
        )));
        let config = file(only(&facts), NeedKind::Content, CONFIG);
        assert_eq!(config.problem.as_ref().map(|problem| problem.cause), cause);
        assert_eq!(config.content.is_some(), cause.is_none());
    }
}

#[test]
fn what_would_be_the_readers_own_or_is_no_regular_file_is_never_opened() {
    for path in [
        "/proc/self/environ",
        "/proc/thread-self/fd/0",
        "/dev/stdin",
        "/dev/fd/9",
        "/in",
        "/indirect",
        "/proc/7/environ",
        "/sys/x",
        "/fifo",
        "/dir",
        "/null",
        "/../proc/self/x",
    ] {
        let facts = facts(&parsed(&format!(
            "files:
  /proc/7/comm: {{text: kubelet}}
  /proc/7/cmdline: {{text: \"kubelet\\0--config={path}\\0\"}}
  /proc/7/environ: {{text: x}}
  /sys/x: {{text: x}}
  /in: {{link: /dev/stdin}}
  /indirect: {{link: in}}
  /fifo: {{type: fifo, error: blocks}}
  /dir: {{type: directory}}
  /null: {{type: character-device}}
"
        )));
        assert!(facts.complete);
        let problem = file(only(&facts), NeedKind::Content, path).problem.as_ref();
        assert_eq!(problem.unwrap().cause, Cause::NotRegular, "{path}");
    }
}

#[test]
fn a_directory_is_listed_and_a_link_to_one_only_with_a_slash() {
    for (path, kind, entries) in [
        ("/d", FileKind::Directory, Some(2)),
        ("/l", FileKind::Symlink, None),
        ("/l/", FileKind::Directory, Some(2)),
        ("/d/20.conf", FileKind::Regular, None),
    ] {
        let facts = facts(&parsed(&format!(
            "files:
  /proc/7/comm: {{text: kubelet}}
  /proc/7/cmdline: {{text: \"kubelet\\0--config-dir={path}\\0\"}}
  /d/20.conf: {{text: b}}
  /d/10.conf: {{text: a}}
  /l: {{link: d, changed: 2026-01-01T00:00:00Z}}
"
        )));
        let listing = file(only(&facts), NeedKind::Listing, path);
        assert_eq!(listing.kind, Some(kind), "{path}");
        assert_eq!(listing.entries.as_ref().map(Vec::len), entries, "{path}");
        if let Some(entries) = &listing.entries {
            assert_eq!(entries[0].name, "10.conf");
        }
        assert_eq!(listing.links.len(), usize::from(path == "/l/"));
        // A link that is not followed is the file itself.
        let link_counts = path.starts_with("/l");
        assert_eq!(listing.last_change().is_some(), link_counts, "{path}");
    }
}

#[test]
fn a_container_is_told_by_its_first_process() {
    for (namespace, container) in [("4026531836", false), ("4026532501", true)] {
        let facts = facts(&parsed(&format!(
            "files:
  /proc/1/comm: {{text: sh}}
  /proc/1/cmdline: {{text: \"sh\\0\"}}
  /proc/1/stat: {{text: \"1 (sh) S 0 1 1 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 9 0 0\"}}
  /proc/1/ns/pid: {{link: \"pid:[{namespace}]\"}}
"
        )));
        assert_eq!(facts.node.process_table.own_namespace_only, container);
    }
}

#[test]
fn a_symbolic_name_and_a_hard_link_are_known_by_the_file() {
    let facts = facts(&parsed(
        "files:
  /usr/bin/kubelet: {text: x, mode: \"0755\"}
  /opt/agent: {type: hard-link, link: /usr/bin/kubelet}
  /var/lib/rancher/rke2/data/v1/bin/kubelet: {text: y}
  /proc/7/comm: {text: agent}
  /proc/7/cmdline: {text: \"agent\\0\"}
  /proc/7/exe: {link: \"/opt/agent\"}
  /proc/8/comm: {text: other}
  /proc/8/cmdline: {text: \"other\\0\"}
  /proc/8/exe: {link: /var/lib/rancher/rke2/data/v1/bin/kubelet}
",
    ));
    let seen: Vec<(RecognisedBy, String)> = facts
        .processes
        .iter()
        .map(|process| {
            let first = &process.recognised_by[0];
            (first.by, first.seen.to_string())
        })
        .collect();
    assert_eq!(
        seen,
        [
            (RecognisedBy::Inode, "/usr/bin/kubelet".to_owned()),
            (
                RecognisedBy::Inode,
                "/var/lib/rancher/rke2/data/v1/bin/kubelet".to_owned()
            ),
        ]
    );
}

/// The kubelet's processes and services of hosts with units, as `unit: processes`.
#[test]
fn names_in_directories_take_room_as_well() {
    let mut host = CapturedHost::parse(
        "files:\n  /proc/7/cmdline: {text: \"/usr/bin/kubelet\\0--config-dir=/a\\0--config-dir=/b\\0\"}\n  /proc/7/comm: {text: \"kubelet\\n\"}\n  /c: {text: \"\"}\n",
    )
    .unwrap();
    let file = host.files["/c"].clone();
    for folder in ["/a", "/b"] {
        let names = (0..40_000).map(|number| format!("{folder}/{number:0>250}"));
        host.files.extend(names.map(|path| (path, file.clone())));
    }
    let facts = facts(&Host::from_captured(&host).unwrap());
    let listed = |path: &str| file_entries(&facts, path);
    assert_eq!(listed("/a"), (Some(40_000), None));
    assert_eq!(listed("/b"), (None, Some(Cause::TooLarge)));
}

/// How many entries of a directory are in the facts, or why none are.
fn file_entries(facts: &Facts, path: &str) -> (Option<usize>, Option<Cause>) {
    let file = only(facts).file(&need(NeedKind::Listing, path)).unwrap();
    let trouble = file.problem.as_ref();
    (
        file.entries.as_ref().map(Vec::len),
        trouble.map(|trouble| trouble.cause),
    )
}

fn services(facts: &Facts) -> Vec<String> {
    let services = facts.services.iter();
    let said = services.map(|service| format!("{}: {:?}", service.unit, service.started));
    said.collect()
}

#[test]
fn a_service_is_told_by_the_cgroup_by_its_name_or_by_what_it_starts() {
    let node = |more: &str| {
        format!(
            "files:\n  /proc/1/cmdline: {{text: \"/sbin/init\\0\"}}\n  /proc/1/comm: {{text: \"systemd\\n\"}}\n{more}"
        )
    };
    let kubelet = |exe: &str, cgroup: &str| {
        format!(
            "  /proc/7/cmdline: {{text: \"{exe}\\0\"}}\n  /proc/7/comm: {{text: \"kubelet\\n\"}}\n  /proc/7/exe: {{link: {exe}}}\n  /proc/7/cgroup: {{text: \"0::{cgroup}\\n\"}}\n  {exe}: {{text: \"\"}}\n"
        )
    };
    let unit = |path: &str, program: &str| {
        format!("  {path}: {{text: \"[Service]\\nExecStart={program} --v=2\\n\"}}\n")
    };
    let etc = |name: &str| format!("/etc/systemd/system/{name}");
    let real = unit(&etc("kubelet.service"), "/usr/bin/kubelet");
    let agent = unit(&etc("agent.service"), "/opt/agent");
    let cases = [
        ("nothing", String::new(), vec![]),
        ("no systemd", kubelet("/usr/bin/kubelet", "/"), vec![]),
        (
            "in its cgroup",
            kubelet("/opt/agent", "/system.slice/agent.service") + &agent,
            vec!["agent.service: [7]"],
        ),
        (
            "in its cgroup, without a unit",
            kubelet("/a", "/system.slice/u.service"),
            vec!["u.service: [7]"],
        ),
        (
            "beside another that is only called so",
            kubelet("/opt/agent", "/system.slice/agent.service") + &agent + &real,
            vec!["agent.service: [7]", "kubelet.service: []"],
        ),
        (
            "by its name",
            kubelet("/usr/bin/kubelet", "/kube") + &real,
            vec!["kubelet.service: [7]"],
        ),
        (
            "by what it starts",
            kubelet("/opt/agent", "/kube") + &agent,
            vec!["agent.service: [7]"],
        ),
        (
            "by the base name of what it starts",
            "  /usr/bin/kubelet: {text: \"\"}\n".to_owned()
                + &unit(&etc("agent.service"), "/srv/bin/kubelet"),
            vec!["agent.service: []"],
        ),
        (
            "not where nothing says that a kubelet is here",
            unit(&etc("agent.service"), "/srv/bin/kubelet"),
            vec![],
        ),
        (
            "hidden by another of its name",
            kubelet("/opt/agent", "/kube")
                + &agent.replace("/opt/agent", "/opt/other")
                + &unit("/usr/lib/systemd/system/agent.service", "/opt/agent"),
            vec![],
        ),
        (
            "a watchdog of the kubelet",
            kubelet("/usr/bin/kubelet", "/system.slice/kubelet.service")
                + &real
                + &unit(&etc("kubelet-monitor.service"), "/usr/bin/watch-kubelet"),
            vec!["kubelet.service: [7]"],
        ),
        (
            "a second kubelet's",
            kubelet("/usr/bin/kubelet", "/system.slice/kubelet.service")
                + &real
                + &unit(&etc("edge-kubelet.service"), "/opt/edge/kubelet"),
            vec!["edge-kubelet.service: []", "kubelet.service: [7]"],
        ),
        (
            "templates, instances, and what a snap brings",
            unit(&etc("kubelet@.service"), "/usr/bin/kubelet")
                + &unit(&etc("kubelet@a.service"), "/usr/bin/kubelet")
                + &unit(&etc("snap.kubelet-eks.daemon.service"), "/usr/bin/snap")
                + &unit(&etc("kubelet.socket"), "/usr/bin/kubelet"),
            vec![
                "kubelet@a.service: []",
                "snap.kubelet-eks.daemon.service: []",
            ],
        ),
        (
            "a tenant's own",
            kubelet("/opt/agent", "/kubepods.slice/agent.service") + &agent,
            vec![],
        ),
    ];
    for (name, host, wanted) in cases {
        let facts = facts(&parsed(&node(&host)));
        assert_eq!(services(&facts), wanted, "{name}");
        assert_eq!(facts.problems, [], "{name}");
        assert!(facts.complete, "{name}");
    }
}

#[test]
fn a_service_of_another_component_is_told_by_the_cgroup_or_by_its_name() {
    let process = |pid: u32, name: &str, cgroup: &str| {
        format!(
            "  /proc/{pid}/cmdline: {{text: \"/usr/bin/{name}\\0\"}}\n  /proc/{pid}/comm: {{text: \"{name}\\n\"}}\n  /proc/{pid}/cgroup: {{text: \"0::{cgroup}\\n\"}}\n"
        )
    };
    let unit = |name: &str, program: &str| {
        format!("  /etc/systemd/system/{name}: {{text: \"[Service]\\nExecStart={program}\\n\"}}\n")
    };
    for (name, host, wanted) in [
        (
            "of other components, by what runs and by their names",
            process(7, "etcd", "/system.slice/datastore.service")
                + &unit("datastore.service", "/usr/bin/etcd")
                + &unit("kube-apiserver.service", "/usr/bin/kube-apiserver")
                + &unit("etcd-backup.service", "/usr/bin/etcdctl"),
            vec!["datastore.service: [7]", "kube-apiserver.service: []"],
        ),
        (
            "not of a static pod or a container with systemd",
            process(
                7,
                "etcd",
                "/kubepods.slice/kubepods-pod1.slice/cri-containerd-1.scope",
            ) + &process(
                8,
                "etcd",
                "/machine.slice/c.scope/system.slice/etcd.service",
            ),
            vec![],
        ),
        (
            "a distribution's, whose kubelet decides",
            process(7, "kubelet", "/system.slice/k0scontroller.service")
                + &process(6, "etcd", "/system.slice/k0scontroller.service"),
            vec!["k0scontroller.service: [7]"],
        ),
    ] {
        let facts = facts(&parsed(&format!("files:\n{host}")));
        assert_eq!(services(&facts), wanted, "{name}");
        assert_eq!(facts.problems, [], "{name}");
    }
}

#[test]
fn the_files_of_a_service_are_read_as_the_host_sees_them() {
    let facts = facts(&captured("unit-edited"));
    let services: Vec<_> = facts.services_of(Component::Kubelet).collect();
    let [service] = services.as_slice() else {
        panic!("{:#?}", facts.services);
    };
    assert_eq!(service.started, [1234]);
    assert_eq!(service.problems, []);
    let content = |path: &str| {
        let file = service.file(&need(NeedKind::Content, path)).unwrap();
        file.content.as_ref().map(Bytes::to_string_lossy)
    };
    let edited = content("/etc/systemd/system/kubelet.service.d/20-debug.conf").unwrap();
    assert!(edited.contains("--authorization-mode=AlwaysAllow"));
    // Named by a drop-in, which only a listing named.
    let flags = content("/var/lib/kubelet/kubeadm-flags.env").unwrap();
    assert!(flags.contains("--hostname-override=node-1"));
    let missing = need(NeedKind::Content, "/etc/default/kubelet");
    let missing = service.file(&missing).unwrap().problem.clone().unwrap();
    assert_eq!(missing.cause, Cause::Missing);
    // The captured executable is empty, and was asked what it is.
    let executable = service.executable.as_ref().unwrap();
    assert_eq!(
        executable.problem.as_ref().unwrap().cause,
        Cause::ParseError
    );
}

#[test]
fn a_stopped_and_a_masked_service_are_in_the_facts() {
    let stopped = facts(&captured("kubelet-stopped"));
    assert_eq!(stopped.kubelets().next(), None);
    let running = "containerd.service: [712]";
    assert_eq!(services(&stopped), [running, "kubelet.service: []"]);
    let masked = facts(&captured("unit-masked"));
    assert_eq!(services(&masked), [running, "kubelet.service: [1234]"]);
    let mask = need(NeedKind::Content, "/etc/systemd/system/kubelet.service");
    let mut kubelets = masked.services_of(Component::Kubelet);
    let mask = kubelets.next().unwrap().file(&mask).unwrap();
    assert_eq!(mask.links[0].target, "/dev/null");
    assert_eq!(mask.content, None);
}

#[test]
fn what_cannot_be_read_of_a_service_has_its_cause() {
    let host = |more: &str| {
        parsed(&format!(
            "files:\n  /proc/7/cmdline: {{text: \"/usr/bin/kubelet\\0\"}}\n  /proc/7/comm: {{text: \"kubelet\\n\"}}\n  /proc/7/exe: {{link: /usr/bin/kubelet}}\n  /proc/7/cgroup: {{text: \"0::/kube\\n\"}}\n  /usr/bin/kubelet: {{text: \"\"}}\n{more}"
        ))
    };
    let folder = "/etc/systemd/system";
    for (entry, cause) in [
        (
            format!("  {folder}: {{type: directory, error: denied}}\n"),
            Cause::Denied,
        ),
        (
            format!("  {folder}: {{type: directory, error: blocks}}\n"),
            Cause::Blocked,
        ),
        (
            format!("  {folder}/a.service: {{text: \"\", error: denied}}\n"),
            Cause::Denied,
        ),
        (
            format!(
                "  {folder}/a.service: {{text: \"{}\"}}\n",
                "#".repeat(65537)
            ),
            Cause::TooLarge,
        ),
    ] {
        let facts = facts(&host(&entry));
        let causes: Vec<Cause> = facts.problems.iter().map(|problem| problem.cause).collect();
        assert_eq!(causes, [cause], "{:#?}", facts.problems);
    }
    for (entry, cause) in [
        ("{type: fifo}", Cause::NotRegular),
        ("{type: character-device}", Cause::NotRegular),
        ("{type: directory}", Cause::NotRegular),
        ("{link: kubelet.service}", Cause::Missing),
        ("{text: \"\", error: denied}", Cause::Denied),
        ("{text: \"\", error: blocks}", Cause::Blocked),
    ] {
        let facts = facts(&host(&format!("  {folder}/kubelet.service: {entry}\n")));
        let unit = need(NeedKind::Content, &format!("{folder}/kubelet.service"));
        let unit = facts.services[0].file(&unit).unwrap();
        assert_eq!(unit.problem.as_ref().unwrap().cause, cause, "{entry}");
        assert_eq!(facts.problems, [], "{entry}");
    }
}

#[test]
fn secrets_in_the_files_of_a_service_are_replaced_once_all_were_read() {
    // The line that names the next file stands in a file that has a secret as well.
    let facts = facts(&parsed(
        "files:\n  /proc/1/cmdline: {text: \"/sbin/init\\0\"}\n  /etc/systemd/system/kubelet.service: {text: \"[Service]\\nEnvironment=T=secret\\nEnvironmentFile=/etc/e\\n\"}\n  /etc/e: {text: \"T=secret\\n\"}\n",
    ));
    assert!(
        facts.services[0]
            .file(&need(NeedKind::Content, "/etc/e"))
            .is_some()
    );
    assert!(!serde_json::to_string(&facts).unwrap().contains("secret"));
}

#[test]
fn of_a_certificate_only_its_digest_is_kept() {
    let certificate = "-----BEGIN CERTIFICATE-----\\nZGVy\\n-----END CERTIFICATE-----\\n";
    let key = "-----BEGIN PRIVATE KEY-----\\nQ0FOQVJZ\\n-----END PRIVATE KEY-----\\n";
    for (text, digest, cause) in [
        // echo -n der | sha256sum
        (
            format!("{certificate}{key}"),
            Some("5050d80d22ecd471ea55df7034042c1e041341ff4066e7f6ff38e20b720df8ea"),
            None,
        ),
        (format!("{key}{certificate}"), None, Some(Cause::ParseError)),
    ] {
        let facts = facts(&parsed(&format!(
            "files:\n  /proc/7/cmdline: {{text: \"/usr/bin/kubelet\\0--tls-cert-file=/c\\0\"}}\n  /proc/7/comm: {{text: \"kubelet\\n\"}}\n  /proc/7/exe: {{link: /usr/bin/kubelet}}\n  /c: {{text: \"{text}\"}}\n"
        )));
        let file = file(only(&facts), NeedKind::Certificate, "/c");
        assert_eq!(file.sha256.as_deref(), digest);
        assert_eq!(file.problem.as_ref().map(|trouble| trouble.cause), cause);
        assert_eq!((&file.content, &file.entries), (&None, &None));
        assert!(!serde_json::to_string(&facts).unwrap().contains("Q0FOQVJZ"));
    }
}
