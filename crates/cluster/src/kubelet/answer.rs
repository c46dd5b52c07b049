//! Reads the answers of a kubelet, and tells those of something else.
//!
//! Kubelets of all versions answer 401, 403, 404 and 500 in `text/plain`, and 200 in `application/json`
//! (`InstallAuthFilter` in `pkg/kubelet/server/server.go` writes text, Go's `net/http` names its type). An API server
//! answers the same statuses in JSON, and what stands before a website in HTML: so the type tells them apart, and no
//! body has to be read for it.

use hyper::Uri;
use hyper::header::LOCATION;
use kubeassay_core::bytes::Bytes;
use kubeassay_core::facts::{Request, Trouble};
use kubeassay_core::text::escape;
use kubeassay_core::verdict::Cause;
use serde::de::IgnoredAny;

use super::Redact;
use crate::http::Answer;
use crate::tls::short;

/// The largest `/configz` that is read. Real ones have about 3 KiB; as many as are in flight may be in memory.
const MAX_CONFIGZ: usize = 1 << 20;

const JSON: &str = "application/json";
const TEXT: &str = "text/plain";

/// What was read of an answer.
#[derive(Debug, Default)]
pub(super) struct Read {
    /// The status.
    pub(super) status: Option<u16>,
    /// The body of a `/configz`.
    pub(super) content: Option<Bytes>,
    /// Why there is no answer, or none that can be used.
    pub(super) problem: Option<Trouble>,
}

impl Read {
    /// Returns the lack of an answer.
    pub(super) fn none(problem: Trouble) -> Self {
        Self {
            problem: Some(problem),
            ..Self::default()
        }
    }
}

/// Returns the path of a request.
pub(super) const fn path(request: Request) -> &'static str {
    match request {
        Request::Configz => "/configz",
        Request::Pods | Request::ReadOnlyPods => "/pods",
    }
}

/// Reads the answer to `/configz`, its body too if it is the kubelet's configuration.
pub(super) async fn configz(answer: Answer<'_>, redact: &Redact) -> Read {
    let status = answer.status();
    let problem = redirect(&answer).or_else(|| stranger(&answer)).or_else(|| {
        let (cause, reason) = match status {
            200 => return None,
            401 => (
                Cause::NotPermitted,
                "the kubelet does not take these credentials (401): a certificate has to be signed by its \
                 `clientCAFile`, and tokens need `authentication.webhook.enabled` and an API server it reaches",
            ),
            403 => (
                Cause::NotPermitted,
                "these credentials may not read `/configz` (403): they need `get nodes/configz` from Kubernetes \
                 1.33 on, and `get nodes/proxy` before; `kubeassay manifest rbac` prints what to grant",
            ),
            404 => (
                Cause::Unsupported,
                "the kubelet does not serve `/configz` (404): `enableDebuggingHandlers` is false",
            ),
            _ => (Cause::Unreachable, undecided()),
        };
        Some(trouble(cause, reason))
    });
    if problem.is_some() {
        return Read {
            status: Some(status),
            content: None,
            problem,
        };
    }
    let (content, problem) = match answer.body(MAX_CONFIGZ).await {
        Ok(body) if is_object(&body) => (Some(Bytes::from(redact(body))), None),
        Ok(_) => (
            None,
            Some(trouble(
                Cause::ParseError,
                "the body of `/configz` is no JSON object",
            )),
        ),
        Err(failure) => (None, Some(failure.trouble())),
    };
    Read {
        status: Some(status),
        content,
        problem,
    }
}

/// Reads the head of an answer to `/pods`.
pub(super) fn pods(answer: &Answer<'_>) -> Read {
    let status = answer.status();
    let problem = redirect(answer)
        .or_else(|| stranger(answer))
        .or_else(|| match status {
            200 | 401 | 403 => None,
            404 => Some(trouble(
                Cause::Conflict,
                "it does not look like a kubelet: every kubelet serves `/pods`, and this answers 404",
            )),
            _ => Some(trouble(Cause::Unreachable, undecided())),
        });
    Read {
        status: Some(status),
        content: None,
        problem,
    }
}

/// Reads the head of an answer of the read-only port, which refuses nobody.
pub(super) fn read_only(answer: &Answer<'_>) -> Read {
    let status = answer.status();
    let problem = redirect(answer)
        .or_else(|| stranger(answer))
        .or_else(|| match status {
            200 => None,
            _ => Some(trouble(
                Cause::Conflict,
                &format!(
                    "it does not look like a kubelet's read-only port, which refuses nobody: `/pods` is answered \
                     with {status}"
                ),
            )),
        });
    Read {
        status: Some(status),
        content: None,
        problem,
    }
}

/// What a 500 says: the API server decides, and was not reached or may not be asked.
const fn undecided() -> &'static str {
    "the kubelet could not decide (500): it does not reach the API server, or may not create SubjectAccessReviews there"
}

/// Tells a redirect, which is never followed. Where it leads to is shown without its query.
fn redirect(answer: &Answer<'_>) -> Option<Trouble> {
    let status = answer.status();
    if !(300..400).contains(&status) {
        return None;
    }
    let place = answer.header(LOCATION).map_or_else(
        || "nowhere".to_owned(),
        |location| match location.parse::<Uri>() {
            Ok(uri) => {
                let host = uri.host().unwrap_or_default();
                format!("`{}`", short(&format!("{host}{}", uri.path())))
            }
            Err(_) => "a place that cannot be read".to_owned(),
        },
    );
    let reason = format!(
        "it does not look like a kubelet: it answers with a redirect ({status}) to {place}, which is not followed"
    );
    Some(trouble(Cause::Conflict, &reason))
}

/// Tells an answer that no kubelet gives, by its status and the type of its body.
fn stranger(answer: &Answer<'_>) -> Option<Trouble> {
    let status = answer.status();
    let expected = match status {
        200 => JSON,
        401 | 403 | 404 | 500 => TEXT,
        _ => {
            let reason =
                format!("it does not look like a kubelet: it answers with status {status}");
            return Some(trouble(Cause::Conflict, &reason));
        }
    };
    let media = answer.media_type();
    if media.as_deref() == Some(expected) {
        return None;
    }
    let media = media.map_or_else(
        || "no type at all".to_owned(),
        |media| format!("`{}`", short(&escape(&media))),
    );
    let reason = format!(
        "it does not look like a kubelet: it answers {status} with a body of {media}, where a kubelet sends \
         `{expected}`"
    );
    Some(trouble(Cause::Conflict, &reason))
}

/// Returns whether a body is one JSON object; nothing is built of it, whatever its size.
pub(crate) fn is_object(body: &[u8]) -> bool {
    body.trim_ascii_start().starts_with(b"{") && serde_json::from_slice::<IgnoredAny>(body).is_ok()
}

fn trouble(cause: Cause, reason: &str) -> Trouble {
    Trouble {
        cause,
        reason: reason.to_owned(),
    }
}
