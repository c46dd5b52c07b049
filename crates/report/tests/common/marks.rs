//! What a reader of Markdown, with the extensions of GitHub, makes of a page.

use pulldown_cmark::{Event, Options, Parser, Tag};

/// A page as it is read.
#[derive(Debug, Default)]
pub(crate) struct Read {
    /// The text outside of code, of each block.
    pub(crate) text: String,
    /// The code spans.
    pub(crate) code: Vec<String>,
    /// The cells of tables.
    pub(crate) cells: Vec<String>,
}

/// Reads a page; panics if there is more in it than we write: links, images, other HTML, other blocks.
pub(crate) fn read(page: &str) -> Read {
    let mut read = Read::default();
    let mut in_cell = false;
    for event in Parser::new_ext(page, Options::all()) {
        match event {
            Event::Text(text) => {
                if in_cell {
                    read.cells.push(text.to_string());
                }
                read.text.push_str(&text);
            }
            Event::Code(code) => {
                read.code.push(code.to_string());
                read.text.push('\u{0}');
            }
            Event::Html(html) | Event::InlineHtml(html) => assert!(is_ours(&html), "{html:?}"),
            Event::Start(tag) => {
                in_cell = matches!(tag, Tag::TableCell);
                let ours = matches!(
                    tag,
                    Tag::Paragraph
                        | Tag::Heading { .. }
                        | Tag::List(None)
                        | Tag::Item
                        | Tag::Strong
                        | Tag::Table(_)
                        | Tag::TableHead
                        | Tag::TableRow
                        | Tag::TableCell
                        | Tag::HtmlBlock
                );
                assert!(ours, "{tag:?}");
            }
            Event::End(_) => {
                in_cell = false;
                read.text.push('\n');
            }
            Event::SoftBreak | Event::HardBreak => read.text.push(' '),
            other => panic!("{other:?}"),
        }
    }
    read
}

fn is_ours(html: &str) -> bool {
    let mut rest = html.to_owned();
    for ours in ["<details>", "</details>", "<summary>", "</summary>", "<br>"] {
        rest = rest.replace(ours, "");
    }
    let rest = rest.trim();
    rest == "evidence, and what to do"
        || rest.is_empty()
        || rest.starts_with("could not be read or understood: ")
}
