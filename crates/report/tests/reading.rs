//! Reports that are read again: the same bytes come out, and what is no report is refused with the place and the mend.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::format_collect,
    reason = "clippy takes helpers of tests for no tests"
)]

mod common;

use std::io::Cursor;

use common::{compliant, empty, failing, fleet, in_pod, node, one_node, report, shown};
use kubeassay_core::report::{Finding, Node, NodeStatus, Report, Scanned};
use kubeassay_core::{Horizon, Value};
use kubeassay_report::read::{
    Limits, Piece, ReadError, ReadErrorKind, ReportFile, Survey, Written,
};
use kubeassay_report::stream::{Closing, Header, Scanning};
use kubeassay_report::{Format, Prose, Room, Style, json, renderer, renderer_within, yaml};
use proptest::prelude::{Just, Strategy, any, prop, prop_assert_eq, prop_oneof, proptest};

const FORMATS: [(Format, Written); 3] = [
    (Format::Json, Written::Json),
    (Format::Jsonl, Written::Lines),
    (Format::Yaml, Written::Yaml),
];

fn open(text: &str) -> Result<ReportFile<Cursor<Vec<u8>>>, ReadError> {
    open_bytes(text.as_bytes(), Limits::USUAL)
}

fn open_bytes(bytes: &[u8], limits: Limits) -> Result<ReportFile<Cursor<Vec<u8>>>, ReadError> {
    ReportFile::open("r", Cursor::new(bytes.to_vec()), limits)
}

fn pieces(file: &mut ReportFile<Cursor<Vec<u8>>>) -> Result<Vec<Piece>, ReadError> {
    let mut pieces = Vec::new();
    file.each(|piece| {
        pieces.push(piece);
        Ok::<(), ReadError>(())
    })?;
    Ok(pieces)
}

fn read_all(bytes: &[u8], limits: Limits) -> Result<(Survey, Vec<Piece>), ReadError> {
    let mut file = open_bytes(bytes, limits)?;
    let pieces = pieces(&mut file)?;
    Ok((file.survey().clone(), pieces))
}

/// Reads a report and renders it again, as it comes.
fn again(text: &str, format: Format) -> String {
    let mut file = open(text).unwrap();
    let style = Style {
        width: 80,
        colour: false,
    };
    let mut render = renderer(format, style, &Prose::default());
    let mut out = Vec::new();
    render
        .header(&file.survey().header.clone(), &mut out)
        .unwrap();
    for piece in pieces(&mut file).unwrap() {
        match piece {
            Piece::Node(node) => render.node(&node, &mut out).unwrap(),
            Piece::Finding(finding) => render.finding(&finding, &mut out).unwrap(),
        }
    }
    let closing = file.survey().closing.clone().unwrap();
    render.end(&closing, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn a_report_is_read_as_it_was_written_in_every_format_that_can_be_read() {
    for report in [one_node(), fleet(), compliant(), empty()] {
        for (format, written) in FORMATS {
            let text = shown(&report, format, 80, false);
            assert_eq!(open(&text).unwrap().written(), written);
            for (other, _) in FORMATS {
                if other == Format::Jsonl && format != Format::Jsonl {
                    // Which node comes first is not said of lines: the counts are the same.
                    let lines = shown(&report, other, 80, false);
                    assert_eq!(again(&text, other).lines().count(), lines.lines().count());
                    continue;
                }
                assert_eq!(
                    again(&text, other),
                    shown(&report, other, 80, false),
                    "{format}"
                );
            }
        }
    }
}

fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("</script>\u{202e}\u{1b}[31m=cmd|'/C calc'!A0\u{0}\u{feff}".to_owned()),
        Just("null".to_owned()),
        any::<String>(),
        "[ -~\n\t]{0,40}",
    ]
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        prop::num::f64::NORMAL.prop_map(Value::Float),
        texts().prop_map(Value::string),
        prop::collection::vec(any::<u8>(), 0..12).prop_map(Value::string),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::List),
            prop::collection::btree_map(texts(), inner, 0..4).prop_map(Value::Map),
        ]
    })
}

fn generated() -> impl Strategy<Value = Report> {
    let finding = (0_usize..4, texts(), values(), any::<bool>(), texts());
    let findings = prop::collection::vec(finding, 0..12);
    (findings, texts(), any::<bool>(), 0_usize..4).prop_map(|(parts, text, complete, count)| {
        let names = ["a", "b", "worker-1", "worker-10"];
        let nodes = names.iter().take(count).map(|name| node(name)).collect();
        let findings = parts
            .into_iter()
            .enumerate()
            .map(|(index, (of, text, value, pod, key))| {
                let mut finding = failing(names[of]);
                finding.id = format!("{index:032x}");
                if of >= count {
                    finding.node = None;
                }
                finding.reason = text;
                finding.subject.key = key;
                finding.evidence[0].value = value;
                if pod { in_pod(finding) } else { finding }
            })
            .collect();
        let mut report = report(nodes, findings);
        report.complete = complete;
        report.gate.reason = text;
        report
    })
}

proptest! {
    #[test]
    fn what_was_read_and_rendered_again_is_the_same_bytes(report in generated()) {
        for (format, _) in FORMATS {
            let text = shown(&report, format, 80, false);
            prop_assert_eq!(&again(&text, format), &text);
        }
    }

    #[test]
    fn whatever_is_cut_off_or_turned_over_is_refused_or_read(report in generated(), at in any::<prop::sample::Index>(), to in any::<u8>()) {
        for (format, _) in FORMATS {
            let mut bytes = shown(&report, format, 80, false).into_bytes();
            let at = at.index(bytes.len());
            let _read = read_all(&bytes[..at], Limits::USUAL);
            bytes[at] = to;
            let _read = read_all(&bytes, Limits::USUAL);
        }
    }
}

/// Renders a report as it comes, its findings waiting in `room`.
fn rendered(
    header: &Header,
    nodes: &[Node],
    findings: &[Finding],
    closing: &Closing,
    format: Format,
    room: Room,
) -> String {
    let style = Style {
        width: 80,
        colour: false,
    };
    let mut render = renderer_within(format, style, &Prose::default(), room);
    let mut out = Vec::new();
    render.header(header, &mut out).unwrap();
    for node in nodes {
        render.node(node, &mut out).unwrap();
    }
    for finding in findings {
        render.finding(finding, &mut out).unwrap();
    }
    render.end(closing, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn in_a_file(memory: usize) -> Room {
    Room::new(memory, || Ok(Box::new(Cursor::new(Vec::new()))))
}

proptest! {
    /// Whatever the order in which nodes answer, and wherever findings wait meanwhile: the document is what serde would
    /// write of the sorted report.
    #[test]
    fn a_document_has_the_bytes_of_the_whole_report(report in generated(), order in prop::collection::vec(any::<u8>(), 12), memory in 0_usize..20_000) {
        let mut report = report;
        let Scanned { started, finished, source, cluster, joined, nodes, coverage } = report.scanned.clone();
        let header = Header {
            schema: report.schema.clone(),
            tool: report.tool.clone(),
            scanned: Scanning { started, source, cluster, joined },
            rules: report.rules.clone(),
        };
        let closing = Closing {
            finished,
            coverage,
            problems: report.problems.clone(),
            summary: report.summary,
            gate: report.gate.clone(),
            complete: report.complete,
        };
        let mut numbered: Vec<(u8, Finding)> = order.iter().copied().zip(report.findings.clone()).collect();
        numbered.sort_by_key(|(number, _)| *number);
        for (number, finding) in &mut numbered {
            finding.horizon = [Horizon::Rebuild, Horizon::Restart, Horizon::Running][usize::from(*number) % 3];
        }
        let findings: Vec<Finding> = numbered.into_iter().map(|(_, finding)| finding).collect();
        let reversed: Vec<Node> = nodes.iter().rev().cloned().collect();

        report.findings.clone_from(&findings);
        report.findings.sort_by(|one, other| {
            let place = |of: &Finding| (of.node.clone(), of.rule.clone(), of.subject.key.clone(), of.horizon);
            place(one).cmp(&place(other))
        });
        report.scanned.nodes.sort_by_key(|node| (node.name.clone(), node.id.clone()));
        for format in [Format::Json, Format::Yaml] {
            let mut expected = Vec::new();
            let written = match format {
                Format::Json => json::write(&report, &mut expected),
                _ => yaml::write(&report, &mut expected),
            };
            written.unwrap();
            let expected = String::from_utf8(expected).unwrap();
            let no_file = Room::new(memory, || Err(std::io::ErrorKind::ReadOnlyFilesystem.into()));
            for room in [Room::MEMORY, in_a_file(memory), in_a_file(0), no_file] {
                let document = rendered(&header, &reversed, &findings, &closing, format, room);
                prop_assert_eq!(&document, &expected);
            }
        }
    }
}

/// A file that takes only so much.
struct Full(Cursor<Vec<u8>>);

impl std::io::Read for Full {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(into)
    }
}

impl std::io::Seek for Full {
    fn seek(&mut self, to: std::io::SeekFrom) -> std::io::Result<u64> {
        self.0.seek(to)
    }
}

impl std::io::Write for Full {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.0.get_ref().len() > 100_000 {
            return Err(std::io::ErrorKind::StorageFull.into());
        }
        self.0.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_file_that_is_full_is_told() {
    let report = fleet();
    let room = Room::new(0, || Ok(Box::new(Full(Cursor::new(Vec::new())))));
    let style = Style {
        width: 80,
        colour: false,
    };
    let mut render = renderer_within(Format::Json, style, &Prose::default(), room);
    let mut findings = report.findings.iter().cycle().take(1_000);
    let refused = findings.find_map(|finding| render.finding(finding, &mut Vec::new()).err());
    assert_eq!(
        refused.unwrap().to_string(),
        "cannot keep the findings in a temporary file"
    );
}

#[test]
fn keys_may_stand_in_any_order_and_unknown_ones_are_passed_over() {
    let text = shown(&fleet(), Format::Json, 80, false);
    let mut document: serde_json::Value = serde_json::from_str(&text).unwrap();
    // serde_json's own map sorts its keys: the findings come before what was scanned.
    document["later"] = serde_json::json!({"a": [1, "}"]});
    document["gate"]["later"] = true.into();
    let sorted = document.to_string();
    assert!(sorted.find("\"findings\"").unwrap() < sorted.find("\"scanned\"").unwrap());
    assert_eq!(again(&sorted, Format::Json), text);

    let lines = shown(&fleet(), Format::Jsonl, 80, false);
    let sorted: String = lines
        .lines()
        .map(|line| {
            format!(
                "{}\r\n",
                serde_json::from_str::<serde_json::Value>(line).unwrap()
            )
        })
        .collect();
    assert_eq!(again(&format!("\u{feff}{sorted}"), Format::Jsonl), lines);
}

#[test]
fn lines_that_were_cut_off_are_read_as_far_as_they_go() {
    let text = shown(&fleet(), Format::Jsonl, 80, false);
    let lines: Vec<&str> = text.lines().collect();
    let without_last = lines[..lines.len() - 1].join("\n");
    let (whole, all) = read_all(text.as_bytes(), Limits::USUAL).unwrap();
    assert!(whole.closing.is_some());
    for (cut, missing) in [
        (format!("{without_last}\n"), 0),
        (without_last.clone(), 0),
        // In the middle of the last finding.
        (without_last[..without_last.len() - 40].to_owned(), 1),
    ] {
        let (survey, pieces) = read_all(cut.as_bytes(), Limits::USUAL).unwrap();
        assert_eq!(survey.closing, None);
        assert_eq!(pieces.len(), all.len() - missing);
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn what_is_no_report_is_refused_with_the_place_and_the_mend() {
    let json = shown(&one_node(), Format::Json, 80, false);
    let lines = shown(&one_node(), Format::Jsonl, 80, false);
    let yaml = shown(&one_node(), Format::Yaml, 80, false);
    let with = |schema: &str| json.replacen("kubeassay.report/v1", schema, 1);
    let cases: Vec<(&str, String, ReadErrorKind, &str)> = vec![
        ("empty", " \n".into(), ReadErrorKind::Broken, "it is empty"),
        (
            "a control",
            "\u{1f}".into(),
            ReadErrorKind::Broken,
            "neither JSON",
        ),
        (
            "newer",
            with("kubeassay.report/v2"),
            ReadErrorKind::Schema,
            "line 2, column 13: its schema is kubeassay.report/v2, and this kubeassay reads kubeassay.report/v1; use the version that wrote it",
        ),
        (
            "facts",
            with("kubeassay.facts/v1"),
            ReadErrorKind::Facts,
            "scan --facts",
        ),
        (
            "another",
            with("kubeassay.plan/v1"),
            ReadErrorKind::Schema,
            "not kubeassay.report/v1",
        ),
        (
            "newer lines",
            lines.replacen("report/v1", "report/v3", 1),
            ReadErrorKind::Schema,
            "newer one",
        ),
        (
            "newer yaml",
            yaml.replacen("report/v1", "report/v3", 1),
            ReadErrorKind::Schema,
            "newer one",
        ),
        (
            "no schema",
            "{}".into(),
            ReadErrorKind::Schema,
            "has no schema",
        ),
        (
            "a list",
            "[1]".into(),
            ReadErrorKind::Broken,
            "neither JSON nor a YAML report",
        ),
        (
            "cut off",
            json[..json.len() / 2].into(),
            ReadErrorKind::Broken,
            "it was cut off",
        ),
        (
            "something behind",
            format!("{json}{json}"),
            ReadErrorKind::Broken,
            "a file of its own",
        ),
        (
            "lines behind",
            format!("{lines}{lines}"),
            ReadErrorKind::Broken,
            "a file of its own",
        ),
        (
            "no header",
            lines.split_once('\n').unwrap().1.into(),
            ReadErrorKind::Broken,
            "not the header",
        ),
        (
            "a verdict of another",
            json.replace("\"verdict\": \"fail\"", "\"verdict\": \"maybe\""),
            ReadErrorKind::Broken,
            "unknown variant `maybe`",
        ),
        (
            "twice",
            json.replacen("\"tool\":", "\"complete\": true, \"tool\":", 1),
            ReadErrorKind::Broken,
            "is there twice",
        ),
        (
            "twice within",
            json.replacen("\"possible\":", "\"possible\": true, \"possible\":", 1),
            ReadErrorKind::Broken,
            "duplicate field `possible`",
        ),
        (
            "twice in yaml",
            yaml.replacen("\ncomplete:", "\ncomplete: true\ncomplete:", 1),
            ReadErrorKind::Broken,
            "complete",
        ),
        (
            "missing",
            json.replacen("\"rules\":", "\"rulez\":", 1),
            ReadErrorKind::Broken,
            "\"rules\" is missing",
        ),
        (
            "no findings",
            json.replacen("\"findings\":", "\"findingz\":", 1),
            ReadErrorKind::Broken,
            "\"findings\" is missing",
        ),
        (
            "findings of a kind",
            json.replacen("\"findings\": [", "\"findings\": 7, \"other\": [", 1),
            ReadErrorKind::Broken,
            "findings are a list",
        ),
        (
            "deep",
            format!("{{\"schema\": {}", "[".repeat(100_000)),
            ReadErrorKind::TooLarge,
            "nested deeper",
        ),
        (
            "deep yaml",
            format!("schema: {}", "[".repeat(100_000)),
            ReadErrorKind::Broken,
            "neither JSON",
        ),
        (
            "bomb",
            format!("a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]\n{yaml}"),
            ReadErrorKind::Broken,
            "line",
        ),
        (
            "garbage",
            "{\"schema\" \"x\"}".into(),
            ReadErrorKind::Broken,
            "line 1, column 11: expected `:`",
        ),
        (
            "no value",
            "{\"schema\":}".into(),
            ReadErrorKind::Broken,
            "a value is missing",
        ),
    ];
    for (name, text, kind, said) in cases {
        let error = read_all(text.as_bytes(), Limits::USUAL).unwrap_err();
        let shown = error.to_string();
        assert!(
            shown.starts_with("r: ") && shown.contains(said),
            "{name}: {shown}"
        );
        assert_eq!(error.kind, kind, "{name}: {shown}");
    }
}

#[test]
fn what_is_not_utf_8_is_refused_where_it_stands() {
    for (format, _) in FORMATS {
        let mut bytes = shown(&one_node(), format, 80, false).into_bytes();
        let at = bytes
            .windows(11)
            .position(|part| part == b"AlwaysAllow")
            .unwrap();
        bytes[at] = 0xff;
        let error = read_all(&bytes, Limits::USUAL).unwrap_err();
        assert!(
            error.at.is_some_and(|(line, _)| line > 1),
            "{format}: {error}"
        );
    }
    let error = read_all(b"\x1f\x8b\x08\x00", Limits::USUAL).unwrap_err();
    assert!(error.to_string().contains("gunzip"), "{error}");
}

#[test]
fn everything_has_a_limit() {
    let small = Limits {
        yaml: 1000,
        element: 200,
        part: 100,
        nodes: 1,
        findings: 2,
    };
    let usual = Limits::USUAL;
    for (limits, format) in [
        (
            Limits {
                yaml: small.yaml,
                ..usual
            },
            Format::Yaml,
        ),
        (
            Limits {
                element: small.element,
                ..usual
            },
            Format::Json,
        ),
        (
            Limits {
                element: small.element,
                ..usual
            },
            Format::Jsonl,
        ),
        (
            Limits {
                part: small.part,
                ..usual
            },
            Format::Json,
        ),
        (
            Limits {
                nodes: small.nodes,
                ..usual
            },
            Format::Json,
        ),
        (
            Limits {
                nodes: small.nodes,
                ..usual
            },
            Format::Jsonl,
        ),
        (
            Limits {
                nodes: small.nodes,
                ..usual
            },
            Format::Yaml,
        ),
        (
            Limits {
                findings: small.findings,
                ..usual
            },
            Format::Json,
        ),
        (
            Limits {
                findings: small.findings,
                ..usual
            },
            Format::Jsonl,
        ),
        (
            Limits {
                findings: small.findings,
                ..usual
            },
            Format::Yaml,
        ),
    ] {
        let text = shown(&fleet(), format, 80, false);
        let error = read_all(text.as_bytes(), limits).unwrap_err();
        assert_eq!(
            error.kind,
            ReadErrorKind::TooLarge,
            "{format} {limits:?}: {error}"
        );
    }
}

#[test]
fn findings_of_a_node_that_stand_apart_are_refused() {
    let text = shown(&fleet(), Format::Jsonl, 80, false);
    let mut lines: Vec<&str> = text.lines().collect();
    let finding = lines.remove(2);
    assert!(finding.contains("\"finding\""));
    lines.insert(lines.len() - 1, finding);
    let error = read_all(lines.join("\n").as_bytes(), Limits::USUAL).unwrap_err();
    assert!(
        error.to_string().contains("do not stand together"),
        "{error}"
    );
}

#[test]
fn a_node_that_is_named_twice_keeps_its_findings() {
    // The same machine in two facts documents of one scan.
    let mut first = node("worker-1");
    first.status = NodeStatus::Partial;
    let text = shown(
        &report(vec![first, node("worker-1")], vec![failing("worker-1")]),
        Format::Json,
        80,
        false,
    );
    let (_, pieces) = read_all(text.as_bytes(), Limits::USUAL).unwrap();
    assert_eq!(pieces.len(), 3);
    assert_eq!(again(&text, Format::Json), text);
}

#[test]
fn the_header_and_the_end_are_those_of_the_report() {
    let report = fleet();
    let Scanned {
        started,
        finished,
        source,
        coverage,
        ..
    } = report.scanned.clone();
    for (format, _) in FORMATS {
        let file = open(&shown(&report, format, 80, false)).unwrap();
        let Survey {
            header, closing, ..
        } = file.survey().clone();
        assert_eq!(
            header,
            Header {
                schema: report.schema.clone(),
                tool: report.tool.clone(),
                scanned: Scanning {
                    started,
                    source,
                    cluster: None,
                    joined: Vec::new(),
                },
                rules: report.rules.clone(),
            }
        );
        assert_eq!(
            closing,
            Some(Closing {
                finished,
                coverage,
                problems: report.problems.clone(),
                summary: report.summary,
                gate: report.gate.clone(),
                complete: report.complete,
            })
        );
    }
}
