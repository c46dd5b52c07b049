//! Reads 64-bit little-endian ELF files: sections, segments and the symbol table. Both targets are such.
//!
//! Our own instead of binutils, so that a release needs nothing but cargo and a C linker. What lies outside the file
//! is an error, never a panic.

use anyhow::{Context as _, Result, ensure};

/// The section is loaded when the program runs.
pub(super) const SHF_ALLOC: u64 = 2;
/// The section's `info` is the number of another section.
pub(super) const SHF_INFO_LINK: u64 = 0x40;
/// A symbol table.
const SHT_SYMTAB: u32 = 2;
/// A section without bytes in the file.
pub(super) const SHT_NOBITS: u32 = 8;
/// A segment that is loaded.
pub(super) const PT_LOAD: u32 = 1;
/// The name of the program that loads this one: the dynamic linker.
pub(super) const PT_INTERP: u32 = 3;
/// How the stack is mapped.
pub(super) const PT_GNU_STACK: u32 = 0x6474_e551;
/// A segment may be executed.
pub(super) const PF_X: u32 = 1;
/// A segment may be written.
pub(super) const PF_W: u32 = 2;
/// Bytes of a section header.
pub(super) const SECTION_HEADER: usize = 64;

/// An ELF file.
pub(super) struct Elf<'a> {
    /// All of it.
    pub(super) bytes: &'a [u8],
    /// Its sections, the empty first one among them.
    pub(super) sections: Vec<Section>,
    /// Its segments.
    pub(super) segments: Vec<Segment>,
}

/// A section header.
#[derive(Clone)]
pub(super) struct Section {
    /// Where its name starts in the table of section names.
    name: u32,
    /// What is in it.
    pub(super) kind: u32,
    /// What holds for it.
    pub(super) flags: u64,
    /// Where its bytes start in the file.
    pub(super) offset: u64,
    /// How many there are.
    pub(super) size: u64,
    /// A section that belongs to it.
    pub(super) link: u32,
    /// More about it.
    pub(super) info: u32,
    /// The header as it is in the file.
    pub(super) raw: [u8; SECTION_HEADER],
}

/// A program header.
pub(super) struct Segment {
    /// What it is.
    pub(super) kind: u32,
    /// What may be done with its memory.
    pub(super) flags: u32,
    /// Where its bytes start in the file.
    pub(super) offset: u64,
    /// How many of its bytes are in the file.
    pub(super) file_size: u64,
}

impl<'a> Elf<'a> {
    /// Reads the headers.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self> {
        ensure!(
            bytes.starts_with(&[0x7f, b'E', b'L', b'F', 2, 1]),
            "this is not a 64-bit little-endian ELF file"
        );
        let sections = table(bytes, 0x28, 0x3c, 0x3a, SECTION_HEADER)?
            .map(Section::parse)
            .collect::<Result<_>>()?;
        let segments = table(bytes, 0x20, 0x38, 0x36, 56)?
            .map(Segment::parse)
            .collect::<Result<_>>()?;
        Ok(Self {
            bytes,
            sections,
            segments,
        })
    }

    /// Returns the bytes of a section.
    pub(super) fn contents(&self, section: &Section) -> Result<&'a [u8]> {
        slice(self.bytes, section.offset, section.size)
    }

    /// Returns the name of a section.
    pub(super) fn section_name(&self, section: &Section) -> Result<&'a [u8]> {
        let names = self.section(u32::from(u16_at(self.bytes, 0x3e)?))?;
        text_at(self.contents(names)?, section.name)
    }

    /// Returns the names that the symbol table defines; an error where there is none.
    ///
    /// A name that is only mentioned is left out: it is a weak one that nothing answers to.
    pub(super) fn defined_symbols(&self) -> Result<Vec<String>> {
        let table = self
            .sections
            .iter()
            .find(|section| section.kind == SHT_SYMTAB)
            .context("there is no symbol table")?;
        let names = self.contents(self.section(table.link)?)?;
        let mut symbols = Vec::new();
        for entry in self.contents(table)?.chunks_exact(24) {
            let defined = u16_at(entry, 6)? != 0;
            let name = text_at(names, u32_at(entry, 0)?)?;
            if defined && !name.is_empty() {
                symbols.push(String::from_utf8_lossy(name).into_owned());
            }
        }
        Ok(symbols)
    }

    /// Returns a section by its number.
    fn section(&self, number: u32) -> Result<&Section> {
        usize::try_from(number)
            .ok()
            .and_then(|number| self.sections.get(number))
            .with_context(|| format!("there is no section {number}"))
    }
}

impl Section {
    /// Reads a section header.
    fn parse(header: &[u8]) -> Result<Self> {
        Ok(Self {
            name: u32_at(header, 0)?,
            kind: u32_at(header, 4)?,
            flags: u64_at(header, 8)?,
            offset: u64_at(header, 24)?,
            size: u64_at(header, 32)?,
            link: u32_at(header, 40)?,
            info: u32_at(header, 44)?,
            raw: array_at(header, 0)?,
        })
    }

    /// Tells whether it is loaded when the program runs.
    pub(super) fn is_loaded(&self) -> bool {
        self.flags & SHF_ALLOC != 0
    }
}

impl Segment {
    /// Reads a program header.
    fn parse(header: &[u8]) -> Result<Self> {
        Ok(Self {
            kind: u32_at(header, 0)?,
            flags: u32_at(header, 4)?,
            offset: u64_at(header, 8)?,
            file_size: u64_at(header, 32)?,
        })
    }
}

/// Returns the entries of a table of headers; where its offset, its length and the size of its entries stand is given.
fn table(
    bytes: &[u8],
    offset_at: usize,
    count_at: usize,
    size_at: usize,
    size: usize,
) -> Result<std::slice::ChunksExact<'_, u8>> {
    let count = u16_at(bytes, count_at)?;
    ensure!(
        count == 0 || usize::from(u16_at(bytes, size_at)?) == size,
        "the headers have an unusual size"
    );
    let length = u64::from(count) * u64::try_from(size)?;
    Ok(slice(bytes, u64_at(bytes, offset_at)?, length)?.chunks_exact(size))
}

/// Returns `length` bytes from `offset`.
fn slice(bytes: &[u8], offset: u64, length: u64) -> Result<&[u8]> {
    let start = usize::try_from(offset)?;
    let length = usize::try_from(length)?;
    start
        .checked_add(length)
        .and_then(|end| bytes.get(start..end))
        .with_context(|| format!("{length} bytes from {start} lie outside the file"))
}

/// Returns the text at `offset`, up to its zero byte.
fn text_at(bytes: &[u8], offset: u32) -> Result<&[u8]> {
    let rest = bytes
        .get(usize::try_from(offset)?..)
        .context("a name lies outside its table")?;
    let end = rest.iter().position(|byte| *byte == 0);
    Ok(rest.get(..end.unwrap_or(rest.len())).unwrap_or(rest))
}

/// Returns the bytes at `offset`.
fn array_at<const N: usize>(bytes: &[u8], offset: usize) -> Result<[u8; N]> {
    bytes
        .get(offset..)
        .and_then(|rest| rest.first_chunk())
        .copied()
        .context("a header is cut short")
}

/// Returns the number of two bytes at `offset`.
fn u16_at(bytes: &[u8], offset: usize) -> Result<u16> {
    array_at(bytes, offset).map(u16::from_le_bytes)
}

/// Returns the number of four bytes at `offset`.
fn u32_at(bytes: &[u8], offset: usize) -> Result<u32> {
    array_at(bytes, offset).map(u32::from_le_bytes)
}

/// Returns the number of eight bytes at `offset`.
fn u64_at(bytes: &[u8], offset: usize) -> Result<u64> {
    array_at(bytes, offset).map(u64::from_le_bytes)
}
