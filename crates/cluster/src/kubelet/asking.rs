//! One kubelet while it is asked: its connections, and the answers so far.

use std::net::{IpAddr, SocketAddr};

use hyper::header::HeaderValue;
use jiff::Timestamp;
use kubeassay_core::facts::{EndpointFacts, Identity, Request, Response, Trouble, Trust};
use kubeassay_core::text::escape;
use kubeassay_core::verdict::Cause;

use super::answer::{self, Read};
use super::{Access, Caller, Target, blank, peer};
use crate::http::{Connection, Failure, Outgoing, Peer, Security, Wire};
use crate::identity::{ClientCertificate, ClientIdentity, Token};
use crate::tls::{Fingerprint, Verification};

/// A kubelet that is being asked.
pub(super) struct Asking<'a> {
    target: &'a Target,
    access: &'a Access,
    wire: Wire,
    peer: Peer,
    verification: Verification,
    /// Where its host is, or why that is not known.
    addresses: Result<Vec<IpAddr>, Trouble>,
    /// Why no connection can be made, once that is known: it is not tried again for the next question.
    closed: Option<Trouble>,
    /// A certificate was shown that is not trusted.
    distrusted: bool,
    facts: EndpointFacts,
}

impl<'a> Asking<'a> {
    /// Looks up where the kubelet is.
    pub(super) async fn new(target: &'a Target, access: &'a Access) -> Self {
        let peer = peer(target);
        let mut names = vec![peer.name()];
        names.extend(target.node.clone());
        let served = target.served.as_ref();
        let pin = target.node.as_ref().and_then(|node| access.pins.get(node));
        Self {
            target,
            access,
            wire: Wire {
                timeouts: access.timeouts,
                user_agent: HeaderValue::try_from(access.user_agent.as_str())
                    .unwrap_or_else(|_| HeaderValue::from_static("kubeassay")),
                clock: access.clock.clone(),
            },
            verification: Verification {
                served: served.map(|served| (served.fingerprint, served.path.clone())),
                pin: pin.copied(),
                // An authority signs for a node, and several kubelets may run there: where it is known which
                // certificate this one serves, no other will do.
                authorities: access.authorities.clone().filter(|_| served.is_none()),
                names,
            },
            addresses: addresses(&peer, access).await,
            peer,
            closed: None,
            distrusted: false,
            facts: blank(target),
        }
    }

    /// Returns what was found.
    pub(super) fn into_facts(self) -> EndpointFacts {
        self.facts
    }

    /// Asks what the kubelet says of itself. Returns the connection if it has no client certificate and can be asked
    /// something else.
    pub(super) async fn configz(&mut self) -> Option<Connection> {
        let asked = self.now();
        let Some(caller) = &self.access.caller else {
            let read = Read::none(no_credentials());
            self.note(Request::Configz, Identity::Nobody, asked, read);
            return None;
        };
        let identity = match caller.identity {
            ClientIdentity::Certificate(_) => Identity::Certificate,
            ClientIdentity::Token(_) => Identity::Token,
        };
        let (certificate, token) = match credentials(caller) {
            Ok(credentials) => credentials,
            Err(trouble) => {
                self.note(Request::Configz, identity, asked, Read::none(trouble));
                return None;
            }
        };
        let mut connection = match self.connect(certificate).await {
            Ok(connection) => connection,
            Err(trouble) => {
                self.note(Request::Configz, identity, asked, Read::none(trouble));
                return None;
            }
        };
        let outgoing = Outgoing {
            accept: "application/json",
            token,
            ..Outgoing::get(answer::path(Request::Configz))
        };
        let read = match connection.send(outgoing).await {
            Ok(answer) => answer::configz(answer, &self.access.redact).await,
            Err(failure) => Read::none(failure.trouble()),
        };
        self.note(Request::Configz, identity, asked, read);
        let as_anybody = certificate.is_none() && connection.is_reusable();
        as_anybody.then_some(connection)
    }

    /// Asks for `/pods` without credentials, in `kept` if there is one: it carried a token in an earlier request, and
    /// carries none in this.
    pub(super) async fn probe_as_nobody(&mut self, kept: Option<Connection>) {
        let asked = self.now();
        let connection = match kept {
            Some(connection) => Ok(connection),
            None => self.connect(None).await,
        };
        let read = pods(connection, None, answer::pods).await;
        self.note(Request::Pods, Identity::Nobody, asked, read);
    }

    /// Asks for `/pods` as somebody who should be refused, if there is one.
    pub(super) async fn probe_as_unprivileged(&mut self) {
        let Some(caller) = &self.access.unprivileged else {
            return;
        };
        let asked = self.now();
        let (connection, token) = match credentials(caller) {
            Ok((certificate, token)) => (self.connect(certificate).await, token),
            Err(trouble) => (Err(trouble), None),
        };
        let read = pods(connection, token, answer::pods).await;
        self.note(Request::Pods, Identity::Unprivileged, asked, read);
    }

    /// Asks for `/pods` on the port without TLS, if it is to be tried. Nobody is verified there: whoever holds the
    /// address answers.
    pub(super) async fn probe_read_only(&mut self) {
        let Some(port) = self.target.read_only_port else {
            return;
        };
        let asked = self.now();
        let peer = Peer {
            host: self.target.host.clone(),
            port,
        };
        let connection = match self.places(port) {
            Ok(places) => {
                let opened = self.wire.open(&peer, &places, Security::Plain).await;
                opened.map_err(|failure| failure.trouble())
            }
            Err(trouble) => Err(trouble),
        };
        let read = pods(connection, None, answer::read_only).await;
        let url = format!(
            "http://{}{}",
            peer.authority(),
            answer::path(Request::ReadOnlyPods)
        );
        self.push(Request::ReadOnlyPods, Identity::Nobody, url, asked, read);
    }

    /// Connects to the port with TLS and notes what was shown.
    async fn connect(
        &mut self,
        certificate: Option<&ClientCertificate>,
    ) -> Result<Connection, Trouble> {
        if let Some(trouble) = &self.closed {
            return Err(trouble.clone());
        }
        let places = self.places(self.target.port)?;
        let security = Security::Tls {
            verification: &self.verification,
            certificate,
        };
        match self.wire.open(&self.peer, &places, security).await {
            Ok(connection) => {
                if let Some((shown, trust)) = connection.trusted() {
                    self.shown(shown, Some(trust));
                }
                Ok(connection)
            }
            Err(failure) => {
                if let Some(shown) = failure.shown() {
                    self.shown(shown, None);
                }
                let mut trouble = failure.trouble();
                if let Failure::Untrusted { shown, .. } = failure {
                    trouble.reason.push_str(&self.remedies(shown));
                }
                self.closed = Some(trouble.clone());
                Err(trouble)
            }
        }
    }

    /// Notes a certificate. The first one stays; trust stays only if everything that was shown is trusted.
    fn shown(&mut self, shown: Fingerprint, trust: Option<Trust>) {
        self.distrusted |= trust.is_none();
        let first = self.facts.certificate.is_none();
        if first {
            self.facts.certificate = Some(shown.to_string());
            self.facts.trusted = trust;
        }
        if self.distrusted {
            self.facts.trusted = None;
        }
    }

    /// Says what would make a certificate trusted.
    fn remedies(&self, shown: Fingerprint) -> String {
        let node = self.target.node.as_deref().unwrap_or("NODE");
        if self.target.served.is_some() {
            return format!(
                "; scan again, if it was renewed meanwhile; or give it with `--kubelet-pin {}={shown}`, if it is this \
                 kubelet's all the same",
                escape(node)
            );
        }
        format!(
            "; give its authority with `--kubelet-ca FILE`; or compare it on the node and give it with \
             `--kubelet-pin {}={shown}`; or run `kubeassay scan --live` as root on the node, which compares it with \
             the kubelet's own file",
            escape(node)
        )
    }

    fn now(&self) -> Timestamp {
        (self.access.clock)()
    }

    fn places(&self, port: u16) -> Result<Vec<SocketAddr>, Trouble> {
        let addresses = self.addresses.as_ref().map_err(Clone::clone)?;
        let place = |address: &IpAddr| SocketAddr::new(*address, port);
        Ok(addresses.iter().map(place).collect())
    }

    /// Notes the answer of the port with TLS.
    fn note(&mut self, request: Request, identity: Identity, asked: Timestamp, read: Read) {
        let url = format!("https://{}{}", self.facts.address, answer::path(request));
        self.push(request, identity, url, asked, read);
    }

    fn push(
        &mut self,
        request: Request,
        identity: Identity,
        url: String,
        asked: Timestamp,
        read: Read,
    ) {
        let granted = match identity {
            Identity::Unprivileged => self.access.unprivileged_granted,
            _ => None,
        };
        self.facts.responses.push(Response {
            request,
            identity,
            url,
            asked,
            status: read.status,
            granted,
            content: read.content,
            problem: read.problem,
        });
    }
}

/// Asks for `/pods` and reads the head of the answer; its body is never read, and the connection is closed.
async fn pods(
    connection: Result<Connection, Trouble>,
    token: Option<&Token>,
    judge: fn(&crate::http::Answer<'_>) -> Read,
) -> Read {
    let mut connection = match connection {
        Ok(connection) => connection,
        Err(trouble) => return Read::none(trouble),
    };
    let outgoing = Outgoing {
        token,
        ..Outgoing::get(answer::path(Request::Pods))
    };
    match connection.send(outgoing).await {
        Ok(answer) => judge(&answer),
        Err(failure) => Read::none(failure.trouble()),
    }
}

/// Returns what a caller shows: a certificate, or a token if it may be sent.
fn credentials(caller: &Caller) -> Result<(Option<&ClientCertificate>, Option<&Token>), Trouble> {
    match &caller.identity {
        ClientIdentity::Certificate(certificate) => Ok((Some(certificate), None)),
        ClientIdentity::Token(token) => match &caller.token_allowed {
            Ok(()) => Ok((None, Some(token))),
            Err(trouble) => Err(trouble.clone()),
        },
    }
}

/// Says that `/configz` was not asked because nobody may read it without credentials.
fn no_credentials() -> Trouble {
    Trouble {
        cause: Cause::NotPermitted,
        reason: "there are no credentials to read `/configz` with: give a kubeconfig, a client certificate or \
                 `--token-file`; `kubeassay manifest rbac` prints what they need"
            .to_owned(),
    }
}

/// Returns the addresses of a host.
async fn addresses(peer: &Peer, access: &Access) -> Result<Vec<IpAddr>, Trouble> {
    if let Some(address) = peer.literal() {
        return Ok(vec![address.ip()]);
    }
    let found = match &access.resolve {
        Some(resolve) => resolve(peer.host.clone()).await,
        None => Err(format!(
            "`{}` is no address, and names are not looked up here",
            escape(&peer.host)
        )),
    };
    found.map_err(|reason| Trouble {
        cause: Cause::Unreachable,
        reason,
    })
}
