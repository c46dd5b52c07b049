use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use kubeassay_core::facts::objects::{
    Binding, Holder, HolderKind, Inventory, Kind, Name, PolicyRule, Role, Selector, documents,
};
use kubeassay_core::facts::{ClusterFacts, Source, Tool};
use kubeassay_core::report::{FailOn, Finding, GateOptions, Rules};
use kubeassay_core::rule::{Catalogue, Rule, SiteChoices};
use kubeassay_core::{Horizon, Verdict, Witness};

use super::capabilities::CAPABILITIES;
use super::{PORTION, each, rbac};
use crate::BUNDLED_RULES;
use crate::judgement::Options;

pub(super) fn options() -> Options {
    Options {
        tool: Tool {
            name: "kubeassay".to_owned(),
            version: String::new(),
            commit: None,
        },
        source: Source::Cluster,
        cluster: None,
        started: Timestamp::UNIX_EPOCH,
        kubernetes_version: None,
        gate: GateOptions::new(FailOn::NEVER),
        rules: Rules {
            count: 0,
            digest: String::new(),
            benchmark: None,
            added: Vec::new(),
            replaced: Vec::new(),
        },
        problems: Vec::new(),
        benchmark: None,
        choices: SiteChoices::default(),
    }
}

/// Returns all findings, whatever the portions.
pub(super) fn of(facts: &ClusterFacts, rules: &[&Rule], options: &Options) -> Vec<Finding> {
    let mut findings = Vec::new();
    each(facts, rules, options, &mut |portion| {
        findings.extend(portion);
    });
    findings
}

#[test]
fn many_findings_come_in_portions() {
    use std::fmt::Write as _;
    let mut objects = String::new();
    let count = PORTION / 20;
    for number in 0..count {
        writeln!(
            objects,
            "---\napiVersion: v1\nkind: Namespace\nmetadata: {{name: n{number}}}"
        )
        .unwrap();
    }
    let catalogue = Catalogue::prepared(&BUNDLED_RULES);
    let rules: Vec<&Rule> = catalogue
        .rules()
        .filter(|rule| rule.subject() == Some("namespace"))
        .collect();
    let facts = ClusterFacts {
        inventory: Some(documents(&objects).unwrap()),
        ..ClusterFacts::default()
    };
    let mut portions = Vec::new();
    // Twice the rules, so that one portion cannot hold it.
    let twice = [&rules[..], &rules[..]].concat();
    each(&facts, &twice, &options(), &mut |portion| {
        assert!(portion.is_sorted_by_key(|one| (one.rule.clone(), one.subject.key.clone())));
        portions.push(portion.len());
    });
    assert!(portions.len() > 1, "{portions:?}");
    assert!(portions.iter().all(|count| *count <= PORTION));
    assert_eq!(portions.iter().sum::<usize>(), 2 * rules.len() * count);
}

fn findings(id: &str, objects: &str) -> Vec<Finding> {
    let catalogue = Catalogue::prepared(&BUNDLED_RULES);
    let rule = catalogue.get(id).unwrap();
    let facts = ClusterFacts {
        inventory: Some(documents(objects).unwrap()),
        ..ClusterFacts::default()
    };
    of(&facts, &[rule], &options())
}

fn said(findings: &[Finding]) -> Vec<(&str, Verdict)> {
    let findings = findings.iter();
    findings
        .map(|finding| (finding.subject.key.as_str(), finding.verdict))
        .collect()
}

const READER: &str = "
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: reader}
rules: [{apiGroups: [''], resources: [secrets], verbs: [get]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: team, namespace: shop}
roleRef: {kind: ClusterRole, name: reader}
subjects: [{kind: Group, name: a}, {kind: ServiceAccount, name: robot}, {kind: ServiceAccount, name: s, namespace: kube-system}]
";

#[test]
fn there_is_one_finding_for_each_holder_that_nobody_ships_with_the_path_to_it() {
    let found = findings("rbac-read-secrets", READER);
    assert_eq!(
        said(&found),
        [
            ("holder/Group/a", Verdict::Manual),
            ("holder/ServiceAccount/shop/robot", Verdict::Manual),
        ]
    );
    let first = &found[0];
    assert!(
        first
            .reason
            .contains("RoleBinding shop/team gives ClusterRole reader, rule 1"),
        "{}",
        first.reason
    );
    assert_eq!(first.subject.object.as_deref(), Some("Group a"));
    assert_eq!(
        (first.horizon, first.witnesses[0].witness),
        (Horizon::Running, Witness::Live)
    );
    assert!(
        first
            .evidence
            .iter()
            .any(|it| it.setting.as_deref() == Some("holder.readSecrets"))
    );
}

#[test]
fn what_was_found_holds_where_a_list_was_not_read_whole_and_nothing_passes() {
    let found = findings(
        "rbac-read-secrets",
        &format!("{READER}---\ndenied: [roles]\n"),
    );
    assert_eq!(
        said(&found),
        [
            ("cluster", Verdict::Unknown),
            ("holder/Group/a", Verdict::Manual),
            ("holder/ServiceAccount/shop/robot", Verdict::Manual),
        ]
    );
    assert_eq!(
        said(&findings("rbac-wildcards", "denied: [roles]")),
        [("cluster", Verdict::Unknown)]
    );
    let none = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}";
    assert_eq!(
        said(&findings("rbac-read-secrets", none)),
        [("cluster", Verdict::Pass)]
    );
}

#[test]
fn without_an_inventory_nothing_is_said() {
    let catalogue = Catalogue::prepared(&BUNDLED_RULES);
    let rules: Vec<&Rule> = catalogue.rules().collect();
    assert!(of(&ClusterFacts::default(), &rules, &options()).is_empty());
    // A list that was never asked for is no list that was empty.
    let facts = ClusterFacts {
        inventory: Some(Inventory::default()),
        ..ClusterFacts::default()
    };
    let found = of(&facts, &rules, &options());
    assert!(!found.is_empty());
    for finding in found {
        // What only the site can say is said to be so.
        assert!(
            matches!(finding.verdict, Verdict::Unknown | Verdict::Manual),
            "{}: {} {}",
            finding.rule,
            finding.verdict,
            finding.reason
        );
        assert!(finding.verdict == Verdict::Unknown, "{}", finding.rule);
    }
}

#[test]
fn namespaces_of_the_platform_are_not_applicable_and_say_why() {
    let found = findings(
        "pod-security-privileged",
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: kube-system}\n---\napiVersion: v1\nkind: Namespace\nmetadata: {name: kube-systems}",
    );
    assert_eq!(
        said(&found),
        [
            ("namespace/kube-system", Verdict::NotApplicable),
            ("namespace/kube-systems", Verdict::Fail),
        ]
    );
    assert!(
        found[1].assumes[0].contains("no default level"),
        "{:?}",
        found[1].assumes
    );
}

/// An API server's pod, started with these arguments.
fn server(name: &str, arguments: &str) -> String {
    format!(
        "\n---\napiVersion: v1\nkind: Pod\nmetadata: {{name: {name}, namespace: kube-system, annotations: {{kubernetes.io/config.mirror: x}}}}\nspec: {{containers: [{{name: a, command: [kube-apiserver, {arguments}]}}]}}"
    )
}

/// Returns what becomes of a namespace with the label `restricted`, with the reason and what is assumed by that.
fn labelled(version: Option<&str>, servers: &str) -> (Verdict, String) {
    const NAMESPACE: &str = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {pod-security.kubernetes.io/enforce: restricted}}";
    let catalogue = Catalogue::prepared(&BUNDLED_RULES);
    let rule = catalogue.get("pod-security-privileged").unwrap();
    let facts = ClusterFacts {
        inventory: Some(documents(&format!("{NAMESPACE}{servers}")).unwrap()),
        version: version.map(str::to_owned),
        ..ClusterFacts::default()
    };
    let found = of(&facts, &[rule], &options());
    let of_shop = found.iter().find(|one| one.subject.key == "namespace/shop");
    let of_shop = of_shop.unwrap();
    let said = [std::slice::from_ref(&of_shop.reason), &of_shop.assumes].concat();
    (of_shop.verdict, said.join("\n"))
}

#[test]
fn a_label_is_enforced_as_the_api_servers_are_told() {
    const UNSEEN: &str = "a scan of the API server's node tells";
    const USUAL: &str = "every API server is started as kube-system/a is";
    const OFF: &str = "runs as it says, with the plugin PodSecurity off";
    const VARIABLES: &str = "variables in the arguments of kube-system/a may turn";
    let (pass, fail, unknown) = (Verdict::Pass, Verdict::Fail, Verdict::Unknown);
    for (version, arguments, verdict, assumed) in [
        (
            "v1.34.2",
            "--enable-admission-plugins=NodeRestriction",
            pass,
            USUAL,
        ),
        (
            "v1.34.2",
            "'--disable-admission-plugins=AlwaysAdmit,PodSecurity'",
            fail,
            OFF,
        ),
        ("v1.34.2", "--admission-control=NodeRestriction", fail, OFF),
        (
            "v1.34.2",
            "--disable-admission-plugins=$(OFF)",
            unknown,
            VARIABLES,
        ),
        ("v1.34.2", "$(MORE)", unknown, VARIABLES),
        // Beta until 1.25: its gate may be off.
        ("v1.24.17", "--feature-gates=PodSecurity=false", fail, OFF),
        ("v1.24.17", "--feature-gates=AllBeta=false", fail, OFF),
        (
            "v1.24.17",
            "'--feature-gates=AllBeta=false,PodSecurity=true'",
            pass,
            USUAL,
        ),
        // Of 1.22 it is off unless it is turned on.
        (
            "v1.22.17",
            "--enable-admission-plugins=NodeRestriction",
            fail,
            OFF,
        ),
        (
            "no version",
            "--disable-admission-plugins=PodSecurity",
            pass,
            UNSEEN,
        ),
    ] {
        let (found, assumes) = labelled(Some(version), &server("a", arguments));
        assert_eq!(found, verdict, "{version} {arguments}");
        assert!(
            assumes.contains(assumed),
            "{version} {arguments}: {assumes}"
        );
    }
    assert_eq!(labelled(Some("v1.34.2"), "").0, pass);
}

#[test]
fn of_several_api_servers_the_one_that_enforces_least_tells() {
    let usual = server("a", "--enable-admission-plugins=NodeRestriction");
    let off = server("b", "--disable-admission-plugins=PodSecurity");
    let by_file = server("c", "--admission-control-config-file=/a.yaml");
    for (servers, verdict, assumed) in [
        (
            [&usual, &by_file, &off],
            Verdict::Fail,
            "kube-system/b runs as it says",
        ),
        (
            [&usual, &usual, &by_file],
            Verdict::Unknown,
            "of kube-system/c names may set a default level",
        ),
    ] {
        let (found, assumes) = labelled(Some("v1.34.2"), &servers.map(String::as_str).concat());
        assert_eq!(found, verdict);
        assert!(assumes.contains(assumed), "{assumes}");
    }
}

#[test]
fn long_lists_are_counted_and_not_printed() {
    let pods: Vec<String> = (0..50)
        .map(|number| {
            format!(
                "apiVersion: v1\nkind: Pod\nmetadata: {{name: p{number}, namespace: shop}}\nspec: {{hostPID: true, containers: [{{name: c, image: 'i:{number}'}}]}}\n"
            )
        })
        .collect();
    let namespace = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n";
    let found = findings(
        "pod-security-host-pid",
        &format!("{namespace}---\n{}", pods.join("---\n")),
    );
    assert!(
        found[0].reason.contains("and 30 more]"),
        "{}",
        found[0].reason
    );
}

/// A small generator, so that a failure can be repeated.
struct Random(u64);

impl Random {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % most
    }

    fn some(&mut self, of: &[&str], most: usize) -> Box<[Name]> {
        let count = self.below(most) + 1;
        (0..count)
            .map(|_| Name::from(of[self.below(of.len())]))
            .collect()
    }
}

fn random(seed: u64) -> Inventory {
    let mut dice = Random(seed);
    let mut groups: Vec<&str> = CAPABILITIES.iter().map(|it| it.group).collect();
    groups.extend(["*", "other"]);
    let mut resources: Vec<&str> = CAPABILITIES
        .iter()
        .flat_map(|it| it.resources)
        .copied()
        .collect();
    resources.extend(["*", "*/proxy", "*/token", "*/*", "pods/*", "nodes"]);
    let mut verbs: Vec<&str> = CAPABILITIES
        .iter()
        .flat_map(|it| it.verbs)
        .copied()
        .collect();
    verbs.extend(["*", "escalat"]);
    let team = |value: &str| [(Name::from("team"), Name::from(value))].into();
    let mut inventory = Inventory::default();
    for kind in Kind::ALL {
        inventory.lists.insert(*kind, Ok(()));
    }
    for number in 0..8 {
        let rules = (0..dice.below(3)).map(|_| PolicyRule {
            verbs: dice.some(&verbs, 2),
            groups: dice.some(&groups, 2),
            resources: dice.some(&resources, 2),
            names: if dice.below(3) == 0 {
                dice.some(&["x", "y"], 2)
            } else {
                Box::default()
            },
            urls: Box::default(),
        });
        let rules = rules.collect();
        let namespace = (dice.below(3) == 0).then(|| Name::from(["a", "b"][dice.below(2)]));
        let aggregates = namespace.is_none() && dice.below(3) == 0;
        let chosen = Selector {
            labels: team(["1", "2"][dice.below(2)]),
            ..Selector::default()
        };
        inventory.roles.push(Role {
            namespace,
            name: format!("r{number}").into(),
            bootstrapping: false,
            labels: team(["1", "2", "3"][dice.below(3)]),
            rules,
            aggregates: if aggregates {
                Box::new([chosen])
            } else {
                Box::default()
            },
        });
    }
    for number in 0..6 {
        let namespace = (dice.below(2) == 0).then(|| Name::from(["a", "b"][dice.below(2)]));
        inventory.bindings.push(Binding {
            cluster_role: namespace.is_none() || dice.below(2) == 0,
            namespace,
            name: format!("b{number}").into(),
            bootstrapping: false,
            role: format!("r{}", dice.below(9)).into(),
            subjects: Box::new([Holder {
                kind: HolderKind::Group,
                namespace: None,
                name: ["g", "h", "i"][dice.below(3)].into(),
            }]),
        });
    }
    inventory
}

/// The rules of a role by a fixed point over all roles: what the controller ends with.
fn model_rules(inventory: &Inventory) -> Vec<BTreeSet<&PolicyRule>> {
    let all = &inventory.roles;
    let mut rules: Vec<BTreeSet<&PolicyRule>> =
        all.iter().map(|role| role.rules.iter().collect()).collect();
    for _ in all {
        for (at, role) in all.iter().enumerate() {
            for (other, source) in all.iter().enumerate() {
                let chosen = role.aggregates.iter().any(|it| {
                    let mut wanted = it.labels.iter();
                    wanted.all(|(key, value)| source.labels.get(key) == Some(value))
                });
                if chosen && source.namespace.is_none() {
                    let more = rules[other].clone();
                    rules[at].extend(more);
                }
            }
        }
    }
    rules
}

/// One request, as the authorizer sees it.
#[derive(Clone, Copy)]
struct Asked<'a> {
    verb: &'a str,
    group: &'a str,
    resource: &'a str,
    name: Option<&'a str>,
    namespace: Option<&'a str>,
}

fn model_allows(
    inventory: &Inventory,
    rules: &[BTreeSet<&PolicyRule>],
    who: &str,
    asked: Asked<'_>,
) -> bool {
    inventory.bindings.iter().any(|binding| {
        if !binding.subjects.iter().any(|it| &*it.name == who) {
            return false;
        }
        if binding.namespace.is_some() && binding.namespace.as_deref() != asked.namespace {
            return false;
        }
        inventory.roles.iter().zip(rules).any(|(role, rules)| {
            let meant = role.name == binding.role
                && match (binding.cluster_role, &role.namespace) {
                    (true, None) => true,
                    (false, Some(namespace)) => Some(namespace) == binding.namespace.as_ref(),
                    _ => false,
                };
            meant
                && rules.iter().any(|rule| {
                    let has = |list: &[Name], wanted: &str| {
                        list.iter().any(|it| &**it == "*" || &**it == wanted)
                    };
                    let sub = asked
                        .resource
                        .split_once('/')
                        .map(|(_, sub)| format!("*/{sub}"));
                    has(&rule.verbs, asked.verb)
                        && has(&rule.groups, asked.group)
                        && (has(&rule.resources, asked.resource)
                            || sub.is_some_and(|sub| rule.resources.iter().any(|it| **it == *sub)))
                        && (rule.names.is_empty()
                            || asked
                                .name
                                .is_some_and(|name| rule.names.iter().any(|it| &**it == name)))
                })
        })
    })
}

/// Returns what somebody holds by asking for every request that is watched.
fn model_holds(inventory: &Inventory, who: &str) -> BTreeSet<&'static str> {
    let rules = model_rules(inventory);
    let mut held = BTreeSet::new();
    for grant in CAPABILITIES
        .iter()
        .filter(|it| it.capability != "clusterAdmin")
    {
        let places: &[Option<&str>] = if grant.namespaced {
            &[None, Some("a"), Some("b")]
        } else {
            &[None]
        };
        for resource in grant.resources {
            for verb in grant.verbs {
                let names: &[Option<&str>] = match *verb {
                    "create" if !resource.contains('/') => &[None],
                    "deletecollection" => &[None],
                    _ => &[None, Some("x"), Some("y"), Some("z")],
                };
                for namespace in places {
                    for name in names {
                        let (group, namespace, name) = (grant.group, *namespace, *name);
                        let asked = Asked {
                            verb,
                            group,
                            resource,
                            name,
                            namespace,
                        };
                        if model_allows(inventory, &rules, who, asked) {
                            held.insert(grant.capability);
                        }
                    }
                }
            }
        }
    }
    if held.remove("approveRequests") & held.remove("approveSigners") {
        held.insert("approveCertificates");
    }
    held
}

#[test]
fn what_is_held_is_what_an_authorizer_would_allow() {
    let mut some = 0;
    for seed in 0..1_000 {
        let inventory = random(seed);
        let holders: BTreeMap<&str, BTreeSet<&str>> = rbac::holders(&inventory)
            .into_iter()
            .map(|(holder, held)| {
                let mut held: BTreeSet<&str> = held.keys().copied().collect();
                held.remove("clusterAdmin");
                (&*holder.name, held)
            })
            .collect();
        for who in ["g", "h", "i"] {
            let expected = model_holds(&inventory, who);
            let found = holders.get(who).cloned().unwrap_or_default();
            assert_eq!(
                found, expected,
                "seed {seed}, {who}: {:#?} {:#?}",
                inventory.roles, inventory.bindings
            );
            some += expected.len();
        }
    }
    // The generator would prove nothing if it granted nothing.
    assert!(some > 400, "{some}");
}
