//! Sends requests: over connections that are kept and used again, and again where that helps.

use std::net::SocketAddr;
use std::time::Duration;

use hyper::Method;
use hyper::header::RETRY_AFTER;
use kubeassay_core::facts::Trust;
use serde::de::DeserializeOwned;
use tokio::time::sleep;

use super::error::{ApiError, said};
use super::pace::jitter;
use super::{ATTEMPTS, Api, JSON, lock};
use crate::http::{self, Failure, Outgoing, Security};
use crate::identity::ClientIdentity;
use crate::names::NameError;
use crate::tls::Fingerprint;

/// The most that is read of the reason for a refusal.
const LARGEST_REFUSAL: usize = 64 << 10;
/// The longest that a server may make us wait before the next attempt.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(30);
/// The wait before the second attempt; it doubles.
const FIRST_WAIT: Duration = Duration::from_millis(250);

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ask<'a> {
    /// What is wanted, as a verb with its object: `list nodes`.
    pub(super) what: &'a str,
    /// Path and query, beginning with `/`.
    pub(super) path: &'a str,
    /// In what form the answer is wanted (`Accept`).
    pub(super) accept: &'static str,
    /// The largest answer.
    pub(super) limit: usize,
    /// How often it is tried.
    pub(super) attempts: u32,
}

/// An answer with status 200 or 201.
pub(crate) struct Reply {
    /// The body.
    pub(crate) body: Vec<u8>,
    /// What the API server showed and why it was trusted.
    pub(crate) trusted: Option<(Fingerprint, Trust)>,
}

impl Api {
    pub(super) async fn read<T: DeserializeOwned>(
        &self,
        what: &str,
        path: &str,
        limit: usize,
    ) -> Result<T, ApiError> {
        let ask = Ask {
            what,
            path,
            accept: JSON,
            limit,
            attempts: ATTEMPTS,
        };
        let reply = self.send(Method::GET, None, ask).await?;
        understand(what, &reply.body)
    }

    /// Sends a request until it is answered or trying again helps no more.
    pub(super) async fn send(
        &self,
        method: Method,
        json: Option<Vec<u8>>,
        ask: Ask<'_>,
    ) -> Result<Reply, ApiError> {
        let mut attempt = 1;
        let mut token_was_read = false;
        loop {
            self.pace.wait().await;
            let (error, wait) = match self.once(&method, json.clone(), ask).await {
                Ok(reply) => return Ok(reply),
                Err(fault) => fault,
            };
            let expired = error.status() == Some(401) && !token_was_read;
            if expired && let Some(identity) = self.connection.read_token_again() {
                token_was_read = true;
                *lock(&self.identity) = Some(identity);
                continue;
            }
            let Some(wait) = wait.filter(|_| attempt < ask.attempts) else {
                return Err(error);
            };
            let doubled = FIRST_WAIT.saturating_mul(1 << (attempt - 1).min(8));
            sleep(wait.max(jitter(doubled))).await;
            attempt += 1;
        }
    }

    /// Sends a request once. Beside the error stands how long to wait at least before it is worth another attempt;
    /// nothing: it is not.
    async fn once(
        &self,
        method: &Method,
        json: Option<Vec<u8>>,
        ask: Ask<'_>,
    ) -> Result<Reply, (ApiError, Option<Duration>)> {
        let Ask { what, limit, .. } = ask;
        let lost = |failure: Failure| {
            // What a second attempt may mend.
            let again = matches!(
                failure,
                Failure::Refused(_)
                    | Failure::NoConnection { .. }
                    | Failure::ConnectTimeout { .. }
                    | Failure::HandshakeTimeout(_)
                    | Failure::Closed
                    | Failure::BodyCut
                    | Failure::Timeout(_)
            );
            let wait = again.then_some(Duration::ZERO);
            (
                ApiError::Failure {
                    what: what.to_owned(),
                    failure,
                },
                wait,
            )
        };
        let identity = self.identity();
        let (certificate, token) = match &identity {
            Some(ClientIdentity::Certificate(certificate)) => (Some(certificate), None),
            Some(ClientIdentity::Token(token)) => (None, Some(token)),
            None => (None, None),
        };
        let path = format!("{}{}", self.connection.server.prefix, ask.path);
        // A kept connection may have been closed by the other side meanwhile; then a new one is made at once.
        let mut kept = self.take_kept();
        loop {
            let was_kept = kept.is_some();
            let mut connection = if let Some(connection) = kept.take() {
                connection
            } else {
                let addresses = self.addresses().await.map_err(|error| (error, None))?;
                let security = Security::Tls {
                    verification: &self.verification,
                    certificate,
                };
                let peer = &self.connection.server.peer;
                let opened = self.wire.open(peer, addresses, security).await;
                opened.map_err(lost)?
            };
            let outgoing = Outgoing {
                method: method.clone(),
                path: &path,
                accept: ask.accept,
                token,
                json: json.clone(),
            };
            let trusted = connection.trusted();
            let answer = match connection.send(outgoing).await {
                Ok(answer) => answer,
                Err(Failure::Closed) if was_kept => continue,
                Err(failure) => return Err(lost(failure)),
            };
            let status = answer.status();
            if matches!(status, 200 | 201) {
                let body = answer.body(limit).await.map_err(lost)?;
                self.keep(connection);
                return Ok(Reply { body, trusted });
            }
            let wait = match status {
                429 => Some(retry_after(answer.header(RETRY_AFTER))),
                500 | 502..=504 => Some(
                    answer
                        .header(RETRY_AFTER)
                        .map_or(Duration::ZERO, |after| retry_after(Some(after))),
                ),
                _ => None,
            };
            let said = match answer.body(LARGEST_REFUSAL).await {
                Ok(body) => {
                    self.keep(connection);
                    said(&body)
                }
                Err(_) => String::new(),
            };
            let what = what.to_owned();
            return Err((ApiError::Status { status, what, said }, wait));
        }
    }

    fn take_kept(&self) -> Option<http::Connection> {
        let mut kept = lock(&self.kept);
        while let Some(connection) = kept.pop() {
            if connection.is_reusable() {
                return Some(connection);
            }
        }
        None
    }

    fn keep(&self, connection: http::Connection) {
        if connection.is_reusable() {
            lock(&self.kept).push(connection);
        }
    }

    /// Looks up the server once.
    async fn addresses(&self) -> Result<&[SocketAddr], ApiError> {
        let peer = &self.connection.server.peer;
        let look_up = || async {
            let found = self.resolver.resolve(&peer.host).await?;
            let addresses = found.into_iter().map(|ip| SocketAddr::new(ip, peer.port));
            Ok::<_, NameError>(addresses.collect::<Vec<_>>())
        };
        Ok(self.addresses.get_or_try_init(look_up).await?)
    }
}

pub(crate) fn understand<T: DeserializeOwned>(what: &str, body: &[u8]) -> Result<T, ApiError> {
    serde_json::from_slice(body).map_err(|error| ApiError::Document {
        what: what.to_owned(),
        line: error.line(),
        column: error.column(),
    })
}

/// Reads `Retry-After` in seconds (RFC 9110, 10.2.3), bounded; a second where it is not there or a date.
fn retry_after(value: Option<&str>) -> Duration {
    let seconds = value
        .and_then(|value| value.trim().parse().ok())
        .unwrap_or(1);
    Duration::from_secs(seconds).min(LONGEST_RETRY_AFTER)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::retry_after;

    #[test]
    fn a_server_cannot_make_us_wait_for_ever() {
        for (value, seconds) in [
            (None, 1),
            (Some("3"), 3),
            (Some("99999999"), 30),
            (Some("Fri"), 1),
        ] {
            assert_eq!(
                retry_after(value),
                Duration::from_secs(seconds),
                "{value:?}"
            );
        }
    }
}
