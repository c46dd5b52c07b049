//! Binding, adding, replacing, digest.

use kubeassay_core::rule::{Catalogue, Code, Origin, Outcome, Replacing};
use kubeassay_core::{Severity, Value};

use crate::support::{DOCUMENTATION, Table, add, catalogue, nothing, page, rendered};

#[test]
fn a_bundled_rule_is_what_its_page_says() {
    let catalogue = catalogue();
    let rule = catalogue.get("kubelet-authorization-mode").unwrap();
    assert_eq!(rule.title(), "about kubelet-authorization-mode");
    assert_eq!(
        (rule.severity(), rule.subject()),
        (Severity::High, Some("kubelet"))
    );
    assert_eq!(rule.remediation(), "Set it so.\n\nAnd restart.");
    assert_eq!(
        rule.section("CIS Controls"),
        Some("Version 8: 3.3 (access follows need)")
    );
    let home = &rule.controls()[0];
    assert_eq!(
        (home.control.as_str(), home.version.as_deref()),
        ("4.2.2", Some(">=1.5"))
    );
    let numbers: Vec<&str> = rule
        .controls()
        .iter()
        .map(|control| control.control.as_str())
        .collect();
    assert_eq!(numbers, ["4.2.2", "3.2.2", "V-242392"]);
    assert_eq!(
        rule.check().unwrap().names(),
        ["kubelet.authorization.mode"]
    );
    assert_eq!((rule.origin(), rule.bound_to()), (&Origin::Bundled, None));
    let evaluation = rule.evaluate(&Table, &nothing()).unwrap();
    assert_eq!(evaluation.outcome, Outcome::Holds);
    assert_eq!(evaluation.read, ["kubelet.authorization.mode"]);
}

#[test]
fn a_documentation_page_loads_unchanged_and_borrows_the_check() {
    let mut catalogue = catalogue();
    let faults = add(
        &mut catalogue,
        &[("docs/4.2.2.md", DOCUMENTATION)],
        Replacing::Refused,
    );
    assert!(faults.is_empty(), "{}", rendered(&faults));
    let rule = catalogue.get("cis-kubernetes-4.2.2").unwrap();
    let lender = catalogue.get("kubelet-authorization-mode").unwrap();
    assert_eq!(rule.bound_to(), Some(lender.id()));
    assert_eq!(
        rule.check().unwrap().source(),
        lender.check().unwrap().source()
    );
    assert_eq!(
        (rule.severity(), rule.subject()),
        (lender.severity(), lender.subject())
    );
    assert_eq!(rule.expected(), lender.expected());
    // Its own prose and names.
    assert_eq!(
        rule.title(),
        "--authorization-mode is not AlwaysAllow (Kubelet)"
    );
    assert!(
        rule.remediation()
            .starts_with("Edit the file /var/lib/kubelet/config.yaml and set the mode")
    );
    assert_eq!(rule.aliases(), ["0a1-b2c-d3e"]);
    assert_eq!(rule.text(), DOCUMENTATION);
    let controls: Vec<(&str, &str)> = rule
        .cis_controls()
        .iter()
        .map(|it| (it.version.as_str(), it.control.as_str()))
        .collect();
    assert_eq!(controls, [("6", "14"), ("7", "14")]);
    assert_eq!(
        rule.cis_controls()[0].text,
        "Controlled Access Based on the Need to Know"
    );
    assert_eq!(
        rule.evaluate(&Table, &nothing()).unwrap().outcome,
        Outcome::Holds
    );
    assert_eq!(catalogue.added(), ["cis-kubernetes-4.2.2"]);
    assert!(catalogue.replaced().is_empty());
}

#[test]
fn a_documentation_page_of_an_unknown_control_is_manual() {
    let mut catalogue = catalogue();
    let text = DOCUMENTATION.replace("control: 4.2.2", "control: 4.2.20");
    let faults = add(&mut catalogue, &[("a.md", &text)], Replacing::Refused);
    assert!(faults.is_empty(), "{}", rendered(&faults));
    let rule = catalogue.get("cis-kubernetes-4.2.20").unwrap();
    assert!(rule.check().is_none() && rule.bound_to().is_none() && rule.subject().is_none());
    assert_eq!(rule.evaluate(&Table, &nothing()), None);
}

#[test]
fn a_control_of_another_framework_binds_too() {
    let mut catalogue = catalogue();
    let text = DOCUMENTATION
        .replace("control: 4.2.2", "control: 3.2.10")
        .replace("cis-kubernetes", "cis-eks");
    assert!(add(&mut catalogue, &[("a.md", &text)], Replacing::Refused).is_empty());
    assert_eq!(
        catalogue.get("cis-eks-3.2.10").unwrap().bound_to(),
        Some("kubelet-read-only-port")
    );
}

#[test]
fn replacing_a_bundled_rule_has_to_be_allowed() {
    let text = DOCUMENTATION.replace(
        "control: 4.2.2",
        "control: 4.2.2\nid: kubelet-authorization-mode\nseverity: low",
    );
    let mut catalogue = catalogue();
    let before = catalogue.digest();
    let faults = add(&mut catalogue, &[("mine.md", &text)], Replacing::Refused);
    assert_eq!(faults[0].code, Code::ReplacesBundled);
    insta::assert_snapshot!(rendered(&faults), @r#"
    error[replaces-bundled]: `kubelet-authorization-mode` is the id of a bundled rule
     --> mine.md:5:5
      |
    5 | id: kubelet-authorization-mode
      |     ^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: give the page an id of its own, or replace the bundled rule with --replace-rules
    "#);
    assert_eq!(catalogue.digest(), before);
    assert_eq!(
        catalogue
            .get("kubelet-authorization-mode")
            .unwrap()
            .severity(),
        Severity::High
    );

    let faults = add(
        &mut catalogue,
        &[("mine.md", &text), ("docs.md", DOCUMENTATION)],
        Replacing::Allowed,
    );
    assert!(faults.is_empty(), "{}", rendered(&faults));
    let rule = catalogue.get("kubelet-authorization-mode").unwrap();
    assert_eq!(rule.severity(), Severity::Low);
    assert_eq!(rule.origin(), &Origin::Added("mine.md".to_owned()));
    assert_eq!(rule.bound_to(), Some("kubelet-authorization-mode"));
    assert!(rule.check().is_some());
    assert_eq!(catalogue.replaced(), ["kubelet-authorization-mode"]);
    assert_eq!(catalogue.added(), ["cis-kubernetes-4.2.2"]);
    // Still bound to what was bundled, not to what replaced it.
    assert_eq!(
        catalogue.get("cis-kubernetes-4.2.2").unwrap().severity(),
        Severity::High
    );
    assert_ne!(catalogue.digest(), before);
}

#[test]
fn a_faulty_page_is_reported_and_the_others_still_load() {
    let mut catalogue = catalogue();
    let bad = "---\ntitle: t\nid: mine\nsubject: kubelet\ncheck: kubelet.authorisation.mode == 1\nseverity: hihg\n---\n";
    let unknown = bad.replace("hihg", "low");
    let faults = add(
        &mut catalogue,
        &[
            ("bad.md", bad),
            ("unknown.md", &unknown),
            ("none.md", "# Nothing"),
            ("docs.md", DOCUMENTATION),
        ],
        Replacing::Refused,
    );
    assert_eq!(catalogue.added(), ["cis-kubernetes-4.2.2"]);
    insta::assert_snapshot!(rendered(&faults), @r#"
    error[bad-value]: `hihg` is no severity
     --> bad.md:6:11
      |
    6 | severity: hihg
      |           ^^^^
      |
      = help: did you mean `high`?

    error[unknown-setting]: there is no setting `kubelet.authorisation.mode`
     --> unknown.md:5:8
      |
    5 | check: kubelet.authorisation.mode == 1
      |        ^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: did you mean `kubelet.authorization.mode`?

    error[no-front-matter]: a rule's page starts with front matter between two lines `---`
     --> none.md:1:1
      |
    1 | # Nothing
      | ^^^^^^^^^
    "#);
}

#[test]
fn ids_are_unique_whatever_they_clash_with() {
    let mine = |id: &str, aliases: &str| {
        format!(
            "---\nid: {id}\ntitle: t\ncheck: kubelet.readOnlyPort == 0\naliases: [{aliases}]\n---\n"
        )
    };
    for (pages, codes) in [
        (vec![mine("a", ""), mine("a", "")], vec![Code::DuplicateId]),
        (vec![mine("authz", "")], vec![Code::DuplicateId]),
        (
            vec![mine("a", "kubelet-read-only-port")],
            vec![Code::DuplicateId],
        ),
        (vec![mine("a", "authz"), mine("b", "authz")], vec![]),
    ] {
        let mut catalogue = catalogue();
        let pages: Vec<(&str, &str)> = pages.iter().map(|text| ("a.md", text.as_str())).collect();
        let found: Vec<Code> = add(&mut catalogue, &pages, Replacing::Refused)
            .iter()
            .map(|fault| fault.code)
            .collect();
        assert_eq!(found, codes);
    }
    let text = page("a", "1.1", "kubelet.readOnlyPort == 0", "");
    let faults = Catalogue::bundled(&[("x/a.md", &text), ("y/a.md", &text)]).unwrap_err();
    assert_eq!(faults[0].code, Code::DuplicateId);
}

#[test]
fn a_page_with_a_check_needs_little_else() {
    let mut catalogue = catalogue();
    let text =
        "---\nid: mine\ntitle: my rule\ncheck: kubelet.readOnlyPort == 0\nextra: 1\n---\nText.\n";
    assert!(add(&mut catalogue, &[("a.md", text)], Replacing::Refused).is_empty());
    let rule = catalogue.get("mine").unwrap();
    assert_eq!(
        (rule.subject(), rule.expected(), rule.severity()),
        (Some("kubelet"), "my rule", Severity::Medium)
    );
    assert!(rule.controls().is_empty());
}

#[test]
fn a_rule_that_does_not_apply_says_why() {
    let front = "applies: kubelet.readOnlyPort != choices.off\napplies-reason: the port is closed\nchoices:\n  - {name: off, type: int, default: 0, description: the closed port}\n";
    let text = page(
        "a",
        "1.1",
        r#"kubelet.authorization.mode == "Webhook""#,
        front,
    );
    let catalogue = Catalogue::bundled(&[("a.md", &text)]).unwrap();
    let rule = catalogue.get("a").unwrap();
    assert!(
        rule.lint(&Table)
            .iter()
            .all(|fault| fault.message.contains("section") || fault.message.contains("example"))
    );
    let evaluation = rule.evaluate(&Table, &nothing()).unwrap();
    assert_eq!(
        evaluation.outcome,
        Outcome::NotApplicable("the port is closed".to_owned())
    );
    assert_eq!(evaluation.read, ["kubelet.readOnlyPort"]);
    let chosen = [("off".to_owned(), Value::Int(1))].into();
    let evaluation = rule.evaluate(&Table, &chosen).unwrap();
    assert_eq!(evaluation.outcome, Outcome::Holds);
    assert_eq!(
        evaluation.read,
        ["kubelet.readOnlyPort", "kubelet.authorization.mode"]
    );
}

#[test]
fn the_digest_does_not_depend_on_the_order() {
    let (a, b) = (
        page("a", "1.1", "true", "").replace("true", "\"true\""),
        page("b", "1.2", "\"true\"", ""),
    );
    let one = Catalogue::bundled(&[("a.md", &a), ("b.md", &b)])
        .unwrap()
        .digest();
    let two = Catalogue::bundled(&[("b.md", &b), ("a.md", &a)])
        .unwrap()
        .digest();
    assert_eq!(one, two);
    assert!(one.starts_with("sha256:") && one.len() == 71);
    assert_ne!(one, Catalogue::bundled(&[("a.md", &a)]).unwrap().digest());
}
