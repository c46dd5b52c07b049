//! What `MicroShift` gives to its API server: `assets/controllers/kube-apiserver/defaultconfig.yaml` and
//! `config-overrides.yaml`, under what `configure` in `pkg/controllers/kube-apiserver.go` puts over them. The server makes
//! flags of it (`openshift-kube-apiserver/openshiftkubeapiserver/flags.go` of openshift/kubernetes).

use std::sync::Arc;

use kubeassay_core::Cause;

use super::{Arguments, DATA, Node};
use crate::setting::Unknown;

/// The policy of its audit log, written from a profile.
pub(super) const AUDIT_POLICY: &str =
    "/var/lib/microshift/resources/kube-apiserver-audit-policies/default.yaml";
/// The configuration of admission plugins, in a file of its own below `/tmp` with a name that nobody knows.
pub(super) const ADMISSION: &str = "/tmp/kubeapiserver-admission-config.yaml";

/// What is enabled beside what is on anyway, without what `MicroShift` disables.
const PLUGINS: [&str; 31] = [
    "CertificateApproval",
    "CertificateSigning",
    "CertificateSubjectRestriction",
    "DefaultIngressClass",
    "DefaultStorageClass",
    "DefaultTolerationSeconds",
    "LimitRanger",
    "MutatingAdmissionWebhook",
    "NamespaceLifecycle",
    "NodeRestriction",
    "OwnerReferencesPermissionEnforcement",
    "PersistentVolumeClaimResize",
    "PodNodeSelector",
    "PodTolerationRestriction",
    "Priority",
    "ResourceQuota",
    "RuntimeClass",
    "ServiceAccount",
    "StorageObjectInUseProtection",
    "TaintNodesByCondition",
    "ValidatingAdmissionWebhook",
    "ValidatingAdmissionPolicy",
    "network.openshift.io/ExternalIPRanger",
    "network.openshift.io/RestrictedEndpointsAdmission",
    "route.openshift.io/IngressAdmission",
    "scheduling.openshift.io/OriginPodNodeEnvironment",
    "security.openshift.io/DefaultSecurityContextConstraints",
    "security.openshift.io/SCCExecRestrictions",
    "security.openshift.io/SecurityContextConstraint",
    "security.openshift.io/ValidateSecurityContextConstraints",
    "storage.openshift.io/CSIInlineVolumeSecurity",
];

/// What it disables.
const DISABLED: [&str; 15] = [
    "authorization.openshift.io/RestrictSubjectBindings",
    "authorization.openshift.io/ValidateRoleBindingRestriction",
    "autoscaling.openshift.io/ManagementCPUsOverride",
    "config.openshift.io/DenyDeleteClusterConfiguration",
    "config.openshift.io/ValidateAPIServer",
    "config.openshift.io/ValidateAuthentication",
    "config.openshift.io/ValidateConsole",
    "config.openshift.io/ValidateFeatureGate",
    "config.openshift.io/ValidateImage",
    "config.openshift.io/ValidateOAuth",
    "config.openshift.io/ValidateProject",
    "config.openshift.io/ValidateScheduler",
    "image.openshift.io/ImagePolicy",
    "quota.openshift.io/ClusterResourceQuota",
    "quota.openshift.io/ValidateClusterResourceQuota",
];

/// Returns the configuration of its admission plugins, of which `PodSecurity` matters here.
pub(super) fn admission() -> String {
    "apiVersion: apiserver.config.k8s.io/v1\n\
     kind: AdmissionConfiguration\n\
     plugins:\n\
     - name: PodSecurity\n\
     \x20 configuration:\n\
     \x20   apiVersion: pod-security.admission.config.k8s.io/v1\n\
     \x20   kind: PodSecurityConfiguration\n\
     \x20   defaults: {enforce: restricted, enforce-version: latest, audit: restricted, audit-version: latest, warn: restricted, warn-version: latest}\n\
     \x20   exemptions: {usernames: [\"system:serviceaccount:openshift-infra:build-controller\"]}\n"
        .to_owned()
}

/// Returns its arguments.
#[expect(clippy::too_many_lines, reason = "a table")]
pub(super) fn arguments(node: &Node<'_>) -> Result<Arguments, Unknown> {
    if node.multi {
        return Err(Unknown {
            cause: Cause::Unsupported,
            reason: "a node of several asks its etcd which servers to use: what its API server is given is not all in its files".to_owned(),
            path: None,
        });
    }
    let certificates = format!("{DATA}/certs");
    let etcd = format!("{certificates}/etcd-signer");
    let serving = format!(
        "{certificates}/kube-apiserver-service-network-signer/kube-apiserver-service-network-serving"
    );
    let kubelet = format!(
        "{certificates}/kube-apiserver-to-kubelet-client-signer/kube-apiserver-to-kubelet-client"
    );
    let keys = format!("{DATA}/resources/kube-apiserver/secrets/service-account-key");
    let log = ["apiServer", "auditLog"];
    let of_log = |name, key, usual| node.from(name, &[&log[..], &[key]].concat(), usual);
    let mut arguments = vec![
        node.own("allow-privileged", "true"),
        node.own("anonymous-auth", "true"),
        node.own("api-audiences", "https://kubernetes.default.svc"),
        node.own("admission-control-config-file", ADMISSION),
        node.own("audit-log-format", "json"),
        of_log("audit-log-maxage", "maxFileAge", "0"),
        of_log("audit-log-maxbackup", "maxFiles", "10"),
        of_log("audit-log-maxsize", "maxFileSize", "200"),
        node.own("audit-log-path", "/var/log/kube-apiserver/audit.log"),
        node.own("audit-policy-file", AUDIT_POLICY),
        node.own("authorization-mode", "Scope,SystemMasters,RBAC,Node"),
        node.own("bind-address", "0.0.0.0"),
        node.own(
            "client-ca-file",
            format!("{certificates}/ca-bundle/client-ca.crt"),
        ),
        node.own("disable-admission-plugins", DISABLED.join(",")),
        node.own("enable-admission-plugins", PLUGINS.join(",")),
        node.own("enable-aggregator-routing", "true"),
        node.own("enable-logs-handler", "false"),
        node.own("etcd-cafile", format!("{etcd}/ca.crt")),
        node.own(
            "etcd-certfile",
            format!("{etcd}/apiserver-etcd-client/client.crt"),
        ),
        node.own(
            "etcd-keyfile",
            format!("{etcd}/apiserver-etcd-client/client.key"),
        ),
        node.own("etcd-prefix", "kubernetes.io"),
        node.own("etcd-servers", "https://localhost:2379"),
        node.own("event-ttl", "3h"),
        node.own("goaway-chance", "0.001"),
        node.own(
            "kubelet-certificate-authority",
            format!("{certificates}/kubelet-csr-signer-signer/csr-signer/ca-bundle.crt"),
        ),
        node.own(
            "kubelet-client-certificate",
            format!("{kubelet}/client.crt"),
        ),
        node.own("kubelet-client-key", format!("{kubelet}/client.key")),
        node.own("kubelet-preferred-address-types", "Hostname,InternalIP"),
        node.own("max-mutating-requests-inflight", "1000"),
        node.own("max-requests-inflight", "3000"),
        node.own("min-request-timeout", "3600"),
        node.own(
            "proxy-client-cert-file",
            format!("{certificates}/aggregator-signer/aggregator-client/client.crt"),
        ),
        node.own(
            "proxy-client-key-file",
            format!("{certificates}/aggregator-signer/aggregator-client/client.key"),
        ),
        node.own(
            "requestheader-client-ca-file",
            format!("{certificates}/aggregator-signer/ca.crt"),
        ),
        node.own("secure-port", "6443"),
        node.own("service-account-issuer", "https://kubernetes.default.svc"),
        node.own(
            "service-account-key-file",
            format!("{keys}/service-account.pub"),
        ),
        node.own("service-account-lookup", "true"),
        node.own(
            "service-account-signing-key-file",
            format!("{keys}/service-account.key"),
        ),
        node.own("storage-backend", "etcd3"),
        node.own("tls-cert-file", format!("{serving}/server.crt")),
        node.own("tls-private-key-file", format!("{serving}/server.key")),
    ];
    let usual = || Arc::clone(&node.default);
    let (suites, origin) = node.config.suites();
    arguments.push((
        "tls-cipher-suites",
        suites.join(","),
        origin.unwrap_or_else(usual),
    ));
    let (minimum, origin) = node.config.tls_minimum();
    arguments.push(("tls-min-version", minimum, origin.unwrap_or_else(usual)));
    for (pair, origin) in node.config.certificates() {
        arguments.push(("tls-sni-cert-key", pair, origin));
    }
    for group in ["customNoUpgrade", "specialHandlingSupportExceptionRequired"] {
        for (key, value) in [("enabled", true), ("disabled", false)] {
            let path = ["apiServer", "featureGates", group, key];
            for (gate, origin) in node
                .config
                .list(&path)
                .into_iter()
                .flat_map(|(gates, origin)| {
                    gates
                        .into_iter()
                        .map(move |gate| (gate, Arc::clone(&origin)))
                })
            {
                arguments.push(("feature-gates", format!("{gate}={value}"), origin));
            }
        }
    }
    Ok(arguments)
}
