use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::lists::{MAX_BYTES, MAX_ITEM, MAX_OBJECTS};
use super::{Builder, DecodeError, Kind, wire};
use crate::facts::objects::{COUNTED, IN_DEFAULT, Inventory, LISTS};
use crate::verdict::Cause;

fn list(items: &[&str]) -> String {
    format!(r#"{{"metadata":{{}},"items":[{}]}}"#, items.join(","))
}

fn read(kind: Kind, text: &str) -> (Builder, Result<super::Page, DecodeError>) {
    let mut builder = Builder::new();
    let page = builder.page(kind, text.as_bytes());
    (builder, page)
}

#[test]
fn a_page_says_what_follows() {
    let (_, page) = read(
        Kind::Pods,
        r#"{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"7","continue":"abc","remainingItemCount":1500},"items":[]}"#,
    );
    let page = page.unwrap();
    assert_eq!(
        (page.next.as_deref(), page.remaining),
        (Some("abc"), Some(1500))
    );
    for text in [
        r#"{"items":null}"#,
        r#"{"items":[],"metadata":null}"#,
        r#" {"kind":null,"items":[],"metadata":{"continue":"","remainingItemCount":null,"selfLink":""}}"#,
        r#"{"items":[],"metadata":{"remainingItemCount":-1},"columnDefinitions":[{}]}"#,
    ] {
        let (_, page) = read(Kind::Pods, text);
        assert_eq!(page, Ok(super::Page::default()), "{text}");
    }
    let metadata = r#"{"kind":"PartialObjectMetadataList","items":[{"metadata":{"name":"shop"}}]}"#;
    assert_eq!(read(Kind::Namespaces, metadata).1.unwrap().items, 1);
    assert!(read(Kind::Pods, metadata).1.is_err());
}

#[test]
fn what_is_no_page_of_the_list_adds_nothing() {
    let long = format!(
        r#"{{"items":[{{}}],"metadata":{{"continue":"{}"}}}}"#,
        "x".repeat(20_000)
    );
    let pod = r#"{"metadata":{"name":"a","namespace":"b"}}"#;
    for (text, said) in [
        ("{}", "missing field `items`"),
        (r#"{"kind":"Status","code":403}"#, "missing field `items`"),
        (r#"{"kind":"Status","items":[]}"#, "kind Status"),
        (r#"{"kind":"Table","items":[]}"#, "kind Table"),
        (
            r#"{"kind":"SecretList","items":[{"metadata":{"name":"s"}}]}"#,
            "kind SecretList",
        ),
        (r#"{"items":{}}"#, "are no list"),
        (r#"{"items":"hunter2"}"#, "are no list"),
        (r#"["PodList",{},[]]"#, "no JSON object"),
        ("", "no JSON object"),
        ("<html>", "no JSON object"),
        (&format!(r#"{{"items":[{pod},{pod}"#), "EOF"),
        (&format!(r#"{{"items":[{pod}]}}}}"#), "trailing"),
        (
            &format!(r#"{{"items":[{pod}],"items":[{pod}]}}"#),
            "duplicate field `items`",
        ),
        (&format!(r#"{{"items":[{pod}],"metadata":[]}}"#), "invalid"),
        (
            &format!(r#"{{"items":[{pod}],"metadata":{{"continue":7}}}}"#),
            "expected a string",
        ),
        (&long, "`continue` is longer"),
    ] {
        let (builder, page) = read(Kind::Pods, text);
        let error = page.unwrap_err();
        assert_eq!(error.0.cause, Cause::ParseError, "{text}");
        assert!(error.to_string().contains(said), "{text}: {error}");
        assert!(!error.to_string().contains("hunter2"));
        assert!(builder.finish().pods.is_empty(), "{text}");
    }
    assert!(
        Builder::new()
            .page(Kind::Pods, b"{\"items\":[\"\xff\"]}")
            .is_err()
    );
}

#[test]
fn an_item_that_is_not_understood_loses_itself_alone() {
    let deep = format!(
        r#"{{"metadata":{{"name":"bad","namespace":"shop"}},"spec":{{"volumes":{}{}}}}}"#,
        "[".repeat(5_000),
        "]".repeat(5_000)
    );
    let many = format!(
        r#"{{"metadata":{{"name":"bad","namespace":"shop"}},"spec":{{"containers":[{}{{}}]}}}}"#,
        "{},".repeat(wire::MAX_ENTRIES)
    );
    let long = format!(
        r#"{{"metadata":{{"name":"bad","namespace":"shop"}},"status":"{}"}}"#,
        "x".repeat(MAX_ITEM)
    );
    let with = |rest: &str| format!(r#"{{"metadata":{{"name":"bad","namespace":"shop"}},{rest}}}"#);
    for (bad, said) in [
        ("null", "item 2: "),
        ("7", "item 2: invalid type: integer, expected an object"),
        (
            r#""hunter2""#,
            "item 2: invalid type: string, expected an object",
        ),
        ("[]", "item 2: invalid type: sequence, expected an object"),
        ("{}", "item 2: it has no name"),
        (r#"{"metadata":null}"#, "item 2: it has no name"),
        (
            r#"{"metadata":{"name":"","namespace":"shop"}}"#,
            "item 2: it has no name",
        ),
        (r#"{"metadata":{"name":"bad"}}"#, "bad: it has no namespace"),
        (r#"{"metadata":["bad","shop"]}"#, "expected an object"),
        (
            &with(r#""spec":["hunter2"]"#),
            "shop/bad: invalid type: sequence, expected an object",
        ),
        (
            &with(r#""spec":{"hostPID":"hunter2, expected \"b`c"}"#),
            "shop/bad: invalid type: string, expected a boolean",
        ),
        (
            &with(r#""spec":{"containers":{"name":"a"}}"#),
            "expected a list",
        ),
        (
            &with(r#""spec":{"containers":[{"env":"hunter2"}]}"#),
            "invalid type: string, expected a list",
        ),
        (
            &with(r#""spec":{"containers":[null]}"#),
            "expected an object",
        ),
        (
            &with(r#""spec":{"securityContext":{"runAsUser":1.5}}"#),
            "invalid type: floating point, expected i64",
        ),
        (
            &with(r#""spec":{"securityContext":{"runAsUser":99999999999999999999}}"#),
            "expected i64",
        ),
        (
            &with(r#""spec":{"hostPID":true,"hostPID":false}"#),
            "duplicate field `hostPID`",
        ),
        (
            &with(r#""spec":{"volumes":[{"hostPath":[]}]}"#),
            "shop/bad: ",
        ),
        (&deep, "shop/bad: "),
        (&many, "a list in it has more than"),
        (&long, "shop/bad: it is longer than"),
    ] {
        let good = |name: &str| format!(r#"{{"metadata":{{"name":"{name}","namespace":"shop"}}}}"#);
        let text = list(&[&good("a"), bad, &good("b")]);
        let (mut builder, page) = read(Kind::Pods, &text);
        let page = page.unwrap();
        assert_eq!((page.items, page.faults), (3, 1), "{said}");
        let trouble = builder.faults(Kind::Pods).unwrap();
        assert_eq!(trouble.cause, Cause::ParseError);
        let reason = &trouble.reason;
        assert!(
            reason.starts_with("1 of 3 pods could not be understood: "),
            "{reason}"
        );
        assert!(reason.contains(said), "{said}: {reason}");
        assert!(!reason.contains("hunter2"), "{reason}");
        assert!(reason.len() < 400, "{reason}");
        // Whatever the caller says, the list was not read whole.
        builder.listed(Kind::Pods, Ok(()));
        let inventory = builder.finish();
        assert_eq!(inventory.whole(Kind::Pods), Err(trouble));
        assert_eq!(inventory.pods[0].copies, 2);
    }
}

#[test]
fn of_many_faults_the_first_are_named() {
    let mut builder = Builder::new();
    for number in 0..10 {
        let bad = format!(r#"{{"metadata":{{"name":"r{number}\n"}},"rules":7}}"#);
        builder
            .page(Kind::ClusterRoles, list(&[&bad]).as_bytes())
            .unwrap();
    }
    let said = "invalid type: integer, expected a list";
    let reason = builder.faults(Kind::ClusterRoles).unwrap().reason;
    assert!(
        reason.starts_with(&format!(
            "10 of 10 clusterroles could not be understood: r0: {said}"
        )),
        "{reason}"
    );
    assert!(
        reason.contains("; r2: ") && !reason.contains("r3"),
        "{reason}"
    );
    assert!(reason.ends_with("; and 7 more"), "{reason}");
    assert!(builder.faults(Kind::Roles).is_none());
}

#[test]
fn what_is_not_read_may_be_anything() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let item = format!(
        r#"{{"metadata":{{"name":"a","namespace":"b","managedFields":{deep}}},"status":{deep},"spec":{{"tolerations":7}}}}"#
    );
    let (builder, page) = read(Kind::Pods, &list(&[&item]));
    assert_eq!(page.unwrap().faults, 0);
    assert_eq!(builder.finish().pods.len(), 1);
}

#[test]
fn pages_of_nothing_take_nothing() {
    let text = format!(r#"{{"items":[{}{{}}]}}"#, "{},".repeat(MAX_OBJECTS));
    let (builder, page) = read(Kind::Roles, &text);
    let error = page.unwrap_err();
    assert_eq!(error.0.cause, Cause::TooLarge, "{error}");
    assert_eq!(
        (builder.names.bytes(), builder.shared, builder.records),
        (0, 0, 0)
    );
    let reason = builder.faults(Kind::Roles).unwrap().reason;
    assert!(
        reason.len() < 300 && reason.starts_with(&format!("{MAX_OBJECTS} of ")),
        "{reason}"
    );
}

#[test]
fn there_is_an_end_to_what_is_kept() {
    for kind in [Kind::Roles, Kind::Pods, Kind::Jobs] {
        let mut builder = Builder::new();
        builder.records = MAX_BYTES - 2_000;
        let items: Vec<String> = (0..100)
            .map(|number| {
                format!(r#"{{"metadata":{{"name":"n{number}","namespace":"s{number}"}}}}"#)
            })
            .collect();
        let items: Vec<&str> = items.iter().map(String::as_str).collect();
        let error = builder.page(kind, list(&items).as_bytes()).unwrap_err();
        assert_eq!(error.0.cause, Cause::TooLarge);
        assert!(error.to_string().contains("160 MiB"), "{error}");
        let inventory = builder.finish();
        let kept = inventory.roles.len() + inventory.pods.len() + inventory.templates.len();
        assert!((1..30).contains(&kept), "{kind}: {kept}");
    }
}

/// One object of each list, as the API writes it, and one more of the same.
fn samples(kind: Kind) -> Vec<String> {
    let rest = match kind {
        Kind::Pods => r#""spec":{"containers":[{"name":"c","image":"i"}]}"#,
        Kind::ValidatingWebhooks | Kind::MutatingWebhooks => r#""webhooks":[{"name":"w"}]"#,
        _ => r#""spec":{}"#,
    };
    ["one", "two"]
        .map(|name| {
            format!(
                r#"{{"metadata":{{"name":"{name}","namespace":"shop","labels":{{"a":"{kind}"}}}},{rest}}}"#
            )
        })
        .into()
}

fn all(but: Option<Kind>) -> Builder {
    let mut builder = Builder::new();
    for listing in LISTS {
        if Some(listing.kind) != but {
            add(&mut builder, listing.kind);
        }
    }
    builder
}

fn add(builder: &mut Builder, kind: Kind) {
    let items = samples(kind);
    let good: Vec<&str> = items.iter().map(String::as_str).collect();
    builder.page(kind, list(&good).as_bytes()).unwrap();
    builder.page(kind, list(&["7"]).as_bytes()).unwrap();
}

fn finished(mut builder: Builder) -> Inventory {
    for kind in Kind::ALL {
        builder.listed(*kind, Ok(()));
    }
    builder.finish()
}

#[test]
fn a_list_that_begins_again_leaves_nothing_of_what_was_read() {
    let whole = finished(all(None));
    for listing in LISTS {
        let kind = listing.kind;
        let mut builder = all(None);
        let records = builder.records;
        builder.forget(kind);
        assert!(builder.faults(kind).is_none());
        let without = all(Some(kind));
        assert_eq!(builder.records, without.records, "{kind}");
        let without = finished(without);
        assert_ne!(without, whole, "{kind}");
        let mut again = all(None);
        again.forget(kind);
        assert_eq!(finished(again), without, "{kind}");
        add(&mut builder, kind);
        assert_eq!(builder.records, records, "{kind}");
        assert_eq!(finished(builder), whole, "{kind}");
    }
}

#[test]
fn objects_that_are_only_counted_are_counted_by_namespace() {
    let resource = "ciliumnetworkpolicies.cilium.io";
    let mut builder = Builder::new();
    let nothing = builder.counted(resource, br#"{"items":[]}"#).unwrap();
    assert_eq!((nothing.items, nothing.faults), (0, 0));
    let text = r#"{"kind":"PartialObjectMetadataList","metadata":{"continue":"c"},"items":[{"metadata":{"name":"a","namespace":"shop"}},{"metadata":{"name":"b","namespace":"shop"}},{"metadata":{"name":"c"}}]}"#;
    let page = builder.counted(resource, text.as_bytes()).unwrap();
    assert_eq!((page.items, page.next.as_deref()), (3, Some("c")));
    builder.counted("others.x", br#"{"items":[7]}"#).unwrap();
    builder.forget_counted("others.x");
    let counts = |builder: Builder| -> Vec<(Option<String>, u32)> {
        let counts = builder.finish().counts.into_iter();
        counts
            .map(|((_, place), count)| (place.map(|it| it.to_string()), count))
            .collect()
    };
    assert!(builder.inventory.uncounted.is_empty());
    let bad = builder.counted(resource, br#"{"items":[{}]}"#).unwrap();
    assert_eq!(bad.faults, 1);
    let why = &builder.inventory.uncounted[resource];
    assert!(
        why.reason
            .starts_with("1 of 4 ciliumnetworkpolicies.cilium.io"),
        "{why:?}"
    );
    assert_eq!(counts(builder), [(None, 1), (Some("shop".to_owned()), 2)]);
}

#[test]
fn objects_in_the_namespace_default_come_kind_by_kind() {
    let item = |name: &str| format!(r#"{{"metadata":{{"name":"{name}","namespace":"default"}}}}"#);
    let many: Vec<String> = (0..600).map(|number| item(&format!("c{number}"))).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let mut builder = Builder::new();
    builder
        .default_page("ConfigMap", list(&many).as_bytes())
        .unwrap();
    builder
        .default_page("Service", list(&[&item("a"), "{}"]).as_bytes())
        .unwrap();
    let trouble = builder.faults(Kind::InDefault).unwrap();
    assert!(
        trouble
            .reason
            .starts_with("1 of 602 objects in the namespace default"),
        "{trouble:?}"
    );
    // What begins again is not counted twice.
    builder.forget_default("ConfigMap");
    builder.forget_default("Service");
    assert!(builder.faults(Kind::InDefault).is_none());
    builder
        .default_page("ConfigMap", list(&many).as_bytes())
        .unwrap();
    let inventory = builder.finish();
    assert_eq!(
        (inventory.in_default.len(), inventory.in_default_more),
        (500, 100)
    );
}

#[test]
fn nothing_is_asked_for_that_could_be_a_secret_and_every_list_is() {
    let kinds: BTreeSet<Kind> = LISTS.iter().map(|listing| listing.kind).collect();
    let mut expected: BTreeSet<Kind> = Kind::ALL.iter().copied().collect();
    expected.remove(&Kind::Resources);
    expected.remove(&Kind::InDefault);
    assert_eq!((kinds, LISTS.len()), (expected, 20));
    for listing in LISTS {
        let root = match listing.group {
            "" => "/api/v1/".to_owned(),
            group => format!("/apis/{group}/v1/"),
        };
        assert_eq!(listing.path, format!("{root}{}", listing.resource));
        assert_eq!(listing.resource, listing.kind.as_str());
    }
    let lists = LISTS.iter().map(|it| (it.group, it.resource));
    let default = IN_DEFAULT.iter().map(|it| (it.group, it.resource));
    let counted = COUNTED.iter().map(|it| (it.group, it.resource));
    let mut seen = BTreeSet::new();
    for (group, resource) in lists.clone().chain(default).chain(counted.clone()) {
        seen.insert((group, resource));
        let core = ["secrets", "events"].contains(&resource);
        assert!(!core, "{resource}.{group}");
    }
    assert_eq!(
        counted.clone().collect::<BTreeSet<_>>().len(),
        COUNTED.len()
    );
    for one in COUNTED {
        assert!(one.is(&one.name()) && !one.is(one.resource) && !one.versions.is_empty());
    }
    let first = IN_DEFAULT.first().unwrap();
    assert_eq!(first.path("v1"), "/api/v1/namespaces/default/configmaps");
    let last = IN_DEFAULT.last().unwrap();
    assert_eq!(
        last.path("v1"),
        "/apis/resource.k8s.io/v1/namespaces/default/resourceclaimtemplates"
    );
}

/// What must not be kept, whatever carries it.
const CANARY: &str = "canary4711";

/// An object of every list in which it stands wherever a site may write a secret.
fn telling() -> String {
    let container = format!(
        r#"{{"name":"c","image":"i","command":["{CANARY}"],"args":["--token={CANARY}"],"env":[{{"name":"TOKEN","value":"{CANARY}"}},{{"name":"K","valueFrom":{{"configMapKeyRef":{{"name":"{CANARY}","key":"{CANARY}"}}}}}}],"lifecycle":{{"x":"{CANARY}"}},"livenessProbe":{{"httpGet":{{"httpHeaders":[{{"name":"Authorization","value":"{CANARY}"}}]}}}}}}"#
    );
    let spec = format!(
        r#"{{"containers":[{container}],"initContainers":[{container}],"volumes":[{{"name":"{CANARY}","csi":{{"driver":"d","volumeAttributes":{{"password":"{CANARY}"}}}}}},{{"name":"r","rbd":{{"keyring":"{CANARY}","user":"{CANARY}"}}}},{{"name":"s","secret":{{"secretName":"{CANARY}"}}}}],"imagePullSecrets":[{{"name":"{CANARY}"}}]}}"#
    );
    let mut annotations = String::new();
    for key in [
        "kubectl.kubernetes.io/last-applied-configuration",
        "x",
        "kubernetes.io/config.mirror",
    ] {
        write!(annotations, r#""{key}":"{{\"data\":\"{CANARY}\"}}","#).unwrap();
    }
    format!(
        r#"{{"metadata":{{"name":"a","namespace":"b","annotations":{{{}}},"managedFields":[{{"manager":"{CANARY}"}}],"finalizers":["{CANARY}"]}},"spec":{{"containers":[{container}],"volumes":[{{"name":"v","azureFile":{{"secretName":"{CANARY}"}}}}],"template":{{"metadata":{{"annotations":{{"t":"{CANARY}"}}}},"spec":{spec}}},"jobTemplate":{{"spec":{{"template":{{"spec":{spec}}}}}}},"variables":[{{"expression":"{CANARY}"}}]}},"webhooks":[{{"name":"w","clientConfig":{{"caBundle":"{CANARY}","url":"https://u:{CANARY}@h/"}}}}],"secrets":[{{"name":"{CANARY}"}}],"imagePullSecrets":[{{"name":"{CANARY}"}}],"status":{{"certificate":"{CANARY}","conditions":[{{"type":"Ready","message":"{CANARY}"}}]}},"data":{{"k":"{CANARY}"}}}}"#,
        annotations.trim_end_matches(',')
    )
}

#[test]
fn no_value_that_may_be_a_secret_is_kept() {
    let item = telling();
    for listing in LISTS {
        for item in [
            item.clone(),
            item.replace(r#""spec":"#, r#""spec":7,"other":"#),
            item.replacen(
                r#""containers":"#,
                r#""hostPID":"canary4711","containers":"#,
                1,
            ),
        ] {
            let mut builder = Builder::new();
            builder
                .page(listing.kind, list(&[&item]).as_bytes())
                .unwrap();
            let kept = format!("{builder:?}{:?}", builder.faults(listing.kind));
            assert!(
                kept.len() > 100 && !kept.contains(CANARY),
                "{}: {kept}",
                listing.kind
            );
        }
    }
    let mut builder = Builder::new();
    builder
        .counted("sealedsecrets.bitnami.com", list(&[&item]).as_bytes())
        .unwrap();
    builder
        .default_page("ConfigMap", list(&[&item]).as_bytes())
        .unwrap();
    assert!(!format!("{builder:?}").contains(CANARY));
}

#[test]
fn a_hundred_thousand_pods_fit() {
    const EACH: usize = 2_000;
    let pod = |owner: usize, number: usize, image: usize| {
        format!(
            r#"{{"metadata":{{"name":"web-{owner}-5d4f8-{number:05}","namespace":"team-{}","labels":{{"pod-template-hash":"5d4f8"}},"ownerReferences":[{{"kind":"ReplicaSet","name":"web-{owner}-5d4f8","controller":true}}]}},"spec":{{"serviceAccountName":"robot","nodeName":"node-{number}","initContainers":[{{"name":"init","image":"registry.example/team/init:1.2.3"}}],"containers":[{{"name":"app","image":"registry.example/team/app:1.{image}","securityContext":{{"capabilities":{{"drop":["ALL"]}}}},"env":[{{"name":"A","valueFrom":{{"secretKeyRef":{{"name":"s","key":"k"}}}}}}]}},{{"name":"proxy","image":"registry.example/proxy@sha256:0123456789abcdef"}}],"volumes":[{{"name":"h","hostPath":{{"path":"/var/log"}}}}]}}}}"#,
            owner % 50
        )
    };
    // How many pods are one's, and how many owners have the same image: Deployments, Jobs, and the worst.
    for (alike, same, most) in [(50, 1, 3 << 20), (1, 50, 45 << 20), (1, 1, 100 << 20)] {
        let mut builder = Builder::new();
        for start in (0..EACH).step_by(500) {
            let pods: Vec<String> = (start..start + 500)
                .map(|number| pod(number / alike, number, number / alike / same))
                .collect();
            let pods: Vec<&str> = pods.iter().map(String::as_str).collect();
            builder.page(Kind::Pods, list(&pods).as_bytes()).unwrap();
        }
        // Names of pods and nodes are not kept but for the examples, so that it grows with the owners alone.
        let held = builder.names.bytes() + builder.shared + builder.records;
        let of_all = held * (100_000 / EACH);
        assert!(
            (1 << 18..most).contains(&of_all),
            "{alike} {same}: {of_all}"
        );
        let inventory = builder.finish();
        assert_eq!(inventory.pods.len(), EACH / alike);
    }
}
