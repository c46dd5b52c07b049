//! Services from their files.

use kubeassay_core::{Bytes, Cause};

use super::{NextStart, SEARCH_PATH, needs, next_start, program, redact, written};
use host::facts;

use crate::setting::Unknown;
#[path = "../../tests/systemd/host.rs"]
mod host;

fn start(unit: &str, files: &[(&str, &str)]) -> Result<NextStart, Unknown> {
    next_start(&facts(unit, files, needs))
}

/// Returns the arguments, each with its place.
fn shown(next: &NextStart) -> Vec<String> {
    next.arguments
        .iter()
        .map(|argument| {
            let origin = &argument.origin;
            let path = origin.path.as_ref().unwrap().to_string();
            let name = path.rsplit('/').next().unwrap().to_owned();
            let variable = origin
                .variable
                .as_ref()
                .map(|name| format!("${name} "))
                .unwrap_or_default();
            format!(
                "{} {variable}{name}:{}:{}",
                argument.text,
                origin.line.unwrap(),
                origin.column.unwrap()
            )
        })
        .collect()
}

const KUBEADM: &str = r#"# Note: This dropin only works with kubeadm and kubelet v1.11+
[Service]
Environment="KUBELET_KUBECONFIG_ARGS=--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf --kubeconfig=/etc/kubernetes/kubelet.conf"
Environment="KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml"
EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env
EnvironmentFile=-/etc/default/kubelet
ExecStart=
ExecStart=/usr/bin/kubelet $KUBELET_KUBECONFIG_ARGS $KUBELET_CONFIG_ARGS $KUBELET_KUBEADM_ARGS $KUBELET_EXTRA_ARGS
"#;

#[test]
fn kubeadms_service_is_read_with_every_argument_in_its_place() {
    let files = [
        (
            "/lib/systemd/system/kubelet.service",
            "[Unit]\nWants=network.target\n[Service]\nExecStart=/usr/bin/kubelet\nRestart=always\n",
        ),
        (
            "/usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf",
            KUBEADM,
        ),
        (
            "/var/lib/kubelet/kubeadm-flags.env",
            "KUBELET_KUBEADM_ARGS=\"--node-ip=10.0.0.1 --v=2\"\n",
        ),
    ];
    let next = start("kubelet.service", &files).unwrap();
    assert_eq!(
        shown(&next),
        [
            "/usr/bin/kubelet 10-kubeadm.conf:8:11",
            "--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf $KUBELET_KUBECONFIG_ARGS 10-kubeadm.conf:3:13",
            "--kubeconfig=/etc/kubernetes/kubelet.conf $KUBELET_KUBECONFIG_ARGS 10-kubeadm.conf:3:13",
            "--config=/var/lib/kubelet/config.yaml $KUBELET_CONFIG_ARGS 10-kubeadm.conf:4:13",
            "--node-ip=10.0.0.1 $KUBELET_KUBEADM_ARGS kubeadm-flags.env:1:1",
            "--v=2 $KUBELET_KUBEADM_ARGS kubeadm-flags.env:1:1",
        ]
    );
    assert_eq!(next.executable, "/usr/bin/kubelet");
    assert_eq!(next.cwd, "/");
    assert_eq!(next.assumes.len(), 1, "{:?}", next.assumes);
    assert!(next.assumes[0].contains("KUBELET_EXTRA_ARGS"));
}

#[test]
fn the_words_of_the_command_are_found_in_its_file() {
    let unit = "\u{feff}[Service]\r\nEnvironment='A=--a --b'\r\nExecStart=-@/bin/k k \\\r\n # c\r\n  --x='ä b' $A $NONE --m\\x41 ;\r\n";
    let files = [("/etc/systemd/system/k.service", unit)];
    let service = facts("k.service", &files, needs);
    let found = written(&service).unwrap();
    assert_eq!((found.path.as_str().unwrap(), found.line), (files[0].0, 3));
    assert!(unit[found.begins..].starts_with("-@/bin/k k"));
    let words: Vec<_> = found.words.into_iter().map(|word| &unit[word]).collect();
    assert_eq!(words, ["k", "--x='ä b'", "$A", "$NONE", "--m\\x41"]);
    assert_eq!(found.word_of, [0, 1, 2, 2, 4]);
    assert_eq!(written(&facts("none.service", &files, needs)), None);
}

#[test]
fn what_cannot_be_told_says_where_and_why() {
    let unit = "/etc/systemd/system/k.service";
    for (content, cause, part) in [
        ("", Cause::Missing, "masked"),
        ("-> /dev/null", Cause::Missing, "masked"),
        ("[Service]\nType=simple\n", Cause::Missing, "no ExecStart="),
        (
            "[Service]\nExecStart=/bin/k %H\n",
            Cause::Unsupported,
            "k.service:2: ExecStart= holds the specifier %H",
        ),
        (
            "[Service]\nExecStart=/bin/k 'a\n",
            Cause::WouldRefuse,
            "k.service:2",
        ),
        (
            "[Service]\nExecStart=/bin/a\nExecStart=/bin/b\n",
            Cause::WouldRefuse,
            "k.service:3",
        ),
        (
            "[Service]\nType=oneshot\nExecStart=/bin/a ; /bin/b\n",
            Cause::Unsupported,
            "k.service:3",
        ),
        (
            "[Service]\nExecStart=/bin/k\nRootDirectory=/x\n",
            Cause::Unsupported,
            "k.service:3: RootDirectory=",
        ),
        (
            "[Service]\nExecStart=/bin/k\nEnvironmentFile=/none\n",
            Cause::Missing,
            "k.service:3",
        ),
        (
            "[Service]\nExecStart=/bin/k $A\nPassEnvironment=A\n",
            Cause::Unsupported,
            "k.service:3",
        ),
        (
            "[Service]\nExecStart=/bin/k $HOME\n",
            Cause::Unsupported,
            "k.service:2",
        ),
        ("[Service]\nExecStart=k\n", Cause::Missing, "k.service:2"),
        ("[Service\n", Cause::WouldRefuse, "k.service:1"),
    ] {
        let unknown = start("k.service", &[(unit, content)]).unwrap_err();
        assert_eq!(unknown.cause, cause, "{content}: {unknown:?}");
        assert!(unknown.reason.contains(part), "{content}: {unknown:?}");
    }
    assert_eq!(start("k.service", &[]).unwrap_err().cause, Cause::Missing);
}

#[test]
fn no_secret_stays_and_the_next_start_stays_the_same() {
    let fragment = "[Service]\n# --token=CANARY1\nExecStart=/bin/k --token=CANARY2\nSetCredential=x:CANARY3\nEnvironment=PLAIN=CANARY4 \"ARGS=--v=2 --token CANARY5\"\n\
        ExecStart=\nExecStart=/bin/k --password \\\n  CANARY6 $ARGS --x='${SHOWN}' \\\n  $MORE --client-secret=${TOKEN} tail\nEnvironmentFile=/etc/k.env\n";
    let environment = "# password CANARY7\nSHOWN=fine\nTOKEN=CANARY0\nMORE='--token=CANARY8 \\\n  --v=3'\nOTHER=\"CANARY9\n\"\nMORE=\"--token=CANARY8 \\\n  --v=3\"\n";
    let files = [
        ("/etc/systemd/system/k.service", fragment),
        ("/etc/k.env", environment),
    ];
    let mut service = facts("k.service", &files, needs);
    let before = next_start(&service).unwrap();
    redact(&mut service);
    let text = format!("{service:?}");
    assert!(!text.contains("CANARY"), "{text}");
    let after = next_start(&service).unwrap();
    let arguments = before
        .arguments
        .iter()
        .map(|argument| argument.text.clone())
        .collect();
    let expected = crate::secrets::redact_arguments(arguments);
    let texts: Vec<_> = after
        .arguments
        .iter()
        .map(|argument| argument.text.clone())
        .collect();
    assert_eq!(texts, expected);
    let lines = |next: &NextStart| {
        next.arguments
            .iter()
            .map(|argument| argument.origin.line)
            .collect::<Vec<_>>()
    };
    assert_eq!(lines(&before), lines(&after));
    let once = service.clone();
    redact(&mut service);
    assert_eq!(service, once, "redacting again changes something");
}

#[test]
fn what_is_not_understood_is_withheld_with_its_reason() {
    let files = [(
        "/etc/systemd/system/k.service",
        "[Service]\nExecStart=/bin/k --token=CANARY %H\n",
    )];
    let mut service = facts("k.service", &files, needs);
    let before = next_start(&service).unwrap_err();
    redact(&mut service);
    assert!(!format!("{service:?}").contains("CANARY"));
    assert_eq!(next_start(&service).unwrap_err(), before);
}

#[test]
fn the_program_of_a_fragment_is_named() {
    for (content, expected) in [
        (
            "[Service]\nExecStart=-/usr/bin/kubelet --v=2\n",
            Some("/usr/bin/kubelet"),
        ),
        ("[Service]\nExecStart=/a\nExecStart=\n", None),
        ("[Unit]\nExecStart=/a\n", None),
    ] {
        assert_eq!(
            program(content.as_bytes()),
            expected.map(Bytes::from),
            "{content}"
        );
    }
}

#[test]
fn other_files_in_place_of_an_environment_file_leave_nothing_behind() {
    let unit = "[Service]\nEnvironmentFile=/opt/other\nExecStart=/bin/k $A\n";
    for (other, is_told) in [
        (
            "-----BEGIN PRIVATE KEY-----\nQ0FOQVJZ\nCANARY/+x==\n-----END PRIVATE KEY-----\nA=--v=2\n",
            true,
        ),
        (
            "root:$6$CANARY$CANARY/:19000:0:99999:7:::\ndaemon:CANARY:19000::::::\n\n\nA=--v=2\n",
            true,
        ),
        ("9CANARY=\"x\n\nCANARY\"\n\nA=--v=2\n", true),
        (
            "-----BEGIN PRIVATE KEY-----\nQ0FO\nCANARY==\n\nA=--v=2\n",
            false,
        ),
    ] {
        let files = [
            ("/etc/systemd/system/k.service", unit),
            ("/opt/other", other),
        ];
        let whole = facts("k.service", &files, needs);
        let before = next_start(&whole);
        assert_eq!(before.is_ok(), is_told, "{other}: {before:?}");
        let mut redacted = whole.clone();
        redact(&mut redacted);
        let text = format!("{redacted:?}");
        assert!(!text.contains("CANARY") && !text.contains("Q0FO"), "{text}");
        if is_told {
            let after = next_start(&redacted).unwrap();
            assert_eq!(
                shown(&after),
                ["/bin/k k.service:3:11", "--v=2 $A other:5:1"]
            );
        } else {
            assert!(next_start(&redacted).is_err());
        }
    }
}

#[test]
fn listings_keep_only_what_the_service_is_made_of() {
    let files = [
        (
            "/etc/systemd/system/k.service",
            "[Service]\nExecStart=/bin/k\n",
        ),
        (
            "/etc/systemd/system/k.service.d/a.conf",
            "[Service]\nNice=1\n",
        ),
        (
            "/etc/systemd/system/service.d/b.conf",
            "[Service]\nNice=1\n",
        ),
        (
            "/etc/systemd/system/other.service",
            "[Service]\nExecStart=/bin/o\n",
        ),
        (
            "/usr/lib/systemd/system/k.service",
            "[Service]\nExecStart=/bin/old\n",
        ),
        (
            "/usr/lib/systemd/system/other.service.d/c.conf",
            "[Service]\nNice=1\n",
        ),
    ];
    let mut service = facts("k.service", &files, needs);
    let before = next_start(&service);
    redact(&mut service);
    assert_eq!(next_start(&service), before);
    let folders = service.files.iter().filter(|file| {
        SEARCH_PATH
            .iter()
            .any(|folder| file.need.path == format!("{folder}/").as_str())
    });
    let names: Vec<String> = folders
        .flat_map(|folder| folder.entries.iter().flatten())
        .map(|entry| entry.name.to_string())
        .collect();
    assert_eq!(
        names,
        ["k.service", "k.service.d", "service.d", "k.service"]
    );
}
