//! Objects as the API writes them, as far as they are read. Field names are those of the Kubernetes API.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

/// Reads a field that Go writes as `null` where it is empty.
pub(super) fn nullable<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Declares structs of the API: every field may be missing or null.
macro_rules! wire {
    ($($name:ident { $($field:ident: $kind:ty $(= $key:literal)?),* $(,)? })+) => {
        $(
            #[derive(Debug, Default, Deserialize)]
            #[serde(rename_all = "camelCase", default)]
            pub(super) struct $name {
                $($(#[serde(rename = $key)])? #[serde(deserialize_with = "nullable")] pub(super) $field: $kind,)*
            }
        )+
    };
}

wire! {
    Meta {
        name: String,
        namespace: Option<String>,
        labels: BTreeMap<String, String>,
        annotations: Marks,
        owner_references: Vec<OwnerReference>,
    }
    Marks { mirror: Option<String> = "kubernetes.io/config.mirror" }
    OwnerReference { kind: String, name: String, controller: bool }
    Bare { metadata: Meta }
    Selector {
        match_labels: BTreeMap<String, String>,
        match_expressions: Vec<Requirement>,
    }
    Requirement { key: String, operator: String, values: Vec<String> }

    Role {
        metadata: Meta,
        rules: Vec<PolicyRule>,
        aggregation_rule: Option<AggregationRule>,
    }
    PolicyRule {
        verbs: Vec<String>,
        api_groups: Vec<String>,
        resources: Vec<String>,
        resource_names: Vec<String>,
        non_resource_urls: Vec<String> = "nonResourceURLs",
    }
    AggregationRule { cluster_role_selectors: Vec<Selector> }
    Binding { metadata: Meta, role_ref: RoleRef, subjects: Vec<Subject> }
    RoleRef { kind: String, name: String }
    Subject { kind: String, name: String, namespace: Option<String> }
    ServiceAccount { metadata: Meta, automount_service_account_token: Option<bool> }

    Pod { metadata: Meta, spec: PodSpec }
    PodSpec {
        host_pid: bool = "hostPID",
        host_ipc: bool = "hostIPC",
        host_network: bool,
        service_account_name: Option<String>,
        automount_service_account_token: Option<bool>,
        os: Os,
        security_context: Option<SecurityContext>,
        init_containers: Vec<Container>,
        containers: Vec<Container>,
        ephemeral_containers: Vec<Container>,
        volumes: Vec<BTreeMap<String, Volume>>,
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
        supplemental_groups: Vec<i64>,
        sysctls: Vec<Ignored>,
        se_linux_options: Option<Ignored>,
        app_armor_profile: Option<Ignored>,
        proc_mount: Option<String>,
    }
    Capabilities { add: Vec<String>, drop: Vec<String> }
    SeccompProfile { kind: String = "type" }
    WindowsOptions { host_process: Option<bool> }
    Container {
        name: String,
        image: String,
        security_context: Option<SecurityContext>,
        ports: Vec<Port>,
        env: Vec<Variable>,
        env_from: Vec<VariableSource>,
        volume_mounts: Vec<Mount>,
    }
    Mount { mount_path: String }
    Port { host_port: i64 }
    Variable { value_from: Option<ValueFrom> }
    ValueFrom { secret_key_ref: Option<SecretKey> }
    SecretKey { name: String, key: String }
    VariableSource { secret_ref: Option<SecretName> }
    SecretName { name: String }
    VolumeSource { path: Option<String>, sources: Vec<ProjectedSource> }
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
        policy_types: Vec<String>,
        ingress: Vec<Ignored>,
        egress: Vec<Ignored>,
    }

    Webhooks { metadata: Meta, webhooks: Vec<Webhook> }
    Webhook {
        name: String,
        client_config: ClientConfig,
        rules: Vec<AdmissionRule>,
        failure_policy: Option<String>,
        namespace_selector: Option<Selector>,
        object_selector: Option<Selector>,
        match_conditions: Vec<Ignored>,
    }
    ClientConfig { service: Option<Service> }
    Service { name: String, namespace: String }
    AdmissionRule {
        api_groups: Vec<String>,
        api_versions: Vec<String>,
        resources: Vec<String>,
        operations: Vec<String>,
        resource_names: Vec<String>,
        scope: Option<String>,
    }
    AdmissionPolicy { metadata: Meta, spec: AdmissionPolicySpec }
    AdmissionPolicySpec {
        failure_policy: Option<String>,
        match_constraints: Option<MatchResources>,
        match_conditions: Vec<Ignored>,
    }
    MatchResources {
        resource_rules: Vec<AdmissionRule>,
        exclude_resource_rules: Vec<Ignored>,
        namespace_selector: Option<Selector>,
        object_selector: Option<Selector>,
    }
    AdmissionBinding { metadata: Meta, spec: AdmissionBindingSpec }
    AdmissionBindingSpec {
        policy_name: String,
        validation_actions: Vec<String>,
        match_resources: Option<MatchResources>,
    }

    SigningRequest {
        metadata: Meta,
        spec: SigningRequestSpec,
        status: SigningRequestStatus,
    }
    SigningRequestSpec { request: String, signer_name: String, username: String }
    SigningRequestStatus { conditions: Vec<Condition> }
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
