//! How platforms are known: by captured hosts, whose every path was observed on a node or is documented.

use serde::Serialize;

use super::hosts::HOSTS;

/// A captured host that stands for a platform.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct KnownHost {
    /// Its name: the stem of its file below `tests/hosts`.
    pub name: &'static str,
    /// The id of its platform.
    #[serde(skip)]
    pub(super) platform: &'static str,
    /// How many of its paths were read on a node.
    pub observed: u32,
    /// How many stand in documentation or sources.
    pub documented: u32,
    /// Where they come from.
    pub sources: &'static [Source],
}

/// Documentation, sources or a node that paths of a captured host come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Source {
    /// The page or file.
    pub page: &'static str,
    /// Its version: a release, a commit.
    pub version: &'static str,
}

/// Returns the captured hosts of a platform.
pub(super) fn hosts(platform: &str) -> impl Iterator<Item = &'static KnownHost> {
    HOSTS.iter().filter(move |host| host.platform == platform)
}

/// Returns whether no node of a platform was looked at: there is no captured host of which everything was observed.
pub(super) fn is_documented(platform: &str) -> bool {
    !hosts(platform).any(|host| host.documented == 0 && host.observed > 0)
}

/// Returns where what is known of a platform comes from, without what every platform's hosts have from the system itself.
pub(super) fn sources(platform: &str) -> Vec<Source> {
    let others = |source: &Source| {
        let mut others = HOSTS.iter().filter(|host| host.platform != platform);
        others.all(|host| host.sources.contains(source))
    };
    let mut found: Vec<Source> = Vec::new();
    for source in hosts(platform).flat_map(|host| host.sources) {
        if !found.contains(source) && !others(source) {
            found.push(*source);
        }
    }
    found
}
