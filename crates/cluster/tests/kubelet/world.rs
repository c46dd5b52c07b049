//! What the tests share: a cluster of one node, who asks in it, and how an answer is checked.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use kubeassay_cluster::Timeouts;
use kubeassay_cluster::identity::ClientIdentity;
use kubeassay_cluster::kubelet::{Access, Caller, Questions, Target, ask_kubelets};
use kubeassay_cluster::tls::Authorities;
use kubeassay_core::facts::{EndpointFacts, Identity, Request, Response};
use kubeassay_core::verdict::Cause;
use kubeassay_testkit::certificates::{Authority, Certified};
use kubeassay_testkit::kubelet::{Kubelet, StandIn};

/// What an answer should be: status, cause, and a part of the reason.
pub(crate) type Expected = (Option<u16>, Option<(Cause, &'static str)>);

pub(crate) const NODE: &str = "node-1";
pub(crate) const BOTH: Questions = Questions {
    configz: true,
    probe: true,
};

/// A cluster of one node: who signs, and who asks.
pub(crate) struct World {
    pub(crate) authority: Authority,
    pub(crate) server: Certified,
    pub(crate) admin: Certified,
    pub(crate) stranger: Certified,
}

impl World {
    pub(crate) fn new() -> Self {
        let authority = Authority::new("kubernetes");
        Self {
            server: authority.server(&[NODE, "127.0.0.1"]),
            admin: authority.client("kubernetes-admin"),
            stranger: authority.client("stranger"),
            authority,
        }
    }

    /// Returns a hardened kubelet that knows the admin, who may do everything, and a stranger, who may do nothing.
    pub(crate) fn hardened(&self) -> Kubelet {
        let mut kubelet = Kubelet::hardened(self.server.clone());
        let users = [
            (&self.admin, "kubernetes-admin"),
            (&self.stranger, "stranger"),
        ];
        let users = users.map(|(certificate, user)| (certificate.der.clone(), user.to_owned()));
        kubelet.clients = Some(BTreeMap::from(users));
        for path in ["/configz", "/pods"] {
            kubelet
                .granted
                .insert(("kubernetes-admin".to_owned(), path));
        }
        kubelet
    }

    /// Returns access that trusts the authority and has no credentials.
    pub(crate) fn nobody(&self) -> Access {
        let mut access = access();
        access.authorities = Some(Authorities::from_pem(self.authority.pem().as_bytes()).unwrap());
        access
    }

    /// Returns access with the admin's certificate.
    pub(crate) fn admin(&self) -> Access {
        let mut access = self.nobody();
        access.caller = Some(certificate(&self.admin));
        access
    }

    /// Returns access with a token that may be sent.
    pub(crate) fn token(&self, token: &str) -> Access {
        let mut access = self.nobody();
        access.caller = Some(Caller {
            token_allowed: Ok(()),
            ..Caller::new(ClientIdentity::token(token.as_bytes()).unwrap())
        });
        access
    }
}

/// Returns access that trusts nobody and has no credentials, and waits no longer than a test can.
pub(crate) fn access() -> Access {
    let mut access = Access::new(
        "kubeassay/0.0.0",
        Arc::new(Timestamp::now),
        Arc::new(|content| content),
    );
    access.timeouts = Timeouts {
        connect: Duration::from_millis(1500),
        request: Duration::from_millis(1500),
    };
    access
}

pub(crate) fn certificate(certified: &Certified) -> Caller {
    let identity = ClientIdentity::from_pem(certified.pem.as_bytes(), certified.key_pem.as_bytes());
    Caller::new(identity.unwrap())
}

pub(crate) fn target(kubelet: &StandIn) -> Target {
    Target {
        node: Some(NODE.to_owned()),
        port: kubelet.port,
        read_only_port: Some(kubelet.read_only_port),
        ..Target::new("127.0.0.1")
    }
}

pub(crate) fn ask(target: &Target, questions: Questions, access: Access) -> EndpointFacts {
    ask_kubelets(std::slice::from_ref(target), questions, &Arc::new(access))
        .pop()
        .unwrap()
}

/// Returns the only answer to a request.
pub(crate) fn only(facts: &EndpointFacts, request: Request, identity: Identity) -> &Response {
    let asked: Vec<_> = facts
        .responses
        .iter()
        .filter(|response| response.request == request && response.identity == identity)
        .collect();
    assert_eq!(asked.len(), 1, "{facts:#?}");
    asked[0]
}

/// Returns what an answer says in few words: status, cause, and the reason.
pub(crate) fn said(response: &Response) -> (Option<u16>, Option<Cause>, &str) {
    let problem = response.problem.as_ref();
    (
        response.status,
        problem.map(|problem| problem.cause),
        problem.map_or("", |problem| &problem.reason),
    )
}

/// Checks an answer: status, cause, and a part of the reason.
pub(crate) fn check(
    name: &str,
    response: &Response,
    status: Option<u16>,
    problem: Option<(Cause, &str)>,
) {
    let (found_status, cause, reason) = said(response);
    assert_eq!(found_status, status, "{name}: {response:#?}");
    assert_eq!(
        cause,
        problem.map(|(cause, _)| cause),
        "{name}: {response:#?}"
    );
    if let Some((_, part)) = problem {
        assert!(
            reason.contains(part),
            "{name}: `{part}` is not in: {reason}"
        );
    }
}
