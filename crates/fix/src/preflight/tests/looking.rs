//! What is looked at on a node that is laid out as a folder.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use kubeassay_core::Bytes;
use kubeassay_core::facts::Facts;
use rustix::fs::IFlags;
use tempfile::TempDir;

use super::super::below::{Root, Unread};
use super::super::place::FileSystem;
use super::super::{ApiServerSeen, KubeconfigSeen, KubeletSeen, Observations, checks, observe};
use super::{CA, fixture, node, not_passed, to_webhook};
use crate::services::{ServiceError, Services, UnitState};
use crate::world::{Api, ClientName, NodeKubeconfig, Reach, Vouching, World};

const MANIFEST: &str = "
kind: Pod
spec:
  containers:
  - command: [kube-apiserver, --kubelet-client-certificate=/pki/client.crt]
    volumeMounts: [{mountPath: /pki, name: pki}]
  volumes: [{name: pki, hostPath: {path: /etc/kubernetes/pki}}]
";
const KEY: &str = "-----BEGIN EC PRIVATE KEY-----\nQ0FOQVJZ\n-----END EC PRIVATE KEY-----\n";

/// A world that notes what it is asked.
#[derive(Default)]
struct Fake {
    live: bool,
    asked: RefCell<Vec<String>>,
}

impl Fake {
    fn note(&self, what: String) {
        self.asked.borrow_mut().push(what);
    }
}

impl World for Fake {
    fn facts(&self) -> Result<Facts, String> {
        unreachable!("facts are given")
    }

    fn services(&self) -> &dyn Services {
        self
    }

    fn healthz(&self, _: SocketAddr) -> Result<u16, String> {
        unreachable!("nothing was started")
    }

    fn reach(&self, kubeconfig: &NodeKubeconfig<'_>) -> Option<Reach> {
        if !self.live {
            return None;
        }
        let text = String::from_utf8_lossy(kubeconfig.content).into_owned();
        let authority = (kubeconfig.read)(Path::new(CA)).map(|pem| String::from_utf8(pem).unwrap());
        let missing = (kubeconfig.read)(Path::new("/gone"));
        assert_eq!(missing, Err("is not there".to_owned()));
        self.note(format!(
            "{} {text} {}",
            kubeconfig.path.display(),
            authority.unwrap()
        ));
        Some(Reach::Answered {
            server: "https://a".to_owned(),
            status: 200,
        })
    }

    fn client_name(&self, certificate: &[u8]) -> Result<ClientName, String> {
        self.note(format!("whom {}", String::from_utf8_lossy(certificate)));
        Ok(ClientName {
            user: "apiserver".to_owned(),
            groups: Vec::new(),
        })
    }

    fn vouching(&self, certificate: &[u8], authorities: &[Vec<u8>]) -> Vouching {
        let authorities: Vec<_> = authorities
            .iter()
            .map(|one| String::from_utf8_lossy(one))
            .collect();
        let certificate = String::from_utf8_lossy(certificate);
        self.note(format!("{} for {certificate}", authorities.join("+")));
        Vouching::Signed
    }

    fn api(&self) -> Option<&dyn Api> {
        self.live.then_some(self)
    }

    fn now(&self) -> Timestamp {
        fixture::restarted()
    }

    fn wait(&self, _: Duration) {
        unreachable!("nothing is waited for")
    }

    fn say(&self, _: &str) {}
}

impl Api for Fake {
    fn may_use_nodes_proxy(&self, user: &str, _: &[String], verb: &str) -> Result<bool, String> {
        self.note(format!("may {user} {verb}"));
        Ok(true)
    }

    fn is_ready(&self, _: &str, _: Timestamp) -> Result<bool, String> {
        unreachable!("nothing was started")
    }

    fn other_control_planes(&self, node: &str) -> Result<usize, String> {
        self.note(format!("others than {node}"));
        Ok(1)
    }
}

impl Services for Fake {
    fn way(&self) -> &'static str {
        "a fake"
    }

    fn reload(&self) -> Result<(), ServiceError> {
        unreachable!("nothing is changed")
    }

    fn restart(&self, _: &Bytes, _: Duration) -> Result<(), ServiceError> {
        unreachable!("nothing is changed")
    }

    fn state(&self, _: &Bytes) -> Result<UnitState, ServiceError> {
        Ok(UnitState {
            load: "loaded".to_owned(),
            ..UnitState::default()
        })
    }
}

fn pem(der: &str) -> String {
    let text = STANDARD.encode(der);
    format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
}

fn below(root: &Path, path: &str) -> PathBuf {
    root.join(path.trim_start_matches('/'))
}

#[expect(clippy::disallowed_methods, reason = "lays out a node")]
fn write(root: &Path, path: &str, text: &str) {
    let place = below(root, path);
    std::fs::create_dir_all(place.parent().unwrap()).unwrap();
    std::fs::write(place, text).unwrap();
}

/// Lays out a node of the control plane.
fn laid_out() -> TempDir {
    let folder = TempDir::new().unwrap();
    for (path, text) in [
        (fixture::CONFIG, "kind: KubeletConfiguration\n".to_owned()),
        ("/etc/kubernetes/kubelet.conf", "a kubeconfig".to_owned()),
        (CA, format!("{}{}", pem("one"), pem("two"))),
        (
            "/etc/kubernetes/manifests/kube-apiserver.yaml",
            MANIFEST.to_owned(),
        ),
        (
            "/etc/kubernetes/pki/client.crt",
            format!("{}{KEY}", pem("client")),
        ),
        ("/proc/sys/vm/overcommit_memory", "1\n".to_owned()),
    ] {
        write(folder.path(), path, &text);
    }
    folder
}

fn look(root: &Path, fake: &Fake) -> (Observations, KubeletSeen) {
    let (planned, facts) = to_webhook();
    let seen = observe(root, &planned, &facts, fake);
    let kubelet = seen.kubelets[0].clone();
    (seen, kubelet)
}

#[test]
fn all_that_concerns_the_plan_is_looked_at_and_the_rest_is_not() {
    let folder = laid_out();
    let fake = Fake {
        live: true,
        ..Fake::default()
    };
    let (seen, kubelet) = look(folder.path(), &fake);
    let expected = [
        "whom client",
        "one+two for client",
        &format!(
            "/etc/kubernetes/kubelet.conf a kubeconfig {}{}",
            pem("one"),
            pem("two")
        ),
        "may apiserver get",
        "may apiserver create",
        "others than node-1",
    ];
    let mut asked = fake.asked.into_inner();
    assert!(!asked.concat().contains("Q0FOQVJZ"));
    asked.sort();
    let mut expected = expected.map(str::to_owned);
    expected.sort();
    assert_eq!(asked, expected);
    let Some(ApiServerSeen::Here {
        client: Ok(Some(client)),
        ..
    }) = &kubelet.api_server
    else {
        panic!("{kubelet:?}");
    };
    assert_eq!(client.path, "/etc/kubernetes/pki/client.crt");
    // A key follows it, of which nothing was read.
    assert!(!client.alone);
    // It is off, so that nothing of the kernel is looked at.
    assert_eq!(kubelet.kernel, []);
    let edit = seen.edits[0].found.as_ref().unwrap();
    assert_eq!(
        (edit.size, edit.read_only, edit.marked, edit.own_mount),
        (Some(27), false, false, false)
    );
    let journal = seen.journal.clone().unwrap();
    assert_eq!(
        (
            journal.folder.to_string().as_str(),
            journal.found.unwrap().size
        ),
        ("/var/lib", None)
    );
    let (planned, facts) = to_webhook();
    let mut seen = seen;
    // What the file system of the tests is plays no part here.
    seen.edits[0].found.as_mut().unwrap().file_system = FileSystem::Exchanges;
    assert_eq!(
        not_passed(&checks(&planned, &facts, &seen, &[])),
        "lock unknown"
    );
}

#[test]
fn what_follows_the_first_certificate_is_told_by_the_size_alone() {
    for (behind, expected) in [
        ("", true),
        ("\n", true),
        (KEY, false),
        (&pem("between"), false),
    ] {
        let folder = laid_out();
        let text = format!("{}{behind}", pem("client"));
        write(folder.path(), "/etc/kubernetes/pki/client.crt", &text);
        let fake = Fake::default();
        let (_, kubelet) = look(folder.path(), &fake);
        let Some(ApiServerSeen::Here {
            client: Ok(Some(client)),
            ..
        }) = kubelet.api_server
        else {
            panic!("{kubelet:?}");
        };
        assert_eq!(client.alone, expected, "{behind}");
        assert_eq!(
            fake.asked.into_inner(),
            ["whom client", "one+two for client"]
        );
    }
}

#[test]
fn where_the_network_may_not_be_asked_it_is_not() {
    let folder = laid_out();
    let fake = Fake::default();
    let (_, kubelet) = look(folder.path(), &fake);
    assert_eq!(kubelet.kubeconfig, Some(KubeconfigSeen::There));
    assert_eq!((kubelet.may, kubelet.others), (None, None));
    assert_eq!(
        fake.asked.into_inner(),
        ["whom client", "one+two for client"]
    );
}

#[test]
#[expect(clippy::disallowed_methods, reason = "lays out a node")]
fn the_api_server_of_a_node_is_found_as_its_kubelet_finds_it() {
    type Change = fn(&Path);
    let manifests = "/etc/kubernetes/manifests";
    let cases: Vec<(Change, &str)> = vec![
        (
            |root| std::fs::remove_dir_all(below(root, "/etc/kubernetes/manifests")).unwrap(),
            "none",
        ),
        (
            |root| {
                std::fs::remove_file(below(root, "/etc/kubernetes/manifests/kube-apiserver.yaml"))
                    .unwrap();
            },
            "none",
        ),
        (
            |root| {
                write(
                    root,
                    "/etc/kubernetes/manifests/kube-apiserver.yaml.bak",
                    "",
                );
            },
            "here /etc/kubernetes/pki/client.crt",
        ),
        (
            |root| {
                let place = |name| below(root, "/etc/kubernetes/manifests").join(name);
                std::fs::rename(
                    place("kube-apiserver.yaml"),
                    place("kube-apiserver.manifest"),
                )
                .unwrap();
            },
            "here /etc/kubernetes/pki/client.crt",
        ),
        (
            |root| {
                let place = |name| below(root, "/etc/kubernetes/manifests").join(name);
                std::fs::rename(place("kube-apiserver.yaml"), place("kube-apiserver.a")).unwrap();
                std::fs::write(place("kube-apiserver.b"), "").unwrap();
            },
            "here, there are several manifests /etc/kubernetes/manifests/kube-apiserver*",
        ),
        (
            |root| {
                write(
                    root,
                    "/etc/kubernetes/manifests/kube-apiserver.yaml",
                    "spec: [",
                );
            },
            "here, /etc/kubernetes/manifests/kube-apiserver.yaml:1:8: yaml: line 1: did not find expected node content",
        ),
        (
            |root| std::fs::remove_file(below(root, "/etc/kubernetes/pki/client.crt")).unwrap(),
            "here, /etc/kubernetes/pki/client.crt is not there",
        ),
        (
            |root| write(root, "/etc/kubernetes/pki/client.crt", KEY),
            "here, /etc/kubernetes/pki/client.crt does not begin with a certificate",
        ),
        (
            |root| {
                std::fs::remove_dir_all(below(root, "/etc/kubernetes/manifests")).unwrap();
                write(root, "/etc/kubernetes/manifests", "");
            },
            "unknown, /etc/kubernetes/manifests (staticPodPath) is no folder",
        ),
    ];
    for (change, expected) in cases {
        let folder = laid_out();
        change(folder.path());
        let (_, kubelet) = look(folder.path(), &Fake::default());
        let found = match kubelet.api_server.unwrap() {
            ApiServerSeen::None => "none".to_owned(),
            ApiServerSeen::Unknown(why) => format!("unknown, {why}"),
            ApiServerSeen::Here { manifest, client } => {
                assert!(manifest.to_string().starts_with(manifests));
                match client {
                    Ok(client) => format!("here {}", client.unwrap().path),
                    Err(why) => format!("here, {why}"),
                }
            }
        };
        assert_eq!(found, expected);
    }
}

#[test]
fn nothing_leads_out_of_the_nodes_root_and_only_regular_files_are_opened() {
    let outside = TempDir::new().unwrap();
    write(outside.path(), "/secret", "c4n4ry");
    let folder = laid_out();
    let root = folder.path();
    let link = |target: &Path, path: &str| symlink(target, below(root, path)).unwrap();
    link(&outside.path().join("secret"), "/etc/absolute");
    link(
        Path::new("../../../../../../../../etc/kubernetes/kubelet.conf"),
        "/etc/up",
    );
    link(outside.path(), "/etc/folder");
    link(Path::new("/etc/kubernetes"), "/etc/own");
    link(Path::new("loop"), "/etc/loop");
    rustix::fs::mkfifoat(rustix::fs::CWD, below(root, "/etc/fifo"), 0o600.into()).unwrap();
    write(root, "/etc/large", &"x".repeat(101));
    write(root, "/etc/denied", "x");
    std::fs::set_permissions(
        below(root, "/etc/denied"),
        std::fs::Permissions::from_mode(0o0),
    )
    .unwrap();
    let opened = Root::open(root).unwrap();
    let because = |why: &str| Err(Unread::Because(why.to_owned()));
    let mut cases = vec![
        ("/etc/kubernetes/kubelet.conf", Ok(b"a kubeconfig".to_vec())),
        ("/etc/own/kubelet.conf", Ok(b"a kubeconfig".to_vec())),
        ("/etc/up", Ok(b"a kubeconfig".to_vec())),
        (
            "/../../etc/kubernetes/kubelet.conf",
            Ok(b"a kubeconfig".to_vec()),
        ),
        ("/etc/absolute", Err(Unread::Missing)),
        ("/etc/folder/secret", Err(Unread::Missing)),
        ("/etc/gone", Err(Unread::Missing)),
        ("/etc/fifo", because("is no regular file")),
        ("/etc", because("is no regular file")),
        ("/etc/large", because("has more than 100 bytes")),
        (
            "/etc/loop",
            because("has too many symbolic links on the way, or one of procfs"),
        ),
        (
            "/etc/large/x",
            because("has something on the way that is no folder"),
        ),
    ];
    if rustix::process::geteuid().is_root() {
        eprintln!("skipped: needs another user than root, who may read everything");
    } else {
        cases.push(("/etc/denied", because("may not be read; run this as root")));
    }
    for (path, expected) in cases {
        assert_eq!(opened.read(&Bytes::from(path), 100), expected, "{path}");
    }
}

#[test]
fn the_kernels_settings_are_read_where_they_count() {
    let folder = laid_out();
    let after = node("Webhook", "protectKernelDefaults: true");
    let (planned, facts) =
        fixture::planned(&node("Webhook", ""), &after, &["protectKernelDefaults"]);
    let seen = observe(folder.path(), &planned, &facts, &Fake::default());
    let kernel = &seen.kubelets[0].kernel;
    assert_eq!(kernel[0], ("vm.overcommit_memory", Ok("1\n".to_owned())));
    assert_eq!(kernel[1], ("vm.panic_on_oom", Err(Unread::Missing)));
    // Those of this machine's kernel.
    let seen = observe(Path::new("/"), &planned, &facts, &Fake::default());
    let (_, read) = &seen.kubelets[0].kernel[0];
    assert!(
        matches!(read, Ok(text) if text.trim().parse::<u8>().is_ok()),
        "{read:?}"
    );
}

#[test]
fn a_root_that_is_not_there_makes_nothing_a_pass() {
    let (planned, facts) = to_webhook();
    let seen = observe(
        Path::new("/nowhere/at/all"),
        &planned,
        &facts,
        &Fake::default(),
    );
    assert_eq!(
        not_passed(&checks(&planned, &facts, &seen, &[])),
        "kubeconfig unknown, client-ca unknown, api-authorization unknown, disk-space unknown, writable unknown, control-plane unknown, lock unknown"
    );
}

#[test]
#[expect(clippy::disallowed_methods, reason = "marks a file")]
fn a_file_or_folder_that_nobody_may_change_is_seen() {
    let folder = laid_out();
    let config = Bytes::from(fixture::CONFIG);
    let file = below(folder.path(), fixture::CONFIG);
    let root = Root::open(folder.path()).unwrap();
    for path in [file.as_path(), file.parent().unwrap()] {
        let opened = std::fs::File::open(path).unwrap();
        let Ok(before) = rustix::fs::ioctl_getflags(&opened) else {
            eprintln!("skipped: needs a file system with flags of files");
            return;
        };
        if rustix::fs::ioctl_setflags(&opened, before | IFlags::IMMUTABLE).is_err() {
            eprintln!("skipped: needs CAP_LINUX_IMMUTABLE and a file system with such a flag");
            return;
        }
        let seen = root.place(&config).found;
        rustix::fs::ioctl_setflags(&opened, before).unwrap();
        assert!(seen.unwrap().marked, "{}", path.display());
        assert!(!root.place(&config).found.unwrap().marked);
    }
}

/// Returns the mount points of this process, with the options of each.
fn mounts() -> Vec<(String, String)> {
    let root = Root::open(Path::new("/")).unwrap();
    let table = root
        .read(&Bytes::from("/proc/self/mountinfo"), 1 << 20)
        .unwrap();
    let table = String::from_utf8_lossy(&table).into_owned();
    let mounts = table.lines().filter_map(|line| {
        let mut words = line.split(' ');
        Some((words.nth(4)?.to_owned(), words.next()?.to_owned()))
    });
    // Of mounts on the same place the last one is seen.
    let mounts: Vec<_> = mounts.filter(|(path, _)| !path.contains('\\')).collect();
    let last = |(index, (path, _)): &(usize, &(String, String))| {
        !mounts
            .iter()
            .skip(index + 1)
            .any(|(other, _)| Path::new(path).starts_with(other))
    };
    mounts
        .iter()
        .enumerate()
        .filter(last)
        .map(|(_, mount)| mount.clone())
        .collect()
}

#[test]
fn mounts_are_told_as_the_kernel_has_them() {
    let root = Root::open(Path::new("/")).unwrap();
    let mounts = mounts();
    let (mut read_only, mut files) = (0, 0);
    for (path, options) in &mounts {
        let inside = Bytes::from(format!("{}/none", path.trim_end_matches('/')));
        let place = root.place(&inside);
        if place.folder.to_string() == *path
            && let Ok(found) = place.found
            && options.split(',').any(|option| option == "ro")
        {
            assert!(found.read_only, "{path}");
            read_only += 1;
        }
        if let Ok(found) = root.place(&Bytes::from(path.as_str())).found
            && found.size.is_some()
        {
            assert!(found.own_mount, "{path}");
            files += 1;
        }
    }
    let own = root
        .place(&Bytes::from("/proc/self/mountinfo"))
        .found
        .unwrap();
    assert!(!own.own_mount && matches!(own.file_system, FileSystem::Other(0x9fa0)));
    if read_only == 0 {
        eprintln!("skipped in part: needs a file system that is mounted read-only");
    }
    if files == 0 {
        eprintln!(
            "skipped in part: needs a file that is a mount of its own, as /etc/hosts of a container is"
        );
    }
}
