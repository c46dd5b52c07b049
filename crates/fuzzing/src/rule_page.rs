//! A rule's page: read, linted, its diagnostics shown, its examples run.

use std::sync::LazyLock;

use kubeassay_core::rule::{Catalogue, Diagnostic, Document, RenderStyle, Replacing};
use kubeassay_core::text;
use kubeassay_engine::schema::Components;
use kubeassay_engine::{BUNDLED_RULES, run_examples};

/// The most examples that are run: each is resolved in 17 versions.
const MOST: usize = 2;

/// The rules that are part of kubeassay.
static BUNDLED: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::prepared(&BUNDLED_RULES));

/// Adds an input as a page to the bundled ones.
pub(crate) fn run(data: &[u8]) {
    let mut catalogue = BUNDLED.clone();
    let page = Document {
        file: "page.md",
        bytes: data,
    };
    let faults = catalogue.add(&[page], Replacing::Allowed, &Components);
    for fault in &faults {
        is_told(data, fault);
    }
    let refused = faults.iter().any(Diagnostic::is_error);
    let added = catalogue.rules().find(|rule| rule.file() == "page.md");
    assert_eq!(
        added.is_none(),
        refused,
        "a page is added unless it has an error: {faults:?}"
    );
    let mut rules = BUNDLED_RULES.rules.iter();
    let bundled = rules.any(|rule| rule.text.as_bytes() == data);
    assert_eq!(
        catalogue.digest() == BUNDLED.digest(),
        refused || bundled,
        "the digest tells what was added"
    );
    let Some(rule) = added else { return };
    assert_eq!(rule.text().as_bytes(), data, "the page is kept as it is");
    assert!(
        catalogue
            .get(rule.id())
            .is_some_and(|found| found.file() == "page.md"),
        "found by its id"
    );
    let chosen = catalogue
        .select(&[rule.id().to_owned()])
        .expect("chosen by its id");
    assert!(
        chosen.iter().any(|chosen| chosen.id() == rule.id()),
        "chosen by its id"
    );
    if let Some(check) = rule.check() {
        assert!(
            check.names().iter().all(|name| text::escape(name) == *name),
            "names are plain"
        );
    }
    if rule.examples().len() > MOST {
        return;
    }
    let lines = String::from_utf8_lossy(data).split('\n').count();
    for fault in run_examples(rule) {
        assert!(
            (1..=lines).contains(&fault.line),
            "an example on line {} of {lines}",
            fault.line
        );
    }
}

/// Asserts that a diagnostic points into the page and shows nothing raw.
pub(crate) fn is_told(data: &[u8], fault: &Diagnostic) {
    assert!(!fault.message.is_empty());
    assert!(
        fault.span.start <= fault.span.end && fault.span.end <= data.len(),
        "outside the page: {fault:?}"
    );
    let Ok(page) = std::str::from_utf8(data) else {
        return;
    };
    let before = page
        .get(..fault.span.start)
        .unwrap_or_else(|| panic!("within a character: {fault:?}"));
    assert!(
        page.get(fault.span.clone()).is_some(),
        "within a character: {fault:?}"
    );
    let line = before.split('\n').count();
    let column = before
        .rsplit('\n')
        .next()
        .unwrap_or_default()
        .chars()
        .count()
        + 1;
    assert_eq!(
        (fault.line, fault.column),
        (line, column),
        "another place by its bytes: {fault:?}"
    );
    for shown in fault
        .render(RenderStyle::Plain)
        .lines()
        .chain([fault.to_string().as_str()])
    {
        // The excerpt keeps its tabs.
        let shown = shown.replace('\t', " ");
        assert_eq!(text::escape(&shown), shown, "raw in a message");
    }
}
