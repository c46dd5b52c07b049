//! Which resources the API serves, and in which versions.

use std::collections::{BTreeMap, BTreeSet};

use kubeassay_core::facts::Trouble;
use kubeassay_core::facts::objects::COUNTED;
use kubeassay_core::verdict::Cause;

use crate::api::discovery::{GroupVersion, Root, is_word};
use crate::api::{Api, ApiError};

/// Where discovery begins: the core group, and all others.
const ROOTS: [&str; 2] = ["/api", "/apis"];
/// More versions of groups than a server has that has to be asked for each.
const MOST_VERSIONS: usize = 1000;

/// What is served.
#[derive(Debug, Default)]
pub(super) struct Served {
    /// The versions of each resource, the preferred one first; by `plural.group`, or `plural` of the core group.
    versions: BTreeMap<String, Vec<String>>,
    /// Why not all of it is known that matters.
    trouble: Option<Trouble>,
}

impl Served {
    /// Returns whether all resources are known that rules ask for.
    pub(super) fn outcome(&self) -> Result<(), Trouble> {
        self.trouble.clone().map_or(Ok(()), Err)
    }

    /// Returns the names of all resources.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.versions.keys().map(String::as_str)
    }

    /// Returns the version in which a resource is asked for; nothing where it is not served.
    pub(super) fn version(&self, group: &str, resource: &str) -> Option<&str> {
        let versions = self.versions.get(&name(resource, group))?;
        versions.first().map(String::as_str)
    }

    /// Takes what a version of a group serves. Where the server does not know it, that matters if a rule asks for a
    /// resource of that group: else one aggregated server that is down (that of metrics, mostly) would leave rules
    /// undecided that have nothing to do with it.
    fn take(&mut self, of: GroupVersion) {
        let GroupVersion {
            group,
            version,
            resources,
        } = of;
        match resources {
            Some(resources) if is_word(&version) => {
                for resource in resources {
                    let versions = self.versions.entry(name(&resource, &group)).or_default();
                    versions.push(version.clone());
                }
            }
            None if matters(&group) => {
                self.because(Trouble {
                    cause: Cause::Unreachable,
                    reason: format!(
                        "the API server does not know at the time which resources {group}/{version} has: the server behind it does not answer"
                    ),
                });
            }
            Some(_) | None => {}
        }
    }

    fn because(&mut self, trouble: Trouble) {
        self.trouble.get_or_insert(trouble);
    }
}

/// Asks for all of it.
pub(super) async fn ask(api: &Api) -> Served {
    let mut served = Served::default();
    let mut paths = BTreeSet::new();
    for path in ROOTS {
        match api.discovery(path).await {
            Ok(Root {
                versions,
                paths: more,
            }) => {
                for of in versions {
                    served.take(of);
                }
                paths.extend(more);
            }
            Err(error) => served.because(error.trouble()),
        }
    }
    if paths.len() > MOST_VERSIONS {
        served.because(Trouble {
            cause: Cause::TooLarge,
            reason: format!("the API server names more than {MOST_VERSIONS} versions of groups"),
        });
        return served;
    }
    for path in paths {
        let group = path.strip_prefix("/apis/").unwrap_or_default();
        let group = group.split('/').next().unwrap_or_default();
        match api.resources(&path).await {
            Ok(of) => served.take(of),
            Err(error) if matters(group) || !is_of_one_group(&error) => {
                served.because(error.trouble());
            }
            Err(_) => {}
        }
    }
    served
}

/// Returns whether an answer says something of one group alone: of others the next one will tell.
fn is_of_one_group(error: &ApiError) -> bool {
    matches!(error.status(), Some(404 | 500..=599))
}

fn matters(group: &str) -> bool {
    COUNTED.iter().any(|one| one.group == group)
}

fn name(resource: &str, group: &str) -> String {
    match group {
        "" => resource.to_owned(),
        group => format!("{resource}.{group}"),
    }
}
