//! Whatever the layers say, the highest one that speaks decides, and everything below it is remembered.

#![expect(clippy::unwrap_used, reason = "what is not there fails the test")]

use kubeassay_config::kubelet::{Documents, When, resolve};
use kubeassay_config::tables::Minor;
use kubeassay_core::facts::{Entry, FileFacts, FileKind, Moment, Need, NeedKind, ProcessFacts};
use kubeassay_core::{Bytes, Cause, OriginKind, Value};
use proptest::prelude::{Just, Strategy, proptest};
use proptest::{collection, option, prop_oneof};

const CONFIG: &str = "/etc/k/config.yaml";
const DROP_INS: &str = "/etc/k/conf.d";

/// What each layer says of `maxPods`; `None` is silence.
#[derive(Clone, Debug)]
struct Layers {
    file: Option<i64>,
    drop_ins: Vec<Option<i64>>,
    flags: Vec<i64>,
}

fn layers() -> impl Strategy<Value = Layers> {
    let said = || option::of(1_i64..500);
    (
        said(),
        collection::vec(said(), 0..4),
        collection::vec(1_i64..500, 0..3),
    )
        .prop_map(|(file, drop_ins, flags)| Layers {
            file,
            drop_ins,
            flags,
        })
}

fn text(said: Option<i64>) -> String {
    let head = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n";
    said.map_or_else(
        || head.to_owned(),
        |pods| format!("{head}maxPods: {pods}\n"),
    )
}

fn file(path: &str, content: &str) -> FileFacts {
    let need = Need {
        what: NeedKind::Content,
        path: Bytes::from(path),
    };
    FileFacts {
        kind: Some(FileKind::Regular),
        content: Some(Bytes::from(content)),
        problem: None,
        ..FileFacts::unread(need, Cause::Missing, "")
    }
}

fn process(layers: &Layers) -> ProcessFacts {
    let mut argv = vec![
        "kubelet".to_owned(),
        format!("--config={CONFIG}"),
        format!("--config-dir={DROP_INS}"),
    ];
    argv.insert(1, "--kubeconfig=/etc/k/kubeconfig".to_owned());
    argv.extend(layers.flags.iter().map(|pods| format!("--max-pods={pods}")));
    let names: Vec<String> = (0..layers.drop_ins.len())
        .map(|index| format!("{index}0.conf"))
        .collect();
    let entry = |name: &String| Entry {
        name: Bytes::from(name.as_str()),
        kind: FileKind::Regular,
    };
    let listing = FileFacts {
        kind: Some(FileKind::Directory),
        entries: Some(names.iter().map(entry).collect()),
        problem: None,
        ..FileFacts::unread(
            Need {
                what: NeedKind::Listing,
                path: Bytes::from(DROP_INS),
            },
            Cause::Missing,
            "",
        )
    };
    let mut files = vec![file(CONFIG, &text(layers.file)), listing];
    for (name, said) in names.iter().zip(&layers.drop_ins) {
        files.push(file(&format!("{DROP_INS}/{name}"), &text(*said)));
    }
    ProcessFacts {
        cwd: Some(Bytes::from("/")),
        environment: Some(
            [(
                "KUBELET_CONFIG_DROPIN_DIR_ALPHA".to_owned(),
                Bytes::default(),
            )]
            .into(),
        ),
        started: Some(Moment {
            at: "2026-01-01T00:00:00Z".parse().unwrap(),
            error_ms: 10,
        }),
        files,
        ..ProcessFacts::new(1, argv.into_iter().map(Bytes::from).collect())
    }
}

proptest! {
    #[test]
    fn the_highest_layer_that_speaks_decides(layers in layers(), minor in prop_oneof![Just(29_u8), 30_u8..=36]) {
        let resolution = resolve(&Documents::new(&process(&layers)), Minor(minor), When::Started);
        assert_eq!(resolution.refusal, None);
        let setting = resolution.setting("maxPods").unwrap();
        let drop_in = layers.drop_ins.iter().rev().copied().flatten().next();
        let (wanted, kind) = match (layers.flags.last(), drop_in, layers.file) {
            (Some(pods), ..) => (*pods, OriginKind::Flag),
            (None, Some(pods), _) => (pods, OriginKind::DropIn),
            (None, None, Some(pods)) => (pods, OriginKind::File),
            (None, None, None) => (110, OriginKind::Default),
        };
        assert_eq!((setting.value(), setting.origin.kind), (Some(Value::Int(wanted)), kind), "{layers:?}");
        // Every layer that spoke and lost is in what was overridden, latest first.
        let mut losers: Vec<i64> = layers.file.into_iter().collect();
        losers.extend(layers.drop_ins.iter().copied().flatten());
        losers.extend(&layers.flags);
        losers.pop();
        losers.reverse();
        let overrode = setting.overrode.iter().filter(|past| past.origin.kind != OriginKind::Default);
        let found: Vec<Value> = overrode.map(|past| past.value.clone()).collect();
        let wanted: Vec<Value> = losers.into_iter().map(Value::Int).collect();
        assert_eq!(found, wanted, "{layers:?} {minor}");
    }

    /// 1.28 takes each drop-in for a whole configuration: the last one decides, by its default if it is silent.
    #[test]
    fn in_1_28_the_last_drop_in_decides(layers in layers()) {
        let resolution = resolve(&Documents::new(&process(&layers)), Minor(28), When::Started);
        let setting = resolution.setting("maxPods").unwrap();
        let wanted = match (layers.flags.last(), layers.drop_ins.last()) {
            (Some(pods), _) => *pods,
            (None, Some(said)) => said.unwrap_or(110),
            (None, None) => layers.file.unwrap_or(110),
        };
        assert_eq!(setting.value(), Some(Value::Int(wanted)), "{layers:?}");
    }
}
