//! The headers of a 64-bit ELF file, and the numbers in them.

use crate::executable::{ExecutableError, ReadAt};

/// Real programs have about ten segments and forty sections.
const MAX_SEGMENTS: u16 = 128;
const MAX_SECTIONS: u16 = 1024;

const ET_EXEC: u16 = 2;
const ET_DYN: u16 = 3;
const PT_LOAD: u32 = 1;
const PF_W: u32 = 2;
const SHT_NOBITS: u32 = 8;
const SHF_ALLOC: u64 = 2;
const SHF_COMPRESSED: u64 = 0x800;

/// In which order the bytes of a number stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::executable) enum ByteOrder {
    /// The lowest byte first: `x86_64`, aarch64, ppc64le, riscv64.
    Little,
    /// The highest byte first: s390x.
    Big,
}

/// Fields of a record, by their offset in it.
#[derive(Clone, Copy)]
pub(in crate::executable) struct Fields<'b> {
    bytes: &'b [u8],
    order: ByteOrder,
}

impl<'b> Fields<'b> {
    pub(in crate::executable) fn new(bytes: &'b [u8], order: ByteOrder) -> Self {
        Self { bytes, order }
    }

    pub(in crate::executable) fn u16(self, offset: usize) -> Option<u16> {
        let bytes = *self.bytes.get(offset..)?.first_chunk()?;
        Some(match self.order {
            ByteOrder::Little => u16::from_le_bytes(bytes),
            ByteOrder::Big => u16::from_be_bytes(bytes),
        })
    }

    pub(in crate::executable) fn u32(self, offset: usize) -> Option<u32> {
        let bytes = *self.bytes.get(offset..)?.first_chunk()?;
        Some(match self.order {
            ByteOrder::Little => u32::from_le_bytes(bytes),
            ByteOrder::Big => u32::from_be_bytes(bytes),
        })
    }

    pub(in crate::executable) fn u64(self, offset: usize) -> Option<u64> {
        let bytes = *self.bytes.get(offset..)?.first_chunk()?;
        Some(match self.order {
            ByteOrder::Little => u64::from_le_bytes(bytes),
            ByteOrder::Big => u64::from_be_bytes(bytes),
        })
    }
}

/// The fields of the file header that are needed.
pub(super) struct FileHeader {
    pub(super) order: ByteOrder,
    pub(super) machine: u16,
    pub(super) segments: Table,
    pub(super) sections: Table,
    /// Which section holds the names of the sections.
    pub(super) section_names: u16,
}

impl FileHeader {
    /// Reads the beginning of a file.
    pub(super) fn read(file: &dyn ReadAt) -> Result<Self, ExecutableError> {
        let part = "file header";
        let mut identity = [0; 16];
        read_exact(file, 0, &mut identity, part).map_err(|error| match error {
            ExecutableError::Truncated { .. } => ExecutableError::NotElf,
            other => other,
        })?;
        let order = match identity {
            [0x7f, b'E', b'L', b'F', 2, 1, ..] => ByteOrder::Little,
            [0x7f, b'E', b'L', b'F', 2, 2, ..] => ByteOrder::Big,
            [0x7f, b'E', b'L', b'F', 1, ..] => {
                return Err(ExecutableError::Unsupported("32-bit programs"));
            }
            [0x7f, b'E', b'L', b'F', ..] => return Err(ExecutableError::Malformed { part }),
            _ => return Err(ExecutableError::NotElf),
        };
        let mut header = [0; 64];
        read_exact(file, 0, &mut header, part)?;
        let fields = Fields::new(&header, order);
        let kind = fields.u16(16);
        if kind != Some(ET_EXEC) && kind != Some(ET_DYN) {
            return Err(ExecutableError::Unsupported(
                "ELF files other than programs",
            ));
        }
        Self::of(fields).ok_or(ExecutableError::Malformed { part })
    }

    fn of(fields: Fields<'_>) -> Option<Self> {
        Some(Self {
            order: fields.order,
            machine: fields.u16(18)?,
            segments: Table {
                part: "program headers",
                offset: fields.u64(32)?,
                entry_size: fields.u16(54)?,
                expected_entry_size: 56,
                count: fields.u16(56)?,
                max_count: MAX_SEGMENTS,
            },
            sections: Table {
                part: "section headers",
                offset: fields.u64(40)?,
                entry_size: fields.u16(58)?,
                expected_entry_size: 64,
                count: fields.u16(60)?,
                max_count: MAX_SECTIONS,
            },
            section_names: fields.u16(62)?,
        })
    }
}

/// Where an array of headers lies.
pub(super) struct Table {
    part: &'static str,
    offset: u64,
    entry_size: u16,
    expected_entry_size: u16,
    count: u16,
    max_count: u16,
}

impl Table {
    /// Reads the array, without the headers for which `entry` returns none.
    pub(super) fn read<T>(
        &self,
        file: &dyn ReadAt,
        order: ByteOrder,
        entry: impl Fn(Fields<'_>) -> Option<T>,
    ) -> Result<Vec<T>, ExecutableError> {
        let part = self.part;
        if self.count == 0 {
            return Ok(Vec::new());
        }
        if self.count > self.max_count {
            let (size, limit) = (u64::from(self.count), u64::from(self.max_count));
            return Err(ExecutableError::TooLarge { part, size, limit });
        }
        if self.entry_size != self.expected_entry_size {
            return Err(ExecutableError::Malformed { part });
        }
        let entry_size = usize::from(self.entry_size);
        let size = entry_size * usize::from(self.count);
        let end = self.offset.checked_add(size as u64);
        if end.is_none_or(|end| end > file.size()) {
            return Err(ExecutableError::Truncated { part });
        }
        let mut bytes = vec![0; size];
        read_exact(file, self.offset, &mut bytes, part)?;
        let entries = bytes.chunks_exact(entry_size);
        Ok(entries
            .filter_map(|bytes| entry(Fields::new(bytes, order)))
            .collect())
    }
}

/// A part of the file that is mapped when the program is loaded.
pub(super) struct Segment {
    pub(super) writable: bool,
    address: u64,
    offset: u64,
    /// How much of it is in the file.
    size: u64,
    /// How much memory it takes; what is not in the file is zero.
    memory: u64,
}

impl Segment {
    /// Returns a segment, or none where the header is of another kind.
    pub(super) fn of(fields: Fields<'_>) -> Option<Self> {
        let segment = Self {
            writable: fields.u32(4)? & PF_W != 0,
            offset: fields.u64(8)?,
            address: fields.u64(16)?,
            size: fields.u64(32)?,
            memory: fields.u64(40)?,
        };
        (fields.u32(0)? == PT_LOAD).then_some(segment)
    }

    /// Returns where in the file the `size` bytes at `address` lie, if all of them do.
    pub(super) fn offset_of(&self, address: u64, size: u64) -> Option<u64> {
        let from = address.checked_sub(self.address)?;
        let to = from.checked_add(size)?;
        (to <= self.size).then_some(from)?.checked_add(self.offset)
    }

    /// Tells whether there is memory at `address` that the file does not hold.
    pub(super) fn is_zeroed(&self, address: u64) -> bool {
        let at = address.checked_sub(self.address);
        at.is_some_and(|at| (self.size..self.memory).contains(&at))
    }
}

/// A named part of the file.
#[derive(Debug, Clone, Copy)]
pub(in crate::executable) struct Section {
    /// Where its name begins among the names.
    pub(super) name: u32,
    pub(super) kind: u32,
    flags: u64,
    /// Where it lies in the memory of the program.
    pub(in crate::executable) address: u64,
    pub(super) offset: u64,
    pub(super) size: u64,
}

impl Section {
    pub(super) fn of(fields: Fields<'_>) -> Option<Self> {
        Some(Self {
            name: fields.u32(0)?,
            kind: fields.u32(4)?,
            flags: fields.u64(8)?,
            address: fields.u64(16)?,
            offset: fields.u64(24)?,
            size: fields.u64(32)?,
        })
    }

    /// Tells whether the file holds what is in memory at `address` when the program starts.
    pub(super) fn is_in_file(&self) -> bool {
        self.kind != SHT_NOBITS && self.flags & SHF_ALLOC != 0 && self.flags & SHF_COMPRESSED == 0
    }
}

/// Fills the buffer from `offset` on.
pub(super) fn read_exact(
    file: &dyn ReadAt,
    offset: u64,
    buffer: &mut [u8],
    part: &'static str,
) -> Result<(), ExecutableError> {
    let mut at = offset;
    let mut rest = buffer;
    while !rest.is_empty() {
        let read = match file.read_at(at, rest) {
            Ok(0) => return Err(ExecutableError::Truncated { part }),
            Ok(read) => read,
            Err(source) => return Err(ExecutableError::Unreadable { offset: at, source }),
        };
        at = at
            .checked_add(read as u64)
            .ok_or(ExecutableError::Malformed { part })?;
        rest = rest
            .get_mut(read..)
            .ok_or(ExecutableError::Malformed { part })?;
    }
    Ok(())
}
