//! Pages of HTML, read as XML: they are written so that both readers see the same elements.

#![allow(dead_code, reason = "each test binary uses a part of it")]

/// The elements that are written.
const ELEMENTS: &[&str] = &[
    "a",
    "b",
    "body",
    "br",
    "button",
    "caption",
    "circle",
    "code",
    "datalist",
    "dd",
    "defs",
    "details",
    "dialog",
    "div",
    "dl",
    "dt",
    "em",
    "blockquote",
    "fieldset",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "head",
    "header",
    "hr",
    "html",
    "input",
    "kbd",
    "label",
    "legend",
    "li",
    "link",
    "main",
    "meta",
    "nav",
    "noscript",
    "ol",
    "option",
    "p",
    "path",
    "pattern",
    "pre",
    "rect",
    "s",
    "script",
    "section",
    "select",
    "small",
    "span",
    "strong",
    "style",
    "summary",
    "svg",
    "table",
    "tbody",
    "td",
    "th",
    "thead",
    "title",
    "tr",
    "ul",
];

/// Returns a page as XML: without its first line, its style and its program, of which a reader of XML knows nothing.
pub(crate) fn xml(page: &str) -> String {
    let (first, rest) = page.split_once('\n').unwrap();
    assert!(first.starts_with("<!DOCTYPE html><!-- tool "), "{first}");
    assert!(
        first.ends_with(" -->") && first.matches("--").count() == 2,
        "{first}"
    );
    let mut text = rest.to_owned();
    for element in ["style", "script"] {
        let (open, close) = (format!("<{element}>"), format!("</{element}>"));
        let (before, behind) = text.split_once(&open).unwrap();
        let (_, behind) = behind.split_once(&close).unwrap();
        text = format!("{before}{behind}");
    }
    text
}

/// Shows that nothing in a page acts or leads away but what we write.
pub(crate) fn assert_inert(page: &str) {
    let xml = xml(page);
    let tree = roxmltree::Document::parse(&xml).unwrap();
    for node in tree.descendants() {
        assert!(!node.is_comment() && !node.is_pi(), "{node:?}");
        if !node.is_element() {
            continue;
        }
        let name = node.tag_name().name();
        assert!(
            ELEMENTS.contains(&name) && name != "script" && name != "style",
            "{name}"
        );
        for attribute in node.attributes() {
            let (key, value) = (attribute.name(), attribute.value());
            assert!(
                !key.starts_with("on")
                    && !["style", "src", "srcset", "action", "formaction", "ping"].contains(&key),
                "{key}"
            );
            if key == "href" {
                assert!(
                    value.starts_with('#') || value.starts_with("https://") || value == "data:,",
                    "{value}"
                );
            }
        }
    }
}
