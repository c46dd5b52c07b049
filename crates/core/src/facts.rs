//! Facts: everything read about one node, taken once, before any judgement.
//!
//! Bytes, not interpretations. What could not be read is in them as well, with its cause. The document
//! (`kubeassay.facts/v1`) can be written on one machine and judged on another, a year later.

mod cluster;
mod endpoints;
pub mod objects;
mod services;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::bytes::Bytes;
use crate::component::Component;
use crate::verdict::Cause;

pub use cluster::{ClusterFacts, ObjectFacts};
pub use endpoints::{EndpointFacts, Identity, Request, Response, Trust, Via};
pub use services::ServiceFacts;

/// The schema of the facts document; a newer major is refused.
pub const SCHEMA: &str = "kubeassay.facts/v1";

/// Who wrote a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Tool {
    /// Always `kubeassay`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The commit it was built from, where the build knew it.
    #[serde(default)]
    pub commit: Option<String>,
}

/// Where facts were taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// The machine kubeassay runs on.
    Live,
    /// A mounted host root with a live procfs.
    Root,
    /// A captured host: a file, or a folder with a recorded `proc`.
    Captured,
    /// Facts documents taken earlier.
    Facts,
    /// A cluster's API.
    Cluster,
    /// The endpoints of a kubelet, and no host.
    Endpoint,
    /// The recorded node inside the binary.
    Demo,
}

/// The facts of one node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Facts {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// Who collected them.
    pub tool: Tool,
    /// When collecting began.
    pub started: Timestamp,
    /// When it ended.
    pub finished: Timestamp,
    /// Where they were taken.
    pub source: Source,
    /// What whoever took them was allowed to do; null where that is not known or plays no part, as for a
    /// captured host.
    #[serde(default)]
    pub reader: Option<Reader>,
    /// Whether everything that was looked for was reached before the time limit.
    pub complete: bool,
    /// The node itself.
    pub node: NodeFacts,
    /// Processes that may be a component.
    #[serde(default)]
    pub processes: Vec<ProcessFacts>,
    /// Services that start a component, or would.
    #[serde(default)]
    pub services: Vec<ServiceFacts>,
    /// Files of the node that are no single process's, as the host sees them: manifests of static pods, keys and
    /// certificates, kubeconfigs, and what platforms are told by.
    #[serde(default)]
    pub files: Vec<FileFacts>,
    /// What kubelets of the node answered over the network.
    #[serde(default)]
    pub endpoints: Vec<EndpointFacts>,
    /// What could not be read, beyond single files.
    #[serde(default)]
    pub problems: Vec<Problem>,
}

impl Facts {
    /// Returns facts in which nothing was read yet.
    pub fn new(tool: Tool, source: Source, started: Timestamp) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            tool,
            started,
            finished: started,
            source,
            reader: None,
            complete: false,
            node: NodeFacts::default(),
            processes: Vec::new(),
            services: Vec::new(),
            files: Vec::new(),
            endpoints: Vec::new(),
            problems: Vec::new(),
        }
    }

    /// Returns the processes of one component.
    pub fn processes_of(&self, component: Component) -> impl Iterator<Item = &ProcessFacts> {
        self.processes
            .iter()
            .filter(move |process| process.component == component)
    }

    /// Returns the processes that may be a kubelet.
    pub fn kubelets(&self) -> impl Iterator<Item = &ProcessFacts> {
        self.processes_of(Component::Kubelet)
    }

    /// Returns the services that start one component.
    pub fn services_of(&self, component: Component) -> impl Iterator<Item = &ServiceFacts> {
        self.services
            .iter()
            .filter(move |service| service.component == component)
    }

    /// Returns the facts of the node's file that was read for `need`.
    pub fn file(&self, need: &Need) -> Option<&FileFacts> {
        self.files.iter().find(|file| file.need == *need)
    }
}

/// Whoever took the facts: what it was allowed to do, and so what it could see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Reader {
    /// Its effective user id, in its own user namespace.
    pub uid: u32,
    /// It had `CAP_DAC_READ_SEARCH`: it may read every file and search every folder.
    pub dac_read_search: bool,
    /// It had `CAP_SYS_PTRACE`: it may look into every process.
    pub sys_ptrace: bool,
}

/// What is known of the node as a whole.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NodeFacts {
    /// Keyed hash of the machine id (the id itself is not in the facts), in hexadecimal.
    #[serde(default)]
    pub id: Option<String>,
    /// The host's name.
    #[serde(default)]
    pub hostname: Option<Bytes>,
    /// The folder the host was read below; null for `/`.
    #[serde(default)]
    pub root: Option<Bytes>,
    /// The node's object of the API; null where the API was not asked.
    #[serde(default)]
    pub object: Option<NodeObject>,
    /// The operating system.
    #[serde(default)]
    pub platform: Platform,
    /// When the kernel started.
    #[serde(default)]
    pub boot_time: Option<Timestamp>,
    /// What could be seen of the process table.
    #[serde(default)]
    pub process_table: ProcessTable,
    /// Installed packages that bring a component.
    #[serde(default)]
    pub packages: Vec<Package>,
    /// Distributions that embed their kubelet in a program of their own, and why we think one is here.
    #[serde(default)]
    pub distributions: Vec<Distribution>,
    /// The names of the users whose ids are in these facts, by the host's own `/etc/passwd`.
    #[serde(default)]
    pub users: BTreeMap<u32, Bytes>,
    /// The names of the groups whose ids are in these facts, by the host's own `/etc/group`.
    #[serde(default)]
    pub groups: BTreeMap<u32, Bytes>,
}

/// Labels and annotations of nodes that tell whose node it is, by the start of their keys.
const TELLING: [&str; 14] = [
    "node-role.kubernetes.io/",
    "node.openshift.io/",
    "eks.amazonaws.com/",
    "cloud.google.com/",
    "kubernetes.azure.com/",
    "node.kubernetes.io/instance-type",
    "microk8s.io/",
    "k3s.io/",
    "node.k0sproject.io/",
    "rke.cattle.io/",
    "minikube.k8s.io/",
    "karpenter.sh/",
    "kops.k8s.io/",
    "kubeadm.alpha.kubernetes.io/cri-socket",
];

/// Returns whether a label or annotation of a node tells which platform it is of.
pub fn is_telling(key: &str) -> bool {
    TELLING.iter().any(|start| key.starts_with(start))
}

/// What the API says of a node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NodeObject {
    /// Its name.
    pub name: String,
    /// Its UID.
    #[serde(default)]
    pub uid: Option<String>,
    /// The version of its kubelet, such as `v1.34.2` (`status.nodeInfo.kubeletVersion`).
    #[serde(default)]
    pub kubelet_version: Option<String>,
    /// Its operating system, such as `linux` (`status.nodeInfo.operatingSystem`).
    #[serde(default)]
    pub operating_system: Option<String>,
    /// Its operating system's name, such as `Bottlerocket OS 1.26.1 (aws-k8s-1.31)` (`status.nodeInfo.osImage`).
    #[serde(default)]
    pub os_image: Option<String>,
    /// Whose machine it is, such as `aws` or `kind`: the scheme of `spec.providerID`.
    #[serde(default)]
    pub provider: Option<String>,
    /// Its labels and annotations that tell the platform ([`is_telling`]); others are not kept.
    #[serde(default)]
    pub marks: BTreeMap<String, String>,
    /// Why nodes of its kind cannot be scanned: Windows, or no kubelet of Kubernetes' own behind it.
    #[serde(default)]
    pub unsupported: Option<String>,
}

/// The operating system of the node, from `os-release`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Platform {
    /// `ID` of os-release, such as `debian`.
    #[serde(default)]
    pub id: Option<String>,
    /// `VERSION_ID`.
    #[serde(default)]
    pub version: Option<String>,
    /// The files that said so.
    #[serde(default)]
    pub evidence: Vec<Bytes>,
}

/// How much of the process table could be seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProcessTable {
    /// How many processes were seen.
    pub seen: u32,
    /// `/proc` hides the processes of others (`hidepid`), and nothing lets us see them.
    #[serde(default)]
    pub hides_others: bool,
    /// The scan runs in a container and sees only the container's own processes.
    #[serde(default)]
    pub own_namespace_only: bool,
    /// Processes that may have been a component and could not be read.
    #[serde(default)]
    pub unreadable: Vec<Unreadable>,
}

/// A process that could not be read far enough to tell what it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Unreadable {
    /// Its id.
    pub pid: u32,
    /// What went wrong.
    pub cause: Cause,
    /// One sentence for a person.
    pub reason: String,
}

/// An installed package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its version as the package database writes it.
    pub version: String,
    /// The upstream version in it, such as `1.34.2`.
    pub upstream: String,
    /// The database file.
    pub path: Bytes,
    /// The line of the version, from 1.
    pub line: u32,
}

/// A distribution that embeds its kubelet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Distribution {
    /// Its name, such as `k3s`.
    pub id: String,
    /// The files and processes that say so.
    pub evidence: Vec<Bytes>,
    /// Whether one of its processes runs.
    pub running: bool,
}

/// A process that may be a component.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProcessFacts {
    /// Its id in the host's process table.
    pub pid: u32,
    /// Which component it may be.
    #[serde(default = "kubelet")]
    pub component: Component,
    /// Why it may be a component, strongest first.
    pub recognised_by: Vec<Recognition>,
    /// What `/proc/PID/exe` says, without ` (deleted)`.
    #[serde(default)]
    pub exe: Option<Bytes>,
    /// The executable was deleted or replaced since the start.
    #[serde(default)]
    pub exe_deleted: bool,
    /// Its `comm`.
    #[serde(default)]
    pub comm: Option<Bytes>,
    /// Its arguments exactly as in `cmdline`, secrets replaced by their digest.
    pub argv: Vec<Bytes>,
    /// Its working directory, in its own view; null where it could not be told.
    #[serde(default)]
    pub cwd: Option<Bytes>,
    /// The environment variables that change how a component reads its configuration, and no others.
    /// Null: the environment could not be read.
    #[serde(default)]
    pub environment: Option<BTreeMap<String, Bytes>>,
    /// When it started.
    #[serde(default)]
    pub started: Option<Moment>,
    /// Its effective user id as the host's user namespace sees it.
    #[serde(default)]
    pub uid: Option<u32>,
    /// Its cgroup.
    #[serde(default)]
    pub cgroup: Option<Bytes>,
    /// The service unit in its cgroup.
    #[serde(default)]
    pub unit: Option<Bytes>,
    /// Which of its namespaces are the host's; null where it could not be told.
    #[serde(default)]
    pub namespaces: Namespaces,
    /// How its files were reached.
    pub view: View,
    /// The files it reads, in its own view.
    #[serde(default)]
    pub files: Vec<FileFacts>,
    /// What its executable says of its version.
    #[serde(default)]
    pub executable: Option<ExecutableFacts>,
    /// What could not be read of it.
    #[serde(default)]
    pub problems: Vec<Problem>,
}

/// What a process is in facts that were taken before there were others.
const fn kubelet() -> Component {
    Component::Kubelet
}

impl ProcessFacts {
    /// Returns a kubelet of which nothing but its arguments is known.
    pub fn new(pid: u32, argv: Vec<Bytes>) -> Self {
        Self {
            pid,
            component: Component::Kubelet,
            recognised_by: Vec::new(),
            exe: None,
            exe_deleted: false,
            comm: None,
            argv,
            cwd: None,
            environment: None,
            started: None,
            uid: None,
            cgroup: None,
            unit: None,
            namespaces: Namespaces::default(),
            view: View::Own,
            files: Vec::new(),
            executable: None,
            problems: Vec::new(),
        }
    }

    /// Returns the facts of the file that was read for `need`.
    pub fn file(&self, need: &Need) -> Option<&FileFacts> {
        self.files.iter().find(|file| file.need == *need)
    }

    /// Returns whether it is no component of this node but lives in a workload.
    ///
    /// A kubelet does if it is not root of the host's user namespace, or its cgroup is a pod's. The others run in
    /// pods of the node's own as a rule, and those have the host's network; some distributions give them users of
    /// their own.
    pub fn in_pod(&self) -> bool {
        let cgroup = self.cgroup.as_ref().map_or(&b""[..], Bytes::as_slice);
        let pod = cgroup.windows(7).any(|window| window == b"kubepod");
        let foreign = self.namespaces.user == Some(false);
        match self.component {
            Component::Kubelet => pod || foreign || self.uid.is_some_and(|uid| uid != 0),
            // Where the network could not be told, it may be the node's.
            _ => foreign || (pod && self.namespaces.network == Some(false)),
        }
    }
}

/// Why a process may be a component.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Recognition {
    /// What was looked at.
    pub by: RecognisedBy,
    /// What was seen there.
    pub seen: Bytes,
}

/// What a process was recognised by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum RecognisedBy {
    /// The main package in the executable's build information.
    BuildInformation,
    /// The same file as a kubelet at a known path.
    Inode,
    /// The base name of the executable.
    ExeName,
    /// Its `comm`.
    Comm,
    /// The base name of its first argument.
    Argv0,
}

/// A moment and how far off it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Moment {
    /// The moment.
    pub at: Timestamp,
    /// The error in milliseconds, either way.
    pub error_ms: u32,
}

/// Which namespaces a process shares with the host; null where it could not be told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Namespaces {
    /// The mount namespace.
    #[serde(default)]
    pub mount: Option<bool>,
    /// The user namespace.
    #[serde(default)]
    pub user: Option<bool>,
    /// The PID namespace.
    #[serde(default)]
    pub pid: Option<bool>,
    /// The network namespace.
    #[serde(default)]
    pub network: Option<bool>,
}

/// How the files of a process were reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum View {
    /// Through `/proc/PID/root`.
    Own,
    /// Through the host's root, because its mounts equal those of the host's first process.
    Host,
    /// Not at all: its root may not be opened.
    Denied,
}

/// Something of a file that a component reads, so that it must be in the facts.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Need {
    /// How much of it.
    pub what: NeedKind,
    /// Absolute path in the process's own view.
    pub path: Bytes,
}

/// How much of a file is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum NeedKind {
    /// Its content, symbolic links followed: it is configuration.
    Content,
    /// Its type without following a symbolic link in the last component (a trailing slash does follow),
    /// and the names and types of its entries if it is a directory.
    Listing,
    /// Only whether it is there, symbolic links followed: its content is never read.
    Presence,
    /// The first certificate in it (PEM), symbolic links followed: `sha256` is the digest of its DER, and the content
    /// is not kept. Nothing behind that certificate is read; where something else comes first, nothing is.
    Certificate,
    /// The public keys of all certificates in it (PEM), symbolic links followed: their digests are in `public_keys`,
    /// and the content is not kept. Where anything but certificates stands in it, nothing is read.
    PublicKeys,
    /// Its type, mode and owner, symbolic links followed, and the names and types of its entries if it is a directory:
    /// its content is never read.
    Metadata,
}

/// A file (or directory) as it was found. Either it was read, or `problem` says why not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FileFacts {
    /// What was needed of it.
    pub need: Need,
    /// Its type.
    #[serde(default)]
    pub kind: Option<FileKind>,
    /// Permission bits.
    #[serde(default)]
    pub mode: Option<u32>,
    /// Owner.
    #[serde(default)]
    pub uid: Option<u32>,
    /// Group.
    #[serde(default)]
    pub gid: Option<u32>,
    /// Size in bytes.
    #[serde(default)]
    pub size: Option<u64>,
    /// Last change of the content, where the source's times can be trusted.
    #[serde(default)]
    pub modified: Option<Timestamp>,
    /// Last change of the inode (ctime), where the source's times can be trusted.
    #[serde(default)]
    pub changed: Option<Timestamp>,
    /// Symbolic links followed on the way, in order.
    #[serde(default)]
    pub links: Vec<Link>,
    /// Hexadecimal SHA-256 of the content as it was on the host.
    #[serde(default)]
    pub sha256: Option<String>,
    /// Hexadecimal SHA-256 of the `SubjectPublicKeyInfo` of each certificate in it, in their order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_keys: Option<Vec<String>>,
    /// The content, secrets replaced by their digest; only for configuration.
    #[serde(default)]
    pub content: Option<Bytes>,
    /// The entries of a directory, sorted by name.
    #[serde(default)]
    pub entries: Option<Vec<Entry>>,
    /// Why it could not be read.
    #[serde(default)]
    pub problem: Option<Trouble>,
}

impl FileFacts {
    /// Returns the facts of a file of which nothing is known yet.
    pub const fn new(need: Need) -> Self {
        Self {
            need,
            kind: None,
            mode: None,
            uid: None,
            gid: None,
            size: None,
            modified: None,
            changed: None,
            links: Vec::new(),
            sha256: None,
            public_keys: None,
            content: None,
            entries: None,
            problem: None,
        }
    }

    /// Returns the facts of a file that could not be read.
    pub fn unread(need: Need, cause: Cause, reason: impl Into<String>) -> Self {
        Self {
            problem: Some(Trouble {
                cause,
                reason: reason.into(),
            }),
            ..Self::new(need)
        }
    }

    /// Returns the last moment at which the file, or a link followed on the way to it, changed.
    pub fn last_change(&self) -> Option<Timestamp> {
        let links = self
            .links
            .iter()
            .flat_map(|link| [link.modified, link.changed]);
        links.chain([self.modified, self.changed]).flatten().max()
    }

    /// Returns the last moment at which another folder may have come to lie here: it was renamed (or its mode or
    /// owner set, which cannot be told apart), or a link followed on the way to it changed.
    pub fn last_move(&self) -> Option<Timestamp> {
        let renamed = self
            .changed
            .filter(|changed| self.modified.is_some_and(|modified| *changed > modified));
        let links = self.links.iter();
        let linked = links.flat_map(|link| [link.modified, link.changed]);
        linked.flatten().chain(renamed).max()
    }
}

/// A symbolic link that was followed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Link {
    /// Where it lies, in the process's view.
    pub path: Bytes,
    /// What it says.
    pub target: Bytes,
    /// Last change of what it says.
    #[serde(default)]
    pub modified: Option<Timestamp>,
    /// Last change of its inode.
    #[serde(default)]
    pub changed: Option<Timestamp>,
}

/// An entry of a directory, not followed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Entry {
    /// Its name.
    pub name: Bytes,
    /// Its type.
    pub kind: FileKind,
}

/// The type of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum FileKind {
    /// A regular file.
    Regular,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A FIFO.
    Fifo,
    /// A socket.
    Socket,
    /// A character device.
    CharacterDevice,
    /// A block device.
    BlockDevice,
}

/// Why something could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Trouble {
    /// The cause.
    pub cause: Cause,
    /// One sentence for a person.
    pub reason: String,
}

/// What an executable says of itself, read and never run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ExecutableFacts {
    /// The Go release it was built with.
    #[serde(default)]
    pub go_version: Option<String>,
    /// Its main package.
    #[serde(default)]
    pub main_package: Option<String>,
    /// The Kubernetes versions it may be; one where it is sure.
    #[serde(default)]
    pub versions: Vec<String>,
    /// How they were found: `build-information` or `variable`.
    #[serde(default)]
    pub found_by: Option<String>,
    /// Why nothing could be read.
    #[serde(default)]
    pub problem: Option<Trouble>,
}

/// Something that could not be read or understood.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Problem {
    /// The cause.
    pub cause: Cause,
    /// The path or process it is about.
    #[serde(default)]
    pub path: Option<Bytes>,
    /// One sentence for a person, with what to do about it.
    pub reason: String,
}

#[cfg(test)]
mod tests {
    use super::{Namespaces, ProcessFacts};
    use crate::bytes::Bytes;
    use crate::component::Component;

    #[test]
    fn what_could_not_be_told_of_a_control_plane_leaves_it_the_nodes_own() {
        for (component, cgroup, network, user, in_pod) in [
            (
                Component::ApiServer,
                "/kubepods.slice/a",
                Some(true),
                Some(true),
                false,
            ),
            (
                Component::ApiServer,
                "/kubepods.slice/a",
                Some(false),
                Some(true),
                true,
            ),
            (Component::ApiServer, "/kubepods.slice/a", None, None, false),
            (
                Component::ApiServer,
                "/system.slice/a",
                Some(false),
                Some(true),
                false,
            ),
            (
                Component::Etcd,
                "/system.slice/a",
                Some(true),
                Some(false),
                true,
            ),
            (
                Component::Kubelet,
                "/kubepods.slice/a",
                Some(true),
                Some(true),
                true,
            ),
            (
                Component::Kubelet,
                "/system.slice/a",
                Some(true),
                Some(true),
                false,
            ),
        ] {
            let process = ProcessFacts {
                component,
                cgroup: Some(Bytes::from(cgroup)),
                namespaces: Namespaces {
                    user,
                    network,
                    ..Namespaces::default()
                },
                ..ProcessFacts::new(1, Vec::new())
            };
            assert_eq!(process.in_pod(), in_pod, "{component} {cgroup} {network:?}");
        }
    }
}
