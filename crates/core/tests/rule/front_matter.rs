//! Mistakes in the front matter: all of them, each with its place and its mend.

use kubeassay_core::Value;
use kubeassay_core::rule::{Catalogue, Code, Replacing};

use crate::support::{add, catalogue, page, rendered};

#[test]
#[expect(clippy::too_many_lines, reason = "one long snapshot")]
fn all_mistakes_of_a_page_are_reported_at_once() {
    let text = r#"---
id: Read Only Port
title: [a]
framework: cis-kubernetes
control: 4.2.4
controls:
  - {framework: cis-eks, version: ">=1.5", control: 3.2.4}
  - {framework: cis-eks}
  - {framework: cis-aks, versions: newest, control: 1}
severity: hihg
subject: kubelet
expectd: x
check: kubelet.readOnlyPort = 0
choices:
  - {name: a, type: duration, default: 4 h, description: d}
  - {name: b, type: text, description: d}
  - {name: c}
fix: {sett: {a: b}}
disable_edit: "yes"
---
"#;
    let faults = Catalogue::bundled(&[("kubelet/kubelet-read-only-port.md", text)]).unwrap_err();
    insta::assert_snapshot!(rendered(&faults), @r#"
    error[bad-id]: `id` must be in kebab-case, but is `Read Only Port`
     --> kubelet/kubelet-read-only-port.md:2:5
      |
    2 | id: Read Only Port
      |     ^^^^^^^^^^^^^^
      |
      = help: write `read-only-port`

    error[wrong-type]: `title` must be a text, but is a list
     --> kubelet/kubelet-read-only-port.md:3:8
      |
    3 | title: [a]
      |        ^

    error[unknown-key]: there is no key `version`
     --> kubelet/kubelet-read-only-port.md:7:26
      |
    7 |   - {framework: cis-eks, version: ">=1.5", control: 3.2.4}
      |                          ^^^^^^^
      |
      = help: did you mean `versions`?

    error[missing-key]: a control needs `framework` and `control`
     --> kubelet/kubelet-read-only-port.md:8:5
      |
    8 |   - {framework: cis-eks}
      |     ^

    error[bad-value]: `newest` says no versions
     --> kubelet/kubelet-read-only-port.md:9:36
      |
    9 |   - {framework: cis-aks, versions: newest, control: 1}
      |                                    ^^^^^^
      |
      = help: write it like `>=1.5` or `>=1.5,<1.9`

    error[bad-value]: `hihg` is no severity
      --> kubelet/kubelet-read-only-port.md:10:11
       |
    10 | severity: hihg
       |           ^^^^
       |
       = help: did you mean `high`?

    error[unknown-key]: there is no key `expectd`
      --> kubelet/kubelet-read-only-port.md:12:1
       |
    12 | expectd: x
       | ^^^^^^^
       |
       = help: did you mean `expected`?

    error[check-syntax]: mismatched input '=' expecting <EOF>
      --> kubelet/kubelet-read-only-port.md:13:29
       |
    13 | check: kubelet.readOnlyPort = 0
       |                             ^
       |
       = help: equality is written `==`

    error[wrong-type]: the default of `a`: `4 h` is no duration; write it like `4h`, `1h30m` or `250ms`
      --> kubelet/kubelet-read-only-port.md:15:40
       |
    15 |   - {name: a, type: duration, default: 4 h, description: d}
       |                                        ^^^

    error[bad-value]: `text` is no type of a choice
      --> kubelet/kubelet-read-only-port.md:16:21
       |
    16 |   - {name: b, type: text, description: d}
       |                     ^^^^
       |
       = help: one of: bool, int, float, string, duration, quantity, list

    error[missing-key]: a choice needs `name`, `type` and `description`
      --> kubelet/kubelet-read-only-port.md:17:5
       |
    17 |   - {name: c}
       |     ^

    error[unknown-key]: there is no key `sett`
      --> kubelet/kubelet-read-only-port.md:18:7
       |
    18 | fix: {sett: {a: b}}
       |       ^^^^
       |
       = help: did you mean `set`?

    error[wrong-type]: `disable_edit` must be `true` or `false`, but is a text
      --> kubelet/kubelet-read-only-port.md:19:15
       |
    19 | disable_edit: "yes"
       |               ^^^^^

    error[missing-key]: the key `expected` is missing
     --> kubelet/kubelet-read-only-port.md:2:1
      |
    2 | id: Read Only Port
      | ^
    "#);
}

#[test]
fn what_yaml_misreads_is_refused() {
    for (from, to, code, line) in [
        ("check: ", "check: !kubelet.a ", Code::YamlTag, 11),
        (
            "check: kubelet.readOnlyPort == 0",
            "check: true",
            Code::WrongType,
            11,
        ),
        (
            "check: kubelet.readOnlyPort == 0",
            "check: 5",
            Code::CheckSyntax,
            0,
        ),
        (
            "check: kubelet.readOnlyPort == 0",
            "check: >=1",
            Code::YamlSyntax,
            11,
        ),
        (
            "check: kubelet.readOnlyPort == 0",
            "check: ''",
            Code::WrongType,
            11,
        ),
        (
            "severity: high",
            "severity: high\nseverity: low",
            Code::YamlSyntax,
            9,
        ),
        ("title: about a", "title: a: b", Code::YamlSyntax, 3),
        ("title: about a", "titel: about a", Code::UnknownKey, 3),
        ("title: about a", "title:", Code::WrongType, 3),
        ("expected: what a wants\n", "", Code::MissingKey, 2),
        ("id: a", "id: b", Code::IdNotStem, 2),
        (
            "severity:",
            "applies: 'true'\nseverity:",
            Code::MissingKey,
            8,
        ),
        ("severity:", "fix: Webhook\nseverity:", Code::WrongType, 8),
        ("severity:", "fix: {}\nseverity:", Code::MissingKey, 8),
        ("severity:", "fix: {set: {}}\nseverity:", Code::BadValue, 8),
        (
            "severity:",
            "fix: {decide: }\nseverity:",
            Code::WrongType,
            8,
        ),
        (
            "severity:",
            "fix: {set: {readOnlyPort: 0}, decide: Which one.}\nseverity:",
            Code::BadValue,
            8,
        ),
    ] {
        let text = page("a", "1.1", "kubelet.readOnlyPort == 0", "").replace(from, to);
        let found = Catalogue::bundled(&[("a.md", &text)]);
        if line == 0 {
            assert!(found.is_ok(), "{to}");
            continue;
        }
        let faults = found.unwrap_err();
        assert_eq!(
            (faults[0].code, faults[0].line),
            (code, line),
            "{to}\n{}",
            rendered(&faults)
        );
    }
}

#[test]
fn numbers_are_taken_as_they_are_written() {
    let text = page("a", "5.10", "kubelet.readOnlyPort == 0", "");
    let catalogue = Catalogue::bundled(&[("a.md", &text)]).unwrap();
    assert_eq!(catalogue.get("a").unwrap().controls()[0].control, "5.10");
}

#[test]
fn a_fix_is_settings_or_a_decision() {
    let fix = |fix: &str| {
        let key = format!("fix: {fix}\nseverity:");
        let text = page("a", "1.1", "kubelet.readOnlyPort == 0", "").replace("severity:", &key);
        let catalogue = Catalogue::bundled(&[("a.md", &text)]).unwrap();
        catalogue.get("a").unwrap().fix().unwrap().clone()
    };
    let set = fix("{set: {readOnlyPort: 0}}");
    assert_eq!(set.set, [("readOnlyPort".to_owned(), Value::Int(0))]);
    assert_eq!(set.decide, None);
    let decide = fix("{decide: Which port.}");
    assert_eq!(
        (decide.set.len(), decide.decide.as_deref()),
        (0, Some("Which port."))
    );
}

#[test]
fn pages_from_elsewhere_say_what_they_lack() {
    for (text, message) in [
        ("---\nid: a\n---\n", "the key `title` is missing"),
        (
            "---\ntitle: t\n---\n",
            "the page has neither an `id` nor `framework` and `control`",
        ),
        (
            "---\ntitle: t\ncontrol: 1.1\n---\n",
            "the page has neither an `id` nor `framework` and `control`",
        ),
        (
            "---\nid: a\ntitle: t\ncheck: \"1 == 1\"\n---\n",
            "the key `subject` is missing",
        ),
        ("---\n---\n", "the key `title` is missing"),
        (
            "---\n- a\n---\n",
            "the front matter must be a map, but is a list",
        ),
    ] {
        let faults = add(&mut catalogue(), &[("a.md", text)], Replacing::Refused);
        assert_eq!(faults[0].message, message);
    }
}
