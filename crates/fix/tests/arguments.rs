//! Arguments of services: what becomes of the files when one is taken out, changed or added, and that nothing else does.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::type_complexity,
    reason = "tables are written out, and tests fail where something is not as it should be"
)]

#[path = "../../config/tests/systemd/host.rs"]
mod host;

use std::fmt::Write as _;

use kubeassay_config::units::{needs, next_start};
use kubeassay_core::Bytes;
use kubeassay_core::facts::ServiceFacts;
use kubeassay_fix::edit::arguments::{Change, Rewritten, rewrite};
use proptest::prelude::*;

const UNIT: &str = "kubelet.service";
const ETC: &str = "/etc/systemd/system/kubelet.service";
const DROP_IN: &str = "/etc/systemd/system/kubelet.service.d/20-site.conf";
const PACKAGED: &str = "/usr/lib/systemd/system/kubelet.service";
const PACKAGED_DROP_IN: &str = "/usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf";
const OURS: &str = "/etc/systemd/system/kubelet.service.d/90-kubeassay.conf";
const DEFAULT: &str = "/etc/default/kubelet";

/// What becomes of the first argument that begins with `--mode`, and of its value where that is the next one.
enum What {
    Gone,
    Becomes(&'static str),
    /// Something is added behind all others.
    Added(&'static str),
}

fn arguments(service: &ServiceFacts) -> Vec<String> {
    let next = next_start(service).unwrap();
    next.arguments
        .iter()
        .map(|one| one.text.to_string())
        .collect()
}

/// Returns the file that changes, and the arguments that the next start then has.
fn changed(files: &[(&str, &str)], what: &What) -> Result<(Rewritten, Vec<String>), String> {
    let service = host::facts(UNIT, files, needs);
    let before = arguments(&service);
    let change = match what {
        What::Added(text) => Change::Append(vec![Bytes::from(*text)]),
        What::Gone | What::Becomes(_) => {
            let index = before
                .iter()
                .position(|one| one.starts_with("--mode"))
                .unwrap();
            let count = if before[index].contains('=') { 1 } else { 2 };
            let with = match what {
                What::Becomes(text) => vec![Bytes::from(*text)],
                _ => Vec::new(),
            };
            Change::Replace { index, count, with }
        }
    };
    let rewritten = rewrite(&service, &change).map_err(|refused| refused.reason)?;
    let text = String::from_utf8(rewritten.content.clone()).unwrap();
    let path = rewritten.path.to_string();
    let mut files: Vec<(&str, &str)> = files
        .iter()
        .copied()
        .filter(|(file, _)| *file != path)
        .collect();
    files.push((&path, &text));
    let after = arguments(&host::facts(UNIT, &files, needs));
    Ok((rewritten, after))
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn an_argument_is_changed_where_it_stands_and_the_rest_of_the_file_stays() {
    use What::{Added, Becomes, Gone};
    let reads = "[Service]\nEnvironmentFile=-/etc/default/kubelet\nExecStart=/usr/bin/kubelet --v=2 $EXTRA\n";
    let command =
        |text: &str| format!("[Service]\nExecStart=/usr/bin/kubelet {text}\nRestart=always\n");
    let own = |text: &str| vec![(ETC, command(text))];
    let value = |text: &str| vec![(ETC, reads.to_owned()), (DEFAULT, text.to_owned())];
    let variable = |text: &str| {
        vec![
            (ETC, reads.to_owned()),
            (DROP_IN, format!("[Service]\nEnvironment={text}\n")),
        ]
    };
    // The files, what is changed, the file that changes, and its new content.
    let cases: Vec<(Vec<(&str, String)>, What, &str, String)> = vec![
        (own("--mode=A --v=2"), Gone, ETC, command("--v=2")),
        (own("--v=2 --mode=A"), Gone, ETC, command("--v=2")),
        (own("--v=2 --mode A --x"), Gone, ETC, command("--v=2 --x")),
        (
            own("--v=2  '--mode=A'   --x"),
            Gone,
            ETC,
            command("--v=2   --x"),
        ),
        (own("\"--mode\" 'A' --x"), Gone, ETC, command("--x")),
        (
            own("--v=2 --mode=\"A\" --x"),
            Gone,
            ETC,
            command("--v=2 --x"),
        ),
        (
            own("--v=2 --mode='A'"),
            Becomes("--mode=W"),
            ETC,
            command("--v=2 --mode=W"),
        ),
        (own("--m\\x6fde=A --x"), Gone, ETC, command("--x")),
        (own("--mode=%p --x"), Gone, ETC, command("--x")),
        (own("--mode=$$a%%b --x"), Gone, ETC, command("--x")),
        (own("--mode=${NONE} --x"), Gone, ETC, command("--x")),
        (
            own("\\\n  --mode \\\n  A \\\n  --x"),
            Gone,
            ETC,
            command("\\\n  --x"),
        ),
        (
            own("--v=2 $NONE ;"),
            Added("--mode=W"),
            ETC,
            command("--v=2 $NONE --mode=W ;"),
        ),
        (
            own("--v=2 \\\n  # nothing more\n"),
            Added("--mode=W"),
            ETC,
            command("--v=2 --mode=W \\\n  # nothing more\n"),
        ),
        (
            own("--mode=A --v=2"),
            Becomes("--mode=W"),
            ETC,
            command("--mode=W --v=2"),
        ),
        (
            own("--mode A --v=2"),
            Becomes("--mode=W"),
            ETC,
            command("--mode=W --v=2"),
        ),
        (
            own("--mode=A"),
            Becomes("--mode=a b"),
            ETC,
            command("\"--mode=a b\""),
        ),
        (
            own("--mode=A"),
            Becomes("--mode=5%$x"),
            ETC,
            command("--mode=5%%$$x"),
        ),
        (
            own("--other=--mode=A --mode=A"),
            Gone,
            ETC,
            command("--other=--mode=A"),
        ),
        (
            own("--v=2"),
            Added("--mode=W"),
            ETC,
            command("--v=2 --mode=W"),
        ),
        (
            own("\\\n  --v=2 \\\n  --mode=A \\\n  --x"),
            Gone,
            ETC,
            command("\\\n  --v=2 \\\n  --x"),
        ),
        (
            own("\\\n  --v=2 \\\n  --mode=A"),
            Gone,
            ETC,
            command("\\\n  --v=2"),
        ),
        (
            own("\\\n  # a word\n  --mode=A \\\n  --x"),
            Gone,
            ETC,
            command("\\\n  # a word\n  --x"),
        ),
        (
            vec![(ETC, command("--mode=A --v=2").replace('\n', "\r\n"))],
            Gone,
            ETC,
            command("--v=2").replace('\n', "\r\n"),
        ),
        (
            vec![(
                ETC,
                format!("\u{feff}{}", command("--mode=A --v=2").trim_end()),
            )],
            Gone,
            ETC,
            format!("\u{feff}{}", command("--v=2").trim_end()),
        ),
        (
            value("EXTRA=--mode=A\n"),
            Gone,
            DEFAULT,
            "EXTRA=\n".to_owned(),
        ),
        (
            value("EXTRA=\"--mode=A\"\n"),
            Gone,
            DEFAULT,
            "EXTRA=\n".to_owned(),
        ),
        (
            value("# --mode=A\nEXTRA='--x --mode A'  \nB=1"),
            Gone,
            DEFAULT,
            "# --mode=A\nEXTRA='--x'  \nB=1".to_owned(),
        ),
        (
            value("EXTRA=\"--mode=A \\\n--x\"\n"),
            Gone,
            DEFAULT,
            "EXTRA=\"\\\n--x\"\n".to_owned(),
        ),
        (
            value("EXTRA=--mode=A --x\n"),
            Becomes("--mode=W"),
            DEFAULT,
            "EXTRA=--mode=W --x\n".to_owned(),
        ),
        (
            variable("EXTRA=--mode=A"),
            Gone,
            DROP_IN,
            "[Service]\nEnvironment=EXTRA=\n".to_owned(),
        ),
        (
            variable("'A=--mode=A' \"EXTRA=--mode=A --x\""),
            Gone,
            DROP_IN,
            "[Service]\nEnvironment='A=--mode=A' \"EXTRA=--x\"\n".to_owned(),
        ),
        (
            vec![
                (ETC, command("--v=1")),
                (
                    DROP_IN,
                    "[Service]\nExecStart=\nExecStart=/usr/bin/kubelet --mode=A\n".to_owned(),
                ),
            ],
            Gone,
            DROP_IN,
            "[Service]\nExecStart=\nExecStart=/usr/bin/kubelet\n".to_owned(),
        ),
    ];
    for (files, what, path, content) in cases {
        let files: Vec<(&str, &str)> = files
            .iter()
            .map(|(path, text)| (*path, text.as_str()))
            .collect();
        let (rewritten, _) =
            changed(&files, &what).unwrap_or_else(|reason| panic!("{files:?}: {reason}"));
        let text = String::from_utf8(rewritten.content).unwrap();
        assert_eq!(
            (rewritten.path.to_string().as_str(), text),
            (path, content),
            "{files:?}"
        );
        assert!(!rewritten.is_new);
    }
}

#[test]
fn a_file_of_a_package_is_covered_by_a_drop_in() {
    let command = "[Service]\nEnvironment=\"ARGS=--mode=A --name='x y' --load=5%%\"\nExecStart=\nExecStart=/usr/bin/kubelet \\\n  # a word\n  --v=2 --mode=B $ARGS\n";
    let last = "[Service]\nExecStart=\nExecStart=/usr/bin/kubelet --mode=A $EXTRA\n";
    let files: [(&str, &[(&str, &str)], &str, bool); 7] = [
        (
            "the command",
            &[
                (PACKAGED, "[Service]\nExecStart=/bin/k\n"),
                (PACKAGED_DROP_IN, command),
            ],
            OURS,
            true,
        ),
        (
            "a word that goes on in the next line",
            &[(
                PACKAGED,
                "[Service]\nExecStart=/usr/bin/kubelet '--x=a \\\n  b' --mode=A\n",
            )],
            OURS,
            true,
        ),
        (
            "quotes within a word, the last line of the command",
            &[(
                PACKAGED,
                "[Service]\r\nExecStart=/usr/bin/kubelet \\\r\n  --x \\\r\n  --mode=\"A\"\r\nRestart=no\r\n",
            )],
            OURS,
            true,
        ),
        (
            "a comment that ends in a backslash above",
            &[(
                PACKAGED,
                "[Service]\n# a=b \\\nExecStart=/usr/bin/kubelet --mode=A\n",
            )],
            OURS,
            true,
        ),
        (
            "a variable",
            &[(
                PACKAGED,
                "[Service]\nEnvironment=\"EXTRA=--mode=A --x\"\nExecStart=/usr/bin/kubelet $EXTRA\n",
            )],
            OURS,
            true,
        ),
        (
            "ours is there",
            &[
                (
                    PACKAGED,
                    "[Service]\nEnvironment=\"EXTRA=--mode=A --x\"\nExecStart=/usr/bin/kubelet $EXTRA\n",
                ),
                (OURS, "[Service]\nEnvironment=B=1"),
            ],
            OURS,
            false,
        ),
        (
            "a later one wins",
            &[
                (PACKAGED, "[Service]\nExecStart=/bin/k\n"),
                ("/run/systemd/system/kubelet.service.d/99-late.conf", last),
            ],
            "/etc/systemd/system/kubelet.service.d/zz-kubeassay.conf",
            true,
        ),
    ];
    for (name, files, path, is_new) in files {
        let before = arguments(&host::facts(UNIT, files, needs));
        let (rewritten, after) =
            changed(files, &What::Gone).unwrap_or_else(|reason| panic!("{name}: {reason}"));
        assert_eq!(
            (rewritten.path.to_string().as_str(), rewritten.is_new),
            (path, is_new),
            "{name}"
        );
        let at = before
            .iter()
            .position(|one| one.starts_with("--mode"))
            .unwrap();
        let mut expected = before;
        expected.remove(at);
        assert_eq!(after, expected, "{name}");
    }
}

#[test]
fn what_is_added_to_our_drop_in_has_its_line_ends() {
    let files = [
        (
            PACKAGED,
            "[Service]\nEnvironment=\"EXTRA=--mode=A --x\"\nExecStart=/usr/bin/kubelet $EXTRA\n",
        ),
        (OURS, "[Service]\r\nNice=1\r\n"),
    ];
    let (rewritten, after) = changed(&files, &What::Gone).unwrap();
    assert_eq!(after, ["/usr/bin/kubelet", "--x"]);
    let expected = "[Service]\r\nNice=1\r\n\r\n[Service]\r\nEnvironment=\"EXTRA=--x\"\r\n";
    assert_eq!(String::from_utf8(rewritten.content).unwrap(), expected);
}

#[test]
fn what_cannot_be_changed_alone_is_refused_with_its_place() {
    let shared = "[Service]\nEnvironment=\"A=--mode=A\"\nExecStart=/usr/bin/kubelet $A $A\n";
    let cases: [(&str, &[(&str, &str)], &str); 5] = [
        (
            "a variable that is expanded twice",
            &[(ETC, shared)],
            "kubelet.service:2",
        ),
        (
            "a comment in the middle",
            &[(
                ETC,
                "[Service]\nExecStart=/usr/bin/kubelet \\\n  --mode \\\n  # why\n  A\n",
            )],
            "kubelet.service:3",
        ),
        (
            "an empty variable in the middle",
            &[(
                ETC,
                "[Service]\nExecStart=/usr/bin/kubelet --mode $NONE A\n",
            )],
            "kubelet.service:2",
        ),
        (
            "our drop-in is masked",
            &[
                (PACKAGED, "[Service]\nExecStart=/usr/bin/kubelet --mode=A\n"),
                (OURS, "-> /dev/null"),
            ],
            "kubelet.service:2",
        ),
        (
            "a value elsewhere",
            &[(
                ETC,
                "[Service]\nEnvironment=M=A\nExecStart=/usr/bin/kubelet --mode $M\n",
            )],
            "kubelet.service:3",
        ),
    ];
    for (name, files, place) in cases {
        let reason = changed(files, &What::Gone).expect_err(name);
        assert!(reason.contains(place), "{name}: {reason}");
    }
}

/// A word as it may stand in a command or a variable.
fn word() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "--v=2",
        "--mode=A",
        "--mode=B",
        "'--x=a b'",
        "\"--y=c\"",
        "--z",
        "--load=5%%",
        "--other=--mode=A",
    ])
}

proptest! {
    #[test]
    fn the_next_start_is_the_one_before_with_the_change_made(
        literal in prop::collection::vec(word(), 0..4),
        value in prop::collection::vec(word(), 0..4),
        end in prop::sample::select(vec!["\n", "\r\n"]),
        is_packaged in any::<bool>(),
        in_file in any::<bool>(),
    ) {
        // What stands in a variable is quoted with the other kind of quotes there.
        let value = value.join(" ").replace('"', "'");
        let mut unit = format!("[Service]{end}");
        if in_file {
            write!(unit, "EnvironmentFile=/etc/default/kubelet{end}").unwrap();
        } else {
            write!(unit, "Environment=\"EXTRA={value}\"{end}").unwrap();
        }
        write!(unit, "ExecStart=/usr/bin/kubelet {} $EXTRA{end}", literal.join(" ")).unwrap();
        let path = if is_packaged { PACKAGED } else { ETC };
        let default = format!("# ours\nEXTRA=\"{}\"\n", value.replace("%%", "%"));
        let files = [(path, unit.as_str()), (DEFAULT, default.as_str())];
        let before = arguments(&host::facts(UNIT, &files, needs));
        let Some(at) = before.iter().position(|one| one.starts_with("--mode")) else {
            return Ok(());
        };
        for (what, with) in [(What::Gone, None), (What::Becomes("--mode=W"), Some("--mode=W"))] {
            let mut expected = before.clone();
            expected.splice(at..=at, with.map(str::to_owned));
            match changed(&files, &what) {
                Ok((rewritten, after)) => {
                    prop_assert_eq!(after, expected);
                    prop_assert_eq!(rewritten.is_new, is_packaged && !rewritten.path.to_string().contains("default"));
                }
                Err(reason) => prop_assert!(false, "{:?}: {}", files, reason),
            }
        }
    }
}
