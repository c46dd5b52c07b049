//! What a rule's page says, as HTML. Pages may come from outside the program: of Markdown only what lays out text is kept,
//! HTML in it is text, and a link leads to `https` or nowhere.

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use super::escape::{html, put};

/// Of a section no more bytes are shown.
const LONGEST: usize = 64 * 1024;

/// Returns Markdown as HTML.
pub(super) fn markdown(markdown: &str) -> String {
    let end = markdown.floor_char_boundary(LONGEST);
    let (kept, rest) = markdown.split_at(end);
    let mut page = String::with_capacity(kept.len() * 5 / 4);
    let mut open: Vec<&'static str> = Vec::new();
    for event in Parser::new_ext(kept, Options::empty()) {
        match event {
            Event::Start(tag) => {
                let element = element(&tag);
                open.push(element);
                match &tag {
                    Tag::Link { dest_url, .. } if element == "a" => {
                        page.push_str(&opening(dest_url));
                    }
                    Tag::CodeBlock(CodeBlockKind::Fenced(_) | CodeBlockKind::Indented) => {
                        page.push_str("<pre><code>");
                    }
                    _ if element.is_empty() => {}
                    _ => put(&mut page, format_args!("<{element}>")),
                }
            }
            Event::End(tag) => {
                let element = open.pop().unwrap_or_default();
                match tag {
                    TagEnd::CodeBlock => page.push_str("</code></pre>\n"),
                    _ if element.is_empty() => {}
                    TagEnd::Paragraph | TagEnd::Item | TagEnd::List(_) => {
                        put(&mut page, format_args!("</{element}>\n"));
                    }
                    _ => put(&mut page, format_args!("</{element}>")),
                }
            }
            Event::Code(code) => put(&mut page, format_args!("<code>{}</code>", html(&code))),
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => {
                let lines: Vec<String> = text.split('\n').map(html).collect();
                page.push_str(&lines.join("\n"));
            }
            Event::SoftBreak | Event::HardBreak => page.push('\n'),
            Event::Rule => page.push_str("<hr/>"),
            // Extensions, which are off.
            Event::InlineMath(text) | Event::DisplayMath(text) | Event::FootnoteReference(text) => {
                page.push_str(&html(&text));
            }
            Event::TaskListMarker(_) => {}
        }
    }
    if !rest.is_empty() {
        put(
            &mut page,
            format_args!("<p>\u{2026} ({} more bytes)</p>", rest.len()),
        );
    }
    page
}

/// Returns a line of references: where it begins with an address, that is a link.
pub(super) fn reference(line: &str) -> String {
    let (address, remark) = line.split_once(' ').unwrap_or((line, ""));
    if leads_somewhere(address) {
        let remark = if remark.is_empty() {
            String::new()
        } else {
            format!(" {}", inline(remark))
        };
        return format!("{}{}</a>{remark}", opening(address), html(address));
    }
    inline(line)
}

/// Returns one line of Markdown without a paragraph around it.
fn inline(line: &str) -> String {
    let page = markdown(line);
    let page = page.trim_end();
    match page
        .strip_prefix("<p>")
        .and_then(|rest| rest.strip_suffix("</p>"))
    {
        Some(inner) if !inner.contains("<p>") => inner.to_owned(),
        _ => page.to_owned(),
    }
}

fn opening(address: &str) -> String {
    format!("<a rel=\"noopener noreferrer\" href=\"{}\">", html(address))
}

fn leads_somewhere(address: &str) -> bool {
    address.starts_with("https://")
}

/// Returns the element of a tag; nothing where only its text is shown.
fn element(tag: &Tag<'_>) -> &'static str {
    match tag {
        Tag::Heading {
            level: HeadingLevel::H1 | HeadingLevel::H2 | HeadingLevel::H3,
            ..
        } => "h5",
        Tag::Paragraph | Tag::Heading { .. } => "p",
        Tag::BlockQuote(_) => "blockquote",
        Tag::CodeBlock(_) => "pre",
        Tag::List(Some(_)) => "ol",
        Tag::List(None) => "ul",
        Tag::Item => "li",
        Tag::Emphasis => "em",
        Tag::Strong => "strong",
        Tag::Link { dest_url, .. } if leads_somewhere(dest_url) => "a",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_lays_out_text_and_nothing_else() {
        for (written, shown) in [
            (
                "a `b<` **c**\nd",
                "<p>a <code>b&lt;</code> <strong>c</strong>\nd</p>\n",
            ),
            (
                "```yaml\na: <b>\n```",
                "<pre><code>a: &lt;b&gt;\n</code></pre>\n",
            ),
            ("1. one\n2. two", "<ol><li>one</li>\n<li>two</li>\n</ol>\n"),
            (
                "<script>x</script> ![alt](https://x/y) ",
                "&lt;script&gt;x&lt;/script&gt; ![alt](https://x/y) ",
            ),
            (
                "a ![alt](https://x/y) <i>b</i>",
                "<p>a alt &lt;i&gt;b&lt;/i&gt;</p>\n",
            ),
            (
                "[a](javascript:alert) [b](https://x/?'\")",
                "<p>a <a rel=\"noopener noreferrer\" href=\"https://x/?&#39;&quot;\">b</a></p>\n",
            ),
            (
                "[b](https://x/)",
                "<p><a rel=\"noopener noreferrer\" href=\"https://x/\">b</a></p>\n",
            ),
        ] {
            assert_eq!(markdown(written), shown, "{written}");
        }
        assert_eq!(
            reference("https://x/ with `a`"),
            "<a rel=\"noopener noreferrer\" href=\"https://x/\">https://x/</a> with <code>a</code>"
        );
        assert_eq!(reference("javascript:x"), "javascript:x");
        assert!(markdown(&"x".repeat(70_000)).contains("more bytes"));
    }
}
