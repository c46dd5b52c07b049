//! The components that kubeassay knows.

use crate::verdict::words;

words! {
    /// A component of Kubernetes, or a program that several of them run inside of.
    Component {
        /// The kubelet.
        Kubelet = "kubelet",
        /// The API server.
        ApiServer = "kube-apiserver",
        /// The controller manager.
        ControllerManager = "kube-controller-manager",
        /// The scheduler.
        Scheduler = "kube-scheduler",
        /// etcd.
        Etcd = "etcd",
        /// kube-proxy.
        KubeProxy = "kube-proxy",
        /// containerd or CRI-O.
        ContainerRuntime = "container-runtime",
        /// A distribution's own program, which runs components inside itself: k3s, kubelite, microshift.
        Distribution = "distribution",
    }
}

impl Component {
    /// Returns the component that rules call by this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|component| component.as_str() == word)
    }

    /// Returns the name that its settings start with in a check, such as `apiserver` in
    /// `apiserver.flags.profiling`.
    pub const fn root(self) -> &'static str {
        match self {
            Self::Kubelet => "kubelet",
            Self::ApiServer => "apiserver",
            Self::ControllerManager => "controllerManager",
            Self::Scheduler => "scheduler",
            Self::Etcd => "etcd",
            Self::KubeProxy => "kubeProxy",
            Self::ContainerRuntime => "runtime",
            Self::Distribution => "distribution",
        }
    }
}
