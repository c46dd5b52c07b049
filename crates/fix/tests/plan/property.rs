//! What holds for every plan, on nodes put together at random: only what is planned differs afterwards.

use std::collections::{BTreeMap, BTreeSet};

use kubeassay_config::setting::{Setting, State};
use kubeassay_config::tables::Target;
use kubeassay_config::tables::kubelet::KUBELET;
use kubeassay_core::Verdict;
use kubeassay_core::plan::{EditKind, Plan};
use kubeassay_engine::{Successor, parse_version, successor};
use kubeassay_fix::hunks;
use proptest::prelude::*;

use crate::node::{KUBEADM, Node};

/// Parts of a configuration, each in the spellings in which people write them.
const PARTS: [&[&str]; 8] = [
    &[
        "",
        "authorization:\n  mode: AlwaysAllow\n",
        "authorization: {mode: AlwaysAllow}\n",
        "authorization:\n    # for now\n    mode: \"AlwaysAllow\" # later more\n    webhook:\n        cacheAuthorizedTTL: 0s\n",
        "authorization: &a\n  mode: AlwaysAllow\n",
        "authorization:\n  mode: Webhook\nauthorization:\n  mode: AlwaysAllow\n",
    ],
    &[
        "",
        "authentication:\n  anonymous:\n    enabled: true\n  x509:\n    clientCAFile: /etc/kubernetes/pki/ca.crt\n",
        "authentication: {anonymous: {enabled: yes}, webhook: {enabled: true}}\n",
        "authentication:\n  anonymous: {}\n",
    ],
    &[
        "",
        "readOnlyPort: 10255\n",
        "readOnlyPort: 0x2800 # old\n",
        "ReadOnlyPort: 10255\n",
    ],
    &[
        "",
        "featureGates:\n  GracefulNodeShutdown: true\n",
        "featureGates: {RotateKubeletServerCertificate: false}\n",
    ],
    &[
        "",
        "makeIPTablesUtilChains: false\n",
        "podPidsLimit: -1\n",
        "podPidsLimit: 99\nmakeIPTablesUtilChains: false\n",
    ],
    &[
        "",
        "streamingConnectionIdleTimeout: 0s\n",
        "eventRecordQPS: 0\nstreamingConnectionIdleTimeout: 5m\n",
    ],
    &[
        "",
        "tlsCipherSuites:\n- TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256\n- TLS_RSA_WITH_AES_128_CBC_SHA\n",
        "tlsCipherSuites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_RSA_WITH_AES_128_CBC_SHA]\n",
    ],
    &[
        "",
        "staticPodPath: /etc/kubernetes/manifests\nclusterDNS: [10.96.0.10]\n",
        "evictionHard:\n  memory.available: 100Mi\nmaxPods: 50\n",
    ],
];

const FLAGS: [&str; 8] = [
    "",
    "--authorization-mode=AlwaysAllow",
    "--authorization_mode AlwaysAllow",
    "--read-only-port=10255",
    "--feature-gates=GracefulNodeShutdown=true,RotateKubeletServerCertificate=false",
    "--make-iptables-util-chains=false",
    "--anonymous-auth",
    "--v=4",
];

/// The files of a node, and its version.
fn node() -> impl Strategy<Value = (BTreeMap<String, String>, &'static str)> {
    let document = PARTS.map(|part| prop::sample::select(part.to_vec()));
    let flags = || prop::collection::vec(prop::sample::select(FLAGS.to_vec()), 0..3);
    let ends = prop::sample::select(vec!["\n", "\r\n"]);
    let drop_in = prop::option::of(prop::sample::select(PARTS.concat()));
    let version = prop::sample::select(vec!["1.27", "1.28", "1.30", "1.34", "1.36"]);
    (document, flags(), flags(), drop_in, ends, version).prop_map(
        |(parts, of_kubeadm, of_site, drop_in, end, version)| {
            let head = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n";
            let config = format!("{head}{}", parts.concat()).replace('\n', end);
            let mut files: BTreeMap<String, String> = KUBEADM
                .iter()
                .map(|(path, text)| ((*path).to_owned(), (*text).to_owned()))
                .collect();
            let mut add = |path: &str, text: String| drop(files.insert(path.to_owned(), text));
            add("/var/lib/kubelet/config.yaml", config);
            add("/etc/kubernetes/pki/ca.crt", "ca\n".to_owned());
            add("/var/lib/kubelet/kubeadm-flags.env", format!("KUBELET_KUBEADM_ARGS=\"{}\"\n", of_kubeadm.join(" ")));
            add("/etc/default/kubelet", format!("# ours\nKUBELET_EXTRA_ARGS='{}'", of_site.join(" ")));
            // The version before drop-ins does not know their flag.
            if let Some(part) = drop_in.filter(|_| version != "1.27") {
                add("/etc/kubernetes/kubelet.conf.d/10.conf", format!("{head}{part}"));
                let unit = "[Service]\nEnvironment=KUBELET_CONFIG_DROPIN_DIR_ALPHA=1\nEnvironment=\"KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml --config-dir=/etc/kubernetes/kubelet.conf.d\"\n";
                add("/etc/systemd/system/kubelet.service.d/20-site.conf", unit.to_owned());
            }
            (files, version)
        },
    )
}

/// Returns the files as the plan makes them.
fn edited(files: &BTreeMap<String, String>, plan: &Plan) -> BTreeMap<String, String> {
    let mut files = files.clone();
    for edit in &plan.edits {
        let path = edit.path.to_string();
        let before = match edit.kind {
            EditKind::Change => files.get(&path).cloned().unwrap_or_default(),
            EditKind::Create => String::new(),
        };
        let after = hunks::apply(before.as_bytes(), &edit.hunks).unwrap();
        files.insert(path, String::from_utf8(after).unwrap());
    }
    files
}

/// Returns the next start on a node with these files.
fn next(files: &BTreeMap<String, String>, version: &str) -> Successor {
    let facts = Node::of(files.clone()).facts();
    let said = Some(parse_version(version).unwrap());
    let service = facts.services.first().unwrap();
    successor(service, &facts, said).unwrap()
}

/// Returns every setting in words, the entries of maps one by one.
fn settings(next: &Successor) -> BTreeMap<String, String> {
    let [resolution] = next.resolutions.as_slice() else {
        panic!("one version was given")
    };
    let flags = KUBELET
        .flags
        .iter()
        .filter(|flag| flag.target(resolution.minor) == Target::Own)
        .map(|flag| format!("flags.{}", flag.setting));
    let mut settings = BTreeMap::new();
    let said = |setting: &Setting| format!("{:?}", setting.value());
    for path in kubeassay_config::kubelet::fields(resolution.minor)
        .map(str::to_owned)
        .chain(flags)
    {
        let Some(setting) = resolution.whole(&path) else {
            continue;
        };
        match &setting.state {
            State::Entries(entries) => {
                for (key, entry) in entries {
                    settings.insert(format!("{path}.{key}"), said(entry));
                }
            }
            _ => drop(settings.insert(path, said(&setting))),
        }
    }
    settings
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn after_a_plan_nothing_differs_but_what_is_planned((files, version) in node()) {
        let node = Node::of(files.clone()).version(version);
        let plan = node.plan(&[]).plan;
        let after = edited(&files, &plan);
        let (old, new) = (settings(&next(&files, version)), settings(&next(&after, version)));
        let planned: BTreeSet<&str> = plan
            .fixes
            .iter()
            .flat_map(|fix| &fix.settings)
            .map(|change| change.setting.as_str())
            .collect();
        let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        for key in keys {
            prop_assert!(old.get(key) == new.get(key) || planned.contains(key.as_str()), "{key}: {:?} {:?} {plan:#?}", old.get(key), new.get(key));
        }
        // And a node with these files has nothing left that this would mend.
        let again = Node::of(after).version(version).plan(&[]).plan;
        prop_assert!(!again.has_changes(), "{again:#?}");
        for fix in &plan.fixes {
            prop_assert_eq!(fix.planned, Verdict::Pass);
            prop_assert!(again.unfixed.iter().all(|unfixed| unfixed.rule != fix.rule), "{:?}", again.unfixed);
        }
    }
}
