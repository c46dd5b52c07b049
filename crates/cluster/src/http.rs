//! HTTP/1.1 over one connection: dialled directly, bounded in time and size, redirects never followed.
//!
//! The environment's proxies play no part: a kubelet's answer has to come from the kubelet. A bearer token goes only
//! into a connection whose server is trusted; that is decided here, where the header is written.

mod failure;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body as _, Bytes, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{
    ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, HeaderName, HeaderValue, USER_AGENT,
};
use hyper::http::response::Parts;
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use kubeassay_core::facts::Trust;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;

use crate::identity::{ClientCertificate, Token};
use crate::tls::{self, Clock, Fingerprint, Verification, short};

pub(crate) use failure::Failure;
use failure::broken;

/// The largest head of an answer. Kubelets and API servers send a few hundred bytes.
const MAX_HEAD: usize = 16 << 10;

/// The most header fields of an answer.
const MAX_HEADERS: usize = 64;

/// What is read ahead of a body at once.
const BUFFER: usize = 64 << 10;

/// No more addresses of one name are tried.
const MAX_ADDRESSES: usize = 8;

/// How long is waited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For a connection, its TLS handshake included.
    pub connect: Duration,
    /// For an answer, its body included, once there is a connection.
    pub request: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            request: Duration::from_secs(10),
        }
    }
}

/// Who is asked: the host as it was given, and the port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Peer {
    /// A name, or an address without brackets.
    pub(crate) host: String,
    /// The port.
    pub(crate) port: u16,
}

impl Peer {
    /// Returns the address, if the host is one: IPv6 with or without brackets.
    pub(crate) fn literal(&self) -> Option<SocketAddr> {
        let host = self.host.trim_start_matches('[').trim_end_matches(']');
        let address: IpAddr = host.parse().ok()?;
        Some(SocketAddr::new(address, self.port))
    }

    /// Returns host and port as they stand in a URL.
    pub(crate) fn authority(&self) -> String {
        match self.literal() {
            Some(address) => address.to_string(),
            None => format!("{}:{}", self.host, self.port),
        }
    }

    /// Returns the host as a certificate names it.
    pub(crate) fn name(&self) -> String {
        match self.literal() {
            Some(address) => address.ip().to_string(),
            None => self.host.clone(),
        }
    }
}

/// How a connection is made.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Security<'a> {
    /// Without TLS: nobody is verified and no token is sent.
    Plain,
    /// With TLS.
    Tls {
        /// What the server's certificate is held against.
        verification: &'a Verification,
        /// The client certificate to offer.
        certificate: Option<&'a ClientCertificate>,
    },
}

/// How everything is asked: times, name, clock.
#[derive(Clone)]
pub(crate) struct Wire {
    /// How long is waited.
    pub(crate) timeouts: Timeouts,
    /// What the header `User-Agent` says.
    pub(crate) user_agent: HeaderValue,
    /// The time, for the validity of certificates.
    pub(crate) clock: Clock,
}

impl Wire {
    /// Connects to the first of `addresses` that answers.
    ///
    /// # Errors
    ///
    /// If none does, or its certificate is not trusted.
    pub(crate) async fn open(
        &self,
        peer: &Peer,
        addresses: &[SocketAddr],
        security: Security<'_>,
    ) -> Result<Connection, Failure> {
        let limit = self.timeouts.connect;
        let deadline = Instant::now() + limit;
        let stream = dial(peer, addresses, deadline, limit).await?;
        // Requests are one packet each, and nothing follows that they could wait for.
        stream.set_nodelay(true).ok();
        match security {
            Security::Plain => Connection::start(self, peer, stream, None).await,
            Security::Tls {
                verification,
                certificate,
            } => {
                let (config, verifier) = tls::configuration(verification, certificate, &self.clock)
                    .map_err(|error| Failure::Handshake {
                        shown: None,
                        why: short(&error),
                    })?;
                // For the server's choice of a certificate alone; what it shows is held against `verification`.
                let name = ServerName::try_from(peer.name()).unwrap_or_else(|_| {
                    let unnamed = IpAddr::from([0, 0, 0, 0]);
                    ServerName::IpAddress(unnamed.into())
                });
                let handshake = TlsConnector::from(Arc::new(config)).connect(name, stream);
                let stream = match timeout_at(deadline, handshake).await {
                    Ok(Ok(stream)) => stream,
                    Ok(Err(error)) => return Err(broken(&error, &verifier)),
                    Err(_) => return Err(Failure::HandshakeTimeout(limit)),
                };
                let trusted = verifier.shown().and_then(|shown| {
                    let trust = *shown.trust.as_ref().ok()?;
                    Some((shown.certificate, trust))
                });
                let Some(trusted) = trusted else {
                    return Err(Failure::Handshake {
                        shown: None,
                        why: "the server showed no certificate".to_owned(),
                    });
                };
                Connection::start(self, peer, stream, Some(trusted)).await
            }
        }
    }
}

/// Connects to the first address that answers; each gets its share of what is left of the time.
async fn dial(
    peer: &Peer,
    addresses: &[SocketAddr],
    deadline: Instant,
    limit: Duration,
) -> Result<TcpStream, Failure> {
    let mut failure = Failure::NoAddress(peer.host.clone());
    let addresses: Vec<_> = addresses.iter().take(MAX_ADDRESSES).collect();
    for (index, address) in addresses.iter().enumerate() {
        let left = deadline.saturating_duration_since(Instant::now());
        let share = u32::try_from(addresses.len() - index).unwrap_or(1).max(1);
        let until = Instant::now() + left / share;
        failure = match timeout_at(until, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => {
                Failure::Refused(address.to_string())
            }
            Ok(Err(error)) => Failure::NoConnection {
                address: address.to_string(),
                why: short(&error),
            },
            Err(_) => Failure::ConnectTimeout {
                address: address.to_string(),
                limit,
            },
        };
    }
    Err(failure)
}

/// A request to send.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing<'a> {
    /// The method.
    pub(crate) method: Method,
    /// Path and query, beginning with `/`.
    pub(crate) path: &'a str,
    /// What the header `Accept` says.
    pub(crate) accept: &'static str,
    /// The token to send.
    pub(crate) token: Option<&'a Token>,
    /// A body of JSON.
    pub(crate) json: Option<Vec<u8>>,
}

impl<'a> Outgoing<'a> {
    /// Returns a request to read `path`, without credentials.
    pub(crate) const fn get(path: &'a str) -> Self {
        Self {
            method: Method::GET,
            path,
            accept: "*/*",
            token: None,
            json: None,
        }
    }
}

/// A connection; it is closed when dropped.
#[derive(Debug)]
pub(crate) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    /// What moves the bytes.
    task: JoinHandle<()>,
    host: HeaderValue,
    user_agent: HeaderValue,
    limit: Duration,
    trusted: Option<(Fingerprint, Trust)>,
    reusable: bool,
}

impl Connection {
    async fn start<S>(
        wire: &Wire,
        peer: &Peer,
        stream: S,
        trusted: Option<(Fingerprint, Trust)>,
    ) -> Result<Self, Failure>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let host = HeaderValue::try_from(peer.authority())
            .map_err(|_| Failure::Request("the host's name cannot stand in a header"))?;
        let (sender, connection) = http1::Builder::new()
            .max_buf_size(BUFFER)
            .max_header_size(MAX_HEAD)
            .max_headers(MAX_HEADERS)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|_| Failure::Closed)?;
        // What goes wrong in it is told by the request that waits for it.
        let task = tokio::spawn(async move {
            connection.await.ok();
        });
        Ok(Self {
            sender,
            task,
            host,
            user_agent: wire.user_agent.clone(),
            limit: wire.timeouts.request,
            trusted,
            reusable: true,
        })
    }

    /// Returns the certificate that the server showed and why it is trusted; nothing without TLS.
    pub(crate) const fn trusted(&self) -> Option<(Fingerprint, Trust)> {
        self.trusted
    }

    /// Returns whether another request may follow: the last answer was read to its end.
    pub(crate) fn is_reusable(&self) -> bool {
        self.reusable && !self.sender.is_closed()
    }

    /// Sends a request and waits for the head of the answer.
    ///
    /// # Errors
    ///
    /// If there is none in time, it is too large, or a token would go to a server that is not trusted.
    pub(crate) async fn send(&mut self, outgoing: Outgoing<'_>) -> Result<Answer<'_>, Failure> {
        let deadline = Instant::now() + self.limit;
        let mut request = Request::new(Full::new(Bytes::from(
            outgoing.json.clone().unwrap_or_default(),
        )));
        // The only patch that is sent is a server-side apply; JSON is YAML.
        let media = if outgoing.method == Method::PATCH {
            "application/apply-patch+yaml"
        } else {
            "application/json"
        };
        *request.method_mut() = outgoing.method;
        *request.uri_mut() = outgoing
            .path
            .parse()
            .map_err(|_| Failure::Request("its path cannot stand in a request"))?;
        let headers = request.headers_mut();
        headers.insert(HOST, self.host.clone());
        headers.insert(USER_AGENT, self.user_agent.clone());
        headers.insert(ACCEPT, HeaderValue::from_static(outgoing.accept));
        if outgoing.json.is_some() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(media));
        }
        if let Some(token) = outgoing.token {
            if self.trusted.is_none() {
                return Err(Failure::Unverified);
            }
            let value = token
                .authorization()
                .ok_or(Failure::Request("the token cannot stand in a header"))?;
            headers.insert(AUTHORIZATION, value);
        }
        self.reusable = false;
        let sent = async {
            // After an answer the connection needs a moment until it takes the next request.
            self.sender.ready().await?;
            self.sender.send_request(request).await
        };
        let response = match timeout_at(deadline, sent).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) if too_large(&error) => return Err(Failure::HeadTooLarge),
            Ok(Err(error)) if error.is_parse() => return Err(Failure::NotHttp),
            Ok(Err(_)) => return Err(Failure::Closed),
            Err(_) => return Err(Failure::Timeout(self.limit)),
        };
        let (head, body) = response.into_parts();
        Ok(Answer {
            connection: self,
            head,
            body,
            deadline,
        })
    }
}

/// Tells whether an answer's head was larger than it may be.
///
/// hyper has a question for it in its servers alone; its clients say it in words.
fn too_large(error: &hyper::Error) -> bool {
    error.is_parse() && error.to_string().contains("too large")
}

impl Drop for Connection {
    /// Closes the connection, whatever is left of an answer.
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// An answer of which the head was read. Dropped, its body is never read.
#[derive(Debug)]
pub(crate) struct Answer<'c> {
    connection: &'c mut Connection,
    head: Parts,
    body: Incoming,
    deadline: Instant,
}

impl Answer<'_> {
    /// Returns the status.
    pub(crate) fn status(&self) -> u16 {
        self.head.status.as_u16()
    }

    /// Returns a header field, if it is there once or more and is text.
    pub(crate) fn header(&self, name: HeaderName) -> Option<&str> {
        self.head.headers.get(name)?.to_str().ok()
    }

    /// Returns the media type of the body, without parameters and in small letters.
    pub(crate) fn media_type(&self) -> Option<String> {
        let value = self.header(CONTENT_TYPE)?;
        let media = value.split(';').next()?.trim();
        Some(media.to_ascii_lowercase())
    }

    /// Reads the body.
    ///
    /// # Errors
    ///
    /// If it has more than `limit` bytes, ends too early or does not end in time.
    pub(crate) async fn body(mut self, limit: usize) -> Result<Vec<u8>, Failure> {
        let announced = usize::try_from(self.body.size_hint().lower()).unwrap_or(usize::MAX);
        if announced > limit {
            return Err(Failure::BodyTooLarge(limit));
        }
        let mut content = Vec::with_capacity(announced);
        loop {
            let frame = match timeout_at(self.deadline, self.body.frame()).await {
                Ok(None) => break,
                Ok(Some(Ok(frame))) => frame,
                Ok(Some(Err(_))) => return Err(Failure::BodyCut),
                Err(_) => return Err(Failure::Timeout(self.connection.limit)),
            };
            let Some(data) = frame.data_ref() else {
                continue;
            };
            if content.len() + data.len() > limit {
                return Err(Failure::BodyTooLarge(limit));
            }
            content.extend_from_slice(data);
        }
        self.connection.reusable = true;
        Ok(content)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use hyper::header::HeaderValue;
    use jiff::Timestamp;
    use kubeassay_testkit::certificates::self_signed;
    use kubeassay_testkit::kubelet::Kubelet;

    use super::{Failure, Outgoing, Peer, Security, Timeouts, Wire};
    use crate::identity::Token;
    use crate::runtime::block_on;

    #[test]
    fn a_peer_is_a_name_or_an_address_of_either_kind() {
        let cases = [
            ("10.0.0.7", "10.0.0.7:10250", "10.0.0.7", true),
            ("::1", "[::1]:10250", "::1", true),
            ("[2001:db8::7]", "[2001:db8::7]:10250", "2001:db8::7", true),
            (
                "node-1.example",
                "node-1.example:10250",
                "node-1.example",
                false,
            ),
        ];
        for (host, authority, name, literal) in cases {
            let peer = Peer {
                host: host.to_owned(),
                port: 10250,
            };
            assert_eq!(peer.authority(), authority);
            assert_eq!(peer.name(), name);
            assert_eq!(peer.literal().is_some(), literal, "{host}");
        }
    }

    #[test]
    fn no_token_leaves_without_tls() {
        let kubelet = Kubelet::open(self_signed(&["node-1"])).start();
        let peer = Peer {
            host: "127.0.0.1".to_owned(),
            port: kubelet.read_only_port,
        };
        let wire = Wire {
            timeouts: Timeouts::default(),
            user_agent: HeaderValue::from_static("kubeassay"),
            clock: Arc::new(|| Timestamp::UNIX_EPOCH),
        };
        let token = Token::new(b"t0ken").unwrap();
        let sent = block_on(async {
            let places = [peer.literal().unwrap()];
            let opened = wire.open(&peer, &places, Security::Plain).await;
            let outgoing = Outgoing {
                token: Some(&token),
                ..Outgoing::get("/pods")
            };
            let mut connection = opened.unwrap();
            let refused = connection.send(outgoing).await.unwrap_err();
            // The connection itself is fine: the same request without the token is answered.
            let answer = connection.send(Outgoing::get("/pods")).await.unwrap();
            (refused, answer.status())
        });
        assert_eq!(sent.unwrap(), (Failure::Unverified, 200));
        let requests = kubelet.seen().requests;
        assert_eq!(requests.len(), 1);
        assert!(
            requests
                .iter()
                .all(|request| request.header("authorization").is_none())
        );
    }
}
