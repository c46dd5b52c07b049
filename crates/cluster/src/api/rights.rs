//! What credentials may do: whether a token is harmless enough to be sent to a node, and what others may do to nodes.

use hyper::Method;
use kubeassay_core::facts::Trouble;
use kubeassay_core::verdict::Cause;

use super::documents::AccessReview;
use super::error::{ApiError, no_document};
use super::sending::{Ask, understand};
use super::{ATTEMPTS, Api, JSON, LARGEST_DOCUMENT};
use crate::identity::{ClientIdentity, Token};
use crate::rbac::{HARMS, Harm, KUBE_SYSTEM, READ_PODS};

impl Api {
    /// Asks whether the token may be sent to nodes, and returns the one that all answers are about.
    ///
    /// # Errors
    ///
    /// Why it must not be sent; so also where the answer is in doubt.
    pub(crate) async fn harmless_token(&self) -> Result<Token, Trouble> {
        // Where it is renewed meanwhile, some answers are about the old one, and it is asked once more.
        for _ in 0..2 {
            let before = self.identity();
            self.token_is_harmless().await?;
            if let (Some(ClientIdentity::Token(before)), Some(ClientIdentity::Token(now))) =
                (before, self.identity())
                && before == now
            {
                return Ok(now);
            }
        }
        Err(Trouble {
            cause: Cause::NotPermitted,
            reason:
                "the token is not sent to nodes: it was renewed while it was asked what it may do"
                    .to_owned(),
        })
    }

    /// Asks whether none of [`HARMS`] is granted, anywhere that is asked about.
    async fn token_is_harmless(&self) -> Result<(), Trouble> {
        let refused = |reason: String| Trouble {
            cause: Cause::NotPermitted,
            reason,
        };
        for harm in &HARMS {
            // Nodes have no namespace; for the others, everywhere, and where the secrets of the cluster itself are.
            let namespaces: &[&str] = if harm.resource == "nodes" {
                &[""]
            } else {
                &["", KUBE_SYSTEM]
            };
            for namespace in namespaces {
                let name = name_of(harm);
                match self.may(harm, namespace).await {
                    Ok(false) => {}
                    Ok(true) => {
                        return Err(refused(format!(
                            "the token is not sent to nodes: it may {} {name}, and every node that receives it could use it for that; use a client certificate, a token with nothing but what `kubeassay manifest rbac` prints, or --via-proxy",
                            harm.verb
                        )));
                    }
                    Err(error) => {
                        return Err(refused(format!(
                            "the token is not sent to nodes: whether it may {} {name} is not known: {error}",
                            harm.verb
                        )));
                    }
                }
            }
        }
        Ok(())
    }

    /// Asks whether these credentials may read `/pods` of a kubelet: `nodes/pods` from 1.33, `nodes/proxy` in any version.
    pub(crate) async fn may_read_pods(&self) -> Result<bool, ApiError> {
        for right in &READ_PODS {
            if self.may(right, "").await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Asks whether somebody may do `verb` on `nodes/proxy` (`SubjectAccessReview`).
    pub(crate) async fn may_use_nodes_proxy(
        &self,
        user: &str,
        groups: &[String],
        verb: &str,
    ) -> Result<bool, ApiError> {
        let what = "ask what somebody else may do (create subjectaccessreviews)";
        // Whoever authenticates has this group as well (`WithAuthentication` and `AuthenticatedGroupAdder` of
        // kubernetes/apiserver); a review takes the groups as they are given.
        let mut groups: Vec<&str> = groups.iter().map(String::as_str).collect();
        groups.push("system:authenticated");
        let review = serde_json::json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {
                "user": user,
                "groups": groups,
                "resourceAttributes": {
                    "verb": verb,
                    "group": "",
                    "resource": "nodes",
                    "subresource": "proxy",
                },
            },
        });
        let path = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
        self.review(what, path, &review).await
    }

    /// Asks whether these credentials have a right (`SelfSubjectAccessReview`).
    async fn may(&self, harm: &Harm, namespace: &str) -> Result<bool, ApiError> {
        let what = "ask what these credentials may do (create selfsubjectaccessreviews)";
        let review = serde_json::json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": { "resourceAttributes": {
                "namespace": namespace,
                "verb": harm.verb,
                "group": "",
                "resource": harm.resource,
                "subresource": harm.subresource,
            }},
        });
        let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
        self.review(what, path, &review).await
    }

    /// Asks for a review.
    async fn review(
        &self,
        what: &str,
        path: &str,
        review: &serde_json::Value,
    ) -> Result<bool, ApiError> {
        let ask = Ask {
            what,
            path,
            accept: JSON,
            limit: LARGEST_DOCUMENT,
            attempts: ATTEMPTS,
        };
        let json = review.to_string().into_bytes();
        let reply = self.send(Method::POST, Some(json), ask).await?;
        allowed(what, understand(what, &reply.body)?)
    }
}

fn name_of(harm: &Harm) -> String {
    match harm.subresource {
        "" => harm.resource.to_owned(),
        subresource => format!("{}/{subresource}", harm.resource),
    }
}

/// Takes the answer from a review; one that does not say is none.
pub(crate) fn allowed(what: &str, review: AccessReview) -> Result<bool, ApiError> {
    let allowed = review.status.and_then(|status| status.allowed);
    allowed.ok_or_else(|| no_document(what))
}
