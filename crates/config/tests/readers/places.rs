//! Where things stand: lines, columns, bytes, and the aliases on the way.

use kubeassay_config::tree::{self, Document, Duplicate, ReadErrorKind};

use crate::show;

fn read(text: &str) -> Document {
    tree::read(text.as_bytes()).unwrap()
}

fn places(text: &str) -> String {
    show::places(text.as_bytes(), &read(text).root)
}

/// Leaves out the indentation of a test.
fn lines(text: &str) -> String {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(|line| format!("{line}\n"))
        .collect()
}

#[test]
fn every_part_of_a_yaml_text_has_its_place() {
    let text = "# é\nkind: !!str &k \"Kubelet\\\n  x\"\nauthorization:\n  mode: AlwaysAllow  # why\n  list:\n  - 'a'\n  - |\n   \
                text\n   more\n\n  - [1, {b: 0x1F}]\nempty:\nlast: two\n  words\n";
    assert_eq!(
        places(text),
        lines(
            r#"
            2:1 "kind: !!str &k \"Kubelet\\\n  x\"\nauthorization:\n  mode: AlwaysAllow  # why\n  list:\n  - 'a'\n  - |\n   text\n   more\n\n  - [1, {b: 0x1F}]\nempty:\nlast: two\n  words"
            .kind 2:16 "\"Kubelet\\\n  x\""
            .authorization 5:3 "mode: AlwaysAllow  # why\n  list:\n  - 'a'\n  - |\n   text\n   more\n\n  - [1, {b: 0x1F}]"
            .authorization.mode 5:9 "AlwaysAllow"
            .authorization.list 7:3 "- 'a'\n  - |\n   text\n   more\n\n  - [1, {b: 0x1F}]"
            .authorization.list[0] 7:5 "'a'"
            .authorization.list[1] 8:5 "|\n   text\n   more"
            .authorization.list[2] 12:5 "[1, {b: 0x1F}]"
            .authorization.list[2][0] 12:6 "1"
            .authorization.list[2][1] 12:9 "{b: 0x1F}"
            .authorization.list[2][1].b 12:13 "0x1F"
            .empty 13:7 ""
            .last 14:7 "two\n  words"
            "#
        )
        .replacen("2:1", " 2:1", 1)
    );
}

#[test]
fn every_part_of_a_json_text_has_its_place() {
    assert_eq!(
        places("{\"é\": [ true,\r\n \"x\\\"\", -1.50 ],\r\t\"a\":{ },\n\"a\": null}\n"),
        lines(
            r#"
            1:1 "{\"é\": [ true,\r\n \"x\\\"\", -1.50 ],\r\t\"a\":{ },\n\"a\": null}"
            .é 1:7 "[ true,\r\n \"x\\\"\", -1.50 ]"
            .é[0] 1:9 "true"
            .é[1] 2:2 "\"x\\\"\""
            .é[2] 2:9 "-1.50"
            .a 3:6 "{ }"
            .a 4:6 "null"
            "#
        )
        .replacen("1:1", " 1:1", 1)
    );
}

#[test]
fn every_kind_of_line_break_counts() {
    for end in ["\n", "\r\n", "\r", "\u{85}", "\u{2028}", "\u{2029}"] {
        let text = format!("# x{end}a: 1{end}{end}b: é 2 {end}");
        let Document { root, .. } = read(&text);
        let mut marks = Vec::new();
        show::walk(&root, &mut |node| {
            marks.push((node.at.line, node.at.column));
        });
        assert_eq!(marks, [(2, 1), (2, 4), (4, 4)], "{end:?}");
    }
}

#[test]
fn a_null_at_the_end_is_on_the_last_line() {
    for (text, line, column) in [
        ("a: 1\nb:", 2, 3),
        ("- ", 1, 2),
        ("? a", 1, 4),
        ("a:\n", 1, 3),
    ] {
        let mut last = None;
        show::walk(&read(text).root, &mut |node| {
            last = Some((node.at.line, node.at.column));
        });
        assert_eq!(last, Some((line, column)), "{text:?}");
    }
}

#[test]
fn places_are_those_of_the_encoded_file() {
    let text = "a: é😀\nb: \"x\"\n";
    let little: Vec<u8> = [0xfeff]
        .into_iter()
        .chain(text.encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    let big: Vec<u8> = [0xfeff]
        .into_iter()
        .chain(text.encode_utf16())
        .flat_map(u16::to_be_bytes)
        .collect();
    let marked = format!("\u{feff}{text}");
    for (content, spans) in [
        (text.as_bytes(), [(3, 9), (13, 16)]),
        (marked.as_bytes(), [(6, 12), (16, 19)]),
        (&little, [(8, 14), (22, 28)]),
        (&big, [(8, 14), (22, 28)]),
    ] {
        let document = tree::read(content).unwrap();
        let mut found = Vec::new();
        show::walk(&document.root, &mut |node| {
            found.push((node.at.line, node.at.column, node.at.span));
        });
        assert_eq!(found[1..], [(1, 4, spans[0]), (2, 4, spans[1])]);
    }
}

#[test]
fn what_came_through_aliases_and_merges_says_so() {
    let text = "base: &base {mode: A, n: &n [1]}\nx: *n\ny:\n  <<: *base\n  mode: B\nz: {<<: [*base, {mode: C}]}\nw: [*base]\n";
    assert_eq!(
        places(text),
        lines(
            r#"
            1:1 "base: &base {mode: A, n: &n [1]}\nx: *n\ny:\n  <<: *base\n  mode: B\nz: {<<: [*base, {mode: C}]}\nw: [*base]"
            .base 1:13 "{mode: A, n: &n [1]}"
            .base.mode 1:20 "A"
            .base.false 1:29 "[1]"
            .base.false[0] 1:30 "1"
            .x 1:29 via 2:4 "[1]"
            .x[0] 1:30 via 2:4 "1"
            .true 4:3 "<<: *base\n  mode: B"
            .true.mode (lost) 1:20 via 4:7 "A"
            .true.mode 5:9 "B"
            .true.false 1:29 via 4:7 "[1]"
            .true.false[0] 1:30 via 4:7 "1"
            .z 6:4 "{<<: [*base, {mode: C}]}"
            .z.mode (lost) 6:24 via 6:5 "C"
            .z.mode 1:20 via 6:10 "A"
            .z.false 1:29 via 6:10 "[1]"
            .z.false[0] 1:30 via 6:10 "1"
            .w 7:4 "[*base]"
            .w[0] 1:13 via 7:5 "{mode: A, n: &n [1]}"
            .w[0].mode 1:20 via 7:5 "A"
            .w[0].false 1:29 via 7:5 "[1]"
            .w[0].false[0] 1:30 via 7:5 "1"
            "#
        )
        .replacen("1:1", " 1:1", 1)
    );
}

#[test]
fn a_merge_is_an_entry_in_its_order() {
    let merged_last = read("x: &x {m: 1}\na: {m: 2, <<: *x}\n");
    assert_eq!(
        show::json(&merged_last.root),
        r#"{"a":{"m":1},"x":{"m":1}}"#
    );
    let merged_first = read("x: &x {m: 1}\na: {<<: *x, m: 2}\n");
    assert_eq!(
        show::json(&merged_first.root),
        r#"{"a":{"m":2},"x":{"m":1}}"#
    );
}

#[test]
fn duplicates_are_told_with_both_places() {
    for (text, expected) in [
        (
            "a: {b: 1}\nc: 1\na: {c: 2}\na: ~\n",
            &[("a", 1, 3), ("a", 1, 4)][..],
        ),
        ("x: &x {m: 1}\na:\n  <<: *x\n  m: 2\n", &[("m", 1, 4)]),
        (
            "{\"a\": 1,\n\"\\u0061\": 2,\n\"b\": {\"a\": 1}}",
            &[("a", 1, 2)],
        ),
        ("a: {b: 1}\nb: {a: 1}\n", &[]),
        ("1: a\n\"1\": b\n", &[]),
    ] {
        let duplicates = read(text).duplicates;
        let found: Vec<_> = duplicates
            .iter()
            .map(|Duplicate { key, first, again }| (key.as_str(), first.line, again.line))
            .collect();
        assert_eq!(found, expected, "{text}");
    }
}

#[test]
fn more_documents_are_told_and_not_read() {
    for (text, more) in [
        ("a: b\n", false),
        ("a: b\n...\n", false),
        ("a: b\n---\nc: d\n", true),
        ("a: b\n---\n]", true),
        ("---\n---\na: b\n", true),
        ("", false),
        ("# c\n", false),
        ("{\"a\": 1}", false),
    ] {
        assert_eq!(read(text).more_documents, more, "{text:?}");
    }
}

#[test]
fn errors_say_where() {
    use ReadErrorKind::{Encoding, Syntax, Unsupported};
    for (content, kind, line, column) in [
        (&b"a: b\n\tc: d\n"[..], Syntax, 2, 1),
        (b"a:\n  b: *x\n", Syntax, 2, 6),
        (b"a:\n  b: !!int x\n", Syntax, 2, 12),
        (b"a:\n- b\n- .nan\n", Unsupported, 3, 3),
        (b"a:\n  ~: x\n", Unsupported, 2, 3),
        (b"a: \xc3\xa9\n# \xe9\n", Encoding, 2, 3),
        (b"a: b\r\n\x00", Encoding, 2, 1),
        (b"\xff\xfea\x00\n\x00\x00\x00", Encoding, 2, 1),
        (b"{\n \"\xc3\xa9\": x}", Syntax, 2, 7),
        (b"{\"a\": 1}\n{\"b\": 2}", Syntax, 2, 1),
        (b"%YAML 1.2\n---\na: b\n", Syntax, 1, 1),
        // The end of a text whose last line does not end is on that line.
        (b"{", Syntax, 1, 2),
        (b"a: b\nc: [", Syntax, 2, 5),
    ] {
        let error = tree::read(content).unwrap_err();
        assert_eq!(
            (error.kind, error.line, error.column),
            (kind, line, column),
            "{error:?}"
        );
    }
}
