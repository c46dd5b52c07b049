//! The page of what changed, in a browser.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value as Json, json};

use super::browser::Browser;
use super::{assert_as_written, assert_is_read_aloud, demo, kubeassay, shown, text_of};

/// Returns the page of two reports.
fn compared(browser: &Browser, old: &Json, new: &Json) -> PathBuf {
    let names = ["old.json", "new.json", "changes.html"];
    let [before, now, page] = names.map(|name| browser.folder().join(name));
    fs::write(&before, old.to_string()).unwrap();
    fs::write(&now, new.to_string()).unwrap();
    let output = format!("html={}", page.display());
    let files = [before.to_str().unwrap(), now.to_str().unwrap()];
    kubeassay(&["diff", "-q", files[0], files[1], "-o", &output]);
    page
}

fn of_rule<'a>(report: &'a mut Json, rule: &str) -> &'a mut Json {
    let findings = report["findings"].as_array_mut().unwrap();
    let mut of_rule = findings.iter_mut().filter(|one| one["rule"] == rule);
    of_rule.next().unwrap()
}

/// Returns the page of the demonstration's node before and after somebody worked on it: of every kind of change but those
/// of the origin alone there is one.
fn edited(browser: &Browser) -> PathBuf {
    let (_, old) = demo(browser);
    let mut new = old.clone();
    let fixed = of_rule(&mut new, "kubelet-authorization-mode");
    fixed["verdict"] = json!("pass");
    fixed["reason"] = json!("authorization.mode is Webhook");
    fixed["evidence"][0]["value"] = json!("Webhook");
    let worse = of_rule(&mut new, "kubelet-anonymous-auth");
    worse["verdict"] = json!("fail");
    worse["reason"] = json!("anonymous requests are answered");
    worse["evidence"][0]["value"] = json!(true);
    let other = of_rule(&mut new, "kubelet-tls-cipher-suites");
    other["verdict"] = json!("unknown");
    other["cause"] = json!("denied");
    let other = of_rule(&mut new, "kubelet-streaming-connection-idle-timeout");
    other["evidence"][0]["value"] = json!("1ms");
    let accepted = of_rule(&mut new, "kubelet-serving-certificate");
    accepted["waiver"] = json!({"reason": "until the new CA is there", "owner": "platform", "expires": "2027-03-31"});
    let findings = new["findings"].as_array_mut().unwrap();
    findings.retain(|one| one["rule"] != "kubelet-hostname-override");
    compared(browser, &old, &new)
}

#[test]
fn a_kind_a_word_or_a_key_leads_to_what_changed() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let page = edited(&browser);
    browser.open(&page, "");
    assert_eq!(shown(&mut browser), "6 changes of 6 rules.");
    browser.picture("changes-whole.png");
    browser.scheme("dark");
    browser.picture("changes-dark-whole.png");
    browser.scheme("light");
    // A tile, and who gets the address of what it shows.
    browser.click("a.tile[href='#change=fixed']");
    assert_eq!(shown(&mut browser), "Shown: 1 of 6 changes, of 1 rule.");
    let turns = browser.texts(".rule > summary .turn");
    assert_eq!(turns, ["fail \u{2192} pass"]);
    browser.open(&page, "change=new,no-longer-seen");
    assert_eq!(shown(&mut browser), "Shown: 2 of 6 changes, of 2 rules.");
    browser.click("input[name=change][value=new]");
    assert_eq!(browser.value("location.hash"), "#change=no-longer-seen");
    browser.value("document.getElementById('open-all').click()");
    let gone = browser.texts(".entry");
    assert!(
        gone.len() == 1 && gone[0].contains("That mends nothing."),
        "{gone:?}"
    );
    // By what it is now; a filter of two kinds takes what fits both.
    browser.open(&page, "verdict=fail,unknown&severity=high");
    let turns = browser.texts(".rule > summary .turn");
    assert_eq!(turns, ["pass \u{2192} fail"]);
    // Search reads both sides.
    browser.press("Escape");
    browser.press("/");
    browser.type_text("90-debug.conf");
    let found = browser.texts(".rule > summary h4");
    assert_eq!(
        found,
        ["the kubelet asks the API server to authorize requests"]
    );
    browser.press("Escape");
    // Keys reach every rule, in the order of the page.
    let rule = "[...document.querySelectorAll('.rule')].findIndex(e => e.contains(document.activeElement))";
    for at in 0..6 {
        browser.press("j");
        assert_eq!(browser.value(rule), at);
    }
    browser.press("Enter");
    let sides = browser.texts(".rule[open] .side");
    assert!(
        sides.len() == 2 && sides[0].contains("AlwaysAllow") && sides[1].contains("Webhook"),
        "{sides:?}"
    );
    // In the order of the numbers, each says its kind.
    browser.open(&page, "sort=control");
    let numbers = browser.texts(".rule .control");
    assert_eq!(numbers[..2], ["4.2.1", "4.2.2"]);
    assert_eq!(browser.texts(".of-kind").len(), 6);
    browser.assert_quiet();
}

#[test]
fn what_changed_fits_is_read_aloud_and_needs_no_program() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let page = edited(&browser);
    browser.open(&page, "rule-new-kubelet-anonymous-auth");
    assert_eq!(browser.texts(".rule[open] .side").len(), 2);
    assert_is_read_aloud(&mut browser);
    for width in [320, 800, 1_280] {
        browser.size(width, 1_000);
        browser.value("document.getElementById('open-all').click()");
        browser.picture(&format!("changes-{width}-whole.png"));
        let beyond = browser
            .value("document.documentElement.scrollWidth - document.documentElement.clientWidth");
        assert_eq!(beyond, 0, "{width}");
    }
    browser.ask(
        "Emulation.setScriptExecutionDisabled",
        &json!({"value": true}),
    );
    browser.open(&page, "change=fixed");
    assert!(browser.texts("#controls").is_empty());
    assert_eq!(browser.texts(".rule > summary").len(), 6);
    assert_as_written(&mut browser, &page);
    browser.click(".rule > summary");
    assert!(browser.texts(".side")[1].contains("anonymous requests are answered"));
    browser.assert_quiet();
}

#[test]
fn paper_has_what_was_and_what_is() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let page = edited(&browser);
    for with_program in [true, false] {
        browser.ask(
            "Emulation.setScriptExecutionDisabled",
            &json!({"value": !with_program}),
        );
        browser.open(&page, "");
        let Some(text) = text_of(&browser.print(), browser.folder()) else {
            return;
        };
        let text: String = text.split_whitespace().collect();
        for wanted in [
            "old.json",
            "new.json",
            "6changes",
            "AlwaysAllow",
            "authorization.modeisWebhook",
            "Thatmendsnothing",
            "Acceptedbyplatformuntil2027",
            "Whyitmatters",
        ] {
            assert!(text.contains(wanted), "{with_program}: {wanted}");
        }
        assert!(!text.contains("Openall"), "{with_program}");
        browser.assert_quiet();
    }
}
