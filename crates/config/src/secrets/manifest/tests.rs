use kubeassay_core::Bytes;

use crate::manifests;
use crate::secrets::{WITHHELD, redact_arguments, redact_content, redacted};
use crate::tree::{self, Node, Tree};

/// Looks like a key for aescbc.
const KEY: &str = "c2VjcmV0IGlzIHNlY3VyZSwgaXMgaXQ/Cg==";

/// Redacts a text; lines stay, and doing it again changes nothing.
fn shown(text: &str) -> String {
    let shown = String::from_utf8(redact_content(text.as_bytes().to_vec())).unwrap();
    assert_ne!(shown.as_bytes(), WITHHELD, "{text}");
    assert_eq!(text.lines().count(), shown.lines().count(), "{shown}");
    assert_eq!(
        String::from_utf8(redact_content(shown.clone().into_bytes())).unwrap(),
        shown
    );
    shown
}

fn find<'n>(node: &'n Node, key: &str, found: &mut Vec<&'n Node>) {
    match &node.tree {
        Tree::Map(entries) => entries.iter().for_each(|entry| {
            if entry.key == key {
                found.push(&entry.value);
            }
            find(&entry.value, key, found);
        }),
        Tree::List(nodes) => nodes.iter().for_each(|node| find(node, key, found)),
        _ => {}
    }
}

#[test]
fn no_key_of_what_is_stored_stays() {
    let block = format!(
        "kind: EncryptionConfiguration\napiVersion: apiserver.config.k8s.io/v1\nresources:\n- resources: [secrets] # old {KEY}\n  providers:\n  - aescbc:\n      keys:\n      - name: key1\n        secret: {KEY}\n      # - {KEY}\n  - aesgcm: {{keys: [{{name: key2, secret: \"{KEY}\"}}]}}\n  - secretbox:\n      keys:\n      - name: key3\n        secret: >-\n          {KEY}\n  - kms:\n      name: k\n      endpoint: unix:///run/kms.sock\n  - identity: {{}}\n"
    );
    let json = format!(
        r#"{{"kind":"EncryptionConfiguration","resources":[{{"resources":["secrets"],"providers":[{{"secretbox":{{"keys":[{{"name":"a","Secret":"{KEY}"}}]}}}},{{"kms":{{"endpoint":"unix:///run/kms.sock"}}}},{{"identity":{{}}}}]}}]}}"#
    );
    for (text, order) in [
        (
            &block,
            &["aescbc", "aesgcm", "secretbox", "kms", "identity"][..],
        ),
        (&json, &["secretbox", "kms", "identity"]),
        (
            &format!("{block}---\nkind: EncryptionConfiguration\nx: {KEY}\n"),
            &["aescbc", "aesgcm", "secretbox", "kms", "identity"],
        ),
    ] {
        let shown = String::from_utf8(redact_content(text.clone().into_bytes())).unwrap();
        assert_eq!(redact_content(shown.clone().into_bytes()), shown.as_bytes());
        assert!(!shown.contains(KEY), "{shown}");
        assert!(shown.contains("unix:///run/kms.sock"), "{shown}");
        let root = tree::read(shown.as_bytes()).unwrap().root;
        let mut providers = Vec::new();
        find(&root, "providers", &mut providers);
        let Tree::List(providers) = &providers[0].tree else {
            panic!("no list: {shown}");
        };
        let names = providers.iter().map(|provider| match &provider.tree {
            Tree::Map(entries) => entries[0].key.as_str(),
            _ => "?",
        });
        assert_eq!(names.collect::<Vec<_>>(), order, "{shown}");
    }
    for broken in [
        format!("kind: EncryptionConfiguration # kubelet\n\tsecret: {KEY}\n"),
        format!("kind: KubeletConfiguration\n...\n---\naescbc: {KEY}\n"),
        format!("kind: Secret\ndata: {{kubelet: {KEY}}}\n"),
    ] {
        let shown = redact_content(broken.into_bytes());
        assert!(!String::from_utf8(shown).unwrap().contains(KEY));
    }
}

const POD: &str = r#"apiVersion: v1
kind: Pod
metadata: {name: kube-apiserver} # fine
spec:
  containers:
  - name: kube-apiserver
    command:
    - kube-apiserver
    - --etcd-servers=https://root:hunter2@127.0.0.1:2379
    - --authorization-mode=Node,RBAC
    - --some-token=hunter2
    - "--etcd-cafile=/pki/ca.crt"
    env:
    - name: DB_PASSWORD
      value: hunter2
    - {name: GOOGLE_APPLICATION_CREDENTIALS_FILE, value: /var/x.json}
    - {name: MY_API_KEY, value: "hunter2"}
    - name: PROXY
      value: http://u:hunter2@proxy:3128
    - {name: ETCD_CLIENT_CERT_AUTH, value: "true"}
    - {name: ETCD_TRUSTED_CA_FILE, value: /pki/ca.crt}
    - name: SOME_AUTH
      value: |
        hunter2
        hunter2
    - name: LATER
      valueFrom: {secretKeyRef: {name: a, key: b}}
  - name: shell
    command: [sh, -c, "login --user a --password hunter2"]
    args: ["--token", "hunter2"]
  volumes:
  - name: pki
    secret: {secretName: pki}
"#;

#[test]
fn a_pod_keeps_all_but_its_secrets() {
    let shown = shown(POD);
    assert!(!shown.contains("hunter2"), "{shown}");
    for (before, after) in POD.lines().zip(shown.lines()) {
        if !before.contains("hunter2") {
            let of_block = before.trim() == "value: |";
            assert!(of_block || before == after, "{before:?} {after:?}\n{shown}");
        }
    }
    assert!(
        shown.contains(&format!(
            "- \"--etcd-servers=https://{}@127.0.0.1:2379\"\n",
            redacted(b"root:hunter2")
        )),
        "{shown}"
    );
    let path = Bytes::from("/etc/kubernetes/manifests/a.yaml");
    let first = |text: &str| {
        let containers = manifests::containers(text.as_bytes(), &path).unwrap();
        containers.into_iter().next().unwrap()
    };
    let (before, after) = (first(POD), first(&shown));
    assert_eq!(after.argv[2..=2], before.argv[2..=2]);
    assert_eq!(after.argv[4], before.argv[4]);
    assert_eq!(after.argv, redact_arguments(before.argv));
    assert!(!after.environment.contains_key("DB_PASSWORD"));
    let json = r#"{"kind":"Pod","spec":{"containers":[{"name":"a","command":["etcd","-initial-cluster=a=http://u:hunter2@a:2380"],"env":[{"name":"X_TOKEN","value":"hunter2"},{"name":"Y","value":"kept"}]}]}}"#;
    let shown = self::shown(json);
    assert!(
        !shown.contains("hunter2") && shown.contains(r#"{"name":"Y","value":"kept"}"#),
        "{shown}"
    );
}

#[test]
fn a_hidden_variable_in_an_argument_is_not_known() {
    let text = "kind: Pod\nspec:\n  containers:\n  - name: etcd\n    command: [etcd, \"--name=$(A_TOKEN)\"]\n    env: [{name: A_TOKEN, value: hunter2}]\n";
    let unknown = manifests::containers(shown(text).as_bytes(), &"/m.yaml".into()).unwrap_err();
    assert!(unknown.reason.contains("$(A_TOKEN)"), "{}", unknown.reason);
}

#[test]
fn other_documents_keep_no_credential() {
    for (text, kept) in [
        (
            "kind: Config\nusers:\n- name: a\n  user:\n    token: hunter2\n    client-key-data: hunter2\n    client-certificate-data: hunter2\n    exec:\n      command: x\n      env: [{name: A_SECRET, value: hunter2}]\n",
            "command: x",
        ),
        (
            "name: a\ninitial-cluster: a=https://u:hunter2@a:2380,b=https://b:2380\nlisten-client-urls: https://u:hunter2@0.0.0.0:2379\ndiscovery-password: hunter2\n",
            "@a:2380,b=https://b:2380\"",
        ),
        (
            "kube-apiserver-arg:\n- etcd-servers=http://u:hunter2@h\n- authorization-mode=RBAC\nkubelet-arg+: manifest-url-header=A:hunter2\n",
            "- authorization-mode=RBAC\n",
        ),
        (
            "kind: X\na: Bearer hunter2\nb: &b https://u:hunter2@h\nargs: [*b]\n",
            "args: [*b]",
        ),
    ] {
        let shown = shown(text);
        assert!(
            !shown.contains("hunter2") && shown.contains(kept),
            "{shown}"
        );
    }
}

#[test]
fn urls_of_etcd_lose_user_and_password() {
    let hidden = |argv: &[&str]| -> Vec<String> {
        let argv = argv.iter().map(|text| Bytes::from(*text)).collect();
        let once = redact_arguments(argv);
        assert_eq!(redact_arguments(once.clone()), once);
        once.iter().map(ToString::to_string).collect()
    };
    let secret = redacted(b"u:hunter2");
    for (dashes, name, before, behind) in [
        ("--", "initial-cluster", "a=http://b:1,c=http://", "@c:2380"),
        ("-", "initial-cluster", "a=http://", "@c:2380,d=http://d:1"),
        (
            "--",
            "listen-client-urls",
            "https://",
            "@0.0.0.0:2379,https://b:1",
        ),
        ("-", "listen-client-urls", "https://", "@0.0.0.0:2379"),
        ("--", "etcd-servers", "https://a:1,https://", "@b:2379"),
    ] {
        let value = format!("{before}u:hunter2{behind}");
        let expected = format!("{before}{secret}{behind}");
        assert_eq!(
            hidden(&["etcd", &format!("{dashes}{name}={value}")])[1],
            format!("{dashes}{name}={expected}")
        );
        let flag = format!("{dashes}{name}");
        assert_eq!(hidden(&["etcd", &flag, &value])[2], expected);
    }
    let password = hidden(&["etcd", "-discovery-password=hunter2", "-v=4", "-name", "a"]);
    assert!(!password[1].contains("hunter2"), "{password:?}");
    assert_eq!(password[2..], ["-v=4", "-name", "a"]);
}
