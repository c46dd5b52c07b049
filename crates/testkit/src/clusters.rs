//! Whole clusters for a stand-in API server: every object that somebody with all rights would see, Secrets left out.
//!
//! `tests/clusters` has what people and kubeadm apply, and the RBAC that the API server makes itself, as a table; what
//! controllers and admission make of that is added here.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "it is only for tests"
)]

mod bootstrap;
mod controllers;

use std::path::Path;

use serde::de::DeserializeOwned;
use serde_json::Value as Json;

/// How many nodes these clusters have; their names are those of [`nodes`](crate::api_server::nodes).
pub const NODES: usize = 2;

/// Returns a cluster as kubeadm leaves it, without a network.
///
/// # Panics
///
/// If a file of `tests/clusters` is faulty; so do the others.
pub fn kubeadm() -> Vec<Json> {
    grown(&[])
}

/// Returns a cluster of kubeadm with Cilium, and an application that asks for nothing that it does not need.
pub fn hardened() -> Vec<Json> {
    grown(&["hardened"])
}

/// Returns a cluster of kubeadm with Calico, and applications that ask for everything.
pub fn careless() -> Vec<Json> {
    grown(&["careless"])
}

fn grown(names: &[&str]) -> Vec<Json> {
    let mut objects = bootstrap::objects(&read("bootstrap-rbac"));
    for name in ["kubeadm"].iter().chain(names) {
        for document in documents(name) {
            // What is applied again is written over.
            objects.retain(|known: &Json| identity(known) != identity(&document));
            objects.push(document);
        }
    }
    controllers::work(objects)
}

fn identity(object: &Json) -> (&Json, &Json, &Json, &Json) {
    let metadata = &object["metadata"];
    let (version, kind) = (&object["apiVersion"], &object["kind"]);
    (version, kind, &metadata["namespace"], &metadata["name"])
}

fn text(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/clusters");
    let path = folder.join(format!("{name}.yaml"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn documents(name: &str) -> Vec<Json> {
    serde_saphyr::from_multiple(&text(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn read<T: DeserializeOwned>(name: &str) -> T {
    serde_saphyr::from_str(&text(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::{Json, careless, hardened, kubeadm};

    fn count(objects: &[Json], kind: &str) -> usize {
        objects.iter().filter(|one| one["kind"] == kind).count()
    }

    #[test]
    fn controllers_make_what_people_asked_for() {
        let objects = kubeadm();
        // Two of CoreDNS, two of kube-proxy, and the four of the control plane.
        assert_eq!(count(&objects, "Pod"), 8);
        assert_eq!(count(&objects, "ReplicaSet"), 1);
        let more = (count(&hardened(), "Pod"), count(&careless(), "Pod"));
        // Cilium: a pod a node and two operators. `web`: three; the last run of the job, and its own job.
        assert_eq!(more, (8 + 4 + 3 + 1, 8 + 3 + 4 + 2 + 1 + 1));
        let objects = hardened();
        let token = |name: &str| {
            let mut pods = objects.iter().filter(|one| one["kind"] == "Pod");
            let pod = pods.find(|one| one["metadata"]["name"].as_str().unwrap().starts_with(name));
            pod.unwrap().to_string().contains("kube-api-access")
        };
        assert!(token("coredns") && !token("web") && !token("etcd"));
    }

    #[test]
    fn the_shipped_roles_are_there_and_put_together() {
        let objects = kubeadm();
        let role = |name: &str| {
            let found = objects
                .iter()
                .find(|one| one["kind"] == "ClusterRole" && one["metadata"]["name"] == name);
            found.unwrap_or_else(|| panic!("no {name}"))
        };
        assert_eq!(role("cluster-admin")["rules"].as_array().unwrap().len(), 2);
        // What may be read, may be read by those who may edit, and so on.
        let size = |name: &str| role(name)["rules"].as_array().unwrap().len();
        assert!(size("view") > 5 && size("view") < size("edit") && size("edit") < size("admin"));
        assert!(count(&objects, "ClusterRoleBinding") > 50);
        let accounts: Vec<&Json> = objects
            .iter()
            .filter(|one| one["kind"] == "ServiceAccount" && one["metadata"]["name"] == "default")
            .collect();
        assert_eq!(accounts.len(), count(&objects, "Namespace"));
    }
}
