//! What several tests of the distribution need: a reader of tar archives and a small program in ELF.

/// An entry of a tar archive.
pub(super) struct Entry<'a> {
    /// Its name.
    pub(super) name: String,
    /// Its permissions.
    pub(super) mode: u64,
    /// User and group.
    pub(super) owner: (u64, u64),
    /// Seconds since 1970.
    pub(super) time: u64,
    /// What is in it.
    pub(super) contents: &'a [u8],
}

/// Reads a tar archive, and checks the checksum of every header.
pub(super) fn entries(archive: &[u8]) -> Vec<Entry<'_>> {
    let mut entries = Vec::new();
    let mut at = 0;
    while archive[at] != 0 {
        let header = &archive[at..at + 512];
        let text = |from: usize, length: usize| {
            let field = &header[from..from + length];
            let end = field.iter().position(|byte| *byte == 0).unwrap_or(length);
            std::str::from_utf8(&field[..end])
                .unwrap()
                .trim()
                .to_owned()
        };
        let number = |from, length| u64::from_str_radix(&text(from, length), 8).unwrap();
        let sum: u64 = header
            .iter()
            .enumerate()
            .map(|(at, byte)| {
                if (148..156).contains(&at) {
                    32
                } else {
                    u64::from(*byte)
                }
            })
            .sum();
        assert_eq!(number(148, 8), sum, "checksum of {}", text(0, 100));
        assert_eq!(&header[257..265], b"ustar\x0000");
        let size = usize::try_from(number(124, 12)).unwrap();
        entries.push(Entry {
            name: text(0, 100),
            mode: number(100, 8),
            owner: (number(108, 8), number(116, 8)),
            time: number(136, 12),
            contents: &archive[at + 512..at + 512 + size],
        });
        at += 512 + size.next_multiple_of(512);
    }
    entries
}

/// A section of a small program: name, kind, flags, contents, linked section.
type Part<'a> = (&'a str, u32, u64, &'a [u8], u32);

/// Returns a small program with a symbol table: names, and whether they are defined.
pub(super) fn program(symbols: &[(&str, bool)]) -> Vec<u8> {
    program_of(b"code", symbols)
}

/// Returns a program with this code, which is loaded up to its last loaded section.
pub(super) fn program_of(code: &[u8], symbols: &[(&str, bool)]) -> Vec<u8> {
    let mut names = vec![0];
    let mut table = vec![0; 24];
    for (name, defined) in symbols {
        let mut entry = [0; 24];
        entry[..4].copy_from_slice(&u32::try_from(names.len()).unwrap().to_le_bytes());
        entry[6] = u8::from(*defined);
        table.extend(entry);
        names.extend(name.as_bytes());
        names.push(0);
    }
    let parts: [Part<'_>; 5] = [
        (".text", 1, 6, code, 0),
        (".debug", 1, 0, b"where it was built", 0),
        (".bss", 8, 3, b"", 0),
        (".symtab", 2, 0, &table, 5),
        (".strtab", 3, 0, &names, 0),
    ];
    laid_out(&parts)
}

/// Lays out the parts: ELF header, two program headers, contents, section headers.
fn laid_out(parts: &[Part<'_>]) -> Vec<u8> {
    let mut bytes = vec![0; 64 + 2 * 56];
    let mut headers = vec![0; 64];
    let mut names = vec![0];
    let mut loaded = 0;
    let header = |names: &mut Vec<u8>, (name, kind, flags, contents, link): Part<'_>, at: usize| {
        let mut header = [0; 64];
        header[..4].copy_from_slice(&u32::try_from(names.len()).unwrap().to_le_bytes());
        header[4..8].copy_from_slice(&kind.to_le_bytes());
        header[8..16].copy_from_slice(&flags.to_le_bytes());
        header[24..32].copy_from_slice(&at.to_le_bytes());
        header[32..40].copy_from_slice(&contents.len().to_le_bytes());
        header[40..44].copy_from_slice(&link.to_le_bytes());
        names.extend(name.as_bytes());
        names.push(0);
        header
    };
    for part in parts {
        headers.extend(header(&mut names, *part, bytes.len()));
        bytes.extend(part.3);
        if part.2 & 2 != 0 && part.1 != 8 {
            loaded = bytes.len();
        }
    }
    let mut all = names.clone();
    all.extend(b".shstrtab\0");
    headers.extend(header(
        &mut names,
        (".shstrtab", 3, 0, &all, 0),
        bytes.len(),
    ));
    bytes.extend(all);
    bytes.resize(bytes.len().next_multiple_of(8), 0);

    bytes[..6].copy_from_slice(&[0x7f, b'E', b'L', b'F', 2, 1]);
    let sections = bytes.len();
    let count = u8::try_from(headers.len() / 64).unwrap();
    bytes[0x20] = 64;
    bytes[0x28..0x30].copy_from_slice(&sections.to_le_bytes());
    bytes[0x36] = 56;
    bytes[0x38] = 2;
    bytes[0x3a] = 64;
    bytes[0x3c] = count;
    bytes[0x3e] = count - 1;
    // Loaded, read and executed; and a stack that is read and written.
    bytes[64] = 1;
    bytes[68] = 5;
    bytes[96..104].copy_from_slice(&loaded.to_le_bytes());
    bytes[120..124].copy_from_slice(&0x6474_e551_u32.to_le_bytes());
    bytes[124] = 6;
    bytes.extend(headers);
    bytes
}
