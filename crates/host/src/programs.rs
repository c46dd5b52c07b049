//! Names of programs: components, those that embed some, and those that certainly are none.

use kubeassay_core::Component;

/// The base name of a kubelet's executable.
pub(crate) const KUBELET: &[u8] = b"kubelet";

/// A program that is a component.
pub(crate) struct Program {
    pub(crate) component: Component,
    /// The base name of its executable.
    pub(crate) name: &'static str,
    /// Main packages in its build information.
    packages: &'static [&'static str],
}

/// The programs that are components.
const PROGRAMS: &[Program] = &[
    Program {
        component: Component::Kubelet,
        name: "kubelet",
        packages: &["k8s.io/kubernetes/cmd/kubelet"],
    },
    Program {
        component: Component::ApiServer,
        name: "kube-apiserver",
        packages: &["k8s.io/kubernetes/cmd/kube-apiserver"],
    },
    Program {
        component: Component::ControllerManager,
        name: "kube-controller-manager",
        packages: &["k8s.io/kubernetes/cmd/kube-controller-manager"],
    },
    Program {
        component: Component::Scheduler,
        name: "kube-scheduler",
        packages: &["k8s.io/kubernetes/cmd/kube-scheduler"],
    },
    Program {
        component: Component::KubeProxy,
        name: "kube-proxy",
        packages: &["k8s.io/kubernetes/cmd/kube-proxy"],
    },
    Program {
        component: Component::Etcd,
        name: "etcd",
        packages: &["go.etcd.io/etcd/server/v3", "go.etcd.io/etcd"],
    },
    Program {
        component: Component::ContainerRuntime,
        name: "containerd",
        packages: &[
            "github.com/containerd/containerd/v2/cmd/containerd",
            "github.com/containerd/containerd/cmd/containerd",
        ],
    },
    Program {
        component: Component::ContainerRuntime,
        name: "crio",
        packages: &["github.com/cri-o/cri-o/cmd/crio"],
    },
    // They hold components inside themselves. k3s calls its processes by what they do.
    Program {
        component: Component::Distribution,
        name: "k3s",
        packages: &[],
    },
    Program {
        component: Component::Distribution,
        name: "k3s-server",
        packages: &[],
    },
    Program {
        component: Component::Distribution,
        name: "k3s-agent",
        packages: &[],
    },
    Program {
        component: Component::Distribution,
        name: "kubelite",
        packages: &[],
    },
    Program {
        component: Component::Distribution,
        name: "microshift",
        packages: &[],
    },
];

/// The longest name that `comm` holds.
const COMM: usize = 15;

/// Returns the component whose build information names this main package.
pub(crate) fn of_package(package: &str) -> Option<&'static Program> {
    PROGRAMS
        .iter()
        .find(|program| program.packages.contains(&package))
}

/// Returns the component whose executable has this base name.
pub(crate) fn of_name(name: &[u8]) -> Option<&'static Program> {
    PROGRAMS
        .iter()
        .find(|program| program.name.as_bytes() == name)
}

/// Returns the component that this `comm` names, which holds 15 bytes of it.
pub(crate) fn of_comm(comm: &[u8]) -> Option<&'static Program> {
    PROGRAMS.iter().find(|program| {
        let name = program.name.as_bytes();
        name.get(..COMM).unwrap_or(name) == comm
    })
}

/// Where distributions install a kubelet.
pub(crate) const KUBELET_PATHS: &[&str] = &[
    "/usr/bin/kubelet",
    "/usr/local/bin/kubelet",
    "/usr/sbin/kubelet",
    "/usr/local/sbin/kubelet",
    "/opt/bin/kubelet",
    "/opt/kubernetes/bin/kubelet",
    "/home/kubernetes/bin/kubelet",
    "/var/lib/k0s/bin/kubelet",
    "/run/k0s/bin/kubelet",
];

/// Where distributions install a kubelet below a folder named by its version: the folder of folders, and
/// the rest of the path.
pub(crate) const VERSIONED_KUBELET_PATHS: &[(&str, &str)] = &[
    ("/var/lib/minikube/binaries", "kubelet"),
    ("/var/lib/rancher/rke2/data", "bin/kubelet"),
];

/// A distribution that runs the kubelet inside a program of its own, or starts it by itself.
pub(crate) struct Embedding {
    pub(crate) id: &'static str,
    /// Names of its processes: of the executable or as `comm`.
    pub(crate) processes: &'static [&'static str],
    /// What an installation has.
    pub(crate) files: &'static [&'static str],
}

/// Distributions that embed their kubelet.
pub(crate) const EMBEDDINGS: &[Embedding] = &[
    Embedding {
        id: "k3s",
        processes: &["k3s", "k3s-server", "k3s-agent"],
        files: &[
            "/usr/local/bin/k3s",
            "/usr/bin/k3s",
            "/opt/bin/k3s",
            "/etc/rancher/k3s",
            "/var/lib/rancher/k3s",
        ],
    },
    Embedding {
        id: "rke2",
        processes: &["rke2", "rke2-server", "rke2-agent"],
        files: &[
            "/usr/local/bin/rke2",
            "/usr/bin/rke2",
            "/opt/rke2/bin/rke2",
            "/etc/rancher/rke2",
            "/var/lib/rancher/rke2",
        ],
    },
    Embedding {
        id: "k0s",
        processes: &["k0s"],
        files: &[
            "/usr/local/bin/k0s",
            "/usr/bin/k0s",
            "/etc/k0s",
            "/var/lib/k0s",
        ],
    },
    Embedding {
        id: "microk8s",
        processes: &["kubelite"],
        files: &["/snap/microk8s/current", "/var/snap/microk8s/current"],
    },
    Embedding {
        id: "microshift",
        processes: &["microshift"],
        files: &[
            "/usr/bin/microshift",
            "/etc/microshift",
            "/var/lib/microshift",
        ],
    },
];

/// Well-known programs that are run with a kubelet's name in their arguments, or as a script of that name.
const OTHERS: &[&str] = &[
    // Shells and what starts other programs.
    "ash",
    "bash",
    "busybox",
    "coreutils",
    "csh",
    "dash",
    "doas",
    "env",
    "fish",
    "ksh",
    "mksh",
    "nice",
    "nohup",
    "nsenter",
    "pdksh",
    "rbash",
    "runuser",
    "screen",
    "setpriv",
    "setsid",
    "sh",
    "ssh",
    "sshd",
    "stdbuf",
    "su",
    "sudo",
    "sudo-rs",
    "systemd",
    "systemd-run",
    "tcsh",
    "timeout",
    "tini",
    "tmux",
    "toybox",
    "unshare",
    "xargs",
    "zsh",
    // Interpreters: a script named kubelet.
    "java",
    "lua",
    "node",
    "perl",
    "php",
    "pypy",
    "python",
    "ruby",
    "tclsh",
    // Editors and pagers.
    "cat",
    "ed",
    "emacs",
    "head",
    "helix",
    "hx",
    "joe",
    "less",
    "micro",
    "more",
    "most",
    "nano",
    "nvim",
    "sed",
    "tail",
    "vi",
    "view",
    "vim",
    // Searching and looking.
    "ag",
    "awk",
    "ack",
    "cut",
    "diff",
    "egrep",
    "fgrep",
    "find",
    "gawk",
    "grep",
    "htop",
    "journalctl",
    "jq",
    "ls",
    "lsof",
    "mawk",
    "pgrep",
    "pidof",
    "pkill",
    "ps",
    "rg",
    "sleep",
    "sort",
    "ss",
    "stat",
    "strings",
    "systemctl",
    "tee",
    "top",
    "tree",
    "watch",
    "wc",
    "yq",
    // Tracing and copying.
    "bpftrace",
    "cp",
    "curl",
    "dlv",
    "gdb",
    "gdbserver",
    "ltrace",
    "md5sum",
    "mv",
    "perf",
    "rsync",
    "scp",
    "sha256sum",
    "strace",
    "tar",
    "wget",
];

/// Returns whether the executable of this name is a well-known program and no kubelet.
pub(crate) fn is_other(name: &[u8]) -> bool {
    let Ok(name) = std::str::from_utf8(name) else {
        return false;
    };
    // `python3.12`, `vim.basic`, `perl5.36.0`
    let plain = name.split('.').next().unwrap_or(name);
    let plain = plain.trim_end_matches(|character: char| character.is_ascii_digit());
    let plain = plain.strip_suffix('-').unwrap_or(plain);
    OTHERS.contains(&plain) || OTHERS.contains(&name)
}

/// Returns the last component of a path.
pub(crate) fn base_name(path: &[u8]) -> &[u8] {
    path.rsplit(|byte| *byte == b'/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::{base_name, is_other};

    #[test]
    fn versions_do_not_hide_a_well_known_program() {
        for name in [
            "bash",
            "python3",
            "python3.12",
            "vim.basic",
            "perl5.36.0",
            "sha256sum",
        ] {
            assert!(is_other(name.as_bytes()), "{name}");
        }
        for name in [
            "kubelet",
            "kubelet.real",
            "hyperkube",
            "node-agent",
            "memfd:agent",
            "",
        ] {
            assert!(!is_other(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn the_base_name_is_what_follows_the_last_slash() {
        assert_eq!(base_name(b"/usr/bin/kubelet"), b"kubelet");
        assert_eq!(base_name(b"kubelet"), b"kubelet");
        assert_eq!(base_name(b"/"), b"");
    }
}
