//! What the next start of a service makes of its files, for who wants to change it.

use kubeassay_config::resolution::Resolution;
use kubeassay_config::setting::Unknown;
use kubeassay_config::tables::Minor;
use kubeassay_config::units::NextStart;
use kubeassay_core::facts::{Facts, ServiceFacts};
use kubeassay_core::{Cause, Component};

use crate::{services, version};

/// The kubelet that the next start of a service will be.
#[derive(Clone, Debug)]
pub struct Successor {
    /// Its program and arguments, each with the place it comes from.
    pub next: NextStart,
    /// What it makes of its files, in every version that it may be; those that would refuse are among them.
    pub resolutions: Vec<Resolution>,
}

/// Returns the kubelet that the next start of `service` will be. `said` is the version that the user gave.
///
/// # Errors
///
/// Why it cannot be told, as `config::units::next_start` says it, or that its version is none that is known here.
pub fn successor(
    service: &ServiceFacts,
    facts: &Facts,
    said: Option<Minor>,
) -> Result<Successor, Unknown> {
    if service.component == Component::Distribution {
        return Err(Unknown {
            cause: Cause::Unsupported,
            reason: format!(
                "the kubelet runs inside the program of {}, which is given its arguments in files of its own: k3s in /etc/rancher/k3s/config.yaml (kubelet-arg), MicroK8s in /var/snap/microk8s/current/args/kubelet; change it there by hand",
                service.unit
            ),
            path: None,
        });
    }
    let mut started = facts.kubelets();
    let before = started.find(|process| service.started.contains(&process.pid));
    let (next, future) = services::future(service, before, facts)?;
    let version = version::candidates(said, &facts.node, Some(&future));
    if let Some(reason) = version.unsupported.clone() {
        return Err(Unknown {
            cause: Cause::Unsupported,
            reason,
            path: None,
        });
    }
    let resolutions = services::resolve_next(&future, &next, &version);
    Ok(Successor { next, resolutions })
}
