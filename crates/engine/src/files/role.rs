//! What files of a node are for.

use kubeassay_core::Component;

/// What a file is for, as rules name it (`files:` of their pages).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    ApiServerManifest,
    ControllerManagerManifest,
    SchedulerManifest,
    EtcdManifest,
    CniConfig,
    EtcdData,
    AdminKubeconfig,
    SchedulerKubeconfig,
    ControllerManagerKubeconfig,
    /// Everything in and below the folder of the control plane's keys and certificates.
    Pki,
    /// Of those, the certificates.
    PkiCertificate,
    /// Of those, the private keys.
    PkiKey,
    KubeletService,
    KubeProxyKubeconfig,
    KubeletKubeconfig,
    KubeletClientCa,
    /// The kubelet's configuration file and its drop-ins.
    KubeletConfig,
}

impl Role {
    /// Every role.
    pub(crate) const ALL: [Self; 17] = [
        Self::ApiServerManifest,
        Self::ControllerManagerManifest,
        Self::SchedulerManifest,
        Self::EtcdManifest,
        Self::CniConfig,
        Self::EtcdData,
        Self::AdminKubeconfig,
        Self::SchedulerKubeconfig,
        Self::ControllerManagerKubeconfig,
        Self::Pki,
        Self::PkiCertificate,
        Self::PkiKey,
        Self::KubeletService,
        Self::KubeProxyKubeconfig,
        Self::KubeletKubeconfig,
        Self::KubeletClientCa,
        Self::KubeletConfig,
    ];

    /// The words of all roles, in the same order.
    pub(crate) const WORDS: &[&str] = &[
        Self::ApiServerManifest.as_str(),
        Self::ControllerManagerManifest.as_str(),
        Self::SchedulerManifest.as_str(),
        Self::EtcdManifest.as_str(),
        Self::CniConfig.as_str(),
        Self::EtcdData.as_str(),
        Self::AdminKubeconfig.as_str(),
        Self::SchedulerKubeconfig.as_str(),
        Self::ControllerManagerKubeconfig.as_str(),
        Self::Pki.as_str(),
        Self::PkiCertificate.as_str(),
        Self::PkiKey.as_str(),
        Self::KubeletService.as_str(),
        Self::KubeProxyKubeconfig.as_str(),
        Self::KubeletKubeconfig.as_str(),
        Self::KubeletClientCa.as_str(),
        Self::KubeletConfig.as_str(),
    ];

    /// Returns the word that rules use.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::ApiServerManifest => "apiserver-manifest",
            Self::ControllerManagerManifest => "controller-manager-manifest",
            Self::SchedulerManifest => "scheduler-manifest",
            Self::EtcdManifest => "etcd-manifest",
            Self::CniConfig => "cni-config",
            Self::EtcdData => "etcd-data",
            Self::AdminKubeconfig => "admin-kubeconfig",
            Self::SchedulerKubeconfig => "scheduler-kubeconfig",
            Self::ControllerManagerKubeconfig => "controller-manager-kubeconfig",
            Self::Pki => "pki",
            Self::PkiCertificate => "pki-certificate",
            Self::PkiKey => "pki-key",
            Self::KubeletService => "kubelet-service",
            Self::KubeProxyKubeconfig => "kube-proxy-kubeconfig",
            Self::KubeletKubeconfig => "kubelet-kubeconfig",
            Self::KubeletClientCa => "kubelet-client-ca",
            Self::KubeletConfig => "kubelet-config",
        }
    }

    /// Returns the role of this word.
    pub(crate) fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == word)
    }

    /// Returns what the table of platforms calls it: keys and certificates lie below one folder.
    pub(super) const fn of_platforms(self) -> &'static str {
        match self {
            Self::PkiCertificate | Self::PkiKey => Self::Pki.as_str(),
            role => role.as_str(),
        }
    }

    /// Returns the component without which a node has no such files. The benchmark asks for the network's configuration
    /// on nodes of the control plane alone.
    pub(super) const fn component(self) -> Component {
        match self {
            Self::ApiServerManifest
            | Self::AdminKubeconfig
            | Self::Pki
            | Self::PkiCertificate
            | Self::PkiKey
            | Self::CniConfig => Component::ApiServer,
            Self::ControllerManagerManifest | Self::ControllerManagerKubeconfig => {
                Component::ControllerManager
            }
            Self::SchedulerManifest | Self::SchedulerKubeconfig => Component::Scheduler,
            Self::EtcdManifest | Self::EtcdData => Component::Etcd,
            Self::KubeProxyKubeconfig => Component::KubeProxy,
            Self::KubeletService
            | Self::KubeletKubeconfig
            | Self::KubeletClientCa
            | Self::KubeletConfig => Component::Kubelet,
        }
    }

    /// Returns the role of the manifest that starts a component.
    pub(super) const fn of_manifest(component: Component) -> Option<Self> {
        Some(match component {
            Component::ApiServer => Self::ApiServerManifest,
            Component::ControllerManager => Self::ControllerManagerManifest,
            Component::Scheduler => Self::SchedulerManifest,
            Component::Etcd => Self::EtcdManifest,
            _ => return None,
        })
    }

    /// Returns whether it is that of a manifest.
    pub(super) fn is_manifest(self) -> bool {
        Self::of_manifest(self.component()) == Some(self)
    }

    /// Returns whether it is one of keys and certificates.
    pub(super) const fn is_pki(self) -> bool {
        matches!(self, Self::Pki | Self::PkiCertificate | Self::PkiKey)
    }

    /// Returns what such files are called in a sentence.
    pub(super) const fn described(self) -> &'static str {
        match self {
            Self::ApiServerManifest => "manifest of the API server",
            Self::ControllerManagerManifest => "manifest of the controller manager",
            Self::SchedulerManifest => "manifest of the scheduler",
            Self::EtcdManifest => "manifest of etcd",
            Self::CniConfig => "configuration of the network (CNI)",
            Self::EtcdData => "data directory of etcd",
            Self::AdminKubeconfig => "administrator's kubeconfig",
            Self::SchedulerKubeconfig => "kubeconfig of the scheduler",
            Self::ControllerManagerKubeconfig => "kubeconfig of the controller manager",
            Self::Pki => "folder of keys and certificates",
            Self::PkiCertificate => "certificate of the control plane",
            Self::PkiKey => "private key of the control plane",
            Self::KubeletService => "unit file of the kubelet's service",
            Self::KubeProxyKubeconfig => "kubeconfig of kube-proxy",
            Self::KubeletKubeconfig => "kubeconfig of the kubelet",
            Self::KubeletClientCa => "client CA of the kubelet",
            Self::KubeletConfig => "configuration file of the kubelet",
        }
    }
}
