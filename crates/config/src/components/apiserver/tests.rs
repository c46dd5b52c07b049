//! What other tools get wrong: files in the place of flags, defaults by version, the order of entries.

use std::collections::BTreeMap;

use kubeassay_core::facts::{FileFacts, FileKind, Need, NeedKind, ProcessFacts};
use kubeassay_core::{Bytes, Cause, Component};
use proptest::prelude::{
    Just, Strategy, any, prop, prop_assert, prop_assert_eq, prop_oneof, proptest,
};

use crate::components::resolve;
use crate::kubelet::{Documents, When};
use crate::resolution::Resolution;
use crate::secrets::redact_content;
use crate::tables::Minor;

/// Resolves an API server with these arguments and files; a file `denied` cannot be read.
fn resolved(minor: u8, arguments: &[&str], files: &[(&str, &str)]) -> Resolution {
    let argv = std::iter::once(&"kube-apiserver").chain(arguments);
    let argv: Vec<Bytes> = argv.map(|argument| Bytes::from(*argument)).collect();
    let contents: BTreeMap<&str, &str> = files.iter().copied().collect();
    let mut process = ProcessFacts {
        component: Component::ApiServer,
        cwd: Some(Bytes::from("/")),
        ..ProcessFacts::new(1, argv)
    };
    for _ in 0..4 {
        let resolution = resolve(
            Component::ApiServer,
            &Documents::new(&process),
            Minor(minor),
            When::Now,
        );
        if resolution.needs.is_empty() {
            return resolution;
        }
        for need in resolution.needs {
            let path = need.path.to_string();
            process
                .files
                .push(answer(need, contents.get(path.as_str())));
        }
    }
    panic!("files name further files without end");
}

fn answer(need: Need, content: Option<&&str>) -> FileFacts {
    match content {
        Some(&"denied") => FileFacts::unread(need, Cause::Denied, "permission denied"),
        Some(text) => FileFacts {
            kind: Some(FileKind::Regular),
            content: (need.what == NeedKind::Content).then(|| Bytes::from(*text)),
            public_keys: (need.what == NeedKind::PublicKeys).then(|| vec!["aa".to_owned()]),
            ..FileFacts::new(need)
        },
        None => FileFacts::unread(need, Cause::Missing, "not there"),
    }
}

/// Returns the value of a derived setting, or why it is not known, or why the server would not start.
fn said(resolution: &Resolution, name: &str) -> String {
    if let Some(refusal) = &resolution.refusal {
        return format!("refused: {}", refusal.reason);
    }
    let setting = resolution.setting(&format!("derived.{name}")).unwrap();
    match setting.unknown() {
        Some(unknown) => format!("unknown: {}", unknown.cause),
        None => setting.value().unwrap().to_string(),
    }
}

const AUTHORIZATION: &str = "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthorizationConfiguration\nauthorizers:\n- {type: Node, name: node}\n- {type: RBAC, name: rbac}\n";

#[test]
fn the_authorizers_come_from_the_file_where_there_is_one() {
    let file = "--authorization-config=/a.yaml";
    let all = AUTHORIZATION.replace("RBAC, name: rbac", "AlwaysAllow, name: alwaysallow");
    for (minor, arguments, content, expected) in [
        (34, vec![], "", "[AlwaysAllow]"),
        (20, vec![], "", "[AlwaysAllow]"),
        (
            34,
            vec!["--authorization-mode=Node,RBAC"],
            "",
            "[Node, RBAC]",
        ),
        (
            34,
            vec!["--authorization_mode", "AlwaysAllow"],
            "",
            "[AlwaysAllow]",
        ),
        (34, vec![file], AUTHORIZATION, "[Node, RBAC]"),
        (34, vec![file], all.as_str(), "[Node, AlwaysAllow]"),
        (34, vec![file], "denied", "unknown: denied"),
        (
            34,
            vec![file, "--authorization-mode=RBAC"],
            AUTHORIZATION,
            "refused: --authorization-config can not",
        ),
        (
            34,
            vec![file],
            "kind: Other\napiVersion: v1\n",
            "refused: no kind \"Other\"",
        ),
        (30, vec![file], AUTHORIZATION, "refused: no kind"),
        (
            34,
            vec!["--authorization-mode=Everything"],
            "",
            "refused: authorization-mode",
        ),
    ] {
        let found = said(
            &resolved(minor, &arguments, &[("/a.yaml", content)]),
            "authorizationModes",
        );
        assert!(
            found.starts_with(expected),
            "{minor} {arguments:?}: {found}"
        );
    }
}

#[test]
fn anonymous_requests_are_let_in_by_file_flag_or_default() {
    let file = "--authentication-config=/a.yaml";
    let head = "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\n";
    let limited = format!(
        "{head}anonymous:\n  enabled: true\n  conditions: [{{path: /livez}}, {{path: /readyz}}]\n"
    );
    let off = format!("{head}anonymous: {{enabled: false}}\n");
    let silent = format!(
        "{head}jwt: [{{issuer: {{url: 'https://i', audiences: [a]}}, claimMappings: {{username: {{claim: sub, prefix: ''}}}}}}]\n"
    );
    let rbac = "--authorization-mode=RBAC";
    for (arguments, content, anonymous, paths) in [
        (vec![rbac], "", "true", "[]"),
        (vec![rbac, "--anonymous-auth=false"], "", "false", "[]"),
        (
            vec![rbac, "--anonymous-auth=false", "--anonymous-auth"],
            "",
            "true",
            "[]",
        ),
        // What may do everything is taken away from nobody by the server itself, but not what the file says.
        (vec![file], limited.as_str(), "true", "[/livez, /readyz]"),
        (vec![file], "denied", "unknown: denied", "unknown: denied"),
        (vec![], "", "false", "[]"),
        (
            vec![rbac, file],
            limited.as_str(),
            "true",
            "[/livez, /readyz]",
        ),
        (vec![rbac, file], off.as_str(), "false", "[]"),
        (vec![rbac, file], silent.as_str(), "true", "[]"),
        (
            vec![rbac, file, "--anonymous-auth=false"],
            silent.as_str(),
            "false",
            "[]",
        ),
        (
            vec![rbac, file, "--anonymous-auth=false"],
            limited.as_str(),
            "refused: anonymous: Forbidden",
            "refused",
        ),
        (
            vec![rbac, file],
            "denied",
            "unknown: denied",
            "unknown: denied",
        ),
    ] {
        let resolution = resolved(34, &arguments, &[("/a.yaml", content)]);
        let found = (
            said(&resolution, "anonymousAuth"),
            said(&resolution, "anonymousPaths"),
        );
        assert!(found.0.starts_with(anonymous), "{arguments:?}: {}", found.0);
        assert!(found.1.starts_with(paths), "{arguments:?}: {}", found.1);
    }
    let resolution = resolved(34, &[rbac, file], &[("/a.yaml", &silent)]);
    assert_eq!(said(&resolution, "jwtIssuers"), "[https://i]");
}

#[test]
fn plugins_are_on_by_default_by_flag_and_by_the_old_flag() {
    for (minor, arguments, plugin, on) in [
        (34, vec![], "ServiceAccount", true),
        (34, vec![], "NodeRestriction", false),
        (22, vec![], "PodSecurity", false),
        (23, vec![], "PodSecurity", true),
        // Without its gate it admits everything.
        (
            24,
            vec!["--feature-gates=PodSecurity=false"],
            "PodSecurity",
            false,
        ),
        (
            24,
            vec!["--feature-gates=AllBeta=false"],
            "PodSecurity",
            false,
        ),
        (
            22,
            vec!["--enable-admission-plugins=PodSecurity"],
            "PodSecurity",
            false,
        ),
        (
            22,
            vec![
                "--enable-admission-plugins=PodSecurity",
                "--feature-gates=AllAlpha=true",
            ],
            "PodSecurity",
            true,
        ),
        (
            25,
            vec!["--feature-gates=AllBeta=false"],
            "PodSecurity",
            true,
        ),
        (
            34,
            vec!["--enable-admission-plugins=NodeRestriction,AlwaysPullImages"],
            "NodeRestriction",
            true,
        ),
        (
            34,
            vec!["--disable-admission-plugins=ServiceAccount"],
            "ServiceAccount",
            false,
        ),
        (
            34,
            vec!["--admission-control=NodeRestriction"],
            "NodeRestriction",
            true,
        ),
        (
            34,
            vec!["--admission-control=NodeRestriction"],
            "ServiceAccount",
            false,
        ),
        // An empty one is given all the same, and turns everything off.
        (34, vec!["--admission-control="], "ServiceAccount", false),
    ] {
        let found = said(&resolved(minor, &arguments, &[]), "admissionPlugins");
        let names: Vec<&str> = found.trim_matches(['[', ']']).split(", ").collect();
        assert_eq!(
            names.contains(&plugin),
            on,
            "{minor} {arguments:?} {plugin}: {found}"
        );
    }
    let both = [
        "--enable-admission-plugins=AlwaysAdmit,EventRateLimit",
        "--disable-admission-plugins=EventRateLimit",
    ];
    assert!(said(&resolved(34, &both, &[]), "admissionPlugins").starts_with("refused"));
}

#[test]
fn plugins_are_configured_in_their_entry_or_in_a_file_beside_it() {
    let flag = [
        "--admission-control-config-file=/etc/k/a.yaml",
        "--enable-admission-plugins=EventRateLimit",
    ];
    let head = "apiVersion: apiserver.config.k8s.io/v1\nkind: AdmissionConfiguration\nplugins:\n";
    let level = "apiVersion: pod-security.admission.config.k8s.io/v1, kind: PodSecurityConfiguration, defaults: {enforce: baseline}";
    let here = format!(
        "{head}- name: PodSecurity\n  configuration: {{{level}}}\n- {{name: EventRateLimit, path: e.yaml}}\n"
    );
    let beside = format!("{head}- {{name: EventRateLimit, path: e.yaml}}\n");
    let limits = "apiVersion: eventratelimit.admission.k8s.io/v1alpha1\nkind: Configuration\nlimits: [{type: Server, qps: 1, burst: 1}, {type: Namespace, qps: 1, burst: 1}]\n";
    for (content, other, name, expected) in [
        (here.as_str(), limits, "podSecurityEnforce", "baseline"),
        (head, limits, "eventRateLimits", "refused: couldn't init"),
        (beside.as_str(), limits, "eventRateLimits", "2"),
        (
            beside.as_str(),
            "denied",
            "eventRateLimits",
            "unknown: denied",
        ),
        (beside.as_str(), limits, "podSecurityEnforce", "privileged"),
        ("denied", "", "podSecurityEnforce", "unknown: denied"),
    ] {
        let files = [("/etc/k/a.yaml", content), ("/etc/k/e.yaml", other)];
        let found = said(&resolved(34, &flag, &files), name);
        assert!(found.starts_with(expected), "{name} {content}: {found}");
    }
    // Nothing is read of a plugin that is off.
    let files = [("/etc/k/a.yaml", beside.as_str())];
    let resolution = resolved(34, &flag[..1], &files);
    assert_eq!(said(&resolution, "eventRateLimits"), "0");
}

#[test]
fn secrets_are_written_with_the_first_provider_of_the_first_entry_that_covers_them() {
    let flag = ["--encryption-provider-config=/e.yaml"];
    let head =
        "apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources:\n";
    for (entries, expected) in [
        (
            "- resources: [secrets]\n  providers: [{aescbc: {keys: [{name: a, secret: QUJDREVGR0hJSktMTU5PUA==}]}}, {identity: {}}]\n",
            "aescbc",
        ),
        (
            "- resources: [secrets]\n  providers: [{identity: {}}, {aescbc: {keys: [{name: a, secret: QUJDREVGR0hJSktMTU5PUA==}]}}]\n",
            "identity",
        ),
        (
            "- resources: [configmaps]\n  providers: [{aescbc: {keys: [{name: a, secret: QUJDREVGR0hJSktMTU5PUA==}]}}]\n",
            "\"\"",
        ),
        (
            "- resources: ['*.*']\n  providers: [{kms: {apiVersion: v2, name: a, endpoint: 'unix:///a'}}]\n",
            "kms",
        ),
        (
            "- resources: ['*.apps']\n  providers: [{kms: {apiVersion: v2, name: a, endpoint: 'unix:///a'}}]\n- resources: ['*.']\n  providers: [{secretbox: {keys: [{name: a, secret: QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY=}]}}]\n",
            "secretbox",
        ),
        (
            "- resources: [secrets]\n  providers: []\n",
            "refused: error while parsing file: resources[0].providers: Required",
        ),
        (
            "- resources: [secrets]\n  providers: [{rot13: {}}]\n",
            "refused: strict decoding error: unknown field",
        ),
    ] {
        let content = format!("{head}{entries}");
        let found = said(
            &resolved(34, &flag, &[("/e.yaml", &content)]),
            "secretsProvider",
        );
        assert!(found.starts_with(expected), "{entries}: {found}");
    }
    let wild = format!(
        "{head}- resources: ['*.']\n  providers: [{{kms: {{apiVersion: v2, name: a, endpoint: 'unix:///a'}}}}]\n"
    );
    for (minor, expected) in [(26, "\"\""), (27, "kms")] {
        let found = said(
            &resolved(minor, &flag, &[("/e.yaml", &wild)]),
            "secretsProvider",
        );
        assert_eq!(found, expected, "{minor}");
    }
    assert_eq!(said(&resolved(34, &[], &[]), "secretsProvider"), "\"\"");
    assert_eq!(
        said(
            &resolved(34, &flag, &[("/e.yaml", "denied")]),
            "secretsProvider"
        ),
        "unknown: denied"
    );
}

#[test]
fn the_policy_is_followed_rule_by_rule() {
    let flag = ["--audit-policy-file=/p.yaml"];
    let head = "apiVersion: audit.k8s.io/v1\nkind: Policy\n";
    for (rules, name, expected) in [
        ("rules: [{level: Metadata}]\n", "secrets", "Metadata"),
        (
            "rules: [{level: None, resources: [{group: '', resources: [secrets]}]}, {level: Metadata}]\n",
            "secrets",
            "None",
        ),
        (
            "rules: [{level: Metadata, resources: [{group: '', resources: [secrets]}]}, {level: None}]\n",
            "secrets",
            "Metadata",
        ),
        // What is said of one verb is said of a secret all the same.
        (
            "rules: [{level: RequestResponse, verbs: [create], resources: [{group: '', resources: [secrets]}]}, {level: Metadata}]\n",
            "secrets",
            "RequestResponse",
        ),
        (
            "rules: [{level: Request, verbs: [create]}, {level: Metadata}]\n",
            "pods",
            "Metadata",
        ),
        (
            "rules: [{level: None, userGroups: ['system:masters']}, {level: Metadata}]\n",
            "exec",
            "None",
        ),
        (
            "rules: [{level: None, users: ['system:kube-proxy']}, {level: Metadata}]\n",
            "exec",
            "Metadata",
        ),
        (
            "rules: [{level: Metadata, resources: [{group: '', resources: [pods]}]}]\n",
            "exec",
            "None",
        ),
        (
            "rules: [{level: Metadata, resources: [{group: '', resources: ['pods/*']}]}]\n",
            "exec",
            "Metadata",
        ),
        (
            "rules: [{level: Metadata, resources: [{group: '', resources: ['*/exec']}]}]\n",
            "exec",
            "Metadata",
        ),
        (
            "rules: [{level: Metadata, resources: [{group: ''}]}]\n",
            "exec",
            "Metadata",
        ),
        (
            "rules: [{level: Metadata, resources: [{group: '', resources: [secrets], resourceNames: [a]}]}]\n",
            "secrets",
            "None",
        ),
        (
            "rules: [{level: None, namespaces: [kube-system]}, {level: Metadata}]\n",
            "secrets",
            "Metadata",
        ),
        (
            "rules: [{level: None, nonResourceURLs: ['/healthz*']}, {level: Metadata}]\n",
            "secrets",
            "Metadata",
        ),
        (
            "omitStages: [RequestReceived, ResponseComplete]\nrules: [{level: Metadata}]\n",
            "secrets",
            "None",
        ),
        (
            "omitStages: [ResponseComplete]\nrules: [{level: Request}]\n",
            "pods",
            "Metadata",
        ),
        (
            "rules: [{level: None, resources: [{group: '*'}]}, {level: Metadata}]\n",
            "secrets",
            "None",
        ),
        (
            "omitStages: [RequestReceived]\nrules: [{level: Metadata}]\n",
            "secrets",
            "Metadata",
        ),
        ("rules: []\n", "secrets", "refused: loaded illegal policy"),
        (
            "rules: [{level: metadata}]\n",
            "secrets",
            "refused: rules[0].level",
        ),
    ] {
        let content = format!("{head}{rules}");
        let resolution = resolved(34, &flag, &[("/p.yaml", &content)]);
        let found = said(&resolution, &format!("auditLevels.{name}"));
        assert!(found.starts_with(expected), "{rules}: {found}");
    }
}

#[test]
fn sizes_ages_and_backends_of_the_log_are_those_of_the_version() {
    for (minor, arguments, name, expected) in [
        (35, vec![], "auditLogMaxSize", "100"),
        (35, vec!["--audit-log-maxsize=0"], "auditLogMaxSize", "100"),
        (36, vec!["--audit-log-maxsize=0"], "auditLogMaxSize", "0"),
        (36, vec![], "auditLogMaxSize", "100"),
        (34, vec![], "auditBackends", "[]"),
        (34, vec!["--audit-log-path=-"], "auditBackends", "[]"),
        (
            34,
            vec!["--audit-webhook-config-file=/w", "--audit-policy-file=/p"],
            "auditBackends",
            "[webhook]",
        ),
        (
            34,
            vec!["--tls-min-version=VersionTLS13"],
            "tls13Only",
            "true",
        ),
        (34, vec![], "tls13Only", "false"),
        (
            34,
            vec!["--etcd-servers=unix:///k.sock"],
            "externalEtcd",
            "false",
        ),
        (
            34,
            vec!["--etcd-servers=https://127.0.0.1:2379"],
            "externalEtcd",
            "true",
        ),
        (34, vec!["--client-ca-file=/ca"], "clientCaKeys", "[aa]"),
    ] {
        let policy = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata}]\n";
        let files = [("/ca", "x"), ("/p", policy), ("/w", "x")];
        let found = said(&resolved(minor, &arguments, &files), name);
        assert_eq!(found, expected, "{minor} {arguments:?}");
    }
    for (minor, flag, expected) in [
        (35, "auditLogMaxage", "0"),
        (36, "auditLogMaxage", "366"),
        (35, "auditLogMaxbackup", "0"),
        (36, "auditLogMaxbackup", "100"),
    ] {
        let resolution = resolved(minor, &[], &[]);
        let setting = resolution.setting(&format!("flags.{flag}")).unwrap();
        assert_eq!(
            setting.value().unwrap().to_string(),
            expected,
            "{minor} {flag}"
        );
    }
}

/// What a flag is called that names a file, or a folder.
const PATH_WORDS: [&str; 9] = [
    "file",
    "-config",
    "-dir",
    "-path",
    "certificate",
    "cert-key",
    "client-key",
    "authority",
    "manifest",
];

#[test]
fn mode_and_owner_are_asked_of_every_file_that_a_flag_names() {
    // No files: a duration, prefixes of keys in etcd, a switch, a socket, APIs that are on.
    let others = [
        "debug-socket-path",
        "encryption-provider-config-automatic-reload",
        "profiling-path",
        "runtime-config",
        "runtime-config-emulation-forward-compatible",
        "log-file-max-size",
        "strict-transport-security-directives",
        "add-dir-header",
        "cloud-provider-gce-lb-src-cidrs",
    ];
    for flag in crate::components::tables(Component::ApiServer).flags {
        let is_path = PATH_WORDS.iter().any(|word| flag.name.contains(word));
        if is_path && !others.contains(&flag.name) {
            assert!(super::PATHS.contains(&flag.name), "{}", flag.name);
        }
    }
    assert!(super::PATHS.is_sorted());
    let resolution = |arguments: &[&str]| {
        let argv = std::iter::once(&"kube-apiserver").chain(arguments);
        let process = ProcessFacts {
            component: Component::ApiServer,
            cwd: Some(Bytes::from("/")),
            ..ProcessFacts::new(1, argv.map(|one| Bytes::from(*one)).collect())
        };
        let documents = Documents::new(&process);
        let needs = resolve(Component::ApiServer, &documents, Minor(36), When::Now).needs;
        let asked = needs
            .into_iter()
            .filter(|need| need.what == NeedKind::Metadata);
        asked.map(|need| need.path.to_string()).collect::<Vec<_>>()
    };
    let asked = resolution(&[
        "--service-account-key-file=/a,b.pub",
        "--service-account-key-file=/c.pub",
        "--tls-sni-cert-key=/d.crt,e.key:example.com",
        "--oidc-ca-file=/f.crt",
    ]);
    for path in ["/a,b.pub", "/c.pub", "/d.crt", "/e.key", "/f.crt"] {
        assert!(asked.iter().any(|one| one == path), "{path}: {asked:?}");
    }
}

/// Writes bytes in base64, as keys are.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let bits = group.iter().enumerate().fold(0_u32, |bits, (at, byte)| {
            bits | u32::from(*byte) << (16 - 8 * at)
        });
        for at in 0..4 {
            let digit = usize::try_from(bits >> (18 - 6 * at) & 63).unwrap();
            text.push(if at <= group.len() {
                char::from(DIGITS[digit])
            } else {
                '='
            });
        }
    }
    text
}

fn provider() -> impl Strategy<Value = (String, Vec<String>)> {
    let key = |sizes: &'static [usize]| {
        prop::sample::select(sizes)
            .prop_flat_map(|size| prop::collection::vec(any::<u8>(), size))
            .prop_map(|bytes| base64(&bytes))
    };
    let keyed = |name: &'static str, sizes: &'static [usize]| {
        prop::collection::vec(key(sizes), 1..3).prop_map(move |keys| {
            let all: Vec<String> = keys
                .iter()
                .enumerate()
                .map(|(at, key)| format!("{{name: k{at}, secret: \"{key}\"}}"))
                .collect();
            (format!("{{{name}: {{keys: [{}]}}}}", all.join(", ")), keys)
        })
    };
    prop_oneof![
        Just(("{identity: {}}".to_owned(), Vec::new())),
        keyed("aescbc", &[16, 24, 32]),
        keyed("aesgcm", &[16, 24, 32]),
        keyed("secretbox", &[32]),
    ]
}

proptest! {
    /// Of single values the last counts, however it is spelled; lists grow in the order in which they are given.
    #[test]
    fn later_flags_win_and_modes_keep_their_order(
        switches in prop::collection::vec(any::<bool>(), 1..6),
        modes in Just(vec!["Node", "RBAC", "AlwaysAllow", "AlwaysDeny"]).prop_shuffle(),
        cuts in prop::collection::vec(1_usize..4, 1..4),
        count in 1_usize..=4,
    ) {
        let mut arguments: Vec<String> = Vec::new();
        for (at, switch) in switches.iter().enumerate() {
            let name = ["--anonymous-auth", "--anonymous_auth"][at % 2];
            arguments.push(format!("{name}={switch}"));
        }
        let modes = &modes[..count];
        let mut rest = modes;
        for cut in cuts.iter().chain([&4]) {
            let (now, later) = rest.split_at((*cut).min(rest.len()));
            if !now.is_empty() {
                arguments.push(format!("--authorization-mode={}", now.join(",")));
            }
            rest = later;
        }
        let given: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let resolution = resolved(36, &given, &[]);
        prop_assert_eq!(said(&resolution, "authorizationModes"), format!("[{}]", modes.join(", ")));
        let anonymous = *switches.last().unwrap() && !modes.contains(&"AlwaysAllow");
        prop_assert_eq!(said(&resolution, "anonymousAuth"), anonymous.to_string());
        let again: Vec<&str> = given.into_iter().chain(["--authorization-mode=", "--authorization-mode=Node"]).collect();
        let refused = said(&resolved(36, &again, &[]), "authorizationModes").starts_with("refused");
        prop_assert_eq!(refused, modes.contains(&"Node"));
    }

    /// What is known of keys that were hidden is what was known before, but for the keys.
    #[test]
    fn hidden_keys_leave_the_provider_as_it_was(
        entries in prop::collection::vec(
            (prop::sample::select(&["configmaps", "secrets", "pods"]), prop::collection::vec(provider(), 1..3)),
            1..4,
        ),
    ) {
        let head = "apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources:\n";
        let entry = |(resource, providers): &(&str, Vec<(String, Vec<String>)>)| {
            let all: Vec<&str> = providers.iter().map(|(text, _)| text.as_str()).collect();
            format!("- resources: [{resource}]\n  providers: [{}]\n", all.join(", "))
        };
        let text = format!("{head}{}", entries.iter().map(entry).collect::<Vec<_>>().concat());
        let hidden = String::from_utf8(redact_content(text.clone().into_bytes())).unwrap();
        for key in entries.iter().flat_map(|(_, providers)| providers).flat_map(|(_, keys)| keys) {
            prop_assert!(!hidden.contains(key.as_str()), "{key} is there: {hidden}");
        }
        let flag = ["--encryption-provider-config=/e"];
        let before = said(&resolved(36, &flag, &[("/e", &text)]), "secretsProvider");
        prop_assert!(!before.starts_with("refused"), "{before}\n{text}");
        let after = said(&resolved(36, &flag, &[("/e", &hidden)]), "secretsProvider");
        prop_assert_eq!(before, after);
    }
}

#[test]
fn files_that_were_alpha_need_their_gates() {
    let authorization = "--authorization-config=/f";
    let authentication = "--authentication-config=/f";
    let alpha = AUTHORIZATION.replace("/v1", "/v1alpha1");
    let head = "apiVersion: apiserver.config.k8s.io/v1alpha1\nkind: AuthenticationConfiguration\n";
    let block = format!("{head}anonymous: {{enabled: false}}\n");
    let structured = "--feature-gates=StructuredAuthenticationConfiguration=true";
    for (minor, arguments, text, refused) in [
        (
            29,
            vec![authorization],
            alpha.as_str(),
            "authorization-config cannot",
        ),
        (
            29,
            vec![authorization, "--feature-gates=AllAlpha=true"],
            alpha.as_str(),
            "",
        ),
        (30, vec![authorization], alpha.as_str(), ""),
        (29, vec![authentication], head, "set --feature-gates="),
        (29, vec![authentication, structured], head, ""),
        (30, vec![authentication], head, ""),
        (
            30,
            vec![authentication],
            block.as_str(),
            "unknown field \"anonymous\"",
        ),
        (
            31,
            vec![authentication],
            block.as_str(),
            "anonymous is not supported",
        ),
        (32, vec![authentication], block.as_str(), ""),
        // A gate that is younger than the version.
        (
            30,
            vec!["--feature-gates=AnonymousAuthConfigurableEndpoints=true"],
            "",
            "unrecognized",
        ),
        (
            36,
            vec!["--feature-gates=NoSuchGate=true"],
            "",
            "unrecognized",
        ),
        (35, vec!["--feature-gates=NoSuchGate=true"], "", ""),
        (
            35,
            vec!["--feature-gates=AnonymousAuthConfigurableEndpoints=false"],
            "",
            "locked",
        ),
    ] {
        let refusal = resolved(minor, &arguments, &[("/f", text)]).refusal;
        let reason = refusal.map(|refusal| refusal.reason).unwrap_or_default();
        assert!(
            reason.contains(refused) && reason.is_empty() == refused.is_empty(),
            "{minor} {arguments:?}: {reason}"
        );
    }
}
