//! What the tests of this module share: a small schema, settings in a map, pages.

use std::collections::BTreeMap;

use super::setting::{Reading, Schema, SettingType, Settings};
use crate::value::Value;
use crate::verdict::Cause;

/// A good bundled page.
pub(crate) const PAGE: &str = r#"---
id: kubelet-authorization-mode
title: the kubelet asks the API server to authorize requests
framework: cis-kubernetes
control: 4.2.2
controls:
  - {framework: cis-kubernetes, versions: ">=1.5", control: 4.2.2}
  - {framework: cis-eks, versions: ">=1.5,<1.9", control: 3.2.2}
  - {framework: disa-stig, control: V-242392}
aliases: [authz]
rule_category: [Runtime Agent]
scope: kubernetes
source: kubernetes
security: compliance
severity: high
subject: kubelet
expected: authorization.mode is Webhook
check: kubelet.authorization.mode != "AlwaysAllow"
fix: {set: {authorization.mode: Webhook}}
---

## Description

Requests are authorized.

## Rationale

Otherwise everybody may do everything.

## Audit

Look.

## Remediation

Set `authorization.mode` to `Webhook`
and restart the kubelet.

```yaml
authorization: {mode: Webhook}
```

## Impact

None.

## Default Value

`Webhook` with a file.

## References

1. https://kubernetes.io/docs/reference/access-authn-authz/kubelet-authn-authz/

## CIS Controls

Version 8: 3.3 (access follows need)

Version 7: 14.6 (access follows need)

## Examples

```yaml pass
authorization: {mode: Webhook}
```

```yaml fail
authorization: {mode: AlwaysAllow}
```
"#;

/// The settings of the tests.
pub(crate) struct Table;

impl Schema for Table {
    fn setting(&self, setting: &str) -> Option<SettingType> {
        Some(match setting {
            "kubelet.authorization.mode" | "kubelet.tlsCertFile" => SettingType::String,
            "kubelet.authentication.anonymous.enabled" | "kubelet.rotateCertificates" => {
                SettingType::Bool
            }
            "kubelet.readOnlyPort" => SettingType::Int,
            "kubelet.streamingConnectionIdleTimeout" => SettingType::Duration,
            "kubelet.containerLogMaxSize" => SettingType::Quantity,
            "kubelet.tlsCipherSuites" => SettingType::List(Box::new(SettingType::String)),
            "kubelet.featureGates" => SettingType::Map(Box::new(SettingType::Bool)),
            _ => return None,
        })
    }

    fn names(&self) -> Vec<String> {
        [
            "authorization.mode",
            "authentication.anonymous.enabled",
            "containerLogMaxSize",
            "featureGates",
            "readOnlyPort",
            "rotateCertificates",
            "streamingConnectionIdleTimeout",
            "tlsCertFile",
            "tlsCipherSuites",
        ]
        .map(|name| format!("kubelet.{name}"))
        .to_vec()
    }

    fn components(&self) -> &[&str] {
        &["kubelet"]
    }
}

/// Settings in a map; the names of `unknown` answer that they are denied.
#[derive(Default)]
pub(crate) struct Known {
    pub(crate) values: BTreeMap<String, Value>,
    pub(crate) unknown: Vec<&'static str>,
}

impl Known {
    pub(crate) fn new<const N: usize>(
        values: [(&str, Value); N],
        unknown: &[&'static str],
    ) -> Self {
        let values = values.map(|(name, value)| (name.to_owned(), value));
        Self {
            values: BTreeMap::from(values),
            unknown: unknown.to_vec(),
        }
    }
}

impl Settings for Known {
    fn read(&self, setting: &str) -> Reading {
        if self.unknown.contains(&setting) {
            return Reading::Unknown {
                cause: Cause::Denied,
                reason: format!("{setting} cannot be read"),
            };
        }
        self.values
            .get(setting)
            .map_or(Reading::NoSuchSetting, |value| {
                Reading::Value(value.clone())
            })
    }
}
