//! Which admission plugins are on, and what they are configured to do
//! (`staging/src/k8s.io/apiserver/pkg/server/options/admission.go`, `pkg/kubeapiserver/options/{admission,plugins}.go`).

use std::collections::BTreeSet;
use std::sync::Arc;

use kubeassay_core::rule::SettingType;
use kubeassay_core::{Bytes, Value};

use super::authorization::nothing;
use super::derived;
use crate::components::builder::Builder;
use crate::components::document::{self, File, Reload};
use crate::node::{Content, Node};
use crate::path;
use crate::refusal::Refusal;
use crate::setting::{Setting, Unknown};
use crate::sources::Loaded;
use crate::tables::Minor;

/// The plugins that are on, sorted.
const PLUGINS: &str = "derived.admissionPlugins";
/// How many limits the plugin `EventRateLimit` has.
const LIMITS: &str = "derived.eventRateLimits";
/// The level that the plugin `PodSecurity` enforces where a namespace says none.
const ENFORCE: &str = "derived.podSecurityEnforce";
/// What the plugin `ImagePolicyWebhook` does where its webhook does not answer; null where it is not configured.
const DEFAULT_ALLOW: &str = "derived.imagePolicyDefaultAllow";

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
    ("PodSecurity", 23),
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
    ("PersistentVolumeLabel", u8::MAX),
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
    let pod_security = Value::string("PodSecurity");
    let enforces = match plugins.value() {
        Some(Value::List(names)) => names.contains(&pod_security),
        _ => true,
    };
    let off = derived(Value::string("privileged"), &plugins);
    builder.named.insert(PLUGINS, plugins);
    let configured = configured(builder);
    // Whatever it is told, a plugin that is off enforces nothing.
    if !enforces {
        builder.named.insert(ENFORCE, off);
    }
    refusal.or(configured)
}

fn plugins(builder: &Builder<'_>) -> (Setting, Option<Refusal>) {
    let list = |setting: &Setting| -> BTreeSet<String> {
        match setting.value() {
            Some(Value::List(names)) => names.iter().map(ToString::to_string).collect(),
            _ => BTreeSet::new(),
        }
    };
    let legacy = builder.flag("admission-control");
    let (enabled, disabled) = (
        builder.flag("enable-admission-plugins"),
        builder.flag("disable-admission-plugins"),
    );
    let set = |names: BTreeSet<String>, from: &Setting| {
        let names = names.into_iter().map(Value::string).collect();
        derived(Value::List(names), from)
    };
    let foreign = [&legacy, &enabled, &disabled].into_iter().find_map(|flag| {
        let name = list(flag)
            .into_iter()
            .find(|name| !may_exist(name, builder.minor))?;
        let reason = format!("admission plugin {name:?} is unknown");
        Some(Refusal::new(reason, Some(Arc::clone(&flag.origin))))
    });
    // The old flag names all that is on.
    let all = list(&legacy);
    if !all.is_empty() {
        return (set(all, &legacy), foreign);
    }
    let (on, off) = (list(&enabled), list(&disabled));
    let both = on.intersection(&off).next().map(|name| {
        let reason =
            format!("{name} in enable-admission-plugins and disable-admission-plugins overlapped");
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
    let from = if off.is_empty() { &enabled } else { &disabled };
    (set(names, from), foreign.or(both))
}

/// Reads what `--admission-control-config-file` says of the plugins that matter.
fn configured(builder: &mut Builder<'_>) -> Option<Refusal> {
    let flag = "admission-control-config-file";
    let kind = "AdmissionConfiguration";
    let versions = ["apiserver.config.k8s.io/v1", "apiserver.k8s.io/v1alpha1"];
    let origin = builder.flag(flag).origin;
    let default = |value| Setting::known(value, Arc::clone(&origin));
    let (mut limits, mut enforce, mut allow) = (
        default(Value::Int(0)),
        default(Value::string("privileged")),
        default(Value::Null),
    );
    let mut refusal = None;
    match document::file_of(builder, flag, Reload::No, kind, &versions) {
        None => {}
        Some(File::Unknown(unknown, origin)) => {
            for setting in [&mut limits, &mut enforce, &mut allow] {
                *setting = Builder::unknown(unknown.clone(), Arc::clone(&origin));
            }
        }
        Some(File::Refused(reason)) => {
            let unknown = nothing(&reason);
            for setting in [&mut limits, &mut enforce, &mut allow] {
                *setting = unknown.clone();
            }
            refusal = Some(reason);
        }
        Some(File::Read(document)) => {
            let folder = document.root.origin.path.as_deref().map(path::parent);
            let entries = match document::field(&document.root, "plugins").map(|list| &list.content)
            {
                Some(Content::List(entries)) => entries.as_slice(),
                _ => &[],
            };
            let mut seen: Vec<String> = Vec::new();
            for entry in entries {
                let name = document::text(entry, "name").ok().flatten();
                let name = name
                    .and_then(|name| name.value())
                    .map(|name| name.to_string());
                // Of several entries of a plugin the first counts.
                if let Some(name) = &name {
                    if seen.contains(name) {
                        continue;
                    }
                    seen.push(name.clone());
                }
                let (read, setting): (fn(&Node) -> Setting, _) = match name.as_deref() {
                    Some("EventRateLimit") => (event_limits, &mut limits),
                    Some("PodSecurity") => (pod_security, &mut enforce),
                    Some("ImagePolicyWebhook") => (image_policy, &mut allow),
                    _ => continue,
                };
                *setting = match inside(builder, entry, folder.as_ref()) {
                    Inside::Here(node) => read(&node),
                    Inside::Unknown(unknown) => {
                        Builder::unknown(unknown, Arc::clone(&entry.origin))
                    }
                    Inside::Refused(reason) => {
                        let unknown = nothing(&reason);
                        refusal = refusal.or(Some(reason));
                        unknown
                    }
                    Inside::Nothing => continue,
                };
            }
        }
    }
    builder
        .named
        .extend([(LIMITS, limits), (ENFORCE, enforce), (DEFAULT_ALLOW, allow)]);
    refusal
}

/// Where the configuration of a plugin was found.
enum Inside {
    Here(Node),
    Unknown(Unknown),
    Refused(Refusal),
    Nothing,
}

/// Returns the configuration of a plugin: that which stands in its entry, else the file that the entry names, relative
/// to the file of the entry.
fn inside(builder: &mut Builder<'_>, entry: &Node, folder: Option<&Bytes>) -> Inside {
    if let Some(here) = document::field(entry, "configuration")
        && !matches!(here.content, Content::Null)
    {
        return Inside::Here(here.clone());
    }
    let Some(Value::String(given)) = document::text(entry, "path")
        .ok()
        .flatten()
        .and_then(|path| path.value())
    else {
        return Inside::Nothing;
    };
    let given = match folder {
        Some(folder) if !given.as_slice().starts_with(b"/") => path::join(folder, &given),
        _ => given,
    };
    match builder
        .file_at(&given, "configuration of an admission plugin")
        .1
    {
        Loaded::Read(document) => Inside::Here(document.root.clone()),
        Loaded::Unknown(unknown) => Inside::Unknown(unknown),
        Loaded::Refused(refusal) => Inside::Refused(refusal),
    }
}

fn event_limits(root: &Node) -> Setting {
    let list = document::field(root, "limits");
    let count = match list.map(|list| &list.content) {
        Some(Content::List(limits)) => i64::try_from(limits.len()).unwrap_or(i64::MAX),
        _ => 0,
    };
    let at = list.unwrap_or(root);
    Setting::known(Value::Int(count), Arc::clone(&at.origin))
}

fn pod_security(root: &Node) -> Setting {
    let said = document::text(root, "defaults.enforce").ok().flatten();
    said.unwrap_or_else(|| Setting::known(Value::string("privileged"), Arc::clone(&root.origin)))
}

/// Without a word the images are refused (`plugin/pkg/admission/imagepolicy/config.go`).
fn image_policy(root: &Node) -> Setting {
    let said = document::boolean(root, "imagePolicy.defaultAllow")
        .ok()
        .flatten();
    said.unwrap_or_else(|| Setting::known(Value::Bool(false), Arc::clone(&root.origin)))
}
