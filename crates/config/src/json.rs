//! JSON as the kubelet reads it: strictly, with Go's `encoding/json`, but with positions.
//!
//! Only the four blanks of JSON are blank, strings mend what is not UTF-8, and nothing but blanks may follow the
//! value. The messages are Go's, so that they read as the kubelet's log does.

mod cursor;
mod number;
mod string;

use std::collections::HashMap;

use cursor::Cursor;
pub use number::Number;
pub(crate) use string::append_mended;

use crate::tree::{
    Document, Duplicate, Entry, MAX_DEPTH, MAX_NODES, Mark, Node, ReadError, ReadErrorKind, Tree,
};

/// Reads a text as the JSON that the kubelet would see.
///
/// Duplicate keys are entries of their own, in order: what they mean depends on what they are decoded into.
///
/// # Errors
///
/// Where Go's decoder would refuse the text, and beyond the limits of [`tree`](crate::tree).
pub fn read(content: &[u8]) -> Result<Document, ReadError> {
    let mut reader = Reader {
        cursor: Cursor::new(content),
        nodes: 0,
        duplicates: Vec::new(),
    };
    let root = reader.value(0)?;
    reader.cursor.skip_blanks();
    if reader.cursor.peek().is_some() {
        return Err(reader.cursor.unexpected("after top-level value"));
    }
    Ok(Document {
        root,
        duplicates: reader.duplicates,
        more_documents: false,
    })
}

struct Reader<'a> {
    cursor: Cursor<'a>,
    nodes: usize,
    duplicates: Vec<Duplicate>,
}

impl Reader<'_> {
    fn value(&mut self, depth: usize) -> Result<Node, ReadError> {
        self.cursor.skip_blanks();
        let start = self.cursor.mark();
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(limit(
                ReadErrorKind::TooLarge,
                &start,
                format!("has more than {MAX_NODES} parts"),
            ));
        }
        if depth > MAX_DEPTH {
            let message = format!("is nested more than {MAX_DEPTH} levels deep");
            return Err(limit(ReadErrorKind::TooDeep, &start, message));
        }
        let tree = match self.cursor.peek() {
            Some(b'{') => self.object(depth)?,
            Some(b'[') => self.array(depth)?,
            Some(b'"') => Tree::String(self.cursor.string()?),
            Some(b'-' | b'0'..=b'9') => Tree::Number(Number::from_literal(self.cursor.number()?)),
            Some(b't') => self.literal("true", Tree::Bool(true))?,
            Some(b'f') => self.literal("false", Tree::Bool(false))?,
            Some(b'n') => self.literal("null", Tree::Null)?,
            _ => return Err(self.cursor.unexpected("looking for beginning of value")),
        };
        Ok(Node {
            tree,
            at: self.cursor.up_to_here(start),
        })
    }

    fn object(&mut self, depth: usize) -> Result<Tree, ReadError> {
        let mut entries = Vec::new();
        let mut first_of: HashMap<String, Mark> = HashMap::new();
        self.cursor.advance();
        self.cursor.skip_blanks();
        if self.cursor.take(b'}') {
            return Ok(Tree::Map(entries));
        }
        loop {
            self.cursor.skip_blanks();
            let start = self.cursor.mark();
            if self.cursor.peek() != Some(b'"') {
                return Err(self
                    .cursor
                    .unexpected("looking for beginning of object key string"));
            }
            let key = self.cursor.string()?;
            let key_at = self.cursor.up_to_here(start);
            self.cursor.skip_blanks();
            if !self.cursor.take(b':') {
                return Err(self.cursor.unexpected("after object key"));
            }
            let value = self.value(depth + 1)?;
            match first_of.get(&key) {
                None => drop(first_of.insert(key.clone(), key_at.clone())),
                Some(first) => {
                    let (first, again) = (first.clone(), key_at.clone());
                    self.duplicates.push(Duplicate {
                        key: key.clone(),
                        first,
                        again,
                    });
                }
            }
            entries.push(Entry {
                key,
                key_at,
                value,
                shadowed: Vec::new(),
            });
            self.cursor.skip_blanks();
            if self.cursor.take(b'}') {
                return Ok(Tree::Map(entries));
            }
            if !self.cursor.take(b',') {
                return Err(self.cursor.unexpected("after object key:value pair"));
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<Tree, ReadError> {
        let mut elements = Vec::new();
        self.cursor.advance();
        self.cursor.skip_blanks();
        if self.cursor.take(b']') {
            return Ok(Tree::List(elements));
        }
        loop {
            elements.push(self.value(depth + 1)?);
            self.cursor.skip_blanks();
            if self.cursor.take(b']') {
                return Ok(Tree::List(elements));
            }
            if !self.cursor.take(b',') {
                return Err(self.cursor.unexpected("after array element"));
            }
        }
    }

    fn literal(&mut self, word: &str, tree: Tree) -> Result<Tree, ReadError> {
        for expected in word.bytes() {
            if !self.cursor.take(expected) {
                let expecting = char::from(expected);
                let context = format!("in literal {word} (expecting '{expecting}')");
                return Err(self.cursor.unexpected_within(&context));
            }
        }
        Ok(tree)
    }
}

const fn limit(kind: ReadErrorKind, at: &Mark, message: String) -> ReadError {
    ReadError {
        kind,
        line: at.line,
        column: at.column,
        message,
    }
}
