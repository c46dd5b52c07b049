//! The ladder of `explain`, the list of rules, and the words for places.

#![expect(
    clippy::unwrap_used,
    reason = "clippy takes helpers of tests for no tests"
)]

mod common;

use std::sync::Arc;

use common::{CONFIG, file, subject};
use insta::assert_snapshot;
use kubeassay_core::explanation::{Explanation, Layer, LayerState};
use kubeassay_core::{Origin, OriginKind, Place, Severity, Value};
use kubeassay_report::list::{RuleRow, write_rules};
use kubeassay_report::{Style, describe_origin, explain};

fn layer(name: &str, state: LayerState, value: Option<Value>, origin: Option<Origin>) -> Layer {
    Layer {
        name: name.to_owned(),
        state,
        value,
        origin,
        note: None,
    }
}

fn with_text(origin: Origin, text: &str) -> Origin {
    Origin {
        text: Some(Arc::new(text.into())),
        ..origin
    }
}

fn explanation() -> Explanation {
    let value = |text: &str| Some(Value::string(text));
    let config = with_text(file(OriginKind::File, CONFIG, 10, 9), "  mode: Webhook");
    let drop_in = file(
        OriginKind::DropIn,
        "/etc/kubernetes/kubelet.conf.d/20-legacy.conf",
        4,
        9,
    );
    let argument = with_text(
        Origin::flag("authorization-mode", 3),
        "--authorization-mode=AlwaysAllow",
    );
    Explanation {
        setting: "kubelet.authorization.mode".to_owned(),
        subject: subject(),
        versions: vec!["1.34.2".to_owned()],
        layers: vec![
            layer(
                "defaults of 1.34",
                LayerState::Overridden,
                value("Webhook"),
                Some(Origin::default_of("1.34")),
            ),
            layer(
                &format!("--config {CONFIG}"),
                LayerState::Overridden,
                value("Webhook"),
                Some(config),
            ),
            layer(
                "--config-dir",
                LayerState::Overridden,
                value("AlwaysAllow"),
                Some(with_text(drop_in, "  mode: AlwaysAllow")),
            ),
            layer(
                "arguments",
                LayerState::Won,
                value("AlwaysAllow"),
                Some(argument),
            ),
            layer("feature gates", LayerState::Silent, None, None),
            layer("live configuration", LayerState::Absent, None, None),
        ],
        effective: value("AlwaysAllow"),
        verdict_line: Some("FAIL 4.2.2: authorization.mode is AlwaysAllow".to_owned()),
        notes: vec![format!(
            "{CONFIG} has not changed since the process started"
        )],
    }
}

fn unread() -> Explanation {
    let path = Origin {
        path: Some(Arc::new(CONFIG.into())),
        ..Origin::new(OriginKind::File)
    };
    Explanation {
        versions: vec!["1.33".to_owned(), "1.34".to_owned()],
        layers: vec![
            layer(
                "defaults",
                LayerState::Overridden,
                Some(Value::string("Webhook")),
                Some(Origin::default_of("1.34")),
            ),
            Layer {
                note: Some("permission denied; scan as root".to_owned()),
                ..layer("--config", LayerState::Unread, None, Some(path))
            },
            layer("arguments", LayerState::Silent, None, None),
        ],
        effective: None,
        verdict_line: Some(format!("UNKNOWN 4.2.2: {CONFIG} could not be read")),
        notes: Vec::new(),
        ..explanation()
    }
}

fn shown(explanation: &Explanation, width: usize, colour: bool) -> String {
    let mut out = Vec::new();
    explain::write(explanation, Style { width, colour }, &mut out).unwrap();
    String::from_utf8(out).unwrap().replace('\x1b', "^[")
}

#[test]
fn every_layer_and_the_one_that_won() {
    assert_snapshot!("explain_80", shown(&explanation(), 80, false));
    assert_snapshot!("explain_40", shown(&explanation(), 40, false));
    assert_snapshot!("explain_80_colour", shown(&explanation(), 80, true));
}

#[test]
fn an_unread_layer_leaves_the_value_unknown() {
    assert_snapshot!("explain_unread_80", shown(&unread(), 80, false));
}

#[test]
fn explanations_have_a_form_in_json() {
    let json = serde_json::to_value(unread()).unwrap();
    assert_eq!(json["layers"][1]["state"], "unread");
    assert_eq!(json["effective"], serde_json::Value::Null);
}

#[test]
fn rules_in_a_list() {
    let row = |id: &str, control: Option<&str>, severity, title: &str| RuleRow {
        id: id.to_owned(),
        control: control.map(str::to_owned),
        severity,
        title: title.to_owned(),
    };
    let rows = [
        row(
            "kubelet-anonymous-auth",
            Some("4.2.1"),
            Severity::Critical,
            "the kubelet refuses anonymous requests",
        ),
        row(
            "kubelet-authorization-mode",
            Some("4.2.2"),
            Severity::High,
            "the kubelet asks the API server to authorize requests",
        ),
        row(
            "acme-banner",
            None,
            Severity::Low,
            "the kubelet greets nobody",
        ),
    ];
    let shown = |width| {
        let mut out = Vec::new();
        write_rules(
            &rows,
            Style {
                width,
                colour: false,
            },
            &mut out,
        )
        .unwrap();
        String::from_utf8(out).unwrap()
    };
    assert_snapshot!("rules_80", shown(80));
    assert_snapshot!("rules_50", shown(50));
}

#[test]
fn places_in_words() {
    let merged = Origin {
        via: vec![Place { line: 3, column: 7 }],
        ..file(OriginKind::File, CONFIG, 10, 9)
    };
    let environment = Origin {
        variable: Some("KUBELET_EXTRA_ARGS".into()),
        ..file(OriginKind::Environment, "/etc/default/kubelet", 2, 1)
    };
    let named = |kind, name: &str| Origin {
        name: Some(name.into()),
        ..Origin::new(kind)
    };
    let live = Origin {
        url: Some("https://10.0.0.7:10250/configz".into()),
        ..Origin::new(OriginKind::Live)
    };
    for (origin, words) in [
        (Origin::default_of("1.34"), "default of 1.34"),
        (
            file(OriginKind::File, CONFIG, 10, 9),
            "/var/lib/kubelet/config.yaml:10:9",
        ),
        (
            merged,
            "/var/lib/kubelet/config.yaml:10:9 (by way of line 3:7)",
        ),
        (
            file(OriginKind::DropIn, "/etc/k.d/1.conf", 2, 3),
            "drop-in /etc/k.d/1.conf:2:3",
        ),
        (
            with_text(Origin::flag("v", 3), "--v=2"),
            "argument 3: --v=2",
        ),
        (Origin::flag("token", 4), "argument 4: --token"),
        (
            environment,
            "environment variable KUBELET_EXTRA_ARGS, set by /etc/default/kubelet:2:1",
        ),
        (
            with_text(
                file(OriginKind::Unit, "/etc/k.service", 9, 1),
                "ExecStart=kubelet",
            ),
            "unit file /etc/k.service:9:1: ExecStart=kubelet",
        ),
        (
            file(OriginKind::Unit, "/etc/k.service", 9, 1),
            "unit file /etc/k.service:9:1",
        ),
        (live, "live configuration at https://10.0.0.7:10250/configz"),
        (
            named(OriginKind::Api, "kube-system/kubelet-config"),
            "API object kube-system/kubelet-config",
        ),
    ] {
        assert_eq!(describe_origin(&origin), words);
    }
}
