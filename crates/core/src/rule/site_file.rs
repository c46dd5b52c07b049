//! Small YAML files that a site writes: one map, whose keys a reader of their own understands, and all that is wrong with it.

use std::ops::Range;

use super::diagnostic::{Code, Diagnostic};
use super::yaml::{Entry, Kind, Node};

/// A file that is read, with what is wrong with it so far.
pub(crate) struct SiteFile<'a> {
    name: &'a str,
    text: &'a str,
    faults: Vec<Diagnostic>,
}

impl<'a> SiteFile<'a> {
    /// Returns what `read` makes of the entries of a file, none where it is empty; `name` is how it is spoken of.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it, with line and column: that it is no text, no YAML or no map, and what `read` says.
    pub(crate) fn read<T>(
        name: &'a str,
        bytes: &'a [u8],
        read: impl FnOnce(&mut Self, &[Entry]) -> T,
    ) -> Result<T, Vec<Diagnostic>> {
        let Ok(text) = std::str::from_utf8(bytes) else {
            let at = String::from_utf8_lossy(bytes);
            let fault = Diagnostic::new(Code::BadValue, name, &at, 0..0, "it is not UTF-8");
            return Err(vec![fault]);
        };
        let mut file = Self {
            name,
            text,
            faults: Vec::new(),
        };
        let document = Node::parse(text, 0);
        let entries = match &document {
            Ok(node) if matches!(node.kind, Kind::Null) => None,
            Ok(node) => file.map(node, "the file must be a map, but is"),
            Err(fault) => {
                file.fault(Code::YamlSyntax, &fault.span, fault.message.clone(), None);
                None
            }
        };
        let read = read(&mut file, entries.unwrap_or_default());
        if file.faults.is_empty() {
            Ok(read)
        } else {
            Err(file.faults)
        }
    }

    /// Returns the entries of a map; what is none is a fault, with `expected` before what it is.
    pub(crate) fn map<'n>(&mut self, node: &'n Node, expected: &str) -> Option<&'n [Entry]> {
        let entries = node.entries();
        if entries.is_none() {
            self.wrong_type(node, expected);
        }
        entries
    }

    /// Notes that a value is of another type, with `expected` before what it is.
    pub(crate) fn wrong_type(&mut self, node: &Node, expected: &str) {
        let message = format!("{expected} {}", node.describe());
        self.fault(Code::WrongType, &node.span, message, None);
    }

    /// Notes what is wrong at a place.
    pub(crate) fn fault(
        &mut self,
        code: Code,
        span: &Range<usize>,
        message: String,
        help: Option<String>,
    ) {
        let fault = Diagnostic::new(code, self.name, self.text, span.clone(), message);
        self.faults.push(fault.help(help));
    }

    /// Returns the line of a place, from 1.
    pub(crate) fn line(&self, span: &Range<usize>) -> usize {
        let before = self.text.get(..span.start).unwrap_or_default();
        before.matches('\n').count() + 1
    }
}
