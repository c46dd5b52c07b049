//! One object that is not understood, among those that are: whatever needs all of its list is not known.

use std::collections::{BTreeMap, BTreeSet};

use kubeassay_core::Cause;
use kubeassay_core::Verdict;
use kubeassay_core::facts::objects::{Builder, IN_DEFAULT, Inventory, Kind, LISTS};
use kubeassay_core::facts::{ClusterFacts, Trouble};
use kubeassay_core::report::Finding;
use kubeassay_core::rule::{Catalogue, Rule, SiteChoices};

use super::tests::of;
use super::tests::options;
use crate::BUNDLED_RULES;

/// What the site decided, so that every rule passes that can.
const CHOICES: &str = "
choices:
  secrets-external-store: {considered: true}
  image-provenance: {verifiers: [clusterimagepolicies.policy.sigstore.dev]}
  service-account-tokens: {allowed: [shop/robot]}
  people-client-certificates: {identified: []}
  people-service-account-tokens: {machines: []}
";

/// A request that names nobody, as far as names are read.
const REQUEST: &str = "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUFjd0JRSUJBREFBCi0tLS0tRU5EIENFUlRJRklDQVRFIFJFUVVFU1QtLS0tLQo=";

/// A pod's `spec` with which everything is in order.
fn spec(account: &str) -> String {
    format!(
        r#"{{"serviceAccountName":"{account}","automountServiceAccountToken":{},"securityContext":{{"runAsNonRoot":true,"seccompProfile":{{"type":"RuntimeDefault"}}}},"containers":[{{"name":"app","image":"x:1","securityContext":{{"allowPrivilegeEscalation":false,"readOnlyRootFilesystem":true,"capabilities":{{"drop":["ALL"]}}}}}}]}}"#,
        account == "robot"
    )
}

/// Objects of a kind with which everything is in order, without the end of each.
fn good(kind: Kind) -> Vec<String> {
    let named = |name: &str, rest: &str| format!(r#"{{"metadata":{{"name":"{name}"}},{rest}}}"#);
    let placed = |place: &str, name: &str, rest: &str| {
        format!(r#"{{"metadata":{{"name":"{name}","namespace":"{place}"}},{rest}}}"#)
    };
    let template = |name: &str| {
        let rest = format!(r#""spec":{{"template":{{"spec":{}}}}}"#, spec("robot"));
        vec![placed("shop", name, &rest)]
    };
    let asked = r#""rules":[{"apiGroups":[""],"apiVersions":["v1"],"resources":["pods"],"operations":["CREATE"]}]"#;
    let rules = r#""rules":[{"apiGroups":[""],"resources":["configmaps"],"verbs":["get"]}]"#;
    match kind {
        Kind::Namespaces => ["shop", "team"]
            .map(|name| {
                format!(
                    r#"{{"metadata":{{"name":"{name}","labels":{{"pod-security.kubernetes.io/enforce":"restricted"}}}}}}"#
                )
            })
            .into(),
        Kind::Roles => vec![placed("shop", "reader", rules)],
        Kind::ClusterRoles => vec![named("reader", rules)],
        Kind::RoleBindings => vec![placed(
            "shop",
            "robot",
            r#""roleRef":{"kind":"Role","name":"reader"},"subjects":[{"kind":"ServiceAccount","name":"robot"}]"#,
        )],
        Kind::ClusterRoleBindings => vec![named(
            "a",
            r#""roleRef":{"kind":"ClusterRole","name":"reader"},"subjects":[{"kind":"Group","name":"staff"}]"#,
        )],
        Kind::ServiceAccounts => vec![
            placed("shop", "default", r#""automountServiceAccountToken":false"#),
            placed("team", "default", r#""automountServiceAccountToken":false"#),
            placed("shop", "robot", r#""secrets":null"#),
        ],
        Kind::Pods => vec![
            placed("shop", "web", &format!(r#""spec":{}"#, spec("robot"))),
            placed("team", "job", &format!(r#""spec":{}"#, spec("default"))),
        ],
        Kind::DaemonSets => vec![placed(
            "kube-system",
            "cilium",
            r#""spec":{"template":{"spec":{"containers":[{"name":"cilium-agent","image":"c:1"}]}}}"#,
        )],
        Kind::Deployments | Kind::StatefulSets | Kind::ReplicaSets | Kind::Jobs => template("web"),
        Kind::CronJobs => vec![placed(
            "shop",
            "night",
            &format!(
                r#""spec":{{"jobTemplate":{{"spec":{{"template":{{"spec":{}}}}}}}}}"#,
                spec("robot")
            ),
        )],
        Kind::NetworkPolicies => ["shop", "team"]
            .map(|place| placed(place, "deny", r#""spec":{"podSelector":{}}"#))
            .into(),
        Kind::ValidatingWebhooks => vec![named(
            "policy.sigstore.dev",
            &format!(r#""webhooks":[{{"name":"policy.sigstore.dev",{asked}}}]"#),
        )],
        Kind::MutatingWebhooks => vec![named("sidecars", r#""webhooks":[]"#)],
        Kind::AdmissionPolicies | Kind::AdmissionPolicyBindings => vec![named("p", r#""spec":{}"#)],
        Kind::SigningRequests => vec![named(
            "csr-1",
            &format!(
                r#""spec":{{"request":"{REQUEST}","signerName":"kubernetes.io/kubelet-serving","username":"u"}}"#
            ),
        )],
        Kind::Nodes => vec![named("a", r#""status":{"nodeInfo":{"kubeletVersion":"v1.34.2"}}"#)],
        Kind::Resources | Kind::InDefault => Vec::new(),
    }
}

/// An object that no API server writes: its name is understood, and nothing else.
const BAD: &str = r#"{"metadata":{"name":"bad-one","namespace":"shop","labels":[]},"spec":[]}"#;

/// Returns a cluster in order, where one list has an object that cannot be understood.
fn cluster(bad: Option<Kind>) -> Inventory {
    let mut builder = Builder::new();
    for listing in LISTS {
        let mut items = good(listing.kind);
        if bad == Some(listing.kind) {
            items.insert(1.min(items.len()), BAD.to_owned());
        }
        let text = format!(r#"{{"metadata":{{}},"items":[{}]}}"#, items.join(","));
        let page = builder.page(listing.kind, text.as_bytes()).unwrap();
        assert_eq!(page.faults, usize::from(bad == Some(listing.kind)));
        // Whoever forgets to ask for faults has them all the same.
        builder.listed(listing.kind, Ok(()));
    }
    builder.resource("clusterimagepolicies.policy.sigstore.dev");
    builder
        .counted(
            "clusterimagepolicies.policy.sigstore.dev",
            br#"{"items":[{"metadata":{"name":"all"}}]}"#,
        )
        .unwrap();
    builder.listed(
        Kind::Resources,
        match bad {
            Some(Kind::Resources) => Err(Trouble {
                cause: Cause::ParseError,
                reason: "bad-one is no group of the API".to_owned(),
            }),
            _ => Ok(()),
        },
    );
    for kind in IN_DEFAULT {
        let items = if bad == Some(Kind::InDefault) && kind.kind == "Job" {
            BAD
        } else {
            ""
        };
        let text = format!(r#"{{"items":[{items}]}}"#);
        builder.default_page(kind.kind, text.as_bytes()).unwrap();
    }
    builder.listed(Kind::InDefault, Ok(()));
    builder.finish()
}

fn judged(inventory: Inventory) -> Vec<Finding> {
    let catalogue = Catalogue::prepared(&BUNDLED_RULES);
    let rules: Vec<&Rule> = catalogue.rules().collect();
    let facts = ClusterFacts {
        inventory: Some(inventory),
        ..ClusterFacts::default()
    };
    let mut options = options();
    options.choices = SiteChoices::read("choices", CHOICES.as_bytes(), &catalogue).unwrap();
    of(&facts, &rules, &options)
}

const PODS: &[&str] = &[
    "pod-security-capabilities",
    "pod-security-host-ipc",
    "pod-security-host-network",
    "pod-security-host-path",
    "pod-security-host-pid",
    "pod-security-host-ports",
    "pod-security-host-process",
    "pod-security-net-raw",
    "pod-security-privilege-escalation",
    "pod-security-privileged",
    "pod-security-root",
    "seccomp-profile",
    "security-context",
];
const HOLDERS: &[&str] = &[
    "rbac-admission-webhooks",
    "rbac-approve-certificates",
    "rbac-bind-escalate-impersonate",
    "rbac-cluster-admin",
    "rbac-create-persistent-volumes",
    "rbac-create-pods",
    "rbac-mint-tokens",
    "rbac-nodes-proxy",
    "rbac-read-secrets",
];
const ACCOUNTS: &[&str] = &["service-account-default", "service-account-tokens"];
const TOKENS: &[&str] = &["people-service-account-tokens"];
const BINDINGS: &[&str] = &[
    "people-bootstrap-tokens",
    "people-client-certificates",
    "rbac-system-masters",
];
const ENVIRONMENT: &[&str] = &["secrets-environment"];
const NETWORK: &[&str] = &["network-policy-namespaces"];
const PROVENANCE: &[&str] = &["image-provenance"];

/// Returns the rules that nothing but the whole of a list can settle here.
fn needing(kind: Kind) -> Vec<&'static [&'static str]> {
    match kind {
        // Of namespaces that were understood all is known; of the others nothing is.
        Kind::Namespaces => vec![
            PODS,
            ACCOUNTS,
            ENVIRONMENT,
            NETWORK,
            &["pod-security-policy-active"],
        ],
        Kind::Roles | Kind::ClusterRoles => vec![HOLDERS, ACCOUNTS, TOKENS, &["rbac-wildcards"]],
        Kind::RoleBindings | Kind::ClusterRoleBindings => {
            vec![HOLDERS, ACCOUNTS, TOKENS, BINDINGS]
        }
        Kind::ServiceAccounts => vec![ACCOUNTS],
        Kind::Pods => vec![
            PODS,
            ACCOUNTS,
            TOKENS,
            ENVIRONMENT,
            &["namespaces-separate"],
        ],
        Kind::Deployments
        | Kind::StatefulSets
        | Kind::DaemonSets
        | Kind::ReplicaSets
        | Kind::Jobs
        | Kind::CronJobs => vec![ENVIRONMENT],
        Kind::ValidatingWebhooks | Kind::MutatingWebhooks => vec![PROVENANCE],
        Kind::SigningRequests => vec![&["people-client-certificates", "rbac-system-masters"]],
        Kind::Resources => vec![PROVENANCE, &["secrets-external-store"]],
        Kind::InDefault => vec![&["default-namespace-empty"]],
        // A NetworkPolicy that was understood is one, and here every namespace has one; its label does without policies of
        // admission; nodes are asked only where no agent of a network is seen. The next test has the other side of each.
        Kind::NetworkPolicies
        | Kind::AdmissionPolicies
        | Kind::AdmissionPolicyBindings
        | Kind::Nodes => Vec::new(),
    }
}

#[test]
fn what_needs_a_whole_list_is_unknown_where_one_object_was_not_understood() {
    let whole = judged(cluster(None));
    for finding in &whole {
        assert!(
            matches!(finding.verdict, Verdict::Pass | Verdict::Manual),
            "{}: {}: {}",
            finding.rule,
            finding.verdict,
            finding.reason
        );
    }
    assert!(whole.iter().any(|it| it.rule == "rbac-wildcards"));
    for kind in Kind::ALL {
        let found = judged(cluster(Some(*kind)));
        let mut unknown = BTreeSet::new();
        for finding in &found {
            if finding.verdict == Verdict::Unknown {
                assert!(
                    finding.reason.contains("bad-one"),
                    "{kind}: {}: {}",
                    finding.rule,
                    finding.reason
                );
                assert_eq!(finding.cause, Some(Cause::ParseError), "{kind}");
                unknown.insert(finding.rule.as_str());
            } else {
                assert_ne!(finding.verdict, Verdict::Fail, "{kind}: {}", finding.rule);
            }
        }
        let needing: BTreeSet<&str> = needing(*kind).into_iter().flatten().copied().collect();
        assert_eq!(unknown, needing, "{kind}");
    }
}

/// Returns the verdict and the reason of each rule on the namespace `shop` or on the cluster.
fn verdicts(inventory: Inventory, subject: &str) -> BTreeMap<String, (Verdict, String)> {
    let found = judged(inventory).into_iter();
    found
        .filter(|finding| finding.subject.key == subject)
        .map(|finding| (finding.rule, (finding.verdict, finding.reason)))
        .collect()
}

/// Returns lists of which one has, beside these objects, one that was not understood.
fn few(partial: Kind, objects: &[(Kind, &str)]) -> Inventory {
    let mut builder = Builder::new();
    for kind in Kind::ALL {
        builder.listed(*kind, Ok(()));
    }
    for (kind, object) in objects.iter().chain([&(partial, BAD)]) {
        let text = format!(r#"{{"items":[{object}]}}"#);
        builder.page(*kind, text.as_bytes()).unwrap();
    }
    builder.finish()
}

const SHOP: (Kind, &str) = (Kind::Namespaces, r#"{"metadata":{"name":"shop"}}"#);

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn what_was_understood_breaks_a_rule_and_what_was_not_may_keep_it() {
    let privileged = r#"{"metadata":{"name":"web","namespace":"shop"},"spec":{"hostPID":true,"automountServiceAccountToken":true,"containers":[{"name":"c","securityContext":{"privileged":true}}]}}"#;
    let shop = "namespace/shop";
    let daemon = r#"{"metadata":{"name":"flannel","namespace":"kube-flannel"},"spec":{"template":{"spec":{"containers":[{"name":"flannel"}]}}}}"#;
    let webhook = r#"{"metadata":{"name":"w"},"webhooks":[{"name":"w","rules":[{"apiGroups":["*"],"apiVersions":["*"],"resources":["*"],"operations":["*"]}]}]}"#;
    for (partial, objects, subject, rule, expected, said) in [
        // What is seen is enough, and the finding says that it may not be all.
        (
            Kind::Pods,
            &[privileged][..],
            shop,
            "pod-security-host-pid",
            Verdict::Fail,
            "maybe others: 1 of 2 pods",
        ),
        (
            Kind::Pods,
            &[privileged],
            shop,
            "seccomp-profile",
            Verdict::Fail,
            "maybe others",
        ),
        (
            Kind::Pods,
            &[privileged],
            shop,
            "security-context",
            Verdict::Unknown,
            "bad-one",
        ),
        (
            Kind::Pods,
            &[privileged],
            shop,
            "service-account-default",
            Verdict::Fail,
            "maybe others",
        ),
        // Nothing in sight holds the token, and a grant that was not understood may need it.
        (
            Kind::RoleBindings,
            &[],
            shop,
            "service-account-tokens",
            Verdict::Unknown,
            "bad-one",
        ),
        (
            Kind::NetworkPolicies,
            &[],
            shop,
            "network-policy-namespaces",
            Verdict::Unknown,
            "bad-one",
        ),
        // A policy that was not understood may be the one that forbids it.
        (
            Kind::ValidatingWebhooks,
            &[webhook],
            shop,
            "pod-security-policy-active",
            Verdict::Unknown,
            "bad-one",
        ),
        (
            Kind::AdmissionPolicies,
            &[],
            shop,
            "pod-security-privileged",
            Verdict::Unknown,
            "bad-one",
        ),
        (
            Kind::AdmissionPolicyBindings,
            &[],
            shop,
            "pod-security-root",
            Verdict::Unknown,
            "bad-one",
        ),
        (
            Kind::DaemonSets,
            &[daemon],
            "cluster",
            "network-policy-enforced",
            Verdict::Unknown,
            "bad-one",
        ),
        (
            Kind::Pods,
            &[privileged],
            "cluster",
            "namespaces-separate",
            Verdict::Unknown,
            "bad-one",
        ),
    ] {
        let mut all = vec![SHOP];
        all.extend(objects.iter().map(|object| (partial, *object)));
        let found = verdicts(few(partial, &all), subject);
        let (verdict, reason) = &found[rule];
        assert_eq!(*verdict, expected, "{partial}: {rule}: {reason}");
        assert!(reason.contains(said), "{partial}: {rule}: {reason}");
    }
    // A node that was not understood may be one of k3s, which enforces policies by itself.
    let found = verdicts(few(Kind::Nodes, &[(Kind::DaemonSets, daemon)]), "cluster");
    assert_eq!(found["network-policy-enforced"].0, Verdict::Unknown);
}

#[test]
fn without_the_default_of_the_api_server_no_namespace_passes_by_its_silence() {
    let inventory = few(Kind::Nodes, &[SHOP]);
    let mut judged_by_level = 0;
    for finding in judged(inventory) {
        let catalogue = Catalogue::prepared(&BUNDLED_RULES);
        let check = catalogue.get(&finding.rule).and_then(Rule::check);
        let names = check.map(kubeassay_core::rule::Check::names);
        let by_level = |name: &String| name.starts_with("ns.enforce");
        if !names.unwrap_or_default().iter().any(by_level) {
            continue;
        }
        judged_by_level += 1;
        assert_eq!(finding.verdict, Verdict::Fail, "{}", finding.rule);
        assert!(
            finding
                .assumes
                .iter()
                .any(|it| it.contains("no default level")),
            "{}: {:?}",
            finding.rule,
            finding.assumes
        );
    }
    assert_eq!(judged_by_level, 12);
}

#[test]
fn a_privileged_container_has_no_profile_whatever_it_asks_for() {
    let pod = |security: &str| {
        let text = format!(
            r#"{{"metadata":{{"name":"web","namespace":"shop"}},"spec":{{"containers":[{{"name":"c","securityContext":{security}}}]}}}}"#
        );
        let inventory = few(Kind::Nodes, &[SHOP, (Kind::Pods, &text)]);
        verdicts(inventory, "namespace/shop")["seccomp-profile"].clone()
    };
    let (verdict, reason) =
        pod(r#"{"privileged":true,"seccompProfile":{"type":"RuntimeDefault"}}"#);
    assert_eq!(verdict, Verdict::Fail);
    assert!(reason.contains("is privileged"), "{reason}");
    assert_eq!(pod(r#"{"privileged":true}"#).0, Verdict::Fail);
    assert_eq!(
        pod(r#"{"seccompProfile":{"type":"RuntimeDefault"}}"#).0,
        Verdict::Pass
    );
    // It hangs on the kubelet, and the reason says so.
    let (verdict, reason) = pod("{}");
    assert_eq!(verdict, Verdict::Unknown);
    assert!(reason.contains("kubelet-seccomp-default"), "{reason}");
}

#[test]
fn resources_that_could_not_be_counted_say_so() {
    let served = "ciliumnetworkpolicies.cilium.io";
    let inventory = |uncounted: bool| {
        let mut inventory = few(Kind::Nodes, &[SHOP]);
        inventory.resources.insert(served.into());
        if uncounted {
            let trouble = Trouble {
                cause: Cause::ParseError,
                reason: "1 of 2 could not be understood".to_owned(),
            };
            inventory.counts.insert((served.into(), None), 0);
            inventory.uncounted.insert(served.into(), trouble);
        }
        inventory
    };
    for (uncounted, said) in [(false, "could not be counted"), (true, "1 of 2 could not")] {
        let found = verdicts(inventory(uncounted), "namespace/shop");
        let (verdict, reason) = &found["network-policy-namespaces"];
        assert_eq!(*verdict, Verdict::Unknown);
        assert!(reason.contains(said), "{reason}");
    }
}
