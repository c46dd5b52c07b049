//! What machines read: JSON, JSON lines, YAML.

mod common;

use common::{compliant, empty, fleet, one_node, shown};
use insta::assert_snapshot;
use kubeassay_core::Value as CoreValue;
use kubeassay_core::report::{Finding, Report};
use kubeassay_report::{Format, yaml};
use proptest::prelude::{Just, Strategy, any, prop, prop_assert_eq, prop_oneof, proptest};
use serde_json::{Map, Value, json};

fn reports() -> [Report; 4] {
    [one_node(), fleet(), compliant(), empty()]
}

#[test]
fn documents_as_they_are_written() {
    assert_snapshot!("json", shown(&one_node(), Format::Json, 80, false));
    assert_snapshot!("jsonl", shown(&one_node(), Format::Jsonl, 80, false));
    assert_snapshot!("yaml", shown(&one_node(), Format::Yaml, 80, false));
}

#[test]
fn findings_are_sorted_by_node_rule_subject_and_horizon() {
    let document: Value = serde_json::from_str(&shown(&fleet(), Format::Json, 80, false)).unwrap();
    let order: Vec<_> = document["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| {
            (
                finding["node"].to_string(),
                finding["rule"].to_string(),
                finding["subject"]["key"].to_string(),
                ["running", "restart"]
                    .iter()
                    .position(|horizon| finding["horizon"] == *horizon),
            )
        })
        .collect();
    assert!(order.is_sorted(), "{order:#?}");
}

#[test]
fn lines_hold_the_same_report_as_the_document() {
    for report in reports() {
        let document: Value =
            serde_json::from_str(&shown(&report, Format::Json, 80, false)).unwrap();
        let lines: Vec<Value> = shown(&report, Format::Jsonl, 80, false)
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let [header, between @ .., last] = lines.as_slice() else {
            panic!("{lines:?}")
        };
        assert_eq!([&header["kind"], &last["kind"]], ["header", "summary"]);

        let mut together = Map::new();
        for line in [header, last] {
            together.extend(line.as_object().unwrap().clone());
        }
        together.remove("kind");
        for late in ["finished", "coverage"] {
            together["scanned"][late] = together.remove(late).unwrap();
        }
        let (mut nodes, mut findings) = (Vec::new(), Vec::new());
        for line in between {
            let mut line = line.clone();
            let kind = line.as_object_mut().unwrap().remove("kind").unwrap();
            match kind.as_str() {
                Some("node") => nodes.push(line),
                Some("finding") => {
                    assert_eq!(nodes.last().unwrap()["id"], line["node"]);
                    findings.push(line);
                }
                _ => panic!("{kind}"),
            }
        }
        // A document has them sorted.
        nodes.sort_by_key(|node| node["name"].to_string());
        let order = document["findings"].as_array().unwrap();
        findings.sort_by_key(|line| order.iter().position(|one| one["id"] == line["id"]));
        together["scanned"]["nodes"] = Value::Array(nodes);
        together.insert("findings".to_owned(), Value::Array(findings));
        assert_eq!(Value::Object(together), document);
    }
}

#[test]
fn yaml_holds_the_same_report_as_json() {
    for report in reports() {
        let document: Value =
            serde_json::from_str(&shown(&report, Format::Json, 80, false)).unwrap();
        assert_eq!(read(&shown(&report, Format::Yaml, 80, false)), document);
    }
}

#[test]
fn invisible_marks_are_escaped_and_not_lost() {
    let text = "\u{202e}oohbeW\u{9b}31m\u{7f}\u{e0041}\u{feff}\u{2028} größer 日本";
    let value = json!({ text: text });
    let (mut as_json, mut as_yaml) = (Vec::new(), Vec::new());
    kubeassay_report::json::write(&value, &mut as_json).unwrap();
    yaml::write(&value, &mut as_yaml).unwrap();
    let (as_json, as_yaml) = (
        String::from_utf8(as_json).unwrap(),
        String::from_utf8(as_yaml).unwrap(),
    );
    for shown in [&as_json, &as_yaml] {
        assert_eq!(
            kubeassay_core::text::escape(shown).replace("\\n", "\n"),
            *shown
        );
        assert!(shown.contains("größer 日本"), "{shown}");
    }
    assert_eq!(serde_json::from_str::<Value>(&as_json).unwrap(), value);
    assert_eq!(read(&as_yaml), value);
}

#[test]
fn yaml_quotes_what_a_reader_would_take_for_something_else() {
    let strings = [
        "yes",
        "No",
        "ON",
        "off",
        "y",
        "N",
        "true",
        "null",
        "~",
        "",
        "010",
        "0o17",
        "0x1f",
        "1_000",
        "1:30",
        "2026-11-02",
        "1.5",
        ".5",
        "1e3",
        ".inf",
        "NaN",
        "<<",
        "=",
        "-",
        "?",
        "- a",
        "a: b",
        "a:",
        "a #b",
        "#a",
        "*a",
        "&a",
        "!a",
        "|",
        ">",
        "%a",
        "@a",
        "`a",
        "'a",
        "\"a",
        "[a",
        "{a",
        " a",
        "a ",
        "a\nb",
        "\ta",
        "---",
        "...",
        "+1",
        "_1",
    ];
    for string in strings {
        let mut out = Vec::new();
        yaml::write(&json!([string, {string: 1}]), &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.starts_with("- \""), "{text}");
        assert!(text.contains("\n- \""), "{text}");
        assert_eq!(read(&text), json!([string, {string: 1}]));
    }
    let bare = [
        "kubelet",
        "/var/lib/kubelet",
        "sha256-x",
        "the kubelet asks (once)",
        "cis-eks",
    ];
    for string in bare {
        let mut out = Vec::new();
        yaml::write(&json!(string), &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), format!("{string}\n"));
    }
}

#[test]
fn yaml_numbers_are_numbers_to_a_1_1_reader() {
    for (number, text) in [
        (json!(1e300), "1.0e+300\n"),
        (json!(1.5e-12), "1.5e-12\n"),
        (json!(0.9), "0.9\n"),
        (json!(-1), "-1\n"),
        (json!(u64::MAX), "18446744073709551615\n"),
    ] {
        let mut out = Vec::new();
        yaml::write(&number, &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), text);
    }
}

fn read(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[-+~<>=0-9_.:eyYnN# ]{0,8}",
        "[a-z \\n\\t\"'\\\\\u{85}\u{2028}\u{202e}]{0,12}",
        Just("k".repeat(1500)),
    ]
}

fn values() -> impl Strategy<Value = Value> {
    let scalars = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        texts().prop_map(Value::from),
    ];
    scalars.prop_recursive(5, 64, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(texts(), inner, 0..6)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_value_survives_yaml(value in values()) {
        let mut out = Vec::new();
        yaml::write(&value, &mut out).unwrap();
        prop_assert_eq!(read(std::str::from_utf8(&out).unwrap()), value);
    }
}

/// Puts `text` and `float` in the places of a report that hold a host's words and numbers.
fn with_words_of_a_host(mut report: Report, text: &str, float: f64) -> Report {
    for node in &mut report.scanned.nodes {
        text.clone_into(&mut node.name);
        node.hostname = Some(text.into());
    }
    for finding in &mut report.findings {
        text.clone_into(&mut finding.reason);
        finding.assumes.push(text.to_owned());
        for evidence in &mut finding.evidence {
            let entries = [(text.to_owned(), CoreValue::Float(float))];
            evidence.value = CoreValue::Map(entries.into_iter().collect());
        }
    }
    report
}

proptest! {
    /// The same report has the same bytes: also once it was read and is written again, by whatever wrote it.
    #[test]
    fn a_report_that_is_read_and_written_again_has_the_same_bytes(
        which in 0_usize..4,
        text in texts(),
        float in any::<f64>(),
    ) {
        let report = with_words_of_a_host(reports()[which].clone(), &text, float);
        let once = shown(&report, Format::Json, 80, false);
        prop_assert_eq!(&shown(&report, Format::Json, 80, true), &once);
        let read: Report = serde_json::from_str(&once).unwrap();
        prop_assert_eq!(&shown(&read, Format::Json, 80, false), &once);
        // Another program may sort keys and leave out white space.
        let sorted = serde_json::to_string(&serde_json::from_str::<Value>(&once).unwrap()).unwrap();
        let read: Report = serde_json::from_str(&sorted).unwrap();
        prop_assert_eq!(&shown(&read, Format::Json, 80, false), &once);
        // Nothing was lost on the way; the writer chooses the order.
        let sorted = |mut report: Report| {
            let key = |one: &Finding| serde_json::to_string(one).unwrap();
            report.findings.sort_by_cached_key(key);
            report.scanned.nodes.sort_by(|one, other| one.id.cmp(&other.id));
            report
        };
        prop_assert_eq!(sorted(read), sorted(report));
    }
}
