//! The layout of a YAML document, driven by the events of serde's JSON writer.

use std::io::{Result, Write};

use serde_json::ser::{CharEscape, Formatter};

use super::{numeral, string};

/// A reader need not look further than 1024 characters for the colon; a longer key is written with `?`.
const LONGEST_KEY: usize = 1000;

/// Writes block style: a map's entries and a list's items on lines of their own.
#[derive(Default)]
pub(super) struct Emitter {
    /// The maps and lists that are open.
    open: Vec<Frame>,
    /// What stands before the value that comes next.
    before: Before,
    /// The string that is being written, as its fragments come.
    text: Option<String>,
    /// The string is a key.
    in_key: bool,
}

struct Frame {
    indent: usize,
    begins: Before,
    empty: bool,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Before {
    #[default]
    Nothing,
    Colon,
    Dash,
}

impl Emitter {
    /// Opens a map or list whose entries stand `inset` columns further in, if it belongs to a key.
    fn begin(&mut self, inset: usize) {
        let indent = match (self.open.last(), self.before) {
            (None, _) => 0,
            (Some(outer), Before::Colon) => outer.indent + inset,
            (Some(outer), _) => outer.indent + 2,
        };
        self.open.push(Frame {
            indent,
            begins: self.before,
            empty: true,
        });
    }

    /// Begins an entry: the first of a list's item stands on the line of its dash.
    fn entry<W: ?Sized + Write>(&mut self, out: &mut W) -> Result<()> {
        let Some(frame) = self.open.last_mut() else {
            return Ok(());
        };
        let first = std::mem::replace(&mut frame.empty, false);
        match frame.begins {
            Before::Dash if first => return out.write_all(b" "),
            Before::Colon if first => out.write_all(b"\n")?,
            _ => {}
        }
        out.write_all(" ".repeat(frame.indent).as_bytes())
    }

    /// Closes a map or list; an empty one is written as `brackets`.
    fn end<W: ?Sized + Write>(&mut self, brackets: &str, out: &mut W) -> Result<()> {
        match self.open.pop() {
            Some(frame) if frame.empty => {
                self.before = frame.begins;
                self.scalar(brackets, out)
            }
            _ => Ok(()),
        }
    }

    /// Writes a key, with its colon.
    fn key<W: ?Sized + Write>(&self, key: &str, out: &mut W) -> Result<()> {
        if key.len() <= LONGEST_KEY {
            return write!(out, "{key}:");
        }
        let indent = self.open.last().map_or(0, |frame| frame.indent);
        write!(out, "? {key}\n{:indent$}:", "")
    }

    /// Writes a value that stands on one line. Within a string (a number as a key) it is part of it.
    fn scalar<W: ?Sized + Write>(&mut self, scalar: &str, out: &mut W) -> Result<()> {
        if let Some(text) = &mut self.text {
            text.push_str(scalar);
            return Ok(());
        }
        let space = if self.before == Before::Nothing {
            ""
        } else {
            " "
        };
        writeln!(out, "{space}{scalar}")
    }
}

/// Writes the scalars of these types as their `Display` shows them.
macro_rules! scalars {
    ($($method:ident: $type:ty),+ $(,)?) => {
        $(fn $method<W: ?Sized + Write>(&mut self, out: &mut W, value: $type) -> Result<()> {
            self.scalar(&value.to_string(), out)
        })+
    };
}

/// Writes floating point numbers as JSON does, then as YAML wants it.
macro_rules! floats {
    ($($method:ident: $type:ty),+ $(,)?) => {
        $(fn $method<W: ?Sized + Write>(&mut self, out: &mut W, value: $type) -> Result<()> {
            let digits = serde_json::to_string(&value)?;
            self.scalar(&numeral(&digits), out)
        })+
    };
}

impl Formatter for Emitter {
    scalars! {
        write_bool: bool, write_number_str: &str,
        write_i8: i8, write_i16: i16, write_i32: i32, write_i64: i64, write_i128: i128,
        write_u8: u8, write_u16: u16, write_u32: u32, write_u64: u64, write_u128: u128,
    }

    floats! { write_f32: f32, write_f64: f64 }

    fn write_null<W: ?Sized + Write>(&mut self, out: &mut W) -> Result<()> {
        self.scalar("null", out)
    }

    fn begin_string<W: ?Sized + Write>(&mut self, _: &mut W) -> Result<()> {
        self.text = Some(String::new());
        Ok(())
    }

    fn write_string_fragment<W: ?Sized + Write>(&mut self, _: &mut W, part: &str) -> Result<()> {
        self.text.get_or_insert_default().push_str(part);
        Ok(())
    }

    fn write_char_escape<W: ?Sized + Write>(&mut self, _: &mut W, char: CharEscape) -> Result<()> {
        self.text.get_or_insert_default().push(match char {
            CharEscape::Quote => '"',
            CharEscape::ReverseSolidus => '\\',
            CharEscape::Solidus => '/',
            CharEscape::Backspace => '\x08',
            CharEscape::FormFeed => '\x0c',
            CharEscape::LineFeed => '\n',
            CharEscape::CarriageReturn => '\r',
            CharEscape::Tab => '\t',
            CharEscape::AsciiControl(byte) => char::from(byte),
        });
        Ok(())
    }

    fn end_string<W: ?Sized + Write>(&mut self, out: &mut W) -> Result<()> {
        let text = string(&self.text.take().unwrap_or_default());
        if self.in_key {
            return self.key(&text, out);
        }
        self.scalar(&text, out)
    }

    fn begin_array<W: ?Sized + Write>(&mut self, _: &mut W) -> Result<()> {
        // A list's dashes stand below the first letter of its key, as kubectl writes them.
        self.begin(0);
        Ok(())
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, out: &mut W, _: bool) -> Result<()> {
        self.entry(out)?;
        self.before = Before::Dash;
        out.write_all(b"-")
    }

    fn end_array<W: ?Sized + Write>(&mut self, out: &mut W) -> Result<()> {
        self.end("[]", out)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, _: &mut W) -> Result<()> {
        self.begin(2);
        Ok(())
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, out: &mut W, _: bool) -> Result<()> {
        self.in_key = true;
        self.entry(out)
    }

    fn end_object_key<W: ?Sized + Write>(&mut self, _: &mut W) -> Result<()> {
        self.in_key = false;
        Ok(())
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, _: &mut W) -> Result<()> {
        self.before = Before::Colon;
        Ok(())
    }

    fn end_object<W: ?Sized + Write>(&mut self, out: &mut W) -> Result<()> {
        self.end("{}", out)
    }
}
