//! The node that a fix is about, as `kubeassay_fix` asks for it: facts, systemd, the kubelet's health, the API, the clock.

use std::cell::OnceCell;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use kubeassay_cluster::credentials::Connection;
use kubeassay_cluster::kubelet::Access;
use kubeassay_cluster::{certificate, one_node};
use kubeassay_config::tables::Minor;
use kubeassay_core::Bytes;
use kubeassay_core::facts::Facts;
use kubeassay_fix::services::{self, ServiceError, Services, UnitState};
use kubeassay_fix::world::{Api, ClientName, NodeKubeconfig, Reach, Vouching, World};

use crate::args::{HostArgs, LiveArgs};
use crate::asking::{Asking, access, now};
use crate::hosts;
use crate::messages::Messages;

/// The node of the command line.
pub(crate) struct Node<'a> {
    host: &'a HostArgs,
    live: &'a LiveArgs,
    asking: Option<Asking>,
    api: Option<AskedApi>,
    said: Option<Minor>,
    messages: Messages,
    /// Looked for when it is asked for: of a recorded host nobody asks.
    services: OnceCell<Box<dyn Services>>,
}

impl<'a> Node<'a> {
    /// Returns the node; `said` is the version that the user gave. The API is asked where kubelets are (`--live`), and
    /// where an API server is named.
    ///
    /// # Errors
    ///
    /// Where credentials that were given, or found, cannot be used.
    pub(crate) fn new(
        host: &'a HostArgs,
        live: &'a LiveArgs,
        said: Option<Minor>,
        messages: Messages,
    ) -> anyhow::Result<Self> {
        let asking = Asking::if_wanted(live, messages)?;
        let api = asking.as_ref().and_then(|asking| {
            Some(AskedApi {
                connection: asking.connection.clone()?,
                access: asking.access.clone(),
            })
        });
        Ok(Self {
            host,
            live,
            asking,
            api,
            said,
            messages,
            services: OnceCell::new(),
        })
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
        let asking = self.asking.as_ref();
        hosts::node(self.host, self.live, asking, self.said, self.messages)
    }
}

impl World for Node<'_> {
    fn facts(&self) -> Result<Facts, String> {
        self.read().map_err(|error| format!("{error:#}"))
    }

    fn services(&self) -> &dyn Services {
        let found = self
            .services
            .get_or_init(|| match services::systemd(self.root()) {
                Ok(services) => services,
                Err(error) => Box::new(Silent(error)),
            });
        &**found
    }

    fn healthz(&self, address: SocketAddr) -> Result<u16, String> {
        one_node::healthz(address, &access())
    }

    fn reach(&self, kubeconfig: &NodeKubeconfig<'_>) -> Option<Reach> {
        self.asking.as_ref()?;
        let NodeKubeconfig {
            path,
            content,
            read,
        } = kubeconfig;
        let reach = one_node::reach(content, path, read, &access());
        Some(match reach {
            one_node::Reach::Answered { server, status } => Reach::Answered { server, status },
            one_node::Reach::Silent { server, why } => Reach::Silent { server, why },
            one_node::Reach::NotAsked(why) => Reach::NotAsked(why),
        })
    }

    fn client_name(&self, certificate: &[u8]) -> Result<ClientName, String> {
        let certificate::ClientName { user, groups } = certificate::client_name(certificate)?;
        Ok(ClientName { user, groups })
    }

    fn vouching(&self, certificate: &[u8], authorities: &[Vec<u8>]) -> Vouching {
        match certificate::vouching(certificate, authorities, now()) {
            certificate::Vouching::Signed => Vouching::Signed,
            certificate::Vouching::NotSigned => Vouching::NotSigned,
            certificate::Vouching::Refused(why) => Vouching::Refused(why),
            certificate::Vouching::Unknown(why) => Vouching::Unknown(why),
        }
    }

    fn api(&self) -> Option<&dyn Api> {
        self.api.as_ref().map(|api| api as &dyn Api)
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

/// A node without a systemd that answers.
struct Silent(ServiceError);

impl Services for Silent {
    fn way(&self) -> &'static str {
        "nothing that answers"
    }

    fn reload(&self) -> Result<(), ServiceError> {
        Err(self.0.clone())
    }

    fn restart(&self, _: &Bytes, _: Duration) -> Result<(), ServiceError> {
        Err(self.0.clone())
    }

    fn state(&self, _: &Bytes) -> Result<UnitState, ServiceError> {
        Err(self.0.clone())
    }
}

/// The API server of the user's credentials.
struct AskedApi {
    connection: Connection,
    access: Access,
}

impl Api for AskedApi {
    fn may_use_nodes_proxy(
        &self,
        user: &str,
        groups: &[String],
        verb: &str,
    ) -> Result<bool, String> {
        let connection = self.connection.clone();
        one_node::may_use_nodes_proxy(connection, &self.access, user, groups, verb)
    }

    fn is_ready(&self, node: &str, since: Timestamp) -> Result<bool, String> {
        one_node::is_ready(self.connection.clone(), &self.access, node, since)
    }

    fn other_control_planes(&self, node: &str) -> Result<usize, String> {
        one_node::other_control_planes(self.connection.clone(), &self.access, node)
    }
}
