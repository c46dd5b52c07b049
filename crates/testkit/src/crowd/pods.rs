//! Pods, and the workloads that they belong to.

use std::fmt::Write as _;
use std::sync::Arc;

use super::objects::metadata;
use super::{AGENTS, mixed, namespace};
use crate::api_server::Source;

/// How many replica sets a Deployment keeps.
const SETS: usize = 3;
/// The namespace of agents.
const SYSTEM: usize = 1;

/// A Deployment.
pub(super) struct Workload {
    /// The number of its namespace.
    pub(super) namespace: usize,
    /// Its own number.
    pub(super) number: usize,
    /// How many pods others before it have.
    pub(super) first: usize,
    /// How many it has.
    pub(super) replicas: usize,
}

impl Workload {
    fn name(&self) -> String {
        format!("web-{:05}", self.number)
    }

    /// The hash of its template, an older one where it is counted back.
    fn hash(&self, back: usize) -> String {
        format!("{:09x}", mixed(self.number * SETS + back) & 0xf_ffff_ffff)
    }
}

/// Returns how many of these there are in a namespace, where `default` is the first.
fn in_default(workloads: &[Workload]) -> usize {
    workloads.partition_point(|one| one.namespace == 0)
}

/// All pods: those of Deployments, and behind those of the namespaces before it, those of agents in `kube-system`.
pub(super) struct Pods {
    workloads: Arc<Vec<Workload>>,
    nodes: usize,
    /// How many pods of Deployments come before those of agents.
    before: usize,
}

impl Pods {
    pub(super) fn new(workloads: Arc<Vec<Workload>>, nodes: usize) -> Self {
        let until = workloads.partition_point(|one| one.namespace < SYSTEM);
        let before = workloads
            .get(until)
            .map_or_else(|| total(&workloads), |one| one.first);
        Self {
            workloads,
            nodes,
            before,
        }
    }
}

fn total(workloads: &[Workload]) -> usize {
    workloads
        .last()
        .map_or(0, |last| last.first + last.replicas)
}

impl Source for Pods {
    fn count(&self, wanted: Option<&str>) -> usize {
        match wanted {
            None => total(&self.workloads) + self.nodes * AGENTS.len(),
            Some("default") => self.before,
            Some(_) => 0,
        }
    }

    fn item(&self, _: Option<&str>, index: usize, list: &mut String) {
        let agents = self.nodes * AGENTS.len();
        if (self.before..self.before + agents).contains(&index) {
            let index = index - self.before;
            let (agent, node) = (AGENTS[index / self.nodes], index % self.nodes);
            let name = format!("{agent}-{node:05}");
            let owner = ("DaemonSet", agent, "7d9c5b6f4");
            pod(
                &namespace(SYSTEM),
                &name,
                owner,
                agent.len() * 7,
                Some(agent),
                node,
                list,
            );
            return;
        }
        let index = if index < self.before {
            index
        } else {
            index - agents
        };
        let at = self
            .workloads
            .partition_point(|one| one.first + one.replicas <= index);
        let workload = &self.workloads[at];
        let replica = index - workload.first;
        // Where something is rolled out, the last pods are of the template before.
        let rolling = workload.number.is_multiple_of(50) && replica + 1 == workload.replicas;
        let hash = workload.hash(usize::from(rolling));
        let set = format!("{}-{hash}", workload.name());
        let name = format!("{set}-{replica:05x}");
        let shape = workload.number * 2 + usize::from(rolling);
        let place = namespace(workload.namespace);
        pod(
            &place,
            &name,
            ("ReplicaSet", &set, &hash),
            shape,
            None,
            mixed(index) % self.nodes.max(1),
            list,
        );
    }
}

/// The Deployments.
pub(super) struct Templates(pub(super) Arc<Vec<Workload>>);

impl Source for Templates {
    fn count(&self, wanted: Option<&str>) -> usize {
        match wanted {
            None => self.0.len(),
            Some("default") => in_default(&self.0),
            Some(_) => 0,
        }
    }

    fn item(&self, _: Option<&str>, index: usize, list: &mut String) {
        let workload = &self.0[index];
        workload_of(workload, &workload.name(), "", list);
    }
}

/// Their replica sets.
pub(super) struct Sets(pub(super) Arc<Vec<Workload>>);

impl Source for Sets {
    fn count(&self, wanted: Option<&str>) -> usize {
        match wanted {
            None => self.0.len() * SETS,
            Some("default") => in_default(&self.0) * SETS,
            Some(_) => 0,
        }
    }

    fn item(&self, _: Option<&str>, index: usize, list: &mut String) {
        let workload = &self.0[index / SETS];
        let name = workload.name();
        let set = format!("{name}-{}", workload.hash(index % SETS));
        let owner = format!(
            "\"ownerReferences\":[{{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"name\":\"{name}\",\"uid\":\"0a1b2c3d-6f1c-4d52-9a51-0123456789ab\",\"controller\":true,\"blockOwnerDeletion\":true}}],"
        );
        workload_of(workload, &set, &owner, list);
    }
}

fn workload_of(workload: &Workload, name: &str, owner: &str, list: &mut String) {
    list.push_str("{\"metadata\":");
    metadata(
        Some(&namespace(workload.namespace)),
        name,
        "argocd-controller",
        owner,
        list,
    );
    write!(
        list,
        ",\"spec\":{{\"replicas\":{},\"selector\":{{\"matchLabels\":{{\"app\":\"web-{:05}\"}}}},\"template\":{{\"metadata\":{{\"labels\":{{\"app\":\"web-{:05}\"}}}},\"spec\":",
        workload.replicas, workload.number, workload.number
    )
    .expect("a string");
    spec(workload.number * 2, "web", None, list);
    list.push_str("}},\"status\":{\"observedGeneration\":3,\"conditions\":[{\"type\":\"Available\",\"status\":\"True\",\"reason\":\"MinimumReplicasAvailable\",\"lastTransitionTime\":\"2026-05-04T09:12:44Z\"}]}}");
}

/// The `DaemonSets`.
pub(super) struct ForNodes;

impl Source for ForNodes {
    fn count(&self, wanted: Option<&str>) -> usize {
        if wanted.is_none() { AGENTS.len() } else { 0 }
    }

    fn item(&self, _: Option<&str>, index: usize, list: &mut String) {
        let agent = AGENTS[index];
        list.push_str("{\"metadata\":");
        metadata(Some(&namespace(SYSTEM)), agent, "helm", "", list);
        list.push_str(",\"spec\":{\"template\":{\"spec\":");
        spec(agent.len() * 7, agent, Some(agent), list);
        list.push_str("}}}");
    }
}

/// Writes a pod.
fn pod(
    namespace: &str,
    name: &str,
    (kind, owner, hash): (&str, &str, &str),
    shape: usize,
    agent: Option<&str>,
    node: usize,
    list: &mut String,
) {
    let app = agent.unwrap_or("web");
    let own = mixed(name.len() * 31 + node);
    write!(
        list,
        "{{\"metadata\":{{\"name\":\"{name}\",\"generateName\":\"{owner}-\",\"namespace\":\"{namespace}\",\"uid\":\"{own:08x}-6f1c-4d52-9a51-{node:012x}\",\"resourceVersion\":\"{own}\",\"creationTimestamp\":\"2026-05-04T09:12:44Z\",\"labels\":{{\"app\":\"{app}\",\"app.kubernetes.io/instance\":\"{app}-{namespace}\",\"app.kubernetes.io/managed-by\":\"Helm\",\"app.kubernetes.io/name\":\"{app}\",\"app.kubernetes.io/part-of\":\"{namespace}\",\"pod-template-hash\":\"{hash}\"}},\"annotations\":{{\"checksum/config\":\"{own:064x}\",\"kubectl.kubernetes.io/restartedAt\":\"2026-05-04T09:12:40Z\",\"prometheus.io/port\":\"9102\",\"prometheus.io/scrape\":\"true\"}},\"ownerReferences\":[{{\"apiVersion\":\"apps/v1\",\"kind\":\"{kind}\",\"name\":\"{owner}\",\"uid\":\"0a1b2c3d-6f1c-4d52-9a51-0123456789ab\",\"controller\":true,\"blockOwnerDeletion\":true}}],{MANAGED}}},\"spec\":"
    )
    .expect("a string");
    spec(shape, app, agent, list);
    // The node is the pod's own, unlike the rest of what it is made of.
    list.pop();
    write!(
        list,
        ",\"nodeName\":\"node-{node}\",\"preemptionPolicy\":\"PreemptLowerPriority\",\"priority\":0}},\"status\":{{\"phase\":\"Running\",{CONDITIONS},\"hostIP\":\"10.0.{}.{}\",\"podIP\":\"10.244.{}.{}\",\"podIPs\":[{{\"ip\":\"10.244.{}.{}\"}}],\"startTime\":\"2026-05-04T09:12:44Z\",\"containerStatuses\":[{{\"name\":\"{app}\",\"state\":{{\"running\":{{\"startedAt\":\"2026-05-04T09:12:50Z\"}}}},\"lastState\":{{}},\"ready\":true,\"restartCount\":0,\"image\":\"registry.shop.example/{app}:1.42.0\",\"imageID\":\"registry.shop.example/{app}@sha256:{own:064x}\",\"containerID\":\"containerd://{own:064x}\",\"started\":true}}],\"qosClass\":\"Burstable\"}}}}",
        node >> 8, node & 255, node >> 8, node & 255, node >> 8, node & 255
    )
    .expect("a string");
}

/// Writes what a pod of a workload is made of. Most ask for no more than they need.
pub(super) fn spec(shape: usize, app: &str, agent: Option<&str>, list: &mut String) {
    let chance = mixed(shape);
    let sloppy = agent.is_none() && chance.is_multiple_of(10);
    let privileged = matches!(agent, Some("cilium" | "kube-proxy"));
    let host = match agent {
        Some(_) => "\"hostNetwork\":true,",
        None if chance % 200 == 7 => "\"hostPID\":true,",
        None => "",
    };
    let account = if agent.is_some() {
        app
    } else {
        ["web", "runner", "default"][chance % 3]
    };
    write!(list, "{{{host}\"serviceAccountName\":\"{account}\",\"serviceAccount\":\"{account}\",\"restartPolicy\":\"Always\",\"terminationGracePeriodSeconds\":30,\"dnsPolicy\":\"ClusterFirst\",\"schedulerName\":\"default-scheduler\",{TOLERATIONS},\"volumes\":[{TOKEN_VOLUME},{{\"name\":\"settings\",\"configMap\":{{\"name\":\"settings-1\",\"defaultMode\":420}}}},{{\"name\":\"scratch\",\"emptyDir\":{{}}}}").expect("a string");
    if agent.is_some() || chance % 100 == 3 {
        list.push_str(",{\"name\":\"host\",\"hostPath\":{\"path\":\"/var/log\",\"type\":\"\"}}");
    }
    list.push_str("],\"securityContext\":");
    list.push_str(if sloppy || agent.is_some() {
        "{}"
    } else {
        "{\"runAsNonRoot\":true,\"runAsUser\":10001,\"fsGroup\":10001,\"seccompProfile\":{\"type\":\"RuntimeDefault\"}}"
    });
    list.push_str(",\"containers\":[");
    // One container, or the application with what stands before it.
    let containers = if agent.is_none() && chance % 7 > 4 {
        2
    } else {
        1
    };
    for (index, name) in [app, "proxy"].iter().take(containers).enumerate() {
        if index > 0 {
            list.push(',');
        }
        write!(list, "{{\"name\":\"{name}\",\"image\":\"registry.shop.example/{name}:1.42.{}\",\"imagePullPolicy\":\"IfNotPresent\",\"args\":[\"--config=/etc/{name}/config.yaml\",\"--log-format=json\"],\"ports\":[{{\"name\":\"http\",\"containerPort\":8080,\"protocol\":\"TCP\"}}],{PROBES},\"resources\":{{\"limits\":{{\"memory\":\"256Mi\"}},\"requests\":{{\"cpu\":\"100m\",\"memory\":\"256Mi\"}}}},\"terminationMessagePath\":\"/dev/termination-log\",\"terminationMessagePolicy\":\"File\",\"volumeMounts\":[{{\"name\":\"settings\",\"mountPath\":\"/etc/{name}\",\"readOnly\":true}},{{\"name\":\"scratch\",\"mountPath\":\"/tmp\"}},{{\"name\":\"kube-api-access-8xv4t\",\"readOnly\":true,\"mountPath\":\"/var/run/secrets/kubernetes.io/serviceaccount\"}}],\"securityContext\":", shape % 30).expect("a string");
        list.push_str(if privileged {
            "{\"privileged\":true}"
        } else if sloppy {
            "{}"
        } else {
            "{\"allowPrivilegeEscalation\":false,\"readOnlyRootFilesystem\":true,\"runAsNonRoot\":true,\"capabilities\":{\"drop\":[\"ALL\"]}}"
        });
        list.push_str(",\"env\":[");
        for variable in 0..3 + chance % 4 {
            write!(list, "{{\"name\":\"SETTING_{variable}\",\"value\":\"https://service-{variable}.example.svc.cluster.local:8443/v1\"}},").expect("a string");
        }
        if chance % 20 == 1 {
            list.push_str("{\"name\":\"PASSWORD\",\"valueFrom\":{\"secretKeyRef\":{\"name\":\"database\",\"key\":\"password\"}}},");
        }
        list.push_str("{\"name\":\"POD_IP\",\"valueFrom\":{\"fieldRef\":{\"apiVersion\":\"v1\",\"fieldPath\":\"status.podIP\"}}}]}");
    }
    list.push_str("]}");
}

const TOKEN_VOLUME: &str = r#"{"name":"kube-api-access-8xv4t","projected":{"defaultMode":420,"sources":[{"serviceAccountToken":{"expirationSeconds":3607,"path":"token"}},{"configMap":{"name":"kube-root-ca.crt","items":[{"key":"ca.crt","path":"ca.crt"}]}},{"downwardAPI":{"items":[{"path":"namespace","fieldRef":{"apiVersion":"v1","fieldPath":"metadata.namespace"}}]}}]}}"#;

const TOLERATIONS: &str = r#""tolerations":[{"key":"node.kubernetes.io/not-ready","operator":"Exists","effect":"NoExecute","tolerationSeconds":300},{"key":"node.kubernetes.io/unreachable","operator":"Exists","effect":"NoExecute","tolerationSeconds":300}]"#;

const PROBES: &str = r#""livenessProbe":{"httpGet":{"path":"/healthz","port":8080,"scheme":"HTTP"},"timeoutSeconds":1,"periodSeconds":10,"successThreshold":1,"failureThreshold":3},"readinessProbe":{"httpGet":{"path":"/readyz","port":8080,"scheme":"HTTP"},"timeoutSeconds":1,"periodSeconds":10,"successThreshold":1,"failureThreshold":3}"#;

const CONDITIONS: &str = r#""conditions":[{"type":"PodReadyToStartContainers","status":"True","lastProbeTime":null,"lastTransitionTime":"2026-05-04T09:12:46Z"},{"type":"Initialized","status":"True","lastProbeTime":null,"lastTransitionTime":"2026-05-04T09:12:44Z"},{"type":"Ready","status":"True","lastProbeTime":null,"lastTransitionTime":"2026-05-04T09:12:51Z"},{"type":"ContainersReady","status":"True","lastProbeTime":null,"lastTransitionTime":"2026-05-04T09:12:51Z"},{"type":"PodScheduled","status":"True","lastProbeTime":null,"lastTransitionTime":"2026-05-04T09:12:44Z"}]"#;

const MANAGED: &str = r#""managedFields":[{"manager":"kube-controller-manager","operation":"Update","apiVersion":"v1","time":"2026-05-04T09:12:44Z","fieldsType":"FieldsV1","fieldsV1":{"f:metadata":{"f:annotations":{".":{},"f:checksum/config":{},"f:kubectl.kubernetes.io/restartedAt":{},"f:prometheus.io/port":{},"f:prometheus.io/scrape":{}},"f:generateName":{},"f:labels":{".":{},"f:app":{},"f:app.kubernetes.io/instance":{},"f:app.kubernetes.io/managed-by":{},"f:app.kubernetes.io/name":{},"f:app.kubernetes.io/part-of":{},"f:pod-template-hash":{}},"f:ownerReferences":{".":{},"k:{\"uid\":\"0a1b2c3d-6f1c-4d52-9a51-0123456789ab\"}":{}}},"f:spec":{"f:containers":{"k:{\"name\":\"web\"}":{".":{},"f:args":{},"f:env":{".":{},"k:{\"name\":\"SETTING_0\"}":{".":{},"f:name":{},"f:value":{}},"k:{\"name\":\"SETTING_1\"}":{".":{},"f:name":{},"f:value":{}}},"f:image":{},"f:imagePullPolicy":{},"f:livenessProbe":{".":{},"f:failureThreshold":{},"f:httpGet":{".":{},"f:path":{},"f:port":{},"f:scheme":{}},"f:periodSeconds":{},"f:successThreshold":{},"f:timeoutSeconds":{}},"f:name":{},"f:ports":{".":{},"k:{\"containerPort\":8080,\"protocol\":\"TCP\"}":{".":{},"f:containerPort":{},"f:name":{},"f:protocol":{}}},"f:resources":{".":{},"f:limits":{".":{},"f:memory":{}},"f:requests":{".":{},"f:cpu":{},"f:memory":{}}},"f:securityContext":{".":{},"f:allowPrivilegeEscalation":{},"f:capabilities":{".":{},"f:drop":{}}},"f:terminationMessagePath":{},"f:terminationMessagePolicy":{}}},"f:dnsPolicy":{},"f:restartPolicy":{},"f:schedulerName":{},"f:securityContext":{},"f:serviceAccount":{},"f:serviceAccountName":{},"f:terminationGracePeriodSeconds":{}}}},{"manager":"kubelet","operation":"Update","apiVersion":"v1","time":"2026-05-04T09:12:51Z","fieldsType":"FieldsV1","fieldsV1":{"f:status":{"f:conditions":{"k:{\"type\":\"Ready\"}":{".":{},"f:status":{},"f:type":{}}},"f:containerStatuses":{},"f:hostIP":{},"f:phase":{},"f:podIP":{},"f:startTime":{}}},"subresource":"status"}]"#;
