//! What a reader of Markdown makes of a text of a sentence or two.

use pulldown_cmark::{Event, Options, Parser, Tag};

/// Panics if there is more in a text than one paragraph of words and code.
pub(crate) fn assert_plain(text: &str) {
    let mut blocks = 0;
    for event in Parser::new_ext(text, Options::all()) {
        match event {
            Event::Start(Tag::Paragraph) => blocks += 1,
            Event::Text(_) | Event::Code(_) | Event::End(_) => {}
            other => panic!("{other:?} in {text}"),
        }
    }
    assert!(blocks <= 1, "{text}");
}

/// Returns what a reader sees of a text.
pub(crate) fn plain(text: &str) -> String {
    // What it makes typographic is the reader's own.
    let options = Options::all() - Options::ENABLE_SMART_PUNCTUATION;
    let events = Parser::new_ext(text, options);
    let texts = events.filter_map(|event| match event {
        Event::Text(text) | Event::Code(text) => Some(text.to_string()),
        _ => None,
    });
    texts.collect()
}
