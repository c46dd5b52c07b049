//! What the server wants of the issuers of tokens in `--authentication-config` (`validateJWTAuthenticator` in
//! `staging/src/k8s.io/apiserver/pkg/apis/apiserver/validation/validation.go`). Expressions and certificates are not
//! looked into here.

use std::sync::Arc;

use crate::components::apiserver::words::issuer_fault;
use crate::components::document::{block, field, items, word};
use crate::node::{Content, Node};
use crate::refusal::Refusal;

/// The most issuers that there may be.
const MOST: usize = 64;

/// Checks all issuers of a file; `own` are the issuers of the server's own tokens.
///
/// # Errors
///
/// The server's reason to end.
pub(super) fn check(root: &Node, own: &[String]) -> Result<(), Refusal> {
    let all = items(root, "jwt");
    if all.len() > MOST {
        return Err(refuse(root, "jwt", "Too many: must have at most 64 items"));
    }
    let (mut issuers, mut discovery): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    for (at, one) in all.iter().enumerate() {
        let path = format!("jwt[{at}]");
        let empty = Node::new(Content::Null, Arc::clone(&one.origin));
        let issuer = block(one, "issuer").unwrap_or(&empty);
        check_issuer(issuer, &format!("{path}.issuer"), own)?;
        rules(one, "claimValidationRules", &path)?;
        let mappings = block(one, "claimMappings").unwrap_or(&empty);
        check_mappings(mappings, &format!("{path}.claimMappings"))?;
        rules(one, "userValidationRules", &path)?;
        for (name, before) in [("url", &mut issuers), ("discoveryURL", &mut discovery)] {
            let url = word(issuer, name);
            if before.contains(&url) {
                let reason = format!("Duplicate value: {url:?}");
                return Err(refuse(issuer, &format!("{path}.issuer.{name}"), &reason));
            }
            before.extend(Some(url).filter(|url| !url.is_empty()));
        }
    }
    Ok(())
}

fn check_issuer(issuer: &Node, path: &str, own: &[String]) -> Result<(), Refusal> {
    let refuse = |name: &str, reason: &str| {
        let at = field(issuer, name).unwrap_or(issuer);
        Err(refuse(at, &format!("{path}.{name}"), reason))
    };
    let (url, discovery) = (word(issuer, "url"), word(issuer, "discoveryURL"));
    if url.is_empty() {
        return refuse("url", "Required value");
    }
    if own.contains(&url) {
        return refuse(
            "url",
            &format!("Invalid value: {url:?}: URL must not overlap with disallowed issuers"),
        );
    }
    if let Some(fault) = issuer_fault(&url) {
        return refuse("url", &format!("Invalid value: {url:?}: {fault}"));
    }
    if !discovery.is_empty() {
        let fault = if url.trim_end_matches('/') == discovery.trim_end_matches('/') {
            Some("discoveryURL must be different from URL")
        } else {
            issuer_fault(&discovery)
        };
        if let Some(fault) = fault {
            return refuse(
                "discoveryURL",
                &format!("Invalid value: {discovery:?}: {fault}"),
            );
        }
    }
    let audiences: Vec<String> = items(issuer, "audiences").iter().map(text).collect();
    if audiences.is_empty() {
        return refuse("audiences", "Required value: at least one is required");
    }
    if audiences.iter().any(String::is_empty) {
        return refuse("audiences", "Required value");
    }
    let mut numbered = audiences.iter().enumerate();
    if numbered.any(|(at, one)| audiences.iter().take(at).any(|before| before == one)) {
        return refuse("audiences", "Duplicate value");
    }
    let policy = word(issuer, "audienceMatchPolicy");
    let fits = policy == "MatchAny" || (policy.is_empty() && audiences.len() == 1);
    if !fits {
        let reason = format!("Invalid value: {policy:?}: audienceMatchPolicy must be MatchAny");
        return refuse("audienceMatchPolicy", &reason);
    }
    let egress = word(issuer, "egressSelectorType");
    if !matches!(egress.as_str(), "" | "controlplane" | "cluster") {
        let reason = format!(
            "Invalid value: {egress:?}: egress selector must be either controlplane or cluster"
        );
        return refuse("egressSelectorType", &reason);
    }
    Ok(())
}

fn check_mappings(mappings: &Node, path: &str) -> Result<(), Refusal> {
    for name in ["username", "groups", "uid"] {
        let said = |key: &str| word(mappings, &format!("{name}.{key}"));
        let at = field(mappings, name).unwrap_or(mappings);
        let refuse = |path: &str, reason: &str| Err(refuse(at, path, reason));
        let path = format!("{path}.{name}");
        let prefix = block(mappings, &format!("{name}.prefix")).is_some();
        match (said("claim").is_empty(), said("expression").is_empty()) {
            (false, false) => {
                return refuse(
                    &path,
                    "Invalid value: claim and expression can't both be set",
                );
            }
            (true, true) if name == "username" => {
                return refuse(&path, "Required value: claim or expression is required");
            }
            (false, true) if name != "uid" && !prefix => {
                return refuse(
                    &format!("{path}.prefix"),
                    "Required value: prefix is required when claim is set",
                );
            }
            (true, false) if name != "uid" && prefix => {
                return refuse(
                    &format!("{path}.prefix"),
                    "Invalid value: may not be specified when expression is set",
                );
            }
            _ => {}
        }
    }
    let mut before: Vec<String> = Vec::new();
    for (at, extra) in items(mappings, "extra").iter().enumerate() {
        let path = format!("{path}.extra[{at}]");
        let key = word(extra, "key");
        let domain = key.split_once('/').map_or("", |(domain, _)| domain);
        let reserved = ["k8s.io", "kubernetes.io"].into_iter().any(|own| {
            let below = domain.strip_suffix(own);
            below.is_some_and(|below| below.is_empty() || below.ends_with('.'))
        });
        let fault = if domain.is_empty() {
            Some("must be a domain-prefixed path")
        } else if key.to_lowercase() != key {
            Some("must be lowercase")
        } else if reserved {
            Some("k8s.io, kubernetes.io and their subdomains are reserved for Kubernetes use")
        } else if before.contains(&key) {
            Some("Duplicate value")
        } else {
            None
        };
        if let Some(fault) = fault {
            return Err(refuse(
                extra,
                &format!("{path}.key"),
                &format!("Invalid value: {key:?}: {fault}"),
            ));
        }
        if word(extra, "valueExpression").is_empty() {
            return Err(refuse(
                extra,
                &format!("{path}.valueExpression"),
                "Required value",
            ));
        }
        before.push(key);
    }
    Ok(())
}

/// Checks the rules that claims, or users, have to meet.
fn rules(one: &Node, name: &str, path: &str) -> Result<(), Refusal> {
    let mut before: Vec<(String, String)> = Vec::new();
    for (at, rule) in items(one, name).iter().enumerate() {
        let path = format!("{path}.{name}[{at}]");
        let (claim, expression) = (word(rule, "claim"), word(rule, "expression"));
        let fault = match (claim.is_empty(), expression.is_empty()) {
            (false, false) => "Invalid value: claim and expression can't both be set",
            (true, true) => "Required value: claim or expression is required",
            (false, true) if !word(rule, "message").is_empty() => {
                "Invalid value: message may not be specified when claim is set"
            }
            (true, false) if !word(rule, "requiredValue").is_empty() => {
                "Invalid value: requiredValue may not be specified when expression is set"
            }
            _ if before.contains(&(claim.clone(), expression.clone())) => "Duplicate value",
            _ => {
                before.push((claim, expression));
                continue;
            }
        };
        return Err(refuse(rule, &path, fault));
    }
    Ok(())
}

fn text(node: &Node) -> String {
    match &node.content {
        Content::String(text) => text.to_string_lossy(),
        _ => String::new(),
    }
}

fn refuse(at: &Node, path: &str, reason: &str) -> Refusal {
    let reason = format!("invalid authentication configuration: {path}: {reason}");
    Refusal::new(reason, Some(Arc::clone(&at.origin)))
}
