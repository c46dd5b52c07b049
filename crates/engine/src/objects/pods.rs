//! What pods ask for, as the Pod Security Standards see it.

use std::collections::BTreeSet;

use kubeassay_core::facts::objects::{Container, Name, Pod, Pods, Stage};

/// Returns `Deployment web (3 pods)`, or `pod NAME`.
pub(crate) fn said(pods: &Pods) -> String {
    let count = match pods.copies {
        1 => String::new(),
        many => format!(" ({many} pods)"),
    };
    match (&pods.pod.owner, pods.examples.first()) {
        (Some(owner), _) => format!("{} {}{count}", owner.kind, owner.name),
        (None, Some(name)) => format!("pod {name}{count}"),
        (None, None) => format!("a pod{count}"),
    }
}

/// Returns the pods that are as `wrong` says, each in words.
pub(crate) fn which(pods: &[&Pods], wrong: impl Fn(&Pod) -> bool) -> Vec<String> {
    let wrong = pods.iter().filter(|pods| wrong(&pods.pod));
    wrong.map(|pods| said(pods)).collect()
}

/// Returns the pods with containers that are as `wrong` says, each with what is said of the first such container.
pub(crate) fn containers(
    pods: &[&Pods],
    wrong: impl Fn(&Pod, &Container) -> Option<String>,
) -> Vec<String> {
    let mut found = Vec::new();
    for pods in pods {
        let each = pods.pod.containers.iter();
        let mut bad = each.filter_map(|one| {
            let detail = wrong(&pods.pod, one)?;
            Some(format!("{} {}{detail}", stage(one.stage), one.name))
        });
        if let Some(first) = bad.next() {
            let more = match bad.count() {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            found.push(format!("{}, {first}{more}", said(pods)));
        }
    }
    found
}

const fn stage(stage: Stage) -> &'static str {
    match stage {
        Stage::Init => "init container",
        Stage::Ordinary => "container",
        Stage::Ephemeral => "ephemeral container",
    }
}

fn when(wrong: bool) -> Option<String> {
    wrong.then(String::new)
}

pub(crate) fn privileged(_: &Pod, container: &Container) -> Option<String> {
    when(container.privileged)
}

/// Unset means that it is allowed.
pub(crate) fn escalates(pod: &Pod, container: &Container) -> Option<String> {
    when(!pod.windows && container.allow_privilege_escalation != Some(false))
}

/// `runAsNonRoot` of the container, else of the pod, keeps root out; so does a user that is not 0. Without either it
/// hangs on the image.
pub(crate) fn root(pod: &Pod, container: &Container) -> Option<String> {
    let non_root = container.run_as_non_root.or(pod.security.run_as_non_root);
    let user = container.run_as_user.or(pod.security.run_as_user);
    when(!pod.windows && non_root != Some(true) && user.unwrap_or(0) == 0)
}

/// What a runtime gives by itself holds `NET_RAW` with some and not with others, so that it has to be dropped.
pub(crate) fn net_raw(pod: &Pod, container: &Container) -> Option<String> {
    let has = |list: &[Name], wanted: &str| list.iter().any(|one| &**one == wanted);
    let added = has(&container.add, "NET_RAW") || has(&container.add, "ALL");
    let dropped = has(&container.drop, "ALL") || has(&container.drop, "NET_RAW");
    when(!pod.windows && (added || !dropped || container.privileged))
}

pub(crate) fn capabilities(pod: &Pod, container: &Container) -> Option<String> {
    let dropped = container.drop.iter().any(|one| &**one == "ALL");
    let added: Vec<&str> = container
        .add
        .iter()
        .map(AsRef::as_ref)
        .filter(|one| *one != "NET_BIND_SERVICE")
        .collect();
    if pod.windows || (dropped && added.is_empty()) {
        return None;
    }
    Some(if added.is_empty() {
        " does not drop ALL".to_owned()
    } else {
        format!(" adds {}", added.join(", "))
    })
}

pub(crate) fn host_process(pod: &Pod, container: &Container) -> Option<String> {
    let own = container.host_process.or(pod.security.host_process);
    when(own == Some(true))
}

pub(crate) fn host_ports(_: &Pod, container: &Container) -> Option<String> {
    let ports: Vec<String> = container.host_ports.iter().map(u16::to_string).collect();
    (!ports.is_empty()).then(|| format!(" on {}", ports.join(", ")))
}

pub(crate) fn secret_environment(_: &Pod, container: &Container) -> Option<String> {
    let first = container.secret_environment.first()?;
    Some(match container.secret_environment.len() - 1 {
        0 => format!(" from Secret {first}"),
        more => format!(" from Secret {first} and {more} more"),
    })
}

/// The profile of the container, else of the pod.
fn profile<'a>(pod: &'a Pod, container: &'a Container) -> Option<&'a Name> {
    container.seccomp.as_ref().or(pod.security.seccomp.as_ref())
}

/// A privileged container does not get the profile that it asks for (containerd, `generateSeccompSpecOpts`; CRI-O gives it
/// that of its `privileged_seccomp_profile`, which is none unless a site says so).
pub(crate) fn unconfined(pod: &Pod, container: &Container) -> Option<String> {
    if container.privileged && !pod.windows {
        return Some(" is privileged".to_owned());
    }
    let profile = profile(pod, container)?;
    when(!pod.windows && !matches!(&**profile, "RuntimeDefault" | "Localhost"))
}

pub(crate) fn profileless(pod: &Pod, container: &Container) -> Option<String> {
    when(!pod.windows && !container.privileged && profile(pod, container).is_none())
}

pub(crate) fn bare(pod: &Pod, container: &Container) -> Option<String> {
    when(!pod.security.given && !container.security_given)
}

/// Returns the fields that some container lacks, of those that `restricted` wants and the read-only root.
pub(crate) fn missing_fields(pods: &[&Pods]) -> Vec<String> {
    let mut missing = BTreeSet::new();
    for pods in pods {
        let pod = &pods.pod;
        for container in pod.containers.iter() {
            let lacks = [
                ("allowPrivilegeEscalation", escalates(pod, container)),
                ("capabilities", capabilities(pod, container)),
                ("privileged", privileged(pod, container)),
                (
                    "readOnlyRootFilesystem",
                    when(!pod.windows && !container.read_only_root),
                ),
                ("runAsNonRoot", root(pod, container)),
                (
                    "seccompProfile",
                    unconfined(pod, container).or_else(|| profileless(pod, container)),
                ),
            ];
            missing.extend(lacks.into_iter().filter(|(_, lack)| lack.is_some()));
        }
    }
    let names: BTreeSet<&str> = missing.into_iter().map(|(name, _)| name).collect();
    names.into_iter().map(str::to_owned).collect()
}
