//! What a kubelet answered over the network: its own live configuration, and requests that had to be refused.

use std::collections::BTreeMap;

use jiff::Timestamp;
use kubeassay_config::kubelet::live;
use kubeassay_config::resolution::Resolution;
use kubeassay_config::setting::Unknown;
use kubeassay_config::tables::Minor;
use kubeassay_config::tables::kubelet::KUBELET;
use kubeassay_core::facts::{EndpointFacts, Identity, ProcessFacts, Request, Response, Via};
use kubeassay_core::report::Evidence;
use kubeassay_core::rule::{Reading, Settings};
use kubeassay_core::{Cause, Origin, OriginKind, Value, Witness};

const MODE: &str = "authorization.mode";
const ANONYMOUS: &str = "authentication.anonymous.enabled";
const READ_ONLY_PORT: &str = "readOnlyPort";

/// What a kubelet says of itself.
pub(crate) struct Live {
    /// When it was asked.
    pub(crate) asked: Timestamp,
    /// What it says, for each version that it may be.
    pub(crate) said: Result<Vec<Resolution>, Unknown>,
}

impl Live {
    /// Reads the answer to `/configz`, the best one if there are several; `None` where nobody asked.
    pub(crate) fn of(
        endpoints: &[&EndpointFacts],
        minors: &[Minor],
        process: Option<&ProcessFacts>,
    ) -> Option<Self> {
        let responses = endpoints.iter().flat_map(|endpoint| &endpoint.responses);
        let asked: Vec<&Response> = responses
            .filter(|response| response.request == Request::Configz)
            .collect();
        let answered = |response: &&&Response| response.content.is_some();
        let response = asked.iter().find(answered).or_else(|| asked.first())?;
        let said = match &response.content {
            Some(body) if response.status == Some(200) => minors
                .iter()
                .map(|minor| live(body.as_slice(), &response.url, *minor, process))
                .collect(),
            _ => Err(unanswered(response)),
        };
        Some(Self {
            asked: response.asked,
            said,
        })
    }
}

/// Returns why a response says nothing.
fn unanswered(response: &Response) -> Unknown {
    let shown = shown(response);
    let (cause, reason) = match (response.status, &response.problem) {
        (_, Some(trouble)) => (trouble.cause, trouble.reason.clone()),
        (Some(401 | 403), None) => (
            Cause::NotPermitted,
            format!("{shown}: the credentials do not allow it"),
        ),
        (Some(404), None) if response.request == Request::Configz => (
            Cause::Unsupported,
            format!(
                "{shown}: with enableDebuggingHandlers off a kubelet has no /configz; that says nothing of its other settings"
            ),
        ),
        (Some(500), None) => (
            Cause::Unreachable,
            format!(
                "{shown}: the kubelet could not ask the API server, which says nothing of its settings"
            ),
        ),
        (Some(300..=399), None) => (
            Cause::Unsupported,
            format!("{shown}: a kubelet redirects nobody, and redirects are never followed"),
        ),
        (Some(_), None) => (
            Cause::Unsupported,
            format!("{shown}: not what a kubelet answers to this"),
        ),
        (None, None) => (Cause::Unreachable, format!("{shown}: no answer")),
    };
    Unknown {
        cause,
        reason,
        path: None,
    }
}

/// Returns `GET https://…/pods as nobody: 200`.
pub(crate) fn shown(response: &Response) -> String {
    let identity = match response.identity {
        Identity::Nobody => "nobody",
        Identity::Unprivileged => "somebody unprivileged",
        Identity::Certificate => "the holder of a certificate",
        Identity::Token => "the holder of a token",
    };
    let status = match (response.status, &response.problem) {
        (Some(status), _) => status.to_string(),
        (None, Some(trouble)) => trouble.cause.to_string(),
        (None, None) => "no answer".to_owned(),
    };
    format!("GET {} as {identity}: {status}", response.url)
}

/// What requests that had to be refused tell: a few settings, and of all others nothing.
#[derive(Debug)]
pub(crate) struct Probe {
    /// What is known of a setting, or why it is not, and the request that it follows from.
    about: BTreeMap<&'static str, (Result<Value, Unknown>, Response)>,
}

impl Probe {
    /// Reads the answers; `None` where nobody asked. Through the API server it is the API server that the kubelet
    /// sees, so that only what was asked directly counts.
    pub(crate) fn of(endpoints: &[&EndpointFacts]) -> Option<Self> {
        let direct = endpoints
            .iter()
            .filter(|endpoint| endpoint.via == Via::Direct);
        let mut probe = Self {
            about: BTreeMap::new(),
        };
        for response in direct.flat_map(|endpoint| &endpoint.responses) {
            probe.hear(response);
        }
        (!probe.about.is_empty()).then_some(probe)
    }

    fn hear(&mut self, response: &Response) {
        let nothing = |reason: &str| {
            Err(Unknown {
                cause: Cause::Unsupported,
                reason: format!("{}: {reason}", shown(response)),
                path: None,
            })
        };
        let text = |mode: &str| Ok(Value::string(mode));
        match (response.request, response.identity, response.status) {
            (Request::Pods, Identity::Nobody, Some(200)) => {
                self.note(MODE, text("AlwaysAllow"), response);
                self.note(ANONYMOUS, Ok(Value::Bool(true)), response);
            }
            (Request::Pods, Identity::Nobody, Some(403)) => {
                self.note(MODE, text("Webhook"), response);
                self.note(ANONYMOUS, Ok(Value::Bool(true)), response);
            }
            (Request::Pods, Identity::Nobody, Some(401)) => {
                let mode = nothing("anonymous requests are refused before the mode is looked at");
                self.note(MODE, mode, response);
                self.note(ANONYMOUS, Ok(Value::Bool(false)), response);
            }
            (Request::Pods, Identity::Nobody, _) => {
                self.note(MODE, Err(unanswered(response)), response);
                self.note(ANONYMOUS, Err(unanswered(response)), response);
            }
            (Request::Pods, Identity::Unprivileged, Some(200)) => {
                let mode = match response.granted {
                    Some(false) => text("AlwaysAllow"),
                    Some(true) => nothing("the cluster's RBAC grants it"),
                    None => nothing("whether the cluster's RBAC grants it is not known"),
                };
                self.note(MODE, mode, response);
            }
            (Request::Pods, Identity::Unprivileged, Some(403)) => {
                self.note(MODE, text("Webhook"), response);
            }
            (Request::Pods, Identity::Unprivileged, Some(401)) => {
                let mode =
                    nothing("the credentials were not accepted, which says nothing of the mode");
                self.note(MODE, mode, response);
            }
            (Request::Pods, Identity::Unprivileged, _) => {
                self.note(MODE, Err(unanswered(response)), response);
            }
            (Request::ReadOnlyPods, _, Some(200)) => {
                self.note(
                    READ_ONLY_PORT,
                    Ok(Value::Int(port(&response.url))),
                    response,
                );
            }
            (Request::ReadOnlyPods, _, status) => {
                let port = port(&response.url);
                let reason = match status {
                    Some(_) => "no kubelet's read-only port answers like this".to_owned(),
                    None => format!("port {port} is not open; another one may be"),
                };
                self.note(READ_ONLY_PORT, nothing(&reason), response);
            }
            (Request::Configz, ..)
            | (Request::Pods, Identity::Certificate | Identity::Token, _) => {}
        }
    }

    /// Keeps the worse of two sayings: that somebody got in, before that somebody was refused, before nothing.
    fn note(&mut self, setting: &'static str, said: Result<Value, Unknown>, response: &Response) {
        let weight = |said: &Result<Value, Unknown>| match said {
            Ok(Value::Bool(true)) => 2,
            Ok(value) if *value == Value::string("AlwaysAllow") => 2,
            Ok(_) => 1,
            Err(_) => 0,
        };
        let known = self.about.get(setting);
        if known.is_none_or(|(known, _)| weight(known) < weight(&said)) {
            self.about.insert(setting, (said, response.clone()));
        }
    }

    /// Returns whether any of these settings (`kubelet.…`) is one that was asked about.
    pub(crate) fn concerns(&self, read: &[String]) -> bool {
        read.iter().any(|name| self.find(name).is_some())
    }

    fn find(&self, name: &str) -> Option<&(Result<Value, Unknown>, Response)> {
        self.about.get(name.strip_prefix("kubelet.")?)
    }

    /// Returns the settings that are known, each with its value, when it was asked about, and where.
    pub(crate) fn known(&self) -> Vec<(&'static str, Value, Timestamp, Origin)> {
        let known = self.about.iter().filter_map(|(path, (said, response))| {
            let value = said.as_ref().ok()?.clone();
            Some((*path, value, response.asked, place(response)))
        });
        known.collect()
    }

    /// Returns every answer once, in words.
    pub(crate) fn answers(&self) -> Vec<String> {
        let mut answers: Vec<String> = self
            .about
            .values()
            .map(|(_, response)| shown(response))
            .collect();
        answers.sort();
        answers.dedup();
        answers
    }

    /// Returns when the first of these settings was asked about.
    pub(crate) fn asked(&self, read: &[String]) -> Option<Timestamp> {
        read.iter().find_map(|name| Some(self.find(name)?.1.asked))
    }

    /// Returns the evidence for the settings that were asked about.
    pub(crate) fn evidence(&self, read: &[String]) -> Vec<Evidence> {
        read.iter()
            .filter_map(|name| {
                let (said, response) = self.find(name)?;
                Some(Evidence {
                    setting: None,
                    file: None,
                    object: None,
                    response: Some(shown(response)),
                    value: said.clone().unwrap_or(Value::Null),
                    witness: Witness::Probe,
                    observed_at: response.asked,
                    origin: place(response),
                    overrode: Vec::new(),
                })
            })
            .collect()
    }
}

impl Settings for Probe {
    fn read(&self, setting: &str) -> Reading {
        let Some(path) = setting.strip_prefix("kubelet.") else {
            return Reading::NoSuchSetting;
        };
        let unknown = |unknown: &Unknown| Reading::Unknown {
            cause: unknown.cause,
            reason: unknown.reason.clone(),
        };
        match self.about.get(path) {
            Some((Ok(value), _)) => Reading::Value(value.clone()),
            Some((Err(reason), _)) => unknown(reason),
            None if KUBELET.field(path).is_some()
                || ["flags.", "gates.", "derived."]
                    .iter()
                    .any(|kind| path.starts_with(kind)) =>
            {
                Reading::Unknown {
                    cause: Cause::Unsupported,
                    reason: "a refused request does not tell it".to_owned(),
                }
            }
            None => Reading::NoSuchSetting,
        }
    }
}

/// Returns where a response came from.
fn place(response: &Response) -> Origin {
    Origin {
        url: Some(response.url.as_str().into()),
        ..Origin::new(OriginKind::Live)
    }
}

/// Returns the port of an address such as `http://10.0.0.7:10255/pods`, else that which a kubelet opens by default.
fn port(url: &str) -> i64 {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split('/').next().unwrap_or(rest);
    let port = authority
        .rsplit_once(':')
        .map(|(_, port)| port.parse().ok());
    port.flatten().unwrap_or(10_255)
}
