//! What is read: this host, another root, facts, or the demonstration.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::{EndpointArgs, LiveArgs};
use crate::privileges::Keep;

/// What is judged, and how it is read.
#[derive(Args, Debug)]
pub(crate) struct SubjectArgs {
    #[command(flatten)]
    pub(crate) host: HostArgs,
    /// Facts documents, or folders of them, instead of a host
    #[arg(long, num_args = 1.., value_name = "PATH", conflicts_with_all = ["root", "demo", "live"])]
    pub(crate) facts: Vec<PathBuf>,
    /// The recorded node inside this program
    #[arg(long, conflicts_with_all = ["root", "live"])]
    pub(crate) demo: bool,
    /// The kubelet's version, where it cannot be told from the host (1.34 or v1.34.2)
    #[arg(long, value_name = "VERSION")]
    pub(crate) kubernetes_version: Option<String>,
    #[command(flatten)]
    pub(crate) live: LiveArgs,
}

impl SubjectArgs {
    pub(super) fn keep(&self, endpoint: &EndpointArgs) -> Keep {
        if self.reads_a_host() && endpoint.node_address.is_none() {
            Keep::Reading
        } else {
            Keep::Nothing
        }
    }

    /// Returns whether a host is read, as long as no kubelet takes its place.
    pub(crate) fn reads_a_host(&self) -> bool {
        !self.demo && self.facts.is_empty()
    }
}

/// The host and the time that may be spent on it.
#[derive(Args, Debug)]
pub(crate) struct HostArgs {
    /// A mounted host root, a folder with a recorded `proc`, or a captured host (.yaml)
    #[arg(long, value_name = "PATH")]
    pub(crate) root: Option<PathBuf>,
    /// Stop reading after this time and report what there is (90s, 2m)
    #[arg(long, default_value = "60s", value_parser = parse_timeout, value_name = "TIME")]
    pub(crate) timeout: Duration,
}

pub(super) fn parse_timeout(text: &str) -> Result<Duration, String> {
    let nanoseconds = kubeassay_core::duration::parse(text).map_err(|_| {
        format!("{text:?} is not a time; write it with its unit, such as 90s or 2m")
    })?;
    u64::try_from(nanoseconds)
        .ok()
        .filter(|nanoseconds| *nanoseconds > 0)
        .map(Duration::from_nanos)
        .ok_or_else(|| "the time must be longer than nothing".to_owned())
}
