//! kube-proxy (`cmd/kube-proxy`).
//!
//! With `--config` the file says everything and flags count for nothing, but for `--hostname-override`
//! (`cmd/kube-proxy/app/options.go:Complete`). An empty address in the file is the default, an empty one in a flag changes
//! nothing: neither turns anything off.

use std::net::IpAddr;
use std::sync::Arc;

use kubeassay_core::rule::SettingType;
use kubeassay_core::{Component, OriginKind, Value};

use super::builder::Builder;
use super::document::{self, File};
use super::gates;
use super::server::Flags;
use crate::flags::{self, CommandLine, sloppy};
use crate::node::Node;
use crate::refusal::Refusal;
use crate::resolution::Resolution;
use crate::setting::Setting;
use crate::settings::shared_default_origin;
use crate::sources::{Documents, When};
use crate::tables::Minor;

const METRICS: &str = "metricsBindAddress";
const HEALTHZ: &str = "healthzBindAddress";
const BIND: &str = "bindAddress";
const PROFILING: &str = "enableProfiling";
const MODE: &str = "mode";
const KUBECONFIG: &str = "clientConnection.kubeconfig";
const HOSTNAME: &str = "hostnameOverride";
const METRICS_HOST: &str = "derived.metricsHost";

/// What the file says, and the flag that says it where there is no file.
const FIELDS: [(&str, &str); 7] = [
    (METRICS, "metrics-bind-address"),
    (HEALTHZ, "healthz-bind-address"),
    (BIND, "bind-address"),
    (PROFILING, "profiling"),
    (MODE, "proxy-mode"),
    (KUBECONFIG, "kubeconfig"),
    (HOSTNAME, "hostname-override"),
];

const METRICS_PORT: u16 = 10249;
const HEALTHZ_PORT: u16 = 10256;

type Fields = Vec<(&'static str, Setting)>;

/// Resolves it in one version.
pub(super) fn resolve(documents: &Documents<'_>, minor: Minor, when: When) -> Resolution {
    let (mut builder, mut refusal) = Builder::new(
        Component::KubeProxy,
        super::tables(Component::KubeProxy),
        documents,
        minor,
        when,
    );
    let versions = ["kubeproxy.config.k8s.io/v1alpha1"];
    let file = document::config_file(&mut builder, "KubeProxyConfiguration", &versions);
    let by_flag = file.is_none();
    let mut settings = match file {
        None => by_flags(&builder),
        Some(File::Unknown(unknown, origin)) => FIELDS
            .iter()
            .map(|(field, _)| {
                (
                    *field,
                    Builder::unknown(unknown.clone(), Arc::clone(&origin)),
                )
            })
            .collect(),
        Some(File::Refused(reason)) => {
            refusal = refusal.or(Some(reason));
            Fields::new()
        }
        Some(File::Read(document)) => by_file(&document.root, minor).unwrap_or_else(|reason| {
            refusal = refusal.take().or(Some(reason));
            Fields::new()
        }),
    };
    override_name(&builder, &mut settings);
    let metrics = settings.iter().find(|(name, _)| *name == METRICS);
    let metrics = metrics.map_or_else(
        || Setting::known(Value::string(""), shared_default_origin(minor)),
        |(_, setting)| setting.clone(),
    );
    match host_of(&metrics, "MetricsBindAddress") {
        Ok(host) => settings.push((METRICS_HOST, host)),
        Err(reason) => {
            refusal = refusal.or(Some(reason));
            settings.push((METRICS_HOST, metrics));
        }
    }
    for (field, _) in FIELDS {
        let default = || Setting::unset(shared_default_origin(minor));
        builder.named.entry(field).or_insert_with(default);
    }
    let own = refused(&builder, &settings, by_flag);
    builder.named.extend(settings);
    refusal = refusal.or(own);
    builder.ask_metadata(&["config"], &[KUBECONFIG]);
    builder.finish(refusal)
}

/// The ways to send traffic on Linux, with the first and the last minor that has each; empty for the best.
const MODES: [(&str, u8, u8); 5] = [
    ("", 0, u8::MAX),
    ("iptables", 0, u8::MAX),
    ("ipvs", 0, u8::MAX),
    ("userspace", 0, 25),
    ("nftables", 29, u8::MAX),
];

/// Returns why it does not start with what it was told, if it does not (`pkg/proxy/apis/config/validation`).
fn refused(builder: &Builder<'_>, settings: &Fields, by_flag: bool) -> Option<Refusal> {
    let minor = builder.minor.0;
    let setting = |name: &str| settings.iter().find(|(field, _)| *field == name);
    let text = |name: &str| {
        let (_, setting) = setting(name)?;
        let text = document::known_text(setting)?.to_string_lossy();
        Some((text, Arc::clone(&setting.origin)))
    };
    if let Some((mode, origin)) = text(MODE) {
        let mut known = MODES.iter();
        let is_known =
            known.any(|(name, first, last)| *name == mode && (*first..=*last).contains(&minor));
        if !is_known {
            let reason = format!(
                "KubeProxyConfiguration.Mode.ProxyMode: Invalid value: {mode:?}: must be iptables, ipvs, nftables or blank"
            );
            return Some(Refusal::new(reason, Some(origin)));
        }
    }
    if let Some((bind, origin)) = text(BIND).filter(|(bind, _)| address(bind).is_none()) {
        let reason = format!(
            "KubeProxyConfiguration.BindAddress: Invalid value: {bind:?}: not a valid textual representation of an IP address"
        );
        return Some(Refusal::new(reason, Some(origin)));
    }
    let (_, healthz) = setting(HEALTHZ)?;
    if let Err(refusal) = host_of(healthz, "HealthzBindAddress") {
        return Some(refusal);
    }
    by_flag.then(|| flags_refused(&Flags(builder)))?
}

/// The same, of flags that count without a file.
fn flags_refused(flags: &Flags<'_, '_>) -> Option<Refusal> {
    let modes = [
        "",
        "ClusterCIDR",
        "NodeCIDR",
        "BridgeInterface",
        "InterfaceNamePrefix",
    ];
    let unknown = "KubeProxyConfiguration.DetectLocalMode: Unsupported value:";
    let formats = ["", "text", "json"];
    let unsupported = "initialize logging: format: Invalid value: Unsupported log format";
    gates::refused(flags.0)
        .or_else(|| flags.one_of("logging-format", &formats, unsupported))
        .or_else(|| flags.one_of("detect-local-mode", &modes, unknown))
        .or_else(|| {
            let bit = flags.number("iptables-masquerade-bit")?;
            (!(0..=31).contains(&bit)).then(|| {
                let reason = format!(
                    "MasqueradeBit: Invalid value: {bit}: must be within the range [0, 31]"
                );
                flags.refuse("iptables-masquerade-bit", reason)
            })
        })
        .or_else(|| {
            let name = "cluster-cidr";
            let text = flags.text(name);
            let is_network = |part: &str| {
                let parts = part.split_once('/');
                parts.is_some_and(|(ip, length)| {
                    address(ip).is_some() && length.parse::<u8>().is_ok()
                })
            };
            let is_wrong = !text.is_empty() && !text.split(',').all(is_network);
            is_wrong.then(|| {
                let reason =
                    format!("ClusterCIDR: Invalid value: {text:?}: must be a valid CIDR block");
                flags.refuse(name, reason)
            })
        })
}

/// Returns what flags say where there is no file. The addresses get their defaults before flags are read, so an IPv6
/// `--bind-address` moves neither.
fn by_flags(builder: &Builder<'_>) -> Fields {
    let mut fields: Fields = FIELDS
        .iter()
        .map(|(field, flag)| (*field, non_empty(builder, flag)))
        .collect();
    for (field, setting) in &mut fields {
        match *field {
            METRICS => port_of(builder, setting, "metrics-port", METRICS_PORT),
            HEALTHZ => port_of(builder, setting, "healthz-port", HEALTHZ_PORT),
            MODE => default_mode(setting),
            _ => {}
        }
    }
    fields
}

/// Returns a flag; of an address (`pkg/util/flag/flags.go:IPPortVar`) the empty occurrences change nothing.
fn non_empty(builder: &Builder<'_>, name: &str) -> Setting {
    let Some(occurrences) = builder
        .line
        .given
        .get(name)
        .filter(|_| name.ends_with("address"))
    else {
        return builder.flag(name);
    };
    let Some(flag) = builder.tables.flag(name) else {
        return builder.flag(name);
    };
    let mut setting = flags::own(&CommandLine::default(), flag, builder.minor);
    let kept: Vec<_> = occurrences
        .iter()
        .filter(|given| !given.text.is_empty())
        .cloned()
        .collect();
    flags::apply(&mut setting, &kept, false);
    setting
}

/// Applies `--metrics-port` or `--healthz-port`: 0 turns the server off, anything else is the port of an address that has
/// none.
fn port_of(builder: &Builder<'_>, address: &mut Setting, flag: &str, default: u16) {
    let port = builder.flag(flag);
    match port.value() {
        Some(Value::Int(0)) => {
            let off = Setting::known(Value::string(""), Arc::clone(&port.origin));
            address.replace(off);
        }
        Some(Value::Int(port)) => append_port(address, &port.to_string()),
        _ => append_port(address, &default.to_string()),
    }
}

/// Returns what the file says (`pkg/proxy/apis/config/v1alpha1/defaults.go`). Keys that it does not know are ignored.
fn by_file(root: &Node, minor: Minor) -> Result<Fields, Refusal> {
    let default = |value| Setting::known(value, shared_default_origin(minor));
    let text = |path| document::text(root, path);
    let bind = text(BIND)?.unwrap_or_else(|| default(Value::string("0.0.0.0")));
    let four = document::known_text(&bind)
        .is_some_and(|text| address(&text.to_string_lossy()).is_some_and(|ip| ip.is_ipv4()));
    let (everywhere, here) = if four {
        ("0.0.0.0", "127.0.0.1")
    } else {
        ("[::]", "[::1]")
    };
    let mut metrics =
        text(METRICS)?.unwrap_or_else(|| default(Value::string(format!("{here}:{METRICS_PORT}"))));
    let mut healthz = text(HEALTHZ)?
        .unwrap_or_else(|| default(Value::string(format!("{everywhere}:{HEALTHZ_PORT}"))));
    append_port(&mut metrics, &METRICS_PORT.to_string());
    append_port(&mut healthz, &HEALTHZ_PORT.to_string());
    let mut mode = text(MODE)?.unwrap_or_else(|| default(Value::string("")));
    default_mode(&mut mode);
    let profiling =
        document::boolean(root, PROFILING)?.unwrap_or_else(|| default(Value::Bool(false)));
    let empty = || default(Value::string(""));
    Ok(vec![
        (METRICS, metrics),
        (HEALTHZ, healthz),
        (BIND, bind),
        (PROFILING, profiling),
        (MODE, mode),
        (KUBECONFIG, text(KUBECONFIG)?.unwrap_or_else(empty)),
        (HOSTNAME, text(HOSTNAME)?.unwrap_or_else(empty)),
    ])
}

/// On Linux an empty mode is iptables (`cmd/kube-proxy/app/server_linux.go:platformApplyDefaults`).
fn default_mode(mode: &mut Setting) {
    if mode.value() == Some(Value::string("")) {
        *mode = Setting::known(Value::string("iptables"), Arc::clone(&mode.origin));
    }
}

/// Applies `--hostname-override`, the one flag that counts beside a file.
fn override_name(builder: &Builder<'_>, settings: &mut Fields) {
    let given = builder.flag("hostname-override");
    let Some(text) =
        document::known_text(&given).filter(|_| given.origin.kind != OriginKind::Default)
    else {
        return;
    };
    let name = text.to_string_lossy().trim().to_lowercase();
    let setting = Setting::known(Value::string(name), Arc::clone(&given.origin));
    if let Some((_, before)) = settings.iter_mut().find(|(field, _)| *field == HOSTNAME) {
        if before.origin == setting.origin {
            *before = setting;
        } else {
            before.replace(setting);
        }
    }
}

/// Appends the port to an address that is an IP address alone (`pkg/proxy/util/utils.go:AppendPortIfNeeded`).
fn append_port(setting: &mut Setting, port: &str) {
    let Some(text) = document::known_text(setting) else {
        return;
    };
    let text = text.to_string_lossy();
    if split(&text).is_some() || address(&text).is_none() {
        return;
    }
    let joined = if text.contains(':') {
        format!("[{text}]:{port}")
    } else {
        format!("{text}:{port}")
    };
    setting.state = crate::setting::State::Known(Value::string(joined));
}

/// Returns the host of an address, as Go prints it; empty where nothing is served.
fn host_of(setting: &Setting, field: &str) -> Result<Setting, Refusal> {
    let Some(value) = setting.value() else {
        return Ok(setting.clone());
    };
    let text = match value {
        Value::String(text) => text.to_string_lossy(),
        _ => String::new(),
    };
    if text.is_empty() {
        return Ok(Setting::known(
            Value::string(""),
            Arc::clone(&setting.origin),
        ));
    }
    let refuse = |reason: &str| {
        let reason = format!("KubeProxyConfiguration.{field}: Invalid value: {text:?}: {reason}");
        Refusal::new(reason, Some(Arc::clone(&setting.origin)))
    };
    let (host, port) = split(&text).ok_or_else(|| refuse("must be IP:port"))?;
    let ip = address(host).ok_or_else(|| refuse("must be a valid IP"))?;
    if !port.parse::<u16>().is_ok_and(|port| port > 0) {
        return Err(refuse("must be a valid port"));
    }
    let host = Value::string(ip.to_canonical().to_string());
    Ok(Setting {
        overrode: setting.overrode.clone(),
        ..Setting::known(host, Arc::clone(&setting.origin))
    })
}

/// Splits host and port as Go's `net.SplitHostPort` does.
fn split(text: &str) -> Option<(&str, &str)> {
    match text.strip_prefix('[') {
        Some(rest) => rest
            .split_once("]:")
            .filter(|(_, port)| !port.contains(':')),
        None => text
            .rsplit_once(':')
            .filter(|(host, _)| !host.contains(':')),
    }
}

/// Reads an IP address as Kubernetes does, leading zeros and all.
fn address(text: &str) -> Option<IpAddr> {
    sloppy(text).parse().ok()
}

/// Returns the settings that are no flags.
pub(super) fn named() -> Vec<(&'static str, SettingType)> {
    let text = [
        METRICS,
        HEALTHZ,
        BIND,
        MODE,
        KUBECONFIG,
        HOSTNAME,
        METRICS_HOST,
    ];
    let text = text.into_iter().map(|name| (name, SettingType::String));
    text.chain([(PROFILING, SettingType::Bool)]).collect()
}
