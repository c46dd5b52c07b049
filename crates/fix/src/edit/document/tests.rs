//! Documents before and after.

#![expect(clippy::too_many_lines, reason = "tables are as long as they are")]

mod property;

use kubeassay_core::Value;

use super::set;

const MODE: &[&str] = &["authorization", "mode"];
const ANONYMOUS: &[&str] = &["authentication", "anonymous", "enabled"];
const PORT: &[&str] = &["readOnlyPort"];
const SUITES: &[&str] = &["tlsCipherSuites"];
const GATE: &[&str] = &["featureGates", "RotateKubeletServerCertificate"];
const IDLE: &[&str] = &["streamingConnectionIdleTimeout"];

fn webhook() -> Value {
    Value::string("Webhook")
}

fn list(items: &[&str]) -> Value {
    Value::List(items.iter().map(|item| Value::string(*item)).collect())
}

/// What became of a document; where it is refused, the line and the reason.
fn edited(before: &str, path: &[&str], value: &Value) -> String {
    match set(before.as_bytes(), path, value) {
        Ok(after) => {
            let again = set(&after, path, value);
            assert_eq!(again.as_ref(), Ok(&after), "not idempotent: {before:?}");
            String::from_utf8(after).unwrap()
        }
        Err(refused) => format!("refused, line {:?}: {}", refused.line, refused.reason),
    }
}

#[track_caller]
fn check(cases: &[(&str, &[&str], Value, &str)]) {
    let mut failed = Vec::new();
    for (before, path, value, after) in cases {
        let found = edited(before, path, value);
        if found != *after {
            failed.push(format!(
                "--- before\n{before}\n--- wanted\n{after}\n--- found\n{found}"
            ));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn a_value_is_replaced_where_it_stands() {
    check(&[
        (
            "authorization:\n  mode: AlwaysAllow # for now\n  webhook: {}\n",
            MODE,
            webhook(),
            "authorization:\n  mode: Webhook # for now\n  webhook: {}\n",
        ),
        (
            "authorization: {mode: AlwaysAllow, x: 1}\n",
            MODE,
            webhook(),
            "authorization: {mode: Webhook, x: 1}\n",
        ),
        (
            "authorization: {mode: \"AlwaysAllow\"}",
            MODE,
            webhook(),
            "authorization: {mode: \"Webhook\"}",
        ),
        (
            "'authorization':\n    'mode': 'AlwaysAllow'\n",
            MODE,
            webhook(),
            "'authorization':\n    'mode': 'Webhook'\n",
        ),
        (
            "\u{feff}readOnlyPort: 10255\r\nx: 1\r\n",
            PORT,
            Value::Int(0),
            "\u{feff}readOnlyPort: 0\r\nx: 1\r\n",
        ),
        (
            "readOnlyPort:\t1\t# c\rx: 1\r",
            PORT,
            Value::Int(0),
            "readOnlyPort:\t0\t# c\rx: 1\r",
        ),
        // Behind a byte order mark a brace is YAML.
        (
            "\u{feff}{\"readOnlyPort\":1, x: y}",
            PORT,
            Value::Int(0),
            "\u{feff}{\"readOnlyPort\":0, x: y}",
        ),
        // The last of duplicates counts, and of documents the first.
        (
            "---\nreadOnlyPort: 1\nreadOnlyPort: 2\n---\nreadOnlyPort: 3\n",
            PORT,
            Value::Int(0),
            "---\nreadOnlyPort: 1\nreadOnlyPort: 0\n---\nreadOnlyPort: 3\n",
        ),
        (
            "authorization:\n  mode: A\nauthorization:\n  mode: B\n",
            MODE,
            webhook(),
            "authorization:\n  mode: A\nauthorization:\n  mode: Webhook\n",
        ),
        ("readOnlyPort:\n", PORT, Value::Int(0), "readOnlyPort: 0\n"),
        (
            "readOnlyPort: # none\nx: 1",
            PORT,
            Value::Int(0),
            "readOnlyPort: 0 # none\nx: 1",
        ),
        ("readOnlyPort: ~", PORT, Value::Int(0), "readOnlyPort: 0"),
        (
            "authorization:\n  mode:\n    Always\n    Allow\nx: 1\n",
            MODE,
            webhook(),
            "authorization:\n  mode:\n    Webhook\nx: 1\n",
        ),
        (
            "authorization:\n  mode: |\n    AlwaysAllow\n\nx: 1\n",
            MODE,
            webhook(),
            "authorization:\n  mode: Webhook\n\nx: 1\n",
        ),
        (
            "authorization:\n  ? mode\n  : AlwaysAllow\n",
            MODE,
            webhook(),
            "authorization:\n  ? mode\n  : Webhook\n",
        ),
        (
            "streamingConnectionIdleTimeout: 0s # never\n",
            IDLE,
            Value::Duration(14_400_000_000_000),
            "streamingConnectionIdleTimeout: 4h0m0s # never\n",
        ),
        (
            "authentication: {anonymous: {enabled: true, x: [a, {b: c}]}}\n",
            ANONYMOUS,
            Value::Bool(false),
            "authentication: {anonymous: {enabled: false, x: [a, {b: c}]}}\n",
        ),
    ]);
}

#[test]
fn a_value_that_is_there_leaves_the_file_as_it_is() {
    let untouched: &[(&str, &[&str], Value)] = &[
        ("authorization: {mode: 'Webhook'}", MODE, webhook()),
        ("readOnlyPort: 0x0\n", PORT, Value::Int(0)),
        (
            "serverTLSBootstrap: yes\n",
            &["serverTLSBootstrap"],
            Value::Bool(true),
        ),
        (
            "streamingConnectionIdleTimeout: 240m\n",
            IDLE,
            Value::Duration(14_400_000_000_000),
        ),
        (
            "tlsCipherSuites:\n- A\n- 'B' # c\n",
            SUITES,
            list(&["A", "B"]),
        ),
        ("x: &a 0\nreadOnlyPort: *a\n", PORT, Value::Int(0)),
        (
            "{\"readOnlyPort\":1,\"readOnlyPort\":0}",
            PORT,
            Value::Int(0),
        ),
    ];
    for (content, path, value) in untouched {
        assert_eq!(edited(content, path, value), *content);
    }
}

#[test]
fn what_is_missing_is_added_behind_the_last_entry_of_its_map() {
    check(&[
        (
            "kind: KubeletConfiguration\nauthorization:\n  webhook:\n    cacheTTL: 0s # c\n# the port\nreadOnlyPort: 0\n",
            MODE,
            webhook(),
            "kind: KubeletConfiguration\nauthorization:\n  webhook:\n    cacheTTL: 0s # c\n  mode: Webhook\n# the port\nreadOnlyPort: 0\n",
        ),
        // A comment that belongs to what comes next, and one at the end.
        (
            "a:\n  b: 1\n  # of a, or of c\nc: 2\n# end\n",
            &["a", "x"],
            Value::Int(3),
            "a:\n  b: 1\n  x: 3\n  # of a, or of c\nc: 2\n# end\n",
        ),
        (
            "a: 1\n# end\n",
            PORT,
            Value::Int(0),
            "a: 1\nreadOnlyPort: 0\n# end\n",
        ),
        ("a: 1", PORT, Value::Int(0), "a: 1\nreadOnlyPort: 0"),
        (
            "a: 1 # c",
            MODE,
            webhook(),
            "a: 1 # c\nauthorization:\n  mode: Webhook",
        ),
        (
            "a: 1\r\nb:\r\n- x\r\n",
            MODE,
            webhook(),
            "a: 1\r\nb:\r\n- x\r\nauthorization:\r\n  mode: Webhook\r\n",
        ),
        (
            "\u{feff}a: 1\n",
            PORT,
            Value::Int(0),
            "\u{feff}a: 1\nreadOnlyPort: 0\n",
        ),
        (
            "--- # head\na: 1\n...\nb: 2\n",
            PORT,
            Value::Int(0),
            "--- # head\na: 1\nreadOnlyPort: 0\n...\nb: 2\n",
        ),
        (
            "a: 1\n---\nb: 2\n",
            PORT,
            Value::Int(0),
            "a: 1\nreadOnlyPort: 0\n---\nb: 2\n",
        ),
        // The document's own step.
        (
            "a:\n    b:\n        c: 1\nd: 1\n",
            ANONYMOUS,
            Value::Bool(false),
            "a:\n    b:\n        c: 1\nd: 1\nauthentication:\n    anonymous:\n        enabled: false\n",
        ),
        (
            "authentication:\n    webhook:\n        enabled: true\n    x509:\n        clientCAFile: /ca\nauthorization:\n    mode: Webhook\n",
            ANONYMOUS,
            Value::Bool(false),
            "authentication:\n    webhook:\n        enabled: true\n    x509:\n        clientCAFile: /ca\n    anonymous:\n        enabled: false\nauthorization:\n    mode: Webhook\n",
        ),
        (
            "clusterDNS:\n- 10.96.0.10\nx: 1\n",
            SUITES,
            list(&["A", "B"]),
            "clusterDNS:\n- 10.96.0.10\nx: 1\ntlsCipherSuites:\n- A\n- B\n",
        ),
        (
            "clusterDNS:\n  - 10.96.0.10",
            SUITES,
            list(&["A"]),
            "clusterDNS:\n  - 10.96.0.10\ntlsCipherSuites:\n  - A",
        ),
        ("a: 1\n", SUITES, list(&[]), "a: 1\ntlsCipherSuites: []\n"),
        (
            "a: 1\n",
            GATE,
            Value::Bool(true),
            "a: 1\nfeatureGates:\n  RotateKubeletServerCertificate: true\n",
        ),
        (
            "\"a\": 1\n\"b\":\n  \"c\": d\n",
            MODE,
            webhook(),
            "\"a\": 1\n\"b\":\n  \"c\": d\n\"authorization\":\n  \"mode\": \"Webhook\"\n",
        ),
        // Scalars over lines are beside it.
        (
            "a: |\n  text\n\n\nb: 1\n",
            PORT,
            Value::Int(0),
            "a: |\n  text\n\n\nb: 1\nreadOnlyPort: 0\n",
        ),
        (
            "b: 1\na: >-\n  text\n  text\n\n# c\n",
            PORT,
            Value::Int(0),
            "b: 1\na: >-\n  text\n  text\nreadOnlyPort: 0\n\n# c\n",
        ),
        // Behind it the lines would no longer be its own.
        (
            "b: 1\na: |+\n  text\n\n",
            PORT,
            Value::Int(0),
            "readOnlyPort: 0\nb: 1\na: |+\n  text\n\n",
        ),
        (
            "b:\n  a: |\n    text",
            &["b", "x"],
            Value::Int(0),
            "b:\n  x: 0\n  a: |\n    text",
        ),
        (
            "a: 'x\n  y'\n",
            PORT,
            Value::Int(0),
            "a: 'x\n  y'\nreadOnlyPort: 0\n",
        ),
    ]);
}

#[test]
fn an_empty_map_is_filled() {
    check(&[
        (
            "authorization: {}\na: 1\n",
            MODE,
            webhook(),
            "authorization: {mode: Webhook}\na: 1\n",
        ),
        (
            "authorization: { } # c\n",
            MODE,
            webhook(),
            "authorization: {mode: Webhook} # c\n",
        ),
        (
            "authorization: { # c\n}\n",
            MODE,
            webhook(),
            "authorization: {mode: Webhook # c\n}\n",
        ),
        (
            "authorization:\na: 1\n",
            MODE,
            webhook(),
            "authorization:\n  mode: Webhook\na: 1\n",
        ),
        (
            "a: 1\nauthorization: # c",
            MODE,
            webhook(),
            "a: 1\nauthorization: # c\n  mode: Webhook",
        ),
        (
            "authorization: null # c\na: 1\n",
            MODE,
            webhook(),
            "authorization: # c\n  mode: Webhook\na: 1\n",
        ),
        (
            "authorization:\n  ~\na: 1\n",
            MODE,
            webhook(),
            "authorization:\n  {mode: Webhook}\na: 1\n",
        ),
        (
            "authentication:\n  anonymous:\n  x: 1\n",
            ANONYMOUS,
            Value::Bool(false),
            "authentication:\n  anonymous:\n    enabled: false\n  x: 1\n",
        ),
        (
            "authentication:\n",
            ANONYMOUS,
            Value::Bool(false),
            "authentication:\n  anonymous:\n    enabled: false\n",
        ),
        (
            "--- {authentication: , x: 1}\n",
            ANONYMOUS,
            Value::Bool(false),
            "--- {authentication: {anonymous: {enabled: false}} , x: 1}\n",
        ),
        (
            "--- {authentication, x: 1}\n",
            ANONYMOUS,
            Value::Bool(false),
            "--- {authentication: {anonymous: {enabled: false}}, x: 1}\n",
        ),
        (
            "tlsCipherSuites: # c\na:\n  - 1\n",
            SUITES,
            list(&["A"]),
            "tlsCipherSuites: # c\n  - A\na:\n  - 1\n",
        ),
        (
            "{}",
            MODE,
            webhook(),
            "{\"authorization\": {\"mode\": \"Webhook\"}}",
        ),
        (
            "--- {}\n",
            MODE,
            webhook(),
            "--- {authorization: {mode: Webhook}}\n",
        ),
    ]);
}

#[test]
fn maps_in_brackets_keep_their_style() {
    check(&[
        (
            "authorization: {a: 1}\n",
            MODE,
            webhook(),
            "authorization: {a: 1, mode: Webhook}\n",
        ),
        (
            "authorization: { a: 1,  b: 2 } # c\n",
            MODE,
            webhook(),
            "authorization: { a: 1,  b: 2,  mode: Webhook } # c\n",
        ),
        (
            "authorization: {a: 1, b: 2,}\n",
            MODE,
            webhook(),
            "authorization: {a: 1, b: 2, mode: Webhook,}\n",
        ),
        (
            "a: {\n  b: 1, # b\n  c: 2 # c\n  # end\n}\n",
            &["a", "x", "z"],
            Value::Int(1),
            "a: {\n  b: 1, # b\n  c: 2, # c\n  x: {\n    z: 1\n  }\n  # end\n}\n",
        ),
        (
            "a: {\n  b: 1,\n  c: 2, # c\n}\n",
            &["a", "x"],
            Value::Int(1),
            "a: {\n  b: 1,\n  c: 2, # c\n  x: 1,\n}\n",
        ),
        (
            "a: {\n    b: 1\n  , c: 2\n}\n",
            &["a", "x"],
            Value::Int(1),
            "a: {\n    b: 1\n  , c: 2\n  , x: 1\n}\n",
        ),
        (
            "a: {\"b\": c}\n",
            MODE,
            webhook(),
            "a: {\"b\": c}\nauthorization:\n  mode: Webhook\n",
        ),
        (
            "authorization: {\"b\":\"c\"}\n",
            MODE,
            webhook(),
            "authorization: {\"b\":\"c\",\"mode\":\"Webhook\"}\n",
        ),
        (
            "x: &a 1\nb: {c: *a}\n",
            &["b", "x"],
            Value::Int(1),
            "x: &a 1\nb: {x: 1, c: *a}\n",
        ),
    ]);
}

#[test]
fn json_keeps_its_style() {
    check(&[
        (
            "{\"authorization\":{\"mode\":\"AlwaysAllow\"},\"x\":1}",
            MODE,
            webhook(),
            "{\"authorization\":{\"mode\":\"Webhook\"},\"x\":1}",
        ),
        (
            "{\"kind\":\"K\"}\n",
            ANONYMOUS,
            Value::Bool(false),
            "{\"kind\":\"K\",\"authentication\":{\"anonymous\":{\"enabled\":false}}}\n",
        ),
        (
            "{\"kind\": \"K\", \"x\": 1}",
            SUITES,
            list(&["A", "B"]),
            "{\"kind\": \"K\", \"x\": 1, \"tlsCipherSuites\": [\"A\", \"B\"]}",
        ),
        (
            "{\n  \"kind\": \"K\"\n}\n",
            ANONYMOUS,
            Value::Bool(false),
            "{\n  \"kind\": \"K\",\n  \"authentication\": {\n    \"anonymous\": {\n      \"enabled\": false\n    }\n  }\n}\n",
        ),
        (
            "{\r\n\t\"kind\": \"K\",\r\n\t\"a\": {},\r\n\t\"b\": null\r\n}",
            &["a", "x", "y"],
            Value::Int(1),
            "{\r\n\t\"kind\": \"K\",\r\n\t\"a\": {\r\n\t\t\"x\": {\r\n\t\t\t\"y\": 1\r\n\t\t}\r\n\t},\r\n\t\"b\": null\r\n}",
        ),
        (
            "{\n  \"a\": {\"b\": 1},\n  \"c\": [1]\n}",
            ANONYMOUS,
            Value::Bool(false),
            "{\n  \"a\": {\"b\": 1},\n  \"c\": [1],\n  \"authentication\": {\"anonymous\": {\"enabled\": false}}\n}",
        ),
        (
            "{\n  \"a\": 1,\n  \"authorization\": null\n}",
            MODE,
            webhook(),
            "{\n  \"a\": 1,\n  \"authorization\": {\n    \"mode\": \"Webhook\"\n  }\n}",
        ),
        (
            "{\n  \"tlsCipherSuites\": []\n}",
            SUITES,
            list(&["A", "B"]),
            "{\n  \"tlsCipherSuites\": [\n    \"A\",\n    \"B\"\n  ]\n}",
        ),
        // Objects that stand twice are decoded one after the other.
        (
            "{\"authorization\":{\"mode\":\"A\"},\"authorization\":{\"x\":1}}",
            MODE,
            webhook(),
            "{\"authorization\":{\"mode\":\"Webhook\"},\"authorization\":{\"x\":1}}",
        ),
        (
            "{\"authorization\":{\"y\":1},\"authorization\":{\"x\":1}}",
            MODE,
            webhook(),
            "{\"authorization\":{\"y\":1},\"authorization\":{\"x\":1,\"mode\":\"Webhook\"}}",
        ),
        (
            "{\"readOnlyPort\":1,\"ReadOnlyPort\":2}",
            PORT,
            Value::Int(0),
            "{\"readOnlyPort\":0,\"ReadOnlyPort\":2}",
        ),
    ]);
}

#[test]
fn lists_keep_their_style_and_what_stays() {
    check(&[
        (
            "tlsCipherSuites:\n- A\n- B\n- C\nx: 1\n",
            SUITES,
            list(&["A", "C"]),
            "tlsCipherSuites:\n- A\n- C\nx: 1\n",
        ),
        (
            "tlsCipherSuites:\n    # strong\n    - \"A\" # a\n\n    # weak\n    - \"B\" # b\n    # end\nx: 1\n",
            SUITES,
            list(&["A", "C"]),
            "tlsCipherSuites:\n    # strong\n    - \"A\" # a\n\n    # weak\n    - \"C\"\n    # end\nx: 1\n",
        ),
        (
            "tlsCipherSuites:\r\n  - B\r\n  - A",
            SUITES,
            list(&["C", "A", "D"]),
            "tlsCipherSuites:\r\n  - C\r\n  - A\r\n  - D",
        ),
        (
            "tlsCipherSuites:\n- B",
            SUITES,
            list(&["A", "B"]),
            "tlsCipherSuites:\n- A\n- B",
        ),
        (
            "tlsCipherSuites: # c\n- A\n- B\nx: 1\n",
            SUITES,
            list(&[]),
            "tlsCipherSuites: [] # c\nx: 1\n",
        ),
        (
            "tlsCipherSuites:\n- A\n# why\n- B",
            SUITES,
            list(&[]),
            "tlsCipherSuites: []\n# why",
        ),
        (
            "? tlsCipherSuites\n: - A\n  - B\n",
            SUITES,
            list(&["C", "D"]),
            "? tlsCipherSuites\n: - C\n  - D\n",
        ),
        (
            "tlsCipherSuites: [A, B] # c\n",
            SUITES,
            list(&["B", "C", "D"]),
            "tlsCipherSuites: [B, C, D] # c\n",
        ),
        (
            "tlsCipherSuites: [ 'A' ]\n",
            SUITES,
            list(&["B", "C"]),
            "tlsCipherSuites: [ 'B', 'C' ]\n",
        ),
        (
            "tlsCipherSuites: [\n  A,\n  B,\n]\n",
            SUITES,
            list(&["B", "C", "D"]),
            "tlsCipherSuites: [\n  B,\n  C,\n  D,\n]\n",
        ),
        (
            "tlsCipherSuites: [A, B]\n",
            SUITES,
            list(&[]),
            "tlsCipherSuites: []\n",
        ),
        (
            "tlsCipherSuites: []\n",
            SUITES,
            list(&["A", "B"]),
            "tlsCipherSuites: [A, B]\n",
        ),
        (
            "{\"tlsCipherSuites\":[\"A\"]}",
            SUITES,
            list(&["B", "C"]),
            "{\"tlsCipherSuites\":[\"B\",\"C\"]}",
        ),
        (
            "{\n  \"tlsCipherSuites\": [\n    \"A\"\n  ]\n}",
            SUITES,
            list(&["B", "C"]),
            "{\n  \"tlsCipherSuites\": [\n    \"B\",\n    \"C\"\n  ]\n}",
        ),
    ]);
}

#[test]
fn strings_are_written_so_that_they_stay_strings() {
    let mut failed = Vec::new();
    for (text, written) in [
        ("Webhook", "Webhook"),
        ("/etc/kubernetes/pki/ca.crt", "/etc/kubernetes/pki/ca.crt"),
        ("VersionTLS12", "VersionTLS12"),
        ("4h0m0s", "4h0m0s"),
        ("0s", "0s"),
        ("127.0.0.1", "127.0.0.1"),
        ("", "\"\""),
        ("yes", "\"yes\""),
        ("No", "\"No\""),
        ("y", "\"y\""),
        ("null", "\"null\""),
        ("~", "\"~\""),
        ("true", "\"true\""),
        ("0", "\"0\""),
        ("0x1", "\"0x1\""),
        ("1e3", "\"1e3\""),
        ("017", "\"017\""),
        ("1_0", "\"1_0\""),
        ("1:30", "\"1:30\""),
        ("2001-01-01", "\"2001-01-01\""),
        (".inf", "\".inf\""),
        ("-", "\"-\""),
        ("=", "\"=\""),
        ("<<", "\"<<\""),
        ("a: b", "\"a: b\""),
        ("a #b", "\"a #b\""),
        ("a, b", "\"a, b\""),
        ("it's", "\"it's\""),
        ("a\"\\", "\"a\\\"\\\\\""),
        (
            "a\n\t\u{1}\u{7f}\u{85}\u{2028}\u{feff}\u{1f600}",
            "\"a\\n\\t\\u0001\\u007f\\u0085\\u2028\\ufeff\\U0001f600\"",
        ),
        ("é", "\"é\""),
    ] {
        for (before, after) in [
            ("a: x", format!("a: {written}")),
            ("--- {a: x}", format!("--- {{a: {written}}}")),
        ] {
            let found = edited(before, &["a"], &Value::string(text));
            if found != after {
                failed.push((after, found));
            }
        }
        let json = edited("{\"a\": 1}", &["a"], &Value::string(text));
        let value: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(value["a"], text);
    }
    assert!(failed.is_empty(), "{failed:#?}");
    assert_eq!(
        edited("a: 'x'", &["a"], &Value::string("it's")),
        "a: 'it''s'"
    );
    assert_eq!(
        edited("a: 'x'", &["a"], &Value::string("a\nb")),
        "a: \"a\\nb\""
    );
    assert_eq!(edited("a: 'x'", &["a"], &Value::Int(-1)), "a: -1");
}

/// Document, path, value; the line and a part of the reason.
type Refusal = (
    &'static str,
    &'static [&'static str],
    Value,
    Option<u32>,
    &'static str,
);

#[test]
fn what_cannot_be_done_safely_is_refused_with_the_line() {
    let cases: &[Refusal] = &[
        ("", MODE, webhook(), None, "is empty"),
        ("# nothing\n", MODE, webhook(), None, "is empty"),
        ("- a\n", MODE, webhook(), Some(1), "no map of settings"),
        ("a: 1\nb: ]\n", MODE, webhook(), Some(2), "mend this line"),
        (
            "a: 1\nauthorization: foo\n",
            MODE,
            webhook(),
            Some(2),
            "is a string",
        ),
        (
            "authorization:\n- foo\n",
            MODE,
            webhook(),
            Some(2),
            "is a list",
        ),
        (
            "authorization: 1\n",
            MODE,
            webhook(),
            Some(1),
            "is a number",
        ),
        (
            "authorization: yes\n",
            MODE,
            webhook(),
            Some(1),
            "is a boolean",
        ),
        (
            "authorization: {mode: {}}\n",
            MODE,
            webhook(),
            Some(1),
            "is a map",
        ),
        (
            "authorization: {mode: [a]}\n",
            MODE,
            webhook(),
            Some(1),
            "is a list",
        ),
        // Shared with others.
        (
            "a: &a AlwaysAllow\nauthorization:\n  mode: *a\n",
            MODE,
            webhook(),
            Some(3),
            "an alias",
        ),
        (
            "authorization:\n  mode: &a AlwaysAllow\nb: *a\n",
            MODE,
            webhook(),
            Some(2),
            "an anchor",
        ),
        (
            "a: 1\nauthorization: &a\n  mode: AlwaysAllow\nb: *a\n",
            MODE,
            webhook(),
            Some(2),
            "an anchor",
        ),
        (
            "a: &a {mode: AlwaysAllow}\nauthorization: *a\n",
            MODE,
            webhook(),
            Some(2),
            "an alias",
        ),
        (
            "a: &a {mode: AlwaysAllow}\nauthorization:\n  <<: *a\n",
            MODE,
            webhook(),
            Some(3),
            "a merge key",
        ),
        (
            "a: &a {mode: X}\nauthorization:\n  <<: *a\n  mode: Y\n",
            MODE,
            webhook(),
            Some(3),
            "a merge key",
        ),
        (
            "authorization:\n  <<: {mode: AlwaysAllow}\n",
            MODE,
            webhook(),
            Some(2),
            "a merge key",
        ),
        (
            "authorization: &a\nb: *a\n",
            MODE,
            webhook(),
            Some(1),
            "an anchor",
        ),
        (
            "readOnlyPort: # &c\n  &a 1\n",
            PORT,
            Value::Int(0),
            Some(1),
            "an anchor",
        ),
        // Tags.
        (
            "readOnlyPort: !!int \"1\"\n",
            PORT,
            Value::Int(0),
            Some(1),
            "a tag",
        ),
        (
            "authorization: !!map\n  mode: A\n",
            MODE,
            webhook(),
            Some(1),
            "a tag",
        ),
        ("a: !!binary aGk=\n", &["a"], webhook(), Some(1), "a tag"),
        // What would be lost.
        (
            "tlsCipherSuites: [A, # why\n  B]\n",
            SUITES,
            list(&["A"]),
            Some(1),
            "comments",
        ),
        (
            "tlsCipherSuites: [&a A, B]\nx: *a\n",
            SUITES,
            list(&["B"]),
            Some(1),
            "nothing else",
        ),
        (
            "{\"featureGates\":{\"A\":true},\n\"featureGates\":null}",
            GATE,
            Value::Bool(true),
            Some(2),
            "more than once",
        ),
        ("a: 1\n", &[], webhook(), Some(1), "is a map"),
        ("a: 1\n", &["b"], Value::Null, None, "only booleans"),
        ("a: 1\n", &["b"], Value::Float(0.5), None, "only booleans"),
        (
            "a: 1\n",
            &["b"],
            Value::List(vec![Value::Int(1)]),
            None,
            "only booleans",
        ),
        (
            "a: 1\n",
            &["b"],
            Value::string(b"\xff".to_vec()),
            None,
            "only booleans",
        ),
    ];
    for (content, path, value, line, reason) in cases {
        match set(content.as_bytes(), path, value) {
            Ok(after) => panic!("{content:?} became {:?}", String::from_utf8_lossy(&after)),
            Err(refused) => {
                assert_eq!(refused.line, *line, "{content:?}: {refused}");
                assert!(refused.reason.contains(reason), "{content:?}: {refused}");
            }
        }
    }
    let utf16: Vec<u8> = "\u{feff}a: 1\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    assert!(
        set(&utf16, PORT, &Value::Int(0))
            .unwrap_err()
            .reason
            .contains("UTF-16")
    );
    let utf8 = b"a: 1\n\xff";
    assert_eq!(set(utf8, PORT, &Value::Int(0)).unwrap_err().line, Some(2));
}

#[test]
fn what_is_shared_elsewhere_is_no_matter() {
    check(&[
        (
            "x: &a {b: 1}\ny:\n  <<: *a\n  c: 2\nauthorization:\n  mode: A\nz: *a\n",
            MODE,
            webhook(),
            "x: &a {b: 1}\ny:\n  <<: *a\n  c: 2\nauthorization:\n  mode: Webhook\nz: *a\n",
        ),
        (
            "x: &a {b: 1}\nauthorization:\n  <<: *a\n",
            MODE,
            webhook(),
            "x: &a {b: 1}\nauthorization:\n  <<: *a\n  mode: Webhook\n",
        ),
    ]);
}
