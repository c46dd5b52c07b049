//! The stand-in's thread: connections, heads, answers.

#![expect(clippy::expect_used, reason = "it is only for tests")]

use std::fmt::Write as _;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::version::TLS12;
use rustls::{
    ALL_VERSIONS, DigitallySignedStruct, DistinguishedName, Error, ServerConfig, SignatureScheme,
};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

use super::{Fault, Kubelet, Log, Mode, Received, Seen};

/// The largest head of a request.
const MAX_HEAD: usize = 64 << 10;

/// What a huge body has.
const HUGE: usize = 100_000_000;

/// Longer than any test waits.
const FOREVER: Duration = Duration::from_mins(1);

/// The record of TLS with the fatal alert `internal error` (RFC 8446, section 6).
const INTERNAL_ERROR: [u8; 7] = [21, 3, 3, 0, 2, 2, 80];

/// What Go's `net/http` says to a handshake.
const BAD_REQUEST: &[u8] =
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n\
    Connection: close\r\n\r\n400 Bad Request";

/// Serves until it is stopped.
pub(super) fn run(
    kubelet: Kubelet,
    tls: std::net::TcpListener,
    plain: Option<std::net::TcpListener>,
    log: Log,
    stopped: oneshot::Receiver<()>,
) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async move {
        let server = Server {
            acceptor: TlsAcceptor::from(Arc::new(configuration(&kubelet))),
            kubelet: Arc::new(kubelet),
            log,
        };
        if let Some(plain) = plain {
            tokio::spawn(server.clone().accept(listener(plain), false));
        }
        tokio::spawn(server.accept(listener(tls), true));
        // The sender is dropped, not used.
        stopped.await.ok();
    });
}

fn listener(listener: std::net::TcpListener) -> TcpListener {
    listener.set_nonblocking(true).expect("a socket");
    TcpListener::from_std(listener).expect("a socket")
}

/// What every connection shares.
#[derive(Clone)]
struct Server {
    acceptor: TlsAcceptor,
    kubelet: Arc<Kubelet>,
    log: Log,
}

impl Server {
    /// Notes what was seen.
    fn note<T>(&self, note: impl FnOnce(&mut Seen) -> T) -> T {
        note(&mut self.log.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn accept(self, listener: TcpListener, tls: bool) {
        loop {
            let (stream, _) = listener.accept().await.expect("a connection");
            let connection = self.note(|seen| {
                seen.connections += 1;
                seen.connections
            });
            tokio::spawn(self.clone().connection(stream, tls, connection));
        }
    }

    async fn connection(self, mut stream: TcpStream, tls: bool, connection: usize) {
        stream.set_nodelay(true).ok();
        match self.kubelet.fault {
            Some(Fault::Silent) => tokio::time::sleep(FOREVER).await,
            Some(Fault::NoCertificate) if tls => {
                // Unread bytes would turn the end into a reset, and the alert would be lost.
                let mut hello = [0; 4096];
                if stream.read(&mut hello).await.is_ok() {
                    stream.write_all(&INTERNAL_ERROR).await.ok();
                }
            }
            Some(Fault::PlainHttp) if tls => {
                let mut hello = [0; 4096];
                if stream.read(&mut hello).await.is_ok() {
                    stream.write_all(BAD_REQUEST).await.ok();
                }
            }
            _ if tls => {
                if let Ok(stream) = self.acceptor.accept(stream).await {
                    let shown = stream.get_ref().1.peer_certificates();
                    let shown = shown.and_then(|chain| chain.first());
                    let shown = shown.map(|certificate| certificate.to_vec());
                    if shown.is_some() {
                        self.note(|seen| seen.certificates += 1);
                    }
                    self.serve(stream, true, shown, connection).await;
                }
            }
            _ => self.serve(stream, false, None, connection).await,
        }
    }

    /// Answers requests until the connection ends.
    async fn serve<S>(self, mut stream: S, tls: bool, shown: Option<Vec<u8>>, connection: usize)
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        while let Some(mut received) = head(&mut stream).await {
            received.tls = tls;
            received.connection = connection;
            received.certificate.clone_from(&shown);
            let answer = self.answer(&received);
            self.note(|seen| seen.requests.push(received));
            if !self.kubelet.delay.is_zero() {
                tokio::time::sleep(self.kubelet.delay).await;
            }
            if self.send(&mut stream, answer).await.is_none() {
                break;
            }
        }
        stream.shutdown().await.ok();
    }

    fn answer(&self, received: &Received) -> Answer {
        let kubelet = &self.kubelet;
        let plain = !received.tls;
        let fault = match received.path.as_str() {
            _ if plain && kubelet.read_only_fault.is_some() => &kubelet.read_only_fault,
            "/configz" if kubelet.configz_fault.is_some() => &kubelet.configz_fault,
            _ => &kubelet.fault,
        };
        let answer = if plain {
            Answer::of_read_only(&received.path)
        } else {
            Answer::of(kubelet, received)
        };
        match fault {
            Some(Fault::Answer(status, media)) => Answer {
                status: *status,
                media: (*media).to_owned(),
                body: b"<p>Something else</p>".to_vec(),
                ..answer
            },
            Some(Fault::Redirect(location)) => Answer {
                status: 302,
                location: Some(location.clone()),
                body: Vec::new(),
                ..answer
            },
            Some(Fault::Huge | Fault::Endless) => Answer {
                body: vec![b' '; HUGE],
                fault: fault.clone(),
                ..answer
            },
            fault => Answer {
                fault: fault.clone(),
                ..answer
            },
        }
    }

    /// Sends an answer; nothing if the connection ends with it.
    async fn send<S: AsyncWrite + Unpin>(&self, stream: &mut S, answer: Answer) -> Option<()> {
        match answer.fault {
            Some(Fault::Close) => return None,
            Some(Fault::Slow) => tokio::time::sleep(FOREVER).await,
            Some(Fault::NotHttp) => {
                stream.write_all(b"220 ready when you are\r\n").await.ok();
                return None;
            }
            _ => {}
        }
        let mut head = format!("HTTP/1.1 {} Said\r\n", answer.status);
        let mut field = |name: &str, value: &str| {
            let _infallible = write!(head, "{name}: {value}\r\n");
        };
        field("Content-Type", &answer.media);
        field("X-Content-Type-Options", "nosniff");
        if let Some(location) = &answer.location {
            field("Location", location);
        }
        if answer.fault == Some(Fault::LargeHead) {
            field("X-Filler", &"x".repeat(100_000));
        }
        let length = answer.body.len();
        match answer.fault {
            Some(Fault::Endless) => field("Connection", "close"),
            Some(Fault::CutOff) => field("Content-Length", &(length + 1000).to_string()),
            _ => field("Content-Length", &length.to_string()),
        }
        head.push_str("\r\n");
        stream.write_all(head.as_bytes()).await.ok()?;
        let (piece, pause) = match answer.fault {
            Some(Fault::Drip) => (1, Duration::from_millis(20)),
            _ => (64 << 10, Duration::ZERO),
        };
        for piece in answer.body.chunks(piece) {
            stream.write_all(piece).await.ok()?;
            stream.flush().await.ok()?;
            self.note(|seen| seen.sent += piece.len());
            if !pause.is_zero() {
                tokio::time::sleep(pause).await;
            }
        }
        let ends = matches!(answer.fault, Some(Fault::CutOff | Fault::Endless));
        (!ends).then_some(())
    }
}

/// An answer, and what goes wrong with it.
struct Answer {
    status: u16,
    media: String,
    location: Option<String>,
    body: Vec<u8>,
    fault: Option<Fault>,
}

impl Answer {
    fn new(status: u16, media: &str, body: Vec<u8>) -> Self {
        Self {
            status,
            media: media.to_owned(),
            location: None,
            body,
            fault: None,
        }
    }

    /// Returns an answer as it was captured.
    fn captured(text: &[u8]) -> Self {
        let end = text
            .windows(4)
            .position(|window| window == b"\r\n\r\n")
            .expect("a head");
        let (head, body) = text.split_at(end + 4);
        let head = String::from_utf8_lossy(head);
        let status = head.split(' ').nth(1).and_then(|text| text.parse().ok());
        let media = head
            .lines()
            .find_map(|line| line.strip_prefix("Content-Type: "));
        Self::new(
            status.expect("a status"),
            media.expect("a type"),
            body.to_vec(),
        )
    }

    /// Returns what the read-only port answers to everybody.
    fn of_read_only(path: &str) -> Self {
        Self::captured(match path {
            "/pods" => {
                include_bytes!("../../../../tests/captures/http-200-readonly-10255-pods.txt")
            }
            _ => include_bytes!("../../../../tests/captures/http-404-readonly-10255-configz.txt"),
        })
    }

    /// Returns what a kubelet answers with TLS: who is it, may they, and then what they asked for.
    fn of(kubelet: &Kubelet, received: &Received) -> Self {
        let served = match received.path.as_str() {
            "/configz" => kubelet.debugging_handlers,
            path => path == "/pods",
        };
        // An unknown path is answered before anybody is asked who they are.
        if !served {
            return Self::captured(include_bytes!(
                "../../../../tests/captures/http-404-nosuch-admin.txt"
            ));
        }
        let Some(user) = user(kubelet, received) else {
            return Self::captured(include_bytes!(
                "../../../../tests/captures/http-401-pods-anonymous.txt"
            ));
        };
        let name = received.path.trim_start_matches('/');
        let attributes = format!("user={user}, verb=get, resource=nodes");
        if kubelet.mode == Mode::Webhook && !kubelet.api_server {
            let body = format!("Authorization error ({attributes}, subresource(s)=[{name} proxy])");
            return Self::new(500, "text/plain; charset=utf-8", body.into_bytes());
        }
        let granted = kubelet
            .granted
            .iter()
            .any(|(grantee, path)| *grantee == user && *path == received.path);
        if kubelet.mode == Mode::Webhook && !granted {
            let body = format!("Forbidden ({attributes}, subresource(s)=[{name} proxy])\n");
            return Self::new(403, "text/plain; charset=utf-8", body.into_bytes());
        }
        match name {
            "configz" => Self::new(200, "application/json", kubelet.configz.clone()),
            _ => Self::captured(include_bytes!(
                "../../../../tests/captures/http-200-pods-anonymous.txt"
            )),
        }
    }
}

/// Returns who sends a request: a certificate's user, else a token's, else nobody if that is allowed.
fn user(kubelet: &Kubelet, received: &Received) -> Option<String> {
    if let (Some(clients), Some(certificate)) = (&kubelet.clients, &received.certificate) {
        return clients.get(certificate).cloned();
    }
    let token = received.header("authorization");
    let token = token.and_then(|value| value.strip_prefix("Bearer "));
    if let (Some(tokens), Some(token)) = (&kubelet.tokens, token) {
        let known = tokens.get(token).cloned();
        return known.filter(|_| kubelet.api_server);
    }
    let anonymous = || "system:anonymous".to_owned();
    kubelet.anonymous.then(anonymous)
}

/// Reads the head of a request; nothing once the connection ends.
async fn head<S: AsyncRead + Unpin>(stream: &mut S) -> Option<Received> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() > MAX_HEAD {
            return None;
        }
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).ok()?;
    let mut lines = head.lines();
    let mut words = lines.next()?.split(' ');
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let headers = lines.filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        Some((name.to_ascii_lowercase(), value.trim().to_owned()))
    });
    Some(Received {
        method,
        path,
        tls: false,
        connection: 0,
        certificate: None,
        headers: headers.collect(),
    })
}

/// Returns the server's side of TLS: client certificates are asked for where there is a `clientCAFile`, and looked at
/// only afterwards, as Go's `RequestClientCert` has it.
fn configuration(kubelet: &Kubelet) -> ServerConfig {
    let provider = Arc::new(ring::default_provider());
    let chain = CertificateDer::pem_slice_iter(kubelet.server.pem.as_bytes())
        .collect::<Result<Vec<_>, _>>()
        .expect("a certificate");
    let key = PrivateKeyDer::from_pem_slice(kubelet.server.key_pem.as_bytes()).expect("a key");
    let key = provider.key_provider.load_private_key(key).expect("a key");
    // Whether they belong together is not looked at: some tests want a stolen certificate.
    let certified = SingleCertAndKey::from(CertifiedKey::new(chain, key));
    let versions = if kubelet.tls_1_2 {
        &[&TLS12][..]
    } else {
        ALL_VERSIONS
    };
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(versions)
        .expect("versions of TLS");
    let builder = if kubelet.clients.is_some() {
        builder.with_client_cert_verifier(Arc::new(AnyClient(provider)))
    } else {
        builder.with_no_client_auth()
    };
    builder.with_cert_resolver(Arc::new(certified))
}

/// Takes every client certificate whose key the client has.
#[derive(Debug)]
struct AnyClient(Arc<CryptoProvider>);

impl ClientCertVerifier for AnyClient {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _leaf: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, &algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, &algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
