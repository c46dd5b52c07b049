//! What lint finds in expressions, fixes and the form of a page.

use crate::rule::diagnostic::{Code, RenderStyle};
use crate::rule::document::Draft;
use crate::rule::fixtures::{PAGE, Table};
use crate::rule::{Diagnostic, Origin};

const CHECK: &str = r#"check: kubelet.authorization.mode != "AlwaysAllow""#;

fn lint(page: &str) -> Vec<Diagnostic> {
    match Draft::read(
        "rules/kubelet/kubelet-authorization-mode.md",
        page.as_bytes(),
        Origin::Bundled,
    ) {
        Ok(draft) => draft.into_rule(None).lint(&Table),
        Err(faults) => faults,
    }
}

fn with_check(expression: &str) -> String {
    PAGE.replace(CHECK, &format!("check: |\n  {expression}"))
}

#[test]
fn a_good_page_has_nothing_wrong() {
    assert_eq!(lint(PAGE), []);
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn what_never_fits_is_found_in_the_expression() {
    for (expression, code, marked, help) in [
        (
            r#"kubelet.authorisation.mode == "x""#,
            Code::UnknownSetting,
            "kubelet.authorisation.mode",
            "did you mean `kubelet.authorization.mode`?",
        ),
        (
            r#"kubelet.authorization == "x""#,
            Code::UnknownSetting,
            "kubelet.authorization",
            "kubelet.authorization.mode",
        ),
        (
            "kublet.readOnlyPort == 0",
            Code::UnknownVariable,
            "kublet.readOnlyPort",
            "did you mean `kubelet`?",
        ),
        (
            "kubelet",
            Code::UnknownSetting,
            "kubelet",
            "kubelet.authorization.mode",
        ),
        (
            r#"kubelet.readOnlyPort == "0""#,
            Code::TypeMismatch,
            "kubelet.readOnlyPort",
            "write `0` without quotes",
        ),
        (
            r#""0" != kubelet.readOnlyPort"#,
            Code::TypeMismatch,
            "kubelet.readOnlyPort",
            "write `0` without quotes",
        ),
        (
            r#"kubelet.rotateCertificates == "true""#,
            Code::TypeMismatch,
            "kubelet.rotateCertificates",
            "write `true` without quotes",
        ),
        (
            r#"kubelet.streamingConnectionIdleTimeout == "4h""#,
            Code::TypeMismatch,
            "kubelet.streamingConnectionIdleTimeout",
            r#"write `duration("4h")`"#,
        ),
        (
            "kubelet.streamingConnectionIdleTimeout > 300",
            Code::TypeMismatch,
            "kubelet.streamingConnectionIdleTimeout",
            r#"a duration is compared with another, such as `duration("5m")`"#,
        ),
        (
            r#"kubelet.containerLogMaxSize > "10Mi""#,
            Code::TypeMismatch,
            "kubelet.containerLogMaxSize",
            "write `quantity(kubelet.containerLogMaxSize)`",
        ),
        (
            r#"kubelet.tlsCipherSuites == "x""#,
            Code::TypeMismatch,
            "kubelet.tlsCipherSuites",
            "",
        ),
        (
            r#"within(kubelet.readOnlyPort, "0680")"#,
            Code::BadLiteral,
            r#""0680""#,
            "",
        ),
        (
            r#"within(kubelet.authorization.mode, "0600")"#,
            Code::TypeMismatch,
            "kubelet.authorization.mode",
            "",
        ),
        (
            "1 in kubelet.tlsCipherSuites",
            Code::TypeMismatch,
            "kubelet.tlsCipherSuites",
            "",
        ),
        (
            "kubelet.tlsCipherSuites.all(s, s == 1)",
            Code::TypeMismatch,
            "==",
            "",
        ),
        (
            "kubelet.readOnlyPort.all(s, true)",
            Code::TypeMismatch,
            "kubelet.readOnlyPort",
            "",
        ),
        (
            "kubelet.readOnlyPort.x == 1",
            Code::TypeMismatch,
            "kubelet.readOnlyPort.x",
            "",
        ),
        (
            "kubelet.readOnlyPort",
            Code::TypeMismatch,
            "kubelet.readOnlyPort",
            "",
        ),
        (
            "kubelet.readOnlyPort || true",
            Code::TypeMismatch,
            "kubelet.readOnlyPort",
            "",
        ),
        (
            r#"kubelet.readOnlyPort + "1" == 1"#,
            Code::TypeMismatch,
            "+",
            "",
        ),
        (
            "null < kubelet.readOnlyPort",
            Code::TypeMismatch,
            "null",
            "",
        ),
        (
            r#"kubelet.readOnlyPort.matches("0")"#,
            Code::TypeMismatch,
            "kubelet.readOnlyPort",
            "",
        ),
        (
            r#"kubelet.tlsCertFile.matches("(")"#,
            Code::BadLiteral,
            r#""(""#,
            "",
        ),
        (
            r#"duration("4 h") == duration("1h")"#,
            Code::BadLiteral,
            r#""4 h""#,
            "",
        ),
        (
            r#"quantity(kubelet.containerLogMaxSize) > quantity("10mi")"#,
            Code::BadLiteral,
            r#""10mi""#,
            "",
        ),
        (
            r#"kubelet.tlsCertFile.startswith("/")"#,
            Code::UnknownFunction,
            "startswith",
            "did you mean `startsWith`?",
        ),
        (
            r#"contains(kubelet.tlsCertFile, "/")"#,
            Code::UnknownFunction,
            "contains",
            "write `text.contains(…)`",
        ),
        (
            "size(1, 2) == 1",
            Code::UnknownFunction,
            "size",
            "write `size(…)`",
        ),
        (
            "kubelet.tlsCertFile == x",
            Code::UnknownVariable,
            "x",
            "an expression reads: kubelet, choices",
        ),
        (
            "kubelet.readOnlyPort == choices.floor",
            Code::UnknownChoice,
            "choices.floor",
            "declare it under `choices`",
        ),
        (
            "has(kubelet.authorization.mode)",
            Code::PresenceTest,
            "kubelet.authorization",
            "compare its value",
        ),
        (
            "kubelet.featureGates.X",
            Code::UnguardedEntry,
            "kubelet.featureGates.X",
            "ask first: `has(kubelet.featureGates.X) && …`",
        ),
    ] {
        let faults = lint(&with_check(expression));
        let shown: Vec<String> = faults
            .iter()
            .map(|fault| fault.render(RenderStyle::Plain))
            .collect();
        assert_eq!(faults.len(), 1, "{expression}\n{}", shown.join("\n"));
        let fault = &faults[0];
        assert_eq!(fault.code, code, "{expression}\n{}", shown[0]);
        assert_eq!(
            &with_check(expression)[fault.span.clone()],
            marked,
            "{expression}\n{}",
            shown[0]
        );
        assert!(
            fault.help.as_deref().unwrap_or_default().contains(help),
            "{expression}\n{}",
            shown[0]
        );
    }
}

#[test]
fn good_expressions_have_nothing_wrong() {
    for expression in [
        "kubelet.readOnlyPort == 0",
        "kubelet.readOnlyPort in [0, 10255] && kubelet.readOnlyPort < 1.5",
        "kubelet.streamingConnectionIdleTimeout == 0 || kubelet.streamingConnectionIdleTimeout > duration('5m')",
        "kubelet.tlsCertFile != null && kubelet.tlsCertFile != ''",
        "kubelet.tlsCipherSuites.all(s, s in ['TLS_AES_128_GCM_SHA256'])",
        "size(kubelet.tlsCipherSuites) > 0 && kubelet.tlsCipherSuites[0].startsWith('TLS')",
        "kubelet.tlsCipherSuites.filter(s, s.contains('CBC')).size() == 0",
        "kubelet.tlsCipherSuites.map(s, s + 'x').exists(s, s == 'x')",
        "kubelet.tlsCipherSuites.exists_one(s, s.matches('^TLS_'))",
        "has(kubelet.featureGates.X) && kubelet.featureGates.X",
        "!('X' in kubelet.featureGates) || kubelet.featureGates['X'] == true",
        "kubelet.featureGates.all(name, name != 'X')",
        "quantity(kubelet.containerLogMaxSize) * 2 >= quantity('10Mi')",
        "(kubelet.rotateCertificates ? 1 : 2) == 1",
        "type(kubelet.readOnlyPort) == int",
        "dyn(kubelet.readOnlyPort) == '0'",
    ] {
        assert_eq!(lint(&with_check(expression)), [], "{expression}");
    }
}

#[test]
fn a_fix_may_set_an_entry_of_a_map() {
    let with_fix = |fix: &str| lint(&PAGE.replace("{authorization.mode: Webhook}", fix));
    assert_eq!(with_fix("{featureGates.X: true}"), []);
    assert_eq!(with_fix("{featureGates.X: 1}")[0].code, Code::TypeMismatch);
    assert_eq!(
        with_fix("{featureGates.X.Y: true}")[0].code,
        Code::UnknownSetting
    );
}

#[test]
fn the_form_of_a_bundled_page_is_checked() {
    for (from, to, code, line) in [
        ("## Impact\n\nNone.\n\n", "", Code::MissingSection, 66),
        (
            "## Impact\n\nNone.",
            "## Impact\n",
            Code::MissingSection,
            43,
        ),
        ("## Impact", "## Impacts", Code::UnknownSection, 43),
        ("## Audit", "## Rationale", Code::DuplicateSection, 30),
        (
            "## Audit\n\nLook.",
            "## Impact\n\nLook.\n\n## Audit\n\nLook.",
            Code::SectionOrder,
            34,
        ),
        (
            "1. https://kubernetes.io",
            "1. [x](/docs) https://kubernetes.io",
            Code::BadReference,
            53,
        ),
        (
            "1. https://kubernetes.io",
            "1. [here][1] https://kubernetes.io",
            Code::BadReference,
            53,
        ),
        ("Version 8: 3.3", "Version eight", Code::BadCisControl, 57),
        ("```yaml fail", "```yaml pass", Code::MissingExample, 61),
        ("```yaml fail", "```yaml good", Code::BadExample, 67),
        (
            "{set: {authorization.mode: Webhook}}",
            "{set: {authorisation.mode: Webhook}}",
            Code::UnknownSetting,
            19,
        ),
        (
            "{set: {authorization.mode: Webhook}}",
            "{set: {readOnlyPort: '0'}}",
            Code::TypeMismatch,
            19,
        ),
        (
            "subject: kubelet",
            "subject: kublet",
            Code::UnknownSubject,
            16,
        ),
        (
            "fix:",
            "choices: [{name: a, type: int, description: b}]\nfix:",
            Code::UnusedChoice,
            19,
        ),
    ] {
        let page = PAGE.replace(from, to);
        assert_ne!(page, PAGE, "{from}");
        let faults = lint(&page);
        let found = faults.iter().find(|fault| fault.code == code);
        assert_eq!(
            found.map(|fault| fault.line),
            Some(line),
            "{to}: {faults:?}"
        );
    }
}

#[test]
fn a_diagnostic_of_an_expression_points_into_the_page() {
    let page = PAGE.replace(
        CHECK,
        "check: >-\n  kubelet.readOnlyPort == 0 &&\n    kubelet.streamingConnectionIdleTimeout != \"5m\"",
    );
    let faults = lint(&page);
    insta::assert_snapshot!(faults[0].render(RenderStyle::Plain), @r#"
    error[type-mismatch]: a duration is compared with a string; they are never equal
      --> rules/kubelet/kubelet-authorization-mode.md:20:5
       |
    20 |     kubelet.streamingConnectionIdleTimeout != "5m"
       |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
       |
       = help: write `duration("5m")`
    "#);
    let page = PAGE.replace(
        CHECK,
        r#"check: "kubelet.authorization.mod != \"AlwaysAllow\"""#,
    );
    insta::assert_snapshot!(lint(&page)[0].render(RenderStyle::Plain), @r#"
    error[unknown-setting]: there is no setting `kubelet.authorization.mod`
      --> rules/kubelet/kubelet-authorization-mode.md:18:9
       |
    18 | check: "kubelet.authorization.mod != \"AlwaysAllow\""
       |         ^^^^^^^^^^^^^^^^^^^^^^^^^
       |
       = help: did you mean `kubelet.authorization.mode`?
    "#);
}

#[test]
fn rules_about_files_say_which() {
    for (subject, code) in [
        ("subject: file", Code::MissingKey),
        ("subject: file\nfiles: pki-kye", Code::BadValue),
        ("subject: kubelet\nfiles: pki-key", Code::BadValue),
    ] {
        let faults = lint(&PAGE.replace("subject: kubelet", subject));
        let found = faults.iter().any(|fault| {
            fault.code == code
                && (fault.message.contains("files") || fault.message.contains("role"))
        });
        assert!(found, "{subject}: {faults:?}");
    }
}
