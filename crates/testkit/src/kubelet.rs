//! A stand-in kubelet on loopback: answers as real ones do, and in the ways that no kubelet should.
//!
//! What it answers to whom follows `InstallAuthFilter` in `pkg/kubelet/server/server.go` and the authenticators
//! behind it; bodies are those in `tests/captures`. It remembers every request, so that a test can tell what was sent
//! and what was not. It has a thread of its own and ends when dropped.

mod server;
pub mod service;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::certificates::Certified;

/// Returns a file of `tests/captures`.
///
/// # Panics
///
/// If it cannot be read.
#[expect(clippy::disallowed_methods, reason = "reads a file of our own tests")]
pub fn capture(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/captures")
        .join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What a request has to pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// `AlwaysAllow`: whoever was let in may do everything.
    AlwaysAllow,
    /// `Webhook`: the API server decides; here [`Kubelet::granted`] does.
    Webhook,
}

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Connections are taken, and nothing is ever said.
    Silent,
    /// The handshake ends with the alert `internal error`, as where there is no certificate to serve.
    NoCertificate,
    /// Plain HTTP on the port with TLS.
    PlainHttp,
    /// The connection is closed once the request is there.
    Close,
    /// No answer to a request ever comes.
    Slow,
    /// The body comes one byte every 20 milliseconds.
    Drip,
    /// The body ends before its announced length.
    CutOff,
    /// The body has 100 MB and says so.
    Huge,
    /// The body has 100 MB and does not say so.
    Endless,
    /// The head has 100 KB.
    LargeHead,
    /// What comes back is not HTTP.
    NotHttp,
    /// A status with a body of this media type.
    Answer(u16, &'static str),
    /// A redirect to this place.
    Redirect(String),
}

/// A kubelet as it is configured.
#[derive(Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "they are switches of a kubelet's configuration"
)]
pub struct Kubelet {
    /// The address it listens on.
    pub bind: IpAddr,
    /// What it serves with TLS.
    pub server: Certified,
    /// Whether it speaks TLS 1.2 and nothing newer.
    pub tls_1_2: bool,
    /// Whether callers without credentials are let in as `system:anonymous`.
    pub anonymous: bool,
    /// Who decides what callers may do.
    pub mode: Mode,
    /// The users of client certificates that `clientCAFile` vouches for, by the certificate's DER; none without it.
    pub clients: Option<BTreeMap<Vec<u8>, String>>,
    /// The users of tokens; none without webhook authentication.
    pub tokens: Option<BTreeMap<String, String>>,
    /// What the API server allows in mode `Webhook`: user and path.
    pub granted: BTreeSet<(String, &'static str)>,
    /// Whether the API server can be reached.
    pub api_server: bool,
    /// Whether `/configz` is served.
    pub debugging_handlers: bool,
    /// What `/configz` says.
    pub configz: Vec<u8>,
    /// How long every answer takes.
    pub delay: Duration,
    /// Whether there is a read-only port.
    pub read_only: bool,
    /// What goes wrong with everything.
    pub fault: Option<Fault>,
    /// What goes wrong with `/configz` alone.
    pub configz_fault: Option<Fault>,
    /// What goes wrong on the read-only port.
    pub read_only_fault: Option<Fault>,
}

impl Kubelet {
    /// Returns a kubelet with a hardened configuration that knows no callers yet.
    pub fn hardened(server: Certified) -> Self {
        Self {
            bind: Ipv4Addr::LOCALHOST.into(),
            server,
            tls_1_2: false,
            anonymous: false,
            mode: Mode::Webhook,
            clients: Some(BTreeMap::new()),
            tokens: Some(BTreeMap::new()),
            granted: BTreeSet::new(),
            api_server: true,
            debugging_handlers: true,
            configz: capture("configz-cis-hardened.json"),
            delay: Duration::ZERO,
            read_only: false,
            fault: None,
            configz_fault: None,
            read_only_fault: None,
        }
    }

    /// Returns a kubelet that was started without a configuration file: everybody may do everything.
    pub fn open(server: Certified) -> Self {
        Self {
            anonymous: true,
            mode: Mode::AlwaysAllow,
            clients: None,
            tokens: None,
            configz: capture("configz-no-config-defaults.json"),
            read_only: true,
            ..Self::hardened(server)
        }
    }

    /// Starts it on free ports.
    ///
    /// # Panics
    ///
    /// If it cannot.
    pub fn start(self) -> StandIn {
        self.start_on(0, 0)
    }

    /// Starts it on these ports, with TLS and without; 0 is a free one.
    ///
    /// # Panics
    ///
    /// If it cannot.
    pub fn start_on(self, port: u16, read_only_port: u16) -> StandIn {
        StandIn::start(self, port, read_only_port)
    }
}

/// A request that came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// The method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Whether it came over TLS.
    pub tls: bool,
    /// The connection, counted from 1.
    pub connection: usize,
    /// The DER of the client certificate of its connection.
    pub certificate: Option<Vec<u8>>,
    /// Header fields, names in small letters.
    pub headers: Vec<(String, String)>,
}

impl Received {
    /// Returns a header field.
    pub fn header(&self, name: &str) -> Option<&str> {
        let field = self.headers.iter().find(|(found, _)| found == name)?;
        Some(&field.1)
    }
}

/// What came in and went out, beyond single requests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// The requests, in order.
    pub requests: Vec<Received>,
    /// How many connections were made.
    pub connections: usize,
    /// How many client certificates were shown.
    pub certificates: usize,
    /// Bytes of bodies that were sent.
    pub sent: usize,
}

/// What was seen, shared with the thread that sees it.
type Log = Arc<Mutex<Seen>>;

/// A stand-in kubelet that runs.
pub struct StandIn {
    /// Its port with TLS.
    pub port: u16,
    /// Its port without; where there is none, one on which nothing listens.
    pub read_only_port: u16,
    log: Log,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl StandIn {
    fn start(kubelet: Kubelet, own: u16, read_only: u16) -> Self {
        let log = Log::default();
        let (stop, stopped) = oneshot::channel();
        let tls = listen(SocketAddr::new(kubelet.bind, own));
        let plain = listen(SocketAddr::new(kubelet.bind, read_only));
        let (port, read_only_port) = (port(&tls), port(&plain));
        let plain = kubelet.read_only.then_some(plain);
        let seen = Arc::clone(&log);
        let thread = std::thread::spawn(move || server::run(kubelet, tls, plain, seen, stopped));
        Self {
            port,
            read_only_port,
            log,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// Returns what was seen so far.
    pub fn seen(&self) -> Seen {
        self.log
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It panicked, and has said so.
            thread.join().ok();
        }
    }
}

fn listen(address: SocketAddr) -> std::net::TcpListener {
    std::net::TcpListener::bind(address).unwrap_or_else(|error| panic!("{address}: {error}"))
}

fn port(listener: &std::net::TcpListener) -> u16 {
    listener
        .local_addr()
        .unwrap_or_else(|error| panic!("a socket without an address: {error}"))
        .port()
}
