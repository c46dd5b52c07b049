//! A real control plane and kubelet, where `KUBEBUILDER_ASSETS` names a folder with `etcd`, `kube-apiserver` and
//! `kubelet`, and the tests run as root (a kubelet wants it); else they say that they are skipped.

use kubeassay_testkit::real_cluster::{RealCluster, Settings};

#[test]
fn comes_up() {
    let Some(mut cluster) = RealCluster::start() else {
        return;
    };
    cluster.start_kubelet(&Settings {
        mode: "AlwaysAllow",
        anonymous: true,
        more: "",
    });
}
