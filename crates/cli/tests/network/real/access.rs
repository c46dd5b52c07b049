//! Who may do what, beside the real authorizer.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::Real;
use crate::objects::findings;

/// A request, and how it may be asked for.
struct Attributes {
    verbs: &'static [&'static str],
    group: &'static str,
    resource: &'static str,
    subresource: &'static str,
    namespaced: bool,
}

const fn of(
    verbs: &'static [&'static str],
    group: &'static str,
    resource: &'static str,
) -> Attributes {
    Attributes {
        verbs,
        group,
        resource,
        subresource: "",
        namespaced: false,
    }
}

const fn within(mut attributes: Attributes) -> Attributes {
    attributes.namespaced = true;
    attributes
}

const fn sub(mut attributes: Attributes, subresource: &'static str) -> Attributes {
    attributes.subresource = subresource;
    attributes
}

const RBAC: &str = "rbac.authorization.k8s.io";
const ADMISSION: &str = "admissionregistration.k8s.io";
const CERTIFICATES: &str = "certificates.k8s.io";
const AUTHENTICATION: &str = "authentication.k8s.io";
const WRITE: &[&str] = &["create", "update", "patch"];
const CHANGE: &[&str] = &["create", "update", "patch", "delete", "deletecollection"];

/// What the rules ask: a holder breaks one where any of its requests is allowed. Of approving, each group has to be.
const RULES: &[(&str, &[&[Attributes]])] = &[
    ("rbac-cluster-admin", &[&[of(&["*"], "*", "*")]]),
    (
        "rbac-read-secrets",
        &[&[within(of(&["get", "list", "watch"], "", "secrets"))]],
    ),
    (
        "rbac-create-pods",
        &[&[
            within(of(&["create"], "", "pods")),
            within(of(WRITE, "", "replicationcontrollers")),
            within(of(WRITE, "apps", "deployments")),
            within(of(WRITE, "apps", "daemonsets")),
            within(of(WRITE, "apps", "statefulsets")),
            within(of(WRITE, "apps", "replicasets")),
            within(of(WRITE, "batch", "jobs")),
            within(of(WRITE, "batch", "cronjobs")),
        ]],
    ),
    (
        "rbac-bind-escalate-impersonate",
        &[&[
            within(of(&["bind", "escalate"], RBAC, "roles")),
            within(of(&["bind"], RBAC, "clusterroles")),
            of(&["escalate"], RBAC, "clusterroles"),
            of(&["impersonate"], "", "users"),
            of(&["impersonate"], "", "groups"),
            within(of(&["impersonate"], "", "serviceaccounts")),
            of(&["impersonate"], AUTHENTICATION, "uids"),
            of(&["impersonate:user-info"], AUTHENTICATION, "users"),
            within(of(
                &["impersonate:serviceaccount"],
                AUTHENTICATION,
                "serviceaccounts",
            )),
            of(
                &["impersonate:arbitrary-node", "impersonate:associated-node"],
                AUTHENTICATION,
                "nodes",
            ),
        ]],
    ),
    (
        "rbac-create-persistent-volumes",
        &[&[of(&["create"], "", "persistentvolumes")]],
    ),
    (
        "rbac-nodes-proxy",
        &[&[sub(
            of(&["get", "create", "update", "patch", "delete"], "", "nodes"),
            "proxy",
        )]],
    ),
    (
        "rbac-approve-certificates",
        &[
            &[sub(
                of(
                    &["update", "patch"],
                    CERTIFICATES,
                    "certificatesigningrequests",
                ),
                "approval",
            )],
            &[of(&["approve"], CERTIFICATES, "signers")],
        ],
    ),
    (
        "rbac-admission-webhooks",
        &[&[
            of(CHANGE, ADMISSION, "validatingwebhookconfigurations"),
            of(CHANGE, ADMISSION, "mutatingwebhookconfigurations"),
            of(CHANGE, ADMISSION, "validatingadmissionpolicies"),
            of(CHANGE, ADMISSION, "validatingadmissionpolicybindings"),
            of(CHANGE, ADMISSION, "mutatingadmissionpolicies"),
            of(CHANGE, ADMISSION, "mutatingadmissionpolicybindings"),
        ]],
    ),
    (
        "rbac-mint-tokens",
        &[&[within(sub(of(&["create"], "", "serviceaccounts"), "token"))]],
    ),
];

/// Roles as people write them, each a list of `verbs groups resources names` with commas; `core` is the empty group.
const ODD: &[&[&str]] = &[
    &["get core secrets"],
    &["get core secrets one,two"],
    &["list,watch core secrets one"],
    &["get core secrets/status"],
    &["get apps secrets"],
    &["* core configmaps"],
    &["get * *"],
    &["GET core secrets"],
    &["get core Secrets"],
    &["create core pods"],
    &["create core pods web"],
    &["create core pods/exec"],
    &["create core pods/*"],
    &["* core */*"],
    &["* * */proxy"],
    &["* * */*"],
    &["get core nodes/*"],
    &["get core nodes/proxy node-1"],
    &["create core nodes/proxy node-1"],
    &["deletecollection core nodes/proxy"],
    &["create core serviceaccounts/token builder"],
    &["create core serviceaccounts"],
    &["create core */token"],
    &["update apps deployments"],
    &["patch apps deployments web"],
    &["create apps deployments web"],
    &["create extensions deployments"],
    &["update apps deployments/scale"],
    &["create batch jobs"],
    &["update batch cronjobs/status"],
    &["bind rbac.authorization.k8s.io clusterroles view"],
    &["escalate rbac.authorization.k8s.io clusterroles"],
    &["escalate rbac.authorization.k8s.io roles"],
    &["create rbac.authorization.k8s.io clusterroles,clusterrolebindings"],
    &["impersonate core users admin"],
    &["impersonate core userextras/scopes"],
    &["impersonate authentication.k8s.io users"],
    &["impersonate core serviceaccounts"],
    &["impersonate authentication.k8s.io uids"],
    &["impersonate authentication.k8s.io userextras/scopes"],
    &["impersonate:user-info authentication.k8s.io users"],
    &["impersonate:serviceaccount authentication.k8s.io serviceaccounts"],
    &["update certificates.k8s.io certificatesigningrequests/approval"],
    &["approve certificates.k8s.io signers kubernetes.io/*"],
    &[
        "patch certificates.k8s.io certificatesigningrequests/approval",
        "approve certificates.k8s.io signers kubernetes.io/kubelet-serving",
    ],
    &[
        "update certificates.k8s.io certificatesigningrequests/status",
        "approve certificates.k8s.io signers",
    ],
    &["* certificates.k8s.io *"],
    &["deletecollection admissionregistration.k8s.io validatingwebhookconfigurations"],
    &["deletecollection admissionregistration.k8s.io validatingwebhookconfigurations one"],
    &["delete admissionregistration.k8s.io validatingwebhookconfigurations one"],
    &["get,list,watch admissionregistration.k8s.io *"],
    &["patch admissionregistration.k8s.io mutatingadmissionpolicybindings"],
    &["create core persistentvolumes"],
    &["create core persistentvolumeclaims"],
    &["create core persistentvolumes one"],
    &["* * *"],
    &["* * * one"],
    &["*,get *,core *,pods"],
];

/// The group of whoever is known. The server of `OpenShift` lets nobody else proxy.
const EVERYBODY: &str = "system:authenticated";

fn rules(odd: &[&str]) -> Json {
    let list = |text: &str| -> Vec<String> {
        let words = text.split(',');
        words
            .map(|word| {
                if word == "core" {
                    String::new()
                } else {
                    word.to_owned()
                }
            })
            .collect()
    };
    odd.iter()
        .map(|text| {
            let words: Vec<&str> = text.split(' ').collect();
            let mut rule = json!({"verbs": list(words[0]), "apiGroups": list(words[1]), "resources": list(words[2])});
            if let Some(names) = words.get(3) {
                rule["resourceNames"] = json!(list(names));
            }
            rule
        })
        .collect()
}

/// Somebody to whom one role was given.
struct Probe {
    /// As findings name it.
    key: String,
    /// As the authorizer is asked.
    user: Json,
    /// The namespace of the binding.
    namespace: Option<&'static str>,
    /// The names that the role's rules have.
    names: Vec<String>,
    admin: bool,
}

/// Gives each of the roles of the server, and each of those that people write, to somebody of their own: in the whole cluster
/// and in one namespace; a user, a group and a service account in turns.
fn probes(real: &mut Real) -> Vec<Probe> {
    for (number, odd) in ODD.iter().enumerate() {
        real.make(
            &json!({"apiVersion": format!("{RBAC}/v1"), "kind": "ClusterRole",
            "metadata": {"name": format!("odd-{number:02}")}, "rules": rules(odd)}),
        );
    }
    let roles = real.ask("GET", &format!("/apis/{RBAC}/v1/clusterroles"), &Json::Null);
    let mut probes = Vec::new();
    for (number, role) in roles["items"].as_array().unwrap().iter().enumerate() {
        let name = role["metadata"]["name"].as_str().unwrap();
        // No controller is there to put them together of others.
        if !role["aggregationRule"].is_null() {
            continue;
        }
        let granted = role["rules"].as_array().into_iter().flatten();
        let names = granted.flat_map(|rule| rule["resourceNames"].as_array().into_iter().flatten());
        let names: Vec<String> = names
            .map(|name| name.as_str().unwrap().to_owned())
            .collect();
        for namespace in [None, Some("shop")] {
            let who = format!("probe-{number}{}", namespace.unwrap_or_default());
            let (subject, key, user) = match number % 3 {
                0 => (
                    json!({"kind": "User", "apiGroup": RBAC, "name": who}),
                    format!("holder/User/{who}"),
                    json!({"user": who, "groups": [EVERYBODY]}),
                ),
                1 => (
                    json!({"kind": "Group", "apiGroup": RBAC, "name": who}),
                    format!("holder/Group/{who}"),
                    json!({"user": "nobody", "groups": [who, EVERYBODY]}),
                ),
                _ => (
                    json!({"kind": "ServiceAccount", "namespace": "shop", "name": who}),
                    format!("holder/ServiceAccount/shop/{who}"),
                    json!({"user": format!("system:serviceaccount:shop:{who}"), "groups": [EVERYBODY]}),
                ),
            };
            let mut metadata = json!({"name": who});
            if let Some(namespace) = namespace {
                metadata["namespace"] = json!(namespace);
            }
            let kind = if namespace.is_some() {
                "RoleBinding"
            } else {
                "ClusterRoleBinding"
            };
            real.make(&json!({"apiVersion": format!("{RBAC}/v1"), "kind": kind, "metadata": metadata,
                "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": name}, "subjects": [subject]}));
            probes.push(Probe {
                key,
                user,
                namespace,
                names: names.clone(),
                admin: name == "cluster-admin",
            });
        }
    }
    probes
}

impl Real {
    /// Returns whether the real authorizer allows any of these.
    fn allows(&mut self, probe: &Probe, any: &[Attributes]) -> bool {
        any.iter().any(|attributes| {
            attributes.verbs.iter().any(|verb| {
                // A request for all objects or for everything, or that makes one, has no name; a subresource has that of its object.
                let nameless = ["*", "deletecollection"].contains(verb)
                    || (*verb == "create" && attributes.subresource.is_empty());
                let names = if nameless { &[][..] } else { &probe.names };
                let places = match probe.namespace {
                    Some(place) if attributes.namespaced => vec!["", place],
                    _ => vec![""],
                };
                places.iter().any(|place| {
                    [""].into_iter()
                        .chain(names.iter().map(String::as_str))
                        .any(|name| self.allowed(probe, attributes, verb, place, name))
                })
            })
        })
    }

    fn allowed(
        &mut self,
        probe: &Probe,
        it: &Attributes,
        verb: &str,
        place: &str,
        name: &str,
    ) -> bool {
        let mut spec = probe.user.clone();
        spec["resourceAttributes"] = json!({"verb": verb, "group": it.group, "resource": it.resource,
            "subresource": it.subresource, "namespace": place, "name": name, "version": "*"});
        let review = json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec});
        let answer = self.ask(
            "POST",
            "/apis/authorization.k8s.io/v1/subjectaccessreviews",
            &review,
        );
        answer["status"]["allowed"] == true
    }
}

/// Whoever holds a right by our judgement has it by that of the real authorizer, and nobody else.
#[test]
fn rights_are_those_of_the_real_authorizer() {
    let Some(mut real) = Real::start() else {
        return;
    };
    real.make(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}));
    let probes = probes(&mut real);
    let names: Vec<&str> = RULES.iter().map(|(rule, _)| *rule).collect();
    let done = real.scan(&names);
    let found: BTreeMap<(String, String), (String, String)> = findings(&done)
        .into_iter()
        .map(|[rule, subject, verdict, reason]| ((rule, subject), (verdict, reason)))
        .collect();
    let mut differing = Vec::new();
    let (mut held, mut count) = (0, 0);
    for probe in &probes {
        for (rule, all) in RULES {
            let real = all.iter().all(|any| real.allows(probe, any))
                // Whoever has this role in one namespace is its administrator, as the rule's page says.
                || (*rule == "rbac-cluster-admin" && probe.admin);
            let ours = found.get(&((*rule).to_owned(), probe.key.clone()));
            count += 1;
            held += usize::from(real);
            // Whoever holds nothing has no finding.
            if real != ours.is_some() {
                differing.push(format!(
                    "{rule} {}: the server says {real}, we {ours:?}",
                    probe.key
                ));
            }
        }
    }
    assert!(
        differing.is_empty(),
        "{} of {count}:\n{}",
        differing.len(),
        differing.join("\n")
    );
    assert!(held > 100 && count > 1_000, "{held} of {count}");
}
