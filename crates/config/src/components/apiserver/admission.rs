//! Which admission plugins are on, and what they are configured to do
//! (`staging/src/k8s.io/apiserver/pkg/server/options/admission.go`, `pkg/kubeapiserver/options/{admission,plugins}.go`).

mod configured;

use std::collections::BTreeSet;
use std::sync::Arc;

use kubeassay_core::Value;
use kubeassay_core::rule::SettingType;

use super::derived;
use crate::components::builder::Builder;
use crate::components::gates;
use crate::refusal::Refusal;
use crate::setting::Setting;
use crate::tables::Minor;

/// The plugins that are on, sorted.
const PLUGINS: &str = "derived.admissionPlugins";
/// How many limits the plugin `EventRateLimit` has.
const LIMITS: &str = "derived.eventRateLimits";
/// The level that the plugin `PodSecurity` enforces where a namespace says none.
const ENFORCE: &str = "derived.podSecurityEnforce";
/// What the plugin `ImagePolicyWebhook` does where its webhook does not answer; null where it is not configured.
const DEFAULT_ALLOW: &str = "derived.imagePolicyDefaultAllow";

/// The plugin that enforces levels of pod security.
const POD_SECURITY: &str = "PodSecurity";

/// The flag of old, and the two that took its place.
const LEGACY: &str = "admission-control";
const ENABLE: &str = "enable-admission-plugins";
const DISABLE: &str = "disable-admission-plugins";

/// The plugins that are on by default, with the first minor of which that is so.
const DEFAULT_ON: [(&str, u8); 27] = [
    ("NamespaceLifecycle", 0),
    ("LimitRanger", 0),
    ("ServiceAccount", 0),
    ("TaintNodesByCondition", 0),
    ("Priority", 0),
    ("DefaultTolerationSeconds", 0),
    ("DefaultStorageClass", 0),
    ("StorageObjectInUseProtection", 0),
    ("PersistentVolumeClaimResize", 0),
    ("RuntimeClass", 0),
    ("CertificateApproval", 0),
    ("CertificateSigning", 0),
    ("CertificateSubjectRestriction", 0),
    ("DefaultIngressClass", 0),
    ("MutatingAdmissionWebhook", 0),
    ("ValidatingAdmissionWebhook", 0),
    ("ResourceQuota", 0),
    (POD_SECURITY, 23),
    ("ValidatingAdmissionPolicy", 26),
    ("ClusterTrustBundleAttest", 27),
    ("MutatingAdmissionPolicy", 32),
    ("PodTopologyLabels", 33),
    ("JobValidation", 36),
    ("NodeDeclaredFeatureValidator", 35),
    ("PodGroupProtection", 36),
    ("PodGroupWorkloadExists", 36),
    ("PodResizeValidator", 36),
];

/// The plugins that are off by default, with the last minor that has them where that is known
/// (`pkg/kubeapiserver/options/plugins.go:AllOrderedPlugins`).
const DEFAULT_OFF: [(&str, u8); 19] = [
    ("AlwaysAdmit", u8::MAX),
    ("AlwaysDeny", u8::MAX),
    ("AlwaysPullImages", u8::MAX),
    ("DenyEscalatingExec", 20),
    ("DenyServiceExternalIPs", u8::MAX),
    ("EventRateLimit", u8::MAX),
    ("ExtendedResourceToleration", u8::MAX),
    ("ImagePolicyWebhook", u8::MAX),
    ("LimitPodHardAntiAffinityTopology", u8::MAX),
    ("NamespaceAutoProvision", u8::MAX),
    ("NamespaceExists", u8::MAX),
    ("NodeRestriction", u8::MAX),
    ("OwnerReferencesPermissionEnforcement", u8::MAX),
    ("PersistentVolumeLabel", 30),
    ("PodNodeSelector", u8::MAX),
    ("PodPreset", u8::MAX),
    ("PodSecurityPolicy", 24),
    ("PodTolerationRestriction", u8::MAX),
    ("SecurityContextDeny", 29),
];

/// Returns whether a server may have a plugin of this name. Servers with plugins of their own (`OpenShift`) call them by
/// a path.
fn may_exist(name: &str, minor: Minor) -> bool {
    let of_its_own = name.contains('/') || name.contains('.');
    of_its_own
        || DEFAULT_OFF
            .iter()
            .any(|(known, last)| *known == name && minor.0 <= *last)
        || DEFAULT_ON.iter().any(|(known, _)| *known == name)
}

/// Returns the settings that are derived here.
pub(super) fn named() -> [(&'static str, SettingType); 4] {
    [
        (PLUGINS, SettingType::List(Box::new(SettingType::String))),
        (LIMITS, SettingType::Int),
        (ENFORCE, SettingType::String),
        (DEFAULT_ALLOW, SettingType::Bool),
    ]
}

/// Derives them.
pub(super) fn derive(builder: &mut Builder<'_>) -> Option<Refusal> {
    let (plugins, refusal) = plugins(builder);
    let off = derived(Value::string("privileged"), &plugins);
    let names: Option<Vec<String>> = match plugins.value() {
        Some(Value::List(names)) => Some(names.iter().map(ToString::to_string).collect()),
        _ => None,
    };
    builder.named.insert(PLUGINS, plugins);
    let is_on = |name: &str| {
        let names = names.as_ref();
        names.is_none_or(|names| names.iter().any(|one| one == name))
    };
    let configured = configured::derive(builder, is_on);
    // Whatever it is told, a plugin that is off enforces nothing.
    if !is_on(POD_SECURITY) {
        builder.named.insert(ENFORCE, off);
    }
    refusal.or(configured)
}

/// Returns whether the gate of `PodSecurity` is on: alpha in 1.22, beta in 1.23, there to stay from 1.25 (`pkg/features` of
/// these versions). Without it the plugin admits everything, and is not on to any purpose.
fn enforces_pod_security(builder: &Builder<'_>) -> bool {
    match builder.minor.0 {
        ..22 => false,
        22 => gates::said_of(builder, POD_SECURITY, "AllAlpha") == Some(true),
        23 | 24 => gates::said_of(builder, POD_SECURITY, "AllBeta") != Some(false),
        _ => true,
    }
}

fn plugins(builder: &Builder<'_>) -> (Setting, Option<Refusal>) {
    let list = |setting: &Setting| -> BTreeSet<String> {
        match setting.value() {
            Some(Value::List(names)) => names.iter().map(ToString::to_string).collect(),
            _ => BTreeSet::new(),
        }
    };
    let flags = [LEGACY, ENABLE, DISABLE].map(|name| (name, builder.flag(name)));
    let given = |name: &str| {
        builder
            .line
            .last(name)
            .map(|given| Arc::clone(&given.origin))
    };
    let enforces = enforces_pod_security(builder);
    let set = |names: BTreeSet<String>, from: &Setting| {
        let names = names.into_iter();
        let names = names.filter(|name| enforces || name != POD_SECURITY);
        let names = names.map(Value::string).collect();
        derived(Value::List(names), from)
    };
    let foreign = flags.iter().find_map(|(flag, setting)| {
        let names = list(setting).into_iter();
        let name = names
            .into_iter()
            .find(|name| !may_exist(name, builder.minor))?;
        let reason = format!("{flag} plugin {name:?} is unknown");
        Some(Refusal::new(reason, Some(Arc::clone(&setting.origin))))
    });
    let [(_, legacy), (_, enabled), (_, disabled)] = &flags;
    // The old flag names all that is on; an empty one turns everything off.
    if given(LEGACY).is_some() {
        let both = given(ENABLE).or_else(|| given(DISABLE)).map(|origin| {
            let reason = "admission-control and enable-admission-plugins/disable-admission-plugins flags are mutually exclusive";
            Refusal::new(reason, Some(origin))
        });
        return (set(list(legacy), legacy), both.or(foreign));
    }
    let (on, off) = (list(enabled), list(disabled));
    let both = on.intersection(&off).next().map(|name| {
        let reason = format!(
            "[{name}] in enable-admission-plugins and disable-admission-plugins overlapped"
        );
        Refusal::new(reason, Some(Arc::clone(&enabled.origin)))
    });
    let defaults = DEFAULT_ON
        .iter()
        .filter(|(_, first)| *first <= builder.minor.0)
        .map(|(name, _)| (*name).to_owned());
    let names = defaults
        .chain(on.iter().cloned())
        .filter(|name| !off.contains(name))
        .collect();
    // What was taken away is what people ask for first.
    let from = if off.is_empty() { enabled } else { disabled };
    (set(names, from), foreign.or(both))
}
