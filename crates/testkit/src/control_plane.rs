//! The captured control plane of kubeadm, played by this machine: its files where they belong, its components as processes,
//! those of pods in mounts and a root of their own. Only for a process in namespaces of its own: see [`namespaces`](crate::namespaces).

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use kubeassay_core::facts::FileKind;
use kubeassay_host::CapturedHost;
use kubeassay_host::captured::{CapturedFile, What};

use crate::certificates::Authority;
use crate::namespaces::mount;
use crate::{below, chain, host_path, write};

/// The host that is played.
const HOST: &str = "kubeadm-control-plane";
/// Where it has its certificates and keys.
const PKI: &str = "/etc/kubernetes/pki";
/// How many files there are to be below [`PKI`]: more than kubeadm makes, as where webhooks and clients have theirs there.
const PKI_FILES: usize = 60;
/// Folders of this machine that get a layer to write on.
const LAYERED: [&str; 3] = ["/etc", "/usr", "/opt"];
/// Where cgroups may be mounted.
const HIERARCHIES: [&str; 2] = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"];
/// What Go programs were built from: their name, main package, and the module that tells their version.
const BUILT: [(&str, &str, &str); 7] = [
    ("kubelet", "k8s.io/kubernetes/cmd/kubelet", KUBERNETES),
    (
        "kube-apiserver",
        "k8s.io/kubernetes/cmd/kube-apiserver",
        KUBERNETES,
    ),
    (
        "kube-controller-manager",
        "k8s.io/kubernetes/cmd/kube-controller-manager",
        KUBERNETES,
    ),
    (
        "kube-scheduler",
        "k8s.io/kubernetes/cmd/kube-scheduler",
        KUBERNETES,
    ),
    ("kube-proxy", "k8s.io/kubernetes/cmd/kube-proxy", KUBERNETES),
    (
        "etcd",
        "go.etcd.io/etcd/server/v3",
        "go.etcd.io/etcd/server/v3\tv3.6.5",
    ),
    (
        "containerd",
        "github.com/containerd/containerd/v2/cmd/containerd",
        "github.com/containerd/containerd/v2\tv2.1.4",
    ),
];
/// The module of Kubernetes' own programs.
const KUBERNETES: &str = "k8s.io/kubernetes\tv1.34.2";
/// The lines of a program's build information lie between two of these.
const SENTINEL: &str = "0123456789abcdef";

/// Makes the folder `$0` the root of a mount namespace, as a runtime does, with what its pod mounts of the host, and
/// becomes the program that the arguments name.
const CONTAINER: &str = r#"
    set -e
    mount --bind "$0" "$0"
    for path in /etc/kubernetes/pki /etc/kubernetes/pki/etcd /var/lib/etcd \
        /etc/kubernetes/controller-manager.conf /etc/kubernetes/scheduler.conf; do
        if [ -e "$0$path" ]; then mount --bind "$path" "$0$path"; fi
    done
    cd "$0"
    mount --move . /
    exec chroot . "$@"
"#;

/// The components, which end with it.
pub struct ControlPlane {
    processes: Vec<Child>,
    cgroups: Vec<PathBuf>,
}

impl ControlPlane {
    /// Lays the files out over this machine and starts the components.
    ///
    /// # Panics
    ///
    /// If anything of it cannot be done.
    pub fn start() -> Self {
        let host = CapturedHost::load(&host_path(HOST))
            .unwrap_or_else(|error| panic!("{}", chain(&error)));
        layers();
        let files: BTreeMap<&String, &CapturedFile> = host
            .files
            .iter()
            .filter(|(path, _)| !path.starts_with("/proc/"))
            .collect();
        for (path, file) in &files {
            lay(path, file);
        }
        keys(files.keys().map(|path| path.as_str()));
        let programs = Programs::new();
        let components: Vec<Component<'_>> = host
            .files
            .keys()
            .filter_map(|path| Component::of(&host, path))
            .collect();
        for component in &components {
            programs.install(component);
        }
        // What is as old as the process may have changed after its start; the clock of starts is coarse.
        std::thread::sleep(Duration::from_secs(2));
        let mut plane = Self {
            processes: Vec::new(),
            cgroups: Vec::new(),
        };
        for component in &components {
            plane.run(component);
        }
        plane
    }

    fn run(&mut self, component: &Component<'_>) {
        let [program, arguments @ ..] = component.argv.as_slice() else {
            return;
        };
        let mut command = if component.root == "/" {
            let mut command = Command::new(&component.executable);
            command.arg0(program);
            command
        } else {
            let mut command = Command::new("unshare");
            command
                .args(["--mount", "sh", "-c", CONTAINER, &component.root])
                .arg(program);
            command
        };
        let child = command
            .args(arguments)
            .env_clear()
            .env(
                "PATH",
                "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            )
            .envs(component.environment.clone())
            .stdin(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", component.executable));
        let root = HIERARCHIES
            .iter()
            .map(Path::new)
            .find(|root| root.join("cgroup.procs").exists());
        if let Some(root) = root {
            let cgroup = below(root, component.cgroup);
            // Where it may not be put there it is told by its arguments alone.
            if fs::create_dir_all(&cgroup).is_ok() {
                drop(fs::write(
                    cgroup.join("cgroup.procs"),
                    child.id().to_string(),
                ));
                self.cgroups.push(cgroup);
            }
        }
        self.processes.push(child);
    }
}

impl Drop for ControlPlane {
    fn drop(&mut self) {
        for process in &mut self.processes {
            drop(process.kill());
            drop(process.wait());
        }
        for cgroup in &self.cgroups {
            // Those above it may be the machine's own, and are not empty then.
            let made = cgroup
                .ancestors()
                .take_while(|folder| !HIERARCHIES.map(Path::new).contains(folder));
            for folder in made {
                if fs::remove_dir(folder).is_err() {
                    break;
                }
            }
        }
    }
}

/// A process of the captured host.
struct Component<'a> {
    argv: Vec<&'a OsStr>,
    environment: Vec<(&'a OsStr, &'a OsStr)>,
    executable: String,
    root: String,
    cgroup: &'a str,
}

impl<'a> Component<'a> {
    /// Returns the one whose arguments are in the file at `path`; its first process and threads of the kernel are none.
    fn of(host: &'a CapturedHost, path: &str) -> Option<Self> {
        let folder = path.strip_suffix("/cmdline")?;
        let text = |name: &str| match &host.files.get(&format!("{folder}/{name}"))?.what {
            What::Regular(text) | What::Symlink(text) => Some(text.as_slice()),
            _ => None,
        };
        let name = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let words = |text: &'a [u8]| {
            text.split(|byte| *byte == 0)
                .filter(|word| !word.is_empty())
                .map(OsStr::from_bytes)
        };
        let argv: Vec<&OsStr> = words(text("cmdline")?).collect();
        if folder == "/proc/1" || argv.is_empty() {
            return None;
        }
        let environment = words(text("environ").unwrap_or_default()).filter_map(|variable| {
            let at = variable.as_bytes().iter().position(|byte| *byte == b'=')?;
            let (key, value) = variable.as_bytes().split_at(at);
            Some((OsStr::from_bytes(key), OsStr::from_bytes(value.get(1..)?)))
        });
        let cgroup = std::str::from_utf8(text("cgroup")?).ok()?;
        Some(Self {
            argv,
            environment: environment.collect(),
            executable: name(text("exe")?),
            root: name(text("root")?),
            cgroup: cgroup.trim_end().strip_prefix("0::")?,
        })
    }

    /// Returns where its program lies, as the host sees it.
    fn place(&self) -> String {
        match self.root.as_str() {
            "/" => self.executable.clone(),
            root => format!(
                "{root}{}",
                self.executable
                    .strip_prefix(root)
                    .unwrap_or(&self.executable)
            ),
        }
    }
}

/// Puts a layer over each folder that is written to, so that the machine's own stay as they are.
fn layers() {
    for folder in LAYERED.iter().filter(|folder| Path::new(folder).is_dir()) {
        let (upper, work) = (
            format!("/run/layers{folder}/upper"),
            format!("/run/layers{folder}/work"),
        );
        for made in [&upper, &work] {
            fs::create_dir_all(made).unwrap_or_else(|error| panic!("{made}: {error}"));
        }
        let options = format!("lowerdir={folder},upperdir={upper},workdir={work}");
        mount(&["-t", "overlay", "overlay", "-o", &options, folder]);
    }
}

/// Writes one file of the captured host, with its mode and its owner.
fn lay(path: &str, file: &CapturedFile) {
    let root = Path::new("/");
    let place = below(root, path);
    if matches!(file.what, What::Symlink(_)) && place.symlink_metadata().is_ok() {
        return;
    }
    let written = write(root, path, file).and_then(|()| {
        if matches!(file.what, What::Symlink(_)) {
            return Ok(());
        }
        std::os::unix::fs::chown(&place, Some(file.uid), Some(file.gid))?;
        fs::set_permissions(&place, fs::Permissions::from_mode(file.mode))
    });
    written.unwrap_or_else(|error| panic!("{path}: {error}"));
    debug_assert!(!matches!(file.what, What::Other(kind) if kind != FileKind::Directory));
}

/// Makes certificates and keys of what the captured host only says are some, and more of them.
fn keys<'a>(paths: impl Iterator<Item = &'a str>) {
    let authority = Authority::new("kubernetes");
    let certified = authority.client("control-plane");
    let (mut found, mut containers) = (0, Vec::new());
    for path in paths {
        let Some((before, name)) = path.split_once(PKI) else {
            continue;
        };
        let content = match Path::new(name).extension().and_then(OsStr::to_str) {
            Some("crt") if name.ends_with("ca.crt") => None,
            Some("crt") => Some(&certified.pem),
            Some("key" | "pub") => Some(&certified.key_pem),
            _ if name.is_empty() && !before.is_empty() => {
                containers.push(path.to_owned());
                continue;
            }
            _ => continue,
        };
        found += usize::from(before.is_empty());
        if let Some(content) = content {
            fs::write(path, content).unwrap_or_else(|error| panic!("{path}: {error}"));
        }
    }
    for number in found..PKI_FILES {
        let (kind, content, mode) = if number % 2 == 0 {
            ("crt", &certified.pem, 0o644)
        } else {
            ("key", &certified.key_pem, 0o600)
        };
        for folder in containers.iter().map(String::as_str).chain([PKI]) {
            let path = format!("{folder}/client-{:02}.{kind}", number / 2);
            let written = fs::write(&path, content)
                .and_then(|()| fs::set_permissions(&path, fs::Permissions::from_mode(mode)));
            written.unwrap_or_else(|error| panic!("{path}: {error}"));
        }
    }
}

/// Makes the programs of the components.
struct Programs(tempfile::TempDir);

impl Programs {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap_or_else(|error| panic!("no temporary folder: {error}")))
    }

    /// Compiles a static program that waits until its input ends, and that says of itself what the component would.
    fn install(&self, component: &Component<'_>) {
        let place = component.place();
        let said = build_information(&component.executable);
        let source = format!(
            "#[repr(C, align(16))] struct Said([u8; {}]);
             #[used] #[unsafe(link_section = \".go.buildinfo\")] static SAID: Said = Said({said:?});
             fn main() {{ drop(std::io::stdin().read_line(&mut String::new())); }}\n",
            said.len()
        );
        let file = self.0.path().join("program.rs");
        fs::write(&file, source).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        // A program that runs cannot be written to; there is none yet.
        drop(fs::remove_file(&place));
        let compiler = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let status = Command::new(compiler)
            .args([
                "--edition",
                "2024",
                "-C",
                "opt-level=1",
                "-C",
                "strip=debuginfo",
            ])
            .args(["-C", "target-feature=+crt-static", "-o", &place])
            .arg(&file)
            .status();
        assert!(
            status.is_ok_and(|status| status.success()),
            "{place} could not be compiled"
        );
    }
}

/// Returns the build information of a Go program, as `go build` has laid it down since Go 1.18.
fn build_information(executable: &str) -> Vec<u8> {
    let name = executable.rsplit('/').next().unwrap_or_default();
    let built = BUILT.iter().find(|(program, ..)| *program == name);
    let (_, package, module) = built.unwrap_or_else(|| panic!("what is {name} built from?"));
    let lines = format!("{SENTINEL}path\t{package}\nmod\t{module}\t\n{SENTINEL}");
    let mut said = b"\xff Go buildinf:\x08\x02".to_vec();
    said.resize(32, 0);
    for text in ["go1.24.9", &lines] {
        let mut rest = text.len();
        while rest > 0x7f {
            said.push(u8::try_from(rest & 0x7f).unwrap_or_default() | 0x80);
            rest >>= 7;
        }
        said.push(u8::try_from(rest).unwrap_or_default());
        said.extend(text.as_bytes());
    }
    said
}
