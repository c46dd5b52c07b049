//! Pages, a schema and settings for these tests.

use std::collections::BTreeMap;

use kubeassay_core::Value;
use kubeassay_core::rule::{
    Catalogue, Diagnostic, Document, Reading, RenderStyle, Replacing, Schema, SettingType, Settings,
};

/// Returns a bundled page; `front` is added to its front matter.
pub(crate) fn page(id: &str, control: &str, check: &str, front: &str) -> String {
    format!(
        r#"---
id: {id}
title: about {id}
framework: cis-kubernetes
control: {control}
controls:
  - {{framework: cis-kubernetes, versions: ">=1.5", control: {control}}}
{front}severity: high
subject: kubelet
expected: what {id} wants
check: {check}
---

## Remediation

Set it so.

And restart.

## CIS Controls

Version 8: 3.3 (access follows need)
"#
    )
}

/// A documentation page as they are written elsewhere: no id, no check, keys of another tool.
pub(crate) const DOCUMENTATION: &str = "---
aliases:
- 0a1-b2c-d3e
control: 4.2.2
disable_edit: true
framework: cis-kubernetes
kind: documentation
rule_category:
- Runtime Agent
scope: kubernetes
security: compliance
source: kubernetes
title: --authorization-mode is not AlwaysAllow (Kubelet)
type: security_rules
vendor_score: {a: [1, 2]}
---

## Description

Say no.

## Remediation

Edit the file `/var/lib/kubelet/config.yaml` and set
the mode to Webhook.

`--authorization-mode=Webhook`

## References

1. [https://kubernetes.io/docs/admin/kubelet/ ][1]

## CIS Controls

Version 6.14 Controlled Access Based on the Need to Know
Version 7.14 Controlled Access Based on the Need to Know

[1]: https://kubernetes.io/docs/admin/kubelet/
";

/// Two bundled rules.
pub(crate) fn catalogue() -> Catalogue {
    let eks = "  - {framework: cis-eks, control: 3.2.2}\n  - {framework: disa-stig, control: V-242392}\naliases: [authz]\n";
    let mode = page(
        "kubelet-authorization-mode",
        "4.2.2",
        r#"kubelet.authorization.mode != "AlwaysAllow""#,
        eks,
    );
    let eks = "  - {framework: cis-eks, control: 3.2.4}\n  - {framework: cis-eks, versions: \">=1.5\", control: 3.2.10}\n";
    let port = page(
        "kubelet-read-only-port",
        "4.2.4",
        "kubelet.readOnlyPort == 0",
        eks,
    );
    let pages = [
        ("kubelet/kubelet-authorization-mode.md", mode.as_str()),
        ("kubelet/kubelet-read-only-port.md", port.as_str()),
    ];
    match Catalogue::bundled(&pages) {
        Ok(catalogue) => catalogue,
        Err(faults) => panic!("{}", rendered(&faults)),
    }
}

/// Adds pages given as (file, text).
pub(crate) fn add(
    catalogue: &mut Catalogue,
    pages: &[(&str, &str)],
    replacing: Replacing,
) -> Vec<Diagnostic> {
    let pages: Vec<Document<'_>> = pages
        .iter()
        .map(|(file, text)| Document {
            file,
            bytes: text.as_bytes(),
        })
        .collect();
    catalogue.add(&pages, replacing, &Table)
}

pub(crate) fn rendered(faults: &[Diagnostic]) -> String {
    let shown: Vec<String> = faults
        .iter()
        .map(|fault| fault.render(RenderStyle::Plain))
        .collect();
    shown.join("\n\n")
}

/// A schema and settings of two names.
pub(crate) struct Table;

impl Schema for Table {
    fn setting(&self, setting: &str) -> Option<SettingType> {
        match setting {
            "kubelet.authorization.mode" => Some(SettingType::String),
            "kubelet.readOnlyPort" => Some(SettingType::Int),
            _ => None,
        }
    }

    fn names(&self) -> Vec<String> {
        vec![
            "kubelet.authorization.mode".to_owned(),
            "kubelet.readOnlyPort".to_owned(),
        ]
    }

    fn components(&self) -> &[&str] {
        &["kubelet"]
    }
}

impl Settings for Table {
    fn read(&self, setting: &str) -> Reading {
        match setting {
            "kubelet.authorization.mode" => Reading::Value(Value::string("Webhook")),
            "kubelet.readOnlyPort" => Reading::Value(Value::Int(0)),
            _ => Reading::NoSuchSetting,
        }
    }
}

/// Returns no choices.
pub(crate) fn nothing() -> BTreeMap<String, Value> {
    BTreeMap::new()
}
