//! Whether the API servers enforce what namespaces are labelled with, as far as their pods tell.
//!
//! A label is enforced by the admission plugin `PodSecurity`, which may be off, make exemptions, or have a level of its own
//! for namespaces without a label. The API tells none of that. An API server that a kubelet runs from a file has a pod,
//! though, with its arguments.

use kubeassay_config::components::resolve;
use kubeassay_config::kubelet::{Documents, When};
use kubeassay_config::tables::Minor;
use kubeassay_core::facts::ProcessFacts;
use kubeassay_core::facts::objects::{ApiServer, Inventory};
use kubeassay_core::{Bytes, Component, Value};

/// How the API servers take the labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Enforcement<'a> {
    /// None of them shows: they run in no pod, or the lists or their version are not known.
    Unseen,
    /// The one of this pod has the plugin off.
    Off(&'a str),
    /// The one of this pod is told by a file, which a list of pods does not have.
    ByFile(&'a str),
    /// The one of this pod is told by variables, which a list of pods does not have either.
    ByVariable(&'a str),
    /// All that show do what Kubernetes does by itself; the one of this pod is the first.
    ByDefault(&'a str),
}

impl<'a> Enforcement<'a> {
    /// Works it out. `minor` is the version of the API servers.
    pub(super) fn of(inventory: &'a Inventory, minor: Option<Minor>) -> Self {
        let Some(minor) = minor.filter(|minor| minor.is_known()) else {
            return Self::Unseen;
        };
        let servers = inventory.api_servers.iter();
        let all: Vec<Self> = servers.map(|server| Self::by(server, minor)).collect();
        // What one of several does not do is not done for whoever asks that one.
        let first = |is: fn(&Self) -> bool| all.iter().find(|one| is(one)).copied();
        first(|one| matches!(one, Self::Off(_)))
            .or_else(|| first(|one| matches!(one, Self::ByFile(_) | Self::ByVariable(_))))
            .or_else(|| all.first().copied())
            .unwrap_or(Self::Unseen)
    }

    fn by(server: &'a ApiServer, minor: Minor) -> Self {
        if server
            .arguments
            .iter()
            .any(|argument| argument.contains("$("))
        {
            return Self::ByVariable(&server.pod);
        }
        let argv = std::iter::once("kube-apiserver")
            .chain(server.arguments.iter().map(AsRef::as_ref))
            .map(Bytes::from);
        let process = ProcessFacts {
            component: Component::ApiServer,
            ..ProcessFacts::new(0, argv.collect())
        };
        let documents = Documents::new(&process);
        let resolution = resolve(Component::ApiServer, &documents, minor, When::Now);
        let value = |path: &str| resolution.setting(path).and_then(|setting| setting.value());
        let is_on = match value("derived.admissionPlugins") {
            Some(Value::List(plugins)) => plugins.contains(&Value::string("PodSecurity")),
            _ => false,
        };
        if !is_on {
            return Self::Off(&server.pod);
        }
        match value("derived.podSecurityEnforce") {
            Some(_) => Self::ByDefault(&server.pod),
            None => Self::ByFile(&server.pod),
        }
    }

    /// Returns why it is not known what is enforced, where an API server was told what a list of pods does not have.
    pub(super) fn untold(self) -> Option<String> {
        let what = match self {
            Self::ByFile(pod) => format!(
                "the file that --admission-control-config-file of kube-system/{pod} names may set a default level and make exemptions"
            ),
            Self::ByVariable(pod) => format!(
                "variables in the arguments of kube-system/{pod} may turn the plugin PodSecurity off"
            ),
            Self::Unseen | Self::Off(_) | Self::ByDefault(_) => return None,
        };
        Some(format!("{what}, and only a scan of its node reads that"))
    }

    /// Returns what is assumed where a namespace has no label.
    pub(super) fn without_label(self) -> Option<String> {
        match self {
            Self::Unseen => Some("no default level is configured for the API server (--admission-control-config-file): a scan of its node tells".to_owned()),
            Self::Off(pod) => Some(off(pod)),
            Self::ByFile(_) | Self::ByVariable(_) => None,
            Self::ByDefault(pod) => Some(format!(
                "every API server is started as kube-system/{pod} is, without a default level: a scan of the other nodes tells"
            )),
        }
    }

    /// Returns what is assumed where a namespace has a label that asks for something.
    pub(super) fn with_label(self) -> Option<String> {
        match self {
            Self::Unseen => Some("the plugin PodSecurity is on and makes no exemptions: a scan of the API server's node tells".to_owned()),
            Self::Off(pod) => Some(off(pod)),
            Self::ByFile(_) | Self::ByVariable(_) => None,
            Self::ByDefault(pod) => Some(format!(
                "every API server is started as kube-system/{pod} is, with the plugin PodSecurity and without exemptions: a scan of the other nodes tells"
            )),
        }
    }
}

fn off(pod: &str) -> String {
    format!(
        "kube-system/{pod} runs as it says, with the plugin PodSecurity off: labels enforce nothing"
    )
}
