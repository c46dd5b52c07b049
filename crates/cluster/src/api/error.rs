//! Why the API server gave no answer that can be used, and what to do about it.

use kubeassay_core::facts::Trouble;
use kubeassay_core::verdict::Cause;

use super::documents::Status;
use crate::http::Failure;
use crate::names::NameError;
use crate::tls::short;

/// Why the API server gave no answer that can be used.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum ApiError {
    /// Its name has no address.
    #[error("the API server is not found: {0}")]
    Name(#[from] NameError),
    /// There was no answer.
    #[error("the API server gives no answer to a request to {what}: {failure}")]
    Failure {
        /// What was wanted.
        what: String,
        /// Why.
        failure: Failure,
    },
    /// It answered otherwise than with what was wanted.
    #[error("{}", refusal(*status, what, said))]
    Status {
        /// The status.
        status: u16,
        /// What was wanted.
        what: String,
        /// What it says about it, escaped and bounded; may be empty.
        said: String,
    },
    /// What it sent is not what was asked for.
    #[error(
        "what the API server sent for a request to {what} is not understood (line {line}, column {column})"
    )]
    Document {
        /// What was wanted.
        what: String,
        /// Line.
        line: usize,
        /// Column.
        column: usize,
    },
}

impl ApiError {
    /// Returns it as it stands in facts.
    pub(crate) fn trouble(&self) -> Trouble {
        let cause = match self {
            Self::Name(_) => Cause::Unreachable,
            Self::Failure { failure, .. } => failure.cause(),
            Self::Document { .. } => Cause::ParseError,
            Self::Status { status, .. } => match status {
                401 | 403 => Cause::NotPermitted,
                404 => Cause::Missing,
                410 => Cause::Vanished,
                _ => Cause::Unreachable,
            },
        };
        let reason = self.to_string();
        Trouble { cause, reason }
    }

    /// Returns whether the answer was larger than may be.
    pub(crate) const fn is_too_large(&self) -> bool {
        matches!(
            self,
            Self::Failure {
                failure: Failure::BodyTooLarge(_),
                ..
            }
        )
    }

    /// Returns the status, if there was an answer.
    pub(crate) const fn status(&self) -> Option<u16> {
        match self {
            Self::Status { status, .. } => Some(*status),
            _ => None,
        }
    }
}

/// Says what a status means, and the mend.
fn refusal(status: u16, what: &str, said: &str) -> String {
    let said = if said.is_empty() {
        String::new()
    } else {
        format!(": {said}")
    };
    match status {
        300..=399 => format!(
            "what should be the API server answers a request to {what} with a redirect ({status}), which is never followed; give the API server's own address"
        ),
        401 => format!(
            "the API server does not take these credentials ({status}){said}; they may have expired, or be for another cluster"
        ),
        403 => format!(
            "these credentials may not {what} ({status}){said}; `kubeassay manifest rbac` prints what to grant"
        ),
        404 => format!("there is nothing where the API server should {what} ({status}){said}"),
        410 => format!("the API server's list expired while it was read ({status}){said}"),
        429 => format!("the API server is too busy to {what} ({status}){said}; try again later"),
        _ => format!("the API server fails to {what} ({status}){said}"),
    }
}

/// Returns what a `Status` of the API says, or the line that a kubelet answers through it.
pub(crate) fn said(body: &[u8]) -> String {
    let text = match serde_json::from_slice::<Status>(body) {
        Ok(status) => status.message.unwrap_or_default(),
        Err(_) => String::from_utf8_lossy(body)
            .lines()
            .next()
            .unwrap_or("")
            .to_owned(),
    };
    short(&text)
}

/// What is not the document that was asked for at all.
pub(super) fn no_document(what: &str) -> ApiError {
    ApiError::Document {
        what: what.to_owned(),
        line: 1,
        column: 1,
    }
}

#[cfg(test)]
mod tests {
    use super::said;

    #[test]
    fn what_a_server_says_is_shown_safely() {
        assert_eq!(
            said(br#"{"kind":"Status","message":"no \u001b[31m"}"#),
            "no \\x1b[31m"
        );
        assert_eq!(said(b"Forbidden (user=a)\nmore"), "Forbidden (user=a)");
        assert!(said(&[b'a'; 10_000]).len() < 1000);
    }
}
