//! The page in a browser: filter, search, keyboard, paper, without a program, with hostile texts, of a fleet.

#![expect(
    clippy::disallowed_methods,
    reason = "tests start programs and look at the files they wrote"
)]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "what cannot be done fails the test"
)]
#![expect(clippy::indexing_slicing, reason = "what is not there fails the test")]
#![expect(clippy::print_stderr, reason = "what is skipped is told")]

#[path = "html/browser.rs"]
mod browser;
#[path = "html/changes.rs"]
mod changes;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command as Process;

use assert_cmd::Command;
use browser::Browser;
use serde_json::{Value as Json, json};

fn kubeassay(arguments: &[&str]) -> String {
    let mut command = Command::cargo_bin("kubeassay").unwrap();
    let output = command
        .args(arguments)
        .env_remove("NO_COLOR")
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(matches!(output.status.code(), Some(0..=2)), "{stderr}");
    String::from_utf8(output.stdout).unwrap()
}

/// Returns a page of the demonstration, and its report.
fn demo(browser: &Browser) -> (PathBuf, Json) {
    let page = browser.folder().join("demo.html");
    let output = format!("html={}", page.display());
    let report = kubeassay(&["scan", "--demo", "-q", "-o", "json", "-o", &output]);
    (page, serde_json::from_str(&report).unwrap())
}

/// Returns a page of a report.
fn rendered(browser: &Browser, report: &Json, name: &str) -> PathBuf {
    let [from, page] =
        ["json", "html"].map(|extension| browser.folder().join(format!("{name}.{extension}")));
    fs::write(&from, report.to_string()).unwrap();
    kubeassay(&[
        "render",
        "-q",
        from.to_str().unwrap(),
        "-o",
        page.to_str().unwrap(),
    ]);
    page
}

fn count(report: &Json, holds: impl Fn(&Json) -> bool) -> usize {
    let findings = report["findings"].as_array().unwrap();
    findings.iter().filter(|finding| holds(finding)).count()
}

fn shown(browser: &mut Browser) -> String {
    browser
        .value("document.getElementById('shown').textContent")
        .as_str()
        .unwrap()
        .to_owned()
}

#[test]
fn filters_show_what_was_asked_for_and_stand_in_the_address() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let (page, report) = demo(&browser);
    browser.open(&page, "");
    let all = report["findings"].as_array().unwrap().len();
    assert!(shown(&mut browser).starts_with(&format!("{all} findings of ")));
    browser.picture("demo-whole.png");

    browser.click("input[name=verdict][value=fail]");
    let failing = count(&report, |finding| finding["verdict"] == "fail");
    assert!(
        shown(&mut browser).starts_with(&format!("Shown: {failing} of {all} findings")),
        "{}",
        shown(&mut browser)
    );
    assert_eq!(browser.value("location.hash"), "#verdict=fail");
    browser.value("document.getElementById('open-all').click()");
    assert_eq!(browser.texts(".entry").len(), failing);

    browser.click("input[name=severity][value=high]");
    let high = count(&report, |finding| {
        finding["verdict"] == "fail" && finding["severity"] == "high"
    });
    assert!(shown(&mut browser).starts_with(&format!("Shown: {high} of ")));
    assert_eq!(
        browser.value("location.hash"),
        "#verdict=fail&severity=high"
    );

    // Whoever gets the address sees the same.
    browser.open(&page, "verdict=pass&section=4.2&sort=control");
    let passing = count(&report, |finding| {
        finding["verdict"] == "pass"
            && finding["controls"][0]["control"]
                .as_str()
                .unwrap()
                .starts_with("4.2.")
    });
    assert!(
        shown(&mut browser).starts_with(&format!("Shown: {passing} of ")),
        "{}",
        shown(&mut browser)
    );
    let numbers = browser.texts(".rule .control");
    let last = |number: &String| number.rsplit('.').next().unwrap().parse::<u32>().unwrap();
    assert!(
        numbers.len() == passing && numbers.is_sorted_by_key(last),
        "{numbers:?}"
    );

    browser.click("#clear");
    assert!(shown(&mut browser).starts_with(&format!("{all} findings")));
    // A tile, a section and an address of a rule lead to what they name.
    browser.click("a.tile.fail");
    assert!(shown(&mut browser).starts_with(&format!("Shown: {failing} of ")));
    browser.click("[data-filter='section=4.1'] button");
    let files = count(&report, |finding| {
        finding["controls"][0]["control"]
            .as_str()
            .unwrap()
            .starts_with("4.1.")
    });
    assert!(shown(&mut browser).starts_with(&format!("Shown: {files} of ")));
    browser.open(&page, "rule-kubelet-authorization-mode");
    assert_eq!(
        browser.value("document.querySelectorAll('.rule[open]').length"),
        1
    );
    let texts = browser.texts(".rule[open] .entry");
    for wanted in [
        "authorization.mode is Webhook",
        "AlwaysAllow",
        "90-debug.conf:5:9",
        "config.yaml:11:9",
        "overridden",
    ] {
        assert!(texts[0].contains(wanted), "{wanted}: {texts:?}");
    }
    browser.picture("demo-rule.png");
    browser.scheme("dark");
    browser.picture("demo-rule-dark.png");
    browser.assert_quiet();
}

#[test]
fn what_is_searched_is_found_and_nothing_else() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let (page, report) = demo(&browser);
    browser.open(&page, "");
    for (query, holds) in [
        ("alwaysallow", "authorization-mode"),
        ("4.2.13", "pod-pids"),
        ("90-debug.conf", "kubelet"),
    ] {
        browser.press("/");
        browser.type_text(query);
        let rules = browser.value("[...document.querySelectorAll('.rule:not([hidden])')].map(e => [e.id, e.textContent.toLowerCase().includes(document.getElementById('q').value)])");
        let rules = rules.as_array().unwrap();
        assert!(
            !rules.is_empty() && rules.iter().all(|rule| rule[1] == true),
            "{query}: {rules:?}"
        );
        assert!(
            rules
                .iter()
                .any(|rule| rule[0].as_str().unwrap().contains(holds)),
            "{query}: {rules:?}"
        );
        let missed = browser.value("[...document.querySelectorAll('.rule[hidden]')].filter(e => e.textContent.toLowerCase().includes(document.getElementById('q').value)).length");
        assert_eq!(missed, 0, "{query}");
        browser.press("Escape");
    }
    browser.press("/");
    browser.type_text("no such word anywhere");
    assert!(browser.texts("#nothing")[0].starts_with("Nothing matches"));
    browser.click("#clear-too");
    let all = report["findings"].as_array().unwrap().len();
    assert!(shown(&mut browser).starts_with(&format!("{all} findings")));
    browser.assert_quiet();
}

#[test]
fn everything_can_be_done_by_keyboard() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let (page, _) = demo(&browser);
    browser.open(&page, "");
    let focus = "document.activeElement.className + ' ' + document.activeElement.id";
    browser.press("Tab");
    assert_eq!(browser.value(focus), "skip ");
    browser.press("Enter");
    assert_eq!(browser.value("location.hash"), "#findings");
    let rule = "[...document.querySelectorAll('.rule')].findIndex(e => e.contains(document.activeElement))";
    for (key, at) in [
        ("j", 0),
        ("j", 1),
        ("k", 0),
        ("k", 0),
        ("ArrowDown", 1),
        ("ArrowUp", 0),
    ] {
        browser.press(key);
        assert_eq!(browser.value(rule), at, "{key}");
    }
    browser.press("Enter");
    assert_eq!(browser.value("document.querySelector('.rule').open"), true);
    browser.press("Enter");
    assert_eq!(browser.value("document.querySelector('.rule').open"), false);
    browser.press("/");
    assert_eq!(browser.value("document.activeElement.id"), "q");
    browser.type_text("j?");
    assert_eq!(browser.value("document.getElementById('help').open"), false);
    browser.press("Escape");
    assert_eq!(
        browser.value("document.getElementById('q').value + document.activeElement.id"),
        ""
    );
    browser.press("?");
    assert_eq!(browser.value("document.getElementById('help').open"), true);
    browser.picture("demo-keys.png");
    browser.click("#keys-on");
    browser.press("Escape");
    assert_eq!(browser.value("document.getElementById('help').open"), false);
    // Who speaks to the computer can turn keys of one character off.
    browser.press("/");
    assert_ne!(browser.value("document.activeElement.id"), "q");
    browser.assert_quiet();
}

#[test]
fn a_screen_reader_finds_names_roles_and_headings() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let (page, _) = demo(&browser);
    browser.open(&page, "rule-kubelet-authorization-mode");
    assert_is_read_aloud(&mut browser);
}

/// Shows that all that can be reached has a name, that headings have their order, and that the parts of the page are told.
fn assert_is_read_aloud(browser: &mut Browser) {
    let tree = browser.ask("Accessibility.getFullAXTree", &json!({}));
    let nodes = tree["nodes"].as_array().unwrap();
    let property = |node: &Json, name: &str| {
        let properties = node["properties"].as_array().cloned().unwrap_or_default();
        let found = properties.iter().find(|one| one["name"] == name).cloned();
        found
            .map(|one| one["value"]["value"].clone())
            .unwrap_or_default()
    };
    let there = nodes.iter().filter(|node| node["ignored"] == false);
    let mut roles = std::collections::BTreeSet::new();
    let mut level = 0;
    for node in there {
        let role = node["role"]["value"].as_str().unwrap_or_default();
        let name = node["name"]["value"].as_str().unwrap_or_default();
        roles.insert(role.to_owned());
        if property(node, "focusable") == true && role != "RootWebArea" {
            assert!(!name.is_empty(), "{node}");
        }
        if role == "heading" {
            let at = property(node, "level").as_u64().unwrap();
            assert!(at <= level + 1, "{name}: {at} below {level}");
            level = at;
            assert!(!name.is_empty(), "{node}");
        }
    }
    for role in [
        "banner",
        "main",
        "navigation",
        "contentinfo",
        "search",
        "searchbox",
        "status",
        "table",
        "columnheader",
        "rowheader",
    ] {
        assert!(roles.contains(role), "{role}: {roles:?}");
    }
    let live = nodes
        .iter()
        .filter(|node| property(node, "live") == "polite")
        .count();
    assert!(live > 0);
    browser.assert_quiet();
}

/// Returns the text of a PDF; nothing where nobody can read it, which is said.
fn text_of(pdf: &[u8], folder: &Path) -> Option<String> {
    let file = folder.join("page.pdf");
    fs::write(&file, pdf).unwrap();
    if let Some(kept) = std::env::var_os("KUBEASSAY_SCREENSHOTS") {
        fs::write(Path::new(&kept).join("demo.pdf"), pdf).unwrap();
    }
    let read = Process::new("pdftotext")
        .arg("-layout")
        .arg(&file)
        .arg("-")
        .output();
    if read.is_err() {
        eprintln!(
            "SKIPPED: what stands on paper is not read: pdftotext is missing (Debian: apt-get install poppler-utils)"
        );
    }
    read.ok()
        .map(|read| String::from_utf8_lossy(&read.stdout).into_owned())
}

#[test]
fn paper_has_everything_with_and_without_the_program() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let (page, report) = demo(&browser);
    for with_program in [true, false] {
        browser.ask(
            "Emulation.setScriptExecutionDisabled",
            &json!({"value": !with_program}),
        );
        browser.open(&page, "");
        let pdf = browser.print();
        assert!(pdf.starts_with(b"%PDF"));
        let Some(text) = text_of(&pdf, browser.folder()) else {
            return;
        };
        let text: String = text.split_whitespace().collect();
        for finding in report["findings"].as_array().unwrap() {
            for field in ["title", "reason", "expected", "id"] {
                let wanted: String = finding[field]
                    .as_str()
                    .unwrap()
                    .split_whitespace()
                    .collect();
                // A line that is broken has a mark of its own in it, in few places.
                let wanted: String = wanted.chars().take(28).collect();
                assert!(text.contains(&wanted), "{with_program}: {field} {wanted}");
            }
        }
        for wanted in [
            "Whyitmatters",
            "Howtomendit",
            "overridden",
            "https://kubernetes.io/",
            "Digestoftherules",
        ] {
            assert!(text.contains(wanted), "{with_program}: {wanted}");
        }
        assert!(!text.contains("Openall"), "{with_program}");
        browser.assert_quiet();
    }
    // What is filtered out is not printed, and the paper says so.
    browser.ask(
        "Emulation.setScriptExecutionDisabled",
        &json!({"value": false}),
    );
    browser.open(&page, "verdict=fail");
    let Some(text) = text_of(&browser.print(), browser.folder()) else {
        return;
    };
    assert!(text.contains("Shown: 10 of 101 findings"), "{text}");
    assert!(
        text.contains("AlwaysAllow") && !text.contains("the kubelet refuses anonymous requests"),
        "{text}"
    );
    browser.assert_quiet();
}

/// Shows that a browser has the elements that were written and had to mend none.
fn assert_as_written(browser: &mut Browser, page: &Path) {
    let text = fs::read_to_string(page).unwrap();
    let mut written = 0;
    let mut rest = text.as_str();
    while let Some((_, behind)) = rest.split_once('<') {
        written += usize::from(behind.starts_with(|first: char| first.is_ascii_lowercase()));
        let raw = ["style>", "script>"];
        let raw = raw.into_iter().find(|raw| behind.starts_with(raw));
        rest = raw.map_or(behind, |raw| {
            behind.split_once(&format!("</{raw}")).unwrap().1
        });
    }
    assert_eq!(
        browser.value("document.querySelectorAll('*').length"),
        written
    );
}

#[test]
fn everything_is_read_without_the_program() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let (page, report) = demo(&browser);
    browser.ask(
        "Emulation.setScriptExecutionDisabled",
        &json!({"value": true}),
    );
    browser.open(&page, "");
    assert!(browser.texts("#controls").is_empty());
    let rules: std::collections::BTreeSet<&str> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| finding["rule"].as_str().unwrap())
        .collect();
    assert_eq!(browser.texts(".rule > summary").len(), rules.len());
    assert!(browser.texts(".entry").is_empty());
    assert_as_written(&mut browser, &page);
    browser.click(".rule > summary");
    assert!(browser.texts(".entry")[0].contains("AlwaysAllow"));
    browser.assert_quiet();
}

/// Replaces every text of findings and nodes but ids and words.
fn poison(value: &mut Json, text: &str) {
    const KEPT: [&str; 22] = [
        "id",
        "node",
        "rule",
        "severity",
        "verdict",
        "horizon",
        "kind",
        "witness",
        "observed_at",
        "cause",
        "status",
        "by",
        "benchmark",
        "boot_time",
        "baseline_state",
        "version",
        "framework",
        "control",
        "digest",
        "source",
        "schema",
        "component",
    ];
    match value {
        Json::Object(object) => {
            for (key, value) in object {
                if !KEPT.contains(&key.as_str()) {
                    poison(value, text);
                }
            }
        }
        Json::Array(values) => values.iter_mut().for_each(|value| poison(value, text)),
        Json::String(one) => text.clone_into(one),
        _ => {}
    }
}

#[test]
fn no_text_of_a_host_acts() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let (_, mut report) = demo(&browser);
    let text = "\"'></style></script></details><script>window.acted = 1</script><img src=https://evil.example/a onerror=\"window.acted = 1\"><svg onload=\"window.acted=1\">\u{202e}[a](javascript:window.acted=1) \u{1b}[31m <!-- ]]> {{7*7}}";
    poison(&mut report["findings"], text);
    poison(&mut report["scanned"]["nodes"], text);
    report["gate"]["reason"] = json!(text);
    report["problems"] = json!([{"node": null, "subject": text, "cause": "denied", "path": text, "reason": text, "affects": [text]}]);
    let page = rendered(&browser, &report, "hostile");
    browser.ask(
        "Emulation.setScriptExecutionDisabled",
        &json!({"value": true}),
    );
    browser.open(&page, "");
    assert_as_written(&mut browser, &page);
    browser.ask(
        "Emulation.setScriptExecutionDisabled",
        &json!({"value": false}),
    );
    browser.open(&page, "");
    browser.value("document.getElementById('open-all').click()");
    browser.picture("hostile-whole.png");
    browser.press("/");
    browser.type_text("<script>window.acted = 1</script>");
    assert!(shown(&mut browser).contains("Shown"));
    let said = json!([
        browser.value("typeof window.acted"),
        browser.value("document.querySelectorAll('img, .entry script, svg[onload]').length")
    ]);
    assert_eq!(said, json!(["undefined", 0]));
    browser.assert_quiet();
    // Were there a hole, the policy would hold: what is put into the page neither runs nor asks for anything.
    browser.value("(() => { const s = document.createElement('script'); s.textContent = 'window.acted = 1'; document.body.append(s); const i = document.createElement('img'); i.src = 'https://evil.example/b'; document.body.append(i); const d = document.createElement('div'); d.innerHTML = '<b onclick=\"window.acted = 1\" style=\"color: red\">x</b>'; document.body.append(d); d.firstChild.click(); return 1; })()");
    assert_eq!(browser.value("typeof window.acted"), "undefined");
    let complaints = browser.complaints();
    assert!(
        complaints.len() >= 3
            && complaints
                .iter()
                .all(|one| one.contains("Content Security Policy")),
        "{complaints:?}"
    );
    browser.assert_quiet();
}

/// The demonstration's node, many times over: on every tenth a rule passes that fails elsewhere.
fn fleet(report: &Json, nodes: usize) -> Json {
    let node = report["scanned"]["nodes"][0].clone();
    let findings = report["findings"].as_array().unwrap();
    let mut all = report.clone();
    let mut new = (Vec::new(), Vec::new());
    for number in 0..nodes {
        let mut node = node.clone();
        node["id"] = json!(format!("{number:032x}"));
        node["name"] = json!(format!("worker-{number:04}"));
        for finding in findings {
            let mut finding = finding.clone();
            finding["node"] = node["id"].clone();
            finding["id"] = json!(format!("{number}-{}", finding["id"].as_str().unwrap()));
            if number % 10 == 0 && finding["rule"] == "kubelet-authorization-mode" {
                finding["verdict"] = json!("pass");
                finding["reason"] = json!("authorization.mode is Webhook");
                finding["evidence"][0]["value"] = json!("Webhook");
            }
            new.1.push(finding);
        }
        new.0.push(node);
    }
    all["scanned"]["nodes"] = json!(new.0);
    all["findings"] = json!(new.1);
    all["scanned"]["source"] = json!("facts");
    all
}

#[test]
fn a_fleet_is_drilled_into() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let (_, report) = demo(&browser);
    let report = fleet(&report, 120);
    let page = rendered(&browser, &report, "fleet");
    browser.open(&page, "");
    browser.picture("fleet-whole.png");
    assert_eq!(browser.texts("h1"), ["120 nodes"]);
    let rule = "#rule-kubelet-authorization-mode";
    let chips = browser.texts(&format!("{rule} > summary .chip"));
    assert_eq!(chips, ["fail 108", "pass 12"]);
    // One node: what was found there, and nothing else.
    browser.value("(() => { const e = document.getElementById('node'); e.value = 'worker-0010'; e.dispatchEvent(new Event('input', {bubbles: true})); })()");
    browser.settle();
    browser.value("document.getElementById('open-all').click()");
    let here = browser.texts(&format!("{rule} .entry"));
    assert!(
        here.len() == 1 && here[0].contains("authorization.mode is Webhook"),
        "{here:?}"
    );
    assert_eq!(browser.value("location.hash"), "#node=worker-0010");
    browser.picture("fleet-node-whole.png");
    // A node's name is found by the search as well, and numbers become names.
    browser.press("Escape");
    browser.press("/");
    browser.type_text("worker-0011");
    let here = browser.texts(&format!("{rule} .entry"));
    assert!(
        here.len() == 1 && here[0].contains("AlwaysAllow"),
        "{here:?}"
    );
    browser.value(&format!(
        "document.querySelector('{rule} .numbers').open = true"
    ));
    browser.settle();
    let named = browser.texts(&format!("{rule} .named"));
    assert!(
        named[0].starts_with("worker-0001, worker-0002") && !named[0].contains("worker-0010"),
        "{named:?}"
    );
    // A cell of the picture is its node.
    browser.press("Escape");
    browser.value("(() => { const e = document.getElementById('cells'); const b = e.getBoundingClientRect(); const n = b.width / e.dataset.columns; e.dispatchEvent(new MouseEvent('click', {bubbles: true, clientX: b.left + n * 3.5, clientY: b.top + n / 2})); })()");
    assert_eq!(
        browser.value("document.getElementById('node').value"),
        "worker-0003"
    );
    browser.assert_quiet();
}

#[test]
fn it_fits_into_a_narrow_window() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let (page, _) = demo(&browser);
    for width in [320, 400, 800, 1280, 1920] {
        browser.size(width, 1_000);
        browser.open(&page, "rule-kubelet-streaming-connection-idle-timeout");
        browser.picture(&format!("demo-{width}.png"));
        browser.value("document.getElementById('open-all').click()");
        let beyond = browser
            .value("document.documentElement.scrollWidth - document.documentElement.clientWidth");
        assert_eq!(beyond, 0, "{width}");
    }
    browser.assert_quiet();
}
