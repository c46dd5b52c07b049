//! Pages that nobody would write: no panic, no hang, whatever the bytes.

use kubeassay_core::rule::{Document, RenderStyle, Replacing};
use proptest::prelude::{ProptestConfig, any};
use proptest::sample::select;

use crate::support::{Table, catalogue, nothing};

fn load(bytes: &[u8]) {
    let mut catalogue = catalogue();
    for fault in catalogue.add(
        &[Document {
            file: "a.md",
            bytes,
        }],
        Replacing::Allowed,
        &Table,
    ) {
        assert!(fault.line > 0 && fault.column > 0);
        drop(fault.render(RenderStyle::Plain));
        drop(fault.render(RenderStyle::Colour));
        drop(fault.to_string());
    }
    for rule in catalogue.rules() {
        drop(rule.examples());
        drop(rule.evaluate(&Table, &nothing()));
    }
}

proptest::proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn no_bytes_make_a_page_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        load(&bytes);
        let mut page = b"---\n".to_vec();
        page.extend(&bytes);
        load(&page);
        page.extend(b"\n---\n");
        page.extend(&bytes);
        load(&page);
    }

    #[test]
    fn no_words_make_a_page_panic(words in proptest::collection::vec(select(vec![
        "---\n", "id: a\n", "title: t\n", "framework: cis-kubernetes\n", "control: 4.2.2\n", "check: ", "|\n  ", ">-\n ",
        "kubelet.readOnlyPort", " == ", "0", "\"", "'", "\n", "choices:\n", "  - {name: a, type: int}\n", "fix: ",
        "{set: {a: b}}\n", "## Examples\n", "\n```yaml pass\n", "argv: [a]\n", "files:\n", "  /a: denied\n", "```\n",
        "## CIS Controls\n", "Version 6.14 é\n", "- ", "&a ", "*a", "!x ", "\t", "é", "\u{feff}", "\r\n", "[x][1]", "<<: ",
    ]), 0..40)) {
        load(words.concat().as_bytes());
        load(format!("---\nid: a\ntitle: t\n{}\n---\n", words.concat()).as_bytes());
    }
}

#[test]
fn large_pages_end_in_time() {
    let front =
        "---\nid: a\ntitle: t\ncheck: \"kubelet.readOnlyPort == 0\"\n---\n\n## Examples\n\n";
    for unit in [
        "[",
        "`",
        "*a ",
        "![](",
        "> ",
        "```yaml pass\n",
        "- x\n",
        "## A\n",
        "<a ",
        "[a][b]\n",
        "a\n\n",
    ] {
        load(format!("{front}{}", unit.repeat(100_000 / unit.len())).as_bytes());
        load(format!("---\n{}\n---\n", unit.repeat(100_000 / unit.len())).as_bytes());
    }
}
