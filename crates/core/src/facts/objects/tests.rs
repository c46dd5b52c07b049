use super::{Builder, Container, Inventory, Kind, Pod, Selector, documents};

fn pod(spec: &str) -> Pod {
    let text = format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: web, namespace: shop}}\nspec: {spec}\n"
    );
    documents(&text).unwrap().pods[0].pod.clone()
}

fn container(fields: &str) -> Container {
    pod(&format!(
        "{{containers: [{{name: app, image: 'x:1', {fields}}}]}}"
    ))
    .containers[0]
        .clone()
}

fn names(names: &[super::Name]) -> Vec<&str> {
    names.iter().map(AsRef::as_ref).collect()
}

#[test]
fn pods_of_one_owner_that_are_alike_are_one_record() {
    let pod = |name: &str, image: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata:\n  name: {name}\n  namespace: shop\n  labels: {{pod-template-hash: 5d4f8}}\n  ownerReferences: [{{kind: ReplicaSet, name: web-5d4f8, controller: true}}]\nspec:\n  containers: [{{name: app, image: {image}}}]\n  volumes: [{{name: kube-api-access-{name}, projected: {{sources: [{{serviceAccountToken: {{path: token}}}}]}}}}]\n"
        )
    };
    let text = [
        pod("web-5d4f8-a", "x:1"),
        pod("web-5d4f8-b", "x:1"),
        pod("web-5d4f8-c", "x:2"),
    ];
    let inventory = documents(&text.join("---\n")).unwrap();
    let [alike, other] = inventory.pods.as_slice() else {
        panic!("{:?}", inventory.pods)
    };
    assert_eq!((alike.copies, other.copies), (2, 1));
    assert_eq!(alike.examples.len(), 2);
    let owner = alike.pod.owner.as_ref().unwrap();
    assert_eq!((&*owner.kind, &*owner.name), ("Deployment", "web"));
    assert!(alike.pod.token_volume);
    assert!(inventory.whole(Kind::Pods).is_ok());
}

#[test]
fn a_pod_is_reduced_to_what_rules_read() {
    let silent =
        pod("{containers: [{name: app, image: 'x:1', securityContext: {}}], securityContext: {}}");
    assert_eq!(&*silent.service_account, "default");
    assert!(!silent.security.given && !silent.containers[0].security_given);
    assert_eq!(silent.containers[0].allow_privilege_escalation, None);
    assert!(!silent.token_volume && silent.host_paths.is_empty());

    let given = pod(
        "{hostPID: true, hostIPC: true, hostNetwork: true, serviceAccountName: robot, os: {name: windows}, securityContext: {runAsUser: 0, windowsOptions: {hostProcess: true}}, containers: [], volumes: [{name: a, hostPath: {path: /b}}, {name: b, hostPath: {path: /a}}, {name: c, nfs: {server: s, path: /}}, {name: d, emptyDir: {}}, {name: e, secret: {secretName: s}}]}",
    );
    assert!(given.host_pid && given.host_ipc && given.host_network && given.windows);
    assert_eq!(&*given.service_account, "robot");
    assert_eq!(names(&given.host_paths), ["/a", "/b"]);
    assert_eq!(names(&given.other_volumes), ["nfs"]);
    assert_eq!(given.security.host_process, Some(true));

    // A token for somebody else than the API server opens nothing there.
    let other = pod(
        "{containers: [], volumes: [{name: t, projected: {sources: [{serviceAccountToken: {path: t, audience: vault}}]}}]}",
    );
    assert!(!other.token_volume);
}

#[test]
fn a_container_is_reduced_to_what_rules_read() {
    let caps =
        container("securityContext: {capabilities: {add: [cap_net_admin], drop: [ALL, ALL]}}");
    assert_eq!(names(&caps.add), ["NET_ADMIN"]);
    assert_eq!(names(&caps.drop), ["ALL"]);
    let ports = container(
        "ports: [{hostPort: 80}, {hostPort: 0}, {containerPort: 1}, {hostPort: 80}, {hostPort: 70000}]",
    );
    assert_eq!(&*ports.host_ports, [80]);
    let secrets = container(
        "env: [{name: A, value: secret}, {name: B, valueFrom: {secretKeyRef: {name: s, key: k}}}, {name: C, valueFrom: {fieldRef: {fieldPath: x}}}], envFrom: [{secretRef: {name: t}}, {configMapRef: {name: u}}]",
    );
    assert_eq!(names(&secrets.secret_environment), ["s/k", "t"]);
    // Nothing of what a variable holds is kept.
    assert!(!format!("{secrets:?}").contains("secret\""));
}

#[test]
fn a_page_is_read_as_the_api_writes_it() {
    let mut builder = Builder::new();
    let page = builder
        .page(
            Kind::ClusterRoleBindings,
            br#"{"kind":"ClusterRoleBindingList","metadata":{"continue":"abc"},"items":[{"metadata":{"name":"b","labels":null},"roleRef":{"kind":"ClusterRole","name":"r"},"subjects":null}]}"#,
        )
        .unwrap();
    assert_eq!((page.items, page.next.as_deref()), (1, Some("abc")));
    let last = builder
        .page(Kind::Pods, br#"{"metadata":{"continue":""},"items":null}"#)
        .unwrap();
    assert_eq!((last.items, last.next), (0, None));
    for (kind, text) in [
        (Kind::Pods, &b"{\"items\": 3}"[..]),
        (Kind::Pods, b"{\"kind\": \"Status\", \"items\": []}"),
        (Kind::Pods, b"not JSON"),
        (Kind::InDefault, b"{\"items\": []}"),
    ] {
        assert!(builder.page(kind, text).is_err());
    }
    let inventory = builder.finish();
    assert_eq!(inventory.bindings.len(), 1);
    assert!(inventory.pods.is_empty());
    // Nobody said that the list was read whole.
    let trouble = inventory.whole(Kind::Pods).unwrap_err();
    assert_eq!(trouble.reason, "pods were not asked for");
}

#[test]
fn bindings_are_told_apart_as_the_authorizer_does() {
    let inventory = documents(
        "
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: b, namespace: shop}
roleRef: {kind: Role, name: r}
subjects: [{kind: ServiceAccount, name: robot}, {kind: User, name: anna, namespace: x}, {kind: Other, name: o}]
",
    )
    .unwrap();
    let binding = &inventory.bindings[0];
    assert!(!binding.cluster_role);
    let subjects: Vec<_> = binding
        .subjects
        .iter()
        .map(|it| (it.kind.as_str(), it.namespace.as_deref(), &*it.name))
        .collect();
    assert_eq!(
        subjects,
        [
            ("ServiceAccount", Some("shop"), "robot"),
            ("User", None, "anna")
        ]
    );
}

#[test]
fn selectors_match_as_those_of_the_api() {
    let selector = |text: &str| -> Selector {
        let text = format!(
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {{name: r}}\naggregationRule: {{clusterRoleSelectors: [{text}]}}\n"
        );
        documents(&text).unwrap().roles[0].aggregates[0].clone()
    };
    let labels = [("a".into(), "1".into())].into();
    for (text, matches) in [
        ("{}", true),
        ("{matchLabels: {a: '1'}}", true),
        ("{matchLabels: {a: '2'}}", false),
        ("{matchLabels: {b: '1'}}", false),
        (
            "{matchExpressions: [{key: a, operator: In, values: ['1', '2']}]}",
            true,
        ),
        (
            "{matchExpressions: [{key: a, operator: NotIn, values: ['1']}]}",
            false,
        ),
        (
            "{matchExpressions: [{key: b, operator: NotIn, values: ['1']}]}",
            true,
        ),
        ("{matchExpressions: [{key: a, operator: Exists}]}", true),
        (
            "{matchExpressions: [{key: a, operator: DoesNotExist}]}",
            false,
        ),
        ("{matchExpressions: [{key: a, operator: Near}]}", false),
        (
            "{matchLabels: {a: '1'}, matchExpressions: [{key: b, operator: Exists}]}",
            false,
        ),
    ] {
        assert_eq!(selector(text).matches(&labels), matches, "{text}");
    }
}

#[test]
fn network_policies_are_filled_in_as_the_api_server_does() {
    for (spec, expected) in [
        ("{podSelector: {}}", (true, true, false, true, false)),
        (
            "{podSelector: {}, egress: [{}]}",
            (true, true, true, true, false),
        ),
        (
            "{podSelector: {matchLabels: {a: b}}, ingress: [{}]}",
            (false, true, false, false, false),
        ),
        (
            "{podSelector: {}, policyTypes: [Egress]}",
            (true, false, true, false, true),
        ),
    ] {
        let text = format!(
            "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: p, namespace: shop}}\nspec: {spec}\n"
        );
        let inventory: Inventory = documents(&text).unwrap();
        let it = &inventory.network_policies[0];
        assert_eq!(
            (
                it.all_pods,
                it.ingress,
                it.egress,
                it.denies_ingress,
                it.denies_egress
            ),
            expected,
            "{spec}"
        );
    }
}

#[test]
fn a_request_that_cannot_be_understood_says_so() {
    for request in [
        "",
        "AAAA",
        "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0K",
    ] {
        let text = format!(
            "apiVersion: certificates.k8s.io/v1\nkind: CertificateSigningRequest\nmetadata: {{name: c}}\nspec: {{request: '{request}', signerName: s, username: u}}\nstatus: {{conditions: [{{type: Approved}}, {{type: Denied}}]}}\n"
        );
        let inventory = documents(&text).unwrap();
        let found = &inventory.signing_requests[0];
        assert!(found.unreadable && !found.approved && found.common_name.is_none());
    }
}

#[test]
fn what_is_no_object_is_refused() {
    for text in [
        "a: b",
        "kind: Pod",
        "apiVersion: v1\nkind: Pod\nmetadata: {}",
        "[",
        "denied: [podz]",
    ] {
        assert!(documents(text).is_err(), "{text}");
    }
}

#[test]
fn the_namespace_default_is_bounded() {
    let mut builder = Builder::new();
    for number in 0..super::MAX_IN_DEFAULT + 3 {
        builder.in_default("ConfigMap", &format!("c{number}"));
    }
    builder.in_default("ConfigMap", "c1");
    let inventory = builder.finish();
    assert_eq!(inventory.in_default.len(), super::MAX_IN_DEFAULT);
    assert_eq!(inventory.in_default_more, 3);
}
