//! Objects as the API writes them, as far as they are read. Field names are those of the Kubernetes API.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// How many entries a list inside an object may have. Etcd keeps no object of more than 1.5 MiB, and so none with more
/// that mean anything; without a bound, a text of `{}` would take a hundred times its length.
pub(super) const MAX_ENTRIES: usize = 20_000;

/// Reads a field that Go writes as `null` where it is empty.
pub(super) fn nullable<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// A list of at most [`MAX_ENTRIES`].
#[derive(Debug)]
pub(super) struct Many<T>(Vec<T>);

impl<T> Default for Many<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Deref for Many<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<'a, T> IntoIterator for &'a Many<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Many<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Entries<T> {
            type Value = Many<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Many<T>, A::Error> {
                let mut read = Vec::new();
                while let Some(entry) = entries.next_element()? {
                    if read.len() == MAX_ENTRIES {
                        let reason = format!("a list in it has more than {MAX_ENTRIES} entries");
                        return Err(A::Error::custom(reason));
                    }
                    read.push(entry);
                }
                Ok(Many(read))
            }
        }
        deserializer.deserialize_seq(Entries(PhantomData))
    }
}

/// Declares structs of the API: every field may be missing or null. A JSON list is none of them, though serde would
/// take its entries for the fields in their order.
macro_rules! wire {
    ($($name:ident { $($field:ident: $kind:ty $(= $key:literal)?),* $(,)? })+) => {
        $(
            #[derive(Debug, Default, Deserialize)]
            #[serde(rename_all = "camelCase", default, remote = "Self")]
            pub(super) struct $name {
                $($(#[serde(rename = $key)])? #[serde(deserialize_with = "nullable")] pub(super) $field: $kind,)*
            }

            impl<'de> Deserialize<'de> for $name {
                fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    struct Fields;
                    impl<'de> Visitor<'de> for Fields {
                        type Value = $name;

                        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                            f.write_str("an object")
                        }

                        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<$name, A::Error> {
                            // The function of the derive, which is nearer than the trait's.
                            $name::deserialize(MapAccessDeserializer::new(map))
                        }
                    }
                    deserializer.deserialize_map(Fields)
                }
            }
        )+
    };
}

/// An object that comes in lists.
pub(super) trait Item {
    fn meta(&self) -> &Meta;
}

macro_rules! items {
    ($($name:ident)+) => {
        $(
            impl Item for $name {
                fn meta(&self) -> &Meta {
                    &self.metadata
                }
            }
        )+
    };
}

items! {
    Bare Role Binding ServiceAccount Pod StaticPod Workload CronJob NetworkPolicy Webhooks AdmissionPolicy AdmissionBinding
    SigningRequest Node
}

wire! {
    ListMeta {
        next: Option<String> = "continue",
        remaining: Option<i64> = "remainingItemCount",
    }
    Meta {
        name: String,
        namespace: Option<String>,
        labels: BTreeMap<String, String>,
        annotations: Marks,
        owner_references: Many<OwnerReference>,
    }
    Marks { mirror: Option<String> = "kubernetes.io/config.mirror" }
    OwnerReference { kind: String, name: String, controller: bool }
    Bare { metadata: Meta }
    Selector {
        match_labels: BTreeMap<String, String>,
        match_expressions: Many<Requirement>,
    }
    Requirement { key: String, operator: String, values: Many<String> }

    Role {
        metadata: Meta,
        rules: Many<PolicyRule>,
        aggregation_rule: Option<AggregationRule>,
    }
    PolicyRule {
        verbs: Many<String>,
        api_groups: Many<String>,
        resources: Many<String>,
        resource_names: Many<String>,
        non_resource_urls: Many<String> = "nonResourceURLs",
    }
    AggregationRule { cluster_role_selectors: Many<Selector> }
    Binding { metadata: Meta, role_ref: RoleRef, subjects: Many<Subject> }
    RoleRef { kind: String, name: String }
    Subject { kind: String, name: String, namespace: Option<String> }
    ServiceAccount { metadata: Meta, automount_service_account_token: Option<bool> }

    Pod { metadata: Meta, spec: PodSpec }
    StaticPod { metadata: Meta, spec: StaticSpec }
    StaticSpec { containers: Many<Started> }
    Started { command: Many<String>, args: Many<String> }
    PodSpec {
        host_pid: bool = "hostPID",
        host_ipc: bool = "hostIPC",
        host_network: bool,
        service_account_name: Option<String>,
        automount_service_account_token: Option<bool>,
        os: Os,
        security_context: Option<SecurityContext>,
        init_containers: Many<Container>,
        containers: Many<Container>,
        ephemeral_containers: Many<Container>,
        volumes: Many<BTreeMap<String, Volume>>,
    }
    Os { name: String }
    SecurityContext {
        privileged: bool,
        allow_privilege_escalation: Option<bool>,
        run_as_non_root: Option<bool>,
        run_as_user: Option<i64>,
        read_only_root_filesystem: bool,
        capabilities: Capabilities,
        seccomp_profile: Option<SeccompProfile>,
        windows_options: WindowsOptions,
        run_as_group: Option<i64>,
        fs_group: Option<i64>,
        supplemental_groups: Many<i64>,
        sysctls: Many<Ignored>,
        se_linux_options: Option<Ignored>,
        app_armor_profile: Option<Ignored>,
        proc_mount: Option<String>,
    }
    Capabilities { add: Many<String>, drop: Many<String> }
    SeccompProfile { kind: String = "type" }
    WindowsOptions { host_process: Option<bool> }
    Container {
        name: String,
        image: String,
        security_context: Option<SecurityContext>,
        ports: Many<Port>,
        env: Many<Variable>,
        env_from: Many<VariableSource>,
        volume_mounts: Many<Mount>,
    }
    Mount { mount_path: String }
    Port { host_port: i64 }
    Variable { value_from: Option<ValueFrom> }
    ValueFrom { secret_key_ref: Option<SecretKey> }
    SecretKey { name: String, key: String }
    VariableSource { secret_ref: Option<SecretName> }
    SecretName { name: String }
    VolumeSource { path: Option<String>, sources: Many<ProjectedSource> }
    ProjectedSource { service_account_token: Option<TokenSource> }
    TokenSource { audience: Option<String> }

    Workload { metadata: Meta, spec: WorkloadSpec }
    WorkloadSpec { template: Template }
    Template { spec: PodSpec }
    CronJob { metadata: Meta, spec: CronJobSpec }
    CronJobSpec { job_template: JobTemplate }
    JobTemplate { spec: WorkloadSpec }

    NetworkPolicy { metadata: Meta, spec: NetworkPolicySpec }
    NetworkPolicySpec {
        pod_selector: Option<Selector>,
        policy_types: Many<String>,
        ingress: Many<Ignored>,
        egress: Many<Ignored>,
    }

    Webhooks { metadata: Meta, webhooks: Many<Webhook> }
    Webhook {
        name: String,
        client_config: ClientConfig,
        rules: Many<AdmissionRule>,
        failure_policy: Option<String>,
        namespace_selector: Option<Selector>,
        object_selector: Option<Selector>,
        match_conditions: Many<Ignored>,
    }
    ClientConfig { service: Option<Service> }
    Service { name: String, namespace: String }
    AdmissionRule {
        api_groups: Many<String>,
        api_versions: Many<String>,
        resources: Many<String>,
        operations: Many<String>,
        resource_names: Many<String>,
        scope: Option<String>,
    }
    AdmissionPolicy { metadata: Meta, spec: AdmissionPolicySpec }
    AdmissionPolicySpec {
        failure_policy: Option<String>,
        match_constraints: Option<MatchResources>,
        match_conditions: Many<Ignored>,
    }
    MatchResources {
        resource_rules: Many<AdmissionRule>,
        exclude_resource_rules: Many<Ignored>,
        namespace_selector: Option<Selector>,
        object_selector: Option<Selector>,
    }
    AdmissionBinding { metadata: Meta, spec: AdmissionBindingSpec }
    AdmissionBindingSpec {
        policy_name: String,
        validation_actions: Many<String>,
        match_resources: Option<MatchResources>,
    }

    SigningRequest {
        metadata: Meta,
        spec: SigningRequestSpec,
        status: SigningRequestStatus,
    }
    SigningRequestSpec { request: String, signer_name: String, username: String }
    SigningRequestStatus { conditions: Many<Condition> }
    Condition { kind: String = "type" }

    Node { metadata: Meta, spec: NodeSpec, status: NodeStatus }
    NodeSpec { provider_id: Option<String> = "providerID" }
    NodeStatus { node_info: NodeInfo }
    NodeInfo {
        kubelet_version: String,
        container_runtime_version: String,
        os_image: String,
    }
}

/// Something of which only its presence is looked at.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Ignored {}

/// A part of a volume: its name, or the source under the name of its kind.
#[derive(Debug, Default, Deserialize)]
#[serde(untagged)]
pub(super) enum Volume {
    Source(VolumeSource),
    Name(#[expect(dead_code, reason = "told from a source, and not read")] String),
    #[default]
    Nothing,
}

impl Meta {
    /// Returns the namespace of an object that has to have one.
    pub(super) fn namespace(&self) -> &str {
        self.namespace.as_deref().unwrap_or("default")
    }
}

impl Selector {
    /// Returns whether it asks for nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.match_labels.is_empty() && self.match_expressions.is_empty()
    }
}
