//! TOML, which the container runtimes are configured in, as the tree that the other readers give.
//!
//! The grammar is `toml_edit`'s: TOML 1.1, which takes a little more than the libraries of the runtimes do. Dates are
//! texts here; nothing that is read from a runtime's configuration is one.

use toml_edit::{Document as Parsed, Item, Table, TableLike, Value};

use crate::json::Number;
use crate::tree::{
    Document, Entry, MAX_DEPTH, MAX_NODES, Mark, Node, ReadError, ReadErrorKind, Tree, check_size,
};

/// How many bytes lie between two places whose column is known.
const STRIDE: usize = 256;

/// Reads a document.
///
/// # Errors
///
/// Where it is no TOML, and where it goes beyond the limits of [`crate::tree`].
pub fn read(content: &[u8]) -> Result<Document, ReadError> {
    check_size(content)?;
    let text = match std::str::from_utf8(content) {
        Ok(text) => text,
        Err(error) => {
            let valid = content.get(..error.valid_up_to()).unwrap_or_default();
            let before = std::str::from_utf8(valid).unwrap_or_default();
            let places = Places::new(before);
            let at = places.mark(before.len()..before.len());
            return Err(ReadError {
                kind: ReadErrorKind::Encoding,
                line: at.line,
                column: at.column,
                message: "toml: the text is not UTF-8".to_owned(),
            });
        }
    };
    let places = Places::new(text);
    let parsed = Parsed::parse(text).map_err(|error| {
        let at = places.mark(error.span().unwrap_or(0..0));
        let message = error.message().lines().next().unwrap_or_default();
        let kind = if message.contains("recursion") {
            ReadErrorKind::TooDeep
        } else {
            ReadErrorKind::Syntax
        };
        ReadError {
            kind,
            line: at.line,
            column: at.column,
            message: format!("toml: {message}"),
        }
    })?;
    let mut reader = Reader { places, nodes: 0 };
    let root = reader.table(parsed.as_table(), 0..text.len(), 0)?;
    Ok(Document {
        root,
        duplicates: Vec::new(),
        more_documents: false,
    })
}

/// Where lines start, and the columns of places on the way.
struct Places<'t> {
    text: &'t str,
    /// The offset of the first byte of each line.
    lines: Vec<usize>,
    /// How many characters lie before each multiple of [`STRIDE`] bytes.
    characters: Vec<usize>,
}

impl<'t> Places<'t> {
    fn new(text: &'t str) -> Self {
        let mut lines = vec![0];
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        lines.extend(ends.map(|(at, _)| at + 1));
        let mut before = 0;
        let characters = text
            .as_bytes()
            .chunks(STRIDE)
            .map(|chunk| {
                let so_far = before;
                before += count(chunk);
                so_far
            })
            .collect();
        Self {
            text,
            lines,
            characters,
        }
    }

    /// Returns how many characters begin before a byte.
    fn before(&self, offset: usize) -> usize {
        let stride = offset / STRIDE;
        let rest = self.text.as_bytes().get(stride * STRIDE..offset);
        match self.characters.get(stride) {
            Some(known) => known + count(rest.unwrap_or_default()),
            None => count(self.text.as_bytes().get(..offset).unwrap_or_default()),
        }
    }

    fn mark(&self, span: std::ops::Range<usize>) -> Mark {
        let number = self.lines.partition_point(|start| *start <= span.start);
        let start = number
            .checked_sub(1)
            .and_then(|at| self.lines.get(at))
            .copied()
            .unwrap_or(0);
        let column = self.before(span.start).saturating_sub(self.before(start)) + 1;
        Mark {
            line: u32::try_from(number).unwrap_or(u32::MAX),
            column: u32::try_from(column).unwrap_or(u32::MAX),
            span: (span.start, span.end),
            via: Vec::new(),
        }
    }
}

/// Returns how many characters begin in a part of a text.
fn count(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte & 0xc0 != 0x80).count()
}

struct Reader<'t> {
    places: Places<'t>,
    nodes: usize,
}

type Span = std::ops::Range<usize>;

impl Reader<'_> {
    /// Counts a part, and refuses one too many and one too deep. The texts nest less deep than their trees.
    fn part(&mut self, span: &Span, depth: usize) -> Result<Mark, ReadError> {
        self.nodes += 1;
        let at = self.places.mark(span.clone());
        let (kind, message) = if self.nodes > MAX_NODES {
            (ReadErrorKind::TooLarge, "has more parts than are read")
        } else if depth > MAX_DEPTH {
            (ReadErrorKind::TooDeep, "is nested deeper than is read")
        } else {
            return Ok(at);
        };
        Err(ReadError {
            kind,
            line: at.line,
            column: at.column,
            message: message.to_owned(),
        })
    }

    fn table(&mut self, table: &Table, span: Span, depth: usize) -> Result<Node, ReadError> {
        let at = self.part(&span, depth)?;
        let tree = Tree::Map(self.entries(table, &span, depth)?);
        Ok(Node { tree, at })
    }

    fn entries(
        &mut self,
        table: &dyn TableLike,
        span: &Span,
        depth: usize,
    ) -> Result<Vec<Entry>, ReadError> {
        let mut entries = Vec::new();
        for (key, item) in table.iter() {
            let key_span = table.get_key_value(key).and_then(|(key, _)| key.span());
            let key_span = key_span.unwrap_or(span.start..span.start);
            entries.push(Entry {
                key: key.to_owned(),
                value: self.item(item, key_span.clone(), depth + 1)?,
                key_at: self.places.mark(key_span),
                shadowed: Vec::new(),
            });
        }
        Ok(entries)
    }

    /// Reads what stands behind a key; a table without a header of its own stands where its key does.
    fn item(&mut self, item: &Item, key: Span, depth: usize) -> Result<Node, ReadError> {
        let span = item.span().unwrap_or_else(|| key.clone());
        match item {
            Item::None => {
                let at = self.part(&span, depth)?;
                Ok(Node {
                    tree: Tree::Null,
                    at,
                })
            }
            Item::Value(value) => self.value(value, span, depth),
            Item::Table(table) => self.table(table, span, depth),
            Item::ArrayOfTables(tables) => {
                let at = self.part(&span, depth)?;
                let nodes = tables.iter().map(|table| {
                    let span = table.span().unwrap_or_else(|| key.clone());
                    self.table(table, span, depth + 1)
                });
                let tree = Tree::List(nodes.collect::<Result<_, _>>()?);
                Ok(Node { tree, at })
            }
        }
    }

    fn value(&mut self, value: &Value, span: Span, depth: usize) -> Result<Node, ReadError> {
        let at = self.part(&span, depth)?;
        let tree = match value {
            Value::String(text) => Tree::String(text.value().clone()),
            Value::Integer(number) => {
                Tree::Number(Number::from_literal(number.value().to_string()))
            }
            Value::Float(number) => Tree::String(number.value().to_string()),
            Value::Boolean(value) => Tree::Bool(*value.value()),
            Value::Datetime(time) => Tree::String(time.value().to_string()),
            Value::Array(array) => {
                let nodes = array.iter().map(|value| {
                    let span = value.span().unwrap_or_else(|| span.clone());
                    self.value(value, span, depth + 1)
                });
                Tree::List(nodes.collect::<Result<_, _>>()?)
            }
            Value::InlineTable(table) => Tree::Map(self.entries(table, &span, depth)?),
        };
        Ok(Node { tree, at })
    }
}

#[cfg(test)]
mod tests {
    use super::read;
    use crate::tree::{Node, ReadErrorKind, Tree};

    fn at<'n>(node: &'n Node, path: &[&str]) -> &'n Node {
        path.iter().fold(node, |node, key| {
            let Tree::Map(entries) = &node.tree else {
                panic!("{key}: {node:?}");
            };
            &entries
                .iter()
                .find(|entry| entry.key == *key)
                .unwrap()
                .value
        })
    }

    #[test]
    fn every_value_says_where_it_stands() {
        let text = "version = 2\n# ä\n[plugins.\"io.x\".cni]\n  'ä' = 'ü' \nconf_dir = \"/a\"\nlist = [1, true]\n[[t]]\nx = {a.b = 1.5}\n";
        let root = read(text.as_bytes()).unwrap().root;
        for (path, line, column, tree) in [
            (&["version"][..], 1, 11, None),
            (
                &["plugins", "io.x", "cni", "ä"],
                4,
                9,
                Some(Tree::String("ü".to_owned())),
            ),
            (
                &["plugins", "io.x", "cni", "conf_dir"],
                5,
                12,
                Some(Tree::String("/a".to_owned())),
            ),
            (&["plugins", "io.x", "cni", "list"], 6, 8, None),
        ] {
            let node = at(&root, path);
            assert_eq!((node.at.line, node.at.column), (line, column), "{path:?}");
            assert!(tree.is_none_or(|tree| tree == node.tree), "{path:?}");
        }
    }

    #[test]
    fn what_is_no_toml_is_refused_with_its_place() {
        for (text, kind, line) in [
            (&b"a = 1\nb = \n"[..], ReadErrorKind::Syntax, 2),
            (b"a = 1\na = 2\n", ReadErrorKind::Syntax, 2),
            (b"a = \"\xff\"", ReadErrorKind::Encoding, 1),
            (b"a: 1\n", ReadErrorKind::Syntax, 1),
        ] {
            let error = read(text).unwrap_err();
            assert_eq!((error.kind, error.line), (kind, line), "{error:?}");
        }
    }

    #[test]
    fn what_nests_too_deep_ends_with_an_error() {
        let keys = format!("{}a = 1\n", "a.".repeat(100_000));
        let header = format!("[{}a]\n", "a.".repeat(100_000));
        let lists = format!("a = {}{}\n", "[".repeat(100_000), "]".repeat(100_000));
        let key = "a.".repeat(70);
        let tables = format!(
            "{key}a = {}1{}\n",
            format!("{{{key}a = ").repeat(60),
            "}".repeat(60)
        );
        for text in [keys, header, lists, tables] {
            assert_eq!(
                read(text.as_bytes()).unwrap_err().kind,
                ReadErrorKind::TooDeep
            );
        }
    }
}
