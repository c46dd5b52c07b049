//! A small HTTPS client for tests: one request, one answer.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::WantsClientCert;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, ConfigBuilder, RootCertStore, StreamOwned};

/// Whom to ask, and as whom.
pub struct Https {
    port: u16,
    config: Arc<ClientConfig>,
}

/// No answer takes longer.
const LIMIT: Duration = Duration::from_secs(20);

impl Https {
    /// Returns a client of the server at `port` of 127.0.0.1, whose certificate `authority` signed; it shows the
    /// certificate `chain` with its `key`. All are PEM.
    ///
    /// # Panics
    ///
    /// If one of them cannot be used.
    pub fn new(port: u16, authority: &str, chain: &str, key: &str) -> Self {
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes());
        let key = key.unwrap_or_else(|error| panic!("no key: {error}"));
        let config = trusting(authority)
            .with_client_auth_cert(vec![certificate(chain)], key)
            .unwrap_or_else(|error| panic!("no client certificate: {error}"));
        Self {
            port,
            config: Arc::new(config),
        }
    }

    /// Returns a client of the server at `port` of 127.0.0.1, whose certificate `authority` (PEM) signed; it shows no
    /// certificate.
    ///
    /// # Panics
    ///
    /// If `authority` cannot be used.
    pub fn anonymous(port: u16, authority: &str) -> Self {
        Self {
            port,
            config: Arc::new(trusting(authority).with_no_client_auth()),
        }
    }

    /// Returns status and body of the answer to a request with a body of the type `kind`.
    ///
    /// # Errors
    ///
    /// Where there is no answer.
    pub fn ask(
        &self,
        method: &str,
        path: &str,
        kind: &str,
        body: &str,
    ) -> std::io::Result<(u16, String)> {
        let name = ServerName::try_from("127.0.0.1").map_err(std::io::Error::other)?;
        let connection = ClientConnection::new(Arc::clone(&self.config), name);
        let socket = TcpStream::connect(("127.0.0.1", self.port))?;
        socket.set_read_timeout(Some(LIMIT))?;
        let mut stream = StreamOwned::new(connection.map_err(std::io::Error::other)?, socket);
        write!(
            stream,
            "{method} {path} HTTP/1.0\r\nHost: 127.0.0.1\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )?;
        let mut answer = Vec::new();
        let mut part = [0; 4096];
        loop {
            if let Some(whole) = whole(&answer) {
                return Ok(whole);
            }
            match stream.read(&mut part) {
                Ok(0) => break,
                Ok(count) => answer.extend(part.iter().take(count)),
                // Not every server says that it will send no more.
                Err(_) if parsed(&answer).is_some() => break,
                Err(error) => return Err(error),
            }
        }
        parsed(&answer)
            .map(|(status, _, body)| (status, body))
            .ok_or_else(|| std::io::Error::other("no HTTP"))
    }

    /// Returns a connection for many requests.
    ///
    /// # Errors
    ///
    /// Where there is none.
    pub fn session(&self) -> std::io::Result<Session> {
        let name = ServerName::try_from("127.0.0.1").map_err(std::io::Error::other)?;
        let connection = ClientConnection::new(Arc::clone(&self.config), name);
        let socket = TcpStream::connect(("127.0.0.1", self.port))?;
        socket.set_read_timeout(Some(LIMIT))?;
        socket.set_nodelay(true)?;
        let stream = StreamOwned::new(connection.map_err(std::io::Error::other)?, socket);
        Ok(Session(BufReader::new(stream)))
    }

    /// Returns status and body of what lies at a path.
    ///
    /// # Errors
    ///
    /// Where there is no answer.
    pub fn get(&self, path: &str) -> std::io::Result<(u16, String)> {
        self.ask("GET", path, "application/json", "")
    }
}

/// A connection over which one request is made after the other.
pub struct Session(BufReader<StreamOwned<ClientConnection, TcpStream>>);

impl Session {
    /// Returns status and body of the answer to a request with a body of JSON.
    ///
    /// # Errors
    ///
    /// Where there is no answer, or none that says how long it is.
    pub fn ask(&mut self, method: &str, path: &str, body: &str) -> std::io::Result<(u16, String)> {
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        let stream = self.0.get_mut();
        stream.write_all(request.as_bytes())?;
        stream.flush()?;
        let status = self.line()?;
        let status = status.split(' ').nth(1).and_then(|it| it.parse().ok());
        let status = status.ok_or_else(|| std::io::Error::other("no HTTP"))?;
        let (mut length, mut chunked) = (None, false);
        loop {
            let line = self.line()?.to_ascii_lowercase();
            match line.split_once(':') {
                Some(("content-length", value)) => length = value.trim().parse().ok(),
                Some(("transfer-encoding", value)) => chunked = value.trim() == "chunked",
                Some(_) => {}
                None => break,
            }
        }
        let body = match length {
            Some(length) => self.exactly(length)?,
            None if chunked => self.chunks()?,
            None => return Err(std::io::Error::other("an answer without a length")),
        };
        Ok((status, String::from_utf8_lossy(&body).into_owned()))
    }

    fn line(&mut self) -> std::io::Result<String> {
        let mut line = String::new();
        self.0.read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }

    fn exactly(&mut self, length: usize) -> std::io::Result<Vec<u8>> {
        let mut body = vec![0; length];
        self.0.read_exact(&mut body)?;
        Ok(body)
    }

    fn chunks(&mut self) -> std::io::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let size = usize::from_str_radix(&self.line()?, 16).map_err(std::io::Error::other)?;
            body.extend(self.exactly(size)?);
            self.line()?;
            if size == 0 {
                return Ok(body);
            }
        }
    }
}

fn certificate(pem: &str) -> CertificateDer<'static> {
    let certificate = CertificateDer::from_pem_slice(pem.as_bytes());
    certificate.unwrap_or_else(|error| panic!("no certificate: {error}"))
}

fn trusting(authority: &str) -> ConfigBuilder<ClientConfig, WantsClientCert> {
    let mut roots = RootCertStore::empty();
    roots
        .add(certificate(authority))
        .unwrap_or_else(|error| panic!("no authority: {error}"));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap_or_else(|error| panic!("no TLS: {error}"))
        .with_root_certificates(roots)
}

/// Returns status, head and body of an answer, as far as it came.
fn parsed(answer: &[u8]) -> Option<(u16, String, String)> {
    let answer = String::from_utf8_lossy(answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some((status, head.to_owned(), body.to_owned()))
}

/// Returns status and body of an answer that says how long it is, once all of it came.
fn whole(answer: &[u8]) -> Option<(u16, String)> {
    let (status, head, body) = parsed(answer)?;
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let is_length = name.eq_ignore_ascii_case("content-length");
        is_length.then(|| value.trim().parse::<usize>().ok())?
    })?;
    (body.len() >= length).then_some((status, body))
}
