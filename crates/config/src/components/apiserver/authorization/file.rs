//! What the server wants of `--authorization-config` (`ValidateAuthorizationConfiguration` in
//! `staging/src/k8s.io/apiserver/pkg/apis/apiserver/validation/validation.go`, and `LoadAndValidateData` in
//! `pkg/kubeapiserver/authorizer/config.go`). Expressions are not compiled here.

use std::sync::Arc;

use kubeassay_core::{Bytes, Value, duration};

use super::KNOWN;
use crate::components::apiserver::words;
use crate::components::builder::Builder;
use crate::components::document::{block, field, items, word};
use crate::node::{Content, Node};
use crate::refusal::Refusal;
use crate::setting::Setting;
use crate::sources::Presence;

/// The longest that a webhook may be waited for.
const LONGEST: i64 = 30_000_000_000;

/// Returns the types of the authorizers in their order.
///
/// # Errors
///
/// The server's reason to end.
pub(super) fn authorizers(builder: &mut Builder<'_>, root: &Node) -> Result<Setting, Refusal> {
    let all = items(root, "authorizers");
    let list = field(root, "authorizers").unwrap_or(root);
    if all.is_empty() {
        let reason = "authorizers: Required value: at least one authorization mode must be defined";
        return Err(refuse(reason.to_owned(), list));
    }
    let mut types: Vec<Value> = Vec::new();
    let mut names: Vec<String> = Vec::new();
    let mut origin = Arc::clone(&list.origin);
    for (at, authorizer) in all.iter().enumerate() {
        let (path, kind) = (format!("authorizers[{at}]"), word(authorizer, "type"));
        let value = Value::string(kind.as_str());
        let place = field(authorizer, "type").unwrap_or(authorizer);
        if kind.is_empty() {
            return Err(refuse(format!("{path}.type: Required value"), authorizer));
        }
        if !KNOWN.contains(&kind.as_str()) {
            return Err(refuse(
                format!("{path}.type: Unsupported value: {kind:?}"),
                place,
            ));
        }
        if kind != "Webhook" && types.contains(&value) {
            return Err(refuse(
                format!("{path}.type: Duplicate value: {kind:?}"),
                place,
            ));
        }
        check_name(authorizer, &path, &kind, &names)?;
        names.push(word(authorizer, "name"));
        match (block(authorizer, "webhook"), kind.as_str()) {
            (None, "Webhook") => {
                let reason = format!("{path}.webhook: Required value: required when type=Webhook");
                return Err(refuse(reason, authorizer));
            }
            (Some(webhook), "Webhook") => check_webhook(builder, webhook, &path)?,
            (Some(webhook), _) => {
                let reason = format!(
                    "{path}.webhook: Invalid value: \"non-null\": may only be specified when type=Webhook"
                );
                return Err(refuse(reason, webhook));
            }
            (None, _) => {}
        }
        // The one that lets everything through is what people look for.
        if kind == "AlwaysAllow" || types.is_empty() {
            origin = Arc::clone(&place.origin);
        }
        types.push(value);
    }
    let abac = types.contains(&Value::string("ABAC"));
    if abac && builder.line.path("authorization-policy-file").is_none() {
        let reason = "invalid authorization config: open : no such file or directory";
        return Err(refuse(reason.to_owned(), list));
    }
    Ok(Setting::known(Value::List(types), origin))
}

fn check_name(authorizer: &Node, path: &str, kind: &str, before: &[String]) -> Result<(), Refusal> {
    let name = word(authorizer, "name");
    let at = field(authorizer, "name").unwrap_or(authorizer);
    let refuse = |reason: String| Err(refuse(reason, at));
    if name.is_empty() {
        return refuse(format!("{path}.name: Required value"));
    }
    if before.contains(&name) {
        return refuse(format!("{path}.name: Duplicate value: {name:?}"));
    }
    if !words::is_subdomain(&name) {
        return refuse(format!(
            "{path}.name: Invalid value: {name:?}: authorizer name is invalid"
        ));
    }
    let expected = kind.to_lowercase();
    if kind != "Webhook" && name != expected {
        return refuse(format!(
            "expected name {expected} for authorizer {kind} instead of {name}"
        ));
    }
    Ok(())
}

fn check_webhook(builder: &mut Builder<'_>, webhook: &Node, path: &str) -> Result<(), Refusal> {
    let wrong = |name: &str, what: &str| {
        let at = field(webhook, name).unwrap_or(webhook);
        Err(refuse(format!("{path}.{name}: {what}"), at))
    };
    match time(webhook, "timeout") {
        0 => return wrong("timeout", "Required value"),
        1..=LONGEST => {}
        _ => return wrong("timeout", "Invalid value: must be > 0s and <= 30s"),
    }
    // What is zero becomes the default.
    for name in ["authorizedTTL", "unauthorizedTTL"] {
        if time(webhook, name) < 0 {
            return wrong(name, "Invalid value: must be > 0s");
        }
    }
    let conditions = items(webhook, "matchConditions");
    let optional = conditions.is_empty();
    for (name, known, empty_is_fine) in [
        ("subjectAccessReviewVersion", &["v1", "v1beta1"][..], false),
        (
            "matchConditionSubjectAccessReviewVersion",
            &["v1"],
            optional,
        ),
        ("failurePolicy", &["NoOpinion", "Deny"], false),
        (
            "connectionInfo.type",
            &["InClusterConfig", "KubeConfigFile"],
            false,
        ),
    ] {
        let said = word(webhook, name);
        if said.is_empty() && !empty_is_fine {
            return wrong(name, "Required value");
        }
        if !said.is_empty() && !known.contains(&said.as_str()) {
            return wrong(name, &format!("Unsupported value: {said:?}"));
        }
    }
    check_conditions(conditions, path)?;
    let name = "connectionInfo.kubeConfigFile";
    let file = word(webhook, name);
    if word(webhook, "connectionInfo.type") == "InClusterConfig" {
        return match block(webhook, name) {
            Some(_) => wrong(
                name,
                "Invalid value: can only be set when type=KubeConfigFile",
            ),
            None => Ok(()),
        };
    }
    if file.is_empty() {
        return wrong(name, "Required value");
    }
    if !file.starts_with('/') {
        return wrong(
            name,
            &format!("Invalid value: {file:?}: must be an absolute path"),
        );
    }
    let presence = builder.next_presence(&Bytes::from(file.as_str()));
    if presence == Presence::Missing {
        return wrong(
            name,
            &format!("Invalid value: {file:?}: error loading file: no such file or directory"),
        );
    }
    Ok(())
}

fn check_conditions(conditions: &[Node], path: &str) -> Result<(), Refusal> {
    let mut before: Vec<String> = Vec::new();
    for (at, condition) in conditions.iter().enumerate() {
        let path = format!("{path}.matchConditions[{at}].expression");
        let expression = word(condition, "expression");
        if expression.trim().is_empty() {
            return Err(refuse(format!("{path}: Required value"), condition));
        }
        if before.contains(&expression) {
            return Err(refuse(
                format!("{path}: Duplicate value: {expression:?}"),
                condition,
            ));
        }
        before.push(expression);
    }
    Ok(())
}

/// Returns a duration in nanoseconds; 0 where none is said.
fn time(node: &Node, path: &str) -> i64 {
    match field(node, path).map(|found| &found.content) {
        Some(Content::String(text)) => duration::parse(&text.to_string_lossy()).unwrap_or(0),
        _ => 0,
    }
}

fn refuse(reason: String, at: &Node) -> Refusal {
    Refusal::new(reason, Some(Arc::clone(&at.origin)))
}
