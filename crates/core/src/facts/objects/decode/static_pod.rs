//! What kubelets run from files, as far as it says how the API server admits pods.

use super::{Builder, wire};
use crate::facts::objects::{ApiServer, MAX_API_SERVERS};

/// The program.
const PROGRAM: &str = "kube-apiserver";

/// What some start it through: `/go-runner --log-file=… /usr/local/bin/kube-apiserver …`.
const RUNNER: &str = "go-runner";

/// Its flags that say which admission plugins are on and how they are configured
/// (`staging/src/k8s.io/apiserver/pkg/server/options/admission.go`, `pkg/kubeapiserver/options/admission.go`).
const ADMISSION: [&str; 5] = [
    "admission-control",
    "admission-control-config-file",
    "disable-admission-plugins",
    "enable-admission-plugins",
    "feature-gates",
];

/// What begins a variable, which the kubelet puts in and a list of pods does not have.
const VARIABLE: &str = "$(";

/// Returns whether it is one of the pods that kubelets run from files, in the namespace where API servers live. The plugin
/// `NodeRestriction` lets a kubelet make such pods for its own node alone.
pub(super) fn may_be_api_server(pod: &wire::Pod) -> bool {
    pod.metadata.annotations.mirror.is_some() && pod.metadata.namespace() == "kube-system"
}

impl Builder {
    /// Takes the API server that a pod runs, if it runs one.
    pub(super) fn api_server(&mut self, item: &wire::StaticPod) {
        if self.inventory.api_servers.len() >= MAX_API_SERVERS {
            return;
        }
        let mut containers = item.spec.containers.iter();
        let arguments = containers.find_map(|container| {
            let mut words = container.command.iter().chain(&container.args);
            let mut program = name(words.next()?);
            if program == RUNNER {
                program = words
                    .by_ref()
                    .map(|word| name(word))
                    .find(|word| *word == PROGRAM)?;
            }
            (program == PROGRAM).then(|| about_admission(words))
        });
        if let Some(arguments) = arguments {
            let arguments = arguments.iter().map(|one| self.names.one(one)).collect();
            let pod = self.names.one(&item.metadata.name);
            self.inventory
                .api_servers
                .push(ApiServer { pod, arguments });
        }
    }
}

fn name(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or(word)
}

/// Returns the arguments that are about admission, each value with its flag.
fn about_admission<'a>(words: impl Iterator<Item = &'a String>) -> Vec<&'a str> {
    let mut kept = Vec::new();
    let mut with_next = false;
    for word in words {
        if std::mem::take(&mut with_next) {
            kept.push(word.as_str());
            continue;
        }
        let flag = word.strip_prefix("--");
        if flag.unwrap_or(word).starts_with(VARIABLE) {
            // It may be any of them.
            kept.push(VARIABLE);
            continue;
        }
        let Some(flag) = flag else {
            continue;
        };
        let (name, value) = match flag.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (flag, None),
        };
        // An API server takes `_` for `-` in names (`component-base/cli/flag`, `WordSepNormalizeFunc`).
        if ADMISSION.contains(&name.replace('_', "-").as_str()) {
            kept.push(word.as_str());
            with_next = value.is_none();
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::Builder;
    use crate::facts::objects::{ApiServer, Kind};

    /// A pod as its list has it.
    fn pod(namespace: &str, mirror: bool, container: &Value) -> Value {
        let annotations = if mirror {
            json!({"kubernetes.io/config.mirror": "0123"})
        } else {
            json!({})
        };
        json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "kube-apiserver-a", "namespace": namespace, "annotations": annotations},
            "spec": {"containers": [{"name": "sidecar", "command": ["sleep"]}, container]},
        })
    }

    fn kept(pod: &Value) -> Vec<Vec<String>> {
        let mut listed = Builder::new();
        let list = json!({"kind": "PodList", "metadata": {}, "items": [pod]}).to_string();
        listed.page(Kind::Pods, list.as_bytes()).unwrap();
        let mut alone = Builder::new();
        alone.object(pod).unwrap();
        let servers = listed.finish().api_servers;
        assert_eq!(alone.finish().api_servers, servers);
        let arguments =
            |server: &ApiServer| server.arguments.iter().map(ToString::to_string).collect();
        servers.iter().map(arguments).collect()
    }

    #[test]
    fn of_an_api_server_only_what_its_admission_is_told_is_kept() {
        let args = [
            "--token-auth-file=/t",
            "--etcd-servers=https://user:canary@e:2379",
            "--enable-admission-plugins=NodeRestriction",
            "--disable_admission_plugins",
            "PodSecurity",
            "--etcd-prefix",
            "canary",
            "--admission-control-config-file=/etc/a.yaml",
            "--feature-gates=A=true",
            "$(canary)",
        ];
        let wanted = [
            "--enable-admission-plugins=NodeRestriction",
            "--disable_admission_plugins",
            "PodSecurity",
            "--admission-control-config-file=/etc/a.yaml",
            "--feature-gates=A=true",
            "$(",
        ];
        let runner = [
            "/go-runner",
            "--log-file=/l",
            "/usr/local/bin/kube-apiserver",
        ];
        for (command, args) in [
            (json!(["kube-apiserver"]), json!(args)),
            (json!(runner), json!(args)),
            (
                json!([&["/usr/bin/kube-apiserver"][..], &args].concat()),
                Value::Null,
            ),
        ] {
            let container = json!({"name": "kube-apiserver", "command": command, "args": args});
            assert_eq!(kept(&pod("kube-system", true, &container)), [wanted]);
        }
    }

    #[test]
    fn what_is_no_static_pod_of_the_cluster_s_own_is_no_api_server() {
        let server = json!({"name": "a", "command": ["kube-apiserver"]});
        let none: [Vec<String>; 0] = [];
        for pod in [
            pod("kube-system", false, &server),
            pod("tenant", true, &server),
            pod(
                "kube-system",
                true,
                &json!({"name": "a", "command": ["/bin/sh", "-c", "exec kube-apiserver --x"]}),
            ),
            pod(
                "kube-system",
                true,
                &json!({"name": "a", "command": ["watch"], "args": ["kube-apiserver"]}),
            ),
            pod(
                "kube-system",
                true,
                &json!({"name": "a", "image": "kube-apiserver"}),
            ),
        ] {
            assert_eq!(kept(&pod), none, "{pod}");
        }
        let one_without = vec![Vec::<String>::new()];
        assert_eq!(kept(&pod("kube-system", true, &server)), one_without);
    }
}
