//! What holds for all bundled rules at once.

use kubeassay_core::rule::{Catalogue, Check, RenderStyle, Rule};
use kubeassay_engine::schema::Components;
use kubeassay_engine::{BUNDLED_RULES, run_examples};

/// Returns the bundled rules, read from their pages.
fn read() -> Catalogue {
    let pages: Vec<(&str, &str)> = BUNDLED_RULES
        .rules
        .iter()
        .map(|rule| (rule.file, rule.text))
        .collect();
    Catalogue::bundled(&pages).unwrap_or_else(|faults| {
        let shown: Vec<String> = faults
            .iter()
            .map(|fault| fault.render(RenderStyle::Plain))
            .collect();
        panic!("{}", shown.join("\n"));
    })
}

/// Returns the bundled rules as the program is built with them.
fn bundled() -> Catalogue {
    Catalogue::prepared(&BUNDLED_RULES)
}

#[test]
fn prepared_rules_are_what_their_pages_say() {
    let (prepared, read) = (bundled(), read());
    assert_eq!(prepared.digest(), read.digest());
    assert_eq!(prepared.rules().len(), read.rules().len());
    for (prepared, read) in prepared.rules().zip(read.rules()) {
        let all = |rule: &Rule| {
            let applies = rule
                .applies()
                .map(|(check, reason)| (check.source().to_owned(), reason.to_owned()));
            let head = format!(
                "{:?}",
                (
                    rule.id(),
                    rule.title(),
                    rule.severity(),
                    rule.subject(),
                    rule.controls(),
                    rule.aliases()
                )
            );
            let judged = format!(
                "{:?}",
                (
                    rule.expected(),
                    rule.remediation(),
                    rule.choices(),
                    rule.check().map(Check::names),
                    applies
                )
            );
            let prose = format!(
                "{:?}",
                (
                    rule.sections(),
                    rule.cis_controls(),
                    rule.fix(),
                    rule.examples(),
                    rule.file(),
                    rule.text()
                )
            );
            [head, judged, prose]
        };
        assert_eq!(all(prepared), all(read));
    }
}

#[test]
fn bundled_pages_are_without_fault() {
    let catalogue = bundled();
    let faults: Vec<String> = catalogue
        .rules()
        .flat_map(|rule| rule.lint(&Components))
        .map(|fault| fault.render(RenderStyle::Plain))
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
}

#[test]
fn every_example_comes_out_as_its_page_says() {
    let catalogue = bundled();
    let mut count = 0;
    let mut faults = Vec::new();
    for rule in catalogue.rules() {
        count += rule.examples().len();
        for fault in run_examples(rule) {
            faults.push(format!(
                "{}:{}: {} must be {}, is {}",
                rule.file(),
                fault.line,
                fault.about,
                fault.expected,
                fault.found
            ));
        }
    }
    assert!(
        faults.is_empty(),
        "{} of {count} examples\n{}",
        faults.len(),
        faults.join("\n")
    );
    assert!(
        count >= 3 * catalogue.rules().len(),
        "too few examples: {count}"
    );
}

#[test]
fn the_rules_and_their_numbers_are_these() {
    let catalogue = bundled();
    let list: Vec<String> = catalogue
        .rules()
        .map(|rule| {
            let numbers: Vec<String> = rule
                .controls()
                .iter()
                .map(|control| format!("{}:{}", control.framework, control.control))
                .collect();
            format!("{} = {}", rule.id(), numbers.join(" "))
        })
        .collect();
    insta::assert_snapshot!(list.join("\n"));
}

#[test]
fn every_section_4_2_control_has_its_rule() {
    let catalogue = bundled();
    for number in 1..=14 {
        let word = format!("4.2.{number}");
        let rules = catalogue.select(&[&word]).unwrap();
        assert_eq!(rules.len(), 1, "{word}");
    }
}
