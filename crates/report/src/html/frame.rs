//! What every page has: its policy, its style, its program, and the controls that it works with.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kubeassay_core::report::Tool;
use sha2::{Digest as _, Sha256};

use super::escape::{comment, put, short};

/// The page's style; whoever changes a colour runs the test of their contrasts.
pub(super) const STYLE: &str = include_str!("page.css");
/// The page's program: filter, search, order, keyboard.
const PROGRAM: &str = include_str!("page.js");

/// What the keys do.
const KEYS: &str = "<dialog id=\"help\" aria-labelledby=\"help-head\"><h2 id=\"help-head\">Keys</h2><dl><dt><kbd>/</kbd></dt><dd>search</dd><dt><kbd>Esc</kbd></dt><dd>show all again</dd><dt><kbd>j</kbd> <kbd>k</kbd></dt><dd>next and previous rule; on a rule also <kbd>\u{2193}</kbd> <kbd>\u{2191}</kbd></dd><dt><kbd>Enter</kbd></dt><dd>open or close the rule</dd><dt><kbd>?</kbd></dt><dd>these keys</dd></dl><p><label><input type=\"checkbox\" id=\"keys-on\" checked=\"\"/> keys of one character are on</label></p><form method=\"dialog\"><button>Close</button></form></dialog>\n";

/// Writes the head of a page; `line` says what the page is of, before anything else. The title is escaped already.
pub(crate) fn head(line: &str, tool: &Tool, title: &str, page: &mut String) {
    put(
        page,
        format_args!("<!DOCTYPE html><!-- {} -->\n", comment(line)),
    );
    put(
        page,
        format_args!(
            "<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src '{}'; script-src '{}'; img-src data:; base-uri 'none'; form-action 'none'\"/>\n",
            digest(STYLE),
            digest(PROGRAM)
        ),
    );
    put(
        page,
        format_args!(
            "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n<meta name=\"color-scheme\" content=\"light dark\"/>\n<meta name=\"referrer\" content=\"no-referrer\"/>\n<meta name=\"generator\" content=\"{} {}\"/>\n<link rel=\"icon\" href=\"data:,\"/>\n<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n",
            short(&tool.name),
            short(&tool.version),
        ),
    );
}

/// Writes the end of a page. `what` says in HTML how the page came about.
pub(crate) fn end(what: &str, page: &mut String) {
    put(
        page,
        format_args!("</main>\n<footer><p>{what}</p></footer>\n"),
    );
    page.push_str(KEYS);
    put(
        page,
        format_args!("<script>{PROGRAM}</script>\n</body>\n</html>\n"),
    );
}

/// Begins the controls of a list of this name. They are hidden until the program shows them.
pub(crate) fn controls(name: &str, page: &mut String) {
    put(
        page,
        format_args!(
            "<form id=\"controls\" role=\"search\" aria-label=\"{name}\" hidden=\"\">\n<div class=\"field grow\"><label for=\"q\">Search</label><input id=\"q\" type=\"search\" autocomplete=\"off\" spellcheck=\"false\" placeholder=\"number, word, value, file, node \u{2026}\"/></div>\n"
        ),
    );
}

/// Writes boxes to tick: each a word of the page's addresses and its label.
pub(crate) fn boxes<'a>(
    legend: &str,
    name: &str,
    items: impl IntoIterator<Item = (&'a str, &'a str)>,
    page: &mut String,
) {
    put(page, format_args!("<fieldset><legend>{legend}</legend>"));
    for (word, label) in items {
        put(
            page,
            format_args!(
                "<label><input type=\"checkbox\" name=\"{name}\" value=\"{word}\"/> {label}</label>"
            ),
        );
    }
    page.push_str("</fieldset>\n");
}

/// Ends the controls: which node, if there are several; the order; what to open, and what the keys do.
pub(crate) fn end_of_controls(nodes: usize, page: &mut String) {
    if nodes > 1 {
        page.push_str("<div class=\"field\"><label for=\"node\">Node</label><input id=\"node\" list=\"node-names\" autocomplete=\"off\" spellcheck=\"false\" placeholder=\"all\"/><datalist id=\"node-names\"></datalist></div>\n");
    }
    page.push_str("<div class=\"field\"><label for=\"sort\">Order</label><select id=\"sort\"><option value=\"\">most pressing first</option><option value=\"control\">by number</option></select></div>\n<div class=\"buttons\"><button type=\"button\" id=\"open-all\">Open all</button><button type=\"button\" id=\"close-all\">Close all</button><button type=\"button\" id=\"clear\">Show all</button><button type=\"button\" id=\"keys\" aria-haspopup=\"dialog\">Keys <kbd>?</kbd></button></div>\n</form>\n");
}

/// Returns the source of a policy that allows what has this text.
fn digest(text: &str) -> String {
    format!(
        "sha256-{}",
        STANDARD.encode(Sha256::digest(text.as_bytes()))
    )
}
