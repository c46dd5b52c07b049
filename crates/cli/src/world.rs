//! The node that a fix is about, as `kubeassay_fix` asks for it: facts, systemd, the kubelet's health, the API, the clock.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use kubeassay_config::tables::Minor;
use kubeassay_core::Bytes;
use kubeassay_core::facts::Facts;
use kubeassay_fix::services::{ServiceError, Services, UnitState};
use kubeassay_fix::verify::Limits;
use kubeassay_fix::{Api, World};

use crate::args::{HostArgs, LiveArgs};
use crate::asking::now;
use crate::hosts;
use crate::messages::Messages;

/// How long a restarted kubelet may take: a slow node pulls nothing for it, but may be busy with its pods.
pub(crate) const LIMITS: Limits = Limits {
    active: Duration::from_mins(2),
    healthz: Duration::from_mins(2),
    ready: Duration::from_mins(3),
};

/// The node of the command line.
pub(crate) struct Node<'a> {
    host: &'a HostArgs,
    live: &'a LiveArgs,
    said: Option<Minor>,
    messages: Messages,
    services: NoServices,
}

impl<'a> Node<'a> {
    /// Returns the node; `said` is the version that the user gave.
    pub(crate) const fn new(
        host: &'a HostArgs,
        live: &'a LiveArgs,
        said: Option<Minor>,
        messages: Messages,
    ) -> Self {
        Self {
            host,
            live,
            said,
            messages,
            services: NoServices,
        }
    }

    /// Returns the folder below which it lies.
    pub(crate) fn root(&self) -> &Path {
        self.host.root.as_deref().unwrap_or(Path::new("/"))
    }

    /// Takes facts of it, and asks its kubelets where that is wanted.
    ///
    /// # Errors
    ///
    /// Where it cannot be looked at.
    pub(crate) fn read(&self) -> anyhow::Result<Facts> {
        hosts::node(self.host, self.live, self.said, self.messages)
    }
}

impl World for Node<'_> {
    fn facts(&self) -> Result<Facts, String> {
        self.read().map_err(|error| format!("{error:#}"))
    }

    fn services(&self) -> &dyn Services {
        &self.services
    }

    fn healthz(&self, address: SocketAddr) -> Result<u16, String> {
        Err(format!("{address} was not asked"))
    }

    fn api(&self) -> Option<&dyn Api> {
        None
    }

    fn now(&self) -> Timestamp {
        now()
    }

    fn wait(&self, time: Duration) {
        std::thread::sleep(time);
    }

    fn say(&self, what: &str) {
        self.messages.progress(&what);
    }
}

/// STAND-IN until the merge of the services.
struct NoServices;

impl Services for NoServices {
    fn way(&self) -> &'static str {
        "nothing"
    }

    fn reload(&self) -> Result<(), ServiceError> {
        Err(ServiceError::Unreachable("not yet".to_owned()))
    }

    fn restart(&self, _: &Bytes, _: Duration) -> Result<(), ServiceError> {
        Err(ServiceError::Unreachable("not yet".to_owned()))
    }

    fn state(&self, _: &Bytes) -> Result<UnitState, ServiceError> {
        Err(ServiceError::Unreachable("not yet".to_owned()))
    }
}
