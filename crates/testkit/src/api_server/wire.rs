//! Requests as they come over a connection, and answers as they go.

use std::io::Read;

use serde_json::{Value as Json, json};

/// A request as it came.
pub(super) struct Request {
    pub(super) method: String,
    /// Path and query.
    pub(super) target: String,
    pub(super) token: Option<String>,
    /// What it accepts, as it says it.
    pub(super) accept: String,
    /// What its body is.
    pub(super) media: String,
    pub(super) body: Vec<u8>,
}

impl Request {
    /// Returns the path.
    pub(super) fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// Returns the first value of a parameter of the query, decoded.
    pub(super) fn parameter(&self, name: &str) -> Option<String> {
        parameter(&self.target, name)
    }
}

/// Returns the first value of a parameter in the query of a target, decoded; an empty one is none.
pub(super) fn parameter(target: &str, name: &str) -> Option<String> {
    let (_, query) = target.split_once('?')?;
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(key, _)| *key == name)?;
    Some(decoded(value)).filter(|value| !value.is_empty())
}

/// Returns text without percent encoding.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, behind @ ..] = rest {
        let digits = behind
            .get(..2)
            .and_then(|pair| std::str::from_utf8(pair).ok());
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match (first, byte) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &behind[2..];
            }
            (other, _) => {
                bytes.push(*other);
                rest = behind;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Reads the next request; nothing at the end of the connection.
pub(super) fn next_request(
    stream: &mut impl Read,
    buffer: &mut Vec<u8>,
) -> std::io::Result<Option<Request>> {
    let mut chunk = [0; 16 << 10];
    loop {
        let end = buffer.windows(4).position(|window| window == b"\r\n\r\n");
        if let Some(end) = end {
            let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
            let mut lines = head.lines();
            let mut words = lines.next().unwrap_or("").split(' ');
            let mut request = Request {
                method: words.next().unwrap_or("").to_owned(),
                target: words.next().unwrap_or("").to_owned(),
                token: None,
                accept: String::new(),
                media: String::new(),
                body: Vec::new(),
            };
            let mut length = 0;
            for (name, value) in lines.filter_map(|line| line.split_once(':')) {
                let value = value.trim();
                match name.to_ascii_lowercase().as_str() {
                    "content-length" => length = value.parse().map_err(std::io::Error::other)?,
                    "authorization" => {
                        request.token = value.strip_prefix("Bearer ").map(str::to_owned);
                    }
                    "accept" => value.clone_into(&mut request.accept),
                    "content-type" => value.clone_into(&mut request.media),
                    _ => {}
                }
            }
            let whole = end + 4 + length;
            if buffer.len() >= whole {
                request.body = buffer[end + 4..whole].to_vec();
                buffer.drain(..whole);
                return Ok(Some(request));
            }
        }
        let read = stream.read(&mut chunk)?;
        if read == 0 {
            return Ok(None);
        }
        buffer.extend_from_slice(&chunk[..read]);
    }
}

/// An answer without its frame.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) media: &'static str,
    pub(super) body: Vec<u8>,
}

/// What everything but discovery and a missing page is.
const JSON: &str = "application/json";

impl Answer {
    pub(super) fn json(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            media: JSON,
            body: body.into(),
        }
    }

    /// Returns what the server says of a path that it does not serve: no `Status`, plain text.
    pub(super) fn no_such_page() -> Self {
        Self {
            status: 404,
            media: "text/plain; charset=utf-8",
            body: b"404 page not found\n".to_vec(),
        }
    }

    /// Returns a refusal.
    pub(super) fn refused(status: u16, message: &str, details: &Json) -> Self {
        Self::json(status, refusal(status, message, details))
    }

    /// Returns it in its frame.
    pub(super) fn framed(&self, head: &str) -> Vec<u8> {
        let Self {
            status,
            media,
            body,
        } = self;
        let length = body.len();
        let mut answer = format!(
            "HTTP/1.1 {status} Planned\r\nContent-Type: {media}\r\nContent-Length: {length}\r\n{head}\r\n"
        )
        .into_bytes();
        answer.extend_from_slice(body);
        answer
    }
}

/// Returns a `Status` as API servers word it (`k8s.io/apimachinery/pkg/api/errors`).
pub(super) fn refusal(status: u16, message: &str, details: &Json) -> String {
    let reason = match status {
        400 => "BadRequest",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "NotFound",
        406 => "NotAcceptable",
        409 => "Conflict",
        410 => "Expired",
        413 => "RequestEntityTooLarge",
        415 => "UnsupportedMediaType",
        422 => "Invalid",
        429 => "TooManyRequests",
        500 => "InternalError",
        503 => "ServiceUnavailable",
        504 => "Timeout",
        _ => "",
    };
    let mut said = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": message, "reason": reason, "code": status,
    });
    if !details.is_null() {
        said["details"] = details.clone();
    }
    said.to_string()
}
