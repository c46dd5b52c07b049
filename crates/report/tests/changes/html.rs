//! The page of what changed: what is in it, what joins changes, what bounds it. How it behaves in a browser:
//! crates/cli/tests/html.rs.

use insta::assert_snapshot;
use kubeassay_core::report::{Finding, Report};
use kubeassay_core::{Severity, Value};
use kubeassay_report::Format;
use kubeassay_report::changes::Comparison;

use super::common::{empty, failing, node, passing, report};
use super::{Counts, compare, every_kind, nothing, pages, written};

fn page(comparison: &Comparison) -> String {
    written(comparison, Format::Html, 80, false)
}

/// Returns how many changes of each kind the document has, which its tiles tell as well.
pub(crate) fn counts(document: &str) -> Counts {
    let xml = pages::xml(document);
    let tree = roxmltree::Document::parse(&xml).unwrap();
    let mut counts = Counts::new();
    for kind in tree.descendants() {
        let Some(word) = kind
            .attribute("id")
            .and_then(|id| id.strip_prefix("change="))
        else {
            continue;
        };
        let entries = kind
            .descendants()
            .filter_map(|one| one.attribute("data-counts"));
        let told = entries.flat_map(|counts| counts.split(' '));
        let told = told.map(|one| one.split_once(':').unwrap().1.parse::<usize>().unwrap());
        counts.insert(word.to_owned(), told.sum());
    }
    let tiles = tree.descendants().filter_map(|tile| {
        let kind = tile.attribute("id")?.strip_prefix("count-")?;
        let count = tile.text()?.replace(',', "").parse::<usize>().unwrap();
        (count > 0).then(|| (kind.to_owned(), count))
    });
    assert_eq!(tiles.collect::<Counts>(), counts);
    counts
}

#[test]
fn pages_as_they_are_written() {
    let structure = |page: &str| {
        let xml = pages::xml(page);
        let kept = xml.lines();
        let kept = kept.filter(|line| !line.contains("Content-Security-Policy"));
        kept.collect::<Vec<_>>().join("\n")
    };
    assert_snapshot!("changes_html", structure(&page(&every_kind())));
    assert_snapshot!("changes_html_none", structure(&page(&nothing())));
}

#[test]
fn what_is_gone_is_neither_open_nor_mended() {
    let text = page(&every_kind());
    let (_, gone) = text.split_once("id=\"change=no-longer-seen\"").unwrap();
    let (gone, _) = gone.split_once("<section class=\"kind\"").unwrap();
    for told in [
        "<div class=\"entry gone\" data-counts=\"gone:1\">",
        "Its node is not there any more. That mends nothing.",
        "<h5>Now <span class=\"chip absent\">not there</span></h5>",
    ] {
        assert!(gone.contains(told), "{told}: {gone}");
    }
    assert!(!gone.contains("chip pass") && !gone.contains("How to mend it"));
    for told in [
        "<b>4 of what changed need action now</b>",
        "<b>1 node came</b>: <code>worker-3</code>",
        "<b>1 node went</b>: <code>worker-2</code>",
    ] {
        assert!(text.contains(told), "{told}: {text}");
    }
}

#[test]
fn what_needs_action_comes_first_and_says_so() {
    let of = |value: i64| {
        let open = Finding {
            severity: Severity::Low,
            ..super::port("a", value, 4)
        };
        let mut rests = passing("a");
        rests.id.push_str("-rests");
        rests.rule = "a-rule-that-rests".to_owned();
        rests.evidence[0].value = Value::Int(value);
        report(vec![node("a")], vec![rests, open])
    };
    let text = page(&compare(&of(1), &of(2)));
    let rules: Vec<(bool, bool)> = text
        .split("<details class=\"rule\"")
        .skip(1)
        .map(|rule| {
            (
                rule.contains("<span class=\"tag\">needs action</span>"),
                rule.contains("a-rule-that-rests"),
            )
        })
        .collect();
    assert_eq!(rules, [(true, false), (false, true)]);
    assert!(text.contains("<b>1 of what changed needs action now</b>"));
}

/// A report in which each node has the finding that is made for it.
fn of_nodes(nodes: usize, findings: impl Fn(usize, &str) -> Vec<Finding>) -> Report {
    let names: Vec<String> = (0..nodes).map(|number| format!("n{number:04}")).collect();
    let all = names.iter().enumerate();
    let all = all.flat_map(|(number, name)| findings(number, name));
    report(names.iter().map(|name| node(name)).collect(), all.collect())
}

#[test]
fn what_changed_alike_on_many_nodes_is_one_entry() {
    let old = of_nodes(300, |_, name| vec![passing(name)]);
    let new = of_nodes(300, |number, name| {
        let mut finding = Finding {
            rule: passing(name).rule,
            id: passing(name).id,
            ..failing(name)
        };
        finding.evidence[0].value = Value::Int(i64::try_from(number % 3).unwrap());
        if number == 0 {
            vec![passing(name)]
        } else {
            vec![finding]
        }
    });
    let text = page(&compare(&old, &new));
    assert_eq!(text.matches("<div class=\"entry ").count(), 3, "{text}");
    for told in [
        "On 100 of 300 nodes.",
        "The list of 299 nodes on which something changed",
        "<td class=\"number\">299</td><th scope=\"row\" data-node=\"299\">n0299</th>",
    ] {
        assert!(text.contains(told), "{told}: {text}");
    }
}

/// A fleet of which each finding changed, on each node otherwise: nothing can be joined by its values.
fn scattered(nodes: usize, rules: usize, value: &str) -> [Report; 2] {
    [0, 1].map(|round| {
        of_nodes(nodes, |number, name| {
            let finding = |rule: usize| {
                let mut finding = failing(name);
                finding.rule = format!("kubelet-rule-number-{rule}");
                finding.id = format!("{number:016x}{rule:016x}");
                finding.evidence[0].value =
                    Value::string(format!("{value}{number} {rule} {round}"));
                finding.reason = format!("{value}{number}");
                finding
            };
            (0..rules).map(finding).collect()
        })
    })
}

#[test]
fn a_fleet_of_which_all_changed_fits_into_its_bound() {
    let [old, new] = scattered(200, 40, "");
    let comparison = compare(&old, &new);
    assert_eq!(comparison.changes.len(), 8_000);
    let text = page(&comparison);
    assert_eq!(counts(&text)["changed-value"], 8_000);
    assert!(text.contains("The values differ. This is the first of them"));
    // What grows with the nodes are their list, which is bounded, and the numbers of those that changed alike: twice as
    // many nodes take hardly more.
    let [old, new] = scattered(100, 40, "");
    let smaller = page(&compare(&old, &new)).len();
    let of_a_node = text.len().saturating_sub(smaller) / 100;
    let fleet = (text.len() + 5_000 * of_a_node) * 130 / 40;
    assert!(fleet < 25 << 20, "{} {of_a_node} {fleet}", text.len());
}

#[test]
fn whatever_changed_it_fits_into_its_bounds_and_says_what_did_not() {
    let long = "<\u{202e}".repeat(100);
    let [mut old, mut new] = scattered(1, 3_100, &long);
    for report in [&mut old, &mut new] {
        report.findings[0].reason = "<\u{202e}".repeat(4_000);
        for finding in report.findings.iter_mut().take(300) {
            let evidence = finding.evidence[0].clone();
            finding.evidence = vec![evidence; 40];
        }
    }
    old.scanned
        .nodes
        .extend((0..300).map(|number| node(&format!("{number}{long}"))));
    let text = page(&compare(&old, &new));
    assert!(text.len() < 25 << 20, "{}", text.len());
    for told in [
        "There was no room for its evidence; the formats json and jsonl have it.",
        "100 changes have no room on the page and are not here",
        "more characters)",
        "and 200 more, which the format json has",
    ] {
        assert!(text.contains(told), "{told}");
    }
}

#[test]
fn what_makes_a_comparison_doubtful_is_told_first() {
    let mut other = empty();
    other.rules.digest = "sha256:other".to_owned();
    other.complete = false;
    let text = page(&compare(&empty(), &other));
    let (_, told) = text.split_once("<p class=\"banner\">").unwrap();
    assert!(
        told.starts_with("<b>To be taken with care</b>: they were judged by different rules"),
        "{told}"
    );
    for wanted in [
        "<b>To be taken with care</b>: new.jsonl is incomplete.",
        "0 findings, <strong class=\"missed\">incomplete</strong>",
        "<h1>no node</h1>",
        "No finding changed.",
    ] {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
}
