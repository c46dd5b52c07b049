//! What `--admission-control-config-file`, and the files that it names, say of the plugins that matter
//! (`staging/src/k8s.io/apiserver/pkg/admission/config.go`).
//!
//! Of a plugin that is off nothing is read, and so nothing is refused.

use std::sync::Arc;

use kubeassay_core::{Bytes, Origin, OriginKind, Value};

use super::{DEFAULT_ALLOW, ENFORCE, LIMITS, POD_SECURITY};
use crate::components::apiserver::authorization::nothing;
use crate::components::apiserver::shapes;
use crate::components::builder::Builder;
use crate::components::document::{self, File, Form, Reload, field, items, word};
use crate::components::strict::{self, Decoder};
use crate::node::{Content, Node};
use crate::path;
use crate::refusal::Refusal;
use crate::setting::{Setting, Unknown};
use crate::sources::{Loaded, Presence};
use crate::tables::Minor;

const EVENT_RATE_LIMIT: &str = "EventRateLimit";
const IMAGE_POLICY: &str = "ImagePolicyWebhook";

/// The first minor that reads the file strictly.
const STRICT: Minor = Minor(32);

/// The levels of `PodSecurity`.
const LEVELS: [&str; 3] = ["privileged", "baseline", "restricted"];

/// The longest that `ImagePolicyWebhook` keeps an answer, in seconds, and waits before it asks again, in milliseconds.
const IMAGE_POLICY_TIMES: [(&str, i64); 3] = [
    ("allowTTL", 1_800),
    ("denyTTL", 1_800),
    ("retryBackoff", 300_000),
];

/// Derives the settings of the plugins; `is_on` tells which of them are on, as far as that is known.
pub(super) fn derive(builder: &mut Builder<'_>, is_on: impl Fn(&str) -> bool) -> Option<Refusal> {
    let flag = "admission-control-config-file";
    let origin = builder.flag(flag).origin;
    let strict = if builder.minor >= STRICT {
        Decoder::Strict
    } else {
        Decoder::Lenient
    };
    let form = Form {
        kinds: &[(
            "AdmissionConfiguration",
            &["apiserver.config.k8s.io/v1", "apiserver.k8s.io/v1alpha1"],
        )],
        fields: Some((&shapes::ADMISSION, strict)),
    };
    let plugins = [EVENT_RATE_LIMIT, POD_SECURITY, IMAGE_POLICY];
    let mut settings = [Value::Int(0), Value::string("privileged"), Value::Null]
        .map(|value| Setting::known(value, Arc::clone(&origin)));
    let mut refusal = None;
    let mut file = document::file_of(builder, flag, Reload::No, form);
    let mut old = None;
    if let Some(File::Refused(reason)) = &file {
        old = of_old(builder);
        if old.is_none() {
            settings = plugins.map(|_| nothing(reason));
            refusal = Some(reason.clone());
        } else {
            file = None;
        }
    }
    let root = match &file {
        Some(File::Unknown(unknown, origin)) => {
            settings = plugins.map(|_| Builder::unknown(unknown.clone(), Arc::clone(origin)));
            None
        }
        Some(File::Read(document)) => Some(&document.root),
        Some(File::Refused(_)) | None => None,
    };
    let is_told = matches!(file, None | Some(File::Read(_)));
    for (plugin, setting) in plugins.into_iter().zip(&mut settings).filter(|_| is_told) {
        let entry = root.and_then(|root| entry_of(root, plugin));
        let found = match (&old, entry) {
            (Some(root), _) if plugin == IMAGE_POLICY => Inside::Here(root.clone()),
            (_, Some(entry)) => inside(builder, entry, is_on(plugin)),
            (_, None) => Inside::Nothing,
        };
        let at = entry.map_or(&origin, |entry| &entry.origin);
        let read = match found {
            Inside::Here(node) => read(builder, plugin, &node).map(Some),
            Inside::Unknown(unknown) => Ok(Some(Builder::unknown(unknown, Arc::clone(at)))),
            Inside::Refused(reason) => Err(reason),
            Inside::Nothing => unconfigured(plugin, at).map(|()| None),
        };
        match read {
            Ok(Some(value)) => *setting = value,
            // What a plugin is told that is off is of no matter.
            Err(reason) if is_on(plugin) => {
                *setting = nothing(&reason);
                refusal = refusal.or(Some(reason));
            }
            Ok(None) | Err(_) => {}
        }
    }
    builder
        .named
        .extend([LIMITS, ENFORCE, DEFAULT_ALLOW].into_iter().zip(settings));
    refusal
}

/// Returns the entry of a plugin: of several the first counts.
fn entry_of<'n>(root: &'n Node, plugin: &str) -> Option<&'n Node> {
    let mut entries = items(root, "plugins").iter();
    entries.find(|entry| word(entry, "name") == plugin)
}

/// Returns the file if it is one of before 1.7, which the plugins read themselves.
fn of_old(builder: &mut Builder<'_>) -> Option<Node> {
    let (given, _) = builder.line.path("admission-control-config-file")?;
    let path = path::clean(&builder.files.absolute(given)?);
    match builder.files.load(&path, OriginKind::File) {
        Loaded::Read(document) => {
            let root = &document.root;
            let is_old = ["imagePolicy", "podNodeSelectorPluginConfig"]
                .into_iter()
                .any(|key| field(root, key).is_some());
            (is_old && word(root, "kind").is_empty()).then(|| root.clone())
        }
        Loaded::Unknown(_) | Loaded::Refused(_) => None,
    }
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
fn inside(builder: &mut Builder<'_>, entry: &Node, is_on: bool) -> Inside {
    if let Some(here) = document::block(entry, "configuration") {
        return Inside::Here(here.clone());
    }
    let given = Bytes::from(word(entry, "path").as_str());
    if given.is_empty() || !is_on {
        return Inside::Nothing;
    }
    let folder = entry.origin.path.as_deref().map(path::parent);
    let given = match folder {
        Some(folder) if !given.as_slice().starts_with(b"/") => path::join(&folder, &given),
        _ => given,
    };
    let loaded = builder.file_at(&given, "configuration of an admission plugin");
    match loaded.1 {
        Loaded::Read(document) => Inside::Here(document.root.clone()),
        Loaded::Unknown(unknown) => Inside::Unknown(unknown),
        Loaded::Refused(refusal) => Inside::Refused(refusal),
    }
}

/// Refuses a plugin that has to be configured.
fn unconfigured(plugin: &str, at: &Arc<Origin>) -> Result<(), Refusal> {
    let reason = match plugin {
        EVENT_RATE_LIMIT => "limits: Invalid value: null: must not be empty",
        IMAGE_POLICY => "no config specified",
        _ => return Ok(()),
    };
    Err(Refusal::new(
        format!("couldn't init admission plugin {plugin:?}: {reason}"),
        Some(Arc::clone(at)),
    ))
}

/// Reads the configuration of a plugin.
fn read(builder: &mut Builder<'_>, plugin: &str, root: &Node) -> Result<Setting, Refusal> {
    let read = match plugin {
        EVENT_RATE_LIMIT => event_limits(root, builder.minor),
        POD_SECURITY => pod_security(root, builder.minor),
        _ => image_policy(builder, root),
    };
    read.map_err(|refusal| {
        let reason = format!(
            "couldn't init admission plugin {plugin:?}: {}",
            refusal.reason
        );
        Refusal { reason, ..refusal }
    })
}

/// (`plugin/pkg/admission/eventratelimit`)
fn event_limits(root: &Node, minor: Minor) -> Result<Setting, Refusal> {
    let versions = ["eventratelimit.admission.k8s.io/v1alpha1"];
    document::check_kind(root, &[("Configuration", &versions)])?;
    strict::check_part(root, &shapes::EVENT_RATE_LIMIT, Decoder::Lenient, minor)?;
    let at = field(root, "limits").unwrap_or(root);
    let limits = items(root, "limits");
    if limits.is_empty() {
        return Err(refuse(at, "limits: Invalid value: null: must not be empty"));
    }
    for (index, limit) in limits.iter().enumerate() {
        let kind = word(limit, "type");
        if !["Server", "Namespace", "User", "SourceAndObject"].contains(&kind.as_str()) {
            let reason = format!("limits[{index}].type: Unsupported value: {kind:?}");
            return Err(refuse(limit, &reason));
        }
        for name in ["burst", "qps"] {
            if number(limit, name) <= 0 {
                let reason = format!("limits[{index}].{name}: Invalid value: must be positive");
                return Err(refuse(limit, &reason));
            }
        }
        if kind != "Server" && number(limit, "cacheSize") < 0 {
            let reason = format!("limits[{index}].cacheSize: Invalid value: must not be negative");
            return Err(refuse(limit, &reason));
        }
    }
    let count = i64::try_from(limits.len()).unwrap_or(i64::MAX);
    Ok(Setting::known(Value::Int(count), Arc::clone(&at.origin)))
}

/// (`staging/src/k8s.io/pod-security-admission/admission/api`)
fn pod_security(root: &Node, minor: Minor) -> Result<Setting, Refusal> {
    let mut versions = vec!["pod-security.admission.config.k8s.io/v1alpha1"];
    if minor >= Minor(23) {
        versions.push("pod-security.admission.config.k8s.io/v1beta1");
    }
    if minor >= Minor(25) {
        versions.push("pod-security.admission.config.k8s.io/v1");
    }
    document::check_kind(root, &[("PodSecurityConfiguration", &versions)])?;
    strict::check_part(root, &shapes::POD_SECURITY, Decoder::Strict, minor)?;
    for mode in ["enforce", "warn", "audit"] {
        let path = format!("defaults.{mode}");
        let level = word(root, &path);
        if !level.is_empty() && !LEVELS.contains(&level.as_str()) {
            let reason = format!("{mode}: must be one of {}", LEVELS.join(", "));
            return Err(refuse(field(root, &path).unwrap_or(root), &reason));
        }
        let path = format!("{path}-version");
        let version = word(root, &path);
        let number = version.strip_prefix("v1.").unwrap_or_default();
        let is_number = !number.is_empty()
            && number.bytes().all(|byte| byte.is_ascii_digit())
            && (number == "0" || !number.starts_with('0'));
        if !version.is_empty() && version != "latest" && !is_number {
            let reason = format!("{mode}-version: must be \"latest\" or \"v1.x\"");
            return Err(refuse(field(root, &path).unwrap_or(root), &reason));
        }
    }
    let said = document::text(root, "defaults.enforce")?;
    Ok(said
        .unwrap_or_else(|| Setting::known(Value::string("privileged"), Arc::clone(&root.origin))))
}

/// Without a word the images are refused (`plugin/pkg/admission/imagepolicy/config.go`).
fn image_policy(builder: &mut Builder<'_>, root: &Node) -> Result<Setting, Refusal> {
    let allow = document::boolean(root, "imagePolicy.defaultAllow")?;
    for (name, most) in IMAGE_POLICY_TIMES {
        let path = format!("imagePolicy.{name}");
        let Some(Content::Number(said)) = field(root, &path).map(|found| &found.content) else {
            continue;
        };
        let value = said.as_i64().unwrap_or(i64::MAX);
        // Zero is the default, and one below turns it off.
        if !matches!(value, -1 | 0) && !(1..=most).contains(&value) {
            let reason = format!("imagePolicy.{name}: valid value is between 1 and {most}");
            return Err(refuse(field(root, &path).unwrap_or(root), &reason));
        }
    }
    let file = word(root, "imagePolicy.kubeConfigFile");
    if !file.is_empty() && builder.next_presence(&Bytes::from(file.as_str())) == Presence::Missing {
        let at = field(root, "imagePolicy.kubeConfigFile").unwrap_or(root);
        return Err(Refusal::missing(
            format!("stat {file}: no such file or directory"),
            Some(Arc::clone(&at.origin)),
        ));
    }
    Ok(allow.unwrap_or_else(|| Setting::known(Value::Bool(false), Arc::clone(&root.origin))))
}

fn number(node: &Node, path: &str) -> i64 {
    match field(node, path).map(|found| &found.content) {
        Some(Content::Number(number)) => number.as_i64().unwrap_or(0),
        _ => 0,
    }
}

fn refuse(at: &Node, reason: &str) -> Refusal {
    Refusal::new(reason, Some(Arc::clone(&at.origin)))
}
