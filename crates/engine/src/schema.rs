//! Which settings rules may read, from the tables.

use kubeassay_config::components;
use kubeassay_config::kubelet::gate_names;
use kubeassay_config::tables::kubelet::KUBELET;
use kubeassay_config::tables::{FieldKind, FlagKind, Minor, Target};
use kubeassay_core::Component;
use kubeassay_core::rule::{Schema, SettingType};

use crate::components::OTHERS;
use crate::files::{self, Role};
use crate::node;
use crate::objects::settings as objects;

/// The settings of every component that kubeassay resolves.
#[derive(Clone, Copy, Debug, Default)]
pub struct Components;

impl Schema for Components {
    fn setting(&self, setting: &str) -> Option<SettingType> {
        let (root, path) = setting.split_once('.')?;
        let named = |named: Vec<(&str, SettingType)>| {
            let found = named.into_iter().find(|(name, _)| *name == path);
            found.map(|(_, kind)| kind)
        };
        match root {
            node::ROOT => named(node::named()),
            files::ROOT => named(files::settings()),
            "kubelet" => kubelet_setting(path),
            _ if objects::is_root(root) => objects::kind_of(setting),
            root => {
                let component = component_of(root)?;
                named(components::named(component)).or_else(|| {
                    let name = path.strip_prefix("flags.")?;
                    let mut flags = components::tables(component).flags.iter();
                    let flag = flags.find(|flag| flag.setting == name)?;
                    Some(flag_type(flag.kind))
                })
            }
        }
    }

    fn names(&self) -> Vec<String> {
        let fields = KUBELET
            .fields
            .iter()
            .map(|field| format!("kubelet.{}", field.path));
        let flags = KUBELET.flags.iter().filter(|flag| is_own(flag));
        let flags = flags.map(|flag| format!("kubelet.flags.{}", flag.setting));
        let gates = gate_names().map(|gate| format!("kubelet.gates.{gate}"));
        let derived = ["servingCertificate", "witnesses", "disagreements"];
        let derived = derived.map(|name| format!("kubelet.derived.{name}"));
        let of_node = node::named();
        let of_node = of_node
            .iter()
            .map(|(name, _)| format!("{}.{name}", node::ROOT));
        let of_others = OTHERS.into_iter().flat_map(|component| {
            let root = component.root();
            let named = components::named(component).into_iter();
            let flags = components::tables(component).flags.iter();
            named
                .map(move |(name, _)| format!("{root}.{name}"))
                .chain(flags.map(move |flag| format!("{root}.flags.{}", flag.setting)))
        });
        let of_files = files::settings();
        let of_files = of_files
            .iter()
            .map(|(name, _)| format!("{}.{name}", files::ROOT));
        fields
            .chain(flags)
            .chain(gates)
            .chain(derived)
            .chain(of_others)
            .chain(of_node)
            .chain(objects::names())
            .chain(of_files)
            .collect()
    }

    fn components(&self) -> &[&str] {
        SUBJECTS
    }

    fn roles(&self) -> &[&str] {
        Role::WORDS
    }
}

/// What there is a finding for each of.
const SUBJECTS: &[&str] = &[
    "kubelet",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "etcd",
    "kube-proxy",
    "container-runtime",
    "cluster",
    "namespace",
    "role",
    "holder",
    files::ROOT,
];

/// Returns the component whose settings start with `root`, if it is another than the kubelet.
fn component_of(root: &str) -> Option<Component> {
    OTHERS
        .into_iter()
        .find(|component| component.root() == root)
}

fn kubelet_setting(path: &str) -> Option<SettingType> {
    if let Some(name) = path.strip_prefix("flags.") {
        let flag = KUBELET
            .flags
            .iter()
            .find(|flag| is_own(flag) && flag.setting == name)?;
        return Some(flag_type(flag.kind));
    }
    if let Some(name) = path.strip_prefix("gates.") {
        return gate_names()
            .any(|gate| gate == name)
            .then_some(SettingType::Bool);
    }
    if path == "derived.servingCertificate" {
        return Some(SettingType::String);
    }
    if ["derived.witnesses", "derived.disagreements"].contains(&path) {
        return Some(SettingType::List(Box::new(SettingType::String)));
    }
    KUBELET.field(path).map(|field| field_type(field.kind))
}

/// Returns whether the flag is read as a setting of its own in some version.
fn is_own(flag: &kubeassay_config::tables::Flag) -> bool {
    flag.target(Minor::NEWEST) == Target::Own
        || flag
            .targets
            .iter()
            .any(|(_, target)| *target == Target::Own)
}

fn field_type(kind: FieldKind) -> SettingType {
    let text = || Box::new(SettingType::String);
    match kind {
        FieldKind::Bool => SettingType::Bool,
        FieldKind::Int32 | FieldKind::Int64 | FieldKind::Uint32 => SettingType::Int,
        FieldKind::Float64 => SettingType::Float,
        FieldKind::String => SettingType::String,
        FieldKind::Duration | FieldKind::TimeOrDuration => SettingType::Duration,
        FieldKind::Quantity => SettingType::Quantity,
        FieldKind::StringList => SettingType::List(text()),
        FieldKind::Int32List => SettingType::List(Box::new(SettingType::Int)),
        FieldKind::ObjectList => SettingType::List(Box::new(SettingType::Any)),
        FieldKind::StringMap => SettingType::Map(text()),
        FieldKind::BoolMap => SettingType::Map(Box::new(SettingType::Bool)),
        FieldKind::StringListMap => SettingType::Map(Box::new(SettingType::List(text()))),
    }
}

fn flag_type(kind: FlagKind) -> SettingType {
    let text = || Box::new(SettingType::String);
    match kind {
        FlagKind::Bool => SettingType::Bool,
        FlagKind::Int32 | FlagKind::Int64 | FlagKind::Uint64 | FlagKind::Int | FlagKind::Level => {
            SettingType::Int
        }
        FlagKind::Float64 => SettingType::Float,
        FlagKind::Duration => SettingType::Duration,
        FlagKind::Quantity => SettingType::Quantity,
        FlagKind::StringSlice | FlagKind::StringArray => SettingType::List(text()),
        FlagKind::StringMap | FlagKind::Thresholds | FlagKind::Multimap => SettingType::Map(text()),
        FlagKind::BoolMap | FlagKind::Gates => SettingType::Map(Box::new(SettingType::Bool)),
        FlagKind::String
        | FlagKind::Ip
        | FlagKind::IpPort
        | FlagKind::Opaque
        | FlagKind::Version
        | FlagKind::Taints
        | FlagKind::ReservedMemory => SettingType::String,
    }
}
