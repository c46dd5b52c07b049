//! What a configuration file says, each part with its origin.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use kubeassay_core::{Component, Origin};

use crate::node::{Node, Source};
use crate::recent::{LARGEST_TEXT, Recent};
use crate::toml;
use crate::tree::{self, ReadError, Tree};

/// A file that was parsed.
pub(super) type Parsed = Result<Rc<Document>, ReadError>;

/// What a configuration file says.
#[derive(Debug)]
pub(crate) struct Document {
    /// All of it, each part with its origin.
    pub(crate) root: Node,
    /// The first key that stands twice, and where it stands again: a strict decoder refuses the document for it.
    pub(crate) duplicate: Option<(String, Arc<Origin>)>,
}

/// What a component takes the text of a file for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    Toml,
    Json,
    Yaml,
}

impl Language {
    /// Returns what `component` takes `content` for.
    pub(super) fn of(component: Component, content: &[u8]) -> Self {
        match component {
            Component::ContainerRuntime => Self::Toml,
            // etcd reads JSON as the YAML that it is too.
            Component::Etcd => Self::Yaml,
            _ if tree::is_json(content) => Self::Json,
            _ => Self::Yaml,
        }
    }
}

/// What a file was parsed from.
struct Text {
    language: Language,
    source: Source,
    content: Box<[u8]>,
}

thread_local! {
    static PARSED: RefCell<Recent<Text, Rc<Document>>> = const { RefCell::new(Recent::new()) };
}

/// Returns what the file at `source` says, which holds `content`.
///
/// # Errors
///
/// Where it is not what a component takes it for.
pub(super) fn remembered(language: Language, source: &Source, content: &[u8]) -> Parsed {
    if content.len() > LARGEST_TEXT {
        return parse(language, source, content).map(|(document, _)| document);
    }
    let is_it = |text: &Text| {
        text.language == language && text.source == *source && *text.content == *content
    };
    if let Some(known) = PARSED.with_borrow(|parsed| parsed.find(is_it)) {
        return Ok(known);
    }
    let (document, is_small) = parse(language, source, content)?;
    if is_small {
        let text = Text {
            language,
            source: source.clone(),
            content: content.into(),
        };
        PARSED.with_borrow_mut(|parsed| parsed.keep(text, Rc::clone(&document)));
    }
    Ok(document)
}

/// Returns what it says, and whether it may be remembered.
fn parse(
    language: Language,
    source: &Source,
    content: &[u8],
) -> Result<(Rc<Document>, bool), ReadError> {
    let mut document = match language {
        Language::Toml => toml::read(content)?,
        Language::Json => tree::read(content)?,
        Language::Yaml => tree::read_yaml(content)?,
    };
    let is_small = tree::has_few_parts(&document);
    // YAML becomes JSON on the way, whose keys Go sorts: of `Kind` and `kind` the latter counts.
    if language == Language::Yaml
        && let Tree::Map(entries) = &mut document.root.tree
    {
        entries.sort_by(|a, b| a.key.as_bytes().cmp(b.key.as_bytes()));
    }
    let duplicate = match language {
        Language::Toml => None,
        Language::Json | Language::Yaml => document.duplicates.first(),
    };
    let parsed = Document {
        duplicate: duplicate.map(|twice| (twice.key.clone(), source.origin(&twice.again))),
        root: Node::from_tree(document.root, source),
    };
    Ok((Rc::new(parsed), is_small))
}
