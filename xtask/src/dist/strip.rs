//! Strips a program: what is loaded stays byte for byte, symbols and debugging notes go.
//!
//! Our own instead of the linker's or binutils', because the symbol table is looked at first and the very bytes that
//! were looked at are shipped. A second link would make a second program.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};

use super::elf::{Elf, PT_LOAD, SECTION_HEADER, SHF_INFO_LINK, SHT_NOBITS, Section};

/// The name of the table of section names.
const NAMES: &[u8] = b".shstrtab";
/// A table of names.
const SHT_STRTAB: u32 = 3;

/// Returns the program without the sections that are not loaded.
pub(super) fn strip(elf: &Elf<'_>) -> Result<Vec<u8>> {
    let kept: Vec<(usize, &Section)> = elf
        .sections
        .iter()
        .enumerate()
        .filter(|(number, section)| *number == 0 || section.is_loaded())
        .collect();
    let numbers: BTreeMap<u32, u32> = kept
        .iter()
        .enumerate()
        .map(|(new, (old, _))| Ok((u32::try_from(*old)?, u32::try_from(new)?)))
        .collect::<Result<_>>()?;

    let mut bytes = elf
        .bytes
        .get(..end_of_program(elf)?)
        .context("a segment lies outside the file")?
        .to_vec();
    let mut names = vec![0];
    let mut headers = Vec::new();
    for (_, section) in &kept {
        let mut header = section.raw;
        put(
            &mut header,
            0,
            &place(&mut names, elf.section_name(section)?)?,
        )?;
        // A section that is gone is linked to no more: 0 is "none".
        let renumber = |number: u32| numbers.get(&number).copied().unwrap_or(0).to_le_bytes();
        put(&mut header, 40, &renumber(section.link))?;
        if section.flags & SHF_INFO_LINK != 0 {
            put(&mut header, 44, &renumber(section.info))?;
        }
        headers.extend(header);
    }
    let mut last = [0; SECTION_HEADER];
    put(&mut last, 0, &place(&mut names, NAMES)?)?;
    put(&mut last, 4, &SHT_STRTAB.to_le_bytes())?;
    put(&mut last, 24, &u64::try_from(bytes.len())?.to_le_bytes())?;
    put(&mut last, 32, &u64::try_from(names.len())?.to_le_bytes())?;
    put(&mut last, 48, &1_u64.to_le_bytes())?;
    headers.extend(last);

    bytes.extend(names);
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    let table = u64::try_from(bytes.len())?;
    put(&mut bytes, 0x28, &table.to_le_bytes())?;
    put(
        &mut bytes,
        0x3c,
        &u16::try_from(kept.len() + 1)?.to_le_bytes(),
    )?;
    put(&mut bytes, 0x3e, &u16::try_from(kept.len())?.to_le_bytes())?;
    bytes.extend(headers);
    Ok(bytes)
}

/// Returns where in the file the last byte of what is loaded ends.
fn end_of_program(elf: &Elf<'_>) -> Result<usize> {
    let segments = elf
        .segments
        .iter()
        .filter(|segment| segment.kind == PT_LOAD)
        .map(|segment| segment.offset.checked_add(segment.file_size));
    let sections = elf
        .sections
        .iter()
        .filter(|section| section.is_loaded() && section.kind != SHT_NOBITS)
        .map(|section| section.offset.checked_add(section.size));
    let mut end = 64;
    for each in segments.chain(sections) {
        end = end.max(each.context("a segment lies outside the file")?);
    }
    Ok(usize::try_from(end)?)
}

/// Adds a name to the table of names and returns where it stands, as a header has it.
fn place(names: &mut Vec<u8>, name: &[u8]) -> Result<[u8; 4]> {
    if name.is_empty() {
        return Ok([0; 4]);
    }
    let at = u32::try_from(names.len())?;
    names.extend(name);
    names.push(0);
    Ok(at.to_le_bytes())
}

/// Writes bytes over others.
fn put(bytes: &mut [u8], offset: usize, value: &[u8]) -> Result<()> {
    bytes
        .get_mut(offset..)
        .and_then(|rest| rest.get_mut(..value.len()))
        .context("a header is cut short")?
        .copy_from_slice(value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Elf, strip};
    use crate::dist::inspect;
    use crate::dist::testing::program;

    #[test]
    fn stripped_program_keeps_what_is_loaded_and_loses_the_rest() {
        let whole = program(&[("main", true)]);
        let elf = Elf::parse(&whole).unwrap();
        let stripped = strip(&elf).unwrap();
        let read = Elf::parse(&stripped).unwrap();
        let names: Vec<&[u8]> = read
            .sections
            .iter()
            .map(|section| read.section_name(section).unwrap())
            .collect();
        assert_eq!(names, [&b""[..], b".text", b".bss", b".shstrtab"]);
        assert_eq!(read.contents(&read.sections[1]).unwrap(), b"code");
        assert!(!stripped.windows(9).any(|window| window == b"where it "));
        assert_eq!(
            read.defined_symbols().unwrap_err().to_string(),
            "there is no symbol table"
        );
        // Bytes of the program itself: all but where the headers of the sections are.
        let end = 64 + 2 * 56 + 4;
        assert_eq!(stripped[0x40..end], whole[0x40..end]);
        assert_eq!(strip(&read).unwrap(), stripped, "once is enough");
    }

    #[test]
    fn program_cut_anywhere_is_an_error_or_read_and_never_a_panic() {
        let whole = program(&[("main", true)]);
        for length in 0..whole.len() {
            let Ok(elf) = Elf::parse(&whole[..length]) else {
                continue;
            };
            drop((elf.defined_symbols(), strip(&elf)));
        }
    }

    #[test]
    fn symbols_that_are_defined_count_and_others_do_not() {
        let allowed = program(&[("main", true), ("__nss_database_get", false)]);
        inspect::symbols(&Elf::parse(&allowed).unwrap()).unwrap();
        let refused = program(&[
            ("getaddrinfo", true),
            ("main", true),
            ("__nss_lookup", true),
            ("popen", true),
        ]);
        let fault = inspect::symbols(&Elf::parse(&refused).unwrap()).unwrap_err();
        let lines: Vec<String> = fault
            .to_string()
            .lines()
            .skip(1)
            .map(str::to_owned)
            .collect();
        assert_eq!(
            lines,
            [
                "  glibc would load the host's NSS modules, made for another glibc: __nss_lookup getaddrinfo",
                "  kubeassay waits for no connection, and gives no command to a shell: popen",
            ]
        );
    }

    #[test]
    fn program_with_an_executable_stack_or_a_linker_is_refused() {
        let good = program(&[]);
        inspect::segments(&Elf::parse(&good).unwrap()).unwrap();
        for (at, byte, fault) in [
            (124, 7, "an executable stack"),
            (120, 0, "does not say that its stack"),
            (64, 3, "not static"),
            (68, 7, "both written and executed"),
        ] {
            let mut bad = good.clone();
            bad[at] = byte;
            let found = inspect::segments(&Elf::parse(&bad).unwrap()).unwrap_err();
            assert!(found.to_string().contains(fault), "{found}");
        }
    }
}
