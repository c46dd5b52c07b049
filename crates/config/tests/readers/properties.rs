//! What holds for every text.

use std::fmt::Write as _;

use kubeassay_config::tree::{self, ReadErrorKind, Tree};
use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};

use crate::show;

/// Signs and words that mean something to a reader.
const WORDS: &[&str] = &[
    "---",
    "...",
    "\n",
    "\n",
    "\r\n",
    "\r",
    "\u{85}",
    "\u{2028}",
    " ",
    "  ",
    "\t",
    ": ",
    ":",
    "- ",
    "-",
    "? ",
    "[",
    "]",
    "{",
    "}",
    ",",
    "# c",
    "&a ",
    "*a",
    "<<: *a\n",
    "!!str ",
    "!!int ",
    "!!binary ",
    "!x ",
    "! ",
    "!<",
    "|\n",
    ">-\n",
    "'",
    "\"",
    "\\",
    "\\u00",
    "%YAML 1.1\n",
    "%TAG ! x\n",
    "@",
    "~",
    "yes",
    "0x1F",
    "1_0",
    ".5",
    ".nan",
    "a",
    "mode",
    "é",
    "\u{feff}",
    "\0",
    "\"a\"",
    "true",
    "1e5",
];

/// A scalar as it may be written, and what it means.
fn scalar() -> impl Strategy<Value = (String, String)> {
    prop_oneof![
        "[a-zé]{3,8}"
            .prop_filter("is a word of YAML", |text| ![
                "yes", "true", "off", "null", "false"
            ]
            .contains(&&**text))
            .prop_map(|text| (text.clone(), format!("{text:?}"))),
        "[a-z #:,é-]{0,8}".prop_map(|text| (format!("'{text}'"), format!("{text:?}"))),
        "[a-z #:,é'-]{0,8}".prop_map(|text| (format!("\"{text}\\n\""), format!("\"{text}\\n\""))),
        any::<i32>().prop_map(|number| (number.to_string(), number.to_string())),
        any::<u16>().prop_map(|number| (format!("{number:#x}"), number.to_string())),
        Just(("yes".to_owned(), "true".to_owned())),
        Just(("~".to_owned(), "null".to_owned())),
    ]
}

proptest! {
    #[test]
    fn no_bytes_make_a_reader_panic(content in proptest::collection::vec(any::<u8>(), 0..80)) {
        drop(tree::read(&content));
    }

    #[test]
    fn no_words_make_a_reader_panic_and_spans_lie_in_the_text(
        words in proptest::collection::vec(proptest::sample::select(WORDS), 0..40),
    ) {
        let text = words.concat();
        if let Ok(document) = tree::read(text.as_bytes()) {
            let mut outside = Vec::new();
            show::walk(&document.root, &mut |node| {
                let (start, end) = node.at.span;
                if text.get(start..end).is_none() {
                    outside.push(node.clone());
                }
            });
            prop_assert!(outside.is_empty(), "{outside:?}");
        }
    }

    #[test]
    fn a_span_is_the_scalar_as_it_is_written(
        scalars in proptest::collection::vec((scalar(), "[ ]{1,3}", "[ -~]{0,5}"), 1..8),
        marked in any::<bool>(),
    ) {
        let mut text = if marked { "\u{feff}" } else { "" }.to_owned();
        for (index, ((written, _), blanks, comment)) in scalars.iter().enumerate() {
            writeln!(text, "key{index}:{blanks}{written} #{comment}").unwrap();
        }
        let document = tree::read(text.as_bytes()).unwrap();
        let Tree::Map(entries) = &document.root.tree else { panic!("not a map: {document:?}") };
        prop_assert_eq!(entries.len(), scalars.len());
        for (index, (entry, ((written, meaning), ..))) in entries.iter().zip(&scalars).enumerate() {
            prop_assert_eq!(&text[entry.value.at.span.0..entry.value.at.span.1], written);
            prop_assert_eq!(&text[entry.key_at.span.0..entry.key_at.span.1], &format!("key{index}"));
            prop_assert_eq!(&show::json(&entry.value), meaning);
            prop_assert_eq!(usize::try_from(entry.value.at.line).unwrap(), index + 1);
        }
    }

    #[test]
    fn json_reads_the_same_as_serde_reads_it(
        words in proptest::collection::vec(
            proptest::sample::select(&["{", "}", "[", "]", ",", ":", "\"a\"", "\"b\"", "1", "-2.5e3", "true", "null", " ", "\n"][..]),
            0..16,
        ),
    ) {
        let text = format!("{{{}", words.concat());
        let ours = tree::read(text.as_bytes()).map(|document| show::json(&document.root));
        let theirs = serde_json::from_str::<serde_json::Value>(&text);
        prop_assert_eq!(ours.is_ok(), theirs.is_ok(), "{}", text);
    }

    #[test]
    fn utf16_reads_the_same_as_utf8(words in proptest::collection::vec(proptest::sample::select(WORDS), 0..20)) {
        let text = format!("# c\n{}", words.concat());
        let wide: Vec<u8> = [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(u16::to_be_bytes).collect();
        let (narrow, wide) = (tree::read(text.as_bytes()), tree::read(&wide));
        match (narrow, wide) {
            (Ok(narrow), Ok(wide)) => prop_assert_eq!(show::json(&narrow.root), show::json(&wide.root)),
            (Err(narrow), Err(wide)) => prop_assert_eq!(narrow, wide),
            (narrow, wide) => {
                // Only what follows the first document may be noticed in one and not in the other.
                let error = narrow.err().or(wide.err());
                prop_assert!(error.is_some_and(|error| error.kind == ReadErrorKind::Encoding));
            }
        }
    }
}
