//! The platforms as a document, for `version --platforms`.

use std::collections::BTreeMap;

use kubeassay_core::Component;
use serde::Serialize;

use super::basis::{self, KnownHost, Source};
use super::{PLATFORMS, Platform, ROLES, Sign, component_of};

/// What is known of a platform.
#[derive(Clone, Debug, Serialize)]
pub struct PlatformDescription {
    /// Its id, such as `kubeadm`.
    pub id: &'static str,
    /// Its name.
    pub name: &'static str,
    /// The platform that it is a variant of.
    pub variant_of: Option<&'static str>,
    /// What it is told by, strongest first.
    pub told_by: Vec<String>,
    /// Whether all that is known of it comes from documentation and sources, and no node of it was looked at.
    pub documented: bool,
    /// The pages and sources that say what is known of it, without those about the system itself.
    pub sources: Vec<Source>,
    /// The captured hosts that it is known by, with the sources of their paths.
    pub hosts: Vec<&'static KnownHost>,
    /// What of it is judged.
    pub judged: &'static str,
    /// Where its files lie, by role.
    pub paths: BTreeMap<&'static str, &'static [&'static str]>,
    /// What it does not have, by role, component or rule, and why not.
    pub absent: BTreeMap<&'static str, &'static str>,
    /// Who runs its control plane, where no node shows it.
    pub provider: Option<ProviderDescription>,
}

/// Who runs a control plane that no node shows.
#[derive(Clone, Debug, Serialize)]
pub struct ProviderDescription {
    /// Who it is.
    pub name: &'static str,
    /// The components.
    pub components: Vec<&'static str>,
    /// The roles of their files.
    pub roles: Vec<&'static str>,
    /// Why nothing of them can be read.
    pub reason: &'static str,
    /// Where the provider says what it answers for.
    pub link: &'static str,
    /// What the provider itself shows of them: a command of its own, and what in its answer.
    pub shows: &'static str,
}

/// Returns all platforms that are known.
pub fn platforms() -> Vec<PlatformDescription> {
    PLATFORMS
        .iter()
        .map(|platform| describe(platform))
        .collect()
}

fn describe(platform: &Platform) -> PlatformDescription {
    let paths = ROLES.iter().map(|role| (*role, platform.paths(role)));
    let mut bases = vec![platform];
    bases.extend(platform.base);
    let absent = bases.iter().flat_map(|one| one.absent);
    PlatformDescription {
        id: platform.id,
        name: platform.name,
        variant_of: platform.base.map(|base| base.id),
        told_by: platform.signs.iter().map(words).collect(),
        documented: platform.is_documented(),
        sources: basis::sources(platform.id),
        hosts: basis::hosts(platform.id).collect(),
        judged: platform.judged,
        paths: paths.filter(|(_, paths)| !paths.is_empty()).collect(),
        absent: absent
            .filter_map(|(what, _)| Some((*what, platform.absent(what)?)))
            .collect(),
        provider: provider(platform),
    }
}

fn provider(platform: &Platform) -> Option<ProviderDescription> {
    let of = |component: &Component| platform.provider_side(*component);
    let provider = Component::ALL.iter().find_map(of)?;
    let components = Component::ALL.iter().filter(|one| of(one).is_some());
    let is_theirs = |role: &&&str| component_of(role).is_some_and(|one| of(&one).is_some());
    Some(ProviderDescription {
        components: components.map(|component| component.as_str()).collect(),
        roles: ROLES.iter().filter(is_theirs).copied().collect(),
        name: provider.name,
        reason: provider.reason,
        link: provider.link,
        shows: provider.shows,
    })
}

/// Returns what a platform is told by, for people.
fn words(sign: &Sign) -> String {
    match sign {
        Sign::Program(id) => format!("its program runs ({id})"),
        Sign::Executable(folder) => format!("a kubelet below {folder}"),
        Sign::Argument(flag, value) => format!("--{flag}={value}"),
        Sign::Version(part) => format!("version with {part}"),
        Sign::Mark(key, value) => {
            let rest = if key.ends_with(['/', '-']) { "*" } else { "" };
            format!("{key}{rest}={value} on the Node")
        }
        Sign::Provider(scheme) => format!("{scheme}:// as providerID of the Node"),
        Sign::Named(start) => format!("osImage {start}* of the Node"),
        Sign::System(id) => format!("ID={id} in os-release"),
        Sign::Image(path) | Sign::File(path) => (*path).to_owned(),
    }
}
