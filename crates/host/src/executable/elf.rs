//! Reads the headers of a 64-bit ELF file, and bounded pieces of what they point to.
//!
//! Layouts and constants are those of the System V ABI (`elf(5)`, `<elf.h>`) and of the processor
//! supplements for the relocation numbers. Only what the linkers of Go programs emit is understood.

mod headers;

pub(super) use self::headers::{ByteOrder, Fields, Section};
use self::headers::{FileHeader, Segment, read_exact};
use super::{ExecutableError, ReadAt};

const MAX_SECTION_NAMES: u64 = 64 << 10;
/// Those of a kubectl 1.36 built with `-buildmode=pie` take 5 MiB.
const MAX_RELOCATIONS: u64 = 32 << 20;
const RELOCATION_SIZE: usize = 24;
const RELOCATIONS_AT_ONCE: u64 = 4096;

const EM_PPC64: u16 = 21;
/// s390x, of which the 32-bit form has the same number.
pub(super) const EM_S390: u16 = 22;
const EM_X86_64: u16 = 62;
const EM_AARCH64: u16 = 183;
const EM_RISCV: u16 = 243;
const SHT_RELA: u32 = 4;

/// An ELF file, its headers read.
pub(super) struct Elf<'f> {
    file: &'f dyn ReadAt,
    /// In which order its numbers are written.
    pub(super) order: ByteOrder,
    /// The processor it is for.
    pub(super) machine: u16,
    segments: Vec<Segment>,
    sections: Vec<Section>,
    section_names: Vec<u8>,
}

impl<'f> Elf<'f> {
    /// Reads the headers.
    pub(super) fn parse(file: &'f dyn ReadAt) -> Result<Self, ExecutableError> {
        let FileHeader {
            order,
            machine,
            segments,
            sections,
            section_names,
        } = FileHeader::read(file)?;
        let segments = segments.read(file, order, Segment::of)?;
        let sections = sections.read(file, order, Section::of)?;
        let names = sections.get(usize::from(section_names)).copied();
        let mut elf = Self {
            file,
            order,
            machine,
            segments,
            sections,
            section_names: Vec::new(),
        };
        if let Some(names) = names {
            elf.section_names = elf.content(&names, MAX_SECTION_NAMES, "section names")?;
        }
        Ok(elf)
    }

    /// Returns the section of that name, if the file holds its content.
    pub(super) fn section(&self, name: &str) -> Option<Section> {
        let is_named = |section: &&Section| {
            let at = usize::try_from(section.name).ok();
            let rest =
                at.and_then(|at| self.section_names.get(at..)?.strip_prefix(name.as_bytes()));
            rest.is_some_and(|rest| rest.first() == Some(&0))
        };
        self.sections
            .iter()
            .filter(|section| section.is_in_file())
            .find(is_named)
            .copied()
    }

    /// Returns the content of a section of at most `limit` bytes.
    pub(super) fn content(
        &self,
        section: &Section,
        limit: u64,
        part: &'static str,
    ) -> Result<Vec<u8>, ExecutableError> {
        self.bytes(section.offset, section.size, limit, part)
    }

    /// Returns where in the file the `size` bytes lie that the program finds at `address`, if they are
    /// in one segment.
    pub(super) fn offset_of(&self, address: u64, size: u64) -> Option<u64> {
        self.segments
            .iter()
            .find_map(|segment| segment.offset_of(address, size))
    }

    /// Tells whether the program finds zeros at `address` that the file does not hold (`.bss`).
    pub(super) fn is_zeroed(&self, address: u64) -> bool {
        self.segments
            .iter()
            .any(|segment| segment.is_zeroed(address))
    }

    /// Returns where in the file the `size` bytes lie, if the program cannot write them.
    pub(super) fn constant_offset_of(&self, address: u64, size: u64) -> Option<u64> {
        let mut constant = self.segments.iter().filter(|segment| !segment.writable);
        constant.find_map(|segment| segment.offset_of(address, size))
    }

    /// Reads `size` bytes from `offset` on, where that is at most `limit`.
    pub(super) fn bytes(
        &self,
        offset: u64,
        size: u64,
        limit: u64,
        part: &'static str,
    ) -> Result<Vec<u8>, ExecutableError> {
        if size > limit {
            return Err(ExecutableError::TooLarge { part, size, limit });
        }
        // Before the allocation, so that a small file never makes us allocate much.
        if offset
            .checked_add(size)
            .is_none_or(|end| end > self.file.size())
        {
            return Err(ExecutableError::Truncated { part });
        }
        let size =
            usize::try_from(size).map_err(|_| ExecutableError::TooLarge { part, size, limit })?;
        let mut bytes = vec![0; size];
        read_exact(self.file, offset, &mut bytes, part)?;
        Ok(bytes)
    }

    /// Returns up to `size` bytes from `offset` on: fewer at the end of the file.
    pub(super) fn window(
        &self,
        offset: u64,
        size: u64,
        part: &'static str,
    ) -> Result<Vec<u8>, ExecutableError> {
        let size = size.min(self.file.size().saturating_sub(offset));
        self.bytes(offset, size, size, part)
    }

    /// Does to the bytes that lie at `address` what the loader does: puts into the program's pointers the
    /// addresses that they point to, for a program loaded at address 0.
    ///
    /// In a position-independent program the bytes in the file may be zero and the address be in the
    /// relocation alone. (Packed relocations, `SHT_RELR`, keep the address in the bytes.)
    pub(super) fn relocate(&self, address: u64, content: &mut [u8]) -> Result<(), ExecutableError> {
        let part = "relocations";
        let Some(relative) = relative_relocation(self.machine) else {
            return Ok(());
        };
        let tables = || {
            self.sections
                .iter()
                .filter(|table| table.kind == SHT_RELA && table.is_in_file())
        };
        let size = tables()
            .map(|table| table.size)
            .fold(0, u64::saturating_add);
        if size > MAX_RELOCATIONS {
            return Err(ExecutableError::TooLarge {
                part,
                size,
                limit: MAX_RELOCATIONS,
            });
        }
        for table in tables() {
            let step = RELOCATIONS_AT_ONCE * RELOCATION_SIZE as u64;
            let mut done = 0;
            while done < table.size {
                let offset = table
                    .offset
                    .checked_add(done)
                    .ok_or(ExecutableError::Malformed { part })?;
                let relocations = self.bytes(offset, step.min(table.size - done), step, part)?;
                for relocation in relocations.chunks_exact(RELOCATION_SIZE) {
                    self.apply(
                        Fields::new(relocation, self.order),
                        relative,
                        address,
                        content,
                    );
                }
                done += step;
            }
        }
        Ok(())
    }

    /// Applies one relocation, if it is a relative one of a pointer in `content`, which begins at `start`.
    fn apply(&self, relocation: Fields<'_>, relative: u32, start: u64, content: &mut [u8]) {
        let (Some(address), Some(info), Some(addend)) =
            (relocation.u64(0), relocation.u64(8), relocation.u64(16))
        else {
            return;
        };
        // The lower half is the type; the upper half, a symbol, is none.
        if info != u64::from(relative) {
            return;
        }
        let at = address
            .checked_sub(start)
            .and_then(|at| usize::try_from(at).ok());
        if let Some(pointer) = at.and_then(|at| content.get_mut(at..)?.first_chunk_mut::<8>()) {
            *pointer = match self.order {
                ByteOrder::Little => addend.to_le_bytes(),
                ByteOrder::Big => addend.to_be_bytes(),
            };
        }
    }
}

/// Returns the number of the relocation that means "load address plus addend", where one is known.
///
/// On s390x the linker goes through symbols instead: there a position-independent program does not tell
/// its version.
fn relative_relocation(machine: u16) -> Option<u32> {
    match machine {
        EM_X86_64 => Some(8),
        EM_AARCH64 => Some(1027),
        EM_PPC64 => Some(22),
        EM_RISCV => Some(3),
        _ => None,
    }
}
